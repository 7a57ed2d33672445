"""Commands inside gdb for Vole's coroutines: make gdb reads this file (see qemu/vole.gdb).

They read the kernel in memory, so they work with every stub, and with the host port and ARCH=sim, where
gdb itself knows no more threads than the system."""

import collections
import fnmatch
import os
import re
import sys
import tempfile

import gdb # pylint: disable=import-error # gdb's own

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.modules["commands"] = sys.modules[__name__] # for printers.py: gdb runs this file as another

# pylint: disable=wrong-import-position
import printers
import registers
from kernel import Elf, Failure, Kernel, duration

LONG = 20 # so many names are told of a group
PAGE = 4096


def read(address, size):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except gdb.MemoryError as error:
        raise OSError(str(error)) from None


class Here(Kernel):
    """The kernel that gdb sees. From the proxy all coroutines come in a file, which is faster."""

    def __init__(self, elf):
        self.pages = None # by their addresses, while nothing runs
        super().__init__(elf, self.near)

    def near(self, address, size):
        """read, by whole pages: what is asked for next is often beside it, and each read takes its time."""
        start = address & -PAGE
        if self.pages is None or address + size > start + PAGE:
            return read(address, size)
        if start not in self.pages:
            try:
                self.pages[start] = read(start, PAGE)
            except OSError:
                return read(address, size)
        return self.pages[start][address - start:address - start + size]

    def raw(self):
        if not behind_proxy():
            yield from super().raw()
            return
        size = 8 + self.table["co"]
        with tempfile.NamedTemporaryFile(prefix="vole-") as file:
            if gdb.execute(f"monitor save {file.name}", to_string=True): # QEMU's own stub knows no such command
                yield from super().raw()
                return
            data = file.read()
        for at in range(0, len(data), size):
            yield int.from_bytes(data[at:at + 8], "little"), data[at + 8:at + size]


class Session:
    """The kernel of the program that gdb has, read again when its file has changed."""

    def __init__(self):
        self.kernel, self.key, self.clock = None, None, 0

    def get(self):
        path = gdb.current_progspace().filename
        if not path:
            raise gdb.GdbError("no program: gdb IMAGE.elf")
        key = path, os.stat(path).st_mtime
        try:
            if key != self.key:
                self.kernel, self.key = Here(Elf(path)), key
            self.kernel.pages = {} # for this command
            self.kernel.clock = proxy_clock
            self.kernel.look()
        except Failure as failure:
            raise gdb.GdbError(str(failure)) from None
        except OSError as error:
            raise gdb.GdbError(f"no memory of Vole can be read: {error}") from None
        return self.kernel


def behind_proxy():
    """Coroutines are gdb's threads."""
    target = gdb.selected_inferior()
    connection = target.connection
    return connection is not None and connection.type in ("remote", "extended-remote")


def proxy_clock():
    """Nanoseconds that the machine has run, from the proxy."""
    if not behind_proxy():
        return 0
    try:
        text = gdb.execute("monitor clock", to_string=True).strip()
        return int(text) if text.isdigit() else 0
    except gdb.error:
        return 0


SESSION = Session()


def function_of(kernel, co):
    return kernel.elf.functions.get(co.fn, f"{co.fn:#x}")


def id_of(text):
    if not text.isdigit():
        raise gdb.GdbError(f"{text}: the id of a coroutine is wanted, as co prints it")
    return int(text)


def find(kernel, number):
    for co in kernel.coroutines():
        if co.id == number:
            return co
    raise gdb.GdbError(f"no coroutine {number}")


class Command(gdb.Command):
    """A command that is named after its class; what it does is its doc string."""

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_STATUS)

    def invoke(self, argument, _from_tty):
        try:
            self.run(gdb.string_to_argv(argument), argument)
        except (Failure, OSError, gdb.error, gdb.MemoryError) as failure:
            raise gdb.GdbError(str(failure)) from None


# ---- The registers of a coroutine, where gdb has no thread for it -----------------------------------


def machine_of(kernel):
    if kernel.elf.is_simulated():
        return (lambda sp: registers.x86_context(sp),
                lambda frame: registers.x86_context(kernel.word(frame + 128)))
    if "host_resume" in kernel.elf.symbols:
        return lambda sp: registers.x86_context(sp, 8), registers.host_frame
    machine = registers.MACHINES[kernel.elf.machine]
    return machine.context, machine.frame


class Visit:
    """With it the selected frame is that of a coroutine that does not run; afterwards all is as it was."""

    def __init__(self, kernel, stopped):
        self.kernel, self.stopped = kernel, stopped

    def __enter__(self):
        values = dict(self.stopped.value)
        for name, address in self.stopped.at.items():
            if not re.match(r"v\d|xmm|mxcsr|fp|eflags|cpsr", name):
                values[name] = self.kernel.word(address)
        gdb.newest_frame().select()
        self.saved = {name: int(gdb.parse_and_eval(f"(unsigned long)${name}")) for name in values}
        self.set(values)

    @staticmethod
    def set(values):
        for name in sorted(values, key=lambda name: name in ("rip", "pc")):
            gdb.execute(f"set var ${name} = {values[name]}", to_string=True)

    def __exit__(self, *_):
        gdb.newest_frame().select()
        self.set(self.saved)


