"""What soft rasterisation is for: gradients reach faces that a picture does not show.

Plan: a face behind another, and a face that touches none of the pixels that it should move to; the gradient equals central finite differences, is not zero,
and a step along it does what it should. A z-buffer gives zero in both cases.
"""

import numpy as np
import torch
from scenes import IMAGE_SIZE, central_differences, relative_error

from taichi_softras import RasterizeSettings, Topology
from taichi_softras.interop import rasterize

TWO_FACES = Topology.shared(np.arange(6).reshape(2, 3), 6)
FRONT = [[-0.83, -0.71, 2.0], [0.91, -0.67, 2.3], [0.06, 0.88, 2.1]]
BEHIND = [[-0.21, -0.33, 4.1], [0.27, -0.29, 4.3], [0.04, 0.31, 4.6]]  # on the screen wholly within FRONT
COLORS = torch.tensor([[1.0, 0.1, 0.1]] * 3 + [[0.1, 0.2, 1.0]] * 3, dtype=torch.float64)


def loss_and_gradients(function, *points: np.ndarray) -> tuple[float, list[np.ndarray]]:
    tensors = [torch.tensor(point, dtype=torch.float64, requires_grad=True) for point in points]
    loss = function(*tensors)
    loss.backward()
    return loss.item(), [tensor.grad.numpy() for tensor in tensors]


class TestOccluded:
    SETTINGS = RasterizeSettings(sigma=0.01, gamma=0.1, cutoff=1e-12, near=1.0, far=10.0)

    def more_blue(self, vertices: torch.Tensor, colors: torch.Tensor) -> torch.Tensor:
        image = rasterize(vertices, TWO_FACES, colors, settings=self.SETTINGS, image_size=IMAGE_SIZE)
        return -image.color[..., 2].mean()

    def test_the_hidden_face_is_hidden(self):
        """So that the rest of the class tests what it says: nearly all of FRONT's red shows where BEHIND is."""
        settings = RasterizeSettings(sigma=1e-5, gamma=1e-4, near=1.0, far=10.0)
        vertices = torch.tensor(FRONT + BEHIND, dtype=torch.float64)
        both = rasterize(vertices, TWO_FACES, COLORS, settings=settings, image_size=IMAGE_SIZE)
        alone = rasterize(vertices[:3], Topology.shared(np.array([[0, 1, 2]]), 3), COLORS[:3], settings=settings, image_size=IMAGE_SIZE)
        torch.testing.assert_close(both.color, alone.color, rtol=0, atol=1e-9)

    def test_gradient_is_that_of_finite_differences(self):
        vertices = np.array(FRONT + BEHIND)
        _, (got, got_colors) = loss_and_gradients(self.more_blue, vertices, COLORS.numpy())
        expected = central_differences(lambda v: self.more_blue(torch.tensor(v), COLORS).item(), vertices)
        expected_colors = central_differences(lambda c: self.more_blue(torch.tensor(vertices), torch.tensor(c)).item(), COLORS.numpy())
        assert relative_error(got[3:], expected[3:]) < 1e-6
        assert relative_error(got_colors[3:], expected_colors[3:]) < 1e-6
        assert (np.abs(got[3:]) > 1e-6).all()
        assert (np.abs(got_colors[3:, 2]) > 1e-4).all()

    def test_a_step_brings_it_forward(self):
        """To show more of its blue, the hidden face comes nearer."""
        _, (gradient, _) = loss_and_gradients(self.more_blue, np.array(FRONT + BEHIND), COLORS.numpy())
        assert (gradient[3:, 2] > 0).all()


class TestFarFromItsGoal:
    SETTINGS = RasterizeSettings(sigma=0.05, gamma=0.1, cutoff=1e-14)
    FACE = Topology.shared(np.array([[0, 1, 2]]), 3)
    CORNERS = np.array([[-1.11, -0.13, 3.0], [-0.91, -0.17, 3.2], [-0.97, 0.19, 3.1]])

    def miss(self, vertices: torch.Tensor) -> torch.Tensor:
        """How little of a column of pixels, four pixels to the right of the face, is covered: -log of it, as a likelihood would be."""
        alpha = rasterize(vertices, self.FACE, settings=self.SETTINGS, image_size=IMAGE_SIZE).alpha
        return -alpha[0, 3:10, 8].log().mean()

    def test_it_touches_none_of_them(self):
        x = (2 * 8 + 1 - IMAGE_SIZE[1]) / min(IMAGE_SIZE)
        assert self.CORNERS[:, 0].max() < x - 3 * 2 / min(IMAGE_SIZE)

    def test_gradient_is_that_of_finite_differences(self):
        _, (got,) = loss_and_gradients(self.miss, self.CORNERS)
        expected = central_differences(lambda v: self.miss(torch.tensor(v)).item(), self.CORNERS)
        assert relative_error(got, expected) < 1e-6
        assert np.abs(got[:, :2]).max() > 1

    def test_descent_takes_it_there(self):
        vertices = self.CORNERS.copy()
        first, _ = loss_and_gradients(self.miss, vertices)
        for _ in range(20):
            loss, (gradient,) = loss_and_gradients(self.miss, vertices)
            vertices[:, :2] -= 0.002 * gradient[:, :2]
        assert loss < 0.5 * first
        assert vertices[:, 0].max() > self.CORNERS[:, 0].max() + 0.1
