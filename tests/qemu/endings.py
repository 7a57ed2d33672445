"""How a program ends and what the launcher makes of it; arguments; the last of the memory."""

import platform
import re
import subprocess
import time

from harness.machine import ARCHES, HOST, boot, builder, clean_environment
from harness.suite import Case, Check

PROGRAM = "tests/kernel/exits.c"
STATUSES = (0, 1, 3, 77, 127, 128, 134, 200, 255)

# Arguments, status, what must be printed.
ENDINGS = {
    **{f"return {n}": (n, "") for n in STATUSES},
    "return 300": (300 & 255, ""),
    "exit 7": (7, ""),
    "other 9": (9, ""),
    "hogs 4": (4, ""),
    "last": (0, "the last ends"),
    "flush 6": (6, "no newline at the end"),
    "flush-other 8": (8, "printed by another"),
    "defer 2": (2, "second deferred\nfirst deferred\natexit\n"),
    "constructors 3": (3, "begun 123\natexit\nthe first end\nthe last end\n"),
    "race": (5, ""),
    "locked 12": (12, ""),
    "close-out 11": (11, "stderr lives\n"),
}


def run_ending(case):
    status, printed = ENDINGS[case.name]
    run = boot(builder.image(PROGRAM, case.arch), limit=30, ARCH=case.arch, SMP=case.smp,
               ARGS=case.name)
    why = ""
    if run.hung:
        why = "hangs"
    elif run.status != status:
        why = f"status {run.status}, not {status}"
    elif run.text.replace("\r", "") != printed:
        why = f"printed {run.text!r}, not {printed!r}"
    return [Check(f"{case.name}: status {status}", not why, why, run.text)]


# Options for the launcher, and what args.c must print.
ARGUMENTS = {
    'a "b c" d x vole.log=warn y "vole is" not.vole.x=1 $HOME `date` \'q\' \\ * ;':
        "[a][b c][d][x][y][vole is][not.vole.x=1][$HOME][`date`]['q'][\\][*][;] 14 NULL\n",
    "": " 1 NULL\n",
    '  spaces   between  "" ': "[spaces][between][] 4 NULL\n",
}


def run_arguments(case):
    checks = []
    image = builder.image("tests/kernel/args.c", case.arch)
    for args, want in ARGUMENTS.items():
        run = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ARGS=args)
        checks.append(Check(f"ARGS={args}", run.status == 0 and run.text.startswith(want),
                            f"status {run.status}, wanted {want!r}", run.text))
    if case.arch == HOST:
        words = ["a b", 'say "no"', '"', "", "vole.log=warn"]
        run = subprocess.run([image, *words], env=clean_environment(SMP=case.smp, TIMEOUT=30, ARGS="first"),
                             capture_output=True, text=True, check=False)
        checks.append(Check("the process's arguments come as they are",
                            run.stdout.startswith('[first][a b][say "no"]["][] 6 NULL\n'),
                            f"status {run.returncode}", run.stdout))
    return checks


# What the machine's clock says at power-on, and what the program must make of it: leap days, summer, and
# the end of a year.
DATES = {
    "2028-02-29T22:59:40": r"1 1 2028-02-29 2(2:59|3:00):\d\d (29 23:59|01 00:00) CET 0\n",
    "2031-07-03T04:05:06": r"1 1 2031-07-03 04:0[56]:\d\d 03 06:0[56] CEST 0\n",
    "2069-12-31T23:59:59": r"1 1 (2069-12-31 23:59:59|2070-01-01 00:00:\d\d) 01 (00:59|01:00) CET 0\n",
    "2000-02-29T12:00:00": r"1 1 2000-02-29 12:00:\d\d 29 13:00 CET 0\n",
    # QEMU's own clock wraps for the first (drivers/cmos.c), not for the other.
    "2099-12-31T10:00:00": r"1 1 2099-12-31 10:00:\d\d 31 11:00 CET 0\n",
    "2106-01-31T10:00:00,clock=vm": r"1 1 2106-01-31 10:00:\d\d 31 11:00 CET 0\n",
}


