// Finds items by how their sku begins, and a reservation by its id: a combobox in the bar. `/` goes there.
import { aborted, get, query } from './api.js';
import { el } from './dom.js';
import { number } from './format.js';
import { on } from './time.js';

const SHOWN = 8;
const PAUSE_MS = 120; // of typing
const RESERVATION = /^r\d+-[0-9a-z]{10,}$/;

function suggestion(item, i) {
    return el('li', { role: 'option', id: `found-${i}`, 'aria-selected': 'false', 'data-to': `#/items/${encodeURIComponent(item.sku)}` },
        el('span', {}, item.sku), el('span', { class: 'note' }, `${number(item.available)} left`));
}

function options(text, found) {
    if (RESERVATION.test(text))
        return [el('li', { role: 'option', id: 'found-0', 'aria-selected': 'false', 'data-to': `#/reservations/${text}` }, el('span', {}, 'Reservation'), el('span', { class: 'note' }, text))];
    return found.map(suggestion);
}

export function search(box, signal) {
    const input = el('input', {
        type: 'search', role: 'combobox', placeholder: 'Find an item or a reservation', 'aria-label': 'Find an item or a reservation',
        'aria-controls': 'found', 'aria-expanded': 'false', 'aria-autocomplete': 'list', autocomplete: 'off', spellcheck: 'false',
    });
    const list = el('ul', { id: 'found', class: 'found', role: 'listbox', 'aria-label': 'Found', hidden: true });
    const form = el('form', { role: 'search' }, input, el('kbd', { 'aria-hidden': 'true' }, '/'), list);
    let asking = new AbortController();
    let typing = null;
    let chosen = -1;

    function choose(i) {
        chosen = i;
        [...list.children].forEach((option, at) => option.setAttribute('aria-selected', String(at === i)));
        if (i >= 0)
            input.setAttribute('aria-activedescendant', list.children[i].id);
        else
            input.removeAttribute('aria-activedescendant');
    }
    function offer(found) {
        list.replaceChildren(...found);
        list.hidden = found.length === 0;
        input.setAttribute('aria-expanded', String(found.length > 0));
        choose(-1);
    }
    function close() {
        clearTimeout(typing);
        asking.abort();
        offer([]);
    }
    function go(to) {
        close();
        input.value = '';
        input.blur();
        location.hash = to;
    }
    async function look() {
        asking.abort();
        asking = new AbortController();
        const text = input.value.trim();
        try {
            const page = text && !RESERVATION.test(text) ? await get(query('v1/items', { prefix: text, limit: SHOWN }), asking.signal) : { items: [] };
            offer(options(text, page.items));
        } catch (error) {
            if (!aborted(error))
                offer([el('li', { class: 'failed' }, error.message)]);
        }
    }
    on(input, 'input', () => {
        clearTimeout(typing);
        typing = setTimeout(look, PAUSE_MS);
    }, signal);
    on(input, 'keydown', (event) => {
        const count = list.querySelectorAll('[data-to]').length;
        if (event.key === 'Escape')
            close();
        else if (count && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
            event.preventDefault();
            choose(((chosen < 0 && event.key === 'ArrowUp' ? 0 : chosen) + (event.key === 'ArrowDown' ? 1 : -1) + count) % count);
        }
    }, signal);
    on(form, 'submit', (event) => {
        event.preventDefault();
        const text = input.value.trim();
        const option = list.children[chosen];
        if (option)
            go(option.dataset.to);
        else if (text)
            go(RESERVATION.test(text) ? `#/reservations/${text}` : query('#/items', { prefix: text }));
    }, signal);
    on(list, 'mousedown', (event) => {
        const option = event.target.closest('[data-to]');
        event.preventDefault(); // the focus stays where it is until the choice is made
        if (option)
            go(option.dataset.to);
    }, signal);
    on(input, 'blur', close, signal);
    on(document, 'keydown', (event) => {
        if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.target.closest('input, textarea, select, dialog')) {
            event.preventDefault();
            input.focus();
        }
    }, signal);
    signal.addEventListener('abort', close);
    box.replaceChildren(form);
    box.hidden = false;
}
