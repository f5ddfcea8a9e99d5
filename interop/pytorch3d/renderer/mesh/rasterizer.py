"""PyTorch3D's mesh rasteriser, on our kernels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from .....checks import check_flag, check_image_size, check_number
from .....engine import Clipped, clip_near
from .....engine.fragments import FragmentSettings, fragments, used_fragments
from .....kernels.face import Interpolation, Sides
from .....scene import Topology
from ....bridge import TorchArrays
from ....calling_thread import same_indices
from ..cameras import try_get_projection_transform
from ..utils import check_handed_on
from .fragments import Fragments, Used

__all__ = ["Fragments", "MeshRasterizer", "RasterizationSettings"]

LEAST_DEPTH = 1e-8  # PyTorch3D's: a face with a vertex before it is left out, for behind the eye a vertex turns over
_MAX_TOPOLOGIES = 32
_TIE = 1e-5  # distances whose ratio differs less from one are equal but for rounding: those to a corner that two pieces share
_topologies: dict[tuple[Any, ...], tuple[torch.Tensor, Topology]] = {}


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
        z_clip_value: depth at which faces are cut off, and before which nothing is seen; None: half of the camera's znear, if it has one and
            perspective_correct, or else nothing is cut. It must be positive with perspective_correct.
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
    """Meshes in the world to `Fragments`. Cameras and settings, properties of the cameras, and ``eps``, the least that is divided by, may be given to the call.

    A face that has a vertex behind the camera, or beside it, is cut at z_clip_value; where nothing is cut (see there), it is left out.
    """

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

    def _view_and_projection(self, meshes_world: Any, kwargs: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        """[N, V, 3] padded, in view space; and the way from there to NDC, or None for cameras that have no matrix."""
        cameras = self._cameras(kwargs)
        check_handed_on("MeshRasterizer", kwargs, cameras)
        if len(cameras) not in (1, len(meshes_world)):
            raise ValueError(f"MeshRasterizer: there must be 1 camera or {len(meshes_world)}, as many as meshes, got {len(cameras)}")
        view = cameras.get_world_to_view_transform(**kwargs).transform_points(meshes_world.verts_padded(), eps=kwargs.get("eps"))
        projection = try_get_projection_transform(cameras, kwargs)
        return view, None if projection is None else projection.compose(cameras.get_ndc_camera_transform(**kwargs))

    def transform(self, meshes_world: Any, **kwargs: Any) -> Any:
        """The meshes in NDC; z stays the depth in view space. Nothing is divided by less than ``eps`` (1e-8): a vertex beside the eye stays finite."""
        view, projection = self._view_and_projection(meshes_world, kwargs)
        eps = kwargs.get("eps")
        eps = LEAST_DEPTH if eps is None else eps
        if projection is None:
            cameras = self._cameras(kwargs)
            of_cameras = {name: value for name, value in kwargs.items() if name != "eps"}
            ndc = cameras.get_ndc_camera_transform(**kwargs).transform_points(cameras.transform_points(meshes_world.verts_padded(), eps=eps, **of_cameras))
        else:
            ndc = projection.transform_points(view, eps=eps)
        return meshes_world.update_padded(new_verts_padded=torch.cat([ndc[..., :2], view[..., 2:]], -1))

    def _times_depth(self, meshes_world: Any, meshes: Any, kwargs: dict[str, Any]) -> torch.Tensor:
        """[sum of V_n, 3] the NDC of x and y times z, and z: what varies linearly over a face seen in perspective."""
        if not self._cameras(kwargs).is_perspective():
            ndc = meshes.verts_packed()
            return torch.cat([ndc[:, :2] * ndc[:, 2:], ndc[:, 2:]], -1)
        # A perspective camera divides by z. It is not divided here: a vertex beside the eye has z = 0.
        view, projection = self._view_and_projection(meshes_world, kwargs)
        matrix = projection.get_matrix().to(view.dtype)
        undivided = view @ matrix[:, :3, :2] + matrix[:, 3:, :2]
        return meshes_world.update_padded(new_verts_padded=torch.cat([undivided, view[..., 2:]], -1)).verts_packed()

    def forward(self, meshes_world: Any, **kwargs: Any) -> Fragments:
        settings = kwargs.get("raster_settings", self.raster_settings)
        for name, value, method in (("meshes_world", meshes_world, "verts_padded"), ("cameras", self._cameras(kwargs), "get_projection_transform")):
            if not hasattr(value, method):  # those of an installed PyTorch3D are welcome
                raise TypeError(f"MeshRasterizer: {name} must be PyTorch3D's kind of {name.split('_')[0]}, got {type(value).__name__}")
        if not hasattr(settings, "faces_per_pixel"):
            raise TypeError(f"MeshRasterizer: raster_settings must be RasterizationSettings, got {type(settings).__name__}")
        image_size = check_image_size("MeshRasterizer", settings.image_size)
        fragment_settings, z_clip = _fragment_settings(settings, self._cameras(kwargs))
        meshes = self.transform(meshes_world, **kwargs)
        return rasterized("MeshRasterizer", meshes, image_size, fragment_settings, z_clip, lambda: self._times_depth(meshes_world, meshes, kwargs))


def rasterized(
    op: str, meshes: Any, image_size: tuple[int, int], settings: FragmentSettings, z_clip: float | None, times_depth: Callable[[], torch.Tensor]
) -> Fragments:
    """The fragments of meshes in NDC, whose z is the depth. ``times_depth``: see `MeshRasterizer._times_depth`."""
    ndc = meshes.verts_packed()
    if len(meshes.faces_packed()) == 0:
        shape = (len(meshes), *image_size, settings.faces_per_pixel)
        empty = ndc.new_full((*shape, 3), -1.0)
        return Fragments(torch.full(shape, -1, device=empty.device), empty[..., 0], empty, empty[..., 0])
    arrays, topology = TorchArrays.of(op, vertices=ndc), _topology_of(meshes)
    clipped = None
    if z_clip is not None and bool((ndc[:, 2] < z_clip).any()):
        perspective = settings.interpolation is Interpolation.PERSPECTIVE
        linear = times_depth() if perspective else ndc
        clipped = clip_near(arrays, topology, linear * linear.new_tensor([1.0, 1.0, -1.0]), z_clip)
        linear = linear if clipped is None else clipped.vertices_camera * linear.new_tensor([1.0, 1.0, -1.0])
        ndc = _divided(linear, z_clip) if perspective else linear
        if clipped is None:  # faces are behind as a whole or not at all
            settings = replace(settings, near=_just_below(max(z_clip, LEAST_DEPTH)))
    screen = ndc * ndc.new_tensor([-1.0, 1.0, 1.0])  # +X is to the left in NDC
    if clipped is not None:
        return _clipped_fragments(arrays, clipped, screen, settings, image_size)
    return Fragments.of_used(Used.found(used_fragments(arrays, topology, screen, settings, image_size)))


def _fragment_settings(settings: RasterizationSettings, cameras: Any) -> tuple[FragmentSettings, float | None]:
    """What the kernels want to know, and the depth at which faces are cut off, if they are."""
    perspective, z_clip = settings.perspective_correct, settings.z_clip_value
    if perspective is None:
        perspective = cameras.is_perspective()
    if z_clip is None and perspective:
        znear = cameras.get_znear()
        z_clip = None if znear is None else float(znear.min() if isinstance(znear, torch.Tensor) else znear) / 2
    return fragment_settings("MeshRasterizer", replace(settings, perspective_correct=perspective, z_clip_value=z_clip)), z_clip


def fragment_settings(op: str, settings: RasterizationSettings) -> FragmentSettings:
    """What the kernels want to know of settings that leave nothing to the camera."""
    check_number(op, "blur_radius", settings.blur_radius)
    for name in ("perspective_correct", "clip_barycentric_coords", "cull_backfaces"):
        if getattr(settings, name) is not None:
            check_flag(op, name, getattr(settings, name))
    clip = settings.clip_barycentric_coords
    if settings.z_clip_value is not None:
        check_number(op, "z_clip_value (or znear)", settings.z_clip_value, 0.0 if settings.perspective_correct else -np.inf)
    return FragmentSettings(
        faces_per_pixel=settings.faces_per_pixel,
        reach_sq=settings.blur_radius,
        interpolation=Interpolation.PERSPECTIVE if settings.perspective_correct else Interpolation.LINEAR,
        clip_bary=bool(settings.blur_radius > 0) if clip is None else clip,
        sides=Sides.COUNTERCLOCKWISE if settings.cull_backfaces else Sides.BOTH,
        near=_just_below(LEAST_DEPTH),
    )


def _just_below(depth: float) -> float:
    return float(np.nextafter(np.float32(depth), np.float32(-np.inf)))


def _divided(undivided: torch.Tensor, z_clip: float) -> torch.Tensor:
    """NDC of (x z, y z, z). What is behind the plane is not seen, and not divided."""
    z = undivided[:, 2:]
    return torch.cat([undivided[:, :2] / torch.where(z > z_clip / 2, z, 1.0), z], -1)


def _clipped_fragments(
    arrays: TorchArrays, clipped: Clipped, screen: torch.Tensor, settings: FragmentSettings, image_size: tuple[int, int]
) -> Fragments:  # fmt: skip
    """The fragments of the pieces of faces, told as fragments of the faces: PyTorch3D's way. zbuf and dists are those of the piece."""
    n_slots, origin = settings.faces_per_pixel, torch.from_numpy(clipped.face_origin).to(screen.device, torch.int64)
    is_first = torch.cat([origin[1:] == origin[:-1], origin.new_zeros(1, dtype=torch.bool)])  # of two pieces of a face
    both_in_reach = settings.reach_sq > 0 and bool(is_first.any())
    if both_in_reach:  # at worst each face takes two slots
        settings = replace(settings, faces_per_pixel=2 * n_slots)
    found = fragments(arrays, clipped.topology, screen, settings, image_size)
    face, depth, bary, dists = found.face.to(torch.int64), found.depth, found.bary, found.distance_sq_signed
    if both_in_reach:
        order, kept = _nearer_pieces(face, dists.detach(), is_first, n_slots)
        face, depth, dists = (torch.where(kept, values.gather(-1, order), -1) for values in (face, depth, dists))
        bary = torch.where(kept[..., None], bary.gather(-2, order[..., None].expand(*order.shape, 3)), -1.0)
    weights, corner_rows = clipped.corner_weights()
    corners = torch.from_numpy(corner_rows).to(screen.device, torch.int64)
    is_cut = (corners != torch.arange(3, device=screen.device)).any(-1)
    flat_face = face.reshape(-1)
    slots = ((flat_face >= 0) & is_cut[flat_face.clamp(min=0)]).nonzero()[:, 0]
    in_piece, of_corners = bary.reshape(-1, 3)[slots], weights[corners[flat_face[slots]]]
    in_face = (in_piece[:, :, None] * of_corners).sum(1)
    bary = bary.reshape(-1, 3).index_copy(0, slots, in_face).reshape(bary.shape)
    return Fragments(torch.where(face >= 0, origin[face.clamp(min=0)], -1), depth, bary, dists)


