"""Pictures on meshes, shown by the soft rasteriser.

Plan: finite differences for every filter and wrap, to vertices, texels and texture coordinates, and the plain torch of `interop/dense.py`; the same picture as
by hand (texture coordinates rendered as features, then sampled); the level of detail against rays cast through a slanted plane in NumPy; one picture for each
image; Taichi's own arrays; faults.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from scenes import IMAGE_SIZE, SMOOTH, screen_scene
from second_opinion import agree
from test_gradcheck import check, mixtures

from taichi_softras import Blending, Camera, Filter, Interpolation, RasterizeSettings, Renderer, Texture, TextureSettings, Topology, UVTexture, Wrap
from taichi_softras.engine import flat_textures
from taichi_softras.interop import rasterize, render
from taichi_softras.interop.textures import sample_texture

RNG = np.random.default_rng(0)
CHOICES = [
    (Filter.NEAREST, Wrap.REPEAT, Interpolation.PERSPECTIVE),
    (Filter.BILINEAR, Wrap.REPEAT, Interpolation.PERSPECTIVE),
    (Filter.BILINEAR, Wrap.CLAMP, Interpolation.MIXED),
    (Filter.BILINEAR, Wrap.MIRROR, Interpolation.LINEAR),
    (Filter.MIPMAPPED, Wrap.REPEAT, Interpolation.LINEAR),
    (Filter.MIPMAPPED, Wrap.CLAMP, Interpolation.PERSPECTIVE),
]
SHARP = RasterizeSettings(sigma=1e-9, gamma=1e-6, blending=Blending.HARD)
QUAD = np.array([[-2.0, -1.0, 2.0], [2.0, -1.0, 2.0], [2.0, 1.0, -4.0], [-2.0, 1.0, -4.0]])  # leans back
QUAD_UVS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
QUAD_FACES = np.array([[0, 1, 2], [0, 2, 3]])


@pytest.mark.usefixtures("one_lane")
@pytest.mark.parametrize(("filtering", "wrap", "interpolation"), CHOICES, ids=lambda value: value.name)
def test_gradient(filtering, wrap, interpolation):
    scene = screen_scene(71, (4, 3))
    sampling, settings = TextureSettings(filter=filtering, wrap=wrap), replace(SMOOTH, interpolation=interpolation)
    face_uvs = RNG.integers(0, 9, (7, 3))
    picture, uvs = RNG.uniform(0, 1, (5, 6, 2)), RNG.uniform(-0.4, 1.5, (9, 2))

    def function(rasterize, vertices, picture, uvs, background):
        texture = UVTexture(picture, uvs, face_uvs, sampling)
        return mixtures(rasterize(vertices, scene.topology, texture, background=background, settings=settings, image_size=IMAGE_SIZE))

    if filtering is Filter.NEAREST:  # texels step: only their own gradient is that of finite differences
        check(
            lambda *given: function(rasterize, torch.tensor(scene.vertices), given[0], torch.tensor(uvs), given[1]), picture, scene.background[:, :2], fast=True
        )
    else:
        check(partial(function, rasterize), scene.vertices, picture, uvs, scene.background[:, :2], fast=True)
    agree(function, scene.vertices, picture, uvs, scene.background[:, :2])


@pytest.mark.parametrize(("filtering", "wrap", "interpolation"), CHOICES[:4], ids=lambda value: value.name)
def test_equals_features_sampled_afterwards(filtering, wrap, interpolation):
    scene = screen_scene(72, (9, 5))
    vertices, picture = torch.tensor(scene.vertices), torch.rand(7, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    uvs = torch.tensor(RNG.uniform(-0.7, 1.6, (len(vertices), 2)))
    sampling, settings = TextureSettings(filter=filtering, wrap=wrap), replace(SHARP, interpolation=interpolation)
    got = rasterize(vertices, scene.topology, UVTexture(picture, uvs, None, sampling), settings=settings, image_size=IMAGE_SIZE)
    places = rasterize(vertices, scene.topology, uvs, settings=settings, image_size=IMAGE_SIZE)
    covered = got.alpha > 0.5
    assert covered.sum() > 100
    torch.testing.assert_close(got.color[covered], sample_texture(picture, places.color[covered], sampling), rtol=0, atol=1e-12)
    assert torch.equal(got.alpha, places.alpha)


def test_level_of_detail():
    """The picture's mip levels are painted by their number: a rendered pixel shows its level of detail."""
    camera, size, side = Camera.orbit(6.0, 0.0, 0.0, fov=40.0), 64, 256
    levels = [torch.full((side >> k, side >> k, 1), float(k), dtype=torch.float64) for k in range(9)]
    flat = flat_textures_of_levels(levels)
    texture = UVTexture(flat, torch.tensor(QUAD_UVS), None, TextureSettings(filter=Filter.MIPMAPPED, wrap=Wrap.CLAMP))
    image = render(torch.tensor(QUAD), QUAD_FACES, camera, texture, settings=SHARP, image_size=size)
    seen = image.alpha[0] > 0.999
    assert seen.sum() > 500

    def uv_at(x, y):
        """Where the ray through a point of the screen meets the plane y = (2 - z)/3 - 1."""
        tan = np.tan(np.radians(20))
        direction = np.stack([x * tan, y * tan, -np.ones_like(x)], -1)
        t = (-1 + 2 / 3 - 6 / 3) / (direction[..., 1] + direction[..., 2] / 3)
        point = np.array([0.0, 0.0, 6.0]) + t[..., None] * direction
        return np.stack([(point[..., 0] + 2) / 4, (point[..., 1] + 1) / 2], -1)

    x, y = np.meshgrid((2 * np.arange(size) + 1 - size) / size, (size - 2 * np.arange(size) - 1) / size)
    step = 1e-4
    du_dx = (uv_at(x + step, y) - uv_at(x - step, y)) / (2 * step) * 2 / size * side
    du_dy = (uv_at(x, y + step) - uv_at(x, y - step)) / (2 * step) * 2 / size * side
    lod = np.log2(np.maximum(np.linalg.norm(du_dx, axis=-1), np.linalg.norm(du_dy, axis=-1)))
    assert np.ptp(lod[seen]) > 0.7
    np.testing.assert_allclose(image.color[0, ..., 0][seen], lod[seen], atol=1e-5)


