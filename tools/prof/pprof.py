"""pprof's format: profile.proto of github.com/google/pprof, compressed by gzip. `go tool pprof FILE` opens it."""

import gzip
import os

import protobuf
from protobuf import packed

from .tables import KINDS, UNITS

# Fields, by message.
SAMPLE_TYPE, SAMPLE, MAPPING, LOCATION, FUNCTION, STRING, DURATION, PERIOD_TYPE, PERIOD, COMMENT, DEFAULT = (
    1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14)


def field(number, value):
    """A number, which is not there when it is 0; or what has a length."""
    if isinstance(value, int):
        return protobuf.number(number, value) if value else b""
    return protobuf.data(number, value)


class Writer:
    """The tables of a profile, to which messages refer by number."""

    def __init__(self):
        self.strings, self.functions, self.locations = {"": 0}, {}, {}
        self.out = bytearray()

    def string(self, text):
        return self.strings.setdefault(text, len(self.strings))

    def function(self, place):
        key = place.function, place.file
        if key not in self.functions:
            self.functions[key] = len(self.functions) + 1
            name = self.string(place.function)
            self.out += field(FUNCTION, field(1, self.functions[key]) + field(2, name) + field(3, name)
                              + field(4, self.string(place.file)))
        return self.functions[key]

    def location(self, address, places, mapping):
        key = address, tuple(places)
        if key not in self.locations:
            self.locations[key] = len(self.locations) + 1
            lines = b"".join(field(4, field(1, self.function(p)) + field(2, p.line)) for p in places)
            self.out += field(LOCATION, field(1, self.locations[key]) + field(2, mapping) + field(3, address) + lines)
        return self.locations[key]

    def value_type(self, kind):
        return field(1, self.string(kind)) + field(2, self.string(UNITS[kind]))


def write(profile, out):
    """The profile, to the open file out."""
    w = Writer()
    begin, end = profile.text
    for kind in KINDS:
        w.out += field(SAMPLE_TYPE, w.value_type(kind))
    w.out += field(MAPPING, field(1, 1) + field(2, begin) + field(3, end)
                   + field(5, w.string(os.path.abspath(profile.elf))) + b"".join(field(n, 1) for n in (7, 8, 9, 10)))
    for sample in profile.samples:
        stack = [w.location(address, places, 1 if begin <= address < end else 0) for address, places in sample.stack]
        labels = b"".join(field(3, field(1, w.string(key)) + field(2, w.string(text)))
                          for key, text in sample.labels.items())
        values = [sample.value if kind == sample.kind else 0 for kind in KINDS]
        w.out += field(SAMPLE, packed(1, stack) + packed(2, values) + labels)
    w.out += field(DURATION, profile.duration) + field(PERIOD_TYPE, w.value_type("cpu"))
    w.out += field(PERIOD, profile.period) + field(DEFAULT, w.string("cpu"))
    for text in w.strings:
        w.out += field(STRING, text)
    out.write(gzip.compress(bytes(w.out), mtime=0))
