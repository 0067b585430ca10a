"""A plan in words: what a run would do, for a dry run and for people who ask.

    sources   API, CRM
    stores    customers
    1  FetchCustomers
         get "/customers", page by page, what changed since the last sync
         store response.data -> customers
    2  Score and Mail at the same time, under a condition

Nothing is evaluated here; the texts are those of the program.
"""

from __future__ import annotations

from collections.abc import Iterator

from reqon.plan import model
from reqon.plan.traverse import inner_blocks

_INDENT = "  "


def explain(plan: model.MissionPlan) -> list[str]:
    """Lines that say what the mission does, stage by stage; actions reached otherwise last."""
    lines: list[str] = []
    if plan.sources:
        lines.append(f"sources   {', '.join(plan.sources)}")
    if plan.stores:
        lines.append(f"stores    {', '.join(plan.stores)}")
    shown: set[str] = set()
    for number, stage in enumerate(plan.pipeline, start=1):
        lines.append(f"{number}  {_stage(stage)}")
        for name in stage.actions:
            shown.add(name)
            lines += _action(plan, name, titled=len(stage.actions) > 1)
    for name in plan.actions:
        if name not in shown:
            lines.append(f"-  {name}, where it is run or jumped to")
            lines += _action(plan, name, titled=False)
    return lines


def _stage(stage: model.StagePlan) -> str:
    names = " and ".join(stage.actions)
    together = " at the same time" if len(stage.actions) > 1 else ""
    condition = ", under a condition" if stage.condition is not None else ""
    return f"{names}{together}{condition}"


def _action(plan: model.MissionPlan, name: str, *, titled: bool) -> list[str]:
    body = plan.actions[name].body
    if not titled:
        return list(_block(body, 2))
    return [f"{_INDENT * 2}{name}", *_block(body, 3)]


def _block(block: model.BlockPlan, depth: int) -> Iterator[str]:
    for step in block.steps:
        yield f"{_INDENT * depth}{_step(step)}"
        for inner in inner_blocks(step):
            yield from _block(inner, depth + 1)


def _step(step: model.StepPlan) -> str:
    text = step.site.text
    match step:
        case model.RequestPlan():
            return text + _request(step)
        case model.ForEachPlan(every=int() as every):
            return f"{text}, saved every {every} items"
        case _:
            return text


def _request(step: model.RequestPlan) -> str:
    notes = ""
    if step.paginate is not None:
        notes += ", page by page"
    if step.since is not None:
        notes += ", what changed since the last sync"
    return notes
