"""Reading a text list by list: match an element, build it, go on with the next one.

A `Reader` goes through one text and collects what the elements are and what is wrong with them.
It calls the builders by the name of the rule that matched; they call it back for what stands
between brackets. It never raises for a program's mistakes: `recovery` words them and says where
reading goes on. What it has read is a `Reading`, which `parser` turns into a `Parsed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from vague import recovery, wording
from vague.ast.base import Identifier, Node, Placed
from vague.ast.definitions import (
    Action,
    Dataset,
    ErrorMember,
    Import,
    Mission,
    Schedule,
    Schema,
    Source,
    Store,
    Transform,
)
from vague.ast.expressions import ErrorExpression
from vague.ast.steps import Arm, Block, ErrorStep, MisplacedMember
from vague.build.readings import ONE, Element, Reading, place, shifted
from vague.diagnostics import Diagnostic, Fix, RelatedPlace, Severity, TextEdit
from vague.peg import MAXIMUM_CHAIN, MAXIMUM_DEPTH, Failure, ListForm, Tree, rules
from vague.slices import RESERVED, SPACE, Brackets
from vague.text import Span

Builder: TypeAlias = Callable[["Reader", Tree], Any]
PostfixBuilder: TypeAlias = Callable[["Reader", Any, Tree], Any]

_MEMBERS = (Mission, Schedule, Source, Store, Schema, Transform, Action, Import, Dataset)
_REFUSED: Final[dict[str, tuple[type[Node], ...]]] = {
    "members": (Mission,),
    "action_body": _MEMBERS,
    "block": _MEMBERS,
}
_EXPRESSIONS = frozenset({"arguments", "array", "group", "index"})
_MOST_TRUNCATIONS = 100
_MOST_PROBLEMS = 1000


class Reader:
    """The state of reading one text."""

    def __init__(
        self,
        text: str,
        brackets: Brackets,
        builders: Mapping[str, Builder],
        postfixes: Mapping[str, PostfixBuilder],
    ) -> None:
        self.text = text
        self.whole_text = text
        self.brackets = brackets
        self.builders = builders
        self.postfixes = postfixes
        self.base = 0
        self.depth = 0
        self.problems: list[Diagnostic] = []
        self.readings: list[Reading] = []
        self.known: dict[int, Reading] = {}
        self.used: set[int] = set()
        self._truncations = 0

    # ------------------------------------------------------------ for `peg`

    def close(self, opener: int) -> int:
        """Where the contents of the bracket at `opener` end."""
        return min(self.brackets.close(opener, len(self.text)), len(self.text))

    def after(self, opener: int) -> int:
        """Where the bracket at `opener` ends, its closer included."""
        close = self.close(opener)
        return close if opener in self.brackets.unclosed else close + 1

    # ------------------------------------------------------------ for the builders

    def build(self, tree: Tree) -> Any:
        """The node of a tree, by the builder of its rule."""
        return self.builders[tree.rule](self, tree)

    def span(self, tree: Tree) -> Span:
        """The span of a tree, counted from the element that is being built."""
        return Span(tree.start - self.base, tree.end - self.base)

    def written(self, tree: Tree) -> str:
        """The text of a tree."""
        return self.text[tree.start : tree.end]

    def add(self, problem: Diagnostic) -> None:
        """Keep a problem; of one statement only so many, for nobody reads more."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)

    def report(
        self,
        code: str,
        start: int,
        end: int,
        message: str,
        hint: str | None = None,
        fixes: tuple[Fix, ...] = (),
        related: tuple[RelatedPlace, ...] = (),
    ) -> None:
        """Add an error at offsets of the text."""
        span = Span(start, end)
        self.add(Diagnostic(code, Severity.ERROR, "", span, message, hint, fixes, related))

    def report_replacement(self, code: str, tree: Tree, better: str, message: str) -> None:
        """Report `tree`, with `better` in its place as the fix."""
        edit = TextEdit(Span(tree.start, tree.end), better)
        fix = Fix(f"replace '{self.written(tree)}' by '{better}'", (edit,))
        self.report(code, tree.start, tree.end, message, f"write '{better}'", (fix,))

    def deeper(self, tree: Tree) -> bool:
        """Go one level deeper for `tree`; False, with RQ014, where that is too deep."""
        if self.depth >= MAXIMUM_DEPTH:
            self.add(wording.too_deep(tree.start))
            return False
        self.depth += 1
        return True

    def chain(self, trees: list[Tree]) -> list[Tree]:
        """The pieces of a chain such as `a.b.c`, each of which nests the one before in its node."""
        if len(trees) <= MAXIMUM_CHAIN:
            return trees
        self.add(wording.too_long(trees[MAXIMUM_CHAIN].start))
        return trees[:MAXIMUM_CHAIN]

    # ------------------------------------------------------------ lists

    def whole(self, rule: str) -> Any:
        """The node of a text that is one `rule`; None where it cannot be read."""
        form = ListForm("whole", "", rule, "single")
        nodes = _PlainList(self, form, Tree(form.rule, -1, len(self.text), [])).read()
        self.odd(0, len(self.text))
        return nodes[0] if nodes else None

    def elements(self, tree: Tree) -> list[Any]:
        """The nodes of the elements between the brackets of `tree`; broken ones are left out."""
        if not self.deeper(tree):
            return []
        whole = self._truncate(tree)
        nodes = _PlainList(self, rules().forms[tree.rule], tree).read()
        self.text = whole
        self.depth -= 1
        return nodes

    def placed(self, tree: Tree) -> tuple[Placed[Any], ...]:
        """The placed elements between the brackets of `tree`."""
        if not self.deeper(tree):
            return ()
        form = rules().forms[tree.rule]
        reading = self._known(tree.start, form)
        if reading is None:
            whole = self._truncate(tree)
            reading = self.read(form, tree.start + 1, self.close(tree.start))
            self.text = whole
        self.readings.append(reading)
        self.depth -= 1
        return reading.placed

    def placed_one(self, tree: Tree) -> Placed[Any]:
        """A single placed element, such as the step of an arm."""
        known = self._known(tree.start, ONE)
        if known is not None and known.end - known.start == tree.end - tree.start:
            self.readings.append(known)
            return known.placed[0]
        base, problems, readings = self.base, self.problems, self.readings
        self.base, self.problems, self.readings = tree.start, [], []
        node = self.build(tree)
        self.odd(tree.start, tree.end)
        element = self.element(node, tree.end, tree.end)
        self.base, self.problems, self.readings = base, problems, readings
        start = tree.start - base
        placed = Placed(start, node)
        end = start + element.length
        count = int(element.troubled)
        reading = Reading(ONE, self.depth, start, end, [start], [element], (placed,), (), count)
        self.readings.append(reading)
        return placed

    def read(self, form: ListForm, start: int, end: int) -> Reading:
        """Read the placed elements from `start` to `end`, counted from the element around them."""
        elements = PlacedList(self, form, start, end)
        while elements.read_next():
            pass
        return elements.finish()

    def forgot_problems(self, end: int) -> bool:
        """Whether a known list with problems has found no place in what was read up to `end`."""
        return any(
            reading.troubled and start < end and start not in self.used
            for start, reading in self.known.items()
        )

    def _known(self, start: int, form: ListForm) -> Reading | None:
        """What has been read before at `start`, if it would be read in the same way."""
        reading = self.known.get(start)
        if reading is None or reading.form is not form or reading.depth != self.depth:
            return None
        self.used.add(start)
        inside = start if form is ONE else start + 1
        return reading.moved(inside - self.base - reading.start)

    def element(self, node: Node, stop: int, looked: int) -> Element:
        """The element that has been read from `base` to `stop`, with all that is wrong in it."""
        base = self.base
        problems = tuple(shifted(problem, -base) for problem in self.problems)
        readings = tuple(self.readings)
        troubled = bool(problems) or any(reading.troubled for reading in readings)
        reach = recovery.behind_tokens(self.text, max(looked, stop)) - base
        return Element(node, stop - base, reach, problems, readings, troubled)

    def odd(self, start: int, end: int) -> None:
        """Report the odd characters from `start` to `end`, those in placed lists left out."""
        oddities = self.brackets.odd(start, end)
        if not oddities:
            return
        inner = [(r.start + self.base, r.end + self.base) for r in self.readings]
        for oddity in oddities:
            if not any(begin <= oddity.start < stop for begin, stop in inner):
                self.add(wording.odd(self.text, oddity))

    def gap(self, form: ListForm, position: int, end: int, *, fresh: bool) -> tuple[int, bool]:
        """Where the next element starts, and whether a comma or nothing stands before it.

        `fresh`: no element stands before, so that no comma may follow. Placeholders are reported.
        """
        text = self.text
        while True:
            space = SPACE.match(text, position)
            position = position if space is None else space.end()
            if position >= end:
                return end, fresh
            mark = text[position]
            if mark == ",":
                if fresh or form.commas == "single":
                    self.add(_comma(form, position, fresh=fresh))
                fresh = True
                position += 1
            elif mark in ")]}":
                position += 1
            elif mark in "?." and recovery.is_placeholder(text, position, form):
                self.add(wording.placeholder(text, position))
                fresh = False
                position += 3
            else:
                return position, fresh

    def fragments(self, form: ListForm, start: int, end: int) -> list[Block]:
        """Read the blocks in a broken element, so that their own mistakes are found."""
        blocks: list[Block] = []
        for rule, opener in recovery.blocks(self.text, self, form, start, end):
            tree = Tree(rule, opener, self.after(opener), [])
            if rule in recovery.STEP_LISTS or rule in recovery.MEMBER_LISTS:
                steps = self.placed(tree)
                if rule == "block":
                    blocks.append(Block(self.span(tree), steps))
            else:
                blocks.extend(_arm_blocks(self.elements(tree)))
        return blocks

    def _truncate(self, tree: Tree) -> str:
        """Let the text end where an unclosed bracket does; the result is the text before."""
        text = self.text
        end = self.close(tree.start)
        unclosed = tree.start in self.brackets.unclosed and end < len(text)
        if unclosed and text[end] not in ")]}" and self._truncations < _MOST_TRUNCATIONS:
            self._truncations += 1
            self.text = text[:end]
        return text


