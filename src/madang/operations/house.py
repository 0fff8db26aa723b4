"""All of a city's operations centre, opened together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from madang.base.clock import Clock
from madang.operations.incidents.book import Book
from madang.operations.incidents.handing_over import HandOvers
from madang.operations.incidents.procedures import read_procedures
from madang.operations.notifying.book import NotifyBook
from madang.operations.rules.book import Rules


@dataclass(frozen=True)
class OperationsHouse:
    """What its doors and its process work with."""

    book: Book
    hand_overs: HandOvers
    rules: Rules
    notify: NotifyBook


def open_operations(pool: asyncpg.Pool, clock: Clock, procedures: Path | None = None) -> OperationsHouse:
    """`procedures`: a city's own folder of them. Raises BadRequest for a file that cannot be used."""
    book = Book(pool, clock, read_procedures(procedures))
    return OperationsHouse(book, HandOvers(book), Rules(pool, clock), NotifyBook(pool, clock))
