"""The profile that PROFILE= asks for: what the machine has counted (debug/profile.c), in the format of its file."""

import os
import sys

from elf import Elf
from records import Failure

from . import flame, listing, places, pprof, tables

FORMATS = ("pb.gz", "svg", "txt")
HZ, HZ_MOST = "997", 10000


def words(_room):
    """For the kernel's command line."""
    text = os.environ.get("PROFILE_HZ") or HZ
    if not text.isdigit() or not 0 < int(text) <= HZ_MOST:
        raise Failure(f"PROFILE_HZ={text}: a number from 1 to {HZ_MOST} is wanted")
    return [f"vole.profile={int(text)}"]


def write(memory, elf, out, ending):
    """The whole file."""
    record = memory.find("profile")
    if not record:
        raise Failure("there is no profile: the machine had no memory for one, or stopped before")
    profile = tables.read(memory.read(*record))
    if not profile.samples:
        why = ": ARCH=sim takes no samples" if Elf(elf).is_simulated() else ""
        print(f"profile: nothing was counted{why}", file=sys.stderr)
    for kind, (count, value) in profile.lost.items():
        print(f"profile: {count} samples of {kind} ({value} {tables.UNITS[kind]}) have no stack: the tables were full, or in use",
              file=sys.stderr)
    {"pb.gz": pprof, "svg": flame, "txt": listing}[ending].write(places.named(profile, elf), out)
