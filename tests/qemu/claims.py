"""tools/figures.py: each figure that it looks at is told of, with its line, as soon as it is another."""

import subprocess
import sys

from harness.machine import ROOT
from harness.suite import Case, Check

sys.path.insert(0, str(ROOT / "tools"))
import figures  # pylint: disable=wrong-import-position

LIST = "tools/figures.txt"


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def files():
    return subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.splitlines()


def told(changed, there):
    """What is told when these files have other texts."""
    return list(figures.wrong(lambda path: changed.get(path) or read(path), there))


def missed(there):
    """Each figure, one more than it is: those of which nothing is told, or not with the line."""
    for _, path, pattern, words in figures.rows(read(LIST)):
        text = read(path)
        for match in figures.places(text, pattern):
            figure = match[1]
            more = figure[:-1] + str((int(figure[-1]) + 1) % 10) if figure[-1].isdigit() else "99"
            other = text[:match.start(1)] + more + text[match.end(1):]
            line = other.count("\n", 0, match.start(1)) + 1
            found = told({LIST: f"{path}: {pattern} <- {words}", path: other}, there)
            if not any(complaint.startswith(f"{path}:{line}: {more}, but it is ") for complaint in found):
                yield f"{path}:{line}: {more} is not told of: {found}"


def run_figures(_case):
    there = files()
    unseen = list(missed(there))
    text = "some words here,\n * and {} KB more: four"
    made_up = {"a.h": text.replace("{}", "64"), "b.c": "enum { ROOM = 1 << SHIFT, SHIFT = 16 };"}

    def of_made_up(line):
        return told({**made_up, LIST: line}, there)

    good = of_made_up("a.h: here, and {} KB <- b.c ROOM / 1024\na.h: more: {} <- b.c SHIFT / 4")
    bad = [of_made_up(line) for line in ("a.h: here, and {} KB <- b.c ROOM", "a.h: more: {} <- b.c SHIFT",
                                         "a.h: elsewhere {} <- b.c SHIFT", "a.h: more: {} <- b.c GONE",
                                         "a.h: more: {} <- b.c /=(x)/", "a.h: more: {} <- gone.c SHIFT")]
    return [Check("every figure that is listed is told of when it is another", not unseen, "\n".join(unseen)),
            Check("words and ends of lines are read, names are calculated", not good, str(good)),
            Check("what is wrong, or gone, is told of", all(len(found) == 1 for found in bad), str(bad))]


def cases(tier):
    if tier == "fast":
        yield Case("claims", "figures", "x86_64", 1, run_figures, 0)
