"""Random texts for the language's tools: programs, programs with mistakes, noise, and edits.

`programs()` draws whole correct files from the constructs of the language, see `program_texts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import strategies as st

from support.program_texts import programs
from support.samples import SAMPLES

__all__ = [
    "Change",
    "broken_programs",
    "changes",
    "noise",
    "program_like",
    "programs",
    "sample_texts",
    "typings",
]

# What people type, bracket by bracket and word by word, and what nobody should.
SNIPPETS = (
    "{", "}", "(", ")", "[", "]", '"', "'", "`", "\n", " ", ",", ":", ".", "->", "=>", "=", "?",
    "|", "//", "#", "/*", "*/", "...", "???", "\\", ";", "é", "\0", "\r\n", "1", "7days", "3 days",
    ".5", "x", "_", "where ", "match ", "if ", "then ", "not ", "and ", "or ", "in ", "is ",
    "skip ", 'get "/x" ', "get next ", "store a -> b ", "let x = 1\n", "let y =\n",
    "for a in b { skip }", "for a in b {", "action B { skip }\n", "action B {\n", "mission N {\n",
    "schema S { a: int }\n", "source Q { }\n", "run A then [B]\n", "key: .id ",
    "timeout: 5 minutes\n", "retry\n", "{ a: 1 }", "queue ", "abort ", "assume .a ",
    "_ -> continue ", "[a, ...b] -> skip ", "checkpoint every ",
)  # fmt: skip

# What is typed key by key, with brackets that stay open for a while.
TYPED = (
    "let x = trim(lower(a)) + [1, 2]\n", "\n    store { id: .id } -> t { key: .id }\n",
    "for a in b {\n      skip\n    }\n", "action B {\n    get \"/x\" { a: (1) }\n  }\n",
    "match x { { a: 1 } -> { skip }, _ -> skip }\n", "}\n  action C {\n", "\nlet left = f((\n",
    "  mission N { run A }\n", ") ] }", "{ [ (",
)  # fmt: skip

sample_texts = st.sampled_from(sorted(SAMPLES.values(), key=len))
noise = st.text(max_size=200) | st.lists(st.sampled_from(SNIPPETS), max_size=40).map("".join)


class Change(NamedTuple):
    """An edit at a part of a text: where, how many characters go, and what comes instead."""

    place: float
    removed: int
    inserted: str

    def applied(self, text: str) -> str:
        """The text after the edit."""
        at = int(self.place * len(text))
        return text[:at] + self.inserted + text[at + self.removed :]


changes = st.builds(
    Change,
    st.floats(0, 1),
    st.sampled_from([0, 0, 0, 1, 1, 2, 5, 40]),
    st.just("") | st.sampled_from(SNIPPETS),
)


class Typing(NamedTuple):
    """Keys typed at a part of a text, and then some of them taken back."""

    place: float
    keys: str
    taken_back: int

    def texts(self, text: str) -> Iterator[str]:
        """The text after each key."""
        at = int(self.place * len(text))
        for end in range(1, len(self.keys) + 1):
            yield text[:at] + self.keys[:end] + text[at:]
        for end in range(len(self.keys) - 1, len(self.keys) - 1 - self.taken_back, -1):
            yield text[:at] + self.keys[: max(end, 0)] + text[at:]


typings = st.builds(Typing, st.floats(0, 1), st.sampled_from(TYPED), st.integers(0, 6))


@st.composite
def broken_programs(draw: st.DrawFn) -> str:
    """Programs with up to four edits."""
    text = draw(sample_texts | programs())
    for change in draw(st.lists(changes, max_size=4)):
        text = change.applied(text)
    return text


program_like = broken_programs() | noise
