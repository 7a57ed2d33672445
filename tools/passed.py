"""Which functions are passed to go_defer, once_do and their like, from the machine code of the
callers: the argument's register is set to a function's address shortly before the call, or it is not
known. For tools/stackdepth."""

import re
import subprocess

HEAD = re.compile(r"[0-9a-f]+ <(.*)>:$")
CODE = re.compile(r" *([0-9a-f]+):\t(\S+)\s*(.*)")
RELOCATION = re.compile(r"\s+[0-9a-f]+: (R_\S+)\s+([^\s+-]+)(\S*)")
TARGET = re.compile(r"\b([0-9a-f]+) <")
# Of jumps through tables, whose targets do not show: x86-64's, and what computes ARM64's.
TABLE = re.compile(r"jmp \*.*,8\)|adr ")

# The registers of arguments, and how the address of a function comes into one: of x86-64, ARM64.
REGISTERS = (("[re]di|dil?", "[re]si|sil?"), ("[xw]0", "[xw]1"))
ADDRESS_OF = {"R_X86_64_32": ("mov",), "R_X86_64_32S": ("mov",), "R_X86_64_PC32": ("lea",),
              "R_AARCH64_ADD_ABS_LO12_NC": ("add",)}
CALLS, ENDS = ("call", "bl", "blr"), ("jmp", "b", "br", "ret")


def instructions(objdump, path):
    """{function: [[address, operation, operands, relocation type, symbol]]}"""
    text = subprocess.run([objdump, "-dr", "--no-show-raw-insn", path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    functions, code = {}, []
    for line in text.splitlines():
        head, one, relocation = HEAD.match(line), CODE.match(line), RELOCATION.match(line)
        if head:
            code = functions.setdefault(head.group(1), [])
        elif one:
            code.append([int(one.group(1), 16), one.group(2), one.group(3), None, None])
        elif relocation and code:
            kind, symbol, addend = relocation.groups()
            # Of a section with a function in it: the function.
            name = symbol[6:] if symbol.startswith(".text.") else symbol
            code[-1][3:] = [kind, name if addend in ("", "-0x4") else None]
    return functions


def argument(code, at, index):
    """The function in an argument's register at the call code[at], or None."""
    targets = {int(t, 16) for one in code for t in TARGET.findall(one[2]) if one[1] not in CALLS}
    register = re.compile(rf"\b({REGISTERS[code[at][1] in ('bl', 'b')][index]})\b")
    for address, operation, operands, kind, symbol in reversed(code[:at]):
        if operation in CALLS + ENDS or any(address < t <= code[at][0] for t in targets):
            return None
        if register.search(operands):
            return symbol if operation in ADDRESS_OF.get(kind, ()) else None
    return None


def passed(objdump, path, callees):
    """{caller: {callee: functions, or None where one is not known}} for callees {name: argument}."""
    found = {}
    for caller, code in instructions(objdump, path).items():
        hidden = any(TABLE.match(f"{one[1]} {one[2]}") for one in code)
        for at, one in enumerate(code):
            if one[1] not in CALLS + ENDS or one[4] not in callees:
                continue
            name = None if hidden else argument(code, at, callees[one[4]])
            calls = found.setdefault(caller.split(".cold")[0], {})
            if name is None:
                calls[one[4]] = None
            elif calls.setdefault(one[4], set()) is not None:
                calls[one[4]].add(name)
    return found
