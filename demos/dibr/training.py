"""Training on pictures (and their cameras) alone: every object is seen twice, under two lamps; what is found in each picture must explain both.

Shape and texture found in one picture are drawn through both cameras, each time under the light that was found in that camera's own picture. So what
changes from lamp to lamp cannot pass for paint.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from demos.reconstruction.data import Batch, ShapeData, cameras
from demos.training import Run, Schedule, descend, read_state
from taichi_softras.interop import losses

from .data import DIFFUSE, MEAN_LAMP
from .network import Found, NetworkOptions, Reconstructor
from .surface import DrawOptions, Surface, Way, linear_part

__all__ = ["PARTS", "TrainOptions", "objective", "train"]

COVERED = 0.999
PARTS = ("total", "silhouette", "color", "laplacian", "flatten", "view", "lamps")


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Schedule):
    """How it is trained; the weights of the losses are DIB-R's.

    Attributes:
        way: "dibr" or "soft", see :class:`Way`.
        silhouette, color, laplacian, flatten: weights of 1 - IoU, L1 of colours, the Laplacian of the moves, and flatness.
        view: weight of the cross entropy of the side that a picture shows.
        lamps: weight of how far the mean lamp of a batch is from the mean of :func:`random_lamps` along the view axis, squared: a lamp guessed nearer to the
            camera is too bright there, and paint would be too dark.
        more_views: pictures in each step, besides the batch's, for the side alone: it needs no drawing.
    """

    steps: int = 100_000
    batch: int = 32
    way: str = Way.DIBR.value
    silhouette: float = 1.0
    color: float = 3.0
    laplacian: float = 1e-2
    flatten: float = 1e-3
    view: float = 0.1
    lamps: float = 1.0
    more_views: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.more_views < 0 or self.more_views % 2:
            raise ValueError(f"TrainOptions: more_views must be even and not negative, got {self.more_views}")
        if self.way not in (names := [way.value for way in Way]):
            raise ValueError(f"TrainOptions: way must be one of {', '.join(names)}, got {self.way!r}")


def objective(surface: Surface, found: Found, batch: Batch, options: TrainOptions, step: int) -> dict[str, torch.Tensor]:
    """The total and its parts, each a mean over objects and views; see PARTS.

    Colours are compared where the object is, and what was found covers it: elsewhere they would only learn how black the background is.
    """
    first, second = np.split(batch.views, 2)
    # what was found in [first pictures, second ones], seen by the first cameras under the first lamps, then all again by the second ones
    camera = cameras(np.concatenate([first, first, second, second]))
    seen = torch.cat([half for half in batch.images.chunk(2) for _ in range(2)])
    light = torch.cat([half for half in found.light.chunk(2) for _ in range(2)])
    draw = DrawOptions(way=Way(options.way), image_size=seen.shape[-1], sigma=options.sigma_at(step))
    mean_lamp = linear_part(found.light, DIFFUSE)[:, 2].mean()
    drawn = surface(found.vertices.repeat(2, 1, 1), found.texture.repeat(2, 1, 1, 1), light, camera, draw)
    alpha = seen[:, 3].contiguous()
    both = alpha * (drawn.alpha.detach() > COVERED)
    color = (seen[:, :3] / alpha[:, None].clamp_min(1e-3)).permute(0, 2, 3, 1).contiguous()
    parts = {
        "silhouette": options.silhouette * losses.silhouette_iou(drawn.alpha, alpha),
        "color": options.color * losses.color_l1(drawn.color, color, both),
        "laplacian": options.laplacian * surface.laplacian(found.vertices),
        "flatten": options.flatten * surface.flatten(found.vertices),
        "view": options.view * F.cross_entropy(found.view, torch.as_tensor(batch.views, device=seen.device)),
        "lamps": options.lamps * (mean_lamp - MEAN_LAMP) ** 2,
    }
    return {"total": sum(parts.values(), torch.zeros((), device=seen.device)), **parts}


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

    ``begin_with`` is the folder of another training, whose weights are the first ones, where names and sizes are the same; schedule and optimiser begin anew.

    The state is written every ``save_every`` steps, whole or not at all; a batch follows from the seed and the number of its step alone. So after a kill the
    same command repeats what came after the last state.

    Raises:
        ValueError: if the state there belongs to other options or classes.
    """
    torch.manual_seed(options.seed)
    model = Reconstructor(network).to(device)
    optimizer = torch.optim.Adam(model.parameters(), options.rate, fused=True)
    described = {"network": asdict(network), "train": asdict(options), "classes": list(data.classes)}
    run = Run(folder, options.steps, described, {"model": model, "optimizer": optimizer})
    if not run.load() and begin_with is not None:
        earlier = read_state(begin_with / "state.pt")
        own = model.state_dict()
        fitting = {name: weights for name, weights in earlier["model"].items() if name in own and weights.shape == own[name].shape}
        model.load_state_dict(own | fitting)
        tqdm.write(f"weights of {begin_with}: {len(fitting)} of {len(own)}; new: {', '.join(sorted(own.keys() - fitting.keys())) or 'none'}", file=sys.stderr)

    def advance(step: int) -> dict[str, torch.Tensor]:
        batch = data.batch(options.batch, step, options.seed)
        batch = Batch(batch.images.to(device), batch.views)
        parts = objective(model.surface, model(batch.images, batch.views), batch, options, step)
        if options.more_views:
            more = data.batch(options.more_views // 2, step, options.seed + 1)
            logits, views = model.view(more.images.to(device)), torch.as_tensor(more.views, device=device)
            parts["total"] = parts["total"] + options.view * F.cross_entropy(logits, views)
        descend(optimizer, parts["total"], options.rate_at(step), options.clip)
        return {name: parts[name] for name in PARTS}

    model.train()
    if not run.go(advance, save_every=save_every, stop_after=stop_after):
        return False
    run.note_end()
    return True
