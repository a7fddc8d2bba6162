// test_modules.mjs -- the dashboard's modules by themselves, in the browser that they are for: how a
// stream is cut into events, what a sample means, how numbers are written, what a command line quotes,
// and that what may have happened is asked again with the same key.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { close, open, Service, shows, visit } from './harness.mjs';

let service, page;

test.before(async () => {
    service = await Service.start();
    await service.put('apple', 100);
    page = await open(service.url);
    await shows(page.locator('.verdict'), 'as of');
});

test('a stream is cut into the same events wherever it is torn', async () => {
    const cut = await page.evaluate(async () => {
        const { EventCutter } = await import('./ui/stream.js');
        const text = 'retry: 2000\n: a comment\nid: 7\n\nevent: sample\ndata: {"a":\ndata: "ü\u2028"}\n\ndata:bare\r\n\r\nevent: nothing\n\nevent: half\ndata: x\n';
        const of = (parts) => {
            const cutter = new EventCutter();
            return JSON.stringify(parts.flatMap((part) => cutter.feed(part)));
        };
        return [of([text]), of([...text]), ...Array.from(text, (_, i) => of([text.slice(0, i), text.slice(i)]))];
    });
    assert.equal(cut[0], JSON.stringify([{ event: 'sample', data: '{"a":\n"ü\u2028"}' }, { event: 'message', data: 'bare' }]));
    assert.deepEqual(new Set(cut).size, 1);
});

const WELL = {
    rates: { failed: 0 }, expiry_lag_ms: 0, ledger_lag_ms: 0, redis_memory: { used_bytes: 1, used_ratio: null },
    partitions: { count: 2, open: 2, not_open: [] }, audit: { result: null, drift: 0, at: null },
};
const SHUT = [{ partition: 1, why: 'its Redis is loading' }];
const JUDGED = [
    ['Open', {}],
    ['Open', { ledger_lag_ms: null, audit: { result: 'equal', drift: 0, at: null } }],
    ['Partly open', { partitions: { count: 2, open: 1, not_open: SHUT } }, /^1 of 2 partitions are not open: its Redis is loading\.$/],
    ['Closed', { partitions: { count: 1, open: 0, not_open: SHUT } }, /its Redis is loading/],
    ['Drift', { audit: { result: 'drift', drift: 3, at: null } }, /3 differences/],
    ['Drift', { audit: { result: 'drift', drift: 1, at: null }, rates: { failed: 2 } }, /1 difference .* and 2.0 requests/],
    ['Closed', { partitions: { count: 1, open: 0, not_open: [] }, audit: { result: 'drift', drift: 1, at: null } }, /and the last audit/],
    ['Failing', { rates: { failed: 0.5 } }, /5xx/],
    ['Late', { expiry_lag_ms: 2500 }, /2\.5 s late/],
    ['Behind', { ledger_lag_ms: 65000 }, /1 min 5 s behind/],
    ['Nearly full', { redis_memory: { used_bytes: 9, used_ratio: 0.95 } }, /95\.0%/],
];

test('a sample is judged by the worst that it says', async () => {
    for (const [word, more, text] of JUDGED) {
        const found = await page.evaluate(async (sample) => (await import('./ui/health.js')).judge(sample), { ...WELL, ...more });
        assert.equal(found.word, word, JSON.stringify(more));
        assert.match(found.text, text || /^Every item can be reserved and sold: all 2 partitions are open\.$/);
    }
});

