"""The explorer, as make explore starts it, and what it says."""

import os
import re
import signal
import subprocess
from dataclasses import dataclass

from harness.machine import ROOT, clean_environment

SIM = "sim"
FOLDER = "tests/explore"
REPLAYS = 2
LINES = re.compile(r"^(?:failure|decisions): .*$", re.MULTILINE)


def head_of(path):
    """The kinds of failure that the head of a program allows, and {option: value} for it."""
    text = path.read_text(encoding="utf-8")
    kinds = re.search(r"^ \* fault: (.*)$", text, re.MULTILINE)
    options = re.search(r"^ \* with: (.*)$", text, re.MULTILINE)
    return (kinds[1].split(" or ") if kinds else [],
            dict(word.split("=") for word in options[1].split()) if options else {})


def faulty():
    """{name: what its head says}, of the programs with a fault."""
    return {path.stem: head_of(path) for path in sorted((ROOT / FOLDER).glob("*.c"))}


def right():
    """{name: options}, of the programs without a fault."""
    return {path.stem: head_of(path)[1] for path in sorted((ROOT / FOLDER / "right").glob("*.c"))}


@dataclass
class Found:
    """What the explorer has said."""
    status: int
    text: str

    def word(self, name):
        found = re.search(rf"^{name}: (.*)$", self.text, re.MULTILINE)
        return found[1] if found else ""

    @property
    def kind(self):
        return self.word("failure") if self.status == 1 else ""

    @property
    def runs(self):
        return int(self.word("runs") or 0)

    @property
    def story(self):
        found = re.search(r"^story:\n(.*)^end of story$", self.text, re.MULTILINE | re.DOTALL)
        return found[1].splitlines() if found else []

    @property
    def clean(self):
        """How many runs there were, when none has failed."""
        last = re.search(r"^(\d+) executions, no failure\n\Z", self.text, re.MULTILINE)
        return int(last[1]) if last and self.status == 0 else 0


def explore(image, program, **options):
    """Runs image, which is program, with options as make's variables."""
    done = subprocess.run([str(ROOT / "tools/explore"), os.path.relpath(image, ROOT), program], cwd=ROOT,
                          env=clean_environment(**{"SMP": 2, "MEM": "64M", **options}), check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return Found(done.returncode, done.stdout)


def first_failure(image, **options):
    """The kind and the seed of what fails first, without the search for its shortest schedule."""
    found = {}
    with subprocess.Popen([str(image)], cwd=ROOT, env=clean_environment(EXPLORE=1, **options),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          start_new_session=True, text=True) as process:
        for line in process.stderr:
            word = re.match(r"^(failure|seed): (\S+)$", line)
            if word:
                found[word[1]] = word[2]
            if len(found) == 2:
                os.killpg(process.pid, signal.SIGKILL)
                break
    return found.get("failure", ""), int(found.get("seed", 0))


def replay(found):
    """The failure and the hash of each of several replays."""
    return replays(found.word("replay"))


def replays(command):
    """The same of a command that is said."""
    told = []
    for _ in range(REPLAYS):
        done = subprocess.run(command or "false", shell=True, cwd=ROOT, check=False,
                              env=clean_environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        told.append(LINES.findall(done.stderr))
    return told
