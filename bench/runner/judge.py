"""What a row has come to: hit, missed or failed."""


def reaches(row, target, vole, go):
    """Whether a row's number reaches a target."""
    if row.at_least:
        return vole >= target
    return vole / go <= target / row.go if row.go else vole <= target


def judge(row, contest):
    """A row of the results."""
    name = row.name.removesuffix("-icount")
    result = {who: program.result(name) for who, program in contest.items()}
    vole, go = (result.get(who, {}).get("median") for who in ("vole", "go"))
    if any("failed" in one for one in result.values()):
        verdict = "failed"
    elif row.target is None:
        verdict = ""
    elif not reaches(row, row.target, vole, go):
        verdict = "missed"
    elif row.then and not reaches(row, row.then, vole, go):
        verdict = f"hit, then {row.then:g}"
    else:
        verdict = "hit"
    return {"name": row.name, "title": row.title, "unit": row.unit, "cores": row.cores,
            "target": row.target, "at_least": row.at_least,
            "target_ratio": row.target / row.go if row.go else None,
            "ratio": vole / go if vole and go else None, "verdict": verdict, **result}
