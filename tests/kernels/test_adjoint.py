"""The gradient by hand (`kernels.adjoint`) is that of the pictures.

Plan: against the plain torch of `interop/dense.py`, in float64 nearly to the last digit, for settings in which every two options meet, soft and sharp, over
several tiles and images and over faces of every kind; against the generated gradient of `contribute` for one of each kind; single precision against double; the
tiles of GPUs, and fields, against the lanes of CPUs; central differences of whole pictures, which know no adjoint; and which choices are covered at all.
"""

import functools
import itertools
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scenes import IMAGE_SIZE, SMOOTH, ScreenScene, central_differences, of_gpus, relative_error, screen_scene

from taichi_softras import (
    Blending,
    Distance,
    Distribution,
    Extrapolation,
    FieldArrays,
    Filter,
    Interpolation,
    RasterizeSettings,
    RenderedImage,
    Sides,
    Silhouette,
    TaichiArrays,
    Texture,
    TextureSettings,
    Topology,
    UVTexture,
    Wrap,
)
from taichi_softras.engine import rasterize
from taichi_softras.engine.rasterizer import Scene
from taichi_softras.engine.surfaces import Surface
from taichi_softras.kernels import adjoint
from taichi_softras.kernels.adjoint import has_adjoint, has_few_pixels
from taichi_softras.kernels.face import Choices
from taichi_softras.kernels.rasterize import draw_op, generated_gradient, gradient_by_hand
from taichi_softras.kernels.variant import Storage, Variant
from taichi_softras.language import ti
from taichi_softras.runtime import current_arch, variant_of
from taichi_softras.runtime.arrays import EIGHT, FOUR

GPU = of_gpus()
ONE_LANE = replace(GPU, tile_width=4, tile_height=2)  # in the tiles of the CPU
LANES = variant_of(current_arch(), ti.f64)  # eight or four, where these tests run on a CPU
OTHER_LANES = replace({4: EIGHT, 8: FOUR}.get(LANES.lanes, LANES), real=ti.f64)  # those of other CPUs

PLAIN = replace(SMOOTH, near=2.6, far=5.4)
SOFTRAS = replace(PLAIN, interpolation=Interpolation.MIXED, extrapolation=Extrapolation.CLIPPED, silhouette_beyond_depth_range=True)

PICTURE = (5, 7)
NONE = np.zeros((1, 3))  # stands for the gradient of what has none
TINY = 1e-200  # what is smaller has lost digits on its way

ROWS = (  # interpolation, extrapolation, sides, culling, squared, silhouette_beyond_depth_range, number of channels
    ("perspective", "clipped", "both", False, False, False, 0),
    ("mixed", "clipped", "counterclockwise", False, False, True, 0),
    ("linear", "closest_point", "clockwise", True, True, True, 0),
    ("mixed", "closest_point", "both", False, False, False, 1),
    ("linear", "clipped", "counterclockwise", True, True, True, 1),
    ("perspective", "clipped", "clockwise", False, True, False, 1),
    ("mixed", "clipped", "both", False, True, True, 3),
    ("linear", "closest_point", "counterclockwise", True, False, True, 3),
    ("perspective", "closest_point", "clockwise", True, False, False, 3),
    ("perspective", "clipped", "both", False, False, False, 4),
    ("mixed", "closest_point", "counterclockwise", True, True, False, 4),
    ("linear", "closest_point", "clockwise", True, False, True, 4),
    ("linear", "clipped", "both", False, False, False, 7),
    ("perspective", "closest_point", "counterclockwise", True, False, True, 7),
    ("mixed", "closest_point", "clockwise", False, True, True, 7),
)
LEVELS = (("perspective", "linear", "mixed"), ("closest_point", "clipped"), ("both", "counterclockwise", "clockwise"), *[(False, True)] * 3, (0, 1, 3, 4, 7))

GENERATED = {"distance": [], "distribution": [Distribution.WINDOW], "silhouette": [], "blending": [], "texture": []}
"""What `has_adjoint` leaves to Taichi; and pictures with mip levels, and textures on fields."""
DISTRIBUTIONS = [distribution for distribution in Distribution if distribution not in (Distribution.LOGISTIC, *GENERATED["distribution"])]
FUSED = itertools.cycle(Silhouette)
PAIRS = [(Distribution.LOGISTIC, silhouette) for silhouette in list(Silhouette)[1:]] + [(distribution, next(FUSED)) for distribution in DISTRIBUTIONS]

