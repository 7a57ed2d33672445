#!/usr/bin/env -S python3 -S
"""The memory orders that the sources say, and where an image has them.

usage: tools/orders.py                    lists the places
       tools/orders.py --check            whether docs/orders.md has these places, and no others
       tools/orders.py --moved            has the table follow the sources, where lines have moved only
       tools/orders.py ELF PLACE[:ORDER]  WEAKEN= for the image: at PLACE, file:line, ORDER in place of
                                          the order that is written there

A place is where an order is written: memory_order_acquire and so on; or an atomic operation without one,
which is sequentially consistent. A signal fence is none: it is for the compiler, and between no two cores.
"""

import difflib
import functools
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = ("kernel", "sync", "debug", "drivers", "libc", "net")
TABLE = ROOT / "docs/orders.md"

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
CALL = re.compile(r"\b(?:__)?atomic_(\w+)\s*\(")
ORDER = re.compile(r"\b(?:memory_order_|__ATOMIC_)(relaxed|consume|acquire|release|acq_rel|seq_cst)\b",
                   re.IGNORECASE)
OPERATION = re.compile(r"^(load|store|exchange|compare_exchange|fetch_\w+?|\w+_fetch|thread_fence|signal_fence"
                       r"|test_and_set|clear|flag_\w+?)(_n|_strong|_weak)?(_explicit)?$")

# What an order is weakened to, one after the other: each is to be found.
WEAKER = {"acquire": ("relaxed",), "release": ("relaxed",), "acq_rel": ("acquire", "release"),
          "seq_cst": ("acq_rel",)}
ABOVE = 5  # lines: how far from an operation its comment may be
FAILING = 4  # arguments of a comparison come before the order that it has where it fails
NUMBERS = {"relaxed": 0, "consume": 1, "acquire": 2, "release": 3, "acq_rel": 4, "seq_cst": 5}


@dataclass(frozen=True)
class Place:
    """An order, and the operation that has it: from its first line to its last."""
    file: str
    line: int
    order: str
    operation: str
    first: int
    last: int
    which: int        # of a comparison's orders: 1 where it changes, 2 where it fails; 3: both
    text: str = field(compare=False, default="")  # of the line, by which it is known when lines move
    partner: str = field(compare=False, default="")

    @property
    def name(self):
        return f"{self.file}:{self.line}"

    @property
    def weaker(self):
        return WEAKER[self.order]


def blanked(text):
    """Without comments and strings, of the same length and lines."""
    return COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def closing(text, at):
    """Where the parenthesis at at is closed."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return len(text) - 1


def commas(text, start, at):
    """How many arguments of the call at start end before at."""
    depth = found = 0
    for char in text[start:at]:
        depth += (char == "(") - (char == ")")
        found += char == "," and depth == 1
    return found


def comments_of(raw):
    """(first line, last line, text) of each comment."""
    for comment in COMMENT.finditer(raw):
        if comment[0].startswith(("//", "/*")):
            first = raw.count("\n", 0, comment.start()) + 1
            yield (first, first + comment[0].count("\n"),
                   re.sub(r"\s*\n[ \t]*(\*|//)? *|\s+", " ", comment[0].strip("/* ")))


def partner_of(comments, order, first, last):
    """What the comment nearest to an operation says of its order: `acquire: with the release in f`."""
    near = sorted((c for c in comments if c[0] <= last and c[1] >= first - ABOVE),
                  key=lambda c: first - c[1] if c[1] < first else 0)
    for comment in near:
        said = re.search(rf"(?:^|[ (]){order}(?: and \w+|, here and in [^:]+)?: (.*?)(?=[.;)](?: |$)|$| \w+: )",
                         comment[2])
        if said:
            return re.sub(r"^with ", "", said[1].rstrip("."))
    return ""


def places_of(file):
    raw = (ROOT / file).read_text(encoding="utf-8")
    text, lines, found = blanked(raw), raw.splitlines(), []
    spans, comments = [], list(comments_of(raw))
    for call in CALL.finditer(text):
        kind = OPERATION.match(call[1])
        if kind:
            spans.append((call.start(), closing(text, call.end() - 1), kind[1],
                          bool(kind[3]) or call[0].startswith("__") or call[1].endswith("_fence")))

    def place(at, order, span):
        line = text.count("\n", 0, at) + 1
        first, last = (text.count("\n", 0, i) + 1 for i in span[:2])
        which = 3 if span[2] != "compare_exchange" or not span[3] else \
            2 if commas(text, span[0], at) >= FAILING else 1
        return Place(file, line, order, span[2], first, last, which, lines[line - 1].strip(),
                     partner_of(comments, order, first, last))

    for order in ORDER.finditer(text):
        around = [s for s in spans if s[0] <= order.start() <= s[1]]
        if order[1].lower() != "relaxed" and not any(s[2] == "signal_fence" for s in around):
            span = max(around) if around else (order.start(), order.start(), "none", True)
            found.append(place(order.start(), order[1].lower(), span))
    found += [place(span[0], "seq_cst", span) for span in spans if not span[3]]
    return found


@functools.cache
def places():
    """All of them, in the order of the files, but those that the simulation has no use for."""
    files = sorted(str(path.relative_to(ROOT)) for folder in FOLDERS for kind in ("*.c", "*.h", "*.cc")
                   for path in (ROOT / folder).rglob(kind) if "asan" not in path.parts)
    return [place for file in files
            for place in sorted(places_of(file), key=lambda p: (p.line, p.order))]


@functools.cache
def sites(elf):
    """{(file, line): return addresses}, of an image's atomic operations."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", elf], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    calls, called = [], False
    for line in text.splitlines():
        at = re.match(r"^ *([0-9a-f]+):\t(.*)$", line)
        if not at:
            continue
        if called:
            calls.append(int(at[1], 16))
        called = re.match(r"call\w* .*<__tsan_atomic", at[2])
    text = subprocess.run(["addr2line", "-e", elf], check=True, text=True, stdout=subprocess.PIPE,
                          input="".join(f"{call - 1:x}\n" for call in calls)).stdout
    found = {}
    for call, where in zip(calls, text.splitlines()):
        at = re.match(r"^(?:\./)*(.*):(\d+)", where)
        if at:
            found.setdefault((at[1], int(at[2])), []).append(call)
    return found


