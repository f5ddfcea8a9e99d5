"""SoftRas's own reading and writing of OBJ files: vertices in the order of the file, textures baked per face, a texture atlas out.

(The lines are read as `taichi_softras.Mesh` reads them; what stands here is what makes faces and texels those of SoftRas.)
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...checks import as_array, check_array, check_corners, check_finite, check_integer
from ...kernels.texture_image import Wrap
from ...replacing import replacing
from ...scene import (
    Material,
    NamedFiles,
    as_path,
    fans_of,
    is_file,
    material_of_map,
    picture_file,
    pixels,
    read_content,
    read_obj_lines,
    read_text,
    without_comment,
)

__all__ = ["load_obj", "save_obj"]

MAX_RES = 1 << 10  # texels along a side of a face


def load_obj(
    filename_obj: str | Path, normalization: bool = False, load_texture: bool = False, texture_res: int = 4, texture_type: str = "surface"
) -> tuple[torch.Tensor, ...]:
    """(vertices [V, 3], faces [F, 3]) of an OBJ file, and textures [F, R * R, 3] or [V, 3] if ``load_texture``. Polygons become fans.

    ``normalization`` fits the vertices into [-1, 1], centred, in float64: so that a mesh far from the origin (in surveyors' coordinates) keeps its shape, which
    float32 would lose before. Of a picture's options ``-s``, ``-o`` and ``-clamp`` are used (the original has none).

    Raises:
        FileNotFoundError: if the file, its material file or a picture is missing. ValueError: if there is no texture in it, or a line makes no sense.
    """
    if texture_type not in ("surface", "vertex"):
        raise ValueError(f"load_obj: texture_type must be 'surface' or 'vertex', got {texture_type!r}")
    check_integer("load_obj", "texture_res", texture_res, 1, MAX_RES)
    path = as_path("load_obj", "filename_obj", filename_obj)
    if not is_file(path):
        raise FileNotFoundError(f"load_obj: there is no file {path}")
    content = read_content(f"load_obj: {path}", path)
    try:
        read = _Obj(path, content)
    except ValueError as error:
        raise ValueError(f"load_obj: {path} must be an OBJ file, got {type(error).__name__}: {error}") from error
    with np.errstate(over="ignore", invalid="ignore"):
        positions = _normalized(path, read.positions) if normalization else read.positions
        positions = positions.astype(np.float32)
    check_finite("load_obj", f"the vertices of {path}", positions)
    vertices, faces = torch.from_numpy(positions), torch.from_numpy(read.faces)
    if not load_texture:
        return vertices, faces
    if texture_type == "vertex":
        if read.colors is None:
            raise ValueError(f"load_obj: {path} must have colours at its vertices, got none")
        return vertices, faces, torch.from_numpy(read.colors)
    return vertices, faces, torch.from_numpy(read.textures(texture_res))


def _normalized(path: Path, positions: np.ndarray) -> np.ndarray:
    moved = positions - positions.min(0)
    if not (largest := moved.max()) > 0:
        raise ValueError(f"load_obj: the vertices of {path} must have an extent to be normalised, got a single point")
    scaled: np.ndarray = moved / largest * 2
    return scaled - scaled.max(0) / 2


class _Obj:
    """What an OBJ file says, polygons as fans."""

    def __init__(self, path: Path, content: bytes) -> None:
        lines = read_obj_lines(content)
        fans = fans_of(lines.sizes)
        if len(fans) == 0:
            raise ValueError("no triangles")
        with np.errstate(over="ignore"):  # looked at where they are used
            self.uv = lines.uvs.astype(np.float32)
            self.colors = None if lines.colors is None or np.isnan(lines.colors).any() else lines.colors.astype(np.float32)
        self.path, self.positions = path, lines.positions
        self.faces, self.uv_faces = lines.corners[fans].astype(np.int32), lines.corner_uvs[fans]
        numbers = {name: number for number, name in enumerate(dict.fromkeys([*lines.materials, ""]))}
        self.materials = list(numbers)
        number_of = np.array([numbers[name] for name in [*lines.materials, ""]])  # the last one: before any is named
        self.of_face = np.repeat(number_of[lines.of_polygon], np.maximum(lines.sizes - 2, 0))
        self.library = lines.libraries[-1] if lines.libraries else None

    def textures(self, size: int) -> np.ndarray:
        """[F, size * size, 3]: the colour of each face's material, or its picture sampled in the middle of each texel."""
        if self.library is None:
            raise ValueError(f"load_obj: {self.path} must name a material file (mtllib) to have textures, got none")
        textures = np.ones((len(self.faces), size * size, 3), np.float32)
        known = _materials(self.path, self.library)
        for number in np.unique(self.of_face).tolist():
            name = self.materials[number]
            color, drawn = known.get(name) or known.get(without_comment(name)) or (None, Material())
            of_material = self.of_face == number
            if color is not None:
                textures[of_material] = color
            if drawn.picture is not None:
                corners = self.uv_faces[of_material]
                if corners.min() < 0:
                    raise ValueError(f"load_obj: {self.path} must have texture coordinates where it has a picture, got none at a corner")
                uv = self.uv[corners] * np.array(drawn.scale, np.float32) + np.array(drawn.offset, np.float32)
                check_finite("load_obj", f"the texture coordinates of {self.path}", uv)
                uv = np.clip(uv, 0, 1) if drawn.wrap is Wrap.CLAMP else np.where(uv > 1, uv % 1, uv)
                textures[of_material] = _bake(_read_picture(self.path, drawn.picture), uv, size)
        return textures


def _materials(path: Path, library: str) -> dict[str, tuple[np.ndarray | None, Material]]:
    """Colour (Kd) and what is said of a picture (map_Kd) of each material of the OBJ file ``path``."""
    subject = f"load_obj: the material file of {path}"
    place = NamedFiles(path).find(subject, library)
    if place is None:
        raise FileNotFoundError(f"load_obj: there is no material file {path.parent / library}")
    found: dict[str, tuple[np.ndarray | None, Material]] = {}
    name = ""
    for line in read_text(subject, place).splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        color, drawn = found.get(name, (None, Material()))
        if words[0] == "newmtl":
            name = line.split(maxsplit=1)[1].strip()
            found[name] = (None, Material())
        elif words[0] == "Kd":
            found[name] = (_color(subject, words[1:4]), drawn)
        elif words[0] == "map_Kd":
            found[name] = (color, material_of_map(line.split(maxsplit=1)[1].strip()))
    return {without_comment(name): said for name, said in reversed(found.items())} | found


def _color(subject: str, words: list[str]) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):
            color = np.array([float(word) for word in words], np.float32)
    except ValueError as error:
        raise ValueError(f"{subject} must have numbers after Kd, got {error}") from error
    if color.shape != (3,) or not np.isfinite(color).all():
        raise ValueError(f"{subject} must have three finite numbers after Kd, got {' '.join(words)}")
    return color


