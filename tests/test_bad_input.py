"""Every mistake that a user can make gives one clear sentence, before any kernel sees it: what was expected, and what came.

Plan: a class for each thing that a user makes (settings, mesh, files, topology, camera, render, losses, renderer); for each mistake, the kind of error and
the words that name the argument and the value. `index out of range` in a kernel would read foreign memory or end the process: a test that gets as far as an
error has not crashed.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from bad_input.files import payload

from taichi_softras import Camera, Connectivity, Convention, Mesh, RasterizeSettings, Renderer, Topology, losses, render_mesh
from taichi_softras.app import main
from taichi_softras.interop import EdgeLengthLoss, SoftRenderer, rasterize, render
from taichi_softras.interop import losses as torch_losses
from taichi_softras.language import ti
from taichi_softras.recover import Views, render_views

FACES = np.array([[0, 1, 2], [0, 2, 3]])
VERTICES = torch.tensor([[-0.5, -0.5, 0.0], [0.5, -0.5, 0.0], [0.5, 0.5, 0.0], [-0.5, 0.5, 0.0]])
CAMERA = Camera.orbit()
COLORS = torch.rand(4, 3)


class TestSettings:
    @pytest.mark.parametrize("name", ["sigma", "gamma"])
    @pytest.mark.parametrize("value", [0.0, -1e-4, np.nan, np.inf, -np.inf, 1e9])
    def test_softness(self, name, value):
        with pytest.raises(ValueError, match=rf"RasterizeSettings: {name} must be a finite number between 1e-12 and 1e\+06 \(exclusive\), got {value}"):
            RasterizeSettings(**{name: value})

    @pytest.mark.parametrize("value", ["1e-4", None, True, torch.tensor(1e-4), [1e-4]])
    def test_not_a_number(self, value):
        with pytest.raises(TypeError, match=f"sigma must be a number, got {type(value).__name__}"):
            RasterizeSettings(sigma=value)

    @pytest.mark.parametrize("value", [0.5, 0.9, 1.0, 0.0, -1.0, np.nan])
    def test_cutoff(self, value):
        with pytest.raises(ValueError, match=rf"cutoff must be a finite number between 1e-16 and 0.5 \(exclusive\), got {value}"):
            RasterizeSettings(cutoff=value)

    @pytest.mark.parametrize(("near", "far"), [(1.0, 1.0), (2.0, 1.0), (1.0, np.inf), (1.0, np.nan), (1.0, -3.0)])
    def test_far(self, near, far):
        with pytest.raises(ValueError, match=rf"far must be a finite number between {near:g} and inf \(exclusive\), got {far}"):
            RasterizeSettings(near=near, far=far)

    @pytest.mark.parametrize("near", [0.0, -1.0, np.nan])
    def test_near(self, near):
        with pytest.raises(ValueError, match=f"near must be a finite number between 0 and inf .exclusive., got {near}"):
            RasterizeSettings(near=near)

    def test_background_depth_norm(self):
        with pytest.raises(ValueError, match=r"background_depth_norm must be a finite number .*, got nan"):
            RasterizeSettings(background_depth_norm=np.nan)

    def test_culling_without_a_side(self):
        with pytest.raises(ValueError, match=r"RasterizeSettings: sides must be one side where culling leaves out the other, got Sides\.BOTH"):
            RasterizeSettings(culling=True)

    @pytest.mark.parametrize("name", ["interpolation", "extrapolation", "sides", "distribution", "silhouette", "distance"])
    @pytest.mark.parametrize("value", ["perspective", 1, None, Convention.OPENCV])
    def test_choices(self, name, value):
        with pytest.raises(TypeError, match=rf"{name} must be one of \w+\.\w+, .*, got {value!r}"):
            RasterizeSettings(**{name: value})

    @pytest.mark.parametrize("value", [1, None, "no"])
    def test_yes_or_no(self, value):
        with pytest.raises(TypeError, match=f"silhouette_beyond_depth_range must be .*, got {value!r}"):
            RasterizeSettings(silhouette_beyond_depth_range=value)

    def test_replace_checks_again(self):
        with pytest.raises(ValueError, match="sigma must be"):
            replace(RasterizeSettings(), sigma=-1)


class TestMesh:
    GOOD = VERTICES.numpy()

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_vertices_that_are_no_numbers(self, value):
        bad = self.GOOD.copy()
        bad[2, 1] = value
        with pytest.raises(ValueError, match=rf"Mesh: vertices must be finite, got {value} at \(2, 1\)"):
            Mesh(vertices=bad, faces=FACES)

    @pytest.mark.parametrize("shape", [(4, 2), (4,), (1, 4, 3), (12,)])
    def test_shape_of_vertices(self, shape):
        with pytest.raises(ValueError, match=r"Mesh: vertices must have shape \(V, 3\), got \("):
            Mesh(vertices=np.zeros(shape), faces=FACES)

    @pytest.mark.parametrize(("index", "named"), [(4, 4), (-1, -1), (2**31, 2**31), (10**12, 10**12)])
    def test_index_out_of_range(self, index, named):
        with pytest.raises(ValueError, match=f"Mesh: faces must index vertices 0 to 3, got {named}"):
            Mesh(vertices=self.GOOD, faces=np.array([[0, 1, 2], [0, 2, index]]))

    def test_unsigned_indices(self):
        with pytest.raises(ValueError, match=f"faces must index vertices 0 to 3, got {2**64 - 1}"):
            Mesh(vertices=self.GOOD, faces=np.array([[0, 1, 2**64 - 1]], np.uint64))

    @pytest.mark.parametrize("faces", [[[0.0, 1.0, 2.0]], [[True, False, True]], [["a", "b", "c"]]])
    def test_faces_that_are_no_integers(self, faces):
        with pytest.raises(TypeError, match="Mesh: faces must be integers, got "):
            Mesh(vertices=self.GOOD, faces=np.array(faces))

    @pytest.mark.parametrize("faces", [[[0, 1, 2, 3]], [0, 1, 2], [[[0, 1, 2]]]])
    def test_shape_of_faces(self, faces):
        with pytest.raises(ValueError, match=r"Mesh: faces must have shape \(F, 3\), got \("):
            Mesh(vertices=self.GOOD, faces=np.array(faces))

    def test_empty(self):
        with pytest.raises(ValueError, match="the mesh must have at least one face, got none"):
            Mesh(vertices=self.GOOD, faces=np.zeros((0, 3), int))
        with pytest.raises(ValueError, match="faces must index vertices"):
            Mesh(vertices=np.zeros((0, 3)), faces=FACES)

    def test_colors(self):
        with pytest.raises(ValueError, match=r"Mesh: colors must have shape \(V, 3\) with V = 4, got \(3, 3\)"):
            Mesh(vertices=self.GOOD, faces=FACES, colors=np.zeros((3, 3)))
        with pytest.raises(ValueError, match="Mesh: colors must be finite, got nan"):
            Mesh(vertices=self.GOOD, faces=FACES, colors=np.full((4, 3), np.nan))

    def test_normalized_without_extent(self):
        with pytest.raises(ValueError, match=r"Mesh.normalized: the mesh must have an extent, got a single point"):
            Mesh(vertices=np.ones((3, 3)), faces=[[0, 1, 2]]).normalized()


READABLE = [".glb", ".gltf", ".obj", ".off", ".ply", ".stl"]


class TestFiles:
    @pytest.mark.parametrize("suffix", READABLE)
    def test_missing(self, tmp_path, suffix):
        with pytest.raises(FileNotFoundError, match=r"Mesh.load: there is no file .*nothing"):
            Mesh.load(tmp_path / f"nothing{suffix}")

    def test_a_folder(self, tmp_path):
        (tmp_path / "folder.obj").mkdir()
        with pytest.raises(FileNotFoundError, match=r"Mesh.load: there is no file"):
            Mesh.load(tmp_path / "folder.obj")

    @pytest.mark.parametrize("name", ["mesh.fbx", "mesh", "mesh.png", ".obj"])
    def test_other_kinds(self, tmp_path, name):
        (tmp_path / name).write_text("v 0 0 0")
        with pytest.raises(ValueError, match=rf"Mesh.load: the file must be one of \.glb, .*, got '{name}'"):
            Mesh.load(tmp_path / name)
        with pytest.raises(ValueError, match=rf"Mesh.save: the file must be one of \.glb, .*, got '{name}'"):
            Mesh.icosphere(0).save(tmp_path / name)

    @pytest.mark.parametrize("suffix", READABLE)
    @pytest.mark.parametrize(
        "content", [b"", b"\n\n", b"this is no mesh\n", bytes(range(256)) * 4, b"{}", b"\0" * 84], ids=["empty", "blank", "prose", "bytes", "json", "zeros"]
    )
    def test_no_mesh(self, tmp_path, suffix, content):
        path = tmp_path / f"bad{suffix}"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"^Mesh.load: .*bad\.\w+ must (be|hold|begin|have) "):
            Mesh.load(path)

    @pytest.mark.parametrize("suffix", [".glb", ".ply", ".stl"])
    @pytest.mark.parametrize("part", [0.03, 0.5, 0.97])
    def test_truncated(self, tmp_path, suffix, part):
        """A file that ends early is refused; OBJ, which is lines, and OFF are tested below."""
        path = tmp_path / f"whole{suffix}"
        Mesh.icosphere(1).save(path)
        content = path.read_bytes()
        short = tmp_path / f"short{suffix}"
        short.write_bytes(content[: int(part * len(content))])
        with pytest.raises(ValueError, match=r"^Mesh.load: .*short\.\w+ must (be|hold) "):
            Mesh.load(short)

    def test_truncated_off(self, tmp_path):
        (tmp_path / "short.off").write_text("OFF\n4 2 0\n0 0 0\n1 0 0\n")
        with pytest.raises(ValueError, match=r"^Mesh.load: .*short.off must"):
            Mesh.load(tmp_path / "short.off")

    @pytest.mark.parametrize("faces", ["f 1 2 9", "f 1 2 -7", "f 1 2", "f 1 2 x", ""])
    def test_obj_with_bad_faces(self, tmp_path, faces):
        path = tmp_path / "bad.obj"
        path.write_text(f"v 0 0 0\nv 1 0 0\nv 0 1 0\n{faces}\n")
        with pytest.raises(ValueError, match=r"^Mesh(.load)?: (.*bad.obj must|faces must index vertices)"):
            Mesh.load(path)

    def test_obj_with_nan(self, tmp_path):
        path = tmp_path / "bad.obj"
        path.write_text("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
        with pytest.raises(ValueError, match=r"^Mesh(.load)?: .*(finite|readable)"):
            Mesh.load(path)

    def test_obj_without_its_material(self, tmp_path):
        """A missing material or texture is no reason to refuse the shape."""
        path = tmp_path / "mesh.obj"
        path.write_text("mtllib gone.mtl\nusemtl gone\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\n")
        assert len(Mesh.load(path).faces) == 1


class TestTopology:
    @pytest.mark.parametrize("index", [4, -1])
    def test_index_out_of_range(self, index):
        bad = np.array([[0, 1, index]])
        with pytest.raises(ValueError, match=f"Topology: faces must index vertices 0 to 3, got {index}"):
            Topology.shared(bad, 4)
        with pytest.raises(ValueError, match=f"Topology: faces must index vertices 0 to 3, got {index}"):
            Topology.batch([FACES, bad], [4, 4])

    def test_a_face_of_the_next_mesh(self):
        """In range of the batch, but not of its own mesh."""
        with pytest.raises(ValueError, match="faces must index vertices 0 to 2, got 3"):
            Topology.batch([np.array([[0, 1, 3]]), FACES], [3, 4])

    def test_counts(self):
        with pytest.raises(ValueError, match="faces and n_vertices must be as many, and at least one, got 2 and 1"):
            Topology.batch([FACES, FACES], [4])
        with pytest.raises(ValueError, match="at least one, got 0 and 0"):
            Topology.batch([], [])

    def test_an_array_of_faces(self):
        """[B, F, 3] is a sequence of B meshes' faces like any other."""
        assert Topology.batch(np.stack([FACES, FACES]), [4, 4]).n_images == 2

    @pytest.mark.parametrize("n_images", [0, -1, 2**21])
    def test_number_of_images(self, n_images):
        with pytest.raises(ValueError, match=f"Topology: n_images must be between 1 and 1048576, got {n_images}"):
            Topology.shared(FACES, 4, n_images)

    def test_number_of_images_is_whole(self):
        with pytest.raises(TypeError, match=r"Topology: n_images must be a whole number, got 2.0"):
            Topology.shared(FACES, 4, 2.0)

    def test_connectivity(self):
        with pytest.raises(ValueError, match="Connectivity: faces must index vertices 0 to 2, got 3"):
            Connectivity.of(FACES, 3)
        with pytest.raises(TypeError, match="Connectivity: faces must be integers, got float64"):
            Connectivity.of(FACES.astype(float), 4)


