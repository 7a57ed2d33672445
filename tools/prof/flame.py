"""The profile as a flame graph: an SVG that browsers show, with a search, and a click on a function to see it alone."""

import zlib
from collections import namedtuple
from xml.sax.saxutils import escape, quoteattr

from .places import show
from .tables import KINDS

WIDTH, ROW, TOP, SIDE = 1200, 17, 64, 10
LEAST = 0.0005 # of the whole: what is narrower is left out
LETTER = 6.6   # pixels
KERNEL = ("kernel/", "sync/", "debug/", "arch/", "drivers/", "libc/", "net/", "lwip/")

Frame = namedtuple("Frame", "name kernel depth begin value")

SCRIPT = """
var kinds = Array.from(document.querySelectorAll('g.kind')), shown = kinds[0], zoomed = null;
function frames() { return Array.from(shown.querySelectorAll('g.frame')); }
function at(f, what) { return parseFloat(f.getAttribute('data-' + what)); }
function label(f, width) {
  var text = f.querySelector('text'), name = f.getAttribute('data-name'), room = Math.floor((width - 6) / LETTER);
  text.textContent = room < 3 ? '' : name.length <= room ? name : name.slice(0, room - 2) + '..';
}
function draw() {
  var x0 = zoomed ? at(zoomed, 'x') : 0, w0 = zoomed ? at(zoomed, 'w') : 1, d0 = zoomed ? at(zoomed, 'd') : 0;
  frames().forEach(function (f) {
    var x = at(f, 'x'), w = at(f, 'w'), below = at(f, 'd') < d0;
    var left = Math.max(x, x0), right = Math.min(x + w, x0 + w0), width = (right - left) / w0 * INNER;
    f.style.display = width > 0.1 && (below || left === x) ? '' : 'none';
    f.style.opacity = below ? 0.5 : 1;
    f.querySelector('rect').setAttribute('width', Math.max(width - 0.5, 0.1));
    f.querySelector('rect').setAttribute('x', SIDE + (left - x0) / w0 * INNER);
    f.querySelector('text').setAttribute('x', SIDE + (left - x0) / w0 * INNER + 3);
    label(f, width);
  });
  document.getElementById('back').style.display = zoomed ? '' : 'none';
}
function zoom(f) { zoomed = f; draw(); }
function choose(name) {
  kinds.forEach(function (k) { k.style.display = k.id === name ? '' : 'none'; if (k.id === name) shown = k; });
  zoomed = null; draw(); find(wanted);
}
var wanted = '';
function find(text) {
  var sum = 0, last = {}, pattern;
  wanted = text || '';
  try { pattern = new RegExp(wanted, 'i'); } catch (e) { return; }
  frames().forEach(function (f) {
    var hit = wanted && pattern.test(f.getAttribute('data-name')), rect = f.querySelector('rect');
    rect.setAttribute('fill', hit ? '#e600e6' : rect.getAttribute('data-fill'));
    if (hit) last[at(f, 'x') + ' ' + at(f, 'w')] = [at(f, 'x'), at(f, 'x') + at(f, 'w')];
  });
  var end = 0;
  Object.values(last).sort(function (a, b) { return a[0] - b[0] || b[1] - a[1]; }).forEach(function (r) {
    if (r[1] > end) { sum += r[1] - Math.max(r[0], end); end = r[1]; }
  });
  document.getElementById('found').textContent = wanted ? wanted + ': ' + (100 * sum).toFixed(1) + ' %' : '';
}
document.addEventListener('keydown', function (e) {
  if (e.key === '/' || (e.ctrlKey && e.key === 'f')) { e.preventDefault(); find(prompt('Search for (a regular expression)', wanted)); }
  if (e.key === 'Escape') { find(''); zoom(null); }
});
frames().length && draw();
"""


class Node:
    """A function, as it was called from those below."""

    def __init__(self, kernel=False):
        self.value, self.kernel, self.children = 0, kernel, {}

    def child(self, name, kernel):
        if name not in self.children:
            self.children[name] = Node(kernel)
        return self.children[name]


