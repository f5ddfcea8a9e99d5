"""What Kaolin has and this drop-in has not, and why: see `taichi_softras.interop.left_out`."""

__all__ = ["SINGLE", "WHOLE"]

OCTREES = "which renders meshes: structured point clouds (octrees) stay with Kaolin"
GAUSSIANS = "which renders meshes: Gaussian splats stay with Kaolin"
PHYSICS = "which renders meshes: simulation stays with Kaolin"
GRIDS = "which renders meshes: voxel grids, tetrahedra and what turns them into meshes stay with Kaolin"
POINTS = "which renders meshes: point clouds stay with Kaolin"
DATA = "which reads meshes one by one: loaders of data sets stay with Kaolin"
GRAPHS = "which renders meshes: layers of networks stay with Kaolin"
WIDGETS = "which opens its own window: taichi-softras view MESH"
QUATERNIONS = "which turns cameras by matrices: rotations of all kinds are in taichi_softras.interop.pytorch3d.transforms"
OTHERS = "which needs none of the packages that it serves"
HOUSEKEEPING = "which has nothing to set up"
OFF_FILES = "which reads OFF files by taichi_softras.Mesh.load"

# Modules, those above first.
WHOLE = {
    "experimental": PHYSICS,
    "experimental.dash3d": WIDGETS,
    "experimental.newton": PHYSICS,
    "io.dataset": DATA,
    "io.gaussians": GAUSSIANS,
    "io.modelnet": DATA,
    "io.off": OFF_FILES,
    "io.ply": POINTS,
    "io.shapenet": DATA,
    "io.shrec": DATA,
    "io.usd.custom_schema": PHYSICS,
    "io.usd.gaussians": GAUSSIANS,
    "io.usd.physics_materials": PHYSICS,
    "io.usd.pointcloud": POINTS,
    "io.usd.voxelgrid": GRIDS,
    "math": QUATERNIONS,
    "math.quat": QUATERNIONS,
    "metrics.tetmesh": GRIDS,
    "metrics.voxelgrid": GRIDS,
    "non_commercial": GRIDS,
    "non_commercial.flexicubes": GRIDS,
    "ops.conversions": GRIDS,
    "ops.conversions.flexicubes": GRIDS,
    "ops.gaussian": GAUSSIANS,
    "ops.gaussians": GAUSSIANS,
    "ops.gcn": GRAPHS,
    "ops.spc": OCTREES,
    "ops.voxelgrid": GRIDS,
    "physics": PHYSICS,
    "physics.common": PHYSICS,
    "physics.materials": PHYSICS,
    "physics.simplicits": PHYSICS,
    "physics.utils": PHYSICS,
    "render.camera.gsplats_inria": GAUSSIANS,
    "render.camera.gsplats_nerfstudio": GAUSSIANS,
    "render.camera.polyscope": OTHERS,
    "render.mesh.nvdiffrast_context": OTHERS,
    "render.spc": OCTREES,
    "utils.bundled_data": DATA,
    "utils.env_vars": HOUSEKEEPING,
    "utils.log": HOUSEKEEPING,
    "visualize.ipython": WIDGETS,
}

# Names that modules which are there lack.
SINGLE = {
    "io.import_gaussiancloud": GAUSSIANS,
    **{f"io.usd.{name}": GAUSSIANS for name in ("add_gaussiancloud", "export_gaussiancloud", "import_gaussiancloud", "import_gaussianclouds")},
    **{f"io.usd.{name}_pointcloud{end}": POINTS for name in ("import", "export") for end in ("", "s")},
    "io.usd.add_pointcloud": POINTS,
    **{f"io.usd.{name}_voxelgrid{end}": GRIDS for name in ("import", "export") for end in ("", "s")},
    "io.usd.add_voxelgrid": GRIDS,
    "rep.GaussianSplatModel": GAUSSIANS,
    "rep.PointSamples": GAUSSIANS,
    "rep.Spc": OCTREES,
    **{f"render.camera.kaolin_camera_to_{name}": GAUSSIANS for name in ("gsplats", "gsplat_inria", "gsplat_nerfstudio")},
    **{f"render.camera.{name}_camera_to_kaolin": GAUSSIANS for name in ("gsplats", "gsplat_inria", "gsplat_nerfstudio")},
    "render.camera.kaolin_camera_to_polyscope": OTHERS,
    "render.camera.polyscope_camera_to_kaolin": OTHERS,
    **{f"visualize.{name}": WIDGETS for name in ("IpyTurntableVisualizer", "IpyFirstPersonVisualizer", "BaseIpyVisualizer", "quick_viz", "update_canvas")},
}