SOFTNESS = {  # sigma, gamma, cutoff
    "all faces at every pixel": (0.3, 1.0, 1e-12),
    "soft": (0.02, 0.2, 1e-3),
    "sharp": (1e-5, 1e-4, 1e-4),
}
# When sharp, exponents of up to 1e4 are rounded, by 1e-12 of a weight, and gradients of both signs add up.
TOLERANCE = {"all faces at every pixel": 1e-12, "soft": 1e-12, "sharp": 1e-10}


def settings_of(row: tuple, softness: str = "soft") -> RasterizeSettings:
    sigma, gamma, cutoff = SOFTNESS[softness]
    return RasterizeSettings(
        sigma=sigma if row[4] else sigma**0.5,  # the same blur where the distance is not squared
        gamma=gamma,
        cutoff=cutoff,
        near=2.6,
        far=5.4,
        background_depth_norm=0.3,
        interpolation=Interpolation(row[0]),
        extrapolation=Extrapolation(row[1]),
        sides=Sides(row[2]),
        culling=row[3],
        squared=row[4],
        silhouette_beyond_depth_range=row[5],
    )


# Faces that a soup of random ones does not have: their corners' x, y and depth.
SPECIAL = {
    "over the whole picture": [[-9.0, -8.1, 3.1], [9.3, -7.2, 4.2], [0.31, 12.0, 3.7]],
    "far outside": [[50.0, 50.3, 3.0], [51.2, 50.1, 4.0], [50.4, 51.7, 5.0]],
    "partly outside": [[1.21, 0.53, 3.0], [2.52, 0.11, 4.0], [1.43, -0.82, 5.0]],
    "nearer than near": [[-0.51, -0.42, 1.1], [0.63, -0.37, 1.4], [0.12, 0.71, 1.2]],
    "farther than far": [[-0.77, 0.12, 7.0], [0.24, -0.93, 9.0], [0.81, 0.67, 8.0]],
    "across near and far": [[-1.13, -0.72, 1.3], [0.33, -0.63, 4.0], [-0.52, 0.81, 9.0]],
    "with a corner behind the eye": [[-0.83, -0.22, 3.0], [0.43, -0.53, -1.0], [0.12, 0.64, 4.0]],
    "smaller than a pixel": [[0.211, 0.313, 3.0], [0.224, 0.312, 3.1], [0.217, 0.326, 3.2]],
    "a needle": [[-0.91, 0.4, 3.0], [0.87, 0.61, 4.0], [0.1, 0.517, 3.6]],
}


@functools.cache
def scene_of(n_features: int) -> ScreenScene:
    """A soup with all special faces in the first image, and a fan of six faces around one vertex in the second.

    With three channels alone one of them covers the whole picture: alpha has next to no gradient there.
    """
    rng = np.random.default_rng(5)
    soup = screen_scene(41, (14, 1)).vertices[: 3 * 14]
    special = [corners for name, corners in SPECIAL.items() if n_features == 3 or name != "over the whole picture"]
    soup = np.concatenate([soup, np.array(special).reshape(-1, 3)])
    angle = np.arange(6) * (np.pi / 3) + rng.uniform(-0.2, 0.2, 6)
    rim = np.stack([0.9 * np.cos(angle), 0.7 * np.sin(angle), rng.uniform(2.2, 5.8, 6)], 1)
    fan = np.concatenate([[[0.05, 0.03, 3.3]], rim])
    spokes = np.array([[0, 1 + i, 1 + (i + 1) % 6][:: 1 if i % 3 else -1] for i in range(6)])
    topology = Topology.batch([np.arange(len(soup)).reshape(-1, 3), spokes], [len(soup), len(fan)])
    vertices = np.concatenate([soup, fan])
    return ScreenScene(vertices, topology, rng.uniform(0, 1, (len(vertices), max(n_features, 1))), rng.uniform(0, 1, (2, max(n_features, 1))))


