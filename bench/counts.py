#!/usr/bin/env python3
"""Counts the instructions of each operation, on both architectures, and keeps them in a file.

usage: bench/counts.py      (make icount)

Writes bench/icount.txt, and says what has risen by more than 2 % since the last commit; `make test`
fails then, until the new file is committed too.

bench/icount is booted on one core with QEMU's -icount, where the clock advances by one nanosecond
an instruction and nothing of the host can be seen: the processor, the clock and all devices take
their time from it, and nothing is typed. The same image gives the same counts everywhere.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILE = "bench/icount.txt"
TOLERANCE = 0.02
LIMIT = 120 # seconds for a boot, which takes one or two

HEAD = """\
# Instructions per operation: one core, BUILD=release, Debian's compiler; `make icount` writes this.
# A round of the loop that does it is counted in; bench/icount says what each operation is.
"""
# Words for qemu/run: one thread, all clocks count instructions, no seed from the host.
MACHINES = {"arm64": {"MACHINE": "virt,gic-version=3,dtb-randomness=off"},
            "x86_64": {"MACHINE": "q35"}}
OPTIONS = {"SMP": "1", "MEM": "256M", "ACCEL": "tcg,thread=single", "CPU": "max",
           "INPUT": "none", "TIMEOUT": str(LIMIT),
           "QEMU_EXTRA": "-icount shift=0,sleep=off -rtc base=2000-01-01,clock=vm"}
NOT_OURS = ("ARCH", "APP", "ARGS", "FILES", "INITRD", "NET", "PLANT", "BUILD", "BOOT", "UEFI",
            "DUMP_AFTER", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


class Failure(Exception):
    """Something to tell the user."""


def run(words, **options):
    """The output of a command that succeeds."""
    env = {k: v for k, v in os.environ.items() if k not in NOT_OURS} | options
    done = subprocess.run(words, cwd=ROOT, env=env, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode:
        raise Failure(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}".strip())
    return done.stdout


def measure(arch):
    """{(operation, arch): instructions}."""
    image = run(["make", "-s", "image", "APP=bench/icount", f"ARCH={arch}", "BUILD=release"])
    text = run(["qemu/run", image.split()[-1]], **OPTIONS, **MACHINES[arch])
    return {(name, arch): int(count) for name, count in re.findall(r"^(\S+) (\d+)$", text, re.M)}


def write(counts):
    lines = [f"{name:<16}{arch:<8}{count:>6}\n" for (name, arch), count in sorted(counts.items())]
    (ROOT / FILE).write_text(HEAD + "".join(lines), encoding="ascii")


def parse(text):
    return {(name, arch): int(count)
            for name, arch, count in re.findall(r"^(\w\S*)\s+(\S+)\s+(\d+)$", text, re.M)}


def committed():
    """The counts of the last commit; where there is no git, those of the file."""
    try:
        text = subprocess.run(["git", "show", f"HEAD:{FILE}"], cwd=ROOT, text=True, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        text = (ROOT / FILE).read_text(encoding="ascii")
    return parse(text)


def risen(counts, old):
    """A line for each count that is more than the tolerance above the old one, or is gone."""
    lines = []
    for (name, arch), before in sorted(old.items()):
        now = counts.get((name, arch))
        if now is None:
            lines.append(f"{name} on {arch} is not counted any more")
        elif now > before * (1 + TOLERANCE):
            lines.append(f"{name} on {arch} takes {now} instructions, "
                         f"{100 * (now / before - 1):.1f} % more than {before}")
    return lines


def main():
    if sys.argv[1:]:
        print(__doc__.rstrip())
        return 0 if sys.argv[1] in ("-h", "--help") else 1
    try:
        counts = {}
        for arch in MACHINES:
            counts |= measure(arch)
    except Failure as failure:
        print(f"bench/counts.py: {failure}", file=sys.stderr)
        return 1
    write(counts)
    for line in risen(counts, committed()):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
