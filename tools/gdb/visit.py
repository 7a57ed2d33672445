"""Frames of a coroutine: in its thread, or, where gdb has none for it, by its registers."""

import re

import gdb # pylint: disable=import-error # gdb's own
import gdb.unwinder # pylint: disable=import-error

import registers
from session import behind_proxy, find


def machine_of(kernel):
    if kernel.elf.is_simulated():
        return (lambda sp: registers.x86_context(sp),
                lambda frame: registers.x86_context(kernel.word(frame + 128)))
    if "host_resume" in kernel.elf.symbols:
        return lambda sp: registers.x86_context(sp, 8), registers.host_frame
    machine = registers.MACHINES[kernel.elf.machine]
    return machine.context, machine.frame


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class Outermost(gdb.unwinder.Unwinder):
    """The first function of a stack returns to 0. On ARM64 gdb takes the frame of that for its own caller, and says
    that the stack is corrupt: so it gets another."""

    def __init__(self):
        super().__init__("vole-outermost")

    def __call__(self, frame):
        pc = frame.read_register("pc")
        if int(pc) or frame.level() == 0 or frame.architecture().name() != "aarch64":
            return None
        sp = frame.read_register("sp")
        caller = frame.create_unwind_info(FrameId(sp, pc))
        caller.add_saved_register("sp", sp + 16)
        caller.add_saved_register("pc", pc)
        return caller


class Visit:
    """With it the selected frame is that of a coroutine that does not run; afterwards all is as it was."""

    def __init__(self, kernel, stopped):
        self.kernel, self.stopped = kernel, stopped

    def __enter__(self):
        values = dict(self.stopped.value)
        for name, address in self.stopped.at.items():
            if not re.match(r"v\d|xmm|mxcsr|fp|eflags|cpsr", name):
                values[name] = self.kernel.word(address)
        gdb.newest_frame().select()
        self.saved = {name: int(gdb.parse_and_eval(f"(unsigned long)${name}")) for name in values}
        self.set(values)

    @staticmethod
    def set(values):
        for name in sorted(values, key=lambda name: name in ("rip", "pc")):
            gdb.execute(f"set var ${name} = {values[name]}", to_string=True)

    def __exit__(self, *_):
        gdb.newest_frame().select()
        self.set(self.saved)


def simulated_cores():
    """Of ARCH=sim, in the order of the cores: what each runs, and, but of the one that goes on, its context."""
    here, current = int(gdb.parse_and_eval("sim_here")), int(gdb.parse_and_eval("sim_current"))
    cores = gdb.parse_and_eval("sim_cores")
    for i in range(cores.type.range()[1] + 1):
        core = cores[i]
        if int(core.address) == here:
            yield current, None
        elif core["core"]:
            yield int(core["current"]), int(core["sp"])


def select_core_of(kernel, co):
    """On the host port: the thread that is the core where co runs. The GS base is the core."""
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        base = int(gdb.parse_and_eval("(unsigned long)$gs_base"))
        if base in kernel.cores() and kernel.word(base + kernel.table["core.current"]) == co.address:
            return True
    return False


def visit(kernel, number, command):
    """co ID: selects its thread, or, where there is none, shows it by command."""
    kernel.pages = None # the command may run something
    co = find(kernel, number)
    print(kernel.line(co))
    if behind_proxy():
        gdb.execute(f"monitor show {number}", to_string=True)
        for thread in gdb.selected_inferior().threads():
            if thread.ptid[1] == number:
                thread.switch()
                gdb.execute(command or "frame")
                return
        raise gdb.GdbError(f"no thread for coroutine {number}: is the proxy between gdb and the machine?")
    context, frame = machine_of(kernel)
    stopped = frame(co.frame) if co.frame else context(co.sp)
    if kernel.elf.is_simulated():
        for current, sp in simulated_cores():
            if current == co.address:
                stopped = context(sp) if sp else None
    else:
        thread = gdb.selected_thread()
        if select_core_of(kernel, co):
            stopped = None
        elif thread:
            thread.switch()
    if not stopped: # a thread has its registers
        gdb.execute(command or "bt")
        return
    with Visit(kernel, stopped):
        gdb.execute(command or "bt")
