"""What a manifest may say, and what it is when it says no more than it must."""

from __future__ import annotations

from pathlib import Path

import pytest

from madang.base.errors import BadRequest
from madang.runtime.manifest import Manifest, Page, Price, Produced, Quota, Scope, Score, Widget, load_manifest
from madang.runtime.soundness import WASM_MAGIC
from tests.runtime.packages import MANIFEST, WHOLE, app_folder

TREES = {"ko": "나무", "en": "Trees"}
LEAST = Manifest(
    id="org.example.quiet",
    version="1.0",
    name={"ko": "조용", "en": "Quiet"},
    summary={"ko": "아무것도 하지 않음", "en": "Does nothing"},
    entry="quiet.main",
    scopes=[Scope("read", {"ko": "나무를 봅니다", "en": "look at trees"}, "Tree")],
)


def head(text: str) -> str:
    """MANIFEST with more before its first table."""
    first, _, rest = MANIFEST.partition("[[scopes]]")
    return f"{first}{text}\n[[scopes]]{rest}"


def test_what_is_not_said_has_a_value(tmp_path: Path) -> None:
    assert load_manifest(app_folder(tmp_path)) == LEAST


def test_everything_can_be_said(tmp_path: Path) -> None:
    found = load_manifest(app_folder(tmp_path, head(WHOLE)))
    assert found == Manifest(
        LEAST.id, LEAST.version, LEAST.name, LEAST.summary, LEAST.entry, LEAST.scopes, "Apache-2.0 OR MIT", {}, [], ">=1,<2",
        {"ko": "없음", "en": "None"}, ["parks", "air"], "tree-care", ["api.example.org:443"], Quota(0.25, 64, 50, 16),
        [Produced("TreeReport")], Price("subscription", "9900", "KRW", "month"), [Page("/", TREES, ["operator"])],
        [Widget("/small", TREES, [], 120)], Score("traffic"), 2, "id", "org.example", "https://example.org/quiet",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (None, "", "is no WebAssembly module"),
        (b"print(1)", "", "is no WebAssembly module"),
        (WASM_MAGIC, "workers = 2", "computes alone"),
        (WASM_MAGIC, 'egress = ["api.example.org:443"]', "computes alone"),
    ],
)
def test_an_entry_that_is_no_module_alone_is_refused(tmp_path: Path, code: bytes | None, said: str, told: str) -> None:
    folder = app_folder(tmp_path, head(said).replace("quiet.main", "quiet.wasm"))
    files = [(folder / "quiet.wasm", code)] if code is not None else []
    for path, data in files:
        path.write_bytes(data)
    with pytest.raises(BadRequest, match=told):
        load_manifest(folder)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('api = ">=2"', "it wants app API >=2, this city has 1"),
        ('api = "two"', "is no specifier"),
        ('publisher = "somebody"', "publisher must be a reverse domain name"),
        ('licence = "as you like, friend"', "is no SPDX expression"),
        ('categories = ["games"]', "unknown categories games"),
        ('service = "Signal Control"', "service is a word"),
        ('score = { kind = "../x" }', "score is a word"),
        ('egress = ["example.org"]', "is not host:port"),
        ('egress = ["10.0.0.1:443"]', "is not host:port"),
        ('egress = ["*.example.org:443"]', "is not host:port"),
        ('egress = ["example.org:70000"]', "is not host:port"),
        ("quota = { cpu = 0 }", "quota cpu is above 0"),
        ("quota = { cpu = nan }", "quota cpu is above 0"),
        ("quota = { memory_mb = 100000 }", "quota memory_mb"),
        ("quota = { cores = 1 }", "unknown field"),
        ("workers = 0", "workers is 1 to"),
        ('price = { model = "gift" }', "price: an amount, and a model of"),
        ('price = { amount = "NaN" }', "price: an amount"),
        ('price = { amount = "5" }', "what is free costs 0"),
        ('price = { model = "one_off", amount = "0" }', "what is free costs 0"),
        ('price = { model = "usage", amount = "1", per = "smile" }', "per is one of reads"),
        ('price = { model = "one_off", amount = "1", per = "month" }', "per is one of nothing"),
        ('price = { model = "one_off", amount = "1", currency = "won" }', "ISO 4217"),
        ('pages = [{ path = "/../x", name = { ko = "a", en = "a" } }]', "path '/../x' of a page"),
        ('pages = [{ path = "/", name = { ko = "a" } }]', "texts are given in ko and en"),
        ('pages = [{ path = "/", name = { ko = "a", en = "a" }, roles = ["king"] }]', "unknown roles king"),
        ('widgets = [{ path = "/", name = { ko = "a", en = "a" }, height_px = 9 }]', "height_px of a widget"),
        ('website = "javascript:alert(1)"', "website is an https address"),
        ('privacy = { ko = "a", en = " " }', "a text has 1 to"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, said: str, told: str) -> None:
    folder = app_folder(tmp_path, head(said))
    with pytest.raises(BadRequest, match=r"app\.toml: ") as refused:
        load_manifest(folder)
    assert told in refused.value.detail


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('id = "org.example.quiet"', 'id = "../etc"', "id must be a reverse domain name"),
        ('version = "1.0"', 'version = "../1"', "is none of PEP 440"),
        ('version = "1.0"', 'version = "one"', "is none of PEP 440"),
        ('entry = "quiet.main"', 'entry = "quiet.other"', "is not package.module"),
        ('action = "read"', 'action = "own"', "unknown action"),
        ('type = "Tree"', 'kind = "tree.fell"', "a read scope needs type"),
        ('type = "Tree"', 'type = "Tree"\nattributes = []', "no attributes"),
        ('type = "Tree"', 'type = "Tree"\nretention_days = -1', "retention is 0 to"),
        ('type = "Tree"', 'type = "Tree"\narea = "../x.geojson"', "area '../x.geojson' is no file"),
        ('type = "Tree"', 'type = "Tree"\narea = "app.toml"', "area 'app.toml' is no file"),
    ],
)
def test_a_scope_or_name_that_cannot_be_is_named(tmp_path: Path, was: str, now: str, told: str) -> None:
    folder = app_folder(tmp_path, MANIFEST.replace(was, now))
    with pytest.raises(BadRequest) as refused:
        load_manifest(folder)
    assert told in refused.value.detail


PARK = '{"type":"Polygon","coordinates":[[[127.0,37.5],[127.1,37.5],[127.1,37.6],[127.0,37.5]]]}'
RINGS = [[(127.0, 37.5), (127.1, 37.5), (127.1, 37.6), (127.0, 37.5)]]


def test_an_area_is_read_from_its_file(tmp_path: Path) -> None:
    text = MANIFEST.replace('type = "Tree"', 'type = "Tree"\narea = "park.geojson"')
    (scope,) = load_manifest(app_folder(tmp_path, text, park__geojson=PARK)).scopes
    assert (scope.area, scope.rings, scope.grant().area) == ("park.geojson", RINGS, (tuple(RINGS[0]),))


def test_a_command_has_no_area(tmp_path: Path) -> None:
    text = MANIFEST.replace('"read"', '"command"').replace('type = "Tree"', 'kind = "tree.fell"\narea = "park.geojson"')
    with pytest.raises(BadRequest, match="a command scope has no area"):
        load_manifest(app_folder(tmp_path, text, park__geojson=PARK))


def test_a_folder_without_a_manifest_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"no app\.toml"):
        load_manifest(tmp_path)
