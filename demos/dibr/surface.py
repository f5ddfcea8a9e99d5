"""A sphere with spherical texture coordinates, moved into any shape, painted with a picture, lit, and drawn: what the networks of this folder end in.

* Shape: vertices [B, V, 3] of one template.
* Texture: a picture [B, 3, h, w] in [0, 1] for each; u runs around the y axis (u = 1/2 faces +z), v from the south pole (0) to the north pole (1), the top row.
* Light: nine coefficients of spherical harmonics for each, in *camera* space (x right, y up, z towards the camera).
* Every pixel looks up the texture where it sees the sphere, and is shaded by the normal that it sees there (deferred): DIB-R's way.
"""

import enum
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import taichi_softras as tsr
from taichi_softras.interop import kaolin as kal
from taichi_softras.interop import losses, render
from taichi_softras.interop.lighting import SphericalHarmonics, shade, vertex_normals
from taichi_softras.interop.textures import sample_texture

__all__ = ["DrawOptions", "Drawn", "Surface", "Way", "around", "lamp", "light_direction", "linear_part", "project", "spherical", "spread"]

SH_CONSTANT = math.sqrt(1 / (4 * math.pi))
FLATTEN_EPSILON = 1e-6  # SoftRas's: with a smaller one, hinges that have collapsed blow up in float32
POLE = 1e-6  # of a vertex this near to the y axis, only v counts


class Way(enum.Enum):
    """How a surface becomes a picture."""

    DIBR = "dibr"
    """DIB-R: the nearest face alone where one covers the pixel (alpha is 1 there, and has no gradient), a soft mask around."""
    SOFT = "soft"
    """SoftRas: all faces near the pixel mixed, so that alpha has gradient on both sides of an outline, and hidden faces learn their colours, too."""


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """How it is drawn.

    Attributes:
        way: by which renderer.
        image_size: side of the pictures, pixels.
        sigma: softness of outlines, squared screen units (a picture spans 2): alpha falls as exp(-d^2/sigma) (DIBR), as sigmoid(-d^2/sigma) (SOFT).
        gamma: softness in depth; only with SOFT.
    """

    way: Way = Way.SOFT
    image_size: int = 64
    sigma: float = 1e-4
    gamma: float = 1e-4


@dataclass(frozen=True)
class Drawn:
    """Pictures. Row 0 is the top; colours lie over black (they are multiplied by how much covers the pixel), and are not clamped.

    Attributes:
        color: [B, H, W, 3] texture times light (the texture alone, without a light).
        alpha: [B, H, W] the soft silhouette.
    """

    color: torch.Tensor
    alpha: torch.Tensor

    @property
    def rgba(self) -> torch.Tensor:
        """[B, 4, H, W]."""
        return torch.cat([self.color, self.alpha[..., None]], -1).permute(0, 3, 1, 2)


