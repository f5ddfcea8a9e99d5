"""What must hold for every picture, tried on random triangles, hostile ones among them.

Plan: hypothesis draws soups (triangles without area, twice the same, smaller than a pixel, huge, seen edge-on, with corners exactly on pixel centres and
borders of tiles, at near and far, at and behind the eye), batches, sizes, softness and options. Pictures and gradients must be finite and within bounds; a
face more never lessens alpha; neither the order of faces, nor the splitting of a batch, nor of the work, nor a shift by whole tiles may matter; the softer
picture becomes the sharp one; and it is the one of `interop/dense.py`. What is not finite is refused.

200 cases here; with `HYPOTHESIS_PROFILE=nightly`, 2,000.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from taichi_softras import Blending, Distance, Distribution, Extrapolation, Interpolation, RasterizeSettings, Sides, Silhouette, Topology, set_memory_budget
from taichi_softras.engine import RenderedImage
from taichi_softras.interop import dense, rasterize

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CASES = 10 if NIGHTLY else 1  # times the number that each property asks for: 200 in all

# Each is compiled once, forward and backward; everything else that is drawn is a number.
OPTIONS = {
    "default": RasterizeSettings(),
    "softras": RasterizeSettings(
        interpolation=Interpolation.MIXED, extrapolation=Extrapolation.CLIPPED, silhouette_beyond_depth_range=True, sides=Sides.CLOCKWISE
    ),
    "gendr": RasterizeSettings(
        distribution=Distribution.CAUCHY, silhouette=Silhouette.YAGER, distance=Distance.CHEBYSHEV, squared=False, interpolation=Interpolation.LINEAR
    ),
    "culled": RasterizeSettings(
        distribution=Distribution.GAUSSIAN, silhouette=Silhouette.EINSTEIN, distance=Distance.BARYCENTRIC, sides=Sides.COUNTERCLOCKWISE, culling=True
    ),
}
N_CHANNELS = {Distribution.LOGISTIC: 3, Distribution.CAUCHY: 1, Distribution.GAUSSIAN: 2}  # with which colours are drawn, an option each: kernels know them
KINDS = ("ordinary", "ordinary", "ordinary", "small", "huge", "point", "line", "collinear", "edge-on", "sliver", "on the grid", "at near", "at far", "behind")
NEAR, FAR = 0.5, 8.0


def cases(n: int) -> settings:
    return settings(max_examples=n * CASES, deadline=None, derandomize=not NIGHTLY, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Soup:
    """Triangles without common vertices, some in each image."""

    triangles: tuple[np.ndarray, ...]  # of each image [F, 3, 3]: x, y on the screen; depth
    colors: tuple[np.ndarray, ...]  # [F, 3, 3], of which an option takes the first
    image_size: tuple[int, int]

    @property
    def topology(self) -> Topology:
        return Topology.batch([np.arange(3 * len(t)).reshape(-1, 3) for t in self.triangles], [3 * len(t) for t in self.triangles])

    def inputs(self, choices: RasterizeSettings, dtype: torch.dtype) -> list[torch.Tensor]:
        """Vertices [N, 3], colours [N, C] and background [C]."""
        vertices, colors = (torch.tensor(np.concatenate(parts).reshape(-1, 3), dtype=dtype) for parts in (self.triangles, self.colors))
        n_channels = N_CHANNELS[choices.distribution]
        return [vertices, colors[:, :n_channels].contiguous(), BACKGROUND[:n_channels].to(dtype)]

    def draw(self, choices: RasterizeSettings, dtype: torch.dtype = torch.float64, *, render=rasterize) -> RenderedImage:
        vertices, colors, background = self.inputs(choices, dtype)
        return render(vertices, self.topology, colors, background=background, settings=choices, image_size=self.image_size)


BACKGROUND = torch.tensor([0.25, 0.5, 0.75])


def triangle_of(kind: str, rng: np.random.Generator, image_size: tuple[int, int]) -> np.ndarray:
    """[3, 3] on the screen."""
    shorter = min(image_size)
    place = rng.uniform(-1.2, 1.2, 2)
    xy = place + rng.normal(0, 0.5, (3, 2))
    z = rng.uniform(1.0, 6.0, 3)
    if kind == "small":
        xy = place + rng.normal(0, 10.0 ** rng.uniform(-12, -2), (3, 2))
    elif kind == "huge":
        xy = place + rng.normal(0, 10.0 ** rng.uniform(1, 8), (3, 2))
    elif kind == "point":
        xy = np.repeat(place[None], 3, 0)
    elif kind == "line":
        xy[2] = xy[1]
    elif kind == "collinear":
        xy[2] = xy[0] + 0.5 * (xy[1] - xy[0])
    elif kind == "edge-on":
        xy[:, 0] = place[0]
    elif kind == "sliver":
        xy[2] = xy[0] + rng.uniform(-0.5, 1.5) * (xy[1] - xy[0]) + rng.normal(0, 10.0 ** rng.uniform(-12, -3), 2)
    elif kind == "on the grid":  # pixel centres are at odd numbers over the shorter side, borders of tiles at even ones
        xy = rng.integers(-shorter - 2, shorter + 3, (3, 2)) / shorter
    elif kind in ("at near", "at far"):
        z[rng.integers(3)] = NEAR if kind == "at near" else FAR
        if rng.uniform() < 0.3:
            z[:] = NEAR if kind == "at near" else FAR
    elif kind == "behind":
        z[rng.integers(3)] = rng.choice([0.0, -1.0, 1e-9, -1e-30, 1e-6, -50.0])
    return np.column_stack([xy, z])


@st.composite
def soups(draw, kinds: tuple[str, ...] = KINDS, *, most_faces: int = 9, most_images: int = 3, least_faces: int = 1, image_sizes=None) -> Soup:
    image_size = draw(st.tuples(st.integers(1, 19), st.integers(1, 23)) if image_sizes is None else image_sizes)
    triangles, colors = [], []
    for _ in range(draw(st.integers(1, most_images))):
        chosen = draw(st.lists(st.sampled_from(kinds), min_size=least_faces, max_size=most_faces))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        mine = [triangle_of(kind, rng, image_size) for kind in chosen]
        if draw(st.booleans()):
            mine.append(mine[0].copy())  # twice the same
        triangles.append(np.array(mine))
        colors.append(rng.uniform(0, 1, (len(mine), 3, 3)))
    return Soup(tuple(triangles), tuple(colors), image_size)


def powers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda x: 10.0**x)


@st.composite
def choices(draw, names: tuple[str, ...] = tuple(OPTIONS), sigma: tuple[float, float] = (-9, 0.5), gamma: tuple[float, float] = (-6, 1)) -> RasterizeSettings:
    return replace(
        OPTIONS[draw(st.sampled_from(names))],
        sigma=draw(powers(*sigma)),
        gamma=draw(powers(*gamma)),
        cutoff=draw(powers(-12, -1)),
        background_depth_norm=draw(st.floats(-0.5, 1.5)),
        near=NEAR,
        far=FAR,
    )


def assert_same(a: RenderedImage, b: RenderedImage, tolerance: float = 0.0) -> None:
    for name in ("alpha", "color", "depth"):
        np.testing.assert_allclose(getattr(a, name).numpy(), getattr(b, name).numpy(), rtol=0, atol=tolerance, err_msg=name)


@seed(1)
@cases(60)
@given(soup=soups(), choice=choices(), dtype=st.sampled_from([torch.float32, torch.float64]))
def test_pictures_and_gradients_are_finite_and_within_bounds(soup, choice, dtype):
    vertices, colors, background = leaves = [tensor.requires_grad_() for tensor in soup.inputs(choice, dtype)]
    image = rasterize(vertices, soup.topology, colors, background=background, settings=choice, image_size=soup.image_size)
    for name, low, high in (("alpha", 0, 1), ("color", 0, 1), ("depth", 0, FAR)):
        picture = getattr(image, name).detach()
        assert picture.isfinite().all(), name
        assert low - 1e-4 <= picture.min(), name
        assert picture.max() <= high * (1 + 1e-4), name
    (image.alpha.sum() + image.color.sum() + image.depth.sum()).backward()
    for leaf in leaves:
        assert leaf.grad.isfinite().all()


@seed(2)
@cases(15)
@given(soup=soups(least_faces=2), choice=choices())
def test_a_face_more_never_lessens_alpha(soup, choice):
    without = replace(soup, triangles=tuple(t[:-1] for t in soup.triangles), colors=tuple(c[:-1] for c in soup.colors))
    more, fewer = soup.draw(choice).alpha, without.draw(choice).alpha
    assert (more - fewer).min() >= -1e-12


@seed(3)
@cases(25)
@given(soup=soups(), choice=choices(), order=st.randoms(use_true_random=False))
def test_the_order_of_faces_does_not_matter(soup, choice, order):
    orders = [order.sample(range(len(t)), len(t)) for t in soup.triangles]
    shuffled = replace(
        soup,
        triangles=tuple(t[o] for t, o in zip(soup.triangles, orders, strict=True)),
        colors=tuple(c[o] for c, o in zip(soup.colors, orders, strict=True)),
    )
    assert_same(soup.draw(choice), shuffled.draw(choice), 1e-9)


@seed(4)
@cases(20)
@given(soup=soups(), choice=choices())
def test_a_batch_is_its_images(soup, choice):
    together = soup.draw(choice)
    for b, (triangles, colors) in enumerate(zip(soup.triangles, soup.colors, strict=True)):
        alone = Soup((triangles,), (colors,), soup.image_size).draw(choice)
        assert_same(alone, RenderedImage(together.alpha[b : b + 1], together.color[b : b + 1], together.depth[b : b + 1]))


@contextmanager
def smallest_budget() -> Iterator[None]:
    set_memory_budget(1 << 20)
    try:
        yield
    finally:
        set_memory_budget(None)


@seed(5)
@cases(10)
@given(soup=soups(), copies=st.integers(200, 600), choice=choices(("default",), sigma=(-3, 0.5)))
def test_the_splitting_of_the_work_does_not_matter(soup, copies, choice):
    """So many faces that a budget of one MiB does not hold their lists."""
    many = replace(
        soup,
        triangles=tuple(np.tile(t, (copies, 1, 1)) for t in soup.triangles),
        colors=tuple(np.tile(c, (copies, 1, 1)) for c in soup.colors),
        image_size=(40, 50),
    )
    at_once = many.draw(choice)
    with smallest_budget():
        in_parts = many.draw(choice)
    assert_same(at_once, in_parts, 1e-12)


@seed(6)
@cases(20)
@given(
    soup=soups(("ordinary", "on the grid", "collinear", "point"), image_sizes=st.just((16, 32))), choice=choices(), tiles=st.tuples(*[st.integers(-2, 2)] * 2)
)
def test_a_shift_by_whole_tiles_shifts_the_picture(soup, choice, tiles):
    """Coordinates are rounded to multiples of 2^-12, so that all differences are exact: so is the picture, bit by bit."""
    rounded = tuple(np.concatenate([np.round(t[:, :, :2] * 4096) / 4096, t[:, :, 2:]], -1) for t in soup.triangles)
    right, down = 4 * tiles[0], 2 * tiles[1]  # pixels: a tile is 4 x 2
    shift = np.array([right * 2 / 16, -down * 2 / 16, 0.0])
    here = replace(soup, triangles=rounded).draw(choice)
    there = replace(soup, triangles=tuple(t + shift for t in rounded)).draw(choice)
    rows, columns = slice(max(0, down), 16 + min(0, down)), slice(max(0, right), 32 + min(0, right))
    from_rows, from_columns = slice(max(0, -down), 16 + min(0, -down)), slice(max(0, -right), 32 + min(0, -right))
    for name in ("alpha", "color", "depth"):
        np.testing.assert_array_equal(getattr(there, name)[:, rows, columns], getattr(here, name)[:, from_rows, from_columns], err_msg=name)


@seed(7)
@cases(20)
@given(soup=soups(("ordinary", "sliver", "on the grid", "huge")))
def test_the_softer_picture_becomes_the_sharp_one(soup):
    """With sigma and gamma, at pixels that are not on an outline and where not two faces are equally near."""
    sharp = RasterizeSettings(distance=Distance.HARD, blending=Blending.HARD, near=NEAR, far=FAR)
    hard = soup.draw(sharp)
    clear = torch.ones_like(hard.alpha, dtype=torch.bool)
    pixels = dense.pixel_centres(*soup.image_size, hard.alpha)
    for b, triangles in enumerate(soup.triangles):
        corners = torch.tensor(triangles)
        distance_sq, inside, _, weights = dense.locate(pixels, corners[:, :, :2], OPTIONS["default"])
        depth = torch.where(inside, 1 / (weights / corners[:, :, 2:]).sum(1), torch.inf).sort(0).values
        apart = (depth[1:] - depth[:-1] > 1e-2) | depth[1:].isinf() if len(depth) > 1 else torch.ones_like(inside)
        clear[b] = ((distance_sq > 1e-4).all(0) & apart[:1].all(0)).reshape(soup.image_size)
    soft = [soup.draw(RasterizeSettings(sigma=sigma, gamma=gamma, near=NEAR, far=FAR)) for sigma, gamma in ((1e-2, 1e-1), (1e-6, 1e-5))]
    errors = [
        max(float((getattr(image, name) - getattr(hard, name))[clear].abs().max()) if clear.any() else 0.0 for name in ("alpha", "color")) for image in soft
    ]
    assert errors[1] < 1e-9
    assert errors[1] <= errors[0]


@seed(8)
@cases(18)
@given(soup=soups(("ordinary", "small", "behind")), choice=choices(sigma=(-5, 0.5), gamma=(-4, 1)))
def test_it_is_the_picture_of_the_dense_renderer(soup, choice):
    """At most a pixel in a hundred may differ: one that lies, but for rounding, at the cut-off or on an outline."""
    ours, its = soup.draw(choice), soup.draw(choice, render=dense.rasterize)
    differ = (ours.alpha - its.alpha).abs() + (ours.color - its.color).abs().sum(-1) + (ours.depth - its.depth).abs() > 1e-7
    assert differ.double().mean() <= 0.01 or differ.sum() <= 1


@seed(10)
@cases(10)
@given(soup=soups(("ordinary", "point", "line", "collinear", "edge-on", "sliver", "on the grid")), choice=choices(("default", "gendr"), sigma=(-4, 0.5)))
def test_it_is_its_silhouette_of_faces_without_area(soup, choice):
    """Not its colours: of two edges on one line, either may be the nearest."""
    differ = (soup.draw(choice).alpha - soup.draw(choice, render=dense.rasterize).alpha).abs() > 1e-7
    assert differ.double().mean() <= 0.01 or differ.sum() <= 1


@seed(9)
@cases(2)
@given(soup=soups(("ordinary",)), value=st.sampled_from([np.nan, np.inf, -np.inf]), place=st.integers(0, 8))
def test_what_is_not_finite_is_refused(soup, value, place):
    soup.triangles[0].reshape(-1)[place] = value
    with pytest.raises(ValueError, match=r"rasterize: vertices must be finite, got NaN or infinity in face 0 of the batch"):
        soup.draw(OPTIONS["default"])
