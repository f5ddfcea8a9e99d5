"""The command `render`: where cameras stand, light, background, depth and normals, the backend; one sentence for each fault, before anything is computed."""

import json

import numpy as np
import pytest
from PIL import Image

from taichi_softras import Camera, Mesh
from taichi_softras.app import cli, main
from taichi_softras.recover import Views, render_views
from taichi_softras.runtime import offer_of

SMALL = ("--views", "3", "--size", "16", "24", "--samples", "2")


@pytest.fixture
def ball(tmp_path):
    """White, and of radius 2: it is shown with radius 1."""
    sphere = Mesh.icosphere(3)
    Mesh(vertices=2 * sphere.vertices, faces=sphere.faces, colors=np.ones_like(sphere.vertices)).save(tmp_path / "ball.ply")
    return tmp_path / "ball.ply"


def rendered(mesh, out, *options: str) -> Views:
    assert main(["render", str(mesh), "-o", str(out), *SMALL, *options]) == 0
    return Views.load(out)


def script_of(mesh, out, *options: str) -> str:
    """The command, for a process of its own: here Taichi runs."""
    return f"import sys\nfrom taichi_softras.app import main\nsys.exit(main({['render', str(mesh), '-o', str(out), *options]!r}))\n"


class TestCameras:
    def test_on_a_ring(self, ball, tmp_path):
        eyes = rendered(ball, tmp_path / "out", "--elevation", "30", "--azimuth", "90", "--distance", "5").camera.eye
        turns = np.radians([90, 210, 330])
        np.testing.assert_allclose(eyes, 5 * np.stack([np.cos(np.pi / 6) * np.sin(turns), [0.5] * 3, np.cos(np.pi / 6) * np.cos(turns)], 1), atol=1e-9)

    def test_over_a_sphere(self, ball, tmp_path):
        one, turned = (rendered(ball, tmp_path / name, "--azimuth", azimuth).camera.eye for name, azimuth in (("one", "0"), ("turned", "90")))
        np.testing.assert_allclose(np.linalg.norm(one, axis=1), 3.2)
        assert np.ptp(one[:, 1]) > 3
        np.testing.assert_allclose(turned, np.stack([one[:, 2], one[:, 1], -one[:, 0]], 1), atol=1e-9)

    def test_field_of_view(self, ball, tmp_path):
        camera = rendered(ball, tmp_path / "out", "--fov", "60").camera
        np.testing.assert_allclose(camera.intrinsics[:, :2], 1 / np.tan(np.pi / 6))

    def test_far_away(self, ball, tmp_path):
        """Beyond the depth that is seen by default."""
        views = rendered(ball, tmp_path / "out", "--distance", "300", "--fov", "0.5")
        assert (views.alpha[:, 8, 12] == 1).all()


class TestLook:
    def test_opaque_unless_softness_is_asked_for(self, ball, tmp_path):
        sharp, soft = (rendered(ball, tmp_path / name, *more) for name, more in (("sharp", ()), ("soft", ("--sigma", "1e-2"))))
        partly = [((views.alpha > 0.02) & (views.alpha < 0.98)).sum() for views in (sharp, soft)]
        assert partly[1] > 2 * partly[0]

    def test_light(self, ball, tmp_path):
        """From the eye the middle is the lightest place; from the left, the left side."""
        plain, head, left = (
            rendered(ball, tmp_path / name, "--elevation", "0", "--light", *light).color[0, ..., 0]
            for name, light in (("plain", ["none"]), ("head", ["headlight"]), ("left", ["-1", "0", "0"]))
        )
        assert plain[8, 8:16].min() > 0.99
        assert head[8, 11:13].min() > 0.95
        assert head[8, 7] < head[8, 11] - 0.04
        assert left[8, 6] > left[8, 8] > 0.5
        np.testing.assert_allclose(left[8, 15], 0.35, atol=0.03)

    def test_without_colours_it_is_grey_under_a_light(self, tmp_path):
        Mesh.icosphere(2).save(tmp_path / "ball.obj")
        color = rendered(tmp_path / "ball.obj", tmp_path / "out", "--light", "headlight").color[0, 8, 12]
        np.testing.assert_allclose(color, 0.8, atol=0.02)

    @pytest.mark.parametrize("words", [["red"], ["#ff0000"], ["1", "0", "0"]])
    def test_background(self, ball, tmp_path, words):
        views = rendered(ball, tmp_path / "out", "--background", *words)
        assert views.alpha.min() == 1
        np.testing.assert_allclose(views.color[:, 0, 0], [[1, 0, 0]] * 3)
        np.testing.assert_allclose(views.color[:, 8, 12], 1)

    def test_depth_and_normals(self, ball, tmp_path):
        out = tmp_path / "out"
        rendered(ball, out, "--depth", "--normals", "--elevation", "0")
        with Image.open(out / "images" / "r_000_depth.png") as depth, Image.open(out / "images" / "r_000_normal.png") as normal:
            assert abs(np.asarray(depth)[8, 12] * json.loads((out / "transforms.json").read_text())["integer_depth_scale"] - 2.2) < 0.02
            np.testing.assert_allclose(np.asarray(normal)[8, 12] / 255, [0.5, 0.5, 1, 1], atol=0.1)
            assert np.asarray(depth)[0, 0] == np.asarray(normal)[0, 0, 3] == 0

    def test_nothing_beside_the_pictures_unasked(self, ball, tmp_path):
        rendered(ball, tmp_path / "out")
        assert sorted(path.name for path in (tmp_path / "out" / "images").iterdir()) == ["r_000.png", "r_001.png", "r_002.png"]
        assert "integer_depth_scale" not in json.loads((tmp_path / "out" / "transforms.json").read_text())


