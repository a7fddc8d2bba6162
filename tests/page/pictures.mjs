// pictures.mjs STOCKD OUT -- the pictures of the dashboard that the documents show: starts a service with a Redis of its own,
// lets a small shop run on it for a while and photographs its pages. Ends what it has started.
// CHROMIUM names the browser (/usr/bin/chromium).
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const PATIENCE_MS = 120000; // on a loaded machine
const OPEN_MS = 56000;      // until the charts are full
const CLIENTS = 12;
const PAUSE_MS = 25;        // between two requests of a client
const SHOP = { 'tour-2027:front': 120, 'tour-2027:floor': 3000, 'sneaker-42': 900, 'console-pro': 3500, 'vinyl.blue': 900, 'poster-xl': 2600, 'cap-red': 4000, mug: 6000 };
const SKUS = Object.keys(SHOP);

const [stockd, out] = process.argv.slice(2);
if (!stockd || !out) {
    console.error('usage: node pictures.mjs STOCKD OUT');
    process.exit(2);
}

async function start(folder) {
    const service = spawn(path.resolve(stockd), ['serve', '--listen', '127.0.0.1:0', '--workers', '1', '--durability', 'everysec', '--data-dir', folder], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise((_, no) => service.on('exit', (code) => no(new Error(`the service ended with ${code}`))));
    ended.catch(() => {});
    const ready = new Promise((yes) => {
        let text = '';
        service.stdout.on('data', (part) => {
            text += part;
            const found = /listening on (\S+)/.exec(text);
            if (found)
                yes(found[1]);
        });
    });
    return { service, url: await Promise.race([ready, ended]) };
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
        const held = await call(url, 'POST', '/v1/reservations', { sku: anySku(), quantity: 1 + (n % 2), ttl_seconds: 15 + (n % 90), customer: `c-${name}`, reference: `order-${name}${n}` });
        await sleep(PAUSE_MS * (0.5 + Math.random()));
        if (held.id && Math.random() < 0.85)
            await call(url, 'POST', `/v1/reservations/${held.id}/${Math.random() < 0.72 ? 'confirm' : 'release'}`, {});
        if (n % 6 === 0)
            await call(url, 'POST', `/v1/items/${anySku()}/decrements`, { quantity: 1 });
    }
}

async function photograph(browser, url, picture) {
    const page = await browser.newPage({ viewport: { width: 1200, height: picture.height }, colorScheme: picture.dark ? 'dark' : 'light', locale: 'en-GB', reducedMotion: 'reduce' });
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`${url}/${picture.hash}`);
    await page.waitForSelector(picture.ready);
    await sleep(picture.open_ms);
    await page.screenshot({ path: path.join(out, picture.file) });
    await page.close();
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'stockd-pictures-'));
const { service, url } = await start(folder);
const browser = await chromium.launch({ timeout: PATIENCE_MS, executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
const shop = { open: true };
try {
    for (const [sku, on_hand] of Object.entries(SHOP))
        await call(url, 'PUT', `/v1/items/${sku}`, { on_hand });
    const clients = Array.from({ length: CLIENTS }, (_, i) => client(url, String.fromCharCode(97 + i), shop));
    await photograph(browser, url, { file: 'dashboard.png', hash: '', ready: '.verdict.right', open_ms: OPEN_MS, height: 1180 });
    await photograph(browser, url, { file: 'item.png', hash: `#/items/${SKUS[4]}`, ready: '.changes tbody tr', open_ms: 4000, height: 980, dark: true });
    shop.open = false;
    await Promise.all(clients);
} finally {
    shop.open = false;
    await browser.close();
    service.kill('SIGTERM');
    await new Promise((done) => (service.exitCode === null ? service.on('exit', done) : done()));
    await rm(folder, { recursive: true, force: true });
}
