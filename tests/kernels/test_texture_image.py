"""Sampling pictures, against an independent sampler in NumPy.

Plan: for every wrap and filter, points far outside of the picture, on its borders and at texel centres, on pictures of one texel, of odd sizes and not square,
with one to nine channels. Then which corner is which; mip levels against averages of a picture that is first enlarged; the level of detail; several textures
of different size in one array; the functions on lanes, as the rasteriser takes them; and points that are no numbers, which must not read foreign memory.
(Gradients: `tests/interop/test_textures.py`.)
"""

import itertools

import numpy as np
import pytest

from taichi_softras import FieldArrays, TaichiArrays
from taichi_softras.engine import Filter, TextureSettings, Wrap, flat_textures, mip_pyramid, sample_flat, sample_texture
from taichi_softras.kernels.losses import square_sum_op
from taichi_softras.kernels.texture_image import bilinear_mix, bilinear_place, level_of_detail, nearest_place
from taichi_softras.language import ti

SIZES = [(1, 1), (4, 4), (5, 3), (2, 7), (1, 6)]


# The sampler in NumPy: it unfolds nothing, but asks for each texel of the endless plane which texel of the picture it is.


def texel_of_plane(place: np.ndarray, size: int, wrap: Wrap) -> np.ndarray:
    if wrap is Wrap.REPEAT:
        return place % size
    if wrap is Wrap.CLAMP:
        return np.clip(place, 0, size - 1)
    return np.concatenate([np.arange(size), np.arange(size)[::-1]])[place % (2 * size)]


def sampled(picture: np.ndarray, uv: np.ndarray, wrap: Wrap, filtering: Filter) -> np.ndarray:
    """[N, C] of a picture [H, W, C], nearest or bilinear."""
    height, width = picture.shape[:2]
    x, y = uv[:, 0] * width, (1 - uv[:, 1]) * height

    def texel(column, row):
        return picture[texel_of_plane(row, height, wrap), texel_of_plane(column, width, wrap)]

    if filtering is Filter.NEAREST:
        return texel(np.floor(x).astype(int), np.floor(y).astype(int))
    left, above = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    colors = np.zeros((len(uv), picture.shape[2]))
    for i, j in itertools.product((0, 1), (0, 1)):
        share = (1 - np.abs(x - 0.5 - left - i)) * (1 - np.abs(y - 0.5 - above - j))
        colors += share[:, None] * texel(left + i, above + j)
    return colors


