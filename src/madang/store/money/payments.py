"""What the store asks of a payment provider. Every request has a key, so that asking twice does it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

State = Literal["waiting", "captured", "failed"]


@dataclass(frozen=True)
class Wanted:
    """A payment. `key` is the order's id, `again`: the customer agrees to be charged later, too; `return_address`: where the customer comes
    back to."""

    key: str
    amount_minor: int
    currency: str
    title: str
    return_address: str
    again: bool = False


@dataclass(frozen=True)
class Begun:
    """`address`: where the customer pays."""

    reference: str
    address: str


@dataclass(frozen=True)
class Payment:
    """How far it is. `mandate`: by which the customer may be charged again, empty without one."""

    reference: str
    state: State
    amount_minor: int
    currency: str
    mandate: str = ""


@dataclass(frozen=True)
class Notice:
    """A provider says that something happened to a payment; what it is, is asked for."""

    reference: str


class Provider(Protocol):
    """All raise Unavailable when the provider does not answer, Conflict when it refuses."""

    name: str

    async def begin(self, wanted: Wanted) -> Begun:
        """A payment that the customer is to approve."""

    async def settle(self, reference: str, wanted: Wanted, returned: Mapping[str, str]) -> Payment:
        """Takes the money when the customer has approved. `returned`: the query the customer came back with, if they did."""

    async def again(self, mandate: str, wanted: Wanted) -> Payment:
        """Charges a customer who agreed to that before."""

    async def refund(self, reference: str, amount_minor: int, currency: str, key: str) -> None:
        """Gives some of it back."""

    def notice(self, headers: Mapping[bytes, bytes], body: bytes) -> Notice:
        """What a webhook says. Raises Forbidden when it does not come from the provider."""
