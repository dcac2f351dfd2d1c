"""Every example runs and says what it promises."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = sorted((pathlib.Path(__file__).parents[3] / "examples" / "python").glob("*.py"))
SAYS = {
    "quickstart": "hello job-1 {'name': 'Ada', 'visits': '1'}",
    "four_modes": "none       kept: False",
    "crash_recover": ", 0 are missing",
    "snapshot_while_writing": "50000 of 50000",
    "transfer": "1000 transfers: 300 in all, no account below zero",
    "save_points": "save '3600 1': kept over a close: True",
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example, tmp_path):
    done = subprocess.run(
        [sys.executable, str(example), str(tmp_path / "data")], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[example.stem] in done.stdout


def test_examples_are_there():
    assert {path.stem for path in EXAMPLES} == set(SAYS)
