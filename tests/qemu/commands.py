"""What a person types: make run, the shell, the examples."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile

from harness.machine import ARCHES, HOST, ROOT, boot, builder, make
from harness.suite import Case, Check

SHELL = "examples/shell"


def run_make_run(case):
    checks = []
    run = make("run", f"ARCH={case.arch}", f"SMP={case.smp}", "TIMEOUT=60")
    checks.append(Check("make run </dev/null greets and ends with 0",
                        run.status == 0 and "core" in run.text.lower(), f"status {run.status}",
                        run.text))
    run = make("run", f"ARCH={case.arch}", "APP=tests/kernel/exits.c", "ARGS=return 77",
               "TIMEOUT=60")
    checks.append(Check("make run fails with 2 and prints the status",
                        run.status == 2 and "77" in run.text, f"status {run.status}", run.text))
    run = make("-s", "image", "APP=no/such/app.c", f"ARCH={case.arch}")
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "none.c").write_text("int other(void) { return 0; }\n")
        none = make("-s", "image", f"APP={folder}/none.c", f"ARCH={case.arch}")
    checks.append(Check("a program without main: a clear line",
                        none.status == 2 and "it has no function main" in none.text
                        and "undefined reference" not in none.text, f"status {none.status}", none.text))
    checks.append(Check("an APP that is not there: a clear line",
                        run.status == 2 and "no/such/app.c" in run.text, f"status {run.status}",
                        run.text))
    return checks


def run_settings(case):
    """What a folder may hold, and what app.mk and make's command line say of its build."""
    checks = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "mixed"
        (folder / "lower").mkdir(parents=True)
        (folder / "main.c").write_text(
            '#include <stdio.h>\nint twice(int);\nint main(void)\n{\n#ifdef __OPTIMIZE__\n'
            'printf("optimised ");\n#endif\nprintf("%d %d %s", A, twice(B), TEXT);\n}\n')
        (folder / "lower" / "twice.cc").write_text('extern "C" int twice(int);\nint twice(int n)\n'
                                                   '{\nreturn FACTOR * n;\n}\n')
        (folder / "app.mk").write_text("CFLAGS = -DA=1 -DB=1 -flto\nCXXFLAGS := -DFACTOR=2 -flto\n")
        made = [f"APP={folder}", f"ARCH={case.arch}", "TIMEOUT=60", f"SMP={case.smp}"]
        said = ["CFLAGS=-UB -DB=21 -DTEXT='\"a b\"'"]
        run = make("-s", "run", *made, *said)
        checks.append(Check("settings of app.mk, and after them the command line's",
                            ("\n" + run.text).endswith("\noptimised 1 42 a b"), f"status {run.status}", run.text))
        run = make("-s", "run", *made, *said, "OPT=0", "CXXFLAGS=-UFACTOR -DFACTOR=3")
        checks.append(Check("OPT=0 optimises nothing, CXXFLAGS are for C++",
                            ("\n" + run.text).endswith("\n1 63 a b"), f"status {run.status}", run.text))
        run = make("-s", "image", *made, *said, "LDFLAGS=-lno_such_name", "LIBS=-lno_such_library")
        checks.append(Check("LDFLAGS reach the linker",
                            run.status == 2 and "cannot find -lno_such_name" in run.text, "", run.text))
        checks.append(Check("LIBS, too", run.status == 2 and "cannot find -lno_such_library" in run.text, "",
                            run.text))
        run = make("-s", "image", *made, "OPT=fast")
        checks.append(Check("a wrong OPT is a clear line", run.status == 2 and "OPT=fast" in run.text,
                            "", run.text))
        (folder / "lower" / "part.rs").write_text("")
        run = make("-s", "image", *made, *said)
        checks.append(Check("a source that is not built is named",
                            run.status == 2 and "lower/part.rs" in run.text, f"status {run.status}",
                            run.text))
        (folder / "app.mk").write_text("SRCS = main.c lower/twice.cc\nCFLAGS = -DA=1 -DB=1\n"
                                       "CXXFLAGS := -DFACTOR=2\n")
        run = make("-s", "run", *made, *said)
        checks.append(Check("SRCS says what is built", ("\n" + run.text).endswith("\noptimised 1 42 a b"),
                            f"status {run.status}", run.text))
    run = make("-s", "stackdepth", "APP=tests/kernel/cxx", f"ARCH={case.arch}")
    checks.append(Check("a C++ function has a bound",
                        re.search(r"^_ZL6senderPv +\d+  bounded$", run.text, re.M), "", run.text))
    return checks


