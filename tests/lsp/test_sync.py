"""Typing in any encoding: after random edits the server says what a cold check of the text says.

The reference knows the protocol's lines and units by itself. A session that fails prints its seed.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from reqon_lsp.analysis import time_zones
from support.raw_client import RawClient
from support.source_tree import ROOT
from vague.check_source import NOON, MemoryFiles
from vague.checker import CheckFacts, check
from vague.program import ProgramRoot, read_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("examples/*.vague"))]
PIECES = (
    *('"', "{", "}", "(", ")", "[", "]", ",", ".", ":", "->", " ", "\n", "\r\n", "\r", "\t"),
    *("é", "€", "😀", "\u2028", "\x0c", "\x85", "\ufeff", "/*", "*/", "// x\n", "#"),
    *("mission M {\n", 'store s: file("s")\n', "action A { clear s }\n", "for x in s {", "x", "7"),
)
N_EDITS = 25
N_SESSIONS = int(os.environ.get("REQON_SYNC_SESSIONS", "12"))


def units(text: str, encoding: str) -> int:
    if encoding == "utf-32":
        return len(text)
    return len(text.encode(encoding + ("-le" if encoding == "utf-16" else ""))) // (
        2 if encoding == "utf-16" else 1
    )


def position(text: str, offset: int, encoding: str) -> dict[str, int]:
    """Where an offset is for a client; within a line break it is the end of the line."""
    line, start = 0, 0
    for found in re.finditer(r"\r\n|\r|\n", text):
        if found.end() > offset:
            offset = min(offset, found.start())
            break
        line, start = line + 1, found.end()
    return {"line": line, "character": units(text[start:offset], encoding)}


def place(text: str, offset: int) -> int:
    """The offset of the character that a client can address at `offset`."""
    inside = 0 < offset < len(text) and text[offset - 1 : offset + 1] == "\r\n"
    return offset - 1 if inside else offset


def edited(text: str, chance: random.Random, encoding: str) -> tuple[str, dict[str, Any]]:
    """The text after one random edit, and the edit as a change of the protocol."""
    first = place(text, chance.randint(0, len(text)))
    last = place(text, min(len(text), first + chance.choice((0, 0, 0, 1, 2, 5, 40))))
    new = chance.choice(PIECES) if chance.random() < 0.8 else ""
    span = {"start": position(text, first, encoding), "end": position(text, last, encoding)}
    return text[:first] + new + text[last:], {"range": span, "text": new}


def expected(path: str, text: str, encoding: str) -> list[tuple[str, dict[str, Any]]]:
    root = ProgramRoot(path, "file", path)
    memory = MemoryFiles({path: text})
    program = read_program(root, memory)
    found = check(program, CheckFacts(memory, NOON, time_zones())).diagnostics
    return [
        (
            one.code,
            {
                "start": position(text, one.span.start, encoding),
                "end": position(text, one.span.end, encoding),
            },
        )
        for one in found
    ]


async def session(client: RawClient, seed: int, encoding: str) -> None:
    chance = random.Random(seed)
    uri, path = f"untitled:{seed}", f"untitled:{seed}"
    text = chance.choice(EXAMPLES)
    document = {"uri": uri, "languageId": "reqon", "version": 0, "text": text}
    client.notify("textDocument/didOpen", {"textDocument": document})
    for version in range(1, N_EDITS + 1):
        changes = []
        for _ in range(chance.choice((1, 1, 3))):
            text, change = edited(text, chance, encoding)
            changes.append(change)
        client.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes},
        )
        if chance.random() < 0.3:
            await client.request(
                f"{seed}-{version}",
                "textDocument/hover",
                {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 4}},
            )

    def is_last(message: dict[str, Any]) -> bool:
        params = message.get("params") or {}
        return message.get("method") == "textDocument/publishDiagnostics" and (
            params.get("uri"),
            params.get("version"),
        ) == (uri, N_EDITS)

    published = (await client.until(is_last))["params"]["diagnostics"]
    shown = [(one["code"], one["range"]) for one in published]
    assert shown == expected(path, text, encoding), f"seed {seed}: {text!r}"
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    client.seen.clear()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_after_random_edits_the_diagnostics_are_those_of_a_cold_check(encoding):
    client = await RawClient.start()
    capabilities = {"general": {"positionEncodings": [encoding]}}
    answer = await client.initialize(capabilities)
    assert answer["result"]["capabilities"]["positionEncoding"] == encoding
    for seed in range(N_SESSIONS):
        await session(client, seed, encoding)
    assert await client.leave() == 0


def resident_kib(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.deep
@pytest.mark.timeout(3000)
async def test_a_long_session_takes_no_more_memory_than_a_short_one():
    client = await RawClient.start()
    await client.initialize()
    for seed in range(40):
        await session(client, seed % 8, "utf-16")
    before = resident_kib(client.process.pid)
    for seed in range(400):
        await session(client, seed % 8, "utf-16")
    assert resident_kib(client.process.pid) < before * 1.2
    assert await client.leave() == 0
