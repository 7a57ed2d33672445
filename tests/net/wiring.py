"""The far end of a machine's wire: Ethernet frames by QEMU's dgram netdev, and a TCP of our own."""

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
MORE = 0x2000  # in the field of an IPv4 fragment
DEVICES = {"x86_64": "virtio-net-pci,netdev=n,romfile=", "arm64": "virtio-net-device,netdev=n"}


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) & 1)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip4(payload, protocol, source=HOST, target=MACHINE, ident=None, fragment=0):
    """A packet; fragment: its offset in units of 8 bytes, and MORE."""
    ident = random.getrandbits(16) if ident is None else ident
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, fragment, 64,
                       protocol, 0, socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def fragments(payload, protocol, size):
    """The same in pieces of size bytes, which is a multiple of 8."""
    ident = random.getrandbits(16)
    return [ip4(payload[at:at + size], protocol, ident=ident,
                fragment=at // 8 | (MORE if at + size < len(payload) else 0))
            for at in range(0, len(payload), size)]


def udp(port, to, data, source=HOST, target=MACHINE):
    return ip4(struct.pack("!HHHH", port, to, 8 + len(data), 0) + data, 17, source, target)


class Wire:
    """A machine that runs an image, and frames to and from it. Use it in a with statement."""

    def __init__(self, case, image, args=f"vole.ip={MACHINE}/24,{HOST}", **options):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            self._machine = other.getsockname()
        end = "{}.type=inet,{}.host=127.0.0.1,{}.port={}"
        netdev = ",".join(end.format(*[side] * 3, port) for side, port in
                          (("local", self._machine[1]), ("remote", self._socket.getsockname()[1])))
        words, env = command(image, ARCH=case.arch, SMP=case.smp, ARGS=args, QEMU_EXTRA=(
            f"-global virtio-mmio.force-legacy=false -netdev dgram,id=n,{netdev} "
            f"-device {DEVICES[case.arch]}"), **options)
        self._console = tempfile.TemporaryFile()
        self.mac = b"\xff" * 6
        self.frames = []            # from the machine, that nobody has taken
        self.on_frame = lambda frame: False
        self._changed = threading.Condition()
        self._process = subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                         stdout=self._console, stderr=subprocess.STDOUT)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            try:
                frame = self._socket.recv(65536)
            except OSError:
                return
            if frame[12:14] == b"\x08\x06":
                self._answer_arp(frame)
            elif not self.on_frame(frame):
                with self._changed:
                    self.frames = self.frames[-5000:] + [frame]
                    self._changed.notify_all()

    def _answer_arp(self, frame):
        self.mac = frame[6:12]
        asked, asker = frame[38:42], frame[28:32]
        if frame[20:22] == b"\0\1" and asked not in (asker, socket.inet_aton(MACHINE)):
            self.send(b"\x08\x06", frame[14:20] + b"\0\2" + OUR_MAC + asked + frame[22:28] + asker)

    def send(self, kind, payload):
        try:
            self._socket.sendto(self.mac + OUR_MAC + kind + payload, self._machine)
        except OSError:
            pass  # it is not up yet, or no more

    def send_ip(self, packet):
        self.send(b"\x08\0", packet)

    def take(self, wanted, patience=PATIENCE):
        """The first frame for which wanted is true, or None."""
        end = time.monotonic() + patience
        with self._changed:
            while True:
                for i, frame in enumerate(self.frames):
                    if wanted(frame):
                        return self.frames.pop(i)
                left = end - time.monotonic()
                if left <= 0 or not self.alive():
                    return None
                self._changed.wait(min(left, 1))

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
        self._socket.close()
        self._console.close()


class Connection:
    """A TCP connection to port 80 of the machine, by hand."""

    def __init__(self, wire, port=None, seq=None):
        self.wire = wire
        self.port = port or random.randrange(1024, 65536)
        self.seq = random.getrandbits(32) if seq is None else seq
        self.ack = 0

    def send(self, flags, data=b"", *, at=0, window=65535, options=b"", ack=None, pieces=0):
        """A segment; at: so far from where it should be; pieces: in fragments of that many bytes.
        seq does not move."""
        options += b"\1" * (-len(options) % 4)
        ack = self.ack if ack is None else ack
        segment = struct.pack("!HHIIBBHHH", self.port, 80, self.seq + at & MASK, ack & MASK,
                              (5 + len(options) // 4) << 4, flags, window, 0, 0) + options + data
        pseudo = socket.inet_aton(HOST) + socket.inet_aton(MACHINE) + struct.pack(
            "!HH", 6, len(segment))
        segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
        for packet in fragments(segment, 6, pieces) if pieces else [ip4(segment, 6)]:
            self.wire.send_ip(packet)

    def mine(self, frame):
        return (len(frame) >= 54 and frame[12:14] == b"\x08\0" and frame[23] == 6 and
                frame[34:38] == struct.pack("!HH", 80, self.port))

    def open(self, patience=PATIENCE, options=b"\2\4\5\xb4", window=65535):
        """True when it is established; a SYN that is not answered is sent again."""
        end = time.monotonic() + patience
        while self.wire.alive() and time.monotonic() < end:
            self.send(SYN, options=options, window=window)
            frame = self.wire.take(lambda f: self.mine(f) and f[47] & (SYN | ACK) == SYN | ACK, 1)
            if frame:
                self.ack = struct.unpack("!I", frame[38:42])[0] + 1 & MASK
                self.seq = self.seq + 1 & MASK
                self.send(ACK, window=window)
                return True
        return False

    def say(self, data, **how):
        self.send(ACK | PSH, data, **how)
        self.seq = self.seq + len(data) & MASK

    def hear(self, patience=PATIENCE):
        """The next data, which is not acknowledged; b"": none."""
        frame = self.wire.take(lambda f: self.mine(f) and self._data(f), patience)
        return self._data(frame) if frame else b""

    @staticmethod
    def _data(frame):
        end = 14 + struct.unpack("!H", frame[16:18])[0]
        return frame[34 + (frame[46] >> 4) * 4:end]
