"""A timeline as a page of its own: page.html, with the data in it."""

import json
import os

from records import HERE

from . import tracks

TEMPLATE = os.path.join(HERE, "timeline", "page.html")
RUN, WAIT, PROGRAM, CALL = range(4) # kinds of slices
KINDS = {"run": RUN, "wait": WAIT, "program": PROGRAM, "call": CALL}


class Page:
    """Collects what page.html draws. Times are in ns since the first event; names are numbers of texts."""

    def __init__(self, timeline):
        self.timeline = timeline
        self.began = timeline.events[0][0] if timeline.events else 0
        self.texts, self.rows, self.row_numbers = {}, [], {}
        self.open = {} # by row: [slice, ...]
        self.flows = {} # (time, row, kind), by number
        self.arrows, self.counters = [], {}
        for core in range(timeline.cores):
            self.row(("core", core))

    def text(self, text):
        return self.texts.setdefault(text, len(self.texts))

    def row(self, track):
        if track not in self.row_numbers:
            kind, ident = track
            name = f"core {ident}" if kind == "core" else f"{self.timeline.name(ident)} #{ident}"
            self.row_numbers[track] = len(self.rows)
            self.rows.append({"name": name, "core": kind == "core", "slices": [], "marks": []})
        return self.row_numbers[track]

    def begin(self, track, time, category, name, details):
        row = self.row(track)
        stack = self.open.setdefault(row, [])
        depth = sum(each[2] >= PROGRAM for each in stack)
        if track[0] == "core": # what runs there
            name = f"{name} #{details[0][1]}"
        new = [time - self.began, 0, KINDS[category], self.text(name), depth]
        slices = self.rows[row]["slices"]
        # The state goes on inside of a slice of the program's, or behind it.
        if slices and category in ("run", "wait"):
            last = next((each for each in reversed(slices[-3:]) if each[2] < PROGRAM), None)
            if last and last[0] + last[1] == new[0] and last[2:4] == new[2:4] and last not in stack:
                stack.append(last)
                return
        slices.append(new)
        stack.append(new)

    def end(self, track, time):
        last = self.open[self.row(track)].pop()
        last[1] = time - self.began - last[0]

    def instant(self, track, time, category, name, out, into):
        row = self.row(track)
        at = time - self.began
        if out:
            self.flows[out] = at, row, category
        if into in self.flows:
            self.arrows.append([*self.flows[into][:2], at, row, 1 if category == "chan" else 0])
        if category not in ("wake", "chan", "idle"):
            self.rows[row]["marks"].append([at, self.text(name)])

    def tell(self, told):
        what, *words = told
        if what == "begin":
            self.begin(*words)
        elif what == "end":
            self.end(*words)
        elif what == "instant":
            track, time, category, name, _, out, into = words
            self.instant(track, time, category, name, out, into)
        else:
            time, name, value = words
            points = self.counters.setdefault(name, [])
            if points and points[-1][0] == time - self.began:
                points[-1][1] = value
            else:
                points.append([time - self.began, value])

    def data(self):
        events = self.timeline.events
        for row in self.rows:
            row["slices"].sort(key=lambda each: each[0])
            for list_of in "slices", "marks": # one list of numbers: smaller, and faster to read
                row[list_of] = [number for each in row[list_of] for number in each]
        self.arrows.sort()
        return {
            "title": os.path.splitext(os.path.basename(self.timeline.elf.path))[0],
            "began": self.began, "length": events[-1][0] - self.began if events else 1,
            "lost": self.timeline.lost, "texts": list(self.texts), "rows": self.rows,
            "arrows": [number for arrow in self.arrows for number in arrow],
            "counters": [{"name": name, "points": [number for point in points for number in point]}
                         for name, points in self.counters.items()],
        }


def write(timeline, out):
    page = Page(timeline)
    for told in tracks.tell(timeline):
        page.tell(told)
    with open(TEMPLATE, encoding="utf-8") as file:
        before, after = file.read().split("/*DATA*/")
    # </script> in a name would end the page's.
    data = json.dumps(page.data(), separators=(",", ":")).replace("</", "<\\/")
    out.write((before + data + after).encode())
