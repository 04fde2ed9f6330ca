"""Each defence that SECURITY.md claims names a test or a file that is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_test_and_file_that_is_named_exists() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    code = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    known = set(re.findall(r"def (test_\w+)", code))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 15
    assert named <= known, named - known
    files = re.findall(r"`((?:qa|tests)/[\w/.]+)`", text)
    assert [name for name in files if not (ROOT / name).exists()] == []
