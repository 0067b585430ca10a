"""Binding: a plan's expressions become functions, its variables slots, its blocks runners.

Done once when a run starts. An `Environment` is one place of an action while it is bound; inner
places derive from outer ones. What comes out (`BoundMission`) is run by `actions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from reqon.engine.debugging import DebuggedStep, Debugger
from reqon.plan.model import ActionPlan, BlockPlan, MapPlan, MissionPlan, Options, StagePlan
from reqon.plan.options import bare
from reqon.plan.traverse import all_steps, anchors_of, may_wait
from reqon.steps.apply import bind_transform
from reqon.steps.bound import BoundBlock, BoundStage, Runner, Slot
from reqon.steps.options import BoundOptions
from reqon.steps.registry import binder_of
from reqon.values.compile import (
    Compiled,
    CompiledFilter,
    CompiledPattern,
    compile_condition,
    compile_expression,
    compile_filter,
    compile_held,
    compile_object,
    compile_pattern,
)
from reqon.values.schemas import SchemaSet
from reqon.values.scope import RESPONSE_SLOT, ContextKind, Names, Scope, Value
from vague.ast.expressions import Expression, Name, ObjectLiteral, Pattern
from vague.step_path import StepPath

Transforms = Mapping[str, Callable[[Scope, Value], Value]]


@dataclass(frozen=True, slots=True)
class BoundAction:
    """An action ready to run. `width` gives the iterations of its parallel loops."""

    plan: ActionPlan
    body: BoundBlock


@dataclass(frozen=True, slots=True)
class BoundMission:
    """Everything that runs, ready to run."""

    plan: MissionPlan
    schemas: SchemaSet
    actions: Mapping[str, BoundAction]
    pipeline: tuple[BoundStage, ...]


@dataclass(frozen=True)
class Environment:
    """A place of an action: names, slots and how many regions are around."""

    plan: MissionPlan
    schemas: SchemaSet
    action: ActionPlan
    names: Names
    transforms: Transforms
    anchors: Mapping[StepPath, frozenset[int]]
    rebound: frozenset[str]
    depth: int = 0
    loops: int = 0
    depths: Mapping[str, int] = field(default_factory=dict[str, int])
    loop_slot: str | None = None
    debugger: Debugger | None = None

    def bind(self, name: str, like: Expression | None = None) -> tuple[Environment, Slot]:
        """A new binding, visible behind this place; `like` is what it is bound to."""
        names, slot = self.names.bind(name)
        if like is not None and self._held(like) is not None:
            names = names.carrying(slot)
        return self._with_slots(names, (slot,)), Slot(slot, self.depth)

    def slot_of(self, name: str) -> Slot | None:
        """The slot of a visible variable; None for stores, lets and `response`."""
        slot = self.names.bindings.get(name)
        return None if slot is None else Slot(slot, self.depths[slot])

    def with_context(self, slot: str) -> Environment:
        """The same place where `.name` reads the value of a slot."""
        return replace(self, names=self.names.with_context(slot))

    def in_loop(self, name: str) -> tuple[Environment, Slot]:
        """The body of a loop over a variable of that name: a region of its own."""
        depth = self.depth + 1
        names, slot = self.names.bind(name)
        inner = replace(
            self,
            names=names.with_context(slot),
            depth=depth,
            loops=self.loops + 1,
            depths={**self.depths, slot: depth},
            loop_slot=slot,
        )
        return inner, Slot(slot, depth)

    def expression(self, expression: Expression) -> Compiled:
        """The expression as a function, with the names of this place."""
        return compile_expression(expression, self.names)

    def held(self, expression: Expression) -> Compiled:
        """The same; of a plain name that stands for a reply, what it holds."""
        return self._held(expression) or self.expression(expression)

    def _held(self, expression: Expression) -> Compiled | None:
        plain = bare(expression)
        return compile_held(plain, self.names) if isinstance(plain, Name) else None

    def expression_of(self, expression: Expression) -> Compiled:
        """The same, where `.name` is a field of the second argument."""
        return compile_expression(expression, self.names.with_context(ContextKind.PARAMETER))

    def condition(self, expression: Expression) -> Compiled:
        """A condition: its result is true or false."""
        return compile_condition(expression, self.names)

    def condition_of(self, expression: Expression) -> Compiled:
        """The same, where `.name` is a field of the second argument."""
        return compile_condition(expression, self.names.with_context(ContextKind.PARAMETER))

    def filter(self, condition: Expression, variable: str) -> CompiledFilter:
        """A condition about elements, which `.name` and the variable mean."""
        return compile_filter(condition, self.names, variable)

    def options(self, options: Options) -> BoundOptions:
        """An option block, evaluated in one go."""
        return BoundOptions({name: self.expression(value) for name, value in options.items()})

    def mismatches(self, schema: str) -> Callable[[Scope, Value], list[str]] | None:
        """What of a value does not fit a schema; None where it is not declared."""
        if schema not in self.schemas:
            return None
        return lambda scope, value: self.schemas.mismatches(scope, schema, value)

    def object_of(self, body: ObjectLiteral) -> Compiled:
        """The body of a `map`, of its second argument."""
        return compile_object(body, self.names.with_context(ContextKind.PARAMETER))

    def pattern(self, pattern: Pattern) -> tuple[CompiledPattern, Environment]:
        """A pattern and the place where its bindings are visible."""
        compiled, names = compile_pattern(pattern, self.names)
        new = tuple(s for n, s in names.bindings.items() if self.names.bindings.get(n) != s)
        return compiled, self._with_slots(names, new)

    def _with_slots(self, names: Names, slots: tuple[str, ...]) -> Environment:
        depths = {**self.depths, **dict.fromkeys(slots, self.depth)}
        return replace(self, names=names, depths=depths)

    def transform(self, name: str) -> Callable[[Scope, Value], Value]:
        """A transform as a function of its input."""
        return self.transforms[name]

    def stages(self, stages: tuple[StagePlan, ...]) -> tuple[BoundStage, ...]:
        """The stages of a `run` step; their conditions see only what the mission declares."""
        return bound_stages(stages, self.names.without_bindings())

    def block(self, block: BlockPlan) -> BoundBlock:
        """The steps of an inner block, each seeing the bindings of those before it."""
        place: Environment = self
        runners: list[Runner] = []
        restored: dict[int, tuple[Slot, ...]] = {}
        wanted = self.anchors.get(block.path, frozenset[int]())
        for index, step in enumerate(block.steps):
            if index in wanted:
                restored[index] = place.restorable()
            before = place.names
            runner, place = binder_of(step)(step, place)
            if self.debugger is not None:
                self.debugger.watch(step.site)
                runner = DebuggedStep(runner, step.site, before, self.debugger)
            runners.append(runner)
        sites = tuple(step.site for step in block.steps)
        return BoundBlock(
            block.path,
            tuple(runners),
            sites,
            self.depth,
            self.loops == 0,
            may_wait(block),
            restored,
        )

    def restorable(self) -> tuple[Slot, ...]:
        """The slots that steps behind this place may give another value."""
        visible = self.names.bindings.items()
        slots = [Slot(s, self.depths[s]) for name, s in visible if name in self.rebound]
        return (Slot(RESPONSE_SLOT, self.depth), *slots)


def bind_mission(plan: MissionPlan, debugger: Debugger | None = None) -> BoundMission:
    """The plan ready to run; a debugger is asked before each step."""
    names = Names(
        stores=frozenset(plan.stores),
        sources=frozenset(plan.sources),
        lets=frozenset(let.name for let in plan.lets),
    ).without_bindings()
    schemas = SchemaSet(plan.schemas, names, plan.components)
    names = replace(names, schemas=schemas)
    transforms = bind_transforms(plan, names)
    outer = _Outer(plan, schemas, names, transforms, debugger)
    actions = {
        name: BoundAction(action, _bind_action(outer, action))
        for name, action in plan.actions.items()
    }
    return BoundMission(plan, schemas, actions, bound_stages(plan.pipeline, names))


@dataclass(frozen=True, slots=True)
class _Outer:
    """What all actions of a mission share while they are bound."""

    plan: MissionPlan
    schemas: SchemaSet
    names: Names
    transforms: Transforms
    debugger: Debugger | None


def _bind_action(outer: _Outer, action: ActionPlan) -> BoundBlock:
    steps = tuple(all_steps(action.body))
    environment = Environment(
        plan=outer.plan,
        schemas=outer.schemas,
        action=action,
        names=outer.names.for_action(),
        transforms=outer.transforms,
        debugger=outer.debugger,
        anchors=anchors_of(steps),
        rebound=frozenset(
            value.text
            for step in steps
            if isinstance(step, MapPlan) and isinstance(value := bare(step.value), Name)
        ),
    )
    return environment.block(action.body)


def bound_stages(stages: tuple[StagePlan, ...], names: Names) -> tuple[BoundStage, ...]:
    """Stages with their conditions compiled."""
    return tuple(
        BoundStage(
            stage.actions,
            None if stage.condition is None else compile_expression(stage.condition, names),
        )
        for stage in stages
    )


def bind_transforms(plan: MissionPlan, names: Names) -> Transforms:
    """Every transform as a function of its input; None passes, an array goes by element."""
    return {name: bind_transform(transform, names) for name, transform in plan.transforms.items()}
