"""Who gets what of an amount: tiers, several stakeholders, and nothing lost in rounding. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from madang.base.errors import BadRequest

WHOLE_BP = 10_000
PLATFORM = "platform"
Tiers = Sequence[tuple[int, int]]
"""(earned so far in smallest units, publisher's share in basis points of what is beyond): the first begins at 0."""


@dataclass(frozen=True)
class Terms:
    """`stakeholders`: ledger account -> basis points of the publisher's part; the rest is the publisher's own."""

    tiers: Tiers = ((0, 7_000),)
    stakeholders: Mapping[str, int] = field(default_factory=dict)


def checked_terms(tiers: Tiers, stakeholders: Mapping[str, int]) -> Terms:
    """Raises BadRequest."""
    begins = [at for at, _ in tiers]
    if not tiers or begins[0] != 0 or sorted(set(begins)) != begins or len(tiers) > 10:
        raise BadRequest("tiers begin at 0 and rise", reason="terms_form")
    shares = [share for _, share in tiers] + list(stakeholders.values())
    if any(not 0 <= share <= WHOLE_BP for share in shares) or sum(stakeholders.values()) > WHOLE_BP:
        raise BadRequest(
            "shares are 0 to 10000 basis points, those of stakeholders together at most that", reason="terms_form"
        )
    if len(stakeholders) > 20 or any(not account.startswith("publisher:") for account in stakeholders):
        raise BadRequest("at most 20 stakeholders, each an account such as publisher:org.example", reason="terms_form")
    return Terms(tuple((at, share) for at, share in tiers), dict(stakeholders))


def split(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    """By largest remainder (Hamilton): the parts sum to the amount, each less than one unit from its exact part; of equal remainders the
    heavier weight comes first, then the name. `weights` are not negative, and not all 0."""
    total = sum(weights.values())
    parts = {name: amount * weight // total for name, weight in weights.items()}
    left = amount - sum(parts.values())
    order = sorted(weights, key=lambda name: (-(amount * weights[name] % total), -weights[name], name))
    return parts | {name: parts[name] + 1 for name in order[:left]}


def publishers_part(net: int, earned: int, tiers: Tiers) -> int:
    """Of a net amount, after so much was earned before: each tier takes what falls into it."""
    exact = 0
    for index, (begins, share) in enumerate(tiers):
        ends = tiers[index + 1][0] if index + 1 < len(tiers) else earned + net
        exact += max(0, min(earned + net, ends) - max(earned, begins)) * share
    return split(net, {"publisher": exact, PLATFORM: net * WHOLE_BP - exact})["publisher"] if net else 0


def shared(net: int, earned: int, publisher: str, terms: Terms) -> dict[str, int]:
    """By ledger account; only what is not 0. The parts sum to `net`."""
    part = publishers_part(net, earned, terms.tiers)
    others = dict(terms.stakeholders)
    own = f"publisher:{publisher}"
    weights = others | {own: WHOLE_BP - sum(others.values()) + others.get(own, 0)}
    parts = split(part, weights) | {PLATFORM: net - part}
    return {account: amount for account, amount in parts.items() if amount}


def reversed_part(entries: Mapping[str, int], before: int, now: int) -> dict[str, int]:
    """What of each account's part is taken back when `now` more of the whole is refunded after `before`: in the end exactly what was
    given."""
    first, last = split(before, entries), split(before + now, entries)
    return {name: last[name] - first[name] for name in entries if last[name] != first[name]}
