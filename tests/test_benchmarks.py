"""The benchmark program: that it runs, and that it counts right."""

import importlib
import re
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from benchmarks import __main__ as benchmarks
from benchmarks import files, geometry, machine, rows
from benchmarks.pairs import pairs_in_reach
from conftest import REPOSITORY

from taichi_softras.interop import dense


class TestPairs:
    def test_counted_by_their_coverage(self, monkeypatch):
        """A pair is in reach where the dense rasteriser sees a coverage; whatever the chunks."""
        scene = rows.scene_of(rows.Row(group="", faces=100, size=20, sigma=1e-3, batch=3))
        corners = torch.tensor(scene.vertices_screen[scene.faces])
        distance_sq, inside, _, _ = dense.locate(dense.pixel_centres(20, 20, corners), corners[:, :, :2], scene.settings)
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


class TestAgainst:
    def test_this_build_and_itself(self, capsys):
        benchmarks.main(["--against", str(REPOSITORY), "--rows", "render 1,280 at 64", "--repeats", "1"])
        table = [line.strip("|").split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
        assert [row[0].strip() for row in table] == ["what a user does", "render 1,280 at 64", "tape: render 1,280 at 64"]
        assert all(0.1 < float(row[3]) < 10 for row in table[1:])

    def test_what_is_no_checkout_is_refused(self, tmp_path, capsys):
        with pytest.raises(SystemExit):
            benchmarks.main(["--against", str(tmp_path)])
        assert "must be a checkout of taichi_softras, or taichi or quadrants or passive, got" in capsys.readouterr().err

    def test_a_runtime_that_is_not_installed(self, capsys, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "quadrants" else name)
        with pytest.raises(SystemExit):
            benchmarks.main(["--against", "quadrants"])
        assert "both runtimes must be installed, got no quadrants" in capsys.readouterr().err


class TestFiles:
    def test_prints_a_table(self, capsys, monkeypatch):
        monkeypatch.chdir(REPOSITORY)
        files.main(["--faces", "200", "--repeats", "1"])
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[4:]]
        assert [row[0] for row in rows] == ["OBJ", "OBJ with vt", "PLY", "GLB"]
        assert not any(float(cell) < 0 for row in rows for cell in row[1:])


class TestGeometry:
    def test_both_compute_the_same(self, capsys):
        """A hundredth of the points; the last column has the differences, where both see the same points."""
        geometry.main(["--scale", "0.01", "--repeats", "1", "--threads", "1"])
        rows_of_table = [line.strip("|").split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("| `") or line.startswith("| the")]
        assert [row[0].strip() for row in rows_of_table[:2]] == ["`chamfer_distance`, 2 x 100 points", "the same, naive"]
        assert all(float(row[-1]) < 1e-6 for row in rows_of_table[:2])
        assert all(float(cell) > 0 for row in rows_of_table for cell in row[1:7])


class TestDifferences:
    """Where PyTorch3D is installed it is compared with our drop-in for it; here the drop-in with a fault stands for it."""

    def test_a_fault_is_seen(self, monkeypatch, capsys):
        rasterize_meshes = importlib.import_module("taichi_softras.interop.pytorch3d.renderer.mesh.rasterize_meshes")
        from benchmarks import peers

        from taichi_softras.interop import pytorch3d

        fault = 0.0
        blending = types.ModuleType("blending")
        blending.__dict__.update({name: getattr(pytorch3d.renderer.blending, name) for name in ("BlendParams", "sigmoid_alpha_blend")})
        blending.softmax_rgb_blend = lambda *given, **more: pytorch3d.renderer.blending.softmax_rgb_blend(*given, **more) * (1 + fault)
        modules = {
            "other.renderer.blending": blending,
            "other.renderer.mesh.rasterize_meshes": rasterize_meshes,
            "other.ops": pytorch3d.ops,
            "other.renderer.mesh.rasterizer": pytorch3d.renderer.mesh.rasterizer,
            "other.structures": pytorch3d.structures,
        }
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setitem(peers.COMPARED, "other", "taichi_softras.interop.pytorch3d")
        row = rows.chosen(["batch-320-64"], True)
        assert peers.difference("other", rows.scene_of(row[0]), "cpu") == (0.0, 0.0)
        fault = 1e-3
        benchmarks.print_differences(row, ["nvdiffrast", "other"], "cpu")
        said = capsys.readouterr().out
        picture, gradient = (float(cell) for cell in said.splitlines()[-1].split("|")[2:4])
        assert 5e-4 < picture < 2e-3
        assert 5e-4 < gradient < 2e-3
        assert "largest difference between other and our drop-in" in said
        assert "nvdiffrast" not in said