class TestCamera:
    @pytest.mark.parametrize("elevation", [100, -90.1, np.nan])
    def test_elevation(self, elevation):
        with pytest.raises(ValueError, match=rf"Camera.orbit: elevation must be between -90 and 90 degrees, got {elevation}"):
            Camera.orbit(elevation=[0, elevation])

    @pytest.mark.parametrize("distance", [0, -1, np.nan])
    def test_distance(self, distance):
        with pytest.raises(ValueError, match=f"Camera.orbit: distance must be positive, got {distance}"):
            Camera.orbit(distance)

    @pytest.mark.parametrize("name", ["distance", "azimuth", "target"])
    def test_infinities(self, name):
        with pytest.raises(ValueError, match=f"Camera.orbit: {name} must be finite"):
            Camera.orbit(**{name: [np.inf] * 3})

    def test_counts(self):
        with pytest.raises(ValueError, match=r"Camera.orbit: .*distance.*elevation.*azimuth"):
            Camera.orbit([1, 2], 0, [1, 2, 3])
        with pytest.raises(ValueError, match=r"Camera.orbit: distance, elevation and azimuth must have shape \(B\), got \(2, 2\)"):
            Camera.orbit(np.ones((2, 2)))

    @pytest.mark.parametrize("fov", [0, 180, -10, np.nan])
    def test_fov(self, fov):
        for make in (lambda: Camera.orbit(fov=fov), lambda: Camera.look_at([0, 0, 3], fov=fov)):
            with pytest.raises(ValueError, match=f"Camera: fov must be a finite number between 0 and 180 .exclusive., got {fov}"):
                make()

    @pytest.mark.parametrize("height", [0, -1, np.inf])
    def test_orthographic_height(self, height):
        with pytest.raises(ValueError, match=f"Camera: orthographic_height must be a finite number .*, got {height}"):
            Camera.orbit(orthographic_height=height)

    @pytest.mark.parametrize(("eye", "up"), [([0, 3, 0], [0, 1, 0]), ([0, -3, 0], [0, 2, 0]), ([0, 0, 0], [0, 1, 0]), ([np.nan, 0, 1], [0, 1, 0])])
    def test_look_at_without_a_direction(self, eye, up):
        with pytest.raises(ValueError, match=r"Camera.look_at: eye and target must differ and up must not be parallel .*, got camera 1"):
            Camera.look_at([[1, 2, 3], eye], up=up)

    def test_look_at_without_an_up(self):
        with pytest.raises(ValueError, match=r"Camera.look_at: .*up must not be parallel"):
            Camera.look_at([1, 2, 3], up=[0, 0, 0])

    @pytest.mark.parametrize("eye", [[1, 2], [[[1, 2, 3]]], 5])
    def test_look_at_shapes(self, eye):
        with pytest.raises(ValueError, match=r"Camera.look_at: .*eye"):
            Camera.look_at(eye)

    @pytest.mark.parametrize("matrix", [np.eye(4) * 2, np.diag([1, 1, 0.5, 1]), np.zeros((4, 4)), np.diag([1, 1, -1, 1]), np.full((3, 4), np.nan)])
    def test_no_rotation(self, matrix):
        """A mirror image is none, either: it would turn every face inside out."""
        with pytest.raises(ValueError, match=r"Camera.from_matrices: the left 3 x 3 of camera_from_world must be a rotation, got "):
            Camera.from_matrices(matrix, np.eye(3), (4, 4))

    @pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4,), (), (1, 2, 4, 4), (2, 2, 4)])
    def test_shape_of_matrices(self, shape):
        with pytest.raises(ValueError, match=r"Camera.from_matrices: camera_from_world must have shape .*, got \("):
            Camera.from_matrices(np.zeros(shape), np.eye(3), (4, 4))

    @pytest.mark.parametrize("shape", [(4, 4), (3, 4), (3,), (2, 3, 3), (1, 4, 4), ()])
    def test_shape_of_k(self, shape):
        with pytest.raises(ValueError, match=r"Camera.from_matrices: pixel_intrinsics must have shape .*, got \("):
            Camera.from_matrices(np.eye(4), np.zeros(shape), (4, 4))

    def test_k_that_is_no_number(self):
        with pytest.raises(ValueError, match="intrinsics must be finite, got nan"):
            Camera.from_matrices(np.eye(4), np.full((3, 3), np.nan), (4, 4))

    @pytest.mark.parametrize("image_size", [(0, 4), (4, -1)])
    def test_image_size(self, image_size):
        for make in (lambda: Camera.from_matrices(np.eye(4), np.eye(3), image_size), lambda: CAMERA.to_matrices(image_size)):
            with pytest.raises(ValueError, match=r"image (height|width) must be between 1 and 16384, got (0|-1)"):
                make()

    def test_convention(self):
        for make in (lambda: Camera.from_matrices(np.eye(4), np.eye(3), (4, 4), convention="opencv"), lambda: CAMERA.to_matrices((4, 4), convention="opencv")):
            with pytest.raises(TypeError, match=r"convention must be one of Convention.OPENGL, Convention.OPENCV, got 'opencv'"):
                make()

    def test_constructor(self):
        with pytest.raises(ValueError, match=r"Camera: intrinsics must have shape \(B, 4\) with B = 1, got \(2, 4\)"):
            Camera(camera_from_world=CAMERA.camera_from_world, intrinsics=np.ones((2, 4)))
        with pytest.raises(ValueError, match=r"Camera: camera_from_world must have shape \(B, 3, 4\), got \(1, 4, 4\)"):
            Camera(camera_from_world=np.eye(4)[None], intrinsics=np.ones((1, 4)))


