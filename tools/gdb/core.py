"""A machine that has ended as an ELF core file: qemu/run writes it at a panic (CORE=), the proxy reads it.

    the header, a program header for each piece of memory
    notes     CORE/NT_PRSTATUS for each core, as Linux has them; VOLE, which holds all registers by their
              numbers for gdb, the descriptions of them, and which image it was (JSON)
    memory    RAM, at its physical addresses, where the kernel's objects are too; what else is mapped (stacks) is
              in pieces of that

Of mappings there may be more than a file can list: so the proxy walks the machine's page tables itself."""

import functools
import hashlib
import json
import mmap
import os
import struct

from kernel import Failure
from stub import Stub, escaped

EHDR, PHDR, NOTE = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ"), struct.Struct("<III")
PT_LOAD, PT_NOTE, ET_CORE, NT_PRSTATUS, NT_VOLE = 1, 4, 4, 1, 0x564f4c45
VERSION, PAGE = 1, 4096
MOST = 60000 # program headers
NAMES = {62: "x86_64", 183: "arm64"}
ROOTS = {62: "x86_page_root", 183: "final_l0"} # the symbols of the page tables' roots
LEAF = {62: 0x80, 183: 0} # bits: a large page (x86-64); of ARM64, where bit 1 is not set
BITS = 0x0000fffffffff000

# What Linux has in pr_reg, at 112; and how long the whole is.
PRSTATUS = {
    62: (336, "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi - rip cs eflags rsp ss fs_base gs_base "
              "ds es fs gs".split()),
    183: (392, [f"x{i}" for i in range(31)] + ["sp", "pc", "cpsr"]),
}


def sum_of(elf):
    """Tells one build from another."""
    return hashlib.sha256(elf.data).hexdigest()


class Tables:
    """The page tables of a machine whose physical memory word(address) can be read."""

    def __init__(self, elf, table_at):
        self.root, self.large, self.table_at = elf.address(ROOTS[elf.machine]), LEAF[elf.machine], table_at

    def leaf(self, entry, level):
        if level == 0:
            return True
        return bool(entry & self.large) if self.large else not entry & 2

    def physical(self, address):
        """None: nothing is mapped there. Before there are tables it is the same."""
        table, level = self.root, 3
        while True:
            entries = self.table_at(table)
            if level == 3 and not any(entries):
                return address
            entry = entries[address >> 12 + 9 * level & 511]
            if not entry & 1:
                return None
            base, size = entry & BITS, 1 << 12 + 9 * level
            if self.leaf(entry, level):
                return (base & -size) + (address & size - 1)
            table, level = base, level - 1

    def mapped(self, table=None, level=3, base=0):
        """(address, physical address, size) of all that is not where it is."""
        for i, entry in enumerate(self.table_at(table or self.root)):
            if not entry & 1:
                continue
            size = 1 << 12 + 9 * level
            address, to = base + i * size, entry & BITS
            if not self.leaf(entry, level):
                yield from self.mapped(to, level - 1, address)
            elif address != to & -size:
                yield address, to & -size, size


def joined(pieces):
    """Neighbours as one."""
    last = None
    for address, to, size in pieces:
        if last and last[0] + last[2] == address and last[1] + last[2] == to:
            last = last[0], last[1], last[2] + size
            continue
        if last:
            yield last
        last = address, to, size
    if last:
        yield last


# ---- Writing ----


def note(name, kind, data):
    text = name.encode() + b"\0"
    return NOTE.pack(len(text), len(data), kind) + text + bytes(-len(text) % 4) + data + bytes(-len(data) % 4)


def prstatus(machine, number, values):
    size, names = PRSTATUS[machine]
    data = bytearray(size)
    struct.pack_into("<I", data, 32, number + 1)
    for i, name in enumerate(names):
        data[112 + 8 * i:120 + 8 * i] = values.get(name, b"")[:8].ljust(8, b"\0")
    return bytes(data)


