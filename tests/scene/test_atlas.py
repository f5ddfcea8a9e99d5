"""Several pictures as one: at every point of every face the texture has the colour of the face's own picture, mixed of its texels as the renderer mixes them.

Plan: random pictures and triangles with coordinates in and far outside of [0, 1], under each way in which a picture goes on; the bilinear mix of the picture,
written here in NumPy, against that of the atlas. Then plain colours, transparency, what is too large, and what neighbours do to each other from afar.
"""

from itertools import product

import numpy as np
import pytest

from taichi_softras.engine import Wrap
from taichi_softras.scene import atlas as module
from taichi_softras.scene.atlas import atlas

WAYS = list(product(Wrap, Wrap))
RNG = np.random.default_rng(0)
SHARES = np.concatenate([np.eye(3), RNG.dirichlet((1, 1, 1), 6)])


def texels(places: np.ndarray, n: int, wrap: Wrap) -> np.ndarray:
    """By the words of `Wrap`, one place after the other."""
    found = []
    for place in places.tolist():
        again, within = divmod(place, n)
        found.append({Wrap.REPEAT: within, Wrap.CLAMP: min(max(place, 0), n - 1), Wrap.MIRROR: within if again % 2 == 0 else n - 1 - within}[wrap])
    return np.array(found)


def mixed(picture: np.ndarray, wraps: tuple[Wrap, Wrap], uvs: np.ndarray) -> np.ndarray:
    """[N, C] of the four texels around each point."""
    height, width = picture.shape[:2]
    x, y = uvs[:, 0] * width - 0.5, (1 - uvs[:, 1]) * height - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    total = 0.0
    for i, j in product((0, 1), (0, 1)):
        share = np.abs(1 - i - (x - left)) * np.abs(1 - j - (y - top))
        total = total + share[:, None] * picture[texels(top + j, height, wraps[1]), texels(left + i, width, wraps[0])]
    return total


def points(uvs: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """[F, 9, 2] points of each face, its corners among them."""
    return np.einsum("pk,fkc->fpc", SHARES, uvs[faces])


def test_every_point_keeps_its_colour():
    pictures = [(RNG.random((*RNG.integers(2, 40, 2), 3)).astype(np.float32), wraps) for wraps in WAYS]
    look_of_face = RNG.permutation(np.repeat(np.arange(len(WAYS)), 7))
    uvs = RNG.uniform(-2, 3, (60, 2))
    faces = RNG.integers(0, 60, (len(look_of_face), 3))
    texture, moved, places = atlas(uvs, faces, look_of_face, iter(pictures))
    assert (moved.min() >= 0, moved.max() <= 1) == (True, True)
    before, after = points(uvs, faces), points(moved, places)
    for face, look in enumerate(look_of_face):
        expected = mixed(*pictures[look], before[face])
        np.testing.assert_allclose(mixed(texture, (Wrap.CLAMP, Wrap.CLAMP), after[face]), expected, atol=1e-5)


def test_only_what_is_reached_is_kept():
    """A corner of a large picture, and a plain colour: small tiles."""
    uvs = np.array([[0, 0], [0.01, 0], [0, 0.01]])
    pictures = [(RNG.random((1000, 1000, 3)), WAYS[0]), (np.array([[[1, 0.5, 0]]]), WAYS[0])]
    texture, moved, places = atlas(uvs, np.array([[0, 1, 2], [0, 1, 2]]), np.array([0, 1]), pictures)
    assert texture.shape[0] * texture.shape[1] < 5000
    assert len(set(places[1])) == 1
    np.testing.assert_allclose(mixed(texture, WAYS[0], moved[places[1]]), [[1, 0.5, 0]] * 3)


def test_transparency():
    """A picture without is opaque beside one with it."""
    uvs, faces = np.array([[0.2, 0.2], [0.8, 0.2], [0.2, 0.8]]), np.array([[0, 1, 2], [0, 1, 2]])
    texture, moved, places = atlas(uvs, faces, np.array([0, 1]), [(np.full((4, 4, 4), 0.25), WAYS[0]), (np.full((4, 4, 3), 0.5), WAYS[0])])
    np.testing.assert_allclose(mixed(texture, WAYS[0], moved[places[:, 0]]), [[0.25] * 4, [0.5, 0.5, 0.5, 1]])


def test_from_afar():
    """In the third mip level, of 8 x 8 texels each, no neighbour shows within a tile: red beside blue stays red."""
    uvs, faces = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]), np.array([[0, 1, 2], [0, 2, 3]] * 2)
    pictures = [(np.broadcast_to(color, (24, 24, 3)), WAYS[0]) for color in ([1.0, 0, 0], [0, 0, 1.0])]
    texture, moved, places = atlas(uvs, faces, np.array([0, 0, 1, 1]), pictures)
    height, width = texture.shape[:2]
    small = texture.reshape(height // 8, 8, width // 8, 8, 3).mean((1, 3))
    texel = np.floor(moved[places[:2]].reshape(-1, 2) * [width // 8, height // 8] - 1e-9).astype(int)
    np.testing.assert_allclose(small[height // 8 - 1 - texel[:, 1], texel[:, 0]], np.tile([1, 0, 0], (6, 1)))


class TestTooLarge:
    UVS, FACES = np.array([[0, 0], [1, 0], [0, 1]]), np.array([[0, 1, 2], [0, 1, 2]])

    @pytest.mark.parametrize("far", [1e5, 1e30, -1e300, np.inf, np.nan])
    def test_repeated_too_often(self, far):
        """Nothing is allocated."""
        uvs = np.where(self.UVS == 1, far, self.UVS)
        assert atlas(uvs, self.FACES, np.array([0, 1]), [(np.ones((64, 64, 3)), WAYS[0])] * 2) is None

    def test_all_together(self, monkeypatch):
        """Each by itself has room; the second picture is not asked for more."""
        monkeypatch.setattr(module, "MAX_TEXELS", 1500)
        given = ((np.ones((16, 16, 3)), WAYS[0]) for _ in range(2))
        assert atlas(self.UVS, self.FACES, np.array([0, 1]), given) is None

    def test_too_many_looks(self, monkeypatch):
        monkeypatch.setattr(module, "MAX_LOOKS", 1)
        assert atlas(self.UVS, self.FACES, np.array([0, 1]), iter(())) is None
