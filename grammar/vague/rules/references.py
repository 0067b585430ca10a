"""Rules about names: each must mean something, and functions get the arguments they take."""

from __future__ import annotations

from vague.ast.expressions import ContextField, StringLiteral, Wildcard
from vague.ast.steps import CustomStep, Request
from vague.diagnostics import Fix
from vague.rules.registry import RuleTable
from vague.rules.wording import count, listed, replacement, suggestion
from vague.rules.words import (
    FUNCTION_WORDS,
    LITERAL_WORDS,
    NAME_WORDS,
    STEP_WORDS_OF_OTHERS,
    TYPE_WORDS,
)
from vague.suggestions import nearest
from vague.text import Span
from vague.traversal.events import Callee, FunctionUse, Kind, NameUse, Placeholder, Reference
from vague.traversal.expressions import STORE_METHODS
from vague.traversal.findings import EditAtElement
from vague.traversal.options import is_address, option_of
from vague.traversal.scopes import ContextKind, Layer
from vague.traversal.state import Walk
from vague.vocabulary.functions import FunctionSpec
from vague.vocabulary.keywords import DIRECTIVE_WORDS, STEP_WORDS
from vague.vocabulary.kinds import AMBIENT_NAMES, ELEMENT_NAMES, IS_TYPE_NAMES, TYPE_NAMES

REFERENCES = RuleTable()

_CODES: dict[Kind, str] = {
    "action": "RQ202",
    "store": "RQ203",
    "source": "RQ204",
    "schema": "RQ205",
    "transform": "RQ206",
    "type": "RQ214",
}

_OF_STAGES = "the condition of a stage sees stores and the mission's 'let's; a 'match' sees more"

# ---------------------------------------------------------------- plain names


@REFERENCES.on(NameUse)
def check_name(use: NameUse, walk: Walk) -> None:
    """RQ201: a plain name is a variable, a store or one of the names that are always there."""
    if use.kind is not None:
        return
    if is_address(use.name):
        _refuse_address(use, walk)
        return
    help_text, fixes = _name_help(use, walk)
    walk.report("RQ201", use.span, f"unknown name '{use.name}'", help_text, fixes)


def _refuse_address(use: NameUse, walk: Walk) -> None:
    """RQ303 for an address without quotes."""
    written = f'"{use.name}"'
    fixes = (replacement(walk, use.span, written),)
    walk.report(
        "RQ303", use.span, "an address must be a string", f"put it in quotes: '{written}'", fixes
    )


def _name_help(use: NameUse, walk: Walk) -> tuple[str | None, tuple[Fix, ...]]:
    return _foreign_name_help(use, walk) or _meant_name_help(use, walk)


def _foreign_name_help(use: NameUse, walk: Walk) -> tuple[str, tuple[Fix, ...]] | None:
    """What another language calls so, or a function whose parentheses are missing."""
    name = use.name
    if name in NAME_WORDS:
        return NAME_WORDS[name], ()
    spec = walk.surroundings.facts.vocabulary.functions.get(name)
    written = f"{name}()" if spec is not None and spec.maximum == 0 else LITERAL_WORDS.get(name)
    if written is None:
        return None
    return f"write '{written}'", (replacement(walk, use.span, written),)


def _meant_name_help(use: NameUse, walk: Walk) -> tuple[str | None, tuple[Fix, ...]]:
    name = use.name
    elsewhere = _visible_elsewhere(name, walk)
    if elsewhere is not None:
        return elsewhere, ()
    near, fixes = suggestion(walk, use.span, name, walk.visible_names())
    _count_meant(nearest(name, walk.visible_names()), walk)
    if walk.context.is_record:
        field = replacement(walk, use.span, f".{name}", safe=False)
        help_text = f"write '.{name}' for the field of {walk.context.kind.value}"
        return f"{help_text}; {near}" if near else help_text, (field, *fixes)
    if name.isupper():
        text = f'env("{name}")'
        return f"write '{text}' for the environment variable", (
            replacement(walk, use.span, text, safe=False),
            *fixes,
        )
    if near is None and walk.context.kind is ContextKind.RESPONSE:
        return f"a field of the response is 'response.{name}' or '.{name}'", ()
    if near is None and walk.layer is Layer.PIPELINE:
        return _OF_STAGES, ()
    return near, fixes


def _count_meant(name: str | None, walk: Walk) -> None:
    """What was probably meant is not called unused as well."""
    kind, binding = (None, None) if name is None else walk.resolve(name)
    if binding is not None:
        walk.found.used.add(binding)
    elif kind is not None and name is not None:
        walk.found.meant.add((kind, name))


