"""OpenAPI documents in all versions and spellings are read; bad ones say what is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vague.openapi import ApiDocument, Shape, read_document

MODERN = """
openapi: 3.1.0
info: { title: Depot, version: 1.0.0 }
servers:
  - url: "https://{zone}.depot.test/{v}"
    variables: { zone: { default: eu }, v: { default: v2 } }
  - url: https://backup.test
paths:
  /bins:
    parameters:
      - { $ref: "#/components/parameters/Trace" }
    get:
      operationId: listBins
      summary: All bins
      parameters:
        - { name: limit, in: query, schema: { type: integer } }
        - { name: X-Trace, in: header, required: true, schema: { type: string } }
      responses:
        200: { $ref: "#/components/responses/Bins" }
        default:
          content:
            application/problem+json:
              schema: { type: object, properties: { title: { type: string } } }
    post:
      operationId: bins/add
      requestBody:
        required: true
        content:
          text/plain: { schema: { type: string } }
          application/json: { schema: { $ref: "#/components/schemas/Bin" } }
      responses: { "204": { description: none } }
  /bins/{id}:
    get:
      parameters: [{ name: id, in: path, schema: { type: string } }]
      responses:
        2XX: { content: { application/json: { schema: { $ref: "#/components/schemas/Bin" } } } }
components:
  parameters:
    Trace: { name: X-Trace, in: header, schema: { type: string } }
  responses:
    Bins:
      content:
        application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Bin" } } }
  schemas:
    Bin:
      type: object
      required: [id]
      properties:
        id: { type: string, format: uuid }
        state: { type: [string, "null"], enum: [full, empty] }
        parent: { $ref: "#/components/schemas/Bin" }
        size: { oneOf: [{ type: integer }, { $ref: "#/components/schemas/Size" }] }
    Size: { const: huge }
    Big:
      allOf:
        - { $ref: "#/components/schemas/Bin" }
        - { type: object, required: [cubic], properties: { cubic: { type: number } } }
      properties: { note: { type: string, nullable: true } }
