"""SoftRas's ``soft_renderer.functional``: the same names, arguments, defaults and layouts, on any device, square or not.

What differs from the original is said in each docstring; where nothing is said, the results are the same.
"""

import math
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ...checks import as_array, check_flag, check_image_size, check_integer, check_kind, check_number, check_shape
from ...engine import RenderedImage
from ...engine.voxels import voxelize
from ...scene import Blending, Distance, Extrapolation, Interpolation, RasterizeSettings, Sides, Silhouette, Texture, Topology
from ..bridge import TorchArrays
from ..checks import as_tensor, check_index_tensor, check_tensor, check_tensors
from ..ops import rasterize
from .obj import load_obj, save_obj

__all__ = [
    "ambient_lighting",
    "directional_lighting",
    "face_vertices",
    "get_points_from_angles",
    "load_obj",
    "look",
    "look_at",
    "orthogonal",
    "perspective",
    "projection",
    "save_obj",
    "save_voxel",
    "soft_rasterize",
    "vertex_normals",
    "voxelization",
]

_DISTANCES = {"hard": Distance.HARD, "barycentric": Distance.BARYCENTRIC, "euclidean": Distance.EUCLIDEAN, "chebyshev": Distance.CHEBYSHEV}
_BLENDINGS = {"hard": Blending.HARD, "softmax": Blending.SOFTMAX}
_SILHOUETTES = {"hard": Silhouette.HARD, "sum": Silhouette.SUM, "prod": Silhouette.PROBABILISTIC}
_TEXTURES = {"surface": Texture.FACE, "vertex": Texture.VERTEX}


