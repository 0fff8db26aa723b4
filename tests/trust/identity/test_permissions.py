"""A permission is a line that people write and read, and says the same both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.trust.identity.permissions import Permission, check_permissions, permissions_in

names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"], exclude_characters=","), min_size=1, max_size=20)
permissions = st.builds(
    Permission,
    st.sampled_from(["read", "write", "command"]),
    names,
    st.none() | st.lists(names, max_size=3).map(tuple),
)


@given(st.lists(permissions, max_size=4))
def test_lines_say_what_was_granted(granted: list[Permission]) -> None:
    check_permissions(granted)
    assert permissions_in("\r\n".join(one.line for one in granted)) == tuple(granted)


def test_lines_as_people_type_them() -> None:
    assert permissions_in("\n  read  Building height, name ,\n\ncommand signal.stage\nwrite Bin ,\n") == (
        Permission("read", "Building", ("height", "name")),
        Permission("command", "signal.stage"),
        Permission("write", "Bin", ()),
    )


@pytest.mark.parametrize(
    "line", ["read", "manage Bin", "Bin read", "read Bin height name", "read Bin, height", "read\x00Bin", "read B\x01"]
)
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(BadRequest) as refused:
        permissions_in(f"read Building\n{line}")
    assert refused.value.extra == {"reason": "permission_form", "line": line}
