"""The head of a loop: its clauses, and what people write there by mistake.

How a loop keeps its place is easily written in a dozen wrong ways. Each of them is read here as
what was meant, with one exact message and the fix, so that the body of the loop is checked all the
same.
"""

from __future__ import annotations

import re

from vague import wording
from vague.ast.expressions import ErrorExpression, Expression, NumberLiteral
from vague.ast.steps import CheckpointClause, ParallelClause, WhereClause
from vague.build.reader import Builder, Reader, declared
from vague.diagnostics import Fix, TextEdit
from vague.peg import Tree
from vague.text import Span

_USUAL_SIZE = "100"
_GLUED = re.compile(r"([0-9]+)(?![eE][0-9])[A-Za-z]\w*\Z")


def report_each(reader: Reader, tree: Tree) -> None:
    """RQ001 for `for each x in`."""
    hint = "write 'for' without 'each'"
    _refuse(reader, tree, "a name", hint, _until_next(reader, tree, ""))


def report_second_variable(reader: Reader, tree: Tree) -> None:
    """RQ001 for `for x, i in`."""
    comma, name = tree.parts[0], tree.parts[1]
    declared(reader, name)
    hint = "a loop has one variable; 'map((x, i) => …)' knows the position"
    _refuse(reader, comma, "'in'", hint, _fix(comma.start, name.end, "", safe=False))


def _no_collection(reader: Reader, tree: Tree) -> ErrorExpression:
    """`for x in {`."""
    fix = _fix(tree.start, tree.start, "items ", safe=False)
    _refuse(reader, tree, "a value", "name the array or the store to go through", fix)
    return ErrorExpression(reader.span(tree))


def _checkpoint(reader: Reader, tree: Tree) -> CheckpointClause:
    _, _, size, noun = tree.parts
    _report_noun(reader, noun)
    return CheckpointClause(reader.span(tree), _size(reader, size))


def _size(reader: Reader, tree: Tree) -> Expression:
    if tree.rule == "no_size":
        hint = f"write how many items: 'checkpoint every {_USUAL_SIZE}'"
        fix = _fix(tree.start, tree.start, f"{_USUAL_SIZE} ", safe=False)
        _refuse(reader, tree, "a number", hint, fix)
        return ErrorExpression(reader.span(tree))
    written = reader.written(tree)
    glued = _GLUED.match(written)
    if tree.rule != "thousands" and glued is None:
        return reader.build(tree)
    digits = written.replace(",", "") if glued is None else glued.group(1)
    message = f"malformed number '{written}'"
    hint = f"write '{digits}'" if glued is None else f"write '{digits}': it counts items"
    fix = _fix(tree.start, tree.end, digits, safe=glued is None)
    reader.report("RQ005", tree.start, tree.end, message, hint, (fix,))
    return NumberLiteral(reader.span(tree), int(digits), digits)


def _checkpoint_slip(reader: Reader, tree: Tree) -> CheckpointClause:
    """`checkpoint 100`, `checkpoint: 100`, `checkpoint(100)`, `checkpoint every: 100`."""
    word, slip, size, noun = tree.parts
    number = reader.written(size)
    bare = number[1:-1].strip() if size.rule == "group" else number
    wanted = "a number" if reader.written(slip).startswith("every") else "'every'"
    at = slip.start + (reader.written(slip).find(":") if wanted == "a number" else 0)
    fix = _fix(word.end, size.end, f" every {bare}")
    _refuse_at(reader, at, wanted, f"write 'checkpoint every {bare}'", fix)
    _report_noun(reader, noun)
    return CheckpointClause(reader.span(tree), reader.build(size))


def _every_slip(reader: Reader, tree: Tree) -> CheckpointClause:
    """`every 100` without `checkpoint`."""
    word, size, noun = tree.parts
    hint = f"write 'checkpoint every {reader.written(size)}'"
    _refuse(reader, word, "'checkpoint'", hint, _fix(word.start, word.start, "checkpoint "))
    _report_noun(reader, noun)
    return CheckpointClause(reader.span(tree), reader.build(size))


def _report_noun(reader: Reader, tree: Tree | None) -> None:
    """RQ001 for `checkpoint every 100 items`."""
    if tree is not None:
        word = tree.parts[0]
        hint = f"leave '{reader.written(word)}' out: the number counts items"
        _refuse(reader, word, "'{'", hint, _until_next(reader, word, ""))


def _filler(reader: Reader, tree: Tree) -> None:
    """A comma or `with` between the clauses of a loop: it is left out."""
    written = reader.written(tree)
    fix = _fix(tree.start, tree.end, "") if written == "," else _until_next(reader, tree, "")
    _refuse(reader, tree, "a clause", f"remove '{written}'", fix)


def _where_clause(reader: Reader, tree: Tree) -> WhereClause:
    return WhereClause(reader.span(tree), reader.build(tree.parts[1]))


def _parallel(reader: Reader, tree: Tree) -> ParallelClause:
    width = tree.parts[1]
    value = None if width is None else reader.build(width.parts[0])
    return ParallelClause(reader.span(tree), value)


# ---------------------------------------------------------------- pieces


def _refuse(reader: Reader, tree: Tree, wanted: str, hint: str, fix: Fix) -> None:
    _refuse_at(reader, tree.start, wanted, hint, fix)


def _refuse_at(reader: Reader, at: int, wanted: str, hint: str, fix: Fix) -> None:
    found, end = wording.found_at(reader.text, at)
    message = f"expected {wanted}, found {wording.quoted(found)}"
    reader.report("RQ001", at, end, message, hint, (fix,))


def _fix(start: int, end: int, text: str, *, safe: bool = True) -> Fix:
    title = f"write '{text.strip()}'" if text.strip() else "remove it"
    return Fix(title, (TextEdit(Span(start, end), text),), safe)


def _until_next(reader: Reader, tree: Tree, text: str) -> Fix:
    """The fix that writes `text` for a word and the blanks behind it."""
    end = tree.end
    while end < len(reader.text) and reader.text[end] in " \t":
        end += 1
    return _fix(tree.start, end, text)


BUILDERS: dict[str, Builder] = {
    "no_collection": _no_collection,
    "where_clause": _where_clause,
    "checkpoint": _checkpoint,
    "checkpoint_slip": _checkpoint_slip,
    "every_slip": _every_slip,
    "filler": _filler,
    "parallel": _parallel,
}
