"""The main job, a mesh from pictures: `Capture` and `Views` (pictures with their cameras, on disk and in memory), `Fit` (the descent), `score` and `metrics`
(how good), pictures of the result."""

from .fit import Fit, FitOptions, Stage, Start, initial_sphere
from .hull import Hull, hull_mesh, visual_hull
from .metrics import Score, score
from .optimize import NumpyAdam
from .pictures import fit_curves, normal_colors, save_animation, shaded, sheet, turntable
from .poses import registered
from .remesh import components, remeshed, self_intersections
from .views import DEPTH_SCALE, SHARP, Capture, Views, render_geometry, render_views, save_picture, scene_up

__all__ = [
    "DEPTH_SCALE",
    "SHARP",
    "Capture",
    "Fit",
    "FitOptions",
    "Hull",
    "NumpyAdam",
    "Score",
    "Stage",
    "Start",
    "Views",
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
    "turntable",
    "visual_hull",
]
