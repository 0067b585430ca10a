"""The signature of the call that is being written, with the argument at the cursor."""

from __future__ import annotations

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features import proposals
from reqon_lsp.features.place import Frame, place_at
from reqon_lsp.results import Signature
from vague.text import Span
from vague.vocabulary import Vocabulary


def signature_help(snapshot: Snapshot, path: str, offset: int) -> Signature | None:
    """The innermost call around an offset whose signature is known."""
    parsed = snapshot.parsed(path)
    if parsed is None:
        return None
    place = place_at(parsed, offset)
    if place.inside is not None and place.inside.kind == "comment":
        return None
    for frame in reversed(place.frames):
        if frame.kind == "call":
            found = _signature(frame, snapshot.vocabulary)
            if found is not None:
                return found
        elif frame.kind not in ("object", "array", "group", "expression_arms"):
            return None
    return None


def _signature(frame: Frame, vocabulary: Vocabulary) -> Signature | None:
    n_before = sum(token.text == "," for token in frame.tokens)
    spec = vocabulary.functions.get(frame.detail)
    if spec is not None:
        position = n_before + (1 if _is_method(frame) else 0)
        names = [str(parameter) for parameter in spec.parameters]
        position = _rest_or(position, names)
        return _labelled(
            spec.name, names, f" → {spec.returns}", proposals.function_help(spec), position
        )
    row = vocabulary.paginators.get(frame.detail)
    if row is not None and row.parameters:
        return _labelled(row.name, list(row.parameters), "", row.help, n_before)
    return None


def _is_method(frame: Frame) -> bool:
    """Whether the first parameter stands before the call: `list.map(…)`, `value | map(…)`."""
    head = frame.head
    return len(head) > 1 and head[-2].text in (".", "|")


def _rest_or(position: int, names: list[str]) -> int:
    if names and names[-1].startswith("..."):
        return min(position, len(names) - 1)
    return position


def _labelled(
    name: str, names: list[str], result: str, documentation: str, active: int
) -> Signature:
    label = f"{name}("
    spans: list[Span] = []
    for number, parameter in enumerate(names):
        label += ", " if number else ""
        spans.append(Span(len(label), len(label) + len(parameter)))
        label += parameter
    return Signature(f"{label}){result}", documentation, tuple(spans), active)
