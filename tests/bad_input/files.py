"""The table of what is read from files, which nobody vouches for: unreadable ones and hostile ones."""

import base64
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import taichi_softras as ts
from taichi_softras.recover import fit, views

from . import Function, In, Kind, Mistake, Nature, flag, path
from .standalone import views_of_a_square

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
TEXTURED = TRIANGLE + "vt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\n"
WITH_PICTURE = "mtllib m.mtl\nusemtl a\n" + TEXTURED


class Payload:
    """Unpickled, it makes a file: the proof that a program of a stranger has run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def payload(folder: Path) -> bytes:
    return pickle.dumps(Payload(folder / "executed"))


def png(height: int, width: int, rows: bytes = b"") -> bytes:
    """An RGBA picture that says it is so large."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows or bytes(100))) + chunk(b"IEND", b"")


def cut_png() -> bytes:
    rows = b"".join(b"\0" + np.random.default_rng(row).bytes(4 * 64) for row in range(64))
    return png(64, 64, rows)[:9000]


def small_png() -> bytes:
    return png(2, 2, (b"\0" + bytes([255] * 8)) * 2)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\n(executed) (w) file closefile\nshowpage\n"


def gltf(**changed: Any) -> str:
    """One triangle."""
    numbers = np.array([0, 0, 0, 1, 0, 0, 0, 1, 0], "<f4").tobytes() + np.array([0, 1, 2], "<u2").tobytes()
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 3, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": 36}, {"buffer": 0, "byteOffset": 36, "byteLength": 6}],
        "buffers": [{"byteLength": 42, "uri": "data:application/octet-stream;base64," + base64.b64encode(numbers).decode()}],
    }
    return json.dumps(tree | changed)


def glb(tree: str, length: int | None = None) -> bytes:
    content = tree.encode()
    content += b" " * (-len(content) % 4)
    return struct.pack("<4sII", b"glTF", 2, 20 + len(content)) + struct.pack("<II", len(content) if length is None else length, 0x4E4F534A) + content


def accessors(*counts: int, view: bool = True) -> list[dict]:
    kinds = (("VEC3", 5126), ("SCALAR", 5123))
    return [
        ({"bufferView": i} if view else {}) | {"componentType": component, "count": count, "type": kind}
        for i, (count, (kind, component)) in enumerate(zip(counts, kinds, strict=True))
    ]


def data(content: bytes, **changed: Any) -> dict:
    """A buffer within the text."""
    return {"byteLength": len(content), "uri": "data:application/octet-stream;base64," + base64.b64encode(content).decode()} | changed


def strip(mode: int = 5) -> list[dict]:
    return [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "mode": mode}]}]


def sparse(count: int = 1) -> list[dict]:
    """A triangle one of whose vertices is said elsewhere; which one, is what the upper half of a 1.0 says: the 16256th."""
    places = {"count": count, "indices": {"bufferView": 0, "byteOffset": 14, "componentType": 5123}, "values": {"bufferView": 0}}
    return [accessors(3, 3)[0] | {"sparse": places}, accessors(3, 3)[1]]


def many_instances() -> str:
    """2^14 primitives of one triangle each, 2^14 times."""
    return gltf(meshes=[{"primitives": [{"attributes": {"POSITION": 0}}] * (1 << 14)}], nodes=[{"mesh": 0}] * (1 << 14), scenes=[{"nodes": [*range(1 << 14)]}])


def skinned() -> str:
    """The second joint of two is missing: the vertices' bytes are their joints, too."""
    joints = {"bufferView": 0, "byteOffset": 12, "componentType": 5121, "count": 3, "type": "VEC4"}
    attributes = {"POSITION": 0, "JOINTS_0": 2, "WEIGHTS_0": 2}
    return gltf(
        accessors=[*accessors(3, 3), joints], meshes=[{"primitives": [{"attributes": attributes}]}], nodes=[{"mesh": 0, "skin": 0}], skins=[{"joints": [0]}]
    )


def morphed() -> str:
    primitives = [{"attributes": {"POSITION": 0}, "targets": [{"POSITION": 2}]}]
    return gltf(accessors=[*accessors(3, 3), accessors(2, 3)[0]], meshes=[{"primitives": primitives, "weights": [1]}])


def with_picture(content: bytes) -> str:
    uvs = {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC2"}
    return gltf(
        accessors=[*accessors(3, 3), uvs],
        images=[{"uri": "data:image/png;base64," + base64.b64encode(content).decode()}],
        textures=[{"source": 0}],
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        meshes=[{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "material": 0}]}],
    )


