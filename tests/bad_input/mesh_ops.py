"""The part of the table about PyTorch3D's losses and ops, and Kaolin's ops and metrics."""

from collections.abc import Iterator
from typing import Any

import torch

from taichi_softras.interop import kaolin, pytorch3d
from taichi_softras.interop.pytorch3d import loss, ops
from taichi_softras.interop.pytorch3d.loss import point_mesh_distance

from . import Function, Kind, Mistake, Nature, flag, named, nothing, number, whole
from .standalone import FACES
from .torch_api import SQUARE, tensors

FACE_ROWS = torch.tensor(FACES, dtype=torch.int64)
EDGES = torch.tensor([[0, 1], [1, 2], [2, 3]])
CLOUD = SQUARE[None]
TEXT = Nature(lambda _: [Mistake(Kind.TYPE, "text", "text")])
WITHOUT_EFFECT = nothing("accepted, and without effect")


def square() -> Any:
    return pytorch3d.Meshes(verts=[SQUARE], faces=[FACE_ROWS])


def cloud() -> Any:
    return pytorch3d.Pointclouds([SQUARE])


def rows(n: int, *wrong: tuple[int, ...]) -> Nature:
    """A tensor of indices below ``n``."""
    return Nature(
        lambda good: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "real numbers", good.float()),
            *(Mistake(Kind.SHAPE, f"{shape}, not {tuple(good.shape)}", torch.zeros(shape, dtype=torch.int64)) for shape in wrong),
            Mistake(Kind.INDEX, "one too large", torch.full_like(good, n)),
            Mistake(Kind.INDEX, "a negative one", torch.full_like(good, -1)),
        ]
    )


def one_of() -> Nature:
    """A number that there is not."""
    return Nature(lambda _: [Mistake(Kind.RANGE, "3", 3), Mistake(Kind.TYPE, "text", "2")])


def several(*shapes: tuple[int, ...]) -> Nature:
    """A tensor that is given beside others, or None."""
    return Nature(
        lambda _: [
            Mistake(Kind.TYPE, "a list", [1.0, 2.0]),
            Mistake(Kind.DTYPE, "integers", torch.ones(shapes[0], dtype=torch.int64)),
            Mistake(Kind.DEVICE, "on another", torch.ones(shapes[0], device="meta")),
            *(Mistake(Kind.SHAPE, str(shape), torch.ones(shape)) for shape in shapes),
        ]
    )


def functions() -> Iterator[Function]:
    yield from losses()
    yield from operations()
    yield from kaolin_functions()


