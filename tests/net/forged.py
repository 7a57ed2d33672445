"""tests/net/wire.c with a peer that forges, floods and does not answer, at the far end of the wire."""

import random
import re
import socket
import struct
import threading
import time

from .asked import Ticks, ask, assert_answers, opened, until_busy
from .server import PATIENCE
from .wire import pattern
from .wiring import ACK, FIN, FRAGMENT, MASK, OPTIONS, PSH, RST, SYN, Connection, fragments6, udp

DISCOVER, OFFER, REQUEST, ACKNOWLEDGE, NAK = 1, 2, 3, 5, 6  # RFC 2132, 9.6


def tries_again(wire):
    """a SYN that is not answered comes again after a second of the machine's own time"""
    with Ticks(wire, lambda f: f[12:14] == b"\x08\0" and f[23] == 6 and f[36:38] == struct.pack("!H", 7778)) as ticks:
        found = ticks.between(lambda: opened(wire, b"dial 7778"))
    assert found, "it does not"
    assert found[0] < 100, f"after {found[0]} times 20 ms"


def far(wire):
    """data far from the window is dropped"""
    for at in 0x80000000, 0x7fffffff, 0x80000001, 0x40000000, 0xc0000000, 0xffff0000, 0x10000:
        for data in b"x", b"xy", b"x" * 1000:
            opened(wire, b"count 0").send(ACK | PSH, data, at=at)
    assert_answers(wire)


def smaller(wire):
    """a maximum segment size comes with a SYN only"""
    for size in 1, 64, 100, 536:
        c = opened(wire, b"send 3000000")
        for _ in range(20):
            c.ack = c.ack + len(c.hear()) & 0xffffffff
            c.send(ACK, options=struct.pack("!BBH", 2, 4, size))
        while data := c.hear(0.1):  # all that is on its way; then a window for the probes
            c.ack = c.ack + len(data) & 0xffffffff
        c.send(ACK, options=struct.pack("!BBH", 2, 4, size), window=size + 50)
    time.sleep(2)  # lwIP probes the window
    assert_answers(wire)


def windows(wire):
    """a window that was closed, and then is small"""
    for window in 0, 1, 3, 20, 200:
        c = opened(wire, b"drip 1000", window=0)
        for _ in range(10):
            data = c.hear(0.1)
            c.ack = c.ack + len(data) & 0xffffffff
            c.send(ACK, window=window)
            window += 1
    assert_answers(wire)


def smallest(wire):
    """a maximum segment size of 1 gets its data"""
    assert opened(wire, b"send 3000", options=b"\2\4\0\1").hear(), "nothing"


def smallest_of_server(wire):
    """a server with a maximum segment size of 1 gets its data"""
    opened(wire, b"dial 7777")
    frame = wire.take(lambda f: f[12:14] == b"\x08\0" and f[23] == 6 and
                      f[36:38] == struct.pack("!H", 7777))
    port, _, seq = struct.unpack("!HHI", frame[34:42])
    c = Connection(wire, 7777, to=port)
    c.ack = seq + 1 & 0xffffffff
    c.send(SYN | ACK, options=b"\2\4\0\1")
    c.seq += 1
    c.say(100 * b"echo")
    assert c.hear(), "nothing"


def in_fragments(wire):
    """a segment whose header comes in a fragment of its own"""
    for size in 24, 32:
        c = Connection(wire)
        assert c.open(), "no connection"
        c.say(b"? 0\n", options=b"\1\1\1\1", pieces=size)
        assert c.hear() == b"!", f"no answer to fragments of {size} bytes"


def nearly_full(wire, left):
    """A connection whose window, which nobody reads, has so many bytes left."""
    c = opened(wire, b"hold 0")
    missing = 65535 - left - len(b"hold 0\n")
    while missing:
        piece = min(missing, 1000)
        c.say(b"n" * piece)
        missing -= piece
    assert wire.take(lambda f: c.mine(f) and f[42:46] == struct.pack("!I", c.seq)), "it takes less"
    return c


def past_window(wire):
    """what comes out of order and ends behind the window is dropped"""
    c = nearly_full(wire, 1300)
    c.send(ACK, b"w" * 1400, at=1000)
    c.send(ACK, b"w" * 1000, at=0)
    assert_answers(wire)