def file(name: str, content: str | bytes | Callable[[Path], str | bytes], **beside: str | bytes) -> In:
    """A file, and others beside it (a ``_`` in their names stands for a dot)."""

    def make(folder: Path) -> Path:
        given = content(folder) if callable(content) else content
        for other, text in {name: given, **{key.replace("_", "."): value for key, value in beside.items()}}.items():
            (folder / other).write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder / name

    return In(make)


def truncated(name: str, part: float) -> In:
    def make(folder: Path) -> Path:
        whole = folder / f"whole{Path(name).suffix}"
        ts.Mesh.icosphere(1).save(whole)
        (folder / name).write_bytes(whole.read_bytes()[: int(part * whole.stat().st_size)])
        return folder / name

    return In(make)


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "p.obj")
    return folder / "p.obj"


def outside(folder: Path, what: str, content: bytes) -> str:
    """The absolute path of a file that is not near."""
    place = folder / "far" / "away"
    place.mkdir(parents=True)
    (place / what).write_bytes(content)
    return str(place / what)


def obj_with_far_picture(folder: Path) -> Path:
    home = folder / "far" / "from" / "home"
    home.mkdir(parents=True)
    (folder / "t.png").write_bytes(small_png())
    (home / "m.mtl").write_text(f"newmtl a\nmap_Kd {folder / 't.png'}\n")
    (home / "m.obj").write_text(WITH_PICTURE)
    return home / "m.obj"


def obj_with_far_library(folder: Path) -> Path:
    home = folder / "far" / "from" / "home"
    home.mkdir(parents=True)
    (folder / "secret").write_text("newmtl a\n")
    (home / "m.obj").write_text("mtllib ../../../secret\nusemtl a\n" + TEXTURED)
    return home / "m.obj"


def gltf_with_far_buffer(folder: Path) -> Path:
    home = folder / "far" / "from" / "home"
    home.mkdir(parents=True)
    (folder / "secret.bin").write_bytes(bytes(42))
    (home / "m.gltf").write_text(gltf(buffers=[{"byteLength": 42, "uri": str(folder / "secret.bin")}]))
    return home / "m.gltf"


