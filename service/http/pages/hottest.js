// The hottest items of the service: bars that move, and a plain word when one is sold out.
import { card, el, keyed, setAttribute, setText } from './dom.js';
import { number, rate } from './format.js';
import { PARTS, setStockBar, setTag, stockBar, stockState, tag } from './stock.js';

const SMOOTHING = 0.2; // of a new rate, and a row passes another only when it is clearly hotter:
const CLEARLY = 1.25;  // a list that one wants to read must not dance
const SKU_END = 7;     // characters that are always shown

// Skus of one kind differ at their end, so what has no room is left out in the middle.
function skuLink(sku) {
    const cut = Math.max(0, sku.length - SKU_END);
    return el('a', { class: 'sku', href: `#/items/${encodeURIComponent(sku)}`, title: sku },
        el('span', { class: 'begin' }, sku.slice(0, cut)), el('span', {}, sku.slice(cut)));
}

function row(item) {
    const parts = {
        bar: stockBar(),
        tag: tag('right', ''),
        numbers: PARTS.map(() => el('span', {}, '')),
        rate: el('span', { class: 'rate' }, ''),
    };
    const element = el('li', {},
        skuLink(item.sku), parts.bar,
        PARTS.map((part, i) => el('span', { class: 'count' }, parts.numbers[i], el('span', { class: 'part' }, ` ${part === 'available' ? 'left' : part}`))),
        parts.tag, parts.rate);
    element.parts = parts;
    return element;
}

function show(element, item) {
    const { bar, tag: word, numbers, rate: speed } = element.parts;
    const { state, word: text } = stockState(item);
    setStockBar(bar, item);
    setTag(word, state, text);
    setAttribute(element, 'class', state === 'gone' ? 'gone' : null);
    PARTS.forEach((part, i) => setText(numbers[i], number(item[part])));
    setText(speed, `${rate(item.rate)}/s`);
}

// Rows slide to their new places, unless the reader wants less of that.
function slide(list, change) {
    const before = new Map([...list.children].map((row) => [row, row.offsetTop]));
    change();
    if (matchMedia('(prefers-reduced-motion: reduce)').matches)
        return;
    for (const [row, top] of before)
        if (row.isConnected && row.offsetTop !== top)
            row.animate([{ transform: `translateY(${top - row.offsetTop}px)` }, { transform: 'none' }], { duration: 350, easing: 'ease-out' });
}

// The items in the order in which they stood before, but for those that are clearly hotter now.
function settled(before, items, speeds) {
    const place = new Map(before.map((item, i) => [item.sku, i]));
    const order = [...items].sort((a, b) => (place.get(a.sku) ?? Infinity) - (place.get(b.sku) ?? Infinity) || speeds.get(b.sku) - speeds.get(a.sku) || 0);
    for (let i = 1; i < order.length; i++)
        for (let j = i; j > 0 && speeds.get(order[j].sku) > CLEARLY * speeds.get(order[j - 1].sku); j--)
            [order[j - 1], order[j]] = [order[j], order[j - 1]];
    return order;
}

export function hottest() {
    const names = el('div', { class: 'hot', 'aria-hidden': 'true', hidden: true }, el('p', { class: 'names row' },
        ['Item', 'Stock', 'Sold', 'Held', 'Left', '', 'Asked'].map((name) => el('span', {}, name))));
    const list = el('ul', { class: 'hot' });
    const none = el('p', { class: 'empty' }, 'No item is being asked for right now. Look at ', el('a', { href: '#/items' }, 'all items'), ', or ', el('a', { href: '#/try' }, 'try it by hand'), '.');
    const element = card('Hottest items', 'Those that are asked for most, with their stored counters.', names, list, none);
    const speeds = new Map();
    let order = [];
    function update(items) {
        for (const sku of speeds.keys())
            if (!items.some((item) => item.sku === sku))
                speeds.delete(sku);
        for (const item of items)
            speeds.set(item.sku, speeds.has(item.sku) ? speeds.get(item.sku) * (1 - SMOOTHING) + item.rate * SMOOTHING : item.rate);
        order = settled(order, items, speeds);
        slide(list, () => keyed(list, order, (item) => item.sku, row, show));
        none.hidden = items.length > 0;
        names.hidden = items.length === 0;
    }
    return { element, update };
}
