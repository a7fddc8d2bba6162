// report.mjs REPORT.html SCREENSHOTS -- opens one HTML report in headless Chromium, on a desk and on
// a phone, light and dark, and fails if anything is wrong with it: an error, a request to anywhere,
// a chart that was not drawn, a page wider than the phone, text that ran as a script or is not shown
// as it is, a figure that the text report writes differently.
// CHROMIUM names the browser (/usr/bin/chromium).
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const VIEWS = [
    { name: 'desk', width: 1280, height: 800, colorScheme: 'light' },
    { name: 'desk-dark', width: 1280, height: 800, colorScheme: 'dark' },
    { name: 'phone', width: 390, height: 844, colorScheme: 'light', isMobile: true, deviceScaleFactor: 2 },
];
const PATIENCE_MS = 120000; // on a loaded machine
const MARK = 'stockload_was_here'; // SAMPLE_HOSTILE_MARK in tests/support/report_sample.h

// What went wrong in the page, collected from the moment it is opened.
function watch(page) {
    const faults = [];
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()))
            faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
    page.on('dialog', (dialog) => faults.push(`dialog: ${dialog.message()}`));
    page.on('request', (request) => {
        if (!request.url().startsWith('file:'))
            faults.push(`request: ${request.url()}`);
    });
    return faults;
}

// In the page: what of each canvas was painted, in pixels.
function painted() {
    return [...document.querySelectorAll('canvas[data-chart]')].map((canvas) => {
        const { width, height } = canvas;
        const bytes = width && height ? canvas.getContext('2d').getImageData(0, 0, width, height).data : [];
        let pixels = 0;
        for (let i = 3; i < bytes.length; i += 4)
            pixels += bytes[i] > 0;
        return { chart: canvas.dataset.chart, pixels };
    });
}

async function checkCharts(page) {
    const charts = await page.evaluate(painted);
    assert.equal(Number(await page.evaluate(() => document.documentElement.dataset.charts)), charts.length, 'not every chart was drawn');
    for (const { chart, pixels } of charts)
        assert.ok(pixels > 2000, `the chart "${chart}" is blank: ${pixels} pixels`);
    return charts.length;
}

async function checkText(page) {
    const verdict = page.locator('.verdict .word').first();
    assert.ok(await verdict.isVisible(), 'no verdict to be seen');
    assert.match(await verdict.innerText(), /^(✓|\?|✕|–)\s*(RIGHT|UNKNOWN|VIOLATION|NOT CHECKED|CAPACITY)$/);
    assert.match(await page.title(), /^(RIGHT|UNKNOWN|VIOLATION|NOT CHECKED): /);
    assert.ok(await page.getByText('command', { exact: true }).first().isVisible(), 'no command line to be seen');
}

async function checkHarmless(page) {
    const found = await page.evaluate((mark) => ({
        ran: mark in window,
        foreign: document.querySelectorAll('img, iframe, object, embed, link, u, b, i, script[src], body *[onerror], body *[onclick]').length,
        scripts: document.scripts.length,
    }), MARK);
    assert.deepEqual(found, { ran: false, foreign: 0, scripts: 4 }, 'text became part of the page');
}

// In the page: what is shown of each run, and the text report, which C wrote from the same document.
// Without white space: the text report breaks lines.
function figures() {
    const bare = (text) => text.replace(/\s+/g, '');
    const text = new DOMParser().parseFromString(document.querySelector('noscript').textContent, 'text/html').body.textContent;
    const pageOnly = ['mean', 'p75', 'p95'];
    const shown = [...document.querySelectorAll('.facts > div')].map((fact) => bare(fact.textContent));
    document.querySelectorAll('.run table').forEach((table) => {
        const heads = [...table.querySelectorAll('thead th')].map((th) => th.textContent);
        table.querySelectorAll('tbody tr').forEach((row) => {
            const cells = [...row.cells].filter((_, i) => !pageOnly.includes(heads[i]));
            shown.push(bare(cells.slice(1).map((cell) => cell.textContent).join('')).replace('–', '-'));
        });
    });
    const claims = /^Properties$/m.test(text) ? '.sentence, .properties p:first-child' : '.sentence';
    document.querySelectorAll(claims).forEach((part) => shown.push(bare(part.textContent)));
    const counted = text.match(/and [\d,]+ more .*/g) || []; // violations, beside a witness
    return { text: bare(text), shown, missing: counted.filter((line) => !document.querySelector('main').textContent.includes(line)) };
}