class TestImageSize:
    def users(self, image_size):
        return (
            lambda: render(VERTICES, FACES, CAMERA, image_size=image_size),
            lambda: rasterize(VERTICES, Topology.shared(FACES, 4), image_size=image_size),
            lambda: SoftRenderer(image_size),
            lambda: Renderer(image_size),
            lambda: render_mesh(Mesh.icosphere(0), CAMERA, image_size),
        )

    @pytest.mark.parametrize("image_size", [0, -5, (0, 10), (10, 0), 10**5, (8, 2**40)])
    def test_out_of_range(self, image_size):
        for use in self.users(image_size):
            with pytest.raises(ValueError, match=r"\w+: image (height|width) must be between 1 and 16384, got "):
                use()

    @pytest.mark.parametrize("image_size", [64.0, "64", None, (64, 32.5), True])
    def test_no_whole_number(self, image_size):
        for use in self.users(image_size):
            with pytest.raises(TypeError, match=r"\w+: image (height|width) must be a whole number, got "):
                use()

    @pytest.mark.parametrize("image_size", [(64,), (64, 64, 3), ()])
    def test_no_pair(self, image_size):
        for use in self.users(image_size):
            with pytest.raises(ValueError, match=r"\w+: image.size must be .*, got \("):
                use()


class TestRender:
    """The dtypes and devices of tensors are tested in `interop/test_bridge.py`."""

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_vertices_that_are_no_numbers(self, value):
        bad = VERTICES.clone()
        bad[3, 0] = value
        with pytest.raises(ValueError, match=r"vertices must be finite, got NaN or infinity in face 1 of the batch \(vertices \[0, 2, 3\]\)"):
            render(bad, FACES, CAMERA)

    def test_after_an_error_all_is_well(self):
        bad = VERTICES * torch.nan
        with pytest.raises(ValueError, match="finite"):
            render(bad, FACES, CAMERA)
        assert render(VERTICES, FACES, CAMERA, image_size=8).alpha.max() > 0

    @pytest.mark.parametrize("index", [4, -1, 10**9])
    def test_index_out_of_range(self, index):
        for faces in (torch.tensor([[0, 1, index]]), np.array([[0, 1, index]]), [[0, 1, index]]):
            with pytest.raises(ValueError, match=f"faces must index vertices 0 to 3, got {index}"):
                render(VERTICES, faces, CAMERA)

    @pytest.mark.parametrize("faces", [torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0, 1, 2]]).half()])
    def test_faces_that_are_no_integers(self, faces):
        with pytest.raises(TypeError, match="faces must be integers, got float"):
            render(VERTICES, faces, CAMERA)

    def test_no_faces(self):
        with pytest.raises(ValueError, match="the mesh must have at least one face, got none"):
            render(VERTICES, torch.zeros(0, 3, dtype=torch.int64), CAMERA)

    @pytest.mark.parametrize("shape", [(4, 2), (4,), (4, 4), (1, 1, 4, 3), (2, 4, 3), ()])
    def test_shape_of_vertices(self, shape):
        with pytest.raises(ValueError, match=r"render: vertices must have shape .*, got \("):
            render(torch.zeros(shape), FACES, CAMERA)

    def test_a_topology_of_another_mesh(self):
        with pytest.raises(ValueError, match=r"vertices must have shape \(V, 3\) with V = 5.*, got \(4, 3\)"):
            render(VERTICES, Topology.shared(FACES, 5), CAMERA)
        with pytest.raises(ValueError, match=r"rasterize: vertices_screen must have shape \(N, 3\) with N = 5.*, got \(4, 3\)"):
            rasterize(VERTICES, Topology.shared(FACES, 5))

    def test_as_many_cameras_as_images(self):
        with pytest.raises(ValueError, match="render: there must be a camera for each of the 2 images, got 3"):
            render(torch.cat([VERTICES, VERTICES]), Topology.batch([FACES, FACES], [4, 4]), Camera.orbit([1, 2, 3]))
        with pytest.raises(ValueError, match=r"render: vertices must have shape \(B, V, 3\) with B = 3, got \(2, 4, 3\)"):
            render(torch.stack([VERTICES, VERTICES]), FACES, Camera.orbit([1, 2, 3]))

    @pytest.mark.parametrize("shape", [(3, 3), (4,), (1, 4, 3), ()])
    def test_shape_of_colors(self, shape):
        with pytest.raises(ValueError, match=r"render: colors must have shape \(4, C\), got \("):
            render(VERTICES, FACES, CAMERA, torch.zeros(shape))
        with pytest.raises(ValueError, match=r"rasterize: features must have shape \(V, C\).*, got \("):
            rasterize(VERTICES, Topology.shared(FACES, 4), torch.zeros(shape))

    def test_no_colors(self):
        """[V, 0]: None is the way to say that there are none."""
        with pytest.raises(ValueError, match=r"colors must have .*, got \(4, 0\)"):
            render(VERTICES, FACES, CAMERA, torch.zeros(4, 0))

    @pytest.mark.parametrize("background", [[0.0, 0.0], torch.zeros(2), np.zeros((2, 3)), torch.zeros(1, 2), 0.5, torch.zeros(())])
    def test_shape_of_background(self, background):
        with pytest.raises(ValueError, match=r"background must have shape .*, got \("):
            render(VERTICES, FACES, CAMERA, COLORS, background=background)
        with pytest.raises(ValueError, match=r"background must have shape .*, got \("):
            rasterize(VERTICES, Topology.shared(FACES, 4), COLORS, background=background)

    def test_a_camera_that_is_none(self):
        with pytest.raises(TypeError, match="render: camera must be a Camera, got Tensor"):
            render(VERTICES, FACES, torch.eye(4)[None])

    def test_a_camera_that_is_no_number(self):
        broken = replace(CAMERA, camera_from_world=torch.full((1, 3, 4), torch.nan))
        with pytest.raises(ValueError, match="vertices must be finite"):
            render(VERTICES, FACES, broken)


