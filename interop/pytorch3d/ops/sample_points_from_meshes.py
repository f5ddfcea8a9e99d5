"""Points drawn on the surfaces of meshes."""

from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F

from ....checks import check_flag, check_integer
from ...geometry import check_finite_tensor, crosses, sample_faces
from ..batches import check_meshes, has_nothing

__all__ = ["sample_points_from_meshes"]

LEAST_LENGTH = 2.0**-52  # of a normal before it is made a unit, as in PyTorch3D


def sample_points_from_meshes(meshes: Any, num_samples: int = 10000, return_normals: bool = False, return_textures: bool = False) -> Any:
    """Points drawn evenly on each mesh; all zero on one without faces.

    ``torch.manual_seed`` decides which. (The same seed draws other points than PyTorch3D's, on CPU and GPU the same.)

    Args:
        meshes: a batch in which at least one mesh has faces.
        num_samples: how many on each mesh, S.
        return_normals: whether the normals of their faces are wanted.
        return_textures: whether the meshes' textures there are.

    Returns:
        points [N, S, 3]; with normals [N, S, 3] and textures [N, S, C], a tuple.

    Gradient: of points and normals to vertices, of textures to these and to their texture, the places staying where they are on their faces.
    """
    op = "sample_points_from_meshes"
    check_meshes(op, meshes)
    check_integer(op, "num_samples", num_samples, 1, 2**31 // 3 - 1)
    check_flag(op, "return_normals", return_normals)
    check_flag(op, "return_textures", return_textures)
    if has_nothing(meshes):
        raise ValueError(f"{op}: meshes must have at least one face, got none")
    if return_textures and meshes.textures is None:
        raise ValueError(f"{op}: meshes must have textures where return_textures is True, got None")
    verts = meshes.verts_packed() if len(meshes) > 1 else meshes.verts_list()[0]
    faces, numbers = meshes.faces_packed(), [len(of_mesh) for of_mesh in meshes.faces_list()]
    check_finite_tensor(op, "meshes", verts)
    drawn, places = sample_faces(op, verts, faces, [number for number in numbers if number], num_samples)
    with_faces = [mesh for mesh, number in enumerate(numbers) if number]

    def each(rows: torch.Tensor, empty: float = 0) -> torch.Tensor:
        """[N, S, ...] of rows of the meshes with faces."""
        of_meshes = rows.reshape(-1, num_samples, *rows.shape[1:])
        if len(with_faces) == len(numbers):
            return of_meshes
        return rows.new_full((len(numbers), *of_meshes.shape[1:]), empty).index_copy(0, torch.tensor(with_faces, device=verts.device), of_meshes)

    results = [each(drawn)]
    if return_normals or return_textures:
        face, weights = places()
    if return_normals:
        normals = F.normalize(crosses(verts, faces), dim=1, eps=LEAST_LENGTH)
        results.append(each(normals.index_select(0, face)))
    if return_textures:
        at = each(face.long(), -1)[:, :, None, None]
        nowhere = torch.zeros_like(at, dtype=verts.dtype)
        fragments = SimpleNamespace(pix_to_face=at, bary_coords=each(weights)[:, :, None, None], zbuf=nowhere, dists=nowhere)
        results.append(meshes.sample_textures(fragments)[:, :, 0, 0])
    return tuple(results) if len(results) > 1 else results[0]


def _rand_barycentric_coords(size1: int, size2: int, dtype: torch.dtype | None = None, device: Any = None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Three weights [size1, size2] of places that are evenly spread on triangles: users of the original import it by this name."""
    root, share = torch.rand(2, size1, size2, dtype=dtype, device=device).unbind(0)
    root = root.sqrt()
    return 1 - root, root * (1 - share), root * share
