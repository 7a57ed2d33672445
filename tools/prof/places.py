"""Names for addresses: functions, files and lines, those that were inlined too, by addr2line."""

import bisect
import os
import re
import shutil
import struct
import subprocess
import sys
from collections import namedtuple

from records import HERE

from .tables import UNITS

sys.path.insert(0, os.path.join(HERE, "gdb"))
from kernel import Elf # pylint: disable=wrong-import-position

MACHINES = {62: "x86_64", 183: "aarch64"} # e_machine of an ELF

Place = namedtuple("Place", "function file line")
# stack: of (address, [Place, innermost first]), innermost first; labels: {name: text}.
Named = namedtuple("Named", "kind count value labels stack")
Result = namedtuple("Result", "samples period duration lost elf text")

LOST = Place("[lost]", "", 0)


def headers(elf):
    """(machine, (begin, end) of what is executed) of an ELF."""
    with open(elf, "rb") as file:
        data = file.read(1 << 16)
    programs, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<2H", data, 54)
    parts = [struct.unpack_from("<II6Q", data, programs + i * size) for i in range(count)]
    text = [(part[3], part[3] + part[6]) for part in parts if part[0] == 1 and part[1] & 1]
    return struct.unpack_from("<H", data, 18)[0], (min(t[0] for t in text), max(t[1] for t in text))


class Symbols:
    """Functions by address, as the ELF's table of symbols has them: labels inside of functions are none."""

    def __init__(self, elf):
        with open(elf, "rb") as file:
            data = file.read()
        sections, = struct.unpack_from("<Q", data, 40)
        size, count = struct.unpack_from("<2H", data, 58)
        heads = [struct.unpack_from("<IIQQQQII", data, sections + i * size) for i in range(count)]
        found = {}
        for head in (head for head in heads if head[1] == 2): # SHT_SYMTAB
            names = heads[head[6]][4]
            for name, info, _, _, value, _ in struct.iter_unpack("<IBBHQQ", data[head[4]:head[4] + head[5]]):
                if info & 15 == 2 or info == 0x10: # a function, or global and of no type
                    found[value] = data[names + name:data.index(b"\0", names + name)].decode(errors="replace")
        self.addresses = sorted(found)
        self.names = found

    def find(self, address):
        i = bisect.bisect_right(self.addresses, address)
        return self.names[self.addresses[i - 1]] if i else f"0x{address:x}"


def addr2line(machine):
    """The command that knows this processor's files; None: it is not installed."""
    name = MACHINES.get(machine, "")
    words = [f"{name}-linux-gnu-addr2line".replace("_", "-")] + ["addr2line"] * (os.uname().machine == name)
    return next(filter(None, map(shutil.which, words)), None)


def lookup(elf, machine, addresses):
    """{address: [Place, ...]}, innermost first."""
    command, symbols = addr2line(machine), Symbols(elf)
    found = {address: [Place(symbols.find(address), "", 0)] for address in addresses}
    if not command or not addresses:
        return found
    text = subprocess.run([command, "-a", "-f", "-i", "-C", "-e", elf], check=False, text=True, errors="replace",
                          input="".join(f"{a:#x}\n" for a in addresses), stdout=subprocess.PIPE).stdout
    lines, address, function = text.splitlines(), None, None
    for line in lines:
        if function is None and re.fullmatch(r"0x[0-9a-f]{16}", line):
            address, places = int(line, 16), []
            found[address] = places
        elif function is None:
            function = line
        else:
            file, _, number = re.sub(r" \(discriminator \d+\)$", "", line).rpartition(":")
            if file == "??" or file.endswith((".S", ".s")): # or it takes a label for one
                function = symbols.find(address)
            places.append(Place(function, "" if file == "??" else os.path.normpath(file), int(number) if number.isdigit() else 0))
            function = None
    return found


INSIDE = {"wait": ("arch/", "kernel/", "sync/wait."), "alloc": ("arch/", "kernel/", "debug/", "libc/malloc.")}
INSIDE["contention"] = INSIDE["wait"]


def from_call(stack, inside):
    """The stack from the call that waits, or allocates, on: without what the kernel does in it, the same for all."""
    for i, (address, places) in enumerate(stack):
        rest = [p for p in places if not p.file.startswith(inside)]
        if rest:
            return [(address, places[places.index(rest[0]):]), *stack[i + 1:]]
    return stack


def named(profile, elf):
    """The profile with names for all that has one."""
    machine, text = headers(elf)
    # A call returns to the instruction behind it.
    wanted = {pc - 1 for sample in profile.samples for pc in sample.pc}
    wanted |= {s.function for s in profile.samples} | {s.spawned - 1 for s in profile.samples if s.spawned}
    found = lookup(elf, machine, sorted(a for a in wanted if text[0] <= a < text[1]))
    library = [Place("[library]", "", 0)]
    reasons = Elf(elf).strings("wait_reason_names")

    def places(address):
        return found.get(address) or library

    def labels(sample):
        result = {"coroutine": sample.coroutine or places(sample.function)[-1].function, "core": str(sample.core)}
        if sample.spawned:
            place = places(sample.spawned - 1)[0]
            result["spawned_at"] = f"{place.function} ({place.file}:{place.line})" if place.file else place.function
        if sample.kind == "wait":
            result["reason"] = reasons[sample.reason] if sample.reason < len(reasons) else str(sample.reason)
        return result

    def stack_of(sample):
        stack = [(pc - 1, places(pc - 1)) for pc in sample.pc]
        return from_call(stack, INSIDE[sample.kind]) if sample.kind in INSIDE else stack

    samples = [Named(s.kind, s.count, s.value, labels(s), stack_of(s)) for s in profile.samples]
    samples += [Named(kind, count, value, {}, [(0, [LOST])]) for kind, (count, value) in profile.lost.items()]
    return Result(samples, profile.period, profile.duration, profile.lost, elf, text)


def show(kind, value):
    """A value for people."""
    if UNITS[kind] == "bytes":
        for unit in ("B", "KB", "MB"):
            if value < 10000:
                return f"{value:.4g} {unit}"
            value /= 1024
        return f"{value:.4g} GB"
    for unit in ("ns", "us", "ms"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.4g} s"
