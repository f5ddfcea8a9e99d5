"""Six families of objects whose proportions and parts vary at random: what stands in for ShapeNet, which cannot be handed on.

An object is a list of convex parts, each with a colour. x is to the right, y up; airplanes and cars look along z. All are mirror images of themselves in x.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from taichi_softras import Mesh

__all__ = ["FAMILIES", "Part", "make_object"]

Random = np.random.Generator
MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Part:
    """The convex hull of points [N, 3], in one colour [3]."""

    points: np.ndarray
    color: np.ndarray

    @property
    def corners(self) -> np.ndarray:
        """[F, 3, 3] its triangles; seen from outside, their corners run counter-clockwise."""
        hull = ConvexHull(self.points)
        corners = self.points[hull.simplices]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        inwards = (normals * hull.equations[:, :3]).sum(1) < 0
        corners[inwards] = corners[inwards][:, [0, 2, 1]]
        return corners

    def contains(self, points: np.ndarray) -> np.ndarray:
        """[...] whether points [..., 3] are inside."""
        planes = ConvexHull(self.points).equations
        return (points @ planes[:, :3].T + planes[:, 3] <= 0).all(-1)


def box(middle: object, size: object) -> np.ndarray:
    signs = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3, indexing="ij"), -1).reshape(-1, 3)
    return np.asarray(middle, np.float64) + signs * np.asarray(size, np.float64)


def frustum(start: object, end: object, radius: float, end_radius: float, sides: int = 14, flat: float = 1.0) -> np.ndarray:
    """Between two discs across the axis along which ``start`` and ``end`` differ most; ``flat`` scales the later of their axes."""
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    axis = int(np.abs(end - start).argmax())
    angle = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    ring = np.zeros((sides, 3))
    first, second = (other for other in range(3) if other != axis)
    ring[:, first], ring[:, second] = np.cos(angle), flat * np.sin(angle)
    return np.concatenate([start + radius * ring, end + end_radius * ring])


def ellipsoid(middle: object, radii: object) -> np.ndarray:
    return np.asarray(middle, np.float64) + Mesh.icosphere(1).vertices.astype(np.float64) * np.asarray(radii, np.float64)


def plate(root: object, tip: object, root_chord: float, tip_chord: float, thickness: object) -> np.ndarray:
    """A wing: chords along z at root and tip, thin along the axis that ``thickness`` [3] tells."""
    edges = [np.add(end, (0.0, 0.0, z)) for end, chord in ((root, root_chord), (tip, tip_chord)) for z in (-chord / 2, chord / 2)]
    return np.concatenate([np.array(edges) + sign * np.asarray(thickness, np.float64) / 2 for sign in (-1, 1)])


def both(points: np.ndarray) -> list[np.ndarray]:
    """Left and right."""
    return [points, points * MIRROR]


def paint(random: Random) -> np.ndarray:
    """Any hue, not too dark."""
    hue, strength, value = random.uniform(0, 6), random.uniform(0.1, 0.9), random.uniform(0.45, 1.0)
    wheel = np.clip(np.abs((hue + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return value * (1 - strength * (1 - wheel))


def four_legs(random: Random, x: float, z: float, top: float, thick: float) -> list[np.ndarray]:
    """Four legs from the floor to ``top``, standing at +-x, +-z, perhaps splayed or tapered."""
    splay, foot = random.choice([0.0, random.uniform(0.0, 0.25)]) * top, thick * random.uniform(0.5, 1.0)
    legs = []
    for back in (-1, 1):
        upper, lower = box((x, top, back * z), (thick, 0.01, thick)), box((x + splay / 2, 0, back * (z + splay / 2)), (foot, 0.01, foot))
        legs += both(np.concatenate([upper, lower]))
    return legs


def support(random: Random, width: float, depth: float, top: float, thick: float, kinds: tuple[str, ...]) -> list[np.ndarray]:
    """What carries a plate ``width`` x ``depth`` at height ``top``."""
    kind = random.choice(kinds)
    x, z = width / 2 - thick / 2, depth / 2 - thick / 2
    if kind == "legs":
        legs = four_legs(random, x, z, top, thick)
        bar = [box((0, top * random.uniform(0.15, 0.4), 0), (2 * x, thick * 0.7, 2 * z))] if random.random() < 0.25 else []
        return legs + bar
    if kind == "slabs":
        inset = random.uniform(0, 0.3) * width / 2
        return both(box((x - inset, top / 2, 0), (thick, top, depth * random.uniform(0.6, 1.0))))
    if kind == "pedestal":
        pole = thick * random.uniform(0.6, 1.5)
        foot = min(width, depth) * random.uniform(0.25, 0.5)
        return [frustum((0, 0, 0), (0, top, 0), pole, pole), frustum((0, 0, 0), (0, thick * 0.7, 0), foot, foot * random.uniform(0.5, 1.0))]
    if kind == "block":
        return [box((0, top / 2, 0), (width * random.uniform(0.7, 1.0), top, depth * random.uniform(0.7, 1.0)))]
    share = random.uniform(0.25, 0.45) * width  # drawers on both sides
    return both(box((width / 2 - share / 2, top / 2, 0), (share, top, depth * random.uniform(0.8, 1.0))))


Groups = list[list[np.ndarray]]  # the hulls of one group have one colour


def airplane(random: Random) -> Groups:
    """A glider, a light aircraft, an airliner with straight or swept wings, or one with delta wings; up to four engines, under the wings or at the tail."""
    kind = random.choice(["straight", "swept", "swept", "delta"])
    r, tall = random.uniform(0.035, 0.105), random.uniform(0.8, 1.3)
    stations = ((-0.5, 0.2, 0.5), (-0.3, 0.75, 0.15), (-0.1, 1.0, 0.0), (0.3, 1.0, 0.0), (0.43, 0.7, -0.05), (0.5, 0.15, -0.2))
    rings = [frustum((0, lift * r, z), (0, lift * r, z + 1e-3), share * r, share * r, flat=tall) for z, share, lift in stations]
    half, root, narrowing, sweep, z = {
        "straight": (random.uniform(0.4, 0.75), random.uniform(0.1, 0.24), random.uniform(0.4, 1.0), random.uniform(-0.05, 0.1), random.uniform(0.0, 0.2)),
        "swept": (random.uniform(0.3, 0.6), random.uniform(0.15, 0.35), random.uniform(0.2, 0.6), random.uniform(0.3, 0.8), random.uniform(0.0, 0.18)),
        "delta": (random.uniform(0.2, 0.4), random.uniform(0.4, 0.65), random.uniform(0.05, 0.3), random.uniform(0.45, 0.9), random.uniform(-0.2, 0.0)),
    }[kind]
    thin, rise, y = (0, random.uniform(0.02, 0.045), 0), half * random.uniform(-0.05, 0.25), r * random.uniform(-0.7, 0.8)
    sweep = min(sweep * half, z + 0.5 - root * narrowing / 2)  # the tips end where the tail does
    wings = both(plate((0, y, z), (half, y + rise, z - sweep), root, root * narrowing, thin))
    fin, chord = random.uniform(0.08, 0.26), random.uniform(0.1, 0.2)
    hull, upright = (-0.5 + chord / 2, 0.3 * r), -0.5 + chord * random.uniform(0.2, 0.5)
    fin_x = random.choice([0.0, r]) if kind == "delta" else 0.0  # one fin, or two
    fins = [plate((fin_x, hull[1], hull[0]), (fin_x, hull[1] + fin, upright), chord, chord * 0.6, (thin[1], 0, 0))]
    fins += [points * MIRROR for points in fins] if fin_x else []
    height = random.choice([0.4 * r, 0.3 * r + fin])
    tail = both(plate((0, height, hull[0]), (half * random.uniform(0.25, 0.55), height, -0.5 + chord * 0.25), chord * 0.9, chord * 0.5, thin))
    if kind == "delta":  # no tail plane, perhaps small wings at the nose
        tail = both(plate((0, y, 0.3), (half * 0.5, y, 0.26), 0.1, 0.04, thin)) if random.random() < 0.4 else []
    engines = []
    at_tail = random.random() < 0.25
    for share in [] if at_tail else random.permutation([0.35, 0.62])[: random.integers(0, 3)]:
        radius, long = random.uniform(0.025, 0.05), random.uniform(0.1, 0.22)
        x, at, down = half * share, z - sweep * share + 0.05, y + rise * share - radius * 0.9
        engines += both(frustum((x, down, at - long / 2), (x, down, at + long / 2), radius * 0.7, radius))
    if at_tail:
        radius = random.uniform(0.025, 0.045)
        engines = both(frustum((r + radius, 0.4 * r, -0.38), (r + radius, 0.4 * r, -0.22), radius * 0.7, radius))
    return [[np.concatenate(rings)], wings, fins + tail, engines]


def bench(random: Random) -> Groups:
    depth, top, thick = random.uniform(0.2, 0.6), random.uniform(0.15, 0.55), random.uniform(0.04, 0.09)
    seat = [box((0, top, 0), (1, thick, depth))]
    legs = support(random, random.uniform(0.75, 1.0), depth * 0.95, top, random.uniform(0.05, 0.1), ("legs", "slabs", "block"))
    back, arms = [], []
    if random.random() < 0.65:
        high, lean, thin = random.uniform(0.15, 0.6), random.uniform(0.0, 0.3), random.uniform(0.04, 0.08)
        z = -depth / 2 + thin / 2
        sheet = np.concatenate([box((0, top, z), (1, 0.01, thin)), box((0, top + high, z - lean * high), (1, 0.01, thin))])
        if random.random() < 0.4:  # a gap between seat and back
            low = sheet[:8] + (sheet[8:] - sheet[:8]) * random.uniform(0.3, 0.6)
            posts = both(np.concatenate([box((0.45, top, z), (thin, 0.01, thin)), box((0.45, top + high, z - lean * high), (thin, 0.01, thin))]))
            back = [np.concatenate([low, sheet[8:]]), *posts]
        else:
            back = [sheet]
        if random.random() < 0.6:
            rest, wide = high * random.uniform(0.35, 0.8), random.uniform(0.04, 0.1)
            solid = random.random() < 0.4
            arms = both(box((0.5 - wide / 2, top + (rest / 2 if solid else rest), 0), (wide, rest if solid else 0.05, depth)))
            arms += [] if solid else both(box((0.5 - wide / 2, top + rest / 2, depth / 2 - 0.05), (0.05, rest, 0.05)))
    return [seat, legs, back, arms]


def chair(random: Random) -> Groups:
    depth, top, thick = random.uniform(0.65, 1.2), random.uniform(0.4, 1.2), random.uniform(0.08, 0.3)
    seat = [box((0, top, 0), (1, thick, depth))]
    legs = support(random, 1.0, depth, top - thick / 2, random.uniform(0.08, 0.18), ("legs", "legs", "pedestal", "slabs", "block"))
    high, lean, thin, wide = random.uniform(0.35, 1.7), random.uniform(0.0, 0.35), random.uniform(0.07, 0.25), random.uniform(0.6, 1.0)
    z = -depth / 2 + thin / 2
    low = random.choice([0.0, random.uniform(0.2, 0.6)])
    narrow = wide * random.uniform(0.6, 1.0)
    back = [
        np.concatenate([box((0, top + low * high, z - lean * low * high), (wide, 0.01, thin)), box((0, top + high, z - lean * high), (narrow, 0.01, thin))])
    ]
    if low:
        posts = np.concatenate([box((wide * 0.4, top, z), (0.1, 0.01, thin)), box((narrow * 0.4, top + high * 0.9, z - lean * high * 0.9), (0.1, 0.01, thin))])
        back += both(posts)
    arms = []
    if random.random() < 0.45:
        rest, width = random.uniform(0.2, min(0.55, high)), random.uniform(0.08, 0.2)
        solid, long = random.random() < 0.5, depth * random.uniform(0.7, 1.0)
        at = -depth / 2 + long / 2
        arms = both(box((0.5 - width / 2, top + (rest / 2 if solid else rest), at), (width, rest if solid else 0.08, long)))
        arms += [] if solid else both(box((0.5 - width / 2, top + rest / 2, at + long / 2 - 0.05), (0.08, rest, 0.08)))
    return [seat, legs, back, arms]


def table(random: Random) -> Groups:
    depth, high, thick = random.uniform(0.35, 1.0), random.uniform(0.22, 1.1), random.uniform(0.04, 0.12)
    if random.random() < 0.35:
        top, reach = [frustum((0, high - thick / 2, 0), (0, high + thick / 2, 0), 0.5, 0.5, 20, flat=depth)], 0.68
    else:
        top, reach = [box((0, high, 0), (1, thick, depth))], random.uniform(0.75, 1.0)
    kinds = ("legs", "legs", "pedestal", "slabs", "drawers")
    legs = support(random, reach, depth * reach, high - thick / 2, random.uniform(0.04, 0.11), kinds)
    shelf = [box((0, high * random.uniform(0.2, 0.6), 0), (reach * 0.95, 0.05, depth * reach * 0.95))] if random.random() < 0.3 else []
    return [top, legs, shelf]


def lamp(random: Random) -> Groups:
    foot, flat, high = random.uniform(0.12, 0.4), random.uniform(0.03, 0.12), random.uniform(0.35, 1.5)
    base = [
        frustum((0, 0, 0), (0, flat, 0), foot, foot * random.uniform(0.5, 1.0))
        if random.random() < 0.6
        else box((0, flat / 2, 0), (1.8 * foot, flat, 1.8 * foot))
    ]
    pole = random.uniform(0.025, 0.06)
    body = [frustum((0, 0, 0), (0, high, 0), pole, pole * random.uniform(0.6, 1.0), 10)]
    if random.random() < 0.4:  # a vase
        share = random.uniform(0.3, 0.75)
        body.append(ellipsoid((0, flat + share * high / 2, 0), (foot * random.uniform(0.6, 1.2), share * high / 2, foot * random.uniform(0.6, 1.2))))
    wide, tall = random.uniform(0.15, 0.55), random.uniform(0.15, 0.6)
    kind = random.choice(["cone", "ball", "box"])
    if kind == "cone":
        shade = [frustum((0, high, 0), (0, high + tall, 0), wide, wide * random.uniform(0.25, 1.1), 18)]
    elif kind == "ball":
        shade = [ellipsoid((0, high + tall / 2, 0), (wide, tall / 2, wide))]
    else:
        shade = [
            np.concatenate([box((0, high, 0), (2 * wide, 0.01, 2 * wide * (s := random.uniform(0.5, 1.0)))), box((0, high + tall, 0), (wide, 0.01, wide * s))])
        ]
    return [base, body, shade]


@dataclass(frozen=True)
class CarKind:
    """Ranges of one kind of car, in lengths of it.

    Attributes:
        half: of its width.
        wheel: radius.
        body: height of the part below the windows.
        cabin: height of the part with the windows.
        front, back: where the cabin begins and ends, from -0.5 to 0.5.
        slope, slope_back: how far the windscreens lean, in heights of the cabin.
        load: what is behind the cabin: nothing, an open bed, or a box.
    """

    half: tuple[float, float]
    wheel: tuple[float, float]
    body: tuple[float, float]
    cabin: tuple[float, float]
    front: tuple[float, float]
    back: tuple[float, float]
    slope: tuple[float, float] = (0.3, 0.9)
    slope_back: tuple[float, float] = (0.1, 0.7)
    load: str = ""


CARS = {
    "sedan": CarKind((0.18, 0.21), (0.065, 0.08), (0.1, 0.14), (0.09, 0.13), (0.15, 0.25), (-0.4, -0.28)),
    "hatchback": CarKind((0.2, 0.24), (0.07, 0.09), (0.12, 0.17), (0.11, 0.17), (0.18, 0.3), (-0.5, -0.44)),
    "sports": CarKind((0.19, 0.24), (0.07, 0.09), (0.07, 0.1), (0.06, 0.1), (0.0, 0.18), (-0.42, -0.25), (0.8, 1.8), (0.8, 2.0)),
    "van": CarKind((0.17, 0.24), (0.06, 0.085), (0.14, 0.22), (0.16, 0.32), (0.25, 0.45), (-0.5, -0.46), (0.2, 0.8), (0.0, 0.15)),
    "bus": CarKind((0.1, 0.15), (0.04, 0.055), (0.08, 0.13), (0.12, 0.24), (0.46, 0.5), (-0.5, -0.47), (0.0, 0.2), (0.0, 0.1)),
    "pickup": CarKind((0.16, 0.2), (0.065, 0.09), (0.11, 0.15), (0.1, 0.14), (0.12, 0.25), (-0.15, 0.02), load="bed"),
    "truck": CarKind((0.13, 0.18), (0.05, 0.075), (0.1, 0.16), (0.12, 0.22), (0.42, 0.5), (0.15, 0.28), (0.0, 0.4), (0.0, 0.1), load="box"),
}


def car(random: Random) -> Groups:
    kind = CARS[random.choice(list(CARS))]
    half, radius = random.uniform(*kind.half), random.uniform(*kind.wheel)
    low = radius * random.uniform(0.4, 0.8)
    waist = low + random.uniform(*kind.body)
    nose, rear = random.uniform(0.6, 1.0), random.uniform(0.7, 1.0)
    body = [
        np.concatenate(
            [
                box((0, (low + waist) / 2, 0), (2 * half, waist - low, 0.86)),
                box((0, low + (waist - low) * nose / 2, 0.5), (1.8 * half, (waist - low) * nose, 0.01)),
                box((0, low + (waist - low) * rear / 2, -0.5), (1.8 * half, (waist - low) * rear, 0.01)),
            ]
        )
    ]
    front, back, tall = random.uniform(*kind.front), random.uniform(*kind.back), random.uniform(*kind.cabin)
    slope, slope_back, narrow = random.uniform(*kind.slope) * tall, random.uniform(*kind.slope_back) * tall, random.uniform(0.75, 1.0)
    foot = box((0, waist, (front + back) / 2), (2 * half, 0.01, front - back))
    long = max(0.08, front - back - slope - slope_back)
    roof = box((0, waist + tall, (front - slope + back + slope_back) / 2), (2 * half * narrow, 0.01, long))
    cabin, load = [np.concatenate([foot, roof])], []
    if kind.load == "bed":
        side = tall * random.uniform(0.2, 0.5)
        load = both(box((half * 0.92, waist + side / 2, (back - 0.5) / 2), (half * 0.16, side, back + 0.5)))
    if kind.load == "box":
        top = tall * random.uniform(0.6, 1.8)
        load = [box((0, waist + top / 2, (back - 0.04 - 0.5) / 2), (2 * half, top, back - 0.04 + 0.5))]
    axle, wide = random.uniform(0.26, 0.36), half * random.uniform(0.25, 0.45)
    wheels = [wheel for z in (-axle, axle) for wheel in both(frustum((half - wide, radius, z), (half * 1.03, radius, z), radius, radius, 14))]
    return [body, cabin, load, wheels]


FAMILIES: dict[str, Callable[[Random], Groups]] = {"airplane": airplane, "bench": bench, "car": car, "chair": chair, "lamp": lamp, "table": table}


def make_object(family: str, random: Random) -> list[Part]:
    """Any member of a family: its bounding box about the origin, its longest side 1."""
    if family not in FAMILIES:
        raise ValueError(f"make_object: family must be one of {', '.join(FAMILIES)}, got {family!r}")
    groups = FAMILIES[family](random)
    points = np.concatenate([hull for group in groups for hull in group])
    low, high = points.min(0), points.max(0)
    middle, size = (low + high) / 2, (high - low).max()
    parts = []
    for group in groups:
        color = paint(random)
        parts += [Part((hull - middle) / size, color) for hull in group]
    return parts
