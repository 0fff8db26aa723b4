"""What apps keep on disk: how much it is, where it lies, and what is handed over when an app goes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from madang.base.errors import StorageFull
from madang.base.limits import APP_EXPORT_MAX_BYTES, APP_FILES_MAX
from madang.engine.privilege import is_root, own

_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Export:
    """What an app had written, as a ZIP file."""

    path: Path
    sha256: str
    files: int
    bytes: int

    def told(self) -> dict[str, str | int]:
        """As it stands in a receipt."""
        return {"file": self.path.name, "sha256": self.sha256, "files": self.files, "bytes": self.bytes}


class Shelves:
    """The folders of one instance's apps, below its folder of apps: data by id, what belongs to the runtime in folders whose names
    no id can have."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def data(self, app_id: str, uid: int) -> Path:
        """The app's own folder, its user's alone. What an older user of the app had written is handed over."""
        folder = self._root / app_id
        had = folder.stat().st_uid if folder.exists() else uid
        own(folder, uid)
        if had != uid and is_root():
            for path in folder.rglob("*"):
                os.chown(path, uid, uid, follow_symlinks=False)
        return folder

    def version(self, app_id: str, version: str) -> Path:
        return self._root / ".versions" / app_id / version

    def venv(self, app_id: str, version: str) -> Path:
        return self._root / ".venvs" / app_id / version

    def drop(self, app_id: str, version: str) -> None:
        for folder in (self.version(app_id, version), self.venv(app_id, version)):
            shutil.rmtree(folder, ignore_errors=True)

    def export(self, app_id: str, name: str) -> Export | None:
        """All that the app wrote; nothing when it wrote nothing. Links are left out: they lead to what is not its. Raises
        StorageFull."""
        folder = self._root / app_id
        files = [path for path in _plain_files(folder)] if folder.is_dir() else []
        size = sum(path.stat().st_size for path in files)
        if not files:
            return None
        if size > APP_EXPORT_MAX_BYTES:
            raise StorageFull(f"an export has {APP_EXPORT_MAX_BYTES} bytes at most, this app wrote {size}")
        target = own(self._root / ".exports", os.getuid()) / f"{app_id}-{name}.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.relative_to(folder).as_posix())
        digest = hashlib.sha256()
        with target.open("rb") as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
        return Export(target, digest.hexdigest(), len(files), size)

    def purge(self, app_id: str) -> None:
        """Everything of the app but what was exported."""
        for folder in (self._root / app_id, self._root / ".versions" / app_id, self._root / ".venvs" / app_id):
            shutil.rmtree(folder, ignore_errors=True)


def _plain_files(folder: Path) -> list[Path]:
    found = []
    for base, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        found += [path for name in sorted(names) if (path := Path(base) / name).is_file() and not path.is_symlink()]
    return found


def size_of(folder: Path) -> int:
    """Bytes that the files below a folder take on disk; a folder of too many files counts as one too full."""
    total, count, waiting = 0, 0, [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                count += 1
                if count > APP_FILES_MAX:
                    return 1 << 62
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
