"""Waits beside a machine for its panic, and then writes a core file (qemu/run CORE=)."""

import os
import re
import socket
import struct
import sys
import threading
import time

import core
from kernel import Elf, Failure # which has the folder of output, too
from output import Output
from stub import Gone, Stub, Wire

PANIC = "panic_begin" # its first instruction: nobody has been stopped yet, nothing said
MOST_WAIT = 20 # seconds, for QEMU's stub


class Keeping(Stub):
    """Keeps the descriptions of registers that it asks for."""

    def __init__(self, wire):
        self.annexes = {}
        super().__init__(wire)

    def annex(self, name):
        self.annexes[name] = super().annex(name)
        return self.annexes[name]


class Catcher:
    """Of one machine. What cannot be written is told before it boots: Failure."""

    def __init__(self, path, image):
        self.path, self.elf, self.ended = path, Elf(image), False # ended: by a panic
        self.waiter = None
        self.at = self.elf.address(PANIC)
        try:
            self.out = Output(path)
        except OSError as error:
            raise Failure(f"CORE={path}: {error.strerror}") from None

    @staticmethod
    def words(folder):
        """For QEMU, which stands until start()."""
        return ["-S", "-gdb", f"unix:{folder}/stub,server=on,wait=off"]

    def start(self, folder, memory, pieces):
        self.waiter = threading.Thread(target=self.wait, args=(f"{folder}/stub", memory, pieces), daemon=True)
        self.waiter.start()

    def wait(self, path, memory, pieces):
        try:
            stub, began = Keeping(Wire(self.connect(path))), time.monotonic()
            stub.ask(f"Z1,{self.at:x},1" if self.elf.machine == 62 else f"Z1,{self.at:x},4")
            stopped = re.search(r"thread:(?:p\w+\.)?(\w+);", stub.ask("vCont;c"))
            told = {"ran": time.monotonic() - began, "annexes": stub.annexes,
                    "stopped": int(stopped[1], 16) if stopped else stub.cpus[0]}
            self.ended = True
            try:
                self.out.write(lambda file: core.write(file, self.elf, stub, told, memory, pieces))
                print(f"vole: core file {self.path}", file=sys.stderr)
            except OSError as error: # of the file
                print(f"CORE={self.path}: {error.strerror}", file=sys.stderr)
            stub.ask("D") # and the machine goes on, to its end
        except Gone:
            pass # it has ended without a panic
        except (OSError, ValueError, KeyError, struct.error, Failure) as error:
            print(f"CORE={self.path}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            os._exit(1) # QEMU would stand for good, and ends with us

    @staticmethod
    def connect(path):
        end = time.monotonic() + MOST_WAIT
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def forget(self):
        """No machine has booted."""
        self.out.forget()

    def close(self):
        """The machine has ended, perhaps while its core file is written: that is whole then, or goes."""
        if self.ended:
            self.waiter.join()
        else: # an older one would be taken for this machine's
            self.out.remove()
