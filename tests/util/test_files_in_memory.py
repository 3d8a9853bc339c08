"""Temporary files are in memory only where they fit and programs among them run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import files_in_memory


@pytest.fixture
def mounted(monkeypatch):
    def by(free: int, flags: int) -> None:
        room = os.statvfs_result((4096, 4096, free, free // 4096, free // 4096, 0, 0, 0, flags, 255))
        monkeypatch.setattr(os, "statvfs", lambda _: room)

    return by


def test_a_folder_that_is_small_or_runs_no_programs_or_is_not_there_is_not_used(mounted, tmp_path):
    mounted(2**33, 0)
    assert files_in_memory.is_usable(tmp_path)
    assert not files_in_memory.is_usable(Path("/nowhere"))
    mounted(2**26, 0)
    assert not files_in_memory.is_usable(tmp_path)
    mounted(2**33, os.ST_NOEXEC)
    assert not files_in_memory.is_usable(tmp_path)
