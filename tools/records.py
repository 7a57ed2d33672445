#!/usr/bin/env -S python3 -S
"""Runs a program of ARCH=host or ARCH=sim, and writes what it has recorded when it has ended.

usage: tools/records.py ELF      (make run TRACE=FILE, with these two; for machines, qemu/run does it)

A machine records in its own memory (debug/record.h). The launcher keeps that memory open, so that it can read
the records however the machine has ended: all memory of a machine in QEMU; of a process, memory that it
is given for that. What is recorded, and into which file it goes, is said by the environment: KINDS.
"""

import ctypes
import gc
import os
import re
import signal
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from elf import Elf, Failure
from output import Output

# Variable: the module that knows it. Such a module has FORMATS, the endings of files; words(room), for the
# kernel's command line, of a machine with so much memory; write(memory, elf, out, ending). Both may raise Failure.
KINDS = {"TRACE": "timeline", "PROFILE": "prof"}

VERSION, MOST = 1, 8 # as in debug/record.h
HEAD, ENTRY = struct.Struct("<8sIIQ"), struct.Struct("<16sQQ")
ROOM = 1 << 32 # bytes of a process; those that it does not touch take no memory
RAM = {"x86_64": 0, "arm64": 0x40000000}
FOUR_GB = 1 << 32
NOT_STARTED, SIM_NOT_STARTED = 1, 2


def bytes_of(name, default):
    """The variable name, such as 8M, in bytes."""
    text = os.environ.get(name) or default
    if not re.fullmatch(r"[1-9]\d*[KMG]?", text.upper()):
        raise Failure(f"{name}={text}: a size such as {default} is wanted")
    return int(text.rstrip("KMGkmg")) << {"K": 10, "M": 20, "G": 30}.get(text[-1].upper(), 0)


class Memory:
    """Of a machine that has ended, or of a process: fd is a file of it."""

    def __init__(self, fd, list_at, offset):
        self.fd, self.offset = fd, offset
        self.list_at = list_at # the address of the list of records; None: it begins the file
        self.base = None

    def read(self, address, size):
        if self.offset:
            at = self.offset(address, os.fstat(self.fd).st_size)
        else:
            at = address - self.base
        data = os.pread(self.fd, size, at)
        while len(data) < size:
            more = os.pread(self.fd, size - len(data), at + len(data))
            if not more:
                raise Failure("what the machine says of its records is damaged")
            data += more
        return data

    def list(self):
        """The list of records; None: there is none yet."""
        size = HEAD.size + MOST * ENTRY.size
        data = os.pread(self.fd, size, 0) if self.list_at is None else self.read(self.list_at, size)
        return data if len(data) == size and data.startswith(b"VOLEREC\0") else None

    def is_empty(self):
        return self.list() is None

    def find(self, name):
        """(address, size) of a record; None: the machine has not come so far, or has no memory for it."""
        data = self.list()
        if not data:
            return None
        _, version, count, self.base = HEAD.unpack_from(data)
        if version != VERSION:
            raise Failure(f"the image's records are of version {version}, these tools know version {VERSION}")
        for i in range(min(count, MOST)):
            text, address, length = ENTRY.unpack_from(data, HEAD.size + i * ENTRY.size)
            if text.rstrip(b"\0") == name.encode():
                return address, length
        return None


def place_in_machine(arch, machine):
    """(physical address, size of the file): where in it that is."""
    # Memory that does not fit below 4 GB goes on there: from where on, QEMU's hw/i386 says.
    least, low = ((0xb0000000, 0x80000000) if machine.startswith("q35") else (0xe0000000, 0xc0000000))

    def offset(address, size):
        if arch == "x86_64" and address >= FOUR_GB:
            return address - FOUR_GB + (low if size >= least else 0)
        return address - RAM[arch]
    return offset


def pieces_of_machine(arch, machine, size):
    """(physical address, place in the file, size) of each piece of its memory."""
    high = place_in_machine(arch, machine)(FOUR_GB, size) if arch == "x86_64" else 0
    pieces = [(RAM[arch], 0, high or size)]
    if high:
        pieces.append((FOUR_GB, high, size - high))
    return pieces


