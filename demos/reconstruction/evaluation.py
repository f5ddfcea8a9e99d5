"""How well unseen objects are reconstructed: 3D IoU on 32^3 voxels per class, over every view of every object, as in the paper's table."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.engine.voxels import voxel_iou
from taichi_softras.recover import render_views, save_picture

from .data import VIEWS, ShapeData, cameras, solid_voxels
from .network import Reconstructor

__all__ = ["best_cut", "evaluate_model", "markdown", "mean_shape", "reconstruct", "retrieval", "save_sheet", "voxel_mesh", "voxels_of"]

AT_ONCE = 96


def reconstruct(model: Reconstructor, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Vertices [B, V, 3] and colours [B, F, 3] of pictures [B, 4, S, S]."""
    with torch.no_grad():
        vertices, colors = model(images.to(next(model.parameters()).device))
    return vertices.cpu(), None if colors is None else colors.cpu()


def voxels_of(vertices: torch.Tensor, faces: np.ndarray) -> np.ndarray:
    corners = vertices[:, torch.from_numpy(faces).long()].reshape(-1, 3, 3).contiguous()
    return solid_voxels(corners, np.repeat(np.arange(len(vertices), dtype=np.int32), len(faces)), len(vertices))


def evaluate_model(model: Reconstructor, data: ShapeData, views: int = VIEWS) -> dict[str, float]:
    """Mean IoU of each class, from every view (or from ``views`` of them, evenly spaced)."""
    chosen = np.arange(views) * VIEWS // views
    result = {}
    for name in data.classes:
        objects, seen = (grid.ravel() for grid in np.meshgrid(data.objects(name), chosen, indexing="ij"))
        ious = []
        for start in tqdm(range(0, len(objects), AT_ONCE), desc=name, leave=False, mininterval=1):
            some = slice(start, start + AT_ONCE)
            vertices, _ = reconstruct(model, data.pictures(objects[some], seen[some]))
            ious.append(voxel_iou(voxels_of(vertices, model.faces), data.voxels[objects[some]]))
        result[name] = float(np.concatenate(ious).mean())
    return result


def mean_shape(train: ShapeData, test: ShapeData) -> dict[str, float]:
    """The baseline that looks at no picture: the mean of a class's training voxels, cut at the threshold that is best *on the test objects*."""
    result = {}
    for name in test.classes:
        result[name], _ = best_cut(train.voxels[train.objects(name)].mean(0), test.voxels[test.objects(name)])
    return result


def best_cut(mean: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray]:
    """(the mean IoU with ``truth`` [N, ...], the voxels) of mean voxels that are cut at the best threshold."""
    cuts = np.unique(np.r_[np.linspace(0.05, 0.95, 37), 0.0])
    ious = [float(voxel_iou(np.broadcast_to(mean > cut, truth.shape), truth).mean()) for cut in cuts]
    return max(ious), mean > cuts[int(np.argmax(ious))]


