"""Servers on a machine or on the host port, reached at a port of 127.0.0.1; and what clients need."""

import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time

from harness.machine import HOST, ROOT, builder, command

PATIENCE = 60  # seconds: nothing that works takes so long, on a busy host either
MACHINE_PORT = 80


def reserved_port():
    """A socket that keeps a port of 127.0.0.1: as long as it is open, Linux gives the port to nobody who asks for
    any port. Who asks for this one, with SO_REUSEADDR, gets it, for the socket does not listen."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    return s


def receive_all(s):
    """What comes until the other side has closed, or reset."""
    data = b""
    try:
        while piece := s.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return data


def reset(s):
    """Closes with a reset instead of an end."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def image_of(case):
    """The one image that case needs."""
    app, arch, options = case.images[0]
    return builder.image(app, arch, **options)


class Server:
    """An application that listens. Use it in a with statement."""

    def __init__(self, case, args="{port}", hello=b"", **options):
        """args: {port} is where it listens. hello: what it answers with something, when it is up."""
        self.hello = hello
        self._reserved = reserved_port()
        self.port = port = self._reserved.getsockname()[1]
        self._console = tempfile.TemporaryFile()
        options.setdefault("MEM", "512M")
        self._machine = case.arch != HOST
        if self._machine:
            options["NET"] = f"{port}:{MACHINE_PORT}"
            port = MACHINE_PORT
        self._words, self._env = command(image_of(case), ARCH=case.arch, SMP=case.smp,
                                         ARGS=args.format(port=port), **options)
        self._process = None
        self.start()

    def start(self):
        """Boots it (again), and waits until it answers."""
        self._process = subprocess.Popen(self._words, cwd=ROOT, env=self._env,
                                         stdin=subprocess.DEVNULL, stdout=self._console,
                                         stderr=subprocess.STDOUT, start_new_session=True)
        try:
            end = time.monotonic() + PATIENCE
            while not self._answers():
                if self._process.poll() is not None:
                    raise RuntimeError(f"ended with status {self._process.returncode}")
                if time.monotonic() > end:
                    raise RuntimeError("does not answer")
                time.sleep(0.05)
        except BaseException:
            self.stop()
            raise

    def _answers(self):
        try:
            with self.connect(2) as s:
                s.sendall(self.hello)
                return s.recv(1) != b""
        except OSError:
            return False

    def connect(self, patience=PATIENCE):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=patience)
        if self._machine:
            time.sleep(0.003)  # QEMU listens with room for one: a second would wait a second
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def alive(self):
        return self._process.poll() is None

    def stop(self):
        """Ends it at once."""
        if self.alive():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def console(self):
        """What it has written so far."""
        self._console.seek(0)
        return self._console.read().decode("utf-8", "replace")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
        self._reserved.close()
        self._console.close()


class Httpd(Server):
    """examples/httpd, with what HTTP clients need."""

    def __init__(self, case, args="", **options):
        options.setdefault("FILES", "docs")
        super().__init__(case, f"port={{port}} {args}", b"GET /hello HTTP/1.0\r\n\r\n", **options)

    def exchange(self, data, end=True):
        """Sends data, and (end) that there is no more; all that is answered."""
        with self.connect() as s:
            try:
                s.sendall(data)
                if end:
                    s.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass  # it has refused, and says why
            return receive_all(s)

    def get(self, path, method="GET", headers="", body=b""):
        """One request on a connection of its own: status, headers, body."""
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}"
        if body:
            request += f"Content-Length: {len(body)}\r\n"
        answers = parse(self.exchange(request.encode() + b"\r\n" + body), method == "HEAD")
        assert len(answers) == 1, f"{path}: {len(answers)} answers"
        return answers[0]

    def stats(self):
        return json.loads(self.get("/stats")[2])

    def watch(self):
        """The figures, again and again, on one connection: if each had its own, those in TIME-WAIT
        would be more and more, and what is watched would never be back where it was."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with self.connect() as s:
                while time.monotonic() < end and (stats := ask_for_stats(s)):
                    yield stats
                    time.sleep(0.1)

    def settled(self):
        """The figures when only this connection is left."""
        stats = None
        for stats in self.watch():
            if stats["connections"] == 1:
                break
        return stats


def ask_for_stats(s):
    """httpd's figures by a connection that stays; None: it does not, there are too many."""
    data = b""
    try:
        s.sendall(b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")
        while piece := s.recv(65536):
            data += piece
            try:
                status, _, body = parse(data)[0]
            except ValueError:
                continue  # there is more of it
            return json.loads(body) if status == 200 else None
    except ConnectionError:
        pass
    return None


def parse(data, head=False):
    """Answers, one after the other: (status, headers, body). ValueError: that is not HTTP."""
    answers = []
    while data:
        top, found, data = data.partition(b"\r\n\r\n")
        if not found:
            raise ValueError(f"no end of the headers: {top[:200]}")
        first, *lines = top.decode("ascii").split("\r\n")
        version, status, _ = first.split(" ", 2)
        if version != "HTTP/1.1" or not status.isdigit():
            raise ValueError(f"not a status line: {first}")
        headers = {}
        for line in lines:
            name, colon, value = line.partition(": ")
            if not colon:
                raise ValueError(f"not a header: {line}")
            headers[name.lower()] = value
        size = 0 if head or status in ("100", "304") else int(headers["content-length"])
        if len(data) < size:
            raise ValueError(f"{len(data)} bytes of a body of {size}")
        answers.append((int(status), headers, data[:size]))
        data = data[size:]
    return answers
