#!/usr/bin/env python3
"""run.py [--write] [--list] [-v] [PAGE...] -- runs what the pages show, and compares what comes with what is shown.

Without PAGE: README.md, CONTRIBUTING.md and docs/*.md. Runs in the root of the repository, on build/stockd and
build/stockload. Each page is a visitor of its own: a directory, a shell whose variables last, and the servers that its
marks (markdown.py) ask for. What may differ says shown.py.

--write puts what came into the pages instead; what is left out with "..." stays left out. --list names each block
and what is done with it. The last line is "N passed, M failed"; the status is 0 if nothing failed and something passed.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import sys
import tempfile
import time

import markdown
import session
import shown

# A curl that asks and changes nothing: what it reads may come from the ledger, a moment later.
READS = re.compile(r"curl(?!.*( -X| --json| -d| --data| -T| -N)\b)")
LATER_S = 60
# What changes the machine is never run, marked or not.
CHANGES_THE_MACHINE = re.compile(r"\b(sudo|sudoedit|systemctl|systemd-\w+|apt|apt-get|dpkg|userdel|useradd|docker)\b|\brm -r\w* /|\bmake (?!-n)")
# A service in the background, whose user waits until it listens.
STARTS = re.compile(r"stockd serve\b.*&\s*$")


class Page:
    def __init__(self, root, path, top):
        self.root, self.path, self.top = root, path, top
        with open(os.path.join(root, path)) as text:
            self.lines = text.read().split("\n")
        self.bindings = shown.Bindings()
        self.edits = []  # (first line, line behind, new lines), from 0
        self.passed, self.failures, self.skipped = 0, [], 0
        self.session = None

    def run(self):
        try:
            steps = markdown.read("\n".join(self.lines))
        except markdown.Wrong as why:
            self.failures.append(f"{self.path}:{why}")
            return self
        if not any(self.is_run(step) for step in steps):
            self.skipped = sum(self.is_skipped(step) for step in steps)
            return self
        self.session = session.Session(self.root, self.top, self.path.replace("/", "-"))
        try:
            for step in steps:
                self.step(step)
        except session.Failed as why:
            self.failures.append(f"{self.path}:{step.line}: {why}")
        finally:
            try:
                self.session.close()
            except session.Failed as why:
                self.failures.append(f"{self.path}: at its end: {why}")
        return self

    @staticmethod
    def is_skipped(step):
        return isinstance(step, markdown.Block) and "skip because" in step.marks

    @classmethod
    def is_run(cls, step):
        if isinstance(step, markdown.Step):
            return True
        return not cls.is_skipped(step) and (step.info not in markdown.DATA or bool(step.marks))

    def step(self, step):
        if isinstance(step, markdown.Step):
            self.mark(step)
        elif self.is_skipped(step):
            self.skipped += 1
        elif self.is_run(step):
            self.block(step)

    def mark(self, step):
        if step.verb == "service":
            self.session.start_service(step.words)
        elif step.verb == "no service":
            self.session.stop_services()
        elif step.verb == "redis":
            self.session.start_redis(step.words)
        elif step.verb == "postgres":
            self.session.start_postgres()
        else:
            status, printed = self.session.run(self.bindings.command(step.words), apart=True)
            if status != 0:
                raise session.Failed(f"what is run unseen ended with {status}:\n{printed}")

    def block(self, block):
        if block.info in markdown.SHELL and CHANGES_THE_MACHINE.search(block.text()):
            self.count(block, False, "a block", "it changes the machine, so it is not run: <!-- docs-test: skip because ... -->")
        elif "file" in block.marks:
            self.session.write(block.marks["file"], block.text())
        elif "printed by the service" in block.marks:
            self.compare(block, 0, len(block.lines), "the service", self.session.printed_by_service())
        elif block.info in markdown.PROGRAMS:
            name = f"block-{block.line}.{block.info}"
            self.session.write(name, block.text())
            self.script(block, f"{markdown.PROGRAMS[block.info]} {name}")
        elif "through faults" in block.marks:
            with self.session.through_faults() as trouble:
                self.commands(block)
            self.count(block, trouble.made >= 4, "through faults", "too little was asked of the service")
        elif any(line.startswith("$ ") for line in block.lines):
            self.commands(block)
        else:
            self.script(block, block.text())

    def commands(self, block):
        for command in block.commands():
            self.command(block, *command)

    def script(self, block, text):
        """A block without prompts: it must end well, or go on for as long as it likes and print something."""
        if "endless" in block.marks:
            printed = self.session.run_until(self.bindings.command(text), lambda printed: printed.strip())
            return self.count(block, printed.strip(), text, "it has printed nothing")
        status, printed = self.session.run(self.bindings.command(text), apart=True)
        return self.count(block, status == 0, text, f"it ended with {status}:\n{printed}")

    def command(self, block, at, text, first, behind):
        if self.bindings.unknown(text):
            return self.count(block, False, text, f"where does {self.bindings.unknown(text)} come from?")
        real = self.bindings.command(text)
        if real != text:
            self.edit(block, at, first, ["$ " + real.replace("\n", "\n> ")] if "\n" not in real else
                      ["$ " + line if i == 0 else line for i, line in enumerate(real.split("\n"))])
        if "endless" in block.marks:
            printed = self.session.run_until(real, lambda printed: self.matches(block, first, behind, printed))
        else:
            status, printed = self.session.run(real)
            if "output varies" in block.marks:
                self.count(block, status == 0, text, f"it ended with {status}:\n{printed}")
        if STARTS.search(real):
            session.wait_until(text, self.session.is_ready)
        if real.rstrip().endswith("&") and first < behind:
            printed = self.session.wait_for_output(lambda printed: self.matches(block, first, behind, printed))
        if READS.match(real):
            end = time.monotonic() + LATER_S
            while not self.matches(block, first, behind, printed) and time.monotonic() < end:
                time.sleep(0.2)
                printed = self.session.run(real)[1]
        self.compare(block, first, behind, text, printed)

    def expected(self, block, first, behind):
        return "\n".join(block.lines[first:behind])

    def matches(self, block, first, behind, printed):
        return "output varies" in block.marks or \
            self.bindings.match(self.expected(block, first, behind), printed, "numbers vary" in block.marks)

    def compare(self, block, first, behind, what, printed):
        expected = self.expected(block, first, behind)
        vary = "numbers vary" in block.marks
        held = self.matches(block, first, behind, printed)
        self.count(block, held, what, lambda: shown.difference(expected, printed, vary))
        if not held:
            self.bindings.align(expected, printed)
        if "..." not in expected and "output varies" not in block.marks:
            came = shown.tidy(printed, expected)
            self.edit(block, first, behind, came.split("\n") if came else [])

    def count(self, block, held, what, why):
        if held:
            self.passed += 1
            return
        why = why() if callable(why) else why
        self.failures.append(f"{self.path}:{block.line}: {what.strip()}\n{why}")

    def edit(self, block, first, behind, new):
        indent = " " * block.indent
        self.edits.append((block.line + first, block.line + behind, [indent + line if line else line for line in new]))

    def write(self):
        for first, behind, new in sorted(self.edits, key=lambda edit: edit[0], reverse=True):
            self.lines[first:behind] = new
        with open(os.path.join(self.root, self.path), "w") as out:
            out.write("\n".join(self.lines))


def list_blocks(root, paths):
    for path in paths:
        with open(os.path.join(root, path)) as text:
            for step in markdown.read(text.read()):
                if isinstance(step, markdown.Block):
                    what = " ".join(f"{verb} {words}".strip() for verb, words in step.marks.items())
                    what = what or ("data" if step.info in markdown.DATA else "run")
                    print(f"{path}:{step.line}: {what}")


def leave(number, _):
    session.leaving.set()
    raise SystemExit(128 + number)


def main():
    parser = argparse.ArgumentParser(prog="tests/docs/run.py", description="Runs what the pages show.")
    parser.add_argument("--write", action="store_true", help="put what came into the pages")
    parser.add_argument("--list", action="store_true", help="name each block and what is done with it")
    parser.add_argument("-v", action="store_true", help="keep the directory of the run, and say where it is")
    parser.add_argument("page", nargs="*")
    options = parser.parse_args()
    root = os.getcwd()
    paths = options.page or ["README.md", "CONTRIBUTING.md"] + sorted(glob.glob("docs/*.md"))
    if options.list:
        return list_blocks(root, paths)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    top = tempfile.mkdtemp(prefix="stockd-docs.")
    os.chmod(top, 0o755)
    pages = [Page(root, path, top) for path in paths]
    try:
        # Most of the time a page waits: for a deadline, a server, a load of a few seconds.
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for page in pool.map(Page.run, pages):
                print(f"{page.path}: {page.passed} passed, {len(page.failures)} failed, {page.skipped} skipped", flush=True)
    finally:
        if options.v:
            print("run in", top)
        else:
            shutil.rmtree(top, ignore_errors=True)
    for failure in (failure for page in pages for failure in page.failures):
        print("\n" + failure)
    if options.write:
        for page in pages:
            page.write()
    passed, failed = sum(page.passed for page in pages), sum(len(page.failures) for page in pages)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
