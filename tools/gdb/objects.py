"""Commands that show what the kernel has, and the program: channels, run queues, cores, timers, groups."""

import collections

import gdb # pylint: disable=import-error # gdb's own

from kernel import duration
from session import SESSION, Command, read
from visit import simulated_cores

LONG = 20 # so many are told of a queue, or of a group


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
