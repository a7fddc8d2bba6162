"""Compares what a page shows with what a command printed.

The vocabulary of what may differ, and nothing else may:

    times            2026-11-21T03:21:32.422Z, and as milliseconds, 1795231293825
    ids              of reservations (r0-...), operations (op-...), ledgers and Redis (32 or 40 hex digits), keys (12): which is
                     which is remembered, so the same id must be the same one on the whole page, and a command that is
                     shown with an id or a time is run with the one that stands for it
    "ttl_ms":N       but 0, which is only 0; "lag_ms":N; "lag_events":N; process ids; the version of the program
    durations        0.0 s, 4.64ms
    ...              some of a line; on a line of its own, any lines
    numbers          only in a block marked `numbers vary`, where blanks may be more or fewer as well

Lines that begin with "Date: " are dropped, as are blanks at the end of a line and empty lines at the end, and lines of the
program's log where the page shows none.
"""
import difflib
import re

IDS = {
    "reservation": r"\br\d+-[0-9a-v]{20,30}\b",
    "operation": r"\bop-[a-z0-9]{20}\b",
    "hex": r"\b[0-9a-f]{40}\b|\b[0-9a-f]{32}\b",
    "key": r"\b[0-9a-f]{12}\b",
}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
LOG = r"time=\S+ level="
# What is shown -> what may stand in its place.
VARY = {
    "ms": (r"\b1[789]\d{11}\b", r"\d{13}"),
    "ttl": (r'"ttl_ms":[1-9]\d*', r'"ttl_ms":[1-9]\d*'),
    "lag": (r'"(?:lag_ms|lag_events)":\d+', r'"(?:lag_ms|lag_events)":\d+'),
    "pid": (r'\bpid=\d+|"pid":\d+', r'(?:pid=|"pid":)\d+'),
    "version": (r'"version":"[^"]*"|\bversion=\S+', r'(?:"version":"[^"]*"|version=\S+)'),
    "duration": (r"(?<![\w.])\d+(?:\.\d+)? ?(?:us|ms|s)\b", r"\d+(?:\.\d+)? ?(?:us|ms|s)"),
    "rest": (r"(?m:^\.\.\.$\n?)", r"(?:.*(?:\n|\Z))*?"),
    "some": (r"\.\.\.", r"[^\n]*?"),
}
NUMBERS = {
    "number": (r"\d[\d,.]*[kM]?", r"\d[\d,.]*[kM]?"),
    "blanks": (r" +", r" +"),
}


def scanner(numbers_vary):
    kinds = dict(IDS, time=TIME)
    kinds.update({kind: shown for kind, (shown, _) in VARY.items()})
    if numbers_vary:
        kinds.update({kind: shown for kind, (shown, _) in NUMBERS.items()})
    order = ["time"] + [kind for kind in kinds if kind != "time"]
    return re.compile("|".join(f"(?P<{kind}>{kinds[kind]})" for kind in order))


def tidy(text, shown=None):
    """Without what is never compared; lines of a log are, if the page shows some."""
    lines = [line.rstrip() for line in text.replace("\r", "").split("\n")]
    lines = [line for line in lines if not line.startswith("Date: ")]
    if shown is not None and not re.search("^" + LOG, shown, re.M):
        lines = [line for line in lines if not re.match(LOG, line)]
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


class Bindings:
    """Which id or time of the page stands for which one of this run."""

    def __init__(self):
        self.real = {}

    def command(self, text):
        """A command of the page with the ids and times of this run."""
        if not self.real:
            return text
        longest_first = sorted(self.real, key=len, reverse=True)
        return re.sub("|".join(re.escape(name) for name in longest_first), lambda m: self.real[m.group()], text)

    def unknown(self, text):
        """An id in a command that no output before has shown, or None."""
        found = [m.group() for m in re.finditer("|".join(IDS.values()), text)]
        return next((name for name in found if name not in self.real), None)

    def align(self, shown, printed):
        """As match() where they differ: id for id, if there are as many."""
        names, reals = (re.findall("|".join(IDS.values()), text) for text in (shown, printed))
        if len(names) == len(reals):
            self.real.update(zip(names, reals))

    def match(self, shown, printed, numbers_vary=False):
        """Whether `printed` is what the page shows; then its ids and times are remembered."""
        shown, printed = tidy(shown), tidy(printed, shown)
        pattern, groups, at = [], {}, 0
        for m in scanner(numbers_vary).finditer(shown):
            pattern += [re.escape(shown[at:m.start()]), self.part(m.lastgroup, m.group(), groups)]
            at = m.end()
        pattern.append(re.escape(shown[at:]))
        found = re.fullmatch("".join(pattern), printed)
        if not found:
            return False
        new = {name: found.group(group) for name, (group, _) in groups.items()}
        ids = [real for name, real in {**self.real, **new}.items() if not re.fullmatch(TIME, name)]
        if len(set(ids)) != len(ids):
            return False
        for name, real in new.items():
            self.real.setdefault(name, real)
        return True

    def part(self, kind, text, groups):
        if kind not in IDS and kind != "time":
            return {**VARY, **NUMBERS}[kind][1]
        if kind in IDS and text in self.real:
            return re.escape(self.real[text])
        pattern = f"(?:{IDS.get(kind, TIME)})"
        if text in groups:
            return f"(?P={groups[text][0]})" if kind in IDS else pattern
        groups[text] = (f"g{len(groups)}", kind)
        return f"(?P<{groups[text][0]}>{pattern})"


def difference(shown, printed, numbers_vary=False):
    """What differs, for people: both with names in the place of what may differ."""
    def plain(text):
        return scanner(numbers_vary).sub(lambda m: m.group() if m.lastgroup in ("rest", "some") else f"<{m.lastgroup}>",
                                         tidy(text, shown)).split("\n")
    lines = list(difflib.unified_diff(plain(shown), plain(printed), "shown", "printed", lineterm="", n=1))
    return "\n".join(lines) if lines else "the same but for ids: one stands for two, or two for one\n" + tidy(printed)
