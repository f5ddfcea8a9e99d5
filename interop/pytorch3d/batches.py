"""What losses and operations ask of a batch of meshes or of point clouds: ours, or those of an installed PyTorch3D."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

from ..checks import check_index_tensor
from ..geometry import FaceLists

__all__ = ["check_lengths", "check_meshes", "face_lists", "has_nothing", "nothing", "of_each_mesh", "parts"]


def check_meshes(op: str, meshes: Any) -> None:
    """TypeError if they are none."""
    if not hasattr(meshes, "verts_packed") or not hasattr(meshes, "faces_packed"):
        raise TypeError(f"{op}: meshes must be Meshes, got {type(meshes).__name__}")


def face_lists(meshes: Any) -> FaceLists:
    """Edges and hinges of all meshes, into the packed vertices."""
    return FaceLists.of(meshes.faces_packed(), len(meshes.verts_packed()))


def has_nothing(meshes: Any) -> bool:
    """Whether no mesh has vertices and faces: ``isempty``, without a tensor on the meshes' device that would have to be waited for."""
    return not any(len(verts) > 0 and len(faces) > 0 for verts, faces in zip(meshes.verts_list(), meshes.faces_list(), strict=True))


def nothing(meshes: Any) -> torch.Tensor:
    """[1] zero, as PyTorch3D's losses are of meshes without faces."""
    return torch.zeros(1, device=meshes.device, requires_grad=True)


def of_each_mesh(values: torch.Tensor, mesh: torch.Tensor, n_meshes: int) -> torch.Tensor:
    """The mean over the meshes of the mean of the values [R] that belong to each, by ``mesh`` [R]; one without any counts as zero."""
    return (values / mesh.bincount(minlength=n_meshes)[mesh]).sum() / n_meshes


def check_lengths(op: str, name: str, lengths: torch.Tensor | None, n: int, most: int, device: torch.device) -> list[int]:
    """How many points each of n clouds has, at most so many."""
    if lengths is None:
        return [most] * n
    check_index_tensor(op, name, lengths, ("N",), "numbers of points", most + 1, {"N": n})
    if lengths.device != device:
        raise ValueError(f"{op}: {name} must be on the device of the points ({device}), got {lengths.device}")
    return lengths.tolist()


def parts(op: str, first_idxs: torch.Tensor, n: int) -> Iterator[tuple[int, int]]:
    """(where it begins, how many) of each part of n packed rows."""
    check_index_tensor(op, "first_idxs", first_idxs, ("N",), "rows", n + 1)
    firsts = [*first_idxs.tolist(), n]
    for begin, end in pairwise(firsts):
        if end < begin:
            raise ValueError(f"{op}: first_idxs must ascend, got {end} behind {begin}")
        yield begin, end - begin
