"""Environment, `.env`, credentials file: what counts before what, and what is said when wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqon.dotenv import parse_dotenv
from reqon.errors import ConfigError
from reqon.secrets import Secret
from reqon.settings import Credential, Settings, load_settings, with_credential
from support.source_tree import ROOT


def plain(fields: Any) -> dict[str, Any]:
    return {k: v.reveal() if isinstance(v, Secret) else v for k, v in fields.items()}


def written(folder: Path, text: str, name: str = "auth.json") -> Path:
    path = folder / name
    path.write_text(text)
    return path


# ---------------------------------------------------------------- .env


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("A=1\nB=two words\n", {"A": "1", "B": "two words"}),
        ("  A = 1  \r\n\r\n# comment\nB=2", {"A": "1", "B": "2"}),
        ("export A=1", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=1 # comment", {"A": "1"}),
        ("A=a#b", {"A": "a#b"}),
        ("A=#all", {"A": ""}),
        ('A="a # b"  # c', {"A": "a # b"}),
        ("A='a \"b\" $C \\n'", {"A": 'a "b" $C \\n'}),
        (r'A="a\n\"b\"\\ \$"', {"A": 'a\n"b"\\ $'}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ("A='one\ntwo'", {"A": "one\ntwo"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=https://u:p@h/?x=1", {"A": "https://u:p@h/?x=1"}),
        ("", {}),
        ("\n \n", {}),
    ],
)
def test_lines_of_the_environment_file(text: str, variables: dict[str, str]):
    assert parse_dotenv(text, ".env") == variables


NAMES = st.from_regex(r"[A-Z_]{1,6}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\nnonsense", ".env:2: the line is not of the form NAME=value"),
        ("1A=1", ".env:1: the line is not of the form NAME=value"),
        ("A=1\n\nB='x", ".env:3: the line has a ' that is not closed"),
        ('A="x" y', ".env:1: the line has text after the closing quote"),
    ],
)
def test_a_wrong_line_is_named_without_its_value(text: str, message: str):
    with pytest.raises(ConfigError) as raised:
        parse_dotenv(text, ".env")
    assert raised.value.message == message


@given(
    st.dictionaries(st.from_regex(r"[A-Z_]{1,6}", fullmatch=True), st.text(alphabet="ab \n\"'\\#$"))
)
def test_quoted_values_come_back(variables: dict[str, str]):
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = "\n".join(f"{name}={quoted(value)}" for name, value in variables.items())
    assert parse_dotenv(text, ".env") == variables


def test_the_real_environment_wins_over_the_file(tmp_path: Path):
    written(tmp_path, "A=file\nB=file", ".env")
    settings = load_settings({"A": "real"}, folder=tmp_path)
    assert (settings.env("A"), settings.env("B"), settings.env("C")) == ("real", "file", None)


def test_another_environment_file_replaces_the_usual_one(tmp_path: Path):
    written(tmp_path, "A=usual\nB=usual", ".env")
    other = written(tmp_path, "A=other", "prod.env")
    settings = load_settings({}, folder=tmp_path, env_file=other)
    assert (settings.env("A"), settings.env("B")) == ("other", None)


def test_without_files_there_is_the_environment(tmp_path: Path):
    assert load_settings({"A": "1"}, folder=tmp_path).env("A") == "1"


@pytest.mark.parametrize(
    ("which", "what"), [("env_file", "environment file"), ("auth_file", "credentials file")]
)
def test_a_file_that_was_asked_for_must_exist(tmp_path: Path, which: str, what: str):
    path = tmp_path / "gone"
    with pytest.raises(ConfigError, match=f"the {what} '.*gone' does not exist"):
        load_settings({}, folder=tmp_path, **{which: path})  # type: ignore[arg-type]


def test_a_file_that_is_no_text_is_said(tmp_path: Path):
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(ConfigError, match=r"is no UTF-8 text \(byte 2\)"):
        load_settings({}, folder=tmp_path)


def test_variables_that_name_secrets_are_kept_out_of_texts():
    settings = Settings({"API_TOKEN": "t0ken-of-api", "STAGE": "production"})
    assert settings.env("API_TOKEN") == "t0ken-of-api"
    settings.env("STAGE")
    assert settings.secrets.redact("t0ken-of-api in production") == "**** in production"


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${HOST}/v2", "a.test/v2"),
        ("${NONE:-b.test}", "b.test"),
        ("${EMPTY:-b.test}", "b.test"),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("${HOST:-b.test}", "a.test"),
        ("$HOST", "$HOST"),
        ("$${HOST} costs 5$$", "${HOST} costs 5$"),
        ("${HOST}${HOST}", "a.testa.test"),
        ("${1X} ${", "${1X} ${"),
    ],
)
def test_variables_in_options(text: str, value: str):
    settings = Settings({"HOST": "a.test", "EMPTY": ""})
    assert settings.interpolate(text, "base of source 'API'") == value


def test_a_variable_that_is_missing_in_an_option_is_named():
    with pytest.raises(ConfigError) as raised:
        Settings({}).interpolate("x ${API_URL}", "base of source 'API'")
    assert raised.value.message == "the variable 'API_URL' in base of source 'API' is not set"
    assert raised.value.hint == "set API_URL, or write ${API_URL:-default}"


# ---------------------------------------------------------------- credentials


FILE = {
    "API": {"type": "bearer", "token": "$API_TOKEN"},
    "Shop": {"type": "basic", "username": "me", "password": "a$$b${PASS:-x}"},
    "*": {"token": "${ANY:-any}"},
}


@pytest.mark.parametrize(
    ("source", "environ", "kind", "fields"),
    [
        ("API", {"API_TOKEN": "t"}, "bearer", {"token": "t"}),
        ("API", {"API_TOKEN": "t", "REQON_API_TOKEN": "env"}, "bearer", {"token": "t"}),
        ("Shop", {}, "basic", {"username": "me", "password": "a$bx"}),
        ("Other", {"REQON_OTHER_TOKEN": "env"}, "bearer", {"token": "env"}),
        ("Other", {"REQON_OTHER_API_KEY": "k"}, "api_key", {"apiKey": "k"}),
        ("Other", {"REQON_OTHER_TYPE": "none"}, "none", {}),
        (
            "Other",
            {"REQON_OTHER_TOKEN": "t", "REQON_OTHER_API_KEY": "k", "REQON_OTHER_TYPE": "api_key"},
            "api_key",
            {"token": "t", "apiKey": "k"},
        ),
        ("Other", {"REQON_OTHER_TOKEN": ""}, None, {"token": "any"}),
        ("Other", {"ANY": "x"}, None, {"token": "x"}),
    ],
)
def test_where_credentials_come_from(
    tmp_path: Path, source: str, environ: dict[str, str], kind: str | None, fields: dict[str, str]
):
    path = written(tmp_path, json.dumps(FILE))
    settings = load_settings(environ, folder=tmp_path, auth_file=path)
    found = settings.credential(source)
    assert found is not None
    assert (found.kind, plain(found.fields)) == (kind, fields)


def test_credentials_are_secrets_from_the_moment_they_are_found(tmp_path: Path):
    path = written(tmp_path, '{"API": {"type": "custom", "pin": "1234-5678", "username": "ann"}}')
    settings = load_settings({}, folder=tmp_path, auth_file=path)
    found = settings.credential("API")
    assert found is not None
    assert str(found.fields["pin"]) == "****"
    assert settings.secrets.redact("1234-5678 of ann") == "**** of ann"
    assert "1234-5678" not in f"{settings!r} {found!r} {settings.file!r}"


def test_a_source_may_have_no_credentials():
    assert Settings({}).credential("API") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n  "API": {"token": }\n}', "auth.json:2:20: the credentials file is no JSON: "),
        ("[]", "auth.json:1: the credentials file must hold an object"),
        ('{\n "API": "token"}', "auth.json:2: the entry 'API' must be an object"),
        ('{"API": {\n"api_key": "k"}}', "auth.json:2: 'API' has an unknown field 'api_key'"),
    ],
)
def test_a_wrong_credentials_file_is_said_with_its_line(tmp_path: Path, text: str, message: str):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load_settings({}, folder=tmp_path, auth_file=path)
    assert message in raised.value.message
    assert raised.value.hint


def test_only_the_entry_in_use_needs_its_variables(tmp_path: Path):
    path = written(tmp_path, json.dumps(FILE, indent=2))
    settings = load_settings({}, folder=tmp_path, auth_file=path)
    assert settings.credential("Shop")
    with pytest.raises(ConfigError) as raised:
        settings.credential("API")
    assert raised.value.message == f"{path}:4: the variable 'API_TOKEN' in 'API.token' is not set"


@pytest.mark.parametrize(
    ("kind", "own", "given", "result"),
    [
        (None, {}, None, ("none", {})),
        ("bearer", {"token": "p"}, None, ("bearer", {"token": "p"})),
        (None, {}, Credential("bearer", {"token": "g"}, "x"), ("bearer", {"token": "g"})),
        (
            "bearer",
            {"token": "p"},
            Credential(None, {"token": "g"}, "x"),
            ("bearer", {"token": "g"}),
        ),
        ("bearer", {}, Credential("api_key", {"token": "g"}, "x"), ("bearer", {"token": "g"})),
    ],
)
def test_given_credentials_win_over_written_ones(
    kind: str | None, own: dict[str, Any], given: Credential | None, result: Any
):
    assert with_credential(own, kind, given) == result


# ---------------------------------------------------------------- the page about credentials


def fence(language: str) -> str:
    page = (ROOT / "docs" / "credentials.md").read_text()
    found = re.search(rf"(?ms)^```{language}\n(.*?)^```$", page)
    assert found is not None
    return found[1]


def test_the_environment_file_of_the_docs():
    assert parse_dotenv(fence("ini"), ".env") == {
        "REQON_CLUB_TOKEN": "3f9a41c07d",
        "STAGE": "production",
        "GREETING": "single quotes take everything as it stands: $HOME, \\n",
    }


def test_the_credentials_file_of_the_docs(tmp_path: Path):
    path = written(tmp_path, fence("json"))
    settings = load_settings({"SHOP_KEY": "k"}, folder=tmp_path, auth_file=path)
    shop, other = settings.credential("Shop"), settings.credential("Other")
    assert shop is not None
    assert other is not None
    assert (shop.kind, plain(shop.fields)["apiKey"]) == ("api_key", "k")
    assert (other.kind, plain(other.fields)) == ("bearer", {"token": "none"})
    with pytest.raises(ConfigError, match="the variable 'CLUB_TOKEN' in"):
        settings.credential("Club")
