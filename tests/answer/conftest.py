from __future__ import annotations

from answer_script import script

__all__ = ["script"]