def _choice(name: str, value: str, choices: dict[str, Any]) -> Any:
    if value not in choices:
        raise ValueError(f"soft_rasterize: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return choices[value]


def soft_rasterize(
    face_vertices: torch.Tensor,
    textures: torch.Tensor | None,
    image_size: int | tuple[int, int] = 256,
    background_color: Sequence[float] = (0, 0, 0),
    near: float = 1,
    far: float = 100,
    fill_back: bool = True,
    eps: float = 1e-3,
    sigma_val: float = 1e-5,
    dist_func: str = "euclidean",
    dist_eps: float = 1e-4,
    gamma_val: float = 1e-4,
    aggr_func_rgb: str = "softmax",
    aggr_func_alpha: str = "prod",
    texture_type: str = "surface",
) -> torch.Tensor:
    """[B, 4, H, W]: red, green, blue and alpha; row 0 is the top.

    Args:
        face_vertices: [B, F, 3, 3] x right and y up in [-1, 1], z the depth.
        textures: [B, F, R * R, 3] texels ("surface") or [B, F, 3, 3] colours of the corners ("vertex"); None gives alpha alone, [B, 1, H, W].
        image_size: one number, or (height, width).

    Beyond the original: images that are not square, dist_func "chebyshev", and tensors on the CPU.
    Better than it: the gradient of colour to vertices is complete (it left out the interpolation weights); hard alpha has none (it handed on that of
    "sum"); faces outside near and far have the gradient of the alpha that they count for; texels are never read from another face's memory;
    background_color may be a tensor and receives gradient; a face without area does not light half of the picture.
    """
    op = "soft_rasterize"
    check_tensors(op, face_vertices=face_vertices, textures=textures)
    check_flag(op, "fill_back", fill_back)
    settings = RasterizeSettings(
        sigma=_number(op, "sigma_val", sigma_val),
        gamma=_number(op, "gamma_val", gamma_val),
        cutoff=_number(op, "dist_eps", dist_eps),
        near=_number(op, "near", near),
        far=_number(op, "far", far),
        background_depth_norm=2 * _number(op, "eps", eps),  # the original counts its epsilon twice
        distance=_choice("dist_func", dist_func, _DISTANCES),
        silhouette=_choice("aggr_func_alpha", aggr_func_alpha, _SILHOUETTES),
        blending=_choice("aggr_func_rgb", aggr_func_rgb, _BLENDINGS),
        texture=_choice("texture_type", texture_type, _TEXTURES),
        interpolation=Interpolation.MIXED,
        extrapolation=Extrapolation.CLIPPED,
        sides=Sides.BOTH if fill_back else Sides.CLOCKWISE,
        silhouette_beyond_depth_range=True,
    )
    if face_vertices.ndim != 4 or tuple(face_vertices.shape[2:]) != (3, 3):
        raise ValueError(f"soft_rasterize: face_vertices must have shape (B, F, 3, 3), got {tuple(face_vertices.shape)}")
    n_images, n_faces = face_vertices.shape[:2]
    if textures is not None and (textures.ndim != 4 or tuple(textures.shape[:2]) != (n_images, n_faces)):
        raise ValueError(f"soft_rasterize: textures must have shape ({n_images}, {n_faces}, texels, 3), got {tuple(textures.shape)}")
    image_size = check_image_size(op, image_size)
    image = rasterize(
        face_vertices.reshape(-1, 3),
        Topology.separate_faces(n_faces, n_images),
        None if textures is None else textures.reshape(-1, textures.shape[-1]),
        background=None if textures is None else background_color,
        settings=settings,
        image_size=image_size,
    )
    return _stack(image)


def _number(op: str, name: str, value: Any) -> float:
    """Of a number, or an array or tensor of one."""
    value = value.item() if isinstance(value, (torch.Tensor, np.ndarray)) and value.shape in ((), (1,)) else value
    check_number(op, name, value)
    return float(value)


def _stack(image: RenderedImage) -> torch.Tensor:
    if image.color is None:
        return image.alpha[:, None]
    return torch.cat([image.color, image.alpha[..., None]], -1).permute(0, 3, 1, 2).contiguous()


def face_vertices(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B, F, 3, C]: what stands at the corners of the faces, of ``vertices`` [B, V, C] and ``faces`` [B, F, 3]."""
    check_tensors("face_vertices", vertices=vertices)
    check_kind("face_vertices", "faces", faces, torch.Tensor)
    if vertices.ndim != 3 or faces.ndim != 3 or len(vertices) != len(faces) or faces.shape[2] != 3:
        raise ValueError(f"face_vertices: vertices and faces must have shapes (B, V, C) and (B, F, 3), got {tuple(vertices.shape)} and {tuple(faces.shape)}")
    batch, n = vertices.shape[:2]
    _check_faces(faces, n, vertices.device)
    offsets = torch.arange(batch, device=vertices.device)[:, None, None] * n
    return vertices.reshape(batch * n, -1).index_select(0, (faces.long() + offsets).reshape(-1)).reshape(*faces.shape, -1)


_checked: tuple[Any, int, int] = (lambda: None, 0, 0)  # the last faces that were checked, in which version, and for how many vertices


def _check_faces(faces: torch.Tensor, n_vertices: int, device: torch.device) -> None:
    global _checked
    if faces.device != device:
        raise ValueError(f"face_vertices: faces must be on the device of vertices ({device}), got {faces.device}")
    known, version, n = _checked
    if known() is not faces or version != faces._version or n != n_vertices:
        check_index_tensor("face_vertices", "faces", faces, ("B", "F", 3), "vertices", n_vertices)
        _checked = (weakref.ref(faces), faces._version, n_vertices)


def vertex_normals(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B, V, 3]: the normals of the faces around each vertex, weighted by area, added up and normalised."""
    corners = face_vertices(vertices, faces)
    normals = torch.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0], dim=-1)
    summed = torch.zeros_like(vertices)
    for corner in range(3):
        summed = summed.scatter_add(1, faces[:, :, corner, None].long().expand(-1, -1, 3), normals)
    return F.normalize(summed, eps=1e-6, dim=2)


def surface_normals(corners: torch.Tensor) -> torch.Tensor:
    """[B, F, 3] unit normals of faces given by their corners [B, F, 3, 3]."""
    return F.normalize(torch.cross(corners[:, :, 2] - corners[:, :, 1], corners[:, :, 0] - corners[:, :, 1], dim=-1), eps=1e-6, dim=2)


def get_points_from_angles(distance: Any, elevation: Any, azimuth: Any, degrees: bool = True) -> Any:
    """The eye (x, y, z): a tuple for numbers, [B, 3] for tensors [B]. Azimuth 0 is at -z."""
    op, given = "get_points_from_angles", {"distance": distance, "elevation": elevation, "azimuth": azimuth}
    if isinstance(distance, (float, int)):
        elevation, azimuth = (angle.item() if isinstance(angle, (torch.Tensor, np.ndarray)) and angle.ndim == 0 else angle for angle in (elevation, azimuth))
        for name, value in (given | {"elevation": elevation, "azimuth": azimuth}).items():
            check_number(op, name, value)
        e, a = (math.radians(angle) if degrees else angle for angle in (elevation, azimuth))
        return distance * math.cos(e) * math.sin(a), distance * math.sin(e), -distance * math.cos(e) * math.cos(a)
    check_tensors(op, **given)
    check_shape(op, "distance", distance.shape, ("B",))
    for name in ("elevation", "azimuth"):
        check_shape(op, name, given[name].shape, ("B",), {"B": len(distance)})
    e, a = (angle * (math.pi / 180) if degrees else angle for angle in (elevation, azimuth))
    return torch.stack([distance * torch.cos(e) * torch.sin(a), distance * torch.sin(e), -distance * torch.cos(e) * torch.cos(a)], -1)


