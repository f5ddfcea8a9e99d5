"""Pictures that people look at and results that are measured: opaque where a surface is, whatever its edges; antialiased; lit; depths and normals beside them.

Plan: open meshes of two layers and with a hole, against the share of each pixel's samples that geometry puts inside; light and geometry on shapes whose normals
and depths are known; what is written is read as nerfstudio and instant-ngp do.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import taichi_softras
from taichi_softras import Camera, Mesh, Silhouette, render_mesh
from taichi_softras.recover import DEPTH_SCALE, SHARP, Views, render_geometry, render_views
from taichi_softras.runtime import memory_budget

SIZE, SAMPLES = 32, 4


def sheet(n: int, z: float = 0.0, hole: bool = False) -> Mesh:
    """n x n squares of two triangles each, over [-1, 1]^2 in the plane z, facing +z; the inner half of both sides may be missing."""
    x = np.linspace(-1, 1, n + 1)
    vertices = np.stack([*np.meshgrid(x, x), np.full((n + 1, n + 1), z)], -1).reshape(-1, 3)
    row, column = np.divmod(np.arange(n * n), n)
    if hole:
        inside = (np.abs(2 * row + 1 - n) < n / 2) & (np.abs(2 * column + 1 - n) < n / 2)
        row, column = row[~inside], column[~inside]
    corner = row * (n + 1) + column
    faces = np.concatenate([np.stack([corner, corner + 1, corner + n + 2], 1), np.stack([corner, corner + n + 2, corner + n + 1], 1)])
    return Mesh(vertices=vertices, faces=faces)


def two_layers(n: int = 8) -> Mesh:
    front, back = sheet(n, hole=True), sheet(n, -0.3)
    return Mesh(vertices=np.r_[front.vertices, back.vertices], faces=np.r_[front.faces, back.faces + len(front.vertices)])


def share_inside(camera: Camera, hole: bool) -> np.ndarray:
    """[SIZE, SIZE]: of each pixel's samples, how many hit the sheet in the plane z = 0."""
    n = SIZE * SAMPLES
    place = (np.arange(n) + 0.5) * 2 / n - 1
    x, y = np.meshgrid(place, -place)
    rays = np.stack([x / camera.intrinsics[0, 0], y / camera.intrinsics[0, 1], -np.ones_like(x)], -1) @ camera.camera_from_world[0, :, :3]
    eye = camera.eye[0]
    hit = np.abs((eye - rays * (eye[2] / rays[..., 2:]))[..., :2]).max(-1)
    inside = (hit < 1) & ~((hit < 0.5) if hole else False)
    return inside.reshape(SIZE, SAMPLES, SIZE, SAMPLES).mean((1, 3))


CAMERAS = {
    "frontal": Camera.orbit(3.2, fov=40),  # whose samples lie on the diagonals, exactly
    "oblique": Camera.orbit(3.2, 20.0, 25.0, fov=40),
}


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
class TestOpaque:
    """With a probabilistic silhouette the edges within these surfaces are seen."""

    @pytest.mark.parametrize("hole", [False, True])
    def test_alpha_is_the_share_of_samples(self, camera, hole):
        """In every pixel, those on the outline too."""
        views = render_views(sheet(8, hole=hole), camera, (SIZE, SIZE), ("a",))
        np.testing.assert_array_equal(views.alpha[0], share_inside(camera, hole))

    def test_well_inside(self, camera):
        inside = share_inside(camera, False) == 1
        alpha = render_views(two_layers(), camera, (SIZE, SIZE), ("a",)).alpha[0]
        assert inside.sum() > 200
        assert alpha[inside].min() > 250 / 255
        soft = render_views(two_layers(), camera, (SIZE, SIZE), ("a",), replace(SHARP, silhouette=Silhouette.PROBABILISTIC)).alpha[0]
        assert soft[inside].min() < 250 / 255  # what this guards against


def test_no_gaps_between_faces_however_edges_lie():
    """A sheet larger than the picture, at odd angles: every sample is covered."""
    for n, elevation, azimuth in ((1, 0.0, 0.0), (7, 0.0, 0.0), (16, 13.0, -7.0), (31, -5.0, 11.0)):
        mesh = replace(sheet(n), vertices=sheet(n).vertices * 1.6)
        assert render_mesh(mesh, Camera.orbit(3.2, elevation, azimuth, fov=40), 256, SHARP).alpha.min() == 1


def test_a_memory_budget_changes_nothing():
    mesh, camera, before = two_layers(), CAMERAS["oblique"], memory_budget()
    expected = render_views(mesh, camera, (SIZE, SIZE), ("a",)).alpha
    taichi_softras.set_memory_budget(100_000)
    try:
        np.testing.assert_array_equal(render_views(mesh, camera, (SIZE, SIZE), ("a",)).alpha, expected)
    finally:
        taichi_softras.set_memory_budget(before)


class TestTexture:
    def test_is_rendered_itself(self):
        """Stripes that no colours at four corners could show."""
        corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
        picture = np.zeros((16, 16, 3), np.float32)
        picture[:, ::4, 0] = picture[:, 1::4, 0] = 1
        mesh = Mesh(vertices=corners, faces=np.array([[0, 1, 2], [0, 2, 3]]), uvs=(corners[:, :2] + 1) / 2, texture=picture)
        red = render_views(mesh, CAMERAS["frontal"], (128, 128), ("a",)).color[0, 64, 16:112, 0]
        assert red.min() < 0.1
        assert red.max() > 0.9
        assert (np.abs(np.diff(red > 0.5)) == 1).sum() >= 6


