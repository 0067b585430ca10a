"""The closed and open sets of names that values are chosen from, each with a line of help.

Open sets (store adapters, auth kinds, paginators, state stores) grow by plug-ins through
`Vocabulary.with_`; the others are complete here. Data only: the engine has one implementation a
name, and a test compares both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Kind:
    """A name of a set.

    `options` names the block in `OPTION_BLOCKS` that it takes (None: none, or passed through as
    they are), `parameters` its arguments in order, and `same_as` the name it is another word for.
    """

    name: str
    help: str
    options: str | None = None
    parameters: tuple[str, ...] = ()
    same_as: str | None = None


Kinds = Mapping[str, Kind]


def kinds(*rows: Kind) -> Kinds:
    """The rows by name, in the order given."""
    return MappingProxyType({row.name: row for row in rows})


AUTH_KINDS = kinds(
    Kind("none", "Requests carry no credentials."),
    Kind("bearer", "Sends `Authorization: Bearer` with the option `token`."),
    Kind("basic", "Sends `username` and `password` by HTTP basic authentication."),
    Kind("api_key", "Sends `apiKey` in a header, or in the query with `apiKeyQuery`."),
    Kind("oauth2", "Gets and refreshes access tokens as the option `oauth` says."),
)

STORE_ADAPTERS = kinds(
    Kind("memory", "Records live as long as the execution."),
    Kind("file", "Records are kept as JSON files in the data directory.", options="store.file"),
    Kind("sql", "A table, as the store configuration says; without one, local storage."),
    Kind("nosql", "A collection, as the store configuration says; without one, local storage."),
    Kind("postgrest", "A table behind PostgREST or Supabase.", options="store.postgrest"),
)

PAGINATORS = kinds(
    Kind(
        "offset",
        "Sends 0, then the page size, then twice the page size, and so on.",
        parameters=("param", "size"),
    ),
    Kind("page", "Sends page numbers from 1.", parameters=("param", "size")),
    Kind(
        "cursor",
        "Sends the cursor that the page before gave.",
        parameters=("param", "size", "path"),
    ),
    Kind("link", 'Follows the `Link` header with `rel="next"`.'),
)

STATE_STORES = kinds(
    Kind("file", "Execution state is kept in the data directory."),
    Kind("memory", "Execution state is gone when the process ends."),
    Kind("sqlite", "Execution state is kept in the SQLite file that `REQON_STATE_URL` names."),
    Kind("postgres", "Execution state is kept in the PostgreSQL database of `REQON_STATE_URL`."),
    Kind("redis", "Execution state is kept in the Redis server that `REQON_STATE_URL` names."),
    Kind("s3", "Execution state is kept in the bucket of S3 that `REQON_STATE_URL` names."),
)

TYPE_NAMES = kinds(
    Kind("string", "Text."),
    Kind("number", "Any number."),
    Kind("boolean", "True or false."),
    Kind("bool", "True or false.", same_as="boolean"),
    Kind("object", "An object with any fields."),
    Kind("array", "An array; `array<T>` or `[T]` says of what."),
    Kind("any", "Everything, null included."),
    Kind("null", "Null, or a missing field."),
    Kind("int", "A number without a fractional part.", same_as="integer"),
    Kind("integer", "A number without a fractional part."),
    Kind("decimal", "Any number.", same_as="number"),
    Kind("float", "Any number.", same_as="number"),
    Kind("double", "Any number.", same_as="number"),
    Kind("date", "A date, or a string that is an ISO 8601 date or date-time."),
    Kind("datetime", "A date, or a string that is an ISO 8601 date or date-time.", same_as="date"),
)

IS_TYPE_NAMES = kinds(
    *TYPE_NAMES.values(),
    Kind("undefined", "Null, or a missing field.", same_as="null"),
)
"""What may follow `is` beside a schema name."""

PREDEFINED_SCHEMAS = kinds(
    Kind(
        "CircuitOpen",
        "The error value of an open circuit breaker: "
        "`{ circuitOpen: boolean, service: string, openedAt: date }`.",
    ),
)

BACKOFFS = kinds(
    Kind("exponential", "Every wait is twice as long as the one before."),
    Kind("linear", "Every wait is one `initialDelay` longer than the one before."),
    Kind("constant", "Every wait is `initialDelay`."),
)

RATE_STRATEGIES = kinds(
    Kind("pause", "Waits until the window has room again."),
    Kind("queue", "Waits until the window has room again.", same_as="pause"),
    Kind("throttle", "Spaces the requests evenly."),
    Kind("fail", "Fails at once with the error kind `rate_limit`."),
)

SYNC_FORMATS = kinds(
    Kind("iso", "`2031-05-06T07:08:09Z`."),
    Kind("ISO", "`2031-05-06T07:08:09Z`.", same_as="iso"),
    Kind("unix", "Seconds since 1970."),
    Kind("timestamp", "Seconds since 1970.", same_as="unix"),
    Kind("unix-ms", "Milliseconds since 1970."),
    Kind("epoch", "Milliseconds since 1970.", same_as="unix-ms"),
    Kind("date-only", "`2031-05-06`."),
    Kind("YYYY-MM-DD", "`2031-05-06`.", same_as="date-only"),
)

VALIDATION_MODES = kinds(
    Kind("strict", "A mismatch is a failure of the request."),
    Kind("warn", "A mismatch is reported, and listed in `response.validationErrors`."),
    Kind("off", "Responses are not compared."),
)

IDEMPOTENCY_MODES = kinds(
    Kind("auto", "POST and PATCH requests carry an idempotency key."),
    Kind("none", "No request carries an idempotency key."),
    Kind("always", "PUT and DELETE requests carry an idempotency key too."),
)

PARALLEL_MODES = kinds(
    Kind("continue", "The other actions of the group finish, and the pipeline goes on."),
    Kind("fail-fast", "The other actions of the group are canceled, and the pipeline stops."),
)

DURABILITIES = kinds(
    Kind("strict", "The journal is synced to disk with every commit."),
    Kind("balanced", "The journal is synced often, and always before a checkpoint counts."),
    Kind("relaxed", "The operating system decides when the journal reaches the disk."),
)

FILE_FORMATS = kinds(
    Kind("json", "JSON only."),
    Kind("csv", "A CSV export is written beside the JSON."),
)

SORT_DIRECTIONS = kinds(
    Kind("asc", "Smallest first."),
    Kind("desc", "Largest first."),
)

VIRTUAL_FIELDS = kinds(
    Kind("code", "The HTTP status of the reply."),
    Kind("statusCode", "The HTTP status of the reply.", same_as="code"),
    Kind("headers", "The headers of the reply; names are looked up in any case."),
    Kind("ok", "True for a status from 200 to 299."),
    Kind("webhookUrl", "The full URL of the next `wait` of the action."),
    Kind("validationErrors", "What does not fit the OpenAPI document; absent if all fits."),
)
"""Fields that a reply answers to without holding them."""

ERROR_FIELDS = kinds(
    Kind("error", "What went wrong, as a short text."),
    Kind("message", "What went wrong, as a sentence."),
    Kind("kind", "The error kind, such as `http`."),
    Kind("code", "The HTTP status or the database's own code."),
    Kind("step", "Where it went wrong."),
    Kind("details", "More facts, which depend on the kind."),
)
"""The fields of the error record that the arms of `catch` match."""

AMBIENT_NAMES = kinds(
    Kind("response", "The result of the last request, `call`, `map`, `apply` or `wait`."),
    Kind("webhook", "The result of the last `wait`; null before."),
    Kind("request", "The last request: `source`, `method`, `path`, `url`, `params`, `body`."),
    Kind("currentRequest", "The last request.", same_as="request"),
    Kind("currentOperation", 'The operation id of the last request, or `"GET /path"`.'),
    Kind("lastSync", "The time of the last sync that the latest `since` used, or null."),
)
"""Names that have a value in every action without being declared."""

ELEMENT_NAMES = kinds(
    Kind("it", "The element, in a callback without parameters."),
    Kind("item", "The element, in a callback without parameters.", same_as="it"),
    Kind("index", "The element's position, in a callback without parameters."),
)
"""Names that a callback without parameters has, unless they mean something already."""

PAGE_NAMES = kinds(
    Kind("page", "The number of pages fetched so far."),
    Kind("hasMore", "Whether the pagination itself would go on."),
)
"""Names that `until` has beside `response` and the pagination's own parameter."""

