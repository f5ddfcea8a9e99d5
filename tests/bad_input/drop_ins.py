"""The table of the drop-ins for SoftRas, Kaolin and PyTorch3D."""

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from taichi_softras.interop import kaolin, pytorch3d, soft_renderer
from taichi_softras.interop.pytorch3d.ops import interp_face_attrs as attributes
from taichi_softras.interop.pytorch3d.renderer import blending, camera_conversions, cameras
from taichi_softras.interop.pytorch3d.renderer import utils as renderer_utils
from taichi_softras.interop.soft_renderer import functional as srf

from . import Function, In, Kind, Mistake, Nature, flag, image_size, instance, kaolin_mesh, mesh_ops, named, nothing, number, path, pytorch3d_files, whole
from .standalone import FACES
from .torch_api import ROWS, SQUARE, background, kernel_tensors, tensors

BATCH = SQUARE[None]
FACE_BATCH = torch.tensor(FACES, dtype=torch.int64)[None]
CORNERS = SQUARE[torch.tensor(FACES, dtype=torch.int64)][None] + torch.tensor([0.0, 0.0, 2.0])  # [1, 2, 3, 3]
WITHOUT_EFFECT = nothing("accepted, and without effect")
AS_IN_THE_ORIGINAL = nothing("kept, and looked at when it is used")


def indices(wrong: tuple[int, ...], n: int) -> Nature:
    """A tensor of indices below ``n``."""

    def mistakes(good: torch.Tensor) -> list[Mistake]:
        found = [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "real numbers", good.float()),
            Mistake(Kind.SHAPE, f"{wrong}, not {tuple(good.shape)}", torch.zeros(wrong, dtype=torch.int64)),
            Mistake(Kind.INDEX, "one too large", torch.full_like(good, n)),
        ]
        return [*found, Mistake(Kind.INDEX, "a negative one", torch.full_like(good, -1))]

    return Nature(mistakes)


def points(*wrong: tuple[int, ...]) -> Nature:
    """[3] or [B, 3] numbers, or a tensor."""
    return Nature(
        lambda _: [
            Mistake(Kind.TYPE, "text", "text"),
            *(Mistake(Kind.SHAPE, str(shape), torch.zeros(shape)) for shape in wrong or [(2,), (3, 3)]),
            Mistake(Kind.DEVICE, "without memory (meta)", torch.zeros(3, device="meta")),
        ]
    )


def scale() -> Nature:
    """A number, or one for each image."""
    return Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "of three images, and there is one", torch.ones(3))])


# ------------------------------------------------------------------------------------------------------------------------ SoftRas


