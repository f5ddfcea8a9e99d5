"""DIB-R's experiment: the texture of an object, and the light on it, recovered from pictures.

Lamp and camera stand still, the object is turned. Its shape, its poses and the camera are known; its paint, and where the light comes from, are not. From a
grey texture and a wrong light both are found by gradient descent through DIB-R's renderer: texture coordinates and normals are interpolated over the faces,
then each pixel samples the texture and is shaded.

* ``--light directional``: T (ambient + diffuse max(n.l, 0)), its direction and its ambient share unknown.
* ``--light sh``: spherical harmonics of nine coefficients (DIB-R's other light); its direction is that of the linear ones.

    python demos/dibr_texture_light.py -o out/texture_light                    # the embedded ring
    python demos/dibr_texture_light.py MESH.obj -o out/texture_light           # an OBJ or GLB file with texture coordinates and a texture

OUT then holds sheet.png (the truth, the first guess, what was found, ten times its difference to the truth: four pictures that were not fitted, a white ball
under the light, the texture), curves.png, texture.png, recovered.glb and metrics.json.

Two things cannot be seen in pictures, and are not pretended to be:

* Where the light does not move over a matt surface, it cannot be told from paint: T S = (T S/S') S' at each point. So the object turns and the lamp does not.
* Bright paint under weak light is dark paint under strong light. So the strength of the light is given: ambient + diffuse = 1, or the first of the nine
  coefficients. All figures are then as measured: nothing is rescaled.

The pictures are rendered by the same program, from the true texture and light, and rounded to 8 bits. As shape and cameras are known, it is rasterised once
which texture coordinates and normals the pixels see; and as the outline is known, DIB-R's soft mask has nothing to tell.
"""

import copy
import importlib.util
import json
import math
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from program import check_folder, check_ranges, program_parser, run_program
from torch import nn
from tqdm import tqdm

import taichi_softras as tsr
from taichi_softras.engine import TextureSettings, Wrap
from taichi_softras.interop import kaolin as kal
from taichi_softras.interop.lighting import AmbientLight, DirectionalLight, SphericalHarmonics, shade, vertex_normals
from taichi_softras.interop.losses import color_l1
from taichi_softras.interop.textures import sample_texture
from taichi_softras.recover import save_picture

FOV, DISTANCE = 36.0, 3.6  # degrees; the object has radius 1
GREY = 0.5
WORDS = ("SHAPE", "PAINT", "LIGHT")  # on the embedded ring
TRUE_DIRECTION, WRONG_DIRECTION = (0.62, 0.58, 0.53), (-0.75, -0.05, 0.66)  # in camera space: x right, y up, z towards the camera
TRUE_AMBIENT, WRONG_AMBIENT = 0.3, 0.6
TRUE_LAMPS = (((0.62, 0.58, 0.53), 1.9), ((-0.9, 0.1, 0.4), 0.45), ((0.1, -1.0, 0.2), 0.25))  # direction and strength, besides 0.35 from everywhere
TEXTURE_RATE, LIGHT_RATE = 0.03, 0.1
VIEWS_AT_ONCE = 4  # pictures of a step
SMOOTHNESS = 5e-4  # weight of the squared differences between neighbouring texels; it fills what no picture shows
ENLARGED = 10  # times differences are shown
SEEN = 0.5  # a texel is seen if its bilinear weights in the fitted pictures add up to this


# --------------------------------------------------------------------------------------------------------------------------- the object


