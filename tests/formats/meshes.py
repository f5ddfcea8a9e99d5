"""Files of meshes: what each format can say, the smallest file that says it, and what a reader must make of that."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from taichi_softras import Mesh
from taichi_softras.engine import Wrap

from . import Row
from .builders import SQUARE, TWO_TRIANGLES, UVS, Gltf, ply, png

__all__ = ["FORMATS", "GLTF_ALONE", "OBJ_ALONE", "general", "of_gltf", "of_obj", "of_others"]

FORMATS = ("GLB", "glTF", "OBJ", "PLY", "OFF", "STL")
GLTF_ALONE, OBJ_ALONE = ("GLB", "glTF"), ("OBJ",)
ALL = set(FORMATS)

Maker = Callable[[Path], Mesh]
C4 = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5]])  # at the corners of the square
PICTURE = np.array([[C4[3], C4[2]], [C4[0], C4[1]]]) * 255  # the same as four pixels
RED, GREEN, BLUE = ([255, 0, 0], [0, 255, 0], [0, 0, 255])
FAR = np.array([5e5 + 0.123, 4.5e6 + 0.654, 100.1])
ELL = np.array([[2, 0, 0], [2, 1, 0], [1, 1, 0], [1, 2, 0], [0, 2, 0], [0, 0, 0]])  # a fan about its first corner covers 4, not 3
XYZ, CORNERS = ["float x", "float y", "float z"], "list uchar int vertex_indices"
KINDS = {"ascii": "ascii", "little": "binary_little_endian", "big": "binary_big_endian"}


# ------------------------------------------------------------------------------------------------------------------------- judges


def triangles(mesh: Mesh) -> list[tuple[tuple[float, ...], ...]]:
    """Each triangle from its smallest corner on, in the order of these: the same for meshes of one shape, however their vertices are numbered."""
    found = []
    for corners in np.round(np.asarray(mesh.vertices, np.float64)[mesh.faces], 4) + 0.0:
        rows = [tuple(row) for row in corners.tolist()]
        first = rows.index(min(rows))
        found.append((*rows[first:], *rows[:first]))
    return sorted(found)


def shows(*wanted: Any, words: str = "read") -> Callable[[Mesh], str]:
    """Judges by the triangles."""
    expected = [np.asarray(one, np.float64) for one in wanted]

    def judge(mesh: Mesh) -> str:
        given = triangles(mesh)
        told = triangles(Mesh(vertices=np.concatenate(expected), faces=np.arange(3 * len(expected)).reshape(-1, 3)))
        assert given == told, f"triangles {given}, not {told}"
        return words

    return judge


HALVES = (SQUARE[[0, 1, 2]], SQUARE[[0, 2, 3]])
square = shows(*HALVES)
left_out = shows(*HALVES, words="left out")


def colors_at_corners(mesh: Mesh) -> np.ndarray:
    """[F, 3, 3] as they are seen: those of the texture, else of the vertices."""
    if mesh.texture is None:
        assert mesh.colors is not None, "no colours"
        return mesh.colors[mesh.faces]
    height, width = mesh.texture.shape[:2]
    uv = np.asarray(mesh.uvs, np.float64)[mesh.faces if mesh.face_uvs is None else mesh.face_uvs]
    column, row = np.round(uv[..., 0] * (width - 1)).astype(int) % width, np.round((1 - uv[..., 1]) * (height - 1)).astype(int) % height
    return mesh.texture[row, column, :3]


def colored(expected: np.ndarray = C4, words: str = "read", textured: bool | None = False, shape: Callable[[Mesh], str] = square) -> Callable[[Mesh], str]:
    """Judges by the colours at the corners of the square; ``textured``: whether it is to have a texture."""

    def judge(mesh: Mesh) -> str:
        shape(mesh)
        assert textured is None or (mesh.texture is not None) == textured, "with a texture" if mesh.texture is not None else "without a texture"
        seen, points = colors_at_corners(mesh), np.asarray(mesh.vertices)[mesh.faces]
        for point, color in zip(SQUARE, expected, strict=True):
            here = seen[np.isclose(points, point).all(-1)]
            assert np.abs(here - color).max() < 3e-3, f"{here.tolist()} at {point.tolist()}, not {color}"
        return words

    return judge


def halves(first: Any, second: Any, textured: bool) -> Callable[[Mesh], str]:
    """Judges by the colours of the two triangles, each of one colour; at the two vertices where they meet, one of these is enough for colours at vertices."""

    def judge(mesh: Mesh) -> str:
        square(mesh)
        seen = colors_at_corners(mesh)
        upper = np.isclose(np.asarray(mesh.vertices)[mesh.faces], SQUARE[3]).all(-1).any(1)
        own = np.where(upper[:, None, None], np.array(second) / 255, np.array(first) / 255)
        if np.abs(seen - own).max() < 3e-3 and (mesh.texture is not None or not textured):
            return "read"
        away = np.isclose(np.asarray(mesh.vertices)[mesh.faces], SQUARE[1]).all(-1) | np.isclose(np.asarray(mesh.vertices)[mesh.faces], SQUARE[3]).all(-1)
        assert mesh.texture is None, "with a texture that is wrong"
        assert np.abs(seen - own)[away].max() < 3e-3, f"{seen.tolist()}, not {own.tolist()}"
        return "as colours at the vertices"

    return judge


def reduced(mesh: Mesh) -> str:
    """Red where only the picture is, grey of blue where only the colours are."""
    square(mesh)
    assert (mesh.texture, mesh.uvs) == (None, None), "with a texture"
    for point, color in ((SQUARE[1], [1, 0, 0]), (SQUARE[3], [0, 0, 0.5])):
        here = colors_at_corners(mesh)[np.isclose(np.asarray(mesh.vertices)[mesh.faces], point).all(-1)]
        assert np.allclose(here, color, atol=3e-3), f"{here.tolist()}"
    return "as colours at the vertices"


def with_uvs(mesh: Mesh, expected: np.ndarray = SQUARE[:, :2], words: str = "read") -> str:
    square(mesh)
    assert mesh.uvs is not None, "no texture coordinates"
    corners, points = mesh.uvs[mesh.faces if mesh.face_uvs is None else mesh.face_uvs], np.asarray(mesh.vertices)[mesh.faces]
    for point, uv in zip(SQUARE, expected, strict=True):
        assert np.allclose(corners[np.isclose(points, point).all(-1)], uv, atol=1e-6), f"other texture coordinates at {point.tolist()}"
    return words


def with_seam(mesh: Mesh) -> str:
    """Four vertices, and two texture coordinates at the first one."""
    square(mesh)
    assert len(mesh.vertices) == 4, f"{len(mesh.vertices)} vertices"
    assert mesh.face_uvs is not None, "no texture coordinates at corners"
    at = np.isclose(np.asarray(mesh.vertices)[mesh.faces], SQUARE[0]).all(-1)
    assert sorted(mesh.uvs[mesh.face_uvs][at][:, 0].round(4).tolist()) == [0, 0.5], "one texture coordinate for both"
    return "read, the vertex stays one"


def far(mesh: Mesh) -> str:
    told = np.asarray(mesh.vertices, np.float64) - FAR
    moved = Mesh(vertices=np.round(told, 5), faces=mesh.faces)
    square(moved)
    assert mesh.vertices.dtype == np.float64, "as float32"
    return "read, in float64"


def ell(mesh: Mesh) -> str:
    a, b, c = np.asarray(mesh.vertices, np.float64)[mesh.faces].transpose(1, 0, 2)
    areas = np.cross(b - a, c - a)[:, 2] / 2
    assert abs(areas.sum() - 3) < 1e-6, f"area {areas.sum()}, not 3"
    assert areas.min() > 0, "a triangle that is turned over"
    assert len(mesh.vertices) == 6, f"{len(mesh.vertices)} vertices"
    return "read"


def joined(mesh: Mesh) -> str:
    square(mesh)
    return {4: "joined", 6: "kept as they stand"}[len(mesh.vertices)]


# -------------------------------------------------------------------------------------------------------------------------- files


def gltf(file: Gltf | Callable[[Path, str], Gltf]) -> dict[str, Maker]:
    """The same file as GLB and as glTF."""

    def maker(name: str) -> Maker:
        return lambda folder: (file if isinstance(file, Gltf) else file(folder, name)).load(folder, name)

    return {"GLB": maker("m.glb"), "glTF": maker("m.gltf")}


def beside(name: str, content: str | bytes, **others: str | bytes | np.ndarray) -> Maker:
    """A file, and what stands beside it (a ``_`` in a name stands for a dot; arrays are pictures)."""

    def make(folder: Path) -> Mesh:
        for other, given in {name: content, **{key.replace("_", "."): value for key, value in others.items()}}.items():
            given = png(given) if isinstance(given, np.ndarray) else given
            (folder / other).write_bytes(given if isinstance(given, bytes) else given.encode())
        return Mesh.load(folder / name)

    return make


def text(*rows: Any) -> list[str]:
    return [" ".join(f"{number:.17g}" for number in row) for row in rows]


def obj(*lines: str, points: Any = SQUARE, faces: tuple[str, ...] = ("f 1 2 3", "f 1 3 4"), colors: Any = None, **others: Any) -> dict[str, Maker]:
    rows = points if colors is None else np.concatenate([points, colors], 1)
    return {"OBJ": beside("m.obj", "\n".join([*(f"v {row}" for row in text(*rows)), *lines, *faces, ""]), **others)}


def off(*faces: str, points: Any = SQUARE, name: str = "OFF") -> dict[str, Maker]:
    faces = faces or ("3 0 1 2", "3 0 2 3")
    return {"OFF": beside("m.off", "\n".join([name, f"{len(points)} {len(faces)} 0", *text(*points), *faces, ""]))}


def rows_of(points: Any, *more: Any) -> list[list]:
    """Of positions, as floats, and columns as they are."""
    columns = [np.asarray(one).reshape(len(points), -1).tolist() for one in more]
    return [[*map(float, point), *(number for one in extra for number in one)] for point, *extra in zip(points, *columns, strict=True)]


def polygons(*given: list[int], more: tuple[list, ...] = ()) -> list[list]:
    return [[list(one), *extra] for one, *extra in zip(given or ([0, 1, 2], [0, 2, 3]), *more, strict=True)]


def ply_file(*elements: Any, kind: str = "ascii", comments: tuple[str, ...] = (), newline: str = "\n", **others: Any) -> dict[str, Maker]:
    return {"PLY": beside("m.ply", ply(KINDS[kind], *elements, comments=comments, newline=newline), **others)}


VERTEX, FACE = ("vertex", XYZ, rows_of(SQUARE)), ("face", [CORNERS], polygons())


def ply_colors(of: str, colors: Any, names: str = "red green blue") -> tuple:
    colors = np.asarray(colors)
    kept = [[*map(float, p), *(map(float, c) if of in ("float", "double") else map(int, c))] for p, c in zip(SQUARE, colors.tolist(), strict=True)]
    return ("vertex", [*XYZ, *(f"{of} {name}" for name in names.split())], kept)


def stl(head: bytes = b"", attributes: tuple[int, int] = (0, 0), points: Any = SQUARE) -> dict[str, Maker]:
    rows = [struct.pack("<12fH", 0, 0, 0, *np.asarray(points)[list(face)].ravel(), one) for face, one in zip(((0, 1, 2), (0, 2, 3)), attributes, strict=True)]
    return {"STL": beside("m.stl", head.ljust(80) + struct.pack("<I", 2) + b"".join(rows))}


def stl_text(*loops: Any, newline: str = "\n", points: Any = SQUARE, between: str = "", head: str = "") -> dict[str, Maker]:
    lines = [head + "solid a"]
    for k, loop in enumerate(loops or ((0, 1, 2), (0, 2, 3))):
        lines += [between] * bool(k and between) + [
            "facet normal 0 0 1",
            "outer loop",
            *(f"vertex {row}" for row in text(*points[list(loop)])),
            "endloop",
            "endfacet",
        ]
    return {"STL": beside("m.stl", newline.join([*lines, "endsolid a", ""]))}


def linear(display: Any) -> np.ndarray:
    display = np.asarray(display, np.float64)
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)


def gltf_colors(rows: np.ndarray, **more: Any) -> Gltf:
    file = Gltf()
    return file.primitive(COLOR_0=file.array(rows, **more))


def two_halves(file: Gltf, first: int | None, second: int | None, **more: Any) -> Gltf:
    """The two triangles of the square, each with a material of its own."""
    for indices, material in ((TWO_TRIANGLES[:3], first), (TWO_TRIANGLES[3:], second)):
        file.primitive(indices, TEXCOORD_0=UVS, **({} if material is None else {"material": material}), **more)
    return file


def of_color(color: Any) -> np.ndarray:
    return np.broadcast_to(color, (2, 2, 3))


VT = tuple(f"vt {x:g} {y:g}" for x, y in SQUARE[:, :2])
OBJ_UV_FACES = ("f 1/1 2/2 3/3", "f 1/1 3/3 4/4")
OBJ_MATERIAL = ("mtllib m.mtl", "usemtl a")
VERTEX_UV = ("vertex", [*XYZ, "float s", "float t"], rows_of(SQUARE, SQUARE[:, :2]))
TEXCOORD = "list uchar float texcoord"


def general() -> Iterator[Row]:
    """What several formats can say."""
    fifth = np.concatenate([SQUARE, [[2, 2, 2]]])
    yield Row(feature="triangles", judge=square, files=gltf(Gltf().primitive()) | obj() | ply_file(VERTEX, FACE) | off() | stl())
    yield Row(
        feature="as text", judge=square, files={"glTF": gltf(Gltf().primitive())["glTF"]} | obj() | ply_file(VERTEX, FACE) | off() | stl_text(), none=("GLB",)
    )
    yield Row(
        feature="binary, little-endian",
        judge=square,
        files=gltf(Gltf().primitive()) | ply_file(VERTEX, FACE, kind="little") | stl() | {"OFF": beside("m.off", b"OFF BINARY\n" + bytes(12))},
        none=("OBJ",),
    )
    yield Row(feature="binary, big-endian", judge=square, files=ply_file(VERTEX, FACE, kind="big"), none=("GLB", "glTF", "OBJ", "OFF", "STL"))
    yield Row(
        feature="polygons beside triangles",
        judge=shows(*HALVES, SQUARE[[0, 1, 3]]),
        files=obj(faces=("f 1 2 3 4", "f 1 2 4"))
        | ply_file(VERTEX, ("face", [CORNERS], polygons([0, 1, 2, 3], [0, 1, 3])), kind="little")
        | off("4 0 1 2 3", "3 0 1 3")
        | stl_text((0, 1, 2, 3), (0, 1, 3)),
        none=("GLB", "glTF"),
    )
    yield Row(
        feature="concave polygons",
        judge=ell,
        files=obj(points=ELL, faces=("f 1 2 3 4 5 6",))
        | ply_file(("vertex", XYZ, rows_of(ELL)), ("face", [CORNERS], polygons([0, 1, 2, 3, 4, 5])), kind="little")
        | off("6 0 1 2 3 4 5", points=ELL),
        none=("GLB", "glTF", "STL"),
    )
    strip = np.array([0, 1, 3, 2], "<u2")
    yield Row(
        feature="triangle strips",
        judge=shows(SQUARE[[0, 1, 3]], SQUARE[[3, 1, 2]]),
        files=gltf(Gltf().primitive(strip, mode=5)) | ply_file(VERTEX, ("tristrips", ["list int int vertex_indices"], [[strip.tolist()]])),
        none=("OBJ", "OFF", "STL"),
    )
    yield Row(feature="triangle fans", judge=square, files=gltf(Gltf().primitive(np.arange(4, dtype="<u2"), mode=6)), none=("OBJ", "PLY", "OFF", "STL"))
    objects = Gltf(nodes=[{"mesh": 0}, {"mesh": 1}], scenes=[{"nodes": [0, 1]}])
    objects.primitive(TWO_TRIANGLES[:3]).primitive(TWO_TRIANGLES[3:], mesh=1)
    yield Row(
        feature="several objects",
        judge=shows(*HALVES, words="read, as one mesh"),
        files=gltf(objects) | obj(faces=("o a", "f 1 2 3", "o b", "g c d", "f 1 3 4")) | stl_text(between="endsolid a\nsolid b") | {"OFF": list_of_off()},
        none=("PLY",),
    )
    yield Row(
        feature="points and lines beside the faces",
        judge=left_out,
        files=gltf(Gltf().primitive().primitive(mode=0).primitive(mode=1))
        | obj("p 1 2", "l 1 2 3")
        | ply_file(VERTEX, FACE, ("edge", ["int vertex1", "int vertex2"], [[0, 1]]))
        | off("3 0 1 2", "3 0 2 3", "2 0 1"),
        none=("STL",),
    )
    yield Row(
        feature="points alone",
        judge=square,
        files=gltf(Gltf().primitive(None, mode=0)) | obj(faces=("p 1 2 3",)) | ply_file(VERTEX) | {"OFF": beside("m.off", "OFF\n4 0 0\n" + "0 0 0\n" * 4)},
        none=("STL",),
    )
    yield Row(
        feature="vertices that no face has",
        judge=lambda mesh: square(mesh) and {4: "left out", 5: "kept"}[len(mesh.vertices)],
        files=gltf(Gltf().primitive(POSITION=fifth.astype("<f4")))
        | obj(points=fifth)
        | ply_file(("vertex", XYZ, rows_of(fifth)), FACE)
        | off(*("3 0 1 2", "3 0 2 3"), points=fifth),
        none=("STL",),
    )
    twice = SQUARE[[0, 1, 2, 0, 2, 3]]
    yield Row(
        feature="equal vertices",
        judge=joined,
        files=gltf(Gltf().primitive(None, POSITION=twice))
        | obj(points=twice, faces=("f 1 2 3", "f 4 5 6"))
        | ply_file(("vertex", XYZ, rows_of(twice)), ("face", [CORNERS], polygons([0, 1, 2], [3, 4, 5])))
        | off("3 0 1 2", "3 3 4 5", points=twice)
        | stl(),
    )
    up = np.tile(np.array([[0, 0, 1]], "<f4"), (4, 1))
    yield Row(
        feature="normals",
        judge=left_out,
        files=gltf(Gltf().primitive(NORMAL=up))
        | obj("vn 0 0 1", faces=("f 1//1 2//1 3//1", "f 1//1 3//1 4//1"))
        | ply_file(("vertex", [*XYZ, "float nx", "float ny", "float nz"], rows_of(SQUARE, up)), FACE)
        | off(name="NOFF", points=np.concatenate([SQUARE, up], 1))
        | stl(),
    )
    moved = SQUARE.astype(np.float64) + FAR
    yield Row(
        feature="positions far from the origin",
        judge=far,
        files=gltf(Gltf(nodes=[{"mesh": 0, "translation": FAR.tolist()}]).primitive())
        | obj(points=moved)
        | ply_file(("vertex", ["double x", "double y", "double z"], rows_of(moved)), FACE, kind="little")
        | off(points=moved)
        | stl_text(points=moved),
    )
    single = moved.astype("<f4")
    yield Row(
        feature="the same as float32",
        judge=lambda mesh: "as the file has lost them" if (np.asarray(mesh.vertices)[mesh.faces] == single[TWO_TRIANGLES.reshape(2, 3)]).all() else "",
        files=gltf(Gltf().primitive(POSITION=single)) | ply_file(("vertex", XYZ, rows_of(single)), FACE, kind="little") | stl(points=single),
        none=("OBJ", "OFF"),
    )
    yield Row(
        feature="comments, also behind numbers",
        judge=square,
        files=obj("# v 9 9 9", faces=("f 1 2 3 # 4", "f 1 3 4# a square"))
        | ply_file(VERTEX, FACE, comments=("comment element face 9", "obj_info none"))
        | {"OFF": beside("m.off", "# by hand\nOFF\n4 2 0 # counts\n" + "\n".join(text(*SQUARE)) + " # the last\n3 0 1 2\n# between\n3 0 2 3\n")},
        none=("GLB", "glTF", "STL"),
    )
    yield Row(
        feature="a byte order mark",
        judge=square,
        files={
            "glTF": lambda folder: marked(Gltf().primitive().save(folder / "m.gltf")),
            **{name: marked_too(name, make) for name, make in (obj() | ply_file(VERTEX, FACE) | off() | stl_text()).items()},
        },
        none=("GLB",),
    )
    yield Row(
        feature="line ends of Windows",
        judge=square,
        files={"glTF": lambda folder: rewritten(Gltf().primitive().save(folder / "m.gltf"), b', "', b',\r\n"')}
        | {"OBJ": beside("m.obj", "\r\n".join([*(f"v {row}" for row in text(*SQUARE)), "f 1 2 3", "f 1 3 4", ""]))}
        | ply_file(VERTEX, FACE, newline="\r\n")
        | {"OFF": beside("m.off", "\r\n".join(["OFF", "4 2 0", *text(*SQUARE), "3 0 1 2", "3 0 2 3", ""]))}
        | stl_text(newline="\r\n"),
        none=("GLB",),
    )
    yield from of_colors()
    yield from of_textures()


def marked(path: Path) -> Mesh:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    return Mesh.load(path)


def marked_too(name: str, make: Maker) -> Maker:
    def make_marked(folder: Path) -> Mesh:
        make(folder)
        return marked(folder / f"m.{name.lower()}")

    return make_marked


def rewritten(path: Path, old: bytes, new: bytes) -> Mesh:
    path.write_bytes(path.read_bytes().replace(old, new))
    return Mesh.load(path)


def list_of_off() -> Maker:
    one = "{ OFF 4 1 0\n" + "\n".join(text(*SQUARE)) + "\n3 %s }"
    return beside("m.off", "LIST\n" + one % "0 1 2" + "\n" + one % "0 2 3" + "\n")


def of_colors() -> Iterator[Row]:
    yield Row(
        feature="colours of vertices, 8 bits",
        judge=colored(),
        files=gltf(gltf_colors(np.round(linear(C4) * 255).astype("u1"), normalized=True))
        | obj(colors=np.round(C4 * 255))
        | ply_file(ply_colors("uchar", np.round(C4 * 255)), FACE, kind="little")
        | off(name="COFF", points=np.concatenate([SQUARE, np.round(C4 * 255)], 1)),
        none=("STL",),
    )
    yield Row(
        feature="colours of vertices, 16 bits",
        judge=colored(),
        files=gltf(gltf_colors(np.round(linear(C4) * 65535).astype("<u2"), normalized=True))
        | ply_file(ply_colors("ushort", np.round(C4 * 65535)), FACE, kind="little"),
        none=("OBJ", "OFF", "STL"),
    )
    yield Row(
        feature="colours of vertices, floats in 0..1",
        judge=colored(),
        files=gltf(gltf_colors(linear(C4).astype("<f4")))
        | obj(colors=C4)
        | ply_file(ply_colors("float", C4), FACE, kind="little")
        | off(name="COFF", points=np.concatenate([SQUARE, C4], 1)),
        none=("STL",),
    )
    above = np.where(C4 == 1, 1.2, C4)
    yield Row(
        feature="floats a little above 1",
        judge=colored(),
        files=gltf(gltf_colors(linear(above).astype("<f4")))
        | obj(colors=above)
        | ply_file(ply_colors("float", above), FACE, kind="little")
        | off(name="COFF", points=np.concatenate([SQUARE, above], 1)),
        none=("STL",),
    )
    yield Row(
        feature="floats in 0..255",
        judge=colored(),
        files=obj(colors=C4 * 254.9)
        | ply_file(ply_colors("float", C4 * 254.9), FACE, kind="little")
        | off(name="COFF", points=np.concatenate([SQUARE, C4 * 254.9], 1)),
        none=("GLB", "glTF", "STL"),
    )
    alpha = np.concatenate([linear(C4), np.full((4, 1), 0.5)], 1)
    yield Row(
        feature="transparency of vertices",
        judge=colored(words="left out"),
        files=gltf(gltf_colors(alpha.astype("<f4")))
        | ply_file(ply_colors("float", np.concatenate([C4, alpha[:, 3:]], 1), "red green blue alpha"), FACE)
        | off(name="COFF", points=np.concatenate([SQUARE, C4, alpha[:, 3:]], 1)),
        none=("OBJ", "STL"),
    )
    materials = Gltf()
    two_halves(materials, materials.material([1, 0, 0, 1]), materials.material([0, 0, 1, 1]))
    flat = ("face", [CORNERS, "uchar red", "uchar green", "uchar blue"], polygons(more=([255, 0], [0, 0], [0, 255])))
    mean = np.array([[0.5, 0, 0.5], [1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]])
    yield Row(
        feature="colours of faces",
        judge=colored(mean, words="as the mean at each vertex"),
        files=ply_file(VERTEX, flat, kind="little") | off("3 0 1 2 255 0 0", "3 0 2 3 0 0 255") | stl(attributes=(0x8000 | 31 << 10, 0x8000 | 31)),
        none=("GLB", "glTF", "OBJ"),
    )
    yield Row(
        feature="colours of faces, as Magics has them",
        judge=colored(mean, words="as the mean at each vertex"),
        files=stl(b"COLOR=" + bytes([255, 0, 0, 255]), attributes=(0x8000, 31 << 10)),
        none=tuple(ALL - {"STL"}),
    )
    yield Row(feature="numbers of colours in a table", judge=square, files=off("3 0 1 2 7", "3 0 2 3 8"), none=tuple(ALL - {"OFF"}))
    yield Row(
        feature="materials of one colour",
        judge=halves(RED, BLUE, textured=False),
        files=gltf(materials) | obj("mtllib m.mtl", faces=("usemtl a", "f 1 2 3", "usemtl b", "f 1 3 4"), m_mtl="newmtl a\nKd 1 0 0\nnewmtl b\nKd 0 0 1\n"),
        none=("PLY", "OFF", "STL"),
    )


def of_textures() -> Iterator[Row]:
    yield Row(
        feature="texture coordinates without a picture",
        judge=with_uvs,
        files=gltf(Gltf().primitive(TEXCOORD_0=UVS))
        | obj(*VT, faces=OBJ_UV_FACES)
        | ply_file(VERTEX_UV, FACE, kind="little")
        | off(name="STOFF", points=np.concatenate([SQUARE, SQUARE[:, :2]], 1)),
        none=("STL",),
    )
    split = Gltf().primitive(None, POSITION=SQUARE[[0, 1, 2, 0, 2, 3]], TEXCOORD_0=np.array([[0, 1], [1, 1], [1, 0], [0.5, 1], [1, 0], [0, 0]], "<f4"))
    yield Row(
        feature="texture coordinates that differ at a corner",
        judge=with_seam,
        files=gltf(split)
        | obj(*VT, "vt .5 0", faces=("f 1/1 2/2 3/3", "f 1/5 3/3 4/4"))
        | ply_file(VERTEX, ("face", [CORNERS, TEXCOORD], polygons(more=([[0, 0, 1, 0, 1, 1], [0.5, 0, 1, 1, 0, 1]],))), kind="little"),
        none=("OFF", "STL"),
    )
    yield Row(
        feature="a picture beside the file",
        judge=colored(textured=True),
        files=gltf(picture_beside)
        | obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES, m_mtl="newmtl a\nmap_Kd t.png\n", t_png=PICTURE)
        | ply_file(VERTEX_UV, FACE, comments=("comment TextureFile t.png",), t_png=PICTURE),
        none=("OFF", "STL"),
    )
    yield Row(
        feature="its name in other letters, in a folder that is not there",
        judge=colored(textured=True),
        files=gltf(lambda folder, name: picture_beside(folder, name, "C:\\textures\\T.PNG"))
        | obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES, m_mtl="newmtl a\nmap_Kd C:\\textures\\T.PNG\n", t_png=PICTURE)
        | ply_file(VERTEX_UV, FACE, comments=("comment TextureFile C:\\textures\\T.PNG",), t_png=PICTURE),
        none=("OFF", "STL"),
    )
    yield Row(
        feature="a picture that is nowhere",
        judge=lambda mesh: with_uvs(mesh, words="read without it"),
        files=gltf(lambda folder, name: picture_beside(folder, name, "gone.png"))
        | obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES, m_mtl="newmtl a\nmap_Kd gone.png\n")
        | ply_file(VERTEX_UV, FACE, comments=("comment TextureFile gone.png",)),
        none=("OFF", "STL"),
    )
    inside = Gltf()
    inside.primitive(TEXCOORD_0=UVS, material=inside.material(picture=PICTURE))
    yield Row(feature="a picture in the file", judge=colored(textured=True), files=gltf(inside), none=("OBJ", "PLY", "OFF", "STL"))
    several = Gltf()
    two_halves(several, several.material(picture=of_color(RED)), several.material(picture=of_color(BLUE)))
    yield Row(
        feature="several pictures",
        judge=halves(RED, BLUE, textured=True),
        files=gltf(several)
        | obj(
            "mtllib m.mtl",
            *VT,
            faces=("usemtl a", OBJ_UV_FACES[0], "usemtl b", OBJ_UV_FACES[1]),
            m_mtl="newmtl a\nmap_Kd a.png\nnewmtl b\nmap_Kd b.png\n",
            a_png=of_color(RED),
            b_png=of_color(BLUE),
        )
        | ply_file(
            VERTEX,
            ("face", [CORNERS, TEXCOORD, "int texnumber"], polygons(more=([[0, 0, 1, 0, 1, 1], [0, 0, 1, 1, 0, 1]], [0, 1]))),
            comments=("comment TextureFile a.png", "comment TextureFile b.png"),
            a_png=of_color(RED),
            b_png=of_color(BLUE),
        ),
        none=("OFF", "STL"),
    )
    mixed = Gltf()
    two_halves(mixed, mixed.material(picture=of_color(RED)), mixed.material([0, 0, 1, 1]))
    yield Row(
        feature="a part with a picture beside a plain one",
        judge=halves(RED, BLUE, textured=True),
        files=gltf(mixed)
        | obj(
            "mtllib m.mtl",
            *VT,
            faces=("usemtl a", OBJ_UV_FACES[0], "usemtl b", "f 1 3 4"),
            m_mtl="newmtl a\nmap_Kd a.png\nnewmtl b\nKd 0 0 1\n",
            a_png=of_color(RED),
        ),
        none=("PLY", "OFF", "STL"),
    )
    varied = Gltf()
    varied.primitive(TWO_TRIANGLES[:3], TEXCOORD_0=UVS, material=varied.material(picture=of_color(RED)))
    varied.primitive(TWO_TRIANGLES[3:], COLOR_0=linear(C4 * [0, 0, 1]).astype("<f4"))
    colors = C4 * [0, 0, 1]
    yield Row(
        feature="a part with a picture beside one with colours at its vertices",
        judge=reduced,
        files=gltf(varied)
        | obj(
            "mtllib m.mtl",
            *VT,
            faces=("usemtl a", OBJ_UV_FACES[0], "usemtl b", "f 1 3 4"),
            colors=colors,
            m_mtl="newmtl a\nmap_Kd a.png\nnewmtl b\n",
            a_png=of_color(RED),
        )
        | ply_file(
            ply_colors("float", colors),
            ("face", [CORNERS, TEXCOORD, "int texnumber"], polygons(more=([[0, 0, 1, 0, 1, 1], [0, 0, 1, 1, 0, 1]], [0, -1]))),
            comments=("comment TextureFile a.png",),
            a_png=of_color(RED),
        ),
        none=("OFF", "STL"),
    )
    yield Row(
        feature="a picture that is scaled and moved",
        judge=colored(C4[[1, 0, 3, 2]], textured=True),
        files=gltf(lambda *_: transformed()) | obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES, m_mtl="newmtl a\nmap_Kd -s -1 1 -o 1 0 t.png\n", t_png=PICTURE),
        none=("PLY", "OFF", "STL"),
    )
    clamped = Gltf(samplers=[{"wrapS": 33071, "wrapT": 33071}])
    clamped.primitive(TEXCOORD_0=UVS, material=clamped.material(picture=PICTURE))
    clamped.tree["textures"][0]["sampler"] = 0
    yield Row(
        feature="what lies outside of a picture",
        judge=clamped_picture,
        files=gltf(clamped) | obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES, m_mtl="newmtl a\nmap_Kd -clamp on t.png\n", t_png=PICTURE),
        none=("PLY", "OFF", "STL"),
    )
    see_through = np.concatenate([PICTURE, np.full((2, 2, 1), 128)], 2)
    transparent = Gltf()
    transparent.primitive(TEXCOORD_0=UVS, material=transparent.material(picture=see_through))
    transparent.tree["materials"][0]["alphaMode"] = "BLEND"
    yield Row(
        feature="transparency of a picture",
        judge=fourth_channel,
        files=gltf(transparent)
        | obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES, m_mtl="newmtl a\nmap_Kd t.png\nmap_d t.png\nd .5\n", t_png=see_through)
        | ply_file(VERTEX_UV, FACE, comments=("comment TextureFile t.png",), t_png=see_through),
        none=("OFF", "STL"),
    )
    tinted = Gltf()
    tinted.primitive(TEXCOORD_0=UVS, COLOR_0=np.where(np.arange(4)[:, None] == 0, 0, np.ones((4, 3))).astype("<f4"), material=tinted.material(picture=PICTURE))
    dark = np.where(np.arange(4)[:, None] == 0, 0, np.ones((4, 3)))
    yield Row(
        feature="a picture and colours at the vertices",
        judge=colored(textured=True, words="the picture alone"),
        files=gltf(tinted)
        | obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES, colors=dark, m_mtl="newmtl a\nmap_Kd t.png\n", t_png=PICTURE)
        | ply_file(
            ("vertex", [*XYZ, "float s", "float t", "uchar red", "uchar green", "uchar blue"], rows_of(SQUARE, SQUARE[:, :2], dark.astype(int) * 255)),
            FACE,
            comments=("comment TextureFile t.png",),
            t_png=PICTURE,
        ),
        none=("OFF", "STL"),
    )
    more = Gltf()
    more.primitive(TEXCOORD_0=UVS, material=more.material(picture=PICTURE))
    more.tree["materials"][0] |= {"normalTexture": {"index": 0}, "emissiveFactor": [1, 1, 1], "doubleSided": True}
    yield Row(
        feature="other maps: normals, gloss, glow",
        judge=colored(textured=True, words="left out"),
        files=gltf(more)
        | obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES, m_mtl="newmtl a\nKs 1 1 1\nmap_Kd t.png\nmap_Bump gone.png\nmap_Ke gone.png\n", t_png=PICTURE),
        none=("PLY", "OFF", "STL"),
    )


def fourth_channel(mesh: Mesh) -> str:
    colored(textured=True)(mesh)
    assert mesh.texture is not None
    assert np.allclose(mesh.texture[..., 3], 128 / 255), "another"
    return "kept as the picture's fourth channel"


def clamped_picture(mesh: Mesh) -> str:
    assert mesh.wrap is Wrap.CLAMP, f"{mesh.wrap}"
    return colored(textured=True)(mesh)


def picture_beside(folder: Path, name: str, uri: str = "t.png") -> Gltf:
    (folder / "t.png").write_bytes(png(PICTURE))
    file = Gltf()
    return file.primitive(TEXCOORD_0=UVS, material=file.material(picture={"uri": uri}))


def transformed() -> Gltf:
    file = Gltf(extensionsRequired=["KHR_texture_transform"])
    moved = {"KHR_texture_transform": {"scale": [-1, 1], "offset": [1, 0]}}
    return file.primitive(TEXCOORD_0=UVS, material=file.material(picture=PICTURE, extensions=moved))


# ---------------------------------------------------------------------------------------------------------------- of one format


def of_gltf() -> Iterator[Row]:
    """What glTF alone can say."""
    yield Row(feature="indices of 8, 16 and 32 bits, and none", judge=square, files=gltf(indexed))
    yield Row(feature="strides and offsets", judge=square, files=gltf(strided()))
    yield Row(feature="normalised integers (texture coordinates, weights)", judge=with_uvs, files=gltf(normalized()))
    file = Gltf(extensionsRequired=["KHR_mesh_quantization"], nodes=[{"mesh": 0, "scale": [1 / 50] * 3}])
    yield Row(feature="`KHR_mesh_quantization`", judge=square, files=gltf(file.primitive(POSITION=file.array(np.round(SQUARE * 50).astype("<i2")))))
    yield Row(feature="sparse accessors", judge=square, files=gltf(sparse(True)))
    yield Row(feature="sparse accessors that start from zeros", judge=square, files=gltf(sparse(False)))
    yield Row(feature="`KHR_draco_mesh_compression`, with the extra `draco`", judge=square, files=gltf(lambda *_: draco()))
    for name in ("EXT_meshopt_compression", "KHR_texture_basisu", "EXT_mesh_gpu_instancing", "ANY_other"):
        yield Row(feature=f"`{name}`, required", judge=square, files=gltf(Gltf(extensionsRequired=[name]).primitive()))
    yield Row(feature="`ANY_other`, used and not required", judge=left_out, files=gltf(Gltf(extensionsUsed=["ANY_other"]).primitive()))
    yield Row(feature="`EXT_texture_webp`", judge=colored(textured=True), files=gltf(webp()))
    yield Row(feature="`KHR_texture_basisu`, with no other picture", judge=lambda mesh: with_uvs(mesh, words="read without it"), files=gltf(ktx2()))
    turned = Gltf(
        nodes=[{"children": [1], "translation": [0, 0, 0]}, {"mesh": 0, "scale": [2, 2, 2], "rotation": [0, 0, 0.5**0.5, 0.5**0.5], "translation": [1, 2, 3]}]
    )
    where = SQUARE[:, [1, 0, 2]] * [-2, 2, 2] + [1, 2, 3]
    yield Row(feature="nodes within nodes, with their transformations", judge=shows(where[[0, 1, 2]], where[[0, 2, 3]]), files=gltf(turned.primitive()))
    mirrored = Gltf(nodes=[{"mesh": 0, "scale": [-1, 1, 1]}])
    other = SQUARE * [-1, 1, 1]
    yield Row(feature="nodes that mirror", judge=shows(other[[0, 2, 1]], other[[0, 3, 2]], words="read, faces turn"), files=gltf(mirrored.primitive()))
    shown = Gltf(nodes=[{"mesh": 0}, {"mesh": 0, "translation": [0, 0, 1]}], scenes=[{"nodes": [0, 1]}])
    yield Row(feature="a mesh shown twice", judge=shows(*HALVES, *(half + np.array([0, 0, 1]) for half in HALVES)), files=gltf(shown.primitive()))
    instanced = Gltf(nodes=[{"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": {}}}}])
    yield Row(feature="`EXT_mesh_gpu_instancing`, not required", judge=shows(*HALVES, words="left out"), files=gltf(instanced.primitive()))
    other_scene = Gltf(nodes=[{"mesh": 0}, {"mesh": 0, "scale": [9, 9, 9]}], scenes=[{"nodes": [1]}, {"nodes": [0]}], scene=1)
    yield Row(feature="several scenes", judge=shows(*HALVES, words="the one that the file says"), files=gltf(other_scene.primitive()))
    yield Row(feature="skins", judge=shows(*(half + np.array([0, 0, 5]) for half in HALVES), words="read, in the pose of the file"), files=gltf(skinned()))
    yield Row(feature="morph targets", judge=shows(*(half * 2 for half in HALVES), words="read, at their default weights"), files=gltf(morphed()))
    yield Row(feature="animations, cameras, lights", judge=left_out, files=gltf(Gltf(cameras=[{}], animations=[{"channels": [], "samplers": []}]).primitive()))
    second = Gltf()
    second.primitive(TEXCOORD_0=np.zeros((4, 2), "<f4"), TEXCOORD_1=UVS, material=second.material(picture=PICTURE, texCoord=1))
    yield Row(feature="a second set of texture coordinates", judge=colored(textured=True), files=gltf(second))
    factor = Gltf()
    factor.primitive(TEXCOORD_0=UVS, material=factor.material([1, 0, 1, 1], PICTURE))
    yield Row(feature="`baseColorFactor` times a picture", judge=colored(C4 * [1, 0, 1], textured=True), files=gltf(factor))
    glossy = Gltf()
    glossy.tree["materials"] = [{"extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [1, 0, 0, 1]}}}]
    blended = Gltf()
    blended.primitive(TEXCOORD_0=UVS, material=blended.material([1, 1, 1, 0.5], PICTURE))
    blended.tree["materials"][0] |= {"alphaMode": "BLEND", "alphaCutoff": 0.9}
    yield Row(feature="`alphaMode`, the alpha of `baseColorFactor`", judge=colored(textured=True), files=gltf(blended))
    yield Row(feature="`KHR_materials_pbrSpecularGlossiness`", judge=colored(np.tile([1, 0, 0], (4, 1))), files=gltf(glossy.primitive(material=0)))
    yield Row(feature="`my%20mesh.bin` beside the file", judge=square, files={"glTF": lambda folder: buffer_beside(folder)}, none=("GLB",))
    yield Row(feature="glTF 1", judge=square, files=gltf(Gltf(asset={"version": "1.0"}).primitive()))


def indexed(folder: Path, name: str) -> Gltf:
    for indices in (TWO_TRIANGLES.astype("u1"), TWO_TRIANGLES.astype("<u4")):
        square(Gltf().primitive(indices).load(folder, name))
    square(Gltf().primitive(None, POSITION=SQUARE[TWO_TRIANGLES]).load(folder, name))
    return Gltf().primitive(TWO_TRIANGLES)


def strided() -> Gltf:
    file = Gltf()
    rows = np.full((4, 5), 9, "<f4")
    rows[:, 1:4] = SQUARE
    view = file.view(rows.tobytes(), byteStride=20)
    return file.primitive(POSITION=file.accessor({"bufferView": view, "byteOffset": 4, "componentType": 5126, "count": 4, "type": "VEC3"}))


def normalized() -> Gltf:
    file = Gltf()
    return file.primitive(TEXCOORD_0=file.array((UVS * 65535).astype("<u2"), normalized=True))


def sparse(has_base: bool) -> Gltf:
    """The square, of which two vertices (or all but the first) are said apart."""
    file = Gltf()
    places = np.array([1, 2, 3], "u1")
    said = {
        "count": 3,
        "indices": {"bufferView": file.view(places.tobytes()), "componentType": 5121},
        "values": {"bufferView": file.view(SQUARE[1:].tobytes())},
    }
    base = np.full((4, 3), 7, "<f4")
    base[0] = 0
    return file.primitive(POSITION=file.array(base, sparse=said, **({} if has_base else {"bufferView": None})))


def draco() -> Gltf:
    import DracoPy

    content = DracoPy.encode(SQUARE.astype(np.float64), TWO_TRIANGLES.reshape(-1, 3).astype(np.uint32), quantization_bits=16)
    name = "KHR_draco_mesh_compression"
    file = Gltf(extensionsRequired=[name])
    bare = {"bufferView": None}
    position, indices = file.array(SQUARE, **bare), file.array(TWO_TRIANGLES, **bare)
    ids = {"POSITION": DracoPy.decode(content).attributes[0]["unique_id"]}
    return file.primitive(indices, POSITION=position, extensions={name: {"bufferView": file.view(content), "attributes": ids}})


def webp() -> Gltf:
    file = Gltf(extensionsRequired=["EXT_texture_webp"])
    file.primitive(TEXCOORD_0=UVS, material=file.material(picture=PICTURE))
    file.tree["images"] = [{"bufferView": file.view(png(PICTURE, "WEBP", lossless=True)), "mimeType": "image/webp"}]
    file.tree["textures"] = [{"extensions": {"EXT_texture_webp": {"source": 0}}}]
    return file


def ktx2() -> Gltf:
    file = Gltf(extensionsUsed=["KHR_texture_basisu"])
    file.primitive(TEXCOORD_0=UVS, material=file.material(picture=PICTURE))
    file.tree["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    return file


def skinned() -> Gltf:
    file = Gltf(nodes=[{"mesh": 0, "skin": 0}, {"translation": [0, 0, 5]}], scenes=[{"nodes": [0, 1]}], skins=[{"joints": [1]}])
    weights = np.tile(np.array([[1, 0, 0, 0]], "<f4"), (4, 1))
    return file.primitive(JOINTS_0=np.zeros((4, 4), "u1"), WEIGHTS_0=weights)


def morphed() -> Gltf:
    file = Gltf().primitive(targets=[{"POSITION": SQUARE}])
    file.tree["meshes"][0]["weights"] = [1]
    return file


def buffer_beside(folder: Path) -> Mesh:
    file = Gltf().primitive()
    (folder / "my mesh.bin").write_bytes(file.binary)
    file.tree["buffers"] = [{"byteLength": len(file.binary), "uri": "my%20mesh.bin"}]
    return file.load(folder, "m.gltf")


def pictured(mtl: str, *head: str) -> dict[str, Maker]:
    """The square with its picture, and this material file."""
    return obj(*(head or OBJ_MATERIAL), *VT, faces=OBJ_UV_FACES, m_mtl=mtl, t_png=PICTURE)


def of_obj() -> Iterator[Row]:
    """What OBJ files and their materials alone can say."""
    relative = "v 0 0 0\nv 1 0 0\nv 1 1 0\nf -3 -2 -1\nv 0 1 0\nf -4 -2 -1\n"
    yield Row(feature="indices that count back from what was read so far", judge=square, files={"OBJ": beside("m.obj", relative)})
    yield Row(feature="lines that a backslash continues", judge=square, files=obj(faces=("f 1 2 \\", "3", "f 1 3 4")))
    yield Row(feature="a weight behind a position", judge=square, files=obj(points=np.concatenate([SQUARE, np.ones((4, 1))], 1)))
    yield Row(
        feature="UTF-16",
        judge=square,
        files={"OBJ": beside("m.obj", ("\ufeff" + "".join(f"v {row}\n" for row in text(*SQUARE)) + "f 1 2 3 4\n").encode("utf-16-le"))},
    )
    yield Row(
        feature="groups, smoothing groups, free-form curves",
        judge=left_out,
        files=obj("g a b", "s 1", "vp 0 1", "cstype bezier", "curv 0 1 1 2 3 4", "end"),
    )
    yield Row(
        feature="a vertex without a colour among coloured ones",
        judge=colored(np.array([[1, 1, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0]]), words="white"),
        files={"OBJ": beside("m.obj", "v 0 0 0\nv 1 0 0 1 0 0\nv 1 1 0 1 0 0\nv 0 1 0 1 0 0\nf 1 2 3 4\n")},
    )
    yield Row(
        feature="colours at vertices and Kd", judge=colored(words="those at the vertices"), files=obj(*OBJ_MATERIAL, colors=C4, m_mtl="newmtl a\nKd 1 1 0\n")
    )
    yield Row(
        feature="a material file that is nowhere", judge=lambda mesh: with_uvs(mesh, words="read without it"), files=obj(*OBJ_MATERIAL, *VT, faces=OBJ_UV_FACES)
    )
    yield Row(
        feature="comments behind the names of materials and pictures",
        judge=colored(textured=True),
        files=pictured("newmtl a # three\nmap_Kd t.png # four\n", "mtllib m.mtl # one", "usemtl a # two"),
    )
    yield Row(feature="names with spaces and quotes", judge=colored(textured=True), files={"OBJ": spaced})
    yield Row(
        feature="`map_Kd -bm -mm -boost -t -texres ...`",
        judge=colored(textured=True, words="left out"),
        files=pictured("newmtl a\nmap_Kd -bm 2 -mm 0 1 -boost 1 -t 1 1 1 -texres 64 t.png\n"),
    )
    yield Row(feature="Kd times a picture", judge=colored(textured=True, words="the picture alone"), files=pictured("newmtl a\nmap_Kd t.png\nKd 1 0 0\n"))
    yield Row(
        feature="`map_Ka`, `d`, `Tr`, `illum`, `Pr`, `norm`",
        judge=left_out,
        files=obj(*OBJ_MATERIAL, m_mtl="newmtl a\nmap_Ka no.png\nd .5\nTr .5\nillum 2\nPr 1\nnorm no.png\n"),
    )


def spaced(folder: Path) -> Mesh:
    (folder / "my t.png").write_bytes(png(PICTURE))
    (folder / "my m.mtl").write_text('newmtl a b\nmap_Kd "my t.png"\n')
    lines = ["mtllib my m.mtl", "usemtl a b", *(f"v {row}" for row in text(*SQUARE)), *VT, *OBJ_UV_FACES]
    (folder / "m.obj").write_text("\n".join(lines))
    return Mesh.load(folder / "m.obj")


def of_others() -> Iterator[tuple[str, Callable[[Path], Mesh]]]:
    """Files that are not read at all."""
    for name in ("3ds", "3mf", "abc", "blend", "dae", "fbx", "pcd", "ply.gz", "step", "usdz", "vtk", "wrl", "x3d", "xyz"):
        yield f".{name}", beside(f"m.{name}", "anything")
