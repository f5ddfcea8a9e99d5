"""What PyTorch3D has and this drop-in has not, and why: see `taichi_softras.interop.left_out`."""

__all__ = ["SINGLE", "WHOLE"]

ALIGNMENT = "the alignment of points and cameras stays with PyTorch3D"
BOXES = "boxes stay with PyTorch3D"
DATA = "data sets stay with PyTorch3D"
IMPLICIT = "implicit functions stay with PyTorch3D"
NETWORKS = "layers of networks stay with PyTorch3D"
OPENGL = "it needs an OpenGL context; MeshRasterizer runs on any device"
POINTS = "points stay with PyTorch3D"
PULSAR = "pulsar stays with PyTorch3D"
VOLUMES = "volumes stay with PyTorch3D"

WHOLE = {  # modules, with all below
    "datasets": DATA,
    "implicitron": IMPLICIT,
    "ops.ball_query": POINTS,
    "ops.cameras_alignment": ALIGNMENT,
    "ops.cubify": VOLUMES,
    "ops.graph_conv": NETWORKS,
    "ops.iou_box3d": BOXES,
    "ops.marching_cubes": VOLUMES,
    "ops.perspective_n_points": ALIGNMENT,
    "ops.points_alignment": ALIGNMENT,
    "ops.points_normals": POINTS,
    "ops.points_to_volumes": VOLUMES,
    "ops.sample_farthest_points": POINTS,
    "ops.utils": ALIGNMENT,
    "renderer.compositing": POINTS,
    "renderer.implicit": IMPLICIT,
    "renderer.opengl": OPENGL,
    "renderer.points": POINTS,
    "structures.volumes": VOLUMES,
}

_IN_PACKAGES = {  # names that packages and classes have, too; some are a function and its module at once
    "io.IO": {POINTS: "load_pointcloud register_pointcloud_format save_pointcloud"},
    "ops": {
        POINTS: "ball_query estimate_pointcloud_local_coord_frames estimate_pointcloud_normals sample_farthest_points "
        "convert_pointclouds_to_tensor get_point_covariances is_pointclouds",
        ALIGNMENT: "corresponding_cameras_alignment corresponding_points_alignment iterative_closest_point efficient_pnp eyes wmean",
        VOLUMES: "cubify add_pointclouds_to_volumes add_points_features_to_volume_densities_features marching_cubes marching_cubes_naive",
        NETWORKS: "GraphConv",
        BOXES: "box3d_overlap",
    },
    "renderer": {
        POINTS: "AlphaCompositor NormWeightedCompositor PointsRasterizationSettings PointsRasterizer PointsRenderer rasterize_points",
        PULSAR: "PulsarPointsRenderer",
        IMPLICIT: "AbsorptionOnlyRaymarcher EmissionAbsorptionRaymarcher GridRaysampler HarmonicEmbedding HeterogeneousRayBundle ImplicitRenderer "
        "MonteCarloRaysampler MultinomialRaysampler NDCGridRaysampler NDCMultinomialRaysampler RayBundle VolumeRenderer VolumeSampler "
        "ray_bundle_to_ray_points ray_bundle_variables_to_ray_points",
        OPENGL: "MeshRasterizerOpenGL",
    },
    "structures": {VOLUMES: "Volumes", POINTS: "join_pointclouds_as_batch join_pointclouds_as_scene"},
    "structures.pointclouds": {POINTS: "join_pointclouds_as_batch join_pointclouds_as_scene"},
    "utils": {PULSAR: "pulsar_from_cameras_projection pulsar_from_opencv_projection"},
    "utils.camera_conversions": {PULSAR: "pulsar_from_cameras_projection pulsar_from_opencv_projection"},
}

SINGLE = {f"{package}.{name}": why for package, names in _IN_PACKAGES.items() for why, several in names.items() for name in several.split()}
"""Names that modules and classes which are there lack."""
