"""The table of the part that needs no torch."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import taichi_softras as ts
from taichi_softras import lighting, losses
from taichi_softras.engine import dibr, fragments, textures, voxels
from taichi_softras.recover import (
    atlas,
    fit,
    hull,
    metrics,
    pictures,
    poses,
    remesh,
    rendering,
    report,
    results,
    splatting,
    texture,
    triangles,
    views,
)
from taichi_softras.scene import RasterizeSettings, distortion_limit, shapes

from . import (
    Function,
    In,
    Kind,
    Mistake,
    Nature,
    choice,
    faces,
    flag,
    geometry,
    image_size,
    instance,
    nothing,
    number,
    numbers,
    optional,
    path,
    text,
    whole,
)

FACES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
VERTICES = np.array([[-0.5, -0.5, 0.0], [0.5, -0.5, 0.0], [0.5, 0.5, 0.0], [-0.5, 0.5, 0.0]])
SCREEN = VERTICES + np.array([0, 0, 2])
EYE = np.eye(4)[None, :3]
AXES = [np.array([0.0, 0.0, 3.0])]


def taichi_array(values: Any) -> Any:
    return ts.TaichiArrays().parameter(np.asarray(values))


def reals(*, shape: tuple[int, ...] | None = None, finite: bool = False) -> Nature:
    """A Taichi array of the arrays' type. ``finite``: whether a kernel looks for NaN."""

    def mistakes(good: Any) -> list[Mistake]:
        own = tuple(good.shape)
        wrong = shape or (*own, 2)
        found = [
            Mistake(Kind.TYPE, "a list", [1.0, 2.0]),
            Mistake(Kind.DTYPE, "float64 among float32", np.zeros(own)),
            Mistake(Kind.DTYPE, "integers", np.zeros(own, np.int32)),
            Mistake(Kind.SHAPE, f"{wrong}, not {own}", np.zeros(wrong, np.float32)),
        ]
        return [*found, Mistake(Kind.NAN, "NaN", np.full(own, np.nan, np.float32))] if finite else found

    return Nature(mistakes)


def ndarrays(*, shape: tuple[int, ...] | None = None) -> Nature:
    """A Taichi array, whatever NumPy has."""

    def mistakes(good: Any) -> list[Mistake]:
        own = tuple(good.shape)
        wrong = shape or (*own, 2)
        return [
            Mistake(Kind.TYPE, "a list", [1.0, 2.0]),
            Mistake(Kind.DTYPE, "integers", np.zeros(own, np.int32)),
            Mistake(Kind.SHAPE, f"{wrong}, not {own}", taichi_array(np.zeros(wrong))),
        ]

    return Nature(mistakes)


def table(shape: tuple[int, ...], n: int) -> Nature:
    """A list of indices below ``n``, as kernels take it."""
    return Nature(
        lambda good: [
            Mistake(Kind.TYPE, "a list", good.tolist()),
            Mistake(Kind.DTYPE, "int64", good.astype(np.int64)),
            Mistake(Kind.SHAPE, f"{shape}, not {good.shape}", np.zeros(shape, np.int32)),
            Mistake(Kind.INDEX, "one too large", np.full_like(good, n)),
            Mistake(Kind.INDEX, "a negative one", np.full_like(good, -1)),
        ]
    )


def parameters(shape: tuple[int, ...], *, nan: bool = True) -> Nature:
    """Numbers of a light or a material."""
    found = [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, str(shape), np.zeros(shape))]
    return Nature(lambda good: [*found, Mistake(Kind.NAN, "NaN", np.nan)])


LIBRARY = nothing("an array library, which the caller makes; a wrong one is met by the checks of the arrays")
ANY = nothing("any value will do")


def topology_good() -> dict[str, Any]:
    known = ts.Topology.shared(FACES, 4)
    return {name: getattr(known, name) for name in ts.Topology.__dataclass_fields__ if name not in ("remembered", "_placed")}


def orbit(**changed: Any) -> dict[str, Any]:
    return {"distance": 3.0, "elevation": 0.0, "azimuth": 0.0} | changed


def views_of_a_square(n: int = 2) -> views.Views:
    alpha = np.zeros((n, 8, 8), np.float32)
    alpha[:, 2:6, 2:6] = 1
    return views.Views(alpha=alpha, color=np.ones((n, 8, 8, 3), np.float32), camera=ts.Camera.orbit(3, 10, [0, 90][:n]), names=("a", "b")[:n])


def camera_functions() -> Iterator[Function]:
    angles = {
        "distance": Nature(
            lambda _: [
                Mistake(Kind.TYPE, "text", "text"),
                Mistake(Kind.RANGE, "0", 0.0),
                Mistake(Kind.RANGE, "-1", -1.0),
                Mistake(Kind.NAN, "NaN", np.nan),
                Mistake(Kind.SHAPE, "(2, 2)", np.ones((2, 2))),
            ]
        ),
        "elevation": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.RANGE, "100 degrees", 100.0), Mistake(Kind.NAN, "NaN", np.nan)]),
        "azimuth": Nature(
            lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.NAN, "infinity", np.inf), Mistake(Kind.SHAPE, "(2, 2)", np.ones((2, 2)))]
        ),
        "fov": number(0.0, 180.0, -10.0),
        "target": numbers(shape=(2,)),
        "orthographic_height": number(0.0, -1.0),
    }
    good = {"fov": 60.0, "target": (0.0, 0.0, 0.0)}
    yield Function(
        name="Camera.orbit",
        call=ts.Camera.orbit,
        good=lambda: orbit() | good,
        natures=angles,
        more=[(Kind.OPTIONS, "two distances and three azimuths", orbit(distance=[1, 2], azimuth=[1, 2, 3]))],
    )
    yield Function(
        name="Camera.all_around",
        call=ts.Camera.all_around,
        good=lambda: {"count": 3, "distance": 3.0, "turn": 0.0} | good,
        natures={"count": whole(0, 2**21), "distance": number(0.0, -1.0), "turn": number(), "fov": angles["fov"], "target": angles["target"]},
    )
    yield Function(
        name="Camera.about",
        call=ts.Camera.orbit().about,
        good=lambda: {"origin": (1.0, 2.0, 3.0)},
        natures={"origin": numbers(shape=(2,))},
    )
    yield Function(
        name="Camera.look_at",
        call=ts.Camera.look_at,
        good=lambda: {"eye": (0.0, 0.0, 3.0), "up": (0.0, 1.0, 0.0)} | good,
        natures={"eye": numbers(shape=(2,)), "up": numbers(shape=(2,)), **{name: angles[name] for name in ("target", "fov", "orthographic_height")}},
        more=[
            (Kind.RANGE, "the camera stands at its target", {"eye": (0.0, 0.0, 0.0)}),
            (Kind.RANGE, "`up` along the view axis", {"up": (0.0, 0.0, 1.0)}),
        ],
    )
    yield Function(
        name="Camera.from_matrices",
        call=ts.Camera.from_matrices,
        good=lambda: {"camera_from_world": np.eye(4), "pixel_intrinsics": np.eye(3), "image_size": (8, 8)},
        natures={
            "camera_from_world": numbers(shape=(3, 3)),
            "pixel_intrinsics": numbers(shape=(3, 4)),
            "image_size": image_size(),
            "convention": choice(),
            "lens": choice(),
            "distortion": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.OPTIONS, "with a lens that has none", [0.1] * 4),
                ]
            ),
        },
        more=[
            (Kind.RANGE, "`camera_from_world`: a mirror image", {"camera_from_world": np.diag([1.0, 1.0, -1.0, 1.0])}),
            (Kind.RANGE, "`camera_from_world`: twice as large", {"camera_from_world": np.eye(4) * 2}),
            (Kind.RANGE, "`pixel_intrinsics`: a skew", {"pixel_intrinsics": np.array([[8.0, 2, 4], [0, 8, 4], [0, 0, 1]])}),
            (Kind.RANGE, "`pixel_intrinsics`: transposed", {"pixel_intrinsics": np.array([[8.0, 0, 0], [0, 8, 0], [4, 4, 1]])}),
            (Kind.RANGE, "`pixel_intrinsics`: a negative focal length", {"pixel_intrinsics": np.diag([8.0, -8, 1])}),
            (Kind.RANGE, "`pixel_intrinsics`: a last row of noughts", {"pixel_intrinsics": np.diag([8.0, 8, 0])}),
            (Kind.SHAPE, "`distortion`: three coefficients", {"lens": ts.Lens.OPENCV, "distortion": [0.1] * 3}),
            (Kind.NAN, "`distortion`: NaN", {"lens": ts.Lens.OPENCV, "distortion": [np.nan] * 4}),
            (Kind.OPTIONS, "an orthographic lens with K", {"lens": ts.Lens.ORTHOGRAPHIC}),
        ],
    )
    yield Function(
        name="Camera",
        call=ts.Camera,
        good=lambda: {"camera_from_world": EYE, "intrinsics": np.ones((1, 4))},
        natures={
            "camera_from_world": numbers(shape=(1, 4, 4)),
            "intrinsics": numbers(shape=(1, 3)),
            "lens": choice(),
            "distortion": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.OPTIONS, "with a lens that has none", np.zeros((1, 4)))]),
        },
        more=[
            (Kind.SHAPE, "intrinsics of two cameras, and one pose", {"intrinsics": np.ones((2, 4))}),
            (Kind.OPTIONS, "a lens without its distortion", {"lens": ts.Lens.FISHEYE}),
            (Kind.NAN, "`distortion`: NaN", {"lens": ts.Lens.FISHEYE, "distortion": np.full((1, 4), np.nan)}),
            (Kind.SHAPE, "`distortion`: three coefficients", {"lens": ts.Lens.FISHEYE, "distortion": np.zeros((1, 3))}),
        ],
    )
    yield Function(
        name="Camera.to_matrices",
        call=ts.Camera.orbit().to_matrices,
        good=lambda: {"image_size": (8, 8)},
        natures={"image_size": image_size(), "convention": choice()},
    )
    yield Function(
        name="scene.distortion_limit",
        call=distortion_limit,
        good=lambda: {"lens": ts.Lens.FISHEYE, "coefficients": np.zeros((1, 4))},
        natures={"lens": choice(), "coefficients": numbers(finite=False, shape=(1, 3))},
    )


