"""What TRACE= writes, on every port: the files are read by a decoder of their own (pftrace.py), the page by a browser."""

import os
import re
import subprocess
import sys
import tempfile
import xml.dom.minidom
import xml.parsers.expat

from harness.machine import ARCHES, HOST, ROOT, builder, clean_environment, interrupted
from harness.suite import Case, Check

from . import pftrace

sys.path.insert(0, str(ROOT / "tools"))
from output import Output # pylint: disable=wrong-import-position

PROGRAM, NAMES = "tests/timelines/recorded.c", "tests/timelines/names.c"
RELAY = "the relay station, of long name"
SIM = "sim"
LINE = re.compile(r'\d+ core \d+ co (?:0 ""|[1-9]\d* "[^"]+") [a-z].*')
WAKES = "each wake-up is an arrow from who wakes to who is woken"


def launch(case, folder, name, image=None, till=None, **options):
    """(status, what it printed, what is in the file); till: a Ctrl-C comes when it has printed that."""
    path = os.path.join(folder, name)
    image = image or builder.image(PROGRAM, case.arch)
    words = [ROOT / ("tools/records.py" if case.arch in (HOST, SIM) else "qemu/run"), image]
    options = {"SMP": case.smp, "TIMEOUT": 90, "TRACE": path, **options}
    if case.arch == SIM:
        options.pop("TIMEOUT")
    env = clean_environment(ARCH=None if case.arch in (HOST, SIM) else case.arch, **options)
    if till:
        status, said = interrupted(words, env, till)
    else:
        done = subprocess.run(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False, timeout=150)
        status, said = done.returncode, done.stdout
    data = b""
    if os.path.exists(path):
        with open(path, "rb") as file:
            data = file.read()
    return status, said, data


def checks_of_text(text):
    lines = text.splitlines()
    wrong = [line for line in lines if not LINE.fullmatch(line)]
    yield Check("each line is TIME_NS core N co ID \"NAME\" EVENT detail", lines and not wrong, "\n".join(wrong[:5]))
    times = [int(line.split()[0]) for line in lines]
    yield Check("in the order of time", times == sorted(times))
    for what in (r'"main" spawn \d+ "the relay station, of long name"', r'"collect" park chan receive 0x', r'ready 1 "main"',
                 r'"main" switch', r'"collect" exit', r'"main" mark have the sum', r'"collect" begin collecting',
                 r'"collect" count sum 210', r'co 0 "" idle', r'"main" send 0x[0-9a-f]+ to \d+ "the relay',
                 r'"spin" preempt', r'"main" park sleep'):
        yield Check(f"there is {what}", re.search(what, text) is not None, text[:3000])


def arrows(trace, category):
    """(from, to) of each; and those that are wrong."""
    whole, wrong = [], []
    for flow, ends in trace.flows.items():
        mine = [end for end in ends if end[2] == category]
        outs, ins = ([end for end in mine if end[3] == way] for way in ("out", "in"))
        if mine and (len(mine) != len(ends) or len(outs) != 1 or len(ins) != 1):
            wrong.append((flow, ends))
        elif mine:
            if ins[0][0] < outs[0][0]:
                wrong.append((flow, ends))
            whole.append((outs[0][1], ins[0][1]))
    return whole, wrong


def overlaps(slices):
    ordered = sorted((s.begin, s.end) for s in slices)
    return [pair for pair in zip(ordered, ordered[1:]) if pair[1][0] < pair[0][1]]


