"""The after-action report as PDF (ISO 32000), with its Korean font within it."""

from __future__ import annotations

from madang.operations.incidents.procedures import Procedure
from madang.operations.incidents.reporting import Account
from madang.people.operations.shown import Reader, checklist, logged, minutes
from madang.people.print.sheet import Sheet


def render_report(account: Account, procedure: Procedure, reader: Reader) -> bytes:
    """The file. It takes about a second of processor: call it outside the event loop."""
    one, t = account.incident, reader.t
    sheet = Sheet(f"{t('pdf.title')} {one.id}", reader.language, lambda page: t("pdf.page", page=page))
    sheet.set_creation_date(account.made_at)
    sheet.heading(f"{t('pdf.title')}: {one.id}. {one.title}", 16)
    for told in _head(account, procedure, reader):
        sheet.line_of(told)
    sheet.heading(t("pdf.timeline"))
    for entry in logged(account.log, procedure, reader):
        sheet.line_of(" ".join(filter(None, [f"{entry['at']}  {entry['who']}: {entry['what']}", entry["text"]])))
    sheet.heading(t("pdf.steps"))
    for step in checklist(procedure, account.steps, reader):
        sheet.line_of(f"{'■' if step['done'] else '□'} {step['text']} ({step['done'] or t('pdf.step.left')})")
    sheet.heading(t("pdf.commands"))
    for told in _commands(account, reader):
        sheet.line_of(told)
    return bytes(sheet.output())


def _head(account: Account, procedure: Procedure, reader: Reader) -> list[str]:
    one, t, times = account.incident, reader.t, account.times_s
    limits = {"acknowledged": one.acknowledge_by, "resolved": one.resolve_by}
    kept = [
        t(f"pdf.to_{name}", minutes=minutes(times[name]), limit=minutes((limit - one.opened_at).total_seconds()))
        for name, limit in limits.items()
        if name in times
    ]
    place = f"{one.place[1]:.5f}, {one.place[0]:.5f}" if one.place else t("ops.place.none")
    merged = ", ".join(f"{each.id} ({reader.who(each.source)})" for each in account.merged)
    return [
        f"{procedure.name[reader.language]}, {t(f'ops.severity.{one.severity}')}, {t(f'ops.state.{one.state}')}",
        f"{t('ops.source')}: {reader.who(one.source)}   {t('ops.owner')}: {reader.who(one.owner)}",
        f"{t('ops.place')}: {place}",
        f"{t('ops.opened')}: {reader.at(one.opened_at)}",
        *kept,
        *([] if one.resolved_at else [t("pdf.open")]),
        *([f"{t('pdf.merged')}: {merged}"] if merged else []),
        t("pdf.made", at=reader.at(account.made_at)),
    ]


def _commands(account: Account, reader: Reader) -> list[str]:
    told = [
        reader.t(
            "pdf.command",
            at=reader.at(one.at),
            who=reader.who(one.who),
            kind=one.kind,
            target=one.target,
            rank=one.rank,
            why=one.why,
            status=one.status,
            outcome=one.outcome,
        )
        for one in account.commands
    ]
    counted = [
        reader.t("pdf.counted", who=reader.who(who), kind=kind, status=status, number=number)
        for who, kind, status, number in account.routine
    ]
    if not told and not counted:
        return [reader.t("pdf.commands.none")]
    return [*told, *counted, *([reader.t("pdf.routine")] if counted else [])]
