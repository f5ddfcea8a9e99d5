"""Single-view reconstruction, in short: the data set's layout, the networks, a training that goes on after a kill, and one that two processes share."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import REPOSITORY
from scipy.spatial import KDTree

torch = pytest.importorskip("torch", reason="the demo trains with torch")

import taichi_softras as tsr  # noqa: E402
from demos.reconstruction import __main__ as program  # noqa: E402
from demos.reconstruction.data import VIEWS, ShapeData, cameras, solid_voxels, write_array  # noqa: E402
from demos.reconstruction.evaluation import evaluate_model, mean_shape, retrieval, voxels_of  # noqa: E402
from demos.reconstruction.families import FAMILIES, make_object  # noqa: E402
from demos.reconstruction.generate import GenerateOptions, corners_of, generate  # noqa: E402
from demos.reconstruction.network import ColorGenerator, NetworkOptions, Reconstructor  # noqa: E402
from demos.reconstruction.training import Losses, TrainOptions, surface_area, train  # noqa: E402
from demos.training import read_state  # noqa: E402

SMALL = ("--image-size", "16", "--target-size", "16", "--width", "8", "--subdivisions", "1", "--norm", "group", "--batch", "4")
NETWORK = NetworkOptions(image_size=16, width=8, hidden=32, code=16, decoder=16, subdivisions=1, norm="group")

ONE_LANE = """
import json, sys
from taichi_softras.interop import bridge
from taichi_softras.kernels.variant import Storage, Variant

def one_lane(arch, real, storage=Storage.ARRAY):  # the same kernels, which compile several times faster
    return Variant(real=real, storage=storage, lanes=1, tile_width=8, tile_height=8)

bridge.variant_of = one_lane
from demos.reconstruction.__main__ import main
for arguments in json.loads(sys.argv[1]):
    main(arguments)