def flat_textures_of_levels(levels):
    """Given mip levels, in the layout of `flat_textures`, which would make them itself."""
    from taichi_softras.interop.bridge import TorchArrays

    flat = flat_textures(TorchArrays.of("test", picture=levels[0]), levels[0], TextureSettings(filter=Filter.MIPMAPPED))
    return replace(flat, texels=torch.cat([level.reshape(-1, 1) for level in levels]))


def test_a_picture_for_each_image():
    colors = torch.eye(3)[:2, None, None].expand(2, 3, 4, 3)  # a red and a green one
    uvs = torch.tensor(QUAD_UVS, dtype=torch.float32)
    vertices, camera = torch.tensor(QUAD, dtype=torch.float32), Camera.orbit(6.0, 0.0, [0.0, 10.0])
    for picture in (colors, list(colors)):
        image = render(vertices, QUAD_FACES, camera, UVTexture(picture, uvs), settings=SHARP, image_size=16)
        for b in range(2):
            shown = image.color[b][image.alpha[b] > 0.999]
            assert len(shown) > 20
            torch.testing.assert_close(shown, torch.eye(3)[b].expand(len(shown), 3))
    with pytest.raises(ValueError, match="there must be one texture, or one for each of the 3 images, got 2"):
        render(vertices, QUAD_FACES, Camera.orbit(6.0, 0.0, [0.0, 10.0, 20.0]), UVTexture(colors, uvs), image_size=8)


