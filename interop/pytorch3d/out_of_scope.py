"""The names of PyTorch3D that are no part of its mesh half: they can be imported where the original has them, and say so when they are called."""

import sys
from types import ModuleType
from typing import Any

__all__ = ["LeftOut", "add_to"]

LEFT_OUT = {  # module: what it is about, and its names; which the packages around it have, too
    "structures.pointclouds": ("points", "Pointclouds join_pointclouds_as_batch join_pointclouds_as_scene"),
    "structures.volumes": ("volumes", "Volumes VolumeLocator"),
    "renderer.points.compositor": ("points", "AlphaCompositor NormWeightedCompositor"),
    "renderer.points.rasterize_points": ("points", "rasterize_points"),
    "renderer.points.rasterizer": ("points", "PointsRasterizationSettings PointsRasterizer"),
    "renderer.points.renderer": ("points", "PointsRenderer"),
    "renderer.points.pulsar.unified": ("pulsar", "PulsarPointsRenderer"),
    "renderer.points.pulsar.renderer": ("pulsar", "Renderer"),
    "renderer.compositing": ("points", "alpha_composite norm_weighted_sum weighted_sum"),
    "renderer.implicit.harmonic_embedding": ("implicit functions", "HarmonicEmbedding"),
    "renderer.implicit.raymarching": ("implicit functions", "AbsorptionOnlyRaymarcher EmissionAbsorptionRaymarcher"),
    "renderer.implicit.raysampling": (
        "implicit functions",
        "GridRaysampler MonteCarloRaysampler MultinomialRaysampler NDCGridRaysampler NDCMultinomialRaysampler",
    ),
    "renderer.implicit.renderer": ("implicit functions", "ImplicitRenderer VolumeRenderer VolumeSampler"),
    "renderer.implicit.sample_pdf": ("implicit functions", "sample_pdf"),
    "renderer.implicit.utils": ("implicit functions", "HeterogeneousRayBundle RayBundle ray_bundle_to_ray_points ray_bundle_variables_to_ray_points"),
    "renderer.opengl.rasterizer_opengl": ("OpenGL", "MeshRasterizerOpenGL"),
    "ops.ball_query": ("points", "ball_query"),
    "ops.cameras_alignment": ("the alignment of cameras and points", "corresponding_cameras_alignment"),
    "ops.cubify": ("volumes", "cubify"),
    "ops.graph_conv": ("layers of networks", "GraphConv"),
    "ops.iou_box3d": ("boxes", "box3d_overlap"),
    "ops.marching_cubes": ("volumes", "marching_cubes marching_cubes_naive"),
    "ops.perspective_n_points": ("the alignment of cameras and points", "efficient_pnp"),
    "ops.points_alignment": ("the alignment of cameras and points", "corresponding_points_alignment iterative_closest_point"),
    "ops.points_normals": ("points", "estimate_pointcloud_local_coord_frames estimate_pointcloud_normals"),
    "ops.points_to_volumes": ("volumes", "add_pointclouds_to_volumes add_points_features_to_volume_densities_features"),
    "ops.sample_farthest_points": ("points", "sample_farthest_points"),
    "ops.utils": ("points", "convert_pointclouds_to_tensor get_point_covariances is_pointclouds"),
    "utils.camera_conversions": ("pulsar", "pulsar_from_cameras_projection pulsar_from_opencv_projection"),
}


class LeftOut:
    """What stands under a name that is left out: a class, so that ``isinstance`` may ask for it, of which nothing can be made.

    Raises:
        NotImplementedError: when it is called.
    """

    about = ""

    def __new__(cls, *args: Any, **kwargs: Any) -> "LeftOut":
        raise NotImplementedError(f"{cls.__name__}: this stand-in has the mesh half of PyTorch3D, without {cls.about}")


def add_to(package: str) -> None:
    """Puts the names into the modules of the package, and into the packages around these; a name or a module that is there stays."""
    for path, (about, names) in LEFT_OUT.items():
        modules, here = [], package
        for part in path.split("."):
            parent, here = sys.modules[here], f"{here}.{part}"
            if here not in sys.modules:
                sys.modules[here] = ModuleType(here, f"PyTorch3D's module of this name: it is about {about}, which are left out.")
                sys.modules[here].__path__ = []
            if not hasattr(parent, part):
                setattr(parent, part, sys.modules[here])
            modules.append(sys.modules[here])
        for name in names.split():
            kind = type(name, (LeftOut,), {"about": about, "__module__": here, "__doc__": f"Left out: it is about {about}."})
            for module in modules:
                if not isinstance(getattr(module, name, None), type | type(add_to)):  # ops.ball_query is a module and a function of this name
                    setattr(module, name, kind)
