// test_pages.mjs -- every page of the dashboard, on a desk by day and by night and on a phone: it is
// whole, readable by all, as wide as the screen, and nothing is wrong with it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { accessible } from './accessible.mjs';
import { close, fits, open, Service, shot, shows, until, VIEWS, visit } from './harness.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>';
let service, held, sold;

test.before(async () => {
    service = await Service.start({ flags: ['--partitions', '2'] });
    await service.put('apple', 100);
    await service.put('pear', 3);
    held = await service.reserve('apple', 4, { ttl_seconds: 3600, customer: HOSTILE, reference: 'order-1', metadata: { note: HOSTILE } });
    sold = await service.reserve('apple', 10, { reference: 'order-2' });
    await service.call('POST', `v1/reservations/${sold.id}/confirm`);
    await service.call('POST', 'v1/items/pear/decrements', { quantity: 3 });
    await until('the ledger has it', async () =>
        (await service.call('GET', 'v1/items/pear/movements')).movements.length === 2);
});

// Each page, and what must be there before it is looked at.
const PAGES = [
    { name: 'overview', at: '#/', ready: (page) => shows(page.locator('.verdict'), 'as of') },
    { name: 'items', at: '#/items', ready: (page) => shows(page.locator('main table'), 'pear') },
    { name: 'item', at: '#/items/apple', ready: async (page) => {
        await shows(page.locator('.holds table'), held.id);
        await shows(page.locator('main'), 'confirm');
    } },
    { name: 'item-sold-out', at: '#/items/pear', ready: (page) => shows(page.locator('h1'), 'sold out') },
    { name: 'item-missing', at: '#/items/plum', refused: true, ready: (page) => shows(page.locator('h1'), 'not there') },
    { name: 'reservations', at: '#/reservations', ready: (page) => shows(page.locator('main table'), sold.id) },
    { name: 'reservation', at: () => `#/reservations/${held.id}`, ready: (page) => shows(page.locator('.story'), 'Held') },
    { name: 'try', at: '#/try', ready: (page) => shows(page.locator('.command'), 'curl') },
    { name: 'operations', at: '#/operations', ready: (page) => shows(page.locator('main'), 'batch-max') },
    { name: 'nowhere', at: '#/nowhere', ready: (page) => shows(page.locator('h1'), 'no such page') },
];

for (const [name, view] of Object.entries(VIEWS))
    test(`every page is whole: ${name}`, async () => {
        const page = await open(service.url, { view, refusals: true });
        for (const { name: where, at, ready, refused } of PAGES) {
            await visit(page, typeof at === 'function' ? at() : at);
            await ready(page);
            await fits(page);
            await accessible(page, `${where}, ${name}`);
            await shot(page, `${where}-${name}`);
            assert.match(await page.title(), / – stockd$/, where);
            assert.equal(await page.locator('h1').count(), 1, `headings of ${where}`);
            assert.equal(await page.locator('main img, main [onerror]').count(), 0, `text became part of ${where}`);
            assert.ok(refused || page.faults.length === 0, `${where}: ${page.faults}`);
        }
        await close(page);
    });

test('no page says anything in the console', async () => {
    const page = await open(service.url);
    for (const { at, ready, refused } of PAGES.filter((one) => !one.refused)) {
        await visit(page, typeof at === 'function' ? at() : at);
        await ready(page);
        assert.ok(!refused);
    }
    await close(page);
});

test('text of others is shown as it is', async () => {
    const page = await open(`${service.url}/#/reservations/${held.id}`);
    await shows(page.locator('main'), HOSTILE);
    await visit(page, '#/items/apple');
    await shows(page.locator('.holds table'), HOSTILE);
    await close(page);
});

test('one gets about by keyboard alone', async () => {
    const page = await open(service.url);
    await shows(page.locator('.verdict'), 'as of');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    await page.keyboard.press('/');
    await page.keyboard.type('pea');
    await shows(page.getByRole('listbox'), 'pear');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await shows(page.locator('h1'), 'pear');
    await page.keyboard.press('/');
    await page.keyboard.type(held.id);
    await page.keyboard.press('Enter');
    await shows(page.locator('h1'), held.id);
    await close(page);
});

test('a script of somebody else does not run in it', async () => {
    const page = await open(service.url);
    await shows(page.locator('.verdict'), 'as of');
    const blocked = await page.evaluate(() => new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective), { once: true });
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.head.append(script);
    }));
    assert.match(blocked, /^script-src/);
    assert.equal(await page.evaluate(() => 'ran' in window), false);
    await page.context().close();
});
