"""Builds what is measured: ours through make, Go's and the peers' by their compilers."""

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


def ours(name, arch="host"):
    """The image of bench/NAME.c."""
    return make("image", f"ARCH={arch}", "BUILD=release", f"APP=bench/{name}.c").split()[-1]


def go(name):
    """The program of bench/go/NAME.go. Nothing is fetched."""
    path = BUILD / "go" / name
    output(["go", "build", "-o", path, f"bench/go/{name}.go", "bench/go/bench.go"],
           GO111MODULE="off", CGO_ENABLED="0", GOPROXY="off")
    return path


def machine():
    """What the numbers depend on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return {"processor": models[0] if models else "unknown", "processors": os.cpu_count(),
            "system": " ".join(os.uname()[i] for i in (0, 2, 4)),
            "compiler": output(["gcc", "--version"]).splitlines()[0],
            "flags": " ".join(word for word in make("flags", "ARCH=host", "BUILD=release").split()
                              if "prefix-map" not in word),
            "go": output(["go", "version"]).strip(),
            "commit": output(["git", "describe", "--always", "--dirty"]).strip()}