"""
SWAGGER = {
    "swagger": "2.0",
    "host": "old.test",
    "basePath": "/v1",
    "schemes": ["http", "https"],
    "paths": {
        "/things": {
            "post": {
                "operationId": "addThing",
                "parameters": [
                    {
                        "name": "thing",
                        "in": "body",
                        "required": True,
                        "schema": {"$ref": "#/definitions/Thing"},
                    },
                    {"name": "note", "in": "formData", "type": "string"},
                ],
                "responses": {"201": {"schema": {"$ref": "#/definitions/Thing"}}},
            }
        }
    },
    "definitions": {"Thing": {"properties": {"id": {"type": "integer", "x-nullable": True}}}},
}


@pytest.fixture(scope="module")
def modern() -> ApiDocument:
    return read_document(MODERN.encode())


def test_servers_take_the_defaults_of_their_variables(modern: ApiDocument):
    assert modern.servers == ("https://eu.depot.test/v2", "https://backup.test")
    assert (modern.version, modern.title) == ("3.1.0", "Depot")
    assert modern.problems == ()


def test_operations_have_method_path_and_parameters(modern: ApiDocument):
    assert modern.operation_ids == ("listBins", "bins/add")
    listing = modern.operation("listBins")
    assert listing is not None
    assert (listing.method, listing.path, listing.summary) == ("get", "/bins", "All bins")
    assert [(one.name, one.place, one.required) for one in listing.parameters] == [
        ("X-Trace", "header", True),
        ("limit", "query", False),
    ]
    assert modern.operation("nothing") is None


def test_a_path_parameter_is_always_required(modern: ApiDocument):
    reading = modern.operations[2]
    assert reading.id is None
    assert [(one.name, one.required) for one in reading.parameters] == [("id", True)]


def test_the_json_body_is_preferred(modern: ApiDocument):
    adding = modern.operation("bins/add")
    assert adding is not None
    assert adding.body == Shape(reference="Bin")
    assert adding.body_required


def test_responses_are_found_by_status(modern: ApiDocument):
    listing = modern.operation("listBins")
    assert listing is not None
    assert listing.response is not None
    assert listing.response.items == Shape(reference="Bin")
    problem = listing.response_for(404)
    assert problem is not None
    assert list(problem.fields) == ["title"]
    adding = modern.operation("bins/add")
    assert adding is not None
    assert adding.response_for(204) is None
    assert adding.response_for(500) is None
    assert modern.operations[2].response_for(206) == Shape(reference="Bin")


def test_shapes_of_components(modern: ApiDocument):
    found = modern.components["Bin"]
    assert found.required == {"id"}
    assert found.fields["id"].format == "uuid"
    assert found.fields["state"].types == {"string", "null"}
    assert found.fields["state"].enum == ("full", "empty")
    assert modern.resolve(found.fields["parent"]) is found
    assert [modern.resolve(one).enum for one in found.fields["size"].alternatives] == [
        None,
        ("huge",),
    ]


def test_all_of_merges_fields_and_keeps_references(modern: ApiDocument):
    big = modern.components["Big"]
    assert set(big.fields) == {"cubic", "note"}
    assert big.required == {"cubic"}
    assert [modern.resolve(part) for part in big.parts] == [modern.components["Bin"]]


def test_swagger_2():
    document = read_document(json.dumps(SWAGGER).encode())
    assert document.servers == ("https://old.test/v1", "http://old.test/v1")
    (adding,) = document.operations
    assert adding.body == Shape(reference="Thing")
    assert adding.body_required
    assert [(one.name, one.place) for one in adding.parameters] == [("note", "form")]
    assert document.resolve(adding.response or Shape()).fields["id"].types == {"integer", "null"}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "root is not an object"),
        (b"[1, 2]", "root is not an object"),
        (b"just text", "is not an OpenAPI document"),
        (b'{"a": 1}', "has no 'openapi' version"),
        (b'{"openapi": "4.0"}', "version '4.0' is not supported"),
        (b'{"openapi": "3.0.0", ', "is not valid JSON"),
        (b"openapi: 3.0.0\npaths: {a: [}", "is neither JSON nor YAML"),
        (b"\xff\xfe", "is not valid UTF-8"),
        (b"a: &a [*a, *a]\nb: *c", "is neither JSON nor YAML"),
        (b"{" * 100_000, "is not valid JSON"),
        (b"[" * 5_000 + b"\n", "is neither JSON nor YAML"),
    ],
)
def test_a_bad_document_says_why(data: bytes, problem: str):
    document = read_document(data)
    assert document.fatal
    assert problem in document.problems[0]


def test_what_is_wrong_inside_does_not_spoil_the_rest():
    document = read_document(
        json.dumps(
            {
                "openapi": "3.0.0",
                "servers": "no list",
                "paths": {
                    "/a": {
                        "get": {"operationId": "a", "parameters": [5, {"name": 1}], "responses": []}
                    },
                    "/b": 5,
                    "/c": {"$ref": "#/paths/~1a"},
                    "/d": {"get": {"operationId": 7, "parameters": [{"$ref": "other.yaml#/x"}]}},
                    "/e": {"get": {"responses": {"200": {"$ref": "#/nowhere"}}}},
                },
                "components": {"schemas": {"A": 5, "B": {"$ref": "#/components/schemas/B"}}},
            }
        ).encode()
    )
    assert not document.fatal
    assert [(one.id, one.path) for one in document.operations] == [
        ("a", "/a"),
        ("a", "/c"),
        ("7", "/d"),
        (None, "/e"),
    ]
    assert document.problems == (
        "reference 'other.yaml#/x' to another document is not followed",
        "reference '#/nowhere' leads nowhere",
    )
    assert document.resolve(document.components["B"]) == Shape()


def test_aliases_that_multiply_cost_no_time():
    lines = ["openapi: 3.0.0", "components:", "  schemas:"]
    lines.append("    S0: &s0 { type: string }")
    for level in range(1, 40):
        inner = f"properties: {{ a: *s{level - 1}, b: *s{level - 1} }}"
        lines.append(f"    S{level}: &s{level} {{ {inner} }}")
    document = read_document("\n".join(lines).encode())
    assert set(document.components["S39"].fields) == {"a", "b"}


KEYS = [
    "openapi", "swagger", "paths", "/a", "get", "parameters", "responses", "200", "content",
    "schema", "$ref", "items", "components", "schemas", "properties", "required", "enum", "allOf",
    "oneOf", "type", "name", "in",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_any_json_is_read_without_an_error(value: object):
    body = value if isinstance(value, dict) else {"x": value}
    document = read_document(json.dumps({"openapi": "3.0.0", **body}).encode())
    for operation in document.operations:
        assert operation.response is None or isinstance(operation.response, Shape)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes):
    assert isinstance(read_document(data), ApiDocument)
