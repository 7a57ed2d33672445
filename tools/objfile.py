"""What tools/stackdepth needs of an object file: who branches to whom, and whose address is taken.

The compiler's call-graph report says what each function calls, but not which of the calls are jumps
(the caller's frame is gone by then), and not whose address goes where. The relocations do.
"""

import bisect
import re
import struct

SHT_SYMTAB, SHT_RELA, SHF_ALLOC, SHF_EXECINSTR = 2, 4, 2, 4
STT_FUNC, STT_SECTION = 2, 3
X86_64, AARCH64 = 62, 183

# AArch64's relocations of branches; those of calls, which come back, apart.
ARM64_CALL, ARM64_JUMPS = 283, (279, 280, 282)
X86_PC_RELATIVE = (2, 4) # PC32, PLT32

# x86-64, and $-alignment, %rsp, with one byte and with four. GCC takes the stack to be aligned before.
REALIGN = re.compile(rb"\x48\x83\xe4([\x80-\xf0])|\x48\x81\xe4(...\xff)", re.DOTALL)
# x86-64, pushf; pop REGISTER; cli: by hand.
PUSH_FLAGS = re.compile(rb"\x9c\x41?[\x58-\x5f]\xfa")


class Object:
    """branches: {function: {callee: it comes back}}; taken: {function, or None for data: {whose
    address it holds}}; places: {function: (section, offset in it)}; uncounted: {function: bytes of
    its stack that the report misses}. Plain symbol names."""

    def __init__(self, data):
        self.data = data
        self.branches, self.taken, self.places, self.uncounted = {}, {}, {}, {}
        self.local = set()
        machine, = struct.unpack_from("<H", data, 18)
        offset, = struct.unpack_from("<Q", data, 40)
        size, count, names = struct.unpack_from("<HHH", data, 58)
        headers = [struct.unpack_from("<IIQQQQIIQQ", data, offset + i * size) for i in range(count)]
        strings = headers[names][4]
        self.names = [self.string(strings, h[0]) for h in headers]
        self.symbols = []
        for header in headers:
            if header[1] == SHT_SYMTAB:
                self.read_symbols(header, headers[header[6]][4])
        self.index_functions(headers)
        if machine == X86_64:
            self.find_uncounted(headers)
        for header in headers:
            if header[1] != SHT_RELA:
                continue
            where = headers[header[7]]
            if where[2] & SHF_ALLOC and self.names[header[7]] != ".eh_frame":
                self.read_relocations(header, header[7], where, machine)

    def string(self, table, offset):
        end = self.data.index(b"\0", table + offset)
        return self.data[table + offset:end].decode()

    def read_symbols(self, header, strings):
        for at in range(header[4], header[4] + header[5], 24):
            name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
            self.symbols.append((self.string(strings, name), info & 15, section, value, size))
            if info >> 4 == 0:
                self.local.add(self.symbols[-1][0])

    def index_functions(self, headers):
        """For every code section its functions, by their offsets."""
        self.functions = {}
        for name, kind, section, value, _ in self.symbols:
            if (kind == STT_FUNC and section < len(headers) and
                    headers[section][2] & SHF_EXECINSTR):
                self.functions.setdefault(section, []).append((value, name))
                self.places[name] = (self.names[section], value)
        for functions in self.functions.values():
            functions.sort()

    def find_uncounted(self, headers):
        for name, _, section, value, size in self.symbols:
            if name not in self.places:
                continue
            start = headers[section][4] + value
            code = self.data[start:start + size]
            aligned = [-int.from_bytes(one or four, "little", signed=True)
                       for one, four in REALIGN.findall(code)]
            self.uncounted[name] = max(aligned, default=16) - 16 + 8 * bool(PUSH_FLAGS.search(code))

    def function_at(self, section, offset):
        """The function that holds offset; the part that the compiler has put apart as unlikely
        belongs to the whole."""
        functions = self.functions.get(section)
        if not functions:
            return None
        at = bisect.bisect_right(functions, (offset, "\x7f")) - 1
        return functions[max(at, 0)][1].split(".cold")[0]

    def read_relocations(self, header, section, where, machine):
        code = where[2] & SHF_EXECINSTR
        for at in range(header[4], header[4] + header[5], 24):
            offset, info, addend = struct.unpack_from("<QQq", self.data, at)
            name, kind, target, value, _ = self.symbols[info >> 32]
            reloc = info & 0xffffffff
            branch, returns = self.branch(machine, reloc, where[4] + offset) if code else (0, 0)
            if kind == STT_SECTION:
                if machine == X86_64 and reloc in X86_PC_RELATIVE:
                    addend += 4
                if target not in self.functions:
                    continue
                exact = [n for v, n in self.functions[target] if v == addend]
                name = exact[0] if exact else None
            elif kind != STT_FUNC and target: # data
                continue
            source = self.function_at(section, offset) if code else None
            if not name or name.endswith(".cold"):
                continue
            if branch:
                calls = self.branches.setdefault(source, {})
                calls[name] = calls.get(name, False) or returns
            else:
                self.taken.setdefault(source, set()).add(name)

    def branch(self, machine, reloc, at):
        """Whether the relocation at at is a branch's, and whether that is a call."""
        if machine == AARCH64:
            return reloc == ARM64_CALL or reloc in ARM64_JUMPS, reloc == ARM64_CALL
        if reloc not in X86_PC_RELATIVE:
            return False, False
        before = self.data[at - 1]
        jump = before == 0xe9 or (before & 0xf0 == 0x80 and self.data[at - 2] == 0x0f)
        return before == 0xe8 or jump, before == 0xe8
