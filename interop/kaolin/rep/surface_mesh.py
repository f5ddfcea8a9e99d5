"""Kaolin's ``kaolin.rep.surface_mesh``: meshes with all that may stand at their vertices, faces and corners."""

import copy
import logging
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F

from ..materials_by_name import group_materials_by_name as group_materials
from ..ops import mesh as ops
from ..utils.testing import tensor_info

__all__ = ["SurfaceMesh"]

logger = logging.getLogger(__name__)

# The shape of each tensor, of one mesh: V vertices, F faces of K corners, N normals, U texture coordinates; None is any number.
SHAPES: dict[str, tuple[str | int | None, ...]] = {
    "vertices": ("V", 3),
    "faces": ("F", "K"),
    "face_vertices": ("F", "K", 3),
    "normals": ("N", 3),
    "face_normals_idx": ("F", "K"),
    "face_normals": ("F", "K", 3),
    "uvs": ("U", 2),
    "face_uvs_idx": ("F", "K"),
    "face_uvs": ("F", "K", 2),
    "vertex_normals": ("V", 3),
    "vertex_tangents": ("V", 3),
    "vertex_colors": ("V", None),
    "vertex_features": ("V", None),
    "face_tangents": ("F", "K", 3),
    "face_colors": ("F", "K", None),
    "face_features": ("F", "K", None),
    "material_assignments": ("F",),
    "transform": (4, 4),
}
INDICES = {"faces": "vertices", "face_normals_idx": "normals", "face_uvs_idx": "uvs", "material_assignments": "materials"}  # and what they point into
SETTINGS = ("allow_auto_compute", "unset_attributes_return_none")

# What is computed when it is asked for, and from what: the first way that is open.
WAYS: dict[str, list[list[str]]] = {
    "vertex_normals": [["faces", "face_normals"]],
    "vertex_tangents": [["faces", "face_vertices", "face_uvs", "vertex_normals"]],
    "vertex_colors": [["faces", "face_colors"]],
    "vertex_features": [["faces", "face_features"]],
    "face_vertices": [["faces", "vertices"]],
    "face_normals": [["normals", "face_normals_idx"], ["vertex_normals", "faces"], ["vertices", "faces"]],
    "face_uvs": [["uvs", "face_uvs_idx"]],
    "face_tangents": [["faces", "vertex_tangents"]],
    "face_colors": [["faces", "vertex_colors"]],
    "face_features": [["faces", "vertex_features"]],
}


