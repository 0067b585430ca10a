"""Load time: what is evaluated once before a run begins.

Mission `let`s, mission options, sources and stores. Expressions see the environment and earlier
`let`s only. What is wrong here is a ConfigError (kind `config`), before anything is sent.

A resume evaluates again what asks the environment and what is not kept, such as the names of
stores: at the instant and with the seed of the first time, so that time and ids come out the same.
"""

# Values of the language are `Any` here, and `isinstance` leaves what is in a container unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from reqon.clock import Clock, new_seed
from reqon.engine.facts import derived, uuid_of
from reqon.engine.sources import Sources, source_in_use
from reqon.errors import ConfigError, RunError
from reqon.http.auth.base import Auth
from reqon.http.auth.registry import make_auth
from reqon.plan.model import (
    ClearPlan,
    DeleteRecordPlan,
    MissionPlan,
    QueuePlan,
    SourcePlan,
    StorePlan,
    StoreRecordPlan,
)
from reqon.plan.options import bare
from reqon.plan.policies import RetryPolicy
from reqon.plan.traverse import all_steps
from reqon.secrets import Secret
from reqon.settings import SECRET_FIELDS, Settings, with_credential
from reqon.steps.options import milliseconds, options_object, retry_policy, whole_number, word
from reqon.stores.base import StoreSpec
from reqon.values.compile import compile_expression
from reqon.values.encoding import tag, untag
from reqon.values.operators import truthy
from reqon.values.scope import Names, Scope, StoreView, Value
from reqon.values.show import described
from vague.ast.base import Key, Node
from vague.ast.expressions import (
    Call,
    Conditional,
    DurationLiteral,
    Entry,
    Expression,
    ExpressionArm,
    IfExpression,
    MatchExpression,
    Name,
    NullLiteral,
    ObjectLiteral,
    StringLiteral,
)

N = TypeVar("N", bound=Node)
Json = Any

CREDENTIAL_FIELDS = (
    "token",
    "username",
    "password",
    "apiKey",
    "apiKeyHeader",
    "apiKeyQuery",
    "apiKeyPrefix",
)


LOADED = "$loaded"
"""Kept with the `let`s, under a name that none can have: when they were made, and the seed."""


