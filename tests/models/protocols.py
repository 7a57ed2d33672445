"""The protocols between cores, as kernel/ has them, each with faults that must be found."""

from .explore import BLOCKED, DONE
from .idle import Ask, Early, Idle


class Stacks:
    """kernel/sched.c, switch_to, kernel/scheduler.c, stack_is_free, and kernel/stack.c, trim_waiting: two
    cores, each with a coroutine that has published its wait and has been made ready on the other
    core; a third takes the pages of those that wait and are deep. No stack is used twice at a time,
    and nobody waits for ever.

    Faults: "no-wait": on_core is not waited for. "wait-on-stack": a coroutine waits for it itself,
    instead of switching to the scheduler first. "plain-store": who resumes a deep one looks at
    on_core, then writes it, instead of by compare-and-swap. "trims-off": so does who takes its pages.
    """
    faults = ("no-wait", "wait-on-stack", "plain-store", "trims-off")
    OFF, ON, OFF_DEEP = 0, 1, 2

    def __init__(self, fault=None):
        # stack[c]: the core that is on it; each core runs its own, and wants the other's.
        self.start = {"stack0": 1, "stack1": 2, "on0": self.ON, "on1": self.ON, "twice": 0}
        self.off = [self.OFF_DEEP, self.OFF]  # how each is left
        self.processes = {f"core{i}": self.core(i, fault) for i in (0, 1)}
        # It takes all that it can, or some: then it may come again.
        self.processes["trimmer"] = (self.trim(0, self.OFF_DEEP, fault) +
                                     self.trim(4, self.OFF, fault))

    @staticmethod
    def enter(s, c, core):
        s["twice"] |= s[f"stack{c}"]
        s[f"stack{c}"] |= 1 << core

    @staticmethod
    def leave(s, c, core):
        s[f"stack{c}"] &= ~(1 << core)

    def trim(self, at, off, fault):
        """trim_waiting of the deep one, the steps from index at, after which it is left as off."""
        def begin(s):
            if s["on0"] != self.OFF_DEEP:
                return at + 4 if at == 0 else DONE
            if fault == "trims-off":
                return at + 1
            return write(s)

        def write(s):
            s["on0"] = self.ON
            return at + 2

        def unmap(s):
            self.enter(s, 0, 2)
            return at + 3

        def end(s):
            self.leave(s, 0, 2)
            s["on0"] = off
            return at + 4 if at == 0 else DONE
        return [begin, write, unmap, end]

    def core(self, i, fault):
        own, other, on = i, 1 - i, f"on{1 - i}"

        def look(s):
            if fault == "no-wait" or s[on] == self.OFF:
                return 1
            return BLOCKED if fault == "wait-on-stack" else 4

        def take(s):
            s[on] = self.ON
            return 2

        def switch(s):
            self.leave(s, own, i)
            self.enter(s, other, i)
            return 3

        def finish(s):
            s[f"on{own}"] = self.off[own]
            return DONE

        def to_idle(s):
            self.leave(s, own, i)
            return 5

        def finish_in_idle(s):
            s[f"on{own}"] = self.off[own]
            return 6

        def wait(s):
            if s[on] == self.ON:
                return BLOCKED
            if s[on] == self.OFF_DEEP and fault != "plain-store":
                s[on] = self.ON
            return 7

        def begin(s):
            s[on] = self.ON
            return 8

        def resume(s):
            self.enter(s, other, i)
            return DONE
        return [look, take, switch, finish, to_idle, finish_in_idle, wait, begin, resume]

    def check(self, s):
        assert not s["twice"], "two cores on one stack"

    def finish(self, s, stuck):
        assert not stuck, "cores wait for each other"


class Claim:
    """sync/wait.h, wait_claim: of a peer, a deadline and a cancellation exactly one wins, and the
    coroutine is made ready once, with what the winner says.

    Fault: "look-then-write": the word is looked at, then written, in two steps.
    """
    faults = ("look-then-write",)

    def __init__(self, fault=None):
        self.start = {"claim": 0, "ready": 0, "given": 0}
        self.processes = {f"claimer{n}": self.claimer(n, fault) for n in (1, 2, 3)}

    def claimer(self, n, fault):
        def exchange(s):
            if s["claim"]:
                return DONE
            s["claim"] = n
            return 2

        def look(s):
            return DONE if s["claim"] else 1

        def write(s):
            s["claim"] = n
            return 2

        def give(s):
            s["given"] = n
            return 3

        def ready(s):
            s["ready"] += 1
            return DONE
        return [look if fault else exchange, write, give, ready]

    def check(self, s):
        assert s["ready"] <= 1, "made ready twice"

    def finish(self, s, stuck):
        assert s["ready"] == 1 and s["given"] == s["claim"], "the winner is not who gave"


