"""A look at a run before each of its steps, for debuggers.

A mission that is bound with a `Debugger` has its runners wrapped; one that is bound without pays
nothing. A `Here` is valid until the debugger lets the step go on. It changes nothing of the run:
expressions are evaluated over a copy of the variables, their warnings are answered and not
counted, and the ids that they ask for are random ones.
"""

from __future__ import annotations

import secrets as random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol, cast

from reqon.errors import Interrupted, RunError
from reqon.plan.model import Site
from reqon.steps.base import StepContext
from reqon.steps.bound import Outcome, Runner
from reqon.steps.positions import BlockPosition, LoopPosition
from reqon.values.compile import compile_expression
from reqon.values.json_form import json_form
from reqon.values.reply import plain
from reqon.values.scope import RESPONSE_SLOT, Names, Scope, StoreView, Value
from vague.parser import parse_expression

if TYPE_CHECKING:
    from reqon.engine.context import Branch


class Debugger(Protocol):
    """Who looks on; `reqon run --debug` is one."""

    def watch(self, site: Site) -> None:
        """Told of every step while the mission is bound, before anything runs."""
        ...

    async def before(self, here: Here) -> None:
        """A step is about to run; it runs when this returns. Branches may call it at once."""
        ...


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop around the step: the item's number, counted from 1, and how many there are."""

    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Here:
    """A step that is about to run, and what can be seen from there."""

    site: Site
    names: Names
    branch: Branch

    @property
    def action(self) -> str:
        """The action being run."""
        return self.branch.action_name

    @property
    def depth(self) -> int:
        """How many constructs are around: greater inside of loops, arms, actions."""
        return len(self.branch.stack)

    def loops(self) -> list[Loop]:
        """The loops of the action around the step, from the outside in."""
        found: list[Loop] = []
        for outer, inner in zip(self.branch.stack, self.branch.stack[1:], strict=False):
            if isinstance(outer, LoopPosition) and isinstance(inner, BlockPosition):
                number = outer.index if inner.number is None else inner.number
                found.append(Loop(number + 1, len(outer.elements)))
        return found

    def redact(self, text: str) -> str:
        """The text without the secrets of the run."""
        return self.branch.run.secrets.redact(text)

    def variables(self) -> dict[str, Value]:
        """The visible variables, `let`s of the mission first."""
        held = self.branch.slots
        bound = {name: plain(held.get(slot)) for name, slot in self.names.bindings.items()}
        return {**self.branch.run.lets, **bound}

    def response(self) -> Value:
        """What `response` is."""
        return plain(self.branch.slots.get(RESPONSE_SLOT))

    def stores(self) -> dict[str, StoreView]:
        """The mission's stores as this step sees them."""
        return {name: self.branch.store(name) for name in sorted(self.names.stores)}

    def evaluate(self, text: str) -> tuple[Value, list[str]]:
        """The JSON form of an expression's value, and the warnings that it gave.

        Raises RunError for what cannot be read or evaluated.
        """
        expression, problems = parse_expression(text)
        if expression is None or problems:
            reason = problems[0].message if problems else "this is no expression"
            reason = reason.replace("the end of the file", "its end")
            raise RunError("type", reason, hint=problems[0].help if problems else None)
        facts = _Facts(self.branch)
        scope = Scope(facts, dict(self.branch.slots))
        now = self.branch.scope
        scope.last_sync, scope.webhook = now.last_sync, now.webhook
        scope.request, scope.current_operation = now.request, now.current_operation
        value = compile_expression(expression, self.names).call(scope, None)
        return json_form(value), facts.warnings


@dataclass(frozen=True, slots=True)
class DebuggedStep:
    """A runner that asks the debugger first."""

    inner: Runner
    site: Site
    names: Names
    debugger: Debugger

    async def run(self, ctx: StepContext) -> Outcome:
        """Show the step, then run it, unless the run was told to stop meanwhile."""
        branch = cast("Branch", ctx)
        stop = branch.stop
        await branch.run.events.give_turns()
        try:
            await stop.limit(self.debugger.before(Here(self.site, self.names, branch)))
        except (Interrupted, RunError):
            if stop.reason is None:
                raise
        if stop.reason is not None:
            await branch.stop_here(branch.block)
        result = self.inner.run(ctx)
        return await result if isinstance(result, CoroutineType) else result


@dataclass(slots=True)
class _Facts:
    """The `RunFacts` of an expression that is only looked at."""

    branch: Branch
    warnings: list[str] = field(default_factory=list[str])

    @property
    def lets(self) -> Mapping[str, Value]:
        return self.branch.run.lets

    @property
    def sources(self) -> frozenset[str]:
        return self.branch.run.source_names

    def now(self) -> datetime:
        return self.branch.facts.now()

    def uuid(self) -> str:
        return str(uuid.uuid4())

    def generate_id(self) -> str:
        return random.token_hex(10)

    def env(self, name: str, /) -> str | None:
        return self.branch.run.env(name)

    def store(self, name: str, /) -> StoreView:
        return self.branch.store(name)

    def warn(self, message: str, /) -> None:
        self.warnings.append(message)

    def webhook_url(self) -> Any:
        return None
