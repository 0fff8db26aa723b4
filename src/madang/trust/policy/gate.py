"""The policy set in force: read at the start, followed while the city runs, asked by callers."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from madang.base.clock import Clock, SystemClock
from madang.base.limits import POLICY_CALLERS_MAX, POLICY_LOOK_S
from madang.model.formula import Formula
from madang.model.sight import Sight, sight_of
from madang.trust.caller import Caller, Claim
from madang.trust.policy.ruling import Decision, Moment, Residue, Ruling, read_ruling
from madang.trust.policy.source import HOUSE, PolicyError, stamp_of

log = structlog.get_logger()
Told = Callable[[Ruling | PolicyError], None]


class Gate:
    """Knows who may what. `generation` grows with every change of it. Raises PolicyError when made of files that cannot be used."""

    def __init__(self, folders: list[Path], clock: Clock, timezone: str = "UTC") -> None:
        self._folders, self._clock, self._zone = folders, clock, ZoneInfo(timezone)
        self._stamp = stamp_of(folders)
        self.ruling = read_ruling(folders)
        self.generation = 1
        self._moment = self._now()
        self.changed: list[Callable[[], None]] = []  # called when somebody may another thing than before
        self._callers: OrderedDict[Claim, Caller] = OrderedDict()
        self._sights: OrderedDict[Formula, Sight] = OrderedDict()

    def caller(self, claim: Claim) -> Caller:
        """Remembered while nothing changes."""
        found = self._callers.get(claim)
        if found is None:
            found = self._callers[claim] = Caller(claim, self)
            if len(self._callers) > POLICY_CALLERS_MAX:
                self._callers.popitem(last=False)
        else:
            self._callers.move_to_end(claim)
        return found

    def decide(self, claim: Claim, action: str, subject: str) -> Decision:
        """Of a service, or of a kind of command, by Cedar."""
        known = self.ruling.known(claim.principal, claim.grants)
        kind = "Command" if action == "command" else "Service"
        return self.ruling.decide(claim.principal, known, action, kind, subject, claim.tenant, self._moment)

    def residue(self, claim: Claim, action: str) -> Residue:
        """Of the entities of the claim's tenant, by Cedar."""
        known = self.ruling.known(claim.principal, claim.grants)
        return self.ruling.residue(claim.principal, known, action, claim.tenant, self._moment)

    def sight(self, allowed: Formula) -> Sight:
        """The same for all who may the same, also after other policies changed: what was made for one serves the others."""
        found = self._sights.get(allowed)
        if found is None:
            found = self._sights[allowed] = sight_of(allowed)
            if len(self._sights) > POLICY_CALLERS_MAX:
                self._sights.popitem(last=False)
        return found

    def _now(self) -> Moment:
        """Always the same while no policy asks for the time."""
        if not self.ruling.timed:
            return Moment()
        local = self._clock.now().astimezone(self._zone)
        return Moment(local.hour, local.isoweekday())

    def look(self, told: Told = lambda _: None) -> None:
        """Takes what changed into force; `told` is called with the new set, or with why the old one stays."""
        try:
            stamp = stamp_of(self._folders)
        except OSError:  # a file went while it was looked at
            return
        if stamp != self._stamp:
            self._stamp = stamp
            self._read_again(told)
        moment = self._now()
        if moment != self._moment:
            self._moment = moment
            self._renew()

    def _read_again(self, told: Told) -> None:
        try:
            ruling = read_ruling(self._folders)
        except (PolicyError, OSError) as error:
            log.error("policies were not taken into force", error=str(error))
            told(error if isinstance(error, PolicyError) else PolicyError(str(error.filename), 1, str(error.strerror)))
            return
        if ruling.source.hash != self.ruling.source.hash:
            self.ruling = ruling
            self._renew()
            log.info("policies were taken into force", hash=ruling.source.hash, policies=len(ruling.by_id))
            told(ruling)

    def _renew(self) -> None:
        self.generation += 1
        self._callers.clear()
        for tell in self.changed:
            tell()

    async def follow(self, told: Told = lambda _: None) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(POLICY_LOOK_S)
            self.look(told)


def open_gate(folder: Path | None = None, timezone: str = "UTC") -> Gate:
    """The house's policies, and those of a city's folder. Raises PolicyError."""
    if folder is not None and not folder.is_dir():
        raise PolicyError(str(folder), 1, "there is no such folder of policies")
    return Gate([HOUSE, *([folder] if folder is not None else [])], SystemClock(), timezone)
