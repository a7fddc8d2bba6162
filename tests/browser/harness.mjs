// harness.mjs -- what a browser test needs: services of its own, a browser, and what went wrong in
// its pages. Everything that is started here ends with the test program.
//
// STOCKD, STOCKLOAD, CHROMIUM and SHOTS name the programs and the folder of the screenshots. No test
// asks how fast something is: it waits for what must come about, for as long as PATIENCE_MS.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

export const PATIENCE_MS = Number(process.env.PATIENCE_MS) || 90000; // on a loaded machine
const LOOK_MS = 50;

export const run = promisify(execFile);
const children = new Set();
const folders = [];

after(async () => {
    await Promise.all([...children].map((child) => stop(child, 'SIGTERM')));
    for (const folder of folders)
        rmSync(folder, { recursive: true, force: true });
});

// --- processes -------------------------------------------------------------------------------------

export function folder() {
    const made = mkdtempSync(path.join(tmpdir(), 'stockd-browser-'));
    folders.push(made);
    return made;
}

// Resolves to {child, log} once a line of its output has begun with `ready`, or at once without one.
export function start(program, words, ready, env = {}) {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const started = { child, log: [], line: '' };
    children.add(child);
    child.once('exit', () => children.delete(child));
    return new Promise((resolve, reject) => {
        const hear = (line) => {
            started.log.push(line);
            if (ready && line.startsWith(ready)) {
                started.line = line;
                resolve(started);
            }
        };
        createInterface(child.stdout).on('line', hear);
        createInterface(child.stderr).on('line', hear);
        child.once('error', reject);
        child.once('exit', (status) => reject(new Error(`${program} ended with ${status}:\n${started.log.slice(-20).join('\n')}`)));
        if (!ready)
            child.once('spawn', () => resolve(started));
    });
}

export async function stop(child, signal) {
    if (child.exitCode !== null || child.signalCode !== null)
        return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
}

export async function freePort() {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    return port;
}

// A stockd with a Redis and a ledger of its own, or on those of `beside`.
export class Service {
    static async start({ flags = [], beside = null } = {}) {
        const service = new Service();
        service.dir = beside ? beside.dir : folder();
        service.flags = flags;
        service.beside = beside;
        service.listen = '127.0.0.1:0';
        await service.again();
        return service;
    }

    // At the same port and with the same data, after kill() or end().
    async again() {
        const store = this.beside
            ? ['--redis', `unix:${this.dir}/redis.sock`, '--ledger', `sqlite:${this.dir}/ledger.db`, '--no-ledger-apply']
            : ['--data-dir', this.dir];
        const words = ['serve', '--listen', this.listen, '--workers', '1', ...store, ...this.flags];
        this.process = await start(process.env.STOCKD, words, 'listening on ');
        this.url = this.process.line.replace('listening on ', '');
        this.listen = new URL(this.url).host;
    }

    async kill() {
        await stop(this.process.child, 'SIGKILL');
    }

    async end() {
        await stop(this.process.child, 'SIGTERM');
    }

    // A request beside the browser: the body of a good answer.
    async call(method, address, body, headers = {}) {
        const response = await fetch(`${this.url}/${address}`, {
            method, body: body === undefined ? undefined : JSON.stringify(body),
            headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
        });
        const text = await response.text();
        assert.ok(response.ok, `${method} ${address}: ${response.status} ${text}`);
        return text ? JSON.parse(text) : null;
    }

    put(sku, on_hand, headers) {
        return this.call('PUT', `v1/items/${sku}`, { on_hand }, headers);
    }

    reserve(sku, quantity, more = {}) {
        return this.call('POST', 'v1/reservations', { sku, quantity, ...more });
    }
}

// HAProxy before services: its address.
export async function balancer(services) {
    const port = await freePort();
    const file = path.join(folder(), 'haproxy.cfg');
    writeFileSync(file, `defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option redispatch
    retries 3
    option httpchk GET /readyz
frontend shop
    bind 127.0.0.1:${port}
    default_backend stockd
backend stockd
    balance roundrobin
    default-server inter 200ms fall 2 rise 1 check
${services.map((service, i) => `    server s${i} ${service.listen}`).join('\n')}
`);
    await start(process.env.HAPROXY || '/usr/sbin/haproxy', ['-db', '-f', file]);
    const url = `http://127.0.0.1:${port}`;
    await until('HAProxy serves', async () => (await fetch(`${url}/readyz`).catch(() => null))?.ok);
    return url;
}

// --- waiting ---------------------------------------------------------------------------------------

// Until `holds` gives something; that.
export async function until(what, holds) {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
        const got = await holds();
        if (got)
            return got;
        if (performance.now() > end)
            throw new Error(`waited in vain until ${what}`);
        await sleep(LOOK_MS);
    }
}

// Until the first that the locator finds shows the text; that. Capitals do not count: they are style.
export async function shows(locator, wanted) {
    let last = null;
    try {
        await until('', async () => {
            last = await locator.first().innerText({ timeout: LOOK_MS * 10 }).catch(() => null);
            return last !== null && (wanted instanceof RegExp ? wanted.test(last) : last.toLowerCase().includes(wanted.toLowerCase()));
        });
    } catch {
        assert.fail(`${locator} never showed ${wanted}, but ${JSON.stringify(last)}`);
    }
    return last;
}

// --- the browser -----------------------------------------------------------------------------------

export const VIEWS = {
    desk: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
    dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
    phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};
let launched = null;

function launch() {
    launched ??= chromium.launch({
        timeout: PATIENCE_MS,
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        args: process.getuid() === 0 ? ['--no-sandbox'] : [],
    });
    return launched;
}
after(async () => (launched ? (await launched).close() : null));

// A page with `faults`: whatever was wrong since it was opened. Browsers write each answer of 400 and
// more, and each connection that was lost, to the console: a test that provokes some says `refusals`.
export async function open(url, { view = VIEWS.desk, refusals = false, ...more } = {}) {
    const context = await (await launch()).newContext({ ...view, locale: 'en-GB', ...more });
    const page = await context.newPage();
    const origin = new URL(url).origin;
    page.faults = [];
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()) && !(refusals && message.text().startsWith('Failed to load resource')))
            page.faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => page.faults.push(`page error: ${error.message}`));
    page.on('dialog', (dialog) => page.faults.push(`dialog: ${dialog.message()}`));
    page.on('request', (request) => {
        if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:'))
            page.faults.push(`request: ${request.url()}`);
    });
    await page.goto(url, { waitUntil: 'load' });
    return page;
}

// Ends a page that nothing may have been wrong with.
export async function close(page) {
    assert.deepEqual(page.faults, []);
    await page.context().close();
}

export async function visit(page, hash) {
    await page.evaluate((to) => { location.hash = to; }, hash);
}

export async function shot(page, name) {
    mkdirSync(process.env.SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(process.env.SHOTS, `${name}.png`), fullPage: true, animations: 'disabled' });
}

// No part of the page lies beside the screen.
export async function fits(page) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(over, 0, `the page is ${over} pixels wider than the screen`);
}
