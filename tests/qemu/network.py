"""The network card: found on every machine, under load, when it misbehaves, and when there is none."""

import pathlib
import re
import socket
import tempfile
import threading

from harness.kernel import MEMORY, results
from harness.machine import ARCHES, boot, builder
from harness.suite import Case, Check

USER = "-netdev user,id=n -global virtio-mmio.force-legacy=false -device "

# Arch, name, options, cores.
CARDS = (
    ("x86_64", "q35", {"NET": "1"}, (1, 4)),
    ("x86_64", "pc", {"NET": "1", "MACHINE": "pc"}, (4,)),
    ("x86_64", "microvm", {"NET": "1", "MACHINE": "microvm"}, (1, 4)),
    ("x86_64", "microvm without ACPI", {"NET": "1", "MACHINE": "microvm,acpi=off"}, (1,)),
    ("x86_64", "q35 without messages",
     {"QEMU_EXTRA": USER + "virtio-net-pci,netdev=n,vectors=0"}, (4,)),
    ("x86_64", "pc without messages, both interfaces",
     {"QEMU_EXTRA": USER + "virtio-net-pci,netdev=n,vectors=0", "MACHINE": "pc"}, (4,)),
    ("x86_64", "q35 behind a bridge",
     {"QEMU_EXTRA": USER + "pcie-root-port,id=behind -device virtio-net-pci,netdev=n,bus=behind"},
     (4,)),
    ("arm64", "virt", {"NET": "1"}, (1, 4)),
    ("arm64", "virt gicv2", {"NET": "1", "MACHINE": "virt,gic-version=2"}, (2,)),
    ("arm64", "virt PCI", {"QEMU_EXTRA": USER + "virtio-net-pci,netdev=n"}, (1, 4)),
)


def named(case, checks):
    for check in checks:
        check.name = f"{case.name}: {check.name}"
    return checks


def run_card(case, options):
    run = boot(builder.image("tests/kernel/netdev.c", case.arch), limit=60, ARCH=case.arch,
               SMP=case.smp, **options)
    return named(case, results(run))


# ---- Cards in software, which break the rules ---------------------------------------------------

RESET = "it asks for a reset"
# What the log says of each, and how often; one more: of each card at the end of its test.
FAULTS = {
    "it cannot be reset": 1,
    "it does not accept features <any>": 1,
    "its interrupt cannot be had (error <any>)": 1,
    "it has only the interface of before virtio 1.0": 1,
    "it has an MTU of 67 and 1 pairs of queues": 1,
    "it has an MTU of 1500 and 0 pairs of queues": 1,
    "it cannot be started (error <any>)": 2,
    "queue 0 cannot be started (error <any>)": 1,
    "queue 0: it returns buffer <any>, which it does not have": 1,
    "queue 0: it returns 257 buffers, and has 256": 1,
    "queue 0: it has written <any> bytes to a buffer of <any>": 1,
    "queue 0: it has received 11 bytes, less than a header": 1,
    "queue 1: it returns buffer <any>, which it does not have": 2,
    "queue 1: it has written 1 bytes to a buffer of 0": 1,
}


def run_faults(case, scale):
    run = boot(builder.image("tests/kernel/virtio", case.arch), limit=60 * scale, ARCH=case.arch,
               SMP=case.smp, MEM=MEMORY, ARGS=f"smp={case.smp} scale={scale}")
    checks = results(run)
    said = re.findall(r"vole: virtio device fake: (.*); it is out of service\r?\n", run.text)
    faults = dict(FAULTS)
    if case.smp > 1: # one core asks for one pair of queues
        faults["it does not use <any> pairs of queues"] = 2
    wrong = []
    for text, count in faults.items():
        pattern = re.escape(text).replace(re.escape("<any>"), r"[-\w]+(?: of \w+)?")
        found = [line for line in said if re.fullmatch(pattern, line)]
        said = [line for line in said if line not in found]
        if len(found) != count:
            wrong.append(f"{text}: {len(found)} times, not {count}")
    wrong += [line for line in said if line != RESET]
    checks.append(Check("one line in the log for each", not wrong, "\n".join(wrong), run.text))
    return checks


def run_no_memory(case):
    image = builder.image("tests/kernel/virtio", case.arch, BUILD="failing")
    return results(boot(image, limit=60, ARCH=case.arch, SMP=case.smp, ARGS=f"smp={case.smp}"))


# ---- Under load -----------------------------------------------------------------------------------

HEADER, FRAME_MIN, FRAME_MAX = 22, 60, 1514
PATTERN = bytes(range(256)) * 8


def flood_frame(number, count):
    """The frame with this number: as in tests/kernel/netflood.c."""
    size = FRAME_MIN + number * 7919 % (FRAME_MAX - FRAME_MIN + 1)
    start = number & 255
    return (b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x88\xb5" + count.to_bytes(4, "big")
            + number.to_bytes(4, "big") + PATTERN[start:start + size - HEADER])


