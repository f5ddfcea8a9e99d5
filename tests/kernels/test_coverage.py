"""Distributions and T-conorms against their formulas in NumPy and SciPy. ``pytest -s tests/kernels/test_coverage.py`` prints the tables.

Plan: every distribution on a fine grid and far out, F and 1 - F; every T-conorm folded over several coverages, those at and near 0 and 1 among them; in both
precisions. Gradients are in `tests/interop/test_gendr.py`.
"""

import functools
import importlib.util
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.special
import scipy.stats
from conftest import REPOSITORY

from taichi_softras import Distribution, RasterizeSettings, Silhouette
from taichi_softras.kernels.coverage import coverage_of, reach_of
from taichi_softras.kernels.silhouette import silhouette_generator, silhouette_inverse
from taichi_softras.language import ti

P, B = 1.7, 0.4  # shape and shift
FORMULAS = {
    Distribution.HEAVISIDE: lambda u: (u > 0).astype(float),
    Distribution.UNIFORM: lambda u: np.clip(u / 2 + 0.5, 0, 1),
    Distribution.CUBIC_HERMITE: lambda u: (lambda y: 3 * y**2 - 2 * y**3)(np.clip(u / 2 + 0.5, 0, 1)),
    Distribution.WIGNER_SEMICIRCLE: scipy.stats.semicircular.cdf,
    Distribution.GAUSSIAN: scipy.stats.norm.cdf,
    Distribution.LAPLACE: scipy.stats.laplace.cdf,
    Distribution.LOGISTIC: scipy.stats.logistic.cdf,
    Distribution.HYPERBOLIC_SECANT: lambda u: 2 / np.pi * np.arctan(np.tanh(u / 2)) + 0.5,
    Distribution.CAUCHY: scipy.stats.cauchy.cdf,
    Distribution.RECIPROCAL: lambda u: u / (2 * (1 + abs(u))) + 0.5,
    Distribution.GUMBEL_MAX: scipy.stats.gumbel_r.cdf,
    Distribution.GUMBEL_MIN: scipy.stats.gumbel_l.cdf,
    Distribution.EXPONENTIAL: lambda u: scipy.stats.expon.cdf(u + B),
    Distribution.EXPONENTIAL_REV: lambda u: scipy.stats.expon.sf(B - u),
    Distribution.GAMMA: lambda u: scipy.stats.gamma.cdf(u + B, P),
    Distribution.GAMMA_REV: lambda u: scipy.stats.gamma.sf(B - u, P),
    Distribution.LEVY: lambda u: scipy.stats.levy.cdf(u + B),
    Distribution.LEVY_REV: lambda u: scipy.stats.levy.sf(B - u),
    Distribution.WINDOW: lambda u: np.clip(u, 0, 1) ** P,
}


def hamacher(a: float, b: float, p: float) -> float:
    x, y = 1 - a, 1 - b
    below = p + (1 - p) * (x + y - x * y)
    return 1.0 if x * y == 0 else 1 - x * y / below


def dombi(a: float, b: float, p: float) -> float:
    if max(a, b) == 1:
        return 1.0
    return 1 - 1 / (1 + ((a / (1 - a)) ** p + (b / (1 - b)) ** p) ** (1 / p))


def aczel_alsina(a: float, b: float, p: float) -> float:
    return 1.0 if max(a, b) == 1 else 1 - np.exp(-(((-np.log(1 - a)) ** p + (-np.log(1 - b)) ** p) ** (1 / p)))


CONORMS = {
    (Silhouette.PROBABILISTIC, None): lambda a, b, p: a + b - a * b,
    (Silhouette.MAX, None): lambda a, b, p: max(a, b),
    (Silhouette.EINSTEIN, None): lambda a, b, p: (a + b) / (1 + a * b),
    (Silhouette.HAMACHER, 0): hamacher,
    (Silhouette.HAMACHER, 0.3): hamacher,
    (Silhouette.HAMACHER, 5.0): hamacher,
    (Silhouette.FRANK, 0.2): lambda a, b, p: 1 - np.log(1 + (p ** (1 - a) - 1) * (p ** (1 - b) - 1) / (p - 1)) / np.log(p),
    (Silhouette.FRANK, 4.0): lambda a, b, p: 1 - np.log(1 + (p ** (1 - a) - 1) * (p ** (1 - b) - 1) / (p - 1)) / np.log(p),
    (Silhouette.YAGER, 0.7): lambda a, b, p: min(1, (a**p + b**p) ** (1 / p)),
    (Silhouette.YAGER, 2.0): lambda a, b, p: min(1, (a**p + b**p) ** (1 / p)),
    (Silhouette.ACZEL_ALSINA, 1.6): aczel_alsina,
    (Silhouette.DOMBI, 1.5): dombi,
    (Silhouette.SCHWEIZER_SKLAR, -0.8): lambda a, b, p: 1.0 if max(a, b) == 1 else 1 - ((1 - a) ** p + (1 - b) ** p - 1) ** (1 / p),
}


@functools.cache
def coverage_kernel(distribution: Distribution, real: object):
    @ti.kernel
    def evaluate(
        u: ti.types.ndarray(dtype=real, ndim=1), softness: ti.types.ndarray(dtype=real, ndim=1), out: ti.types.ndarray(dtype=real, ndim=2)
    ):  # fmt: skip
        for i in range(u.shape[0]):
            value, complement = coverage_of(u[i], softness, distribution, real)
            out[i, 0] = value
            out[i, 1] = complement

    return evaluate


