"""What does not apply to the host port, and why."""

from .machine import HOST

NO_DEVICES = "there are no devices"

CASES = {
    "irq: irq.c": NO_DEVICES,
    "golden: irq-blocking": NO_DEVICES,
    "golden: irq-deferred": NO_DEVICES,
    "sockets_oom: sockets_oom.c": "the sockets are the host's, and so is their memory",
    "sockets_calls: sockets_calls.c": "the sockets are the host's, and it has a network",
}

def applies(case):
    return case.arch != HOST or f"{case.area.split()[-1]}: {case.name}" not in CASES
