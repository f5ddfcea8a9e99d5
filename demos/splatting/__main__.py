"""A thicket from pictures: as triangles that let light through, and as one mesh, which cannot.

    python -m demos.splatting -o OUT                # 100 pictures of 200 x 200, ten held out; triangles, then a mesh
    python -m demos.splatting -o OUT --quick        # small and short
    python -m demos.splatting -o OUT --no-mesh      # triangles alone

OUT then holds views/ (pictures with cameras that `taichi-softras fit` reads, too), triangles.npz (soft; soft.glb for viewers that blend), mesh.glb (opaque, for
any viewer), opaque_mesh.glb (what `fit` makes of it), sheet.png (rows: pictures that were not fitted, the mesh, triangles soft and opaque) and metrics.json.
The same command goes on after Ctrl-C.
"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

import taichi_softras as tsr
from demos.program import GOES_ON, check_folder, check_ranges, program_parser, run_program
from taichi_softras.interrupting import noting_interrupts
from taichi_softras.recover import (
    Capture,
    Fit,
    FitOptions,
    Pictures,
    SplatFit,
    SplatOptions,
    TextureFit,
    Views,
    composited_from,
    save_picture,
    score,
    seen_from,
    structural_similarity,
)
from taichi_softras.replacing import replacing

from .thicket import pictures_of_thicket, thicket

COUNTS = {"leaves": 400, "pictures": 100, "size": 200, "triangles": 20_000, "steps": 12_000, "mesh_steps": 400}
QUICK = {"leaves": 40, "pictures": 20, "size": 48, "triangles": 1500, "steps": 300, "mesh_steps": 40}
SHOWN = 5  # pictures of the sheet


def judged(seen: Views, views: Views) -> dict[str, float]:
    """Figures of pictures that were not fitted."""
    return asdict(score(seen, views)) | {"ssim": float(structural_similarity(seen.over_white(), views.over_white()).mean())}


def splatted(train: Views, options: SplatOptions, state: Path) -> SplatFit:
    """The fit of triangles, from where it was."""
    fit = SplatFit.load(state, train) if state.is_file() else SplatFit(train, options)
    if fit.options != options:
        raise ValueError(f"OUT must be another folder where the options are others: {state} is of {fit.options}, got {options}")
    with noting_interrupts() as interrupted, tqdm(total=options.steps, initial=len(fit.losses), desc="triangles", mininterval=1) as bar:
        while not (fit.done or interrupted):
            fit.step()
            bar.update()
            if len(fit.losses) % options.score_every == 0:
                fit.save(state)
                bar.set_postfix(PSNR=f"{fit.scores[-1][1]:.2f}", triangles=len(fit), refresh=False)
        fit.save(state)
    if not fit.done:
        sys.exit(f"splatting: {GOES_ON}")
    return fit


def mesh_of(folder: Path, size: int, steps: int) -> tsr.Mesh:
    """What `taichi-softras fit` makes of the pictures."""
    capture = Capture.open(folder, "train")
    fit = Fit(capture.views(size), FitOptions(steps=steps))
    for _ in tqdm(range(steps), desc="mesh", mininterval=1):
        fit.step()
    texture = TextureFit.for_mesh(fit.best, Pictures(capture, fit.views.camera), gains=fit.gains)
    while not texture.done:
        texture.step()
    return texture.result()[0]


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short")
    parser.add_argument("--no-mesh", action="store_true", help="do not fit a mesh beside it")
    for name, count in COUNTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help=f"(default: {count}, with --quick {QUICK[name]})")
    options = parser.parse_args()
    counts = {name: given if (given := getattr(options, name)) is not None else (QUICK if options.quick else COUNTS)[name] for name in COUNTS}
    for name, count in counts.items():
        setattr(options, name, count)
    check_ranges(options, leaves=(1, 100_000), pictures=(10, 1000), size=(16, 2048), triangles=(1, 10**7), steps=(10, 10**7), mesh_steps=(4, 10**6))
    out: Path = options.out
    check_folder(out)
    tsr.init("cpu")
    if not (out / "views" / "transforms_test.json").is_file():
        train, test = pictures_of_thicket(thicket(options.leaves), options.pictures, options.size)
        train.save(out / "views", "train")
        test.save(out / "views", "test")
    train, test = (Views.load(out / "views", split) for split in ("train", "test"))
    began = time.process_time()
    fit = splatted(train, SplatOptions(steps=options.steps, triangles=options.triangles), out / "checkpoint.npz")
    soft, opaque, seconds = fit.soft or fit.triangles, fit.hardened, time.process_time() - began
    soft.save(out / "triangles.npz")
    soft.save(out / "soft.glb")
    opaque.mesh.save(out / "mesh.glb")
    seen = {"soft": composited_from(test, soft), "opaque": composited_from(test, opaque, 4)}
    told = {"soft": len(soft), "opaque": len(opaque)}
    spent = {"soft": seconds, "opaque": seconds}
    if not options.no_mesh:
        began = time.process_time()
        mesh = mesh_of(out / "views", options.size, options.mesh_steps)
        mesh.save(out / "opaque_mesh.glb")
        spent = {"mesh": time.process_time() - began} | spent
        seen = {"mesh": seen_from(test, mesh)} | seen
        told = {"mesh": len(mesh.faces)} | told
    rows = {name: judged(one, test) | {"faces": told[name], "cpu_seconds": round(spent[name], 1)} for name, one in seen.items()}
    with replacing(out / "metrics.json") as partial:
        partial.write_text(json.dumps(rows, indent=1) + "\n")
    which = np.unique(np.linspace(0, len(test) - 1, SHOWN).astype(int))
    save_picture(out / "sheet.png", np.concatenate([np.concatenate(list(one.select(which).over_white()), 1) for one in (test, *seen.values())]))
    print("| | PSNR over white | SSIM | IoU | faces | CPU seconds of this run |\n|---|---|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {row['psnr_white']:.2f} | {row['ssim']:.4f} | {row['iou']:.4f} | {row['faces']} | {row['cpu_seconds']:.0f} |")
    print(f"views/, triangles.npz, mesh.glb, sheet.png and metrics.json are in {out}")


if __name__ == "__main__":
    run_program("splatting", main, goes_on=True)
