"""The drop-in's ``Meshes`` and its shapes.

Plan: edges and Laplacian against sets and loops of Python, and all that is derived from vertices against a batch that is made anew, after each method that
changes them: nothing may go stale. Then which meshes an index picks, empty meshes and batches, parts, joined batches and scenes with each kind of textures
(what is sampled of the one picture is what was sampled of the several, gradient included), textures that are kept as they were given, what is read and set
by private names, lists and padding, shapes, and the names that are left out.
"""

import functools
import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from taichi_softras.interop import pytorch3d as p3d
from taichi_softras.interop.left_out import LeftOut
from taichi_softras.interop.pytorch3d.left_out import SINGLE
from taichi_softras.interop.pytorch3d.structures.utils import padded_to_packed

FACES = [[[0, 1, 2], [2, 1, 3], [0, 2, 3]], [[5, 1, 2], [3, 4, 0]], [[0, 2, 1]]]
SIZES = (4, 6, 3)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def verts() -> list[torch.Tensor]:
    return [random(n, 3, seed=n) for n in SIZES]


def faces() -> list[torch.Tensor]:
    return [torch.tensor(rows) for rows in FACES]


def meshes(**more) -> p3d.Meshes:
    return p3d.Meshes(verts(), faces(), **more)


def textures(kind: str) -> object:
    if kind == "vertex":
        return p3d.TexturesVertex([random(n, 3, seed=n + 9) for n in SIZES])
    if kind == "atlas":
        return p3d.TexturesAtlas([random(len(rows), 3, 3, 2, seed=len(rows)) for rows in FACES])
    maps = [random(*size, 3, seed=size[0]) for size in ((7, 5), (4, 9), (6, 6))]
    uvs = [random(5, 2, seed=i) for i in range(3)]
    return p3d.TexturesUV(maps, [(f + 1) % 5 for f in faces()], uvs, align_corners=kind != "uv between")


KINDS = ("vertex", "atlas", "uv", "uv between")


def at_corners(batch: p3d.Meshes) -> torch.Tensor:
    return batch.textures.faces_verts_textures_packed(batch.faces_packed())


def inside(batch: p3d.Meshes) -> torch.Tensor:
    """[sum of F_n, 5, C] of the textures at five places of each face."""
    n_faces, weights = len(batch.faces_packed()), random(5, 3, seed=7)
    faces_of = [torch.arange(n) for n in batch.num_faces_per_mesh().tolist()]
    firsts = batch.mesh_to_faces_packed_first_idx().tolist()
    most = max(map(len, faces_of))
    pix_to_face = torch.full((len(batch), most, 5, 1), -1)
    for i, own in enumerate(faces_of):
        pix_to_face[i, : len(own)] = (own + firsts[i])[:, None, None]
    bary = (weights / weights.sum(1, keepdim=True)).expand(len(batch), most, 5, 3)[..., None, :]
    texels = batch.sample_textures(SimpleNamespace(pix_to_face=pix_to_face, bary_coords=bary))
    return texels[pix_to_face >= 0].reshape(n_faces, 5, -1)


class TestEdges:
    def test_edges(self):
        batch = meshes()
        packed = batch.faces_packed().tolist()
        edges = sorted({tuple(sorted(pair)) for face in packed for pair in itertools.combinations(face, 2)})
        assert batch.edges_packed().tolist() == [list(edge) for edge in edges]
        across = [[edges.index(tuple(sorted(pair))) for pair in ((b, c), (c, a), (a, b))] for a, b, c in packed]
        assert batch.faces_packed_to_edges_packed().tolist() == across
        of_mesh = [0 if i < 4 else 1 if i < 10 else 2 for i, _ in edges]
        assert batch.edges_packed_to_mesh_idx().tolist() == of_mesh
        assert batch.num_edges_per_mesh().tolist() == [of_mesh.count(i) for i in range(3)] == [6, 6, 3]
        assert batch.mesh_to_edges_packed_first_idx().tolist() == [0, 6, 12]

    def test_laplacian(self):
        batch = meshes()
        wanted = -np.eye(sum(SIZES))
        edges = batch.edges_packed().tolist()
        for i in range(len(wanted)):
            neighbours = [b if a == i else a for a, b in edges if i in (a, b)]
            wanted[i, neighbours] = 1 / len(neighbours)
        found = batch.laplacian_packed()
        assert found.is_sparse
        np.testing.assert_allclose(found.to_dense(), wanted, rtol=0, atol=1e-15)

    def test_faces_with_one_vertex_twice(self):
        batch = p3d.Meshes([random(4, 3)], [torch.tensor([[0, 0, 1], [1, 2, 3]])])
        assert batch.edges_packed().tolist() == [[0, 0], [0, 1], [1, 2], [1, 3], [2, 3]]
        np.testing.assert_allclose(batch.laplacian_packed().to_dense().sum(1), 0, atol=1e-15)

    def test_found_once(self):
        batch = meshes()
        moved = batch.offset_verts(random(13, 3)).scale_verts(2.0).update_padded(random(3, 6, 3))
        assert moved.edges_packed() is batch.edges_packed()
        assert batch[[0]].edges_packed() is not batch.edges_packed()

    def test_many_faces(self):
        """A matrix of all pairs would have 10^10 entries."""
        n = 100_000
        corner = torch.arange(n - 2)
        batch = p3d.Meshes([torch.zeros(n, 3)], [torch.stack([corner, corner + 1, corner + 2], 1)])
        assert len(batch.edges_packed()) == 2 * n - 3


