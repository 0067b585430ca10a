"""The errors of the runtime and the exit codes they lead to.

    ReqonError
    ├── RunError            a mission failed while it ran (exit 1); `kind` as in `catch` arms
    │   ├── AbortError      the program said `abort`
    │   ├── StoppedError    told to stop by a sibling's failure or the mission's time limit
    │   └── StorageError    state or store could not be written (exit 1; status interrupted)
    │       └── StateStoreError    a state store of the program's own failed, or refused the run
    │           └── TakenOverError     it refused what is saved: another run has the mission
    ├── CheckError          the program does not parse or check (exit 2)
    ├── ConfigError         configuration: credentials, paths, option values (exit 3)
    ├── RefusedError        refused because of state: running, source changed, damaged (exit 4)
    └── Interrupted         stopped from outside (exit 130 or 143)

Messages are lower case, quote names in single quotes, have no full stop, and never hold a
secret. `hint` is the next thing to do. Nothing here imports another room of the runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from vague.step_path import StepPath

if TYPE_CHECKING:
    from vague.diagnostics import Diagnostic


class ExitCode(IntEnum):
    """What the command answers to its caller."""

    SUCCESS = 0
    FAILED = 1
    SOURCE = 2
    CONFIGURATION = 3
    STATE = 4
    SIGINT = 130
    SIGTERM = 143


class ReqonError(Exception):
    """The root: a message, an exit code, and perhaps what to do next."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the source a run-time error happened; lines and columns from 1."""

    file: str
    line: int
    column: int


class RunError(ReqonError):
    """A failure of a running mission.

    `kind` is one of `vague.vocabulary.kinds.ERROR_KINDS`; `code` an HTTP status or a database
    code; `details` what `catch` arms may read (JSON values, already redacted). `step_path`,
    `place`, `step` (text such as `get "/x"`) and `index` (loop index) are attached by the
    engine at one boundary.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        code: int | str | None = None,
        details: Mapping[str, Any] | None = None,
        retryable: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.code = code
        self.details = dict(details or {})
        self.retryable = retryable
        self.step_path: StepPath | None = None
        self.step: str | None = None
        self.place: Place | None = None
        self.index: int | None = None


class AbortError(RunError):
    """The program's own `abort`: no `catch` handles it, nothing retries it."""

    def __init__(self, message: str) -> None:
        super().__init__("abort", message)


class StoppedError(RunError):
    """Stopped by something outside of the step: no `catch` handles it.

    `kind` is `cancelled` (a sibling of a fail-fast group failed, or the program said `abort`
    elsewhere) or `timeout` (the mission's own limit).
    """


class StorageError(RunError):
    """Writing state or a store failed (full disk, permission, fsync); the run is resumable."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__("store", message, hint=hint)


class StateStoreError(StorageError):
    """A state store elsewhere failed or refused: nothing more may be saved there by this run."""


class TakenOverError(StateStoreError):
    """Another run has taken the mission over: what this one saves is refused."""


class CheckError(ReqonError):
    """The program has errors; `diagnostics` are all that was found, sorted."""

    exit_code = ExitCode.SOURCE

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class ConfigError(ReqonError):
    """Something outside the program is missing or wrong; also kind `config` at load time."""

    exit_code = ExitCode.CONFIGURATION


class RefusedError(ReqonError):
    """State forbids what was asked; nothing was changed."""

    exit_code = ExitCode.STATE


class Interrupted(ReqonError):  # noqa: N818 - it is no failure
    """Stopped from outside with its state saved; `signal_name` such as `SIGTERM`."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(f"interrupted by {signal_name}")
        self.signal_name = signal_name

    @property
    def code(self) -> ExitCode:
        """Exit code by the signal."""
        return ExitCode.SIGTERM if self.signal_name == "SIGTERM" else ExitCode.SIGINT
