"""Who the knot of a deadlock is: knots.c has the deadlocks, and examples/dining.c its philosophers."""

import re

from harness.machine import ARCHES, HOST, boot, builder
from harness.suite import Case, Check

PROGRAM, DINING = "tests/knots/knots.c", "examples/dining.c"

HEAD = re.compile(r"^knot: (\d+) coroutines wait for each other:$")
MEMBER = re.compile(r'^(\d+) "(.+?)" waits for ([a-z ]+?)(?: 0x[0-9a-f]+)?(?: (held|reached) by (\d+) "(.+)")?$')
SHOWN = 20 # lines, then "and N more"

# The names of each knot; and how many of their lines say who holds, or reaches, what is waited for. The lines are in
# the order of the numbers, which a coroutine that is preempted may take from two cores: the order says nothing.
KNOTS = {
    "mutexes": ([("in a", "in b")], {"held": 2}),
    "two": ([("in a", "in b"), ("in c", "in d")], {"held": 4}),
    "channels": ([("in a", "in b", "in c")], {"reached": 3}),
    "workers": ([], {}),
    "selects": ([("in client", "in server", "in server")], {"reached": 3}),
    "locked": ([("in receiver", "in sender")], {"held": 1, "reached": 1}),
    "main": ([("in worker", "in worker", "main")], {"reached": 3}),
}
# A kernel that names no holder goes by pointers, and whoever waits outside of this knot has the mutexes on its stack, too.
WITHOUT_HOLDERS = "mutexes"


def told(text):
    """The knots of a report: (how many, the lines of those that are shown, "and N more"); each is behind the dump."""
    knots = []
    for line in text.replace("\r", "").splitlines():
        if HEAD.match(line):
            knots.append([int(HEAD.match(line)[1]), [], 0])
        elif knots and MEMBER.match(line):
            knots[-1][1].append(MEMBER.match(line).groups())
        elif knots and re.match(r"^and \d+ more$", line):
            knots[-1][2] += int(line.split()[1])
    return knots


def names_of(knots):
    return sorted(tuple(sorted(line[1] for line in members)) for _, members, _ in knots)


def run_one(case, name, **variables):
    image = builder.image(PROGRAM, case.arch, **variables)
    return boot(image, ARCH=case.arch, SMP=case.smp, MEM="64M", ARGS=name)


def is_right(run, name):
    names, ways = KNOTS[name]
    knots = told(run.text)
    lines = [line for _, members, _ in knots for line in members]
    found = names_of(knots)
    others = {line[0] for line in lines}
    return (run.status == 134 and found == names and all(count == len(members) for count, members, _ in knots)
            and {way: sum(line[3] == way for line in lines) for way in ways} == ways
            and all(line[4] in others for line in lines if line[3]))


def run_knots(case):
    checks = []
    for name in KNOTS:
        run = run_one(case, name)
        checks.append(Check(f"{name}: those of the knot, and nobody else", is_right(run, name),
                            f"status {run.status}, {told(run.text)}", run.text))
    run = run_one(case, "short")
    checks.append(Check("where memory is short, the rest of the report, and a line about it",
                        run.status == 134 and re.search(r'^coroutine \d+ "in a" waits: mutex lock ', run.text, re.M)
                        and re.search(r"^knot: no memory to look for it: it takes \d+ KB\r?$", run.text, re.M),
                        f"status {run.status}", run.text))
    return checks


def run_dining(case):
    run = boot(builder.image(DINING, case.arch), ARCH=case.arch, SMP=case.smp, ARGS="wrong")
    knots = told(run.text)
    want = [tuple(f"philosopher {seat}" for seat in range(1, 6))]
    found = names_of(knots)
    held = [int(line[5][-1]) == int(line[1][-1]) % 5 + 1 for line in knots[0][1] if line[3]] if knots else []
    return [Check("the five philosophers are the knot", run.status == 134 and found == want and held == [True] * 5,
                  f"status {run.status}, {knots}", run.text)]


def run_many(case):
    image = builder.image(PROGRAM, case.arch)
    run = boot(image, limit=60, ARCH=case.arch, SMP=case.smp, MEM="512M", ARGS="many")
    knots = told(run.text)
    return [Check("of 40000 coroutines the half that is in a circle, and no more than some lines",
                  [knot[0] for knot in knots] == [20000] and len(knots[0][1]) == SHOWN
                  and knots[0][2] == 20000 - SHOWN, f"status {run.status}, {knots}", run.text[-3000:])]


def run_plant(case):
    """A kernel that forgets who holds what must be noticed."""
    runs = {name: run_one(case, name, PLANT="forgotten-holder") for name in KNOTS}
    wrong = [name for name in KNOTS if not is_right(runs[name], name)]
    return [Check(f"knots.c catches forgotten-holder: {WITHOUT_HOLDERS}: those of the knot, and nobody else",
                  WITHOUT_HOLDERS in wrong and all(run.status == 134 for run in runs.values()), f"wrong: {wrong}",
                  "".join(run.text for run in runs.values()))]


def cases(tier):
    if tier != "fast":
        return
    for arch, smp in (*((arch, 4) for arch in ARCHES), (HOST, 2)):
        yield Case("knot", "who waits for whom", arch, smp, run_knots, cost=12, images=[(PROGRAM, arch, {})])
        yield Case("knot", "dining.c", arch, smp, run_dining, cost=2, images=[(DINING, arch, {})])
    yield Case("knot", "many", HOST, 2, run_many, cost=6, images=[(PROGRAM, HOST, {})])
    yield Case("knot", "planted fault forgotten-holder", "x86_64", 2, run_plant, cost=10,
               images=[(PROGRAM, "x86_64", {"PLANT": "forgotten-holder"})])
