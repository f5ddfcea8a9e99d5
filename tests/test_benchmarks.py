"""The benchmark program: that it runs, that it counts right, and that its dense yardstick is the same mathematics as the renderer."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from benchmarks import __main__ as benchmarks
from benchmarks import dense, machine, rows
from benchmarks.pairs import pairs_in_reach
from scenes import IMAGE_SIZE, SMOOTH, relative_error, screen_scene

from taichi_softras import RasterizeSettings
from taichi_softras.interop import rasterize

SHARP = RasterizeSettings(sigma=1e-3, gamma=1e-2, near=0.5, far=10.0)


@pytest.mark.usefixtures("one_lane")
class TestDense:
    @pytest.mark.parametrize("settings", [SMOOTH, SHARP], ids=["smooth", "sharp"])
    @pytest.mark.parametrize("pairs_at_once", [1 << 20, 200], ids=["whole", "chunks"])
    def test_values_and_gradients_are_ours(self, settings, pairs_at_once, monkeypatch):
        monkeypatch.setattr(dense, "PAIRS_AT_ONCE", pairs_at_once)
        scene = screen_scene(31)
        rng, results = np.random.default_rng(0), []
        mixture = [torch.tensor(rng.normal(size=(2, *IMAGE_SIZE, *channels))) for channels in ((), (3,), ())]
        for render in (self.ours, dense.rasterize):
            inputs = [torch.tensor(values, requires_grad=True) for values in (scene.vertices, scene.features, scene.background)]
            vertices, features, background = inputs
            image = render(vertices, scene.topology, features, background, settings, IMAGE_SIZE)
            outputs = [image.alpha, image.color, image.depth]
            sum((a * b).sum() for a, b in zip(mixture, outputs, strict=True)).backward()
            results.append([tensor.detach().numpy() for tensor in outputs] + [tensor.grad.numpy() for tensor in inputs])
        for ours, its in zip(*results, strict=True):
            assert relative_error(its, ours) < 1e-9

    def test_silhouette_alone(self):
        scene = screen_scene(32)
        vertices = torch.tensor(scene.vertices)
        image = dense.rasterize(vertices, scene.topology, None, None, SMOOTH, IMAGE_SIZE)
        assert image.color is None
        assert image.depth is None
        alpha = dense.rasterize(vertices, scene.topology, torch.tensor(scene.features), torch.tensor(scene.background), SMOOTH, IMAGE_SIZE).alpha
        np.testing.assert_array_equal(image.alpha, alpha)

    @staticmethod
    def ours(vertices, topology, features, background, settings, image_size):
        return rasterize(vertices, topology, features, background=background, settings=settings, image_size=image_size)


class TestPairs:
    def test_counted_by_their_coverage(self, monkeypatch):
        """A pair is in reach where the dense rasteriser sees a coverage; whatever the chunks."""
        scene = rows.scene_of(rows.Row(group="", faces=100, size=20, sigma=1e-3, batch=3))
        corners = torch.tensor(scene.vertices_screen[scene.faces])
        distance_sq, inside, _ = dense.locate(*dense.pixel_centres(20, 20, corners), corners[:, :, :2])
        expected = 3 * int((inside | (distance_sq < scene.settings.reach**2)).sum())
        assert pairs_in_reach(scene) == expected
        monkeypatch.setattr("benchmarks.pairs.CANDIDATES_AT_ONCE", 500)
        assert pairs_in_reach(scene) == expected

    def test_faces_beside_the_image(self):
        scene = rows.scene_of(rows.Row(group="", faces=100, size=20))
        assert pairs_in_reach(replace(scene, vertices_screen=scene.vertices_screen + np.array([5.0, 0.0, 0.0]))) == 0


class TestSphere:
    @pytest.mark.parametrize("n_faces", [320, 500, 2420])
    def test_is_closed_and_looks_outwards(self, n_faces):
        vertices, faces = rows.sphere(n_faces)
        mesh = trimesh.Trimesh(vertices, faces, process=False)
        assert len(faces) == n_faces
        assert mesh.is_watertight
        assert mesh.volume == pytest.approx(4 / 3 * np.pi * rows.RADIUS**3, rel=0.05)
        np.testing.assert_allclose(np.linalg.norm(vertices, axis=1), rows.RADIUS)


class TestProgram:
    def test_smallest_rows(self, capsys):
        benchmarks.main(["--rows", "batch-320-64", "--quick", "--repeats", "1"])
        printed = capsys.readouterr().out
        table = [line for line in printed.splitlines() if line.startswith("|")]
        headings, rule, row = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
        assert all(re.fullmatch("-+:", cell) for cell in rule)
        cells = dict(zip(headings, row, strict=True))
        assert cells["row"] == "batch-320-64"
        assert cells["faces"] == "320"
        forward, backward, total = (float(cells[name]) for name in ("forward ms", "backward ms", "total ms"))
        assert total == pytest.approx(forward + backward, abs=0.02 + 1e-3 * total)
        assert 0 < float(cells["ours/dense"]) < 1
        assert "GFLOP/s" in printed

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--rows", "nothing"], "--rows: no row or group is called nothing"),
            (["--repeats", "0"], "--repeats: must be at least 1, got 0"),
            (["--quick", "--peer", "nvdiffrast"], "--peer nvdiffrast: "),
        ],
    )
    def test_wrong_arguments(self, arguments, sentence, capsys):
        with pytest.raises(SystemExit):
            benchmarks.main(arguments)
        assert sentence in capsys.readouterr().err

    def test_names_are_unique(self):
        names = [row.name for row in rows.ROWS]
        assert len(set(names)) == len(names)
        assert {row.name for row in rows.chosen(["S-1280-64"], quick=False)} == {"S-1280-64"}
        assert len(rows.chosen(["S"], quick=False)) == 8


def test_peak_memory():
    peak = machine.peak_memory(lambda: np.ones(4 << 20).sum())
    if peak is None:
        pytest.skip("this system does not tell a process's peak of memory")
    assert 31 << 20 <= peak < 48 << 20  # the system counts in lots of pages
