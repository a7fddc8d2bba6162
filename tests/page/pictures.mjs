// pictures.mjs STOCKD STOCKLOAD OUT -- pictures that the documents show: starts a service with a Redis of its own, lets a small
// shop run on it for a while and photographs its pages; then a race at another Redis. Ends what it has started.
// CHROMIUM names the browser (/usr/bin/chromium).
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const PATIENCE_MS = 120000; // on a loaded machine
const OPEN_MS = 56000;      // until the charts are full
const CLIENTS = 12;
const PAUSE_MS = 25;        // between two requests of a client
const SHOP = { 'tour-2027:front': 300, 'tour-2027:floor': 3000, 'sneaker-42': 900, 'console-pro': 3500, 'vinyl.blue': 900, 'poster-xl': 2600, 'cap-red': 4000, mug: 6000 };
const SKUS = Object.keys(SHOP);

const [stockd, stockload, out] = process.argv.slice(2);
if (!stockd || !stockload || !out) {
    console.error('usage: node pictures.mjs STOCKD STOCKLOAD OUT');
    process.exit(2);
}

const children = [];

// Resolves to what `ready` finds in the output.
function start(program, words, ready) {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    return new Promise((resolve, reject) => {
        let text = '';
        child.on('error', reject);
        child.on('exit', (code) => reject(new Error(`${program} ended with ${code}`)));
        child.stdout.on('data', (part) => {
            text += part;
            const found = ready.exec(text);
            if (found)
                resolve(found);
        });
    });
}

async function end(child) {
    const gone = new Promise((resolve) => child.on('exit', resolve));
    if (child.exitCode === null && child.kill('SIGTERM'))
        await gone;
}

async function freePort() {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    return port;
}

async function call(url, method, address, body) {
    const answer = await fetch(url + address, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    return answer.json();
}

// The first are asked for most.
function anySku() {
    return SKUS[Math.min(SKUS.length - 1, Math.floor(SKUS.length * Math.random() ** 2.2))];
}

async function client(url, name, shop) {
    for (let n = 0; shop.open; n++) {
        const sku = anySku();
        if (sku === SKUS[0]) { // is sold at once, and soon sold out
            await call(url, 'POST', `/v1/items/${sku}/decrements`, { quantity: 1 });
            await sleep(PAUSE_MS);
            continue;
        }
        const held = await call(url, 'POST', '/v1/reservations', { sku, quantity: 1 + (n % 2), ttl_seconds: 15 + (n % 90), customer: `c-${name}`, reference: `order-${name}${n}` });
        await sleep(PAUSE_MS * (0.5 + Math.random()));
        if (held.id && Math.random() < 0.85)
            await call(url, 'POST', `/v1/reservations/${held.id}/${Math.random() < 0.72 ? 'confirm' : 'release'}`, {});
    }
}

// A small shop is open while its pages are photographed.
async function photographShop(browser, folder) {
    const [, url] = await start(path.resolve(stockd), ['serve', '--listen', '127.0.0.1:0', '--workers', '1', '--durability', 'everysec', '--data-dir', folder], /listening on (\S+)/);
    for (const [sku, on_hand] of Object.entries(SHOP))
        await call(url, 'PUT', `/v1/items/${sku}`, { on_hand });
    const shop = { open: true };
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(url, String.fromCharCode(97 + i), shop)));
    clients.catch(() => {});
    await photograph(browser, `${url}/`, { file: 'dashboard.png', ready: '.verdict.right', open_ms: OPEN_MS, height: 1180 });
    await photograph(browser, `${url}/#/items/${SKUS[4]}`, { file: 'item.png', ready: '.changes tbody tr', open_ms: 4000, height: 980, dark: true });
    shop.open = false;
    await clients;
}

async function photographRace(browser, folder) {
    const port = await freePort();
    await start('redis-server', ['--port', String(port), '--save', '', '--dir', folder], /Ready to accept connections/);
    await promisify(execFile)(path.resolve(stockload), ['race', '-p', '8', '--redis', `redis://127.0.0.1:${port}`, '--html', 'race.html', '-q'], { cwd: folder });
    await photograph(browser, pathToFileURL(path.join(folder, 'race.html')).href, { file: 'race.png', ready: 'canvas', open_ms: 1000, height: 1030 });
}

async function photograph(browser, url, picture) {
    const page = await browser.newPage({ viewport: { width: 1200, height: picture.height }, colorScheme: picture.dark ? 'dark' : 'light', locale: 'en-GB', reducedMotion: 'reduce' });
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(url);
    await page.waitForSelector(picture.ready);
    await sleep(picture.open_ms);
    await page.screenshot({ path: path.join(out, picture.file) });
    await page.close();
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'stockd-pictures-'));
const browser = await chromium.launch({ timeout: PATIENCE_MS, executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
try {
    await photographShop(browser, folder);
    await photographRace(browser, folder);
} finally {
    await browser.close();
    await Promise.all(children.map(end));
    await rm(folder, { recursive: true, force: true });
}
