// The units of an item as a bar and as words: sold, held, available, always in that order.
import { el, setPart, setText } from './dom.js';
import { number } from './format.js';

export const PARTS = ['sold', 'held', 'available'];

export function stockState(item) {
    if (item.available > 0)
        return { state: 'right', word: 'in stock' };
    return item.held > 0 ? { state: 'held', word: 'all held' } : { state: 'gone', word: 'sold out' };
}

export function stockBar() {
    return el('div', { class: 'stock', role: 'img' }, el('span', { class: 'sold' }), el('span', { class: 'held' }));
}

// The bar is as long as all units that there were; what is left of it is what is available.
export function setStockBar(bar, item) {
    const all = item.on_hand + item.sold;
    const [sold, held] = bar.children;
    setPart(sold, all ? item.sold / all : 0);
    setPart(held, all ? (item.sold + item.held) / all : 0);
    bar.setAttribute('aria-label', `${number(item.sold)} sold, ${number(item.held)} held, ${number(item.available)} available`);
}

export function tag(state, word) {
    return el('span', { class: `tag ${state}` }, word);
}

export function setTag(element, state, word) {
    setText(element, word);
    if (element.className !== `tag ${state}`)
        element.className = `tag ${state}`;
}

export function stockKey() {
    return el('ul', { class: 'key' }, PARTS.map((part) => el('li', { class: part }, part)));
}
