"""The generative network of textured shapes, in short: both networks learn, a run that is killed goes on, samples are files, and the figures measure."""

import json
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image

torch = pytest.importorskip("torch", reason="the demo trains with torch")

import taichi_softras as tsr  # noqa: E402
from demos.dibr import gan  # noqa: E402
from demos.dibr.gan import Draft, Frechet, GanOptions, Generator, Training, coverage_and_matching, draw, frechet, load_state, sliced_wasserstein  # noqa: E402
from demos.reconstruction.data import VIEWS, ShapeData, write_array  # noqa: E402

SMALL = {"image_size": 32, "subdivisions": 1, "texture": 8, "code": 4, "hidden": 16, "channels": 8, "judge": 4, "batch": 4}
OPTIONS = GanOptions(**SMALL, steps=6, r1_every=2, average=0.5)
ARGUMENTS = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """Two objects to learn and two to compare with: discs of four colours and sizes."""
    folder, (y, x) = tmp_path_factory.mktemp("data"), np.mgrid[-1:1:64j, -1:1:64j]
    for split, radii in (("train", (0.3, 0.5)), ("test", (0.35, 0.45))):
        alpha = np.stack([np.hypot(x, y) < radius for radius in radii])
        color = np.array([[1.0, 0.5, 0.2], [0.2, 0.6, 1.0]])
        rgba = np.concatenate([color[:, :, None, None] * alpha[:, None], alpha[:, None]], 1)
        write_array(folder / f"car_{split}_images.npz", np.repeat(np.round(255 * rgba).astype(np.uint8)[:, None], VIEWS, 1))
        write_array(folder / f"car_{split}_voxels.npz", np.zeros((2, 32, 32, 32), bool))
    return folder


@pytest.fixture(scope="module")
def data(data_folder):
    return ShapeData.load(data_folder, "train", image_size=32)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert gan.train(data, folder, OPTIONS, picture_every=100)
    return folder


def changed(network, before):
    """Which parameters have other values than in the state ``before``."""
    return [name for name, now in network.named_parameters() if not torch.equal(now, before[name])]


class TestNetworks:
    def test_shapes(self):
        torch.manual_seed(0)
        generator = Generator(OPTIONS)
        vertices, textures = generator(torch.randn(3, 4))
        assert vertices.shape == (3, 42, 3)
        assert textures.shape == (3, 3, 8, 16)
        assert textures.min() >= 0
        assert textures.max() <= 1
        assert (vertices[0] - vertices[1]).abs().max() > 1e-4

    def test_objects_are_their_mirror_images(self):
        """In x, whatever the weights are."""
        torch.manual_seed(0)
        generator = Generator(OPTIONS)
        with torch.no_grad():
            generator.shape[-1].weight.normal_()
            vertices = generator(torch.randn(1, 4))[0][0]
        mirrored = vertices * torch.tensor([-1.0, 1.0, 1.0])
        assert (vertices - generator.surface.base).abs().max() > 0.1
        assert (mirrored[:, None] - vertices).abs().amax(-1).min(1)[0].max() < 1e-5

    def test_discriminator_is_told_the_azimuth(self):
        """Unless it is blind."""
        torch.manual_seed(0)
        pictures = torch.rand(2, 4, 32, 32)
        for blind in (False, True):
            discriminator = gan.Discriminator(GanOptions(**SMALL, blind=blind))
            one, other = (discriminator(pictures, np.array(views)) for views in ([0, 0], [0, 6]))
            assert one.shape == (2,)
            torch.testing.assert_close(one[0], other[0], atol=1e-6, rtol=0)
            assert ((one[1] - other[1]).abs() > 1e-5) == (not blind)

    def test_pictures_lie_over_black(self):
        """As those of the data do: a red sphere has its colour times its alpha, outlines too."""
        generator = Generator(OPTIONS)
        red = torch.tensor([1.0, 0.25, 0.0])[None, :, None, None].expand(2, 3, 8, 16)
        pictures = draw(generator.surface, generator.surface.base.expand(2, -1, -1), red, np.array([0, 5]), 32, 1e-4)
        assert pictures.shape == (2, 4, 32, 32)
        torch.testing.assert_close(pictures[:, 1], pictures[:, 3] * 0.25, atol=1e-5, rtol=0)
        outline = (pictures[:, 3] > 0.05) & (pictures[:, 3] < 0.95)
        assert outline.sum() > 10
        assert pictures[:, 3, 16, 16].min() > 0.99
        assert pictures[:, :, 0, 0].abs().max() == 0

    def test_wrong_options(self):
        with pytest.raises(ValueError, match="image_size must be 32 or 64, got 48"):
            GanOptions(image_size=48)
        with pytest.raises(ValueError, match="texture must be a power of two from 8 on, got 24"):
            GanOptions(texture=24)
        with pytest.raises(ValueError, match="batch must be even and positive, got 3"):
            GanOptions(batch=3)