def _visible_elsewhere(name: str, walk: Walk) -> str | None:
    """Why a name that exists means nothing here."""
    if walk.lets is not None and name not in walk.lets and walk.has_anywhere("let", name):
        return "a mission's 'let' sees only those that are written before it"
    if walk.layer is Layer.SETTINGS and walk.has("store", name):
        return "a store cannot be read before the mission runs"
    if name in ELEMENT_NAMES and walk.layer is Layer.ACTION:
        return f"'{name}' exists in the arguments of functions such as 'map' and 'filter' only"
    if name in AMBIENT_NAMES and walk.layer is Layer.PIPELINE:
        return _OF_STAGES
    if name in AMBIENT_NAMES and walk.layer is not Layer.ACTION:
        return f"'{name}' exists inside actions only"
    return None


@REFERENCES.on(Wildcard)
def check_wildcard(node: Wildcard, walk: Walk) -> None:
    """RQ220: `_` matches anything and is nothing."""
    walk.report("RQ220", node, "'_' is not a value", "give the pattern a name to use it")


@REFERENCES.on(ContextField)
def check_context_field(node: ContextField, walk: Walk) -> None:
    """RQ215: `.name` is a field of the current item, which settings and pipelines lack."""
    if walk.context.kind is ContextKind.NONE:
        message = f"'.{node.name.text}' has no current item here"
        walk.report("RQ215", node, message, "use 'env(…)', a mission-level 'let' or a store")


# ---------------------------------------------------------------- definitions


@REFERENCES.on(Reference)
def check_reference(reference: Reference, walk: Walk) -> None:
    """RQ202 to RQ206 and RQ214: a definition of this kind and name exists."""
    if reference.known:
        return
    code = _CODES[reference.kind]
    noun = "schema" if reference.kind == "schema" else reference.kind
    help_text, fixes = _reference_help(reference, walk)
    message = f"unknown {noun} '{reference.name}'"
    walk.report(code, reference.span, message, help_text, fixes)


def _reference_help(reference: Reference, walk: Walk) -> tuple[str | None, tuple[Fix, ...]]:
    if reference.kind == "type":
        return _type_help(reference, walk)
    candidates = walk.names(reference.kind)
    if reference.role == "type":
        candidates += IS_TYPE_NAMES
    elif reference.role == "arm":
        candidates += [*DIRECTIVE_WORDS]
    help_text, fixes = _near(reference, candidates, walk)
    if reference.kind == "store":
        declared = f'store {reference.name}: file("{reference.name}")'
        fixes = (*fixes, _declare(declared, walk))
        help_text = help_text or f"declare it: '{declared}'"
    return help_text or _how_to_declare(reference, walk), fixes


def _how_to_declare(reference: Reference, walk: Walk) -> str | None:
    """What to do where no name is near: what there is, or how such a thing is written."""
    name = reference.name
    if reference.role == "type" and name.lower() == "empty":
        return "write 'isEmpty(…)'"
    if reference.kind == "schema":
        return f"declare it: 'schema {name} {{ … }}'"
    known = walk.names(reference.kind)
    if reference.kind in ("action", "source") and known:
        return f"there {'is' if len(known) == 1 else 'are'} {listed(known)}"
    return f"declare it: '{reference.kind} {name} …'"


def _near(
    reference: Reference, candidates: list[str], walk: Walk
) -> tuple[str | None, tuple[Fix, ...]]:
    found = nearest(reference.name, candidates)
    if found is not None:
        walk.found.meant.add((reference.kind, found))
    if found is None or isinstance(reference.node, StringLiteral) != reference.quoted:
        return (None if found is None else f"did you mean '{found}'?"), ()
    text = f'"{found}"' if reference.quoted else found
    return f"did you mean '{found}'?", (replacement(walk, reference.span, text),)


def _type_help(reference: Reference, walk: Walk) -> tuple[str | None, tuple[Fix, ...]]:
    meant = TYPE_WORDS.get(reference.name.lower())
    if meant is not None:
        return f"write '{meant}'", (replacement(walk, reference.span, meant),)
    return _near(reference, [*TYPE_NAMES, *walk.names("schema")], walk)


def _declare(declaration: str, walk: Walk) -> Fix:
    """Put a declaration on a line of its own before the element."""
    line = walk.text_before()
    indent = line if not line.strip() else ""
    edit = EditAtElement(Span(0, 0), f"{declaration}\n{indent}")
    return Fix(f"declare '{declaration}'", (edit,), safe=False)


