// shot.mjs REPORT.html OUT.png -- the upper part of an HTML report, as README.md shows it.
// CHROMIUM names the browser (/usr/bin/chromium).
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const PATIENCE_MS = 120000; // on a loaded machine

const [report, out] = process.argv.slice(2);
if (!report || !out) {
    console.error('usage: node shot.mjs REPORT.html OUT.png');
    process.exit(2);
}
const browser = await chromium.launch({
    timeout: PATIENCE_MS,
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1420 }, colorScheme: 'light' });
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(pathToFileURL(path.resolve(report)).href);
    // Chart by chart, as they come into view.
    await page.waitForFunction(() => Number(document.documentElement.dataset.charts) >=
        [...document.querySelectorAll('canvas[data-chart]')].filter((canvas) => canvas.getBoundingClientRect().top < innerHeight).length);
    await page.screenshot({ path: out, animations: 'disabled' });
} finally {
    await browser.close();
}
