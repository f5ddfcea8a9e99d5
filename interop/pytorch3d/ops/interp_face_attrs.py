"""Numbers of a face's vertices at the fragments."""

import torch

from ....checks import check_shape
from ...checks import check_tensors

__all__ = ["interpolate_face_attributes"]


def interpolate_face_attributes(pix_to_face: torch.Tensor, barycentric_coords: torch.Tensor, face_attributes: torch.Tensor) -> torch.Tensor:
    """[N, H, W, K, D]: the weighted sum of attributes [F, 3, D] of the face in each slot; 0 in an empty slot.

    Only the used slots are worked on: K may be far larger than what most pixels see.
    """
    op, sizes = "interpolate_face_attributes", dict[str, int]()
    if not isinstance(pix_to_face, torch.Tensor):
        raise TypeError(f"{op}: pix_to_face must be a torch.Tensor, got {type(pix_to_face).__name__}")
    check_shape(op, "pix_to_face", pix_to_face.shape, ("N", "H", "W", "K"), sizes)
    if pix_to_face.is_floating_point():
        raise TypeError(f"{op}: pix_to_face must be integers, got {pix_to_face.dtype}")
    check_tensors(op, barycentric_coords=barycentric_coords)
    check_tensors(op, face_attributes=face_attributes)
    check_shape(op, "barycentric_coords", barycentric_coords.shape, ("N", "H", "W", "K", 3), sizes)
    check_shape(op, "face_attributes", face_attributes.shape, ("F", 3, "D"), sizes)
    n_values = face_attributes.shape[2]
    slots = (pix_to_face.reshape(-1) >= 0).nonzero()[:, 0]
    faces = pix_to_face.reshape(-1)[slots]
    try:
        corners = face_attributes.reshape(len(face_attributes), -1).index_select(0, faces).reshape(-1, 3, n_values)
    except IndexError as error:
        raise ValueError(f"{op}: pix_to_face must index faces 0 to {len(face_attributes) - 1}, got {int(faces.max())}") from error
    values = (barycentric_coords.reshape(-1, 3).index_select(0, slots)[:, :, None] * corners).sum(1)
    return values.new_zeros(pix_to_face.numel(), n_values).index_copy(0, slots, values).reshape(*pix_to_face.shape, n_values)