def registers_of(stub, cpu):
    """{number: hexadecimal} of all that QEMU tells."""
    found = {}
    stub.select(cpu)
    for number in stub.registers:
        reply = stub.ask(f"p{number:x}")
        if reply and reply[:1] != "E":
            found[number] = reply
    return found


def write(out, elf, stub, told, memory, pieces):
    """The machine stands. told: what the reader is to know besides. memory: a file of it; pieces: (physical address, place in it, size)."""
    def table_at(address):
        for start, at, size in pieces:
            if start <= address < start + size:
                return struct.unpack("<512Q", os.pread(memory, PAGE, at + address - start))
        return (0,) * 512

    cpus, whole, notes = [], [], b""
    for cpu in stub.cpus:
        cpus.append(registers_of(stub, cpu))
        whole.append(stub.ask("g"))
    for index, found in enumerate(cpus):
        values = {stub.registers[number].name: bytes.fromhex(text) for number, text in found.items()
                  if "x" not in text}
        notes += note("CORE", NT_PRSTATUS, prstatus(elf.machine, index, values))
    told = {"version": VERSION, "image": sum_of(elf), "threads": stub.cpus, "registers": cpus, "whole": whole, **told}
    notes += note("VOLE", NT_VOLE, json.dumps(told).encode())
    loads = [(start, start, size) for start, _, size in pieces]
    for piece in joined(Tables(elf, table_at).mapped()):
        if len(loads) < MOST:
            loads.append(piece)
    heads = EHDR.size + PHDR.size * (1 + len(loads))
    begin = -(-(heads + len(notes)) // PAGE) * PAGE

    def place(physical):
        for start, at, size in pieces:
            if start <= physical < start + size:
                return begin + at + physical - start
        return None

    table = [PHDR.pack(PT_NOTE, 0, heads, 0, 0, len(notes), 0, 4)]
    for address, physical, size in loads:
        at = place(physical)
        table.append(PHDR.pack(PT_LOAD, 7, at or 0, address, physical, size if at else 0, size, PAGE))
    out.write(EHDR.pack(b"\x7fELF\2\1\1" + bytes(9), ET_CORE, elf.machine, 1, 0, EHDR.size, 0, 0, EHDR.size,
                        PHDR.size, len(table), 0, 0, 0) + b"".join(table) + notes)
    at, end = 0, sum(size for _, _, size in pieces)
    out.truncate(begin + end)
    while at < end: # what was never written to is a hole
        try:
            at = os.lseek(memory, at, os.SEEK_DATA)
        except OSError:
            break
        hole = os.lseek(memory, at, os.SEEK_HOLE)
        out.seek(begin + at)
        while at < hole:
            data = os.pread(memory, min(1 << 20, hole - at), at)
            out.write(data)
            at += len(data)
    out.flush()


# ---- Reading ----


def architecture(path):
    """Of a core file, or a Failure that says why it is none."""
    try:
        with open(path, "rb") as file:
            head = file.read(EHDR.size)
    except OSError as error:
        raise Failure(f"CORE={path}: {error.strerror}") from None
    if len(head) < EHDR.size or head[:6] != b"\x7fELF\2\1" or struct.unpack_from("<H", head, 16)[0] != ET_CORE:
        raise Failure(f"CORE={path}: not a core file" + " (it is empty: the machine did not panic)" * (not head))
    machine = struct.unpack_from("<H", head, 18)[0]
    if machine not in NAMES:
        raise Failure(f"CORE={path}: neither of x86-64 nor of ARM64")
    return NAMES[machine]


class Wire:
    """Answers the packets that QEMU's stub would."""

    def __init__(self, core):
        self.core, self.selected, self.reply = core, core.threads[0], b""

    def send(self, text):
        packet = text.decode("latin-1") if isinstance(text, bytes) else text
        try:
            self.reply = escaped(self.answer(packet).encode("latin-1"))
        except (OSError, ValueError):
            self.reply = b"E14"

    def packet(self):
        return self.reply

    def acknowledge(self):
        pass

    def answer(self, packet):
        core, kind = self.core, packet[:1]
        if packet == "qfThreadInfo":
            return "m" + ",".join(f"{cpu:x}" for cpu in core.threads)
        if packet == "qsThreadInfo":
            return "l"
        if packet.startswith("qXfer:features:read:"):
            name, place = packet[len("qXfer:features:read:"):].split(":")
            at, size = (int(text, 16) for text in place.split(","))
            text = core.annexes.get(name, "")
            return ("l" if at + size >= len(text) else "m") + text[at:at + size]
        if packet.startswith("Hg"):
            self.selected = int(packet[2:], 16)
            return "OK"
        if kind == "p":
            return core.of(self.selected).get(packet[1:], "E14")
        if kind == "g":
            return core.whole[core.threads.index(self.selected)]
        if kind == "m":
            address, size = (int(text, 16) for text in packet[1:].split(","))
            return core.memory(address, size).hex()
        if packet.startswith("qRcmd"):
            return "OK"
        return "" if kind == "q" else "E01"


class Core(Stub):
    """A core file as a machine that stands for good."""

    ended = True

    def __init__(self, path, elf):
        name = architecture(path)
        if NAMES.get(elf.machine) != name:
            raise Failure(f"CORE={path}: it is of {name}, the program is built for {NAMES.get(elf.machine)}")
        with open(path, "rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        head = EHDR.unpack_from(self.map)
        loads, told = [], None
        for i in range(head[10]):
            kind, _, at, _, physical, size, _, _ = PHDR.unpack_from(self.map, head[5] + i * PHDR.size)
            if kind == PT_NOTE:
                told = self.told(self.map[at:at + size])
            elif kind == PT_LOAD and size:
                loads.append((physical, at, size))
        if not told or told["version"] != VERSION:
            raise Failure(f"CORE={path}: not one that make run CORE= of this tree has written")
        if told["image"] != sum_of(elf):
            raise Failure(f"CORE={path}: it is of another build of the program than {os.path.relpath(elf.path)}")
        self.pieces = [] # of RAM: what is mapped elsewhere is a part of it
        for load in loads:
            if not any(start <= load[0] < start + size for start, _, size in self.pieces):
                self.pieces.append(load)
        self.threads, self.ran, self.annexes = told["threads"], told["ran"], told["annexes"]
        self.whole, self.stopped = told["whole"], told["stopped"]
        self.saved = [{f"{int(number):x}": text for number, text in found.items()} for found in told["registers"]]
        self.tables = Tables(elf, functools.cache(lambda at: struct.unpack("<512Q", self.at(at, PAGE))))
        self.physical = functools.cache(self.tables.physical)
        super().__init__(Wire(self))

    @staticmethod
    def told(notes):
        at = 0
        while at + NOTE.size <= len(notes):
            name, size, _ = NOTE.unpack_from(notes, at)
            text = notes[at + NOTE.size:at + NOTE.size + name].rstrip(b"\0")
            data = at + NOTE.size + -(-name // 4) * 4
            if text == b"VOLE":
                return json.loads(notes[data:data + size])
            at = data + -(-size // 4) * 4
        return None

    def of(self, cpu):
        return self.saved[self.threads.index(cpu)]

    def at(self, physical, size):
        for start, at, length in self.pieces:
            if start <= physical and physical + size <= start + length:
                return self.map[at + physical - start:at + physical - start + size]
        raise OSError(physical)

    def memory(self, address, size):
        data = b""
        while size:
            part = min(size, PAGE - address % PAGE)
            page, offset = address & (1 << 48) - PAGE, address % PAGE
            try:
                physical = self.physical(page)
                if physical is None:
                    raise OSError(address)
                data += self.at(physical + offset, part)
            except OSError:
                if data:
                    return data
                raise
            address, size = address + part, size - part
        return data

    def read(self, address, size):
        return self.memory(address, size)

    def write(self, address, data):
        return "E01"

