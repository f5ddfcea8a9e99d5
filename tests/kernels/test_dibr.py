"""DIB-R as one op, on Taichi's arrays.

Plan: values and gradients against recorded ones (`golden/dibr`), in float64, through the tape; the variants that the recorded data does not have (nearest, all,
perspective-correct) against a plain NumPy renderer, pixel by pixel and face by face; then what decides: ties, back faces, borders of boxes, faces without area.
"""

import json

import numpy as np
import pytest
from scenes import of_gpus, relative_error

from taichi_softras.engine.dibr import DibrImage, DibrSettings, MaskFaces, dibr_foreground, dibr_rasterize, dibr_soft_mask
from taichi_softras.language import ti
from taichi_softras.runtime import FieldArrays, TaichiArrays
from taichi_softras.scene import Topology

IMAGE_SIZE = (13, 21)
SOFT = DibrSettings(sigmainv=60.0, boxlen=0.3, knum=3)


@pytest.fixture(scope="module")
def double() -> TaichiArrays:
    return TaichiArrays(ti.f64)


@ti.kernel
def mixture(a: ti.types.ndarray(), b: ti.types.ndarray(), total: ti.types.ndarray()):
    for i in ti.grouped(a):
        total[0] += a[i] * b[i]


def soup(seed: int, n_images: int = 2, n_faces: int = 9, size: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices [B, F, 3, 3], features [B, F, 3, 5] and which faces are shown [B, F]."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(-1, 1, (n_images, n_faces, 1, 2)) + rng.normal(0, size, (n_images, n_faces, 3, 2))
    vertices = np.concatenate([places, rng.uniform(-6, -2, (n_images, n_faces, 3, 1))], -1)
    return vertices, rng.uniform(0, 1, (n_images, n_faces, 3, 5)), rng.uniform(size=(n_images, n_faces)) < 0.7


def reference(vertices, features, shown, settings: DibrSettings, image_size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same, by the formulas: one pixel and one face after the other."""
    (n_images, n_faces), (height, width) = vertices.shape[:2], image_size
    image, mask, index = np.zeros((n_images, height, width, features.shape[-1])), np.zeros((n_images, height, width)), np.full((n_images, height, width), -1)
    for b, i, j in np.ndindex(n_images, height, width):
        p = np.array([(2 * j + 1 - width) / width, (height - 2 * i - 1) / height])
        nearest = -np.inf
        held = []
        for f in range(n_faces):
            corners, z = vertices[b, f, :, :2], vertices[b, f, :, 2]
            if settings.perspective and not (z < -1e-6).all():
                continue
            low, high = corners.min(0), corners.max(0)
            matrix = np.concatenate([corners.T, np.ones((1, 3))])
            if shown[b, f] and abs(np.linalg.det(matrix)) > 1e-9 and (p >= low).all() and (p < high).all():
                w = np.linalg.solve(matrix, [*p, 1.0])
                depth = w @ z
                if settings.perspective:
                    depth = 1 / (w / z).sum()
                    seen = w / z * depth
                else:
                    seen = w
                if (w >= 0).all() and depth > nearest:
                    nearest, index[b, i, j], image[b, i, j] = depth, f, seen @ features[b, f]
            if (p >= low - settings.boxlen).all() and (p < high + settings.boxlen).all():
                held.append(min(distance_sq(p, corners[k], corners[k - 1]) for k in range(3)))
        if settings.mask_faces is MaskFaces.FIRST:
            held = held[: settings.knum]
        if settings.mask_faces is MaskFaces.NEAREST:
            held = sorted(held)[: settings.knum]
        mask[b, i, j] = 1 if index[b, i, j] >= 0 else 1 - np.prod(1 - np.exp(-settings.sigmainv * np.array(held)))
    return image, mask, index


def distance_sq(p: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """To an edge whose foot lies within, or to its ends."""
    along = b - a
    candidates = [(p - a) @ (p - a), (p - b) @ (p - b)]
    if along @ along > 0 and 0 <= (p - a) @ along <= along @ along:
        candidates.append((along[0] * (p - a)[1] - along[1] * (p - a)[0]) ** 2 / (along @ along))
    return min(candidates)


def render(arrays, vertices, features, shown=None, settings: DibrSettings = SOFT, image_size=IMAGE_SIZE) -> DibrImage:
    n_images, n_faces = vertices.shape[:2]
    flat = arrays.real(vertices.reshape(-1, 3)), arrays.real(features.reshape(-1, features.shape[-1]))
    face_shown = None if shown is None else arrays.index(shown.reshape(-1).astype(np.int32))
    image = dibr_rasterize(arrays, Topology.separate_faces(n_faces, n_images), *flat, settings, image_size, face_shown=face_shown)
    return DibrImage(*(arrays.to_numpy(array) for array in (image.features, image.soft_mask, image.face_index)))


def compare(got: DibrImage, expected, tolerance: float = 1e-11) -> None:
    np.testing.assert_array_equal(got.face_index, expected[2])
    np.testing.assert_allclose(got.features, expected[0], atol=tolerance)
    np.testing.assert_allclose(got.soft_mask, expected[1], atol=tolerance)


class TestGolden:
    def test_every_file(self, shared, double):
        paths = sorted((shared / "golden" / "dibr").glob("*.npz"))
        assert len(paths) >= 16
        for path in paths:
            with np.load(path) as file:
                case = dict(file)
            given = json.loads(str(case["params_json"]))
            n_images, n_faces = case["face_vertices_z"].shape[:2]
            corners = np.concatenate([case["face_vertices_image"], case["face_vertices_z"][..., None]], -1)
            vertices = double.parameter(corners.reshape(-1, 3))
            features = double.parameter(case["face_features"].reshape(n_images * n_faces * 3, -1))
            settings = DibrSettings(
                sigmainv=given["sigmainv"],
                boxlen=given["boxlen"],
                knum=given["knum"],
                eps=given["eps"] / given["multiplier"] ** 2,
                multiplier=given["multiplier"],
            )
            shown = (case["face_normals_z"] >= 0).reshape(-1).astype(np.int32)
            loss = double.parameter(np.zeros(1))
            with ti.ad.Tape(loss):
                topology = Topology.separate_faces(n_faces, n_images)
                image = dibr_rasterize(double, topology, vertices, features, settings, (given["height"], given["width"]), face_shown=shown)
                mixture(image.features, case["upstream_features"], loss)
                mixture(image.soft_mask, case["upstream_mask"], loss)
            np.testing.assert_array_equal(double.to_numpy(image.face_index), case["face_idx"], err_msg=path.name)
            np.testing.assert_allclose(image.features.to_numpy(), case["features"], atol=1e-9, err_msg=path.name)
            np.testing.assert_allclose(image.soft_mask.to_numpy(), case["soft_mask"], atol=1e-9, err_msg=path.name)
            grad_vertices = vertices.grad.to_numpy().reshape(n_images, n_faces, 3, 3)
            assert relative_error(grad_vertices[..., :2], case["grad_face_vertices_image"]) < 1e-7, path.name
            assert not grad_vertices[..., 2].any(), path.name
            assert relative_error(features.grad.to_numpy().reshape(case["grad_face_features"].shape), case["grad_face_features"]) < 1e-7, path.name


class TestAgainstTheFormulas:
    @pytest.mark.parametrize("mask_faces", MaskFaces)
    @pytest.mark.parametrize("perspective", [False, True])
    def test_values(self, double, mask_faces, perspective):
        settings = DibrSettings(sigmainv=60.0, boxlen=0.3, knum=3, mask_faces=mask_faces, perspective=perspective)
        for seed in range(3):
            scene = soup(seed)
            if perspective:
                scene[0][0, 0, 1, 2] = 0.5  # a vertex behind the eye
            expected = reference(*scene, settings, IMAGE_SIZE)
            assert (expected[2] >= 0).any()
            assert ((expected[2] < 0) & (expected[1] > 0.1)).sum() > 10
            compare(render(double, *scene, settings), expected)

    @pytest.mark.parametrize("image_size", [(1, 1), (3, 40), (40, 3), (16, 16)])
    def test_sizes(self, double, image_size):
        scene = soup(5)
        compare(render(double, *scene, SOFT, image_size), reference(*scene, SOFT, image_size))

    def test_float32(self):
        for mask_faces in MaskFaces:
            settings = DibrSettings(sigmainv=60.0, boxlen=0.3, knum=3, mask_faces=mask_faces)
            scene = soup(6)
            got, expected = render(TaichiArrays(), *scene, settings), reference(*scene, settings, IMAGE_SIZE)
            assert (got.face_index == expected[2]).all()
            np.testing.assert_allclose(got.features, expected[0], atol=2e-5)
            np.testing.assert_allclose(got.soft_mask, expected[1], atol=2e-5)

    def test_tiles_of_gpus(self):
        """Square tiles, and a thread for each pixel."""
        arrays = TaichiArrays(ti.f64)
        arrays.variant = of_gpus()
        assert arrays.variant.tile_pixels == 64
        for mask_faces in MaskFaces:
            settings = DibrSettings(sigmainv=60.0, boxlen=0.3, knum=3, mask_faces=mask_faces)
            scene = soup(13)
            compare(render(arrays, *scene, settings), reference(*scene, settings, IMAGE_SIZE))
        gradients = []
        for library in (arrays, TaichiArrays(ti.f64)):
            vertices, loss = library.parameter(scene[0].reshape(-1, 3)), library.parameter(np.zeros(1))
            with ti.ad.Tape(loss):
                image = dibr_rasterize(library, Topology.separate_faces(9, 2), vertices, library.real(scene[1].reshape(-1, 5)), SOFT, IMAGE_SIZE)
                mixture(image.features, image.features, loss)
                mixture(image.soft_mask, image.soft_mask, loss)
            gradients.append(vertices.grad.to_numpy())
        assert relative_error(*gradients) < 1e-12

    def test_fields(self):
        scene = soup(7, 1, 3)
        compare(render(FieldArrays(ti.f64), *scene, SOFT, (5, 9)), reference(*scene, SOFT, (5, 9)))

    def test_shared_vertices(self, double):
        """A mesh in two images: the index of a face is that within the mesh."""
        rng = np.random.default_rng(8)
        faces = np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4]])
        vertices = np.concatenate([rng.uniform(-1, 1, (2, 5, 2)), rng.uniform(-3, -2, (2, 5, 1))], -1)
        features = rng.uniform(size=(5, 2))
        image = dibr_rasterize(double, Topology.shared(faces, 5, 2), double.real(vertices.reshape(-1, 3)), double.real(features), SOFT, IMAGE_SIZE)
        got = DibrImage(*(double.to_numpy(array) for array in (image.features, image.soft_mask, image.face_index)))
        compare(got, reference(vertices[:, faces], np.broadcast_to(features[faces], (2, 3, 3, 2)), np.ones((2, 3), bool), SOFT, IMAGE_SIZE))

    def test_parts(self, double):
        """The foreground alone, and the mask around it."""
        vertices, features, shown = soup(9)
        topology, flat = Topology.separate_faces(9, 2), double.real(vertices.reshape(-1, 3))
        whole = render(double, vertices, features, shown)
        face_shown = double.index(shown.reshape(-1).astype(np.int32))
        image, face_index = dibr_foreground(double, topology, flat, double.real(features.reshape(-1, 5)), SOFT, IMAGE_SIZE, face_shown=face_shown)
        mask = dibr_soft_mask(double, topology, flat, face_index, SOFT)
        np.testing.assert_array_equal(double.to_numpy(image), whole.features)
        np.testing.assert_array_equal(double.to_numpy(face_index), whole.face_index)
        np.testing.assert_array_equal(double.to_numpy(mask), whole.soft_mask)

    def test_same_bits(self, double):
        scene = soup(10, 2, 60)
        for mask_faces in MaskFaces:
            settings = DibrSettings(sigmainv=60.0, boxlen=0.3, mask_faces=mask_faces)
            first, second = render(double, *scene, settings), render(double, *scene, settings)
            np.testing.assert_array_equal(first.soft_mask, second.soft_mask)


def triangle(*corners, z: float = -2.0) -> np.ndarray:
    return np.array([[(*corner, z) for corner in corners]])


class TestDecisions:
    BIG = ((-0.9, -0.9), (0.9, -0.9), (0.0, 0.9))

    def stack(self, *triangles) -> tuple[np.ndarray, np.ndarray]:
        """One image, and as each face's feature its number plus one."""
        vertices = np.concatenate(triangles)[None]
        return vertices, np.broadcast_to(np.arange(1.0, len(triangles) + 1)[None, :, None, None], (1, len(triangles), 3, 1)).copy()

    def test_the_larger_z_is_nearer_and_the_first_wins_a_tie(self, double):
        scene = self.stack(triangle(*self.BIG, z=-3.0), triangle(*self.BIG, z=-2.0), triangle(*self.BIG, z=-2.0))
        got = render(double, *scene)
        assert got.face_index[0, 6, 10] == 1
        assert got.features[0, 6, 10, 0] == pytest.approx(2.0)

    def test_faces_that_are_not_shown_count_for_the_mask(self, double):
        scene = self.stack(triangle(*self.BIG))
        hidden, seen = render(double, *scene, np.array([[False]])), render(double, *scene)
        assert (hidden.face_index == -1).all()
        assert not hidden.features.any()
        outside = seen.face_index < 0
        np.testing.assert_array_equal(hidden.soft_mask[outside], seen.soft_mask[outside])
        assert (seen.soft_mask[~outside] == 1).all()
        assert (hidden.soft_mask[~outside] < 1).all()

    def test_left_and_lower_sides_belong_to_a_face(self, double):
        """Pixel centres on its sides: a pixel between two squares is in one of them, never in both."""
        square = ((-0.4, -0.4), (0.4, -0.4), (0.4, 0.4), (-0.4, 0.4))
        scene = self.stack(triangle(*square[:3]), triangle(square[0], *square[2:]))
        rows = render(double, *scene, None, SOFT, (5, 5)).face_index[0] >= 0
        np.testing.assert_array_equal(np.argwhere(rows), [[2, 1], [2, 2], [3, 1], [3, 2]])

    @pytest.mark.parametrize("perspective", [False, True])
    def test_faces_without_area(self, double, perspective):
        """A point, a line through pixel centres and a line between: they cover nothing, hide nothing, and all is finite."""
        degenerate = [
            triangle((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), z=-1.0),
            triangle((-0.8, -0.8), (0.0, 0.0), (0.8, 0.8), z=-1.0),
            triangle((-0.7, 0.31), (0.5, 0.31), (0.1, 0.31), z=-1.0),
            triangle((3e6, 1e6), (3e6, 1e6), (-1e6, 3e6), z=-1.0),
        ]
        for others in ([], [triangle((-0.9, -0.9), (0.5, -0.8), (0.0, 0.9))]):
            vertices, features = self.stack(*degenerate, *others)
            shown = np.ones((1, len(features[0])), bool)
            for arrays in (double, TaichiArrays()):
                for mask_faces in MaskFaces:
                    settings = DibrSettings(sigmainv=60.0, boxlen=0.3, knum=2, mask_faces=mask_faces, perspective=perspective)
                    expected = reference(vertices, features, shown, settings, (15, 15))
                    compare(render(arrays, vertices, features, shown, settings, (15, 15)), expected, 1e-11 if arrays is double else 1e-4)
                    inputs = arrays.parameter(vertices.reshape(-1, 3)), arrays.parameter(features.reshape(-1, 1))
                    loss = arrays.parameter(np.zeros(1))
                    with ti.ad.Tape(loss):
                        image = dibr_rasterize(arrays, Topology.separate_faces(len(vertices[0]), 1), *inputs, settings, (15, 15))
                        mixture(image.features, image.features, loss)
                        mixture(image.soft_mask, image.soft_mask, loss)
                    assert all(np.isfinite(given.grad.to_numpy()).all() for given in inputs)

    def test_no_cap(self, double):
        """Sixty faces at equal distance of a pixel: `knum` of them count, or all."""
        rng = np.random.default_rng(11)
        angles = rng.uniform(0, 2 * np.pi, 60)
        spokes = [
            triangle((0.5 * np.cos(a), 0.5 * np.sin(a)), (2 * np.cos(a - 0.01), 2 * np.sin(a - 0.01)), (2 * np.cos(a + 0.01), 2 * np.sin(a + 0.01)))
            for a in angles
        ]
        scene = self.stack(*spokes)
        one = np.exp(-2.0 * 0.25)
        for mask_faces, counted in ((MaskFaces.FIRST, 7), (MaskFaces.NEAREST, 7), (MaskFaces.ALL, 60)):
            settings = DibrSettings(sigmainv=2.0, boxlen=5.0, knum=7, mask_faces=mask_faces)
            middle = render(double, *scene, np.zeros((1, 60), bool), settings, (3, 3)).soft_mask[0, 1, 1]
            assert middle == pytest.approx(1 - (1 - one) ** counted, abs=1e-12)

    def test_equally_near(self):
        """Two faces share an edge, each in its own direction: rounding does not decide which one counts, but their order."""
        vertices = np.concatenate([triangle((0.1, -3.0), (-0.13, 3.0), (4.0, 0.0)), triangle((-0.13, 3.0), (0.1, -3.0), (5.0, 1.0))])
        settings = DibrSettings(sigmainv=1.0, boxlen=9.0, knum=1, mask_faces=MaskFaces.NEAREST)
        for arrays in (TaichiArrays(), TaichiArrays(ti.f64)):
            corners, loss = arrays.parameter(vertices.reshape(-1, 3)), arrays.parameter(np.zeros(1))
            topology = Topology.separate_faces(2, 1)
            nothing = np.full((1, *IMAGE_SIZE), -1, np.int32)
            with ti.ad.Tape(loss):
                mask = dibr_soft_mask(arrays, topology, corners, nothing, settings)
                mixture(mask, mask, loss)
            gradient = corners.grad.to_numpy().reshape(2, 3, 3)
            assert np.abs(gradient[0, :2, :2]).min() > 0.01
            assert not gradient[1].any()

    def test_numbering(self, double):
        """Kaolin's choice hangs on how the faces are numbered; the others do not."""
        vertices, features, _ = soup(12, 1, 40)
        hidden, order = np.zeros((1, 40), bool), np.random.default_rng(0).permutation(40)
        changed = {}
        for mask_faces in MaskFaces:
            settings = DibrSettings(sigmainv=20.0, boxlen=0.5, knum=4, mask_faces=mask_faces)
            masks = [render(double, vertices[:, o], features[:, o], hidden, settings).soft_mask for o in (np.arange(40), order)]
            changed[mask_faces] = np.abs(masks[0] - masks[1]).max()
        assert changed[MaskFaces.FIRST] > 0.05
        assert changed[MaskFaces.NEAREST] < 1e-12
        assert changed[MaskFaces.ALL] < 1e-12

    def test_faces_outside_of_the_image(self, double):
        scene = self.stack(triangle((3.0, 3.0), (4.0, 3.0), (3.0, 4.0)))
        got = render(double, *scene)
        assert (got.face_index == -1).all()
        assert not got.features.any()
        assert not got.soft_mask.any()


class TestBadInput:
    @pytest.mark.parametrize(
        ("name", "value", "error", "words"),
        [
            ("sigmainv", 0.0, ValueError, "sigmainv must be a finite number between 0 and"),
            ("sigmainv", "7000", TypeError, "sigmainv must be a number, got str"),
            ("boxlen", -0.1, ValueError, "boxlen must be a finite number"),
            ("knum", 0, ValueError, "knum must be between 1 and"),
            ("knum", 3.5, TypeError, "knum must be a whole number, got 3.5"),
            ("mask_faces", "first", TypeError, "mask_faces must be one of MaskFaces.FIRST, .*, got 'first'"),
            ("perspective", 1, TypeError, "perspective must be True or False, got 1"),
            ("eps", 0.0, ValueError, "eps must be a finite number"),
            ("multiplier", -1.0, ValueError, "multiplier must be a finite number"),
        ],
    )
    def test_settings(self, name, value, error, words):
        with pytest.raises(error, match=f"DibrSettings: {words}"):
            DibrSettings(**{name: value})

    def test_arrays(self, double):
        topology = Topology.separate_faces(2, 1)
        vertices, features = double.real(np.full((6, 3), -1.0)), double.real(np.ones((6, 1)))
        for function in (dibr_rasterize, dibr_foreground):
            op = function.__name__
            with pytest.raises(ValueError, match=rf"{op}: vertices_image must have shape \(N, 3\) with N = 6.*, got \(6, 2\)"):
                function(double, topology, double.real(np.ones((6, 2))), features, SOFT, IMAGE_SIZE)
            with pytest.raises(ValueError, match=rf"{op}: features must have shape \(V, C\) with V = 6.*, got \(5, 1\)"):
                function(double, topology, vertices, double.real(np.ones((5, 1))), SOFT, IMAGE_SIZE)
            with pytest.raises(ValueError, match=rf"{op}: face_shown must have shape \(2\), got \(3,\)"):
                function(double, topology, vertices, features, SOFT, IMAGE_SIZE, face_shown=np.ones(3, np.int32))
            with pytest.raises(ValueError, match=rf"{op}: image height must be between 1 and 16384, got 0"):
                function(double, topology, vertices, features, SOFT, (0, 4))
            for bad in (np.nan, np.inf):
                with pytest.raises(ValueError, match=rf"{op}: vertices must be finite, got NaN or infinity in face 1 of the batch"):
                    function(double, topology, double.real(np.array([[0.0, 0.0, -1.0]] * 5 + [[0.0, bad, -1.0]])), features, SOFT, IMAGE_SIZE)
        with pytest.raises(ValueError, match=r"dibr_soft_mask: face_index must have shape \(B, H, W\) with B = 1, got \(2, 4, 4\)"):
            dibr_soft_mask(double, topology, vertices, np.zeros((2, 4, 4), np.int32), SOFT)
