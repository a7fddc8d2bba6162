// A stream of server-sent events, read with fetch(): EventSource can send no Authorization.

// Cuts text into events as it comes. Feed it and take what it returns: [{event, data}].
export class EventCutter {
    constructor() {
        this.rest = '';
        this.event = 'message';
        this.data = [];
    }

    feed(text) {
        const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
        this.rest = lines.pop();
        const whole = [];
        for (const line of lines)
            this.take(line, whole);
        return whole;
    }

    take(line, whole) {
        if (line === '') {
            if (this.data.length)
                whole.push({ event: this.event, data: this.data.join('\n') });
            this.event = 'message';
            this.data = [];
            return;
        }
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === 'event')
            this.event = value;
        else if (name === 'data')
            this.data.push(value);
    }
}

// Gives each event of an open response to `take`, until it ends.
export async function readEvents(response, take) {
    const cutter = new EventCutter();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read())
        cutter.feed(part.value).forEach(take);
}
