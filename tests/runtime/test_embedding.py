"""Missions inside of other people's programs, which go on living while a mission runs."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reqon import (
    ConfigError,
    FileStateStore,
    MemoryStateStore,
    StorageError,
    execute,
    get_execution_history,
    get_execution_state,
    set_state_store,
)

COUNTING = """
mission Counting {
  let LAST = env("LAST", "5")
  store numbers: file("numbers")
  action Count {
    for n in range(1, toNumber(LAST)) checkpoint every 2 {
      store { id: toString(n), square: n * n } -> numbers { key: .id }
    }
  }
  run Count
}
"""

PASSWORD = """mission Counting {
  let password = env("STATE_PASSWORD")
"""


@pytest.fixture(autouse=True)
def here(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_folder / "here").mkdir()
    monkeypatch.chdir(own_folder / "here")


# ---------------------------------------------------------------- the current folder


@pytest.mark.parametrize("kept", ["folder", "store"])
def test_a_program_that_goes_to_another_folder_takes_no_state_with_it(
    own_folder: Path, kept: str
) -> None:
    there = own_folder / "there"
    there.mkdir()
    Path("counting.vague").write_text(COUNTING)
    if kept == "store":
        set_state_store(FileStateStore("elsewhere"))

    def leave(_: Any) -> None:
        os.chdir(there)

    result = execute(Path("counting.vague"), progress_callbacks={"on_action_start": leave})
    assert (result.status, result.error) == ("completed", None)
    assert list(there.iterdir()) == []
    os.chdir(own_folder / "here")
    state = get_execution_state("Counting")
    assert state is not None
    assert state.execution_id == result.execution_id
    assert state.to_dict()["program"]["path"] == "counting.vague"
    assert Path(".vague-data/stores/numbers.json").exists()


def test_where_the_current_folder_is_gone_a_full_path_is_asked_for(own_folder: Path) -> None:
    (own_folder / "here").rmdir()
    calls: list[Any] = [
        lambda: execute(COUNTING),
        lambda: execute(Path("counting.vague"), state_dir=own_folder / "state"),
        lambda: get_execution_state("Counting"),
        get_execution_history,
    ]
    for call in calls:
        with pytest.raises(ConfigError, match="the current folder cannot be found"):
            call()
    assert execute(COUNTING, state_dir=own_folder / "state").ok


# ---------------------------------------------------------------- arguments


def nothing_is_left() -> bool:
    return list(Path().iterdir()) == []


@pytest.mark.parametrize("source", [None, 5, COUNTING.encode(), [COUNTING]])
def test_a_source_is_a_text_or_a_path(source: Any) -> None:
    with pytest.raises(TypeError, match="source must be a str"):
        execute(source)
    assert nothing_is_left()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("mission", 5),
        ("execution_id", b"exec_a"),
        ("execution_id", 5),
        ("resume", "exec_a"),
        ("force", "yes"),
        ("dry_run", 1),
        ("full", "no"),
        ("limit", 1.5),
        ("limit", True),
        ("variables", ["LAST"]),
        ("variables", {"LAST": [5]}),
        ("env", {"LAST": 5}),
        ("env", ["LAST"]),
        ("state_dir", 5),
        ("auth", ["auth.json"]),
        ("progress_callbacks", 5),
        ("progress_callbacks", print),
        ("progress_callbacks", {"on_progress": 5}),
    ],
)
def test_an_option_of_another_type_is_a_type_error_with_its_name(option: str, value: Any) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(TypeError, match="on_progress" if "callbacks" in option else option):
        execute(COUNTING, **options)
    assert nothing_is_left()


@pytest.mark.parametrize("option", ["mission", "execution_id", "state_dir", "auth"])
def test_an_empty_text_is_no_option_that_was_left_out(option: str) -> None:
    options: dict[str, Any] = {option: ""}
    with pytest.raises(ConfigError, match=option):
        execute(COUNTING, **options)
    assert nothing_is_left()


@pytest.mark.parametrize("arguments", [(5,), (b"Counting",), ("Counting", 5)])
def test_what_is_asked_for_is_named_by_texts(arguments: Any) -> None:
    with pytest.raises(TypeError, match=r"(mission|execution_id) must be a str"):
        get_execution_state(*arguments)


@pytest.mark.parametrize("options", [{"mission": 5}, {"limit": "5"}, {"limit": 1.5}])
def test_a_history_of_another_type_is_a_type_error(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(options))} must be"):
        get_execution_history(**options)


def test_a_time_without_a_zone_is_local_time() -> None:
    execute(COUNTING)
    assert len(get_execution_history(since=datetime(2020, 1, 1))) == 1  # noqa: DTZ001
    assert get_execution_history(since=datetime(2120, 1, 1)) == []  # noqa: DTZ001


class Functions:
    """A class that is a store itself."""

    @staticmethod
    def save(state: dict[str, Any]) -> None: ...

    @staticmethod
    def load(execution_id: str) -> None: ...


def test_a_class_is_no_store_unless_it_needs_no_object() -> None:
    with pytest.raises(TypeError, match=r"'MemoryStateStore\(\)' makes one"):
        set_state_store(MemoryStateStore)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="takes functions"):
        set_state_store(save=5, load=5)  # pyright: ignore[reportArgumentType]
    set_state_store(Functions)
    assert execute(COUNTING).ok


# ---------------------------------------------------------------- secrets


def test_what_a_store_raises_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    secret = "sesame-0123456789"

    def save(state: dict[str, Any]) -> None:
        raise OSError(f"cannot reach https://reqon:{secret}@states.test")

    set_state_store(save=save, load={}.get)
    with pytest.raises(StorageError) as caught:
        execute(COUNTING.replace("mission Counting {", PASSWORD), env={"STATE_PASSWORD": secret})
    assert "cannot reach" in caught.value.message
    assert "trying again" in caplog.text
    assert secret not in caplog.text + str(caught.value)
