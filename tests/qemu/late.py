"""A core that comes up when nobody waits for it any more: QEMU's gdb stub holds it back meanwhile."""

import os
import re
import socket
import subprocess
import tempfile

from harness.machine import ROOT, builder, command
from harness.suite import Case, Check, at_once

PROGRAM = "tests/kernel/idle.c"
LIMIT = 60


class Stub:
    """QEMU's gdb stub: "Debugging with GDB", appendix E, The GDB Remote Serial Protocol."""

    def __init__(self, listener):
        self._socket, _ = listener.accept()
        self._socket.settimeout(LIMIT)
        self._stream = self._socket.makefile("rb")

    def _answer(self):
        while (byte := self._stream.read(1)) == b"+":
            pass
        text = b""
        while byte and (byte := self._stream.read(1)) != b"#":
            text += byte
        self._stream.read(2)
        self._socket.sendall(b"+")
        return text.decode()

    def go(self, order):
        self._socket.sendall(f"${order}#{sum(order.encode()) & 255:02x}".encode())

    def ask(self, order):
        self.go(order)
        return self._answer()

    def until(self, address, order):
        """Goes on by order until a core is about to run what is at address."""
        self.ask(f"Z1,{address},1")
        self.ask(order)
        self.ask(f"z1,{address},1")


def hold_back(stub, start, mains, core, cores):
    """The first core of a machine has come to start: then core, the first of which is 1, does nothing before main has
    come to what is at mains."""
    stub.ask("qSupported:multiprocess+;vContSupported+")
    stub.until(start, "vCont;c")
    stub.until(mains, "vCont;" + ";".join(f"c:p1.{i:x}" for i in range(1, cores + 1) if i != core))
    stub.go("vCont;c")


def run_held(case, image, start, mains, core):
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(folder, "gdb")
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(LIMIT)
        words, env = command(image, ARCH=case.arch, SMP=case.smp, ARGS="1", TIMEOUT=LIMIT,
                             QEMU_EXTRA=f"-S -gdb unix:{path},server=off")
        with subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            hold_back(Stub(listener), start, mains, core, case.smp)
            text = process.stdout.read().decode("utf-8", "replace")
    want = rf"vole: core \d \(hardware id {core - 1}\) did not come up\nsleeping\nawake\n"
    return Check(f"core {core} comes when nobody waits for it: the others go on without it",
                 process.returncode == 0 and re.fullmatch(want, text), f"status {process.returncode}", text)


def run_late(case):
    image = builder.image(PROGRAM, case.arch)
    names = subprocess.run(["nm", image], check=True, text=True, stdout=subprocess.PIPE).stdout
    start, mains = (re.search(rf"^0*(\w+) . {name}$", names, re.M)[1] for name in ("arch_core_start", "fflush"))
    return at_once(lambda core: run_held(case, image, start, mains, core), range(2, case.smp + 1))


def cases(tier):
    if tier == "fast":
        yield Case("machine", "late core", "x86_64", 3, run_late, 4, waits=True, images=[(PROGRAM, "x86_64", {})])
