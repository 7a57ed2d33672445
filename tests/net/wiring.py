"""
The far end of a machine's wire: Ethernet frames by QEMU's stream netdev, and a TCP of our own. The wire
loses nothing, however slow the machine is: what it has no room for yet, its sender waits with.
"""

import bisect
import itertools
import json
import os
import random
import socket
import struct
import subprocess
import tempfile
import threading
import time

from harness.machine import ROOT, command

from .server import PATIENCE

MACHINE, HOST = "10.0.2.15", "10.0.2.2"
OUR_MAC = bytes.fromhex("02766f6c6501")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MASK = 0xffffffff
ARGS = f"vole.ip={MACHINE}/24,{HOST}"
KEPT = 5000  # frames that nobody has taken
MORE = 0x2000  # in the field of an IPv4 fragment
DEVICES = {"x86_64": "virtio-net-pci,netdev=n,romfile=", "arm64": "virtio-net-device,netdev=n"}


def checksum(data):
    """RFC 1071: a sum in which a carry comes in again at the other end is a remainder; 0 is that of nothing only."""
    number = int.from_bytes(data, "big") << 8 * (len(data) & 1)
    return 0xffff - (number % 0xffff or 0xffff * (number > 0))


def ip4(payload, protocol, source=HOST, target=MACHINE, ident=None, fragment=0):
    """A packet; fragment: its offset in units of 8 bytes, and MORE."""
    ident = random.getrandbits(16) if ident is None else ident
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, fragment, 64,
                       protocol, 0, socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def fragments(payload, protocol, size, target=MACHINE):
    """The same in pieces of size bytes, which is a multiple of 8."""
    ident = random.getrandbits(16)
    return [ip4(payload[at:at + size], protocol, target=target, ident=ident,
                fragment=at // 8 | (MORE if at + size < len(payload) else 0))
            for at in range(0, len(payload), size)]


def udp(port, to, data, source=HOST, target=MACHINE):
    return ip4(struct.pack("!HHHH", port, to, 8 + len(data), 0) + data, 17, source, target)


LINK_LOCAL = socket.inet_pton(socket.AF_INET6, "fe80::1:2:3")
ALL_NODES = socket.inet_pton(socket.AF_INET6, "ff02::1")
EXTENSIONS = HOP_BY_HOP, ROUTING, FRAGMENT, OPTIONS = 0, 43, 44, 60
ICMP6 = 58


def ip6(payload, protocol, target=ALL_NODES, source=LINK_LOCAL):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), protocol, 255, source, target) + payload


def icmp6(kind, body, target, source=LINK_LOCAL):
    """A message of ICMPv6, in its packet."""
    message = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = source + target + struct.pack("!IBBBB", len(message), 0, 0, 0, ICMP6)
    message = message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]
    return ip6(message, ICMP6, target, source)


def fragments6(payload, protocol, size, before=b"", first=FRAGMENT, target=ALL_NODES):
    """Packets with a payload in pieces of size bytes, which is a multiple of 8; before: headers, the first
    of which is of this kind."""
    ident = random.getrandbits(32)
    return [ip6(before + struct.pack("!BBHI", protocol, 0, at | (at + size < len(payload)), ident) +
                payload[at:at + size], first, target)
            for at in range(0, len(payload), size)]


