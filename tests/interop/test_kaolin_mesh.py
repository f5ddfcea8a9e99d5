"""Kaolin's SurfaceMesh and materials: what is computed against formulas of NumPy's, batches against single meshes, gradients; what is wrong is refused."""

import copy

import numpy as np
import pytest
import torch

from taichi_softras.interop.kaolin.io.materials import group_materials_by_name
from taichi_softras.interop.kaolin.ops.coords import cartesian2spherical, spherical2cartesian
from taichi_softras.interop.kaolin.render.materials import Material, PBRMaterial
from taichi_softras.interop.kaolin.rep import SurfaceMesh, TensorContainerBase
from taichi_softras.interop.kaolin.utils.testing import check_tensor, contained_torch_equal, tensor_info

REAL = torch.float64
NONE, FIXED, LIST = SurfaceMesh.Batching
FACES = torch.tensor([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
FACE_UVS = torch.tensor([[0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 2, 0]])


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def tetrahedron(seed: int = 0, **more) -> SurfaceMesh:
    return SurfaceMesh(numbers(4, 3, seed=seed), FACES, uvs=numbers(3, 2, seed=seed + 1), face_uvs_idx=FACE_UVS, **more)


def flat_normals(vertices: torch.Tensor) -> np.ndarray:
    a, b, c = vertices.detach().numpy()[FACES.numpy()].transpose(1, 0, 2)
    normals = np.cross(b - a, c - a)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


class TestComputed:
    def test_at_corners(self):
        mesh = tetrahedron(vertex_features=numbers(4, 5, seed=3))
        np.testing.assert_array_equal(mesh.face_vertices, mesh.vertices.numpy()[FACES])
        np.testing.assert_array_equal(mesh.face_uvs, mesh.uvs.numpy()[FACE_UVS])
        np.testing.assert_array_equal(mesh.face_features, mesh.vertex_features.numpy()[FACES])
        assert mesh.has_attribute("face_uvs")  # kept, so that it may be changed
        mesh.face_uvs[..., 1] = 0
        assert not mesh.face_uvs[..., 1].any()

    def test_normals(self):
        mesh = tetrahedron()
        flat = flat_normals(mesh.vertices)
        np.testing.assert_allclose(mesh.face_normals, np.repeat(flat[:, None], 3, 1), atol=1e-8)
        mean = np.stack([flat[(vertex == FACES).any(1)].mean(0) for vertex in range(4)])
        np.testing.assert_allclose(mesh.vertex_normals, mean, atol=1e-8)
        given = tetrahedron(normals=numbers(2, 3), face_normals_idx=torch.tensor([[0, 1, 0], [1, 1, 1], [0, 0, 0], [-1, 0, 1]]))
        np.testing.assert_array_equal(given.face_normals[0], given.normals[[0, 1, 0]])
        np.testing.assert_array_equal(given.face_normals[3], given.normals[[0, 0, 1]])  # none is named: the first one
        at_vertices = tetrahedron(vertex_normals=numbers(4, 3))
        np.testing.assert_array_equal(at_vertices.face_normals, at_vertices.vertex_normals[FACES])

    def test_features_of_corners_at_vertices(self):
        mesh = tetrahedron(face_colors=numbers(4, 3, 3))
        colors = mesh.face_colors.numpy()
        expected = np.stack([colors[(vertex == FACES).numpy()].mean(0) for vertex in range(4)])
        np.testing.assert_allclose(mesh.vertex_colors, expected, atol=1e-12)

    def test_tangents(self):
        """Along u in the plane of a square, whatever the square's place."""
        vertices = torch.tensor([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]], dtype=REAL)
        uvs = torch.tensor([[0.0, 0], [0, 1], [1, 1], [1, 0]], dtype=REAL)  # u runs along y
        faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
        mesh = SurfaceMesh(vertices, faces, uvs=uvs, face_uvs_idx=faces)
        np.testing.assert_allclose(mesh.vertex_tangents, np.tile([0.0, 1, 0], (4, 1)), atol=1e-9)
        assert mesh.face_tangents.shape == (2, 3, 3)

    def test_what_is_needed(self):
        mesh = SurfaceMesh(numbers(4, 3), torch.tensor([[0, 1, 2, 3]]))
        assert not mesh.is_triangular()
        assert mesh.probably_can_compute_attribute("face_vertices")
        assert not mesh.has_or_can_compute_attribute("face_normals")
        assert (mesh.face_normals, mesh.vertex_normals, mesh.face_uvs, mesh.materials) == (None, None, None, None)
        mesh.unset_attributes_return_none = False
        with pytest.raises(AttributeError, match=r"face_uvs is not set, and cannot be computed from \(uvs, face_uvs_idx\)"):
            mesh.face_uvs  # noqa: B018
        mesh.allow_auto_compute = False
        with pytest.raises(AttributeError, match="face_vertices is not set, and allow_auto_compute is off"):
            mesh.face_vertices  # noqa: B018
        for name in ("face_uv", "batch"):
            with pytest.raises(AttributeError, match=f"there is no attribute '{name}'"):
                setattr(mesh, name, None)

    def test_gradient(self):
        vertices = numbers(4, 3).requires_grad_()
        mesh = tetrahedron()

        def computed(vertices: torch.Tensor) -> torch.Tensor:
            mesh.vertices = vertices
            return torch.cat([mesh.face_normals.flatten(), mesh.vertex_normals.flatten(), mesh.vertex_tangents.flatten()])

        assert torch.autograd.gradcheck(computed, vertices)
        assert not mesh.has_attribute("face_normals")  # it would be of older vertices
        mesh.get_or_compute_attribute("face_normals", should_cache=True)
        assert mesh.has_attribute("face_normals")

    def test_values_of_corners_are_indexed_again(self):
        mesh = tetrahedron()
        again = SurfaceMesh(mesh.vertices, FACES, face_uvs=mesh.face_uvs)
        uvs, index = again.ensure_indexed_attribute("uvs")
        assert torch.equal(uvs[index], mesh.face_uvs)
        assert again.has_attribute("uvs")
        assert tetrahedron().ensure_indexed_attribute("normals") == (None, None)


class TestBatches:
    @pytest.mark.parametrize("kind", [FIXED, LIST], ids=["fixed", "list"])
    def test_as_single_meshes(self, kind):
        """What is computed of a batch is what is computed of each of its meshes."""
        singles = [tetrahedron(seed, vertex_features=numbers(4, 2), materials=[seed], transform=torch.eye(4, dtype=REAL) * (seed + 1)) for seed in range(3)]
        batch = SurfaceMesh.cat([copy.copy(mesh) for mesh in singles], fixed_topology=kind is FIXED)
        assert (batch.batching, len(batch)) == (kind, 3)
        assert batch.materials == [[0], [1], [2]]
        for name in ("face_vertices", "face_normals", "vertex_normals", "vertex_tangents", "face_uvs", "face_features"):
            several = getattr(batch, name)
            assert isinstance(several, list) == (kind is LIST)
            for one, single in zip(several, singles, strict=True):
                np.testing.assert_allclose(one, getattr(single, name), atol=1e-12, err_msg=name)
        item = batch[-1]
        assert item.batching == NONE
        assert torch.equal(item.transform, singles[2].transform)
        assert torch.equal(item.face_vertices, singles[2].face_vertices)
        moved = batch.as_transformed()
        np.testing.assert_allclose(moved[1].vertices, singles[1].vertices)  # twice the identity, divided by its last 2
        assert not moved.has_attribute("transform")

    def test_back_and_forth(self):
        mesh, whole = tetrahedron(material_assignments=torch.zeros(4, dtype=torch.int16)), tetrahedron()
        for kind in (FIXED, LIST, FIXED, NONE):
            mesh.set_batching(kind)
            assert mesh.check_sanity()
        assert contained_torch_equal(mesh.as_dict(only_tensors=True) | {"material_assignments": 0}, whole.as_dict(True) | {"material_assignments": 0})
        assert tetrahedron().to_batched().faces.shape == (4, 3)
        two = SurfaceMesh([numbers(4, 3), numbers(5, 3)], [FACES, FACES])
        with pytest.raises(ValueError, match=r"vertices must be such that it can be FIXED: .* one shape"):
            two.set_batching(FIXED)
        with pytest.raises(ValueError, match="there must be one mesh to be without a batch, got 2"):
            two.set_batching(NONE)

    def test_different_texture_coordinates(self):
        """A fixed batch has those of the corners."""
        other = SurfaceMesh(numbers(4, 3, seed=5), FACES, uvs=numbers(12, 2), face_uvs_idx=torch.arange(12).reshape(4, 3))
        batch = SurfaceMesh.cat([tetrahedron(), other])
        assert not batch.has_attribute("uvs")
        assert torch.equal(batch.face_uvs[1], other.face_uvs)

    def test_flattened(self):
        """In the world, with indices that count on; a face without a material stays without."""
        shift = torch.eye(4, dtype=REAL)
        shift[:3, 3] = torch.tensor([1.0, 2.0, 3.0])
        named = [{"material_name": "b"}, {"material_name": "a"}]
        one = tetrahedron(material_assignments=torch.tensor([0, 1, -1, 0]), materials=named)
        two = tetrahedron(7, material_assignments=torch.tensor([0, 0, 0, -1]), materials=named[1:], transform=shift)
        flat = SurfaceMesh.flatten([one, two], group_materials_by_name=True)
        np.testing.assert_allclose(flat.vertices[4:], two.vertices + torch.tensor([1.0, 2.0, 3.0]))
        np.testing.assert_array_equal(flat.faces, torch.cat([FACES, FACES + 4]))
        np.testing.assert_array_equal(flat.face_uvs[4:], two.face_uvs)
        assert [material["material_name"] for material in flat.materials] == ["a", "b"]
        assert flat.material_assignments.tolist() == [1, 0, -1, 1, 0, 0, 0, -1]
        assert two.has_attribute("transform")

    def test_transformed(self):
        matrix = torch.eye(4, dtype=REAL)
        matrix[:3, :3], matrix[:3, 3] = numbers(3, 3, seed=8), numbers(3, seed=9)
        mesh = tetrahedron(transform=matrix)
        mesh.face_normals  # noqa: B018
        moved = mesh.as_transformed()
        np.testing.assert_allclose(moved.vertices, mesh.vertices @ matrix[:3, :3].T + matrix[:3, 3], atol=1e-12)
        turned = np.sign(np.linalg.det(matrix[:3, :3])) * flat_normals(moved.vertices)
        np.testing.assert_allclose(moved.face_normals[:, 0], turned, atol=1e-8)

    def test_copies(self):
        mesh = tetrahedron(materials=[PBRMaterial(diffuse_color=(1, 0, 0)), {"Kd": 1}])
        single = mesh.float_tensors_to(torch.float32)
        assert (single.vertices.dtype, single.faces.dtype, mesh.vertices.dtype) == (torch.float32, torch.int64, REAL)
        deep = copy.deepcopy(mesh)
        deep.vertices += 1
        assert not torch.equal(deep.vertices, mesh.vertices)
        assert mesh.to("cpu").materials[1] == {"Kd": 1}
        mesh.vertices.requires_grad = True
        assert not mesh.detach(["vertices"]).vertices.requires_grad
        assert mesh.cpu().vertices.requires_grad

    def test_in_words(self):
        told = str(tetrahedron(materials=[1, 2]))
        assert "vertices: [4, 3] (torch.float64)[cpu]" in told
        assert "materials: list of length 2" in told
        assert "face_uvs: if possible, computed on access from: (uvs, face_uvs_idx)" in told
        listed = SurfaceMesh.cat([tetrahedron(), tetrahedron(1)], fixed_topology=False).to_string(print_stats=True)
        assert "0: [4, 3] (torch.float64)[cpu] - [min" in listed
        assert "['B', 'F', 'K', 3]" in SurfaceMesh.attribute_info_string(FIXED)

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"vertices": numbers(4, 2)}, r"vertices must have shape \(V, 3\), got \(4, 2\)"),
            ({"vertices": numbers(2, 4, 3), "uvs": numbers(3, 2)}, r"uvs must have shape \(2, U, 2\), got \(3, 2\)"),
            ({"face_uvs_idx": FACE_UVS[:2]}, r"face_uvs_idx must have shape \(4, 3\), got \(2, 3\)"),
            ({"faces": FACES.double()}, "faces must be integers"),
            ({"vertices": [numbers(4, 3)], "faces": [FACES, FACES]}, "faces must be a list of 1 tensors, got a list of 2"),
            ({"transform": torch.eye(3)}, r"transform must have shape \(4, 4\)"),
        ],
    )
    def test_wrong_shapes(self, given, sentence):
        with pytest.raises(ValueError, match=sentence):
            SurfaceMesh(**{"vertices": numbers(4, 3), "faces": FACES} | given)
        assert not SurfaceMesh(**{"vertices": numbers(4, 3), "faces": FACES} | given, strict_checks=False).check_sanity()