"""


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """A script that runs commands of the program, given as JSON, one after the other."""
    path = tmp_path_factory.mktemp("script") / "commands.py"
    path.write_text(ONE_LANE)
    return str(path)


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    generate(folder, GenerateOptions(train=3, val=1, test=1, families=("chair", "lamp")))
    return folder


@pytest.fixture(scope="module")
def data(data_folder):
    return ShapeData.load(data_folder, "train", image_size=16)


class TestFamilies:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_objects(self, family):
        shapes = [np.concatenate([part.points for part in make_object(family, np.random.default_rng(seed))]) for seed in range(8)]
        for points in shapes:
            np.testing.assert_allclose(points.min(0), -points.max(0), atol=1e-9)
            assert np.ptp(points, 0).max() == pytest.approx(1)
            assert KDTree(points).query(points * [-1, 1, 1])[0].max() < 1e-6  # its own mirror image
        assert np.std([np.ptp(points, 0) for points in shapes], 0).max() > 0.05  # no two alike

    def test_voxels_are_where_the_parts_are(self):
        parts = make_object("chair", np.random.default_rng(5))
        corners = corners_of(parts)
        voxels = solid_voxels(torch.from_numpy(corners).float(), np.zeros(len(corners), np.int32), 1)[0]
        grid = np.stack(np.meshgrid(*[((np.arange(32) + 0.5) / 32 - 0.5) * 32 / 31] * 3, indexing="ij"), -1)  # [x, y, z]
        inside = np.any([part.contains(grid) for part in parts], 0).transpose(1, 0, 2)
        assert inside.sum() > 100
        assert not (inside & ~voxels).any()
        near = np.zeros_like(inside)
        for shift in np.ndindex(3, 3, 3):
            near |= np.roll(inside, np.array(shift) - 1, (0, 1, 2))
        assert (voxels & ~near).sum() < 0.25 * voxels.sum()  # thin parts cross voxels whose middle is outside

    def test_unknown_family(self):
        with pytest.raises(ValueError, match=r"family must be one of airplane, .* got 'boat'"):
            make_object("boat", np.random.default_rng(0))


class TestData:
    def test_layout(self, data_folder):
        with np.load(data_folder / "chair_train_images.npz", allow_pickle=False) as file:
            images = file["arr_0"]
        with np.load(data_folder / "chair_train_voxels.npz", allow_pickle=False) as file:
            voxels = file["arr_0"]
        assert images.shape == (3, VIEWS, 4, 64, 64)
        assert images.dtype == np.uint8
        assert voxels.shape == (3, 32, 32, 32)
        assert images[:, :, 3].max() == 255
        assert images[:, :, :3].max() > 60

    def test_voxels_and_pictures_agree(self, data_folder):
        """The middles of solid voxels, seen through the camera of a view, are on its silhouette, and cover it; through another view's they do not."""
        data = ShapeData.load(data_folder, "train")
        y, x, z = np.nonzero(data.voxels[0])
        points = ((np.stack([x, y, z], -1) + 0.5) / 32 - 0.5) * 32 / 31
        agreement = []
        for view in (2, 8):
            camera = cameras(np.array([view]))
            in_camera = points @ camera.camera_from_world[0, :, :3].T + camera.camera_from_world[0, :, 3]
            screen = in_camera[:, :2] / -in_camera[:, 2:] * camera.intrinsics[0, :2]
            column, row = ((screen[:, 0] + 1) * 32).astype(int), ((1 - screen[:, 1]) * 32).astype(int)
            covered = np.zeros((64, 64), bool)
            covered[row, column] = True
            for axis in (0, 1):  # a voxel is about one and a half pixels wide
                covered |= np.roll(covered, 1, axis)
            truth = data.images[0, 2, 3] > 127
            agreement.append((covered & truth).sum() / (covered | truth).sum())
        assert agreement[0] > 0.75
        assert agreement[1] < agreement[0] - 0.1

    def test_generation_goes_on_and_repeats_itself(self, data_folder, tmp_path):
        path = data_folder / "lamp_val_images.npz"
        before = ShapeData.load(data_folder, "val").images
        path.unlink()
        generate(data_folder, GenerateOptions(train=3, val=1, test=1, families=("chair", "lamp")))
        np.testing.assert_array_equal(ShapeData.load(data_folder, "val").images, before)
        with pytest.raises(ValueError, match="holds data of other options"):
            generate(data_folder, GenerateOptions(train=4, val=1, test=1))

    def test_batches_follow_from_their_step(self, data):
        whole, again, other = data.batch(4, 7, 0), data.batch(4, 7, 0), data.batch(4, 8, 0)
        torch.testing.assert_close(whole.images, again.images)
        assert not torch.equal(whole.images, other.images)
        halves = [data.batch(4, 7, 0, (i, 2)) for i in range(2)]
        views = [np.concatenate([half.views[k : k + 2] for half in halves]) for k in (0, 2)]
        np.testing.assert_array_equal(np.concatenate(views), whole.views)

    def test_augmentation(self, data):
        """The same objects; a flipped silhouette is the one from the opposite side (the families are their own mirror images); colours change places."""
        plain, changed = data.batch(32, 3, 0), data.batch(32, 3, 0, augment=True)
        flipped = changed.views != plain.views
        np.testing.assert_array_equal(changed.views[flipped], -plain.views[flipped] % VIEWS)
        sure = ~np.isin(plain.views, [0, 12]).reshape(2, 32).any(0)  # these views are their own opposite
        np.testing.assert_array_equal(flipped[:32][sure], flipped[32:][sure])
        assert 5 < flipped[:32].sum() < 27
        unflipped = torch.where(torch.from_numpy(flipped)[:, None, None, None], changed.images.flip(-1), changed.images)
        same = ~(flipped | np.isin(plain.views, [0, 12]))
        torch.testing.assert_close(changed.images[same, 3], plain.images[same, 3])
        torch.testing.assert_close(unflipped[flipped, 3], plain.images[flipped, 3])
        torch.testing.assert_close(changed.images[same, :3].sort(1).values, plain.images[same, :3].sort(1).values)
        assert (changed.images[same, :3] - plain.images[same, :3]).abs().max() > 0.1
        turned = torch.from_numpy(data.images[0, -changed.views % VIEWS, 3] / 255.0 - data.images[0, changed.views, 3][..., ::-1] / 255.0)
        assert turned.abs().mean() < 0.02
        halves = [data.batch(4, 7, 0, (i, 2), augment=True) for i in range(2)]
        whole = data.batch(4, 7, 0, augment=True).images
        torch.testing.assert_close(torch.cat([half.images[k : k + 2] for k in (0, 2) for half in halves]), whole)

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (np.zeros((2, VIEWS, 4, 32, 32), np.uint8), r"must have shape \(N, 24, 4, 64, 64\), got \(2, 24, 4, 32, 32\)"),
            (np.zeros((3, VIEWS, 4, 64, 64), np.uint8), "as many images as voxels, and one at least, got 3 and 2"),
            (np.array([None]), "must be an .npz file with an array arr_0, got ValueError: Object arrays"),
        ],
    )
    def test_wrong_files(self, tmp_path, images, message):
        np.savez(tmp_path / "boat_train_images.npz", images)
        write_array(tmp_path / "boat_train_voxels.npz", np.zeros((2, 32, 32, 32), bool))
        with pytest.raises(ValueError, match=message):
            ShapeData.load(tmp_path, "train")

    def test_no_files(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"there is no file \*_train_images.npz in"):
            ShapeData.load(tmp_path, "train")


