// A form to try the interface by hand: every answer as the service gave it, and the command line
// that does the same.
import { aborted, curl, newKey } from './api.js';
import { CALLS } from './calls.js';
import { button, el, field } from './dom.js';
import { readAll } from './inputs.js';
import { may } from './session.js';
import { on } from './time.js';
import { commandLine, transcript } from './transcript.js';

const KEPT = 20; // exchanges
let lastReservation = ''; // of this page, so that it is there when the page is opened again

function links(answer) {
    const body = answer.body || {};
    const found = [];
    if (body.id && body.state)
        found.push(['The reservation', `#/reservations/${encodeURIComponent(body.id)}`]);
    const skus = [...new Set([body.sku, ...(body.lines || []).map((line) => line.sku)].filter(Boolean))].slice(0, 3);
    found.push(...skus.map((sku) => [sku, `#/items/${encodeURIComponent(sku)}`]));
    return found.length ? el('p', { class: 'links' }, found.map(([text, href]) => el('a', { href }, text))) : null;
}

export function tryOut(main, { signal }) {
    document.title = 'Try it – stockd';
    const calls = CALLS.filter((call) => may(call.role));
    const controls = el('div', { class: 'controls' });
    const says = el('p', { class: 'note' });
    const key = el('input', { type: 'text', maxlength: '257', autocomplete: 'off', spellcheck: 'false' });
    const keep = el('input', { type: 'checkbox', id: 'keep-key' });
    const keyed = el('div', {}, field('Idempotency key', key, 'Empty: none is sent.'),
        el('div', { class: 'check' }, keep, el('label', { for: 'keep-key' }, 'Keep it: asking again with the same key gives the same answer again')));
    const line = commandLine('');
    const send = el('button', { type: 'submit', class: 'main' }, 'Send');
    const complaint = el('p', { class: 'failed', role: 'alert' });
    const form = el('form', { class: 'try-form' }, says, controls, keyed, line.element, complaint, el('div', { class: 'actions' }, send));
    const answers = el('div', { class: 'answers', 'aria-live': 'polite' }, el('p', { class: 'empty' }, 'Answers are shown here, the newest first.'));
    const tabs = el('div', { class: 'tabs', role: 'group', 'aria-label': 'Calls' }, calls.map((call) => button(call.name, { 'aria-pressed': 'false' }, () => pick(call))));
    let [picked, inputs] = [null, []];

    function request() {
        const made = picked.request(readAll(inputs));
        const typed = key.value.trim();
        if (made.method === 'GET' || !typed)
            return made;
        if (!/^[!-~]+$/.test(typed))
            throw new Error('An idempotency key has visible ASCII characters only, without blanks.');
        return { ...made, headers: { ...made.headers, 'Idempotency-Key': typed } };
    }
    function preview() {
        try {
            line.code.textContent = curl(request());
            complaint.textContent = '';
        } catch (error) {
            complaint.textContent = error.message;
        }
    }
    function pick(call) {
        picked = call;
        [...tabs.children].forEach((tab, i) => tab.setAttribute('aria-pressed', String(calls[i] === call)));
        says.textContent = call.says;
        inputs = call.inputs(lastReservation);
        controls.replaceChildren(...inputs.map((input) => input.element));
        keyed.hidden = call.role === 'reader';
        key.value = newKey();
        preview();
    }
    function show(got) {
        const { body } = got.answer || {};
        if (body && body.id && body.state)
            lastReservation = body.id;
        if (got.answer)
            got.element.append(links(got.answer) || '');
        if (got.answer && got.answer.status < 500 && !keep.checked)
            key.value = newKey(); // else it may have happened: asked again, it must not happen twice
        preview();
        if (answers.querySelector('.empty'))
            answers.replaceChildren();
        answers.prepend(got.element);
        while (answers.children.length > KEPT)
            answers.lastChild.remove();
    }
    on(form, 'input', preview, signal);
    on(form, 'click', preview, signal);
    on(form, 'submit', async (event) => {
        event.preventDefault();
        send.disabled = true;
        try {
            show(await transcript(request(), signal));
        } catch (error) {
            if (!aborted(error))
                complaint.textContent = error.message;
        } finally {
            send.disabled = false;
        }
    }, signal);
    main.append(el('div', { class: 'head' }, el('div', {}, el('h1', {}, 'Try it'), el('p', { class: 'line' }, 'What you send here happens: units are held and sold.'))),
        el('div', { class: 'split even' }, el('section', { class: 'card' }, tabs, form), el('section', { class: 'card' }, el('h2', {}, 'Answers'), answers)));
    pick(calls[0]);
}
