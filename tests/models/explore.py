"""Looks at every interleaving of a small model: a few processes, each a list of atomic steps.

A model is a class with
  start        a dict: the shared variables, and the local ones of each process, all of them
  processes    {name: [step, ...]}; a step is a function of the state (a dict it may change) that
               returns the index of the next step, DONE, or BLOCKED (it cannot go on now)
  check(s)     raises AssertionError in a state that must not be; called in every state
  finish(s, stuck)  the same where nothing can go on any more; stuck: the processes that are not DONE

Every step is one access to shared memory, so what is between two accesses of the kernel's code is
between two steps here. Memory is sequentially consistent: the kernel's orders are not checked.
"""

DONE, BLOCKED = -1, -2


class Found(Exception):
    """A state that must not be, and how one gets there."""


def explore(model):
    """The number of states; raises Found."""
    names, keys = list(model.processes), list(model.start)
    start = (tuple(model.start.values()), (0,) * len(names))
    came = {start: None}
    todo = [start]
    while todo:
        state = todo.pop()
        variables, places = state
        moved = False
        try:
            model.check(dict(zip(keys, variables)))
            for i, name in enumerate(names):
                if places[i] == DONE:
                    continue
                s = dict(zip(keys, variables))
                place = model.processes[name][places[i]](s)
                if place == BLOCKED:
                    continue
                moved = True
                after = (tuple(s.values()), places[:i] + (place,) + places[i + 1:])
                if after not in came:
                    came[after] = (state, f"{name} {places[i]}")
                    todo.append(after)
            if not moved:
                model.finish(dict(zip(keys, variables)),
                             [n for n, place in zip(names, places) if place != DONE])
        except AssertionError as error:
            raise Found(f"{error}: {dict(zip(keys, variables))}\nafter {trace(came, state)}") from None
    return len(came)


def trace(came, state):
    steps = []
    while came[state]:
        state, step = came[state]
        steps.append(step)
    return ", ".join(reversed(steps))
