"""The fields known of a value that stands before a dot: schemas, specs, literals, real records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features.place import Frame, Place, Token
from reqon_lsp.last_run import Past, Record
from vague.ast.expressions import Expression, Name
from vague.names import ScopeAt, scope_at
from vague.parser import parse_expression
from vague.shapes import KnownField, fields_of


def scope_of(snapshot: Snapshot, path: str, offset: int) -> ScopeAt | None:
    """What is in sight at an offset."""
    return scope_at(snapshot.program, snapshot.checked.facts, path, offset)


def samples_of(scope: ScopeAt, past: Past) -> Mapping[str, Sequence[Record]]:
    """Records of the mission's stores, by the store's name."""
    return past(scope.surroundings.mission).samples


def operand_before(tokens: Sequence[Token]) -> tuple[int, int] | None:
    """Start and end of the operand that the tokens end with, such as `a.b[0].c(d)`."""
    position = len(tokens) - 1
    end = tokens[position].end if tokens else 0
    start: int | None = None
    while position >= 0:
        token = tokens[position]
        if token.kind == "group" and token.text in ("(", "["):
            start, position = token.start, position - 1
            if position >= 0 and tokens[position].end == start and tokens[position].kind != "sign":
                continue
        elif token.kind in ("word", "string", "group"):
            start, position = token.start, position - 1
        else:
            break
        if not _is_dot(tokens, position, start):
            break
        start, position = tokens[position].start, position - 1
        if position < 0 or tokens[position].end != start or tokens[position].kind == "sign":
            break
    return None if start is None else (start, end)


def _is_dot(tokens: Sequence[Token], position: int, start: int) -> bool:
    return position >= 0 and tokens[position].text == "." and tokens[position].end == start


@dataclass(frozen=True, slots=True)
class FieldsHere:
    """What the fields of values are known from, at an offset of a file."""

    snapshot: Snapshot
    path: str
    offset: int
    scope: ScopeAt
    samples: Mapping[str, Sequence[Record]]

    def of(self, target: Expression | None) -> tuple[KnownField, ...]:
        """The fields of a value; without one, those that `.` means.

        Where nothing tells them, a local name that is stored as it is has the fields of the
        records that the store holds.
        """
        found = fields_of(self.scope, target, self.samples)
        if found or not isinstance(target, Name) or self.scope.binding(target.text) is None:
            return found
        store = self._store_of(target.text)
        return () if store is None else fields_of(self.scope, expression(store), self.samples)

    def _store_of(self, name: str) -> str | None:
        """The store that a local name is put into, as the words of its element tell."""
        text = self.snapshot.text(self.path)
        stored = re.compile(rf"\bstore\s+{re.escape(name)}\s*->\s*(\w+)")
        for element in self.snapshot.names.elements_of(self.path):
            start, end = element.span
            if start <= self.offset <= end:
                found = (match[1] for match in stored.finditer(text, start, end))
                stores = self.scope.surroundings.mission.stores
                return next((store for store in found if store in stores), None)
        return None


def fields_at(
    snapshot: Snapshot, path: str, place: Place, past: Past, text: str
) -> tuple[KnownField, ...]:
    """The fields that may follow the dot before the cursor's word."""
    scope = scope_of(snapshot, path, place.offset)
    if scope is None:
        return ()
    here = FieldsHere(snapshot, path, place.offset, scope, samples_of(scope, past))
    before = place.before
    dot, operand = before[-1], before[:-1]
    if operand and operand[-1].end == dot.start and operand[-1].kind != "sign":
        found = operand_before(operand)
        if found is None:
            return ()
        written = text[found[0] : found[1]]
        target = expression(written)
        known = here.of(target) if target is not None else ()
        return known or _of_element(written, place, here, text)
    stored = stored_value(place.frame, text)
    if stored is not None:
        value, store = stored
        return here.of(value) or here.of(expression(store))
    written = _written_context(operand, place.frame, text)
    known = here.of(written) if written is not None else ()
    return known or here.of(None)


def _of_element(written: str, place: Place, here: FieldsHere, text: str) -> tuple[KnownField, ...]:
    """The fields of what a loop or a callback that is still being written names its elements."""
    name = re.match(r"\w+", written)
    collection = None if name is None else _collection(name.group(), place)
    if name is None or collection is None:
        return ()
    start, end = collection
    target = expression(f"({text[start:end]}){written[name.end() :]}")
    return here.of(target) if target is not None else ()


def _collection(name: str, place: Place) -> tuple[int, int] | None:
    """Where the collection stands whose elements are called `name` in words at the cursor."""
    before = place.before
    texts = [token.text for token in before]
    if texts[:3] == ["for", name, "in"] and "where" in texts[4:]:
        return before[3].start, before[texts.index("where", 4) - 1].end
    frame = place.frame
    if frame.kind != "call" or texts[:2] != [name, "=>"]:
        return None
    arguments = [token for token in frame.tokens if token.start < before[0].start]
    if arguments:
        comma = next(n for n, token in enumerate(arguments) if token.text == ",")
        return operand_before(arguments[:comma])
    return operand_before(frame.head[:-2]) if len(frame.head) > 2 else None


def _written_context(before: Sequence[Token], frame: Frame, text: str) -> Expression | None:
    """What `.name` is a field of, as the words around it tell: for text that cannot be read yet."""
    where = next((n for n in range(len(before) - 1, -1, -1) if before[n].text == "where"), None)
    tokens = before[:where] if where is not None else ()
    if where is None and frame.head:
        first = frame.head[0].text
        arrow = next((n for n, token in enumerate(frame.head) if token.text == "->"), None)
        if first == "map" and arrow is not None:
            tokens = frame.head[1:arrow]
        elif first == "validate" and frame.kind == "assumes":
            tokens = frame.head[1:]
    found = operand_before(tokens)
    return expression(text[slice(*found)]) if found is not None else None


def stored_value(frame: Frame, text: str) -> tuple[Expression, str] | None:
    """In the options of `store value -> target`: the value and the target's name."""
    head = frame.head
    if frame.detail != "store" or not head:
        return None
    arrow = next((n for n, token in enumerate(head) if token.text == "->"), None)
    first = 2 if len(head) > 1 and head[1].text == "each" else 1
    if arrow is None or arrow <= first or arrow + 1 >= len(head):
        return None
    value = expression(text[head[first].start : head[arrow - 1].end])
    return None if value is None else (value, head[arrow + 1].text)


def expression(text: str) -> Expression | None:
    """An expression, if the text is one."""
    found, problems = parse_expression(text)
    return None if problems else found