PFM = b"Pf\n1 2\n-1.0\n" + np.array([0.0, 255.0], "<f4").tobytes()
DEEP = "[" * 100_000 + "]" * 100_000
HUGE_PLY = "ply\nformat binary_little_endian 1.0\nelement vertex 4000000000\nproperty float x\nproperty float y\nproperty float z\nelement face 1\n"
HUGE_PLY += "property list uchar int vertex_indices\nend_header\n"
PLY = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\n"
PLY += "property list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n"
OFF = "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n"
MESH_FILES: list[tuple[str, In]] = [
    ("an empty OBJ file", file("m.obj", "")),
    ("a GLB file that ends early", truncated("m.glb", 0.5)),
    ("a PLY file that ends early", truncated("m.ply", 0.5)),
    ("an STL file that ends early", truncated("m.stl", 0.5)),
    ("an OFF file that ends early", file("m.off", "OFF\n4 2 0\n0 0 0\n1 0 0\n")),
    ("prose, called .ply", file("m.ply", "this is no mesh\n")),
    ("a file of a kind that we do not read", file("m.fbx", "")),
    ("a folder", In(lambda folder: folder.joinpath("m.obj").mkdir() or folder / "m.obj")),
    ("a named pipe", In(pipe)),
    ("a name that no file can have", In(lambda folder: folder / ("m" * 300 + ".obj"))),
    ("an OBJ face with a vertex too many", file("m.obj", TRIANGLE + "f 1 2 9\n")),
    ("an OBJ face with 10^12", file("m.obj", TEXTURED + "f 1/1 2/2 1000000000000/3\n")),
    ("an OBJ face with 10^30", file("m.obj", TEXTURED + "f 1/1 2/2 1" + "0" * 30 + "/3\n")),
    ("an OBJ face that counts back too far", file("m.obj", TEXTURED + "f 1/1 2/2 -7/3\n")),
    ("an OBJ face with the vertex 0", file("m.obj", TEXTURED + "f 1/1 2/2 0/3\n")),
    ("an OBJ texture coordinate too many", file("m.obj", TEXTURED + "f 1/1 2/2 3/9\n")),
    ("an OBJ face of two corners", file("m.obj", TEXTURED + "f 1/1 2/2\n")),
    ("an OBJ face with a corner that is text", file("m.obj", TEXTURED + "f 1 2 three\n")),
    ("an OBJ face of 10^6 slashes", file("m.obj", TRIANGLE + "f " + "/" * 10**6)),
    ("an OBJ texture coordinate that is NaN", file("m.obj", TEXTURED.replace("vt 1 0", "vt nan 0"))),
    ("an OBJ vertex that is text", file("m.obj", TEXTURED.replace("v 0 1 0", "v 0 one 0"))),
    ("an OBJ vertex that is NaN", file("m.obj", TEXTURED.replace("v 0 1 0", "v 0 nan 0"))),
    ("an OBJ vertex of 10^400", file("m.obj", TEXTURED.replace("v 0 1 0", "v 0 1e400 0"))),
    ("an OBJ vertex of 10^30", file("m.obj", TEXTURED.replace("v 0 1 0", "v 0 1e30 0"))),
    ("an OBJ vertex of two numbers", file("m.obj", TEXTURED.replace("v 0 1 0", "v 0 1"))),
    ("a texture of 1 kB that stands for 10^10 pixels", file("m.obj", WITH_PICTURE, m_mtl="newmtl a\nmap_Kd t.png\n", t_png=png(100_000, 100_000))),
    ("a texture that ends early", file("m.obj", WITH_PICTURE, m_mtl="newmtl a\nmap_Kd t.png\n", t_png=cut_png())),
    ("a texture that is a program (EPS)", file("m.obj", WITH_PICTURE, m_mtl="newmtl a\nmap_Kd t.png\n", t_png=EPS)),
    ("a texture of floats up to 255", file("m.obj", WITH_PICTURE, m_mtl="newmtl a\nmap_Kd t.png\n", t_png=PFM)),
    ("a texture far from the mesh", In(obj_with_far_picture)),
    ("a material file far from the mesh", In(obj_with_far_library)),
    ("a glTF buffer far from the mesh", In(gltf_with_far_buffer)),
    ("a glTF buffer that is a device", file("m.gltf", gltf(buffers=[{"byteLength": 42, "uri": "/dev/zero"}]))),
    ("a glTF index too large", file("m.gltf", gltf(accessors=accessors(2, 3)))),
    ("a glTF file that says 10^12 vertices", file("m.gltf", gltf(accessors=accessors(10**12, 3)))),
    ("a glTF file that says 10^12 vertices, and has none", file("m.gltf", gltf(accessors=accessors(10**12, 3, view=False)))),
    ("a glTF file that is nested 100000 deep", file("m.gltf", DEEP)),
    ("a GLB file whose text is said to be shorter than it is", file("m.glb", glb(gltf(), 100))),
    ("a GLB file whose text is said to be longer than it is", file("m.glb", glb(gltf(), 10**9))),
    ("a GLB file of version 1", file("m.glb", glb(gltf()).replace(b"glTF\2", b"glTF\1"))),
    ("a glTF file of version 1", file("m.gltf", gltf(asset={"version": "1.0"}))),
    ("a glTF file that needs what is not read", file("m.gltf", gltf(extensionsRequired=["KHR_texture_basisu"]))),
    ("a glTF file of points", file("m.gltf", gltf(meshes=[{"primitives": [{"attributes": {"POSITION": 0}, "mode": 0}]}]))),
    ("a glTF strip of one corner", file("m.gltf", gltf(meshes=strip(), accessors=accessors(1, 1)))),
    ("a glTF list of four corners", file("m.gltf", gltf(meshes=strip(mode=4), accessors=accessors(3, 4)))),
    ("glTF vertices that are NaN", file("m.gltf", gltf(buffers=[data(np.full(9, np.nan, "<f4").tobytes() + bytes(6))]))),
    ("glTF positions of two numbers", file("m.gltf", gltf(accessors=[{**accessors(3, 3)[0], "type": "VEC2"}, accessors(3, 3)[1]]))),
    ("glTF indices that are floats", file("m.gltf", gltf(accessors=[accessors(3, 3)[0], {**accessors(3, 3)[1], "componentType": 5126}]))),
    ("a glTF type of number that there is not", file("m.gltf", gltf(accessors=[{**accessors(3, 3)[0], "componentType": 5124}, accessors(3, 3)[1]]))),
    ("a glTF accessor beyond its bytes", file("m.gltf", gltf(accessors=[{**accessors(3, 3)[0], "byteOffset": 4}, accessors(3, 3)[1]]))),
    ("a glTF view beyond its buffer", file("m.gltf", gltf(bufferViews=[{"buffer": 0, "byteOffset": 10**12, "byteLength": 36}] * 2))),
    ("a glTF view that begins before its buffer", file("m.gltf", gltf(bufferViews=[{"buffer": 0, "byteOffset": -4, "byteLength": 36}] * 2))),
    ("a glTF stride of 10^12", file("m.gltf", gltf(bufferViews=[{"buffer": 0, "byteLength": 42, "byteStride": 10**12}] * 2))),
    ("a glTF stride of 0", file("m.gltf", gltf(bufferViews=[{"buffer": 0, "byteLength": 42, "byteStride": 0}] * 2))),
    ("a glTF buffer that is shorter than it says", file("m.gltf", gltf(buffers=[data(bytes(42), byteLength=10**12)]))),
    ("a glTF buffer without data", file("m.gltf", gltf(buffers=[{"byteLength": 42}]))),
    ("a glTF sparse index too large", file("m.gltf", gltf(accessors=sparse()))),
    ("a glTF sparse array of 10^12 values", file("m.gltf", gltf(accessors=sparse(count=10**12)))),
    ("a glTF node within itself", file("m.gltf", gltf(nodes=[{"mesh": 0, "children": [1]}, {"children": [0]}]))),
    ("a glTF node within two", file("m.gltf", gltf(nodes=[{"children": [2]}, {"children": [2]}, {"mesh": 0}]))),
    ("a glTF node that there is not", file("m.gltf", gltf(scenes=[{"nodes": [7]}]))),
    ("a glTF matrix with NaN", file("m.gltf", gltf(nodes=[{"mesh": 0, "matrix": [float("nan")] * 16}]))),
    ("a glTF scale of 10^30", file("m.gltf", gltf(nodes=[{"mesh": 0, "scale": [1e30] * 3}]))),
    ("a glTF mesh that is shown 10^8 times", file("m.gltf", many_instances())),
    ("a glTF skin of joints that there are not", file("m.gltf", skinned())),
    ("a glTF morph target of two vertices", file("m.gltf", morphed())),
    ("a glTF material that there is not", file("m.gltf", gltf(meshes=[{"primitives": [{"attributes": {"POSITION": 0}, "material": 3}]}]))),
    ("a glTF picture that is prose", file("m.gltf", with_picture(b"not a picture"))),
    ("a glTF picture of 1 kB that stands for 10^10 pixels", file("m.gltf", with_picture(png(100_000, 100_000)))),
    ("a PLY file that says 4 * 10^9 vertices", file("m.ply", HUGE_PLY)),
    ("a PLY header with a type that there is not", file("m.ply", PLY.replace("int vertex", "half vertex") + "3 0 1 2\n")),
    ("a PLY text with a word in it", file("m.ply", PLY + "3 0 one 2\n")),
    ("a PLY text with more numbers than it says", file("m.ply", PLY + "3 0 1 2 255 0 0\n")),
    ("a PLY face with a vertex too many", file("m.ply", PLY + "3 0 1 9\n")),
    ("a PLY face of two corners", file("m.ply", PLY + "2 0 1\n")),
    ("a PLY list of 2.5 things", file("m.ply", PLY + "2.5 0 1 2\n")),
    ("PLY strips of one vertex", file("m.ply", PLY.replace("face 1", "tristrips 1") + "1 0\n")),
    ("a PLY file of points", file("m.ply", PLY.replace("face 1", "face 0"))),
    ("an OFF file that says 4 * 10^9 faces", file("m.off", OFF.replace("3 1", "3 4000000000") + "3 0 1 2\n")),
    ("an OFF face with a vertex too many", file("m.off", OFF + "3 0 1 9\n")),
    ("an OFF face that names two of three corners", file("m.off", OFF + "3 0 1\n")),
    ("an OFF file whose header says colours that are not there", file("m.off", "C" + OFF + "3 0 1 2\n")),
    ("an OFF file of four dimensions", file("m.off", "4" + OFF + "3 0 1 2\n")),
    ("an OFF face with the number of a colour in a table", file("m.off", OFF + "3 0 1 2 7\n")),
    ("an OFF file that is binary", file("m.off", OFF.replace("OFF", "OFF BINARY"))),
    ("an STL text that ends early", file("m.stl", "solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n")),
    ("an STL file that says 2^32 - 1 triangles", file("m.stl", bytes(80) + b"\xff\xff\xff\xff" + bytes(50))),
    ("a pickle, called .obj", file("m.obj", payload)),
    ("a pickle, called .ply", file("m.ply", payload)),
]


