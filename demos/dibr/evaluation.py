"""How well shape, texture and light of unseen objects are found, beside guesses that look at no picture, or hardly."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree
from tqdm import tqdm

import taichi_softras as tsr
from demos.reconstruction.data import VIEWS, ShapeData, cameras
from demos.reconstruction.evaluation import best_cut, voxel_mesh, voxels_of
from demos.training import smoothed
from taichi_softras.engine.voxels import voxel_iou
from taichi_softras.interop.lighting import AmbientLight, DirectionalLight, SphericalHarmonics, shade
from taichi_softras.recover import render_views, save_picture
from taichi_softras.recover.metrics import silhouette_iou, surface_points

from .data import AMBIENT, DIFFUSE, POINTS, Truth
from .network import Found, Reconstructor
from .surface import DrawOptions, Surface, Way, light_direction

__all__ = ["COLUMNS", "Judge", "angles", "baselines", "f_score", "judge_model", "markdown", "save_curves", "save_sheet", "texture_l1"]

TOLERANCE = 0.02  # of the F-score; the longest side of an object is 1
AT_ONCE = 48
OTHER_SIDES = (8, 16)  # views after the given one: turned by 120 and 240 degrees
CRISP = 1e-6  # sigma of pictures that are measured or looked at
DIGITS = {"IoU 3D": 4, "F-score": 1, "IoU same side": 4, "IoU other sides": 4, "texture L1 same side": 4, "texture L1 other sides": 4, "light angle": 1}
COLUMNS = tuple(DIGITS)

Row = dict[str, dict[str, float]]  # measure, class


def f_score(found: np.ndarray, true: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """Percent: the harmonic mean of the shares of the points [N, 3] of either surface that have one of the other within the tolerance."""
    shares = [float((cKDTree(other).query(points)[0] <= tolerance).mean()) for points, other in ((found, true), (true, found))]
    return 0.0 if sum(shares) == 0 else 200 * shares[0] * shares[1] / sum(shares)


def angles(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """[B] degrees between directions [B, 3] of any length."""
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(found, true), axis=-1), (found * true).sum(-1)))


def straight(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """[..., H, W, 3] of colours over black."""
    return color / np.maximum(alpha, 1e-6)[..., None]


def texture_l1(found: np.ndarray, true: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """[B] the mean absolute difference of colours [B, H, W, 3] over the pixels [B, H, W] that count; NaN where none does."""
    counts = covered.sum((1, 2))
    return np.where(counts > 0, (np.abs(found - true).mean(-1) * covered).sum((1, 2)) / np.maximum(counts, 1), np.nan)


class Judge:
    """The unseen objects of a split, and what is true of them.

    Args:
        folder: the data.
        split: which of them.
        classes: of the training.
        image_size: of the pictures that the network is given; judged are pictures of 64 x 64.
        views: how many of the 24 pictures of each object are given, evenly spaced.
    """

    def __init__(self, folder: Path, split: str, classes: Sequence[str], image_size: int, views: int = VIEWS) -> None:
        self.given = ShapeData.load(folder, split, classes, image_size)
        self.full = ShapeData.load(folder, split, classes)
        self.truth = Truth.load(folder, split, classes)
        self.views = np.arange(views) * VIEWS // views

    @property
    def classes(self) -> tuple[str, ...]:
        return self.given.classes

    def pairs(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Objects of a class, and views of them: [N] and [N]."""
        objects, views = np.meshgrid(self.given.objects(name), self.views, indexing="ij")
        return objects.ravel(), views.ravel()

    def unlit(self, objects: np.ndarray, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """True colours without light [B, 64, 64, 3], not over black, and coverage [B, 64, 64]."""
        alpha = self.full.images[objects, views, 3].astype(np.float32) / 255
        return straight(self.truth.albedo[objects, views].transpose(0, 2, 3, 1).astype(np.float32) / 255, alpha), alpha


def drawn(surface: Surface, found: Found, views: np.ndarray, size: int, lit: bool = False, samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Colours over black [B, S, S, 3] and coverage [B, S, S] of what was found, with sharp edges. Light is that of ``found``, in each camera's own space."""
    options = DrawOptions(way=Way.DIBR, image_size=size * samples, sigma=CRISP)
    with torch.no_grad():
        image = surface(found.vertices, found.texture, found.light if lit else None, cameras(views), options)
    rgba = torch.cat([image.color.clamp(0, 1), (image.alpha > 0.5).float()[..., None]], -1)
    rgba = rgba.unflatten(1, (size, samples)).unflatten(3, (size, samples)).mean((2, 4)).numpy()
    return rgba[..., :3], rgba[..., 3]


def reconstruct(model: Reconstructor, images: torch.Tensor) -> Found:
    with torch.no_grad():
        return Found(*(part.cpu() for part in model(images.to(next(model.parameters()).device))))


def judge_model(model: Reconstructor, judge: Judge, train: Truth | None = None, train_data: ShapeData | None = None) -> dict[str, Row]:
    """What a network reaches ("network"), and, over the same pixels, colours that were not learnt.

    "the picture's mean colour" and "the picture itself" are made brighter by what the light takes away in the mean (known from the training objects' truth, as
    is "mean colour" of a class): rows that are there if ``train`` and ``train_data`` are given.
    """
    surface = model.surface.cpu()
    rows: dict[str, Row] = {"network": {name: {} for name in COLUMNS}}
    guesses = {} if train is None or train_data is None else mean_colors(train, train_data)
    for name in judge.classes:
        objects, views = judge.pairs(name)
        measured: dict[tuple[str, str], list] = {}

        def note(row: str, column: str, values: np.ndarray, measured: dict = measured) -> None:
            measured.setdefault((row, column), []).append(np.atleast_1d(values))

        for start in tqdm(range(0, len(objects), AT_ONCE), desc=name, leave=False, mininterval=1):
            some, seen = objects[start : start + AT_ONCE], views[start : start + AT_ONCE]
            found = reconstruct(model, judge.given.pictures(some, seen))
            note("network", "IoU 3D", voxel_iou(voxels_of(found.vertices, surface.faces), judge.full.voxels[some]))
            note("network", "light angle", angles(light_direction(found.light).numpy(), judge.truth.lights[some, seen]))
            meshes = (tsr.Mesh(vertices=vertices, faces=surface.faces) for vertices in found.vertices.numpy())
            pairs = zip(meshes, judge.truth.points[some], strict=True)
            note("network", "F-score", np.array([f_score(surface_points(mesh, POINTS), points) for mesh, points in pairs]))
            for turn in (0, *OTHER_SIDES):
                side, which = "same side" if turn == 0 else "other sides", (seen + turn) % VIEWS
                color, alpha = drawn(surface, found, which, judge.full.images.shape[-1])
                true, true_alpha = judge.unlit(some, which)
                note("network", f"IoU {side}", silhouette_iou(alpha, true_alpha))
                both = (alpha > 0.5) & (true_alpha > 0.5)
                note("network", f"texture L1 {side}", texture_l1(straight(color, alpha), true, both))
                if guesses:
                    picture = judge.full.pictures(some, seen).numpy().transpose(0, 2, 3, 1)
                    mean = picture[..., :3].sum((1, 2)) / picture[..., 3].sum((1, 2))[:, None] / guesses["shading"]
                    note("mean colour", f"texture L1 {side}", texture_l1(guesses[name] + 0 * true, true, both))
                    note("the picture's mean colour", f"texture L1 {side}", texture_l1(mean[:, None, None].clip(0, 1) + 0 * true, true, both))
                    if turn == 0:
                        itself = (straight(picture[..., :3], picture[..., 3]) / guesses["shading"]).clip(0, 1)
                        note("the picture itself", f"texture L1 {side}", texture_l1(itself, true, both))
        for (row, column), values in measured.items():
            rows.setdefault(row, {}).setdefault(column, {})[name] = float(np.nanmean(np.concatenate(values)))
    return rows


def mean_colors(train: Truth, data: ShapeData) -> dict[str, np.ndarray]:
    """[3] the mean colour of each class's training objects without light, and "shading", how bright lit ones are beside it."""
    result, lit, unlit = {}, 0.0, 0.0
    for name in data.classes:
        objects = data.objects(name)
        albedo = train.albedo[objects].sum((0, 1, 3, 4), dtype=np.float64)
        result[name] = albedo / (train.albedo[objects].max(2) > 0).sum()
        lit += data.images[objects, :, :3].mean(dtype=np.float64) * len(objects)
        unlit += train.albedo[objects].mean(dtype=np.float64) * len(objects)
    return {name: color / 255 for name, color in result.items()} | {"shading": np.float64(lit / unlit)}


def baselines(judge: Judge, train_data: ShapeData, train: Truth) -> dict[str, Row]:
    """Guesses that look at no picture: a class's mean voxels, and the mean direction of light."""
    shape: Row = {name: {} for name in ("IoU 3D", "F-score", "IoU same side", "IoU other sides")}
    mean_light, light = train.lights.reshape(-1, 3).mean(0), {}
    for name in judge.classes:
        objects = judge.full.objects(name)
        shape["IoU 3D"][name], mean = best_cut(train_data.voxels[train_data.objects(name)].mean(0), judge.full.voxels[objects])
        mesh = voxel_mesh(mean)
        points = surface_points(mesh, POINTS)
        shape["F-score"][name] = float(np.mean([f_score(points, own) for own in judge.truth.points[objects]]))
        size = judge.full.images.shape[-1]
        alpha = render_views(mesh, cameras(np.arange(VIEWS)), (size, size), ("",) * VIEWS, samples=1).alpha
        true = judge.full.images[objects, :, 3].reshape(-1, size, size) / 255
        iou = silhouette_iou(np.tile(alpha, (len(objects), 1, 1)), true).reshape(len(objects), VIEWS)
        shape["IoU same side"][name] = float(iou[:, judge.views].mean())
        shape["IoU other sides"][name] = float(np.mean([iou[:, (judge.views + turn) % VIEWS].mean() for turn in OTHER_SIDES]))
        some, seen = judge.pairs(name)
        light[name] = float(angles(np.broadcast_to(mean_light, (len(some), 3)), judge.truth.lights[some, seen]).mean())
    return {"mean shape": shape, "mean light": {"light angle": light}}


def markdown(rows: Mapping[str, Row], of_class: str | None = None) -> str:
    """A table: a row for each method, a column for each measure; of one class, or the mean over classes."""
    lines = ["| | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, row in rows.items():
        cells = []
        for column in COLUMNS:
            values = row.get(column) or {}
            value = None if not values else values[of_class] if of_class else sum(values.values()) / len(values)
            cells.append("" if value is None else f"{value:.{DIGITS[column]}f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


# -------------------------------------------------------------------------------------------------------------------------- the pictures


def ball(light: Any, size: int) -> np.ndarray:
    """[size, size, 3]: a white ball under the light, before white."""
    line = (torch.arange(size) + 0.5) / size * 2.5 - 1.25
    x, y = line.expand(size, size), -line[:, None].expand(size, size)
    inside = x * x + y * y < 1
    normals = torch.stack([x, y, (1 - x * x - y * y).clamp_min(0).sqrt()], -1)[inside]
    picture = torch.ones(size, size, 3)
    picture[inside] = shade(torch.ones_like(normals), normals, lights=light).clamp(0, 1)
    return picture.numpy()


def on_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return (color + 1 - alpha[..., None]).clip(0, 1)


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """[height, width, 3], of whole pixels."""
    rows, columns = np.arange(height) * picture.shape[0] // height, np.arange(width) * picture.shape[1] // width
    return picture[rows][:, columns]


def save_sheet(path: Path, model: Reconstructor, judge: Judge, per_class: int = 2, size: int = 96, seed: int = 0) -> None:
    """Some objects of each class, drawn by chance, one a row.

    The picture given; what was found, under the light that was found: from the same side, and turned by 120 and 240 degrees; without light, the truth and
    what was found: from the same side, and turned by 120 degrees; a white ball under the true lamp, and under the light that was found; the texture.
    """
    random, rows = np.random.default_rng(seed), []
    for name in judge.classes:
        numbers = judge.given.objects(name)
        for number in random.choice(numbers, min(per_class, len(numbers)), replace=False):
            view = int(random.integers(VIEWS))
            image = judge.given.pictures(np.array([number]), np.array([view]))
            found, sides = reconstruct(model, image), [(view + turn) % VIEWS for turn in (0, *OTHER_SIDES)]
            again = Found(*(part.expand(len(sides), *part.shape[1:]).contiguous() for part in found))
            lit, plain = (on_white(*drawn(model.surface, again, np.array(sides), size, lit=how, samples=2)) for how in (True, False))
            color, alpha = judge.unlit(np.array([number] * 2), np.array(sides[:2]))
            true = [resized(on_white(c * a[..., None], a), size, size) for c, a in zip(color, alpha, strict=True)]
            given = on_white(image[0, :3].permute(1, 2, 0).numpy(), image[0, 3].numpy())
            true_light = [AmbientLight(color=(AMBIENT,) * 3), DirectionalLight(direction=judge.truth.lights[number, view], color=(DIFFUSE,) * 3)]
            balls = [ball(light, size) for light in (true_light, SphericalHarmonics(coefficients=found.light[0]))]
            texture = resized(found.texture[0].permute(1, 2, 0).numpy(), size - 8, 2 * (size - 8))
            texture = np.pad(texture, ((4, 4), (8, 8), (0, 0)), constant_values=1.0)
            rows.append(np.concatenate([resized(given, size, size), *lit, true[0], plain[0], true[1], plain[1], *balls, texture], 1))
    save_picture(path, np.concatenate(rows))


def save_curves(path: Path, losses: np.ndarray, names: Sequence[str]) -> None:
    """Losses of a training [steps, parts], smoothed over a hundred steps. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(names), figsize=(4.5 * len(names), 3.2), layout="constrained")
    for (axis, name), curve in zip(zip(np.atleast_1d(axes), names, strict=True), losses.T, strict=True):
        axis.plot(smoothed(curve, 100), linewidth=1)
        axis.set(xlabel="step", ylabel=name)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