def past_end(wire):
    """what is behind the end of all is dropped"""
    for size in 1300, 1200:
        c = nearly_full(wire, 1300)
        c.send(ACK | FIN, at=100)
        c.send(ACK, b"e" * size, at=1300 - size)
        c.send(ACK, b"e" * size, at=0)
        assert_answers(wire)


def acknowledged_late(wire):
    """a window is closed under what was sent, all of which is acknowledged then"""
    c = opened(wire, b"keep 1000")
    assert c.hear(), "nothing"
    c.say(b"x", window=0)
    while (data := c.hear()) and len(data) > 1:  # until it probes
        pass
    c.ack += 1000
    c.send(ACK, window=0)
    time.sleep(1)  # lwIP looks at its timers
    assert_answers(wire)


def backlog(wire):
    """a listener takes some connections more than it asks for; those that were reset count"""
    c = opened(wire, b"listen 81")
    assert c.hear() == b"!"
    taken = 0
    for _ in range(30):
        other = Connection(wire, to=81)
        other.send(SYN)
        assert_answers(wire)  # before that it would have answered the other
        frame = wire.take(other.mine, 0)
        if frame:
            other.ack = struct.unpack("!I", frame[38:42])[0] + 1
            other.seq += 1
            other.send(ACK)
            other.send(RST)
            taken += 1
    c.send(ACK | FIN)
    assert 8 <= taken <= 16, f"{taken} of 30"


def timed_out(wire):
    """who waits without a limit is told when the other end does not answer any more"""
    for order in b"alive 0", b"stuck 0":
        opened(wire, order)
        said = ask(wire, b"last 0")
        assert b"timed out" in said.lower(), f"{order}: {said}"


def last_lost(wire):
    """the last segment comes again, though nothing else happens"""
    c = opened(wire, b"keep 600")
    assert c.hear(), "nothing"
    for times in range(3):  # whatever else the machine may have sent meanwhile
        assert c.hear(), f"it is sent again {times} times"


def patient(wire):
    """acknowledgements of what was sent again make no retransmission wait for longer"""
    c = Connection(wire)
    with Ticks(wire, lambda f: c.mine(f) and c.data(f) and struct.unpack("!I", f[38:42])[0] == c.ack) as ticks:
        assert c.open(options=b"\2\4\2\0"), "no connection"

        def again(hold, ask=lambda: c.send(ACK)):
            """What is not acknowledged, lost: the ticks until it comes again. It is acknowledged after a while."""
            found = ticks.between(ask)
            assert found, "it does not come again"
            time.sleep(hold)
            c.ack = c.ack + len(c.data(found[1])) & MASK
            return found[0]

        first = again(1.2, lambda: c.say(b"send 20000\n"))
        again(1.2)
        again(2)
        last = again(0)
    assert last < 125, f"after {last} times 20 ms, at first after {first} times"


def in_pieces(wire):
    """IPv6 in pieces that are too many, and with a piece inside of pieces"""
    for size in 65535, 65527, 65500, 65496, 65495:
        for packet in fragments6(struct.pack("!HHHH", 9, 9, 0, 0) + bytes(size - 8), 17, 1440):
            wire.send_ip(packet)
    inner = struct.pack("!BBHI", 17, 0, 8 | 1, 7) + bytes(40)
    options = struct.pack("!BBBBI", FRAGMENT, 0, 1, 4, 0)
    for data, protocol in (inner, FRAGMENT), (options + inner, OPTIONS):
        for packets in fragments6(data, protocol, 24), fragments6(data, protocol, 24)[::-1]:
            for packet in packets:
                wire.send_ip(packet)
    for packet in fragments6(inner, FRAGMENT, 24, options, OPTIONS):
        wire.send_ip(packet)
    assert_answers(wire)


def out_of_order(wire):
    """what comes out of order is bounded"""
    before = int(ask(wire, b"free 0"))
    for _ in range(6):
        c = opened(wire, b"count 0", options=b"\2\4\5\xb4\3\3\7")
        for i in range(6000):
            c.send(ACK, b"o", at=60000 - 2 * i)
    assert_answers(wire)
    after = int(ask(wire, b"free 0"))
    assert before - after < 4 << 20, f"{before} bytes were free, {after} are"


