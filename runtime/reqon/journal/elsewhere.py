"""What the journal asks of a state store that is kept elsewhere; types only.

The folder stays the place where a run works; elsewhere is where it is kept. `reqon.state_stores`
fulfils this for the stores of programs and plug-ins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

State = dict[str, Any]
"""A record as JSON, with what a resume needs under `resume`."""


class Elsewhere(Protocol):
    """A state store as the journal sees it; all errors are StorageErrors.

    The `can_…` say which of the methods below `load` work. What is refused because another run
    has taken over is a StorageError too.
    """

    can_list: bool
    can_delete: bool
    can_append: bool
    can_lease: bool

    async def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state under its `executionId`."""
        ...

    async def load(self, execution_id: str) -> State | None:
        """The state last saved under this id."""
        ...

    async def list(
        self, mission: str | None, limit: int | None, status: str | None
    ) -> Sequence[State]:
        """States, newest first."""
        ...

    async def delete(self, execution_id: str) -> None:
        """Forget an execution."""
        ...

    async def append_all(
        self, execution_id: str, frames: Sequence[tuple[int, dict[str, Any]]]
    ) -> None:
        """Keep frames of the journal under their numbers, in this order."""
        ...

    async def read(self, execution_id: str, from_number: int) -> Sequence[dict[str, Any]]:
        """The frames from a number on, in order."""
        ...

    async def acquire(self, mission: str, owner: str, seconds: float) -> int | None:
        """The epoch of a new lease; None while another owner has it."""
        ...

    async def renew(self, mission: str, epoch: int, seconds: float) -> bool:
        """Whether the lease is still held, and for how long from now on."""
        ...

    async def release(self, mission: str, epoch: int) -> None:
        """Give the lease back."""
        ...
