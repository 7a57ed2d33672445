"""tests/net/wire.c: sockets through the network card, with the host at the other end."""

import socket
import threading

from .server import PATIENCE, receive_all, reset

LARGE = 3_000_000


def pattern(size):
    return bytes((i * 31 + i // 251) & 255 for i in range(size))


def order(server, words):
    s = server.connect()
    s.sendall(words.encode() + b"\n")
    return s


def sends(server):
    """a machine sends much, to several at once"""
    want = pattern(LARGE)
    sockets = [order(server, f"send {LARGE}") for _ in range(3)]
    for s in sockets:
        got = receive_all(s)
        assert got == want, f"{len(got)} bytes, or others"
        s.close()


def receives(server):
    """a machine receives much, from several at once"""
    data = pattern(LARGE)
    sockets = [order(server, "count 0") for _ in range(3)]

    def send(s):
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)

    threads = [threading.Thread(target=send, args=[s]) for s in sockets]
    for thread in threads:
        thread.start()
    for thread, s in zip(threads, sockets):
        thread.join()
        right = receive_all(s)
        s.close()
        assert right == str(LARGE).encode(), f"{right} of {LARGE} bytes are right"


def dials(server):
    """a machine connects to the host, and waits for the end there"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        s = order(server, f"dial {listener.getsockname()[1]}")
        other, _ = listener.accept()
        other.settimeout(PATIENCE)
        for text in b"one", b"two" * 1000:
            other.sendall(text)
            back = b""
            while len(back) < len(text) and (piece := other.recv(10000)):
                back += piece
            assert back == text
        other.shutdown(socket.SHUT_WR)
        assert other.recv(1) == b""
        other.close()
        answer = receive_all(s)
        s.close()
    assert answer == b"done", answer


def refused(server):
    """a machine is refused where nobody listens"""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        s = order(server, f"dial {closed.getsockname()[1]}")
        answer = receive_all(s)
        s.close()
    assert b"refused" in answer or b"reset" in answer, answer


def datagrams(server):
    """datagrams of many sizes, in pieces too, come back from the host"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", 0))
        echo.settimeout(PATIENCE)
        s = order(server, f"udp {echo.getsockname()[1]}")
        for _ in range(7):
            data, sender = echo.recvfrom(65536)
            echo.sendto(data, sender)
        answer = receive_all(s)
        s.close()
    assert answer == b"7", f"{answer} of 7"


def resets(server):
    """connections that are reset at any moment leave the others alone"""
    steady = order(server, f"send {LARGE}")
    for i in range(60):
        s = order(server, ("count 0", f"send {LARGE}", "?")[i % 3])
        if i % 2:
            s.sendall(b"x" * 5000)
        reset(s)
    got = receive_all(steady)
    steady.close()
    assert got == pattern(LARGE), f"{len(got)} bytes, or others"


TESTS = (sends, receives, dials, refused, datagrams, resets)
