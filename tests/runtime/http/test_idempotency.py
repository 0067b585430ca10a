"""Keys of requests that must not be done twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reqon.http.idempotency import CallPlace, idempotency_key
from reqon.plan.policies import IdempotencyMode, IdempotencyPolicy

PLACE = CallPlace("exec_1", 0, "API", "POST", "0.Push/2@17", 0, 0)


def test_a_key_is_the_same_for_the_same_call():
    key = idempotency_key(PLACE)
    assert key == idempotency_key(replace(PLACE, method="post"))
    assert len(key) == 26
    assert key.isalnum()


@pytest.mark.parametrize(
    "change",
    [
        {"execution_id": "exec_2"},
        {"run_pass": 1},
        {"source": "Other"},
        {"method": "PATCH"},
        {"position": "0.Push/2@18"},
        {"page": 1},
        {"answers": 1},
        {"source": "API1", "method": "0POST"},
    ],
)
def test_another_call_has_another_key(change: dict[str, Any]):
    assert idempotency_key(replace(PLACE, **change)) != idempotency_key(PLACE)


@pytest.mark.parametrize(
    ("mode", "covered"),
    [
        ("auto", {"POST", "PATCH"}),
        ("none", set[str]()),
        ("always", {"POST", "PATCH", "PUT", "DELETE"}),
    ],
)
def test_which_methods_carry_a_key(mode: IdempotencyMode, covered: set[str]):
    policy = IdempotencyPolicy(mode)
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        assert policy.covers(method) is (method in covered)
        assert policy.covers(method.lower()) is (method in covered)
