"""Inside or outside of closed meshes."""

import torch

from .....checks import check_integer
from .....engine import nearest
from ....bridge import TorchArrays
from ....checks import check_index_tensor, check_tensor, check_tensors
from ....geometry import check_finite_tensor

__all__ = ["check_sign"]


def check_sign(verts: torch.Tensor, faces: torch.Tensor, points: torch.Tensor, hash_resolution: int = 512) -> torch.Tensor:
    """[B, P] bool: whether a ray from each point passes through an odd number of faces, which it does inside of a closed mesh.

    Args:
        verts: [B, V, 3], finite.
        faces: [F, 3].
        points: [B, P, 3], finite.
        hash_resolution: of Kaolin's table; without effect.

    Computed in float64, in a tree of boxes; rays through edges and corners count once.
    """
    op, sizes = "check_sign", dict[str, int]()
    check_tensors(op, verts=verts, points=points)
    check_tensor(op, "verts", verts, ("B", "V", 3), sizes)
    check_index_tensor(op, "faces", faces, ("F", 3), "verts", verts.shape[1])
    check_tensor(op, "points", points, ("B", "P", 3), sizes)
    check_integer(op, "hash_resolution", hash_resolution, 1, 2**31)
    check_finite_tensor(op, "verts", verts)
    check_finite_tensor(op, "points", points)
    corners, rays = verts.detach().double()[:, faces.long()].flatten(2), points.detach().double()
    arrays = TorchArrays.of(op, verts=corners)
    found = [nearest.crossings(arrays, ray.contiguous(), of_mesh.contiguous()) for ray, of_mesh in zip(rays, corners, strict=True)]
    return torch.stack(found) % 2 == 1 if found else torch.zeros(points.shape[:2], dtype=torch.bool, device=points.device)