def frames(**changed: Any) -> str:
    frame = {"file_path": "a", "transform_matrix": np.eye(4).tolist()}
    return json.dumps({"camera_angle_x": 0.8, "frames": [frame | changed.pop("frame", {})]} | changed)


def views_folder(text: str | bytes | Callable[[Path], bytes], picture: bytes | None = None, **more: bytes) -> In:
    def make(folder: Path) -> Path:
        content = text(folder) if callable(text) else text
        (folder / "transforms.json").write_bytes(content if isinstance(content, bytes) else content.encode())
        for name, given in {"a_png": small_png() if picture is None else picture, **more}.items():
            (folder / name.replace("_", ".")).write_bytes(given)
        return folder

    return In(make)


def opaque_png() -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (2, 2)).save(content, "PNG")
    return content.getvalue()


def far_picture(folder: Path) -> Path:
    home = folder / "far" / "from" / "home"
    home.mkdir(parents=True)
    (folder / "a.png").write_bytes(small_png())
    (home / "transforms.json").write_text(frames(frame={"file_path": str(folder / "a.png")}))
    return home


TWO = [{"file_path": name, "transform_matrix": np.eye(4).tolist()} for name in "ab"]
VIEWS: list[tuple[str, In]] = [
    ("an empty list", views_folder("")),
    ("a list that is cut off", views_folder(frames()[:-20])),
    ("a list that is nested 100000 deep", views_folder(DEEP)),
    ("a list of no frames", views_folder(json.dumps({"camera_angle_x": 0.8, "frames": []}))),
    ("frames that are no frames", views_folder(json.dumps({"frames": [5]}))),
    ("a matrix of 3 x 3", views_folder(frames(frame={"transform_matrix": np.eye(3).tolist()}))),
    ("a matrix with NaN", views_folder(frames(frame={"transform_matrix": (np.eye(4) * np.nan).tolist()}))),
    ("a matrix that is not invertible", views_folder(frames(frame={"transform_matrix": np.zeros((4, 4)).tolist()}))),
    ("a matrix with another last row", views_folder(frames(frame={"transform_matrix": (np.eye(4) * 2).tolist()}))),
    ("a matrix that is a mirror", views_folder(frames(frame={"transform_matrix": np.diag([1.0, 1, -1, 1]).tolist()}))),
    ("a matrix that stretches", views_folder(frames(frame={"transform_matrix": np.diag([1.0, 1, 2, 1]).tolist()}))),
    ("a focal length of NaN", views_folder(frames(fl_x=float("nan")))),
    ("a focal length of 10^400", views_folder(frames().replace("0.8", '0.8, "fl_x": 1' + "0" * 400))),
    ("a focal length that is a list", views_folder(frames(fl_x=[1, 2]))),
    ("a focal length that is text", views_folder(frames(fl_x="long"))),
    ("no focal length", views_folder(json.dumps({"frames": TWO[:1]}))),
    ("a lens that we do not know", views_folder(frames(camera_model="EQUIRECTANGULAR"))),
    ("a lens of instant-ngp's that we do not know", views_folder(frames(equirectangular=True))),
    ("lenses of two kinds", views_folder(frames(frames=[TWO[0] | {"is_fisheye": True}, TWO[1]]), b_png=small_png())),
    ("a pinhole that is a fisheye", views_folder(frames(camera_model="PINHOLE", is_fisheye=True))),
    ("a coefficient that a fisheye does not have", views_folder(frames(camera_model="OPENCV_FISHEYE", p1=0.1))),
    ("a coefficient of which there are two", views_folder(frames(camera_model="OPENCV", k4=0.1))),
    ("a coefficient that is text", views_folder(frames(k1="much"))),
    ("a coefficient that is NaN", views_folder(frames(k1=float("nan")))),
    ("two of nerfstudio's six coefficients", views_folder(frames(distortion_params=[0.1, 0.2]))),
    ("a frame of another size than its picture", views_folder(frames(frame={"w": 4, "h": 2}))),
    ("pictures of other proportions", views_folder(frames(w=400, h=100))),
    ("a picture that is not there", views_folder(frames(frame={"file_path": "c"}))),
    ("a picture far from the list", In(far_picture)),
    ("a picture that ends early", views_folder(frames(), cut_png())),
    ("a picture that is prose", views_folder(frames(), b"not a picture")),
    ("a picture that is a program (EPS)", views_folder(frames(), EPS)),
    ("a picture of 1 kB that stands for 10^10 pixels", views_folder(frames(), png(100_000, 100_000))),
    ("a picture without alpha", views_folder(frames(), opaque_png())),
    ("pictures of two sizes, where the list says one", views_folder(frames(frames=TWO, w=2, h=2), b_png=png(1, 2, b"\0" + bytes(8)))),
    ("a pickle", views_folder(payload)),
]


