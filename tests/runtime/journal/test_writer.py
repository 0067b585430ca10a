"""The end of a journal: who is told, and when, that frames are on the disk."""

from __future__ import annotations

import asyncio
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reqon.journal.disk import Disk
from reqon.journal.writer import JournalWriter


class UnevenDisk(Disk):
    """Some syncs take longer than others."""

    def fdatasync(self, fd: int) -> None:
        time.sleep(random.choice([0, 0.0002, 0.001]))
        super().fdatasync(fd)


async def test_who_appended_first_hears_of_it_first(tmp_path: Path) -> None:
    answered: list[int] = []

    async def branch(writer: JournalWriter) -> None:
        for _ in range(50):
            writer.append(b"{}", writer.number + 1)
            number = writer.number
            await writer.durable_at(number)
            answered.append(number)
            for _ in range(random.randrange(3)):
                await asyncio.sleep(0)

    with ThreadPoolExecutor(1) as executor:
        writer = JournalWriter(UnevenDisk(), tmp_path / "j", executor)
        fd = os.open(tmp_path / "j", os.O_CREAT | os.O_RDWR, 0o600)
        writer.attach(fd, 0, 0, durable=0)
        await asyncio.gather(*(branch(writer) for _ in range(4)))
        writer.close()
    assert answered == list(range(1, 201))
