"""The options of sources and of stores, and the retry block that many places share."""

from __future__ import annotations

from vague.vocabulary.kinds import (
    BACKOFFS,
    FILE_FORMATS,
    IDEMPOTENCY_MODES,
    RATE_STRATEGIES,
    VALIDATION_MODES,
)
from vague.vocabulary.option_types import (
    ABSENT,
    MILLISECONDS,
    OptionSpec,
    OptionType,
    block,
    words,
)

_T = OptionType

_TOKEN = OptionSpec("token", _T.STRING, ABSENT, "The bearer token.", secret=True)
_USERNAME = OptionSpec("username", _T.STRING, ABSENT, "User name for basic authentication.")
_PASSWORD = OptionSpec(
    "password", _T.STRING, ABSENT, "Password for basic authentication.", secret=True
)
_API_KEY = OptionSpec("apiKey", _T.STRING, ABSENT, "The API key.", secret=True)
_API_KEY_HEADER = OptionSpec(
    "apiKeyHeader", _T.STRING, "X-API-Key", "Name of the header that carries the key."
)
_API_KEY_QUERY = OptionSpec(
    "apiKeyQuery", _T.STRING, ABSENT, "Name of the query parameter that carries the key instead."
)
_API_KEY_PREFIX = OptionSpec(
    "apiKeyPrefix", _T.STRING, ABSENT, "Put before the key as it is, a space included."
)

_OAUTH_ROWS = (
    OptionSpec("tokenUrl", _T.STRING, ABSENT, "Where tokens are requested and refreshed."),
    OptionSpec("clientId", _T.STRING, ABSENT, "Identifier of this client."),
    OptionSpec("clientSecret", _T.STRING, ABSENT, "Secret of this client.", secret=True),
    OptionSpec("accessToken", _T.STRING, ABSENT, "An access token to begin with.", secret=True),
    OptionSpec(
        "refreshToken", _T.STRING, ABSENT, "A refresh token to get access tokens with.", secret=True
    ),
    OptionSpec(
        "scopes",
        _T.STRINGS,
        ABSENT,
        "Scopes to ask for: an array, or a string with spaces.",
        alternative=_T.STRING,
    ),
    OptionSpec(
        "expiresAt",
        _T.VALUE,
        ABSENT,
        "When the access token ends: a date, or an epoch number.",
    ),
)

RATE_LIMIT = OptionSpec(
    "rateLimit", _T.BLOCK, ABSENT, "Paces the requests.", nested="source.rateLimit"
)
RETRY = OptionSpec(
    "retry", _T.BLOCK, ABSENT, "Tries failed requests again; default for all.", nested="retry"
)
HEADERS = OptionSpec(
    "headers",
    _T.OBJECT,
    "{}",
    "Headers sent with every request; those that are null are left out.",
)
TIMEOUT = OptionSpec(
    "timeout",
    _T.DURATION,
    "30 seconds",
    "How long one attempt of a request may take.",
    minimum=0,
    unit=MILLISECONDS,
)

_SOURCE = block(
    "source",
    "a source",
    OptionSpec(
        "auth",
        _T.AUTH,
        "the credentials' own type, else none",
        "How requests prove who sends them.",
    ),
    OptionSpec(
        "base",
        _T.STRING,
        "the first server of the OpenAPI document",
        "URL that request paths are appended to, with exactly one `/` between.",
    ),
    HEADERS,
    TIMEOUT,
    RETRY,
    RATE_LIMIT,
    OptionSpec(
        "circuitBreaker",
        _T.BLOCK,
        ABSENT,
        "Stops sending for a while when too many requests fail.",
        nested="source.circuitBreaker",
    ),
    _TOKEN,
    _USERNAME,
    _PASSWORD,
    _API_KEY,
    _API_KEY_HEADER,
    _API_KEY_QUERY,
    _API_KEY_PREFIX,
    OptionSpec(
        "oauth", _T.BLOCK, ABSENT, "Where `oauth2` gets its tokens from.", nested="source.oauth"
    ),
    OptionSpec(
        "validateResponses",
        _T.BOOLEAN,
        "false",
        "Compares the replies of `call` with the OpenAPI document.",
    ),
    OptionSpec(
        "validationMode",
        _T.WORD,
        "warn",
        "What a reply that does not fit means.",
        values=words(VALIDATION_MODES),
    ),
    OptionSpec(
        "idempotency",
        _T.WORD,
        "auto",
        "Which requests carry an idempotency key.",
        values=words(IDEMPOTENCY_MODES),
    ),
    OptionSpec(
        "idempotencyHeader",
        _T.STRING,
        "Idempotency-Key",
        "Name of the header that carries the idempotency key.",
    ),
    OptionSpec(
        "specAuth",
        _T.BLOCK,
        ABSENT,
        "Credentials for loading the OpenAPI document, and for nothing else.",
        nested="source.specAuth",
    ),
)