class Wire:
    """A machine that runs an image, and frames to and from it. Use it in a with statement."""

    def __init__(self, case, image, args=ARGS, **options):
        self._folder = tempfile.TemporaryDirectory()
        path = os.path.join(self._folder.name, "wire")
        self._monitor = os.path.join(self._folder.name, "monitor")
        self._socket = None
        self.address = MACHINE
        self._ports = itertools.count(random.randrange(1024, 30000))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(1)
        self._listener.settimeout(PATIENCE)
        words, env = command(image, ARCH=case.arch, SMP=case.smp, ARGS=args, QEMU_EXTRA=(
            "-global virtio-mmio.force-legacy=false "
            f"-netdev stream,id=n,server=off,addr.type=unix,addr.path={path} "
            f"-qmp unix:{self._monitor},server=on,wait=off "
            f"-device {DEVICES[case.arch]}"), **options)
        self._console = tempfile.TemporaryFile()
        self.mac = b"\xff" * 6
        self.frames = []            # (number, frame), from the machine, that nobody has taken
        self.came = 0               # so many in all
        self.on_frame = lambda frame: False
        self.blocked = threading.Lock()  # who holds it has the machine's card wait with its frames
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._process = subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                         stdout=self._console, stderr=subprocess.STDOUT)
        try:
            self._socket, _ = self._listener.accept()
        except OSError:
            self.__exit__()
            raise
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        stream = self._socket.makefile("rb")
        try:
            while len(size := stream.read(4)) == 4:
                with self.blocked:
                    self._take_in(stream.read(struct.unpack("!I", size)[0]))
        except OSError:
            pass

    def _take_in(self, frame):
        if frame[12:14] == b"\x08\x06":
            self._answer_arp(frame)
        elif frame[12:14] == b"\x86\xdd" and frame[20] == ICMP6 and frame[54:55] == b"\x87" and \
                frame[62:78] == LINK_LOCAL:  # who is that?
            self.send_ip(icmp6(136, b"\x60\0\0\0" + LINK_LOCAL + b"\2\1" + OUR_MAC, frame[22:38]))
        elif not self.on_frame(frame):
            with self._changed:
                if len(self.frames) >= 2 * KEPT:
                    del self.frames[:KEPT]
                self.frames.append((self.came, frame))
                self.came += 1
                self._changed.notify_all()

    def _answer_arp(self, frame):
        self.mac = frame[6:12]
        asked, asker = frame[38:42], frame[28:32]
        if frame[20:22] == b"\0\1" and asked not in (asker, socket.inet_aton(self.address)):
            self.send(b"\x08\x06", frame[14:20] + b"\0\2" + OUR_MAC + asked + frame[22:28] + asker)

    def send(self, kind, payload):
        frame = self.mac + OUR_MAC + kind + payload
        try:
            with self._sending:
                self._socket.sendall(struct.pack("!I", len(frame)) + frame)
        except OSError:
            pass  # it is no more

    def send_ip(self, packet):
        self.send(b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd", packet)

    def link_local(self):
        """The machine's address that IPv6 makes of that of its card."""
        mac = bytes([self.mac[0] ^ 2]) + self.mac[1:]
        return LINK_LOCAL[:8] + mac[:3] + b"\xff\xfe" + mac[3:]

    def replug(self):
        """The cable is out and in again before the machine looks."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(self._monitor)
            answers = monitor.makefile("r")
            answers.readline()  # who it is
            for order, arguments in (("qmp_capabilities", {}), ("stop", {}),
                                     ("set_link", {"name": "n", "up": False}),
                                     ("set_link", {"name": "n", "up": True}), ("cont", {})):
                monitor.sendall(json.dumps({"execute": order, "arguments": arguments}).encode())
                while "return" not in (answer := json.loads(answers.readline())):
                    assert "error" not in answer, answer

    def take(self, wanted, patience=PATIENCE, seen=0):
        """The first frame for which wanted is true, of those behind the first ones, as many as are seen; or
        None. Others may take frames meanwhile."""
        end = time.monotonic() + patience
        with self._changed:
            while True:
                for i in range(bisect.bisect_left(self.frames, (seen,)), len(self.frames)):
                    if wanted(self.frames[i][1]):
                        return self.frames.pop(i)[1]
                seen = self.came
                left = end - time.monotonic()
                if left <= 0 or not self.alive():
                    return None
                self._changed.wait(min(left, 1))

    def port(self):
        """One that no connection has had: a SYN from the port of one that is open opens nothing."""
        return next(self._ports)

    def alive(self):
        return self._process.poll() is None

    def console(self):
        self._console.seek(0)
        return self._console.read().decode("utf-8", "replace")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._process.terminate()
        self._process.wait()
        if self._socket:
            self._socket.close()
        self._listener.close()
        self._console.close()
        self._folder.cleanup()


class Connection:
    """A TCP connection to a port of the machine, by hand."""

    head = 34  # of its segments, in a frame

    def __init__(self, wire, port=None, seq=None, to=80):
        self.wire = wire
        self.to = to
        self.port = port or wire.port()
        self.seq = random.getrandbits(32) if seq is None else seq
        self.ack = 0
        self.before = wire.came  # frames: none of these is ours

    def send(self, flags, data=b"", *, at=0, window=65535, options=b"", ack=None, pieces=0):
        """A segment; at: so far from where it should be; pieces: in fragments of that many bytes.
        seq does not move."""
        options += b"\1" * (-len(options) % 4)
        ack = self.ack if ack is None else ack
        segment = struct.pack("!HHIIBBHHH", self.port, self.to, self.seq + at & MASK, ack & MASK,
                              (5 + len(options) // 4) << 4, flags, window, 0, 0) + options + data
        segment = segment[:16] + struct.pack("!H", checksum(self.pseudo(segment) + segment)) + segment[18:]
        for packet in self.packets(segment, pieces):
            self.wire.send_ip(packet)

    def pseudo(self, segment):
        return socket.inet_aton(HOST) + socket.inet_aton(self.wire.address) + struct.pack(
            "!HH", 6, len(segment))

    def packets(self, segment, pieces):
        return fragments(segment, 6, pieces or 65528, self.wire.address)

    def mine(self, frame):
        return (len(frame) >= 54 and frame[12:14] == b"\x08\0" and frame[23] == 6 and
                frame[34:38] == struct.pack("!HH", self.to, self.port))

    def open(self, patience=PATIENCE, options=b"\2\4\5\xb4", window=65535):
        """True when it is established; a SYN that is not answered is sent again."""
        end = time.monotonic() + patience
        flags = self.head + 13
        while self.wire.alive() and time.monotonic() < end:
            self.send(SYN, options=options, window=window)
            frame = self.wire.take(lambda f: self.mine(f) and f[flags] & (SYN | ACK) == SYN | ACK, 1,
                                   self.before)
            if frame:
                self.ack = struct.unpack("!I", frame[self.head + 4:self.head + 8])[0] + 1 & MASK
                self.seq = self.seq + 1 & MASK
                self.send(ACK, window=window)
                return True
        return False

    def say(self, data, **how):
        self.send(ACK | PSH, data, **how)
        self.seq = self.seq + len(data) & MASK

    def hear(self, patience=PATIENCE):
        """The next data, which is not acknowledged; b"": none."""
        frame = self.wire.take(lambda f: self.mine(f) and self.data(f), patience, self.before)
        return self.data(frame) if frame else b""

    @staticmethod
    def data(frame):
        end = 14 + struct.unpack("!H", frame[16:18])[0]
        return frame[34 + (frame[46] >> 4) * 4:end]


class Connection6(Connection):
    """The same by IPv6, from our link-local address to the machine's."""

    head = 54

    def pseudo(self, segment):
        return LINK_LOCAL + self.wire.link_local() + struct.pack("!IBBBB", len(segment), 0, 0, 0, 6)

    def packets(self, segment, pieces):
        return (fragments6(segment, 6, pieces, target=self.wire.link_local()) if pieces else
                [ip6(segment, 6, self.wire.link_local())])

    def mine(self, frame):
        return (len(frame) >= 74 and frame[12:14] == b"\x86\xdd" and frame[20] == 6 and
                frame[54:58] == struct.pack("!HH", self.to, self.port))

    def segment(self, patience=PATIENCE):
        """The next with data, put together if it came in fragments, and into how many; b"": none."""
        end = time.monotonic() + patience
        parts = {}  # by number: by offset
        while frame := self.wire.take(
                lambda f: self.mine(f) or (f[12:14] == b"\x86\xdd" and f[20] == FRAGMENT and f[54] == 6),
                max(end - time.monotonic(), 0)):
            packet = frame[14:54 + struct.unpack("!H", frame[18:20])[0]]
            if packet[6] == 6:
                if len(packet) > 40 + (packet[52] >> 4) * 4:
                    return packet[40:], 1
                continue
            offset, ident = struct.unpack("!HI", packet[42:48])
            pieces = parts.setdefault(ident, {})
            pieces[offset & ~1] = packet[48:], offset & 1
            whole = b""
            while piece := pieces.get(len(whole)):
                whole += piece[0]
                if not piece[1]:
                    return whole, len(pieces)
        return b"", 0

    @staticmethod
    def data(frame):
        end = 54 + struct.unpack("!H", frame[18:20])[0]
        return frame[54 + (frame[66] >> 4) * 4:end]


def meet(wire):
    """Waits until the machine has its address of IPv6, and knows ours."""
    ask_who = icmp6(135, bytes(4) + wire.link_local() + b"\1\1" + OUR_MAC, wire.link_local())
    end = time.monotonic() + PATIENCE
    while not (wire.send_ip(ask_who) or wire.take(said(136), 0.5)):
        assert time.monotonic() < end, "it has no address"


def said(kind):
    return lambda f: f[12:14] == b"\x86\xdd" and f[20] == ICMP6 and f[54] == kind
