"""make gdb: coroutines as threads, commands for them, and what cannot be debugged is refused before it boots."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from harness.machine import ARCHES, HOST, ROOT, builder, make
from harness.suite import Case, Check
from net.server import reserved_port

SIM = "sim"
DINING = "examples/dining.c"
SESSION, CROWD, HELD = "tests/qemu/session.c", "tests/qemu/crowd.c", "tests/qemu/held.c"
QUEUED = "tests/qemu/queued.c"
# Lines of session.c
LINES = {name: number for number, line in enumerate((ROOT / SESSION).read_text().splitlines(), 1)
         for name in re.findall(r"/\* (\w+): ", line)}


# The build that is debugged: ready before its sessions begin, and the same for all of them.
BUILD = {"OPT": "g"}

# What chan says of them.
NO_CHANNELS = {"nosuch": r'^No symbol "nosuch" in current context\.$', "0": "^chan 0: NULL is no channel$",
               "&forks[1]": r"^chan &forks\[1\]: struct mutex \* is no channel$",
               "forks": r"^chan forks: struct mutex \[6\] is no channel$"}

# What p says of structs of session.c.
PRINTED = {"event": r'event, waited for by co \d+ "listener"', "group": r'group, 1 members: co \d+ "member"',
           "once": "once, done",
           "ticker": r"ticker, each 800 s, next at \d+ ns, now \d+: chan 0 of 1"}


def stop_from_deadlock(case, *more):
    return make("-s", "gdb", f"APP={DINING}", f"ARCH={case.arch}", f"SMP={case.smp}", "ARGS=wrong", "TIMEOUT=120",
                f"GDB_ARGS=-batch -ex run-to-deadlock -ex 'info threads' -ex waits {' '.join(more)}")


def run_deadlock(case):
    """The dining philosophers: who holds what, in a circle; and everybody's frames."""
    run = stop_from_deadlock(case, "-ex 'thread apply all bt'", "-ex 'co -on \"mutex*\" -group function'",
                             "-ex 'p forks[1]'", *(f"-ex 'chan {text}'" for text in NO_CHANNELS), "-ex 'co 1'")
    waits = re.findall(r'^\d+ "philosopher (\d)" waits for mutex lock 0x[0-9a-f]+ held by \d+ "philosopher (\d)"$',
                       run.text, re.M)
    in_turn = {int(seat): int(other) for seat, other in waits}
    circles = re.findall(r"^circle: ", run.text, re.M)
    checks = [Check("make gdb with a batch of commands ends with 0, before the report",
                    run.status == 0 and "all coroutines are asleep" not in run.text, f"status {run.status}",
                    run.text),
              Check("waits names the holder of each mutex, and the circle",
                    in_turn == {seat: seat % 5 + 1 for seat in range(1, 6)} and len(circles) == 1,
                    f"{in_turn}", run.text),
              Check("co -group counts", re.search(r"^ *5 dine: co ", run.text, re.M), "", run.text),
              Check("a mutex is printed with its holder", re.search(
                  r'^\$1 = mutex held by co \d+ "philosopher 1", waited for by co \d+ "philosopher 5"$',
                  run.text, re.M), "", run.text),
              Check("what is no channel gets one line each",
                    "Python" not in run.text and all(
                        len(re.findall(line, run.text, re.M)) == 1 for line in NO_CHANNELS.values()), "", run.text)]
    if case.arch in ARCHES:
        lines = re.findall(r'\(co \d+ "philosopher \d" waiting on mutex lock 0x[0-9a-f]+ for [\d.]+ \w+\)', run.text)
        checks.append(Check("info threads has a line for each coroutine", len(set(lines)) == 5, f"{lines}", run.text))
        stacks = [text for text in run.text.split("\nThread ") if "philosopher" in text.partition("\n")[0]]
        checks.append(Check("thread apply all bt leads from the wait to the program",
                            len(stacks) == 5 and all(re.search(r"in mutex_lock.*\n(#.*\n)*#\d+ .* dine ", stack)
                                                     or re.search(r"mutex_lock \(.*\n(#.*\n)*#\d+ .*dine \(", stack)
                                                     for stack in stacks), f"{len(stacks)}", run.text))
    return checks


