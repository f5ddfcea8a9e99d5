"""Training on pictures alone: every object is seen twice, reconstructed from each of the two, and each result drawn through both cameras."""

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

import taichi_softras as tsr
from demos.training import Run, Schedule, check_same, descend, read_state
from taichi_softras.interop import losses, render

from .data import Batch, ShapeData, cameras
from .network import NetworkOptions, Reconstructor

__all__ = ["Losses", "TrainOptions", "train"]


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Schedule):
    """How it is trained; the defaults are the released recipe's, and the colour weight is ours.

    Attributes:
        cutoff: coverage that counts as none (the released dist_eps).
        laplacian, flatten, area, color: weights of these losses beside the silhouettes' (there is no area in the released recipe).
        augment: see :meth:`.data.ShapeData.batch`.
        cosine: the rate falls to 0 along half a wave instead.
    """

    steps: int = 250_000
    batch: int = 64
    cutoff: float = 1e-10
    laplacian: float = 5e-3
    flatten: float = 5e-4
    area: float = 0.0
    color: float = 2.0
    cosine: bool = False
    augment: bool = False

    def rate_at(self, step: int) -> float:
        return self.rate * (0.5 + 0.5 * math.cos(math.pi * step / self.steps)) if self.cosine else super().rate_at(step)


class Losses:
    """L = L_s + color L_c + laplacian L_l + flatten L_f + area L_a: one minus the IoU of silhouettes, L1 of colours, smoothness of the mesh, its area."""

    def __init__(self, options: TrainOptions, faces: np.ndarray, n_vertices: int) -> None:
        self.options, self.faces, self.n_vertices = options, faces, n_vertices
        self.connectivity: dict[int, tsr.Connectivity] = {}

    def __call__(self, vertices: torch.Tensor, colors: torch.Tensor | None, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        """The total and its parts, each a mean over objects and views."""
        options, n_meshes = self.options, len(vertices)
        first, second = np.split(batch.views, 2)
        # meshes [of first views, of second ones] seen by the first cameras, then the same meshes by the second ones
        camera = cameras(np.concatenate([first, first, second, second]))
        seen = torch.cat([half for half in batch.images.chunk(2) for _ in range(2)])
        settings = tsr.RasterizeSettings(
            sigma=options.sigma_at(step), cutoff=options.cutoff, texture=tsr.Texture.VERTEX if colors is None else tsr.Texture.FACE
        )
        texels = None if colors is None else colors.repeat(2, 1, 1).reshape(-1, 3)
        image = render(vertices.repeat(2, 1, 1), self.triangles(vertices), camera, texels, settings=settings, image_size=tuple(seen.shape[-2:]))
        parts = {"silhouette": losses.silhouette_iou(image.alpha, seen[:, 3].contiguous())}
        flat, connectivity = vertices.reshape(-1, 3), self.connectivity_of(n_meshes)
        parts["laplacian"] = options.laplacian / n_meshes * losses.laplacian(flat, connectivity)
        parts["flatten"] = options.flatten / n_meshes * losses.flatten(flat, connectivity)
        if options.area:
            parts["area"] = options.area * surface_area(vertices, self.triangles(vertices)).mean()
        if colors is not None:
            parts["color"] = options.color * losses.color_l1(image.color, seen[:, :3].permute(0, 2, 3, 1).contiguous())
        return {"total": sum(parts.values(), torch.zeros((), dtype=vertices.dtype, device=vertices.device)), **parts}

    def triangles(self, vertices: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.faces).to(vertices.device)

    def connectivity_of(self, n_meshes: int) -> tsr.Connectivity:
        if n_meshes not in self.connectivity:
            faces = self.faces[None] + self.n_vertices * np.arange(n_meshes)[:, None, None]
            self.connectivity[n_meshes] = tsr.Connectivity.of(faces.reshape(-1, 3), n_meshes * self.n_vertices)
        return self.connectivity[n_meshes]


def surface_area(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B] of meshes [B, V, 3].

    All views look down by 30 degrees: their silhouettes cannot tell a flat roof, or floor, from a tent. The one with the smaller surface is the flat one.
    """
    corners = vertices[:, faces.long()]
    normals = torch.linalg.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
    return 0.5 * torch.sqrt((normals**2).sum(-1) + 1e-12).sum(1)


class Processes:
    """This process among those that ``torchrun`` started, or alone."""

    def __init__(self, device: str) -> None:
        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if device == "cuda" and self.count > 1:  # Taichi takes the first GPU that it sees: let it see its own one alone
            visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(int(os.environ["LOCAL_WORLD_SIZE"]))))
            os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[int(os.environ["LOCAL_RANK"])]
        if self.count > 1:
            distributed.init_process_group("nccl" if device == "cuda" else "gloo")

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def wrapped(self, model: nn.Module, device: str) -> nn.Module:
        if self.count == 1:
            return model
        return DistributedDataParallel(nn.SyncBatchNorm.convert_sync_batchnorm(model) if device == "cuda" else model)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        if self.count > 1:
            distributed.all_reduce(values)
        return values / self.count

    def any(self, here: bool) -> bool:
        """Whether it is so in any process."""
        return bool(self.mean(torch.tensor(float(here), device="cuda" if distributed_on_cuda() else "cpu")) > 0) if self.count > 1 else here

    def finish(self) -> None:
        if self.count > 1:
            distributed.destroy_process_group()


def distributed_on_cuda() -> bool:
    return distributed.is_initialized() and distributed.get_backend() == "nccl"


def train(
    data: ShapeData,
    folder: Path,
    network: NetworkOptions,
    options: TrainOptions,
    *,
    device: str = "cpu",
    save_every: int = 200,
    stop_after: int | None = None,
    begin_with: Path | None = None,
) -> bool:
    """Trains, or goes on where ``folder/state.pt`` ends; False if Ctrl-C (or ``stop_after`` steps) came before the end.

    ``begin_with`` is the folder of another training, whose weights are the first ones; schedule and optimiser begin anew. If it had no colours, their
    generator's weights are new.

    Several processes, started by ``torchrun``, share each batch; gradients are their mean. The state is written every ``save_every`` steps, whole or not at
    all: after a kill the same command repeats what came after it, with the same batches.

    Raises:
        ValueError: if the state there belongs to other options or classes, or the batch cannot be shared evenly.
    """
    processes = Processes(device)
    if options.batch % processes.count:
        raise ValueError(f"train: batch must be a multiple of the {processes.count} processes, got {options.batch}")
    torch.manual_seed(options.seed)
    model = Reconstructor(network).to(device)
    optimizer = torch.optim.Adam(model.parameters(), options.rate, fused=True)
    described = {"network": asdict(network), "train": asdict(options), "classes": list(data.classes), "pictures": data.images.shape[-1]}
    run = Run(folder, options.steps, described, {"model": model, "optimizer": optimizer})
    if not run.load() and begin_with is not None:
        earlier = read_state(begin_with / "state.pt")
        both_colored = network.palette and earlier["network"]["palette"]
        check_same(begin_with, {"network": asdict(network)}, earlier, () if both_colored else ("palette", "embedding"))
        known = {name: value for name, value in earlier["model"].items() if network.palette or not name.startswith("color.")}
        if network.palette and not earlier["network"]["palette"]:
            known |= {name: value for name, value in model.state_dict().items() if name.startswith("color.")}
        model.load_state_dict(known)
    wrapped, objective = processes.wrapped(model, device), Losses(options, model.faces, model.n_vertices)

    def advance(step: int) -> dict[str, torch.Tensor]:
        batch = data.batch(options.batch, step, options.seed, (processes.rank, processes.count), options.augment)
        batch = Batch(batch.images.to(device), batch.views)
        parts = objective(*wrapped(batch.images), batch, step)
        descend(optimizer, parts["total"], options.rate_at(step), options.clip)
        return dict(zip(parts, processes.mean(torch.stack([part.detach() for part in parts.values()])), strict=True))

    model.train()
    try:
        if not run.go(advance, save_every=save_every, stop_after=stop_after, writes=processes.is_first, agreed=processes.any):
            return False
    finally:
        processes.finish()
    if processes.is_first:
        run.note_end()
    return True