def soft_renderer_functions() -> Iterator[Function]:
    numbers = {
        "near": number(0.0), "far": number(-1.0), "eps": number(), "sigma_val": number(0.0, -1.0), "dist_eps": number(0.0, 1.0), "gamma_val": number(0.0),
    }  # fmt: skip
    names = {name: named() for name in ("dist_func", "aggr_func_rgb", "aggr_func_alpha", "texture_type")}
    options = numbers | names | {"image_size": image_size(), "background_color": background(), "fill_back": flag()}
    yield Function(
        name="interop.soft_renderer.functional.soft_rasterize",
        call=srf.soft_rasterize,
        good=lambda: {"face_vertices": CORNERS, "textures": torch.ones(1, 2, 1, 3), "image_size": 8, "background_color": (0, 0, 0)},
        natures=options | {"face_vertices": kernel_tensors((1, 2, 3, 2), (2, 3, 3), nan=True), "textures": tensors((1, 3, 1, 3), (1, 2, 2, 3), (1, 2, 3))},
    )
    pairs = {"vertices": BATCH, "faces": FACE_BATCH}
    meshes = {"vertices": tensors((4, 3), (2, 4, 3), alone=True), "faces": indices((1, 2, 4), 4)}
    for name in ("face_vertices", "vertex_normals"):
        yield Function(name=f"interop.soft_renderer.functional.{name}", call=getattr(srf, name), good=lambda: dict(pairs), natures=meshes)
    yield Function(
        name="interop.soft_renderer.functional.get_points_from_angles",
        call=srf.get_points_from_angles,
        good=lambda: {"distance": torch.ones(2), "elevation": torch.zeros(2), "azimuth": torch.zeros(2)},
        natures={
            "distance": tensors((2, 2)), "elevation": tensors((3,)), "azimuth": tensors((3,)), "degrees": nothing("true or false of any value will do"),
        },
        more=[
            (Kind.TYPE, "a number and text", {"distance": 1.0, "elevation": "text", "azimuth": 0.0}),
            (Kind.NAN, "a number that is NaN", {"distance": 1.0, "elevation": float("nan"), "azimuth": 0.0}),
        ],
    )  # fmt: skip
    seen = {"vertices": tensors((4, 3), alone=True)}
    for name, given in (
        ("look_at", {"eye": points(), "at": points(), "up": points()}),
        ("look", {"eye": points(), "direction": points(), "up": points()}),
        ("perspective", {"angle": scale()}),
        ("orthogonal", {"scale": scale()}),
    ):
        yield Function(
            name=f"interop.soft_renderer.functional.{name}",
            call=getattr(srf, name),
            good=lambda name=name: {"vertices": BATCH} | ({"eye": (0, 0, -3)} if name.startswith("look") else {"scale": 1.0} if name == "orthogonal" else {}),
            natures=seen | given,
        )
    yield Function(
        name="interop.soft_renderer.functional.projection",
        call=srf.projection,
        good=lambda: {"vertices": BATCH, "P": torch.zeros(1, 3, 4), "dist_coeffs": torch.zeros(1, 5), "orig_size": 512},
        natures={"vertices": tensors((4, 3), alone=True), "P": tensors((3, 4), (3, 3, 4)), "dist_coeffs": tensors((1, 4)), "orig_size": number(0.0, -1.0)},
    )
    light = torch.zeros(1, 4, 3)
    yield Function(
        name="interop.soft_renderer.functional.ambient_lighting",
        call=srf.ambient_lighting,
        good=lambda: {"light": light},
        natures={"light": tensors((4, 3), alone=True), "light_intensity": scale(), "light_color": points()},
    )
    yield Function(
        name="interop.soft_renderer.functional.directional_lighting",
        call=srf.directional_lighting,
        good=lambda: {"light": light, "normals": light},
        natures={
            "light": tensors((4, 3), alone=True), "normals": tensors((1, 5, 3)), "light_intensity": scale(), "light_color": points(),
            "light_direction": points(),
        },
    )  # fmt: skip
    yield Function(
        name="interop.soft_renderer.functional.voxelization",
        call=srf.voxelization,
        good=lambda: {"faces": CORNERS, "size": 4},
        natures={"faces": kernel_tensors((2, 3, 3)), "size": whole(0, 2000), "normalize": flag()},
    )
    yield Function(
        name="interop.soft_renderer.functional.save_voxel",
        call=srf.save_voxel,
        good=lambda: {"filename": In(lambda folder: folder / "v.obj"), "voxel": np.zeros((2, 2, 2))},
        natures={
            "filename": path(missing=False),
            "voxel": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(2, 2)", np.zeros((2, 2)))]),
        },
    )
    yield Function(
        name="interop.soft_renderer.functional.save_obj",
        call=srf.save_obj,
        good=lambda: {"filename": In(lambda folder: folder / "v.obj"), "vertices": SQUARE, "faces": FACE_BATCH[0], "textures": torch.ones(2, 1, 3)},
        natures={
            "filename": path(missing=False),
            "vertices": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "complex numbers", good.to(torch.complex64)),
                    Mistake(Kind.SHAPE, "(4, 2)", good[:, :2]),
                    Mistake(Kind.NAN, "NaN", good * torch.nan),
                    Mistake(Kind.DEVICE, "without memory (meta)", good.to("meta")),
                ]
            ),
            "faces": indices((2, 4), 4),
            "textures": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "complex numbers", good.to(torch.complex64)),
                    Mistake(Kind.SHAPE, "(3, 1, 3)", torch.ones(3, 1, 3)),
                    Mistake(Kind.DEVICE, "without memory (meta)", good.to("meta")),
                ]
            ),
            "texture_res": whole(1, 2**20),
            "texture_type": named(),
        },
    )
    yield Function(
        name="interop.soft_renderer.Mesh",
        call=soft_renderer.Mesh,
        good=lambda: dict(pairs),
        natures={
            "vertices": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(4, 2)", torch.zeros(4, 2))]),
            "faces": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "real numbers", torch.zeros(2, 3)),
                    Mistake(Kind.SHAPE, "(2, 4)", torch.zeros(2, 4, dtype=torch.int64)),
                    Mistake(Kind.SHAPE, "of three meshes, and vertices of one", torch.zeros(3, 2, 3, dtype=torch.int64)),
                ]
            ),
            "textures": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(3, 1, 3)", torch.ones(3, 1, 3))]),
            "texture_res": whole(0),
            "texture_type": named(),
        },
    )
    square = lambda: soft_renderer.Mesh(BATCH, FACE_BATCH)  # noqa: E731
    yield Function(
        name="interop.soft_renderer.Mesh.voxelize", call=lambda voxel_size: square().voxelize(voxel_size), good=dict, natures={"voxel_size": whole(1, 2000)}
    )
    yield Function(
        name="interop.soft_renderer.Mesh.save_obj",
        call=lambda **given: square().save_obj(**given),
        good=lambda: {"filename_obj": In(lambda folder: folder / "m.obj"), "save_texture": True},
        natures={"filename_obj": path(missing=False), "save_texture": nothing("true or false of any value will do"), "texture_res_out": whole(1)},
    )
    yield Function(
        name="interop.soft_renderer.LaplacianLoss",
        call=soft_renderer.LaplacianLoss,
        good=lambda: {"vertex": SQUARE, "faces": FACE_BATCH[0]},
        natures={
            "vertex": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(4, 2)", torch.zeros(4, 2))]),
            "faces": indices((2, 4), 4),
            "average": flag(),
        },
    )
    yield Function(
        name="interop.soft_renderer.FlattenLoss",
        call=soft_renderer.FlattenLoss,
        good=lambda: {"faces": FACE_BATCH[0]},
        natures={"faces": Nature(lambda good: [m for m in indices((2, 4), 4).mistakes(good) if m.what != "one too large"]), "average": flag()},
    )
    for loss in (soft_renderer.LaplacianLoss(SQUARE, FACE_BATCH[0]), soft_renderer.FlattenLoss(FACE_BATCH[0])):
        yield Function(
            name=f"interop.soft_renderer.{type(loss).__name__}.forward",
            call=loss,
            good=lambda: {"vertices": BATCH},
            natures={"vertices": kernel_tensors((4, 3), (1, 3, 3))},
        )
    camera = {
        "camera_mode": named(),
        "P": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(3, 4)", np.zeros((3, 4)))]),
        **dict.fromkeys(("dist_coeffs", "orig_size", "perspective", "viewing_angle", "viewing_scale", "eye", "camera_direction"), AS_IN_THE_ORIGINAL),
    }
    P = np.zeros((1, 3, 4), np.float32)
    yield Function(name="interop.soft_renderer.Transform", call=soft_renderer.Transform, good=lambda: {"P": P}, natures=camera)
    yield Function(
        name="interop.soft_renderer.Projection",
        call=soft_renderer.Projection,
        good=lambda: {"P": P},
        natures={
            "P": camera["P"],
            "dist_coeffs": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text")]),
            "orig_size": AS_IN_THE_ORIGINAL,
        },
    )
    yield Function(
        name="interop.soft_renderer.Lighting",
        call=soft_renderer.Lighting,
        good=dict,
        natures={"light_mode": named()}
        | dict.fromkeys(("intensity_ambient", "color_ambient", "intensity_directionals", "color_directionals", "directions"), AS_IN_THE_ORIGINAL),
    )
    mesh_only = {"mesh": instance()}
    yield Function(name="interop.soft_renderer.Lighting.forward", call=soft_renderer.Lighting(), good=dict, natures=mesh_only)
    yield Function(name="interop.soft_renderer.Transform.forward", call=soft_renderer.Transform("look_at"), good=dict, natures=mesh_only)
    moved = {"vertices": seen["vertices"]}
    for module in (soft_renderer.LookAt(), soft_renderer.Look(), soft_renderer.Projection(P)):
        yield Function(name=f"interop.soft_renderer.{type(module).__name__}.forward", call=module, good=lambda: {"vertices": BATCH}, natures=moved)
    ambient, directional = soft_renderer.AmbientLighting(), soft_renderer.DirectionalLighting()
    lit = {"light": tensors((4, 3), alone=True)}
    yield Function(name="interop.soft_renderer.AmbientLighting.forward", call=ambient, good=lambda: {"light": light}, natures=lit)
    yield Function(
        name="interop.soft_renderer.DirectionalLighting.forward",
        call=directional,
        good=lambda: {"light": light, "normals": light},
        natures=lit | {"normals": tensors((1, 5, 3))},
    )

    def render(mesh: Any, mode: Any = None, **changed: Any) -> Any:
        return soft_renderer.SoftRasterizer(**{"image_size": 8} | changed)(mesh, mode)

    of_class = options | {"anti_aliasing": nothing("true or false of any value will do")}
    drawn = {"mesh": instance(), "mode": named()}
    yield Function(
        name="interop.soft_renderer.SoftRasterizer.forward",
        call=render,
        good=lambda: {"mesh": soft_renderer.Mesh(BATCH + torch.tensor([0.0, 0.0, 2.0]), FACE_BATCH)},
        natures=of_class | drawn,
    )
    renderer = soft_renderer.SoftRenderer(8, camera_mode="look_at")
    yield Function(name="interop.soft_renderer.SoftRenderer.render_mesh", call=renderer.render_mesh, good=lambda: {"mesh": square()}, natures=drawn)
    yield Function(
        name="interop.soft_renderer.SoftRenderer.forward",
        call=renderer,
        good=lambda: dict(pairs),
        natures={
            "vertices": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(4, 2)", torch.zeros(4, 2))]),
            "faces": indices((2, 4), 4),
            "textures": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(3, 1, 3)", torch.ones(3, 1, 3))]),
            "mode": named(),
            "texture_type": named(),
        },
    )
    yield Function(name="interop.soft_renderer.SoftRenderer.set_texture_mode", call=renderer.set_texture_mode, good=dict, natures={"mode": named()})


# ------------------------------------------------------------------------------------------------------------------------- Kaolin


