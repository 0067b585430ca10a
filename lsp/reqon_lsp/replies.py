"""From plain results to the client's types: places in its units, kinds as its numbers.

The way out for every feature's answer; `convert` holds the units themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from lsprotocol import types

from reqon_lsp import results
from reqon_lsp.convert import LineIndex, plain_range, uri_of
from reqon_lsp.features import semantic_tokens
from reqon_lsp.features.inline_status import StatusHint
from reqon_lsp.protocol import Prepared
from reqon_lsp.results import ItemKind
from vague.diagnostics import TextEdit
from vague.text import Span

_K, _S = types.CompletionItemKind, types.SymbolKind
ITEM_KINDS: Mapping[ItemKind, tuple[types.CompletionItemKind, types.SymbolKind]] = {
    ItemKind.KEYWORD: (_K.Keyword, _S.Key),
    ItemKind.OPTION: (_K.Property, _S.Property),
    ItemKind.WORD: (_K.EnumMember, _S.EnumMember),
    ItemKind.UNIT: (_K.Unit, _S.Constant),
    ItemKind.TYPE: (_K.TypeParameter, _S.TypeParameter),
    ItemKind.FUNCTION: (_K.Function, _S.Function),
    ItemKind.VARIABLE: (_K.Variable, _S.Variable),
    ItemKind.FIELD: (_K.Field, _S.Field),
    ItemKind.MISSION: (_K.Module, _S.Module),
    ItemKind.ACTION: (_K.Method, _S.Method),
    ItemKind.SOURCE: (_K.Interface, _S.Interface),
    ItemKind.STORE: (_K.Class, _S.Class),
    ItemKind.SCHEMA: (_K.Struct, _S.Struct),
    ItemKind.TRANSFORM: (_K.Function, _S.Function),
    ItemKind.OPERATION: (_K.Method, _S.Method),
    ItemKind.FILE: (_K.File, _S.File),
    ItemKind.EVENT: (_K.Event, _S.Event),
}
RESUME = " · resume"
_MAX_LINE = 43
"""What VS Code shows of the hints of one line, unless its user wants more."""

_Json = dict[str, Any]

Formats = Sequence[types.MarkupKind | str]
"""The kinds of text that a client takes, best first."""


@dataclass(slots=True)
class Abilities:
    """What the client can take, as it said at `initialize`."""

    snippets: bool = False
    label_details: bool = False
    hover_formats: Formats = ()
    completion_formats: Formats = ()
    signature_formats: Formats = ()
    hierarchical_symbols: bool = False
    definition_links: bool = False
    document_changes: bool = False
    related_information: bool = False
    inlay_hints: bool = False
    resolves_tooltips: bool = False
    refreshes_hints: bool = False
    refreshes_lenses: bool = False
    label_offsets: bool = False
    action_literals: bool = False
    link_tooltips: bool = False
    progress: bool = False
    shows_documents: bool = False
    pulls_settings: bool = False
    watches_files: bool = False
    collapsed_text: bool = False
    icons: bool = False
    """Whether `$(play)` in a lens is shown as a picture, and hints are clicked with Ctrl."""
    commands: frozenset[str] = frozenset()
    fold_limit: int | None = None


def markup(text: str, formats: Formats) -> types.MarkupContent | str:
    """Markdown, or plain text for a client without it; a string where it names no format."""
    if types.MarkupKind.Markdown in formats:
        return types.MarkupContent(types.MarkupKind.Markdown, text)
    lines = (line for line in text.splitlines() if not line.startswith("```"))
    plain = "\n".join(lines).replace("**", "").replace("`", "")
    return types.MarkupContent(types.MarkupKind.PlainText, plain) if formats else plain


def text_edits(edits: Iterable[TextEdit], index: LineIndex) -> list[types.TextEdit]:
    """Edits in the client's places."""
    return [types.TextEdit(index.range(edit.span), edit.text) for edit in edits]


IndexOf = Callable[[str], LineIndex]
UriOf = Callable[[str], str]


