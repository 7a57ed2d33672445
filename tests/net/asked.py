"""What tests/net/wire.c is asked to do, on connections by hand."""

import struct
import time

from .server import PATIENCE
from .wiring import RST, Connection


def ask(wire, order, patience=PATIENCE):
    """The first answer to an order on a connection of its own; b"": there is none."""
    connection = Connection(wire)
    if not connection.open(patience):
        return b""
    connection.say(order + b"\n")
    answer = connection.hear(patience)
    connection.send(RST)
    return answer


def until_busy(wire, n):
    """Waits until so many connections have an order that goes on."""
    end = time.monotonic() + PATIENCE
    while (busy := int(ask(wire, b"busy 0") or -1)) != n:
        assert time.monotonic() < end, f"{busy} connections have an order that goes on, not {n}"


def assert_answers(wire, patience=PATIENCE):
    assert ask(wire, b"? 0", patience) == b"!", "it answers no more"


def opened(wire, order, **how):
    connection = Connection(wire)
    assert connection.open(**how), "no connection"
    connection.say(order + b"\n", window=how.get("window", 65535))
    return connection


class Ticks:
    """The time of a machine with one core, in 20 ms: by what it does, so that time in which it stands still is none.
    It says when frames come that are watched for: (ticks before it, frame). Use it in a with statement."""
    PORT = 7779

    def __init__(self, wire, watched):
        self.wire, self._watched = wire, watched
        self.ticks, self._seen = 0, []
        wire.on_frame = self._on_frame
        self._connection = opened(wire, b"tick %d" % self.PORT)

    def _on_frame(self, frame):
        if frame[12:14] == b"\x08\0" and frame[23] == 17 and frame[36:38] == struct.pack("!H", self.PORT):
            self.ticks += 1
            return True
        if self._watched(frame):
            self._seen.append((self.ticks, frame))
        return False

    def between(self, begin):
        """How many there are between the first two of these frames that come when begin is called, and the second of
        them; None: there are not two."""
        start, end = len(self._seen), time.monotonic() + PATIENCE
        begin()
        while len(self._seen) < start + 2 and time.monotonic() < end:
            time.sleep(0.05)
        seen = self._seen[start:start + 2]
        return (seen[1][0] - seen[0][0], seen[1][1]) if len(seen) == 2 else None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.wire.on_frame = lambda frame: False
        self._connection.send(RST)
