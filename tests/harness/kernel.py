"""
tests/kernel: programs that print their own results, on every architecture and core count, and on
the host port.
"""

import re

from .machine import ARCHES, HOST, boot, builder
from .suite import Case, Check

MEMORY = "512M"
CORES = {**{arch: (1, 2, 4, 8) for arch in ARCHES}, HOST: (1, 2, 4)}
# In `fast`: two cores and four are each on one machine, and on the host port, where they are the real ones.
FAST_CORES = {"x86_64": (1, 2, 8), "arm64": (1, 4, 8), HOST: (1, 2, 4)}

# Program, and what it costs in seconds at one core in `fast`; how much more work in `long`.
PROGRAMS = {
    "go.c": (2, 8),
    "stack.c": (3, 10),
    "reserve.c": (2, 1),
    "giveback.c": (3, 1),
    "depth.c": (1, 1),
    "deep.c": (4, 1),
    "chan.c": (1, 1),
    "chan_stress.c": (4, 20),
    "select.c": (1, 5),
    "select_many.c": (2, 10),
    "select_stress.c": (1, 30),
    "sync.c": (3, 20),
    "group.c": (1, 20),
    "cancel.c": (1, 10),
    "rwlock.c": (1, 20),
    "time.c": (4, 5),
    "timer.c": (2, 5),
    "future.c": (1, 20),
    "gen.c": (1, 10),
    "irq.c": (1, 10),
    "lifetime.c": (2, 20),
    "churn.c": (1, 100),
    "fair.c": (1, 1),
    "cancel_stress.c": (1, 20),
    "alive.c": (1, 20),
    "leaks.c": (2, 5),
    "lookalikes.c": (2, 5),
    "ported.c": (1, 20),
    "preempt.c": (4, 5),
    "regs": (4, 30),
    "ownnames": (1, 1),
    "cxx": (1, 1),
    "wakeups.c": (4, 50),
    "steal.c": (4, 10),
    "runtime.c": (2, 1),
    "stdio.c": (4, 10),
    "library.c": (1, 1),
    "errno.c": (1, 1),
    "locals.c": (1, 10),
    "oom.c": (2, 1),
    "chaos.c": (4, 20),
    "sockets.c": (3, 10),
    "sockets_calls.c": (2, 10),
    "sockets_rules.c": (2, 10),
    "sockets_oom.c": (8, 1),
}

# Programs that only a sanitizer finds something with; slices.c: the host port without one, too.
SANITIZED = {"dumps.c": (1, 1), "slices.c": (1, 1), "descriptors.c": (1, 1)}

# Programs that fill memory, again and again: what there is of it is what they cost.
MEMORIES = {"deep.c": "160M", "giveback.c": "128M"}

# Programs that race nobody on purpose: what they look at is the same on two cores as on four, on four as on
# eight. In `fast` they run on one and on four, in `long` on all numbers of cores.
FEW = {"go.c", "stack.c", "reserve.c", "giveback.c", "depth.c", "deep.c", "chan.c", "select.c", "cancel.c",
       "rwlock.c", "time.c", "ported.c", "ownnames", "cxx", "library.c", "errno.c", "locals.c", "oom.c",
       "sockets.c", "sockets_calls.c", "sockets_rules.c", "sockets_oom.c"}
FEW_CORES = (1, 4)

# Programs that mostly wait: what was lost, as an allocation failed, comes again after a second.
WAITS = {"sockets_oom.c"}

# Programs that need an image of their own kind.
BUILDS = {"oom.c": {"BUILD": "failing"}, "sockets_oom.c": {"BUILD": "failing"}}

RESULT = re.compile(r"^(ok|not ok) - (.*?)\r?$", re.MULTILINE)
PLAN = re.compile(r"^1\.\.(\d+)\r?$", re.MULTILINE)


def printed(run):
    """The checks that a test program printed."""
    checks = []
    for verdict, name in RESULT.findall(run.text):
        ok = verdict == "ok"
        name, _, why = (name, "", "") if ok else name.rpartition(": ")
        checks.append(Check(name, ok, why, run.text))
    return checks


def results(run):
    """The same, and one more when it did not end as it should."""
    checks = printed(run)
    plan = PLAN.search(run.text)
    if run.hung:
        checks.append(Check("ends", False, f"hangs: ended after {run.seconds:.0f} s", run.text))
    elif plan is None:
        checks.append(Check("starts", False, f"no plan; status {run.status}", run.text))
    elif len(checks) != int(plan[1]):
        why = f"{len(checks)} results, {plan[1]} planned; status {run.status}"
        checks.append(Check("runs to its end", False, why, run.text))
    elif run.status != (0 if all(c.ok for c in checks) else 1):
        checks.append(Check("ends with 0", False, f"status {run.status}", run.text))
    return checks


LINE = re.compile(r"^line (\d+) (\d+) (\d+) (\d+) (.*)$")


def whole_lines(text):
    """What is wrong with the lines that stdio.c prints: each has its length and a sum."""
    wrong, seen = [], set()
    for line in text.split("\n"):
        if "line " not in line or line.startswith("#"):
            continue
        match = LINE.match(line)
        if not match:
            wrong.append(line)
            continue
        who, number, length, total = (int(x) for x in match.groups()[:4])
        if len(match[5]) != length or sum(match[5].encode()) != total or (who, number) in seen:
            wrong.append(line)
        seen.add((who, number))
    want = {(who, n) for who in range(1, 1001) for n in range(2)}
    want |= {(who, n) for who in range(1, 201) for n in range(2, 6)}
    wrong += [f"line {who} {n} is missing" for who, n in sorted(want - seen)]
    return wrong


def run_program(case, scale, options):
    image = builder.image(f"tests/kernel/{case.name}", case.arch, **options)
    limit = 90 if scale == 1 else 900
    run = boot(image, limit=limit, ARCH=case.arch, SMP=case.smp,
               MEM=MEMORIES.get(case.name, MEMORY), ARGS=f"smp={case.smp} scale={scale}")
    checks = results(run)
    if case.name == "stdio.c":
        wrong = whole_lines(run.text)
        checks.append(Check("every line comes out whole", not wrong,
                            f"{len(wrong)} are not:\n" + "\n".join(wrong[:10])))
    return checks


def program_case(name, arch, smp, scale=1, area="", **options):
    """The case of one program; options are make's variables."""
    cost, _ = {**PROGRAMS, **SANITIZED}[name]
    options.update(BUILDS.get(name, {}))
    return Case(area + name.removesuffix(".c"), name, arch, smp,
                lambda case: run_program(case, scale, options),
                cost=cost * (1 + smp / 8) * scale / (4 if arch == HOST else 1), waits=name in WAITS,
                images=[(f"tests/kernel/{name}", arch, options)])


def cases(tier):
    fast = tier == "fast"
    for name, (_, more) in PROGRAMS.items():
        for arch, cores in CORES.items():
            for smp in cores:
                if fast and smp not in (FEW_CORES if name in FEW else FAST_CORES[arch]):
                    continue
                # What lies beyond an exact stack is painted, and looked at: of what `fast` runs on machines, where one
                # image does for all numbers of cores; in `long` on two cores.
                painted = arch != HOST if fast else smp == 2
                options = {"BUILD": "painted"} if painted else {}
                yield program_case(name, arch, smp, 1 if fast else more, **options)
    yield program_case("slices.c", HOST, 1)
