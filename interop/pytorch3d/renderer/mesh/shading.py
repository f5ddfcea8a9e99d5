"""PyTorch3D's shading models: colours [N, H, W, K, C] of fragments."""

from typing import Any

import torch

from ....checks import check_tensor
from ...ops.interp_face_attrs import interpolate_face_attributes

__all__ = ["flat_shading", "gouraud_shading", "phong_shading"]


def _light(points: torch.Tensor, normals: torch.Tensor, lights: Any, cameras: Any, materials: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(what multiplies the texture, what is added to it) at points [N, ..., 3]; or [P, 3], where lights, cameras and materials have one entry, or P."""
    diffuse = lights.diffuse(normals=normals, points=points)
    highlights = lights.specular(normals=normals, points=points, camera_position=cameras.get_camera_center(), shininess=materials.shininess)

    def spread(color: torch.Tensor) -> torch.Tensor:
        return color.reshape(len(color), *[1] * (points.ndim - 2), color.shape[-1])

    ambient = spread(materials.ambient_color * lights.ambient_color)
    return ambient + spread(materials.diffuse_color) * diffuse, spread(materials.specular_color) * highlights


def _check(op: str, meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any) -> None:
    needed = {"meshes": "faces_packed", "fragments": "pix_to_face", "lights": "ambient_color", "cameras": "get_camera_center", "materials": "shininess"}
    given = {"meshes": meshes, "fragments": fragments, "lights": lights, "cameras": cameras, "materials": materials}
    for name, value in given.items():
        if not hasattr(value, needed[name]):  # those of an installed PyTorch3D are welcome
            raise TypeError(f"{op}: {name} must be PyTorch3D's, with {needed[name]}, got {type(value).__name__}")


def phong_shading(meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any, texels: torch.Tensor) -> torch.Tensor:
    """Lit at every fragment, with interpolated positions and normals."""
    _check("phong_shading", meshes, fragments, lights, cameras, materials)
    check_tensor("phong_shading", "texels", texels, (*fragments.pix_to_face.shape, "C"))
    faces = meshes.faces_packed()
    points, normals = (
        interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, values[faces])
        for values in (meshes.verts_packed(), meshes.verts_normals_packed())
    )
    factor, added = _light(points, normals, lights, cameras, materials)
    return factor * texels + added


def gouraud_shading(meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any) -> torch.Tensor:
    """Lit at the vertices (the textures are `TexturesVertex`), and interpolated."""
    if hasattr(meshes, "textures") and not hasattr(meshes.textures, "verts_features_packed"):
        raise ValueError(f"gouraud_shading: the meshes must have TexturesVertex, got {type(meshes.textures).__name__}")
    _check("gouraud_shading", meshes, fragments, lights, cameras, materials)
    if len(meshes) > 1:
        mesh = meshes.verts_packed_to_mesh_idx()
        lights, cameras, materials = (properties.clone().gather_props(mesh) for properties in (lights, cameras, materials))
    factor, added = _light(meshes.verts_packed(), meshes.verts_normals_packed(), lights, cameras, materials)
    colors = meshes.textures.verts_features_packed() * factor + added
    return interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, colors[meshes.faces_packed()])


def flat_shading(meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any, texels: torch.Tensor) -> torch.Tensor:
    """Lit once a face, at its middle."""
    _check("flat_shading", meshes, fragments, lights, cameras, materials)
    check_tensor("flat_shading", "texels", texels, (*fragments.pix_to_face.shape, "C"))
    used, faces = fragments.pix_to_face[..., None] >= 0, fragments.pix_to_face.clamp(min=0)
    middles = meshes.verts_packed()[meshes.faces_packed()].mean(1)
    points, normals = (torch.where(used, values[faces], 0.0) for values in (middles, meshes.faces_normals_packed()))
    factor, added = _light(points, normals, lights, cameras, materials)
    return factor * texels + added
