"""Kaolin's ``kaolin.io.usd.mesh``: meshes in USD files."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .....checks import check_flag, check_shape
from ....checks import check_tensors
from ...rep import SurfaceMesh
from ..materials import is_handler
from ..utils import NonHomogeneousMeshError, TextureExporter, mesh_handler_naive_triangulate
from .materials import faces_of, import_material, write_material
from .utils import check_axis, check_scene_path, code_of, get_scene_paths, pxr, stage_of, stage_written, usd_path

__all__ = ["add_mesh", "export_mesh", "get_mesh_scene_paths", "import_mesh", "import_meshes"]


def get_mesh_scene_paths(file_path_or_stage: Any, scene_path: str | None = None) -> list[Any]:
    """The paths of all meshes on a stage, or of those at ``scene_path`` and below."""
    return get_scene_paths(file_path_or_stage, None if scene_path is None else f"{re.escape(scene_path)}(/|$)", "Mesh")


def add_mesh(
    stage: Any,
    scene_path: str,
    vertices: torch.Tensor | None = None,
    faces: torch.Tensor | None = None,
    uvs: torch.Tensor | None = None,
    face_uvs_idx: torch.Tensor | None = None,
    face_normals: torch.Tensor | None = None,
    material_assignments: torch.Tensor | None = None,
    materials: Sequence[Any] | None = None,
    local_to_world: torch.Tensor | None = None,
    time: Any = None,
    overwrite_textures: bool = False,
) -> Any:
    """Puts a mesh onto a stage, or what is given of one that is there; returns its prim. Save the stage yourself.

    Args:
        stage: of `create_stage`.
        scene_path: as "/World/mesh_0".
        vertices: [V, 3].
        faces: [F, K].
        uvs: [U, 2], v down, as `obj.import_mesh` has them; with ``face_uvs_idx`` [F, K]; else one for each vertex, or for each corner.
        face_normals: [F, K, 3].
        material_assignments: [F] into ``materials``, a list of `PBRMaterial`, whose pictures are written beside the stage's file.
        local_to_world: [4, 4], for columns.
        time: a number, or None for the default time.
        overwrite_textures: whether pictures that are there are replaced.
    """
    op = "add_mesh"
    folder = stage.GetRootLayer().realPath if hasattr(stage, "GetRootLayer") else ""
    place = Path(folder) if folder else None
    return _add(
        op,
        stage,
        place,
        scene_path,
        vertices,
        faces,
        uvs,
        face_uvs_idx,
        face_normals,
        material_assignments,
        materials,
        local_to_world,
        time,
        overwrite_textures,
    )


def _add(
    op: str,
    stage: Any,
    place: Path | None,
    scene_path: str,
    vertices: torch.Tensor | None,
    faces: torch.Tensor | None,
    uvs: torch.Tensor | None,
    face_uvs_idx: torch.Tensor | None,
    face_normals: torch.Tensor | None,
    material_assignments: torch.Tensor | None,
    materials: Sequence[Any] | None,
    local_to_world: torch.Tensor | None,
    time: Any,
    overwrite_textures: bool,
) -> Any:
    modules = pxr(op)
    if not isinstance(stage, modules.Usd.Stage):
        raise TypeError(f"{op}: stage must be a Usd.Stage, got {type(stage).__name__}")
    path, code = check_scene_path(op, "scene_path", scene_path), code_of(op, "time", time)
    check_flag(op, "overwrite_textures", overwrite_textures)
    sizes = check_parts(op, vertices, faces, uvs, face_uvs_idx, face_normals, material_assignments)
    if (material_assignments is None) != (materials is None):
        raise ValueError(f"{op}: materials must come with material_assignments, got one of the two")
    mesh = modules.UsdGeom.Mesh.Define(stage, path)
    if faces is not None:
        mesh.CreateFaceVertexCountsAttr().Set([faces.shape[1]] * len(faces), code)
        mesh.CreateFaceVertexIndicesAttr().Set(modules.Vt.IntArray.FromNumpy(_array(faces.reshape(-1), np.int32)), code)
        mesh.CreateSubdivisionSchemeAttr().Set("none")
    if vertices is not None:
        mesh.CreatePointsAttr().Set(modules.Vt.Vec3fArray.FromNumpy(_array(vertices, np.float32)), code)
    if uvs is not None:
        turned = _array(uvs, np.float32).copy()
        turned[:, 1] = 1 - turned[:, 1]
        primvar = modules.UsdGeom.PrimvarsAPI(mesh.GetPrim()).CreatePrimvar("st", modules.Sdf.ValueTypeNames.TexCoord2fArray)
        primvar.Set(modules.Vt.Vec2fArray.FromNumpy(turned), code)
        primvar.SetInterpolation("vertex" if face_uvs_idx is None and len(uvs) == sizes.get("V") else "faceVarying")
        if face_uvs_idx is not None:
            primvar.SetIndices(modules.Vt.IntArray.FromNumpy(_array(face_uvs_idx.reshape(-1), np.int32)), code)
    if face_normals is not None:
        mesh.CreateNormalsAttr().Set(modules.Vt.Vec3fArray.FromNumpy(_array(face_normals.reshape(-1, 3), np.float32)), code)
        mesh.SetNormalsInterpolation("faceVarying")
    if local_to_world is not None:
        check_tensors(op, local_to_world=local_to_world)
        check_shape(op, "local_to_world", local_to_world.shape, (4, 4))
        matrix = modules.Gf.Matrix4d(*local_to_world.detach().cpu().double().T.reshape(-1).tolist())
        modules.UsdGeom.Xformable(mesh).MakeMatrixXform().Set(matrix, code)
    for number, material in enumerate(materials or ()):
        assert material_assignments is not None
        if place is None:
            raise ValueError(f"{op}: stage must be of a file if there are materials, got one in memory")
        indices = faces_of(material_assignments, number)
        subset = modules.UsdGeom.Subset.CreateGeomSubset(mesh, f"subset_{number}", "face", indices, "materialBind")
        exporter = TextureExporter(place.parent, f"{place.stem}_textures", f"material_{number}_", overwrite_files=overwrite_textures)
        write_material(stage, f"{path}/Looks/material_{number}", material, exporter, [subset.GetPrim()], code)
    return mesh.GetPrim()


def check_parts(
    op: str,
    vertices: torch.Tensor | None,
    faces: torch.Tensor | None,
    uvs: torch.Tensor | None,
    face_uvs_idx: torch.Tensor | None,
    face_normals: torch.Tensor | None,
    material_assignments: torch.Tensor | None = None,
) -> dict[str, int]:
    """What is given of a mesh; the numbers of its vertices, faces and corners, as far as they are known."""
    sizes: dict[str, int] = {}
    reals = (("vertices", vertices, ("V", 3)), ("uvs", uvs, ("U", 2)), ("face_normals", face_normals, ("F", "K", 3)))
    integers = (("faces", faces, ("F", "K")), ("face_uvs_idx", face_uvs_idx, ("F", "K")), ("material_assignments", material_assignments, ("F",)))
    for name, tensor, shape in (*integers, *reals):
        if tensor is None:
            continue
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{op}: {name} must be a torch.Tensor, got {type(tensor).__name__}")
        is_real = len(shape) > 1 and shape[-1] in (2, 3)
        if tensor.is_floating_point() != is_real:
            raise TypeError(f"{op}: {name} must be {'floating point numbers' if is_real else 'integers'}, got {tensor.dtype}")
        check_shape(op, name, tensor.shape, shape, sizes)
    if face_uvs_idx is not None and uvs is None:
        raise ValueError(f"{op}: face_uvs_idx must come with uvs, got None")
    for name, index, n in (("faces", faces, sizes.get("V")), ("face_uvs_idx", face_uvs_idx, sizes.get("U"))):
        if index is not None and n is not None and index.numel() and not 0 <= int(index.min()) <= int(index.max()) < n:
            raise ValueError(f"{op}: {name} must be 0 to {n - 1}, got {int(index.min())} to {int(index.max())}")
    return sizes


def _array(tensor: torch.Tensor, kind: type) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().cpu().numpy().astype(kind))


def export_mesh(
    file_path: str | Path,
    scene_path: str = "/World/Meshes/mesh_0",
    vertices: torch.Tensor | None = None,
    faces: torch.Tensor | None = None,
    uvs: torch.Tensor | None = None,
    face_uvs_idx: torch.Tensor | None = None,
    face_normals: torch.Tensor | None = None,
    material_assignments: torch.Tensor | None = None,
    materials: Sequence[Any] | None = None,
    local_to_world: torch.Tensor | None = None,
    up_axis: str = "Y",
    time: Any = None,
    overwrite_textures: bool = False,
    overwrite: bool = False,
) -> Any:
    """Writes a file with one mesh, and returns its stage: see `add_mesh`. A file that is there is replaced only with ``overwrite``."""
    op = "export_mesh"
    path = usd_path(op, "file_path", file_path)
    check_axis(op, up_axis)
    check_flag(op, "overwrite", overwrite)
    if path.exists():
        if not overwrite:
            raise ValueError(f"{op}: file_path must be free without overwrite, got {path}")
        path.unlink()
    with stage_written(op, path, up_axis) as stage:
        stage.SetDefaultPrim(stage.DefinePrim("/World", "Xform"))
        _add(
            op, stage, path.absolute(), scene_path, vertices, faces, uvs, face_uvs_idx, face_normals, material_assignments, materials, local_to_world, time,
            overwrite_textures,
        )  # fmt: skip
    return stage_of(op, path)


def import_mesh(
    file_path_or_stage: Any,
    scene_path: str | None = None,
    with_materials: bool = False,
    with_normals: bool = False,
    heterogeneous_mesh_handler: Callable[..., Any] | None = None,
    time: Any = None,
    triangulate: bool = False,
) -> SurfaceMesh | None:
    """The mesh at ``scene_path``, or the first one: vertices and faces in the world, ``uvs`` (v down) and ``face_uvs_idx`` if it has any.

    Args:
        file_path_or_stage: a path, or a Usd.Stage.
        with_materials: whether there are ``materials`` and ``material_assignments``.
        with_normals: whether there are ``face_normals``, if the file has normals.
        heterogeneous_mesh_handler, triangulate: as `obj.import_mesh`.
        time: a number, or None for the default time (and the first one of what has only times).

    Raises:
        ValueError: if there is no mesh.
        NonHomogeneousMeshError: if polygons differ, and no handler makes them alike.
    """
    op = "import_mesh"
    modules = pxr(op)
    for name, flag in (("with_materials", with_materials), ("with_normals", with_normals), ("triangulate", triangulate)):
        check_flag(op, name, flag)
    is_handler(op, "heterogeneous_mesh_handler", heterogeneous_mesh_handler)
    stage = stage_of(op, file_path_or_stage)
    paths = get_mesh_scene_paths(stage) if scene_path is None else [check_scene_path(op, "scene_path", scene_path)]
    mesh = modules.UsdGeom.Mesh(stage.GetPrimAtPath(paths[0])) if paths else None
    if not mesh:
        raise ValueError(f"{op}: there is no mesh at {scene_path or 'any path of the stage'}")
    asked = code_of(op, "time", time)

    def value(attribute: Any) -> Any:
        found = attribute.Get(asked)
        return attribute.Get(modules.Usd.TimeCode.EarliestTime()) if found is None and time is None else found

    def numbers(attribute: Any, kind: type, width: int | None = None) -> torch.Tensor:
        found = value(attribute)
        array: np.ndarray = np.array([] if found is None else found, kind)
        return torch.from_numpy(array if width is None else array.reshape(-1, width))

    counts, vertices = numbers(mesh.GetFaceVertexCountsAttr(), np.int64), numbers(mesh.GetPointsAttr(), np.float32, 3)
    flat = numbers(mesh.GetFaceVertexIndicesAttr(), np.int64)
    n_corners = int(counts.sum())
    if len(flat) != n_corners or (n_corners and not 0 <= int(flat.min()) <= int(flat.max()) < len(vertices)):
        raise ValueError(f"{op}: {paths[0]} must index its {len(vertices)} points at {n_corners} corners, got {len(flat)} indices")
    corners: list[Any] = [flat, None, None]
    kept: dict[str, Any] = {}
    primvar = _uvs_of(modules, mesh)
    if primvar:
        uvs = numbers(primvar, np.float32, 2)
        uvs[:, 1] = 1 - uvs[:, 1]
        index = numbers(primvar.GetIndicesAttr(), np.int64) if primvar.IsIndexed() else torch.arange(len(uvs))
        at_corners = index[flat] if primvar.GetInterpolation() in ("vertex", "varying") else index
        if len(at_corners) == n_corners and (n_corners == 0 or int(at_corners.max()) < len(uvs)):
            kept["uvs"], corners[1] = uvs, at_corners
    if with_normals:
        normals = numbers(mesh.GetNormalsAttr(), np.float32, 3)
        if len(normals) in (n_corners, len(vertices)):
            kept["normals"] = normals
            corners[2] = torch.arange(n_corners) if mesh.GetNormalsInterpolation() == "faceVarying" else flat
    assigned: dict[str, torch.Tensor] = {}
    if with_materials:
        for prim, bound in _bound(modules, mesh, len(counts)):
            material, _ = modules.UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
            if material:
                assigned[str(material.GetPath())] = bound
    handlers = []
    if len(counts) and bool((counts != counts[0]).any()):
        handler = heterogeneous_mesh_handler or (mesh_handler_naive_triangulate if triangulate else None)
        if handler is None:
            raise NonHomogeneousMeshError(f"{op}: the polygons of {paths[0]} must have one number of corners, got {counts.min()} to {counts.max()}")
        handlers.append(handler)
    if triangulate and bool((counts != 3).any()) and handlers != [mesh_handler_naive_triangulate]:
        handlers.append(mesh_handler_naive_triangulate)
    for handler in handlers:
        alike = handler(vertices, counts, *[None if f is None else f.reshape(-1) for f in corners], face_assignments=assigned)
        if alike is None:
            return None
        vertices, counts, *corners, assigned = alike
    width = int(counts[0]) if len(counts) else 3
    faces, face_uvs, places = (None if feature is None else feature.reshape(-1, width).long() for feature in corners)
    assert faces is not None  # only what is not there is none
    if "normals" in kept and places is not None:
        kept["face_normals"] = kept.pop("normals")[places]
    if face_uvs is not None:
        kept["face_uvs_idx"] = face_uvs
    if with_materials:
        kept["materials"] = [import_material(stage, path, time=time) for path in assigned]
        kept["material_assignments"] = torch.full((len(faces),), -1, dtype=torch.int16)
        for number, of_material in enumerate(assigned.values()):
            kept["material_assignments"][of_material] = number
    matrix = torch.tensor(np.array(modules.UsdGeom.Xformable(mesh).ComputeLocalToWorldTransform(asked)), dtype=torch.float32).T
    result = SurfaceMesh(vertices, faces, **kept)
    if not torch.equal(matrix, torch.eye(4)):
        result.transform = matrix
        result = result.as_transformed()
    return result


def _uvs_of(modules: Any, mesh: Any) -> Any:
    """The texture coordinates of a mesh: those that are called "st", else the first ones of that type; None if there are none."""
    found = modules.UsdGeom.PrimvarsAPI(mesh.GetPrim())
    if found.GetPrimvar("st").HasValue():
        return found.GetPrimvar("st")
    return next((primvar for primvar in found.GetPrimvars() if str(primvar.GetTypeName()) == "texCoord2f[]" and primvar.HasValue()), None)


def _bound(modules: Any, mesh: Any, n_faces: int) -> list[tuple[Any, torch.Tensor]]:
    """Prims that may have a material, and their faces: the whole mesh, then its parts."""
    subsets = modules.UsdShade.MaterialBindingAPI(mesh.GetPrim()).GetMaterialBindSubsets()
    parts = [(subset.GetPrim(), torch.tensor(list(subset.GetIndicesAttr().Get() or ()), dtype=torch.int64)) for subset in subsets]
    return [(mesh.GetPrim(), torch.arange(n_faces)), *parts]


def import_meshes(
    file_path_or_stage: Any,
    scene_paths: Sequence[str] | None = None,
    with_materials: bool = False,
    with_normals: bool = False,
    heterogeneous_mesh_handler: Callable[..., Any] | None = None,
    times: Sequence[Any] | None = None,
    triangulate: bool = False,
    return_list: bool = True,
) -> Any:
    """A list of the meshes at these paths, or of all; a dict by path without ``return_list``. See `import_mesh`."""
    op = "import_meshes"
    stage = stage_of(op, file_path_or_stage)
    paths = [str(path) for path in (get_mesh_scene_paths(stage) if scene_paths is None else scene_paths)]
    if times is not None and len(times) != len(paths):
        raise ValueError(f"{op}: times must be as many as scene_paths ({len(paths)}), got {len(times)}")
    meshes = [
        import_mesh(stage, path, with_materials, with_normals, heterogeneous_mesh_handler, time, triangulate)
        for path, time in zip(paths, times or [None] * len(paths), strict=True)
    ]
    return meshes if return_list else dict(zip(paths, meshes, strict=True))
