"""A body is bent until it looks like one picture, in which a hand is where it was hidden before (SoftRas's experiment on SMPL).

At the start the right hand is behind the back; in the picture it lies on the belly. The same fit is made twice, with the same start, prior, schedule and steps:

* with gradient to hidden triangles: colours are mixed softly in depth (`Blending.SOFTMAX`), gamma from far to near;
* without: the nearest triangle alone gives its colour (`Blending.HARD`). The silhouette has its soft gradient in both.

    python demos/body.py -o out/body                                # a body that this program makes
    python demos/body.py -o out/body --quick                        # smaller and shorter
    python demos/body.py -o out/smpl --smplx-model FOLDER           # SMPL, from model files that you have

Pose (72 numbers), shape and place across the picture are found. The camera and the colours of the parts are known, and how far away the body is (one picture
does not tell it from its size). Besides the given start there are some perturbed ones (``--perturbed``).

OUT then holds sheet.png and fit.gif (both fits, from the front and from the side), curves.png (the error of the hand, step by step) and
metrics.json. It may be interrupted at any time; the same command goes on.

The prior, the same in both: 1) trunk and legs are pulled towards standing upright, arms, neck and head a little towards where they were at the start; 2) a
penalty on leaving the range that a joint has: elbows and knees are hinges, others have a box around rest (`LIMITS`); 3) the shape is pulled towards the mean.
"""

import argparse
import importlib.util
import json
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from body_model import JOINTS, RIGHT_HAND, Body, ProceduralBody, SMPLBody
from PIL import Image, ImageDraw, ImageFont
from program import check_folder, check_ranges, program_parser, run_program
from scipy.spatial.transform import Rotation
from tqdm import tqdm
from training import read_state, write_state

import taichi_softras as tsr
from taichi_softras.interop import render
from taichi_softras.recover import render_views, save_animation, save_picture

FOV, DISTANCE, ELEVATION = 30.0, 2.1, 5.0  # degrees; heights of the body; degrees
DEPTH = 0.4  # near and far are so many heights before and behind the body
BACKGROUND = (1.0, 1.0, 1.0)
RUNS = {"with": tsr.Blending.SOFTMAX, "without": tsr.Blending.HARD}  # gradient to hidden triangles
SIGMA, GAMMA = (3e-4, 1e-5), (1e-1, 1e-3)  # at the start and at the end
POSE_RATE, SHAPE_RATE, PLACE_RATE = 0.03, 0.03, 0.004
COLOR_WEIGHT, UPRIGHT_WEIGHT, START_WEIGHT, LIMIT_WEIGHT, SHAPE_WEIGHT = 1.0, 0.1, 1e-3, 0.1, 5e-3
POSE_NOISE, SHAPE_NOISE, PLACE_NOISE = 5.0, 0.3, 0.01  # of the perturbed starts: degrees, units of the coefficients, heights
ARRIVED = 10.0  # centimetres
SAVE_EVERY = 10
Parameters = dict[str, torch.Tensor]


# ------------------------------------------------------------------------------------------------------------------------------- the scene


