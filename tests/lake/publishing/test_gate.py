"""Nothing personal passes the gate, and nothing passes by one person alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.base.city import PrivacyBudget
from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, Conflict
from madang.lake.connection import Place, open_lake
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Described, Persons
from madang.lake.datasets.loading import load, prepare_datasets
from madang.lake.files.report import Finding, Report
from madang.lake.publishing.checking import Checking, PrivacyTools
from madang.lake.publishing.hiding import measured, shown
from madang.lake.publishing.publication import Publication, Publications
from madang.lake.publishing.spec import Figures
from madang.people.figures import noisy
from madang.trust.privacy.anonymity import assess
from madang.trust.privacy.ledger import Ledger
from madang.trust.privacy.tables import looks_personal, scan

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
CLOCK = ManualClock(NOW)
Fill = Callable[..., object]


class House:
    """A data set with rows, and the gate."""

    def __init__(self, pool: asyncpg.Pool, dsn: str, place: Place, folder: Path) -> None:
        self.book, self.publications, self.folder = Book(pool, CLOCK), Publications(pool, CLOCK), folder
        self._connect = lambda: open_lake(dsn, place)
        self.told: list[tuple[int, str]] = []
        ledger = Ledger(pool, {"d": PrivacyBudget(1.0)})
        tools = PrivacyTools(scan, looks_personal, noisy, lambda of, epsilon: ledger.spend(of, epsilon, NOW))
        self.gate = Checking(self.book, self.publications, self._connect, folder, tools, self._tell)

    async def _tell(self, one: Publication, state: str, checks: list[Finding]) -> None:
        self.told.append((one.version, state))

    async def fill(self, columns: dict[str, list[object]], **told: object) -> None:
        described = Described({"en": "D"}, **({"licence": "cc-by-4.0"} | told))  # type: ignore[arg-type]
        await self.book.make("d", described, "person:one")
        pq.write_table(pa.table(columns), self.folder / "t.parquet")
        with self._connect() as lake:
            prepare_datasets(lake)
            known, rows = load(lake, "d", "a", self.folder / "t.parquet", True)
        await self.book.loaded("d", known, rows, Report("csv", rows, []))

    async def ask(self, *columns: str, of_places: tuple[str, ...] = (), figures: Figures | None = None) -> Publication:
        version = await self.publications.ask(await self.book.get("d"), columns, "person:one", of_places, figures)
        await self.gate.once()
        return await self.publications.get("d", version)


@pytest.fixture
def house(pool: asyncpg.Pool, dsn: str, place: Place, tmp_path: Path) -> House:
    return House(pool, dsn, place, tmp_path)


async def test_a_table_with_hidden_phone_numbers_is_stopped(house: House) -> None:
    await house.fill({"place": ["서울숲", "시청"], "memo": ["벤치 수리", "문의는 010-1234-5678 로"], "n": [1, 2]})
    found = await house.ask()
    assert (found.state, [(one.code, one.column, one.rows, one.told["kind"]) for one in found.checks]) == (
        "refused",
        [("personal_data", "memo", 1, "phone")],
    )
    assert not (house.folder / "d").joinpath("1").exists()
    with pytest.raises(Conflict):
        await house.publications.approve("d", 1, "person:two", "")
    without = await house.ask("place", "n")
    assert (without.state, without.checks, house.told) == ("waiting", [], [(1, "refused"), (2, "waiting")])


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("연락처", [1012345678, 1098765432], "phone"),  # as a spreadsheet leaves them
        ("no", ["9001011234567"], "resident-registration"),
        ("성명", ["김철수", "이영희", "박민수"], "name"),
        ("contact", ["write to kim@example.org"], "email"),
    ],
)
def test_what_a_spreadsheet_made_of_it_is_found_too(column: str, values: list[object], kind: str) -> None:
    assert kind in {one.kind for one in scan({column: values})}


def test_what_is_not_personal_is_let_be() -> None:
    columns = {
        "자치구": ["강동구", "서대문구"],
        "n": [1, 37, 2024],
        "정류소명": ["종로2가사거리", "창경궁.서울대학교병원"],
        "code": ["01001"],
    }
    assert scan(columns) == []


async def test_names_and_addresses_may_be_those_of_places_and_nothing_else_may(house: House) -> None:
    await house.fill({"주소": ["서울특별시 중구 세종대로 110"], "문의": ["010-1234-5678"]})
    found = await house.ask(of_places=("주소", "문의"))
    assert [(one.column, one.told["kind"], one.severity) for one in found.checks] == [
        ("주소", "address", "warn"),
        ("문의", "phone", "stop"),
    ]


async def test_nobody_approves_their_own(house: House) -> None:
    await house.fill({"n": [1]})
    await house.ask()
    with pytest.raises(Conflict):
        await house.publications.approve("d", 1, "person:one", "")
    await house.publications.approve("d", 1, "person:two", "fine")
    found = await house.book.get("d")
    assert (found.state, found.version, found.issued_at) == ("published", 1, NOW)


async def test_versions_follow_one_another_and_can_be_withdrawn(house: House) -> None:
    await house.fill({"n": [1]})
    for version in (1, 2):
        await house.ask()
        await house.publications.approve("d", version, "person:two", "")
    await house.publications.withdraw("d", "person:one", "wrong figures")
    assert [(one.version, one.state, one.why) for one in await house.publications.of("d")] == [
        (2, "withdrawn", "wrong figures"),
        (1, "withdrawn", "wrong figures"),
    ]
    assert (await house.book.get("d")).state == "withdrawn"
    with pytest.raises(Conflict):
        await house.publications.withdraw("d", "person:one", "again")


async def test_one_version_waits_at_a_time_and_can_be_declined(house: House) -> None:
    await house.fill({"n": [1]})
    await house.ask()
    with pytest.raises(Conflict):
        await house.publications.ask(await house.book.get("d"), (), "person:one")
    await house.publications.decline("d", 1, "person:two", "not yet")
    assert (await house.ask()).version == 2


async def test_without_a_licence_nothing_is_published(house: House) -> None:
    await house.fill({"n": [1]}, licence="")
    with pytest.raises(BadRequest):
        await house.ask()


async def test_rows_about_people_need_somebody_to_say_how_they_hide(house: House) -> None:
    await house.fill({"나이": [30, 40], "성별": ["F", "M"], "n": [1, 2]})
    assert [one.code for one in (await house.ask()).checks] == ["looks_personal"]


async def test_people_hide_among_k_with_l_different_values(house: House) -> None:
    persons = Persons(["id"], ["age", "gu"], ["illness"], 2, 2)
    rows = {"id": ["a", "b", "c"], "age": [30, 30, 40], "gu": ["x", "x", "y"], "illness": ["flu", "flu", "cold"]}
    await house.fill(rows, persons=persons)
    found = await house.ask("id", "age", "gu", "illness")
    assert [(one.code, one.rows) for one in found.checks] == [
        ("names_people", 0),
        ("k_anonymity", 1),
        ("l_diversity", 0),
    ]
    assert [one.code for one in (await house.ask("gu", "illness")).checks] == ["k_anonymity", "l_diversity"]
    assert (await house.ask("illness")).state == "waiting"


TABLE = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=30)


@settings(max_examples=40)
@given(TABLE)
def test_k_and_l_are_those_of_the_privacy_room(rows: list[tuple[int, int, int]]) -> None:
    """Whose own oracle is pycanon."""
    table = {name: [row[place] for row in rows] for place, name in enumerate(("a", "b", "s"))}
    persons = Persons([], ["a", "b"], ["s"], 3, 2)
    oracle = assess(table, ["a", "b"], ["s"], 3)
    with duckdb.connect() as connection:
        connection.register("t", pa.table(table))
        assert connection.execute(measured("t", persons, ["a", "b", "s"])).fetchone() == (
            oracle.k,
            oracle.small,
            oracle.l["s"],
        )
        left = connection.execute(shown("t", persons, ["a", "b", "s"])).fetchall()
        connection.register(
            "left_over", pa.table({name: [row[place] for row in left] for place, name in enumerate(("a", "b", "s"))})
        )
        least = connection.execute(measured("left_over", persons, ["a", "b", "s"])).fetchone() if left else (3, 0, 2)
    assert least is not None and least[0] >= 3 and least[2] >= 2


async def test_what_is_given_out_is_what_others_read(house: House) -> None:
    await house.fill({"name": ["가", "나"], "geometry": [shapely.Point(127, 37.5).wkb, None]})
    found = await house.ask()
    folder = house.folder / "d" / "1"
    assert (sorted(found.files), found.rows) == (["csv", "geojson", "parquet"], 2)
    meta, rows = pyogrio.read_arrow(folder / "data.geojson")
    assert (rows.column("name").to_pylist(), meta["geometry_type"]) == (["가", "나"], "Point")
    geo = json.loads(pq.read_metadata(folder / "data.parquet").metadata[b"geo"])
    assert (geo["primary_column"], geo["columns"]["geometry"]["geometry_types"]) == ("geometry", ["Point"])
    assert (folder / "data.csv").read_text(encoding="utf-8").splitlines() == [
        '"name","geometry"',
        '"가","POINT (127 37.5)"',
        '"나",',
    ]


PERSONS = Persons(["id"], ["gu"], ["income"])
VISITS = {
    "id": [f"p{one % 400}" for one in range(800)],  # everybody is there twice
    "gu": ["가", "가", "나", "다"] * 200,
    "income": [100.0, 100.0, 200.0, 900.0] * 200,
}


async def test_rows_about_people_are_published_as_figures_within_the_budget(house: House) -> None:
    """Counts of 400 people at epsilon 0.5 are off by more than 60 once in 10^13."""
    await house.fill(VISITS, persons=PERSONS)
    found = await house.ask(figures=Figures("id", "gu", ["가", "나", "라"], 0.5))
    rows = pq.read_table(house.folder / "d" / "1" / "data.parquet").to_pylist()
    assert (found.state, found.columns, [row["gu"] for row in rows]) == (
        "waiting",
        ["gu", "count", "error_95"],
        ["가", "나", "라"],
    )
    assert [row["count"] for row in rows] == [pytest.approx(most, abs=60) for most in (200, 100, 0)]
    assert all(0 < row["error_95"] < 20 for row in rows)


async def test_a_sum_is_bounded_and_the_budget_ends(house: House) -> None:
    await house.fill(VISITS, persons=PERSONS)
    asked = Figures("id", "gu", ["가", "다"], 0.9, "sum", "income", 0.0, 500.0)
    await house.ask(figures=asked)
    rows = pq.read_table(house.folder / "d" / "1" / "data.parquet").to_pylist()
    await house.publications.decline("d", 1, "person:two", "not yet")
    spent = await house.ask(figures=asked)
    assert [row["sum"] for row in rows] == [pytest.approx(most, abs=20_000) for most in (200 * 100, 100 * 500)]
    assert (spent.state, [(one.code, one.told) for one in spent.checks], spent.rows) == (
        "refused",
        [("budget", {"epsilon": 0.9, "left": 0.1})],
        0,
    )
    assert not (house.folder / "d" / "2").exists()


async def test_figures_are_of_columns_that_are_there(house: House) -> None:
    await house.fill({"n": [1]})
    with pytest.raises(BadRequest):
        await house.ask(figures=Figures("id", "gu", ["가"], 0.5))
