"""tests/net/wire.c by IPv6, on paths that take less than the wire."""

import struct
import time

from .asked import assert_answers, opened
from .wire import pattern
from .wiring import (ACK, FIN, FRAGMENT, ICMP6, LINK_LOCAL, RST, Connection6, checksum, fragments6, icmp6, ip6, meet,
                     said)


def too_big(wire, mtu):
    machine = wire.link_local()
    wire.send_ip(icmp6(2, struct.pack("!I", mtu) + ip6(b"", 17, LINK_LOCAL, machine), machine))


def small_path(wire):
    """a path that takes hardly any bytes, or more than the wire, is none"""
    meet(wire)
    for mtu in 48, 55, 0, 47, 1279, 0xffffffff:
        too_big(wire, mtu)
        wire.send_ip(icmp6(128, bytes(4) + b"p" * 1000, wire.link_local()))
        assert wire.take(said(129)), "no echo"
    for packet in fragments6(icmp6(128, bytes(4) + b"p" * 2000, wire.link_local())[40:], ICMP6, 1000,
                             target=wire.link_local()):
        wire.send_ip(packet)
    echo = wire.take(lambda f: f[12:14] == b"\x86\xdd" and f[20] in (FRAGMENT, ICMP6) and len(f) > 1000)
    assert echo and len(echo) <= 14 + 1500, f"an echo in frames of {len(echo or b'')} bytes"
    assert_answers(wire)


def sum_of_pseudo(c, segment):
    return struct.pack("!H", ~checksum(c.pseudo(segment)) & 0xffff)


def smaller_path(wire):
    """what was made for a larger path than there is goes in fragments, with the checksum that is right"""
    meet(wire)
    c = Connection6(wire)
    assert c.open(), "no connection"
    c.say(b"keep 6000\n")
    segment, n = c.segment()
    assert n == 1 and len(segment) > 1400, f"{len(segment)} bytes in {n} frames"
    assert segment[16:18] == sum_of_pseudo(c, segment), "the card does not make this checksum"
    too_big(wire, 1280)
    seen, start = b"", c.ack
    while len(seen) < 6000:
        segment, n = c.segment()
        assert segment, f"{len(seen)} bytes, and no more"
        if n == 1 and segment[16:18] == sum_of_pseudo(c, segment):
            continue  # it was sent before
        assert checksum(c.pseudo(segment) + segment) == 0, f"{len(segment)} bytes in {n} frames: a wrong sum"
        at = struct.unpack("!I", segment[4:8])[0] - start & 0xffffffff
        if at <= len(seen):
            seen = seen[:at] + segment[(segment[12] >> 4) * 4:]
            c.ack = start + len(seen) & 0xffffffff
            c.send(ACK)
    assert seen == pattern(6000), "other bytes"
    c.send(ACK | FIN)


def half_sent(wire):
    """a segment of which one fragment went out, and the next found no memory, comes again"""
    meet(wire)
    mtu = 1500
    for failing in range(1, 13):
        size = mtu - 60  # one segment, which does not wait for what is not acknowledged
        mtu -= 8
        others = [opened(wire, b"send 3000000", window=0) for _ in range(6)]
        c = Connection6(wire)
        assert c.open(), "no connection"
        c.say(b"short %d %d\n" % (size, failing))
        segment, _ = c.segment()
        assert len(segment) == 320, f"{len(segment)} bytes"
        too_big(wire, mtu)
        with wire.blocked:
            for other in others:
                other.send(ACK)
            time.sleep(0.3)  # until the card has no room
            c.say(b"x")
            time.sleep(0.1)
            c.ack = c.ack + 300 & 0xffffffff
            c.send(ACK)  # it is tried again, and nothing else is on its way
            time.sleep(0.1)
        for other in others:
            other.send(RST)
        while len(segment) < size:
            segment, _ = c.segment()
            assert segment, f"with allocation {failing} failing it does not come"
        c.send(RST)


TESTS = (small_path,)
WAITING = (smaller_path,)
OF_NO_MEMORY = (half_sent,)
