"""From one picture to shape, texture and light: the encoder and the shape decoder of `demos.reconstruction`; the side it was seen from; a light; and paint.

The paint is the picture itself, laid on the shape that was found, from the side that was found, without the light that was found.
"""

from dataclasses import dataclass, fields
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from demos.reconstruction import network as silhouettes
from demos.reconstruction.data import VIEWS, cameras
from taichi_softras import Camera
from taichi_softras.interop.lighting import SphericalHarmonics, shade, vertex_normals

from .data import AMBIENT, DIFFUSE
from .surface import Surface, around, lamp, project, spread

__all__ = ["Found", "LightGenerator", "NetworkOptions", "Reconstructor", "TextureGenerator", "ViewGenerator"]

COARSER = 4  # times, than the texture, are the texels among which colours for unseen ones are looked for
CELLS, BEHIND = 16, 0.08  # of a picture's side, in which the nearest points hide those that are further behind them, world units
LIKELIEST = 3  # sides, where it is not known; a table looks the same from two
GRAZING = 0.3  # the cosine from which on a surface counts as fully seen
TEMPLATE_RADIUS = 0.25  # of the shape decoder's


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(silhouettes.Sizes):
    """The sizes of the networks; those of encoders are for all of them.

    Attributes:
        texture: height of the texture, texels; it is twice as wide.
        channels: numbers by which seen and unseen texels find each other.
    """

    texture: int = 128
    channels: int = 32

    def __post_init__(self) -> None:
        for name, factor in (("image_size", 8), ("texture", 8), ("width", 4), ("channels", 4)):
            if getattr(self, name) % factor or getattr(self, name) < factor:
                raise ValueError(f"NetworkOptions: {name} must be a multiple of {factor}, got {getattr(self, name)}")

    @property
    def of_silhouettes(self) -> silhouettes.NetworkOptions:
        return silhouettes.NetworkOptions(**{field.name: getattr(self, field.name) for field in fields(silhouettes.Sizes)})


class Found(NamedTuple):
    """What a network sees in B pictures.

    Attributes:
        vertices: [B, V, 3] of a :class:`Surface`.
        texture: [B, 3, h, 2 h] in [0, 1].
        light: [B, 9] in the space of the camera that the picture was taken with.
        view: [B, 24] logits of the side that the picture shows.
    """

    vertices: torch.Tensor
    texture: torch.Tensor
    light: torch.Tensor
    view: torch.Tensor


class PictureEncoder(nn.Module):
    """[B, 4, S, S] to [B, code]: convolutions over colours and places, one fully connected layer."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.layers = silhouettes.encoder_layers(6, options, (), partial(nn.GroupNorm, 4))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        y, x = torch.meshgrid(*[torch.linspace(-1, 1, images.shape[-1], device=images.device)] * 2, indexing="ij")
        return self.layers(torch.cat([images, torch.stack([x, y]).expand(len(images), -1, -1, -1)], 1))


class ViewGenerator(PictureEncoder):
    """[B, 4, S, S] to logits [B, 24]: from which side the object is seen."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__(options)
        self.last = nn.Linear(options.code, VIEWS)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(super().forward(images))


