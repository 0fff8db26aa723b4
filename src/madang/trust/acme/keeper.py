"""Keeps the certificate from running out, beside the city's work and never in its way."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import structlog
from cryptography import x509

from madang.base.clock import Clock
from madang.trust.acme.kept import Kept
from madang.trust.acme.renewal import Attempts, ask_at, renew_at

log = structlog.get_logger()
LOOK_S = 3_600.0  # the machine's clock may be set meanwhile
T = TypeVar("T")


class Keeper:
    """`obtain` blocks, and gives a key with its chain, PEM."""

    def __init__(self, kept: Kept, host: str, obtain: Callable[[], bytes], clock: Clock) -> None:
        self._kept, self._host, self._obtain, self._clock = kept, host, obtain, clock
        self._attempts = kept.attempts

    async def run(self) -> None:
        """For ever, on a full disk too."""
        while True:
            left = (self._next() - self._clock.now()).total_seconds()
            if left > 0:
                await asyncio.sleep(min(left, LOOK_S))
            else:
                await self.renew()

    async def renew(self) -> None:
        """Asks once. Without a certificate the one before stays, and the next pause is longer."""
        try:
            pem = await in_thread(self._obtain)
            certificate = x509.load_pem_x509_certificate(pem)
            if renew_at(certificate, self._host) <= self._clock.now():
                raise ValueError("it is of another host, or nearly over already")
            self._kept.replace(pem)
        except Exception as error:  # of three libraries, the network and a server of strangers
            self._count(self._attempts.failed(self._clock.now()))
            again = self._attempts.not_before.isoformat(timespec="seconds")
            log.error("no new certificate by ACME", error=f"{type(error).__name__}: {error}", again=again)
            return
        self._count(Attempts())
        log.info("a certificate came by ACME", until=certificate.not_valid_after_utc.isoformat())

    def _next(self) -> datetime:
        """When to ask. A file that somebody broke is no certificate."""
        try:
            return ask_at(self._kept.certificate(), self._host, self._attempts)
        except (OSError, ValueError):
            return self._attempts.not_before

    def _count(self, attempts: Attempts) -> None:
        self._attempts = attempts
        with contextlib.suppress(OSError):  # this process remembers it anyway
            self._kept.attempts = attempts


async def in_thread(work: Callable[[], T]) -> T:
    """In a thread of its own that keeps nothing from ending, as those of the event loop's pool would."""
    done: concurrent.futures.Future[T] = concurrent.futures.Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=run, name="acme", daemon=True).start()
    return await asyncio.wrap_future(done)