def _points(op: str, name: str, values: Any, like: torch.Tensor) -> torch.Tensor:
    """[B, 3] (or [1, 3]) of a tuple, a list, an array or a tensor."""
    points = as_tensor(op, name, values, like)
    points = points[None] if points.ndim == 1 else points
    check_shape(op, name, points.shape, ("B", 3), {} if points.shape[:1] == (1,) else {"B": len(like)})
    return points


def _scale(op: str, name: str, values: Any, like: torch.Tensor, ndim: int) -> torch.Tensor:
    """A number, or one for each image [B], with dimensions to go with ``like``."""
    scale = as_tensor(op, name, values, like)
    if scale.ndim < 2 and scale.numel() in (1, len(like)):
        return scale.reshape(-1, *[1] * (ndim - 1))
    raise ValueError(f"{op}: {name} must be a number, or one for each of the {len(like)} images, got shape {tuple(scale.shape)}")


def _turned(vertices: torch.Tensor, eye: torch.Tensor, forward: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    z = F.normalize(forward, eps=1e-5)
    x = F.normalize(torch.cross(up.expand_as(z), z, dim=-1), eps=1e-5)
    y = F.normalize(torch.cross(z, x, dim=-1), eps=1e-5)
    return torch.matmul(vertices - eye[:, None], torch.stack([x, y, z], 1).transpose(1, 2))


def look_at(vertices: torch.Tensor, eye: Any, at: Any = (0, 0, 0), up: Any = (0, 1, 0)) -> torch.Tensor:
    """Vertices [B, V, 3] seen by a camera at ``eye`` that looks at ``at``: z is the depth. Right for every batch size (the original fails at 3)."""
    check_tensor("look_at", "vertices", vertices, ("B", "V", 3))
    eye, at, up = (_points("look_at", name, values, vertices) for name, values in (("eye", eye), ("at", at), ("up", up)))
    eye, at, up = torch.broadcast_tensors(eye, at, up)
    return _turned(vertices, eye, at - eye, up)


def look(vertices: torch.Tensor, eye: Any, direction: Any = (0, 1, 0), up: Any = (0, 1, 0)) -> torch.Tensor:
    """Vertices [B, V, 3] seen by a camera at ``eye`` that looks in ``direction``. (The original's own default of ``up`` makes it crash.)"""
    check_tensor("look", "vertices", vertices, ("B", "V", 3))
    given = {"eye": eye, "direction": direction, "up": (0, 1, 0) if up is None else up}
    eye, direction, up = (_points("look", name, values, vertices) for name, values in given.items())
    eye, direction, up = torch.broadcast_tensors(eye, direction, up)
    return _turned(vertices, eye, direction, up)


def perspective(vertices: torch.Tensor, angle: Any = 30.0) -> torch.Tensor:
    """Perspective projection of [B, V, 3]; ``angle`` is half of the field of view, degrees."""
    check_tensor("perspective", "vertices", vertices, ("B", "V", 3))
    width = torch.tan(_scale("perspective", "angle", angle, vertices, 2) / 180 * math.pi)
    x, y, z = vertices.unbind(2)
    return torch.stack([x / z / width, y / z / width, z], 2)


def orthogonal(vertices: torch.Tensor, scale: Any) -> torch.Tensor:
    """Orthographic projection of [B, V, 3]."""
    check_tensor("orthogonal", "vertices", vertices, ("B", "V", 3))
    scale = _scale("orthogonal", "scale", scale, vertices, 2)
    x, y, z = vertices.unbind(2)
    return torch.stack([x * scale, y * scale, z], 2)


def projection(vertices: torch.Tensor, P: torch.Tensor, dist_coeffs: torch.Tensor, orig_size: float) -> torch.Tensor:
    """Projection of [B, V, 3] by P [B, 3, 4], then distortion by (k1, k2, p1, p2, k3) [B, 5], onto an image of ``orig_size`` pixels that becomes [-1, 1].

    As in the original the distortion applies to what the whole matrix gives, and y is not flipped.
    """
    op = "projection"
    check_tensors(op, vertices=vertices, P=P, dist_coeffs=dist_coeffs)
    check_shape(op, "vertices", vertices.shape, ("B", "V", 3))
    for name, given, rest in (("P", P, (3, 4)), ("dist_coeffs", dist_coeffs, (5,))):
        check_shape(op, name, given.shape, ("B", *rest), {} if given.shape[:1] == (1,) else {"B": len(vertices)})
    orig_size = _number(op, "orig_size", orig_size)
    check_number(op, "orig_size", orig_size, 0.0)
    homogeneous = torch.cat([vertices, torch.ones_like(vertices[:, :, :1])], -1)
    x, y, z = torch.matmul(homogeneous, P.transpose(1, 2)).unbind(2)
    x, y = x / (z + 1e-5), y / (z + 1e-5)
    k1, k2, p1, p2, k3 = (coefficient[:, None] for coefficient in dist_coeffs.unbind(-1))
    r_sq = x**2 + y**2
    radial = 1 + k1 * r_sq + k2 * r_sq**2 + k3 * r_sq**3
    u = x * radial + 2 * p1 * x * y + p2 * (r_sq + 2 * x**2)
    v = y * radial + p1 * (r_sq + 2 * y**2) + 2 * p2 * x * y
    return torch.stack([2 * (u - orig_size / 2) / orig_size, 2 * (v - orig_size / 2) / orig_size, z], -1)


def ambient_lighting(light: torch.Tensor, light_intensity: Any = 0.5, light_color: Any = (1, 1, 1)) -> torch.Tensor:
    """Adds ambient light to ``light`` [B, N, 3]. Intensity and colour may be tensors and receive gradient."""
    op = "ambient_lighting"
    check_tensor(op, "light", light, ("B", "N", 3))
    return light + _scale(op, "light_intensity", light_intensity, light, 3) * _points(op, "light_color", light_color, light)[:, None]


def directional_lighting(
    light: torch.Tensor, normals: torch.Tensor, light_intensity: Any = 0.5, light_color: Any = (1, 1, 1), light_direction: Any = (0, 1, 0)
) -> torch.Tensor:
    """Adds light from a direction (used as it is given, not normalised) to ``light`` [B, N, 3], on surfaces with ``normals`` [B, N, 3]."""
    op, sizes = "directional_lighting", dict[str, int]()
    check_tensors(op, light=light, normals=normals)
    check_shape(op, "light", light.shape, ("B", "N", 3), sizes)
    check_shape(op, "normals", normals.shape, ("B", "N", 3), sizes)
    cosine = F.relu((normals * _points(op, "light_direction", light_direction, light)[:, None]).sum(2))
    color = _points(op, "light_color", light_color, light)[:, None]
    return light + _scale(op, "light_intensity", light_intensity, light, 3) * (color * cosine[:, :, None])


def voxelization(faces: torch.Tensor, size: int, normalize: bool = False) -> torch.Tensor:
    """[B, N, N, N] int32 of 0 and 1, solid: the voxels that a closed mesh crosses or encloses.

    Args:
        faces: [B, F, 3, 3] corners of faces; the grid spans [0, 1], or [0, N] with ``normalize``.
        size: N.
    """
    arrays = TorchArrays.of("voxelization", faces=faces)
    check_shape("voxelization", "faces", faces.shape, ("B", "F", 3, 3))
    check_integer("voxelization", "size", size, 1, 1024)
    check_flag("voxelization", "normalize", normalize)
    batch, n_faces = faces.shape[:2]
    corners = arrays.constant(faces if normalize else faces * size).reshape(-1, 3, 3)
    images = np.repeat(np.arange(batch, dtype=np.int32), n_faces)
    return torch.from_numpy(voxelize(arrays, corners, images, batch, size)).to(faces.device)


def save_voxel(filename: str | Path, voxel: Any) -> None:
    """Writes an OBJ file with a vertex for each voxel that is set, at its lower corner in [0, 1]. (The original's fails.)"""
    voxel = as_array("save_voxel", "voxel", voxel)
    check_shape("save_voxel", "voxel", voxel.shape, ("N", "N", "N"))
    save_obj(filename, np.argwhere(voxel == 1) / np.array(voxel.shape), np.zeros((0, 3), np.int32))
