"""From one picture to shape, texture and light: the encoder and the shape decoder of `demos.reconstruction`, a decoder of texture pictures, and a light."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from demos.reconstruction import network as silhouettes

from .data import AMBIENT, DIFFUSE
from .surface import Surface, lamp

__all__ = ["Found", "LightGenerator", "NetworkOptions", "Reconstructor", "TextureGenerator"]

TYPICAL_SHADING = 0.65  # of what a camera sees, under a lamp on its side
TEMPLATE_RADIUS = 0.25  # of the shape decoder's


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """The sizes of the networks.

    Attributes:
        image_size: of the pictures, pixels.
        width: channels of the first convolution of both encoders; the next ones have two and four times as many.
        hidden: of the first encoder's fully connected layers.
        code: numbers that either encoder makes of a picture.
        decoder: of the shape decoder's first layer; the second has twice as many.
        subdivisions: of the template, an icosphere with 10 * 4^n + 2 vertices.
        texture: height of the texture, texels; it is twice as wide.
        channels: of the texture decoder's last layer but one; those before have two, four and eight times as many.
    """

    image_size: int = 64
    width: int = 64
    hidden: int = 1024
    code: int = 512
    decoder: int = 1024
    subdivisions: int = 3
    texture: int = 64
    channels: int = 32

    def __post_init__(self) -> None:
        for name, factor in (("image_size", 8), ("texture", 8), ("width", 4), ("channels", 4)):
            if getattr(self, name) % factor or getattr(self, name) < factor:
                raise ValueError(f"NetworkOptions: {name} must be a multiple of {factor}, got {getattr(self, name)}")

    @property
    def of_silhouettes(self) -> silhouettes.NetworkOptions:
        names = ("image_size", "width", "hidden", "code", "decoder", "subdivisions")
        return silhouettes.NetworkOptions(**{name: getattr(self, name) for name in names})


class Found(NamedTuple):
    """What a network sees in B pictures.

    Attributes:
        vertices: [B, V, 3] of a :class:`Surface`.
        texture: [B, 3, h, 2 h] in [0, 1].
        light: [B, 9] in the space of the camera that the picture was taken with.
    """

    vertices: torch.Tensor
    texture: torch.Tensor
    light: torch.Tensor


def around(picture: torch.Tensor) -> torch.Tensor:
    """One more texel on each side: u goes around, v ends."""
    return F.pad(F.pad(picture, (1, 1, 0, 0), mode="circular"), (0, 0, 1, 1), mode="replicate")


class TextureGenerator(nn.Module):
    """[B, code] and the pictures to textures [B, 3, h, 2 h]: three times enlarged and convolved, as a change of the picture's mean colour."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.height, n = options.texture // 8, options.channels
        self.first = nn.Linear(options.code, 8 * n * self.height * 2 * self.height)
        self.layers = nn.ModuleList(nn.Conv2d(before * n, after * n, 3) for before, after in ((8, 4), (4, 2), (2, 1)))
        self.norms = nn.ModuleList(nn.GroupNorm(4, after * n) for after in (4, 2, 1))
        self.last = nn.Conv2d(n, 3, 3)
        nn.init.zeros_(self.last.bias)
        with torch.no_grad():
            self.last.weight *= 0.3

    def forward(self, images: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.first(code)).view(len(code), -1, self.height, 2 * self.height)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = F.relu(norm(layer(around(F.interpolate(x, scale_factor=2.0)))))
        mean = images[:, :3].sum((2, 3)) / images[:, 3].sum((1, 2))[:, None].clamp_min(1.0) / TYPICAL_SHADING
        return torch.sigmoid(self.last(around(x)) + torch.logit(mean.clamp(0.05, 0.95))[:, :, None, None])


class LightGenerator(nn.Module):
    """[B, 4, S, S] to nine coefficients: a lamp somewhere on the camera's side, found by an encoder of its own, which shape and paint do not outvote.

    How strong lamp and ambient light are is given: bright paint under weak light is dark paint under strong light, and no picture tells them apart.
    """

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        channels = (6, options.width, 2 * options.width, 4 * options.width)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(channels):
            layers += [nn.Conv2d(before, after, 5, stride=2, padding=2), nn.GroupNorm(4, after), nn.ReLU()]
        sizes = (channels[-1] * (options.image_size // 8) ** 2, options.code)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(*sizes), nn.ReLU(), nn.Linear(options.code, 2))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        y, x = torch.meshgrid(*[torch.linspace(-1, 1, images.shape[-1], device=images.device)] * 2, indexing="ij")
        sideways = self.layers(torch.cat([images, torch.stack([x, y]).expand(len(images), -1, -1, -1)], 1))
        return lamp(F.pad(sideways, (0, 1), value=1.0), AMBIENT, DIFFUSE)


class Reconstructor(nn.Module):
    """Pictures [B, 4, S, S] (RGBA, colours over black) to what is :class:`Found` in them."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.options = options
        self.surface = Surface(options.subdivisions, TEMPLATE_RADIUS)
        self.encoder, self.shape = silhouettes.Encoder(options.of_silhouettes), silhouettes.ShapeGenerator(options.of_silhouettes)
        self.texture, self.light = TextureGenerator(options), LightGenerator(options)

    def forward(self, images: torch.Tensor) -> Found:
        code = self.encoder(images)
        return Found(self.shape(code), self.texture(images, code), self.light(images))