def mesh_functions() -> Iterator[Function]:
    yield Function(
        name="Mesh",
        call=ts.Mesh,
        good=lambda: {"vertices": VERTICES, "faces": FACES},
        natures={
            "vertices": numbers(shape=(4, 2)),
            "faces": faces(),
            "colors": optional(numbers(shape=(3, 3)), lambda: np.zeros((4, 3))),
            "uvs": optional(numbers(shape=(3, 2)), lambda: np.zeros((4, 2))),
            "face_uvs": Nature(lambda _: [Mistake(Kind.OPTIONS, "without uvs", FACES)]),
            "texture": Nature(lambda _: [Mistake(Kind.OPTIONS, "without uvs", np.zeros((2, 2, 3)))]),
            "wrap": choice(),
        },
        more=[
            (Kind.RANGE, "`colors`: 8 bits", {"colors": np.full((4, 3), 128, np.uint8)}),
            (Kind.RANGE, "`texture`: in 0..255", {"uvs": np.zeros((4, 2)), "texture": np.full((2, 2, 3), 255.0)}),
            (Kind.RANGE, "`vertices`: 1e30", {"vertices": VERTICES * 1e30}),
            (Kind.DTYPE, "`vertices`: complex", {"vertices": VERTICES + 0j}),
            (Kind.SHAPE, "`vertices`: none", {"vertices": np.zeros((0, 3))}),
            (Kind.INDEX, "`faces`: a billion", {"faces": np.array([[0, 1, 10**9]])}),
            (Kind.INDEX, "`face_uvs`: one too large", {"uvs": np.zeros((4, 2)), "face_uvs": FACES + 2}),
            (Kind.TYPE, "`face_uvs`: real numbers", {"uvs": np.zeros((4, 2)), "face_uvs": FACES * 1.0}),
            (Kind.SHAPE, "`face_uvs`: of one face, with two faces", {"uvs": np.zeros((4, 2)), "face_uvs": FACES[:1]}),
            (Kind.SHAPE, "`texture`: two channels", {"uvs": np.zeros((4, 2)), "texture": np.zeros((2, 2, 2))}),
            (Kind.SHAPE, "`texture`: no pixels", {"uvs": np.zeros((4, 2)), "texture": np.zeros((0, 2, 3))}),
            (Kind.RANGE, "`texture`: more than 2^28 pixels", {"uvs": np.zeros((4, 2)), "texture": np.broadcast_to(np.float32(0), (2**15, 2**14, 3))}),
            (Kind.NAN, "`texture`: NaN", {"uvs": np.zeros((4, 2)), "texture": np.full((2, 2, 3), np.nan)}),
            (Kind.TYPE, "`texture`: text", {"uvs": np.zeros((4, 2)), "texture": "text"}),
        ],
    )
    yield Function(
        name="Mesh.icosphere",
        call=ts.Mesh.icosphere,
        good=lambda: {"subdivisions": 1, "radius": 1.0},
        natures={"subdivisions": whole(-1, 11), "radius": number(0.0, -1.0)},
    )
    yield Function(
        name="Mesh.normalized",
        call=lambda vertices: ts.Mesh(vertices=vertices, faces=FACES).normalized(),
        good=lambda: {"vertices": VERTICES},
        natures={},
        more=[(Kind.RANGE, "a mesh that is one point", {"vertices": np.ones((4, 3))})],
    )
    yield Function(
        name="Mesh.save",
        call=lambda path, normals=False, opacity=None: ts.Mesh.icosphere(0).save(path, normals, opacity),
        good=lambda: {"path": In(lambda folder: folder / "mesh.glb")},
        natures={"path": path(missing=False), "normals": flag(), "opacity": optional(numbers_of((2,)), lambda: np.ones(12))},
        more=[
            (Kind.FILE, "`path`: a kind of file that we do not write", {"path": In(lambda folder: folder / "mesh.fbx")}),
            (Kind.OPTIONS, "`normals`, with a kind of file that has none", {"path": In(lambda folder: folder / "mesh.ply"), "normals": True}),
            (Kind.OPTIONS, "`opacity`, with a kind of file that has none", {"path": In(lambda folder: folder / "mesh.obj"), "opacity": np.ones(12)}),
            (Kind.RANGE, "`opacity`: 2", {"opacity": np.full(12, 2.0)}),
        ],
    )
    yield Function(name="scene.creature", call=shapes.creature, good=lambda: {"subdivisions": 1}, natures={"subdivisions": whole(-1, 11)})


