// Key figures: a name, a value, a note, and where there is a past, the line of it.
import { el, setAttribute, setText, svg } from './dom.js';

const WIDTH = 120;
const HEIGHT = 26;
const LONG = 12; // characters; a number is made smaller, never cut

export function tile(name, spark) {
    const value = el('p', { class: 'value' }, '–');
    const note = el('p', { class: 'note' }, '\u00a0');
    const line = svg('polyline', { points: '' });
    const drawing = spark ? svg('svg', { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, line) : null;
    const element = el('div', { class: 'card tile' }, el('p', { class: 'name' }, name), value, note, drawing);
    return { element, value, note, line };
}

export function setTile(shown, value, note, state) {
    setText(shown.value, value);
    shown.value.classList.toggle('long', value.length > LONG);
    setText(shown.note, note || '\u00a0');
    setAttribute(shown.element, 'data-state', state);
}

// `points` are {x, y} with x in 0..1; a y of null leaves a gap out.
export function setSpark(shown, points) {
    const known = points.filter((point) => point.y !== null);
    const most = Math.max(...known.map((point) => point.y), Number.MIN_VALUE);
    const at = (point) => `${(point.x * WIDTH).toFixed(1)},${(HEIGHT - 2 - (point.y / most) * (HEIGHT - 4)).toFixed(1)}`;
    shown.line.setAttribute('points', known.map(at).join(' '));
}
