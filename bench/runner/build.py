"""Builds what is measured: ours through make, Go's and the peers' by their compilers."""

import functools
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"


class Failure(Exception):
    """Why a program cannot be built or run."""


def output(command, **env):
    """What a command prints; its failure is ours."""
    run = subprocess.run([str(word) for word in command], cwd=ROOT, env={**os.environ, **env},
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, check=False)
    if run.returncode:
        raise Failure(f"{' '.join(map(str, command))}: status {run.returncode}\n"
                      + (run.stderr or run.stdout).strip())
    return run.stdout


def make(*words):
    return output(["make", "-s", *words])


@functools.cache
def ours(name, arch):
    """The image of bench/NAME.c."""
    return make("image", f"ARCH={arch}", "BUILD=release", f"APP=bench/{name}.c").split()[-1]


@functools.cache
def go(name):
    """The program of bench/go/NAME.go. Nothing is fetched."""
    path = BUILD / "go" / name
    shared = ["bench/go/bench.go", "bench/go/hogs.go"]
    output(["go", "build", "-o", path, f"bench/go/{name}.go", *shared], GO111MODULE="off",
           CGO_ENABLED="0", GOPROXY="off")
    return path


@functools.cache
def peer(name):
    """The program of bench/peers/NAME.cpp."""
    path = BUILD / "peers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    libraries = ["-lboost_fiber", "-lboost_context"] if name != "threads" else []
    output(["g++", "-std=c++17", "-O2", "-Wall", "-o", path, f"bench/peers/{name}.cpp", *libraries,
            "-pthread"])
    return path


def commit():
    try:
        return output(["git", "describe", "--always", "--dirty"]).strip()
    except (Failure, FileNotFoundError):
        return "unknown"


def machine():
    """What the numbers depend on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return {"processor": f"{len(models)} x {models[0] if models else 'unknown'}",
            "load": f"{os.getloadavg()[0]:.1f} at the beginning; it should be 0",
            "system": " ".join(os.uname()[i] for i in (0, 2, 4)),
            "compiler": output(["gcc", "--version"]).splitlines()[0],
            "flags": " ".join(word for word in make("flags", "ARCH=host", "BUILD=release").split()
                              if "prefix-map" not in word),
            "go": output(["go", "version"]).strip(),
            "commit": commit()}
