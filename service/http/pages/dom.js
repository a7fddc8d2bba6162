// Elements of a page. Text goes into them as text, never as HTML, and nothing is written that is
// there already, so that a page that is refreshed each second does no needless work.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {}))
        if (value !== null && value !== undefined && value !== false)
            element.setAttribute(name, value === true ? '' : value);
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

export function el(name, attributes, ...children) {
    return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
    return fill(document.createElementNS(SVG, name), attributes, children);
}

export function setText(element, text) {
    if (element.textContent !== text)
        element.textContent = text;
    return element;
}

export function setAttribute(element, name, value) {
    if (value === null || value === undefined || value === false)
        element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value))
        element.setAttribute(name, value);
    return element;
}

// A part of its parent, 0 to 1, as a bar of that width.
export function setPart(element, part) {
    element.style.setProperty('--part', String(Math.min(1, Math.max(0, part || 0))));
    return element;
}

// Makes the children of `parent` those of `list`, in its order. An entry keeps its element, by its
// key, so what a person has opened, selected or focused in it stays.
export function keyed(parent, list, keyOf, make, update) {
    const old = parent.keyedChildren || new Map();
    const now = new Map();
    let at = parent.firstChild;
    for (const entry of list) {
        const key = keyOf(entry);
        const element = old.get(key) || make(entry);
        old.delete(key);
        now.set(key, element);
        if (update)
            update(element, entry);
        if (element === at)
            at = at.nextSibling;
        else
            parent.insertBefore(element, at);
    }
    for (const element of old.values())
        element.remove();
    parent.keyedChildren = now;
}

export function button(text, attributes, onClick) {
    const element = el('button', { type: 'button', ...attributes }, text);
    element.addEventListener('click', onClick);
    return element;
}

// A label and its control. `hint` stands below and is read with it.
let fields = 0;
export function field(label, control, hint) {
    const id = `field-${++fields}`;
    control.id = id;
    if (hint)
        control.setAttribute('aria-describedby', `${id}-hint`);
    return el('div', { class: 'field' }, el('label', { for: id }, label), control,
        hint ? el('p', { class: 'note', id: `${id}-hint` }, hint) : null);
}

export function card(title, note, ...children) {
    return el('section', { class: 'card' },
        el('div', { class: 'card-head' }, el('h2', {}, title), note ? el('p', { class: 'note' }, note) : null), ...children);
}

// A table that can be scrolled by itself. `heads` are names, or {text, class}.
export function table(label, heads) {
    const body = el('tbody');
    const cells = heads.map((head) => el('th', { scope: 'col', class: head.class }, head.text === undefined ? head : head.text));
    const element = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
        el('table', {}, el('thead', {}, el('tr', {}, cells)), body));
    return { element, body };
}

// A failure in its place, with what the service said about it.
export function failure(error, retry) {
    return el('div', { class: 'failure', role: 'alert' },
        el('p', { class: 'strong' }, error.title || 'This did not work'),
        el('p', {}, error.message),
        error.retry_s ? el('p', { class: 'note' }, `It asks to wait ${error.retry_s} s.`) : null,
        retry ? button('Try again', { class: 'small' }, retry) : null);
}

// The same for work that is done again and again: a failure that stands there is not said anew.
export function complaints() {
    const element = el('div', { class: 'complaints' });
    return {
        element,
        clear: () => element.replaceChildren(),
        say: (error, retry) => {
            const next = failure(error, retry);
            if (element.textContent !== next.textContent)
                element.replaceChildren(next);
        },
    };
}
