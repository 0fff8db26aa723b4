"""All that was, in SQL, for programs and notebooks: `Lake(url, token).sql("SELECT ...").polars()`.

Answers come as Arrow, batch after batch, and need pyarrow (the extra `windows`); `rows()` does without. What may be asked, and what is
seen of it, the city decides: docs/api.md of Madang, `/lake/sql`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from madang.sdk.door import DoorError
from madang.sdk.http import DoorClosed

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

ROWS = 10_000
TIMEOUT_S = 90.0


@dataclass(frozen=True)
class Question:
    """Asked each time that its answer is taken. Raises DoorError where the city says no, DoorClosed when nobody answers."""

    lake: Lake
    query: str
    most: int

    def rows(self) -> list[dict[str, Any]]:
        """Plain values by column; times as ISO 8601 text."""
        with self.lake.ask(self, "json") as answer:
            told = json.load(answer)
        return [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]

    def batches(self) -> Iterator[pyarrow.RecordBatch]:
        """As they come, so that an answer may be larger than memory."""
        import pyarrow as pa

        with self.lake.ask(self, "arrow") as answer, pa.ipc.open_stream(answer) as reader:
            yield from reader

    def arrow(self) -> pyarrow.Table:
        import pyarrow as pa

        with self.lake.ask(self, "arrow") as answer, pa.ipc.open_stream(answer) as reader:
            return reader.read_all()

    def polars(self) -> polars.DataFrame:
        import polars as pl

        found = pl.from_arrow(self.arrow())
        assert isinstance(found, pl.DataFrame)
        return found

    def pandas(self) -> pandas.DataFrame:
        return self.arrow().to_pandas()


@dataclass(frozen=True)
class Lake:
    """A city's, at its address; `token` of the city's OpenID provider, empty for who comes without a name."""

    url: str
    token: str = ""

    def sql(self, query: str, most: int = ROWS) -> Question:
        """At most so many rows (a city gives 1,000,000)."""
        return Question(self, query, most)

    def ask(self, question: Question, form: str) -> HTTPResponse:
        """The open answer."""
        body = json.dumps({"sql": question.query, "rows": question.most, "format": form}).encode()
        headers = {"content-type": "application/json"} | (
            {"authorization": f"Bearer {self.token}"} if self.token else {}
        )
        request = Request(f"{self.url.rstrip('/')}/lake/sql", body, headers)  # noqa: S310 - the address is the caller's
        try:
            answer: HTTPResponse = urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
        except HTTPError as error:
            raise DoorError(error.code, _problem(error.read(4_096))) from None
        except URLError as error:
            raise DoorClosed(str(error.reason)) from None
        return answer


def _problem(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"title": body[:200].decode("utf-8", "replace")}