def simulated_cores():
    """Of ARCH=sim, in the order of the cores: what each runs, and, but of the one that goes on, its context."""
    here, current = int(gdb.parse_and_eval("sim_here")), int(gdb.parse_and_eval("sim_current"))
    cores = gdb.parse_and_eval("sim_cores")
    for i in range(cores.type.range()[1] + 1):
        core = cores[i]
        if int(core.address) == here:
            yield current, None
        elif core["core"]:
            yield int(core["current"]), int(core["sp"])


def select_core_of(kernel, co):
    """On the host port: the thread that is the core where co runs. The GS base is the core."""
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        base = int(gdb.parse_and_eval("(unsigned long)$gs_base"))
        if base in kernel.cores() and kernel.word(base + kernel.table["core.current"]) == co.address:
            return True
    return False


def visit(kernel, number, command):
    """co ID: selects its thread, or, where there is none, shows it by command."""
    kernel.pages = None # the command may run something
    co = find(kernel, number)
    print(kernel.line(co))
    if behind_proxy():
        gdb.execute(f"monitor show {number}", to_string=True)
        for thread in gdb.selected_inferior().threads():
            if thread.ptid[1] == number:
                thread.switch()
                gdb.execute(command or "frame")
                return
        raise gdb.GdbError(f"no thread for coroutine {number}: is the proxy between gdb and the machine?")
    context, frame = machine_of(kernel)
    stopped = frame(co.frame) if co.frame else context(co.sp)
    if kernel.elf.is_simulated():
        for current, sp in simulated_cores():
            if current == co.address:
                stopped = context(sp) if sp else None
    else:
        thread = gdb.selected_thread()
        if select_core_of(kernel, co):
            stopped = None
        elif thread:
            thread.switch()
    if not stopped: # a thread has its registers
        gdb.execute(command or "bt")
        return
    with Visit(kernel, stopped):
        gdb.execute(command or "bt")


# ---- Commands -------------------------------------------------------------------------------------


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


def field(value, name):
    """Of a struct that may be atomic."""
    return int(value[name].cast(gdb.lookup_type("unsigned long")))


def struct_at(address, name):
    return gdb.Value(int(address)).cast(gdb.lookup_type("struct " + name).pointer()).dereference()


def whose(kernel, address):
    co = kernel.co(int(address)) if address else None
    return f"co {kernel.who(co)}" if co else f"{int(address):#x}"


def queue(kernel, value):
    """The coroutines in a struct wait_queue."""
    node, found = int(value["first"]), []
    while node and len(found) < 100000:
        at = struct_at(node, "wait_node")
        found.append(whose(kernel, int(at["wait"]["co"])))
        node = int(at["next"])
    return found


