"""Kaolin's ``kaolin.render.mesh.rasterization``: what is seen at each pixel."""

from typing import Any

import torch

from .....checks import check_shape
from .....engine.dibr import dibr_foreground
from .layout import Batch, Features, check_backend, check_beside, settings_of

__all__ = ["rasterize"]


def rasterize(
    height: int,
    width: int,
    face_vertices_z: torch.Tensor,
    face_vertices_image: torch.Tensor,
    face_features: Features,
    valid_faces: torch.Tensor | None = None,
    multiplier: float | None = None,
    eps: float | None = None,
    backend: str = "cuda",
    *,
    perspective: bool = False,
) -> tuple[Any, torch.Tensor]:
    """The foreground alone: the features and the face index of `dibr_rasterization`. Only faces that ``valid_faces`` [B, F] has are seen."""
    batch = Batch("rasterize", height, width, face_vertices_z, face_vertices_image, face_features)
    check_backend("rasterize", "backend", backend)
    settings = settings_of("rasterize", multiplier, eps, perspective)
    if valid_faces is not None:
        check_beside("rasterize", "valid_faces", valid_faces, batch.arrays)
        check_shape("rasterize", "valid_faces", valid_faces.shape, tuple(face_vertices_z.shape[:2]))
    shown = None if valid_faces is None else batch.shown(valid_faces != 0)
    image, face_index = dibr_foreground(*batch.scene, batch.features, settings, batch.image_size, face_shown=shown)
    return batch.parts(image), face_index.long()
