"""The dispatcher's page: each line as a line, who is on it and how far apart, and what drivers were asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from madang.sdk.html import Html, document, join, table, tag
from madang.sdk.texts import load_texts

from .diagram import diagram
from .model import Line, Vehicle

if TYPE_CHECKING:
    from .app import Desk
    from .dispatch import Advice

WORDS = load_texts(Path(__file__).parent / "strings")


def page(desk: Desk, now_s: float, request: Any) -> Html:
    """Renews itself while nobody is about to answer an advice."""
    words, link = WORDS[request.viewer.language], request.link("/")
    lines = [line for line in desk.fleet.lines.values() if desk.fleet.on(line.id)]
    lines.sort(key=lambda line: (-len(desk.fleet.on(line.id)), line.name, line.id))
    return document(
        words["title"],
        tag("p", words["lead"]),
        _mode(desk, words, link),
        _queue(desk, words, link) if desk.mode == "ask" else None,
        tag("h2", words["lines"]),
        [_line(desk, line, now_s, words) for line in lines] or tag("p", words["nobody"]),
        _given(desk, words),
        _accuracy(desk, words),
        tag("script", src=request.link("/static/renew.js"), defer=""),
        language=request.viewer.language,
    )


def _mode(desk: Desk, words: dict[str, str], link: str) -> Html:
    other = "ask" if desk.mode == "automatic" else "automatic"
    hidden = tag("input", type="hidden", name="mode", value=other)
    change = tag("form", hidden, tag("button", words[f"change.{other}"]), method="post", action=link)
    return join(tag("p", tag("strong", words[f"mode.{desk.mode}"])), change)


def _queue(desk: Desk, words: dict[str, str], link: str) -> Html:
    if not desk.waiting:
        return join(tag("h2", words["queue"]), tag("p", words["queue.empty"]))
    rows = [[_short(one.vehicle), *_what(desk, one, words), _answer(one, words, link)] for one in desk.waiting]
    heads = [words[name] for name in ("vehicle", "stop", "wait", "ahead", "behind", "answer")]
    return table(words["queue"], heads, rows)


def _answer(one: Advice, words: dict[str, str], link: str) -> Html:
    who = tag("input", type="hidden", name="vehicle", value=one.vehicle)
    buttons = [tag("button", words[name], name="answer", value=name) for name in ("accept", "decline")]
    return tag("form", who, buttons, method="post", action=link)


def _what(desk: Desk, one: Advice, words: dict[str, str]) -> list[str]:
    stop = desk.names.get(one.stop, one.stop)
    return [stop, *(words["seconds"].format(n=round(s)) for s in (one.wait_s, one.ahead_s, one.behind_s))]


def _line(desk: Desk, line: Line, now_s: float, words: dict[str, str]) -> Html:
    row = desk.fleet.on(line.id)
    names = [desk.names.get(stop, stop) for stop in line.stops]
    often = words["headway"].format(n=round(line.headway_s / 60)) if line.headway_s else words["headway.unknown"]
    title = words["line"].format(name=line.name, headway=often, count=len(row))
    rows = [
        [_short(one.id), _where(one, names, words), one.riders, _next(desk, line, one, now_s, words)] for one in row
    ]
    heads = [words[name] for name in ("vehicle", "where", "riders", "next")]
    return tag(
        "section", tag("h3", title), diagram(line, row, names, now_s, title), table(words["vehicles"], heads, rows)
    )


def _where(one: Vehicle, names: list[str], words: dict[str, str]) -> str:
    if not one.seen.has_left:
        return words["at"].format(stop=names[one.seen.stop])
    ahead = one.seen.stop + 1
    return words["towards"].format(stop=names[ahead]) if ahead < len(names) else words["beyond"]


def _next(desk: Desk, line: Line, one: Vehicle, now_s: float, words: dict[str, str]) -> str:
    number = one.seen.stop + 1
    if number >= len(line.stops):
        return "–"
    seconds = max(0.0, line.profile.arrives_s(one.seen, number, now_s) - now_s)
    return words["in"].format(stop=desk.names.get(line.stops[number], ""), n=round(seconds))


def _given(desk: Desk, words: dict[str, str]) -> Html:
    rows = [
        [_short(one.vehicle), *_what(desk, one, words), words.get(f"outcome.{said}", said)] for one, said in desk.given
    ]
    heads = [words[name] for name in ("vehicle", "stop", "wait", "ahead", "behind", "outcome")]
    return table(words["given"], heads, rows) if rows else tag("p", words["given.empty"])


def _accuracy(desk: Desk, words: dict[str, str]) -> Html:
    rows = [
        [words["horizon"].format(n=round(horizon / 60)), words["seconds"].format(n=round(off)), count]
        for horizon, (off, count) in desk.accuracy.mean_s().items()
    ]
    heads = [words[name] for name in ("told_before", "off", "count")]
    return table(words["accuracy"], heads, rows) if rows else tag("p", words["accuracy.empty"])


def _short(vehicle: str) -> str:
    return vehicle.rpartition(":")[2]
