"""Kaolin's ``kaolin.render.mesh.dibr``: DIB-R."""

from typing import Any

import torch
import torch.nn.functional as F

from .....checks import check_shape
from .....engine.dibr import dibr_rasterize
from .....engine.dibr import dibr_soft_mask as _soft_mask
from .....scene import Topology
from ....bridge import TorchArrays
from .layout import MULTIPLIER, Batch, Features, check_backend, check_beside, settings_of

__all__ = ["dibr_rasterization", "dibr_soft_mask"]


def dibr_rasterization(
    height: int,
    width: int,
    face_vertices_z: torch.Tensor,
    face_vertices_image: torch.Tensor,
    face_features: Features,
    face_normals_z: torch.Tensor,
    sigmainv: float = 7000,
    boxlen: float = 0.02,
    knum: int = 30,
    multiplier: float | None = None,
    eps: float | None = None,
    rast_backend: str = "cuda",
    *,
    mask_faces: str = "first",
    perspective: bool = False,
) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """DIB-R: (features [B, H, W, D], soft mask [B, H, W], face index [B, H, W] int64, -1 where no face is seen); row 0 is the top.

    Args:
        height, width: of the picture.
        face_vertices_z: [B, F, 3] depths in camera space: negative ahead, the larger is the nearer.
        face_vertices_image: [B, F, 3, 2] in the image, [-1, 1] across its width and its height, y up.
        face_features: [B, F, 3, D], or a list of such, for each of which a picture is returned.
        face_normals_z: [B, F]; faces where it is negative are not seen (but count for the soft mask).
        sigmainv, boxlen, knum: sharpness, extent and number of faces of the soft mask; see `taichi_softras.engine.dibr.DibrSettings`.
        multiplier: 1000 by default. Pixel centres are rounded as in Kaolin after such an enlargement, and ``eps`` is relative to the enlarged faces.
        eps: 1e-8 by default, added to twice the (enlarged) area of a face before it divides.
        rast_backend: one of Kaolin's names, which all mean the same here.
        mask_faces: which faces count for the soft mask of a pixel: the "first" ``knum`` (Kaolin's), the "nearest" ``knum``, or "all" within ``boxlen``.
        perspective: depth and features as a pinhole camera sees them, not linear in the image; depths then receive gradient.

    Gradient: to face_vertices_image and face_features; with ``perspective`` to face_vertices_z.
    Better than the original: a face seen edge-on covers nothing (it could hide all others with zeros); the weights' gradient is that of what is computed.
    """
    batch = Batch("dibr_rasterization", height, width, face_vertices_z, face_vertices_image, face_features)
    check_beside("dibr_rasterization", "face_normals_z", face_normals_z, batch.arrays)
    check_backend("dibr_rasterization", "rast_backend", rast_backend)
    settings = settings_of("dibr_rasterization", multiplier, eps, perspective, sigmainv, boxlen, knum, mask_faces)
    n_images, n_faces = face_vertices_z.shape[:2]
    if tuple(face_normals_z.shape) not in ((n_images, n_faces), (n_images, n_faces, 1)):
        raise ValueError(f"dibr_rasterization: face_normals_z must have shape (B, F) with B = {n_images}, F = {n_faces}, got {tuple(face_normals_z.shape)}")
    image = dibr_rasterize(*batch.scene, batch.features, settings, batch.image_size, face_shown=batch.shown(face_normals_z >= 0))
    return batch.parts(image.features), image.soft_mask, image.face_index.long()


def dibr_soft_mask(
    face_vertices_image: torch.Tensor,
    selected_face_idx: torch.Tensor,
    sigmainv: float = 7000,
    boxlen: float = 0.02,
    knum: int = 30,
    multiplier: float = MULTIPLIER,
    *,
    mask_faces: str = "first",
) -> torch.Tensor:
    """The soft mask [B, H, W] of `dibr_rasterization`, where ``selected_face_idx`` [B, H, W] is not negative on the foreground."""
    arrays = TorchArrays.of("dibr_soft_mask", face_vertices_image=face_vertices_image)
    check_shape("dibr_soft_mask", "face_vertices_image", face_vertices_image.shape, ("B", "F", 3, 2))
    n_images, n_faces = face_vertices_image.shape[:2]
    check_beside("dibr_soft_mask", "selected_face_idx", selected_face_idx, arrays)
    if selected_face_idx.is_floating_point():
        raise TypeError(f"dibr_soft_mask: selected_face_idx must be integers, got {selected_face_idx.dtype}")
    check_shape("dibr_soft_mask", "selected_face_idx", selected_face_idx.shape, ("B", "H", "W"), {"B": n_images})
    settings = settings_of("dibr_soft_mask", multiplier, None, False, sigmainv, boxlen, knum, mask_faces)
    ahead = F.pad(face_vertices_image, (0, 1), value=-1.0).reshape(-1, 3)
    face_index = selected_face_idx.to(arrays.device, torch.int32).contiguous()
    return _soft_mask(arrays, Topology.separate_faces(n_faces, n_images), ahead, face_index, settings)
