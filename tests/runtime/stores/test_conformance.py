"""What every kind of store has to do; a new adapter is one more line in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.errors import ConfigError, RefusedError
from reqon.journal.disk import Disk
from reqon.state.paths import StatePaths
from reqon.stores.base import ADD, CLEAR, DELETE, SAME, UPDATE, Operation, Store, StoreSpec
from reqon.stores.file import read_records
from reqon.stores.memory import MemoryStore
from reqon.stores.registry import STORES, make_store, register_adapter

Make = Callable[[Path], Store]


def _of(adapter: str, **options: Any) -> Make:
    spec = StoreSpec(adapter, "crm/customers", options)
    return lambda root: make_store(spec, StatePaths(root / "state"))


KINDS: dict[str, Make] = {
    "memory": _of("memory"),
    "file": _of("file"),
    "file, csv": _of("file", format="csv"),
    "file, elsewhere": _of("file", dir="elsewhere"),
}


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Make:
    return KINDS[request.param]


def put(key: str, record: Any) -> Operation:
    return ("s", ADD, key, record)


def written(store: Store) -> None:
    if store.location is not None:
        store.location.parent.mkdir(parents=True, exist_ok=True)
    store.write(Disk())


def test_every_adapter_has_a_kind() -> None:
    assert {make(Path("x")).adapter for make in KINDS.values()} == set(STORES)


def test_records_keep_their_order_and_a_replaced_one_its_place(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.load()
    assert (store.count(), store.list(), store.get("a")) == (0, [], None)
    store.apply([put("a", {"n": 1}), put("b", {"n": 2}), put("c", {"n": 3})])
    store.apply([("s", UPDATE, "a", {"n": 4}), ("s", SAME, "b", {"n": 2})])
    assert list(store.items()) == [("a", {"n": 4}), ("b", {"n": 2}), ("c", {"n": 3})]
    assert store.get("a") == {"n": 4}
    assert store.list() == [{"n": 4}, {"n": 2}, {"n": 3}]
    store.apply([("s", DELETE, "a", None), ("s", DELETE, "missing", None), put("a", {"n": 5})])
    assert [key for key, _ in store.items()] == ["b", "c", "a"]
    store.apply([("s", CLEAR, None, None)])
    assert store.count() == 0


def test_a_list_is_the_callers_own(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.load()
    store.apply([put("a", {"n": 1})])
    store.list().clear()
    assert store.count() == 1


def test_version_and_touched_tell_of_changes(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.load()
    before = store.version
    assert not store.touched
    store.apply([put("a", {"n": 1})])
    assert store.version > before
    assert store.touched
    written(store)
    assert not store.touched


VALUES: list[Any] = [
    {"null": None, "true": True, "int": 0, "big": 2**80, "float": 0.1, "text": 'ä"\\\n\u2028🎉'},
    {"nested": {"list": [1, [2, {"x": []}]], "": {}}},
    {},
]
KEYS = ["a", "", " ", "ä🎉", 'quote"', "a/b", "new\nline", "__proto__", "0"]


def test_what_is_durable_is_the_same_in_the_next_process(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.load()
    store.apply(put(key, VALUES[n % len(VALUES)]) for n, key in enumerate(KEYS))
    written(store)
    again = make(tmp_path)
    again.load()
    assert list(again.items()) == (list(store.items()) if store.durable else [])
    assert not again.touched


operations = st.lists(
    st.tuples(
        st.just("s"),
        st.sampled_from([ADD, UPDATE, DELETE, CLEAR]),
        st.sampled_from("abcd"),
        st.integers(0, 3).map(lambda n: {"n": n}),
    ).map(lambda op: ("s", CLEAR, None, None) if op[1] == CLEAR else op),
    max_size=30,
)


def legal(found: list[Any], start: dict[str, Any]) -> list[Operation]:
    """The operations as a unit stages them: ADD for new keys, UPDATE for known ones."""
    known = set(start)
    result: list[Operation] = []
    for name, letter, key, record in found:
        if letter == CLEAR:
            known.clear()
            result.append((name, CLEAR, None, None))
        elif letter == DELETE:
            known.discard(key)
            result.append((name, DELETE, key, None))
        else:
            result.append((name, UPDATE if key in known else ADD, key, record))
            known.add(key)
    return result


@given(operations, operations, st.integers(0, 30))
def test_doing_operations_again_changes_nothing_in_order_either(
    before: list[Any], found: list[Any], cut: int
) -> None:
    """A redo begins somewhere before the end of what the store holds already."""
    once = MemoryStore(StoreSpec("memory", "m"))
    once.apply(legal(before, {}))
    sequence = legal(found, once.records)
    once.apply(sequence)
    expected = list(once.items())
    once.apply(sequence)
    assert list(once.items()) == expected
    partly = MemoryStore(StoreSpec("memory", "m"))
    partly.apply(legal(before, {}))
    partly.apply(sequence[:cut])
    partly.apply(sequence)
    assert list(partly.items()) == expected


# ---------------------------------------------------------------- files


def test_a_file_is_json_with_a_record_a_line(tmp_path: Path) -> None:
    store = KINDS["file"](tmp_path)
    store.load()
    written(store)
    assert (tmp_path / "state/stores/crm/customers.json").read_text() == "{}\n"
    store.apply([put("cust_1", {"id": "cust_1", "name": "Ada"}), put("cust_2", {"n": 2})])
    written(store)
    assert (tmp_path / "state/stores/crm/customers.json").read_text() == (
        '{\n"cust_1": {"id":"cust_1","name":"Ada"},\n"cust_2": {"n":2}\n}\n'
    )


def test_a_file_that_a_person_wrote_in_another_layout_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state/stores/crm/customers.json"
    path.parent.mkdir(parents=True)
    path.write_text('  { "b" : {\n "x" : 1.0 } , "a":{} }')
    store = KINDS["file"](tmp_path)
    store.load()
    assert list(store.items()) == [("b", {"x": 1.0}), ("a", {})]


def test_csv_is_written_beside_the_json_and_not_read(tmp_path: Path) -> None:
    store = KINDS["file, csv"](tmp_path)
    store.load()
    store.apply(
        [
            put("1", {"id": 1, "name": 'A, "B"', "tags": ["x"]}),
            put("2", {"id": 2, "on": True, "none": None}),
        ]
    )
    written(store)
    folder = tmp_path / "state/stores/crm"
    assert (folder / "customers.csv").read_text() == (
        'id,name,tags,on,none\n1,"A, ""B""","[""x""]",,\n2,,,true,\n'
    )
    (folder / "customers.csv").write_text("nonsense")
    store.load()
    assert store.count() == 2


