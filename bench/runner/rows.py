"""The rows of the table: what is measured, by which programs, and what it must reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str            # as the programs print it
    title: str
    program: str         # bench/WORD.c, bench/go/WORD.go and their arguments
    target: float        # for Vole, in unit
    go: float = None     # what Go took on the machine where the target was set; None: the target
                         # holds on any machine
    unit: str = "ns"
    cores: int = 1
    peers: str = ""      # bench/peers/WORD.*, with the words of program as arguments
    at_least: bool = False  # more is better
    then: float = None   # the next target


ROWS = (
    Row("yield-2", "yield, 2 coroutines", "yield 2", 8, 96),
    Row("yield-1000", "yield, ring of 1,000", "yield 1000", 12, 104),
    Row("yield-100000", "yield, 100,000 coroutines", "yield 100000", 60, 404),
    Row("spawn-1", "spawn, run, exit, join", "spawn 1", 40, 467),
    Row("spawn-1000", "spawn 1,000, then join, each", "spawn 1000", 40, 390),
    Row("channel-roundtrip", "unbuffered channel, round trip", "channel roundtrip", 55, 432,
        then=20),
    Row("channel-stream", "unbuffered channel, stream", "channel stream", 30, 212),
    Row("channel-buffered", "buffered (128), stream", "channel buffered", 20, 52),
    Row("channel-self", "send and receive, one buffered channel", "channel self", 16, 47),
    Row("select-ready", "select of 2, one ready", "select ready", 30, 103),
    Row("select-2", "select of 2, blocking", "select 2", 60, 266),
    Row("select-4", "select of 4, blocking", "select 4", 75, 461),
    Row("select-8", "select of 8, blocking", "select 8", 100, 773),
    Row("mutex", "mutex, uncontended", "mutex", 11, 19.5),
    Row("ring-1000", "ring of 1,000 through channels, a hop", "ring 1000", 35, 241),
    Row("ring-10000", "ring of 10,000 through channels, a hop", "ring 10000", 65, 373),
    Row("sieve", "prime sieve, first 2,000 primes", "sieve", 80, 459, "ms"),
    Row("skynet", "skynet, 1,000,000 coroutines", "skynet", 300, 1167, "ms"),
    Row("timer-1", "timer started and stopped", "timer 1", 25, 239),
    Row("timer-1000000", "the same, 1,000,000 pending", "timer 1000000", 25, 239),
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
            raise ValueError(f"ONLY={word}: there is {' '.join(sorted(names))}")
        chosen += rows
    return [row for row in ROWS if row in chosen]
