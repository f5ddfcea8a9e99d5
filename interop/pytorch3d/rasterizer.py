"""PyTorch3D's mesh rasteriser, on our kernels."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from ...checks import check_image_size
from ...fragments import FragmentSettings, fragments
from ...kernels.rasterize import Interpolation, Sides
from ...topology import Topology
from ..bridge import TorchArrays

__all__ = ["Fragments", "MeshRasterizer", "RasterizationSettings"]

_MAX_TOPOLOGIES = 32
_topologies: dict[tuple, tuple[torch.Tensor, Topology]] = {}


class Fragments(NamedTuple):
    """What the pixels see. A slot without a face holds -1.

    pix_to_face: [N, H, W, K] int64, into the packed faces of the batch, nearest first. zbuf: [N, H, W, K] depth in view space.
    bary_coords: [N, H, W, K, 3]. dists: [N, H, W, K] squared NDC distance to the outline of the face, negative inside.
    """

    pix_to_face: torch.Tensor
    zbuf: torch.Tensor
    bary_coords: torch.Tensor
    dists: torch.Tensor

    def detach(self) -> "Fragments":
        return Fragments(self.pix_to_face, self.zbuf.detach(), self.bary_coords.detach(), self.dists.detach())


@dataclass
class RasterizationSettings:
    """What is rasterised, with PyTorch3D's names and defaults.

    Attributes:
        image_size: (height, width), or one number for a square.
        blur_radius: squared NDC distance up to which a face counts at a pixel outside of it.
        faces_per_pixel: K; any number.
        perspective_correct: None: as the camera is.
        clip_barycentric_coords: None: if blur_radius is not 0.
        cull_backfaces: whether faces seen from behind are left out.
        z_clip_value: depth before which nothing is seen; None: half of the camera's znear, if perspective_correct.
        bin_size, max_faces_per_bin, max_faces_opengl, cull_to_frustum: accepted, and without effect. Faces are listed per tile of pixels, and that list has no
            cap; a face out of reach of the picture costs nothing.
    """

    image_size: int | tuple[int, int] = 256
    blur_radius: float = 0.0
    faces_per_pixel: int = 1
    bin_size: int | None = None
    max_faces_opengl: int = 10_000_000
    max_faces_per_bin: int | None = None
    perspective_correct: bool | None = None
    clip_barycentric_coords: bool | None = None
    cull_backfaces: bool = False
    z_clip_value: float | None = None
    cull_to_frustum: bool = False


class MeshRasterizer(nn.Module):
    """Meshes in the world to `Fragments`. Cameras and settings may also be given to the call."""

    def __init__(self, cameras: Any = None, raster_settings: RasterizationSettings | None = None) -> None:
        super().__init__()
        self.cameras = cameras
        self.raster_settings = raster_settings or RasterizationSettings()

    def to(self, device: Any) -> "MeshRasterizer":  # type: ignore[override]
        if self.cameras is not None:
            self.cameras = self.cameras.to(device)
        return self

    def _cameras(self, kwargs: dict[str, Any]) -> Any:
        cameras = kwargs.get("cameras", self.cameras)
        if cameras is None:
            raise ValueError("MeshRasterizer: cameras must be given when it is made or called, got None")
        return cameras

    def transform(self, meshes_world: Any, **kwargs: Any) -> Any:
        """The meshes in NDC; z stays the depth in view space."""
        cameras, eps = self._cameras(kwargs), kwargs.get("eps")
        if len(cameras) not in (1, len(meshes_world)):
            raise ValueError(f"MeshRasterizer: there must be 1 camera or {len(meshes_world)}, as many as meshes, got {len(cameras)}")
        view = cameras.get_world_to_view_transform(**kwargs).transform_points(meshes_world.verts_padded(), eps=eps)
        projection = cameras.get_projection_transform(**kwargs).compose(cameras.get_ndc_camera_transform(**kwargs))
        ndc = projection.transform_points(view, eps=eps)
        return meshes_world.update_padded(new_verts_padded=torch.cat([ndc[..., :2], view[..., 2:]], -1))

    def forward(self, meshes_world: Any, **kwargs: Any) -> Fragments:
        settings = kwargs.get("raster_settings", self.raster_settings)
        image_size = check_image_size("MeshRasterizer", settings.image_size)
        fragment_settings = _fragment_settings(settings, self._cameras(kwargs))
        meshes = self.transform(meshes_world, **kwargs)
        vertices_screen = meshes.verts_packed() * meshes.verts_packed().new_tensor([-1.0, 1.0, 1.0])  # +X is to the left in NDC
        if len(meshes.faces_packed()) == 0:
            shape = (len(meshes), *image_size, settings.faces_per_pixel)
            empty = vertices_screen.new_full((*shape, 3), -1.0)
            return Fragments(torch.full(shape, -1, device=empty.device), empty[..., 0], empty, empty[..., 0])
        arrays = TorchArrays.of("MeshRasterizer", vertices=vertices_screen)
        found = fragments(arrays, _topology_of(meshes), vertices_screen, fragment_settings, image_size)
        return Fragments(found.face.to(torch.int64), found.depth, found.bary, found.distance_sq_signed)


def _fragment_settings(settings: RasterizationSettings, cameras: Any) -> FragmentSettings:
    perspective, clip, near = settings.perspective_correct, settings.clip_barycentric_coords, settings.z_clip_value
    if perspective is None:
        perspective = cameras.is_perspective()
    if near is None and perspective:
        znear = cameras.get_znear()
        near = None if znear is None else float(znear.min() if isinstance(znear, torch.Tensor) else znear) / 2
    return FragmentSettings(
        faces_per_pixel=settings.faces_per_pixel,
        reach_sq=float(settings.blur_radius),
        interpolation=Interpolation.PERSPECTIVE if perspective else Interpolation.LINEAR,
        clip_bary=bool(settings.blur_radius > 0) if clip is None else clip,
        sides=Sides.COUNTERCLOCKWISE if settings.cull_backfaces else Sides.BOTH,
        near=near,
    )


def _topology_of(meshes: Any) -> Topology:
    """The topology of a batch, found again while the faces are the same: they are compared, which costs far less than making it. A mesh may be empty."""
    faces, n_vertices = meshes.faces_packed(), len(meshes.verts_packed())
    face_image = meshes.faces_packed_to_mesh_idx()
    key = (tuple(faces.shape), faces.device, tuple(len(v) for v in meshes.verts_list()), tuple(len(f) for f in meshes.faces_list()))
    known = _topologies.get(key)
    if known is not None and torch.equal(known[0], faces):
        return known[1]
    flat = np.ascontiguousarray(faces.cpu().numpy(), np.int32)
    topology = Topology(
        faces=flat,
        feature_faces=flat,
        face_source=np.arange(len(flat), dtype=np.int32)[:, None],
        face_image=face_image.cpu().numpy().astype(np.int32),
        vertex_source=np.arange(n_vertices, dtype=np.int32),
        vertex_image=meshes.verts_packed_to_mesh_idx().cpu().numpy().astype(np.int32),
        n_vertices=n_vertices,
        n_source_faces=len(flat),
        n_images=len(meshes),
    )
    if len(_topologies) >= _MAX_TOPOLOGIES:
        _topologies.clear()
    _topologies[key] = (faces.clone(), topology)
    return topology