def topology_functions() -> Iterator[Function]:
    yield Function(
        name="Topology",
        call=ts.Topology,
        good=topology_good,
        natures={
            "faces": table((2, 4), 4),
            "feature_faces": table((2, 4), 4),
            "face_source": table((2, 2), 2),
            "face_image": table((2, 2), 1),
            "vertex_source": table((4, 1), 4),
            "vertex_image": table((4, 1), 1),
            "n_vertices": whole(0, 2**31),
            "n_source_faces": whole(0),
            "n_images": whole(0, 2**21),
            "remembered": nothing("kept for the next picture"),
            "_placed": nothing("kept for the next picture"),
        },
        more=[
            (Kind.SHAPE, "lists of different lengths", {"face_source": np.zeros((1, 1), np.int32)}),
            (Kind.RANGE, "images that do not ascend", {"n_images": 2, "face_image": np.array([1, 0], np.int32)}),
        ],
    )
    yield Function(
        name="Topology.shared",
        call=ts.Topology.shared,
        good=lambda: {"faces": FACES, "n_vertices": 4, "n_images": 1},
        natures={"faces": faces(), "n_vertices": whole(0, 2**31), "n_images": whole(0, 2**21)},
        more=[(Kind.RANGE, "more corners than can be counted", {"n_images": 2**20, "faces": np.tile(FACES, (500, 1))})],
    )
    yield Function(
        name="Topology.batch",
        call=ts.Topology.batch,
        good=lambda: {"faces": [FACES, FACES], "n_vertices": [4, 4]},
        natures={
            "faces": Nature(
                lambda _: (
                    [Mistake(m.kind, m.what, [FACES, m.value]) for m in faces().mistakes(None)]
                    + [Mistake(Kind.SHAPE, "no mesh at all", []), Mistake(Kind.SHAPE, "of one mesh, and n_vertices of two", [FACES])]
                )
            ),
            "n_vertices": Nature(lambda _: [Mistake(Kind.TYPE, "1.5", [4, 1.5]), Mistake(Kind.RANGE, "0", [4, 0])]),
        },
        more=[(Kind.INDEX, "a face of the next mesh", {"faces": [np.array([[0, 1, 3]]), FACES], "n_vertices": [3, 4]})],
    )
    yield Function(
        name="Topology.separate_faces",
        call=ts.Topology.separate_faces,
        good=lambda: {"n_faces": 2, "n_images": 1},
        natures={"n_faces": whole(0), "n_images": whole(0, 2**21)},
    )
    known = ts.Connectivity.of(FACES, 4)
    yield Function(
        name="Connectivity",
        call=ts.Connectivity,
        good=lambda: {"n_vertices": 4, "edges": known.edges, "hinges": known.hinges, "one_over_degree": known.one_over_degree},
        natures={
            "n_vertices": whole(0),
            "edges": table((2, 3), 4),
            "hinges": table((1, 3), 4),
            "one_over_degree": Nature(lambda _: [Mistake(Kind.TYPE, "a list", [0.0] * 4), Mistake(Kind.SHAPE, "(3,), not (4,)", np.zeros(3))]),
            "_placed": nothing("kept for the next picture"),
        },
    )
    yield Function(
        name="Connectivity.of",
        call=ts.Connectivity.of,
        good=lambda: {"faces": FACES, "n_vertices": 4},
        natures={"faces": faces(), "n_vertices": whole(0)},
    )
    yield Function(name="Connectivity.smoothing_system", call=known.smoothing_system, good=lambda: {"smoothness": 1.0}, natures={"smoothness": number(-1.0)})


def settings_functions() -> Iterator[Function]:
    ranges = {
        "sigma": (0.0, -1e-4, 1e9), "gamma": (0.0, -1e-4, 1e9), "cutoff": (0.0, 0.5), "near": (0.0, -1.0), "far": (0.1, -3.0), "shape": (0.0, -1.0),
        "background_depth_norm": (), "shift": (1e9,), "conorm": (), "transmittance_cutoff": (0.0, 0.6),
    }  # fmt: skip
    flags, natures = ("squared", "culling", "silhouette_beyond_depth_range"), {}
    for name in RasterizeSettings.__dataclass_fields__:
        natures[name] = number(*ranges[name]) if name in ranges else flag() if name in flags else choice()
    natures["conorm"] = Nature(lambda _: [Mistake(Kind.OPTIONS, "2, with a silhouette that has no parameter", 2.0)])
    yamada = {"silhouette": ts.Silhouette.HAMACHER}
    yield Function(
        name="RasterizeSettings",
        call=RasterizeSettings,
        good=dict,
        natures=natures,
        more=[
            (Kind.OPTIONS, "culling with both sides", {"culling": True}),
            (Kind.RANGE, "`far` before `near`", {"near": 2.0, "far": 1.0}),
            (Kind.OPTIONS, "`texture`: Texture.IMAGE", {"texture": ts.Texture.IMAGE}),
            (Kind.OPTIONS, "`distance`: BARYCENTRIC with a window", {"distribution": ts.Distribution.WINDOW, "distance": ts.Distance.BARYCENTRIC}),
            (Kind.OPTIONS, "`opacity`: FACE without compositing", {"opacity": ts.Opacity.FACE}),
            (Kind.OPTIONS, "`silhouette`: MAX where faces are composited", {"blending": ts.Blending.COMPOSITE, "silhouette": ts.Silhouette.MAX}),
            (
                Kind.OPTIONS,
                "`silhouette_beyond_depth_range` where faces are composited",
                {"blending": ts.Blending.COMPOSITE, "silhouette_beyond_depth_range": True},
            ),
            (Kind.TYPE, "`conorm`: text", yamada | {"conorm": "text"}),
            (Kind.NAN, "`conorm`: NaN", yamada | {"conorm": np.nan}),
            (Kind.RANGE, "`conorm`: -1", yamada | {"conorm": -1.0}),
        ],
    )
    yield Function(name="TextureSettings", call=ts.TextureSettings, good=dict, natures={"wrap": choice(), "filter": choice()})
    yield Function(
        name="engine.fragments.FragmentSettings",
        call=fragments.FragmentSettings,
        good=dict,
        natures={
            "faces_per_pixel": whole(0, 2**17), "reach_sq": number(-1.0, 1e7), "interpolation": choice(), "clip_bary": flag(), "sides": choice(),
            "near": number(),
        },
        more=[(Kind.RANGE, "`interpolation`: MIXED", {"interpolation": ts.Interpolation.MIXED})],
    )  # fmt: skip
    yield Function(
        name="engine.dibr.DibrSettings",
        call=dibr.DibrSettings,
        good=dict,
        natures={
            "sigmainv": number(0.0, -1.0), "boxlen": number(-1.0), "knum": whole(0), "mask_faces": choice(), "perspective": flag(), "eps": number(0.0, 2.0),
            "multiplier": number(0.0, -1.0),
        },
    )  # fmt: skip
    yield Function(name="set_memory_budget", call=ts.set_memory_budget, good=dict, natures={"n_bytes": whole(0, -1, 100)})
    yield Function(
        name="init",
        call=ts.init,
        good=dict,
        natures={
            "arch": Nature(lambda _: [Mistake(Kind.TYPE, "a number", 5), Mistake(Kind.RANGE, "'gpu'", "gpu")]),
            "deterministic": flag(),
            "options": nothing("arguments of ti.init, which says itself what is wrong with them"),
        },
        more=[(Kind.OPTIONS, "deterministic, and not on the CPU", {"arch": "cuda", "deterministic": True})],
    )


def renderer_functions() -> Iterator[Function]:
    yield Function(
        name="Renderer",
        call=ts.Renderer,
        good=dict,
        natures={"image_size": image_size(), "settings": instance(), "arrays": instance()},
    )
    renderer = ts.Renderer(8)
    yield Function(name="Renderer.parameter", call=renderer.parameter, good=dict, natures={"values": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text")])})
    good = lambda: {  # noqa: E731
        "vertices": taichi_array(VERTICES), "faces": FACES, "camera": ts.Camera.orbit(), "colors": taichi_array(np.ones((4, 3))), "background": np.zeros(3),
    }  # fmt: skip
    yield Function(
        name="Renderer.__call__",
        call=renderer,
        good=good,
        natures={
            "vertices": reals(shape=(4, 2), finite=True),
            "faces": faces(),
            "camera": instance(),
            "colors": reals(shape=(3, 3)),
            "background": numbers(shape=(2,)),
            "features": optional(reals(shape=(3, 3)), lambda: np.ones((4, 3))),
            "outputs": Nature(lambda _: [Mistake(Kind.TYPE, "text", ["normals"])]),
            "opacity": optional(reals(shape=(3, 1)), lambda: np.ones((4, 1))),
            "window": optional(reals(shape=(3, 1)), lambda: np.ones((2, 1))),
        },
        more=[
            (Kind.SHAPE, "`colors`: no channel", {"colors": np.zeros((4, 0), np.float32)}),
            (Kind.SHAPE, "two images and one camera", {"faces": ts.Topology.shared(FACES, 4, 2)}),
            (Kind.SHAPE, "a topology of other vertices", {"faces": ts.Topology.shared(FACES, 5)}),
            (Kind.NAN, "`camera`: NaN", {"camera": camera_of_nan()}),
        ],
    )
    yield Function(
        name="render_mesh",
        call=ts.render_mesh,
        good=lambda: {"mesh": ts.Mesh(vertices=VERTICES, faces=FACES), "camera": ts.Camera.orbit(), "image_size": 8, "background": (0.0, 0.0, 0.0)},
        natures={"mesh": instance(), "camera": instance(), "image_size": image_size(), "settings": instance(), "background": numbers(shape=(2,))},
    )
    for kind, given in ((ts.SGD, {"momentum": number(-0.1, 1.0)}), (ts.Adam, {"betas": None, "uniform": flag()})):
        natures: dict[str, Nature] = {
            "parameters": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "a NumPy array", np.zeros(3)),
                    Mistake(Kind.SHAPE, "none", []),
                    Mistake(Kind.OPTIONS, "an array without gradient", array_without_gradient()),
                ]
            ),
            "rate": number(0.0, -1.0),
        } | {name: nature for name, nature in given.items() if nature is not None}
        if kind is ts.Adam:
            natures["betas"] = Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", ("text", 0.9)),
                    Mistake(Kind.RANGE, "1", (0.9, 1.0)),
                    Mistake(Kind.NAN, "NaN", (np.nan, 0.9)),
                    Mistake(Kind.SHAPE, "three", (0.9, 0.9, 0.9)),
                ]
            )
        yield Function(name=kind.__name__, call=kind, good=lambda: {"parameters": taichi_array(np.zeros(3)), "rate": 0.1}, natures=natures)


