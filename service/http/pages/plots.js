// Charts, drawn by Chart.js (/ui/chart.js) in the colours of the theme.
import { card, el } from './dom.js';
import { compact } from './format.js';
import { on } from './time.js';

function colour(name, alpha) {
    const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    return hex + (alpha === undefined ? '' : Math.round(alpha * 255).toString(16).padStart(2, '0'));
}

// One line: {label, colour, points}. Filled ones are stacked on the one before.
function dataset(line, i) {
    return {
        label: line.label,
        data: line.points || [],
        borderColor: colour(line.colour),
        backgroundColor: colour(line.colour, line.fill ? line.alpha || 0.7 : 1),
        borderWidth: line.fill ? 1 : 1.8,
        fill: line.fill ? (i ? '-1' : 'origin') : false,
        stepped: line.stepped || false,
        pointRadius: 0,
        pointHitRadius: 8,
        tension: 0,
        parsing: false,
        order: line.order,
    };
}

export function axis(more, ticks) {
    return {
        border: { color: colour('line') },
        grid: { color: colour('grid'), borderColor: colour('line'), drawTicks: false },
        ticks: { color: colour('muted'), padding: 6, maxRotation: 0, autoSkipPadding: 16, ...ticks },
        ...more,
    };
}

export function counts(more) {
    return axis({ beginAtZero: true, suggestedMax: 1, ...more }, { callback: compact, maxTicksLimit: 6, precision: 0 });
}

// Axes of a logarithmic chart are labelled where the digit is 1.
export function logarithmic(format) {
    const round = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
    return axis({ type: 'logarithmic' }, { callback: (value) => (round(value) ? format(value).replace(/[.,]?0+(?= )/, (zeros) => (/[.,]/.test(zeros) ? '' : zeros)) : null), autoSkip: false });
}

function settings(make) {
    const { lines, scales, title, value } = make();
    return {
        type: 'line',
        data: { datasets: lines.map(dataset) },
        options: {
            animation: false,
            responsive: true,
            maintainAspectRatio: false,
            interaction: { mode: 'index', axis: 'x', intersect: false },
            scales,
            plugins: {
                legend: {
                    position: 'bottom',
                    labels: {
                        color: colour('text'), boxWidth: 10, boxHeight: 10, padding: 14,
                        generateLabels: (chart) => Chart.defaults.plugins.legend.labels.generateLabels(chart)
                            .map((label) => ({ ...label, fillStyle: label.strokeStyle, lineWidth: 0 })),
                    },
                },
                tooltip: {
                    callbacks: {
                        title: (items) => (items.length ? title(items[0].parsed.x) : ''),
                        label: (item) => `${item.dataset.label}: ${value(item.parsed.y)}`,
                    },
                },
            },
        },
    };
}

// A card with a chart. `make` gives {lines, scales, title, value} in the colours of the moment; it is
// asked again when those change. `set(points, change)` gives each line its points.
export function plot(title, note, label, make, signal) {
    const canvas = el('canvas', { role: 'img', 'aria-label': label });
    const area = el('div', { class: 'plot' }, canvas);
    const element = card(title, note, area);
    element.classList.add('chart');
    let chart = null;
    let last = null;
    function build() {
        if (chart)
            chart.destroy();
        Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
        chart = new Chart(canvas, settings(make));
        if (last)
            set(...last);
    }
    function set(points, change) {
        last = [points, change];
        if (!chart || signal.aborted)
            return;
        chart.data.datasets.forEach((line, i) => { line.data = points[i]; });
        if (change)
            change(chart.options.scales);
        chart.update('none');
    }
    if (typeof Chart === 'undefined')
        area.replaceChildren(el('p', { class: 'failed' }, 'Charts cannot be drawn: ui/chart.js did not load.'));
    else {
        requestAnimationFrame(() => signal.aborted || build());
        on(matchMedia('(prefers-color-scheme: dark)'), 'change', build, signal);
        signal.addEventListener('abort', () => chart && chart.destroy());
    }
    return { element, set, label: (text) => canvas.setAttribute('aria-label', text) };
}
