"""The registers of a machine as QEMU describes them, and where those of a coroutine are that does
not run: in its context or in its frame, as arch/*/switch.S and arch/*/trap.S draw them."""

import re


class Register:
    def __init__(self, name, number, bits):
        self.name, self.number, self.size = name, number, bits // 8


def described(read_annex):
    """The registers of a target description, by number. read_annex(name) gives its text."""
    text = read_annex("target.xml")
    for name in re.findall(r'<xi:include href="([^"]+)"', text):
        text += read_annex(name)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    registers, number = {}, 0
    for attributes in re.findall(r"<reg\s([^>]*?)/?>", text):
        values = dict(re.findall(r'(\w+)="([^"]*)"', attributes))
        number = int(values.get("regnum", number))
        registers[number] = Register(values["name"], number, int(values["bitsize"]))
        number += 1
    return registers


class Stopped:
    """Where the registers of one that does not run are: at addresses, or known values."""

    def __init__(self):
        self.at, self.value = {}, {}


def x86_context(sp, extra=0):
    stopped = Stopped()
    for i, name in enumerate(("r15", "r14", "r13", "r12", "rbx", "rbp", "rip")):
        stopped.at[name] = sp + 8 + extra + 8 * i
    stopped.value["rsp"] = sp + 64 + extra
    return stopped


def x86_frame(frame):
    stopped = Stopped()
    for i, name in enumerate(("r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8", "rdi", "rsi", "rbp",
                              "rbx", "rdx", "rcx", "rax", None, None, "rip", None, "eflags", "rsp")):
        if name:
            stopped.at[name] = frame + 8 * i
    legacy = frame + 192 # as FXSAVE has it
    stopped.at["mxcsr"] = legacy + 24
    for i in range(16):
        stopped.at[f"xmm{i}"] = legacy + 160 + 16 * i
    return stopped


def host_frame(frame):
    stopped = Stopped()
    for i, name in enumerate(("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp",
                              "rbx", "rdx", "rax", "rcx", "rsp", "rip", "eflags")):
        stopped.at[name] = frame + 40 + 8 * i # a ucontext_t
    return stopped


def arm_context(sp):
    stopped = Stopped()
    for name, at in ("x29", 0), ("x30", 8), ("pc", 8), *((f"x{19 + i}", 16 + 8 * i) for i in range(10)):
        stopped.at[name] = sp + at
    stopped.value["sp"] = sp + 176
    return stopped


def arm_frame(frame):
    stopped = Stopped()
    for i in range(31):
        stopped.at[f"x{i}"] = frame + 8 * i
    for name, at in ("sp", 248), ("pc", 256), ("cpsr", 264), ("fpcr", 800), ("fpsr", 808):
        stopped.at[name] = frame + at
    for i in range(32):
        stopped.at[f"v{i}"] = frame + 288 + 16 * i
    return stopped


class X86:
    pc, current, memory = "rip", "gs_base", 0 # where memory begins
    breakpoint, returns = 1, "rsp" # how long one is; what leads to a call's return at its first instruction
    calls = range(2, 8) # how long a call can be
    context, frame = staticmethod(x86_context), staticmethod(x86_frame)

    @staticmethod
    def co_of(kernel, value, cores):
        """The coroutine that runs on a processor, by its GS base: its struct core."""
        return kernel.word(value + kernel.table["core.current"]) if value in cores else 0


class Arm64:
    pc, current, memory = "pc", "TPIDR_EL1", 0x40000000
    breakpoint, returns = 4, "x30"
    calls = range(4, 5) # x30 is there long after a call, too
    context, frame = staticmethod(arm_context), staticmethod(arm_frame)

    @staticmethod
    def co_of(kernel, value, cores):
        """The coroutine that runs on a processor: TPIDR_EL1 is its address."""
        return value if value and kernel.word(value + kernel.table["co.core"]) in cores else 0


MACHINES = {62: X86, 183: Arm64} # by e_machine