class TestMaterials:
    def test_what_is_set(self):
        material = PBRMaterial(
            diffuse_color=(0.1, 0.2, 0.3), roughness_value=0.5, specular_color=0.7, diffuse_texture=torch.zeros(3, 8, 9), material_name="red"
        )
        assert material.get_attributes(only_tensors=True) == ["diffuse_color", "roughness_value", "specular_color", "diffuse_texture"]
        assert (material.specular_color.shape, material.roughness_value.shape) == ((3,), (1,))
        assert (material.hwc().diffuse_texture.shape, material.hwc().chw().diffuse_texture.shape) == ((8, 9, 3), (3, 8, 9))
        again = Material.from_dict(material.as_dict())
        assert contained_torch_equal(again, material)
        assert "material_name: red" in str(material)
        assert "colorspace" not in str(material)
        assert material.to("cpu").contiguous().cpu().material_name == "red"

    @pytest.mark.parametrize(
        ("given", "error", "sentence"),
        [
            ({"diffuse_color": (1.0, 2.0)}, ValueError, "diffuse_color must be 3 numbers, got 2"),
            ({"roughness_value": (1.0, 2.0)}, ValueError, "roughness_value must be a number, got 2"),
            ({"diffuse_texture": torch.zeros(8, 8)}, ValueError, r"diffuse_texture must have shape \(C, H, W\) or \(H, W, C\), got \(8, 8\)"),
            ({"diffuse_texture": np.zeros((8, 8, 3))}, TypeError, "diffuse_texture must be a torch.Tensor, got ndarray"),
            ({"roughness_colorspace": "sRGB"}, ValueError, "roughness_colorspace must be one of 'auto', 'raw', got 'sRGB'"),
            ({"is_specular_workflow": 1}, TypeError, "is_specular_workflow must be True or False, got 1"),
        ],
    )
    def test_wrong_parts(self, given, error, sentence):
        with pytest.raises(error, match=sentence):
            PBRMaterial(**given)

    def test_of_one_name(self):
        materials = [{"material_name": "b"}, {}, PBRMaterial(material_name="a"), {"material_name": "b", "second": 1}, {}]
        kept, assignments = group_materials_by_name(materials, torch.tensor([0, 1, 2, 3, 4, -1]))
        assert kept == [materials[2], materials[0], materials[1], materials[4]]
        assert assignments.tolist() == [1, 2, 0, 1, 3, -1]
        with pytest.raises(ValueError, match="must be -1, or number materials 0 to 4, got 0 to 5"):
            group_materials_by_name(materials, torch.tensor([0, 5]))


