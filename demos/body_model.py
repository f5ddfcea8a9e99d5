"""A body of our own that bends like SMPL's, and SMPL itself behind the same few names.

`ProceduralBody` needs no data: capsules along the bones are blended into one closed surface, with smooth skinning weights. It has SMPL's 24 joints in
SMPL's order, stands in SMPL's rest pose (arms stretched out sideways, facing +z, y up, metres), and takes SMPL's parameters; so a pose written for one body
means the same on the other. It has no pose-dependent corrections, and its shape coefficients are ours.

`SMPLBody` is SMPL through the package ``smplx`` and model files, which a user must fetch (and accept the licence of) himself.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from scipy.special import logsumexp, softmax

JOINTS = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle", "spine3", "left_foot", "right_foot",
    "neck", "left_collar", "right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hand", "right_hand",
)  # fmt: skip
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
RIGHT_HAND = JOINTS.index("right_hand")
SHAPES = ("size", "girth", "leg length", "arm length")  # what the coefficients of `ProceduralBody` are

SKIN, HAIR, SHIRT = (0.93, 0.70, 0.55), (0.25, 0.15, 0.10), (0.16, 0.42, 0.75)
SLEEVES, TROUSERS, SHOES = (0.95, 0.80, 0.25), (0.30, 0.31, 0.34), (0.55, 0.14, 0.12)
TROUSER_PARTS = ("pelvis", "left_hip", "right_hip", "left_knee", "right_knee")
SHOE_PARTS = ("left_ankle", "right_ankle", "left_foot", "right_foot")
SHIRT_PARTS = ("spine1", "spine2", "spine3", "left_collar", "right_collar")
SLEEVE_PARTS = ("left_shoulder", "right_shoulder", "left_elbow", "right_elbow")

CELL = 0.032  # of the grid that the surface is taken from, metres: it decides how many faces there are
BLEND = 0.012  # over which capsules melt into each other, metres
SKINNING = 0.02  # over which the weight passes from one bone to the next, metres
TINY = 1e-16  # under the root of a rotation's angle: no rotation has a finite gradient


class Body(Protocol):
    """What the fitting needs to know of a body.

    Attributes:
        faces: [F, 3] int64, counter-clockwise from outside.
        colors: [V, 3].
        parts: [V] int64, the joints that move the vertices most.
        n_shape: how many shape coefficients there are.
        height: of the body in its rest pose, world units.
    """

    faces: torch.Tensor
    colors: torch.Tensor
    parts: torch.Tensor
    n_shape: int
    height: float

    def __call__(self, pose: torch.Tensor, shape: torch.Tensor, translation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Vertices [B, V, 3] and joints [B, 24, 3] of pose [B, 24, 3] (axis times angle, radians, each relative to its parent; the first turns the whole
        body), shape [B, n_shape] and translation [B, 3]."""


# ---------------------------------------------------------------------------------------------------------------------- how a body bends


def rotations(pose: torch.Tensor) -> torch.Tensor:
    """[..., 3] axis times angle to [..., 3, 3] (Rodrigues). Gradient: finite everywhere, at no rotation too."""
    angle = (pose.square().sum(-1) + TINY).sqrt()[..., None, None]
    x, y, z = pose.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*pose.shape, 3)
    half = (angle / 2).sin() / angle
    return torch.eye(3, dtype=pose.dtype) + angle.sin() / angle * cross + 2 * half.square() * (cross @ cross)