def losses() -> Iterator[Function]:
    p = "interop.pytorch3d."
    yield Function(
        name=p + "mesh_edge_loss",
        call=loss.mesh_edge_loss,
        good=lambda: {"meshes": square(), "target_length": 0.0},
        natures={"meshes": TEXT, "target_length": number()},
        more=[(Kind.SHAPE, "`target_length`: two", {"target_length": torch.zeros(2)})],
    )
    yield Function(
        name=p + "mesh_laplacian_smoothing",
        call=loss.mesh_laplacian_smoothing,
        good=lambda: {"meshes": square(), "method": "cot"},
        natures={"meshes": TEXT, "method": named()},
    )
    yield Function(name=p + "mesh_normal_consistency", call=loss.mesh_normal_consistency, good=lambda: {"meshes": square()}, natures={"meshes": TEXT})
    pair = lambda: {"meshes": square(), "pcls": cloud()}  # noqa: E731
    more = [
        (Kind.SHAPE, "two clouds and one mesh", {"pcls": pytorch3d.Pointclouds([SQUARE, SQUARE])}),
        (Kind.NAN, "`pcls`: NaN", {"pcls": pytorch3d.Pointclouds([SQUARE * torch.nan])}),
        (Kind.NAN, "`meshes`: NaN", {"meshes": pytorch3d.Meshes([SQUARE * torch.nan], [FACE_ROWS])}),
        (Kind.DTYPE, "`pcls`: float64 among float32", {"pcls": pytorch3d.Pointclouds([SQUARE.double()])}),
    ]
    yield Function(name=p + "point_mesh_edge_distance", call=loss.point_mesh_edge_distance, good=pair, natures={"meshes": TEXT, "pcls": TEXT}, more=more)
    yield Function(
        name=p + "point_mesh_face_distance",
        call=loss.point_mesh_face_distance,
        good=lambda: pair() | {"min_triangle_area": 0.0},
        natures={"meshes": TEXT, "pcls": TEXT, "min_triangle_area": number(-1.0)},
        more=more,
    )
    first = lambda n: rows(n + 1, (1, 1))  # noqa: E731
    for name in ("point_face_distance", "face_point_distance", "point_edge_distance", "edge_point_distance"):
        things, corners = ("segms", 2) if "edge" in name else ("tris", 3)
        own = SQUARE[EDGES] if corners == 2 else SQUARE[FACE_ROWS]
        most = f"max_{'points' if name.startswith('point') else things}"
        yield Function(
            name=f"{p}loss.point_mesh_distance.{name}",
            call=getattr(point_mesh_distance, name),
            good=lambda own=own, things=things: {
                "points": SQUARE, "points_first_idx": torch.tensor([0]), things: own, f"{things}_first_idx": torch.tensor([0])
            },
            natures={
                "points": tensors((4, 2), (1, 4, 3), nan=True),
                "points_first_idx": first(4),
                things: tensors((len(own), corners), (len(own), corners, 2), nan=True),
                f"{things}_first_idx": first(len(own)),
                most: WITHOUT_EFFECT,
            } | ({} if corners == 2 else {"min_triangle_area": number(-1.0)}),
            more=[
                (Kind.OPTIONS, "points of two clouds", {"points_first_idx": torch.tensor([0, 2])}),
                (Kind.OPTIONS, "firsts that descend", {"points_first_idx": torch.tensor([3, 1])}),
                (Kind.SHAPE, "nothing to be near", {things: own[:0]} if name.startswith("point") else {"points": SQUARE[:0]}),
            ],
            called={"points_first_idx": "first_idxs", f"{things}_first_idx": "first_idxs"},
        )  # fmt: skip
    normals = several((1, 4, 2))
    lengths = rows(5, (2,), (1, 1))
    yield Function(
        name=p + "chamfer_distance",
        call=loss.chamfer_distance,
        good=lambda: {"x": CLOUD, "y": CLOUD, "x_lengths": torch.tensor([4]), "y_lengths": torch.tensor([4])},
        natures={
            "x": tensors((4, 3), alone=True, nan=True),
            "y": tensors((4, 3), (2, 4, 3), (1, 4, 2), nan=True),
            "x_lengths": lengths,
            "y_lengths": lengths,
            "x_normals": normals,
            "y_normals": normals,
            "weights": several((2,)),
            "batch_reduction": named(),
            "point_reduction": named(),
            "norm": one_of(),
            "single_directional": flag(),
            "abs_cosine": flag(),
        },
        more=[
            (Kind.OPTIONS, "batch_reduction without point_reduction", {"point_reduction": None}),
            (Kind.OPTIONS, "normals with the maximum", {"point_reduction": "max", "x_normals": CLOUD}),
            (Kind.RANGE, "`weights`: a negative one", {"weights": torch.tensor([-1.0])}),
        ],
        called={"x": "p1, p2", "y": "p1, p2"},
    )
    kinds = [Mistake(Kind.TYPE, "a number", 5), Mistake(Kind.DTYPE, "integers", [SQUARE.long()])]
    width = [Mistake(Kind.SHAPE, "(4, 2)", [SQUARE[:, :2]])]
    beside = [Mistake(Kind.SHAPE, "of two clouds", [SQUARE, SQUARE]), Mistake(Kind.SHAPE, "of three points", [SQUARE[:3]])]
    yield Function(
        name=p + "Pointclouds",
        call=pytorch3d.Pointclouds,
        good=lambda: {"points": [SQUARE]},
        natures={"points": Nature(lambda _: kinds + width), "normals": Nature(lambda _: kinds + width + beside), "features": Nature(lambda _: kinds + beside)},
    )
    yield Function(name=p + "Pointclouds.get_cloud", call=cloud().get_cloud, good=lambda: {"index": 0}, natures={"index": whole(-1, 1)})
    yield Function(name=p + "Pointclouds.extend", call=cloud().extend, good=lambda: {"N": 1}, natures={"N": whole(0)})