DERIVED = [
    *("verts_packed", "verts_padded", "faces_areas_packed", "faces_normals_packed", "faces_normals_padded", "verts_normals_packed", "verts_normals_padded"),
    *("get_bounding_boxes", "edges_packed", "faces_packed_to_edges_packed", "num_edges_per_mesh", "laplacian_packed", "verts_padded_to_packed_idx"),
]
OFFSETS, PADDED = random(13, 3, seed=1), random(3, 6, 3, seed=2)
CHANGES = {
    "offset_verts": lambda batch: batch.offset_verts(OFFSETS),
    "offset_verts_": lambda batch: batch.offset_verts_(OFFSETS),
    "update_padded": lambda batch: batch.update_padded(PADDED),
    "scale_verts": lambda batch: batch.scale_verts(torch.tensor([2.0, 3.0, 0.5], dtype=torch.float64)),
    "scale_verts_": lambda batch: batch.scale_verts_(2.0),
    "offset_verts by one": lambda batch: batch.offset_verts(OFFSETS[0]),
    "offset_verts_ by one": lambda batch: batch.offset_verts_(OFFSETS[0]),
}


class TestNothingGoesStale:
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize("given", [False, True])
    def test_after(self, change, given):
        normals = [torch.nn.functional.normalize(v, dim=1) for v in verts()]
        batch = meshes(verts_normals=normals if given else None)
        before = {name: getattr(batch, name)() for name in DERIVED}
        moved = CHANGES[change](batch)
        keeps = given and (change.startswith("scale") or change.endswith("one"))
        fresh = p3d.Meshes([v.clone() for v in moved.verts_list()], faces(), verts_normals=normals if keeps else None)
        for name in DERIVED:
            found, wanted = getattr(moved, name)(), getattr(fresh, name)()
            if found.is_sparse:
                found, wanted = found.to_dense(), wanted.to_dense()
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12, err_msg=name)
        assert moved.has_verts_normals() == keeps
        if change.split()[0].endswith("_"):
            assert moved is batch
        else:
            for name in ("verts_packed", "verts_normals_packed", "get_bounding_boxes"):
                np.testing.assert_array_equal(getattr(batch, name)(), before[name])

    def test_gradient_after_given_normals(self):
        """Through the vertices that were moved, not past the normals that were given."""
        normals, upstream = [torch.nn.functional.normalize(v, dim=1) for v in verts()], random(13, 3, seed=5)

        def grad(batch: p3d.Meshes) -> torch.Tensor:
            offsets = torch.zeros(13, 3, dtype=torch.float64, requires_grad=True)
            (batch.offset_verts(offsets).verts_normals_packed() * upstream).sum().backward()
            return offsets.grad

        np.testing.assert_allclose(grad(meshes(verts_normals=normals)), grad(meshes()), atol=1e-14)
        assert grad(meshes()).norm() > 1

    def test_texture_that_is_given_later(self):
        batch = meshes()
        padded = random(3, 6, 2)
        batch.textures = p3d.TexturesVertex(padded)
        np.testing.assert_array_equal(batch.textures.verts_features_packed(), torch.cat([padded[i, :n] for i, n in enumerate(SIZES)]))
        with pytest.raises(ValueError, match="one entry for each of the 6 verts of a mesh, got 5"):
            batch.textures = p3d.TexturesVertex(random(3, 5, 2))
        with pytest.raises(ValueError, match="textures must be TexturesVertex, TexturesUV or TexturesAtlas, got str"):
            batch.textures = "red"

    def test_to(self):
        batch = meshes(textures=textures("vertex"))
        assert batch.to("cpu") is batch
        assert batch.cpu() is batch
        other = batch.to(torch.device("cpu"), copy=True)
        assert other is not batch
        assert other.verts_list()[0].data_ptr() != batch.verts_list()[0].data_ptr()
        there = batch.to("meta")
        assert there.device.type == there.verts_list()[1].device.type == there.textures.device.type == "meta"

    def test_clone_and_detach(self):
        own = [v.requires_grad_() for v in verts()]
        batch = p3d.Meshes(own, faces(), verts_normals=[v * 2 for v in own])
        clone, detached = batch.clone(), batch.detach()
        clone.offset_verts_(torch.ones(3, dtype=torch.float64))
        assert batch.verts_list()[0] is own[0]
        assert clone.verts_packed().requires_grad
        assert not detached.verts_packed().requires_grad
        assert not detached.verts_normals_packed().requires_grad
        np.testing.assert_array_equal(detached.verts_padded(), batch.verts_padded().detach())


