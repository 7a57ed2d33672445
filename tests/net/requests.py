"""What httpd answers: good requests and bad ones, whole and in pieces."""

import random
import zlib

from harness.machine import ROOT

from .server import parse, receive_all

HOST_LINE = b"Host: x\r\n"


def digest(body):
    """What /digest says of it."""
    return f"{len(body)} bytes, crc32 {zlib.crc32(body):08x}\n".encode()


def chunked(body, rng, extension=b"", trailer=b""):
    """body in chunks of any size."""
    data = b""
    while body:
        n = rng.randint(1, min(len(body), 700))
        data += b"%x%s\r\n%s\r\n" % (n, extension, body[:n])
        body = body[n:]
    return data + b"0\r\n" + trailer + b"\r\n"


def post(body, close=False):
    end = b"Connection: close\r\n" if close else b""
    return (b"POST /digest HTTP/1.1\r\n" + HOST_LINE + end +
            b"Content-Length: %d\r\n\r\n" % len(body) + body)


# ---- Single answers ----

STATUS = [
    (b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    (b"\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    (b"GET http://x/hello?a=b HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    (b"GET /%68ello HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    (b"GET /hello HTTP/1.0\r\n\r\n", 200),
    (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /..%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /a/%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /hello HTTP/1.1\r\n\r\n", 400),
    (b"GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    (b"GET /hello HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    (b"GET /hel lo HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /hello HTTP/1.1\nHost: x\n\n", 400),
    (b"nonsense\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
    (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nhello", 400),
    (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello", 400),
    (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
     400),
    (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /digest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    (b"POST /digest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    (b"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
    (b"GET /digest HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    (b"DELETE /building.md HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413),
    (b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
    (b"GET /hello HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n", 417),
    (b"FROB / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    (b"GET / HTTP/3.7\r\nHost: x\r\n\r\n", 505),
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
]


def statuses(server):
    """every error has its status"""
    for request, want in STATUS:
        answers = parse(server.exchange(request))
        got = [status for status, _, _ in answers]
        assert got == [want], f"{request[:80]}: {got}, not {want}"
        if want == 405:
            assert "allow" in answers[0][1], "405 without Allow"


def files(server):
    """files, folders, and HEAD"""
    for path in sorted((ROOT / "docs").glob("*.md")):
        status, headers, body = server.get("/" + path.name)
        assert status == 200 and body == path.read_bytes(), path.name
        assert headers["content-type"].startswith("text/plain"), headers
    status, headers, _ = server.get("/inside.md", "HEAD")
    assert status == 200, status
    assert int(headers["content-length"]) == (ROOT / "docs/inside.md").stat().st_size, headers
    status, headers, body = server.get("/files")
    assert status == 200 and b'href="/inside.md"' in body, body
    page = (ROOT / "examples/httpd/page.html").read_bytes()
    assert server.get("/")[2] == page, "the page is another"


# ---- Keep-alive, pipelining, pieces ----

def in_pieces(server, data, rng):
    """Sends data cut anywhere; all that is answered."""
    with server.connect() as s:
        while data:
            n = rng.randint(1, max(1, len(data) // 3))
            s.sendall(data[:n])
            data = data[n:]
        return receive_all(s)


def keep_alive(server):
    """a connection is kept, or closed, as it is asked for"""
    get = b"GET /hello HTTP/%s\r\nHost: x\r\nConnection: %s\r\n\r\n"
    for version, word, kept in ((b"1.1", b"x", True), (b"1.1", b"close", False),
                                (b"1.0", b"x", False), (b"1.0", b"keep-alive", True)):
        answers = parse(server.exchange(2 * (get % (version, word))))
        assert len(answers) == 1 + kept, f"{version} {word}: {len(answers)} answers"
        said = answers[0][1].get("connection", "")
        assert said == ("close" if not kept else "keep-alive" if version == b"1.0" else ""), said
    with server.connect() as s:
        for _ in range(20):
            s.sendall(get % (b"1.1", b"keep-alive"))
            data = b""
            while not data.endswith(b"Vole!\n") and (piece := s.recv(1000)):
                data += piece
            assert parse(data)[0][0] == 200, data


def pipelining(server):
    """a hundred requests at once are answered in their order"""
    rng = random.Random(1)
    bodies = [rng.randbytes(rng.randint(0, 300)) for _ in range(100)]
    data = b"".join(post(b, close=b is bodies[-1]) for b in bodies)
    for answer in (server.exchange(data, end=False), in_pieces(server, data, rng)):
        got = [body for _, _, body in parse(answer)]
        assert got == [digest(b) for b in bodies], f"{len(got)} answers, or others"


def chunks(server):
    """chunked bodies, with extensions and trailers, cut anywhere"""
    rng = random.Random(2)
    for n in (0, 1, 1000, 30000):
        body = rng.randbytes(n)
        head = (b"POST /digest HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n" +
                HOST_LINE + b"\r\n")
        for extension, trailer in ((b"", b""), (b";a=b", b"X-Sum: 1\r\n")):
            data = head + chunked(body, rng, extension, trailer)
            for answer in (server.exchange(data, end=False), in_pieces(server, data, rng)):
                assert parse(answer)[0][2] == digest(body), f"{n} bytes: {answer[-100:]}"


def expect(server):
    """Expect: 100-continue is answered before the body comes"""
    with server.connect() as s:
        s.sendall(b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                  b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        first = s.recv(1000)
        assert first == b"HTTP/1.1 100 Continue\r\n\r\n", first
        s.sendall(b"hello")
        assert parse(receive_all(s))[0][2] == digest(b"hello")


# ---- Fuzzing ----

BASES = [
    b"GET /hello HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n",
    b"GET /inside.md?x=1&y=2 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    post(b"0123456789"),
    b"POST /digest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\nA;e=f\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
    b"GET /hello HTTP/1.0\r\nConnection: close\r\n\r\n",
]
TOKENS = [b"\r\n", b"\n", b"\r", b" ", b":", b"\0", b"\xff", b"%", b"%00", b"..", b"/", b"?",
          b"Transfer-Encoding: chunked\r\n", b"Content-Length: 1\r\n", b"Content-Length: -1\r\n",
          b"Expect: 100-continue\r\n", b"Upgrade: x\r\nConnection: upgrade\r\n", b"HTTP/1.1",
          b"GET ", b"POST ", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"A" * 3000]
STATUSES = {100, 200, 301, 400, 404, 405, 408, 413, 414, 417, 431, 501, 505}


def mutate(data, rng):
    """data with some changes."""
    for _ in range(rng.randint(1, 4)):
        at, n = rng.randint(0, len(data)), rng.randint(1, 20)
        data = rng.choice((
            lambda: data[:at] + bytes([rng.randrange(256)]) + data[at + 1:],
            lambda: data[:at] + data[at + n:],
            lambda: data[:at] + data[at:at + n] + data[at:],
            lambda: data[:at] + rng.choice(TOKENS) + data[at:],
            lambda: data[:at],
            lambda: data[:at] + rng.choice(BASES),
        ))()
    return data


def fuzz(server, seed=3, rounds=300):
    """changed requests are answered, or their connections closed"""
    rng = random.Random(seed)
    for number in range(rounds):
        data = mutate(rng.choice(BASES), rng)
        answer = server.exchange(data)
        try:
            got = {status for status, _, _ in parse(answer)}
        except (ValueError, KeyError) as error:
            raise AssertionError(f"seed {seed}, round {number}: {data}: {error}") from error
        assert got <= STATUSES, f"seed {seed}, round {number}: {data}: {got}"
    assert server.get("/hello")[0] == 200, "it has had enough"


def fuzz_more(server):
    """many more changed requests"""
    for seed in range(10, 20):
        fuzz(server, seed, 2000)


FAST = [statuses, files, keep_alive, pipelining, chunks, expect, fuzz]
LONG = [fuzz_more]
