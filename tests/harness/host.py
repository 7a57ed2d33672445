"""What does not hold on the host port, and why: cases, and single results of cases."""

from .machine import HOST

NO_DEVICES = "there are no devices"
NO_CONSOLE = "standard input is a file of the host, not a console"
HOST_ERRNO = "errno is the host's library's, a thread's: its place changes with the core"
HOST_STDIO = "the host's C library holds the lock of stdin, and the core, while it reads"

CASES = {
    "irq: irq.c": NO_DEVICES,
    "errno: errno.c": HOST_ERRNO,
    "golden: irq-blocking": NO_DEVICES,
    "golden: irq-deferred": NO_DEVICES,
    "sockets_oom: sockets_oom.c": "the sockets are the host's, and so is their memory",
    "sockets_calls: sockets_calls.c": "the sockets are the host's, and it has a network",
    "input: others run while one waits": HOST_STDIO,
    "files: files": "FILES= is not known there",
    "files: no files": "FILES= is not known there",
    "example: wordcount": "FILES= is not known there",
}

RESULTS = {
    "read of the console: cancelled while it waits, and before": NO_CONSOLE,
    "read of the console: cancelled at any moment": NO_CONSOLE,
}


def applies(case):
    return case.arch != HOST or f"{case.area.split()[-1]}: {case.name}" not in CASES


def results_that_apply(case, checks):
    return [c for c in checks if case.arch != HOST or c.name not in RESULTS]