class TestLight:
    def test_follows_the_cosine(self):
        mesh = Mesh(vertices=sheet(2).vertices, faces=sheet(2).faces, colors=np.full((9, 3), [0.8, 0.4, 0.2]))
        angle = np.radians(50)
        views = render_views(mesh, CAMERAS["frontal"], (8, 8), ("a",), samples=1, light=(0, 3 * np.sin(angle), 3 * np.cos(angle)))
        np.testing.assert_allclose(views.color[0, 4, 4], np.array([0.8, 0.4, 0.2]) * (0.35 + 0.65 * np.cos(angle)), atol=1e-5)

    def test_both_sides_have_a_light_side(self):
        """An open sheet is lit where the light stands, seen from there, whichever way its faces are wound."""
        colors = [
            render_views(replace(sheet(2), faces=faces), Camera.orbit(3.2, 0.0, azimuth, fov=40), (8, 8), ("a",), samples=1, light=light).color[0, 4, 4, 0]
            for faces in (sheet(2).faces, sheet(2).faces[:, ::-1])
            for azimuth, light in ((0.0, (0, 0, 1)), (180.0, (0, 0, -1)), (0.0, (0, 0, -1)))
        ]
        np.testing.assert_allclose(colors, [1, 1, 0.35] * 2, atol=1e-5)

    def test_one_for_each_camera(self):
        camera = Camera.orbit(3.2, 0.0, [0.0, 180.0], fov=40)
        views = render_views(sheet(2), camera, (8, 8), ("a", "b"), samples=1, light=camera.eye)
        np.testing.assert_allclose(views.color[:, 4, 4], 1, atol=1e-5)


class TestGeometry:
    CAMERA = Camera.orbit(3.0, [0.0, 20.0], [0.0, 200.0], fov=40)

    def test_of_a_sphere(self):
        """Against rays cut with it. Depth is along the axis, not along the ray; the chords of 5,120 faces lie within .002."""
        depth, normals = render_geometry(Mesh.icosphere(4), self.CAMERA, (40, 56))
        y, x = np.mgrid[:40, :56] + 0.5
        rays = np.stack([(x - 28) / 20 / self.CAMERA.intrinsics[0, 0], (20 - y) / 20 / self.CAMERA.intrinsics[0, 1], -np.ones_like(x)], -1)
        for i in range(2):
            towards, eye = rays @ self.CAMERA.camera_from_world[i, :, :3], self.CAMERA.eye[i]
            a, b, c = (towards**2).sum(-1), towards @ eye, eye @ eye - 1
            inside = b * b - a * c > 0.05
            t = (-b - np.sqrt(np.maximum(b * b - a * c, 0))) / a
            np.testing.assert_allclose(depth[i][inside], t[inside], atol=6e-3)
            np.testing.assert_allclose(normals[i][inside], (eye + t[..., None] * towards)[inside], atol=0.02)
            outside = b * b - a * c < -0.05
            assert not depth[i][outside].any()
            assert not normals[i][outside].any()
        seen = depth > 0
        np.testing.assert_allclose(np.linalg.norm(normals[seen], axis=1), 1, atol=1e-5)

    def test_turned_to_the_eye(self):
        for camera in (Camera.orbit(3.0, 0.0, 180.0), Camera.orbit(3.0, 0.0, 180.0, orthographic_height=3.0)):
            _, normals = render_geometry(sheet(2), camera, (8, 8))
            np.testing.assert_allclose(normals[0, 4, 4], [0, 0, -1], atol=1e-6)

    def test_written_beside_the_pictures(self, tmp_path):
        """As nerfstudio (depth_file_path, thousandths) and instant-ngp (depth_path, integer_depth_scale) read them; and what `load` gives is the same."""
        mesh, names = Mesh.icosphere(2), ("a", "b")
        depth, normals = render_geometry(mesh, self.CAMERA, (24, 32))
        render_views(mesh, self.CAMERA, (24, 32), names, samples=1).save(tmp_path, depth=depth, normals=normals)
        listed = json.loads((tmp_path / "transforms.json").read_text())
        for i, frame in enumerate(listed["frames"]):
            assert frame["file_path"] == f"./images/{names[i]}.png"
            assert frame["depth_file_path"] == frame["depth_path"] == f"./images/{names[i]}_depth.png"
            with Image.open(tmp_path / frame["depth_file_path"]) as picture:
                assert picture.mode == "I;16"
                np.testing.assert_allclose(np.asarray(picture) * listed["integer_depth_scale"], depth[i], atol=DEPTH_SCALE / 2 + 1e-6)
            with Image.open(tmp_path / frame["normal_file_path"]) as picture:
                rgba = np.asarray(picture) / 255
            np.testing.assert_array_equal(rgba[..., 3], depth[i] > 0)
            np.testing.assert_allclose(2 * rgba[..., :3] - 1, normals[i], atol=1 / 255 + 1e-6)
        assert Views.load(tmp_path).names == names

    @pytest.mark.parametrize("bad", [-0.1, 65.6, np.nan])
    def test_depths_that_do_not_fit(self, tmp_path, bad):
        views = render_views(sheet(2), CAMERAS["frontal"], (8, 8), ("a",), samples=1)
        with pytest.raises(ValueError, match=r"^Views.save: depth must be from 0 to 65.535 \(16 bits of thousandths\), got"):
            views.save(tmp_path / "out", depth=np.full((1, 8, 8), bad))
        assert not (tmp_path / "out").exists()
