"""Writes `docs/errors.md`, or the file that is named."""

import sys
import tempfile
from pathlib import Path

import taichi_softras

from . import drop_ins, files, page, standalone, torch_api


def main() -> None:
    taichi_softras.init("cpu")
    functions = [*standalone.functions(), *files.functions(), *torch_api.functions(), *drop_ins.functions(), *files.torch_functions()]
    with tempfile.TemporaryDirectory() as folder:
        text = page.text(functions, Path(folder))
    Path(*sys.argv[1:] or ("docs", "errors.md")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
