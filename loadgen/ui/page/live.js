// The stream of documents, and what is said while there is none.
'use strict';

const PAGES = { run: runPage, race: racePage };
const shown = { kind: null, update: null };

function status(word, text) {
    const element = document.getElementById('line');
    element.dataset.word = word;
    say(element, text);
}

function take(doc) {
    if (doc.kind !== shown.kind) {
        shown.kind = doc.kind;
        shown.update = PAGES[doc.kind](document.querySelector('main'));
    }
    shown.update(doc);
    document.documentElement.dataset.phase = doc.phase;
    status(doc.over ? 'over' : 'live', doc.over ? 'over' : 'live');
}

const stream = new EventSource('/events');
stream.addEventListener('state', (event) => take(JSON.parse(event.data)));
stream.addEventListener('end', () => {
    stream.close();
    status('over', 'over; this is what was seen last');
});
// The browser asks again by itself, until the page is closed.
stream.addEventListener('error', () => status('away', 'no connection; trying again'));