class TestLosses:
    CONNECTIVITY = Connectivity.of(FACES, 4)

    @pytest.mark.parametrize("name", ["laplacian", "flatten", "edge_length", "normal_consistency"])
    @pytest.mark.parametrize("shape", [(3, 3), (4, 2), (4,), (1, 4, 3)])
    def test_shape_of_vertices(self, name, shape):
        with pytest.raises(ValueError, match=rf"{name}: vertices must have shape \(4, 3\), got \("):
            getattr(torch_losses, name)(torch.zeros(shape), self.CONNECTIVITY)

    def test_silhouette_iou(self):
        with pytest.raises(ValueError, match=r"silhouette_iou: target must have shape \(1, 4, 5\), got \(1, 5, 4\)"):
            torch_losses.silhouette_iou(torch.zeros(1, 4, 5), torch.zeros(1, 5, 4))
        with pytest.raises(ValueError, match=r"silhouette_iou: alpha must have shape \(B, H, W\), got \(4, 5\)"):
            torch_losses.silhouette_iou(torch.zeros(4, 5), torch.zeros(4, 5))

    def test_color_l1(self):
        good, mask = torch.zeros(1, 4, 5, 3), torch.zeros(1, 4, 5)
        with pytest.raises(ValueError, match=r"color_l1: target must have shape \(B, H, W, C\) with .*, got \(1, 4, 5, 4\)"):
            torch_losses.color_l1(good, torch.zeros(1, 4, 5, 4), mask)
        with pytest.raises(ValueError, match=r"color_l1: mask must have shape \(B, H, W\) with .*, got \(1, 5, 4\)"):
            torch_losses.color_l1(good, good, torch.zeros(1, 5, 4))

    def test_a_target_that_is_no_number(self):
        with pytest.raises(ValueError, match=r"edge_length: target must be a finite number.*, got nan"):
            torch_losses.edge_length(VERTICES, self.CONNECTIVITY, target=np.nan)

    def test_modules(self):
        with pytest.raises(ValueError, match="faces must index vertices 0 to 2, got 3"):
            EdgeLengthLoss(FACES, 3)


