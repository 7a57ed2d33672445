"""Timelines: what a machine recorded of its coroutines (debug/trace.h), for people. See docs/timeline.md."""

import os

from records import Failure, bytes_of

from . import events, page, perfetto, story

FORMATS = ("pftrace", "html", "txt")
SIZE = "8M"


def words(room):
    size = bytes_of("TRACE_SIZE", SIZE)
    if size >= room:
        raise Failure(f"TRACE_SIZE={os.environ.get('TRACE_SIZE') or SIZE}: less than the machine's memory is wanted")
    return [f"vole.trace={size}"]


def write(memory, elf, out, ending):
    timeline = events.read(memory, elf)
    {"pftrace": perfetto, "html": page, "txt": story}[ending].write(timeline, out)
