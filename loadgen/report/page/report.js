// Draws a report: the document that --output-format json writes (#document), as the layout (#layout)
// says. All text goes into the page as text, never as HTML. A chart in a closed section is drawn
// when it is opened; document.documentElement.dataset.charts counts those that were drawn.
'use strict';

const shown = JSON.parse(document.getElementById('document').textContent);
const layout = JSON.parse(document.getElementById('layout').textContent);
const units = layout.units;
const runs = shown.runs;

const SIGNS = { right: '✓', unknown: '?', violation: '✕', unchecked: '–' }; // not by colour alone
const SEVERITY = ['right', 'unchecked', 'unknown', 'violation'];
const NONE = '–';

// ---- elements

function el(name, attributes, ...children) {
    const element = document.createElement(name);
    Object.entries(attributes || {}).forEach(([key, value]) => element.setAttribute(key, value));
    element.append(...children.filter((child) => child !== null));
    return element;
}

function card(title, note, ...children) {
    return el('section', { class: 'card' }, el('h3', {}, title), note ? el('p', { class: 'note' }, note) : null, ...children);
}

// A line must not end between two dashes.
function words(text) {
    if (!text.includes(' -'))
        return text;
    return el('code', {}, ...text.split(/(?<= )/).map((word) => el('span', {}, word)));
}

// ---- facts and tables of the layout

function fieldText(field, from) {
    const text = fill(units, field.text, from);
    return text === null && field.otherwise !== undefined ? fill(units, field.otherwise, from) : text;
}

function filled(fields, from) {
    return fields.filter((field) => holds(from, field.when))
        .map((field) => ({ label: field.label, text: fieldText(field, from) }))
        .filter((field) => field.text !== null);
}

function facts(section, from) {
    const rows = filled(section.fields, from).map((field) => el('div', {}, el('dt', {}, field.label), el('dd', {}, words(field.text))));
    return el('dl', { class: 'facts' }, ...rows);
}

// A cell of one value in words has that value as its class.
function cell(field, from) {
    const text = fieldText(field, from);
    const [, path, unit] = /^\{([^:}]*):([^}]*)\}$/.exec(field.text) || [];
    const state = unit && Object.keys(units[unit].words).length ? String(find(from, path)) : '';
    return el('td', { class: text === '0' || text === null ? 'zero' : state }, text === null ? NONE : text);
}

function table(heads, rows) {
    const head = el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)));
    return el('div', { class: 'scroll', tabindex: '0' }, el('table', {}, el('thead', {}, head), el('tbody', {}, ...rows)));
}

function rowsOf(section, source, run) {
    const elements = source.list === undefined ? [run] : run[source.list];
    return elements.map((element) => ({ element, object: find(element, source.object) }))
        .filter((row) => row.object)
        .map((row) => el('tr', {}, el('th', { scope: 'row' }, fill(units, source.name, row.element)),
            ...section.fields.map((field) => cell(field, row.object))));
}

function members(section, object) {
    const some = Object.entries(object).filter(([, value]) => value > 0);
    return table([section.head, ''], some.map(([key, value]) => el('tr', {}, el('th', { scope: 'row' }, key), el('td', {}, plain(value)))));
}

function sectionBody(section, run) {
    const from = find(run, section.object);
    if (section.rows.length > 0)
        return table([section.head, ...section.fields.map((field) => field.label)], section.rows.flatMap((source) => rowsOf(section, source, run)));
    return section.fields.length > 0 ? facts(section, from) : members(section, from);
}

// Small sections fill two columns, whatever their heights.
function sections(run) {
    const parts = [];
    layout.sections.filter((section) => holds(run, section.when)).forEach((section) => {
        const part = card(section.title, section.note, sectionBody(section, run));
        const last = parts[parts.length - 1];
        if (section.wide)
            parts.push(part);
        else if (last && last.className === 'narrow')
            last.append(part);
        else
            parts.push(el('div', { class: 'narrow' }, part));
    });
    return parts;
}

// ---- the verdict and its proof

function word(run) {
    return fill(units, '{verdict.shown:verdict}', run);
}

