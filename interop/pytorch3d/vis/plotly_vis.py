"""Meshes and cameras as figures of plotly's, which can be turned in the browser."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from ....checks import check_integer, check_number
from ..renderer import camera_to_eye_at_up

__all__ = ["AxisArgs", "Lighting", "get_camera_wireframe", "plot_batch_individually", "plot_scene"]

KEYWORDS = ("axis_args", "lighting", "xaxis", "yaxis", "zaxis")
# A camera in its own space, x to the left and y up: the outline of its picture with a notch above, lines to the eye, and one ahead.
_CAMERA = [
    [-1, 0.75, 2], [0, 0.75, 2], [0, 1, 2], [0, 0.75, 2], [1, 0.75, 2], [1, -0.75, 2], [-1, -0.75, 2], [-1, 0.75, 2],
    [0, 0, 0], [1, 0.75, 2], [1, -0.75, 2], [0, 0, 0], [-1, -0.75, 2], [0, 0, 0], [0, 0, 3],
]  # fmt: skip


class AxisArgs(NamedTuple):
    """How plotly draws an axis."""

    showgrid: bool = False
    zeroline: bool = False
    showline: bool = False
    ticks: str = ""
    showticklabels: bool = False
    backgroundcolor: str = "#fff"
    showaxeslabels: bool = False


class Lighting(NamedTuple):
    """How plotly lights a mesh."""

    ambient: float = 0.8
    diffuse: float = 1.0
    fresnel: float = 0.0
    specular: float = 0.0
    roughness: float = 0.5
    facenormalsepsilon: float = 1e-6
    vertexnormalsepsilon: float = 1e-12


def get_camera_wireframe(scale: float = 0.3) -> torch.Tensor:
    """[15, 3] the line that shows a camera, in view space."""
    check_number("get_camera_wireframe", "scale", scale)
    return torch.tensor(_CAMERA) * scale


def _plotly() -> Any:
    try:
        import plotly.graph_objects
        import plotly.subplots
    except ImportError as error:
        raise RuntimeError("plot_scene draws with plotly, which is not installed: pip install 'taichi_softras[plotly]'") from error
    return plotly


@torch.no_grad()
def plot_scene(
    plots: dict[str, dict[str, Any]],
    *,
    viewpoint_cameras: Any = None,
    ncols: int = 1,
    camera_scale: float = 0.3,
    pointcloud_max_points: int = 20000,
    pointcloud_marker_size: int = 1,
    raybundle_max_rays: int = 20000,
    raybundle_max_points_per_ray: int = 1000,
    raybundle_ray_point_marker_size: int = 1,
    raybundle_ray_line_width: int = 1,
    **kwargs: Any,
) -> Any:
    """A figure of plotly's (``show()`` shows it), with a part for each entry of ``plots``.

    Args:
        plots: what is in each part, by titles: a batch of meshes or of cameras, which become one trace of that name. Colours are shown of `TexturesVertex`, and
            of `TexturesAtlas` with one texel a face.
        viewpoint_cameras: one for each part that it is seen from at first, or one for all. Of another number none is taken, with a warning.
        ncols: parts in a row.
        camera_scale: how large cameras are drawn.
        pointcloud_*, raybundle_*: for points and rays, which are left out here.
        kwargs: ``lighting`` (`Lighting`), ``axis_args`` (`AxisArgs`), and ``xaxis``, ``yaxis``, ``zaxis``: dictionaries of plotly's.

    Raises:
        RuntimeError: without plotly. TypeError: for a keyword that is not known. ValueError: for what is neither meshes nor cameras.
    """
    if not isinstance(plots, dict) or not all(isinstance(traces, dict) for traces in plots.values()):
        raise TypeError(f"plot_scene: plots must be a dictionary of dictionaries, got {type(plots).__name__}")
    for name in kwargs:
        if name not in KEYWORDS:
            raise TypeError(f"plot_scene: keywords must be among {', '.join(KEYWORDS)}, got {name}")
    check_integer("plot_scene", "ncols", ncols, 1, 1000)
    check_number("plot_scene", "camera_scale", camera_scale)
    drawn = {title: [_drawn(name, struct, camera_scale) for name, struct in traces.items()] for title, traces in plots.items()}
    plotly, titles = _plotly(), list(plots)
    rows = -(-len(titles) // ncols)
    figure = plotly.subplots.make_subplots(rows=max(rows, 1), cols=ncols, specs=[[{"type": "scene"}] * ncols] * max(rows, 1), subplot_titles=titles)
    lighting, axis = kwargs.get("lighting", Lighting())._asdict(), kwargs.get("axis_args", AxisArgs())._asdict()
    axis.pop("showaxeslabels") if not axis["showaxeslabels"] else None
    viewpoints = _viewpoints(viewpoint_cameras, len(titles))
    for i, title in enumerate(titles):
        bounds = _bounds([points for points, _ in drawn[title]])
        for _, trace in drawn[title]:
            figure.add_trace(trace(plotly.graph_objects, lighting), row=i // ncols + 1, col=i % ncols + 1)
        axes = {f"{name}axis": {"range": bounds[k].tolist()} | axis | kwargs.get(f"{name}axis", {}) for k, name in enumerate("xyz")}
        ranges = [axes[f"{name}axis"]["range"] for name in "xyz"]
        figure["layout"][f"scene{i + 1 if i else ''}"].update({**axes, "aspectmode": "cube", "camera": _camera(viewpoints, i, ranges)})
    return figure


Trace = Callable[[Any, dict[str, float]], Any]


def _drawn(name: str, struct: Any, camera_scale: float) -> tuple[np.ndarray, Trace]:
    """The points [P, 3] that are to be seen, and what makes the trace of plotly's module and the lighting."""
    if hasattr(struct, "verts_packed"):
        return _mesh(name, struct)
    if hasattr(struct, "get_world_to_view_transform"):
        wire = get_camera_wireframe(camera_scale).to(struct.device)
        lines = struct.get_world_to_view_transform().inverse().transform_points(wire).detach().cpu().reshape(-1, len(_CAMERA), 3).numpy()
        # The cameras are one line, which is interrupted between them.
        apart = np.concatenate([lines, np.full((len(lines), 1, 3), np.nan)], 1).reshape(-1, 3)[:-1]
        x, y, z = apart.T
        return lines.reshape(-1, 3), lambda go, _: go.Scatter3d(x=x, y=y, z=z, marker={"size": 1}, name=name)
    raise ValueError(f"plot_scene: what is plotted must be Meshes or cameras, got {type(struct).__name__}")


