"""SoftRas's deformation demo: a sphere becomes what 120 silhouettes show.

Two recipes from the same pictures:

* ``softras``: the published one, written against the drop-in as a user of SoftRas writes it. Negative IoU + 0.03 Laplacian + 0.0003 flatten, Adam, 2000
  iterations over all pictures, sigma 1e-4.
* ``large_steps``: ours, `taichi_softras.Fit`: the sphere is made anew as it moves, sigma shrinks, the gradient is preconditioned.

    python demos/softras_deform.py -o out/deform                         # an embedded target, seen by the published cameras
    python demos/softras_deform.py -o out/deform --views FOLDER          # SoftRas's own: source.npy [N, 4, H, W] and camera.npy [N, 3]

OUT then holds mesh.obj, sheet.png (pictures, result) and metrics.json. Ctrl-C ends it after the step at hand; the same command goes on.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from program import GOES_ON, program_parser, run_program
from torch import nn
from tqdm import tqdm
from training import read_state, write_state

import taichi_softras as tsr
from taichi_softras.interop import soft_renderer as sr
from taichi_softras.interrupting import noting_interrupts
from taichi_softras.recover import Fit, FitOptions, Start, Views, save_picture
from taichi_softras.recover.metrics import chamfer_distance, silhouette_iou
from taichi_softras.scene import creature

VIEWING_ANGLE = 15  # half of the field of view, degrees
SIGMA = 1e-4
SAVE_EVERY = 50


class Model(nn.Module):
    """The template's vertices, moved one by one and all together."""

    def __init__(self, template: sr.Mesh) -> None:
        super().__init__()
        self.register_buffer("vertices", template.vertices * 0.5)
        self.register_buffer("faces", template.faces)
        self.displace = nn.Parameter(torch.zeros_like(self.vertices))
        self.center = nn.Parameter(torch.zeros(1, 1, 3))
        self.laplacian_loss = sr.LaplacianLoss(self.vertices[0], self.faces[0])
        self.flatten_loss = sr.FlattenLoss(self.faces[0])

    def forward(self, batch_size: int) -> tuple[sr.Mesh, torch.Tensor, torch.Tensor]:
        base = torch.log(self.vertices.abs() / (1 - self.vertices.abs()))
        centroid = torch.tanh(self.center)
        vertices = torch.sigmoid(base + self.displace) * torch.sign(self.vertices)
        vertices = torch.relu(vertices) * (1 - centroid) - torch.relu(-vertices) * (centroid + 1) + centroid
        mesh = sr.Mesh(vertices.repeat(batch_size, 1, 1), self.faces.repeat(batch_size, 1, 1))
        return mesh, self.laplacian_loss(vertices).mean(), self.flatten_loss(vertices).mean()


def neg_iou_loss(predict: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    intersect = (predict * target).sum((1, 2))
    union = (predict + target - predict * target).sum((1, 2)) + 1e-6
    return 1.0 - (intersect / union).mean()


def soft_renderer(cameras: np.ndarray, image_size: int, sigma: float) -> sr.SoftRenderer:
    renderer = sr.SoftRenderer(image_size=image_size, sigma_val=sigma, aggr_func_rgb="hard", camera_mode="look_at", viewing_angle=VIEWING_ANGLE)
    renderer.transform.set_eyes_from_angles(*torch.from_numpy(cameras.astype(np.float32)).unbind(1))
    return renderer


def fit_softras(pictures: np.ndarray, cameras: np.ndarray, template: sr.Mesh, iterations: int, state: Path, interrupted: list[bool]) -> sr.Mesh | None:
    """The published protocol; of all iterations, the mesh with the lowest loss. None if it was ``interrupted``."""
    model = Model(template)
    renderer = soft_renderer(cameras, pictures.shape[-1], SIGMA)
    optimizer = torch.optim.Adam(model.parameters(), 0.01, betas=(0.5, 0.99))
    first, lowest_loss, best = 0, float("inf"), model.vertices
    if state.is_file():
        saved = read_state(state, {"model", "optimizer", "iteration", "lowest_loss", "best"}, "fit")
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first, lowest_loss, best = saved["iteration"], saved["lowest_loss"], saved["best"]
    images_gt = torch.from_numpy(pictures)
    bar = tqdm(range(first, iterations), initial=first, total=iterations, desc="softras", mininterval=0.1 if sys.stderr.isatty() else 60)
    for i in bar:
        mesh, laplacian_loss, flatten_loss = model(len(pictures))
        images_pred = renderer.render_mesh(mesh)
        loss = neg_iou_loss(images_pred[:, 3], images_gt[:, 3]) + 0.03 * laplacian_loss + 0.0003 * flatten_loss
        if loss.item() < lowest_loss:
            lowest_loss, best = loss.item(), mesh.vertices[:1].detach().clone()
        bar.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if interrupted or i % SAVE_EVERY == SAVE_EVERY - 1:
            now = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "iteration": i + 1, "lowest_loss": lowest_loss, "best": best}
            write_state(state, now)
        if interrupted:
            return None
    return sr.Mesh(best, model.faces)


