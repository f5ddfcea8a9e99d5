"""What is written: a mesh that has a thing is saved, and read again; what has come of it, decides."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from taichi_softras import Mesh
from taichi_softras.engine import Wrap

from . import Row
from .meshes import C4, FAR, PICTURE, SQUARE, TWO_TRIANGLES, colored, far, square, with_seam, with_uvs

__all__ = ["FORMATS", "refused", "rows"]

FORMATS = ("GLB", "OBJ", "PLY", "STL")


def saved(mesh: Mesh) -> dict[str, Callable[[Path], Mesh]]:
    """The mesh, written and read again in each format."""

    def maker(suffix: str) -> Callable[[Path], Mesh]:
        def make(folder: Path) -> Mesh:
            mesh.save(folder / f"m{suffix}")
            return Mesh.load(folder / f"m{suffix}")

        return make

    return {name: maker(f".{name.lower()}") for name in FORMATS}


def refused() -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Formats that are read, and not written."""
    for suffix in (".gltf", ".off"):
        yield suffix, lambda folder, suffix=suffix: Mesh.icosphere(0).save(folder / f"m{suffix}")


def rows() -> Iterator[Row]:
    bare = Mesh(vertices=SQUARE, faces=TWO_TRIANGLES.reshape(-1, 3))
    colors = np.array(C4 * 0.9, np.float32)  # no number of 8 bits
    textured = replace(bare, uvs=SQUARE[:, :2], texture=PICTURE / 255)
    yield Row(feature="triangles", judge=lambda mesh: square(mesh) and "written", files=saved(bare))
    moved = replace(bare, vertices=SQUARE.astype(np.float64) + FAR)
    yield Row(feature="positions far from the origin", judge=lambda mesh: far(mesh) and "written", files=saved(moved))
    yield Row(feature="colours of vertices", judge=lambda mesh: of_colors(mesh, colors), files=saved(replace(bare, colors=colors)))
    yield Row(
        feature="texture coordinates",
        judge=lambda mesh: with_uvs(mesh, words="written") if mesh.uvs is not None else square(mesh) and "left out",
        files=saved(replace(bare, uvs=SQUARE[:, :2])),
    )
    seam = replace(bare, uvs=np.concatenate([SQUARE[:, :2], [[0.5, 0]]]), face_uvs=np.array([[4, 1, 2], [0, 2, 3]]))
    yield Row(
        feature="texture coordinates that differ at a corner",
        judge=lambda mesh: with_seam(mesh) and "written" if mesh.uvs is not None else square(mesh) and "left out",
        files=saved(seam),
    )
    yield Row(feature="a texture", judge=of_texture, files=saved(textured))
    yield Row(
        feature="a texture of floats",
        judge=lambda mesh: square(mesh) and "left out" if mesh.texture is None else of_floats(mesh),
        files=saved(replace(textured, texture=np.full((2, 2, 3), 0.3))),
    )
    yield Row(
        feature="what lies outside of it: clamped",
        judge=lambda mesh: square(mesh) and ("written" if mesh.wrap is Wrap.CLAMP else "left out"),
        files=saved(replace(textured, wrap=Wrap.CLAMP)),
    )
    yield Row(
        feature="what lies outside of it: mirrored",
        judge=lambda mesh: square(mesh) and ("written" if mesh.wrap is Wrap.MIRROR else "left out"),
        files=saved(replace(textured, wrap=Wrap.MIRROR)),
    )
    yield Row(
        feature="a texture, and colours beside it",
        judge=lambda mesh: of_texture(mesh) + " without the colours" if mesh.texture is not None else of_colors(mesh, colors),
        files=saved(replace(textured, colors=colors)),
    )


def of_colors(mesh: Mesh, expected: np.ndarray) -> str:
    square(mesh)
    if mesh.colors is None:
        return "left out"
    away = max(np.abs(mesh.colors[np.isclose(mesh.vertices, point).all(1)] - color).max() for point, color in zip(SQUARE, expected, strict=True))
    assert away <= 0.5 / 255 + 1e-6, f"{away} away"
    return "written, as floats" if away < 1e-6 else "written, in 8 bits"


def of_texture(mesh: Mesh) -> str:
    return colored(textured=True, words="written")(mesh) if mesh.texture is not None else square(mesh) and "left out"


def of_floats(mesh: Mesh) -> str:
    away = np.abs(mesh.texture - 0.3).max()
    assert away <= 0.5 / 255 + 1e-6, f"{away} away"
    return "written, as floats" if away < 1e-6 else "written, in 8 bits"
