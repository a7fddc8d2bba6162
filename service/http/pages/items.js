// All items, or those whose sku begins with something; and the way to a new one.
import { get, query } from './api.js';
import { button, el, field, table } from './dom.js';
import { number, plural } from './format.js';
import { createItem } from './item_forms.js';
import { pager } from './pager.js';
import { may } from './session.js';
import { setStockBar, stockBar, stockKey, stockState, tag } from './stock.js';
import { on, timeElement } from './time.js';

const PAGE = 50;

function row(item) {
    const { state, word } = stockState(item);
    const bar = stockBar();
    setStockBar(bar, item);
    return el('tr', {},
        el('th', { scope: 'row' }, el('a', { href: `#/items/${encodeURIComponent(item.sku)}` }, item.sku)),
        el('td', { class: 'word' }, tag(state, word)), el('td', { class: 'bar-cell' }, bar),
        ...['available', 'held', 'sold'].map((name) => el('td', {}, number(item[name]))),
        el('td', { class: 'when' }, timeElement(item.updated_at)));
}

export function items(main, { signal, params }) {
    const prefix = params.get('prefix') || '';
    document.title = 'Items – stockd';
    const input = el('input', { type: 'search', value: prefix, maxlength: '64', spellcheck: 'false', autocomplete: 'off' });
    const form = el('form', { class: 'filter', role: 'search', 'aria-label': 'Items' }, field('Sku begins with', input), el('button', { type: 'submit', class: 'small' }, 'Show'));
    const { element, body } = table('Items', [{ text: 'Sku' }, { text: 'State', class: 'word' }, { text: 'Units', class: 'bar-cell' }, 'Available', 'Held', 'Sold', { text: 'Changed', class: 'when' }]);
    const list = pager(async (cursor) => {
        const page = await get(query('v1/items', { prefix, limit: PAGE, cursor }), signal);
        return { entries: page.items, next: page.next_cursor };
    }, (found) => body.append(...found.map(row)), (count, done) => {
        if (count === 0)
            return prefix ? `No item begins with “${prefix}”.` : 'There are no items yet.';
        return done ? plural(count, 'item', 'items') : `The first ${number(count)} items, by sku`;
    }, signal);
    const create = may('stock') ? button('New item', { class: 'main' }, () => createItem(signal, prefix)) : null;
    on(form, 'submit', (event) => {
        event.preventDefault();
        location.hash = query('#/items', { prefix: input.value.trim() });
    }, signal);
    main.append(el('div', { class: 'head' }, el('h1', {}, 'Items'), create),
        el('section', { class: 'card' }, el('div', { class: 'over' }, form, stockKey()), element, list.element));
    list.more();
}