ERROR_KINDS = kinds(
    Kind("abort", "The program stopped itself."),
    Kind("http", "The service answered with a status of 400 or above."),
    Kind("network", "The service could not be reached."),
    Kind("timeout", "A request or the mission took longer than allowed."),
    Kind("invalid_json", "The reply promised JSON and was none."),
    Kind("response_validation", "The reply does not fit the OpenAPI document."),
    Kind("circuit_open", "The circuit breaker is open; the request was not sent."),
    Kind("rate_limit", "The rate limit allows no request within the longest wait."),
    Kind("pagination", "Too many pages, or a cursor or link that repeats."),
    Kind("path", "The path of a request has no value for a placeholder."),
    Kind("spec", "An OpenAPI document could not be loaded."),
    Kind("config", "A setting of the program or its surroundings cannot be used."),
    Kind("auth", "Credentials are missing or were refused."),
    Kind("store", "A store could not be read or written."),
    Kind("store_key", "The key of a record is null, an array or an object."),
    Kind("store_missing", "The record to update does not exist."),
    Kind("transform", "No variant of the transform fits the value."),
    Kind("no_match", "No arm of a `match` fits the value."),
    Kind("retry_exhausted", "All attempts of a `retry` were used."),
    Kind("webhook_timeout", "The awaited event did not arrive in time."),
    Kind("webhook_unavailable", "No webhook server is running."),
    Kind("recursion", "Actions run each other too deeply."),
    Kind("type", "A value has a type that the operation cannot use."),
    Kind("function", "A function was given an argument that it cannot use."),
    Kind("cancelled", "Another action of the group failed first."),
)

WORD_SETS: tuple[Kinds, ...] = (
    BACKOFFS,
    RATE_STRATEGIES,
    SYNC_FORMATS,
    VALIDATION_MODES,
    IDEMPOTENCY_MODES,
    PARALLEL_MODES,
    DURABILITIES,
    FILE_FORMATS,
    SORT_DIRECTIONS,
)
"""The closed sets of words that options choose from."""
