"""Names for addresses: functions, files and lines, those that were inlined too, by addr2line."""

import os
import re
import shutil
import subprocess
from collections import namedtuple

from elf import Elf

from .tables import UNITS

MACHINES = {62: "x86_64", 183: "aarch64"} # e_machine of an ELF

Place = namedtuple("Place", "function file line")
# stack: of (address, [Place, innermost first]), innermost first; labels: {name: text}.
Named = namedtuple("Named", "kind count value labels stack")
Result = namedtuple("Result", "samples period duration lost elf text")

LOST = Place("[lost]", "", 0)


def addr2line(machine):
    """The command that knows this processor's files; None: it is not installed."""
    name = MACHINES.get(machine, "")
    words = [f"{name}-linux-gnu-addr2line".replace("_", "-")] + ["addr2line"] * (os.uname().machine == name)
    return next(filter(None, map(shutil.which, words)), None)


def lookup(elf, addresses):
    """{address: [Place, ...]}, innermost first."""
    command = addr2line(elf.machine)
    found = {address: [Place(elf.function_at(address), "", 0)] for address in addresses}
    if not command or not addresses:
        return found
    text = subprocess.run([command, "-a", "-f", "-i", "-C", "-e", elf.path], check=False, text=True, errors="replace",
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
                function = elf.function_at(address)
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


def named(profile, path):
    """The profile with names for all that has one."""
    elf = Elf(path)
    # A call returns to the instruction behind it.
    wanted = {pc - 1 for sample in profile.samples for pc in sample.pc}
    wanted |= {s.function for s in profile.samples} | {s.spawned - 1 for s in profile.samples if s.spawned}
    found = lookup(elf, sorted(a for a in wanted if elf.text[0] <= a < elf.text[1]))
    library = [Place("[library]", "", 0)]
    reasons = elf.strings("wait_reason_names")

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
    return Result(samples, profile.period, profile.duration, profile.lost, path, elf.text)


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
