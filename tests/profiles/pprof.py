"""Reads pprof's profile.proto, as its description says, with nothing of tools/prof: so one of them can be wrong."""

import gzip
from collections import namedtuple

from harness.protobuf import fields, numbers

Sample = namedtuple("Sample", "values labels stack") # stack: of (function, file, line), innermost first
Profile = namedtuple("Profile", "types samples duration period default problems")


def read(path):
    """The Profile in this file."""
    with open(path, "rb") as file:
        top = fields(gzip.decompress(file.read()))
    strings = [text.decode() for text in top[6]]
    one = lambda message, number: message.get(number, [0])[0] # noqa: E731
    functions = {one(f, 1): f for f in map(fields, top.get(5, []))}
    locations = {one(f, 1): f for f in map(fields, top.get(4, []))}
    mappings = {one(f, 1) for f in map(fields, top.get(3, []))}
    problems = ["strings do not begin with an empty one"] if strings[0] else []
    if 0 in locations or 0 in functions or 0 in mappings:
        problems.append("an id is 0")

    def lines(number):
        location = locations[number]
        if one(location, 2) and one(location, 2) not in mappings:
            problems.append(f"location {number} has no mapping")
        for line in map(fields, location.get(4, [])):
            function = functions[one(line, 1)]
            yield strings[one(function, 2)], strings[one(function, 4)], one(line, 2)

    samples = []
    for sample in map(fields, top.get(2, [])):
        labels = {strings[one(f, 1)]: strings[one(f, 2)] if 2 in f else one(f, 3)
                  for f in map(fields, sample.get(3, []))}
        stack = [place for number in numbers(sample[1][0]) for place in lines(number)]
        samples.append(Sample(numbers(sample[2][0]), labels, stack))
    types = [f"{strings[one(f, 1)]}/{strings[one(f, 2)]}" for f in map(fields, top[1])]
    problems += [f"a sample has {len(s.values)} values" for s in samples if len(s.values) != len(types)]
    return Profile(types, samples, one(top, 10), one(top, 12), strings[one(top, 14)], problems)