class SurfaceMesh:
    """A mesh, or a batch of B meshes, with what is set of these tensors (shapes of one mesh; K corners a face):

    vertices [V, 3], faces [F, K]; normals [N, 3], face_normals_idx [F, K]; uvs [U, 2], face_uvs_idx [F, K]; face_vertices, face_normals, face_tangents
    [F, K, 3], face_uvs [F, K, 2], face_colors, face_features [F, K, C]; vertex_normals, vertex_tangents [V, 3], vertex_colors, vertex_features [V, C];
    material_assignments [F], into ``materials``, a list; transform [4, 4].

    How a batch is kept is ``batching``: NONE, one mesh, as above; FIXED, of the same ``faces`` [F, K], all else with B in front; LIST, lists of tensors
    (``transform`` stays a tensor). It is found out from ``vertices`` and ``faces``.

    What is not set is computed when it is asked for, if it can be (`probably_can_compute_attribute`), and kept unless gradient flows to what it is made of;
    else it is None, or an AttributeError with ``unset_attributes_return_none=False``. Gradient: through all that is computed.
    """

    class Batching(str, Enum):
        """How a batch is kept."""

        NONE = "NONE"
        FIXED = "FIXED"
        LIST = "LIST"

    def __init__(
        self,
        vertices: Any,
        faces: Any,
        normals: Any = None,
        uvs: Any = None,
        face_uvs_idx: Any = None,
        face_normals_idx: Any = None,
        material_assignments: Any = None,
        materials: list[Any] | None = None,
        vertex_normals: Any = None,
        vertex_tangents: Any = None,
        vertex_colors: Any = None,
        vertex_features: Any = None,
        face_normals: Any = None,
        face_uvs: Any = None,
        face_vertices: Any = None,
        face_tangents: Any = None,
        face_colors: Any = None,
        face_features: Any = None,
        transform: torch.Tensor | None = None,
        strict_checks: bool = True,
        unset_attributes_return_none: bool = True,
        allow_auto_compute: bool = True,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in SHAPES or name == "materials"}
        for name, value in (("vertices", vertices), ("faces", faces)):
            if not isinstance(value, (torch.Tensor, list)):
                raise TypeError(f"SurfaceMesh: {name} must be a torch.Tensor or a list of some, got {type(value).__name__}")
        kind = SurfaceMesh.Batching.FIXED if isinstance(vertices, torch.Tensor) and vertices.ndim == 3 else SurfaceMesh.Batching.NONE
        if isinstance(vertices, list) or isinstance(faces, list) or faces.ndim == 3:
            kind = SurfaceMesh.Batching.LIST
        self.__dict__.update(batching=kind, unset_attributes_return_none=unset_attributes_return_none, allow_auto_compute=allow_auto_compute)
        for name, value in given.items():
            setattr(self, name, value)
        if wrong := self._wrong():
            logger.error(wrong)
            if strict_checks:
                raise ValueError(wrong)

    # ------------------------------------------------------------------------------------------------------------------ what is set

    @staticmethod
    def supported_tensor_attributes() -> list[str]:
        """The names of all tensors that it may hold."""
        return list(SHAPES)

    @staticmethod
    def computable_attribute_requirements() -> dict[str, list[list[str]]]:
        """Of what can be computed, the ways, and what each needs."""
        return copy.deepcopy(WAYS)

    @staticmethod
    def assert_supported(attr: str) -> None:
        """AttributeError for a name that a mesh does not have."""
        if attr not in SHAPES and attr not in (*SETTINGS, "materials", "batching"):
            raise AttributeError(f"SurfaceMesh: there is no attribute {attr!r}")

    def has_attribute(self, attr: str) -> bool:
        """Whether it is set; nothing is computed."""
        return attr in self.__dict__

    def get_attributes(self, only_tensors: bool = False) -> list[str]:
        """The names of what is set."""
        names = [name for name in SHAPES if name in self.__dict__]
        return names if only_tensors else [name for name in ("batching", *SETTINGS, "materials") if name in self.__dict__] + names

    def as_dict(self, only_tensors: bool = False) -> dict[str, Any]:
        """What is set, by name."""
        return {name: self.__dict__[name] for name in self.get_attributes(only_tensors)}

    def __setattr__(self, attr: str, value: Any) -> None:
        SurfaceMesh.assert_supported(attr)
        if attr == "batching":
            self.set_batching(value)
        elif value is None:
            self.__dict__.pop(attr, None)
        else:
            self.__dict__[attr] = value

    def get_attribute(self, attr: str) -> Any:
        """What is set; nothing is computed."""
        SurfaceMesh.assert_supported(attr)
        return self.__dict__[attr] if attr in self.__dict__ else self._unset(attr, "is not set")

    def _unset(self, attr: str, why: str) -> None:
        if not self.unset_attributes_return_none:
            raise AttributeError(f"SurfaceMesh: {attr} {why}; with unset_attributes_return_none=True it would be None")

    def check_sanity(self) -> bool:
        """Whether all tensors have the shapes that they should have; what is wrong is logged."""
        wrong = self._wrong()
        if wrong:
            logger.error(wrong)
        return not wrong

    def _wrong(self) -> str:
        """A sentence about the first tensor whose shape or type is wrong, or nothing."""
        Batching, n_meshes = SurfaceMesh.Batching, len(self)
        sizes: list[dict[str, int]] = [{} for _ in range(n_meshes)]
        for attr in self.get_attributes(only_tensors=True):
            value = self.__dict__[attr]
            if attr == "transform":
                shapes = [(4, 4)] if self.batching == Batching.NONE else [(4, 4), (n_meshes, 4, 4)]
                if not isinstance(value, torch.Tensor) or tuple(value.shape) not in shapes:
                    return f"SurfaceMesh: transform must have shape {' or '.join(map(str, shapes))}, got {_told(value)}"
                continue
            shape: tuple[Any, ...] = SHAPES[attr]
            if self.batching == Batching.LIST:
                if not isinstance(value, list) or len(value) != n_meshes:
                    return f"SurfaceMesh: {attr} must be a list of {n_meshes} tensors, got {_told(value)}"
                several = list(zip(value, sizes, strict=True))
            else:
                if self.batching == Batching.FIXED and attr != "faces":
                    shape = (n_meshes, *shape)
                several = [(value, known) for known in sizes[:1] or [{}]]
            for tensor, known in several:
                wanted = [known.get(size, size) if isinstance(size, str) else size for size in shape]
                fits = isinstance(tensor, torch.Tensor) and tensor.ndim == len(shape)
                if not fits or any(isinstance(want, int) and want != size for want, size in zip(wanted, tensor.shape, strict=True)):
                    return f"SurfaceMesh: {attr} must have shape ({', '.join('any' if want is None else str(want) for want in wanted)}), got {_told(tensor)}"
                if attr in INDICES and (tensor.is_floating_point() or tensor.is_complex()):
                    return f"SurfaceMesh: {attr} must be integers, got {tensor.dtype}"
                known.update({size: n for size, n in zip(shape, tensor.shape, strict=True) if isinstance(size, str)})
        return ""

    def is_triangular(self) -> bool:
        """Whether all faces have three corners."""
        return all(faces.shape[1] == 3 for faces in (self.faces if self.batching == SurfaceMesh.Batching.LIST else [self.faces]))

    # ------------------------------------------------------------------------------------------------------------------ in words

    @classmethod
    def attribute_info_string(cls, batching: "SurfaceMesh.Batching") -> str:
        """Which tensors a mesh may hold, and their shapes."""
        lines = [f"Expected SurfaceMesh contents for batching strategy {batching.value}"]
        for attr, shape in SHAPES.items():
            inner = (["B"] if batching == cls.Batching.FIXED and attr != "faces" else []) + list(shape)
            kind = "torch.IntTensor" if attr in INDICES else "torch.FloatTensor"
            lines.append(f"{attr:>20}: {f'[{kind}]' if batching == cls.Batching.LIST else f'({kind})'} of shape {inner}")
        return "\n".join([*lines, f"{'materials':>20}: non-tensor attribute"])

    def describe_attribute(self, attr: str, print_stats: bool = False, detailed: bool = False) -> str:
        """A line about an attribute, or some lines of a list."""
        SurfaceMesh.assert_supported(attr)
        if attr not in self.__dict__:
            return "None"
        value, name = self.__dict__[attr], f"{attr:>20}"
        if attr == "materials" and self.batching == SurfaceMesh.Batching.NONE:
            return f"{name}: list of length {len(value)}"
        if attr == "materials":
            lines = [f"{i:>23}: list of length {len(of_mesh)}" for i, of_mesh in enumerate(value)]
        elif isinstance(value, list):
            lines = [tensor_info(tensor, f"{i:>23}", print_stats, detailed) for i, tensor in enumerate(value)]
        else:
            return tensor_info(value, name, print_stats, detailed)
        return "\n".join([f"{name}: [", *lines, f"{']':>23}"])

    def to_string(self, print_stats: bool = False, detailed: bool = False) -> str:
        """What is set, and what would be computed, a line each."""
        names = self.get_attributes(only_tensors=True) + (["materials"] if self.has_attribute("materials") else [])
        lines = [f"SurfaceMesh object with batching strategy {self.batching.value}", *(self.describe_attribute(n, print_stats, detailed) for n in names)]
        for attr, ways in WAYS.items():
            if attr not in self.__dict__:
                lines.append(f"{attr:>20}: if possible, computed on access from: {' or '.join('(' + ', '.join(way) + ')' for way in ways)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.to_string()

    # ------------------------------------------------------------------------------------------------------------------ what is computed

    def __getattr__(self, attr: str) -> Any:
        if attr.startswith("__"):
            raise AttributeError(attr)
        SurfaceMesh.assert_supported(attr)
        if not self.__dict__.get("allow_auto_compute", False):
            return self._unset(attr, "is not set, and allow_auto_compute is off")
        return self.get_or_compute_attribute(attr)

    def get_or_compute_attribute(self, attr: str, should_cache: bool | None = None) -> Any:
        """What is set, or else computed; kept if ``should_cache``, or by default if no gradient flows to what it is made of."""
        SurfaceMesh.assert_supported(attr)
        if attr in self.__dict__:
            return self.__dict__[attr]
        if not self.probably_can_compute_attribute(attr):
            ways = " or ".join("(" + ", ".join(way) + ")" for way in WAYS.get(attr, []))
            return self._unset(attr, f"is not set, and cannot be computed{ways and ' from ' + ways}")
        value = self._computed(attr, should_cache)
        wants_gradient = any(tensor.requires_grad for tensor in (value if isinstance(value, list) else [value]))
        if not wants_gradient if should_cache is None else should_cache:
            self.__dict__[attr] = value
        return value

    def has_or_can_compute_attribute(self, attr: str) -> bool:
        """Whether it is set, or what it is computed from is there."""
        SurfaceMesh.assert_supported(attr)
        return attr in self.__dict__ or self._way(attr) is not None

    def probably_can_compute_attribute(self, attr: str) -> bool:
        """Whether what it is computed from is there."""
        SurfaceMesh.assert_supported(attr)
        return self._way(attr) is not None

    def _way(self, attr: str, asked: frozenset[str] = frozenset()) -> list[str] | None:
        """The first way to compute it that is open; what is being asked for already is of no help."""
        asked |= {attr}
        for way in WAYS.get(attr, []):
            if way == ["vertices", "faces"] and not self.is_triangular():
                continue
            if all(name in self.__dict__ or (name not in asked and self._way(name, asked) is not None) for name in way) and not self._is_empty(way[0]):
                return way
        return None

    def _is_empty(self, name: str) -> bool:
        """Whether it is a list of normals or texture coordinates, and there is none: so they come of an OBJ file without, and no corner has one."""
        given = self.__dict__.get(name) if name in ("normals", "uvs") else None
        return given is not None and any(of_mesh.shape[-2] == 0 for of_mesh in (given if isinstance(given, list) else [given]))

    def _computed(self, attr: str, should_cache: bool | None) -> Any:
        way = self._way(attr)
        assert way is not None
        if way == ["vertices", "faces"]:  # normals, of the faces themselves
            way = ["face_vertices"]
        needed = [self.get_or_compute_attribute(name, should_cache) for name in way]
        if attr == "vertex_tangents":
            function: Callable[..., torch.Tensor] = ops.vertex_tangents
        elif attr.startswith("vertex_"):
            needed, function = [*needed, self.vertices], _mean_at_vertices
        elif way == ["face_vertices"]:
            function = _flat_normals
        else:
            index = next(name for name in way if name in INDICES)
            needed = [needed[1 - way.index(index)], needed[way.index(index)]]
            function = _at_corners if index == "faces" else _at_named_corners
        names = ["faces" if value is self.__dict__.get("faces") else "" for value in needed]
        return self._each(function, list(zip(names, needed, strict=True)))

    def _each(self, function: Callable[..., torch.Tensor], named: list[tuple[str, Any]]) -> Any:
        """A function of single meshes on all of the batch; (name, what is set) of each of its arguments."""
        if self.batching == SurfaceMesh.Batching.NONE:
            return function(*(value for _, value in named))
        is_list = self.batching == SurfaceMesh.Batching.LIST
        results = [function(*(value if name == "faces" and not is_list else value[i] for name, value in named)) for i in range(len(self))]
        return results if is_list else torch.stack(results)

    def ensure_indexed_attribute(self, attr: str, should_cache: bool | None = None) -> tuple[Any, Any]:
        """(normals, face_normals_idx) or (uvs, face_uvs_idx), made of face_normals or face_uvs where these alone are set; (None, None) where nothing is.

        Equal values become one. They are kept if ``should_cache``, or by default if no gradient flows to them.
        """
        if attr not in ("normals", "uvs"):
            raise ValueError(f"SurfaceMesh.ensure_indexed_attribute: attr must be 'normals' or 'uvs', got {attr!r}")
        at_corners, index = f"face_{attr}", f"face_{attr}_idx"
        if self.has_attribute(attr) and self.has_attribute(index):
            return self.__dict__[attr], self.__dict__[index]
        if not self.has_attribute(at_corners) or self.has_attribute(attr) or self.has_attribute(index):
            return None, None
        corners = self.__dict__[at_corners]
        values: Any
        places: Any
        if self.batching == SurfaceMesh.Batching.LIST:
            pairs = [ops.unindex_vertices_by_faces(of_mesh) for of_mesh in corners]
            values, places = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        else:
            values, places = ops.unindex_vertices_by_faces(corners)
            if self.batching == SurfaceMesh.Batching.FIXED:
                places = places.expand(len(self), -1, -1).clone()
        wants_gradient = any(tensor.requires_grad for tensor in (corners if isinstance(corners, list) else [corners]))
        if not wants_gradient if should_cache is None else should_cache:
            self.__dict__.update({attr: values, index: places})
        return values, places

    # ------------------------------------------------------------------------------------------------------------------ batches

    def __len__(self) -> int:
        return 1 if self.batching == SurfaceMesh.Batching.NONE else len(self.vertices)

    @staticmethod
    def convert_attribute_batching(
        val: Any,
        from_batching: "SurfaceMesh.Batching",
        to_batching: "SurfaceMesh.Batching",
        is_tensor: bool = True,
        fixed_topology: bool = False,
        batch_size: int | None = None,
    ) -> Any:
        """What is kept in one way, in another: by way of a list, a mesh each.

        Args:
            val: kept as ``from_batching`` says.
            is_tensor: whether it is tensors; other things are lists in every batch.
            fixed_topology: whether a FIXED batch has one for all, as it has of ``faces``.
            batch_size: how many meshes there are; needed of one for all.
        """
        Batching, op = SurfaceMesh.Batching, "SurfaceMesh.convert_attribute_batching"
        for name, kind in (("from_batching", from_batching), ("to_batching", to_batching)):
            if not isinstance(kind, Batching):
                raise TypeError(f"{op}: {name} must be a SurfaceMesh.Batching, got {kind!r}")
        is_one_for_all = is_tensor and fixed_topology
        known = 1 if from_batching == Batching.NONE else None if from_batching == Batching.FIXED and is_one_for_all else len(val)
        if batch_size is not None and known not in (None, batch_size):
            raise ValueError(f"{op}: batch_size must be that of val ({known}), got {batch_size}")
        n_meshes = batch_size if known is None and batch_size is not None else known or (1 if known is None else 0)
        if from_batching == to_batching or n_meshes == 0:
            return val
        if from_batching == Batching.NONE:
            several = [val]
        elif from_batching == Batching.FIXED and is_one_for_all:
            several = [val] * n_meshes
        else:
            several = list(val)
        if to_batching == Batching.NONE:
            if n_meshes != 1:
                raise ValueError(f"{op}: there must be one mesh to be without a batch, got {n_meshes}")
            return several[0]
        if to_batching == Batching.LIST or not is_tensor:
            return several
        shapes = {tuple(tensor.shape) for tensor in several}
        if len(shapes) > 1:
            raise ValueError(f"{op}: tensors must have one shape to be one, got {sorted(shapes)}")
        if not is_one_for_all:
            return torch.stack(several)
        if any(not torch.equal(tensor, several[0]) for tensor in several):
            raise ValueError(f"{op}: faces must be the same of all meshes, got others")
        return several[0]

    def getattr_batched(self, attr: str, batching: "SurfaceMesh.Batching") -> Any:
        """What is set, or computed, kept in another way."""
        value = getattr(self, attr)
        if self.batching == batching or value is None or (attr not in SHAPES and attr != "materials"):
            return value
        if attr == "transform":
            if batching == SurfaceMesh.Batching.NONE and len(self) != 1:
                raise ValueError(f"SurfaceMesh: there must be one mesh to be without a batch, got {len(self)}")
            return value[0] if batching == SurfaceMesh.Batching.NONE and value.ndim == 3 else value
        return SurfaceMesh.convert_attribute_batching(value, self.batching, batching, attr in SHAPES, attr == "faces", len(self))

    def to_batched(self) -> "SurfaceMesh":
        """Makes it a FIXED batch, in place."""
        return self.set_batching(SurfaceMesh.Batching.FIXED)

    def set_batching(self, batching: "SurfaceMesh.Batching", skip_errors: bool = False) -> "SurfaceMesh":
        """Keeps the batch in another way, in place. With ``skip_errors`` what does not go along is dropped (but not vertices and faces)."""
        batching = SurfaceMesh.Batching(batching)
        if batching == self.batching or len(self) == 0:
            return self
        kept: dict[str, Any] = {}
        for attr in [*self.get_attributes(only_tensors=True), *(["materials"] if self.has_attribute("materials") else [])]:
            try:
                kept[attr] = self.getattr_batched(attr, batching)
            except ValueError as error:
                if not skip_errors or attr in ("vertices", "faces"):
                    raise ValueError(f"SurfaceMesh.set_batching: {attr} must be such that it can be {batching.value}: {error}") from error
                logger.error("SurfaceMesh.set_batching: %s is dropped: %s", attr, error)
                kept[attr] = None
        self.__dict__["batching"] = batching
        for attr, value in kept.items():
            setattr(self, attr, value)
        return self

    def __getitem__(self, idx: int) -> "SurfaceMesh":
        """One of the meshes."""
        if not -len(self) <= idx < len(self):
            raise IndexError(f"SurfaceMesh: there are {len(self)} meshes, got {idx}")
        if self.batching == SurfaceMesh.Batching.NONE:
            return self
        kept = self._settings()
        for attr, value in self.as_dict(only_tensors=True).items():
            is_one_for_all = value.ndim == 2 if attr == "transform" else attr == "faces" and self.batching == SurfaceMesh.Batching.FIXED
            kept[attr] = value if is_one_for_all else value[idx]
        if self.has_attribute("materials"):
            kept["materials"] = self.materials[idx]
        return SurfaceMesh(**kept)

    def _settings(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in SETTINGS}

    @classmethod
    def cat(cls, meshes: "Sequence[SurfaceMesh]", fixed_topology: bool = True, skip_errors: bool = False) -> "SurfaceMesh":
        """All of them as one batch, FIXED or (without ``fixed_topology``) LIST. It has what all have, or one has and the others can compute.

        Where ``normals`` or ``uvs`` are of different numbers, a FIXED batch has face_normals or face_uvs instead.
        """
        Batching, meshes = SurfaceMesh.Batching, list(meshes)
        if not meshes:
            raise ValueError("SurfaceMesh.cat: meshes must be at least one, got none")
        wanted = Batching.FIXED if fixed_topology else Batching.LIST
        if len(meshes) == 1:
            return meshes[0].set_batching(wanted, skip_errors)
        names = set(chain.from_iterable(mesh.get_attributes(only_tensors=True) for mesh in meshes))
        names = {name for name in names if all(mesh.has_or_can_compute_attribute(name) for mesh in meshes)}
        for name in names & {"face_normals", "face_uvs", "face_vertices"}:  # that the whole can compute as well as the parts
            if not all(mesh.has_attribute(name) for mesh in meshes) and all(mesh.has_or_can_compute_attribute(n) for n in WAYS[name][0] for mesh in meshes):
                names -= {name}
        kept: dict[str, Any] = {name: _chained(meshes, name) for name in names - {"transform"}}
        if "transform" in names:
            kept["transform"] = torch.cat([mesh.transform.expand(len(mesh), 4, 4) for mesh in meshes])
        if all(mesh.has_attribute("materials") for mesh in meshes):
            kept["materials"] = _chained(meshes, "materials")
        for name in ("normals", "uvs") if fixed_topology else ():
            if name in kept and len({tuple(tensor.shape) for tensor in kept[name]}) > 1:
                del kept[name]
                kept.pop(f"face_{name}_idx", None)
                if all(mesh.has_or_can_compute_attribute(f"face_{name}") for mesh in meshes):
                    kept[f"face_{name}"] = _chained(meshes, f"face_{name}")
        return SurfaceMesh(**kept, **meshes[0]._settings()).set_batching(wanted, skip_errors)

    @classmethod
    def flatten(cls, meshes: "Sequence[SurfaceMesh]", skip_errors: bool = False, group_materials_by_name: bool = False) -> "SurfaceMesh":
        """All of them as one mesh, moved as their ``transform`` says; indices count on. Materials of one name become one if ``group_materials_by_name``."""
        batch = cls.cat([copy.copy(mesh.as_transformed()) for mesh in meshes], fixed_topology=False, skip_errors=skip_errors)
        kept = batch._settings()
        values = {name: batch.__dict__[name] for name in [*SHAPES, "materials"] if batch.has_attribute(name)}
        for index, target in INDICES.items():
            if index in values:
                before = 0
                moved = []
                for i, places in enumerate(values[index]):
                    moved.append(torch.where(places < 0, places, places + before))  # -1 is none
                    before += len(values[target][i]) if target in values else 0
                values[index] = moved
        for name, several in values.items():
            if name == "materials":
                kept[name] = list(chain.from_iterable(several))
                continue
            shapes = {tuple(tensor.shape[1:]) for tensor in several}
            if len(shapes) == 1:
                kept[name] = torch.cat(several)
            elif skip_errors and name not in ("vertices", "faces"):
                logger.error("SurfaceMesh.flatten: %s is dropped, of shapes that differ: %s", name, sorted(shapes))
            else:
                raise ValueError(f"SurfaceMesh.flatten: {name} must have one shape but for their number, got {sorted(shapes)}")
        if group_materials_by_name and "materials" in kept:
            kept["materials"], kept["material_assignments"] = group_materials(kept["materials"], kept.get("material_assignments"))
        return SurfaceMesh(**kept)

    # ------------------------------------------------------------------------------------------------------------------ copies

    def as_transformed(self) -> "SurfaceMesh":
        """A mesh moved as ``transform`` (world from here, for columns) says, without it; itself if there is none. Normals and tangents stay of length 1."""
        if not self.has_attribute("transform"):
            return self
        moved, transform = copy.copy(self), self.transform
        moved.transform = moved.face_vertices = None

        def of(i: int) -> torch.Tensor:
            return transform if transform.ndim == 2 else transform[i]

        def apply(name: str, function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
            value = self.__dict__.get(name)
            if isinstance(value, list):
                setattr(moved, name, [function(tensor, of(i).to(tensor)) for i, tensor in enumerate(value)])
            elif value is not None:
                one_each = transform.to(value)
                setattr(moved, name, function(value, one_each.reshape(-1, *(1,) * (value.ndim - 3), 4, 4) if transform.ndim == 3 else one_each))

        apply("vertices", _positions_moved)
        for name in ("normals", "vertex_normals", "face_normals"):
            apply(name, lambda normals, matrix: F.normalize(normals @ torch.linalg.inv(matrix[..., :3, :3]), dim=-1))
        for name in ("vertex_tangents", "face_tangents"):
            apply(name, lambda tangents, matrix: F.normalize(tangents @ matrix[..., :3, :3].mT, dim=-1))
        return moved

    def to(self, device: Any, attributes: Sequence[str] | None = None) -> "SurfaceMesh":
        """A copy whose tensors (or those that are named) and materials are on a device."""
        return self._construct_apply(lambda tensor: tensor.to(device), attributes)

    def cuda(self, device: Any = None, attributes: Sequence[str] | None = None) -> "SurfaceMesh":
        """A copy on a GPU."""
        return self._construct_apply(lambda tensor: tensor.cuda(device), attributes)

    def cpu(self, attributes: Sequence[str] | None = None) -> "SurfaceMesh":
        """A copy on the CPU."""
        return self._construct_apply(torch.Tensor.cpu, attributes)

    def detach(self, attributes: Sequence[str] | None = None) -> "SurfaceMesh":
        """A copy that no gradient flows through."""
        return self._construct_apply(torch.Tensor.detach, attributes)

    def float_tensors_to(self, float_dtype: torch.dtype) -> "SurfaceMesh":
        """A copy whose real numbers are of another type."""
        return self._construct_apply(lambda t: t.to(float_dtype), [name for name in self.get_attributes(only_tensors=True) if name not in INDICES])

    def _construct_apply(self, func: Callable[[torch.Tensor], torch.Tensor], attributes: Sequence[str] | None) -> "SurfaceMesh":
        other = copy.copy(self)
        for name in [*self.get_attributes(only_tensors=True), "materials"] if attributes is None else attributes:
            value = self.get_attribute(name) if name != "materials" or self.has_attribute(name) else None
            if value is None:
                continue
            if name == "materials":
                is_one = self.batching == SurfaceMesh.Batching.NONE
                value = [_moved(m, func) for m in value] if is_one else [[_moved(m, func) for m in of_mesh] for of_mesh in value]
            else:
                value = [func(tensor) for tensor in value] if isinstance(value, list) else func(value)
            setattr(other, name, value)
        return other

    def __copy__(self) -> "SurfaceMesh":
        other = SurfaceMesh.__new__(SurfaceMesh)
        other.__dict__.update({name: list(value) if isinstance(value, list) else value for name, value in self.__dict__.items()})
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> "SurfaceMesh":
        other = SurfaceMesh.__new__(SurfaceMesh)
        other.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return other


def _told(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, torch.Tensor) else f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__


def _chained(meshes: list[SurfaceMesh], name: str) -> list[Any]:
    return list(chain.from_iterable(mesh.getattr_batched(name, SurfaceMesh.Batching.LIST) for mesh in meshes))


def _at_corners(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """[F, K, C] of [V, C]."""
    return ops.index_vertices_by_faces(values[None], index)[0]


def _at_named_corners(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """The same; a corner that names none (-1) has the first one."""
    return _at_corners(values, index.clamp(min=0))


def _flat_normals(face_vertices: torch.Tensor) -> torch.Tensor:
    """[F, 3, 3]: that of the face at each of its corners."""
    return ops.face_normals(face_vertices[None], unit=True)[0, :, None].repeat(1, 3, 1)


def _mean_at_vertices(faces: torch.Tensor, values: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
    return ops.average_face_vertex_features(faces, values[None], len(vertices))[0]


def _positions_moved(positions: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    moved = F.pad(positions, (0, 1), value=1.0) @ matrix.mT
    return moved[..., :3] / moved[..., 3:]


def _moved(material: Any, func: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if hasattr(material, "_construct_apply"):
        return material._construct_apply(func)
    logger.warning("SurfaceMesh: a material that is no PBRMaterial, but a %s, stays as it is", type(material).__name__)
    return material