class TestHelpers:
    def test_containers(self):
        class Points(TensorContainerBase):
            def __init__(self, data, extras=None, label="own"):
                self.data, self.extras, self.label = data, extras, label

            @classmethod
            def class_tensor_attributes(cls):
                return ["data", "extras"]

            @classmethod
            def class_other_attributes(cls):
                return ["label"]

            def check_tensor_attribute(self, attr, log_error=False):
                return attr == "extras" or check_tensor(self.data, (None, 3), throw=False)

            def check_other_attribute(self, attr, log_error=False):
                return isinstance(self.label, str)

        points = Points(numbers(4, 3), {"a": numbers(4, 1)})
        moved = points.to(dtype=torch.float32)
        assert (moved.data.dtype, moved.extras["a"].dtype, points.data.dtype) == (torch.float32, torch.float32, REAL)
        assert points.check_sanity()
        assert not Points(numbers(4, 2)).check_sanity()
        assert not Points(numbers(4, 3), label=1).check_sanity()
        assert "extras[a]: [4, 1] (torch.float64)[cpu]" in str(points)
        with pytest.raises(AttributeError, match="Points: there is no attribute 'other'"):
            points.describe_attribute("other")

    def test_tensors(self):
        assert tensor_info(torch.tensor([0.0, 2.0, 4.0]), "t", print_stats=True) == "t: [3] (torch.float32)[cpu] - [min 0.0000, max 4.0000, mean 2.0000]"
        with pytest.raises(ValueError, match=r"must have shape \(2, None\), got \(3, 1\)"):
            check_tensor(numbers(3, 1), (2, None))
        with pytest.raises(TypeError, match=r"must be torch.float32, got torch.float64"):
            check_tensor(numbers(3), dtype=torch.float32)
        assert contained_torch_equal({"a": [numbers(3)]}, {"a": [numbers(3)]})
        assert not contained_torch_equal({"a": [numbers(3)]}, {"a": [numbers(3) + 1e-9]})
        assert contained_torch_equal((numbers(3), 1.0), (numbers(3) + 1e-9, 1.0 + 1e-9), approximate=True)

    def test_spheres(self):
        points = numbers(3, 5)
        azimuth, elevation, distance = cartesian2spherical(*points)
        np.testing.assert_allclose(torch.stack(spherical2cartesian(azimuth, elevation, distance)), points, atol=1e-12)
        np.testing.assert_allclose(elevation, torch.asin(points[2] / points.norm(dim=0)), atol=1e-12)
        assert torch.autograd.gradcheck(lambda p: torch.stack(cartesian2spherical(*p)), points.requires_grad_())