def _read_picture(path: Path, name: str) -> np.ndarray:
    """[H, W, 3], row 0 at the bottom, as texture coordinates have it."""
    subject = f"load_obj: the texture of {path}"
    place = NamedFiles(path).find(subject, name)
    if place is None:
        raise FileNotFoundError(f"load_obj: there is no picture {path.parent / name}")
    with picture_file(subject, place, name) as picture:
        return pixels(subject, name, picture, "RGB")[::-1]


def _texel_centres(size: int) -> np.ndarray:
    """[size * size, 3] barycentric coordinates of the middles of the small triangles that `kernels.texture.texel_of` cuts a face into."""
    line, column = np.divmod(np.arange(size * size), size)
    upright = line + column < size
    wa = np.where(upright, column + 1 / 3, size - 1 - column + 2 / 3) / size
    wb = np.where(upright, line + 1 / 3, size - 1 - line + 2 / 3) / size
    return np.stack([wa, wb, 1 - wa - wb], -1)


def _bake(picture: np.ndarray, uv: np.ndarray, size: int) -> np.ndarray:
    """[F, size * size, 3]: bilinear samples of the picture; ``uv`` is [F, 3, 2]."""
    height, width = picture.shape[:2]
    at = np.einsum("tk,fkc->ftc", _texel_centres(size), uv) * [width - 1, height - 1]
    low = np.clip(np.floor(at).astype(int), 0, [width - 1, height - 1])
    high = np.minimum(low + 1, [width - 1, height - 1])
    share = (at - low)[..., None]
    rows = [picture[y, low[..., 0]] * (1 - share[..., 0, :]) + picture[y, high[..., 0]] * share[..., 0, :] for y in (low[..., 1], high[..., 1])]
    return (rows[0] * (1 - share[..., 1, :]) + rows[1] * share[..., 1, :]).astype(np.float32)


