"""The table of Kaolin's drop-in besides DIB-R: cameras, meshes, materials, light, files. (What needs usd-core is in `interop/test_kaolin_files.py`.)"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from taichi_softras.interop import kaolin

from . import Function, In, Kind, Mistake, Nature, flag, instance, named, nothing, number, optional, path, whole
from .torch_api import tensors

P = "interop.kaolin."
ANY = nothing("any value will do")
PASSED_ON = nothing("torch looks at it")
FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])
VERTICES = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])


def numbers_or_tensors(*wrong: tuple[int, ...]) -> Nature:
    """A number, numbers or a tensor."""
    return Nature(lambda _: [Mistake(Kind.TYPE, "text", "text"), *(Mistake(Kind.SHAPE, str(shape), torch.zeros(shape)) for shape in wrong)])


def camera(n: int = 1) -> Any:
    return kaolin.render.camera.Camera.from_args(eye=torch.ones(n, 3), at=torch.zeros(3), up=torch.tensor([0.0, 1.0, 0.0]), fov=1.0, width=4, height=3)


def mesh(**more: Any) -> Any:
    return kaolin.rep.SurfaceMesh(VERTICES, FACES, **more)


def camera_functions() -> Iterator[Function]:
    c = kaolin.render.camera
    matrix = c.extrinsics_backends.MatrixSE3
    p = f"{P}render.camera."
    one = instance(Mistake(Kind.SHAPE, "of two cameras", camera(2)))
    grid = (torch.ones(3, 4), torch.ones(3, 4))
    grids = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "numbers", (1.0, 2.0)),
            Mistake(Kind.SHAPE, "three", (*grid, grid[0])),
            Mistake(Kind.SHAPE, "of different sizes", (grid[0], torch.ones(4, 4))),
            Mistake(Kind.DEVICE, "on another", (grid[0], grid[1].to("meta"))),
        ]
    )
    for name in ("generate_rays", "generate_pinhole_rays", "generate_ortho_rays"):
        of_lens = camera() if "ortho" not in name else c.Camera(camera().extrinsics, c.OrthographicIntrinsics.from_frustum(4, 3))
        yield Function(
            name=p + name, call=getattr(c, name), good=lambda of_lens=of_lens: {"camera": of_lens}, natures={"camera": one, "coords_grid": grids}
        )  # fmt: skip
    sides = {"width": whole(0), "height": whole(0)}
    yield Function(
        name=f"{p}generate_default_grid", call=c.generate_default_grid, good=lambda: {"width": 2, "height": 3}, natures=sides | {"device": PASSED_ON}
    )
    sides = {"img_width": whole(0), "img_height": whole(0), "device": PASSED_ON}
    image = lambda: {"img_width": 2, "img_height": 3}  # noqa: E731
    yield Function(name=f"{p}generate_centered_pixel_coords", call=c.generate_centered_pixel_coords, good=image, natures=sides)
    name = "generate_centered_custom_resolution_pixel_coords"
    yield Function(name=p + name, call=getattr(c, name), good=image, natures=sides | {"res_x": whole(0), "res_y": whole(0)})
    yield Function(
        name=f"{p}up_to_homogeneous", call=c.up_to_homogeneous, good=lambda: {"vectors": VERTICES}, natures={"vectors": tensors((4, 2), alone=True)}
    )  # fmt: skip
    yield Function(
        name=f"{p}down_from_homogeneous",
        call=c.down_from_homogeneous,
        good=lambda: {"homogeneous_vectors": torch.ones(2, 4)},
        natures={"homogeneous_vectors": tensors((4, 3), alone=True)},
    )
    yield Function(
        name=f"{p}register_backend", call=c.register_backend, good=lambda: {"backend_class": matrix}, natures={"backend_class": instance()}
    )  # fmt: skip
    close = {"rtol": PASSED_ON, "atol": PASSED_ON, "equal_nan": PASSED_ON}
    for name, module, thing in (
        ("allclose", c.camera, camera()),
        ("extrinsics.allclose", c.extrinsics, camera().extrinsics),
        ("intrinsics.allclose", c.intrinsics, camera().intrinsics),
    ):
        yield Function(
            name=p + name,
            call=module.allclose,
            good=lambda thing=thing: {"input": thing, "other": thing},
            natures={"input": instance(), "other": instance(), **close},
        )
    yield Function(
        name=f"{p}Camera",
        call=c.Camera,
        good=lambda: {"extrinsics": camera().extrinsics, "intrinsics": camera().intrinsics},
        natures={"extrinsics": instance(), "intrinsics": instance(Mistake(Kind.SHAPE, "of two cameras", camera(2).intrinsics))},
    )
    yield Function(
        name=f"{p}CameraExtrinsics",
        call=c.CameraExtrinsics,
        good=lambda: {"backend": camera().extrinsics._backend},
        natures={"backend": instance(), "shared_fields": nothing("what views share")},
    )
    vectors = numbers_or_tensors((2,), (1, 2))
    place = {"dtype": PASSED_ON, "device": PASSED_ON, "requires_grad": flag(), "backend": named()}
    yield Function(
        name=f"{p}CameraExtrinsics.from_lookat",
        call=c.CameraExtrinsics.from_lookat,
        good=lambda: {"eye": torch.ones(3), "at": [0.0, 0.0, 0.0], "up": np.array([0.0, 1.0, 0.0])},
        natures={"eye": vectors, "at": vectors, "up": vectors, **place},
        more=[(Kind.SHAPE, "`at`: of three cameras, and `eye` of two", {"eye": torch.ones(2, 3), "at": torch.zeros(3, 3)})],
    )
    yield Function(
        name=f"{p}CameraExtrinsics.from_view_matrix",
        call=c.CameraExtrinsics.from_view_matrix,
        good=lambda: {"view_matrix": torch.eye(4)},
        natures={"view_matrix": numbers_or_tensors((3, 3), (1, 4, 3)), **place},
    )
    yield Function(
        name=f"{p}CameraExtrinsics.from_camera_pose",
        call=c.CameraExtrinsics.from_camera_pose,
        good=lambda: {"cam_pos": torch.ones(3), "cam_dir": torch.eye(3)},
        natures={"cam_pos": vectors, "cam_dir": numbers_or_tensors((3,), (1, 3, 4)), **place},
    )
    for name, n in (("PinholeIntrinsics", 4), ("OrthographicIntrinsics", 1)):
        yield Function(
            name=p + name,
            call=getattr(c, name),
            good=lambda n=n: {"width": 4, "height": 3, "params": torch.ones(2, n)},
            natures={"width": whole(0), "height": whole(0), "params": tensors((2, 2), alone=True), "near": number(100.0), "far": number(0.01)},
        )
    yield Function(
        name=f"{p}CameraExtrinsics.transform",
        call=camera(2).extrinsics.transform,
        good=lambda: {"vectors": torch.ones(5, 3)},
        natures={
            "vectors": Nature(
                lambda good: [*tensors((5, 2), (3, 5, 3), alone=True).mistakes(good), Mistake(Kind.DTYPE, "float64 before a float32 camera", good.double())]
            )
        },
    )


def light_functions() -> Iterator[Function]:
    lighting, p = kaolin.render.lighting, f"{P}render.lighting."
    shapes = {
        "amplitude": (2, 3), "direction": (2, 3), "sharpness": (2,), "normal": (4, 3), "albedo": (4, 3), "view": (4, 3), "spec_albedo": (4, 3),
        "roughness": (4,), "other_amplitude": (5, 3), "other_direction": (5, 3), "other_sharpness": (5,), "normals": (4, 3), "lights": (9,),
    }  # fmt: skip
    one_light = ("amplitude", "direction", "sharpness")
    others = ("other_amplitude", "other_direction", "other_sharpness")
    for name, arguments, own in (
        ("approximate_sg_integral", ("amplitude", "sharpness"), {}),
        ("cosine_lobe_sg", ("direction",), {}),
        ("sg_diffuse_fitted", (*one_light, "normal", "albedo"), {}),
        ("sg_diffuse_inner_product", (*one_light, "normal", "albedo"), {}),
        ("sg_irradiance_fitted", (*one_light, "normal"), {}),
        ("sg_irradiance_inner_product", (*one_light, "normal"), {}),
        ("sg_distribution_term", ("direction", "roughness"), {"direction": (4, 3)}),
        ("sg_warp_distribution", (*one_light, "view"), {"view": (2, 3)}),
        ("sg_warp_specular_term", (*one_light, "normal", "roughness", "view", "spec_albedo"), {}),
        ("sg_from_sun", ("direction", "strength", "angle", "color"), {"strength": (2,), "angle": (2,), "color": (2, 3)}),
        ("sh9_irradiance", ("lights", "normals"), {}),
        ("sh9_diffuse", ("directions", "normals", "albedo"), {"directions": (3,)}),
        ("sg.unbatched_sg_inner_product", (*one_light, *others), {}),
        ("sg.unbatched_reduced_sg_inner_product", (*one_light, *others), {}),
    ):
        sizes = {argument: (shapes | own)[argument] for argument in arguments}
        yield Function(
            name=p + name,
            call=getattr(lighting.sg if name.startswith("sg.") else lighting, name.removeprefix("sg.")),
            good=lambda sizes=sizes: {argument: torch.ones(size) for argument, size in sizes.items()},
            natures={argument: tensors((*size, 2), alone=i == 0) for i, (argument, size) in enumerate(sizes.items())},
        )
    yield Function(
        name=f"{p}fresnel",
        call=lighting.fresnel,
        good=lambda: {"ldh": torch.ones(4, 1), "spec_albedo": torch.ones(4, 3)},
        natures={
            name: Nature(lambda good: [m for m in tensors(alone=True).mistakes(good) if m.kind is not Kind.SHAPE]) for name in ("ldh", "spec_albedo")
        },
    )  # fmt: skip
    angle = Nature(lambda _: [Mistake(Kind.TYPE, "text", "text")])
    yield Function(
        name=f"{p}sg_direction_from_azimuth_elevation",
        call=lighting.sg_direction_from_azimuth_elevation,
        good=lambda: {"azimuth": 0.0, "elevation": torch.zeros(2)},
        natures={"azimuth": angle, "elevation": angle},
    )
    directions = numbers_or_tensors((2,))
    yield Function(
        name=f"{p}project_onto_sh9", call=lighting.project_onto_sh9, good=lambda: {"directions": torch.ones(3)}, natures={"directions": directions}
    )  # fmt: skip
    yield Function(
        name=f"{p}SgLightingParameters",
        call=lighting.SgLightingParameters,
        good=lambda: {"amplitude": torch.ones(2, 3)},
        natures={"amplitude": numbers_or_tensors((4,)), "direction": numbers_or_tensors((4, 2), (3, 3)), "sharpness": numbers_or_tensors((3,))},
        called={"direction": "amplitude", "sharpness": "amplitude"},
    )


def render_functions() -> Iterator[Function]:
    easy, p = kaolin.render.easy_render, f"{P}render.easy_render."
    yield Function(name=f"{p}default_camera", call=easy.default_camera, good=lambda: {"resolution": 4}, natures={"resolution": whole(0)},
                   called={"resolution": "width"})  # fmt: skip
    yield Function(
        name=f"{p}default_material", call=easy.default_material, good=lambda: {"diffuse_color": (1, 0, 0)}, natures={"diffuse_color": numbers_or_tensors((2,))}
    )  # fmt: skip
    two = kaolin.rep.SurfaceMesh.cat([mesh(), mesh()])
    quads = kaolin.rep.SurfaceMesh(VERTICES, torch.tensor([[0, 1, 2, 3]]))
    scene = {
        "camera": instance(Mistake(Kind.SHAPE, "of two cameras", camera(2))),
        "mesh": instance(Mistake(Kind.SHAPE, "two of them", two), Mistake(Kind.SHAPE, "of quadrilaterals", quads)),
    }
    wanted = {f"{name}_required": ANY for name in ("normals", "uvs", "tangents", "features")}
    context = {"nvdiffrast_context": nothing("not looked at")}
    for name, more in (("cuda", {}), ("nvdiffrast", context)):
        yield Function(
            name=f"{p}mesh_rasterize_interpolate_{name}",
            call=getattr(easy, f"mesh_rasterize_interpolate_{name}"),
            good=lambda: {"mesh": mesh(), "camera": camera()},
            natures=scene | wanted | more,
        )
    material = kaolin.render.materials.PBRMaterial()
    assignments = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "text", "text"),
            Mistake(Kind.DTYPE, "real numbers", torch.zeros(9)),
            Mistake(Kind.SHAPE, "(9, 1)", torch.zeros(9, 1, dtype=torch.int64)),
            Mistake(Kind.SHAPE, "of fewer faces than are seen", torch.zeros(0, dtype=torch.int64)),
        ]
    )
    materials = Nature(lambda _: [Mistake(Kind.TYPE, "a dict", [{"Kd": (1, 0, 0)}])])
    yield Function(
        name=f"{p}render_mesh",
        call=easy.render_mesh,
        good=lambda: {"camera": camera(), "mesh": mesh(), "custom_materials": [material]},
        natures=scene | context | {"lighting": instance(), "backend": named(), "custom_materials": materials, "custom_material_assignments": assignments},
        computes=(Kind.SHAPE, Kind.TYPE, Kind.DTYPE),
        called={"custom_materials": "materials[0]", "custom_material_assignments": "material_assignments"},
    )
    seen = torch.zeros(1, 3, 4, dtype=torch.int64)
    pictures = {name: torch.ones(1, 3, 4, n) for name, n in (("albedo", 3), ("spec_albedo", 3), ("im_roughness", 1), ("im_world_normals", 3))}
    yield Function(
        name=f"{p}sg_shade",
        call=easy.sg_shade,
        good=lambda: (
            {"camera": camera(), "face_idx": seen} | pictures | {"amplitude": torch.ones(1, 3), "direction": torch.ones(1, 3), "sharpness": torch.ones(1)}
        ),
        natures={
            "camera": instance(),
            "face_idx": instance(Mistake(Kind.SHAPE, "(3, 4)", seen[0])),
            **{name: tensors((1, 3, 4, 2)) for name in pictures},
            **{name: instance(Mistake(Kind.SHAPE, "(4, 4)", torch.ones(4, 4))) for name in ("amplitude", "direction", "sharpness")},
        },
    )
    shaped = lambda *wrong: instance(Mistake(Kind.SHAPE, str(wrong), torch.ones(wrong)))  # noqa: E731
    yield Function(
        name=f"{p}texture_sample_materials",
        call=easy.texture_sample_materials,
        good=lambda: {"backend": "cuda", "face_idx": seen, "im_base_normals": pictures["albedo"], "materials": [material]},
        natures={
            "backend": named(),
            "face_idx": instance(Mistake(Kind.SHAPE, "(3, 4)", seen[0]), Mistake(Kind.DTYPE, "real numbers", seen.float())),
            "im_base_normals": shaped(1, 3, 4, 2), "materials": materials,
            "uv_map": shaped(1, 3, 4, 3), "material_assignments": assignments, "im_tangents": shaped(1, 3, 5, 3),
        },
    )  # fmt: skip
    z, image, features = torch.ones(1, 2, 3), torch.ones(1, 2, 3, 2), torch.ones(1, 2, 3, 2)
    yield Function(
        name=f"{P}render.mesh.deftet_sparse_render",
        call=kaolin.render.mesh.deftet_sparse_render,
        good=lambda: {
            "pixel_coords": torch.zeros(1, 5, 2), "render_ranges": torch.zeros(1, 5, 2), "face_vertices_z": z,
            "face_vertices_image": image, "face_features": features,
        },
        natures={
            "pixel_coords": tensors((1, 5, 3), alone=True), "render_ranges": tensors((1, 4, 2)), "face_vertices_z": tensors((1, 2, 2)),
            "face_vertices_image": tensors((1, 3, 3, 2)), "face_features": tensors((1, 2, 4)), "knum": whole(0), "eps": number(0.0),
        },
        more=[
            (Kind.SHAPE, "`face_features`: an empty list", {"face_features": []}),
            (Kind.SHAPE, "no face", {"face_vertices_z": z[:, :0], "face_vertices_image": image[:, :0], "face_features": features[:, :0]}),
        ],
    )  # fmt: skip
    mask = Nature(
        lambda good: [
            Mistake(Kind.TYPE, "a list", [1.0]),
            Mistake(Kind.DTYPE, "complex numbers", good.to(torch.complex64)),
            Mistake(Kind.SHAPE, "(2, 4)", torch.ones(2, 4)),
        ]
    )
    yield Function(
        name=f"{P}metrics.render.mask_iou",
        call=kaolin.metrics.render.mask_iou,
        good=lambda: {"lhs_mask": torch.ones(2, 3, 4), "rhs_mask": torch.ones(2, 3, 4)},
        natures={"lhs_mask": mask, "rhs_mask": mask},
    )


def random_functions() -> Iterator[Function]:
    draws, p = kaolin.ops.random, f"{P}ops.random."
    seeds = {"torch_seed": whole(2**64), "random_seed": optional(whole(2**64)), "numpy_seed": optional(whole(-1, 2**32))}
    yield Function(name=f"{p}manual_seed", call=draws.manual_seed, good=lambda: {"torch_seed": 1}, natures=seeds)
    state = instance(Mistake(Kind.DTYPE, "real numbers", torch.zeros(4)), Mistake(Kind.SHAPE, "(4,)", torch.zeros(4, dtype=torch.uint8)))
    yield Function(
        name=f"{p}set_state",
        call=draws.set_state,
        good=lambda: dict(zip(("torch_state", "random_state", "numpy_state"), draws.get_state(), strict=True)),
        natures={"torch_state": state, "random_state": instance(), "numpy_state": instance()},
    )
    sizes = Nature(
        lambda _: [
            Mistake(Kind.TYPE, "a number", 3),
            Mistake(Kind.TYPE, "real numbers", (1.5, 2.0)),
            Mistake(Kind.SHAPE, "(2, 2)", torch.ones(2, 2, dtype=torch.int64)),
            Mistake(Kind.RANGE, "(-1, 2)", (-1, 2)),
        ]
    )
    yield Function(
        name=f"{p}random_shape_per_tensor",
        call=draws.random_shape_per_tensor,
        good=lambda: {"batch_size": 2, "min_shape": (1, 2), "max_shape": (3, 4)},
        natures={"batch_size": whole(-1), "min_shape": sizes, "max_shape": sizes},
        more=[
            (Kind.SHAPE, "no `max_shape`", {"min_shape": None, "max_shape": ()}),
            (Kind.SHAPE, "`min_shape` of one, `max_shape` of two", {"min_shape": (1,)}),
            (Kind.RANGE, "`min_shape` above `max_shape`", {"min_shape": (1, 5)}),
            (Kind.TYPE, "`max_shape`: None", {"max_shape": None}),
        ],
    )
    yield Function(
        name=f"{p}random_tensor",
        call=draws.random_tensor,
        good=lambda: {"low": 0, "high": 2, "shape": (2, 3)},
        natures={
            "low": number(),
            "high": number(),
            "shape": sizes,
            "dtype": optional(instance(Mistake(Kind.DTYPE, "complex numbers", torch.complex64))),
            "device": PASSED_ON,
        },
        more=[
            (Kind.TYPE, "`low`: 0.5 of whole numbers", {"low": 0.5, "dtype": torch.int32}),
            (Kind.RANGE, "`high` below `low`, of whole numbers", {"low": 3, "dtype": torch.int32}),
            (Kind.RANGE, "`high`: 256 of bytes", {"high": 256, "dtype": torch.uint8}),
            (Kind.RANGE, "`high`: 2 of bool", {"dtype": torch.bool}),
        ],
    )
    angles = dict.fromkeys(("azimuth_low", "azimuth_high", "elevation_low", "elevation_high"), number())
    yield Function(
        name=f"{p}sample_spherical_coords",
        call=draws.sample_spherical_coords,
        good=lambda: {"shape": (2, 3)},
        natures=angles | {"shape": sizes, "device": PASSED_ON, "dtype": optional(Nature(lambda _: [Mistake(Kind.DTYPE, "integers", torch.int64)]))},
    )


def mesh_functions() -> Iterator[Function]:
    wrong = instance(Mistake(Kind.SHAPE, "(3, 7, 2)", torch.zeros(3, 7, 2)))
    parts = kaolin.rep.SurfaceMesh.supported_tensor_attributes()
    index = [name for name in parts if name.endswith("idx") or name in ("faces", "material_assignments")]
    of_integers = instance(Mistake(Kind.SHAPE, "(3, 7, 2, 1)", torch.zeros(3, 7, 2, 1, dtype=torch.int64)), Mistake(Kind.DTYPE, "real numbers", FACES.double()))
    yield Function(
        name=f"{P}rep.SurfaceMesh",
        call=kaolin.rep.SurfaceMesh,
        good=lambda: {"vertices": VERTICES, "faces": FACES, "material_assignments": torch.zeros(2, dtype=torch.int64)},
        natures={name: of_integers if name in index else wrong for name in parts}
        | {"materials": nothing("a list of anything")}
        | dict.fromkeys(("strict_checks", "unset_attributes_return_none", "allow_auto_compute"), ANY),
    )
    textures = kaolin.render.materials.PBRMaterial.supported_texture_attributes()
    picture = instance(Mistake(Kind.SHAPE, "(4, 5)", torch.zeros(4, 5)), Mistake(Kind.DTYPE, "an array", np.zeros((4, 5, 3))))
    names = kaolin.render.materials.VALUES
    yield Function(
        name=f"{P}render.materials.PBRMaterial",
        call=kaolin.render.materials.PBRMaterial,
        good=dict,
        natures={name: numbers_or_tensors((2,)) for name in names}
        | dict.fromkeys(textures, picture)
        | dict.fromkeys(kaolin.render.materials.COLORSPACES, named())
        | {"is_specular_workflow": flag(), "material_name": ANY, "shader_name": ANY},
    )
    for name, arguments in (("cartesian2spherical", ("x", "y", "z")), ("spherical2cartesian", ("azimuth", "elevation"))):
        reals = Nature(lambda good: [m for m in tensors(alone=True).mistakes(good) if m.kind is not Kind.SHAPE])
        yield Function(
            name=f"{P}ops.coords.{name}",
            call=getattr(kaolin.ops.coords, name),
            good=lambda arguments=arguments: {argument: torch.ones(2) for argument in arguments},
            natures=dict.fromkeys(arguments, reals) | ({} if "x" in arguments else {"distance": nothing("a number, or what the others are")}),
        )
    yield from random_functions()
    yield Function(
        name=f"{P}utils.testing.check_tensor",
        call=kaolin.utils.testing.check_tensor,
        good=lambda: {"tensor": VERTICES, "shape": (4, 3), "dtype": torch.float32, "device": "cpu"},
        natures={
            "tensor": tensors((4, 2), alone=True),
            "shape": Nature(lambda _: [Mistake(Kind.SHAPE, "(4,)", (4,))]),
            "dtype": Nature(lambda _: [Mistake(Kind.DTYPE, "float64", torch.float64)]),
            "device": Nature(lambda _: [Mistake(Kind.DEVICE, "meta", "meta")]),
            "throw": ANY,
        },
        called={"shape": "tensor", "dtype": "tensor", "device": "tensor"},
    )
    yield Function(
        name=f"{P}materials_by_name.group_materials_by_name",
        call=kaolin.io.materials.group_materials_by_name,
        good=lambda: {"materials_list": [{"material_name": "a"}], "material_assignments": torch.zeros(2, dtype=torch.int64)},
        natures={
            "materials_list": nothing("a list of anything"),
            "material_assignments": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "real numbers", good.float()),
                    Mistake(Kind.SHAPE, "(2, 1)", good[:, None]),
                    Mistake(Kind.INDEX, "one too large", torch.tensor([0, 1])),
                ]
            ),
        },
    )


def _obj(folder: Path) -> Path:
    (folder / "m.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    return folder / "m.obj"


def file_functions() -> Iterator[Function]:
    io, p = kaolin.io, f"{P}io."
    handler = instance()
    flags = {"with_materials": flag(), "with_normals": flag(), "triangulate": flag(), "raw_materials": flag()}
    yield Function(
        name=f"{p}obj.import_mesh",
        call=io.obj.import_mesh,
        good=lambda: {"path": In(_obj)},
        natures={"path": path(), "error_handler": handler, "heterogeneous_mesh_handler": handler, **flags},
    )
    wanted = {"filename": path(), "triangulate": flag()}
    yield Function(
        name=f"{p}import_mesh", call=io.import_mesh, good=lambda: {"filename": In(_obj)}, natures=wanted, called={"filename": "FOLDER"}
    )  # fmt: skip
    yield Function(
        name=f"{p}gltf.import_mesh",
        call=io.gltf.import_mesh,
        good=lambda: {"path": In(_obj)},
        natures={"path": path()},
        more=[(Kind.FILE, "of another format", {})],
    )
    yield Function(
        name=f"{p}obj.load_mtl",
        call=io.obj.load_mtl,
        good=lambda: {"mtl_path": In(_obj), "error_handler": io.obj.ignore_error_handler},
        natures={"mtl_path": Nature(lambda _: [Mistake(Kind.TYPE, "a number", 5)]), "error_handler": handler},
    )
    yield Function(
        name=f"{p}obj.raw_material_to_pbr", call=io.obj.raw_material_to_pbr, good=lambda: {"material": {}}, natures={"material": instance()}
    )  # fmt: skip
    yield Function(
        name=f"{p}materials.process_materials_and_assignments",
        call=io.materials.process_materials_and_assignments,
        good=lambda: {
            "materials_dict": {"a": {}}, "material_assignments_dict": {"a": torch.tensor([0])}, "error_handler": io.obj.default_error_handler, "num_faces": 2,
        },
        natures={
            "materials_dict": nothing("of anything"),
            "material_assignments_dict": Nature(
                lambda _: [Mistake(Kind.SHAPE, "(1, 1)", {"a": torch.zeros(1, 1)}), Mistake(Kind.INDEX, "one too large", {"a": torch.tensor([2])})]
            ),
            "error_handler": nothing("called, if something is to be told"),
            "num_faces": nothing("torch looks at it"),
            "error_context_str": nothing("ends a sentence"),
        },
        called={"material_assignments_dict": "the faces of material"},
    )  # fmt: skip
    asked = {name: flag() for name in ("rgb", "depth_linear", "semantic", "instance", "normals", "bbox_2d_tight", "bbox_2d_loose")}
    yield Function(
        name=f"{p}render.import_synthetic_view",
        call=io.render.import_synthetic_view,
        good=lambda: {"root_dir": In(lambda folder: folder), "idx": 0},
        natures={"root_dir": path(missing=False), "idx": whole(-1), **asked},
        more=[(Kind.FILE, "that is not there", {})],
    )
    yield Function(
        name=f"{p}utils.read_image",
        call=io.utils.read_image,
        good=lambda: {"path": In(_obj)},
        natures={"path": path()},
        more=[(Kind.FILE, "no picture", {})],
    )
    yield Function(
        name=f"{p}utils.read_image_from_buffer",
        call=io.utils.read_image_from_buffer,
        good=lambda: {"buffer": b""},
        natures={"buffer": Nature(lambda _: [Mistake(Kind.TYPE, "a number", 5), Mistake(Kind.FILE, "no picture", b"none")])},
    )
    yield Function(
        name=f"{p}utils.write_image",
        call=io.utils.write_image,
        good=lambda: {"img_tensor": torch.ones(5, 6, 3), "path": In(lambda folder: folder / "p.png")},
        natures={
            "img_tensor": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "a list", [1.0]),
                    Mistake(Kind.DTYPE, "integers", good.long()),
                    Mistake(Kind.SHAPE, "(5, 6, 2)", good[..., :2]),
                ]
            ),
            "path": path(missing=False),
        },
    )
    yield Function(
        name=f"{p}utils.TextureExporter",
        call=io.utils.TextureExporter,
        good=lambda: {"base_dir": In(lambda folder: folder)},
        natures={"base_dir": path(missing=False), **dict.fromkeys(("relative_dir", "file_prefix", "image_extension", "overwrite_files"), ANY)},
    )
    triangles = {"vertices": VERTICES, "face_vertex_counts": torch.tensor([3])}
    yield Function(
        name=f"{p}utils.mesh_handler_naive_triangulate",
        call=io.utils.mesh_handler_naive_triangulate,
        good=lambda: dict(triangles),
        natures={
            "vertices": nothing("they stay as they are"),
            "face_vertex_counts": Nature(
                lambda good: [
                    Mistake(Kind.TYPE, "text", "text"),
                    Mistake(Kind.DTYPE, "real numbers", good.float()),
                    Mistake(Kind.SHAPE, "(1, 1)", good[None]),
                ]
            ),
            "features": nothing("looked at in test_kaolin_files.py: they come by place"),
            "face_assignments": Nature(lambda _: [Mistake(Kind.SHAPE, "(1, 3)", {"a": torch.zeros(1, 3)})]),
        },
    )


def functions() -> Iterator[Function]:
    for part in (camera_functions, light_functions, render_functions, mesh_functions, file_functions):
        yield from part()
