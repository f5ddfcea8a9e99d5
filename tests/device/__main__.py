"""What only a GPU can show, in one command and under 8 minutes: ``python -m tests.device [--out FILE]``. It asks nothing of the network.

It prints Markdown: what `doctor` says; pictures and gradients against the CPU's of float64; whether torch's streams are kept in order; whether the pairs that
are listed are those that were counted; the times of training steps; the table of `tests.benchmarks`. With ``--out tests/benchmarks/RESULTS.md`` it is added to
that file, below a heading with the GPU's name. Each part has a process of its own (one process has one Taichi) and a time that it may take; a part that fails
says so, and the others go on. Ends with 1 if any failed.

``--small`` is for a simulated device, where times mean nothing: everything is run from top to bottom, as small as can be.
"""

import argparse
import datetime
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from taichi_softras.replacing import replacing
from taichi_softras.runtime import cpu_name, offer_of

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = {  # heading, and the seconds that it may take; together less than 8 minutes
    "doctor": ("What `taichi-softras doctor` says", 60),
    "values": ("Pictures and gradients against float64 on the CPU", 110),
    "streams": ("Streams", 30),
    "bins": ("Pairs counted and pairs written", 30),
    "steps": ("Training steps", 60),
    "table": ("The table", 180),
}
SMALL_SECONDS = 3600  # a simulated device is no stopwatch


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.device", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, metavar="FILE", help="add it to this file of Markdown as well")
    parser.add_argument("--small", action="store_true", help="small sizes, for a simulated device")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="these alone (default: all)")
    options = parser.parse_args(arguments)
    offered = offer_of("cuda")
    if not offered.devices:
        parser.error(f"there must be a GPU for CUDA, got none ({offered.why_none}); `taichi-softras doctor` tells more")
    names = ", ".join(device.name for device in offered.devices)
    text, failed = [f"\n## CUDA: {names}, {datetime.date.today()}\n\n{cpu_name()}. Printed by `python -m tests.device`.\n"], []
    print(text[0], flush=True)
    for part in options.parts:
        heading, seconds = PARTS[part]
        began = time.monotonic()
        said, is_good = run_part(part, SMALL_SECONDS if options.small else seconds, options.small)
        failed += [] if is_good else [part]
        text.append(f"### {heading}\n\n{said.strip()}\n\n{'' if is_good else '**Failed.** '}{time.monotonic() - began:.0f} s.\n")
        print(text[-1], flush=True)
    text.append(f"Failed: {', '.join(failed)}.\n" if failed else "Nothing failed.\n")
    print(text[-1])
    if options.out is not None:
        before = options.out.read_text(encoding="utf-8") if options.out.exists() else ""
        with replacing(options.out) as partial:
            partial.write_text(before + "\n".join(text), encoding="utf-8")
    return int(bool(failed))


def run_part(part: str, seconds: float, is_small: bool) -> tuple[str, bool]:
    """What a part prints, and whether it ended well. Of one that fails also the end of what it said on the standard error."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.device.parts", part, folder, *(["small"] if is_small else [])]
        with open(Path(folder, "out"), "w+") as out, open(Path(folder, "err"), "w+") as err:
            try:
                is_good = subprocess.run(command, cwd=REPOSITORY, stdout=out, stderr=err, timeout=seconds, check=False).returncode == 0
                why = ""
            except subprocess.TimeoutExpired:
                is_good, why = False, f"\n(stopped after {seconds} s)"
            out.seek(0)
            err.seek(0)
            end = "" if is_good else f"\n\n```text\n{err.read()[-2000:].strip()}\n```"
            return out.read() + why + end, is_good


if __name__ == "__main__":
    sys.exit(main())
