// A race, while it goes on or long afterwards: the strategies beside each other (docs/loadgen.md).
'use strict';

const HUES = ['a', 'b', 'c', 'd'];
const LANES_DENSE = 24; // more workers than this are thin lines
const ENDS = ['', ', done', ', killed'];

// A worker of one strategy, beside the one that got most.
function raceLane(most, i) {
    const parts = bar(null), value = el('span', 'value');
    const root = el('li', 'lane', el('span', 'name', 'worker ' + i), parts.root, value);
    return {
        root: root,
        update: ([sold, conflicts, end]) => {
            parts.update([sold / most()]);
            root.classList.toggle('killed', end === 2);
            say(value, count(sold) + (end === 2 ? ENDS[2] : ''));
        },
    };
}

function raceState(strategy) {
    return strategy.state === 'done' ? strategy.verdict : strategy.state;
}

function raceCard(hue) {
    let most = 1;
    const name = el('h3'), about = el('p', 'note'), state = el('span', 'pill'), left = bar(null), leftText = el('p', 'count');
    const figures = tiles(['units a second', 'conflicts a unit', 'wait p50', 'wait p99']);
    const lanes = el('ul', 'lanes');
    const fill = rows(lanes, (i) => raceLane(() => most, i));
    const root = coloured(el('section', 'card strategy', el('div', 'row', name, state), about, left.root, leftText, figures.root, lanes), hue);
    return {
        root: root,
        update: (strategy, stock) => {
            root.dataset.state = strategy.state;
            root.dataset.name = strategy.name;
            root.classList.toggle('wrong', strategy.verdict === 'wrong');
            say(name, strategy.name);
            say(about, strategy.about);
            say(state, raceState(strategy));
            left.update([strategy.left / stock]);
            say(leftText, strategy.state === 'waiting' ? count(stock) + ' units to sell'
                : count(strategy.sold) + ' sold, ' + count(strategy.left) + ' left' + (strategy.oversold ? ', ' + count(strategy.oversold) + ' oversold' : ''));
            figures.update([measured(strategy.units_per_second), measured(strategy.conflicts_per_unit), duration(strategy.p50_ms), duration(strategy.p99_ms)]);
            most = Math.max(1, ...strategy.workers.map(([sold]) => sold));
            fill(strategy.workers);
            lanes.classList.toggle('dense', strategy.workers.length > LANES_DENSE);
        },
    };
}

function raceLeftChart(doc) {
    return chart('Units left, from each start', () => ({
        type: 'line',
        data: { datasets: [] },
        options: options({
            x: axis('seconds', measured, { type: 'linear' }),
            y: axis('units left', count),
        }, true),
    }), (made) => {
        made.data.datasets = doc().strategies.map((strategy, i) => line(strategy.name, HUES[i % HUES.length], {
            data: strategy.points.map(([ms, left]) => ({ x: ms / 1000, y: left })),
        }));
    });
}

// One bar a strategy.
function raceBars(title, unit, key, doc) {
    return chart(title, () => ({
        type: 'bar',
        data: { labels: [], datasets: [{ label: unit, data: [], maxBarThickness: 44 }] },
        options: Object.assign(options({
            x: axis(unit, measured),
            y: axis('', (v) => doc().strategies[v].name, { title: { display: false }, grid: { display: false } }),
        }, false), { indexAxis: 'y' }),
    }), (made) => {
        made.data.labels = doc().strategies.map((strategy) => strategy.name);
        made.data.datasets[0].data = doc().strategies.map((strategy) => strategy[key]);
        made.data.datasets[0].backgroundColor = doc().strategies.map((_, i) => colour(HUES[i % HUES.length]));
    });
}

// The figures once more as a table: for eyes that compare, and for screen readers.
function raceTable() {
    const heads = ['strategy', 'units a second', 'conflicts a unit', 'wait p99', 'sold', 'left', 'oversold', 'verdict'];
    const body = el('tbody');
    const head = el('tr');
    head.append(...heads.map((text) => {
        const cell = el('th', '', text);
        cell.scope = 'col';
        return cell;
    }));
    const fill = rows(body, () => {
        const name = el('th');
        name.scope = 'row';
        const cells = heads.slice(1).map(() => el('td'));
        return {
            root: el('tr', '', name, ...cells),
            update: (strategy) => {
                say(name, strategy.name);
                [measured(strategy.units_per_second), measured(strategy.conflicts_per_unit), duration(strategy.p99_ms), count(strategy.sold),
                    count(strategy.left), count(strategy.oversold), raceState(strategy)].forEach((text, i) => say(cells[i], text));
            },
        };
    });
    const scroll = el('div', 'scroll', el('table', '', el('thead', '', head), body));
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'region');
    scroll.setAttribute('aria-label', 'The strategies in figures');
    return { root: card('In figures', null, scroll), update: fill };
}

// The page of a race in `main`; update takes a document.
function racePage(main) {
    let doc = null, drawn = 0, phase = null;
    const title = el('h2'), about = el('p', 'note'), command = el('code', 'command');
    const cards = el('div', 'strategies'), table = raceTable();
    const left = raceLeftChart(() => doc);
    const speed = raceBars('Units a second', 'units a second', 'units_per_second', () => doc);
    const conflicts = raceBars('Transactions lost for each unit sold', 'conflicts a unit', 'conflicts_per_unit', () => doc);
    const made = [];
    main.replaceChildren(el('div', 'title', title, about, command), cards, left.root, el('div', 'pair', speed.root, conflicts.root), table.root);

    function draw() {
        const now = performance.now();
        if (doc.phase === phase && !doc.over && now < drawn + 450)
            return;
        drawn = now;
        phase = doc.phase;
        [left, speed, conflicts].forEach((one) => one.update());
    }

    return (next) => {
        doc = next;
        document.title = 'race for ' + count(doc.facts.stock) + ' units - stockload';
        say(title, count(doc.facts.stock) + ' units of one key, ' + count(doc.facts.processes) + (doc.facts.processes === 1 ? ' process' : ' processes'));
        say(about, doc.facts.url);
        say(command, doc.facts.command);
        doc.strategies.forEach((strategy, i) => {
            if (!made[i]) {
                made[i] = raceCard(HUES[i % HUES.length]);
                cards.append(made[i].root);
            }
            made[i].update(strategy, doc.facts.stock);
        });
        table.update(doc.strategies);
        draw();
    };
}
