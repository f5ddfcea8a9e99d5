"""PyTorch3D's ``Pointclouds`` as far as losses and operations on meshes want it: points with normals and features, as lists, packed or padded."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ....checks import check_integer, check_shape
from ...checks import check_tensors

__all__ = ["Pointclouds"]

KINDS = ("points", "normals", "features")


class Pointclouds:
    """A batch of N clouds of points. (Nothing here draws them.)

    Args:
        points: a list of [P_n, 3], or padded [N, P, 3] (of which all are points).
        normals: like points, or None.
        features: a list of [P_n, C], or padded [N, P, C], or None.
    """

    def __init__(self, points: Any, normals: Any = None, features: Any = None) -> None:
        self._lists: dict[str, list[torch.Tensor] | None] = {}
        for name, given in zip(KINDS, (points, normals, features), strict=True):
            self._lists[name] = None if given is None and name != "points" else self._checked(name, given)
        self.device = points.device if isinstance(points, torch.Tensor) else self.points_list()[0].device if points else torch.device("cpu")

    def _checked(self, name: str, given: Any) -> list[torch.Tensor]:
        if not isinstance(given, (torch.Tensor, list, tuple)) or (isinstance(given, torch.Tensor) and given.ndim == 0):
            raise TypeError(f"Pointclouds: {name} must be a tensor or a list of tensors, got {type(given).__name__}")
        rows = list(given)
        points = rows if name == "points" else self.points_list()
        if len(rows) != len(points):
            raise ValueError(f"Pointclouds: {name} must be of as many clouds as points ({len(points)}), got {len(rows)}")
        width: int | str = "C" if name == "features" else 3
        sizes: dict[str, int] = {}
        for i, (row, of_points) in enumerate(zip(rows, points, strict=True)):
            check_tensors("Pointclouds", **{"points": points[0], name: row})
            rows[i] = row.reshape(0, 3) if row.shape == (0,) and name != "features" else row
            check_shape("Pointclouds", name, rows[i].shape, ("P" if name == "points" else len(of_points), width), sizes)
            sizes.pop("P", None)
        return rows

    def _list(self, name: str) -> list[torch.Tensor] | None:
        return self._lists[name]

    def _packed(self, name: str) -> torch.Tensor | None:
        rows = self._lists[name]
        return None if rows is None else torch.cat(rows) if rows else torch.zeros(0, 3, device=self.device)

    def _padded(self, name: str) -> torch.Tensor | None:
        rows = self._lists[name]
        if rows is None:
            return None
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True) if rows else torch.zeros(0, 0, 3, device=self.device)

    def __len__(self) -> int:
        return len(self.points_list())

    def __getitem__(self, index: Any) -> "Pointclouds":
        places = [index] if isinstance(index, int) else torch.arange(len(self))[index].tolist()
        return self._each(lambda rows: [rows[i] for i in places])

    def _each(self, function: Callable[[list[torch.Tensor]], list[torch.Tensor]]) -> "Pointclouds":
        return Pointclouds(**{name: None if rows is None else function(rows) for name, rows in self._lists.items()})

    def _mapped(self, function: Callable[[torch.Tensor], torch.Tensor]) -> "Pointclouds":
        return self._each(lambda rows: [function(row) for row in rows])

    def isempty(self) -> bool | torch.Tensor:
        """Whether no cloud has points: a tensor of bool, as in the original, but True where there is no cloud."""
        return len(self) == 0 or torch.tensor(not any(len(points) for points in self.points_list()), device=self.device)

    # ------------------------------------------------------------------ points, normals, features

    def points_list(self) -> list[torch.Tensor]:
        points = self._list("points")
        assert points is not None
        return points

    def normals_list(self) -> list[torch.Tensor] | None:
        return self._list("normals")

    def features_list(self) -> list[torch.Tensor] | None:
        return self._list("features")

    def points_packed(self) -> torch.Tensor:
        """[sum of P_n, 3]"""
        packed = self._packed("points")
        assert packed is not None
        return packed

    def normals_packed(self) -> torch.Tensor | None:
        return self._packed("normals")

    def features_packed(self) -> torch.Tensor | None:
        return self._packed("features")

    def points_padded(self) -> torch.Tensor:
        """[N, P, 3], padded with 0."""
        padded = self._padded("points")
        assert padded is not None
        return padded

    def normals_padded(self) -> torch.Tensor | None:
        return self._padded("normals")

    def features_padded(self) -> torch.Tensor | None:
        return self._padded("features")

    def num_points_per_cloud(self) -> torch.Tensor:
        """[N] int64"""
        return torch.tensor([len(points) for points in self.points_list()], dtype=torch.int64, device=self.device)

    def cloud_to_packed_first_idx(self) -> torch.Tensor:
        """[N] where each cloud begins among the packed points."""
        numbers = self.num_points_per_cloud()
        return numbers.cumsum(0) - numbers

    def packed_to_cloud_idx(self) -> torch.Tensor:
        """[sum of P_n] the cloud of each packed point."""
        return torch.arange(len(self), device=self.device).repeat_interleave(self.num_points_per_cloud())

    def padded_to_packed_idx(self) -> torch.Tensor:
        """[sum of P_n] where each packed point stands among the padded ones, N times P in a row."""
        numbers = self.num_points_per_cloud()
        most = int(numbers.max()) if len(numbers) else 0
        cloud = self.packed_to_cloud_idx()
        return cloud * most + torch.arange(len(cloud), device=self.device) - self.cloud_to_packed_first_idx()[cloud]

    def get_bounding_boxes(self) -> torch.Tensor:
        """[N, 3, 2] least and greatest x, y and z."""
        return torch.stack([torch.stack([points.amin(0), points.amax(0)], 1) for points in self.points_list()])

    def get_cloud(self, index: int) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """Points, normals and features of one cloud."""
        check_integer("Pointclouds.get_cloud", "index", index, 0, len(self) - 1)
        rows = [self._lists[name] for name in KINDS]
        points, normals, features = (None if of_all is None else of_all[index] for of_all in rows)
        assert points is not None
        return points, normals, features

    # ------------------------------------------------------------------ other batches

    def split(self, split_sizes: Sequence[int]) -> list["Pointclouds"]:
        """Batches of so many clouds."""
        if sum(split_sizes) != len(self):
            raise ValueError(f"Pointclouds.split: split_sizes must add up to {len(self)}, got {sum(split_sizes)}")
        starts = [sum(split_sizes[:i]) for i in range(len(split_sizes))]
        return [self[list(range(start, start + size))] for start, size in zip(starts, split_sizes, strict=True)]

    def extend(self, N: int) -> "Pointclouds":
        """Every cloud N times, one after the other."""
        check_integer("Pointclouds.extend", "N", N, 1, 2**31)
        return self._each(lambda rows: [row for row in rows for _ in range(N)])

    def offset(self, offsets_packed: torch.Tensor) -> "Pointclouds":
        """Points moved by [sum of P_n, 3], or all by [3]."""
        moved = self.points_packed() + offsets_packed
        check_shape("Pointclouds.offset", "offsets_packed", moved.shape, (len(self.points_packed()), 3))
        return Pointclouds(list(moved.split([len(points) for points in self.points_list()])), self.normals_list(), self.features_list())

    def offset_(self, offsets_packed: torch.Tensor) -> "Pointclouds":
        """In place."""
        self._lists["points"] = self.offset(offsets_packed).points_list()
        return self

    def scale(self, scale: Any) -> "Pointclouds":
        """Points times one number, or one for each cloud [N]."""
        factors = scale if isinstance(scale, torch.Tensor) and scale.ndim else [scale] * len(self)
        points = [points * factor for points, factor in zip(self.points_list(), factors, strict=True)]
        return Pointclouds(points, self.normals_list(), self.features_list())

    def scale_(self, scale: Any) -> "Pointclouds":
        """In place."""
        self._lists["points"] = self.scale(scale).points_list()
        return self

    def update_padded(self, new_points_padded: torch.Tensor, new_normals_padded: Any = None, new_features_padded: Any = None) -> "Pointclouds":
        """As many points elsewhere; normals and features too, if they are given."""
        new = {"points": new_points_padded, "normals": new_normals_padded, "features": new_features_padded}
        sizes = [len(points) for points in self.points_list()]
        lists = {name: self._lists[name] if rows is None else [row[:size] for row, size in zip(rows, sizes, strict=True)] for name, rows in new.items()}
        return Pointclouds(**lists)

    def clone(self) -> "Pointclouds":
        return self._mapped(torch.clone)

    def detach(self) -> "Pointclouds":
        return self._mapped(torch.detach)

    def to(self, device: Any) -> "Pointclouds":
        return self._mapped(lambda tensor: tensor.to(device))

    def cpu(self) -> "Pointclouds":
        return self.to("cpu")

    def cuda(self) -> "Pointclouds":
        return self.to("cuda")
