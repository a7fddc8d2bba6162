// test_forms.mjs -- what can be done in the dashboard: items are made and changed, units are held and
// sold in one page and seen in another, and what the service does not like is said in its own words.
import assert from 'node:assert/strict';
import test from 'node:test';
import { close, open, run, Service, shot, shows, until, visit } from './harness.mjs';

let service;

test.before(async () => {
    service = await Service.start();
});

// Fills the form that is open and sends it.
async function send(page, values, verb) {
    const form = page.locator('dialog[open]');
    for (const [label, value] of Object.entries(values))
        await form.getByLabel(label, { exact: true }).fill(String(value));
    await form.getByRole('button', { name: verb, exact: true }).click();
    return form;
}

async function shut(page) {
    await page.locator('dialog[open]').getByRole('button', { name: 'Close' }).click();
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
}

const tile = (page, name) => page.locator('.tiles > *', { hasText: name });
const tab = (page, name) => page.getByRole('group', { name: 'Calls' }).getByRole('button', { name, exact: true });
const newest = (page) => page.locator('.answers .exchange').first();

test('an item is made, adjusted, set, shared and deleted', async () => {
    const page = await open(`${service.url}/#/items`, { refusals: true });
    await page.getByRole('button', { name: 'New item' }).click();
    await send(page, { Sku: 'chair', Units: 40 }, 'Create');
    await shows(page.locator('h1'), 'chair');
    await shows(tile(page, 'On hand'), '40');

    await page.getByRole('button', { name: 'Adjust', exact: true }).click();
    await shows(await send(page, { 'Units to add': 5, Reason: 'restock' }, 'Adjust'), '200');
    await shot(page, 'form-adjust');
    await shut(page);
    await shows(tile(page, 'On hand'), '45');

    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await shows(await send(page, { 'Units on hand': 20 }, 'Set'), '200');
    await shut(page);
    await shows(tile(page, 'Available'), '20');

    await service.put('table', 1);
    await page.getByRole('button', { name: 'Transfer', exact: true }).click();
    await shows(await send(page, { 'To the item': 'table', Units: 8 }, 'Transfer'), '200');
    await shut(page);
    await shows(tile(page, 'Available'), '12');
    assert.equal((await service.call('GET', 'v1/items/table')).available, 9);
    await shows(page.locator('main'), 'restock'); // among the changes

    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await shows(await send(page, {}, 'Delete'), '204');
    await shut(page);
    await shows(page.locator('h1'), 'not there');
    await close(page);
});

test('what the service does not like is said in its words', async () => {
    await service.put('lamp', 10);
    const page = await open(`${service.url}/#/items/lamp`, { refusals: true });
    await shows(tile(page, 'On hand'), '10');
    await page.getByRole('button', { name: 'Adjust', exact: true }).click();
    let form = await send(page, { 'Units to add': 'many' }, 'Adjust');
    await shows(form, '422');
    await shows(form, 'delta');
    await shows(await send(page, { 'Units to add': -11 }, 'Adjust'), '409');
    await shot(page, 'form-refused');
    await form.getByRole('button', { name: 'Cancel' }).click();

    // Somebody else was faster: the version that the form was opened with is no longer there.
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await service.call('POST', 'v1/items/lamp/adjustments', { delta: 1 });
    form = await send(page, { 'Units on hand': 3 }, 'Set');
    await shows(form, '412');
    await form.getByRole('button', { name: 'Cancel' }).click();
    assert.equal((await service.call('GET', 'v1/items/lamp')).on_hand, 11);

    await visit(page, '#/items');
    await page.getByRole('button', { name: 'New item' }).click();
    form = await send(page, { Sku: 'no such/sku', Units: 1 }, 'Create');
    await shows(form, '422');
    await shows(await send(page, { Sku: 'lamp', Units: 1 }, 'Create'), '412');
    await close(page);
});

test('units that are held in one page are seen in another, up to the last one', async () => {
    await service.put('shoe', 3);
    const seller = await open(`${service.url}/#/try`, { refusals: true });
    const watcher = await open(`${service.url}/#/items/shoe`);
    await shows(watcher.locator('h1'), 'in stock');
    const form = seller.locator('.try-form');
    await form.getByLabel('Sku').fill('shoe');
    await form.getByLabel('Quantity').fill('2');
    await form.getByRole('button', { name: 'Send' }).click();
    await shows(newest(seller), '201');
    await shows(tile(watcher, 'Held'), '2');
    await shows(tile(watcher, 'Available'), '1');

    // The same key again: the same answer, and nothing more is held.
    await form.getByRole('button', { name: 'Send' }).click();
    await shows(newest(seller), 'Idempotent-Replayed');
    assert.equal((await service.call('GET', 'v1/items/shoe')).held, 2);

    await form.getByRole('button', { name: 'New key' }).click();
    await form.getByRole('button', { name: 'Send' }).click();
    await shows(newest(seller), '409');
    await shows(newest(seller), 'There is not enough stock');
    await shot(seller, 'try-refused');

    await tab(seller, 'Confirm').click(); // it knows the reservation
    await form.getByRole('button', { name: 'Send' }).click();
    await shows(newest(seller), 'confirmed');
    await shows(tile(watcher, 'Sold'), '2');

    await tab(seller, 'Sell now').click();
    await form.getByLabel('Sku').fill('shoe');
    await form.getByRole('button', { name: 'Send' }).click();
    await shows(newest(seller), '"remaining": 0');
    await shows(watcher.locator('h1'), 'sold out');
    await shot(watcher, 'item-just-sold-out');
    await close(seller);
    await close(watcher);
});

