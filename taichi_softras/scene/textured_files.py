"""Texture coordinates and pictures in the files of meshes.

OBJ is read and written here, because its two lists of indices, one into positions and one into texture coordinates, are what keeps a surface in one piece along
the seams of its texture.

Files are not trusted: see `foreign_files` for what is opened of what they name; and a file of a few
kilobytes may not stand for a mesh that fills all memory.
"""

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

from ..kernels.texture_image import Wrap
from ..replacing import replacing
from .foreign_files import check_picture, file_near, own_pixel_limit, picture_file, pixels, read_text

__all__ = [
    "Contents",
    "read_textured_obj",
    "textured_scene",
    "trimesh_scene",
    "vertex_colors",
    "write_textured_obj",
    "write_untextured",
]

MAX_FACES = 1 << 27  # of a scene: a file may show one mesh very often
TEXTURE_NAMES = ("image", "baseColorTexture", "emissiveTexture", "metallicRoughnessTexture", "normalTexture", "occlusionTexture")
MAP_OPTIONS = {"-blendu": 1, "-blendv": 1, "-bm": 1, "-boost": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1, "-mm": 2, "-o": 3, "-s": 3, "-t": 3, "-texres": 1}


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the file of a mesh holds, not yet looked at: a `Mesh` looks at it."""

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray | None = None
    uvs: np.ndarray | None = None
    face_uvs: np.ndarray | None = None
    texture: np.ndarray | None = None
    wrap: Wrap | None = None


# Pictures


def _subject(path: Path) -> str:
    return f"Mesh.load: the texture of {path}"


def _pixels(path: Path, name: str, picture: Image.Image) -> np.ndarray:
    """[H, W, 3], or [H, W, 4] if the picture has transparency, float32 in [0, 1]."""
    check_picture(_subject(path), name, picture)
    transparent = picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info
    if picture.mode.startswith("I"):  # 16 bit, of which Pillow would keep the lower 8
        grey = np.clip(pixels(_subject(path), name, picture, "F", 65535), 0, 1)
        return np.repeat(grey[..., None], 3, axis=2)
    return pixels(_subject(path), name, picture, "RGBA" if transparent else "RGB")


def _read_picture(path: Path, name: str) -> np.ndarray | None:
    """The texture of the OBJ file ``path``; None if there is no such picture."""
    found = file_near(_subject(path), path, name)
    if found is None:
        return None
    with picture_file(_subject(path), found, name) as picture:
        return _pixels(path, name, picture)


def _picture_of(texture: np.ndarray) -> Image.Image:
    return Image.fromarray(np.round(np.clip(texture, 0, 1) * 255).astype(np.uint8))


def _colors_at(uvs: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """[N, 3] the nearest pixels, the outermost ones standing on the borders."""
    height, width = texture.shape[:2]
    u, v = uvs.astype(np.float64).T
    column, row = _pixel(u * (width - 1), width), _pixel((1 - v) * (height - 1), height)
    return texture.reshape(height * width, -1)[:, :3].take(row * width + column, 0)


def _pixel(at: np.ndarray, n: int) -> np.ndarray:
    inside = at.size and at.min() >= 0 and at.max() <= n - 1  # then there is nothing to divide, which takes longest
    return np.round(at).astype(np.int64) if inside else np.round(at % n).astype(np.int64) % n


# OBJ


@dataclass
class _ObjLines:
    """What the lines of an OBJ file say, polygons cut into fans; indices from zero."""

    positions: list[list[float]] = field(default_factory=list)  # with colours, six numbers
    uvs: list[list[float]] = field(default_factory=list)
    faces: list[tuple[int, ...]] = field(default_factory=list)
    face_uvs: list[tuple[int, ...]] = field(default_factory=list)  # -1 where a face has none
    libraries: list[str] = field(default_factory=list)
    face_materials: list[str | None] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "_ObjLines":
        read, material = cls(), None
        for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if words[0] == "v":
                read.positions.append([float(word) for word in words[1:7]])
            elif words[0] == "vt":
                read.uvs.append([float(words[1]), float(words[2]) if len(words) > 2 else 0.0])
            elif words[0] == "f":
                read._polygon(words[1:], material)
            elif words[0] == "usemtl":
                material = line.strip()[6:].strip()
            elif words[0] == "mtllib":
                read.libraries.append(line.strip()[6:].strip())
        return read

    def _polygon(self, words: list[str], material: str | None) -> None:
        if len(words) < 3:
            raise ValueError(f"a face with {len(words)} corners")
        corners = [word.split("/") for word in words]
        ours = [_from_zero(int(corner[0]), len(self.positions)) for corner in corners]
        textured = all(len(corner) > 1 and corner[1] for corner in corners)
        uvs = [_from_zero(int(corner[1]), len(self.uvs)) for corner in corners] if textured else [-1] * len(corners)
        for i in range(1, len(corners) - 1):
            self.faces.append((ours[0], ours[i], ours[i + 1]))
            self.face_uvs.append((uvs[0], uvs[i], uvs[i + 1]))
            self.face_materials.append(material)


def _from_zero(index: int, n_so_far: int) -> int:
    """OBJ counts from one, or backwards from the last."""
    if index == 0:
        raise ValueError("the index 0, where OBJ counts from 1")
    if index < -n_so_far:
        raise ValueError(f"the index {index}, where there are {n_so_far} before it")
    return index - 1 if index > 0 else n_so_far + index


@dataclass
class _Material:
    color: list[float] | None = None
    picture: str | None = None
    wrap: Wrap | None = None


def read_textured_obj(path: Path) -> Contents | None:
    """The mesh of an OBJ file that has texture coordinates; None if it has none.

    They are kept if every corner has some, and all faces the same picture, or none. Else there are the colours at the vertices alone.
    """
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
        if "vt" not in text:
            return None
        read = _ObjLines.of(text)
        if not read.faces or not read.uvs:
            return None
        n_numbers = min(len(position) for position in read.positions)
        positions = np.array([position[:n_numbers] for position in read.positions])
        uvs = np.array(read.uvs).astype(np.float32)
        faces, face_uvs = np.array(read.faces, np.int64), np.array(read.face_uvs, np.int64)
        if not np.isfinite(uvs).all():
            raise ValueError("a texture coordinate that is not finite")
        _check_indices("vertex", faces, len(positions))
        _check_indices("texture coordinate", face_uvs, len(uvs))
        known = _read_materials(path, read.libraries)
        used = {name: known.get(name, _Material()) for name in dict.fromkeys(read.face_materials)}
        names = dict.fromkeys(material.picture for material in used.values())
        pictures = {name: None if name is None else _read_picture(path, name) for name in names}
        colors = _obj_colors(read.face_materials, faces, face_uvs, uvs, len(positions), used, pictures)
    except (ValueError, IndexError, OverflowError, OSError) as error:
        if str(error).startswith("Mesh.load"):
            raise
        raise ValueError(f"Mesh.load: {path} must be a readable .obj file, got {type(error).__name__}: {error}") from error
    if n_numbers >= 6 and all(picture is None for picture in pictures.values()):
        colors = positions[:, 3:6] / (255 if positions[:, 3:6].max() > 1 else 1)
    mesh = Contents(vertices=positions[:, :3], faces=faces, colors=colors)
    if len(pictures) > 1 or face_uvs.min() < 0:
        return mesh
    (texture,) = pictures.values()
    wraps = {material.wrap for material in used.values()}
    wrap = wraps.pop() if texture is not None and len(wraps) == 1 else None
    return replace(mesh, uvs=uvs, face_uvs=face_uvs, texture=texture, wrap=wrap)


def _check_indices(what: str, indices: np.ndarray, n: int) -> None:
    if indices.max() >= n:
        raise ValueError(f"the {what} {indices.max() + 1}, where there are {n}")


def _obj_colors(
    face_materials: list[str | None],
    faces: np.ndarray,
    face_uvs: np.ndarray,
    uvs: np.ndarray,
    n_vertices: int,
    materials: dict[str | None, _Material],
    pictures: dict[str | None, np.ndarray | None],
) -> np.ndarray | None:
    """[V, 3] what the materials say: their pictures, else their colours, else white; along a seam, that of the last corner. None if they say nothing."""
    colors, found = np.ones((n_vertices, 3), np.float32), False
    places = {name: i for i, name in enumerate(materials)}
    of_face = np.array([places[name] for name in face_materials])
    for i, material in enumerate(materials.values()):
        picture = pictures[material.picture]
        textured = (of_face == i) & (face_uvs.min(1) >= 0) & (picture is not None)
        if material.color is not None:
            colors[faces[(of_face == i) & ~textured].ravel()] = material.color
        if picture is not None:
            colors[faces[textured].ravel()] = _colors_at(uvs[face_uvs[textured].ravel()], picture)
        found |= picture is not None or material.color is not None
    return colors if found else None


def _read_materials(path: Path, libraries: list[str]) -> dict[str | None, _Material]:
    """The materials of an OBJ file by name; a library that is missing has none."""
    found: dict[str | None, _Material] = {}
    for library in libraries:
        subject = f"Mesh.load: the material file of {path}"
        whole = file_near(subject, path, library)
        for place in [whole] if whole is not None else [file_near(subject, path, name) for name in library.split()]:
            if place is None:
                continue
            material = _Material()
            for line in read_text(subject, place).splitlines():
                words = line.split()
                key = words[0].lower() if words else ""
                if key == "newmtl":
                    material = found[line.strip()[6:].strip()] = _Material()
                elif key == "kd" and len(words) >= 4 and words[1].lower() not in ("spectral", "xyz"):
                    with contextlib.suppress(ValueError):
                        material.color = [float(word) for word in words[1:4]]
                elif key == "map_kd":
                    material.picture, material.wrap = _map_statement(line.strip()[6:].strip())
    return found


def _map_statement(statement: str) -> tuple[str | None, Wrap | None]:
    """The file of a map, which may have spaces, after options such as ``-clamp on``."""
    wrap = None
    while statement.split(maxsplit=1)[:1] and (option := statement.split(maxsplit=1)[0].lower()) in MAP_OPTIONS:
        n_most, statement = MAP_OPTIONS[option], statement[len(option) :].lstrip()
        for n in range(n_most):
            value, _, rest = statement.partition(" ")
            if n > 0 and not _is_number(value):  # -o, -s, -t take one to three numbers
                break
            if option == "-clamp":
                wrap = Wrap.CLAMP if value.lower() == "on" else Wrap.REPEAT
            statement = rest.lstrip()
    return statement or None, wrap


def _is_number(word: str) -> bool:
    with contextlib.suppress(ValueError):
        float(word)
        return True
    return False


def write_textured_obj(path: Path, mesh: Contents, uvs: np.ndarray) -> None:
    """Writes an OBJ file and, with a texture, a material file and a PNG of the same name beside it. With a texture there are no colours besides it."""
    lines = []
    rows = mesh.vertices if mesh.texture is not None or mesh.colors is None else np.concatenate([mesh.vertices, np.clip(mesh.colors, 0, 1)], 1)
    if mesh.texture is not None:
        picture, library = path.with_suffix(".png"), path.with_suffix(".mtl")
        with replacing(picture) as partial:
            _picture_of(mesh.texture).save(partial)
        clamp = "-clamp on " if mesh.wrap is Wrap.CLAMP else ""
        with replacing(library) as partial:
            partial.write_text(f"newmtl material_0\nKd 1 1 1\nmap_Kd {clamp}{picture.name}\n", encoding="utf-8")
        lines += [f"mtllib {library.name}", "usemtl material_0"]
    lines += ["v " + " ".join(f"{number:.9g}" for number in row) for row in rows.tolist()]
    lines += [f"vt {u:.9g} {v:.9g}" for u, v in uvs.tolist()]
    corners = np.stack([mesh.faces, mesh.faces if mesh.face_uvs is None else mesh.face_uvs], -1) + 1
    lines += ["f " + " ".join(f"{vertex}/{uv}" for vertex, uv in face) for face in corners.tolist()]
    with replacing(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


# Whatever trimesh reads


def trimesh_scene(path: Path) -> tuple[Any, Any]:
    """The scene of a file, and its one mesh; its pictures are checked before they are decoded."""
    with own_pixel_limit():
        scene: Any = trimesh.load_scene(path, resolver=_FilesNear(path), process=False, maintain_order=True)
        for geometry in scene.geometry.values():
            material = getattr(getattr(geometry, "visual", None), "material", None)
            for name in TEXTURE_NAMES:
                if isinstance(picture := getattr(material, name, None), Image.Image):
                    check_picture(_subject(path), name, picture)
        n_faces = sum(len(getattr(scene.geometry[scene.graph[node][1]], "faces", ())) for node in scene.graph.nodes_geometry)
        if n_faces > MAX_FACES:
            raise ValueError(f"Mesh.load: {path} must have at most 2^27 faces, got {n_faces}")
        return scene, scene.to_mesh()


class _FilesNear(trimesh.resolvers.FilePathResolver):
    """The files that a mesh names, as `foreign_files` finds them."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def get(self, name: str) -> bytes:
        found = file_near(f"Mesh.load: what {self._path} names", self._path, name.strip())
        if found is None:
            raise FileNotFoundError(f"there is no file {name}")
        return found.read_bytes()


