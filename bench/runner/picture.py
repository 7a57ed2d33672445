"""The table as a picture: for each row a bar, how much of Go's time Vole takes, and the target."""

import math
from html import escape

from .show import number

# Pixels.
WIDTH, ROW, TOP, MARGIN = 900, 22, 64, 12
LEFT, RIGHT = 300, 620  # of the bars
LEAST, MOST = 0.01, 3   # the ends of the scale, which is logarithmic

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #59636e }
.number { text-anchor: end; font-variant-numeric: tabular-nums }
.middle { text-anchor: middle }
.paper { fill: #ffffff } .line { stroke: #d1d9e0 } .go { stroke: #59636e }
.hit { fill: #2da44e } .missed { fill: #d4a72c } .failed { fill: #cf222e }
.target { stroke: #1f2328; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .quiet { fill: #9198a1 }
  .paper { fill: #0d1117 } .line { stroke: #3d444d } .go { stroke: #9198a1 }
  .hit { fill: #3fb950 } .missed { fill: #bb8009 } .failed { fill: #f85149 }
  .target { stroke: #f0f6fc }
}"""


def place(ratio):
    """Where on the scale a ratio to Go is."""
    share = math.log(max(LEAST, min(MOST, ratio)) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * (RIGHT - LEFT)


def text(x, y, words, kind=""):
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def line(x, top, bottom, kind):
    return f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" class="{kind}"/>'


def value(result, unit):
    if not result:
        return ""
    return "failed" if "failed" in result else f"{number(result['median'])} {unit}"


def one(result, y):
    """The parts of one row, whose upper end is y."""
    base, unit = y + 15, result["unit"]
    verdict = result["verdict"]
    parts = [text(MARGIN, base, result["title"].strip()),
             text(710, base, value(result["vole"], unit), "number"),
             text(800, base, value(result.get("go"), unit), "number quiet"),
             text(WIDTH - MARGIN, base, result["verdict"], "number")]
    if result["ratio"] and not result["at_least"]:
        parts.append(f'<rect x="{LEFT}" y="{y + 5}" width="{place(result["ratio"]) - LEFT:.1f}" '
                     f'height="12" rx="2" class="{verdict}"/>')
        target = result["target_ratio"] or result["target"] / result["go"]["median"]
        parts.append(line(place(target), y + 2, y + 20, "target"))
    return parts


def svg(machine, results):
    rows = [result for result in results if result["target"] or result["target_ratio"]]
    bottom = TOP + ROW * len(rows)
    height = bottom + 44
    parts = [f'<rect width="{WIDTH}" height="{height}" rx="6" class="paper"/>',
             text(MARGIN, 24, "Vole beside Go, the same work in the same run", "title"),
             text(710, TOP - 8, "Vole", "number"), text(800, TOP - 8, "Go", "number quiet")]
    for ratio in (0.01, 0.1, 1):
        name = "Go" if ratio == 1 else f"{ratio:g} of Go"
        parts += [line(place(ratio), TOP, bottom, "go" if ratio == 1 else "line"),
                  text(place(ratio), TOP - 8, name, "quiet middle")]
    for i, result in enumerate(rows):
        parts += one(result, TOP + ROW * i)
    parts.append(text(MARGIN, bottom + 20, "A bar is Vole's time as a share of Go's, to the left "
                      "is faster; the mark is the target. Medians.", "quiet"))
    parts.append(text(MARGIN, bottom + 36, f"{machine['processor']}, {machine['system']}, "
                      f"{machine['compiler']}, {machine['go']}", "quiet"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}">\n<style>{STYLE}\n</style>\n'
            + "\n".join(parts) + "\n</svg>\n")
