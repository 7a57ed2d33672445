"""What each coroutine of an image can need of its stack. For tools/stackdepth.

These are apart from it because Python keeps modules compiled, and programs not."""

import os
import pickle
import sys

import callgraph
import depth
import linkage
import machinecode
import passed

BEGIN = "co_begin"
ADDED = "added to the need of what it starts"
HUGE = 1 << 40

NM, OBJDUMP = os.environ.get("NM", "nm").split(), os.environ.get("OBJDUMP", "objdump")


class Kernel:
    """What the kernel's files and those of the libraries say: the same for all applications."""

    def __init__(self, files):
        self.notes, self.units, self.libraries = depth.Notes(), [], []
        self.folder = None # of the library
        for path in files:
            if path.endswith(".o"):
                self.units.append(callgraph.Unit.read(path))
            elif path.endswith(".json"):
                self.folder = os.path.dirname(path)
                self.libraries += callgraph.unpack(path)
            else:
                self.notes.read(path)
        self.symbols = linkage.symbols(NM, *(unit.path for unit in self.units))

    def keep(self, path):
        with open(path, "wb") as file:
            pickle.dump(self.__dict__, file, 4)

    @staticmethod
    def kept(path):
        kernel = Kernel(())
        with open(path, "rb") as file:
            kernel.__dict__ = pickle.load(file)
        return kernel


class Image:
    def __init__(self, kernel, objects, sources, app, wrapped):
        self.kernel_notes, self.app_notes = kernel.notes, depth.Notes()
        self.library = kernel.folder
        for path in sources:
            self.app_notes.read(path)
        self.units = kernel.units + [callgraph.Unit.read(path) for path in objects]
        symbols = kernel.symbols + linkage.symbols(NM, *objects)
        self.graph = linkage.Graph(self.units, kernel.libraries, symbols, wrapped)
        self.app = {u for u in self.units if app and u.path.startswith(app.rstrip("/") + "/")}
        self.given = {} # {unit: what its functions pass}
        for unit in self.app:
            self.doubt(unit)
        self.share_notes()
        begin = [f for f in self.graph.named(BEGIN) if f.unit not in self.app]
        if len(begin) != 1:
            sys.exit(f"tools/stackdepth: no {BEGIN} in these files")
        self.begin = begin[0]

    @staticmethod
    def doubt(unit):
        """The functions of unit whose machine code does more than their report says."""
        report = unit.path[:-2] + ".ci"
        if os.path.exists(report):
            for name, why in machinecode.unexplained(OBJDUMP, unit.path, report,
                                                     unit.functions).items():
                unit.functions[name].why = unit.functions[name].why or why

    def share_notes(self):
        """The kernel's assembly is the application's to call, where it has none of that name."""
        own = {name for unit in self.app
               for name in (*unit.functions, *self.graph.unknown.get(unit, ()))}
        own |= {name for name, unit in self.graph.definer.items()
                if unit is None or unit in self.app}
        frames = {name: size for name, size in self.kernel_notes.frames.items() if name not in own}
        self.app_notes.frames = {**frames, **self.app_notes.frames}
        self.kernel_notes.and_pointers_of(self.app_notes)

    def notes(self, function):
        return self.app_notes if function.unit in self.app else self.kernel_notes

    def passed(self, function):
        unit = function.unit
        if unit not in self.given:
            self.given[unit] = passed.passed(OBJDUMP, unit.path, depth.PASSED)
        return self.given[unit].get(function.name, {})

    def entries(self):
        """The functions that a coroutine of the application may begin with."""
        found = set()
        for unit in self.app:
            names = set(unit.taken).union(*(f.taken for f in unit.functions.values()))
            found |= {self.graph.find(unit, name) for name in names}
        found.discard(None)
        found |= {f for unit in self.units for f in unit.functions.values() if self.starts(f)}
        return sorted((f for f in found if f.unit in self.units),
                      key=lambda f: (f.name, f.unit.path))

    def starts(self, function):
        """function calls what its starter was given."""
        return any("@started" in (self.notes(function).targets(p) or ()) for p in function.pointers)

    def need(self, *chain):
        """(bytes, path) of a coroutine that begins with the first of chain, which starts the next."""
        walk = depth.Walk(self.graph, self.notes, self.passed)
        walk.at_entry, walk.at_start = list(chain[:1]), list(chain[1:])
        return walk.need(self.begin)

    def extra(self, starter):
        """What starter adds to the need of a function it starts."""
        least, _ = self.need()
        alone, _ = self.need(starter)
        above, path = self.need(starter, callgraph.Function("...", HUGE))
        return max(above - HUGE - self.begin.frame, alone - least), path[1:-1]

    def results(self):
        """(Function, bytes or None, path, remark)"""
        for function in self.entries():
            try:
                if self.starts(function):
                    yield function, *self.extra(function), ADDED
                else:
                    yield function, *self.need(function), "bounded"
            except depth.Unbounded as e:
                yield function, None, e.path[1:], f"grows: {e.path[-1]} {e.why}"
