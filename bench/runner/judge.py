"""What a row has come to: hit, missed or failed."""


def reaches(row, vole, go):
    """Whether a row's number is what it must be."""
    if row.ratio:
        return vole / go <= row.ratio
    return vole >= row.target if row.at_least else vole <= row.target


def judge(row, contest):
    """A row of the results."""
    name = row.name.removesuffix("-icount")
    result = {who: contest[who].result(name) for who in ("vole", "go", *row.peers) if who in contest}
    vole, go = (result.get(who, {}).get("median") for who in ("vole", "go"))
    if any("failed" in one for one in result.values()):
        verdict = "failed"
    elif row.target is None and row.ratio is None:
        verdict = ""
    else:
        verdict = "hit" if reaches(row, vole, go) else "missed"
    return {"name": row.name, "title": row.title, "unit": row.unit, "cores": row.cores,
            "target": row.target, "at_least": row.at_least,
            "target_ratio": row.ratio,
            "ratio": vole / go if vole and go else None, "verdict": verdict, **result}