class LightGenerator(PictureEncoder):
    """[B, 4, S, S] to nine coefficients: a lamp somewhere on the camera's side, found by an encoder of its own, which shape and paint do not outvote.

    The less sure the network is of its direction, the further apart the lamp's light may run (see :func:`spread`). How strong lamp and ambient light are is
    given: bright paint under weak light is dark paint under strong light, and no picture tells them apart.
    """

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__(options)
        self.direction, self.share = nn.Linear(options.code, 2), nn.Linear(options.code, 1)
        with torch.no_grad():
            self.share.weight *= 0.1
            self.share.bias.fill_(1.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        code = super().forward(images)
        return spread(lamp(F.pad(self.direction(code), (0, 1), value=1.0), AMBIENT, DIFFUSE), torch.sigmoid(self.share(code))[:, 0])


class TextureGenerator(nn.Module):
    """Textures [B, 3, h, 2 h] of the pictures' own colours.

    Texels that the picture shows have its colour there, divided by the light that was found. The others are mixtures of what is seen: of texels that are near,
    or near to the place's mirror image (in x), or that have turned out to be alike, and of the mean of all. How near, and which are alike, is learnt.
    """

    def __init__(self, options: NetworkOptions, surface: Surface) -> None:
        super().__init__()
        self.height, self.small = options.texture, options.texture // COARSER
        for name, height in (("fine", self.height), ("coarse", self.small)):
            face, weights = surface.texels(height)
            self.register_buffer(f"{name}_corners", surface.triangles[face], persistent=False)
            self.register_buffer(f"{name}_weights", weights, persistent=False)
        n_texels = 2 * self.small**2
        self.queries, self.keys = (nn.Parameter(torch.randn(n_texels, options.channels) * options.channels**-0.5) for _ in range(2))
        self.near = nn.Parameter(torch.tensor([3.0, 3.0]))  # log of 1 / distance^2, as it is and mirrored
        self.alike = nn.Parameter(torch.tensor([1.0, 1.0]))  # weight of the normals' cosine
        self.rest = nn.Parameter(torch.tensor([0.0, 1.0]))  # logits of the mirror image and of the mean

    def forward(self, images: torch.Tensor, views: np.ndarray, surface: Surface, vertices: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
        n_images = len(images)
        normals = vertex_normals(vertices, surface.triangles)
        points, along = (self.on_texels(values, "fine") for values in (vertices, normals))
        color, seen = look_up(images, cameras(views), points, along, light)
        as_picture = (n_images, -1, self.height, 2 * self.height)
        color, seen = color.transpose(1, 2).reshape(as_picture), seen[:, None].reshape(as_picture)
        share = F.avg_pool2d(seen, COARSER)
        few = (F.avg_pool2d(color * seen, COARSER) / share.clamp_min(1e-6)).flatten(2).transpose(1, 2)
        filled = self.fill(few, share.flatten(1), *(self.on_texels(values, "coarse") for values in (vertices, normals)))
        filled = F.interpolate(around(filled.transpose(1, 2).reshape(n_images, 3, self.small, 2 * self.small)), scale_factor=COARSER, mode="bilinear")
        filled = filled[..., COARSER:-COARSER, COARSER:-COARSER]
        return seen * color + (1 - seen) * filled

    def on_texels(self, values: torch.Tensor, which: str) -> torch.Tensor:
        """[B, T, 3] of values [B, V, 3] of the vertices."""
        return (values[:, getattr(self, f"{which}_corners")] * getattr(self, f"{which}_weights")[..., None]).sum(2)

    def fill(self, color: torch.Tensor, share: torch.Tensor, points: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
        """[B, T, 3] colours for all texels, from colours [B, T, 3] of those that are seen, each by a share [B, T]."""
        logits = []
        for i, sign in enumerate((1.0, -1.0)):
            mirror = points.new_tensor([sign, 1.0, 1.0])
            apart = (points.square().sum(-1)[:, :, None] + points.square().sum(-1)[:, None] - 2 * points @ (points * mirror).transpose(1, 2)).clamp_min(0)
            cosine = F.normalize(normals, dim=-1) @ F.normalize(normals * mirror, dim=-1).transpose(1, 2)
            logits.append(self.alike[i] * cosine - torch.exp(self.near[i]) * apart)
        known = torch.log(share + 1e-6)[:, None]
        logit = torch.logaddexp(logits[0], logits[1] + self.rest[0]) + self.queries @ self.keys.T + known
        mean = (color * share[..., None]).sum(1) / share.sum(1)[:, None].clamp_min(1e-6)
        logit = torch.cat([logit, self.rest[1].expand(*logit.shape[:2], 1)], -1)
        return torch.softmax(logit, -1) @ torch.cat([color, mean[:, None]], 1)


def look_up(images: torch.Tensor, camera: Camera, points: torch.Tensor, normals: torch.Tensor, light: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The pictures' colours at points [B, T, 3] of surfaces with normals [B, T, 3], divided by the light there: [B, T, 3], and how well they are seen, [B, T].

    Seen is what faces the camera, lies on the picture's object, and has no other of the points before it.
    """
    in_camera, in_image = project(points, camera)
    rotation = torch.as_tensor(np.asarray(camera.camera_from_world)[:, :, :3]).to(points)
    normals = F.normalize(normals, dim=-1) @ rotation.transpose(1, 2)
    facing = -(normals * F.normalize(in_camera, dim=-1)).sum(-1)
    cell = ((in_image * 0.5 + 0.5) * CELLS).long().clamp(0, CELLS - 1)
    cell = cell[..., 1] * CELLS + cell[..., 0]
    nearest = torch.full((len(points), CELLS**2), -torch.inf).to(points)
    nearest = nearest.scatter_reduce(1, cell, torch.where(facing > 0, in_camera[..., 2], -torch.inf), "amax")
    before = in_camera[..., 2] > nearest.gather(1, cell) - BEHIND
    pixels = F.grid_sample(images, (in_image * in_image.new_tensor([1.0, -1.0]))[:, None], align_corners=False)[:, :, 0].transpose(1, 2)
    alpha = pixels[..., 3]
    shaded = shade(torch.ones_like(points)[:, None], normals[:, None].contiguous(), lights=SphericalHarmonics(coefficients=light))[:, 0]
    color = pixels[..., :3] / alpha.clamp_min(1e-3)[..., None] / shaded.clamp_min(0.5 * AMBIENT)
    return color.clamp(0, 1), (facing / GRAZING).clamp(0, 1) * ((alpha - 0.25) * 2).clamp(0, 1) * before


class Reconstructor(nn.Module):
    """Pictures [B, 4, S, S] (RGBA, colours over black) to what is :class:`Found` in them."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.options = options
        self.surface = Surface(options.subdivisions, TEMPLATE_RADIUS)
        self.encoder, self.shape = silhouettes.Encoder(options.of_silhouettes), silhouettes.ShapeGenerator(options.of_silhouettes)
        self.view, self.light = ViewGenerator(options), LightGenerator(options)
        self.texture = TextureGenerator(options, self.surface)

    def forward(self, images: torch.Tensor, views: np.ndarray | None = None) -> Found:
        """``views`` [B], where they are known (in training): from which sides the pictures were taken. Else the texture is the mean over the likeliest ones."""
        vertices, light, view = self.shape(self.encoder(images)), self.light(images), self.view(images)
        if views is not None:
            sides, shares = views[:, None], torch.ones(len(images), 1).to(images)
        else:
            shares, chosen = torch.softmax(view, 1).topk(LIKELIEST, 1)
            sides, shares = chosen.cpu().numpy(), shares / shares.sum(1, keepdim=True)
        textures = [self.texture(images, side, self.surface, vertices.detach(), light) for side in sides.T]
        texture = (torch.stack(textures, 1) * shares[:, :, None, None, None]).sum(1)
        return Found(vertices, texture, light, view)
