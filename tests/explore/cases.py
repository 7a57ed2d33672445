"""
What the explorer is to find, and what it is to leave alone: the programs of this folder, the programs of
tests/kernel with little work each, and the kernel with a planted fault.
"""

import json
import pathlib
import re
import subprocess
import tempfile

from harness.machine import ROOT, builder, clean_environment
from harness.suite import Case, Check

from .machine import FOLDER, SIM, explore, faulty, first_failure, replay, replays, right

ENOUGH = 2000  # runs in which every fault is found
STORY = 60     # lines, at most

# Runs of a right program: in make test-explore, and in make test-long.
RUNS = {"explore": 300, "long": 10000}

# Programs of tests/kernel, with a hundredth of their work: the runs on each number of cores. Those are
# left out that look at how long something takes, or at how much memory is in use.
CORES = (1, 2, 3, 4)
PART = 100
KERNEL = {
    "cancel.c": 50,
    "cancel_stress.c": 30,
    "chan.c": 30,
    "chan_stress.c": 30,
    "chaos.c": 50,
    "fair.c": 5,
    "future.c": 30,
    "gen.c": 30,
    "go.c": 20,
    "lifetime.c": 30,
    "ported.c": 20,
    "rwlock.c": 50,
    "select.c": 10,
    "sockets_calls.c": 30,
    "steal.c": 15,
    "sync.c": 30,
    "wakeups.c": 40,
}

# Planted fault: the program that finds it, and options. Not those of a machine's own registers, of a
# device that lies (vector-register, trust-device), and of exact stacks (short-bound).
MORE_STEPS = {"STEPS": 1000000000}
PLANTS = {
    "claim-order": ("tests/explore/right/one-arm-each.c", {}),
    "close-forgets": ("tests/kernel/chan.c", {}),
    "double-steal": ("tests/kernel/steal.c", {}),
    "early-timer": ("tests/explore/right/never-early.c", {}),
    "lost-cancel": ("tests/kernel/cancel_stress.c", {}),
    "lost-interrupt": ("tests/explore/right/stream-over-wire.c", {"NET": "wire"}),
    "lost-reset": ("tests/kernel/sockets.c", MORE_STEPS),
    "lost-wakeup": ("tests/kernel/wakeups.c", {}),
    "narrow-shift": ("tests/explore/right/never-early.c", {}),
    "on-core": ("tests/kernel/chan_stress.c", {}),
    "read-twice": ("tests/kernel/sockets.c", MORE_STEPS),
    "relaxed-unlock": ("tests/explore/right/mutex-counter.c", {}),
    "select-two-arms": ("tests/explore/right/select-with-deadline.c", {}),
    "skip-fifo": ("tests/kernel/chan.c", {}),
    "use-after-free": ("tests/explore/right/pool-of-tasks.c", {}),
}


# Programs with a fault of which edited/ has a later version.
EDITED = ("lock-order", "check-then-act")

# A planted fault of the explorer itself: the occurrences of a point are counted whatever the operation.
COUNTED = "all-count"

# Litmus tests (model/litmus.c): those of which C11 allows the outcome, which is to be seen; and the others.
LITMUS = "tests/explore/model/litmus.c"
ALLOWED = ("mp-relaxed", "mp-no-acquire", "mp-no-release", "mp-one-fence", "sb-relaxed", "sb-acquire-release",
           "sb-weak-fences", "iriw-relaxed", "iriw-acquire-release", "2+2w-relaxed", "2+2w-release",
           "sequence-store", "young", "compare-relaxed", "compare-old", "equal-weak", "causality-relaxed", "r-acquire-release")
FORBIDDEN = ("mp", "mp-fences", "sb", "sb-fences", "iriw", "2+2w", "coherence", "sequence", "counted", "old",
             "compare", "compare-seen", "equal", "causality", "r", "lb")
ONLY_WEAK = ("iriw-relaxed", "2+2w-relaxed", "mp-relaxed", "equal-weak", "causality-relaxed") # not where each load has the last store


