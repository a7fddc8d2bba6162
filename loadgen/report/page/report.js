// Draws the charts of a report. The numbers are in the page (#data, made by html_data.c); every
// canvas says which chart it wants (data-chart) of which run (data-run). A canvas in a closed
// section has no size and is drawn when it is opened. document.documentElement.dataset.charts counts
// the charts that were drawn.
(function () {
    'use strict';

    const runs = JSON.parse(document.getElementById('data').textContent);
    const drawn = new Map();
    const CLASSES = ['OK', 'Sold out', 'Refused', 'Busy', 'Unknown'];
    const CLASS_COLOURS = ['ok', 'no-stock', 'refused', 'busy', 'lost'];
    const HUES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const NAME_LENGTH = 36;
    const NARROW = 600; // pixels of the page: a legend of eight long names would leave no chart
    const MARKERS = 40; // fewer points than this are shown one by one

    function colour(name, alpha) {
        const hex = getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
        return hex + (alpha === undefined ? '' : Math.round(alpha * 255).toString(16).padStart(2, '0'));
    }

    // ---- numbers as people read them

    function number(value) {
        return value.toLocaleString('en', { maximumSignificantDigits: 4 });
    }

    function short(value) {
        const units = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
        const unit = units.find((u) => Math.abs(value) >= u[0]);
        return unit ? number(value / unit[0]) + unit[1] : number(value);
    }

    function duration(ms) {
        if (ms >= 1000)
            return number(ms / 1000) + ' s';
        return ms >= 1 || ms === 0 ? number(ms) + ' ms' : number(ms * 1000) + ' µs';
    }

    // 1 / (1 - p) as a percentile: 1000 is 99.9%.
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

    function seconds(run) {
        const last = run.end.length ? run.end[run.end.length - 1] : undefined;
        return axis({ type: 'linear', min: 0, max: last }, { callback: (v) => number(v) + ' s', includeBounds: false });
    }

    function counts(more, format) {
        return axis(Object.assign({ beginAtZero: true }, more), { callback: format || short, maxTicksLimit: 7 });
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

    function at(x) {
        return number(x) + ' s';
    }

    function moment(seconds) {
        return seconds.toLocaleString('en', { maximumFractionDigits: 2 }) + ' s';
    }

    // The middle of each interval: what was counted in it belongs to all of it.
    function middles(run) {
        return run.end.map((end, i) => (i ? (end + run.end[i - 1]) / 2 : end / 2));
    }

    function zip(xs, ys) {
        return xs.map((x, i) => ({ x: x, y: ys[i] }));
    }

    function sum(run, classes) {
        return run.end.map((_, i) => classes.reduce((all, c) => all + run.rate[c][i], 0));
    }

    // ---- the charts

    const charts = {};

    // Steps from interval to interval, so that the area is the number of answers.
    charts.rate = function (run) {
        const starts = [0].concat(run.end);
        const sets = CLASSES.map((label, c) => {
            const ys = run.rate[c].concat(run.rate[c].slice(-1));
            return line(label, CLASS_COLOURS[c], zip(starts, ys), {
                fill: c ? '-1' : 'origin',
                stepped: true,
                pointRadius: 0,
                borderWidth: 1,
                backgroundColor: colour(CLASS_COLOURS[c], 0.75),
            });
        });
        return {
            type: 'line',
            data: { datasets: sets },
            options: options({ x: seconds(run), y: counts({ stacked: true }) }, tooltip(at, (v) => short(v) + '/s')),
        };
    };

    charts.latency = function (run) {
        const xs = middles(run);
        const sets = [['max', 'lost'], ['p99', 'b'], ['p90', 'g'], ['p50', 'a']].map((s) => line(s[0], s[1], zip(xs, run[s[0]])));
        return {
            type: 'line',
            data: { datasets: sets },
            options: options({ x: seconds(run), y: logarithmic(duration) }, tooltip(at, duration)),
        };
    };

    function curveAxes() {
        return {
            x: logarithmic(percentile, { min: 1 }),
            y: logarithmic(duration),
        };
    }

    function curve(label, name, points, more) {
        return line(label, name, points.map((p) => ({ x: p[0], y: p[1] })), Object.assign({ pointRadius: 0 }, more));
    }

    charts.curve = function (run) {
        return {
            type: 'line',
            data: {
                datasets: [
                    curve('Response time', 'a', run.response),
                    curve('Service time', 'b', run.service, { borderDash: [5, 4] }),
                ],
            },
            options: options(curveAxes(), tooltip(percentile, duration)),
        };
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

    // Seconds, -1 for the warm-up, or null. Where there is no room the table has to say it.
    function soldOutText(seconds) {
        if (seconds === null || innerWidth < NARROW)
            return '';
        return seconds < 0 ? ' · sold out before 0 s' : ' · sold out ' + moment(seconds);
    }

    charts.stock = function (run) {
        const sets = run.stock.map((item, i) => {
            const points = zip(run.end, item.left);
            if (run.start_stock !== null)
                points.unshift({ x: 0, y: run.start_stock });
            return line('item ' + item.item + soldOutText(item.sold_out), HUES[i], points, {
                soldOut: item.sold_out,
                spanGaps: true,
                pointRadius: 0,
            });
        });
        return {
            type: 'line',
            data: { datasets: sets },
            options: options({ x: seconds(run), y: counts() }, tooltip(at, short)),
            plugins: [soldOut],
        };
    };

    // The rate over the second around each interval: the server's counter is read once a second, so
    // what an interval has of it is a share, not a measurement.
    function overSeconds(run, counts) {
        const last = run.end.length - 1;
        const start = (i) => (i ? run.end[i - 1] : 0);
        return counts.map((_, i) => {
            let from = i;
            let to = i;
            while (run.end[to] - start(from) < 1 && (from > 0 || to < last)) {
                from = Math.max(0, from - 1);
                to = Math.min(last, to + 1);
            }
            return counts.slice(from, to + 1).reduce((all, n) => all + n, 0) / (run.end[to] - start(from));
        });
    }

    charts.conflicts = function (run) {
        const xs = middles(run);
        const sets = [];
        const scales = { x: seconds(run) };
        if (run.conflicts) {
            sets.push(line('Conflicts per second', 'lost', zip(xs, overSeconds(run, run.conflicts)), { fill: true, backgroundColor: colour('lost', 0.15), yAxisID: 'y' }));
            scales.y = counts();
        }
        const side = run.conflicts ? 'right' : 'left';
        sets.push(line('In flight', 'f', zip(run.end, run.in_flight), { yAxisID: 'flight', borderDash: [5, 4] }));
        scales.flight = counts({ position: side });
        if (run.conflicts)
            scales.flight.grid.drawOnChartArea = false;
        return {
            type: 'line',
            data: { datasets: sets },
            options: options(scales, tooltip(at, short)),
        };
    };

    charts.workers = function (run) {
        const parts = [['OK', 'ok'], ['Other answers', 'no-stock'], ['Unknown', 'lost']];
        const sets = parts.map((part, n) => ({
            label: part[0],
            data: run.workers.map((w) => w[n]),
            backgroundColor: colour(part[1], 0.8),
            maxBarThickness: 46,
        })).filter((set) => set.data.some((v) => v > 0));
        const x = axis({ stacked: true });
        x.grid.display = false;
        return {
            type: 'bar',
            data: { labels: run.workers.map((_, i) => i), datasets: sets },
            options: options({ x: x, y: counts({ stacked: true }) }, (o) => {
                o.interaction.mode = 'index';
                o.plugins.tooltip.callbacks.title = (items) => 'Process ' + items[0].label;
            }),
        };
    };

    charts['compare-curve'] = function () {
        return {
            type: 'line',
            data: { datasets: runs.map((run, i) => curve(shortName(run), HUES[i % HUES.length], run.response)) },
            options: options(curveAxes(), tooltip(percentile, duration)),
        };
    };

    charts['compare-rate'] = function () {
        const sets = runs.map((run, i) => line(shortName(run), HUES[i % HUES.length], zip(middles(run), sum(run, [0, 1, 2, 3]))));
        const longest = Math.max.apply(null, runs.map((run) => run.end[run.end.length - 1] || 0));
        return {
            type: 'line',
            data: { datasets: sets },
            options: options({ x: seconds({ end: [longest] }), y: counts() }, tooltip(at, (v) => short(v) + '/s')),
        };
    };

    // ---- drawing

    function draw(canvas) {
        if (drawn.has(canvas))
            drawn.get(canvas).destroy();
        const config = charts[canvas.dataset.chart](runs[Number(canvas.dataset.run)]);
        drawn.set(canvas, new Chart(canvas, config));
    }

    // A chart that cannot be drawn says so in its place, and does not keep the others from it.
    function attempt(canvas) {
        try {
            draw(canvas);
        } catch (error) {
            const note = document.createElement('p');
            note.className = 'failed';
            note.textContent = 'This chart could not be drawn: ' + error.message;
            canvas.closest('figure').appendChild(note);
            console.error(error);
        }
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

    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    document.querySelectorAll('details').forEach((section) => section.addEventListener('toggle', () => drawVisible(false)));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawVisible(true));
    addEventListener('beforeprint', openAll);
    addEventListener('hashchange', openTarget);
    openTarget();
    drawVisible(false);
})();
