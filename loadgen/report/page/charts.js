// The charts of a report. A chart has a title and a note, says when a run has something to show in it,
// and makes what Chart.js draws from a run of the document. Points are computed here and nowhere else;
// figures are written in the units of the layout.
'use strict';

const drawn = new Map();
const CLASS_COLOURS = { ok: 'ok', 'no-stock': 'no-stock', refused: 'refused', busy: 'busy', unknown: 'lost' };
const HUES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const NAME_LENGTH = 36;
const NARROW = 600; // pixels of the page: a legend of eight long names would leave no chart
const MARKERS = 40; // fewer points than this are shown one by one

function colour(name, alpha) {
    const hex = getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
    return hex + (alpha === undefined ? '' : Math.round(alpha * 255).toString(16).padStart(2, '0'));
}

// ---- values at the axes

// Round numbers need no zeros behind the point.
function tick(name) {
    return (value) => inUnit(units, value, name).replace(/\.0+(?=\D|$)/, '');
}

function exact(name) {
    return (value) => inUnit(units, value, name);
}

function at(seconds) {
    return exact('s')(seconds);
}

// One in so many answers took longer: 1000 is 99.9%.
function percentile(x) {
    return (100 - 100 / x).toLocaleString('en', { maximumFractionDigits: Math.max(0, Math.ceil(Math.log10(x)) - 1) }) + '%';
}

// A legend has little room; the end of a path says more than its beginning.
function shortName(run) {
    return run.name.length > NAME_LENGTH ? '…' + run.name.slice(-NAME_LENGTH) : run.name;
}

// ---- pieces of a chart

function line(label, name, points, more) {
    return Object.assign({
        label: label,
        data: points,
        borderColor: colour(name),
        backgroundColor: colour(name),
        borderWidth: 1.8,
        pointRadius: points.length < MARKERS ? 2 : 0,
        pointHitRadius: 8,
        pointBackgroundColor: colour(name),
        tension: 0,
    }, more);
}

function axis(more, ticks) {
    return Object.assign({
        border: { color: colour('line') },
        grid: { color: colour('grid'), borderColor: colour('line'), drawTicks: false },
        ticks: Object.assign({ color: colour('muted'), padding: 6, maxRotation: 0, autoSkipPadding: 14 }, ticks),
    }, more);
}

function seconds(over) {
    return axis({ type: 'linear', min: 0, max: over.end[over.end.length - 1] }, { callback: tick('s'), includeBounds: false });
}

function counts(more) {
    return axis(Object.assign({ beginAtZero: true }, more), { callback: tick('number'), maxTicksLimit: 7 });
}

// A log axis, labelled where the digit is 1, and at 2 and 5 while there is room.
function logarithmic(format, more) {
    return axis(Object.assign({ type: 'logarithmic' }, more), {
        callback: function (value, index, ticks) {
            const digit = value / Math.pow(10, Math.floor(Math.log10(value) + 1e-9));
            const near = (d) => Math.abs(digit - d) < 1e-6;
            const decades = Math.log10(ticks[ticks.length - 1].value / ticks[0].value);
            return near(1) || (decades < 2.2 && (near(2) || near(5))) ? format(value) : null;
        },
        autoSkip: false,
    });
}

// Full squares in the colour of the line, dashed or not.
function legendLabels(chart) {
    const labels = Chart.defaults.plugins.legend.labels.generateLabels(chart);
    return labels.map((label) => Object.assign(label, {
        fillStyle: chart.config.type === 'line' ? label.strokeStyle : label.fillStyle,
        lineWidth: 0,
    }));
}

function options(scales, more) {
    const merged = {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: scales,
        plugins: {
            legend: {
                position: 'bottom',
                labels: {
                    color: colour('text'),
                    boxWidth: 10,
                    boxHeight: 10,
                    padding: 12,
                    generateLabels: legendLabels,
                },
            },
            tooltip: { callbacks: {} },
        },
    };
    if (more)
        more(merged);
    return merged;
}

function tooltip(title, value) {
    return (o) => {
        o.plugins.tooltip.callbacks.title = (items) => (items.length ? title(items[0].parsed.x) : '');
        o.plugins.tooltip.callbacks.label = (item) => item.dataset.label + ': ' + value(item.parsed.y);
    };
}

function lines(sets, scales, title, value, plugins) {
    return { type: 'line', data: { datasets: sets }, options: options(scales, tooltip(title, value)), plugins: plugins || [] };
}

// The series of a run as lists: when each interval ended, in seconds, and the answers a second.
function overTime(run) {
    const all = run.series.intervals;
    const end = all.map((interval) => interval.end_ns / 1e9);
    const rate = Object.keys(run.outcomes).map((name) =>
        all.map((interval, i) => interval.outcomes[name] / (end[i] - (i ? end[i - 1] : 0))));
    const known = rate.filter((_, c) => Object.keys(run.outcomes)[c] !== 'unknown');
    return {
        end: end,
        middle: end.map((t, i) => (i ? (t + end[i - 1]) / 2 : t / 2)), // what was counted belongs to all of it
        rate: rate,
        answered: end.map((_, i) => known.reduce((sum, ys) => sum + ys[i], 0)),
        of: (name) => all.map((interval) => interval[name]),
    };
}

