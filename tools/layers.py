#!/usr/bin/env python3
"""Checks that dependencies run one way, that no file is too long, and that names are found once.

usage: tools/layers.py [FILE...]     (unset: all C and assembly files that git knows)

applications -> include/vole -> sync -> kernel -> arch/arch.h -> arch/*. drivers, libc and net stand on
kernel and sync; debug looks at all of it, and all may call it. What objects call is looked at by
tools/callbacks.py. A static function of these folders has a name that no other file of theirs defines. Outside arch/ nothing includes a file of one port, nor asks the preprocessor for the architecture
or for SMP. Tests may ask for the architecture: some are in assembly.
"""

import os
import re
import subprocess
import sys

LONGEST = 600
MOST_OF_PORT = 30 # functions of arch/arch.h

# What comes from the compiler or the C library and means nothing but types, constants, and
# functions that any code may call.
PLAIN = {"assert.h", "errno.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
         "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h", "sys/queue.h", "sys/tree.h",
         "sys/types.h"}

# What the kernel is for those that stand on it.
KERNEL = ("sync/", "kernel/", "debug/", "arch/arch.h", "vole/")

# Folder: what its files may include beside the C library ("..." in quotes or <...>), and whether
# all of the C library is allowed (True) or only PLAIN.
LAYERS = {
    "include/": (("vole/", "vole.h", "bits/types/FILE.h"), False),
    "kernel/": (("kernel/", "debug/", "arch/arch.h", "vole/"), False),
    "sync/": (("sync/", "kernel/", "debug/", "vole/"), False),
    # stdio: a panic of the program flushes standard output first.
    "debug/": (("debug/", "sync/", "kernel/", "arch/arch.h", "vole/", "stdio.h"), False),
    "drivers/": (("drivers/", "arch/devices.h", *KERNEL, "termios.h"), False),
    "libc/": (("libc/", "drivers/", *KERNEL), True),
    "net/": (("net/", "lwip/", "libc/", "drivers/", *KERNEL), True),
    "examples/": (("vole/", "vole.h"), True),
    "bench/": (("vole/", "vole.h", "bench/"), True),
}

# What a port includes: of the kernel struct core only; tools/callbacks.py looks at what it calls.
PORT = ("arch/", "kernel/core.h", "vole/", "libfdt.h")
OF_PORT = re.compile(r"arch/\w+/.*\.[ch]$")
IN_CO = re.compile(r"\b(?:co|scheduler)->")
# On the host these stand in for libc/, drivers/ and net/, and tell sanitizers of coroutines; the
# explorer tells people of them, whose turn it is, and what they did.
HOST_LIBRARY = re.compile(r"arch/(?:host/(?:libc|malloc|late|net\w*|input|files|streams|stdio|errno|asan|tsan)"
                          r"|sim/(?:explore|story|point|blocks|leaks|strategy|trouble|watch|agents|race|sim|frames|library))\.[ch]$")
# The port that is a process stands on another kernel.
OF_HOST = ("sys/", "asm/", "linux/", "sanitizer/")

# Two drivers behind one interface: the same functions by the same names.
SAME_INTERFACE = {"drivers/virtio_mmio.c", "drivers/virtio_pci.c"}
STATIC = re.compile(r"^(?:__attribute__\(\(.*?\)\) |_Noreturn )*static [^;=()]*?\b(\w+)\((?!\()[^;]*?\)\s*\{", re.M)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)")
MACHINE = re.compile(r"\b(?:__(?:x86_64|i386|amd64|aarch64|arm|ARM_\w+|SSE\w*|AVX\w*)(?:__)?"
                     r"|(?:CONFIG_)?SMP|ARCH_(?:X86_64|ARM64))\b")


def wrong_include(path, quote, name):
    """Why path must not include name, or None."""
    folder = os.path.dirname(path)
    if quote == '"' and os.path.exists(os.path.join(folder, name)) and not path.startswith("arch/"):
        name = os.path.normpath(os.path.join(folder, name)) # a neighbour
    port = re.match(r"arch/(\w+)/", path)
    of_port = re.match(r"arch/(\w+)/", name)
    if of_port and (not port or port.group(1) != of_port.group(1)):
        return "belongs to one port"
    if port:
        allowed = PORT + OF_HOST * (port.group(1) == "host")
        if HOST_LIBRARY.match(path):
            allowed += (*KERNEL, "sys/socket.h")
        if "/" in name and not name.startswith(allowed) and name not in PLAIN:
            return "is not for a port"
        return None
    if path in ("arch/arch.h", "arch/devices.h"):
        return None
    for layer, (allowed, library) in LAYERS.items():
        if not path.startswith(layer):
            continue
        if name.startswith(allowed) or name in PLAIN or os.path.dirname(name).startswith(layer):
            return None
        ours = name.split("/")[0] in ("arch", "kernel", "sync", "debug", "drivers", "libc", "net", "examples", "tests")
        if library and not ours:
            return None
        return f"is not for {layer}"
    return None


def contract(lines):
    """What arch.h asks of a port, without comments and what it lets a port call."""
    text = re.sub(r"/\*.*?\*/", " ", "\n".join(lines), flags=re.S)
    functions = sorted(set(re.findall(r"\b(arch_\w+)\(", text)))
    if len(functions) > MOST_OF_PORT:
        yield f"arch/arch.h: {len(functions)} functions, more than {MOST_OF_PORT}"


def found_twice(paths):
    """Complaints about static functions of which a search finds several."""
    defined = {}  # by name: the files
    for path in paths:
        if path.startswith(("kernel/", "sync/", "debug/", "drivers/", "libc/", "net/")):
            with open(path, encoding="utf-8") as file:
                for name in STATIC.findall(file.read()):
                    defined.setdefault(name, set()).add(path)
    for name, where in sorted(defined.items()):
        if len(where) > 1 and where != SAME_INTERFACE:
            yield f"{', '.join(sorted(where))}: each has a static function {name}"


def check(path):
    """Complaints about one file."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) > LONGEST:
        yield f"{path}: {len(lines)} lines, more than {LONGEST}"
    if path == "arch/arch.h":
        yield from contract(lines)
    for number, line in enumerate(lines, 1):
        include, condition = INCLUDE.match(line), CONDITION.match(line)
        if OF_PORT.match(path) and not HOST_LIBRARY.match(path) and IN_CO.search(line):
            yield f"{path}:{number}: looks into a struct co"
        if include:
            why = wrong_include(path, *include.groups())
            if why:
                yield f"{path}:{number}: {include.group(2)} {why}"
        elif condition and not path.startswith(("arch/", "tests/")):
            machine = MACHINE.search(condition.group(1))
            if machine:
                yield f"{path}:{number}: asks for the machine ({machine.group(0)})"


def main():
    if sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    files = sys.argv[1:] or subprocess.run(
        ["git", "ls-files", "*.c", "*.h", "*.S"], check=True, stdout=subprocess.PIPE,
        text=True).stdout.split()
    files = [path for path in files if os.path.exists(path)]
    complaints = [text for path in files for text in check(path)] + list(found_twice(files))
    print("\n".join(complaints), end="\n" * bool(complaints))
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
