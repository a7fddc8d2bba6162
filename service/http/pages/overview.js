// The first page: how the service is, what it does each second, and what is asked for most.
import { card, el, keyed, setAttribute, setPart, setText } from './dom.js';
import { ago, bytes, milliseconds, number, percent, plural, rate, ratio, time } from './format.js';
import { judge, refusedRate, SIGNS } from './health.js';
import { hottest } from './hottest.js';
import { HISTORY_S, live, watchLive } from './live.js';
import { axis, counts, logarithmic, plot } from './plots.js';
import { session } from './session.js';
import { setSpark, setTile, tile } from './tiles.js';
import { now } from './time.js';

// What a second's operations came to, from the bottom of the chart to its top.
const OUTCOMES = [
    { label: 'sold', colour: 'ok', of: (r) => r.sold },
    { label: 'held', colour: 'h', of: (r) => r.held },
    { label: 'given back', colour: 'f', of: (r) => r.released + r.expired },
    { label: 'no stock', colour: 'no-stock', of: (r) => r.insufficient_stock },
    { label: 'refused', colour: 'refused', of: (r) => r.limit_exceeded + r.other_refused },
    { label: 'failed', colour: 'lost', of: (r) => r.failed },
];

// Of all holds that ended in the time that is shown, the part that became a sale.
function converted(history) {
    let [sold, ended] = [0, 0];
    for (const { sample } of history)
        if (sample) {
            sold += sample.rates.confirmed;
            ended += sample.rates.confirmed + sample.rates.released + sample.rates.expired;
        }
    return ended > 0 ? sold / ended : null;
}

const TILES = [
    { name: 'Requests a second', spark: (s) => s.rates.requests, value: (s) => rate(s.rates.requests),
        note: (s) => (s.rates.failed ? `${rate(s.rates.failed)} failed` : 'none failed'), state: (s) => s.rates.failed > 0 && 'violation' },
    { name: 'Sold a second', spark: (s) => s.rates.sold, value: (s) => rate(s.rates.sold), note: (s) => `${rate(s.rates.confirmed)} of them confirmed holds` },
    { name: 'Held a second', spark: (s) => s.rates.held, value: (s) => rate(s.rates.held),
        note: (s) => `${rate(s.rates.released)} released, ${rate(s.rates.expired)} expired` },
    { name: 'Refused a second', spark: (s) => refusedRate(s.rates), value: (s) => rate(refusedRate(s.rates)),
        note: (s) => `${rate(s.rates.insufficient_stock)} for lack of stock` },
    { name: 'Response time, p99', spark: (s) => s.latency_ms.p99, value: (s) => milliseconds(s.latency_ms.p99), note: (s) => (s.latency_ms.p50 === null ? 'nothing was asked' : `half within ${milliseconds(s.latency_ms.p50)}`) },
    { name: 'Converted holds', value: (s, history) => percent(converted(history)), note: () => 'became sales, of the last 5 min' },
    { name: 'Conflicts per commit', spark: (s) => s.conflicts_per_commit, value: (s) => ratio(s.conflicts_per_commit),
        note: (s) => (s.batch_size === null ? 'no commits' : `${ratio(s.batch_size)} operations a commit`) },
    { name: 'Ledger behind', value: (s) => (s.ledger_lag_ms === null ? 'none' : milliseconds(s.ledger_lag_ms)),
        note: (s) => (s.ledger_lag_ms === null ? 'runs without a ledger' : s.ledger_lag_events === null ? 'how much is not known' : plural(s.ledger_lag_events, 'event', 'events')) },
];

function headline() {
    const parts = {
        sign: el('span', { class: 'sign', 'aria-hidden': 'true' }, '…'),
        word: el('span', {}, 'Waiting'),
        text: el('p', { class: 'sentence', role: 'status' }, 'Waiting for the first sample of the service.'),
        line: el('p', { class: 'line' }, '\u00a0'),
    };
    const element = el('section', { class: 'card verdict', 'aria-label': 'State of the service' },
        el('p', { class: 'word' }, parts.sign, parts.word), el('div', {}, parts.text, parts.line));
    return { element, ...parts };
}

