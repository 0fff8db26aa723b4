"""How well people hide in a table: figures are those of pycanon 1.3.6, computed with it once; laws hold for any table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.trust.privacy.anonymity import Anonymity, Step, assess

TABLE: dict[str, list[Any]] = {
    "age": [30, 30, 30, 40, 40, 40, 40, 50, 50, 50],
    "gu": ["종로", "종로", "종로", "강남", "강남", "강남", "강남", "강남", "종로", "종로"],
    "ill": ["감기", "독감", "감기", "독감", "천식", "감기", "독감", "천식", "천식", "감기"],
    "pay": [3, 4, 5, 6, 11, 8, 7, 9, 10, 3],
}
PYCANON = [
    (["age"], 3, 2, 3, 0.3666666666666667, 0.3249999999999999),
    (["gu"], 5, 3, 4, 0.20000000000000004, 0.20000000000000004),
    (["age", "gu"], 1, 1, 1, 0.7, 0.37500000000000006),
]


@pytest.mark.parametrize(("quasi", "k", "ill", "pay", "t_ill", "t_pay"), PYCANON)
def test_figures_are_those_of_pycanon(quasi: list[str], k: int, ill: int, pay: int, t_ill: float, t_pay: float) -> None:
    found = assess(TABLE, quasi, ["ill", "pay"], 2)
    assert (found.k, found.l, found.t) == (k, {"ill": ill, "pay": pay}, pytest.approx({"ill": t_ill, "pay": t_pay}))


def test_it_says_what_to_coarsen() -> None:
    found = assess(TABLE, ["age", "gu"], [], 3)
    assert found == Anonymity(1, {}, {}, 3, (Step("age", 5, 0),))
    assert assess(TABLE, ["age"], [], 3).coarsen == ()


@pytest.mark.parametrize(
    ("table", "quasi"), [({}, ["a"]), ({"a": []}, ["a"]), ({"a": [1], "b": [1, 2]}, ["a"]), ({"a": [1]}, ["b"])]
)
def test_what_is_no_table_is_refused(table: dict[str, list[Any]], quasi: list[str]) -> None:
    with pytest.raises(BadRequest):
        assess(table, quasi, [], 2)


cells = st.one_of(st.integers(0, 4), st.sampled_from(["a", "b"]), st.none(), st.booleans())
tables = st.integers(1, 25).flatmap(
    lambda rows: st.fixed_dictionaries({name: st.lists(cells, min_size=rows, max_size=rows) for name in "xyz"})
)


@given(tables, st.integers(2, 6))
def test_laws_of_any_table(table: dict[str, list[Any]], wish: int) -> None:
    rows = len(table["x"])
    one, two = assess(table, ["x"], ["z"], wish), assess(table, ["x", "y"], ["z"], wish)
    nobody = assess(table, [], ["z"], wish)
    assert 1 <= two.k <= one.k <= nobody.k == rows  # who knows more finds more
    assert 1 <= two.l["z"] <= two.k
    assert nobody.t["z"] == 0 <= two.t["z"] <= 1
    assert (two.small == 0) == (two.k >= wish) == (two.coarsen == ())
