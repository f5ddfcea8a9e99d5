"""What compositing needs besides what every rendering does: opacities, windows, sorted faces, and scratch for the workers (`kernels.composite`)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_countable, check_reals, check_shape
from ..kernels.composite import N_HELD, RUN
from ..kernels.coverage import LARGEST_SHAPE
from ..kernels.face import Choices, CompositeChoices
from ..runtime import Arrays
from ..scene import Blending, Distribution, Opacity, RasterizeSettings, Topology
from .binning import Chunk, ChunkedPairs, Pairs
from .surfaces import Surface

if TYPE_CHECKING:
    from .clipping import Clipped

__all__ = ["Layers", "SortedPairs", "layers_of", "shown_of"]

SMALLEST_EXPONENT = 1e-6  # of a window: below it, it is flat to the last bit
WORKERS_PER_SHARE = 4  # of a CPU: so that one core does not wait long for the other


@dataclass(frozen=True, eq=False)
class Layers:
    """How much light the faces let through.

    Attributes:
        opacity: where opacities stand: one channel of a surface.
        channel: which.
        window: [1 or source faces, 1] exponents of the faces' windows.
    """

    opacity: Surface
    channel: int
    window: Any

    def cut(self, arrays: Arrays, clipped: "Clipped") -> "Layers":
        """Of what clipping has left."""
        return replace(self, opacity=self.opacity.cut(arrays, clipped))

    def choices(self, settings: RasterizeSettings, features: Choices) -> CompositeChoices:
        """What specialises the kernels."""
        surface = self.opacity
        opacity = Choices(features_at_once=1, grouped=True, texture=surface.kind, wrap=surface.sampling.wrap, filter=surface.sampling.filter)
        return CompositeChoices(features=features, opacity=opacity, order=settings.order)


def shown_of(surface: Surface, settings: RasterizeSettings) -> Surface:
    """The colours, without the channel that is their opacity."""
    if settings.opacity is not Opacity.CHANNEL:
        return surface
    if surface.n_features < 2:
        raise ValueError(f"rasterize: colours must have a channel besides that of {settings.opacity}, got {surface.n_features} in all")
    return replace(surface, n_hidden=1)


def layers_of(
    arrays: Arrays, topology: Topology, settings: RasterizeSettings, opacity: Any | None, window: Any | None, colors: Surface | None
) -> Layers | None:  # fmt: skip
    """What the settings make of the opacities and windows that were given; None if nothing is to be composited."""
    op = "rasterize"
    if settings.blending is not Blending.COMPOSITE:
        for name, given in (("opacity", opacity), ("window", window)):
            if given is not None:
                raise ValueError(f"{op}: blending must be {Blending.COMPOSITE} where {name} is given, got {settings.blending}")
        return None
    check_reals(op, arrays, opacity=opacity, window=window)
    if window is None:
        window = arrays.real(np.array([[settings.shape]]))
    elif settings.distribution is not Distribution.WINDOW:
        raise ValueError(f"{op}: distribution must be {Distribution.WINDOW} where window is given, got {settings.distribution}")
    else:
        if tuple(window.shape) != (1, 1):
            check_shape(op, "window", window.shape, ("F", 1), {"F": topology.n_source_faces})
        _check_range(op, "window", arrays.to_numpy(window), SMALLEST_EXPONENT, LARGEST_SHAPE)
    if settings.opacity is Opacity.CHANNEL:
        if opacity is not None:
            raise ValueError(f"{op}: opacity must be None with {settings.opacity}, which is a channel of the colours, got one")
        if colors is None:
            raise ValueError(f"{op}: colours must be given with {settings.opacity}, got None")
        channel = colors.features.shape[1] - 1
        _check_range(op, "the last channel of the colours", arrays.to_numpy(colors.features)[:, channel])
        return Layers(colors, channel, window)
    if opacity is None:
        corners = topology.table(arrays, "opaque", None, lambda: np.zeros((len(topology.faces), 3), np.int32))
        surface = replace(Surface.of(arrays, topology, None, settings), features=arrays.real(np.ones((1, 1))), corners=corners)
        return Layers(surface, 0, window)
    of_faces = settings.opacity is Opacity.FACE
    letter, n = ("F", topology.n_source_faces) if of_faces else ("V", topology.n_vertices)
    check_shape(op, "opacity", opacity.shape, (letter, 1), {letter: n})
    _check_range(op, "opacity", arrays.to_numpy(opacity))
    surface = Surface.of(arrays, topology, None, settings)
    if of_faces:
        surface = replace(surface, corners=topology.table(arrays, "one texel", None, lambda: np.repeat(topology.face_source, 3, axis=1)))
    return Layers(replace(surface, features=opacity), 0, window)


def _check_range(op: str, name: str, values: np.ndarray, least: float = 0.0, most: float = 1.0) -> None:
    low, high = values.min(), values.max()
    if not (low >= least and high <= most):
        raise ValueError(f"{op}: {name} must be within [{least:g}, {most:g}], got {high if low >= least else low}")


@dataclass(frozen=True, eq=False)
class SortedPairs:
    """The pairs of faces and tiles, and scratch for those who composite them."""

    arrays: Arrays
    pairs: Pairs | ChunkedPairs
    topology: Topology
    surface: Surface
    layers: Layers
    n_held: int  # numbers of each layer
    serial: bool

    @property
    def corners_at(self) -> tuple[Callable[[], tuple[Any, Any]], ...]:
        """Functions to which corners of the faces stand at each vertex, row of features and row of opacities, and which faces at each window."""
        arrays, topology = self.arrays, self.topology
        n_windows = self.layers.window.shape[0]
        windows = topology.face_source if n_windows > 1 else np.zeros_like(topology.face_source)
        return (
            lambda: topology.corners_at(arrays, "vertices", topology.faces, len(topology.vertex_source)),
            lambda: self.surface.corners_at_features(arrays, topology),
            lambda: self.layers.opacity.corners_at_features(arrays, topology, "opacity"),
            lambda: topology.corners_at(arrays, f"{n_windows} windows", windows, n_windows),
        )

    def chunks(self) -> Iterator[tuple[Any, ...]]:
        """As the kernels take them: `Chunk`, then scratch for layers, the room of a worker, how many workers there are, and turns of each."""
        for chunk in self.pairs.chunks():
            yield (*chunk, *self._scratch(chunk))

    def _scratch(self, chunk: Chunk) -> tuple[Any, ...]:
        arrays, (_, _, tile_offset, _, n_tiles, n_pairs) = self.arrays, chunk
        variant = arrays.variant
        if variant.lanes == 1:
            room, n_workers = 1, n_tiles * variant.blocks_per_tile
            n = n_pairs * variant.tile_pixels
        else:
            room = int(np.diff(arrays.to_numpy(tile_offset)[: n_tiles + 1]).max(initial=1))
            n_workers = 1 if self.serial else WORKERS_PER_SHARE * arrays.n_shares
            n = room * n_workers
        n = arrays.capacity(max(n, 1))
        n_held = max(self.n_held, N_HELD)
        check_countable("rasterize", "numbers of layers", n * variant.lanes * n_held)
        n_turns = -(-n_tiles * variant.blocks_per_tile // (n_workers * RUN)) * RUN
        return arrays.empty((n * n_held, variant.lanes)), arrays.empty_index((n, variant.lanes)), room, n_workers, n_turns
