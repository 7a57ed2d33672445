"""
What runtime_leaks and LEAKS=1 find. The programs of this folder leave coroutines behind: the head of each says
which, as `// leaks: N "NAME" waiting for REASON`; those of right/ leave none. All of them run in one image, and
what that has left at its end is compared with what the heads say. A few run by themselves, with LEAKS=1.
"""

import collections
import os
import re

from harness.machine import ARCHES, HOST, ROOT, boot, builder
from harness.suite import Case, Check

FOLDER = ROOT / "tests/leaks"
ALL = ROOT / "build/tests/leaks-all" # made here: an image of all programs

HEAD = re.compile(r'^// leaks: (\d+) "(.+)" waiting for (.+)$', re.M)
LEAKED = re.compile(r'^leaked: (\d+) × "(.+)" waiting for (.+), started at (\S+) \((\S+?):(\d+)\)\r?$\n((?:  #.*\n)*)',
                    re.M)

# All run in one image, where others go on: a word of theirs may happen to lead to what has leaked.
PERCENT = 95

MAIN = r"""/* Made by tests/leaks/cases.py. */
#include <stdio.h>
#include <vole.h>

%s

enum { RIGHT = %d, NEARLY_ALL = %d };
static int (*const programs[])(void) = {%s};

static void run(void *program)
{
	((int (*)(void))program)();
}

int main(void)
{
	static struct waitgroup all;

	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		waitgroup_go(&all, run, (void *)programs[i]);
		if (i + 1 == RIGHT)
			time_sleep(10 * NSEC_PER_MSEC);
	}
	for (int i = 0; i < 4; i++) {
		time_sleep(4 * NSEC_PER_MSEC);
		runtime_leaks(stdout);
		printf("so far\n");
	}
	waitgroup_wait(&all);
	/* Until they have settled; 20 s at most. */
	for (int i = 0; runtime_leaks(NULL) < NEARLY_ALL && i < 200; i++)
		time_sleep(100 * NSEC_PER_MSEC);
	time_sleep(100 * NSEC_PER_MSEC);
	runtime_leaks(stdout);
	printf("at the end\n");
	return 0;
}
"""


def programs():
    """{name: path}; those that leave nothing come first, so that what waits in them has stacks that nobody has had."""
    paths = [*sorted(FOLDER.glob("right/*.c")), *sorted(FOLDER.glob("*.c")), *sorted(FOLDER.glob("goker/*.c"))]
    return {path.stem: path for path in paths}


def expected(path):
    """{(name of the program, coroutine, reason): how many}"""
    return {(path.stem, name, reason): int(n) for n, name, reason in HEAD.findall(path.read_text())}


def found(text):
    """The same, as a report has it."""
    leaks = collections.Counter()
    for n, name, reason, _, file, _, _ in LEAKED.findall(text):
        leaks[os.path.splitext(os.path.basename(file))[0], name, reason] += int(n)
    return dict(leaks)


