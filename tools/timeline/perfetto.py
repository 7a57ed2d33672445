"""A timeline as perfetto.protos.Trace, which ui.perfetto.dev opens: the fields that its documents call stable."""

import functools

from protobuf import data, fixed, number, varint

from . import tracks

PROCESS, CORES, COUNTERS, COROUTINES = 1, 1 << 8, 1 << 16, 1 << 32 # uuids
BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4

SEQUENCE = number(10, 1)
LENGTHS = [varint(length) for length in range(256)] # of most packets
PACKET, TIME, EVENT, VALUE = (data(1, b"")[:1], number(8, 0)[:1], data(11, b"")[:1], number(30, 0)[:2])


def packet(content):
    length = len(content) + len(SEQUENCE)
    return PACKET + (LENGTHS[length] if length < 256 else varint(length)) + content + SEQUENCE


@functools.lru_cache(1 << 16)
def words(category, name, details):
    """Of an event: the same ones come again and again."""
    return data(22, category) + data(23, name) + b"".join(detail(*each) for each in details)


def detail(name, value):
    """A DebugAnnotation: an address, or a number."""
    if name in ("object", "channel", "address"):
        return data(4, data(10, name) + number(7, value)) # pointer_value
    return data(4, data(10, name) + number(4, value)) # int_value


class Writer:
    def __init__(self, timeline, out):
        self.timeline, self.out = timeline, out
        self.known = set() # tracks that are described
        self.counters = {}
        self.arrived = set() # flows that have two ends: a value may be left that nobody receives
        self.parts = []
        self.heads = {} # how an event begins: its type, and its track
        self.time, self.at = None, b"" # of the last event; several are told of one

    def put(self, content):
        self.parts.append(packet(content))
        if len(self.parts) > 5000:
            self.flush()

    def flush(self):
        self.out.write(b"".join(self.parts))
        self.parts.clear()

    def describe(self, content):
        self.put(data(60, content))

    def begin(self):
        name = self.timeline.elf.path.rpartition("/")[2].partition(".")[0]
        self.parts.append(data(1, data(60, number(1, PROCESS) + data(3, number(1, 1) + data(6, name)))
                               + SEQUENCE + number(13, 1))) # SEQ_INCREMENTAL_STATE_CLEARED
        for core in range(self.timeline.cores):
            name = f"core {core}"
            self.describe(number(1, CORES + core) + data(2, name) + number(5, PROCESS)
                          + data(4, number(1, 1) + number(2, 1000 + core) + data(5, name)))

    def uuid(self, track):
        kind, ident = track
        if kind == "core":
            return CORES + ident
        if track not in self.known:
            self.known.add(track)
            self.describe(number(1, COROUTINES + ident) + data(2, f"{self.timeline.name(ident)} #{ident}")
                          + number(5, PROCESS))
        return COROUTINES + ident

    def counter(self, name):
        if name not in self.counters:
            self.counters[name] = COUNTERS + len(self.counters)
            unit = number(3, 3) if name == "free" else b"" # UNIT_SIZE_BYTES
            self.describe(number(1, self.counters[name]) + data(2, name) + number(5, PROCESS) + data(8, unit))
        return self.counters[name]

    def event(self, time, content):
        if time != self.time:
            self.time, self.at = time, TIME + varint(time) + EVENT
        length = len(content)
        self.put(self.at + (LENGTHS[length] if length < 256 else varint(length)) + content)

    def head(self, kind, track):
        head = self.heads.get((kind, track))
        if head is None:
            uuid = self.counter(track) if kind == COUNTER else self.uuid(track)
            head = self.heads[kind, track] = number(9, kind) + number(11, uuid)
        return head

    def tell(self, told):
        what = told[0]
        if what == "counter":
            _, time, name, value = told
            self.event(time, self.head(COUNTER, name) + VALUE + varint(value))
        elif what == "end":
            _, track, time = told
            self.event(time, self.head(END, track))
        elif what == "begin":
            _, track, time, category, name, details = told
            self.event(time, self.head(BEGIN, track) + words(category, name, details))
        else:
            _, track, time, category, name, details, out, into = told
            content = self.head(INSTANT, track) + words(category, name, details)
            if out in self.arrived:
                content += fixed(47, out)
            if into in self.arrived:
                content += fixed(48, into)
            self.event(time, content)


def write(timeline, out):
    writer = Writer(timeline, out)
    writer.begin()
    everything = tracks.tell(timeline)
    writer.arrived = {told[7] for told in everything if told[0] == "instant" and told[7]}
    for told in everything:
        writer.tell(told)
    writer.flush()
