"""Kaolin's ``kaolin.io.usd.materials``: `PBRMaterial` as a USD Preview Surface."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .....checks import check_flag, check_kind
from .....scene import as_path, file_near
from ...render.materials import PBRMaterial
from ..materials import MaterialLoadError
from ..utils import TextureExporter, read_image
from .utils import check_scene_path, code_of, pxr, stage_of, stage_written, usd_path

__all__ = ["export_material", "import_material"]

INPUTS = {  # channel of a PBRMaterial: the input of a preview surface, its type, and the attribute of the number or colour
    "diffuse": ("diffuseColor", "Color3f", "diffuse_color"),
    "roughness": ("roughness", "Float", "roughness_value"),
    "specular": ("specularColor", "Color3f", "specular_color"),
    "metallic": ("metallic", "Float", "metallic_value"),
    "normals": ("normal", "Normal3f", None),
    "clearcoat": ("clearcoat", "Float", "clearcoat_value"),
    "clearcoat_roughness": ("clearcoatRoughness", "Float", "clearcoat_roughness_value"),
    "opacity": ("opacity", "Float", "opacity_value"),
    "ior": ("ior", "Float", "ior_value"),
    "displacement": ("displacement", "Float", "displacement_value"),
}


def export_material(
    pbr_material: PBRMaterial,
    file_path_or_stage: Any,
    scene_path: str | None = None,
    texture_path: str | None = None,
    bound_prims: Sequence[Any] | None = None,
    texture_file_prefix: str | None = None,
    shader_name: str | None = None,
    time: Any = None,
    overwrite_textures: bool = False,
) -> tuple[str, Any]:
    """(scene path, UsdShade.Material): writes a material, and its pictures beside the file.

    Args:
        pbr_material: whose ``transmittance`` a preview surface has not, which is left out.
        file_path_or_stage: a stage of a file, which is saved, or the path of one, which is made if it is not there.
        scene_path: "/World/Looks/NAME_0" by default.
        texture_path: where pictures are written, from the file's folder: "textures" by default.
        bound_prims: prims that get the material.
        texture_file_prefix: what the pictures' names begin with: the end of the scene path by default.
        shader_name: "UsdPreviewSurface", the only one.
        time: a number, or None for the default time.
        overwrite_textures: whether a picture of that name is replaced; else the new one gets another name.
    """
    op = "export_material"
    modules = pxr(op)
    check_kind(op, "pbr_material", pbr_material, PBRMaterial)
    check_flag(op, "overwrite_textures", overwrite_textures)
    if (shader_name or pbr_material.shader_name) != "UsdPreviewSurface":
        raise ValueError(f"{op}: shader_name must be 'UsdPreviewSurface', got {shader_name or pbr_material.shader_name!r}")

    def write(stage: Any, folder: Path) -> tuple[str, Any]:
        prim_path = check_scene_path(op, "scene_path", scene_path or _free_path(stage, pbr_material.material_name))
        prefix = f"{prim_path.rpartition('/')[2]}_" if texture_file_prefix is None else texture_file_prefix
        relative = os.path.relpath(texture_path, folder) if texture_path and os.path.isabs(texture_path) else texture_path or "textures"
        exporter = TextureExporter(folder, relative, prefix, overwrite_files=overwrite_textures)
        return prim_path, write_material(stage, prim_path, pbr_material, exporter, bound_prims or (), code_of(op, "time", time))

    if isinstance(file_path_or_stage, modules.Usd.Stage):
        real = file_path_or_stage.GetRootLayer().realPath
        if not real:
            raise ValueError(f"{op}: file_path_or_stage must be a stage of a file, got one in memory")
        written = write(file_path_or_stage, Path(real).parent)
        file_path_or_stage.Save()
        return written
    path = usd_path(op, "file_path_or_stage", file_path_or_stage)
    with stage_written(op, path) as stage:
        prim_path, _ = write(stage, path.absolute().parent)
    return prim_path, modules.UsdShade.Material(stage_of(op, path).GetPrimAtPath(prim_path))


def _free_path(stage: Any, name: str) -> str:
    base = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name) or "material"
    number = 0
    while stage.GetPrimAtPath(f"/World/Looks/{base}_{number}"):
        number += 1
    return f"/World/Looks/{base}_{number}"


def write_material(stage: Any, scene_path: str, material: PBRMaterial, exporter: TextureExporter, bound_prims: Sequence[Any], code: Any) -> Any:
    """Puts a material onto a stage; its pictures are written by ``exporter``, and their times are ``code``."""
    modules = pxr("export_material")
    types, UsdShade = modules.Sdf.ValueTypeNames, modules.UsdShade
    made = UsdShade.Material.Define(stage, scene_path)
    shader = UsdShade.Shader.Define(stage, f"{scene_path}/Shader")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("useSpecularWorkflow", types.Int).Set(int(material.is_specular_workflow), code)
    if material.opacity_threshold is not None:
        shader.CreateInput("opacityThreshold", types.Float).Set(material.opacity_threshold.item(), code)
    for channel, (name, kind, number) in INPUTS.items():
        entry = shader.CreateInput(name, getattr(types, kind))
        value = getattr(material, number) if number else None
        if value is not None:
            entry.Set(tuple(value.tolist()) if len(value) == 3 else value.item(), code)
        picture = getattr(material, f"{channel}_texture")
        if picture is None:
            continue
        relative = exporter((picture + 1) / 2 if channel == "normals" else picture, channel)
        reader = UsdShade.Shader.Define(stage, f"{scene_path}/{channel}_st")
        reader.CreateIdAttr("UsdPrimvarReader_float2")
        reader.CreateInput("varname", types.String).Set("st")
        texture = UsdShade.Shader.Define(stage, f"{scene_path}/{channel}_texture")
        texture.CreateIdAttr("UsdUVTexture")
        texture.CreateInput("file", types.Asset).Set(f"./{relative}", code)
        texture.CreateInput("st", types.Float2).ConnectToSource(reader.CreateOutput("result", types.Float2))
        for side in ("wrapS", "wrapT"):
            texture.CreateInput(side, types.Token).Set("repeat")
        texture.CreateInput("sourceColorSpace", types.Token).Set(getattr(material, f"{channel}_colorspace"))
        if channel == "normals":
            texture.CreateInput("scale", types.Float4).Set((2.0, 2.0, 2.0, 1.0))
            texture.CreateInput("bias", types.Float4).Set((-1.0, -1.0, -1.0, 0.0))
        has_colors = kind != "Float"
        entry.ConnectToSource(texture.CreateOutput("rgb" if has_colors else "r", types.Float3 if has_colors else types.Float))
    for outlet in ("surface", "displacement"):
        source = shader.CreateOutput(outlet, types.Token)
        made.CreateOutput(outlet, types.Token).ConnectToSource(source)
    for prim in bound_prims:
        UsdShade.MaterialBindingAPI.Apply(prim).Bind(made)
    return made


def import_material(file_path_or_stage: Any, scene_path: str, texture_path: str | None = None, time: Any = None) -> PBRMaterial:
    """The material at ``scene_path``: of its preview surface the numbers, colours and pictures ([H, W, C], looked for beside the file, or in ``texture_path``).

    Raises:
        MaterialLoadError: if there is none, or a picture is missing.
    """
    op = "import_material"
    UsdShade = pxr(op).UsdShade
    stage, code = stage_of(op, file_path_or_stage), code_of(op, "time", time)
    prim = stage.GetPrimAtPath(check_scene_path(op, "scene_path", scene_path))
    surface = UsdShade.Material(prim).ComputeSurfaceSource() if prim and prim.IsA(UsdShade.Material) else None
    shader = surface[0] if isinstance(surface, tuple) else surface
    if not shader or shader.GetIdAttr().Get() != "UsdPreviewSurface":
        raise MaterialLoadError(f"{op}: there is no material with a UsdPreviewSurface at {scene_path}")
    real = stage.GetRootLayer().realPath
    kept: dict[str, Any] = {"material_name": prim.GetName()}
    workflow = shader.GetInput("useSpecularWorkflow")
    kept["is_specular_workflow"] = bool(workflow.Get(code)) if workflow else False
    threshold = shader.GetInput("opacityThreshold")
    if threshold and threshold.Get(code) is not None:
        kept["opacity_threshold"] = threshold.Get(code)
    for channel, (name, _, number) in INPUTS.items():
        entry = shader.GetInput(name)
        if not entry:
            continue
        value = entry.Get(code)
        if number and value is not None:
            kept[number] = value if number.endswith("_value") else tuple(value)
        if entry.HasConnectedSource():
            texture = UsdShade.Shader(entry.GetConnectedSource()[0].GetPrim())
            place = _picture(op, texture.GetInput("file").Get(code), Path(real) if real else None, texture_path)
            picture = read_image(place)[..., : 1 if number and number.endswith("_value") else 3]
            kept[f"{channel}_texture"] = picture * 2 - 1 if channel == "normals" else picture
            space = texture.GetInput("sourceColorSpace")
            if space and space.Get(code):
                kept[f"{channel}_colorspace"] = space.Get(code)
    return PBRMaterial(**kept)


def _picture(op: str, asset: Any, file: Path | None, texture_path: str | None) -> Path:
    if asset is None or (file is None and texture_path is None):
        raise MaterialLoadError(f"{op}: a texture must name a file, and lie beside one, got {asset}")
    if texture_path is not None:
        place: Path | None = as_path(op, "texture_path", texture_path) / Path(asset.path).name
    else:
        assert file is not None
        try:
            place = file_near(f"{op}: a picture", file, asset.path)
        except ValueError as error:
            raise MaterialLoadError(str(error)) from error
    if place is None or not place.is_file():
        raise MaterialLoadError(f"{op}: there is no picture {asset.path}")
    return place


def faces_of(assignments: torch.Tensor, number: int) -> list[int]:
    """The faces that have a material."""
    return torch.nonzero(assignments == number).flatten().tolist()
