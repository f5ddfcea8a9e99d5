"""Files of glTF 2.0, as text with files beside it (.gltf) and in one piece (.glb): read and written by the specification of the Khronos Group.

Numbers in parentheses are sections of it (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html). What a file needs that is not read here is refused by
name; what it would merely like (its ``extensionsUsed``) is left out as the specification allows. Read are the triangles of the scene, in the pose that the file
keeps (of skins and of morph targets), and of materials the base colour: factor, texture and colours at the vertices, and of a texture the alpha that
``alphaMode`` gives it (3.9.4). Ignored are points, lines, cameras, lights, animations, normals and what a material is besides.

Colours are linear in a glTF file where they are numbers (COLOR_0, baseColorFactor) and sRGB in its pictures (3.9.2, 3.7.2.1); a `Contents` has sRGB everywhere.

Files are not trusted: see `gltf_tree`, which opens them.
"""

import contextlib
import importlib.metadata
import io
import json
import math
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..kernels.texture_image import Wrap
from ..replacing import replacing
from .atlas import atlas
from .contents import REDUCED, Contents, colors_at, joined, picture_of
from .gltf_tree import (
    BINARY_CHUNK,
    DRACO,
    DTYPES,
    GENERATOR,
    JSON_CHUNK,
    SIZES,
    SPECULAR,
    TRANSFORM,
    WEBP,
    GltfFile,
    draco_library,
    entry_of,
    extension_of,
    floats_of,
    list_of,
    meant,
    object_of,
    whole_of,
)

__all__ = ["read_gltf", "write_glb"]

MAX_FACES = 1 << 27  # of a scene, and as many vertices: a file may show one mesh very often
MAX_PARTS = 1 << 20  # of a scene: primitives, counted each time that a node shows them
WRAPS = {10497: Wrap.REPEAT, 33071: Wrap.CLAMP, 33648: Wrap.MIRROR}
TRIANGLES, STRIP, FAN = 4, 5, 6  # 3.7.2.1; the modes before are points and lines
INSTANCING = "EXT_mesh_gpu_instancing"


def read_gltf(path: Path) -> Contents:
    """The mesh of a .gltf or .glb file: its scene in one piece. See `Mesh.load`.

    Vertices at one point are one, unless their own colours differ: a file with one list of indices repeats them for every normal and along the seams of a
    texture, which ``face_uvs`` tells apart. (In a file that was written here they are repeated for texture coordinates alone; without any it is given
    back as it is.)

    Positions are float64 where the nodes of the file move them.

    Raises:
        ValueError: if it is none, or needs what is not read.

    Warns:
        UserWarning: if a picture is missing, or several do not make one (`atlas`), so that colours at the vertices have to do.
    """
    try:
        file = GltfFile(path)
        with np.errstate(all="ignore"):
            contents = _united(file, list(_parts(file)))
    except (ValueError, OverflowError, RecursionError, OSError) as error:
        if str(error).startswith("Mesh.load"):
            raise
        what = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise ValueError(f"Mesh.load: {path} must be a readable {path.suffix} file, got {what}") from error
    for message in dict.fromkeys(file.warnings):
        warnings.warn(f"Mesh.load: {path}: {message}", stacklevel=4)
    return contents


# Materials


@dataclass(frozen=True)
class _Material:
    """Of a material, the base colour (3.9.2).

    Attributes:
        factor: linear; None if the file does not say (white).
        image: index of its picture, or None.
        uv_set: which texture coordinates are the picture's.
        uv_matrix: [2, 3] what is done to them before; None if nothing.
        wraps: of u and of v, if the file says so.
        opacity: the factor's alpha; None if the material is opaque, whatever its alpha (3.9.4).
        cutoff: the alpha from which on it is opaque, and else not there; None if it is blended.
    """

    factor: tuple[float, ...] | None = None
    image: int | None = None
    uv_set: int = 0
    uv_matrix: np.ndarray | None = None
    wraps: tuple[Wrap, Wrap] | None = None
    opacity: float | None = None
    cutoff: float | None = None


