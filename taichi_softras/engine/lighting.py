"""Light on surfaces, once for every array library, and the normals that it needs.

Per vertex (albedo, normals and positions [N, 3]; the colours then go to the renderer) or deferred, per pixel (pictures [B, H, W, 3] that were rendered).

Parameters of lights and materials are numbers, tuples or NumPy arrays (constants), or arrays of the library in use, which receive gradient. Leading dimensions
of constants and of tensors may be left out, and a colour may be one number, grey; Taichi's arrays have all dimensions. A dimension B of 1 is shared by all
images, an L of 1 by all lights.
(torch users take `taichi_softras.interop.lighting`: the same on tensors.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..checks import COUNTABLE, as_array, check_choice, check_faces, check_finite, check_kind, check_reals, check_shape
from ..kernels import normals as normal_ops
from ..kernels import shading as ops
from ..kernels.op import Op
from ..kernels.shading import N_HARMONICS, LightKind, SHBasis, Specular, Surface
from ..runtime import Arrays
from ..scene import Topology

__all__ = [
    "AmbientLight",
    "DirectionalLight",
    "Light",
    "Material",
    "PointLight",
    "SHBasis",
    "Specular",
    "SphericalHarmonics",
    "face_normals",
    "shade",
    "shade_dibr_phong",
    "vertex_normals",
]

Shape = tuple[int, ...]
_MAX_ITEMS = COUNTABLE // 3
_COLORS = ("color", "ambient", "diffuse", "specular")

# ------------------------------------------------------------------------------------------------------------------------ parameters


def is_constant(values: Any) -> bool:
    """Whether these are plain numbers, not an array of a library that could receive gradient."""
    return isinstance(values, (np.ndarray, np.generic)) or not hasattr(values, "shape")


def _numbers(op: str, name: str, values: Any) -> np.ndarray:
    """Finite numbers as float64."""
    array = as_array(op, name, values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{op}: {name} must be numbers, got {values!r}")
    check_finite(op, name, array)
    return array.astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What lights and materials have in common: attributes of known shapes. Constants become NumPy arrays of float64 with all their dimensions."""

    SHAPES: ClassVar[dict[str, tuple[int | str, ...]]]
    """Attribute to full shape."""

    def __post_init__(self) -> None:
        op = type(self).__name__
        for name in self.SHAPES:
            values = getattr(self, name)
            if is_constant(values):
                values = _numbers(op, name, values)
                values = np.full(3, values) if name in _COLORS and values.ndim == 0 else values
                object.__setattr__(self, name, values.reshape(self.full_shape(name, values.shape)))
            else:
                self.full_shape(name, tuple(values.shape))

    def full_shape(self, name: str, shape: Shape) -> Shape:
        """The shape with the leading dimensions that were left out, each 1."""
        pattern = self.SHAPES[name]
        leading = sum(isinstance(size, str) for size in pattern)
        missing = min(max(len(pattern) - len(shape), 0), leading)
        check_shape(type(self).__name__, name, shape, pattern[missing:])
        return (1,) * missing + shape


def _check_directions(op: str, direction: Any) -> None:
    if is_constant(direction) and not np.any(direction, -1).all():
        raise ValueError(f"{op}: direction must have a length, got (0, 0, 0)")


@dataclass(frozen=True, kw_only=True)
class AmbientLight(Parameters):
    """Light from everywhere: adds Ka T La.

    Attributes:
        color: La, [3], [L, 3] or [B, L, 3].
    """

    color: Any = (1.0, 1.0, 1.0)

    SHAPES: ClassVar = {"color": ("B", "L", 3)}


@dataclass(frozen=True, kw_only=True)
class DirectionalLight(Parameters):
    """Parallel light, such as the sun's: adds (Kd T max(n.l, 0) + Ks highlight) Lc.

    Attributes:
        direction: from the surface to the light, of any length; [3], [L, 3] or [B, L, 3].
        color: Lc, likewise.
    """

    direction: Any = (0.0, 1.0, 0.0)
    color: Any = (1.0, 1.0, 1.0)

    SHAPES: ClassVar = {"direction": ("B", "L", 3), "color": ("B", "L", 3)}

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_directions("DirectionalLight", self.direction)