def colmap_folder(changed: dict[str, bytes] | None = None) -> In:
    """A model of one pinhole, binary, with its picture and mask; files changed."""
    camera = struct.pack("<QIiQQ4d", 1, 1, 1, 2, 2, 2.0, 2.0, 1.0, 1.0)
    image = struct.pack("<QI7dI", 1, 1, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 1) + b"a.png\0" + struct.pack("<Q", 0)
    good = {"sparse/0/cameras.bin": camera, "sparse/0/images.bin": image, "sparse/0/points3D.bin": bytes(8), "images/a.png": small_png()}

    def make(folder: Path) -> Path:
        for name, content in (good | (changed or {})).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder

    return In(make)


def arrays_folder(**arrays: Any) -> In:
    """NeuS's cameras."""

    def make(folder: Path) -> Path:
        (folder / "image").mkdir()
        (folder / "image" / "000.png").write_bytes(opaque_png())
        np.savez(folder / "cameras_sphere.npz", **arrays)
        return folder

    return In(make)


def middlebury_folder(text: str) -> In:
    def make(folder: Path) -> Path:
        (folder / "m_par.txt").write_text(text)
        return folder

    return In(make)


CAPTURES: list[tuple[str, In]] = [
    ("that holds no cameras", In(lambda folder: folder)),
    ("cameras of COLMAP's that end early", colmap_folder({"sparse/0/cameras.bin": struct.pack("<QIiQQ2d", 1, 1, 1, 2, 2, 2.0, 2.0)})),
    ("pictures of COLMAP's, of which there are said to be 2^40", colmap_folder({"sparse/0/images.bin": struct.pack("<Q", 2**40)})),
    ("no pictures of COLMAP's", colmap_folder({"sparse/0/images.bin": bytes(8)})),
    ("points of COLMAP's, of which there are said to be 2^64 - 1", colmap_folder({"sparse/0/points3D.bin": b"\xff" * 8})),
    ("a camera model of COLMAP's that we do not know", colmap_folder({"sparse/0/cameras.bin": struct.pack("<QIiQQ5d", 1, 1, 7, 2, 2, 2, 2, 1, 1, 0.1)})),
    ("arrays of NeuS's without cameras", arrays_folder(a=np.eye(4))),
    ("a camera of NeuS's that is none", arrays_folder(world_mat_0=np.zeros((4, 4)))),
    ("two cameras of NeuS's for one picture", arrays_folder(world_mat_0=np.eye(4), world_mat_1=np.eye(4))),
    ("a pose of DVR's without its camera", arrays_folder(world_mat_0=np.eye(4))),
    ("a camera of DVR's that counts pixels", arrays_folder(world_mat_0=np.eye(4), camera_mat_0=np.array([[9, 0, 9], [0, 9, 9], [0, 0, 1.0]]))),
    ("a folder with cameras of Metashape's", In(lambda folder: file("cameras.xml", "<document/>").make(folder).parent)),
    ("cameras of Metashape's", file("cameras.xml", "<document/>")),
    ("a list of Middlebury's that ends early", middlebury_folder("2\na.png 1 0 0\n")),
]


