"""Animations: how long their frames last, as another reader sees them."""

import numpy as np
import pytest
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.recover import save_animation, turntable


def shades(n: int) -> np.ndarray:
    """[n, 4, 6, 3] pictures that all differ: the number of each is its red times 255."""
    pictures = np.zeros((n, 4, 6, 3))
    pictures[..., 0] = (np.arange(n) / 255)[:, None, None]
    return pictures


def frames_of(path) -> tuple[list[int], list[int]]:
    """The number of each frame (see `shades`) and its duration, milliseconds."""
    numbers, durations = [], []
    with Image.open(path) as film:
        for i in range(film.n_frames):
            film.seek(i)
            numbers.append(film.convert("RGB").getpixel((0, 0))[0])
            durations.append(film.info["duration"])
    return numbers, durations


class TestTimes:
    @pytest.mark.parametrize(
        ("n", "seconds", "shown"), [(48, 4.0, 48), (7, 1.0, 7), (60, 1.0, 50), (50, 1.0, 50), (200, 1.005, 50), (1, 2.5, 1), (3, 600.0, 3), (90, 0.001, 1)]
    )
    def test_add_up(self, tmp_path, n, seconds, shown):
        save_animation(tmp_path / "a.gif", shades(n), seconds)
        numbers, durations = frames_of(tmp_path / "a.gif")
        assert len(numbers) == shown
        assert sum(durations) == max(10 * round(100 * seconds), 20)
        assert min(durations) >= 20
        assert max(durations) - min(durations) <= 10

    def test_what_is_left_out_is_spread_evenly(self, tmp_path):
        save_animation(tmp_path / "a.gif", shades(60), 1.0)
        numbers, _ = frames_of(tmp_path / "a.gif")
        assert numbers[0] == 0
        assert set(np.diff(numbers)) == {1, 2}
        assert np.abs(np.array(numbers) - np.arange(50) * 1.2).max() < 1

    def test_pictures_that_are_alike(self, tmp_path):
        """They may become one frame, which lasts as long as they together."""
        save_animation(tmp_path / "a.gif", np.concatenate([shades(2), shades(2)[[1] * 6]]), 4.0)
        assert sum(frames_of(tmp_path / "a.gif")[1]) == 4000

    def test_a_turntable(self, tmp_path):
        turntable(tmp_path / "a.gif", Mesh.icosphere(0), frames=7, size=16, seconds=1.0)
        assert sum(frames_of(tmp_path / "a.gif")[1]) == 1000
