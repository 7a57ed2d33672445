"""The rows of the table: what is measured, by which programs, and what it must reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str            # as the programs print it, but for -icount
    title: str
    program: str         # bench/WORD.c, bench/go/WORD.go, and their arguments
    target: float = None  # for Vole, in unit
    go: float = None     # Go's number on the machine on which the target was set: what must be
                         # reached is the ratio. None: the target is the same on every machine
    unit: str = "ns"
    then: float = None   # the next target
    at_least: bool = False  # more is better
    cores: int = 1
    peers: tuple = ()    # bench/peers/WORD.cpp, with program as arguments
    icount: bool = False  # on a machine on which an instruction takes a nanosecond, without Go


FIBER, CONTEXT, THREADS = "fiber", "context", "threads"

ROWS = (
    Row("yield-2", "yield, 2 coroutines", "yield 2", 8, 96, peers=(FIBER, CONTEXT, THREADS)),
    Row("yield-1000", "yield, ring of 1,000", "yield 1000", 12, 104, peers=(FIBER, THREADS)),
    Row("yield-100000", "yield, 100,000 coroutines", "yield 100000", 60, 404, peers=(FIBER,)),
    Row("spawn-1", "spawn, run, exit, join", "spawn 1", 40, 467, peers=(FIBER, THREADS)),
    Row("spawn-1000", "spawn 1,000, then join, each", "spawn 1000", 40, 390,
        peers=(FIBER, THREADS)),
    Row("channel-roundtrip", "unbuffered channel, round trip", "channel roundtrip", 55, 432,
        then=20, peers=(FIBER, THREADS)),
    Row("channel-stream", "unbuffered channel, stream", "channel stream", 30, 212, peers=(FIBER,)),
    Row("channel-buffered", "buffered (128), stream", "channel buffered", 20, 52, peers=(FIBER,)),
    Row("channel-self", "send and receive, one buffered channel", "channel self", 16, 47,
        peers=(FIBER,)),
    Row("select-ready", "select of 2, one ready", "select ready", 30, 103),
    Row("select-2", "select of 2, blocking", "select 2", 60, 266),
    Row("select-4", "select of 4, blocking", "select 4", 75, 461),
    Row("select-8", "select of 8, blocking", "select 8", 100, 773),
    Row("mutex", "mutex, uncontended", "mutex", 11, 19.5, peers=(FIBER, THREADS)),
    Row("ring-1000", "ring of 1,000 through channels, a hop", "ring 1000", 35, 241),
    Row("ring-10000", "ring of 10,000 through channels, a hop", "ring 10000", 65, 373),
    Row("sieve", "prime sieve, first 2,000 primes", "sieve", 80, 459, "ms"),
    Row("skynet", "skynet, 1,000,000 coroutines", "skynet", 300, 1167, "ms"),
    Row("memory", "1,000,000 parked coroutines, memory each", "million", 768, unit="B", then=512,
        peers=(THREADS,)),
    Row("memory-create", "create and park, each of 1,000,000", "million", 300, 3643,
        peers=(THREADS,)),
    Row("memory-wake", "wake and exit, each of 1,000,000", "million", 200, 962, peers=(THREADS,)),
    Row("sleepers-arm", "1,000,000 sleepers: arm, processor time", "sleepers", 100, 5119),
    Row("sleepers-fire", "1,000,000 sleepers: fire, processor time", "sleepers", 300, 2485),
    Row("timer-1", "timer started and stopped", "timer 1", 25, 239),
    Row("timer-1000000", "the same, 1,000,000 pending", "timer 1000000", 25, 239),
    Row("cores-roundtrip", "2 cores: unbuffered round trip", "cores roundtrip", 350, 616, cores=2,
        peers=(THREADS,)),
    Row("cores-pinned", "  each on its core, or its thread", "cores pinned", cores=2),
    Row("cores-channel", "2 cores: 4 to 4 through one channel", "cores channel", 80, 110, cores=2),
    Row("cores-mutex", "2 cores: mutex, 2 contending", "cores mutex", 25, 27, cores=2,
        peers=(THREADS,)),
    Row("cores-scale", "2 cores: independent work, times 1 core's", "cores scale", 1.9, unit="x",
        at_least=True, cores=2),
    Row("lateness", "1 ms sleeper behind hogs, late at p99", "lateness 100", 150, unit="us"),
    Row("lateness-p50", "  at p50", "lateness 100", unit="us"),
    Row("lateness-max", "  at most", "lateness 100", unit="us"),
    Row("bimodal", "1 us and 1 ms requests, p99.9 slowdown", "bimodal 100", 60, 1846, "x"),
    Row("lateness-icount", "sleeper, 10 us quantum, virtual time, p99", "lateness 10", 60,
        unit="us", icount=True),
    Row("bimodal-icount", "requests, 10 us quantum, virtual time", "bimodal 10", 60, unit="x",
        icount=True),
)


def select(only):
    """The rows that a comma list of names, or of beginnings of names, asks for; all for ''."""
    if not only:
        return ROWS
    names = {row.name for row in ROWS}
    chosen = []
    for word in only.split(","):
        # A row's own name is not taken for the beginning of another number: yield-1000.
        start = word + "-" if word in names else word
        rows = [row for row in ROWS if row.name == word or row.name.startswith(start)]
        if not rows:
            raise ValueError(f"ONLY={word}: there is " + " ".join(row.name for row in ROWS))
        chosen += rows
    return [row for row in ROWS if row in chosen]
