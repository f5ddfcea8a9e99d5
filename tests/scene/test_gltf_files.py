"""Files of glTF 2.0, to the letter of the specification: what is read of them, what is refused by name, and what is written.

Plan: each test puts its file together byte by byte (`Gltf`), knows from the specification what it shows, and sees just that. First the arrays, as a file may
keep them; then primitives, poses, materials and colour spaces, containers, extensions. What is written is read back by trimesh, which is not ours. Files that
lie are rows of the table `bad_input.files`.
"""

import base64
import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from formats.builders import CODES, SQUARE, TWO_TRIANGLES, UVS, Gltf, png

from taichi_softras import Mesh
from taichi_softras.engine import Wrap
from taichi_softras.scene import contents
from taichi_softras.scene.contents import Contents
from taichi_softras.scene.gltf_files import read_gltf, write_glb

HALF = 0.5 ** (1 / 2.4) * 1.055 - 0.055  # .5 of linear light, in sRGB


def corners(mesh: Mesh) -> np.ndarray:
    """[F, 3, 3] positions."""
    return mesh.vertices[mesh.faces]


def corner_uvs(mesh: Mesh) -> np.ndarray:
    return mesh.uvs[mesh.faces if mesh.face_uvs is None else mesh.face_uvs]


def at(mesh: Mesh, x: float, y: float, z: float = 0.0) -> np.ndarray:
    """The colour of the vertex there."""
    (index,) = np.flatnonzero(np.isclose(mesh.vertices, [x, y, z]).all(1))
    return mesh.colors[index]


PICTURE = np.arange(2 * 3 * 3).reshape(2, 3, 3) * 10
RED, BLUE = np.broadcast_to([255, 0, 0], (4, 4, 3)), np.broadcast_to([0, 0, 255], (4, 4, 3))


