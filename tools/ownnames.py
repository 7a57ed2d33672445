#!/usr/bin/env python3
"""Lets an application have global names that the kernel or the C library has too.

usage: NM=nm OBJCOPY=objcopy tools/ownnames.py --app OBJECT... --kernel OBJECT... [--library LIB...]

A program may call a function `print` or `page_alloc`: it knows nothing of the kernel's; or `kill` or
`malloc`, in place of the C library's: the library goes on with its own. Such names become `app.print`
in all objects of the application, and in the call graphs beside them. Nothing is done where there
are none. What include/ declares stays: to define that again is the program's error.
"""

import argparse
import os
import pathlib
import re
import subprocess


def names_of(objects, *options):
    """Their global names."""
    text = subprocess.run([os.environ.get("NM", "nm"), "-g", "-j", *options, *objects],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line for line in text.splitlines() if line and not line.endswith(":")}


def declared(folder):
    """The functions in its headers, and perhaps some macros."""
    names = set()
    for header in pathlib.Path(folder).rglob("*.h"):
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(), flags=re.S)
        names.update(re.findall(r"(\w+)\s*\(", text))
    return names


def rename(names, objects):
    changes = [f"--redefine-sym={name}=app.{name}" for name in names]
    title = re.compile(r'"(' + "|".join(map(re.escape, names)) + r')"')
    for name in objects:
        subprocess.run([os.environ.get("OBJCOPY", "objcopy"), *changes, name], check=True)
        graph = pathlib.Path(name).with_suffix(".ci")
        graph.write_text(title.sub(r'"app.\1"', graph.read_text()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--app", nargs="+", required=True)
    parser.add_argument("--kernel", nargs="+", required=True)
    parser.add_argument("--library", nargs="*", default=[])
    args = parser.parse_args()
    both = names_of(args.app, "--defined-only") & names_of(args.kernel + args.library,
                                                           "--defined-only")
    # A name with a point is the compiler's: AddressSanitizer has one for each variable.
    both = {name for name in both if name[0] != "_" or "." in name}
    if both:
        both -= declared("include")
    if both:
        rename(sorted(both), args.app)


main()