def skinned(vertices: torch.Tensor, joints: torch.Tensor, weights: torch.Tensor, pose: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear blend skinning: rest vertices [B, V, 3] and rest joints [B, 24, 3], bent. ``weights`` [V, 24] add up to one for each vertex."""
    turns = rotations(pose)
    turned, places = [turns[:, 0]], [joints[:, 0]]  # of each joint in the world
    for joint in range(1, len(PARENTS)):
        parent = PARENTS[joint]
        bone = (joints[:, joint] - joints[:, parent])[..., None]
        turned.append(turned[parent] @ turns[:, joint])
        places.append(places[parent] + (turned[parent] @ bone)[..., 0])
    rotation, place = torch.stack(turned, 1), torch.stack(places, 1)
    offset = place - (rotation @ joints[..., None])[..., 0]
    blended = torch.einsum("vj,bjrc->bvrc", weights, torch.cat([rotation, offset[..., None]], -1))
    return (blended[..., :3] @ vertices[..., None])[..., 0] + blended[..., 3], place


# -------------------------------------------------------------------------------------------------------------------------- the template


@dataclass(frozen=True)
class Capsule:
    """Around the line from ``start`` to ``end``, as thick as its two radii say; ``squeeze`` > 1 makes it thinner along an axis."""

    joint: str
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radii: tuple[float, float]
    squeeze: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def closest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of points [N, 3]: the signed distances [N], negative inside, and the closest points of the line [N, 3]."""
        start, end, squeeze = (np.array(v) for v in (self.start, self.end, self.squeeze))
        along = (end - start) * squeeze
        share = np.clip((points - start) * squeeze @ along / (along @ along), 0, 1)
        closest = start + share[:, None] * (end - start)
        radius = self.radii[0] + share * (self.radii[1] - self.radii[0])
        return np.linalg.norm((points - closest) * squeeze, axis=1) - radius, closest


MIDDLE_JOINTS = {
    "pelvis": (0.0, 0.93, 0.0), "spine1": (0.0, 1.03, -0.01), "spine2": (0.0, 1.15, -0.01), "spine3": (0.0, 1.24, 0.0), "neck": (0.0, 1.43, -0.01),
    "head": (0.0, 1.52, 0.01),
}  # fmt: skip
LEFT_JOINTS = {
    "hip": (0.095, 0.89, 0.0), "knee": (0.12, 0.49, 0.0), "ankle": (0.14, 0.09, -0.02), "foot": (0.15, 0.04, 0.09), "collar": (0.07, 1.37, -0.01),
    "shoulder": (0.17, 1.38, -0.01), "elbow": (0.43, 1.38, -0.02), "wrist": (0.68, 1.38, -0.01), "hand": (0.76, 1.38, 0.0),
}  # fmt: skip
MIDDLE_CAPSULES = (
    Capsule("pelvis", (-0.06, 0.93, 0.0), (0.06, 0.93, 0.0), (0.105, 0.105)),
    Capsule("spine1", (-0.055, 1.04, 0.0), (0.055, 1.04, 0.0), (0.1, 0.1)),
    Capsule("spine2", (-0.07, 1.15, 0.0), (0.07, 1.15, 0.0), (0.105, 0.105)),
    Capsule("spine3", (-0.085, 1.28, 0.0), (0.085, 1.28, 0.0), (0.105, 0.105)),
    Capsule("neck", (0.0, 1.41, -0.01), (0.0, 1.5, 0.0), (0.055, 0.05)),
    Capsule("head", (0.0, 1.55, 0.015), (0.0, 1.605, 0.005), (0.07, 0.09)),
    Capsule("head", (0.0, 1.55, 0.09), (0.0, 1.57, 0.085), (0.022, 0.018)),
)
LEFT_CAPSULES = (
    Capsule("hip", (0.095, 0.86, 0.0), (0.12, 0.49, 0.0), (0.08, 0.056)),
    Capsule("knee", (0.12, 0.49, 0.0), (0.14, 0.1, -0.02), (0.056, 0.038)),
    Capsule("ankle", (0.14, 0.05, -0.04), (0.147, 0.045, 0.06), (0.043, 0.043)),
    Capsule("foot", (0.15, 0.04, 0.09), (0.154, 0.038, 0.14), (0.04, 0.036)),
    Capsule("collar", (0.05, 1.37, -0.005), (0.14, 1.375, -0.01), (0.06, 0.06)),
    Capsule("shoulder", (0.17, 1.38, -0.01), (0.43, 1.38, -0.02), (0.056, 0.044)),
    Capsule("elbow", (0.43, 1.38, -0.02), (0.68, 1.38, -0.01), (0.044, 0.031)),
    Capsule("wrist", (0.68, 1.38, -0.01), (0.74, 1.38, 0.0), (0.036, 0.046), (1.0, 1.7, 1.0)),
    Capsule("hand", (0.76, 1.38, 0.0), (0.83, 1.38, 0.0), (0.046, 0.036), (1.0, 1.7, 1.0)),
)


def mirrored(point: tuple[float, float, float]) -> tuple[float, float, float]:
    return (-point[0], point[1], point[2])


def rest_joints() -> np.ndarray:
    """[24, 3], metres; the soles are at y = 0."""
    left = {f"left_{name}": place for name, place in LEFT_JOINTS.items()}
    right = {f"right_{name}": mirrored(place) for name, place in LEFT_JOINTS.items()}
    places = MIDDLE_JOINTS | left | right
    return np.array([places[name] for name in JOINTS])


def capsules() -> list[Capsule]:
    left = [Capsule(f"left_{c.joint}", c.start, c.end, c.radii, c.squeeze) for c in LEFT_CAPSULES]
    right = [Capsule(f"right_{c.joint}", mirrored(c.start), mirrored(c.end), c.radii, c.squeeze) for c in LEFT_CAPSULES]
    return [*MIDDLE_CAPSULES, *left, *right]


def melted(points: np.ndarray) -> np.ndarray:
    """[N] about how far points [N, 3] are from the surface of all capsules melted together, negative inside."""
    return -BLEND * logsumexp([-capsule.closest(points)[0] / BLEND for capsule in capsules()], axis=0)


def slope(points: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """[N, 3], the gradient of `melted`."""
    return np.stack([melted(points + step * axis) - melted(points - step * axis) for axis in np.eye(3)], -1) / (2 * step)


def closed_surface(low: np.ndarray, high: np.ndarray, smoothings: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [V, 3] and quads [Q, 4] of the surface where `melted` is zero (Gibson, "Constrained elastic surface nets", 1998).

    A grid cell with corners on both sides has a vertex, an edge with ends on both sides a quad between the four cells around it; then vertices are drawn to the
    middle of their neighbours and back to the surface, in turn.
    """
    nodes = np.stack(np.meshgrid(*(np.arange(a, b + CELL, CELL) for a, b in zip(low, high, strict=True)), indexing="ij"), -1)
    inside = (melted(nodes.reshape(-1, 3)) < 0).reshape(nodes.shape[:3])
    x, y, z = inside.shape
    corners = np.stack([inside[i : x - 1 + i, j : y - 1 + j, k : z - 1 + k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    mixed = corners.any(0) & ~corners.all(0)
    number = np.full(mixed.shape, -1)
    number[mixed] = np.arange(mixed.sum())
    vertices = nodes[:-1, :-1, :-1][mixed] + CELL / 2

    quads = []
    for axis in range(3):
        a, b, c = (np.eye(3, dtype=int)[(axis + i) % 3] for i in range(3))
        from_node = np.moveaxis(inside, axis, 0)
        crossing = np.moveaxis(from_node[:-1] != from_node[1:], 0, axis)
        node = np.argwhere(crossing)
        around = np.stack([number[tuple((node - back).T)] for back in (b + c, c, 0 * a, b)], -1)  # counter-clockwise, seen against the axis
        outwards = inside[tuple(node.T)]
        quads.append(np.where(outwards[:, None], around, around[:, ::-1]))
    quads = np.concatenate(quads)

    ends = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    degree = np.bincount(ends[:, 0], minlength=len(vertices))[:, None]
    for i in range(smoothings):
        if i:
            total = np.stack([np.bincount(ends[:, 0], vertices[ends[:, 1], k], len(vertices)) for k in range(3)], -1)
            vertices = 0.5 * vertices + 0.5 * total / degree
        for _ in range(2):  # Newton's steps
            direction = slope(vertices)
            vertices = vertices - melted(vertices)[:, None] * direction / np.maximum((direction**2).sum(1, keepdims=True), 0.1)
    return vertices, quads


def triangles(vertices: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """[2 Q, 3]: each quad cut along its shorter diagonal."""
    diagonals = [np.linalg.norm(vertices[quads[:, i]] - vertices[quads[:, i + 2]], axis=1) for i in (0, 1)]
    first = (diagonals[0] <= diagonals[1])[:, None]
    return np.concatenate(
        [np.where(first, quads[:, [0, 1, 2]], quads[:, [1, 2, 3]]), np.where(first, quads[:, [0, 2, 3]], quads[:, [1, 3, 0]])]
    )  # fmt: skip


def part_colors(parts: np.ndarray, is_hair: np.ndarray) -> np.ndarray:
    """[V, 3]: what each vertex wears. ``parts`` [V] are the joints that move them most."""
    of = dict.fromkeys(JOINTS, SKIN)
    for names, color in ((TROUSER_PARTS, TROUSERS), (SHOE_PARTS, SHOES), (SHIRT_PARTS, SHIRT), (SLEEVE_PARTS, SLEEVES)):
        of |= dict.fromkeys(names, color)
    return np.where(is_hair[:, None], HAIR, np.array([of[name] for name in JOINTS])[parts])


@dataclass(frozen=True, kw_only=True)
class Template:
    """The body at rest.

    Attributes:
        vertices, faces, colors: [V, 3], [F, 3], [V, 3].
        joints: [24, 3].
        weights: [V, 24] of skinning.
        vertex_shapes, joint_shapes: [S, V, 3] and [S, 24, 3] that each shape coefficient adds.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    joints: np.ndarray
    weights: np.ndarray
    vertex_shapes: np.ndarray
    joint_shapes: np.ndarray


def stretched(points: np.ndarray, joints: np.ndarray) -> list[np.ndarray]:
    """What one unit of size, leg length and arm length adds to points [N, 3] of the body."""
    hip, shoulder = joints[JOINTS.index("left_hip")], joints[JOINTS.index("left_shoulder")]
    legs, arms = np.zeros_like(points), np.zeros_like(points)
    legs[:, 1] = 0.05 * np.minimum(points[:, 1] - hip[1], 0)
    on_arm = points[:, 1] > joints[JOINTS.index("spine2"), 1]
    arms[:, 0] = 0.05 * on_arm * np.sign(points[:, 0]) * np.maximum(np.abs(points[:, 0]) - shoulder[0], 0)
    return [0.04 * (points - joints[0]), legs, arms]


@functools.cache
def template() -> Template:
    joints, bones = rest_joints(), capsules()
    ends = np.array([end for bone in bones for end in (bone.start, bone.end)])
    high = np.ceil((np.abs(ends).max(0) + 0.15) / CELL) * CELL
    vertices, quads = closed_surface(np.array([-high[0], -5 * CELL, -high[2]]), high)
    faces = triangles(vertices, quads)

    found = [bone.closest(vertices) for bone in bones]
    distance, from_line = np.full((len(JOINTS), len(vertices)), np.inf), np.zeros((len(JOINTS), len(vertices), 3))
    for bone, (far, line) in zip(bones, found, strict=True):
        joint = JOINTS.index(bone.joint)
        nearer = far < distance[joint]
        distance[joint] = np.where(nearer, far, distance[joint])
        from_line[joint] = np.where(nearer[:, None], vertices - line, from_line[joint])
    weights = softmax(-distance.T / SKINNING, axis=1)

    size, legs, arms = stretched(vertices, joints)
    girth = 0.08 * np.einsum("vj,jvk->vk", weights, from_line)
    joint_size, joint_legs, joint_arms = stretched(joints, joints)
    is_hair = (vertices[:, 1] > 1.655) | ((vertices[:, 1] > 1.53) & (vertices[:, 2] < 0.0))
    return Template(
        vertices=vertices,
        faces=faces,
        colors=part_colors(weights.argmax(1), is_hair),
        joints=joints,
        weights=weights,
        vertex_shapes=np.stack([size, girth, legs, arms]),
        joint_shapes=np.stack([joint_size, np.zeros_like(joint_size), joint_legs, joint_arms]),
    )


# ---------------------------------------------------------------------------------------------------------------------------- the bodies


class ProceduralBody:
    """The body of this file; see `Body`. Gradient: to pose, shape and translation."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        rest = template()
        self.faces = torch.from_numpy(rest.faces.astype(np.int64))
        real = (rest.vertices, rest.joints, rest.weights, rest.colors, rest.vertex_shapes, rest.joint_shapes)
        self.vertices, self.joints, self.weights, self.colors, self.vertex_shapes, self.joint_shapes = (torch.from_numpy(v).to(dtype) for v in real)
        self.parts = self.weights.argmax(1)
        self.n_shape = len(SHAPES)
        self.height = float(np.ptp(rest.vertices[:, 1]))

    def __call__(self, pose: torch.Tensor, shape: torch.Tensor, translation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        vertices = self.vertices + torch.einsum("bs,svk->bvk", shape, self.vertex_shapes)
        joints = self.joints + torch.einsum("bs,sjk->bjk", shape, self.joint_shapes)
        vertices, joints = skinned(vertices, joints, self.weights, pose)
        return vertices + translation[:, None], joints + translation[:, None]


class SMPLBody:
    """SMPL of the package ``smplx``; see `Body`.

    ``folder`` is what ``smplx.create`` takes as its ``model_path``: it holds smpl/SMPL_NEUTRAL.pkl, or another gender's. The package unpickles that file: take
    it from where SMPL is published, and from nowhere else.
    """

    def __init__(self, folder: Path, gender: str = "neutral") -> None:
        try:
            import smplx
        except ImportError:
            raise ValueError("SMPL needs the package smplx, which is not installed: pip install smplx") from None
        if not folder.exists():
            raise ValueError(f"the folder of SMPL's model files must exist, got {folder}")
        try:
            self.model = smplx.create(str(folder), model_type="smpl", gender=gender)
        except AssertionError as error:  # its way to say that there is no such file
            raise ValueError(f"the folder of SMPL's model files must hold smpl/SMPL_{gender.upper()}.pkl, got {folder}") from error
        self.faces = torch.from_numpy(np.asarray(self.model.faces).astype(np.int64))
        vertices, weights = (getattr(self.model, name).detach().numpy() for name in ("v_template", "lbs_weights"))
        self.n_shape = int(self.model.num_betas)
        self.height = float(np.ptp(vertices[:, 1]))
        with torch.no_grad():
            head = self.model().joints[0, JOINTS.index("head")].numpy()
        top = vertices[:, 1].max()
        is_hair = vertices[:, 1] > head[1] + 0.8 * (top - head[1])
        is_hair |= (vertices[:, 1] > head[1]) & (vertices[:, 2] < head[2] - 0.02)
        self.parts = torch.from_numpy(weights.argmax(1))
        self.colors = torch.from_numpy(part_colors(weights.argmax(1), is_hair)).float()

    def __call__(self, pose: torch.Tensor, shape: torch.Tensor, translation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        bent = self.model(betas=shape, global_orient=pose[:, 0], body_pose=pose[:, 1:].flatten(1), transl=translation)
        return bent.vertices, bent.joints[:, : len(JOINTS)]
