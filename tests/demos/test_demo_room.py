"""The demo of a camera inside a room, in short: what it writes, and that it finds the pose."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="these demos use torch")

SIZE = 120


class TestRoom:
    def test_walk_and_pose(self, run_demo, tmp_path):
        run_demo("room", "-o", "out", "--frames", "3", "--size", str(SIZE), "--steps", "130")
        with Image.open(tmp_path / "out" / "room.gif") as animation:
            assert animation.n_frames == 3
        _, alpha, depth = np.asarray(Image.open(tmp_path / "out" / "sheet.png"), np.float64).reshape(3, SIZE, -1, 3)[..., 0] / 255
        assert alpha.min() > 0.7  # there is a wall everywhere; on the very edge of two faces each covers a half
        assert (alpha > 0.99).mean() > 0.95
        assert depth.std() > 0.1
        metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
        assert metrics["before"]["position_error"] > 0.7
        assert metrics["after"]["position_error"] < 0.03
        assert metrics["after"]["angle_error_degrees"] < 0.5
        assert (tmp_path / "out" / "pose.png").is_file()

    def test_wrong_size(self, run_demo, tmp_path):
        with pytest.raises(ValueError, match="at least 1 and --size 20, got 72, 150 and 10"):
            run_demo("room", "-o", "out", "--size", "10")
