"""Writes `docs/formats.md`, or the file that is named."""

import sys
import tempfile
from pathlib import Path

from . import page


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = page.text(Path(folder))
    Path(*sys.argv[1:] or ("docs", "formats.md")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