const WRITTEN = [
    ['number', 1234567, '1,234,567'], ['number', null, '–'], ['number', 0, '0'], ['change', -3, '−3'], ['change', 3, '+3'], ['change', 0, '0'],
    ['rate', 0, '0'], ['rate', 0.04, '0.0'], ['rate', 99.94, '99.9'], ['rate', 12345.6, '12,346'], ['ratio', 0.00057, '0.0006'], ['ratio', 12.34, '12.3'],
    ['milliseconds', 0, '0 ms'], ['milliseconds', 0.053, '0.05 ms'], ['milliseconds', 0.996, '1.0 ms'], ['milliseconds', 9.96, '10 ms'], ['milliseconds', 999.6, '1.0 s'],
    ['milliseconds', 59990, '1 min'], ['milliseconds', null, '–'],
    ['countdown', 0, '0:00'], ['countdown', 1, '0:01'], ['countdown', 59001, '1:00'], ['countdown', 3723000, '1:02:03'], ['countdown', -5, '0:00'], ['countdown', 90000000, '1 d 1 h'],
    ['bytes', 1023, '1,023 B'], ['bytes', 1536, '1.5 KiB'], ['bytes', 734003200, '700 MiB'], ['percent', 0.5, '50.0%'], ['ago', 310000, '5 min ago'], ['compact', 25000, '25k'],
];

test('numbers are written as people read them', async () => {
    const written = await page.evaluate(async (cases) => {
        const format = await import('./ui/format.js');
        return cases.map(([name, value]) => format[name](value));
    }, WRITTEN);
    WRITTEN.forEach(([name, value, wanted], i) => assert.equal(written[i].toLowerCase(), wanted.toLowerCase(), `${name}(${value})`));
});

test('a shell takes the command line as it is meant, and no key is in it', async () => {
    const hostile = `it's $HOME \`id\` "x" \\ ; rm`;
    const line = await page.evaluate(async (text) => {
        const api = await import('./ui/api.js');
        api.useKey('sk_secret');
        const made = api.curl({ method: 'POST', address: 'v1/reservations', headers: { 'Idempotency-Key': text }, body: { reference: text } });
        api.useKey(null);
        return made;
    }, hostile);
    assert.ok(!line.includes('sk_secret'), line);
    const words = execFileSync('sh', ['-c', `curl() { printf '%s\\n' "$@"; }; STOCKD_KEY=mine; ${line}`], { encoding: 'utf8' }).trimEnd().split('\n');
    assert.deepEqual(words, ['-X', 'POST', `${service.url}/v1/reservations`, '-H', 'Authorization: Bearer mine', '-H', `Idempotency-Key: ${hostile}`,
        '-H', 'Content-Type: application/json', '-d', JSON.stringify({ reference: hostile })]);
});

test('what may have happened is asked again with the same key, and what is new with another', async () => {
    const other = await open(`${service.url}/#/items/apple`, { refusals: true });
    const keys = [];
    await other.route('**/adjustments', async (route) => {
        keys.push(route.request().headers()['idempotency-key']);
        if (keys.length > 1)
            return route.continue();
        await route.fetch(); // it happens, and the answer is lost
        return route.abort('connectionreset');
    });
    await other.getByRole('button', { name: 'Adjust' }).click();
    const dialog = other.getByRole('dialog');
    const send = dialog.getByRole('button', { name: 'Adjust' });
    await send.click();
    await shows(dialog.locator('.failure'), 'cannot be reached');
    await send.click();
    await shows(dialog.locator('.answer'), '200');
    await shows(dialog.locator('.heads'), 'Idempotent-Replayed');
    assert.equal((await service.call('GET', 'v1/items/apple')).on_hand, 110);
    await send.click();
    await shows(dialog.locator('.json'), '"on_hand": 120');
    assert.equal(keys[0], keys[1]);
    assert.notEqual(keys[1], keys[2]);
    await close(other);
});

test('a view that is left asks for nothing more', async () => {
    const asked = [];
    await visit(page, '#/items/apple');
    await shows(page.locator('.tile .value'), '120');
    await visit(page, '#/try');
    await shows(page.locator('h1'), 'Try it');
    page.on('request', (request) => asked.push(request.url()));
    await page.evaluate(() => new Promise((done) => { setTimeout(done, 3000); }));
    assert.deepEqual(asked.filter((url) => !url.endsWith('/v1/live')), []);
    await close(page);
});