class Peer:
    """The other end of the card's cable: a socket on which every datagram is a frame."""

    def __init__(self, folder):
        self.ours, self.cards = folder / "peer", folder / "card"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.ours))
        self.seen, self.wrong, self.count = {}, 0, 0
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()

    def words(self, device):
        return (f"-netdev dgram,id=n,local.type=unix,local.path={self.cards},"
                f"remote.type=unix,remote.path={self.ours} "
                f"-global virtio-mmio.force-legacy=false -device {device},netdev=n")

    def flood(self):
        try:
            for number in range(self.count):
                self.socket.sendto(flood_frame(number, self.count), str(self.cards))
        except OSError:
            pass # the machine has ended: it says what it has missed

    def receive(self):
        while frame := self.socket.recv(65536):
            if not self.count:
                self.count = int.from_bytes(frame[14:18], "big")
                threading.Thread(target=self.flood, daemon=True).start()
            number = int.from_bytes(frame[18:22], "big")
            expected = flood_frame(number, self.count)
            self.wrong += frame[12:] != expected[12:]
            self.seen[number] = self.seen.get(number, 0) + 1

    def finish(self):
        """The machine has ended: takes in what it has sent, behind which comes an empty datagram."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.ours))
        self.thread.join()


def run_flood(case, scale):
    device = "virtio-net-device" if case.name == "virt" else "virtio-net-pci"
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer(pathlib.Path(folder))
        run = boot(builder.image("tests/kernel/netflood.c", case.arch), limit=90 * scale,
                   ARCH=case.arch, SMP=case.smp, ARGS=f"smp={case.smp} scale={scale}",
                   QEMU_EXTRA=peer.words(device))
        peer.finish()
    checks = results(run)
    twice = sum(times > 1 for times in peer.seen.values())
    ok = 0 < peer.count == len(peer.seen) and not twice and not peer.wrong
    checks.append(Check("every frame that was sent comes once, and as it was", ok,
                        f"{len(peer.seen)} of {peer.count}, {twice} twice, {peer.wrong} wrong",
                        run.text))
    return named(case, checks)


# ---- None, and what is asked for badly --------------------------------------------------------------

NO_CARD = "vole: no network card (make run NET=1)"
BAD = ("foo", "1:2:3", "0:80", "80:70000", "8080:80,x", "tap:", "tap:there-is-none")


def run_none(case):
    checks = []
    for level, count in ("info", 1), ("warn", 0):
        run = boot(builder.image("tests/kernel/netdev.c", case.arch), limit=30, ARCH=case.arch,
                   SMP=case.smp, ARGS=f"vole.log={level}")
        checks.append(Check(f"no card: {count} lines in the log at {level}",
                            run.status == 1 and run.text.count(NO_CARD) == count,
                            f"status {run.status}", run.text))
    return checks


def run_bad(case):
    image = builder.image("tests/kernel/args.c", case.arch)
    checks = []
    for net in BAD:
        run = boot(image, limit=30, ARCH=case.arch, SMP=case.smp, NET=net)
        checks.append(Check(f"NET={net}: a clear line", run.status == 1 and run.text.count("\n") == 1
                            and run.text.startswith(f"qemu/run: NET={net}: "),
                            f"status {run.status}", run.text))
    return checks


def run_deadlock(case):
    """A card keeps no machine alive in which all wait for each other."""
    checks = []
    for program, argument in (("tests/golden/deaths.c", "deadlock"),
                              ("tests/kernel/netdev.c", "deadlock")):
        run = boot(builder.image(program, case.arch), limit=30, ARCH=case.arch, SMP=case.smp,
                   NET=1, ARGS=argument)
        checks.append(Check(f"{program}: a deadlock beside a card",
                            run.status == 134 and "all coroutines are asleep" in run.text,
                            f"status {run.status}", run.text))
    run = boot(builder.image("tests/kernel/netdev.c", case.arch), limit=30, ARCH=case.arch,
               SMP=case.smp, NET=1, ARGS="exit")
    checks.append(Check("the last coroutine of the program ends the machine", run.status == 0,
                        f"status {run.status}", run.text))
    return checks


def cases(tier):
    scale = 1 if tier == "fast" else 10
    for arch, name, options, cores in CARDS:
        for smp in cores if tier == "fast" else ():
            yield Case("card", name, arch, smp,
                       lambda case, options=options: run_card(case, options), 2,
                       images=[("tests/kernel/netdev.c", arch, {})])
    for arch in ARCHES:
        for smp in (1, 4) if tier == "fast" else (2, 8):
            yield Case("virtio", "cards in software", arch, smp,
                       lambda case: run_faults(case, scale), 6 * scale,
                       images=[("tests/kernel/virtio", arch, {})])
            for name in ("virt", "virt PCI") if arch == "arm64" else ("q35",):
                yield Case("card under load", name, arch, smp,
                           lambda case: run_flood(case, scale), 4 * scale,
                           images=[("tests/kernel/netflood.c", arch, {})])
        if tier == "fast":
            yield Case("virtio", "no memory", arch, 2, run_no_memory, 2,
                       images=[("tests/kernel/virtio", arch, {"BUILD": "failing"})])
            yield Case("card", "none", arch, 2, run_none, 1,
                       images=[("tests/kernel/netdev.c", arch, {})])
            yield Case("card", "bad NET", arch, 1, run_bad, 1,
                       images=[("tests/kernel/args.c", arch, {})])
            yield Case("card", "deadlock", arch, 2, run_deadlock, 3,
                       images=[("tests/golden/deaths.c", arch, {}),
                               ("tests/kernel/netdev.c", arch, {})])
