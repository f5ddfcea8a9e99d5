"""PyTorch3D's points are no part of the drop-in: their names say so when they are called."""

from ...stand_in import left_out

_NAMES = (
    "AlphaCompositor", "NormWeightedCompositor", "PointsRasterizationSettings", "PointsRasterizer", "PointsRenderer", "PulsarPointsRenderer",
    "rasterize_points",
)  # fmt: skip
LEFT_OUT = {name: left_out(name, "points", __name__) for name in _NAMES}
globals().update(LEFT_OUT)
