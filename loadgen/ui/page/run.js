// A run while it goes on: one document after the other (docs/loadgen.md), drawn into the same elements.
'use strict';

// What came of a request: its name, its word and its colour.
const CLASSES = [['ok', 'ok', 'ok'], ['no-stock', 'sold out', 'no-stock'], ['refused', 'refused', 'refused'], ['busy', 'busy', 'busy'], ['unknown', 'unknown', 'lost']];
const DENSE = 24; // more processes than this are thin lines
const MARKERS = 20; // fewer points than this are shown one by one
const WORDS = { right: 'RIGHT', violation: 'WRONG', unknown: 'NOT KNOWN' };

// How far it has come, and at what it is.
function runProgress() {
    const phase = el('span', 'phase', 'starting'), time = el('span', 'time');
    const filled = el('span', 'filled');
    const meter = el('div', 'progress', filled);
    const root = el('div', 'card at', el('p', '', phase, time), meter);
    meter.setAttribute('role', 'progressbar');
    meter.setAttribute('aria-label', 'how far the run has come');
    return {
        root: root,
        update: (d) => {
            const percent = d.step ? d.step.percent : d.load ? d.load.percent : 0;
            say(phase, d.over && !d.verdict ? 'ended without a verdict, exit status ' + d.exit_status : d.phase);
            say(time, d.step && known(d.step.all) ? count(d.step.done) + ' of ' + count(d.step.all)
                : d.load ? clock(d.load.elapsed_ms) + (d.load.planned_ms ? ' of ' + clock(d.load.planned_ms) : '') : '');
            filled.style.width = (known(percent) ? percent : 0) + '%';
            if (known(percent))
                meter.setAttribute('aria-valuenow', percent);
            else
                meter.removeAttribute('aria-valuenow');
            meter.classList.toggle('open', !known(percent));
        },
    };
}

function runVerdict() {
    const word = el('p', 'word'), sentence = el('p'), list = el('dl', 'facts');
    const root = el('section', 'card verdict', word, sentence, list);
    root.hidden = true;
    root.setAttribute('role', 'status');
    return {
        root: root,
        update: (verdict) => {
            show(root, verdict !== null);
            if (!verdict)
                return;
            root.dataset.word = verdict.word;
            say(word, verdict.shown === 'unchecked' ? 'NOT CHECKED' : WORDS[verdict.word] || verdict.word);
            say(sentence, verdict.sentence);
            list.replaceChildren(...verdict.figures.map(([name, text]) => el('div', '', el('dt', '', name), el('dd', '', text))));
        },
    };
}

function runItem() {
    const name = el('span', 'name'), value = el('span', 'value'), left = bar('a');
    const root = el('li', 'item', name, left.root, value);
    return {
        root: root,
        update: (item) => {
            const gone = item.left === 0;
            say(name, 'item ' + item.item);
            say(value, gone ? 'sold out' : known(item.left) ? count(item.left) + ' of ' + count(item.initial) : UNKNOWN);
            root.classList.toggle('gone', gone);
            left.update([known(item.left) ? item.left / item.initial : 0]);
        },
    };
}

// What a process has sent, and what came of it, beside the busiest of them.
function runProcess(busiest, i) {
    const parts = bar(...CLASSES.map(([, , hue]) => hue)), value = el('span', 'value');
    const root = el('li', 'lane', el('span', 'name', 'process ' + i), parts.root, value);
    return {
        root: root,
        update: ([requests, lives, ...counts]) => {
            parts.update(counts.map((n) => n / busiest()));
            say(value, count(counts[0]) + ' ok' + (lives > 1 ? ', forked ' + count(lives) + ' times' : ''));
        },
    };
}