def checks_of_trace(trace, smp):
    yield Check("it is a trace, and whole", not trace.problems, "\n".join(map(str, trace.problems[:5])))
    yield Check("cores are threads", trace.threads == {f"core {i}" for i in range(smp)}, str(trace.threads))
    main, relay = "main #1", [name for name in trace.tracks.values() if name.startswith(RELAY + " #")]
    yield Check("coroutines have tracks named NAME #ID", main in trace.tracks.values() and len(relay) == 1,
                str(trace.tracks.values()))
    on_cores = [s for s in trace.slices if s.track in trace.threads]
    yield Check("what runs on cores", on_cores and all(s.category == "run" for s in on_cores) and
                {"main", RELAY, "collect", "spin"} <= {s.name for s in on_cores}, str({s.name for s in on_cores}))
    of_main = [s for s in trace.slices if s.track == main and s.category in ("run", "wait")]
    yield Check("a coroutine runs or waits, for a reason",
                all(s.name == "running" for s in of_main if s.category == "run") and
                {"running", "sleep", "chan send"} <= {s.name for s in of_main},
                str({s.name for s in of_main}))
    wrong = [pair for name in trace.threads for pair in overlaps([s for s in on_cores if s.track == name])]
    yield Check("a core runs one at a time", not wrong, str(wrong[:3]))
    yield Check("nobody runs on two cores, or runs and waits", not overlaps(of_main), str(overlaps(of_main)[:3]))
    woken, wrong = arrows(trace, "wake")
    runs = sum(s.category == "wait" and s.track != main for s in trace.slices)
    yield Check(WAKES, not wrong and (main, relay[0] if relay else "") in woken and len(woken) > runs / 2,
                f"{wrong[:3]} {len(woken)} {runs}")
    sent, wrong = arrows(trace, "chan")
    collector = [name for name in trace.tracks.values() if name.startswith("collect #")][:1]
    pairs = [(main, *relay), (*relay, *collector), (*collector, main)]
    yield Check("each value is an arrow from who sends to who receives",
                not wrong and [sent.count(pair) for pair in pairs] == [20, 20, 1],
                f"{wrong[:3]} {[sent.count(pair) for pair in pairs]}")
    yield Check("counters: runnable, live, free, and the program's",
                {"runnable", "live", "free", "sum"} <= set(trace.counters) and
                max(value for _, value in trace.counters.get("live", [(0, 0)])) >= 3 and
                all(value > 1 << 20 for _, value in trace.counters.get("free", [(0, 0)])) and
                [value for _, value in trace.counters.get("sum", [])] == [n * (n + 1) // 2 for n in range(1, 21)],
                str({name: values[:5] for name, values in trace.counters.items()}))
    yield Check("what the program says", any(s.name == "collecting" and s.track.startswith("collect #")
                                             for s in trace.slices) and
                any(i[1:] == (main, "mark", "have the sum") for i in trace.instants), str(trace.instants[:5]))
    yield Check("a preemption", any(name == "preempt" for *_, name in trace.instants))


def run_names(case):
    """A program may name things as it likes."""
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        image, picture = builder.image(NAMES, case.arch), os.path.join(folder, "p.svg")
        status, said, data = launch(case, folder, "t.txt", image=image, PROFILE=picture)
        lines = data.decode().splitlines()
        checks.append(Check("a line is a line, whatever is in a name", status == 7 and lines
                            and all(LINE.fullmatch(line) for line in lines)
                            and {"two?lines?", "no utf\ufffd-8", "<i>&amp;", "</script>"} <= set(re.findall(r'spawn \d+ "(.*)"', data.decode()))
                            and sum(line.endswith(" mark no utf\ufffd\ufffd-8,??two lines") for line in lines) == 4,
                            f"status {status}", said + "\n".join(lines[:50])))
        with open(picture, "rb") as file:
            text = file.read()
        try:
            drawn = xml.dom.minidom.parseString(text).getElementsByTagName("svg")
        except xml.parsers.expat.ExpatError as error:
            drawn = []
            text = str(error).encode()
        checks.append(Check("the profile is XML", drawn, text[:200].decode(errors="replace")))
        status, said, data = launch(case, folder, "t.pftrace", image=image)
        trace = pftrace.read(data) if data else None
        checks.append(Check("Perfetto's file is whole", status == 7 and trace and not trace.problems
                            and [value for _, value in trace.counters.get("below zero", [])] == [-5] * 4, f"status {status}", said))
        status, said, data = launch(case, folder, "t.html", image=image)
        with open(ROOT / "tools/timeline/page.html", "rb") as file:
            ends = file.read().count(b"</script>")
        checks.append(Check("the page's script ends where it is to end", status == 7 and data.count(b"</script>") == ends,
                            f"status {status}, {data.count(b'</script>')} in place of {ends}", said))
    return checks


def run_files(case):
    with tempfile.TemporaryDirectory() as folder:
        status, said, data = launch(case, folder, "t.txt")
        checks = [Check("the program does what it does without", status == 7 and "sum 210" in said, f"status {status}", said)]
        checks += checks_of_text(data.decode())
        status, said, data = launch(case, folder, "t.pftrace")
        checks += checks_of_trace(pftrace.read(data), case.smp)
    return checks


def refused(case, folder):
    """What cannot be is one line, and the files are as they were."""
    new, old = os.path.join(folder, "new.pb.gz"), os.path.join(folder, "old.txt")
    with open(old, "w", encoding="ascii") as file:
        file.write("older")
    of_time = () if case.arch == SIM else ({"TIMEOUT": "-1"}, {"DUMP_AFTER": "inf"})
    for wrong in ({"SMP": 0}, {"TRACE_SIZE": "100G"}, {"PROFILE": "nowhere/p.txt"}, {"PROFILE_HZ": "many"},
                  {"PROFILE": old}, *of_time):
        status, said, data = launch(case, folder, "old.txt", **{"PROFILE": new, **wrong})
        yield Check(f"{wrong}: one line, and no file is touched", status == (2 if case.arch == SIM else 1) and said.count("\n") == 1 and
                    all(name in said for name in wrong) and data == b"older" and not os.path.exists(new), f"status {status}", said)


def run_ends(case):
    """Whatever ends it, the file is there."""
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        for how, wanted, till in ("panic", 134, None), ("loop", 130, "sum 210"):
            if case.arch == SIM and till:
                continue
            status, said, data = launch(case, folder, "t.pftrace", till=till, ARGS=how)
            trace = pftrace.read(data)
            checks.append(Check(f"{how}: status {wanted}, and the file is whole", status == wanted and
                                any(i[3] == "have the sum" for i in trace.instants) and not trace.problems,
                                f"status {status} {trace.problems[:3]}", said))
        full = os.path.join(folder, "full.txt")
        os.symlink("/dev/full", full)
        status, said, data = launch(case, folder, "t.txt", TRACE_SIZE="2K", PROFILE=full)
        checks.append(Check("a full disk is told, and is no failure of the program", status == 7 and
                            f"PROFILE={full}: No space left on device\n" in said, f"status {status}", said))
        checks.append(Check("too little memory for it: lost N", status == 7 and
                            re.match(r'\d+ core 0 co 0 "" lost [1-9]\d*\n', data.decode()), f"status {status}", data[:200].decode()))
        status, said, data = launch(case, folder, "t.pftrace", TRACE_SIZE="2K")
        trace = pftrace.read(data)
        checks.append(Check("and the rest is a whole trace", not trace.problems and
                            any(re.fullmatch(r"lost [1-9]\d*", i[3]) for i in trace.instants), str(trace.problems[:3])))
        first = min((time for time, *_ in trace.instants), default=0)
        checks.append(Check("which begins with what the counters are",
                            all(first in [time for time, _ in trace.counters.get(name, [])[:1]] for name in ("live", "free")),
                            f"{first} { {name: values[:3] for name, values in trace.counters.items()} }"))
        status, said, _ = launch(case, os.path.join(folder, "nowhere"), "t.txt")
        checks.append(Check("a file that cannot be written is told before anything boots",
                            status == (2 if case.arch == SIM else 1) and said.count("\n") == 1 and "nowhere/t.txt: No such file" in said, "", said))
        checks += refused(case, folder)
        if case.arch == HOST: # whose kernel reads the number itself
            status, said, _ = launch(case, folder, "t.txt", ARGS="loop", TIMEOUT="0.3")
            checks.append(Check("TIMEOUT= may have a fraction", status == 124, f"status {status}", said))
        if case.arch != SIM:
            status, said, _ = launch(case, folder, "t.txt", TRACE=None, ARGS="vole.trace=ring panic")
            checks.append(Check("vole.trace=ring: a panic tells the last events", status == 134 and re.search(
                r'the last \d+ events:\r?\n(.*\n)*\d+ core \d co 1 "main" switch', said) is not None, "", said))
    return checks


def run_output(_case):
    """A file has its name when it is whole, and not before: whoever kills the launcher leaves no half of one."""
    with tempfile.TemporaryDirectory() as folder:
        path, link, seen = os.path.join(folder, "t.txt"), os.path.join(folder, "link.txt"), []
        with open(path, "w", encoding="ascii") as file:
            file.write("older")
        os.chmod(path, 0o640)
        os.symlink("t.txt", link)

        def put(file):
            file.write(b"whole")
            file.flush()
            seen.append(os.path.exists(path))

        def fail(_file):
            raise OSError("no room")

        Output(link).write(put)
        with open(path, encoding="ascii") as file:
            data = file.read()
        checks = [Check("while it is written, there is no file of its name", seen == [False]),
                  Check("then it is whole, where the link leads, with the mode of the one before",
                        data == "whole" and os.path.islink(link) and os.stat(path).st_mode & 0o777 == 0o640
                        and sorted(os.listdir(folder)) == ["link.txt", "t.txt"], f"{data} {os.listdir(folder)}")]
        try:
            Output(path).write(fail)
        except OSError:
            pass
        checks.append(Check("one that cannot be written is gone", os.listdir(folder) == ["link.txt"], f"{os.listdir(folder)}"))
    return checks


def run_simulated(case):
    """The run is the same with and without a timeline."""
    image, checks = builder.image(PROGRAM, SIM), []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, 4):
            hashes = []
            for words in ([image], [ROOT / "tools/records.py", image]):
                env = clean_environment(SEED=seed, SMP=2, TRACE=os.path.join(folder, "t.txt"))
                done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False, timeout=100)
                hashes.append(re.findall(r"decisions: \w+", done.stdout))
            checks.append(Check(f"seed {seed}: the same decisions", len(hashes[0]) == 1 and hashes[0] == hashes[1], str(hashes)))
    return checks


