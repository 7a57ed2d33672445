"""Messages of protobuf, as its documents say they are encoded."""


def varint(value):
    """A number, seven bits a byte."""
    value &= (1 << 64) - 1
    if value < 128:
        return bytes((value,))
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def fixed(field, value):
    return varint(field << 3 | 1) + value.to_bytes(8, "little")


def data(field, content):
    """Bytes, text, or a message."""
    if isinstance(content, str):
        content = content.encode()
    return varint(field << 3 | 2) + varint(len(content)) + content


def packed(field, values):
    """A list of numbers."""
    return data(field, b"".join(map(varint, values)))
