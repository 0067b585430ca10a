"""One list being fetched page by page: where it stands, and when it ends.

`Paging` is a state machine without I/O. The engine asks it for `ask`, sends, hands the page's
facts to `receive`, evaluates the program's `until`, and then calls `advance` or `finish`. After
that `state()` is what the journal keeps; `Paging(policy, state)` goes on from there. A cursor or
link that comes twice and a list without end are failures: a cut list never looks complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reqon.errors import RunError
from reqon.http.paging.base import PageAsk, PageFacts, Position
from reqon.http.paging.registry import paginator
from reqon.plan.policies import PagingPolicy


class Paging:
    """The pages of one request; `until` says whether the program has its own end.

    The state holds the present position and not all earlier ones, to stay small: so a circle of
    pages is found at once within a process, and after a resume once it has been walked again.
    """

    def __init__(
        self, policy: PagingPolicy, state: Mapping[str, Any] | None = None, *, until: bool = False
    ) -> None:
        self._policy = policy
        self._kind = paginator(policy.kind)
        self._until = until
        start = self._kind.start(policy)
        known = state or {"pages": 0, "items": 0, "position": start, "last": None}
        self.pages: int = known["pages"]
        self.items: int = known["items"]
        self.done: bool = known.get("done", False)
        self._position: Position = known["position"]
        self._last: Position = known["last"]
        self._seen = {self._kind.identity(self._position), self._kind.identity(self._last)}
        self._facts: PageFacts | None = None

    @property
    def ask(self) -> PageAsk:
        """What the request of the next page has beyond the step's own."""
        return self._kind.ask(self._policy, self._position)

    def last_ask(self) -> PageAsk | None:
        """How the last page that is kept was asked for, to compare it after a resume.

        None where no page is kept, and where positions cannot shift (cursors, links).
        """
        if self.pages == 0 or self._kind.identity(self._last) is not None or self._last is None:
            return None
        return self._kind.ask(self._policy, self._last)

    def receive(self, facts: PageFacts) -> bool:
        """Count a page that arrived; answers `hasMore`: whether the list itself goes on."""
        self._facts = facts
        self.pages += 1
        self.items += facts.n_items or 0
        following = self._kind.following(self._policy, self._position, facts)
        return following is not None and not self._kind.is_short(self._policy, facts)

    def finish(self) -> None:
        """The page received is the last one, because the program says so."""
        self._last, self.done = self._position, True

    def advance(self) -> bool:
        """Go on behind the page received; False where it was the last.

        Raises RunError `pagination` where the list would go on after the last page allowed, or
        comes back to a page that it has been at.
        """
        facts = self._facts
        assert facts is not None, "a page is received before going on"
        following = self._kind.following(self._policy, self._position, facts)
        short = not self._until and self._kind.is_short(self._policy, facts)
        if following is None or short:
            self.finish()
            return False
        if self.pages >= self._policy.max_pages:
            raise self._too_many()
        self._note(following)
        self._last, self._position = self._position, following
        return True

    def state(self) -> dict[str, Any]:
        """All that is needed to go on in another process, as JSON."""
        return {
            "pages": self.pages,
            "items": self.items,
            "position": self._position,
            "last": self._last,
            "done": self.done,
        }

    def progress(self) -> dict[str, Any]:
        """What the execution record shows: `{"page": 15, "itemsProcessed": 1500, …}`."""
        shown: dict[str, Any] = {"page": self.pages, "itemsProcessed": self.items}
        return shown if self.done else {**shown, **self._kind.progress(self._position)}

    def _note(self, following: Position) -> None:
        """Remember a position, or fail where it is known."""
        identity = self._kind.identity(following)
        if identity is None:
            return
        if identity in self._seen:
            raise self._repeats(identity)
        self._seen.add(identity)

    def _repeats(self, identity: str) -> RunError:
        return RunError(
            "pagination",
            f"page {self.pages} of the list names a next page that was fetched before: "
            f"{_shortened(identity)}",
            details={"page": self.pages, "itemsProcessed": self.items},
            hint="the service sends its pages in a circle; check the cursor's path, "
            "or end the list with 'until'",
        )

    def _too_many(self) -> RunError:
        return RunError(
            "pagination",
            f"the list goes on after {self.pages} pages, the most that are fetched",
            details={"page": self.pages, "itemsProcessed": self.items},
            hint="raise 'maxPages' of 'paginate', use larger pages, or end the list with 'until'",
        )


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
