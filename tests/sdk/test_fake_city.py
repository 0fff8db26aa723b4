"""What a test's city does to an app: it hears, keeps, returns, and is asked by the clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.model.evaluate import satisfies
from madang.model.query import parse_query
from madang.sdk import App, DoorError, value_of
from madang.sdk.testing import FakeCity, Recording, Viewer, read_recording, write_recording
from madang.sdk.testing.where import compile_where

MANIFEST = """
[[scopes]]
action = "read"
type = "Air"
attributes = ["pm25"]
[[scopes]]
action = "command"
kind = "sign.text"
"""


def air(n: int, value: float, **more: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Air:x:{n}", "type": "Air", "pm25": value, **more}


async def test_it_hears_what_is_and_what_no_longer_fits(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_text(MANIFEST)
    app, heard = App(), []

    @app.on("Air", where="pm25>35")
    async def bad(entity: dict[str, Any], gone: bool) -> None:
        heard.append((entity["id"][-1], entity.get("pm25"), "secret" in entity, gone))

    async with FakeCity(app, tmp_path, [air(1, 50, secret=1), air(2, 10)]) as city:
        await city.put(air(2, 40), air(1, 20))
        await city.delete("urn:ngsi-ld:Air:x:2")
    assert heard == [
        ("1", 50, False, False),
        ("2", 40, False, False),
        ("1", None, False, True),
        ("2", None, False, True),
    ]


async def test_beats_and_schedules_come_in_the_citys_time(tmp_path: Path) -> None:
    app, heard = App(), []

    @app.every(1800)
    async def beat() -> None:
        heard.append(f"beat {app.time.local():%H:%M}")

    @app.cron("0 6 * * *")
    async def morning() -> None:
        heard.append(f"morning {app.time.local():%d %H:%M}")

    async with FakeCity(app, start="2026-06-01T20:15:00Z", zone="Asia/Seoul") as city:
        await city.advance(hours=1)
        await city.advance(days=1)
    assert heard[:3] == ["beat 05:15", "beat 05:45", "morning 02 06:00"]
    assert ([one for one in heard if "morning" in one][1:], len(heard)) == (["morning 03 06:00"], 53)


async def test_what_is_not_asked_for_is_not_granted(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_text(MANIFEST)
    app = App()
    async with FakeCity(app, tmp_path) as city:
        await app.command("sign.text", "urn:x:sign", {"text": "x"}, "because")
        for asked in (app.query("Secret"), app.upsert(air(1, 2)), app.command("signal.stage", "x", {}, "x")):
            with pytest.raises(DoorError, match=r"app\.toml asks for no"):
                await asked
    assert [(one["kind"], one["target"]) for one in city.commands] == [("sign.text", "urn:x:sign")]


async def test_state_is_kept_and_a_failing_event_is_put_aside(tmp_path: Path) -> None:
    app = App()

    @app.each("Air", key="refStreet")
    async def add(event: Any, state: dict[str, Any]) -> dict[str, Any]:
        state["sum"] = state.get("sum", 0) + value_of(event.entity["pm25"])
        street = {"id": "urn:street", "type": "Street", "sum": state["sum"]}
        return {} | street if state["sum"] < 100 else 1 / 0  # type: ignore[return-value]

    async with FakeCity(app, data=tmp_path) as city:
        await city.put(air(1, 30, refStreet="a"), air(2, 40, refStreet="a"), air(3, 5, refStreet="b"))
        await city.put({"id": "urn:ngsi-ld:Air:x:1", "type": "Air", "pm25": 31})
        assert [(name, seq) for name, seq, _ in city.aside] == [("add", 7)]
        assert city.entities["urn:street"]["sum"] == 5
    async with FakeCity(app, data=tmp_path, entities=[air(1, 30, refStreet="a")]) as city:
        await city.put({"id": "urn:ngsi-ld:Air:x:1", "type": "Air", "pm25": 1})
        assert city.state("add") == {"a": {"sum": 71}, "b": {"sum": 5}}


async def test_windows_are_frames_and_joins(tmp_path: Path) -> None:
    app, found = App(), []

    @app.window("Air", "Wind", length=timedelta(minutes=10), every=timedelta(minutes=5), late=timedelta(seconds=30))
    async def look(window: Any, state: dict[str, Any]) -> None:
        query = (
            "SELECT Air.id AS id, max(pm25) AS dust, any_value(speed) AS wind FROM Air, Wind GROUP BY Air.id ORDER BY 1"
        )
        both = window.sql(query) if window.rows("Wind") else []
        frame = window.polars("Air")
        found.append((f"{window.begin:%H:%M}", window.arrow("Air").num_rows, frame["pm25"].to_list(), both))

    async with FakeCity(app) as city:
        await city.put({"id": "w", "type": "Wind", "speed": 3.5}, air(1, 30), air(2, 40))
        await city.advance(minutes=6)
        await city.put(air(1, 50))
        await city.advance(minutes=20)
    one = [{"id": air(1, 0)["id"], "dust": 30, "wind": 3.5}, {"id": air(2, 0)["id"], "dust": 40, "wind": 3.5}]
    two = [one[0] | {"dust": 50}, one[1]]
    assert found == [
        ("05:55", 2, [30, 40], one),
        ("06:00", 3, [30, 40, 50], two),
        ("06:05", 1, [50], []),
    ]


async def test_pages_answer_who_looks() -> None:
    app = App()

    @app.page("/", methods=("GET", "POST"))
    async def home(request: Any) -> Any:
        return {
            "who": request.viewer.pseudonym,
            "form": request.form() if request.method == "POST" else dict(request.query),
        }

    async with FakeCity(app) as city:
        seen = [
            await city.page("/", Viewer("p1"), a="1"),
            await city.page("/", form={"b": "2"}),
            await city.page("/no"),
        ]
    assert [(one.status, one.body) for one in seen] == [
        (200, b'{"who": "p1", "form": {"a": "1"}}'),
        (200, b'{"who": "", "form": {"b": "2"}}'),
        (404, b"not here"),
    ]


async def test_a_recorded_day_is_played(tmp_path: Path) -> None:
    app, heard = App(), []

    @app.on("Air")
    async def hear(entity: dict[str, Any], gone: bool) -> None:
        heard.append((f"{app.time.now():%H:%M}", entity["id"][-1], gone))

    changes = [
        {"at": "2026-06-01T07:10:00.000Z", "op": "u", "entity": air(1, 4)},
        {"at": "2026-06-01T07:30:00.000Z", "op": "d", "entity": {"id": air(1, 0)["id"], "type": "Air"}},
    ]
    day = Recording("x", "UTC", "2026-06-01T07:00:00.000Z", ("Air",), [air(1, 3)], changes)
    write_recording(tmp_path / "day.ndjson.gz", day)
    async with FakeCity(app) as city:
        await city.play(read_recording(tmp_path / "day.ndjson.gz"))
    assert heard == [("07:00", "1", False), ("07:10", "1", False), ("07:30", "1", True)]
    (tmp_path / "no.ndjson").write_text("{}\n")
    with pytest.raises(ValueError, match="no recording"):
        read_recording(tmp_path / "no.ndjson")


SIGNS = st.sampled_from(["==", "!=", ">", "<", ">=", "<="])
TERMS = st.builds(lambda name, sign, n: f"{name}{sign}{n}", st.sampled_from("ab"), SIGNS, st.integers(0, 3))
QUERIES = st.recursive(
    TERMS | st.sampled_from("ab"),
    lambda inner: st.builds(lambda one, joint, two: f"({one}{joint}{two})", inner, st.sampled_from(";|"), inner),
    max_leaves=6,
)


@given(QUERIES, st.dictionaries(st.sampled_from("ab"), st.integers(0, 3)))
def test_where_means_what_it_means_in_a_city(query: str, values: dict[str, int]) -> None:
    body = {name: {"type": "Property", "value": value} for name, value in values.items()}
    assert compile_where(query)(values) == satisfies(body, parse_query(query))


async def test_an_app_that_answers_itself_is_noticed() -> None:
    app = App()

    @app.each("Air")
    async def echo(event: Any, state: dict[str, Any]) -> dict[str, Any]:
        return air(1, 3)

    async with FakeCity(app) as city:
        with pytest.raises(RuntimeError, match="for ever"):
            await city.put(air(1, 3))


async def test_commands_are_answered_as_the_test_says() -> None:
    app = App()
    async with FakeCity(app) as city:
        taken = await app.command("sign.text", "urn:x:s", {"text": "x"}, "why")
        city.answer(lambda intent: {"status": "refused", "reason": intent["kind"]})
        (refused,) = await app.commands([city.commands[0]])
        city.door.past = lambda query: [{"n": 1}, {"n": 2}]
        assert await app.sql("SELECT n FROM observation", rows=1) == [{"n": 1}]
    assert (taken["id"], taken["status"]) == ("command-1", "accepted")
    assert (refused["id"], refused["status"], refused["reason"]) == ("command-2", "refused", "sign.text")
