"""Requests of the client: positions in, a pure feature, its answer out.

Each handler takes the document's newest snapshot, asks one feature, and converts. All stand
behind the fence: a failing feature answers empty.
"""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from reqon_lsp import convert, replies
from reqon_lsp.analysis import local_now
from reqon_lsp.connection import ReqonServer
from reqon_lsp.features.call_hierarchy import (
    action_item,
    incoming_calls,
    outgoing_calls,
    prepare_calls,
)
from reqon_lsp.features.code_actions import KINDS, code_actions
from reqon_lsp.features.completion import completions
from reqon_lsp.features.folding import folding
from reqon_lsp.features.formatting import formatting, range_formatting
from reqon_lsp.features.hover import hover
from reqon_lsp.features.links import links
from reqon_lsp.features.navigation import (
    definition,
    highlights,
    prepare_rename,
    references,
    rename,
)
from reqon_lsp.features.selection import selection
from reqon_lsp.features.semantic_tokens import semantic_tokens, stretches, tokens_of_text
from reqon_lsp.features.signature_help import signature_help
from reqon_lsp.features.symbols import document_symbols, workspace_symbols
from reqon_lsp.guard import fenced
from reqon_lsp.protocol import Prepared
from reqon_lsp.results import CallEdge, CallItem, CodeAction
from reqon_lsp.token_data import encoded, joined
from vague.text import Span

# ---------------------------------------------------------------- writing


@fenced()
def on_completion(ls: ReqonServer, params: types.CompletionParams) -> Prepared | None:
    """What may stand at the cursor."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return None
    snapshot, path, index = found
    answer = completions(snapshot, path, index.offset(params.position), ls.past)
    return replies.completion_list(answer, index, ls.abilities)


def on_completion_resolve(ls: ReqonServer, item: types.CompletionItem) -> types.CompletionItem:
    """The documentation of one item; the item as it is where that fails."""
    return _documented(ls, item) or item


@fenced()
def _documented(ls: ReqonServer, item: types.CompletionItem) -> types.CompletionItem:
    return replies.resolved_completion(item, ls.abilities)


@fenced()
def on_signature_help(
    ls: ReqonServer, params: types.SignatureHelpParams
) -> types.SignatureHelp | None:
    """The call that is being written."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return None
    snapshot, path, index = found
    answer = signature_help(snapshot, path, index.offset(params.position))
    return replies.signature_help(answer, ls.abilities) if answer is not None else None


