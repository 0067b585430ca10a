"""The rooms keep to themselves: imports point one way, and each border is guarded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.source_tree import Module, modules

ENGINE_ONLY = ("aiohttp", "msgspec", "rich", "click", "asyncio", "pygls")


def _named(prefix: str) -> list[Module]:
    return [m for m in modules() if m.name == prefix or m.name.startswith(prefix + ".")]


def _imports_any(module: Module, names: tuple[str, ...]) -> set[str]:
    return {i for i in module.imports if i.split(".")[0] in names}


@pytest.mark.parametrize("module", _named("vague"), ids=lambda m: m.name)
def test_the_language_is_pure(module):
    assert not _imports_any(module, (*ENGINE_ONLY, "os", "time", "reqon", "reqon_lsp", "pathlib"))


@pytest.mark.parametrize("module", _named("reqon"), ids=lambda m: m.name)
def test_the_engine_does_not_know_the_server(module):
    assert not _imports_any(module, ("reqon_lsp", "pygls", "lsprotocol"))


@pytest.mark.parametrize("module", _named("reqon_lsp"), ids=lambda m: m.name)
def test_the_server_takes_only_the_read_side_of_the_engine(module):
    reqon = {i for i in module.imports if i.split(".")[0] == "reqon"}
    assert all(name.startswith("reqon.state") for name in reqon)


@pytest.mark.parametrize("module", _named("reqon.state"), ids=lambda m: m.name)
def test_the_read_side_needs_the_standard_library_alone(module):
    outside = {
        name
        for name in module.imports
        if name.split(".")[0] not in sys.stdlib_module_names
        and not name.startswith(("reqon.state", "vague.step_path"))
    }
    assert not outside


def test_lsp_types_and_parsimonious_stay_behind_their_borders():
    lsp = {m.name for m in _named("reqon_lsp") if _imports_any(m, ("lsprotocol", "pygls"))}
    assert lsp <= {
        f"reqon_lsp.{n}"
        for n in (
            *("convert", "publish", "server", "protocol"),
            *("connection", "replies", "requests", "talk"),
        )
    }
    peg = {m.name for m in modules() if _imports_any(m, ("parsimonious",))}
    assert all(name == "vague.peg" or name.startswith("vague.build") for name in peg)


def test_steps_never_import_the_engine_and_http_decides_without_waiting():
    for module in _named("reqon.steps"):
        assert not [i for i in module.imports if i.startswith("reqon.engine")], module.name
    for module in _named("reqon.engine") + _named("reqon.steps"):
        assert not [i for i in module.imports if i.startswith("reqon.cli")], module.name


def test_printing_time_and_loops_have_one_place_each():
    allowed = {
        "print": {"reqon.cli.console"},
        "asyncio.run": {"reqon.cli.running", "reqon.api"},
        "datetime.now": {"reqon.clock", "reqon_lsp.analysis"},
        "time.time": {"reqon.clock"},
        "asyncio.create_task": set[str](),
    }
    for module in modules():
        for called, line in module.calls():
            places = allowed.get(called)
            assert places is None or module.name in places, f"{module.path}:{line}: {called}"


def test_imports_stand_at_the_head_of_the_file():
    lazy = {"reqon", "reqon.cli.main"}
    late = {m.name: m.late_imports for m in modules() if m.late_imports and m.name not in lazy}
    assert late == {}


def test_starting_the_server_loads_no_engine():
    script = (
        "import sys; import reqon_lsp.server; "
        "heavy = ('aiohttp', 'msgspec', 'rich', 'click', 'reqon.engine', 'reqon.journal', "
        "'reqon.values'); print([m for m in heavy if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_starting_the_server_makes_no_rules_of_the_grammar():
    script = (
        "import reqon_lsp.server; from vague.peg import rules; print(rules.cache_info().misses)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "0"


def test_help_and_status_load_no_http_client_and_no_server():
    script = (
        "import sys; sys.argv = ['reqon', '--help']\n"
        "from reqon.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "import reqon.cli.status\n"
        "heavy = ('aiohttp', 'pygls', 'parsimonious', 'importlib.metadata')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stderr.strip() == "[]"
