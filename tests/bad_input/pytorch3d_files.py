"""The table of PyTorch3D's drop-in: its files, its lists of tensors, its shapes, and the methods of its meshes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from taichi_softras.interop import pytorch3d
from taichi_softras.interop.pytorch3d.io import mtl_io, obj_io
from taichi_softras.interop.pytorch3d.structures.utils import padded_to_packed

from . import Function, In, Kind, Mistake, Nature, flag, named, nothing, number, path, whole
from .torch_api import SQUARE, tensors

FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])
DEVICE, MANAGER = nothing("as torch takes it"), nothing("an object of iopath's, or None")
TEXT = Nature(lambda good: [Mistake(Kind.TYPE, "text", "text")])
OBJ = "mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf {}\n"


def functions() -> Iterator[Function]:
    yield from _files("interop.pytorch3d.")
    yield from _meshes("interop.pytorch3d.")


def whole_tensors(wrong: tuple[int, ...], n: int) -> Nature:
    def mistakes(good: torch.Tensor | None) -> list[Mistake]:
        good = FACES if good is None else good
        found = [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.DTYPE, "real numbers", good.float())]
        return [*found, Mistake(Kind.SHAPE, str(wrong), torch.zeros(wrong, dtype=torch.int64)), Mistake(Kind.INDEX, "one too large", good + n)]

    return Nature(mistakes)


def _file(folder: Path, name: str = "m.obj", content: str = OBJ.format("1 2 3")) -> Path:
    (folder / name).write_text(content)
    return folder / name


def _obj(content: str) -> In:
    return In(lambda folder: _file(folder, content=content))


def _mesh() -> Any:
    return pytorch3d.Meshes([SQUARE], [FACES])


def _files(p: str) -> Iterator[Function]:
    good_file = In(lambda folder: _file(folder, "m.mtl", "newmtl one\n") and _file(folder))
    reading = {
        "load_textures": flag(),
        "create_texture_atlas": flag(),
        "texture_atlas_size": whole(0, 2**20),
        "texture_wrap": named(),
        "device": DEVICE,
        "path_manager": MANAGER,
    }
    wrong_files = [
        (Kind.INDEX, "a vertex that is not there", {"f": _obj(OBJ.format("1 2 4"))}),
        (Kind.FILE, "texture coordinates at some corners", {"f": _obj(OBJ.format("1/1 2 3"))}),
        (Kind.FILE, "a corner that is none", {"f": _obj(OBJ.format("1 2 x"))}),
    ]
    yield Function(name=p + "load_obj", call=pytorch3d.load_obj, good=lambda: {"f": good_file}, natures={"f": path()} | reading, more=wrong_files)
    yield Function(
        name=p + "load_objs_as_meshes",
        call=pytorch3d.load_objs_as_meshes,
        good=lambda: {"files": [Path("none.obj")]},
        natures={"files": Nature(lambda good: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "none", [])])} | reading,
        more=[(Kind.FILE, "one that is not there", {})],
    )
    yield Function(
        name=p + "save_obj",
        call=pytorch3d.save_obj,
        good=lambda: {"f": In(lambda folder: folder / "m.obj"), "verts": SQUARE, "faces": FACES, "normals": SQUARE, "faces_normals_idx": FACES},
        natures={
            "f": path(missing=False),
            "verts": tensors((4, 2), alone=True),
            "faces": whole_tensors((2, 4), 4),
            "decimal_places": whole(-1, 99),
            "path_manager": MANAGER,
            "normals": tensors((4, 2), alone=True),
            "faces_normals_idx": whole_tensors((2, 4), 4),
            "verts_uvs": Nature(lambda _: tensors((4, 3), alone=True).mistakes(SQUARE[:, :2])),
            "faces_uvs": Nature(lambda _: [m for m in whole_tensors((2, 4), 4).mistakes(None) if m.kind is not Kind.INDEX]),
            "texture_map": Nature(lambda _: tensors((4, 3), alone=True).mistakes(torch.ones(2, 2, 3))),
        },
        more=[
            (Kind.OPTIONS, "normals without indices", {"faces_normals_idx": None}),
            (Kind.INDEX, "`faces_uvs`: one too large", {"faces_uvs": FACES, "verts_uvs": SQUARE[:3, :2]}),
        ],
    )
    yield Function(
        name=p + "load_ply",
        call=pytorch3d.load_ply,
        good=lambda: {"f": In(lambda folder: _file(folder, "m.ply", "no ply"))},
        natures={"f": path(), "path_manager": MANAGER},
        more=[(Kind.FILE, "no PLY file", {})],
    )
    yield Function(
        name=p + "save_ply",
        call=pytorch3d.save_ply,
        good=lambda: {"f": In(lambda folder: folder / "m.ply"), "verts": SQUARE, "faces": FACES, "verts_normals": SQUARE},
        natures={
            "f": path(missing=False),
            "verts": tensors((4, 2), alone=True),
            "faces": whole_tensors((2, 4), 4),
            "verts_normals": tensors((3, 3), alone=True),
            "ascii": flag(),
            "decimal_places": whole(-1, 99),
            "path_manager": MANAGER,
        },
    )
    yield Function(name=p + "IO", call=pytorch3d.IO, good=dict, natures={"include_default_formats": flag(), "path_manager": MANAGER})
    yield Function(
        name=p + "IO.load_mesh",
        call=lambda **given: pytorch3d.IO().load_mesh(**given),
        good=lambda: {"path": In(lambda folder: folder / "m.xyz")},
        natures={
            "path": nothing("a path or a stream, which the formats look at"),
            "include_textures": flag(),
            "device": DEVICE,
            "kwargs": nothing("options of the format"),
        },
        more=[
            (Kind.FILE, "of no format", {}),
            (Kind.FILE, "that is not there", {"path": In(lambda folder: folder / "none.off")}),
            (Kind.OPTIONS, "an option that it has not", {"path": In(lambda folder: folder / "none.ply"), "texture_wrap": "clamp"}),
        ],
    )
    yield Function(
        name=p + "IO.save_mesh",
        call=lambda **given: pytorch3d.IO().save_mesh(**given),
        good=lambda: {"data": _mesh(), "path": In(lambda folder: folder / "m.xyz")},
        natures={
            "data": Nature(lambda _: [Mistake(Kind.TYPE, "a tensor", SQUARE), Mistake(Kind.SHAPE, "two meshes", _mesh().extend(2))]),
            "path": nothing("a path or a stream, which the formats look at"),
            "binary": nothing("True, or False, or None for either"),
            "include_textures": flag(),
            "kwargs": nothing("options of the format"),
        },
        more=[
            (Kind.FILE, "of no format", {}),
            (Kind.OPTIONS, "GLB as a text", {"path": In(lambda folder: folder / "m.glb"), "binary": False}),
        ],
    )
    yield Function(
        name=p + "IO.register_meshes_format",
        call=lambda interpreter: pytorch3d.IO().register_meshes_format(interpreter),
        good=lambda: {"interpreter": obj_io.MeshObjFormat()},
        natures={"interpreter": TEXT},
    )
    yield Function(
        name=p + "io.mtl_io.load_mtl",
        call=mtl_io.load_mtl,
        good=lambda: {"f": In(lambda folder: _file(folder, "m.mtl", "newmtl one\nnewmtl two\n")), "material_names": ["one"], "data_dir": "."},
        natures={
            "f": path(),
            "material_names": nothing("names that the file may have or not"),
            "data_dir": nothing("a folder"),
            "device": DEVICE,
            "path_manager": MANAGER,
        },
        more=[(Kind.OPTIONS, "no name, of two materials", {"material_names": []})],
    )
    yield Function(
        name=p + "io.mtl_io.make_mesh_texture_atlas",
        call=mtl_io.make_mesh_texture_atlas,
        good=lambda: {
            "material_properties": {}, "texture_images": {}, "face_material_names": ["", ""], "faces_uvs": FACES, "verts_uvs": SQUARE[:, :2],
            "texture_size": 2, "texture_wrap": None,
        },
        natures={
            "material_properties": nothing("made by load_mtl"),
            "texture_images": nothing("made by load_mtl"),
            "face_material_names": nothing("made by load_obj"),
            "faces_uvs": nothing("made by load_obj"),
            "verts_uvs": nothing("made by load_obj"),
            "texture_size": whole(0, 2**20),
            "texture_wrap": named(),
        },
    )  # fmt: skip
    yield Function(
        name=p + "io.mtl_io.make_material_atlas",
        call=mtl_io.make_material_atlas,
        good=lambda: {"image": torch.ones(2, 2, 3), "faces_verts_uvs": torch.zeros(1, 3, 2), "texture_size": 2},
        natures={
            "image": nothing("made by load_mtl"),
            "faces_verts_uvs": nothing("made by load_obj"),
            "texture_size": whole(0, 2**20),
        },
    )


def _meshes(p: str) -> Iterator[Function]:
    lists = Nature(
        lambda good: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.TYPE, "a list of numbers", [1.0]),
            Mistake(Kind.SHAPE, "none", []),
        ]
    )
    padded = Nature(
        lambda good: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.DTYPE, "a list", [SQUARE]), Mistake(Kind.SHAPE, "one number", torch.tensor(1.0))]
    )
    sizes = Nature(lambda good: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "of three", [1, 1, 1])])
    two = lambda: [SQUARE, SQUARE[:3]]  # noqa: E731
    yield Function(
        name=p + "list_to_padded",
        call=pytorch3d.list_to_padded,
        good=lambda: {"x": two()},
        natures={
            "x": lists,
            "pad_size": Nature(lambda _: [Mistake(Kind.SHAPE, "of one dimension", (4,)), Mistake(Kind.RANGE, "too small", (2, 3))]),
            "pad_value": nothing("any number"),
            "equisized": nothing("True or False of any value"),
        },
        called={"pad_size": "x"},
    )
    yield Function(name=p + "list_to_packed", call=pytorch3d.list_to_packed, good=lambda: {"x": two()}, natures={"x": lists})
    yield Function(
        name=p + "padded_to_list",
        call=pytorch3d.padded_to_list,
        good=lambda: {"x": torch.ones(2, 4, 3), "split_size": [4, 3]},
        natures={"x": padded, "split_size": sizes},
    )
    yield Function(
        name=p + "packed_to_list",
        call=pytorch3d.packed_to_list,
        good=lambda: {"x": torch.ones(7, 3), "split_size": [4, 3]},
        natures={"x": padded, "split_size": nothing("as torch.split takes it")},
    )
    yield Function(
        name=p + "structures.utils.padded_to_packed",
        call=padded_to_packed,
        good=lambda: {"x": torch.ones(2, 4, 3), "split_size": [4, 3]},
        natures={
            "x": padded,
            "split_size": sizes,
            "pad_value": Nature(lambda _: [Mistake(Kind.OPTIONS, "besides split_size", 0.0)]),
        },
    )
    mesh_list = Nature(lambda good: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.TYPE, "a list of tensors", [SQUARE])])
    colored = lambda: pytorch3d.Meshes([SQUARE], [FACES], pytorch3d.TexturesVertex([SQUARE]))  # noqa: E731
    for name in ("join_meshes_as_batch", "join_meshes_as_scene"):
        yield Function(
            name=p + name,
            call=getattr(pytorch3d, name),
            good=lambda: {"meshes": [_mesh()]},
            natures={"meshes": mesh_list, "include_textures": flag()},
            more=[(Kind.OPTIONS, "textures of one of two", {"meshes": [_mesh(), colored()]})],
        )
    yield Function(
        name=p + "ico_sphere", call=pytorch3d.ico_sphere, good=dict, natures={"level": whole(-1, 99), "device": DEVICE}
    )  # fmt: skip
    yield Function(
        name=p + "torus",
        call=pytorch3d.torus,
        good=lambda: {"r": 0.3, "R": 1.0, "sides": 3, "rings": 3},
        natures={"r": number(), "R": number(), "sides": whole(0, 2**20), "rings": whole(0, 2**20), "device": DEVICE},
    )
    color = Nature(lambda good: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "a number", 1.0)])
    yield Function(
        name=p + "checkerboard",
        call=pytorch3d.checkerboard,
        good=dict,
        natures={"radius": whole(0, 2**20), "color1": color, "color2": color, "device": DEVICE},
        more=[(Kind.SHAPE, "of three and of four", {"color2": (1.0, 1.0, 1.0, 1.0)})],
    )
    yield Function(
        name=p + "Meshes.update_padded",
        call=lambda new_verts_padded: _mesh().update_padded(new_verts_padded),
        good=lambda: {"new_verts_padded": SQUARE[None]},
        natures={"new_verts_padded": tensors((1, 3, 3), alone=True)},
    )
    yield Function(
        name=p + "Meshes.scale_verts",
        call=lambda scale: _mesh().scale_verts(scale),
        good=dict,
        natures={"scale": Nature(lambda _: [Mistake(Kind.SHAPE, "of two", torch.ones(2))])},
    )
    yield Function(
        name=p + "Meshes.split",
        call=lambda split_sizes: _mesh().split(split_sizes),
        good=dict,
        natures={"split_sizes": Nature(lambda _: [Mistake(Kind.TYPE, "1.5", [1.5]), Mistake(Kind.RANGE, "too many", [2])])},
    )
    yield Function(
        name=p + "Meshes.get_mesh_verts_faces",
        call=lambda index: _mesh().get_mesh_verts_faces(index),
        good=dict,
        natures={"index": whole(-1, 1)},
    )
    yield Function(
        name=p + "Meshes.submeshes",
        call=lambda face_indices: _mesh().submeshes(face_indices),
        good=dict,
        natures={
            "face_indices": Nature(
                lambda _: [
                    Mistake(Kind.SHAPE, "of two meshes", [[], []]),
                    Mistake(Kind.DTYPE, "real numbers", [[torch.tensor([0.0])]]),
                    Mistake(Kind.INDEX, "one too large", [[torch.tensor([2])]]),
                ]
            )
        },
    )
    yield Function(
        name=p + "Meshes.to",
        call=lambda **given: _mesh().to(**given),
        good=lambda: {"device": "cpu"},
        natures={"device": DEVICE, "copy": flag()},
    )
