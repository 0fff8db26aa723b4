"""Forms of what people want to be told of, and the same in a sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from madang.base.errors import BadRequest
from madang.operations.incidents.procedures import Procedures, procedure_of
from madang.operations.notifying.nouns import CHANNELS, STEPS, Hours, Notice, Reach, Wish, read_reach, read_wish
from madang.people.identity.visit import Form
from madang.people.operations.shown import Reader, Values
from madang.trust.identity.person import checked_email

TAGS = {"sent": "now", "failed": "bad", "bounded": "warn", "waiting": ""}
_TELEPHONE = re.compile(r"\+[1-9]\d{6,14}")


def wish_of(form: Form, who: str, kinds: Procedures, channels: Sequence[str]) -> Wish:
    """`channels`: those that are set up. Raises BadRequest."""
    told: Values = {
        "who": who,
        "channels": [one for one in form.get("channels[]", "").split() if one in channels],
        "steps": [one for one in form.get("steps[]", "").split() if one in STEPS],
        "severity": form.get("severity", "low"),
        "kinds": [one for one in form.get("kinds[]", "").split() if one in kinds],
        "hours": hours_of(form.get("since", ""), form.get("until", "")),
    }
    if not told["channels"] or not told["steps"]:
        raise BadRequest("at least one channel and one step", reason="notify_form")
    return read_wish(told)


def reach_of(form: Form, language: str) -> Reach:
    """Raises BadRequest."""
    given = {one: form.get(one, "").strip() for one in CHANNELS}
    quiet = hours_of(form.get("since", ""), form.get("until", ""))
    return read_reach(
        {
            "language": form.get("language", language),
            "addresses": {one: _address(one, text) for one, text in given.items() if text},
            "quiet": quiet,
            "breaks": form.get("breaks") or None,
        }
    )


def hours_of(since: str, until: str) -> Hours | None:
    """None without both. Raises BadRequest for one of them alone, or for an hour that is none."""
    if not since and not until:
        return None
    wish = read_wish(
        {"who": "", "channels": [], "steps": [], "hours": {"since": f"{since}:00", "until": f"{until}:00"}}
    )
    if wish.hours is None or wish.hours.since == wish.hours.until:
        raise BadRequest("two different hours of the day", reason="notify_form")
    return wish.hours


def _address(channel: str, text: str) -> str:
    if channel == "email":
        return checked_email(text) or ""
    number = re.sub(r"[ ()-]", "", text)
    if not _TELEPHONE.fullmatch(number):
        raise BadRequest("a telephone number with its country, such as +82 10 1234 5678", reason="notify_number")
    return number


def sentence(wish: Wish, procedures: Procedures, reader: Reader) -> str:
    """What is told, from when to when, and how."""
    kinds = [procedure_of(procedures, one).name[reader.language] for one in wish.kinds]
    hours = reader.t("ops.notify.within", **spoken(wish.hours)) if wish.hours else reader.t("ops.notify.any_hour")
    return reader.t(
        "ops.notify.sentence",
        kinds=", ".join(kinds) or reader.t("ops.notify.every_kind"),
        severity=reader.t(f"ops.severity.{wish.severity}"),
        steps=", ".join(reader.t(f"ops.notify.step.{one}") for one in wish.steps),
        hours=hours,
        channels=", ".join(reader.t(f"ops.notify.channel.{one}") for one in wish.channels),
    )


def spoken(hours: Hours | None) -> dict[str, str]:
    return {"since": f"{hours.since:%H:%M}", "until": f"{hours.until:%H:%M}"} if hours else {"since": "", "until": ""}


def line(one: Notice, reader: Reader) -> dict[str, Any]:
    """A message in a list."""
    return {
        "id": one.id,
        "incident": one.incident,
        "who": reader.who(one.who),
        "what": reader.t(f"ops.notify.step.{one.step}"),
        "severity": reader.t(f"ops.severity.{one.severity}"),
        "channel": reader.t(f"ops.notify.channel.{one.channel}"),
        "state": reader.t(f"ops.notify.state.{one.state}"),
        "tag": TAGS[one.state],
        "simulated": one.simulated,
        "error": one.error,
        "attempts": one.attempts,
        "at": reader.at(one.done_at or one.made_at),
    }