def run_session(case):
    """Coroutines that run, are preempted, and wait, on two cores; steps in one of them."""
    words = ["-batch", f"-ex 'break {LINES['before']}'", "-ex run-to-panic", "-ex co", "-ex 'echo each:\\n'",
             "-ex 'co -name hog -each frame apply all -s -q p hog_turns'",
             "-ex 'chan full'", "-ex runq", "-ex timers", "-ex groups", "-ex cores",
             *[f"-ex 'p {name}'" for name in PRINTED]]
    if case.arch in ARCHES:
        words += ["-ex 'd 3'", "-ex next", "-ex 'echo after:'", "-ex 'co -name main'", "-ex next",
                  "-ex 'echo hog:\\n'", "-ex 'co -name hog -preempted -most 1 -each next'"]
    run = make("-s", "gdb", f"APP={SESSION}", f"ARCH={case.arch}", f"SMP={case.smp}", "TIMEOUT=120", "OPT=g",
               f"GDB_ARGS={' '.join(words)}")
    hogs = re.findall(r'^co \d+ "hog" (running|preempted|runnable)', run.text, re.M)
    # One that a core is just about to continue is said to run, and no core has it yet.
    turns = [int(text) for text in re.findall(r'^co \d+ "hog" preempted\n\$\d+ = (\d+)$', run.text, re.M)]
    shown = re.findall(r'^co \d+ "hog" preempted$', run.text.partition("each:")[2].partition("chan 0x")[0], re.M)
    checks = [Check("of three that never stop some are preempted", "preempted" in hogs, f"{hogs}", run.text),
              Check("the local variables of those are those of each",
                    turns and len({turn // 10**12 for turn in turns}) == len(turns) == len(shown), f"{turns}", run.text),
              Check("chan shows what is in it, and who waits",
                    re.search(r"^chan 0x[0-9a-f]+: 2 of 2 values of 4 bytes$", run.text, re.M)
                    and re.search(r'^co \d+ "sender" waits to send$', run.text, re.M), "", run.text),
              Check("groups, timers and cores have lines of their own",
                    re.search(r"^group 0x[0-9a-f]+: 1 members$", run.text, re.M)
                    and re.search(r"^core \d: in \d+ s, timer_call 0x", run.text, re.M)
                    and len(re.findall(r"^core \d: .* switches", run.text, re.M)) == case.smp, "", run.text),
              Check("structs are printed with who waits, and who is in them",
                    all(re.search(rf"^\$\d+ = {text}$", run.text, re.M) for text in PRINTED.values()), "", run.text),
              Check("cores says who runs", re.search(r'^core \d: co 1 "main", \d+ switches', run.text, re.M), "", run.text)]
    if case.arch in ARCHES:
        where = re.findall(r"^(\d+)\t", run.text, re.M)
        checks.append(Check("next over a call that waits ends in the same coroutine",
                            re.search(r'after:co \d+ "main" running', run.text) and str(LINES["after"]) in where
                            and str(LINES["later"]) in where, f"{where}", run.text))
        stepped = re.search(r"^hog:\nco \d+ \"hog\" preempted\n(?:.*\n)*?(\d+)\t.*(?:hog_turns|stop)", run.text, re.M)
        checks.append(Check("next in a coroutine that is preempted: it goes on, and stops", stepped, "", run.text))
    return checks


def run_crowd(case):
    """Six do the same on four cores, and one of them is stepped over calls that wait."""
    told = "-ex 'python print(\"at\", gdb.selected_thread().ptid[1], gdb.newest_frame().name())'"
    again = "-ex 'python gdb.execute(\"tbreak meet thread %d\" % gdb.selected_thread().num)' -ex c"
    words = ["-batch", "-ex 'break meet'", "-ex c", "-ex c", "-ex c", "-ex 'd 3'", told, *["-ex next", told] * 9,
             *[again, told, "-ex finish", told] * 2]
    run = make("-s", "gdb", f"APP={CROWD}", f"ARCH={case.arch}", f"SMP={case.smp}", "TIMEOUT=120", "OPT=g",
               f"GDB_ARGS={' '.join(words)}")
    seen = re.findall(r"^at (\d+) (\w+)$", run.text, re.M)
    return [Check("nine steps over calls that wait: always the same coroutine, in its own functions",
                  len(seen) >= 10 and len({thread for thread, _ in seen[:10]}) == 1
                  and {name for _, name in seen[:10]} == {"meet", "beside"}, f"{seen}", run.text),
            Check("finish where others come by ends in the same coroutine, too",
                  len({thread for thread, _ in seen}) == 1
                  and [name for _, name in seen[10:]] == ["meet", "beside"] * 2, f"{seen}", run.text)]


def run_held(case):
    """waits, where each of a thousand has a mutex of its own."""
    count = "python import session; reads = []; real = session.read; session.read = lambda *words: (reads.append(words), real(*words))[1]"
    words = ["-batch", "-ex 'break runtime_dump'", "-ex c", "-ex c", f"-ex '{count}'", "-ex waits",
             "-ex 'python print(\"reads\", len(reads))'"]
    run = make("-s", "gdb", f"APP={HELD}", f"ARCH={case.arch}", f"SMP={case.smp}", "TIMEOUT=120", "ARGS=1000",
               f"GDB_ARGS={' '.join(words)}")
    holders = re.findall(r'^\d+ "waiter" waits for mutex lock 0x[0-9a-f]+ held by (\d+) "holder"$', run.text, re.M)
    reads = re.search(r"^reads (\d+)$", run.text, re.M)
    return [Check("each waits for another, and memory is read by pages, not by mutexes",
                  len(set(holders)) == 1000 and reads and int(reads[1]) < 100,
                  f"{len(holders)} {reads and reads[0]}", run.text[-3000:])]


def run_queued(case):
    """Long queues are counted, and their beginning shown; a pool and a generator; the end of a stack."""
    words = ["-batch", "-ex run-to-panic", "-ex 'chan queue'", "-ex 'p *queue'", "-ex 'p sleepers'", "-ex timers",
             "-ex 'p *pool'", "-ex 'p *gen'", "-ex 'co -name waits -most 1 -each bt'"]
    run = make("-s", "gdb", f"APP={QUEUED}", f"ARCH={case.arch}", f"SMP={case.smp}", "TIMEOUT=120", "OPT=g",
               f"GDB_ARGS={' '.join(words)}")
    others = r'co \d+ "{}"(, co \d+ "{}"){{7}} and 1492 more'
    shown = [r"chan 0 of 0, receivers " + others.format("waits", "waits"),
             r"group, 1500 members: " + others.format("sleeps", "sleeps"),
             "pool, 1 of 1 workers, 2 of 3 tasks wait, the next task",
             r'gen counts, waits as co \d+ "counts"']
    return [Check("of a long queue the first thousand have a line, and the others are counted",
                  len(re.findall(r'^co \d+ "waits" waits to receive$', run.text, re.M)) == 1000
                  and "\nand 500 more, each waits to receive\n" in run.text, "", run.text[-3000:]),
            Check("p counts them, and shows pools and generators",
                  all(re.search(rf"^\$\d+ = {text}$", run.text, re.M) for text in shown), "", run.text[-3000:]),
            Check("timers counts those that sleep", (number := re.search(r"^(\d+) timers$", run.text, re.M))
                  and int(number[1]) >= 1501, "", run.text[-3000:]),
            Check("a stack ends with its first function, and is not said to be corrupt",
                  re.search(r"^#\d+ .*\bco_begin \(.*\n(#\d+ +0x0+ in \?\?.*\n)?(?!#|Backtrace)", run.text, re.M)
                  and "corrupt" not in run.text, "", run.text[-3000:])]


def run_postmortem(case):
    """A panic leaves a core file, and that tells what the machine would have told."""
    with tempfile.TemporaryDirectory() as name:
        core, build = f"{name}/core", [f"APP={SESSION}", f"ARCH={case.arch}", "OPT=g"]
        run = make("-s", "run", *build, f"SMP={case.smp}", "TIMEOUT=60", "ARGS=now", f"CORE={core}")
        words = ["-batch", "-ex 'info threads'", "-ex co", "-ex 'chan full'", "-ex runq", "-ex timers", "-ex groups",
                 "-ex cores", "-ex waits", "-ex 'echo who:\\n'", "-ex bt", "-ex run-to-panic"]
        told = make("-s", "postmortem", *build[:1], "OPT=g", f"CORE={core}", f"GDB_ARGS={' '.join(words)}")
        head = subprocess.run(["readelf", "-hn", core], text=True, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.DEVNULL).stdout
        other = make("-s", "postmortem", f"APP={DINING}", f"CORE={core}", "GDB_ARGS=-batch")
        none = make("-s", "postmortem", f"APP={SESSION}", f"CORE={name}/none", f"ARCH={case.arch}", "OPT=g")
        nowhere = make("-s", "run", *build, f"CORE={name}/none/core")
        before = os.stat(core)
        wrong = make("-s", "run", *build, f"CORE={core}", "TIMEOUT=never")
        after = os.stat(core)
        os.symlink("/dev/full", f"{name}/full")
        full = make("-s", "run", *build, f"SMP={case.smp}", "TIMEOUT=60", "ARGS=now", f"CORE={name}/full")
    who = told.text.partition("who:\n")[2]
    return [Check("a panic leaves an ELF core, and its status", "panic: " in run.text and run.status == 2
                  and "status 134" in run.text and "CORE (Core file)" in head
                  and head.count("NT_PRSTATUS") == case.smp, f"status {run.status}", run.text),
            Check("co and info threads have the coroutines",
                  re.search(r'^co \d+ "sender" waiting on chan send', told.text, re.M)
                  and re.search(r'Thread \d+ "sender" \(co \d+ "sender" waiting on chan send', told.text)
                  and len(re.findall(r'^co \d+ "hog"', told.text, re.M)) == 3, "", told.text),
            Check("chan, groups, timers, cores and waits have their lines",
                  re.search(r"^chan 0x[0-9a-f]+: 2 of 2 values of 4 bytes$", told.text, re.M)
                  and re.search(r"^group 0x[0-9a-f]+: 1 members$", told.text, re.M)
                  and re.search(r"^core \d: in \d+ s, timer_call 0x", told.text, re.M)
                  and re.search(r'^\d+ "sender" waits for chan send', told.text, re.M)
                  and len(re.findall(r"^core \d: .* switches", told.text, re.M)) == case.smp, "", told.text),
            Check("the frames are those of who panicked", re.search(r"^#\d+ .*\bmain \(", who, re.M), "", told.text),
            Check("nothing can run", "the machine has ended" in who, "", told.text),
            Check("a wrong option leaves an older core file as it is",
                  "TIMEOUT=never: " in wrong.text and before == after, f"{before} {after}", wrong.text),
            Check("one that cannot be written is told, and the machine goes on to its end",
                  "status 134" in full.text and f"CORE={name}/full: " in full.text, "", full.text),
            *(Check(f"a line says it: {words}", run.status and words in run.text and "panic" not in run.text
                    and len(re.findall("^(?:vole|qemu/run): ", run.text, re.M)) == 1, f"status {run.status}", run.text)
              for words, run in (("another build", other), ("CORE=" + name + "/none: No such file", none),
                                 ("/none/core: No such file", nowhere)))]


def run_server(case):
    """What an IDE does: gdb's machine interface, at make gdb-server."""
    with reserved_port() as reserved:
        return talk_to_server(case, reserved.getsockname()[1])


def talk_to_server(case, port):
    image = builder.image(DINING, case.arch)
    asked = ["-gdb-set mi-async off", "-gdb-set remotetimeout 60", f"-target-select remote 127.0.0.1:{port}", "-break-insert -h panic_deadlock",
             "-exec-continue", "-thread-info", "-stack-list-frames --thread 3", "-gdb-exit"]
    environment = {**os.environ, "ARGS": "wrong", "TIMEOUT": "120", "SMP": str(case.smp)}
    words = ["make", "-s", "gdb-server", f"APP={DINING}", f"ARCH={case.arch}", f"PORT={port}"]
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
        try:
            told = next((line for line in server.stderr if f"127.0.0.1:{port}" in line), "")
            with subprocess.Popen(["gdb-multiarch", "-q", "-nx", "--interpreter=mi2", str(image)], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as gdb:
                text = ""
                for command in asked:
                    gdb.stdin.write(command + "\n")
                    gdb.stdin.flush()
                    for line in gdb.stdout: # up to its result, and where the machine runs, its stop
                        text += line
                        if line.startswith(("*stopped", "^done", "^error", "^exit", "^connected")) and \
                                not (command == "-exec-continue" and not line.startswith(("*stopped", "^error"))):
                            break
            ended = server.wait(30)
        except subprocess.TimeoutExpired:
            ended = "no end"
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
    return [Check("make gdb-server says where it listens", told, "", told),
            Check("-thread-info has the coroutines, with name and state",
                  len(re.findall(r'name="philosopher \d"', text)) == 5
                  and len(re.findall(r'"co \d+ \\"philosopher \d\\" waiting on mutex lock', text)) == 5, "", text),
            Check("-stack-list-frames shows a thread's frames",
                  any(f'func="{name}"' in text for name in ("waitgroup_wait", "mutex_lock")), "", text),
            Check("the machine ends when the IDE leaves", ended == 0, f"{ended}", text)]


def run_refused(case):
    """gdb that is not there, and a table of another version: a line, and nothing boots."""
    image = builder.image(DINING, case.arch)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        other = folder / "other.elf"
        data = image.read_bytes()
        at = data.index(b"version\0" + bytes(16))
        other.write_bytes(data[:at + 24] + (99).to_bytes(8, "little") + data[at + 32:])
        run = subprocess.run([ROOT / "qemu/gdb", other, "-batch"], stdin=subprocess.DEVNULL, text=True, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "TIMEOUT": "60"})
        checks = [Check("a table of another version is refused",
                        run.returncode == 1 and run.stdout.count("\n") == 1 and "version 99" in run.stdout,
                        f"status {run.returncode}", run.stdout)]
        for program in "env", "python3":
            (folder / program).symlink_to(shutil.which(program))
        run = subprocess.run([ROOT / "qemu/gdb", image], stdin=subprocess.DEVNULL, text=True, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": name})
        checks.append(Check("gdb that is not installed is told",
                            run.returncode == 1 and run.stdout.count("\n") == 1
                            and "gdb-multiarch is not installed" in run.stdout, f"status {run.returncode}",
                            run.stdout))
    return checks


def cases(tier):
    if tier != "fast":
        return
    for arch in (*ARCHES, HOST, SIM):
        yield Case("debugger", "deadlock", arch, 2, run_deadlock, 4, images=[(DINING, arch, {})])
        yield Case("debugger", "session", arch, 2, run_session, 5, images=[(SESSION, arch, BUILD)])
    for arch in ARCHES:
        yield Case("debugger", "crowd", arch, 4, run_crowd, 5, images=[(CROWD, arch, BUILD)])
        yield Case("debugger", "held", arch, 2, run_held, 4, images=[(HELD, arch, {})])
        yield Case("debugger", "queued", arch, 2, run_queued, 4, images=[(QUEUED, arch, BUILD)])
        yield Case("debugger", "server", arch, 2, run_server, 4, images=[(DINING, arch, {})])
        yield Case("debugger", "postmortem", arch, 2, run_postmortem, 8,
                   images=[(SESSION, arch, BUILD), (DINING, arch, {})])
        yield Case("debugger", "refused", arch, 2, run_refused, 1, images=[(DINING, arch, {})])