def given_back(wire):
    """what came out of order goes with its socket, though the connection is there still"""
    def hold(pieces):
        """Bytes that connections took, each with so many pieces."""
        before = int(ask(wire, b"free 0"))
        for _ in range(40):
            c = opened(wire, b"hold 0", options=b"\2\4\5\xb4\3\3\7")
            for i in range(pieces):
                c.send(ACK, b"g", at=60000 - 2 * i)
        return before - int(ask(wire, b"free 0"))

    hold(0)
    assert ask(wire, b"let 0") == b"!"
    before = int(ask(wire, b"free 0"))  # with what so many leave behind
    taken = hold(100)
    assert taken > 1 << 18, f"{taken} bytes only"
    assert ask(wire, b"let 0") == b"!"
    end = time.monotonic() + PATIENCE
    while (left := before - int(ask(wire, b"free 0"))) > taken // 2:
        assert time.monotonic() < end, f"{left} of {taken} bytes are not back"


def unread(wire):
    """clients whose data nobody reads keep out nobody else"""
    for _ in range(400):
        c = opened(wire, b"hold 0", options=b"\2\4\5\xb4\3\3\7")
        for _ in range(80):
            c.say(b"h" * 1460)
    assert_answers(wire)
    assert ask(wire, b"let 0") == b"!"


def deaf(wire):
    """what waits for clients that take nothing has a bound, and keeps out nobody else"""
    for _ in range(450):
        opened(wire, b"send 3000000", window=1000)
    assert_answers(wire)
    left = int(ask(wire, b"free 0"))
    assert left > 4 << 20, f"{left} bytes are left"


def flood(wire):
    """beside a flood of SYNs others get in"""
    over = threading.Event()

    def go_on():
        for _ in range(10000):
            if over.is_set():
                return
            Connection(wire).send(SYN)
            time.sleep(0.002)
        over.set()

    for _ in range(3000):
        Connection(wire).send(SYN)
    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        assert_answers(wire)
        assert not over.is_set(), "it answers only when the flood is over"
    finally:
        over.set()
        thread.join()


def takes(wire, dice, size):
    """What of size bytes comes, though the fifth part of the frames of both sides is lost."""
    c = opened(wire, b"send %d" % size)
    start, parts, data = c.ack, {}, b""
    while len(data) < size and (frame := wire.take(lambda f: c.mine(f) and c.data(f), PATIENCE)):
        if dice.random() < 0.2:
            continue
        at = struct.unpack("!I", frame[38:42])[0] - start & MASK
        parts[at] = max(parts.get(at, b""), c.data(frame), key=len)
        while (part := parts.pop(len(data), None)):
            data += part
        c.ack = start + len(data) & MASK
        if dice.random() < 0.8:
            c.send(ACK)
    c.send(RST)
    return data


def gives(wire, dice, size):
    """What the machine says of size bytes, though the fifth part of the frames of both sides is lost."""
    c = opened(wire, b"count 0")
    data, start, at, answer = pattern(size), c.seq, 0, b""
    end = time.monotonic() + 3 * PATIENCE

    def say(flags, at, data=b""):
        if dice.random() < 0.8:
            c.send(flags, data, at=at)

    while not answer and time.monotonic() < end:
        for piece in range(at, min(at + 8 * 1000, size), 1000):
            say(ACK, piece, data[piece:piece + 1000])
        if at + 8 * 1000 >= size:
            say(ACK | FIN, size)
        while not answer and (frame := wire.take(c.mine, 0.2)):
            if dice.random() < 0.8:
                at = max(at, min(struct.unpack("!I", frame[42:46])[0] - start & MASK, size))
                answer = c.data(frame)
    c.send(RST)
    return answer


def lossy(wire, size, seed):
    dice = random.Random(seed)
    data = takes(wire, dice, size)
    assert data == pattern(size), f"{len(data)} bytes, or others"
    answer = gives(wire, dice, size)
    assert answer == str(size).encode(), f"{answer} of {size} bytes are right"