GDB_PROGRAM = """#include <stdint.h>
#include <stdio.h>
#include <vole.h>
static void fail(void *arg)
{
	(void)arg;
	runtime_panic("as asked");
}
static void nothing(void *arg) { (void)arg; }
static volatile int holds;
static __attribute__((noinline)) int hold(int n)
{
	static struct timer t;

	holds = 1; /* before the timer can go off, which it does once */
	timer_start(&t, time_now() + NSEC_PER_MSEC, 0, nothing, NULL);
	for (; holds; n++)
		;
	return n + *(volatile int *)(uintptr_t)holds;
}
int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 2)
		return hold(argc) + 1;
	if (argc > 1 && go(fail, NULL) == 0)
		time_sleep(TIME_NEVER);
	puts("it runs");
	fflush(stdout);
	for (;;)
		time_sleep(NSEC_PER_MSEC);
}
"""


def frames(text):
    """The functions that gdb's bt shows, innermost first, of each bt in text."""
    found = []
    for number, name in re.findall(r"^#(\d+) +(?:0x[0-9a-f]+ in )?(\S+)", text, re.M):
        if number == "0":
            found.append([])
        found[-1].append(name)
    return found


def run_gdb(case):
    """Ctrl-C stops the program, not the machine; so does a panic; sources are found, and callers."""
    with tempfile.TemporaryDirectory() as name:
        source = pathlib.Path(name) / "interrupted.c" # session.c is another's
        source.write_text(GDB_PROGRAM)
        words = ["make", "-s", "gdb", f"APP={source}", f"ARCH={case.arch}", f"SMP={case.smp}"]
        asked = "-batch -ex c -ex 'list 7,7' -ex c -ex bt -ex kill"
        run = make(*words[1:], "ARGS=panic", f"GDB_ARGS={asked}", TIMEOUT="120")
        checks = [Check("gdb finds a source outside the tree",
                        re.search(r'^7\s+runtime_panic\("as asked"\);', run.text, re.M), "", run.text),
                  Check("gdb stops at a panic, when it is told",
                        "panic: as asked" in run.text and "#0  panic_end" in run.text,
                        "", run.text)]
        seen = frames(run.text)
        checks.append(Check("bt at a panic leads from the core's stack to the coroutine",
                            seen and seen[-1][-5:-1] == ["panic_with", "runtime_panic", "fail", "co_begin"],
                            f"{seen}", run.text))
        asked = ("-batch -ex c -ex 'hbreak irq_timer if holds' -ex c -ex bt -ex 'd 3' "
                 "-ex 'set var holds = 0' -ex c -ex bt -ex kill")
        run = make(*words[1:], "SMP=1", "ARGS=hold it", f"GDB_ARGS={asked}", TIMEOUT="120")
        seen = frames(run.text)[-2:]
        for what, first, stack in zip(("an interrupt", "a fault"), ("irq_timer", "panic_end"),
                                      seen + [[]] * 2):
            checks.append(Check(f"bt in {what} leads to what it came upon",
                                stack[:1] == [first] and stack[-2:] == ["hold", "main"],
                                f"{stack}", run.text))
        asked = "-batch -ex c -ex c -ex 'info threads' -ex kill"
        env = {**os.environ, "TIMEOUT": "120"}
        with subprocess.Popen([*words, f"GDB_ARGS={asked}"], cwd=ROOT, env=env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True) as process:
            text = ""
            for line in process.stdout:
                text += line
                if "it runs" in line: # the terminal sends it to all that is in the foreground
                    os.killpg(process.pid, signal.SIGINT)
        checks.append(Check("Ctrl-C stops the program, which is there still",
                            'co 1 "main" ' in text.partition("SIGINT")[2], "", text))
    return checks


