// What was asked and what came back, as the service gave it, with the command line that does the same.
import { aborted, curl, exchange, saidOf } from './api.js';
import { button, el, failure } from './dom.js';
import { milliseconds } from './format.js';

const HEADERS = ['ETag', 'Location', 'Idempotent-Replayed', 'Retry-After', 'RateLimit'];
const COPIED_MS = 1500;

// Where the clipboard is not to be had, the text is selected for the reader to copy.
async function copy(text, element, said) {
    try {
        await navigator.clipboard.writeText(text);
        said.textContent = 'Copied';
    } catch {
        getSelection().selectAllChildren(element);
        said.textContent = 'Selected';
    }
    setTimeout(() => { said.textContent = 'Copy'; }, COPIED_MS);
}

export function commandLine(text) {
    const code = el('code', {}, text);
    const element = el('pre', { class: 'command', tabindex: '0', 'aria-label': 'Command line' }, code);
    const said = button('Copy', { class: 'small quiet copy' }, () => copy(code.textContent, code, said));
    return { element: el('div', { class: 'copied' }, element, said), code };
}

function tone(status) {
    return status < 300 ? 'right' : status >= 500 ? 'violation' : 'unknown';
}

function answered(answer) {
    const heads = HEADERS.filter((name) => answer.headers.get(name) !== null);
    return [
        el('p', { class: 'answer' }, el('span', { class: `tag ${tone(answer.status)}` }, `${answer.status}`),
            el('span', {}, answer.body && answer.body.title ? answer.body.title : answer.status === 204 ? 'Done; there is nothing to show' : 'Done'),
            el('span', { class: 'note' }, `in ${milliseconds(answer.ms)}`)),
        answer.body && answer.body.detail ? el('p', { class: 'detail' }, saidOf(answer.body)) : null,
        heads.length ? el('dl', { class: 'heads' }, heads.map((name) => el('div', {}, el('dt', {}, name), el('dd', {}, answer.headers.get(name))))) : null,
        answer.text ? el('pre', { class: 'json', tabindex: '0', 'aria-label': 'Answer' }, answer.body ? JSON.stringify(answer.body, null, 2) : answer.text) : null,
    ].filter(Boolean);
}

// Sends the request and shows both sides. Resolves to {element, answer}; `answer` is null when none came.
export async function transcript(request, signal) {
    const head = el('p', { class: 'asked' }, el('span', { class: 'method' }, request.method), ` /${request.address}`);
    const element = el('article', { class: 'exchange' }, head);
    let answer = null;
    try {
        answer = await exchange(request, signal);
        element.append(...answered(answer));
    } catch (error) {
        if (aborted(error))
            throw error;
        element.append(failure(error));
    }
    element.append(commandLine(curl(request)).element);
    return { element, answer };
}
