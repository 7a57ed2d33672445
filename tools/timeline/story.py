"""A timeline as text: a line an event, TIME_NS core N co ID "NAME" EVENT detail."""

from . import events as e

PLAIN = {e.YIELD: "yield", e.EXIT: "exit", e.TIMER: "timer", e.IDLE: "idle", e.END: "end"}


def detail(timeline, kind, a, b):
    """The words of an event, and what else there is to say of it."""
    if kind in PLAIN:
        return PLAIN[kind]
    who = f'{a} "{timeline.name(a)}"'
    peer = f'{b} "{timeline.name(b)}"'
    if kind == e.SWITCH:
        return "switch"
    if kind == e.PARK:
        return f"park {timeline.reason(a)}" + (f" {b:#x}" if b else "")
    if kind in (e.SPAWN, e.READY):
        return ("spawn " if kind == e.SPAWN else "ready ") + who
    if kind == e.INTERRUPT:
        return "interrupt" + (f" {a}" if a < 1 << 63 else "")
    if kind == e.STEAL:
        return f"steal {b} from core {a}"
    if kind == e.FAULT:
        return f"fault {a:#x}"
    if kind in (e.SEND, e.RECEIVE):
        return f"{'send' if kind == e.SEND else 'receive'} {a:#x} buffered {b}"
    if kind == e.SEND_TO:
        return f"send {a:#x} to {peer}"
    if kind in (e.RECEIVE_FROM, e.RECEIVE_PUT):
        return f"receive {a:#x} {'from' if kind == e.RECEIVE_FROM else 'and put from'} {peer}"
    if kind == e.CALL:
        return f"call {timeline.text(a)} {signed(b)}"
    if kind == e.RETURN:
        return f"return {timeline.text(a)} {signed(b)}"
    if kind == e.COUNT:
        return f"count {timeline.text(a)} {signed(b)}"
    if kind == e.SAMPLE:
        return f"sample live {a} free {b}"
    return f"{'mark' if kind == e.MARK else 'begin'} {timeline.text(a)}"


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def write(timeline, out):
    running = {} # by core: who is on it, and has not stopped
    lines = []
    if timeline.lost:
        time = timeline.events[0][0] if timeline.events else 0
        lines.append(f'{time} core 0 co 0 "" lost {timeline.lost}\n')
    for time, core, kind, co, a, b in timeline.events:
        if kind == e.SWITCH:
            before = running.get(core)
            if before == co:
                continue
            if before:
                lines.append(f'{time} core {core} co {before} "{timeline.name(before)}" preempt\n')
            running[core] = co
        elif kind in (e.PARK, e.YIELD, e.EXIT):
            running[core] = None
        name = timeline.name(co) if co else ""
        lines.append(f'{time} core {core} co {co} "{name}" {detail(timeline, kind, a, b)}\n')
        if len(lines) > 10000:
            out.write("".join(lines).encode())
            lines.clear()
    out.write("".join(lines).encode())
