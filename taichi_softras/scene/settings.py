"""How a scene is rasterised: the discrete choices and the continuous softness."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from ..checks import check_choice, check_flag, check_number
from ..kernels.blending import Blending, Opacity, Order
from ..kernels.coverage import LARGEST_SHAPE, Distribution, reach_of, series_coefficients
from ..kernels.face import Choices, Interpolation, Sides
from ..kernels.silhouette import Silhouette
from ..kernels.softness import (
    BACKGROUND_DEPTH_NORM,
    CONORM,
    FAR,
    LOG_FACTORIAL,
    N_SOFTNESS,
    NEAR,
    OVER_DEPTH_RANGE,
    OVER_GAMMA,
    OVER_SIGMA,
    REACH_SQ,
    SHAPE,
    SHIFT,
)
from ..kernels.texture import Texture
from ..kernels.triangle import Distance, Extrapolation

__all__ = [
    "Blending",
    "Distance",
    "Distribution",
    "Extrapolation",
    "Interpolation",
    "Opacity",
    "Order",
    "RasterizeSettings",
    "Sides",
    "Silhouette",
    "Texture",
]

FEATURES_AT_ONCE = 4  # channels that a kernel has in hand: more compile slowly
FARTHEST_SQ = 1e6  # squared screen units: a heavy tail reaches everything
SMALLEST_HAMACHER = 1e-12  # stands for 0, in a kernel that divides by it


@dataclass(frozen=True, kw_only=True)
class RasterizeSettings:
    """All that rasterisation is told besides the scene. Changing a number never compiles anything; changing a choice does, once.

    Attributes:
        sigma: softness of edges: coverage is F(signed squared distance / sigma), so its unit is squared screen units (the shorter image side spans 2); without
            ``squared``, screen units (GenDR's tau).
        gamma: softness in depth, in units of depth_norm: the weight of a face is coverage * exp(depth_norm / gamma).
            In float32, gradients lose their accuracy below 1e-5.
        cutoff: outside of a face, a coverage below this counts as none (SoftRas's dist_eps).
        near, far: depths between which a face is seen; they also define depth_norm = (far - depth)/(far - near).
        background_depth_norm: the depth_norm at which the background competes with the faces (the papers' epsilon).
        distance: how far a pixel is from a face.
        squared: whether that distance is squared before it is divided by sigma.
        distribution: F, from the distance to coverage.
        shape: p of the gamma distributions, and of the window (Triangle Splatting's smoothness).
        shift: b of the exponential, gamma and Levy distributions, in units of sigma.
        silhouette: how the coverages of a pixel make its alpha.
        conorm: p of the T-conorms that have one; None for the usual one.
        blending: how the features of its faces are mixed.
        opacity: with Blending.COMPOSITE, what the rows of opacities are: per vertex, per face, or the last channel of the colours.
        order: with Blending.COMPOSITE, whether faces are ordered anew for each pixel, or for all at once.
        transmittance_cutoff: with Blending.COMPOSITE, how little of the light behind may be left before all of it counts as the background's: a pixel has then
            seen enough.
        texture: what rows of features are: per vertex, or texels per face. (For pictures, give a `UVTexture` as features.)
        interpolation: how depth and features vary over a face.
        extrapolation: with which weights they are taken outside of it.
        sides: which side of a face has colour and depth.
        culling: whether a face that shows its other side is left out of alpha, too (back-face culling); if not, alpha counts both sides.
        silhouette_beyond_depth_range: whether a face also counts for alpha where it is nearer than ``near`` or farther than ``far`` (SoftRas's way).
            If not, a face that reaches behind the eye is cut off before it (by ``render``; left out by ``rasterize``, which knows no eye).

    Examples:
        >>> settings = RasterizeSettings(sigma=1e-3, distribution=Distribution.GAUSSIAN, silhouette=Silhouette.YAGER)
        >>> round(settings.reach, 3)  # screen units; one pixel of 128 is 2/128 = 0.016
        0.061
        >>> RasterizeSettings(sigma=-1)
        Traceback (most recent call last):
        ValueError: RasterizeSettings: sigma must be a finite number between 1e-12 and 1e+06 (exclusive), got -1
    """

    sigma: float = 1e-4
    gamma: float = 1e-4
    cutoff: float = 1e-4
    near: float = 0.1
    far: float = 100.0
    background_depth_norm: float = 1e-3
    distance: Distance = Distance.EUCLIDEAN
    squared: bool = True
    distribution: Distribution = Distribution.LOGISTIC
    shape: float = 1.0
    shift: float = 0.0
    silhouette: Silhouette = Silhouette.PROBABILISTIC
    conorm: float | None = None
    blending: Blending = Blending.SOFTMAX
    opacity: Opacity = Opacity.VERTEX
    order: Order = Order.PIXEL
    transmittance_cutoff: float = 1e-4
    texture: Texture = Texture.VERTEX
    interpolation: Interpolation = Interpolation.PERSPECTIVE
    extrapolation: Extrapolation = Extrapolation.CLOSEST_POINT
    sides: Sides = Sides.BOTH
    culling: bool = False
    silhouette_beyond_depth_range: bool = False

    def __post_init__(self) -> None:
        op = "RasterizeSettings"
        check_number(op, "sigma", self.sigma, 1e-12, 1e6)
        check_number(op, "gamma", self.gamma, 1e-12, 1e6)
        check_number(op, "cutoff", self.cutoff, 1e-16, 0.5)
        check_number(op, "near", self.near, 0.0)
        check_number(op, "far", self.far, self.near)
        check_number(op, "background_depth_norm", self.background_depth_norm)
        check_choice(op, "distance", self.distance, Distance)
        check_flag(op, "squared", self.squared)
        check_choice(op, "distribution", self.distribution, Distribution)
        check_number(op, "shape", self.shape, 0.0, LARGEST_SHAPE)
        check_number(op, "shift", self.shift, -1e6, 1e6)
        check_choice(op, "silhouette", self.silhouette, Silhouette)
        self._check_conorm(op)
        check_choice(op, "blending", self.blending, Blending)
        check_choice(op, "opacity", self.opacity, Opacity)
        check_choice(op, "order", self.order, Order)
        check_number(op, "transmittance_cutoff", self.transmittance_cutoff, 0.0, 0.5)
        check_choice(op, "texture", self.texture, Texture)
        if self.texture is Texture.IMAGE:
            raise ValueError(f"{op}: texture must be {Texture.VERTEX} or {Texture.FACE} (features that are a UVTexture say so themselves), got {self.texture}")
        check_choice(op, "interpolation", self.interpolation, Interpolation)
        check_choice(op, "extrapolation", self.extrapolation, Extrapolation)
        check_choice(op, "sides", self.sides, Sides)
        check_flag(op, "culling", self.culling)
        if self.culling and self.sides is Sides.BOTH:
            raise ValueError(f"{op}: sides must be one side where culling leaves out the other, got {self.sides}")
        check_flag(op, "silhouette_beyond_depth_range", self.silhouette_beyond_depth_range)
        self._check_together(op)

    def _check_together(self, op: str) -> None:
        """What must fit the blending, or the window."""
        if self.distribution is Distribution.WINDOW and self.distance is not Distance.EUCLIDEAN:
            raise ValueError(f"{op}: distance must be {Distance.EUCLIDEAN} with {self.distribution}, got {self.distance}")
        if self.blending is not Blending.COMPOSITE:
            if self.opacity is not Opacity.VERTEX:
                raise ValueError(f"{op}: blending must be {Blending.COMPOSITE} with {self.opacity}, got {self.blending}")
            return
        if self.silhouette is not Silhouette.PROBABILISTIC:
            raise ValueError(f"{op}: silhouette must be {Silhouette.PROBABILISTIC} with {self.blending} (alpha is what it covers), got {self.silhouette}")
        if self.silhouette_beyond_depth_range:
            raise ValueError(f"{op}: silhouette_beyond_depth_range must be False with {self.blending} (alpha is of the faces that have colour), got True")

    def _check_conorm(self, op: str) -> None:
        kind = self.silhouette.value
        if self.conorm is None:
            return
        if kind.parameter is None:
            raise ValueError(f"{op}: conorm must be None ({self.silhouette} has no parameter), got {self.conorm}")
        if self.silhouette is Silhouette.HAMACHER and self.conorm == 0:
            return
        check_number(op, "conorm", self.conorm, kind.low, kind.high)
        if self.silhouette is Silhouette.FRANK and abs(self.conorm - 1) < 1e-3:
            raise ValueError(f"{op}: conorm must differ from 1 (there {self.silhouette} is {Silhouette.PROBABILISTIC}), got {self.conorm}")

    @functools.cached_property
    def reach(self) -> float:
        """How far outside of a face it still counts, in screen units (as a straight line)."""
        reach = float(np.sqrt(self._reach_sq))
        return reach * 2**0.5 if self.distance is Distance.CHEBYSHEV else reach

    @functools.cached_property
    def _reach_sq(self) -> float:
        """The squared distance, of whatever kind, up to which a face counts."""
        if self.distance is Distance.HARD:
            return 0.0
        reach = self.sigma * reach_of(self.distribution, self.cutoff, self.shape, self.shift)
        return min(reach if self.squared else reach**2, FARTHEST_SQ)

    @functools.cached_property
    def softness(self) -> np.ndarray:
        """The continuous settings in the order that the kernels expect (`kernels.softness`), float64."""
        conorm = self.silhouette.value.parameter or 0.0 if self.conorm is None else max(self.conorm, SMALLEST_HAMACHER) if self.conorm >= 0 else self.conorm
        numbers = np.zeros(N_SOFTNESS)
        numbers[[OVER_SIGMA, OVER_GAMMA, OVER_DEPTH_RANGE]] = 1 / self.sigma, 1 / self.gamma, 1 / (self.far - self.near)
        numbers[[REACH_SQ, NEAR, FAR, BACKGROUND_DEPTH_NORM]] = self._reach_sq, self.near, self.far, self.background_depth_norm
        numbers[[SHAPE, SHIFT, CONORM, LOG_FACTORIAL]] = self.shape, self.shift, conorm, math.lgamma(self.shape + 1)
        return np.concatenate([numbers, series_coefficients(self.distribution, self.shape)])

    def choices(self, n_features: int) -> Choices:
        """What specialises the kernels."""
        return Choices(
            features_at_once=min(n_features, FEATURES_AT_ONCE),
            grouped=n_features > FEATURES_AT_ONCE,
            distance=self.distance,
            squared=self.squared,
            distribution=self.distribution,
            silhouette=self.silhouette,
            blending=self.blending,
            texture=self.texture,
            interpolation=self.interpolation,
            extrapolation=self.extrapolation,
            sides=self.sides,
            culling=self.culling,
            silhouette_beyond_depth_range=self.silhouette_beyond_depth_range,
        )
