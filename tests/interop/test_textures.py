"""Textures on torch tensors: gradients, torch's own sampler as a second opinion, and what is refused.

Plan: in float64 finite differences of every wrap and filter, to uv, picture and level of detail, on a picture of odd size that is not square (a level of detail
is kept off the whole numbers and uv off the texel centres, where a slope steps); the same for mip levels. `grid_sample` with its border padding is our clamp.
Then shapes, the same gradient on Taichi's tape, and the sentence that each mistake gets. (Values: `tests/kernels/test_texture_image.py`.)
"""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torch.nn.functional import avg_pool2d, grid_sample

from taichi_softras import TaichiArrays
from taichi_softras.engine import Filter, TextureSettings, Wrap, flat_textures, sample_flat, textures
from taichi_softras.interop import TorchArrays
from taichi_softras.interop.textures import mip_pyramid, sample_texture
from taichi_softras.language import ti

SUM_ORDER = 1e-9  # threads add in any order


def tensors(*shape: int, seed: int = 0, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.float64).uniform_(low, high, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def check(function, *inputs) -> None:
    assert gradcheck(function, inputs, eps=1e-6, atol=2e-6, rtol=1e-5, nondet_tol=SUM_ORDER)


class TestGradient:
    @pytest.mark.parametrize("wrap", Wrap)
    @pytest.mark.parametrize("filtering", [Filter.NEAREST, Filter.BILINEAR])
    def test_picture_and_uv(self, wrap, filtering):
        settings = TextureSettings(wrap=wrap, filter=filtering)
        check(lambda picture, uv: sample_texture(picture, uv, settings), tensors(5, 4, 3), tensors(9, 2, seed=1, low=-2.3, high=3.3))

    @pytest.mark.parametrize("wrap", Wrap)
    def test_trilinear(self, wrap):
        settings = TextureSettings(wrap=wrap, filter=Filter.MIPMAPPED)
        uv, lod = tensors(9, 2, seed=1, low=-2.3, high=3.3), tensors(9, seed=2, low=-0.5, high=3.5)
        check(lambda picture, uv, lod: sample_texture(picture, uv, settings, lod=lod), tensors(9, 6, 2), uv, lod)

    def test_many_channels_and_pictures(self):
        settings = TextureSettings(wrap=Wrap.MIRROR, filter=Filter.MIPMAPPED)
        uv, lod = tensors(2, 3, 2, seed=3, low=-1.0, high=2.0), tensors(2, 3, seed=4, high=2.0)
        check(lambda picture, uv, lod: sample_texture(picture, uv, settings, lod=lod), tensors(2, 5, 4, 6), uv, lod)

    def test_one_texel(self):
        """Of one colour wherever one looks: no slope."""
        picture, uv = tensors(1, 1, 3), tensors(7, 2, seed=5, low=-2.0, high=2.0)
        colors = sample_texture(picture, uv)
        assert torch.allclose(colors, picture[0, 0].expand(7, 3))
        colors.sum().backward()
        assert torch.allclose(picture.grad, torch.full((1, 1, 3), 7.0, dtype=torch.float64))
        assert uv.grad.abs().max() < 1e-12

    @pytest.mark.parametrize("shape", [(5, 7, 2), (2, 6, 3, 2), (8, 4, 1)])
    def test_mip_pyramid(self, shape):
        check(lambda picture: tuple(mip_pyramid(picture)[1:]), tensors(*shape))

    def test_textures_of_different_sizes(self):
        settings = TextureSettings(filter=Filter.MIPMAPPED)
        pictures = [tensors(4, 5, 2), tensors(1, 1, 2, seed=1), tensors(2, 6, 2, seed=2)]
        uv, lod = tensors(6, 2, seed=3, low=-1.0, high=2.0), tensors(6, seed=4, high=2.0)

        def function(uv, lod, *pictures):
            arrays = TorchArrays.of("test", uv=uv)
            return sample_flat(arrays, flat_textures(arrays, list(pictures), settings), uv, settings, lod)

        check(function, uv, lod, *pictures)

    def test_float32(self):
        for filtering in Filter:
            settings, gradients = TextureSettings(filter=filtering), []
            for dtype in (torch.float32, torch.float64):
                leaves = [tensor.detach().to(dtype).requires_grad_() for tensor in (tensors(9, 6, 3), tensors(50, 2, seed=1), tensors(50, seed=2, high=3.0))]
                colors = sample_texture(leaves[0], leaves[1], settings, lod=leaves[2] if filtering is Filter.MIPMAPPED else None)
                colors.square().sum().backward()
                gradients.append([leaf.grad.double() for leaf in leaves if leaf.grad is not None])
            for single, double in zip(*gradients, strict=True):
                assert (single - double).norm() <= 1e-4 * double.norm()


class TestAgainstTorch:
    @pytest.mark.parametrize("size", [(5, 7), (8, 8), (1, 3), (1, 1)])
    def test_clamped_bilinear_is_grid_sample(self, size):
        picture, uv = tensors(*size, 3), tensors(200, 2, seed=1, low=-0.7, high=1.7)
        theirs_picture, theirs_uv = (tensor.detach().clone().requires_grad_() for tensor in (picture, uv))
        grid = torch.stack([2 * theirs_uv[:, 0] - 1, 1 - 2 * theirs_uv[:, 1]], -1)
        theirs = grid_sample(theirs_picture.permute(2, 0, 1)[None], grid[None, None], padding_mode="border", align_corners=False)[0, :, 0].T
        ours = sample_texture(picture, uv, TextureSettings(wrap=Wrap.CLAMP))
        torch.testing.assert_close(ours, theirs)
        for colors in (ours, theirs):
            colors.square().sum().backward()
        torch.testing.assert_close(picture.grad, theirs_picture.grad)
        torch.testing.assert_close(uv.grad, theirs_uv.grad)

    def test_even_mip_levels_are_average_pools(self):
        picture = tensors(8, 16, 3)
        for finer, coarser in zip(mip_pyramid(picture)[:4], mip_pyramid(picture)[1:4], strict=False):
            torch.testing.assert_close(coarser, avg_pool2d(finer.permute(2, 0, 1), 2).permute(1, 2, 0))


class TestShapes:
    @pytest.mark.parametrize("places", [(), (4,), (1, 4), (2, 3, 4)])
    def test_one_picture(self, places):
        picture, uv = tensors(3, 5, 2), tensors(*places, 2, seed=1)
        colors = sample_texture(picture, uv)
        assert colors.shape == (*places, 2)
        torch.testing.assert_close(colors.reshape(-1, 2), sample_texture(picture, uv.reshape(-1, 2)))
        settings, lod = TextureSettings(filter=Filter.MIPMAPPED), tensors(*places, seed=2)
        assert sample_texture(picture, uv, settings, lod=lod).shape == (*places, 2)

    @pytest.mark.parametrize("places", [(), (4,), (3, 4)])
    def test_a_picture_for_each(self, places):
        """Also from tensors that are not contiguous."""
        picture, uv = tensors(2, 4, 5, 3).transpose(1, 2), tensors(*places, 2, 2, seed=1).movedim(-1, 0)
        colors = sample_texture(picture, uv)
        assert colors.shape == (2, *places, 3)
        for i in range(2):
            torch.testing.assert_close(colors[i].reshape(-1, 3), sample_texture(picture[i], uv[i].reshape(-1, 2)))


class TestOnTheTape:
    @pytest.mark.parametrize("filtering", Filter)
    def test_equals_the_torch_layer(self, filtering):
        settings = TextureSettings(filter=filtering)
        picture, uv = tensors(5, 4, 3), tensors(9, 2, seed=1, low=-2.0, high=3.0)
        lod = tensors(9, seed=2, high=2.0) if filtering is Filter.MIPMAPPED else None
        seed = np.random.default_rng(3).normal(size=(9, 3))
        (sample_texture(picture, uv, settings, lod=lod) * torch.tensor(seed)).sum().backward()
        arrays = TaichiArrays(ti.f64)
        leaves = [arrays.parameter(tensor.detach().numpy()) for tensor in (picture, uv, lod) if tensor is not None]
        with ti.ad.Tape(loss := arrays.parameter(np.zeros(1))):
            weighted_sum(textures.sample_texture(arrays, leaves[0], leaves[1], settings, *leaves[2:]), seed, loss)
        for leaf, tensor in zip(leaves, [tensor for tensor in (picture, uv, lod) if tensor is not None], strict=True):
            np.testing.assert_allclose(leaf.grad.to_numpy(), tensor.grad.numpy(), atol=1e-12)


@ti.kernel
def weighted_sum(values: ti.types.ndarray(ndim=2), weights: ti.types.ndarray(ndim=2), loss: ti.types.ndarray(ndim=1)):
    for i, k in ti.ndrange(weights.shape[0], weights.shape[1]):
        loss[0] += values[i, k] * weights[i, k]


class TestBadInput:
    def test_settings(self):
        with pytest.raises(TypeError, match=r"TextureSettings: wrap must be one of Wrap.REPEAT, .*, got 'repeat'"):
            TextureSettings(wrap="repeat")
        with pytest.raises(TypeError, match=r"TextureSettings: filter must be one of Filter.NEAREST, .*, got 1"):
            TextureSettings(filter=1)

    @pytest.mark.parametrize("shape", [(4, 4), (0, 4, 3), (4, 4, 0), (1, 1, 4, 4, 3)])
    def test_picture(self, shape):
        with pytest.raises(ValueError, match=r"sample_texture: picture must have shape \(H, W, C\) or \(B, H, W, C\), none of them zero, got \("):
            sample_texture(torch.zeros(shape), torch.zeros(3, 2))
        with pytest.raises(ValueError, match=r"mip_pyramid: picture must have shape"):
            mip_pyramid(torch.zeros(shape))

    @pytest.mark.parametrize("shape", [(3,), (5, 3), ()])
    def test_uv(self, shape):
        with pytest.raises(ValueError, match=r"sample_texture: uv must have shape \(\.\.\., 2\), got \("):
            sample_texture(torch.zeros(4, 4, 3), torch.zeros(shape))

    @pytest.mark.parametrize("shape", [(3, 5, 2), (2,)])
    def test_uv_of_a_batch(self, shape):
        with pytest.raises(ValueError, match=r"sample_texture: uv must have shape \(2, \.\.\., 2\), got \("):
            sample_texture(torch.zeros(2, 4, 4, 3), torch.zeros(shape))

    def test_no_points(self):
        with pytest.raises(ValueError, match=r"sample_texture: uv must have at least one point, got shape"):
            sample_texture(torch.zeros(4, 4, 3), torch.zeros(0, 2))

    def test_level_of_detail(self):
        picture, uv = torch.zeros(4, 4, 3), torch.zeros(5, 2)
        with pytest.raises(ValueError, match=r"sample_texture: lod must be given with Filter.MIPMAPPED, got None"):
            sample_texture(picture, uv, TextureSettings(filter=Filter.MIPMAPPED))
        with pytest.raises(ValueError, match=r"sample_texture: lod must be None with Filter.BILINEAR, got one"):
            sample_texture(picture, uv, lod=torch.zeros(5))
        with pytest.raises(ValueError, match=r"sample_texture: lod must have shape \(5\), got \(4,\)"):
            sample_texture(picture, uv, TextureSettings(filter=Filter.MIPMAPPED), lod=torch.zeros(4))

    def test_tensors(self):
        with pytest.raises(TypeError, match="sample_texture: uv must have the dtype of picture"):
            sample_texture(torch.zeros(4, 4, 3), torch.zeros(5, 2, dtype=torch.float64))
        with pytest.raises(TypeError, match=r"sample_texture: picture must be a torch.Tensor, got ndarray"):
            sample_texture(np.zeros((4, 4, 3)), torch.zeros(5, 2))

    def test_taichi_arrays_cannot_be_reshaped(self):
        arrays = TaichiArrays()
        with pytest.raises(ValueError, match=r"sample_texture: uv must have shape \(N, 2\) where it is an array of Taichi's, got \(2, 3, 2\)"):
            textures.sample_texture(arrays, arrays.parameter(np.zeros((4, 4, 3))), arrays.parameter(np.zeros((2, 3, 2))), TextureSettings())

    def test_sequences(self):
        arrays = TaichiArrays()
        with pytest.raises(ValueError, match="flat_textures: pictures must be at least one, got none"):
            flat_textures(arrays, [], TextureSettings())
        with pytest.raises(ValueError, match=r"flat_textures: each of the pictures must have shape \(H, W, C\) with C = 3, got \(2, 2, 4\)"):
            flat_textures(arrays, [np.zeros((4, 5, 3), np.float32), np.zeros((2, 2, 4), np.float32)], TextureSettings())

    def test_points_of_several_textures(self):
        arrays, settings = TaichiArrays(), TextureSettings()
        two = flat_textures(arrays, arrays.real(np.zeros((2, 4, 4, 3))), settings)
        with pytest.raises(ValueError, match="uv must have as many points for each of the 2 textures, and at least one, got 3 in all"):
            sample_flat(arrays, two, arrays.real(np.zeros((3, 2))), settings)
