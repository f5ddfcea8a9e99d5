"""What is known of the objects besides their pictures: for judging, never for training.

Beside ``<class>_<split>_images.npz`` and ``_voxels.npz`` (see `demos.reconstruction.data`) stand, each with one array ``arr_0``:

* ``<class>_<split>_lights.npz`` [N, 24, 3]: the unit direction to the lamp of each picture, in camera space (x right, y up, z towards the camera);
* ``<class>_<split>_albedo.npz`` [N, 24, 3, 64, 64] uint8: the pictures without light, colours over black;
* ``<class>_<split>_points.npz`` [N, 2500, 3]: points on the object's surface.

Light: AMBIENT + DIFFUSE max(n.l, 0). The lamp is anywhere within WIDEST degrees of the view axis, evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demos.reconstruction.data import IMAGE_SIZE, VIEWS, read_array

__all__ = ["AMBIENT", "DIFFUSE", "MEAN_LAMP", "POINTS", "WIDEST", "Truth", "random_lamps"]

AMBIENT, DIFFUSE = 0.35, 0.65
WIDEST = 75.0
MEAN_LAMP = (1 + np.cos(np.radians(WIDEST))) / 2  # along the view axis; nothing across
POINTS = 2500


def random_lamps(count: int, random: np.random.Generator) -> np.ndarray:
    """[count, 3] unit directions."""
    z = random.uniform(np.cos(np.radians(WIDEST)), 1, count)
    turn = random.uniform(0, 2 * np.pi, count)
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], -1)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Of one split of some classes, in the order of `ShapeData` of the same.

    Attributes:
        lights: [N, 24, 3].
        albedo: [N, 24, 3, 64, 64] uint8.
        points: [N, 2500, 3].
    """

    lights: np.ndarray
    albedo: np.ndarray
    points: np.ndarray

    @classmethod
    def load(cls, folder: str | Path, split: str, classes: Sequence[str]) -> "Truth":
        """Reads a split of the classes.

        Raises:
            FileNotFoundError: if a file is missing. ValueError: if one is not in the layout.
        """
        endings = {"lights": (VIEWS, 3), "albedo": (VIEWS, 3, IMAGE_SIZE, IMAGE_SIZE), "points": (POINTS, 3)}
        parts = {what: [read_array(Path(folder) / f"{name}_{split}_{what}.npz", ending, "Truth") for name in classes] for what, ending in endings.items()}
        return cls(**{what: np.concatenate(arrays) for what, arrays in parts.items()})
