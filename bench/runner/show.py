"""The tables for people: beside Go, and beside C and C++."""

COLUMNS = (("what", 41), ("Vole", 10), ("min-max", 15), ("Go", 10), ("min-max", 15), ("ratio", 7),
           ("target", 7), ("that is", 10), ("", 6))
PEERS = {"fiber": "boost.fiber", "context": "boost.context", "threads": "threads (*)"}


def number(value):
    """Three digits that count, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else "0"


def line(cells, widths):
    first, *rest = cells
    text = f"{first:{widths[0]}}" + "".join(
        f" {cell:>{width}}" for cell, width in zip(rest, widths[1:]))
    return text.rstrip()


WIDTHS = [width for _, width in COLUMNS]


def head():
    return line([name for name, _ in COLUMNS], WIDTHS) + "\n" + "-" * (sum(WIDTHS) + len(WIDTHS))


def cells(result, unit):
    if not result:
        return "", ""
    if "failed" in result:
        return "failed", ""
    return (f"{number(result['median'])} {unit}",
            f"{number(result['min'])}-{number(result['max'])}")


def ratio(value):
    return f"{value:.3f}" if value else ""


def target(result):
    if not result["target"]:
        return ""
    return f"{'≥' if result['at_least'] else '≤'} {number(result['target'])} {result['unit']}"


def row(result):
    """The line of one row of the results, and why what failed did."""
    unit = result["unit"]
    text = line([result["title"], *cells(result["vole"], unit), *cells(result.get("go"), unit),
                 ratio(result["ratio"]), ratio(result["target_ratio"]), target(result),
                 result["verdict"]], WIDTHS)
    for who in ("vole", "go", *PEERS):
        failed = result.get(who, {}).get("failed")
        text += f"\n    {who}: {failed}" if failed else ""
    return text


def peers(results):
    """The table of the other peers, or ''."""
    widths = [WIDTHS[0], *[14] * (1 + len(PEERS))]
    lines = [line([result["title"], cells(result["vole"], result["unit"])[0],
                   *[cells(result.get(peer), result["unit"])[0] for peer in PEERS]], widths)
             for result in results if any(peer in result for peer in PEERS)]
    if not lines:
        return ""
    return "\n".join(["", line(["beside C and C++", "Vole", *PEERS.values()], widths),
                      "-" * (sum(widths) + len(widths)), *lines,
                      "(*) of Linux; 10,000 of them where it says 1,000,000"])
