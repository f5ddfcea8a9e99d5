"""The main job, a mesh from pictures: `Capture` and `Views` (pictures with their cameras, on disk and in memory), `Fit` (the descent), `score` and `metrics`
(how good), pictures of the result."""

from .fit import Fit, FitOptions, NumpyAdam, Score, Stage, initial_sphere, score
from .pictures import fit_curves, normal_colors, save_animation, shaded, sheet, turntable
from .views import SHARP, Capture, Views, render_views, save_picture, scene_up

__all__ = [
    "SHARP",
    "Capture",
    "Fit",
    "FitOptions",
    "NumpyAdam",
    "Score",
    "Stage",
    "Views",
    "fit_curves",
    "initial_sphere",
    "metrics",
    "normal_colors",
    "render_views",
    "save_animation",
    "save_picture",
    "scene_up",
    "score",
    "shaded",
    "sheet",
    "turntable",
]
