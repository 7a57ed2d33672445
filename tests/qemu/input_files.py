"""Standard input, and the files that FILES= packs."""

import pathlib
import random
import subprocess
import tempfile

from harness.kernel import results
from harness.machine import ARCHES, HOST, boot, builder, command
from harness.suite import Case, Check

STDIN = "tests/kernel/stdin.c"
FILES = "tests/kernel/files.c"

# Input, and what `stdin lines` prints after "ready".
LINES = {
    "lines": (b"one\ntwo\n\nfour\n", "[one]\n[two]\n[]\n[four]\nend of file 1\n"),
    "no newline at the end": (b"one\ntwo", "[one]\n[two]\nend of file 1\n"),
    "nothing": (b"", "end of file 1\n"),
    "CR is data": (b"a\rb\r\nc\n", "[a\rb\r]\n[c]\nend of file 1\n"),
    "Ctrl-D is data": (b"x\n\x04more\n\x04", "[x]\n[\x04more]\n[\x04]\nend of file 1\n"),
    "every other control character": (
        b"a\x10b\x10\x10d\x10\x03\x1a\x7f\x01c\n", "[a\x10b\x10\x10d\x10\x03\x1a\x7f\x01c]\nend of file 1\n"),
    "a line of 250 bytes": (b"z" * 250 + b"\n", "[" + "z" * 250 + "]\nend of file 1\n"),
}


def run_lines(case):
    checks = []
    image = builder.image(STDIN, case.arch)
    for name, (data, want) in LINES.items():
        run = boot(image, limit=30, stdin=data, ARCH=case.arch, SMP=case.smp, ARGS="lines")
        ok = run.status == 0 and run.text == "ready\n" + want
        checks.append(Check(f"input: {name}", ok, f"status {run.status}, wanted {want!r}, got "
                            f"{run.text!r}"))
    return checks


def fnv(data):
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xffffffff
    return value


def run_big(case):
    data = random.Random(case.smp).randbytes(100_000)
    run = boot(builder.image(STDIN, case.arch), limit=60, stdin=data, ARCH=case.arch,
               SMP=case.smp, ARGS="sum")
    want = f"ready\n{len(data)} bytes, sum {fnv(data):08x}\n"
    return [Check("100,000 bytes of input arrive unaltered", run.status == 0 and run.text == want,
                  f"status {run.status}, wanted {want!r}, got {run.text[:300]!r}")]


def run_two(case):
    lines = [f"line {i}" for i in range(200)]
    run = boot(builder.image(STDIN, case.arch), limit=30, ARCH=case.arch, SMP=case.smp,
               stdin=("\n".join(lines) + "\n").encode(), ARGS="two")
    got = sorted(line[2:-1] for line in run.text.splitlines() if line[1:2] == "[")
    ends = run.text.count("end of file 1")
    return [Check("two coroutines share the lines of standard input",
                  run.status == 0 and got == sorted(lines) and ends == 2,
                  f"status {run.status}, {len(got)} lines, {ends} ends", run.text)]


def run_late(case, word, what, want=b"[now]\nend of file 1\n", late=b"now\n"):
    """Input comes only after the program has said that it has none."""
    words, env = command(builder.image(STDIN, case.arch), ARCH=case.arch, SMP=case.smp,
                         ARGS=word, TIMEOUT=30)
    with subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        seen = b""
        while b"ticking\n" not in seen:
            piece = p.stdout.read1(4096)
            if not piece:
                break
            seen += piece
        rest, _ = p.communicate(late if b"ticking" in seen else b"")
    ok = b"ticking" in seen and want in rest and p.returncode == 0
    return [Check(what, ok,
                  f"status {p.returncode}: {(seen + rest)!r}")]


def run_wait(case):
    return (run_late(case, "wait", "others run while one waits for input")
            + run_late(case, "scan", "others run while one waits in scanf",
                       b"2: 17 fe\n[+ more]\nend of file 1\n", b"17 0xfe more\n")
            + run_late(case, "now", "O_NONBLOCK: what has not come is not waited for"))


def run_poll(case):
    """poll waits for standard input and for a socket at once."""
    return run_late(case, "poll", "poll: input that comes late",
                    b"input [now]\nsocket [now]\nend of file 1\n")


# ---- Files ----

def make_folder(root):
    """What tests/kernel/files.c expects."""
    (root / "hello.txt").write_text("hello, files\nsecond line\n")
    (root / "empty").write_bytes(b"")
    (root / "big.bin").write_bytes(bytes((i * 31 + i // 256) & 255 for i in range(300_000)))
    (root / "sub/deeper").mkdir(parents=True)
    (root / "sub/deeper/deep.txt").write_text("deep")
    (root / "sub/other-folder").mkdir()
    (root / "sub/other-folder" / ("n" * 90 + ".txt")).write_text("long")
    # Nothing leads out of the folder. On the host port it is the root of links; elsewhere these are left out.
    for name, to in (("out", "/etc"), ("passwd", "/etc/passwd"), ("up", "../../.."), ("link", "/hello.txt")):
        (root / "sub/other-folder" / name).symlink_to(to)


def run_files(case):
    with tempfile.TemporaryDirectory() as folder:
        make_folder(pathlib.Path(folder))
        run = boot(builder.image(FILES, case.arch), limit=40, ARCH=case.arch, SMP=case.smp,
                   FILES=folder, ARGS="links" if case.arch == HOST else "")
    return results(run)


def run_no_files(case):
    """Without a RAM disk there is nothing to read, and that is all."""
    run = boot(builder.image(FILES, case.arch), limit=30, ARCH=case.arch, SMP=case.smp)
    ok = run.status == 1 and "not ok - files are read" in run.text and not run.hung
    checks = [Check("without FILES: no files, no harm", ok, f"status {run.status}", run.text)]
    run = boot(builder.image(FILES, case.arch), limit=30, ARCH=case.arch, SMP=case.smp,
               FILES="/nonexistent/folder")
    ok = run.status not in (0, 124) and "nonexistent" in run.text and not run.hung
    checks.append(Check("FILES of a folder that is not there: a clear line", ok,
                        f"status {run.status}", run.text))
    return checks


def cases(tier):
    if tier != "fast":
        return
    for arch in (*ARCHES, HOST):
        for smp in (1, 4):
            stdin, files = [(STDIN, arch, {})], [(FILES, arch, {})]
            yield Case("input", "others run while one waits", arch, smp, run_wait, 1, images=stdin)
            yield Case("input", "large", arch, smp, run_big, 4, images=stdin)
            yield Case("files", "files", arch, smp, run_files, 2, images=files)
        yield Case("input", "lines", arch, 2, run_lines, 4, images=stdin)
        yield Case("input", "poll", arch, 2, run_poll, 1, images=stdin)
        yield Case("input", "two readers", arch, 4, run_two, 2, images=stdin)
        yield Case("files", "no files", arch, 1, run_no_files, 2, images=files)
