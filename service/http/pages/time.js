// Time as the service has it, and things that happen again and again until a view is left.
// Each takes the view's signal and ends with it.
import { el } from './dom.js';
import { exact, moment } from './format.js';

let ahead_ms = 0; // how far the service's clock is ahead of this one

// An answer says when it was made; the reader's clock may be wrong.
export function heardTime(at) {
    const heard_ms = Date.parse(at);
    if (Number.isFinite(heard_ms))
        ahead_ms = heard_ms - Date.now();
}

export function now() {
    return Date.now() + ahead_ms;
}

export function on(target, type, listener, signal) {
    target.addEventListener(type, listener, { signal });
}

export function sleep(ms, signal) {
    return new Promise((resolve) => {
        if (signal.aborted)
            return resolve();
        const timer = setTimeout(done, ms);
        function done() {
            clearTimeout(timer);
            signal.removeEventListener('abort', done);
            resolve();
        }
        signal.addEventListener('abort', done);
        return undefined;
    });
}

export function seen() {
    return document.visibilityState === 'visible';
}

// Calls `work` at once and then `ms` after each of its ends, but not while nobody looks. `ms` may be
// a function that says so then.
export async function again(ms, work, signal) {
    while (!signal.aborted) {
        if (seen())
            await work();
        await sleep(typeof ms === 'function' ? ms() : ms, signal);
    }
}

// Calls `tick` four times a second: often enough for a clock that counts seconds.
export function ticking(tick, signal) {
    tick();
    const timer = setInterval(() => seen() && tick(), 250);
    signal.addEventListener('abort', () => clearInterval(timer));
}

// A moment of the service, exact for those who ask.
export function timeElement(at) {
    return at ? el('time', { datetime: at, title: exact(at) }, moment(at)) : el('span', {}, '–');
}
