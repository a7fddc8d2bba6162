"""A page as its test sees it: fenced blocks, and the marks that stand in comments before them.

A mark is an HTML comment, `<!-- docs-test: VERB ... -->`, so it does not show when the page is rendered. Some are
steps of their own and are carried out where they stand; the others say how the next block is to be taken.
CONTRIBUTING.md has the list. What is misspelt, or stands before no block, is refused with its line.
"""
import re

STEPS = ("service", "no service", "redis", "postgres", "run")
OF_BLOCKS = ("skip because", "file", "endless", "numbers vary", "output varies", "printed by the service",
             "through faults")
NEED_WORDS = ("skip because", "file", "run")

SHELL = ("", "sh", "bash", "shell", "console")
PROGRAMS = {"python": "python3", "py": "python3", "js": "node", "javascript": "node"}
# What is shown and not typed. An empty info string is none of these: such a block is run.
DATA = ("text", "json", "yaml", "ini", "conf", "xml", "html", "sql", "c", "diff", "logfmt", "make", "toml", "css")


class Wrong(Exception):
    """A page that cannot be read; the text says where and why."""


class Step:
    """A mark that is carried out where it stands."""

    def __init__(self, line, verb, words):
        self.line, self.verb, self.words = line, verb, words


class Block:
    """A fenced block. `line` is that of its fence, counted from 1; `lines` what is in it, without indentation."""

    def __init__(self, line, info, indent, marks):
        self.line, self.info, self.indent, self.marks = line, info, indent, marks
        self.lines = []

    def text(self):
        return "".join(line + "\n" for line in self.lines)

    def commands(self):
        """[(offset of first line, command, first line of what it prints, line behind that)] of a block with prompts."""
        found, i = [], 0
        while i < len(self.lines):
            if not self.lines[i].startswith("$ "):
                i += 1
                continue
            start, command = i, [self.lines[i][2:]]
            i += 1
            while i < len(self.lines) and (command[-1].endswith("\\") or self.lines[i].startswith("> ")):
                line = self.lines[i]
                command.append(line[2:] if line.startswith("> ") else line)
                i += 1
            first = i
            while i < len(self.lines) and not self.lines[i].startswith("$ "):
                i += 1
            behind = i
            while behind > first and not self.lines[behind - 1].strip():
                behind -= 1
            found.append((start, "\n".join(command), first, behind))
        return found


def read_mark(text, line):
    for verb in sorted(STEPS + OF_BLOCKS, key=len, reverse=True):
        if text == verb or text.startswith((verb + " ", verb + "\n")):
            words = text[len(verb):].strip()
            if verb in NEED_WORDS and not words:
                raise Wrong(f"{line}: \"{verb}\" says nothing more")
            return verb, words
    raise Wrong(f"{line}: \"{text}\" is no mark; there are: {', '.join(STEPS + OF_BLOCKS)}")


def read(text):
    """The steps and blocks of a page, in order."""
    lines, found, marks, i = text.split("\n"), [], {}, 0
    while i < len(lines):
        line, at = lines[i], i + 1
        fence = re.match(r"( *)(`{3,}|~{3,})\s*([^\s`]*)[^`]*$", line)
        mark = re.match(r"\s*<!-- docs-test:\s*(.*)", line)
        i += 1
        if fence:
            indent, ticks, info = fence.groups()
            block = Block(at, info.lower(), len(indent), marks)
            while i < len(lines) and not re.match(rf" *{ticks[0]}{{{len(ticks)},}}\s*$", lines[i]):
                cut = len(lines[i]) - len(lines[i].lstrip(" "))
                block.lines.append(lines[i][min(cut, len(indent)):])
                i += 1
            if i == len(lines):
                raise Wrong(f"{at}: a block without an end")
            if block.info not in SHELL + DATA and block.info not in PROGRAMS:
                raise Wrong(f"{at}: what is a block of \"{block.info}\"? Known are {', '.join(SHELL[1:] + DATA)}, "
                            f"{', '.join(PROGRAMS)}")
            found.append(block)
            marks, i = {}, i + 1
        elif mark:
            body = mark.group(1)
            while "-->" not in body:
                if i == len(lines):
                    raise Wrong(f"{at}: a comment without an end")
                body += "\n" + lines[i]
                i += 1
            verb, words = read_mark(body.split("-->")[0].strip(), at)
            if verb in STEPS:
                found.append(Step(at, verb, words))
            else:
                marks[verb] = words
        elif line.strip() and marks:
            raise Wrong(f"{at}: a mark stands before this text and not before a block")
    if marks:
        raise Wrong("the last mark stands before no block")
    return found