def run_page(case):
    with tempfile.TemporaryDirectory() as folder:
        status, said, data = launch(case, folder, "t.html")
        page = data.decode()
        checks = [Check("the page needs nothing else", status == 7 and "</html>" in page and
                        not re.search(r"(?:src|href)=|https?://|@import|url\(", page), f"status {status}", said)]
    return checks


def run_drawn(case):
    """In Chromium, which the long tests have."""
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        launch(case, folder, "t.html")
        for where, wanted in (("", r'data-drawn="yes".* data-slices="[1-9]\d+" data-arrows="[1-9]\d*"'),
                              ("#find=collecting", r'data-slices="[1-9].* data-found="[1-9]\d*"'),
                              ("#find=nothing-like-it", r'data-found="0"'),
                              ("#from=0&to=100000", r'data-from="0" data-to="100000"')):
            done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000",
                                   f"--user-data-dir={folder}/profile", "--dump-dom", f"file://{folder}/t.html{where}"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=100)
            head = re.search(r"<html[^>]*>", done.stdout)
            checks.append(Check(f"it draws{where and ': ' + where}", head and re.search(wanted, head.group(0)),
                                f"{head and head.group(0)} {done.stderr[-300:]}"))
    return checks


def run_crowd(case):
    """Many cores, and a hundred thousand coroutines."""
    image = builder.image("tests/timelines/throng.c", case.arch)
    with tempfile.TemporaryDirectory() as folder:
        status, said, data = launch(case, folder, "t.pftrace", image, MEM="1G", TIMEOUT=140, TRACE_SIZE="256M")
        trace = pftrace.read(data)
        most = max((value for _, value in trace.counters.get("live", [(0, 0)])), default=0)
        return [Check(f"{case.smp} cores, 100,000 coroutines", status == 0 and not trace.problems and
                      len(trace.threads) == case.smp and most > 50000, f"status {status}, {most} {trace.problems[:3]}", said)]