def _nearer_pieces(face: torch.Tensor, dists: torch.Tensor, is_first: torch.Tensor, n_slots: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Of two pieces of one face in reach of a pixel, the nearer one on the screen counts: the slots [..., n_slots] that are left, and which of them are used.

    The two stand next to each other in the list of pieces: after sorting a pixel's pieces by number they are neighbours.
    """
    numbers, places = face.sort(-1)
    pair = (numbers[..., :-1] >= 0) & is_first[numbers[..., :-1].clamp(min=0)] & (numbers[..., 1:] == numbers[..., :-1] + 1)
    first, second = dists.gather(-1, places)[..., :-1], dists.gather(-1, places)[..., 1:]
    second_is_nearer = second < first - _TIE * first.abs()
    loses = torch.zeros_like(numbers, dtype=torch.bool)
    loses[..., :-1] |= pair & second_is_nearer
    loses[..., 1:] |= pair & ~second_is_nearer
    unused = (face < 0) | torch.zeros_like(loses).scatter(-1, places, loses)
    order = unused.sort(dim=-1, stable=True).indices[..., :n_slots]
    return order, ~unused.gather(-1, order)


def _topology_of(meshes: Any) -> Topology:
    """The topology of a batch, found again while the faces are the same: they are compared, which costs far less than making it. A mesh may be empty."""
    faces, n_vertices = meshes.faces_packed(), len(meshes.verts_packed())
    face_image = meshes.faces_packed_to_mesh_idx()
    key = (tuple(faces.shape), faces.device, tuple(len(v) for v in meshes.verts_list()), tuple(len(f) for f in meshes.faces_list()))
    known = _topologies.get(key)
    if known is not None and same_indices(known[0], faces):
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
