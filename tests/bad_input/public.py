"""What must be in the table: every public function and class of every module, and what of it is not there with a reason."""

import dataclasses
import enum
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import taichi_softras

INTERNAL = {  # modules whose names are public to each other, not to users
    "app": "the command line: its mistakes are tested in test_fit.py and test_viewer.py; doctor takes nothing of a user's",
    "checks": "the checks themselves",
    "engine.boxes": "made by the functions of engine.nearest, of what they have checked",
    "engine.binning": "called by the rasterisers with what they have checked",
    "engine.clipping": "called by the rasterisers with what they have checked",
    "engine.rasterizer": "called by Renderer and interop.render with what they have checked",
    "engine.surfaces": "called by the rasterisers with what they have checked",
    "kernels": "Taichi's kernels, called with what has been checked",
    "recover.colmap": "called by Capture.open, which is in the table",
    "recover.frames": "what readers of cameras make, for Capture.open",
    "recover.named": "looks for pictures, for Capture.open",
    "recover.opening": "called by Capture.open, which is in the table",
    "recover.pixels": "called by Capture.views, which is in the table",
    "recover.projections": "called by Capture.open, which is in the table",
    "recover.segment": "called by Capture.open, which is in the table",
    "recover.transforms": "called by Capture.open, which is in the table",
    "moved": "takes names of modules of ours",
    "replacing": "takes a path of ours",
    "runtime": "in the table as init and set_memory_budget; array libraries are made by the functions that take them, with a type of Taichi's",
    "scene.atlas": "called by the readers of files with what they have checked",
    "scene.decimals": "called by the readers of OBJ files, which are in the table",
    "scene.files": "called by Mesh.load and Mesh.save, which are in the table",
    "scene.foreign_files": "called by the readers of files, which are in the table",
    "scene.obj_files": "called by Mesh.load and Mesh.save, which are in the table",
    "scene.obj_lines": "called by the readers of OBJ files, which are in the table",
    "scene.obj_materials": "called by the readers of OBJ files, which are in the table",
    "scene.polygons": "called by the readers of files with what they have checked",
    "scene.sphere": "called by Mesh.icosphere, which is in the table",
    "scene.gltf_files": "called by Mesh.load and Mesh.save, which are in the table",
    "scene.gltf_tree": "called by gltf_files, see there",
    "scene.off_files": "called by Mesh.load, which is in the table",
    "scene.ply_files": "called by Mesh.load and Mesh.save, which are in the table",
    "scene.ply_rows": "called by Mesh.load, which is in the table",
    "scene.polygon_files": "called by Mesh.load, which is in the table",
    "scene.stl_files": "called by Mesh.load and Mesh.save, which are in the table",
    "scene.contents": "called by Mesh.load and Mesh.save, which are in the table",
    "viewer": "the window and pages of the command line; its files are read by Mesh.load and Views.load; show is in tests/viewer/test_show.py",
    "interop.calling_thread": "called with tensors that have been checked",
    "interop.checks": "the checks themselves",
    "interop.dense": "the readable second opinion that tests compare with; it checks nothing",
    "interop.dense_surfaces": "the readable second opinion that tests compare with; it checks nothing",
    "interop.geometry": "called by the drop-ins with what they have checked",
    "interop.pytorch3d.batches": "the checks themselves",
    "interop.stand_in": "takes names of modules of ours",
    "interop.kaolin.metrics": "a folder of modules",
    "interop.kaolin.io.usd": "in tests/interop/test_kaolin_files.py: usd-core is an optional extra",
    "interop.kaolin.io.usd.materials": "as interop.kaolin.io.usd",
    "interop.kaolin.io.usd.mesh": "as interop.kaolin.io.usd",
    "interop.kaolin.io.usd.utils": "as interop.kaolin.io.usd",
    "interop.kaolin.left_out": "names of modules",
    "interop.kaolin.ops": "a folder of modules",
    "interop.pytorch3d.renderer.mesh.fragments": "what our rasteriser makes and our shaders read, which are in the table",
    "interop.pytorch3d.renderer.mesh.fused": "called by the shaders with what they have checked",
    "interop.kaolin.render": "a folder of modules",
    "interop.kaolin.visualize": "in tests/interop/test_kaolin_files.py: usd-core is an optional extra",
    "interop.kaolin.visualize.timelapse": "as interop.kaolin.visualize",
    "interop.left_out": "takes names of ours",
}
EXCUSED = {  # by the name, or the last part of it
    "CameraIntrinsics": "abstract; its lenses are in the table",
    "ExtrinsicsRep": "abstract",
    "Material": "abstract",
    "TensorContainerBase": "abstract",
    "NonHomogeneousMeshError": "an error",
    **{f"Material{what}Error": "an error" for what in ("", "File", "Load", "NotFound", "NotSupported", "Write")},
    **{f"{what}_error_handler": "takes an error" for what in ("create_missing_materials", "default", "ignore", "skip")},
    "heterogeneous_mesh_handler_skip": "looks at nothing",
    "heterogeneous_mesh_handler_naive_homogenize": "mesh_handler_naive_triangulate, which is in the table",
    "blender_coords": "takes nothing",
    "opengl_coords": "takes nothing",
    "default_lighting": "takes nothing",
    "name_of": "of anything",
    "contained_torch_equal": "of anything",
    "tensor_info": "of anything",
    "Arrays": "abstract",
    "CamerasBase": "abstract",
    "ShaderBase": "abstract; its shaders are in the table",
    "TaichiArrays": "takes a type of Taichi's",
    "FieldArrays": "takes a type of Taichi's",
    "RenderedImage": "made by us",
    "Layers": "made by us",
    "SortedPairs": "made by us",
    "layers_of": "called by render and rasterize, whose mistakes with opacity and window are in the table",
    "shown_of": "called by render and rasterize with what they have checked",
    "check_device": "takes a device of torch's; what is wrong with it is its work",
    "show": "opens a browser; its mistakes are in tests/viewer/test_show.py",
    "Fragments": "made by us",
    "DibrImage": "made by us",
    "Capture": "made by Capture.open",
    "Score": "made by us",
    "Hull": "made by us",
    "SurfaceComparison": "made by us",
    "Pictures": "made by the command, of what it has checked",
    "is_of_cameras": "called by the commands, of a path",
    "splits_of": "called by the command, of what it has found",
    "mean_score": "made of scores, which are made by us",
    "next_views": "called by Fit and SplatFit with what they have checked",
    "carried_over": "called by Fit and Pictures with what they have checked",
    "depth_range": "called by Fit and registered with what they have checked",
    "up_of": "scene_up, which is in the table",
    "geometry_toolbox": "takes a name of ours",
    "CameraRefinement": "made by Fit, of what it has checked",
    "Stage": "made by us",
    "Subdivision": "made by Subdivision.of, which is in the table",
    "edges_of": "called with faces that have been checked",
    "pairs_at_edges": "called with what edges_of finds",
    "engine.laplacians.cotangents": "called with what has been checked, on arrays of any library",
    "engine.nearest.crossings": "called with what has been checked, on arrays of any library",
    "engine.nearest.search": "called with what has been checked, on arrays of any library",
    "engine.sampling.at_places": "called with what has been checked, on arrays of any library",
    "engine.sampling.draw_points": "called with what has been checked, on arrays of any library",
    "engine.sampling.odds_at_once": "called with what has been checked",
    "interop.kaolin.ops.mesh.mesh.neighbours": "called by the functions of its folder",
    "TensorAccessor": "made by us",
    "meshgrid_ij": "torch.meshgrid, which says itself what is wrong",
    "UsedFragments": "made by us",
    "UsedSlots": "made by us",
    "AxisArgs": "a tuple that plotly looks at",
    "interop.pytorch3d.Lighting": "a tuple that plotly looks at",
    "Rectangle": "a tuple; pack_unique_rectangles looks at it",
    "PackedRectangle": "made by us",
    "PackedRectangles": "made by us",
    "TexturesBase": "abstract",
    "TexturedSoftPhongShader": "SoftPhongShader",
    "BlendParams": "a tuple that holds anything; blending looks at it",
    "RasterizationSettings": "holds anything, as PyTorch3D's; MeshRasterizer looks at it",
    "MeshRasterizer": "keeps its cameras and settings, and looks at them when it is called",
    "MeshRenderer": "keeps a rasteriser and a shader, which may be of an installed PyTorch3D",
    "MeshRendererWithFragments": "keeps a rasteriser and a shader, which may be of an installed PyTorch3D",
    "HardDepthShader": "keeps what it is given, and looks at it when it is called",
    "SoftDepthShader": "keeps what it is given, and looks at it when it is called",
    "SplatterPhongShader": "keeps what it is given, and looks at it when it is called",
    "HardFlatShader": "keeps what it is given, and looks at it when it is called",
    "HardGouraudShader": "keeps what it is given, and looks at it when it is called",
    "HardPhongShader": "keeps what it is given, and looks at it when it is called",
    "SoftGouraudShader": "keeps what it is given, and looks at it when it is called",
    "SoftPhongShader": "keeps what it is given, and looks at it when it is called",
    "SoftSilhouetteShader": "keeps what it is given, and looks at it when it is called",
    "SoftRasterizer": "keeps what it is given, and looks at it when it is called",
    "interop.soft_renderer.SoftRenderer": "its parts are in the table: Lighting, Transform and SoftRasterizer",
    "interop.soft_renderer.Renderer": "SoftRenderer with other defaults",
    "interop.soft_renderer.AmbientLighting": "keeps what it is given, and looks at it when it is called",
    "interop.soft_renderer.DirectionalLighting": "keeps what it is given, and looks at it when it is called",
    "interop.soft_renderer.Look": "keeps what it is given, and looks at it when it is called",
    "interop.soft_renderer.LookAt": "keeps what it is given, and looks at it when it is called",
    "interop.pytorch3d.io.pluggable_formats.MeshFormatInterpreter": "abstract",
    "interop.pytorch3d.io.pluggable_formats.PointcloudFormatInterpreter": "abstract",
    "interop.pytorch3d.io.pluggable_formats.endswith": "looks at a name of any type",
    "MeshObjFormat": "called by IO, which is in the table",
    "MeshPlyFormat": "called by IO, which is in the table",
    "MeshOffFormat": "called by IO, which is in the table",
    "MeshGlbFormat": "called by IO, which is in the table",
    "MeshStlFormat": "called by IO, which is in the table",
    "interop.pytorch3d.io.utils.opened": "called by the readers of files, which are in the table",
    "interop.pytorch3d.io.utils.written": "called by the writers of files, which are in the table",
    "LeftOut": "what is not there",
    "interop.pytorch3d.left_out": "names of modules",
    "SilhouetteIoULoss": "made of nothing",
    "recover.NumpyAdam": "an optimiser of the fit's own arrays",
    "current_arch": "takes nothing",
    "interop.kaolin.ops.random.get_state": "takes nothing",
    "memory_budget": "takes nothing",
    "stand_in": "takes nothing",
    "noting_interrupts": "takes nothing",
    "check_masks": "a check itself",
    "needs_xatlas": "takes a name of ours",
    "texels_of": "called by TextureFit with what it has checked",
    "n_pictures": "of a UVTexture, which has been checked",
}


