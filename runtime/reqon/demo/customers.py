"""The customers of the sample API: the same for everyone, made by arithmetic.

There are 1,523 of them. Those who have signed up last have mostly not ordered yet and so are not
active. `next_day` is what happens overnight: 42 sign up, 18 change. Pure; `sample_api` serves it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

FIRST_DAY_COUNT = 1523
ADDED_OVERNIGHT = 42
CHANGED_OVERNIGHT = 18

Customer = dict[str, Any]

_FIRST_NAMES = (
    "Ada", "Bruno", "Chidi", "Dilan", "Elif", "Farah", "Goran", "Hanna", "Inés", "Jonas", "Kaya",
    "Lena", "Milan", "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tala", "Umar", "Vera",
    "Wanda", "Xenia", "Yuki", "Zoë",
)  # fmt: skip
_LAST_NAMES = (
    "Abel", "Bauer", "Costa", "Dubois", "Eriksen", "Fischer", "Greco", "Hansen", "Ito", "Jansen",
    "Kovač", "Lindt", "Moreau", "Novak", "Okafor", "Peeters", "Quist", "Rossi", "Sato", "Tamm",
    "Urban", "Vidal", "Weber",
)  # fmt: skip
_COUNTRIES = ("PT", "DE", "FR", "IT", "NO", "NG", "JP", "NL", "HR")
_OPENING_DAY = datetime(2023, 3, 1, 8, 0, tzinfo=UTC)
_ALWAYS_ACTIVE = 1100


def first_day() -> list[Customer]:
    """All customers as of the first day, in the order of their numbers."""
    return [_customer(number) for number in range(1, FIRST_DAY_COUNT + 1)]


def next_day(customers: list[Customer], at: datetime) -> list[Customer]:
    """The customers a day later, for whom everything new happened at `at`; the old list is kept."""
    stamp = _text(at)
    every = FIRST_DAY_COUNT // CHANGED_OVERNIGHT
    changed = {f"cust_{every * (n + 1)}" for n in range(CHANGED_OVERNIGHT)}
    known = [
        {**customer, "email": customer["email"].replace("@", "+new@"), "updatedAt": stamp}
        if customer["id"] in changed
        else customer
        for customer in customers
    ]
    first_new = len(customers) + 1
    added = [
        {**_customer(number), "active": number % 2 == 0, "updatedAt": stamp}
        for number in range(first_new, first_new + ADDED_OVERNIGHT)
    ]
    return [*known, *added]


def score_of(customer_id: str) -> int:
    """The credit score of a customer: from 0 to 100, always the same for the same one."""
    number = int(customer_id.removeprefix("cust_"))
    return (number * 37 + number // 7 * 11) % 101


def _customer(number: int) -> Customer:
    first = _FIRST_NAMES[number * 7 % len(_FIRST_NAMES)]
    last = _LAST_NAMES[number * 5 % len(_LAST_NAMES)]
    return {
        "id": f"cust_{number}",
        "name": f" {first} {last}" if number % 9 == 0 else f"{first} {last}",
        "email": f"Customer.{number}@Example.com",
        "country": _COUNTRIES[number % len(_COUNTRIES)],
        "active": number <= _ALWAYS_ACTIVE or number % 3 == 0,
        "updatedAt": _text(_OPENING_DAY + timedelta(hours=4 * number)),
    }


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
