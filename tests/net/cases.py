"""tests/net: sockets, and the servers of examples/ with clients of every kind."""

import random
from dataclasses import replace

from harness.kernel import results
from harness.machine import ARCHES, HOST, boot
from harness.suite import Case, Check, at_once

from . import asked, attacks, debug, forged, many, names, page, paths, requests, rfc, room, site, thrown, wire, wiring
from .server import PATIENCE, Httpd, Server, image_of

# Bytes that httpd may keep for the next connection, or for the next thousands.
SLACK = 64 * 1024
SLACK_MANY = 512 * 1024


def left_behind(server, baseline, slack):
    """What a test has left on httpd, after a while; "": nothing."""
    now = None
    for now in server.watch():
        if (now["connections"] == 1 and now["live"] <= baseline["live"] and
                now["heap"] <= baseline["heap"] + slack):
            return ""
    return f"memory is not back: {baseline} before, {now} after"


def check(server, test, after=lambda: ""):
    """One check: what test finds, then what is found after it."""
    try:
        test(server)
        why = after()
    except (AssertionError, ValueError, OSError) as error:
        why = f"{type(error).__name__}: {error}"
    if not server.alive():
        why = f"the server has ended; {why}"
    return Check(test.__doc__, not why, why, server.console() if why else "")


def run_httpd(case, tests, options="", slack=SLACK, kind=Httpd, waiting=()):
    """The checks of tests that wait, all at once; then of others, none of which leaves anything behind."""
    with kind(case, options) as server:
        baseline = server.settled()
        return [*at_once(lambda test: check(server, test), waiting),
                *(check(server, test, lambda: left_behind(server, baseline, slack)) for test in tests)]


def run_attacks(case):
    return sum(at_once(lambda tests, options, waiting: run_httpd(case, tests, options, waiting=waiting),
                       (attacks.FAST, ()), (attacks.OPTIONS, attacks.SLOW_OPTIONS), ((), attacks.WAITING)), [])


def run_rfc(case):
    tests = rfc.TESTS + rfc.OF_FILES + rfc.OF_HOST * (case.arch == HOST)
    checks = run_httpd(case, tests, kind=rfc.SiteHttpd)
    if case.arch == HOST:
        why = rfc.alone(case)
        checks.append(Check("without a folder there are no files, and no other addresses", not why, why))
    return checks


def run_chat(case):
    with Server(case) as server:
        return [check(server, test) for test in room.TESTS]


def echo(server):
    """what is sent to echo comes back, to many at once"""
    sockets = [server.connect() for _ in range(20)]
    data = bytes(range(256)) * 40
    for s in sockets:
        s.sendall(data)
    for s in sockets:
        back = b""
        while len(back) < len(data) and (piece := s.recv(65536)):
            back += piece
        s.close()
        assert back == data, f"{len(back)} bytes, or others"


def run_echo(case):
    with Server(case, hello=b"x") as server:
        return [check(server, echo)]


def run_sockets(case):
    return results(boot(image_of(case), limit=60, ARCH=case.arch, SMP=case.smp, NET=1,
                        ARGS=f"smp={case.smp}"))


def run_wire(case):
    # Addresses by DHCP, and by hand.
    args = "vole.ip=10.0.2.15/24,10.0.2.2" if case.arch == "arm64" else ""
    with Server(case, args, hello=b"? 0\n") as server:
        return [check(server, test) for test in wire.TESTS]


def on_wire(case, args, tests, waiting=()):
    """The checks of tests with one machine, after those of which each waits, with connections of its own."""
    with wiring.Wire(case, image_of(case), args, MEM="64M") as wire:
        asked.assert_answers(wire)
        return [*at_once(lambda test: check(wire, test), waiting), *(check(wire, test) for test in tests)]


def run_forged(case):
    args = f"{names.ARGS} offload vole.log=info"
    alone, timed, others = at_once(lambda smp, tests, waiting: on_wire(replace(case, smp=smp), args, tests, waiting),
                                   (case.smp, 1, case.smp),
                                   (forged.OF_SILENCE, forged.OF_TIME,
                                    (*paths.TESTS, *forged.TESTS, *thrown.TESTS, forged.counted)),
                                   ((), (), (*paths.WAITING, *names.WAITING, *forged.WAITING)))
    return others + alone + timed


