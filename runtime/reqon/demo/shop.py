"""What the shop of the sample API sells, ships and bills: the same for everyone, by arithmetic.

Pure data for the examples; `shop_api` serves it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]

_PRODUCT_COUNT = 130
_ORDER_COUNT = 340
_EVENT_COUNT = 60
_INVOICE_COUNT = 80
_PARCEL_COUNT = 25
_OPENING_DAY = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
_NOUNS = ("lamp", "chair", "kettle", "clock", "shelf", "carpet", "mirror", "vase")
_COLORS = ("red", "blue", "green", "black", "white")
_CURRENCIES = ("EUR", "USD", "GBP")
_STATES = ("paid", "paid", "shipped", "cancelled", "open")
_COUNTRIES = ("PT", "DE", "FR", "IT", "NO")
_EVENT_KINDS = ("signup", "login", "purchase", "login", "refund")
RATES = {"EUR": 1, "USD": 1.08, "GBP": 0.85}


def products() -> list[Record]:
    """130 products; prices are texts, as many services send them."""
    return [
        {
            "sku": f"sku_{n}",
            "name": f"{_COLORS[n % len(_COLORS)]} {_NOUNS[n % len(_NOUNS)]}",
            "price": f"{4 + n * 7 % 90}.{n * 25 % 100:02}",
            "currency": _CURRENCIES[n % len(_CURRENCIES)],
            "stock": n * 13 % 41,
            "discontinued": n % 17 == 0,
        }
        for n in range(1, _PRODUCT_COUNT + 1)
    ]


def orders() -> list[Record]:
    """340 orders with one to three lines each."""
    return [
        {
            "id": f"ord_{n}",
            "customerId": f"cust_{n * 3 % 500 + 1}",
            "status": _STATES[n % len(_STATES)],
            "currency": _CURRENCIES[n % len(_CURRENCIES)],
            "country": _COUNTRIES[n // 3 % len(_COUNTRIES)],
            "updatedAt": _hours_later(n),
            "lines": [
                {"sku": f"sku_{(n + k) % _PRODUCT_COUNT + 1}", "quantity": k + 1, "price": 5 + k}
                for k in range(n % 3 + 1)
            ],
        }
        for n in range(1, _ORDER_COUNT + 1)
    ]


def events() -> list[Record]:
    """60 events of several kinds."""
    return [
        {
            "id": n,
            "type": _EVENT_KINDS[n % len(_EVENT_KINDS)],
            "customerId": f"cust_{n % 9 + 1}",
            "at": _hours_later(n),
            "amount": n * 3
            if _EVENT_KINDS[n % len(_EVENT_KINDS)] in ("purchase", "refund")
            else None,
        }
        for n in range(1, _EVENT_COUNT + 1)
    ]


def warehouses() -> list[Record]:
    """Four warehouses."""
    cities = ("Porto", "Bremen", "Lyon", "Bergen")
    return [{"code": f"wh_{n + 1}", "city": city} for n, city in enumerate(cities)]


def shelves(code: str) -> list[Record]:
    """The shelves of a warehouse with their bins; counts below zero are mistakes to be found."""
    number = int(code.removeprefix("wh_"))
    return [
        {
            "id": f"{code}-s{s}",
            "bins": [
                {"sku": f"sku_{number * 10 + s * 3 + b}", "count": (number * s * b * 7) % 23 - 2}
                for b in range(1, 5)
            ],
        }
        for s in range(1, 6)
    ]


def invoices() -> list[Record]:
    """80 invoices."""
    return [
        {"number": f"inv_{n}", "customerId": f"cust_{n}", "amount": 20 + n * 3}
        for n in range(1, _INVOICE_COUNT + 1)
    ]


def payments() -> list[Record]:
    """Payments for most invoices: every 11th is missing, every 7th is short."""
    return [
        {
            "id": f"pay_{n}",
            "invoice": f"inv_{n}",
            "amount": 20 + n * 3 - (5 if n % 7 == 0 else 0),
        }
        for n in range(1, _INVOICE_COUNT + 1)
        if n % 11 != 0
    ]


def parcels() -> list[Record]:
    """25 things to send, of three shapes."""
    return [
        {"code": f"P{n}", "grams": n * 150, "note": None}
        if n % 3
        else {"ref": f"L{n}"}
        if n % 2
        else {"id": n, "form": "unknown"}
        for n in range(1, _PARCEL_COUNT + 1)
    ]


def _hours_later(n: int) -> str:
    instant = _OPENING_DAY + timedelta(hours=5 * n)
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
