"""How a city gets a package: by the TUF client, whose state outlives the process, so that nobody can lead it back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from madang.base.errors import BadRequest, NotFound, Unavailable
from madang.base.limits import STORE_PACKAGE_MAX_BYTES

Serve = Callable[[str, str], Awaitable[bytes]]
HERE = "store://here"


class FetchHere(FetcherInterface):
    """From the store of this process. `serve(kind, name)` with kind `metadata` or `targets` raises NotFound; asked from the thread
    of the client, answered on the loop."""

    def __init__(self, serve: Serve, loop: asyncio.AbstractEventLoop) -> None:
        self._serve, self._loop = serve, loop

    def _fetch(self, url: str) -> Iterator[bytes]:
        kind, _, name = unquote(url.removeprefix(f"{HERE}/")).partition("/")
        try:
            yield asyncio.run_coroutine_threadsafe(self._await(kind, name), self._loop).result(30)
        except NotFound as error:
            raise DownloadHTTPError(error.detail, 404) from None

    async def _await(self, kind: str, name: str) -> bytes:
        return await self._serve(kind, name)


class Client:
    """`folder` keeps what was trusted last. `base` is the address of a store's `tuf/` folder; with `fetcher` None it is asked by HTTP."""

    def __init__(self, folder: Path, root: bytes, base: str, fetcher: FetcherInterface | None = None) -> None:
        self._folder, self._root, self._base, self._fetcher = folder, root, base.rstrip("/"), fetcher

    async def download(self, path: str) -> bytes:
        """The package of that target path, verified. Raises NotFound, BadRequest for what does not verify, Unavailable."""
        return await asyncio.to_thread(self.get, path)

    def get(self, path: str) -> bytes:
        """As `download`, in this thread."""
        try:
            return self._get(path)
        except DownloadHTTPError as error:
            raise NotFound(f"the store has no {path}: {error}") from None
        except (RepositoryError, DownloadLengthMismatchError) as error:
            raise BadRequest(f"the store's signatures do not hold: {type(error).__name__}: {error}") from None
        except (DownloadError, OSError) as error:
            raise Unavailable(f"the store does not answer: {error}") from None

    def _get(self, path: str) -> bytes:
        metadata, targets = self._folder / "metadata", self._folder / "targets"
        for folder in (metadata, targets):
            folder.mkdir(parents=True, exist_ok=True)
        where = (str(metadata), f"{self._base}/metadata/", str(targets), f"{self._base}/targets/")
        updater = Updater(*where, self._fetcher, UpdaterConfig(), bootstrap=self._root)
        updater.refresh()
        info = updater.get_targetinfo(path)
        if info is None:
            raise NotFound(f"the store has no {path}, or has withdrawn it")
        if info.length > STORE_PACKAGE_MAX_BYTES:
            raise BadRequest(f"a package may have {STORE_PACKAGE_MAX_BYTES} bytes")
        found = Path(updater.find_cached_target(info) or updater.download_target(info))
        body = found.read_bytes()
        found.unlink()
        return body
