"""Shape, texture and light from one picture, in short: the painted sphere, the data, a training that goes on after a kill, and what it is judged by."""

import textwrap

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the demo trains with torch")

import taichi_softras as tsr  # noqa: E402
from demos.dibr import __main__ as program  # noqa: E402
from demos.dibr.data import AMBIENT, DIFFUSE, MEAN_LAMP, POINTS, WIDEST, Truth, random_lamps  # noqa: E402
from demos.dibr.evaluation import COLUMNS, angles, f_score, texture_l1  # noqa: E402
from demos.dibr.generate import GenerateOptions, Paint, draw, generate, paints, surface_points  # noqa: E402
from demos.dibr.network import NetworkOptions, Reconstructor, look_up  # noqa: E402
from demos.dibr.surface import DrawOptions, Surface, Way, lamp, light_direction, linear_part, spread  # noqa: E402
from demos.dibr.training import PARTS, TrainOptions, objective  # noqa: E402
from demos.reconstruction.data import VIEWS, ShapeData, cameras  # noqa: E402
from demos.reconstruction.families import Part, box, make_object  # noqa: E402
from demos.training import read_state  # noqa: E402
from taichi_softras.interop.lighting import SphericalHarmonics, shade, vertex_normals  # noqa: E402

OPTIONS = GenerateOptions(train=3, val=1, test=1, families=("chair", "table"))
SMALL = ("--image-size", "16", "--width", "8", "--hidden", "32", "--code", "16", "--decoder", "16", "--subdivisions", "1", "--texture", "8", "--channels", "4")
NETWORK = NetworkOptions(image_size=16, width=8, hidden=32, code=16, decoder=16, subdivisions=1, texture=8, channels=4)


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    generate(folder, OPTIONS)
    return folder


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