class TestArrays:
    @pytest.mark.parametrize(
        ("dtype", "largest"), [("i1", 127), ("u1", 255), ("<i2", 32767), ("<u2", 65535)], ids=["byte", "unsigned byte", "short", "unsigned short"]
    )
    @pytest.mark.parametrize("name", ["m.glb", "m.gltf"])
    def test_normalized_integers(self, tmp_path, dtype, largest, name):
        """Also those below the smallest (3.6.2.2): -128 of a byte is -1."""
        file = Gltf(extensionsRequired=["KHR_mesh_quantization"])
        points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]) * largest
        if dtype[-2] == "i":
            points[0] = -largest - 1, -largest, 0
        uvs = np.array([[0, 1], [1, 1], [1, 0], [0, 0]]) * largest
        file.primitive(POSITION=file.array(points.astype(dtype), normalized=True), TEXCOORD_0=file.array(uvs.astype(dtype), normalized=True))
        mesh = file.load(tmp_path, name)
        expected = SQUARE.copy()
        expected[0] = (-1, -1, 0) if dtype[-2] == "i" else (0, 0, 0)
        np.testing.assert_array_equal(mesh.vertices, expected)
        np.testing.assert_allclose(mesh.uvs, [[0, 0], [1, 0], [1, 1], [0, 1]], atol=1e-7)

    @pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", "<u2"])
    def test_integers_that_are_not_normalized(self, tmp_path, dtype):
        """KHR_mesh_quantization, scaled back by the node."""
        file = Gltf(nodes=[{"mesh": 0, "scale": [0.01, 0.01, 0.01], "translation": [1, 2, 3]}], extensionsRequired=["KHR_mesh_quantization"])
        mesh = file.primitive(POSITION=(SQUARE * 100).astype(dtype)).load(tmp_path)
        np.testing.assert_allclose(mesh.vertices, SQUARE + np.array([1, 2, 3]), atol=1e-6)

    @pytest.mark.parametrize("dtype", ["u1", "<u2", "<f4"])
    @pytest.mark.parametrize("channels", [3, 4])
    def test_colors(self, tmp_path, dtype, channels):
        """All 16 bits of a short."""
        linear = np.array([[0.216, 0.051, 0.521, 1], [1, 0, 0.5, 1], [0.2, 0.4, 0.6, 0.5], [0, 0, 0, 0]])[:, :channels]
        largest = 1 if dtype == "<f4" else np.iinfo(dtype).max
        file = Gltf()
        given = np.round(linear * largest) if largest > 1 else linear
        mesh = file.primitive(COLOR_0=file.array(given.astype(dtype), normalized=largest > 1)).load(tmp_path)
        expected = np.where(given <= 0.0031308 * largest, given / largest * 12.92, 1.055 * (given / largest) ** (1 / 2.4) - 0.055)[:, :3]
        np.testing.assert_allclose(mesh.colors, expected, atol=1e-6)
        np.testing.assert_allclose(mesh.colors[0], [0.502, 0.251, 0.751], atol=0.004)

    @pytest.mark.parametrize("dtype", ["u1", "<u2", "<u4"])
    def test_indices(self, tmp_path, dtype):
        np.testing.assert_array_equal(Gltf().primitive(TWO_TRIANGLES.astype(dtype)).load(tmp_path).faces, [[0, 1, 2], [0, 2, 3]])

    def test_strides_and_offsets(self, tmp_path):
        """Positions and texture coordinates side by side, after eight bytes of something else."""
        file = Gltf()
        both = np.concatenate([SQUARE, UVS, np.full((4, 1), 9, "<f4")], 1).astype("<f4")
        view = file.view(b"anything" + both.tobytes(), byteStride=24)
        entry = {"bufferView": view, "componentType": 5126, "count": 4}
        positions = file.accessor(entry | {"type": "VEC3", "byteOffset": 8})
        mesh = file.primitive(POSITION=positions, TEXCOORD_0=file.accessor(entry | {"type": "VEC2", "byteOffset": 20})).load(tmp_path)
        np.testing.assert_array_equal(mesh.vertices, SQUARE)
        np.testing.assert_array_equal(mesh.uvs, [[0, 0], [1, 0], [1, 1], [0, 1]])

    @pytest.mark.parametrize("dtype", ["u1", "<u2", "<u4"])
    def test_sparse(self, tmp_path, dtype):
        """Of an array, and of zeros where there is none; of indices, too."""
        file = Gltf()
        sparse = {"count": 2, "indices": {"bufferView": file.view(np.array([1, 3], dtype).tobytes()), "componentType": CODES[np.dtype(dtype)]}}
        sparse["values"] = {"bufferView": file.view(np.array([[5, 6, 7], [8, 9, 10]], "<f4").tobytes())}
        changed = file.array(SQUARE, sparse=sparse)
        zeros = file.accessor({"componentType": 5126, "count": 4, "type": "VEC3", "sparse": sparse})
        file.primitive(POSITION=changed).primitive(POSITION=zeros, mesh=1)
        file.tree |= {"nodes": [{"mesh": 0}, {"mesh": 1}], "scenes": [{"nodes": [0, 1]}]}
        mesh = file.load(tmp_path)
        np.testing.assert_array_equal(corners(mesh)[:2].reshape(6, 3)[[0, 1, 2, 5]], [[0, 0, 0], [5, 6, 7], [1, 1, 0], [8, 9, 10]])
        np.testing.assert_array_equal(corners(mesh)[2:].reshape(6, 3)[[0, 1, 2, 5]], [[0, 0, 0], [5, 6, 7], [0, 0, 0], [8, 9, 10]])

    def test_sparse_indices(self, tmp_path):
        file = Gltf()
        sparse = {"count": 1, "indices": {"bufferView": file.view(b"\5"), "componentType": 5121}, "values": {"bufferView": file.view(b"\1\0")}}
        mesh = file.primitive(file.array(TWO_TRIANGLES, sparse=sparse)).load(tmp_path)
        np.testing.assert_array_equal(corners(mesh)[1], SQUARE[[0, 2, 1]])

    def test_vertices_that_differ_in_normals_are_one(self, tmp_path):
        """A cube with hard edges: 24 vertices at 8 places; faces that share an edge share its vertices."""
        box = trimesh.creation.box()
        points = box.vertices[box.faces].reshape(-1, 3).astype("<f4")
        points[points == -0.5] *= 1.0
        file = Gltf().primitive(np.arange(36, dtype="<u2"), POSITION=points, NORMAL=np.repeat(box.face_normals, 3, 0).astype("<f4"))
        mesh = file.load(tmp_path)
        assert mesh.vertices.shape == (8, 3)
        np.testing.assert_array_equal(corners(mesh).reshape(-1, 3), points)
        assert trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).is_watertight
        assert mesh.face_uvs is None
        moved = Gltf(nodes=[{"mesh": 0, "rotation": [0.1, 0.2, 0.3, 0.9], "translation": [5e5, 1 / 3, 0.1]}])
        moved.primitive(np.arange(36, dtype="<u2"), POSITION=points)
        assert moved.load(tmp_path).vertices.shape == (8, 3)

    def test_zeros_of_both_signs_are_one_place(self, tmp_path):
        points = np.concatenate([SQUARE, -SQUARE])
        mesh = Gltf().primitive(np.array([0, 1, 2, 4, 5, 6], "<u2"), POSITION=points).load(tmp_path)
        assert len(mesh.vertices) == 7
        assert mesh.faces[0, 0] == mesh.faces[1, 0]

    def test_colours_keep_vertices_apart(self, tmp_path):
        """At one place, but one red and one blue: what the file shows is what is seen."""
        points, colors = SQUARE[[0, 1, 2, 0, 2, 3]], np.repeat(np.array([[1, 0, 0], [0, 0, 1]], "<f4"), 3, 0)
        mesh = Gltf().primitive(None, POSITION=points, COLOR_0=colors).load(tmp_path)
        np.testing.assert_allclose(mesh.colors[mesh.faces], np.repeat([[[1, 0, 0]], [[0, 0, 1]]], 3, 1), atol=1e-6)

    def test_vertices_of_other_primitives(self, tmp_path):
        """Primitives that share their arrays use a part of them each."""
        file = Gltf()
        positions = file.array(SQUARE)
        for index, color in ((TWO_TRIANGLES[:3], [1, 0, 0, 1]), (TWO_TRIANGLES[3:], [0, 1, 0, 1])):
            file.primitive(index, POSITION=positions, material=file.material(color))
        mesh = file.load(tmp_path)
        assert mesh.vertices.shape == (6, 3)
        np.testing.assert_allclose(mesh.colors[mesh.faces], np.repeat([[[1, 0, 0]], [[0, 1, 0]]], 3, 1), atol=1e-6)

    def test_hashes_that_collide(self, tmp_path, monkeypatch):
        """Were all places to have one hash, they would still be told apart."""
        monkeypatch.setattr(contents, "_hash", lambda columns: np.zeros(len(columns[0]), np.uint64))
        mesh = Gltf().primitive(None, POSITION=SQUARE[[0, 1, 2, 0, 2, 3]]).load(tmp_path)
        np.testing.assert_array_equal(mesh.vertices, SQUARE)
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])


class TestPrimitives:
    STRIP = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [2, 0, 0]], "<f4")

    @pytest.mark.parametrize("indexed", [True, False])
    def test_strip(self, tmp_path, indexed):
        """The specification's order (3.7.2.1), in which all triangles look the same way."""
        mesh = Gltf().primitive(np.arange(5, dtype="u1") if indexed else None, POSITION=self.STRIP, mode=5).load(tmp_path)
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [1, 3, 2], [2, 3, 4]])
        normals = np.cross(corners(mesh)[:, 1] - corners(mesh)[:, 0], corners(mesh)[:, 2] - corners(mesh)[:, 0])
        assert (normals[:, 2] < 0).all()

    def test_strips_in_one(self, tmp_path):
        """Corners that are repeated lead from one strip to the next, and show nothing."""
        mesh = Gltf().primitive(np.array([0, 1, 2, 2, 1, 1, 1, 3, 2], "u1"), POSITION=self.STRIP, mode=5).load(tmp_path)
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [1, 3, 2]])

    @pytest.mark.parametrize("indexed", [True, False])
    def test_fan(self, tmp_path, indexed):
        mesh = Gltf().primitive(np.arange(4, dtype="u1") if indexed else None, mode=6).load(tmp_path)
        np.testing.assert_array_equal(mesh.faces, [[1, 2, 0], [2, 3, 0]])

    def test_without_indices(self, tmp_path):
        mesh = Gltf().primitive(None, POSITION=SQUARE[[0, 1, 2, 0, 2, 3]]).load(tmp_path)
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])

    @pytest.mark.parametrize("mode", [0, 1, 2, 3])
    def test_points_and_lines(self, tmp_path, mode):
        """They are passed over beside triangles; alone, there is no mesh."""
        assert len(Gltf().primitive(None, POSITION=SQUARE + 5, mode=mode).primitive().load(tmp_path).vertices) == 4
        with pytest.raises(ValueError, match=r"^Mesh.load: .*m.glb must hold triangles, got none"):
            Gltf().primitive(None, mode=mode).load(tmp_path)


