"""Reads a perfetto.protos.Trace, by what its documents say of it and by nothing of tools/timeline."""

from dataclasses import dataclass, field

from harness.protobuf import fields


def text(values):
    return values[0].decode() if values else ""


@dataclass
class Slice:
    track: str
    category: str
    name: str
    begin: int
    end: int = None


@dataclass
class Trace:
    tracks: dict = field(default_factory=dict) # names by uuid
    threads: set = field(default_factory=set) # names of tracks that are threads
    counters: dict = field(default_factory=dict) # by name: [(time, value)]
    slices: list = field(default_factory=list)
    instants: list = field(default_factory=list) # (time, track, category, name)
    flows: dict = field(default_factory=dict) # by id: [(time, track, category, "out" | "in")]
    problems: list = field(default_factory=list)


def read(data):
    trace, opened, last, counters = Trace(), {}, {}, {}
    whole = fields(data)
    if set(whole) - {1}:
        trace.problems.append(f"fields {sorted(whole)} of Trace")
    for packet in map(fields, whole.get(1, [])):
        if 10 not in packet:
            trace.problems.append("a packet without trusted_packet_sequence_id")
        if 60 in packet:
            about = fields(packet[60][0])
            name = text(about.get(2))
            trace.tracks[about[1][0]] = name
            if 4 in about:
                trace.threads.add(name)
                if text(fields(about[4][0]).get(5)) != name:
                    trace.problems.append(f"thread_name of {name}")
            if 8 in about:
                counters[about[1][0]] = name
        if 11 not in packet:
            continue
        time, event = packet[8][0], fields(packet[11][0])
        uuid, kind = event[11][0], event[9][0]
        if uuid not in trace.tracks:
            trace.problems.append(f"track {uuid} is not described")
            continue
        track, category, name = trace.tracks[uuid], text(event.get(22)), text(event.get(23))
        if time < last.get(uuid, 0):
            trace.problems.append(f"{track} goes back to {time}")
        last[uuid] = time
        if kind == 1:
            trace.slices.append(Slice(track, category, name, time))
            opened.setdefault(uuid, []).append(trace.slices[-1])
        elif kind == 2:
            if opened.get(uuid):
                opened[uuid].pop().end = time
            else:
                trace.problems.append(f"an end without a begin at {time} on {track}")
        elif kind == 3:
            trace.instants.append((time, track, category, name))
        elif kind == 4:
            value = event[30][0]
            trace.counters.setdefault(counters[uuid], []).append((time, value - (value >> 63 << 64)))
        for number, way in ((47, "out"), (48, "in")):
            for flow in event.get(number, []):
                trace.flows.setdefault(flow, []).append((time, track, category, way))
    trace.problems += [f"{s.name} on {s.track} has no end" for stack in opened.values() for s in stack]
    return trace