def run_date(case):
    image = builder.image("tests/kernel/args.c", case.arch)
    if case.arch == HOST:
        before = int(time.time())
        run = boot(image, limit=30, ARCH=case.arch, ARGS="date")
        texts = [time.strftime("1 1 %Y-%m-%d %H:%M:%S ", time.gmtime(at))
                 for at in range(before, int(time.time()) + 1)]
        return [Check("the date is the host's", run.text.startswith(tuple(texts)),
                      f"status {run.status}", run.text)]
    checks = []
    for base, want in DATES.items():
        run = boot(image, limit=30, ARCH=case.arch, SMP=1, ARGS="date",
                   QEMU_EXTRA=f"-rtc base={base}")
        checks.append(Check(f"the date, with the clock at {base}", run.status == 0 and
                            re.fullmatch(want, run.text), f"status {run.status}", run.text))
    return checks


# A processor without random numbers, and a device that has hardly any.
NO_SOURCE = {"CPU": "qemu64"}, {"CPU": "cortex-a53"}
SCARCE = "-global virtio-rng-device.max-bytes=1 -global virtio-rng-device.period=1000000"


def run_random(case):
    """The first random numbers of four machines, two of which have no source of them."""
    image = builder.image("tests/kernel/args.c", case.arch)
    none = {**NO_SOURCE[ARCHES.index(case.arch)], "QEMU_EXTRA": SCARCE}
    runs = [boot(image, limit=30, ARCH=case.arch, SMP=1, ARGS="random", **options)
            for options in ({}, {}, none, none)]
    shown = "\n".join(run.text for run in runs)
    warned = ["vole: no source of random numbers but the clock" in run.text for run in runs]
    numbers = re.findall(r"[0-9a-f]{16}", shown)
    return [Check("random numbers are others at each boot, none of them 0", len(numbers) == 8 and
                  len(set(numbers)) == 8 and all(int(n[:8], 16) and int(n[8:], 16) for n in numbers),
                  "", shown),
            Check("that they come from the clock only is said", warned == [False, False, True, True] and
                  shown.count("no source") == 2, f"{warned}", shown)]


def too_long(whose, run):
    """A command line that does not fit and comes past the launcher."""
    return Check(f"{whose} command line that is too long is refused, not cut", run.status == 134 and
                 "panic: the command line is too long: at most 4095 bytes" in run.text and
                 "[a" not in run.text, f"status {run.status}", run.text[:300])


def run_refused(case):
    """What cannot be is said in one line, and nothing boots."""
    image = builder.image("tests/kernel/args.c", case.arch)
    said = "vole: the arguments are too long: " if case.arch == HOST else \
        "qemu/run: ARGS is too long: "
    whole = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ARGS="a" * 3900)
    long = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ARGS="a" * 4090)
    checks = [Check("3,900 bytes of arguments arrive", "[" + "a" * 3900 + "]" in whole.text,
                    f"status {whole.status}", whole.text),
              Check("4,090 bytes of arguments are refused", long.status == 1 and
                    long.text.startswith(said) and
                    long.text.count("\n") == 1, f"status {long.status}", long.text)]
    words = [str(i % 10) for i in range(1500)]
    many = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ARGS=" ".join(words))
    checks.append(Check("1,500 arguments arrive", f"[{']['.join(words)}] 1501 NULL" in many.text,
                        f"status {many.status}", many.text[:300]))
    if case.arch == "arm64": # of x86-64 see boots.py: QEMU itself has no room for it there
        run = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, QEMU_EXTRA="-append " + "a" * 4096)
        checks.append(too_long("a boot loader's", run))
    if case.arch == HOST:
        for memory in "1", "64K", "64T":
            run = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, MEM=memory)
            checks.append(Check(f"MEM={memory} is refused", run.status == 1
                                and run.text == f"vole: MEM={memory}: 1M to 256G is wanted\n", f"status {run.status}",
                                run.text))
    if case.arch != HOST and platform.machine() not in (case.arch, "aarch64"):
        run = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ACCEL="kvm")
        checks.append(Check("ACCEL=kvm on another processor is refused", run.status == 1 and
                            run.text.startswith("qemu/run: ACCEL=kvm: this machine is "),
                            f"status {run.status}", run.text))
    return checks


