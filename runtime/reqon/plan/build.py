"""From a checked mission to its plan.

The program is known to be right; what this version cannot run yet raises `CheckError` with the
exact places, before anything is sent or written. The plan goes to the engine, which binds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reqon.errors import CheckError, Place
from reqon.plan import model
from reqon.plan.build_steps import StepBuilder, TextPlace, Unsupported, stages
from reqon.plan.components import component_types
from reqon.plan.options import OptionReader, bare, calls_env
from vague.ast.base import Node
from vague.ast.definitions import Action, Schedule, Source, Store, Transform, TransformVariant
from vague.ast.expressions import Call, Expression, Name, StringLiteral
from vague.ast.steps import Let
from vague.ast.walk import walk
from vague.diagnostics import Diagnostic, Severity
from vague.locate import action_hash, node_hash
from vague.program import Declared, MissionProgram, Program
from vague.step_path import StepPath
from vague.text import Span
from vague.vocabulary import DEFAULT, Vocabulary

_LATER_SOURCE_OPTIONS = (
    "rateLimit",
    "circuitBreaker",
    "oauth",
    "specAuth",
    "validateResponses",
    "validationMode",
)


@dataclass(frozen=True, slots=True)
class Supported:
    """Names that the engine has an implementation of."""

    auth_kinds: frozenset[str]
    adapters: frozenset[str]


def build_plan(
    program: Program,
    mission: MissionProgram,
    vocabulary: Vocabulary = DEFAULT,
    supported: Supported | None = None,
) -> model.MissionPlan:
    """The plan of one mission of the program; None for `supported`: whatever it names.

    Raises:
        CheckError: the mission uses something that cannot run yet; `diagnostics` name the places.
    """
    return _MissionBuilder(program, mission, vocabulary, supported).build()


class _MissionBuilder:
    """Builds one plan; everything unsupported is collected before it is refused."""

    def __init__(
        self,
        program: Program,
        mission: MissionProgram,
        vocabulary: Vocabulary,
        supported: Supported | None,
    ) -> None:
        self.supported = supported
        self.program = program
        self.mission = mission
        self.options = OptionReader(vocabulary)
        self.custom = frozenset(vocabulary.custom_steps)
        self.unsupported: list[Unsupported] = []

    def build(self) -> model.MissionPlan:
        mission = self.mission
        actions = {name: self._action(declared) for name, declared in mission.actions.items()}
        plan = model.MissionPlan(
            name=mission.name,
            facts=self._facts(),
            options=self._mission_options(),
            schedule_retry=self._schedule_retry(),
            sources={name: self._source(found) for name, found in mission.sources.items()},
            stores={name: self._store(found) for name, found in mission.stores.items()},
            schemas={name: found.node for name, found in mission.schemas.items()},
            transforms={
                name: self._transform(found.node) for name, found in mission.transforms.items()
            },
            lets=tuple(self._let(found) for found in (*mission.shared_lets, *mission.lets)),
            actions=actions,
            pipeline=self._pipeline(),
            components=component_types(mission.namespaces),
        )
        if self.unsupported:
            raise _refusal(self.unsupported)
        return plan

    # -------------------------------------------------------------- definitions

    def _action(self, declared: Declared[Action]) -> model.ActionPlan:
        action = declared.node
        text = self._text(declared)
        path = StepPath(self.mission.name, action.name.text)
        builder = StepBuilder(self.options, frozenset(self.mission.schemas), self.custom)
        body = builder.block(action.steps, path, text, body=True)
        self.unsupported += builder.unsupported
        concurrency = next(
            (o.node.value for o in action.options if o.node.key.text == "concurrency"), None
        )
        return model.ActionPlan(
            name=action.name.text,
            site=model.Site(path, f"action {action.name.text}", text.place(action.name.span)),
            concurrency=concurrency,  # pyright: ignore[reportArgumentType]
            body=body,
            loops=any(isinstance(step, model.ForEachPlan) for step in body.steps),
            names=frozenset(node.text for node in walk(action) if isinstance(node, Name)),
        )

    def _source(self, declared: Declared[Source]) -> model.SourcePlan:
        source = declared.node
        options = dict(self.options.read(source.options, "source"))
        for name in _LATER_SOURCE_OPTIONS:
            if name in options:
                self._refuse(f"source option '{name}'", declared, options[name].span)
        self._refuse_auth(options.get("auth"), declared)
        retry = options.pop("retry", None)
        return model.SourcePlan(
            name=source.name.text,
            options=options,
            retry=None if retry is None else {"retry": retry},
            spec=None if source.spec is None else source.spec.value,
            place=self._text(declared).place(source.name.span),
        )

    def _refuse_auth(self, auth: Expression | None, declared: Declared[Source]) -> None:
        if self.supported is None or not isinstance(auth, StringLiteral):
            return
        if auth.value not in self.supported.auth_kinds:
            known = self.supported.auth_kinds
            self._refuse(f"auth '{auth.value}'", declared, auth.span, known)

    def _refuse_adapter(self, declared: Declared[Store]) -> None:
        """Only where the name is written plainly; a computed one is judged at load time."""
        adapter = bare(declared.node.adapter)
        name = adapter.callee if isinstance(adapter, Call) else adapter
        if self.supported is None or not isinstance(name, Name):
            return
        if name.text not in self.supported.adapters:
            known = self.supported.adapters
            self._refuse(f"store adapter '{name.text}'", declared, name.span, known)

    def _store(self, declared: Declared[Store]) -> model.StorePlan:
        self._refuse_adapter(declared)
        store = declared.node
        return model.StorePlan(
            store.name.text, store.adapter, self._text(declared).place(store.name.span)
        )

    def _transform(self, transform: Transform) -> model.TransformPlan:
        return model.TransformPlan(
            transform.name.text, tuple(_variant(variant) for variant in transform.variants)
        )

    def _let(self, declared: Declared[Let]) -> model.MissionLetPlan:
        let = declared.node
        return model.MissionLetPlan(
            let.name.text,
            let.value,
            calls_env(let.value),
            self._text(declared).place(let.name.span),
        )

    # -------------------------------------------------------------- mission

    def _mission_options(self) -> model.Options:
        found: dict[str, Expression] = {}
        block = DEFAULT.option_blocks["mission"]
        for name, declared in self.mission.options.items():
            value = declared.node.value
            found[name] = self.options.value(value, block.find(name))  # pyright: ignore[reportArgumentType]
        schedule = self._schedule()
        if schedule is not None:
            within = self.options.read(schedule.options, "schedule")
            found |= {name: value for name, value in within.items() if name != "retry"}
        return found

    def _schedule(self) -> Schedule | None:
        return None if self.mission.schedule is None else self.mission.schedule.node

    def _schedule_retry(self) -> model.Options | None:
        schedule = self._schedule()
        if schedule is None:
            return None
        retry = self.options.read(schedule.options, "schedule").get("retry")
        return None if retry is None else {"retry": retry}

    def _pipeline(self) -> tuple[model.StagePlan, ...]:
        if self.mission.run is not None:
            return stages(self.mission.run.node)
        names = tuple(self.mission.actions)
        return (model.StagePlan(names, None),) if len(names) == 1 else ()

    def _facts(self) -> model.ProgramFacts:
        mission = self.mission
        parts = self._part_hashes()
        actions = {name: action_hash(mission, name) for name in mission.actions}
        whole = hashlib.sha256(repr(sorted({**parts, **actions}.items())).encode())
        file = self.program.files[mission.mission.path]
        return model.ProgramFacts(
            path=mission.mission.path,
            sha256=hashlib.sha256(file.parsed.source.text.encode()).hexdigest(),
            plan_hash=whole.hexdigest(),
            action_hashes=actions,
            part_hashes=parts,
        )

    def _part_hashes(self) -> dict[str, str]:
        mission = self.mission
        parts: dict[str, tuple[Node, ...]] = {}
        if mission.run is not None:
            parts["pipeline"] = (mission.run.node,)
        for kind, found in (
            ("source", mission.sources),
            ("store", mission.stores),
            ("schema", mission.schemas),
            ("transform", mission.transforms),
        ):
            parts |= {f"{kind} '{name}'": (one.node,) for name, one in found.items()}
        for let in (*mission.shared_lets, *mission.lets):
            parts[f"let '{let.node.name.text}'"] = (let.node,)
        return {name: node_hash(*nodes) for name, nodes in parts.items()}

    # -------------------------------------------------------------- places

    def _text(self, declared: Declared[Action] | Declared[Source] | Declared[Store] | Declared[Let]
              ) -> TextPlace:  # fmt: skip
        source = self.program.files[declared.path].parsed.source
        return TextPlace(declared.path, source, declared.start)

    def _refuse(
        self,
        what: str,
        declared: Declared[Any],
        span: Span,
        known: frozenset[str] = frozenset(),
    ) -> None:
        place = declared.absolute(span)
        self.unsupported.append(Unsupported(what, declared.path, place, known))


def _variant(variant: TransformVariant) -> model.VariantPlan:
    return model.VariantPlan(
        None if variant.input is None else variant.input.text,
        variant.guard,
        variant.target.text,
        variant.body,
    )


def _instead(known: frozenset[str]) -> str:
    return f"; it can run {', '.join(sorted(known))}" if known else ""


def _refusal(unsupported: Iterable[Unsupported]) -> CheckError:
    diagnostics = tuple(
        Diagnostic(
            "",
            Severity.ERROR,
            one.file,
            one.span,
            f"{one.what} is not supported yet",
            help=f"this version checks it but cannot run it{_instead(one.known)}",
        )
        for one in unsupported
    )
    return CheckError(diagnostics[0].message, diagnostics)


def place_text(place: Place | None) -> str | None:
    """`customer_sync.vague:12:5`, for warnings and messages."""
    return None if place is None else f"{place.file}:{place.line}:{place.column}"


__all__ = ["build_plan", "place_text"]
