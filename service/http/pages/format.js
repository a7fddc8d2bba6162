// Numbers, times and sizes as text: in the reader's locale, with few digits, and always with as many
// of them for the same size, so that columns stand still.

const UNKNOWN = '–';
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const byDigits = [0, 1, 2, 3, 4, 5].map((digits) =>
    new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clockTime = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayTime = new Intl.DateTimeFormat(undefined, {
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
});
const exactTime = new Intl.DateTimeFormat(undefined, {
    dateStyle: 'full', timeStyle: 'long',
});

const known = (value) => value !== null && value !== undefined && Number.isFinite(Number(value));

export function number(value) {
    return known(value) ? whole.format(value) : UNKNOWN;
}

// With its sign, a change of a counter.
export function change(value) {
    if (!known(value) || value === 0)
        return value === 0 ? '0' : UNKNOWN;
    return (value > 0 ? '+' : '−') + whole.format(Math.abs(value));
}

export function compact(value) {
    return known(value) ? (Math.abs(value) < 10000 ? whole : short).format(value) : UNKNOWN;
}

// Something a second: one digit behind the point where it is small.
export function rate(value) {
    if (!known(value))
        return UNKNOWN;
    return (value === 0 || value >= 100 ? whole : byDigits[1]).format(value);
}

// A ratio of which small values matter: two digits that say something.
export function ratio(value) {
    if (!known(value))
        return UNKNOWN;
    if (value === 0)
        return '0';
    return byDigits[value >= 10 ? 1 : value >= 0.1 ? 2 : value >= 0.01 ? 3 : 4].format(value);
}

export function percent(part) {
    return known(part) ? percents.format(part) : UNKNOWN;
}

// A measured time.
export function milliseconds(ms) {
    if (!known(ms))
        return UNKNOWN;
    if (ms === 0)
        return '0 ms';
    if (ms < 0.995)
        return `${byDigits[2].format(ms)} ms`;
    if (ms < 9.95)
        return `${byDigits[1].format(ms)} ms`;
    if (ms < 999.5)
        return `${whole.format(ms)} ms`;
    return ms < 59950 ? `${byDigits[1].format(ms / 1000)} s` : span(ms);
}

// A long time in two steps: 3 d 4 h.
export function span(ms) {
    if (!known(ms))
        return UNKNOWN;
    const seconds = Math.max(0, Math.round(ms / 1000));
    const steps = [[86400, 'd', 3600, 'h'], [3600, 'h', 60, 'min'], [60, 'min', 1, 's']];
    for (const [per, unit, restPer, restUnit] of steps)
        if (seconds >= per) {
            const rest = Math.floor((seconds % per) / restPer);
            return `${whole.format(Math.floor(seconds / per))} ${unit}${rest ? ` ${rest} ${restUnit}` : ''}`;
        }
    return `${seconds} s`;
}

// What is left until a deadline, a second at a time: 9:59, 1:02:03.
export function countdown(ms) {
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    if (seconds >= 86400)
        return span(seconds * 1000);
    const two = (n) => String(n).padStart(2, '0');
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

// Of what happened: no more than one step is of interest.
export function ago(ms) {
    return ms < 1500 ? 'just now' : `${span(ms).split(' ').slice(0, 2).join(' ')} ago`;
}

export function bytes(count) {
    if (!known(count))
        return UNKNOWN;
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0;
    for (; count >= 1024 && unit < units.length - 1; unit++)
        count /= 1024;
    return `${byDigits[unit && count < 100 ? 1 : 0].format(count)} ${units[unit]}`;
}

export function time(at) {
    return clockTime.format(at);
}

// A moment: the day only if it is not today.
export function moment(at) {
    const date = new Date(at);
    return (date.toDateString() === new Date().toDateString() ? clockTime : dayTime).format(date);
}

export function exact(at) {
    return exactTime.format(new Date(at));
}

export function plural(count, one, many) {
    return `${number(count)} ${count === 1 ? one : many}`;
}

// A list in a sentence.
export function sentence(words) {
    return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}