@dataclass(frozen=True)
class Gradients:
    vertices: np.ndarray  # [N, 3]
    features: np.ndarray  # [N, C], or of the texels
    background: np.ndarray  # [B, C]
    places: np.ndarray = field(default_factory=lambda: NONE)  # [P, 2] on a texture


class Drawn:
    """A scene that is drawn, and a random gradient of its image: its own can be computed, by hand or as generated, again and again."""

    def __init__(
        self,
        settings: RasterizeSettings,
        n_features: int,
        variant: Variant = ONE_LANE,
        scene: ScreenScene | None = None,
        *,
        wanted: tuple[bool, bool, bool] = (True, True, True),
        sampling: TextureSettings | None = None,
    ) -> None:
        """``sampling``: of a picture; with `Texture.FACE` the features are texels."""
        self.scene, self.settings, self.sampling, self.n_features = scene or scene_of(n_features), settings, sampling, n_features
        scene = self.scene
        is_field = variant.storage is Storage.FIELD
        self.arrays = arrays = (FieldArrays if is_field else TaichiArrays)(variant.real)
        arrays.variant = variant
        given = (scene.vertices, scene.features, scene.background)
        self.inputs = [arrays.parameter(values) if want else arrays.real(values) for values, want in zip(given, wanted, strict=True)]
        vertices, features, background = self.inputs
        rng = np.random.default_rng(8)
        if settings.texture is Texture.FACE:
            self.inputs[1] = features = arrays.parameter(rng.uniform(0, 1, (9 * scene.topology.n_source_faces, n_features)))
        if sampling is not None:
            picture, uvs = arrays.parameter(rng.uniform(0, 1, (*PICTURE, n_features))), arrays.parameter(rng.uniform(-0.6, 1.7, (len(scene.vertices), 2)))
            self.inputs[1:] = picture, background, uvs
            features = UVTexture(picture, uvs, None, sampling)
        surface = Surface.of(arrays, scene.topology, features if n_features else None, settings)
        drawn = Scene.of(arrays, scene.topology, vertices, settings, IMAGE_SIZE)
        assert drawn.pairs.n_tiles > 6
        self.choices = surface.choices(settings, n_features)
        assert has_adjoint(variant, self.choices)
        op, inputs, shapes, rest = drawn.plan(surface, background if n_features else None)
        self.inputs[1] = inputs[1] if n_features else self.inputs[1]  # of a picture its texels, one after the other
        self.images, rng = [arrays.parameter(np.zeros(shape)) for shape in shapes], np.random.default_rng(9)
        self.arguments = (*inputs, *self.images, *rest)
        op.launch(arrays, self.arguments)
        for image in self.images:
            image.grad.from_numpy(rng.standard_normal(image.shape).astype(np.float64 if variant.real is ti.f64 else np.float32))

    def gradients(self, *, by_hand: bool = True) -> Gradients:
        """Added to what there is already."""
        (gradient_by_hand if by_hand else generated_gradient)(self.arrays.variant, self.choices)(self.arrays, self.arguments)
        found = [self.arrays.gradient_of(array) for array in self.inputs]
        return Gradients(*[NONE if gradient is None else gradient.to_numpy() for gradient in found])

    def expected(self) -> Gradients:
        """Those of the dense renderer, by autograd."""
        torch, dense = pytest.importorskip("torch"), pytest.importorskip("taichi_softras.interop.dense")
        vertices, shown, *more = [torch.tensor(array.to_numpy(), requires_grad=True) for array in self.inputs]
        background, *places = more or (None,)
        features = None
        if self.sampling is not None:
            features = UVTexture(shown.unflatten(0, PICTURE), *places, None, self.sampling)
        elif self.n_features:
            features = shown
        image = dense.rasterize(vertices, self.scene.topology, features, background=background, settings=self.settings, image_size=IMAGE_SIZE)
        outputs = [image.alpha, image.color, image.depth] if self.n_features else [image.alpha]
        weights = [torch.tensor(given.grad.to_numpy()) for given in self.images]
        sum((weight * output).sum() for weight, output in zip(weights, outputs, strict=False)).backward()
        leaves = [vertices, shown, background, *places]
        return Gradients(*[NONE if leaf is None else (torch.zeros_like(leaf) if leaf.grad is None else leaf.grad).numpy() for leaf in leaves])

    def both(self) -> tuple[Gradients, Gradients]:
        """By hand, and as generated."""
        first = self.gradients()
        for array in self.inputs:
            array.grad.fill(0)
        return first, self.gradients(by_hand=False)


