"""The edge of the signals app: hears loops, signals and weather, asks for stages. What is believed: `city.py`; decisions:
`decide.py`."""

from __future__ import annotations

import logging
from typing import Any

from madang.sdk import App, because, intent, value_of

from .city import HOLD_S, City

log = logging.getLogger("signals")

BEAT_S = 1.0


def make_intent(controller: str, stage: int) -> dict[str, Any]:
    """What to ask the command room for."""
    return intent("signal.stage", controller, {"stage": stage}, because("least_delay"), expires_s=HOLD_S)


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