class TestTraining:
    def test_a_step_changes_both_networks(self, data):
        """All of their parameters, and the moving average with them; the generator's gradient came through the renderer."""
        training = Training(OPTIONS)
        before = {
            name: {key: value.clone() for key, value in getattr(training, name).state_dict().items()} for name in ("generator", "discriminator", "average")
        }
        for step in range(2):
            curve = training.advance(Draft.of(data, OPTIONS, step))
        assert torch.isfinite(curve).all()
        for name, state in before.items():
            network = getattr(training, name)
            assert changed(network, state) == [key for key, _ in network.named_parameters()], name
        for name, average in training.average.named_parameters():
            assert not torch.equal(average, training.generator.get_parameter(name)), name

    def test_judgement_reaches_shape_and_texture(self, data):
        training = Training(GanOptions(**SMALL, laplacian=0.0, flatten=0.0))
        draft = Draft.of(data, OPTIONS, 0)
        vertices, textures = training.generator(draft.codes)
        vertices.retain_grad()
        textures.retain_grad()
        fake = draw(training.generator.surface, vertices, textures, draft.fake_views, 32, 1e-4)
        training.discriminator(fake, draft.fake_views).sum().backward()
        assert vertices.grad.abs().max() > 0
        assert textures.grad.abs().max() > 0

    def test_draft_follows_from_its_step(self, data):
        one, again, other = (Draft.of(data, OPTIONS, step) for step in (3, 3, 4))
        torch.testing.assert_close(one.codes, again.codes, atol=0, rtol=0)
        torch.testing.assert_close(one.real, again.real, atol=0, rtol=0)
        assert not torch.equal(one.codes, other.codes)
        assert (one.real_views != other.real_views).any()

    def test_goes_on_bit_for_bit(self, data, data_folder, tmp_path, run_python):
        """Stopped after two steps of five and started again, a run ends with the weights, optimisers and curves of one that nobody stopped."""
        command = ["train", str(data_folder), *ARGUMENTS, "--steps", "5", "--r1-every", "2", "--deterministic", "--threads", "1", "--save-every", "1"]
        whole, parts = ([*command, "-o", str(tmp_path / name)] for name in ("whole", "parts"))
        told = run_python(
            f"""
import torch
from demos.dibr.gan import load_state, main, Path
main({whole})
try:
    main({[*parts, "--stop-after", "2"]})
except SystemExit as stopped:
    print(stopped, load_state(Path({str(tmp_path)!r}) / "parts" / "state.pt")["step"])
main({parts})
"""
        )
        assert "interrupted; the same command goes on 2" in told.stdout
        one, other = (load_state(tmp_path / name / "state.pt") for name in ("whole", "parts"))
        assert one["curves"].shape == (5, len(gan.PARTS))
        assert one.keys() == other.keys()
        for name in one.keys() - {"seconds"}:
            assert equal(one[name], other[name]), name
        assert (tmp_path / "parts" / "progress_000005.png").is_file()
        with pytest.raises(ValueError, match="belongs to a training with other rate, average; give the same options"):
            gan.train(data, tmp_path / "parts", replace(OPTIONS, rate=0.1))

    def test_wrong_state(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            load_state(tmp_path / "state.pt")
        (tmp_path / "state.pt").write_bytes(b"nothing")
        with pytest.raises(ValueError, match="must be a training's state, got"):
            load_state(tmp_path / "state.pt")

    def test_a_training_that_breaks_down_says_so(self, data):
        training = Training(OPTIONS)
        with torch.no_grad():
            training.discriminator.judge.bias.fill_(float("nan"))
        with pytest.raises(ValueError, match="the loss of the discriminator must be finite, got nan in step 0"):
            training.advance(Draft.of(data, OPTIONS, 0))


def equal(one, other):
    """Whether nested states are the same, bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(equal(*pair) for pair in zip(one, other, strict=True))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


class TestResults:
    def test_samples(self, trained, tmp_path, monkeypatch):
        """Files that others open: a closed mesh with texture coordinates and the picture that the network painted."""
        monkeypatch.setattr(gan, "save_interpolation", lambda path, *_: path.touch())  # below
        gan.main(["sample", str(trained), "-o", str(tmp_path), "-n", "2"])
        generator = gan.load_generator(trained)
        vertices, textures = generator(gan.normal_codes(np.random.default_rng(0), 4, 4))
        for ending in ("glb", "obj"):
            scene = trimesh.load(tmp_path / f"car_1.{ending}", process=False, force="mesh")
            assert len(scene.faces) == 80
            material = scene.visual.material
            picture = material.baseColorTexture if ending == "glb" else material.image
            assert picture.size == (16, 8)
            np.testing.assert_allclose(np.asarray(picture.convert("RGB")) / 255, textures[1].permute(1, 2, 0), atol=1 / 255)
            mesh = tsr.Mesh.load(tmp_path / f"car_1.{ending}")
            np.testing.assert_allclose(mesh.vertices[mesh.faces].reshape(-1, 3).max(0), vertices[1].numpy().max(0), atol=1e-5)
            assert mesh.texture is not None
        assert (tmp_path / "sheet.png").stat().st_size > 1000

    def test_interpolation(self, trained, tmp_path):
        generator = gan.load_generator(trained)
        gan.save_interpolation(tmp_path / "x.gif", generator, torch.randn(2, 4), frames=2, size=32)
        with Image.open(tmp_path / "x.gif") as picture:
            assert picture.n_frames == 4
            assert picture.size == (32, 32)

    def test_table(self, data_folder, trained, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(gan, "save_curves", lambda path, *_: path.touch())
        gan.main(["evaluate", str(data_folder), str(trained), "-o", str(tmp_path)])
        told = json.loads((tmp_path / "table.json").read_text())
        assert told["steps"] == OPTIONS.steps
        rows = told["rows"]
        assert list(rows) == ["untrained generator", "mean object with jitter", "trained generator", "other true objects (the floor)"]
        assert rows["other true objects (the floor)"]["swd"] < rows["untrained generator"]["swd"]
        assert (tmp_path / "table.md").read_text().strip() in capsys.readouterr().out
        assert (tmp_path / "neighbours.png").is_file()


class TestFigures:
    def test_zero_for_the_same_set_and_more_for_others(self):
        random = torch.Generator().manual_seed(0)
        pictures = torch.rand(40, 2, 4, 32, 32, generator=random)
        shuffled, other = pictures[torch.randperm(40, generator=random)], torch.rand(40, 2, 4, 32, 32, generator=random)
        principal = Frechet(pictures, 16)
        for measure in (sliced_wasserstein, principal):
            assert measure(pictures, shuffled) == pytest.approx(0, abs=1e-6)
            growing = [measure(pictures, pictures * (1 - share) + share) for share in (0.1, 0.3, 0.6)]
            assert 1e-4 < growing[0] < growing[1] < growing[2]
            assert measure(pictures, other) > 1e-4
        best = coverage_and_matching(shuffled, pictures)
        assert best["coverage"] == 1
        assert best["iou"] == pytest.approx(1)
        assert best["l1"] == pytest.approx(0, abs=1e-3)
        same_everywhere = coverage_and_matching(pictures[:1].expand(40, -1, -1, -1, -1), pictures)
        assert same_everywhere["coverage"] == pytest.approx(1 / 40)
        assert same_everywhere["iou"] < 0.5
        assert same_everywhere["l1"] > 100

    def test_frechet_of_normal_distributions(self):
        """Exactly shifted and stretched along axes: d^2 + (s - 1)^2 each."""
        sample = torch.randn(50, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        sample = sample - sample.mean(0)
        sample = sample @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(sample.T)).T)
        other = sample * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor([0.5, 0.0, 0.0])
        assert frechet(sample, other) == pytest.approx(0.25 + 1 + 4, rel=1e-9)

    def test_principal_components_of_few_and_of_many_pictures(self):
        """Both ways to them measure the same."""
        pictures = torch.rand(12, 10, generator=torch.Generator().manual_seed(2))
        pictures[:, 5:] *= 0.01
        few, many = Frechet(pictures[:9], 4), Frechet(torch.cat([pictures[:9]] * 2), 4)
        assert few(pictures, pictures + 0.2) == pytest.approx(many(pictures, pictures + 0.2), rel=1e-6)
        assert few.explained == pytest.approx(many.explained, rel=1e-6)

    def test_sliced_wasserstein_of_a_shift(self):
        """A shift by a constant c: the mean over directions of |c| |sum of the direction|, which is c sqrt(2/pi) sqrt(size) for long ones."""
        one = torch.rand(20, 400, generator=torch.Generator().manual_seed(3))
        assert sliced_wasserstein(one, one + 0.1, directions=4000) == pytest.approx(0.1 * (2 / np.pi) ** 0.5 * 20, rel=0.05)
        with pytest.raises(ValueError, match=r"both sets must have one shape, got \(20, 400\) and \(19, 400\)"):
            sliced_wasserstein(one, one[1:])

    def test_jittered_mean(self, data):
        objects = gan.jittered_mean(data, 3)
        assert objects.shape == (3, len(gan.JUDGED), 4, 32, 32)
        assert objects[:, 0, 3].sum((1, 2)).numpy() == pytest.approx(data.images[:, 0, 3].mean(0).sum() / 255, rel=1e-5)
        assert (objects[0] - objects[1]).abs().max() > 0.05