class TestIndex:
    @pytest.mark.parametrize(
        ("index", "places"),
        [
            (1, [1]),
            (-1, [2]),
            (np.int64(0), [0]),
            (slice(1, None), [1, 2]),
            (slice(None, None, -2), [2, 0]),
            ([2, 0, 2], [2, 0, 2]),
            ([], []),
            (torch.tensor([0, -1]), [0, 2]),
            (torch.tensor([True, False, True]), [0, 2]),
            (torch.tensor([False] * 3), []),
            (slice(3, None), []),
        ],
    )
    @pytest.mark.parametrize("kind", KINDS)
    def test_picks(self, index, places, kind):
        batch = meshes(textures=textures(kind), verts_normals=[v * 2 for v in verts()])
        some = batch[index]
        assert len(some) == len(some.textures) == len(places)
        for i, place in enumerate(places):
            assert some.verts_list()[i] is batch.verts_list()[place]
            assert some.faces_list()[i] is batch.faces_list()[place]
            np.testing.assert_array_equal(some.verts_normals_list()[i], meshes().verts_normals_list()[place])
        assert not some.has_verts_normals()
        if places:
            corners = at_corners(batch).split([3, 2, 1])
            np.testing.assert_allclose(at_corners(some), torch.cat([corners[i] for i in places]), atol=1e-15)

    @pytest.mark.parametrize("index", [3, -4, [0, 3], torch.tensor([3]), torch.tensor([0.0]), torch.tensor([[0]]), torch.tensor([True]), "0", 1.0, None])
    def test_picks_nothing(self, index):
        with pytest.raises(IndexError):
            meshes()[index]

    def test_normals_of_copies(self):
        """As in the original: those that were given go with a clone, and not with a mesh that is repeated."""
        batch = meshes(verts_normals=verts())
        for copy in (batch.clone(), batch.detach(), batch.to("cpu", copy=True)):
            np.testing.assert_array_equal(copy.verts_normals_packed(), torch.cat(verts()))
        repeated = batch.extend(2)
        np.testing.assert_array_equal(repeated.verts_normals_packed(), p3d.Meshes(repeated.verts_list(), repeated.faces_list()).verts_normals_packed())
        assert repeated.verts_list()[1] is batch.verts_list()[0]

    def test_loop(self):
        assert [len(mesh.verts_list()[0]) for mesh in meshes()] == [4, 6, 3]

    def test_split(self):
        parts = meshes(textures=textures("vertex")).split([2, 0, 1])
        assert [len(part) for part in parts] == [2, 0, 1]
        np.testing.assert_array_equal(parts[2].verts_packed(), verts()[2])
        for wrong in ([2, 2], [1.0], [-1]):
            with pytest.raises(ValueError, match="split_sizes must be whole numbers"):
                meshes().split(wrong)

    def test_one_mesh(self):
        v, f = meshes().get_mesh_verts_faces(1)
        assert v.tolist() == verts()[1].tolist()
        assert f.tolist() == FACES[1]
        for wrong in (3, -1, 1.0):
            with pytest.raises(ValueError, match="index must be a whole number from 0 to 2"):
                meshes().get_mesh_verts_faces(wrong)


LISTS = ("verts_list", "faces_list", "verts_normals_list", "faces_normals_list")
NUMBERS = ("num_verts_per_mesh", "num_faces_per_mesh", "verts_packed_to_mesh_idx", "edges_packed_to_mesh_idx", "mesh_to_edges_packed_first_idx")
SHAPES = {"verts_padded": (0, 0, 3), "faces_padded": (0, 0, 3), "edges_packed": (0, 2), "laplacian_packed": (0, 0), "verts_packed": (0, 3)}


