"""The main job, a mesh from pictures: `Capture` and `Views` (pictures with their cameras, on disk and in memory), `Fit` (the descent), `bake` (the texture),
`score` and `metrics` (how good), pictures of the result."""

from .atlas import unwrap
from .fit import Fit, FitOptions, Stage, Start, initial_sphere
from .hull import Hull, hull_mesh, visual_hull
from .metrics import Score, SurfaceComparison, compare_surfaces, score, structural_similarity
from .opening import is_of_cameras, splits_of
from .optimize import NumpyAdam
from .pictures import fit_curves, normal_colors, save_animation, shaded, sheet, turntable
from .poses import registered
from .remesh import components, remeshed, self_intersections
from .rendering import SHARP, render_geometry, render_views, seen_from
from .report import report
from .results import Pictures, mean_score, rotation_to_y_up, up_of
from .splatting import SplatFit, SplatOptions, first_triangles
from .texture import BakeOptions, TextureFit, bake, texels_shown
from .triangles import Triangles, composited_from, render_triangles
from .views import DEPTH_SCALE, Capture, Views, save_picture, scene_up

__all__ = [
    "DEPTH_SCALE",
    "SHARP",
    "BakeOptions",
    "Capture",
    "Fit",
    "FitOptions",
    "Hull",
    "NumpyAdam",
    "Pictures",
    "Score",
    "SplatFit",
    "SplatOptions",
    "Stage",
    "Start",
    "SurfaceComparison",
    "TextureFit",
    "Triangles",
    "Views",
    "bake",
    "compare_surfaces",
    "components",
    "composited_from",
    "first_triangles",
    "fit_curves",
    "hull_mesh",
    "initial_sphere",
    "is_of_cameras",
    "mean_score",
    "metrics",
    "normal_colors",
    "registered",
    "remeshed",
    "render_geometry",
    "render_triangles",
    "render_views",
    "report",
    "rotation_to_y_up",
    "save_animation",
    "save_picture",
    "scene_up",
    "score",
    "seen_from",
    "self_intersections",
    "shaded",
    "sheet",
    "splits_of",
    "structural_similarity",
    "texels_shown",
    "turntable",
    "unwrap",
    "up_of",
    "visual_hull",
]