def textured_scene(path: Path, scene: Any, loaded: Any) -> Contents | None:
    """The mesh of a scene with texture coordinates and no more than one picture; None for any other.

    Vertices at one point are one: a file with one list of indices repeats them along the seams of a texture.
    """
    visual = loaded.visual
    if visual.kind != "texture" or visual.uv is None or len(visual.uv) != len(loaded.vertices) or not np.isfinite(visual.uv).all():
        return None
    picture = _picture(visual)
    if len(scene.geometry) > 1 and not _share_picture(scene, picture):
        return None  # trimesh has packed the pictures into one, for which texture coordinates outside [0, 1] are lost
    texture = None if picture is None else _pixels(path, "baseColorTexture", picture)
    split = np.asarray(loaded.vertices, np.float32) + np.float32(0)  # no negative zero: equal numbers have equal bytes
    uvs, face_uvs = np.asarray(visual.uv[:, :2], np.float32), np.asarray(loaded.faces)
    _, first, inverse = np.unique(split, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)  # as they come in the file
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    joined = place[inverse.reshape(-1)]
    vertices, faces = split[first[order]], joined[face_uvs]
    colors = None
    if texture is not None:
        colors = np.empty((len(vertices), 3), np.float32)
        of_split = _colors_at(uvs, texture)
        colors[joined] = of_split
        colors[faces.ravel()] = of_split[face_uvs.ravel()]  # along a seam, that of the last corner, as in an OBJ file
    elif (given := vertex_colors(scene, loaded)) is not None:
        colors = given[first[order]]
    return Contents(
        vertices=vertices,
        faces=faces,
        colors=colors,
        uvs=uvs,
        face_uvs=None if len(vertices) == len(split) else face_uvs,
        texture=texture,
    )


