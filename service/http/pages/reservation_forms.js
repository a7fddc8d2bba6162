// What can be done to a reservation that is held.
import { path } from './api.js';
import { ask } from './dialog.js';
import { choiceInput, given, linesInput, numberInput } from './inputs.js';

function request(reservation, what, body) {
    return { method: 'POST', address: `v1/reservations/${path(reservation.id)}/${what}`, body };
}

// A line with 0 is one that is not sold; if all are, the call is the short one.
function confirmed(reservation, values) {
    const sold = values.lines.filter((line) => line.quantity !== 0);
    const all = reservation.lines.every((line, i) => values.lines[i].quantity === line.quantity);
    return given({ lines: all ? undefined : sold, if_expired: values.if_expired });
}

export function confirmReservation(signal, reservation, done) {
    ask({
        title: 'Confirm',
        note: 'What is not sold of a line is given back in the same step.',
        inputs: [
            linesInput('lines', 'Units to sell', { value: reservation.lines, fixed: true }),
            choiceInput('if_expired', 'If its time is over by then', [['', 'refuse'], ['rereserve', 'take the units again, if they are there']]),
        ],
        verb: 'Confirm',
        request: (values) => request(reservation, 'confirm', confirmed(reservation, values)),
        done,
    }, signal);
}

export function releaseReservation(signal, reservation, done) {
    ask({
        title: 'Release', note: 'All its units are available again at once.', inputs: [], verb: 'Release', danger: true,
        request: () => request(reservation, 'release', {}), done,
    }, signal);
}

export function extendReservation(signal, reservation, done) {
    ask({
        title: 'Extend',
        inputs: [numberInput('ttl_seconds', 'Seconds from now', { value: 600 })],
        verb: 'Extend',
        request: (values) => request(reservation, 'extend', given(values)),
        done,
    }, signal);
}
