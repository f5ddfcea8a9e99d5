"""Kaolin's ``kaolin.render.mesh.utils``: what comes before the rasteriser, and after it."""

import torch
import torch.nn.functional as F

from .....checks import check_shape
from .....kernels.shading import SH_CONSTANTS, SHBasis
from ....checks import check_tensors
from ...ops.mesh import face_normals, index_vertices_by_faces
from ..camera.legacy import perspective_camera, rotate_translate_points

__all__ = ["prepare_vertices", "spherical_harmonic_lighting", "texture_mapping"]

FILTERS = ("nearest", "bilinear", "bicubic")

# Kaolin's spherical harmonics: factors of 1, x, z, y, xy, yz, z^2 and 1, xz, x^2 - y^2. (The last two are 1/sqrt(2) of the real ones'.)
_HARMONICS = (0.28209479177, 0.4886025119, 0.4886025119, 0.4886025119, 1.09254843059, 1.09254843059, 0.94617469575, 0.31539156525, 0.77254840404, 0.38627420202)


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
        vertices: [B, V, 3], world; those that all cameras see may be [1, V, 3] or [V, 3].
        faces: [F, 3].
        camera_proj: [3, 1], see `camera.generate_perspective_projection`.
        camera_rot, camera_trans: [B, 3, 3] and [B, 3], see `camera.generate_rotate_translate_matrices`; or else
        camera_transform: [B, 4, 3], see `camera.generate_transformation_matrix`.
    """
    op = "prepare_vertices"
    check_tensors(op, vertices=vertices, camera_proj=camera_proj, camera_rot=camera_rot, camera_trans=camera_trans, camera_transform=camera_transform)
    vertices = vertices[None] if vertices.ndim == 2 else vertices
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
