"""httpd against RFC 9110 (what requests mean) and RFC 9112 (how they are written), rule by rule."""

import email.utils
import os
import pathlib
import shutil
import socket
import tempfile
import time
import zlib

from .server import Httpd, parse

GET = b"GET /hello HTTP/1.1\r\n"
HELLO = b"Hello from Vole!\n"


def digest(body):
    """What /digest says of it."""
    return f"{len(body)} bytes, crc32 {zlib.crc32(body):08x}\n".encode()


def host(value):
    return GET + b"Host:" + value + b"\r\n\r\n"


def target(text, method=b"GET"):
    return method + b" " + text + b" HTTP/1.1\r\nHost: x\r\n\r\n"


def fields(lines, body=b"", version=b"1.1"):
    return (b"POST /digest HTTP/" + version + b"\r\nHost: x\r\n" + lines + b"\r\n\r\n" + body)


def coded(value, body=b"3\r\nabc\r\n0\r\n\r\n"):
    return fields(b"Transfer-Encoding:" + value, body)


def in_chunks(body):
    return coded(b" chunked", body)


ABC = digest(b"abc")
END = b"0\r\n\r\n"

# Request: its status, and the body of the answer if it matters.
STATUS = [
    # Host, 9110 7.2
    *((host(value), 200) for value in (
        b"", b" ", b"x", b" x ", b"\tx\t", b" x:", b" x:80", b" X-1.example.org:8080", b" 127.0.0.1", b" a_b~c!d",
        b" [::1]", b" [::1]:80", b" [fe80::1:2]", b" [v1.a:b]", b" a%20b")),
    *((host(value), 400) for value in (
        b" x/y", b" a b", b" x,y", b" u@x", b" x:abc", b" [::1", b" ::1", b" [::1]x", b" [::1]:x", b" []", b" [x]",
        b" [::1%25lo]", b" x:80:80", b" :80", b" a%2", b" a%zz", b" x\\y", b' "x"', b" x?y", b" x#y", b" <x>",
        b" \xc3\xa4", b" http://x")),
    (b"GET /hello HTTP/1.0\r\nHost: a b\r\n\r\n", 400),
    (GET + b"Host: x\r\nhost: x\r\n\r\n", 400),
    (b"GET http://x/hello HTTP/1.1\r\n\r\n", 400),
    (b"GET http://y/hello HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    # Targets, 9112 3.2
    *((target(text), 200) for text in (
        b"http://x", b"http://x?a", b"HTTP://x/", b"hTTp://x:80/hello", b"http://[::1]:8/hello", b"/hello?", b"/hello?a=%2",
        b"/hello?/../x", b"/h%65llo")),
    *((target(text), 400) for text in (
        b"http:///x", b"http://", b"http://u@x/", b"http://x:y/", b"http://x,y/", b"ftp://x/", b"hello", b"*",
        b"/hello#a", b"/a\"b", b"/a<b", b"/a|b", b"/a\\b", b"/a^b", b"/%", b"/%0", b"/%00", b"x:80")),
    (target(b"https://x/"), 421),
    (target(b"*", b"OPTIONS"), 200, b""),
    (target(b"/hello", b"OPTIONS"), 200, b""),
    (target(b"http://x", b"OPTIONS"), 200, b""),
    (target(b"*", b"HEAD"), 400),
    # Methods and versions
    (target(b"/hello", b"get"), 501),
    (target(b"/hello", b"G"), 501),
    (target(b"/hello", b"a-token!"), 501),
    (target(b"/hello", b"G(T"), 400),
    (target(b"/hello", b"PUT"), 405),
    (target(b"/digest", b"HEAD"), 405),
    (b"GET /hello HTTP/1.2\r\nHost: x\r\n\r\n", 200),
    (b"GET /hello HTTP/1.2\r\n\r\n", 400),
    (b"GET /hello HTTP/0.9\r\n\r\n", 505),
    (b"GET /hello HTTP/2.0\r\n\r\n", 505),
    (b"GET /hello http/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /hello\r\n\r\n", 400),
    # Fields, 9112 5
    (GET + b"Host: x\r\n: y\r\n\r\n", 400),
    (GET + b"Host: x\r\nA : y\r\n\r\n", 400),
    (GET + b"Host: x\r\nA\r\n\r\n", 400),
    (GET + b"Host: x\r\nA: b\r\n c\r\n\r\n", 400),
    (GET + b"Host: x\r\n A: b\r\n\r\n", 400),
    (GET + b" Host: x\r\n\r\n", 400),
    (GET + b"Host: x\r\nA(: y\r\n\r\n", 400),
    (GET + b"Host: x\r\nA: b\0c\r\n\r\n", 400),
    (GET + b"Host: x\r\nA: b\rc\r\n\r\n", 400),
    (GET + b"Host: x\r\nA:\r\n\r\n", 200),
    (GET + b"Host: x\r\nA: \xe4\r\n\r\n", 200),
    # Lengths and codings, 9112 6
    (fields(b"Content-Length: 3", b"abc"), 200, ABC),
    (fields(b"Content-Length:3 \t", b"abc"), 200, ABC),
    (fields(b"content-length: 003", b"abc"), 200, ABC),
    (fields(b"X: y", b""), 200, digest(b"")),
    *((fields(b"Content-Length:" + value, b"abc"), 400) for value in (
        b"", b" +3", b" 0x3", b" 3;", b" 3 3", b" 3.0", b" -1", b" 3, 4")),
    *((coded(value), 200, ABC) for value in (
        b" chunked", b" Chunked", b"chunked\t", b" chunked ,", b" , chunked", b"\t CHUNKED \t")),
    *((coded(value), 400) for value in (
        b"", b" ", b" ,", b" gzip", b" identity", b" chunked, chunked", b" chunked, gzip", b" chunkedx", b" xchunked",
        b" chunked;a=b", b" \"chunked\"", b" chunked\r\nTransfer-Encoding: chunked", b" chunked\r\nContent-Length: 3",
        b"\r\nContent-Length: 3")),
    (coded(b" gzip, chunked"), 501),
    (coded(b" gzip\r\nTransfer-Encoding: chunked"), 501),
    (coded(b" identity, chunked"), 501),
    # Chunks, 9112 7.1
    *((in_chunks(body), 200, ABC) for body in (
        b"3\t\r\nabc\r\n" + END, b"3 \r\nabc\r\n" + END, b"3;a\r\nabc\r\n" + END, b"3;a=b;c=d\r\nabc\r\n" + END,
        b"3 ; a = \"b;c\" ; d\r\nabc\r\n" + END, b"0003\r\nabc\r\n" + END, b"1\r\na\r\n2\r\nbc\r\n" + END,
        b"3\r\nabc\r\n000;x\r\n\r\n", b"3\r\nabc\r\n0\r\nA: b\r\nC:\r\n\r\n",
        b"3\r\nabc\r\n0\r\nExpect: wonders\r\nHost: a b\r\nHost: y\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\n\r\n")),
    *((in_chunks(body), 400) for body in (
        b"\r\nabc\r\n" + END, b"0x3\r\nabc\r\n" + END, b"+3\r\nabc\r\n" + END, b"-3\r\nabc\r\n" + END, b" 3\r\nabc\r\n" + END,
        b"3\nabc\r\n" + END, b"3\r\nabc\n" + END, b"3\r\nabcd\r\n" + END, b"3 3\r\nabc\r\n" + END,
        b"3;a\nabc\r\n" + END, b"3;a\rb\r\nabc\r\n" + END, b"3\r\nabc\r\n0\r\nA\r\n\r\n",
        b"3\r\nabc\r\n0\r\n: b\r\n\r\n", b"3\r\nabc\r\n0\r\nA : b\r\n\r\n", b"3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n",
        b"3\r\nabc\r\n0\r\nA: b\n\r\n\r\n", b"3\r\nabc\r\n", b"3\r\nab")),
    (in_chunks(b"fffffffffffffffff\r\nabc\r\n"), 413),
    # Expect, 9110 10.1.1
    *((fields(b"Content-Length: 0\r\nExpect: " + value), 200) for value in (
        b"100-continue", b"100-Continue ", b"100-continue\t", b"100-continue, 100-continue", b"")),
    (fields(b"Content-Length: 0\r\nExpect: 100-continue, x"), 417),
    (fields(b"Content-Length: 3\r\nExpect: 100-continue", b"abc", b"1.0"), 200, ABC),
]


def rules(server):
    """every rule of the grammar has its status"""
    wrong = []
    for request, want, *body in STATUS:
        answers = parse(server.exchange(request), request.startswith(b"HEAD"))
        got = [status for status, _, _ in answers]
        if got != [want] or (body and answers[0][2] != body[0]):
            wrong.append(f"{request}: {got}, not {want}")
    assert not wrong, "\n".join(wrong)


# Version, fields of the first of two requests: whether the second is answered.
KEPT = [
    (b"1.1", b"X: y", True),
    (b"1.1", b"Connection: keep-alive", True),
    (b"1.1", b"Connection: close", False),
    (b"1.1", b"Connection: CLOSE", False),
    (b"1.1", b"Connection: close\t", False),
    (b"1.1", b"Connection: keep-alive, close", False),
    (b"1.1", b"Connection: close, keep-alive", False),
    (b"1.1", b"Connection: x,,close ,y", False),
    (b"1.1", b"Connection: x\r\nConnection: close", False),
    (b"1.1", b"Connection: closed", True),
    (b"1.1", b"Connection: upgrade\r\nUpgrade: h2c", True),
    (b"1.2", b"X: y", True),
    (b"1.0", b"X: y", False),
    (b"1.0", b"Connection: keep-alive", True),
    (b"1.0", b"Connection: Keep-Alive\t", True),
    (b"1.0", b"Connection: x, keep-alive", True),
    (b"1.0", b"Connection: keep-alive, close", False),
]


def kept(server):
    """a connection is kept or closed as the fields say"""
    last = GET + b"Host: x\r\nConnection: close\r\n\r\n"
    wrong = []
    for version, lines, want in KEPT:
        request = b"GET /hello HTTP/" + version + b"\r\nHost: x\r\n" + lines + b"\r\n\r\n"
        answers = parse(server.exchange(request + last, end=False))
        if len(answers) != 1 + want or answers[0][1].get("connection") == "close" and want:
            wrong.append(f"{version} {lines}: {len(answers)} answers, {answers[:1]}")
    # Chunks that HTTP/1.0 does not have may hide another request.
    lines = b"Connection: keep-alive\r\nTransfer-Encoding: chunked"
    answers = parse(server.exchange(fields(lines, b"3\r\nabc\r\n" + END, b"1.0") + last, end=False))
    if [answer[0] for answer in answers] != [200]:
        wrong.append(f"1.0 chunked: {answers}")
    assert not wrong, "\n".join(wrong)


def expected(server):
    """100 Continue is sent for 100-continue with a body, from HTTP/1.1 only"""
    for version, value, lines, want in (
            (b"1.1", b"100-continue ", b"Content-Length: 3", True),
            (b"1.1", b"100-Continue", b"Content-Length: 3", True),
            (b"1.0", b"100-continue", b"Content-Length: 3", False),
            (b"1.1", b"100-continue", b"Content-Length: 0", False)):
        request = fields(b"Expect: " + value + b"\r\nConnection: close\r\n" + lines, b"abc", version)
        statuses = [answer[0] for answer in parse(server.exchange(request, end=False))]
        assert statuses == [100, 200] if want else [200], f"{version} {value}: {statuses}"


def head(server):
    """an answer to HEAD is that to GET without its body, errors included"""
    for rest in (b"/hello HTTP/1.1\r\nHost: x\r\n\r\n", b"/nothing HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"/hello HTTP/1.1\r\n\r\n", b"/hello HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
                 b"/hello HTTP/3.7\r\n\r\n", b"/%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"x HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"/inside.md HTTP/1.0\r\n\r\n", b"/hello HTTP/1.1\r\nHost: x\r\nExpect: y\r\n\r\n",
                 b"/files HTTP/1.1\r\nHost: x\r\n\r\n", b"/" + 2000 * b"a" + b" HTTP/1.1\r\nHost: x\r\n\r\n"):
        top, _, body = server.exchange(b"HEAD " + rest).partition(b"\r\n\r\n")
        want = server.exchange(b"GET " + rest).partition(b"\r\n\r\n")[0]
        assert not body, f"{rest[:60]}: {body[:60]}"
        assert lines_of(top) == lines_of(want), f"{rest[:60]}: {top}, not {want}"


def lines_of(top):
    return [line for line in top.split(b"\r\n") if not line.startswith(b"Date:")]


# ---- Files: conditions, ranges, names ----

def get(server, path, **more):
    """Fields by their names with _ for -: status, headers, body."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
    return server.get(path, headers=lines)


def date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


MODIFIED = 1_000_000_000 # 2001-09-09 01:46:40, a Sunday
OLDER, NEWER = date(MODIFIED - 1), date(MODIFIED + 1)
TEXT = bytes(range(256)) * 40


def conditions(server):
    """conditions decide between 200, 304 and 412, in their order"""
    _, headers, _ = get(server, "/text.TXT")
    tag, now = headers["etag"], date(MODIFIED)
    assert tag.startswith('"') and headers["last-modified"] == now, headers
    wrong = []
    for want, more in (
            (200, {"If_Match": tag}), (200, {"If_Match": "*"}), (200, {"If_Match": f'"a,b", {tag}'}),
            (412, {"If_Match": '"x"'}), (412, {"If_Match": "W/" + tag}), (412, {"If_Match": ""}),
            (304, {"If_None_Match": tag}), (304, {"If_None_Match": "W/" + tag}), (304, {"If_None_Match": "*"}),
            (304, {"If_None_Match": f'"x" , W/{tag}'}), (200, {"If_None_Match": '"x", "y"'}),
            (200, {"If_None_Match": tag.strip('"')}),
            (304, {"If_Modified_Since": now}), (304, {"If_Modified_Since": NEWER}),
            (200, {"If_Modified_Since": OLDER}), (200, {"If_Modified_Since": "yesterday"}),
            (304, {"If_Modified_Since": "Sunday, 09-Sep-01 01:46:40 GMT"}),
            (304, {"If_Modified_Since": "Sun Sep  9 01:46:40 2001"}),
            (200, {"If_Modified_Since": "Sun Sep  9 01:46:39 2001"}),
            (200, {"If_Modified_Since": "Sun, 09 Sep 2001 01:46:40 CET"}),
            (200, {"If_Modified_Since": "Sunday, 09-Sep-94 01:46:40 GMT"}),
            (200, {"If_Unmodified_Since": now}), (412, {"If_Unmodified_Since": OLDER}),
            (200, {"If_Unmodified_Since": "x"}),
            (200, {"If_None_Match": '"x"', "If_Modified_Since": NEWER}),
            (304, {"If_None_Match": tag, "If_Modified_Since": OLDER}),
            (200, {"If_Match": tag, "If_Unmodified_Since": OLDER}),
            (412, {"If_Match": '"x"', "If_None_Match": tag}),
            (304, {"If_None_Match": tag, "Range": "bytes=0-1"}),
            (412, {"If_Match": '"x"', "Range": "bytes=0-1"})):
        status, headers, body = get(server, "/text.TXT", **more)
        if status != want or (status == 304 and (body or "content-length" in headers)) or headers["etag"] != tag:
            wrong.append(f"{more}: {status}, not {want}; {headers}")
    for path, want in (("/nothing", 404), ("/sub", 301), ("/hello", 412)):
        status = get(server, path, If_Match='"x"')[0]
        if status != want:
            wrong.append(f"{path}: {status}, not {want}")
    assert not wrong, "\n".join(wrong)


def ranges(server):
    """a range is answered with that part, others with all or 416"""
    _, headers, _ = get(server, "/text.TXT")
    tag, size = headers["etag"], len(TEXT)
    assert headers["accept-ranges"] == "bytes", headers
    wrong = []
    for want, first, last, more in (
            (206, 0, 0, {"Range": "bytes=0-0"}), (206, 1, 5000, {"Range": "bytes=1-5000"}),
            (206, 100, size - 1, {"Range": "bytes=100-"}), (206, size - 7, size - 1, {"Range": "bytes=-7"}),
            (206, 0, size - 1, {"Range": f"bytes=-{size + 1}"}),
            (206, 0, size - 1, {"Range": f"bytes=0-{size}"}), (206, 5, 9, {"Range": "Bytes=5-9"}),
            (206, 5, size - 1, {"Range": "bytes=5-" + "9" * 30}), (206, 5, 9, {"Range": "bytes= 5-9 ,"}),
            (206, 5, 9, {"Range": "bytes=5-9", "If_Range": tag}),
            (206, 5, 9, {"Range": "bytes=5-9", "If_Range": date(MODIFIED)}),
            (206, 5, 9, {"Range": "bytes=5-9", "If_Match": tag}),
            (200, 0, size - 1, {"Range": "bytes=5-9", "If_Range": '"x"'}),
            (200, 0, size - 1, {"Range": "bytes=5-9", "If_Range": "W/" + tag}),
            (200, 0, size - 1, {"Range": "bytes=5-9", "If_Range": NEWER}),
            (200, 0, size - 1, {"Range": "bytes=5-9", "If_Range": OLDER}),
            *((200, 0, size - 1, {"Range": value}) for value in (
                "bytes=9-5", "bytes=", "bytes=-", "bytes=a-b", "bytes 5-9", "lines=5-9", "bytes=5", "bytes=--5")),
            *((416, 0, -1, {"Range": value}) for value in (
                f"bytes={size}-", "bytes=" + "9" * 30 + "-", "bytes=-0"))):
        status, headers, body = get(server, "/text.TXT", **more)
        place = {206: f"bytes {first}-{last}/{size}", 416: f"bytes */{size}"}.get(want)
        if status != want or headers.get("content-range") != place or (
                want != 416 and body != TEXT[first:last + 1]):
            wrong.append(f"{more}: {status}, {headers}, {len(body)} bytes, not {want}")
    assert not wrong, "\n".join(wrong)
    assert server.get("/text.TXT", "HEAD", "Range: bytes=0-1\r\n")[0] == 200, "HEAD has no ranges"
    status, headers, body = get(server, "/text.TXT", Range="bytes=0-1,4-5")
    assert (status, body) == (200, TEXT), "several ranges at once are not served"
    assert get(server, "/empty", Range="bytes=0-")[0] == 416, "of nothing"
    assert get(server, "/empty", Range="bytes=-5")[::2] == (200, b""), "the end of nothing"


def names(server):
    """names: hidden ones, suffixes, redirects, and ways out of the folder"""
    wrong = []
    for path in ("/.hidden", "/%2ehidden", "/sub/.hidden", "/.folder/x", "/sub/../text.TXT", "/./text.TXT", "/sub%2f..%2ftext.TXT",
                 "/..", "/%2e%2e/", "/../outside", "//../outside", "/sub/../../outside", "/..%2foutside", "/.%2e/outside",
                 "/..%5coutside", "/out/passwd", "/out", "/outfile", "/sub/out/outside", "/nothing"):
        status, _, body = get(server, path)
        if status != 404:
            wrong.append(f"{path}: {status} {body[:60]}")
    for path, want in (("/sub", "/sub/"), ("//sub", "/sub/"), ("///sub?x=1", "/sub/?x=1"),
                       ("/sub?a=b&c", "/sub/?a=b&c"), ("http://y//sub", "/sub/"), ("/%2fsub", "/sub/")):
        status, headers, _ = get(server, path)
        if (status, headers.get("location")) != (301, want):
            wrong.append(f"{path}: {status} {headers}")
    for path, want in (("/text.TXT", "text/plain"), ("/sub/A.Html", "text/html"), ("/x.PNG", "image/png"),
                       ("/empty", "application/octet-stream")):
        status, headers, _ = get(server, path)
        if status != 200 or not headers["content-type"].startswith(want):
            wrong.append(f"{path}: {status} {headers}")
    for path in ("/sub/", "//sub/"):
        body = get(server, path)[2]
        if b'href="/sub/A.Html"' not in body or b"hidden" in body:
            wrong.append(f"{path}: {body}")
    assert not wrong, "\n".join(wrong)


def every(server):
    """every answer forbids guessing its type, and has the date where that is known"""
    for path in ("/", "/hello", "/nothing", "/text.TXT", "/sub", "/stats", "/%zz"):
        headers = get(server, path)[1]
        assert headers["x-content-type-options"] == "nosniff", f"{path}: {headers}"
        now = headers.get("date")
        if now:
            at = email.utils.parsedate_to_datetime(now).timestamp()
            assert abs(at - time.time()) < 60 and now == date(at), now


def links(server):
    """a link is no way to a hidden file (mkramdisk makes a file of it)"""
    assert get(server, "/tohidden")[0] == 404


# ---- The folder ----

def make_site(folder):
    """A folder to serve; what is beside it is not to be seen."""
    site = pathlib.Path(folder, "site")
    for name in ("sub", ".folder"):
        (site / name).mkdir(parents=True)
    for name, data in ((".hidden", b"x"), ("sub/.hidden", b"x"), (".folder/x", b"x"), ("sub/A.Html", b"x"),
                       ("text.TXT", TEXT), ("x.PNG", b"x"), ("empty", b""), ("../outside", b"x")):
        (site / name).write_bytes(data)
    for name, to in (("out", "/etc"), ("outfile", "../outside"), ("sub/out", "../.."), ("tohidden", ".hidden")):
        (site / name).symlink_to(to)
    os.utime(site / "text.TXT", (MODIFIED, MODIFIED))
    return site


class SiteHttpd(Httpd):
    """httpd with a folder of its own, made and removed with it."""

    def __init__(self, case, args="", **options):
        self.folder = tempfile.mkdtemp()
        super().__init__(case, args, FILES=str(make_site(self.folder)), **options)

    def __exit__(self, *unused):
        super().__exit__(*unused)
        shutil.rmtree(self.folder)


TESTS = [rules, kept, expected, head]
OF_FILES = [conditions, ranges, names, every]
OF_HOST = [links]


def alone(case):
    """Without a folder, on the host port: why it serves files, or listens where it should not."""
    with Httpd(case, FILES="") as server:
        for path in ("/files", "/etc/passwd", "/proc/self/environ", "/README.md"):
            status = server.get(path)[0]
            if status != 404:
                return f"{path}: {status}"
        with socket.socket() as s:
            s.settimeout(5)
            if s.connect_ex(("127.0.0.2", server.port)) == 0:
                return "it listens to all addresses"
    return ""