def camera_of_nan() -> ts.Camera:
    camera = ts.Camera.orbit()
    object.__setattr__(camera, "camera_from_world", camera.camera_from_world * np.nan)  # as an array of a library may come to be
    return camera


def array_without_gradient() -> Any:
    from taichi_softras.language import ti

    return ti.ndarray(ti.f32, 3)


def loss_functions() -> Iterator[Function]:
    common = {
        "into": Nature(lambda _: [Mistake(Kind.TYPE, "a number", 0.5), Mistake(Kind.SHAPE, "(2,), not (1,)", taichi_array(np.zeros(2)))]),
        "weight": number(),
        "arrays": LIBRARY,
    }
    image = lambda: taichi_array(np.zeros((1, 4, 5)))  # noqa: E731
    yield Function(
        name="losses.silhouette_iou",
        call=losses.silhouette_iou,
        good=lambda: {"alpha": image(), "target": image()},
        natures={"alpha": ndarrays(), "target": reals(shape=(1, 5, 4)), "known": optional(reals(shape=(1, 5, 4)), image)} | common,
    )
    yield Function(
        name="losses.color_l1",
        call=losses.color_l1,
        good=lambda: {"color": taichi_array(np.zeros((1, 4, 5, 3))), "target": taichi_array(np.zeros((1, 4, 5, 3))), "mask": image()},
        natures={"color": ndarrays(shape=(1, 4, 5)), "target": reals(shape=(1, 4, 5, 4)), "mask": reals(shape=(1, 5, 4))} | common,
    )
    known = ts.Connectivity.of(FACES, 4)
    for name, more in (("laplacian", {}), ("flatten", {"epsilon": number(0.0, -1.0)}), ("edge_length", {"target": number()}), ("normal_consistency", {})):
        yield Function(
            name=f"losses.{name}",
            call=getattr(losses, name),
            good=lambda: {"vertices": taichi_array(VERTICES), "connectivity": known},
            natures={"vertices": ndarrays(shape=(3, 3)), "connectivity": instance()} | more | common,
        )


def lighting_functions() -> Iterator[Function]:
    color = parameters((3, 2))
    yield Function(name="AmbientLight", call=ts.AmbientLight, good=dict, natures={"color": color})
    yield Function(
        name="DirectionalLight",
        call=ts.DirectionalLight,
        good=dict,
        natures={"direction": color, "color": color},
        more=[(Kind.RANGE, "`direction`: no length", {"direction": (0, 0, 0)})],
    )
    yield Function(
        name="PointLight",
        call=ts.PointLight,
        good=lambda: {"position": (0, 0, 3)},
        natures={"position": color, "color": color, "attenuation": color},
        more=[
            (Kind.RANGE, "`attenuation`: negative", {"attenuation": (1, 0, -1)}),
            (Kind.RANGE, "`attenuation`: nothing but noughts", {"attenuation": (0, 0, 0)}),
        ],
    )
    yield Function(
        name="SphericalHarmonics",
        call=ts.SphericalHarmonics,
        good=lambda: {"coefficients": np.zeros(9)},
        natures={
            "coefficients": Nature(lambda _: [*list(parameters((8,)).mistakes(None))[:2], Mistake(Kind.NAN, "NaN", np.full(9, np.nan))]),
            "basis": choice(),
        },
    )
    yield Function(
        name="Material",
        call=ts.Material,
        good=dict,
        natures={"ambient": color, "diffuse": color, "specular": color, "shininess": parameters((2, 2))},
        more=[(Kind.RANGE, "`shininess`: -1", {"shininess": -1.0})],
    )
    rows = np.ones((4, 3), np.float32)
    surface = lambda: {"arrays": ts.TaichiArrays(), "albedo": rows, "normals": rows, "positions": rows, "eye": (0.0, 0.0, 3.0)}  # noqa: E731
    shaded = {
        "arrays": LIBRARY,
        "albedo": surface_rows((4, 2)),
        "normals": surface_rows((3, 3)),
        "positions": surface_rows((3, 3)),
        "eye": numbers(shape=(2,)),
        "material": instance(),
        "row_image": Nature(
            lambda _: [
                Mistake(Kind.TYPE, "text", "text"),
                Mistake(Kind.DTYPE, "real numbers", np.zeros(4)),
                Mistake(Kind.SHAPE, "(3,), not (4,)", np.zeros(3, int)),
                Mistake(Kind.INDEX, "a negative one", np.array([0, 0, 0, -1])),
                Mistake(Kind.INDEX, "2^40", np.array([0, 0, 0, 2**40])),
            ]
        ),
    }
    sun = ts.DirectionalLight()
    yield Function(
        name="lighting.shade",
        call=lighting.shade,
        good=lambda: surface() | {"lights": sun},
        natures=shaded
        | {
            "lights": Nature(lambda _: [Mistake(Kind.TYPE, "text", ["text"]), Mistake(Kind.SHAPE, "none", [])]),
            "specular": choice(),
        },
        more=[
            (Kind.OPTIONS, "a point light without positions", {"lights": ts.PointLight(position=(0, 0, 3)), "positions": None}),
            (Kind.OPTIONS, "highlights without an eye", {"specular": ts.Specular.PHONG, "eye": None}),
            (Kind.OPTIONS, "`row_image` for pictures", {n: np.ones((1, 2, 2, 3)) for n in ("albedo", "normals", "positions")} | {"row_image": [0] * 4}),
            (Kind.SHAPE, "lights of three images, and pictures of two",
             {n: np.ones((2, 2, 2, 3)) for n in ("albedo", "normals", "positions")} | {"lights": ts.AmbientLight(color=np.ones((3, 1, 3)))}),
            (Kind.INDEX, "`row_image`: beyond the images of the lights",
             {"lights": ts.AmbientLight(color=np.ones((2, 1, 3))), "row_image": np.array([0, 1, 2, 0])}),
        ],
    )  # fmt: skip
    yield Function(
        name="lighting.shade_dibr_phong",
        call=lighting.shade_dibr_phong,
        good=lambda: surface() | {"direction": (0.0, 0.0, 1.0)},
        natures=shaded | {"direction": numbers(shape=(2,)), "mask": optional(surface_rows((3,)), lambda: np.ones(4, np.float32))},
        more=[(Kind.RANGE, "`direction`: no length", {"direction": (0, 0, 0)})],
    )
    for name in ("vertex_normals", "face_normals"):
        yield Function(
            name=f"lighting.{name}",
            call=getattr(lighting, name),
            good=lambda: {"arrays": ts.TaichiArrays(), "vertices": taichi_array(VERTICES), "faces": FACES},
            natures={"arrays": LIBRARY, "vertices": reals(shape=(4, 2)), "faces": faces()},
        )