EXCUSED_KINDS = {  # of an argument, mistakes that it has by its annotation, and that are none
    ("interop.soft_renderer.LaplacianLoss", "vertex"): "of any dtype: only their number counts",
    ("interop.soft_renderer.SoftRenderer.forward", "vertices"): "of any dtype: made float32, as in the original",
    ("interop.kaolin.ops.batch.packed_to_list", "packed_tensor"): "of any dtype",
    ("interop.kaolin.ops.batch.tile_to_packed", "values"): "of any dtype",
    ("interop.kaolin.render.lighting.fresnel", "ldh"): "of any shape that torch can broadcast",
    ("interop.kaolin.render.lighting.fresnel", "spec_albedo"): "of any shape that torch can broadcast",
    ("interop.kaolin.render.easy_render.sg_shade", "amplitude"): "of any dtype that torch can mix",
    ("interop.kaolin.render.easy_render.sg_shade", "direction"): "of any dtype that torch can mix",
    ("interop.kaolin.render.easy_render.sg_shade", "sharpness"): "of any dtype that torch can mix",
    ("interop.kaolin.render.easy_render.sg_shade", "face_idx"): "of any dtype: its sign counts",
    ("interop.kaolin.render.easy_render.texture_sample_materials", "im_base_normals"): "of any dtype that torch can mix",
    ("interop.kaolin.render.easy_render.texture_sample_materials", "uv_map"): "of any dtype that torch can mix",
    ("interop.kaolin.render.easy_render.texture_sample_materials", "im_tangents"): "of any dtype that torch can mix",
    ("interop.kaolin.rep.SurfaceMesh", "transform"): "of any dtype",
    ("interop.kaolin.ops.coords.cartesian2spherical", "x"): "of any shape that torch can broadcast",
    ("interop.kaolin.ops.coords.cartesian2spherical", "y"): "of any shape that torch can broadcast",
    ("interop.kaolin.ops.coords.cartesian2spherical", "z"): "of any shape that torch can broadcast",
    ("interop.kaolin.ops.coords.spherical2cartesian", "azimuth"): "of any shape that torch can broadcast",
    ("interop.kaolin.ops.coords.spherical2cartesian", "elevation"): "of any shape that torch can broadcast",
    ("interop.kaolin.render.mesh.dibr_rasterization", "face_normals_z"): "of any dtype: its sign counts",
    ("interop.kaolin.render.mesh.rasterize", "valid_faces"): "of any dtype: whether it is nought counts",
    ("interop.pytorch3d.structures.utils.padded_to_packed", "pad_value"): "any number, NaN, which nothing equals, among them",
    ("interop.pytorch3d.acos_linear_extrapolation", "x"): "of any shape",
}