def kaolin_functions() -> Iterator[Function]:
    mesh, camera, ops = kaolin.render.mesh, kaolin.render.camera, kaolin.ops.mesh
    z, image, features = CORNERS[..., 2] * -1, CORNERS[..., :2], torch.ones(1, 2, 3, 2)
    size = {"height": whole(0, 20_000), "width": whole(0, 20_000)}
    corners = {
        "face_vertices_z": kernel_tensors((1, 2, 2)),
        "face_vertices_image": tensors((1, 3, 3, 2), nan=True),
        "face_features": tensors((1, 2, 4), (1, 2, 3, 0)),
    }
    beside = lambda own: Nature(  # noqa: E731
        lambda good: [
            Mistake(Kind.TYPE, "a list", [1.0]),
            Mistake(Kind.SHAPE, f"(1, 3), not {tuple(own)}", torch.ones(1, 3)),
            Mistake(Kind.DEVICE, "on another", torch.ones(own, device="meta")),
        ]
    )
    soft = {"sigmainv": number(0.0), "boxlen": number(-1.0), "knum": whole(0), "mask_faces": named()}
    rounded = {"multiplier": number(0.0), "eps": number(0.0)}
    scene = lambda: {"height": 4, "width": 5, "face_vertices_z": z, "face_vertices_image": image, "face_features": features}  # noqa: E731
    yield Function(
        name="interop.kaolin.render.mesh.dibr_rasterization",
        call=mesh.dibr_rasterization,
        good=lambda: scene() | {"face_normals_z": torch.ones(1, 2)},
        natures=size | corners | soft | rounded | {"face_normals_z": beside((1, 2)), "rast_backend": named(), "perspective": flag()},
        more=[(Kind.SHAPE, "`face_features`: an empty list", {"face_features": []})],
    )
    yield Function(
        name="interop.kaolin.render.mesh.rasterize",
        call=mesh.rasterize,
        good=scene,
        natures=size | corners | rounded | {"valid_faces": beside((1, 2)), "backend": named(), "perspective": flag()},
    )
    yield Function(
        name="interop.kaolin.render.mesh.dibr_soft_mask",
        call=mesh.dibr_soft_mask,
        good=lambda: {"face_vertices_image": image, "selected_face_idx": torch.zeros(1, 4, 5, dtype=torch.int64)},
        natures={
            "face_vertices_image": kernel_tensors((1, 2, 3), nan=True),
            "selected_face_idx": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "a list", [1]),
                    Mistake(Kind.DTYPE, "real numbers", good.float()),
                    Mistake(Kind.SHAPE, "(4, 5)", good[0]),
                    Mistake(Kind.DEVICE, "on another", good.to("meta")),
                ]
            ),
            "multiplier": number(0.0),
        }
        | soft,
    )
    world = BATCH
    rotation, position = torch.eye(3)[None], torch.tensor([[0.0, 0.0, 3.0]])
    proj = torch.ones(3, 1)
    placed = {"camera_rot": tensors((3, 3)), "camera_trans": tensors((3,), (1, 2))}
    yield Function(
        name="interop.kaolin.render.mesh.prepare_vertices",
        call=mesh.prepare_vertices,
        good=lambda: {"vertices": world, "faces": FACE_BATCH[0], "camera_proj": proj, "camera_rot": rotation, "camera_trans": position},
        natures={
            "vertices": tensors((1, 4, 2), alone=True),
            "faces": indices((2,), 4),
            "camera_proj": tensors((4, 1)),
            **placed,
            "camera_transform": Nature(lambda _: [Mistake(Kind.OPTIONS, "besides camera_rot and camera_trans", torch.zeros(1, 4, 3))]),
        },
        more=[
            (Kind.OPTIONS, "no camera at all", {"camera_rot": None, "camera_trans": None}),
            (Kind.TYPE, "`camera_transform`: a list", {"camera_rot": None, "camera_trans": None, "camera_transform": [0.0]}),
            (Kind.DTYPE, "`camera_transform`: integers",
             {"camera_rot": None, "camera_trans": None, "camera_transform": torch.zeros(1, 4, 3, dtype=torch.int64)}),
            (Kind.DEVICE, "`camera_transform`: on another",
             {"camera_rot": None, "camera_trans": None, "camera_transform": torch.zeros(1, 4, 3, device="meta")}),
            (Kind.SHAPE, "`camera_transform`: (1, 3, 4)", {"camera_rot": None, "camera_trans": None, "camera_transform": torch.zeros(1, 3, 4)}),
        ],
    )  # fmt: skip
    yield Function(
        name="interop.kaolin.render.mesh.texture_mapping",
        call=mesh.texture_mapping,
        good=lambda: {"texture_coordinates": torch.zeros(1, 6, 2), "texture_maps": torch.ones(1, 3, 4, 5)},
        natures={"texture_coordinates": tensors((1, 6, 3), (2, 6, 2), alone=True), "texture_maps": tensors((3, 4, 5)), "mode": named()},
    )
    yield Function(
        name="interop.kaolin.render.mesh.spherical_harmonic_lighting",
        call=mesh.spherical_harmonic_lighting,
        good=lambda: {"imnormal": torch.ones(2, 4, 5, 3), "lights": torch.ones(2, 9)},
        natures={"imnormal": tensors((2, 3), alone=True), "lights": tensors((2, 8), (3, 9), mixed=True), "basis": named()},
    )
    yield Function(
        name="interop.kaolin.ops.mesh.index_vertices_by_faces",
        call=ops.index_vertices_by_faces,
        good=lambda: {"vertices_features": world, "faces": FACE_BATCH[0]},
        natures={"vertices_features": tensors((4, 3), alone=True), "faces": indices((2,), 4)},
    )
    yield Function(
        name="interop.kaolin.ops.mesh.face_normals",
        call=ops.face_normals,
        good=lambda: {"face_vertices": CORNERS},
        natures={"face_vertices": tensors((1, 2, 4, 3), alone=True), "unit": flag()},
    )
    yield Function(
        name="interop.kaolin.render.camera.rotate_translate_points",
        call=camera.rotate_translate_points,
        good=lambda: {"points": world, "camera_rot": rotation, "camera_trans": position},
        natures={"points": tensors((1, 4, 2), alone=True), **placed},
    )
    yield Function(
        name="interop.kaolin.render.camera.perspective_camera",
        call=camera.perspective_camera,
        good=lambda: {"points": world, "camera_proj": proj},
        natures={"points": tensors((4, 3), alone=True), "camera_proj": tensors((4, 1))},
    )
    yield Function(
        name="interop.kaolin.render.camera.generate_perspective_projection",
        call=camera.generate_perspective_projection,
        good=lambda: {"fovyangle": 1.0},
        natures={"fovyangle": number(0.0, 49.13), "ratio": number(0.0, -1.0), "dtype": instance()},
    )
    aimed = lambda: {"camera_position": position, "look_at": torch.zeros(1, 3), "camera_up_direction": torch.tensor([[0.0, 1.0, 0.0]])}  # noqa: E731
    for name in ("generate_rotate_translate_matrices", "generate_transformation_matrix"):
        yield Function(
            name=f"interop.kaolin.render.camera.{name}",
            call=getattr(camera, name),
            good=aimed,
            natures={"camera_position": tensors((3,), alone=True), "look_at": tensors((3,)), "camera_up_direction": tensors((3,))},
        )


# ---------------------------------------------------------------------------------------------------------------------- PyTorch3D


def property_like(*shapes: tuple[int, ...]) -> Nature:
    """A number, a tuple or a tensor of a camera, a light or a material."""
    return Nature(
        lambda _: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "complex numbers", torch.ones(1, dtype=torch.complex64)),
            *(Mistake(Kind.SHAPE, str(shape), torch.ones(shape)) for shape in shapes),
            Mistake(Kind.DEVICE, "without memory (meta)", torch.ones(1, 3, device="meta")),
        ]
    )


def empty_fragments() -> pytorch3d.Fragments:
    zbuf = torch.full((1, 4, 5, 2), -1.0)
    return pytorch3d.Fragments(torch.full((1, 4, 5, 2), -1), zbuf, torch.full((1, 4, 5, 2, 3), -1.0), zbuf)


def square_meshes() -> pytorch3d.Meshes:
    return pytorch3d.Meshes(BATCH, FACE_BATCH, pytorch3d.TexturesVertex(ROWS[None]))


DEVICE_NAME = nothing("torch says itself what is wrong with the name of a device")


