"""Places in the array ``softness``: the continuous settings, which are arguments, so that changing one compiles nothing."""

__all__ = [
    "BACKGROUND_DEPTH_NORM",
    "CONORM",
    "FAR",
    "LOG_FACTORIAL",
    "NEAR",
    "N_SOFTNESS",
    "OVER_DEPTH_RANGE",
    "OVER_GAMMA",
    "OVER_SIGMA",
    "REACH_SQ",
    "SERIES",
    "SHAPE",
    "SHIFT",
]

# What is divided by stands here as one over it: the compiler would make divisions of (1/sigma) * x, one a pixel.
OVER_SIGMA = 0  # one over the softness of edges: squared screen units, or screen units where the distance is not squared
OVER_GAMMA = 1  # one over the softness in depth, units of depth_norm
REACH_SQ = 2  # outside a face, the squared distance up to which it counts, squared screen units
NEAR = 3
FAR = 4
BACKGROUND_DEPTH_NORM = 5  # the depth_norm at which the background competes (the papers' epsilon)
SHAPE = 6  # p of the distribution
SHIFT = 7  # b of the distribution, in units of sigma
CONORM = 8  # p of the T-conorm
LOG_FACTORIAL = 9  # log Gamma(p + 1)
OVER_DEPTH_RANGE = 10  # 1/(far - near)
N_SOFTNESS = 11
SERIES = 11  # from here on, where the distribution needs it: 1/(p + k), k = 1, 2, ...
