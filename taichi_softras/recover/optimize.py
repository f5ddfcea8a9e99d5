"""What descents of the main job share: Adam on NumPy's arrays, and in which order pictures are looked at."""

from typing import Any

import numpy as np

__all__ = ["NumpyAdam", "next_views"]


class NumpyAdam:
    """Adam on NumPy's arrays; with ``uniform`` all entries share the largest second moment, so that a step keeps the gradient's direction (Nicolet et al.).

    (`taichi_softras.Adam` moves Taichi's arrays where they are. What is moved here is solved and clipped by NumPy and SciPy between two steps, in float64, and
    the moments are plain arrays, which a fit saves.)
    """

    def __init__(self, uniform: bool = False, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        self.uniform, self.betas = uniform, betas
        self.steps = 0
        self.first: Any = 0.0
        self.second: Any = 0.0

    def step(self, values: np.ndarray, grad: np.ndarray, rate: float) -> np.ndarray:
        """The values after one step."""
        b1, b2 = self.betas
        self.steps += 1
        self.first = b1 * self.first + (1 - b1) * grad
        self.second = b2 * self.second + (1 - b2) * grad * grad
        second = self.second.max() if self.uniform else self.second
        return values - rate * (self.first / (1 - b1**self.steps)) / (np.sqrt(second / (1 - b2**self.steps)) + 1e-12)


def next_views(queue: list[int], n_views: int, n_picked: int, rng: np.random.Generator) -> list[int]:
    """``n_picked`` of the pictures in random order; each is seen once before any is seen again. ``queue`` holds those left of a round, and is changed."""
    picked: list[int] = []
    while len(picked) < n_picked:
        if not queue:
            queue += [int(i) for i in rng.permutation(n_views) if i not in picked]
        picked.append(queue.pop())
    return picked
