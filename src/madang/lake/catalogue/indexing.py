"""The words of data sets that were changed are made anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from madang.lake.datasets.book import COLUMNS, Book, dataset_of
from madang.lake.datasets.dataset import Dataset

_BATCH = 200
_INDEX = (
    "UPDATE dataset SET words = setweight(to_tsvector('english', $2), 'A') || setweight(to_tsvector('english', $3), 'B')"
    " || setweight(to_tsvector('english', $4), 'C'), indexed_at = $5 WHERE id = $1"
)


class Indexing:
    """`tokens`: the words of a text."""

    def __init__(self, book: Book, tokens: Callable[[str], list[str]]) -> None:
        self._book, self._tokens = book, tokens

    async def once(self) -> bool:
        """Whether there was something to index."""
        rows = await self._book.pool.fetch(
            f"SELECT {COLUMNS} FROM dataset WHERE indexed_at IS NULL OR indexed_at < changed_at LIMIT {_BATCH}"
        )
        found = [dataset_of(row) for row in rows]
        texts = await asyncio.to_thread(lambda: [self._texts(one) for one in found])
        for one, words in zip(found, texts, strict=True):
            await self._book.pool.execute(_INDEX, one.id, *words, one.changed_at)
        return len(found) == _BATCH

    def _texts(self, one: Dataset) -> tuple[str, str, str]:
        """What counts most, more, and least."""
        title = " ".join(one.told.title.values())
        more = " ".join([*one.told.keywords, one.told.owner, one.id.replace("_", " ")])
        least = " ".join(
            [*one.told.about.values(), *one.told.purpose.values(), *(each.name for each in (one.shown or one).columns)]
        )
        return self._joined(title), self._joined(more), self._joined(least)

    def _joined(self, text: str) -> str:
        """Whole words, too: a name that is cut up is still found as it is written."""
        return " ".join([*self._tokens(text), text])
