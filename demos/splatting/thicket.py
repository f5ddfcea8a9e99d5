"""A thicket: thin leaves on twigs, and a glass ball between them. No mesh of one piece is like it, and its glass is not opaque."""

import numpy as np
from scipy.spatial.transform import Rotation

from taichi_softras import Camera, Mesh
from taichi_softras.recover import Triangles, Views, render_triangles

__all__ = ["TEST_EVERY", "pictures_of_thicket", "thicket"]

LEAF_LENGTH, LEAF_WIDTH = (0.13, 0.24), 0.24  # world units, from and to; of a leaf's length
TWIG_SIDES, TWIG_RADIUS = 5, 0.014
GLASS_RADIUS, GLASS_OPACITY, GLASS_COLOR = 0.24, 0.3, (0.25, 0.55, 0.85)  # of one wall
LIGHT = np.array([0.4, 0.8, 0.45])
DISTANCE, FOV = 3.2, 40.0
TEST_EVERY = 10  # every tenth picture is kept to measure by


def thicket(n_leaves: int = 400, n_twigs: int = 24, seed: int = 0) -> Triangles:
    """Within a ball of radius 1 about the origin: leaves of six faces each, twigs of five sides, a ball of glass off the middle."""
    rng = np.random.default_rng(seed)
    ways = [_twig(rng) for _ in range(n_twigs)]
    parts = [Triangles.of_mesh(_tube(way, rng)) for way in ways]
    parts += [Triangles.of_mesh(_leaf(ways[i % n_twigs], rng)) for i in range(n_leaves)]
    ball = Mesh.icosphere(3, GLASS_RADIUS)
    glass = Mesh(vertices=ball.vertices + np.array([0.3, -0.15, 0.25]), faces=ball.faces, colors=np.broadcast_to(GLASS_COLOR, ball.vertices.shape))
    parts.append(Triangles.of_mesh(glass, GLASS_OPACITY))
    return Triangles(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in ("corners", "colors", "opacity", "window")})


def pictures_of_thicket(triangles: Triangles, count: int = 100, size: int = 200, samples: int = 3) -> tuple[Views, Views]:
    """(to fit, to measure by): ``count`` pictures from all around, every tenth of them held out."""
    camera = Camera.all_around(count, DISTANCE, fov=FOV)
    views = render_triangles(triangles, camera, size, tuple(f"r_{i:03d}" for i in range(count)), samples)
    held_out = np.arange(count) % TEST_EVERY == TEST_EVERY // 2
    return views.select(np.flatnonzero(~held_out)), views.select(np.flatnonzero(held_out))


def _twig(rng: np.random.Generator) -> np.ndarray:
    """[P, 3] a bent line from near the ground upwards and outwards."""
    along = np.linspace(0, 1, 9)[:, None]
    azimuth, lean = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.85)
    end = np.array([np.cos(azimuth) * lean, rng.uniform(0.1, 0.95) * np.sqrt(1 - lean**2), np.sin(azimuth) * lean])
    start = np.array([0.25 * np.cos(azimuth), -0.8, 0.25 * np.sin(azimuth)])
    bend = rng.normal(0, 0.12, 3)
    return start + along * (end - start) + 4 * along * (1 - along) * bend


def _tube(way: np.ndarray, rng: np.random.Generator) -> Mesh:
    direction = np.gradient(way, axis=0)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    across = np.cross(direction, [0.31, 0.2, 0.93])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(direction, across)
    angle = np.arange(TWIG_SIDES) * 2 * np.pi / TWIG_SIDES
    radius = TWIG_RADIUS * np.linspace(1.0, 0.4, len(way))[:, None, None]
    ring = across[:, None] * np.cos(angle)[:, None] + other[:, None] * np.sin(angle)[:, None]  # [P, S, 3]
    low = np.arange((len(way) - 1) * TWIG_SIDES).reshape(-1, TWIG_SIDES)
    high = low + TWIG_SIDES
    faces = np.concatenate([np.stack([low, np.roll(low, -1, 1), high], -1), np.stack([np.roll(low, -1, 1), np.roll(high, -1, 1), high], -1)]).reshape(-1, 3)
    light = 0.55 + 0.45 * np.clip(ring @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1)
    bark = np.array([0.42, 0.29, 0.18]) * rng.uniform(0.8, 1.2)
    return Mesh(vertices=(way[:, None] + radius * ring).reshape(-1, 3), faces=faces, colors=np.clip(light[..., None] * bark, 0, 1).reshape(-1, 3))


def _leaf(way: np.ndarray, rng: np.random.Generator) -> Mesh:
    """Six faces: pointed at both ends, folded a little along the middle, darker at the stalk."""
    length = rng.uniform(*LEAF_LENGTH)
    half = length * LEAF_WIDTH / 2
    shape = np.array([[0, 0, 0], [0.35, 1, 0.35], [0.35, 0, 0], [0.35, -1, 0.35], [0.7, 0.8, 0.35], [0.7, 0, 0.0], [0.7, -0.8, 0.35], [1, 0, 0.1]]) * [
        length,
        half,
        half,
    ]
    faces = [[0, 2, 1], [0, 3, 2], [2, 5, 1], [5, 4, 1], [2, 3, 5], [3, 6, 5], [5, 7, 4], [5, 6, 7]]
    turned = Rotation.random(random_state=int(rng.integers(2**31))).apply(shape)
    at = way[2:][rng.integers(len(way) - 2)] + rng.normal(0, 0.02, 3)
    normal = Rotation.align_vectors(turned[1:], shape[1:])[0].apply([0, 0, 1])
    light = 0.6 + 0.4 * abs(normal @ LIGHT / np.linalg.norm(LIGHT))
    hue = rng.uniform(size=3) * [0.35, 0.2, 0.12] + [0.18, 0.45, 0.08] if rng.random() < 0.8 else rng.uniform(size=3) * [0.25, 0.3, 0.1] + [0.7, 0.3, 0.08]
    colors = np.clip(light * hue * np.linspace(0.65, 1.25, 8)[:, None], 0, 1)
    return Mesh(vertices=turned + at, faces=np.array(faces), colors=colors)
