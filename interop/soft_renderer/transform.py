"""SoftRas's cameras: modules that bring a mesh onto the screen."""

from typing import Any

import torch
from torch import nn

from ...checks import check_kind
from ..checks import as_tensor, check_tensors
from . import functional as srf
from .mesh import Mesh

__all__ = ["Look", "LookAt", "Projection", "Transform"]

DEFAULT_EYE = (0.0, 0.0, -2.732)  # as with the original, for a viewing angle of 30 degrees


class Projection(nn.Module):
    """A projection matrix P [B, 3, 4] with distortion."""

    def __init__(self, P: Any, dist_coeffs: Any = None, orig_size: float = 512) -> None:
        super().__init__()
        if P is None:
            raise ValueError("Projection: P must be a projection matrix of shape (B, 3, 4), got None")
        P = P if isinstance(P, torch.Tensor) else as_tensor("Projection", "P", P).to(torch.float32)
        if P.ndim != 3 or tuple(P.shape[1:]) != (3, 4):
            raise ValueError(f"Projection: P must have shape (B, 3, 4), got {tuple(P.shape)}")
        self.P, self.orig_size = P, orig_size
        self.dist_coeffs = P.new_zeros(len(P), 5) if dist_coeffs is None else as_tensor("Projection", "dist_coeffs", dist_coeffs).to(P)

    def forward(self, vertices: torch.Tensor) -> torch.Tensor:
        check_tensors("projection", vertices=vertices)
        return srf.projection(vertices, self.P.to(vertices), self.dist_coeffs.to(vertices), self.orig_size)


class _Eye(nn.Module):
    def __init__(self, perspective: bool, viewing_angle: float, viewing_scale: float, eye: Any) -> None:
        super().__init__()
        self.perspective, self.viewing_angle, self.viewing_scale = perspective, viewing_angle, viewing_scale
        self._eye = DEFAULT_EYE if eye is None else eye

    def project(self, vertices: torch.Tensor) -> torch.Tensor:
        return srf.perspective(vertices, self.viewing_angle) if self.perspective else srf.orthogonal(vertices, self.viewing_scale)


class LookAt(_Eye):
    """A camera that looks at the origin."""

    def __init__(self, perspective: bool = True, viewing_angle: float = 30, viewing_scale: float = 1.0, eye: Any = None) -> None:
        super().__init__(perspective, viewing_angle, viewing_scale, eye)

    def forward(self, vertices: torch.Tensor) -> torch.Tensor:
        return self.project(srf.look_at(vertices, self._eye))


class Look(_Eye):
    """A camera that looks in a direction."""

    def __init__(
        self, camera_direction: Any = (0, 0, 1), perspective: bool = True, viewing_angle: float = 30, viewing_scale: float = 1.0, eye: Any = None
    ) -> None:
        super().__init__(perspective, viewing_angle, viewing_scale, eye)
        self.camera_direction = camera_direction

    def forward(self, vertices: torch.Tensor) -> torch.Tensor:
        return self.project(srf.look(vertices, self._eye, self.camera_direction))


class Transform(nn.Module):
    """One of the three, by ``camera_mode``."""

    def __init__(
        self,
        camera_mode: str = "projection",
        P: Any = None,
        dist_coeffs: Any = None,
        orig_size: float = 512,
        perspective: bool = True,
        viewing_angle: float = 30,
        viewing_scale: float = 1.0,
        eye: Any = None,
        camera_direction: Any = (0, 0, 1),
    ) -> None:
        super().__init__()
        self.camera_mode = camera_mode
        if camera_mode == "projection":
            self.transformer: nn.Module = Projection(P, dist_coeffs, orig_size)
        elif camera_mode == "look":
            self.transformer = Look(camera_direction, perspective, viewing_angle, viewing_scale, eye)
        elif camera_mode == "look_at":
            self.transformer = LookAt(perspective, viewing_angle, viewing_scale, eye)
        else:
            raise ValueError(f"Transform: camera_mode must be 'projection', 'look' or 'look_at', got {camera_mode!r}")

    def forward(self, mesh: Mesh) -> Mesh:
        """The mesh on the screen; the one given stays as it was (the original changes it)."""
        check_kind("Transform", "mesh", mesh, Mesh)
        return Mesh(self.transformer(mesh.vertices), mesh.faces, mesh.textures, mesh.texture_res, mesh.texture_type)

    def set_eyes_from_angles(self, distances: Any, elevations: Any, azimuths: Any) -> None:
        self.set_eyes(srf.get_points_from_angles(distances, elevations, azimuths))

    def set_eyes(self, eyes: Any) -> None:
        if self.camera_mode == "projection":
            raise ValueError("Transform: eyes can be set in camera modes 'look' and 'look_at', got 'projection'")
        self.transformer._eye = eyes

    @property
    def eyes(self) -> Any:
        return self.transformer._eye