class _PlainList:
    """Reads elements that are not placed: entries, arguments, arms, fields."""

    def __init__(self, reader: Reader, form: ListForm, tree: Tree) -> None:
        self._reader = reader
        self._form = form
        self._start = tree.start + 1
        self._end = reader.close(tree.start)
        self._nodes: list[Any] = []

    def read(self) -> list[Any]:
        reader, form, end = self._reader, self._form, self._end
        position, fresh = self._start, True
        before: Failure | None = None
        floor: int | None = None
        while True:
            position, fresh = reader.gap(form, position, end, fresh=fresh)
            if position >= end:
                break
            tree, failure = rules().match(form.element, reader.text, position, reader)
            if tree is not None and tree.end <= end and self._may_follow(tree, fresh=fresh):
                self._nodes.append(reader.build(tree))
                before = failure
                floor, position = tree.start, tree.end
            else:
                trouble = recovery.Trouble(
                    reader.whole_text,
                    reader.text,
                    reader,
                    form,
                    position,
                    end,
                    failure,
                    floor,
                    before,
                )
                position = self._broken(trouble, complete=tree is not None)
                floor, before = None, None
            fresh = False
        self._finish(before)
        return self._nodes

    def _may_follow(self, tree: Tree, *, fresh: bool) -> bool:
        """Whether an element may stand here; a missing comma is reported and forgiven."""
        if fresh or self._form.commas == "optional":
            return True
        if self._form.commas == "single":
            return not self._nodes
        reader = self._reader
        if recovery.is_lone(reader.text, tree.start):
            reader.add(wording.not_on_line(reader.text, tree.start))
        else:
            reader.add(wording.missing_comma(reader.text, tree.start))
        return True

    def _broken(self, trouble: recovery.Trouble, *, complete: bool) -> int:
        reader = self._reader
        if complete and self._form.commas == "single":
            trouble.failure = recovery.only_one(self._form, trouble.start)
        problem, stop = recovery.judge(trouble)
        if problem is not None:
            reader.add(problem)
        start = trouble.start
        if stop <= start:
            start = trouble.floor or start
            if self._nodes:
                self._nodes.pop()
        if self._form.rule in _EXPRESSIONS:
            self._nodes.append(ErrorExpression(Span(start - reader.base, stop - reader.base)))
        reader.fragments(self._form, start, stop)
        return stop

    def _finish(self, before: Failure | None) -> None:
        """Report what is missing before the closing bracket."""
        reader = self._reader
        if before is not None and before.pos >= self._end:
            return
        unclosed = self._start - 1 in reader.brackets.unclosed
        if self._form.commas == "single" and not self._nodes and not unclosed:
            reader.add(wording.nothing_between(reader.text, self._form.element, self._end))


