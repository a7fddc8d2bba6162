#!/usr/bin/env python3
"""figures.py [demo] [durability] -- measures what the documents show of speed, and puts it there.

demo         `make demo`: its table in README.md, and docs/report.png of its last run
durability   tests/bench/durability.sh 5 3: the table in docs/durability.md

Both unless said. Runs in the root of the repository, on a machine that does nothing else. What is replaced stands
behind a comment, `<!-- figures: NAME -->`. The text around it is not: read it again.
"""
import os
import re
import subprocess
import sys
import tempfile

LEVELS = {
    "memory": "`memory`",
    "everysec": "`everysec`",
    "always": "`always`",
    "replicated": "`replicated`, one replica",
    "ledger-sqlite": "`ledger`, SQLite",
    "ledger-postgresql": "`ledger`, PostgreSQL",
}
RATIO = r"(\d[\d.]* \(\d[\d.]* to \d[\d.]*\))"


def put(page, name, lines):
    """Puts the lines into the block or table behind the comment."""
    with open(page) as file:
        text = file.read()
    mark = rf"(<!-- figures: {name} -->\n(?:<!--.*-->\n)*)"
    of_block, of_table = mark + r"(```\w*\n)(?:.*\n)*?(```\n)", mark + r"((?:\|.*\n){2})(?:\|.*\n)*()"
    body = "".join(line + "\n" for line in lines)
    for pattern in (of_block, of_table):
        text, found = re.subn(pattern, lambda m: m.group(1) + m.group(2) + body + m.group(3), text, count=1)
        if found:
            break
    else:
        sys.exit(f"figures.py: {page} has no block or table behind <!-- figures: {name} -->")
    with open(page, "w") as file:
        file.write(text)
    print(f"{page}: {name}\n{body}")


def demo():
    with tempfile.TemporaryDirectory(prefix="stockd-figures.") as out:
        ran = subprocess.run(["loadgen/demo.sh"], env={**os.environ, "OUT": out}, stdout=subprocess.PIPE, text=True)
        if ran.returncode != 0:
            sys.exit(f"figures.py: the demo ended with {ran.returncode}")
        shown = ran.stdout.replace(out, "./demo-out").rstrip().split("\n")
        first = next(i for i, line in enumerate(shown) if re.match(r"run +1-single", line))
        put("README.md", "demo", shown[first:])
        page = os.path.join(out, "churn.html")
        subprocess.run(["build/stockload", "report", os.path.join(out, "3-churn.history"), "--html", page, "-q"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["node", "tests/page/shot.mjs", page, "docs/report.png"], check=True)


def three_digits(text):
    number = float(text)
    unit = 10 ** max(len(str(int(number))) - 3, 0)
    return f"{round(number / unit) * unit:,}"


def durability_row(line):
    """A row of the table, of a line that durability.sh has printed, or None."""
    found = re.match(rf"(\S+) +(\d+) +{RATIO} +(\d+) +{RATIO}$", line)
    if not found or found.group(1) not in LEVELS:
        return None
    level, rate, rate_over, us, us_over = found.groups()
    if level == "everysec":
        rate_over = us_over = "1"
    return f"| {LEVELS[level]} | {three_digits(rate)} | {rate_over} | {float(us) / 1000:.2g} ms | {us_over} |"


def durability():
    ran = subprocess.run(["tests/bench/durability.sh", "5", "3"], stdout=subprocess.PIPE, text=True, check=True)
    rows = [row for row in map(durability_row, ran.stdout.split("\n")) if row]
    if len(rows) != len(LEVELS):
        sys.exit(f"figures.py: durability.sh has printed\n{ran.stdout}")
    put("docs/durability.md", "durability", rows)


def main():
    parts = {"demo": demo, "durability": durability}
    for name in sys.argv[1:] or parts:
        if name not in parts:
            sys.exit(f"figures.py: there is no {name}, but {' and '.join(parts)}")
        parts[name]()


if __name__ == "__main__":
    main()
