"""The language's expressions, evaluated in the plainest way: a second opinion for the compiler.

It walks the tree and follows the written rules one by one, without a thought for speed, and
shares no code with `reqon.values` but the classes of values. Not here: functions beyond a
handful, stores, schemas.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from reqon.values.duration import Duration
from vague.ast import expressions as tree

ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?)?")
NUMERIC = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")
CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class EvaluationError(Exception):
    """The expression has no value; `args[0]` is the kind of the error."""


class Evaluator:
    """Evaluates trees; `variables` are the plain names, `warnings` counts the warnings."""

    def __init__(self, variables: dict[str, Any], it: Any = None) -> None:
        self.variables = variables
        self.it = it
        self.warnings = 0

    def value(self, node: Any) -> Any:
        name = CAPITAL.sub("_", type(node).__name__).lower()
        return getattr(self, f"on_{name}")(node)

    def inside(self, it: Any, /, **variables: Any) -> Evaluator:
        inner = Evaluator({**self.variables, **variables}, it)
        inner.warn = self.warn
        return inner

    def warn(self) -> None:
        self.warnings += 1

    # ---------------------------------------------------------------- operands

    def on_null_literal(self, node: tree.NullLiteral) -> Any:
        return None

    def on_boolean_literal(self, node: tree.BooleanLiteral) -> Any:
        return node.value

    on_number_literal = on_string_literal = on_boolean_literal

    def on_duration_literal(self, node: tree.DurationLiteral) -> Any:
        return Duration(node.milliseconds)

    def on_group(self, node: tree.Group) -> Any:
        return self.value(node.inner)

    def on_name(self, node: tree.Name) -> Any:
        return self.variables[node.text]

    def on_context_field(self, node: tree.ContextField) -> Any:
        return field(self.it, node.name.text)

    def on_field_access(self, node: tree.FieldAccess) -> Any:
        return field(self.value(node.target), node.name.text)

    def on_index_access(self, node: tree.IndexAccess) -> Any:
        target, index = self.value(node.target), self.value(node.index)
        if target is None or index is None:
            return None
        if isinstance(target, list | str):
            number = as_number(index)
            if number is None or number != int(number):
                return None
            try:
                return target[int(number)]
            except IndexError:
                return None
        return target.get(text(index)) if isinstance(target, dict) else None

    def on_array_literal(self, node: tree.ArrayLiteral) -> Any:
        result: list[Any] = []
        for item in node.items:
            if not isinstance(item, tree.Spread):
                result.append(self.value(item))
                continue
            value = self.value(item.value)
            if value is None:
                continue
            if not isinstance(value, list):
                raise EvaluationError("type")
            result.extend(value)
        return result

    def on_object_literal(self, node: tree.ObjectLiteral) -> Any:
        result: dict[str, Any] = {}
        for entry in node.entries:
            if isinstance(entry, tree.Entry):
                result[entry.key.text] = self.value(entry.value)
                continue
            value = self.value(entry.value)
            if value is None:
                continue
            if not isinstance(value, dict):
                raise EvaluationError("type")
            result.update(value)
        return result

    # ---------------------------------------------------------------- branches and collections

    def on_conditional(self, node: Any) -> Any:
        if truthy(self.value(node.condition)):
            return self.value(node.then)
        return None if node.otherwise is None else self.value(node.otherwise)

    on_if_expression = on_conditional

    def on_match_expression(self, node: tree.MatchExpression) -> Any:
        subject = None if node.subject is None else self.value(node.subject)
        for arm in node.arms:
            if node.subject is None:
                assert isinstance(arm.head, tree.ValuePattern)
                found = {} if truthy(self.value(arm.head.value)) else None
            else:
                found = self.matched(arm.head, subject)
            if found is None:
                continue
            guarded = self.inside(self.it if node.subject is None else subject, **found)
            if arm.guard is None or truthy(guarded.value(arm.guard)):
                return self.inside(self.it, **found).value(arm.result)
        return None

    def matched(self, pattern: Any, value: Any) -> dict[str, Any] | None:
        """What the pattern binds, or None if it does not match."""
        match pattern:
            case tree.WildcardPattern():
                return {}
            case tree.NamePattern():
                return {pattern.text: value}
            case tree.LiteralPattern(value=literal):
                if is_number(literal) and isinstance(value, str):
                    return {} if as_number(value) == literal else None
                return {} if equal(value, literal) else None
            case tree.ValuePattern():
                return {} if equal(value, self.value(pattern.value)) else None
            case tree.ObjectPattern():
                return self.matched_object(pattern, value)
            case _:
                return self.matched_array(pattern, value)

    def matched_object(self, pattern: tree.ObjectPattern, value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        bound: dict[str, Any] = {}
        for entry in pattern.fields:
            item = value.get(entry.key.text)
            if item is None and isinstance(entry.pattern, tree.WildcardPattern | tree.NamePattern):
                return None
            inner = self.matched(entry.pattern, item)
            if inner is None:
                return None
            bound |= inner
        return bound

    def matched_array(self, pattern: tree.ArrayPattern, value: Any) -> dict[str, Any] | None:
        if not isinstance(value, list):
            return None
        items, rest = list(pattern.items), None
        if items and isinstance(items[-1], tree.RestPattern):
            rest = items.pop()
        if len(value) < len(items) or (rest is None and len(value) != len(items)):
            return None
        bound: dict[str, Any] = {}
        for item, element in zip(items, value, strict=False):
            inner = self.matched(item, element)
            if inner is None:
                return None
            bound |= inner
        if isinstance(rest, tree.RestPattern) and rest.name is not None:
            bound[rest.name.text] = value[len(items) :]
        return bound

    def elements(self, value: Any) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise EvaluationError("type")
        return value

    def on_where(self, node: tree.Where) -> Any:
        return [
            element
            for element in self.elements(self.value(node.collection))
            if truthy(self.inside(element).value(node.condition))
        ]

    def on_any_of(self, node: tree.AnyOf) -> Any:
        for element in self.elements(self.value(node.collection)):
            if node.condition is None or truthy(self.inside(element).value(node.condition)):
                return True
        return False

    def on_pipe(self, node: tree.Pipe) -> Any:
        return self.function(node.function.text, (node.value, *node.arguments))

    def on_call(self, node: tree.Call) -> Any:
        assert isinstance(node.callee, tree.Name)
        return self.function(node.callee.text, node.arguments)

    def on_method_call(self, node: tree.MethodCall) -> Any:
        return self.function(node.name.text, (node.target, *node.arguments))

    def function(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """`map filter some all first length` only."""
        first = self.value(arguments[0])
        if name == "length":
            return 0 if first is None else len(text(first) if not sized(first) else first)
        if first is not None and not isinstance(first, list):
            raise EvaluationError("function")
        found = first or []
        if name == "first":
            return found[0] if found else None
        calls = (self.called(arguments[1], element, at) for at, element in enumerate(found))
        match name:
            case "map":
                return list(calls)
            case "filter":
                return [element for element, kept in zip(found, calls, strict=True) if truthy(kept)]
            case "some":
                return any(map(truthy, calls))
            case _:
                return all(map(truthy, calls))

    def called(self, callback: Any, element: Any, index: int) -> Any:
        while isinstance(callback, tree.Group):
            callback = callback.inner
        if isinstance(callback, tree.Lambda):
            names = [parameter.text for parameter in callback.parameters]
            given = dict(zip(names, (element, index), strict=False))
            return self.inside(self.it, **given).value(callback.body)
        implicit = {"it": element, "item": element, "index": index}
        implicit = {name: v for name, v in implicit.items() if name not in self.variables}
        return self.inside(element, **implicit).value(callback)

    # ---------------------------------------------------------------- operators

    def on_unary(self, node: tree.Unary) -> Any:
        value = self.value(node.operand)
        if node.operator == "not":
            return not truthy(value)
        if node.operator == "-":
            return self.negated(value)
        return self.positive(value)

    def negated(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            return [self.negated(element) for element in value]
        if isinstance(value, Duration):
            return Duration(-value.milliseconds)
        number = as_number(value)
        if number is None:
            raise EvaluationError("type")
        return -number

    def positive(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.positive(element) for element in value]
        if value is None or is_number(value) or isinstance(value, Duration):
            return value
        raise EvaluationError("type")

    def on_is_test(self, node: tree.IsTest) -> Any:
        value = self.value(node.operand)
        name = node.type_name.text
        if node.many:
            fits = isinstance(value, list) and all(has_kind(v, name) for v in value)
        else:
            fits = has_kind(value, name)
        return fits is not node.negated

    def on_binary(self, node: tree.Binary) -> Any:
        left = self.value(node.left)
        match node.operator:
            case "or":
                return left if truthy(left) else self.value(node.right)
            case "and":
                return self.value(node.right) if truthy(left) else left
            case "??":
                return self.value(node.right) if left is None else left
        right = self.value(node.right)
        match node.operator:
            case "==":
                return equal(left, right)
            case "!=":
                return not equal(left, right)
            case "<" | "<=" | ">" | ">=":
                return self.ordered(node.operator, left, right)
            case "contains":
                return contains(left, right)
            case "in":
                return contains(right, left)
            case "not in":
                return not contains(right, left)
            case "startsWith":
                return both_texts(left, right) and left.startswith(right)
            case "endsWith":
                return both_texts(left, right) and left.endswith(right)
            case operator:
                return self.calculated(operator, left, right)

    def ordered(self, operator: str, left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        order = ordering(left, right)
        if order is None:
            self.warn()
            return False
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]

    def calculated(self, operator: str, left: Any, right: Any) -> Any:
        texts = isinstance(left, str) or isinstance(right, str)
        if operator == "+" and texts:
            moved = sum_of_times(left, right)
            return text(left) + text(right) if moved is None else moved
        if left is None or right is None:
            return None
        if isinstance(left, list) or isinstance(right, list):
            return self.element_wise(operator, left, right)
        return self.combined(operator, left, right)

    def element_wise(self, operator: str, left: Any, right: Any) -> list[Any]:
        if isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                raise EvaluationError("type")
            return [self.calculated(operator, a, b) for a, b in zip(left, right, strict=True)]
        if isinstance(left, list):
            return [self.calculated(operator, a, right) for a in left]
        return [self.calculated(operator, left, b) for b in right]

    def combined(self, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, Duration | datetime) or isinstance(right, Duration | datetime):
            return self.times(operator, left, right)
        if operator == "+":
            if not (is_number(left) and is_number(right)):
                raise EvaluationError("type")
            return finite(left + right)
        a, b = as_number(left), as_number(right)
        if a is None or b is None:
            raise EvaluationError("type")
        return self.numbers(operator, a, b)

    def numbers(self, operator: str, a: Any, b: Any) -> Any:
        if operator in "/%" and b == 0:
            self.warn()
            return None
        match operator:
            case "-":
                return finite(a - b)
            case "*":
                return finite(a * b)
            case "/":
                return divided(a, b)
            case _:
                return math.copysign(1, a) * (abs(a) % abs(b))

    def times(self, operator: str, left: Any, right: Any) -> Any:
        durations = isinstance(left, Duration), isinstance(right, Duration)
        match operator:
            case "+":
                total = sum_of_times(left, right)
                if total is not None:
                    return total
            case "-":
                if all(durations):
                    return Duration(left.milliseconds - right.milliseconds)
                start, end = as_date(left), as_date(right)
                if start is not None and durations[1]:
                    return moved(start, -right.milliseconds)
                if start is not None and end is not None:
                    return Duration((start - end) // timedelta(milliseconds=1))
            case "*":
                one, other = (left, right) if durations[0] else (right, left)
                number = as_number(other)
                if isinstance(one, Duration) and number is not None:
                    return Duration(one.milliseconds * number)
            case "/" if durations[0]:
                by = right.milliseconds if durations[1] else as_number(right)
                if by is not None:
                    quotient = self.numbers("/", left.milliseconds, by)
                    plain = durations[1] or quotient is None
                    return quotient if plain else Duration(quotient)
        raise EvaluationError("type")


# -------------------------------------------------------------------- rules about values


def truthy(value: Any) -> bool:
    if value is None or value is False:
        return False
    return not (is_number(value) and value == 0) and not (isinstance(value, str) and not value)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_number(value: Any) -> Any:
    if is_number(value):
        return value
    if not isinstance(value, str) or NUMERIC.fullmatch(value) is None or not value.isascii():
        return None
    try:
        return int(value)
    except ValueError:
        number = float(value)
        return number if math.isfinite(number) else None


def as_date(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not value.isascii() or ISO.fullmatch(value) is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def field(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list):
        return len(value) if name == "length" else [field(element, name) for element in value]
    return len(value) if isinstance(value, str) and name == "length" else None


def equal(left: Any, right: Any) -> bool:
    if is_number(left) and is_number(right):
        return left == right
    if isinstance(left, datetime) != isinstance(right, datetime):
        dates = as_date(left), as_date(right)
        return None not in dates and dates[0] == dates[1]
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    return type(left) is type(right) and left == right


def ordering(left: Any, right: Any) -> int | None:
    """Below, at or above zero; None without an order."""
    pair: tuple[Any, Any] | None = None
    if is_number(left) or is_number(right):
        pair = as_number(left), as_number(right)
    elif isinstance(left, datetime) or isinstance(right, datetime):
        pair = as_date(left), as_date(right)
    elif isinstance(left, str) and isinstance(right, str):
        pair = as_date(left), as_date(right)
        pair = (left, right) if None in pair else pair
    elif isinstance(left, Duration) and isinstance(right, Duration):
        pair = left.milliseconds, right.milliseconds
    if pair is None or None in pair:
        return None
    return (pair[0] > pair[1]) - (pair[0] < pair[1])


def contains(container: Any, item: Any) -> bool:
    if item is None:
        return False
    if isinstance(container, list):
        return any(equal(element, item) for element in container)
    if isinstance(container, dict | str):
        return isinstance(item, str) and item in container
    return False


def both_texts(left: Any, right: Any) -> bool:
    return isinstance(left, str) and isinstance(right, str)


def has_kind(value: Any, name: str) -> bool:
    match name:
        case "string":
            return isinstance(value, str)
        case "number" | "decimal" | "float" | "double":
            return is_number(value)
        case "int" | "integer":
            return is_number(value) and value == math.floor(value)
        case "boolean" | "bool":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "null" | "undefined":
            return value is None
        case "date" | "datetime":
            return as_date(value) is not None
        case _:
            return name == "any"


def moved(instant: datetime, milliseconds: Any) -> datetime:
    try:
        return instant + timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        raise EvaluationError("type") from None


def sum_of_times(left: Any, right: Any) -> Any:
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Duration(left.milliseconds + right.milliseconds)
    if isinstance(left, Duration):
        left, right = right, left
    start = as_date(left)
    if isinstance(right, Duration) and start is not None:
        return moved(start, right.milliseconds)
    return None


def divided(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return finite(a / b)


def finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise EvaluationError("type")
    return value


def sized(value: Any) -> bool:
    return isinstance(value, str | list | dict)


def text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case list() | dict():
            return json.dumps(as_json(value), ensure_ascii=False, separators=(",", ":"))
        case _:
            return str(as_json(value)).replace("True", "true").replace("False", "false")


def as_json(value: Any) -> Any:
    match value:
        case list():
            return [as_json(element) for element in value]
        case dict():
            return {key: as_json(item) for key, item in value.items()}
        case datetime():
            precision = "milliseconds" if value.microsecond else "seconds"
            return value.isoformat(timespec=precision).replace("+00:00", "Z")
        case Duration():
            return as_json(value.milliseconds)
        case float() if value.is_integer() and abs(value) < 1e21:
            return int(value)
        case _:
            return value
