"""SoftRas's rasteriser and renderers."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ...checks import check_image_size, check_kind
from . import functional as srf
from .lighting import Lighting
from .mesh import Mesh
from .transform import Transform

__all__ = ["Renderer", "SoftRasterizer", "SoftRenderer"]


class SoftRasterizer(nn.Module):
    """`soft_rasterize` as a module; ``anti_aliasing`` renders at twice the size and averages."""

    def __init__(
        self,
        image_size: int | tuple[int, int] = 256,
        background_color: Any = (0, 0, 0),
        near: float = 1,
        far: float = 100,
        anti_aliasing: bool = False,
        fill_back: bool = False,
        eps: float = 1e-3,
        sigma_val: float = 1e-5,
        dist_func: str = "euclidean",
        dist_eps: float = 1e-4,
        gamma_val: float = 1e-4,
        aggr_func_rgb: str = "softmax",
        aggr_func_alpha: str = "prod",
        texture_type: str = "surface",
    ) -> None:
        super().__init__()
        self.image_size, self.background_color, self.near, self.far = image_size, background_color, near, far
        self.anti_aliasing, self.fill_back, self.eps = anti_aliasing, fill_back, eps
        self.sigma_val, self.dist_func, self.dist_eps, self.gamma_val = sigma_val, dist_func, dist_eps, gamma_val
        self.aggr_func_rgb, self.aggr_func_alpha, self.texture_type = aggr_func_rgb, aggr_func_alpha, texture_type

    def forward(self, mesh: Mesh, mode: str | None = None) -> torch.Tensor:
        """[B, 4, H, W] of a mesh that is on the screen; ``mode`` "silhouettes" gives alpha alone, [B, H, W], "rgb" the colours."""
        if mode not in (None, "rgb", "silhouettes"):
            raise ValueError(f"SoftRasterizer: mode must be None, 'rgb' or 'silhouettes', got {mode!r}")
        check_kind("SoftRasterizer", "mesh", mesh, Mesh)
        height, width = check_image_size("SoftRasterizer", self.image_size)
        samples = 2 if self.anti_aliasing else 1
        images = srf.soft_rasterize(
            mesh.face_vertices,
            None if mode == "silhouettes" else mesh.face_textures,
            (height * samples, width * samples),
            self.background_color,
            self.near,
            self.far,
            self.fill_back,
            self.eps,
            self.sigma_val,
            self.dist_func,
            self.dist_eps,
            self.gamma_val,
            self.aggr_func_rgb,
            self.aggr_func_alpha,
            self.texture_type,
        )
        if self.anti_aliasing:
            images = F.avg_pool2d(images, kernel_size=2, stride=2)
        return images if mode is None else images[:, :3] if mode == "rgb" else images[:, 0]


class SoftRenderer(nn.Module):
    """Lighting, camera and rasteriser in one."""

    def __init__(
        self,
        image_size: int | tuple[int, int] = 256,
        background_color: Any = (0, 0, 0),
        near: float = 1,
        far: float = 100,
        anti_aliasing: bool = False,
        fill_back: bool = True,
        eps: float = 1e-3,
        sigma_val: float = 1e-5,
        dist_func: str = "euclidean",
        dist_eps: float = 1e-4,
        gamma_val: float = 1e-4,
        aggr_func_rgb: str = "softmax",
        aggr_func_alpha: str = "prod",
        texture_type: str = "surface",
        camera_mode: str = "projection",
        P: Any = None,
        dist_coeffs: Any = None,
        orig_size: float = 512,
        perspective: bool = True,
        viewing_angle: float = 30,
        viewing_scale: float = 1.0,
        eye: Any = None,
        camera_direction: Any = (0, 0, 1),
        light_mode: str = "surface",
        light_intensity_ambient: Any = 0.5,
        light_color_ambient: Any = (1, 1, 1),
        light_intensity_directionals: Any = 0.5,
        light_color_directionals: Any = (1, 1, 1),
        light_directions: Any = (0, 1, 0),
    ) -> None:
        super().__init__()
        self.lighting = Lighting(
            light_mode, light_intensity_ambient, light_color_ambient, light_intensity_directionals, light_color_directionals, light_directions
        )
        self.transform = Transform(camera_mode, P, dist_coeffs, orig_size, perspective, viewing_angle, viewing_scale, eye, camera_direction)
        self.rasterizer = SoftRasterizer(
            image_size,
            background_color,
            near,
            far,
            anti_aliasing,
            fill_back,
            eps,
            sigma_val,
            dist_func,
            dist_eps,
            gamma_val,
            aggr_func_rgb,
            aggr_func_alpha,
            texture_type,
        )

    def set_sigma(self, sigma: float) -> None:
        self.rasterizer.sigma_val = sigma

    def set_gamma(self, gamma: float) -> None:
        self.rasterizer.gamma_val = gamma

    def set_texture_mode(self, mode: str) -> None:
        if mode not in ("surface", "vertex"):
            raise ValueError(f"SoftRenderer: the texture mode must be 'surface' or 'vertex', got {mode!r}")
        self.lighting.light_mode = mode
        self.rasterizer.texture_type = mode

    def render_mesh(self, mesh: Mesh, mode: str | None = None) -> torch.Tensor:
        """[B, 4, H, W]. The mesh stays as it was: rendering it again gives the same picture (with the original it does not)."""
        check_kind("SoftRenderer", "mesh", mesh, Mesh)
        self.set_texture_mode(mesh.texture_type)
        return self.rasterizer(self.transform(self.lighting(mesh)), mode)

    def forward(
        self, vertices: torch.Tensor, faces: torch.Tensor, textures: Any = None, mode: str | None = None, texture_type: str = "surface"
    ) -> torch.Tensor:
        return self.render_mesh(Mesh(vertices, faces, textures=textures, texture_type=texture_type), mode)


class Renderer(SoftRenderer):
    """The same, with hard edges and hard colour by default. (The original's names a class that does not exist.)"""

    def __init__(self, image_size: int | tuple[int, int] = 256, background_color: Any = (0, 0, 0), near: float = 1, far: float = 100, **options: Any) -> None:
        options = {"dist_func": "hard", "aggr_func_rgb": "hard", "aggr_func_alpha": "hard", "camera_mode": "look_at"} | options
        super().__init__(image_size, background_color, near, far, **options)
