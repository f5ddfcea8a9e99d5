"""Meshes far from the origin, as surveyors' coordinates have them: float32 there knows half metres, and 580 of a sphere's 642 vertices are left.

Plan: a sphere of radius 1 at (5e5, 4.5e6, 100) beside the same at the origin: kept, normalised, written and read, rendered, and fitted, by cameras that stand
there, too. Near the origin nothing changes.
"""

from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest

from taichi_softras import Camera, Mesh, render_mesh
from taichi_softras.recover import Fit, FitOptions, render_views
from taichi_softras.viewer.app import start

THERE = np.array([5e5, 4.5e6, 100.0])
BALL = Mesh.icosphere(3)


def far(mesh: Mesh = BALL) -> Mesh:
    return replace(mesh, vertices=mesh.vertices.astype(np.float64) + THERE)


class TestMesh:
    def test_positions_are_kept(self):
        assert far().vertices.dtype == np.float64
        assert len(np.unique(far().vertices, axis=0)) == 642
        assert len(np.unique(far().vertices.astype(np.float32), axis=0)) < 642

    @pytest.mark.parametrize("offset", [0.0, 1.0, 100.0])
    def test_near_the_origin_they_are_float32(self, offset):
        assert replace(BALL, vertices=BALL.vertices.astype(np.float64) + offset).vertices.dtype == np.float32

    def test_what_comes_as_float32_stays_so(self):
        assert replace(BALL, vertices=(BALL.vertices + THERE).astype(np.float32)).vertices.dtype == np.float32

    def test_normalized(self):
        normalized = far().normalized()
        assert normalized.vertices.dtype == np.float32
        np.testing.assert_allclose(normalized.vertices, BALL.normalized().vertices, atol=1e-6)

    @pytest.mark.parametrize("suffix", [".ply", ".stl", ".obj", ".glb"])
    def test_there_and_back(self, tmp_path, suffix):
        mesh = far(replace(BALL, colors=np.random.default_rng(0).random((642, 3))))
        mesh.save(tmp_path / f"m{suffix}")
        back = Mesh.load(tmp_path / f"m{suffix}")
        np.testing.assert_array_equal(back.vertices[back.faces], mesh.vertices[mesh.faces])
        assert len(back.vertices) == 642

    @pytest.mark.parametrize("suffix", [".off", ".ply"])
    def test_texts(self, tmp_path, suffix):
        """With decimals, as other programs write them."""
        header = {
            ".off": "OFF\n642 1280 0\n",
            ".ply": "ply\nformat ascii 1.0\nelement vertex 642\nproperty double x\nproperty double y\nproperty double z\nelement face 1280\n"
            "property list uchar int vertex_indices\nend_header\n",
        }[suffix]
        rows = [" ".join(f"{number:.6f}" for number in row) for row in far().vertices] + [f"3 {a} {b} {c}" for a, b, c in BALL.faces]
        (tmp_path / f"m{suffix}").write_text(header + "\n".join(rows))
        np.testing.assert_allclose(Mesh.load(tmp_path / f"m{suffix}").vertices - THERE, BALL.vertices, atol=1e-6)


class TestPictures:
    CAMERA = Camera.orbit(2.732, 20.0, [0.0, 130.0])

    def test_cameras_in_another_world(self):
        """Seen from near, a world that is far away is the same; there and back again."""
        moved = self.CAMERA.about(-THERE)
        np.testing.assert_allclose(moved.eye - THERE, self.CAMERA.eye, atol=1e-8)
        np.testing.assert_allclose(moved.about(THERE).camera_from_world, self.CAMERA.camera_from_world, atol=1e-8)

    def test_render_mesh(self):
        here, there = render_mesh(BALL, self.CAMERA, 48), render_mesh(far(), self.CAMERA.about(-THERE), 48)
        for name in ("alpha", "color", "depth"):
            np.testing.assert_allclose(getattr(there, name), getattr(here, name), atol=2e-4)


def test_a_fit_finds_the_same_mesh_there(tmp_path):
    """Step by step, with a pause; and it comes back in the world of the cameras."""
    camera = Camera.all_around(6, 2.732)
    names = tuple("abcdef")
    ellipsoid = replace(BALL, vertices=BALL.vertices * [1, 0.7, 0.5])
    here = Fit(render_views(ellipsoid, camera, (32, 32), names, samples=1), FitOptions(steps=9, views_per_step=3))
    there = Fit(render_views(far(ellipsoid), camera.about(-THERE), (32, 32), names, samples=1), FitOptions(steps=9, views_per_step=3))
    for step in range(9):
        assert there.step() == pytest.approx(here.step(), rel=1e-3)
        if step == 4:
            there.save(tmp_path / "fit.npz")
            there = Fit.load(tmp_path / "fit.npz", there.views)
    assert there.mesh.vertices.dtype == np.float64
    np.testing.assert_allclose(there.vertices - THERE, here.vertices, atol=1e-3)
    assert there.best_iou == pytest.approx(here.best_iou, abs=1e-2)


def test_the_viewer_counts_from_there(tmp_path):
    """Beside pictures of a place that is far away, a mesh is shown near the origin, and exported where it is."""
    render_views(far(), Camera.all_around(3, 2.732).about(-THERE), (24, 24), ("a", "b", "c"), samples=1).save(tmp_path / "pictures")
    far().save(tmp_path / "m.ply")
    model = start(
        Namespace(target=tmp_path / "pictures", mesh=tmp_path / "m.ply", out=tmp_path, view="color", wireframe=False, sigma=None, gamma=None, optimise=None)
    )
    np.testing.assert_allclose(model.scene.mesh.vertices, BALL.vertices, atol=1e-3)
    assert np.abs(model.scene.orbit.camera.eye).max() < 10
    np.testing.assert_allclose(Mesh.load(model.save_mesh()).vertices.astype(np.float64).mean(0), THERE, atol=1)  # as exact as the file's format
