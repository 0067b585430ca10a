"""Texts that lead somewhere: imported files, OpenAPI documents, the files of stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reqon_lsp.analysis import Snapshot
from reqon_lsp.last_run import store_file
from reqon_lsp.results import Link
from vague.ast.expressions import Call, StringLiteral
from vague.program import Region, dirname, join

StateFolder = Callable[[str], str]
"""The state folder of the missions in a file."""


def links(snapshot: Snapshot, path: str, state_folder: StateFolder) -> Iterator[Link]:
    """The links of a file, in no particular order."""
    source = snapshot.program.files.get(path)
    if source is None:
        return
    for region in (source.region, *(part.region for part in source.region.missions)):
        yield from _of_region(region, path, state_folder)


def _of_region(region: Region, path: str, state_folder: StateFolder) -> Iterator[Link]:
    for imported in region.imports:
        yield _link(imported.node.path, imported.start, path, "open what is imported")
    for source in region.sources.values():
        if source.node.spec is not None:
            yield _link(source.node.spec, source.start, path, "open the OpenAPI document")
    for store in region.stores.values():
        file = store_file(store.node, state_folder(path))
        adapter = store.node.adapter
        literal = adapter.arguments[0] if isinstance(adapter, Call) and adapter.arguments else None
        if file is not None and isinstance(literal, StringLiteral):
            span = store.absolute(literal.span)
            yield Link(span, file, is_url=False, tooltip="open the records of the store")


def _link(literal: StringLiteral, start: int, path: str, tooltip: str) -> Link:
    span = literal.span.shifted(start)
    is_url = literal.value.startswith(("http://", "https://"))
    target = literal.value if is_url else join(dirname(path), literal.value)
    return Link(span, target, is_url, tooltip)