class TestEmpty:
    def test_no_mesh(self):
        for batch in (p3d.Meshes([], []), p3d.Meshes(torch.zeros(0, 0, 3), torch.zeros(0, 0, 3, dtype=torch.int64)), meshes()[[]]):
            assert batch.isempty() is True
            assert not batch.equisized
            assert len(batch.valid) == len(batch.clone().extend(2).to("cpu")) == 0
            assert [getattr(batch, name)() for name in LISTS] == [[]] * len(LISTS)
            assert all(getattr(batch, name)().shape == (0,) for name in NUMBERS)
            assert {name: tuple(getattr(batch, name)().shape) for name in SHAPES} == SHAPES

    @pytest.mark.parametrize("none", [torch.zeros(0, 3, dtype=torch.int64), torch.tensor([]), torch.full((2, 3), -1)])
    def test_meshes_without_faces(self, none):
        own = verts()
        batch = p3d.Meshes([own[0], own[1], own[2][:0]], [none, torch.tensor(FACES[1]), none])
        assert batch.valid.tolist() == [False, True, False]
        assert (~batch.isempty()).tolist() is True
        assert batch.num_faces_per_mesh().tolist() == [0, 2, 0]
        assert batch.num_edges_per_mesh().tolist() == [0, 6, 0]
        assert batch.mesh_to_edges_packed_first_idx().tolist() == [0, 0, 6]
        assert batch.verts_padded().shape == (3, 6, 3)
        assert (batch.faces_padded()[[0, 2]] == -1).all()
        assert batch.verts_normals_packed()[:4].abs().max() == 0
        assert [len(part) for part in batch.faces_normals_list()] == [0, 2, 0]
        assert p3d.Meshes([own[0]], [none]).isempty().tolist() is True

    def test_is_it_a_tensor(self):
        """As in the original: of a batch with meshes, or clouds, in it, on its device."""
        for batch in (meshes(), p3d.Pointclouds(verts()), textures("vertex"), meshes().to("meta")):
            found = batch.isempty()
            assert (found.dtype, found.shape, found.device) == (torch.bool, (), batch.device)
        for batch, wanted in ((p3d.Pointclouds(verts()), False), (p3d.Pointclouds([torch.zeros(0, 3)]), True), (textures("uv"), False)):
            assert batch.isempty().tolist() is wanted
        assert p3d.Pointclouds([]).isempty() is p3d.TexturesVertex([]).isempty() is True

    def test_padding(self):
        batch = meshes()
        again = p3d.Meshes(batch.verts_padded(), batch.faces_padded())
        assert [f.tolist() for f in again.faces_list()] == FACES
        assert again.num_verts_per_mesh().tolist() == [6, 6, 6]
        assert not again.equisized
        assert p3d.Meshes(random(2, 4, 3), torch.tensor(FACES[:1] * 2)).equisized
        assert again.verts_padded_to_packed_idx().tolist() == list(range(18))
        assert batch.verts_padded_to_packed_idx().tolist() == [*range(4), *range(6, 12), *range(12, 15)]
        np.testing.assert_array_equal(batch.verts_padded().reshape(-1, 3)[batch.verts_padded_to_packed_idx()], batch.verts_packed())
        gap = torch.tensor([[[0, 1, 2], [-1, -1, -1], [0, 2, 1]]])
        with pytest.raises(ValueError, match="padding of -1 at the end"):
            p3d.Meshes(random(1, 4, 3), gap)
        assert p3d.Meshes([random(4, 3)], list(gap)).faces_packed().tolist() == [[0, 1, 2], [0, 2, 1]]
        with pytest.raises(ValueError, match="rows of -1 or none"):
            p3d.Meshes([random(4, 3)], [torch.tensor([[0, 1, -1]])])

    def test_faces_as_whole_reals(self):
        assert p3d.Meshes([random(4, 3)], [torch.tensor([[0.0, 1.0, 2.0]])]).faces_packed().dtype is torch.int64
        with pytest.raises(TypeError, match="faces must be integers"):
            p3d.Meshes([random(4, 3)], [torch.tensor([[0.0, 1.5, 2.0]])])


class TestParts:
    @pytest.mark.parametrize("kind", KINDS)
    def test_submeshes(self, kind):
        batch = meshes(textures=textures(kind), verts_normals=[v * 2 for v in verts()])
        parts = [[torch.tensor([2, 0]), torch.tensor([1])], [], [torch.tensor([0])]]
        some = batch.submeshes(parts)
        assert len(some) == 3
        chosen = [(0, [2, 0]), (0, [1]), (2, [0])]
        corners = at_corners(batch).split([3, 2, 1])
        for i, (mesh, rows) in enumerate(chosen):
            used = sorted({corner for row in rows for corner in FACES[mesh][row]})
            np.testing.assert_array_equal(some.verts_list()[i], verts()[mesh][used])
            assert [[used[corner] for corner in face] for face in some.faces_list()[i].tolist()] == [FACES[mesh][row] for row in rows]
        np.testing.assert_allclose(at_corners(some), torch.cat([corners[mesh][rows] for mesh, rows in chosen]), atol=1e-15)
        np.testing.assert_array_equal(some.verts_normals_packed(), p3d.Meshes(some.verts_list(), some.faces_list()).verts_normals_packed())

    def test_as_a_tensor(self):
        batch = p3d.Meshes(random(2, 4, 3), torch.tensor(FACES[:1] * 2))
        some = batch.submeshes(torch.tensor([[[0, 1]], [[1, 2]]]))
        assert [len(f) for f in some.faces_list()] == [2, 2]

    def test_wrong(self):
        with pytest.raises(ValueError, match=r"of as many meshes as there are \(3\), got 1"):
            meshes().submeshes([[]])
        with pytest.raises(ValueError, match="face_indices must index faces 0 to 2, got 3"):
            meshes().submeshes([[torch.tensor([3])], [], []])


