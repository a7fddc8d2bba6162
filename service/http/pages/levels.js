// An item's stock over time, from the ledger.
import { aborted, get, path, query } from './api.js';
import { el } from './dom.js';
import { exact, number } from './format.js';
import { choiceInput } from './inputs.js';
import { axis, counts, plot } from './plots.js';
import { now, on } from './time.js';

const POINTS = 160;
const RANGES = [['900', 'last 15 minutes'], ['3600', 'last hour'], ['86400', 'last day'], ['604800', 'last week'], ['', 'since its beginning']];
const LINES = [{ label: 'sold', colour: 'ok' }, { label: 'held', colour: 'h' }, { label: 'available', colour: 'f', alpha: 0.25 }];

// Seconds between the marks of the time axis: as many as people count in.
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
const MARKS = 6;

function stepOf(span_ms) {
    return 1000 * (STEPS_S.find((step) => span_ms / 1000 / step <= MARKS) || Math.ceil(span_ms / 1000 / MARKS));
}

// Where a clock on the wall has round numbers.
function marks(scale) {
    const step = stepOf(scale.max - scale.min);
    const zone = new Date(scale.min).getTimezoneOffset() * 60000;
    scale.ticks = [];
    for (let at = Math.ceil((scale.min - zone) / step) * step + zone; at <= scale.max; at += step)
        scale.ticks.push({ value: at });
}

function timeAxis() {
    const hours = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
    const seconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
    const days = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit' });
    const label = (value, _, ticks) => {
        const span_ms = ticks[ticks.length - 1].value - ticks[0].value;
        return (span_ms < 600000 ? seconds : span_ms < 86400000 ? hours : days).format(value);
    };
    return axis({ type: 'linear', afterBuildTicks: marks }, { callback: label });
}

export function levels(sku, signal) {
    const range = choiceInput('range', 'Show', RANGES, { value: '' });
    const chart = plot('Stock over time', null, `Stock of ${sku} over time`, () => ({
        lines: LINES.map((line) => ({ ...line, fill: true, stepped: true })),
        scales: { x: timeAxis(), y: counts({ stacked: true }) },
        title: exact,
        value: number,
    }), signal);
    const line = el('p', { class: 'note' }, '\u00a0');
    chart.element.querySelector('.card-head').append(range.element);
    chart.element.append(line);

    async function refresh() {
        const end = now();
        const from = range.control.value ? new Date(end - range.control.value * 1000).toISOString() : null;
        try {
            const { levels: found } = await get(query(`v1/items/${path(sku)}/levels`, { from, points: POINTS }), signal);
            const points = found.map((level) => ({ ...level, x: Date.parse(level.at) }));
            const last = points[points.length - 1];
            if (last && last.x < end)
                points.push({ ...last, x: end });
            chart.set(LINES.map(({ label }) => points.map((point) => ({ x: point.x, y: point[label] }))), (scales) => {
                scales.x.min = from ? Date.parse(from) : points.length ? points[0].x : end - 1000;
                scales.x.max = end;
            });
            line.textContent = points.length ? '\u00a0' : 'Nothing is known of that time.';
        } catch (error) {
            if (!aborted(error))
                line.textContent = error.status === 404 && error.name === 'ledger-missing' ? 'This service keeps no ledger, so there is no past to show.' : error.message;
        }
    }
    on(range.control, 'change', refresh, signal);
    return { element: chart.element, refresh };
}
