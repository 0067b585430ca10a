"""Half-written texts: every prefix of every example answers every feature, without an error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reqon_lsp.analysis import Snapshot
from reqon_lsp.features.call_hierarchy import incoming_calls, outgoing_calls, prepare_calls
from reqon_lsp.features.code_actions import code_actions
from reqon_lsp.features.code_lens import code_lenses
from reqon_lsp.features.completion import completions
from reqon_lsp.features.folding import folding
from reqon_lsp.features.formatting import formatting, range_formatting
from reqon_lsp.features.hover import hover
from reqon_lsp.features.inlay_hints import store_hints, sync_hints
from reqon_lsp.features.inline_status import inline_status
from reqon_lsp.features.links import links
from reqon_lsp.features.navigation import definition, highlights, prepare_rename, references
from reqon_lsp.features.selection import selection
from reqon_lsp.features.semantic_tokens import semantic_tokens
from reqon_lsp.features.signature_help import signature_help
from reqon_lsp.features.symbols import document_symbols, workspace_symbols
from support.cursor import NOW, never, snapshot_of
from support.source_tree import ROOT
from vague.program import ProgramRoot
from vague.text import Span

EXAMPLES = sorted((ROOT / "examples").rglob("*.vague"))
PATH = "m.vague"
ROOT_FILE = ProgramRoot(PATH, "file", PATH)
STRIDE = 11

Slowest = dict[str, tuple[float, int]]
Feature = Callable[[Snapshot, int], object]


def calls(snapshot: Snapshot, offset: int) -> object:
    item = prepare_calls(snapshot, PATH, offset)
    if item is None:
        return None
    return list(incoming_calls(snapshot, item)), list(outgoing_calls(snapshot, item))


FEATURES: dict[str, Feature] = {
    "completion": lambda s, o: completions(s, PATH, o, never),
    "hover": lambda s, o: hover(s, PATH, o, never, NOW),
    "signature": lambda s, o: signature_help(s, PATH, o),
    "definition": lambda s, o: definition(s, PATH, o),
    "references": lambda s, o: references(s, PATH, o, declaration=True),
    "highlights": lambda s, o: highlights(s, PATH, o),
    "rename": lambda s, o: prepare_rename(s, PATH, o),
    "symbols": lambda s, _: document_symbols(s, PATH),
    "workspace": lambda s, _: workspace_symbols([s], "a"),
    "folding": lambda s, _: folding(s, PATH),
    "selection": lambda s, o: selection(s, PATH, o),
    "tokens": lambda s, _: list(semantic_tokens(s, PATH)),
    "tokens range": lambda s, o: list(semantic_tokens(s, PATH, Span(o // 2, o))),
    "formatting": lambda s, _: formatting(s, PATH),
    "range formatting": lambda s, o: range_formatting(s, PATH, Span(o // 2, o)),
    "actions": lambda s, o: list(code_actions(s, PATH, Span(o, o), lambda _: None, None)),
    "lenses": lambda s, _: list(code_lenses(s.headers.get(PATH, ()), lambda _: None)),
    "links": lambda s, _: list(links(s, PATH, lambda _: "/w/.vague-data")),
    "status": lambda s, _: list(inline_status(s, PATH, lambda _: None, NOW)),
    "stores": lambda s, _: list(store_hints(s, PATH, never)),
    "syncs": lambda s, _: list(sync_hints(s, PATH, never, NOW)),
    "calls": calls,
}


def answer_all(
    text: str, before: Snapshot | None, slowest: dict[str, tuple[float, int]]
) -> Snapshot:
    snapshot = snapshot_of(ROOT_FILE, {PATH: text}, before)
    for name, feature in FEATURES.items():
        started = time.perf_counter()
        feature(snapshot, len(text))
        took = time.perf_counter() - started
        slowest[name] = max(slowest.get(name, (0.0, 0)), (took, len(text)))
    return snapshot


def go_through(example: Path, stride: int) -> None:
    text = example.read_text(encoding="utf-8")
    slowest: Slowest = {}
    snapshot: Snapshot | None = None
    for length in range(len(text) % stride, len(text) + 1, stride):
        snapshot = answer_all(text[:length], snapshot, slowest)
    for name, (took, length) in sorted(slowest.items(), key=lambda item: -item[1][0])[:3]:
        sys.stdout.write(f"{example.name}: {name} took {took * 1000:.1f} ms at {length}\n")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_some_prefixes_of_an_example_answer_every_feature(example: Path):
    go_through(example, STRIDE)


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_prefix_of_an_example_answers_every_feature(example: Path):
    go_through(example, 1)