class TestPose:
    def test_hierarchy(self, tmp_path):
        """A matrix (columns first) in which there is translation, rotation, scale."""
        nodes = [{"children": [1], "matrix": [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 10, 20, 30, 1]}]
        nodes += [{"mesh": 0, "translation": [1, 0, 0], "rotation": [0, 0, 0.5**0.5, 0.5**0.5], "scale": [2, 3, 1]}]
        mesh = Gltf(nodes=nodes).primitive().load(tmp_path)
        inner = SQUARE @ np.diag([2, 3, 1])
        inner = np.stack([-inner[:, 1] + 1, inner[:, 0], inner[:, 2]], 1)
        np.testing.assert_allclose(mesh.vertices, np.stack([-inner[:, 1], inner[:, 0], inner[:, 2]], 1) + np.array([10, 20, 30]), atol=1e-5)
        np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])

    def test_a_mirror_turns_faces(self, tmp_path):
        """What ran counter-clockwise runs clockwise, and is turned (3.7.4); twice mirrored is not."""
        normal = lambda mesh: np.cross(*(corners(mesh)[0, 1:] - corners(mesh)[0, 0]))[2]  # noqa: E731
        assert normal(Gltf(nodes=[{"mesh": 0, "scale": [-1, 1, 1]}]).primitive().load(tmp_path)) == 1
        assert normal(Gltf(nodes=[{"mesh": 0, "scale": [-1, -1, 1]}]).primitive().load(tmp_path)) == 1
        nodes = [{"children": [1], "scale": [1, -1, 1]}, {"mesh": 0, "scale": [-1, 1, 1]}]
        assert normal(Gltf(nodes=nodes).primitive().load(tmp_path)) == 1

    def test_instances(self, tmp_path):
        """One mesh with two nodes, with the colours of its vertices in both."""
        file = Gltf(nodes=[{"mesh": 0}, {"mesh": 0, "translation": [5, 0, 0]}], scenes=[{"nodes": [0, 1]}])
        file.primitive(COLOR_0=np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], "<f4"), material=file.material())
        mesh = file.load(tmp_path)
        assert mesh.uvs is None
        for x in (0, 5):
            np.testing.assert_allclose([at(mesh, x, 0), at(mesh, x + 1, 0), at(mesh, x + 1, 1)], np.eye(3), atol=1e-6)

    def test_scenes(self, tmp_path):
        """The one that the file says; else the first; without scenes, all nodes that are in no other."""
        nodes = [{"mesh": 0}, {"mesh": 0, "translation": [5, 0, 0]}]
        scenes = [{"nodes": [1]}, {"nodes": [0]}]
        assert Gltf(nodes=nodes, scenes=scenes, scene=1).primitive().load(tmp_path).vertices[:, 0].max() == 1
        for without, largest, n in ((("scene",), 6, 4), (("scene", "scenes"), 6, 8)):
            file = Gltf(nodes=nodes, scenes=scenes).primitive()
            for key in without:
                del file.tree[key]
            mesh = file.load(tmp_path)
            assert (mesh.vertices[:, 0].max(), len(mesh.vertices)) == (largest, n)

    def test_far_from_the_origin(self, tmp_path):
        """Positions are kept in float64 until they are centred."""
        file = Gltf(nodes=[{"mesh": 0, "translation": [5e5, 4.5e6, 100]}]).primitive(POSITION=SQUARE * np.float32(0.01))
        contents = read_gltf(file.save(tmp_path / "m.glb"))
        assert contents.vertices.dtype == np.float64
        np.testing.assert_allclose(contents.vertices - [5e5, 4.5e6, 100], SQUARE * 0.01, atol=2e-9)

    def test_default_morph_weights(self, tmp_path):
        """Of the mesh, and of the node, which goes before it."""
        targets = [{"POSITION": np.full((4, 3), [0, 0, 1], "<f4")}, {"POSITION": np.full((4, 3), [1, 0, 0], "<f4"), "TEXCOORD_0": np.ones((4, 2), "<f4")}]
        file = Gltf().primitive(targets=targets, TEXCOORD_0=UVS)
        np.testing.assert_array_equal(file.load(tmp_path).vertices, SQUARE)
        file.tree["meshes"][0]["weights"] = [0.5, 0]
        np.testing.assert_array_equal(file.load(tmp_path).vertices, SQUARE + np.array([0, 0, 0.5]))
        file.tree["nodes"][0]["weights"] = [0.25, 2]
        mesh = file.load(tmp_path)
        np.testing.assert_array_equal(mesh.vertices, SQUARE + np.array([2, 0, 0.25]))
        np.testing.assert_array_equal(mesh.uvs, np.stack([UVS[:, 0] + 2, 1 - (UVS[:, 1] + 2)], 1))

    @pytest.mark.parametrize("dtype", ["u1", "<u2"])
    def test_skin(self, tmp_path, dtype):
        """Where the joints stand in the file: one has moved since it was bound, the other has not. The node of the mesh moves nothing (3.7.3.3)."""
        nodes = [{"mesh": 0, "skin": 0, "translation": [100, 0, 0]}, {"children": [2], "translation": [0, 0, 1]}, {"translation": [0, 2, 0]}]
        file = Gltf(nodes=nodes, scenes=[{"nodes": [0, 1]}])
        bind = np.tile(np.eye(4, dtype="<f4").ravel(), (2, 1))
        bind[0, 14], bind[1, 14] = -1, -1  # the last column, where the joints were when they were bound: at (0, 0, 1) both
        joints = np.array([[0, 1, 0, 0]] * 4, dtype)
        weights = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0.25, 0.75, 0, 0], [0, 0.25, 0, 0]], "<f4")
        file.primitive(JOINTS_0=joints, WEIGHTS_0=weights)
        file.tree["skins"] = [{"joints": [1, 2], "inverseBindMatrices": file.array(bind)}]
        np.testing.assert_allclose(file.load(tmp_path).vertices, SQUARE + np.array([[0, 0, 0], [0, 2, 0], [0, 1.5, 0], [0, 2, 0]]), atol=1e-6)

    def test_one_mesh_with_a_skin_and_without(self, tmp_path):
        """Two nodes, of which one has a skin: the other stands where it is."""
        file = Gltf(nodes=[{"mesh": 0}, {"mesh": 0, "skin": 0}, {"translation": [0, 0, 5]}], scenes=[{"nodes": [0, 1, 2]}], skins=[{"joints": [2]}])
        file.primitive(JOINTS_0=np.zeros((4, 4), "u1"), WEIGHTS_0=np.eye(4, dtype="<f4")[[0] * 4])
        np.testing.assert_array_equal(file.load(tmp_path).vertices, np.concatenate([SQUARE, SQUARE + np.array([0, 0, 5])]))


