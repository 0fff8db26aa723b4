"""Flight SQL as Apache Arrow's own ADBC driver speaks it, before a lake that is told in this test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest
from adbc_driver_manager import OperationalError, ProgrammingError
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest, Forbidden, TooMany, Unauthorized
from madang.people.flight.commands import Listing, Statement, command_of, ticket_of
from madang.people.flight.server import FlightDoor
from madang.people.flight.wire import fields_of, message

HEADER = "adbc.flight.sql.authorization_header"
BENCHES = pa.table({"place": ["서울숲", "시청"], "seats": [2, 3]})
ERRORS = {
    "wrong": BadRequest("no table wrong"),
    "secret": Forbidden("not granted"),
    "busy": TooMany("too many"),
    "who": Unauthorized(""),
}


class Told:
    """What was asked, by whom; a question that names an error is answered with it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def rows(self, sql: str, token: str) -> pa.RecordBatchReader:
        self.asked.append((sql, token))
        for word, error in ERRORS.items():
            if word in sql:
                raise error
        return BENCHES.to_reader(1)

    def tables(self, token: str) -> list[str]:
        return ["observation", "benches"]


@pytest.fixture
def lake() -> Told:
    return Told()


@pytest.fixture
def address(lake: Told) -> Iterator[str]:
    with FlightDoor(lake, 0) as door:
        yield f"grpc://127.0.0.1:{door.port}"


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    with adbc.connect(address, db_kwargs={HEADER: "Bearer abc"}, autocommit=True) as connection:
        yield connection


def test_rows_come_as_they_are_with_the_callers_token(client: Any, lake: Told) -> None:
    with client.cursor() as cursor:
        cursor.execute("SELECT place, seats FROM benches")
        found = cursor.fetch_arrow_table()
    assert (found, lake.asked) == (BENCHES, [("SELECT place, seats FROM benches", "abc")])


def test_a_tool_finds_the_tables_and_their_columns(client: Any) -> None:
    told = client.adbc_get_objects(depth="all").read_all().to_pylist()
    tables = told[0]["catalog_db_schemas"][0]["db_schema_tables"]
    assert {one["table_name"]: [each["column_name"] for each in one["table_columns"]] for one in tables} == {
        "observation": ["place", "seats"],
        "benches": ["place", "seats"],
    }
    assert (client.adbc_get_table_types(), client.adbc_get_info()["vendor_name"]) == (["TABLE"], "Madang")


@pytest.mark.parametrize(
    ("sql", "error", "says"),
    [
        ("FROM wrong", ProgrammingError, "no table wrong"),
        ("FROM secret", ProgrammingError, "not granted"),
        ("FROM busy", OperationalError, "too many"),
        ("FROM who", ProgrammingError, "UNAUTHENTICATED|[Uu]nauth"),
    ],
)
def test_a_refusal_is_told_as_one(client: Any, sql: str, error: type[Exception], says: str) -> None:
    with client.cursor() as cursor, pytest.raises(error, match=says):
        cursor.execute(sql)
        cursor.fetchall()


def test_nothing_is_written(client: Any) -> None:
    with pytest.raises(Exception, match="nothing is written"):
        client.cursor().adbc_ingest("benches", BENCHES)


@given(sql=st.text(max_size=300))
def test_a_ticket_says_what_was_asked(sql: str) -> None:
    assert command_of(ticket_of(Statement(sql), b"")) == Statement(sql)


@given(body=st.binary(max_size=60))
def test_no_bytes_do_harm(body: bytes) -> None:
    try:
        command_of(body)
    except BadRequest as error:
        assert re.search("please|possible", error.detail)


@given(fields=st.dictionaries(st.integers(1, 2_000), st.binary(max_size=200), max_size=5))
def test_messages_come_back(fields: dict[int, bytes]) -> None:
    assert fields_of(message(fields)) == {number: [value] for number, value in fields.items()}


def test_a_listing_is_read_with_its_pattern() -> None:
    inner = message({3: b"ben%"}) + bytes([5 << 3, 1])
    body = message({1: b"type.googleapis.com/arrow.flight.protocol.sql.CommandGetTables", 2: inner})
    assert command_of(body) == Listing("CommandGetTables", "ben%", True)
