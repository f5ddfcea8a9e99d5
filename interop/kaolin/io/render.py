"""Kaolin's ``kaolin.io.render``: pictures with their cameras, as the Data Generator of NVIDIA's Omniverse Kaolin App writes them."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ....checks import check_flag, check_integer
from ....scene import as_path, is_file, picture_file, pixels, read_json
from ..render.camera import generate_perspective_projection

__all__ = ["import_synthetic_view"]


def import_synthetic_view(
    root_dir: str | Path,
    idx: int,
    rgb: bool = True,
    depth_linear: bool = False,
    semantic: bool = False,
    instance: bool = False,
    normals: bool = False,
    bbox_2d_tight: bool = False,
    bbox_2d_loose: bool = False,
) -> dict[str, Any]:
    """What the files ``IDX_rgb.png``, ``IDX_metadata.json``, ... of a folder say; of each what is asked for, None where its file is missing:

    rgb and normals [H, W, 3] float32 in [0, 1]; depth_linear, semantic and instance as the array in ``IDX_....npy``; bbox_2d_tight and bbox_2d_loose as they
    stand in the metadata; and always ``metadata``: cam_transform [4, 3] and cam_proj [3, 1], which `prepare_vertices` takes, asset_transforms [4, 4], and
    clipping_range.
    """
    op = "import_synthetic_view"
    folder = as_path(op, "root_dir", root_dir)
    check_integer(op, "idx", idx, 0, 2**31)
    wanted = {
        "rgb": rgb, "depth_linear": depth_linear, "semantic": semantic, "instance": instance, "normals": normals,
        "bbox_2d_tight": bbox_2d_tight, "bbox_2d_loose": bbox_2d_loose,
    }  # fmt: skip
    for name, flag in wanted.items():
        check_flag(op, name, flag)
    place = folder / f"{idx}_metadata.json"
    if not is_file(place):
        raise FileNotFoundError(f"{op}: there is no file {place}")
    told = read_json(f"{op}: {place}", place)
    view: dict[str, Any] = {}
    for name in ("rgb", "depth_linear", "semantic", "instance", "normals"):
        if wanted[name]:
            view[name] = _picture(op, folder / f"{idx}_{name}.png") if name in ("rgb", "normals") else _array(op, folder / f"{idx}_{name}.npy")
    try:
        camera = told["camera_properties"]
        focal, aperture = float(camera["focal_length"]), float(camera["horizontal_aperture"])
        ratio = camera["resolution"]["width"] / camera["resolution"]["height"]
        view["metadata"] = {
            "cam_transform": torch.tensor(camera["tf_mat"], dtype=torch.float32)[:, :3],
            "asset_transforms": torch.tensor(told["asset_transforms"][0][1], dtype=torch.float32),
            "cam_proj": generate_perspective_projection(2 * math.atan(aperture / (2 * focal)), ratio),
            "clipping_range": camera["clipping_range"],
        }
        view |= {name: told[name] for name in ("bbox_2d_tight", "bbox_2d_loose") if wanted[name]}
    except (LookupError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{op}: {place} must tell of a camera as the Data Generator does, got {type(error).__name__}: {error}") from error
    return view


def _picture(op: str, place: Path) -> torch.Tensor | None:
    if not is_file(place):
        return None
    with picture_file(f"{op}: the picture", place, place.name) as picture:
        return torch.from_numpy(pixels(f"{op}: the picture", place.name, picture, "RGB"))


def _array(op: str, place: Path) -> torch.Tensor | None:
    if not is_file(place):
        return None
    try:
        return torch.from_numpy(np.load(place, allow_pickle=False))
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise ValueError(f"{op}: {place} must hold an array of numbers, got {type(error).__name__}: {error}") from error
