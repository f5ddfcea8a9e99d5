"""What opening a file costs, beside trimesh's own ``load``: ``python -m tests.benchmarks.files``, as Markdown.

The files are one wavy sheet: OBJ without and with texture coordinates, PLY and GLB, written by `Mesh.save`. Each is opened in processes of its own, by
`Mesh.load` and by ``trimesh.load``, in turn; seconds are those of the fastest, memory is by how much the process grew at most while it read (Linux only).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .machine import peak_memory

__all__ = ["main"]

READERS = ("ours", "trimesh")
MIB = 1 << 20


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.files", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=1_000_000, metavar="N", help="about how many (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="processes per figure (default: %(default)s)")
    parser.add_argument("--open", nargs=2, metavar=("READER", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.open:
        print(json.dumps(_opened(*options.open)))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(f"About {options.faces} faces.\n\n| file | MiB | ours, s | trimesh, s | ours/trimesh | ours, peak MiB | trimesh, peak MiB |")
        print("|---" * 7 + "|")
        for name, path in _written(Path(folder), options.faces).items():
            runs = [{reader: _in_a_process(reader, path) for reader in READERS} for _ in range(options.repeats)]
            seconds, grown = ([min(run[reader][k] for run in runs) for reader in READERS] for k in ("seconds", "grown"))
            cells = [f"{path.stat().st_size / MIB:.1f}", *(f"{one:.2f}" for one in (*seconds, seconds[0] / seconds[1])), *(f"{one / MIB:.0f}" for one in grown)]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _written(folder: Path, n_faces: int) -> dict[str, Path]:
    from taichi_softras import Mesh

    side = max(1, round((n_faces / 2) ** 0.5))
    u, v = (axis.ravel() / side for axis in np.mgrid[: side + 1, : side + 1])
    vertices = np.stack([u, v, 0.1 * np.sin(7 * u) * np.cos(5 * v)], 1) + np.random.default_rng(0).normal(0, 1e-4, (len(u), 3))
    first = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel()
    faces = np.concatenate([np.stack([first, first + side + 1, first + side + 2], 1), np.stack([first, first + side + 2, first + 1], 1)])
    plain, with_uv = Mesh(vertices=vertices, faces=faces), Mesh(vertices=vertices, faces=faces, uvs=np.stack([u, v], 1))
    meshes = {"OBJ": ("plain.obj", plain), "OBJ with vt": ("uv.obj", with_uv), "PLY": ("plain.ply", plain), "GLB": ("plain.glb", plain)}
    for name, mesh in meshes.values():
        mesh.save(folder / name)
    return {kind: folder / name for kind, (name, _) in meshes.items()}


def _in_a_process(reader: str, path: Path) -> dict[str, float]:
    result = subprocess.run([sys.executable, "-m", "tests.benchmarks.files", "--open", reader, str(path)], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(result.stderr)
    return json.loads(result.stdout.splitlines()[-1])


def _opened(reader: str, path: str) -> dict[str, float]:
    import trimesh

    from taichi_softras import Mesh

    load, seconds = Mesh.load if reader == "ours" else trimesh.load, []

    def timed() -> None:
        start = time.perf_counter()
        load(path)
        seconds.append(time.perf_counter() - start)

    grown = peak_memory(timed)
    return {"seconds": seconds[0], "grown": float("nan") if grown is None else grown}


if __name__ == "__main__":
    main()
