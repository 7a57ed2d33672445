"""
Planted faults: a kernel that is wrong on purpose must fail the check named here, or panic with the
words named here. A program that hangs, dies of something else or fails another check has not caught
the fault: nobody would know from it what is wrong.
"""

import io
import re
import time

from .kernel import MEMORY, printed, results
from .machine import Run, boot, builder, command, interrupted
from .suite import Case, Check, Report

PANIC = "panic: " # what begins so is the line of a panic; <n> in it is any number
TOO_DEEP = 'panic: coroutine <n> "small" has used <n> bytes of its stack, of <n> that were found'

# Fault, program, architecture, cores, and what catches it: a check of the program, or a panic's line.
PLANTS = (
    ("lost-wakeup", "wakeups.c", "x86_64", 4, "no wake-up is lost"),
    ("vector-register", "regs", "arm64", 2,
     "registers are kept through preemption: pinned; v0 to v31, FPCR, FPSR, NZCV"),
    ("double-steal", "steal.c", "x86_64", 4, "who was stolen and waits is nobody's to run"),
    ("on-core", "chan_stress.c", "arm64", 4,
     "panic: page fault: read from 0x00000000000000a0 (NULL pointer)"), # beyond sp, which is NULL
    ("select-two-arms", "select_stress.c", "x86_64", 2, "what was sent is what was received"),
    ("skip-fifo", "chan.c", "arm64", 1, "receivers are served in the order in which they came"),
    ("lost-cancel", "select_stress.c", "x86_64", 4,
     "a cancelled call has not sent and has not received"),
    ("early-timer", "timer.c", "arm64", 2, "4000 timers fire once each, none early"),
    ("close-forgets", "chan.c", "x86_64", 2,
     "closing wakes every receiver with -EPIPE and a zero"),
    ("trust-device", "virtio", "arm64", 2,
     "a card that writes to a buffer that is to be read is out of service"),
    ("lost-interrupt", "virtio", "x86_64", 4, "no frame stays with a card"),
    ("claim-order", "select_stress.c", "arm64", 4,
     "a wait ends once: by its deadline, or by who sends"),
    ("read-twice", "sockets.c", "x86_64", 2, "a megabyte each way at the same time, IPv4"),
    ("short-bound", "depth.c", "x86_64", 2, TOO_DEEP),
    ("short-bound", "depth.c", "arm64", 1, TOO_DEEP),
    ("lost-reset", "sockets.c", "arm64", 1, "a reset is told once; then there is the end"),
    ("forgotten-timer", "leaks.c", "x86_64", 2, "who sleeps, or has a deadline, has not leaked"),
)


def caught(run, mark):
    """Whether mark, a check's name or a panic's first line, is what run shows of the fault."""
    if mark.startswith(PANIC):
        line = re.escape(mark).replace("<n>", r"\d+")
        return run.status == 134 and re.search(rf"^{line}\r?$", run.text, re.M) is not None
    return any(check.name == mark and not check.ok for check in printed(run))


def instead(run, mark):
    """What a run shows that has not caught its fault."""
    failed = [check for check in results(run) if not check.ok]
    shown = [f"failed: {check.name}: {check.why}" for check in failed]
    shown += re.findall(rf"^{PANIC}.*", run.text, re.M)
    return "\n".join([f"not seen: {mark}", f"status {run.status}, after {run.seconds:.0f} s",
                      *(shown or ["all checks have passed"])])


def until_failed(image, mark, **options):
    """A run that is ended when the check mark has failed: what the fault does to those behind it, such as waiting
    for ever, shows nothing more."""
    words, env = command(image, TIMEOUT=45, DUMP_AFTER=40, **options)
    start = time.monotonic()
    status, text = interrupted(words, env, f"not ok - {mark}: ", limit=60)
    return Run(status, text.encode(), time.monotonic() - start, status == 124)


def run_plant(case, program, mark):
    image = builder.image(f"tests/kernel/{program}", case.arch, **build(case.name))
    options = {"ARCH": case.arch, "SMP": case.smp, "MEM": MEMORY, "ARGS": f"smp={case.smp}"}
    run = boot(image, limit=40, **options) if mark.startswith(PANIC) else until_failed(image, mark, **options)
    return [Check(f"{program} catches {case.name}: {mark.removeprefix(PANIC)}", caught(run, mark),
                  instead(run, mark), run.text)]


def build(fault):
    return {"PLANT": fault, **({"BUILD": "painted"} if fault == "short-bound" else {})}


# What a machine printed, its status, whether it hung; and whether that catches the marks below.
CHECK, DEATH = "values arrive", PANIC + "the heap is damaged"
RUNS = (
    ("1..2\nok - begins\nnot ok - values arrive: see above (line 3)\n", 1, False, True, False),
    ("1..2\nok - begins\nok - values arrive\n", 0, False, False, False),
    ("1..2\nnot ok - begins: see above (line 3)\nok - values arrive\n", 1, False, False, False),
    ("1..2\nnot ok - values arrive in order: see above (line 3)\n", 1, False, False, False),
    ("1..2\nok - begins\n", 124, True, False, False),
    ("", 125, False, False, False),
    ("", 1, False, False, False),
    ("1..2\nok - begins\npanic: the heap is damaged\r\n", 134, False, False, True),
    ("1..2\nok - begins\npanic: the heap is damaged here\n", 134, False, False, False),
    ("1..2\nok - begins\n# panic: the heap is damaged\n", 134, False, False, False),
    ("1..2\npanic: the heap is damaged\n", 124, True, False, False),
    ("1..2\npanic: deadlock\n", 134, False, False, False),
)


def run_judge(_):
    """The judge itself: what counts, and what does not."""
    wrong = []
    for text, status, hung, *want in RUNS:
        run = Run(status, text.encode(), 1, hung)
        if [caught(run, CHECK), caught(run, DEATH)] != want:
            wrong.append(f"status {status}, {text!r}: {want} is right")
    return [Check("only what is named for a fault counts as its catch", not wrong, "\n".join(wrong))]


def run_report(case):
    """A failure is told where it happens, and once more before the last line."""
    out = io.StringIO()
    report = Report(False, out)
    report.add(case, [Check("builds", False, "", "make: first\nmake: last\n"), Check("begins", True),
                      Check("ends", False, "status 134\n1\n2\n3", "begins\npanic: as asked\n")], 0)
    report.add(case, [Check("goes on", True)], 0)
    report.close()
    title = f"{case.arch} smp{case.smp} {case.area}:"
    want = ["1..4", f"{title} builds", "  make: first", "  make: last", f"{title} ends", "  status 134",
            "  1", "  2", "  panic: as asked", "2 passed, 2 failed"]
    want = want[:1] + [f"# failed: {line}" for line in want[1:-1]] + want[-1:]
    return [Check("what has failed is named once more at the end", out.getvalue().splitlines()[-10:] == want,
                  out.getvalue())]


def cases(tier):
    if tier != "fast":
        return
    yield Case("planted fault", "the judge", "x86_64", 1, run_judge, cost=1)
    yield Case("planted fault", "the report", "x86_64", 1, run_report, cost=1)
    for fault, program, arch, smp, mark in PLANTS:
        yield Case("planted fault", fault, arch, smp,
                   lambda case, p=program, m=mark: run_plant(case, p, m), cost=100,
                   images=[(f"tests/kernel/{program}", arch, build(fault))])