test('the command line that is shown does the same', async () => {
    await service.put('book', 5);
    const page = await open(`${service.url}/#/try`);
    const form = page.locator('.try-form');
    await form.getByLabel('Sku').fill('book');
    await form.getByLabel('Customer').fill("O'Hara \"and\" sons");
    await shows(form.locator('.command'), 'book');
    const { stdout } = await run('sh', ['-c', await form.locator('.command').textContent()]);
    const { id, customer } = JSON.parse(stdout);
    assert.equal(customer, "O'Hara \"and\" sons");
    await form.getByRole('button', { name: 'Send' }).click(); // with the same key
    await shows(newest(page), id);
    assert.equal((await service.call('GET', 'v1/items/book')).held, 1);
    await close(page);
});

test('a reservation is extended, sold in part, released, and tells its story', async () => {
    await service.put('cup', 50);
    const { id } = await service.reserve('cup', 5, { ttl_seconds: 600 });
    const page = await open(`${service.url}/#/reservations/${id}`);
    await shows(page.locator('h1'), 'held');
    await page.getByRole('button', { name: 'Extend', exact: true }).click();
    await shows(await send(page, { 'Seconds from now': 1200 }, 'Extend'), '200');
    await shut(page);
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
    await shows(await send(page, { Quantity: 3 }, 'Confirm'), '200');
    await shut(page);
    await shows(page.locator('h1'), 'confirmed');
    await shows(page.locator('.story'), 'Confirmed: sold');
    await shows(page.locator('.story'), 'Given more time');
    await shot(page, 'reservation-confirmed');
    assert.equal((await service.call('GET', 'v1/items/cup')).sold, 3);

    const other = await service.reserve('cup', 7);
    await visit(page, `#/reservations/${other.id}`);
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await shows(await send(page, {}, 'Release'), '200');
    await shut(page);
    await shows(page.locator('h1'), 'released');
    await until('its units are back', async () => (await service.call('GET', 'v1/items/cup')).held === 0);
    await close(page);
});

test('a hold whose time is over is seen to be over', async () => {
    await service.put('card', 2);
    const item = await open(`${service.url}/#/items/card`);
    await shows(item.locator('h1'), 'in stock');
    const { id } = await service.reserve('card', 2, { ttl_seconds: 5 });
    const page = await open(`${service.url}/#/reservations/${id}`);
    await shows(page.locator('h1'), 'expired');
    await page.locator('.running').waitFor({ state: 'hidden' });
    await shows(page.locator('.story'), 'Expired: given back');
    await shows(tile(item, 'Available'), '2');
    await shows(item.locator('.holds'), 'Nothing is held');
    await close(page);
    await close(item);
});

test('lists are filtered, and go on page by page', async () => {
    await Promise.all(Array.from({ length: 60 }, (_, i) => service.put(`pen-${String(i).padStart(2, '0')}`, 1)));
    const page = await open(`${service.url}/#/items?prefix=pen-`);
    await shows(page.locator('.pager'), '50');
    assert.equal(await page.locator('main tbody tr').count(), 50);
    await page.getByRole('button', { name: 'More' }).click();
    await shows(page.locator('.pager'), '60 items');
    assert.equal(await page.locator('main tbody tr').count(), 60);
    await page.getByLabel('Sku begins with').fill('pen-1');
    await page.getByRole('button', { name: 'Show' }).click();
    await shows(page.locator('.pager'), '10 items');

    await service.put('hat', 9);
    await service.reserve('hat', 1, { customer: 'c-9' });
    await until('the ledger has it', async () => (await service.call('GET', 'v1/reservations?customer=c-9')).reservations.length === 1);
    await visit(page, '#/reservations?customer=c-9');
    await shows(page.locator('.pager'), '1 reservation');
    await visit(page, '#/reservations?customer=nobody');
    await shows(page.locator('.pager'), 'no such reservation');
    await close(page);
});

test('an audit is asked for, and its result is shown', async () => {
    const page = await open(`${service.url}/#/operations`);
    await shows(page.locator('main'), 'Configuration in force');
    await page.getByRole('button', { name: 'Audit now' }).click();
    await shows(page.locator('main'), '0 differences');
    await shows(page.locator('main h2', { hasText: 'Audit' }), 'equal');
    await shows(page.locator('main'), 'worker 0');
    await shot(page, 'operations-audited');
    await close(page);
});