def saved_fit(folder: Path, **changed: Any) -> Path:
    """A saved fit, changed: arrays by their names, facts within ``facts``. (It begins with a given mesh, which takes no kernel.)"""
    seen = views_of_a_square()
    fit.Fit(seen, fit.FitOptions(steps=6, refine_cameras=True), start=fit.initial_sphere(seen)).save(folder / "good.npz")
    with np.load(folder / "good.npz") as saved:
        arrays = dict(saved)
    facts = json.loads(str(arrays["facts"])) | changed.pop("facts", {})
    changed = {name: change(arrays[name]) if callable(change) else change for name, change in changed.items()}
    np.savez(folder / "fit.npz", **(arrays | {"facts": json.dumps(facts)} | changed))
    return folder / "fit.npz"


def zip_bomb(folder: Path) -> Path:
    """A few bytes that stand for two gigabytes, by their own word."""
    with zipfile.ZipFile(folder / "fit.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vertices.npy", bytes(1000))
        archive.filelist[0].file_size = 2**31
    return folder / "fit.npz"


def lying_npz(folder: Path) -> Path:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**50,)})
    with zipfile.ZipFile(folder / "fit.npz", "w") as archive:
        archive.writestr("facts.npy", header.getvalue())
    return folder / "fit.npz"


def npz_of_objects(folder: Path) -> Path:
    return saved_fit(folder, vertices=np.array([Payload(folder / "executed")], object))