def retrieval(train: ShapeData, test: ShapeData, views: int = VIEWS) -> dict[str, float]:
    """The baseline that remembers: the voxels of that training object of the same class one of whose silhouettes, from any side, is the nearest (L2)."""

    def silhouettes(data: ShapeData, objects: np.ndarray, seen: np.ndarray) -> torch.Tensor:
        alpha = torch.from_numpy(data.images[objects, seen, 3].astype(np.float32) / 255)
        factor = max(1, alpha.shape[-1] // 32)
        return torch.nn.functional.avg_pool2d(alpha[:, None], factor).flatten(1)

    chosen = np.arange(views) * VIEWS // views
    result = {}
    for name in test.classes:
        known, from_where = (grid.ravel() for grid in np.meshgrid(train.objects(name), np.arange(VIEWS), indexing="ij"))
        asked, seen = (grid.ravel() for grid in np.meshgrid(test.objects(name), chosen, indexing="ij"))
        memory, question = silhouettes(train, known, from_where), silhouettes(test, asked, seen)
        squares = (memory**2).sum(1)
        nearest = torch.cat([(squares - 2 * some @ memory.T).argmin(1) for some in question.split(256)]).numpy()
        result[name] = float(voxel_iou(train.voxels[known[nearest]], test.voxels[asked]).mean())
    return result


def markdown(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A table: a row for each method, a column for each class, and the mean over classes."""
    classes = list(next(iter(rows.values())))
    lines = ["| | " + " | ".join([*classes, "mean"]) + " |", "|---" * (len(classes) + 2) + "|"]
    for name, row in rows.items():
        cells = [*row.values(), sum(row.values()) / len(row)]
        lines.append(f"| {name} | " + " | ".join(f"{cell:.4f}" for cell in cells) + " |")
    return "\n".join(lines)


def shaded_faces(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray | None) -> tsr.Mesh:
    """Every face with vertices of its own; without colours grey, as if lit from above."""
    corners = vertices[faces]
    if colors is None:
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        colors = np.repeat((0.3 + 0.6 * np.clip(0.4 + 0.6 * normals @ [0.35, 0.8, 0.48], 0, 1))[:, None], 3, 1)
    return tsr.Mesh(vertices=corners.reshape(-1, 3), faces=np.arange(3 * len(faces)).reshape(-1, 3), colors=np.repeat(colors, 3, 0))


def voxel_mesh(voxels: np.ndarray) -> tsr.Mesh:
    """The outer sides of voxels [32, 32, 32] in the published order, as a mesh in the world."""
    solid = np.pad(voxels.transpose(1, 0, 2), 1)
    corners = []
    for axis in range(3):
        for sign in (-1, 1):
            at = np.argwhere(solid & ~np.roll(solid, -sign, axis)) - 1.0
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            origin = at + (np.eye(3)[axis] if sign > 0 else 0)
            first, second = (u, v) if sign > 0 else (v, u)
            quad = np.stack([origin, origin + first, origin + first + second, origin + second], 1)
            corners += [quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]]
    n = voxels.shape[0]
    world = (np.concatenate(corners) / n - 0.5) * n / (n - 1)
    return shaded_faces(world.reshape(-1, 3), np.arange(3 * len(world)).reshape(-1, 3), None)


def save_sheet(path: Path, models: Mapping[str, Reconstructor], data: ShapeData, per_class: int = 2, size: int = 96, seed: int = 0) -> None:
    """Some objects of each class, one a row: the picture; for each model its result from the same side and another, and coloured; the true voxels."""
    random = np.random.default_rng(seed)

    def drawn(mesh: tsr.Mesh, view: int) -> np.ndarray:
        return render_views(mesh, cameras(np.array([view])), (size, size), ("",), samples=2).over_white()[0]

    rows = []
    for name in data.classes:
        for number in random.choice(data.objects(name), min(per_class, len(data.objects(name))), replace=False):
            view = int(random.integers(VIEWS))
            other = (view + 8) % VIEWS
            image = data.pictures(np.array([number]), np.array([view]))
            given = (image[0, :3] + 1 - image[0, 3]).permute(1, 2, 0).numpy()
            cells = [resized(given, size)]
            for model in models.values():
                vertices, colors = (None if part is None else part[0].numpy() for part in reconstruct(model, image))
                cells += [drawn(shaded_faces(vertices, model.faces, None), side) for side in (view, other)]
                cells += [] if colors is None else [drawn(shaded_faces(vertices, model.faces, colors), side) for side in (view, other)]
            cells.append(drawn(voxel_mesh(data.voxels[number]), other))
            rows.append(np.concatenate(cells, 1))
    save_picture(path, np.concatenate(rows))


def resized(picture: np.ndarray, size: int) -> np.ndarray:
    """[size, size, 3], bilinear."""
    tensor = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(tensor, (size, size), mode="bilinear", align_corners=False)[0].permute(1, 2, 0).numpy().clip(0, 1)
