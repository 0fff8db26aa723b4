"""How people hide in a table whose rows are about them: who does not is left out. SQL texts, no I/O.

k-anonymity (Sweeney 2002): at least k rows are alike in what somebody may know from elsewhere; l-diversity (Machanavajjhala et al. 2007):
among them are at least l different values of each sensitive column.
"""

from __future__ import annotations

from collections.abc import Sequence

from madang.lake.datasets.dataset import Persons
from madang.lake.sql.filtering import quoted_name


def alone(persons: Persons, columns: Sequence[str]) -> str:
    """A window expression: true of rows that stand among fewer than k (or l) in the columns that are shown."""
    quasi = ", ".join(quoted_name(name) for name in persons.quasi if name in columns)
    over = f"OVER (PARTITION BY {quasi})" if quasi else "OVER ()"
    terms = [f"count(*) {over} < {persons.k}"]
    terms += [
        f"len(array_distinct(list({quoted_name(name)}) {over})) < {persons.l}"
        for name in persons.sensitive
        if name in columns and persons.l > 1
    ]
    return " OR ".join(terms)


def shown(source: str, persons: Persons, columns: Sequence[str]) -> str:
    """A query of the rows of `source` in which everybody hides."""
    names = ", ".join(quoted_name(name) for name in columns if name not in persons.hidden)
    return f"SELECT {names} FROM {source} QUALIFY ({alone(persons, columns)}) IS NOT TRUE"


def measured(source: str, persons: Persons, columns: Sequence[str]) -> str:
    """A query of one row: the smallest class, rows in classes below k, and the fewest values of each sensitive column."""
    quasi = ", ".join(quoted_name(name) for name in persons.quasi if name in columns)
    values = "".join(
        f", count(DISTINCT {quoted_name(name)}) AS l{place}" for place, name in enumerate(persons.sensitive)
    )
    fewest = "".join(f", min(l{place})" for place in range(len(persons.sensitive)))
    classes = f"SELECT count(*) AS n{values} FROM {source}" + (f" GROUP BY {quasi}" if quasi else "")
    return f"SELECT min(n), coalesce(sum(n) FILTER (n < {persons.k}), 0){fewest} FROM ({classes})"
