"""Triangle meshes, and their files (through trimesh)."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from .checks import check_faces, check_finite, check_shape

__all__ = ["Mesh"]

READABLE = (".glb", ".gltf", ".obj", ".off", ".ply", ".stl")
WRITABLE = (".glb", ".obj", ".ply", ".stl")


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Triangles with colours per vertex.

    Attributes:
        vertices: [V, 3] float32, positions in the world.
        faces: [F, 3] int32; seen from outside, their vertices run counter-clockwise.
        colors: [V, 3] float32 in [0, 1], or None.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray | None = None

    def __post_init__(self) -> None:
        vertices = np.ascontiguousarray(self.vertices, dtype=np.float32)
        sizes: dict[str, int] = {}
        check_shape("Mesh", "vertices", vertices.shape, ("V", 3), sizes)
        check_finite("Mesh", "vertices", vertices)
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "faces", check_faces("Mesh", self.faces, len(vertices)))
        if self.colors is not None:
            colors = np.ascontiguousarray(self.colors, dtype=np.float32)
            check_shape("Mesh", "colors", colors.shape, ("V", 3), sizes)
            check_finite("Mesh", "colors", colors)
            object.__setattr__(self, "colors", colors)

    @classmethod
    def load(cls, path: str | Path) -> "Mesh":
        """Reads an OBJ, PLY, GLB, glTF, STL or OFF file; a scene becomes one mesh, and a texture the colours it has at the vertices.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if its name or content is not that of a triangle mesh.
        """
        path = Path(path)
        if path.suffix.lower() not in READABLE:
            raise ValueError(f"Mesh.load: the file must be one of {', '.join(READABLE)}, got {path.name!r}")
        if not path.is_file():
            raise FileNotFoundError(f"Mesh.load: there is no file {path}")
        try:
            loaded: Any = trimesh.load_scene(path, process=False, maintain_order=True).to_mesh()
        except Exception as error:  # trimesh's readers raise whatever the malformed file makes them stumble over
            raise ValueError(f"Mesh.load: {path} must be a readable {path.suffix} file, got {type(error).__name__}: {error}") from error
        if not isinstance(loaded, trimesh.Trimesh) or len(loaded.faces) == 0:
            raise ValueError(f"Mesh.load: {path} must hold triangles, got none")
        if path.suffix.lower() == ".stl":
            loaded.merge_vertices()  # STL repeats every vertex in every triangle
        colors = None
        visual: Any = loaded.visual
        if visual.defined:
            colors = np.asarray(_vertex_colors(visual))
            colors = np.broadcast_to(colors, (len(loaded.vertices), colors.shape[-1]))[:, :3] / np.float32(255)
        return cls(vertices=loaded.vertices, faces=loaded.faces, colors=colors)

    def save(self, path: str | Path) -> None:
        """Writes a GLB, OBJ, PLY or STL file, with colours (STL has none)."""
        path = Path(path)
        if path.suffix.lower() not in WRITABLE:
            raise ValueError(f"Mesh.save: the file must be one of {', '.join(WRITABLE)}, got {path.name!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        out: Any = trimesh.Trimesh(self.vertices, self.faces, process=False)
        if self.colors is not None:
            rgb = np.round(np.clip(self.colors, 0, 1) * 255).astype(np.uint8)
            out.visual.vertex_colors = np.concatenate([rgb, np.full((len(rgb), 1), 255, np.uint8)], 1)
        out.export(path)

    @classmethod
    def icosphere(cls, subdivisions: int = 3, radius: float = 1.0) -> "Mesh":
        """A sphere of 20 * 4^subdivisions nearly equal triangles."""
        sphere = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
        return cls(vertices=sphere.vertices, faces=sphere.faces)

    def normalized(self) -> "Mesh":
        """Moved and scaled so that its bounding sphere about the middle of its bounding box has radius 1 at the origin."""
        vertices = self.vertices.astype(np.float64)
        vertices -= (vertices.min(0) + vertices.max(0)) / 2
        radius = np.linalg.norm(vertices, axis=1).max()
        if not radius > 0:
            raise ValueError("Mesh.normalized: the mesh must have an extent, got a single point")
        return replace(self, vertices=vertices / radius)


def _vertex_colors(visual: Any) -> Any:
    """Bytes [V, 3 or 4], or one colour for all: of the vertices, of the texture at them, or of the material."""
    if visual.kind in ("vertex", "face"):
        return visual.vertex_colors
    material = visual.material
    picture = getattr(material, "image", None) if hasattr(material, "image") else getattr(material, "baseColorTexture", None)
    return visual.to_color().vertex_colors if picture is not None and visual.uv is not None else material.main_color
