"""Messages of protobuf, as its documents say they are encoded."""

import functools


def varint(value):
    """A number, seven bits a byte."""
    if 0 <= value < 128:
        return bytes((value,))
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


@functools.cache
def key(field, kind):
    """What a field begins with."""
    return varint(field << 3 | kind)


def number(field, value):
    return key(field, 0) + varint(value)


def fixed(field, value):
    return key(field, 1) + value.to_bytes(8, "little")


def data(field, content):
    """Bytes, text, or a message."""
    if isinstance(content, str):
        content = content.encode()
    return key(field, 2) + varint(len(content)) + content


def packed(field, values):
    """A list of numbers."""
    return data(field, b"".join(map(varint, values)))
