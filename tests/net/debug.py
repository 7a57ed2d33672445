"""httpd's /debug: figures of a machine that works."""

import json
import re
import time

from .server import PATIENCE

EVENT = re.compile(r'\d+ core \d+ co \d+ "[^"]*" [a-z]+( .*)?')


def ask(server):
    status, headers, body = server.get("/debug.json")
    assert status == 200 and headers["content-type"] == "application/json", f"{status} {headers}"
    return json.loads(body)


def shows(server):
    """/debug.json says what the cores do, who uses them, and what happened last"""
    end, shown = time.monotonic() + PATIENCE, False
    while not shown:  # a hog ends after a while, and begins after one where a core stands still
        assert time.monotonic() < end, f"{m}"
        assert server.get("/load?what=hogs&n=1", "POST")[0] == 200
        m = ask(server)
        shares = [co["share"] for co in m["busiest"] if co["name"] == "hog"]  # on a slow machine there are several
        assert max(shares, default=0) <= 100, f"{m}"
        shown = sum(shares) > 30 and max(core["busy"] for core in m["cores"]) > 30
    assert len(m["cores"]) == server.stats()["cores"], m["cores"]
    time.sleep(0.6)  # for another answer: now events are recorded
    m = ask(server)
    assert m["recording"] and len(m["events"]) > 10, f"{len(m['events'])} events"
    wrong = [line for line in m["events"] if not EVENT.fullmatch(line)]
    assert not wrong, wrong
    for name in ("live", "parked", "runnable", "free", "interrupts"):
        assert isinstance(m[name], int), f"{name}: {m[name]}"


def forgets(server):
    """and records no more when nobody has asked for a while"""
    assert any(not stats["recording"] for stats in server.watch()), "it still records"


def serves(server):
    """/debug is a page that needs nothing else"""
    status, headers, body = server.get("/debug")
    text = body.decode()
    assert status == 200 and headers["content-type"].startswith("text/html"), f"{status} {headers}"
    assert "/debug.json" in text and not re.search(r"(src|href)=.?(https?:)?//", text)


TESTS = (serves, shows, forgets)
