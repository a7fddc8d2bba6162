// The story of one reservation: what happened to it, in order, from the changes of its items.
import { el, failure } from './dom.js';
import { change, number } from './format.js';
import { fetchMovements } from './movements.js';
import { timeElement } from './time.js';

const PAGE = 500;
const PAGES_MAX = 10; // of each item: a popular one has thousands of changes between a hold and its end
const TELL = {
    reserve: 'Held', extend: 'Given more time', confirm: 'Confirmed: sold', release: 'Released: given back', expire: 'Expired: given back',
};

// All changes of an item that belong to the reservation, from its last one back to its beginning.
async function changesOf(reservation, line, signal) {
    const found = [];
    let cursor = line.version + 1;
    for (let page = 0; page < PAGES_MAX && cursor !== null; page++) {
        const { movements, next_cursor } = await fetchMovements(line.sku, { limit: page ? PAGE : 1, cursor }, signal);
        found.push(...movements.filter((movement) => movement.reservation === reservation.id));
        const oldest = movements[movements.length - 1];
        if (!oldest || Date.parse(oldest.at) < Date.parse(reservation.created_at) || found.some((movement) => movement.type === 'reserve' && movement.at === reservation.created_at))
            return { found, whole: true };
        cursor = next_cursor;
    }
    return { found, whole: cursor === null };
}

// One step: all lines that changed together.
function steps(changes) {
    const byMoment = new Map();
    for (const movement of changes) {
        const key = `${movement.at} ${movement.type}`;
        byMoment.set(key, [...(byMoment.get(key) || []), movement]);
    }
    return [...byMoment.values()].sort((a, b) => Date.parse(a[0].at) - Date.parse(b[0].at) || a[0].version - b[0].version);
}

function detail(movement) {
    const moved = [['available', movement.available_delta], ['held', movement.held_delta], ['sold', movement.sold_delta]]
        .filter(([, value]) => value !== 0).map(([name, value]) => `${change(value)} ${name}`);
    return el('li', {}, el('a', { href: `#/items/${encodeURIComponent(movement.sku)}` }, movement.sku),
        ` ${moved.join(', ') || 'unchanged'}; ${number(movement.available)} left at version ${number(movement.version)}`);
}

function step(movements) {
    const [first] = movements;
    return el('li', { class: `step type-${first.type}` },
        el('p', {}, el('span', { class: 'strong' }, TELL[first.type] || first.type), ' ', timeElement(first.at)),
        first.expires_at ? el('p', { class: 'note' }, 'until ', timeElement(first.expires_at)) : null,
        el('ul', {}, movements.map(detail)));
}

export function story(signal) {
    const list = el('ol', { class: 'story' });
    const line = el('p', { class: 'note' }, 'Looking…');
    const element = el('section', { class: 'card' }, el('h2', {}, 'What happened'), list, line);
    // Whether the ledger has the last change of each line already.
    async function tell(reservation) {
        try {
            const parts = await Promise.all(reservation.lines.map((one) => changesOf(reservation, one, signal)));
            const changes = parts.flatMap((part) => part.found);
            list.replaceChildren(...steps(changes).map(step));
            const whole = parts.every((part) => part.whole);
            const there = reservation.lines.every((one) => changes.some((movement) => movement.sku === one.sku && movement.version === one.version));
            line.textContent = !there ? 'The ledger does not have all of it yet; it follows.' : whole ? '' : 'Its beginning lies too far back in the changes of a busy item to be looked for here.';
            return there;
        } catch (error) {
            if (!signal.aborted)
                line.replaceChildren(failure(error));
            return false;
        }
    }
    return { element, tell };
}
