"""Fits the statistics that ship with the project: ``python -m qa.encode.fit [--dims 256]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qa.config import settings as read_settings
from qa.encode import centring, neutral
from qa.encode.load import SHIPPED, load
from qa.errors import CiteqaError


def main(arguments: list[str] | None = None) -> int:
    """Fit the encoder of the settings to the neutral texts and write the statistics."""
    parser = argparse.ArgumentParser(prog="python -m qa.encode.fit", description=__doc__)
    parser.add_argument("--dims", type=int, default=centring.LATE_DIMS, help="dimensions of a projected token vector")
    parser.add_argument("--texts", type=Path, default=neutral.SHIPPED, help="neutral texts, one JSON object a line")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="file to write")
    chosen = parser.parse_args(arguments)
    try:
        encoder = load(read_settings(), lambda message: print(message, file=sys.stderr))
        statistics = centring.fit(encoder, neutral.read(chosen.texts), chosen.dims)
        centring.save(statistics, chosen.out)
    except CiteqaError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return error.exit_code
    print(f"{chosen.out}: {statistics.encoder}, {statistics.late_dims} dimensions, {chosen.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
