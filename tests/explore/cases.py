"""
What the explorer is to find, and what it is to leave alone: the programs of this folder, the programs of
tests/kernel with little work each, and the kernel with a planted fault.
"""

from harness.machine import builder
from harness.suite import Case, Check

from .machine import FOLDER, SIM, explore, faulty, first_failure, replay, right

ENOUGH = 2000  # runs in which every fault is found
STORY = 30     # lines, at most

# Runs of a right program: in make test-explore, and in make test-long.
RUNS = {"explore": 500, "long": 10000}

# Programs of tests/kernel, with a hundredth of their work: the runs on each number of cores. Those are
# left out that look at how long something takes, or at how much memory is in use.
CORES = (1, 2, 3, 4)
PART = 100
KERNEL = {
    "cancel.c": 100,
    "cancel_stress.c": 60,
    "chan.c": 60,
    "chan_stress.c": 60,
    "chaos.c": 100,
    "future.c": 60,
    "gen.c": 60,
    "go.c": 40,
    "lifetime.c": 60,
    "ported.c": 40,
    "rwlock.c": 100,
    "select.c": 20,
    "sockets_calls.c": 60,
    "steal.c": 30,
    "sync.c": 60,
    "wakeups.c": 80,
}

# Planted fault: the program that finds it, and its arguments.
PLANTS = {
}


def run_fault(case):
    kinds = faulty()[case.name]
    program = f"{FOLDER}/{case.name}.c"
    found = explore(builder.image(program, SIM), program, RUNS=ENOUGH, SMP=case.smp)
    checks = [Check(f"{case.name} fails: {' or '.join(kinds)}, in {found.runs} runs", found.kind in kinds,
                    f"{found.kind or 'nothing'}, status {found.status}", found.text),
              Check(f"{case.name} has a story of at most {STORY} lines", 1 <= len(found.story) <= STORY,
                    f"{len(found.story)} lines", found.text)]
    told = replay(found)
    checks.append(Check(f"{case.name}: the replay fails in the same way, each time",
                        all(one == told[0] for one in told) and len(told[0]) == 2 and
                        f"failure: {found.kind}" in told[0], f"{found.word('replay')}\n{told}"))
    return checks


def run_right(case, runs):
    program = f"{FOLDER}/right/{case.name}.c"
    found = explore(builder.image(program, SIM), program, RUNS=runs, SMP=case.smp)
    return [Check(f"{case.name}: no failure in {runs} runs", found.clean == runs,
                  f"status {found.status}", found.text)]


def run_kernel(case, runs):
    program = f"tests/kernel/{case.name}"
    found = explore(builder.image(program, SIM), program, RUNS=runs, SMP=case.smp,
                    ARGS=f"smp={case.smp} scale=1/{PART}")
    return [Check(f"{case.name}: no failure in {runs} runs", found.clean == runs,
                  f"status {found.status}", found.text)]


def run_plant(case, program, arguments):
    image = builder.image(program, SIM, PLANT=case.name)
    kind, seed = first_failure(image, RUNS=ENOUGH, SMP=case.smp, MEM="64M", ARGS=arguments)
    return [Check(f"{program} finds {case.name}: {kind}, in {seed} runs", bool(kind),
                  f"no failure in {ENOUGH} runs")]


def fault_case(name):
    return Case("explore", name, SIM, 2, run_fault, 6, images=[(f"{FOLDER}/{name}.c", SIM, {})])


def cases(tier):
    if tier == "explore":
        for name in faulty():
            yield fault_case(name)
        for name, (program, arguments) in PLANTS.items():
            yield Case("planted fault", name, SIM, 2,
                       lambda case, p=program, a=arguments: run_plant(case, p, a), 15,
                       images=[(program, SIM, {"PLANT": name})])
        for name, runs in KERNEL.items():
            for smp in CORES:
                yield Case("explore", name, SIM, smp,
                           lambda case, runs=runs: run_kernel(case, runs), 10,
                           images=[(f"tests/kernel/{name}", SIM, {})])
    for name in right() if tier in RUNS else ():
        yield Case("explore right", name, SIM, 2, lambda case: run_right(case, RUNS[tier]), 8,
                   images=[(f"{FOLDER}/right/{name}.c", SIM, {})])