class LoadFacts:
    """The `RunFacts` of load time: everything is evaluated at one instant, ids come from a seed.

    `place` is what is being evaluated; the ids of each are counted by themselves.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.instant = clock.now()
        self.seed = new_seed()
        self._place = ""
        self._count = 0
        self.values: dict[str, Value] = {}
        self.sources: frozenset[str] = frozenset()

    @property
    def lets(self) -> Mapping[str, Value]:
        """The `let`s evaluated so far."""
        return self.values

    def now(self) -> datetime:
        """The instant of loading."""
        return self.instant

    def enter(self, place: str) -> None:
        """What comes is evaluated for this place."""
        self._place, self._count = place, 0

    def uuid(self) -> str:
        """A UUID of version 4 made of the seed and the place."""
        return uuid_of(self._digest("uuid"))

    def generate_id(self) -> str:
        """20 hexadecimal digits of the seed and the place."""
        return self._digest("id").hex()[:20]

    def _digest(self, purpose: str) -> bytes:
        self._count += 1
        return derived(self.seed, f"{purpose} {self._place} {self._count}")

    def env(self, name: str) -> str | None:
        """A variable of the environment."""
        return self.settings.env(name)

    def store(self, name: str) -> StoreView:
        """No store is open yet."""
        raise RunError("config", f"store '{name}' cannot be read before the mission runs")

    def warn(self, message: str) -> None:
        """Warnings of load time are not shown."""

    def webhook_url(self) -> str | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class MissionOptions:
    """The options of a mission, evaluated. Times in milliseconds."""

    enable_state: bool
    state_store: str
    durability: Any
    retention: timedelta | None
    redact: tuple[str, ...]
    timeout_ms: float | None
    parallel_mode: str
    max_concurrency: int | None
    retry: RetryPolicy | None


class Loader:
    """Evaluates what stands outside of the actions."""

    def __init__(
        self, plan: MissionPlan, settings: Settings, clock: Clock, variables: Mapping[str, str]
    ) -> None:
        self.plan = plan
        self.settings = settings
        self.facts = LoadFacts(settings, clock)
        self.facts.sources = frozenset(plan.sources)
        self.scope = Scope(self.facts)
        self._check_variables(variables)
        self.variables = variables
        self.names = Names(sources=frozenset(plan.sources)).without_bindings()
        self._evaluate_lets({})

    def _evaluate_lets(self, saved: Mapping[str, Value]) -> None:
        """All `let`s in order, but for those that were saved or set on the command line."""
        names = replace(self.names, lets=frozenset[str]())
        for let in self.plan.lets:
            self.names = names
            if let.name in self.variables:
                value: Value = self.variables[let.name]
            elif let.name in saved:
                value = saved[let.name]
            else:
                place = f"let '{let.name}'"
                self.facts.enter(place)
                value = self._or_config(place, lambda v=let.value: self.evaluate(v))
            self.facts.values[let.name] = value
            names = replace(names, lets=names.lets | {let.name})
        self.names = names

    def _check_variables(self, variables: Mapping[str, str]) -> None:
        known = {let.name for let in self.plan.lets}
        for name in variables:
            if name not in known:
                listed = ", ".join(sorted(known)) or "none"
                raise ConfigError(
                    f"mission '{self.plan.name}' has no 'let {name}' to set",
                    hint=f"its variables are: {listed}",
                )

    def evaluate(self, expression: Expression) -> Value:
        """The value of an expression at load time; raises RunError."""
        return compile_expression(expression, self.names).call(self.scope, None)

    def saved_lets(self) -> dict[str, Json]:
        """The `let`s that a resume uses again, those that do not ask the environment, in JSON.

        And what it needs to evaluate the others, sources and stores as they were.
        """
        again = {let.name for let in self.plan.lets if not let.uses_env}
        kept = {name: tag(value) for name, value in self.facts.values.items() if name in again}
        return {**kept, LOADED: tag({"at": self.facts.instant, "seed": self.facts.seed})}

    def take_over(self, saved: Mapping[str, Json]) -> None:
        """A resume: what was saved counts, but for variables set on the command line."""
        values = {name: untag(value) for name, value in saved.items()}
        loaded = values.pop(LOADED, None)  # versions before did not save it
        if loaded is not None:
            self.facts.instant, self.facts.seed = loaded["at"], loaded["seed"]
        self._evaluate_lets(values)

    @staticmethod
    def _or_config(what: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except RunError as error:
            raise ConfigError(f"{what}: {error.message}", hint=error.hint) from error

    # -------------------------------------------------------------- options

    def options(self) -> MissionOptions:
        """The mission's options. Raises ConfigError."""
        return self._or_config(f"mission '{self.plan.name}'", self._options)

    def _options(self) -> MissionOptions:
        given = {
            name: value
            for name, expression in self.plan.options.items()
            if name in _EVALUATED and (value := self.evaluate(expression)) is not None
        }
        timeout = given.get("timeout")
        return MissionOptions(
            enable_state=truthy(given.get("enableState", True)),
            state_store=str(given.get("stateStore", "file")),
            durability=word(
                given.get("stateDurability", "balanced"),
                "stateDurability",
                ("strict", "balanced", "relaxed"),
            ),
            retention=self._retention(),
            redact=tuple(given.get("redact", ())),
            timeout_ms=None if timeout is None else milliseconds(timeout, "timeout"),
            parallel_mode=word(
                given.get("parallelMode", "continue"), "parallelMode", ("continue", "fail-fast")
            ),
            max_concurrency=None
            if "maxConcurrency" not in given
            else whole_number(given["maxConcurrency"], "maxConcurrency", 1),
            retry=self._retry(given.get("retryOnFailure")),
        )

    def _retention(self) -> timedelta | None:
        written = self.plan.options.get("stateRetention")
        if not isinstance(written, DurationLiteral):
            return None
        return timedelta(milliseconds=written.milliseconds)

    def _retry(self, value: Value) -> RetryPolicy | None:
        """`N` further executions, or a retry object; the schedule's own form counts too."""
        if value is not None:
            if isinstance(value, dict):
                return retry_policy(options_object(value, "retryOnFailure"))
            further = whole_number(value, "retryOnFailure", 0)
            return RetryPolicy(max_attempts=further + 1) if further else None
        if self.plan.schedule_retry is None:
            return None
        retry = options_object(self.evaluate(self.plan.schedule_retry["retry"]), "retry")
        seconds = retry.get("delaySeconds", 60)
        return RetryPolicy(
            max_attempts=whole_number(retry.get("maxRetries", 3), "maxRetries") + 1,
            delay_ms=milliseconds(seconds, "delaySeconds") * 1000,
        )

    # -------------------------------------------------------------- sources

    def sources(self) -> Sources:
        """All sources with their credentials. Raises ConfigError."""
        in_use, auth = {}, {}
        for name, plan in self.plan.sources.items():
            self.facts.enter(f"source '{name}'")
            filled = self._interpolated(plan)
            in_use[name] = source_in_use(filled, self.evaluate)
            auth[name] = self._or_config(f"source '{name}'", lambda p=filled: self._auth(p))
        return Sources(in_use, auth)

    def _interpolated(self, plan: SourcePlan) -> SourcePlan:
        options = {
            name: self._fill(option, f"{name} of source '{plan.name}'")
            for name, option in plan.options.items()
        }
        return replace(plan, options=options)

    def _fill(self, expression: Expression, place: str) -> Expression:
        def fill(node: Node) -> Node:
            if isinstance(node, StringLiteral):
                return replace(node, value=self.settings.interpolate(node.value, place))
            return node

        return rewritten(expression, fill)

    def _auth(self, plan: SourcePlan) -> Auth:
        written = {
            name: self.evaluate(plan.options[name])
            for name in CREDENTIAL_FIELDS
            if name in plan.options
        }
        kind = self.evaluate(plan.options["auth"]) if "auth" in plan.options else None
        given = self.settings.credential(plan.name)
        name, found = with_credential(written, kind, given)
        protected = {field: self._protect(plan.name, field, v) for field, v in found.items()}
        return make_auth(name, plan.name, protected)

    def _protect(self, source: str, field: str, value: Value) -> Any:
        if field not in SECRET_FIELDS or not isinstance(value, str):
            return value
        secret = Secret(f"{source}.{field}", value)
        self.settings.secrets.add(secret.name, secret)
        return secret

    # -------------------------------------------------------------- stores

    def stores(self, adapters: frozenset[str]) -> dict[str, StoreSpec]:
        """What each store is kept in; `adapters` are the names that are known."""
        written = written_stores(self.plan)
        return {
            name: self._store(plan, adapters, writes=name in written)
            for name, plan in self.plan.stores.items()
        }

    def _store(self, plan: StorePlan, adapters: frozenset[str], *, writes: bool) -> StoreSpec:
        place = f"store '{plan.name}'"
        expression = as_description(self._fill(plan.adapter, place), plan.name)
        self.facts.enter(place)
        value = self._or_config(place, lambda: self.evaluate(expression))
        if not isinstance(value, dict) or "adapter" not in value:
            raise ConfigError(
                f"{place} is no adapter but {described(value)}",
                hint=f"write such as 'store {plan.name}: file(\"{plan.name}\")'",
            )
        found: Mapping[str, Any] = value
        adapter, identifier = found["adapter"], found["identifier"]
        if adapter not in adapters:
            raise ConfigError(
                f"{place} uses the adapter '{adapter}', which is not supported yet",
                hint=f"supported are: {', '.join(sorted(adapters))}",
            )
        if not isinstance(identifier, str) or not identifier:
            raise ConfigError(f"the name of {place} is {described(identifier)}, not a text")
        options = found["options"]
        if options is not None and not isinstance(options, dict):
            raise ConfigError(f"the options of {place} are {described(options)}, not an object")
        return StoreSpec(str(adapter), identifier, options or {}, writes=writes)