def arm(side: int, upper: tuple[float, float, float], fore: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Shoulder and elbow, axis times angle, that point the upper arm and the forearm in two directions; ``side`` is 1 for the left arm, -1 for the right.

    At rest the arm lies along the x axis, and the elbow bends about the y axis, forwards.
    """
    along, towards = (np.array(v) / np.linalg.norm(v) for v in (upper, fore))
    bend = np.arccos(along @ towards)
    hinge = np.cross(along, towards) / np.sin(bend)
    rest = np.stack([[side, 0, 0], [0, -side, 0], np.cross([side, 0, 0], [0, -side, 0])], -1)
    turned = np.stack([along, hinge, np.cross(along, hinge)], -1)
    return Rotation.from_matrix(turned @ rest.T).as_rotvec(), np.array([0, -side * bend, 0])


def standing(**joints: tuple[float, float, float]) -> np.ndarray:
    """[24, 3] radians, from degrees per joint; the arms hang."""
    given = {"left_shoulder": (0, 0, -68), "right_shoulder": (0, 0, 68), "left_elbow": (0, -15, 0), "right_elbow": (0, 15, 0)} | joints
    angles = np.zeros((len(JOINTS), 3))
    for name, degrees in given.items():
        angles[JOINTS.index(name)] = np.radians(degrees)
    return angles


def arm_behind() -> np.ndarray:
    result = standing()
    result[JOINTS.index("right_shoulder")], result[JOINTS.index("right_elbow")] = arm(-1, (-0.42, -0.85, -0.22), (0.86, -0.20, -0.42))
    return result


def arm_before() -> np.ndarray:
    result = standing(head=(5, 22, 0), left_shoulder=(0, 0, -56), left_elbow=(0, -40, 0), left_hip=(0, 0, 5), right_hip=(0, 0, -4), right_wrist=(0, 0, 30))
    result[JOINTS.index("right_shoulder")], result[JOINTS.index("right_elbow")] = arm(-1, (-0.42, -0.87, 0.05), (0.78, -0.18, 0.60))
    return result


REST_POSE = standing()
FREE = [i for i, name in enumerate(JOINTS) if name.endswith(("shoulder", "elbow", "wrist", "hand", "neck", "head"))]
LIMITS = {  # degrees from and to, about x, y and z; sides are mirrored
    "spine1": ((-30, 60), (-30, 30), (-25, 25)), "spine2": ((-20, 30), (-25, 25), (-20, 20)), "spine3": ((-20, 30), (-25, 25), (-20, 20)),
    "neck": ((-30, 40), (-45, 45), (-30, 30)), "head": ((-30, 40), (-45, 45), (-30, 30)),
    "left_hip": ((-120, 40), (-45, 45), (-30, 60)), "left_knee": ((0, 150), (-5, 5), (-5, 5)), "left_ankle": ((-40, 40), (-20, 20), (-20, 20)),
    "left_foot": ((-20, 20), (-5, 5), (-5, 5)), "left_collar": ((-15, 15), (-20, 20), (-15, 25)), "left_shoulder": ((-150, 150), (-150, 110), (-120, 100)),
    "left_elbow": ((-60, 60), (-150, 0), (-10, 10)), "left_wrist": ((-20, 20), (-30, 30), (-70, 70)), "left_hand": ((-5, 5), (-5, 5), (-5, 5)),
}  # fmt: skip


def limits() -> torch.Tensor:
    """[2, 24, 3] radians, lowest and highest."""
    result = np.radians(np.stack([np.full((len(JOINTS), 3), -360.0), np.full((len(JOINTS), 3), 360.0)]))
    for name, ranges in LIMITS.items():
        low, high = np.radians(ranges).T
        result[:, JOINTS.index(name)] = low, high
        if name.startswith("left"):  # a mirror image turns about y and z the other way round
            result[:, JOINTS.index(name.replace("left", "right"))] = np.array([low[0], -high[1], -high[2]]), np.array([high[0], -low[1], -low[2]])
    return torch.from_numpy(result).float()


def target_parameters(n_shape: int) -> Parameters:
    shape = np.zeros((1, n_shape))
    shape[0, : min(n_shape, 4)] = np.array([0.6, 0.8, -0.5, 0.5])[:n_shape]
    return tensors(arm_before()[None], shape, np.array([[0.02, 0.0]]))


def tensors(pose: np.ndarray, shape: np.ndarray, place: np.ndarray) -> Parameters:
    return {name: torch.from_numpy(values).float() for name, values in (("pose", pose), ("shape", shape), ("place", place))}


def bent(body: Body, parameters: Parameters) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices [B, V, 3] and joints [B, 24, 3]. Place [B, 2] is right and up."""
    place = torch.nn.functional.pad(parameters["place"], (0, 1))
    return body(parameters["pose"], parameters["shape"], place)


class Scene:
    """The body, the camera before it, and the picture.

    Attributes:
        unit: world units of a centimetre, if the body is 1.7 m high.
        color [size, size, 3], alpha [size, size]: the picture.
        hand: [3] where the right hand is in it.
        vertices: [V, 3] the true ones.
    """

    def __init__(self, body: Body, size: int) -> None:
        self.body, self.size = body, size
        self.unit = body.height / 170
        rest = bent(body, tensors(REST_POSE[None], np.zeros((1, body.n_shape)), np.zeros((1, 2))))[0][0].numpy()
        self.middle = (rest.min(0) + rest.max(0)) / 2
        self.camera = self.camera_at(0)
        vertices, joints = bent(body, target_parameters(body.n_shape))
        self.vertices, self.hand = vertices[0], joints[0, RIGHT_HAND]
        mesh = tsr.Mesh(vertices=vertices[0].numpy(), faces=body.faces.numpy(), colors=body.colors.numpy())
        picture = render_views(mesh, self.camera, (size, size), ("picture",))
        self.color, self.alpha = torch.from_numpy(picture.over_white()[0]).float(), torch.from_numpy(picture.alpha[0]).float()

    def camera_at(self, azimuth: float) -> tsr.Camera:
        return tsr.Camera.orbit(DISTANCE * self.body.height, ELEVATION, azimuth, fov=FOV, target=self.middle)

    def settings(self, blending: tsr.Blending, done: float) -> tsr.RasterizeSettings:
        """From soft (``done`` = 0) to sharp (1)."""
        sigma, gamma = (soft ** (1 - done) * sharp**done for soft, sharp in (SIGMA, GAMMA))
        near, far = ((DISTANCE + side * DEPTH) * self.body.height for side in (-1, 1))
        return tsr.RasterizeSettings(sigma=sigma, gamma=gamma, near=near, far=far, blending=blending)

    def hand_is_seen(self, parameters: Parameters) -> bool:
        """Whether any of the right hand is, in a picture of twice the size."""
        is_hand = torch.isin(self.body.parts, torch.tensor([JOINTS.index("right_wrist"), RIGHT_HAND])).float()
        settings = replace(self.settings(tsr.Blending.HARD, 1), sigma=1e-7)
        vertices = bent(self.body, parameters)[0]
        image = render(vertices, self.body.faces, self.camera, is_hand[:, None].expand(-1, 3), settings=settings, image_size=2 * self.size)
        return bool(image.color.max() > 0)


def start_parameters(scene: Scene, perturbed: int, seed: int) -> Parameters:
    """The given start, and ``perturbed`` random ones around it in which the hand is hidden, too."""
    rng, n_shape, starts = np.random.default_rng(seed), scene.body.n_shape, [tensors(arm_behind()[None], np.zeros((1, scene.body.n_shape)), np.zeros((1, 2)))]
    for _ in range(100 * perturbed):
        pose = arm_behind() + np.radians(POSE_NOISE) * rng.normal(size=(len(JOINTS), 3))
        shape, place = SHAPE_NOISE * rng.normal(size=(1, n_shape)), PLACE_NOISE * scene.body.height * rng.normal(size=(1, 2))
        start = tensors(pose[None], shape, place)
        if len(starts) <= perturbed and not scene.hand_is_seen(start):
            starts.append(start)
    if len(starts) <= perturbed:
        raise ValueError(f"only {len(starts) - 1} of {100 * perturbed} random starts hide the hand, expected {perturbed}")
    return {name: torch.cat([start[name] for start in starts]) for name in starts[0]}


# --------------------------------------------------------------------------------------------------------------------------------- the fit


def prior(parameters: Parameters, start_pose: torch.Tensor, ranges: torch.Tensor) -> torch.Tensor:
    """[B]: see the top of this file. ``start_pose`` [B, 24, 3]."""
    pose = parameters["pose"]
    towards, weight = torch.from_numpy(REST_POSE).to(pose).expand_as(pose).clone(), torch.full_like(pose, UPRIGHT_WEIGHT)
    towards[:, FREE], weight[:, FREE] = start_pose[:, FREE], START_WEIGHT
    beyond = (ranges[0] - pose).clamp(min=0) + (pose - ranges[1]).clamp(min=0)
    pull, limit = (weight * (pose - towards).square()).sum((1, 2)), beyond.square().sum((1, 2))
    return pull + LIMIT_WEIGHT * limit + SHAPE_WEIGHT * parameters["shape"].square().sum(1)


def losses(scene: Scene, vertices: torch.Tensor, settings: tsr.RasterizeSettings) -> tuple[torch.Tensor, torch.Tensor]:
    """[B] 1 - IoU of the silhouettes, and [B] the L1 difference of colours in units of the silhouette's area."""
    camera = replace(scene.camera, **{name: np.repeat(getattr(scene.camera, name), len(vertices), 0) for name in ("camera_from_world", "intrinsics")})
    image = render(vertices, scene.body.faces, camera, scene.body.colors, background=BACKGROUND, settings=settings, image_size=scene.size)
    both = (image.alpha * scene.alpha).sum((1, 2))
    either = (image.alpha + scene.alpha).sum((1, 2)) - both
    return 1 - both / either, (image.color - scene.color).abs().mean(3).sum((1, 2)) / scene.alpha.sum()


class Fit:
    """One of the two runs, for all starts at once; nothing passes from one start to another.

    Attributes:
        parameters: [B, ...] each.
        path: where its state is kept.
        history: parameters [B, P] before each step and after the last.
        curves: of each step [B, 4]: loss, 1 - IoU, colour difference, centimetres from the hand to where it is in the picture.
    """

    def __init__(self, scene: Scene, start: Parameters, blending: tsr.Blending, steps: int, path: Path, told: str) -> None:
        self.scene, self.blending, self.steps, self.path, self.told = scene, blending, steps, path, told
        self.parameters = {name: values.clone().requires_grad_() for name, values in start.items()}
        self.rates = (POSE_RATE, SHAPE_RATE, PLACE_RATE * scene.body.height)
        self.optimizer = torch.optim.Adam([{"params": [values]} for values in self.parameters.values()], betas=(0.9, 0.95), foreach=False)
        self.history: list[torch.Tensor] = []
        self.curves: list[torch.Tensor] = []
        self.start_pose, self.ranges = start["pose"], limits()
        if path.is_file():
            self.load()

    def load(self) -> None:
        state = read_state(self.path, {"told", "parameters", "optimizer", "history", "curves"}, "fit")
        if state["told"] != self.told:
            raise ValueError(f"OUT must be another folder where the options are others: {self.path} is of {state['told']}, got {self.told}")
        with torch.no_grad():
            for name, values in state["parameters"].items():
                self.parameters[name].copy_(values)
        self.optimizer.load_state_dict(state["optimizer"])
        self.history, self.curves = list(state["history"]), list(state["curves"])

    def save(self) -> None:
        state = {
            "told": self.told,
            "parameters": {name: values.detach() for name, values in self.parameters.items()},
            "optimizer": self.optimizer.state_dict(),
            "history": torch.stack(self.history),
            "curves": torch.stack(self.curves),
        }
        write_state(self.path, state)

    def flat(self) -> torch.Tensor:
        return torch.cat([values.detach().flatten(1) for values in self.parameters.values()], 1)

    def at(self, step: int, start: int) -> Parameters:
        """The parameters of one start before that step, or after the last."""
        sizes = [values[0].numel() for values in self.parameters.values()]
        parts = self.history[step][start : start + 1].split(sizes, 1)
        return {name: part.reshape(1, *self.parameters[name].shape[1:]) for name, part in zip(self.parameters, parts, strict=True)}

    @torch.enable_grad()
    def step(self) -> None:
        done = len(self.curves) / max(1, self.steps - 1)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * (0.5 + 0.5 * math.cos(math.pi * done)) + 0.01 * rate
        self.history = self.history or [self.flat()]
        vertices, joints = bent(self.scene.body, self.parameters)
        silhouette, color = losses(self.scene, vertices, self.scene.settings(self.blending, done))
        total = silhouette + COLOR_WEIGHT * color + prior(self.parameters, self.start_pose, self.ranges)
        self.optimizer.zero_grad()
        total.sum().backward()
        self.optimizer.step()
        hand = (joints[:, RIGHT_HAND] - self.scene.hand).norm(dim=1) / self.scene.unit
        self.curves.append(torch.stack([total, silhouette, color, hand], 1).detach())
        self.history.append(self.flat())

    def run(self, name: str) -> None:
        bar = tqdm(total=self.steps, initial=len(self.curves), desc=name, mininterval=0.1 if sys.stderr.isatty() else 20)
        while len(self.curves) < self.steps:
            self.step()
            if len(self.curves) % SAVE_EVERY == 0 or len(self.curves) == self.steps:
                self.save()
            bar.set_postfix(hand_cm=f"{self.curves[-1][:, 3].mean().item():.1f}", loss=f"{self.curves[-1][:, 0].mean().item():.4f}", refresh=False)
            bar.update()
        bar.close()

    def measured(self) -> dict[str, list[float]]:
        """What came out, for each start."""
        first, last = (dict(zip(self.parameters, self.split(step), strict=True)) for step in (0, -1))
        (_, before), (vertices, after) = bent(self.scene.body, first), bent(self.scene.body, last)
        belly = after[:, JOINTS.index("spine1"), 2]

        def centimetres(distances: torch.Tensor) -> list[float]:
            return np.round((distances / self.scene.unit).double().numpy(), 2).tolist()

        return {
            "hand_cm_start": centimetres((before[:, RIGHT_HAND] - self.scene.hand).norm(dim=1)),
            "hand_cm": centimetres((after[:, RIGHT_HAND] - self.scene.hand).norm(dim=1)),
            "hand_before_the_spine_cm": centimetres(after[:, RIGHT_HAND, 2] - belly),
            "vertices_cm": centimetres((vertices - self.scene.vertices).norm(dim=2).mean(1)),
            "one_minus_iou": np.round(self.curves[-1][:, 1].double().numpy(), 4).tolist(),
            "color_l1": np.round(self.curves[-1][:, 2].double().numpy(), 4).tolist(),
        }

    def split(self, step: int) -> list[torch.Tensor]:
        sizes = [values[0].numel() for values in self.parameters.values()]
        parts = self.history[step].split(sizes, 1)
        return [part.reshape(len(part), *values.shape[1:]) for part, values in zip(parts, self.parameters.values(), strict=True)]


# ------------------------------------------------------------------------------------------------------------------------------ the results


class Photographer:
    """Pictures of the body that people look at: lit, from the front and from the right side."""

    def __init__(self, scene: Scene, height: int) -> None:
        self.scene, self.height, self.width = scene, height, round(height * 0.72)
        self.cameras = {"front": scene.camera_at(0), "side": scene.camera_at(-90)}

    def __call__(self, vertices: torch.Tensor, where: str) -> np.ndarray:
        """[height, width, 3] of vertices [V, 3]."""
        body = self.scene.body
        corners = vertices[body.faces]
        across = torch.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], dim=1)
        normals = torch.nn.functional.normalize(torch.zeros_like(vertices).index_add_(0, body.faces.flatten(), across.repeat_interleave(3, 0)), dim=1)
        towards = torch.tensor([-0.35, 0.55, 0.75])
        light = 0.62 + 0.42 * (normals @ (towards / towards.norm())).clamp(min=-0.3)
        mesh = tsr.Mesh(vertices=vertices.numpy(), faces=body.faces.numpy(), colors=(body.colors * light[:, None]).clamp(0, 1).numpy())
        square = render_views(mesh, self.cameras[where], (self.height, self.height), (where,), samples=2).over_white()[0]
        left = (self.height - self.width) // 2
        return square[:, left : left + self.width]

    def of(self, fit: Fit, step: int, where: str, start: int = 0) -> np.ndarray:
        return self(bent(self.scene.body, fit.at(step, start))[0][0], where)