class TestNetwork:
    def test_shapes_and_template(self):
        model = Reconstructor(NETWORK)
        vertices, colors = model(torch.rand(3, 4, 16, 16))
        assert vertices.shape == (3, 42, 3)
        assert vertices.abs().max() <= 0.5
        assert colors is None
        torch.nn.init.zeros_(model.shape.bias.weight)
        torch.nn.init.zeros_(model.shape.bias.bias)
        torch.nn.init.zeros_(model.shape.centroid.weight)
        torch.nn.init.zeros_(model.shape.centroid.bias)
        torch.testing.assert_close(model(torch.rand(1, 4, 16, 16))[0].norm(dim=-1), torch.full((1, 42), 0.25))

    def test_symmetric_shapes(self):
        """Whatever the network says, every vertex has its mirror image; larger pictures are reduced to its size."""
        torch.manual_seed(0)
        model = Reconstructor(NetworkOptions(**{**vars(NETWORK), "symmetric": True})).eval()
        images = torch.rand(2, 4, 16, 16)
        vertices = model(images)[0].detach()
        assert vertices.std(0).max() > 1e-4
        across = vertices * torch.tensor([-1.0, 1.0, 1.0])
        assert (across[:, :, None] - vertices[:, None]).norm(dim=-1).min(-1).values.max() < 1e-6
        larger = images.repeat_interleave(2, -1).repeat_interleave(2, -2)
        torch.testing.assert_close(model(larger)[0].detach(), vertices)

    def test_surface_area(self):
        ball = tsr.Mesh.icosphere(3)
        vertices = torch.from_numpy(ball.vertices).double()
        area = surface_area(torch.stack([vertices, 2 * vertices]), torch.from_numpy(np.asarray(ball.faces)))
        torch.testing.assert_close(area / (4 * np.pi), torch.tensor([1.0, 4.0], dtype=torch.float64), rtol=0.02, atol=0)

    def test_colors_are_the_picture_s(self):
        """Of a picture in two colours, over black, only their mixtures can come out, wherever the background is."""
        torch.manual_seed(0)
        generator = ColorGenerator(NetworkOptions(palette=4, code=8, hidden=16, embedding=8), 20)
        images = torch.zeros(1, 4, 32, 32)
        images[0, :, 8:16, 8:24] = torch.tensor([1.0, 0.5, 0.2, 1.0])[:, None, None]
        images[0, :, 16:24, 8:24] = torch.tensor([0.2, 0.5, 0.8, 1.0])[:, None, None]
        colors = generator(images, torch.rand(1, 8))
        assert colors.shape == (1, 20, 3)
        torch.testing.assert_close(colors[..., 1], torch.full((1, 20), 0.5), atol=1e-3, rtol=0)
        assert (colors[..., 0] >= 0.2 - 1e-3).all()
        assert (colors[..., 0] <= 1).all()
        torch.testing.assert_close(colors[..., 0] + colors[..., 2] * 0.8 / 0.6, torch.full((1, 20), 1.0 + 0.2 * 0.8 / 0.6), atol=2e-3, rtol=0)

    def test_every_parameter_learns(self, data):
        """The colour loss reaches both networks of the generator, and the shape."""
        options = NetworkOptions(**{**vars(NETWORK), "palette": 4})
        torch.manual_seed(1)
        model = Reconstructor(options)
        batch = data.batch(2, 0, 0)
        parts = Losses(TrainOptions(steps=10, sigma=1e-3), model.faces, model.n_vertices)(*model(batch.images), batch, 0)
        assert parts["total"].item() == pytest.approx(sum(part.item() for name, part in parts.items() if name != "total"), rel=1e-5)
        parts["color"].backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name

    def test_wrong_options(self):
        with pytest.raises(ValueError, match="norm must be batch or group, got 'layer'"):
            NetworkOptions(norm="layer")
        with pytest.raises(ValueError, match="image_size must be a multiple of 8, got 20"):
            NetworkOptions(image_size=20)


