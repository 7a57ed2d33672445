"""Reads messages of protobuf, by nothing of tools/protobuf.py: so one of them can be wrong."""


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """{number: [value, ...]} of a message: integers, or bytes."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = int.from_bytes(data[at:at + 8], "little"), at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        elif kind == 5:
            value, at = int.from_bytes(data[at:at + 4], "little"), at + 4
        else:
            raise ValueError(f"wire type {kind}")
        if at > len(data):
            raise ValueError("a field goes beyond its message")
        found.setdefault(key >> 3, []).append(value)
    return found


def numbers(data):
    """All of a packed field."""
    result, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        result.append(value)
    return result