class TestRenderer:
    """On Taichi's arrays, which carry no promises of their own."""

    RENDERER = Renderer(8)

    def vertices(self, values=VERTICES) -> ti.Ndarray:
        return self.RENDERER.parameter(values)

    def test_indices(self):
        with pytest.raises(ValueError, match="faces must index vertices 0 to 3, got 7"):
            self.RENDERER(self.vertices(), np.array([[0, 1, 7]]), CAMERA)

    def test_shapes(self):
        with pytest.raises(ValueError, match=r"vertices must have shape \(V, 3\), got \(4, 2\)"):
            self.RENDERER(self.vertices(VERTICES[:, :2]), FACES, CAMERA)
        with pytest.raises(ValueError, match=r"(colors|features) must have shape .*, got \(4,\)"):
            self.RENDERER(self.vertices(), FACES, CAMERA, self.vertices(VERTICES[:, 0]))
        with pytest.raises(ValueError, match=r"background must have shape .*, got \(2,\)"):
            self.RENDERER(self.vertices(), FACES, CAMERA, self.vertices(), background=[0.0, 0.0])
        with pytest.raises(ValueError, match=r"background must have shape .*, got \(3, 2\)"):
            self.RENDERER(self.vertices(), FACES, CAMERA, self.vertices(), background=np.zeros((3, 2)))

    def test_background_that_is_no_number(self):
        with pytest.raises(ValueError, match="Renderer: background must be finite, got nan"):
            self.RENDERER(self.vertices(), FACES, CAMERA, self.vertices(), background=[0.0, np.nan, 0.0])

    def test_cameras(self):
        with pytest.raises(ValueError, match="render: there must be a camera for each of the 2 images, got 1"):
            self.RENDERER(self.vertices(), Topology.shared(FACES, 4, 2), CAMERA)

    def test_vertices_that_are_no_numbers(self):
        with pytest.raises(ValueError, match="vertices must be finite"):
            self.RENDERER(self.vertices(VERTICES * torch.nan), FACES, CAMERA)

    @pytest.mark.parametrize("dtype", [np.float64, np.int32])
    def test_numpy_arrays_of_another_dtype(self, dtype):
        with pytest.raises((TypeError, ValueError), match=r"vertices must be float32, as the other arrays are, got (float64|int32)"):
            self.RENDERER(VERTICES.numpy().astype(dtype), FACES, CAMERA)

    def test_taichi_arrays_of_another_dtype(self):
        with pytest.raises(TypeError, match=r"vertices must be float32, as the other arrays are, got f64"):
            self.RENDERER(ti.ndarray(ti.f64, (4, 3)), FACES, CAMERA)

    def test_losses_of_two_dtypes(self):
        with pytest.raises(TypeError, match=r"silhouette_iou: target must be float32, as the other arrays are, got f64"):
            losses.silhouette_iou(ti.ndarray(ti.f32, (1, 4, 4)), ti.ndarray(ti.f64, (1, 4, 4)))