def save_obj(filename: str | Path, vertices: Any, faces: Any, textures: Any = None, texture_res: int = 16, texture_type: str = "surface") -> None:
    """Writes one mesh [V, 3], [F, 3].

    With textures [F, R * R, 3] also an atlas of ``texture_res`` pixels a face and its material; with textures [V, 3] colours per vertex.
    (The original's fails for textures per vertex.)
    """
    if texture_type not in ("surface", "vertex"):
        raise ValueError(f"save_obj: texture_type must be 'surface' or 'vertex', got {texture_type!r}")
    op, sizes = "save_obj", dict[str, int]()
    path = as_path(op, "filename", filename)
    vertices, faces = as_array(op, "vertices", vertices), as_array(op, "faces", faces)
    check_array(op, "vertices", vertices, ("V", 3), sizes)
    check_finite(op, "vertices", vertices)
    faces = np.zeros((0, 3), np.int32) if faces.shape == (0, 3) else check_corners(op, "faces", faces, "vertices", sizes["V"])
    check_integer(op, "texture_res", texture_res, 2, MAX_RES)
    texels = None if textures is None else as_array(op, "textures", textures)
    if texels is not None:
        check_array(op, "textures", texels, ("F", "texels", 3) if texture_type == "surface" else ("V", 3), sizes | {"F": len(faces)})
        texels = texels.astype(np.float64)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"# {path.name}", ""]
    corners = [[f"{index + 1}" for index in face] for face in faces]
    rows = vertices
    if texels is not None and texture_type == "vertex":
        rows = np.concatenate([vertices, texels], 1)
    if texels is not None and texture_type == "surface":
        lines += [f"mtllib {path.with_suffix('.mtl').name}", ""]
    lines += ["v " + " ".join(f"{number:.8f}" for number in row) for row in rows]
    if texels is not None and texture_type == "surface":
        atlas, uv = create_texture_atlas(texels, texture_res)
        with replacing(path.with_suffix(".png")) as partial:
            Image.fromarray((np.clip(atlas, 0, 1) * 255).astype(np.uint8)).save(partial)
        with replacing(path.with_suffix(".mtl")) as partial:
            partial.write_text(f"newmtl material_1{os.linesep}map_Kd {path.with_suffix('.png').name}{os.linesep}")
        lines += ["", *(f"vt {u:.8f} {v:.8f}" for u, v in uv.reshape(-1, 2)), "", "usemtl material_1"]
        corners = [[f"{index}/{3 * f + k + 1}" for k, index in enumerate(face)] for f, face in enumerate(corners)]
    lines += ["", *("f " + " ".join(face) for face in corners), ""]
    with replacing(path) as partial:
        partial.write_text("\n".join(lines))


def create_texture_atlas(textures: np.ndarray, tile: int) -> tuple[np.ndarray, np.ndarray]:
    """(picture [H, W, 3], row 0 at the top; texture coordinates [F, 3, 2]) with a square of ``tile`` pixels for each face."""
    n_faces, size = len(textures), round(textures.shape[1] ** 0.5)
    columns = int((n_faces - 1.0) ** 0.5) + 1
    rows = int((n_faces - 1.0) / columns) + 1
    row, column = np.divmod(np.arange(n_faces), columns)
    left, bottom = column * tile, row * tile
    triangle = np.array([[tile // 2, 1], [1, tile - 2], [tile - 2, tile - 2]], np.float64)
    corners = np.stack([left, bottom], -1)[:, None] + triangle
    atlas = np.ones((rows * tile, columns * tile, 3))
    y, x = (axis.reshape(-1) for axis in np.mgrid[0:tile, 0:tile])
    weights = np.linalg.solve(np.concatenate([triangle.T, np.ones((1, 3))]), np.stack([x, y, np.ones_like(x)])).T
    weights = np.clip(weights, 0, 1)
    weights /= weights.sum(1, keepdims=True)
    at = np.minimum((weights[:, :2] * size).astype(int), size - 1)
    upright = weights[:, :2].sum(1) * size - at.sum(1) <= 1 + 1e-5
    texel = np.where(upright, at[:, 1] * size + at[:, 0], (size - 1 - at[:, 1]) * size + size - 1 - at[:, 0])
    tiles = textures[:, texel].reshape(n_faces, tile, tile, 3)
    for f in range(n_faces):
        atlas[bottom[f] : bottom[f] + tile, left[f] : left[f] + tile] = tiles[f]
    return atlas[::-1], (corners / [atlas.shape[1] - 1, atlas.shape[0] - 1]).astype(np.float32)
