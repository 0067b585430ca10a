"""Profiles of Hypothesis, chosen by `HYPOTHESIS_PROFILE`; slow tests come last.

`REQON_TEST_SHARE=3/8` runs the third of eight shares of the tests that were selected: all shares
together run each test once.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

if "CI" in os.environ:
    os.environ["CI"] = "1"  # "true" would have missions warn of state folders that are new

COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=50, **COMMON)
settings.register_profile("ci", max_examples=300, derandomize=True, print_blob=True, **COMMON)
settings.register_profile("deep", max_examples=10_000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
    share = os.environ.get("REQON_TEST_SHARE")
    if share is not None:
        number, _, of = share.partition("/")
        mine = items[int(number) - 1 :: int(of)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(mine)])
        items[:] = mine
