"""What is drawn over the viewer's pictures: heat colours, edges, a plot of the loss, lines of text."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..scene import Camera

__all__ = ["draw_edges", "draw_plot", "draw_text", "enlarge", "heat"]

_HEAT = np.array([[0.05, 0.03, 0.25], [0.33, 0.07, 0.50], [0.71, 0.21, 0.47], [0.95, 0.43, 0.33], [1.0, 0.72, 0.38], [1.0, 0.98, 0.75]])
EDGE_COLOR = np.array([0.05, 0.06, 0.08])
EDGE_OPACITY = 0.65
LONGEST_EDGE = 2048  # samples
FONT_SIZE = 13


def heat(values: np.ndarray) -> np.ndarray:
    """Colours [..., 3] of numbers in [0, 1]: dark blue over red to light yellow."""
    anchors = np.linspace(0, 1, len(_HEAT))
    return np.stack([np.interp(values, anchors, channel) for channel in _HEAT.T], -1)


def draw_edges(picture: np.ndarray, edges: np.ndarray, vertices: np.ndarray, camera: Camera, depth: np.ndarray, tolerance: float) -> None:
    """Darkens the pixels of a picture [H, W, 3] along edges [E, 2] that no surface hides.

    Args:
        vertices: [V, 3] world.
        camera: one perspective camera.
        depth: [H, W] of the surface that is seen.
        tolerance: how far behind it an edge is still seen, world units.
    """
    height, width = depth.shape
    column, row, z = _on_pixels(vertices, camera, height, width)
    a, b = edges.T
    whole = (z[a] > tolerance) & (z[b] > tolerance)  # an edge that crosses the eye's plane is left out
    a, b = a[whole], b[whole]
    length = np.maximum(np.abs(column[a] - column[b]), np.abs(row[a] - row[b]))
    n = np.clip(np.ceil(length), 1, LONGEST_EDGE).astype(int)
    edge = np.repeat(np.arange(len(n)), n)
    t = (np.arange(len(edge)) - np.repeat(np.cumsum(n) - n, n) + 0.5) / n[edge]
    a, b = a[edge], b[edge]
    c, r = np.floor(column[a] + t * (column[b] - column[a])).astype(int), np.floor(row[a] + t * (row[b] - row[a])).astype(int)
    along = 1 / (1 / z[a] + t * (1 / z[b] - 1 / z[a]))  # depth is linear in its inverse on the screen
    inside = (c >= 0) & (c < width) & (r >= 0) & (r < height)
    c, r, along = c[inside], r[inside], along[inside]
    seen = along <= depth[r, c] + tolerance
    pixels = np.unique(r[seen] * width + c[seen])
    flat = picture.reshape(-1, 3)
    flat[pixels] += EDGE_OPACITY * (EDGE_COLOR - flat[pixels])


def _on_pixels(vertices: np.ndarray, camera: Camera, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns and rows (the first pixel's centre is 0.5), and depths."""
    in_camera = vertices @ camera.camera_from_world[0, :, :3].T + camera.camera_from_world[0, :, 3]
    z = -in_camera[:, 2]
    fx, fy, cx, cy = camera.intrinsics[0]
    safe = np.where(np.abs(z) > 1e-12, z, 1e-12)
    half = min(height, width) / 2
    return width / 2 + half * (fx * in_camera[:, 0] / safe + cx), height / 2 - half * (fy * in_camera[:, 1] / safe + cy), z


def enlarge(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture of numbers in [0, 1] as [height, width, 3] uint8, made larger or smaller."""
    image = Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8))
    if image.size == (width, height):
        return np.array(image)
    return np.array(image.resize((width, height), Image.Resampling.BOX if image.width > width else Image.Resampling.BICUBIC))


def draw_text(picture: np.ndarray, lines: Sequence[str], *, left: int = 12, top: int = 10) -> np.ndarray:
    """The picture [H, W, 3] uint8 with lines of text on a dark plate."""
    image = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(image, "RGBA"), ImageFont.load_default(FONT_SIZE)
    text, spacing = "\n".join(lines), 5
    box = draw.multiline_textbbox((left, top), text, font=font, spacing=spacing)
    draw.rounded_rectangle((box[0] - 7, box[1] - 6, box[2] + 7, box[3] + 6), 5, fill=(10, 11, 14, 170))
    draw.multiline_text((left, top), text, font=font, spacing=spacing, fill=(225, 228, 232, 255))
    return np.array(image)


def draw_plot(picture: np.ndarray, losses: Sequence[float], title: str) -> np.ndarray:
    """The picture [H, W, 3] uint8 with a curve of the losses in its lower left corner, on a logarithmic scale."""
    height, width = picture.shape[:2]
    w, h = min(300, max(width // 3, 180), width - 24), min(120, height // 4)
    if len(losses) == 0 or w < 60 or h < 40:
        return picture
    image = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(image, "RGBA"), ImageFont.load_default(FONT_SIZE)
    left, top = 12, height - h - 12
    draw.rounded_rectangle((left, top, left + w, top + h), 5, fill=(10, 11, 14, 185))
    draw.text((left + 8, top + 5), f"{title}  {len(losses)}: {losses[-1]:.4g}", font=font, fill=(225, 228, 232, 255))
    values = np.log(np.maximum(np.asarray(losses, np.float64), 1e-12))
    if len(values) > w:  # the mean of what shares a column
        values = np.array([part.mean() for part in np.array_split(values, w)])
    low, high = float(values.min()), float(values.max())
    x = left + 8 + np.linspace(0, 1, len(values)) * (w - 16)
    y = top + h - 8 - (values - low) / max(high - low, 1e-9) * (h - 36)
    draw.line([*zip(x.tolist(), y.tolist(), strict=True)] if len(values) > 1 else [(x[0], y[0]), (x[0] + 2, y[0])], fill=(255, 176, 66, 255), width=2)
    return np.array(image)
