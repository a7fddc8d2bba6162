// The service as it is now: one sample a second, over a stream that comes again by itself and says
// when it is away. The last five minutes are kept, so a view that is opened again has them.
import { authorized, calls, Problem } from './api.js';
import { heardTime, on, seen, sleep } from './time.js';
import { readEvents } from './stream.js';

export const HISTORY_S = 300;
const SILENT_MS = 6000;  // a stream that says nothing for that long is away
const BACK_OFF_MS = 500; // doubled up to
const BACK_OFF_MAX_MS = 10000;
const HIDDEN_MS = 5000;  // browsers have few connections; a page that nobody sees needs none

// state: 'connecting', 'live', 'away' (why, and when the next try is, by performance.now()), 'off'
export const live = { state: 'off', why: '', retry_at: 0, sample: null, history: [] };
const news = new EventTarget();
let ending = null;

export function watchLive(listener, signal) {
    on(news, 'news', () => listener(live), signal);
    listener(live);
}

function tell(state, more) {
    Object.assign(live, { state, why: '', retry_at: 0 }, more);
    news.dispatchEvent(new Event('news'));
}

function keep(sample) {
    const last = live.history[live.history.length - 1];
    const at_ms = performance.now(); // the clocks of two services may differ
    if (last && at_ms - last.at_ms > 3 * sample.interval_ms)
        live.history.push({ at_ms: last.at_ms + 1, sample: null }); // nothing is known of the time between
    live.history.push({ at_ms, sample });
    while (live.history[0].at_ms < at_ms - HISTORY_S * 1000)
        live.history.shift();
}

function take(event) {
    if (event.event !== 'sample')
        return;
    const sample = JSON.parse(event.data);
    heardTime(sample.at);
    keep(sample);
    tell('live', { sample });
}

async function refusal(response) {
    const body = await response.json().catch(() => ({}));
    if (response.status === 401)
        calls.dispatchEvent(new Event('unauthenticated'));
    return new Problem(response.status, body, Number(response.headers.get('Retry-After')) || null);
}

// Reads one stream to its end, and always throws: a stream has no good end.
async function readOnce(signal, heard) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENT_MS);
    const stop = () => silence.abort();
    signal.addEventListener('abort', stop);
    try {
        const response = await fetch('v1/live', {
            headers: authorized({ Accept: 'text/event-stream' }), cache: 'no-store', signal: silence.signal,
        });
        if (!response.ok)
            throw await refusal(response);
        await readEvents(response, (event) => {
            clearTimeout(timer);
            timer = setTimeout(() => silence.abort(), SILENT_MS);
            take(event);
            heard();
        });
        throw new Error('The service ended the stream.');
    } catch (error) {
        throw silence.signal.aborted && !signal.aborted ? new Error('The service has been silent for some seconds.') : error;
    } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
    }
}

async function follow(signal) {
    let wait_ms = BACK_OFF_MS;
    while (!signal.aborted) {
        let retry_s = null;
        try {
            await readOnce(signal, () => { wait_ms = BACK_OFF_MS; });
        } catch (error) {
            if (signal.aborted)
                return;
            retry_s = error.retry_s || null;
            const pause_ms = retry_s ? retry_s * 1000 : wait_ms * (0.75 + Math.random() / 2);
            const why = error instanceof TypeError ? 'The service does not answer.' : error.message;
            tell('away', { why, retry_at: performance.now() + pause_ms });
            await sleepOrOnline(pause_ms, signal);
        }
        wait_ms = Math.min(2 * wait_ms, BACK_OFF_MAX_MS);
    }
}

// The reader's network may come back before the pause is over.
async function sleepOrOnline(ms, signal) {
    const either = new AbortController();
    const stop = () => either.abort();
    window.addEventListener('online', stop);
    signal.addEventListener('abort', stop);
    await sleep(ms, either.signal);
    window.removeEventListener('online', stop);
    signal.removeEventListener('abort', stop);
}

function open() {
    ending = new AbortController();
    tell('connecting');
    follow(ending.signal);
}

function close() {
    if (ending)
        ending.abort();
    ending = null;
}

// Follows the service while the page is seen, until the signal.
export function startLive(signal) {
    let hiding = null;
    open();
    on(document, 'visibilitychange', () => {
        clearTimeout(hiding);
        if (seen() && !ending)
            open();
        else if (!seen())
            hiding = setTimeout(close, HIDDEN_MS);
    }, signal);
    signal.addEventListener('abort', () => {
        clearTimeout(hiding);
        close();
        live.sample = null;
        live.history = [];
        tell('off');
    });
}
