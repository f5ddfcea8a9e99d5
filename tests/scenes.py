"""Small scenes at generic points, and finite differences.

"Generic" means random: no pixel lies on an edge, no two distances or depths are equal, so that a derivative exists. Scenes have several tiles (4 x 2 pixels on
the CPU), an image that is not square and whose sides are no multiples of the tile, and batches whose meshes differ in size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from taichi_softras import Camera, Connectivity, Extrapolation, Interpolation, Mesh, RasterizeSettings, Sides, Topology
from taichi_softras.kernels.variant import Variant
from taichi_softras.language import ti
from taichi_softras.recover import Views, render_views
from taichi_softras.runtime import current_arch, variant_of

IMAGE_SIZE = (13, 21)  # height, width

# Soft enough for finite differences, and the coverage at the cut-off is too small for a pair that crosses it to be seen.
SMOOTH = RasterizeSettings(sigma=0.02, gamma=0.2, cutoff=1e-12, near=0.5, far=10.0, background_depth_norm=0.3)


@dataclass(frozen=True)
class ScreenScene:
    """Triangles on the screen, one soup for each image."""

    vertices: np.ndarray  # [N, 3] screen x, y, and depth
    topology: Topology
    features: np.ndarray  # [N, C]
    background: np.ndarray  # [B, C]


@dataclass(frozen=True)
class WorldScene:
    """Meshes in the world, and a camera for each."""

    vertices: np.ndarray  # [V, 3]
    topology: Topology
    colors: np.ndarray  # [V, C]
    background: np.ndarray  # [B, C]
    camera: Camera


def of_gpus(real: object = ti.f64) -> Variant:
    """A thread a pixel, in square tiles; where these tests run on CUDA its threads work together. (Elsewhere the same source compiles several times faster.)"""
    return variant_of("cuda" if current_arch() == "cuda" else "vulkan", real)


def as_numpy(array) -> np.ndarray:
    """An array of the kernels, read back: on the CPU some are NumPy's already."""
    return array if isinstance(array, np.ndarray) else array.to_numpy()


def screen_scene(
    seed: int, n_faces: Sequence[int] = (7, 4), *, n_features: int = 3, size: float = 0.7, depths: tuple[float, float] = (2.0, 6.0)
) -> ScreenScene:
    """Soups of ``n_faces[b]`` triangles with no vertex in common, of about the given size, around the screen's middle."""
    rng = np.random.default_rng(seed)
    soups = []
    for count in n_faces:
        middle = rng.uniform([-1.4, -0.9], [1.4, 0.9], (count, 1, 2))
        corners = middle + rng.normal(0, size, (count, 3, 2))
        soups.append(np.concatenate([corners, rng.uniform(*depths, (count, 3, 1))], -1).reshape(-1, 3))
    topology = Topology.batch([np.arange(3 * count).reshape(count, 3) for count in n_faces], [3 * count for count in n_faces])
    n = 3 * sum(n_faces)
    return ScreenScene(np.concatenate(soups), topology, rng.uniform(0, 1, (n, n_features)), rng.uniform(0, 1, (len(n_faces), n_features)))


def world_scene(seed: int, *, n_features: int = 3, perspective: bool = True) -> WorldScene:
    """A tetrahedron and a strip of two triangles, each before a camera of its own; both cameras have unequal focal lengths and an offset centre."""
    rng = np.random.default_rng(seed)
    tetrahedron = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]) * 0.7
    strip = np.array([[-0.9, -0.5, 0.2], [0.4, -0.7, -0.1], [-0.3, 0.6, 0.3], [0.8, 0.5, -0.4]])
    vertices = np.concatenate([tetrahedron, strip]) + rng.normal(0, 0.1, (8, 3))
    topology = Topology.batch([np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]), np.array([[0, 1, 2], [1, 3, 2]])], [4, 4])
    orbit = Camera.orbit([2.9, 3.4], [25.0, -10.0], [35.0, 200.0], fov=50.0, orthographic_height=None if perspective else 3.1)
    camera = replace(orbit, intrinsics=orbit.intrinsics * [1.0, 1.1, 1.0, 1.0] + [0.0, 0.0, 0.07, -0.04])
    return WorldScene(vertices, topology, rng.uniform(0, 1, (8, n_features)), rng.uniform(0, 1, (2, n_features)), camera)