@dataclass(slots=True)
class Files:
    """How files are named and counted on this connection."""

    index_of: IndexOf
    uri_of: UriOf
    version_of: Callable[[str], int | None]

    def location(self, place: results.Location) -> types.Location:
        """A place of any file."""
        range_ = self.index_of(place.path).range(place.span)
        return types.Location(self.uri_of(place.path), range_)

    def workspace_edit(
        self, edits: Mapping[str, Sequence[TextEdit]], abilities: Abilities
    ) -> types.WorkspaceEdit:
        """Changes of several files, with versions where the client takes them."""
        if not abilities.document_changes:
            changes = {
                self.uri_of(path): text_edits(some, self.index_of(path))
                for path, some in edits.items()
            }
            return types.WorkspaceEdit(changes=changes)
        documents = [
            types.TextDocumentEdit(
                types.OptionalVersionedTextDocumentIdentifier(
                    uri=self.uri_of(path), version=self.version_of(path)
                ),
                text_edits(some, self.index_of(path)),
            )
            for path, some in edits.items()
        ]
        return types.WorkspaceEdit(document_changes=documents)


def completion_list(found: results.Completions, index: LineIndex, abilities: Abilities) -> Prepared:
    """Completion items; documentation is left to `resolve`."""
    range_ = plain_range(found.span, index)
    items = [
        _completion(item, position, range_, abilities) for position, item in enumerate(found.items)
    ]
    return Prepared.of({"isIncomplete": not found.complete, "items": items})


def _completion(
    item: results.Completion, position: int, range_: _Json, abilities: Abilities
) -> _Json:
    text, form = item.text or item.label, types.InsertTextFormat.PlainText
    if item.snippet is not None and abilities.snippets:
        text, form = item.snippet, types.InsertTextFormat.Snippet
    shown: _Json = {
        "label": item.label,
        "kind": ITEM_KINDS[item.kind][0],
        "sortText": f"{position:04}",
        "filterText": item.label,
        "insertTextFormat": form,
        "textEdit": {"range": range_, "newText": text},
    }
    if item.detail and abilities.label_details:
        shown["labelDetails"] = {"description": item.detail}
    elif item.detail:
        shown["detail"] = item.detail
    if item.documentation:
        shown["data"] = {"documentation": item.documentation}
    return shown


def resolved_completion(item: types.CompletionItem, abilities: Abilities) -> types.CompletionItem:
    """The item with its documentation."""
    data: Any = item.data
    text = cast("dict[str, Any]", data).get("documentation") if isinstance(data, dict) else None
    if text is None:
        text = getattr(item.data, "documentation", None)
    if isinstance(text, str):
        item.documentation = markup(text, abilities.completion_formats)
    return item


def document_symbols(found: Iterable[results.Symbol], index: LineIndex) -> Prepared:
    """The outline as a tree."""
    return Prepared.of([_symbol(symbol, index) for symbol in found])


def _symbol(symbol: results.Symbol, index: LineIndex) -> _Json:
    shown: _Json = {
        "name": symbol.name,
        "kind": ITEM_KINDS[symbol.kind][1],
        "range": plain_range(symbol.span, index),
        "selectionRange": plain_range(symbol.name_span, index),
    }
    if symbol.detail:
        shown["detail"] = symbol.detail
    if symbol.children:
        shown["children"] = [_symbol(child, index) for child in symbol.children]
    return shown


def flat_symbols(
    found: Iterable[results.Symbol], index: LineIndex, uri: str, container: str | None = None
) -> list[types.SymbolInformation]:
    """The outline as a list, for clients without trees."""
    flat: list[types.SymbolInformation] = []
    for symbol in found:
        location = types.Location(uri, index.range(symbol.span))
        kind = ITEM_KINDS[symbol.kind][1]
        flat.append(
            types.SymbolInformation(
                location=location, name=symbol.name, kind=kind, container_name=container
            )
        )
        flat.extend(flat_symbols(symbol.children, index, uri, symbol.name))
    return flat


def folding_ranges(found: Iterable[results.Fold], abilities: Abilities) -> Prepared:
    """Folds by lines, with what is shown of a closed one where the client shows that."""
    folds: list[_Json] = []
    for fold in found:
        shown: _Json = {"startLine": fold.first, "endLine": fold.last, "kind": fold.kind}
        if abilities.collapsed_text:
            shown["collapsedText"] = fold.collapsed
        folds.append(shown)
    return Prepared.of(folds)