class TestJoin:
    @pytest.mark.parametrize("kind", [None, *KINDS])
    def test_batch(self, kind):
        batch = meshes(textures=kind and textures(kind))
        joined = p3d.join_meshes_as_batch([batch[[0]], batch[1:]])
        assert len(joined) == 3
        np.testing.assert_array_equal(joined.verts_padded(), batch.verts_padded())
        np.testing.assert_array_equal(joined.faces_packed(), batch.faces_packed())
        if kind:
            np.testing.assert_array_equal(inside(joined), inside(batch))
            assert p3d.join_meshes_as_batch([batch, meshes()], include_textures=False).textures is None

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("given", [lambda batch: batch, lambda batch: [batch[[0]], batch[[1, 2]]]])
    def test_scene(self, kind, given):
        batch = meshes(textures=textures(kind))
        scene = p3d.join_meshes_as_scene(given(batch))
        assert len(scene) == 1
        np.testing.assert_array_equal(scene.verts_list()[0], batch.verts_packed())
        np.testing.assert_array_equal(scene.faces_list()[0], batch.faces_packed())
        np.testing.assert_allclose(inside(scene), inside(batch), atol=1e-12)
        np.testing.assert_allclose(at_corners(scene), at_corners(batch), atol=1e-12)

    @pytest.mark.parametrize("mode", ["border", "zeros", "reflection"])
    @pytest.mark.parametrize("align_corners", [True, False])
    def test_borders_of_a_picture(self, mode, align_corners):
        """At coordinates 0 and 1 what is beyond the picture counts as it did."""
        corners = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1], [0.5, 1], [1e-3, 0.5]], dtype=torch.float64)
        uv = p3d.TexturesUV([random(3, 4, 2), random(5, 2, 2)], torch.tensor([FACES[1], FACES[1]]), [corners, corners], mode, align_corners)
        batch = p3d.Meshes(random(2, 6, 3), torch.tensor([FACES[1], FACES[1]]), uv)
        np.testing.assert_allclose(inside(p3d.join_meshes_as_scene(batch)), inside(batch), atol=1e-12)

    def test_gradient_of_a_scene(self):
        maps, uvs = [random(2, 3, 1).requires_grad_(), random(3, 2, 1).requires_grad_()], [random(3, 2, seed=i).requires_grad_() for i in range(2)]
        triangle = torch.tensor([[0, 1, 2]])

        def sampled(*tensors: torch.Tensor) -> torch.Tensor:
            uv = p3d.TexturesUV(list(tensors[:2]), [triangle] * 2, list(tensors[2:]), align_corners=False)
            return inside(p3d.join_meshes_as_scene(p3d.Meshes(random(2, 3, 3), [triangle] * 2, uv)))

        assert torch.autograd.gradcheck(sampled, (*maps, *uvs))

    def test_one_picture_for_several_meshes(self):
        batch = meshes(textures=textures("uv"))[[0]].extend(3)
        (picture,) = p3d.join_meshes_as_scene(batch).textures.maps_list()
        assert picture.shape == (7, 5, 3)

    def test_normals(self):
        """Those that were given stay behind, as in the original: they are the faces' again. A single mesh is itself."""
        given, others = meshes(verts_normals=[v * 2 for v in verts()]), meshes()
        joined = p3d.join_meshes_as_batch([given, others])
        np.testing.assert_array_equal(joined.verts_normals_packed(), others.verts_normals_packed().repeat(2, 1))
        np.testing.assert_allclose(p3d.join_meshes_as_scene(given).verts_normals_packed(), others.verts_normals_packed(), atol=1e-15)
        one = p3d.Meshes(verts()[:1], faces()[:1], p3d.TexturesVertex(verts()[:1]), verts_normals=verts()[:1])
        for include_textures in (True, False):
            np.testing.assert_array_equal(p3d.join_meshes_as_scene(one, include_textures).verts_normals_packed(), verts()[0])

    def test_wrong(self):
        both = "must all have textures of one kind, or none, got"
        for one, other in (("vertex", "uv"), (None, "uv")):
            with pytest.raises(ValueError, match=both):
                p3d.join_meshes_as_batch([meshes(textures=kind and textures(kind)) for kind in (one, other)])
        with pytest.raises(ValueError, match="align_corners"):
            p3d.join_meshes_as_batch([meshes(textures=textures(kind)) for kind in ("uv", "uv between")])
        for wrong in (meshes(), [1], None):
            with pytest.raises(TypeError, match="meshes must be a list of Meshes"):
                p3d.join_meshes_as_batch(wrong)
        with pytest.raises(TypeError, match="include_textures"):
            p3d.join_meshes_as_scene(meshes(), meshes())


class TestTextures:
    def test_padded(self):
        vertex, atlas, uv = (textures(kind) for kind in ("vertex", "atlas", "uv"))
        assert vertex.verts_features_padded().shape == (3, 6, 3)
        assert atlas.atlas_padded().shape == (3, 3, 3, 3, 2)
        assert uv.faces_uvs_padded().shape == (3, 3, 3)
        assert uv.verts_uvs_padded().shape == (3, 5, 2)
        assert vertex.check_shapes(3, 6, 3)
        assert atlas.check_shapes(3, 6, 3)
        assert uv.check_shapes(3, 6, 3)
        assert not uv.check_shapes(3, 6, 4)

    def test_pictures_of_several_sizes(self):
        """As large as the largest; what is between the texels of a ramp stays on the ramp."""
        ramp = torch.linspace(0, 1, 3, dtype=torch.float64).expand(2, 3)[..., None]
        uv = p3d.TexturesUV([ramp, random(4, 5, 1)], torch.zeros(2, 1, 3, dtype=torch.int64), random(2, 3, 2))
        padded = uv.maps_padded()
        assert padded.shape == (2, 4, 5, 1)
        np.testing.assert_allclose(padded[0, :, :, 0], np.tile(np.linspace(0, 1, 5), (4, 1)), atol=1e-15)
        assert padded[1] is not None

    def test_atlas_at_corners(self):
        """The texels next to the corners of a face."""
        texels = torch.arange(9.0).reshape(1, 3, 3, 1)
        assert p3d.TexturesAtlas([texels]).faces_verts_textures_packed().flatten().tolist() == [2, 6, 0]

    def test_one_resolution(self):
        with pytest.raises(ValueError, match=r"atlas must have shape \(F, R, R, C\) with R = 2, R = 2, got \(1, 4, 4, 3\)"):
            p3d.TexturesAtlas([random(1, 2, 2, 3), random(1, 4, 4, 3)])
        with pytest.raises(ValueError, match="one number of channels, got 3 and 2"):
            p3d.TexturesVertex([random(4, 3), random(4, 2)])
        with pytest.raises(ValueError, match=r"TexturesVertex\.extend: N must be"):
            textures("vertex").extend(0)