function runAnswers() {
    const parts = bar(...CLASSES.map(([, , hue]) => hue));
    const list = el('ul', 'legend');
    const values = CLASSES.map(([, word, hue]) => {
        const value = el('span', 'value');
        list.append(el('li', '', coloured(el('span', 'dot'), hue), word, ' ', value));
        return value;
    });
    return {
        root: card('Answers', null, parts.root, list),
        update: (answers) => {
            const all = CLASSES.reduce((sum, [name]) => sum + answers[name], 0) || 1;
            parts.update(CLASSES.map(([name]) => answers[name] / all));
            CLASSES.forEach(([name], i) => say(values[i], count(answers[name])));
        },
    };
}

function past(data) {
    return data.map((y, i) => ({ x: i - data.length + 1, y: y }));
}

function runChart(title, unit, name, key, doc) {
    const seconds = (v) => (v === 0 ? 'now' : count(v) + ' s');
    return chart(title, () => ({
        type: 'line',
        data: { datasets: [line(unit, name)] },
        options: options({ x: axis('', seconds, { type: 'linear', beginAtZero: false, max: 0, title: { display: false } }, { precision: 0 }), y: axis(unit, measured) }, false),
    }), (made) => {
        const load = doc().load;
        const points = load ? past(load.past[key]) : [];
        made.data.datasets[0].data = points;
        made.data.datasets[0].pointRadius = points.length < MARKERS ? 2.5 : 0;
    });
}

// The page of a run in `main`; update takes a document.
function runPage(main) {
    let doc = null, busiest = 1, drawn = '';
    const title = el('h2'), about = el('p', 'note'), command = el('code', 'command');
    const progress = runProgress(), verdict = runVerdict(), answers = runAnswers();
    const figures = tiles(['answers a second now', 'on average', 'p50 now', 'p99 now', 'in flight', 'conflicts a second']);
    const items = el('ul', 'items'), lanes = el('ul', 'lanes');
    const fillItems = rows(items, runItem);
    const fillLanes = rows(lanes, (i) => runProcess(() => busiest, i));
    const rate = runChart('Answers a second', 'answers a second', 'ok', 'rate', () => doc);
    const p99 = runChart('Response time, p99', 'ms', 'b', 'p99_ms', () => doc);
    const which = el('p', 'note');
    const stock = el('section', 'card', el('h3', '', 'Stock left'), which, items);
    const processes = card('Client processes', 'What each has sent; the bar of the busiest is full.', lanes);
    main.replaceChildren(
        el('div', 'title', title, about, command), verdict.root, progress.root, figures.root,
        el('div', 'pair', stock, answers.root),
        processes, el('div', 'pair', rate.root, p99.root));

    function load(l) {
        figures.update([measured(l.rate_now), measured(l.rate_average), duration(l.p50_ms), duration(l.p99_ms),
            count(l.in_flight), measured(l.conflicts)]);
        answers.update(l.answers);
        busiest = Math.max(1, ...l.processes.map(([, , ...counts]) => counts.reduce((sum, n) => sum + n, 0)));
        fillItems(l.items);
        fillLanes(l.processes);
        lanes.classList.toggle('dense', l.processes.length > DENSE);
        const beat = doc.facts.run + ' ' + Math.floor(l.elapsed_ms / 1000) + ' ' + l.past.rate.length;
        if (beat !== drawn) {
            drawn = beat;
            rate.update();
            p99.update();
        }
    }

    return (next) => {
        doc = next;
        document.title = (doc.verdict ? (WORDS[doc.verdict.word] || doc.verdict.word) + ': ' : '') + doc.facts.scenario + ' - stockload';
        say(title, doc.facts.scenario + ' on ' + doc.facts.url);
        say(about, count(doc.facts.clients) + ' clients in ' + count(doc.facts.processes) + ' processes, ' +
            count(doc.facts.items) + (doc.facts.items === 1 ? ' item' : ' items') + ' of ' + count(doc.facts.stock) + ' units, seed ' + doc.facts.seed);
        say(command, doc.facts.command);
        say(which, 'Of the hottest items, ' + doc.facts.prefix + '0 and on.');
        progress.update(doc);
        verdict.update(doc.verdict);
        if (doc.load)
            load(doc.load);
    };
}
