"""What a debugger knows of Vole's kernel: an image's symbols and its table of offsets, and with
them, in a memory that can be read, the cores and the coroutines. For the proxy, and for the commands
inside gdb."""

import os
import struct
import sys

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from elf import Elf, Failure, one_line # pylint: disable=wrong-import-position,unused-import

VERSION = 1 # of debug/offsets.c

WHOLE = 640 # bytes: smaller objects of a slab are read together


class Table(dict):
    """debug/offsets.c."""

    def __init__(self, elf):
        super().__init__()
        address = elf.address("vole_offsets")
        for name, value in struct.iter_unpack("<24sQ", elf.read(address, elf.symbols["vole_offsets"][1])):
            self[name.rstrip(b"\0").decode()] = value
        version = self.get("version")
        if version != VERSION:
            raise Failure(f"{elf.path}: its table of offsets has version {version}, tools/gdb knows "
                          f"version {VERSION}: use those of the tree that the image was built from")


FIELDS = { # of a coroutine: how wide each is, and what it is called here
    "sp": ("Q", "sp"), "state": ("B", "state"), "flags": ("B", "flags"), "wait_reason": ("B", "reason"),
    "core": ("Q", "core"), "frame": ("Q", "frame"), "wait_object": ("Q", "object"), "wait_since": ("Q", "since"),
    "group": ("Q", "group"), "fn": ("Q", "fn"), "id": ("Q", "id"), "name": ("Q", "name_at"),
}


def co_layout(table):
    """A struct.Struct for a coroutine, and the names of what it unpacks."""
    layout, end, names = "<", 0, []
    for name in sorted(FIELDS, key=lambda name: table["co." + name]):
        width, called = FIELDS[name]
        layout += f"{table['co.' + name] - end}x{width}"
        end = table["co." + name] + struct.calcsize(width)
        names.append(called)
    return struct.Struct(layout + f"{table['co'] - end}x"), names


class Co:
    """A coroutine, as it was when it was read."""

    __slots__ = ("address", *(called for _, called in FIELDS.values()))

    def __init__(self, address, names, values):
        self.address = address
        for name, value in zip(names, values):
            setattr(self, name, value)


def duration(ns):
    for unit, size in ("s", 10**9), ("ms", 10**6), ("us", 10**3):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 100 * size else f"{ns // size} {unit}"
    return f"{ns} ns"


class Kernel:
    """The kernel in a memory: read(address, size) gives bytes, or raises OSError."""

    def __init__(self, elf, read):
        self.elf, self.read = elf, read
        self.table = Table(elf)
        self.layout, self.fields = co_layout(self.table)
        self.read_fast = read # may be faster for what is no coroutine's stack
        self.states = elf.strings("vole_state_names")
        self.reasons = elf.strings("wait_reason_names", self.table["WAIT_REASONS"])
        self.names = {} # of coroutines by address and id: it does not change
        self.clock = lambda: 0 # nanoseconds of the machine, from elsewhere
        self.now = 0

    def word(self, address):
        return int.from_bytes(self.read(address, 8), "little")

    def words(self, address, count):
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    def text(self, address, size):
        return one_line(self.read(address, size))

    def cores(self):
        """Their addresses, by index; those that did not come up yet are 0."""
        return self.words(self.elf.address("cores"), self.table["MAX_CORES"])

    def look(self):
        """Once after a stop: what time it is."""
        times = [self.word(core + self.table["core.now"]) for core in self.cores() if core]
        self.now = max([self.clock(), *times])

    def made(self, address, data):
        return Co(address, self.fields, self.layout.unpack(data))

    def co(self, address):
        """The coroutine at address; None: there is none."""
        table = self.table
        try:
            found = self.made(address, self.read(address, table["co"]))
        except OSError:
            return None
        return found if found.state < len(self.states) and found.state != table["CO_FREE"] else None

    def slabs(self):
        """The address of each slab of coroutines, the size of what is in it, and how many it has given out."""
        table = self.table
        for cache in self.words(self.elf.address("slab_caches"), table["MAX_SLAB_CACHES"]):
            if not cache:
                break
            if self.elf.string(self.word(cache + table["slab_cache.name"])) != "coroutine":
                continue
            size = self.word(cache + table["slab_cache.size"])
            slab = self.word(cache + table["slab_cache.all"])
            while slab:
                head = self.read_fast(slab, table["slab"])
                yield slab + table["slab"], size, head[table["slab.fresh"]]
                at = table["slab.next_all"]
                slab = int.from_bytes(head[at:at + 8], "little")

    def raw(self):
        """Every coroutine of the program, in no order: its address, and its bytes."""
        table = self.table
        size_of_co, state, flags, ident = (table[name] for name in ("co", "co.state", "co.flags", "co.id"))
        none, kernels = (table["CO_FREE"], table["CO_ENDED"]), table["CO_KERNEL"]
        for start, size, count in self.slabs():
            whole = self.read_fast(start, size * count) if size <= WHOLE and count else None
            for end in range(size, size * count + 1, size):
                address = start + end - size_of_co
                data = whole[end - size_of_co:end] if whole else self.read_fast(address, size_of_co)
                if data[state] not in none and not data[flags] & kernels and any(data[ident:ident + 8]):
                    yield address, data

    def coroutines(self):
        """Every coroutine of the program, in no order."""
        return (self.made(address, data) for address, data in self.raw())

    def name(self, co):
        key = co.address, co.id
        if key not in self.names:
            if co.name_at:
                self.names[key] = self.text(co.name_at, self.table["NAME_SIZE"])
            elif co.flags & self.table["CO_KERNEL"]:
                self.names[key] = "idle"
            elif co.id == 1:
                self.names[key] = "main"
            else:
                self.names[key] = self.elf.functions.get(co.fn, "?")
        return self.names[key]

    def waits(self, co):
        return co.state == self.table["CO_WAITING"]

    def state(self, co):
        if co.state == self.table["CO_RUNNABLE"] and co.frame:
            return "preempted"
        return self.states[co.state]

    def what(self, co):
        """What it waits for: the word for it, and where it is."""
        reason = self.reasons[co.reason] if co.reason < len(self.reasons) else "?"
        return f"{reason} {co.object:#x}" if co.object else reason

    def time(self, co):
        """How long it has waited."""
        return max(0, self.now - co.since)

    def who(self, co):
        return f'{co.id} "{self.name(co)}"'

    def line(self, co):
        text = f"co {self.who(co)} {self.state(co)}"
        if self.waits(co):
            text += f" on {self.what(co)}"
            if co.since:
                text += f" for {duration(self.time(co))}"
        return text

    def holder(self, co):
        """The id of who holds what co waits for; 0: nobody, or it is not known."""
        table = self.table
        if not self.waits(co) or not co.object:
            return 0
        if co.reason == table["WAIT_MUTEX"]:
            holder = self.word(co.object + table["mutex.state"]) & ~table["MUTEX_WAITERS"]
        elif co.reason in (table["WAIT_RWMUTEX_READ"], table["WAIT_RWMUTEX_WRITE"]):
            holder = self.word(co.object + table["rwmutex.writer"])
        else:
            return 0
        return 0 if holder & table["HOLDER_CORE"] else holder