class TestKept:
    """What is handed out is what is kept; and what users of the original read and set by its private names."""

    def picture(self) -> tuple[p3d.Meshes, torch.Tensor]:
        mesh, given = meshes()[0], random(1, 7, 5, 3)
        mesh.textures = p3d.TexturesUV(given, [faces()[0]], [random(4, 2)])
        return mesh, given

    def test_textures_are_those_given(self):
        for kind in KINDS:
            own = textures(kind)
            batch = meshes(textures=own)
            assert batch.textures is own
            batch.textures = own
            assert batch.textures is own

    def test_padded_is_the_one_given(self):
        mesh, given = self.picture()
        assert mesh.textures.maps_padded() is given
        features, atlas = random(1, 4, 3), random(1, 3, 2, 2, 3)
        assert p3d.TexturesVertex(features).verts_features_padded() is features
        assert p3d.TexturesAtlas(atlas).atlas_padded() is atlas

    @pytest.mark.parametrize("as_list", [False, True])
    def test_a_gradient_that_is_wanted_later(self, as_list):
        mesh, given = self.picture()
        if as_list:
            mesh.textures = p3d.TexturesUV([given[0]], mesh.textures.faces_uvs_list(), mesh.textures.verts_uvs_list())
        mesh.textures.maps_padded().requires_grad = True
        values = inside(mesh)
        wanted = given.detach().clone().requires_grad_()
        mesh.textures, own = p3d.TexturesUV(wanted, mesh.textures.faces_uvs_list(), mesh.textures.verts_uvs_list()), mesh.textures
        expected = inside(mesh)
        torch.testing.assert_close(values, expected, rtol=0, atol=0)
        values.square().sum().backward()
        expected.square().sum().backward()
        assert float(wanted.grad.norm()) > 0
        torch.testing.assert_close(own.maps_padded().grad, wanted.grad, rtol=0, atol=1e-15)

    def test_a_list_that_wants_a_gradient_stays(self):
        feature = random(4, 3).requires_grad_()
        own = p3d.TexturesVertex([feature])
        own.verts_features_padded().sum().backward()
        assert own.verts_features_list()[0] is feature
        assert bool((feature.grad == 1).all())

    def test_written_into(self):
        own = p3d.TexturesVertex([random(4, 3), random(4, 3)])
        own.verts_features_padded()[1, :, 0] = 7.0
        own.verts_features_list()[0][:, 1] = 8.0
        own.verts_features_packed()[:, 2] = 9.0
        assert bool((own.verts_features_list()[1][:, 0] == 7).all())
        assert bool((own.verts_features_packed()[:4, 1] == 8).all())
        assert bool((own.verts_features_padded()[..., 2] == 9).all())

    def test_of_inference_mode(self):
        """It is not kept: no gradient could flow through it."""
        own = p3d.TexturesVertex([random(4, 3)])
        with torch.inference_mode():
            own.verts_features_padded()
        wanted = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
        (own.verts_features_padded() * wanted).sum().backward()
        torch.testing.assert_close(wanted.grad, own.verts_features_list()[0])

    def test_set_in_textures(self):
        mesh, _ = self.picture()
        other = torch.nn.Parameter(random(1, 4, 4, 3, seed=3))
        expected = p3d.TexturesUV(other, mesh.textures.faces_uvs_list(), mesh.textures.verts_uvs_list())
        mesh.textures._maps_list = None
        mesh.textures._maps_padded = other
        assert mesh.textures.maps_padded() is mesh.textures._maps_padded is other
        torch.testing.assert_close(at_corners(mesh), expected.faces_verts_textures_packed())
        uvs = [random(4, 2, seed=8)]
        mesh.textures._verts_uvs_list = uvs
        assert mesh.textures.verts_uvs_list()[0] is uvs[0]
        vertex = textures("vertex")
        vertex._verts_features_list = [value * 2 for value in vertex._verts_features_list]
        torch.testing.assert_close(vertex.verts_features_packed(), 2 * textures("vertex").verts_features_packed())
        assert vertex._N == 3
        with pytest.raises(ValueError, match="TexturesUV: maps must be tensors of 3 dimensions"):
            mesh.textures._maps_padded = random(4, 4, 3)

    @pytest.mark.parametrize("kind", KINDS)
    def test_to_is_in_place(self, kind):
        own = textures(kind)
        assert own.to("cpu") is own
        moved = meshes(textures=own).to("cpu", copy=True)
        assert moved.textures is not own
        torch.testing.assert_close(moved.textures.faces_verts_textures_packed(moved.faces_packed()), own.faces_verts_textures_packed(moved.faces_packed()))

    def test_read_of_meshes(self):
        batch = meshes()
        for name in ("verts_packed", "verts_padded", "faces_packed", "faces_padded", "num_verts_per_mesh", "num_faces_per_mesh", "edges_packed"):
            assert torch.equal(getattr(batch, f"_{name}"), getattr(batch, name)()), name
        for name in ("verts_normals_packed", "faces_normals_packed", "faces_areas_packed"):
            torch.testing.assert_close(getattr(batch, f"_{name}"), getattr(batch, name)(), rtol=0, atol=0)

    def test_set_in_meshes(self):
        batch, offset = meshes(verts_normals=verts()), random(3, seed=5)
        batch._verts_packed += offset
        batch._verts_list[1] = batch._verts_list[1] * 2
        expected = [own + offset for own in verts()]
        expected[1] = expected[1] * 2
        torch.testing.assert_close(batch.verts_packed(), torch.cat(expected))
        batch._compute_vertex_normals(refresh=True)
        torch.testing.assert_close(batch.verts_normals_packed(), p3d.Meshes(expected, faces()).verts_normals_packed())
        batch._verts_padded = batch.verts_padded() * 3
        torch.testing.assert_close(batch.verts_list(), [own * 3 for own in expected])
        for name in ("packed", "padded", "edges_packed", "face_areas_normals"):
            getattr(batch, f"_compute_{name}")(refresh=True)
        torch.testing.assert_close(batch.verts_list(), [own * 3 for own in expected])
        with pytest.raises(ValueError, match=r"Meshes\._verts_packed: verts must have shape"):
            batch._verts_packed = random(2, 3)


