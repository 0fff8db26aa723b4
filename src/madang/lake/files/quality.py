"""What is wrong with a table, by its profile, by the columns there were before, and by what was promised. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from madang.lake.files.report import Finding, Known, Profile, Severity

NULLS_WARN, DUPLICATES_WARN, DUPLICATES_STOP = 0.2, 0.0, 0.5
TAKEN = frozenset({("integer", "number"), ("number", "integer"), ("time", "date")})
"""`(what a column is, what comes)` where the column can take it, widened if need be."""


def judge(profiles: Sequence[Profile], rows: int, duplicates: int) -> list[Finding]:
    """Of the table alone."""
    if not rows:
        return [Finding("empty", "stop")]
    found = [_nulls(one, rows) for one in profiles if one.nulls > NULLS_WARN * rows]
    found += [
        Finding("constant", "note", one.name, rows, {"value": one.least})
        for one in profiles
        if one.distinct == 1 and not one.nulls and rows > 1
    ]
    if duplicates > DUPLICATES_WARN * rows:
        severity: Severity = "stop" if duplicates > DUPLICATES_STOP * rows else "warn"
        found.append(Finding("duplicates", severity, rows=duplicates, told={"share": round(duplicates / rows, 4)}))
    return found


def _nulls(profile: Profile, rows: int) -> Finding:
    code = "column_empty" if profile.nulls == rows else "nulls"
    return Finding(code, "warn", profile.name, profile.nulls, {"share": round(profile.nulls / rows, 4)})


def against_known(profiles: Sequence[Profile], known: Iterable[Known]) -> list[Finding]:
    """What a table that is there already can take: new columns and wider types, but no other ones."""
    now = {one.name: one for one in profiles}
    before = list(known)
    out: list[Finding] = []
    for one in before:
        found = now.get(one.name)
        if found is None:
            out.append(Finding("column_gone", "warn", one.name))
        elif not takes(one.type, found.type) and found.distinct:
            out.append(Finding("type_changed", "stop", one.name, told={"was": one.type, "is": found.type}))
    names = {one.name for one in before}
    new = [name for name in now if name not in names]
    return out + ([Finding("columns_new", "note", told={"names": new[:50]})] if before and new else [])


def takes(was: str, now: str) -> bool:
    return was == now or was == "text" or (was, now) in TAKEN


def against_promise(profiles: Sequence[Profile], promised: Iterable[Known], rows: int) -> list[Finding]:
    """What a contract says of the columns (required: no absent value)."""
    now = {one.name: one for one in profiles}
    out: list[Finding] = []
    for one in promised:
        found = now.get(one.name)
        if found is None:
            out.append(Finding("contract_column", "stop", one.name))
        elif found.type != one.type and (one.type, found.type) != ("number", "integer"):
            out.append(Finding("contract_type", "stop", one.name, told={"promised": one.type, "is": found.type}))
        elif one.required and found.nulls:
            out.append(
                Finding("contract_nulls", "stop", one.name, found.nulls, {"share": round(found.nulls / rows, 4)})
            )
    return out


def settled(findings: Iterable[Finding], accepted: Iterable[str]) -> list[Finding]:
    """What somebody has looked at stops no more."""
    known = set(accepted)
    return [
        Finding(one.code, "warn", one.column, one.rows, one.told)
        if one.severity == "stop" and one.code in known
        else one
        for one in findings
    ]