class TestSurface:
    @pytest.mark.parametrize("way", Way)
    def test_texture_is_where_the_coordinates_say(self, way):
        """Colours that tell directions, on the sphere itself: every pixel shows the direction of the point that its ray meets, at seam and poles too."""
        height, width, size, radius = 32, 64, 48, 0.25
        v, u = (np.mgrid[0:height, 0:width] + 0.5) / np.array([height, width])[:, None, None]
        latitude, longitude = (0.5 - v) * np.pi, (u - 0.5) * 2 * np.pi
        directions = np.stack([np.cos(latitude) * np.sin(longitude), np.sin(latitude), np.cos(latitude) * np.cos(longitude)])
        surface = Surface(3, radius)
        camera = tsr.Camera.orbit(2.732, [0.0, 5.0, 85.0, -85.0], [0.0, 178.0, 40.0, 200.0], fov=16.0)
        texture = torch.from_numpy(directions * 0.5 + 0.5).float().expand(4, -1, -1, -1).contiguous()
        image = surface(surface.base.expand(4, -1, -1).contiguous(), texture, None, camera, DrawOptions(way=way, image_size=size, sigma=1e-6))
        line = (2 * np.arange(size) + 1 - size) / size
        x, y = np.meshgrid(line, -line)
        rays = unit(np.stack([x, y, np.full_like(x, -camera.intrinsics[0, 0])], -1))
        for i, pose in enumerate(camera.camera_from_world):
            eye, rays_in_world = -pose[:, :3].T @ pose[:, 3], rays @ pose[:, :3]
            along = -rays_in_world @ eye
            discriminant = along**2 - eye @ eye + radius**2
            points = eye + (along - np.sqrt(discriminant.clip(0)))[..., None] * rays_in_world
            inner = discriminant > 0.1 * radius**2
            assert inner.sum() > 500
            assert image.alpha[i].numpy()[inner].min() > 0.9  # on an edge, softly, each of two faces covers a part
            assert np.abs(image.color[i].numpy()[inner] - (points[inner] / radius * 0.5 + 0.5)).max() < 0.03

    def test_everything_has_gradient(self):
        torch.manual_seed(0)
        surface = Surface(1)
        vertices = (surface.base + 0.01 * torch.randn(2, surface.n_vertices, 3)).requires_grad_()
        texture, light = torch.rand(2, 3, 8, 16).requires_grad_(), lamp(torch.tensor([[1.0, 1, 1], [-1, 0, 1]]), AMBIENT, DIFFUSE).requires_grad_()
        image = surface(vertices, texture, light, cameras([0, 5]), DrawOptions(way=Way.DIBR, image_size=16, sigma=1e-3))
        assert image.rgba.shape == (2, 4, 16, 16)
        image.rgba.square().sum().backward()
        for given in (vertices, texture, light):
            assert torch.isfinite(given.grad).all()
            assert (given.grad.abs().flatten(1).sum(1) > 0).all()

    def test_seam_and_poles(self):
        for subdivisions in (1, 3):
            surface = Surface(subdivisions)
            uvs = surface.corner_uvs.numpy()
            assert np.ptp(uvs[..., 0], 1).max() < 0.5
            assert uvs[..., 0].max() > 1  # beyond the seam
            assert uvs[..., 1].min() >= 0
            assert uvs[..., 1].max() <= 1

    def test_lamp(self):
        """Nine coefficients are a lamp but for 2 % in the mean: the clamp's kink is rounded off."""
        random = np.random.default_rng(0)
        normals, directions = unit(random.normal(size=(500, 3))), unit(random.normal(size=(3, 3)))
        light = lamp(torch.from_numpy(directions * 5).float(), AMBIENT, DIFFUSE)
        np.testing.assert_allclose(light_direction(light).numpy(), directions, atol=1e-5)
        for coefficients, direction in zip(light, directions, strict=True):
            shaded = shade(torch.ones(500, 3), torch.from_numpy(normals).float(), lights=SphericalHarmonics(coefficients=coefficients))[:, 0].numpy()
            wrong = np.abs(shaded - (AMBIENT + DIFFUSE * np.clip(normals @ direction, 0, None)))
            assert wrong.max() < 0.07
            assert wrong.mean() < 0.025

    def test_spread_lamp(self):
        """Half of the linear part: it shines as bright on the whole, and as a lamp does whose direction is uncertain: the mean of many lamps."""
        directions = torch.tensor([[1.0, 2, 2], [0, -1, 0]])
        light = lamp(directions, AMBIENT, DIFFUSE)
        torch.testing.assert_close(spread(light, torch.ones(2)), light)
        half = spread(light, torch.full((2,), 0.5))
        torch.testing.assert_close(half[:, 0], light[:, 0])
        torch.testing.assert_close(linear_part(half, DIFFUSE), 0.5 * torch.nn.functional.normalize(directions, dim=1))
        lamps = torch.from_numpy(random_lamps(200_000, np.random.default_rng(0))).float()
        many = lamp(lamps, AMBIENT, DIFFUSE).mean(0)
        assert linear_part(many[None], DIFFUSE)[0].numpy() == pytest.approx([0, 0, MEAN_LAMP], abs=5e-3)
        one = spread(lamp(torch.tensor([[0.0, 0, 1]]), AMBIENT, DIFFUSE), torch.tensor([MEAN_LAMP], dtype=torch.float32))[0]
        normals = torch.nn.functional.normalize(torch.randn(500, 3, generator=torch.Generator().manual_seed(0)), dim=1)
        shaded, expected = (shade(torch.ones(500, 3), normals, lights=SphericalHarmonics(coefficients=light)) for light in (one, many))
        assert (shaded - expected).abs().max() < 0.03

    def test_texels(self):
        """Each lies on a face that has its texture coordinates, but for the triangles between a pole and the faces around it."""
        surface = Surface(2)
        face, weights = surface.texels(16)
        assert weights.min() >= 0
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
        v, u = np.mgrid[0:16, 0:32] + 0.5
        place = (surface.corner_uvs[face] * weights[..., None]).sum(1).numpy()
        apart = np.abs(np.stack([(place[:, 0] - u.ravel() / 32 + 0.5) % 1 - 0.5, place[:, 1] - 1 + v.ravel() / 16], 1)).max(1)
        assert (apart < 1e-5).mean() > 0.9
        assert (apart[2 * 32 : -2 * 32] < 1e-5).all()

    def test_wrong_vertices(self):
        surface = Surface(1)
        with pytest.raises(ValueError, match=r"vertices must have shape \(2, 42, 3\), got \(1, 42, 3\)"):
            surface(surface.base[None], torch.zeros(1, 3, 8, 16), None, cameras([0, 1]), DrawOptions())


