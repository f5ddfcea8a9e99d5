"""The main job, a mesh from pictures: `Views` (pictures with their cameras), `Fit` (the descent), `score` and `metrics` (how good), pictures of the result."""

from .fit import Fit, FitOptions, Stage, Start, initial_sphere
from .hull import Hull, hull_mesh, visual_hull
from .metrics import Score, score
from .optimize import NumpyAdam
from .pictures import fit_curves, normal_colors, save_animation, shaded, sheet, turntable
from .poses import registered
from .remesh import components, remeshed, self_intersections
from .views import DEPTH_SCALE, SHARP, Views, render_geometry, render_views, save_picture

__all__ = [
    "DEPTH_SCALE",
    "SHARP",
    "Fit",
    "FitOptions",
    "NumpyAdam",
    "Score",
    "Stage",
    "Start",
    "Views",
    "fit_curves",
    "initial_sphere",
    "metrics",
    "normal_colors",
    "render_geometry",
    "render_views",
    "save_animation",
    "save_picture",
    "score",
    "shaded",
    "sheet",
    "turntable",
]
