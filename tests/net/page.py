"""httpd's page in a browser: it draws, it moves, it starts work, it outlives the server."""

import time

from harness.suite import Check

from .browser import Browser
from .server import PATIENCE, Httpd

STATE = "return document.body.dataset.state"
EVENTS = "return Number(document.body.dataset.events)"
CORES = "return document.querySelectorAll('#lanes canvas').length"
# Pixels of a lane that something has been drawn on.
DRAWN = """
const c = document.querySelector('#lanes canvas');
const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
return pixels.filter((value, i) => i % 4 === 3 && value > 0).length"""
PICTURE = "return document.querySelector('#lanes canvas').toDataURL()"
PAPER = "return getComputedStyle(document.body).backgroundColor"
SAID = "return document.getElementById('said').textContent"
WORK = "return [...document.querySelectorAll('button')].map(b => b.dataset.what)"


def until(browser, script, want):
    """Waits until the page says so."""
    end = time.monotonic() + PATIENCE
    while not want(got := browser.run(script)):
        assert time.monotonic() < end, f"{script}: still {got}"
        time.sleep(0.2)


def lives(server, browser):
    """it shows each core, and goes on to"""
    until(browser, STATE, lambda state: state == "live")
    cores = browser.run(CORES)
    assert cores == server.stats()["cores"], f"{cores} lanes"
    before = browser.run(EVENTS)
    until(browser, EVENTS, lambda n: n >= before + 20)


def press(browser, what):
    browser.run(f"document.querySelector('[data-what={what}]').click()")
    until(browser, SAID, lambda said: f"{what} started" in said)


def works(_server, browser):
    """its buttons start work, which is drawn, and moves"""
    for what in browser.run(WORK):
        press(browser, what)
    press(browser, "hogs")  # which may be over by now: they last some seconds
    until(browser, DRAWN, lambda n: n > 1000)
    picture = browser.run(PICTURE)
    until(browser, PICTURE, lambda now: now != picture)


def outlives(server, browser):
    """it says that the server is gone, and is back by itself"""
    server.stop()
    until(browser, STATE, lambda state: state == "gone")
    server.start()
    until(browser, STATE, lambda state: state == "live")
    before = browser.run(EVENTS)
    until(browser, EVENTS, lambda n: n >= before + 20)


def schemes(_server, browser):
    """it is light and dark"""
    papers = []
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        papers.append(browser.run(PAPER))
    assert papers[0] != papers[1], papers


def is_clean(_server, browser):
    """it has no errors but that the server was gone"""
    log = [line for line in browser.log() if "ERR_" not in line]
    assert not log, log


TESTS = [lives, works, schemes, outlives, is_clean]


def run_page(case):
    """All of them, in one window."""
    checks = []
    with Httpd(case) as server, Browser() as browser:
        browser.open(f"http://127.0.0.1:{server.port}/")
        for test in TESTS:
            why = ""
            try:
                test(server, browser)
            except (AssertionError, RuntimeError, OSError) as error:
                why = f"{type(error).__name__}: {error}"
            checks.append(Check(f"the page: {test.__doc__}", not why, why,
                                server.console() if why else ""))
    return checks