def npz_of_a_pickle(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "fit.npz", "w") as archive:
        archive.writestr("facts.npy", payload(folder))
        archive.writestr("data.pkl", payload(folder))
    return folder / "fit.npz"


FITS: list[tuple[str, In]] = [
    ("an empty file", file("fit.npz", "")),
    ("a pickle", file("fit.npz", payload)),
    ("an .npz file with pickled objects", In(npz_of_objects)),
    ("an .npz file with a pickle in the place of an array", In(npz_of_a_pickle)),
    ("an .npz file without the arrays", In(lambda folder: np.savez(folder / "fit.npz", a=0) or folder / "fit.npz")),
    ("an .npz file of a few bytes that stands for two gigabytes", In(zip_bomb)),
    ("an .npz file that says 2^50 numbers", In(lying_npz)),
    ("a saved fit that ends early", In(lambda folder: file("cut.npz", saved_fit(folder).read_bytes()[:2000]).make(folder))),
    ("facts that are no JSON", In(lambda folder: saved_fit(folder, facts={}) and saved_fit_with(folder, "{"))),
    ("facts that are nested 100000 deep", In(lambda folder: saved_fit(folder) and saved_fit_with(folder, DEEP))),
    ("a stage that there is not", In(lambda folder: saved_fit(folder, facts={"stage": 99}))),
    ("options that are out of range", In(lambda folder: saved_fit(folder, facts={"options": {"steps": -1}}))),
    ("a queue of pictures that there are not", In(lambda folder: saved_fit(folder, facts={"queue": [7]}))),
    ("other pictures", In(lambda folder: saved_fit(folder, facts={"pictures": [["x"], [1, 1]]}))),
    ("faces that point beyond the vertices", In(lambda folder: saved_fit(folder, faces=np.array([[0, 1, 10**9]])))),
    ("vertices that are NaN", In(lambda folder: saved_fit(folder, vertices=lambda good: good * np.nan))),
    ("vertices of another shape", In(lambda folder: saved_fit(folder, coordinates=np.zeros((5, 3))))),
    ("a start that there is not", In(lambda folder: saved_fit(folder, facts={"options": {"start": "cube"}}))),
    ("options without a start", In(lambda folder: saved_fit(folder, facts={"options": {}}))),
    ("fewer gains than pictures", In(lambda folder: saved_fit(folder, gains=np.ones((1, 3))))),
    ("turns of cameras that are NaN", In(lambda folder: saved_fit(folder, turns=lambda good: good * np.nan))),
    ("no moments of the cameras", In(lambda folder: saved_fit(folder, facts={"adam_steps": [0, 0]}))),
]


def saved_fit_with(folder: Path, facts: str) -> Path:
    with np.load(folder / "good.npz") as saved:
        np.savez(folder / "fit.npz", **(dict(saved) | {"facts": facts}))
    return folder / "fit.npz"


def files(given: list[tuple[str, In]]) -> Nature:
    return Nature(lambda good: [*path().mistakes(good), *(Mistake(Kind.FILE, what, value) for what, value in given)])


