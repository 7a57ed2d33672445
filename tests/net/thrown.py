"""tests/net/wire.c with a peer that sends what is wrong at random."""

import random
import socket
import struct

from .asked import assert_answers, opened
from .wiring import (ACK, ALL_NODES, EXTENSIONS, FIN, HOST, ICMP6, LINK_LOCAL, MACHINE, OUR_MAC, PSH, RST, SYN,
                     checksum, fragments, fragments6, icmp6, ip4, ip6, meet, udp)

ARP, IP, IP6 = b"\x08\x06", b"\x08\0", b"\x86\xdd"


def throw(wire, dice, count):
    """Segments that are wrong at random."""
    connections = []
    for i in range(count):
        if i % 100 == 0:
            connections = [opened(wire, dice.choice((b"send 50000", b"count 0")))
                           for _ in range(3)]
        c = dice.choice(connections)
        at = dice.choice((0, 0, 1, -1, 100, 60000, 131071, -65534, -65535, dice.getrandbits(32)))
        options = dice.choice((b"", b"", dice.randbytes(dice.randrange(40)),
                               b"\2\4" + dice.randbytes(2), b"\3\3" + dice.randbytes(1)))
        c.send(dice.choice((ACK, ACK, ACK, ACK | PSH, ACK | FIN, SYN, SYN | ACK, FIN, 0,
                            dice.getrandbits(6) & ~RST)),
               dice.randbytes(dice.choice((0, 0, 1, 2, 100, 1400))), at=at, options=options[:40],
               window=dice.choice((0, 1, 20, 1000, 65535)),
               ack=c.ack + dice.choice((0, 0, 1, 1460, -1, dice.getrandbits(32))),
               pieces=dice.choice((0,) * 9 + (24, 64)))
    assert_answers(wire)


def other_dice(what):
    """Others each time; the seed is told."""
    seed = random.getrandbits(32)
    print(f"# forged {what}: seed {seed}", flush=True)
    return random.Random(seed)


def random_segments(wire):
    """thousands of segments that are wrong at random"""
    throw(wire, random.Random(8), 3000)


def many_segments(wire):
    """a hundred thousand segments that are wrong at random"""
    dice = other_dice("segments")
    for _ in range(100):
        throw(wire, dice, 1000)


def packets_of_all_kinds(wire):
    """What is right, by its kind in a frame: of all that comes besides connections."""
    own, us = wire.link_local(), socket.inet_aton(HOST)
    machine = socket.inet_aton(MACHINE)
    tcp = struct.pack("!HHIIBBHHH", 80, 80, 1, 1, 5 << 4, SYN, 1000, 0, 0)
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 3600, 1800, 0) + socket.inet_pton(socket.AF_INET6, "fd00::")
    options = b"\1\1" + OUR_MAC + struct.pack("!BBHI", 5, 1, 0, 1400) + prefix
    servers = struct.pack("!BBHI", 25, 3, 0, 3600) + LINK_LOCAL
    dhcp = b"\2\1\6\0" + bytes(232) + bytes.fromhex("63825363") + b"\x35\1\5\x33\4\0\0\1\0\xff"
    inner4, inner6 = ip4(tcp, 6, MACHINE, HOST), ip6(tcp, 6, LINK_LOCAL, own)
    yield ARP, b"\0\1\x08\0\6\4\0\1" + OUR_MAC + us + bytes(6) + machine
    yield ARP, b"\0\1\x08\0\6\4\0\2" + OUR_MAC + us + wire.mac + machine
    for kind in 0, 3, 4, 5, 8, 11, 12, 13, 17:
        yield IP, ip4(struct.pack("!BBHI", kind, kind & 3, 0, 0) + inner4, 1)
    for port in 68, 53, 80, 9:
        yield IP, udp(67 if port == 68 else 53, port, dhcp)
    yield IP, ip4(struct.pack("!BBH4s", 0x11, 0, 0, bytes(4)), 2)
    yield IP, ip4(tcp, 6)
    yield from ((IP, packet) for packet in fragments(udp(9, 9, bytes(3000))[20:], 17, 1400))
    for kind in 1, 2, 3, 4, 128, 129, 130, 131, 133, 138:
        yield IP6, icmp6(kind, struct.pack("!I", 1400) + inner6, own)
    yield IP6, icmp6(134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + options + servers, ALL_NODES)
    yield IP6, icmp6(135, bytes(4) + own + options, own)
    yield IP6, icmp6(136, b"\x60\0\0\0" + LINK_LOCAL + b"\2\1" + OUR_MAC, own)
    yield IP6, icmp6(137, bytes(4) + 2 * LINK_LOCAL + options, own)
    yield IP6, ip6(struct.pack("!HHHH", 9, 80, 16, 0) + bytes(8), 17, own)
    yield IP6, ip6(tcp, 6, own)
    yield from ((IP6, packet) for packet in fragments6(bytes(3000), 17, 1400, target=own))
    for header in EXTENSIONS:
        yield IP6, ip6(struct.pack("!BBBBI", ICMP6, 0, 1, 4, 0) + bytes(40), header, own)


def with_sums(kind, data):
    """The same with the checksums that are right, as far as what it is can be seen."""
    def put(at, zone, pseudo=b""):
        data[at:at + 2] = bytes(2)
        data[at:at + 2] = struct.pack("!H", checksum(pseudo + data[zone]))

    if kind == IP and len(data) >= 28:
        head = (data[0] & 15) * 4
        put(10, slice(0, head))
        if data[9] in (1, 2) and len(data) >= head + 4:
            put(head + 2, slice(head, None))
        elif data[9] == 17 and len(data) >= head + 8:
            data[head + 6:head + 8] = bytes(2)
        elif data[9] == 6 and len(data) >= head + 18:
            put(head + 16, slice(head, None), data[12:20] + struct.pack("!HH", 6, len(data) - head))
    elif kind == IP6 and len(data) >= 60:
        pseudo = data[8:40] + struct.pack("!II", len(data) - 40, data[6])
        put({ICMP6: 42, 17: 46, 6: 56}.get(data[6], 42), slice(40, None), pseudo)


def throw_packets(wire, dice, count):
    """Packets of which something is wrong at random."""
    meet(wire)
    right = list(packets_of_all_kinds(wire))
    for i in range(count):
        kind, packet = dice.choice(right)
        data = bytearray(packet)
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3, 8))):
            at = min(int(dice.expovariate(1 / 30)), len(data) - 1)
            data[at] = dice.choice((0, 1, 0xff, data[at] ^ 1 << dice.randrange(8), dice.getrandbits(8)))
        if dice.random() < 0.2:
            del data[dice.randrange(len(data)):]
        elif dice.random() < 0.1:
            data += dice.randbytes(dice.randrange(100))
        if dice.random() < 0.9:
            with_sums(kind, data)
        wire.send(kind, bytes(data))
        if i % 1000 == 999:
            assert_answers(wire)


def random_packets(wire):
    """thousands of packets of every kind that are wrong at random"""
    throw_packets(wire, random.Random(59), 3000)


def many_packets(wire):
    """a hundred thousand packets of every kind that are wrong at random"""
    throw_packets(wire, other_dice("packets"), 100000)


TESTS = (random_segments, random_packets)
LONG = (many_segments, many_packets)
