"""Both sides of personal spaces: people's own, and the apps that they agreed to."""

from __future__ import annotations

from madang.people.personal.asking import Asking
from madang.people.personal.mine import Mine
from madang.people.personal.persons import Persons
from madang.trust.consent.house import PersonalHouse


class PersonalDoor:
    """`mine` answers below /madang/v1/me, `persons` below /madang/v1/persons and /madang/v1/erasures."""

    def __init__(self, house: PersonalHouse, asking: Asking) -> None:
        self.mine, self.persons = Mine(house, asking), Persons(house)

    @property
    def routes(self) -> set[tuple[str, str]]:
        """`(shape, method)` of everything that is answered."""
        return self.mine.routes | self.persons.routes