class PlacedList:
    """Reads elements that are placed: items, members, steps; one with each `read_next`."""

    def __init__(self, reader: Reader, form: ListForm, start: int, end: int) -> None:
        self.position = start
        self.starts: list[int] = []
        self.elements: list[Element] = []
        self._reader = reader
        self._form = form
        self._start = start
        self._end = end
        self._around = (reader.base, reader.problems, reader.readings)
        self._base = reader.base
        self._before: Failure | None = None
        self._fresh = True

    def read_next(self) -> bool:
        """Read one more element; False, with the problems before the end, when there is none."""
        reader, form = self._reader, self._form
        slot = self.position
        reader.problems, reader.readings = [], []
        start, _ = reader.gap(form, slot, self._end, fresh=self._fresh)
        if start >= self._end:
            reader.base = self._base
            reader.odd(slot, self._end)
            return False
        tree, failure = rules().match(form.element, reader.text, start, reader)
        if tree is not None and tree.end <= self._end:
            reader.base = tree.start
            node = _in_its_place(form, reader.build(tree))
            self._add(slot, node, tree.end, failure.reach)
            self._before = failure
        else:
            self._broken(slot, start, failure, self._before)
            self._before = None
        self._fresh = False
        return True

    def go_on_at(self, position: int, *, fresh: bool) -> None:
        """Begin at `position`; `fresh`: no element of the list stands before it."""
        self.position = position
        self._fresh = fresh

    def tail(self) -> tuple[Diagnostic, ...]:
        """The problems behind the last element, counted from the end of the list."""
        return tuple(shifted(problem, -self._end) for problem in self._reader.problems)

    def finish(self) -> Reading:
        """The list; the reader goes back to the element around it."""
        reader, end = self._reader, self._end
        tail = self.tail()
        reader.base, reader.problems, reader.readings = self._around
        placed = place(self.starts, [element.node for element in self.elements])
        count = sum(element.troubled for element in self.elements)
        start, end = self._start - self._base, end - self._base
        return Reading(
            self._form, reader.depth, start, end, self.starts, self.elements, placed, tail, count
        )

    def _add(self, slot: int, node: Node, stop: int, looked: int) -> None:
        reader = self._reader
        reader.odd(slot, stop)
        self.starts.append(reader.base - self._base)
        self.elements.append(reader.element(node, stop, looked))
        self.position = stop

    def _broken(self, slot: int, start: int, failure: Failure, before: Failure | None) -> None:
        reader = self._reader
        floor = self.starts[-1] + self._base if self.starts else None
        trouble = recovery.Trouble(
            reader.whole_text,
            reader.text,
            reader,
            self._form,
            start,
            self._end,
            failure,
            floor,
            before,
        )
        problem, stop = recovery.judge(trouble)
        looked = failure.reach if problem is None else max(failure.reach, problem.span.end)
        kept: list[Diagnostic] = reader.problems
        if stop <= start and floor is not None:
            start = slot = floor
            self.starts.pop()
            behind = [shifted(one, start) for one in self.elements.pop().problems]
            kept = [one for one in behind if one.span.start < stop]
        reader.base = start
        reader.problems = kept if problem is None else [*kept, problem]
        blocks = reader.fragments(self._form, start, stop)
        self._add(slot, self._error_node(start, stop, blocks), stop, looked)

    def _error_node(self, start: int, stop: int, blocks: list[Block]) -> Node:
        span = Span(0, stop - start)
        if self._form.rule not in recovery.MEMBER_LISTS:
            return ErrorStep(span, tuple(blocks))
        head = recovery.head_of(self._reader.text, start, stop)
        if head is None:
            return ErrorMember(span)
        at = Span(head.start("name") - start, head.end("name") - start)
        return ErrorMember(span, head.group("kind"), Identifier(at, head.group("name")))


def _comma(form: ListForm, at: int, *, fresh: bool) -> Diagnostic:
    """RQ001 for a comma that parts nothing."""
    if form.commas == "single" and not fresh:
        return wording.superfluous_comma(wording.closing(form.opener), at)
    return wording.superfluous_comma(form.element, at)


def _arm_blocks(nodes: list[Any]) -> list[Block]:
    bodies = [node.body for node in nodes if isinstance(node, Arm)]
    return [body for body in bodies if isinstance(body, Block)]


def _in_its_place(form: ListForm, node: Node) -> Node:
    """The node, or the mark that a list of this form is no place for it."""
    refused = _REFUSED.get(form.rule)
    return MisplacedMember(node.span, node) if refused and isinstance(node, refused) else node


def declared(reader: Reader, tree: Tree) -> Identifier:
    """A name where it is declared or referred to; a reserved word is reported."""
    text = reader.written(tree)
    if tree.rule == "declared":
        if text in RESERVED:
            reader.add(wording.reserved(tree.start, tree.end, text))
        elif text == "_":
            reader.add(wording.no_name(tree.start))
    return Identifier(reader.span(tree), text)
