"""Kaolin's ``kaolin.render.mesh``: DIB-R. The same names, arguments, defaults and layouts, on any device, float32 or float64.

What goes beyond the original comes after a ``*`` in the arguments. What differs is said in each docstring; where nothing is said, the results are the same.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from ....checks import check_features, check_integer, check_kind, check_number, check_shape
from ....engine.dibr import DibrSettings, MaskFaces
from ....engine.dibr import dibr_foreground as _foreground
from ....engine.dibr import dibr_rasterize as _rasterize
from ....engine.dibr import dibr_soft_mask as _soft_mask
from ....kernels.shading import SH_CONSTANTS, SHBasis
from ....scene import Topology
from ...bridge import TorchArrays
from ...checks import check_tensors
from ..ops.mesh import face_normals, index_vertices_by_faces
from .camera import perspective_camera, rotate_translate_points

__all__ = ["dibr_rasterization", "dibr_soft_mask", "prepare_vertices", "rasterize", "spherical_harmonic_lighting", "texture_mapping"]

BACKENDS = ("cuda", "nvdiffrast", "nvdiffrast_fwd")
MULTIPLIER, EPS = 1000.0, 1e-8
SMALLEST_EPS = 2e-18  # of what DibrSettings takes
FILTERS = ("nearest", "bilinear", "bicubic")

# Kaolin's spherical harmonics: factors of 1, x, z, y, xy, yz, z^2 and 1, xz, x^2 - y^2. (The last two are 1/sqrt(2) of the real ones'.)
_HARMONICS = (0.28209479177, 0.4886025119, 0.4886025119, 0.4886025119, 1.09254843059, 1.09254843059, 0.94617469575, 0.31539156525, 0.77254840404, 0.38627420202)

Features = torch.Tensor | Sequence[torch.Tensor]


def dibr_rasterization(
    height: int,
    width: int,
    face_vertices_z: torch.Tensor,
    face_vertices_image: torch.Tensor,
    face_features: Features,
    face_normals_z: torch.Tensor,
    sigmainv: float = 7000,
    boxlen: float = 0.02,
    knum: int = 30,
    multiplier: float | None = None,
    eps: float | None = None,
    rast_backend: str = "cuda",
    *,
    mask_faces: str = "first",
    perspective: bool = False,
) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """DIB-R: (features [B, H, W, D], soft mask [B, H, W], face index [B, H, W] int64, -1 where no face is seen); row 0 is the top.

    Args:
        height, width: of the picture.
        face_vertices_z: [B, F, 3] depths in camera space: negative ahead, the larger is the nearer.
        face_vertices_image: [B, F, 3, 2] in the image, [-1, 1] across its width and its height, y up.
        face_features: [B, F, 3, D], or a list of such, for each of which a picture is returned.
        face_normals_z: [B, F]; faces where it is negative are not seen (but count for the soft mask).
        sigmainv, boxlen, knum: sharpness, extent and number of faces of the soft mask; see `taichi_softras.engine.dibr.DibrSettings`.
        multiplier: 1000 by default. Pixel centres are rounded as in Kaolin after such an enlargement, and ``eps`` is relative to the enlarged faces.
        eps: 1e-8 by default, added to twice the (enlarged) area of a face before it divides.
        rast_backend: one of Kaolin's names, which all mean the same here.
        mask_faces: which faces count for the soft mask of a pixel: the "first" ``knum`` (Kaolin's), the "nearest" ``knum``, or "all" within ``boxlen``.
        perspective: depth and features as a pinhole camera sees them, not linear in the image; depths then receive gradient.

    Gradient: to face_vertices_image and face_features; with ``perspective`` to face_vertices_z.
    Better than the original: a face seen edge-on covers nothing (it could hide all others with zeros); the weights' gradient is that of what is computed.
    """
    batch = _Batch("dibr_rasterization", height, width, face_vertices_z, face_vertices_image, face_features)
    _check_beside("dibr_rasterization", "face_normals_z", face_normals_z, batch.arrays)
    _check_backend("dibr_rasterization", "rast_backend", rast_backend)
    settings = _settings("dibr_rasterization", multiplier, eps, perspective, sigmainv, boxlen, knum, mask_faces)
    n_images, n_faces = face_vertices_z.shape[:2]
    if tuple(face_normals_z.shape) not in ((n_images, n_faces), (n_images, n_faces, 1)):
        raise ValueError(f"dibr_rasterization: face_normals_z must have shape (B, F) with B = {n_images}, F = {n_faces}, got {tuple(face_normals_z.shape)}")
    image = _rasterize(*batch.scene, batch.features, settings, batch.image_size, face_shown=batch.shown(face_normals_z >= 0))
    return batch.parts(image.features), image.soft_mask, image.face_index.long()


def rasterize(
    height: int,
    width: int,
    face_vertices_z: torch.Tensor,
    face_vertices_image: torch.Tensor,
    face_features: Features,
    valid_faces: torch.Tensor | None = None,
    multiplier: float | None = None,
    eps: float | None = None,
    backend: str = "cuda",
    *,
    perspective: bool = False,
) -> tuple[Any, torch.Tensor]:
    """The foreground alone: the features and the face index of `dibr_rasterization`. Only faces that ``valid_faces`` [B, F] has are seen."""
    batch = _Batch("rasterize", height, width, face_vertices_z, face_vertices_image, face_features)
    _check_backend("rasterize", "backend", backend)
    settings = _settings("rasterize", multiplier, eps, perspective)
    if valid_faces is not None:
        _check_beside("rasterize", "valid_faces", valid_faces, batch.arrays)
        check_shape("rasterize", "valid_faces", valid_faces.shape, tuple(face_vertices_z.shape[:2]))
    shown = None if valid_faces is None else batch.shown(valid_faces != 0)
    image, face_index = _foreground(*batch.scene, batch.features, settings, batch.image_size, face_shown=shown)
    return batch.parts(image), face_index.long()


def dibr_soft_mask(
    face_vertices_image: torch.Tensor,
    selected_face_idx: torch.Tensor,
    sigmainv: float = 7000,
    boxlen: float = 0.02,
    knum: int = 30,
    multiplier: float = MULTIPLIER,
    *,
    mask_faces: str = "first",
) -> torch.Tensor:
    """The soft mask [B, H, W] of `dibr_rasterization`, where ``selected_face_idx`` [B, H, W] is not negative on the foreground."""
    arrays = TorchArrays.of("dibr_soft_mask", face_vertices_image=face_vertices_image)
    check_shape("dibr_soft_mask", "face_vertices_image", face_vertices_image.shape, ("B", "F", 3, 2))
    n_images, n_faces = face_vertices_image.shape[:2]
    _check_beside("dibr_soft_mask", "selected_face_idx", selected_face_idx, arrays)
    if selected_face_idx.is_floating_point():
        raise TypeError(f"dibr_soft_mask: selected_face_idx must be integers, got {selected_face_idx.dtype}")
    check_shape("dibr_soft_mask", "selected_face_idx", selected_face_idx.shape, ("B", "H", "W"), {"B": n_images})
    settings = _settings("dibr_soft_mask", multiplier, None, False, sigmainv, boxlen, knum, mask_faces)
    ahead = F.pad(face_vertices_image, (0, 1), value=-1.0).reshape(-1, 3)
    face_index = selected_face_idx.to(arrays.device, torch.int32).contiguous()
    return _soft_mask(arrays, Topology.separate_faces(n_faces, n_images), ahead, face_index, settings)


class _Batch:
    """Kaolin's layout as the kernels take it: triangles that share no vertices, one image after the other."""

    def __init__(self, op: str, height: int, width: int, z: torch.Tensor, image: torch.Tensor, features: Features) -> None:
        several = isinstance(features, (list, tuple))
        given: list[Any] = list(features) if several else [features]
        if not given:
            raise ValueError(f"{op}: face_features must be at least one, got none")
        names = [f"face_features[{i}]" if several else "face_features" for i in range(len(given))]
        arrays = TorchArrays.of(op, face_vertices_z=z, face_vertices_image=image, **dict(zip(names, given, strict=True)))
        sizes: dict[str, int] = {}
        check_shape(op, "face_vertices_z", z.shape, ("B", "F", 3), sizes)
        check_shape(op, "face_vertices_image", image.shape, ("B", "F", 3, 2), sizes)
        for name, tensor in zip(names, given, strict=True):
            check_shape(op, name, tensor.shape, ("B", "F", 3, "D"), dict(sizes))
            check_features(op, name, tensor.shape[2:], {})
        check_integer(op, "height", height, 1, 1 << 14)
        check_integer(op, "width", width, 1, 1 << 14)
        if 0 in z.shape:
            raise ValueError(f"{op}: there must be at least one face, got face_vertices_z of shape {tuple(z.shape)}")
        self.arrays, self.image_size = arrays, (height, width)
        self.channels = [tensor.shape[-1] for tensor in given] if several else None
        self.features = torch.cat(given, -1).reshape(-1, sum(tensor.shape[-1] for tensor in given))
        corners = torch.cat([image, z[..., None]], -1).reshape(-1, 3)
        self.scene = (arrays, Topology.separate_faces(z.shape[1], z.shape[0]), corners)

    def shown(self, valid: torch.Tensor) -> torch.Tensor:
        return valid.to(self.arrays.device, torch.int32).reshape(-1).contiguous()

    def parts(self, image: torch.Tensor) -> Any:
        return image if self.channels is None else tuple(image.split(self.channels, -1))


def _settings(
    op: str, multiplier: float | None, eps: float | None, perspective: bool, sigmainv: float = 7000, boxlen: float = 0.02, knum: int = 30, which: str = "first"
) -> DibrSettings:
    multiplier, eps = MULTIPLIER if multiplier is None else multiplier, EPS if eps is None else eps
    check_number(op, "multiplier", multiplier, 0.0)
    check_number(op, "eps", eps, 0.0)
    names = [member.value for member in MaskFaces]
    if which not in names:
        raise ValueError(f"{op}: mask_faces must be one of {', '.join(map(repr, names))}, got {which!r}")
    return DibrSettings(
        sigmainv=sigmainv,
        boxlen=boxlen,
        knum=knum,
        mask_faces=MaskFaces(which),
        perspective=perspective,
        eps=max(eps / multiplier**2, SMALLEST_EPS),
        multiplier=multiplier,
    )


def _check_beside(op: str, name: str, tensor: torch.Tensor, arrays: TorchArrays) -> None:
    """A tensor of any dtype, where the others are."""
    check_kind(op, name, tensor, torch.Tensor)
    if tensor.device != arrays.device:
        raise ValueError(f"{op}: {name} must be on the device of the other tensors ({arrays.device}), got {tensor.device}")


def _check_backend(op: str, name: str, backend: str) -> None:
    if backend not in BACKENDS:
        raise ValueError(f"{op}: {name} must be one of {', '.join(map(repr, BACKENDS))}, got {backend!r}")


def prepare_vertices(
    vertices: torch.Tensor,
    faces: torch.Tensor,
    camera_proj: torch.Tensor,
    camera_rot: torch.Tensor | None = None,
    camera_trans: torch.Tensor | None = None,
    camera_transform: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Meshes before cameras: (corners in camera space [B, F, 3, 3], in the image [B, F, 3, 2], unit normals of the faces in camera space [B, F, 3]).

    Args:
        vertices: [B, V, 3], world.
        faces: [F, 3].
        camera_proj: [3, 1], see `camera.generate_perspective_projection`.
        camera_rot, camera_trans: [B, 3, 3] and [B, 3], see `camera.generate_rotate_translate_matrices`; or else
        camera_transform: [B, 4, 3], see `camera.generate_transformation_matrix`.
    """
    op = "prepare_vertices"
    check_tensors(op, vertices=vertices, camera_proj=camera_proj, camera_rot=camera_rot, camera_trans=camera_trans, camera_transform=camera_transform)
    check_shape(op, "vertices", vertices.shape, ("B", "V", 3))
    if camera_transform is None and camera_rot is not None and camera_trans is not None:
        in_camera = rotate_translate_points(vertices, camera_rot, camera_trans)
    elif camera_transform is not None and camera_rot is None and camera_trans is None:
        check_shape("prepare_vertices", "camera_transform", camera_transform.shape, ("B", 4, 3))
        in_camera = F.pad(vertices, (0, 1), value=1.0) @ camera_transform
    else:
        raise ValueError("prepare_vertices: either camera_rot and camera_trans or camera_transform must be given, got neither or both")
    corners = index_vertices_by_faces(in_camera, faces)
    return corners, index_vertices_by_faces(perspective_camera(in_camera, camera_proj), faces), face_normals(corners, unit=True)


def texture_mapping(texture_coordinates: torch.Tensor, texture_maps: torch.Tensor, mode: str = "nearest") -> torch.Tensor:
    """Colours [B, H, W, C] or [B, N, C] of pictures at points; texel centres are at half-integers, and coordinates are clamped to [0, 1].

    Args:
        texture_coordinates: [B, H, W, 2] or [B, N, 2]: u to the right, v up, (0, 0) the lower left corner.
        texture_maps: [B, C, H', W'], row 0 the top.
        mode: "nearest", "bilinear" or "bicubic". (Repeating and mipmapped textures: `taichi_softras.interop.textures.sample_texture`.)
    """
    if mode not in FILTERS:
        raise ValueError(f"texture_mapping: mode must be one of {', '.join(map(repr, FILTERS))}, got {mode!r}")
    check_tensors("texture_mapping", texture_coordinates=texture_coordinates, texture_maps=texture_maps)
    sizes: dict[str, int] = {}
    check_shape("texture_mapping", "texture_maps", texture_maps.shape, ("B", "C", "H", "W"), sizes)
    places = ("h", "w") if texture_coordinates.ndim == 4 else ("N",)
    check_shape("texture_mapping", "texture_coordinates", texture_coordinates.shape, ("B", *places, 2), sizes)
    u, v = texture_coordinates.clamp(0, 1).unbind(-1)
    grid = torch.stack([2 * u - 1, 1 - 2 * v], -1).reshape(len(texture_maps), -1, 1, 2)
    sampled = F.grid_sample(texture_maps, grid, mode=mode, padding_mode="border", align_corners=False)
    return sampled[..., 0].transpose(1, 2).reshape(*texture_coordinates.shape[:-1], texture_maps.shape[1])


def spherical_harmonic_lighting(imnormal: torch.Tensor, lights: torch.Tensor, *, basis: str = "kaolin") -> torch.Tensor:
    """[B, H, W]: nine coefficients [B, 9] times nine functions of the normals [B, H, W, 3].

    ``basis`` "kaolin" is today's Kaolin's (order 1, x, z, y, xy, yz, z^2, xz, x^2 - y^2; not convolved with the cosine; its last two functions are too small
    by 1/sqrt(2)); "dibr" that of DIB-R's own code; "standard" the right one, of the same order as "dibr": see `taichi_softras.engine.lighting.SHBasis`.
    """
    check_tensors("spherical_harmonic_lighting", imnormal=imnormal)
    check_tensors("spherical_harmonic_lighting", lights=lights)
    if lights.device != imnormal.device:
        raise ValueError(f"spherical_harmonic_lighting: lights must be on the device of imnormal ({imnormal.device}), got {lights.device}")
    check_shape("spherical_harmonic_lighting", "imnormal", imnormal.shape, ("B", "H", "W", 3))
    check_shape("spherical_harmonic_lighting", "lights", lights.shape, ("B", 9), {} if tuple(lights.shape[:1]) == (1,) else {"B": len(imnormal)})
    x, y, z = imnormal.unbind(-1)
    if basis == "kaolin":
        k = _HARMONICS
        bands = [torch.full_like(x, k[0]), k[1] * x, k[2] * z, k[3] * y, k[4] * x * y, k[5] * y * z, k[6] * z * z - k[7], k[8] * x * z, k[9] * (x * x - y * y)]
    elif basis in ("dibr", "standard"):
        c = SH_CONSTANTS[SHBasis(basis)]
        bands = [
            torch.full_like(x, c[0]),
            -c[1] * y, c[1] * z, -c[1] * x,
            c[2] * x * y, -c[2] * y * z, c[4] * z * z - c[5], -c[6] * x * z, c[3] * (x * x - y * y),
        ]  # fmt: skip
    else:
        raise ValueError(f"spherical_harmonic_lighting: basis must be one of 'kaolin', 'dibr', 'standard', got {basis!r}")
    return (torch.stack(bands, -1) * lights[:, None, None]).sum(-1)
