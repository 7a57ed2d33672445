#!/usr/bin/env python3
"""Checks by the objects that calls go one way.

usage: tools/callbacks.py port NM OBJECT...
       tools/callbacks.py folders NM OBJECT...

port: what the objects of a port leave undefined and none of them defines must not be declared in a
header of the kernel, of sync/ or debug/, or in a public one, but for what arch.h lists in its last
part and for the cores there are.

folders: kernel/ calls nothing of sync/, drivers/, libc/ or net/, and neither sync/ nor debug/ calls
anything of the last three, but for what kernel/outside.h lists.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LAST_PART = "What a port calls"
CORES = {"cores", "cores_started"} # kernel/core.h
# Folder: whose functions it must not call.
ABOVE = {"kernel": ("sync", "drivers", "libc", "net"), "sync": ("drivers", "libc", "net"),
         "debug": ("drivers", "libc", "net")}
# What a C library has; libc/ gives these to newlib.
STANDARD = {"__errno", "__getreent", "exit"}
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# A function's name, or that of a variable declared extern.
DECLARED = re.compile(r"\b(\w+)\s*\(|\bextern\b[^;(]*?\b(\w+)\s*(?:\[[^;]*)?;")


def declared(text):
    return {a or b for a, b in DECLARED.findall(COMMENT.sub(" ", text))}


def symbols(nm, objects, *options):
    """(object, name) of all that nm lists."""
    text = subprocess.run([nm, "-A", "-P", *options, *objects], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return [(line.split(": ")[0], line.split(": ")[1].split()[0]) for line in text.splitlines()]


def read(*patterns):
    """The declarations in all files that these match."""
    return {name for pattern in patterns for path in ROOT.glob(pattern)
            for name in declared(path.read_text(encoding="utf-8"))}


def port(nm, objects):
    kernel = read("kernel/*.h", "sync/*.h", "debug/*.h", "include/vole/*.h")
    contract = (ROOT / "arch/arch.h").read_text(encoding="utf-8")
    allowed = CORES | declared(contract[contract.index(LAST_PART):])
    ours = {name for _, name in symbols(nm, objects, "-g", "--defined-only")}
    for path, name in symbols(nm, objects, "-u"):
        if name in kernel and name not in allowed | ours:
            yield f"{path}: {name} is not among what arch/arch.h lets a port call"


def folders(nm, objects):
    outside = STANDARD | read("kernel/outside.h")
    where = {name: folder_of(path) for path, name in symbols(nm, objects, "-g", "--defined-only")}
    for path, name in symbols(nm, objects, "-u"):
        if where.get(name) in ABOVE.get(folder_of(path), ()) and name not in outside:
            yield f"{path}: {name} of {where[name]}/ is not for {folder_of(path)}/"


def folder_of(path):
    """build/x86_64/kernel/page.c.o: kernel."""
    return path.split("/")[-2]


def main():
    checks = {"port": port, "folders": folders}
    if len(sys.argv) < 4 or sys.argv[1] not in checks:
        print(__doc__.strip())
        return 0 if sys.argv[1:2] in (["-h"], ["--help"]) else 1
    complaints = list(checks[sys.argv[1]](sys.argv[2], sys.argv[3:]))
    print(*complaints, sep="\n", end="\n" * bool(complaints))
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
