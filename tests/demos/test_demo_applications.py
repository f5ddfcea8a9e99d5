"""The papers' applications in short: the plane of sigma and gamma, one shape becoming another, distances between meshes."""

import importlib
import itertools
import json
import re
import signal

import numpy as np
import pytest
import trimesh
from conftest import REPOSITORY
from PIL import Image

from taichi_softras import Mesh

pytest.importorskip("torch", reason="these demos use torch")
pytest.importorskip("matplotlib", reason="these demos use matplotlib")


@pytest.fixture(autouse=True)
def beside_each_other(monkeypatch):
    """The demos import one another, as Python lets programs of one folder do."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "demos"))


def demo(name: str):
    return importlib.import_module(name)


def picture(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), np.float64) / 255


class TestSigmaGammaGrid:
    def test_softer_is_wider_and_farther_from_the_sharp_picture(self, run_demo, tmp_path, capsys):
        run_demo("sigma_gamma_grid", "--quick", "-o", "out", "--size", "48")
        table = json.loads((tmp_path / "out" / "metrics.json").read_text())["pictures"]
        by_sigma = [line for line in table if line["gamma"] == 1e-4]
        assert by_sigma[0]["area"] == pytest.approx(1.0, abs=0.01)
        for name in ("soft_pixels", "l1_to_sharp"):
            assert (np.diff([line[name] for line in by_sigma]) > 0).all(), name
        by_gamma = [line["l1_to_sharp"] for line in table if line["sigma"] == 1e-6]
        assert (np.diff(by_gamma) > 0).all()
        assert by_gamma[0] < 0.005
        shown = picture(tmp_path / "out" / "grid.png")
        assert shown.shape[0] > 4 * 48
        assert shown.shape[1] > 3 * 48
        assert "grid.png and metrics.json are in out" in capsys.readouterr().out

    def test_a_texture_shows(self, run_demo, tmp_path):
        corners = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
        texture = np.zeros((8, 8, 3), np.float32)
        texture[:, :4], texture[:, 4:] = (0.9, 0.1, 0.1), (0.1, 0.2, 0.9)
        Mesh(vertices=corners, faces=np.array([[0, 1, 2], [0, 2, 3]]), uvs=(corners[:, :2] + 1) / 2, texture=texture).save(tmp_path / "flag.glb")
        flat = ("--azimuth", "0", "--elevation", "0", "--sigmas", "1e-6", "--gammas", "1e-4", "--size", "64", "--samples", "1")
        run_demo("sigma_gamma_grid", "flag.glb", "-o", "out", *flat)
        low = picture(tmp_path / "out" / "grid.png")[-64:, -67:-3]
        np.testing.assert_allclose(low[32, 20], (0.9, 0.1, 0.1), atol=0.02)
        np.testing.assert_allclose(low[32, 44], (0.1, 0.2, 0.9), atol=0.02)

    def test_wrong_input(self, run_demo, tmp_path):
        with pytest.raises(ValueError, match="--size must be between 16 and 2048 and --samples between 1 and 8, got 3 and 1"):
            run_demo("sigma_gamma_grid", "--quick", "--size", "3")
        with pytest.raises(ValueError, match="sigma must be"):
            run_demo("sigma_gamma_grid", "--quick", "--sigmas", "-1")
        with pytest.raises(FileNotFoundError, match=r"there is no file nothing\.obj"):
            run_demo("sigma_gamma_grid", "nothing.obj")


class TestDistance:
    def test_to_a_box_whose_triangles_differ_in_size(self):
        """Against the formula of a box; triangles of sides 2 to 1/16."""
        box = trimesh.creation.box((2, 2, 2))
        vertices, faces = box.vertices, box.faces
        for _ in range(5):
            middles = np.array(vertices)[faces].mean(1)
            vertices, faces = trimesh.remesh.subdivide(vertices, faces, face_index=np.argsort(np.linalg.norm(middles - 1, axis=1))[:6])
        points = np.random.default_rng(0).uniform(-2.5, 2.5, (400, 3))
        q = np.abs(points) - 1
        true = np.where((q < 0).all(1), -q.max(1), np.linalg.norm(np.maximum(q, 0), axis=1))
        for size in (1.0, 1e-4):
            surface = Mesh(vertices=np.array(vertices) * size, faces=faces)
            np.testing.assert_allclose(demo("mesh_distance").distances(points * size, surface), true * size, atol=1e-6 * size)

    def test_figures_of_parallel_squares(self):
        measure = demo("mesh_distance").measure
        corners = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
        low, high = (Mesh(vertices=corners + np.array([0, 0, z]), faces=np.array([[0, 1, 2], [0, 2, 3]])) for z in (0.0, 0.1))
        for tolerance, score in ((0.11, 1.0), (0.09, 0.0)):
            figures = measure(low, high, tolerance, 500)
            assert figures["chamfer_distance"] == pytest.approx(0.1, abs=1e-6)
            assert figures["f_score"] == score
        points = measure(low, high, 0.11, 500, "points")
        assert points["chamfer_distance"] > 0.1
        assert points["f_score"] < 1

    def test_half_of_it_is_missing(self):
        """All of the half lies on the whole, half of the whole on the half."""
        corners = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
        whole, half = (Mesh(vertices=corners * [x, 1, 1], faces=np.array([[0, 1, 2], [0, 2, 3]])) for x in (1.0, 0.5))
        figures = demo("mesh_distance").measure(half, whole, 1e-3, 4000)
        assert figures["mesh_to_other"]["within"] == 1
        assert figures["other_to_mesh"]["within"] == pytest.approx(0.5, abs=0.03)
        assert figures["other_to_mesh"]["mean"] == pytest.approx(0.125, abs=0.01)
        assert figures["f_score"] == pytest.approx(2 / 3, abs=0.03)


class TestMeshDistance:
    def test_two_spheres(self, run_demo, tmp_path, capsys):
        Mesh.icosphere(3, 1.1).save(tmp_path / "large.ply")
        Mesh.icosphere(4, 1.0).save(tmp_path / "small.obj")
        run_demo("mesh_distance", "large.ply", "small.obj", "--quick", "-o", "out", "--tolerance", "0.05")
        metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
        assert metrics["chamfer_distance"] == pytest.approx(0.1, abs=0.006)
        assert metrics["f_score"] == 1
        colored = Mesh.load(tmp_path / "out" / "mesh.ply")
        assert len(colored.faces) >= 20_000
        assert colored.colors is not None
        quality = trimesh.load(tmp_path / "out" / "mesh.ply", process=False).metadata["_ply_raw"]["vertex"]["data"]["quality"]
        assert np.abs(quality.mean() - 0.1) < 0.006
        assert picture(tmp_path / "out" / "map.png").std() > 0.1
        assert f"{metrics['chamfer_distance']:.5f}" in capsys.readouterr().out

    def test_the_embedded_pair(self, run_demo, tmp_path):
        run_demo("mesh_distance", "--quick", "-o", "out", "--size", "40")
        metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
        assert 0.002 < metrics["chamfer_distance"] < 0.1
        assert metrics["other_to_mesh"]["max"] > metrics["mesh_to_other"]["max"] > 0  # what is missing is farther away than what is there

    def test_wrong_input(self, run_demo, tmp_path):
        Mesh.icosphere(1).save(tmp_path / "a.ply")
        Mesh(vertices=np.zeros((3, 3)), faces=np.array([[0, 1, 2]])).save(tmp_path / "nothing.obj")
        with pytest.raises(ValueError, match="two mesh files must be given, or none, got one"):
            run_demo("mesh_distance", "a.ply")
        with pytest.raises(ValueError, match="OTHER must have a surface, got triangles without area"):
            run_demo("mesh_distance", "a.ply", "nothing.obj")
        with pytest.raises(ValueError, match="--tolerance must be a share of the diagonal, between 0 and 1, got 2"):
            run_demo("mesh_distance", "a.ply", "a.ply", "--tolerance", "2")
        with pytest.raises(ValueError, match=r"OUT must be a folder, got the file a\.ply"):
            run_demo("mesh_distance", "-o", "a.ply")


class TestShapes:
    @pytest.mark.parametrize(("name", "spacing"), [("car", 0.05), ("airplane", 0.03)])
    def test_they_are_closed_like_a_sphere_and_smooth(self, name, spacing):
        module = demo("deformation")
        mesh = getattr(module, f"{name}_mesh")(spacing)
        solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        assert solid.is_watertight
        assert solid.is_winding_consistent
        assert solid.euler_number == 2
        assert solid.volume > 0.1
        assert np.linalg.norm(mesh.vertices, axis=1).max() == pytest.approx(1)
        assert len(np.unique(mesh.colors, axis=0)) >= 5
        assert np.percentile(solid.face_angles.min(1), 1) > np.radians(8)

    def test_a_ball_lies_on_its_surface(self):
        ball = demo("deformation").surface_nets(lambda p: np.linalg.norm(p - 0.1, axis=-1) - 0.7, (-1, -1, -1), (1, 1, 1), 0.11)
        np.testing.assert_allclose(np.linalg.norm(ball.vertices - 0.1, axis=1), 0.7, atol=1e-6)
        assert trimesh.Trimesh(ball.vertices, ball.faces, process=False).volume == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=0.03)


def coarse(module) -> None:
    """A sphere is divided once, not twice."""
    module.LARGEST = 6000


class TestDeformation:
    TINY = ("-o", "out", "--target", "target.ply", "--size", "32", "--views", "8", "--frames", "3")

    @pytest.fixture(autouse=True)
    def target(self, tmp_path):
        """A red egg, off the middle's height."""
        ball = Mesh.icosphere(2)
        Mesh(vertices=ball.vertices * [0.5, 0.5, 1.0], faces=ball.faces, colors=np.tile((0.8, 0.2, 0.1), (len(ball.vertices), 1))).save(tmp_path / "target.ply")

    @pytest.mark.parametrize(("recipe", "iou"), [("large_steps", 0.84), ("softras", 0.7)])
    def test_shape_and_colour_are_found(self, run_demo, tmp_path, capsys, recipe, iou):
        run_demo("deformation", *self.TINY, "--recipe", recipe, "--steps", "45", prepare=coarse)
        table = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"]["sphere_to_target"]
        assert table["before"]["iou"] < 0.68
        assert table["after"]["iou"] > iou
        assert table["after"]["chamfer"] < table["before"]["chamfer"]
        assert table["after"]["color_l1"] < table["before"]["color_l1"] / 2
        folder = tmp_path / "out" / "sphere_to_target"
        assert Mesh.load(folder / "result.glb").colors is not None
        with Image.open(folder / "deformation.gif") as film:
            assert film.n_frames >= 4
        assert picture(folder / "sheet.png").std() > 0.1
        assert re.search(rf"sphere_to_target, after +{table['after']['iou']:.4f}", capsys.readouterr().out)

    def test_it_goes_on_after_an_interruption(self, run_demo, tmp_path):
        """Interrupted after every third step, and over a division of the mesh: the same as without a break."""

        def interrupt_after_three(module):
            coarse(module)
            step, calls = module.Deformation.step, itertools.count(1)

            def counting(fit):
                if next(calls) == 3:
                    signal.raise_signal(signal.SIGINT)  # Ctrl-C
                return step(fit)

            module.Deformation.step = counting

        run_demo("deformation", *self.TINY, "--steps", "8", prepare=coarse)
        with np.load(tmp_path / "out" / "sphere_to_target" / "state.npz") as file:
            whole = dict(file)
        (tmp_path / "out").rename(tmp_path / "whole")
        for _ in range(2):
            with pytest.raises(SystemExit, match="interrupted; the same command goes on"):
                run_demo("deformation", *self.TINY, "--steps", "8", prepare=interrupt_after_three)
        run_demo("deformation", *self.TINY, "--steps", "8", prepare=coarse)
        with np.load(tmp_path / "out" / "sphere_to_target" / "state.npz") as file:
            parts = dict(file)
        assert set(whole) == set(parts)
        np.testing.assert_allclose(parts["vertices"], whole["vertices"], atol=1e-4)
        np.testing.assert_allclose(parts["colors"], whole["colors"], atol=1e-3)
        facts = [json.loads(str(state["facts"])) for state in (whole, parts)]
        assert facts[0]["random"] == facts[1]["random"]
        np.testing.assert_allclose(facts[0]["losses"], facts[1]["losses"], rtol=1e-3)

    def test_a_checkpoint_of_another_run(self, run_demo, tmp_path):
        run_demo("deformation", *self.TINY, "--steps", "2")
        with pytest.raises(ValueError, match=r"must be a checkpoint of this run .* one of another source, target or recipe"):
            run_demo("deformation", *self.TINY, "--steps", "3")
        (tmp_path / "out" / "sphere_to_target" / "state.npz").write_bytes(b"no checkpoint")
        with pytest.raises(ValueError, match="must be a checkpoint of this run"):
            run_demo("deformation", *self.TINY, "--steps", "2")

    def test_wrong_input(self, run_demo):
        with pytest.raises(ValueError, match="--target must be given with --source, got none"):
            run_demo("deformation", "--source", "target.ply")
        with pytest.raises(ValueError, match="--steps must be between 2 and 1000000, got 1"):
            run_demo("deformation", *self.TINY, "--steps", "1")
