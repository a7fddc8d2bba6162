// Controls of forms, and their values as the interface wants them. A control that is left empty is
// left out, so the service decides what that means and says what it does not like.
import { button, el, field } from './dom.js';

export function textInput(name, label, more) {
    const control = el('input', { type: 'text', name, maxlength: '128', autocomplete: 'off', spellcheck: 'false', ...more.attributes });
    control.value = more.value === undefined ? '' : more.value;
    const element = field(label, control, more.hint);
    element.classList.toggle('wide', Boolean(more.wide));
    return { element, read: () => ({ [name]: control.value.trim() || undefined }) };
}

// Numbers are sent as they are typed if they are numbers; a text that is none is sent as text, and refused.
function numberOf(typed) {
    const trimmed = typed.trim();
    return trimmed === '' ? undefined : Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

export function numberInput(name, label, more) {
    const control = el('input', { type: 'text', inputmode: 'numeric', name, autocomplete: 'off', ...more.attributes });
    control.value = more.value === undefined || more.value === null ? '' : String(more.value);
    return { element: field(label, control, more.hint), read: () => ({ [name]: numberOf(control.value) }) };
}

export function choiceInput(name, label, options, more = {}) {
    const control = el('select', { name }, options.map(([value, shown]) => el('option', { value }, shown)));
    control.value = more.value === undefined ? options[0][0] : more.value;
    return { element: field(label, control, more.hint), control, read: () => ({ [name]: control.value || undefined }) };
}

export function jsonInput(name, label, more) {
    const control = el('textarea', { name, rows: '2', spellcheck: 'false' });
    const element = field(label, control, more.hint);
    element.classList.add('wide');
    return {
        element,
        read: () => {
            const typed = control.value.trim();
            if (!typed)
                return { [name]: undefined };
            try {
                return { [name]: JSON.parse(typed) };
            } catch {
                throw new Error(`${label} is not JSON.`);
            }
        },
    };
}

// Lines of sku and quantity.
export function linesInput(name, label, more) {
    const rows = el('div', { class: 'lines' });
    function add(line) {
        const sku = el('input', { type: 'text', 'aria-label': 'Sku', placeholder: 'sku', maxlength: '64', autocomplete: 'off', spellcheck: 'false' });
        const quantity = el('input', { type: 'text', inputmode: 'numeric', 'aria-label': 'Quantity', placeholder: 'quantity', autocomplete: 'off' });
        sku.value = line.sku;
        quantity.value = String(line.quantity);
        const row = el('div', { class: 'line-row' }, sku, quantity, more.fixed ? null : button('Remove', { class: 'small quiet' }, () => {
            row.remove();
            rows.dispatchEvent(new Event('input', { bubbles: true }));
        }));
        sku.readOnly = Boolean(more.fixed);
        rows.append(row);
    }
    (more.value || [{ sku: '', quantity: 1 }]).forEach(add);
    const element = el('fieldset', { class: 'field wide' }, el('legend', {}, label), rows,
        more.fixed ? null : button('Add a line', { class: 'small' }, () => add({ sku: '', quantity: 1 })),
        more.hint ? el('p', { class: 'note' }, more.hint) : null);
    const read = () => [...rows.children].map((row) => {
        const [sku, quantity] = row.querySelectorAll('input');
        return { sku: sku.value.trim(), quantity: numberOf(quantity.value) };
    });
    return { element, read: () => ({ [name]: read() }) };
}

export function readAll(inputs) {
    return Object.assign({}, ...inputs.map((input) => input.read()));
}

// Without what was left empty.
export function given(values) {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