@REFERENCES.on(Request)
def check_request_has_source(step: Request, walk: Walk) -> None:
    """RQ212: without a source a request goes nowhere."""
    if walk.surroundings.mission.sources or step.source or step.from_source:
        return
    if option_of(step.options, "source") is None:
        start = walk.span(step).start
        word = Span(start, start + len(step.method))
        walk.report(
            "RQ212",
            word,
            f"'{step.method}' has no source to go to",
            "declare one: 'source API { base: \"https://…\" }'",
        )


@REFERENCES.on(CustomStep)
def check_custom_step(step: CustomStep, walk: Walk) -> None:
    """RQ211: a step that no plug-in registered."""
    steps = walk.surroundings.facts.vocabulary.custom_steps
    name = step.name.text
    if name in steps:
        return
    message = f"unknown step '{name}'"
    walk.found.uses_default_source = True
    meant = STEP_WORDS_OF_OTHERS.get(name.lower())
    if meant is not None:
        fixes = (replacement(walk, step.name, meant, safe=False),)
        walk.report("RQ211", step.name, message, f"did you mean '{meant}'?", fixes)
        return
    help_text, fixes = suggestion(walk, step.name, name, [*STEP_WORDS, *steps])
    walk.report("RQ211", step.name, message, help_text, fixes)


@REFERENCES.on(Placeholder)
def check_placeholder(placeholder: Placeholder, walk: Walk) -> None:
    """RQ216: `{name}` in a path is a variable, or a variable of the environment in capitals."""
    if placeholder.known:
        return
    text = placeholder.text.strip()
    message = f"'{{{text}}}' in a path can never have a value"
    root, dot, rest = text.partition(".")
    if not root and rest and walk.context.variable is not None:
        better = f"{walk.context.variable.name}.{rest}"
        fixes = (replacement(walk, placeholder.span, better),)
        walk.report("RQ216", placeholder.span, message, f"write '{{{better}}}'", fixes)
        return
    found = nearest(root.strip(), walk.visible_names()) if root else None
    if found is None:
        help_text = "a placeholder is the name of a variable, such as '{id}' or '{item.id}'"
        walk.report("RQ216", placeholder.span, message, help_text)
        return
    better = f"{found}{dot}{rest}"
    fixes = (replacement(walk, placeholder.span, better),)
    walk.report("RQ216", placeholder.span, message, f"did you mean '{{{better}}}'?", fixes)


# ---------------------------------------------------------------- functions

_SYNC_KEY = (
    "'lastSync' has its key as a plain string, such as 'lastSync(\"orders\")'; without one, each "
    "path has its own"
)


@REFERENCES.on(FunctionUse)
def check_function(use: FunctionUse, walk: Walk) -> None:
    """RQ209 and RQ210."""
    functions = walk.surroundings.facts.vocabulary.functions
    spec = functions.get(use.name)
    if spec is not None:
        _check_count(use, spec, walk)
        return
    message = f"unknown function '{use.name}'"
    meant = FUNCTION_WORDS.get(use.name.lower())
    if meant is not None and meant in functions:
        fixes = (replacement(walk, use.span, meant),)
        walk.report("RQ209", use.span, message, f"did you mean '{meant}'?", fixes)
        return
    help_text, fixes = suggestion(walk, use.span, use.name, functions)
    if help_text is None and use.name in STORE_METHODS:
        help_text = f"only a store has '.{use.name}(…)'"
    if help_text is None and use.name == "lastSync":
        help_text = _SYNC_KEY
    walk.report("RQ209", use.span, message, help_text, fixes)


def _check_count(use: FunctionUse, spec: FunctionSpec, walk: Walk) -> None:
    given = len(use.arguments)
    most = spec.maximum
    if given >= spec.minimum and (most is None or given <= most):
        return
    if most is None:
        wanted = f"at least {count(spec.minimum, 'argument')}"
    elif most == spec.minimum:
        wanted = count(most, "argument")
    else:
        wanted = f"{spec.minimum} to {most} arguments"
    message = f"'{use.name}' takes {wanted}, got {given}"
    walk.report("RQ210", use.span, message, f"the form is '{spec.signature}'")


@REFERENCES.on(Callee)
def check_callee(callee: Callee, walk: Walk) -> None:
    """RQ209: only named functions can be called."""
    help_text = "call a function by its name: 'f(x)'"
    walk.report("RQ209", callee.span, "only a named function can be called", help_text)
