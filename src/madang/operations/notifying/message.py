"""The words of a message. Pure but for reading them once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from madang.operations.incidents.incident import Incident
from madang.operations.incidents.procedures import Procedure
from madang.operations.notifying.nouns import Notice

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Message:
    """`key`: the same at each attempt, by which whoever takes it knows it again; `to`: an address of the channel; `step`: a code, by which
    a provider may find its own template; `link`: where the incident is."""

    key: str
    to: str
    language: str
    step: str
    subject: str
    text: str
    link: str


@lru_cache(maxsize=2)
def words(language: str) -> dict[str, str]:
    told: dict[str, str] = json.loads((HERE / "words" / f"{language}.json").read_text(encoding="utf-8"))
    return told


def message_of(
    notice: Notice, incident: Incident, procedure: Procedure, to: str, language: str, address: str
) -> Message:
    """`address`: where people reach the city. The words of whoever told of it leave the city only where apps may see the incident."""
    told = words(language)
    severity, number = told[f"severity.{notice.severity}"], told["number"].format(incident=incident.id)
    title = " ".join(incident.title.split()) if procedure.shared else ""
    sentence = told[notice.step].format(kind=procedure.name[language], severity=severity)
    subject = f"[{severity}] {number}: {title or procedure.name[language]}"
    text = f"{title}\n{sentence}" if title else sentence
    link = f"{address.rstrip('/')}/operations/incidents/{incident.id}"
    return Message(str(notice.key), to, language, notice.step, subject, text, link)