function zip(xs, ys) {
    return xs.map((x, i) => ({ x: x, y: ys[i] }));
}

// ---- the charts

const charts = {};

// Steps from interval to interval, so that the area is the number of answers.
charts.rate = {
    title: 'Answers a second, by outcome',
    note: 'Stacked: the upper edge is the whole rate.',
    when: 'series.intervals',
    draw: function (run) {
        const over = overTime(run);
        const starts = [0].concat(over.end);
        const sets = Object.keys(run.outcomes).map((name, c) => line(name, CLASS_COLOURS[name], zip(starts, over.rate[c].concat(over.rate[c].slice(-1))), {
            fill: c ? '-1' : 'origin',
            stepped: true,
            pointRadius: 0,
            borderWidth: 1,
            backgroundColor: colour(CLASS_COLOURS[name], 0.75),
        }));
        return lines(sets, { x: seconds(over), y: counts({ stacked: true }) }, at, (v) => exact('number')(v) + '/s');
    },
};

charts.latency = {
    title: 'Response time over time',
    note: 'From the planned send, so that a stall is not left out. Log scale.',
    when: 'series.intervals',
    draw: function (run) {
        const over = overTime(run);
        const sets = [['max', 'lost'], ['p99', 'b'], ['p90', 'g'], ['p50', 'a']].map((s) => line(s[0], s[1], zip(over.middle, over.of(s[0] + '_ns'))));
        return lines(sets, { x: seconds(over), y: logarithmic(tick('ns')) }, at, exact('ns'));
    },
};

function curveAxes() {
    return { x: logarithmic(percentile, { min: 1 }), y: logarithmic(tick('ns')) };
}

function curve(label, name, points, more) {
    return line(label, name, points.map((p) => ({ x: p.one_in, y: p.ns })), Object.assign({ pointRadius: 0 }, more));
}

charts.curve = {
    title: 'Response time by percentile',
    note: 'Each step to the right is ten times rarer. Service time starts at the real send.',
    when: 'curves.response',
    draw: function (run) {
        const sets = [curve('response', 'a', run.curves.response), curve('service', 'b', run.curves.service, { borderDash: [5, 4] })];
        return lines(sets, curveAxes(), percentile, exact('ns'));
    },
};

// Draws a dashed line where an item sold out.
const soldOut = {
    id: 'soldOut',
    afterDatasetsDraw: function (chart) {
        const area = chart.chartArea;
        const ctx = chart.ctx;
        ctx.save();
        chart.data.datasets.forEach((set, i) => {
            if (typeof set.soldOut !== 'number' || set.soldOut < 0 || !chart.isDatasetVisible(i))
                return;
            const x = chart.scales.x.getPixelForValue(set.soldOut);
            ctx.strokeStyle = set.borderColor;
            ctx.setLineDash([3, 4]);
            ctx.beginPath();
            ctx.moveTo(x, area.top);
            ctx.lineTo(x, area.bottom);
            ctx.stroke();
            ctx.setLineDash([]);
            ctx.fillStyle = set.borderColor;
            ctx.beginPath();
            ctx.arc(x, area.bottom, 4, 0, 2 * Math.PI);
            ctx.fill();
        });
        ctx.restore();
    },
};

// When an item was seen sold out, in seconds of the measured time; negative: before that.
function soldOutAt(run, sku) {
    const item = run.items.find((i) => i.sku === sku);
    return item && item.sold_out_ns !== null ? (item.sold_out_ns - run.load.from_ns) / 1e9 : null;
}

// Where there is no room the table has to say it.
function soldOutText(seconds) {
    if (seconds === null || innerWidth < NARROW)
        return '';
    return seconds < 0 ? ' · sold out before 0s' : ' · sold out ' + at(seconds);
}

charts.stock = {
    title: 'Stock left on the hottest items',
    note: 'Dashed: the moment an item was seen sold out.',
    when: 'series.hot',
    draw: function (run) {
        const over = overTime(run);
        const sets = run.series.hot.map((sku, i) => {
            const points = zip(over.end, over.of('left').map((left) => left[i]));
            if (run.facts.warmup_ns === 0)
                points.unshift({ x: 0, y: run.facts.stock });
            const moment = soldOutAt(run, sku);
            return line('item ' + sku.slice(sku.lastIndexOf('-') + 1) + soldOutText(moment), HUES[i], points, {
                soldOut: moment,
                spanGaps: true,
                pointRadius: 0,
            });
        });
        return lines(sets, { x: seconds(over), y: counts() }, at, plain, [soldOut]);
    },
};

