"""The viewer without a window: what it shows, picks, recovers and exports; the command in processes without a display.

Plan: the views of a small mesh against what they mean (the coverage of a face against SoftRas's formula in NumPy); every task lowers its loss; the windows
themselves are tested in `test_viewer_window.py`.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image
from reference import barycentric, closest_on_outline, pixel_centres

from taichi_softras import Mesh
from taichi_softras.app import cli as command
from taichi_softras.app import main
from taichi_softras.runtime import has_display
from taichi_softras.scene import creature
from taichi_softras.viewer import Model, Orbit, Scene, View
from taichi_softras.viewer import optimise as optimise_module
from taichi_softras.viewer.controls import Controls
from taichi_softras.viewer.model import Refinement
from taichi_softras.viewer.optimise import Loss, Optimisation, Task, load_views, starting_mesh, views_of, with_vertex_colors

SIZE = (40, 56)


@pytest.fixture
def scene() -> Scene:
    return Scene(creature(2))


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    """Of what is recovered: the tests are about descent, not about detail."""
    monkeypatch.setattr(optimise_module.views_of, "__defaults__", (32, 6))


def textured_square() -> Mesh:
    """In the plane z = 0, facing +z: the left half of its picture is red, the right half blue."""
    picture = np.zeros((8, 8, 3), np.float32)
    picture[:, :4, 0], picture[:, 4:, 2] = 1, 1
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return Mesh(vertices=np.c_[corners, np.zeros(4)], faces=faces, uvs=(corners + 1) / 2, texture=picture)


class TestViews:
    def test_each_shows_something_of_its_own(self, scene):
        scene.face = scene.pick(0.5, 0.5, SIZE)
        scene.magnitudes = np.abs(scene.mesh.vertices[:, 1])
        pictures = {}
        for view in View:
            scene.look.view = view
            assert scene.compiles
            pictures[view] = scene.render(SIZE)
            assert not scene.compiles
            assert pictures[view].shape == (*SIZE, 3)
            assert pictures[view].std() > 0.05
            assert np.ptp(pictures[view][0, 0]) < 0.1  # background
        for a in View:
            for b in View:
                assert a is b or np.abs(pictures[a] - pictures[b]).mean() > 0.01

    def test_sigma_softens_alpha(self, scene):
        scene.look.view = View.ALPHA
        partly = []
        for scene.look.sigma in (1e-7, 1e-2):
            alpha = scene.render(SIZE)[..., 0]
            partly.append(((alpha > 0.02) & (alpha < 0.98)).sum())
        assert partly[1] > 3 * partly[0]

    def test_an_open_surface_is_opaque(self):
        """As long as no softness is asked for, at rest and in what the headless command saves."""
        x = np.linspace(-1, 1, 9)
        vertices = np.stack([*np.meshgrid(x, x), np.zeros((9, 9))], -1).reshape(-1, 3)
        corner = (np.arange(8)[:, None] * 9 + np.arange(8)).ravel()
        faces = np.concatenate([np.stack([corner, corner + 1, corner + 10], 1), np.stack([corner, corner + 10, corner + 9], 1)])
        model = Model(Mesh(vertices=vertices, faces=faces))
        scene = model.scene
        scene.look.view, scene.orbit.azimuth, scene.orbit.elevation = View.ALPHA, 20.0, 10.0
        inside = np.s_[12:28, 20:36]
        assert model.best_frame(*SIZE)[inside].min() > 250
        for scene.look.sigma, low, high in ((1e-7, 1, 1), (1e-4, 0, 0.99)):
            assert low <= scene.render(SIZE)[inside].min() <= high

    def test_light_comes_from_where_it_stands(self):
        """Of a sphere, seen from the eye."""
        scene = Scene(Mesh.icosphere(3))
        look = scene.look
        look.ambient, look.light, look.light_elevation = 0.0, 1.0, 0.0
        halves = []
        for look.light_azimuth in (60.0, -60.0):
            picture = scene.render((40, 40)).mean(-1)
            halves.append((picture[:, :20].mean(), picture[:, 20:].mean()))
        assert halves[0][1] > 1.3 * halves[0][0]
        assert halves[1][0] > 1.3 * halves[1][1]

    def test_texture_under_light(self):
        scene = Scene(textured_square())
        scene.orbit = Orbit(azimuth=0.0, elevation=0.0)
        scene.look.light_azimuth = scene.look.light_elevation = 0.0
        scene.look.ambient, scene.look.light = 0.0, 0.7
        picture = scene.render((32, 32))
        np.testing.assert_allclose(picture[16, 12], [0.7, 0, 0], atol=0.02)
        np.testing.assert_allclose(picture[16, 20], [0, 0, 0.7], atol=0.02)

    def test_depth_is_lighter_where_it_is_nearer(self):
        scene = Scene(Mesh.icosphere(3))
        scene.look.view = View.DEPTH
        picture = scene.render((40, 40)).sum(-1)
        assert picture[20, 20] > picture[20, 3] + 0.2

    def test_normals_are_colours(self):
        scene = Scene(textured_square())
        scene.orbit, scene.look.view = Orbit(azimuth=0.0, elevation=0.0), View.NORMALS
        np.testing.assert_allclose(scene.render((32, 32))[16, 16], [0.5, 0.5, 1.0], atol=0.02)

    def test_coverage_is_that_of_the_formula(self, scene):
        """SoftRas eq. 1, of one face: sigmoid(sign d^2/sigma)."""
        scene.look.sigma = 3e-3
        face = scene.pick(0.5, 0.5, SIZE)
        camera = scene.orbit.camera
        in_camera = scene.mesh.vertices[scene.mesh.faces[face]] @ camera.camera_from_world[0, :, :3].T + camera.camera_from_world[0, :, 3]
        triangle = camera.intrinsics[0, 0] * in_camera[:, :2] / -in_camera[:, 2:]
        pixels = pixel_centres(*SIZE)
        distance, _ = closest_on_outline(pixels, triangle)
        sign = np.where((barycentric(pixels, triangle) > 0).all(-1), 1, -1)
        expected = 1 / (1 + np.exp(np.minimum(-sign * distance**2 / 3e-3, 80)))
        expected[expected < 1e-4] = 0
        np.testing.assert_allclose(scene.coverage_of(face, SIZE), expected, atol=1e-4)

    def test_what_is_no_number_is_magenta(self, scene, monkeypatch):
        scene.magnitudes = np.full(len(scene.mesh.vertices), np.nan)
        scene.look.view = View.GRADIENT
        red, green, blue = scene.render(SIZE)[20, 28]
        assert red == blue > 0.2
        assert green < 0.01
        monkeypatch.setattr(scene, "_over_background", lambda image: np.full((*SIZE, 3), np.nan))
        np.testing.assert_array_equal(scene.render(SIZE)[20, 28], [1, 0, 1])

    def test_gradient_needs_one(self, scene):
        scene.look.view = View.GRADIENT
        with pytest.raises(RuntimeError, match="magnitudes"):
            scene.render(SIZE)

    def test_wireframe_draws_what_is_not_hidden(self):
        """A small square behind a large one adds no line; before it, it does."""
        large = textured_square()
        both = []
        for z in (-0.5, 0.5):
            small = large.vertices * 0.3 + [0, 0, z]
            mesh = Mesh(vertices=np.r_[large.vertices, small], faces=np.r_[large.faces, large.faces + 4], colors=np.ones((8, 3)))
            scene = Scene(mesh)
            scene.orbit = Orbit(azimuth=0.0, elevation=0.0, distance=4.0)
            plain = scene.render((64, 64))
            scene.look.wireframe = True
            darkened = (plain - scene.render((64, 64))).max(-1) > 0.2
            both.append(darkened[20:44, 20:44].sum())
        assert 5 < both[0] < 30  # the diagonal of the large one
        assert both[1] > 3 * both[0]


class TestPick:
    def test_the_nearest_face_under_the_cursor(self, scene):
        """Against a ray through the cursor, cut with every triangle."""
        camera, found = scene.orbit.camera, 0
        for x, y in ((0.5, 0.5), (0.42, 0.6), (0.58, 0.4), (0.5, 0.3)):
            height, width = 101, 141
            x, y = (int(x * width) + 0.5) / width, 1 - (int((1 - y) * height) + 0.5) / height
            screen = np.array([(2 * x - 1) * width / height, 2 * y - 1])
            ray = np.array([*(screen / camera.intrinsics[0, 0]), -1.0]) @ camera.camera_from_world[0, :, :3]
            hits = {}
            for i, (a, b, c) in enumerate(scene.mesh.vertices[scene.mesh.faces].astype(np.float64)):
                system = np.stack([b - a, c - a, -ray], 1)
                if abs(np.linalg.det(system)) > 1e-12:
                    u, v, t = np.linalg.solve(system, camera.eye[0] - a)
                    if u >= 0 and v >= 0 and u + v <= 1 and t > 0:
                        hits[i] = t
            expected = min(hits, key=hits.get) if hits else -1
            found += expected >= 0
            assert scene.pick(x, y, (height, width)) == expected
        assert found >= 3

    @pytest.mark.parametrize("place", [(0.01, 0.01), (-0.2, 0.5), (1.3, 0.5)])
    def test_nothing_there(self, scene, place):
        assert scene.pick(*place, SIZE) == -1

    def test_hovering_chooses_the_face(self):
        model = Model(creature(2))
        model.hover(0.5, 0.5, *SIZE)
        assert model.scene.face == -1
        model.scene.look.view = View.COVERAGE
        model.hover(0.5, 0.5, *SIZE)
        face = model.scene.face
        assert face >= 0
        assert model.refinement.next() is not None
        model.hover(0.01, 0.01, *SIZE)
        assert model.scene.face == face


class TestOrbit:
    def test_pan_keeps_the_target_under_the_hand(self):
        orbit = Orbit(target=np.array([0.2, -0.1, 0.3]))
        before = orbit.target
        orbit.pan(0.25, -0.1)
        camera = orbit.camera
        in_camera = camera.camera_from_world[0] @ np.append(before, 1)
        screen = camera.intrinsics[0, 0] * in_camera[:2] / -in_camera[2]
        np.testing.assert_allclose(screen, [0.5, -0.2], atol=1e-9)  # the shorter side spans 2

    def test_turn_and_zoom_stay_within_bounds(self):
        orbit = Orbit()
        orbit.turn(0.1, 5.0)
        assert orbit.elevation == -89.0
        orbit.zoom(100.0)
        assert orbit.distance == 0.3

    def test_all_of_a_mesh_is_seen(self):
        mesh = replace(creature(2), vertices=creature(2).vertices * 30 + 100)
        scene = Scene(mesh)
        scene.look.view = View.ALPHA
        alpha = scene.render((48, 48))[..., 0]
        assert alpha.mean() > 0.1
        assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) < 0.5


class TestRefinement:
    def test_coarse_while_moving_fine_at_rest(self):
        now = [0.0]
        refinement = Refinement(moving=0.05, resting=1.0, clock=lambda: now[0])
        drawn = []
        for step in range(60):
            now[0] += 0.05
            if step < 20:
                refinement.touch()
            scale = refinement.next()
            if scale is not None:
                refinement.measured(scale, 0.4 * scale**2)
                drawn.append(scale)
        assert max(drawn[:20]) == 0.25  # 0.4 * 0.375^2 is slower than 0.05
        assert drawn[20:] == [0.375, 0.5, 0.75, 1.0]  # four samples would take more than a second
        assert refinement.next() is None

    def test_samples_come_one_by_one(self):
        """All four if there is time for them; what moves meanwhile does not wait for the others."""
        now = [0.0]
        refinement = Refinement(moving=0.05, resting=1.0, clock=lambda: now[0])
        now[0] = 1.0
        for _ in range(2):
            refinement.touch()
            now[0] += 1.0
            taken = []
            while (scale := refinement.next()) is not None and taken[-2:] != [0, 1]:
                taken.append(refinement.sample)
                refinement.measured(scale, 0.2 * scale**2)
            assert taken[-3:] == [None, 0, 1]
        while (scale := refinement.next()) is not None:
            taken.append(refinement.sample)
            refinement.measured(scale, 3.0)  # of the others nobody asks any more
        assert taken[-4:] == [0, 1, 2, 3]

    def test_gives_way_to_slow_pictures(self):
        refinement = Refinement(moving=0.05)
        for seconds in (1.0, 0.2, 0.1):
            refinement.touch()
            refinement.measured(refinement.next(), seconds)
        refinement.touch()
        assert refinement.next() == Refinement.SCALES[0]

    def test_frame_is_drawn_once_and_refined(self):
        model = Model(creature(2))
        model.refinement = Refinement(resting=60.0)  # whatever else this machine does
        sizes = []
        model.frame(*SIZE)
        for _ in range(14):
            assert model.frame(*SIZE).shape == (*SIZE, 3)
            sizes.append(model.drawn)
            model.refinement._moved -= 1.0
        assert sizes[0] != sizes[-1] == SIZE
        assert model.samples == 4
        assert model.refinement.next() is None
        np.testing.assert_array_equal(model.frame(*SIZE), model.best_frame(*SIZE))

    @pytest.mark.parametrize("view", [View.COLOR, View.NORMALS])
    def test_samples_are_those_of_a_larger_picture(self, view):
        """Of twice the size: each of its pixels is one of the four, so that their mean is the same."""
        model = Model(creature(2))
        model.scene.look.view = view
        larger = model.scene.render((2 * SIZE[0], 2 * SIZE[1])).reshape(SIZE[0], 2, SIZE[1], 2, 3).mean((1, 3))
        assert np.abs(model.best_frame(*SIZE) / 255 - larger).max() < 0.01
        alone = model.scene.render(SIZE)
        assert np.abs(alone - larger).max() > 0.1


class TestOptimisation:
    @pytest.mark.parametrize("task", list(Task))
    def test_lowers_its_loss(self, task):
        model = Model(creature(2))
        model.task = task
        for _ in range(30):
            assert np.isfinite(model.step())
        losses = model.optimisation.losses
        assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
        assert model.scene.mesh is model.optimisation.mesh

    def test_pose_is_recovered(self):
        mesh = creature(2)
        views = views_of(mesh)
        start = starting_mesh(Task.POSE, mesh, views)
        model = Model(mesh)
        model.task = Task.POSE
        for _ in range(60):
            model.step()
        before, after = (np.linalg.norm(m.vertices - mesh.vertices, axis=1).mean() for m in (start, model.scene.mesh))
        assert before > 0.3
        assert after < 0.4 * before

    def test_towards_another_mesh(self):
        """Task after task goes on from the mesh that is shown."""
        mesh = creature(2)
        model = Model(mesh, replace(mesh, vertices=mesh.vertices * [1.0, 0.6, 1.0]))
        model.task = Task.SHAPE
        for _ in range(40):
            model.step()
        flattened = model.scene.mesh.vertices[:, 1].std()
        assert flattened < 0.85 * mesh.vertices[:, 1].std()
        model.task = Task.COLOR
        model.step()
        assert model.scene.mesh.vertices[:, 1].std() == pytest.approx(flattened)

    def test_towards_a_folder(self, tmp_path):
        views_of(creature(2)).save(tmp_path, "train")
        views = load_views(tmp_path)
        assert len(views) == 6
        optimisation = Optimisation(Task.SHAPE, Mesh.icosphere(2), views, Scene(Mesh.icosphere(2)).settings)
        optimisation.settings = replace(optimisation.settings, sigma=1e-3, gamma=1e-3)
        losses = [optimisation.step() for _ in range(20)]
        assert losses[-1] < 0.9 * losses[0]

    def test_step_pause_and_reset(self):
        model = Model(creature(2))
        controls = Controls(model)
        controls.press(" ")
        assert model.running
        controls.press(" ")
        assert not model.running
        controls.press("n")
        controls.press("n")
        assert len(model.optimisation.losses) == 2
        assert model.scene.mesh is not model.start
        controls.press("r")
        assert model.optimisation is None
        assert model.scene.mesh is model.start

    def test_a_step_that_fails_pauses(self, monkeypatch):
        model = Model(creature(2))
        model.running = True
        gradients = (1.0, np.full((2562, 3), np.nan), np.zeros((2562, 3)))
        monkeypatch.setattr(Optimisation, "_gradients", lambda *_: gradients)
        assert np.isnan(model.step())
        assert not model.running
        assert "not finite" in model.message

    @pytest.mark.parametrize("loss", list(Loss))
    def test_gradient_is_shown(self, loss):
        model = Model(creature(2))
        model.scene.look.view, model.task, model.loss = View.GRADIENT, Task.POSE, loss
        assert model.compiles
        model.best_frame(*SIZE)
        magnitudes = model.scene.magnitudes
        assert magnitudes.shape == (len(model.scene.mesh.vertices),)
        assert (magnitudes > 0).mean() > 0.2
        assert not model.compiles or model.scene.compiles

    def test_plot_and_help_are_in_the_picture(self):
        model = Model(creature(2))
        plain = model.best_frame(200, 300)
        model.help = True
        with_help = model.best_frame(200, 300)
        assert np.abs(with_help[:100].astype(int) - plain[:100]).mean() > 5
        model.help, model.task = False, Task.POSE
        model.begin()
        plain = model.best_frame(200, 300)
        model.optimisation.losses += [1.0, 0.5, 0.25]
        plotted = model.best_frame(200, 300)
        assert np.abs(plotted[130:, :200].astype(int) - plain[130:, :200]).mean() > 3

    def test_texture_becomes_colours(self):
        colors = with_vertex_colors(textured_square()).colors
        np.testing.assert_array_equal(colors[0], [1, 0, 0])
        assert with_vertex_colors(Mesh.icosphere(1)).colors.min() == 0.5


class TestControls:
    def test_drags(self):
        model = Model(creature(2))
        controls, orbit = Controls(model), model.scene.orbit
        controls.size = (100, 200)
        azimuth, distance, target = orbit.azimuth, orbit.distance, orbit.target
        for held in (["LMB"], ["RMB"], ["MMB"], ["LMB", "Shift"], ["LMB", "Control"]):
            controls.follow(50, 50, [])
            controls.follow(50, 50, held)
            controls.follow(60, 70, held)
            controls.follow(60, 70, [])
            changed = (orbit.azimuth != azimuth, orbit.distance != distance, (orbit.target != target).any())
            expected = {"RMB": 2, "MMB": 1}.get(held[0], {"Shift": 2, "Control": 1}.get(held[-1], 0))
            assert changed == tuple(i == expected for i in range(3))
            azimuth, distance, target = orbit.azimuth, orbit.distance, orbit.target

    def test_a_drag_that_begins_on_the_panel_is_not_ours(self):
        model = Model(creature(2))
        controls = Controls(model)
        controls.size = (100, 200)
        azimuth = model.scene.orbit.azimuth
        controls.follow(210, 50, ["LMB"])
        controls.follow(100, 50, ["LMB"])
        assert model.scene.orbit.azimuth == azimuth

    def test_keys(self):
        model = Model(creature(2))
        controls, look = Controls(model), model.scene.look
        for i, view in enumerate(View):
            controls.press(str(i + 1))
            assert look.view is view
        controls.press("w"), controls.press("h"), controls.press("="), controls.press("Left"), controls.press("F12")
        assert look.wireframe
        assert model.help
        assert model.scene.orbit.distance < 3.3
        assert model.scene.orbit.azimuth > 25
        controls.press("f")
        assert model.scene.orbit.distance == 3.3
        controls.press("Escape")
        assert controls.leaving


class TestExports:
    def test_are_readable_and_never_overwritten(self, tmp_path):
        model = Model(creature(2), out=tmp_path)
        for i in (1, 2):
            assert model.save_picture(*SIZE) == tmp_path / f"picture_00{i}.png"
            assert model.save_mesh() == tmp_path / f"mesh_00{i}.glb"
        with Image.open(tmp_path / "picture_001.png") as picture:
            assert picture.size == SIZE[::-1]
            assert np.asarray(picture).std() > 10
        assert len(Mesh.load(tmp_path / "mesh_002.glb").faces) == len(model.scene.mesh.faces)

    def test_video(self, tmp_path):
        model = Model(creature(2), out=tmp_path)
        assert model.record() is None
        assert model.recording
        for _ in range(4):
            model.scene.orbit.turn(0.1, 0)
            model.touch()
            model.frame(*SIZE)
        path = model.record()
        with Image.open(path) as video:
            assert video.n_frames == 4
            assert video.size == SIZE[::-1]
        model.record()
        assert model.record() is None
        assert "nothing" in model.message


def run_view(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """The command in a process without a display."""
    clean = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    paths = os.pathsep.join([str(REPOSITORY), clean.get("PYTHONPATH", "")])
    line = [sys.executable, "-m", "taichi_softras", "view", *arguments]
    return subprocess.run(line, env=clean | {"PYTHONPATH": paths} | environment, capture_output=True, text=True, timeout=200, check=False)


class TestCommand:
    def test_headless_without_display_and_vulkan(self, tmp_path):
        creature(2).save(tmp_path / "mesh.glb")
        shot, video = tmp_path / "shot.png", tmp_path / "turn.gif"
        result = run_view(
            str(tmp_path / "mesh.glb"), "--headless", "--screenshot", str(shot), "--video", str(video), "--frames", "5", "--size", "90", "120",
            "--optimise", "color", VK_ICD_FILENAMES="/nonexistent",
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        with Image.open(shot) as picture, Image.open(video) as frames:
            assert picture.size == (120, 90)
            assert np.asarray(picture).std() > 10
            assert frames.n_frames == 5

    @pytest.mark.parametrize("environment", [{}, {"DISPLAY": ":4711"}])
    def test_no_display_is_one_sentence(self, environment):
        result = run_view(**environment)
        assert result.returncode == 1
        assert [line for line in result.stderr.splitlines() if not line.startswith("[Taichi]")] == [result.stderr.splitlines()[-1]]
        assert "no display" in result.stderr
        assert "--headless" in result.stderr

    def test_choices_are_those_of_the_viewer(self):
        assert tuple(view.value for view in View) == command.VIEWS
        assert tuple(task.value for task in Task) == command.TASKS

    def test_the_package_does_not_import_it(self, run_python):
        run_python("import sys, taichi_softras, taichi_softras.app.cli\nassert not [name for name in sys.modules if name.startswith('taichi_softras.viewer')]")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--headless"], "--screenshot or --video"),
            (["--headless", "--screenshot", "out.jpg"], "must be a .png file"),
            (["--screenshot", "out.png"], "must come with --frames"),
            (["--video", "out.gif"], "must come with --headless"),
            (["--headless", "--screenshot", "out.png", "--frames", "0"], "--frames must be between"),
            (["--headless", "--screenshot", "out.png", "--sigma", "-1"], "--sigma must be"),
            (["--headless", "--screenshot", "out.png", "--size", "0", "9"], "image height must be between"),
            (["no_such.obj", "--headless", "--screenshot", "out.png"], "no file no_such.obj"),
            (["--target", "no_such.obj", "--headless", "--screenshot", "out.png"], "no file no_such.obj"),
        ],
    )
    def test_faults_are_one_sentence(self, capsys, arguments, sentence):
        assert main(["view", *arguments]) == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert sentence in lines[0]
        assert not Path("out.png").exists()

    def test_display_is_looked_for(self, monkeypatch):
        monkeypatch.delenv("DISPLAY", raising=False)
        assert has_display() is (not sys.platform.startswith("linux"))
