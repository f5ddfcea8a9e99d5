"""What ``taichi-softras fit --representation triangles`` does besides what ``fit`` does: its options, and the files that it leaves."""

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..recover import (
    Capture,
    Pictures,
    Score,
    SplatFit,
    SplatOptions,
    Triangles,
    Views,
    composited_from,
    fit_curves,
    mean_score,
    render_triangles,
    report,
    save_animation,
    score,
    sheet,
    structural_similarity,
)
from ..replacing import replacing
from ..scene import Camera
from .common import DISTANCE, FOV

__all__ = ["MESH", "TRIANGLES", "splat_options", "write_triangles"]

MESH, TRIANGLES = "mesh", "triangles"  # representations
OF_A_MESH = ("init", "colors", "faces", "smoothness", "color_weight", "normal_weight", "refine_cameras", "balance", "reference", "live")
FRAMES, FRAME_SIZE, ELEVATION = 48, 256, 20.0  # of the turntable
FITTED = 12  # of the fitted pictures that are measured
LARGE = 512  # pixels a side: of larger pictures, four samples of each pixel are enough to measure by


def splat_options(options: argparse.Namespace, default_of: Callable[[str], Any]) -> SplatOptions:
    """What the command was told, for triangles.

    Raises:
        ValueError: if it was told what only meshes have.
    """
    for name in OF_A_MESH:
        if getattr(options, name) != default_of(name):
            raise ValueError(f"fit: --{name.replace('_', '-')} must be left out with --representation {TRIANGLES}, got {getattr(options, name)}")
    own = {name: getattr(options, name) for name in ("steps", "views_per_step", "triangles", "seed")}
    return SplatOptions(**{name: value for name, value in own.items() if value is not None})