def surface_rows(shape: tuple[int, ...]) -> Nature:
    """Numbers, which become an array of the library, or a Taichi array."""

    def mistakes(good: Any) -> list[Mistake]:
        from taichi_softras.language import ti

        return [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "a Taichi array of float64 among float32", ti.ndarray(ti.f64, good.shape)),
            Mistake(Kind.SHAPE, f"{shape}, not {good.shape}", np.ones(shape, np.float32)),
            Mistake(Kind.NAN, "NaN", np.full(good.shape, np.nan)),
        ]

    return Nature(mistakes)


def texture_functions() -> Iterator[Function]:
    picture = lambda: taichi_array(np.ones((4, 5, 3)))  # noqa: E731
    library = lambda: {"arrays": ts.TaichiArrays()}  # noqa: E731
    flat = lambda: textures.FlatTextures(taichi_array(np.ones((20, 3))), levels_of_a_picture())  # noqa: E731
    yield Function(
        name="UVTexture",
        call=ts.UVTexture,
        good=lambda: {"picture": picture(), "uvs": taichi_array(np.zeros((4, 2))), "face_uvs": FACES},
        natures={
            "picture": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(4, 5)", np.zeros((4, 5)))]),
            "uvs": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(4, 3)", np.zeros((4, 3)))]),
            "face_uvs": faces(),
            "settings": instance(),
        },
    )
    yield Function(
        name="engine.TextureLevels",
        call=textures.TextureLevels,
        good=lambda: {"levels": np.array([[0, 4, 5]], np.int32), "textures": np.array([[0, 1]], np.int32), "n_texels": 20},
        natures={
            "levels": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "a list", [[0, 4, 5]]),
                    Mistake(Kind.DTYPE, "int64", good.astype(np.int64)),
                    Mistake(Kind.SHAPE, "(1, 2)", good[:, :2]),
                    Mistake(Kind.INDEX, "beyond the texels", good + np.int32(1)),
                    Mistake(Kind.INDEX, "a negative one", -good),
                ]
            ),
            "textures": table((1, 3), 2),
            "n_texels": whole(-1),
            "_placed": nothing("kept for the next picture"),
        },
    )
    yield Function(
        name="engine.FlatTextures",
        call=textures.FlatTextures,
        good=lambda: {"texels": taichi_array(np.ones((20, 3))), "levels": levels_of_a_picture()},
        natures={
            "texels": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(19, 3), not (20, 3)", np.zeros((19, 3)))]),
            "levels": instance(),
        },
    )
    yield Function(
        name="engine.flat_textures",
        call=textures.flat_textures,
        good=lambda: library() | {"pictures": picture(), "settings": ts.TextureSettings()},
        natures={"arrays": LIBRARY, "pictures": reals(shape=(4, 5)), "settings": instance()},
        more=[
            (Kind.SHAPE, "`pictures`: an empty list", {"pictures": []}),
            (Kind.SHAPE, "`pictures`: of different channels", {"pictures": [np.ones((4, 5, 3), np.float32), np.ones((4, 5, 1), np.float32)]}),
            (Kind.SHAPE, "`pictures`: without texels", {"pictures": np.zeros((0, 5, 3), np.float32)}),
        ],
    )
    yield Function(
        name="engine.mip_pyramid",
        call=textures.mip_pyramid,
        good=lambda: library() | {"picture": picture()},
        natures={"arrays": LIBRARY, "picture": reals(shape=(4, 5))},
    )
    uv = lambda: taichi_array(np.zeros((6, 2)))  # noqa: E731
    yield Function(
        name="engine.sample_flat",
        call=textures.sample_flat,
        good=lambda: library() | {"textures": flat(), "uv": uv(), "settings": ts.TextureSettings()},
        natures={"arrays": LIBRARY, "textures": instance(), "uv": reals(shape=(6, 3)), "settings": instance(), "lod": LOD},
        more=[LOD_WANTED, (Kind.SHAPE, "`uv`: no points", {"uv": np.zeros((0, 2), np.float32)})],
    )
    yield Function(
        name="engine.sample_texture",
        call=textures.sample_texture,
        good=lambda: library() | {"picture": picture(), "uv": uv(), "settings": ts.TextureSettings()},
        natures={"arrays": LIBRARY, "picture": reals(shape=(4, 5)), "uv": reals(shape=(6, 3)), "settings": instance(), "lod": LOD},
        more=[LOD_WANTED],
    )
    yield Function(
        name="engine.n_channels",
        call=textures.n_channels,
        good=dict,
        natures={"features": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text")])},
    )


LOD = Nature(
    lambda _: [
        Mistake(Kind.TYPE, "a list", [0.0] * 6),
        Mistake(Kind.DTYPE, "float64 among float32", np.zeros(6)),
        Mistake(Kind.OPTIONS, "without mipmaps", np.zeros(6, np.float32)),
    ]
)
LOD_WANTED = (Kind.OPTIONS, "mipmaps without `lod`", {"settings": ts.TextureSettings(filter=ts.Filter.MIPMAPPED)})


def levels_of_a_picture() -> textures.TextureLevels:
    return textures.TextureLevels(levels=np.array([[0, 4, 5]], np.int32), textures=np.array([[0, 1]], np.int32), n_texels=20)


def array_functions() -> Iterator[Function]:
    """Rasterisers on arrays of any library."""
    scene = lambda: {  # noqa: E731
        "arrays": ts.TaichiArrays(), "topology": ts.Topology.shared(FACES, 4), "vertices_screen": taichi_array(SCREEN), "image_size": (8, 8),
    }  # fmt: skip
    natures = {"arrays": LIBRARY, "topology": instance(), "settings": instance(), "image_size": image_size()}
    for call in (fragments.fragments, fragments.used_fragments):
        yield Function(
            name=f"engine.fragments.{call.__name__}",
            call=call,
            good=lambda: scene() | {"settings": fragments.FragmentSettings()},
            natures=natures | {"vertices_screen": reals(shape=(4, 2), finite=True)},
        )

    def dibr_scene() -> dict[str, Any]:
        good = scene() | {"settings": dibr.DibrSettings(), "features": taichi_array(np.ones((4, 2)))}
        return good | {"vertices_image": good.pop("vertices_screen")}

    of_dibr = natures | {
        "vertices_image": reals(shape=(4, 2), finite=True),
        "features": reals(shape=(3, 2)),
        "face_shown": Nature(
            lambda _: [
                Mistake(Kind.TYPE, "a list", [1, 1]),
                Mistake(Kind.DTYPE, "real numbers", np.ones(2)),
                Mistake(Kind.SHAPE, "(3,), not (2,)", np.ones(3, np.int32)),
            ]
        ),
    }
    for name in ("dibr_rasterize", "dibr_foreground"):
        yield Function(
            name=f"engine.dibr.{name}", call=getattr(dibr, name), good=dibr_scene, natures=of_dibr, computes=(Kind.NAN, Kind.SHAPE, Kind.TYPE, Kind.DTYPE)
        )
    yield Function(
        name="engine.dibr.dibr_soft_mask",
        call=dibr.dibr_soft_mask,
        good=lambda: {n: v for n, v in dibr_scene().items() if n not in ("features", "image_size")} | {"face_index": np.zeros((1, 8, 8), np.int32)},
        natures={name: of_dibr[name] for name in ("arrays", "topology", "settings", "vertices_image")}
        | {
            "face_index": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "a list", [1, 1]),
                    Mistake(Kind.DTYPE, "real numbers", np.ones((1, 8, 8))),
                    Mistake(Kind.SHAPE, "(8, 8), not (1, 8, 8)", np.ones((8, 8), np.int32)),
                ]
            )
        },
    )
    yield Function(
        name="engine.voxels.voxelize",
        call=voxels.voxelize,
        good=lambda: {
            "arrays": ts.TaichiArrays(), "corners": taichi_array(np.zeros((2, 3, 3))), "face_image": np.zeros(2, np.int32), "n_images": 1, "size": 4,
        },
        natures={
            "arrays": LIBRARY,
            "corners": reals(shape=(2, 3)),
            "face_image": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "real numbers", np.zeros(2)),
                    Mistake(Kind.SHAPE, "(3,), not (2,)", np.zeros(3, np.int32)),
                    Mistake(Kind.INDEX, "one too large", np.ones(2, np.int32)),
                    Mistake(Kind.INDEX, "a negative one", -np.ones(2, np.int32)),
                ]
            ),
            "n_images": whole(0),
            "size": whole(0, 2000),
        },
    )  # fmt: skip
    yield Function(
        name="engine.voxels.voxel_iou",
        call=voxels.voxel_iou,
        good=lambda: {"a": np.zeros((1, 2, 2, 2)), "b": np.zeros((1, 2, 2, 2))},
        natures={name: Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(1, 2, 2)", np.zeros((1, 2, 2)))]) for name in "ab"},
    )


def picture_functions() -> Iterator[Function]:
    def batches(wrong: tuple[int, ...]) -> Nature:
        return Nature(lambda good: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, f"{wrong}, not {good.shape}", np.zeros(wrong))])

    yield Function(
        name="recover.metrics.silhouette_iou",
        call=metrics.silhouette_iou,
        good=lambda: {"alpha": np.zeros((1, 4, 5)), "target": np.zeros((1, 4, 5)), "threshold": 0.5},
        natures={"alpha": batches((4, 5)), "target": batches((1, 5, 4)), "threshold": number()},
    )
    yield Function(
        name="recover.structural_similarity",
        call=metrics.structural_similarity,
        good=lambda: {"pictures": np.zeros((1, 12, 12, 3)), "target": np.zeros((1, 12, 12, 3))},
        natures={"pictures": numbers_of((12, 12, 3)), "target": numbers_of((1, 12, 13, 3))},
        more=[(Kind.RANGE, "`pictures`: ten pixels high", {"pictures": np.zeros((1, 10, 12, 3)), "target": np.zeros((1, 10, 12, 3))})],
    )
    cloud = {"mesh": instance(), "count": whole(0), "seed": whole(-1)}
    square = lambda: ts.Mesh(vertices=VERTICES, faces=FACES)  # noqa: E731
    yield Function(name="recover.metrics.surface_points", call=metrics.surface_points, good=lambda: {"mesh": square(), "count": 5, "seed": 0}, natures=cloud)
    yield Function(
        name="recover.metrics.chamfer_distance",
        call=metrics.chamfer_distance,
        good=lambda: {"a": square(), "b": square()},
        natures={"a": instance(), "b": instance(), "samples": whole(0), "seed": whole(-1)},
    )
    yield Function(
        name="recover.seen_from",
        call=rendering.seen_from,
        good=lambda: {"views": views_of_a_square(), "mesh": square()},
        natures={"views": instance(), "mesh": instance(), "samples": whole(0)},
    )
    yield Function(
        name="recover.compare_surfaces",
        call=metrics.compare_surfaces,
        good=lambda: {"mesh": square(), "reference": square()},
        natures={"mesh": instance(), "reference": instance(), "samples": whole(0), "seed": whole(-1)},
    )
    yield Function(
        name="recover.rotation_to_y_up",
        call=results.rotation_to_y_up,
        good=lambda: {"up": np.array([0.0, 0.0, 1.0])},
        natures={"up": Nature(lambda _: [Mistake(Kind.SHAPE, "four numbers", np.ones(4)), Mistake(Kind.TYPE, "text", "z")])},
    )
    yield Function(
        name="recover.Views",
        call=views.Views,
        good=lambda: dict(vars(views_of_a_square())),
        natures={
            "alpha": batches((2, 8)),
            "color": batches((2, 8, 8, 4)),
            "camera": instance(),
            "names": Nature(lambda _: [Mistake(Kind.SHAPE, "one, for two pictures", ("a",)), Mistake(Kind.TYPE, "a number", 5)]),
            "known": optional(batches((2, 8)), lambda: np.ones((2, 8, 8))),
        },
        more=[(Kind.SHAPE, "`camera`: one, for two pictures", {"camera": ts.Camera.orbit()})],
    )
    yield Function(
        name="recover.Views.select",
        call=lambda which: views_of_a_square().select(which),
        good=dict,
        natures={
            "which": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "real numbers", np.array([0.0])),
                    Mistake(Kind.SHAPE, "(1, 1)", np.array([[0]])),
                    Mistake(Kind.INDEX, "one too large", [2]),
                    Mistake(Kind.INDEX, "a negative one", [-1]),
                ]
            )
        },
    )
    yield Function(name="recover.Views.reduced", call=lambda factor: views_of_a_square().reduced(factor), good=dict, natures={"factor": whole(0, 9)})
    yield Function(
        name="recover.Views.save",
        call=lambda folder, change, split=None, **beside: views.Views(**vars(views_of_a_square()) | change).save(folder, split, **beside),
        good=lambda: {"folder": In(lambda folder: folder / "out"), "change": {}, "depth": np.ones((2, 8, 8)), "normals": np.ones((2, 8, 8, 3))},
        natures={
            "folder": path(missing=False),
            "split": Nature(lambda _: [Mistake(Kind.TYPE, "a number", 5), Mistake(Kind.RANGE, "'../x'", "../x")]),
            "depth": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.SHAPE, "(2, 8)", np.ones((2, 8))),
                    Mistake(Kind.RANGE, "70", np.full((2, 8, 8), 70.0)),
                    Mistake(Kind.NAN, "NaN", np.full((2, 8, 8), np.nan)),
                ]
            ),
            "normals": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.SHAPE, "(2, 8, 8)", np.ones((2, 8, 8))),
                    Mistake(Kind.NAN, "NaN", np.full((2, 8, 8, 3), np.nan)),
                ]
            ),
        },
        more=[
            (Kind.RANGE, "a picture called '../a'", {"change": {"names": ("../a", "b")}}),
            (Kind.OPTIONS, "two pictures of one name", {"change": {"names": ("a", "a")}}),
            (Kind.OPTIONS, "orthographic cameras", {"change": {"camera": ts.Camera.orbit(azimuth=[0, 90], orthographic_height=2.0)}}),
        ],
    )
    yield Function(
        name="recover.scene_up",
        call=views.scene_up,
        good=lambda: {"cameras": ts.Camera.orbit()},
        natures={"cameras": instance()},
        more=[(Kind.SHAPE, "none", {"cameras": ts.Camera.orbit()[:0]})],
    )
    yield Function(
        name="recover.render_views",
        call=rendering.render_views,
        good=lambda: {
            "mesh": square(),
            "camera": ts.Camera.orbit(),
            "image_size": (8, 8),
            "names": ("a",),
            "settings": rendering.SHARP,
            "samples": 1,
            "light": (0, 0, 1),
        },
        natures={
            "mesh": instance(),
            "camera": instance(),
            "image_size": image_size(),
            "names": Nature(lambda _: [Mistake(Kind.SHAPE, "two, for one camera", ("a", "b"))]),
            "settings": instance(),
            "samples": whole(0, 4000),
            "light": numbers(shape=(2,)),
        },
        more=[(Kind.RANGE, "`light`: without a length", {"light": (0, 0, 0)})],
    )
    yield Function(
        name="recover.render_geometry",
        call=rendering.render_geometry,
        good=lambda: {"mesh": square(), "camera": ts.Camera.orbit(), "image_size": (8, 8), "settings": rendering.SHARP},
        natures={"mesh": instance(), "camera": instance(), "image_size": image_size(), "settings": instance()},
    )
    yield Function(
        name="recover.Views.over",
        call=lambda background: views_of_a_square().over(background),
        good=lambda: {"background": (1.0, 1.0, 1.0)},
        natures={"background": numbers(shape=(2,))},
    )
    yield Function(
        name="recover.save_picture",
        call=views.save_picture,
        good=lambda: {"path": In(lambda folder: folder / "p.png"), "picture": np.zeros((4, 4, 3))},
        natures={
            "path": path(missing=False),
            "picture": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "complex", np.zeros((4, 4, 3), complex)),
                    Mistake(Kind.SHAPE, "(4, 4, 2)", np.zeros((4, 4, 2))),
                    Mistake(Kind.SHAPE, "no pixels", np.zeros((0, 4, 3))),
                    Mistake(Kind.NAN, "NaN", np.full((4, 4, 3), np.nan)),
                ]
            ),
        },
    )
    yield Function(
        name="recover.turntable",
        call=pictures.turntable,
        good=lambda: {"path": In(lambda folder: folder / "t.gif"), "mesh": square(), "frames": 2, "size": 8, "seconds": 1.0},
        natures={"path": path(missing=False), "mesh": instance(), "frames": whole(0), "size": whole(0, 9000), "seconds": number(0.0, -1.0)},
    )
    for name in ("normal_colors", "shaded"):
        yield Function(name=f"recover.{name}", call=getattr(pictures, name), good=lambda: {"mesh": square()}, natures={"mesh": instance()})
    yield Function(
        name="recover.save_animation",
        call=pictures.save_animation,
        good=lambda: {"path": In(lambda folder: folder / "t.gif"), "pictures": np.zeros((2, 4, 4, 3)), "seconds": 1.0},
        natures={
            "path": path(missing=False),
            "pictures": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.SHAPE, "none", []),
                    Mistake(Kind.SHAPE, "(4, 4) each", np.zeros((2, 4, 4))),
                    Mistake(Kind.NAN, "NaN", np.full((2, 4, 4, 3), np.nan)),
                ]
            ),
            "seconds": number(0.0, -1.0),
        },
    )
    two = lambda: {"target": views_of_a_square(), "result": views_of_a_square()}  # noqa: E731
    yield Function(
        name="recover.sheet",
        call=pictures.sheet,
        good=lambda: two() | {"path": In(lambda folder: folder / "s.png"), "columns": 2},
        natures={"path": path(missing=False), "target": instance(), "result": instance(), "columns": whole(0)},
        more=[(Kind.SHAPE, "a result of other views", {"result": views_of_a_square(1)})],
    )
    yield Function(
        name="recover.report",
        call=report,
        good=lambda: {
            "path": In(lambda folder: folder / "r.html"),
            "title": "title",
            "model": In(lambda folder: square().save(folder / "m.glb") or folder / "m.glb"),
            "headline": {},
            "pictures": {},
            "tables": {},
            "meaning": {},
        },
        natures={
            "path": path(missing=False),
            "title": text(),
            "model": path(),
            "headline": instance(),
            "pictures": instance(Mistake(Kind.FILE, "one that is not there", {"a": "none.png"})),
            "tables": instance(),
            "meaning": optional(instance(), dict),
            "notes": optional(Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.TYPE, "numbers", [1])])),
        },
        more=[(Kind.FILE, "a model of another format", {"model": In(lambda folder: square().save(folder / "m.obj") or folder / "m.obj")})],
    )
    yield Function(
        name="recover.fit_curves",
        call=pictures.fit_curves,
        good=lambda: {"path": In(lambda folder: folder / "c.png"), "losses": [1.0], "scores": [], "stage_starts": [0]},
        natures={
            "path": path(missing=False),
            "losses": nothing("the numbers of a fit; matplotlib says itself what is wrong with them"),
            "scores": nothing("the numbers of a fit; matplotlib says itself what is wrong with them"),
            "stage_starts": nothing("the numbers of a fit; matplotlib says itself what is wrong with them"),
            "figure_of_merit": nothing("a text for the axis"),
        },
    )


