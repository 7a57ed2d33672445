"""What a function does that the compiler's report does not say: inline assembly may call, jump and
move the stack pointer. The machine code shows it. For tools/stackdepth, of the application's files.

The report is believed where the machine code fits it: every call goes to somebody it names, it has
as many calls through pointers, and all that the instructions take off the stack pointer is no more
than the frame. An instruction that does something else to the stack pointer fits nothing."""

import collections
import re
import subprocess

import callgraph

SECTION = re.compile(r"Disassembly of section (.*):$")
HEAD = re.compile(r"[0-9a-f]+ <(.*)>:$")
CODE = re.compile(r" *([0-9a-f]+):\t(\S+)\s*(.*)")
RELOCATION = re.compile(r"\s+[0-9a-f]+: (R_\S+)\s+([^\s+-]+)(\S*)")
TARGET = re.compile(r"(?:^|[ ,])([0-9a-f]+) <([^>+]+)")
AARCH64 = b"\xb7\x00" # e_machine

Instruction = collections.namedtuple("Instruction", "address operation operands symbol")


def read(objdump, path):
    """{section: [(symbol, [Instruction])]}, in their order."""
    text = subprocess.run([objdump, "-dr", "--no-show-raw-insn", path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    sections, parts = {}, []
    for line in text.splitlines():
        section, head, one = SECTION.match(line), HEAD.match(line), CODE.match(line)
        relocation = RELOCATION.match(line)
        if section:
            parts = sections.setdefault(section.group(1), [])
        elif head:
            parts.append((head.group(1), []))
        elif one and parts:
            parts[-1][1].append(Instruction(int(one.group(1), 16), one.group(2),
                                            one.group(3).strip(), None))
        elif relocation and parts and parts[-1][1]:
            name = relocation.group(2)
            name = name[6:] if name.startswith(".text.") else name
            parts[-1][1][-1] = parts[-1][1][-1]._replace(symbol=name)
    return sections


class Seen:
    """What the machine code of one function does."""

    def __init__(self, frame):
        self.frame = frame # as the report has it
        self.taken = 0     # bytes off the stack pointer, all together
        self.callees = set()
        self.indirect = 0  # calls and jumps to what is computed
        self.odd = None    # an instruction that fits nothing

    def add(self, code, look):
        inside = {one.address for one in code}
        for at, one in enumerate(code):
            look(self, one, code[at - 1] if at else one, inside)

    def direct(self, one, inside, call):
        """A call or a jump to one place."""
        target = TARGET.search(one.operands)
        if one.symbol:
            self.callees.add(one.symbol.removeprefix("unlikely."))
        elif not target:
            self.odd = one
        elif call or int(target.group(1), 16) not in inside:
            self.callees.add(target.group(2))


# ---- x86-64 -------------------------------------------------------------------------------------

X86_PREFIXES = {"notrack", "bnd", "rep", "repz", "repnz", "lock", "data16", "cs", "ds", "rex.W"}
X86_BELOW = re.compile(r"-0x[0-9a-f]+\(%rsp")
X86_POINTER = re.compile(r"(?<!\()%[er]?spl?\b(?!\)|,%?\w+,\d\))")
X86_ODD = {"enter", "lcall", "ljmp", "lret", "iret", "iretq", "int", "sysenter", "sysexit", "sysret",
           "(bad)"}
X86_READS = {"cmp", "test", "cmpq", "testq"}


def signed(text):
    value = int(text, 16)
    return value - (1 << 64) if value >> 63 == 1 else value


def x86_move(seen, one, operation):
    """An instruction whose last operand is the stack pointer."""
    source = one.operands.rpartition(",")[0]
    number = re.fullmatch(r"\$(-?0x[0-9a-f]+)", source)
    place = re.fullmatch(r"(-?0x[0-9a-f]+)?\(%(rbp|rsp|r10)\)", source)
    value = signed(number.group(1)) if number else 0
    if operation in ("sub", "subq", "add", "addq") and number:
        seen.taken += max(value if operation.startswith("sub") else -value, 0)
    elif operation in ("and", "andq") and -4096 <= value < 0:
        pass # tools/objfile.py counts it
    elif operation == "lea" and place:
        value, base = signed(place.group(1) or "0"), place.group(2)
        if base == "rsp":
            seen.taken += max(-value, 0)
        elif value < -seen.frame:
            seen.odd = one
    elif operation != "mov" or source != "%rbp":
        seen.odd = one


def x86_64(seen, one, before, inside):
    operation, operands = one.operation, one.operands
    while operation in X86_PREFIXES and operands:
        operation, _, operands = operands.partition(" ")
        operands = operands.strip()
    one = one._replace(operands=operands)
    if operation.startswith("call"):
        if operands.startswith("*"):
            seen.indirect += 1
        else:
            seen.direct(one, inside, True)
    elif operation.startswith("j") or operation.startswith("loop"):
        if not operands.startswith("*"):
            seen.direct(one, inside, False)
        elif not x86_table(one, before):
            seen.indirect += 1
    elif operation.startswith("push"):
        seen.taken += 8
        if "%rsp" in operands:
            seen.odd = one
    elif operation in X86_ODD:
        seen.odd = one
    elif X86_BELOW.search(operands):
        seen.odd = one
    elif re.search(r"(^|,)%([er]sp|spl?)$", operands.split(" ")[0]):
        if operation not in X86_READS:
            x86_move(seen, one, operation)
    elif operation.startswith(("xchg", "xadd")) and X86_POINTER.search(operands):
        seen.odd = one


def x86_table(one, before):
    """A switch: the place comes from a table in the file."""
    if one.operands.endswith(",8)"):
        return one.symbol is not None
    return (before.symbol is not None and before.operation == "mov" and
            before.operands.split(" ")[0].endswith(",8)," + one.operands[1:]))


# ---- ARM64 --------------------------------------------------------------------------------------

ARM64_WRITES = re.compile(r"\[sp, #-(\d+)\]!|\[sp\], #-(\d+)")
ARM64_BELOW = re.compile(r"\[sp, #-\d+\](?!!)")
ARM64_JUMPS = re.compile(r"b(\.\w+)?$|cbn?z$|tbn?z$")
ARM64_STORES = ("st", "cmp", "cmn", "tst", "prfm")


def number_of(text):
    """Of "#0x12, lsl #12"."""
    match = re.fullmatch(r"#(-?(?:0x)?[0-9a-f]+)(, lsl #12)?", text)
    return int(match.group(1), 0) << (12 if match.group(2) else 0) if match else None


def arm64_move(seen, one):
    """An instruction whose first operand is the stack pointer."""
    words = re.sub(r"\s*//.*", "", one.operands).split(", ", 2)
    value = number_of(words[2]) if len(words) > 2 else None
    if one.operation in ("sub", "add") and words[1] == "sp" and value is not None:
        seen.taken += max(value if one.operation == "sub" else -value, 0)
    elif one.operation in ("sub", "add") and words[1] == "x29" and value is not None:
        if value > seen.frame:
            seen.odd = one
    elif one.operation != "mov" or words[1:] != ["x29"]:
        seen.odd = one


def arm64(seen, one, before, inside):
    operation, operands = one.operation, one.operands
    if operation == "bl":
        seen.direct(one, inside, True)
    elif ARM64_JUMPS.match(operation):
        seen.direct(one, inside, False)
    elif operation.startswith("blr"):
        seen.indirect += 1
    elif operation.startswith("br") and operation != "brk":
        # A switch: the place is near, so much from here.
        if before.operation != "add" or not re.search(r"sxt[bhw] #2", before.operands):
            seen.indirect += 1
    elif operation.startswith("ret") and operands not in ("", "x30"):
        seen.indirect += 1
    elif operation in ("eret", ".inst") or (operation == "msr" and re.match(r"sp", operands)):
        seen.odd = one
    elif ARM64_BELOW.search(operands):
        seen.odd = one
    elif ARM64_WRITES.search(operands):
        down = ARM64_WRITES.search(operands)
        seen.taken += int(down.group(1) or down.group(2))
    elif re.match(r"w?sp\b", operands) and not operation.startswith(ARM64_STORES):
        arm64_move(seen, one)


# ---- The report beside it -----------------------------------------------------------------------


def reported(path):
    """{function: ({callee}, calls through pointers)} of a report, as it came from the compiler."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for caller, callee, _ in callgraph.EDGE.findall(file.read()):
            callees, indirect = found.get(callgraph.symbol(caller), (set(), 0))
            if callee == callgraph.INDIRECT:
                indirect += 1
            found[callgraph.symbol(caller)] = callees | {callgraph.symbol(callee)}, indirect
    return found


def unexplained(objdump, path, report, functions):
    """{function: why its report cannot be believed} for {function: callgraph.Function} of path."""
    with open(path, "rb") as file:
        machine = file.read(20)[18:]
    look, at_entry = (arm64, 0) if machine == AARCH64 else (x86_64, 8)
    said, seen = reported(report), {}
    for parts in read(objdump, path).values():
        name = None
        for symbol, code in parts:
            if symbol.split(".cold")[0] in functions:
                name = symbol.split(".cold")[0]
            if name: # a label within it has no report of its own
                one = seen.setdefault(functions[name], Seen(functions[name].frame))
                one.add(code, look)
    return {function.name: why for function, one in seen.items()
            for why in [judge(function, one, at_entry, said)] if why}


def judge(function, seen, at_entry, said):
    callees, indirect = said.get(function.name, (set(), 0))
    # Its own name: jumps between its parts.
    extra = {name for name in seen.callees if name.split(".cold")[0] != function.name} - callees
    if seen.odd:
        return ("has an instruction that its report does not explain: "
                f"{seen.odd.operation} {seen.odd.operands}")
    if extra:
        return f"goes to {min(extra)}, which its report does not know"
    if seen.indirect > indirect:
        return "calls or jumps to a computed place, which its report does not know"
    if seen.taken + at_entry > function.frame:
        return (f"takes {seen.taken + at_entry} bytes off its stack pointer, "
                f"{function.frame} by its report")
    return None