def operations() -> Iterator[Function]:
    p = "interop.pytorch3d."
    lengths = rows(5, (2,), (1, 1))
    yield Function(
        name=p + "knn_points",
        call=ops.knn_points,
        good=lambda: {"p1": CLOUD, "p2": CLOUD, "lengths1": torch.tensor([4]), "lengths2": torch.tensor([4]), "K": 1},
        natures={
            "p1": tensors((4, 3), alone=True, nan=True),
            "p2": tensors((4, 3), (2, 4, 3), (1, 4, 2), nan=True),
            "lengths1": lengths,
            "lengths2": lengths,
            "norm": one_of(),
            "K": whole(0),
            "version": WITHOUT_EFFECT,
            "return_nn": flag(),
            "return_sorted": flag(),
        },
    )
    yield Function(
        name=p + "knn_gather",
        call=ops.knn_gather,
        good=lambda: {"x": CLOUD, "idx": torch.zeros(1, 4, 2, dtype=torch.int64), "lengths": torch.tensor([4])},
        natures={"x": tensors((4, 3), alone=True), "idx": rows(4, (4, 2), (2, 4, 2)), "lengths": lengths},
    )
    edges, verts = rows(4, (3, 3)), tensors((1, 4, 3), (4, 2), alone=True)
    for name, extra in (("laplacian", {}), ("norm_laplacian", {"eps": number(0.0)})):
        yield Function(name=p + name, call=getattr(ops, name), good=lambda: {"verts": SQUARE, "edges": EDGES}, natures={"verts": verts, "edges": edges} | extra)
    of_faces = {"verts": verts, "faces": rows(4, (2, 4))}
    good_faces = lambda: {"verts": SQUARE, "faces": FACE_ROWS}  # noqa: E731
    yield Function(name=p + "cot_laplacian", call=ops.cot_laplacian, good=good_faces, natures=of_faces | {"eps": number(0.0)})
    yield Function(name=p + "mesh_face_areas_normals", call=ops.mesh_face_areas_normals, good=good_faces, natures=of_faces)
    yield Function(
        name=p + "taubin_smoothing",
        call=ops.taubin_smoothing,
        good=lambda: {"meshes": square()},
        natures={"meshes": TEXT, "lambd": number(), "mu": number(), "num_iter": whole(-1)},
    )
    firsts = rows(5, (1, 1))
    yield Function(
        name=p + "packed_to_padded",
        call=ops.packed_to_padded,
        good=lambda: {"inputs": SQUARE, "first_idxs": torch.tensor([0, 1]), "max_size": 3},
        natures={"inputs": tensors((), alone=True), "first_idxs": firsts, "max_size": whole(-1, 2)},
        more=[(Kind.INDEX, "`first_idxs`: one that goes back", {"first_idxs": torch.tensor([2, 1])})],
    )
    yield Function(
        name=p + "padded_to_packed",
        call=ops.padded_to_packed,
        good=lambda: {"inputs": torch.zeros(2, 3, 2), "first_idxs": torch.tensor([0, 1]), "num_inputs": 4, "max_size_dim": 1},
        natures={"inputs": tensors((2,), (3, 3, 2), (2, 2, 2), alone=True), "first_idxs": firsts, "num_inputs": whole(-1), "max_size_dim": whole(3)},
        called={"inputs": "first_idxs"},
    )
    yield Function(
        name=p + "sample_points_from_meshes",
        call=ops.sample_points_from_meshes,
        good=lambda: {"meshes": square(), "num_samples": 3},
        natures={"meshes": TEXT, "num_samples": whole(0), "return_normals": flag(), "return_textures": flag()},
        more=[
            (Kind.SHAPE, "no faces at all", {"meshes": pytorch3d.Meshes([SQUARE], [FACE_ROWS[:0]])}),
            (Kind.OPTIONS, "meshes without textures", {"return_textures": True}),
            (Kind.NAN, "`meshes`: NaN", {"meshes": pytorch3d.Meshes([SQUARE * torch.nan], [FACE_ROWS])}),
        ],
    )
    feats = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "a list", [1.0]),
            Mistake(Kind.DTYPE, "integers", torch.zeros(4, 2, dtype=torch.int64)),
            Mistake(Kind.SHAPE, "(3, 2)", torch.zeros(3, 2)),
        ]
    )
    yield Function(name=p + "SubdivideMeshes", call=ops.SubdivideMeshes, good=dict, natures={"meshes": TEXT})
    yield Function(
        name=p + "SubdivideMeshes.forward",
        call=ops.SubdivideMeshes(),
        good=lambda: {"meshes": square()},
        natures={"meshes": TEXT, "feats": feats},
    )
    picture = torch.zeros(1, 2, 3, 4)
    yield Function(
        name=p + "vert_align",
        call=ops.vert_align,
        good=lambda: {"feats": picture, "verts": CLOUD},
        natures={
            "feats": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "integers", picture.long()),
                    Mistake(Kind.DTYPE, "float64 among float32", picture.double()),
                    Mistake(Kind.SHAPE, "(2, 3, 4)", picture[0]),
                    Mistake(Kind.SHAPE, "of two", picture.expand(2, -1, -1, -1)),
                ]
            ),
            "verts": tensors((4, 3), alone=True),
            "return_packed": flag(),
            "interp_mode": named(),
            "padding_mode": named(),
            "align_corners": flag(),
        },
    )


