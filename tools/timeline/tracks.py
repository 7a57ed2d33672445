"""What events mean: slices, instants and arrows on the tracks of cores and coroutines, and counters.

A track is ("core", N) or ("co", ID). What is told, in the order of time:
  ("begin", track, time, category, name, details)    a slice begins inside of what is open on its track
  ("end", track, time)                               the innermost ends
  ("instant", track, time, category, name, details, flow out, flow in)
  ("counter", time, name, value)
A flow is a number; 0: none. It goes from where it is out to where it is in.
"""

from collections import deque

from . import events as e
from .story import signed


class Tracks:
    def __init__(self, timeline):
        self.timeline = timeline
        self.told = []
        self.running = {} # by core: who
        self.open = {} # by coroutine: what is open, the outermost first: (category, name)
        self.runnable = set()
        self.live = None
        self.flows = 0
        self.woken, self.served, self.sends = {}, {}, {} # flows, by the coroutine that they go to, or come from
        self.buffers = {} # by channel: the flows of what is in its buffer

    def flow(self):
        self.flows += 1
        return self.flows

    # ---- The track of a coroutine ----

    def begin(self, co, time, category, name, details=()):
        self.open.setdefault(co, []).append((category, name))
        self.told.append(("begin", ("co", co), time, category, name, details))

    def end(self, co, time):
        """The innermost; what it was."""
        self.told.append(("end", ("co", co), time))
        return self.open[co].pop()

    def inner(self, co):
        stack = self.open.get(co)
        return stack[-1][0] if stack else None

    def end_state(self, co, time):
        if self.inner(co) in ("run", "wait"):
            self.end(co, time)

    def around(self, co, time, change):
        """A slice of the program's begins or ends: the state goes on inside of what is left."""
        state = self.end(co, time) if self.inner(co) in ("run", "wait") else None
        change()
        if state:
            self.begin(co, time, *state)

    def track(self, core, co):
        return ("co", co) if co else ("core", core)

    def instant(self, track, time, category, name, details=(), out=0, into=0):
        self.told.append(("instant", track, time, category, name, details, out, into))

    def count(self, time, name, value):
        self.told.append(("counter", time, name, value))

    def change_runnable(self, time, co, on):
        if on != (co in self.runnable):
            (self.runnable.add if on else self.runnable.discard)(co)
            self.count(time, "runnable", len(self.runnable))

    def change_live(self, time, by):
        if self.live is not None:
            self.live += by
            self.count(time, "live", self.live)

    # ---- Events ----

    def leaves(self, time, core, co):
        """Who runs on core does so no more."""
        if self.running.get(core):
            self.told.append(("end", ("core", core), time))
            self.end_state(self.running[core], time)
        self.running[core] = None
        self.end_state(co, time)

    def switch(self, time, core, co):
        before = self.running.get(core)
        if before == co:
            return
        if before:
            self.leaves(time, core, before)
            self.instant(("co", before), time, "run", "preempt")
            self.change_runnable(time, before, True)
        # Clocks of cores differ by some nanoseconds: it may not have been seen to leave another.
        for other, who in self.running.items():
            if who == co:
                self.leaves(time, other, co)
        self.running[core] = co
        name = self.timeline.name(co)
        self.end_state(co, time)
        self.told.append(("begin", ("core", core), time, "run", name, (("co", co),)))
        self.begin(co, time, "run", "running", (("core", core),))
        self.change_runnable(time, co, False)
        waker = self.woken.pop(co, None)
        if waker:
            self.instant(("co", co), time, "wake", f"woken by {waker[1]}", (), 0, waker[0])
        served = self.served.pop(co, None)
        if served:
            self.instant(("co", co), time, "chan", "receive", (("channel", served[1]),), 0, served[0])

    def ready(self, time, core, co, woken, new):
        flow = self.flow()
        name = f"{self.timeline.name(woken)} #{woken}"
        self.instant(self.track(core, co), time, "wake", f"{'go' if new else 'wake'} {name}", (), flow)
        by = f"{self.timeline.name(co)} #{co}" if co else f"core {core}"
        self.woken[woken] = flow, by
        if self.inner(woken) == "wait":
            self.end_state(woken, time)
        self.change_runnable(time, woken, True)
        if new:
            self.change_live(time, 1)

    def park(self, time, core, co, reason, what):
        self.leaves(time, core, co)
        self.sends.pop(co, None) # of a send that came to nothing
        details = (("object", what),) if what else ()
        if reason == "chan send":
            self.sends[co] = self.flow()
            self.instant(("co", co), time, "chan", "send", (("channel", what),), self.sends[co])
        self.begin(co, time, "wait", reason, details)

    def send_of(self, time, peer, channel):
        """The flow of a value whose sender has waited."""
        flow = self.sends.pop(peer, 0)
        if not flow:
            flow = self.flow()
            self.instant(("co", peer), time, "chan", "send", (("channel", channel),), flow)
        return flow

    def send(self, time, track, kind, channel, b):
        flow = self.flow()
        self.instant(track, time, "chan", "send", (("channel", channel),), flow)
        if kind == e.SEND_TO:
            self.served[b] = flow, channel
            return
        buffer = self.buffers.setdefault(channel, deque())
        buffer.append(flow)
        fit(buffer, b)

    def receive(self, time, track, kind, channel, b):
        if kind == e.RECEIVE_FROM:
            flow = self.send_of(time, b, channel)
        else:
            buffer = self.buffers.setdefault(channel, deque())
            if kind == e.RECEIVE:
                fit(buffer, b + 1)
            flow = buffer.popleft() if buffer else 0
            if kind == e.RECEIVE_PUT:
                buffer.append(self.send_of(time, b, channel))
        self.instant(track, time, "chan", "receive", (("channel", channel),), 0, flow)

    def program(self, time, track, co, kind, a, b):
        """What a program says."""
        text = self.timeline.text
        if kind == e.MARK:
            self.instant(track, time, "mark", text(a))
        elif kind == e.COUNT:
            self.count(time, text(a), signed(b))
        elif not co:
            pass # the tracks of cores have no slices of programs
        elif kind == e.BEGIN:
            self.around(co, time, lambda: self.begin(co, time, "program", text(a)))
        elif kind == e.CALL:
            self.around(co, time, lambda: self.begin(co, time, "call", text(a), (("descriptor", signed(b)),)))
        else:
            wanted = "program" if kind == e.END else "call"
            if any(category == wanted for category, _ in self.open.get(co, ())):
                self.around(co, time, lambda: self.end_until(co, time, wanted))

    def end_until(self, co, time, category):
        while self.end(co, time)[0] != category:
            pass

    def event(self, time, core, kind, co, a, b):
        timeline = self.timeline
        track = self.track(core, co)
        if kind == e.SWITCH:
            self.switch(time, core, co)
        elif kind == e.PARK:
            self.park(time, core, co, timeline.reason(a), b)
        elif kind == e.YIELD:
            self.leaves(time, core, co)
            self.change_runnable(time, co, True)
        elif kind == e.EXIT:
            self.leaves(time, core, co)
            while self.open.get(co):
                self.end(co, time)
            self.change_live(time, -1)
        elif kind in (e.SPAWN, e.READY):
            self.ready(time, core, co, a, kind == e.SPAWN)
        elif kind in (e.SEND, e.SEND_TO):
            self.send(time, track, kind, a, b)
        elif kind in (e.RECEIVE, e.RECEIVE_FROM, e.RECEIVE_PUT):
            self.receive(time, track, kind, a, b)
        elif kind == e.INTERRUPT:
            self.instant(("core", core), time, "interrupt", "interrupt" + (f" {a}" if a < 1 << 63 else ""))
        elif kind == e.TIMER:
            self.instant(("core", core), time, "interrupt", "timer")
        elif kind == e.IDLE:
            self.instant(("core", core), time, "idle", "idle")
        elif kind == e.STEAL:
            self.instant(("core", core), time, "steal", f"steal {b} from core {a}")
        elif kind == e.FAULT:
            self.instant(track, time, "fault", "page fault", (("address", a),))
        elif kind == e.SAMPLE:
            self.live = a
            self.count(time, "live", a)
            self.count(time, "free", b)
        else:
            self.program(time, track, co, kind, a, b)

    def close(self, time):
        for core, co in self.running.items():
            if co:
                self.told.append(("end", ("core", core), time))
        for co, stack in self.open.items():
            while stack:
                self.end(co, time)


def fit(buffer, length):
    """A buffer of a channel has so many values: of those before the timeline began, nothing is known."""
    while len(buffer) > length:
        buffer.popleft()
    while len(buffer) < length:
        buffer.appendleft(0)


def tell(timeline):
    """The list, see above."""
    tracks = Tracks(timeline)
    if timeline.lost:
        time = timeline.events[0][0] if timeline.events else 0
        tracks.instant(("core", 0), time, "lost", f"lost {timeline.lost}")
    for event in timeline.events:
        tracks.event(*event)
    if timeline.events:
        tracks.close(timeline.events[-1][0])
    return tracks.told