def run_litmus(case):
    image, checks = builder.image(LITMUS, SIM), []
    for names, seen, model in ((ALLOWED, True, "c11"), (FORBIDDEN, False, "c11"), (ONLY_WEAK, False, "sc")):
        for name in names:
            found = explore(image, LITMUS, RUNS=ENOUGH if seen else 500, SMP=case.smp, ARGS=name, MODEL=model)
            checks.append(Check(f"{name}, MODEL={model}: is {'' if seen else 'never '}seen",
                                found.kind == ("status" if seen else ""),
                                f"{found.kind or 'nothing'}, status {found.status}", found.text))
    return checks


# port/odd.c: what a program may do that is not easily carried.
ODD = "tests/explore/port/odd.c"
CLASSES = "tests/explore/port/classes.cpp"
REFUSED = {"thread": "thread or process of the host: pthread_create", "call": "system call of the host"}


def run_odd(case):
    image, checks = builder.image(ODD, SIM), []

    def run(what, stdin="", **options):
        done = subprocess.run([str(image)], input=stdin, capture_output=True, text=True, check=False, cwd=ROOT,
                              env=clean_environment(**{"SMP": case.smp, "MEM": "64M", "ARGS": what, **options}))
        return done.returncode, done.stdout + done.stderr

    for what, name in REFUSED.items():
        line = f"vole: main: on a simulated machine there is no {name}\n"
        for options in {}, {"EXPLORE": 1}, {"EXPLORE": 1, "JOBS": 2}:
            told = run(what, **options)
            checks.append(Check(f"{what}, {options}: one line, and status 2", told == (2, line), str(told)))
    for value in "1", "1023K", "65G":
        told = run("", MEM=value)
        checks.append(Check(f"MEM={value}: one line, and status 2", told == (2, f"vole: MEM: 1M to 64G, not {value}\n"), str(told)))
    for value in "foo", "kernel/lock.h", "7", "lock.h:":
        told = explore(image, ODD, WEAKEN=value)
        checks.append(Check(f"WEAKEN={value}: one line, and status 2", (told.status, told.text) ==
                            (2, f"WEAKEN={value}: FILE:LINE[:ORDER] is wanted\n"), str(told)))
    told = explore(image, ODD, WEAKEN="kernel/lock.h:66:weak")
    checks.append(Check("WEAKEN= with an order that C11 does not have: one line, and status 2", (told.status, told.text) ==
                        (2, "WEAKEN=kernel/lock.h:66:weak: ORDER is one of relaxed, consume, acquire, release, acq_rel, seq_cst\n"),
                        str(told)))
    done = subprocess.run(["make", "-s", "explore", f"APP={ODD}", "ARCH=x86_64"], cwd=ROOT, text=True, capture_output=True,
                          check=False, env=clean_environment())
    checks.append(Check("explore for another machine: one line, and status 2", done.returncode == 2 and done.stderr.endswith(
        " *** ARCH=x86_64: make explore has no other machine than the simulated one, ARCH=sim.  Stop.\n"), done.stderr))
    for name, value in ("SEED", "7x"), ("RUNS", "-1"), ("SEED", "18446744073709551616"), ("MEM", "99999999999G"):
        told = run("", **{name: value})
        checks.append(Check(f"{name}={value}: one line, and status 2",
                            told == (2, f"vole: {name}: a number is wanted, not {value}\n"), str(told)))
    status, text = run("handler")
    checks.append(Check("a handler that fills its stack: a panic, with its lines", status == 134 and
                        re.search(r"interrupt stack overflow\n(.*\n)*failure: panic\ndecisions: \w+\n\Z", text),
                        f"status {status}", text))
    told = [run("handler") for _ in range(2)]
    checks.append(Check("and twice the same", told[0] == told[1], str(told)))
    seed = next((s for s in range(1, 50) if "failure: race" in run("input", "a\nb\n", SEED=s)[1]), 0)
    _, text = run("input", "a\nb\n", SEED=seed)
    checks.append(Check("a race that depends on input has two stacks",
                        len(re.findall(r"^(?:read|write) of 4 bytes .*\n  0x", text, re.MULTILINE)) == 2, text))
    for what, own, kind in ("left", 3, "leak"), ("left 7", 7, "status"):
        status, text = run(what, LEAKS=1)
        checks.append(Check(f"{what}: what has leaked, each place once, and status {own}", status == own and
                            re.findall(r'^leaked: .*$', text, re.MULTILINE) ==
                            [f'leaked: 3 × "answer" waiting for chan send, started at ask ({ODD}:70)'] and
                            f"failure: {kind}\n" in text, f"status {status}", text))
    silent = [seed for seed in range(1, 61) if "\npanic: gave up after 1\n" not in "\n" + run("panic", SEED=seed)[1]]
    checks.append(Check("a panic says why, whatever another core was about when it was stopped", not silent, str(silent)))
    status, text = run("spin", SEED=3)
    checks.append(Check("a run by hand that takes no step any more ends, too", status == 3 and
                        re.search(r"^failure: hang\n(.*\n)*decisions: \w+\n\Z", text, re.MULTILINE), f"status {status}", text))
    checks.append(Check("it says that it was not measured, so that the host's time decides nothing",
                        text.count("vole: a run takes too long to be measured; ") == 1, text))
    status, text = run("copy")
    checks.append(Check("a copy takes time, and so is bounded by steps", status == 0, f"status {status}", text))
    for options in {}, {"EXPLORE": 1, "RUNS": 3}:
        status, text = run("crowd", **options)
        checks.append(Check(f"5000 stacks, {options}: there is memory for all", status == 0, f"status {status}", text))
    status, text = run("guarded", EXPLORE=1, RUNS=200)
    checks.append(Check("a read behind a condition that does not hold is no race", status == 0, text))
    found = explore(builder.image(CLASSES, SIM), CLASSES, RUNS=100)
    checks.append(Check("objects of C++ become those of another class", found.clean == 100, found.text))
    return checks


