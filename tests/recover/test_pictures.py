"""Animations: how long their frames last, as another reader sees them. Sheets: pictures as they are, with names and figures."""

import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFont

from taichi_softras import Mesh
from taichi_softras.recover import fit_curves, save_animation, sheet, turntable
from taichi_softras.recover.pictures import CELL, FONT, HEAD, LINE, MARGIN, _shortened


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


class TestSheet:
    def test_has_a_head_with_names_and_figures_over_pictures_that_are_enlarged_whole(self, ellipsoid_views, tmp_path):
        worse = replace(ellipsoid_views, alpha=np.roll(ellipsoid_views.alpha, 3, 1), color=np.roll(ellipsoid_views.color, 3, 1))
        sheet(tmp_path / "new" / "same.png", ellipsoid_views, ellipsoid_views, columns=3)
        sheet(tmp_path / "worse.png", ellipsoid_views, worse, columns=3)
        same, other = (np.asarray(Image.open(tmp_path / name).convert("RGB"), np.float64) / 255 for name in ("new/same.png", "worse.png"))
        assert same.shape == (HEAD + 3 * CELL + LINE, MARGIN + 3 * CELL, 3)
        target, result, difference = same[HEAD:-LINE, MARGIN:].reshape(3, CELL, 3 * CELL, 3)
        np.testing.assert_array_equal(target, result)
        assert difference.min() == 1
        first = ellipsoid_views.over_white()[0]  # 32 x 32 pixels, each four times as large
        np.testing.assert_allclose(target[:, :CELL], first.repeat(4, 0).repeat(4, 1), atol=0.5 / 255)
        for column in range(3):
            head = slice(MARGIN + column * CELL, MARGIN + (column + 1) * CELL)
            name, figures = slice(0, LINE), slice(LINE, HEAD)
            assert same[name, head].min() < 0.2  # something is written there
            np.testing.assert_array_equal(same[name, head], other[name, head])
            assert (same[figures, head] != other[figures, head]).any()  # and other figures of other pictures
        assert (same[-LINE:] != other[-LINE:]).any()

    def test_long_names_are_shortened_at_their_beginning(self):
        font = ImageFont.load_default(FONT)
        short = _shortened("a/very/long/way/to/a/picture/that/is/called/0042.png", font, CELL)
        assert re.fullmatch(r"\.\.\..+0042\.png", short)
        assert font.getlength(short) <= CELL
        assert _shortened("0042.png", font, CELL) == "0042.png"


def test_curves(tmp_path):
    fit_curves(tmp_path / "new" / "c.png", [1.0, 0.5, 0.25, 0.3], [(2, 0.9), (4, 0.95)], [0, 2])
    with Image.open(tmp_path / "new" / "c.png") as curves:
        assert curves.size[0] > 500
