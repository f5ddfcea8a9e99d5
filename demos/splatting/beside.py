"""Triangles beside one mesh, from the same pictures: `taichi-softras fit` both ways, and a table.

    python -m demos.splatting.beside spot_views temple_ring bob/bob_tri.obj -o OUT
    python -m demos.splatting.beside spot_views -o OUT --size 96 --steps 2000 --triangles 4000

Each SOURCE is what `fit` takes: a folder of pictures with cameras, or a mesh, of which pictures are rendered. OUT/NAME/mesh and OUT/NAME/triangles hold what
`fit` leaves, OUT/table.md the figures that it prints: of the pictures that were not fitted, at their own size. Pictures without masks get them by
``--segment``. What is there already is not done again, and the same command goes on after Ctrl-C.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

from demos.program import GOES_ON, check_folder, check_ranges, program_parser, run_program
from taichi_softras.replacing import replacing

INTERRUPTED = 130  # the status of `fit` after Ctrl-C
CAMERA_FILES = (".json", ".npz", ".bin", ".txt")  # which are not meshes
HEAD = "| | | PSNR over white | IoU | faces | CPU seconds |\n|---|---|---|---|---|---|\n"


def fitted(source: str, out: Path, options: list[str]) -> float:
    """Runs `fit`, or goes on with it. Returns the processor seconds that it took."""
    seconds = out / "cpu_seconds.json"
    spent = json.loads(seconds.read_text()) if seconds.is_file() else 0.0
    if (out / "metrics.json").is_file() and (out / "finished").is_file():
        return spent
    given = ["-o", str(out), "--resume"] if (out / "checkpoint.npz").is_file() else [source, "-o", str(out), *options]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status = subprocess.run([sys.executable, "-m", "taichi_softras", "fit", *given], check=False).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if out.is_dir():
        with replacing(seconds) as partial:
            partial.write_text(json.dumps(round(spent, 1)))
    if status:
        sys.exit(f"beside: {GOES_ON}" if status == INTERRUPTED else f"beside: fit {source} ended with status {status}")
    (out / "finished").touch()
    return spent


def rows_of(name: str, out: Path, seconds: dict[str, float]) -> list[str]:
    """Of the table: the mesh, triangles soft and opaque."""
    mesh, triangles = (json.loads((out / kind / "metrics.json").read_text()) for kind in ("mesh", "triangles"))
    kinds = {"mesh": (mesh, mesh["faces"]), "triangles, soft": (triangles["soft"], triangles["triangles"]), "opaque": (triangles["opaque"], triangles["faces"])}
    spent = {"mesh": seconds["mesh"], "triangles, soft": seconds["triangles"], "opaque": seconds["triangles"]}
    rows = []
    for kind, (told, faces) in kinds.items():
        found = told["own_size"] or told
        rows.append(f"| {name} | {kind} | {found['psnr_white']:.2f} | {found['iou']:.4f} | {faces} | {spent[kind]:.0f} |")
    return rows


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="pictures with cameras, or a mesh")
    for name, default in (("size", 128), ("steps", 3000), ("triangles", 6000), ("mesh-steps", 200)):
        parser.add_argument(f"--{name}", type=int, default=default, help="(default: %(default)s)")
    parser.add_argument("--segment", action="store_true", help="find masks where there are none")
    options = parser.parse_args()
    check_ranges(options, size=(16, 4096), steps=(10, 10**7), triangles=(1, 10**7), mesh_steps=(4, 10**6))
    check_folder(options.out)
    table = []
    for source in options.sources:
        name, seconds = Path(source).stem, {}
        of_pictures = Path(source).is_dir() or Path(source).suffix.lower() in CAMERA_FILES
        both = ["--size", str(options.size), *(["--segment"] if options.segment and of_pictures else [])]
        ways = {
            "mesh": ["--steps", str(options.mesh_steps)],
            "triangles": ["--steps", str(options.steps), "--representation", "triangles", "--triangles", str(options.triangles)],
        }
        for kind, more in ways.items():
            seconds[kind] = fitted(source, options.out / name / kind, [*both, *more])
        table += rows_of(name, options.out / name, seconds)
        with replacing(options.out / "table.md") as partial:
            partial.write_text(HEAD + "\n".join(table) + "\n")
    print(HEAD + "\n".join(table))
    print(f"table.md, and what fit leaves of each, are in {options.out}")


if __name__ == "__main__":
    run_program("beside", main, goes_on=True)
