"""Commands that show what the kernel has, and the program: channels, run queues, cores, timers, groups."""

import collections

import gdb # pylint: disable=import-error # gdb's own

from kernel import duration
from session import SESSION, Command, read
from visit import simulated_cores

LONG = 20 # so many are told of a queue, or of a group
WAITERS = 1000 # and so many of those that wait at a channel
MOST = 100000 # no list is followed further


def field(value, name):
    """Of a struct that may be atomic."""
    return int(value[name].cast(gdb.lookup_type("unsigned long")))


def struct_at(address, name):
    return gdb.Value(int(address)).cast(gdb.lookup_type("struct " + name).pointer()).dereference()


def whose(kernel, address):
    co = kernel.co(int(address)) if address else None
    return f"co {kernel.who(co)}" if co else f"{int(address):#x}"


def offset(struct, *path):
    """Where a member is in a struct, or a member of that."""
    kind, at = gdb.lookup_type("struct " + struct), 0
    for name in path:
        member = kind[name]
        kind, at = member.type.strip_typedefs(), at + member.bitpos // 8
    return at


def linked(kernel, first, next_at, last=0):
    """The addresses in a list. What is read of each is read by pages: gdb's own values take a packet for every
    member."""
    count, at = 0, int(first)
    while at and at != last and count < MOST:
        yield at
        count, at = count + 1, kernel.word(at + next_at)


def queue(kernel, value):
    """The addresses of the coroutines in a struct wait_queue."""
    return [kernel.word(node + offset("wait_node", "co"))
            for node in linked(kernel, value["first"], offset("wait_node", "next"))]


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
        for name, does in ("senders", "waits to send"), ("receivers", "waits to receive"):
            found = queue(kernel, value[name])
            for co in found[:WAITERS]:
                print(f"{whose(kernel, co)} {does}")
            if len(found) > WAITERS:
                print(f"and {len(found) - WAITERS} more, each {does}")


def core_values(kernel):
    for index, address in enumerate(kernel.cores()):
        if address:
            yield index, address, struct_at(address, "core")


def listed(kernel, first):
    """A list of coroutines by their next."""
    return list(linked(kernel, first, offset("co", "next")))


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
                     ("urgent", listed(kernel, proc["urgent"]["first"])), ("ring", in_ring(proc["ring"])),
                     ("queue", in_runq(proc["runq"])), ("expired", listed(kernel, proc["expired"]["first"])),
                     ("inbox", listed(kernel, field(proc, "inbox")))]
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
        deadline_at, fire_at = offset("wheel_node", "deadline"), offset("wheel_node", "fire")
        for index, _, core in core_values(kernel):
            wheel = core["wheel"]
            slots = wheel["slot"]
            for level in range(slots.type.range()[1] + 1):
                bits, slot = int(wheel["occupied"][level]), 0
                while bits:
                    if bits & 1:
                        found += [(kernel.word(node + deadline_at), index, kernel.word(node + fire_at), node)
                                  for node in self.in_slot(kernel, slots[level][slot])]
                    bits, slot = bits >> 1, slot + 1
        for deadline, index, fire, node in sorted(found)[:10 * LONG]:
            left = deadline - kernel.now
            when = f"in {duration(left)}" if left >= 0 else f"due since {duration(-left)}"
            print(f"core {index}: {when}, {kernel.elf.functions.get(fire, hex(fire))} {node:#x}")
        print(f"{len(found)} timers")

    @staticmethod
    def in_slot(kernel, slot):
        """The nodes of a ring that begins and ends in its slot."""
        return linked(kernel, slot["next"], offset("wheel_node", "link", "next"), int(slot.address))


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