def pytorch3d_functions() -> Iterator[Function]:
    p = "interop.pytorch3d."
    yield from pytorch3d_transforms(p)
    yield from pytorch3d_properties(p)
    yield from pytorch3d_cameras(p)
    yield from pytorch3d_around_cameras(p)
    yield from pytorch3d_structures(p)
    yield from pytorch3d_shading(p)
    meshes = square_meshes
    camera = lambda: pytorch3d.FoVPerspectiveCameras(T=torch.tensor([[0.0, 0.0, 3.0]]))  # noqa: E731

    def rasterize(meshes_world: Any, cameras: Any = None, raster_settings: Any = None, **changed: Any) -> Any:
        settings = raster_settings or pytorch3d.RasterizationSettings(**{"image_size": 8} | changed)
        return pytorch3d.MeshRasterizer(cameras, settings)(meshes_world)

    yield Function(
        name=p + "MeshRasterizer.forward",
        call=rasterize,
        good=lambda: {"meshes_world": meshes(), "cameras": camera()},
        natures={
            "meshes_world": instance(),
            "kwargs": nothing("cameras and raster_settings, see there"),
            "cameras": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.OPTIONS, "none", None)]),
            "raster_settings": instance(),
            "image_size": image_size(),
            "blur_radius": number(-1.0),
            "faces_per_pixel": whole(0),
            "perspective_correct": flag(),
            "clip_barycentric_coords": flag(),
            "cull_backfaces": flag(),
            "z_clip_value": number(-1.0),
            **dict.fromkeys(("bin_size", "max_faces_opengl", "max_faces_per_bin", "cull_to_frustum"), WITHOUT_EFFECT),
        },
        more=[
            (Kind.SHAPE, "two cameras and one mesh", {"cameras": pytorch3d.FoVPerspectiveCameras(znear=torch.ones(2))}),
            (Kind.NAN, "`meshes_world`: NaN", {"meshes_world": pytorch3d.Meshes(BATCH * torch.nan, FACE_BATCH)}),
        ],
    )


def pytorch3d_cameras(p: str) -> Iterator[Function]:
    for name in ("FoVPerspectiveCameras", "FoVOrthographicCameras", "PerspectiveCameras", "OrthographicCameras"):
        kind = getattr(pytorch3d, name)
        numbers = {
            "FoVPerspectiveCameras": ("znear", "zfar", "aspect_ratio", "fov"),
            "FoVOrthographicCameras": ("znear", "zfar", "max_y", "min_y", "max_x", "min_x", "scale_xyz"),
        }.get(name, ("focal_length", "principal_point", "image_size"))
        natures: dict[str, Nature] = {number: property_like() for number in numbers}
        natures |= {"R": property_like((1, 3, 4)), "T": property_like((1, 4)), "K": property_like((1, 3, 4))}
        natures |= {"device": DEVICE_NAME, "degrees": nothing("true or false"), "in_ndc": nothing("true or false")}
        first = numbers[0]
        yield Function(
            name=p + name,
            call=kind,
            good=dict,
            natures={n: v for n, v in natures.items() if n in kind.__init__.__annotations__},
            more=[(Kind.SHAPE, "of two and of three", {first: torch.ones(2), "R": torch.eye(3).expand(3, 3, 3)})]
            + ([(Kind.RANGE, "`image_size`: 0", {"image_size": ((0, 4),)})] if "image_size" in numbers else []),
        )
        of_camera = kind()
        yield Function(
            name=f"{p}{name}.transform_points",
            call=of_camera.transform_points,
            good=lambda: {"points": BATCH},
            natures={"points": tensors((1, 4, 2), alone=True), "eps": nothing("torch says itself"), "kwargs": nothing("properties as of the constructor")},
        )
    yield Function(
        name=p + "get_world_to_view_transform",
        call=pytorch3d.get_world_to_view_transform,
        good=lambda: {"R": torch.eye(3)[None], "T": torch.zeros(1, 3)},
        natures={"R": tensors((3, 3), alone=True), "T": Nature(lambda good: [m for m in tensors((2, 3)).mistakes(good) if "float64" not in m.what])},
    )
    yield Function(
        name=p + "camera_position_from_spherical_angles",
        call=cameras.camera_position_from_spherical_angles,
        good=lambda: {"distance": 1.0, "elevation": 0.0, "azimuth": 0.0},
        natures={
            "distance": property_like(), "elevation": property_like(), "azimuth": property_like(), "degrees": nothing("true or false"), "device": DEVICE_NAME,
        },
        more=[(Kind.SHAPE, "of two and of three", {"distance": torch.ones(2), "azimuth": torch.ones(3)})],
    )  # fmt: skip
    position = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "complex numbers", torch.ones(1, 3, dtype=torch.complex64)),
            Mistake(Kind.SHAPE, "(1, 2)", torch.ones(1, 2)),
            Mistake(Kind.DEVICE, "without memory (meta)", torch.ones(1, 3, device="meta")),
        ]
    )
    yield Function(
        name=p + "look_at_rotation",
        call=pytorch3d.look_at_rotation,
        good=lambda: {"camera_position": ((0.0, 0.0, 3.0),)},
        natures={"camera_position": position, "at": position, "up": position, "device": DEVICE_NAME},
    )
    yield Function(
        name=p + "look_at_view_transform",
        call=pytorch3d.look_at_view_transform,
        good=dict,
        natures={
            "dist": property_like(), "elev": property_like(), "azim": property_like(), "degrees": nothing("true or false"), "eye": position, "at": position,
            "up": position, "device": DEVICE_NAME,
        },
    )  # fmt: skip


