#!/usr/bin/env python3
"""Checks that the objects of a port call only what arch/arch.h says a port may call.

usage: tools/callbacks.py NM OBJECT...

What an object leaves undefined and no other of them defines must not be declared in a header of the
kernel, or in a public one, but for what arch.h lists in its last part and for the cores there are.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LAST_PART = "What a port calls"
CORES = {"cores", "core_count"} # kernel/core.h
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


def main():
    if len(sys.argv) < 3 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if sys.argv[1:2] in (["-h"], ["--help"]) else 1
    nm, objects = sys.argv[1], sys.argv[2:]
    headers = [*ROOT.glob("kernel/*.h"), *ROOT.glob("include/vole/*.h")]
    kernel = {name for path in headers for name in declared(path.read_text(encoding="utf-8"))}
    contract = (ROOT / "arch/arch.h").read_text(encoding="utf-8")
    allowed = CORES | declared(contract[contract.index(LAST_PART):])
    ours = {name for _, name in symbols(nm, objects, "-g", "--defined-only")}
    wrong = [(path, name) for path, name in symbols(nm, objects, "-u")
             if name in kernel and name not in allowed | ours]
    for path, name in wrong:
        print(f"{path}: {name} is not among what arch/arch.h lets a port call")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
