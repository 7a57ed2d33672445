#!/usr/bin/env -S python3 -S
"""Makes the table of the places where a program starts coroutines, which is linked into the image: so that
a report can say who has started one that has leaked (debug/leaks.c).

usage: ADDR2LINE=addr2line tools/sites.py [ELF NAMES MAP OBJECT...] >TABLE.S

ELF is the image, NAMES what nm --defined-only prints of it, MAP the linker's map of it; OBJECTs are the
program's. Without them the table is empty. tools/stackdepth, which has read them, prints it with --sites.
As that of tools/mksymtab.py it comes with the second link of an image, and moves nothing.

The layout (all u32): the count; for each place the offset from __text_start of what its call returns to, the
offsets of two names from the beginning of the table, the function and the file, and the line; sorted; then
the names.

A function that jumps to go at its end has gone when the coroutine starts: what go returns to is in its
caller. The place that is told of is that of the jump.
"""

import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import linkage
import objfile

STARTERS = {"go", "go_copy", "go_with", "waitgroup_go", "group_go", "future_start", "gen_make", "pool_submit",
            "pool_try_submit", "timer_start"}


class Branches(objfile.Object):
    """list: (section, offset behind the branch, function, whom it calls or jumps to, it comes back). Functions
    are (path, name) where the object alone knows them, else (None, name)."""

    def __init__(self, path):
        self.path, self.list = path, []
        with open(path, "rb") as file:
            super().__init__(file.read())

    def key(self, name):
        return self.path if name in self.local else None, name

    def read_relocations(self, header, section, where, machine):
        if not where[2] & objfile.SHF_EXECINSTR:
            return
        for at in range(header[4], header[4] + header[5], 24):
            offset, info, addend = struct.unpack_from("<QQq", self.data, at)
            name, kind, target, _, _ = self.symbols[info >> 32]
            branch, returns = self.branch(machine, info & 0xffffffff, where[4] + offset)
            if not branch:
                continue
            if kind == objfile.STT_SECTION:
                addend += 4 * (machine == objfile.X86_64)
                name = next((n for v, n in self.functions.get(target, ()) if v == addend), None)
            source = self.function_at(section, offset)
            if name and source:
                self.list.append((self.names[section], offset + 4, self.key(source), self.key(name),
                                  returns))


def places(branches):
    """{(path, section, offset): the same of the branch to a starter}"""
    found, tails = {}, {}
    more = True
    while more: # as long as there are functions that jump to one that jumps
        more = False
        for path, section, offset, source, target, returns in branches:
            here = (path, section, offset)
            there = here if target[1] in STARTERS and not target[0] else tails.get(target)
            if there and here not in found:
                found[here] = there
            if there and not returns and source not in tails:
                tails[source] = there
                more = True
    return {here: there for here, there in found.items()
            if any(returns for path, section, offset, _, _, returns in branches
                   if (path, section, offset) == here)}


def lines(elf, addresses):
    """{address: (function, file, line)}"""
    found = {}
    output = subprocess.run([os.environ.get("ADDR2LINE", "addr2line"), "-a", "-f", "-i", "-e", elf,
                             *(f"{address:#x}" for address in addresses)],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="surrogateescape",
                            check=False).stdout
    words = output.splitlines()
    for i, word in enumerate(words[:-2]):
        if word.startswith("0x"): # the innermost function comes first
            file, _, line = words[i + 2].rpartition(":")
            number = line.split()[0]
            found[int(word, 16)] = (words[i + 1], os.path.normpath(file),
                                    int(number) if number.isdigit() else 0)
    return found


def sites(elf, at, objects):
    """[(address, function, file, line)], sorted; at: as linkage.addresses() has it"""
    branches = []
    for path in objects:
        branches += [(path, *branch) for branch in Branches(path).list]
    found = places(branches)
    if not found:
        return []
    def address(place):
        path, section, offset = place
        return at[path, section] + offset if at.get((path, section)) else 0
    addresses = {address(here): address(there) for here, there in found.items()}
    names = lines(elf, sorted({there - 1 for there in addresses.values()}))
    return [(here, *names[there - 1]) for here, there in sorted(addresses.items())
            if here and there - 1 in names]


def text_start(names):
    with open(names, encoding="utf-8") as file:
        return next(int(line.split()[0], 16) for line in file if line.endswith(" __text_start\n"))


def quoted(text):
    """A string of the assembler."""
    return '"' + "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\{byte:03o}"
                         for byte in text.encode(errors="surrogateescape")) + '"'


def table(found, start):
    yield '\t.section .symtab_vole, "a"'
    yield "\t.balign 4"
    yield "\t.globl vole_sites"
    yield "vole_sites:"
    yield f"\t.long {len(found)}"
    names, end = {}, 4 + 16 * len(found)
    for _, function, file, _ in found:
        for name in function, file:
            if name not in names:
                names[name] = end
                end += len(name.encode(errors="surrogateescape")) + 1
    for address, function, file, line in found:
        yield f"\t.long {address - start:#x}, {names[function]}, {names[file]}, {line}"
    for name in names:
        yield f"\t.asciz {quoted(name)}"
    yield '\t.section .note.GNU-stack, "", %progbits'


def print_table(elf, names, at, objects):
    found = sites(elf, at, objects)
    for line in table(found, text_start(names) if found else 0):
        print(line)


def main():
    words = sys.argv[1:]
    if words and (len(words) < 3 or words[0].startswith("-")):
        print(__doc__.strip(), file=sys.stdout if words[0] in ("-h", "--help") else sys.stderr)
        return words[0] not in ("-h", "--help")
    if words:
        print_table(*words[:2], linkage.addresses(words[2]), words[3:])
    else:
        print("\n".join(table([], 0)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
