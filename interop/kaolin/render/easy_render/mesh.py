"""Kaolin's ``kaolin.render.easy_render.mesh``: what is seen of a mesh, what it is made of there, and how it is lit."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import torch
import torch.nn.functional as F

from .....checks import check_kind, check_shape
from ....checks import check_integers, check_tensors
from ...ops.mesh import face_normals, index_vertices_by_faces
from ...rep import SurfaceMesh
from ..camera import Camera, generate_centered_custom_resolution_pixel_coords, generate_rays
from ..lighting import SgLightingParameters, sg_diffuse_inner_product, sg_warp_specular_term
from ..materials import PBRMaterial
from ..mesh import rasterize, texture_mapping
from .common import default_lighting, default_material

__all__ = [
    "RenderPass",
    "mesh_rasterize_interpolate_cuda",
    "mesh_rasterize_interpolate_nvdiffrast",
    "render_mesh",
    "sg_shade",
    "texture_sample_materials",
]

BACKENDS = ("cuda", "nvdiffrast")
SMALLEST_ROUGHNESS, ROUGHNESS = 1e-3, 0.5  # and where a material says nothing
OF_DIELECTRICS = 0.04  # the specular albedo of what is no metal

Parts = tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]


class RenderPass(str, Enum):
    """The names of the pictures that `render_mesh` returns, and some that it does not."""

    face_idx = "face_idx"
    uvs = "uvs"
    albedo = "albedo"
    normals = "normals"
    roughness = "roughness"
    diffuse = "diffuse"
    specular = "specular"
    features = "features"
    render = "render"
    alpha = "alpha"


def render_mesh(
    camera: Camera,
    mesh: SurfaceMesh,
    lighting: SgLightingParameters | None = None,
    custom_materials: Sequence[PBRMaterial] | None = None,
    custom_material_assignments: torch.Tensor | None = None,
    backend: str | None = None,
    nvdiffrast_context: Any = None,
) -> dict[str, torch.Tensor]:
    """A picture of a mesh with its materials, lit by spherical Gaussians, and what it is made of: images [1, H, W, C] by name.

    Args:
        camera: one.
        mesh: one, of triangles; its ``transform`` is applied.
        lighting: `default_lighting` if None.
        custom_materials, custom_material_assignments: in place of the mesh's; without any it is of `default_material`.
        backend: "cuda" or None: depth, texture coordinates and normals are linear in the image, as Kaolin's own rasteriser has them; "nvdiffrast": as a pinhole
            camera sees them. Both are our kernels, on any device.
        nvdiffrast_context: not looked at.

    Returns:
        "render" [1, H, W, 3], not clamped, black where nothing is; "face_idx" [1, H, W], -1 there; "albedo", "normals" (in the world, towards the camera),
        "diffuse", "specular", and, if the mesh has them, "uvs" and "features".

    Gradient: to vertices, materials, lights and camera, but not through which face is seen.
    """
    op = "render_mesh"
    camera, mesh = _one(op, camera, mesh)
    light = default_lighting().to(camera.device) if lighting is None else lighting
    check_kind(op, "lighting", light, SgLightingParameters)
    if backend not in (None, *BACKENDS):
        raise ValueError(f"{op}: backend must be one of {', '.join(map(repr, BACKENDS))}, got {backend!r}")
    materials = custom_materials or mesh.materials
    assignments = mesh.material_assignments if custom_material_assignments is None else custom_material_assignments
    face_idx, normals, tangents, uvs, features = _seen(op, mesh, camera, backend == "nvdiffrast", True, True, True, True)
    if normals is not None:  # of the side that is seen
        corners = index_vertices_by_faces(camera.transform(mesh.vertices)[None], mesh.faces)
        sides = torch.sign(face_normals(corners)[0, :, 2])
        normals = normals * torch.where(face_idx < 0, 0.0, sides[face_idx])[..., None]
    albedo, specular_albedo, normals_shaded, roughness = texture_sample_materials(backend or "cuda", face_idx, normals, materials, uvs, assignments, tangents)
    diffuse, specular, image = sg_shade(camera, face_idx, albedo, specular_albedo, roughness, normals_shaded, light.amplitude, light.direction, light.sharpness)
    passes = {
        RenderPass.render: image,
        RenderPass.face_idx: face_idx,
        RenderPass.albedo: albedo,
        RenderPass.normals: normals_shaded,
        RenderPass.diffuse: diffuse,
        RenderPass.specular: specular,
        RenderPass.uvs: uvs,
        RenderPass.features: features,
    }
    return {name.value: picture for name, picture in passes.items() if picture is not None}


def mesh_rasterize_interpolate_cuda(
    mesh: SurfaceMesh,
    camera: Camera,
    normals_required: bool = True,
    uvs_required: bool = True,
    tangents_required: bool = True,
    features_required: bool = True,
) -> Parts:
    """(face_idx [1, H, W], normals, tangents, uvs in [0, 1), features [1, H, W, C]) of one mesh before one camera, linear in the image.

    What is not asked for, or the mesh has not, is None. Any device will do.
    """
    op = "mesh_rasterize_interpolate_cuda"
    return _seen(op, *reversed(_one(op, camera, mesh)), False, normals_required, uvs_required, tangents_required, features_required)  # type: ignore[arg-type]


def mesh_rasterize_interpolate_nvdiffrast(
    mesh: SurfaceMesh,
    camera: Camera,
    nvdiffrast_context: Any = None,
    normals_required: bool = True,
    uvs_required: bool = True,
    tangents_required: bool = True,
    features_required: bool = True,
) -> Parts:
    """The same as a pinhole camera sees it, by our kernels: nvdiffrast is not needed, and its context not looked at."""
    op = "mesh_rasterize_interpolate_nvdiffrast"
    return _seen(op, *reversed(_one(op, camera, mesh)), True, normals_required, uvs_required, tangents_required, features_required)  # type: ignore[arg-type]


def _one(op: str, camera: Any, mesh: Any) -> tuple[Camera, SurfaceMesh]:
    """One camera and one mesh, in the world."""
    check_kind(op, "camera", camera, Camera)
    check_kind(op, "mesh", mesh, SurfaceMesh)
    for name, several in (("camera", camera), ("mesh", mesh)):
        if len(several) != 1:
            raise ValueError(f"{op}: {name} must be one, got {len(several)}")
    if not mesh.is_triangular():
        raise ValueError(f"{op}: mesh must have triangles, got {tuple(mesh[0].faces.shape)}")
    return camera, mesh[0].as_transformed()


def _seen(op: str, mesh: SurfaceMesh, camera: Camera, perspective: bool, *required: bool) -> Parts:
    names = ("face_normals", "face_uvs", "face_tangents", "face_features")
    found = [getattr(mesh, name) if wanted and mesh.has_or_can_compute_attribute(name) else None for name, wanted in zip(names, required, strict=True)]
    in_camera = camera.extrinsics.transform(mesh.vertices)
    in_image = camera.intrinsics.transform(in_camera)
    z, image = (index_vertices_by_faces(points, mesh.faces) for points in (in_camera[..., 2:], in_image[..., :2]))
    none = image.new_zeros(1, image.shape[1], 3, 1)
    given = [none if values is None else values[None].to(image) for values in found]
    pictures, face_idx = rasterize(camera.height, camera.width, z[..., 0], image, given, perspective=perspective)
    normals, uvs, tangents, features = (None if values is None else picture for values, picture in zip(found, pictures, strict=True))
    return face_idx, normals, tangents, None if uvs is None else uvs % 1, features


def texture_sample_materials(
    backend: str,
    face_idx: torch.Tensor,
    im_base_normals: torch.Tensor | None,
    materials: Sequence[PBRMaterial] | None = None,
    uv_map: torch.Tensor | None = None,
    material_assignments: torch.Tensor | None = None,
    im_tangents: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(albedo, specular albedo, normals [1, H, W, 3], roughness [1, H, W, 1]): what the surface is made of where it is seen.

    Args:
        backend: "cuda" or "nvdiffrast", the same here.
        face_idx: [1, H, W], -1 where nothing is.
        im_base_normals: [1, H, W, 3].
        materials: pictures are sampled bilinearly at ``uv_map`` [1, H, W, 2] (v down); of a metallic material, the albedo is split as glTF does it.
        material_assignments: [F] into materials, -1 of none; the first for all if None.
        im_tangents: [1, H, W, 3], with which a picture of normals bends them.
    """
    op = "texture_sample_materials"
    if backend not in BACKENDS:
        raise ValueError(f"{op}: backend must be one of {', '.join(map(repr, BACKENDS))}, got {backend!r}")
    sizes: dict[str, int] = {}
    check_integers(op, "face_idx", face_idx)
    check_shape(op, "face_idx", face_idx.shape, (1, "H", "W"), sizes)
    for name, picture, n in (("im_base_normals", im_base_normals, 3), ("uv_map", uv_map, 2), ("im_tangents", im_tangents, 3)):
        if picture is not None:
            check_kind(op, name, picture, torch.Tensor)
            check_shape(op, name, picture.shape, (1, "H", "W", n), sizes)
    real = next((p.dtype for p in (im_base_normals, uv_map, im_tangents) if p is not None), torch.get_default_dtype())
    several = [default_material().to(face_idx.device)] if materials is None else list(materials)
    seen = face_idx >= 0
    of_pixel = torch.zeros_like(face_idx)
    if material_assignments is not None:
        check_integers(op, "material_assignments", material_assignments)
        check_shape(op, "material_assignments", material_assignments.shape, ("F",))
        n_faces, last = len(material_assignments), int(face_idx.max()) if face_idx.numel() else -1
        if last >= n_faces:
            raise ValueError(f"{op}: material_assignments must be of all faces, got {n_faces}, and face {last} is seen")
        of_pixel = material_assignments.to(face_idx.device).long()[face_idx.clamp(min=0)]
    of_pixel = torch.where(seen, of_pixel, -1)
    bitangents = None
    if im_tangents is not None and im_base_normals is not None:
        bitangents = F.normalize(torch.cross(im_tangents, im_base_normals, dim=-1), dim=-1)

    blank = torch.zeros((*face_idx.shape, 3), dtype=real, device=face_idx.device)
    albedo, specular, normals = blank, blank, blank
    roughness = torch.full_like(blank[..., :1], ROUGHNESS)
    for number, material in enumerate(several):
        check_kind(op, f"materials[{number}]", material, PBRMaterial)
        mask = of_pixel == number
        if not mask.any():
            continue
        at = None if uv_map is None else torch.stack([uv_map[mask][:, 0], 1 - uv_map[mask][:, 1]], -1)[None]  # [1, N, 2], v up

        def sampled(name: str, value: torch.Tensor | None, at: Any = at, material: PBRMaterial = material) -> torch.Tensor | None:
            picture = getattr(material.chw(), f"{name}_texture")
            if picture is None or at is None:
                return None if value is None else value.to(blank)
            return texture_mapping(at, picture[None].to(at), mode="bilinear")[0]

        base = None if im_base_normals is None else im_base_normals[mask]
        bend = sampled("normals", None)
        if bend is not None and bitangents is not None and im_tangents is not None and base is not None:
            base = F.normalize(im_tangents[mask] * bend[:, :1] - bitangents[mask] * bend[:, 1:2] + base * bend[:, 2:3], dim=-1)
        if base is not None:
            normals = _put(normals, mask, base)
        color = sampled("diffuse", material.diffuse_color)
        own = blank[mask] if color is None else color[..., :3].expand(int(mask.sum()), 3)
        shine = sampled("specular", material.specular_color) if material.is_specular_workflow else None
        metallic = None if material.is_specular_workflow else sampled("metallic", material.metallic_value)
        if metallic is not None:
            shine = (1 - metallic) * OF_DIELECTRICS + own * metallic
            own = own * (1 - metallic)
        albedo = _put(albedo, mask, own)
        if shine is not None:
            specular = _put(specular, mask, shine[..., :3].expand_as(own))
        rough = sampled("roughness", material.roughness_value)
        if rough is not None:
            roughness = _put(roughness, mask, rough.clamp(min=SMALLEST_ROUGHNESS).expand(len(own), 1))
    return albedo, specular, normals, roughness


