"""Textures from pictures: a painted ball is painted again; what was not seen is filled and marked; other programs open the files the right way up."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from taichi_softras import Camera, Convention, Lens, Mesh
from taichi_softras.recover import BakeOptions, TextureFit, Views, bake, render_views, texels_shown, unwrap
from taichi_softras.recover.atlas import texels_of

SIZE = 48  # of the pictures, pixels
QUICK = BakeOptions(steps=3)


def paint(points: np.ndarray) -> np.ndarray:
    """[N, 3] colours of places in space: stripes of a few pixels, another direction in each channel."""
    return 0.5 + 0.35 * np.sin(np.stack([9 * points[:, 0] + 1, 9 * points[:, 1], 6 * (points[:, 2] + points[:, 0])], 1))


def painted(mesh: Mesh, texels: int = 20_000) -> Mesh:
    """The mesh with `paint` as its texture."""
    unwrapped, (height, width) = unwrap(mesh, texels)
    texture = np.zeros((height * width, 3), np.float32)
    for texel, face, bary in texels_of(unwrapped, (height, width), margin=2.0):
        texture[texel] = paint((bary[:, :, None] * mesh.vertices[mesh.faces[face]]).sum(1))
    return replace(unwrapped, texture=texture.reshape(height, width, 3))


def orbit(n: int, turn: float = 0.0) -> Camera:
    return Camera.all_around(n, 3.0, turn, fov=45.0)


def pictures_of(mesh: Mesh, camera: Camera) -> Views:
    return render_views(mesh, camera, (SIZE, SIZE + 8), tuple(f"{i}" for i in range(len(camera))))


def psnr(mesh: Mesh, views: Views) -> float:
    """dB over white."""
    shown = render_views(mesh, views.camera, views.image_size, views.names)
    return float(-10 * np.log10(((shown.over_white() - views.over_white()) ** 2).mean()))


def finished(fit: TextureFit) -> TextureFit:
    while not fit.done:
        fit.step()
    return fit


@pytest.fixture(scope="module")
def ball() -> Mesh:
    return painted(Mesh.icosphere(2))


@pytest.fixture(scope="module")
def views(ball: Mesh) -> Views:
    return pictures_of(ball, orbit(10))


class TestAtlas:
    def test_keeps_the_mesh_and_gives_each_texel_one_place(self):
        mesh = Mesh.icosphere(2)
        unwrapped, (height, width) = unwrap(mesh, 5_000)
        assert np.array_equal(unwrapped.vertices, mesh.vertices)
        assert np.array_equal(unwrapped.faces, mesh.faces)
        assert 0 <= unwrapped.uvs.min() <= unwrapped.uvs.max() <= 1
        found = [(texel, face, bary) for texel, face, bary in texels_of(unwrapped, (height, width))]
        texels, faces, bary = (np.concatenate(rows) for rows in zip(*found, strict=True))
        assert 4_000 < len(texels) < 6_000
        order = np.argsort(texels)
        twice = np.flatnonzero(np.diff(texels[order]) == 0)  # on an edge between two faces
        points = (bary[:, :, None] * mesh.vertices[mesh.faces[faces]]).sum(1)[order]
        assert np.linalg.norm(points[twice] - points[twice + 1], axis=1).max(initial=0) < 1e-3

    def test_same_mesh_same_atlas(self):
        first, second = unwrap(Mesh.icosphere(2), 5_000), unwrap(Mesh.icosphere(2), 5_000)
        assert np.array_equal(first[0].uvs, second[0].uvs)
        assert np.array_equal(first[0].face_uvs, second[0].face_uvs)

    def test_no_side_is_longer_than_asked_for(self):
        assert max(unwrap(Mesh.icosphere(2), 1_000_000, largest_side=100)[1]) <= 100

    def test_texels_lie_where_they_are_shown(self):
        """(u, v) of a texel's centre, by the mesh's own coordinates."""
        unwrapped, (height, width) = unwrap(Mesh.icosphere(1), 2_000)
        for texel, face, bary in texels_of(unwrapped, (height, width)):
            uv = (bary[:, :, None] * unwrapped.uvs[unwrapped.face_uvs[face]]).sum(1)
            assert np.abs(uv[:, 0] * width - 0.5 - texel % width).max() < 1e-3
            assert np.abs((1 - uv[:, 1]) * height - 0.5 - texel // width).max() < 1e-3


class TestBake:
    def test_paints_the_ball_again(self, ball, views):
        unseen_views = pictures_of(ball, orbit(5, 40.0))
        bare = Mesh(vertices=ball.vertices, faces=ball.faces)
        taken = []
        mesh, seen = bake(bare, views, replace(QUICK, detail=1.3), progress=lambda done, of: taken.append((done, of)))
        assert psnr(mesh, unseen_views) > 38
        assert seen.shape == mesh.texture.shape[:2]
        assert seen.mean() > 0.99
        assert taken == [(i + 1, taken[-1][1]) for i in range(len(taken))]
        assert taken[-1][0] == taken[-1][1]

    def test_descent_makes_it_sharper_than_the_mean(self, ball, views):
        size = ball.texture.shape[:2]
        mean = finished(TextureFit(ball, size, views, replace(QUICK, steps=0))).result()[0]
        sharp = finished(TextureFit(ball, size, views, replace(QUICK, samples=3, steps=6))).result()[0]
        assert psnr(sharp, views) > psnr(mean, views) + 2.5

    def test_same_bits_again_and_with_nothing_kept(self, ball, views):
        size, options = ball.texture.shape[:2], BakeOptions(steps=1, robust_looks=1, balance=True)
        first, again, unkept = (
            finished(TextureFit(ball, size, given, how)).result()
            for given, how in ((views, options), ([views.select([i]) for i in range(len(views))], options), (views, replace(options, kept_bytes=0)))
        )
        for other in (again, unkept):
            assert np.array_equal(first[0].texture, other[0].texture)
            assert np.array_equal(first[1], other[1])

    def test_a_lens_bends_nothing(self):
        mesh = painted(Mesh.icosphere(3))
        matrices, k = orbit(12).to_matrices((SIZE, SIZE + 8), convention=Convention.OPENCV)
        camera = Camera.from_matrices(matrices, k, (SIZE, SIZE + 8), convention=Convention.OPENCV, lens=Lens.OPENCV, distortion=[-0.3, 0.1, 0.01, -0.01])
        bent = pictures_of(mesh, camera)
        result = finished(TextureFit(mesh, mesh.texture.shape[:2], bent, QUICK)).result()[0]
        assert psnr(result, pictures_of(mesh, orbit(4, 30.0))) > 32

    def test_finds_exposures(self, ball, views):
        gains = np.exp(np.random.default_rng(0).normal(0, 0.15, (len(views), 3)))
        gains /= np.exp(np.log(gains).mean(0))
        dimmed = replace(views, color=(0.6 * views.color * gains[:, None, None]).astype(np.float32))
        fit = finished(TextureFit(ball, ball.texture.shape[:2], dimmed, replace(QUICK, balance=True)))
        assert np.abs(fit.gains / gains - 1).max() < 0.03
        ideal = replace(ball, texture=0.6 * ball.texture)
        given = finished(TextureFit(ball, ball.texture.shape[:2], dimmed, QUICK, gains=gains))
        plain = finished(TextureFit(ball, ball.texture.shape[:2], dimmed, QUICK))
        target = pictures_of(ideal, orbit(4, 40.0))
        assert psnr(fit.result()[0], target) > psnr(plain.result()[0], target) + 8
        assert psnr(given.result()[0], target) > psnr(plain.result()[0], target) + 8

    def test_what_disagrees_loses_its_weight(self, ball):
        """A finger before the lens, in one of twenty pictures."""
        views = pictures_of(ball, orbit(20))
        spoilt = views.color.copy()
        spoilt[3, 16:32, 16:32] = [0.9, 0.1, 0.1]
        size, given = ball.texture.shape[:2], replace(views, color=spoilt)
        plain = finished(TextureFit(ball, size, given, QUICK)).result()[0]
        robust = finished(TextureFit(ball, size, given, replace(QUICK, robust_looks=4))).result()[0]
        assert psnr(robust, views) > psnr(plain, views) + 3

    def test_masks_decide(self, ball, views):
        """What a mask leaves out, or does not surely cover, is not looked at, whatever its colour."""
        alpha, color = views.alpha.copy(), views.color.copy()
        out = np.zeros(alpha.shape, bool)
        out[2, :, :28], out[5, 20:] = True, True
        alpha[out & (alpha > 0)] = 0.9
        color[alpha < 0.99] = np.nan
        size, masked = ball.texture.shape[:2], replace(views, alpha=alpha)
        right, spoilt = (finished(TextureFit(ball, size, given, QUICK)).result()[0] for given in (masked, replace(masked, color=color)))
        assert np.isfinite(spoilt.texture).all()
        assert np.array_equal(spoilt.texture, right.texture)


@pytest.fixture(scope="module")
def front(ball: Mesh) -> tuple[Mesh, np.ndarray]:
    """The texture from pictures of the front alone."""
    views = pictures_of(ball, Camera.orbit(3.0, [0.0, 20.0, -20.0, 0.0, 0.0], [0.0, 0.0, 0.0, 25.0, -25.0], fov=45.0))
    return finished(TextureFit(ball, ball.texture.shape[:2], views, QUICK)).result()


class TestUnseen:
    def test_is_marked(self, ball, front):
        mesh, seen = front
        assert set(np.unique(seen)) == {0.0, 1.0}
        for texel, face, bary in texels_of(mesh, seen.shape):
            z = (bary[:, :, None] * ball.vertices[ball.faces[face]]).sum(1)[:, 2]
            assert (seen.ravel()[texel[z > 0.5]] == 1).all()
            assert (seen.ravel()[texel[z < -0.7]] == 0).all()

    def test_is_filled_smoothly_over_the_surface(self, ball, front):
        """Neighbours on the surface have like colours, across the charts, and none goes beyond those that were seen."""
        mesh, seen = front
        texture = mesh.texture.reshape(-1, 3)
        points, colors = [], []
        for texel, face, bary in texels_of(mesh, seen.shape):
            unseen = seen.ravel()[texel] == 0
            points.append((bary[:, :, None] * ball.vertices[ball.faces[face]]).sum(1)[unseen])
            colors.append(texture[texel[unseen]])
        points, colors = np.concatenate(points), np.concatenate(colors)
        back = points[:, 2] < -0.5
        distance = np.linalg.norm(points[back][:, None, :2] - points[back][None, ::7, :2], axis=-1)
        difference = np.abs(colors[back][:, None] - colors[back][None, ::7]).max(-1)
        assert difference[distance < 0.05].max() < 0.08
        shown = texture[seen.ravel() == 1]
        assert (colors >= shown.min(0) - 1e-3).all()
        assert (colors <= shown.max(0) + 1e-3).all()

    def test_of_nothing_that_was_seen_is_grey(self, ball, views):
        empty = replace(views.select([0]), alpha=np.zeros((1, SIZE, SIZE + 8), np.float32))
        mesh, seen = finished(TextureFit(ball, ball.texture.shape[:2], empty, QUICK)).result()
        assert not seen.any()
        assert np.allclose(mesh.texture, 0.5, atol=1e-6)

    def test_no_foreign_colour_between_the_charts(self, ball, views):
        """A ball of one colour has a texture of this colour, to its corners: so have all mip levels."""
        color = np.broadcast_to(np.float32([0.8, 0.3, 0.1]), views.color.shape)
        mesh, _ = finished(TextureFit(ball, ball.texture.shape[:2], replace(views, color=color), QUICK)).result()
        assert np.abs(mesh.texture - [0.8, 0.3, 0.1]).max() < 2e-3


class TestFiles:
    @pytest.mark.parametrize("name", ["m.glb", "m.obj"])
    def test_other_programs_see_the_picture_the_right_way_up(self, ball, tmp_path, name):
        ball.save(tmp_path / name, normals=True)
        mesh = trimesh.load(tmp_path / name, force="mesh", process=False)
        image = mesh.visual.material.baseColorTexture if name == "m.glb" else mesh.visual.material.image
        found = trimesh.visual.color.uv_to_interpolated_color(mesh.visual.uv, image)[:, :3] / 255
        assert np.abs(found - paint(np.asarray(mesh.vertices))).max() < 0.05

    def test_material_is_rough_and_no_metal(self, ball, tmp_path):
        ball.save(tmp_path / "m.glb", normals=True)
        material = trimesh.load(tmp_path / "m.glb", force="mesh").visual.material
        assert (material.metallicFactor, material.roughnessFactor) == (0.0, 1.0)


def test_texels_shown_counts_pixels_of_the_best_pictures():
    """A square of 1 x 1 before an orthographic camera, two units across 40 pixels: 20 x 20. From beside, less."""
    square = Mesh(vertices=[[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], faces=[[0, 1, 2], [0, 2, 3]])
    camera = Camera.orbit(3.0, 0.0, [0.0, 60.0], orthographic_height=2.0)
    views = Views(alpha=np.ones((2, 40, 50), np.float32), color=np.ones((2, 40, 50, 3), np.float32), camera=camera, names=("a", "b"))
    assert texels_shown(square, views) == pytest.approx(400)
    assert texels_shown(square, views.select([1])) == pytest.approx(200)
