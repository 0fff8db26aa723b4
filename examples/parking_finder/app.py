"""Finds free parking near a place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from madang.sdk import App
from madang.sdk.html import Html, document, table, tag
from madang.sdk.models import OffStreetParking
from madang.sdk.texts import load_texts

app = App()
lots: dict[str, OffStreetParking] = {}
SHOWN = 10
WORDS = load_texts(Path(__file__).parent / "strings")


@app.on(OffStreetParking)
async def lot(parking: OffStreetParking, gone: bool) -> None:
    if gone:
        lots.pop(parking.id, None)
        return
    known = lots.setdefault(parking.id, parking)
    for name in ("name", "location", "availableSpotNumber", "totalSpotNumber"):
        if getattr(parking, name) is not None:
            setattr(known, name, getattr(parking, name))


def nearest(point: tuple[float, float] | None) -> list[tuple[OffStreetParking, float | None]]:
    """Those with room, the nearest first (without a point: the emptiest), with metres."""
    free = [one for one in lots.values() if (one.availableSpotNumber or 0) > 0]
    if point is None:
        return [(one, None) for one in sorted(free, key=lambda one: -(one.availableSpotNumber or 0))[:SHOWN]]
    placed = [(metres(point, one.location["coordinates"]), one) for one in free if one.location]
    return [(one, away) for away, one in sorted(placed, key=lambda pair: pair[0])[:SHOWN]]


def metres(a: tuple[float, float], b: list[float]) -> float:
    """`a`: latitude, longitude; `b`: longitude, latitude."""
    return math.hypot((a[1] - b[0]) * 111_320 * math.cos(math.radians(a[0])), (a[0] - b[1]) * 110_540)


def point_of(text: str) -> tuple[float, float]:
    """Raises ValueError."""
    latitude, longitude = (float(part) for part in text.split(","))
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(text)
    return latitude, longitude


@app.page("/")
async def find(request: Any) -> Html:
    words, text, error = WORDS[request.viewer.language], request.query.get("at", ""), None
    point = None
    if text:
        try:
            point = point_of(text)
        except ValueError:
            error = tag("p", words["wrong"], class_="note", role="alert")
    rows = [
        [one.name or one.id, one.availableSpotNumber, "–" if away is None else f"{away:.0f} m"]
        for one, away in nearest(point)
    ]
    form = tag(
        "form",
        tag("label", words["where"], for_="at"),
        tag("input", id="at", name="at", value=text, autocomplete="off", inputmode="text"),
        tag("button", words["go"]),
        action=request.link("/"),
    )
    found = (
        table(words["free"], [words["name"], words["free"], words["away"]], rows) if rows else tag("p", words["none"])
    )
    return document(words["title"], form, error, found, language=request.viewer.language)


@app.page("/widget")
async def widget(request: Any) -> Html:
    words = WORDS[request.viewer.language]
    free = sum(one.availableSpotNumber or 0 for one in lots.values())
    return document(words["free"], tag("p", str(free), class_="figure"), language=request.viewer.language)


if __name__ == "__main__":
    app.run()
