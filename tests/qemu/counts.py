"""Instructions per operation: none is more than 2 % above the last commit's bench/icount.txt."""

import sys

from harness.machine import ARCHES, ROOT
from harness.suite import Case, Check

sys.path.insert(0, str(ROOT / "bench"))
import counts  # pylint: disable=wrong-import-position


def run_counts(case):
    now = counts.measure(case.arch)
    worse = counts.risen(now, {k: v for k, v in counts.committed().items() if k[1] == case.arch})
    again = counts.measure(case.arch)
    return [Check("no operation takes 2 % more instructions than the last commit's file says",
                  bool(now) and not worse, "\n".join(worse)),
            Check("the counts are the same again", now == again, f"{now}\n{again}")]


def run_rule(_case):
    """What the comparison finds in made-up counts."""
    old = {("lock", "arm64"): 100, ("yield", "arm64"): 30, ("gone", "arm64"): 1}
    now = {("lock", "arm64"): 102, ("yield", "arm64"): 31, ("new", "arm64"): 5}
    found = counts.risen(now, old)
    ok = len(found) == 2 and found[0].startswith("gone ") and found[1].startswith("yield ")
    return [Check("2 % more passes; 3 % more, and a count that is gone, do not", ok, str(found))]


def cases(tier):
    if tier != "fast":
        return
    yield Case("counts", "the rule", "x86_64", 1, run_rule, 0)
    for arch in ARCHES:
        yield Case("counts", "instructions", arch, 1, run_counts, 4,
                   images=[("bench/icount", arch, {"BUILD": "release"})])