class TestLists:
    def test_there_and_back(self):
        lists = verts()
        padded = p3d.list_to_padded(lists, pad_value=-2.0)
        packed, sizes, firsts, index = p3d.list_to_packed(lists)
        assert padded.shape == (3, 6, 3)
        assert padded[0, 4:].unique().tolist() == [-2]
        assert sizes.tolist() == list(SIZES)
        assert firsts.tolist() == [0, 4, 10]
        assert index.tolist() == [0] * 4 + [1] * 6 + [2] * 3
        for again in (p3d.padded_to_list(padded, list(SIZES)), p3d.packed_to_list(packed, list(SIZES))):
            assert all(torch.equal(one, other) for one, other in zip(again, lists, strict=True))
        assert torch.equal(padded_to_packed(padded, list(SIZES)), packed)
        assert torch.equal(padded_to_packed(padded, pad_value=-2.0), packed)
        assert torch.equal(padded_to_packed(padded), padded.reshape(-1, 3))
        assert p3d.list_to_padded(lists[:1] * 2, equisized=True).shape == (2, 4, 3)

    def test_of_several_dimensions(self):
        given = [random(2, 3), random(4, 1), torch.tensor([], dtype=torch.float64)]
        padded = p3d.list_to_padded(given, (5, 3))
        assert padded.shape == (3, 5, 3)
        assert padded[2].abs().max() == 0
        again = p3d.padded_to_list(padded, [(2, 3), (4, 1), (0, 0)])
        assert all(torch.equal(one, other) for one, other in zip(again[:2], given[:2], strict=True))
        assert p3d.list_to_padded([torch.zeros(0, 3), torch.zeros(0, 3)]).shape == (2, 0, 0)

    def test_gradient(self):
        own = [v.requires_grad_() for v in verts()]
        p3d.list_to_padded(own).sum().backward()
        assert all((v.grad == 1).all() for v in own)

    @pytest.mark.parametrize(
        ("call", "sentence"),
        [
            (lambda: p3d.list_to_padded([]), "x must hold at least one tensor, got none"),
            (lambda: p3d.list_to_padded([1]), "x must hold nothing but tensors, got int"),
            (lambda: p3d.list_to_padded(verts(), (2, 3)), r"x must fit into pad_size \(2, 3\), got \(4, 3\)"),
            (lambda: p3d.list_to_padded(verts(), (9,)), "pad_size must have a number for each of the 2 dimensions"),
            (lambda: p3d.list_to_padded([random(2), random(2, 2)]), "as many dimensions each"),
            (lambda: p3d.padded_to_list(random(2, 3), [1]), "split_size must be a list of as many sizes as x has rows"),
            (lambda: padded_to_packed(random(2, 3)), "x must have 3 dimensions"),
            (lambda: padded_to_packed(random(2, 3, 1), [1, 2], 0.0), "either split_size or pad_value must be None, got both"),
            (lambda: padded_to_packed(random(2, 3, 1), [1, 2.0]), "split_size must be whole numbers"),
        ],
    )
    def test_wrong(self, call, sentence):
        with pytest.raises(ValueError, match=sentence):
            call()


def is_closed(mesh: p3d.Meshes) -> bool:
    """Each edge lies between two faces, which go along it in opposite directions."""
    sides = [(face[k], face[(k + 1) % 3]) for face in mesh.faces_packed().tolist() for k in range(3)]
    return len(set(sides)) == len(sides) and all((b, a) in set(sides) for a, b in sides)


