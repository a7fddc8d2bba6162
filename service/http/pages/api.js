// Calls of the service's interface. Every failure becomes a Problem with the service's own words;
// the key of a caller is kept here and in this tab, and is never part of an address.

const KEY = 'stockd-key';
let key = null;
export const calls = new EventTarget(); // 'unauthenticated' when a call needs another key

// Storage may be forbidden; then the key lasts as long as the page.
function stored() {
    try {
        return sessionStorage.getItem(KEY);
    } catch {
        return null;
    }
}

export function useKey(text) {
    key = text;
    try {
        if (text === null)
            sessionStorage.removeItem(KEY);
        else
            sessionStorage.setItem(KEY, text);
    } catch {
        // the page has it
    }
}

export function hasKey() {
    key ??= stored();
    return key !== null;
}

// What a problem says of this case, and of which field.
export function saidOf(body) {
    return body.field && body.detail ? `${body.field}: ${body.detail}` : body.detail;
}

export class Problem extends Error {
    constructor(status, body, retry_s) {
        super(saidOf(body) || body.title || `The service answered ${status}`);
        this.title = body.title || (status ? `The service answered ${status}` : 'The service cannot be reached');
        this.status = status;
        this.body = body;
        this.retry_s = retry_s;
        this.name = (body.type || '').replace('/problems/', '');
    }
}

// Not every page is a secure context, where crypto.randomUUID is.
export function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return `ui-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

export function path(...parts) {
    return parts.map(encodeURIComponent).join('/');
}

export function query(address, params) {
    const some = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== '');
    return some.length ? `${address}?${new URLSearchParams(some)}` : address;
}

export function authorized(headers) {
    return hasKey() ? { ...headers, Authorization: `Bearer ${key}` } : headers;
}

function parsed(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}

// One exchange: {status, headers, body, text, ms}. A status is no failure here, but no answer is.
export async function exchange(request, signal) {
    const { method, address, headers, body } = request;
    const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const began = performance.now();
    let response, text;
    try {
        response = await fetch(address, {
            method, signal, cache: 'no-store',
            headers: authorized({ Accept: 'application/json, application/problem+json', ...json, ...headers }),
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        text = await response.text();
    } catch (error) {
        if (error.name === 'AbortError')
            throw error;
        throw new Problem(0, { detail: `No answer came to ${method} ${address}: ${error.message}` });
    }
    const ms = performance.now() - began;
    if (response.status === 401)
        calls.dispatchEvent(new Event('unauthenticated'));
    return { status: response.status, headers: response.headers, body: parsed(text), text, ms };
}

// The body of a good answer.
export async function get(address, signal, headers) {
    const answer = await exchange({ method: 'GET', address, headers }, signal);
    if (answer.status >= 400)
        throw problemOf(answer);
    return answer.status === 304 ? null : answer.body;
}

export function problemOf(answer) {
    return new Problem(answer.status, answer.body || {}, Number(answer.headers.get('Retry-After')) || null);
}

export function aborted(error) {
    return error.name === 'AbortError';
}

function quoted(text) {
    return `'${text.replaceAll("'", "'\\''")}'`;
}

// The command line that does the same. A key is named, not shown.
export function curl(request) {
    const lines = [`curl ${request.method === 'GET' ? '' : `-X ${request.method} `}${quoted(new URL(request.address, document.baseURI).href)}`];
    if (hasKey())
        lines.push('-H "Authorization: Bearer $STOCKD_KEY"');
    for (const [name, value] of Object.entries(request.headers || {}))
        lines.push(`-H ${quoted(`${name}: ${value}`)}`);
    if (request.body !== undefined)
        lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(request.body))}`);
    return lines.join(' \\\n  ');
}