def labelled(picture: np.ndarray, text: str, height: int = 16) -> np.ndarray:
    """The picture below a line of text."""
    strip = Image.new("RGB", (picture.shape[1], height), "white")
    ImageDraw.Draw(strip).text((picture.shape[1] / 2, height / 2), text, fill="black", font=ImageFont.load_default(size=height * 0.62), anchor="mm")
    return np.concatenate([np.asarray(strip, np.float32) / 255, picture])


def save_sheet(path: Path, scene: Scene, fits: dict[str, Fit], height: int = 200, columns: int = 5) -> None:
    """Two rows for each fit, from the front and from the side: the start, on the way, the end, the truth."""
    photographer, steps = Photographer(scene, height), next(iter(fits.values())).steps
    shown = np.unique(np.round(np.linspace(0, 1, columns + 1) ** 1.5 * steps).astype(int)).tolist()
    rows = []
    for name, fit in fits.items():
        for where in ("front", "side"):
            title = f"{name} hidden gradient" if where == "front" else "from the side"
            pictures = [labelled(photographer.of(fit, step, where), title if step == 0 else f"step {step}") for step in shown]
            rows.append(np.concatenate([*pictures, labelled(photographer(scene.vertices, where), "target")], 1))
    save_picture(path, np.concatenate(rows))