class TestLookUp:
    def test_paint_comes_back_without_light(self):
        """A painted, lit ball is drawn; where its picture shows it, its texels have their paint again; the back is not seen."""
        surface, views, height = Surface(3), np.array([0, 5]), 16
        camera, light = cameras(views), lamp(torch.tensor([[0.5, 0.5, 1], [-1, 0.2, 1]]), AMBIENT, DIFFUSE)
        face, weights = surface.texels(height)
        corners = surface.triangles[face]
        vertices = surface.base.expand(2, -1, -1).contiguous()
        points, normals = ((values[:, corners] * weights[..., None]).sum(2) for values in (vertices, vertex_normals(vertices, surface.triangles)))
        paint = 0.3 + 0.6 * (points + surface.radius)  # smooth: 0.3 to 0.6
        texture = paint.transpose(1, 2).reshape(2, 3, height, 2 * height).contiguous()
        picture = surface(vertices, texture, light, camera, DrawOptions(way=Way.DIBR, image_size=64, sigma=1e-6)).rgba
        color, seen = look_up(picture, camera, points, normals, light)
        certain = seen > 0.99
        assert 0.25 < certain.float().mean() < 0.5
        apart = (color - paint)[certain].abs()
        assert (apart < 0.03).float().mean() > 0.95  # others lie at the outline or a pole
        assert apart.mean() < 0.01
        towards = torch.from_numpy(-np.einsum("bji,bj->bi", camera.camera_from_world[:, :, :3], camera.camera_from_world[:, :, 3])).float()
        assert (seen[(points * towards[:, None]).sum(-1) < 0] == 0).all()

    def test_hidden_points_are_not_seen(self):
        """Of two points on a ray, both of which face the camera, the nearer one is; of two at about the same depth, both."""
        camera = cameras(np.array([0]))
        eye = -camera.camera_from_world[0, :, :3].T @ camera.camera_from_world[0, :, 3]
        points = torch.from_numpy(np.stack([0.1 * eye, 0.0 * eye, 0.02 * np.cross(eye, [0, 1.0, 0])])[None]).float()
        normals = torch.from_numpy(unit(np.stack([eye, eye, eye]))[None]).float()
        light = lamp(torch.tensor([[0.0, 0, 1]]), AMBIENT, DIFFUSE)
        _, seen = look_up(torch.ones(1, 4, 32, 32), camera, points[:, :2], normals[:, :2], light)
        assert seen[0].tolist() == [1, 0]
        _, seen = look_up(torch.ones(1, 4, 32, 32), camera, points[:, 1:], normals[:, 1:], light)
        assert seen[0].tolist() == [1, 1]


class TestGenerate:
    def test_a_box_under_lamps(self):
        """A pixel inside of a plain box has the colour of one of the sides under the lamp of its picture; without light, that of the paint."""
        color = np.array([0.9, 0.5, 0.2])
        part = Part(box((0, 0, 0), (1, 0.8, 0.6)), color)
        lamps = random_lamps(VIEWS, np.random.default_rng(1))
        images, albedo = draw([part], [Paint("plain", np.stack([color, color]), np.eye(3)[0], 1.0, 0.0)], lamps)
        assert images.shape == (VIEWS, 4, 64, 64)
        assert albedo.shape == (VIEWS, 3, 64, 64)
        for view in (0, 7, 13):
            whole = images[view, 3] == 255
            assert whole.sum() > 500
            np.testing.assert_array_equal(albedo[view][:, whole], np.broadcast_to(np.round(color * 255)[:, None], (3, whole.sum())))
            rotation = cameras([view]).camera_from_world[0, :, :3]
            sides = np.concatenate([np.eye(3), -np.eye(3)])
            possible = np.round(color * (AMBIENT + DIFFUSE * np.clip(sides @ rotation.T @ lamps[view], 0, None))[:, None] * 255)
            apart = np.abs(images[view, :3][:, whole].T[:, None].astype(float) - possible).max(-1).min(1)
            assert (apart <= 1).mean() > 0.9  # the others lie on edges
            assert angles(lamps[view], np.array([0.0, 0, 1])) <= WIDEST

    def test_paint(self):
        colors = np.array([[1.0, 0, 0], [0, 0, 1.0]])
        points = np.array([[0.1, 0, 0], [0.3, 0, 0], [0.6, 0, 0], [0.3, 0.3, 0]])
        assert Paint("stripes", colors, np.eye(3)[0], 0.5, 0.0).at(points)[:, 2].tolist() == [0, 1, 0, 1]
        assert Paint("checks", colors, np.eye(3)[0], 0.5, 0.0).at(points)[:, 2].tolist() == [0, 1, 0, 0]
        assert Paint("two tones", colors, np.eye(3)[0], 0.5, 0.4).at(points)[:, 2].tolist() == [0, 0, 1, 0]
        assert Paint("plain", colors, np.eye(3)[0], 0.5, 0.4).at(points)[:, 2].tolist() == [0, 0, 0, 0]

    def test_points_are_on_the_outside(self):
        random = np.random.default_rng(2)
        parts = make_object("table", random)
        points = surface_points(parts, random)
        assert points.shape == (POINTS, 3)
        inwards = [Part(part.points.mean(0) + 0.999 * (part.points - part.points.mean(0)), part.color) for part in parts]
        outwards = [Part(part.points.mean(0) + 1.001 * (part.points - part.points.mean(0)), part.color) for part in parts]
        assert not np.any([part.contains(points) for part in inwards], 0).any()
        assert np.any([part.contains(points) for part in outwards], 0).all()
        assert len({id(own) for own in paints(parts, random)}) == len({id(part.color) for part in parts})

    def test_data_come_back(self, data_folder):
        data, truth = ShapeData.load(data_folder, "train"), Truth.load(data_folder, "train", ("chair", "table"))
        assert len(data) == 6
        assert truth.lights.shape == (6, VIEWS, 3)
        np.testing.assert_allclose(np.linalg.norm(truth.lights, axis=-1), 1, atol=1e-5)
        whole = data.images[:, :, 3] == 255
        lit, unlit = data.images[:, :, :3].transpose(0, 1, 3, 4, 2)[whole].astype(float), truth.albedo.transpose(0, 1, 3, 4, 2)[whole].astype(float)
        assert (lit <= unlit + 1).all()
        assert (lit >= AMBIENT * unlit - 1).all()
        path = data_folder / "table_val_lights.npz"
        before = path.read_bytes()
        path.unlink()
        generate(data_folder, OPTIONS)
        with np.load(path, allow_pickle=False) as file:
            assert file["arr_0"].shape == (1, VIEWS, 3)
        assert len(path.read_bytes()) == len(before)
        with pytest.raises(ValueError, match="holds data of other options"):
            generate(data_folder, GenerateOptions(train=4, val=1, test=1))
        with pytest.raises(FileNotFoundError, match="Truth: there is no file"):
            Truth.load(data_folder, "train", ("boat",))