class Stuck:
    """debug/stuck.c: a core that looks whether all are asleep, while another leaves its idleness,
    takes a coroutine, and with it makes one ready that is pinned to the core that looks.

    Fault: "no-lock": the other leaves without the lock, under which is looked.
    """
    faults = ("no-lock",)

    def __init__(self, fault=None):
        self.start = {"locked": False, "cores": 2, "queue": 1, "inbox": 0, "alarm": False}
        self.processes = {"looks": self.looks(), "works": self.works(fault)}

    @staticmethod
    def lock(s):
        if s["locked"]:
            return BLOCKED
        s["locked"] = True
        return 1

    def works(self, fault):
        def leave(s):
            if fault != "no-lock" and self.lock(s) == BLOCKED:
                return BLOCKED
            s["cores"] -= 1
            return 1

        def unlock(s):
            s["locked"] = s["locked"] and fault == "no-lock"
            return 2

        def take(s):
            s["queue"] -= 1
            return 3

        def send(s):
            s["inbox"] += 1
            return DONE
        return [leave, unlock, take, send]

    def looks(self):
        def all_idle(s):
            return 2 if s["cores"] == 2 else 4

        def own_inbox(s):
            return 4 if s["inbox"] else 3

        def others_queue(s):
            s["alarm"] = not s["queue"]
            return 4

        def unlock(s):
            s["locked"] = False
            return DONE
        return [self.lock, all_idle, own_inbox, others_queue, unlock]

    def check(self, s):
        assert not (s["alarm"] and (s["inbox"] or s["queue"])), "a deadlock is reported, and none is"

    def finish(self, s, stuck):
        assert not stuck, "a core never gets the lock"


class Event:
    """sync/event.c: a post and a waiter that may give up. The post is not lost, and the waiter does
    not return while a poster may still touch its record.

    Faults: "lost-post": a post that meets a waiter who has given up is forgotten. "early-return":
    that waiter does not wait for the poster.
    """
    faults = ("lost-post", "early-return")

    def __init__(self, fault=None, posts=1):
        # word: 0 nothing, 1 posted, 2 the record. claim: 0 open, 1 posted, 2 timed out.
        self.start = {"word": 0, "claim": 0, "released": 0, "alive": 1, "took": 0, "touched": 0,
                      "over": 0}
        self.start |= {f"left{i}": 0 for i in range(posts)}
        self.processes = {"waiter": self.waiter(fault), "deadline": self.deadline()}
        self.processes |= {f"poster{i}": self.poster(i) for i in range(posts)}

    def waiter(self, fault):
        def publish(s):
            if s["word"] == 1:
                s["word"], s["took"] = 0, 1
                return 4
            s["word"] = 2
            return 1

        def woken(s):
            if not s["claim"]:
                return BLOCKED
            if s["claim"] == 1:
                s["took"] = 1
                return 4
            return 2

        def give_up(s):
            if s["word"] == 2:
                s["word"] = 0
                return 4
            if fault == "early-return":
                s["took"] = 1
                return 4
            return 3

        def wait_for_poster(s):
            if not s["released"]:
                return BLOCKED
            s["took"] = fault != "lost-post"
            return 4

        def leave(s):
            s["alive"], s["over"] = 0, 1
            return DONE
        return [publish, woken, give_up, wait_for_poster, leave]

    def deadline(self):
        def fire(s):
            if not s["claim"] and s["word"] == 2:
                s["claim"] = 2
            return DONE
        return [fire]

    def poster(self, i):
        def exchange(s):
            if s["word"] == 2:
                s["word"] = 0
                return 1
            s["word"] = 1
            return DONE

        def claim(s):
            s["touched"] |= not s["alive"]
            if not s["claim"]:
                s["claim"] = 1
                return DONE
            return 2

        def release(s):
            s["touched"] |= not s["alive"]
            s["released"] = 1
            return DONE
        return [exchange, claim, release]

    def check(self, s):
        assert not s["touched"], "a record is touched after its waiter has returned"

    def finish(self, s, stuck):
        assert not stuck, "the waiter never returns"
        assert s["took"] or s["word"] == 1, "the post is lost"


MODELS = (Idle, Ask, Early, Stacks, Claim, Stuck, Event)