def assert_equal(got: Gradients, expected: Gradients, tolerance: float) -> None:
    """To a fraction of the largest gradient of each kind (of places on the screen, of depths, of features), and of ten times each vertex's own,
    but no less than a thousandth of the largest: what the faces of a pixel do to it cancels where one of them has nearly all of it."""
    for ours, theirs in (
        (got.vertices[:, :2], expected.vertices[:, :2]),
        (got.vertices[:, 2:], expected.vertices[:, 2:]),
        (got.features, expected.features),
        (got.background, expected.background),
        (got.places, expected.places),
    ):
        size = np.abs(theirs).max(1, keepdims=True)
        error = np.abs(ours - theirs) / (np.clip(10 * size, 1e-3 * size.max(), size.max()) + TINY)
        vertex = error.max(1).argmax()
        assert error.max() <= tolerance, f"vertex {vertex}: {ours[vertex]}, expected {theirs[vertex]}, the largest is {size.max()}"


class TestAgainstDense:
    def test_every_two_options_meet(self):
        """What the table of settings promises."""
        for (i, first), (j, second) in itertools.combinations(enumerate(LEVELS), 2):
            met = {(row[i], row[j]) for row in ROWS}
            possible = {pair for pair in itertools.product(first, second) if (i, j, *pair) != (2, 3, "both", True)}
            assert met == possible

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(map(str, row)))
    def test_settings(self, row):
        for softness, tolerance in TOLERANCE.items():
            drawn = Drawn(settings_of(row, softness), row[6])
            by_hand, expected = drawn.gradients(), drawn.expected()
            assert np.count_nonzero(expected.vertices.any(1)) > 20
            assert row[6] == 0 or np.count_nonzero(expected.features.any(1)) > 10
            assert_equal(by_hand, expected, tolerance)

    @pytest.mark.parametrize(("nth", "distribution", "silhouette"), [(i, *pair) for i, pair in enumerate(PAIRS)], ids=str)
    def test_distributions_and_conorms(self, nth, distribution, silhouette):
        """Each with another one, by turns on distances that are not squared, and on such that are."""
        row = (ROWS[3], ROWS[6])[nth % 2]
        settings = replace(settings_of(row), distribution=distribution, silhouette=silhouette, shift=0.4)
        drawn = Drawn(settings, row[6])
        by_hand, expected = drawn.gradients(), drawn.expected()
        assert np.count_nonzero(expected.vertices.any(1)) > 10
        assert_equal(by_hand, expected, 1e-9)

    @pytest.mark.parametrize("choice", [Blending.HARD, Distance.HARD, Distance.BARYCENTRIC, Distance.CHEBYSHEV], ids=str)
    @pytest.mark.parametrize("row", [ROWS[3], ROWS[6], ROWS[12]], ids=["closest_point", "softras", "grouped"])
    def test_distances_and_blendings(self, row, choice):
        settings = replace(settings_of(row), **{type(choice).__name__.lower(): choice})
        drawn = Drawn(settings, row[6])
        by_hand, expected = drawn.gradients(), drawn.expected()
        assert np.count_nonzero(expected.vertices.any(1)) > 20
        assert_equal(by_hand, expected, 1e-12)

    @pytest.mark.parametrize("few_tiles", [0.0, np.inf], ids=["tiles", "few pixels"])
    @pytest.mark.parametrize("blending", [Blending.SOFTMAX, Blending.HARD], ids=str)
    @pytest.mark.parametrize("row", [ROWS[3], ROWS[6], ROWS[8], ROWS[12]], ids=["closest_point", "softras", "sides", "grouped"])
    def test_hidden_faces(self, row, blending, few_tiles, monkeypatch):
        """Lanes of which none sees a face draw its silhouette alone, and so the way back; edges are soft, and depth so sharp that many faces are hidden."""
        monkeypatch.setattr(adjoint, "FEW_TILES", few_tiles)
        for gamma in (1e-2, 1e-4):  # some faces weigh little, and most nothing
            settings = replace(settings_of(row), gamma=gamma, blending=blending)
            drawn = Drawn(settings, row[6], LANES)
            for ours, of_one_lane in zip(drawn.images, Drawn(settings, row[6]).images, strict=True):
                np.testing.assert_allclose(ours.to_numpy(), of_one_lane.to_numpy(), rtol=0, atol=1e-11)
            by_hand, expected = drawn.gradients(), drawn.expected()
            assert np.count_nonzero(expected.vertices.any(1)) > 20
            assert_equal(by_hand, expected, 1e-10)

    @pytest.mark.parametrize(
        ("nth", "filter_and_wrap"),
        [*enumerate([(Filter.BILINEAR, Wrap.REPEAT), (Filter.BILINEAR, Wrap.MIRROR), (Filter.BILINEAR, Wrap.CLAMP), (Filter.NEAREST, Wrap.MIRROR), None])],
        ids=str,
    )
    @pytest.mark.parametrize("nth_row", range(3), ids=["closest_point", "softras", "grouped"])
    def test_textures(self, nth_row, nth, filter_and_wrap):
        """Pictures, and texels per face; by turns of colours that are mixed, and of the nearest alone."""
        row, blending = (ROWS[8], ROWS[6], ROWS[12])[nth_row], (Blending.SOFTMAX, Blending.HARD)[(nth_row + nth) % 2]
        sampling = None if filter_and_wrap is None else TextureSettings(filter=filter_and_wrap[0], wrap=filter_and_wrap[1])
        settings = replace(settings_of(row), blending=blending, texture=Texture.FACE if sampling is None else Texture.VERTEX)
        drawn = Drawn(settings, row[6], sampling=sampling)
        by_hand, expected = drawn.gradients(), drawn.expected()
        assert np.count_nonzero(expected.features.any(1)) > 15
        assert sampling is None or expected.places.any() == (sampling.filter is Filter.BILINEAR)
        assert_equal(by_hand, expected, 1e-12)


