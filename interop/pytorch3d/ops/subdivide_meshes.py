"""Every face cut into four."""

from typing import Any

import torch

from ....checks import check_shape
from ...checks import check_tensors
from ...geometry import FaceLists
from ..batches import check_meshes

__all__ = ["SubdivideMeshes"]


class SubdivideMeshes(torch.nn.Module):
    """Cuts every face of meshes into four, at the middles of its edges; what stands at the vertices is the mean of two there.

    Args:
        meshes: if given, the faces of its first mesh are cut once, and the module takes only batches of meshes with these faces.
    """

    _subdivided_faces: torch.Tensor
    _edges: torch.Tensor

    def __init__(self, meshes: Any = None) -> None:
        super().__init__()
        self.precomputed = meshes is not None
        if meshes is not None:
            check_meshes("SubdivideMeshes", meshes)
            if not len(meshes):
                raise ValueError("SubdivideMeshes: meshes must have a first mesh, got none")
            faces, edges = _cut(len(meshes.verts_list()[0]), meshes.faces_list()[0])
            self._n_verts = len(meshes.verts_list()[0])
            self.register_buffer("_subdivided_faces", faces)
            self.register_buffer("_edges", edges, persistent=False)

    def forward(self, meshes: Any, feats: torch.Tensor | None = None) -> Any:
        """The meshes cut, without textures; and with ``feats`` what stands at the old and new vertices, too.

        Args:
            meshes: a batch.
            feats: [sum of V_n, D] at the packed vertices; with the faces of a first mesh also [N, V, D].

        Returns:
            The meshes, whose vertices are those of before and then one for each edge; and if feats were given these: [sum of (V_n + E_n), D], or with the
            faces of a first mesh [N, V + E, D].

        Gradient: to vertices and feats.
        """
        op = "SubdivideMeshes"
        check_meshes(op, meshes)
        check_tensors(op, feats=feats)
        sizes = [len(verts) for verts in meshes.verts_list()]
        if self.precomputed:
            if other := set(sizes) - {self._n_verts}:
                raise ValueError(f"{op}: meshes must have {self._n_verts} vertices each, as the first mesh had, got {min(other)}")
            if feats is not None and feats.ndim == 3:
                check_shape(op, "feats", feats.shape, (len(sizes), self._n_verts, "D"))
                feats = feats.reshape(-1, feats.shape[-1])
        if feats is not None:
            check_shape(op, "feats", feats.shape, (sum(sizes), "D"))
        if self.precomputed:
            cut = [(self._subdivided_faces, self._edges)] * len(sizes)
        else:
            cut = [_cut(n_verts, faces) for n_verts, faces in zip(sizes, meshes.faces_list(), strict=True)]
        verts = [_with_middles(old, edges) for old, (_, edges) in zip(meshes.verts_list(), cut, strict=True)]
        new = type(meshes)(verts=verts, faces=[faces for faces, _ in cut])
        if feats is None:
            return new
        of_meshes = [_with_middles(old, edges) for old, (_, edges) in zip(feats.split(sizes), cut, strict=True)]
        return new, torch.stack(of_meshes) if self.precomputed else torch.cat(of_meshes)


def _cut(n_verts: int, faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The faces [4 F, 3], those at the first corners first; and the edges [E, 2]."""
    if not len(faces):
        return faces, faces[:, :2]
    subdivision = FaceLists.of(faces, n_verts).subdivision
    return torch.from_numpy(subdivision.faces.swapaxes(0, 1).reshape(-1, 3)).to(faces.device), torch.from_numpy(subdivision.edges).to(faces.device)


def _with_middles(rows: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    i, j = edges.unbind(1)
    return torch.cat([rows, (rows.index_select(0, i) + rows.index_select(0, j)) / 2])