def a_triangle() -> triangles.Triangles:
    return triangles.Triangles(corners=VERTICES[None, :3], colors=np.ones((1, 3, 3)), opacity=np.ones(1), window=np.ones(1))


def splatting_functions() -> Iterator[Function]:
    yield Function(
        name="recover.Triangles",
        call=triangles.Triangles,
        good=lambda: {name: getattr(a_triangle(), name) for name in ("corners", "colors", "opacity", "window")},
        natures={name: numbers_of((2, 3)) for name in ("corners", "colors", "opacity", "window")},
        more=[
            (Kind.RANGE, "`colors`: 2", {"colors": np.full((1, 3, 3), 2.0)}),
            (Kind.RANGE, "`opacity`: 2", {"opacity": np.full(1, 2.0)}),
            (Kind.RANGE, "`window`: 0", {"window": np.zeros(1)}),
        ],
    )
    yield Function(
        name="recover.render_triangles",
        call=triangles.render_triangles,
        good=lambda: {"triangles": a_triangle(), "camera": ts.Camera.orbit(), "image_size": (8, 8), "names": ("a",), "samples": 1},
        natures={
            "triangles": instance(),
            "camera": instance(),
            "image_size": image_size(),
            "names": Nature(lambda _: [Mistake(Kind.SHAPE, "two, for one camera", ("a", "b"))]),
            "samples": whole(0, 4000),
        },
    )
    yield Function(
        name="recover.composited_from",
        call=triangles.composited_from,
        good=lambda: {"views": views_of_a_square(), "triangles": a_triangle()},
        natures={"views": instance(), "triangles": instance(), "samples": whole(0)},
    )
    empty = (Kind.RANGE, "pictures that show nothing", {"views": changed_views(alpha=np.zeros((2, 8, 8)))})
    yield Function(
        name="recover.first_triangles",
        call=splatting.first_triangles,
        good=lambda: {"views": views_of_a_square(), "count": 4},
        natures={
            "views": instance(),
            "count": whole(0),
            "points": optional(numbers_of((2,)), lambda: np.ones((2, 3))),
            "seed": whole(-1),
        },
        more=[empty],
    )
    counts = {"steps": (9,), "views_per_step": (0,), "triangles": (0,), "score_every": (0,), "seed": (-1,)}
    rates = {name: number(-1.0) for name in ("corner_rate", "color_rate", "opacity_rate", "window_rate", "alpha_weight")}
    yield Function(
        name="recover.SplatOptions",
        call=splatting.SplatOptions,
        good=dict,
        natures={"start": number(0.0, 2.0)} | rates | {name: whole(*wrong) for name, wrong in counts.items()},
    )
    yield Function(
        name="recover.SplatFit",
        call=splatting.SplatFit,
        good=lambda: {"views": views_of_a_square()},
        natures={"views": instance(), "options": instance(), "points": nothing("looked at by first_triangles")},
        more=[
            empty,
            (Kind.NAN, "pictures with NaN", {"views": changed_views(alpha=np.full((2, 8, 8), np.nan))}),
            (Kind.RANGE, "pictures in 0..255", {"views": changed_views(color=np.full((2, 8, 8, 3), 200.0))}),
        ],
    )


