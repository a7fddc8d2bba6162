// test_stockload.mjs -- the live page of the load generator: a run from its first answer to its
// verdict, the strategies of a race beside each other, and the race as it is kept in a file.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { accessible } from './accessible.mjs';
import { close, fits, folder, open, Service, shot, shows, start, stop, until, VIEWS } from './harness.mjs';

const SAID = 'stockload: live page: ';
const phase = (page) => page.evaluate(() => document.documentElement.dataset.phase);

// A load with its page, for as long as nobody stops it: {child, url}.
async function stockload(...words) {
    const load = await start(process.env.STOCKLOAD, [...words, '--ui', '--ui-linger', '1h'], SAID);
    return { child: load.child, url: load.line.slice(SAID.length) };
}

// Looked at as it is, on a phone and in the dark.
async function looks(page, name) {
    for (const [view, { viewport, colorScheme }] of Object.entries(VIEWS)) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        await fits(page);
        await accessible(page, `${name}, ${view}`);
        await shot(page, `${name}-${view}`);
    }
}

// How many pixels of each chart are painted.
const painted = (page) => page.evaluate(() => [...document.querySelectorAll('canvas')].map((canvas) => {
    const { width, height } = canvas;
    const bytes = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    let pixels = 0;
    for (let i = 3; i < bytes.length; i += 4)
        pixels += bytes[i] > 0;
    return pixels;
}));

async function chartsAreDrawn(page, charts) {
    await until('the charts are drawn', async () => {
        const pixels = await painted(page);
        return pixels.length === charts && pixels.every((n) => n > 1000);
    });
}

test('a run is shown from its first answers to its verdict', async () => {
    const service = await Service.start();
    const load = await stockload('run', service.url, '--scenario', 'flash', '--mix', 'decrement=80,get=20', '-p', '3', '-c', '12',
        '-n', '20000', '--settle', '0', '-q', '--output-format', 'quiet');
    const page = await open(load.url, { refusals: true });
    await shows(page.locator('h2'), 'flash on ' + service.url);
    await until('each process has a lane', async () => (await page.locator('.lane').count()) === 3);
    await shows(page.locator('.item .value'), 'sold out');
    await shows(page.locator('.verdict .word'), 'RIGHT');
    await shows(page.locator('#line'), 'over');
    const counts = (await page.locator('.legend .value').allInnerTexts()).map((text) => Number(text.replace(/\D/g, '')));
    assert.equal(counts.reduce((sum, n) => sum + n), 20000);
    const won = (await page.locator('.lane .value').allInnerTexts()).map((text) => Number(text.replace(/\D/g, '')));
    assert.equal(won.reduce((sum, n) => sum + n), counts[0]);
    assert.match(await page.title(), /^RIGHT: flash/);
    await chartsAreDrawn(page, 2);
    await looks(page, 'stockload-run');
    await stop(load.child, 'SIGTERM'); // nobody is interested any more
    assert.equal(load.child.exitCode, 0);
    await shows(page.locator('#line'), 'this is what was seen last');
    await shows(page.locator('.verdict .word'), 'RIGHT');
    await close(page);
    await service.end();
});

test('a race is shown, kept in a file, and there the same', async () => {
    const service = await Service.start();
    const file = path.join(folder(), 'race.html');
    const load = await stockload('race', '--redis', `unix:${service.dir}/redis.sock`, '-p', '6', '--stock', '3k', '-d', '1h', '--html', file);
    const page = await open(load.url, { refusals: true });
    await until('the race is over', async () => (await phase(page)) === 'over');
    assert.equal(await page.locator('.strategy[data-state=done]').count(), 4);
    for (const strategy of await page.locator('.strategy').all()) {
        assert.equal(await strategy.locator('.pill').innerText(), 'right');
        const sold = (await strategy.locator('.lane .value').allInnerTexts()).map((text) => Number(text.replace(/\D/g, '')));
        assert.equal(sold.length, 6);
        assert.equal(sold.reduce((sum, n) => sum + n), 3000);
    }
    await chartsAreDrawn(page, 3);
    await looks(page, 'stockload-race');
    const table = await page.locator('table').innerText();
    await stop(load.child, 'SIGTERM');
    assert.equal(load.child.exitCode, 0);
    await close(page);

    const kept = await open(pathToFileURL(file).href, { file: true });
    await until('it is drawn', () => kept.evaluate(() => document.documentElement.dataset.drawn));
    assert.equal(await kept.locator('table').innerText(), table);
    await chartsAreDrawn(kept, 3);
    await looks(kept, 'stockload-kept');
    assert.deepEqual(kept.faults.filter((fault) => !fault.startsWith('request: file:')), []);
    await kept.context().close();
    await service.end();
});