def tree(samples):
    """The root: whose children are coroutines, then functions."""
    root = Node()
    for sample in samples:
        node = root
        node.value += sample.value
        steps = [(sample.labels.get("coroutine", "(none)"), True)]
        steps += [(place.function, place.file.startswith(KERNEL)) for _, places in reversed(sample.stack)
                  for place in reversed(places)]
        for name, kernel in steps:
            node = node.child(name, kernel)
            node.value += sample.value
    return root


def frames(node, name="all", depth=0, begin=0, least=0):
    """All Frames, the outermost first."""
    yield Frame(name, node.kernel, depth, begin, node.value)
    for text, child in sorted(node.children.items()):
        if child.value >= least:
            yield from frames(child, text, depth + 1, begin, least)
        begin += child.value


def color(frame):
    """Of the program warm, of the kernel cool; the same for the same name."""
    shade = zlib.crc32(frame.name.encode()) % 60
    if frame.depth < 2:
        return "#cccccc" if frame.depth == 0 else f"rgb({190 + shade // 3},{200 + shade // 4},{190 + shade // 3})"
    if frame.kernel:
        return f"rgb({90 + shade},{150 + shade},{225 - shade // 4})"
    return f"rgb({225 + shade // 3},{120 + shade * 2},{60 + shade // 2})"


def group(kind, root, height, hidden):
    """Lines of the SVG for one kind of samples."""
    yield f'<g class="kind" id="{kind}"' + ' style="display:none"' * hidden + ">"
    for frame in frames(root, least=root.value * LEAST):
        x, w = frame.begin / root.value, frame.value / root.value
        left, width, y = SIDE + x * (WIDTH - 2 * SIDE), w * (WIDTH - 2 * SIDE), height - ROW * (frame.depth + 2)
        room = int((width - 6) / LETTER)
        text = "" if room < 3 else frame.name if len(frame.name) <= room else frame.name[:room - 2] + ".."
        title = f"{frame.name}: {show(kind, frame.value)}, {100 * w:.2f} %"
        yield (f'<g class="frame" data-name={quoteattr(frame.name)} data-x="{x:.6f}" data-w="{w:.6f}" data-d="{frame.depth}" '
               f'onclick="zoom(this)"><title>{escape(title)}</title><rect x="{left:.1f}" y="{y}" '
               f'width="{max(width - 0.5, 0.1):.1f}" height="{ROW - 1}" fill="{color(frame)}" data-fill="{color(frame)}"/>'
               f'<text x="{left + 3:.1f}" y="{y + 12}">{escape(text)}</text></g>')
    yield "</g>"


def depth_of(node):
    return 1 + max(map(depth_of, node.children.values()), default=0)


def lines_of(profile):
    """The whole SVG."""
    roots = {kind: tree(s for s in profile.samples if s.kind == kind) for kind in KINDS}
    roots = {kind: root for kind, root in roots.items() if root.value}
    height = TOP + ROW * (max(map(depth_of, roots.values()), default=0) + 2)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
    yield ("<style>text{font:11px monospace;pointer-events:none}.frame{cursor:pointer}.button{cursor:pointer;"
           "pointer-events:all;fill:#0645ad}rect:hover{stroke:black}</style>")
    yield f'<rect width="{WIDTH}" height="{height}" fill="#fffdf5"/>'
    yield (f'<text x="{SIDE}" y="20">{escape(profile.elf.rsplit("/", 1)[-1])}: {show("cpu", profile.duration)}. Click a '
           'function to see it alone, / to search, Escape for all.</text>')
    for i, (kind, root) in enumerate(roots.items()):
        yield (f'<text class="button" x="{SIDE + 210 * i}" y="40" onclick="choose(\'{kind}\')">'
               f'[{kind}: {show(kind, root.value)}]</text>')
    yield f'<text class="button" id="back" x="{WIDTH - 90}" y="20" style="display:none" onclick="zoom(null)">[all]</text>'
    yield f'<text id="found" x="{WIDTH - 330}" y="40"></text>'
    for i, (kind, root) in enumerate(roots.items()):
        yield from group(kind, root, height, i > 0)
    script = SCRIPT.replace("INNER", str(WIDTH - 2 * SIDE)).replace("SIDE", str(SIDE)).replace("LETTER", str(LETTER))
    yield f"<script><![CDATA[{script}]]></script></svg>"


def write(profile, out):
    """The profile, to the open file out."""
    out.write("".join(line + "\n" for line in lines_of(profile)).encode())