def halved(picture: np.ndarray) -> np.ndarray:
    """The next mip level [.., h, w, C]: each side enlarged until it can be cut into equal blocks, whose mean is taken."""
    for axis in (-3, -2):
        size = picture.shape[axis]
        n = max(1, size // 2)
        enlarged = np.moveaxis(np.repeat(picture, n, axis=axis), axis, 0)
        picture = np.moveaxis(enlarged.reshape(n, size, *enlarged.shape[1:]).mean(1), 0, axis)
    return picture


def pyramid(picture: np.ndarray) -> list[np.ndarray]:
    levels = [picture]
    while levels[-1].shape[-3:-1] != (1, 1):
        levels.append(halved(levels[-1]))
    return levels


def trilinear(picture: np.ndarray, uv: np.ndarray, lod: np.ndarray, wrap: Wrap) -> np.ndarray:
    levels = pyramid(picture)
    of_level = np.stack([sampled(level, uv, wrap, Filter.BILINEAR) for level in levels])
    lod = np.clip(lod, 0, len(levels) - 1)
    below = np.floor(lod).astype(int)
    share = (lod - below)[:, None]
    points = np.arange(len(uv))
    return (1 - share) * of_level[below, points] + share * of_level[np.minimum(below + 1, len(levels) - 1), points]


def picture_of(size: tuple[int, int], n_channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, (*size, n_channels))


def points(n: int = 60, seed: int = 1) -> np.ndarray:
    """Inside, near and far outside."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.uniform(0, 1, (n, 2)), rng.uniform(-3, 4, (n, 2)), rng.uniform(-300, 300, (n, 2))])


def sample(picture: np.ndarray, uv: np.ndarray, wrap: Wrap, filtering: Filter, lod: np.ndarray | None = None, real: object = ti.f64) -> np.ndarray:
    arrays = TaichiArrays(real)
    given = None if lod is None else arrays.real(lod)
    return sample_texture(arrays, arrays.real(picture), arrays.real(uv), TextureSettings(wrap=wrap, filter=filtering), given).to_numpy()


class TestValues:
    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("wrap", Wrap)
    @pytest.mark.parametrize("filtering", [Filter.NEAREST, Filter.BILINEAR])
    def test_nearest_and_bilinear(self, size, wrap, filtering):
        picture, uv = picture_of(size), points()
        np.testing.assert_allclose(sample(picture, uv, wrap, filtering), sampled(picture, uv, wrap, filtering), atol=1e-10)

    @pytest.mark.parametrize("size", [(1, 1), (8, 8), (5, 3), (2, 7), (13, 9)])
    @pytest.mark.parametrize("wrap", Wrap)
    def test_trilinear(self, size, wrap):
        """Levels between, on, before and beyond the mip levels."""
        picture, uv = picture_of(size), points()
        lod = np.concatenate([np.random.default_rng(2).uniform(-1, 5, len(uv) - 6), [-2.0, 0.0, 1.0, 2.0, 3.0, 77.0]])
        np.testing.assert_allclose(sample(picture, uv, wrap, Filter.MIPMAPPED, lod), trilinear(picture, uv, lod, wrap), atol=1e-10)

    @pytest.mark.parametrize("n_channels", [1, 2, 4, 5, 9])
    @pytest.mark.parametrize("filtering", Filter)
    def test_any_number_of_channels(self, n_channels, filtering):
        picture, uv = picture_of((5, 3), n_channels), points()
        lod = np.full(len(uv), 0.4) if filtering is Filter.MIPMAPPED else None
        expected = sampled(picture, uv, Wrap.MIRROR, filtering) if lod is None else trilinear(picture, uv, lod, Wrap.MIRROR)
        np.testing.assert_allclose(sample(picture, uv, Wrap.MIRROR, filtering, lod), expected, atol=1e-10)

    @pytest.mark.parametrize("wrap", Wrap)
    def test_on_borders_and_centres(self, wrap):
        """Where points stand exactly on a place where something changes, bilinear colours are continuous: no choice can be wrong."""
        picture = picture_of((4, 8))  # of which all these places are exact in binary
        at = np.arange(-32, 65) / 16
        uv = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
        np.testing.assert_allclose(sample(picture, uv, wrap, Filter.BILINEAR), sampled(picture, uv, wrap, Filter.BILINEAR), atol=1e-12)

    @pytest.mark.parametrize("filtering", [Filter.NEAREST, Filter.BILINEAR])
    def test_texel_centres(self, filtering):
        """(0, 0) is the lower left corner, and row 0 the top."""
        picture = picture_of((3, 5))
        rows, columns = np.mgrid[0:3, 0:5]
        uv = np.stack([(columns + 0.5) / 5, 1 - (rows + 0.5) / 3], -1).reshape(-1, 2)
        for wrap in Wrap:
            np.testing.assert_allclose(sample(picture, uv, wrap, filtering), picture.reshape(-1, 3), atol=1e-12)
        corners = np.array([[0.01, 0.01], [0.99, 0.01], [0.01, 0.99], [0.99, 0.99]])
        expected = [picture[2, 0], picture[2, 4], picture[0, 0], picture[0, 4]]
        np.testing.assert_allclose(sample(picture, corners, Wrap.CLAMP, filtering), expected, atol=1e-12)

    def test_the_border_joins(self):
        """Repeated, the right border meets the left one; clamped and mirrored, it stands."""
        picture = np.array([[[0.0], [0.5], [1.0]]])
        at_border = np.array([[1.0, 0.5]])
        assert sample(picture, at_border, Wrap.REPEAT, Filter.BILINEAR) == pytest.approx(0.5)
        assert sample(picture, at_border, Wrap.CLAMP, Filter.BILINEAR) == pytest.approx(1.0)
        assert sample(picture, at_border, Wrap.MIRROR, Filter.BILINEAR) == pytest.approx(1.0)

    @pytest.mark.parametrize("filtering", [Filter.NEAREST, Filter.BILINEAR])
    @pytest.mark.parametrize("wrap", Wrap)
    def test_float32(self, wrap, filtering):
        picture, uv = picture_of((5, 3)), points()[:120]
        expected = sampled(picture, uv, wrap, filtering)
        np.testing.assert_allclose(sample(picture, uv, wrap, filtering, real=ti.f32), expected, atol=2e-5)

    @pytest.mark.parametrize("wrap", Wrap)
    @pytest.mark.parametrize("real", [ti.f32, ti.f64])
    def test_what_is_no_place(self, wrap, real):
        """No number and infinity read some texel of the texture, not foreign memory; huge numbers have a colour."""
        bad = np.array([[np.nan, 0.5], [0.5, np.nan], [np.inf, 0.5], [0.5, -np.inf], [np.nan, np.inf]])
        huge = np.array([[1e30, -1e30], [-1e30, 1e17], [3e9, -3e9]])
        picture = picture_of((5, 3), 1)
        of_bad = sample(picture, bad, wrap, Filter.NEAREST, real=real)
        assert all(np.isclose(picture, color, atol=1e-6).any() for color in of_bad)
        sample(picture, bad, wrap, Filter.BILINEAR, real=real)
        sample(picture, bad, wrap, Filter.MIPMAPPED, np.array([np.nan, np.inf, -np.inf, 1.0, 1e30]), real=real)
        for filtering, lod in ((Filter.NEAREST, None), (Filter.BILINEAR, None), (Filter.MIPMAPPED, np.array([1e30, -1e30, 0.5]))):
            of_huge = sample(picture, huge, wrap, filtering, lod, real=real)
            assert (of_huge >= picture.min() - 1e-6).all()
            assert (of_huge <= picture.max() + 1e-6).all()


class TestMipmaps:
    @pytest.mark.parametrize("size", [(1, 1), (4, 4), (8, 2), (5, 3), (7, 12), (1, 9), (2, 1)])
    @pytest.mark.parametrize("batch", [(), (2,)], ids=["one", "two"])
    def test_pyramid(self, size, batch):
        picture = np.random.default_rng(3).uniform(0, 1, (*batch, *size, 3))
        arrays = TaichiArrays(ti.f64)
        levels = mip_pyramid(arrays, arrays.real(picture))
        expected = pyramid(picture)
        assert len(levels) == len(expected)
        for level, want in zip(levels[1:], expected[1:], strict=True):
            assert level.shape == want.shape
            np.testing.assert_allclose(level.to_numpy(), want, atol=1e-12)
            np.testing.assert_allclose(level.to_numpy().mean((-3, -2)), picture.mean((-3, -2)), atol=1e-12)

    def test_even_sizes_are_averages_of_four(self):
        picture = picture_of((4, 6))
        arrays = TaichiArrays(ti.f64)
        expected = (picture[::2, ::2] + picture[1::2, ::2] + picture[::2, 1::2] + picture[1::2, 1::2]) / 4
        np.testing.assert_allclose(mip_pyramid(arrays, arrays.real(picture))[1].to_numpy(), expected, atol=1e-12)


class TestFlatTextures:
    @pytest.mark.parametrize("filtering", [Filter.BILINEAR, Filter.MIPMAPPED])
    def test_of_different_sizes(self, filtering):
        """Five textures in one array, each with its share of the points."""
        arrays, settings = TaichiArrays(ti.f64), TextureSettings(filter=filtering)
        pictures = [picture_of(size, seed=i) for i, size in enumerate(SIZES)]
        uv = points(25)
        lod = np.random.default_rng(4).uniform(0, 3, len(uv)) if filtering is Filter.MIPMAPPED else None
        textures = flat_textures(arrays, [arrays.real(picture) for picture in pictures], settings)
        colors = sample_flat(arrays, textures, arrays.real(uv), settings, None if lod is None else arrays.real(lod)).to_numpy()
        share = len(uv) // len(pictures)
        for i, picture in enumerate(pictures):
            mine = slice(i * share, (i + 1) * share)
            expected = sampled(picture, uv[mine], Wrap.REPEAT, filtering) if lod is None else trilinear(picture, uv[mine], lod[mine], Wrap.REPEAT)
            np.testing.assert_allclose(colors[mine], expected, atol=1e-10)

    def test_a_batch_of_one_size(self):
        arrays, settings = TaichiArrays(ti.f64), TextureSettings(filter=Filter.MIPMAPPED)
        pictures = np.random.default_rng(5).uniform(0, 1, (3, 5, 6, 2))
        uv, lod = points(10), np.random.default_rng(6).uniform(0, 3, 30)
        colors = sample_flat(arrays, flat_textures(arrays, arrays.real(pictures), settings), arrays.real(uv), settings, arrays.real(lod)).to_numpy()
        for i in range(3):
            mine = slice(10 * i, 10 * i + 10)
            np.testing.assert_allclose(colors[mine], trilinear(pictures[i], uv[mine], lod[mine], Wrap.REPEAT), atol=1e-10)

    def test_the_tables(self):
        """The texels that a table points at are those of the level."""
        arrays, settings = TaichiArrays(ti.f64), TextureSettings(filter=Filter.MIPMAPPED)
        pictures = np.random.default_rng(7).uniform(0, 1, (2, 5, 6, 3))
        textures = flat_textures(arrays, arrays.real(pictures), settings)
        texels, table = textures.texels.to_numpy(), textures.levels
        assert table.n_texels == len(texels) == 2 * (5 * 6 + 2 * 3 + 1)
        for picture, (first_level, n_levels) in zip(pictures, table.textures, strict=True):
            for level, (first, height, width) in zip(pyramid(picture), table.levels[first_level : first_level + n_levels], strict=True):
                np.testing.assert_allclose(texels[first : first + height * width].reshape(height, width, 3), level, atol=1e-12)


class TestFields:
    def test_values_and_gradient(self):
        """`ti.field`, for backends on which the gradients of ndarrays are wrong: the same numbers."""
        picture, uv, lod = picture_of((5, 3)), points(4), np.linspace(0.1, 1.9, 12)
        settings, results = TextureSettings(filter=Filter.MIPMAPPED), []
        for arrays in (FieldArrays(ti.f64), TaichiArrays(ti.f64)):
            leaves = [arrays.parameter(values) for values in (picture, uv, lod)]
            loss = ti.field(ti.f64, (), needs_grad=True) if isinstance(arrays, FieldArrays) else arrays.parameter(np.zeros(1))
            with ti.ad.Tape(loss):
                colors = sample_texture(arrays, leaves[0], leaves[1], settings, leaves[2])
                square_sum = square_sum_op(arrays.variant)
                arrays.run(square_sum, (colors,), [loss], (1.0, len(uv)))
            results.append([colors.to_numpy(), *(leaf.grad.to_numpy() for leaf in leaves)])
        for of_fields, of_arrays in zip(*results, strict=True):
            assert np.abs(of_arrays).max() > 0
            np.testing.assert_allclose(of_fields, of_arrays, atol=1e-12)


# The functions as a rasteriser calls them.

LANES = 8
vector = ti.types.vector(LANES, ti.f64)
array1, array2 = ti.types.ndarray(dtype=ti.f64, ndim=1), ti.types.ndarray(dtype=ti.f64, ndim=2)


@ti.kernel
def detail(slopes: array2, size: ti.types.ndarray(dtype=ti.i32, ndim=1), lod: array1):
    for i in range(slopes.shape[0]):
        lod[i] += level_of_detail(slopes[i, 0], slopes[i, 1], slopes[i, 2], slopes[i, 3], size[0], size[1])


@ti.kernel
def in_lanes(uv: array2, texels: array2, colors: array2, height: ti.i32, width: ti.i32):
    for row in range(uv.shape[0] // LANES):
        u = vector([uv[row * LANES + l, 0] for l in ti.static(range(LANES))])
        v = vector([uv[row * LANES + l, 1] for l in ti.static(range(LANES))])
        at = nearest_place(u, v, 0, height, width, Wrap.REPEAT)
        la, ra, lb, rb, right, below = bilinear_place(u, v, 0, height, width, Wrap.REPEAT)
        value = bilinear_mix(
            vector([texels[la[l], 0] for l in ti.static(range(LANES))]),
            vector([texels[ra[l], 0] for l in ti.static(range(LANES))]),
            vector([texels[lb[l], 0] for l in ti.static(range(LANES))]),
            vector([texels[rb[l], 0] for l in ti.static(range(LANES))]),
            right,
            below,
        )
        for l in ti.static(range(LANES)):
            colors[row * LANES + l, 0] += value[l]
            colors[row * LANES + l, 1] += texels[at[l], 0]


class TestFunctions:
    def test_level_of_detail(self):
        """A pixel that spans a texel, four across, half of one down, two on the slant, and nothing."""
        slopes = np.array([[1 / 20, 0, 0, 1 / 10], [4 / 20, 0, 0, 1 / 10], [0, 0.05, 0, 0], [0, 0, np.sqrt(2) / 20, np.sqrt(2) / 10], [0, 0, 0, 0]])
        arrays = TaichiArrays(ti.f64)
        lod = arrays.parameter(np.zeros(5))
        detail(slopes, np.array([10, 20], np.int32), lod)
        np.testing.assert_allclose(lod.to_numpy()[:4], [0, 2, -1, 1], atol=1e-9)
        assert -60 < lod.to_numpy()[4] < -15

    def test_gradient_of_the_level_of_detail(self):
        arrays = TaichiArrays(ti.f64)
        slopes = np.array([[0.31, 0.12, -0.2, 0.15], [-0.05, 0.02, 0.4, -0.3], [0, 0, 0, 0]])
        size = np.array([10, 20], np.int32)
        given, lod = arrays.parameter(slopes), arrays.parameter(np.zeros(3))
        lod.grad.fill(1)
        detail.grad(given, size, lod)
        for k in range(4):
            ends = []
            for sign in (1, -1):
                moved, at_end = slopes.copy(), arrays.parameter(np.zeros(3))
                moved[:2, k] += sign * 1e-6
                detail(moved, size, at_end)
                ends.append(at_end.to_numpy())
            np.testing.assert_allclose(given.grad.to_numpy()[:, k], (ends[0] - ends[1]) / 2e-6, atol=1e-6)

    def test_on_lanes(self):
        """The same numbers, and the same gradient, for a row of pixels at once."""
        arrays = TaichiArrays(ti.f64)
        picture, uv = picture_of((6, 5), 1), points(16)
        given, texels, colors = (arrays.parameter(values) for values in (uv, picture.reshape(-1, 1), np.zeros((len(uv), 2))))
        in_lanes(given, texels, colors, 6, 5)
        for k, filtering in enumerate((Filter.BILINEAR, Filter.NEAREST)):
            np.testing.assert_allclose(colors.to_numpy()[:, k], sampled(picture, uv, Wrap.REPEAT, filtering)[:, 0], atol=1e-10)
        seed = np.zeros((len(uv), 2))
        seed[:, 0] = np.random.default_rng(9).normal(size=len(uv))
        colors.grad.from_numpy(seed)
        in_lanes.grad(given, texels, colors, 6, 5)
        for k in range(2):
            step = np.zeros(2)
            step[k] = 1e-6
            ends = [sampled(picture, uv + sign * step, Wrap.REPEAT, Filter.BILINEAR)[:, 0] for sign in (1, -1)]
            np.testing.assert_allclose(given.grad.to_numpy()[:, k], seed[:, 0] * (ends[0] - ends[1]) / 2e-6, atol=1e-6)