def functions() -> Iterator[Function]:
    yield Function(name="Mesh.load", call=ts.Mesh.load, good=lambda: {"path": file("m.obj", TEXTURED)}, natures={"path": files(MESH_FILES)})
    split = Nature(lambda _: [Mistake(Kind.TYPE, "a number", 5), Mistake(Kind.RANGE, "'../x'", "../x")])
    yield Function(
        name="recover.Views.load", call=views.Views.load, good=lambda: {"folder": views_folder(frames())}, natures={"folder": files(VIEWS), "split": split}
    )
    masks = Nature(lambda _: [Mistake(Kind.TYPE, "a number", 5), Mistake(Kind.FILE, "that is not there", In(lambda folder: folder / "none"))])
    yield Function(
        name="Capture.open",
        call=ts.Capture.open,
        good=lambda: {"source": colmap_folder()},
        natures={"source": files(CAPTURES), "split": split, "masks": masks, "segment": flag()},
        called={"source": "FOLDER"},
        more=[
            (Kind.OPTIONS, "masks to be found, and no folder to write them to", {"segment": True}),
            (Kind.FILE, "a folder of masks without one for the picture", {"masks": In(lambda folder: folder)}),
        ],
    )
    size = Nature(lambda _: [Mistake(Kind.TYPE, "1.5", 1.5), Mistake(Kind.RANGE, "0", 0)])
    indices = [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.INDEX, "one too large", [1]), Mistake(Kind.INDEX, "a negative one", [-1])]
    which = Nature(lambda _: [*indices, Mistake(Kind.DTYPE, "real numbers", np.array([0.0])), Mistake(Kind.SHAPE, "(1, 1)", np.array([[0]]))])
    yield Function(
        name="Capture.views",
        call=lambda source, size=None, which=None: ts.Capture.open(source).views(size, which),
        good=lambda: {"source": colmap_folder()},
        natures={"size": size, "which": which},
        more=[
            (Kind.FILE, "a picture without alpha and without a mask", {"source": colmap_folder({"images/a.png": opaque_png()})}),
            (Kind.FILE, "a mask of another size", {"source": colmap_folder({"masks/a.png": png(1, 0, b"\0\0")})}),
            (Kind.FILE, "a mask that is empty", {"source": colmap_folder({"images/a.png": opaque_png(), "masks/a.png": opaque_png()})}),
            (Kind.FILE, "a mask that ends early", {"source": colmap_folder({"masks/a.png": small_png()[:-20]})}),
        ],
    )
    yield Function(
        name="Capture.select",
        call=lambda source, which: ts.Capture.open(source).select(which),
        good=lambda: {"source": colmap_folder()},
        natures={"which": which},
    )
    yield Function(
        name="recover.Fit.load",
        call=fit.Fit.load,
        good=lambda: {"path": In(saved_fit), "views": views_of_a_square()},
        natures={"path": files(FITS), "views": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text")])},
    )


def torch_functions() -> Iterator[Function]:
    from taichi_softras.interop import soft_renderer

    from . import named, nothing, whole

    library = "newmtl a\nmap_Kd t.png\n"
    shapes = [entry for entry in MESH_FILES if entry[0].startswith(("an empty OBJ", "an OBJ face", "an OBJ vertex", "a folder", "a named pipe", "a pickle"))]
    shapes = [(what, value) for what, value in shapes if what not in ("an OBJ face of two corners", "an OBJ vertex of 10^30", "a pickle, called .ply")]
    shapes += [
        ("no material file is named", file("m.obj", TEXTURED)),
        ("a material file that is not there", file("m.obj", WITH_PICTURE)),
        ("a texture that is not there", file("m.obj", WITH_PICTURE, m_mtl=library)),
        ("a colour that is text", file("m.obj", WITH_PICTURE, m_mtl="newmtl a\nKd r g b\n")),
        ("a colour of two numbers", file("m.obj", WITH_PICTURE, m_mtl="newmtl a\nKd 1 1\n")),
        ("a texture of 1 kB that stands for 10^10 pixels", file("m.obj", WITH_PICTURE, m_mtl=library, t_png=png(100_000, 100_000))),
        ("a texture that ends early", file("m.obj", WITH_PICTURE, m_mtl=library, t_png=cut_png())),
        ("a texture that is a program (EPS)", file("m.obj", WITH_PICTURE, m_mtl=library, t_png=EPS)),
        ("a texture far from the mesh", In(obj_with_far_picture)),
        ("a material file far from the mesh", In(obj_with_far_library)),
    ]
    natures = {
        "filename_obj": files(shapes),
        "normalization": nothing("true or false of any value will do"),
        "load_texture": nothing("true or false of any value will do"),
        "texture_res": whole(0, 5000),
        "texture_type": named(),
    }
    good = lambda: {"filename_obj": file("m.obj", WITH_PICTURE, m_mtl=library, t_png=small_png()), "load_texture": True}  # noqa: E731
    more = [
        (Kind.OPTIONS, "vertex colours that the file has not", {"texture_type": "vertex"}),
        (Kind.RANGE, "a single point, to be normalised", {"normalization": True, "filename_obj": file("p.obj", "v 1 1 1\n" * 3 + "f 1 2 3\n")}),
    ]
    yield Function(name="interop.soft_renderer.functional.load_obj", call=soft_renderer.functional.load_obj, good=good, natures=natures, more=more)
    yield Function(name="interop.soft_renderer.Mesh.from_obj", call=soft_renderer.Mesh.from_obj, good=good, natures=natures, more=more)
