"""Slack's loopback peer lives beside the tests of the chats."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "chat"))
