"""The demo of the cube's pose, in short: its rotations and slopes are right, it finds poses, and it goes on where it was interrupted."""

import importlib.util
import json

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

torch = pytest.importorskip("torch", reason="these demos use torch")

TINY = ("--groups", "80", "--problems", "3", "--size", "32")


@pytest.fixture(scope="module")
def pose():
    spec = importlib.util.spec_from_file_location("pose", REPOSITORY / "demos" / "pose.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestRotations:
    def test_even_from_all(self, pose):
        """Two rotations that are drawn evenly are 126.48 degrees apart on average: pi/2 + 2/pi."""
        one, other = (pose.random_rotations(20000, torch.Generator().manual_seed(seed)) for seed in (0, 1))
        np.testing.assert_allclose(one @ one.transpose(1, 2), torch.eye(3).expand(20000, 3, 3), atol=1e-5)
        assert pose.degrees_between(one, other).mean().item() == pytest.approx(np.degrees(np.pi / 2 + 2 / np.pi), abs=0.8)

    @pytest.mark.parametrize("degrees", [1e-3, 20.0, 179.9])
    def test_angle_of_a_turn(self, pose, degrees):
        generator = torch.Generator().manual_seed(0)
        start = pose.random_rotations(5, generator)
        turned = pose.turn(np.radians(degrees) * pose.random_axes(5, generator)) @ start
        np.testing.assert_allclose(pose.degrees_between(turned, start), degrees, rtol=3e-2 if degrees < 1 else 1e-3)

    def test_spread(self, pose):
        spread = pose.spread_rotations()
        assert torch.equal(spread[0], torch.eye(3))
        assert len({tuple(matrix.flatten().tolist()) for matrix in spread}) == 24
        some = pose.random_rotations(2000, torch.Generator().manual_seed(0))
        nearest = pose.degrees_between(some[:, None], spread).min(1).values
        assert 55 < nearest.max() < 62.9


class TestSlopes:
    def test_finite_differences(self, pose):
        problems = pose.Problems("50", 2, 32, seed=3)
        softness, which, step = problems.cubes.stage.soft(3e-3, 0.3), torch.arange(2), 2e-3
        _, slopes = pose.losses_and_slopes(problems, which, torch.zeros(2, 3), problems.start, softness, 32, pose.squared)
        for k in range(3):
            turns = [pose.turn(sign * step * torch.eye(3)[k]) @ problems.start for sign in (1, -1)]
            more, less = (pose.losses_alone(problems, which, turned, softness, 32, pose.squared) for turned in turns)
            np.testing.assert_allclose(slopes[:, k], (more - less) / (2 * step), atol=0.02 * slopes.abs().max().item())

    def test_the_lamp_is_seen(self, pose):
        """Faces have one colour each, whatever their pose, only where there is no lamp."""
        turned = pose.random_rotations(2, torch.Generator().manual_seed(0))
        lit, flat = (pose.Cubes(stage).sharp(turned, 32).flatten(0, 2) for stage in (pose.LE_LIDEC_STAGE, pose.SOFTRAS_STAGE))
        from_palette = [(pixels[:, None] - torch.tensor(pose.COLORS)).abs().amax(-1).amin(1)[pixels.amax(1) > 0.2] for pixels in (lit, flat)]
        assert from_palette[1].max() < 1e-3
        assert from_palette[0].median() > 0.05

    def test_faces_seen(self, pose):
        """As many as there are colours in a picture; one alone looks the same after a quarter of a turn."""
        cubes, poses = pose.Cubes(pose.SOFTRAS_STAGE), pose.random_rotations(60, torch.Generator().manual_seed(1))
        pictures, seen = cubes.sharp(poses, 128), cubes.faces_seen(poses)
        colors = (pictures[:, None] - torch.tensor(pose.COLORS)[:, None, None]).abs().amax(-1) < 0.01
        np.testing.assert_array_equal(colors.flatten(2).any(2).sum(1), seen)
        assert set(seen.tolist()) == {1, 2, 3}

    def test_stages_show_as_much_as_the_published_animation(self, pose):
        cubes, poses = pose.Cubes(pose.SOFTRAS_STAGE), pose.random_rotations(24, torch.Generator().manual_seed(0))
        published = (11300, 5100, 3430, 2930, 2840)
        for (sigma, gamma), area in zip(pose.FiveStages.SOFTNESS, published, strict=True):
            with torch.no_grad():
                shown = cubes(poses, cubes.stage.soft(sigma, gamma), 128).amax(-1) > 0.5 / 255
            assert shown.sum((1, 2)).float().mean().item() == pytest.approx(area, rel=0.06), sigma


class TestTheProgram:
    def test_it_finds_poses(self, run_demo, tmp_path, capsys):
        run_demo("pose", "-o", "out", *TINY, "--renders", "400")
        out = tmp_path / "out"
        results = json.loads((out / "results.json").read_text())["results"]["80"]
        assert results["start"]["mean"] == pytest.approx(80, abs=0.1)
        assert results["several starts"]["mean"] < 10
        assert all(results[name]["renders"] <= 400 for name in ("plain", "one start", "several starts"))
        assert "Gaussian-perturbed (Le Lidec et al.), published | 800 | 25.3 | 34.9 | | 67 %" in capsys.readouterr().out
        for name in ("poses.png", "landscape.png"):
            assert np.asarray(Image.open(out / name).convert("RGB"), np.float64).std() > 10
        with Image.open(out / "poses.gif") as animation:
            assert animation.n_frames > 10

    def test_it_goes_on_after_an_interruption(self, run_demo, tmp_path):
        def end_after(steps: int):
            def prepare(module):
                step = module.Recipe.step

                def counting(recipe):
                    if counting.left == 0:
                        raise KeyboardInterrupt
                    counting.left -= 1
                    return step(recipe)

                counting.left = steps
                module.Recipe.step, module.SAVE_EVERY = counting, 0.0
                module.landscape = lambda *_: []

            return prepare

        for steps in (60, 160, 110):  # within the first recipe, the second, the third
            with pytest.raises(KeyboardInterrupt):
                run_demo("pose", "-o", "broken", *TINY, "--renders", "160", prepare=end_after(steps))
        for folder in ("broken", "whole"):
            run_demo("pose", "-o", folder, *TINY, "--renders", "160", prepare=end_after(-1))
        broken, whole = (json.loads((tmp_path / folder / "results.json").read_text())["results"]["80"] for folder in ("broken", "whole"))
        for name in ("plain", "one start", "several starts"):
            assert broken[name]["errors"] == whole[name]["errors"], name

    def test_results_of_other_options(self, run_demo, tmp_path):
        (tmp_path / "out" / "state").mkdir(parents=True)
        torch.save({"key": "others", "state": {}}, tmp_path / "out" / "state" / "80_plain.pt")
        with pytest.raises(ValueError, match=r"OUT must be a new folder, or hold results of the same options \(.*\), got others"):
            run_demo("pose", "-o", "out", *TINY)

    def test_wrong_numbers(self, run_demo):
        with pytest.raises(ValueError, match=r"--size 32 and a multiple of it, .* got 3, 36, 160 and 0"):
            run_demo("pose", "--problems", "3", "--size", "36", "--renders", "160")


def test_recalled_figures_are_marked(pose):
    text = pose.table({"uniform": {}, "20": {}})
    for name, (without, scheduled) in pose.RECALLED.items():
        (line,) = (line for line in text.splitlines() if f"{without:.2f} / {scheduled:.2f}" in line)
        assert name in line
        assert "recalled" in line
