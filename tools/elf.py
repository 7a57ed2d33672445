"""An image of Vole, or any 64-bit ELF that the linker has made: its symbols, and what it loads."""

import bisect
import struct


class Failure(Exception):
    """Something to tell the user."""


def one_line(data):
    """What a program has as a name, up to its end: any bytes, and what is read may be lines, or XML."""
    text = data.partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)


class Elf:
    """The symbols of an image, and what its file says is in memory at the start."""

    def __init__(self, path):
        try:
            with open(path, "rb") as file:
                self.data = file.read()
        except OSError as error:
            raise Failure(f"{path}: {error.strerror}") from None
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise Failure(f"{path}: not a 64-bit ELF")
        self.path = path
        self.machine = struct.unpack_from("<H", self.data, 18)[0]
        programs, sections = struct.unpack_from("<QQ", self.data, 32)
        size, count, section_size, section_count = struct.unpack_from("<4H", self.data, 54)
        heads = [struct.unpack_from("<II6Q", self.data, programs + i * size) for i in range(count)]
        parts = [head for head in heads if head[0] == 1] # PT_LOAD
        self.loaded = [(head[3], head[2], head[5]) for head in parts]
        self.placed = [(head[3], head[4], head[6]) for head in parts]
        text = [(head[3], head[3] + head[6]) for head in parts if head[1] & 1]
        self.text = min(begin for begin, _ in text), max(end for _, end in text) # what is executed
        heads = [struct.unpack_from("<IIQQQQII", self.data, sections + i * section_size)
                 for i in range(section_count)]
        self.symbols, self.functions, self.starts = {}, {}, []
        for head in heads:
            if head[1] == 2: # SHT_SYMTAB
                self.read_symbols(head, heads[head[6]])

    def read_symbols(self, head, strings):
        names = self.data[strings[4]:strings[4] + strings[5]]
        table = self.data[head[4]:head[4] + head[5]]
        for name, info, _, section, value, size in struct.iter_unpack("<IBBHQQ", table):
            if not section or info & 15 > 2: # not defined here; neither data nor code
                continue
            text = names[name:names.index(b"\0", name)].decode("utf-8", "replace")
            if text not in self.symbols or info >> 4: # what is global comes first
                self.symbols[text] = value, size
            if info & 15 == 2 or info == 0x10: # a function, or global and of no type: not labels inside of one
                self.functions.setdefault(value, text)

    def address(self, symbol):
        try:
            return self.symbols[symbol][0]
        except KeyError:
            raise Failure(f"{self.path}: no symbol {symbol}: not an image of Vole, or an old one") from None

    def is_simulated(self):
        """Of ARCH=sim: its coroutines are switched by arch/sim."""
        return "sim_switch" in self.symbols

    def physical(self, address):
        """Where a machine's loader puts it."""
        for virtual, physical, size in self.placed:
            if virtual <= address < virtual + size:
                return address - virtual + physical
        raise Failure(f"{self.path}: nothing at {address:#x}")

    def function_at(self, address):
        """The name of the function that address is in."""
        if not self.starts:
            self.starts = sorted(self.functions)
        i = bisect.bisect_right(self.starts, address)
        return self.functions[self.starts[i - 1]] if i else f"{address:#x}"

    def read(self, address, size):
        """Of what the file itself holds."""
        for start, offset, length in self.loaded:
            if start <= address and address + size <= start + length:
                return self.data[offset + address - start:offset + address - start + size]
        raise Failure(f"{self.path}: nothing at {address:#x}")

    def string(self, address):
        for start, offset, length in self.loaded:
            if start <= address < start + length:
                at = offset + address - start
                return one_line(self.data[at:self.data.index(b"\0", at)])
        return ""

    def strings(self, symbol, count=None):
        """Of an array of pointers to them."""
        count = count or self.symbols[symbol][1] // 8
        pointers = struct.unpack(f"<{count}Q", self.read(self.address(symbol), 8 * count))
        return [self.string(pointer) if pointer else "" for pointer in pointers]