def run_fault(case):
    kinds, options = faulty()[case.name]
    program = f"{FOLDER}/{case.name}.c"
    found = explore(builder.image(program, SIM), program, RUNS=ENOUGH, SMP=case.smp, **options)
    checks = [Check(f"{case.name} fails: {' or '.join(kinds)}, in {found.runs} runs", found.kind in kinds,
                    f"{found.kind or 'nothing'}, status {found.status}", found.text),
              Check(f"{case.name} has a story of at most {STORY} lines", 1 <= len(found.story) <= STORY,
                    f"{len(found.story)} lines", found.text)]
    told = replay(found)
    checks.append(Check(f"{case.name}: the replay fails in the same way, each time",
                        all(one == told[0] for one in told) and len(told[0]) == 2 and
                        f"failure: {found.kind}" in told[0], f"{found.word('replay')}\n{told}"))
    return checks


def edited(name):
    return f"{FOLDER}/edited/{name}-edited.c"


def run_edited(case):
    """A schedule of a program, in the program as it is after more work on it."""
    program, later = f"{FOLDER}/{case.name}.c", edited(case.name)
    builder.image(later, SIM)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "kept.schedule")
        found = explore(builder.image(program, SIM), program, RUNS=ENOUGH, SMP=case.smp, SCHEDULE=file)
        command = found.word("schedule")
        told = replays(command)
        checks = [Check(f"{case.name}: its schedule fails in the same way, each time", len(told[0]) == 2 and
                        told[0] == told[1] and told[0][0] == f"failure: {found.kind}", f"{command}\n{told}", found.text)]
        command = command.replace(program, later)
        told = replays(command)
        checks.append(Check(f"{later}: so it does there", len(told[0]) == 2 and told[0] == told[1] and
                            told[0][0] == f"failure: {found.kind}", f"{command}\n{told}", found.text))
        kept = json.loads(file.read_text(encoding="utf-8"))
        for event in kept["events"]:
            event["nth"] += 1000
        file.write_text(json.dumps(kept), encoding="utf-8")
        told = replays(command)
        checks.append(Check(f"{later}: nothing fails where no event is met", [len(one) for one in told] == [1, 1],
                            f"{command}\n{told}", found.text))
        file.write_text("{}", encoding="utf-8")
        done = subprocess.run(["make", "-s", "run", "ARCH=sim", f"APP={program}", f"SCHEDULE={file}"], cwd=ROOT, text=True,
                              capture_output=True, check=False, env=clean_environment(), stdin=subprocess.DEVNULL)
        checks.append(Check("what is no schedule is refused", done.returncode == 2 and done.stderr.startswith(
            f"SCHEDULE={file}: this is no schedule that make explore has written\nstatus 2\n"), done.stderr))
    return checks


