"""Every example is clean, laid out as `reqon fmt` does, and does what it says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reqon import ExecutionResult, execute_async
from reqon.demo import shop
from reqon.demo.customers import first_day
from reqon.demo.sample_api import SampleApi
from reqon.loader import DiskFiles
from reqon.surroundings import check_facts
from vague.checker import check
from vague.formatter import format_text
from vague.program import find_programs, read_program

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(EXAMPLES.rglob("*.vague"))
NAMES = [path.name for path in EXAMPLES.glob("*.vague")]


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(EXAMPLES)) for p in FILES])
def test_an_example_is_laid_out_as_fmt_does(path: Path) -> None:
    formatted = format_text(path.read_text())
    assert formatted.diagnostics == ()
    assert not formatted.changed


def test_all_examples_are_clean_and_listed() -> None:
    readme = (EXAMPLES / "README.md").read_text()
    for folder in (EXAMPLES, EXAMPLES / "quickstart"):
        for root in find_programs(str(folder), DiskFiles()).programs:
            program = read_program(root, DiskFiles())
            assert check(program, check_facts(DiskFiles(), execute=True)).diagnostics == ()
            assert str(Path(root.path).relative_to(EXAMPLES)) in readme
    assert len(FILES) >= 10


class Run:
    """Runs examples against one service, in one state folder."""

    def __init__(self, api: SampleApi, folder: Path) -> None:
        self.api = api
        self.folder = folder

    async def __call__(self, name: str) -> ExecutionResult:
        result = await execute_async(
            EXAMPLES / name,
            state_dir=self.folder / ".vague-data",
            env={"REQON_DEMO_URL": self.api.address},
        )
        assert result.error is None
        assert result.status == "completed"
        return result

    def store(self, name: str, folder: str = ".vague-data/stores") -> dict[str, Any]:
        return json.loads((self.folder / folder / f"{name}.json").read_text())


@pytest.fixture
async def run(tmp_path: Path) -> Any:
    async with SampleApi() as api:
        yield Run(api, tmp_path)


async def test_quickstart(run: Run) -> None:
    first = await run("quickstart")
    assert (first.stores["customers"].added, first.stores["customers"].count) == (1523, 1523)
    active = [customer for customer in first_day() if customer["active"]]
    scored = run.store("scored")
    assert list(scored) == [customer["id"] for customer in active]
    assert {row["tier"] for row in scored.values()} == {"gold", "silver", "basic"}
    assert not any(row["name"].startswith(" ") for row in scored.values())
    run.api.start_next_day()
    second = (await run("quickstart")).stores["customers"]
    assert (second.added, second.updated, second.unchanged) == (42, 18, 0)


async def test_product_catalog(run: Run) -> None:
    result = await run("product_catalog.vague")
    wanted = [p for p in shop.products() if not p["discontinued"]]
    assert result.stores["products"].added == len(wanted) == 123
    product = run.store("products")["sku_1"]
    assert product == {
        "sku": "sku_1",
        "title": "Blue Chair",
        "slug": "blue-chair-sku-1",
        "price": 11.25,
        "currency": "USD",
        "available": True,
    }


async def test_order_sync(run: Run) -> None:
    assert (await run("order_sync.vague")).stores["orders"].added == 340
    assert run.store("orders")["ord_1"] == shop.orders()[0]
    await run("order_sync.vague")
    assert len(run.store("orders")) == 340


async def test_order_enrichment(run: Run) -> None:
    await run("order_enrichment.vague")
    enriched = run.store("enriched_orders")
    orders = [order for order in shop.orders() if order["status"] != "cancelled"]
    assert list(enriched) == [order["id"] for order in orders]
    for order in orders:
        total = sum(line["quantity"] * line["price"] for line in order["lines"])
        found = enriched[order["id"]]
        assert found["total"] == total
        assert found["totalInEuro"] == pytest.approx(
            total / shop.RATES[order["currency"]], abs=0.005
        )
        assert len(found["products"]) == len(order["lines"])


async def test_payment_reconciliation(run: Run) -> None:
    await run("payment_reconciliation.vague")
    states = Counter(finding["state"] for finding in run.store("findings").values())
    assert states == {"paid": 63, "short": 10, "open": 7}
    summary = run.store("reconciliation")["latest"]
    assert summary == {"invoices": 80, "unsettled": 17, "due": summary["due"], "worst": "inv_77"}
    assert summary["due"] == 10 * 5 + sum(20 + n * 3 for n in range(11, 81, 11))


async def test_customer_notices(run: Run) -> None:
    result = await run("customer_notices.vague")
    assert result.stores["notices"].added == 54
    assert set(run.store("unreachable")) == {f"cust_{n}" for n in range(10, 61, 10)}
    assert [notice["customerId"] for notice in run.api.shop.notices] == [
        f"cust_{n}" for n in range(1, 61) if n % 10
    ]


async def test_parcel_transforms(run: Run) -> None:
    await run("parcel_transforms.vague")
    items = run.store("items")
    assert items["P1"] == {"id": "P1", "kilograms": 0.15, "kind": "parcel"}
    assert items["P25"]["kind"] == "heavy"
    assert items["L3"]["kind"] == "letter"
    assert items["item-6"]["kind"] == "other"
    weights = run.store("weights")
    assert sum(weight["pieces"] for weight in weights.values()) == len(items) == 25


async def test_task_board(run: Run) -> None:
    await run("task_board.vague")
    assert [task["title"] for task in run.store("tasks").values()] == [
        "Order paper",
        "Water plants",
    ]


async def test_sales_report(run: Run) -> None:
    await run("sales_report.vague")
    counted = [o for o in shop.orders() if o["status"] in ("paid", "shipped")]
    sales = run.store("sales", "reports")
    assert {name: row["orders"] for name, row in sales.items()} == Counter(
        order["country"] for order in counted
    )
    table = (run.folder / "reports" / "sales.csv").read_text().splitlines()
    assert table[0] == "country,orders,pieces,revenue"
    assert len(table) == 1 + len(sales) == 6


async def test_stock_audit(run: Run) -> None:
    await run("stock_audit.vague")
    bins = [
        (warehouse, bin_)
        for warehouse in shop.warehouses()
        for shelf in shop.shelves(warehouse["code"])
        for bin_ in shelf["bins"]
    ]
    stock = run.store("stock")
    assert sum(row["pieces"] for row in stock.values()) == sum(
        bin_["count"] for _, bin_ in bins if bin_["count"] >= 0
    )
    assert len(run.store("stock_mistakes")) == sum(bin_["count"] < 0 for _, bin_ in bins) > 0
    assert await run("stock_audit.vague")
    assert run.store("stock") == stock


async def test_event_feed(run: Run) -> None:
    await run("event_feed.vague")
    events = shop.events()
    amounts = {str(e["id"]): e["amount"] for e in events if e["type"] == "purchase"}
    amounts |= {str(e["id"]): -e["amount"] for e in events if e["type"] == "refund"}
    assert {key: row["amount"] for key, row in run.store("ledger").items()} == amounts
    assert set(run.store("people")) == {e["customerId"] for e in events if e["type"] == "signup"}


async def test_report_polling(run: Run) -> None:
    await run("report_polling.vague")
    assert run.store("reports")["rep_1"]["state"] == "done"


async def test_crm(run: Run) -> None:
    await run("crm")
    contacts = run.store("contacts")
    assert len(contacts) == 500
    assert contacts["cust_9"]["name"] == first_day()[8]["name"].strip()
    assert {row["region"]: row["contacts"] for row in run.store("segments").values()} == Counter(
        contact["region"] for contact in contacts.values()
    )


def test_every_example_has_its_test() -> None:
    tested = Path(__file__).read_text()
    for name in [*NAMES, "crm", "quickstart"]:
        assert f'run("{name}")' in tested