def _picture(visual: Any) -> Image.Image | None:
    material = getattr(visual, "material", None)
    picture = getattr(material, "image", None) if hasattr(material, "image") else getattr(material, "baseColorTexture", None)
    return picture if isinstance(picture, Image.Image) else None


def _share_picture(scene: Any, picture: Image.Image | None) -> bool:
    pictures = [_picture(geometry.visual) for geometry in scene.geometry.values()]
    if picture is None or any(other is None or other.size != picture.size for other in pictures):
        return picture is None and all(other is None for other in pictures)
    return all(np.array_equal(np.asarray(other), np.asarray(picture)) for other in pictures)


def vertex_colors(scene: Any, loaded: Any) -> np.ndarray | None:
    """[V, 3] in [0, 1]: of the vertices, of the texture at them, or of the material; None if the file does not say."""
    visual = loaded.visual
    if not visual.defined:
        return None
    if visual.kind in ("vertex", "face"):
        colors = np.asarray(visual.vertex_colors)
    elif _picture(visual) is not None and visual.uv is not None:
        colors = np.asarray(visual.to_color().vertex_colors)
    else:
        colors = np.asarray(visual.material.main_color)
    return np.broadcast_to(colors, (len(loaded.vertices), colors.shape[-1]))[:, :3] / np.float32(255)


# Whatever trimesh writes


def write_untextured(path: Path, mesh: Contents) -> None:
    """Writes positions, faces and colours, in the format that the file's name says."""
    out: Any = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    if mesh.colors is not None:
        rgb = np.round(np.clip(mesh.colors, 0, 1) * 255).astype(np.uint8)
        out.visual.vertex_colors = np.concatenate([rgb, np.full((len(rgb), 1), 255, np.uint8)], 1)
    with replacing(path) as partial:
        out.export(partial)
