// test_live.mjs -- the dashboard of services that come and go: it says so, and is there again with
// them; of several it has the numbers of all. What moves does not push the rest about.
import assert from 'node:assert/strict';
import test from 'node:test';
import { balancer, close, open, Service, shot, shows, until, visit } from './harness.mjs';

const MANY = 10000;

// Sells single units until `enough` says so.
async function sellUntil(service, sku, enough) {
    let going = true;
    const seller = (async () => {
        while (going)
            await service.call('POST', `v1/items/${sku}/decrements`, { quantity: 1 }).catch(() => null);
    })();
    try {
        await enough();
    } finally {
        going = false;
        await seller;
    }
}

const status = (page) => page.locator('#status .connection');

test('numbers move, and nothing else does', async () => {
    const service = await Service.start();
    await service.put('busy', 1000000);
    const page = await open(service.url);
    await shows(status(page), 'live');
    await sellUntil(service, 'busy', async () => {
        await shows(page.locator('ul.hot'), 'busy');
        await page.evaluate(() => {
            window.shifts = [];
            new PerformanceObserver((list) => window.shifts.push(...list.getEntries().filter((entry) => !entry.hadRecentInput)
                .map((entry) => ({ value: entry.value, of: entry.sources.map(({ node }) => node && (node.className || node.nodeName)) })))).observe({ type: 'layout-shift' });
        });
        // Three samples more.
        for (let i = 0; i < 3; i++) {
            const before = await page.locator('.verdict .line').innerText();
            await until('there is another sample', async () => await page.locator('.verdict .line').innerText() !== before);
        }
        await shot(page, 'overview-busy');
    });
    assert.deepEqual(await page.evaluate(() => window.shifts), []);
    await shows(page.locator('.tiles'), 'Sold a second');
    await visit(page, '#/items/busy');
    await shows(page.locator('h1'), 'busy');
    await close(page);
    await service.end();
});

test('a service that dies is away, and is there again when it comes back', async () => {
    const service = await Service.start();
    await service.put('apple', 10);
    const page = await open(service.url, { refusals: true });
    await shows(status(page), 'live');
    await service.kill();
    await shows(status(page), 'away');
    await shows(page.locator('.verdict'), 'tries again');
    await shot(page, 'overview-away');
    await visit(page, '#/items/apple');
    await shows(page.locator('main'), /cannot be reached|No answer/);
    await service.again();
    await shows(status(page), 'live');
    await shows(page.locator('h1'), 'in stock');
    await visit(page, '#/');
    await shows(page.locator('.verdict'), '1 service');
    await close(page);
    await service.end();
});

test('behind a balancer it is about all services, and outlives one', async () => {
    const first = await Service.start();
    const second = await Service.start({ beside: first });
    const url = await balancer([first, second]);
    const page = await open(url, { refusals: true });
    await shows(page.locator('.verdict'), '2 services');
    await shot(page, 'overview-two-services');
    await first.put('apple', 10);
    await second.call('POST', 'v1/items/apple/decrements', { quantity: 10 });
    await visit(page, '#/items/apple');
    await shows(page.locator('h1'), 'sold out');
    await second.kill();
    await visit(page, '#/');
    await shows(page.locator('.verdict'), '1 service');
    await shows(status(page), 'live');
    await close(page);
    await first.end();
});

test('among ten thousand items one is found', async () => {
    const service = await Service.start();
    for (let i = 0; i < MANY; i += 500)
        await Promise.all(Array.from({ length: 500 }, (_, j) => service.put(`part-${String(i + j).padStart(5, '0')}`, 1)));
    const page = await open(`${service.url}/#/items`);
    await shows(page.locator('.pager'), 'first 50');
    await page.keyboard.press('/');
    await page.keyboard.type('part-0987');
    await shows(page.getByRole('listbox'), 'part-09870');
    await page.keyboard.press('Enter');
    await shows(page.locator('.pager'), '10 items');
    await visit(page, '#/items/part-09999');
    await shows(page.locator('h1'), 'in stock');
    await visit(page, '#/');
    await shows(page.locator('.verdict'), 'as of');
    await shot(page, 'overview-many-items');
    await close(page);
    await service.end();
});
