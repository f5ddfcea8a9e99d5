"""How a scene is rasterised: the discrete choices and the continuous softness."""

from dataclasses import dataclass

import numpy as np

from .checks import check_choice, check_flag, check_number
from .kernels.blending import Blending
from .kernels.coverage import logistic_reach
from .kernels.rasterize import Choices, Interpolation, Sides
from .kernels.silhouette import Silhouette
from .kernels.texture import Texture
from .kernels.triangle import Distance, Extrapolation

__all__ = ["Blending", "Distance", "Extrapolation", "Interpolation", "RasterizeSettings", "Sides", "Silhouette", "Texture"]


@dataclass(frozen=True, kw_only=True)
class RasterizeSettings:
    """All that rasterisation is told besides the scene. Changing a number never compiles anything; changing a choice does, once.

    Attributes:
        sigma: softness of edges: coverage is logistic(signed squared distance / sigma), so its unit is squared screen units (the shorter image side spans 2).
        gamma: softness in depth, in units of depth_norm: the weight of a face is coverage * exp(depth_norm / gamma).
            In float32, gradients lose their accuracy below 1e-5.
        cutoff: outside of a face, a coverage below this counts as none (SoftRas's dist_eps).
        near, far: depths between which a face is seen; they also define depth_norm = (far - depth)/(far - near).
        background_depth_norm: the depth_norm at which the background competes with the faces (the papers' epsilon).
        distance: how far a pixel is from a face.
        silhouette: how the coverages of a pixel make its alpha.
        blending: how the features of its faces are mixed.
        texture: what the features are: per vertex, or texels per face.
        interpolation: how depth and features vary over a face.
        extrapolation: with which weights they are taken outside of it.
        sides: which side of a face has colour and depth.
        silhouette_beyond_depth_range: whether a face also counts for alpha where it is nearer than ``near`` or farther than ``far`` (SoftRas's way).
            If not, a face with a vertex at or behind the eye is left out.
    """

    sigma: float = 1e-4
    gamma: float = 1e-4
    cutoff: float = 1e-4
    near: float = 0.1
    far: float = 100.0
    background_depth_norm: float = 1e-3
    distance: Distance = Distance.EUCLIDEAN
    silhouette: Silhouette = Silhouette.PROBABILISTIC
    blending: Blending = Blending.SOFTMAX
    texture: Texture = Texture.VERTEX
    interpolation: Interpolation = Interpolation.PERSPECTIVE
    extrapolation: Extrapolation = Extrapolation.CLOSEST_POINT
    sides: Sides = Sides.BOTH
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
        check_choice(op, "silhouette", self.silhouette, Silhouette)
        check_choice(op, "blending", self.blending, Blending)
        check_choice(op, "texture", self.texture, Texture)
        check_choice(op, "interpolation", self.interpolation, Interpolation)
        check_choice(op, "extrapolation", self.extrapolation, Extrapolation)
        check_choice(op, "sides", self.sides, Sides)
        check_flag(op, "silhouette_beyond_depth_range", self.silhouette_beyond_depth_range)

    @property
    def reach(self) -> float:
        """How far outside of a face it still counts, in screen units (as a straight line)."""
        if self.distance is Distance.HARD:
            return 0.0
        reach = float(np.sqrt(self.sigma * logistic_reach(self.cutoff)))
        return reach * 2**0.5 if self.distance is Distance.CHEBYSHEV else reach

    def softness(self) -> np.ndarray:
        """The continuous settings in the order that the kernels expect (`kernels.rasterize`), float64."""
        return np.array([self.sigma, self.gamma, self.sigma * logistic_reach(self.cutoff), self.near, self.far, self.background_depth_norm])

    def choices(self, n_features: int) -> Choices:
        """What specialises the kernels."""
        return Choices(
            n_features=n_features,
            distance=self.distance,
            silhouette=self.silhouette,
            blending=self.blending,
            texture=self.texture,
            interpolation=self.interpolation,
            extrapolation=self.extrapolation,
            sides=self.sides,
            silhouette_beyond_depth_range=self.silhouette_beyond_depth_range,
        )
