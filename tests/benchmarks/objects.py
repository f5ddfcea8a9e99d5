"""The main job on several objects, by this build and by another, in turns on one machine: ``python -m tests.benchmarks.objects MESH... [--against PYTHON]``.

Each object is fitted by ``taichi-softras fit MESH -o OUT`` with its defaults (36 pictures of 128 x 128, 12 more to measure by), in a process of its own. What
comes out is measured by this build, whoever made it: the mesh that was written, from the pictures of this build's OUT/views, and beside the mesh itself.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import taichi_softras as tsr
from taichi_softras.recover import Views, compare_surfaces, normal_colors, render_views, score

from . import daily

TURNS = 5
COLUMNS = ("IoU", "PSNR over white", "Chamfer / diagonal", "normals, degrees", "Euler number", "crossings", "faces", "seconds", "CPU seconds", "peak MiB")


def fitted(python: str, mesh: str, out: Path) -> dict[str, float]:
    """What a fit costs: seconds by the clock and of the CPU, and its peak of memory."""
    began = time.monotonic()
    command = [python, "-m", "taichi_softras", "fit", *([] if mesh == "creature" else [str(Path(mesh).resolve())]), "-o", str(out.resolve())]
    with tempfile.TemporaryDirectory() as elsewhere:  # a checkout in which one stands would be imported instead of what is installed
        process = subprocess.Popen(command, cwd=elsewhere, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = process.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{python}: fit {mesh} failed: {output}")
    return {
        "seconds": round(time.monotonic() - began, 1),
        "CPU seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak MiB": round(usage.ru_maxrss / 1024),
    }


def measured(mesh: str, out: Path, views: Views) -> dict[str, object]:
    """How good the mesh in ``out`` is."""
    truth = tsr.scene.creature() if mesh == "creature" else tsr.Mesh.load(mesh).normalized()
    truth = truth if truth.is_colored else normal_colors(truth)
    found = tsr.Mesh.load(out / "mesh.obj")  # in the pictures' world; older builds wrote linear colours into the GLB
    scores = score(render_views(found, views.camera, views.image_size, views.names), views)
    surface = compare_surfaces(found, truth)
    return {
        "IoU": round(scores.iou, 4),
        "PSNR over white": round(scores.psnr_white, 2),
        "Chamfer / diagonal": round(surface.chamfer, 5),
        "normals, degrees": round(surface.normal_angle, 2),
        "Euler number": f"{surface.euler_number[0]} ({surface.euler_number[1]})",
        "crossings": f"{surface.self_intersections[0]} ({surface.self_intersections[1]})",
        "faces": len(found.faces),
    }


def times_until(iou: float, mesh: str, other: str) -> None:
    """Both builds by turns; their first runs, which compile, do not count."""
    times: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as elsewhere, contextlib.ExitStack() as stack:
        workers = []
        for python in (sys.executable, other):
            command = [python, daily.__file__, "until", str(iou), mesh]
            workers.append(stack.enter_context(subprocess.Popen(command, cwd=elsewhere, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)))
            while workers[-1].stdout.readline().strip() not in ("ready", ""):
                pass
        for _ in range(TURNS):
            for of_build, worker in zip(times, workers, strict=True):
                worker.stdin.write("\n")
                worker.stdin.flush()
                of_build.append(float(worker.stdout.readline().split()[0]))
    ours, others = (f"{np.median(t):.2f} s ({min(t):.2f} to {max(t):.2f})" for t in times)
    print(f"{Path(mesh).stem}: IoU {iou} after {ours}, the other build after {others}: {np.median(times[0]) / np.median(times[1]):.3f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.objects", description=__doc__.split("\n")[0])
    parser.add_argument("meshes", nargs="+", metavar="MESH", help="mesh files, or `creature` for the embedded one")
    parser.add_argument("--against", metavar="PYTHON", help="the Python of an environment with another build")
    parser.add_argument("--until", type=float, metavar="IOU", help="in place of it all: the time until the held-out IoU is so high, a median of five turns")
    parser.add_argument("--out", type=Path, help="keep the results there")
    options = parser.parse_args()
    if options.until is not None:
        if options.against is None:
            parser.error("--until: must come with --against")
        for mesh in options.meshes:
            times_until(options.until, str(Path(mesh).resolve()), options.against)
        return 0
    tsr.init("cpu")
    out = options.out or Path(tempfile.mkdtemp())
    builds = {"this build": sys.executable} | ({"the other build": options.against} if options.against else {})
    print(f"| object | build | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}", flush=True)
    for mesh in options.meshes:
        name, rows = Path(mesh).stem, {}
        for build, python in builds.items():
            rows[build] = fitted(python, mesh, out / name / build.split()[1])
        views = Views.load(out / name / "build" / "views", "test")
        for build in builds:
            row = rows[build] | measured(mesh, out / name / build.split()[1], views)
            rows[build] = row
            print(f"| {name} | {build} | {' | '.join(str(row[column]) for column in COLUMNS)} |", flush=True)
        (out / name / "row.json").write_text(json.dumps(rows, default=lambda value: np.asarray(value).tolist()))
    print(f"\nthe results are in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
