// For those who run the service: its processes, Redis, ledger, audit and the configuration in force.
import { aborted, get } from './api.js';
import { audit } from './audit.js';
import { card, complaints, el, table } from './dom.js';
import { bytes, milliseconds, number, plural } from './format.js';
import { textInput } from './inputs.js';
import { may, mayNot } from './session.js';
import { again, on, timeElement } from './time.js';

const POLL_MS = 5000;

// What the service says of a part of it, whatever it says: one row a member.
function shown(name, value) {
    if (value === null || value === undefined || value === '')
        return '–';
    if (name.endsWith('_at'))
        return timeElement(value);
    if (typeof value === 'number')
        return name.endsWith('_ms') ? milliseconds(value) : name.endsWith('_bytes') ? bytes(value) : number(value);
    if (typeof value === 'boolean')
        return value ? 'yes' : 'no';
    return typeof value === 'object' ? el('code', {}, JSON.stringify(value)) : value;
}

function facts(object) {
    return el('dl', { class: 'facts' }, Object.entries(object).map(([name, value]) =>
        el('div', {}, el('dt', {}, name.replace(/_(ms|bytes|at)$/, '').replaceAll('_', ' ')), el('dd', {}, shown(name, value)))));
}

function processes(list) {
    const { element, body } = table('Processes', ['Process', 'Process id', 'Restarts']);
    body.append(...list.map((one) => el('tr', {}, el('th', { scope: 'row' }, one.name), el('td', { class: 'plain' }, one.pid ? String(one.pid) : '–'),
        el('td', { class: one.restarts ? 'warn' : 'zero' }, number(one.restarts)))));
    return card('Processes', plural(list.length, 'process', 'processes'), element);
}

// What somebody has set comes before what nobody has.
function configuration(options, signal) {
    const list = [...options].sort((a, b) => (a.from === 'default') - (b.from === 'default'));
    const filter = textInput('filter', 'Find', {});
    const { element, body } = table('Configuration', [{ text: 'Option' }, { text: 'Value', class: 'about' }, { text: 'From', class: 'word' }]);
    const rows = list.map((one) => el('tr', {}, el('th', { scope: 'row' }, el('code', {}, `--${one.name}`)),
        el('td', { class: 'about' }, one.value === null || one.value === '' ? '–' : el('code', {}, String(one.value))),
        el('td', { class: 'word' }, el('span', { class: one.from === 'default' ? 'note' : 'tag held' }, one.from))));
    body.append(...rows);
    on(filter.element, 'input', () => {
        const wanted = filter.read().filter || '';
        rows.forEach((row, i) => { row.hidden = !`${list[i].name} ${list[i].value} ${list[i].from}`.includes(wanted); });
    }, signal);
    return el('section', { class: 'card' }, el('div', { class: 'over' },
        el('div', {}, el('h2', {}, 'Configuration in force'), el('p', { class: 'note' }, 'Without secrets.')), filter.element), element);
}

export function operations(main, { signal }) {
    document.title = 'Operations – stockd';
    const line = el('p', { class: 'line' }, '\u00a0');
    main.append(el('div', { class: 'head' }, el('div', {}, el('h1', {}, 'Operations'), line)));
    if (!may('admin')) {
        main.append(el('section', { class: 'card' }, el('p', {}, mayNot('admin'))));
        return;
    }
    const trouble = complaints();
    const parts = el('div', { class: 'stack' });
    const auditing = audit(signal);
    main.append(trouble.element, parts);
    let last = '';
    again(POLL_MS, async () => {
        try {
            const service = await get('v1/service', signal);
            trouble.clear();
            const now = JSON.stringify(service);
            if (now === last)
                return;
            last = now;
            line.replaceChildren(`service ${service.service} · stockd ${service.version} · since `, timeElement(service.started_at), ' · the one that answered this page');
            parts.replaceChildren(
                el('div', { class: 'thirds' }, processes(service.processes), card('Redis', null, facts(service.redis)),
                    el('div', { class: 'stack' }, card('Ledger', null, service.ledger ? facts(service.ledger) : el('p', {}, 'It runs without a ledger.')), auditing.element)),
                configuration(service.configuration, signal));
        } catch (error) {
            if (!aborted(error) && !signal.aborted)
                trouble.say(error);
        }
    }, signal);
}
