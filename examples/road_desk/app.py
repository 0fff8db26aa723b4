"""A department's dashboard: where traffic stands, what happened, and notes about it."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from madang.sdk import App, property_of, value_of, values_of
from madang.sdk.html import Html, document, table, tag
from madang.sdk.pages import Reply, see_other
from madang.sdk.texts import load_texts

app = App()
accidents: dict[str, dict[str, Any]] = {}
STANDS = 0.4  # a loop that is covered so much of the time
SHOWN = 10
NOTE_MAX_CHARS = 500
WORDS = load_texts(Path(__file__).parent / "strings")


@app.window(
    "TrafficFlowObserved", length=timedelta(minutes=5), every=timedelta(minutes=1), attrs=("intensity", "occupancy")
)
async def jams(window: Any, state: dict[str, Any]) -> None:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in window.rows():
        found[row["id"]].append(row)
    told: list[dict[str, Any]] = [
        {"id": name, "covered": _mean(rows, "occupancy"), "count": sum(row.get("intensity") or 0 for row in rows)}
        for name, rows in found.items()
    ]
    state["end"] = window.end.isoformat()
    state["loops"] = sorted(told, key=lambda one: (-one["covered"], one["id"]))[:SHOWN]


def _mean(rows: list[dict[str, Any]], name: str) -> float:
    values = [row[name] for row in rows if row.get(name) is not None]
    return sum(values) / len(values) if values else 0.0


@app.on("RoadAccident", attrs=("status", "description"))
async def accident(entity: dict[str, Any], gone: bool) -> None:
    known = accidents.setdefault(entity["id"], {}) | values_of(entity)
    accidents[entity["id"]] = known
    if gone or known.get("status") == "solved":
        accidents.pop(entity["id"], None)


def loops() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.kept("jams").get("", {}).get("loops", [])
    return found


@app.page("/", methods=("GET", "POST"))
async def desk(request: Any) -> Html | Reply:
    words = WORDS[request.viewer.language]
    if request.method == "POST":
        await note(str(request.form().get("note", "")).strip()[:NOTE_MAX_CHARS])
        return see_other("/")
    jam = [[one["id"].rpartition(":")[2], f"{one['covered']:.0%}", one["count"]] for one in loops()]
    happened = [[one.get("description") or name] for name, one in sorted(accidents.items())]
    notes = [[value_of(one.get("dateCreated")), value_of(one.get("text"))] for one in await app.query("RoadNote")]
    return document(
        words["title"],
        table(words["jam"], [words["loop"], words["covered"], words["count"]], jam or [[words["none"], "", ""]]),
        table(words["happened"], [words["what"]], happened or [[words["none"]]]),
        table(
            words["notes"], [words["when"], words["what"]], sorted(notes, reverse=True)[:SHOWN] or [[words["none"], ""]]
        ),
        tag(
            "form",
            tag("label", words["add"], for_="note"),
            tag("input", id="note", name="note", required="", maxlength=NOTE_MAX_CHARS),
            tag("button", words["add"]),
            method="post",
            action=request.link("/"),
        ),
        language=request.viewer.language,
    )


async def note(text: str) -> None:
    if not text:
        return
    now = app.time.now()
    identifier = f"urn:ngsi-ld:RoadNote:desk:{now:%Y%m%dT%H%M%S%f}"
    await app.upsert(
        {"id": identifier, "type": "RoadNote", "text": property_of(text), "dateCreated": f"{now:%Y-%m-%d %H:%M}"}
    )


@app.page("/widget")
async def widget(request: Any) -> Html:
    words = WORDS[request.viewer.language]
    count = sum(one["covered"] >= STANDS for one in loops())
    return document(words["standing"], tag("p", str(count), class_="figure"), language=request.viewer.language)


if __name__ == "__main__":
    app.run()
