#!/usr/bin/env -S python3 -S
"""Schedules of the simulated machine, in files that outlive a change of the program.

usage: tools/schedule.py ELF APP FILE    SCHEDULE= for the image, which is APP, of the schedule in FILE

tools/explore writes such a file when a run has failed. It is JSON. Each event of the schedule has a line: which
coroutine, by the call that has started it and those that have started its starters; at which operation, and the
how many-th time; and what happens there. An operation is said by functions and the text of their lines, not by
numbers, so a change elsewhere in the program leaves it what it is. arch/sim/point.c knows addresses in place of these.
"""

import functools
import json
import pathlib
import re
import subprocess
import sys

KINDS = ("goes-to", "interrupt", "time-passes", "again", "rings", "card", "older", "wire", "fails")
CORE = re.compile(r"^core (\d+)$")


def run(*command, text=""):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, input=text).stdout


class Image:
    """Names of an image's calls, and calls by their names. An address is where a call returns to."""

    def __init__(self, elf, app):
        self.elf = elf
        # Sources of the program, if it is not in this tree, have names from here.
        self.sources = pathlib.Path(app).resolve().parent
        self.symbols = []  # (name, first address, the one behind the last)
        for line in run("nm", "--plugin", "/dev/null", "-S", elf).splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in "tTwW":
                self.symbols.append((words[3], int(words[0], 16), int(words[0], 16) + int(words[1], 16)))
        self.calls_of = functools.cache(self.calls_of)
        self.lines_of = functools.cache(self.lines_of)

    def lines_of(self, file):
        for path in pathlib.Path(file), self.sources / file:
            try:
                return path.read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                pass
        return []

    def named(self, addresses):
        """{address: its functions from the outermost on, each with the text of its line}."""
        found, address, frames = {}, None, []
        text = run("addr2line", "-a", "-i", "-f", "-e", self.elf, text="".join(f"{a - 1:x}\n" for a in addresses))
        for line in [*text.splitlines(), "0x0"]:
            if line.startswith("0x"):
                if address:
                    found[address] = tuple(frames[::-1])
                address, frames, function = int(line, 16) + 1, [], None
            elif function is None:
                function = line
            else:
                where = re.match(r"^(.*?):(\d+)", line)
                source = self.lines_of(where[1]) if where else []
                at = int(where[2]) if where else 0
                said = re.sub(r"\s+", " ", source[at - 1]).strip() if 0 < at <= len(source) else ""
                frames.append(f"{function}: {said}")
                function = None
        return found

    def calls_of(self, name):
        """(address, what is called, its functions) of each call in the functions that are name, or a part of it."""
        calls = []
        for symbol, first, end in self.symbols:
            if symbol.split(".")[0] != name:
                continue
            called = None
            for line in run("objdump", "-d", "--no-show-raw-insn", f"--start-address={first}",
                            f"--stop-address={end + 1}", self.elf).splitlines():
                at = re.match(r"^ *([0-9a-f]+):\t(.*)$", line)
                if at and called is not None:
                    calls.append((int(at[1], 16), called))
                called = at and re.match(r"call\w* +(?:[^<]*<([^>+.]*))?", at[2])
                called = called and (called[1] or "")
        names = self.named([address for address, _ in calls]) if calls else {}
        return [(address, called, names.get(address, ())) for address, called in sorted(calls)]

    def symbol_at(self, address):
        return next((s.split(".")[0] for s, first, end in self.symbols if first < address <= end), "?")

    def name_of(self, address):
        """[functions from the outermost on, what is called, which of several that are the same]."""
        alike = []
        calls = self.calls_of(self.symbol_at(address))
        for at, called, names in calls:
            if at == address:
                alike = [c[0] for c in calls if c[1:] == (called, names)]
                return [*names, called, alike.index(at) + 1]
        return [f"{self.symbol_at(address)}: ?", "", 1]

    def find(self, name):
        """The address of what name_of has said; 0: there is no such call."""
        *names, called, which = name
        function = names[0].split(":")[0]
        alike = [c[0] for c in self.calls_of(function) if c[1:] == (called, tuple(names))]
        if not alike:  # the compiler has put it elsewhere
            inner = names[-1].split(":")[0]
            alike = [c[0] for name in {function, inner} for c in self.calls_of(name)
                     if c[1] == called and c[2] and c[2][-1] == names[-1]]
        return alike[min(which, len(alike)) - 1] if alike else 0


