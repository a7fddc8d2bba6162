// Reservations, found by what they hold, for whom and what for; finished ones too.
import { get, query } from './api.js';
import { el, table } from './dom.js';
import { number, plural } from './format.js';
import { choiceInput, readAll, textInput } from './inputs.js';
import { pager } from './pager.js';
import { session } from './session.js';
import { tag } from './stock.js';
import { on, timeElement } from './time.js';

const PAGE = 50;
const STATES = [['', 'any state'], ['held', 'held'], ['confirmed', 'confirmed'], ['released', 'released'], ['expired', 'expired']];
const LINES_SHOWN = 3;

export const STATE_LOOKS = { held: 'held', confirmed: 'right', released: 'off', expired: 'unknown' };

function lines(reservation) {
    const shown = reservation.lines.slice(0, LINES_SHOWN).map((line) => `${number(line.quantity)} × ${line.sku}`);
    const rest = reservation.lines.length - shown.length;
    return shown.join(', ') + (rest > 0 ? ` and ${number(rest)} more` : '');
}

function row(reservation) {
    return el('tr', {},
        el('th', { scope: 'row' }, el('a', { href: `#/reservations/${encodeURIComponent(reservation.id)}` }, reservation.id)),
        el('td', { class: 'word' }, tag(STATE_LOOKS[reservation.state], reservation.state)), el('td', { class: 'about' }, lines(reservation)),
        el('td', { class: 'about' }, reservation.customer || '–'), el('td', { class: 'about' }, reservation.reference || '–'),
        el('td', { class: 'when' }, timeElement(reservation.created_at)));
}

export function reservations(main, { signal, params }) {
    document.title = 'Reservations – stockd';
    main.append(el('div', { class: 'head' }, el('h1', {}, 'Reservations')));
    if (!session.self.ledger) {
        main.append(el('section', { class: 'card' }, el('p', {}, 'This service keeps no ledger, so reservations cannot be listed. One whose id you have can be found in the bar above.')));
        return;
    }
    const asked = Object.fromEntries(['sku', 'customer', 'reference', 'state'].map((name) => [name, params.get(name) || '']));
    const inputs = [textInput('sku', 'Sku', { value: asked.sku }), textInput('customer', 'Customer', { value: asked.customer }),
        textInput('reference', 'Reference', { value: asked.reference }), choiceInput('state', 'State', STATES, { value: asked.state })];
    const form = el('form', { class: 'filter', role: 'search', 'aria-label': 'Reservations' }, inputs.map((input) => input.element),
        el('button', { type: 'submit', class: 'small' }, 'Show'));
    const { element, body } = table('Reservations', ['Reservation', { text: 'State', class: 'word' }, { text: 'Units', class: 'about' },
        { text: 'Customer', class: 'about' }, { text: 'Reference', class: 'about' }, { text: 'Made', class: 'when' }]);
    const list = pager(async (cursor) => {
        const page = await get(query('v1/reservations', { ...asked, limit: PAGE, cursor }), signal);
        return { entries: page.reservations, next: page.next_cursor };
    }, (found) => body.append(...found.map(row)), (count, done) => {
        if (count === 0 && done)
            return 'There is no such reservation.';
        return done ? plural(count, 'reservation', 'reservations') : `${number(count)} reservations; those whose deadline was last come first`;
    }, signal);
    on(form, 'submit', (event) => {
        event.preventDefault();
        location.hash = query('#/reservations', readAll(inputs));
    }, signal);
    main.append(el('section', { class: 'card' }, form, element, list.element));
    list.more();
}