def painting(height: int, width: int) -> np.ndarray:
    """[height, width, 3]: smooth colours, checks, rings, and letters."""
    v, u = ((np.mgrid[0:height, 0:width] + 0.5) / np.array([height, width])[:, None, None]).astype(np.float32)
    phase = np.array([0.0, 2.1, 4.2], np.float32)
    picture = 0.55 + 0.3 * np.cos(2 * np.pi * u[..., None] + phase) + 0.1 * np.sin(4 * np.pi * v[..., None] + phase[::-1])
    picture = picture.clip(0.05, 0.95)
    checks = (np.floor(u * 32) + np.floor(v * 16)) % 2
    upper, lower = (v > 0.0) & (v < 0.125), (v > 0.75) & (v < 0.875)
    picture[upper] = np.where(checks[upper][:, None] > 0, (0.93, 0.9, 0.82), (0.12, 0.16, 0.3))
    from_middle = np.hypot((u * 10) % 1 - 0.5, (v - 0.8125) * 5)
    picture[lower] = (0.96, 0.93, 0.85)
    picture[lower & (from_middle < 0.3)] = (0.85, 0.2, 0.15)
    picture[lower & (from_middle < 0.15)] = (0.15, 0.2, 0.45)
    letters = Image.fromarray(np.round(picture * 255).astype(np.uint8))
    draw, font = ImageDraw.Draw(letters), ImageFont.load_default(size=max(6, round(height * 0.18)))
    for i, (word, ink) in enumerate(zip(WORDS, ((250, 248, 240), (15, 15, 30), (250, 248, 240)), strict=True)):
        draw.text((width * (i + 0.5) / len(WORDS), height * 0.45), word, fill=ink, font=font, anchor="mm")
    return np.asarray(letters, np.float32) / 255


def ring(texture: np.ndarray, around: int = 144, across: int = 64) -> tsr.Mesh:
    """A wavy ring; u runs around it and v around its tube, whose outer side is the middle of the texture."""
    i, j = np.meshgrid(np.arange(around), np.arange(across), indexing="ij")
    theta, phi = 2 * np.pi * i / around, 2 * np.pi * (j / across - 0.5)
    tube = 0.33 + 0.05 * np.cos(3 * theta)
    radius = 0.64 + tube * np.cos(phi)
    vertices = np.stack([radius * np.sin(theta), tube * np.sin(phi) + 0.09 * np.sin(3 * theta), radius * np.cos(theta)], -1).reshape(-1, 3)
    corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]  # counter-clockwise from outside
    quads = np.stack([a % around * across + b % across for a, b in corners], -1).reshape(-1, 4)
    uv_quads = np.stack([a * (across + 1) + b for a, b in corners], -1).reshape(-1, 4)
    uvs = np.stack(np.meshgrid(np.arange(around + 1) / around, np.arange(across + 1) / across, indexing="ij"), -1).reshape(-1, 2)
    faces, face_uvs = (np.concatenate([q[:, [0, 1, 2]], q[:, [0, 2, 3]]]) for q in (quads, uv_quads))
    return tsr.Mesh(vertices=vertices, faces=faces, uvs=uvs, face_uvs=face_uvs, texture=texture, wrap=Wrap.REPEAT).normalized()