def fit_large_steps(pictures: np.ndarray, cameras: np.ndarray, iterations: int, state: Path, interrupted: list[bool]) -> sr.Mesh | None:
    """Our recipe. None if it was ``interrupted``."""
    # SoftRas's world is left-handed: its z is the other way round.
    camera = tsr.Camera.orbit(*cameras.T, fov=2 * VIEWING_ANGLE)
    names = tuple(str(i) for i in range(len(pictures)))
    views = Views(alpha=pictures[:, 3], color=np.full_like(pictures[:, :3].transpose(0, 2, 3, 1), 0.5), camera=camera, names=names)
    fit = Fit.load(state, views) if state.is_file() else Fit(views, FitOptions(start=Start.SPHERE, steps=iterations, smoothness=1.0, color_weight=0.0))
    with tqdm(total=iterations, initial=len(fit.losses), desc="large_steps", mininterval=0.1 if sys.stderr.isatty() else 60) as bar:
        while not fit.done:
            loss = fit.step()
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            bar.update()
            if interrupted or len(fit.losses) % SAVE_EVERY == 0:
                fit.save(state)
            if interrupted:
                return None
    mesh = fit.best
    return sr.Mesh(mesh.vertices * np.float32([1, 1, -1]), mesh.faces[:, [0, 2, 1]])


ITERATIONS = {"softras": 2000, "large_steps": 1200}


def silhouettes(mesh: sr.Mesh, cameras: np.ndarray, image_size: int) -> dict[str, np.ndarray]:
    """The mesh seen by every camera: with hard edges, and with soft ones."""
    batch = sr.Mesh(mesh.vertices.expand(len(cameras), -1, -1), mesh.faces.expand(len(cameras), -1, -1))
    soft, hard = soft_renderer(cameras, image_size, SIGMA), soft_renderer(cameras, image_size, SIGMA)
    hard.rasterizer.dist_func = hard.rasterizer.aggr_func_alpha = "hard"
    with torch.no_grad():
        return {name: renderer.render_mesh(batch)[:, 3].numpy() for name, renderer in (("hard", hard), ("soft", soft))}


def our_mesh(mesh: sr.Mesh) -> tsr.Mesh:
    return tsr.Mesh(vertices=mesh.vertices[0].detach().numpy(), faces=mesh.faces[0].numpy())


def read_views(folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """(pictures [N, 4, H, W] in [0, 1], cameras [N, 3]: distance, elevation and azimuth) of a folder, or of the embedded target."""
    if folder is not None:
        pictures, cameras = np.load(folder / "source.npy"), np.load(folder / "camera.npy")
        if pictures.ndim != 4 or pictures.shape[1] != 4 or pictures.shape[2] != pictures.shape[3] or cameras.shape != (len(pictures), 3):
            raise ValueError(f"source.npy and camera.npy must have shapes (N, 4, S, S) and (N, 3), got {pictures.shape} and {cameras.shape}")
        return pictures.astype(np.float32) / 255, cameras
    target = creature(4)
    mesh = sr.Mesh(target.vertices * 0.45, target.faces)
    cameras = np.array([(2.732, elevation, -azimuth) for elevation in range(-60, 61, 30) for azimuth in range(0, 360, 15)], np.float64)
    alpha = silhouettes(mesh, cameras, 64)["hard"]
    return np.repeat(alpha[:, None], 4, 1), cameras


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--recipe", choices=ITERATIONS, default="softras")
    parser.add_argument("--views", type=Path, help="folder with source.npy and camera.npy")
    parser.add_argument("--template", type=Path, help="OBJ file of a sphere of radius 1, for the recipe softras (default: an icosphere of 2,562 vertices)")
    parser.add_argument("--reference", type=Path, help="OBJ file: the Chamfer distance to it is printed")
    parser.add_argument("--iterations", type=int, help="default: 2000 (softras), 1200 (large_steps)")
    options = parser.parse_args()
    pictures, cameras = read_views(options.views)
    iterations = options.iterations or ITERATIONS[options.recipe]
    options.out.mkdir(parents=True, exist_ok=True)
    state = options.out / f"{options.recipe}.state"

    began = time.monotonic()
    with noting_interrupts() as interrupted:
        if options.recipe == "softras":
            sphere = tsr.Mesh.icosphere(4)
            template = sr.Mesh.from_obj(options.template) if options.template else sr.Mesh(sphere.vertices, sphere.faces)
            mesh = fit_softras(pictures, cameras, template, iterations, state, interrupted)
        else:
            mesh = fit_large_steps(pictures, cameras, iterations, state, interrupted)
    if mesh is None:
        sys.exit(GOES_ON)
    seconds = time.monotonic() - began

    result = silhouettes(mesh, cameras, pictures.shape[-1])
    hard, soft = silhouette_iou(result["hard"], pictures[:, 3]), silhouette_iou(result["soft"], pictures[:, 3], threshold=None)
    metrics = {"recipe": options.recipe, "iterations": iterations, "iou_hard": hard.mean(), "iou_hard_worst": hard.min(), "iou_soft": soft.mean()}
    if options.reference:
        metrics["chamfer_distance"] = chamfer_distance(our_mesh(mesh), tsr.Mesh.load(options.reference))
    metrics["seconds"] = round(seconds, 1)
    mesh.save_obj(options.out / "mesh.obj")
    rows = [np.concatenate(list(images[:: max(1, len(images) // 12)][:12]), axis=1) for images in (pictures[:, 3], result["soft"])]
    save_picture(options.out / "sheet.png", np.repeat(np.concatenate(rows)[..., None], 3, axis=2))
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    run_program("softras_deform", main)