def _material(file: GltfFile, index: Any) -> _Material:
    if index is None:
        return _Material()
    material, name = entry_of(file.tree, "materials", index), f"materials[{index}]"
    given, keys = object_of(material.get("pbrMetallicRoughness", {}), name), ("baseColorFactor", "baseColorTexture")
    if (older := extension_of(material, SPECULAR)) is not None:
        given, keys = older, ("diffuseFactor", "diffuseTexture")
    factor, (*_, alpha) = None, np.clip(floats_of(given, keys[0], name, [1.0] * 4), 0, 1)
    if keys[0] in given:
        factor = tuple(np.clip(floats_of(given, keys[0], name, [1.0] * 4)[:3], 0, 1).tolist())
    mode = material.get("alphaMode", "OPAQUE")
    if mode not in ("OPAQUE", "BLEND", "MASK"):
        raise ValueError(f"{name} of alphaMode {mode!r}, which is none")
    opacity, cutoff = None if mode == "OPAQUE" else float(alpha), None
    if mode == "MASK":
        (cutoff,) = floats_of({"alphaCutoff": [material.get("alphaCutoff", 0.5)]}, "alphaCutoff", name, [0.5])
    if keys[1] not in given:
        if opacity is not None and opacity < 1:
            file.warnings.append("the transparency of what has no picture is left out")
        return _Material(factor)
    info = object_of(given[keys[1]], f"{name}.{keys[1]}")
    texture = entry_of(file.tree, "textures", info.get("index"))
    image = (extension_of(texture, WEBP) or texture).get("source", texture.get("source"))
    if image is None:
        needs = " or ".join(object_of(texture.get("extensions", {}), "extensions")) or "no extension"
        file.warnings.append(f"a texture has no picture that is read here (it needs {needs}), the mesh is without it")
        return _Material(factor)
    entry_of(file.tree, "images", image)
    moved = extension_of(info, TRANSFORM) or {}
    uv_set = whole_of(moved, "texCoord", TRANSFORM, whole_of(info, "texCoord", f"{name}.{keys[1]}", 0))
    return _Material(factor, image, uv_set, _uv_matrix(moved) if moved else None, _wraps(file.tree, texture), opacity, cutoff)


def _uv_matrix(moved: dict[str, Any]) -> np.ndarray:
    """[2, 3] of KHR_texture_transform: scaled, turned counter-clockwise as one looks at the picture (whose v runs down in glTF), moved."""
    (x, y), (scale_u, scale_v) = floats_of(moved, "offset", TRANSFORM, [0.0, 0.0]), floats_of(moved, "scale", TRANSFORM, [1.0, 1.0])
    (angle,) = floats_of({"rotation": [moved.get("rotation", 0.0)]}, "rotation", TRANSFORM, [0.0])
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos * scale_u, sin * scale_v, x], [-sin * scale_u, cos * scale_v, y]])