class TestMaterials:
    def test_texture(self, tmp_path):
        file = Gltf()
        mesh = file.primitive(TEXCOORD_0=UVS, material=file.material(picture=PICTURE)).load(tmp_path)
        np.testing.assert_allclose(mesh.texture * 255, PICTURE, atol=1e-4)
        np.testing.assert_array_equal(mesh.uvs, [[0, 0], [1, 0], [1, 1], [0, 1]])
        np.testing.assert_allclose(mesh.colors[3] * 255, PICTURE[0, 0], atol=1e-4)
        assert mesh.wrap is None

    def test_second_texture_coordinates(self, tmp_path):
        file = Gltf()
        file.primitive(TEXCOORD_0=UVS * 0, TEXCOORD_1=UVS, material=file.material(picture=PICTURE, texCoord=1))
        np.testing.assert_array_equal(file.load(tmp_path).uvs, [[0, 0], [1, 0], [1, 1], [0, 1]])

    @pytest.mark.parametrize(
        ("moved", "expected"),  # of the corner (u, v) = (1, .25) as the file has it, v down
        [
            ({"offset": [0.25, 0.5]}, (1.25, 0.75)),
            ({"scale": [3, 2]}, (3, 0.5)),
            ({"rotation": np.pi / 2}, (0.25, -1)),
            ({"offset": [0, 1], "rotation": np.pi / 2, "scale": [0.5, 0.5]}, (0.125, 0.5)),  # the specification's: the lower left quadrant
            ({"offset": [0, 1], "scale": [1, -1]}, (1, 0.75)),  # the specification's: v turned around
            ({"texCoord": 1}, (7, 8)),
            ({}, (1, 0.25)),
        ],
    )
    def test_texture_transform(self, tmp_path, moved, expected):
        file = Gltf(extensionsRequired=["KHR_texture_transform"])
        uvs, other = np.tile(np.array([[1, 0.25]], "<f4"), (4, 1)), np.tile(np.array([[7, 8]], "<f4"), (4, 1))
        material = file.material(picture=PICTURE, extensions={"KHR_texture_transform": moved})
        mesh = file.primitive(TEXCOORD_0=uvs, TEXCOORD_1=other, material=material).load(tmp_path)
        np.testing.assert_allclose(mesh.uvs[0], [expected[0], 1 - expected[1]], atol=1e-6)

    def test_texture_coordinates_without_a_material(self, tmp_path):
        mesh = Gltf().primitive(TEXCOORD_0=UVS).load(tmp_path)
        np.testing.assert_array_equal(mesh.uvs, [[0, 0], [1, 0], [1, 1], [0, 1]])
        assert (mesh.texture, mesh.colors) == (None, None)

    def test_seams(self, tmp_path):
        """A vertex with two texture coordinates is one vertex with two corners."""
        points = SQUARE[[0, 1, 2, 0, 2, 3]]
        uvs = np.array([[0, 0], [1, 0], [1, 1], [0.25, 0.25], [0.5, 0.5], [0, 1]], "<f4")
        mesh = Gltf().primitive(None, POSITION=points, TEXCOORD_0=uvs).load(tmp_path)
        np.testing.assert_array_equal(mesh.vertices, SQUARE)
        np.testing.assert_array_equal(corner_uvs(mesh).reshape(-1, 2), uvs * [1, -1] + [0, 1])

    @pytest.mark.parametrize("n", [1, 2])
    def test_colors_beside_a_material(self, tmp_path, n):
        """In one primitive and in two: times the factor, and no texture coordinates come of it."""
        file = Gltf()
        for i in range(n):
            colors = np.full((4, 3), [1, 0.5, 0], "<f4")
            file.primitive(POSITION=SQUARE + np.float32(3 * i), COLOR_0=colors, material=file.material([0.5, 1, 1, 1] if i == 0 else None))
        mesh = file.load(tmp_path)
        assert (mesh.uvs, mesh.texture) == (None, None)
        np.testing.assert_allclose(at(mesh, 0, 0), [HALF, HALF, 0], atol=1e-6)
        if n == 2:
            np.testing.assert_allclose(at(mesh, 3, 3, 3), [1, HALF, 0], atol=1e-6)

    def test_factor(self, tmp_path):
        """Linear, where our colours are sRGB; a primitive without one is white beside it."""
        file = Gltf()
        mesh = file.primitive(material=file.material([0.5, 0, 1, 1])).primitive(POSITION=SQUARE + np.float32(3)).load(tmp_path)
        np.testing.assert_allclose(at(mesh, 0, 0), [HALF, 0, 1], atol=1e-6)
        np.testing.assert_allclose(at(mesh, 3, 3, 3), [1, 1, 1], atol=1e-6)
        assert Gltf().primitive().load(tmp_path).colors is None

    def test_a_factor_multiplies_the_texture(self, tmp_path):
        """In linear light: half of white is 188, not 128; and so does COLOR_0 where it is one colour. Transparency stays."""
        file = Gltf()
        white = np.full((2, 2, 4), 255)
        white[..., 3] = 77
        colors = np.full((4, 3), [1, 1, 0.5], "<f4")
        file.primitive(TEXCOORD_0=UVS, COLOR_0=colors, material=file.material([0.5, 1, 1, 1], white))
        file.tree["materials"][0]["alphaMode"] = "BLEND"
        mesh = file.load(tmp_path)
        np.testing.assert_allclose(mesh.texture, np.broadcast_to([HALF, 1, HALF, 77 / 255], (2, 2, 4)), atol=1e-6)
        np.testing.assert_allclose(mesh.colors, np.broadcast_to([HALF, 1, HALF], (4, 3)), atol=1e-6)
        np.testing.assert_allclose(mesh.texture[0, 0, 0] * 255, 187.5, atol=0.1)

    @pytest.mark.parametrize(
        ("said", "alphas"),
        [
            ({}, None),
            ({"alphaMode": "OPAQUE"}, None),
            ({"alphaMode": "BLEND"}, [0.0, 0.4, 0.5, 0.2]),
            ({"alphaMode": "MASK"}, [0, 0, 1, 0]),
            ({"alphaMode": "MASK", "alphaCutoff": 0.3}, [0, 1, 1, 0]),
        ],
    )
    def test_alpha(self, tmp_path, said, alphas):
        """3.9.4, of a picture with alphas 0, 0.8, 1, 0.4 and a factor of one half; and it comes back from a file that is written here."""
        file, picture = Gltf(), np.full((1, 4, 4), 255)
        picture[0, :, 3] = 0, 204, 255, 102
        file.primitive(TEXCOORD_0=UVS, material=file.material([1, 1, 1, 0.5], picture))
        file.tree["materials"][0] |= said
        mesh = file.load(tmp_path)
        assert mesh.texture.shape[2] == (3 if alphas is None else 4)
        mesh.save(tmp_path / "again.glb")
        again = Mesh.load(tmp_path / "again.glb")
        assert again.texture.shape == mesh.texture.shape
        if alphas is not None:
            np.testing.assert_allclose(mesh.texture[0, :, 3], alphas, atol=1e-6)
            np.testing.assert_allclose(again.texture, mesh.texture, atol=0.5 / 255)

    def test_alpha_of_no_kind(self, tmp_path):
        file = Gltf()
        file.primitive(TEXCOORD_0=UVS, material=file.material([1, 1, 1, 1], PICTURE))
        file.tree["materials"][0]["alphaMode"] = "SOFT"
        with pytest.raises(ValueError, match="alphaMode 'SOFT'"):
            file.load(tmp_path)

    def test_colors_that_vary_on_a_texture(self, tmp_path):
        """The texture cannot hold them: it is said; the colours at the vertices do."""
        file = Gltf()
        file.primitive(TEXCOORD_0=UVS, COLOR_0=np.linspace(0, 1, 12).reshape(4, 3).astype("<f4"), material=file.material(picture=RED))
        with pytest.warns(UserWarning, match="the colours of its vertices, which would multiply its texture, are left out of it"):
            mesh = file.load(tmp_path)
        np.testing.assert_array_equal(mesh.texture * 255, RED)
        assert mesh.colors[0].tolist() == [0, 0, 0]
        assert 0.5 < mesh.colors[3, 0] < 1

    def test_primitives_of_one_texture(self, tmp_path):
        """Also if the file has the picture twice."""
        file = Gltf()
        for i in range(2):
            file.primitive(POSITION=SQUARE + np.float32(3 * i), TEXCOORD_0=UVS, material=file.material(picture=PICTURE))
        mesh = file.load(tmp_path)
        assert mesh.texture.shape == (2, 3, 3)
        assert mesh.uvs.shape == (8, 2)

    @pytest.mark.parametrize("beside", ["plain", "another picture", "another factor"])
    def test_more_than_one_texture(self, tmp_path, beside):
        """They become one; the colours at the vertices are theirs, too."""
        file = Gltf()
        file.primitive(TEXCOORD_0=UVS, material=file.material(picture=RED))
        material = {"plain": file.material([0, 0, 1, 1]), "another picture": file.material(picture=BLUE), "another factor": file.material([0.5, 1, 1, 1], RED)}[
            beside
        ]
        file.primitive(POSITION=SQUARE + np.float32(3), TEXCOORD_0=UVS, material=material)
        mesh = file.load(tmp_path)
        height, width = mesh.texture.shape[:2]
        column, row = (corner_uvs(mesh).mean(1) * [width, height]).astype(int).T
        other = [HALF, 0, 0] if beside == "another factor" else [0, 0, 1]
        np.testing.assert_allclose(mesh.texture[height - 1 - row, column], [[1, 0, 0]] * 2 + [other] * 2, atol=1e-6)
        np.testing.assert_allclose(at(mesh, 1, 1), [1, 0, 0], atol=1e-6)
        np.testing.assert_allclose(at(mesh, 4, 4, 3), [HALF, 0, 0] if beside == "another factor" else [0, 0, 1], atol=1e-6)

    def test_parts_join_at_their_border(self, tmp_path):
        """A textured one and a plain one: one surface."""
        file = Gltf()
        file.primitive(TWO_TRIANGLES[:3], TEXCOORD_0=UVS, material=file.material(picture=RED))
        file.primitive(TWO_TRIANGLES[3:], material=file.material([0, 0, 1, 1]))
        mesh = file.load(tmp_path)
        assert len(mesh.vertices) == 4
        assert mesh.texture is not None

    def test_a_texture_beside_colours_that_vary(self, tmp_path):
        """What they are at the vertices, and a warning that the picture is lost."""
        file = Gltf()
        file.primitive(TEXCOORD_0=UVS, material=file.material(picture=RED))
        file.primitive(POSITION=SQUARE + np.float32(3), COLOR_0=np.eye(4, 3, dtype="<f4"))
        with pytest.warns(UserWarning, match=r"m.glb: its pictures do not make one texture .*, and are reduced to colours at the vertices"):
            mesh = file.load(tmp_path)
        assert (mesh.texture, mesh.uvs) == (None, None)
        np.testing.assert_allclose(at(mesh, 1, 1), [1, 0, 0], atol=1e-6)
        np.testing.assert_allclose(at(mesh, 4, 3, 3), [0, 1, 0], atol=1e-6)

    @pytest.mark.parametrize(("code", "wrap"), [(10497, Wrap.REPEAT), (33071, Wrap.CLAMP), (33648, Wrap.MIRROR), (None, Wrap.REPEAT), (7, None)])
    def test_wrap(self, tmp_path, code, wrap):
        """A sampler that does not say repeats (5.26.3); one of an unknown kind says nothing."""
        file = Gltf()
        file.primitive(TEXCOORD_0=UVS, material=file.material(picture=RED))
        file.tree["samplers"] = [{} if code is None else {"wrapS": code, "wrapT": code}]
        file.tree["textures"][0]["sampler"] = 0
        assert file.load(tmp_path).wrap is wrap

    def test_wraps_that_differ(self, tmp_path):
        """Open; and said, where it could be seen."""
        for scale in (1, 2):
            file = Gltf(samplers=[{"wrapS": 33071}])
            file.primitive(TEXCOORD_0=UVS * np.float32(scale), material=file.material(picture=RED))
            file.tree["textures"][0]["sampler"] = 0
            if scale == 1:
                assert file.load(tmp_path).wrap is None
            else:
                with pytest.warns(UserWarning, match="its texture goes on in different ways in u and in v"):
                    assert file.load(tmp_path).wrap is None

    def test_specular_glossiness(self, tmp_path):
        """An older way to say it."""
        file = Gltf(extensionsRequired=["KHR_materials_pbrSpecularGlossiness"])
        file.tree["materials"] = [{"extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [0.5, 0, 1, 1]}}}]
        np.testing.assert_allclose(file.primitive(material=0).load(tmp_path).colors, np.tile([HALF, 0, 1], (4, 1)), atol=1e-6)


class TestContainers:
    @pytest.mark.parametrize("uri", ["my%20mesh%23.bin", "my mesh#.bin", "./my%20mesh%23.bin"])
    def test_percent_encoding(self, tmp_path, uri):
        file = Gltf().primitive()
        (tmp_path / "my mesh#.bin").write_bytes(file.binary)
        file.tree["buffers"] = [{"byteLength": len(file.binary), "uri": uri}]
        assert len(file.load(tmp_path, "m.gltf").faces) == 2

    @pytest.mark.parametrize("uri", ["a%20picture.png", "a picture.png", "C:\\somewhere\\A Picture.PNG", "gone/a%20picture.png"])
    def test_pictures_beside(self, tmp_path, uri):
        """Also by its base name, in other letters, if the folder is another's."""
        (tmp_path / "a picture.png").write_bytes(png(PICTURE))
        file = Gltf()
        file.primitive(TEXCOORD_0=UVS, material=file.material(picture={"uri": uri}))
        np.testing.assert_allclose(file.load(tmp_path, "m.gltf").texture * 255, PICTURE, atol=1e-4)

    def test_a_picture_that_is_gone(self, tmp_path):
        file = Gltf()
        file.primitive(TEXCOORD_0=UVS, material=file.material([1, 0, 0, 1], {"uri": "gone.png"}))
        with pytest.warns(UserWarning, match=r"^Mesh.load: .*m.gltf: there is no picture gone.png, the mesh is without it"):
            mesh = file.load(tmp_path, "m.gltf")
        assert mesh.texture is None
        np.testing.assert_array_equal(mesh.uvs, [[0, 0], [1, 0], [1, 1], [0, 1]])
        np.testing.assert_allclose(mesh.colors, [[1, 0, 0]] * 4, atol=1e-6)

    def test_pictures_in_the_text(self, tmp_path):
        file = Gltf()
        content = base64.b64encode(png(PICTURE)).decode()
        file.primitive(TEXCOORD_0=UVS, material=file.material(picture={"uri": f"data:image/png;base64,{content}"}))
        np.testing.assert_allclose(file.load(tmp_path).texture * 255, PICTURE, atol=1e-4)

    def test_a_byte_order_mark(self, tmp_path):
        path = Gltf().primitive().save(tmp_path / "m.gltf")
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert len(Mesh.load(path).faces) == 2

    def test_more_chunks(self, tmp_path):
        """Clients ignore chunks of kinds that they do not know (4.4.3)."""
        path = Gltf().primitive().save(tmp_path / "m.glb", ((b"XYZW", b"anything"), (b"BIN\0", b"1234")))
        assert len(Mesh.load(path).faces) == 2

    @pytest.mark.parametrize("n_triangles", [1, 2])
    def test_a_glb_without_a_binary_chunk(self, tmp_path, n_triangles):
        """Its buffer stands in the text, and behind an odd number of triangles floats begin at no multiple of four: so Open3D 0.20 writes them (o3d.io)."""
        indices, colors = TWO_TRIANGLES[: 3 * n_triangles], np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], "<f4")
        binary = indices.tobytes() + SQUARE.tobytes() + colors.tobytes()
        floats = {"bufferView": 1, "componentType": 5126, "count": 4, "type": "VEC3"}
        tree = Gltf().tree | {
            "buffers": [{"byteLength": len(binary), "uri": "data:application/octet-stream;base64," + base64.b64encode(binary).decode()}],
            "bufferViews": [
                {"buffer": 0, "byteLength": indices.nbytes},
                {"buffer": 0, "byteLength": len(binary) - indices.nbytes, "byteOffset": indices.nbytes, "byteStride": 12},
            ],
            "accessors": [
                {"bufferView": 0, "componentType": 5123, "count": len(indices), "type": "SCALAR"},
                floats,
                floats | {"byteOffset": SQUARE.nbytes},
            ],
            "meshes": [{"primitives": [{"attributes": {"COLOR_0": 2, "POSITION": 1}, "indices": 0, "mode": 4}]}],
        }
        text = json.dumps(tree).encode()
        text += b" " * (-len(text) % 4)
        (tmp_path / "m.glb").write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON") + text)
        mesh = Mesh.load(tmp_path / "m.glb")
        np.testing.assert_array_equal(corners(mesh), SQUARE[indices].reshape(-1, 3, 3))
        np.testing.assert_allclose(mesh.colors[mesh.faces], colors[indices].reshape(-1, 3, 3), atol=1e-6)

    def test_glb_by_another_name(self, tmp_path):
        path = Gltf().primitive().save(tmp_path / "m.glb")
        path.rename(tmp_path / "m.gltf")
        assert len(Mesh.load(tmp_path / "m.gltf").faces) == 2

    def test_other_versions(self, tmp_path):
        path = Gltf().primitive().save(tmp_path / "m.glb")
        content = path.read_bytes()
        path.write_bytes(content[:4] + struct.pack("<I", 1) + content[8:])
        with pytest.raises(ValueError, match=r"^Mesh.load: .*m.glb must be a readable .glb file, got GLB version 1, where 2 is read"):
            Mesh.load(path)
        for asset in ({"version": "1.0"}, {"version": "2.1", "minVersion": "3.0"}):
            with pytest.raises(ValueError, match=r"m.gltf must be a readable .gltf file, got glTF version '[13].0', where 2 is read"):
                Gltf(asset=asset).primitive().load(tmp_path, "m.gltf")


