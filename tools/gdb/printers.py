"""How gdb prints the structs of include/vole/: as who holds them, and who waits. print/r shows the fields."""

import gdb # pylint: disable=import-error # gdb's own
import gdb.printing # pylint: disable=import-error

from kernel import duration
from objects import linked, offset, queue, struct_at, whose
from session import SESSION

MOST = 8 # waiters by name


def number(value):
    """Of a field that may be atomic."""
    return int(value.cast(gdb.lookup_type("unsigned long")))


class Printer:
    """words(kernel, value) is the text. A value that was never one of its type must not end in an error."""

    def __init__(self, words):
        self.words, self.value = words, None

    def __call__(self, value):
        made = Printer(self.words)
        made.value = value
        return made

    def to_string(self):
        try:
            return self.words(SESSION.get(), self.value)
        except (gdb.error, OSError):
            return "(not to be read)"


def some(kernel, found):
    names = ", ".join(whose(kernel, co) for co in found[:MOST])
    return names + f" and {len(found) - MOST} more" * (len(found) > MOST)


def waiting(kernel, waiters):
    found = queue(kernel, waiters)
    return f", waited for by {some(kernel, found)}" if found else ""


def holder(kernel, ident):
    co = next((co for co in kernel.coroutines() if co.id == ident), None)
    return f"held by co {kernel.who(co)}" if co else f"held by {ident}"


def co_words(kernel, value):
    co = kernel.co(int(value.address))
    return kernel.line(co) if co else "co, not in use"


def mutex(kernel, value):
    ident = number(value["state"]) & ~kernel.table["MUTEX_WAITERS"]
    return "mutex " + (holder(kernel, ident) if ident else "free") + waiting(kernel, value["waiters"])


def rwmutex(kernel, value):
    ident, readers = int(value["writer"]), int(value["readers"])
    text = holder(kernel, ident) if ident else f"{readers} readers" if readers else "free"
    return "rwmutex " + text + waiting(kernel, value["waiters"])


def counted(name):
    return lambda kernel, value: f"{name} {number(value['count'])}" + waiting(kernel, value["waiters"])


def cond(kernel, value):
    return "cond" + waiting(kernel, value["waiters"])


def event(kernel, value):
    state = number(value["state"])
    if state < 2:
        return "event, posted" if state else "event"
    return f"event, waited for by {whose(kernel, int(struct_at(state, 'event_waiter')['co']))}"


def once(kernel, value):
    if number(value["done"]):
        return "once, done"
    ident = number(value["mutex"]["state"]) & ~kernel.table["MUTEX_WAITERS"]
    return "once" + (f", {holder(kernel, ident)}" if ident else "") + waiting(kernel, value["mutex"]["waiters"])


def group(kernel, value):
    found = list(linked(kernel, value["members"], offset("co", "group_next")))
    error = int(value["error"].cast(gdb.lookup_type("int")))
    return ("group" + f", cancelled ({error})" * (error != 0) + f", {len(found)} members" + f": {some(kernel, found)}" * bool(found)
            + waiting(kernel, value["waiters"]))


def future(kernel, value):
    return "future" + ", done" * bool(value["done"]) + waiting(kernel, value["waiters"])


def chan(kernel, value):
    text = f"chan {int(value['count'])} of {int(value['capacity'])}" + ", closed" * bool(value["closed"])
    for name in "senders", "receivers":
        found = queue(kernel, value[name])
        if found:
            text += f", {name} {some(kernel, found)}"
    return text


def pool(kernel, value):
    count = int(value["count"])
    text = f"pool, {int(value['running'])} of {int(value['workers'])} workers, {count} of {int(value['backlog'])} tasks wait"
    if count:
        fn = int(value["queue"][int(value["head"])]["fn"])
        text += f", the next {kernel.elf.functions.get(fn, '?')}"
    return text + waiting(kernel, value["submitters"])


def gen(kernel, value):
    fn = kernel.elf.functions.get(int(value["fn"]), "?")
    if value["ended"]:
        return f"gen {fn}, ended"
    where = f"waits as {whose(kernel, int(value['body']))}" if value["body"] else "runs"
    return f"gen {fn}, {where}" + ", being freed" * bool(value["freeing"])


def timer(kernel, value):
    node = value["node"]
    if not node["link"]["next"]:
        return "timer, not pending"
    fn = kernel.elf.functions.get(int(value["fn"]), "?")
    return f"timer, {fn} at {int(node['deadline'])} ns, now {kernel.now}"


def ticker(kernel, value):
    if not value["chan"]:
        return "ticker, not started"
    return (f"ticker, each {duration(int(value['period']))}, next at {int(value['node']['deadline'])} ns, now {kernel.now}: "
            + chan(kernel, value["chan"].dereference()))


def register():
    found = gdb.printing.RegexpCollectionPrettyPrinter("vole")
    for name, words in (("co", co_words), ("mutex", mutex), ("rwmutex", rwmutex), ("cond", cond),
                        ("waitgroup", counted("waitgroup")), ("sema", counted("sema")), ("event", event),
                        ("once", once), ("group", group), ("future", future), ("chan", chan), ("timer", timer),
                        ("ticker", ticker), ("pool", pool), ("gen", gen)):
        found.add_printer(name, f"^{name}$", Printer(words))
    gdb.printing.register_pretty_printer(None, found, replace=True)
