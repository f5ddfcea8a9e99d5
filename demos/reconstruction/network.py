"""From one picture to a coloured mesh: SoftRas's encoder and decoder as released, and its generator of colours, which never was, after the paper."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import taichi_softras as tsr

__all__ = ["ColorGenerator", "Encoder", "NetworkOptions", "Reconstructor", "ShapeGenerator", "Sizes", "encoder_layers"]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Of an encoder and of the decoder of shapes: also for `demos.dibr`. The defaults are the released recipe's.

    Attributes:
        image_size: of the pictures that an encoder sees, pixels.
        width: channels of its first convolution; the next ones have two and four times as many.
        hidden: of the fully connected layers of :class:`Encoder`.
        code: numbers that an encoder makes of a picture.
        decoder: of the decoder's first layer; the second has twice as many.
        subdivisions: of the template, an icosphere with 10 * 4^n + 2 vertices.
    """

    image_size: int = 64
    width: int = 64
    hidden: int = 1024
    code: int = 512
    decoder: int = 1024
    subdivisions: int = 3


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(Sizes):
    """The sizes of the networks, and how they are made; larger pictures are reduced.

    Attributes:
        norm: "batch" (as released), or "group": GroupNorm, whose result does not depend on who shares the batch.
        symmetric: every shape is its own mirror image in x (not in the released recipe).
        palette: how many colours the generator picks from the picture; 0: no colours at all.
        embedding: numbers by which pixels and palette entries, faces and palette entries find each other.
    """

    norm: str = "batch"
    symmetric: bool = False
    palette: int = 0
    embedding: int = 64

    def __post_init__(self) -> None:
        if self.norm not in ("batch", "group"):
            raise ValueError(f"NetworkOptions: norm must be batch or group, got {self.norm!r}")
        if self.image_size % 8:
            raise ValueError(f"NetworkOptions: image_size must be a multiple of 8, got {self.image_size}")
        if self.norm == "group" and self.width % 8:
            raise ValueError(f"NetworkOptions: width must be a multiple of 8 with norm group, got {self.width}")


def encoder_layers(channels: int, sizes: Sizes, hidden: Sequence[int], norm: Callable[[int], nn.Module]) -> nn.Sequential:
    """[B, channels, S, S] to [B, code]: three convolutions 5 x 5 of stride 2, each with a ``norm``, then layers of ``hidden`` sizes and the code's."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise((channels, sizes.width, 2 * sizes.width, 4 * sizes.width)):
        layers += [nn.Conv2d(before, after, 5, stride=2, padding=2), norm(after), nn.ReLU()]
    layers.append(nn.Flatten())
    for before, after in itertools.pairwise((4 * sizes.width * (sizes.image_size // 8) ** 2, *hidden, sizes.code)):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    """[B, 4, S, S] to [B, code], with three fully connected layers."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        norm = nn.BatchNorm2d if options.norm == "batch" else partial(nn.GroupNorm, 8)
        self.layers = encoder_layers(4, options, (options.hidden, options.hidden), norm)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


class ShapeGenerator(nn.Module):
    """[B, code] to vertices [B, V, 3] within +-0.5: the template's, each moved within its octant, and all shifted, NMR's way."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        sphere = tsr.Mesh.icosphere(options.subdivisions, 0.5)
        base = torch.from_numpy(sphere.vertices)
        self.register_buffer("sign", torch.where(base.abs() < 1e-6, 0.0, torch.sign(base)), persistent=False)
        self.register_buffer("logit", torch.logit(base.abs().clamp_min(1e-6)), persistent=False)
        self.layers = nn.Sequential(nn.Linear(options.code, options.decoder), nn.ReLU(), nn.Linear(options.decoder, 2 * options.decoder), nn.ReLU())
        self.register_buffer("mirrored", mirrored_vertices(sphere.vertices) if options.symmetric else None, persistent=False)
        self.centroid, self.bias = nn.Linear(2 * options.decoder, 3), nn.Linear(2 * options.decoder, base.numel())

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        hidden = self.layers(code)
        return self.placed(self.bias(hidden).view(len(code), -1, 3), torch.tanh(0.1 * self.centroid(hidden)))

    def placed(self, bias: torch.Tensor, centroid: torch.Tensor) -> torch.Tensor:
        """[B, V, 3] the template's vertices, moved by ``bias`` [B, V, 3] and shifted by ``centroid`` [B, 3] in (-1, 1)."""
        centroid = centroid[:, None]
        vertices = torch.sigmoid(self.logit + bias) * self.sign
        if self.mirrored is not None:
            across = vertices.new_tensor([-1.0, 1.0, 1.0])
            vertices = 0.5 * (vertices + across * vertices[:, self.mirrored])
            centroid = centroid * (across > 0)
        return 0.5 * (F.relu(vertices) * (1 - centroid) - F.relu(-vertices) * (1 + centroid) + centroid)