def test_taichi_arrays_show_the_same():
    renderer, camera = Renderer(16, SMOOTH), Camera.orbit(6.0, 0.0, [0.0, 10.0])
    picture = RNG.uniform(0, 1, (5, 4, 3))
    for filtering in (Filter.BILINEAR, Filter.MIPMAPPED):
        sampling = TextureSettings(filter=filtering)
        vertices, texels, uvs = (renderer.parameter(values) for values in (QUAD, picture, QUAD_UVS))
        got = renderer(vertices, QUAD_FACES, camera, UVTexture(texels, uvs, None, sampling)).color.to_numpy()
        given = (torch.tensor(values, dtype=torch.float32) for values in (picture, QUAD_UVS))
        expected = render(torch.tensor(QUAD, dtype=torch.float32), QUAD_FACES, camera, UVTexture(*given, None, sampling), settings=SMOOTH, image_size=16)
        np.testing.assert_allclose(got, expected.color, atol=1e-6)


def test_faces_and_their_table_are_followed():
    """The same topology with other texture coordinates of its faces, of the same number."""
    vertices, camera, uvs = torch.tensor(QUAD), Camera.orbit(6.0), torch.tensor(QUAD_UVS)
    topology = Topology.shared(QUAD_FACES, 4)
    picture = torch.rand(4, 4, 3, dtype=torch.float64)

    def image(face_uvs):
        return render(vertices, topology, camera, UVTexture(picture, uvs, face_uvs), settings=SHARP, image_size=16).color

    turned = QUAD_FACES[:, [1, 2, 0]]
    assert torch.equal(image(QUAD_FACES), image(QUAD_FACES.copy()))
    assert not torch.equal(image(QUAD_FACES), image(turned))
    assert torch.equal(image(torch.tensor(turned)), image(turned))


class TestFaults:
    PICTURE, UVS, VERTICES = torch.zeros(4, 4, 3), torch.zeros(4, 2), torch.zeros(4, 3)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"picture": torch.zeros(4, 4)}, r"UVTexture: picture must have shape \(H, W, C\) or \(B, H, W, C\)"),
            ({"uvs": torch.zeros(4, 3)}, r"UVTexture: uvs must have shape \(U, 2\)"),
            ({"face_uvs": np.array([[0, 1, 4], [0, 1, 2]])}, "UVTexture: face_uvs must index uvs 0 to 3, got 4"),
            ({"face_uvs": np.array([[0, 1, 2]])}, r"face_uvs must have shape \(F, 3\).*got \(1, 3\)"),
            ({"uvs": torch.zeros(5, 2)}, r"uvs must have shape \(V, 2\).*got \(5, 2\)"),
        ],
    )
    def test_shapes(self, changes, message):
        with pytest.raises(ValueError, match=message):
            render(self.VERTICES, QUAD_FACES, Camera.orbit(), UVTexture(**{"picture": self.PICTURE, "uvs": self.UVS} | changes), image_size=8)

    def test_types(self):
        with pytest.raises(TypeError, match="render: uvs must have the dtype of vertices"):
            render(self.VERTICES, QUAD_FACES, Camera.orbit(), UVTexture(self.PICTURE, self.UVS.double()), image_size=8)
        with pytest.raises(TypeError, match=r"render: picture must be a torch\.Tensor, got ndarray"):
            render(self.VERTICES, QUAD_FACES, Camera.orbit(), UVTexture(self.PICTURE.numpy(), self.UVS), image_size=8)
        with pytest.raises(TypeError, match="UVTexture: settings must be TextureSettings, got str"):
            UVTexture(self.PICTURE, self.UVS, None, "bilinear")
        with pytest.raises(TypeError, match="UVTexture: face_uvs must be integers"):
            UVTexture(self.PICTURE, self.UVS, np.zeros((2, 3)))
        with pytest.raises(ValueError, match=r"RasterizeSettings: texture must be Texture\.VERTEX or Texture\.FACE"):
            RasterizeSettings(texture=Texture.IMAGE)
