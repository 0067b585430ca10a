"""Rules about what works but is probably not meant so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vague.ast.base import Key
from vague.ast.definitions import Dataset, ObjectType, Schema, SchemaField, Source, Store
from vague.ast.expressions import Entry, ObjectLiteral, StringLiteral
from vague.ast.steps import Map, StoreRecord
from vague.diagnostics import Fix
from vague.rules.registry import RuleTable
from vague.text import Span
from vague.traversal.events import FunctionUse, MisplacedLambda
from vague.traversal.options import option_of
from vague.traversal.state import Walk

STYLE = RuleTable()


@STYLE.on(ObjectLiteral)
def check_object_keys(node: ObjectLiteral, walk: Walk) -> None:
    """RQ501: of two values under one key the first is lost."""
    _check_keys([entry.key for entry in node.entries if isinstance(entry, Entry)], walk)


@STYLE.on(Schema, ObjectType)
def check_schema_keys(node: Schema | ObjectType, walk: Walk) -> None:
    """RQ501 for the fields of a schema."""
    _check_keys([item.key for item in node.items if isinstance(item, SchemaField)], walk)


@STYLE.on(Dataset)
def check_dataset_keys(node: Dataset, walk: Walk) -> None:
    """RQ501 for the fields of a data set."""
    _check_keys([entry.key for entry in node.entries], walk)


def _check_keys(keys: Iterable[Key], walk: Walk) -> None:
    first: dict[str, Key] = {}
    for key in keys:
        before = first.setdefault(key.text, key)
        if before is not key:
            related = (walk.related(walk.span(before), "first here"),)
            message = f"key '{key.text}' is written twice: the last one counts"
            walk.report("RQ501", key, message, "remove one of them", related=related)


@STYLE.on(StoreRecord)
def check_store_key(step: StoreRecord, walk: Walk) -> None:
    """RQ502: without `key` the key is the record's `id`, or made up."""
    if option_of(step.options, "key") is not None:
        return
    start = walk.span(step).start
    target_end = walk.span(step.target).end
    if step.options is None:
        edit = walk.edit(Span(target_end, target_end), " { key: .id }")
    else:
        inside = walk.span(step.options).start + 1
        edit = walk.edit(
            Span(inside, inside), " key: .id," if step.options.entries else " key: .id "
        )
    fix = Fix("add 'key: .id'", (edit,))
    message = "'store' without 'key' takes the record's 'id', or makes a key up"
    help_text = "add '{ key: .id }'"
    walk.report("RQ502", Span(start, start + len("store")), message, help_text, (fix,))


@STYLE.on(Map)
def check_map_target(step: Map, walk: Walk) -> None:
    """RQ503: a capitalized target that no schema describes."""
    name = step.target.text
    if name[:1].isupper() and not walk.has("schema", name):
        message = f"map target '{name}' is not a declared schema"
        walk.report("RQ503", step.target, message, f"declare 'schema {name} {{ … }}' to check it")


_REFERENCE = re.compile(r"\$\{[ \t]*([^{}\n]{1,60}?)[ \t]*\}")


@STYLE.on(StringLiteral)
def check_references(node: StringLiteral, walk: Walk) -> None:
    """RQ505: `${name}` is filled in only in the options of sources and stores."""
    if "${" not in node.text or isinstance(walk.element.node, Source | Store):
        return
    start = walk.span(node).start
    for found in _REFERENCE.finditer(node.text):
        name = found[1]
        place = Span(start + found.start(), start + found.end())
        message = f"'{found.group()}' is not filled in here"
        better = f'env("{name}")' if name.isupper() else f"concat(…, {name})"
        hint = f"write '{better}', or in a path '{{{name}}}'"
        walk.report("RQ505", place, message, hint)


@STYLE.on(MisplacedLambda)
def check_lambda(event: MisplacedLambda, walk: Walk) -> None:
    """RQ303: a function value is an argument and nothing else."""
    message = "a function '=>' can only be an argument"
    help_text = "give it to a function such as 'map', 'filter' or 'sortBy'"
    walk.report("RQ303", event.node, message, help_text)


@STYLE.on(FunctionUse)
def check_pattern(use: FunctionUse, walk: Walk) -> None:
    """RQ303: a regular expression that is written out must be one."""
    if use.name != "matches" or len(use.arguments) != 2:
        return
    argument = use.arguments[1]
    if not isinstance(argument, StringLiteral):
        return
    try:
        re.compile(argument.value)
    except (re.error, RecursionError, OverflowError) as error:
        message = f"'{argument.value}' is not a regular expression: {error}"
        walk.report("RQ303", argument, message)