def test_a_folder_of_its_own_lies_beside_the_state_folder(tmp_path: Path) -> None:
    assert KINDS["file, elsewhere"](tmp_path).location == (
        tmp_path / "elsewhere/crm/customers.json"
    )
    absolute = StoreSpec("file", "x", {"dir": str(tmp_path / "abs")})
    assert make_store(absolute, StatePaths(Path("s"))).location == tmp_path / "abs/x.json"


@pytest.mark.parametrize(
    "identifier",
    ["..", "../x", "/etc/passwd", "a/../../x", "a//b", "", "a/", ".hidden", "a\\b", "a\0b", "C:x"],
)
def test_an_identifier_never_leaves_the_folder(tmp_path: Path, identifier: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a file store") as caught:
        make_store(StoreSpec("file", identifier), StatePaths(tmp_path))
    assert "not a path" in str(caught.value.hint)


@pytest.mark.parametrize("folder", ["", 3, ["x"], "a\0b"])
def test_a_bad_folder_is_a_configuration_error(tmp_path: Path, folder: Any) -> None:
    with pytest.raises(ConfigError, match="'dir'"):
        make_store(StoreSpec("file", "x", {"dir": folder}), StatePaths(tmp_path))


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b'{"a": 1}', b'{"a": {}', b"\xff", b"{}}"]
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(RefusedError, match="cannot be read"):
        read_records(path)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="it is not a file"):
        read_records(tmp_path)


# ---------------------------------------------------------------- the registry


def test_an_adapter_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'mongo' is not available") as caught:
        make_store(StoreSpec("mongo", "x"), StatePaths(tmp_path))
    assert "file, memory" in str(caught.value.hint)


def test_a_plug_in_adds_an_adapter(tmp_path: Path) -> None:
    register_adapter("shelf", lambda spec, paths: MemoryStore(spec))
    try:
        store = make_store(StoreSpec("shelf", "x"), StatePaths(tmp_path))
        assert (store.adapter, store.identifier) == ("shelf", "x")
    finally:
        del STORES["shelf"]
