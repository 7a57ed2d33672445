"""Commands inside gdb for Vole's coroutines: make gdb reads this file (see qemu/vole.gdb).

They read the kernel in memory, so they work with every stub, and with the host port and ARCH=sim, where
gdb itself knows no more threads than the system."""

import collections
import fnmatch
import os
import sys

import gdb # pylint: disable=import-error # gdb's own
import gdb.unwinder # pylint: disable=import-error

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

# pylint: disable=wrong-import-position
import printers
from objects import LONG, Chan, Cores, Groups, Runq, Timers
from session import SESSION, Command, behind_proxy
from visit import Outermost, visit


def function_of(kernel, co):
    return kernel.elf.functions.get(co.fn, f"{co.fn:#x}")


def id_of(text):
    if not text.isdigit():
        raise gdb.GdbError(f"{text}: the id of a coroutine is wanted, as co prints it")
    return int(text)


class Co(Command):
    """Coroutines.
co                         all, a line each
co -waiting                those that wait; so -running, -runnable, -preempted
co -name PATTERN           whose name is like this (a shell's pattern)
co -on PATTERN             that wait for this: 'mutex*', '*0x1234'
co -group function         how many there are by the function that they began in
co -group state|wait       by state, or by what they wait for
co -most N                 N lines at most (200; 0: all)
co ... -each COMMAND       runs a command of gdb in each: co -name 'worker*' -each bt
co ID [COMMAND]            selects its thread; then, or instead, runs a command of gdb there
The filters go together, and with -group."""

    name = "co"
    STATES = ("waiting", "running", "runnable", "preempted")

    def run(self, words, text):
        kernel = SESSION.get()
        if words and words[0].isdigit():
            visit(kernel, int(words[0]), text.split(None, 1)[1] if len(words) > 1 else None)
            return
        tests, group, most, each = [], None, 200, None
        while words:
            word = words.pop(0)
            if word[:1] == "-" and word[1:] in self.STATES:
                tests.append(lambda co, state=word[1:]: kernel.state(co) == state)
                continue
            if word == "-each" and words:
                each = text.partition("-each ")[2]
                break
            if word not in ("-name", "-on", "-group", "-most", "-each"):
                raise gdb.GdbError(f"co {word}: not known; help co")
            if not words:
                raise gdb.GdbError(f"co {word}: a word is missing; help co")
            value = words.pop(0)
            if word == "-name":
                tests.append(lambda co, like=value: fnmatch.fnmatchcase(kernel.name(co), like))
            elif word == "-on":
                tests.append(lambda co, like=value: kernel.waits(co)
                             and fnmatch.fnmatchcase(kernel.what(co), like))
            elif word == "-most":
                most = id_of(value)
            elif value not in ("function", "state", "wait"):
                raise gdb.GdbError(f"co -group {value}: function, state or wait is wanted")
            else:
                group = value
        found = [co for co in kernel.coroutines() if all(test(co) for test in tests)]
        if group:
            self.groups(kernel, found, group)
            return
        found.sort(key=lambda co: co.id)
        shown = found[:most] if most else found
        if each:
            thread = gdb.selected_thread()
            for co in shown:
                visit(kernel, co.id, each)
            if thread and thread.is_valid():
                thread.switch()
            return
        print("\n".join(kernel.line(co) for co in shown) or "no coroutine")
        if len(found) > len(shown):
            print(f"and {len(found) - len(shown)} more: co -most 0, or co -group function|state|wait")

    @staticmethod
    def groups(kernel, found, group):
        word = {"function": lambda co: function_of(kernel, co), "state": kernel.state,
                "wait": lambda co: kernel.what(co) if kernel.waits(co) else kernel.state(co)}[group]
        groups = collections.defaultdict(list)
        for co in found:
            groups[word(co)].append(co.id)
        for key, ids in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
            some = sorted(ids)[:LONG]
            print(f"{len(ids):8} {key}: co {', '.join(map(str, some))}" + ", ..." * (len(ids) > len(some)))


class Waits(Command):
    """Who waits for whom: a line for each coroutine that waits, with who holds the mutex that it waits for.
Circles, in which nobody can ever go on, come last."""

    name = "waits"

    def run(self, words, _text):
        kernel = SESSION.get()
        everyone = {co.id: co for co in kernel.coroutines()}
        held_by = {}
        for number in sorted(everyone):
            co = everyone[number]
            if not kernel.waits(co):
                continue
            try:
                holder = kernel.holder(co)
            except OSError:
                holder = 0
            line = f"{kernel.who(co)} waits for {kernel.what(co)}"
            if holder in everyone:
                line += f" held by {kernel.who(everyone[holder])}"
                held_by[number] = holder
            elif holder:
                line += f" held by {holder}, which has ended"
            print(line)
        for circle in self.circles(held_by):
            print("circle: " + " -> ".join(map(str, circle)))

    @staticmethod
    def circles(held_by):
        seen = set()
        for start in sorted(held_by):
            path, at = [], start
            while at in held_by and at not in seen:
                seen.add(at)
                path.append(at)
                at = held_by[at]
            if at in path:
                circle = path[path.index(at):]
                yield circle + circle[:1]


class RunTo(Command):
    """Continues until a report is about to be printed."""

    function = ""

    def run(self, words, _text):
        if behind_proxy() and gdb.execute("monitor ended", to_string=True).strip() == "yes":
            raise gdb.GdbError("the machine has ended: this is its core file")
        point = gdb.Breakpoint(self.function, type=gdb.BP_HARDWARE_BREAKPOINT if behind_proxy() else
                               gdb.BP_BREAKPOINT, internal=True)
        point.silent = True
        stops = []

        def note(event):
            points = getattr(event, "breakpoints", [])
            stops.append(bool(points) and all(self.at_main(other) for other in points))
        gdb.events.stop.connect(note)
        try:
            while True:
                stops.clear()
                gdb.execute("continue")
                if not stops: # it has ended
                    break
                if not stops[-1]: # where make gdb stops first
                    break
        finally:
            gdb.events.stop.disconnect(note)
            hits = point.hit_count
            point.delete()
        if hits:
            print(f"{self.name}: here it is")
            gdb.execute("frame")
        elif not stops:
            print(f"{self.name}: the program has ended without")

    @staticmethod
    def at_main(point):
        return point.temporary and point.location == "main"


class RunToDeadlock(RunTo):
    """Continues until all coroutines wait for ever, before that is reported."""

    name, function = "run-to-deadlock", "panic_deadlock"


class RunToPanic(RunTo):
    """Continues until a panic, before it is reported."""

    name, function = "run-to-panic", "panic_begin"


printers.register()
gdb.unwinder.register_unwinder(None, Outermost(), replace=True)
for command in Co, Waits, Chan, Runq, Cores, Timers, Groups, RunToDeadlock, RunToPanic:
    command()
