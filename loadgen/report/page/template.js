// Fills the templates of the layout (layout.c, template.c) from the document, in its units (units.c).
'use strict';

// Not a rounding of ours: the steps are those of the text report.
function unitNumber(unit, number) {
    const value = number * unit.times;
    const step = unit.steps.find((s) => value < s.below);
    if (!step)
        return value.toExponential(2);
    if (step.rest_per > 0) {
        const rest = Math.floor((value % step.per) / step.rest_per);
        return Math.floor(value / step.per) + step.suffix + String(rest).padStart(2, '0') + step.rest_suffix;
    }
    const digits = (value / step.per).toFixed(Math.abs(step.decimals));
    const [whole, fraction] = (step.decimals < 0 ? String(Number(digits)) : digits).split('.');
    return Number(whole).toLocaleString('en') + (fraction ? '.' + fraction : '') + step.suffix;
}

function plain(value) {
    if (Array.isArray(value))
        return value.map(plain).join(' ');
    return typeof value === 'number' ? value.toLocaleString('en') : String(value);
}

// "a.b" in the document, undefined where there is no such thing; "" is the document itself.
function find(from, path) {
    return path ? path.split('.').reduce((o, key) => (o === null || o === undefined ? undefined : o[key]), from) : from;
}

function holds(from, when) {
    if (when === undefined)
        return true;
    const opposite = when.startsWith('!');
    const value = find(from, opposite ? when.slice(1) : when);
    return opposite === (!value || value.length === 0);
}

// One value in a unit, or null when it is not known.
function inUnit(units, value, name) {
    const unit = units[name];
    const word = unit && unit.words[String(value)];
    if (word !== undefined)
        return word;
    if (value === null || value === undefined)
        return null;
    return unit && unit.steps.length && typeof value === 'number' ? unitNumber(unit, value) : plain(value);
}

// The text, or null when one of its values is not known.
function fill(units, text, from) {
    let known = true;
    const filled = text.replace(/\{([^:}]*):?([^}]*)\}/g, (_, path, unit) => {
        const value = inUnit(units, find(from, path), unit);
        known = known && value !== null;
        return value;
    });
    return known ? filled : null;
}
