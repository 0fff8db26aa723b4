"""Who may steer a device now. Pure: a table of holders, changed by intents that pass.

1. A person's hold beats every app until it ends or is lifted.
2. A higher rank takes over at once: life_safety > emergency > transit_priority > efficiency.
3. Equal rank: who holds, holds until its intent expires. Two apps that want opposite things would otherwise flap a
   device between them; the one that came second is told who holds and until when, and may come again.
4. Who holds may renew, change or lower its own intent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from madang.base.clock import to_iso
from madang.command.intent import Intent

TABLE_MAX = 100_000


@dataclass(frozen=True)
class Refusal:
    """Why not: a code, a sentence, and what a reader's language needs to say the code (text or number by name)."""

    reason: str
    detail: str
    parameters: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Hold:
    """A person holds a device as it is, against all apps."""

    who: str
    until: datetime


@dataclass
class Arbiter:
    """The holder and the person's hold of each target."""

    holders: dict[str, Intent] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)

    def refuse(self, intent: Intent, now: datetime) -> Refusal | None:
        """Why an intent may not steer its target now; None when it may."""
        if intent.expires <= now:
            return Refusal("expired", "the intent ended before it was heard")
        hold = self.holds.get(intent.target)
        if hold is not None and hold.until > now and hold.who != intent.who:
            return Refusal("operator_hold", f"held by {hold.who} until {to_iso(hold.until)}", {"who": hold.who})
        holder = self.holders.get(intent.target)
        if holder is None or holder.expires <= now or holder.who == intent.who or intent.urgency > holder.urgency:
            return None
        code = "outranked" if holder.urgency > intent.urgency else "held_by_other"
        said = f"{holder.who} holds it at rank {holder.rank} until {to_iso(holder.expires)}"
        return Refusal(code, said, {"who": holder.who})

    def take(self, intent: Intent, now: datetime) -> None:
        """The intent passed everything: it holds its target."""
        if len(self.holders) >= TABLE_MAX:
            self.holders = {target: i for target, i in self.holders.items() if i.expires > now}
        self.holders[intent.target] = intent

    def release(self, target: str, who: str) -> None:
        """`who` gives a target back."""
        holder = self.holders.get(target)
        if holder is not None and holder.who == who:
            del self.holders[target]

    def hold(self, target: str, who: str, until: datetime) -> None:
        """A person takes a target out of the apps' hands."""
        self.holds[target] = Hold(who, until)

    def lift(self, target: str) -> None:
        self.holds.pop(target, None)
