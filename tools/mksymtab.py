#!/usr/bin/env -S python3 -S
"""Makes the table of function names that is linked into an image, so that a backtrace has names.

usage: tools/mksymtab.py [NAMES] >TABLE.S

The image is linked twice. Without NAMES the table is empty, for the first link; with what
nm --defined-only prints of the result it has that one's functions, for the second. It comes after
everything else that is loaded, so no function moves: the table made from the second result must be the
same.

The layout (all u32): the count; for each function its offset from __text_start and the offset of
its name from the beginning of the table, sorted; then the names, each ended by a zero byte.
"""

import sys


def functions(path):
    """(offset, name) of every function in a file of nm's, sorted; one name for an address."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    start, found = None, {}
    for line in lines:
        address, kind, name = line.split(None, 2)
        if name == "__text_start":
            start = int(address, 16)
        # Mapping symbols ($x, $d) and local labels are nobody's functions.
        if kind in "tTwW" and name[0] not in "$." and not name.startswith("__text_"):
            at = int(address, 16)
            # Of several names for one place the global one, then the first of the alphabet.
            rank = (kind in "tw", name)
            if at not in found or rank < found[at]:
                found[at] = rank
    if start is None:
        sys.exit(f"tools/mksymtab.py: {path} has no symbol __text_start")
    return [(at - start, rank[1]) for at, rank in sorted(found.items()) if at >= start]


def table(symbols):
    yield '\t.file "symtab"' # or the linker puts down the name of a temporary file
    yield '\t.section .symtab_vole, "a"'
    yield "\t.balign 4"
    yield "\t.globl vole_symtab, vole_symtab_end"
    yield "vole_symtab:"
    yield f"\t.long {len(symbols)}"
    at = 4 + 8 * len(symbols)
    for offset, name in symbols:
        yield f"\t.long {offset:#x}, {at}"
        at += len(name) + 1
    for _, name in symbols:
        yield f'\t.asciz "{name}"'
    yield "vole_symtab_end:"
    yield '\t.section .note.GNU-stack, "", %progbits'


def main():
    words = sys.argv[1:]
    if len(words) > 1 or words[:1] and words[0].startswith("-"):
        print(__doc__.strip(), file=sys.stdout if words[0] in ("-h", "--help") else sys.stderr)
        return words[0] not in ("-h", "--help")
    for line in table(functions(words[0]) if words else []):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