def flat_scene(n_features: int) -> ScreenScene:
    """Faces without area, or with next to none; in the second image one that shows either side."""
    line, end = np.array([-0.71, -0.52, 3.0]), np.array([0.91, 1.12, 4.0])  # no pixel sees an end straight on: there the gradient has a step
    corners = {
        "a point": [[0.21, 0.13, 3.0]] * 3,
        "a point at three depths": [[-0.51, 0.23, 3.0], [-0.51, 0.23, 4.0], [-0.51, 0.23, 5.0]],
        "a is b": [[-0.91, -0.33, 3.0], [-0.91, -0.33, 3.4], [0.32, -0.72, 4.0]],
        "b is c": [[-0.81, 0.53, 3.0], [0.61, -0.33, 3.4], [0.61, -0.33, 4.0]],
        "c is a": [[0.81, 0.53, 3.0], [-0.21, -0.63, 3.4], [0.81, 0.53, 4.0]],
        "b in the middle of ac": [line, line + (end - line) * 0.5, end],
        "c on ab": [[0.7, -0.53, 3.0], [0.9, 0.3, 3.4], [0.8, -0.115, 4.0]],
        "a beyond bc": [[-0.6, -0.945, 4.0], [-0.7, -0.53, 3.0], [-0.9, 0.3, 3.4]],
        "an edge of next to no length": [[0.21, -0.5, 3.0], [0.21 + 3e-11, -0.5 + 2e-11, 3.4], [0.9, 0.1, 4.0]],
        "next to a point": [[1.21, -0.5, 3.0], [1.21 + 3e-11, -0.5 + 2e-11, 3.4], [1.21 + 1e-11, -0.5 - 2e-11, 4.0]],
    }
    vertices = np.array([*corners.values(), SPECIAL["partly outside"]]).reshape(-1, 3)
    rng, n = np.random.default_rng(6), len(vertices) - 3
    topology = Topology.batch([np.arange(n).reshape(-1, 3), np.array([[0, 1, 2], [0, 2, 1]])], [n, 3])
    return ScreenScene(vertices, topology, rng.uniform(0, 1, (n + 3, n_features)), rng.uniform(0, 1, (2, n_features)))


