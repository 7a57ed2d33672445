"""The launcher's end of the machine's console: our standard input, as the machine gets it."""

import os
import select
import signal
import termios
import threading
import time

# Framing of the console's input, agreed with the kernel by vole.stdin=framed or =terminal.
DLE, END, DUMP = b"\x10", b"\x10\x04", b"\x10d"
CTRL_C, HOPELESS = b"\x03", 10 # so many in a row end the machine, whatever it does
# Serial ports lose a byte or two when the kernel turns their FIFOs on: these it skips.
START = b"\x16" * 8 + b"\x10s"


class Input:
    """Moves our standard input into QEMU's, framed; keeps it open after the end. From a file or a
    pipe, the kernel of an .iso gets it when its answer is in the file answers, and not before."""

    def __init__(self, pipe, framed, tty, answers):
        self.pipe, self.framed, self.tty, self.answers = pipe, framed, tty, answers
        self.whole = threading.Lock() # a pair must not be torn
        threading.Thread(target=self.pump, daemon=True).start()

    def send(self, data):
        with self.whole:
            while self.answers and not os.fstat(self.answers).st_size:
                time.sleep(0.02)
            try:
                while data:
                    data = data[os.write(self.pipe, data):]
            except OSError:
                pass # QEMU has ended, which its status tells

    def pump(self):
        if self.framed:
            self.send(START)
        interrupts = 0
        while True:
            try:
                data = os.read(0, 4096)
            except BlockingIOError:
                select.select([0], [], [])
                continue
            except OSError: # as a terminal that has gone
                data = b""
            if not data:
                break
            typed = len(data) - len(data.rstrip(CTRL_C))
            interrupts = typed + interrupts * (typed == len(data))
            if self.tty and interrupts >= HOPELESS:
                os.kill(os.getpid(), signal.SIGINT)
            self.send(data.replace(DLE, DLE + DLE) if self.framed else data)
        # Where a person types at an .iso, nothing is framed; one Ctrl-D ends a line that was begun.
        self.send(END if self.framed else b"\x04\x04")

    def dump_after(self, seconds):
        timer = threading.Timer(seconds, self.send, [DUMP])
        timer.daemon = True
        timer.start()


def make_raw(terminal):
    """The kernel edits lines and knows Ctrl-C: every key goes there. Output stays as it is."""
    mode = list(terminal)
    mode[0] &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR
                 | termios.IGNCR | termios.ICRNL | termios.IXON)
    mode[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    mode[6] = list(mode[6])
    mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
    termios.tcsetattr(0, termios.TCSADRAIN, mode)
