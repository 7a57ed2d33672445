"""Ways to boot, idleness, time limits."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from harness.kernel import results
from harness.machine import ARCHES, HOST, BuildError, ROOT, boot, builder, command, make
from harness.suite import Case, Check, at_once

from .endings import too_long

ISO_APP = "tests/kernel/args.c"
ISO_STDIN = "tests/kernel/stdin.c"


# ---- From a CD, as a real machine would ----

making_iso = threading.Lock()


def made_iso(folder, app, args):
    """The image of a CD, for this case alone: the next one with other arguments has the same name."""
    with making_iso:
        made = make("-s", "iso", f"APP={app}", f"ARGS={args}", limit=120)
        if made.status != 0:
            raise BuildError(made.text)
        return shutil.copy(ROOT / made.text.strip().splitlines()[-1], folder)


def run_iso(case):
    with tempfile.TemporaryDirectory() as folder:
        return boot_isos(case, folder)


def boot_isos(case, folder):
    checks, uefi = [], 1 if case.name == "UEFI" else None
    if not uefi:
        run = boot(made_iso(folder, ISO_APP, 'from "a CD"'), limit=90, SMP=case.smp)
        checks.append(Check("what was said when the ISO was made are its arguments",
                            run.status == 0 and "[from][a CD] 3 NULL" in run.text,
                            f"status {run.status}", run.text))
        run = boot(made_iso(folder, ISO_APP, "a" * 4096), limit=90, SMP=case.smp)
        checks.append(too_long("GRUB's", run))

    data = b"one\ntwo\x04\x10\r\nlast"
    run = boot(made_iso(folder, ISO_STDIN, "tty lines"), limit=90, SMP=case.smp, UEFI=uefi,
               stdin=data)
    # The firmware of UEFI takes 7 s of the processor: it starts once, with arguments that this needs, too.
    checks.append(Check(f"the ISO boots by {case.name}, with its arguments", run.status == 0 and b"ready\n" in run.raw,
                        f"status {run.status}", run.text))
    want = b"ready\n00 1 1\nready\n[one]\n[two\x04\x10\r]\n[last]\nend of file 1\n"
    checks.append(Check(f"{case.name}: a pipe is read to its end, and is no terminal",
                        run.status == 0 and run.raw.endswith(want),
                        f"status {run.status}, wanted {want!r}", repr(run.raw)))
    return checks


# ---- Raw Image and ELF ----

def run_formats(case):
    """ARM64: the image as ELF and as a raw Image."""
    checks = []
    path = builder.image("tests/kernel/args.c", case.arch)
    for suffix, how in ((".elf", "elf"), (".img", None)):
        image = path.with_suffix(suffix)
        if not image.exists():
            checks.append(Check(f"{suffix} exists", False, str(image)))
            continue
        run = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, ARGS="a b", BOOT=how)
        checks.append(Check(f"boots as {suffix}", run.status == 0 and "[a][b] 3" in run.text,
                            f"status {run.status}", run.text))
    return checks


# ---- Idle ----

def qemu_ticks(session):
    """Processor time, in clock ticks, of the QEMUs in a session."""
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        name = stat[stat.index("(") + 1:stat.rindex(")")]
        fields = stat[stat.rindex(")") + 2:].split()
        if int(fields[3]) == session and name.startswith("qemu-system"):
            total += int(fields[11]) + int(fields[12])
    return total


PARTS, PART = 8, 0.5  # of the time for which it is looked at, and seconds of each
WORST = 3             # parts that do not count: where the host stood still, it takes that for time of who ran on it


def idle_share(case, cores):
    """Whether a machine with so many cores sleeps and wakes, and which share of a host's core it takes meanwhile."""
    words, env = command(builder.image("tests/kernel/idle.c", case.arch), ARCH=case.arch,
                         SMP=cores, ARGS=f"{PARTS * PART + 3:.0f}", TIMEOUT=60)
    with subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          start_new_session=True) as process:
        first = process.stdout.readline()
        time.sleep(0.5)
        ticks = [qemu_ticks(process.pid)]
        for _ in range(PARTS):
            time.sleep(PART)
            ticks.append(qemu_ticks(process.pid))
        used = sorted(after - before for before, after in zip(ticks, ticks[1:]))
        share = sum(used[:-WORST]) / os.sysconf("SC_CLK_TCK") / (len(used[:-WORST]) * PART)
        rest, _ = process.communicate(b"")
    ok = first == b"sleeping\n" and rest == b"awake\n" and process.returncode == 0
    return [Check(f"with {cores} cores: sleeps and wakes", ok and ticks[0] > 0, f"status {process.returncode}: "
                  f"{first + rest!r}; {ticks[0]} ticks before"),
            Check(f"an idle machine with {cores} cores uses less than 10 % of a host core", share < 0.10,
                  f"{share:.1%} of a core: {used} ticks")]


def run_idle(case):
    return sum(at_once(lambda cores: idle_share(case, cores), (1, 4)), [])


# ---- Time limits ----

def dumped(case, program, args, *ends):
    """What a machine prints until it has said in a dump, which it is asked for, where main is, or then that main has
    begun, by a line with one of ends; and the launcher's status when it is told to end then."""
    words, env = command(builder.image(program, case.arch), ARCH=case.arch, SMP=case.smp, TIMEOUT=60, DUMP_AFTER=5,
                         ARGS=args)
    text = ""
    with subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            text += line
            if 'coroutine 1 "main"' in text and any(end in line for end in ends):
                process.terminate()
    return text, process.returncode


