// The calls that can be tried by hand: what each needs, and the request that comes of it.
import { path, query } from './api.js';
import { given, jsonInput, linesInput, numberInput, textInput } from './inputs.js';

const sku = () => textInput('sku', 'Sku', { value: 'apple' });
const id = (last) => textInput('id', 'Reservation', { value: last, wide: true, hint: 'As answered by Reserve.' });
const post = (address, body) => ({ method: 'POST', address, body: given(body) });

// Each: its name, the least role, its controls (made with the last reservation's id) and its request.
export const CALLS = [
    {
        name: 'Reserve', role: 'seller', says: 'Holds all lines or none, until it is confirmed, released or its time is over.',
        inputs: () => [linesInput('lines', 'Lines', { value: [{ sku: 'apple', quantity: 1 }] }), numberInput('ttl_seconds', 'Seconds', { value: 120, hint: 'Then the units come back by themselves.' }),
            textInput('customer', 'Customer', {}), textInput('reference', 'Reference', {}), jsonInput('metadata', 'Metadata', { hint: 'A JSON object.' })],
        request: (values) => post('v1/reservations', values),
    },
    { name: 'Confirm', role: 'seller', says: 'The units that are held are sold.', inputs: (last) => [id(last)], request: (values) => post(`v1/reservations/${path(values.id || '')}/confirm`, {}) },
    { name: 'Release', role: 'seller', says: 'The units that are held are available again.', inputs: (last) => [id(last)], request: (values) => post(`v1/reservations/${path(values.id || '')}/release`, {}) },
    {
        name: 'Extend', role: 'seller', says: 'A new deadline, counted from now.', inputs: (last) => [id(last), numberInput('ttl_seconds', 'Seconds', { value: 600 })],
        request: ({ id: one, ...body }) => post(`v1/reservations/${path(one || '')}/extend`, body),
    },
    {
        name: 'Sell now', role: 'seller', says: 'Sells without holding first.', inputs: () => [sku(), numberInput('quantity', 'Units', { value: 1 }), textInput('customer', 'Customer', {})],
        request: ({ sku: one, ...body }) => post(`v1/items/${path(one || '')}/decrements`, body),
    },
    {
        name: 'Create item', role: 'stock', says: 'Only if there is none of that sku.',
        inputs: () => [sku(), numberInput('on_hand', 'Units', { value: 100 }), numberInput('max_per_customer', 'At most for one customer', {})],
        request: ({ sku: one, ...body }) => ({ method: 'PUT', address: `v1/items/${path(one || '')}`, headers: { 'If-None-Match': '*' }, body: given(body) }),
    },
    {
        name: 'Adjust', role: 'stock', says: 'Adds units, or takes them away.', inputs: () => [sku(), numberInput('delta', 'Units to add', { value: 10 }), textInput('reason', 'Reason', { value: 'restock' })],
        request: ({ sku: one, ...body }) => post(`v1/items/${path(one || '')}/adjustments`, body),
    },
    { name: 'Read item', role: 'reader', says: 'Its stored counters.', inputs: () => [sku()], request: (values) => ({ method: 'GET', address: `v1/items/${path(values.sku || '')}` }) },
    { name: 'Read reservation', role: 'reader', says: 'Its stored state.', inputs: (last) => [id(last)], request: (values) => ({ method: 'GET', address: `v1/reservations/${path(values.id || '')}` }) },
    { name: 'List items', role: 'reader', says: 'Sorted by sku.', inputs: () => [textInput('prefix', 'Sku begins with', {}), numberInput('limit', 'At most', { value: 10 })], request: (values) => ({ method: 'GET', address: query('v1/items', given(values)) }) },
];
