"""The words of a text by which it is found: Korean by its morphemes (kiwipiepy), so that 정류장을 finds 정류장; other words as they are.

Kiwi's model takes 300 MB and some seconds: only the lake's process loads it, at the first text, and answers the others by a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from madang.base.limits import CATALOGUE_WORDS_MAX_CHARS

Tokens = Callable[[str], Awaitable[list[str]]]
# Nouns, roots, foreign words, numbers; stems of verbs and adjectives say little in titles of data.
_KEPT = ("NNG", "NNP", "NR", "XR", "SL", "SH", "SN")
_WORD = re.compile(r"[0-9A-Za-z가-힣一-龥_.]+")
_ANSWER_S = 5.0


class Morphemes:
    """Loads Kiwi at its first text."""

    def __init__(self) -> None:
        self._kiwi: Any = None

    def __call__(self, text: str) -> list[str]:
        """In the order of the text, in small letters."""
        if self._kiwi is None:
            from kiwipiepy import Kiwi

            self._kiwi = Kiwi(num_workers=1)
        found = self._kiwi.tokenize(text[:CATALOGUE_WORDS_MAX_CHARS])
        return kept((one.form, str(one.tag)) for one in found)


def kept(morphemes: Iterable[tuple[str, str]]) -> list[str]:
    """Of morphemes with their tags (Sejong's), those that say what a text is about. Pure."""
    return [form.lower() for form, tag in morphemes if tag.startswith(_KEPT) and _WORD.fullmatch(form)]


def plain(text: str) -> list[str]:
    """Words as they stand. Pure."""
    return [one.lower() for one in _WORD.findall(text[:CATALOGUE_WORDS_MAX_CHARS])]


async def serve_words(path: Path, tokens: Callable[[str], list[str]]) -> None:
    """For ever: a line in, its words in a line out."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            text = (await reader.readline()).decode(errors="replace")
            writer.write(" ".join(await asyncio.to_thread(tokens, text)).encode() + b"\n")
            await writer.drain()
        writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(talk, path=str(path))
    path.chmod(0o600)
    async with server:
        await server.serve_forever()


def asked_at(path: Path) -> Tokens:
    """Words of what people look for; as they typed them while the lake's process is away."""

    async def tokens(text: str) -> list[str]:
        line = " ".join(text.split())[:CATALOGUE_WORDS_MAX_CHARS]
        try:
            async with asyncio.timeout(_ANSWER_S):
                reader, writer = await asyncio.open_unix_connection(str(path))
                writer.write(line.encode() + b"\n")
                found = (await reader.readline()).decode().split()
                writer.close()
        except (OSError, TimeoutError, ValueError):
            found = []
        return found or plain(line)

    return tokens