// The rate over the second around each interval: the server's counter is read once a second, so what
// an interval has of it is a share, not a measurement.
function overSeconds(end, numbers) {
    const last = end.length - 1;
    const start = (i) => (i ? end[i - 1] : 0);
    return numbers.map((_, i) => {
        let from = i;
        let to = i;
        while (end[to] - start(from) < 1 && (from > 0 || to < last)) {
            from = Math.max(0, from - 1);
            to = Math.min(last, to + 1);
        }
        return numbers.slice(from, to + 1).reduce((sum, n) => sum + n, 0) / (end[to] - start(from));
    });
}

charts.conflicts = {
    title: 'Conflicts, and requests in flight',
    note: 'Transactions that the server lost to another and tried again, where its /metrics show them.',
    when: 'series.intervals',
    draw: function (run) {
        const over = overTime(run);
        const sets = [line('in flight', 'f', zip(over.end, over.of('in_flight')), { yAxisID: 'flight', borderDash: [5, 4] })];
        const scales = { x: seconds(over), flight: counts({ position: run.conflicts ? 'right' : 'left' }) };
        if (run.conflicts) {
            const points = zip(over.middle, overSeconds(over.end, over.of('conflicts')));
            sets.unshift(line('conflicts a second', 'lost', points, { fill: true, backgroundColor: colour('lost', 0.15), yAxisID: 'y' }));
            scales.y = counts();
            scales.flight.grid.drawOnChartArea = false;
        }
        return lines(sets, scales, at, exact('number'));
    },
};

charts.workers = {
    title: 'Balance over the client processes',
    note: 'Attempts of each.',
    when: 'workers',
    draw: function (run) {
        const parts = [['ok', 'ok', (w) => w.ok], ['other answers', 'no-stock', (w) => w.attempts - w.ok - w.unknown], ['unknown', 'lost', (w) => w.unknown]];
        const sets = parts.map((part) => ({
            label: part[0],
            data: run.workers.map(part[2]),
            backgroundColor: colour(part[1], 0.8),
            maxBarThickness: 46,
        })).filter((set) => set.data.some((v) => v > 0));
        const x = axis({ stacked: true });
        x.grid.display = false;
        return {
            type: 'bar',
            data: { labels: run.workers.map((w) => w.worker), datasets: sets },
            options: options({ x: x, y: counts({ stacked: true }) }, (o) => {
                o.interaction.mode = 'index';
                o.plugins.tooltip.callbacks.title = (items) => 'worker ' + items[0].label;
            }),
        };
    },
};

charts['compare-curve'] = {
    draw: function () {
        const sets = runs.map((run, i) => curve(shortName(run), HUES[i % HUES.length], run.curves.response));
        return lines(sets, curveAxes(), percentile, exact('ns'));
    },
};

charts['compare-rate'] = {
    draw: function () {
        const all = runs.map(overTime);
        const sets = runs.map((run, i) => line(shortName(run), HUES[i % HUES.length], zip(all[i].middle, all[i].answered)));
        const longest = Math.max(...all.map((over) => over.end[over.end.length - 1] || 0));
        return lines(sets, { x: seconds({ end: [longest] }), y: counts() }, at, (v) => exact('number')(v) + '/s');
    },
};

// Of a search: a point a step.
charts.capacity = {
    draw: function () {
        const found = shown.capacity;
        const steps = found.steps.filter((step) => step.p99_ns !== null).sort((a, b) => a.rate - b.rate);
        const of = (held) => zip(...['rate', 'p99_ns'].map((key) => steps.filter((step) => (step.word === 'held') === held).map((step) => step[key])));
        const rates = found.steps.map((step) => step.rate);
        const ends = [Math.min(...rates) / 1.2, Math.max(...rates) * 1.2];
        const dots = { showLine: false, pointRadius: 4 };
        const sets = [line('held', 'a', of(true), dots), line('missed', 'lost', of(false), dots),
            line('goal', 'b', zip(ends, [found.goal_p99_ns, found.goal_p99_ns]), { borderDash: [5, 4], pointRadius: 0 })];
        const scales = { x: logarithmic(tick('number'), { min: ends[0], max: ends[1] }), y: logarithmic(tick('ns')) };
        return lines(sets, scales, (x) => exact('number')(x) + '/s', exact('ns'));
    },
};

function draw(canvas) {
    if (drawn.has(canvas))
        drawn.get(canvas).destroy();
    drawn.set(canvas, new Chart(canvas, charts[canvas.dataset.chart].draw(runs[Number(canvas.dataset.run)])));
}

// A chart that cannot be drawn says so in its place, and does not keep the others from it.
function attempt(canvas) {
    try {
        draw(canvas);
    } catch (error) {
        canvas.closest('figure').append(el('p', { class: 'failed' }, 'This chart could not be drawn: ' + error.message));
        console.error(error);
    }
}