class TestFaults:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ("--light lamp", "render: --light must be none, headlight or a direction X Y Z that has a length, got lamp"),
            ("--light 0 0 0", "that has a length, got 0 0 0"),
            ("--light 1 2", "that has a length, got 1 2"),
            ("--light 1 2 nan", "that has a length, got 1 2 nan"),
            ("--background skyblu", "render: --background must be the name of a colour, #rrggbb or three numbers from 0 to 1, got skyblu"),
            ("--background 255 255 255", "three numbers from 0 to 1, got 255 255 255"),
            ("--background red blue", "three numbers from 0 to 1, got red blue"),
            ("--background nan 0 0", "three numbers from 0 to 1, got nan 0 0"),
            ("--elevation 91", "render: --elevation must be between -90 and 90 degrees, got 91"),
            ("--elevation nan", "render: --elevation must be between -90 and 90 degrees, got nan"),
            ("--azimuth inf", "render: --azimuth must be a finite number"),
            ("--distance 0", "render: --distance must be a finite number between 0 and"),
            ("--fov 180", "render: --fov must be a finite number between 0 and 180"),
            ("--depth --distance 65", "render: --distance must be at most 64.535 with --depth (16 bits of thousandths), got 65"),
        ],
    )
    def test_one_sentence_before_anything_is_computed(self, capsys, tmp_path, monkeypatch, options, sentence):
        monkeypatch.setattr(cli, "init_for", lambda *_: pytest.fail("Taichi was started"))
        assert main(["render", "-o", str(tmp_path / "out"), *options.split()]) == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert sentence in lines[0]
        assert not (tmp_path / "out").exists()


class TestArch:
    @pytest.mark.parametrize("command", [["render"], ["fit"], ["view", "--headless", "--screenshot", "a.png"]])
    def test_a_backend_that_is_not_there(self, capsys, tmp_path, command):
        if offer_of("cuda").devices:
            pytest.skip("this machine has it")
        assert main([*command, "-o", str(tmp_path / "out"), "--arch", "cuda"]) == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert lines == [
            f"taichi-softras: {command[0]}: --arch must be a backend that this machine has, got cuda ({offer_of('cuda').why_none}); "
            "`taichi-softras doctor` tells more"
        ]

    def test_auto_says_what_it_took(self, ball, tmp_path, run_python):
        """As `init` does."""
        assert "taichi_softras: Taichi runs on " in run_python(script_of(ball, tmp_path / "out", "--arch", "auto", *SMALL)).stderr
        assert len(Views.load(tmp_path / "out")) == 3

    def test_on_vulkan(self, ball, tmp_path, run_python):
        if not offer_of("vulkan").devices:
            pytest.skip("there is no Vulkan")
        options = ("--views", "1", "--size", "16", "--samples", "1")
        run_python(script_of(ball, tmp_path / "vulkan", "--arch", "vulkan", *options))
        there, here = Views.load(tmp_path / "vulkan"), rendered(ball, tmp_path / "cpu", *options)
        np.testing.assert_allclose(there.alpha, here.alpha, atol=1 / 255)
        np.testing.assert_allclose(there.color * there.alpha[..., None], here.color * here.alpha[..., None], atol=2 / 255)


class TestBasics:
    def test_folder_that_fit_reads(self, tmp_path, capsys):
        mesh = tmp_path / "ball.ply"
        Mesh.icosphere(2).save(mesh)
        assert main(["render", str(mesh), "-o", str(tmp_path / "out"), "--views", "5", "--size", "24", "36", "--samples", "2"]) == 0
        views = Views.load(tmp_path / "out")
        assert views.alpha.shape == (5, 24, 36)
        expected = render_views(Mesh.icosphere(2), Camera.all_around(5, 3.2, fov=40), (24, 24), tuple("abcde")).alpha.sum((1, 2))
        np.testing.assert_allclose(views.alpha.sum((1, 2)), expected, rtol=0.03)

    def test_sigma_softens(self, tmp_path):
        for sigma in ("1e-7", "1e-2"):
            assert main(["render", "-o", str(tmp_path / sigma), "--views", "1", "--size", "32", "--samples", "1", "--sigma", sigma]) == 0
        sharp, soft = (Views.load(tmp_path / sigma).alpha for sigma in ("1e-7", "1e-2"))
        between = [((alpha > 0.02) & (alpha < 0.98)).sum() for alpha in (sharp, soft)]
        assert between[1] > 3 * between[0]

    @pytest.mark.parametrize("arguments", [["--sigma", "-1"], ["--size", "0"], ["--views", "0"], ["--size", "1", "2", "3"]])
    def test_faults_are_one_sentence(self, tmp_path, capsys, arguments):
        assert main(["render", "-o", str(tmp_path / "out"), *arguments]) == 1
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