@dataclass(frozen=True, kw_only=True)
class PointLight(Parameters):
    """Light from a point at distance d: adds what a directional light does, times 1/(constant + linear d + quadratic d^2).

    Attributes:
        position: in the space of the surface's positions; [3], [L, 3] or [B, L, 3].
        color: Lc, likewise.
        attenuation: (constant, linear, quadratic), none negative, likewise; by default the light does not grow weaker.
    """

    position: Any
    color: Any = (1.0, 1.0, 1.0)
    attenuation: Any = (1.0, 0.0, 0.0)

    SHAPES: ClassVar = {"position": ("B", "L", 3), "color": ("B", "L", 3), "attenuation": ("B", "L", 3)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if is_constant(self.attenuation) and not ((self.attenuation >= 0).all() and self.attenuation.any(-1).all()):
            raise ValueError(f"PointLight: attenuation must have no negative number, and one that is positive, got {self.attenuation.tolist()}")


@dataclass(frozen=True, kw_only=True)
class SphericalHarmonics(Parameters):
    """Light from all around, as nine numbers: adds Kd T sum_i c_i h_i(n).

    Attributes:
        coefficients: in the order (l, m) = (0, 0), (1, -1), (1, 0), ..., (2, 2); the same for all three colours, [9], [B, 9] or [B, 9, 1], or for each of
            them, [9, 3] or [B, 9, 3]. (Taichi arrays: [B, 9, 1] or [B, 9, 3].)
        basis: the functions h_i. The standard ones contain the cosine lobe over pi: coefficients of the radiance from each direction give irradiance over pi.
    """

    coefficients: Any
    basis: SHBasis = SHBasis.STANDARD

    SHAPES: ClassVar = {"coefficients": ("B", N_HARMONICS, "C")}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("SphericalHarmonics", "basis", self.basis, SHBasis)

    def full_shape(self, name: str, shape: Shape) -> Shape:
        full = (*shape, 1) if len(shape) in (1, 2) and shape[-1] == N_HARMONICS else shape
        if len(full) not in (2, 3) or full[-2] != N_HARMONICS or full[-1] not in (1, 3):
            raise ValueError(f"SphericalHarmonics: coefficients must have shape (9,), (B, 9), (9, 3) or (B, 9, 3), got {shape}")
        return (1,) * (3 - len(full)) + full


Light = AmbientLight | DirectionalLight | PointLight | SphericalHarmonics


@dataclass(frozen=True, kw_only=True)
class Material(Parameters):
    """What a surface makes of light.

    Attributes:
        ambient, diffuse, specular: Ka, Kd, Ks, [3] or [B, 3]. Ka and Kd multiply the albedo.
        shininess: s, how sharp the highlight is, not negative: a number or [B].
    """

    ambient: Any = 1.0
    diffuse: Any = 1.0
    specular: Any = 1.0
    shininess: Any = 32.0

    SHAPES: ClassVar = {"ambient": ("B", 3), "diffuse": ("B", 3), "specular": ("B", 3), "shininess": ("B",)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if is_constant(self.shininess) and (self.shininess < 0).any():
            raise ValueError(f"Material: shininess must not be negative, got {self.shininess.min():g}")


# --------------------------------------------------------------------------------------------------------------------------- shading


def shade(
    arrays: Arrays,
    albedo: Any,
    normals: Any,
    positions: Any = None,
    eye: Any = None,
    *,
    lights: Light | Sequence[Light],
    material: Material | None = None,
    specular: Specular = Specular.NONE,
    row_image: np.ndarray | None = None,
) -> Any:
    """The colours of a surface under lights: the sum of what each of them adds, not clamped.

    Args:
        arrays: the library of the arrays that follow.
        albedo: T, [N, 3], or pictures [B, H, W, 3].
        normals: like albedo, of any length. One without a length (under 1e-10), as where there is no surface, counts as zero, and has zero gradient.
        positions: like albedo, in the space of the lights and the eye. Only point lights and highlights need them.
        eye: [3] or [B, 3] the position of the eye. Only highlights need it.
        lights: any number of any kinds. Many lights of one kind cost least in one object, as [L, 3].
        material: what the surface makes of light; by default everything is 1, and shininess 32.
        specular: the kind of highlight of directional and point lights. It is not cut off where a light stands behind the surface (that would be a jump).
        row_image: [N] integers, the image of each row, whose lights, material and eye count for it; None if all rows share them. Pictures have none.

    Returns:
        Colours, in the shape of albedo.

    Raises:
        TypeError, ValueError: if an argument does not fit, before anything is computed.

    Gradient: to albedo, normals, positions, eye and all parameters of lights and material, exact. It is zero through a cosine that is cut off: n.l below 0
        for the diffuse term, r.e and n.h below 1e-5 for highlights.
    """
    check_choice("shade", "specular", specular, Specular)
    lights = (lights,) if isinstance(lights, Light) else tuple(lights)
    if not lights:
        raise ValueError("shade: lights must be at least one, got none")
    scene = _Scene("shade", arrays, albedo, normals, positions, eye, material, row_image)
    shares = [_share(scene, f"lights[{i}]", light, specular) for i, light in enumerate(lights)]  # checks everything
    color = scene.run(*shares[0])
    for share in shares[1:]:
        color = scene.run(ops.add_colors_op(scene.variant, scene.surface), (color, scene.run(*share)))
    return color


def shade_dibr_phong(
    arrays: Arrays,
    albedo: Any,
    normals: Any,
    positions: Any,
    eye: Any,
    direction: Any,
    *,
    material: Material | None = None,
    mask: Any = None,
    row_image: np.ndarray | None = None,
) -> Any:
    """DIB-R's Phong shading under one white parallel light: clamp(((Ka + Kd c) T + Ks a) mask, 0, 1).

    c = clamp(n.l, 0, 1), r = 2 c n - l, a = clamp(r.e, 1e-5, 1)^s (Chen et al. 2019). `shade` with Specular.PHONG differs where light comes from
    behind (here it then goes straight through: r = -l), and does not clamp.

    Args:
        albedo, normals, positions, eye, row_image: as for `shade`.
        direction: l, to the light, of any length: [3] or [B, 3].
        material: Ka, Kd, Ks and s.
        mask: [N] or [B, H, W], the soft silhouette; 1 by default.

    Gradient: to all of them; zero where a clamp cuts off (not at 0 and 1 themselves).
    """
    op = "shade_dibr_phong"
    scene = _Scene(op, arrays, albedo, normals, positions, eye, material, row_image)
    _check_directions(op, direction)
    l = scene.parameter("direction", direction, ("B", 3))
    mask = scene.place("mask", np.ones(scene.shape[:-1]) if mask is None else mask, scene.shape[:-1])
    inputs = (scene.albedo, scene.normals, scene.positions_of(op), mask, l, *scene.material.values(), scene.eye_of(op))
    return scene.run(ops.dibr_phong_op(scene.variant, scene.surface), inputs, (scene.row_image,))


def _share(scene: "_Scene", which: str, light: Light, specular: Specular) -> tuple[Op, tuple[Any, ...], tuple[Any, ...]]:
    """The op that adds what ``light`` does, its inputs, and what it needs besides the size of the surface."""
    if not isinstance(light, Light):
        raise TypeError(f"shade: {which} must be an AmbientLight, DirectionalLight, PointLight or SphericalHarmonics, got {type(light).__name__}")
    variant, surface, material = scene.variant, scene.surface, scene.material
    given = {name: scene.parameter(f"{which}.{name}", getattr(light, name), shape) for name, shape in light.SHAPES.items()}
    if isinstance(light, SphericalHarmonics):
        op = ops.harmonic_light_op(variant, surface, light.basis)
        return op, (scene.albedo, scene.normals, given["coefficients"], material["diffuse"]), (scene.row_image,)
    n_lights = scene.count_lights(which, given)
    if isinstance(light, AmbientLight):
        return ops.ambient_light_op(variant, surface), (scene.albedo, given["color"], material["ambient"]), (scene.row_image, n_lights)
    kind, at = (LightKind.POINT, "position") if isinstance(light, PointLight) else (LightKind.DIRECTIONAL, "direction")
    highlights, point = specular is not Specular.NONE, kind is LightKind.POINT
    inputs = (
        scene.albedo,
        scene.normals,
        scene.positions_of(type(light).__name__) if point or highlights else scene.nothing(surface.ndim),
        given["color"],
        given[at],
        given["attenuation"] if point else scene.nothing(3),
        material["diffuse"],
        material["specular"],
        material["shininess"],
        scene.eye_of("highlights") if highlights else scene.nothing(2),
    )
    return ops.direct_light_op(variant, surface, kind, specular), inputs, (scene.row_image, n_lights)


class _Scene:
    """A surface, the eye and a material: checked, and as arrays of the library."""

    def __init__(self, op: str, arrays: Arrays, albedo: Any, normals: Any, positions: Any, eye: Any, material: Material | None, row_image: Any) -> None:
        self.op, self.arrays = op, arrays
        self.shape: Shape = tuple(np.shape(albedo) if is_constant(albedo) else albedo.shape)
        self.surface = Surface.PICTURES if len(self.shape) == 4 else Surface.ROWS
        pictures = self.surface is Surface.PICTURES
        check_shape(op, "albedo", self.shape, ("B", "H", "W", 3) if pictures else ("N", 3))
        self.size = (int(np.prod(self.shape[:-1])), *(self.shape[1:3] if pictures else (1, 1)))  # rows or pixels, height, width
        if not 0 < self.size[0] < _MAX_ITEMS:
            raise ValueError(f"{op}: albedo must have at least one point, and fewer than {_MAX_ITEMS}, got shape {self.shape}")
        self.variant = arrays.variant_for(self.size[0])
        images = self._images(row_image)
        self.n_images = self.shape[0] if pictures else 1 if row_image is None else None  # None: not known yet, and as many as the first array has
        self._last_image = int(images.max())
        self.albedo = self.place("albedo", albedo, self.shape)
        self.normals = self.place("normals", normals, self.shape)
        self._positions = None if positions is None else self.place("positions", positions, self.shape)
        self._eye = None if eye is None else self.parameter("eye", np.atleast_2d(eye) if is_constant(eye) else eye, ("B", 3))
        material = material or Material()
        check_kind(op, "material", material, Material)
        self.material = {name: self.parameter(f"material.{name}", getattr(material, name), shape) for name, shape in Material.SHAPES.items()}
        self.row_image = arrays.index(images)

    def _images(self, row_image: Any) -> np.ndarray:
        """The image of each row; of pictures, of each picture."""
        if row_image is None:
            return np.arange(self.shape[0], dtype=np.int32) if self.surface is Surface.PICTURES else np.zeros(self.shape[0], np.int32)
        if self.surface is Surface.PICTURES:
            raise ValueError(f"{self.op}: row_image must be None for pictures, got an array")
        images = as_array(self.op, "row_image", row_image)
        if images.dtype.kind not in "iu":
            raise TypeError(f"{self.op}: row_image must be integers, got {images.dtype}")
        check_shape(self.op, "row_image", images.shape, (self.shape[0],))
        if images.min() < 0:
            raise ValueError(f"{self.op}: row_image must not be negative, got {images.min()}")
        if images.max() >= 2**31:
            raise ValueError(f"{self.op}: row_image must be below 2^31, got {images.max()}")
        return np.ascontiguousarray(images, dtype=np.int32)

    def place(self, name: str, values: Any, shape: Sequence[int | str]) -> Any:
        """An array of the library; from numbers, a constant."""
        if is_constant(values):
            values = self.arrays.real(_numbers(self.op, name, values))
        else:
            check_reals(self.op, self.arrays, **{name: values})
        check_shape(self.op, name, values.shape, shape)
        return values

    def parameter(self, name: str, values: Any, shape: Sequence[int | str]) -> Any:
        """The same for what is given for each image, or once for all."""
        if is_constant(values) and np.ndim(values) == len(shape) - 1:
            values = np.asarray(values)[None]
        values = self.place(name, values, shape)
        n = values.shape[0]
        if n != 1:
            if self.n_images is None and n > self._last_image:
                self.n_images = n
            if n != self.n_images:
                wanted = f"of more than {self._last_image} images" if self.n_images is None else f"of {self.n_images} images"
                raise ValueError(f"{self.op}: {name} must be one for all, or those {wanted}, got shape {tuple(values.shape)}")
        return values

    def count_lights(self, which: str, given: dict[str, Any]) -> int:
        """L, on which the arrays of a light agree."""
        counts = {array.shape[1] for array in given.values()} - {1}
        if len(counts) > 1:
            shapes = ", ".join(f"{name} {tuple(array.shape)}" for name, array in given.items())
            raise ValueError(f"{self.op}: {which} must have as many of each (or one), got {shapes}")
        n_lights = max(counts, default=1)
        if self.size[0] * max(n_lights, 1) >= _MAX_ITEMS or n_lights == 0:
            raise ValueError(f"{self.op}: {which} must hold at least one light, and those times the points be fewer than {_MAX_ITEMS}, got {n_lights}")
        return n_lights

    def positions_of(self, what: str) -> Any:
        if self._positions is None:
            raise ValueError(f"{self.op}: positions must be given for {what}, got None")
        return self._positions

    def eye_of(self, what: str) -> Any:
        if self._eye is None:
            raise ValueError(f"{self.op}: eye must be given for {what}, got None")
        return self._eye

    def nothing(self, ndim: int) -> Any:
        """What a kernel is given for vectors that it does not read."""
        return self.arrays.zeros((1,) * (ndim - 1) + (3,))

    def run(self, op: Op, inputs: Sequence[Any], rest: Sequence[Any] = ()) -> Any:
        """The one output, a colour for each point. ``rest``: the images, and the number of lights, between which the size of the surface stands."""
        return self.arrays.run(op, inputs, [self.shape], (*rest[:1], *self.size, *rest[1:]))[0]


# --------------------------------------------------------------------------------------------------------------------------- normals


def vertex_normals(arrays: Arrays, vertices: Any, faces: np.ndarray | Topology) -> Any:
    """Normals [V, 3] of unit length: at each vertex, the mean of its faces' normals, weighted with their areas.

    Args:
        arrays: the library of ``vertices``.
        vertices: [V, 3].
        faces: [F, 3] integers, or a topology of the vertices. Seen from the side to which the normals point, a face runs counter-clockwise.

    A vertex that has no face, or whose faces' areas add up to nothing (as vectors, less than 5e-11), has the normal zero.

    Gradient: to vertices, exact; zero where the normal is zero.
    """
    return _normals("vertex_normals", arrays, vertices, faces, at_vertices=True)


def face_normals(arrays: Arrays, vertices: Any, faces: np.ndarray | Topology) -> Any:
    """Normals [F, 3] of unit length of the faces; zero, with zero gradient, for a face without area. Otherwise as `vertex_normals`."""
    return _normals("face_normals", arrays, vertices, faces, at_vertices=False)


def _normals(op: str, arrays: Arrays, vertices: Any, faces: np.ndarray | Topology, at_vertices: bool) -> Any:
    check_reals(op, arrays, vertices=vertices)
    if isinstance(faces, Topology):
        check_shape(op, "vertices", vertices.shape, ("V", 3), {"V": faces.n_vertices})
        indices = faces.on(arrays)["feature_faces"]
    else:
        check_shape(op, "vertices", vertices.shape, ("V", 3))
        indices = arrays.index(check_faces(op, faces, vertices.shape[0]))
    n_faces = indices.shape[0]
    shape = (vertices.shape[0] if at_vertices else n_faces, 3)
    variant = arrays.variant_for(n_faces)
    (crosses,) = arrays.run(normal_ops.cross_op(variant, at_vertices), (vertices,), [shape], (indices, n_faces))
    return arrays.run(normal_ops.normalise_op(variant), (crosses,), [shape], (shape[0],))[0]