def _wraps(tree: dict[str, Any], texture: dict[str, Any]) -> tuple[Wrap, Wrap] | None:
    """Of u and of v; a sampler that makes no sense says nothing."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        sampler = entry_of(tree, "samplers", texture.get("sampler"))
        return WRAPS[sampler.get("wrapS", 10497)], WRAPS[sampler.get("wrapT", 10497)]
    return None


# Nodes


class _Nodes:
    """The trees of nodes (3.5.2)."""

    def __init__(self, file: GltfFile) -> None:
        self._file = file
        self._worlds: dict[int, np.ndarray] = {}
        self._parents: dict[int, int] = {}
        for i in range(len(list_of(file.tree, "nodes", "the file"))):
            for child in list_of(self.node(i), "children", f"nodes[{i}]"):
                self.node(child)
                if child in self._parents:
                    raise ValueError(f"nodes[{child}] within two nodes")
                self._parents[child] = i

    def node(self, index: Any) -> dict[str, Any]:
        return entry_of(self._file.tree, "nodes", index)

    def shown(self) -> Iterator[int]:
        """Those of the scene: of the one that the file says, else of its first, else all."""
        tree = self._file.tree
        if "scene" in tree or tree.get("scenes"):
            waiting = list(list_of(entry_of(tree, "scenes", tree.get("scene", 0)), "nodes", "scenes"))[::-1]
        else:
            waiting = [i for i in range(len(tree.get("nodes", []))) if i not in self._parents][::-1]
        seen: set[int] = set()
        while waiting:
            index = waiting.pop()
            node = self.node(index)
            if index in seen:
                raise ValueError(f"nodes[{index}] within itself, or twice in a scene")
            seen.add(index)
            yield index
            waiting += list_of(node, "children", f"nodes[{index}]")[::-1]

    def world(self, index: Any) -> np.ndarray:
        """[4, 4] world from node, float64."""
        way: list[int] = []
        seen: set[int] = set()
        while index not in self._worlds:
            node = self.node(index)
            if index in seen:
                raise ValueError(f"nodes[{index}] within itself")
            seen.add(index)
            way.append(index)
            if index not in self._parents:
                self._worlds[index] = _matrix(node, f"nodes[{index}]")
                way.pop()
                break
            index = self._parents[index]
        matrix = self._worlds[index]
        for index in reversed(way):
            matrix = self._worlds[index] = matrix @ _matrix(self.node(index), f"nodes[{index}]")
        return matrix


def _matrix(node: dict[str, Any], name: str) -> np.ndarray:
    """[4, 4] parent from node: its matrix, columns first, or translation, rotation and scale (3.5.3)."""
    if "matrix" in node:
        return floats_of(node, "matrix", name, [0.0] * 16).reshape(4, 4).T
    x, y, z, w = floats_of(node, "rotation", name, [0.0, 0.0, 0.0, 1.0])
    if (length := math.hypot(x, y, z, w)) == 0:
        raise ValueError(f"a rotation of 0 for {name}.rotation")
    x, y, z, w = x / length, y / length, z / length, w / length
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * floats_of(node, "scale", name, [1.0, 1.0, 1.0])
    matrix[:3, 3] = floats_of(node, "translation", name, [0.0, 0.0, 0.0])
    return matrix


def _moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """[V, 3] float64. One product after the other: equal points stay equal, which a BLAS does not promise."""
    x, y, z = points.astype(np.float64).T
    return np.stack([matrix[i, 0] * x + matrix[i, 1] * y + matrix[i, 2] * z + matrix[i, 3] for i in range(3)], axis=1)


# Primitives


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A primitive of triangles, in its place.

    Attributes:
        vertices: [V, 3] in the world.
        faces: [F, 3] int32.
        uvs: [V, 2] for its picture, v up; or None.
        tint: [V, 3] linear: COLOR_0; or None.
        material: its base colour.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray | None
    tint: np.ndarray | None
    material: _Material


def _parts(file: GltfFile) -> Iterator[_Part]:
    """The triangles of a scene, a part for each primitive of each node."""
    nodes = _Nodes(file)
    shown = [(i, node) for i in nodes.shown() if "mesh" in (node := nodes.node(i))]
    times = Counter(_mesh_of(file, node) for _, node in shown)
    primitives = {mesh: list(_primitives(file, mesh)) for mesh in times}
    _check_sizes(file, [(n, *_n_faces_and_vertices(file, one, name)) for mesh, n in times.items() for name, one in primitives[mesh]])
    n_users = Counter(one["attributes"]["POSITION"] for owned in primitives.values() for _, one in owned)
    shapes: dict[tuple[str, bytes, bool], tuple[_Part, tuple[np.ndarray, np.ndarray] | None]] = {}
    for i, node in shown:
        mesh = entry_of(file.tree, "meshes", node["mesh"])
        targets = node.get("weights", mesh.get("weights", []))
        weights = floats_of({"weights": targets}, "weights", f"nodes[{i}]", [0.0] * len(targets) if isinstance(targets, list) else [])
        for name, primitive in primitives[node["mesh"]]:
            key = (name, weights.tobytes(), "skin" in node)
            if key not in shapes:
                shapes[key] = _shape(file, primitive, name, weights, "skin" in node)
            part, skin = shapes[key]
            if len(part.faces):
                yield _placed(file, nodes, i, part, skin, n_users[primitive["attributes"]["POSITION"]] > 1)


def _mesh_of(file: GltfFile, node: dict[str, Any]) -> int:
    entry_of(file.tree, "meshes", node["mesh"])
    return int(node["mesh"])


def _primitives(file: GltfFile, index: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those of triangles, with their names."""
    mesh = entry_of(file.tree, "meshes", index)
    for i, given in enumerate(list_of(mesh, "primitives", f"meshes[{index}]")):
        name = f"meshes[{index}].primitives[{i}]"
        primitive = object_of(given, name)
        mode = whole_of(primitive, "mode", name, TRIANGLES)
        if mode > FAN:
            raise ValueError(f"{mode} for {name}.mode")
        if mode >= TRIANGLES and "POSITION" in object_of(primitive.get("attributes"), f"{name}.attributes"):
            yield name, primitive


