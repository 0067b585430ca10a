"""What `scripts/generate.py` writes is fresh, and its parts do what they say."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from support.source_tree import ROOT


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "scripts" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_nothing_is_stale(generate: ModuleType, capsys: pytest.CaptureFixture[str]):
    assert generate.main(["--check"]) == 0, capsys.readouterr().out


def test_a_table_is_written_anew_between_its_marks(generate: ModuleType):
    page = "# T\n\n<!-- generated: options queue -->\nold\n<!-- end -->\n\ntext\n"
    new = generate.with_tables(page)
    assert new.startswith("# T\n\n<!-- generated: options queue -->\n| Option | Value |")
    assert new.endswith("<!-- end -->\n\ntext\n")
    assert "old" not in new
    assert generate.with_tables(new) == new


def test_a_mark_that_names_nothing_fails(generate: ModuleType):
    with pytest.raises(KeyError):
        generate.with_tables("<!-- generated: options nothing -->\n<!-- end -->\n")


def test_unknown_arguments_are_refused(generate: ModuleType, capsys: pytest.CaptureFixture[str]):
    assert generate.main(["--chek"]) == 2
    assert "usage" in capsys.readouterr().err


def test_every_table_that_exists_is_used_in_a_page(generate: ModuleType):
    pages = "".join(
        path.read_text(encoding="utf-8") for path in generate.LANGUAGE_DOCS.glob("*.md")
    )
    for name in generate.TABLES:
        assert f"<!-- generated: {name}" in pages
    for block in generate.OPTION_BLOCKS:
        # `call` takes what a request takes; `specAuth` what a source and its `oauth` take.
        if block not in ("call", "source.specAuth"):
            assert f"<!-- generated: options {block} -->" in pages
