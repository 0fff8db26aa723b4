"""Asks our witnesses to cosign what we signed, and keeps what they answered in the run folder, beside the checkpoint.

Never in the way of the city: each witness is asked by a task of its own, within a time limit, and rests longer each time it does
not answer. A witness that saw another log than ours is what all this is for: that is told in the process's log and at the door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec
import structlog

from madang.base.errors import BadRequest, Conflict, MadangError, Unavailable
from madang.base.limits import WITNESS_BODY_MAX_BYTES, WITNESS_TIMEOUT_S
from madang.engine.outward import Network, open_session, read_bounded
from madang.trust.audit.keeper import Keeper, replace_file
from madang.trust.audit.note import Checkpoint, Verifier, cosigned_at, read_checkpoint, read_verifier
from madang.trust.audit.submission import Submission

log = structlog.get_logger()
LOOK_S, REST_MAX_S = 5.0, 300.0
Post = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]


@dataclass(frozen=True)
class Witness:
    """A peer that vouches for us. `url` is its submission prefix."""

    url: str
    verifier: Verifier


@dataclass(frozen=True)
class Seen:
    """What the witness of a verifier key cosigned; `time_s` in seconds of the epoch."""

    witness: Verifier
    checkpoint: Checkpoint
    time_s: int


class Cosigned(msgspec.Struct, frozen=True):
    """The latest note that the witness of this verifier key cosigned."""

    key: str
    note: str


class Cosigning:
    """Our witnesses. `post` sends a body to a URL and gives status and body; raises OSError, ValueError, ClientError."""

    def __init__(self, keeper: Keeper, witnesses: list[Witness], folder: Path, post: Post) -> None:
        self._keeper, self._witnesses, self._folder, self._post = keeper, witnesses, folder, post
        self._seen = {witness.url: self._size_kept(witness) for witness in witnesses}
        self._troubles: dict[str, str] = {}

    async def run(self) -> None:
        """For ever, also without any witness: who runs it takes its end for a failure."""
        await asyncio.gather(asyncio.Event().wait(), *(self._follow(witness) for witness in self._witnesses))

    async def _follow(self, witness: Witness) -> None:
        rest_s = LOOK_S
        while True:
            rest_s = LOOK_S if await self.look(witness) else min(2 * rest_s, REST_MAX_S)
            await asyncio.sleep(rest_s)

    async def look(self, witness: Witness) -> bool:
        """Asks once, if there is something new. False when the witness did not cosign it."""
        try:
            note = self._keeper.kept_note()
            kept = self._kept(witness)
            if note is not None and (kept is None or read_checkpoint(kept.note) != read_checkpoint(note)):
                await self._ask(witness, note)
        except (MadangError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            told = error.detail if isinstance(error, MadangError) else f"not reached: {type(error).__name__}"
            self._troubles[witness.url] = told
            log.error("a witness did not cosign the audit log", witness=witness.verifier.name, error=told)
            return False
        self._troubles.pop(witness.url, None)
        return True

    async def _ask(self, witness: Witness, note: str) -> None:
        status, body = await self._submit(witness, note)
        if status == 409:
            self._seen[witness.url] = self._other_size(witness, body)
            status, body = await self._submit(witness, note)
        if status == 409:
            raise Conflict("the witness saw another log of ours of this size")
        if status == 422:
            raise Conflict("the witness saw a log of ours that this one does not extend")
        if status != 200:
            raise Unavailable(f"the witness answers {status}")
        line = self._line(witness, note, body)
        self._seen[witness.url] = read_checkpoint(note).size
        kept = Cosigned(witness.verifier.text(), note + line)
        replace_file(self._file(witness), msgspec.json.encode(kept).decode())

    async def _submit(self, witness: Witness, note: str) -> tuple[int, bytes]:
        old, new = self._seen[witness.url], read_checkpoint(note).size
        if old > new:
            raise Conflict(f"the witness saw a log of ours with {old} entries, there are {new}: it was cut off")
        path = await self._keeper.log.consistency(old, new) if 0 < old < new else []
        submission = Submission(old, tuple(path), note)
        async with asyncio.timeout(WITNESS_TIMEOUT_S):
            return await self._post(f"{witness.url}/add-checkpoint", submission.text().encode())

    def _other_size(self, witness: Witness, body: bytes) -> int:
        """What the witness saw. Raises Conflict when it is of the size we told, but not the same."""
        text = body.decode("ascii", "replace").strip()
        if not text.isdigit() or len(text) > 18:
            raise BadRequest("the witness does not tell what it saw")
        if int(text) == self._seen[witness.url]:
            raise Conflict("the witness saw another log of ours of this size")
        return int(text)

    def _line(self, witness: Witness, note: str, body: bytes) -> str:
        """The one line of the answer that counts. Raises BadRequest when there is none."""
        for line in body.decode("utf-8", "replace").splitlines(keepends=True):
            if line.startswith(f"— {witness.verifier.name} "):
                cosigned_at(note + line, witness.verifier)
                return line
        raise BadRequest("the witness did not cosign")

    def _file(self, witness: Witness) -> Path:
        return self._folder / f"{witness.verifier.key_id.hex()}.json"

    def _kept(self, witness: Witness) -> Cosigned | None:
        path = self._file(witness)
        return read_cosigned(path) if path.exists() else None

    def _size_kept(self, witness: Witness) -> int:
        kept = self._kept(witness)
        return 0 if kept is None else read_checkpoint(kept.note).size

    def under(self, note: str) -> str:
        """The note with the cosignatures that there are of it."""
        kept = [self._kept(witness) for witness in self._witnesses]
        return note + "".join(one.note.removeprefix(note) for one in kept if one and one.note.startswith(note))

    def describe(self) -> list[dict[str, str | None]]:
        """Of each witness its key, the latest note it cosigned and why it did not cosign since."""
        return [
            {
                "key": witness.verifier.text(),
                "note": kept.note if (kept := self._kept(witness)) else None,
                "trouble": self._troubles.get(witness.url),
            }
            for witness in self._witnesses
        ]


def read_cosigned(path: Path) -> Cosigned:
    """Raises BadRequest for a file that somebody bent."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Cosigned)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"{path.name}: {error}") from None


def list_seen(folder: Path) -> list[Seen]:
    """What the witnesses cosigned last. Raises BadRequest for a file in which somebody else speaks."""
    out = []
    for path in sorted(folder.glob("*.json")):
        cosigned = read_cosigned(path)
        witness = read_verifier(cosigned.key)
        out.append(Seen(witness, read_checkpoint(cosigned.note), cosigned_at(cosigned.note, witness)))
    return out


def post_by(allowed: Sequence[Network]) -> Post:
    """Over HTTP, without redirects, an answer no larger than the limit, into private networks only where `allowed`."""

    async def post(url: str, body: bytes) -> tuple[int, bytes]:
        async with (
            open_session(allowed) as session,
            session.post(url, data=body, headers={"content-type": "text/plain"}, allow_redirects=False) as response,
        ):
            return response.status, await read_bounded(response, WITNESS_BODY_MAX_BYTES)

    return post
