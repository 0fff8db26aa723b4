"""Files that cannot be used are refused with the file, the line and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from madang.trust.policy.ruling import read_ruling
from madang.trust.policy.source import AREAS, DEPARTMENTS, GROUPS, HOUSE, PolicyError, pieces

FINE = '@id("fine") permit (principal, action == Action::"read", resource is Entity);\n'
READ = 'permit (principal, action == Action::"read", resource is Entity)'


def collection(geometry: str) -> str:
    return f'{{"type": "FeatureCollection", "features": [{{"id": "x", "geometry": {geometry}}}]}}'


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("a.cedar", "permit (principal, action, resource);", "a.cedar:1: needs an @id"),
        ("a.cedar", FINE + "// a word\n\n" + FINE, "a.cedar:4: needs an @id"),
        ("a.cedar", FINE + '\n@id("x")\npermit (principal, action,\n resource) wen { true };', "a.cedar:3: invalid policy condition: wen"),
        ("a.cedar", FINE + f'@id("x") {READ} when {{ resource.colour == "red" }};', "a.cedar:2: for policy 'x', attribute `colour`"),
        ("a.cedar", f'@id("x") {READ} when {{ context.colour == "red" }};', "a.cedar:1: for policy 'x', attribute `colour` in context"),
        ("a.cedar", f'@id("x") {READ} when {{ resource in Colour::"red" }};', "a.cedar:1: for policy 'x', unrecognized entity type"),
        ("a.cedar", f'@id("x") {READ} when {{ ["a", "b"].contains(resource.tenant) }};', "a.cedar:1: x: of the resource a policy asks"),
        ("a.cedar", f'@id("x") {READ} when {{ resource.owner == ["a"] }};', "a.cedar:1: x: of the resource a policy asks"),
        ("a.cedar", f'@id("x") {READ} when {{ resource.tenant like "a*" }};', "a.cedar:1: x: of the resource a policy asks"),
        ("a.cedar", '@id("x") permit (principal == ?principal, action, resource);', "a.cedar:1: a template"),
        ("a.cedar", 'permit (principal, action, resource) when { "a;b" == "\\";" };', "a.cedar:1: needs an @id"),
        ("a.cedar", "nonsense", "a.cedar:1: unexpected"),
        (GROUPS, '{"public": "A"}', "groups.json:1: Expected `array`"),
        (DEPARTMENTS, '{"parks": {"kinds": ["Tree"]}}', "departments.json:1: Object contains unknown field `kinds`"),
        (AREAS, collection('{"type": "Point", "coordinates": [1, 2]}'), "areas.geojson:1: the area 'x' is a Polygon"),
        (AREAS, collection('{"type": "Polygon", "coordinates": [[[1, 2]]]}'), "areas.geojson:1: the area 'x'"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(tmp_path: Path, file: str, text: str, told: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as raised:
        read_ruling([HOUSE, tmp_path])
    assert raised.value.detail[: len(told)] == told


def test_a_file_that_is_no_text_or_too_large(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_bytes(b"\xff")
    with pytest.raises(PolicyError, match=r"a\.cedar:1: not UTF-8"):
        read_ruling([tmp_path])
    (tmp_path / "a.cedar").write_bytes(b" " * (1024 * 1024 + 1))
    with pytest.raises(PolicyError, match="larger than 1048576 bytes"):
        read_ruling([tmp_path])


def test_policies_are_cut_where_a_reader_would_cut_them() -> None:
    text = '// one; two\n@id("a;\\";b")\npermit (x);\n\n  // and; then\nforbid (y) when { "//" };\n// the end;\n'
    found = list(pieces(text))
    assert [line for line, _ in found] == [2, 6]
    assert "".join(piece for _, piece in found) + "\n// the end;\n" == text


def test_a_city_adds_to_the_house(tmp_path: Path) -> None:
    house = read_ruling([HOUSE]).source
    (tmp_path / GROUPS).write_text('{"public": ["Tree"], "green": ["Tree"]}')
    (tmp_path / "parks.cedar").write_text(FINE)
    both = read_ruling([HOUSE, tmp_path]).source
    assert [one.id for one in both.policies] == [*(one.id for one in house.policies), "fine"]
    assert both.groups == house.groups | {"public": sorted([*house.groups["public"], "Tree"]), "green": ["Tree"]}
    assert both.hash != house.hash
    assert read_ruling([HOUSE, tmp_path]).source.hash == both.hash


@pytest.mark.parametrize("one", read_ruling([HOUSE]).source.policies, ids=lambda one: one.id)
def test_every_policy_of_the_house_is_told_in_both_languages(one: object) -> None:
    assert getattr(one, "told").keys() == {"ko", "en"}  # noqa: B009 - the parameter is told apart by its id
