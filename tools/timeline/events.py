"""Reads the events of a machine that has ended: their rings, and what their names are."""

import os
import struct
import sys

from elf import one_line
from records import HERE, Failure

sys.path.insert(0, os.path.join(HERE, "gdb"))
from kernel import Elf # pylint: disable=wrong-import-position
from kernel import Failure as NoImage # pylint: disable=wrong-import-position

VERSION = 2 # of debug/trace.h, as what follows
(NONE, NAME, NAME_END, SWITCH, PARK, YIELD, EXIT, SPAWN, READY, INTERRUPT, TIMER, IDLE, STEAL, FAULT, SEND, SEND_TO,
 RECEIVE, RECEIVE_FROM, RECEIVE_PUT, CALL, RETURN, MARK, BEGIN, END, COUNT, SAMPLE, KINDS) = range(27)
HEAD, AT_RINGS, RING = struct.Struct("<4I5Q"), 64, 512
EVENT = struct.Struct("<4Q")


class Timeline:
    """events: (time, core, kind, co, a, b), in the order of time."""

    def __init__(self, elf):
        self.elf, self.cores, self.events, self.lost = elf, 0, [], 0
        self.names = {1: "main"} # of coroutines by their ids
        self.texts = {} # of addresses
        try:
            self.reasons = elf.strings("wait_reason_names")
        except NoImage as failure:
            raise Failure(failure) from None

    def text(self, address):
        """A string constant."""
        if address not in self.texts:
            self.texts[address] = self.elf.string(address) or f"{address:#x}"
        return self.texts[address]

    def name(self, co):
        return self.names.get(co, "?")

    def reason(self, number):
        return self.reasons[number] if number < len(self.reasons) else "?"


def ordered(data, written, count):
    """The events of a ring, the oldest first, those that were complete."""
    at = written % count * EVENT.size if written > count else 0
    return [event for event in EVENT.iter_unpack(data[at:] + data[:at]) if 0 < event[0] & 255 < KINDS]


def read(memory, path):
    try:
        timeline = Timeline(Elf(path))
    except NoImage as failure:
        raise Failure(failure) from None
    found = memory.find("timeline")
    if not found:
        raise Failure("there is no timeline: the machine had no memory for one, or stopped before")
    at, size = found
    version, timeline.cores, count, head, _, _, *sampled = HEAD.unpack(memory.read(at, HEAD.size))
    if version != VERSION:
        raise Failure(f"the image's timeline is of version {version}, these tools know version {VERSION}")
    if head + timeline.cores * count * EVENT.size > size:
        raise Failure("what the machine says of its timeline is damaged")
    rings, begin = [], 0
    for core in range(timeline.cores):
        written = int.from_bytes(memory.read(at + AT_RINGS + core * RING, 8), "little")
        used = count if written > count else written
        data = memory.read(at + head + core * count * EVENT.size, used * EVENT.size)
        ring = ordered(data, written, count)
        rings.append(ring)
        timeline.lost += max(0, written - count)
        # Before that, something is missing: what the others have of it makes no whole.
        if written > count and ring:
            begin = max(begin, ring[0][0])
    samples = [sampled] # [time, live, free]
    for core, ring in enumerate(rings):
        learn_names(timeline, ring)
        for what, co, a, b in ring:
            if what < begin:
                if what & 255 == SAMPLE:
                    samples.append([what >> 8, a, b])
                timeline.lost += what & 255 not in (NAME, NAME_END)
            elif what & 255 not in (NAME, NAME_END):
                timeline.events.append((what >> 8, core, what & 255, co, a, b))
    timeline.events.sort(key=lambda event: event[0])
    if begin:
        begin_with_sample(timeline, begin >> 8, samples)
    return timeline


def begin_with_sample(timeline, begin, samples):
    """What the counters are at the beginning: as the last sample before it says, or by the first one behind it."""
    before = max((sample for sample in samples if 0 < sample[0] < begin), default=None)
    if before:
        _, live, free = before
    else:
        change = 0
        for _, _, kind, _, live, free in timeline.events:
            if kind == SAMPLE:
                live -= change
                break
            change += (kind == SPAWN) - (kind == EXIT)
        else:
            return
    timeline.events.insert(0, (begin, 0, SAMPLE, 0, live, free))


def learn_names(timeline, ring):
    """Of coroutines: the last that was said counts, for some begin in a function that calls theirs."""
    names, functions = timeline.names, timeline.elf.functions
    began = {}
    for what, co, a, b in ring:
        kind = what & 255
        if kind in (SWITCH, EXIT):
            if a and co != 1:
                names[co] = functions.get(a, f"{a:#x}")
        elif kind in (SPAWN, READY):
            if b and a != 1:
                names.setdefault(a, functions.get(b, f"{b:#x}"))
        elif kind == NAME:
            began[co] = a.to_bytes(8, "little") + b.to_bytes(8, "little")
        elif kind == NAME_END and co in began:
            text = began.pop(co) + a.to_bytes(8, "little") + b.to_bytes(8, "little")
            names[co] = one_line(text)
