from __future__ import annotations

import persistkv
import pytest


@pytest.fixture
def store(tmp_path):
    with persistkv.open(tmp_path / "data", appendonly=True, save="", decode_responses=True) as opened:
        yield opened


@pytest.fixture
def raw():
    with persistkv.open() as opened:
        yield opened