def fit_functions() -> Iterator[Function]:
    counts = {"steps": (2,), "views_per_step": (0,), "faces": (-1,), "score_every": (0,), "seed": (-1,)}
    others = {"start": choice(), "refine_cameras": flag(), "balance": flag()}
    numbers = {name: number(-1.0) for name in ("smoothness", "shape_rate", "color_rate", "color_weight", "normal_weight")}
    yield Function(
        name="recover.FitOptions", call=fit.FitOptions, good=dict, natures=numbers | others | {name: whole(*wrong) for name, wrong in counts.items()}
    )
    empty = (Kind.RANGE, "pictures that show nothing", {"views": changed_views(alpha=np.zeros((2, 8, 8)))})
    yield Function(
        name="recover.Fit",
        call=fit.Fit,
        good=lambda: {"views": views_of_a_square()},
        natures={"views": instance(), "options": instance(), "start": instance()},
        more=[
            empty,
            (Kind.NAN, "pictures with NaN", {"views": changed_views(alpha=np.full((2, 8, 8), np.nan))}),
            (Kind.RANGE, "pictures in 0..255", {"views": changed_views(color=np.full((2, 8, 8, 3), 200.0))}),
        ],
    )
    yield Function(
        name="recover.initial_sphere",
        call=fit.initial_sphere,
        good=lambda: {"views": views_of_a_square(), "subdivisions": 1},
        natures={"views": instance(), "subdivisions": whole(-1, 9)},
        more=[empty, (Kind.RANGE, "masks that leave nothing out", {"views": changed_views(alpha=np.ones((2, 8, 8)))})],
    )
    yield Function(
        name="recover.hull.bounding_sphere", call=hull.bounding_sphere, good=lambda: {"views": views_of_a_square()}, natures={"views": instance()}, more=[empty]
    )
    yield Function(
        name="recover.hull.signed_distances",
        call=hull.signed_distances,
        good=lambda: {"alpha": np.zeros((1, 4, 5))},
        natures={"alpha": numbers_of((4, 5))},
    )
    yield Function(
        name="recover.visual_hull",
        call=hull.visual_hull,
        good=lambda: {"views": views_of_a_square(), "cells": 32, "outvoted": 0},
        natures={"views": instance(), "cells": whole(3, 1025), "outvoted": whole(-1, 2)},
        more=[empty],
    )
    yield Function(
        name="recover.hull_mesh",
        call=hull.hull_mesh,
        good=lambda: {"views": views_of_a_square(), "most_cells": 32, "doubtful": True},
        natures={"views": instance(), "most_cells": whole(31, 1025), "doubtful": flag()},
        more=[empty],
    )
    square = lambda: ts.Mesh(vertices=VERTICES, faces=FACES)  # noqa: E731
    yield Function(
        name="recover.hull.needed_pieces",
        call=hull.needed_pieces,
        good=lambda: {"mesh": square(), "views": views_of_a_square()},
        natures={"mesh": instance(), "views": instance()},
    )
    yield from remesh_functions(square)
    yield Function(
        name="recover.registered",
        call=poses.registered,
        good=lambda: {"views": views_of_a_square(), "mesh": square()},
        natures={
            "views": instance(),
            "mesh": instance(),
            "focal": flag(),
            "color_weight": number(-1.0),
            "gains": optional(numbers_of((2,)), lambda: np.ones((2, 3))),
            "steps": whole(-1),
            "softest": number(0.0),
            "sharpest": number(0.0),
        },
        more=[(Kind.OPTIONS, "a weight of colours, and a mesh without them", {"color_weight": 1.0})],
    )
    yield Function(
        name="recover.score",
        call=metrics.score,
        good=lambda: {"rendered": views_of_a_square(), "views": views_of_a_square()},
        natures={"rendered": instance(), "views": instance()},
        more=[(Kind.SHAPE, "pictures of other views", {"views": views_of_a_square(1)})],
    )