class TestMeasures:
    def test_angles(self):
        found = np.array([[2.0, 0, 0], [0, 1.0, 0], [1, 1.0, 0], [0, 0, -3.0]])
        np.testing.assert_allclose(angles(found, np.array([[1.0, 0, 0]])), [0, 90, 45, 90], atol=1e-6)
        assert angles(np.array([1e-3, 0, 1.0]), np.array([0, 0, 1.0])) == pytest.approx(np.degrees(1e-3), rel=1e-5)

    def test_f_score(self):
        points = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 3))
        assert f_score(points, points) == 100
        assert f_score(points, points + 5) == 0
        half = np.concatenate([points, points + 5])  # half of them are right, and all true ones are found
        assert f_score(half, points) == pytest.approx(200 * 0.5 / 1.5)

    def test_texture_l1(self):
        found, true, covered = np.full((2, 2, 2, 3), 0.5), np.full((2, 2, 2, 3), 0.25), np.zeros((2, 2, 2), bool)
        true[0, 0, 0], covered[0, 0] = 0.5, True
        result = texture_l1(found, true, covered)
        assert result[0] == pytest.approx(0.125)
        assert np.isnan(result[1])  # nothing counts


class TestTraining:
    def test_every_parameter_learns_and_the_strength_of_light_is_given(self, data_folder):
        torch.manual_seed(1)
        model, batch = Reconstructor(NETWORK), ShapeData.load(data_folder, "train", image_size=16).batch(2, 0, 0)
        found = model(batch.images, batch.views)
        parts = objective(model.surface, found, batch, TrainOptions(steps=10, sigma=1e-3), 0)
        assert tuple(parts) == PARTS
        assert parts["total"].item() == pytest.approx(sum(part.item() for name, part in parts.items() if name != "total"), rel=1e-5)
        torch.testing.assert_close(found.light[:, 0], lamp(torch.eye(3), AMBIENT, DIFFUSE)[:1, 0].expand(4), atol=1e-4, rtol=0)
        assert (light_direction(found.light)[:, 2] > 0).all()  # on the camera's side
        assert (linear_part(found.light, DIFFUSE).norm(dim=1) < 1).all()
        parts["total"].backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name

    @pytest.mark.parametrize("what", ["total", "color"])
    def test_steps_reduce_the_loss(self, data_folder, what):
        """Of all, and of colours alone on a shape that stays as it is."""
        torch.manual_seed(2)
        options, batch = TrainOptions(steps=25, sigma=1e-3), ShapeData.load(data_folder, "train", image_size=16).batch(3, 0, 0)
        model = Reconstructor(NETWORK)
        optimizer, shape, losses = torch.optim.Adam(model.parameters(), 3e-3), model(batch.images).vertices.detach(), []
        for step in range(25):
            optimizer.zero_grad()
            found = model(batch.images, batch.views)
            parts = objective(model.surface, found._replace(vertices=shape) if what == "color" else found, batch, options, step)
            parts[what].backward()
            optimizer.step()
            losses.append(parts[what].item())
        assert losses[-1] < 0.85 * losses[0]

    def test_goes_on_after_it_was_ended(self, data_folder, tmp_path, run_python):
        """At any moment: the same command then ends with the very losses and weights of a run that nobody disturbed."""
        more = ["--steps", "12", "--batch", "3", "--save-every", "4", "--deterministic", "--threads", "1"]
        ended, whole = (["train", str(data_folder), "-o", str(tmp_path / name), "--quick", *SMALL, *more] for name in ("ended", "whole"))
        script = f"""
            import torch
            from demos.dibr.__main__ import main
            from demos.reconstruction.data import ShapeData

            batch = ShapeData.batch
            def ends(data, size, step, seed):
                assert step < 7, "the end"
                return batch(data, size, step, seed)
            ShapeData.batch = ends
            try:
                main({ended!r})
            except AssertionError:
                print("ended")
            ShapeData.batch = batch
            main({ended!r})
            main({whole!r})
        """
        done = run_python(textwrap.dedent(script))
        assert "ended" in done.stdout
        assert "4/12" in done.stderr  # where it went on
        resumed, whole = (read_state(tmp_path / name / "state.pt") for name in ("ended", "whole"))
        assert resumed["step"] == len(resumed["losses"]) == 12
        torch.testing.assert_close(resumed["losses"], whole["losses"], atol=0, rtol=0)
        for name, weights in whole["model"].items():
            torch.testing.assert_close(resumed["model"][name], weights, atol=0, rtol=0)

    def test_command_prints_the_table(self, data_folder, tmp_path, capsys):
        command = ["train", str(data_folder), "-o", str(tmp_path / "run"), "--quick", *SMALL, "--steps", "2", "--batch", "2"]
        with pytest.raises(SystemExit, match="the same command goes on"):
            program.main([*command, "--stop-after", "1"])
        program.main(command)
        with pytest.raises(ValueError, match="belongs to a training with other rate; give the same options"):
            program.main([*command, "--rate", "1e-3"])
        program.main([*command[:3], str(tmp_path / "more"), *command[4:], "--steps", "1", "--rate", "1e-12", "--begin-with", str(tmp_path / "run")])
        program.main(["evaluate", str(data_folder), "-o", str(tmp_path / "out"), "--run", str(tmp_path / "run"), "--views", "1", "--per-class", "1"])
        table = capsys.readouterr().out.splitlines()
        assert table[0].split(" | ")[1:-1] == list(COLUMNS[:-1])
        rows = {line.split(" | ")[0].strip("| "): line.count("0.") for line in table[2:8]}
        assert list(rows) == ["mean shape", "mean light", "mean colour", "the picture's mean colour", "the picture itself", "network, 2 steps"]
        assert rows["network, 2 steps"] >= 5
        for file in ("table.md", "classes.md", "table.json", "sheet.png", "curves.png"):
            assert (tmp_path / "out" / file).stat().st_size > 100
        first, more = (read_state(tmp_path / name / "state.pt")["model"]["light.layers.0.weight"] for name in ("run", "more"))
        torch.testing.assert_close(more, first, atol=1e-6, rtol=0)
        (tmp_path / "run" / "state.pt").write_bytes(b"nothing")
        with pytest.raises(ValueError, match="must be a training's state, got"):
            program.main(["evaluate", str(data_folder), "-o", str(tmp_path / "out"), "--run", str(tmp_path / "run")])

    def test_wrong_options(self):
        with pytest.raises(ValueError, match="way must be one of dibr, soft, got 'hard'"):
            TrainOptions(way="hard")
        with pytest.raises(ValueError, match="texture must be a multiple of 8, got 12"):
            NetworkOptions(texture=12)
        with pytest.raises(ValueError, match="more_views must be even and not negative, got 3"):
            TrainOptions(more_views=3)
        with pytest.raises(ValueError, match="width must be a multiple of 4, got 6"):
            NetworkOptions(width=6)
        with pytest.raises(ValueError, match=r"families must be some of airplane, .* got boat"):
            GenerateOptions(families=("boat",))
