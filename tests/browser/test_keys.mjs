// test_keys.mjs -- the dashboard of a service with API keys: it asks for one, shows what the role may
// do and nothing else, keeps the key in the tab, and asks again when the key is no longer good.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { accessible } from './accessible.mjs';
import { close, folder, open, run, Service, shot, shows, until, visit } from './harness.mjs';

const ROLES = ['reader', 'seller', 'stock', 'admin'];
const WRONG = `sk_000000000000_${'0'.repeat(72)}`;
const keys = {};
let service, file;

test.before(async () => {
    file = path.join(folder(), 'keys');
    for (const role of ROLES)
        keys[role] = (await run(process.env.STOCKD, ['keys', 'add', '--keys-file', file, '--name', `test-${role}`, '--role', role])).stdout.trim();
    service = await Service.start({ flags: ['--keys-file', file] });
    await service.put('apple', 10, { Authorization: `Bearer ${keys.admin}` });
});

async function signIn(page, key) {
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
}

test('nothing is shown before there is a key, and a wrong one is told', async () => {
    const page = await open(`${service.url}/#/items/apple`, { refusals: true });
    await shows(page.locator('h1'), 'Sign in');
    await accessible(page, 'the login');
    await shot(page, 'login');
    assert.equal(await page.locator('#nav').isVisible(), false);
    await signIn(page, WRONG);
    await shows(page.getByRole('alert'), 'does not know this key');
    await signIn(page, 'with a blank');
    await shows(page.getByRole('alert'), 'without blanks');
    await signIn(page, keys.reader);
    await shows(page.locator('h1'), 'apple');
    await close(page);
});

// What each role finds in the pages.
const SEES = {
    reader: { operations: false, item: /takes stock or more/, calls: ['Read item', 'Read reservation', 'List items'] },
    seller: { operations: false, item: /takes stock or more/, calls: ['Reserve', 'Confirm'] },
    stock: { operations: false, item: /Adjust/, calls: ['Create item', 'Adjust', 'Reserve'] },
    admin: { operations: true, item: /Delete/, calls: ['Create item', 'Reserve'] },
};

for (const role of ROLES)
    test(`the pages have what the role may do: ${role}`, async () => {
        const page = await open(service.url, { refusals: true });
        await signIn(page, keys[role]);
        await shows(page.locator('#status'), role);
        await shows(page.locator('.verdict'), 'as of');
        assert.equal(await page.locator('#nav a', { hasText: 'Operations' }).count(), SEES[role].operations ? 1 : 0);
        await visit(page, '#/items/apple');
        await shows(page.locator('main .actions'), SEES[role].item);
        await visit(page, '#/try');
        for (const call of SEES[role].calls)
            await page.getByRole('group', { name: 'Calls' }).getByRole('button', { name: call, exact: true }).waitFor();
        assert.equal(await page.getByRole('button', { name: 'Reserve', exact: true }).count(), role === 'reader' ? 0 : 1);
        await visit(page, '#/operations');
        await shows(page.locator('main'), SEES[role].operations ? 'Configuration in force' : 'this takes admin');
        await shot(page, `operations-${role}`);
        // Of all that the page did nothing was refused: it asks for no more than it may.
        assert.deepEqual(page.faults, []);
        await close(page);
    });

test('a page asks for nothing that its role may not', async () => {
    const page = await open(service.url, { refusals: true });
    const refused = [];
    page.on('response', (response) => { if (response.status() === 403) refused.push(response.url()); });
    await signIn(page, keys.reader);
    for (const hash of ['#/', '#/items', '#/items/apple', '#/reservations', '#/try', '#/operations']) {
        await visit(page, hash);
        await shows(page.locator('h1'), /./);
    }
    await visit(page, '#/');
    await shows(page.locator('.verdict'), 'as of');
    assert.deepEqual(refused, []);
    await close(page);
});

test('a key stays in its tab, and in no address', async () => {
    const page = await open(service.url, { refusals: true });
    const addresses = [];
    page.on('request', (request) => addresses.push(request.url()));
    await signIn(page, keys.admin);
    await shows(page.locator('.verdict'), 'as of');
    await visit(page, '#/try');
    await shows(page.locator('.command'), '$STOCKD_KEY');
    await page.reload();
    await shows(page.locator('#status'), 'admin'); // it outlives a reload
    assert.deepEqual(addresses.filter((address) => address.includes(keys.admin)), []);
    const kept = await page.evaluate(() => [location.href, document.cookie, JSON.stringify({ ...localStorage }), document.documentElement.outerHTML].join(' '));
    assert.equal(kept.includes(keys.admin), false);
    const other = await page.context().newPage();
    await other.goto(service.url);
    await shows(other.locator('h1'), 'Sign in');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await shows(page.locator('h1'), 'Sign in');
    await page.reload();
    await shows(page.locator('h1'), 'Sign in');
    await page.context().close();
});

test('a key that is revoked is asked for anew', async () => {
    const key = (await run(process.env.STOCKD, ['keys', 'add', '--keys-file', file, '--name', 'brief', '--role', 'reader'])).stdout.trim();
    const page = await open(service.url, { refusals: true });
    await until('the service knows the key', async () =>
        (await fetch(`${service.url}/v1/self`, { headers: { Authorization: `Bearer ${key}` } })).ok);
    await signIn(page, key);
    await shows(page.locator('.verdict'), 'as of');
    await run(process.env.STOCKD, ['keys', 'revoke', '--keys-file', file, key.split('_')[1]]);
    await shows(page.locator('h1'), 'Sign in');
    await shows(page.getByRole('alert'), 'no longer');
    await close(page);
});