def run_forged_failing(case):
    return on_wire(case, wiring.ARGS, paths.OF_NO_MEMORY)


def run_forged_long(case):
    checks = []
    for _ in range(4):  # on a new machine each: what it has sent for nothing fills it in the end
        with wiring.Wire(case, image_of(case), MEM="64M") as wire:
            asked.assert_answers(wire)
            checks += [check(wire, test) for test in (*thrown.LONG, *forged.LONG)]
    return checks


def run_storm(case):
    """Frames that are forged in the machine itself, by other dice each time."""
    checks = []
    for args in f"vole.ip={wiring.MACHINE}/24,{wiring.HOST},{wiring.HOST}", "":  # without: by DHCP, which is forged too
        seed = random.getrandbits(32)
        run = boot(image_of(case), limit=600, ARCH=case.arch, SMP=case.smp, MEM="64M", ARGS=f"100000 {seed} {args}")
        checks.append(Check(f"100,000 forged frames leave the network as it was{'' if args else ', by DHCP'}",
                            run.status == 0 and "it works" in run.text, f"status {run.status}, seed {seed}", run.text))
    return checks


def run_dhcp(case):
    def run(test):
        with wiring.Wire(case, image_of(case), args="") as wire:
            return check(wire, test)

    return at_once(run, forged.OF_ADDRESSES)


def run_names(case):
    with wiring.Wire(case, image_of(case), args=names.ARGS) as wire:
        return [check(wire, test) for test in names.TESTS]


RUNS = (  # name, what runs it, its application, seconds
    ("sockets", run_sockets, "tests/net/loopback.c", 4),
    ("wire", run_wire, "tests/net/wire.c", 8),
    ("forged", run_forged, "tests/net/wire.c", 12),
    ("forged failing", run_forged_failing, "tests/net/wire.c", 10),
    ("names", run_names, "tests/net/wire.c", 12),
    ("dhcp", run_dhcp, "tests/net/wire.c", 4),
    ("echo", run_echo, "examples/echo.c", 2),
    ("chat", run_chat, "examples/chat.c", 6),
    ("crawl", site.run_crawl, "examples/crawl", 3),
    ("requests", lambda case: run_httpd(case, requests.FAST), "examples/httpd", 8),
    ("rfc", run_rfc, "examples/httpd", 8),
    ("debug", lambda case: run_httpd(case, debug.TESTS), "examples/httpd", 15),
    ("attacks", run_attacks, "examples/httpd", 12),
    ("flood", lambda case: run_httpd(case, [attacks.flood], attacks.FLOOD_OPTIONS), "examples/httpd", 5),
)


LONG = (
    ("many", lambda case: run_httpd(case, many.TESTS, many.OPTIONS, SLACK_MANY),
     "examples/httpd", 300),
    ("fuzz", lambda case: run_httpd(case, requests.LONG), "examples/httpd", 100),
    ("page", page.run_page, "examples/httpd", 40),
    ("many forged", run_forged_long, "tests/net/wire.c", 300),
    ("storm", run_storm, "tests/net/storm", 60),
    ("storm failing", run_storm, "tests/net/storm", 60),
)


OPTIONS = dict.fromkeys(("forged failing", "storm failing"), {"BUILD": "failing"})
# They wait for timers of the network, for silence, or for a server that says something twice a second.
WAITS = ("forged", "forged failing", "dhcp", "chat", "debug", "attacks", "flood")
ON_WIRE = ("wire", "forged", "forged failing", "many forged", "storm", "storm failing", "names", "dhcp")


def sanitize_cases():
    for sanitizer in ("asan", "tsan"):
        for name, run, app, cost in RUNS:
            if name not in ON_WIRE:
                yield Case(f"{sanitizer} net", name, HOST, 2, run, cost=4 * cost,
                           images=[(app, HOST, {"SAN": sanitizer})])


def cases(tier):
    if tier == "sanitize":
        yield from sanitize_cases()
        return
    for arch in (*ARCHES, HOST):
        for name, run, app, cost in RUNS + (LONG if tier == "long" else ()):
            if arch == HOST and name in ON_WIRE:
                continue  # there is no card between
            yield Case("net", name, arch, 2, run, cost=cost, waits=name in WAITS,
                       images=[(app, arch, OPTIONS.get(name, {}))])