def write_triangles(
    out: Path,
    fit: SplatFit,
    test: Capture,
    size: int,
    turn: np.ndarray,
    began: float,
    told_options: Mapping[str, Any],
    notes: Sequence[str],
    interrupted: Sequence[bool],
) -> None:
    """The soft triangles, the opaque mesh, pictures of both, figures, and a page with all of it."""
    soft, opaque = fit.soft or fit.triangles, fit.hardened
    if not len(opaque):
        raise ValueError("fit: some triangles must be left when all are opaque, got none; more steps let them grow opaque before they are looked through")
    soft.save(out / "triangles.npz")
    for name, kind in (("soft.glb", soft), ("mesh.glb", opaque)):
        upright = replace(kind, corners=(kind.corners.reshape(-1, 3).astype(np.float64) @ turn.T).reshape(-1, 3, 3))
        if kind is soft:
            upright.save(out / name)
        else:
            upright.mesh.save(out / name, normals=True)
    views = test.views(size)
    fitted = fit.views.select(np.unique(np.linspace(0, len(fit.views) - 1, FITTED).astype(int)))
    shown = {name: tuple(composited_from(of, kind, _samples(kind, of)) for of in (views, fitted)) for name, kind in (("soft", soft), ("opaque", opaque))}
    pictures = {"Pictures that were not fitted; soft triangles": "sheet.png", "Pictures that were not fitted; the opaque mesh": "sheet_opaque.png"}
    for name, file in zip(shown, pictures.values(), strict=True):
        sheet(out / file, views, shown[name][0])
    if importlib.util.find_spec("matplotlib") is not None:
        pictures["The descent"] = "curves.png"
        starts = [0, *(round(fit.options.steps * share) for share in fit.CHANGES)]
        fit_curves(out / "curves.png", fit.losses, fit.scores, [start for start in starts if start < len(fit.losses)], "PSNR over white")
    else:
        print("taichi-softras: curves.png is left out: matplotlib, which draws it, is not installed (pip install 'taichi_softras[plot]')", file=sys.stderr)
    _turntable(out / "turntable.gif", fit, soft, opaque, turn)
    metrics: dict[str, Any] = {"views_not_fitted": len(views), "image_size": list(views.image_size)}
    found: dict[str, Score] = {}
    for name, kind in (("soft", soft), ("opaque", opaque)):
        seen, seen_fitted = shown[name]
        own_size = _score_at_own_size(kind, seen, views, test, interrupted)
        found[name] = own_size or score(seen, views)
        metrics[name] = asdict(score(seen, views)) | {"ssim": _ssim(seen, views), "fitted": asdict(score(seen_fitted, fitted))}
        metrics[name]["own_size"] = None if own_size is None else asdict(own_size)
    seconds = time.monotonic() - began
    metrics |= {"triangles": len(soft), "faces": len(opaque), "steps": len(fit.losses), "seconds": round(seconds, 1)}
    metrics |= {"world_of_glb": turn.tolist()}
    meaning = {
        "soft": "triangles.npz (soft.glb for viewers that blend), before they were hardened, composited",
        "opaque": "mesh.glb, which any viewer shows",
        "iou": "of silhouettes (alpha of one half and more), mean over pictures that were not fitted",
        "psnr": "dB, of colour, over the pixels inside both silhouettes, the mean of the pictures' own",
        "psnr_white": "dB, over all pixels of the pictures laid over white, likewise",
        "ssim": "structural similarity of the pictures laid over white",
        "fitted": f"the same on {len(fitted)} of the pictures that were fitted",
        "own_size": "the same at the pictures' own size; what is told first",
        "world_of_glb": "the rotation of mesh.glb and soft.glb, whose y is up, from the cameras' world, in which triangles.npz is",
    }
    with replacing(out / "metrics.json") as partial:
        partial.write_text(json.dumps(metrics | {"meaning": meaning}, indent=1) + "\n")
    report(
        out / "report.html",
        title=f"{out.resolve().name}: triangles from {len(fit.views)} pictures",
        model=out / "mesh.glb",
        headline={
            "PSNR over white: soft": f"{found['soft'].psnr_white:.2f} dB",
            "opaque": f"{found['opaque'].psnr_white:.2f} dB",
            "triangles: soft": f"{len(soft):,}",
            "of them opaque": f"{len(opaque):,}",
            "seconds": f"{seconds:.0f}",
        },
        pictures={name: out / file for name, file in pictures.items()},
        tables={"Figures": metrics, "Options": told_options},
        meaning=meaning,
        notes=[f"PSNR is of {len(test)} pictures that were not fitted.", *notes],
    )
    told = "; ".join(f"{name} PSNR over white {one.psnr_white:.2f} dB, IoU {one.iou:.4f}" for name, one in found.items())
    print(f"on {len(test)} pictures that were not fitted: {told}; {seconds:.0f} s")
    written = ["triangles.npz", "soft.glb", "mesh.glb", "turntable.gif", *pictures.values(), "metrics.json"]
    print(f"{', '.join(written)} and report.html (all of it on one page) are in {out}", *notes, sep="\n")


def _score_at_own_size(triangles: Triangles, seen: Views, views: Views, test: Capture, interrupted: Sequence[bool]) -> Score | None:
    """The mean of the pictures' own scores; None after Ctrl-C, as this may take long."""
    if (test.sizes == views.image_size).all():  # they have been measured as they are
        return score(seen, views)
    scores = []
    for one in Pictures(test):
        if interrupted:
            return None
        scores.append(score(composited_from(one, triangles, _samples(triangles, one)), one))
    return mean_score(scores)


def _samples(triangles: Triangles, views: Views) -> int:
    """Along a pixel's side: sharp edges want as many as meshes are measured with."""
    return 4 if max(views.image_size) <= LARGE and triangles.is_sharp else 2


def _ssim(seen: Views, views: Views) -> float:
    return float(structural_similarity(seen.over_white(), views.over_white()).mean())


def _turntable(path: Path, fit: SplatFit, soft: Triangles, opaque: Triangles, turn: np.ndarray) -> None:
    """Soft on the left, opaque on the right."""
    reach = np.linalg.norm(soft.vertices - fit.centre, axis=1)
    radius = float(np.quantile(reach, 0.99)) if len(reach) else fit.radius
    camera = Camera.orbit(DISTANCE, ELEVATION, np.arange(FRAMES) * 360.0 / FRAMES, fov=FOV)
    halves = []
    for one in (soft, opaque):
        upright = replace(one, corners=(one.corners - fit.centre) @ turn.T / radius)
        halves.append(render_triangles(upright, camera, FRAME_SIZE, tuple(map(str, range(FRAMES))), 1).over_white())
    save_animation(path, np.concatenate(halves, 2))
