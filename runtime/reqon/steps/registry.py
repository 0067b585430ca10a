"""Which binder serves which kind of step plan; a test holds it to the union of step plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from reqon.plan import model
from reqon.steps.apply import bind_apply
from reqon.steps.bound import Runner
from reqon.steps.custom import bind_custom
from reqon.steps.fetch import bind_fetch
from reqon.steps.flow import (
    bind_abort,
    bind_continue,
    bind_jump,
    bind_queue,
    bind_retry,
    bind_skip,
)
from reqon.steps.for_each import bind_for_each
from reqon.steps.let import bind_let
from reqon.steps.map import bind_map
from reqon.steps.match import bind_match
from reqon.steps.run import bind_run
from reqon.steps.store import bind_clear, bind_delete, bind_store
from reqon.steps.validate import bind_validate

Binder: TypeAlias = Callable[[Any, Any], tuple[Runner, Any]]

BINDERS: Mapping[type[model.StepPlan], Binder] = {
    model.RequestPlan: bind_fetch,
    model.ForEachPlan: bind_for_each,
    model.MapPlan: bind_map,
    model.ValidatePlan: bind_validate,
    model.StoreRecordPlan: bind_store,
    model.DeleteRecordPlan: bind_delete,
    model.ClearPlan: bind_clear,
    model.MatchPlan: bind_match,
    model.LetPlan: bind_let,
    model.ApplyPlan: bind_apply,
    model.RunPlan: bind_run,
    model.ContinuePlan: bind_continue,
    model.SkipPlan: bind_skip,
    model.AbortPlan: bind_abort,
    model.RetryPlan: bind_retry,
    model.QueuePlan: bind_queue,
    model.JumpPlan: bind_jump,
    model.CustomStepPlan: bind_custom,
}


def binder_of(step: model.StepPlan) -> Binder:
    """The binder of a step."""
    return BINDERS[type(step)]
