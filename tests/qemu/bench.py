"""The benchmark tool: what it makes of numbers, and of programs that fail."""

import os
import subprocess
import sys
import xml.etree.ElementTree

from harness.machine import ARCHES, HOST, ROOT, boot, builder, clean_environment
from harness.suite import Case, Check

sys.path.insert(0, str(ROOT / "bench"))
from runner import judge, measure, picture, rows, show  # pylint: disable=wrong-import-position

HELLO = "examples/hello.c"
MACHINE = {"processor": "a < b", "system": "Linux", "compiler": "gcc", "go": "go"}


def numbers(**values):
    """{who: Program} that has printed values under the name x, as if it had been run."""
    contest = {}
    for who, printed in values.items():
        contest[who] = measure.Program(["true"], 1)
        contest[who].values["x"] = printed
    return contest


def verdict(row, **values):
    return judge.judge(row, numbers(**values))["verdict"]


def run_rules(_case):
    """Made-up numbers."""
    ratio = rows.Row("x", "title", "x", 0.1, peers=("threads",))
    fixed = rows.Row("x", "title", "x", target=10)
    more = rows.Row("x", "title", "x", target=1.9, at_least=True)
    wanted = [
        (verdict(ratio, vole=[15, 19, 900], go=[200]), "hit"), # the median, beside Go
        (verdict(ratio, vole=[9], go=[200]), "hit"),
        (verdict(ratio, vole=[9], go=[80]), "missed"),
        (verdict(ratio, vole=[9], go=[]), "failed"),
        (verdict(fixed, vole=[11], go=[1000]), "missed"),
        (verdict(more, vole=[1.8], go=[1]), "missed"),
        (verdict(more, vole=[1.95], go=[1]), "hit"),
        (verdict(rows.Row("x", "title", "x"), vole=[1]), ""),
        ([row.name for row in rows.select("yield-1000,mu")], ["yield-1000", "mutex"]),
        (rows.select(""), rows.ROWS)]
    wrong = [pair for pair in wanted if pair[0] != pair[1]]
    checks = [Check("verdicts and the choice of rows", not wrong, str(wrong))]

    results = [judge.judge(row, numbers(vole=[9], go=[80], threads=[700]))
               for row in (ratio, fixed, more)]
    drawn = xml.etree.ElementTree.fromstring(picture.svg(MACHINE, results))
    lines = "\n".join([show.head(), *map(show.row, results), show.peers(results)])
    checks.append(Check("a table and a picture", drawn.tag.endswith("svg") and "700" in lines,
                        lines))
    return checks


def run_failures(_case):
    """Programs that fail, print nothing, or print something else."""
    ends = [(["sh", "-c", "echo wrong: the sum >&2; exit 3"], "status 3: wrong: the sum"),
            (["true"], "printed no x"), (["echo", "y 1 ns"], "printed no x"),
            (["echo", "not a measurement"], "printed: not a measurement"),
            (["no/such/program"], "No such file")]
    wrong = []
    for words, why in ends:
        program = measure.Program(words, 1)
        program.run()
        failed = program.result("x").get("failed", "nothing")
        if why not in failed:
            wrong.append(f"{words}: {failed}")
    none = subprocess.run([ROOT / "bench/run", "--only", "no-such-row"], cwd=ROOT, check=False,
                          env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return [Check("a program that fails is told why", not wrong, "\n".join(wrong)),
            Check("a row that is not there: status 2", none.returncode == 2, str(none.stdout))]


# bench/qemu/guests.py sets the environment: in a process of its own.
BOOTS = """
import sys
sys.path.insert(0, "bench/qemu")
sys.path.insert(0, "bench")
import guests
class Built(guests.Vole):
    def __init__(self, image):
        self.image = image
with guests.Machine(sys.argv[1], Built(sys.argv[2])) as machine:
    print(*(line for _, line in machine.run(60)), sep="\\n")
"""


def run_guest(case):
    """The machine of make bench-qemu, with an image that is there already."""
    run = subprocess.run([sys.executable, "-B", "-c", BOOTS, case.arch, builder.image(HELLO, case.arch)], cwd=ROOT,
                         check=False, env=clean_environment(), text=True, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return [Check("a guest boots in it", run.returncode == 0 and "hello from core" in run.stdout,
                  f"status {run.returncode}", run.stdout)]


def run_program(case):
    """Runs a program of ours as the bench does: it checks its work, and prints its rows."""
    name, *arguments = case.name.split()
    image = builder.image(f"bench/{name}.c", HOST, BUILD="release")
    run = boot(image, limit=100, ARCH=HOST, SMP=case.smp, MEM="8G", ARGS=" ".join(arguments))
    printed = {line.split()[0] for line in run.text.splitlines()}
    wanted = {row.name for row in rows.ROWS if row.program == case.name and not row.icount}
    return [Check(f"{case.name} prints its rows", run.status == 0 and wanted <= printed,
                  f"status {run.status}", run.text)]


def cases(tier):
    if tier == "fast":
        yield Case("bench", "rules", "any", 0, run_rules, 0)
        yield Case("bench", "failures", "any", 0, run_failures, 1)
        for arch in ARCHES:
            yield Case("bench", "in QEMU", arch, 2, run_guest, 1, images=[(HELLO, arch, {})])
        return
    programs = {row.program: row.cores for row in rows.ROWS if not row.icount}
    for program, cores in programs.items():
        if cores <= (os.cpu_count() or 1):
            yield Case("bench", program, HOST, cores, run_program, 5)
