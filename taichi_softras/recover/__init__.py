"""The main job, a mesh from pictures: `Capture` and `Views` (pictures with their cameras, on disk and in memory), `Fit` (the descent), `bake` (the texture),
`score` and `metrics` (how good), pictures of the result."""

from .atlas import unwrap
from .fit import Fit, FitOptions, Stage, Start, initial_sphere
from .hull import Hull, hull_mesh, visual_hull
from .metrics import Score, score
from .optimize import NumpyAdam
from .pictures import fit_curves, normal_colors, save_animation, shaded, sheet, turntable
from .poses import registered
from .remesh import components, remeshed, self_intersections
from .texture import BakeOptions, TextureFit, bake, texels_shown
from .views import DEPTH_SCALE, SHARP, Capture, Views, render_geometry, render_views, save_picture, scene_up

__all__ = [
    "DEPTH_SCALE",
    "SHARP",
    "BakeOptions",
    "Capture",
    "Fit",
    "FitOptions",
    "Hull",
    "NumpyAdam",
    "Score",
    "Stage",
    "Start",
    "TextureFit",
    "Views",
    "bake",
    "components",
    "fit_curves",
    "hull_mesh",
    "initial_sphere",
    "metrics",
    "normal_colors",
    "registered",
    "remeshed",
    "render_geometry",
    "render_views",
    "save_animation",
    "save_picture",
    "scene_up",
    "score",
    "self_intersections",
    "shaded",
    "sheet",
    "texels_shown",
    "turntable",
    "unwrap",
    "visual_hull",
]
