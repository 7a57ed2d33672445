"""A site for examples/crawl: pages that are known, and who has asked for what."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.machine import HOST, boot
from harness.suite import Check

from .server import image_of

PAGES = 400  # enough that a port used twice would show
WORKERS = 5
SEEN_BY_MACHINE = "10.0.2.2"

# Path: links. Everything else is 404; /moved is at /page/1; /short ends too early.
SITE = {f"/page/{i}": [f"/page/{(i * 7 + k) % PAGES}" for k in (1, 2, 3)] for i in range(PAGES)}
SITE["/"] = ["page/0", "/moved", "/missing", "/short", "./a/../page/5#part", "/page/2?x=1&amp;y=2",
             "http://elsewhere.example/", "mailto:x@example.org", "//elsewhere.example/x",
             "a/b/../../page/3", "?only=query", "#part", "javascript:void(0)"]
EXPECTED = set(SITE) | {"/moved", "/missing", "/short", "/page/2?x=1&y=2", "/?only=query"}
FAILED = {"/missing", "/short"}


class Handler(BaseHTTPRequestHandler):
    """Answers, slowly enough that requests overlap."""

    def do_GET(self):  # pylint: disable=invalid-name
        """Every page."""
        server = self.server
        with server.lock:
            server.asked[self.path] += 1
            server.now += 1
            server.most = max(server.most, server.now)
        time.sleep(0.02)
        links = SITE.get(self.path.split("?")[0])
        body = b"".join(b'<p><a class=x HREF="%s">x</a>' % link.encode() for link in links or ())
        if self.path == "/moved":
            self.send_response(301)
            self.send_header("Location", "/page/1")
        else:
            self.send_response(200 if links or self.path == "/short" else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body) + (self.path == "/short")))
        with server.lock: # before the client can see the end, which is that of the headers where there is no body
            server.now -= 1
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *unused):
        pass


class Site(ThreadingHTTPServer):
    """Use it in a with statement."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.asked = Counter()
        self.now = self.most = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *args):
        self.shutdown()
        super().__exit__(*args)


def run_crawl(case):
    """crawl finds every page once, and has no more than its workers at work."""
    host = "127.0.0.1" if case.arch == HOST else SEEN_BY_MACHINE
    with Site() as site:
        run = boot(image_of(case), limit=60, ARCH=case.arch, SMP=case.smp, NET=1,
                   ARGS=f"http://{host}:{site.server_port}/ workers={WORKERS}")
    lines = run.text.splitlines()
    summary = lines[-1] if lines else ""
    once = site.asked == Counter(EXPECTED)
    shown = {line.split()[-1] for line in lines[1:-1] if "/short" not in line} | {"/short"}
    return [
        Check("crawl: each page once", once, f"{site.asked - Counter(EXPECTED)} too often, "
              f"{Counter(EXPECTED) - site.asked} not", run.text),
        Check("crawl: a line for each page", shown == EXPECTED, f"{shown ^ EXPECTED}", run.text),
        Check("crawl: the summary",
              summary.startswith(f"{len(EXPECTED)} pages, {len(FAILED)} failed,"), summary,
              run.text),
        Check("crawl: several at once, not too many", 1 < site.most <= WORKERS, f"{site.most}"),
        Check("crawl: status 1, for pages failed", run.status == 1, f"{run.status}", run.text),
    ]
