"""tests/net/wire.c asks a DNS server at the far end of the wire, which answers well, badly, and not at all."""

import socket
import struct

from .asked import ask, opened
from .wiring import ACK, FIN, MACHINE, MASK, PSH, RST, SYN, checksum, ip4, udp

SERVER = "10.0.2.3"
ARGS = f"vole.ip={MACHINE}/24,10.0.2.2,{SERVER}"
A, CNAME = 1, 5
PATIENCE_MS = 2000  # patience[0] in net/resolve.c
FOUND, NONE, AGAIN = b"0 1.2.3.4", b"-2", b"-3"
ADDRESS, WRONG = bytes([1, 2, 3, 4]), bytes([6, 6, 6, 6])


def packed(name):
    return b"".join(bytes([len(label)]) + label for label in name.split(b".")) + b"\0"


def record(name, data, kind=A):
    return name + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def answer(query, *records, flags=0x8180, ident=None, question=None):
    ident = query[:2] if ident is None else ident
    return (ident + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) +
            (question or query[12:]) + b"".join(records))


REFERENCE = b"\xc0\x0c"  # to the name in the question


class Server:
    """Answers by the first label of the name."""

    def __init__(self, wire):
        self.wire = wire
        self.asked = []         # labels, in queries by UDP
        self.by_tcp = 0
        wire.on_frame = self.on_frame

    def on_frame(self, frame):
        if frame[12:14] != b"\x08\0" or frame[30:34] != socket.inet_aton(SERVER):
            return False
        if frame[23] == 17 and frame[36:38] == b"\0\x35":
            query = frame[42:14 + struct.unpack("!H", frame[16:18])[0]]
            label = query[13:13 + query[12]].decode()
            self.asked.append(label)
            for data, source, port in self.answers(label, query):
                self.wire.send_ip(udp(port, struct.unpack("!H", frame[34:36])[0], data, source))
        elif frame[23] == 6 and frame[36:38] == b"\0\x35":
            self.on_segment(frame)
        return True

    def answers(self, label, query):
        """(message, address, port), one after the other."""
        good = answer(query, record(REFERENCE, ADDRESS))
        bad = answer(query, record(REFERENCE, WRONG))
        name, rest = query[12:-4], query[-4:]
        swapped = name.swapcase()
        target = packed(b"target.example")
        messages = {
            "good": [good],
            "case": [answer(query, record(swapped, ADDRESS), question=swapped + rest)],
            "fail": [answer(query, flags=0x8182)],
            "refused": [answer(query, flags=0x8185)],
            "missing": [answer(query, flags=0x8183)],
            "empty": [answer(query)],
            "ident": [answer(query, record(REFERENCE, WRONG),
                             ident=bytes([query[0] ^ 1, query[1]])), good],
            "question": [answer(query, record(REFERENCE, WRONG),
                                question=packed(b"another.example") + rest),
                         bad[:5], b"", good],
            "owner": [answer(query, record(packed(b"another.example"), WRONG),
                             record(REFERENCE, ADDRESS))],
            "stranger": [answer(query, record(packed(b"another.example"), WRONG))],
            "alias": [answer(query, record(target, ADDRESS),
                             record(REFERENCE, target, CNAME))],
            "circle": [answer(query, record(REFERENCE, REFERENCE, CNAME))],
            "itself": [answer(query, record(struct.pack("!H", 0xc000 + len(query)), WRONG))],
            "cut": [good[:-1]],
            "large": [answer(query, flags=0x8380)],
            "reset": [answer(query, flags=0x8380)],
        }.get(label, [])
        sent = [(message, SERVER, 53) for message in messages]
        if label == "elsewhere":
            sent = [(bad, SERVER, 54), (bad, "10.0.2.4", 53), (good, SERVER, 53)]
        return sent

    def on_segment(self, frame):
        """The server's side of TCP: a message in one segment is answered in two."""
        port, seq, ack = frame[34:36], *struct.unpack("!II", frame[38:46])
        flags = frame[47]
        data = frame[34 + (frame[46] >> 4) * 4:14 + struct.unpack("!H", frame[16:18])[0]]

        def say(flags, at, to, data=b""):
            segment = b"\0\x35" + port + struct.pack("!IIBBHHH", at & MASK, to & MASK, 5 << 4,
                                                    flags, 65535, 0, 0) + data
            pseudo = socket.inet_aton(SERVER) + socket.inet_aton(MACHINE) + struct.pack(
                "!HH", 6, len(segment))
            segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
            self.wire.send_ip(ip4(segment, 6, source=SERVER))

        if flags & RST:
            return
        if flags & SYN:
            say(SYN | ACK, 1000, seq + 1)
        elif data:
            self.by_tcp += 1
            query = data[2:]
            if query[13:13 + query[12]] == b"reset":
                say(RST | ACK, ack, seq + len(data))
                return
            message = answer(query, *[record(packed(b"another.example"), WRONG)] * 60,
                             record(REFERENCE, ADDRESS))
            message = struct.pack("!H", len(message)) + message
            say(ACK | PSH, ack, seq + len(data), message[:1])
            say(ACK | PSH, ack + 1, seq + len(data), message[1:1400])
            say(ACK | PSH, ack + 1400, seq + len(data), message[1400:])
        elif flags & FIN:
            say(FIN | ACK, ack, seq + 1)


def looked_up(text):
    """What the machine says that it has found, and whether it has been so quick that it has given up no answer: where
    one comes after that, which it does when the host stands still, the machine asks again."""
    found, _, took = text.partition(b" in ")
    return found, int(took.split()[0] if took else 0) < PATIENCE_MS


def all_are(wire, want, *labels):
    """The server that was asked; and those of the labels for which it has answered in time."""
    server, quick = Server(wire), set()
    for label in labels:
        got, in_time = looked_up(ask(wire, b"name " + label.encode() + b".example"))
        assert got == want, f"{label}: {got}"
        if in_time:
            quick.add(label)
    return server, quick


def found(wire):
    """an answer is taken from the server, whatever the case of its letters, and by aliases"""
    all_are(wire, FOUND, "good", "case", "owner", "alias")


def forged(wire):
    """an answer from another address or port, to another question or number, is not heard"""
    all_are(wire, FOUND, "elsewhere", "ident", "question")


def absent(wire):
    """a name without an address is told from a server that fails"""
    server, quick = all_are(wire, NONE, "missing", "empty", "stranger", "circle")
    assert server.asked.count("missing") == 1 or "missing" not in quick, "it is asked again"
    server, _ = all_are(wire, AGAIN, "fail", "refused", "itself", "cut")
    assert server.asked.count("fail") > 1, "it is asked once only"


def truncated(wire):
    """what is too long for a datagram is asked for by TCP"""
    server, quick = all_are(wire, FOUND, "large")
    assert server.by_tcp == 1 or not quick, f"{server.by_tcp} times by TCP"
    all_are(wire, AGAIN, "reset")


def silent(wire):
    """a server's silence is told, after it was asked some times"""
    def asked(frame):
        return frame[12:14] == b"\x08\0" and frame[30:34] == socket.inet_aton(SERVER) and b"\7silence" in frame

    waiting = opened(wire, b"name silence.example")
    assert wire.take(asked) and wire.take(asked), "it is asked once only"
    assert looked_up(waiting.hear())[0] == AGAIN


TESTS = (found, forged, absent, truncated)
WAITING = (silent,)  # at a wire without a server