def run_tour(case):
    image = builder.image(SHELL, case.arch)
    run = boot(image, limit=120, stdin=b"tour\nps\nquit 3\n", ARCH=case.arch, SMP=case.smp)
    ok = run.status == 3 and "main" in run.text
    checks = [Check("tour, ps, quit 3 from a pipe: status 3", ok, f"status {run.status}", run.text)]
    run = boot(image, limit=120, ARCH=case.arch, SMP=case.smp,
               ARGS="-c 'cores; sieve 50; skynet 1000; quit 5'")
    checks.append(Check("commands from ARGS: status 5", run.status == 5, f"status {run.status}",
                        run.text))
    run = boot(image, limit=60, stdin=b"help\nno-such-command\nquit\n", ARCH=case.arch,
               SMP=case.smp)
    checks.append(Check("help, an unknown command, quit",
                        run.status == 0 and "no-such-command" in run.text, f"status {run.status}",
                        run.text))
    return checks


EVENT = re.compile(r'\d+ core \d+ co \d+ "[^"]*" [a-z]+( .*)?')


def answers(run, commands):
    """What the shell has said to each of the commands that came from a pipe, as lists of lines."""
    parts = run.text.replace("\r", "").split("vole> ")[1:]
    return [part.splitlines()[1:] for part in parts[:len(commands)]]


def ask(case, commands, **options):
    run = boot(builder.image(SHELL, case.arch), limit=60, stdin="".join(c + "\n" for c in commands).encode(),
               ARCH=case.arch, SMP=case.smp, **options)
    return run, answers(run, commands)


def run_trace(case):
    commands = ["trace", "trace on", "trace on", "sieve 3", "trace 1000", "trace off", "trace 5", "trace x", "quit 4"]
    run, (none, on, again, _, shown, off, last, wrong, _) = ask(case, commands)
    lines = [line for line in shown + last if not EVENT.fullmatch(line)]
    times = [int(line.split()[0]) for line in shown if EVENT.fullmatch(line)]
    checks = [Check("trace: on, off, what there is to say", run.status == 4 and "nothing is recorded" in none[0]
                    and "on" in on[0] and "it is on" in again[0] and off == ["trace: off"] and "wants a number" in wrong[0],
                    f"status {run.status}", run.text),
              Check("trace shows the last events, in order", not lines and times == sorted(times) and len(times) > 20
                    and 0 < len(last) <= 10, str(lines[:3]), run.text)]
    want = [r'"main" spawn \d+ "count_up"', r'"filter" switch', r'park chan (send|receive) 0x[0-9a-f]+',
            r'"filter" exit', r'"count_up" send 0x[0-9a-f]+ to \d+ "filter"|'
            r'"filter" receive 0x[0-9a-f]+ from \d+ "count_up"']
    missing = [pattern for pattern in want if not re.search(pattern, "\n".join(shown))]
    checks.append(Check("and what the coroutines have done", not missing, str(missing), run.text))
    run, (on, off, last) = ask(case, ["trace on", "trace off", "trace 3"], ARGS="vole.trace=1M")
    checks.append(Check("trace where all of the run is recorded", run.status == 0 and "it is on" in on[0]
                        and "until the machine stops" in off[0] and EVENT.fullmatch(last[0]), "", run.text))
    return checks


SHARE = re.compile(r" *(\d+) (\S+) +(running|runnable|waiting|preempted) .* (\d+)\.(\d)%")
OF_ITS_TIME = "top: nobody has used more than the time that it looked"


def run_top(case):
    commands = ["hog 30", "top 2", "top", "top x", "quit 4"]
    run, (_, twice, once, wrong, _) = ask(case, commands)
    shares = [[found.groups() for line in part if (found := SHARE.fullmatch(line))] for part in (twice, once)]
    cores = [len(re.findall(r"^ +\d+ +\d+% \|#.*queued$", "\n".join(part), re.M)) for part in (twice, once)]
    hogs = [part for _, name, state, part, _ in shares[0] if name == "hog" and state in ("running", "preempted", "runnable")]
    return [Check("top: cores and coroutines, once and again", run.status == 4 and cores == [2 * case.smp, case.smp]
                  and "wants a number" in wrong[0] and len(hogs) == 2 * case.smp
                  and all(int(part) > 30 for part in hogs), f"status {run.status} {cores}", run.text),
            Check(OF_ITS_TIME, shares[1] and all(int(part) <= 100 for share in shares for *_, part, _ in share),
                  str(shares), run.text)]


