// The frame around the pages: who looks, which page, whether the service is there.
import { calls, get, hasKey, useKey } from './api.js';
import { button, el, failure, keyed, setAttribute, setText } from './dom.js';
import { item } from './item.js';
import { items } from './items.js';
import { live, startLive, watchLive } from './live.js';
import { login } from './login.js';
import { operations } from './operations.js';
import { overview } from './overview.js';
import { reservation } from './reservation.js';
import { reservations } from './reservations.js';
import { search } from './search.js';
import { may, session } from './session.js';
import { ticking } from './time.js';
import { tryOut } from './try.js';

// An address is a path of words and, behind a `?`, parameters. A page of its own stands below the
// one in the bar that it belongs to.
const PAGES = [
    { at: '', title: 'Overview', view: overview },
    { at: 'items', title: 'Items', view: items, one: item },
    { at: 'reservations', title: 'Reservations', view: reservations, one: reservation },
    { at: 'try', title: 'Try it', view: tryOut },
    { at: 'operations', title: 'Operations', view: operations, role: 'admin' },
];

const main = document.getElementById('main');
const nav = document.getElementById('nav');
let leaving = new AbortController(); // of the view that is shown
let ending = null;                   // of the session
let asking = false;                  // for a key

function decoded(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

function address() {
    const [path, params] = location.hash.replace(/^#\/?/, '').split('?');
    const [at, ...rest] = path.split('/').map(decoded);
    return { at, id: rest.join('/'), params: new URLSearchParams(params || '') };
}

function leave() {
    leaving.abort();
    leaving = new AbortController();
    main.replaceChildren();
    return leaving.signal;
}

function unknown(root) {
    document.title = 'Not found – stockd';
    root.append(el('section', { class: 'card' }, el('h1', {}, 'There is no such page'), el('p', {}, el('a', { href: '#/' }, 'To the overview'))));
}

function show(event) {
    const { at, id, params } = address();
    const page = PAGES.find((one) => one.at === at);
    const view = page && (id ? page.one : page.view);
    const signal = leave();
    for (const link of nav.children)
        setAttribute(link, 'aria-current', page && link.dataset.at === page.at ? 'page' : null);
    try {
        (view || unknown)(main, { signal, id, params });
    } catch (error) {
        console.error(error);
        main.replaceChildren(failure(error));
    }
    if (event) { // of a change; the first view leaves the focus where the reader has it
        scrollTo(0, 0);
        main.focus({ preventScroll: true });
    }
}

function showNav() {
    keyed(nav, PAGES.filter((page) => !page.role || may(page.role)), (page) => page.at,
        (page) => el('a', { href: `#/${page.at}`, 'data-at': page.at }, page.title));
}

const STATES = { connecting: 'Connecting', live: 'Live', off: 'Off', away: 'Away' };

function status(signal) {
    const word = el('span', { class: 'pulse-word' }, '');
    const dot = el('span', { class: 'pulse', 'aria-hidden': 'true' });
    const { self } = session;
    const who = self.client ? el('span', { class: 'who' }, el('span', {}, self.client), el('span', { class: 'tag' }, self.role)) : null;
    const out = self.keys ? button('Sign out', { class: 'small quiet' }, () => signIn('')) : null;
    const box = document.getElementById('status');
    box.replaceChildren(el('span', { class: 'connection' }, dot, word), ...[who, out].filter(Boolean));
    function tick() {
        const wait_s = Math.max(0, Math.ceil((live.retry_at - performance.now()) / 1000));
        setText(word, live.state === 'away' ? (wait_s ? `Away, again in ${wait_s} s` : 'Away, trying') : STATES[live.state]);
        if (dot.dataset.state !== live.state)
            dot.dataset.state = live.state;
    }
    watchLive(tick, signal);
    ticking(tick, signal);
    box.hidden = false;
}

function foot() {
    const links = [['The interface (OpenAPI)', 'openapi.json'], ['Metrics', 'metrics'], ['Readiness', 'readyz']];
    document.getElementById('foot').replaceChildren(el('p', {}, `stockd ${session.self.version}`),
        el('ul', {}, links.map(([text, href]) => el('li', {}, el('a', { href }, text)))));
}

function enter() {
    ending = new AbortController();
    showNav();
    status(ending.signal);
    foot();
    search(document.getElementById('search'), ending.signal);
    nav.hidden = false;
    startLive(ending.signal);
    window.addEventListener('hashchange', show, { signal: ending.signal });
    show();
}

function end() {
    if (ending)
        ending.abort();
    ending = null;
    for (const id of ['nav', 'search', 'status'])
        document.getElementById(id).hidden = true;
    document.getElementById('search').replaceChildren();
    session.self = null;
}

// Asks for a key, and why.
function signIn(why) {
    asking = true;
    end();
    useKey(null);
    login(main, leave(), why, begin);
}

async function begin() {
    const signal = leave();
    asking = false;
    main.append(el('p', { class: 'waiting', role: 'status' }, 'Asking the service…'));
    try {
        session.self = await get('v1/self', signal);
        main.replaceChildren();
        enter();
    } catch (error) {
        if (error.status !== 401 && !signal.aborted)
            main.replaceChildren(failure(error, begin));
    }
}

// Of several calls that are refused at once the first one asks.
calls.addEventListener('unauthenticated', () => {
    if (!asking)
        signIn(hasKey() ? 'The service does not know this key, or no longer.' : '');
});
// Not as a link: what stands behind the # is the page that is shown.
document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
});
begin();
