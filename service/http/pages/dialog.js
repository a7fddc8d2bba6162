// A form over the page that sends one request and shows the answer in full.
import { aborted, newKey } from './api.js';
import { button, el } from './dom.js';
import { readAll } from './inputs.js';
import { on } from './time.js';
import { transcript } from './transcript.js';

// `request(values)` gives what to send, `done(answer)` is called for a good answer. The idempotency key
// is that of the dialog: what may have happened already, as no answer came, is asked with the same key.
export function ask({ title, note, inputs, verb, danger, request, done }, signal) {
    const answer = el('div', { class: 'answers', 'aria-live': 'polite' });
    let [key, sent] = ['', '']; // of the request whose outcome is not known
    function withKey(made) {
        const now = JSON.stringify(made);
        if (now !== sent)
            key = newKey();
        sent = now;
        return { ...made, headers: { ...made.headers, 'Idempotency-Key': key } };
    }
    const send = el('button', { type: 'submit', class: danger ? 'main danger' : 'main' }, verb);
    const close = button('Cancel', { class: 'quiet' }, () => dialog.close());
    const form = el('form', {}, note ? el('p', { class: 'note' }, note) : null, inputs.map((input) => input.element), answer,
        el('div', { class: 'actions' }, send, close));
    const dialog = el('dialog', { 'aria-label': title }, el('h2', {}, title), form);

    on(form, 'submit', async (event) => {
        event.preventDefault();
        send.disabled = true;
        try {
            const got = await transcript(withKey(request(readAll(inputs))), signal);
            answer.replaceChildren(got.element);
            if (got.answer && got.answer.status < 500)
                sent = '';
            if (got.answer && got.answer.status < 300) {
                close.textContent = 'Close';
                done(got.answer);
            }
        } catch (error) {
            if (!aborted(error))
                answer.replaceChildren(el('p', { class: 'failed', role: 'alert' }, error.message));
        } finally {
            send.disabled = false;
        }
    }, signal);
    on(dialog, 'close', () => dialog.remove(), signal);
    signal.addEventListener('abort', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}