def run_limits(case):
    """What this runner relies on when something hangs: a dump of all coroutines, and an end."""
    idle, hog = "tests/kernel/idle.c", "tests/kernel/hog.c"
    (asleep, slept), (computing, computed), run = at_once(lambda boots: boots(), (
        lambda: dumped(case, idle, "100", "main+0x", "sleeping\n"), lambda: dumped(case, hog, None, 'coroutine 1 "main"'),
        lambda: boot(builder.image(hog, case.arch), limit=60, ARCH=case.arch, SMP=case.smp, TIMEOUT=6)))
    return [Check("a dump can be asked for: asleep", slept == 128 + signal.SIGTERM, f"status {slept}", asleep),
            Check("a dump can be asked for: computing", computed == 128 + signal.SIGTERM, f"status {computed}", computing),
            Check("TIMEOUT=6 ends the machine with 124", run.status == 124 and run.seconds < 60,
                  f"status {run.status} after {run.seconds:.0f} s", run.text)]


# ---- One tree, one image ----

def run_reproducible(case):
    """Two copies of the tree, in folders of different names, give the same bytes."""
    sums = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a", "another-name"):
            copy = pathlib.Path(folder) / name
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "build", "results"))
            run = make("-s", "image", "APP=examples/hello.c", f"ARCH={case.arch}", cwd=copy)
            lines = run.text.strip().splitlines()
            if run.status != 0 or not lines:
                return [Check("a copy of the tree builds", False, "", run.text)]
            sums.append((copy / lines[-1]).read_bytes())
    return [Check("two copies of the tree give the same image", sums[0] == sums[1],
                  f"{len(sums[0])} and {len(sums[1])} bytes")]


def run_outside(case):
    """APP= as a file and as a folder, by absolute paths outside the tree."""
    checks = []
    main = '#include <stdio.h>\nint part(void);\nint main(void) { printf("part %d\\n", part()); }\n'
    with tempfile.TemporaryDirectory() as folder:
        outside = pathlib.Path(folder) / "my-app"
        outside.mkdir()
        (outside / "main.c").write_text(main)
        (outside / "part.c").write_text("int part(void);\nint part(void) { return 42; }\n")
        single = pathlib.Path(folder) / "single.c"
        single.write_text("#include <vole.h>\n#include <stdio.h>\nint main(void) "
                          '{ printf("cores %d\\n", runtime_cores()); return 0; }\n')
        for app, want in ((outside, "part 42\n"), (single, f"cores {case.smp}\n")):
            run = make("-s", "image", f"APP={app}", f"ARCH={case.arch}")
            run = boot(ROOT / run.text.strip().splitlines()[-1], limit=30, ARCH=case.arch,
                       SMP=case.smp)
            checks.append(Check(f"an application outside the tree: {app.name}",
                                run.status == 0 and run.text == want,
                                f"status {run.status}, wanted {want!r}", run.text))
        (outside / "part.c").write_text("int part(void);\nint part(void) { return 43; }\n")
        run = make("-s", "image", f"APP={outside}", f"ARCH={case.arch}")
        run = boot(ROOT / run.text.strip().splitlines()[-1], limit=30, ARCH=case.arch)
        checks.append(Check("a changed file is built again", run.text == "part 43\n", "", run.text))
        single.write_text("int main(void) { return undeclared; }\n")
        run = make("-s", "image", f"APP={single}", f"ARCH={case.arch}")
        checks.append(Check("an error in an application: make fails and names it",
                            run.status == 2 and "undeclared" in run.text, f"status {run.status}",
                            run.text))
    return checks


# ---- The host port, where Linux does not offer what it likes best ----

def run_protection(case):
    run = boot(builder.image("tests/kernel/stack.c", HOST), limit=60, ARCH=HOST, SMP=case.smp,
               ARGS=f"smp={case.smp} scale=1", MEM="512M", NO_USERFAULTFD=1)
    return results(run)


def cases(tier):
    args = "tests/kernel/args.c"
    if tier != "fast":
        for arch in ARCHES:
            yield Case("build", "reproducible", arch, 1, run_reproducible, 60)
        return
    for name in ("BIOS", "UEFI"):
        # What is built once, which takes long, is to be there.
        yield Case("iso", name, "x86_64", 4, run_iso, 8,
                   images=[(app, "x86_64", {}) for app in (ISO_APP, ISO_STDIN)])
    yield Case("formats", "ELF and raw Image", "arm64", 2, run_formats, 1, images=[(args, "arm64", {})])
    yield Case("memory", "stacks without userfaultfd", HOST, 2, run_protection, 2,
               images=[("tests/kernel/stack.c", HOST, {})])
    for arch in ARCHES:
        yield Case("idle", "host processor time", arch, 4, run_idle, 8,
                   images=[("tests/kernel/idle.c", arch, {})])
        yield Case("limits", "TIMEOUT and dump", arch, 2, run_limits, 8, waits=True,
                   images=[(f"tests/kernel/{name}.c", arch, {}) for name in ("idle", "hog")])
        # The kernel is to be there: two makes at the same time would both compile it.
        yield Case("build", "outside the tree", arch, 2, run_outside, 6, images=[(args, arch, {})])
