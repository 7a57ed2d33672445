"""What PROFILE= writes, on every port: the file is read by a decoder of its own (pprof.py), and by go's where that is."""

import os
import re
import shutil
import subprocess
import tempfile
from xml.etree import ElementTree

from harness.machine import ARCHES, HOST, ROOT, builder, clean_environment, interrupted
from harness.suite import Case, Check

from . import pprof

PROGRAM = "tests/profiles/mine.c"
WAITS = "tests/profiles/waits.c"
TYPES = ["cpu/nanoseconds", "wait/nanoseconds", "contention/nanoseconds", "alloc/bytes"]
# An instruction takes a nanosecond, and nothing of this machine is seen: the same samples each time.
COUNTED = {"ACCEL": "tcg,thread=single", "INPUT": "none",
           "QEMU_EXTRA": "-icount shift=0,sleep=off -rtc base=2000-01-01,clock=vm"}
COST = 1.02
CALLERS = "a stack leads from the function to who called it"


def launch(case, path, image=None, till=None, **options):
    """(status, output) of the program, with PROFILE=path; till: a Ctrl-C comes when it has printed that."""
    image = image or builder.image(PROGRAM, case.arch)
    words = [ROOT / ("tools/records.py" if case.arch == HOST else "qemu/run"), image]
    options = {"SMP": case.smp, "TIMEOUT": 60, "PROFILE": path, **(COUNTED if case.arch != HOST and case.name != "endings" else {}), **options}
    env = clean_environment(ARCH=None if case.arch == HOST else case.arch, **options)
    if till:
        return interrupted(words, env, till)
    done = subprocess.run(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, timeout=90)
    return done.returncode, done.stdout


def time_of(output):
    """What the program says that it took."""
    found = re.search(r"^done after (\d+) us", output, re.M)
    return int(found[1]) if found else 0


def part(profile, name):
    """What of the processor time was spent in this function itself."""
    total = sum(s.values[0] for s in profile.samples)
    return sum(s.values[0] for s in profile.samples if s.stack and s.stack[0][0] == name) / max(total, 1)


def is_as_dug(dig, sift, output):
    """What is told of digging and sifting is what the program says that they took: three times as much, unless the
    host's processor has stood still in one of them, which Linux does not know."""
    found = re.search(r"^dug (\d+) us, sifted (\d+) us", output, re.M)
    dug, sifted = map(int, found.groups()) if found else (0, 0)
    return dug and sifted and abs(dig / (dig + sift or 1) - dug / (dug + sifted)) < 0.15


def checks_of(profile, output, status, host=False):
    mine = [s for s in profile.samples if s.labels.get("coroutine") == "miner" and s.stack[0][0] in ("dig", "sift")]
    digs = [s for s in mine if s.stack[0][0] == "dig"]
    dig, sift = part(profile, "dig"), part(profile, "sift")
    spawned = {s.labels.get("spawned_at", "") for s in mine}
    total = sum(s.values[0] for s in profile.samples)
    yield Check("it runs, and the file is complete", status == 0 and "done" in output and not profile.problems,
                f"status {status} {profile.problems}", output)
    yield Check("the types of samples, the default, the period", profile.types == TYPES and profile.default == "cpu"
                and profile.period == 10 ** 9 // 997, str(profile[:1] + profile[2:]))
    yield Check("three times as much digging as sifting", dig + sift > 0.67 and is_as_dug(dig, sift, output) and
                (host or 0.55 < dig < 0.9 and 0.12 < sift < 0.4), f"dig {dig:.2f}, sift {sift:.2f}\n{output}", str(profile))
    yield Check("samples add up to the time that the core was busy", (0 if host else 0.3) * profile.duration < total
                <= 1.1 * profile.duration, f"{total} of {profile.duration} ns")
    yield Check(CALLERS, digs and sum(s.values[0] for s in digs if s.stack[1:2] and s.stack[1][0] == "mine")
                > 0.9 * sum(s.values[0] for s in digs), str(digs))
    yield Check("functions have files and lines", any(f.endswith("mine.c") and 14 < line < 20 for s in digs
                                                      for _, f, line in s.stack[:1]), str(digs))
    yield Check("labels: the coroutine, the core, where it was started", mine and
                all(s.labels.get("core") == "0" for s in mine) and
                all(re.fullmatch(r"main \(.*mine\.c:\d+\)", text) for text in spawned), str(spawned))


def run_pprof(case):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.pb.gz")
        status, output = launch(case, path, ARGS="long" if case.arch == HOST else "")
        checks = list(checks_of(pprof.read(path), output, status, case.arch == HOST))
        if case.arch != HOST:
            plain = launch(case, None)[1]
            cost = time_of(output) / max(time_of(plain), 1)
            checks.append(Check(f"a profile costs less than {COST - 1:.0%}", 1 < cost < COST, f"{cost:.4f}", plain))
        if shutil.which("go"):
            text = subprocess.run(["go", "tool", "pprof", "-top", path], check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, env={**os.environ, "HOME": folder}).stdout
            first = re.search(r"^ *flat .*\n(.*)$", text, re.M)
            checks.append(Check("go tool pprof opens it", first and first[1].endswith(" dig"), text))
        return checks


def digs_in_graph(text, output):
    """The graph has the function, above its caller, and as wide as it is to be. It may be there twice: where its frame
    is not made yet, its caller is missing."""
    frames = [frame for frame in ElementTree.fromstring(text or "<svg/>").iter() if frame.get("class") == "frame"]
    wide = dict(sorted((frame.get("data-name"), (float(frame.get("data-w")), int(frame.get("data-d")))) for frame in frames))
    dig, sift, mine = (wide.get(name, (0, 0)) for name in ("dig", "sift", "mine"))
    return 0.67 < dig[0] + sift[0] < mine[0] + 0.001 and mine[0] <= 1 and is_as_dug(dig[0], sift[0], output) and dig[1] == mine[1] + 1


def run_waits(case):
    """Two coroutines sleep with a mutex in turn: who does not have it waits as long."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.pb.gz")
        status, output = launch(case, path, builder.image(WAITS, case.arch))
        profile = pprof.read(path)
    sums, given = {}, {}
    for s in profile.samples:
        given[s.stack[0][0]] = given.get(s.stack[0][0], 0) + s.values[3] / 10 ** 6
    for s in profile.samples:
        for i, kind in enumerate(("cpu", "wait", "contention", "alloc")):
            key = kind, s.labels.get("reason") if kind == "wait" else s.labels.get("coroutine")
            sums[key] = sums.get(key, 0) + s.values[i] / 10 ** 6
    slept, waited = sums.get(("wait", "sleep"), 0), sums.get(("wait", "mutex lock"), 0)
    contended = sums.get(("contention", "locker"), 0)
    most = 1000 if case.arch == HOST else 1.1 # a host may take its time
    callers = [s for s in profile.samples if s.values[2] and [f for f, *_ in s.stack][:3] != ["lock_slow", "mutex_lock", "locker"]
               and [f for f, *_ in s.stack][:2] != ["lock_slow", "locker"]]
    return [Check("it runs, and the file is complete", status == 0 and not profile.problems, f"status {status}", output),
            Check("sleeping for 200 ms, and as long for the mutex", 199 < slept < 200 * most and 180 < waited < 200 * most,
                  f"{slept} {waited} ms\n{sums}"),
            Check("who allocates how much", 9 < given.get("hoard", 0) < 15 and 2 < given.get("save", 0) < 6 and
                  15.5 < sum(given.values()) < 16.5, f"{given} MB"),
            Check("that is contention, of who waited", contended == waited and not callers, f"{contended} ms {callers}")]


def run_only_waits(case):
    """On a core that uses next to no time of its processor."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.pb.gz")
        # So seldom that no thread computes for half of the time between two samples while it starts.
        status, output = launch(case, path, builder.image(WAITS, case.arch), ARGS="sleep", PROFILE_HZ=100)
        profile = pprof.read(path)
    slept = sum(s.values[1] for s in profile.samples if s.labels.get("reason") == "sleep") / 10 ** 6
    return [Check("of 100 ms of sleep more than half is counted", status == 0 and slept > 50, f"status {status}, {slept} ms", output)]