class TestAgainstTheGeneratedGradient:
    @pytest.mark.parametrize("row", [ROWS[0], ROWS[6], ROWS[12]], ids=["silhouette", "softras", "grouped"])
    def test_settings(self, row):
        for softness, tolerance in TOLERANCE.items():
            by_hand, generated = Drawn(settings_of(row, softness), row[6]).both()
            assert_equal(by_hand, generated, tolerance)

    @pytest.mark.parametrize(
        "choices",
        [
            {"distribution": Distribution.GAUSSIAN, "silhouette": Silhouette.YAGER},
            {"distance": Distance.BARYCENTRIC, "blending": Blending.HARD},
            {"distance": Distance.HARD, "texture": Texture.FACE},
        ],
        ids=lambda choices: "-".join(map(str, choices.values())),
    )
    def test_choices(self, choices):
        settings = replace(settings_of(ROWS[6]), **choices)
        by_hand, generated = Drawn(settings, ROWS[6][6]).both()
        assert_equal(by_hand, generated, 1e-10)

    def test_a_picture(self):
        sampling = TextureSettings(filter=Filter.BILINEAR, wrap=Wrap.MIRROR)
        by_hand, generated = Drawn(settings_of(ROWS[6]), ROWS[6][6], sampling=sampling).both()
        assert generated.places.any()
        assert_equal(by_hand, generated, 1e-12)

    @pytest.mark.parametrize(
        "row", [ROWS[3], ROWS[6], ROWS[9], ROWS[4], ROWS[14]], ids=["closest_point", "softras", "unsquared", "counterclockwise", "clockwise"]
    )
    @pytest.mark.parametrize("softness", ["soft", "sharp"])
    def test_faces_without_area(self, row, softness):
        """Such a face is its longest edge: two edges, equally near, would be for each kernel to choose from, which rounds in its own way."""
        by_hand, generated = Drawn(settings_of(row, softness), row[6], scene=flat_scene(row[6])).both()
        assert np.abs(generated.vertices).max() > 0.5
        assert_equal(by_hand, generated, TOLERANCE[softness])


