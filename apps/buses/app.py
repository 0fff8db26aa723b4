"""The edge of the buses app: hears where vehicles are, asks drivers to wait, tells who comes when. Decisions: `dispatch.py`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from madang.sdk import App, because, intent, observed_at, value_of
from madang.sdk.city_time import epoch_s
from madang.sdk.html import Html
from madang.sdk.pages import Reply, see_other

from .accuracy import Accuracy
from .decide import Rules
from .dispatch import Advice, Arrival, advice, arrivals
from .model import STOPPED, Fleet, make_line
from .page import page

log = logging.getLogger("buses")

BEAT_S, TELL_S = 1.0, 15.0
WORTH_TELLING_S = 5.0
ASKED_MAX, DONE_MAX = 50, 30
AUTOMATIC, ASK = "automatic", "ask"


@dataclass
class Desk:
    """`waiting`: advice that a dispatcher has still to accept; `given`: what was sent or refused, newest first, with the outcome."""

    fleet: Fleet = field(default_factory=Fleet)
    names: dict[str, str] = field(default_factory=dict)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    accuracy: Accuracy = field(default_factory=Accuracy)
    rules: Rules = field(default_factory=Rules)
    mode: str = AUTOMATIC
    waiting: list[Advice] = field(default_factory=list)
    given: list[tuple[Advice, str]] = field(default_factory=list)
    arrivals: dict[tuple[str, str], Arrival] = field(default_factory=dict)

    def learn(self, routes: list[dict[str, Any]], stops: list[dict[str, Any]]) -> None:
        """Lines of two stops or more, and what stops are called."""
        for route in routes:
            served = value_of(route.get("refPublicTransportStops"))
            served = [served] if isinstance(served, str) else list(served or [])
            if len(served) > 1:
                name = str(value_of(route.get("shortRouteCode")) or value_of(route.get("name")) or "?")
                self.fleet.lines[route["id"]] = make_line(route["id"], name, served)
        for stop in stops:
            self.names[stop["id"]] = _name(value_of(stop.get("name"))) or stop["id"].rpartition(":")[2]

    def hear(self, entity: Mapping[str, Any]) -> None:
        """Fold what changed of a vehicle; one that drives for no line is nothing to this app."""
        known = self.told.setdefault(entity["id"], {})
        known.update(entity)
        line, stop = (value_of(known.get(name)) for name in ("refPublicTransportRoute", "refPublicTransportStop"))
        status, when = value_of(known.get("stopStatus")), observed_at(known.get("stopStatus"))
        if not (isinstance(line, str) and isinstance(stop, str) and when):
            return
        riders = value_of(known.get("passengers"))
        before = self.fleet.vehicles.get(entity["id"])
        stood = before is not None and not before.seen.has_left and before.seen.stop
        self.fleet.report(entity["id"], line, stop, str(status), int(riders or 0), epoch_s(when))
        now = self.fleet.vehicles.get(entity["id"])
        if status == STOPPED and now is not None and stood != now.seen.stop:
            self.accuracy.came(now.id, stop, now.seen.at_s)

    def forget(self, vehicle: str) -> None:
        self.told.pop(vehicle, None)
        self.fleet.forget(vehicle)
        self.accuracy.forget(vehicle)

    def advise(self, now_s: float) -> list[Advice]:
        """What is to be sent now. Where a dispatcher decides, it waits for them, as long as it makes sense."""
        found = list(advice(self.fleet, now_s, self.rules))
        self.waiting = [one for one in self.waiting if one.leaves_s > now_s]
        if self.mode == AUTOMATIC:
            return found
        self.waiting = [*self.waiting, *found][-ASKED_MAX:]
        return []

    def note(self, given: Advice, outcome: str) -> None:
        self.given = [(given, outcome), *self.given][:DONE_MAX]

    def decide(self, vehicle: str) -> Advice | None:
        """Take a vehicle's advice out of the queue."""
        found = next((one for one in self.waiting if one.vehicle == vehicle), None)
        self.waiting = [one for one in self.waiting if one is not found]
        return found

    def foretell(self, now_s: float) -> list[Arrival]:
        """Arrivals that are worth telling anew."""
        worth = []
        for one in arrivals(self.fleet, now_s):
            self.accuracy.tell(one, now_s)
            before = self.arrivals.get((one.line, one.stop))
            if before is None or before.vehicle != one.vehicle or abs(before.at_s - one.at_s) >= WORTH_TELLING_S:
                self.arrivals[one.line, one.stop] = one
                worth.append(one)
        return worth


