// One item: its units now, second by second, who holds them, and how it came to that.
import { exchange, path, problemOf } from './api.js';
import { button, complaints, el, setText } from './dom.js';
import { moment, number, percent } from './format.js';
import { holds } from './holds.js';
import { adjustItem, createItem, deleteItem, setItem, transferItem } from './item_forms.js';
import { levels } from './levels.js';
import { movements } from './movements.js';
import { may, mayNot, session } from './session.js';
import { setStockBar, setTag, stockBar, stockKey, stockState, tag } from './stock.js';
import { setTile, tile } from './tiles.js';
import { again } from './time.js';

const POLL_MS = 1000;
const POLL_MISSING_MS = 5000;
const SLOW_MS = 3000; // between lists and charts of an item that changes all the time

function part(of, all) {
    return all ? `${percent(of / all)} of all units` : '\u00a0';
}

const TILES = [
    { name: 'Available', value: (i) => number(i.available), note: (i) => part(i.available, i.on_hand + i.sold) },
    { name: 'Held', value: (i) => number(i.held), note: (i) => part(i.held, i.on_hand + i.sold) },
    { name: 'Sold', value: (i) => number(i.sold), note: (i) => part(i.sold, i.on_hand + i.sold) },
    { name: 'On hand', value: (i) => number(i.on_hand), note: () => 'available and held' },
];

function header(sku) {
    const word = tag('off', '…');
    const line = el('p', { class: 'line' }, '\u00a0');
    const actions = el('div', { class: 'actions' });
    const element = el('div', { class: 'head' }, el('div', {}, el('h1', {}, el('span', { class: 'sku' }, sku), word), line), actions);
    return { element, word, line, actions };
}

function summary() {
    const bar = stockBar();
    const tiles = TILES.map((one) => tile(one.name, false));
    const element = el('div', { class: 'stack' }, el('section', { class: 'tiles four', 'aria-label': 'Units' }, tiles.map((one) => one.element)),
        el('section', { class: 'card stock-card' }, bar, stockKey()));
    function update(item) {
        setStockBar(bar, item);
        TILES.forEach((one, i) => setTile(tiles[i], one.value(item), one.note(item)));
    }
    return { element, update };
}

// The item as it was seen last is what a form begins with.
function showActions(box, current, changed, signal) {
    if (!may('stock')) {
        box.replaceChildren(el('p', { class: 'note' }, mayNot('stock')));
        return;
    }
    const actions = [['Adjust', adjustItem, 'main'], ['Set', setItem], ['Transfer', transferItem], ['Delete', deleteItem, 'danger']];
    box.replaceChildren(...actions.map(([text, form, look]) => button(text, { class: look }, () => form(signal, current(), changed))));
}

export function item(main, { signal, id: sku }) {
    document.title = `${sku} – stockd`;
    const head = header(sku);
    const units = summary();
    const trouble = complaints();
    const past = session.self.ledger ? { levels: levels(sku, signal), holds: holds(sku, signal), changes: movements(sku, signal) } : null;
    main.append(head.element, trouble.element, units.element);
    const history = past ? el('div', { class: 'stack' }, el('div', { class: 'charts' }, past.levels.element, past.holds.element), past.changes.element) : null;
    if (past)
        main.append(history);
    else
        main.append(el('section', { class: 'card' }, el('p', {}, 'This service keeps no ledger, so holds and changes cannot be listed.')));

    let [seen, tagged, wanted, drawn, slow_at] = [null, null, 0, -1, 0];
    function missing(problem) {
        wanted = seen ? seen.version + 1 : wanted; // its end is a change, too
        seen = tagged = null;
        setTag(head.word, 'off', 'not there');
        setText(head.line, problem.message);
        units.element.hidden = true;
        head.actions.replaceChildren(may('stock') ? button('Create it', { class: 'main' }, () => createItem(signal, sku, look)) : '');
    }
    function show(item) {
        if (!seen)
            showActions(head.actions, () => seen, look, signal);
        seen = item;
        wanted = item.version;
        units.element.hidden = false;
        units.update(item);
        const { state, word } = stockState(item);
        setTag(head.word, state, word);
        setText(head.line, [`version ${number(item.version)}`, `changed ${moment(item.updated_at)}`,
            item.max_per_customer && `at most ${number(item.max_per_customer)} for one customer`].filter(Boolean).join(' · '));
    }
    // The ledger follows by a little: what is read from it is read again until it has caught up.
    async function follow() {
        if (!past || drawn >= wanted)
            return;
        await past.changes.refresh();
        const there = past.changes.newest();
        history.hidden = there === 0 && !seen; // of what never was
        if (there >= wanted || performance.now() - slow_at > SLOW_MS) {
            await Promise.all([past.holds.refresh(), past.levels.refresh()]);
            slow_at = performance.now();
            drawn = there;
        }
    }
    async function read() {
        const answer = await exchange({ method: 'GET', address: `v1/items/${path(sku)}`, headers: tagged ? { 'If-None-Match': tagged } : {} }, signal);
        if (answer.status === 200) {
            tagged = answer.headers.get('ETag');
            show(answer.body);
        } else if (answer.status === 404)
            missing(problemOf(answer));
        else if (answer.status !== 304)
            throw problemOf(answer);
    }
    // The past is in the ledger, and there also while Redis is away.
    async function look() {
        const [now, before] = [await read().catch((error) => error), await follow().catch((error) => error)];
        const failed = now || before;
        if (!failed)
            trouble.clear();
        else if (!signal.aborted)
            trouble.say(failed);
    }
    again(() => (seen ? POLL_MS : POLL_MISSING_MS), look, signal);
}
