"""Rules about OpenAPI documents: specs of sources, operations, components of imports."""

from __future__ import annotations

from vague.ast.base import Identifier, Node
from vague.ast.definitions import NamedType, Schema, Source
from vague.ast.expressions import Entry, ObjectLiteral, StringLiteral
from vague.ast.steps import CallOperation
from vague.diagnostics import Fix
from vague.openapi import ApiDocument, Operation
from vague.program import dirname, join
from vague.program_files import basename
from vague.rules.registry import RuleTable
from vague.rules.wording import replacement, suggestion
from vague.suggestions import nearest
from vague.text import Span
from vague.traversal.options import entries_of
from vague.traversal.state import Walk

DOCUMENTS = RuleTable()


@DOCUMENTS.on(Source)
def check_spec(source: Source, walk: Walk) -> None:
    """RQ213: the document of a source can be read; a URL is fetched only when the mission runs."""
    if source.spec is None:
        return
    path = join(dirname(walk.element.path), source.spec.value)
    document = walk.surroundings.program.documents.get(path)
    if document is None or document.error is None:
        return
    message = f"cannot use the spec '{source.spec.value}': {document.error}"
    help_text, fixes = _file_beside(source.spec, path, walk)
    help_text = help_text or "a spec is an OpenAPI 3 or Swagger 2 document, JSON or YAML"
    walk.report("RQ213", source.spec, message, help_text, fixes)


def _file_beside(
    literal: StringLiteral, path: str, walk: Walk
) -> tuple[str | None, tuple[Fix, ...]]:
    """The file that was probably meant; disks are asked only for a spec that is missing."""
    files = walk.surroundings.facts.files
    if files.kind(path) is not None:
        return None, ()
    try:
        names = files.list(dirname(path))
    except OSError:
        return None, ()
    found = nearest(basename(path), names)
    if found is None:
        return None, ()
    better = literal.value.removesuffix(basename(literal.value)) + found
    return f"did you mean '{better}'?", (replacement(walk, literal, f'"{better}"'),)


@DOCUMENTS.on(CallOperation)
def check_operation(step: CallOperation, walk: Walk) -> None:
    """RQ207, RQ208 and RQ306: the operation exists and gets the parameters of its path."""
    declared = walk.surroundings.mission.sources.get(step.source.text)
    if declared is None:
        return
    if declared.node.spec is None:
        message = f"source '{step.source.text}' has no spec to take operations from"
        help_text = f"write 'source {step.source.text} from \"openapi.yaml\"', or use 'get'"
        walk.report("RQ208", step.source, message, help_text)
        return
    document = walk.surroundings.program.document_of(declared)
    if document is None or document.api is None:
        return
    operation = document.api.operation(_operation_id(step))
    if operation is None:
        _refuse_operation(step, document.api, walk)
    else:
        _check_parameters(step, operation, walk)


def _operation_id(step: CallOperation) -> str:
    name = step.operation
    return name.value if isinstance(name, StringLiteral) else name.text


def _refuse_operation(step: CallOperation, api: ApiDocument, walk: Walk) -> None:
    name = _operation_id(step)
    message = f"unknown operation '{name}' of source '{step.source.text}'"
    found = nearest(name, api.operation_ids)
    if found is None:
        walk.report("RQ207", step.operation, message)
        return
    text = found if found.isidentifier() and found.isascii() else f'"{found}"'
    fixes = (replacement(walk, step.operation, text),)
    walk.report("RQ207", step.operation, message, f"did you mean '{found}'?", fixes)


def _check_parameters(step: CallOperation, operation: Operation, walk: Walk) -> None:
    """Only what is written out can be missing: a computed `params` is seen when it runs."""
    given = _given_parameters(step)
    if given is None:
        return
    for parameter in operation.parameters:
        if parameter.place == "path" and parameter.name not in given:
            start = walk.span(step).start
            message = f"parameter '{parameter.name}' of the path '{operation.path}' is missing"
            help_text = f"add 'params: {{ {parameter.name}: … }}'"
            walk.report("RQ306", Span(start, start + len("call")), message, help_text)


def _given_parameters(step: CallOperation) -> frozenset[str] | None:
    given: set[str] = set()
    for entry in entries_of(step.options):
        if entry.key.text in ("params", "query"):
            if not isinstance(entry.value, ObjectLiteral):
                return None
            for inner in entry.value.entries:
                if not isinstance(inner, Entry):
                    return None
                given.add(inner.key.text)
    return frozenset(given)


# ---------------------------------------------------------------- components


@DOCUMENTS.on(Schema)
def check_base(schema: Schema, walk: Walk) -> None:
    """RQ219: `schema X from namespace.Component`."""
    if schema.base is None:
        return
    first, *rest = schema.base
    if not rest and walk.has("schema", first.text):
        help_text = f"write '...{first.text}' among the fields to copy those of a schema"
        message = f"'{first.text}' is no component of an imported file"
        walk.report("RQ219", first, message, help_text)
        return
    _check_component(schema.base, walk)


@DOCUMENTS.on(NamedType)
def check_dotted_type(node: NamedType, walk: Walk) -> None:
    """RQ219 for `field: namespace.Component`."""
    if len(node.parts) > 1:
        _check_component(node.parts, walk)


def _check_component(parts: tuple[Identifier, ...], walk: Walk) -> None:
    namespace, *rest = parts
    namespaces = walk.surroundings.mission.namespaces
    if namespace.text not in namespaces:
        _refuse_namespace(namespace, list(namespaces), walk)
        return
    document = namespaces[namespace.text]
    api = None if document is None else document.api
    if api is None:
        return
    name = ".".join(part.text for part in rest)
    if name in api.components:
        return
    at: Node | Span = namespace
    if rest:
        at = Span(walk.span(rest[0]).start, walk.span(rest[-1]).end)
    message = f"'{namespace.text}' has no component '{name}'"
    help_text, fixes = suggestion(walk, at, name, api.components)
    walk.report("RQ219", at, message, help_text, fixes)


def _refuse_namespace(namespace: Identifier, known: list[str], walk: Walk) -> None:
    help_text, fixes = suggestion(walk, namespace, namespace.text, known)
    help_text = help_text or f"import it: 'import {namespace.text} from \"openapi.yaml\"'"
    message = f"'{namespace.text}' is not imported"
    walk.report("RQ219", namespace, message, help_text, fixes)
