"""Texts people with asthma, once a day, when fine dust near their home is high."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from madang.sdk import App, value_of
from madang.sdk.html import document, table, tag
from madang.sdk.texts import load_texts

from .sms import SimulatedSms, Sms
from .warn import LIMIT, people_near, text

app = App()
sms: Sms = SimulatedSms()
PURPOSE = "dust"
WORDS = load_texts(Path(__file__).parent / "strings")


@app.each("AirQualityObserved", attrs=("pm25", "location"), key="type")
async def watch(event: Any, state: dict[str, Any]) -> None:
    places = state.setdefault("places", {})
    if event.gone:
        places.pop(event.entity["id"], None)
        return
    if "location" in event.entity:
        places[event.entity["id"]] = value_of(event.entity["location"])["coordinates"]
    level, place = value_of(event.entity.get("pm25")), places.get(event.entity["id"])
    if level is not None and place is not None and level > LIMIT:
        await warn(level, place, state)


async def warn(level: float, place: list[float], state: dict[str, Any]) -> None:
    day = app.time.local().date().isoformat()
    warned = state["warned"] = {day: state.get("warned", {}).get(day, [])}
    shown = {kind: await app.persons(kind, PURPOSE) for kind in ("health", "contact", "place")}
    for who, phone in people_near(shown, place).items():
        if who not in warned[day]:
            await sms.send(phone, text(level))
            warned[day].append(who)


@app.on_erase
async def erase(due: Mapping[str, Any]) -> int:
    count = 0
    for key, state in app.kept("watch").items():
        for names in state.get("warned", {}).values():
            count += names.count(due["pseudonym"])
            names[:] = [name for name in names if name != due["pseudonym"]]
        app.keep("watch", key, state)
    return count


@app.page("/")
async def page(request: Any) -> Any:
    words = WORDS[request.viewer.language]
    warned = [state.get("warned", {}) for state in app.kept("watch").values()]
    rows = [[when, len(names)] for one in warned for when, names in one.items()]
    shown = tag("p", words["note"], class_="note", role="note") if sms.simulated else None
    return document(
        words["title"],
        shown,
        table(words["caption"], [words["day"], words["people"]], rows),
        language=request.viewer.language,
    )


if __name__ == "__main__":
    app.run()
