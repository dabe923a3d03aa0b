"""Draw the sample library: ``python examples/sample_library.py [FOLDER]``; ``phototag demo`` does it and scans it."""

from __future__ import annotations

import sys
import time

from phototag.demo.making import make


def main(folder: str = "sample-library") -> None:
    """Draw the photos into ``folder`` and say how many there are."""
    begun = time.monotonic()
    made = make(folder)
    print(f"{made.written} of {made.files} photos drawn in {folder}, {made.size_bytes / 1e6:.1f} MB,", end=" ")
    print(f"{time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:2])
