// What a sample says about the service, in a word and a sentence. Pure.
import { milliseconds, number, percent, plural, rate, sentence } from './format.js';

const LEDGER_LATE_MS = 10000;
const EXPIRY_LATE_MS = 2000;
const MEMORY_FULL = 0.9;

// The signs stand for the states where colours are not seen.
export const SIGNS = { right: '✓', unknown: '!', violation: '✕', off: '–' };

function partitions(sample) {
    const { count } = sample.partitions;
    return `Every item can be reserved and sold${count === 1 ? '' : `: all ${number(count)} partitions are open`}`;
}

function closed(sample) {
    const { count, open, not_open } = sample.partitions;
    if (open === count)
        return null;
    const why = not_open.length ? `: ${not_open[0].why}` : '';
    if (open === 0)
        return { state: 'violation', word: 'Closed', text: `Nothing can be reserved${why}` };
    return { state: 'unknown', word: 'Partly open', text: `${number(count - open)} of ${number(count)} partitions are not open${why}` };
}

// Each gives {state, word, text}, or null when there is nothing to say. The first is the headline.
const worries = [
    closed,
    (s) => s.audit.result === 'drift' && {
        state: 'violation', word: 'Drift', text: `the last audit found ${plural(s.audit.drift, 'difference', 'differences')} between Redis and the ledger`,
    },
    (s) => s.rates.failed > 0 && { state: 'unknown', word: 'Failing', text: `${rate(s.rates.failed)} requests a second fail with 5xx` },
    (s) => s.expiry_lag_ms > EXPIRY_LATE_MS && { state: 'unknown', word: 'Late', text: `due holds come back ${milliseconds(s.expiry_lag_ms)} late` },
    (s) => s.ledger_lag_ms > LEDGER_LATE_MS && { state: 'unknown', word: 'Behind', text: `the ledger is ${milliseconds(s.ledger_lag_ms)} behind` },
    (s) => s.redis_memory.used_ratio > MEMORY_FULL && {
        state: 'unknown', word: 'Nearly full', text: `Redis uses ${percent(s.redis_memory.used_ratio)} of its memory`,
    },
];

export function judge(sample) {
    const found = worries.map((worry) => worry(sample)).filter(Boolean);
    if (found.length === 0)
        return { state: 'right', word: 'Open', text: `${partitions(sample)}.` };
    const worst = found.find((one) => one.state === 'violation') || found[0];
    const text = sentence([worst, ...found.filter((one) => one !== worst)].map((one) => one.text));
    return { state: worst.state, word: worst.word, text: `${text[0].toUpperCase()}${text.slice(1)}.` };
}

export function refusedRate(rates) {
    return rates.insufficient_stock + rates.limit_exceeded + rates.other_refused;
}
