"""The table of `taichi_softras.interop`, without the drop-ins."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

import taichi_softras as ts
from taichi_softras import interop
from taichi_softras.engine.fragments import FragmentSettings
from taichi_softras.interop import lighting, losses, ops, textures

from . import Function, Kind, Mistake, Nature, choice, faces, flag, image_size, instance, nothing, number, numbers, optional
from .standalone import FACES, VERTICES, camera_of_nan

SQUARE = torch.tensor(VERTICES, dtype=torch.float32)
ROWS = torch.ones(4, 3)


def tensors(*wrong: tuple[int, ...], alone: bool = False, nan: bool = False, lists: bool = False, mixed: bool = False) -> Nature:
    """A tensor of real numbers.

    Args:
        wrong: shapes that do not fit; by default one dimension too many.
        alone: whether no other tensor is there, with which it could disagree.
        nan: whether NaN is looked for.
        lists: whether lists of numbers are welcome, too.
        mixed: whether float32 and float64 may meet.
    """

    def mistakes(good: torch.Tensor) -> list[Mistake]:
        own = tuple(good.shape)
        found = [
            Mistake(Kind.TYPE, "text", "text") if lists else Mistake(Kind.TYPE, "a list", [1.0, 2.0]),
            *([] if lists else [Mistake(Kind.DTYPE, "integers", good.long()), Mistake(Kind.DTYPE, "complex numbers", good.to(torch.complex64))]),
            *([] if alone or lists or mixed else [Mistake(Kind.DTYPE, "float64 among float32", good.double())]),
            *([] if alone or lists else [Mistake(Kind.DEVICE, "on another", good.to("meta"))]),
            *(Mistake(Kind.SHAPE, f"{shape}, not {own}", torch.zeros(shape)) for shape in wrong or [(*own, 2)]),
        ]
        return [*found, Mistake(Kind.NAN, "NaN", good * torch.nan)] if nan else found

    return Nature(mistakes)


def kernel_tensors(*wrong: tuple[int, ...], nan: bool = False) -> Nature:
    """The first tensor of a function that runs kernels: they want float32 or float64, on CPU or CUDA."""

    def mistakes(good: torch.Tensor) -> list[Mistake]:
        return [
            *tensors(*wrong, alone=True, nan=nan).mistakes(good),
            Mistake(Kind.DTYPE, "float16", good.half()),
            Mistake(Kind.DEVICE, "without memory (meta)", good.to("meta")),
        ]

    return Nature(mistakes)


def face_tensors(n: int = 4) -> Nature:
    """Faces as tensors, besides what NumPy understands."""

    def mistakes(good: Any) -> list[Mistake]:
        known = [mistake for mistake in faces(n).mistakes(good) if mistake.kind is not Kind.DTYPE]
        return [
            *known,
            Mistake(Kind.DTYPE, "a tensor of real numbers", torch.tensor([[0.0, 1.0, 2.0]])),
            Mistake(Kind.INDEX, "a tensor with 10^9", torch.tensor([[0, 1, 10**9]])),
            Mistake(Kind.DEVICE, "without memory (meta)", torch.zeros(2, 3, dtype=torch.int64, device="meta")),
        ]

    return Nature(mistakes)


def background(n: int = 3) -> Nature:
    """Numbers or a tensor."""
    return Nature(
        lambda _: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "a tensor of integers", torch.zeros(n, dtype=torch.int64)),
            Mistake(Kind.SHAPE, f"{n - 1} numbers", [0.0] * (n - 1)),
            Mistake(Kind.SHAPE, "of two images, and one is drawn", torch.zeros(2, n)),
            Mistake(Kind.NAN, "NaN", [np.nan] * n),
            Mistake(Kind.DEVICE, "on another", torch.zeros(n, device="meta")),
        ]
    )


OUTPUTS = Nature(lambda _: [Mistake(Kind.TYPE, "text", ["normals"])])
CAMERA = instance()


LAYERS = {"opacity": optional(tensors((3, 1), (4,)), lambda: torch.ones(4, 1)), "window": optional(tensors((3, 1), (2,)), lambda: torch.ones(2, 1))}
COMPOSITE = ts.RasterizeSettings(blending=ts.Blending.COMPOSITE)
OF_FACES, OF_CHANNEL = (replace(COMPOSITE, opacity=kind) for kind in (ts.Opacity.FACE, ts.Opacity.CHANNEL))
MORE_OF_LAYERS: list[tuple[Kind, str, dict[str, Any]]] = [
    (Kind.OPTIONS, "`opacity`, and nothing is composited", {"opacity": torch.ones(4, 1)}),
    (Kind.RANGE, "`opacity`: 1.5", {"settings": COMPOSITE, "opacity": torch.full((4, 1), 1.5)}),
    (Kind.RANGE, "`opacity`: -0.1", {"settings": OF_FACES, "opacity": torch.full((len(FACES), 1), -0.1)}),
    (Kind.NAN, "`opacity`: NaN", {"settings": COMPOSITE, "opacity": torch.full((4, 1), torch.nan)}),
    (Kind.SHAPE, "`opacity`: of too many faces", {"settings": OF_FACES, "opacity": torch.ones(len(FACES) + 1, 1)}),
    (Kind.OPTIONS, "`opacity` beside that of the colours", {"settings": OF_CHANNEL, "opacity": torch.ones(4, 1)}),
    (Kind.OPTIONS, "`window` without windows", {"settings": COMPOSITE, "window": torch.ones(1, 1)}),
    (Kind.RANGE, "`window`: 0", {"settings": replace(COMPOSITE, distribution=ts.Distribution.WINDOW), "window": torch.zeros(1, 1)}),
]


def render_functions() -> Iterator[Function]:
    scene = lambda: {"vertices": SQUARE, "faces": FACES, "camera": ts.Camera.orbit(), "colors": ROWS, "background": [0.0] * 3}  # noqa: E731
    natures = {
        "vertices": kernel_tensors((4, 2), (4,), (2, 4, 3), nan=True),
        "faces": face_tensors(),
        "camera": CAMERA,
        "colors": tensors((3, 3), (4,), (4, 0)),
        "features": optional(tensors((3, 3), (4, 0)), lambda: ROWS),
        "outputs": OUTPUTS,
    } | LAYERS
    more = [
        (Kind.SHAPE, "two images and one camera", {"faces": ts.Topology.shared(FACES, 4, 2)}),
        (Kind.SHAPE, "a topology of other vertices", {"faces": ts.Topology.shared(FACES, 5)}),
        (Kind.NAN, "`camera`: NaN", {"camera": camera_of_nan()}),
        (Kind.DTYPE, "`camera`: a float64 tensor among float32", {"camera": camera_of(torch.float64)}),
        (Kind.SHAPE, "texels per face that are not R x R each", {"settings": ts.RasterizeSettings(texture=ts.Texture.FACE), "colors": torch.ones(6, 3)}),
        (Kind.SHAPE, "`colors`: two textures for one image", {"colors": texture_of(torch.ones(2, 4, 4, 3))}),
        (Kind.SHAPE, "`colors`: a texture whose uvs are of other vertices", {"colors": ts.UVTexture(torch.ones(4, 4, 3), torch.zeros(3, 2))}),
        (Kind.DTYPE, "`colors`: a texture of float64 among float32", {"colors": texture_of(torch.ones(4, 4, 3).double())}),
    ]
    more += MORE_OF_LAYERS
    yield Function(
        name="interop.render",
        call=interop.render,
        good=lambda: scene() | {"image_size": 8},
        natures=natures | {"background": background(), "settings": instance(), "image_size": image_size()},
        more=more,
    )
    yield Function(
        name="interop.SoftRenderer",
        call=interop.SoftRenderer,
        good=dict,
        natures={"image_size": image_size(), "settings": instance(), "background": nothing("looked at with the colours of a picture, see forward")},
    )

    def forward(*, background: Any, settings: Any = None, **given: Any) -> Any:
        return interop.SoftRenderer(8, settings, background)(**given)

    yield Function(
        name="interop.SoftRenderer.forward", call=forward, good=scene, natures=natures, more=[*more, (Kind.SHAPE, "background", {"background": [0.0]})]
    )
    yield Function(
        name="interop.rasterize",
        call=interop.rasterize,
        good=lambda: {
            "vertices_screen": SQUARE + torch.tensor([0.0, 0.0, 2.0]), "topology": ts.Topology.shared(FACES, 4), "features": ROWS, "background": [0.0] * 3,
            "image_size": 8,
        },
        natures={
            "vertices_screen": kernel_tensors((4, 2), (3, 3), nan=True),
            "topology": instance(),
            "features": tensors((3, 3), (4,), (4, 0)),
            "background": background(),
            "settings": instance(),
            "image_size": image_size(),
            **LAYERS,
        },
        more=MORE_OF_LAYERS,
    )  # fmt: skip
    yield Function(
        name="interop.fragments",
        call=interop.fragments,
        good=lambda: {"vertices": SQUARE, "faces": FACES, "camera": ts.Camera.orbit(), "settings": FragmentSettings(), "image_size": 8},
        natures={
            "vertices": kernel_tensors((4, 2), (4,), nan=True), "faces": face_tensors(), "camera": CAMERA, "settings": instance(), "image_size": image_size(),
        },
    )  # fmt: skip
    yield Function(
        name="interop.ops.topology_of",
        call=ops.topology_of,
        good=lambda: {"faces": FACES, "n_vertices": 4, "n_images": 1, "one_mesh": True},
        natures={"faces": face_tensors(), "n_vertices": nothing("of the vertices"), "n_images": nothing("of the cameras"), "one_mesh": nothing("ours")},
    )
    yield Function(
        name="interop.TorchArrays",
        call=interop.TorchArrays,
        good=lambda: {"dtype": torch.float32, "device": torch.device("cpu")},
        natures={
            "dtype": Nature(lambda _: [Mistake(Kind.TYPE, "text", "float32"), Mistake(Kind.DTYPE, "float16", torch.float16)]),
            "device": Nature(lambda _: [Mistake(Kind.DEVICE, "meta", torch.device("meta"))]),
        },
    )


def camera_of(dtype: torch.dtype) -> ts.Camera:
    camera = ts.Camera.orbit()
    return ts.Camera(camera_from_world=torch.tensor(camera.camera_from_world, dtype=dtype), intrinsics=camera.intrinsics)


def texture_of(picture: torch.Tensor) -> ts.UVTexture:
    return ts.UVTexture(picture, torch.zeros(4, 2))


def loss_functions() -> Iterator[Function]:
    image = torch.zeros(1, 4, 5)
    iou = {"alpha": kernel_tensors((4, 5)), "target": tensors((1, 5, 4))}
    for name, call in (("losses.silhouette_iou", losses.silhouette_iou), ("SilhouetteIoULoss.forward", interop.SilhouetteIoULoss())):
        known_too = {"known": optional(tensors((1, 5, 4)), lambda: image)} if call is losses.silhouette_iou else {}
        yield Function(name=f"interop.{name}", call=call, good=lambda: {"alpha": image, "target": image}, natures=iou | known_too)
    yield Function(
        name="interop.losses.color_l1",
        call=losses.color_l1,
        good=lambda: {"color": torch.zeros(1, 4, 5, 3), "target": torch.zeros(1, 4, 5, 3), "mask": image},
        natures={"color": kernel_tensors((1, 4, 5)), "target": tensors((1, 4, 5, 4)), "mask": tensors((1, 5, 4))},
    )
    known = ts.Connectivity.of(FACES, 4)
    vertices = kernel_tensors((3, 3), (4, 2), (1, 4, 3))
    for name, more in (("laplacian", {}), ("flatten", {"epsilon": number(0.0, -1.0)}), ("edge_length", {"target": number()}), ("normal_consistency", {})):
        yield Function(
            name=f"interop.losses.{name}",
            call=getattr(losses, name),
            good=lambda: {"vertices": SQUARE, "connectivity": known},
            natures={"vertices": vertices, "connectivity": instance()} | more,
        )
    for name in ("LaplacianLoss", "FlattenLoss", "EdgeLengthLoss", "NormalConsistencyLoss"):
        kind = getattr(interop, name)
        yield Function(
            name=f"interop.{name}",
            call=kind,
            good=lambda: {"faces": torch.tensor(FACES), "n_vertices": 4},
            natures={"faces": face_tensors(), "n_vertices": Nature(lambda _: [Mistake(Kind.TYPE, "4.5", 4.5), Mistake(Kind.RANGE, "0", 0)])},
        )
        yield Function(name=f"interop.{name}.forward", call=kind(FACES, 4), good=lambda: {"vertices": SQUARE}, natures={"vertices": vertices})


def lighting_functions() -> Iterator[Function]:
    eye = Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(2,)", [0.0, 0.0]), Mistake(Kind.NAN, "NaN", [np.nan] * 3)])
    common = {
        "albedo": kernel_tensors((4, 2)),
        "normals": tensors((3, 3)),
        "positions": tensors((3, 3)),
        "eye": eye,
        "material": instance(),
        "row_image": Nature(
            lambda _: [
                Mistake(Kind.TYPE, "text", "text"),
                Mistake(Kind.DTYPE, "real numbers", torch.zeros(4)),
                Mistake(Kind.SHAPE, "(3,), not (4,)", torch.zeros(3, dtype=torch.int64)),
                Mistake(Kind.INDEX, "a negative one", torch.tensor([0, 0, 0, -1])),
                Mistake(Kind.INDEX, "2^40", torch.tensor([0, 0, 0, 2**40])),
                Mistake(Kind.DEVICE, "without memory (meta)", torch.zeros(4, dtype=torch.int64, device="meta")),
            ]
        ),
    }
    surface = lambda: {"albedo": ROWS, "normals": ROWS, "positions": ROWS, "eye": (0.0, 0.0, 3.0)}  # noqa: E731
    lights = Nature(lambda _: [Mistake(Kind.TYPE, "text", ["text"]), Mistake(Kind.SHAPE, "none", [])])
    sun = ts.DirectionalLight()
    more = [
        (Kind.OPTIONS, "a point light without positions", {"lights": ts.PointLight(position=(0, 0, 3)), "positions": None}),
        (Kind.OPTIONS, "highlights without an eye", {"specular": ts.Specular.PHONG, "eye": None}),
        (Kind.DTYPE, "`lights`: a float64 colour among float32", {"lights": ts.AmbientLight(color=torch.ones(3).double())}),
        (Kind.DEVICE, "`lights`: a colour on another device", {"lights": ts.AmbientLight(color=torch.ones(3, device="meta"))}),
    ]
    natures = common | {"lights": lights, "specular": choice()}
    yield Function(name="interop.shade", call=interop.shade, good=lambda: surface() | {"lights": sun}, natures=natures, more=more)
    yield Function(
        name="interop.Shading",
        call=interop.Shading,
        good=lambda: {"lights": sun},
        natures={"lights": lights, "material": instance(), "specular": choice()},
    )
    yield Function(
        name="interop.Shading.forward",
        call=interop.Shading(sun),
        good=surface,
        natures={name: common[name] for name in ("albedo", "normals", "positions", "eye", "row_image")},
    )
    yield Function(
        name="interop.shade_dibr_phong",
        call=interop.shade_dibr_phong,
        good=lambda: surface() | {"direction": (0.0, 0.0, 1.0), "mask": torch.ones(4)},
        natures=common | {"direction": numbers(shape=(2,)), "mask": tensors((3,))},
        more=[(Kind.RANGE, "`direction`: no length", {"direction": (0, 0, 0)})],
    )
    for name in ("vertex_normals", "face_normals"):
        yield Function(
            name=f"interop.{name}",
            call=getattr(lighting, name),
            good=lambda: {"vertices": SQUARE, "faces": FACES},
            natures={"vertices": kernel_tensors((4, 2), (4,)), "faces": face_tensors()},
        )


def texture_functions() -> Iterator[Function]:
    picture = torch.ones(4, 5, 3)
    lod = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "a list", [0.0] * 6),
            Mistake(Kind.DTYPE, "integers", torch.zeros(6, dtype=torch.int64)),
            Mistake(Kind.DEVICE, "on another", torch.zeros(6, device="meta")),
            Mistake(Kind.OPTIONS, "without mipmaps", torch.zeros(6)),
        ]
    )
    mipmapped = ts.TextureSettings(filter=ts.Filter.MIPMAPPED)
    yield Function(
        name="interop.sample_texture",
        call=textures.sample_texture,
        good=lambda: {"picture": picture, "uv": torch.zeros(6, 2)},
        natures={"picture": kernel_tensors((4, 5), (0, 5, 3)), "uv": tensors((6, 3)), "settings": instance(), "lod": lod},
        more=[
            (Kind.OPTIONS, "mipmaps without `lod`", {"settings": mipmapped}),
            (Kind.SHAPE, "`lod`: (5,), not (6,)", {"settings": mipmapped, "lod": torch.zeros(5)}),
            (Kind.SHAPE, "`uv`: no points", {"uv": torch.zeros(0, 2)}),
        ],
    )
    yield Function(
        name="interop.mip_pyramid", call=textures.mip_pyramid, good=lambda: {"picture": picture}, natures={"picture": kernel_tensors((4, 5), (0, 5, 3))}
    )


def functions() -> list[Function]:
    return [function for part in (render_functions, loss_functions, lighting_functions, texture_functions) for function in part()]


__all__ = ["ROWS", "SQUARE", "background", "face_tensors", "flag", "functions", "kernel_tensors", "tensors"]
