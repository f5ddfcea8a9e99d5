"""PyTorch3D's ``pytorch3d.vis``: meshes and cameras in the browser, texture coordinates on their picture."""

from .plotly_vis import AxisArgs, Lighting, get_camera_wireframe, plot_batch_individually, plot_scene
from .texture_vis import texturesuv_image_matplotlib, texturesuv_image_PIL

__all__ = [
    "AxisArgs",
    "Lighting",
    "get_camera_wireframe",
    "plot_batch_individually",
    "plot_scene",
    "texturesuv_image_PIL",
    "texturesuv_image_matplotlib",
]
