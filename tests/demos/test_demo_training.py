"""What the demos' trainings share, on a network of one layer: a run goes on after any end, states are refused with a sentence, programs end with one."""

import signal

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the demos train with torch")

from demos.program import check_folder, check_ranges, program_parser, run_program  # noqa: E402
from demos.training import Run, check_same, chosen, descend, read_state, smoothed  # noqa: E402


def run_of(folder, steps=6, rate=0.1):
    """A run that fits a line, and what makes a step of it."""
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), rate)

    def advance(step):
        points = torch.from_numpy(np.random.default_rng(step).normal(size=(8, 2))).float()
        loss = (model(points)[:, 0] - points[:, 0]).square().mean()
        descend(optimizer, loss, rate * (1 - step / steps), clip=1.0)
        return {"loss": loss, "twice": 2 * loss}

    return Run(folder, steps, {"options": {"rate": rate, "steps": steps}}, {"model": model, "optimizer": optimizer}), advance


class TestRun:
    def test_it_goes_on_with_the_same_numbers(self, tmp_path):
        """After so many steps, after Ctrl-C, after a step that fails: always from the last state."""

        def fails(advance, at, how):
            def step_or_fail(step):
                if step == at:
                    how()
                return advance(step)

            return step_or_fail

        def breaks():
            raise RuntimeError("the end")

        before = signal.getsignal(signal.SIGINT)
        whole, advance = run_of(tmp_path / "whole")
        assert not whole.load()
        assert whole.go(advance, save_every=4, stop_after=None)
        run, advance = run_of(tmp_path / "parts")
        assert not run.go(advance, save_every=4, stop_after=1)
        run, advance = run_of(tmp_path / "parts")
        assert run.load()
        assert not run.go(fails(advance, 2, lambda: signal.raise_signal(signal.SIGINT)), save_every=4, stop_after=None)  # the step is finished
        run, advance = run_of(tmp_path / "parts")
        run.load()
        assert run.step == 3
        with pytest.raises(RuntimeError, match="the end"):
            run.go(fails(advance, 5, breaks), save_every=4, stop_after=None)
        assert signal.getsignal(signal.SIGINT) is before
        run, advance = run_of(tmp_path / "parts")
        run.load()
        assert run.step == 4
        assert run.go(advance, save_every=4, stop_after=None)
        one, other = (read_state(tmp_path / name / "state.pt", {"model", "losses"}) for name in ("whole", "parts"))
        assert one["losses"].shape == (6, 2)
        torch.testing.assert_close(one["losses"], other["losses"], atol=0, rtol=0)
        torch.testing.assert_close(one["model"], other["model"], atol=0, rtol=0)

    def test_other_options(self, tmp_path):
        run, advance = run_of(tmp_path)
        run.go(advance, save_every=4, stop_after=1)
        with pytest.raises(ValueError, match="belongs to a training with other rate, steps; give the same options"):
            run_of(tmp_path, steps=7, rate=0.2)[0].load()
        assert run_of(tmp_path, steps=7)[0].load(free=("steps",))
        with pytest.raises(ValueError, match="with other rate; give"):
            run_of(tmp_path, steps=7, rate=0.2)[0].load(free=("steps",))
        with pytest.raises(ValueError, match="with other classes; give"):
            check_same(tmp_path, {"classes": ["car"]}, {"classes": ["chair"]})

    def test_a_state_of_something_else(self, tmp_path):
        torch.save({"step": 1}, tmp_path / "state.pt")
        with pytest.raises(ValueError, match="must be a training's state, got ValueError: it lacks losses, model, optimizer, seconds"):
            run_of(tmp_path)[0].load()


def test_the_gradient_is_clipped_and_the_rate_is_the_one_given():
    weight = torch.zeros(2, requires_grad=True)
    descend(torch.optim.SGD([weight], 1.0), (weight * torch.tensor([30.0, 40.0])).sum(), 0.1, clip=5.0)
    torch.testing.assert_close(weight.detach(), torch.tensor([-0.3, -0.4]))


def test_smoothed():
    assert smoothed(np.arange(4.0), 2).tolist() == [0.5, 1.5, 2.5]
    assert smoothed(np.arange(3.0), 50).tolist() == [1.0]


class TestProgram:
    def test_options(self, tmp_path):
        parser = program_parser("told", "out/here")
        parser.add_argument("--quick", action="store_true")
        parser.add_argument("--steps", type=int)
        options = parser.parse_args(["--quick"])
        assert options.out.as_posix() == "out/here"
        assert chosen(options, ("steps",), {"steps": 3, "batch": 2}) == {"steps": 3, "batch": 2}
        assert chosen(parser.parse_args(["--steps", "5"]), ("steps",), {"steps": 3}) == {"steps": 5}
        with pytest.raises(SystemExit):
            program_parser("told").parse_args([])
        check_ranges(parser.parse_args(["--steps", "5"]), steps=(1, 5))
        with pytest.raises(ValueError, match="--steps must be between 1 and 4, got 5"):
            check_ranges(parser.parse_args(["--steps", "5"]), steps=(1, 4))
        check_folder(tmp_path / "new")
        (tmp_path / "file").touch()
        with pytest.raises(ValueError, match="OUT must be a folder, got the file"):
            check_folder(tmp_path / "file")

    def test_its_end_is_a_sentence(self):
        def raises(error):
            def main():
                raise error

            return main

        with pytest.raises(SystemExit, match=r"^room: --size must be 20$"):
            run_program("room", raises(ValueError("--size must be 20")))
        with pytest.raises(SystemExit, match=r"^pose: interrupted; the same command goes on$"):
            run_program("pose", raises(KeyboardInterrupt()), goes_on=True)
        with pytest.raises(KeyboardInterrupt):
            run_program("room", raises(KeyboardInterrupt()))
        with pytest.raises(TypeError):  # a fault of the program, which a traceback tells more of
            run_program("room", raises(TypeError()))
