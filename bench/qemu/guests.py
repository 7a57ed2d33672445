"""The two guests that are compared, and machines for them.

Both get the words of qemu/run, so the same QEMU, processor, cores, memory and devices; only what is
booted differs. A guest's image is made once.
"""

import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time

from runner import build
from runner.build import ROOT

HERE = ROOT / "bench/qemu"
GOARCH = {"x86_64": "amd64", "arm64": "arm64"}
CONSOLE = {"x86_64": "ttyS0", "arm64": "ttyAMA0"}


def load(name, path):
    """A program as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


launcher = load("launcher", ROOT / "qemu/run")


class Vole:
    """Our image of a program."""
    name = "Vole"

    def __init__(self, arch, program):
        self.image = build.make("image", f"APP={program}", f"ARCH={arch}",
                                "BUILD=release").split()[-1]

    def boot_words(self, args, folder):
        kind, arch = launcher.kind_of(self.image)
        image = launcher.raw_beside(self.image) if arch == "arm64" else self.image
        os.environ["ARGS"] = args
        return launcher.boot_words(kind, image, folder, [])

    def size(self):
        """Bytes of the image's file without what only debuggers read: where the last loaded
        segment ends."""
        with open(self.image, "rb") as file:
            elf = file.read()
        at, size, count = (int.from_bytes(elf[a:b], "little")
                           for a, b in ((32, 40), (54, 56), (56, 58)))
        ends = []
        for header in (elf[at + i * size:at + (i + 1) * size] for i in range(count)):
            if int.from_bytes(header[:4], "little") == 1: # PT_LOAD
                ends.append(int.from_bytes(header[8:16], "little")
                            + int.from_bytes(header[32:40], "little"))
        return max(ends)


def cpio(files):
    """An archive in the format that Linux takes: [(name, mode, content)]."""
    archive = bytearray()
    for number, (name, mode, data) in enumerate([*files, ("TRAILER!!!", 0, b"")]):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        archive += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        archive += bytes(-len(archive) % 4) + data
        archive += bytes(-len(archive) % 4)
    return bytes(archive)


def by_dependence(folder):
    """[(name, content)] of kernel modules, each after those that it needs, which differ from one
    version of the kernel to the next."""
    modules, done = {path.stem: path.read_bytes() for path in sorted(folder.iterdir())}, {}

    def add(name):
        needs = re.search(rb"\0depends=([^\0]*)\0", modules[name])[1].decode()
        for needed in needs.split(",") if needs else []:
            if needed not in done:
                add(needed)
        done[name] = modules[name]

    for name in modules:
        if name not in done:
            add(name)
    return list(done.items())


class Linux:
    """Debian's cloud kernel with a static Go program and the files it needs."""
    name = "Linux + Go"

    def __init__(self, arch, program):
        cache = pathlib.Path(build.output([HERE / "linux", arch]).strip())
        self.version = (cache / "version").read_text().strip()
        self.console = CONSOLE[arch]
        self.kernel = cache / "vmlinuz"
        folder = build.BUILD / "qemu" / arch
        init, self.initramfs = folder / program, folder / f"{program}.cpio"
        folder.mkdir(parents=True, exist_ok=True)
        build.output(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", init,
                      HERE / "go/init.go", HERE / f"go/{program}.go"],
                     GOARCH=GOARCH[arch], CGO_ENABLED="0", GO111MODULE="off", GOPROXY="off")
        files = [("init", 0o100755, init.read_bytes())]
        if program == "http":
            files.append(("modules", 0o040755, b""))
            files += [(f"modules/{number}-{name}", 0o100644, module) for number, (name, module)
                      in enumerate(by_dependence(cache / "modules"), 10)]
        self.initramfs.write_bytes(cpio(files))

    def boot_words(self, args, _folder):
        line = f"console={self.console} quiet panic=-1 mitigations=off tsc=reliable -- {args}"
        return ["-kernel", str(self.kernel), "-initrd", str(self.initramfs), "-append", line]

    def size(self):
        return self.kernel.stat().st_size + self.initramfs.stat().st_size


class Machine:
    """QEMU with a guest in it, on from the with statement to its end."""

    def __init__(self, arch, guest, args="", cores=2, memory="512M", port=None):
        os.environ.update(ACCEL="tcg", SMP=str(cores), MEM=memory,
                          NET=f"{port}:80" if port else "")
        self.folder = tempfile.TemporaryDirectory(prefix="vole-")
        self.status = os.memfd_create("status")
        self.words = launcher.qemu_words("elf", arch, guest.boot_words(args, self.folder.name),
                                         self.status, launcher.Recorder(""))

    def __enter__(self):
        self.power_on = time.monotonic()
        self.qemu = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, pass_fds=[self.status],
                                     preexec_fn=launcher.die_with_parent)
        return self

    def __exit__(self, *_):
        self.qemu.kill()
        self.qemu.communicate()
        os.close(self.status)
        self.folder.cleanup()

    def run(self, limit):
        """Until it is switched off, or for limit seconds: [(seconds since power-on, line)]."""
        watchdog = threading.Timer(limit, self.qemu.kill)
        watchdog.start()
        lines = [(time.monotonic() - self.power_on, line.decode("utf-8", "replace").strip())
                 for line in self.qemu.stdout]
        watchdog.cancel()
        return lines