# ---- What the image says, and what a file does -------------------------------------------------------

def coroutine_of(image, path):
    """["main's", [call, nth] for each that has started the next], of a path; or None."""
    if path == "-":
        return None
    root, *steps = path.split("/")
    first = f"core {root[1:]}" if root[0] == "c" else f"coroutine {root[1:]}"
    return [first, *([image.name_of(int(site, 16)) if int(site, 16) else None, int(nth)]
                     for site, nth in (step.split(".") for step in steps))]


def path_of(image, coroutine, lost):
    if coroutine is None:
        return "-"
    first, *steps = coroutine
    core = CORE.match(first)
    path = [f"c{core[1]}" if core else f"i{first.split()[-1]}"]
    path += [f"{place_of(image, call, lost):x}.{nth}" for call, nth in steps]
    return "/".join(path)


def place_of(image, name, lost):
    found = image.find(name) if name else 0
    if name and not found:
        lost.append(name[-3] if len(name) > 2 else "?")
    return found


def write(elf, app, file, points, about):
    """points: what the image has said of each event, behind its =."""
    image, events = Image(elf, app), []
    for point in points:
        kind, core, to, nth, place, in_app, who, target = point.split()
        event = {"does": KINDS[int(kind)], "core": int(core), "to": int(to), "nth": int(nth)}
        if KINDS[int(kind)] != "wire":
            event["who"] = coroutine_of(image, who)
            event["in"] = image.name_of(int(in_app, 16)) if in_app != "0" else None
            event["at"] = None if in_app == place else image.name_of(int(place, 16))
            event["goes"] = coroutine_of(image, target)
        events.append(event)
    head = json.dumps(about, ensure_ascii=False)[1:-1]
    lines = ",\n ".join(json.dumps(event, ensure_ascii=False) for event in events)
    text = f'{{{head}, "events": [\n {lines}\n]}}\n'
    pathlib.Path(file).write_text(text, encoding="utf-8")


def read(elf, app, file):
    """SCHEDULE= for the image, and what of it the image does not have."""
    image, lost = Image(elf, app), []
    with open(file, encoding="utf-8") as opened:
        kept = json.load(opened)
    words = [f"{int(kept['weight'])} {int(kept['random'])}"]
    for event in kept["events"]:
        place, in_app, who, target, gone = 0, 0, "-", "-", []
        if event["does"] != "wire":
            in_app = place_of(image, event["in"], gone)
            place = place_of(image, event["at"], gone) if event["at"] else in_app
            who, target = path_of(image, event["who"], gone), path_of(image, event["goes"], [])
        if gone:
            lost += gone
            continue
        words.append(f"{KINDS.index(event['does'])} {int(event['core'])} {int(event['to'])} {int(event['nth'])} "
                     f"{place:x} {in_app:x} {who} {target}")
    return ";".join(words), lost


def main():
    if len(sys.argv) != 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    elf, app, file = sys.argv[1:]
    try:
        schedule, lost = read(elf, app, file)
    except OSError as error:
        print(f"SCHEDULE={file}: {error.strerror}", file=sys.stderr)
        return 2
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        print(f"SCHEDULE={file}: this is no schedule that make explore has written", file=sys.stderr)
        return 2
    for name in dict.fromkeys(lost):
        print(f"SCHEDULE={file}: the program has no longer: {name}", file=sys.stderr)
    print(schedule)
    return 0


if __name__ == "__main__":
    sys.exit(main())