def one_for_each():
    """Two that wrote to the same file would leave one of them, and nobody would know which."""
    names = {}
    for name in (*KINDS, "CORE"):
        path = os.environ.get(name)
        if path and (other := names.setdefault(os.path.realpath(path), name)) != name:
            raise Failure(f"{name}={path}: that is the file of {other}=, too")


class Recorder:
    """What is to be written, if anything, of a machine with so many bytes of memory."""

    def __init__(self, room):
        self.files = [] # (variable, module, ending, Output)
        self.fd = None
        wanted = [(name, __import__(module), os.environ[name]) for name, module in KINDS.items() if os.environ.get(name)]
        one_for_each()
        endings = [self.ending(name, path, module.FORMATS) for name, module, path in wanted]
        # For the kernel's command line.
        self.words = [word for _, module, _ in wanted for word in module.words(room)]
        for (name, module, path), ending in zip(wanted, endings):
            try:
                self.files.append((name, module, ending, Output(path)))
            except OSError as error:
                self.forget()
                raise Failure(f"{name}={path}: {error.strerror}") from None

    @staticmethod
    def ending(name, path, formats):
        for ending in formats:
            if path.endswith("." + ending):
                return ending
        raise Failure(f"{name}={path}: a name is wanted that ends in ." + ", .".join(formats[:-1])
                      + f" or .{formats[-1]}")

    def forget(self):
        """No machine has booted."""
        for *_, out in self.files:
            out.forget()

    def share(self, size):
        """A file of so many bytes that is memory: its number."""
        self.fd = os.memfd_create("machine")
        os.truncate(self.fd, size)
        return self.fd

    def write(self, memory, elf, status):
        """All files, when the machine has ended with that status. What is wrong is told, and is no failure of the program."""
        if status in (NOT_STARTED, SIM_NOT_STARTED) and memory.is_empty():
            self.forget() # why, has been said
            return
        gc.disable() # millions of events, and no cycles: to look for some would take half of the time
        for name, module, ending, out in self.files:
            try:
                out.write(lambda file, module=module, ending=ending: module.write(memory, elf, file, ending))
            except Failure as failure:
                print(f"{name}={out.path}: {failure}", file=sys.stderr)
            except OSError as error:
                print(f"{name}={out.path}: {error.strerror}", file=sys.stderr)


def records_in(path):
    """The physical address of the list of records; None: there is none."""
    elf = Elf(path)
    return elf.physical(elf.address("vole_records")) if "vole_records" in elf.symbols else None


def memory_of_machine(fd, elf, arch, machine):
    return Memory(fd, records_in(elf), place_in_machine(arch, machine))


def die_with_parent():
    """In the child: SIGKILL when the launcher ends, however it ends (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def run(elf, words):
    """Of ARCH=host or sim: runs it, then writes."""
    recorder = Recorder(ROOM)
    fd = recorder.share(ROOM)
    options = " ".join(word.removeprefix("vole.") for word in recorder.words)
    env = {**os.environ, "VOLE_RECORD": f"{fd}:{ROOM}:{options}"}
    caught = signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP

    def prepare():
        die_with_parent()
        for number in caught:
            signal.signal(number, signal.SIG_DFL)

    process = None

    def hand_on(number, _):
        # What a terminal sends goes to both.
        if process and (number in (signal.SIGTERM, signal.SIGHUP) or not os.isatty(0)):
            process.send_signal(number)

    for number in caught:
        signal.signal(number, hand_on)
    try:
        process = subprocess.Popen([elf, *words], env=env, pass_fds=[fd], preexec_fn=prepare)
    except OSError as error:
        recorder.forget()
        raise Failure(f"{elf}: {error.strerror}") from None
    status = process.wait()
    recorder.write(Memory(fd, None, None), elf, status)
    return status if status >= 0 else 128 - status


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip(), file=sys.stderr if len(sys.argv) < 2 else sys.stdout)
        return NOT_STARTED if len(sys.argv) < 2 else 0
    try:
        return run(sys.argv[1], sys.argv[2:])
    except Failure as failure:
        print(f"vole: {failure}", file=sys.stderr)
        return SIM_NOT_STARTED if os.path.exists(sys.argv[1]) and Elf(sys.argv[1]).is_simulated() else NOT_STARTED


if __name__ == "__main__":
    sys.modules["records"] = sys.modules["__main__"] # for the modules of KINDS
    sys.exit(main())