_EVALUATED = frozenset(
    {
        "enableState",
        "stateStore",
        "stateDurability",
        "redact",
        "timeout",
        "parallelMode",
        "maxConcurrency",
        "retryOnFailure",
    }
)


def written_stores(plan: MissionPlan) -> frozenset[str]:
    """The stores that some step of the mission writes."""
    found: set[str] = set()
    for action in plan.actions.values():
        for step in all_steps(action.body):
            match step:
                case StoreRecordPlan(target=store):
                    found.add(store)
                case DeleteRecordPlan(store=store) | ClearPlan(store=store):
                    found.add(store)
                case QueuePlan(store=store):
                    found.add(store)
                case _:
                    pass
    return frozenset(found)


# ---------------------------------------------------------------- trees


def rewritten(node: N, change: Callable[[Node], Node]) -> N:
    """The tree with `change` done to every node, children first."""
    changes: dict[str, Any] = {}
    for part in fields(node):
        value = getattr(node, part.name)
        if isinstance(value, Node):
            changes[part.name] = rewritten(value, change)
        elif isinstance(value, tuple) and any(isinstance(item, Node) for item in value):
            changes[part.name] = tuple(
                rewritten(item, change) if isinstance(item, Node) else item for item in value
            )
    return cast("N", change(replace(node, **changes) if changes else node))


def as_description(expression: Expression, store: str) -> Expression:
    """`file("x", {…})` as an object that describes it, in all branches of the expression."""
    plain = bare(expression)
    match plain:
        case Call(callee=Name(text=adapter), arguments=arguments):
            identifier = arguments[0] if arguments else _text(plain, store)
            return _object(plain, adapter, identifier, arguments[1] if len(arguments) > 1 else None)
        case Name(text=adapter):
            return _object(plain, adapter, _text(plain, store), None)
        case Conditional(then=then, otherwise=otherwise):
            return replace(
                plain, then=as_description(then, store), otherwise=as_description(otherwise, store)
            )
        case IfExpression(then=then, otherwise=otherwise):
            return replace(
                plain,
                then=as_description(then, store),
                otherwise=None if otherwise is None else as_description(otherwise, store),
            )
        case MatchExpression(arms=arms):
            return replace(plain, arms=tuple(_described_arm(arm, store) for arm in arms))
        case _:
            return plain


def _described_arm(arm: ExpressionArm, store: str) -> ExpressionArm:
    return replace(arm, result=as_description(arm.result, store))


def _object(
    at: Expression, adapter: str, identifier: Expression, options: Expression | None
) -> ObjectLiteral:
    parts: tuple[tuple[str, Expression], ...] = (
        ("adapter", _text(at, adapter)),
        ("identifier", identifier),
        ("options", NullLiteral(at.span) if options is None else options),
    )
    entries = (Entry(at.span, Key(at.span, name), value) for name, value in parts)
    return ObjectLiteral(at.span, tuple(entries))


def _text(at: Expression, text: str) -> StringLiteral:
    return StringLiteral(at.span, text, f'"{text}"')