class TestCommandLine:
    """One sentence on stderr, and an exit status of 1."""

    def complaint(self, capsys, *arguments: object) -> str:
        assert main([str(argument) for argument in arguments]) == 1
        said = capsys.readouterr().err
        assert said.startswith("taichi-softras: ")
        assert said.count("\n") == 1
        return said

    def test_render_replaces_no_pictures_unasked(self, tmp_path, capsys):
        (tmp_path / "transforms.json").write_text("precious")
        said = self.complaint(capsys, "render", "-o", tmp_path)
        assert "already holds a transforms.json; replace it (--overwrite) or choose another folder" in said
        assert (tmp_path / "transforms.json").read_text() == "precious"
        assert main(["render", "-o", str(tmp_path), "--overwrite", "--views", "1", "--size", "16", "--samples", "1"]) == 0
        assert len(Views.load(tmp_path)) == 1

    def test_render_too_large(self, tmp_path, capsys):
        said = self.complaint(capsys, "render", "-o", tmp_path, "--size", 9000)
        assert "render: --size times --samples must be at most 16384 pixels a side, got 9000 x 4" in said

    def test_view_too_large(self, tmp_path, capsys):
        said = self.complaint(capsys, "view", "--headless", "--screenshot", tmp_path / "s.png", "--size", 20_000, 10)
        assert "view: image height must be between 1 and 16384, got 20000" in said

    @pytest.mark.parametrize("command", ["render", "view"])
    def test_a_hostile_mesh(self, tmp_path, capsys, command):
        (tmp_path / "m.ply").write_bytes(payload(tmp_path))
        more = ("--headless", "--screenshot", tmp_path / "s.png") if command == "view" else ("-o", tmp_path / "out")
        assert "m.ply must be a PLY file" in self.complaint(capsys, command, tmp_path / "m.ply", *more)
        assert not (tmp_path / "executed").exists()

    @pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"{}", b'{"source": 5, "size": 64}', b'{"source": "x", "size": NaN}'])
    def test_a_hostile_note_of_the_source(self, tmp_path, capsys, content):
        (tmp_path / "checkpoint.npz").write_bytes(payload(tmp_path))
        (tmp_path / "source.json").write_bytes(content)
        assert "source.json must" in self.complaint(capsys, "fit", "-o", tmp_path, "--resume")
        assert not (tmp_path / "executed").exists()

    def test_a_hostile_checkpoint(self, tmp_path, capsys):
        render_views(Mesh.icosphere(1), Camera.orbit(3, 10, [0, 90, 180]), (16, 16), ("a", "b", "c"), samples=1).save(tmp_path / "views")
        (tmp_path / "checkpoint.npz").write_bytes(payload(tmp_path))
        described = {"source": str(tmp_path / "views"), "size": 16, "masks": None, "segment": False, "colors": "vertex", "up": "y"}
        described |= {"reference": None, "normalized": False}
        (tmp_path / "source.json").write_text(json.dumps(described))
        assert "checkpoint.npz must be a saved fit" in self.complaint(capsys, "fit", "-o", tmp_path, "--resume")
        assert not (tmp_path / "executed").exists()
