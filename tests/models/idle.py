"""Cores without work, and those that keep work to themselves (kernel/scheduler.c, proc_put, proc_share).

An owner puts work into its private queue, and into its ring, where others may take it, only when it
sees a core idle. It looks without a fence, and so it does once more for whom to wake: what it puts may
become visible after what it has seen is old, but sooner than an idle core looks again. An owner runs
something for ever: what it keeps to itself nobody runs. It may stop putting at any time.
"""

from .explore import BLOCKED, DONE


class Idle:
    """No work waits while a core sleeps, and no time slice has to end for that.

    Faults: "no-second-look": a core does not look at the rings after it has published that it is idle.
    "no-ask": it does not interrupt who keeps work to itself. "no-look-again": it asks at once, and
    not once more a moment later. "no-successor": the last searcher that found something does not wake
    the next. "publishes-again": to look again, a core takes back that it is idle, and publishes it
    once more; a put that races with that is looked for by nobody. "gives-up": a notifier that finds
    all idle cores gone has been counted as a searcher, and does not look again when it no longer is.
    """
    faults = ("no-second-look", "no-ask", "no-look-again", "no-successor", "publishes-again",
              "gives-up")

    def __init__(self, fault=None, idlers=2, kept=1, puts=1, yields=0, early=0):
        self.bad = {fault}
        self.idlers = idlers
        self.cores = ["yielder"] * bool(yields) + ["owner"] + [f"idler{i}" for i in range(idlers)]
        self.start = {"mask": 0, "searchers": 0, "puts": puts, "yields": yields, "saw": 0,
                      "early": 0,  # 1: an interrupt has come for the first idler
                      "late": 0}  # so many have seen what was, and what they put is not visible yet
        self.processes = {"owner": self.owner(), "stop": [self.stop]}
        if early:
            self.processes["early"] = [self.early]
        if yields:
            self.processes["yielder"] = self.yielder()
        for core in self.cores:
            # nopreempt: an interrupt has to wait. Of an idler: until it runs something.
            self.start |= {f"private {core}": 0, f"ring {core}": 0, f"asked {core}": 0, f"notifies {core}": 0,
                           f"nopreempt {core}": core.startswith("idler")}
            self.processes[f"interrupt {core}"] = self.interrupt(core)
        self.start["private owner"] = kept
        for i in range(idlers):
            self.start |= {f"timer{i}": 0, f"looked{i}": 0, f"searching{i}": 0, f"busy{i}": 0}
            self.processes[f"idler{i}"] = self.idler(i)

    def notify(self, at, then):
        """The steps of proc_notify, from index at; they go on at then."""
        def look(s):
            return at + 1 if s["mask"] else then

        def become_searcher(s):
            if s["searchers"]:
                return then
            s["searchers"] = 1
            return at + 2

        def wake(s):
            s["mask"] &= s["mask"] - 1  # who finds its bit gone is woken
            return then

        def take(s):
            return wake(s) if s["mask"] else at + 3

        def give_up(s):
            s["searchers"] -= 1
            return then if "gives-up" in self.bad else at
        return [look, become_searcher, take, give_up]

    def share(self, core, at, then):
        """The steps of proc_share, from index at, the first of which only looks."""
        def look(s):
            s["late"] += 1
            s[f"notifies {core}"] = bool(s["mask"]) and not s["searchers"]
            return at + 1

        def share(s):
            s["late"] -= 1
            s[f"ring {core}"] += s[f"private {core}"]
            s[f"private {core}"] = 0
            if not s[f"notifies {core}"]:
                return then
            s[f"notifies {core}"] = 0
            return at + 3
        return [look, share] + self.notify(at + 2, then)

    def owner(self):
        """proc_put."""
        def look(s):
            if not s["puts"]:
                return DONE
            if s["nopreempt owner"]:
                return BLOCKED
            s["nopreempt owner"] = 1
            s["late"] += 1
            s["saw"] = bool(s["mask"])
            return 1

        def put(s):
            s["puts"] -= 1
            s["private owner"] += 1
            s["late"] -= 1
            return 2 if s["saw"] else 8

        def end(s):
            s["nopreempt owner"] = s["saw"] = 0
            return 0
        return [look, put] + self.share("owner", 2, 8) + [end]

    def stop(self, s):
        if s["late"]:
            return BLOCKED
        s["puts"] = 0
        return DONE

    def early(self, s):
        s["early"] = 1
        return DONE

    def yielder(self):
        """go_yield, of the only coroutine of a core."""
        def put(s):
            if not s["yields"]:
                return DONE
            if s["nopreempt yielder"]:
                return BLOCKED
            s["yields"] -= 1
            s["nopreempt yielder"] = s["private yielder"] = 1
            return 1

        def pick(s):
            s["nopreempt yielder"] = s["private yielder"] = 0
            return 0
        return [put, pick]

    def interrupt(self, core):
        """The scheduler of a core that was asked."""
        asked, nopreempt = f"asked {core}", f"nopreempt {core}"

        def begin(s):
            if not s[asked] or s[nopreempt]:
                return BLOCKED
            s[asked] = 0
            if not s["mask"] or not s[f"private {core}"] + s[f"ring {core}"]:
                return 0
            s[nopreempt] = 1
            return 1

        def end(s):
            s[nopreempt] = 0
            return 0
        return [begin] + self.share(core, 1, 7) + [end]

    def idler(self, i):
        """find and sleep_here."""
        bit, me, bad = 1 << i, f"idler{i}", self.bad
        timer, looked, searching, busy = f"timer{i}", f"looked{i}", f"searching{i}", f"busy{i}"
        others = [core for core in self.cores if core != me]
        STEAL, NOTIFY = 1, 3
        RUN, PUBLISH, LOOK, ASK = 7, 8, 9, 10
        ARM = ASK + len(others)
        HALT, RETRACT = ARM + 1, ARM + 2

        def begin_search(s):
            s["searchers"] += not s[searching]
            s[searching] = 1
            return STEAL

        def steal(s):
            for core in others:
                taken = s[f"ring {core}"] - s[f"ring {core}"] // 2
                if taken:
                    s[f"ring {core}"] -= taken
                    s[f"private {me}"] = taken - 1
                    s[busy] = 1
                    break
            return STEAL + 1

        def end_search(s):
            s["searchers"] -= 1
            s[searching] = 0
            if not s[busy]:
                return PUBLISH
            return RUN if s["searchers"] or "no-successor" in bad else NOTIFY

        def run(s):  # for ever: it takes no more work
            s[f"nopreempt {me}"] = s[timer] = 0
            return DONE

        def publish(s):
            s["mask"] |= bit
            if "publishes-again" not in bad:
                s[looked] = 0
            return LOOK

        def look(s):
            found = any(s[f"ring {core}"] for core in others) and "no-second-look" not in bad
            return RETRACT if found else ASK

        def ask(core, then):
            def step(s):
                if not s[f"private {core}"] or "no-ask" in bad:
                    return then
                s[f"asked {core}"] = 1
                return ARM if "asks-one" in bad else then
            return step

        def arm(s):
            if not s[looked]:
                s[looked] = 1
                s[timer] = "no-look-again" not in bad
            return HALT

        def halt(s):
            # Interrupts are masked until the processor waits: none is missed.
            if not s["mask"] & bit:
                return RETRACT
            if s["early"] and i == 0:
                s["early"] = 0
                if "looks-again-early" in bad:
                    s[timer] = 0
                return LOOK
            if not s[timer] or s["late"]:
                return BLOCKED
            s[timer] = 0
            return RETRACT if "publishes-again" in bad else LOOK

        def retract(s):
            s[searching] = 0 if s["mask"] & bit else 1  # whoever took the bit has counted us
            s["mask"] &= ~bit
            return 0
        return ([begin_search, steal, end_search] + self.notify(NOTIFY, RUN) +
                [run, publish, look] +
                [ask(core, ASK + n + 1) for n, core in enumerate(others)] + [arm, halt, retract])

    def check(self, s):
        assert s["searchers"] >= 0, "a searcher too few"

    def waits(self, s):
        """Work waits, and a core sleeps."""
        return (any(s[f"private {core}"] or s[f"ring {core}"] for core in self.cores) and
                not all(s[f"busy{i}"] for i in range(self.idlers)))

    def finish(self, s, stuck):
        assert s["searchers"] == 0, "a searcher is counted that is none"
        assert not self.waits(s), "work waits, and a core sleeps"


class Ask(Idle):
    """The same beside a core whose only coroutine yields again and again: it seems to have work.

    Fault: "asks-one": who is idle interrupts only the first that seems to.
    """
    faults = ("asks-one",)

    def __init__(self, fault=None):
        super().__init__(fault, idlers=1, kept=0, yields=2)


class Early(Idle):
    """The same with an interrupt that has nothing to do with it.

    Fault: "looks-again-early": a core looks again when any interrupt comes, in place of a moment later.
    """
    faults = ("looks-again-early",)

    def __init__(self, fault=None):
        super().__init__(fault, idlers=1, kept=0, early=1)
