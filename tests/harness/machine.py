"""Images and machines: builds an application with make, boots it with qemu/run."""

import functools
import os
import pathlib
import signal
import subprocess
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARCHES = ("x86_64", "arm64")
HOST = "host"  # the kernel as a process: no machine, no launcher

# What the launcher looks at: nothing of it comes from the caller's environment.
OPTIONS = ("ARCH", "APP", "SMP", "MEM", "ARGS", "FILES", "NET", "TIMEOUT", "DUMP_AFTER", "CORE", "ACCEL",
           "QEMU_EXTRA", "PLANT", "BUILD", "MACHINE", "CPU", "V", "UEFI", "BOOT",
           "INITRD", "STACKS", "TRACE", "TRACE_SIZE", "PROFILE", "PROFILE_HZ", "SEED", "RUNS", "STRATEGY", "STEPS", "JOBS", "MODEL",
           "FAULTS", "INPUT", "LEAKS", "WEAKEN", "SCHEDULE", "EXPLORE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


def clean_environment(**options):
    """The environment with no option set but those given (None: left out)."""
    env = {k: v for k, v in os.environ.items() if k not in OPTIONS}
    env.update({k: str(v) for k, v in options.items() if v is not None})
    return env


def interrupted(words, env, line, limit=150):
    """(status, output) of a launcher that gets a SIGINT when it has printed a line with that; killed after so many seconds."""
    with subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        timer, said = threading.Timer(limit, process.kill), ""
        timer.start()
        for text in process.stdout:
            said += text
            if line in text:
                process.send_signal(signal.SIGINT)
        status = process.wait()
        timer.cancel()
        return status, said


class BuildError(Exception):
    """make failed; the message is what it printed."""


@functools.cache
def libraries(arch):
    """The folders of the libraries, as make's variables, and that all is installed: without, each make asks, which
    takes half of its time when there is little to do. What cannot be had is left for make to tell."""
    tools = {} if arch == HOST else {"NEWLIB": ["tools/newlib", "arm64" if arch == "arm64" else "x86_64"],
                                     "LWIP": ["tools/lwip"]}
    if arch == "arm64":
        tools["LIBFDT"] = ["tools/libfdt"]
    tools["SETUP"] = ["tools/setup", f"build-{arch}", f"cxx-{arch}"]
    done = {name: subprocess.run(words, cwd=ROOT, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True) for name, words in tools.items()}
    return [f"{name}={run.stdout.strip()}" for name, run in done.items() if run.returncode == 0]


class Builder:
    """Builds images one after the other, in the background, each once."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._images: dict[tuple, Future] = {}
        self._apps: dict[pathlib.Path, str] = {} # by the image
        self._lock = threading.Lock()

    def request(self, app, arch, **options):
        """Starts building, if nobody has; options are make's variables, as PLANT=name."""
        key = (str(app), arch, tuple(sorted(options.items())))
        with self._lock:
            if key not in self._images:
                self._images[key] = self._pool.submit(self._make, str(app), arch, options)
            return self._images[key]

    def image(self, app, arch, **options):
        """The path of the image, when it has been built: here and now, if nobody has asked before."""
        key = (str(app), arch, tuple(sorted(options.items())))
        with self._lock:
            asked = key in self._images
            future = self._images.setdefault(key, Future())
        if not asked:
            try:
                future.set_result(self._make(str(app), arch, options))
            except BuildError as error:
                future.set_exception(error)
        return future.result()

    def _make(self, app, arch, options):
        words = ["make", "-s", "image", f"APP={app}", f"ARCH={arch}"]
        words += [f"{k}={v}" for k, v in options.items()] + libraries(arch)
        done = subprocess.run(words, cwd=ROOT, env=clean_environment(), text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        lines = done.stdout.strip().splitlines()
        if done.returncode != 0 or not lines:
            raise BuildError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}")
        path = ROOT / lines[-1]
        if not path.exists():
            raise BuildError(f"{' '.join(words)}: no image {path}\n{done.stdout}")
        with self._lock: # an image has the name of the last folder: a case would run the program of another
            other = self._apps.setdefault(path, app)
        if other != app:
            raise BuildError(f"{app} and {other} have one image, {path}: one of them is to have another name")
        return path


builder = Builder()


@dataclass
class Run:
    """What a machine did."""
    status: int
    raw: bytes
    seconds: float
    hung: bool

    @property
    def text(self):
        return self.raw.decode("utf-8", "replace")


def command(image, **options):
    """The words and the environment that boot image; ARCH=host: that run it."""
    launcher = [] if options.get("ARCH") == HOST else [str(ROOT / "qemu/run")]
    return [*launcher, str(image)], clean_environment(**options)


def boot(image, limit=60, stdin=b"", **options):
    """Runs image to its end. After limit seconds it is asked for a dump, then ended."""
    options.setdefault("TIMEOUT", limit + 5)
    options.setdefault("DUMP_AFTER", limit)
    words, env = command(image, **options)
    start = time.monotonic()
    process = subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    hung = False
    try:
        raw, _ = process.communicate(stdin, timeout=limit + 20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the launcher and its QEMU
        raw, _ = process.communicate()
        hung = True
    status = process.returncode
    hung = hung or (status == 124 and options["TIMEOUT"] == limit + 5)
    return Run(status, raw, time.monotonic() - start, hung)


def make(*words, limit=300, stdin=b"", cwd=ROOT, **options):
    """make with words, for what a person types."""
    start = time.monotonic()
    process = subprocess.Popen(["make", *words], cwd=cwd, env=clean_environment(**options),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    hung = False
    try:
        raw, _ = process.communicate(stdin, timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raw, _ = process.communicate()
        hung = True
    return Run(process.returncode, raw, time.monotonic() - start, hung)
