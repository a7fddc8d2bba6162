// The open holds of an item, with the time that is left of each running down.
import { get, query } from './api.js';
import { el, keyed, setPart, setText, table } from './dom.js';
import { countdown, number, plural } from './format.js';
import { ticking } from './time.js';

const SHOWN = 50;
const SOON_MS = 60000;

// Counts down from what the service said was left, by a clock that nobody sets.
export function deadline(reservation) {
    return { end: performance.now() + reservation.ttl_ms, all_ms: Math.max(1, Date.parse(reservation.expires_at) - Date.parse(reservation.created_at)) };
}

export function clock() {
    const left = el('span', { class: 'left' }, '');
    const bar = el('span', { class: 'meter', 'aria-hidden': 'true' }, el('span'));
    const element = el('span', { class: 'clock' }, left, bar);
    let until = null;
    function tick() {
        if (!until)
            return;
        const left_ms = until.end - performance.now();
        setText(left, left_ms > 0 ? countdown(left_ms) : 'due');
        setPart(bar.firstChild, left_ms / until.all_ms);
        element.classList.toggle('soon', left_ms < SOON_MS);
    }
    return { element, tick, start: (reservation) => { until = deadline(reservation); tick(); } };
}

export function holds(sku, signal) {
    const { element: shown, body } = table('Open holds', [{ text: 'Reservation' }, { text: 'Left', class: 'left-cell' }, 'Units', { text: 'For', class: 'about' }]);
    const line = el('p', { class: 'note' }, 'Looking…');
    const element = el('section', { class: 'card holds' }, el('h2', {}, 'Open holds'), shown, line);
    function make(reservation) {
        const running = clock();
        const units = reservation.lines.filter((one) => one.sku === sku).reduce((sum, one) => sum + one.quantity, 0);
        const row = el('tr', {}, el('th', { scope: 'row' }, el('a', { href: `#/reservations/${encodeURIComponent(reservation.id)}` }, reservation.id)),
            el('td', { class: 'left-cell' }, running.element), el('td', {}, number(units)),
            el('td', { class: 'about' }, [reservation.customer, reservation.reference].filter(Boolean).join(' · ') || '–'));
        row.running = running;
        return row;
    }
    async function refresh() {
        const page = await get(query('v1/reservations', { sku, state: 'held', limit: SHOWN }), signal);
        const soonest = [...page.reservations].sort((a, b) => a.ttl_ms - b.ttl_ms);
        keyed(body, soonest, (one) => one.id, make, (row, one) => row.running.start(one));
        shown.hidden = page.reservations.length === 0;
        setText(line, page.reservations.length === 0 ? 'Nothing is held.'
            : page.next_cursor ? `The ${number(page.reservations.length)} whose deadline was last when they were made; there are more` : plural(page.reservations.length, 'hold', 'holds'));
    }
    ticking(() => [...body.children].forEach((row) => row.running.tick()), signal);
    return { element, refresh };
}
