"""The fields that are known of a value at a place."""

from __future__ import annotations

import pytest

from vague.ast.expressions import Expression
from vague.check_source import check_source
from vague.names import scope_at
from vague.parser import parse_expression
from vague.shapes import fields_of, shape_of

SPEC = """
openapi: 3.0.0
paths:
  /bins:
    get:
      operationId: listBins
      responses:
        200:
          content:
            application/json:
              schema:
                type: object
                required: [bins]
                properties:
                  bins: { type: array, items: { $ref: "#/components/schemas/Bin" } }
                  total: { type: integer, description: How many there are }
components:
  schemas:
    Bin: { properties: { id: { type: string }, lid: { $ref: "#/components/schemas/Lid" } } }
    Lid: { properties: { round: { type: boolean } } }
"""
TEXT = """
import depot from "./depot.yaml"
schema Base { id: string, tags: [string] }
schema Room { ...Base, size?: int, kind: "hall" | "cell", at: { floor: int }, up: Room? }
schema Bin from depot.Bin { own: string }
mission M {
  source Depot from "./depot.yaml"
  store rooms: file("rooms")
  let limits = { low: 1, high: 2 }
  transform T { (_) -> Room { id: 1 } }
  action A {
    call Depot.listBins
    /*1*/ for bin in response.bins where .lid.round { /*2*/ skip /*3*/ }
    let firsts = first(response.bins)
    let sorted = response.bins | sortBy(.id)
    let own = { a: 1, b: { c: "x" }, ...limits }
    get "/bins"
    /*4*/ map response -> Room { id: 1 }
    /*5*/ let list = [own]
    for room in rooms { store { id: room.id } -> rooms { key: .id } /*6*/ skip }
    map response -> other { q: 1, list: list }
    /*7*/ skip
  }
  run A
}
"""


def fields(mark: str, target: str | None) -> list[str]:
    checked = check_source(TEXT, files={"depot.yaml": SPEC})
    offset = TEXT.index(f"/*{mark}*/") + len(mark) + 4
    place = scope_at(checked.program, checked.facts, "mission.vague", offset)
    assert place is not None
    samples = {"rooms": [{"id": "r1", "open": True}, {"id": "r2", "doors": [{"no": 1}]}]}
    known = fields_of(place, expression(target), samples)
    return [
        f"{one.name}{'?' if one.optional else ''}: {one.type}"
        for one in known
        if one.origin != "reply"
    ]


def expression(text: str | None) -> Expression | None:
    if text is None:
        return None
    found, problems = parse_expression(text)
    assert problems == ()
    return found


BIN = ["id?: string", "lid?: object"]
RECORD = ["id: string", "open?: boolean", "doors?: [object]"]


@pytest.mark.parametrize(
    ("mark", "target", "expected"),
    [
        ("1", "response", ["bins: [object]", "total?: integer"]),
        ("1", None, ["bins: [object]", "total?: integer"]),
        ("1", "response.bins", BIN),
        ("1", "response.bins[0].lid", ["round?: boolean"]),
        ("2", "bin", BIN),
        ("2", None, BIN),
        ("3", "bin.lid", ["round?: boolean"]),
        ("4", "firsts", BIN),
        ("4", "sorted", BIN),
        ("4", "(sorted where .id).lid", ["round?: boolean"]),
        ("4", "own", ["a: number", "b: object", "low: number", "high: number"]),
        ("4", "own.b", ["c: string"]),
        ("4", "limits", ["low: number", "high: number"]),
        ("4", "response.bins", BIN),
        (
            "5",
            "response",
            [
                "id: string",
                "tags: [string]",
                "size?: integer",
                'kind: "hall" | "cell"',
                "at: object",
                "up?: object",
            ],
        ),
        ("5", "response.at", ["floor: integer"]),
        ("6", "room", RECORD),
        ("6", None, RECORD),
        ("6", "rooms", RECORD),
        ("6", 'rooms["r1"]', RECORD),
        ("6", "room.doors", ["no: integer"]),
        ("7", "response", ["q: number", "list: [object]"]),
        ("7", "other.list", ["a: number", "b: object", "low: number", "high: number"]),
        ("7", "unknown", []),
        ("7", "length(rooms)", []),
        ("7", "now()", []),
    ],
)
def test_known_fields(mark: str, target: str | None, expected: list[str]):
    assert sorted(fields(mark, target)) == sorted(expected)


def test_a_reply_has_virtual_fields_and_descriptions():
    checked = check_source(TEXT, files={"depot.yaml": SPEC})
    place = scope_at(checked.program, checked.facts, "mission.vague", TEXT.index("/*1*/") + 5)
    assert place is not None
    known = {one.name: one for one in fields_of(place, expression("response"))}
    assert known["total"].description == "How many there are"
    assert known["total"].origin == "spec of 'Depot'"
    assert known["code"].origin == "reply"


def test_schemas_from_components_have_the_fields_of_both():
    checked = check_source(TEXT, files={"depot.yaml": SPEC})
    offset = TEXT.index("/*7*/") + 5
    place = scope_at(checked.program, checked.facts, "mission.vague", offset)
    assert place is not None
    assert shape_of(place, expression("limits.low")).types == {"number"}
    assert shape_of(place, expression("nothing")) is None
