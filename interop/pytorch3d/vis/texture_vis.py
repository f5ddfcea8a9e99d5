"""Where texture coordinates lie in their picture."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ....checks import check_integer, check_number
from ..renderer import TexturesUV

MOST = 1 << 30

__all__ = ["texturesuv_image_PIL", "texturesuv_image_matplotlib"]


def texturesuv_image_matplotlib(
    texture: TexturesUV,
    *,
    texture_index: int = 0,
    radius: float = 1,
    color: Any = (1.0, 0.0, 0.0),
    subsample: int | None = 10000,
    origin: str = "upper",
) -> None:
    """Draws the picture of a mesh into matplotlib's current axes, with a circle around each of its texture coordinates, those beyond the picture, too.

    Args:
        texture: textures with one picture for each mesh.
        texture_index: which mesh.
        radius: texels.
        color: any of matplotlib's.
        subsample: that many of them at most, chosen by chance; None for all.
        origin: "upper" or "lower", as of matplotlib's ``imshow``.

    Raises:
        RuntimeError: without matplotlib.
    """
    picture, centers = _picture_and_centers("texturesuv_image_matplotlib", texture, texture_index, radius, subsample)
    if origin not in ("upper", "lower"):
        raise ValueError(f"texturesuv_image_matplotlib: origin must be 'upper' or 'lower', got {origin!r}")
    try:
        import matplotlib.pyplot as plt
        from matplotlib.patches import Circle
    except ImportError as error:
        raise RuntimeError("texturesuv_image_matplotlib draws with matplotlib, which is not installed: pip install 'taichi_softras[plot]'") from error
    axes = plt.gca()
    axes.imshow(picture, origin=origin)  # type: ignore[arg-type]  # it has been checked
    for x, y in centers:
        axes.add_patch(Circle((x, y), radius, color=color, clip_on=False))


def texturesuv_image_PIL(  # noqa: N802 - PyTorch3D's name
    texture: TexturesUV, *, texture_index: int = 0, radius: float = 1, color: Any = "red", subsample: int | None = 10000
) -> Image.Image:
    """The same as a picture of Pillow's, of which ``color`` may be any. Values of the texture beyond [0, 1] are cut off."""
    picture, centers = _picture_and_centers("texturesuv_image_PIL", texture, texture_index, radius, subsample)
    image = Image.fromarray((255 * picture.clip(0, 1)).astype(np.uint8).squeeze())
    draw = ImageDraw.Draw(image)
    for x, y in centers:
        draw.ellipse([(x - radius, y - radius), (x + radius, y + radius)], fill=color)
    return image


def _picture_and_centers(op: str, texture: Any, index: int, radius: float, subsample: int | None) -> tuple[np.ndarray, list[list[float]]]:
    """[H, W, C], and columns and rows of the circles."""
    if not hasattr(texture, "centers_for_image"):
        raise TypeError(f"{op}: texture must be TexturesUV, got {type(texture).__name__}")
    check_integer(op, "texture_index", index, 0, len(texture) - 1)
    check_number(op, "radius", radius, 0.0)
    centers = texture.centers_for_image(index).numpy()
    if subsample is not None:
        check_integer(op, "subsample", subsample, 0, MOST)
        if len(centers) > subsample:
            centers = centers[np.random.default_rng().choice(len(centers), subsample, replace=False)]
    return texture.maps_list()[index].detach().cpu().numpy(), centers.tolist()