def selection_range(spans: Sequence[Span], index: LineIndex) -> types.SelectionRange:
    """A chain of ranges, the innermost outside of the chain's head."""
    found: types.SelectionRange | None = None
    for span in reversed(spans):
        found = types.SelectionRange(index.range(span), found)
    assert found is not None, "a selection has a span at least"
    return found


def signature_help(found: results.Signature, abilities: Abilities) -> types.SignatureHelp:
    """One signature."""
    label = found.label
    parameters = [
        types.ParameterInformation(
            (span.start, span.end) if abilities.label_offsets else label[slice(*span)]
        )
        for span in found.parameters
    ]
    shown = types.SignatureInformation(
        label,
        markup(found.documentation, abilities.signature_formats),
        parameters,
        found.active,
    )
    return types.SignatureHelp([shown], 0, found.active)


def tokens(numbers: str) -> Prepared:
    """Tokens as the numbers that stand for them."""
    return Prepared(f'{{"data":[{numbers}]}}')


def legend() -> types.SemanticTokensLegend:
    """What the numbers of tokens stand for."""
    return types.SemanticTokensLegend(list(semantic_tokens.TYPES), list(semantic_tokens.MODIFIERS))


def document_link(link: results.Link, index: LineIndex, abilities: Abilities) -> types.DocumentLink:
    """A link."""
    target = link.target if link.is_url else uri_of(link.target)
    tooltip = link.tooltip if abilities.link_tooltips else None
    return types.DocumentLink(index.range(link.span), target, tooltip)


def command(
    found: results.MissionCommand, uri: str, abilities: Abilities, title: str | None = None
) -> types.Command:
    """A mission's command under the id that this client knows."""
    argument: dict[str, Any] = {"uri": uri, "mission": found.mission}
    if found.execution_id is not None:
        argument["executionId"] = found.execution_id
    name = command_id(found.verb, abilities)
    return types.Command(title or found.title, name, found.tooltip or None, [argument])


_ICONS = {
    "run": "play",
    "resume": "debug-continue",
    "dryRun": "beaker",
    "history": "history",
    "cancel": "debug-stop",
}


def lens(
    found: results.MissionCommand, uri: str, index: LineIndex, abilities: Abilities
) -> types.CodeLens:
    """A lens, with a picture where the client shows it."""
    # An ordinary space would be dropped behind a picture.
    title = (
        f"$({_ICONS[found.verb]})\N{NO-BREAK SPACE}{found.title}"
        if abilities.icons
        else found.title
    )
    return types.CodeLens(index.range(found.span), command(found, uri, abilities, title))


def command_id(verb: str, abilities: Abilities) -> str:
    """`reqon.run` where the client has announced it, else the server's own."""
    own = f"reqon.{verb}"
    return own if own in abilities.commands else f"reqon.server.{verb}"


def status_label(
    status: StatusHint, uri: str, abilities: Abilities
) -> list[types.InlayHintLabelPart]:
    """The status, which leads to the history, and `resume` where there is something and room."""
    argument: dict[str, Any] = {"uri": uri, "mission": status.mission}
    history = types.Command("History", command_id("history", abilities), None, [argument])
    parts = [types.InlayHintLabelPart(status.label, command=history)]
    if status.resumable is not None and len(status.label) + len(RESUME) <= _MAX_LINE:
        again = argument | {"executionId": status.resumable}
        resume = types.Command("Resume", command_id("resume", abilities), None, [again])
        parts.append(types.InlayHintLabelPart(RESUME, command=resume))
    return parts


def status_tooltip(status: StatusHint, abilities: Abilities) -> str:
    """The tooltip of a status; how to click it, where a plain click does nothing."""
    if not abilities.icons:
        return status.tooltip
    resumes = ", on *resume* it resumes" if status.resumable is not None else ""
    return f"{status.tooltip}\n\nCtrl+click (Cmd+click on a Mac) shows the history{resumes}."


def call_item(item: results.CallItem, files: Files) -> types.CallHierarchyItem:
    """An action of the call hierarchy."""
    index = files.index_of(item.path)
    return types.CallHierarchyItem(
        name=item.name,
        kind=types.SymbolKind.Method,
        uri=files.uri_of(item.path),
        range=index.range(item.span),
        selection_range=index.range(item.name_span),
        detail=item.mission,
    )