def keep(path, text):
    """A file that has not changed is not compiled anew."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def make_all():
    ALL.mkdir(parents=True, exist_ok=True)
    names = [re.sub(r"\W", "_", name) for name in programs()]
    for name, path in zip(names, programs().values()):
        keep(ALL / path.name, f"#define main main_of_{name}\n#line 1\n{path.read_text()}")
    keep(ALL / "goker.h", (FOLDER / "goker/goker.h").read_text())
    many = sum(n for path in programs().values() for n in expected(path).values())
    declared = "\n".join(f"int main_of_{name}(void);" for name in names)
    keep(ALL / "main.c", MAIN % (declared, len([*FOLDER.glob("right/*.c")]), -(-many * PERCENT // 100), ", ".join(f"main_of_{name}" for name in names)))
    for old in ALL.glob("*.c"):
        if old.stem not in {"main", *programs()}:
            old.unlink()
    return ALL


def differences(want, have):
    return "\n".join(f"{key}: {have.get(key, 0)} in place of {want.get(key, 0)}"
                     for key in sorted(want.keys() | have.keys()) if want.get(key, 0) != have.get(key, 0))


def run_all(case):
    run = boot(builder.image(ALL, case.arch), ARCH=case.arch, SMP=case.smp, MEM="512M")
    *early, rest = run.text.split("so far")
    last = found(rest.partition("at the end")[0])
    want = {}
    for path in programs().values():
        want.update(expected(path))
    soon = [key for text in early for key, n in found(text).items() if n > want.get(key, 0)]
    alive = [key for key, n in last.items() if n > want.get(key, 0)]
    total, told = sum(want.values()), sum(min(n, last.get(key, 0)) for key, n in want.items())
    return [Check("nothing is told of that has not leaked", run.status == 0 and not alive,
                  f"status {run.status}\n{differences(want, last)}", run.text),
            Check(f"of what has leaked, {PERCENT} in a hundred at least", told * 100 >= PERCENT * total,
                  f"{told} of {total}\n{differences(want, last)}", run.text),
            Check("nothing is told of before it has leaked", len(early) == 4 and not soon, str(soon), run.text)]


def run_one(case):
    path = programs()[case.name]
    run = boot(builder.image(path.relative_to(ROOT), case.arch), ARCH=case.arch, SMP=case.smp, MEM="512M", LEAKS=1,
               ARGS=OPTIONS.get(case.name))
    leaks = LEAKED.findall(run.text)
    want = expected(path)
    return [Check(f"{case.name}: status {135 if want else 0}", run.status == (135 if want else 0),
                  f"status {run.status}", run.text),
            Check(f"{case.name}: lines of what has leaked, each with a stack", found(run.text) == want and
                  all(stack.strip() for *_, stack in leaks), differences(want, found(run.text)), run.text),
            Check(f"{case.name}: those of one line are told of together", len({leak[1:6] for leak in leaks}) == len(leaks),
                  "", run.text),
            Check(f"{case.name}: memory that has leaked with them", not want or
                  re.search(r"^leaked memory: [1-9]\d* blocks, [1-9]\d* bytes\r?$", run.text, re.M), "", run.text),
            Check(f"{case.name}: no line without a leak", want or not re.search("^leaked", run.text, re.M), "",
                  run.text)]


LOST = "tests/leaks/memory/lost.c"
PLACE = re.compile(r"^  (\d+) blocks?, (\d+) bytes?, allocated at\r?$\n((?:    #.*\n)*)", re.M)


def places(run):
    """[(function, blocks, bytes)] of a report, in its order."""
    return [(re.search(r" (lose_\w+)\+", stack)[1] if "lose_" in stack else "?", int(blocks), int(size))
            for blocks, size, stack in PLACE.findall(run.text)]


def run_memory(case):
    """Blocks that leaked are told of by their places."""
    run = boot(builder.image(LOST, case.arch, **BUILDS.get(case.name, {})), ARCH=case.arch, SMP=case.smp, LEAKS=1)
    told = places(run)
    sizes = [10000, 5000, 1500, 1000, 900, 800, 700, 600, 400]
    want = [(f"lose_{size // 3 if size == 1500 else size}", 3 if size == 1500 else 1, size) for size in sizes]
    channel = [place for place in told if place[0] == "lose_channel"]
    ok = (run.status == 135 and re.search(r"^leaked memory: 15 blocks, \d+ bytes\r?$", run.text, re.M)
          and [place for place in told if place not in channel] == want and len(channel) == 1 and channel[0][2] > 2000
          and [place[2] for place in told] == sorted((place[2] for place in told), reverse=True)
          and re.search(r"^  and 3 more\r?$", run.text, re.M))
    if case.name == "one-place":
        return [Check(f"lost.c catches {case.name}: blocks by their places, the most bytes first",
                      run.status == 135 and not ok, "", run.text)]
    return [Check("blocks by their places, the most bytes first", ok, f"status {run.status}, {told}", run.text)]


QUOTED = "tests/leaks/memory/quoted.c"


def run_quoted(case):
    run = boot(builder.image(QUOTED, case.arch), ARCH=case.arch, SMP=case.smp, LEAKS=1)
    line = '1 × "waits" waiting for sema acquire, started at main (with "quotes", \\ and é.c:1)'
    return [Check("a file has the name that the compiler was told, whatever is in it",
                  run.status == 135 and f"leaked: {line}" in run.text.splitlines(), f"status {run.status}", run.text)]


BUILDS = {"one-place": {"PLANT": "one-place"}, "asan": {"SAN": "asan"}}
OPTIONS = {"forgotten-sender": "vole.trace=ring"} # events name channels that nobody has any more
SINGLE = (("forgotten-sender", "x86_64", 4), ("forgotten-sender", "arm64", 2), ("forgotten-sender", HOST, 2),
          ("waits-on", "x86_64", 1), ("waits-on", "arm64", 4), ("waits-on", HOST, 4))


def cases(tier):
    if tier == "sanitize": # whose kernel it has: to compile that takes 30 s of the processor
        yield Case("leaks", "asan", HOST, 2, run_memory, images=[(LOST, HOST, BUILDS["asan"])])
    if tier != "fast":
        return
    make_all()
    for arch, smp in (*((arch, 4) for arch in ARCHES), (HOST, 2)):
        yield Case("leaks", "all", arch, smp, run_all, cost=15, images=[(ALL, arch, {})])
    for name, arch, smp in SINGLE:
        yield Case("leaks", name, arch, smp, run_one, images=[(programs()[name].relative_to(ROOT), arch, {})])
    for arch, smp in ((ARCHES[0], 4), (ARCHES[1], 2), (HOST, 2)):
        yield Case("leaks", "memory", arch, smp, run_memory, images=[(LOST, arch, {})])
    yield Case("leaks", "quoted", HOST, 2, run_quoted, cost=1, images=[(QUOTED, HOST, {})])
    yield Case("leaks", "one-place", "x86_64", 2, run_memory, images=[(LOST, "x86_64", BUILDS["one-place"])])
