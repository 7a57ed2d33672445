"""What the kernel has counted, as it is in memory: struct profile, struct table, struct stack of debug/profile.c."""

import struct
from collections import namedtuple

from elf import one_line
from records import Failure

VERSION = 1
KINDS = ("cpu", "wait", "contention", "alloc")
UNITS = {"cpu": "nanoseconds", "wait": "nanoseconds", "contention": "nanoseconds", "alloc": "bytes"}

PROFILE = struct.Struct("<IIQQQ") # version, cores, period, began, bytes of a table
PAGE = 4096                       # the tables begin there
SLOTS = 4096
TABLE = struct.Struct("<QQQ4Q4Q") # size, used, last, lost_count, lost_value
STACK = struct.Struct("<QQQQIBBH32s")

# pc: where calls return to, the innermost function's first. coroutine: a name; function: what it began with.
Sample = namedtuple("Sample", "kind core count value coroutine function spawned reason pc")
# lost: {kind: (count, value)} of what had no room.
Profile = namedtuple("Profile", "samples period duration lost")


def stacks(data, at, used):
    """The entries of a table: (fields of STACK, addresses)."""
    end = at + used
    while at + STACK.size <= end:
        fields = STACK.unpack_from(data, at)
        at += STACK.size
        count = fields[7]
        if at + 8 * count > end:
            raise Failure("the profile in the machine's memory is damaged")
        yield fields, struct.unpack_from(f"<{count}Q", data, at)
        at += 8 * count


def read(data):
    """The Profile that these bytes hold."""
    version, cores, period, began, size = PROFILE.unpack_from(data)
    if version != VERSION:
        raise Failure(f"the image's profile is of version {version}, these tools know version {VERSION}")
    samples, lost, last = [], {}, began
    for core in range(cores):
        at = PAGE + core * size
        _, used, when, *counts = TABLE.unpack_from(data, at)
        last = max(last, when)
        for i, kind in enumerate(KINDS):
            if counts[i]:
                count, value = lost.get(kind, (0, 0))
                lost[kind] = count + counts[i], value + counts[i + len(KINDS)]
        for fields, pc in stacks(data, at + TABLE.size + 4 * SLOTS, used):
            count, value, function, spawned, _, kind, reason, _, name = fields
            if count:
                samples.append(Sample(KINDS[kind], core, count, value, one_line(name),
                                      function, spawned, reason, pc))
    return Profile(samples, period, last - began, lost)