def central_differences(function: Callable[[np.ndarray], float], point: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """d function / d point, each entry by a central difference."""
    gradient = np.empty(point.shape)
    for index in np.ndindex(*point.shape):
        moved = [point.copy(), point.copy()]
        moved[0][index] -= step
        moved[1][index] += step
        gradient[index] = (function(moved[1]) - function(moved[0])) / (2 * step)
    return gradient


def central_difference_along(function: Callable[[np.ndarray], float], point: np.ndarray, direction: np.ndarray, step: float) -> float:
    """The derivative along a direction, to fourth order."""

    def central(h: float) -> float:
        return (function(point + h * direction) - function(point - h * direction)) / (2 * h)

    return (4 * central(step) - central(2 * step)) / 3


def relative_error(got: np.ndarray, expected: np.ndarray) -> float:
    """|got - expected| / |expected| in norm."""
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


def orthogonal_settings(base: RasterizeSettings = SMOOTH) -> dict[str, RasterizeSettings]:
    """Nine settings in which every two options of different kinds meet (36 combinations would take minutes to compile). Some faces cross near and far."""
    rows = (
        ("perspective", "both", "closest_point", False),
        ("perspective", "counterclockwise", "clipped", True),
        ("perspective", "clockwise", "closest_point", True),
        ("linear", "both", "clipped", False),
        ("linear", "counterclockwise", "closest_point", False),
        ("linear", "clockwise", "clipped", True),
        ("mixed", "both", "clipped", True),  # SoftRas's
        ("mixed", "counterclockwise", "closest_point", False),
        ("mixed", "clockwise", "clipped", False),
    )
    return {
        "-".join((*row[:3], "beyond" if row[3] else "within")): replace(
            base,
            near=2.6,
            far=5.4,
            interpolation=Interpolation(row[0]),
            sides=Sides(row[1]),
            extrapolation=Extrapolation(row[2]),
            silhouette_beyond_depth_range=row[3],
        )
        for row in rows
    }


def torus(radius: float = 0.65, tube: float = 0.3, n: int = 32, m: int = 16) -> Mesh:
    """Around the z axis: one handle."""
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(n), np.arange(m), indexing="ij"))
    a, b = 2 * np.pi * i / n, 2 * np.pi * j / m
    from_axis = radius + tube * np.cos(b)
    p, q, r, s = i * m + j, (i + 1) % n * m + j, (i + 1) % n * m + (j + 1) % m, i * m + (j + 1) % m
    faces = np.concatenate([np.stack([p, q, r], -1), np.stack([p, r, s], -1)])
    return Mesh(vertices=np.stack([from_axis * np.cos(a), from_axis * np.sin(a), tube * np.sin(b)], -1), faces=faces)


def balls(*centres_and_radii: tuple[float, float, float, float], subdivisions: int = 2) -> Mesh:
    """Spheres (x, y, z, radius) in one mesh."""
    ball, n = Mesh.icosphere(subdivisions), len(centres_and_radii)
    vertices = np.concatenate([ball.vertices * radius + centre for *centre, radius in centres_and_radii])
    return Mesh(vertices=vertices, faces=np.concatenate([ball.faces + i * len(ball.vertices) for i in range(n)]))


def euler_number(mesh: Mesh) -> int:
    """V - E + F: two for each component that is closed and has no handle, two less for each handle."""
    return len(np.unique(mesh.faces)) - len(Connectivity.of(mesh.faces, len(mesh.vertices)).edges) + len(mesh.faces)


def is_closed(mesh: Mesh) -> bool:
    """Whether each edge has two faces, which run along it in opposite directions."""
    sides = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    there, back = (sorted(map(tuple, side.tolist())) for side in (sides, sides[:, ::-1]))
    return len(set(there)) == len(there) and there == back


def ellipsoid() -> Mesh:
    """Off-centre, red above and blue below."""
    sphere = Mesh.icosphere(3)
    colors = np.where(sphere.vertices[:, 1:2] > 0, [0.9, 0.1, 0.1], [0.1, 0.1, 0.9])
    return replace(sphere, vertices=sphere.vertices * [0.7, 0.4, 0.5] + [0.15, 0.1, -0.1], colors=colors)


def pictures_of(mesh: Mesh, camera: Camera, size: int | tuple[int, int] = 32) -> Views:
    """Sharp pictures."""
    image_size = size if isinstance(size, tuple) else (size, size)
    return render_views(mesh, camera, image_size, tuple(f"r_{i}" for i in range(len(camera))))