@functools.cache
def conorm_kernel(silhouette: Silhouette, real: object):
    @ti.kernel
    def evaluate(
        coverages: ti.types.ndarray(dtype=real, ndim=2), softness: ti.types.ndarray(dtype=real, ndim=1), out: ti.types.ndarray(dtype=real, ndim=1)
    ):  # fmt: skip
        for i in range(coverages.shape[0]):
            total = coverages[i, 0] * 0.0
            for k in range(coverages.shape[1]):
                a = coverages[i, k]
                generated = silhouette_generator(a * 0.0, a, 1.0 - a, softness, Distribution.HEAVISIDE, silhouette, real)
                if ti.static(silhouette.value.strongest):
                    total = ti.max(total, generated)
                else:
                    total += generated
            out[i] = silhouette_inverse(total, total * 0.0 + 1.0, softness, silhouette, real)

    return evaluate


PRECISIONS = pytest.mark.parametrize(("real", "dtype", "tolerance"), [(ti.f64, np.float64, 2e-14), (ti.f32, np.float32, 1e-5)], ids=["f64", "f32"])


@PRECISIONS
@pytest.mark.parametrize("distribution", Distribution, ids=lambda d: d.name)
def test_distribution(distribution, real, dtype, tolerance):
    u = np.concatenate([np.linspace(-9, 9, 1801), np.linspace(-300, 300, 81), [-1e6, 1e6]]).astype(dtype)
    settings = RasterizeSettings(distribution=distribution, shape=P, shift=B)
    out = np.zeros((len(u), 2), dtype)
    coverage_kernel(distribution, real)(u, settings.softness.astype(dtype), out)
    with np.errstate(over="ignore"):
        expected = FORMULAS[distribution](u.astype(np.float64))
    errors = np.abs(out - np.stack([expected, 1 - expected], 1)).max(0)
    print(f"\n{distribution.name:20} {dtype.__name__}: |F - formula| <= {errors[0]:.1e}, |1 - F - formula| <= {errors[1]:.1e}")
    assert errors.max() < tolerance


@pytest.mark.parametrize("distribution", Distribution, ids=lambda d: d.name)
def test_reach(distribution):
    """Beyond its reach, outside, a distribution is below the cut-off."""
    for cutoff in (1e-2, 1e-4):
        reach = reach_of(distribution, cutoff, P, B)
        assert reach >= 0
        if reach < 1e6:
            assert FORMULAS[distribution](np.array([-reach - 1e-6]))[0] <= cutoff
            assert reach == 0 or FORMULAS[distribution](np.array([-0.999 * reach]))[0] >= cutoff


@PRECISIONS
@pytest.mark.parametrize(("silhouette", "p"), CONORMS, ids=lambda value: value.name if isinstance(value, Silhouette) else str(value))
def test_conorm(silhouette, p, real, dtype, tolerance):
    rng = np.random.default_rng(0)
    grid = [0.0, 1e-6, 0.1, 0.5, 0.9, 1 - 1e-5, 1.0]
    coverages = np.concatenate([np.array(list(itertools.product(grid, repeat=3))), rng.uniform(size=(400, 3))]).astype(dtype)
    settings = RasterizeSettings(silhouette=silhouette, conorm=p)
    out = np.zeros(len(coverages), dtype)
    conorm_kernel(silhouette, real)(coverages, settings.softness.astype(dtype), out)
    fold = CONORMS[silhouette, p]
    expected = np.array([functools.reduce(lambda a, b: fold(a, b, p), map(float, row), 0.0) for row in coverages])
    error = np.abs(out - expected).max()
    print(f"\n{silhouette.name:20} p = {p} {dtype.__name__}: |S - formula| <= {error:.1e}")
    assert error < (1e-9 if dtype is np.float64 else 3e-5)


def test_the_distribution_of_the_page_on_adding_one(tmp_path):
    """`docs/add_your_own_distribution.md`: its function and its line, as they stand."""
    page = (REPOSITORY / "docs" / "add_your_own_distribution.md").read_text()
    function, line = (block.split("```", 1)[0] for block in page.split("```python\n")[1:3])
    source = f"import math\nfrom taichi_softras.kernels.coverage import ONE_OVER_PI, Family\nfrom taichi_softras.language import ti\n\n{function}\n{line}"
    (tmp_path / "added_distribution.py").write_text(source)
    spec = importlib.util.spec_from_file_location("added_distribution", tmp_path / "added_distribution.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    family = module.ARCTAN_OF_SINH
    u, out = np.linspace(-9, 9, 101), np.zeros((101, 2))
    evaluate = coverage_kernel.__wrapped__(SimpleNamespace(value=family), ti.f64)
    evaluate(u, RasterizeSettings().softness, out)
    expected = 0.5 + np.arcsin(np.tanh(u)) / np.pi
    np.testing.assert_allclose(out, np.stack([expected, 1 - expected], 1), atol=1e-12)
    assert expected[20] == pytest.approx(0.5 + np.arcsin(np.tanh(family.quantile(expected[20], 1.0, 0.0))) / np.pi)


def test_conorm_parameters_out_of_range():
    for silhouette, p in ((Silhouette.FRANK, 1.0), (Silhouette.YAGER, 0.0), (Silhouette.SCHWEIZER_SKLAR, 1.0), (Silhouette.HAMACHER, -1.0)):
        with pytest.raises(ValueError, match="conorm must"):
            RasterizeSettings(silhouette=silhouette, conorm=p)
    with pytest.raises(ValueError, match=r"conorm must be None \(Silhouette.MAX has no parameter\), got 2.0"):
        RasterizeSettings(silhouette=Silhouette.MAX, conorm=2.0)
