"""The template fitted straight to the pictures of each object, from all sides and without a network: what the pictures alone tell of a shape."""

from dataclasses import replace

import numpy as np
import torch
from tqdm import tqdm

from taichi_softras.engine.voxels import voxel_iou

from .data import VIEWS, Batch, ShapeData
from .evaluation import voxels_of
from .network import NetworkOptions, Reconstructor
from .training import Losses, TrainOptions

__all__ = ["fit", "fitted_iou"]

RATE = 0.05


def fit(data: ShapeData, objects: np.ndarray, network: NetworkOptions, options: TrainOptions) -> tuple[torch.Tensor, np.ndarray]:
    """Vertices [N, V, 3] and faces of the template after ``options.steps`` steps, each with two random views of every object; the losses are the training's."""
    model = Reconstructor(replace(network, palette=0))
    objective = Losses(options, model.faces, model.n_vertices)
    bias = torch.zeros(len(objects), model.n_vertices, 3, requires_grad=True)
    centroid = torch.zeros(len(objects), 3, requires_grad=True)
    optimizer, random = torch.optim.Adam([bias, centroid], RATE), np.random.default_rng(options.seed)
    for step in tqdm(range(options.steps), desc="fit", leave=False, mininterval=1):
        optimizer.param_groups[0]["lr"] = RATE * options.late(step)
        views = random.integers(0, VIEWS, 2 * len(objects))
        batch = Batch(data.pictures(np.tile(objects, 2), views), views)
        vertices = model.shape.placed(bias, torch.tanh(centroid))
        optimizer.zero_grad()
        objective(vertices.repeat(2, 1, 1), None, batch, step)["total"].backward()
        optimizer.step()
    with torch.no_grad():
        return model.shape.placed(bias, torch.tanh(centroid)), model.faces


def fitted_iou(data: ShapeData, per_class: int, network: NetworkOptions, options: TrainOptions) -> tuple[dict[str, float], dict[str, float]]:
    """For each class the mean IoU of its first objects, and the fitted voxels' number over the true ones'."""
    iou, size = {}, {}
    for name in data.classes:
        objects = data.objects(name)[:per_class]
        voxels, truth = voxels_of(*fit(data, objects, network, options)), data.voxels[objects]
        iou[name], size[name] = float(voxel_iou(voxels, truth).mean()), float(voxels.sum() / truth.sum())
    return iou, size
