"""The rows of the table: what is measured, by which programs, and what it must reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str            # as the programs print it, but for -icount
    title: str
    program: str         # bench/WORD.c, bench/go/WORD.go, and their arguments
    ratio: float = None  # to reach: so much of what Go takes in the same run
    target: float = None  # or: so much, in unit, whatever Go takes
    unit: str = "ns"
    at_least: bool = False  # more is better
    cores: int = 1
    peers: tuple = ()    # bench/peers/WORD.cpp, with program as arguments
    icount: bool = False  # on a machine on which an instruction takes a nanosecond, without Go


FIBER, CONTEXT, THREADS = "fiber", "context", "threads"

ROWS = (
    Row("yield-2", "yield, 2 coroutines", "yield 2", 0.125, peers=(FIBER, CONTEXT, THREADS)),
    Row("yield-1000", "yield, ring of 1,000", "yield 1000", 0.125, peers=(FIBER, THREADS)),
    Row("yield-100000", "yield, 100,000 coroutines", "yield 100000", 0.148, peers=(FIBER,)),
    Row("spawn-1", "spawn, run, exit, join", "spawn 1", 0.125, peers=(FIBER, THREADS)),
    Row("spawn-1000", "spawn 1,000, then join, each", "spawn 1000", 0.17, peers=(FIBER, THREADS)),
    Row("channel-roundtrip", "unbuffered channel, round trip", "channel roundtrip", 0.125,
        peers=(FIBER, THREADS)),
    Row("channel-stream", "unbuffered channel, stream", "channel stream", 0.125, peers=(FIBER,)),
    Row("channel-buffered", "buffered (128), stream", "channel buffered", 0.385, peers=(FIBER,)),
    Row("channel-self", "send and receive, one buffered channel", "channel self", 0.34,
        peers=(FIBER,)),
    Row("select-ready", "select of 2, one ready", "select ready", 0.291),
    Row("select-2", "select of 2, blocking", "select 2", 0.22),
    Row("select-4", "select of 4, blocking", "select 4", 0.18),
    Row("select-8", "select of 8, blocking", "select 8", 0.15),
    Row("mutex", "mutex, uncontended", "mutex", 0.45, peers=(FIBER, THREADS)),
    Row("ring-1000", "ring of 1,000 through channels, a hop", "ring 1000", 0.145),
    Row("ring-10000", "ring of 10,000 through channels, a hop", "ring 10000", 0.174),
    Row("sieve", "prime sieve, first 2,000 primes", "sieve", 0.125, unit="ms"),
    Row("skynet", "skynet, 1,000,000 coroutines", "skynet", 0.25, unit="ms"),
    Row("memory", "1,000,000 parked coroutines, memory each", "million", target=512, unit="B",
        peers=(THREADS,)),
    Row("memory-create", "create and park, each of 1,000,000", "million", 0.3, peers=(THREADS,)),
    Row("memory-again", "  once more, in memory that is there", "million", target=120),
    Row("memory-wake", "wake and exit, each of 1,000,000", "million", 0.208, peers=(THREADS,)),
    Row("sleepers-arm", "1,000,000 sleepers: arm, processor time", "sleepers", 0.3),
    Row("sleepers-again", "  once more, in memory that is there", "sleepers", 0.3),
    Row("sleepers-fire", "1,000,000 sleepers: fire, processor time", "sleepers", 0.3),
    Row("timer-1", "timer started and stopped", "timer 1", 0.105),
    Row("timer-1000000", "the same, 1,000,000 pending", "timer 1000000", 0.105),
    Row("cores-roundtrip", "2 cores: unbuffered round trip", "cores roundtrip", 0.568, cores=2,
        peers=(THREADS,)),
    Row("cores-pinned", "  each on its core, or its thread", "cores pinned", cores=2),
    Row("cores-wake", "2 cores: wake one that is idle, p50", "cores wake", cores=2, unit="us"),
    Row("cores-wake-p99", "  p99", "cores wake", cores=2, unit="us"),
    Row("cores-channel", "2 cores: 4 to 4 through one channel", "cores channel", 0.7, cores=2),
    Row("cores-mutex", "2 cores: mutex, 2 contending", "cores mutex", 0.8, cores=2,
        peers=(THREADS,)),
    Row("cores-scale", "2 cores: independent work, times 1 core's", "cores scale", target=1.9,
        unit="x", at_least=True, cores=2),
    Row("lateness", "1 ms sleeper behind hogs, late at p99", "lateness 100", target=150, unit="us"),
    Row("lateness-p50", "  at p50", "lateness 100", unit="us"),
    Row("lateness-max", "  at most", "lateness 100", unit="us"),
    Row("bimodal", "1 us and 1 ms requests, p99.9 slowdown", "bimodal 100", target=150, unit="x"),
    Row("lateness-icount", "sleeper, 10 us quantum, virtual time, p99", "lateness 10", target=60,
        unit="us", icount=True),
    Row("bimodal-icount", "requests, 10 us quantum, virtual time", "bimodal 10", target=60, unit="x",
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
