"""Reads an OpenAPI document: bytes in, operations and shapes out.

OpenAPI 3.0 and 3.1 and Swagger 2.0, as JSON or YAML. A bad document never raises: what is wrong is
listed in `problems`, and what can be read is there. Nothing is fetched here. The checker asks for
operations and parameters, the engine for requests, validation and mock replies, the editor for
fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ruamel.yaml import YAML

Place: TypeAlias = Literal["path", "query", "header", "cookie", "body", "form"]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PLACES: Mapping[str, Place] = {
    "path": "path",
    "query": "query",
    "header": "header",
    "cookie": "cookie",
    "formData": "form",
}
_MAXIMUM_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value looks like; an empty shape is any value.

    `types` are JSON Schema's names. `reference` names a component: `ApiDocument.resolve` follows
    it, so that shapes may refer to themselves. `alternatives` are those of `oneOf` and `anyOf`;
    `allOf` is merged into the shape itself, except for references, which stay in `parts`.
    """

    types: frozenset[str] = frozenset()
    fields: Mapping[str, Shape] = field(default_factory=dict[str, "Shape"])
    required: frozenset[str] = frozenset()
    items: Shape | None = None
    enum: tuple[object, ...] | None = None
    format: str | None = None
    alternatives: tuple[Shape, ...] = ()
    parts: tuple[Shape, ...] = ()
    reference: str | None = None
    description: str = ""
    example: object = None


ANY = Shape()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation and the place where it is sent."""

    name: str
    place: Place
    required: bool
    shape: Shape = ANY
    description: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation. `id` is None where the document gives none: then `call` cannot name it.

    `responses` maps a status, such as `200`, `2XX` or `default`, to the shape of the JSON body,
    or to None where there is no body.
    """

    id: str | None
    method: str
    path: str
    summary: str
    parameters: tuple[Parameter, ...]
    body: Shape | None
    body_required: bool
    responses: Mapping[str, Shape | None]

    @property
    def response(self) -> Shape | None:
        """The shape of the body of a successful reply, if the document tells it."""
        statuses = sorted(status for status in self.responses if status.startswith("2"))
        for status in (*statuses, "default"):
            shape = self.responses.get(status)
            if shape is not None:
                return shape
        return None

    def response_for(self, status: int) -> Shape | None:
        """The shape of the body of a reply with this status."""
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in self.responses:
                return self.responses[key]
        return None


@dataclass(frozen=True, slots=True)
class ApiDocument:
    """What was read. `problems` are texts; with any that is `fatal` the document is unusable."""

    version: str = ""
    title: str = ""
    servers: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    components: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    problems: tuple[str, ...] = ()
    fatal: bool = False

    def operation(self, operation_id: str) -> Operation | None:
        """The operation of this id."""
        return next((found for found in self.operations if found.id == operation_id), None)

    @property
    def operation_ids(self) -> tuple[str, ...]:
        """All ids, in the order of the document."""
        return tuple(found.id for found in self.operations if found.id is not None)

    def resolve(self, shape: Shape) -> Shape:
        """`shape`, or the component that it refers to; any value if that leads nowhere."""
        seen: set[str] = set()
        while shape.reference is not None:
            if shape.reference in seen or shape.reference not in self.components:
                return ANY
            seen.add(shape.reference)
            shape = self.components[shape.reference]
        return shape


def read_document(data: bytes) -> ApiDocument:
    """Read a document. Never raises; cost is linear, but YAML takes some seconds a megabyte."""
    root = _load(data)
    if isinstance(root, str):
        return ApiDocument(problems=(root,), fatal=True)
    try:
        return _Reader(root).document()
    except Exception as error:  # noqa: BLE001 - a foreign document may hold anything anywhere
        return ApiDocument(problems=(f"cannot be understood: {_words(error)}",), fatal=True)


