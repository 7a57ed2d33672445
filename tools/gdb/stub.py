"""The GDB Remote Serial Protocol ("Debugging with GDB", appendix E), and QEMU's end of it."""

import re
import socket

from kernel import Failure
from registers import described

CHUNK = 0x700 # bytes of memory that QEMU gives in one packet
BREAK = b"\x03"


class Gone(Exception):
    """The other end has closed."""


class Wire:
    """Packets over a socket."""

    def __init__(self, sock):
        self.sock, self.buffer, self.acks, self.owed = sock, b"", True, False

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode("latin-1")
        packet = b"$%s#%02x" % (data, sum(data) & 255)
        try:
            self.sock.sendall(b"+" * self.owed + packet)
        except OSError:
            raise Gone from None
        self.owed = False

    def more(self):
        try:
            data = self.sock.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            raise Gone
        self.buffer += data

    def next(self):
        """A packet's bytes, BREAK, or None: nothing whole is there yet."""
        while True:
            self.buffer = self.buffer.lstrip(b"+-")
            if self.buffer[:1] == BREAK:
                self.buffer = self.buffer[1:]
                return BREAK
            end = self.buffer.find(b"#")
            if not self.buffer or end < 0 or len(self.buffer) < end + 3:
                return None
            data, self.buffer = self.buffer[:end], self.buffer[end + 3:]
            self.owed = self.acks
            return data[1:]

    def packet(self):
        while True:
            data = self.next()
            if data is not None:
                return data
            self.more()

    def acknowledge(self):
        if self.owed:
            self.owed = False
            try:
                self.sock.sendall(b"+")
            except OSError:
                raise Gone from None


def unescaped(data):
    """Of binary data: } and * are not as they are."""
    out, i = bytearray(), 0
    while i < len(data):
        if data[i] == 0x7d: # }
            i += 1
            out.append(data[i] ^ 0x20)
        elif data[i] == 0x2a: # *, and how often more
            i += 1
            out += out[-1:] * (data[i] - 29)
        else:
            out.append(data[i])
        i += 1
    return bytes(out)


def escaped(text):
    return re.sub(rb"[#$}*]", lambda found: b"}" + bytes([found[0][0] ^ 0x20]), text)


class Stub:
    """QEMU's end, while the machine stands."""

    ended, stopped = False, None # of a core file, it has, and who panicked

    def __init__(self, wire):
        self.wire, self.selected = wire, None
        self.ask("qSupported:qXfer:features:read+")
        self.cpus = []
        reply = self.ask("qfThreadInfo")
        while reply[:1] == "m":
            self.cpus += [int(text, 16) for text in reply[1:].split(",")]
            reply = self.ask("qsThreadInfo")
        self.registers = described(self.annex)
        self.number = {register.name: number for number, register in self.registers.items()}

    def ask(self, text):
        self.wire.send(text)
        reply = self.wire.packet().decode("latin-1")
        if reply[:1] in ("W", "X"): # the machine has ended meanwhile
            raise Gone
        return reply

    def annex(self, name):
        text, reply = b"", b"m"
        while reply[:1] == b"m":
            self.wire.send(f"qXfer:features:read:{name}:{len(text):x},7f0")
            reply = self.wire.packet()
            text += unescaped(reply[1:])
        return text.decode()

    def select(self, cpu):
        if cpu != self.selected:
            self.ask(f"Hg{cpu:x}")
            self.selected = cpu

    def register(self, cpu, name):
        self.select(cpu)
        reply = self.ask(f"p{self.number[name]:x}")
        return int.from_bytes(bytes.fromhex(reply), "little") if reply[:1] != "E" else 0

    def read(self, address, size):
        """Raises OSError. All cores see the same memory; the first is the first that sees it."""
        data = b""
        self.select(self.cpus[0])
        while len(data) < size:
            reply = self.ask(f"m{address + len(data):x},{min(CHUNK, size - len(data)):x}")
            if reply[:1] in ("E", ""):
                if data:
                    break
                raise OSError(address)
            data += bytes.fromhex(reply)
        return data

    def read_whole(self, address, size):
        data = self.read(address, size)
        if len(data) < size:
            raise OSError(address)
        return data

    def write(self, address, data):
        self.select(self.cpus[0])
        return self.ask(f"M{address:x},{len(data):x}:{data.hex()}")


def address_of(text):
    return (socket.AF_INET, ("127.0.0.1", int(text))) if text.isdigit() else (socket.AF_UNIX, text)


def listen(text):
    family, address = address_of(text)
    server = socket.socket(family)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
        server.listen(1)
    except OSError as error:
        raise Failure(f"{text}: {error.strerror}") from None
    return server


def connect(text):
    family, address = address_of(text)
    sock = socket.socket(family)
    try:
        sock.connect(address)
    except OSError as error:
        raise Failure(f"{text}: {error.strerror}: no stub of QEMU is there") from None
    return sock


def quick(sock):
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
