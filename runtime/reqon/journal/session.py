"""The front door of the write side: open a session, work in units, finish.

    session = await open_session(request, disk)     # locks, recovery, journal, record
    unit = session.unit("")                         # one per branch
    …  unit.put(…); unit.cell(…); await unit.commit()
    await session.materialise()                     # where a stage ends
    await session.finish("completed")               # journal, stores, sync times, record
    await session.close()                           # locks; always, after errors too

`finish` may be followed by nothing but `close`. A session that is closed without it looks as if
its process had died: the record says `running`, readers show `interrupted`, a resume works.
"""

from __future__ import annotations

from reqon.journal.live import Session
from reqon.journal.opening import open_session
from reqon.journal.request import (
    Durability,
    FinalStatus,
    ProgramFacts,
    ResumeChoice,
    SessionRequest,
    SyncCheckpoint,
    Timing,
)
from reqon.journal.unit import Barrier, Unit

__all__ = [
    "Barrier",
    "Durability",
    "FinalStatus",
    "ProgramFacts",
    "ResumeChoice",
    "Session",
    "SessionRequest",
    "SyncCheckpoint",
    "Timing",
    "Unit",
    "open_session",
]