def pytorch3d_transforms(p: str) -> Iterator[Function]:
    transforms = pytorch3d.transforms
    dtype, unused = nothing("torch says itself what is no dtype"), nothing("accepted, as in the original, and without effect")
    any_flag = nothing("true or false of any value will do")
    inputs = {  # of any number of dimensions before the last
        "quaternion_to_matrix": {"quaternions": (4,)}, "matrix_to_quaternion": {"matrix": (3, 3)}, "standardize_quaternion": {"quaternions": (4,)},
        "quaternion_raw_multiply": {"a": (4,), "b": (4,)}, "quaternion_multiply": {"a": (4,), "b": (4,)}, "quaternion_invert": {"quaternion": (4,)},
        "quaternion_apply": {"quaternion": (4,), "point": (3,)}, "axis_angle_to_matrix": {"axis_angle": (3,)}, "matrix_to_axis_angle": {"matrix": (3, 3)},
        "axis_angle_to_quaternion": {"axis_angle": (3,)}, "quaternion_to_axis_angle": {"quaternions": (4,)}, "rotation_6d_to_matrix": {"d6": (6,)},
        "matrix_to_rotation_6d": {"matrix": (3, 3)}, "euler_angles_to_matrix": {"euler_angles": (3,)}, "matrix_to_euler_angles": {"matrix": (3, 3)},
    }  # fmt: skip
    for name, shapes in inputs.items():
        euler = "euler" in name
        yield Function(
            name=p + name,
            call=getattr(transforms, name),
            good=lambda shapes=shapes, euler=euler: {
                argument: torch.eye(3) if shape == (3, 3) else torch.ones(shape) for argument, shape in shapes.items()
            } | ({"convention": "XYZ"} if euler else {}),
            natures={argument: tensors((*shape[:-1], shape[-1] + 1), alone=len(shapes) == 1, mixed=True) for argument, shape in shapes.items()}
            | ({"convention": named()} if euler else {})
            | ({"fast": unused} if name in ("axis_angle_to_matrix", "matrix_to_axis_angle") else {}),
        )  # fmt: skip
    for name in ("random_quaternions", "random_rotations"):
        natures = {"n": whole(-1), "dtype": dtype, "device": DEVICE_NAME}
        yield Function(name=p + name, call=getattr(transforms, name), good=lambda: {"n": 1}, natures=natures)
    yield Function(name=p + "random_rotation", call=transforms.random_rotation, good=dict, natures={"dtype": dtype, "device": DEVICE_NAME})
    yield Function(
        name=p + "acos_linear_extrapolation",
        call=transforms.acos_linear_extrapolation,
        good=lambda: {"x": torch.zeros(3)},
        natures={
            "x": Nature(lambda good: [m for m in tensors(alone=True).mistakes(good) if m.kind is not Kind.SHAPE]),
            "bounds": Nature(lambda _: [Mistake(Kind.RANGE, "beyond 1", (-0.5, 1.5)), Mistake(Kind.RANGE, "in the wrong order", (0.5, -0.5))]),
        },
        called={"bounds": "bound"},
    )
    rotation = lambda name: {name: torch.eye(3)[None]}  # noqa: E731
    matrices, vectors = tensors((1, 3, 4), alone=True), tensors((1, 4), alone=True)
    yield Function(
        name=p + "so3_rotation_angle",
        call=transforms.so3_rotation_angle,
        good=lambda: rotation("R"),
        natures={"R": matrices, "eps": number(), "cos_angle": any_flag, "cos_bound": number(1.0)},
        more=[(Kind.RANGE, "`R`: no rotation", {"R": 2 * torch.eye(3)[None]})],
    )
    yield Function(
        name=p + "so3_relative_angle",
        call=transforms.so3_relative_angle,
        good=lambda: rotation("R1") | rotation("R2"),
        natures={"R1": tensors((1, 3, 4)), "R2": tensors((2, 3, 3)), "eps": number(), "cos_angle": any_flag, "cos_bound": number(1.0)},
    )
    for name in ("so3_exp_map", "so3_exponential_map"):
        natures = {"log_rot": vectors, "eps": unused}
        yield Function(name=p + name, call=transforms.so3_exp_map, good=lambda: {"log_rot": torch.zeros(1, 3)}, natures=natures)
    natures = {"R": matrices, "eps": unused, "cos_bound": unused}
    yield Function(name=p + "so3_log_map", call=transforms.so3_log_map, good=lambda: rotation("R"), natures=natures)
    yield Function(name=p + "transforms.so3.hat", call=transforms.so3.hat, good=lambda: {"v": torch.zeros(1, 3)}, natures={"v": vectors})
    yield Function(
        name=p + "transforms.so3.hat_inv",
        call=transforms.so3.hat_inv,
        good=lambda: {"h": torch.zeros(1, 3, 3)},
        natures={"h": matrices},
        more=[(Kind.RANGE, "`h`: not skew-symmetric", rotation("h"))],
    )
    yield Function(
        name=p + "se3_exp_map",
        call=transforms.se3_exp_map,
        good=lambda: {"log_transform": torch.zeros(1, 6)},
        natures={"log_transform": tensors((1, 3), alone=True), "eps": unused},
    )
    yield Function(
        name=p + "se3_log_map",
        call=transforms.se3_log_map,
        good=lambda: {"transform": torch.eye(4)[None]},
        natures={"transform": tensors((1, 3, 4), alone=True), "eps": unused, "cos_bound": unused},
        more=[(Kind.RANGE, "`transform`: a projection", {"transform": torch.ones(1, 4, 4)})],
    )
    coordinate = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "complex numbers", torch.ones(2, dtype=torch.complex64)),
            Mistake(Kind.SHAPE, "(2, 2, 2)", torch.ones(2, 2, 2)),
        ]
    )
    for name in ("Translate", "Scale"):
        yield Function(
            name=p + name,
            call=getattr(pytorch3d, name),
            good=lambda: {"x": 1.0, "y": 2.0, "z": 3.0},
            natures=dict.fromkeys("xyz", coordinate) | {"dtype": dtype, "device": DEVICE_NAME},
            more=[(Kind.SHAPE, "of two and of three", {"x": torch.ones(2), "y": torch.ones(3)}), (Kind.OPTIONS, "x and y alone", {"z": None})],
        )
    yield Function(
        name=p + "Rotate",
        call=pytorch3d.Rotate,
        good=lambda: {"R": torch.eye(3)},
        natures={"R": tensors((3, 4), alone=True), "dtype": dtype, "device": DEVICE_NAME, "orthogonal_tol": nothing("of a warning that few ask for")},
    )
    yield Function(
        name=p + "RotateAxisAngle",
        call=pytorch3d.RotateAxisAngle,
        good=lambda: {"angle": 1.0},
        natures={"angle": coordinate, "axis": named(), "degrees": any_flag, "dtype": dtype, "device": DEVICE_NAME},
    )
    transform = pytorch3d.Transform3d()
    yield Function(
        name=p + "Transform3d.compose",
        call=lambda other: transform.compose(other),
        good=lambda: {"other": transform},
        natures={"others": nothing("one after the other"), "other": instance()},
        called={"other": "others"},
    )
    yield Function(
        name=p + "Transform3d",
        call=pytorch3d.Transform3d,
        good=lambda: {"matrix": torch.eye(4)},
        natures={"matrix": tensors((3, 3), alone=True), "dtype": nothing("torch says itself what is no dtype"), "device": DEVICE_NAME},
    )
    for name, argument in (("transform_points", "points"), ("transform_normals", "normals")):
        yield Function(
            name=f"{p}Transform3d.{name}",
            call=getattr(transform, name),
            good=lambda argument=argument: {argument: SQUARE},
            natures={argument: tensors((4, 2), alone=True), "eps": nothing("torch says itself")}
            if argument == "points"
            else {argument: tensors((4, 2), alone=True)},
        )


def pytorch3d_properties(p: str) -> Iterator[Function]:
    wrong_device = Nature(lambda _: [Mistake(Kind.TYPE, "a number", 3)])
    yield Function(name=p + "common.make_device", call=pytorch3d.common.make_device, good=lambda: {"device": "cpu"}, natures={"device": wrong_device})
    natures = {"x": nothing("anything"), "device": wrong_device}
    yield Function(name=p + "common.get_device", call=pytorch3d.common.get_device, good=lambda: {"x": 1.0}, natures=natures)
    dtype = nothing("torch says itself what is no dtype")
    text = Nature(lambda _: [Mistake(Kind.TYPE, "text", "text")])
    yield Function(
        name=p + "TensorProperties",
        call=pytorch3d.TensorProperties,
        good=lambda: {"color": 1.0},
        natures={"dtype": dtype, "device": DEVICE_NAME, "kwargs": nothing("under any name"), "color": Nature(lambda _: [Mistake(Kind.TYPE, "a dict", {})])},
        more=[
            (Kind.TYPE, "a list of texts", {"color": ["text"]}),
            (Kind.SHAPE, "of two and of three", {"color": torch.ones(2), "other": torch.ones(3)}),
        ],
    )
    yield Function(
        name=p + "convert_to_tensors_and_broadcast",
        call=lambda first, second: pytorch3d.convert_to_tensors_and_broadcast(first, second),
        good=lambda: {"first": 1.0, "second": 2.0},
        natures={"args": nothing("see first and second"), "first": text, "dtype": dtype, "device": DEVICE_NAME},
        more=[(Kind.SHAPE, "of two and of three", {"first": torch.ones(2), "second": torch.ones(3)})],
        called={"first": "input"},
    )
    yield Function(
        name=p + "renderer.utils.format_tensor",
        call=renderer_utils.format_tensor,
        good=lambda: {"input": 1.0},
        natures={"input": text, "dtype": dtype, "device": DEVICE_NAME},
    )
    torch_says = nothing("torch says itself what it takes")
    yield Function(
        name=p + "ndc_grid_sample",
        call=pytorch3d.ndc_grid_sample,
        good=lambda: {"input": torch.ones(1, 2, 4, 5), "grid_ndc": torch.zeros(1, 3, 2)},
        natures={
            "input": tensors((1, 2, 4)), "grid_ndc": tensors((1, 3, 3), (2, 3, 2)), "align_corners": torch_says, "mode": torch_says, "padding_mode": torch_says,
        },
    )  # fmt: skip
    sizes = Nature(lambda _: [Mistake(Kind.TYPE, "a number", 8), Mistake(Kind.RANGE, "a height of 0", (0, 8)), Mistake(Kind.SHAPE, "three", (8, 8, 8))])
    yield Function(
        name=p + "ndc_to_grid_sample_coords",
        call=pytorch3d.ndc_to_grid_sample_coords,
        good=lambda: {"xy_ndc": torch.zeros(3, 2), "image_size_hw": (4, 5)},
        natures={"xy_ndc": tensors((3, 3), alone=True), "image_size_hw": sizes},
        called={"image_size_hw": "image_size, image height"},
    )
    call = renderer_utils.parse_image_size
    yield Function(name=p + "renderer.utils.parse_image_size", call=call, good=lambda: {"image_size": 8}, natures={"image_size": image_size()})