def _put(picture: torch.Tensor, mask: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """The picture with these values where the mask is; gradient to both."""
    return picture.masked_scatter(mask[..., None], values.to(picture))


def sg_shade(
    camera: Camera,
    face_idx: torch.Tensor,
    albedo: torch.Tensor,
    spec_albedo: torch.Tensor,
    im_roughness: torch.Tensor,
    im_world_normals: torch.Tensor,
    amplitude: torch.Tensor,
    direction: torch.Tensor,
    sharpness: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(diffuse, specular, their sum), each [1, H, W, 3]: a surface that is seen by one camera, lit by spherical Gaussians.

    Args:
        face_idx: [1, H, W], -1 where nothing is.
        albedo, spec_albedo, im_world_normals: [1, H, W, 3]; im_roughness [1, H, W, 1].
        amplitude, direction, sharpness: [L, 3], [L, 3] and [L], see `kaolin.render.lighting`.
    """
    op = "sg_shade"
    check_kind(op, "camera", camera, Camera)
    pictures = {"albedo": albedo, "spec_albedo": spec_albedo, "im_world_normals": im_world_normals, "im_roughness": im_roughness}
    check_tensors(op, **pictures)
    for name, tensor in (("face_idx", face_idx), ("amplitude", amplitude), ("direction", direction), ("sharpness", sharpness)):
        check_kind(op, name, tensor, torch.Tensor)
    sizes: dict[str, int] = {}
    check_shape(op, "face_idx", face_idx.shape, (1, "H", "W"), sizes)
    for name, picture in pictures.items():
        check_shape(op, name, picture.shape, (1, "H", "W", 1 if name == "im_roughness" else 3), sizes)
    mask = face_idx >= 0
    a, d, s = (light.to(albedo) for light in (amplitude, direction, sharpness))
    normals = F.normalize(im_world_normals[mask], dim=-1)
    diffuse = sg_diffuse_inner_product(a, d, s, normals, albedo[mask])
    grid = generate_centered_custom_resolution_pixel_coords(camera.width, camera.height, sizes["W"], sizes["H"], camera.device)
    _, rays = generate_rays(camera, grid)
    view = -rays.reshape(1, sizes["H"], sizes["W"], 3).to(albedo)[mask]
    specular = sg_warp_specular_term(a, d, s, normals, im_roughness[mask][:, 0], view, spec_albedo[mask])
    blank = torch.zeros_like(albedo)
    return _put(blank, mask, diffuse), _put(blank, mask, specular), _put(blank, mask, diffuse + specular)
