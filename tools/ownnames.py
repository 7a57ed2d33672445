#!/usr/bin/env -S python3 -S
"""Lets an application have global names that the kernel or the C library has too.

usage: OBJCOPY=objcopy tools/ownnames.py NAME... --in OBJECT...

A program may call a function `print` or `page_alloc`: it knows nothing of the kernel's; or `kill` or
`malloc`, in place of the C library's: the library goes on with its own. Such names become `app.print`
in all objects of the application, and in the call graphs beside them, for whatever kernel it is linked
with later. What include/ declares stays: to define that again is the program's error.
"""

import argparse
import os
import pathlib
import re
import subprocess


def declared(folder):
    """The functions in its headers, and perhaps some macros."""
    names = set()
    for header in pathlib.Path(folder).rglob("*.h"):
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(), flags=re.S)
        names.update(re.findall(r"(\w+)\s*\(", text))
    return names


def replace(path, data):
    """path holds data, and is only touched when that is news: what is linked already is not, then."""
    if path.read_bytes() != data:
        new = path.with_suffix(f".{os.getpid()}.new")
        new.write_bytes(data)
        new.replace(path)


def rename(names, objects):
    changes = [f"--redefine-sym={name}=app.{name}" for name in names]
    title = re.compile(r'"(' + "|".join(map(re.escape, names)) + r')"')
    for path in map(pathlib.Path, objects):
        new = path.with_suffix(f".{os.getpid()}.own")
        subprocess.run([os.environ.get("OBJCOPY", "objcopy"), *changes, path, new], check=True)
        graph = path.with_suffix(".ci")
        if graph.exists(): # assembly has none
            replace(graph, title.sub(r'"app.\1"', graph.read_text()).encode())
        replace(path, new.read_bytes())
        new.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--in", dest="objects", nargs="+", required=True)
    args = parser.parse_args()
    # A name with a point is the compiler's: AddressSanitizer has one for each variable.
    names = {name for name in args.names if name[0] != "_" or "." in name} - declared("include")
    if names:
        rename(sorted(names), args.objects)


main()
