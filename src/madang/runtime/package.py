"""A package: an app's folder as one deterministic ZIP file, `<id>-<version>.madang`. The same folder gives the same bytes."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from madang.base.errors import BadRequest, TooLarge
from madang.base.limits import APP_PACKAGE_FILES_MAX, APP_PACKAGE_MAX_BYTES, APP_PACKAGE_UNPACKED_MAX_BYTES
from madang.runtime.manifest import Manifest, load_manifest

SUFFIX = ".madang"
_LEFT_OUT = frozenset({"__pycache__", ".git", ".venv", "node_modules"})
_PART = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|/]{1,200}\Z")
_CHUNK = 64 * 1024
_BEGINNING = (1980, 1, 1, 0, 0, 0)  # the first time that ZIP knows


def pack(folder: Path) -> bytes:
    """Without caches, hidden files and tests' leavings. Raises BadRequest for a bad manifest or a link, TooLarge."""
    load_manifest(folder)
    held = io.BytesIO()
    files = sorted(_files(folder), key=lambda path: path.relative_to(folder).as_posix())
    _bounded(len(files), sum(path.stat().st_size for path in files))
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            info = zipfile.ZipInfo(_named(path.relative_to(folder).as_posix()), _BEGINNING)
            info.external_attr, info.create_system = 0o100644 << 16, 3
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes(), compresslevel=9)
    data = held.getvalue()
    if len(data) > APP_PACKAGE_MAX_BYTES:
        raise TooLarge(f"a package has {APP_PACKAGE_MAX_BYTES} bytes at most")
    return data


def unpack(data: bytes, target: Path) -> Manifest:
    """Writes the files into `target`, which must be new; gives what the manifest declares. Nothing is run, no name leads out of
    `target`, and no more is written than was promised. Raises BadRequest, TooLarge; what was written is then the caller's to
    remove."""
    if len(data) > APP_PACKAGE_MAX_BYTES:
        raise TooLarge(f"a package has {APP_PACKAGE_MAX_BYTES} bytes at most")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _bounded(len(entries), sum(entry.file_size for entry in entries))
            _distinct(entry.filename for entry in entries)
            target.mkdir(parents=True)
            for entry in entries:
                _extract(archive, entry, target)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BadRequest(f"this is no package: {error}") from None
    return load_manifest(target)


def sha256(data: bytes) -> str:
    """By which a package is known, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def file_name(manifest: Manifest) -> str:
    return f"{manifest.id}-{manifest.version}{SUFFIX}"


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _LEFT_OUT or path.name.startswith(".") or path.suffix == ".pyc":
            continue
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise BadRequest(f"{path.name} is neither a file nor a folder")
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _bounded(count: int, size: int) -> None:
    if count > APP_PACKAGE_FILES_MAX:
        raise TooLarge(f"a package has {APP_PACKAGE_FILES_MAX} files at most")
    if size > APP_PACKAGE_UNPACKED_MAX_BYTES:
        raise TooLarge(f"a package holds {APP_PACKAGE_UNPACKED_MAX_BYTES} bytes at most")


def _named(name: str) -> str:
    """Raises BadRequest for a name that leads elsewhere, here or on another system."""
    parts = name.split("/")
    if len(name) > 400 or any(not _PART.match(part) or part in (".", "..") for part in parts):
        raise BadRequest(f"{name[:100]!r} is no name for a file of a package")
    return name


def _distinct(names: Iterable[str]) -> None:
    """Raises BadRequest when two names are one where case is not told apart, or one is a folder of another."""
    seen: set[str] = set()
    folders: set[str] = set()
    for name in names:
        folded = _named(name).casefold()
        folders |= {parent.as_posix() for parent in PurePosixPath(folded).parents}
        if folded in seen:
            raise BadRequest(f"{name[:100]!r} is there twice")
        seen.add(folded)
    if both := sorted(seen & folders):
        raise BadRequest(f"{both[0][:100]!r} is a file and a folder")


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.is_dir() or kind not in (0, stat.S_IFREG) or entry.flag_bits & 0x1:
        raise BadRequest(f"{entry.filename[:100]!r} is no plain file")
    path = target / entry.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, path.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise BadRequest(f"{entry.filename[:100]!r} is larger than it says")
            sink.write(chunk)
    path.chmod(0o644)
