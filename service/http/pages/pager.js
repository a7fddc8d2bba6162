// A list that comes in pages: what is there, a line about it, and a button for more.
import { aborted } from './api.js';
import { button, complaints, el, setText } from './dom.js';

// `fetchPage(cursor)` gives {entries, next}; `add(entries)` shows them; `say(count, done)` is the line.
export function pager(fetchPage, add, say, signal) {
    const line = el('p', { class: 'note', role: 'status' }, 'Looking…');
    const trouble = complaints();
    const next = button('More', { class: 'small', hidden: true }, () => more());
    const element = el('div', { class: 'pager' }, line, next, trouble.element);
    let [cursor, count, busy] = [null, 0, false];
    async function more() {
        if (busy)
            return;
        busy = true;
        next.disabled = true;
        trouble.clear();
        try {
            const page = await fetchPage(cursor);
            add(page.entries);
            count += page.entries.length;
            cursor = page.next;
            next.hidden = cursor === null;
            setText(line, say(count, cursor === null));
        } catch (error) {
            if (signal.aborted || aborted(error))
                return;
            setText(line, '');
            next.hidden = true;
            trouble.say(error, more);
        } finally {
            busy = false;
            next.disabled = false;
        }
    }
    return { element, more };
}
