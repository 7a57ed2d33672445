"""Timelines: what a machine recorded of its coroutines (debug/trace.h), for people. See docs/timeline.md."""

from records import bytes_of

from . import events, page, perfetto, story

FORMATS = ("pftrace", "html", "txt")


def words():
    return [f"vole.trace={bytes_of('TRACE_SIZE', '8M')}"]


def write(memory, elf, out, ending):
    timeline = events.read(memory, elf)
    {"pftrace": perfetto, "html": page, "txt": story}[ending].write(timeline, out)