def _mesh(name: str, meshes: Any) -> tuple[np.ndarray, Trace]:
    verts, faces = meshes.verts_packed().detach().cpu().numpy(), meshes.faces_packed().cpu().numpy()
    textures, colors = meshes.textures, {}
    if hasattr(textures, "verts_features_packed") and textures.verts_features_packed().shape[-1] == 3:
        colors["vertexcolor"] = _rgb(textures.verts_features_packed())
    if hasattr(textures, "atlas_packed") and textures.atlas_packed().shape[1] == 1 and textures.atlas_packed().shape[-1] == 3:
        colors["facecolor"] = _rgb(textures.atlas_packed()[:, 0, 0])
    seen = verts[np.unique(faces)]
    if len(seen):  # a vertex of no face is moved to the middle, where plotly does not make room for it
        unused = np.setdiff1d(np.arange(len(verts)), faces)
        verts[unused] = seen.mean(0)
    (x, y, z), (i, j, k) = verts.T, faces.T
    return seen, lambda go, lighting: go.Mesh3d(x=x, y=y, z=z, i=i, j=j, k=k, lighting=lighting, name=name, **colors)


def _rgb(colors: torch.Tensor) -> list[str]:
    return [f"rgb({r}, {g}, {b})" for r, g, b in (255 * colors.detach().cpu().clamp(0, 1)).round().int().tolist()]


