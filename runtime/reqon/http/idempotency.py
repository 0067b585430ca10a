"""Keys by which a service recognises a request that it has had before.

A key depends only on where the request stands in its execution: the same for every attempt,
redo and resume of one logical call, and another one for the next call. It holds no data.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class CallPlace:
    """Where a request stands.

    `run_pass` grows when its stage or action is run again on purpose; `answers` is the number of
    replies that this place has had in the pass and that are done with, so that a repeat after an
    answer (polling), or of a refused call that says something else now, is a new call, and one
    after a failure is the same.
    """

    execution_id: str
    run_pass: int
    source: str
    method: str
    position: str
    page: int = 0
    answers: int = 0


def idempotency_key(place: CallPlace) -> str:
    """26 characters of base32: far below the 255 that services allow."""
    facts = [
        place.execution_id,
        place.run_pass,
        place.source,
        place.method.upper(),
        place.position,
        place.page,
        place.answers,
    ]
    digest = blake2b(json.dumps(facts).encode(), digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()
