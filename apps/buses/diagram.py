"""A line as a picture: stops as dots along a bar, each vehicle above it where it is believed to be."""

from __future__ import annotations

from madang.sdk.html import Html, tag

from .model import Line, Vehicle

WIDTH, HEIGHT, EDGE, BAR_Y = 720, 92, 40, 52


def diagram(line: Line, row: list[Vehicle], names: list[str], now_s: float, title: str) -> Html:
    """SVG with a title; who cannot see has the table below it. Distances are times: a gap looks as long as one waits."""
    bar = tag("line", x1=EDGE, y1=BAR_Y, x2=WIDTH - EDGE, y2=BAR_Y, stroke="currentColor", stroke_width=3)
    spots = [_stop(_x(line, number), name) for number, name in enumerate(names)]
    vehicles = [_vehicle(_x(line, _place(line, one, now_s)), one) for one in row]
    return tag(
        "svg", tag("title", title), bar, spots, vehicles, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", width="100%"
    )


def _place(line: Line, one: Vehicle, now_s: float) -> float:
    """Stops passed, with the share of the stretch it is believed to have driven."""
    if not one.seen.has_left or one.seen.stop + 1 >= len(line.stops):
        return min(one.seen.stop + 0.5 * one.seen.has_left, len(line.stops) - 1)
    driven = (now_s - one.seen.at_s) / max(1.0, line.profile.run_s[one.seen.stop])
    return one.seen.stop + min(0.95, max(0.0, driven))


def _x(line: Line, place: float) -> float:
    times = [0.0]
    for run in line.profile.run_s[: len(line.stops) - 1]:
        times.append(times[-1] + max(1.0, run))
    low = min(int(place), len(times) - 1)
    into = (times[min(low + 1, len(times) - 1)] - times[low]) * (place - low)
    return round(EDGE + (WIDTH - 2 * EDGE) * (times[low] + into) / times[-1], 1)


def _stop(x: float, name: str) -> Html:
    dot = tag("circle", cx=x, cy=BAR_Y, r=5, fill="Canvas", stroke="currentColor", stroke_width=2)
    return tag(
        "g", dot, tag("text", name[:14], x=x, y=BAR_Y + 24, text_anchor="middle", font_size=11, fill="currentColor")
    )


def _vehicle(x: float, one: Vehicle) -> Html:
    shape = tag("path", d=f"M{x - 7},{BAR_Y - 20}h14l-7,12z", fill="#256ef4")
    return tag(
        "g", shape, tag("text", one.riders, x=x, y=BAR_Y - 24, text_anchor="middle", font_size=11, fill="currentColor")
    )
