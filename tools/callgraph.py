"""The call graph of an image, from what the compilers report (-fcallgraph-info=su,da), from the
relocations of the objects, and from notes in the sources. For tools/stackdepth, which says what the
notes mean."""

import functools
import json
import os
import re

import objfile

NODE = re.compile(r'node: \{ title: "([^"]*)" label: "([^"]*)"( shape : ellipse)? \}')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"(?: label: "([^"]*)")? \}')
FRAME = re.compile(r"(\d+) bytes \(([a-z,]+)\)")
INDIRECT = "__indirect_call"


class Function:
    """One function: what its frame takes, and whom it calls."""

    def __init__(self, name, frame, why=None, calls=None, pointers=()):
        self.name, self.frame = name, frame
        self.why = why # a reason why its frame has no bound, or None
        self.calls = calls or {} # {symbol: it comes back; False: a jump, and the frame is gone}
        self.pointers = {tuple(p) for p in pointers} # (file, the line's text): calls through them
        self.taken = set() # symbols whose address it takes
        self.unit = None

    def packed(self):
        return [self.frame, self.why, self.calls, sorted(self.pointers)]


@functools.lru_cache
def lines_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def source_line(place, folder):
    """(file, text) of "file:line:column"; folder is where the compiler ran."""
    file, line, _ = place.rsplit(":", 2)
    lines, at = lines_of(os.path.join(folder, file)), int(line) - 1
    text = lines[at].strip() if at < len(lines) else f"line {line}"
    return os.path.normpath(file).split("/src/")[-1], text # of newlib: without where it was built


def symbol(title):
    """The symbol behind a title: those of static functions have their file before a colon."""
    return title.rsplit(":", 1)[-1]


def read_report(text, folder):
    """{symbol: Function} of one .ci file; folder is where the compiler ran."""
    functions = {}
    for title, label, outside in NODE.findall(text):
        if outside or title == INDIRECT:
            continue
        size, kind = FRAME.search(label).groups()
        why = None if kind in ("static", "dynamic,bounded") else "has a frame that varies"
        functions[symbol(title)] = Function(symbol(title), int(size), why)
    for caller, callee, place in EDGE.findall(text):
        function = functions[symbol(caller)]
        if callee == INDIRECT:
            function.pointers.add(source_line(place, folder) if place else ("?", "?"))
        else:
            function.calls[symbol(callee)] = True
    return functions


class Unit:
    """An object: its functions by symbol, and which symbols are its own. taken: its data points at
    them; places: {symbol: (section, offset)}."""

    def __init__(self, path, functions=None, local=()):
        self.path, self.functions, self.local = path, functions or {}, set(local)
        self.taken, self.places = set(), {}
        for function in self.functions.values():
            function.unit = self

    @staticmethod
    def read(path, folder="."):
        """Of an object with its report beside it; one of assembly has none."""
        with open(path, "rb") as file:
            obj = objfile.Object(file.read())
        report = re.sub(r"\.o$", ".ci", path)
        functions = {}
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                functions = read_report(file.read(), folder)
        for name, function in functions.items():
            for callee, returns in obj.branches.get(name, {}).items():
                function.calls[callee] = returns
            function.taken = obj.taken.get(name, set())
            function.frame += obj.uncounted.get(name, 0)
        by_place = {obj.places[name]: name for name in functions if name in obj.places}
        for name, place in obj.places.items():
            if place in by_place:
                functions[name] = functions[by_place[place]] # another name of it
        unit = Unit(path, functions, obj.local & set(functions))
        unit.taken, unit.places = obj.taken.get(None, set()), obj.places
        return unit


def pack(folder):
    """What matters of a library whose objects and reports are below folder, as text."""
    units = []
    for at, folders, files in os.walk(folder):
        folders.sort()
        units += [Unit.read(os.path.join(at, name[:-3] + ".o"), at) for name in sorted(files)
                  if name.endswith(".ci") and name[:-3] + ".o" in files]
    return json.dumps([[os.path.basename(u.path), {n: f.packed() for n, f in u.functions.items()},
                        sorted(u.local)] for u in units], separators=(",", ":"))


def unpack(path):
    with open(path, encoding="utf-8") as file:
        return [Unit(name, {n: Function(n, *f) for n, f in functions.items()}, local)
                for name, functions, local in json.load(file)]


class Graph:
    """All units of a link: those of objects come before those of libraries, as for the linker."""

    def __init__(self, units, libraries=()):
        self.units = units
        self.globals = {}
        for unit in list(units) + list(libraries):
            for name, function in unit.functions.items():
                if name not in unit.local:
                    self.globals.setdefault(name, function)

    def find(self, unit, name):
        """What name means in unit."""
        if unit and name in unit.local:
            return unit.functions[name]
        return self.globals.get(name)

    def named(self, name):
        """The functions that a note calls name: a symbol, or FILE:SYMBOL for one of a file's own.
        A copy that the compiler has made for some callers has a suffix, and goes with them."""
        file, _, name = name.rpartition(":")
        found = []
        for unit in self.units:
            if not file or unit.path.endswith(f"{file}.o"):
                found += [f for n, f in unit.functions.items() if n.split(".")[0] == name]
        if not found and name in self.globals:
            found.append(self.globals[name])
        return found
