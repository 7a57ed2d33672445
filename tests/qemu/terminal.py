"""What a person sees at a terminal, by way of a pseudo-terminal: echo, editing, raw mode, Ctrl-C."""

import fcntl
import os
import re
import select
import signal
import subprocess
import termios
import time

from harness.machine import ARCHES, HOST, ROOT, builder, command
from harness.suite import Case, Check

PROGRAM = "tests/kernel/stdin.c"
SHELL = "examples/shell"
FULL = "tests/qemu/full.c"
LIMIT = 60

# What one program does, one after the other: a word for it, by turns what is awaited and what is typed
# then, and what the screen shows of it. The last ends the machine.
SESSION = {
    "isatty": ("tty", [], "11 0 1|"),
    "raw: every byte comes, nothing is shown": (
        "keys", [("raw", "a"), ("<61>", "\r"), ("<0d>", "\x7f\x04\x03\x1c"), ("<1c>", "q")],
        "raw|<61><0d><7f><04><03><1c><71>|"),
    "VMIN and VTIME": ("timed", [("three", "ab"), ("", "c"), ("some", "d"), ("1: d", "")],
                       "0 without input|three|3: abc|some|1: d|"),
    "Ctrl-C, handled": ("signal", [("waiting", "\x03")], "waiting|^Csignal|"),
    "poll: lines, beside a socket": (
        "poll", [("ticking", "a"), ("", "b\r"), ("socket [ab]", "c"), ("", "\x7f\x04")],
        "ticking|ab|input [ab]|socket [ab]|end of file 1|"),
    "typing is shown": ("lines", [("ready", "one\r"), ("[one]", "two\r"), ("[two]", "\x04")],
                        "one|[one]|two|[two]|end of file 1|"),
    "typing ahead is not lost": ("lines", [("ready", "one\rtwo\r"), ("[two]", "\x04")],
                                 "one|two|[one]|[two]|end of file 1|"),
    "lines are edited": (
        "lines", [("ready", "4\x7f2\r"), ("[2]", "a b\x7f\x7f\x7f\x7fwrong word\x17ly\r"),
                  ("ly]", "all of it\x15x\u00e4\x7fy\r"), ("[xy]", "\x04")],
        "2|[2]|wrong ly|[wrong ly]|xy|[xy]|end of file 1|"),
    "control characters are shown as such": (
        "lines", [("ready", "a\x01b\r"), ("b]", "\x04")], "a^Ab|[a\x01b]|end of file 1|"),
    "Ctrl-D in a line ends a read, not the input": (
        "lines", [("ready", "ab\x04c\r"), ("[abc]", "\x04")], "abc|[abc]|end of file 1|"),
    "Ctrl-C ends it": ("lines", [("ready", "\x03")], "^C|"),
}


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, image, **options):
        words, env = command(image, TIMEOUT=LIMIT, **options)
        self._ours, theirs = os.openpty()
        mode = termios.tcgetattr(theirs)
        mode[0] |= 0o40000 # IUTF8, as terminals have it
        termios.tcsetattr(theirs, termios.TCSANOW, mode)
        self.mode = self.mode_after = termios.tcgetattr(theirs)
        self._process = subprocess.Popen(
            words, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, preexec_fn=self._at_terminal)
        os.close(theirs)
        self._end = time.monotonic() + 2 * LIMIT
        self.seen, self._from = b"", 0

    @staticmethod
    def _at_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL) # tests that run in the background ignore it

    def _more(self):
        """False: nothing comes any more."""
        if not select.select([self._ours], [], [], max(0, self._end - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._ours, 4096)
        except OSError:  # the other end has been closed
            return False
        self.seen += data
        return bool(data)

    def wait_for(self, text):
        """True: text has come, behind that of the last time."""
        while (at := self.seen.find(text.encode(), self._from)) < 0:
            if not self._more():
                return False
        self._from = at + len(text.encode())
        return True

    def type(self, text):
        os.write(self._ours, text.encode())

    def end(self):
        """The status."""
        while self._more():
            pass
        status = self._process.wait(LIMIT)
        self.mode_after = termios.tcgetattr(self._ours)
        os.close(self._ours)
        return status


def screen(seen):
    """What a person sees: backspaces are carried out."""
    lines = seen.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    for i, line in enumerate(lines):
        shown = ""
        while "\b" in line:
            before, line = line.split("\b", 1)
            shown = (shown + before)[:-1]
        lines[i] = (shown + line).rstrip(" ")
    return "\n".join(lines)


def drawn(seen):
    """The same where lines are drawn anew: with CR, and ECMA-48's EL and CUF."""
    lines = []
    for text in seen.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        line, at = "", 0
        for erase, forward, char in re.findall(r"\x1b\[(K)|\x1b\[(\d+)C|(.)", text.replace("\r", "\v")):
            if erase:
                line = line[:at]
            elif forward:
                at += int(forward)
            elif char == "\v":
                at = 0
            else:
                line = line[:at].ljust(at) + char + line[at + 1:]
                at += 1
        lines.append(line.rstrip(" "))
    return lines


def run_shell(case):
    """The shell edits its line itself."""
    terminal = Terminal(builder.image(SHELL, case.arch), ARCH=case.arch, SMP=case.smp)
    for awaited, typed in (("vole> ", "echo good mornx\x7f"), ("morn", "ing\r"), ("morning\r\n", ""), ("vole> ", "quit 3\r")):
        if terminal.wait_for(awaited):
            terminal.type(typed)
    status = terminal.end()
    want = ["vole> echo good morning", "good morning", "vole> quit 3", ""]
    got = drawn(terminal.seen)
    return [Check("the shell shows once what is typed, and nothing else", got[-4:] == want,
                  f"status {status}, wanted {want}", "\n".join(got)),
            Check("the shell leaves the terminal as it was", status == 3 and
                  terminal.mode_after == terminal.mode, f"status {status}")]


def run_session(case):
    terminal = Terminal(builder.image(PROGRAM, case.arch), ARCH=case.arch, SMP=case.smp,
                        ARGS=" ".join(word for word, _, _ in SESSION.values()))
    for _, steps, _ in SESSION.values():
        for awaited, typed in steps:
            if terminal.wait_for(awaited):
                terminal.type(typed)
    status = terminal.end()
    parts = screen(terminal.seen).replace("\n", "|").split("ready|")[1:]
    checks = []
    for (name, (_, _, want)), got in zip(SESSION.items(), parts + [""] * len(SESSION)):
        if case.arch == HOST:  # Linux has no line end for a program that a signal ends
            want = want.removesuffix("^C|") + "^C" * want.endswith("^C|")
        if "ahead" in name and got.count("[one]|") == 1:  # that may come before the second line is shown, or inside of it
            want, got = want.replace("[one]|", ""), got.replace("[one]|", "")
        checks.append(Check(name, got == want, f"wanted {want!r}, got {got!r}",
                            repr(terminal.seen)))
    want = -signal.SIGINT if case.arch == HOST else 130
    checks.append(Check("Ctrl-C: the status", status == want, f"status {status}, not {want}"))
    return checks


def run_dump(case):
    """Ctrl-\\ has all coroutines listed, and the program goes on; a terminal is as it was when Ctrl-C ends it."""
    terminal = Terminal(builder.image(PROGRAM, case.arch), ARCH=case.arch, SMP=case.smp, ARGS="lines left")
    for awaited, typed in (("ready", "\x1c"), ('coroutine 1 "main"', "x\r"), ("[x]", "\x04"),
                           ("left", "\x03")):
        if terminal.wait_for(awaited):
            terminal.type(typed)
    status = terminal.end()
    seen = repr(terminal.seen)
    want = -signal.SIGINT if case.arch == HOST else 130
    return [Check("Ctrl-\\ has all coroutines listed", b"[x]\r\nend of file 1\r\nready\r\nleft\r\n" in terminal.seen,
                  "", seen),
            Check("Ctrl-C where nothing is shown: the status", status == want, f"{status}, not {want}", seen),
            Check("the terminal is as it was then", terminal.mode_after == terminal.mode, "", seen)]


def run_dump_full(case):
    """Ctrl-\\ when no memory is left, and when there are many; the program goes on."""
    terminal = Terminal(builder.image(FULL, case.arch), ARCH=case.arch, SMP=case.smp, MEM="64M")
    for awaited, typed in (("begins", "\r"), ("full", "\x1c"), ('coroutine 1 "main"', "\r"), ("many", "\x1c"),
                           ('"last" waits: chan', "\r")):
        if terminal.wait_for(awaited):
            terminal.type(typed)
    status = terminal.end()
    seen = terminal.seen.decode("utf-8", "replace")
    return [Check("Ctrl-\\ lists all coroutines when memory is full, and the program goes on",
                  re.search(r"full\r\n(?:.*\r\n)*?dump:\r\n1 coroutine on(?:.*\r\n)+many\r\n", seen), "", seen),
            Check("500 that wait are listed, and the program ends as it should",
                  status == 3 and len(re.findall(r'^coroutine \d+ "waits" waits: chan receive', seen, re.M)) == 500,
                  f"status {status}", seen[-3000:])]


def cases(tier):
    if tier != "fast":
        return
    for arch in (*ARCHES, HOST):
        images = [(PROGRAM, arch, {})]
        yield Case("terminal", "session", arch, 2, run_session, 2, images=images)
        yield Case("terminal", "shell", arch, 2, run_shell, 2, images=[(SHELL, arch, {})])
        yield Case("terminal", "dump", arch, 1, run_dump, 1, images=images)
        yield Case("terminal", "dump when full", arch, 2, run_dump_full, 3, images=[(FULL, arch, {})])
