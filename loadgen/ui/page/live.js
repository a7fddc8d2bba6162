// The stream of documents, and what is said while there is none.
'use strict';

const AGAIN_MS = 1000;
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

// At one address there may be one run after the other: the stream is asked for again, for as long as the page is open.
function listen() {
    const stream = new EventSource('/events');
    let ended = false;
    stream.addEventListener('state', (event) => take(JSON.parse(event.data)));
    stream.addEventListener('end', () => {
        ended = true;
        status('over', 'over; this is what was seen last');
    });
    stream.addEventListener('error', () => {
        stream.close();
        if (!ended && document.getElementById('line').dataset.word !== 'over')
            status('away', 'no connection; trying again');
        setTimeout(listen, AGAIN_MS);
    });
}

listen();