def run_unknown_option(case):
    run = boot(builder.image("tests/kernel/args.c", case.arch), limit=30, ARCH=case.arch,
               SMP=case.smp, ARGS="a vole.nonsense=5 b")
    ok = run.status == 0 and "[a][b] 3 NULL" in run.text and "vole.nonsense" in run.text
    return [Check("an unknown vole. option is reported and ignored", ok,
                  f"status {run.status}", run.text)]


def run_no_quiet(case):
    """The default log says nothing; vole.log=info says something."""
    image = builder.image("tests/kernel/exits.c", case.arch)
    quiet = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ARGS="return 0")
    info = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ARGS="return 0 vole.log=info")
    debug = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ARGS="return 0 vole.log=debug")
    return [Check("nothing is printed by default", quiet.raw == b"", "", quiet.text),
            Check("vole.log=debug has a line for each core beside the first, info has none",
                  debug.raw.count(b"vole: core ") == case.smp - 1 and b"vole: core " not in info.raw,
                  f"{debug.raw!r}\n{info.raw!r}"),
            Check("vole.log=info prints boot messages", info.status == 0 and info.raw != b"",
                  f"status {info.status}", info.text)]


SCARCE_PROGRAM = "tests/qemu/scarce.c"


def run_scarce(case):
    """Few pages are kept for stacks that grow when memory is full: until the last of them is gone and after."""
    runs = [boot(builder.image(SCARCE_PROGRAM, case.arch), limit=30, ARCH=case.arch, SMP=case.smp, MEM="32M",
                 ARGS=str(pages)) for pages in range(15, 20)]
    lines = [run.text.replace("\r", "").split("\n") for run in runs]
    died = [any(line.startswith("panic: out of memory: the stack") for line in text) for text in lines]
    grown = [("grown" in text, "grown again" in text) for text in lines]
    shown = "\n".join(run.text[:200] for run in runs)
    return [Check("memory is full: some stacks grow, some do not", (False, False) in grown and any(died) and
                  (True, True) in grown, f"{grown}", shown),
            Check("what a coroutine leaves at its end is there for the next stack fault",
                  (True, False) not in grown, f"{grown}", shown)]


def cases(tier):
    if tier != "fast":
        return
    for arch in (*ARCHES, HOST):
        for smp in (1, 4):
            for name in ENDINGS:
                if smp == 1 and name.startswith("return") and name != "return 77":
                    continue
                yield Case("ending", name, arch, smp, run_ending, cost=1,
                           images=[(PROGRAM, arch, {})])
        yield Case("command line", "arguments", arch, 2, run_arguments, cost=3,
                   images=[("tests/kernel/args.c", arch, {})])
        yield Case("command line", "refused", arch, 2, run_refused, cost=1,
                   images=[("tests/kernel/args.c", arch, {})])
        yield Case("command line", "date", arch, 1, run_date, cost=2,
                   images=[("tests/kernel/args.c", arch, {})])
        if arch != HOST:
            yield Case("command line", "random numbers", arch, 1, run_random, cost=2,
                       images=[("tests/kernel/args.c", arch, {})])
        # Where there are more cores, another may have some left.
        yield Case("memory", "scarce", arch, 1, run_scarce, cost=3,
                   images=[(SCARCE_PROGRAM, arch, {})])
        yield Case("command line", "unknown option", arch, 2, run_unknown_option, cost=1,
                   images=[("tests/kernel/args.c", arch, {})])
        yield Case("command line", "log", arch, 2, run_no_quiet, cost=1,
                   images=[(PROGRAM, arch, {})])