def mirrored_vertices(vertices: np.ndarray) -> torch.Tensor:
    """[V] which vertex of a sphere is the mirror image in x of each."""
    apart = np.abs(vertices[:, None] * [-1.0, 1.0, 1.0] - vertices[None]).sum(-1)
    if apart.min(1).max() > 1e-4:
        raise ValueError("mirrored_vertices: the template must be its own mirror image in x, got one that is not")
    return torch.from_numpy(apart.argmin(1))


class ColorGenerator(nn.Module):
    """Colours [B, F, 3] of the faces, as mixtures of Np colours of the picture itself.

    The *sampling network* compares a key for every pixel with a query for every entry of the palette: a softmax over the pixels that show the object
    picks the entry's colour. The *selection network* compares the embedding of every face with a code for every entry: a softmax over the palette mixes the
    face's colour. The work is O(Np (H W + F)), as the paper has it; keys, queries, embeddings and codes are ours.
    """

    def __init__(self, options: NetworkOptions, n_faces: int) -> None:
        super().__init__()
        self.palette, n = options.palette, options.embedding
        self.keys = nn.Sequential(nn.Conv2d(6, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, n, 1))
        self.queries = nn.Sequential(nn.Linear(options.code, options.hidden), nn.ReLU(), nn.Linear(options.hidden, options.palette * n))
        self.codes = nn.Sequential(nn.Linear(options.code, options.hidden), nn.ReLU(), nn.Linear(options.hidden, options.palette * n))
        self.faces = nn.Parameter(torch.randn(n_faces, n) * n**-0.5)

    def forward(self, images: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        small = F.avg_pool2d(images, images.shape[-1] // 32) if images.shape[-1] > 32 else images
        n_images, _, height, width = small.shape
        y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        place = torch.stack([x, y]).to(small).expand(n_images, -1, -1, -1)
        keys = self.keys(torch.cat([small, place], 1)).flatten(2)
        queries = self.queries(code).view(n_images, self.palette, -1)
        alpha = small[:, 3].flatten(1)
        weights = torch.softmax(queries @ keys / keys.shape[1] ** 0.5 + torch.log(alpha + 1e-6)[:, None], -1)
        straight = small[:, :3].flatten(2) / alpha.clamp_min(1e-3)[:, None]  # the pictures' colours lie over black
        palette = weights @ straight.clamp(0, 1).transpose(1, 2)
        codes = self.codes(code).view(n_images, self.palette, -1)
        return torch.softmax(self.faces @ codes.transpose(1, 2), -1) @ palette


class Reconstructor(nn.Module):
    """A picture [B, 4, S, S] to vertices [B, V, 3] and the colours [B, F, 3] of the faces (None without a palette)."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.options = options
        sphere = tsr.Mesh.icosphere(options.subdivisions)
        self.n_vertices, self.faces = len(sphere.vertices), np.asarray(sphere.faces)
        self.encoder, self.shape = Encoder(options), ShapeGenerator(options)
        self.color = ColorGenerator(options, len(self.faces)) if options.palette else None

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        factor = images.shape[-1] // self.options.image_size
        images = F.avg_pool2d(images, factor) if factor > 1 else images
        code = self.encoder(images)
        return self.shape(code), None if self.color is None else self.color(images, code)