def pytorch3d_around_cameras(p: str) -> Iterator[Function]:
    size = Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(1, 3)", torch.ones(1, 3)), Mistake(Kind.RANGE, "0", ((0, 4),))])
    flags = dict.fromkeys(("world_coordinates", "use_radial", "use_tangential", "use_thin_prism"), nothing("true or false of any value will do"))
    shapes = {"focal_length": (1, 3), "principal_point": (1, 3), "radial_params": (1,), "tangential_params": (1, 3), "thin_prism_params": (1, 3)}
    extrinsics = {"R": property_like((1, 3, 4)), "T": property_like((1, 4))}
    yield Function(
        name=p + "FishEyeCameras",
        call=pytorch3d.FishEyeCameras,
        good=dict,
        natures={name: property_like(shape) for name, shape in shapes.items()} | extrinsics | flags | {"device": DEVICE_NAME, "image_size": property_like()},
        more=[
            (Kind.RANGE, "`image_size`: 0", {"image_size": ((0, 4),)}),
            (Kind.SHAPE, "of two and of three", {"T": torch.ones(2, 3), "focal_length": torch.ones(3)}),
        ],
    )
    older = {
        "OpenGLPerspectiveCameras": ("znear", "zfar", "aspect_ratio", "fov"),
        "OpenGLOrthographicCameras": ("znear", "zfar", "top", "bottom", "left", "right", "scale_xyz"),
        "SfMPerspectiveCameras": ("focal_length", "principal_point"),
        "SfMOrthographicCameras": ("focal_length", "principal_point"),
    }
    for name, numbers in older.items():

        def call(name: str = name, **given: Any) -> Any:
            with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
                return getattr(pytorch3d, name)(**given)

        natures = dict.fromkeys(numbers, property_like()) | extrinsics | {"device": DEVICE_NAME, "degrees": nothing("true or false")}
        called = {"top": "max_y", "bottom": "min_y", "left": "min_x", "right": "max_x"}
        if "degrees" not in inspect.signature(getattr(pytorch3d, name)).parameters:
            del natures["degrees"]
        yield Function(name=p + name, call=call, good=dict, natures=natures, called=called)
    any_camera = lambda: {"cameras": pytorch3d.PerspectiveCameras(), "image_size": ((4, 5),)}  # noqa: E731
    for name in ("get_ndc_to_screen_transform", "get_screen_to_ndc_transform"):
        yield Function(
            name=f"{p}renderer.cameras.{name}",
            call=getattr(cameras, name),
            good=any_camera,
            natures={"cameras": instance(), "with_xyflip": nothing("true or false"), "image_size": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text")])},
            more=[(Kind.OPTIONS, "neither the cameras' nor given: `image_size`", {"image_size": None})],
        )
    yield Function(
        name=p + "renderer.cameras.try_get_projection_transform",
        call=cameras.try_get_projection_transform,
        good=lambda: {"cameras": pytorch3d.PerspectiveCameras(), "cameras_kwargs": {}},
        natures={"cameras": instance(), "cameras_kwargs": Nature(lambda _: [Mistake(Kind.OPTIONS, "a keyword that there is not", {"zoom": 2.0})])},
        called={"cameras_kwargs": "keyword"},
    )
    yield Function(
        name=p + "camera_to_eye_at_up",
        call=pytorch3d.camera_to_eye_at_up,
        good=lambda: {"world_to_view_transform": pytorch3d.Transform3d()},
        natures={"world_to_view_transform": instance()},
    )
    yield Function(
        name=p + "rotate_on_spot",
        call=pytorch3d.rotate_on_spot,
        good=lambda: {"R": torch.eye(3)[None], "T": torch.zeros(1, 3), "rotation": torch.eye(3)[None]},
        natures={"R": tensors((1, 3, 4)), "T": tensors((1, 4)), "rotation": tensors((1, 3, 4))},
        more=[(Kind.SHAPE, "of two and of three", {"R": torch.eye(3).expand(2, 3, 3), "T": torch.zeros(3, 3)})],
    )
    pinhole, parallel = pytorch3d.PerspectiveCameras(), pytorch3d.OrthographicCameras()
    yield Function(
        name=p + "join_cameras_as_batch",
        call=pytorch3d.join_cameras_as_batch,
        good=lambda: {"cameras_list": [pinhole]},
        natures={
            "cameras_list": Nature(
                lambda _: [
                    Mistake(Kind.TYPE, "a number", 3),
                    Mistake(Kind.TYPE, "numbers", [1, 2]),
                    Mistake(Kind.TYPE, "cameras of two kinds", [pinhole, parallel]),
                    Mistake(Kind.OPTIONS, "none", []),
                ]
            )
        },
        more=[(Kind.OPTIONS, "of NDC and of the screen", {"cameras_list": [pinhole, pytorch3d.PerspectiveCameras(in_ndc=False)]})],
    )
    yield Function(
        name=p + "cameras_from_opencv_projection",
        call=camera_conversions.cameras_from_opencv_projection,
        good=lambda: {"R": torch.eye(3)[None], "tvec": torch.zeros(1, 3), "camera_matrix": torch.eye(3)[None], "image_size": ((4, 5),)},
        natures={"R": tensors((3, 3)), "tvec": tensors((2, 3)), "camera_matrix": tensors((1, 3, 4)), "image_size": size},
    )
    yield Function(
        name=p + "opencv_from_cameras_projection",
        call=camera_conversions.opencv_from_cameras_projection,
        good=any_camera,
        natures={"cameras": instance(Mistake(Kind.OPTIONS, "without perspective", parallel)), "image_size": size},
    )
    yield Function(
        name=p + "rasterize_meshes",
        call=pytorch3d.rasterize_meshes,
        good=lambda: {"meshes": square_meshes().offset_verts(torch.tensor([0.0, 0.0, 3.0])), "image_size": 8},
        natures={
            "meshes": instance(),
            "image_size": image_size(),
            "blur_radius": number(-1.0),
            "faces_per_pixel": whole(0),
            "z_clip_value": number(),
            **dict.fromkeys(("perspective_correct", "clip_barycentric_coords", "cull_backfaces"), flag()),
            **dict.fromkeys(("bin_size", "max_faces_per_bin", "cull_to_frustum"), WITHOUT_EFFECT),
        },
        more=[(Kind.RANGE, "`z_clip_value`: 0 with perspective", {"z_clip_value": 0.0, "perspective_correct": True})],
    )


def pytorch3d_structures(p: str) -> Iterator[Function]:
    def lists(*wrong: tuple[int, ...], integers: bool = False) -> Nature:
        def mistakes(good: torch.Tensor) -> list[Mistake]:
            other = good + 0.5 if integers else good.long()
            return [
                Mistake(Kind.TYPE, "text", "text"),
                Mistake(Kind.TYPE, "a list of lists", [[1.0]]),
                Mistake(Kind.DTYPE, "real numbers" if integers else "integers", other),
                *(Mistake(Kind.SHAPE, str(shape), torch.zeros(shape, dtype=good.dtype)) for shape in wrong),
            ]

        return Nature(mistakes)

    square = lambda: {"verts": BATCH, "faces": FACE_BATCH}  # noqa: E731
    yield Function(
        name=p + "Meshes",
        call=pytorch3d.Meshes,
        good=square,
        natures={
            "verts": lists((4, 3), (1, 4, 2)),
            "faces": lists((1, 2, 4), (2, 2, 3), integers=True),
            "textures": nothing("any object with PyTorch3D's methods of textures"),
            "verts_normals": Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.SHAPE, "(1, 3, 3)", torch.zeros(1, 3, 3))]),
        },
        more=[
            (Kind.INDEX, "`faces`: one too large", {"faces": [torch.tensor([[0, 1, 4]])]}),
            (Kind.INDEX, "`faces`: a negative one", {"faces": [torch.tensor([[0, 1, -1]])]}),
            (Kind.DTYPE, "`verts`: of two dtypes", {"verts": [SQUARE, SQUARE.double()], "faces": [FACE_BATCH[0]] * 2}),
            (Kind.DEVICE, "`faces`: on another", {"faces": [FACE_BATCH[0].to("meta")]}),
            (Kind.SHAPE, "`textures`: of two meshes", {"textures": pytorch3d.TexturesVertex(ROWS.expand(2, 4, 3))}),
            (Kind.SHAPE, "`textures`: of fewer vertices", {"textures": pytorch3d.TexturesVertex(torch.ones(1, 3, 3))}),
            (Kind.DTYPE, "`verts_normals`: of another dtype", {"verts_normals": BATCH.double()}),
        ],
    )
    yield Function(
        name=p + "Meshes.offset_verts",
        call=lambda vert_offsets_packed: square_meshes().offset_verts(vert_offsets_packed),
        good=lambda: {"vert_offsets_packed": SQUARE},
        natures={"vert_offsets_packed": tensors((3, 3), alone=True)},
    )
    yield Function(name=p + "Meshes.extend", call=lambda N: square_meshes().extend(N), good=dict, natures={"N": whole(0)})
    yield Function(
        name=p + "Meshes.sample_textures",
        call=lambda fragments: pytorch3d.Meshes(BATCH, FACE_BATCH).sample_textures(fragments),
        good=lambda: {"fragments": empty_fragments()},
        natures={"fragments": nothing("see interpolate_face_attributes")},
        more=[(Kind.OPTIONS, "meshes without textures", {})],
    )
    yield Function(
        name=p + "TexturesVertex", call=pytorch3d.TexturesVertex, good=lambda: {"verts_features": ROWS[None]}, natures={"verts_features": lists((4, 3))}
    )
    yield Function(
        name=p + "TexturesUV",
        call=pytorch3d.TexturesUV,
        good=lambda: {"maps": torch.ones(1, 4, 5, 3), "faces_uvs": FACE_BATCH, "verts_uvs": torch.zeros(1, 4, 2)},
        natures={
            "maps": lists((4, 5, 3), (2, 4, 5, 3)),
            "faces_uvs": lists((1, 2, 4), integers=True),
            "verts_uvs": lists((1, 4, 3)),
            "padding_mode": named(),
            "align_corners": flag(),
            "sampling_mode": named(),
            "maps_ids": nothing("goes with maps of another shape; told below"),
        },
        more=[
            (Kind.INDEX, "`faces_uvs`: one too large", {"faces_uvs": FACE_BATCH + 4}),
            (Kind.TYPE, "`maps_ids`: text", {"maps": torch.ones(1, 2, 4, 5, 3), "maps_ids": "text"}),
            (Kind.SHAPE, "`maps_ids`: with maps of three dimensions", {"maps_ids": torch.zeros(1, 2, dtype=torch.int64)}),
            (Kind.SHAPE, "`maps_ids`: of three faces", {"maps": torch.ones(1, 2, 4, 5, 3), "maps_ids": torch.zeros(1, 3, dtype=torch.int64)}),
            (Kind.INDEX, "`maps_ids`: one too large", {"maps": torch.ones(1, 2, 4, 5, 3), "maps_ids": torch.full((1, 2), 2)}),
        ],
    )
    uv = lambda: pytorch3d.TexturesUV(torch.ones(1, 4, 5, 3), FACE_BATCH, torch.zeros(1, 4, 2))  # noqa: E731
    yield Function(
        name=p + "Textures",
        call=pytorch3d.Textures,
        good=lambda: {"verts_rgb": torch.ones(1, 4, 3)},
        natures={"verts_rgb": nothing("see TexturesVertex"), **dict.fromkeys(("maps", "faces_uvs", "verts_uvs"), nothing("see TexturesUV"))},
        more=[(Kind.OPTIONS, "two kinds", {"maps": torch.ones(1, 4, 5, 3), "faces_uvs": FACE_BATCH, "verts_uvs": torch.zeros(1, 4, 2)})],
    )
    for name in ("texturesuv_image_matplotlib", "texturesuv_image_PIL"):
        yield Function(
            name=p + name,
            call=getattr(pytorch3d, name),
            good=lambda: {"texture": uv(), "texture_index": 0, "radius": 1.0, "subsample": 3},
            natures={
                "texture": instance(), "texture_index": whole(1), "radius": number(-1.0), "color": nothing("any of the package that draws"),
                "subsample": whole(-1), **({"origin": named()} if name.endswith("matplotlib") else {}),
            },
        )  # fmt: skip
    yield Function(
        name=p + "get_camera_wireframe",
        call=pytorch3d.get_camera_wireframe,
        good=lambda: {"scale": 0.3},
        natures={"scale": number()},
    )
    of_others = dict.fromkeys(
        ("pointcloud_max_points", "pointcloud_marker_size", "raybundle_max_rays", "raybundle_max_points_per_ray", "raybundle_ray_point_marker_size",
         "raybundle_ray_line_width"),
        nothing("of points and rays, which are left out"),
    )  # fmt: skip
    yield Function(
        name=p + "plot_scene",
        call=pytorch3d.plot_scene,
        good=lambda: {"plots": {"one": {"mesh": square_meshes()}}, "ncols": 1, "camera_scale": 0.3},
        natures={"plots": instance(), "viewpoint_cameras": instance(), "ncols": whole(0), "camera_scale": number(), "kwargs": nothing("told below")}
        | of_others,
        more=[
            (Kind.TYPE, "`plots`: of text", {"plots": {"one": {"mesh": "text"}}}),
            (Kind.OPTIONS, "a keyword that there is not", {"color": "red"}),
        ],
    )
    yield Function(
        name=p + "plot_batch_individually",
        call=pytorch3d.plot_batch_individually,
        good=lambda: {"batched_structs": [square_meshes()]},
        natures={
            "batched_structs": nothing("told below"), "extend_struct": nothing("any that is true or false"), "subplot_titles": nothing("told below"),
            **dict.fromkeys(("viewpoint_cameras", "ncols", "kwargs"), nothing("go on to plot_scene")),
        },
        more=[
            (Kind.TYPE, "`batched_structs`: a number", {"batched_structs": 3}),
            (Kind.SHAPE, "`subplot_titles`: two for one", {"subplot_titles": ["one", "two"]}),
        ],
    )  # fmt: skip
    pairs = lambda: {"sizes": [(2, 3), (4, 1)]}  # noqa: E731
    yield Function(
        name=p + "pack_rectangles",
        call=pytorch3d.pack_rectangles,
        good=pairs,
        natures={"sizes": Nature(lambda _: [Mistake(Kind.TYPE, "of real numbers", [(1.5, 2), (1, 1)]), Mistake(Kind.RANGE, "of nought", [(0, 2), (1, 1)])])},
        more=[(Kind.SHAPE, "`sizes`: one", {"sizes": [(2, 3)]})],
    )
    yield Function(
        name=p + "pack_unique_rectangles",
        call=pytorch3d.pack_unique_rectangles,
        good=lambda: {"rectangles": [pytorch3d.renderer.mesh.utils.Rectangle(2, 3, 0)] * 2},
        natures={"rectangles": nothing("see pack_rectangles")},
        more=[(Kind.SHAPE, "`rectangles`: one", {"rectangles": [pytorch3d.renderer.mesh.utils.Rectangle(2, 3, 0)]})],
    )
    yield Function(
        name=p + "TexturesAtlas",
        call=pytorch3d.TexturesAtlas,
        good=lambda: {"atlas": torch.ones(1, 2, 4, 4, 3)},
        natures={"atlas": lists((2, 4, 4, 3), (1, 2, 4, 5, 3))},
    )