def run_top_plant(case):
    image = builder.image(SHELL, case.arch, PLANT="time-so-far")
    run = boot(image, limit=60, stdin=b"hog 30\ntop 3\nquit\n", ARCH=case.arch, SMP=case.smp)
    most = max((int(found[4]) for line in run.text.splitlines() if (found := SHARE.fullmatch(line.rstrip()))), default=0)
    return [Check(f"time-so-far is caught by: {OF_ITS_TIME}", most > 100, f"status {run.status}: {most} %", run.text)]


def run_prof(case):
    commands = ["hog 30", "prof 1", "prof 1", "prof 0", "quit 4"]
    run, (_, *shown, wrong, _) = ask(case, commands)
    spins = [re.search(r"^ *\d+\.\d ms +(\d+)\.\d% .* spin$", "\n".join(part), re.M) for part in shown]
    waits = [re.search(r"^ *\d+\.\d ms +\d+\.\d% +\d+  sleep$", "\n".join(part), re.M) for part in shown]
    checks = [Check("prof: where the time goes, and what was waited for; and again",
                    run.status == 4 and all(spin and int(spin[1]) > 50 for spin in spins) and all(waits)
                    and "wants a number" in wrong[0], f"status {run.status}", run.text)]
    run, (shown, again) = ask(case, ["prof 1", "prof 1"], ARGS="vole.profile=997")
    checks.append(Check("prof where all of the run is looked at", run.status == 0 and "PROFILE=" in shown[0] and shown == again,
                        f"status {run.status}", run.text))
    return checks


def run_example(case):
    name = case.name
    run = boot(builder.image(f"examples/{name}", case.arch), limit=90, ARCH=case.arch,
               SMP=case.smp)
    return [Check(f"examples/{name}", run.status == 0 and run.raw != b"", f"status {run.status}",
                  run.text)]


def run_wordcount(case):
    """The counts of wc, which needs the same files under the same names."""
    run = boot(builder.image("examples/wordcount", case.arch), limit=60, ARCH=case.arch,
               SMP=case.smp, FILES=str(ROOT / "kernel"))
    files = sorted(p.name for p in (ROOT / "kernel").iterdir() if p.is_file())
    counted = subprocess.run(["wc", "-w", *files], cwd=ROOT / "kernel", check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    missing = []
    for line in counted.splitlines():
        count, name = line.split()
        if not any(count in words and any(w.lstrip("/") == name for w in words)
                   for words in (shown.split() for shown in run.text.splitlines())):
            missing.append(line.strip())
    return [Check("wordcount counts as wc does", run.status == 0 and not missing,
                  f"status {run.status}; not found: {missing[:5]}", run.text)]


def cases(tier):
    if tier != "fast":
        return
    for arch in (*ARCHES, HOST):
        yield Case("make", "make run", arch, 4, run_make_run, 5, images=[(SHELL, arch, {})])
        yield Case("make", "settings", arch, 2, run_settings, 6, images=[("tests/kernel/cxx", arch, {})])
        if arch != HOST:
            yield Case("make", "gdb", arch, 2, run_gdb, 6, images=[(SHELL, arch, {})]) # for its kernel
        yield Case("shell", "tour", arch, 4, run_tour, 15, images=[(SHELL, arch, {})])
        yield Case("shell", "top", arch, 2, run_top, 6, images=[(SHELL, arch, {})])
        yield Case("shell", "prof", arch, 2, run_prof, 5, images=[(SHELL, arch, {})])
        yield Case("shell", "trace", arch, 2, run_trace, 4, images=[(SHELL, arch, {})])
        for name in ("hello.c", "pingpong.c", "sieve.c"):
            yield Case("example", name, arch, 8 if arch == "arm64" else 4, run_example, 3,
                       images=[(f"examples/{name}", arch, {})])
        yield Case("example", "wordcount", arch, 4, run_wordcount, 3,
                   images=[("examples/wordcount", arch, {})])
    yield Case("shell", "planted fault time-so-far", "x86_64", 2, run_top_plant, 20,
               images=[(SHELL, "x86_64", {"PLANT": "time-so-far"})])
