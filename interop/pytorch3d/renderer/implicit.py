"""PyTorch3D's implicit functions and volumes are no part of the drop-in: their names say so when they are called."""

from ...stand_in import left_out

_NAMES = (
    "AbsorptionOnlyRaymarcher", "EmissionAbsorptionRaymarcher", "GridRaysampler", "HarmonicEmbedding", "HeterogeneousRayBundle", "ImplicitRenderer",
    "MonteCarloRaysampler", "MultinomialRaysampler", "NDCGridRaysampler", "NDCMultinomialRaysampler", "RayBundle", "VolumeRenderer", "VolumeSampler",
    "ray_bundle_to_ray_points", "ray_bundle_variables_to_ray_points",
)  # fmt: skip
LEFT_OUT = {name: left_out(name, "volumes and implicit functions", __name__) for name in _NAMES}
globals().update(LEFT_OUT)
