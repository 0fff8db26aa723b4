"""A package is its folder, and nothing else can be made of it."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.base.errors import BadRequest, MadangError, TooLarge
from madang.base.limits import APP_PACKAGE_FILES_MAX, APP_PACKAGE_UNPACKED_MAX_BYTES
from madang.runtime import package
from madang.runtime.package import file_name, pack, sha256, unpack
from tests.runtime.packages import MANIFEST, app_folder

NAMES = st.text("abcdeXYZ가나_-", min_size=1, max_size=8)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.binary(max_size=300), max_size=5
).filter(
    lambda tree: (
        len({path.casefold() for path in tree} | {"x"}) == len(tree) + 1
        and not any(a.casefold().startswith(b.casefold() + "/") for a in tree for b in tree)
    )
)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@given(TREES)
@settings(max_examples=30)
def test_what_was_packed_is_what_is_unpacked(tree: dict[str, bytes]) -> None:
    with TemporaryDirectory() as place:
        folder = app_folder(Path(place) / "quiet")
        for name, data in tree.items():
            path = folder / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        data = pack(folder)
        unpack(data, Path(place) / "again")
        assert contents(Path(place) / "again") == contents(folder)
        assert pack(Path(place) / "again") == data


def test_times_modes_and_leavings_are_not_packed(tmp_path: Path) -> None:
    plain = app_folder(tmp_path / "plain")
    other = app_folder(tmp_path / "other")
    os.utime(other / "main.py", (1, 1_000_000_000))
    (other / "main.py").chmod(0o755)
    (other / "__pycache__").mkdir()
    (other / "__pycache__" / "main.pyc").write_bytes(b"x")
    (other / ".secret").write_text("x")
    assert sha256(pack(plain)) == sha256(pack(other))


def test_its_name_tells_what_it_is(tmp_path: Path) -> None:
    manifest = unpack(pack(app_folder(tmp_path / "quiet")), tmp_path / "there")
    assert file_name(manifest) == "org.example.quiet-1.0.madang"


def test_a_link_is_not_packed(tmp_path: Path) -> None:
    (app_folder(tmp_path / "quiet") / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(BadRequest, match="neither a file nor a folder"):
        pack(tmp_path / "quiet")


def archive(*names: str, mode: int = 0o100644, text: str = "x") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in (("app.toml", MANIFEST), ("__init__.py", ""), ("main.py", "")):
            made.writestr(name, content)
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            made.writestr(info, text)
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (archive("../outside"), "no name for a file"),
        (archive("/etc/cron.d/x"), "no name for a file"),
        (archive("a/./b"), "no name for a file"),
        (archive("a//b"), "no name for a file"),
        (archive("C:evil"), "no name for a file"),
        (archive("a\\..\\b"), "no name for a file"),
        (archive("line\nbreak"), "no name for a file"),
        (archive("MAIN.py"), "is there twice"),
        (archive("main.py/inside"), "is a file and a folder"),
        (archive("folder/"), "no name for a file"),
        (archive("link", mode=0o120777, text="/etc/passwd"), "is no plain file"),
        (archive("pipe", mode=0o010644), "is no plain file"),
        (b"PK\x03\x04 and so on", "this is no package"),
        (archive()[:-40], "this is no package"),
    ],
)
def test_what_is_no_package_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(BadRequest) as refused:
        unpack(data, tmp_path / "there")
    assert told in refused.value.detail
    assert {path.name for path in tmp_path.iterdir()} <= {"there"}


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made, made.open("zeros", "w") as sink:
        for _ in range(APP_PACKAGE_UNPACKED_MAX_BYTES // (1 << 20) + 1):
            sink.write(bytes(1 << 20))
    with pytest.raises(TooLarge, match="bytes at most"):
        unpack(held.getvalue(), tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_bomb_that_lies_about_its_size_stops_at_what_it_said(tmp_path: Path) -> None:
    data = archive("zeros", text="\0" * 100_000)
    lying = data.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(MadangError):
        unpack(lying, tmp_path / "there")
    assert sum(path.stat().st_size for path in (tmp_path / "there").rglob("*") if path.name == "zeros") <= 10


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="files at most"):
        unpack(archive(*(f"f{i}" for i in range(APP_PACKAGE_FILES_MAX))), tmp_path / "there")


def test_too_large_a_package_is_refused_before_it_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "APP_PACKAGE_MAX_BYTES", 100)
    with pytest.raises(TooLarge, match="100 bytes at most"):
        unpack(archive(), tmp_path / "there")