_SOURCE_RATE_LIMIT = block(
    "source.rateLimit",
    "a rate limit",
    OptionSpec(
        "requestsPerMinute",
        _T.NUMBER,
        "60, or none with `fallbackRpm`",
        "Hard cap: never more requests a minute than this. Above 0.",
        minimum=0,
    ),
    OptionSpec(
        "fallbackRpm",
        _T.NUMBER,
        ABSENT,
        "Requests a minute until the service first sends rate-limit headers. Above 0.",
        minimum=0,
    ),
    OptionSpec(
        "strategy",
        _T.WORD,
        "pause",
        "What a request does when there is no room for it.",
        values=words(RATE_STRATEGIES),
    ),
    OptionSpec(
        "maxWait",
        _T.DURATION,
        "300 seconds",
        "Longest single wait; what would wait longer fails.",
        minimum=0,
        unit="seconds below 1000, else ms",
    ),
    OptionSpec(
        "notifyAt",
        _T.DURATION,
        "10 seconds",
        "A wait that lasts longer than this is reported.",
        minimum=0,
        unit="seconds below 1000, else ms",
    ),
    OptionSpec(
        "adaptive",
        _T.BOOLEAN,
        "false",
        "Also follows the rate-limit headers that the service sends.",
    ),
)

_CIRCUIT_BREAKER = block(
    "source.circuitBreaker",
    "a circuit breaker",
    OptionSpec(
        "failureThreshold",
        _T.INTEGER,
        "5",
        "Failures within `failureWindow` that open the breaker.",
        minimum=1,
    ),
    OptionSpec(
        "resetTimeout",
        _T.DURATION,
        "30 seconds",
        "How long the breaker stays open before one request is tried.",
        minimum=0,
        unit=MILLISECONDS,
    ),
    OptionSpec(
        "successThreshold",
        _T.INTEGER,
        "2",
        "Successful trials in a row that close the breaker.",
        minimum=1,
    ),
    OptionSpec(
        "failureWindow",
        _T.DURATION,
        "60 seconds",
        "The time in which failures are counted; a success empties it.",
        minimum=0,
        unit=MILLISECONDS,
    ),
    OptionSpec(
        "failureStatusCodes",
        _T.INTEGERS,
        "500 to 599",
        "HTTP statuses that count as failures.",
        minimum=100,
        maximum=599,
    ),
    OptionSpec(
        "countNetworkErrors",
        _T.BOOLEAN,
        "true",
        "Whether connection errors and timeouts count as failures.",
    ),
)

_OAUTH = block("source.oauth", "the option 'oauth'", *_OAUTH_ROWS)

_SPEC_AUTH = block(
    "source.specAuth",
    "the option 'specAuth'",
    OptionSpec("type", _T.AUTH, "none", "How the request proves who sends it.", required=True),
    _TOKEN,
    _USERNAME,
    _PASSWORD,
    _API_KEY,
    _API_KEY_HEADER,
    _API_KEY_QUERY,
    _API_KEY_PREFIX,
    *_OAUTH_ROWS,
)

_RETRY_BLOCK = block(
    "retry",
    "a retry",
    OptionSpec(
        "maxAttempts",
        _T.INTEGER,
        "3",
        "How often at most, the first attempt included.",
        minimum=1,
        maximum=1000,
    ),
    OptionSpec("backoff", _T.WORD, "exponential", "How the waits grow.", values=words(BACKOFFS)),
    OptionSpec(
        "initialDelay", _T.DURATION, "1 second", "The first wait.", minimum=0, unit=MILLISECONDS
    ),
    OptionSpec(
        "maxDelay",
        _T.DURATION,
        "30 seconds, or `initialDelay` where that is longer",
        "The longest wait.",
        minimum=0,
        unit=MILLISECONDS,
    ),
    OptionSpec(
        "delay",
        _T.DURATION,
        ABSENT,
        "Every wait is exactly this; evaluated before each one.",
        minimum=0,
        unit=MILLISECONDS,
    ),
)

_STORE_FILE = block(
    "store.file",
    "a file store",
    OptionSpec("dir", _T.STRING, "the data directory's `stores`", "Folder to keep the files in."),
    OptionSpec(
        "format",
        _T.WORD,
        "json",
        "`csv` writes an export beside the JSON.",
        values=words(FILE_FORMATS),
    ),
)

_STORE_POSTGREST = block(
    "store.postgrest",
    "a PostgREST store",
    OptionSpec("url", _T.STRING, "the store configuration's", "URL of the service."),
    OptionSpec(
        "apiKey", _T.STRING, "the store configuration's", "Key for the service.", secret=True
    ),
    OptionSpec("schema", _T.STRING, "public", "Database schema of the table."),
    OptionSpec("primaryKey", _T.STRING, "id", "Column that holds the record's key."),
    OptionSpec("headers", _T.OBJECT, "{}", "Headers sent with every request."),
)

SOURCE_BLOCKS = (
    _SOURCE,
    _SOURCE_RATE_LIMIT,
    _CIRCUIT_BREAKER,
    _OAUTH,
    _SPEC_AUTH,
    _RETRY_BLOCK,
    _STORE_FILE,
    _STORE_POSTGREST,
)
"""The blocks of this module."""
