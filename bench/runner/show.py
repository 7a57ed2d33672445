"""The table for people, a line for each row."""

HEAD = ("what", "Vole", "min-max", "Go", "min-max", "ratio", "target", "that is", "")
WIDTHS = (39, 10, 15, 10, 15, 7, 7, 10, 6)


def number(value):
    """Three digits that count, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else "0"


def line(*cells):
    first, *rest = cells
    text = f"{first:{WIDTHS[0]}}" + "".join(
        f" {cell:>{width}}" for cell, width in zip(rest, WIDTHS[1:]))
    return text.rstrip()


def head():
    return line(*HEAD) + "\n" + "-" * (sum(WIDTHS) + len(WIDTHS) - 1)


def cells(result, unit):
    if not result:
        return "", ""
    if "failed" in result:
        return "failed", ""
    return (f"{number(result['median'])} {unit}",
            f"{number(result['min'])}-{number(result['max'])}")


def ratio(value):
    return "" if value is None else f"{value:.3f}"


def row(result):
    """The line of one row of the results."""
    unit = result["unit"]
    bound = "≥" if result["at_least"] else "≤"
    target = result["target"] # None: a ratio, and Go's number failed
    text = line(result["title"], *cells(result["vole"], unit), *cells(result.get("go"), unit),
                ratio(result["ratio"]), ratio(result["target_ratio"]),
                "" if target is None else f"{bound} {number(target)} {unit}".rstrip(),
                result["verdict"])
    for who in ("vole", "go"):
        failed = result.get(who, {}).get("failed")
        text += f"\n    {who}: {failed}" if failed else ""
    return text
