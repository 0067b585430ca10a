"""The options of steps: requests, calls, store steps, queue and wait."""

from __future__ import annotations

from dataclasses import replace

from vague.vocabulary.kinds import SYNC_FORMATS
from vague.vocabulary.option_types import (
    ABSENT,
    MILLISECONDS,
    OptionSpec,
    OptionType,
    block,
    synonym,
    words,
)
from vague.vocabulary.source_options import HEADERS, RATE_LIMIT, RETRY, TIMEOUT

_T = OptionType

_PARAMS = OptionSpec(
    "params",
    _T.OBJECT,
    ABSENT,
    "The query string: null values are left out, arrays repeat their key.",
)
_SINCE_PARAM = OptionSpec(
    "sinceParam",
    _T.PARAMETER,
    "modified_since",
    "Name of the query parameter that carries the time of the last sync.",
)
_SINCE_FORMAT = OptionSpec(
    "sinceFormat",
    _T.SYNC_FORMAT,
    "iso",
    "How that time is written: a format's name, or a pattern such as `YYYY-MM`.",
    values=words(SYNC_FORMATS),
)
_SYNC_KEY = OptionSpec(
    "syncKey",
    _T.STRING,
    "source and path, such as `API-/customers`",
    "Name under which the time of the last sync is kept.",
)
_UPDATE_FROM = OptionSpec(
    "updateFrom",
    _T.PATH,
    "the moment the request started",
    "Path in the reply to the time that is kept for the next sync.",
)
_SINCE_OVERLAP = OptionSpec(
    "sinceOverlap",
    _T.DURATION,
    "0",
    "Taken off the time that is sent, for services that publish records late.",
    minimum=0,
    unit=MILLISECONDS,
)

_CALL_ROWS = (
    _PARAMS,
    synonym(_PARAMS, "query"),
    OptionSpec(
        "body",
        _T.VALUE,
        ABSENT,
        "The body, sent as JSON, or as a form if the `Content-Type` header says so.",
    ),
    replace(
        HEADERS,
        default=ABSENT,
        help="Headers beside those of the source; null removes one of its.",
    ),
    OptionSpec(
        "paginate",
        _T.PAGINATION,
        ABSENT,
        "Fetches all pages: `offset(…)`, `page(…)`, `cursor(…)`, `link()` or a block.",
        nested="paginate",
        alternative=_T.BLOCK,
    ),
    OptionSpec(
        "until",
        _T.VALUE,
        ABSENT,
        "Evaluated after each page; when it is truthy, that page is the last one.",
        context="the page's body",
    ),
    replace(
        RETRY,
        default="the source's",
        help="Tries the request again when it fails; keys left out come from the source.",
    ),
    replace(TIMEOUT, default="the source's"),
    OptionSpec(
        "since",
        _T.SINCE,
        ABSENT,
        "Asks only for what changed since the last sync.",
        nested="lastSync",
    ),
    _SINCE_PARAM,
    _SINCE_FORMAT,
    _SYNC_KEY,
    _UPDATE_FROM,
    _SINCE_OVERLAP,
    replace(RATE_LIMIT, help="A further limit for this step alone."),
)

_REQUEST = block(
    "request",
    "a request",
    OptionSpec(
        "source",
        _T.SOURCE,
        "the mission's first source",
        "The source that the request goes to: its name, or an expression that gives it.",
    ),
    *_CALL_ROWS,
)

_CALL = block("call", "a call", *_CALL_ROWS)

_PAGINATE = block(
    "paginate",
    "a pagination",
    OptionSpec("type", _T.PAGINATOR, ABSENT, "The kind of pagination.", required=True),
    OptionSpec(
        "param",
        _T.PARAMETER,
        "the type's name",
        "Name of the query parameter for the offset, page or cursor.",
    ),
    OptionSpec("pageSize", _T.INTEGER, "100", "Items that a full page has.", minimum=1),
    OptionSpec(
        "cursorPath",
        _T.PATH,
        ABSENT,
        "Path in the page to the next cursor; `cursor` needs it.",
        context="the page's body",
    ),
    OptionSpec(
        "items",
        _T.PATH,
        "found by name or type",
        "Path in the page to its list of items.",
        context="the page's body",
    ),
    OptionSpec(
        "sizeParam",
        _T.PARAMETER,
        ABSENT,
        "Sends the page size under this name; without it the size is not sent.",
    ),
    OptionSpec(
        "start", _T.INTEGER, "1 for pages, 0 for offsets", "The first page or offset.", minimum=0
    ),
    OptionSpec(
        "maxPages",
        _T.INTEGER,
        "10000",
        "More pages than this are a failure, never a silent end.",
        minimum=1,
    ),
)

