"""PyTorch3D's shading models: colours [N, H, W, K, C] of fragments. They work on the slots that hold a face."""

from typing import Any

import torch

from ....checks import check_tensor
from .fragments import Used, is_kind, used_of

__all__ = ["flat_shading", "gouraud_shading", "phong_shading"]


def _light(points: torch.Tensor, normals: torch.Tensor, lights: Any, eye: torch.Tensor, materials: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(what multiplies the texture, what is added to it) at points [N, ..., 3]; or [P, 3], where lights, eye and materials have one entry, or P."""
    ambient, diffuse, specular = _parts(points, normals, lights, eye, materials)
    return ambient + diffuse, specular


def _parts(
    points: torch.Tensor, normals: torch.Tensor, lights: Any, eye: torch.Tensor, materials: Any
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """What ambient, diffuse and specular light make of a surface there."""
    diffuse = lights.diffuse(normals=normals, points=points)
    highlights = lights.specular(normals=normals, points=points, camera_position=eye, shininess=materials.shininess)

    def spread(color: torch.Tensor) -> torch.Tensor:
        return color.reshape(len(color), *[1] * (points.ndim - 2), color.shape[-1])

    ambient = spread(materials.ambient_color * lights.ambient_color)
    return ambient, spread(materials.diffuse_color) * diffuse, spread(materials.specular_color) * highlights


def _apply_lighting(points: torch.Tensor, normals: torch.Tensor, lights: Any, cameras: Any, materials: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(ambient, diffuse, specular) at points [N, H, W, K, 3], or [P, 3]: shaders of the user's own import it by this name."""
    ambient, diffuse, specular = _parts(points, normals, lights, cameras.get_camera_center(), materials)
    return (ambient.squeeze(), diffuse.squeeze(), specular.squeeze()) if points.ndim == normals.ndim == 2 else (ambient, diffuse, specular)


def _entries(of: torch.Tensor, eye: torch.Tensor, *properties: Any) -> tuple[Any, ...]:
    """An eye and properties for each of some points, which are of the images ``of``; those that are the same for all images stay one."""
    gathered = [each if len(each) == 1 else each.clone().gather_props(of) for each in properties]
    return (eye if len(eye) == 1 else eye.index_select(0, of), *gathered)


def light_of_used(
    used: Used, points: torch.Tensor, normals: torch.Tensor, lights: Any, cameras: Any, materials: Any
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """`_light` at the used slots [P, 3].

    Lights of the user's own may count on the five dimensions that PyTorch3D hands them. Those that are a batch of properties see each slot as an image of one
    pixel; all others the whole pictures.
    """
    eye = cameras.get_camera_center()
    if all(hasattr(each, "gather_props") for each in (lights, materials)):
        eye, lights, materials = _entries(used.image, eye, lights, materials)
        points, normals = (values[:, None, None, None] for values in (points, normals))
        return tuple(part.reshape(len(part), part.shape[-1]) for part in _light(points, normals, lights, eye, materials))  # type: ignore[return-value]
    parts = _light(used.spread(points), used.spread(normals), lights, eye, materials)
    return tuple(used.gather(part.expand(*used.slots.shape, part.shape[-1])) for part in parts)  # type: ignore[return-value]


def check_scene(op: str, meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any) -> None:
    needed = {"meshes": "faces_packed", "fragments": "pix_to_face", "lights": "ambient_color", "cameras": "get_camera_center", "materials": "shininess"}
    given = {"meshes": meshes, "fragments": fragments, "lights": lights, "cameras": cameras, "materials": materials}
    for name, value in given.items():
        if not is_kind(value, needed[name]):  # those of an installed PyTorch3D are welcome
            raise TypeError(f"{op}: {name} must be PyTorch3D's, with {needed[name]}, got {type(value).__name__}")


def _check_faces(op: str, used: Used, meshes: Any) -> None:
    n_faces = len(meshes.faces_packed())
    if used.slots.n_faces > n_faces and used.slots.n and int(used.face.max()) >= n_faces:
        raise ValueError(f"{op}: pix_to_face must index faces 0 to {n_faces - 1}, got {int(used.face.max())}")


def _among(used: Used, texels: torch.Tensor, lights: Any, materials: Any, colors: torch.Tensor) -> torch.Tensor:
    """Colours [P, C] in their places; elsewhere, where there is no surface, what ambient light makes of the texels."""
    ambient = materials.ambient_color * lights.ambient_color
    elsewhere = ambient.reshape(len(ambient), 1, 1, 1, ambient.shape[-1]) * texels
    return elsewhere.reshape(-1, colors.shape[-1]).index_copy(0, used.slot, colors).reshape(elsewhere.shape)


def phong_shading(meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any, texels: torch.Tensor) -> torch.Tensor:
    """Lit at every fragment, with interpolated positions and normals."""
    check_scene("phong_shading", meshes, fragments, lights, cameras, materials)
    used = used_of(fragments)
    check_tensor("phong_shading", "texels", texels, (*used.slots.shape, "C"))
    return _among(used, texels, lights, materials, phong_of_used(used, meshes, used.gather(texels), lights, cameras, materials))


def _phong_shading_with_pixels(
    meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any, texels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What `phong_shading` gives, and the places in the world [N, H, W, K, 3]: shaders of the user's own import it by this name."""
    colors, used = phong_shading(meshes, fragments, lights, cameras, materials, texels), used_of(fragments)
    return colors, used.spread(used.interpolate(meshes.verts_packed(), meshes.faces_packed()))


def phong_of_used(used: Used, meshes: Any, texels: torch.Tensor, lights: Any, cameras: Any, materials: Any) -> torch.Tensor:
    """[P, C] of texels [P, C]."""
    _check_faces("phong_shading", used, meshes)
    faces = meshes.faces_packed()
    points, normals = (used.interpolate(values, faces) for values in (meshes.verts_packed(), meshes.verts_normals_packed()))
    factor, added = light_of_used(used, points, normals, lights, cameras, materials)
    return factor * texels + added


def gouraud_shading(meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any) -> torch.Tensor:
    """Lit at the vertices (the textures are `TexturesVertex`), and interpolated."""
    colors = vertices_lit(meshes, fragments, lights, cameras, materials)
    used = used_of(fragments)
    _check_faces("gouraud_shading", used, meshes)
    return used.spread(used.interpolate(colors, meshes.faces_packed()))


def vertices_lit(meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any) -> torch.Tensor:
    """[sum of V_n, C]"""
    if hasattr(meshes, "textures") and not hasattr(meshes.textures, "verts_features_packed"):
        raise ValueError(f"gouraud_shading: the meshes must have TexturesVertex, got {type(meshes.textures).__name__}")
    check_scene("gouraud_shading", meshes, fragments, lights, cameras, materials)
    eye = cameras.get_camera_center()
    if len(meshes) > 1:
        eye, lights, materials = _entries(meshes.verts_packed_to_mesh_idx(), eye, lights, materials)
    factor, added = _light(meshes.verts_packed(), meshes.verts_normals_packed(), lights, eye, materials)
    return meshes.textures.verts_features_packed() * factor + added


def flat_shading(meshes: Any, fragments: Any, lights: Any, cameras: Any, materials: Any, texels: torch.Tensor) -> torch.Tensor:
    """Lit once a face, at its middle."""
    check_scene("flat_shading", meshes, fragments, lights, cameras, materials)
    used = used_of(fragments)
    check_tensor("flat_shading", "texels", texels, (*used.slots.shape, "C"))
    return _among(used, texels, lights, materials, flat_of_used(used, meshes, used.gather(texels), lights, cameras, materials))


def flat_of_used(used: Used, meshes: Any, texels: torch.Tensor, lights: Any, cameras: Any, materials: Any) -> torch.Tensor:
    """[P, C] of texels [P, C]."""
    _check_faces("flat_shading", used, meshes)
    middles = meshes.verts_packed()[meshes.faces_packed()].mean(1)
    points, normals = (values.index_select(0, used.face) for values in (middles, meshes.faces_normals_packed()))
    factor, added = light_of_used(used, points, normals, lights, cameras, materials)
    return factor * texels + added
