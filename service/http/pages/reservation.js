// One reservation: its state, what is left of its time, its lines and its story.
import { exchange, path, problemOf } from './api.js';
import { button, complaints, el, keyed, setText, table } from './dom.js';
import { number, plural } from './format.js';
import { clock } from './holds.js';
import { STATE_LOOKS } from './reservations.js';
import { confirmReservation, extendReservation, releaseReservation } from './reservation_forms.js';
import { may, mayNot, session } from './session.js';
import { setTag, tag } from './stock.js';
import { story } from './story.js';
import { again, ticking, timeElement } from './time.js';

const POLL_MS = 1000;
const POLL_MISSING_MS = 5000;
const ACTIONS = [['Confirm', confirmReservation, 'main'], ['Extend', extendReservation], ['Release', releaseReservation]];

function facts(reservation) {
    const rows = [['Customer', reservation.customer], ['Reference', reservation.reference], ['Made', timeElement(reservation.created_at)],
        ['Deadline', timeElement(reservation.expires_at)],
        ['Metadata', Object.keys(reservation.metadata || {}).length ? el('code', {}, JSON.stringify(reservation.metadata)) : null]];
    return rows.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value || '–')));
}

function lineTable(confirmed) {
    return table('Lines', ['Item', ...(confirmed ? ['Reserved', 'Sold'] : ['Units']), 'Available after', 'Version']);
}

function lineRow(line) {
    return el('tr', {}, el('th', { scope: 'row' }, el('a', { href: `#/items/${encodeURIComponent(line.sku)}` }, line.sku)),
        ...[line.reserved, line.quantity, line.remaining, line.version].filter((value) => value !== undefined).map((value) => el('td', {}, number(value))));
}

export function reservation(main, { signal, id }) {
    document.title = `${id} – stockd`;
    const word = tag('off', '…');
    const running = clock();
    const left = el('div', { class: 'card running', hidden: true }, el('p', { class: 'name' }, 'Time left'), running.element);
    const line = el('p', { class: 'line' }, '\u00a0');
    const actions = el('div', { class: 'actions' });
    const details = el('dl', { class: 'facts' });
    const lines = el('div', {});
    const trouble = complaints();
    const past = session.self.ledger ? story(signal) : null;
    const known = el('div', { class: 'split even', hidden: true },
        el('section', { class: 'card' }, el('h2', {}, 'Reservation'), details, el('h3', {}, 'Lines'), lines), past ? past.element : null);
    main.append(el('div', { class: 'head' }, el('div', {}, el('h1', {}, el('span', { class: 'sku' }, id), word), line), actions),
        trouble.element, left, known);

    let [shown, seen, told] = ['', null, ''];
    function showActions() {
        if (seen.state !== 'held')
            actions.replaceChildren();
        else if (!may('seller'))
            actions.replaceChildren(el('p', { class: 'note' }, mayNot('seller')));
        else
            keyed(actions, ACTIONS, ([text]) => text, ([text, form, look]) => button(text, { class: look }, () => form(signal, seen, refresh)));
    }
    function show(found) {
        seen = found;
        setTag(word, STATE_LOOKS[found.state], found.state);
        left.hidden = found.state !== 'held';
        running.start(found);
        const now = JSON.stringify({ ...found, ttl_ms: 0 });
        if (now === shown)
            return;
        shown = now;
        known.hidden = false;
        showActions();
        setText(line, [`${plural(found.lines.length, 'line', 'lines')}`, found.reference, found.customer && `for ${found.customer}`].filter(Boolean).join(' · '));
        details.replaceChildren(...facts(found));
        const { element, body } = lineTable(found.state === 'confirmed');
        body.append(...found.lines.map(lineRow));
        lines.replaceChildren(element);
    }
    async function refresh() {
        try {
            const answer = await exchange({ method: 'GET', address: `v1/reservations/${path(id)}` }, signal);
            if (answer.status === 404) {
                setTag(word, 'off', 'not there');
                known.hidden = left.hidden = true;
                seen = null;
                shown = '';
                actions.replaceChildren();
            }
            if (answer.status !== 200)
                throw problemOf(answer);
            show(answer.body);
            trouble.clear();
            if (past && told !== shown && await past.tell(answer.body))
                told = shown;
        } catch (error) {
            if (!signal.aborted)
                trouble.say(error);
        }
    }
    ticking(running.tick, signal);
    again(() => (seen ? POLL_MS : POLL_MISSING_MS), refresh, signal);
}