class Surface(nn.Module):
    """The template, an icosphere with 10 * 4^subdivisions + 2 vertices.

    Attributes:
        base: [V, 3] its vertices, on a sphere of the given radius about the origin.
        triangles: [F, 3] int64 tensor; ``faces`` is the same in NumPy.
        corner_uvs: [F, 3, 2] texture coordinates of the faces' corners. Those of a face that crosses the seam (u = 0 or 1, facing -z) run on beyond 1: textures
            repeat along u. A corner at a pole lies between the other two corners of its face.
    """

    def __init__(self, subdivisions: int = 2, radius: float = 0.25) -> None:
        super().__init__()
        sphere = tsr.Mesh.icosphere(subdivisions)
        self.faces, self.n_vertices, self.radius = np.asarray(sphere.faces), len(sphere.vertices), radius
        self.register_buffer("base", torch.from_numpy(sphere.vertices * radius).float(), persistent=False)
        self.register_buffer("triangles", torch.from_numpy(self.faces).long(), persistent=False)
        self.register_buffer("corner_uvs", torch.from_numpy(corner_uvs(sphere.vertices, self.faces)).float(), persistent=False)
        self._connectivity: dict[int, tsr.Connectivity] = {}

    def forward(self, vertices: torch.Tensor, texture: torch.Tensor, light: torch.Tensor | None, camera: tsr.Camera, options: DrawOptions) -> Drawn:
        """B surfaces, each with its texture and light, through B cameras.

        Args:
            vertices: [B, V, 3], world; ``base + moves``, say.
            texture: [B, 3, h, w], h and w at least 2.
            light: [B, 9] in camera space, see :func:`lamp`; None: the texture as it is.
            camera: B pinhole cameras.

        Gradient: to vertices (through outlines, normals and the places where the texture is seen), texture and light.
        """
        if vertices.shape[1:] != (self.n_vertices, 3) or len(vertices) != len(camera):
            raise ValueError(f"Surface: vertices must have shape ({len(camera)}, {self.n_vertices}, 3), got {tuple(vertices.shape)}")
        draw = self._dibr if options.way is Way.DIBR else self._soft
        rotation = torch.as_tensor(np.asarray(camera.camera_from_world)[:, :, :3]).to(vertices)
        normals = vertex_normals(vertices, self.triangles) @ rotation.transpose(1, 2)
        albedo, normals, alpha = draw(vertices, normals, texture.permute(0, 2, 3, 1).contiguous(), camera, options)
        color = albedo if light is None else shade(albedo, normals, lights=SphericalHarmonics(coefficients=light))
        return Drawn(color, alpha)

    def _dibr(self, vertices: torch.Tensor, normals: torch.Tensor, picture: torch.Tensor, camera: tsr.Camera, options: DrawOptions) -> tuple:
        in_camera, in_image = project(vertices, camera)
        corners = in_camera[:, self.triangles]
        facing = torch.linalg.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
        towards = -(facing * corners.mean(2)).sum(-1)  # positive where the eye is on the outer side
        features = [self.corner_uvs.expand(len(vertices), -1, -1, -1), normals[:, self.triangles]]
        size, reach = options.image_size, math.sqrt(-options.sigma * math.log(1e-4))
        (uvs, seen), mask, face = kal.render.mesh.dibr_rasterization(
            size, size, corners[..., 2], in_image[:, self.triangles], features, towards.detach(),
            sigmainv=1 / options.sigma, boxlen=reach, mask_faces="all", perspective=True,
        )  # fmt: skip
        half = 0.5 / picture.shape[1]
        places = torch.stack([uvs[..., 0], uvs[..., 1].clamp(half, 1 - half)], -1)  # along v, the poles are not neighbours
        return sample_texture(picture, places) * (face >= 0)[..., None], seen, mask

    def _soft(self, vertices: torch.Tensor, normals: torch.Tensor, picture: torch.Tensor, camera: tsr.Camera, options: DrawOptions) -> tuple:
        half = 0.5 / picture.shape[1]
        uvs = torch.stack([self.corner_uvs[..., 0], self.corner_uvs[..., 1].clamp(half, 1 - half)], -1).reshape(-1, 2)
        painted = tsr.UVTexture(picture, uvs, np.tile(np.arange(len(uvs)).reshape(-1, 3), (len(vertices), 1)))
        settings = tsr.RasterizeSettings(sigma=options.sigma, gamma=options.gamma)
        image = render(vertices, self.triangles, camera, painted, features=normals, settings=settings, image_size=options.image_size)
        return image.color, image.features, image.alpha

    def texels(self, height: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Where the texels of a texture [height, 2 height] are: their faces [height * 2 height] and weights [height * 2 height, 3] of the faces' corners.

        Of the faces whose texture coordinates hold a texel's centre, or nearly so (at the poles), the one that holds it best.
        """
        v, u = np.mgrid[0:height, 0 : 2 * height] + 0.5
        centers = np.stack([u / (2 * height), 1 - v / height], -1).reshape(-1, 1, 2)
        corners = self.corner_uvs.double().cpu().numpy()
        first, sides = corners[:, 0], np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], -1)
        inverse, found, best = np.linalg.inv(sides), np.zeros((len(centers), 3)), np.full(len(centers), -np.inf)
        face = np.zeros(len(centers), int)
        for turn in (0.0, 1.0):
            for rows in np.array_split(np.arange(len(centers)), height):
                two = np.einsum("fij,tfj->tfi", inverse, centers[rows] + [turn, 0.0] - first)
                weights = np.concatenate([1 - two.sum(-1, keepdims=True), two], -1)
                inner = weights.min(-1)
                chosen = inner.argmax(1)
                better = inner[np.arange(len(rows)), chosen] > best[rows]
                mine, chosen = rows[better], chosen[better]
                face[mine], found[mine], best[mine] = chosen, weights[better, chosen], inner[better, chosen]
        found = found.clip(0, None)
        return torch.from_numpy(face).to(self.base.device), torch.from_numpy(found / found.sum(1, keepdims=True)).to(self.base)

    def connectivity(self, n_meshes: int) -> tsr.Connectivity:
        """Of ``n_meshes`` surfaces, one after the other."""
        if n_meshes not in self._connectivity:
            faces = self.faces[None] + self.n_vertices * np.arange(n_meshes)[:, None, None]
            self._connectivity[n_meshes] = tsr.Connectivity.of(faces.reshape(-1, 3), n_meshes * self.n_vertices)
        return self._connectivity[n_meshes]

    def laplacian(self, vertices: torch.Tensor) -> torch.Tensor:
        """The Laplacian loss of the moves from the template (DIB-R's), the mean over B surfaces [B, V, 3]."""
        return losses.laplacian((vertices - self.base).reshape(-1, 3), self.connectivity(len(vertices))) / len(vertices)

    def flatten(self, vertices: torch.Tensor) -> torch.Tensor:
        """The flatten loss, the mean over B surfaces [B, V, 3]."""
        return losses.flatten(vertices.reshape(-1, 3), self.connectivity(len(vertices)), epsilon=FLATTEN_EPSILON) / len(vertices)

    def mesh(self, vertices: torch.Tensor, texture: torch.Tensor) -> tsr.Mesh:
        """One surface [V, 3] with its texture [3, h, w], to be saved (``.save("x.glb")``)."""
        uvs = self.corner_uvs.reshape(-1, 2).cpu().numpy()
        picture = texture.detach().clamp(0, 1).permute(1, 2, 0).contiguous().cpu().numpy()
        own = {"vertices": vertices.detach().cpu().numpy(), "faces": self.faces, "uvs": uvs, "face_uvs": np.arange(len(uvs)).reshape(-1, 3)}
        return tsr.Mesh(**own, texture=picture, wrap=tsr.Wrap.REPEAT)


def project(points: torch.Tensor, camera: tsr.Camera) -> tuple[torch.Tensor, torch.Tensor]:
    """Points [B, N, 3] of the world in the space of B pinhole cameras, [B, N, 3], and in square pictures, [B, N, 2], each side of which spans [-1, 1]."""
    pose, lens = (torch.as_tensor(np.asarray(part)).to(points) for part in (camera.camera_from_world, camera.intrinsics))
    in_camera = points @ pose[:, :, :3].transpose(1, 2) + pose[:, None, :, 3]
    return in_camera, in_camera[..., :2] / -in_camera[..., 2:] * lens[:, None, :2] + lens[:, None, 2:]


def spherical(points: np.ndarray) -> np.ndarray:
    """[..., 2]: u, v in [0, 1] of directions [..., 3]."""
    x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    return np.stack([np.arctan2(x, z) / (2 * np.pi) + 0.5, np.arctan2(y, np.hypot(x, z)) / np.pi + 0.5], -1)


def corner_uvs(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """[F, 3, 2]: see :class:`Surface`."""
    uvs = spherical(vertices)[faces]
    at_pole = np.hypot(vertices[:, 0], vertices[:, 2])[faces] < POLE
    u = np.where(at_pole, np.nan, uvs[..., 0])
    crossing = np.nanmax(u, 1) - np.nanmin(u, 1) > 0.5
    u = np.where(crossing[:, None] & (u < 0.5), u + 1, u)
    uvs[..., 0] = np.where(at_pole, np.nanmean(u, 1)[:, None], u)
    return uvs


def around(texture: torch.Tensor) -> torch.Tensor:
    """[B, C, h + 2, w + 2]: one texel more on each side of a texture, along u the other end's, along v the last one again."""
    return F.pad(F.pad(texture, (1, 1, 0, 0), mode="circular"), (0, 0, 1, 1), mode="replicate")


# ---------------------------------------------------------------------------------------------------------------------------- the light


def lamp(direction: torch.Tensor, ambient: float | torch.Tensor, diffuse: float | torch.Tensor) -> torch.Tensor:
    """[B, 9]: ambient + diffuse max(n.l, 0), as nearly as nine spherical harmonics have it. Directions [B, 3] to the lamp, of any length."""
    x, y, z = F.normalize(direction, dim=-1).unbind(-1)
    a, b, c = math.sqrt(3 / (4 * math.pi)), math.sqrt(15 / (4 * math.pi)), math.sqrt(5 / (16 * math.pi))
    harmonics = [x * 0 + SH_CONSTANT, -a * y, a * z, -a * x, b * x * y, -b * y * z, c * (3 * z * z - 1), -b * x * z, b / 2 * (x * x - y * y)]
    coefficients = math.pi * torch.stack(harmonics, -1) * torch.as_tensor(diffuse).to(direction).reshape(-1, 1)
    everywhere = torch.zeros_like(coefficients)
    everywhere[:, 0] = torch.as_tensor(ambient).to(direction) / SH_CONSTANT
    return coefficients + everywhere


def spread(light: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """[B, 9]: coefficients [B, 9] whose light has run apart on the sphere of directions, as heat would: as much light as before, but only ``share`` [B]
    in (0, 1] of the linear part, and its third power of the quadratic one (the bands fall as exp(-l (l + 1) t))."""
    ones = torch.ones_like(share)
    return light * torch.stack([ones, *[share] * 3, *[share**3] * 5], -1)


def light_direction(light: torch.Tensor) -> torch.Tensor:
    """[B, 3] the unit direction that most light comes from: that of the linear part of coefficients [B, 9]."""
    return F.normalize(linear_part(light, 1.0), dim=-1)


def linear_part(light: torch.Tensor, diffuse: float) -> torch.Tensor:
    """[B, 3] the linear part of coefficients [B, 9], as a vector: the unit direction of a :func:`lamp` of strength ``diffuse``; shorter, if it was spread."""
    y, z, x = light[:, 1], light[:, 2], light[:, 3]
    return torch.stack([-x, -y, z], -1) / (diffuse * math.pi * math.sqrt(3 / (4 * math.pi)))
