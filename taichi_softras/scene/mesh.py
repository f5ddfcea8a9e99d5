"""Triangle meshes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import (
    as_array,
    check_choice,
    check_corners,
    check_faces,
    check_finite,
    check_flag,
    check_integer,
    check_number,
    check_shape,
    check_unit,
    dtype_of,
)
from ..kernels.texture_image import Wrap
from .contents import Contents
from .files import read_mesh, write_mesh
from .foreign_files import MAX_PIXELS, as_path
from .sphere import icosphere

__all__ = ["Mesh"]

LARGEST = 1e18  # coordinates: their squares are numbers, too
LOST = 1e-5  # of the extent: positions that float32 would move farther stay float64


def _numbers(name: str, values: Any, shape: tuple[int | str, ...], sizes: dict[str, int], op: str = "Mesh") -> np.ndarray:
    """Finite float32 of a shape."""
    return np.ascontiguousarray(_checked(name, values, shape, sizes, op), dtype=np.float32)


def _unit(name: str, values: Any, shape: tuple[int | str, ...], sizes: dict[str, int]) -> np.ndarray:
    """float32 from 0 to 1."""
    given = _checked(name, values, shape, sizes)
    check_unit("Mesh", name, given)
    return np.ascontiguousarray(given, dtype=np.float32)


def _positions(values: Any, sizes: dict[str, int]) -> np.ndarray:
    """[V, 3] float32, or float64 if float32 would lose them, far from the origin."""
    given = _checked("vertices", values, ("V", 3), sizes)
    single = np.ascontiguousarray(given, dtype=np.float32)
    if given.dtype.itemsize <= 4 or not given.size:
        return single
    lost = max(np.abs(given[:, axis] - single[:, axis]).max() for axis in range(3))
    return single if lost <= LOST * np.ptp(given, axis=0).max() else np.ascontiguousarray(given, dtype=np.float64)


def _checked(name: str, values: Any, shape: tuple[int | str, ...], sizes: dict[str, int], op: str = "Mesh") -> np.ndarray:
    given = as_array(op, name, values)
    if given.dtype.kind not in "fiu":
        raise TypeError(f"{op}: {name} must be real numbers, got {dtype_of(given)}")
    check_shape(op, name, given.shape, shape, sizes)
    check_finite(op, name, given)
    if given.size and (largest := max(float(given.max()), -float(given.min()))) > LARGEST:
        raise ValueError(f"{op}: {name} must be at most {LARGEST:g}, got {largest}")
    return given


@dataclass(frozen=True, kw_only=True)
class Mesh(Contents):
    """Triangles with colours per vertex, and a picture as texture.

    Attributes:
        vertices: [V, 3] float32, positions in the world; float64 where float32 would move them by more than 1e-5 of the mesh's extent (surveyors' coordinates,
            far from the origin): `render_mesh`, fits and the viewer then count from the middle of the mesh. For kernels and tensors subtract an origin first.
        faces: [F, 3] int32; seen from outside, their vertices run counter-clockwise.
        colors: [V, 3] float32 in [0, 1], or None.
        uvs: [T, 2] float32, texture coordinates: u to the right, v up, (0, 0) the lower left corner of the picture; or None.
        face_uvs: [F, 3] int32, into ``uvs``, for each corner; None if ``uvs`` stand per vertex (T = V).
        texture: [H, W, 3] or [H, W, 4] float32 in [0, 1], row 0 the top; or None.
        wrap: what lies outside of the texture, if its file says so; else None.
    """

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        vertices = _positions(self.vertices, sizes)
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "faces", check_faces("Mesh", self.faces, len(vertices)))
        if self.colors is not None:
            object.__setattr__(self, "colors", _unit("colors", self.colors, ("V", 3), sizes))
        self._check_texture(sizes)

    def _check_texture(self, sizes: dict[str, int]) -> None:
        for name in ("face_uvs", "texture"):
            if getattr(self, name) is not None and self.uvs is None:
                raise ValueError(f"Mesh: {name} must come with uvs, got None")
        if self.uvs is not None:
            object.__setattr__(self, "uvs", _numbers("uvs", self.uvs, ("T" if self.face_uvs is not None else "V", 2), sizes))
        if self.face_uvs is not None and self.uvs is not None:
            face_uvs = check_corners("Mesh", "face_uvs", self.face_uvs, "uvs", len(self.uvs))
            check_shape("Mesh", "face_uvs", face_uvs.shape, ("F", 3), {"F": len(self.faces)})
            object.__setattr__(self, "face_uvs", face_uvs)
        if self.texture is not None:
            shape = np.shape(self.texture)
            if len(shape) != 3 or shape[2] not in (3, 4) or 0 in shape:
                raise ValueError(f"Mesh: texture must have shape (H, W, 3) or (H, W, 4), got {shape}")
            if shape[0] * shape[1] > MAX_PIXELS:
                raise ValueError(f"Mesh: texture must have at most 2^28 pixels, got {shape[0]} x {shape[1]}")
            object.__setattr__(self, "texture", _unit("texture", self.texture, ("H", "W", shape[2]), {}))
        if self.wrap is not None:
            check_choice("Mesh", "wrap", self.wrap, Wrap)

    @property
    def is_colored(self) -> bool:
        """Whether it has a texture, or colours per vertex."""
        return self.colors is not None or self.texture is not None

    @classmethod
    def load(cls, path: str | Path) -> "Mesh":
        """Reads an OBJ, PLY, GLB, glTF, STL or OFF file; a scene becomes one mesh.

        Texture coordinates come with OBJ, GLB, glTF, PLY and OFF, the picture with OBJ, GLB, glTF and PLY if the file has one. Several pictures, and parts of a
        plain colour beside them, become one ``texture``, with texture coordinates of its own; ``colors`` also hold what they are at the vertices. Where that
        texture would have more than 2^26 pixels, or colours vary at the vertices of parts without a picture, there are ``colors`` alone. A vertex on a seam
        of the texture stays one vertex: ``face_uvs`` tells its corners apart.

        Polygons become triangles, concave ones too, without a new vertex. An OBJ file's Kd colours a mesh that has no picture, and does not change a picture;
        what it names is also looked for by its base name beside it, in any case of letters.

        GLB and glTF 2.0 are read to the letter of the specification, from which follows: baseColorFactor multiplies the picture, and the colours of vertices
        (COLOR_0), in linear light, and all comes in sRGB; meshes stand where their nodes, skins and default morph weights have them; where a node mirrors,
        faces turn; points and lines are left out. KHR_texture_transform, KHR_mesh_quantization, EXT_texture_webp and, with the extra ``draco``, Draco's
        compression are read; what else a file requires is refused by name. Vertices at one point and of one colour are one. A texture has the alpha that
        ``alphaMode`` gives it (BLEND, MASK), and none where the material is opaque. Where it goes on differently in u and in v, ``wrap`` is None.

        Warns:
            UserWarning: of a picture that a file names, and that is nowhere; of textures that are reduced to colours at the vertices.

        Raises:
            FileNotFoundError: if there is no such file. (A material file or a picture that is missing leaves a mesh without texture.)
            ValueError: if its name or content is not that of a triangle mesh, or its texture is no picture, or has more than 2^28 pixels.
        """
        return read_mesh(as_path("Mesh.load", "path", path), cls)

    def save(self, path: str | Path, normals: bool = False, opacity: np.ndarray | None = None) -> None:
        """Writes a GLB, OBJ, PLY or STL file.

        GLB and OBJ have texture coordinates and the texture, in 8 bits (OBJ: in a .png beside it, named in a .mtl), and then no colours besides it; or
        colours. PLY has colours, STL nothing. What the texture does outside of [0, 1] is said by GLB, and by OBJ if it is clamped. In GLB, colours are linear
        float32, as the specification has them, and the material is rough and no metal. Positions of float64 stay so in PLY and STL (there as a text).

        Args:
            normals: whether GLB and OBJ have normals at the vertices, the mean of those of the faces around by their area: programs then shade the surface
                smoothly, where without them they show each face flat. (`load` does not read them.)
            opacity: [V] in [0, 1], of a mesh without a texture: GLB has them as the alpha of its colours (white if there are none), which programs blend.
                (`load` does not read them.)

        Raises:
            ValueError: if its name is not that of such a file, of PLY and STL with ``normals``, of any but GLB with ``opacity``; or if there is a texture, too.
        """
        op = "Mesh.save"
        check_flag(op, "normals", normals)
        if opacity is not None:
            opacity = _numbers("opacity", opacity, ("V",), {"V": len(self.vertices)}, op)
            if not (opacity.min(initial=0) >= 0 and opacity.max(initial=0) <= 1):
                raise ValueError(f"{op}: opacity must be within [0, 1], got {opacity.min():g} to {opacity.max():g}")
            if self.texture is not None:
                raise ValueError(f"{op}: opacity must be None where there is a texture, which has an alpha of its own, got one")
        write_mesh(as_path(op, "path", path), self, normals, opacity)

    @classmethod
    def icosphere(cls, subdivisions: int = 3, radius: float = 1.0) -> "Mesh":
        """A sphere of 20 * 4^subdivisions nearly equal triangles.

        Examples:
            >>> Mesh.icosphere(3).faces.shape
            (1280, 3)
        """
        check_integer("Mesh.icosphere", "subdivisions", subdivisions, 0, 10)
        check_number("Mesh.icosphere", "radius", radius, 0.0, LARGEST)
        vertices, faces = icosphere(subdivisions)
        return cls(vertices=radius * vertices, faces=faces)

    def normalized(self) -> "Mesh":
        """Moved and scaled so that its bounding sphere about the middle of its bounding box has radius 1 at the origin."""
        vertices = self.vertices.astype(np.float64)
        vertices -= (vertices.min(0) + vertices.max(0)) / 2
        radius = np.linalg.norm(vertices, axis=1).max()
        if not radius > 0:
            raise ValueError("Mesh.normalized: the mesh must have an extent, got a single point")
        return replace(self, vertices=vertices / radius)
