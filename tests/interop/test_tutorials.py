"""The calls of PyTorch3D's four mesh tutorials, in order, small, through ``stand_in()``.

Plan: the scripts in ``tutorials/`` begin as a user's would, with ``from pytorch3d...``; each runs once, in a folder with the small files that it reads, and
what it leaves is looked at: losses fall below a bound, pictures show what they should, the mesh that is written is that which was fitted.
"""

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from taichi_softras import Mesh
from taichi_softras.interop import pytorch3d as p3d

FOLDER = Path(__file__).parent / "tutorials"


@pytest.fixture(autouse=True)
def _standing_in():
    """Within this file only."""
    p3d.stand_in()
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "pytorch3d"]:
        del sys.modules[name]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a script, in a folder with what it reads, and gives its variables."""
    monkeypatch.chdir(tmp_path)
    target = trimesh.creation.torus(1.0, 0.5, major_sections=12, minor_sections=8)
    Mesh(vertices=target.vertices * [1.0, 0.6, 0.8] + [0.3, 0, 0], faces=target.faces).save("target.obj")
    sphere = trimesh.creation.uv_sphere(count=[8, 12])
    around = np.arctan2(sphere.vertices[:, 1], sphere.vertices[:, 0]) / (2 * np.pi) % 1
    uvs = np.stack([around, (sphere.vertices[:, 2] + 1) / 2], 1)
    picture = np.zeros((8, 8, 3), np.float32)
    picture[:4, :, 0] = picture[4:, :, 2] = 1  # red above, blue below
    Mesh(vertices=sphere.vertices * [1.2, 0.8, 0.9], faces=sphere.faces, uvs=uvs, texture=picture).save("textured.obj")

    def runs(name: str) -> dict[str, Any]:
        return runpy.run_path(str(FOLDER / f"{name}.py"))

    return runs


def mean_of_last(values: list[float], n: int = 5) -> float:
    return float(np.mean(values[-n:]))


def test_deform_source_mesh_to_target_mesh(run, tmp_path):
    found = run("deform_source_mesh_to_target_mesh")
    chamfer = found["losses"]["chamfer"]
    assert mean_of_last(chamfer) < 0.1 * chamfer[0]
    assert mean_of_last(found["losses"]["edge"]) < found["losses"]["edge"][0]
    written = Mesh.load(tmp_path / "final_model.obj")
    np.testing.assert_allclose(written.vertices, found["final_verts"].detach(), atol=1e-6)
    np.testing.assert_array_equal(written.faces, found["final_faces"])


def test_render_textured_meshes(run):
    found = run("render_textured_meshes")
    assert found["texture_image"].shape == (8, 8, 3)
    lit, from_behind, green = (found[name][0, ..., :3] for name in ("lit", "from_behind", "green"))
    seen = found["lit"][0, ..., 3] > 0.5
    assert 0.15 < seen.float().mean() < 0.5
    assert lit[seen].mean() > 1.3 * from_behind[seen].mean()
    assert green[..., 1][found["green"][0, ..., 3] > 0.5].max() > 0.1 > lit[..., 1][seen].min()
    assert found["around"].shape == (4, 32, 32, 4)
    np.testing.assert_allclose(found["around"][0], found["lit"][0], atol=0.3)
    assert (found["around"][..., 3] > 0.5).mean((1, 2)).min() > 0.15
    assert len(found["mesh_4"]) == 4


def test_fit_textured_mesh(run, tmp_path):
    found = run("fit_textured_mesh")
    silhouette, rgb = found["of_shape"]["silhouette"]["values"], found["losses"]["rgb"]["values"]
    assert mean_of_last(silhouette) < 0.3 * silhouette[0]
    assert mean_of_last(rgb) < 0.5 * rgb[0]
    assert found["sphere_verts_rgb"].grad.abs().max() > 0
    written = Mesh.load(tmp_path / "final_model.obj")
    np.testing.assert_allclose(written.vertices, found["final_verts"].detach(), atol=1e-6)


def test_camera_position_optimization(run):
    found = run("camera_position_optimization")
    losses = found["losses"]
    assert mean_of_last(losses) < 0.1 * losses[0]
    seen = found["silhouette"][0, ..., 3] > 0.5
    assert 0.05 < seen.mean() < 0.5
    assert (seen == (found["image_ref"][0, ..., :3].max(-1) != 1)).mean() > 0.97


def test_plot_textured_meshes(run):
    pytest.importorskip("plotly")
    found = run("plot_textured_meshes")
    assert len(found["figures"]) == 6
    white, plain, *_, four = found["figures"]
    for figure in (white, plain):
        shown = next(trace for trace in figure.data if trace.type == "mesh3d")
        np.testing.assert_allclose(np.stack([shown.x, shown.y, shown.z], 1), found["verts"], atol=1e-6)
    assert sum(trace.type == "mesh3d" for trace in four.data) == 4