class TestSchedule:
    def test_rate_and_sigma(self):
        released = TrainOptions()
        assert [released.late(step) for step in (0, 149_999, 150_000, 249_999)] == [1.0, 1.0, 0.3, 0.3]
        assert released.sigma_at(0) == pytest.approx(1e-4)
        assert released.sigma_at(200_000) == pytest.approx(3e-5)
        quick = TrainOptions(steps=100, sigma_start=1e-2)
        assert [quick.sigma_at(step) for step in (0, 15, 30)] == pytest.approx([1e-2, 1e-3, 1e-4])
        assert [released.rate_at(step) for step in (0, 150_000)] == pytest.approx([1e-4, 3e-5])
        wave = TrainOptions(steps=100, rate=1.0, cosine=True)
        assert [wave.rate_at(step) for step in (0, 25, 50, 100)] == pytest.approx([1, 0.5 + 0.125**0.5, 0.5, 0], abs=1e-12)


class TestTraining:
    @staticmethod
    def arguments(data_folder, out, *more):
        return ["train", str(data_folder), "-o", str(out), "--quick", *SMALL, "--deterministic", "--threads", "1", "--save-every", "3", *more]

    def test_goes_on_after_a_kill(self, data_folder, tmp_path, commands, run_python):
        """SIGKILL, at any moment: the same command then ends with the losses, and the weights, of a run that nobody disturbed."""
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "TI_SKIP_VERSION_CHECK": "ON", "OMP_WAIT_POLICY": "passive"}
        killed, whole = (self.arguments(data_folder, tmp_path / name, "--steps", "24") for name in ("killed", "whole"))
        process = subprocess.Popen(
            [sys.executable, commands, json.dumps([killed])], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        state, give_up = tmp_path / "killed" / "state.pt", time.monotonic() + 120
        while not state.is_file() and time.monotonic() < give_up:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        reached = read_state(state)["step"]
        assert 0 < reached < 24
        run_python("import torch\n" + ONE_LANE.replace("sys.argv[1]", repr(json.dumps([killed, whole]))))
        resumed, whole = read_state(state), read_state(tmp_path / "whole" / "state.pt")
        assert resumed["step"] == 24
        assert len(resumed["losses"]) == 24
        torch.testing.assert_close(resumed["losses"], whole["losses"], atol=0, rtol=0)
        for name, weights in whole["model"].items():
            torch.testing.assert_close(resumed["model"][name], weights, atol=0, rtol=0)
        assert whole["losses"][-8:, 1].mean() < whole["losses"][:8, 1].mean()

    def test_two_processes_are_as_one(self, data_folder, tmp_path, commands, one_lane):
        """Two processes with halves of the batch end with the parameters of one with all of it."""
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "TI_SKIP_VERSION_CHECK": "ON", "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}
        program.main(["train", str(data_folder), "-o", str(tmp_path / "one"), "--quick", *SMALL, "--steps", "4", "--color", "--no-cosine"])
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
        shared = self.arguments(data_folder, tmp_path / "two", "--steps", "4", "--color", "--no-cosine")
        subprocess.run([*launch, commands, json.dumps([shared])], cwd=REPOSITORY, env=environment, check=True, capture_output=True)
        one, two = (read_state(tmp_path / name / "state.pt") for name in ("one", "two"))
        torch.testing.assert_close(two["losses"], one["losses"], atol=1e-5, rtol=1e-4)
        torch.manual_seed(0)
        start = Reconstructor(NetworkOptions(**one["network"])).state_dict()
        initial, alone, together = (torch.cat([weights.flatten().double() for weights in model.values()]) for model in (start, one["model"], two["model"]))
        assert (alone - initial).abs().max() > 1e-3
        # by their sum of squares: Adam takes a whole step where a gradient is nothing but rounding, so that single weights may lie anywhere
        assert (together - alone).norm() < 1e-3 * (alone - initial).norm()

    def test_stops_and_refuses_other_options(self, data, tmp_path):
        options = TrainOptions(steps=4, batch=2)
        assert not train(data, tmp_path, NETWORK, options, stop_after=1)
        assert read_state(tmp_path / "state.pt")["step"] == 1
        with pytest.raises(ValueError, match="belongs to a training with other rate; give the same options"):
            train(data, tmp_path, NETWORK, TrainOptions(steps=4, batch=2, rate=1e-3))
        assert train(data, tmp_path, NETWORK, options)
        assert json.loads((tmp_path / "train.json").read_text())["train"]["steps"] == 4

    def test_begins_with_the_weights_of_another(self, data, tmp_path):
        assert train(data, tmp_path / "first", NETWORK, TrainOptions(steps=2, batch=2, rate=1e-3))
        assert train(data, tmp_path / "second", NETWORK, TrainOptions(steps=1, batch=2, rate=1e-12, seed=5), begin_with=tmp_path / "first")
        first, second = (read_state(tmp_path / name / "state.pt")["model"] for name in ("first", "second"))
        for name, weights in first.items():
            torch.testing.assert_close(second[name], weights, atol=1e-6, rtol=0)
        colored = NetworkOptions(**{**vars(NETWORK), "palette": 4})
        assert train(data, tmp_path / "colored", colored, TrainOptions(steps=1, batch=2, rate=1e-12), begin_with=tmp_path / "first")
        weights = read_state(tmp_path / "colored" / "state.pt")["model"]
        assert {name.split(".")[0] for name in weights.keys() - first.keys()} == {"color"}
        torch.testing.assert_close(weights["shape.bias.weight"], first["shape.bias.weight"], atol=1e-6, rtol=0)
        larger = NetworkOptions(**{**vars(NETWORK), "hidden": 40})
        with pytest.raises(ValueError, match="belongs to a training with other hidden; give the same options"):
            train(data, tmp_path / "third", larger, TrainOptions(steps=1, batch=2), begin_with=tmp_path / "first")

    def test_wrong_state(self, tmp_path):
        (tmp_path / "state.pt").write_bytes(b"nothing")
        with pytest.raises(ValueError, match="must be a training's state, got"):
            read_state(tmp_path / "state.pt")


class TestEvaluation:
    def test_baselines(self, data):
        """Asked about what it has seen, retrieval finds the very object; the mean shape does not."""
        found, mean = retrieval(data, data, views=4), mean_shape(data, data)
        assert all(iou > 0.9 for iou in found.values())
        assert all(0.1 < mean[name] < found[name] for name in data.classes)

    def test_iou_of_a_known_answer(self, data):
        """A network that always answers with one ball has the IoU of that ball's voxels."""
        model = Reconstructor(NETWORK).eval()

        class Answer(torch.nn.Module):
            options, faces = model.options, model.faces

            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(torch.ones(()))

            def forward(self, images):
                base = 2 * model.shape.sign * torch.sigmoid(model.shape.logit)
                return (0.4 * base * self.weight).expand(len(images), -1, -1), None

        iou = evaluate_model(Answer(), data, views=2)
        own = voxels_of(Answer()(torch.zeros(1, 4, 16, 16))[0].detach(), model.faces)
        for name in data.classes:
            truth = data.voxels[data.objects(name)]
            expected = ((own & truth).sum((1, 2, 3)) / (own | truth).sum((1, 2, 3))).mean()
            assert iou[name] == pytest.approx(expected)

    def test_command(self, data_folder, tmp_path, capsys):
        pytest.importorskip("matplotlib", reason="curves are drawn with matplotlib")
        own = ["train", str(data_folder), "-o", str(tmp_path / "run"), "--quick", *SMALL, "--steps", "2", "--color"]
        program.main(own)
        program.main(["evaluate", str(data_folder), "-o", str(tmp_path), "--runs", f"colour={tmp_path / 'run'}", "--views", "2"])
        table = capsys.readouterr().out.splitlines()
        assert table[0] == "| | chair | lamp | mean |"
        assert [line.split(" |")[0] for line in table[2:5]] == ["| retrieval", "| mean shape", "| colour"]
        assert all((tmp_path / name).is_file() for name in ("sheet.png", "curves.png", "iou.md"))
        told = json.loads((tmp_path / "iou.json").read_text())
        assert told["runs"]["colour"]["steps"] == 2
        assert set(told["iou"]["colour"]) == {"chair", "lamp"}

    def test_fit_without_a_network(self, data_folder, capsys):
        """Fitted straight to an object's pictures, the template comes nearer to it than the ball that it is (whose IoU is below 0.25)."""
        program.main(["fit", str(data_folder), "--objects", "1", "--split", "train", "--steps", "60", "--target-size", "16", "--subdivisions", "1"])
        table = capsys.readouterr().out.splitlines()
        assert table[0] == "| | chair | lamp | mean |"
        assert table[2].startswith("| fitted | ")
        assert all(float(cell) > 0.25 for cell in table[2].split(" | ")[1:3])

    def test_wrong_arguments(self, data_folder, tmp_path):
        with pytest.raises(ValueError, match="--runs must be NAME=FOLDER, got nothing"):
            program.main(["evaluate", str(data_folder), "-o", str(tmp_path), "--runs", "nothing"])
        with pytest.raises(ValueError, match="--palette needs --color"):
            program.main(["train", str(data_folder), "-o", str(tmp_path), "--palette", "3"])
        with pytest.raises(ValueError, match=r"--target-size must be 64 \(that of the pictures given\) or more, got 32"):
            program.main(["train", str(data_folder), "-o", str(tmp_path), "--target-size", "32"])