class TestExtensions:
    @pytest.mark.parametrize("name", ["KHR_texture_basisu", "EXT_meshopt_compression", "EXT_mesh_gpu_instancing", "VENDOR_thing", "KHR_materials_transmission"])
    def test_required(self, tmp_path, name):
        with pytest.raises(ValueError, match=rf"^Mesh.load: .*m.glb must be a readable .glb file, got one that needs the extension {name}, which is not read$"):
            Gltf(extensionsRequired=[name]).primitive().load(tmp_path)
        assert len(Gltf(extensionsUsed=[name]).primitive().load(tmp_path).faces) == 2

    @pytest.mark.parametrize("name", ["KHR_mesh_quantization", "KHR_texture_transform", "EXT_texture_webp", "KHR_materials_unlit"])
    def test_those_that_are_read(self, tmp_path, name):
        assert len(Gltf(extensionsRequired=[name]).primitive().load(tmp_path).faces) == 2

    @pytest.mark.parametrize("fallback", [True, False])
    def test_webp(self, tmp_path, fallback):
        file = Gltf(extensionsUsed=["EXT_texture_webp"])
        file.primitive(TEXCOORD_0=UVS, material=file.material(picture=RED))
        file.tree["images"].append({"bufferView": file.view(png(BLUE, "WEBP", lossless=True)), "mimeType": "image/webp"})
        file.tree["textures"] = [({"source": 0} if fallback else {}) | {"extensions": {"EXT_texture_webp": {"source": 1}}}]
        np.testing.assert_array_equal(file.load(tmp_path).texture * 255, BLUE)

    def test_a_picture_that_is_not_read(self, tmp_path):
        """With another in its place, and without."""
        file = Gltf(extensionsUsed=["KHR_texture_basisu"])
        file.primitive(TEXCOORD_0=UVS, material=file.material(picture=RED))
        file.tree["textures"][0]["extensions"] = {"KHR_texture_basisu": {"source": 5}}
        np.testing.assert_array_equal(file.load(tmp_path).texture * 255, RED)
        del file.tree["textures"][0]["source"]
        with pytest.warns(UserWarning, match="a texture has no picture that is read here .it needs KHR_texture_basisu., the mesh is without it"):
            assert file.load(tmp_path).texture is None

    def test_instancing(self, tmp_path):
        """Where a file would merely like it, its mesh is seen once, and that is said."""
        nodes = [{"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": {}}}}]
        with pytest.warns(UserWarning, match="is shown once, where EXT_mesh_gpu_instancing would repeat it"):
            assert len(Gltf(nodes=nodes).primitive().load(tmp_path).faces) == 2

    def draco(self, folder: Path, required: bool = True) -> Mesh:
        """The square, compressed: made by the library that reads it, as the format is too much to be written by hand."""
        library = pytest.importorskip("DracoPy", reason="Draco's library is an optional extra")
        content = library.encode(SQUARE + np.float32(1), TWO_TRIANGLES.reshape(-1, 3).astype("u4"), colors=np.array([[0, 128, 255]] * 4, "u1"))
        kinds = {0: "POSITION", 2: "COLOR_0"}
        ids = {kinds[one["attribute_type"]]: one["unique_id"] for one in library.decode(content).attributes}
        file = Gltf(extensionsUsed=["KHR_draco_mesh_compression"])
        compressed = {"KHR_draco_mesh_compression": {"bufferView": file.view(content), "attributes": ids}}
        if not required:
            return file.primitive(extensions=compressed).load(folder)
        file.tree["extensionsRequired"] = ["KHR_draco_mesh_compression"]
        positions = file.accessor({"componentType": 5126, "count": 4, "type": "VEC3"})
        colors = file.accessor({"componentType": 5121, "normalized": True, "count": 4, "type": "VEC3"})
        indices = file.accessor({"componentType": 5123, "count": 6, "type": "SCALAR"})
        return file.primitive(indices, POSITION=positions, COLOR_0=colors, extensions=compressed).load(folder)

    def test_draco(self, tmp_path):
        mesh = self.draco(tmp_path)
        places = corners(mesh)
        np.testing.assert_allclose(np.sort(places.reshape(-1, 3), axis=0), np.sort(SQUARE[TWO_TRIANGLES] + 1, axis=0), atol=1e-3)
        np.testing.assert_allclose(np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]), [[0, 0, 1]] * 2, atol=1e-2)
        np.testing.assert_allclose(mesh.colors[0], [0, 0.7367, 1], atol=1e-3)

    def test_draco_beside_the_same_uncompressed(self, tmp_path):
        """Then the library is not asked."""
        np.testing.assert_array_equal(self.draco(tmp_path, required=False).vertices, SQUARE)

    def test_draco_without_its_library(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "DracoPy", None)
        sentence = r'got one that needs the extension KHR_draco_mesh_compression, which is read after pip install "taichi_softras\[draco\]"$'
        with pytest.raises(ValueError, match=sentence):
            Gltf(extensionsRequired=["KHR_draco_mesh_compression"]).primitive().load(tmp_path)

    def test_draco_that_is_damaged(self, tmp_path):
        pytest.importorskip("DracoPy", reason="Draco's library is an optional extra")
        file = Gltf(extensionsRequired=["KHR_draco_mesh_compression"])
        file.primitive(extensions={"KHR_draco_mesh_compression": {"bufferView": file.view(b"DRACO\2\2\1\1" + b"\xff" * 40), "attributes": {"POSITION": 0}}})
        with pytest.raises(
            ValueError, match=r"m.glb must be a readable .glb file, got meshes\[0\].primitives\[0\], whose KHR_draco_mesh_compression cannot be read"
        ):
            file.load(tmp_path)


