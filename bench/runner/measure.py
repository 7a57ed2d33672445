"""Runs programs in turns and gathers the numbers they print."""

import os
import statistics
import subprocess

from . import build

LIMIT = 120  # seconds for one run; the longest takes a tenth of that

# Choices for the process, and for qemu/run: one core, on which an instruction takes a nanosecond.
PROCESS = {"MEM": "8G", "ARGS": "", "TIMEOUT": str(LIMIT)}
ICOUNT = {"SMP": "1", "MEM": "512M", "MACHINE": "q35", "CPU": "max", "ACCEL": "tcg,thread=single",
          "INPUT": "none", "TIMEOUT": str(LIMIT), "FILES": "", "NET": "",
          "QEMU_EXTRA": "-icount shift=0,sleep=off -rtc base=2000-01-01,clock=vm"}


class Program:
    """One of those that are compared: how it is started, and what it has printed so far."""

    def __init__(self, words, cores, **env):
        self.words = [str(word) for word in words]
        self.env = {**os.environ, **env}
        # The last processors: interrupts often go to the first.
        self.processors = sorted(os.sched_getaffinity(0))[-cores:]
        self.values = {}  # name: one number for each run
        self.failure = None
        if len(self.processors) < cores:
            self.failure = f"needs {cores} processors"

    def run(self):
        if self.failure:
            return
        try:
            run = subprocess.run(
                self.words, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, timeout=LIMIT + 5, check=False,
                preexec_fn=lambda: os.sched_setaffinity(0, self.processors))
        except subprocess.TimeoutExpired:
            self.failure = f"not done after {LIMIT} s"
        except OSError as error:
            self.failure = str(error)
        else:
            self.take(run)

    def take(self, run):
        """What a run has printed: lines of a name, a value and a unit."""
        if run.returncode:
            last = (run.stderr or run.stdout).strip().splitlines()[-1:]
            self.failure = f"status {run.returncode}: {' '.join(last)}"
            return
        for line in run.stdout.splitlines():
            try:
                name, value, _unit = line.split()
                self.values.setdefault(name, []).append(float(value))
            except ValueError:
                self.failure = f"printed: {line}"

    def result(self, name):
        """The median with the extremes, or the reason why there is none."""
        values = self.values.get(name)
        if self.failure or not values:
            return {"failed": self.failure or f"printed no {name}"}
        return {"median": statistics.median(values), "min": min(values), "max": max(values),
                "values": values}


def program(row, before, built, arguments, **env):
    """What is built by a function, once it is; before: words to start it with."""
    try:
        return Program([*before, built(), *arguments], row.cores, **env)
    except build.Failure as failure:
        broken = Program([], row.cores)
        broken.failure = str(failure)
        return broken


def programs(row):
    """What runs for a row: {who: Program}."""
    name, *arguments = row.program.split()
    if row.icount:
        return {"vole": program(row, [build.ROOT / "qemu" / "run"],
                                lambda: build.ours(name, "x86_64"), [], **ICOUNT,
                                ARGS=" ".join(arguments))}
    cores = str(row.cores)
    contest = {"vole": program(row, [], lambda: build.ours(name, "host"), arguments, **PROCESS,
                               SMP=cores),
               "go": program(row, [], lambda: build.go(name), arguments, GOMAXPROCS=cores)}
    for peer in row.peers:
        contest[peer] = program(row, [], lambda: build.peer(peer), [name, *arguments])
    return contest


def measure(row, runs):
    """{who: Program} after so many runs each, in turns."""
    contest = programs(row)
    for _ in range(runs):
        for one in contest.values():
            one.run()
    return contest