def run_counted(case, name):
    """Where all operations count, a schedule means something else in the program as it is after more work on it."""
    program, later = f"{FOLDER}/{name}.c", edited(name)
    image = builder.image(program, SIM, PLANT=case.name)
    builder.image(later, SIM, PLANT=case.name)
    with tempfile.TemporaryDirectory() as folder:
        found = explore(image, program, RUNS=ENOUGH, SMP=case.smp, SCHEDULE=pathlib.Path(folder, "kept.schedule"))
        command = f"{found.word('schedule')} PLANT={case.name}"
        told = replays(command)
        checks = [Check(f"{program}: its schedule fails in the same way", told[0][:1] == [f"failure: {found.kind}"],
                        f"{command}\n{told}", found.text)]
        command = command.replace(program, later)
        told = replays(command)
        checks.append(Check(f"{later} finds {case.name}: its schedule does not fail there", [len(one) for one in told] == [1, 1],
                            f"{command}\n{told}", found.text))
    return checks


def run_right(case, runs):
    program = f"{FOLDER}/right/{case.name}.c"
    found = explore(builder.image(program, SIM), program, RUNS=runs, SMP=case.smp,
                    **{"LEAKS": 1, **right()[case.name]})
    return [Check(f"{case.name}: no failure in {runs} runs", found.clean == runs,
                  f"status {found.status}", found.text)]


def run_kernel(case, runs):
    program = f"tests/kernel/{case.name}"
    found = explore(builder.image(program, SIM), program, RUNS=runs, SMP=case.smp,
                    ARGS=f"smp={case.smp} scale=1/{PART}", **MORE_STEPS)
    return [Check(f"{case.name}: no failure in {runs} runs", found.clean == runs,
                  f"status {found.status}", found.text)]


def run_plant(case, program, options):
    image = builder.image(program, SIM, PLANT=case.name)
    kind, seed = first_failure(image, RUNS=ENOUGH, SMP=case.smp, MEM="64M",
                               ARGS=f"smp={case.smp} scale=1/{PART}", **options)
    return [Check(f"{program} finds {case.name}: {kind}, in {seed} runs", bool(kind),
                  f"no failure in {ENOUGH} runs")]


def fault_case(name):
    return Case("explore", name, SIM, 2, run_fault, 6, images=[(f"{FOLDER}/{name}.c", SIM, {})])


def cases(tier):
    if tier == "explore":
        yield Case("explore", "odd", SIM, 2, run_odd, 5, images=[(ODD, SIM, {}), (CLASSES, SIM, {})])
        yield Case("explore", "litmus", SIM, 4, run_litmus, 60, images=[(LITMUS, SIM, {})])
        for name in faulty():
            yield fault_case(name)
        for name in EDITED:
            yield Case("explore edited", name, SIM, 2, run_edited, 8,
                       images=[(f"{FOLDER}/{name}.c", SIM, {}), (edited(name), SIM, {})])
        for name, (program, options) in PLANTS.items():
            yield Case("planted fault", name, SIM, 2,
                       lambda case, p=program, o=options: run_plant(case, p, o), 15,
                       images=[(program, SIM, {"PLANT": name})])
        yield Case("planted fault", COUNTED, SIM, 2, lambda case: run_counted(case, EDITED[1]), 15,
                   images=[(program, SIM, {"PLANT": COUNTED})
                           for program in (f"{FOLDER}/{EDITED[1]}.c", edited(EDITED[1]))])
        for name, runs in KERNEL.items():
            for smp in CORES:
                yield Case("explore", name, SIM, smp,
                           lambda case, runs=runs: run_kernel(case, runs), 10,
                           images=[(f"tests/kernel/{name}", SIM, {})])
    for name in right() if tier in RUNS else ():
        yield Case("explore right", name, SIM, 2, lambda case: run_right(case, RUNS[tier]), 8,
                   images=[(f"{FOLDER}/right/{name}.c", SIM, {})])
