"""How deep the stack of a coroutine can get, by walking a call graph. For tools/stackdepth."""

import re

NOTE = re.compile(r"\bdepth: (\w+) (.*?)\s*(?:\*/)?$")
KINDS = ("pointer", "ends", "frame", "never", "after")

# Who is given a function to call: at the end of the coroutine, or before returning. The argument.
DEFER = {"go_defer": 0, "co_defer": 1}
PASSED = {"once_do": 1, **DEFER}


class Notes:
    """What the sources say about themselves; tools/stackdepth --help explains the kinds. The kernel's
    speak of the kernel and its libraries only: a program may have files and functions of the same
    names. A program's speak of all pointers, and otherwise of the program."""

    def __init__(self):
        self.pointers, self.ends, self.frames, self.never, self.after = [], set(), {}, {}, {}

    def and_pointers_of(self, other):
        self.pointers = self.pointers + other.pointers

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if "depth: " not in text:
            return
        for line in text.splitlines():
            note = NOTE.search(line)
            if note and note.group(1) in KINDS:
                try:
                    self.add(note.group(1), note.group(2))
                except ValueError:
                    raise SystemExit(f"{path}: what does this note mean? {line.strip()}") from None

    def add(self, kind, rest):
        what, _, names = rest.rpartition(" : ")
        names = names.split()
        if kind == "pointer":
            file, text = what.split(None, 1)
            self.pointers.append((file, text, names))
        elif kind == "ends":
            self.ends.update(names)
        elif kind == "frame":
            name, size = names
            self.frames[name] = int(size)
        elif kind == "never":
            for below in names:
                self.never.setdefault(below, set()).add(what)
        else:
            self.after.setdefault(what, set()).update(names)

    def targets(self, place):
        """Whom the call through a pointer at place may reach: names, or None when nobody says."""
        file, text = place
        found = [names for f, t, names in self.pointers if file.endswith(f) and t in text]
        return [name for names in found for name in names] if found else None


class Unbounded(Exception):
    """Why there is no bound, and the functions from the first down to where it is lost."""

    def __init__(self, why, path=()):
        super().__init__(why)
        self.why, self.path = why, tuple(path)


class Walk:
    """The walk over all that a coroutine with one entry function can call."""

    def __init__(self, graph, notes, passed):
        self.graph = graph
        self.notes = notes        # of a Function: the notes that speak of it
        self.passed = passed      # of a Function: {callee: the functions it passes, or None}
        self.at_entry = []        # whom the first function calls
        self.at_start = []        # whom a starter calls
        self.deferred = frozenset() # what may run at the end
        self.reached = set()      # names

    def need(self, first):
        """(bytes, path) from first down. What is deferred, and what is only called after something
        else, is known when all that is reached is: so until nothing new turns up."""
        while True:
            before = self.deferred, self.reached
            self.found, self.memo, self.active = set(), {}, set()
            self.reached = set(before[1])
            result = self.walk(first, frozenset(), frozenset())
            self.deferred |= self.found
            if (self.deferred, self.reached) == before:
                return result

    def walk(self, function, barred, given):
        """barred: who is never called from here on; given: the functions passed to this one."""
        key = (function, barred, given)
        if key in self.memo:
            return self.memo[key]
        if key in self.active:
            raise Unbounded("is recursive", [function.name])
        self.reached.add(function.name)
        deepest, notes = (0, ()), self.notes(function)
        if function.name not in notes.ends:
            if function.why:
                raise Unbounded(function.why, [function.name])
            self.active.add(key)
            barred |= notes.never.get(function.name.split(".")[0], frozenset())
            try:
                for below in self.below(function, barred, given):
                    deepest = max(deepest, below, key=lambda b: b[0])
            except Unbounded as e:
                raise Unbounded(e.why, (function.name,) + e.path) from None
            self.active.remove(key)
        # A frame is gone when the last thing that its function does is a jump.
        size, path = deepest
        if size >= function.frame:
            result = size, path
        else:
            result = function.frame, ((function.name, function.frame),)
        self.memo[key] = result
        return result

    def below(self, function, barred, given):
        """(bytes, path) of every call, with the function's frame where it still is there."""
        after = self.notes(function).after
        for name, returns in sorted(function.calls.items()):
            if name.split(".")[0] in barred:
                continue
            if name in after and not after[name] & self.reached:
                continue
            size, path = self.call(function, name, barred)
            frame = function.frame if returns else 0
            yield frame + size, ((function.name, frame),) + path
        for place in sorted(function.pointers):
            for target in self.through(function, place, given):
                if target.name.split(".")[0] in barred:
                    continue
                size, path = self.walk(target, barred, frozenset())
                yield function.frame + size, ((function.name, function.frame),) + path

    def call(self, function, name, barred):
        self.reached.add(name)
        given = frozenset()
        if name in PASSED:
            given = self.given(function, name)
        callee = self.graph.find(function.unit, name)
        if callee:
            return self.walk(callee, barred, given)
        notes = self.notes(function)
        if name in notes.frames:
            return notes.frames[name], ((name, notes.frames[name]),)
        if name in notes.ends:
            return 0, ()
        raise Unbounded("is not known: it has no report and no note", [name])

    def given(self, function, callee):
        names = self.passed(function).get(callee)
        if names is None:
            raise Unbounded(f"gives {callee} a function that is not known here")
        functions = {self.graph.find(function.unit, name) for name in names}
        if None in functions:
            raise Unbounded(f"gives {callee} a function that has no report")
        if callee in DEFER:
            self.found |= functions
        return frozenset(functions)

    def through(self, function, place, given):
        names = self.notes(function).targets(place)
        if names is None:
            raise Unbounded("calls through a pointer: " + ": ".join(place))
        for name in names:
            if name == "@entry":
                yield from self.at_entry
            elif name == "@started":
                yield from self.at_start
            elif name == "@deferred":
                yield from sorted(self.deferred, key=lambda f: (f.unit.path, f.name))
            elif name == "@passed":
                yield from sorted(given, key=lambda f: (f.unit.path, f.name))
            elif name != "@nothing":
                targets = self.graph.named(name)
                if not targets:
                    raise SystemExit(f"a note names {name}, which is no function of this image")
                if any(target.name in PASSED for target in targets):
                    raise Unbounded(f"may reach {name}, and with what is not known")
                yield from targets
