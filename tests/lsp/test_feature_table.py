"""What an author is promised, feature by feature: the server announces it, and a test holds it.

A row is a feature: what is announced of it at `initialize` (a dotted path; none for what needs no
announcing), and the test that would fail without it.
"""

from __future__ import annotations

import ast
from typing import Any

import pytest

from support.raw_client import RawClient
from support.source_tree import ROOT

CLIENTS = "test_clients.py::test_every_feature_answers_in_the_clients_form"
EDITS = "test_sync.py::test_after_random_edits_the_diagnostics_are_those_of_a_cold_check"
RUN = "test_runs.py::test_a_run_a_failure_at_its_step_and_a_resume"

PROMISED = [
    ("incremental sync", "textDocumentSync.change", EDITS),
    ("push diagnostics", "", "test_server.py::test_mistakes_appear_and_go_as_one_types"),
    (
        "diagnostics of closed files",
        "",
        "test_workspace.py::test_mistakes_of_closed_files_are_told_where_that_is_wanted",
    ),
    ("completion", "completionProvider", "test_completion.py::test_the_first_proposals"),
    ("completion resolve", "completionProvider.resolveProvider", CLIENTS),
    ("hover", "hoverProvider", "test_hover.py::test_a_word_tells_what_it_is"),
    (
        "signature help",
        "signatureHelpProvider.triggerCharacters",
        "test_text_features.py::test_the_signature_of_the_call_around_the_cursor",
    ),
    (
        "definition",
        "definitionProvider",
        "test_navigation.py::test_a_name_leads_to_its_declaration",
    ),
    (
        "references",
        "referencesProvider",
        "test_navigation.py::test_all_places_of_a_name_are_found",
    ),
    (
        "document highlight",
        "documentHighlightProvider",
        "test_navigation.py::test_highlights_tell_writing_from_reading",
    ),
    (
        "rename",
        "renameProvider",
        "test_navigation.py::test_rename_changes_every_file_of_the_folder",
    ),
    (
        "prepare rename",
        "renameProvider.prepareProvider",
        "test_navigation.py::test_prepare_rename_gives_the_name_or_nothing",
    ),
    (
        "document symbols",
        "documentSymbolProvider",
        "test_navigation.py::test_the_outline_shows_missions_with_their_members",
    ),
    (
        "workspace symbols",
        "workspaceSymbolProvider",
        "test_navigation.py::test_workspace_symbols_match_letters_in_order",
    ),
    (
        "folding",
        "foldingRangeProvider",
        "test_text_features.py::test_blocks_and_comments_fold_from_their_first_line",
    ),
    (
        "selection range",
        "selectionRangeProvider",
        "test_navigation.py::test_selection_grows_from_the_word_to_the_file",
    ),
    (
        "semantic tokens, whole file",
        "semanticTokensProvider.full",
        "test_text_features.py::test_words_have_the_colour_of_their_meaning",
    ),
    (
        "semantic tokens, some lines",
        "semanticTokensProvider.range",
        "test_text_features.py::test_the_tokens_of_a_range_are_those_of_the_whole",
    ),
    (
        "formatting",
        "documentFormattingProvider",
        "test_text_features.py::test_the_edits_of_formatting_give_the_canonical_text",
    ),
    (
        "formatting some lines",
        "documentRangeFormattingProvider",
        "test_text_features.py::test_formatting_some_lines_leaves_the_others",
    ),
    (
        "quick fixes",
        "codeActionProvider.codeActionKinds",
        "test_text_features.py::test_a_fix_removes_its_problem",
    ),
    (
        "source actions",
        "codeActionProvider.codeActionKinds",
        "test_text_features.py::test_fix_all_applies_every_safe_fix_at_once",
    ),
    (
        "missions run by a code action",
        "codeActionProvider.codeActionKinds",
        "test_text_features.py::test_a_mission_is_run_from_code_actions",
    ),
    ("lenses", "codeLensProvider", "test_last_run.py::test_lenses_say_what_can_be_done"),
    ("run lens", "executeCommandProvider.commands", RUN),
    (
        "inlay hints",
        "inlayHintProvider",
        "test_last_run.py::test_counts_stand_beside_stores_and_the_last_sync_beside_its_request",
    ),
    (
        "resolved tooltips of hints",
        "inlayHintProvider.resolveProvider",
        "test_status_shown.py::test_a_tooltip_is_left_to_resolve_where_the_client_can",
    ),
    (
        "inline status of a past run",
        "inlayHintProvider",
        "test_server.py::test_the_status_stands_beside_the_mission_and_follows_the_record",
    ),
    (
        "live refresh requests",
        "",
        "test_status_shown.py::test_a_change_of_the_record_is_one_refresh_and_no_change_is_none",
    ),
    (
        "the last run's error at its step",
        "",
        "test_last_run.py::test_the_error_of_the_last_run_stays_until_its_step_is_edited",
    ),
    (
        "fields of real data",
        "completionProvider",
        "test_completion.py::test_fields_come_from_the_records_of_the_last_run",
    ),
    (
        "what the last run saw, on hover",
        "hoverProvider",
        "test_hover.py::test_it_tells_what_the_last_run_saw",
    ),
    (
        "document links",
        "documentLinkProvider",
        "test_navigation.py::test_links_lead_to_specs_imports_and_records",
    ),
    (
        "call hierarchy",
        "callHierarchyProvider",
        "test_navigation.py::test_who_runs_whom",
    ),
    ("server commands", "executeCommandProvider.commands", RUN),
    ("work-done progress", "", RUN),
    (
        "watched files",
        "",
        "test_clients.py::test_only_what_the_client_can_register_is_registered",
    ),
    (
        "watched records",
        "",
        "test_status_shown.py::test_a_record_that_the_client_saw_change_is_read_without_the_poll",
    ),
    ("position encodings", "positionEncoding", EDITS),
    (
        "several folders in one process",
        "workspace.workspaceFolders.changeNotifications",
        "test_workspace.py::test_the_same_name_in_two_folders_is_two_missions",
    ),
    (
        "a real Neovim",
        "",
        "test_neovim.py"
        "::test_neovim_as_documented_runs_a_mission_by_its_lens_and_shows_the_new_status",
    ),
    (
        "a real Emacs",
        "",
        "test_emacs.py::test_emacs_as_documented_shows_mistakes_and_runs_a_mission",
    ),
]


@pytest.mark.parametrize("test", sorted({row[2] for row in PROMISED}))
def test_a_promise_has_its_test(test: str):
    file, _, function = test.partition("::")
    tree = ast.parse((ROOT / "tests" / "lsp" / file).read_text(encoding="utf-8"))
    names = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert function in names


async def test_a_promise_is_announced():
    client = await RawClient.start()
    answer = await client.initialize({"textDocument": {"rename": {"prepareSupport": True}}})
    announced = answer["result"]["capabilities"]
    missing = [feature for feature, path, _ in PROMISED if path and not value_at(announced, path)]
    assert missing == []
    assert announced["textDocumentSync"]["change"] == 2
    assert "diagnosticProvider" not in announced, "there is one channel for diagnostics"
    assert await client.leave() == 0


def value_at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values