def pytorch3d_shading(p: str) -> Iterator[Function]:
    for name, given in (
        ("AmbientLights", ("ambient_color",)),
        ("DirectionalLights", ("ambient_color", "diffuse_color", "specular_color", "direction")),
        ("PointLights", ("ambient_color", "diffuse_color", "specular_color", "location")),
        ("Materials", ("ambient_color", "diffuse_color", "specular_color")),
    ):
        wrong = () if name == "AmbientLights" else ((1, 2),)
        natures = {argument: property_like(*wrong) for argument in given} | {"device": DEVICE_NAME}
        if name == "Materials":
            natures["shininess"] = property_like((1, 1))
        more = [] if name == "AmbientLights" else [(Kind.SHAPE, "of two and of three", {"ambient_color": torch.ones(2, 3), given[-1]: torch.ones(3, 3)})]
        yield Function(name=p + name, call=getattr(pytorch3d, name), good=dict, natures=natures, more=more)
    rows = torch.ones(1, 4, 3)
    one = torch.ones(1, 3)
    vector = tensors((4, 2), alone=True)
    yield Function(
        name=p + "diffuse",
        call=pytorch3d.diffuse,
        good=lambda: {"normals": rows, "color": one, "direction": one},
        natures={"normals": vector, "color": vector, "direction": vector},
    )
    yield Function(
        name=p + "specular",
        call=pytorch3d.specular,
        good=lambda: {"points": rows, "normals": rows, "direction": one, "color": one, "camera_position": one, "shininess": torch.ones(1)},
        natures=dict.fromkeys(("points", "normals", "direction", "color", "camera_position"), vector)
        | {"shininess": Nature(lambda good: [Mistake(Kind.TYPE, "text", "text"), Mistake(Kind.DTYPE, "complex numbers", good.to(torch.complex64))])},
    )
    yield Function(
        name=p + "interpolate_face_attributes",
        call=attributes.interpolate_face_attributes,
        good=lambda: {
            "pix_to_face": torch.zeros(1, 4, 5, 2, dtype=torch.int64), "barycentric_coords": torch.ones(1, 4, 5, 2, 3), "face_attributes": torch.ones(2, 3, 3),
        },
        natures={
            "pix_to_face": Nature(lambda good: [m for m in indices((4, 5), 2).mistakes(good) if m.what != "a negative one"]),
            "barycentric_coords": tensors((1, 4, 5, 2, 2), alone=True),
            "face_attributes": tensors((2, 4, 3), alone=True),
        },
    )  # fmt: skip
    colors = torch.ones(1, 4, 5, 2, 3)
    blended = lambda: {"colors": colors, "fragments": empty_fragments(), "blend_params": pytorch3d.BlendParams()}  # noqa: E731
    softness = {
        "sigma": [Mistake(Kind.RANGE, "sigma of 0", pytorch3d.BlendParams(sigma=0.0))],
        "gamma": [Mistake(Kind.RANGE, "gamma of -1", pytorch3d.BlendParams(gamma=-1.0))],
        "background_color": [
            Mistake(Kind.TYPE, "background_color of text", pytorch3d.BlendParams(background_color="white")),
            Mistake(Kind.SHAPE, "background_color of two", pytorch3d.BlendParams(background_color=(0.0, 0.0))),
            Mistake(Kind.SHAPE, "background_color of another size", pytorch3d.BlendParams(background_color=torch.ones(4, 6, 3))),
        ],
    }
    depth = {"znear": number(), "zfar": number()}
    of_blending = lambda fields: Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), *(m for each in fields for m in softness[each])])  # noqa: E731
    looks_at = {"hard_rgb_blend": ["background_color"], "sigmoid_alpha_blend": ["sigma"], "softmax_rgb_blend": list(softness)}
    for name, fields in looks_at.items():
        call: Callable[..., Any] = getattr(blending, name)
        natures = {
            "colors": tensors((1, 4, 5, 3), (1, 4, 6, 2, 3), alone=True),
            "fragments": instance(),
            "blend_params": of_blending(fields),
        }
        yield Function(name=p + name, call=call, good=blended, natures=natures | (depth if name.startswith("softmax") else {}))
    scene = lambda: {  # noqa: E731
        "meshes": square_meshes(), "fragments": empty_fragments(), "lights": pytorch3d.PointLights(), "cameras": pytorch3d.FoVPerspectiveCameras(),
        "materials": pytorch3d.Materials(),
    }  # fmt: skip
    objects = {name: instance() for name in scene()}
    for name in ("phong_shading", "gouraud_shading", "flat_shading"):
        texels = {} if name == "gouraud_shading" else {"texels": tensors((1, 4, 5, 3), alone=True)}
        yield Function(
            name=p + name,
            call=getattr(pytorch3d, name),
            good=lambda texels=texels: scene() | ({"texels": colors} if texels else {}),
            natures=objects | texels,
            more=[(Kind.OPTIONS, "meshes without TexturesVertex", {"meshes": pytorch3d.Meshes(BATCH, FACE_BATCH)})] if not texels else [],
        )
    shaded = lambda: {"fragments": empty_fragments(), "meshes": square_meshes()}  # noqa: E731
    kinds = (
        "HardPhongShader", "SoftPhongShader", "HardGouraudShader", "SoftGouraudShader", "HardFlatShader", "SoftSilhouetteShader", "HardDepthShader",
        "SoftDepthShader", "SplatterPhongShader",
    )  # fmt: skip
    for name in kinds:
        silhouette = name == "SoftSilhouetteShader"
        kind = getattr(pytorch3d, name)
        params = pytorch3d.BlendParams(0.5 if name == "SplatterPhongShader" else 1e-4)
        shader = kind() if silhouette else kind(cameras=pytorch3d.FoVPerspectiveCameras(), blend_params=params)
        more = [] if silhouette else [(Kind.OPTIONS, "no cameras", {"cameras": None})]
        yield Function(
            name=f"{p}{name}.forward",
            call=shader,
            good=shaded,
            natures={"fragments": instance(), "meshes": instance(), "kwargs": nothing("objects, see the functions of shading and blending")},
            more=more,
        )
    yield Function(
        name=p + "SplatterBlender",
        call=pytorch3d.SplatterBlender,
        good=lambda: {"input_shape": (1, 4, 5, 2), "device": "cpu"},
        natures={"input_shape": Nature(lambda _: [Mistake(Kind.SHAPE, "three numbers", (4, 5, 2))]), "device": nothing("nothing is kept there")},
    )
    yield Function(
        name=p + "SplatterBlender.forward",
        call=pytorch3d.SplatterBlender((1, 4, 5, 2)),
        good=lambda: {
            "colors": colors, "pixel_coords_cameras": colors, "cameras": pytorch3d.FoVPerspectiveCameras(),
            "background_mask": torch.zeros(1, 4, 5, 2, dtype=torch.bool), "blend_params": pytorch3d.BlendParams(0.5),
        },
        natures={
            "colors": tensors((1, 4, 6, 2, 3)), "pixel_coords_cameras": tensors((1, 4, 5, 2, 2)), "cameras": instance(),
            "background_mask": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "real numbers", good.float()),
                    Mistake(Kind.SHAPE, "of three faces a pixel", torch.zeros(1, 4, 5, 3, dtype=torch.bool)),
                ]
            ),
            "blend_params": of_blending(["sigma", "background_color"]),
        },
    )  # fmt: skip
    for name in ("MeshRenderer", "MeshRendererWithFragments"):
        camera = pytorch3d.FoVPerspectiveCameras(T=torch.tensor([[0.0, 0.0, 3.0]]))
        renderer = getattr(pytorch3d, name)(pytorch3d.MeshRasterizer(camera), pytorch3d.SoftPhongShader(cameras=camera))
        yield Function(
            name=f"{p}{name}.forward",
            call=renderer,
            good=lambda: {"meshes_world": square_meshes()},
            natures={"meshes_world": instance(), "kwargs": nothing("go on to the rasteriser and the shader")},
        )


def functions() -> list[Function]:
    parts = (soft_renderer_functions, kaolin_functions, pytorch3d_functions, pytorch3d_files.functions, mesh_ops.functions, kaolin_mesh.functions)
    return [function for part in parts for function in part()]