function sign(state) {
    return el('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[state]);
}

function verdict(run) {
    const f = run.facts;
    const state = run.verdict.shown;
    return el('section', { class: 'card verdict ' + state },
        el('p', { class: 'word' }, sign(state), word(run)),
        el('div', {},
            el('p', { class: 'sentence' }, run.verdict.sentence),
            el('p', { class: 'line' }, ...[f.scenario, f.url, f.started_at, 'seed ' + f.seed].map((text) => el('span', {}, text))),
            el('ul', { class: 'trouble' }, ...run.warnings.map((text) => el('li', {}, text)))));
}

function tiles(run) {
    return el('section', { class: 'tiles', 'aria-label': 'Key figures' }, ...layout.figures.map((figure) => {
        const note = fill(units, figure.note, run);
        const oversold = figure.text.includes('oversold') ? ' ' + run.coverage.oversold : '';
        return el('div', { class: 'card tile' + oversold },
            el('p', { class: 'name' }, figure.label),
            el('p', { class: 'value' }, fieldText(figure, run) || NONE),
            note === null ? null : el('p', { class: 'note' }, note));
    }));
}

function properties(run) {
    const list = run.verdict.properties.map((property) => el('li', { class: property.shown }, sign(property.shown),
        el('div', {}, el('p', {}, property.title),
            ...filled(layout.property, property).map((field) => el('p', { class: 'note' }, field.text)))));
    return card('What was checked', '', el('ul', { class: 'properties' }, ...list));
}

function more(fields, from) {
    return filled(fields, from).map((field) => el('p', { class: 'note' }, field.text));
}

function witness(found) {
    return el('li', {},
        el('p', {}, el('span', { class: 'tag' }, found.property), found.text),
        el('ol', { class: 'ops' }, ...found.operations.map((op) => el('li', {}, el('code', {}, op.text)))),
        ...more(layout.witness, found));
}

function witnesses(run) {
    const found = run.verdict.witnesses;
    if (found.length === 0)
        return null;
    const part = card('Witnesses', 'The operations that prove it.', el('ol', {}, ...found.map(witness)), ...more(layout.verdict, run.verdict));
    part.classList.add('witnesses');
    return part;
}

function lost(run) {
    const told = run.verdict.lost.told;
    if (told.length === 0)
        return null;
    return card('Lost', 'What a failover took from those who had been answered.',
        el('ol', { class: 'ops' }, ...told.map((one) => el('li', {}, el('code', {}, one.text)))));
}

// ---- charts

function figure(chart, index, title, note) {
    return el('figure', { class: 'card chart' },
        el('figcaption', {}, el('h3', {}, title), el('p', { class: 'note' }, note)),
        el('div', { class: 'plot' }, el('canvas', { 'data-chart': chart, 'data-run': index, role: 'img', 'aria-label': title })));
}

function chartsOf(run, index) {
    const list = Object.entries(charts).filter(([, chart]) => chart.title && holds(run, chart.when));
    return el('section', { class: 'charts', 'aria-label': 'Charts' }, ...list.map(([name, chart]) => figure(name, index, chart.title, chart.note)));
}

// ---- the page

function article(run, index) {
    const parts = [verdict(run), tiles(run), witnesses(run), lost(run), chartsOf(run, index), properties(run), ...sections(run)];
    return el('article', { class: 'run', id: 'run-' + (index + 1) }, ...parts.filter((part) => part !== null));
}

function comparison() {
    const fields = layout.comparison.filter((field) => runs.some((run) => fieldText(field, run) !== null));
    const rows = runs.map((run, i) => el('tr', {},
        el('th', { scope: 'row' }, el('a', { href: '#run-' + (i + 1) }, fieldText(fields[0], run))),
        ...fields.slice(1).map((field) => cell(field, run))));
    return [
        el('h2', {}, runs.length + ' runs side by side'),
        el('div', { class: 'compare card' }, table(fields.map((field) => field.label), rows)),
        el('section', { class: 'charts', 'aria-label': 'Charts of all runs' },
            figure('compare-curve', 0, charts.curve.title, 'Each step to the right is ten times rarer.'),
            figure('compare-rate', 0, 'Answers a second', 'All but the unknown ones.')),
    ];
}

// A search comes before its steps. Its outcomes look like verdicts.
const OUTCOMES = { known: 'right', ceiling: 'right', open: 'unknown', none: 'violation' };

function capacity(found) {
    const state = OUTCOMES[found.outcome];
    const [search, steps] = layout.capacity.map((section) => card(section.title, section.note, sectionBody(section, found)));
    return el('article', { class: 'search' },
        el('section', { class: 'card verdict ' + state },
            el('p', { class: 'word' }, sign(state), fill(units, '{outcome:capacity}', found)),
            el('div', {}, el('p', { class: 'sentence' }, found.sentence))),
        el('section', { class: 'charts', 'aria-label': 'The search' },
            figure('capacity', 0, 'p99 by rate', 'From the planned send; a point a step. Dashed: the goal.'), search),
        steps);
}

function folded(run, index) {
    return el('details', { class: run.verdict.shown },
        el('summary', {}, el('span', { class: 'tag' }, word(run)), run.name), article(run, index));
}

function drawVisible(again) {
    document.querySelectorAll('canvas[data-chart]').forEach((canvas) => {
        if (!canvas.closest('details:not([open])') && (again || !drawn.has(canvas)))
            attempt(canvas);
    });
    document.documentElement.dataset.charts = drawn.size;
}

function openAll() {
    document.querySelectorAll('details').forEach((section) => { section.open = true; });
    drawVisible(false);
}

// A link to a run opens its section.
function openTarget() {
    const target = /^#run-\d+$/.test(location.hash) && document.querySelector(location.hash);
    const section = target && target.closest('details');
    if (section) {
        section.open = true;
        target.scrollIntoView();
    }
}

function build() {
    const worst = runs.reduce((a, b) => (SEVERITY.indexOf(b.verdict.shown) > SEVERITY.indexOf(a.verdict.shown) ? b : a));
    const found = shown.capacity;
    const name = found ? 'capacity' : runs.length > 1 ? runs.length + ' runs' : runs[0].facts.scenario;
    document.title = word(worst) + ': ' + name + ' – stockload';
    const parts = runs.length > 1 ? [...comparison(), ...runs.map(folded)] : [article(runs[0], 0)];
    document.querySelector('main').replaceChildren(...(found ? [capacity(found)] : []), ...parts);
}

build();
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
document.querySelectorAll('details').forEach((section) => section.addEventListener('toggle', () => drawVisible(false)));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawVisible(true));
addEventListener('beforeprint', openAll);
addEventListener('hashchange', openTarget);
openTarget();
drawVisible(false);