def _n_faces_and_vertices(file: GltfFile, primitive: dict[str, Any], name: str) -> tuple[int, int]:
    n_vertices = file.count(primitive["attributes"]["POSITION"])
    n = file.count(primitive["indices"]) if "indices" in primitive else n_vertices
    mode = primitive.get("mode", TRIANGLES)
    if n < 3 or (mode == TRIANGLES and n % 3):
        raise ValueError(f"{n} corners for {name}, which {'come in threes' if mode == TRIANGLES else 'must be three or more'}")
    return (n // 3 if mode == TRIANGLES else n - 2), n_vertices


def _check_sizes(file: GltfFile, sizes: list[tuple[int, int, int]]) -> None:
    """Of each primitive: how often it is shown, its faces, its vertices."""
    if not sizes:
        raise ValueError(f"Mesh.load: {file.path} must hold triangles, got none")
    if (n := sum(one[0] for one in sizes)) > MAX_PARTS:
        raise ValueError(f"Mesh.load: {file.path} must show at most 2^20 primitives, got {n}")
    for i, what in ((1, "faces"), (2, "vertices")):
        if (n := sum(one[0] * one[i] for one in sizes)) > MAX_FACES:
            raise ValueError(f"Mesh.load: {file.path} must have at most 2^27 {what}, got {n}")


def _shape(file: GltfFile, primitive: dict[str, Any], name: str, weights: np.ndarray, is_skinned: bool) -> tuple[_Part, tuple[np.ndarray, np.ndarray] | None]:
    """A primitive where it was modelled, and of a skin the joints [V, J] and weights [V, J] of its vertices."""
    attributes, material = primitive["attributes"], _material(file, primitive.get("material"))
    compressed = _compressed(file, primitive, name)
    n_vertices = file.count(attributes["POSITION"])
    targets = [object_of(target, f"{name}.targets") for target in list_of(primitive, "targets", name)]

    def numbers(key: str, types: tuple[str, ...], normalized: bool = False) -> np.ndarray | None:
        if key not in attributes:
            return None
        index, what = attributes[key], f"{name}.attributes.{key}"
        if compressed is not None and key in compressed:
            given = meant(compressed[key], what, normalized or file.is_normalized(index))
        else:
            given = file.floats(index, key, types, normalized)
        for weight, target in zip(weights, targets, strict=False):
            if weight and key in target:
                shift = file.floats(target[key], key, types)
                if len(shift) != len(given) or shift.shape[1] > given.shape[1]:
                    raise ValueError(f"a target of {name} with {shift.shape} numbers for {key}, where it has {given.shape}")
                given = given.astype(np.float64)
                given[:, : shift.shape[1]] += weight * shift
        if len(given) != n_vertices:
            raise ValueError(f"{what} of {len(given)} vertices, where POSITION has {n_vertices}")
        if given.shape[1] not in (SIZES[kind] for kind in types):
            raise ValueError(f"{what} of {given.shape[1]} numbers, which is no {key}")
        return given

    vertices = numbers("POSITION", ("VEC3",))
    assert vertices is not None
    uvs, colors = numbers(f"TEXCOORD_{material.uv_set}", ("VEC2",)), numbers("COLOR_0", ("VEC3", "VEC4"), normalized=True)
    if uvs is not None and material.uv_matrix is not None:
        uvs = uvs.astype(np.float64) @ material.uv_matrix[:, :2].T + material.uv_matrix[:, 2]
    if uvs is not None:
        uvs = np.stack([uvs[:, 0], 1 - uvs[:, 1]], axis=1).astype(np.float32)
    if material.image is not None and uvs is None:
        file.warnings.append(f"{name} has no texture coordinates for its texture, and is without it")
    sets = [i for i in range(len(attributes)) if is_skinned and f"JOINTS_{i}" in attributes and f"WEIGHTS_{i}" in attributes]
    joints = [found for i in sets if (found := numbers(f"JOINTS_{i}", ("VEC4",))) is not None]
    shares = [found for i in sets if (found := numbers(f"WEIGHTS_{i}", ("VEC4",), normalized=True)) is not None]
    skin = (np.concatenate(joints, axis=1), np.concatenate(shares, axis=1)) if sets else None
    faces = _faces(file, primitive, name, n_vertices, compressed)
    part = _Part(vertices=vertices, faces=faces, uvs=uvs, tint=None if colors is None else np.clip(colors[:, :3], 0, 1), material=material)
    return part, skin


def _compressed(file: GltfFile, primitive: dict[str, Any], name: str) -> dict[str, np.ndarray] | None:
    """The attributes and, as "indices", the corners of a primitive that is compressed by Draco; None of one that is not, or need not be."""
    draco = extension_of(primitive, DRACO)
    if draco is None:
        return None
    if DRACO not in list_of(file.tree, "extensionsRequired", "the file") and "bufferView" in entry_of(
        file.tree, "accessors", primitive["attributes"]["POSITION"]
    ):
        return None  # it has the same uncompressed
    library = draco_library()
    try:
        decoded = library.decode(bytes(file.view(draco.get("bufferView"))))
        by_id = {attribute["unique_id"]: np.asarray(attribute["data"]) for attribute in decoded.attributes}
        given = {key: by_id[index] for key, index in object_of(draco.get("attributes"), name).items() if key in primitive["attributes"]}
        return {key: rows.reshape(len(rows), -1) for key, rows in given.items()} | {"indices": np.asarray(decoded.faces).reshape(-1, 1)}
    except Exception as error:  # whatever the malformed data makes it stumble over
        raise ValueError(f"{name}, whose {DRACO} cannot be read: {type(error).__name__}: {error}") from error


def _faces(file: GltfFile, primitive: dict[str, Any], name: str, n_vertices: int, compressed: dict[str, np.ndarray] | None) -> np.ndarray:
    """[F, 3] int32; strips and fans cut into triangles (3.7.2.1), those with an edge of length zero left out: they only lead from one strip to the next."""
    if compressed is not None:
        corners = compressed["indices"]
    elif "indices" in primitive:
        corners = file.array(primitive["indices"], "index", ("SCALAR",), kinds="u")
    else:
        corners = np.arange(n_vertices, dtype=np.int32)[:, None]
    if len(corners) and (largest := corners.max()) >= n_vertices:
        raise ValueError(f"{name} with the vertex {largest}, where there are {n_vertices}")
    corners = np.ascontiguousarray(corners[:, 0])
    corners = corners.view(np.int32) if corners.dtype == np.uint32 else corners.astype(np.int32)  # the largest is small enough for both
    if compressed is not None or primitive.get("mode", TRIANGLES) == TRIANGLES:
        return corners.reshape(-1, 3)
    i = np.arange(len(corners) - 2)
    if primitive["mode"] == FAN:
        faces = np.stack([corners[i + 1], corners[i + 2], np.broadcast_to(corners[0], i.shape)], axis=1)
    else:
        faces = np.stack([corners[i], corners[i + 1 + i % 2], corners[i + 2 - i % 2]], axis=1)
    return faces[(faces != np.roll(faces, 1, axis=1)).all(1)]


def _placed(file: GltfFile, nodes: _Nodes, index: int, part: _Part, skin: tuple[np.ndarray, np.ndarray] | None, shares_vertices: bool) -> _Part:
    """A primitive where its node, or the joints of its skin, have it. Where a node mirrors, what ran clockwise is the outside (3.7.4).

    Of vertices that it shares with other primitives, it has those that are in its faces.
    """
    node = nodes.node(index)
    if INSTANCING in object_of(node.get("extensions", {}), f"nodes[{index}]"):
        file.warnings.append(f"nodes[{index}] is shown once, where {INSTANCING} would repeat it")
    vertices, faces = part.vertices, part.faces
    if "skin" in node and skin is not None:
        vertices = _skinned(file, nodes, node["skin"], vertices, *skin)
    elif not np.array_equal(matrix := nodes.world(index), np.eye(4)):
        vertices = _moved(vertices, matrix)
        faces = faces[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else faces
    if not shares_vertices:
        return replace(part, vertices=vertices, faces=faces)
    used = np.zeros(len(vertices), bool)
    used[faces.ravel()] = True
    place = (np.cumsum(used) - 1).astype(np.int32)
    uvs, tint = (None if rows is None else rows[used] for rows in (part.uvs, part.tint))
    return replace(part, vertices=vertices[used], faces=place[faces], uvs=uvs, tint=tint)


def _skinned(file: GltfFile, nodes: _Nodes, index: Any, points: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[V, 3] float64 where the joints stand; the node that shows the mesh does not move it (3.7.3.3)."""
    skin, name = entry_of(file.tree, "skins", index), f"skins[{index}]"
    listed = list_of(skin, "joints", name)
    inverse = np.broadcast_to(np.eye(4), (len(listed), 4, 4))
    if "inverseBindMatrices" in skin:
        inverse = file.floats(skin["inverseBindMatrices"], "inverse bind matrix", ("MAT4",)).reshape(-1, 4, 4).transpose(0, 2, 1).astype(np.float64)
    if len(inverse) < len(listed):
        raise ValueError(f"{name} of {len(listed)} joints with {len(inverse)} inverse bind matrices")
    if joints.min() < 0 or joints.max() >= len(listed):
        raise ValueError(f"{name} of {len(listed)} joints, where vertices have {int(joints.min())} to {int(joints.max())}")
    matrices = np.stack([nodes.world(joint) @ bind for joint, bind in zip(listed, inverse, strict=False)])
    weights = weights.astype(np.float64)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 0, weights / np.where(total > 0, total, 1), np.eye(weights.shape[1])[0])
    moved = np.zeros((len(points), 3))
    x, y, z = points.astype(np.float64).T
    for k in range(joints.shape[1]):
        of_joint = matrices[joints[:, k].astype(np.int64)]
        for i in range(3):
            moved[:, i] += weights[:, k] * (of_joint[:, i, 0] * x + of_joint[:, i, 1] * y + of_joint[:, i, 2] * z + of_joint[:, i, 3])
    return moved


# One mesh


def _united(file: GltfFile, parts: list[_Part]) -> Contents:
    """The parts as one mesh, with one texture: that of all, or one that is made of theirs."""
    if not parts:
        raise ValueError(f"Mesh.load: {file.path} must hold triangles, got none")
    seen: dict[tuple[Any, ...], np.ndarray | None] = {}
    for part in parts:
        if part.material.image is not None and part.uvs is not None and _look(part.material) not in seen:
            seen[_look(part.material)] = _with_alpha(file.picture(part.material.image), part.material)
    pictures = [None if part.uvs is None else seen.get(_look(part.material)) for part in parts]
    is_textured = any(picture is not None for picture in pictures)
    is_colored = is_textured or any(part.tint is not None or part.material.factor is not None for part in parts)
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    split = _together([part.vertices for part in parts])
    split_faces = _together([part.faces + np.int32(offset) if offset else part.faces for part, offset in zip(parts, offsets, strict=False)])
    uvs = _together([np.zeros((len(part.vertices), 2), np.float32) if part.uvs is None else part.uvs for part in parts])
    face_uvs, texture, wrap = split_faces, None, None
    if is_textured:
        texture, uvs, face_uvs, wrap = _texture(file, parts, pictures, uvs, split_faces)
    has_uvs = texture is not None or (not is_textured and all(part.uvs is not None for part in parts))
    colors = own_colors = None
    if is_colored:
        colors = _together([_colors(part, picture) for part, picture in zip(parts, pictures, strict=True)])
    if texture is None and is_colored:  # what has a texture joins at its borders, where ``face_uvs`` tell its looks apart
        own = [np.full_like(part.vertices, -1, np.float32) if picture is not None else None for part, picture in zip(parts, pictures, strict=True)]
        own_colors = colors if not is_textured else np.concatenate([_colors(p, None) if one is None else one for p, one in zip(parts, own, strict=True)])
    if file.is_ours and not has_uvs:
        return Contents(vertices=split, faces=split_faces, colors=colors)
    vertices, faces = split, split_faces
    if (join := joined(split, own_colors)) is not None:
        first, places = join
        vertices, faces = split.take(first, 0), places.take(split_faces)
        if colors is not None:
            of_split, colors = colors, colors.take(first, 0)
            if is_textured:  # along a seam, that of the last corner, as in an OBJ file
                colors[faces.ravel()] = of_split.take(split_faces.ravel(), 0)
    if not has_uvs:
        return Contents(vertices=vertices, faces=faces, colors=colors)
    if face_uvs is faces:  # nothing was joined, and nothing made anew
        return Contents(vertices=vertices, faces=faces, colors=colors, uvs=uvs, texture=texture, wrap=wrap)
    return Contents(vertices=vertices, faces=faces, colors=colors, uvs=uvs, face_uvs=face_uvs, texture=texture, wrap=wrap)


def _look(material: _Material) -> tuple[Any, ...]:
    """What tells the pictures of two materials apart."""
    return material.image, material.opacity, material.cutoff


def _with_alpha(picture: np.ndarray | None, material: _Material) -> np.ndarray | None:
    """A picture with the alpha that its material gives it (3.9.4): none where all is opaque."""
    if picture is None or (material.opacity is None and picture.shape[2] == 3):
        return picture
    if material.opacity is None:
        return np.ascontiguousarray(picture[..., :3])
    alpha = material.opacity * (picture[..., 3:] if picture.shape[2] == 4 else np.ones_like(picture[..., :1]))
    if material.cutoff is not None:
        alpha = (alpha >= material.cutoff).astype(np.float32)
    return np.ascontiguousarray(np.concatenate([picture[..., :3], alpha.astype(np.float32)][: 1 if (alpha == 1).all() else 2], axis=-1))


def _together(arrays: list[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _texture(
    file: GltfFile, parts: list[_Part], pictures: list[np.ndarray | None], uvs: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray, Wrap | None]:
    """The texture of all parts, [T, 2] and [F, 3] the coordinates in it, and what lies outside of it; no texture, with a warning, if there can be none."""
    distinct, keys = list[np.ndarray](), list[tuple[Any, ...]]()
    for part, picture in zip(parts, pictures, strict=True):
        varies = part.tint is not None and bool((part.tint != part.tint[0]).any())
        if varies and picture is None:
            file.warnings.append(REDUCED)
            return None, uvs, faces, None
        if varies:
            file.warnings.append("the colours of its vertices, which would multiply its texture, are left out of it")
        number = -1
        if picture is not None:
            number = next((k for k, other in enumerate(distinct) if other is picture or np.array_equal(other, picture)), len(distinct))
            distinct += [picture] * (number == len(distinct))
        color = np.array(part.material.factor or (1.0, 1.0, 1.0)) * (1 if part.tint is None or varies else part.tint[0])
        keys.append((number, *color.tolist()))
    if len(set(keys)) == 1:
        return _multiplied(distinct[0], keys[0][1:]), uvs, faces, _one_wrap(file, parts, uvs)
    looks = [(key, part.material.wraps or (Wrap.REPEAT, Wrap.REPEAT)) for key, part in zip(keys, parts, strict=True)]
    numbers = {look: k for k, look in enumerate(dict.fromkeys(looks))}
    look_of_face = np.repeat([numbers[look] for look in looks], [len(part.faces) for part in parts])
    shown = ((_display(np.array(color))[None, None] if k < 0 else _multiplied(distinct[k], color), wraps) for (k, *color), wraps in numbers)
    if (made := atlas(uvs, faces, look_of_face, shown)) is None:
        file.warnings.append(REDUCED)
        return None, uvs, faces, None
    return *made, None


def _multiplied(texture: np.ndarray, factor: Any) -> np.ndarray:
    """The picture as it is seen, times a linear factor (3.9.2)."""
    if (np.array(factor) == 1).all():
        return texture
    return np.concatenate([_display(_linear(texture[..., :3]) * np.array(factor, np.float32)), texture[..., 3:]], axis=-1)


def _one_wrap(file: GltfFile, parts: list[_Part], uvs: np.ndarray) -> Wrap | None:
    """What lies outside of the picture; None if the file does not say, or says different things."""
    said = {part.material.wraps for part in parts}
    ways = {way for wraps in said for way in wraps or (None,)}
    if len(ways) > 1 and (uvs.min() < 0 or uvs.max() > 1):
        file.warnings.append("its texture goes on in different ways in u and in v, or here and there, which is left open")
    return ways.pop() if len(ways) == 1 else None


def _colors(part: _Part, picture: np.ndarray | None) -> np.ndarray:
    """[V, 3] float32 at the vertices: COLOR_0 times baseColorFactor times texture, in sRGB."""
    factor = np.array(part.material.factor or (1.0, 1.0, 1.0), np.float32)
    if picture is None or part.uvs is None:
        return _display(factor * part.tint) if part.tint is not None else np.tile(_display(factor), (len(part.vertices), 1))
    colors = colors_at(part.uvs, picture)
    return colors if part.tint is None and (factor == 1).all() else _display(_linear(colors) * factor * (1 if part.tint is None else part.tint))


def _linear(display: np.ndarray) -> np.ndarray:
    """float32 of sRGB's numbers in [0, 1] (IEC 61966-2-1)."""
    display = np.asarray(display, np.float32)
    return np.where(display <= 0.04045, display / np.float32(12.92), ((display + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4))


def _display(linear: np.ndarray) -> np.ndarray:
    """The inverse of `_linear`."""
    linear = np.asarray(linear, np.float32)
    return np.where(linear <= 0.0031308, linear * np.float32(12.92), np.float32(1.055) * linear ** np.float32(1 / 2.4) - np.float32(0.055))


# Writing


def _generator() -> str:
    """The name by which `read_gltf` knows our files, and the version where one is installed."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return f"{GENERATOR} {importlib.metadata.version(GENERATOR)}"
    return GENERATOR


def write_glb(path: Path, mesh: Contents, normals: np.ndarray | None = None, opacity: np.ndarray | None = None) -> None:
    """Writes a GLB file, with its picture in it; a vertex with several texture coordinates is split. With a texture there are no colours besides it.

    A texture with alpha is blended, or a mask where alpha is nothing but 0 and 1 (3.9.4). ``opacity`` [V] is the alpha of the colours, and blended.

    Colours are linear float32 (3.7.2.1), so that none is lost; the material is no metal and rough, as what has no material is metal (3.9.2). Positions that
    float32 cannot hold are counted from the middle of the mesh, where a node puts them back.
    """
    faces, vertices, colors, uvs = mesh.faces, mesh.vertices, mesh.colors, mesh.uvs
    if uvs is not None:
        corners = np.stack([faces, faces if mesh.face_uvs is None else mesh.face_uvs], -1).reshape(-1, 2)
        alone = np.setdiff1d(np.arange(len(vertices)), faces)
        alone = np.stack([alone, alone if mesh.face_uvs is None else np.zeros_like(alone)], -1)
        pairs, inverse = np.unique(np.concatenate([corners, alone]), axis=0, return_inverse=True)
        faces = inverse.reshape(-1)[: len(corners)].reshape(-1, 3)
        vertices, uvs = vertices[pairs[:, 0]], uvs[pairs[:, 1]]
        colors, normals, opacity = (None if rows is None else rows[pairs[:, 0]] for rows in (colors, normals, opacity))
    middle = np.zeros(3)
    if not np.array_equal(vertices, vertices.astype(np.float32)):
        middle = (vertices.min(0) + vertices.max(0)) / 2
    tree: dict[str, Any] = {"asset": {"version": "2.0", "generator": _generator()}, "scene": 0, "scenes": [{"nodes": [0]}], "meshes": [], "bufferViews": []}
    tree["nodes"] = [{"mesh": 0} | ({"translation": middle.tolist()} if middle.any() else {})]
    material: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    chunks: list[bytes] = []

    def view(content: bytes, **more: int) -> int:
        tree["bufferViews"].append({"buffer": 0, "byteOffset": sum(map(len, chunks)), "byteLength": len(content)} | more)
        chunks.append(content + bytes(-len(content) % 4))
        return len(tree["bufferViews"]) - 1

    def accessor(rows: np.ndarray, kind: str, target: int, **more: Any) -> int:
        code = next(code for code, name in DTYPES.items() if np.dtype(name) == rows.dtype)
        entry = {"bufferView": view(rows.tobytes(), target=target), "componentType": code, "count": len(rows), "type": kind} | more
        tree.setdefault("accessors", []).append(entry)
        return len(tree["accessors"]) - 1

    points = (vertices - middle).astype("<f4")
    attributes = {"POSITION": accessor(points, "VEC3", 34962, min=points.min(0).tolist(), max=points.max(0).tolist())}
    if normals is not None:
        attributes["NORMAL"] = accessor(normals.astype("<f4"), "VEC3", 34962)
    if uvs is not None:
        attributes["TEXCOORD_0"] = accessor(np.stack([uvs[:, 0], 1 - uvs[:, 1]], axis=1).astype("<f4"), "VEC2", 34962)
    if opacity is not None:
        shown = np.ones_like(points) if colors is None else np.clip(colors, 0, 1)
        attributes["COLOR_0"] = accessor(np.column_stack([_linear(shown), opacity]).astype("<f4"), "VEC4", 34962)
    elif colors is not None and mesh.texture is None:
        attributes["COLOR_0"] = accessor(_linear(np.clip(colors, 0, 1)).astype("<f4"), "VEC3", 34962)
    if mesh.texture is not None:
        picture = io.BytesIO()
        picture_of(mesh.texture).save(picture, "PNG")
        tree["images"] = [{"bufferView": view(picture.getvalue()), "mimeType": "image/png"}]
        tree["textures"] = [{"source": 0}]
        material["baseColorTexture"] = {"index": 0}
        if mesh.wrap is not None:
            code = next(code for code, meant in WRAPS.items() if meant is mesh.wrap)
            tree["samplers"], tree["textures"][0]["sampler"] = [{"wrapS": code, "wrapT": code}], 0
    tree["materials"] = [{"pbrMetallicRoughness": material}]
    if mesh.texture is not None and mesh.texture.shape[2] == 4:
        alpha = mesh.texture[..., 3]
        tree["materials"][0]["alphaMode"] = "MASK" if ((alpha == 0) | (alpha == 1)).all() else "BLEND"
    if opacity is not None:
        tree["materials"][0] |= {"alphaMode": "BLEND", "doubleSided": True}
    indices = accessor(faces.reshape(-1, 1).astype("<u4"), "SCALAR", 34963)
    tree["meshes"] = [{"primitives": [{"attributes": attributes, "indices": indices, "material": 0}]}]
    binary = b"".join(chunks)
    tree["buffers"] = [{"byteLength": len(binary)}]
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    parts = [len(text).to_bytes(4, "little"), JSON_CHUNK.to_bytes(4, "little"), text]
    parts += [len(binary).to_bytes(4, "little"), BINARY_CHUNK.to_bytes(4, "little"), binary]
    head = b"glTF" + (2).to_bytes(4, "little") + (12 + sum(map(len, parts))).to_bytes(4, "little")
    with replacing(path) as partial:
        partial.write_bytes(b"".join([head, *parts]))
