"""Cases, and running them: two at a time, and one that mostly waits; TAP on standard output."""

import queue
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable

from . import host
from .machine import BuildError, builder

CONSOLE_LINES = 150  # of a failure, at its end
REASON_LINES = 3     # of a failure, when it is named once more


@dataclass
class Check:
    """One result: why and console are shown when it has failed."""
    name: str
    ok: bool
    why: str = ""
    console: str = ""


@dataclass
class Case:
    """Something to run, which gives one check or more."""
    area: str
    name: str
    arch: str
    smp: int
    run: Callable[["Case"], list[Check]]
    cost: float = 3          # seconds, roughly: cheap ones come first
    waits: bool = False      # mostly, and measures no time: it runs beside the others
    tiers: tuple = ("fast",)
    images: list = field(default_factory=list)  # (app, arch, options) it will need

    @property
    def title(self):
        return f"{self.arch} smp{self.smp} {self.area}: {self.name}"


def at_once(function, *arguments):
    """What function returns for each of the arguments, in their order: for what mostly waits, each for itself."""
    with ThreadPoolExecutor(max_workers=20) as pool:
        return list(pool.map(function, *arguments))


def reason(check):
    """The first lines of why a check has failed, with the line of a panic; or the last of the console."""
    console = [line.strip() for line in check.console.splitlines() if line.strip()]
    if not check.why.strip():
        return console[-REASON_LINES:]
    panics = [line for line in console if line.startswith("panic: ")][:1]
    return check.why.strip().splitlines()[:REASON_LINES] + panics


class Report:
    """Numbers the checks, prints them, counts; closes with what has failed, where who sees only the
    end of a long run sees it."""

    def __init__(self, verbose, out=sys.stdout):
        self._lock = threading.Lock()
        self._verbose = verbose
        self._out = out
        self._failures = []
        self.passed = self.failed = 0

    def add(self, case, checks, seconds):
        with self._lock:
            shown = ""
            for check in checks:
                number = self.passed + self.failed + 1
                title = f"{case.arch} smp{case.smp} {case.area}: {check.name}"
                if check.ok:
                    self.passed += 1
                    print(f"ok {number} - {title}", file=self._out)
                    continue
                self.failed += 1
                self._failures.append((title, reason(check)))
                print(f"not ok {number} - {title}", file=self._out)
                for line in check.why.splitlines():
                    print(f"# {line}", file=self._out)
                if check.console and check.console != shown:
                    shown = check.console
                    lines = shown.splitlines()
                    if len(lines) > CONSOLE_LINES:
                        print(f"#   ... {len(lines) - CONSOLE_LINES} lines before", file=self._out)
                    for line in lines[-CONSOLE_LINES:]:
                        print(f"#   {line}", file=self._out)
            if self._verbose:
                print(f"# {case.title}: {seconds:.1f} s", file=sys.stderr)
            self._out.flush()

    def close(self):
        print(f"1..{self.passed + self.failed}", file=self._out)
        for title, lines in self._failures:
            print(f"# failed: {title}", file=self._out)
            for line in lines:
                print(f"# failed:   {line}", file=self._out)
        print(f"{self.passed} passed, {self.failed} failed", file=self._out, flush=True)


def run_case(case):
    """The checks of a case; an error in the test itself is a failure too."""
    try:
        return case.run(case)
    except BuildError as error:
        return [Check(f"{case.name}: builds", False, "", str(error))]
    except Exception:  # pylint: disable=broad-except
        return [Check(f"{case.name}: the test itself works", False, traceback.format_exc())]


def run_all(cases, jobs, verbose):
    """Runs them, each when its images are there: so many at a time, cheap ones first, and one of those that mostly
    wait, whose images are built first, as they are to be through before the others. True when all have passed."""
    report = Report(verbose)

    def one(case):
        start = time.monotonic()
        checks = run_case(case)
        report.add(case, checks, time.monotonic() - start)

    ready = {False: queue.SimpleQueue(), True: queue.SimpleQueue()} # by case.waits

    def wait_for(case, images):
        if images:
            images[0].add_done_callback(lambda _: wait_for(case, images[1:]))
        else:
            ready[case.waits].put(case)

    def work(waits, workers):
        with ThreadPoolExecutor(max_workers=workers) as pool:
            list(pool.map(one, (ready[waits].get() for case in cases if case.waits == waits)))

    for case in sorted(cases, key=lambda c: (not c.waits, c.cost)):
        wait_for(case, [builder.request(app, arch, **options) for app, arch, options in case.images])
    at_once(work, (False, True), (jobs, 1))
    report.close()
    return report.failed == 0