@fenced(empty=[])
def on_formatting(ls: ReqonServer, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
    """The whole document's layout."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return []
    snapshot, path, index = found
    return replies.text_edits(formatting(snapshot, path, ls.memory(path).layout), index)


@fenced(empty=[])
def on_range_formatting(
    ls: ReqonServer, params: types.DocumentRangeFormattingParams
) -> list[types.TextEdit]:
    """The layout of some lines."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return []
    snapshot, path, index = found
    span, earlier = index.span(params.range), ls.memory(path).layout
    return replies.text_edits(range_formatting(snapshot, path, span, earlier), index)


# ---------------------------------------------------------------- reading


@fenced()
def on_hover(ls: ReqonServer, params: types.HoverParams) -> types.Hover | None:
    """What stands under the cursor."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return None
    snapshot, path, index = found
    answer = hover(snapshot, path, index.offset(params.position), ls.past, local_now())
    if answer is None:
        return None
    content = replies.markup(answer.text, ls.abilities.hover_formats)
    return types.Hover(content, index.range(answer.span))


@fenced()
def on_definition(
    ls: ReqonServer, params: types.DefinitionParams
) -> types.Location | list[types.LocationLink] | None:
    """Where the name under the cursor is declared."""
    found = ls.current(params.text_document.uri)
    answer = None
    if found is not None:
        answer = definition(found[0], found[1], found[2].offset(params.position))
    if found is None or answer is None:
        return None
    origin, place = answer
    target = ls.files.location(place)
    if not ls.abilities.definition_links:
        return target
    origin_range = found[2].range(origin)
    return [types.LocationLink(target.uri, target.range, target.range, origin_range)]


@fenced(empty=[])
def on_references(ls: ReqonServer, params: types.ReferenceParams) -> list[types.Location]:
    """Every place that names the same thing."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return []
    snapshot, path, index = found
    places = references(
        snapshot,
        path,
        index.offset(params.position),
        declaration=params.context.include_declaration,
    )
    return [ls.files.location(place) for place in places]


@fenced(empty=[])
def on_document_highlight(
    ls: ReqonServer, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight]:
    """The same name in this document."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return []
    snapshot, path, index = found
    kinds = {
        True: types.DocumentHighlightKind.Write,
        False: types.DocumentHighlightKind.Read,
    }
    return [
        types.DocumentHighlight(index.range(one.span), kinds[one.writes])
        for one in highlights(snapshot, path, index.offset(params.position))
    ]


@fenced()
def on_prepare_rename(
    ls: ReqonServer, params: types.PrepareRenameParams
) -> types.PrepareRenamePlaceholder | None:
    """The name that can be renamed here."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return None
    snapshot, path, index = found
    answer = prepare_rename(snapshot, path, index.offset(params.position))
    if answer is None:
        return None
    span, name = answer
    return types.PrepareRenamePlaceholder(index.range(span), name)


@fenced()
def on_rename(ls: ReqonServer, params: types.RenameParams) -> types.WorkspaceEdit | None:
    """Another name, in every file of the program."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return None
    snapshot, path, index = found
    edits = rename(snapshot, path, index.offset(params.position), params.new_name)
    return ls.files.workspace_edit(edits, ls.abilities)


# ---------------------------------------------------------------- the document


@fenced(empty=[])
def on_document_symbol(
    ls: ReqonServer, params: types.DocumentSymbolParams
) -> Prepared | list[types.SymbolInformation]:
    """The outline."""
    uri = params.text_document.uri
    found = ls.current(uri)
    if found is None:
        return []
    snapshot, path, index = found
    symbols = document_symbols(snapshot, path)
    if ls.abilities.hierarchical_symbols:
        return replies.document_symbols(symbols, index)
    return replies.flat_symbols(symbols, index, uri)


@fenced(empty=[])
async def on_workspace_symbol(
    ls: ReqonServer, params: types.WorkspaceSymbolParams
) -> list[types.SymbolInformation]:
    """Names of all programs below the workspace's folders."""
    await ls.read_workspace()
    return [
        types.SymbolInformation(
            location=ls.files.location(symbol.place),
            name=symbol.name,
            kind=replies.ITEM_KINDS[symbol.kind][1],
            container_name=symbol.container or None,
        )
        for symbol in workspace_symbols(ls.analysis.all_snapshots(), params.query)
    ]


@fenced()
def on_folding_range(ls: ReqonServer, params: types.FoldingRangeParams) -> Prepared | None:
    """What can be folded."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return None
    folds = folding(found[0], found[1], ls.abilities.fold_limit)
    return replies.folding_ranges(folds, ls.abilities)


@fenced(empty=[])
def on_selection_range(
    ls: ReqonServer, params: types.SelectionRangeParams
) -> list[types.SelectionRange]:
    """What a selection grows to, for each position."""
    found = ls.current(params.text_document.uri)
    if found is None:
        zero = types.Position(0, 0)
        return [types.SelectionRange(types.Range(zero, zero)) for _ in params.positions]
    snapshot, path, index = found
    return [
        replies.selection_range(selection(snapshot, path, index.offset(position)), index)
        for position in params.positions
    ]


@fenced()
def on_semantic_tokens(ls: ReqonServer, params: types.SemanticTokensParams) -> Prepared | None:
    """All words with their meaning."""
    uri = params.text_document.uri
    found = ls.current(uri)
    if found is None:
        return _unchecked_tokens(ls, uri, None)
    snapshot, path, index = found
    known = ls.memory(path).tokens
    return replies.tokens(known.joined(stretches(snapshot, path), index))


@fenced()
def on_semantic_tokens_range(
    ls: ReqonServer, params: types.SemanticTokensRangeParams
) -> Prepared | None:
    """Those of some lines."""
    uri = params.text_document.uri
    found = ls.current(uri)
    if found is None:
        return _unchecked_tokens(ls, uri, params.range)
    snapshot, path, index = found
    tokens = semantic_tokens(snapshot, path, index.span(params.range))
    return replies.tokens(joined([(0, encoded(tokens, index))]))


def _unchecked_tokens(ls: ReqonServer, uri: str, range_: types.Range | None) -> Prepared | None:
    unchecked = ls.unchecked(uri)
    if unchecked is None:
        return None
    text, index = unchecked
    tokens = tokens_of_text(text, index.span(range_) if range_ is not None else None)
    return replies.tokens(joined([(0, encoded(tokens, index))]))


@fenced(empty=[])
def on_document_link(ls: ReqonServer, params: types.DocumentLinkParams) -> list[types.DocumentLink]:
    """What leads to another file."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return []
    snapshot, path, index = found
    return [
        replies.document_link(link, index, ls.abilities)
        for link in links(snapshot, path, ls.session.state_folder)
    ]


# ---------------------------------------------------------------- missions


@fenced(empty=[])
def on_code_action(
    ls: ReqonServer, params: types.CodeActionParams
) -> list[types.CodeAction | types.Command]:
    """Fixes, and what can be done with the mission."""
    uri = params.text_document.uri
    found = ls.current(uri)
    if found is None:
        return []
    snapshot, path, index = found
    only = tuple(str(getattr(kind, "value", kind)) for kind in params.context.only or ())
    automatic = params.context.trigger_kind is types.CodeActionTriggerKind.Automatic
    actions = code_actions(
        snapshot,
        path,
        index.span(params.range),
        lambda name: ls.latest_in(path, name),
        only or (("quickfix",) if automatic else None),
    )
    return [_action(action, params, index, ls) for action in actions]


def _action(
    action: CodeAction, params: types.CodeActionParams, index: convert.LineIndex, ls: ReqonServer
) -> types.CodeAction | types.Command:
    uri = params.text_document.uri
    command = None
    if action.command is not None:
        command = replies.command(action.command, uri, ls.abilities, action.title)
        if not ls.abilities.action_literals:
            return command
    edit = ls.files.workspace_edit(action.edits, ls.abilities) if action.edits else None
    fixed = [
        each
        for each in params.context.diagnostics
        if action.fixes is not None
        and each.code == action.fixes[0]
        and each.range == index.range(action.fixes[1])
    ]
    return types.CodeAction(
        action.title,
        kind=action.kind,
        diagnostics=fixed or None,
        is_preferred=action.preferred or None,
        edit=edit,
        command=command,
    )


@fenced(empty=[])
def on_code_lens(ls: ReqonServer, params: types.CodeLensParams) -> list[types.CodeLens]:
    """What can be done with each mission, and its status where hints cannot show it."""
    uri = params.text_document.uri
    found = ls.current(uri)
    if found is None:
        return []
    _, path, index = found
    lenses = [replies.lens(lens, uri, index, ls.abilities) for lens in ls.lenses(path)]
    if ls.status_render == "codeLens":
        for hint in ls.status_hints(path):
            at = index.position(index.line_end(hint.offset))
            start = types.Position(at.line, 0)
            argument: Any = {"uri": uri, "mission": hint.mission}
            command = types.Command(
                hint.label, replies.command_id("history", ls.abilities), None, [argument]
            )
            lenses.append(types.CodeLens(types.Range(start, start), command))
    return lenses


_AS_HINTS = ("auto", "inlayHint")
"""A client that asks shows them, even if it did not announce that it can."""


@fenced(empty=[])
def on_inlay_hint(ls: ReqonServer, params: types.InlayHintParams) -> list[types.InlayHint]:
    """The status beside each mission, counts beside stores, sync times beside requests."""
    uri = params.text_document.uri
    first, last = params.range.start.line, params.range.end.line
    hints = [hint for hint in _hints(ls, uri) if first <= hint.position.line <= last]
    if ls.abilities.resolves_tooltips:
        for hint in hints:
            hint.tooltip, hint.data = None, {"uri": uri}
    return hints


def on_inlay_hint_resolve(ls: ReqonServer, hint: types.InlayHint) -> types.InlayHint:
    """The tooltip of one hint; the hint as it is where its line has none any more."""
    return _explained(ls, hint) or hint


@fenced()
def _explained(ls: ReqonServer, hint: types.InlayHint) -> types.InlayHint:
    data: Any = hint.data
    uri = data.get("uri") if isinstance(data, dict) else getattr(data, "uri", None)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    for now in _hints(ls, uri) if isinstance(uri, str) else ():
        if now.position.line == hint.position.line:
            hint.tooltip = now.tooltip
    return hint


def _hints(ls: ReqonServer, uri: str) -> list[types.InlayHint]:
    """All hints of a document in the order of their lines, one a line."""
    found = ls.current(uri)
    if found is None:
        return []
    _, path, index = found
    hints: dict[int, types.InlayHint] = {}
    if ls.session.settings.hints_status and ls.session.settings.status_render in _AS_HINTS:
        for status in ls.status_hints(path):
            tooltip = replies.status_tooltip(status, ls.abilities)
            hint = _hint(status.offset, status.label, tooltip, index)
            hint.label = replies.status_label(status, uri, ls.abilities)
            hints.setdefault(hint.position.line, hint)
    for other in ls.data_hints(path):
        hint = _hint(other.offset, other.label, other.tooltip, index)
        hints.setdefault(hint.position.line, hint)
    return [hint for _, hint in sorted(hints.items())]


def _hint(offset: int, label: str, tooltip: str, index: convert.LineIndex) -> types.InlayHint:
    return types.InlayHint(
        position=index.position(index.line_end(offset)),
        label=label,
        tooltip=types.MarkupContent(types.MarkupKind.Markdown, tooltip),
        padding_left=True,
    )


@fenced(empty=[])
def on_prepare_calls(
    ls: ReqonServer, params: types.CallHierarchyPrepareParams
) -> list[types.CallHierarchyItem]:
    """The action at the cursor."""
    found = ls.current(params.text_document.uri)
    if found is None:
        return []
    snapshot, path, index = found
    item = prepare_calls(snapshot, path, index.offset(params.position))
    return [replies.call_item(item, ls.files)] if item is not None else []


@fenced(empty=[])
def on_incoming_calls(
    ls: ReqonServer, params: types.CallHierarchyIncomingCallsParams
) -> list[types.CallHierarchyIncomingCall]:
    """The actions that run this one."""
    found = _item(ls, params.item)
    if found is None:
        return []
    snapshot, item = found
    return [
        types.CallHierarchyIncomingCall(
            replies.call_item(edge.item, ls.files), _ranges(edge, edge.item.path, ls)
        )
        for edge in incoming_calls(snapshot, item)
    ]


@fenced(empty=[])
def on_outgoing_calls(
    ls: ReqonServer, params: types.CallHierarchyOutgoingCallsParams
) -> list[types.CallHierarchyOutgoingCall]:
    """The actions that this one runs."""
    found = _item(ls, params.item)
    if found is None:
        return []
    snapshot, item = found
    return [
        types.CallHierarchyOutgoingCall(
            replies.call_item(edge.item, ls.files), _ranges(edge, item.path, ls)
        )
        for edge in outgoing_calls(snapshot, item)
    ]


def _item(ls: ReqonServer, item: types.CallHierarchyItem) -> tuple[Any, CallItem] | None:
    path = convert.path_of(item.uri) or item.uri
    for snapshot in ls.analysis.all_snapshots():
        if path in snapshot.program.files:
            found = action_item(snapshot, item.name, path)
            if found is not None:
                return snapshot, found
    return None


def _ranges(edge: CallEdge, path: str, ls: ReqonServer) -> list[types.Range]:
    index = ls.index_of(path)
    return [index.range(Span(*span)) for span in edge.places]


REQUESTS: dict[str, tuple[Any, Any]] = {
    types.TEXT_DOCUMENT_COMPLETION: (
        on_completion,
        types.CompletionOptions(
            trigger_characters=[".", ":", '"', "/", "@", " "], resolve_provider=True
        ),
    ),
    types.COMPLETION_ITEM_RESOLVE: (on_completion_resolve, None),
    types.TEXT_DOCUMENT_SIGNATURE_HELP: (
        on_signature_help,
        types.SignatureHelpOptions(trigger_characters=["(", ","], retrigger_characters=[")"]),
    ),
    types.TEXT_DOCUMENT_FORMATTING: (on_formatting, None),
    types.TEXT_DOCUMENT_RANGE_FORMATTING: (on_range_formatting, None),
    types.TEXT_DOCUMENT_HOVER: (on_hover, None),
    types.TEXT_DOCUMENT_DEFINITION: (on_definition, None),
    types.TEXT_DOCUMENT_REFERENCES: (on_references, None),
    types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (on_document_highlight, None),
    types.TEXT_DOCUMENT_PREPARE_RENAME: (on_prepare_rename, None),
    types.TEXT_DOCUMENT_RENAME: (on_rename, types.RenameOptions(prepare_provider=True)),
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (on_document_symbol, None),
    types.WORKSPACE_SYMBOL: (on_workspace_symbol, None),
    types.TEXT_DOCUMENT_FOLDING_RANGE: (on_folding_range, None),
    types.TEXT_DOCUMENT_SELECTION_RANGE: (on_selection_range, None),
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: (on_semantic_tokens, replies.legend()),
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE: (on_semantic_tokens_range, replies.legend()),
    types.TEXT_DOCUMENT_DOCUMENT_LINK: (on_document_link, None),
    types.TEXT_DOCUMENT_CODE_ACTION: (
        on_code_action,
        types.CodeActionOptions(code_action_kinds=list(KINDS)),
    ),
    types.TEXT_DOCUMENT_CODE_LENS: (on_code_lens, None),
    types.TEXT_DOCUMENT_INLAY_HINT: (on_inlay_hint, None),
    types.INLAY_HINT_RESOLVE: (on_inlay_hint_resolve, None),
    types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY: (on_prepare_calls, None),
    types.CALL_HIERARCHY_INCOMING_CALLS: (on_incoming_calls, None),
    types.CALL_HIERARCHY_OUTGOING_CALLS: (on_outgoing_calls, None),
}
