"""Secrets print as stars, and stay out of whatever is written."""

from __future__ import annotations

import copy
import json
import pickle
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.errors import ConfigError
from reqon.secrets import Secret, SecretRegistry, names_secret

TOKEN = "s3cr3t-t0ken/+="


def registry(**secrets: str) -> SecretRegistry:
    made = SecretRegistry()
    for name, value in secrets.items():
        made.add(name, value)
    return made


# ---------------------------------------------------------------- the type


def test_a_secret_prints_as_stars():
    secret = Secret("API.token", TOKEN)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>10}", "%s" % secret]  # noqa: UP031
    assert shown[:3] == ["****", "Secret('API.token')", "****"]
    assert all(TOKEN not in text for text in shown)
    assert secret.reveal() == TOKEN


@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy, copy.copy])
def test_a_secret_cannot_be_copied_into_something_written(write: Any):
    with pytest.raises(TypeError, match="cannot be serialised"):
        write(Secret("API.token", TOKEN))


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode])
def test_a_secret_is_no_json(encode: Any):
    with pytest.raises(TypeError):
        encode({"token": Secret("API.token", TOKEN)})


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("API_KEY", True),
        ("GITHUB_TOKEN", True),
        ("DB_PASSWORD", True),
        ("Passphrase", True),
        ("client_secret", True),
        ("AUTH", True),
        ("API_URL", False),
        ("STAGE", False),
    ],
)
def test_names_tell_which_variables_hold_secrets(name: str, secret: bool):
    assert names_secret(name) is secret


# ---------------------------------------------------------------- redaction


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (TOKEN, "****"),
        (f"Bearer {TOKEN}", "Bearer ****"),
        (f"x{TOKEN}y{TOKEN}", "x****y****"),
        ("https://a.test/?k=s3cr3t-t0ken%2F%2B%3D&b", "https://a.test/?k=****&b"),
        ("https://a.test/s3cr3t-t0ken/%2B%3D", "https://a.test/****"),
        ("nothing of it", "nothing of it"),
        ("pin 4711, not 14711 or 4711-2", "pin ****, not 14711 or 4711-2"),
        ("ab", "****"),
        ("tab", "tab"),
        ('quote \\"in\\" it', "quote **** it"),
        (r"s3cr3t-t0ken\/+=", "****"),
        ("https://a.test/?k=s3cr3t-t0ken%2f%252B%3d", "https://a.test/?k=****"),
        (r"\\\"in\\\" a text in a text", "**** a text in a text"),
        ("of a page: &quot;in&#34;", "of a page: ****"),
        ('cut "s3cr3t-t0…', 'cut "****…'),
        ("cut before …", "cut before …"),
        (r"{\"p\": \"Z\u00FCrich\\nM\u00fcnchen\"}", r"{\"p\": \"****\"}"),
    ],
)
def test_secrets_become_stars_in_every_form(text: str, shown: str):
    book = registry(API_TOKEN=TOKEN, PIN_KEY="4711", TINY_KEY="ab", QUOTED_KEY='"in"')
    book.add("CITIES_KEY", "Zürich\nMünchen")
    assert book.redact(text) == shown


def test_redaction_goes_through_values_and_keys():
    book = registry(API_TOKEN=TOKEN)
    value = {"a": [TOKEN, 1, None], f"k {TOKEN}": {"b": f"x {TOKEN}"}}
    assert book.redact_value(value) == {"a": ["****", 1, None], "k ****": {"b": "x ****"}}


def test_the_longer_secret_wins_over_one_inside_it():
    book = registry(A_KEY="password", B_KEY="password-and-more")
    assert book.redact("is password-and-more") == "is ****"
    assert book.redact("is password!") == "is ****!"


def test_empty_and_missing_values_are_no_secrets():
    book = SecretRegistry()
    book.add("A_KEY", "")
    book.add("B_KEY", None)
    book.add_environment("PUBLIC_URL", "https://a.test")
    assert not book
    assert book.redact("https://a.test") == "https://a.test"


# ---------------------------------------------------------------- hidden and revealed


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        (TOKEN, {"$secret": "API_TOKEN"}),
        (f"Bearer {TOKEN}", {"$secret": ["Bearer ", "API_TOKEN", ""]}),
        ({"a": [TOKEN]}, {"a": [{"$secret": "API_TOKEN"}]}),
        ({TOKEN: 1}, {"$secret": {"pairs": [[{"$secret": "API_TOKEN"}, 1]]}}),
        ({"$secret": "API_TOKEN"}, {"$secret": {"pairs": [["$secret", "API_TOKEN"]]}}),
        ({"$secret": "x", "b": 1}, {"$secret": "x", "b": 1}),
        ({"a": 1, "b": None, "c": "plain"}, {"a": 1, "b": None, "c": "plain"}),
        (
            "id=x&secret=s3cr3t-t0ken%2F%2B%3D",
            {"$secret": ["id=x&secret=", "API_TOKEN|url", ""]},
        ),
        ("/s3cr3t-t0ken/%2B%3D", {"$secret": ["/", "API_TOKEN|path", ""]}),
        ("a=b&p=say+%22hi%22", {"$secret": ["a=b&p=", "QUOTED_KEY|form", ""]}),
        ('{"p":"say \\"hi\\""}', {"$secret": ['{"p":"', "QUOTED_KEY|json", '"}']}),
    ],
)
def test_names_stand_for_secrets(value: Any, hidden: Any):
    book = registry(API_TOKEN=TOKEN, QUOTED_KEY='say "hi"')
    assert book.hide(value) == hidden
    assert book.reveal(hidden) == value


SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


ENCODINGS = [str, quote, quote_plus, partial(quote, safe=""), lambda text: json.dumps(text)[1:-1]]


@given(st.lists(SECRETS, min_size=1, max_size=4), st.data())
def test_hiding_is_undone_by_revealing(secrets: list[str], data: st.DataObject):
    book = SecretRegistry()
    for number, secret in enumerate(secrets):
        book.add(f"S{number}_KEY", secret)
    written = st.sampled_from(ENCODINGS).flatmap(
        lambda encoded: st.sampled_from(secrets).map(encoded)
    )
    parts = written | SECRETS | st.just("$secret")
    texts = st.lists(parts, max_size=3).map("".join)
    values = st.recursive(
        st.none() | st.integers() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    )
    value = data.draw(values)
    hidden = book.hide(value)
    encoded = msgspec.json.encode(hidden)
    assert book.reveal(msgspec.json.decode(encoded)) == value
    if hidden != value:
        assert book.concerns(msgspec.json.encode(value))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=8), st.text(), st.text())
def test_no_long_secret_is_left_in_hidden_or_redacted_text(secret: str, before: str, after: str):
    book = registry(A_KEY=secret)
    text = before + secret + after
    assert secret not in book.redact(text).replace("****", "\x00")
    hidden = book.hide(text)
    texts = [hidden["$secret"]] if isinstance(hidden["$secret"], str) else hidden["$secret"][::2]
    assert all(secret not in part for part in texts if part != "A_KEY")


def test_a_renewed_secret_is_written_as_the_old_one_was():
    book = registry(API_TOKEN=TOKEN)
    hidden = book.hide("grant=a&secret=s3cr3t-t0ken%2F%2B%3D")
    book.add("API_TOKEN", "an/other")
    assert book.reveal(hidden) == "grant=a&secret=an%2Fother"


def test_a_name_with_a_bar_is_a_name():
    book = registry(**{"A|B_KEY": TOKEN})
    assert book.hide(TOKEN) == {"$secret": "A|B_KEY"}
    assert book.reveal({"$secret": "A|B_KEY"}) == TOKEN


def test_a_variable_that_is_no_utf_8_is_a_secret_too():
    book = registry(API_TOKEN="not-\udcff-utf8")
    assert book.redact("it is not-\udcff-utf8") == "it is ****"


def test_values_without_secrets_do_not_concern():
    book = registry(API_TOKEN=TOKEN)
    assert not book.concerns(b'{"a": "plain"}')
    assert book.concerns(b'{"$secret": 1}')


@given(st.lists(st.sampled_from(["$", "$sec", "$secret", "$secrets", " ", "x"]), max_size=40))
def test_what_looks_like_a_name_of_a_secret_is_found_among_any_signs(keys: list[str]):
    value = [{key: 1} for key in keys]
    assert registry().concerns(msgspec.json.encode(value)) == ("$secret" in keys)


def test_a_refreshed_token_is_revealed_and_both_are_hidden():
    book = registry(API_TOKEN="old-token-1")
    hidden = book.hide("old-token-1")
    book.add("API_TOKEN", "new-token-2")
    assert book.reveal(hidden) == "new-token-2"
    assert book.redact("old-token-1 new-token-2") == "**** ****"


def test_a_name_that_was_not_added_is_looked_up():
    book = SecretRegistry({"API_KEY": "from the environment"}.get)
    assert book.reveal({"$secret": "API_KEY"}) == "from the environment"
    assert book.redact("it is from the environment") == "it is ****"


def test_a_secret_that_is_gone_is_said():
    with pytest.raises(ConfigError) as raised:
        SecretRegistry().reveal({"$secret": "API_KEY"})
    assert raised.value.message == "the saved state needs the secret 'API_KEY', which is not set"
    assert raised.value.hint == "set 'API_KEY' as it was in the interrupted run, then resume again"


@pytest.mark.parametrize(
    "text", ["\\" * 100_000, "\\" * 7 + "%25" * 50_000, "&#" + "0" * 100_000, "\\/" * 50_000]
)
def test_no_text_makes_the_search_for_secrets_slow(text: str):
    """It would take hours where a repeat had no end."""
    secrets = registry(a="/path/to/some/place", b="\\\\\\\\share\\\\x", c="<a b=c d=e>")
    assert secrets.redact(text) == text
    assert secrets.redact(f"{text} /path\\/to%2Fsome&#x2f;place") == f"{text} ****"


def test_backslashes_in_a_row_are_found_however_often_they_are_doubled():
    secrets = registry(a=r"\\share\folder")
    assert secrets.redact(r"at \\share\folder, \\\\share\\folder") == "at ****, ****"
    many = registry(a="begin" + "\\" * 5 + "end")
    for written in ("\\" * 5, "\\" * 10, "\\" * 20):
        assert many.redact(f"at begin{written}end") == "at ****"