class TestShapes:
    @pytest.mark.parametrize("level", range(4))
    def test_ico_sphere(self, level):
        """The corners of the level before, and then the middles of its edges; of each face those parts first that are at its first corner."""
        sphere = p3d.ico_sphere(level)
        v, f = sphere.verts_packed().double(), sphere.faces_packed()
        assert (len(v), len(f)) == (10 * 4**level + 2, 20 * 4**level)
        np.testing.assert_allclose(v.norm(dim=1), 1, atol=1e-6 if level else 1e-4)
        assert is_closed(sphere)
        normals, middles = sphere.faces_normals_packed(), v[f].mean(1)
        assert (normals * middles).sum(1).min() > 0.7
        assert sphere.verts_packed().dtype is torch.float32
        if level == 0:
            golden = (1 + math.sqrt(5)) / 2
            np.testing.assert_allclose(sorted(set(v.abs().flatten().tolist())), [0, 1 / math.hypot(1, golden), golden / math.hypot(1, golden)], atol=1e-4)
            return
        coarse = p3d.ico_sphere(level - 1)
        edges = sorted({tuple(sorted(pair)) for face in coarse.faces_packed().tolist() for pair in itertools.combinations(face, 2)})
        old = coarse.verts_packed().double()
        wanted = torch.cat([old, torch.stack([(old[a] + old[b]) / 2 for a, b in edges])])
        np.testing.assert_allclose(v, wanted / wanted.norm(dim=1, keepdim=True), atol=1e-6)
        place = {edge: len(old) + i for i, edge in enumerate(edges)}
        parts: tuple[list, ...] = ([], [], [], [])
        for a, b, c in coarse.faces_packed().tolist():
            ab, bc, ca = (place[tuple(sorted(pair))] for pair in ((a, b), (b, c), (c, a)))
            for part, face in zip(parts, ([a, ab, ca], [b, bc, ab], [c, ca, bc], [bc, ca, ab]), strict=True):
                part.append(face)
        assert f.tolist() == list(itertools.chain(*parts))

    def test_torus(self):
        mesh = p3d.torus(0.3, 1.0, sides=5, rings=7)
        x, y, z = mesh.verts_packed().double().unbind(1)
        np.testing.assert_allclose((torch.hypot(x, y) - 1) ** 2 + z**2, 0.3**2, atol=1e-6)
        assert is_closed(mesh)
        assert len(mesh.verts_packed()) - len(mesh.edges_packed()) + len(mesh.faces_packed()) == 0
        np.testing.assert_allclose(mesh.verts_packed()[5 * 2 + 1], [(1 + 0.3 * math.cos(2 * math.pi / 5)) * math.cos(4 * math.pi / 7),
            (1 + 0.3 * math.cos(2 * math.pi / 5)) * math.sin(4 * math.pi / 7), 0.3 * math.sin(2 * math.pi / 5)], atol=1e-6)  # fmt: skip
        out = torch.stack([x - x / torch.hypot(x, y), y - y / torch.hypot(x, y), z], 1)
        assert (mesh.verts_normals_packed().double() * out).sum(1).min() > 0
        assert p3d.torus(0.3, 1.0, 3, 3).faces_packed()[:3].tolist() == [[8, 2, 0], [0, 6, 8], [6, 0, 1]]

    def test_checkerboard(self):
        board = p3d.checkerboard(2, (1.0, 0, 0), (0, 0, 1.0))
        assert (len(board.verts_packed()), len(board.faces_packed())) == (25, 32)
        assert board.get_bounding_boxes()[0].tolist() == [[-2, 2], [-2, 2], [0, 0]]
        np.testing.assert_allclose(board.faces_areas_packed(), 0.5)
        np.testing.assert_allclose(board.faces_normals_packed(), [[0, 0, 1]] * 32)
        middles = board.verts_packed()[board.faces_packed()].mean(1)
        is_second = (middles[:, :2].floor().sum(1) % 2 == 1).tolist()
        assert board.textures.atlas_packed()[:, 0, 0].tolist() == [[0, 0, 1] if second else [1, 0, 0] for second in is_second]


class TestLeftOut:
    @pytest.mark.parametrize("name", SINGLE)
    def test_each_says_so(self, name):
        module, _, own = name.rpartition(".")
        with pytest.raises(NotImplementedError, match=f"pytorch3d.{name}: it is not in this drop-in: {SINGLE[name]}"):
            getattr(functools.reduce(getattr, module.split("."), p3d), own)(1, x=2)

    def test_names(self):
        from taichi_softras.interop.pytorch3d.datasets.shapenet import ShapeNetCore
        from taichi_softras.interop.pytorch3d.ops.ball_query import ball_query as same
        from taichi_softras.interop.pytorch3d.renderer.implicit import HarmonicEmbedding

        from taichi_softras.interop.pytorch3d.ops import ball_query
        from taichi_softras.interop.pytorch3d.renderer import PointsRasterizer
        from taichi_softras.interop.pytorch3d.structures import Volumes

        for use in (same, ball_query, ShapeNetCore):
            with pytest.raises(NotImplementedError, match="stay with PyTorch3D"):
                use()
        assert not isinstance(meshes(), (Volumes, PointsRasterizer, HarmonicEmbedding))
        for module in (p3d, p3d.structures, p3d.renderer, p3d.ops, p3d.utils):
            assert not any(isinstance(getattr(module, name), LeftOut) for name in module.__all__)