class TestVariants:
    """The same gradient of the same picture, whatever computes it."""

    @pytest.mark.parametrize(("settings", "variant"), [(PLAIN, LANES), (SOFTRAS, ONE_LANE)], ids=["plain", "softras"])
    def test_float32(self, settings, variant):
        """Where things are, to a few eps; so a squared distance to 2 reach eps, and the exponents of coverage and weight to 2 reach eps/sigma and eps/gamma.

        That is the relative error of each pixel's share; five times as much, because a place is the sum of some products.
        """
        for sigma, gamma, cutoff in ((0.02, 0.2, 1e-12), (0.02, 0.2, 1e-3), (1e-4, 1e-2, 1e-4), (1e-4, 1e-4, 1e-4)):
            numbers = replace(settings, sigma=sigma, gamma=gamma, cutoff=cutoff)
            single = Drawn(numbers, 3, replace(variant, real=ti.f32)).gradients()
            double = Drawn(numbers, 3, variant).gradients()
            of_exponents = 2 * numbers.reach / sigma + 1 / gamma
            for ours, theirs in (
                (single.vertices[:, :2], double.vertices[:, :2]),
                (single.vertices[:, 2], double.vertices[:, 2]),
                (single.features, double.features),
            ):
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=5 * np.finfo(np.float32).eps * of_exponents * np.abs(theirs).max())

    @pytest.mark.parametrize(
        ("settings", "n_features", "variant"),
        [
            (PLAIN, 3, GPU),
            (SOFTRAS, 3, ONE_LANE),
            (settings_of(ROWS[12]), 7, ONE_LANE),
            (settings_of(ROWS[0]), 0, ONE_LANE),
            (PLAIN, 3, OTHER_LANES),
            (settings_of(ROWS[12]), 7, OTHER_LANES),
        ],
        ids=["plain", "softras", "grouped", "silhouette", "other lanes", "grouped, other lanes"],
    )
    def test_lanes_and_threads(self, settings, n_features, variant):
        """A thread a pair instead of a face, in GPUs' tiles or in CPUs', or vectors of another length: sums in another order."""
        for scale in (1, 20):
            numbers = replace(settings, sigma=settings.sigma / scale, gamma=settings.gamma / scale)
            assert_equal(Drawn(numbers, n_features, LANES).gradients(), Drawn(numbers, n_features, variant).gradients(), 1e-12)

    @pytest.mark.parametrize(
        ("row", "choice"),
        [(0, {}), (3, {}), (9, {"distance": Distance.BARYCENTRIC}), (6, {"blending": Blending.HARD, "silhouette": Silhouette.MAX}), (12, {})],
        ids=["silhouette", "one channel", "barycentric", "hard", "grouped"],
    )
    def test_few_pixels(self, row, choice, monkeypatch):
        """Lanes of the pixels in reach, of several faces, instead of a tile; soft enough that a face has many, and sharp enough that most have none.

        (A thread a pixel has no lanes to fill, and the same gradient.)
        """
        settings, n_features = replace(settings_of(ROWS[row]), **choice), ROWS[row][6]
        for scale in (1, 50):
            numbers = replace(settings, sigma=settings.sigma / scale, gamma=settings.gamma / scale)
            monkeypatch.setattr(adjoint, "FEW_TILES", 0.0)
            expected = Drawn(numbers, n_features, LANES).gradients()
            monkeypatch.setattr(adjoint, "FEW_TILES", np.inf)
            drawn = Drawn(numbers, n_features, LANES)
            assert has_few_pixels(LANES, drawn.choices, tiles_of_face=1e9) == (LANES.lanes > 1)
            got = drawn.gradients()
            assert_equal(got, expected, 1e-10)
            again = drawn.gradients()
            if LANES.lanes > 1:  # the same bits, added to those that are there
                np.testing.assert_array_equal(again.vertices, 2 * got.vertices)
            else:  # each pair is added to what is there by itself, and rounded by itself
                assert_equal(again, Gradients(2 * got.vertices, 2 * got.features, 2 * got.background), 1e-12)

    def test_fields(self):
        on_fields = Drawn(PLAIN, 3, replace(GPU, storage=Storage.FIELD, team=1)).gradients()
        assert_equal(on_fields, Drawn(PLAIN, 3, GPU).gradients(), 1e-12)

    @pytest.mark.parametrize("wanted", ["vertices", "features", "background"])
    def test_what_is_constant_has_none(self, wanted):
        """And the gradient of the other is the same."""
        row = ROWS[3]
        got = Drawn(settings_of(row), row[6], wanted=tuple(name == wanted for name in ("vertices", "features", "background"))).gradients()
        expected = Drawn(settings_of(row), row[6]).gradients()
        assert_equal(got, replace(Gradients(NONE, NONE, NONE), **{wanted: getattr(expected, wanted)}), 1e-12)

    def test_is_added_to(self):
        drawn = Drawn(PLAIN, 3, LANES)
        once = drawn.gradients()
        assert_equal(drawn.gradients(), Gradients(2 * once.vertices, 2 * once.features, 2 * once.background), 1e-12)

    @pytest.mark.parametrize("variant", [LANES, GPU], ids=["lanes", "gpu"])
    def test_nothing_in_reach(self, variant):
        scene = scene_of(3)
        gradients = Drawn(PLAIN, 3, variant, replace(scene, vertices=scene.vertices + np.array([100.0, 0.0, 0.0]))).gradients()
        assert not gradients.vertices.any()
        assert not gradients.features.any()


@ti.kernel
def weighted_sum(
    alpha_img: ti.types.ndarray(ndim=3), color_img: ti.types.ndarray(ndim=4), depth_img: ti.types.ndarray(ndim=3), weights: ti.types.ndarray(ndim=4),
    loss: ti.types.ndarray(ndim=1),
):  # fmt: skip
    for b, i, j in alpha_img:
        loss[0] += weights[b, i, j, 0] * alpha_img[b, i, j] + weights[b, i, j, 1] * depth_img[b, i, j]
        for c in ti.static(range(3)):
            loss[0] += weights[b, i, j, 2 + c] * color_img[b, i, j, c]