class TestWritten:
    def mesh(self, **more: Any) -> Mesh:
        sphere = Mesh.icosphere(2)
        return Mesh(vertices=sphere.vertices, faces=sphere.faces, **more)

    def test_colors_are_linear(self, tmp_path):
        """.5 of sRGB is .2140 of light: byte 55. Nothing is lost on the way back, and other programs see no metal."""
        rng = np.random.default_rng(0)
        colors = np.concatenate([np.full((1, 3), 0.5), rng.uniform(0, 1, (161, 3))])
        self.mesh(colors=colors).save(tmp_path / "m.glb")
        content = (tmp_path / "m.glb").read_bytes()
        tree = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])
        assert tree["asset"]["generator"].startswith("taichi_softras")
        assert tree["materials"] == [{"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}}]
        (index,) = (mesh["primitives"][0]["attributes"]["COLOR_0"] for mesh in tree["meshes"])
        place = tree["bufferViews"][tree["accessors"][index]["bufferView"]]["byteOffset"] + 28 + int.from_bytes(content[12:16], "little")
        np.testing.assert_allclose(np.frombuffer(content[place : place + 12], "<f4"), 0.2140, atol=1e-4)
        np.testing.assert_allclose(Mesh.load(tmp_path / "m.glb").colors, colors, atol=1e-6)

    def test_colors_read_by_another(self, tmp_path):
        """trimesh, which takes them as they are: linear."""
        colors = np.random.default_rng(1).uniform(0, 1, (162, 3))
        self.mesh(colors=colors).save(tmp_path / "m.glb")
        (other,) = trimesh.load_scene(tmp_path / "m.glb", process=False, maintain_order=True).geometry.values()
        read = other.visual.vertex_attributes["color"] if other.visual.kind == "texture" else other.visual.vertex_colors
        linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
        read = np.asarray(read)[:, :3] / (255 if np.asarray(read).dtype.kind == "u" else 1)
        np.testing.assert_allclose(read, linear, atol=1 / 255)

    def test_opacities_read_by_another(self, tmp_path):
        """They are the alpha of linear colours, of a material that is blended and seen from both sides."""
        rng = np.random.default_rng(3)
        colors, opacity = rng.random((162, 3)), rng.random(162)
        self.mesh(colors=colors).save(tmp_path / "m.glb", opacity=opacity)
        (other,) = trimesh.load_scene(tmp_path / "m.glb", process=False, maintain_order=True).geometry.values()
        read = other.visual.vertex_attributes["color"] if other.visual.kind == "texture" else other.visual.vertex_colors
        read = np.asarray(read) / (255 if np.asarray(read).dtype.kind == "u" else 1)
        assert read.shape[1] == 4
        np.testing.assert_allclose(read[:, 3], opacity, atol=1 / 255)
        content = (tmp_path / "m.glb").read_bytes()
        (material,) = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])["materials"]
        assert material["alphaMode"] == "BLEND"
        assert material["doubleSided"] is True
        np.testing.assert_allclose(Mesh.load(tmp_path / "m.glb").colors, colors, atol=1e-6)

    @pytest.mark.parametrize("wrap", [None, *Wrap])
    def test_a_texture_read_by_another(self, tmp_path, wrap):
        """Geometry, texture coordinates with seams, and every pixel."""
        rng = np.random.default_rng(2)
        texture = rng.integers(0, 256, (5, 7, 3)) / 255
        mesh = self.mesh(uvs=rng.uniform(-1, 2, (500, 2)), face_uvs=rng.integers(0, 500, (320, 3)), texture=texture, wrap=wrap)
        mesh.save(tmp_path / "m.glb")
        (other,) = trimesh.load_scene(tmp_path / "m.glb", process=False, maintain_order=True).geometry.values()
        np.testing.assert_allclose(other.vertices[other.faces], corners(mesh), atol=1e-6)
        np.testing.assert_allclose(other.visual.uv[other.faces], corner_uvs(mesh), atol=1e-6)
        np.testing.assert_array_equal(np.asarray(other.visual.material.baseColorTexture), np.round(texture * 255))
        assert Mesh.load(tmp_path / "m.glb").wrap is wrap

    def test_far_from_the_origin(self, tmp_path):
        """What float32 cannot hold, a node moves to its place."""
        far = np.array([5e5, 4.5e6, 100])
        write_glb(tmp_path / "m.glb", Contents(vertices=SQUARE * 0.01 + far, faces=np.array([[0, 1, 2], [0, 2, 3]])))
        np.testing.assert_allclose(read_gltf(tmp_path / "m.glb").vertices - far, SQUARE * 0.01, atol=2e-9)

    def test_ours_come_back_as_they_were(self, tmp_path):
        """Two vertices at one place stay two in a file that says who wrote it; in another's they would be one."""
        points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9], [1, 0, 0], [0, 1, 0], [1, 1, 0]], "<f4")
        faces = np.array([[0, 1, 2], [5, 4, 6]], "<u2")
        Mesh(vertices=points, faces=faces).save(tmp_path / "ours.glb")
        np.testing.assert_array_equal(Mesh.load(tmp_path / "ours.glb").vertices, points)
        assert len(Gltf().primitive(faces.ravel(), POSITION=points).load(tmp_path).vertices) == 5
