"""
Clients that do not want well: every one ends in an error or a close after its time. The times are
httpd's options; a test waits as long as it takes, and only checks what comes. They are short for clients that
are slow, and for these only: a machine that stands still for a second makes any client slow.
"""

import select
import socket
import time

from harness.suite import at_once

from .server import PATIENCE, parse, receive_all, reset

OPTIONS = "header=2048 body=65536"
SLOW_OPTIONS = f"idle-time=3 header-time=1 body-time=2 {OPTIONS}"
CONNECTIONS = 40
FLOOD_OPTIONS = f"idle-time={PATIENCE} connections={CONNECTIONS}" # so that nobody is closed for being slow
REQUEST = (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\n"
           b"0123456789")


def status_of(answer):
    """Of the last answer; None: closed without one."""
    answers = parse(answer)
    return answers[-1][0] if answers else None


def feed(s, piece, most):
    """Sends piece again and again until the other side has enough; what it says."""
    try:
        for _ in range(most):
            s.sendall(piece)
    except ConnectionError:
        return receive_all(s)
    raise AssertionError(f"took {most * len(piece)} bytes")


# ---- Too little ----

def truncated(server):
    """requests that end too early"""
    for n in range(len(REQUEST)):
        status = status_of(server.exchange(REQUEST[:n]))
        assert status == (400 if n else None), f"after {n} bytes: {status}"
    assert status_of(server.exchange(REQUEST)) == 200, "the whole one"


def cut_off(server):
    """connections that close or break in every state"""
    for n in range(0, len(REQUEST), 7):
        for end in (socket.socket.close, reset):
            s = server.connect()
            s.sendall(REQUEST[:n])
            end(s)
    for request in (100 * b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n"):
        for wait in (False, True):
            for end in (socket.socket.close, reset):
                s = server.connect()
                s.sendall(request)
                if wait:
                    s.recv(1000)
                end(s)


# ---- Too much ----

def endless(server):
    """lines, headers and bodies without an end"""
    head = b"POST /digest HTTP/1.1\r\nHost: x\r\n"

    def send(start, piece, want):
        with server.connect() as s:
            s.sendall(start)
            answer = feed(s, piece, 20000)
        # What was sent after the answer may have reset the connection before it was read.
        status = status_of(answer)
        assert status in want | {None}, f"{start}: {status}"

    endings = (
        (b"GET /", b"a" * 500, {414}),
        (b"GET /hello?", b"a" * 500, {414}),
        (b"GET / HTTP/1.1\r\n", b"X-Header: value\r\n" * 30, {431}),
        (b"GET / HTTP/1.1\r\nX-Header: ", b"v" * 500, {431}),
        (b"GET / HTTP/1.1\r\n", b"N" * 500, {431}),
        (b"", b"\r\n" * 250, {431}),
        (head + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n",
         {413}),
        (head + b"Transfer-Encoding: chunked\r\n\r\n1;", b"e" * 500, {413, 431}),
        (head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"Trailer: x\r\n" * 40,
         {413, 431}),
    )
    at_once(send, *zip(*endings))  # each is heard to its end, for a while


def limits(server):
    """what is just small enough is served, one byte more is not"""
    def status(size):
        head = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
        return status_of(server.exchange(head + b"v" * (size - len(head) - 4) + b"\r\n\r\n"))

    def body(size):
        head = b"POST /digest HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        return status_of(server.exchange(head % size + b"b" * size))

    got = [status(2048), status(2049), body(65536), body(65537)]
    assert got == [200, 431, 200, 413], got


# ---- Too slow ----

def drip(sockets):
    """A byte to each (socket, bytes), again and again, until all are closed: their answers."""
    answers = [b""] * len(sockets)
    rests = [rest for _, rest in sockets]
    is_open = set(range(len(sockets)))
    end = time.monotonic() + PATIENCE
    while is_open:
        assert time.monotonic() < end, f"{len(is_open)} are still served"
        for i in tuple(is_open):
            s = sockets[i][0]
            s.settimeout(0.01)
            try:
                if rests[i] and not answers[i]:
                    s.sendall(rests[i][:1])
                    rests[i] = rests[i][1:]
                data = s.recv(10000)
                answers[i] += data
                if not data:
                    is_open.remove(i)
            except TimeoutError:
                pass
            except ConnectionError:
                answers[i] += receive_all(s)  # what came before a byte too many was sent
                is_open.remove(i)
        time.sleep(0.1)
    return answers


def slow(server):
    """slow headers, slow bodies, silence: closed after their time"""
    cases = [(b"", b""),
             (b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", b""),
             (b"GET /hello HTTP/1.1\r\n", b"X: " + b"v" * 1000),
             (b"G", b"ET /" + b"v" * 900),
             (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"b" * 1000),
             (b"POST /digest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n",
              b"b" * 500)]
    sockets = []
    for start, rest in cases:
        s = server.connect()
        s.sendall(start)
        sockets.append((s, rest))
    got = [status_of(answer) for answer in drip(sockets)]
    for s, _ in sockets:
        s.close()
    assert got == [None, 200, 408, 408, 408, 408], got


def ask_for_much(server):
    """A connection that has asked for more than all buffers hold."""
    s = server.connect()
    s.settimeout(1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        for _ in range(2000):
            s.sendall(20 * b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    except (TimeoutError, ConnectionError):
        pass
    return s


def deaf(server):
    """who asks for much and reads nothing, or next to nothing, is closed"""
    with ask_for_much(server), ask_for_much(server) as sipping:
        for stats in server.watch():  # it has closed both, whatever they do
            if stats["connections"] == 1:
                return
            try:
                sipping.recv(100)
            except (TimeoutError, ConnectionError):
                pass
        raise AssertionError("still there")


# ---- Too many ----

def flood(server):
    """more connections than are allowed: told so, and the others are served"""
    sockets = [server.connect() for _ in range(3 * CONNECTIONS)]
    waiting, got = sockets, []
    while 503 not in got:  # nobody has asked for anything yet, so nobody leaves
        told = select.select(waiting, [], [], PATIENCE)[0]
        assert told, "nobody is told"
        got += [status_of(receive_all(s)) for s in told]
        waiting = [s for s in waiting if s not in told]
    for s in waiting:
        try:
            s.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        except ConnectionError:
            pass
    got += [status_of(receive_all(s)) for s in waiting]
    for s in sockets:
        s.close()
    assert got.count(200) >= CONNECTIONS // 2, f"{got.count(200)} served"
    assert set(got) <= {200, 503, None}, set(got)
    server.settled()
    assert server.get("/hello")[0] == 200, "and now no more"


WAITING = [slow, deaf]
FAST = [truncated, cut_off, endless, limits]
