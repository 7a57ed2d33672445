"""Which function a name means, as the linker has it. For tools/stackdepth.

A name that somebody defines without a report (assembly, an ifunc, a library of the program's) means
nothing that is known here; so does one whose definition the linker took from elsewhere."""

import bisect
import functools
import os
import subprocess

import callgraph

DEFINED = "TtWwViu" # nm's letters for code
GLOBAL, WEAK = "TWViu", "WV"


def symbols(nm, *files):
    """[(file, letter, name)] of all code in files; nm: the words of its command."""
    if not files:
        return []
    text = subprocess.run([*nm, "--defined-only", "--print-file-name", *files], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    found = []
    for line in text.splitlines():
        file, letter, name = line.rsplit(None, 2)
        if letter in DEFINED:
            found.append((file.rpartition(":")[0], letter, name))
    return found


def linked_symbols(path):
    """[(address, letter, name)] of all code in what nm has printed of an image."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return [(int(address, 16), letter, name) for address, letter, name in lines if letter in DEFINED]


def addresses(path):
    """{(object, section): address} of the sections in the linker's map."""
    found, words = {}, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            # A long name has a line of its own before its address, size and file.
            words = line.split() if line.startswith(" .") else words + line.split()
            if len(words) == 4 and words[0].startswith(".text") and words[1].startswith("0x"):
                found[words[3], words[0]] = int(words[1], 16)
                words = []
            elif len(words) != 1:
                words = []
    return found


class Graph(callgraph.Graph):
    """All units of a link, in its order: of a name's definitions the first strong one counts, then
    the first weak one, then a library's."""

    def __init__(self, units, libraries, defined, wrapped):
        """defined: of the units, what symbols() says."""
        super().__init__([], libraries)
        self.units, self.wrapped = list(units), set(wrapped)
        self.unknown = {} # {unit: names of its own that have no report}
        self.weak, self.defined = set(), set()
        self.definer = {} # {name: the unit; None: not where we think}
        by_path = {unit.path: unit for unit in units}
        for file, letter, name in defined:
            unit = by_path.get(file)
            if unit and letter in GLOBAL:
                self.define(unit, name, letter in WEAK)
            elif unit and name not in unit.functions:
                self.unknown.setdefault(unit, set()).add(name)

    def define(self, unit, name, weak):
        if name not in self.defined or (name in self.weak and not weak):
            self.globals[name] = unit.functions.get(name)
            self.definer[name] = unit
            (self.weak.add if weak else self.weak.discard)(name)
        self.defined.add(name)

    def check(self, linked, places, folder):
        """Forgets what the linker has not taken from where we think. linked: the image's symbols; folder
        is the library's."""
        sections = sorted((at, file) for (file, _), at in places.items() if at)
        for address, letter, name in linked:
            function = self.globals.get(name) if letter in GLOBAL else None
            if not function:
                continue
            if function.unit in self.units:
                section, offset = function.unit.places.get(name, (None, 0))
                right = places.get((function.unit.path, section), -1 - offset) + offset == address
            else:
                at = bisect.bisect_right(sections, (address, "\x7f")) - 1
                right = at >= 0 and sections[at][1].startswith(folder + os.sep)
            if not right:
                self.globals[name] = self.definer[name] = None

    def find(self, unit, name):
        if unit and name in unit.local:
            return unit.functions[name]
        if name in self.unknown.get(unit, ()):
            return None
        if name in self.wrapped and not (unit and name in unit.functions):
            return self.globals.get(f"__wrap_{name}")
        if f"__wrap_{name}" in self.defined:
            return None # perhaps the linker was told in words that are not understood here
        if name.startswith("__real_") and name[7:] in self.wrapped:
            return self.globals.get(name[7:])
        return self.globals.get(name)

    @functools.cached_property
    def by_name(self):
        """{name without a copy's suffix: [(unit, function)]}: notes ask for a hundred names."""
        found = {}
        for unit in self.units:
            for name, function in unit.functions.items():
                found.setdefault(name.split(".")[0], []).append((unit, function))
        return found

    def named(self, name):
        """As of a graph without a linker, but for what has no report."""
        file, _, name = name.rpartition(":")
        found = [function for unit, function in self.by_name.get(name, ())
                 if not file or unit.path.endswith(f"{file}.o")] or [self.globals.get(name)]
        return [function for function in found if function]
