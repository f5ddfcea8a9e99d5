"""The main job, a mesh from pictures: `Views` (pictures with their cameras), `Fit` (the descent), `bake` (the texture), `score` and `metrics` (how
good), pictures of the result."""

from .atlas import unwrap
from .fit import Fit, FitOptions, NumpyAdam, Score, Stage, initial_sphere, score
from .pictures import fit_curves, normal_colors, save_animation, shaded, sheet, turntable
from .texture import BakeOptions, TextureFit, bake, texels_shown
from .views import SHARP, Views, render_views, save_picture

__all__ = [
    "SHARP",
    "BakeOptions",
    "Fit",
    "FitOptions",
    "NumpyAdam",
    "Score",
    "Stage",
    "TextureFit",
    "Views",
    "bake",
    "fit_curves",
    "initial_sphere",
    "metrics",
    "normal_colors",
    "render_views",
    "save_animation",
    "save_picture",
    "score",
    "shaded",
    "sheet",
    "texels_shown",
    "turntable",
    "unwrap",
]