def run_endings(case):
    """However it stops, there is a file; and what cannot be, is told before anything boots."""
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        for how, want, path, till in ("panic", 134, f"{folder}/p.svg", None), ("on", 130, f"{folder}/p.txt", "digs on"):
            status, output = launch(case, path, till=till, ARGS=how)
            text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
            good = digs_in_graph(text, output) if how == "panic" else re.search(r"^ .*%  dig$", text, re.M) and re.search(
                r"^ .*%  miner$", text, re.M)
            checks.append(Check(f"status {want}, and {path[-3:]} is complete", status == want and good,
                                f"status {status}\n{text}", output))
        for options, want in (({"PROFILE": f"{folder}/none/p.txt"}, "No such file or directory"),
                              ({"PROFILE": f"{folder}/p.png"}, r"a name is wanted that ends in \.pb\.gz"),
                              ({"PROFILE_HZ": "0"}, "PROFILE_HZ=0: a number from 1 to 10000 is wanted"),
                              ({"PROFILE_HZ": "often"}, "PROFILE_HZ=often: a number from 1 to 10000 is wanted")):
            status, output = launch(case, **{"path": path, **{("path" if k == "PROFILE" else k): v
                                                              for k, v in options.items()}})
            checks.append(Check(f"one line, before anything boots: {want}", status == 1 and re.search(want, output) and
                                output.count("\n") == 1, f"status {status}", output))
    return checks


def run_plant(case):
    image = builder.image(PROGRAM, case.arch, PLANT="no-callers")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.pb.gz")
        status, output = launch(case, path, image)
        failed = [check for check in checks_of(pprof.read(path), output, status) if not check.ok]
    return [Check("the check of callers fails, and no other", [check.name for check in failed] == [CALLERS],
                  str([(check.name, check.why) for check in failed]), output)]


def cases(tier):
    if tier != "fast":
        return
    for arch in (*ARCHES, HOST):
        yield Case("profile", "pprof", arch, 1, run_pprof, cost=4, images=[(PROGRAM, arch, {})])
        yield Case("profile", "waits", arch, 1, run_waits, cost=4, images=[(WAITS, arch, {})])
    yield Case("profile", "only waits", HOST, 4, run_only_waits, cost=1, images=[(WAITS, HOST, {})])
    for arch in ("arm64", HOST):
        yield Case("profile", "endings", arch, 1, run_endings, cost=5, images=[(PROGRAM, arch, {})])
    yield Case("profile", "planted fault no-callers", "x86_64", 1, run_plant, cost=20,
               images=[(PROGRAM, "x86_64", {"PLANT": "no-callers"})])