def numbers_of(wrong: tuple[int, ...]) -> Nature:
    """An array of numbers that are finite; ``wrong``: a shape that it must not have."""
    return Nature(
        lambda good: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.SHAPE, f"{wrong}, not {good.shape}", np.ones(wrong)),
            Mistake(Kind.NAN, "NaN", np.full(good.shape, np.nan)),
        ]
    )


def remesh_functions(square: Callable[[], ts.Mesh]) -> Iterator[Function]:
    mesh = lambda: {"mesh": square()}  # noqa: E731
    yield Function(name="recover.components", call=remesh.components, good=mesh, natures={"mesh": instance()})
    yield Function(name="recover.self_intersections", call=remesh.self_intersections, good=mesh, natures={"mesh": instance()})
    yield Function(name="recover.remesh.face_areas", call=remesh.face_areas, good=mesh, natures={"mesh": instance()})
    yield Function(
        name="recover.remeshed",
        call=remesh.remeshed,
        good=lambda: mesh() | {"length": 0.3},
        natures={"mesh": instance(), "length": number(0.0)},
    )
    yield Function(
        name="recover.remesh.untangled", call=remesh.untangled, good=lambda: mesh() | {"rounds": 1}, natures={"mesh": instance(), "rounds": whole(-1, 1001)}
    )
    yield Function(
        name="recover.remesh.edge_lengths",
        call=remesh.edge_lengths,
        good=lambda: mesh() | {"tolerance": 0.1, "shortest": 0.1, "longest": 1.0},
        natures={"mesh": instance(), "tolerance": number(0.0), "shortest": number(0.0), "longest": number(0.0)},
    )
    yield Function(
        name="recover.remesh.split_edges",
        call=remesh.split_edges,
        good=lambda: mesh() | {"lengths": np.ones(4), "passes": 1},
        natures={"mesh": instance(), "lengths": numbers_of((3,)), "passes": whole(-1, 33)},
    )
    yield Function(
        name="recover.remesh.joined",
        call=remesh.joined,
        good=lambda: {"meshes": [square()]},
        natures={"meshes": Nature(lambda _: [Mistake(Kind.TYPE, "a number", 5), Mistake(Kind.SHAPE, "none", []), Mistake(Kind.TYPE, "numbers", [5])])},
    )


def bake_functions() -> Iterator[Function]:
    square = lambda: ts.Mesh(vertices=VERTICES, faces=FACES)  # noqa: E731
    numbers = {name: number(-1.0) for name in ("outlier", "sharpness", "margin")} | {"detail": number(0.0, 100.0)}
    counts = {"largest_side": (15, 20_000), "samples": (0, 9), "robust_looks": (-1,), "steps": (-1,), "kept_bytes": (-1,)}
    yield Function(
        name="recover.BakeOptions",
        call=texture.BakeOptions,
        good=dict,
        natures=numbers | {name: whole(*wrong) for name, wrong in counts.items()} | {"balance": flag()},
    )
    yield Function(
        name="recover.unwrap",
        call=atlas.unwrap,
        good=lambda: {"mesh": square(), "texels": 100, "largest_side": 64},
        natures={"mesh": instance(), "texels": whole(0), "largest_side": whole(15, 20_000)},
        more=[(Kind.RANGE, "`mesh`: without an area", {"mesh": ts.Mesh(vertices=np.ones((3, 3)), faces=[[0, 1, 2]])})],
    )
    listed = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "a number", 5),
            Mistake(Kind.SHAPE, "none", []),
            Mistake(Kind.TYPE, "numbers", [5]),
            Mistake(Kind.SHAPE, "two in one", [views_of_a_square()]),
        ]
    )
    gains = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.SHAPE, "(2,)", np.ones(2)),
            Mistake(Kind.NAN, "NaN", np.full((2, 3), np.nan)),
            Mistake(Kind.RANGE, "0", np.zeros((2, 3))),
        ]
    )
    yield Function(
        name="recover.texels_shown",
        call=texture.texels_shown,
        good=lambda: {"mesh": square(), "pictures": views_of_a_square()},
        natures={"mesh": instance(), "pictures": listed},
    )
    yield Function(
        name="recover.bake",
        call=texture.bake,
        good=lambda: {"mesh": square(), "pictures": views_of_a_square()},
        natures={"mesh": instance(), "pictures": listed, "options": instance(), "gains": gains, "progress": nothing("a function of the user's")},
    )
    with_uvs = lambda: ts.Mesh(vertices=VERTICES, faces=FACES, uvs=VERTICES[:, :2] * 0 + 0.5)  # noqa: E731
    yield Function(
        name="recover.TextureFit",
        call=lambda **given: texture.TextureFit(**given).step(),
        good=lambda: {"mesh": with_uvs(), "size": (8, 8), "pictures": views_of_a_square()},
        natures={
            "mesh": instance(),
            "size": Nature(
                lambda _: [Mistake(Kind.SHAPE, "(3,)", (8, 8, 3)), Mistake(Kind.RANGE, "a side of 1", (8, 1)), Mistake(Kind.TYPE, "text", ("8", "8"))]
            ),
            "pictures": listed,
            "options": instance(),
            "gains": gains,
        },
        more=[
            (Kind.OPTIONS, "`mesh`: without texture coordinates", {"mesh": square()}),
            (Kind.RANGE, "`mesh`: texture coordinates outside of [0, 1]", {"mesh": ts.Mesh(vertices=VERTICES, faces=FACES, uvs=np.full((4, 2), 1.5))}),
        ],
    )


def changed_views(**changed: Any) -> views.Views:
    return views.Views(**vars(views_of_a_square()) | changed)


def functions() -> list[Function]:
    parts = (
        camera_functions, mesh_functions, topology_functions, settings_functions, renderer_functions, loss_functions, lighting_functions, texture_functions,
        array_functions, picture_functions, fit_functions, splatting_functions, bake_functions, geometry.functions,
    )  # fmt: skip
    return [function for part in parts for function in part()]