def save_film(path: Path, scene: Scene, fits: dict[str, Fit], height: int = 140, frames: int = 24) -> None:
    photographer, steps = Photographer(scene, height), next(iter(fits.values())).steps
    target = labelled(photographer(scene.vertices, "front"), "target")
    pictures = []
    shown = np.unique(np.round(np.linspace(0, 1, frames) ** 1.3 * steps).astype(int)).tolist()
    for step in tqdm(shown, desc="film", mininterval=0.1 if sys.stderr.isatty() else 20):
        row = []
        for name, fit in fits.items():
            row += [labelled(photographer.of(fit, step, where), f"{name}, {where}") for where in ("front", "side")]
        pictures.append(np.concatenate([target, *row], 1))
    save_animation(path, [*pictures, *[pictures[-1]] * 10], seconds=5)


def save_curves(path: Path, fits: dict[str, Fit]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for color, (name, fit) in zip(("tab:blue", "tab:red"), fits.items(), strict=True):
        curves = torch.stack(fit.curves).numpy()
        for axis, values in zip(axes, (curves[..., 3], curves[..., 2]), strict=True):
            axis.plot(values[:, 0], color=color, label=f"{name} gradient to hidden triangles")
            axis.plot(values[:, 1:], color=color, linewidth=0.6, alpha=0.6)
    axes[0].set(xlabel="step", ylabel="hand, centimetres from its place", ylim=(0, None))
    axes[1].set(xlabel="step", ylabel="difference of colours (L1 / area of the body)", yscale="log")
    axes[0].legend(title="bold: the given start; thin: perturbed ones", fontsize=8, title_fontsize=8)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def summary(measured: dict[str, list[float]]) -> dict[str, float]:
    hand = np.array(measured["hand_cm"])
    return {
        "hand_cm_mean": round(float(hand.mean()), 2),
        "hand_cm_worst": round(float(hand.max()), 2),
        "hand_mean_in_heights": round(float(hand.mean()) / 170, 4),
        "arrived": int((hand < ARRIVED).sum()),
        "before_the_body": sum(value > 0 for value in measured["hand_before_the_spine_cm"]),
        "starts": len(hand),
        "vertices_cm_mean": round(float(np.mean(measured["vertices_cm"])), 2),
    }


def table(measured: dict[str, dict[str, list[float]]]) -> str:
    rows = [f"{'hand, cm from its place':<26}{'at the start':>14}" + "".join(f"{name + ' hidden':>18}" for name in measured)]
    columns = [next(iter(measured.values()))["hand_cm_start"], *(of["hand_cm"] for of in measured.values())]
    for i, values in enumerate(zip(*columns, strict=True)):
        name = "the given start" if i == 0 else f"perturbed {i}"
        rows.append(f"{name:<26}{values[0]:>14.1f}" + "".join(f"{value:>18.1f}" for value in values[1:]))
    for name, of in (("mean", np.mean), ("worst", np.max)):
        rows.append(f"{name:<26}{of(columns[0]):>14.1f}" + "".join(f"{of(column):>18.1f}" for column in columns[1:]))
    heights = [np.mean(column) / 170 for column in columns]
    rows.append(f"{'mean, heights of the body':<26}{heights[0]:>14.3f}" + "".join(f"{value:>18.3f}" for value in heights[1:]))
    arrived = [f"{sum(value < ARRIVED for value in column)} of {len(column)}" for column in columns]
    rows.append(f"{f'within {ARRIVED:.0f} cm':<26}{arrived[0]:>14}" + "".join(f"{value:>18}" for value in arrived[1:]))
    before = [f"{sum(value > 0 for value in of['hand_before_the_spine_cm'])} of {len(of['hand_cm'])}" for of in measured.values()]
    rows.append(f"{'before the body':<26}{'':>14}" + "".join(f"{value:>18}" for value in before))
    vertices = [np.mean(of["vertices_cm"]) for of in measured.values()]
    rows.append(f"{'vertices, mean, cm':<26}{'':>14}" + "".join(f"{value:>18.1f}" for value in vertices))
    return "\n".join(rows)


def parsed() -> argparse.Namespace:
    parser = program_parser(__doc__)
    parser.add_argument("--quick", action="store_true", help="64 pixels, 150 steps, 2 perturbed starts, where nothing else is said")
    parser.add_argument("--size", type=int, help="side of the picture, pixels (default: 128)")
    parser.add_argument("--steps", type=int, help="of gradient descent (default: 300)")
    parser.add_argument("--perturbed", type=int, help="starts besides the given one (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="of the perturbed starts (default: %(default)s)")
    parser.add_argument("--smplx-model", type=Path, metavar="FOLDER", help="SMPL instead of the program's own body; what smplx.create calls model_path")
    parser.add_argument("--gender", choices=("neutral", "female", "male"), default="neutral", help="of SMPL (default: %(default)s)")
    options = parser.parse_args()
    for name, usual, quick in (("size", 128, 64), ("steps", 300, 150), ("perturbed", 5, 2)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    check_ranges(options, size=(16, 2048), steps=(1, 10**5), perturbed=(0, 1000), seed=(0, 2**32 - 1))
    check_folder(options.out)
    return options


@torch.no_grad()
def main() -> None:
    options = parsed()
    body: Body = SMPLBody(options.smplx_model, options.gender) if options.smplx_model else ProceduralBody()
    options.out.mkdir(parents=True, exist_ok=True)
    scene = Scene(body, options.size)
    start = start_parameters(scene, options.perturbed, options.seed)
    kind = f"SMPL {options.gender}" if options.smplx_model else "own body"
    told = f"{kind}, size {options.size}, steps {options.steps}, perturbed {options.perturbed}, seed {options.seed}"
    fits, seconds = {}, {}
    for name, blending in RUNS.items():
        fits[name] = Fit(scene, start, blending, options.steps, options.out / f"checkpoint_{name}.pt", told)
        began, left = time.monotonic(), options.steps - len(fits[name].curves)
        fits[name].run(f"{name} gradient to hidden triangles")
        seconds[name] = round((time.monotonic() - began) / left, 3) if left else None
    measured = {name: fit.measured() for name, fit in fits.items()}
    curves = {name: {"hand_cm": np.round(torch.stack(fit.curves)[..., 3].T.double().numpy(), 2).tolist()} for name, fit in fits.items()}
    metrics = {
        "options": told,
        "faces": len(body.faces),
        "seconds_per_step": seconds,
        "summary": {name: summary(of) for name, of in measured.items()},
        "starts": measured,
        "curves": curves,
    }
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    save_sheet(options.out / "sheet.png", scene, fits)
    save_film(options.out / "fit.gif", scene, fits)
    if importlib.util.find_spec("matplotlib") is None:
        print("curves.png is left out: matplotlib is not installed")
    else:
        save_curves(options.out / "curves.png", fits)
    print(f"{told}; {len(body.faces)} faces; centimetres as if the body were 1.7 m high")
    print(table(measured))
    print(f"sheet.png, fit.gif, curves.png and metrics.json are in {options.out}")


if __name__ == "__main__":
    run_program("body", main, goes_on=True)