function facts(sample) {
    const { self } = session;
    return [plural(sample.services, 'service', 'services'), `stockd ${self.version}`, self.durability !== 'unset' && `durability ${self.durability}`,
        self.tenant && `tenant ${self.tenant}`, `as of ${time(Date.parse(sample.at))}`].filter(Boolean).join(' · ');
}

function showHeadline(head, { state, sample, why }) {
    const said = sample && state === 'live' ? judge(sample) : null;
    if (said) {
        setText(head.text, said.text);
        setText(head.line, facts(sample));
    } else if (state === 'away') {
        setText(head.text, why);
        setText(head.line, sample ? `What you see is from ${time(Date.parse(sample.at))}. This page tries again by itself.` : 'This page tries again by itself.');
    }
    if (said || state === 'away') {
        setText(head.word, said ? said.word : 'Away');
        setText(head.sign, SIGNS[said ? said.state : 'off']);
        head.element.className = `card verdict ${said ? said.state : 'away'}`;
    }
}

function meter(name) {
    const value = el('dd', {}, '–');
    const bar = el('span', { class: 'meter', 'aria-hidden': 'true' }, el('span'));
    return { element: el('div', { class: 'metered' }, el('dt', {}, name), value, bar), value, bar: bar.firstChild };
}

function fact(name) {
    const value = el('dd', {}, '–');
    return { element: el('div', {}, el('dt', {}, name), value), value };
}

const SHUT_SHOWN = 8; // partitions that are not open, by name
const AUDITS = { equal: 'equal', drift: 'drift', unknown: 'could not tell' };

function inside() {
    const rows = { memory: meter('Redis memory'), queue: fact('Waiting requests'), expiry: fact('Expiry late by'), commits: fact('Commits a second'), audit: fact('Last audit') };
    const shut = el('ul', { class: 'shut' });
    const rest = el('p', { class: 'note' });
    const cells = el('div', { class: 'cells', role: 'img' });
    const open = el('p', { class: 'note' }, '\u00a0');
    const element = card('Inside', null, el('dl', { class: 'facts' }, Object.values(rows).map((row) => row.element)),
        el('h3', {}, 'Partitions'), open, cells, shut, rest);
    function update(s) {
        const { used_bytes, used_ratio } = s.redis_memory;
        setText(rows.memory.value, bytes(used_bytes) + (used_ratio === null ? '' : `, ${percent(used_ratio)}`));
        setPart(rows.memory.bar, used_ratio || 0);
        rows.memory.bar.parentElement.hidden = used_ratio === null;
        setText(rows.queue.value, number(s.queue_depth));
        setText(rows.expiry.value, milliseconds(s.expiry_lag_ms));
        setText(rows.commits.value, rate(s.commits));
        setText(rows.audit.value, s.audit.result === null ? 'none yet' : `${AUDITS[s.audit.result] || s.audit.result}${s.audit.at ? `, ${ago(now() - Date.parse(s.audit.at))}` : ''}`);
        const closed = new Map(s.partitions.not_open.map((one) => [one.partition, one.why]));
        setText(open, `${number(s.partitions.open)} of ${number(s.partitions.count)} open`);
        cells.setAttribute('aria-label', open.textContent);
        keyed(cells, Array.from({ length: s.partitions.count }, (_, p) => p), (p) => p, (p) => el('span', { title: `partition ${p}` }),
            (cell, p) => setAttribute(cell, 'class', closed.has(p) ? 'closed' : 'open'));
        const more = s.partitions.not_open.length - SHUT_SHOWN;
        setText(rest, more > 0 ? `and ${number(more)} more` : '');
        keyed(shut, s.partitions.not_open.slice(0, SHUT_SHOWN), (one) => one.partition, () => el('li'), (line, one) => setText(line, `Partition ${one.partition}: ${one.why}`));
    }
    return { element, update };
}

