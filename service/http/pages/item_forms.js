// What can be done to an item: create, set, adjust, transfer, delete.
import { path } from './api.js';
import { ask } from './dialog.js';
import { number } from './format.js';
import { given, numberInput, textInput } from './inputs.js';

function goTo(answer) {
    location.hash = `#/items/${encodeURIComponent(answer.body.sku)}`;
}

export function createItem(signal, sku, done = goTo) {
    ask({
        title: 'New item',
        inputs: [
            textInput('sku', 'Sku', { value: sku, hint: '1 to 64 characters of A-Z a-z 0-9 . _ : -', attributes: { required: true, maxlength: '64' } }),
            numberInput('on_hand', 'Units', { value: 100 }),
            numberInput('max_per_customer', 'At most for one customer', { hint: 'Empty: as many as there are.' }),
        ],
        verb: 'Create',
        request: ({ sku: name, ...body }) => ({ method: 'PUT', address: `v1/items/${path(name || '')}`, headers: { 'If-None-Match': '*' }, body: given(body) }),
        done,
    }, signal);
}

// Only if nobody changed it since it was seen: the version is part of what is asked.
export function setItem(signal, item, done) {
    ask({
        title: `Set ${item.sku}`,
        note: `If it is still at version ${number(item.version)}. Units on hand are those available and those held.`,
        inputs: [
            numberInput('on_hand', 'Units on hand', { value: item.on_hand }),
            numberInput('max_per_customer', 'At most for one customer', { value: item.max_per_customer, hint: 'Empty: no limit.' }),
        ],
        verb: 'Set',
        request: (body) => ({
            method: 'PUT', address: `v1/items/${path(item.sku)}`, headers: { 'If-Match': `"${item.version}"` },
            body: { ...given(body), max_per_customer: body.max_per_customer === undefined ? null : body.max_per_customer },
        }),
        done,
    }, signal);
}

export function adjustItem(signal, item, done) {
    ask({
        title: `Adjust ${item.sku}`,
        note: `${number(item.available)} units are available. A number below 0 takes units away.`,
        inputs: [
            numberInput('delta', 'Units to add', { value: 10 }),
            textInput('reason', 'Reason', { hint: 'For the history, as “restock”.' }),
            textInput('reference', 'Reference', {}),
        ],
        verb: 'Adjust',
        request: (body) => ({ method: 'POST', address: `v1/items/${path(item.sku)}/adjustments`, body: given(body) }),
        done,
    }, signal);
}

export function transferItem(signal, item, done) {
    ask({
        title: `Transfer from ${item.sku}`,
        note: `${number(item.available)} units are available.`,
        inputs: [
            textInput('to', 'To the item', { attributes: { required: true, maxlength: '64' } }),
            numberInput('quantity', 'Units', { value: 1 }),
            textInput('reason', 'Reason', {}),
        ],
        verb: 'Transfer',
        request: (body) => ({ method: 'POST', address: `v1/items/${path(item.sku)}/transfers`, body: given(body) }),
        done,
    }, signal);
}

export function deleteItem(signal, item, done) {
    ask({
        title: `Delete ${item.sku}?`,
        note: `Its ${number(item.available)} available units are gone with it; its history stays. This works while no units are held, and if it is still at version ${number(item.version)}.`,
        inputs: [],
        verb: 'Delete',
        danger: true,
        request: () => ({ method: 'DELETE', address: `v1/items/${path(item.sku)}`, headers: { 'If-Match': `"${item.version}"` } }),
        done,
    }, signal);
}
