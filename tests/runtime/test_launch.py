"""Kernels called with little ado do what Taichi's own call does: with arrays of every library, again and again, and with arguments that do not fit."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from tqdm import tqdm

from taichi_softras import TaichiArrays, language, losses
from taichi_softras.language import ti
from taichi_softras.runtime import launch as launching
from taichi_softras.runtime.launch import _kinds, launch

FOUR = ti.types.vector(4, ti.f32)


@ti.kernel
def scale(x: ti.types.ndarray(dtype=ti.f32, ndim=2), y: ti.types.ndarray(dtype=ti.f32, ndim=2), factor: ti.f32, first: ti.i32):
    for i, j in ti.ndrange((first, x.shape[0]), x.shape[1]):
        y[i, j] += factor * x[i, j] * x[i, j]


@ti.kernel
def add_up(x: ti.types.ndarray(dtype=FOUR, ndim=1), y: ti.types.ndarray(dtype=ti.f32, ndim=1)):
    for i in range(x.shape[0]):
        y[i] = x[i].sum()


X = np.arange(12, dtype=np.float32).reshape(4, 3)


def expected(factor: float, first: int) -> np.ndarray:
    return np.where(np.arange(4)[:, None] >= first, factor * X * X, 0)


@pytest.fixture(autouse=True)
def started():
    TaichiArrays()


class TestArrays:
    def test_numpy(self):
        for factor, first in ((2.0, 0), (0.5, 1), (3, 2)):  # the first call compiles, the others do not
            y = np.zeros_like(X)
            launch(scale, (X, y, factor, first))
            np.testing.assert_array_equal(y, expected(factor, first))

    def test_sizes_change(self):
        for n in (4, 2, 3):
            y = np.zeros((n, 3), np.float32)
            launch(scale, (np.ascontiguousarray(X[:n]), y, 2.0, 0))
            np.testing.assert_array_equal(y, expected(2.0, 0)[:n])

    def test_ndarrays_and_their_gradient(self):
        for factor in (2.0, 0.5):
            x, y = TaichiArrays().parameter(X), TaichiArrays().parameter(np.zeros_like(X))
            launch(scale, (x, y, factor, 1))
            np.testing.assert_array_equal(y.to_numpy(), expected(factor, 1))
            y.grad.fill(1.0)
            launch(scale.grad, (x, y, factor, 1))
            np.testing.assert_array_equal(x.grad.to_numpy(), np.where(np.arange(4)[:, None] >= 1, 2 * factor * X, 0))

    def test_tensors_and_their_gradient(self):
        torch = pytest.importorskip("torch")
        for factor in (2.0, 0.5):
            x, y = torch.tensor(X, requires_grad=True), torch.zeros(4, 3, requires_grad=True)
            x.grad, y.grad = torch.zeros(4, 3), torch.ones(4, 3)
            launch(scale, (x.detach(), y.detach(), factor, 0))
            np.testing.assert_array_equal(y.detach().numpy(), expected(factor, 0))
            launch(scale.grad, (x, y, factor, 0))
            np.testing.assert_array_equal(x.grad.numpy(), 2 * factor * X)

    def test_kinds_take_turns(self):
        x, y = TaichiArrays().parameter(X), np.zeros_like(X)
        for given in (X, x, X, x):
            y.fill(0)
            launch(scale, (given, y, 2.0, 0))
            np.testing.assert_array_equal(y, expected(2.0, 0))

    @pytest.mark.parametrize("library", ["numpy", "torch"])
    def test_vectors(self, library):
        x, y = np.arange(24, dtype=np.float32).reshape(6, 4), np.zeros(6, np.float32)
        if library == "torch":
            torch = pytest.importorskip("torch")
            x, y = torch.from_numpy(x), torch.from_numpy(y)
        for _ in range(2):
            y[:] = 0
            launch(add_up, (x, y))
            np.testing.assert_array_equal(np.asarray(y), np.asarray(x).sum(1))


class TestWhatWasHandedOverBefore:
    """It is not handed over again, and what looks like it is."""

    def test_the_same_array_with_other_numbers(self):
        x, y = X.copy(), np.zeros_like(X)
        for factor in (1.0, 2.0, 3.0):
            x[:], y[:] = factor * X, 0
            launch(scale, (x, y, 1.0, 0))
            np.testing.assert_array_equal(y, factor**2 * X * X)

    def test_arrays_take_turns(self):
        arrays = [(k + 1) * X for k in range(3)]
        for k in (0, 1, 1, 2, 0, 0):
            y = np.zeros_like(X)
            launch(scale, (arrays[k], y, 1.0, 0))
            np.testing.assert_array_equal(y, (k + 1) ** 2 * X * X)

    def test_an_array_where_another_was(self):
        memory = np.zeros(1 << 16, np.float32)
        for n in (4, 3, 4):  # the same place, other shapes
            x = memory[: 3 * n].reshape(n, 3)
            x[:] = X[:n]
            y = np.zeros_like(x)
            launch(scale, (x, y, 1.0, 0))
            np.testing.assert_array_equal(y, X[:n] ** 2)
            del x

    def test_a_tensor_that_got_other_memory(self):
        torch = pytest.importorskip("torch")
        x, y = torch.tensor(X), torch.zeros(4, 3)
        launch(scale, (x, y, 1.0, 0))
        launch(scale, (x, y, 1.0, 0))
        x.set_(torch.tensor(3 * X[:2]))
        y.set_(torch.zeros(2, 3))
        launch(scale, (x, y, 1.0, 0))
        np.testing.assert_array_equal(y, 9 * X[:2] ** 2)

    def test_a_tensor_that_got_another_gradient(self):
        torch = pytest.importorskip("torch")
        x, y = torch.tensor(X, requires_grad=True), torch.zeros(4, 3, requires_grad=True)
        for factor in (1.0, 2.0, 3.0):
            x.grad, y.grad = torch.zeros(4, 3), torch.full((4, 3), factor)
            launch(scale.grad, (x, y, 1.0, 0))
            np.testing.assert_array_equal(x.grad, 2 * factor * X)

    def test_after_a_call_that_failed(self):
        y = np.zeros_like(X)
        for _ in range(2):
            launch(scale, (X, y, 1.0, 0))
        (prepared,) = (known for key, known in launching._prepared[scale._primal][1].items() if key == _kinds((X, y, 1.0, 0)))

        def fails(*_: object) -> None:
            raise KeyboardInterrupt

        setters = prepared.setters
        prepared.setters = [setters[0], fails, *setters[2:]]
        with pytest.raises(KeyboardInterrupt):
            launch(scale, (2 * X, y, 1.0, 0))
        prepared.setters = setters
        y.fill(0)
        launch(scale, (X, y, 1.0, 0))
        np.testing.assert_array_equal(y, X * X)


class TestWhatDoesNotFit:
    """Is refused as Taichi refuses it, at the first call and later ones."""

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ((X.astype(np.float64), X.copy(), 2.0, 0), ValueError),
            ((X[0], X.copy(), 2.0, 0), ValueError),
            ((X, X.copy(), 2.0, 0.5), TypeError),
            ((X, X.copy(), 2.0), language.CompilationError),
            ((X.repeat(2, 1)[:, ::2], X.copy(), 2.0, 0), ValueError),
        ],
        ids=["dtype", "dimensions", "float for int", "too few", "not contiguous"],
    )
    def test_refused(self, arguments, error):
        launch(scale, (X, X.copy(), 2.0, 0))
        for _ in range(2):
            with pytest.raises(error):
                launch(scale, arguments)

    def test_in_fortran_order(self):
        """Taichi copies it there and back."""
        x, y = np.asfortranarray(X), np.zeros_like(X)
        assert _kinds((x,)) is None
        for _ in range(2):
            y.fill(0)
            launch(scale, (x, y, 2.0, 0))
            np.testing.assert_array_equal(y, expected(2.0, 0))


def test_a_tape_sees_it():
    x, y, loss = (TaichiArrays().parameter(values) for values in (X, np.zeros_like(X), np.zeros(1)))
    launch(scale, (x, y, 2.0, 0))

    @ti.kernel
    def total(y: ti.types.ndarray(dtype=ti.f32, ndim=2), loss: ti.types.ndarray(dtype=ti.f32, ndim=1)):
        for i, j in y:
            loss[0] += y[i, j]

    with ti.ad.Tape(loss):
        launch(scale, (x, y, 2.0, 0))
        launch(total, (y, loss))
    np.testing.assert_array_equal(x.grad.to_numpy(), 4 * X)


def test_taichi_started_again(run_python):
    """A kernel is compiled anew, and runs."""
    run_python(
        "import numpy as np\n"
        "from taichi_softras.language import ti\n"
        "from taichi_softras import TaichiArrays\n"
        "from taichi_softras.kernels.losses import square_sum_op\n"
        "for _ in range(2):\n"
        "    ti.init(arch=ti.cpu)\n"
        "    arrays = TaichiArrays()\n"
        "    for _ in range(3):\n"
        "        x = np.ones((4, 3), np.float32)\n"
        "        (y,) = arrays.run(square_sum_op(arrays.variant), (x,), [(1,)], (1.0, 4))\n"
        "        assert y.to_numpy() == 12, y.to_numpy()\n"
    )


class TestCompiling:
    def test_quickly_unless_a_gradient_is_generated(self):
        config, kernel = language.config(), language.kernel_of(scale)
        for implementation, wanted in ((kernel, False), (scale.grad, True), (kernel, False)):
            with launching._compiled_as_ours(implementation):
                assert (config.cfg_optimization, config.opt_level) == (wanted, int(wanted))
            assert (config.cfg_optimization, config.opt_level) == (True, 1)

    def test_alike_expressions_where_it_is_asked_for(self):
        @language.thoroughly
        @ti.kernel
        def add(x: ti.types.ndarray(dtype=ti.f32, ndim=1)):
            for i in x:
                x[i] = x[i] + 1.0

        with launching._compiled_as_ours(language.kernel_of(add)):
            assert (language.config().cfg_optimization, language.config().opt_level) == (False, 1)
        x = np.zeros(3, np.float32)
        launch(add, (x,))
        assert x.tolist() == [1.0] * 3

    def test_what_fails_leaves_things_as_they_were(self):
        with pytest.raises(ZeroDivisionError), launching._compiled_as_ours(language.kernel_of(scale)):
            raise ZeroDivisionError
        assert (language.config().cfg_optimization, language.config().opt_level) == (True, 1)

    def test_the_gradient_of_a_sum_over_a_list(self):
        """Which comes out as NaN if Taichi generates it without that pass."""
        alpha, target = np.random.default_rng(0).random((2, 1, 9, 11))
        arrays = TaichiArrays()
        alpha, loss = arrays.parameter(alpha), arrays.parameter(np.zeros(1))
        with ti.ad.Tape(loss):
            losses.silhouette_iou(alpha, arrays.real(target), into=loss)
        assert np.isfinite(alpha.grad.to_numpy()).all()


class TestWaiting:
    """Whoever waits for kernels at a terminal is told so, once; a log is not, and nobody is where there is little to wait for."""

    @pytest.fixture
    def told(self, monkeypatch, capsys, tmp_path):
        def told(*, terminal: bool | None, cached: bool, seconds: float = 0.0) -> list[str]:
            if cached:
                (tmp_path / "ticache.tcb").touch()
            config = SimpleNamespace(offline_cache=True, offline_cache_file_path=str(tmp_path))
            monkeypatch.setattr(launching, "config", lambda: config)
            monkeypatch.setattr(launching, "_waiting", launching.Waiting(seconds=seconds))
            if terminal is not None:
                monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
            monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
            for _ in range(2):
                with launching._waited_for():
                    pass
            said = capsys.readouterr()
            assert said.out == ""
            return said.err.splitlines()

        return told

    def test_at_a_terminal_where_no_kernel_was_ever_compiled(self, told, tmp_path):
        (line,) = told(terminal=True, cached=False)
        assert line.startswith("taichi_softras: kernels are compiled")
        assert str(tmp_path) in line

    def test_where_it_takes_long_all_the_same(self, told):
        assert len(told(terminal=True, cached=True, seconds=10.0)) == 1

    def test_above_a_bar_not_in_its_line(self, told, monkeypatch):
        terminal = io.StringIO()
        monkeypatch.setattr(sys, "stderr", terminal)
        with tqdm(total=1, desc="steps", file=terminal):
            told(terminal=True, cached=False)
        assert "\rtaichi_softras: kernels are compiled" in terminal.getvalue()

    def test_not_where_they_are_in_the_cache(self, told):
        assert told(terminal=True, cached=True) == []

    def test_not_in_a_log(self, told):
        assert told(terminal=False, cached=False, seconds=10.0) == []

    @pytest.mark.parametrize("stream", [None, SimpleNamespace(write=len, flush=lambda: None)], ids=["none", "a log of its own"])
    def test_not_in_a_program_with_windows(self, told, monkeypatch, stream):
        """Which has no standard error, or puts something in its place that can be written to, and no more."""
        monkeypatch.setattr(sys, "stderr", stream)
        assert told(terminal=None, cached=False, seconds=10.0) == []
