"""The part of the table about what is nearest, inside, drawn on surfaces and cut into four, without torch."""

from collections.abc import Iterator

import numpy as np

from taichi_softras.engine import laplacians, nearest, sampling
from taichi_softras.scene import Subdivision

from . import Function, Kind, Mistake, Nature, faces, number, numbers, whole

VERTICES = np.array([[-0.5, -0.5, 0.0], [0.5, -0.5, 0.0], [0.5, 0.5, 0.0], [-0.5, 0.5, 0.0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
CORNERS = VERTICES[FACES]


def functions() -> Iterator[Function]:
    yield Function(
        name="engine.nearest.nearest_points",
        call=nearest.nearest_points,
        good=lambda: {"points": VERTICES, "others": VERTICES, "count": 1, "norm": 2},
        natures={
            "points": numbers(),
            "others": numbers(shape=(4, 2)),
            "count": whole(0, 5),
            "norm": Nature(lambda _: [Mistake(Kind.RANGE, "3", 3), Mistake(Kind.TYPE, "text", "2")]),
        },
        more=[(Kind.SHAPE, "`others`: none", {"others": np.zeros((0, 3))})],
    )
    among = {"points": numbers(shape=(4, 2)), "corners": numbers(shape=(2, 4, 3))}
    for function in (nearest.nearest_triangles, nearest.points_nearest_to_triangles, nearest.squared_distances):
        searched = {"points": np.zeros((0, 3))} if function is nearest.points_nearest_to_triangles else {"corners": np.zeros((0, 3, 3))}
        yield Function(
            name=f"engine.nearest.{function.__name__}",
            call=function,
            good=lambda: {"points": VERTICES, "corners": CORNERS, "min_area": 0.0},
            natures=among | {"min_area": number(-1.0)},
            more=[(Kind.SHAPE, f"`{next(iter(searched))}`: none", searched)],
        )
    yield Function(name="engine.nearest.inside", call=nearest.inside, good=lambda: {"points": VERTICES, "corners": CORNERS}, natures=among)
    surface = {"vertices": numbers(shape=(4, 2)), "faces": faces()}
    yield Function(
        name="engine.sampling.sample_surface",
        call=sampling.sample_surface,
        good=lambda: {"vertices": VERTICES, "faces": FACES, "count": 3, "seed": 0},
        natures=surface | {"count": whole(0), "seed": whole(-1)},
        more=[(Kind.RANGE, "`vertices`: all in one place", {"vertices": np.zeros((4, 3))})],
        computes=(Kind.NAN, Kind.RANGE),
    )
    yield Function(
        name="engine.laplacians.cotangent_laplacian",
        call=laplacians.cotangent_laplacian,
        good=lambda: {"vertices": VERTICES, "faces": FACES, "least_area": 1e-12},
        natures=surface | {"least_area": number(0.0, -1.0)},
    )
    yield Function(
        name="scene.Subdivision.of", call=Subdivision.of, good=lambda: {"faces": FACES, "n_vertices": 4}, natures={"faces": faces(), "n_vertices": whole(0)}
    )