def _load(data: bytes) -> dict[str, Any] | str:
    """The root object, or the reason why there is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "is not valid UTF-8"
    try:
        root: object = json.loads(text)
    except (ValueError, RecursionError) as json_error:
        if text.lstrip().startswith("{") and "\n" not in text.strip():
            return f"is not valid JSON: {_words(json_error)}"
        root = _load_yaml(text)
    if isinstance(root, str):
        return root
    if not isinstance(root, dict):
        return "is not an OpenAPI document: its root is not an object"
    return root  # pyright: ignore[reportUnknownVariableType] - JSON edge, read key by key below


def _load_yaml(text: str) -> object:
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = True
    try:
        loaded: object = yaml.load(text)  # pyright: ignore[reportUnknownMemberType]
    except Exception as error:  # noqa: BLE001 - the YAML reader raises many kinds on bad input
        return f"is neither JSON nor YAML: {_words(error)}"
    return loaded if not isinstance(loaded, str) else "is not an OpenAPI document"


def _words(error: BaseException) -> str:
    """The first line of what the error says, without its dots and addresses."""
    problem: object = getattr(error, "problem", None)
    text = problem if isinstance(problem, str) else str(error)
    line = text.strip().split("\n", 1)[0].rstrip(".")
    return line or type(error).__name__


class _Reader:
    """Walks one document; every look-up forgives what is not there or is of another type."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self.problems: list[str] = []
        self.swagger = str(root.get("swagger", "")).startswith("2")
        holder = root if self.swagger else _mapping(root.get("components"))
        self.schemas = _mapping(holder.get("definitions" if self.swagger else "schemas"))
        # By identity: YAML aliases may share a schema a million times over, or make it hold itself.
        self.shapes: dict[int, Shape] = {}

    def document(self) -> ApiDocument:
        version = str(self.root.get("openapi") or self.root.get("swagger") or "")
        if not version.startswith(("2", "3")):
            reason = (
                f"version '{version}' is not supported" if version else "has no 'openapi' version"
            )
            return ApiDocument(version=version, problems=(reason,), fatal=True)
        return ApiDocument(
            version=version,
            title=_text(_mapping(self.root.get("info")).get("title")),
            servers=tuple(self._servers()),
            operations=tuple(self._operations()),
            components={name: self._shape(schema, 0) for name, schema in self.schemas.items()},
            problems=tuple(self.problems),
        )

    # -------------------------------------------------------------- servers

    def _servers(self) -> Iterator[str]:
        if self.swagger:
            yield from self._swagger_servers()
            return
        for server in _items(self.root.get("servers")):
            url = _text(_mapping(server).get("url"))
            for name, variable in _mapping(_mapping(server).get("variables")).items():
                url = url.replace("{" + name + "}", _text(_mapping(variable).get("default")))
            if url:
                yield url

    def _swagger_servers(self) -> Iterator[str]:
        host = _text(self.root.get("host"))
        base = _text(self.root.get("basePath"))
        if not host:
            if base:
                yield base
            return
        schemes = [_text(scheme) for scheme in _items(self.root.get("schemes"))] or ["https"]
        schemes.sort(key=lambda scheme: scheme != "https")
        for scheme in schemes:
            yield f"{scheme}://{host}{base}"

    # -------------------------------------------------------------- operations

    def _operations(self) -> Iterator[Operation]:
        for path, entry in _mapping(self.root.get("paths")).items():
            item = self._followed(entry)
            shared = _items(item.get("parameters"))
            for method in _METHODS:
                if isinstance(item.get(method), dict):
                    yield self._operation(path, method, _mapping(item[method]), shared)

    def _operation(
        self, path: str, method: str, entry: dict[str, Any], shared: list[Any]
    ) -> Operation:
        parameters: dict[tuple[str, Place], Parameter] = {}
        body: Shape | None = None
        body_required = False
        for raw in [*shared, *_items(entry.get("parameters"))]:
            parameter = self._followed(raw)
            if parameter.get("in") == "body":
                body = self._shape(parameter.get("schema"), 0)
                body_required = parameter.get("required") is True
                continue
            found = self._parameter(parameter)
            if found is not None:
                parameters[found.name, found.place] = found
        if "requestBody" in entry:
            request = self._followed(entry["requestBody"])
            body = self._content(request)
            body_required = request.get("required") is True
        operation_id = entry.get("operationId")
        return Operation(
            id=str(operation_id) if operation_id not in (None, "") else None,
            method=method,
            path=path,
            summary=_text(entry.get("summary")) or _text(entry.get("description")),
            parameters=tuple(parameters.values()),
            body=body,
            body_required=body_required,
            responses=self._responses(entry),
        )

    def _parameter(self, entry: dict[str, Any]) -> Parameter | None:
        name, place = entry.get("name"), _PLACES.get(_text(entry.get("in")))
        if not isinstance(name, str) or place is None:
            return None
        schema = entry if self.swagger else entry.get("schema")
        shape = self._shape(schema, 0) if schema is not None else self._content(entry) or ANY
        required = place == "path" or entry.get("required") is True
        return Parameter(name, place, required, shape, _text(entry.get("description")))

    def _responses(self, entry: dict[str, Any]) -> dict[str, Shape | None]:
        found: dict[str, Shape | None] = {}
        for status, raw in _mapping(entry.get("responses")).items():
            response = self._followed(raw)
            if self.swagger:
                schema = response.get("schema")
                found[status] = None if schema is None else self._shape(schema, 0)
            else:
                found[status] = self._content(response)
        return found

    def _content(self, holder: dict[str, Any]) -> Shape | None:
        """The shape of the JSON body among `content`, else of the first one that has a schema."""
        content = _mapping(holder.get("content"))
        ranked = sorted(content, key=lambda kind: "json" not in kind.lower())
        for kind in ranked:
            schema = _mapping(content[kind]).get("schema")
            if schema is not None:
                return self._shape(schema, 0)
        return None

    # -------------------------------------------------------------- references and shapes

    def _followed(self, entry: object) -> dict[str, Any]:
        """`entry`, or what its `$ref` within this document points to."""
        found = _mapping(entry)
        for _ in range(_MAXIMUM_DEPTH):
            pointer = found.get("$ref")
            if not isinstance(pointer, str):
                return found
            found = _mapping(self._pointed(pointer))
        return {}

    def _pointed(self, pointer: str) -> object:
        if not pointer.startswith("#/"):
            self._note(f"reference '{pointer}' to another document is not followed")
            return None
        place: object = self.root
        for part in pointer[2:].split("/"):
            place = _mapping(place).get(part.replace("~1", "/").replace("~0", "~"))
        if place is None:
            self._note(f"reference '{pointer}' leads nowhere")
        return place

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _shape(self, schema: object, depth: int) -> Shape:
        key = id(schema)
        known = self.shapes.get(key)
        if known is not None:
            return known
        if not isinstance(schema, dict) or depth > _MAXIMUM_DEPTH:
            return ANY
        self.shapes[key] = ANY
        shape = self._new_shape(_mapping(schema), depth)  # pyright: ignore[reportUnknownArgumentType]
        self.shapes[key] = shape
        return shape

    def _new_shape(self, entry: dict[str, Any], depth: int) -> Shape:
        pointer = entry.get("$ref")
        if isinstance(pointer, str):
            return self._referred(pointer, depth)
        parts = [self._shape(part, depth + 1) for part in _items(entry.get("allOf"))]
        own = self._own_shape(entry, depth)
        return _merged(own, parts) if parts else own

    def _referred(self, pointer: str, depth: int) -> Shape:
        for prefix in ("#/components/schemas/", "#/definitions/"):
            name = pointer.removeprefix(prefix).replace("~1", "/").replace("~0", "~")
            if pointer.startswith(prefix) and name in self.schemas:
                return Shape(reference=name)
        return self._shape(self._pointed(pointer), depth + 1)

    def _own_shape(self, entry: dict[str, Any], depth: int) -> Shape:
        def inner(schema: object) -> Shape:
            return self._shape(schema, depth + 1)

        choices = [*_items(entry.get("oneOf")), *_items(entry.get("anyOf"))]
        fields = _mapping(entry.get("properties"))
        return Shape(
            types=_types(entry),
            fields={name: inner(schema) for name, schema in fields.items()},
            required=frozenset(str(name) for name in _items(entry.get("required"))),
            items=inner(entry["items"]) if "items" in entry else None,
            enum=_enum(entry),
            format=_text(entry.get("format")) or None,
            alternatives=tuple(map(inner, choices)),
            description=_text(entry.get("description")),
            example=entry.get("example", entry.get("default")),
        )


