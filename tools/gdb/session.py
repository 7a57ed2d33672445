"""The kernel of the program that gdb has, in the memory that gdb reads."""

import os
import tempfile

import gdb # pylint: disable=import-error # gdb's own

from kernel import Elf, Failure, Kernel

PAGE = 4096


def read(address, size):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except gdb.MemoryError as error:
        raise OSError(str(error)) from None


class Here(Kernel):
    """The kernel that gdb sees. From the proxy all coroutines come in a file, which is faster."""

    def __init__(self, elf):
        self.pages = None # by their addresses, while nothing runs
        super().__init__(elf, self.near)

    def near(self, address, size):
        """read, by whole pages: what is asked for next is often beside it, and each read takes its time."""
        start = address & -PAGE
        if self.pages is None or address + size > start + PAGE:
            return read(address, size)
        if start not in self.pages:
            try:
                self.pages[start] = read(start, PAGE)
            except OSError:
                return read(address, size)
        return self.pages[start][address - start:address - start + size]

    def raw(self):
        if not behind_proxy():
            yield from super().raw()
            return
        size = 8 + self.table["co"]
        with tempfile.NamedTemporaryFile(prefix="vole-") as file:
            if gdb.execute(f"monitor save {file.name}", to_string=True): # QEMU's own stub knows no such command
                yield from super().raw()
                return
            data = file.read()
        for at in range(0, len(data), size):
            yield int.from_bytes(data[at:at + 8], "little"), data[at + 8:at + size]


class Session:
    """The kernel of the program that gdb has, read again when its file has changed."""

    def __init__(self):
        self.kernel, self.key, self.clock = None, None, 0

    def get(self):
        path = gdb.current_progspace().filename
        if not path:
            raise gdb.GdbError("no program: gdb IMAGE.elf")
        key = path, os.stat(path).st_mtime
        try:
            if key != self.key:
                self.kernel, self.key = Here(Elf(path)), key
            self.kernel.pages = {} # for this command
            self.kernel.clock = proxy_clock
            self.kernel.look()
        except Failure as failure:
            raise gdb.GdbError(str(failure)) from None
        except OSError as error:
            raise gdb.GdbError(f"no memory of Vole can be read: {error}") from None
        return self.kernel


def behind_proxy():
    """Coroutines are gdb's threads."""
    target = gdb.selected_inferior()
    connection = target.connection
    return connection is not None and connection.type in ("remote", "extended-remote")


def proxy_clock():
    """Nanoseconds that the machine has run, from the proxy."""
    if not behind_proxy():
        return 0
    try:
        text = gdb.execute("monitor clock", to_string=True).strip()
        return int(text) if text.isdigit() else 0
    except gdb.error:
        return 0


SESSION = Session()


class Command(gdb.Command):
    """A command that is named after its class; what it does is its doc string."""

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_STATUS)

    def invoke(self, argument, _from_tty):
        try:
            self.run(gdb.string_to_argv(argument), argument)
        except (Failure, OSError, gdb.error, gdb.MemoryError) as failure:
            raise gdb.GdbError(str(failure)) from None


def find(kernel, number):
    for co in kernel.coroutines():
        if co.id == number:
            return co
    raise gdb.GdbError(f"no coroutine {number}")