def _bounds(traces: list[np.ndarray]) -> np.ndarray:
    """[3, 2] around the middle of each trace as far as it is wide."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for points in traces:
        if len(points):
            middle, width = points.mean(0), np.ptp(points, 0).max()
            low, high = np.minimum(low, middle - width), np.maximum(high, middle + width)
    return np.stack([low, high], 1) if np.isfinite(low).all() else np.array([[-1.0, 1.0]] * 3)


def _viewpoints(cameras: Any, n_parts: int) -> list[torch.Tensor] | None:
    """Eye, what it looks at, and up [N, 3] each."""
    if cameras is None:
        return None
    if not hasattr(cameras, "get_world_to_view_transform"):
        raise TypeError(f"plot_scene: viewpoint_cameras must be cameras, got {type(cameras).__name__}")
    if len(cameras) not in (1, n_parts):
        warnings.warn(f"plot_scene: viewpoint_cameras must be 1 or {n_parts}, as many as there are parts, got {len(cameras)}", stacklevel=3)
        return None
    return [values.cpu() for values in camera_to_eye_at_up(cameras.get_world_to_view_transform())]


def _camera(viewpoints: list[torch.Tensor] | None, part: int, ranges: list[Any]) -> dict[str, Any]:
    """Plotly's, for which the axes span [-1, 1]."""
    up = {"x": 0.0, "y": 1.0, "z": 0.0}
    if viewpoints is None:
        return {"up": up}
    middle, half = np.mean(ranges, 1), np.ptp(np.asarray(ranges, float), 1) / 2
    eye, at, up_world = (values[min(part, len(values) - 1)].numpy() for values in viewpoints)
    places = {"eye": (eye - middle) / half, "center": (at - middle) / half, "up": up_world / half}
    return {name: dict(zip("xyz", map(float, place), strict=True)) for name, place in places.items()}


def plot_batch_individually(
    batched_structs: Any, *, viewpoint_cameras: Any = None, ncols: int = 1, extend_struct: bool = True, subplot_titles: list[str] | None = None, **kwargs: Any
) -> Any:
    """`plot_scene` with a part for each entry of a batch of meshes or cameras, or of several batches in a list.

    Args:
        batched_structs: batches of N entries, or of one, which is shown in every part (without ``extend_struct`` in the first alone).
        subplot_titles: N of them.
        viewpoint_cameras, ncols, kwargs: see `plot_scene`.

    Raises:
        ValueError: if the numbers of entries do not go together.
    """
    structs = batched_structs if isinstance(batched_structs, (list, tuple)) else [batched_structs]
    if not structs or not all(hasattr(struct, "__len__") for struct in structs):
        raise ValueError(f"plot_batch_individually: batched_structs must be batches of meshes or cameras, got {batched_structs!r}")
    n = max(len(struct) for struct in structs)
    for struct in structs:
        if len(struct) not in (1, n):
            raise ValueError(f"plot_batch_individually: batched_structs must have 1 or {n} entries each, got {len(struct)}")
    if subplot_titles is not None and len(subplot_titles) != n:
        raise ValueError(f"plot_batch_individually: subplot_titles must be {n}, as many as there are parts, got {len(subplot_titles)}")
    plots: dict[str, dict[str, Any]] = {}
    for i in range(n):
        parts = {
            f"trace{i + 1}-{j + 1}": struct[min(i, len(struct) - 1)]
            for j, struct in enumerate(structs)
            if i < len(struct) or (len(struct) == 1 and extend_struct)
        }
        plots[subplot_titles[i] if subplot_titles else f"subplot {i + 1}"] = parts
    return plot_scene(plots, viewpoint_cameras=viewpoint_cameras, ncols=ncols, **kwargs)