def modules() -> Iterator[tuple[str, ModuleType]]:
    """All modules that are not internal, by their names after ``taichi_softras.``."""
    yield "", taichi_softras
    yield "losses", taichi_softras.losses
    yield "lighting", taichi_softras.lighting
    for found in pkgutil.walk_packages(taichi_softras.__path__, "taichi_softras."):
        name = found.name.removeprefix("taichi_softras.")
        if not _is_internal(name):
            yield name, importlib.import_module(found.name)


def _is_internal(module: str) -> bool:
    return module in INTERNAL or module.split(".")[0] in INTERNAL


def public() -> dict[int, tuple[str, Any]]:
    """Every public function and class, once, by the shortest of its names."""
    found: dict[int, tuple[str, Any]] = {}
    for module, content in modules():
        for name in getattr(content, "__all__", ()):
            thing = getattr(content, name)
            if not callable(thing) or not getattr(thing, "__module__", "").startswith("taichi_softras"):
                continue
            if isinstance(thing, type) and issubclass(thing, enum.Enum):
                continue
            if module and _is_internal(thing.__module__.removeprefix("taichi_softras.")):
                continue
            full = f"{module}.{name}" if module else name
            known = found.get(id(thing))
            if known is None or full.count(".") < known[0].count("."):
                found[id(thing)] = (full, thing)
    return found


def arguments(thing: Any) -> list[str]:
    """The names of what it takes."""
    if isinstance(thing, type) and dataclasses.is_dataclass(thing):
        return [field.name for field in dataclasses.fields(thing)]
    function = thing.__init__ if isinstance(thing, type) else thing
    return [name for name in inspect.signature(function).parameters if name != "self"]


def resolve(name: str) -> Any:
    """The object of a name in the table."""
    thing: Any = taichi_softras
    parts = name.split(".")
    for i, part in enumerate(parts):
        if not hasattr(thing, part):
            importlib.import_module("taichi_softras." + ".".join(parts[: i + 1]))
        thing = getattr(thing, part)
    return thing


def excuse(name: str) -> str | None:
    return EXCUSED.get(name, EXCUSED.get(name.rsplit(".", 1)[-1]))
