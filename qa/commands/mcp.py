"""`qa mcp`. Standard output belongs to the protocol: whatever else is said goes to standard error."""

from __future__ import annotations

from qa.commands.output import opened


def mcp() -> None:
    with opened() as index:
        from qa.mcp import stdio

        stdio.run(index)