def read_object(path: Path | None, texture_size: int) -> tsr.Mesh:
    """The embedded ring, or a file's mesh, its texture no wider or higher than ``texture_size``."""
    if path is None:
        return ring(painting(texture_size // 2, texture_size))
    mesh = tsr.Mesh.load(path)
    if mesh.texture is None or mesh.uvs is None:
        raise ValueError(f"the mesh must have texture coordinates and a texture, got none in {path}")
    picture = Image.fromarray(np.round(mesh.texture[..., :3].clip(0, 1) * 255).astype(np.uint8))
    picture.thumbnail((texture_size, texture_size), Image.Resampling.BOX)
    return replace(mesh.normalized(), texture=np.asarray(picture, np.float32) / 255)


# ---------------------------------------------------------------------------------------------------------------------------- the light


class SunAndSky(nn.Module):
    """Parallel light, and light from everywhere; together 1."""

    def __init__(self, direction: tuple[float, ...], ambient: float) -> None:
        super().__init__()
        self.towards = nn.Parameter(torch.tensor(direction))
        self.ambient_logit = nn.Parameter(torch.logit(torch.tensor(ambient)))

    def forward(self) -> list:
        ambient = torch.sigmoid(self.ambient_logit).expand(3)
        return [AmbientLight(color=ambient), DirectionalLight(direction=self.towards, color=1 - ambient)]

    @property
    def direction(self) -> torch.Tensor:
        return self.towards.detach()

    def described(self) -> dict:
        return {"direction": rounded(nn.functional.normalize(self.direction, dim=0)), "ambient": rounded(torch.sigmoid(self.ambient_logit))}


class Harmonics(nn.Module):
    """Light from all around: nine coefficients, of which the first is given."""

    def __init__(self, coefficients: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("strength", coefficients[:1].clone())
        self.others = nn.Parameter(coefficients[1:].clone())

    def forward(self) -> list:
        return [SphericalHarmonics(coefficients=torch.cat([self.strength, self.others]))]

    @property
    def direction(self) -> torch.Tensor:
        """Of the linear part, which is -c1 y + c2 z - c3 x."""
        y, z, x = self.others.detach()[:3]
        return torch.stack([-x, -y, z])

    def described(self) -> dict:
        return {"direction": rounded(nn.functional.normalize(self.direction, dim=0)), "coefficients": rounded(torch.cat([self.strength, self.others]))}


def harmonics_of(direction: torch.Tensor) -> torch.Tensor:
    """[9]: the real spherical harmonics (with the Condon-Shortley phase) in a direction: the coefficients of a lamp that is there."""
    x, y, z = nn.functional.normalize(direction, dim=0)
    a, b, c = math.sqrt(3 / (4 * math.pi)), math.sqrt(15 / (4 * math.pi)), math.sqrt(5 / (16 * math.pi))
    constant = x * 0 + math.sqrt(1 / (4 * math.pi))
    return torch.stack([constant, -a * y, a * z, -a * x, b * x * y, -b * y * z, c * (3 * z * z - 1), -b * x * z, b / 2 * (x * x - y * y)])


def lights(kind: str) -> tuple[nn.Module, nn.Module]:
    """The true light, and the one to begin with."""
    if kind == "directional":
        return SunAndSky(TRUE_DIRECTION, TRUE_AMBIENT), SunAndSky(WRONG_DIRECTION, WRONG_AMBIENT)
    everywhere = torch.zeros(9)
    everywhere[0] = 0.35 * math.sqrt(4 * math.pi)
    true = everywhere + sum(strength * harmonics_of(torch.tensor(direction)) for direction, strength in TRUE_LAMPS)
    wrong = 0.3 * true[0] * harmonics_of(torch.tensor(WRONG_DIRECTION))
    wrong[0], wrong[4:] = true[0], 0.0
    return Harmonics(true), Harmonics(wrong)


def angle(one: torch.Tensor, other: torch.Tensor) -> float:
    """Degrees between two directions."""
    return math.degrees(torch.atan2(torch.linalg.cross(one, other).norm(), one @ other).item())


# ------------------------------------------------------------------------------------------------------------------------- the renderer

Scene = tuple[torch.Tensor, nn.Module]  # texture and light


@dataclass(frozen=True)
class Pixels:
    """What the pixels of B pictures see of the object.

    Attributes:
        uvs: [N, 2] texture coordinates, of the N pixels that see it.
        normals: [N, 3] in camera space.
        covered: [B, S, S] which ones these are.
    """

    uvs: torch.Tensor
    normals: torch.Tensor
    covered: torch.Tensor

    def views(self) -> list["Pixels"]:
        """Each picture by itself."""
        counts = self.covered.sum((1, 2)).tolist()
        return [Pixels(*parts) for parts in zip(self.uvs.split(counts), self.normals.split(counts), self.covered[:, None], strict=True)]

    def pictures(self, colors: torch.Tensor, background: float = 1.0) -> torch.Tensor:
        """[B, S, S, 3], of colours [N, 3]."""
        result = torch.full((*self.covered.shape, 3), background)
        result[self.covered] = colors
        return result


def joined(parts: list[Pixels]) -> Pixels:
    return Pixels(*(torch.cat([getattr(part, name) for part in parts]) for name in ("uvs", "normals", "covered")))


def eyes(n: int, shift: float = 0.5) -> torch.Tensor:
    """[n, 3]: places spread evenly around the object, not too near to its poles."""
    k = np.arange(n) + shift
    height, azimuth = np.sin(1.25) * (1 - 2 * k / n), k * np.pi * (3 - np.sqrt(5)) + shift
    flat = np.sqrt(1 - height**2)
    return DISTANCE * torch.from_numpy(np.stack([flat * np.sin(azimuth), height, flat * np.cos(azimuth)], -1)).float()


def look(mesh: tsr.Mesh, places: torch.Tensor, size: int) -> Pixels:
    """DIB-R's foreground from each place: to turn the object before the camera, or the camera around it, is the same in camera space."""
    vertices, faces = torch.from_numpy(mesh.vertices)[None], torch.from_numpy(mesh.faces)
    face_uvs = kal.ops.mesh.index_vertices_by_faces(torch.from_numpy(mesh.uvs)[None], torch.from_numpy(mesh.faces if mesh.face_uvs is None else mesh.face_uvs))
    normals = vertex_normals(vertices[0], faces)[None]
    projection = kal.render.camera.generate_perspective_projection(math.radians(FOV))
    up, middle = torch.tensor([[0.0, 1.0, 0.0]]), torch.zeros(1, 3)
    parts = []
    for place in tqdm(places[:, None], desc="looking", leave=False, mininterval=0.1 if sys.stderr.isatty() else 60):
        rotation, position = kal.render.camera.generate_rotate_translate_matrices(place, middle, up)
        in_camera, in_image, face_normals = kal.render.mesh.prepare_vertices(vertices, faces, projection, rotation, position)
        features = [face_uvs, kal.ops.mesh.index_vertices_by_faces(normals @ rotation.transpose(1, 2), faces)]
        (uv, normal), face_index = kal.render.mesh.rasterize(
            size, size, in_camera[..., 2], in_image, features, valid_faces=face_normals[..., 2] >= 0, perspective=True
        )
        covered = face_index >= 0
        parts.append(Pixels(uv[covered], normal[covered], covered))
    return joined(parts)


def colors_of(texture: torch.Tensor, light: nn.Module, pixels: Pixels, settings: TextureSettings) -> torch.Tensor:
    """[N, 3]: the texture at each pixel, under the light."""
    return shade(sample_texture(texture, pixels.uvs, settings), pixels.normals, lights=light())


# ------------------------------------------------------------------------------------------------------------------------------ the fit


def roughness(texture: torch.Tensor) -> torch.Tensor:
    """The mean squared difference between neighbouring texels."""
    return (texture[1:] - texture[:-1]).square().mean() + (texture[:, 1:] - texture[:, :-1]).square().mean()


def l1(one: torch.Tensor, other: torch.Tensor) -> float:
    return (one - other).abs().mean().item()


class Measures:
    """What the experiment reports, of a texture and a light."""

    def __init__(self, true_texture: torch.Tensor, true_light: nn.Module, pixels: dict[str, Pixels], settings: TextureSettings) -> None:
        self.texture, self.light, self.pixels, self.settings = true_texture, true_light, pixels, settings
        with torch.no_grad():
            true_colors = {name: colors_of(true_texture, true_light, part, settings) for name, part in pixels.items()}
        self.colors = {name: (colors.clamp(0, 1) * 255).round() / 255 for name, colors in true_colors.items()}
        weights = torch.zeros_like(true_texture).requires_grad_()
        sample_texture(weights, pixels["train"].uvs, settings).sum().backward()
        self.seen = weights.grad[..., 0] >= SEEN

    def of_scene(self, texture: torch.Tensor, light: nn.Module) -> dict[str, float]:
        return {"texture_l1": l1(texture[self.seen], self.texture[self.seen]), "light_angle_degrees": angle(light.direction, self.light.direction)}

    @torch.no_grad()
    def all(self, texture: torch.Tensor, light: nn.Module) -> dict[str, float]:
        images = {f"image_l1_{name}": l1(colors_of(texture, light, part, self.settings), self.colors[name]) for name, part in self.pixels.items()}
        return self.of_scene(texture, light) | {"texture_l1_all_texels": l1(texture, self.texture)} | images


def fit(measures: Measures, light: nn.Module, steps: int) -> tuple[torch.Tensor, list[dict[str, float]]]:
    """The texture, and how it came about; ``light`` is changed."""
    views = measures.pixels["train"].views()
    targets = measures.colors["train"].split([len(view.uvs) for view in views])
    generator = torch.Generator().manual_seed(0)
    order: list[int] = []
    texture = torch.full_like(measures.texture, GREY, requires_grad=True)
    groups = [{"params": [texture], "rate": TEXTURE_RATE}, {"params": list(light.parameters()), "rate": LIGHT_RATE}]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-12)  # the gradient of a texel is one pixel's share of the mean
    curves = []
    bar = tqdm(range(steps), desc="fit", mininterval=0.1 if sys.stderr.isatty() else 60)
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * ((1 - step / steps) ** 1.5 + 0.005)
        if len(order) < VIEWS_AT_ONCE:
            order += torch.randperm(len(views), generator=generator).tolist()
        now, order = order[:VIEWS_AT_ONCE], order[VIEWS_AT_ONCE:]
        pixels, target = joined([views[i] for i in now]), torch.cat([targets[i] for i in now])
        colors = colors_of(texture, light, pixels, measures.settings)
        image_l1 = color_l1(colors[None, None], target[None, None])  # one long picture of the pixels that see the object
        curves.append({"image_l1": image_l1.item()} | measures.of_scene(texture.detach(), light))
        bar.set_postfix({name: f"{value:.4f}" for name, value in curves[-1].items()}, refresh=False)
        optimizer.zero_grad()
        (image_l1 + SMOOTHNESS * roughness(texture)).backward()
        optimizer.step()
        with torch.no_grad():
            texture.clamp_(0, 1)
    return texture.detach(), curves


# -------------------------------------------------------------------------------------------------------------------------- the results


def rounded(values: torch.Tensor) -> float | list[float]:
    return np.round(values.detach().double().numpy(), 4).tolist()


def placed(picture: torch.Tensor, height: int, width: int, border: int = 6) -> np.ndarray:
    """[height, width, 3]: a picture [H, W, 3] in the middle of white, as large as it can be."""
    scale = min((height - 2 * border) / picture.shape[0], (width - 2 * border) / picture.shape[1])
    h, w = (max(1, round(side * scale)) for side in picture.shape[:2])
    result = np.ones((height, width, 3), np.float32)
    scaled = Image.fromarray(np.round(picture.clamp(0, 1).numpy() * 255).astype(np.uint8)).resize((w, h), Image.Resampling.LANCZOS)
    top, left = (height - h) // 2, (width - w) // 2
    result[top : top + h, left : left + w] = np.asarray(scaled, np.float32) / 255
    return result


def ball(light: nn.Module, size: int) -> torch.Tensor:
    """[size, size, 3]: a white ball under the light."""
    line = torch.linspace(-1.25, 1.25, size)
    x, y = line.expand(size, size), -line[:, None].expand(size, size)
    inside = x * x + y * y < 1
    normals = torch.stack([x, y, (1 - x * x - y * y).clamp(min=0).sqrt()], -1)[inside]
    picture = torch.ones(size, size, 3)
    picture[inside] = shade(torch.ones_like(normals), normals, lights=light())
    return picture


@torch.no_grad()
def save_sheet(path: Path, mesh: tsr.Mesh, measures: Measures, scenes: list[Scene], places: torch.Tensor, size: int) -> None:
    """A row for the truth, one for each of ``scenes``, and one for how far the last is from the truth: objects, the light on a white ball, the texture."""
    pixels = look(mesh, places, 2 * size)

    def row(texture: torch.Tensor, light: nn.Module) -> tuple[torch.Tensor, ...]:
        views = pixels.pictures(colors_of(texture, light, pixels, measures.settings))
        halves = [picture.unflatten(0, (size, 2)).unflatten(2, (size, 2)).mean((1, 3)) for picture in views]
        return (*halves, ball(light, 2 * size), texture)

    rows = [row(measures.texture, measures.light), *(row(*scene) for scene in scenes)]
    rows.append(tuple(1 - ENLARGED * (one - other).abs() for one, other in zip(rows[0], rows[-1], strict=True)))
    height, width = measures.texture.shape[:2]
    widths = [size] * (len(places) + 1) + [min(2 * size, max(size, round(size * width / height)))]
    save_picture(path, np.concatenate([np.concatenate([placed(p, size, w) for p, w in zip(pictures, widths, strict=True)], 1) for pictures in rows]))


def save_curves(path: Path, curves: list[dict[str, float]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, left = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    left.plot([now["image_l1"] for now in curves], color="tab:blue", label="image L1, fitted pictures")
    left.plot([now["texture_l1"] for now in curves], color="tab:orange", label="texture L1, seen texels")
    left.set(xlabel="step", ylabel="L1", yscale="log")
    right = left.twinx()
    right.plot([now["light_angle_degrees"] for now in curves], color="tab:green", label="angle to the true light")
    right.set(ylabel="degrees", yscale="log")
    figure.legend(loc="outside upper center", ncols=3)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("mesh", nargs="?", type=Path, help="OBJ, GLB or glTF file with a texture; by default the embedded ring")
    parser.add_argument("--light", choices=("directional", "sh"), default="directional", help="(default: %(default)s)")
    parser.add_argument("--views", type=int, default=24, help="pictures that are fitted (default: %(default)s)")
    parser.add_argument("--held-out", type=int, default=6, help="pictures that only measure the result (default: %(default)s)")
    parser.add_argument("--size", type=int, default=192, help="side of the pictures, pixels (default: %(default)s)")
    parser.add_argument("--texture-size", type=int, default=320, help="longer side of the texture, texels (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=400, help="(default: %(default)s)")
    options = parser.parse_args()
    check_ranges(options, views=(2, 1000), held_out=(1, 1000), size=(16, 2048), texture_size=(16, 4096), steps=(1, 10**6))
    check_folder(options.out)
    mesh = read_object(options.mesh, options.texture_size)
    options.out.mkdir(parents=True, exist_ok=True)

    settings = TextureSettings(wrap=mesh.wrap or Wrap.REPEAT)
    places = {"train": eyes(options.views), "held_out": eyes(options.held_out, 0.31)}
    pixels = {name: look(mesh, where, options.size) for name, where in places.items()}
    if not all(len(part.uvs) for part in pixels.values()):
        raise ValueError("the object must be seen in the pictures, got faces that all turn their backs to the camera")
    true_light, wrong_light = lights(options.light)
    measures = Measures(torch.from_numpy(mesh.texture), true_light, pixels, settings)
    grey, light = torch.full_like(measures.texture, GREY), copy.deepcopy(wrong_light)
    before = measures.all(grey, wrong_light)
    began = time.monotonic()
    texture, curves = fit(measures, light, options.steps)
    seconds = time.monotonic() - began
    after = measures.all(texture, light)

    save_picture(options.out / "texture.png", texture.numpy())
    replace(mesh, texture=texture.numpy()).save(options.out / "recovered.glb")
    save_sheet(options.out / "sheet.png", mesh, measures, [(grey, wrong_light), (texture, light)], places["held_out"][1:5], options.size)
    if importlib.util.find_spec("matplotlib") is None:
        print("curves.png is left out: matplotlib is not installed")
    else:
        save_curves(options.out / "curves.png", curves)
    metrics = {
        "light": options.light,
        "before": {name: round(value, 5) for name, value in before.items()},
        "after": {name: round(value, 5) for name, value in after.items()},
        "true_light": true_light.described(),
        "found_light": light.described(),
        "texels_seen": round(measures.seen.float().mean().item(), 4),
        "pictures": {"train": options.views, "held_out": options.held_out, "size": options.size, "pixels_fitted": len(pixels["train"].uvs)},
        "steps": options.steps,
        "seconds": round(seconds, 1),
        "seconds_per_step": round(seconds / options.steps, 4),
    }
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")

    def row(name: str, what: str, digits: int = 4) -> str:
        return f"{what:<44}{before[name]:9.{digits}f}  ->{after[name]:9.{digits}f}"

    print(
        f"From grey and a wrong light, {options.steps} steps in {seconds:.0f} s. L1 over colours in [0, 1]; the light's strength is given, nothing is rescaled."
    )
    print(row("texture_l1", f"texture L1, the {metrics['texels_seen']:.1%} of texels that are seen"))
    print(row("texture_l1_all_texels", "texture L1, all texels"))
    print(row("image_l1_train", f"image L1 on the object, {options.views} fitted pictures"))
    print(row("image_l1_held_out", f"image L1 on the object, {options.held_out} held-out pictures"))
    print(row("light_angle_degrees", "angle to the true light, degrees", 2))
    print(f"sheet.png, texture.png, recovered.glb and metrics.json are in {options.out}")


if __name__ == "__main__":
    run_program("dibr_texture_light", main)
