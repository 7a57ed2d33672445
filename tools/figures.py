"""
Figures of README.md, docs/ and the public headers against what they are taken from. tools/figures.txt lists
them, a line each: FILE: TEXT <- TRUTH. {} in TEXT is the figure; its blanks may be ends of lines. TRUTH is one of

    FILE EXPRESSION     numbers, and constants of this C, assembly or Python file
    FILE /PATTERN/      what stands for (...) in the file
    FILE.json NAME      the median of a row of bench/results, or a number of the file's own
    count GLOB          so many files

A figure is right when the truth, rounded to its digits, is it.
"""

import json
import re

WORDS = dict(zip("one two three four five six seven eight nine ten eleven twelve".split(), range(1, 13)))
WORDS |= {word.capitalize(): n for word, n in WORDS.items()}
FIGURE = r"(\d[\d,]*(?:\.\d+)*|" + "|".join(WORDS) + ")"
KNOWN = {"NSEC_PER_SEC": 10**9, "NSEC_PER_MSEC": 10**6, "NSEC_PER_USEC": 10**3, "PAGE_SIZE": 4096}


def rows(text):
    """(number of the line, file, text, truth) of each figure that is listed."""
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            path, _, rest = line.partition(": ")
            yield number, path, *rest.split(" <- ")


def calculated(text, words):
    """What an expression is in which names are those of constants of a source."""
    def constant(match):
        if match[0] in KNOWN:
            return str(KNOWN[match[0]])
        found = re.search(rf"^\s*#\s*define\s+{match[0]}\s+(.+)|\b{match[0]}\s*=\s*([^,;}}\n]+)", text, re.M)
        if not found:
            raise ValueError(f"there is no {match[0]}")
        value = re.sub(r"/\*.*|#.*|(?<=\d)[uUlL]+\b", "", found[1] or found[2])
        return str(calculated(text, value.replace("/", "//")))

    numbers = re.sub(r"\b[A-Z_]\w*\b", constant, words)
    if not re.fullmatch(r"[\da-fx\s().+*/<-]+", numbers):
        raise ValueError(f"{words.strip()} is nothing that can be calculated")
    return eval(numbers)  # pylint: disable=eval-used


def truth(read, files, words):
    path, _, rest = words.partition(" ")
    if path == "count":
        shape = re.compile(re.escape(rest).replace(r"\*", "[^/]*"))
        return sum(bool(shape.fullmatch(file)) for file in files)
    if rest.startswith("/"):
        found = re.search(rest[1:-1], read(path), re.M)
        if not found:
            raise ValueError(f"there is no {rest}")
        return found[1] if found[1].count(".") > 1 else float(found[1])
    if path.endswith(".json"):
        results = json.loads(read(path))
        medians = {row["name"]: row["vole"]["median"] for row in results["rows"]}
        return medians[rest] if rest in medians else results[rest]
    return calculated(read(path), rest)


def holds(said, value):
    if isinstance(value, str):
        return said == value
    digits = str(WORDS.get(said, said)).replace(",", "")
    return round(value, len(digits.partition(".")[2])) == float(digits)


def places(text, pattern):
    """Where a text has the figure of a pattern: matches, of which the first group is the figure."""
    parts = [r"\s+(?:\* )?".join(map(re.escape, part.split(" "))) for part in pattern.split("{}")]
    return list(re.finditer(FIGURE.join(parts), text))


def wrong(read, files, listed="tools/figures.txt"):
    """A line for each figure that does not hold; read gives a file's text, files are all there are."""
    for number, path, pattern, words in rows(read(listed)):
        try:
            value = truth(read, files, words)
        except (ValueError, KeyError, SyntaxError, OSError) as error:
            yield f"{listed}:{number}: {words}: {error}"
            continue
        text = read(path)
        found = places(text, pattern)
        if not found:
            yield f"{listed}:{number}: {path} does not say: {pattern}"
        for match in found:
            if not holds(match[1], value):
                line = text.count("\n", 0, match.start(1)) + 1
                said = value if isinstance(value, str) else f"{value:.15g}"
                yield f"{path}:{line}: {match[1]}, but it is {said} ({words})"
