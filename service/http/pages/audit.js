// The audit: the last one, the one that runs, and a button for the next.
import { aborted, exchange, get, problemOf } from './api.js';
import { button, complaints, el, setText } from './dom.js';
import { ago, number, plural } from './format.js';
import { session } from './session.js';
import { setTag, tag } from './stock.js';
import { again, now } from './time.js';

const POLL_MS = 1000;
const RESULTS = { equal: ['right', 'equal'], drift: ['violation', 'drift'], unknown: ['unknown', 'could not tell'] };

function progressText(progress) {
    return progress ? Object.entries(progress).map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'number' ? number(value) : value}`).join(', ') : '';
}

export function audit(signal) {
    const word = tag('off', 'none yet');
    const line = el('p', { class: 'note', role: 'status' }, '\u00a0');
    const trouble = complaints();
    const start = button('Audit now', { class: 'small' }, run);
    const element = el('section', { class: 'card' }, el('div', { class: 'over' }, el('h2', {}, 'Audit ', word), start),
        el('p', { class: 'note' }, 'Compares every item and open hold in Redis with the ledger.'), line, trouble.element);
    function show(audits) {
        const { state, progress, last } = audits;
        start.disabled = state === 'running';
        if (last)
            setTag(word, ...(RESULTS[last.result] || ['off', String(last.result)]));
        setText(line, state === 'running' ? `Running ${progressText(progress)}`
            : last ? `${plural(last.drift, 'difference', 'differences')}, ${ago(now() - Date.parse(last.at))}` : 'None was made yet.');
    }
    async function attempt(work) {
        try {
            await work();
            trouble.clear();
        } catch (error) {
            if (!aborted(error) && !signal.aborted)
                trouble.say(error);
        }
    }
    async function run() {
        start.disabled = true;
        await attempt(async () => {
            const answer = await exchange({ method: 'POST', address: 'v1/audits', body: {} }, signal);
            if (answer.status >= 400) {
                start.disabled = false;
                throw problemOf(answer);
            }
            setText(line, 'Running');
        });
    }
    if (session.self.ledger)
        again(POLL_MS, () => attempt(async () => show(await get('v1/audits', signal))), signal);
    else {
        start.hidden = true;
        setText(line, 'There is no ledger to compare with.');
    }
    return { element };
}
