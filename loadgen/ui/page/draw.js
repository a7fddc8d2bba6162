// What the live page and a saved race are drawn with: numbers as the reader writes them, elements that
// are made once and then change, charts in the colours of the theme. Nothing here knows a run or a race.
'use strict';

const UNKNOWN = '–';
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const three = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

function known(value) {
    return value !== null && value !== undefined;
}

function count(value) {
    return known(value) ? whole.format(value) : UNKNOWN;
}

// Three digits that count, and all before the point.
function measured(value) {
    if (!known(value))
        return UNKNOWN;
    return Math.abs(value) >= 100 ? whole.format(value) : three.format(value);
}

function duration(ms) {
    if (!known(ms))
        return UNKNOWN;
    if (ms < 1)
        return measured(1000 * ms) + ' µs';
    return ms < 1000 ? measured(ms) + ' ms' : measured(ms / 1000) + ' s';
}

// "1:02:03" or "02:03"
function clock(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (n) => String(n).padStart(2, '0');
    return (s >= 3600 ? Math.floor(s / 3600) + ':' : '') + two(Math.floor(s / 60) % 60) + ':' + two(s % 60);
}

// ---- elements

function el(tag, name, ...inside) {
    const element = document.createElement(tag);
    if (name)
        element.className = name;
    element.append(...inside);
    return element;
}

function say(element, text) {
    if (element.textContent !== text)
        element.textContent = text;
}

function show(element, shown) {
    if (element.hidden === shown)
        element.hidden = !shown;
}

function card(title, note, ...inside) {
    const section = el('section', 'card', el('h3', '', title));
    if (note)
        section.append(el('p', 'note', note));
    section.append(...inside);
    return section;
}

// A list that has as many rows as there are things: make(i) gives {root, update(thing)}.
function rows(list, make) {
    const made = [];
    return (things) => {
        while (made.length < things.length) {
            const row = make(made.length);
            list.append(row.root);
            made.push(row);
        }
        while (made.length > things.length)
            made.pop().root.remove();
        things.forEach((thing, i) => made[i].update(thing));
    };
}

// With a colour of the theme; without one, that of what is around it.
function coloured(element, name) {
    if (name)
        element.style.setProperty('--hue', 'var(--' + name + ')');
    return element;
}

// A bar of parts, each with the name of its colour; update takes their shares of the whole bar.
function bar(...colours) {
    const root = el('span', 'bar');
    const parts = colours.map((name) => coloured(el('span', 'part'), name));
    root.setAttribute('aria-hidden', 'true');
    root.append(...parts);
    return {
        root: root,
        update: (shares) => parts.forEach((part, i) => {
            part.style.width = (100 * Math.min(1, Math.max(0, shares[i] || 0))).toFixed(2) + '%';
        }),
    };
}

// Figures beside each other, each a name and a value that changes.
function tiles(names) {
    const root = el('dl', 'tiles');
    const values = names.map((name) => {
        const value = el('dd', '', UNKNOWN);
        root.append(el('div', '', el('dt', '', name), value));
        return value;
    });
    return { root: root, update: (texts) => texts.forEach((text, i) => say(values[i], text)) };
}

// ---- charts

const charts = [];

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

function axis(title, format, more, ticks) {
    return Object.assign({
        beginAtZero: true,
        title: { display: true, text: title, color: colour('muted') },
        grid: { color: colour('grid'), borderColor: colour('line'), drawTicks: false },
        ticks: Object.assign({ color: colour('muted'), padding: 6, maxRotation: 0, maxTicksLimit: 7, autoSkipPadding: 14, callback: (v) => format(v) }, ticks),
    }, more);
}

function options(scales, legend) {
    return {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: scales,
        plugins: { legend: { display: legend, position: 'bottom', labels: { color: colour('text'), boxWidth: 10, boxHeight: 10 } } },
    };
}

function line(label, name, more) {
    return Object.assign({
        label: label, data: [], borderColor: colour(name), backgroundColor: colour(name),
        borderWidth: 1.8, pointRadius: 0, pointHitRadius: 8, tension: 0,
    }, more);
}

// A chart in a figure. make() gives its configuration in the colours of the moment, fill(chart) its data.
function chart(title, make, fill) {
    const canvas = el('canvas');
    const root = el('figure', 'card', el('h3', '', title), el('div', 'plot', canvas));
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', title);
    const one = { canvas: canvas, made: null, make: make, fill: fill };
    charts.push(one);
    return { root: root, update: () => refresh(one) };
}

function refresh(one) {
    if (!one.made)
        one.made = new Chart(one.canvas, one.make());
    one.fill(one.made);
    one.made.update('none');
}

// In the colours of the other theme.
function redraw() {
    charts.forEach((one) => {
        if (one.made)
            one.made.destroy();
        one.made = null;
        refresh(one);
    });
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