// Seconds before now; the axis stands still and the lines move through it. It grows with what is known.
const WINDOWS_S = [60, 120, HISTORY_S];

function windowOf(history) {
    const known_s = history.length ? (history[history.length - 1].at_ms - history[0].at_ms) / 1000 : 0;
    return WINDOWS_S.find((window_s) => known_s <= window_s) || HISTORY_S;
}

function since() {
    const label = (x) => (x === 0 ? 'now' : x % 60 ? `−${number(-x)} s` : `−${number(-x / 60)} min`);
    return axis({ type: 'linear', min: -WINDOWS_S[0], max: 0 }, { stepSize: 15, autoSkipPadding: 30, callback: label });
}

const before = (x) => `${number(Math.round(-x))} s ago`;

function rates(signal) {
    return plot('Operations a second, by outcome', 'Stacked; of all services, since this page was opened.', 'Operations a second by outcome', () => ({
        lines: OUTCOMES.map((outcome) => ({ ...outcome, fill: true })),
        scales: { x: since(), y: counts({ stacked: true, suggestedMax: 5 }) },
        title: before,
        value: (v) => `${rate(v)}/s`,
    }), signal);
}

function latencies(signal) {
    return plot('Response time', 'Of all requests. Log scale.', 'Response time', () => ({
        lines: [{ label: 'p99', colour: 'b' }, { label: 'p50', colour: 'a' }],
        scales: { x: since(), y: { ...logarithmic(milliseconds), suggestedMin: 0.1, suggestedMax: 10 } },
        title: before,
        value: milliseconds,
    }), signal);
}

function points(history, of) {
    const end = history.length ? history[history.length - 1].at_ms : 0;
    return history.map(({ at_ms, sample }) => ({ x: (at_ms - end) / 1000, y: sample ? of(sample) : null }));
}

export function overview(main, { signal }) {
    document.title = 'Overview – stockd';
    const head = headline();
    const tiles = TILES.map((one) => tile(one.name, Boolean(one.spark)));
    const rateChart = rates(signal);
    const timeChart = latencies(signal);
    const hot = hottest();
    const health = inside();
    const numbers = el('div', { class: 'live' },
        el('section', { class: 'tiles', 'aria-label': 'Key figures' }, tiles.map((one) => one.element)),
        el('div', { class: 'charts' }, rateChart.element, timeChart.element),
        el('div', { class: 'split' }, hot.element, health.element));
    main.append(el('h1', { class: 'unseen' }, 'Overview'), head.element, numbers);
    watchLive(() => {
        const { sample, history, state } = live;
        const window_s = windowOf(history);
        const widen = (scales) => {
            scales.x.min = -window_s;
            scales.x.ticks.stepSize = window_s / 4 > 60 ? 60 : window_s / 4;
        };
        showHeadline(head, live);
        numbers.classList.toggle('stale', state === 'away');
        if (!sample)
            return;
        TILES.forEach((one, i) => {
            setTile(tiles[i], one.value(sample, history), one.note(sample), one.state && one.state(sample));
            if (one.spark)
                setSpark(tiles[i], points(history, one.spark).map((p) => ({ x: 1 + p.x / window_s, y: p.y })));
        });
        rateChart.set(OUTCOMES.map((outcome) => points(history, (s) => outcome.of(s.rates))), widen);
        timeChart.set(['p99', 'p50'].map((name) => points(history, (s) => s.latency_ms[name] || null)), widen);
        rateChart.label(`Operations a second by outcome, now ${OUTCOMES.map((o) => `${rate(o.of(sample.rates))} ${o.label}`).join(', ')}`);
        hot.update(sample.hottest);
        health.update(sample);
    }, signal);
}