def kaolin_functions() -> Iterator[Function]:
    p, mesh, metrics, batch = "interop.kaolin.", kaolin.ops.mesh, kaolin.metrics, kaolin.ops.batch
    faces, vertices = rows(4, (2,)), tensors((4, 3), alone=True)
    triangles = rows(4, (2,), (2, 4))
    for name in ("adjacency_matrix", "uniform_laplacian"):
        yield Function(
            name=f"{p}ops.mesh.{name}",
            call=getattr(mesh, name),
            good=lambda: {"num_vertices": 4, "faces": FACE_ROWS},
            natures={"num_vertices": whole(0), "faces": faces} | ({"sparse": flag()} if name.startswith("adj") else {}),
        )
    yield Function(
        name=p + "ops.mesh.unindex_vertices_by_faces",
        call=mesh.unindex_vertices_by_faces,
        good=lambda: {"face_vertex_features": torch.zeros(2, 3, 4)},
        natures={"face_vertex_features": tensors((3, 4), alone=True)},
    )
    of_corners = torch.ones(1, 2, 3, 3)
    for name, what in (("average_face_vertex_features", "face_features"), ("compute_vertex_normals", "face_normals")):
        yield Function(
            name=f"{p}ops.mesh.{name}",
            call=getattr(mesh, name),
            good=lambda what=what: {"faces": FACE_ROWS, what: of_corners, "num_vertices": 4},
            natures={"faces": rows(4, (2,), (3, 3)), what: tensors((2, 3, 3), alone=True), "num_vertices": whole(-1)},
        )
    meshes = lambda: {"vertices": CLOUD, "faces": FACE_ROWS}  # noqa: E731
    yield Function(name=p + "ops.mesh.face_areas", call=mesh.face_areas, good=meshes, natures={"vertices": vertices, "faces": triangles})
    yield Function(
        name=p + "ops.mesh.sample_points",
        call=mesh.sample_points,
        good=lambda: meshes() | {"num_samples": 3},
        natures={
            "vertices": vertices,
            "faces": triangles,
            "num_samples": whole(0),
            "areas": several((1, 3)),
            "face_features": several((1, 3, 3, 1), (2, 3, 1)),
        },
    )
    packed = lambda: {  # noqa: E731
        "vertices": SQUARE, "first_idx_vertices": torch.tensor([0, 4]), "faces": FACE_ROWS, "num_faces_per_mesh": torch.tensor([2]),
    }  # fmt: skip
    of_packed = {
        "vertices": tensors((1, 4, 3), alone=True),
        "first_idx_vertices": rows(5, (3,)),
        "faces": rows(4, (3, 3)),
        "num_faces_per_mesh": Nature(
            lambda good: [
                Mistake(Kind.TYPE, "text", "text"),
                Mistake(Kind.DTYPE, "real numbers", good.float()),
                Mistake(Kind.SHAPE, "(1, 1)", good[None]),
                Mistake(Kind.INDEX, "a negative one", -good),
            ]
        ),
    }
    yield Function(name=p + "ops.mesh.packed_face_areas", call=mesh.packed_face_areas, good=packed, natures=of_packed)
    yield Function(
        name=p + "ops.mesh.packed_sample_points",
        call=mesh.packed_sample_points,
        good=lambda: packed() | {"num_samples": 3},
        natures=of_packed | {"num_samples": whole(0), "areas": several((3,))},
    )
    yield Function(
        name=p + "ops.mesh.subdivide_trianglemesh",
        call=mesh.subdivide_trianglemesh,
        good=lambda: meshes() | {"iterations": 1},
        natures={"vertices": vertices, "faces": triangles, "iterations": whole(-1, 17), "alpha": several((1, 3))},
    )
    yield Function(
        name=p + "ops.mesh.vertex_tangents",
        call=mesh.vertex_tangents,
        good=lambda: {"faces": FACE_ROWS, "face_vertices": SQUARE[FACE_ROWS], "face_uvs": torch.ones(2, 3, 2), "vertex_normals": SQUARE},
        natures={
            "faces": rows(4, (2, 4)),
            "face_vertices": tensors((2, 3, 2), (3, 3, 3), alone=True),
            "face_uvs": tensors((2, 3, 3)),
            "vertex_normals": tensors((4, 2)),
        },
    )
    yield Function(
        name=p + "ops.mesh.check_sign",
        call=mesh.check_sign,
        good=lambda: {"verts": CLOUD, "faces": FACE_ROWS, "points": CLOUD},
        natures={
            "verts": tensors((4, 3), alone=True, nan=True),
            "faces": triangles,
            "points": tensors((4, 3), (2, 4, 3), nan=True),
            "hash_resolution": whole(0),
        },
    )
    yield Function(
        name=p + "ops.pointcloud.center_points",
        call=kaolin.ops.pointcloud.center_points,
        good=lambda: {"points": CLOUD},
        natures={"points": tensors((4, 3), (1, 0, 3), alone=True), "normalize": flag(), "eps": number(0.0)},
    )
    clouds = lambda first, second: {first: tensors((4, 3), (1, 4, 2), alone=True, nan=True), second: tensors((4, 3), (2, 4, 3), (1, 0, 3), nan=True)}  # noqa: E731
    yield Function(
        name=p + "metrics.pointcloud.sided_distance",
        call=metrics.pointcloud.sided_distance,
        good=lambda: {"p1": CLOUD, "p2": CLOUD},
        natures=clouds("p1", "p2"),
    )
    yield Function(
        name=p + "metrics.pointcloud.chamfer_distance",
        call=metrics.pointcloud.chamfer_distance,
        good=lambda: {"p1": CLOUD, "p2": CLOUD},
        natures=clouds("p1", "p2") | {"w1": number(), "w2": number(), "squared": flag()},
    )
    yield Function(
        name=p + "metrics.pointcloud.f_score",
        call=metrics.pointcloud.f_score,
        good=lambda: {"gt_points": CLOUD, "pred_points": CLOUD},
        natures=clouds("gt_points", "pred_points") | {"radius": number(0.0), "eps": number(-1.0)},
    )
    yield Function(
        name=p + "metrics.trianglemesh.point_to_mesh_distance",
        call=metrics.trianglemesh.point_to_mesh_distance,
        good=lambda: {"pointclouds": CLOUD, "face_vertices": SQUARE[FACE_ROWS][None]},
        natures={
            "pointclouds": tensors((4, 3), alone=True, nan=True),
            "face_vertices": tensors((1, 2, 3), (2, 2, 3, 3), (1, 0, 3, 3), nan=True),
        },
    )
    of_meshes = {"vertices": vertices, "faces": triangles}
    yield Function(name=p + "metrics.trianglemesh.average_edge_length", call=metrics.trianglemesh.average_edge_length, good=meshes, natures=of_meshes)
    smoothing = metrics.trianglemesh.uniform_laplacian_smoothing
    yield Function(name=p + "metrics.trianglemesh.uniform_laplacian_smoothing", call=smoothing, good=meshes, natures={"vertices": vertices, "faces": faces})
    listed = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.TYPE, "none", []),
            Mistake(Kind.TYPE, "of numbers", [1.0]),
            Mistake(Kind.SHAPE, "of two and three dimensions", [SQUARE, CLOUD]),
            Mistake(Kind.DTYPE, "float32 and float64", [SQUARE, SQUARE.double()]),
        ]
    )
    for name in ("get_shape_per_tensor", "list_to_packed"):
        yield Function(name=f"{p}ops.batch.{name}", call=getattr(batch, name), good=lambda: {"tensor_list": [SQUARE]}, natures={"tensor_list": listed})
    numbers = of_packed["num_faces_per_mesh"]
    yield Function(
        name=p + "ops.batch.get_first_idx",
        call=batch.get_first_idx,
        good=lambda: {"numel_per_tensor": torch.tensor([2, 3])},
        natures={"numel_per_tensor": numbers},
    )
    yield Function(
        name=p + "ops.batch.tile_to_packed",
        call=batch.tile_to_packed,
        good=lambda: {"values": torch.ones(2), "numel_per_tensor": torch.tensor([2, 3])},
        natures={
            "values": Nature(lambda _: [Mistake(Kind.TYPE, "a list", [1.0, 2.0]), Mistake(Kind.SHAPE, "(3,)", torch.ones(3))]),
            "numel_per_tensor": numbers,
        },
    )
    yield Function(
        name=p + "ops.batch.packed_to_list",
        call=batch.packed_to_list,
        good=lambda: {"packed_tensor": SQUARE, "shape_per_tensor": torch.tensor([[3], [1]]), "first_idx": torch.tensor([0, 3, 4])},
        natures={
            "packed_tensor": Nature(lambda _: [Mistake(Kind.TYPE, "a list", [1.0]), Mistake(Kind.SHAPE, "(4,)", torch.ones(4))]),
            "shape_per_tensor": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "a list", [[3], [1]]),
                    Mistake(Kind.DTYPE, "real numbers", good.float()),
                    Mistake(Kind.SHAPE, "(2,)", torch.tensor([3, 1])),
                ]
            ),
            "first_idx": rows(5, (2,)),
        },
        more=[(Kind.RANGE, "`first_idx`: other sizes", {"first_idx": torch.tensor([0, 2, 4])})],
    )