def channel_address(value, text):
    """Of what may be a number, or an address of anything."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_PTR:
        target = kind.target().strip_typedefs()
        if target.code not in (gdb.TYPE_CODE_VOID, gdb.TYPE_CODE_INT) and target.tag != "chan":
            raise gdb.GdbError(f"chan {text}: {value.type} is no channel")
    elif kind.code != gdb.TYPE_CODE_INT:
        raise gdb.GdbError(f"chan {text}: {value.type} is no channel")
    if not int(value):
        raise gdb.GdbError(f"chan {text}: NULL is no channel")
    return value


class Chan(Command):
    """A channel: chan EXPR, where EXPR is a struct chan or its address."""

    name = "chan"

    def run(self, words, text):
        if not words:
            raise gdb.GdbError("chan EXPR: a channel is wanted")
        kernel = SESSION.get()
        value = gdb.parse_and_eval(text)
        if value.type.strip_typedefs().code != gdb.TYPE_CODE_STRUCT:
            value = struct_at(channel_address(value, text), "chan")
        elif value.type.strip_typedefs().tag != "chan":
            raise gdb.GdbError(f"chan {text}: {value.type} is no channel")
        address, count = int(value.address), field(value, "count")
        print(f"chan {address:#x}: {count} of {field(value, 'capacity')} values of {field(value, 'elem_size')} bytes"
              + ", closed" * bool(field(value, "closed")))
        for name, word in ("senders", "waits to send"), ("receivers", "waits to receive"):
            for who in queue(kernel, value[name]):
                print(f"{who} {word}")


def core_values(kernel):
    for index, address in enumerate(kernel.cores()):
        if address:
            yield index, address, struct_at(address, "core")


def listed(first):
    """A list of coroutines by their next."""
    found, co = [], int(first)
    while co and len(found) < 1000000:
        found.append(co)
        co = int(struct_at(co, "co")["next"])
    return found


def in_runq(runq):
    """The coroutines in a struct runq: from its head on; a chunk is a page, and leads to the next."""
    found, at, left = [], int(runq["head"]), field(runq, "len")
    while left and at:
        if at % 4096 == 0:
            chunk = int(struct_at(at - 4096, "runq_chunk")["next"])
            at = int(struct_at(chunk, "runq_chunk")["co"].address) if chunk else 0
            continue
        take = min(left, (4096 - at % 4096) // 8)
        found += memoryview(read(at, 8 * take)).cast("Q")
        at, left = at + 8 * take, left - take
    return found


def in_ring(ring):
    head, tail = field(ring, "head"), field(ring, "tail")
    count = (tail - head) & 0xffffffff
    entries = int(ring["co"].address)
    size = ring["co"].type.range()[1] + 1
    slots = memoryview(read(entries, 8 * size)).cast("Q")
    return [slots[(head + i) % size] for i in range(count)] if count <= size else []


class Runq(Command):
    """What is to run, core by core, in the order of each queue."""

    name = "runq"

    def run(self, words, _text):
        kernel = SESSION.get()
        for index, _, core in core_values(kernel):
            proc, total = core["proc"], 0
            parts = [("next", [int(proc["runnext"])] if proc["runnext"] else []),
                     ("urgent", listed(proc["urgent"]["first"])), ("ring", in_ring(proc["ring"])),
                     ("queue", in_runq(proc["runq"])), ("expired", listed(proc["expired"]["first"])),
                     ("inbox", listed(field(proc, "inbox")))]
            for name, found in parts:
                total += len(found)
                for co in found[:LONG]:
                    print(f"core {index} {name}: {whose(kernel, co)}")
                if len(found) > LONG:
                    print(f"core {index} {name}: and {len(found) - LONG} more")
            if not total:
                print(f"core {index}: nothing")


class Cores(Command):
    """The cores: what each runs, and how often it has switched."""

    name = "cores"

    def run(self, words, _text):
        kernel = SESSION.get()
        simulated = list(simulated_cores()) if kernel.elf.is_simulated() else None
        running = {}
        for index, address, core in core_values(kernel):
            co = kernel.co(simulated[index][0] if simulated else int(core["current"]))
            if not co: # on ARM64 a register of the core has it
                running = running or {co.core: co for co in kernel.coroutines() if kernel.state(co) == "running"}
                co = running.get(address)
            text = f"co {kernel.who(co)}" if co and co.id else "idle"
            print(f"core {index}: {text}, {field(core, 'switches')} switches, "
                  f"{field(core, 'preemptions')} preemptions, {field(core, 'steals')} steals")


class Timers(Command):
    """The timers that are pending, the next first: what they call, and when."""

    name = "timers"

    def run(self, words, _text):
        kernel, found = SESSION.get(), []
        for index, _, core in core_values(kernel):
            wheel = core["wheel"]
            slots = wheel["slot"]
            for level in range(slots.type.range()[1] + 1):
                bits, slot = int(wheel["occupied"][level]), 0
                while bits:
                    if bits & 1:
                        found += [(deadline, index, fire, node) for deadline, fire, node in
                                  self.in_slot(slots[level][slot])]
                    bits, slot = bits >> 1, slot + 1
        for deadline, index, fire, node in sorted(found)[:10 * LONG]:
            left = deadline - kernel.now
            when = f"in {duration(left)}" if left >= 0 else f"due since {duration(-left)}"
            print(f"core {index}: {when}, {kernel.elf.functions.get(fire, hex(fire))} {node:#x}")
        print(f"{len(found)} timers")

    @staticmethod
    def in_slot(slot):
        """The nodes of a ring that begins and ends in its slot."""
        start = int(slot.address)
        node = int(slot["next"])
        while node and node != start:
            value = struct_at(node, "wheel_node")
            yield int(value["deadline"]), int(value["fire"]), node
            node = int(value["link"]["next"])


class Groups(Command):
    """The groups (vole/task.h) that coroutines are in, with their members."""

    name = "groups"

    def run(self, words, _text):
        kernel, groups = SESSION.get(), collections.defaultdict(list)
        for co in kernel.coroutines():
            if co.group:
                groups[co.group].append(co)
        for address, members in sorted(groups.items()):
            group = struct_at(address, "group")
            text = f"group {address:#x}: {len(members)} members"
            if group["parent"]:
                text += f", in group {int(group['parent']):#x}"
            error = int(group["error"].cast(gdb.lookup_type("int")))
            if error:
                text += f", cancelled ({error})"
            print(text)
            for co in sorted(members, key=lambda co: co.id)[:LONG]:
                print("  " + kernel.line(co))
            if len(members) > LONG:
                print(f"  and {len(members) - LONG} more")
        if not groups:
            print("no group")


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
for command in Co, Waits, Chan, Runq, Cores, Timers, Groups, RunToDeadlock, RunToPanic:
    command()