_LAST_SYNC_PARAM = replace(_SINCE_PARAM, name="param")
_LAST_SYNC_FORMAT = replace(_SINCE_FORMAT, name="format")

_LAST_SYNC = block(
    "lastSync",
    "the block of 'lastSync'",
    _LAST_SYNC_PARAM,
    synonym(_LAST_SYNC_PARAM, "sinceParam"),
    _LAST_SYNC_FORMAT,
    synonym(_LAST_SYNC_FORMAT, "sinceFormat"),
    _SYNC_KEY,
    _UPDATE_FROM,
    _SINCE_OVERLAP,
)

_RECORD_KEY = OptionSpec(
    "key",
    _T.VALUE,
    "the record's `id`, else generated",
    "The key to store the record under; `.name` is a field of the record.",
    context="the record being stored",
)

_STORE = block(
    "store",
    "a store step",
    _RECORD_KEY,
    OptionSpec(
        "upsert",
        _T.BOOLEAN,
        "absent",
        "`true` merges the fields over an existing record instead of replacing it.",
    ),
    OptionSpec(
        "partial",
        _T.BOOLEAN,
        "absent",
        "Marks the record as partial; `true` merges, and with `upsert: false` it must exist.",
    ),
)

_QUEUE = block(
    "queue",
    "a queue step",
    OptionSpec(
        "item",
        _T.VALUE,
        "loop item, response, action and time",
        "The record to put aside.",
    ),
    replace(_RECORD_KEY, default="generated"),
)

_RETRY_ON_TIMEOUT = OptionSpec(
    "retryOnTimeout",
    _T.BOOLEAN,
    "absent: a timeout is an error",
    "On a timeout: `false` goes on with null, `true` or a retry block restarts the action.",
    nested="retry",
    alternative=_T.BLOCK,
)

_WAIT = block(
    "wait",
    "a wait",
    OptionSpec(
        "path",
        _T.STRING,
        "/webhooks/<execution>/<n>",
        "Where the events arrive; `{name}` is filled in as in the path of a request.",
    ),
    OptionSpec(
        "timeout",
        _T.DURATION,
        "5 minutes",
        "How long to wait; 0 takes what is already there.",
        minimum=0,
        unit=MILLISECONDS,
    ),
    OptionSpec(
        "expectedEvents",
        _T.INTEGER,
        "1",
        "How many events to collect, or the types of which one is awaited.",
        minimum=1,
        alternative=_T.STRINGS,
    ),
    OptionSpec(
        "eventFilter",
        _T.VALUE,
        ABSENT,
        "Events for which this is falsy are ignored; `.name` is a field of the payload.",
        context="the event's payload",
    ),
    OptionSpec(
        "storage",
        _T.STORE,
        ABSENT,
        "Store that takes each accepted payload as it arrives.",
        nested="wait.storage",
        alternative=_T.BLOCK,
    ),
    _RETRY_ON_TIMEOUT,
    synonym(_RETRY_ON_TIMEOUT, "retry"),
)

_WAIT_STORAGE = block(
    "wait.storage",
    "the storage of a wait",
    OptionSpec("target", _T.STORE, ABSENT, "The store that takes the payloads.", required=True),
    replace(
        _RECORD_KEY,
        default="the payload's `id`, else generated",
        help="The key to store the payload under; `.name` is a field of the payload.",
        context="the event's payload",
    ),
)

STEP_BLOCKS = (
    _REQUEST,
    _CALL,
    _PAGINATE,
    _LAST_SYNC,
    _STORE,
    _QUEUE,
    _WAIT,
    _WAIT_STORAGE,
)
"""The blocks of this module."""