// Names, units and roundings of the page are those of the text report.
async function checkFigures(page, one) {
    const { text, shown, missing } = await page.evaluate(figures);
    assert.deepEqual(missing, [], 'lines of the text report that the page does not have');
    assert.ok(shown.length > 10, `only ${shown.length} figures are shown`);
    if (one) // of several runs the text report shows less
        assert.deepEqual(shown.filter((figure) => !text.includes(figure)), [], 'figures that the text report does not have');
}

// In the page: every text of the document that comes from elsewhere, and is not to be seen as it is.
function unseen() {
    const body = document.body.textContent.replace(/\s+/g, '');
    return JSON.parse(document.getElementById('document').textContent).runs.flatMap((run) => [
        run.name, run.facts.scenario, run.facts.url, run.facts.command, run.facts.host, run.facts.version,
        ...run.warnings, ...run.items.map((item) => item.sku), ...run.gates.map((gate) => gate.text),
        ...run.verdict.properties.map((property) => property.why || ''),
        ...run.verdict.witnesses.flatMap((witness) => [witness.text, ...witness.operations.map((op) => op.text)]),
    ]).filter((text) => !body.includes(text.replace(/\s+/g, '')));
}

// Top-level functions of the page's script: what a canvas shows can not be read back.
function legends() {
    const run = runs[0];
    const item = { sku: 'x-1', sold_out_ns: run.load.from_ns + 2500000000 };
    const told = (ns) => soldOutText(soldOutAt({ load: run.load, items: [Object.assign(item, { sold_out_ns: ns })] }, 'x-1'));
    return [told(run.load.from_ns + 2500000000), told(run.load.from_ns - 1), told(null)];
}

async function checkLegends(page, wide) {
    const wanted = wide ? [' · sold out 2.50s', ' · sold out before 0s', ''] : ['', '', ''];
    assert.deepEqual(await page.evaluate(legends), wanted);
}

async function checkWidth(page) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(over, 0, `the page is ${over} pixels wider than the screen`);
}

async function look(browser, view, url, shots) {
    const { name, width, height, ...more } = view;
    const context = await browser.newContext({ viewport: { width, height }, ...more });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const faults = watch(page);
    await page.goto(url);
    const shot = (suffix, options) => page.screenshot({ path: `${shots}-${name}${suffix}.png`, ...options });
    await page.waitForSelector('html[data-charts]', { state: 'attached' });
    await shot('-first');
    for (const summary of await page.locator('details > summary').all())
        await summary.click();
    await page.waitForFunction(() => Number(document.documentElement.dataset.charts) === document.querySelectorAll('canvas[data-chart]').length);
    await checkText(page);
    const charts = await checkCharts(page);
    await checkHarmless(page);
    assert.deepEqual(await page.evaluate(unseen), [], 'texts that are not shown as they are');
    const runs = await page.locator('.run').count();
    await checkFigures(page, runs === 1);
    await checkLegends(page, !more.isMobile);
    await checkWidth(page);
    await shot('', { fullPage: true });
    assert.deepEqual(faults, []);
    await context.close();
    return charts;
}

const [report, folder] = process.argv.slice(2);
if (!report || !folder) {
    console.error('usage: node report.mjs REPORT.html SCREENSHOTS');
    process.exit(2);
}
await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
    timeout: PATIENCE_MS,
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
try {
    for (const view of VIEWS) {
        const base = path.basename(report, '.html');
        const charts = await look(browser, view, pathToFileURL(path.resolve(report)).href, path.join(folder, base));
        console.log(`${base} ${view.name}: ${charts} charts`);
    }
} finally {
    await browser.close();
}