def _merged(own: Shape, parts: list[Shape]) -> Shape:
    """`allOf`: fields of all parts, own ones winning; references stay for `ApiDocument.resolve`."""
    plain = [part for part in parts if part.reference is None]
    fields: dict[str, Shape] = {}
    required = own.required
    for part in (*plain, own):
        fields.update(part.fields)
        required |= part.required
    everything = [own, *plain]
    return Shape(
        types=_first(everything, lambda shape: shape.types) or frozenset(),
        fields=fields,
        required=required,
        items=_first(everything, lambda shape: shape.items),
        enum=_first(everything, lambda shape: shape.enum),
        format=_first(everything, lambda shape: shape.format),
        alternatives=_first(everything, lambda shape: shape.alternatives) or (),
        parts=tuple(part for part in parts if part.reference is not None),
        description=own.description,
        example=own.example,
    )


def _first(shapes: list[Shape], pick: Callable[[Shape], Any]) -> Any:
    return next((found for found in map(pick, shapes) if found), None)


def _types(entry: dict[str, Any]) -> frozenset[str]:
    written = entry.get("type")
    names = [written] if isinstance(written, str) else _items(written)
    types = {name for name in names if isinstance(name, str) and name != "file"}
    if types and (entry.get("nullable") is True or entry.get("x-nullable") is True):
        types.add("null")
    if not types and "properties" in entry:
        types.add("object")
    return frozenset(types)


def _enum(entry: dict[str, Any]) -> tuple[object, ...] | None:
    if "const" in entry:
        return (entry["const"],)
    values = _items(entry.get("enum"))
    if not values:
        return None
    return (*values, None) if entry.get("nullable") is True else tuple(values)


def _mapping(value: object) -> dict[str, Any]:
    """`value` as an object with text keys: YAML reads an unquoted status as a number."""
    if not isinstance(value, dict):
        return {}
    return {str(key): entry for key, entry in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
