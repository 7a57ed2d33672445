"""The simulated machine: the same seed is the same run; and the explorer, on programs with a fault."""

import os
import re
import shutil
import subprocess
import tempfile

from explore.cases import fault_case
from harness.kernel import results
from harness.machine import ROOT, boot, builder, clean_environment, make
from harness.suite import Case, Check

SIM = "sim"
PINGPONG = "examples/pingpong.c"

# Programs in tests/explore: a few of what `make test-explore` runs.
FAULTS = ("aba", "check-then-act", "double-check", "left-too-soon", "lock-order", "lost-update",
          "lost-wakeup", "urgent-polls")

STRATEGIES = ("random", "sticky", "pct", "pos", "urw")

# Programs of tests/kernel that do not look at how long something takes.
PROGRAMS = ("chan.c", "select.c", "sync.c", "cancel.c", "rwlock.c")


def run_sim(image, folder, **options):
    """What it printed on both, and its status, run in a folder."""
    done = subprocess.run([str(image)], cwd=folder, env=clean_environment(**options), check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout, done.returncode


def run_same(case):
    image = builder.image(PINGPONG, SIM)
    checks, all_runs = [], set()
    with tempfile.TemporaryDirectory() as folder:
        other = shutil.copy(image, os.path.join(folder, "another-name"))
        for seed in range(1, 9):
            options = {"SEED": seed, "SMP": case.smp, "ARGS": 100}
            first = run_sim(image, ROOT, **options)
            # Elsewhere, under another name, with more in its environment.
            second = run_sim(other, folder, **options, WORDS="x" * 5000)
            all_runs.add(first)
            checks.append(Check(f"seed {seed} is the same run in another folder",
                                first == second and b"decisions: " in first[0],
                                f"{first}\n{second}"))
    checks.append(Check("other seeds are other runs", len(all_runs) > 4, f"{len(all_runs)} of 8"))
    return checks


def run_program(case):
    image = builder.image(f"tests/kernel/{case.name}", SIM)
    checks = []
    for seed in (1, 2):
        run = boot(image, limit=90, ARCH="host", SMP=case.smp, MEM="512M", SEED=seed, STEPS=1000000000,
                   ARGS=f"smp={case.smp}")
        checks += results(run)
    return checks


def explore(program, *options):
    return make("-s", "explore", f"APP={program}", *options, limit=200)


def run_right(case):
    run = explore(PINGPONG, "RUNS=300", f"SMP={case.smp}", "ARGS=20")
    return [Check("a program that is right has no failure",
                  run.status == 0 and run.text.endswith("300 executions, no failure\n"),
                  f"status {run.status}", run.text)]


def run_no_harm(case):
    run = explore(PINGPONG, "RUNS=200", f"SMP={case.smp}", "ARGS=20", "FAULTS=late,stall,net,input")
    return [Check("late interrupts and cores that stand still do no harm",
                  run.status == 0 and run.text.endswith("200 executions, no failure\n"), "", run.text)]


def run_strategy(case):
    run = explore("tests/explore/lost-update.c", "RUNS=3000", f"SMP={case.smp}", f"STRATEGY={case.name}")
    found = dict(re.findall(r"^(failure|replay): (.*)$", run.text, re.MULTILINE))
    again = subprocess.run(found.get("replay", "false"), shell=True, cwd=ROOT, check=False,
                           env=clean_environment(), stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return [Check(f"{case.name} finds a lost update", "failure" in found, "", run.text),
            Check("so does its replay", f"failure: {found.get('failure')}" in again.stderr.splitlines(),
                  "", again.stderr)]


UNCHECKED = """
#include <stdlib.h>

int main(void)
{
	for (int i = 0; i < 5; i++) {
		volatile char *block = malloc(100);

		block[0] = 'x';
		free((void *)block);
	}
	return 0;
}
"""

ECHO = """
#include <stdio.h>

int main(void)
{
	for (int c; (c = getchar()) != EOF;)
		putchar(c);
	return 0;
}
"""


# What there is to undo behind a run: stacks that grow and are given back, those that main had, blocks,
# variables, thread-local ones, the C library's own.
MARKS = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

static char zeroes[100000], *kept;
static int seven = 7;
static __thread int mine = 3;

static int deep(int n)
{
	volatile char here[2000];

	memset((void *)here, n, sizeof here);
	return n ? deep(n - 1) + here[n] : 0;
}

static void part(void *arg)
{
	struct waitgroup *all = arg;

	if (mine != 3)
		exit(1);
	mine++;
	deep(20);
	time_sleep(NSEC_PER_SEC);
	waitgroup_done(all);
}

int main(void)
{
	static struct waitgroup all;

	if (seven++ != 7 || zeroes[50000]++ || kept || mine != 3)
		return 1;
	mine = 4;
	kept = malloc(3000);
	deep(40);
	for (int i = 0; i < 6; i++) {
		waitgroup_add(&all, 1);
		go(part, &all);
	}
	waitgroup_wait(&all);
	return printf("%s\\n", strtok(strcpy(kept, "a b c"), " ")) != 2;
}
"""

# SIGKILL for itself, in one schedule.

HASHES = re.compile(r"^seed: (\d+)\ndecisions: (\w+)$", re.M)


def program_of(folder, name, text):
    source = os.path.join(folder, name)
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    return source


def run_undone(case):
    """A run is the same behind others, in their process, as alone."""
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        marks = program_of(folder, f"marks-on-{case.smp}.c", MARKS)
        killed = explore("tests/explore/port/odd.c", f"SMP={case.smp}", "ARGS=handler", "RUNS=300").text
        for program, more in ((marks, {}), (PINGPONG, {"ARGS": 20}), (PINGPONG, {"ARGS": 20, "FAULTS": "late,stall,input"}),
                              ("tests/explore/right/pool-of-tasks.c", {"MODEL": "sc"})):
            image, options = builder.image(program, SIM), {"SMP": case.smp, **more}
            text, _ = run_sim(image, ROOT, **options, EXPLORE="hashes", RUNS=8)
            hashes = dict(HASHES.findall(text.decode()))
            alone = {seed: run_sim(image, ROOT, **options, SEED=seed)[0].decode() for seed in hashes}
            checks.append(Check(f"{os.path.basename(program)} {more}: a run is the same behind others",
                                len(hashes) > 1 and all(f"decisions: {hashes[s]}\n" in alone[s] for s in hashes),
                                "", f"{text.decode()}\n{alone}"))
    checks.append(Check("a run that breaks its interrupt stack has failed, with a story",
                        "failure: panic" in killed and re.search(r"^seed: \d+$", killed, re.M) and
                        "end of story" in killed, "", killed))
    return checks


def run_troubles(case):
    """What goes wrong on purpose is found by who does not expect it, and harms nobody else."""
    with tempfile.TemporaryDirectory() as folder:
        source = program_of(folder, "unchecked.c", UNCHECKED)
        fails = explore(source, "RUNS=300", f"SMP={case.smp}", "FAULTS=memory").text
        right = explore(source, "RUNS=30", f"SMP={case.smp}", "FAULTS=late,stall,net,input").text
        image = builder.image(program_of(folder, "echo.c", ECHO), SIM)
        text = bytes(range(256)) * 20
        came = [subprocess.run([str(image)], env=clean_environment(FAULTS="input", SEED=seed, SMP=case.smp),
                               check=False, input=text, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL).stdout for seed in range(1, 6)]
    return [Check("an allocation that fails is found where nobody looks",
                  "failure: panic" in fails and re.search(r"^allocation \d+ of the run fails$", fails, re.M),
                  "", fails),
            Check("a program without allocations has no failure", "30 executions, no failure" in right,
                  "", right),
            Check("input that comes in pieces comes whole", all(c == text for c in came),
                  f"{[len(c) for c in came]} of {len(text)} bytes")]


def run_gdb(case):
    """It stops where main begins, in the run that the seed makes without it."""
    run = make("-s", "gdb", f"ARCH={SIM}", f"APP={PINGPONG}", "SEED=7", f"SMP={case.smp}", "ARGS=20",
               "GDB_ARGS=-batch -ex list -ex 'break chan_close' -ex c -ex bt -ex c")
    plain, _ = run_sim(builder.image(PINGPONG, SIM), ROOT, SEED=7, SMP=case.smp, ARGS=20, MEM="64M")
    same = re.search(r"decisions: \w+", plain.decode())
    return [Check("gdb stops at main, and shows its source",
                  bool(re.search(r"^\d+\s+int rounds = ", run.text, re.M)), "", run.text),
            Check("gdb stops at a call, and knows who called",
                  bool(re.search(r"^#1 .* in main .* at examples/pingpong.c:\d+$", run.text, re.M)), "", run.text),
            Check("it is the same run", bool(same) and same[0] in run.text, "", run.text)]


def run_jobs(case):
    """Whatever is found first, the lowest seed counts."""
    runs = [explore("tests/explore/left-too-soon.c", "RUNS=3000", f"SMP={case.smp}", f"JOBS={jobs}").text
            for jobs in (1, 5)]
    return [Check("with JOBS=5 the same failure", runs[0] == runs[1] and "seed: " in runs[0],
                  "\n".join(runs))]


def run_wrong_options(case):
    image = builder.image(PINGPONG, SIM)
    checks = []
    for option in ("SEED=seven", "SMP=0", "SMP=9", "MEM=much", "STRATEGY=luck", "JOBS=0", "STEPS=-1", "STEPS=0", "RUNS=0",
                   "MODEL=weak", "FAULTS=luck", "FAULTS=late,luck", "FAULTS=late,"):
        name, value = option.split("=")
        text, status = run_sim(image, ROOT, **{"SMP": case.smp, name: value})
        checks.append(Check(f"{option} is refused in a line",
                            status == 2 and text.count(b"\n") == 1 and
                            text.startswith(f"vole: {name}".encode()),
                            f"status {status}", text.decode()))
    return checks


def cases(tier):
    if tier != "fast":
        return
    for smp in (1, 2):
        yield Case("explore", "same seed", SIM, smp, run_same, 3, images=[(PINGPONG, SIM, {})])
    for name in PROGRAMS:
        yield Case("explore", name, SIM, 2, run_program, 4, images=[(f"tests/kernel/{name}", SIM, {})])
    for name in FAULTS:
        yield fault_case(name)
    yield Case("explore", "right", SIM, 2, run_right, 4, images=[(PINGPONG, SIM, {})])
    for name in STRATEGIES:
        yield Case("explore", name, SIM, 2, run_strategy, 2,
                   images=[("tests/explore/lost-update.c", SIM, {})])
    for smp in (1, 2):
        yield Case("explore", "undone", SIM, smp, run_undone, 6, images=[(PINGPONG, SIM, {})])
    yield Case("explore", "troubles", SIM, 2, run_troubles, 5, images=[(PINGPONG, SIM, {})]) # for its kernel
    for smp in (1, 3):
        yield Case("explore", "faults and right", SIM, smp, run_no_harm, 2, images=[(PINGPONG, SIM, {})])
    yield Case("explore", "gdb", SIM, 2, run_gdb, 4, images=[(PINGPONG, SIM, {})])
    yield Case("explore", "jobs", SIM, 2, run_jobs, 4,
               images=[("tests/explore/left-too-soon.c", SIM, {})])
    yield Case("explore", "options", SIM, 2, run_wrong_options, 1, images=[(PINGPONG, SIM, {})])
