"""A dump of many coroutines that wait for mutexes: each line has the holder, and what that costs grows as their number does."""

import re
import resource
import subprocess

from harness.machine import ARCHES, HOST, boot, builder, clean_environment
from harness.suite import Case, Check

PROGRAM = "tests/qemu/held.c"
SECONDS = 20 # of the processor: 1.2 are used; looking at all coroutines for each that waits took over 80
HELD = re.compile(r'^coroutine \d+ "waiter" waits: mutex lock 0x([0-9a-f]+) held by (\d+) "holder", \d+ ms', re.M)


def holders(text):
    """(waiters with their holder, mutexes, holders) of a dump."""
    found = HELD.findall(text)
    return len(found), len({mutex for mutex, _ in found}), len({holder for _, holder in found})


def run_each(case):
    """More than are sorted, and more than one look finds."""
    checks = []
    for words, want in (("1500", (1500,) * 3), ("2500 one", (2500, 1, 1))):
        run = boot(builder.image(PROGRAM, case.arch), ARCH=case.arch, SMP=case.smp, ARGS=words)
        found = holders(run.text)
        checks.append(Check(f"held.c {words}: each waiter has its holder, with its name", run.status == 0 and found == want,
                            f"status {run.status}, {found}", run.text))
    return checks


def run_many(case):
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    env = clean_environment(SMP=case.smp, MEM="1G")
    run = subprocess.run([builder.image(PROGRAM, case.arch), "50000"], env=env, stdin=subprocess.DEVNULL, preexec_fn=limit,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    found = holders(run.stdout)
    return [Check(f"a dump of 100,000 in {SECONDS} s of the processor", run.returncode == 0 and found == (50000,) * 3,
                  f"status {run.returncode}, {found}", run.stdout[-2000:])]


def cases(tier):
    if tier != "fast":
        return
    for arch in (*ARCHES, HOST):
        yield Case("dumps", "each", arch, 2, run_each, 6, images=[(PROGRAM, arch, {})])
    yield Case("dumps", "many", HOST, 2, run_many, 8, images=[(PROGRAM, HOST, {})])