def _name(name: Any) -> str:
    return str(name.get("@none") or next(iter(name.values()), "")) if isinstance(name, dict) else str(name or "")


def make_intent(one: Advice, now_s: float, reason: str = "even_headways") -> dict[str, Any]:
    """What to ask the command room for."""
    told = {"ahead_s": round(one.ahead_s), "behind_s": round(one.behind_s)} if reason == "even_headways" else {}
    value = {"hold_s": max(1.0, round(one.leaves_s - now_s, 1)), "stop": one.stop}
    return intent("transit.hold", one.vehicle, value, because(reason, **told), rank="transit_priority", expires_s=90.0)


def make_arrival(desk: Desk, one: Arrival, now_s: float) -> dict[str, Any]:
    """The Smart Data Models' ArrivalEstimation of one line at one stop."""
    city, line, stop = one.line.split(":")[3], one.line.rpartition(":")[2], one.stop.rpartition(":")[2]
    return {
        "id": f"urn:ngsi-ld:ArrivalEstimation:{city}:{line}-{stop}",
        "type": "ArrivalEstimation",
        "hasStop": {"object": one.stop},
        "refVehicle": {"object": one.vehicle},
        "lineName": desk.fleet.lines[one.line].name,
        "remainingTime": f"PT{max(0, round(one.at_s - now_s))}S",
    }


def make_app(app: App, desk: Desk) -> App:
    """Wire a desk to the app's door."""

    @app.on_start
    async def start() -> None:
        desk.learn(await app.query("PublicTransportRoute"), await app.query("PublicTransportStop"))
        for kept in await app.query("TransitDispatch"):
            desk.mode = ASK if value_of(kept.get("mode")) == ASK else AUTOMATIC
        log.info("looking after %s lines", len(desk.fleet.lines))

    @app.on("Vehicle", where="refPublicTransportRoute", attrs=_HEARD)
    async def vehicle(entity: dict[str, Any], gone: bool) -> None:
        if gone:
            desk.forget(entity["id"])
        else:
            desk.hear(entity)

    async def send(found: list[Advice], reason: str) -> None:
        now_s = app.time.now().timestamp()
        receipts = await app.commands([make_intent(one, now_s, reason) for one in found]) if found else []
        for one, receipt in zip(found, receipts, strict=True):
            desk.note(one, str(receipt["reason"] if receipt["status"] == "refused" else receipt["status"]))

    @app.every(BEAT_S)
    async def beat() -> None:
        await send(desk.advise(app.time.now().timestamp()), "even_headways")

    @app.every(TELL_S)
    async def tell() -> None:
        now_s = app.time.now().timestamp()
        if found := desk.foretell(now_s):
            await app.upsert(*(make_arrival(desk, one, now_s) for one in found))

    app.files("/static", Path(__file__).parent / "static")

    @app.page("/", methods=("GET", "POST"))
    async def show(request: Any) -> Html | Reply:
        if request.method == "POST":
            await answer(request.form())
            return see_other("/")
        return page(desk, app.time.now().timestamp(), request)

    async def answer(form: Mapping[str, str]) -> None:
        if form.get("mode") in (AUTOMATIC, ASK):
            desk.mode = form["mode"]
            city = next(iter(desk.fleet.lines), "::::").split(":")[3]
            await app.upsert(
                {"id": f"urn:ngsi-ld:TransitDispatch:{city}:desk", "type": "TransitDispatch", "mode": desk.mode}
            )
        chosen = desk.decide(str(form.get("vehicle", "")))
        if chosen is not None and form.get("answer") == "accept":
            await send([chosen], "dispatcher")
        elif chosen is not None:
            desk.note(chosen, "declined")

    return app


_HEARD = ("refPublicTransportRoute", "refPublicTransportStop", "stopStatus", "passengers")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    make_app(App(), Desk()).run()


if __name__ == "__main__":
    main()
