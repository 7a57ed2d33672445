"""Many: ten thousand connections held at once, a million requests. For the long tests."""

import resource
import select

from .server import PATIENCE

OPTIONS = "idle-time=900 connections=12000"
HELD = 10_000
REQUESTS = 1_000_000
CONNECTIONS = 64
REQUEST = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


def answer_of(s, size):
    """size bytes."""
    data = b""
    while len(data) < size:
        piece = s.recv(size - len(data))
        assert piece, "closed"
        data += piece
    return data


def sample(server):
    """What /hello answers on a connection that is kept."""
    with server.connect() as s:
        s.sendall(REQUEST)
        data = b""
        while not data.endswith(b"Vole!\n"):
            data += s.recv(1000)
        return data


def held(server):
    """ten thousand connections at once, each answered, again and again"""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    assert most > HELD + 100, f"this host allows {most} files: ulimit -n"
    want = sample(server)
    sockets = []
    for _ in range(HELD):
        s = server.connect()
        sockets.append(s)
        s.sendall(REQUEST)
        assert answer_of(s, len(want)) == want
    stats = server.stats()
    assert stats["connections"] == HELD + 1, f"{stats['connections']} connections"
    for _ in range(2):
        for s in sockets:
            s.sendall(REQUEST)
        for s in sockets:
            assert answer_of(s, len(want)) == want
    for s in sockets:
        s.close()


def million(server):
    """a million requests, and no connection lost"""
    want = sample(server)
    poll = select.epoll()
    sockets = {}
    for _ in range(CONNECTIONS):
        s = server.connect()
        sockets[s.fileno()] = s
        poll.register(s, select.EPOLLIN)
        s.sendall(REQUEST)
    asked, answered = CONNECTIONS, 0
    while answered < REQUESTS:
        ready = poll.poll(PATIENCE)
        assert ready, f"no answer after {answered} requests"
        for fd, _ in ready:
            data = sockets[fd].recv(1000)
            if len(data) < len(want):
                data += answer_of(sockets[fd], len(want) - len(data))
            assert data == want, f"after {answered}: {data}"
            answered += 1
            if asked < REQUESTS:
                sockets[fd].sendall(REQUEST)
                asked += 1
    for s in sockets.values():
        s.close()


TESTS = [held, million]
