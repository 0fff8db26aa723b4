"""The edge of the signals app: hears loops, signals and weather, asks for stages. What is believed: `city.py`; decisions:
`decide.py`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from madang.sdk import App, because, intent, value_of
from madang.sdk.html import Html, document, table, tag
from madang.sdk.texts import load_texts

from .city import HOLD_S, City

log = logging.getLogger("signals")

BEAT_S = 1.0
WORDS = load_texts(Path(__file__).parent / "strings")


def make_intent(controller: str, stage: int) -> dict[str, Any]:
    """What to ask the command room for."""
    return intent("signal.stage", controller, {"stage": stage}, because("least_delay"), expires_s=HOLD_S)


def make_level(controller: str, level: str) -> dict[str, Any]:
    """What the signal's entity says of how it is steered (`ladder.LEVELS`)."""
    return {"id": controller, "type": "TrafficSignalController", "controlLevel": level}


def levels_page(city: City, language: str) -> Html:
    """Each signal, its level of control and the stage last asked for."""
    words = WORDS[language]
    rows = [
        [name.rpartition(":")[2], words[level], city.asked[name].stage if name in city.asked else "-"]
        for name, level in sorted(city.levels.items())
    ]
    heads = [words["controller"], words["level"], words["stage"]]
    shown = table(words["caption"], heads, rows) if rows else tag("p", words["none"])
    return document(words["title"], tag("p", words["explained"]), shown, language=language)


def make_app(app: App, city: City) -> App:
    """Wire a city's beliefs to the app's door."""

    @app.on_start
    async def start() -> None:
        city.learn(await app.query("TrafficSignalController"))
        log.info("steering %s junctions", len(city.junctions))

    @app.on("TrafficFlowObserved", attrs=("intensity", "occupancy"))
    async def loop(entity: dict[str, Any], gone: bool) -> None:
        if not gone:
            city.hear_loop(entity)

    @app.on("TrafficSignalController", attrs=("signalState", "stage", "mode"))
    async def signal(entity: dict[str, Any], gone: bool) -> None:
        if not gone:
            city.hear_signal(entity)

    @app.on("WeatherObserved", attrs=("precipitation",))
    async def weather(entity: dict[str, Any], gone: bool) -> None:
        if not gone and "precipitation" in entity:
            city.rain_mm_h = float(value_of(entity["precipitation"]) or 0)

    @app.every(BEAT_S)
    async def beat() -> None:
        wishes = city.wishes(app.time.now().timestamp())
        intents = [make_intent(name, stage) for name, stage in wishes]
        for receipt in await app.commands(intents):
            if receipt.get("status") == "refused":
                city.hear_refusal(receipt)
                log.debug("%s refused: %s", receipt.get("target"), receipt.get("reason"))

        told = city.new_levels()
        if told:
            await app.upsert(*(make_level(name, level) for name, level in told.items()))

    @app.page("/")
    async def page(request: Any) -> Html:
        return levels_page(city, request.viewer.language)

    @app.on_stop
    async def release() -> None:
        names = list(city.asked)
        await app.commands([intent("signal.release", name, {}, because("app_stops")) for name in names])

    return app


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    make_app(App(), City()).run()


if __name__ == "__main__":
    main()
