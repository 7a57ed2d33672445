"""examples/chat.c: what members of the room see of each other."""

import socket

from .server import receive_all, reset

SLOW_LINES = 100_000  # so many do not fit into anybody's buffers


class Member:
    """One who reads line by line."""

    def __init__(self, server, name=None):
        self.socket = server.connect()
        self._data = b""
        self.prompt()
        if name:
            self.say(name)
            line = self.line()
            assert line == f"* {name} is here", line

    def say(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def _more(self):
        data = self.socket.recv(65536)
        assert data, "closed by the room"
        self._data += data

    def prompt(self):
        while self._data != b"Your name? ":
            self._more()
        self._data = b""

    def line(self):
        """The next line."""
        while b"\n" not in self._data:
            self._more()
        line, _, self._data = self._data.partition(b"\n")
        return line.decode()

    def until(self, last):
        """The lines until last."""
        lines = []
        while not lines or lines[-1] != last:
            lines.append(self.line())
        return lines


def leave(members, witness):
    """They go, and the witness, who sees each of them, is the last: then the room knows nobody, and the next test may
    have the same names, and hears nothing of this one."""
    for m, name in members:
        m.socket.close()
        witness.until(f"* {name} has left")
    witness.socket.shutdown(socket.SHUT_WR)
    receive_all(witness.socket)  # the room has forgotten who is told of the end
    witness.socket.close()


def talk(server):
    """all hear the same, in one order"""
    names = [f"m{i}" for i in range(8)]
    members = [Member(server, name) for name in names]
    for i in range(20):
        for m in members:
            m.say(f"says {i}")
    want = {f"{name}: says {i}" for name in names for i in range(20)}
    heard = []
    for m in members:
        said = []
        while len(said) < len(want):
            line = m.line()
            if " is here" not in line:
                said.append(line)
        heard.append(said)
    assert all(said == heard[0] for said in heard), "not in one order"
    assert set(heard[0]) == want, "not what was said"
    leave(list(zip(members, names))[1:], members[0])


def names_and_lines(server):
    """a name is taken once; long lines are cut; nothing moves a cursor"""
    ann = Member(server, "ann")
    bob = Member(server)
    bob.say("ann")
    assert bob.line() == "That name is taken.", "a second ann"
    bob.prompt()
    bob.say("b" * 100)
    assert bob.line() == "* " + "b" * 20 + " is here", "a name without end"
    ann.say("x" * 5000)
    ann.say("\x1b[2J\tend\r")
    lines = bob.until("ann: ?[2J?end")
    assert lines == ["ann: " + "x" * 399, "ann: ?[2J?end"], lines
    leave([(bob, "b" * 20)], ann)


def breaks(server):
    """members whose connections break, before they have a name and after"""
    ann = Member(server, "ann")
    for i in range(20):
        lost = Member(server, f"lost{i}" if i % 2 else None)
        if i % 2:
            ann.until(f"* lost{i} is here")
        reset(lost.socket)
        if i % 2:
            ann.until(f"* lost{i} has left")
    leave([], ann)


def slow(server):
    """who does not listen is dropped, and the others hear everything"""
    ann = Member(server, "ann")
    bob = Member(server, "bob")
    ann.until("* bob is here")
    deaf = Member(server)
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.say("deaf")
    ann.until("* deaf is here")
    bob.until("* deaf is here")
    dropped, line = set(), ""
    for i in range(SLOW_LINES):
        said = f"{i} " + "x" * 300
        ann.say(said)
        for m in (ann, bob):
            while (line := m.line()) == "* deaf was too slow":
                dropped.add(m)
            assert line == f"ann: {said}", line[:60]
        if dropped:
            break
    assert dropped, "nobody was dropped"
    for m in (ann, bob, deaf):
        m.socket.close()


TESTS = [talk, names_and_lines, breaks, slow]
