"""What Kaolin has and this drop-in has not, and why: see `taichi_softras.interop.left_out`."""

__all__ = ["SINGLE", "WHOLE"]

OCTREES = "structured point clouds (octrees) stay with Kaolin"
GAUSSIANS = "Gaussian splats stay with Kaolin"
PHYSICS = "simulation stays with Kaolin"
GRIDS = "voxel grids, tetrahedra and what turns them into meshes stay with Kaolin"
POINTS = "files and networks of point clouds stay with Kaolin"
DATA = "loaders of data sets stay with Kaolin"
GRAPHS = "layers of networks stay with Kaolin"
WIDGETS = "the window to look at meshes is another: taichi-softras view MESH"
QUATERNIONS = "rotations of all kinds are in taichi_softras.interop.pytorch3d.transforms"
OTHERS = "it serves a package that is not needed here"
HOUSEKEEPING = "there is nothing to set up"
PADDING = "tensors of several sizes are packed; padding is torch.nn.utils.rnn.pad_sequence"
PARTS = "meshes and materials are written; other parts of a USD stage are its own library's"
PATHS = "cameras are moved by their own methods"
REDUCTION = "it is torch.segment_reduce"
OFF_FILES = "OFF files are read by taichi_softras.Mesh.load"

WHOLE = {  # modules, with all below
    "experimental": PHYSICS,
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
    "io.usd.subset": PARTS,
    "io.usd.transform": PARTS,
    "io.usd.voxelgrid": GRIDS,
    "math": QUATERNIONS,
    "metrics.tetmesh": GRIDS,
    "metrics.voxelgrid": GRIDS,
    "non_commercial": GRIDS,
    "ops.conversions": GRIDS,
    "ops.gaussian": GAUSSIANS,
    "ops.gaussians": GAUSSIANS,
    "ops.gcn": GRAPHS,
    "ops.mesh.tetmesh": GRIDS,
    "ops.reduction": REDUCTION,
    "ops.spc": OCTREES,
    "ops.voxelgrid": GRIDS,
    "physics": PHYSICS,
    "render.camera.gsplats_inria": GAUSSIANS,
    "render.camera.gsplats_nerfstudio": GAUSSIANS,
    "render.camera.polyscope": OTHERS,
    "render.camera.trajectory": PATHS,
    "render.mesh.nvdiffrast_context": OTHERS,
    "render.spc": OCTREES,
    "rep.gaussians": GAUSSIANS,
    "rep.spc": OCTREES,
    "utils.bundled_data": DATA,
    "utils.env_vars": HOUSEKEEPING,
    "utils.log": HOUSEKEEPING,
    "visualize.ipython": WIDGETS,
}

DONE_TO_CLOUDS = (("add", ""), ("export", ""), ("export", "s"), ("import", ""), ("import", "s"))

# Names that modules which are there lack.
SINGLE = {
    "io.gltf.import_meshes": "import_mesh reads a scene as one mesh",
    **{f"ops.batch.{name}": PADDING for name in ("fill_max_shape", "list_to_padded", "packed_to_padded", "padded_to_list", "padded_to_packed")},
    "ops.mesh.inverse_vertices_offset": GRIDS,
    "ops.mesh.subdivide_tetmesh": GRIDS,
    "ops.pointcloud.farthest_point_sampling": POINTS,
    "ops.random.random_spc_octrees": OCTREES,
    "io.import_gaussiancloud": GAUSSIANS,
    **{f"io.usd.{do}_gaussiancloud{end}": GAUSSIANS for do, end in DONE_TO_CLOUDS},
    **{f"io.usd.{do}_pointcloud{end}": POINTS for do, end in DONE_TO_CLOUDS},
    **{f"io.usd.{do}_voxelgrid{end}": GRIDS for do, end in DONE_TO_CLOUDS},
    "rep.GaussianSplatModel": GAUSSIANS,
    "rep.PointSamples": GAUSSIANS,
    "rep.Spc": OCTREES,
    **{f"render.camera.kaolin_camera_to_{name}": GAUSSIANS for name in ("gsplats", "gsplat_inria", "gsplat_nerfstudio")},
    **{f"render.camera.{name}_camera_to_kaolin": GAUSSIANS for name in ("gsplats", "gsplat_inria", "gsplat_nerfstudio")},
    "render.camera.kaolin_camera_to_polyscope": OTHERS,
    "render.camera.polyscope_camera_to_kaolin": OTHERS,
    "render.camera.camera_path_generator": PATHS,
    "render.camera.loop_camera_path_generator": PATHS,
    "utils.KaolinEnvVars": HOUSEKEEPING,
    "utils.KaolinTestEnvVars": HOUSEKEEPING,
    "visualize.Timelapse.add_pointcloud_batch": POINTS,
    "visualize.Timelapse.add_voxelgrid_batch": GRIDS,
    **{f"visualize.{name}": WIDGETS for name in ("IpyTurntableVisualizer", "IpyFirstPersonVisualizer", "BaseIpyVisualizer", "quick_viz", "update_canvas")},
}