@pytest.mark.parametrize("settings", [PLAIN, SOFTRAS], ids=["plain", "softras"])
def test_central_differences(settings):
    """Of a random weighted sum of whole pictures, as a user makes them; every coordinate and colour of some vertices moves."""
    settings = replace(settings, near=0.5, far=10.0, cutoff=1e-12)  # no pair comes into reach or range on the way
    arrays, scene = TaichiArrays(ti.f64), screen_scene(43, (5, 3))
    weights, points = np.random.default_rng(3).standard_normal((2, *IMAGE_SIZE, 5)), (scene.vertices, scene.features, scene.background)
    (vertices, features, background), loss = [arrays.parameter(values) for values in points], arrays.parameter(np.zeros(1))
    with ti.ad.Tape(loss):
        image = rasterize(arrays, scene.topology, vertices, features, background, settings, IMAGE_SIZE)
        weighted_sum(image.alpha, image.color, image.depth, arrays.real(weights), loss)

    def value(*moved: np.ndarray) -> float:
        vertices, features, background = (arrays.real(values) for values in moved)
        image = rasterize(arrays, scene.topology, vertices, features, background, settings, IMAGE_SIZE)
        pictures = [arrays.to_numpy(picture) for picture in (image.alpha, image.depth, image.color)]
        return float((weights * np.concatenate([picture.reshape(2, *IMAGE_SIZE, -1) for picture in pictures], -1)).sum())

    of_three_faces = [*range(6), 15, 16, 17]  # two in the first image, one in the second
    for place, (array, rows) in enumerate(((vertices, of_three_faces), (features, of_three_faces), (background, [0, 1]))):

        def value_at(of_rows: np.ndarray, place: int = place, rows: list[int] = rows) -> float:
            moved = [values.copy() for values in points]
            moved[place][rows] = of_rows
            return value(*moved)

        expected = central_differences(value_at, points[place][rows], step=3e-6)
        assert np.abs(expected).max() > 1
        assert relative_error(array.grad.to_numpy()[rows], expected) < 1e-7


class TestWhatIsCovered:
    @pytest.mark.parametrize("n_features", [0, 1, 3, 4, 5, 9])
    def test_the_default_settings(self, n_features):
        assert has_adjoint(ONE_LANE, RasterizeSettings().choices(n_features))
        choices = RasterizeSettings().choices(n_features)
        assert draw_op(ONE_LANE, choices).gradient is gradient_by_hand(ONE_LANE, choices)

    @pytest.mark.parametrize("name", ["distance", "distribution", "silhouette", "blending", "texture"])
    def test_each_option(self, name):
        """Those that are not listed have it."""
        for option in type(getattr(Choices(), name)):
            choices, by_hand = replace(Choices(), **{name: option}), option not in GENERATED[name]
            assert has_adjoint(ONE_LANE, choices) is by_hand
            assert draw_op(ONE_LANE, choices).gradient is (gradient_by_hand if by_hand else generated_gradient)(ONE_LANE, choices)

    def test_textures(self):
        for option in Filter:
            assert has_adjoint(ONE_LANE, Choices(texture=Texture.IMAGE, filter=option)) is (option is not Filter.MIPMAPPED)
        assert not has_adjoint(replace(ONE_LANE, storage=Storage.FIELD, team=1), Choices(texture=Texture.FACE))

    @pytest.mark.parametrize("fill_back", [True, False])
    def test_softras_drop_in(self, fill_back, monkeypatch):
        """Its silhouettes, and its pictures, with colours per vertex and with texels per face."""
        torch = pytest.importorskip("torch")
        functional = pytest.importorskip("taichi_softras.interop.soft_renderer.functional")
        used = []

        def record(vertices, topology, textures, *, background, settings, image_size):
            used.append((settings, topology, textures))
            return RenderedImage(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2, 3))

        monkeypatch.setattr(functional, "rasterize", record)
        for texture_type, n_texels in (("vertex", 3), ("surface", 4)):
            functional.soft_rasterize(torch.ones(1, 1, 3, 3), torch.ones(1, 1, n_texels, 3), 2, fill_back=fill_back, texture_type=texture_type)
            settings, topology, textures = used[-1]
            arrays = TaichiArrays()
            with_colors = Surface.of(arrays, topology, textures.numpy(), settings).choices(settings, 3)
            assert has_adjoint(arrays.variant, with_colors)
            assert has_adjoint(arrays.variant, Surface.of(arrays, topology, None, settings).choices(settings, 0))