def lost(wire):
    """a wire that loses every fifth frame is no end of a connection"""
    lossy(wire, 15000, 47)


def lost_at_random(wire):
    """the same, whichever are lost"""
    seed = random.getrandbits(32)
    print(f"# lost frames: seed {seed}", flush=True)
    for i in range(5):
        lossy(wire, 40000, seed + i)


def counted(wire):
    """what was dropped is counted in the log, by its reason"""
    lines = re.findall("^vole: network: (dropped .*)", wire.console(), re.M)
    assert lines, "the log has no counts"
    counts = dict(re.findall(r"(\w+) (\d+)\b", lines[-1]))
    for reason in "flags", "sequence", "memory", "backlog", "open", "fragments":
        assert int(counts[reason]) > 0, lines[-1]


def again(wire):
    """a SYN from the port of a connection in TIME-WAIT is answered at once"""
    first = opened(wire, b"? 0")
    frame = wire.take(lambda f: first.mine(f) and first.data(f))
    assert frame and first.data(frame) == b"!"
    assert frame[47] & FIN or wire.take(lambda f: first.mine(f) and f[47] & FIN), "no end"
    first.ack += 2  # its answer and its end
    first.send(ACK | FIN)
    first.seq += 1
    first.wire.take(lambda f: first.mine(f) and not f[47] & FIN, 2)
    second = Connection(wire, first.port, first.seq + 100000)
    second.send(SYN)
    assert wire.take(lambda f: second.mine(f) and f[47] & (SYN | ACK) == SYN | ACK, PATIENCE), \
        "it is not"


def serve_addresses(wire, decide):
    """Answers DHCP: decide gets the kind of a message and the address that is asked for, and says the
    kind of the answer."""
    def answer(frame):
        if frame[12:14] != b"\x08\0" or frame[23] != 17 or frame[36:38] != b"\0\x43":
            return False
        request = frame[42:]
        wanted = request[242:].partition(b"\x32\4")[2][:4]
        reply = (b"\2" + request[1:16] + socket.inet_aton(wire.address) + bytes([10, 0, 2, 2]) +
                 request[24:236] + bytes.fromhex("63825363") + b"\x35\1" +
                 bytes([decide(request[242], wanted)]) + b"\x36\4" + bytes([10, 0, 2, 2]) +
                 b"\x33\4\0\0\1\0" + b"\1\4\xff\xff\xff\0" + b"\xff")
        wire.mac = frame[6:12]
        wire.send_ip(udp(67, 68, reply, target="255.255.255.255"))
        return True

    wire.on_frame = answer


def refusing(wire):
    """a DHCP server that refuses what it offers is not asked in a storm"""
    asked = []

    def decide(kind, _):
        asked.append(kind)
        return OFFER if kind == DISCOVER else NAK

    serve_addresses(wire, decide)
    end = time.monotonic() + PATIENCE
    while REQUEST not in asked and time.monotonic() < end:
        time.sleep(0.01)
    assert REQUEST in asked, "no request"
    time.sleep(3)
    assert len(asked) < 50, f"{len(asked)} messages in three seconds"


def moved(wire):
    """who waits on a connection hears that the machine has another address now"""
    def decide(kind, wanted):
        return (OFFER if kind == DISCOVER else
                ACKNOWLEDGE if wanted == socket.inet_aton(wire.address) else NAK)

    serve_addresses(wire, decide)
    assert_answers(wire)
    for i in range(60):
        opened(wire, b"send 3000000" if i % 3 == 0 else b"count 0")
    until_busy(wire, 60)
    wire.address = "10.0.2.77"
    wire.replug()
    assert_answers(wire)
    until_busy(wire, 0)


# Each waits for the machine's timers, on connections of its own: at the same time.
WAITING = (smaller, windows, acknowledged_late, timed_out)
TESTS = (far, smallest, smallest_of_server, in_fragments, past_window, past_end, in_pieces, again,
         given_back, lost, backlog, out_of_order, unread, flood, deaf)
OF_SILENCE = (last_lost,)
OF_TIME = (tries_again, patient)  # on one core
LONG = (lost_at_random,)
OF_ADDRESSES = (refusing, moved)
