"""The profile as a plain table: the functions, the coroutines, the places where these were started, the reasons."""

from collections import Counter

from .places import show
from .tables import KINDS

MOST = 40 # lines of a table
TITLES = {"cpu": "processor time", "wait": "waiting", "contention": "waiting for mutexes and rwmutexes",
          "alloc": "allocated"}
LABELS = (("reason", "by reason"), ("coroutine", "by coroutine"), ("spawned_at", "by where the coroutine was started"),
          ("core", "by core"))


def frames(sample):
    """The functions of its stack, innermost first."""
    return [place.function for _, places in sample.stack for place in places]


def of_functions(kind, samples, total):
    """Lines: of each function, what was spent in it, and in it and all that it called."""
    flat, all_in = Counter(), Counter()
    for sample in samples:
        names = frames(sample)
        flat[names[0]] += sample.value
        for name in set(names):
            all_in[name] += sample.value
    yield f"{'flat':>10} {'flat%':>6} {'cum':>10} {'cum%':>6}  function"
    for name, _ in sorted(all_in.items(), key=lambda item: (-flat[item[0]], -item[1], item[0]))[:MOST]:
        yield (f"{show(kind, flat[name]):>10} {100 * flat[name] / total:5.1f}% "
               f"{show(kind, all_in[name]):>10} {100 * all_in[name] / total:5.1f}%  {name}")
    if len(all_in) > MOST:
        yield f"{len(all_in) - MOST} more functions"


def by_label(kind, samples, total, label):
    """Lines, the most first."""
    sums = Counter()
    for sample in samples:
        if label in sample.labels:
            sums[sample.labels[label]] += sample.value
    for text, value in sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:MOST]:
        yield f"{show(kind, value):>10} {100 * value / total:5.1f}%  {text}"
    if len(sums) > MOST:
        yield f"{len(sums) - MOST} more"


def lines_of(profile):
    """All lines."""
    yield f"profile: {show('cpu', profile.duration)}, a sample every {show('cpu', profile.period)} of each core"
    for kind in KINDS:
        samples = [sample for sample in profile.samples if sample.kind == kind]
        total = sum(sample.value for sample in samples)
        if not total:
            continue
        yield ""
        yield f"{kind}: {TITLES[kind]}, {show(kind, total)} in {sum(s.count for s in samples)} samples"
        yield from of_functions(kind, samples, total)
        for label, title in LABELS:
            lines = list(by_label(kind, samples, total, label))
            if lines:
                yield ""
                yield f"{kind} {title}"
                yield from lines


def write(profile, out):
    """The profile, to the open file out."""
    out.write("".join(line + "\n" for line in lines_of(profile)).encode())
