"""What the file of a mesh holds, the pictures in it, and the formats that trimesh reads and writes.

Files are not trusted: see `foreign_files` for what is opened of what they name; and a file of a few
kilobytes may not stand for a mesh that fills all memory.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

from ..kernels.texture_image import Wrap
from ..replacing import replacing
from .foreign_files import check_picture, file_near, own_pixel_limit, picture_file, pixels

__all__ = [
    "Contents",
    "textured_scene",
    "trimesh_scene",
    "vertex_colors",
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
    column = np.round(u * (width - 1) % width).astype(np.int64) % width
    row = np.round((1 - v) * (height - 1) % height).astype(np.int64) % height
    return texture[row, column, :3]


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