def addresses(elf, place):
    return sorted(call for (file, line), calls in sites(elf).items()
                  if file == place.file and place.first <= line <= place.last for call in calls)


def weaken(elf, place, order):
    """The option of the image."""
    found = addresses(elf, place)
    if not found:
        return ""
    return ":".join([f"{NUMBERS[place.order]}", f"{NUMBERS[order]}", f"{place.which}", *(f"{at:x}" for at in found)])


def option(elf, said):
    """The same for what a person says, file:line[:order]; None: there is no such place."""
    if said in ("", "list") or re.search(r"^\d+:\d+:\d+(:[\da-f]+)+$", said): # what an image takes
        return said
    words = re.search(r"^(.*?:\d+)(?::(.+))?$", said)
    if not words:
        print(f"WEAKEN={said}: FILE:LINE[:ORDER] is wanted", file=sys.stderr)
        return None
    name, order = words.groups()
    if order and order not in NUMBERS:
        print(f"WEAKEN={said}: ORDER is one of {', '.join(NUMBERS)}", file=sys.stderr)
        return None
    for place in places():
        if place.name == name and (order in NUMBERS if order else place.weaker):
            found = weaken(elf, place, order or place.weaker[0])
            if found:
                return found
    print(f"WEAKEN={said}: this image has no such order there", file=sys.stderr)
    return None


# ---- The table ---------------------------------------------------------------------------------

ROW = re.compile(r"^\| `?([\w/.-]+:\d+)`? \| (\w+) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)


def rows():
    """What docs/orders.md has: (file:line, order, partner, caught by, runs)."""
    return ROW.findall(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else []


def check():
    """Whether the table has the orders of the sources, file by file; lines may have moved."""
    written = [(row[0].split(":")[0], row[1]) for row in rows()]
    found = [(place.file, place.order) for place in places()]
    for what, some, others in (("is not in docs/orders.md", found, written),
                               ("is in docs/orders.md, but not in the sources", written, found)):
        for row in sorted({row for row in some if some.count(row) > others.count(row)}):
            print(f"{row[0]}: {row[1]} {what}")
    if sorted(written) != sorted(found):
        print("tools/orders.py --moved has it follow what has moved; make orders UPDATE=1 looks for what "
              "catches what is new")
    return int(sorted(written) != sorted(found))


def moved():
    """The table's rows for the places as they are now; `no: ?` is what is not known of a new one."""
    old, new = rows(), places()
    known = {}
    pairs = difflib.SequenceMatcher(None, [(pathlib.Path(row[0]).name.split(":")[0], row[1]) for row in old],
                                    [(pathlib.Path(p.file).name, p.order) for p in new], autojunk=False)
    for match in pairs.get_matching_blocks():
        for i in range(match.size):
            known[match.b + i] = old[match.a + i]
    return [(place, *(known[i][3:] if i in known else ("no: ?", "-"))) for i, place in enumerate(new)]


def write(head, caught):
    """The table: of each place, by what it is caught, in how many runs."""
    good = sum(not by.startswith("no: ") for _, by, _ in caught)
    lines = [head, f"{good} of {len(caught)} are caught.\n",
             "| place | order | partner | caught by | runs |", "|---|---|---|---|---:|"]
    lines += [f"| {place.name} | {place.order} | {place.partner} | {by} | {runs} |"
              for place, by, runs in caught]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    if len(sys.argv) == 1:
        for place in places():
            print(f"{place.name} {place.order} {place.operation}")
        return 0
    if sys.argv[1:] == ["--check"]:
        return check()
    if sys.argv[1:] == ["--moved"]:
        write(re.split(r"^\d+ of \d+ ", TABLE.read_text(encoding="utf-8"), flags=re.MULTILINE)[0].rstrip("\n") + "\n",
              moved())
        return 0
    if len(sys.argv) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    found = option(*sys.argv[1:])
    if found is None:
        return 2
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
