// Every change of an item, newest first: a table with a filter, and a button for what was before.
import { aborted, get, path, query } from './api.js';
import { button, complaints, el, setText, table } from './dom.js';
import { change, number, plural } from './format.js';
import { choiceInput } from './inputs.js';
import { on, timeElement } from './time.js';

const PAGE = 25;
const WIDE_PAGE = 500;  // when most of a page will be left out
const LOOKED_MAX = 20;  // pages that one click reads at most
export const TYPES = ['create', 'set', 'adjust', 'delete', 'decrement', 'reserve', 'confirm', 'release', 'extend', 'expire', 'transfer'];

export function fetchMovements(sku, params, signal) {
    return get(query(`v1/items/${path(sku)}/movements`, params), signal);
}

function about(movement) {
    const parts = [];
    if (movement.reservation)
        parts.push(el('a', { href: `#/reservations/${encodeURIComponent(movement.reservation)}` }, movement.reservation));
    const words = [movement.customer && `for ${movement.customer}`, movement.reference, movement.reason].filter(Boolean);
    return el('td', { class: 'about' }, parts, words.length ? el('span', {}, words.join(' · ')) : null);
}

function delta(value) {
    return el('td', { class: value === 0 ? 'zero' : null }, change(value));
}

function row(movement) {
    return el('tr', { 'data-version': movement.version },
        el('th', { scope: 'row' }, number(movement.version)), el('td', { class: 'word' }, el('span', { class: `tag type-${movement.type}` }, movement.type)),
        delta(movement.available_delta), delta(movement.held_delta), delta(movement.sold_delta),
        ...['available', 'held', 'sold'].map((name) => el('td', {}, number(movement[name]))),
        about(movement), el('td', { class: 'when' }, timeElement(movement.at)));
}

export function movements(sku, signal) {
    const filter = choiceInput('type', 'Show', [['', 'all changes'], ...TYPES.map((type) => [type, `only ${type}`])]);
    const { element: shown, body } = table('Changes', ['Version', { text: 'Change', class: 'word' }, 'Available', 'Held', 'Sold', 'Available after', 'Held after', 'Sold after',
        { text: 'By', class: 'about' }, { text: 'When', class: 'when' }]);
    const line = el('p', { class: 'note' }, 'Looking…');
    const trouble = complaints();
    const older = button('Older', { class: 'small', hidden: true }, () => {
        paged = true;
        reach();
    });
    const newer = button('Newer changes', { class: 'small', hidden: true }, () => restart());
    const element = el('section', { class: 'card changes' }, el('div', { class: 'over' }, el('h2', {}, 'Changes'), newer, filter.element), shown,
        el('div', { class: 'pager' }, line, older, trouble.element));
    let [newest, oldest, read, matching, busy, paged] = [0, null, 0, 0, false, false];

    function take(found, place) {
        const wanted = filter.control.value;
        const rows = found.filter((movement) => !wanted || movement.type === wanted).map(row);
        read += found.length;
        matching += rows.length;
        body[place](...rows);
        return rows.length;
    }
    function say() {
        const seen = filter.control.value ? `${number(matching)} of ${plural(read, 'change', 'changes')} looked at` : plural(read, 'change', 'changes');
        setText(line, read === 0 ? 'No changes are in the ledger yet.' : oldest === null ? `${seen}, all there are` : `The newest ${seen}`);
        older.hidden = oldest === null;
    }
    async function attempt(work, again) {
        if (busy)
            return;
        busy = true;
        older.disabled = true;
        try {
            await work();
            trouble.clear();
            say();
        } catch (error) {
            if (error.name === 'item-not-found')
                say();
            else if (!signal.aborted && !aborted(error)) {
                setText(line, '');
                trouble.say(error, again);
            }
        } finally {
            busy = false;
            older.disabled = false;
        }
    }
    // Reads on until there is something to show.
    const reach = () => attempt(async () => {
        let found = 0;
        for (let pages = 0; found === 0 && pages < LOOKED_MAX && (oldest !== null || read === 0); pages++) {
            const page = await fetchMovements(sku, { limit: filter.control.value ? WIDE_PAGE : PAGE, cursor: oldest }, signal);
            if (page.movements.length)
                newest = Math.max(newest, page.movements[0].version);
            found += take(page.movements, 'append');
            oldest = page.next_cursor;
            if (page.movements.length === 0 && oldest === null)
                break;
        }
    }, reach);
    function restart() {
        body.replaceChildren();
        newer.hidden = true;
        [newest, oldest, read, matching, paged] = [0, null, 0, 0, false];
        return reach();
    }
    // What came since. A reader who has gone back is told, and the rows stay where they are; else as
    // many rows go as come.
    const refresh = () => (read === 0 ? reach() : attempt(async () => {
        const page = await fetchMovements(sku, { limit: PAGE }, signal);
        const fresh = page.movements.filter((movement) => movement.version > newest);
        if (fresh.length === 0)
            return;
        newest = fresh[0].version;
        newer.hidden = !paged;
        if (paged)
            return;
        if (fresh.length === page.movements.length) {
            body.replaceChildren();
            [read, matching, oldest] = [0, 0, page.next_cursor];
        }
        take(fresh, 'prepend');
        while (body.rows.length > PAGE) {
            body.lastChild.remove();
            [read, matching] = [read - 1, matching - 1];
            oldest = body.lastChild.dataset.version;
        }
    }, refresh));

    on(filter.control, 'change', restart, signal);
    return { element, refresh, newest: () => newest };
}
