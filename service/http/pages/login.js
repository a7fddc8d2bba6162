// Asks for an API key. It stays in this tab and goes nowhere but into the Authorization of requests.
import { useKey } from './api.js';
import { el, field } from './dom.js';
import { on } from './time.js';

export function login(main, signal, why, done) {
    document.title = 'Sign in – stockd';
    const input = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, maxlength: '256' });
    const complaint = el('p', { class: 'failed', role: 'alert' }, why);
    const form = el('form', { class: 'card login' },
        el('h1', {}, 'Sign in'),
        el('p', { class: 'note' }, 'This service asks for an API key. What you can do here is what the role of the key allows.'),
        field('API key', input, 'Kept in this tab until you sign out or close it.'),
        complaint,
        el('button', { type: 'submit', class: 'main' }, 'Sign in'));
    on(form, 'submit', (event) => {
        event.preventDefault();
        const key = input.value.trim();
        // A header holds visible ASCII only; anything else is no key.
        if (!/^[!-~]+$/.test(key)) {
            complaint.textContent = 'A key has letters, digits and _ only, without blanks.';
            return;
        }
        useKey(key);
        done();
    }, signal);
    main.replaceChildren(form);
    input.focus();
}
