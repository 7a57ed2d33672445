"""Runs programs in turns and gathers the numbers they print."""

import os
import statistics
import subprocess

from . import build

LIMIT = 120  # seconds for one run; the longest takes a tenth of that
MEMORY = "8G"


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
                stderr=subprocess.PIPE, text=True, timeout=LIMIT, check=False,
                preexec_fn=lambda: os.sched_setaffinity(0, self.processors))
        except subprocess.TimeoutExpired:
            self.failure = f"not done after {LIMIT} s"
            return
        if run.returncode:
            last = (run.stderr or run.stdout).strip().splitlines()[-1:]
            self.failure = f"status {run.returncode}: {' '.join(last)}"
            return
        for line in run.stdout.splitlines():
            name, value, _unit = line.split()
            self.values.setdefault(name, []).append(float(value))

    def result(self, name):
        """The median with the extremes, or the reason why there is none."""
        values = self.values.get(name)
        if self.failure or not values:
            return {"failed": self.failure or f"printed no {name}"}
        return {"median": statistics.median(values), "min": min(values), "max": max(values),
                "values": values}


def programs(row):
    """What runs for a row: {who: Program}."""
    name, *arguments = row.program.split()
    vole = Program([build.ours(name), *arguments], row.cores, SMP=str(row.cores), MEM=MEMORY,
                   ARGS="", TIMEOUT=str(LIMIT))
    go = Program([build.go(name), *arguments], row.cores, GOMAXPROCS=str(row.cores))
    return {"vole": vole, "go": go}


def measure(row, runs):
    """{who: Program} after so many runs each, in turns."""
    contest = programs(row)
    for _ in range(runs):
        for program in contest.values():
            program.run()
    return contest