def run_plant(case):
    image = builder.image(PROGRAM, case.arch, PLANT="unsaid-wake")
    with tempfile.TemporaryDirectory() as folder:
        status, said, data = launch(case, folder, "t.pftrace", image)
        failed = [check.name for check in checks_of_trace(pftrace.read(data), case.smp) if not check.ok]
    return [Check("wake-ups that are not told are missed", status == 7 and WAKES in failed, str(failed), said)]


def cases(tier):
    if tier == "long":
        yield Case("timeline", "the page is drawn", "x86_64", 2, run_drawn, cost=12, images=[(PROGRAM, "x86_64", {})])
        yield Case("timeline", "a crowd", HOST, 64, run_crowd, cost=40, images=[("tests/timelines/throng.c", HOST, {})])
    if tier != "fast":
        return
    for arch in (*ARCHES, HOST, SIM):
        image = [(PROGRAM, arch, {})]
        smp = 2
        yield Case("timeline", "text and Perfetto", arch, smp, run_files, cost=6, images=image)
        yield Case("timeline", "however it ends", arch, smp, run_ends, cost=15, images=image)
        yield Case("timeline", "names", arch, smp, run_names, cost=8, images=[(NAMES, arch, {})])
    yield Case("timeline", "a file is whole", HOST, 1, run_output, cost=1)
    yield Case("timeline", "the run is the same", SIM, 2, run_simulated, cost=6, images=[(PROGRAM, SIM, {})])
    yield Case("timeline", "the page", "x86_64", 2, run_page, cost=3, images=[(PROGRAM, "x86_64", {})])
    yield Case("timeline", "planted fault unsaid-wake", "x86_64", 2, run_plant, cost=20,
               images=[(PROGRAM, "x86_64", {"PLANT": "unsaid-wake"})])
