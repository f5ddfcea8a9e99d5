"""Kaolin's ``kaolin.io.usd.utils``: stages, and what is on them."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .....checks import check_number
from .....replacing import replacing
from .....scene import as_path, is_file

__all__ = ["create_stage", "get_authored_time_samples", "get_scene_paths"]

ENDINGS = (".usd", ".usda", ".usdc")


def pxr(op: str) -> Any:
    """The package of USD, with the modules that are used.

    Raises:
        RuntimeError: if it is not installed.
    """
    try:
        from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, Vt
    except ImportError as error:
        raise RuntimeError(f"{op} works with usd-core, which is not installed: pip install 'taichi_softras[usd]'") from error

    class Modules:
        pass

    for module in (Gf, Sdf, Usd, UsdGeom, UsdShade, Vt):
        setattr(Modules, module.__name__.rpartition(".")[2], module)
    return Modules


def usd_path(op: str, name: str, path: object) -> Path:
    """A path of a USD file that is to be written."""
    place = as_path(op, name, path)
    if place.suffix.lower() not in ENDINGS:
        raise ValueError(f"{op}: {name} must end in {', '.join(ENDINGS)}, got {place.name}")
    if not place.absolute().parent.is_dir():
        raise ValueError(f"{op}: {name} must lie in a folder that is there, got {place}")
    return place


def code_of(op: str, name: str, time: Any) -> Any:
    """The time code of a number, or the default one."""
    if time is None:
        return pxr(op).Usd.TimeCode.Default()
    check_number(op, name, time)
    return pxr(op).Usd.TimeCode(float(time))


def stage_of(op: str, file_path_or_stage: Any) -> Any:
    """A stage as it is, or that of a file which is there."""
    Usd = pxr(op).Usd
    if isinstance(file_path_or_stage, Usd.Stage):
        return file_path_or_stage
    path = as_path(op, "file_path_or_stage", file_path_or_stage)
    if not is_file(path):
        raise FileNotFoundError(f"{op}: there is no file {path}")
    return _opened(op, path, path)


def _opened(op: str, path: Path, layer_or_path: Any) -> Any:
    modules = pxr(op)
    try:
        return modules.Usd.Stage.Open(layer_or_path if layer_or_path is not path else str(path))
    except Exception as error:  # what USD raises depends on how it was built
        raise ValueError(f"{op}: {path} must be a readable USD file, got {type(error).__name__}: {error}") from error


@contextmanager
def stage_written(op: str, path: Path, up_axis: str = "Y") -> Iterator[Any]:
    """A stage in memory with what the file has, or a new one, to be changed; then the file is written whole.

    The file's own layer is not touched: USD would write into it in place.
    """
    modules = pxr(op)
    if is_file(path):
        try:
            layer = modules.Sdf.Layer.OpenAsAnonymous(str(path))
        except Exception as error:  # what USD raises depends on how it was built
            raise ValueError(f"{op}: {path} must be a readable USD file, got {type(error).__name__}: {error}") from error
        stage = modules.Usd.Stage.Open(layer)
    else:
        stage = modules.Usd.Stage.CreateInMemory()
        modules.UsdGeom.SetStageUpAxis(stage, up_axis)
    yield stage
    with replacing(path) as partial:
        stage.GetRootLayer().Export(str(partial))


def create_stage(file_path: str | Path, up_axis: str = "Y") -> Any:
    """A new, empty stage of a file, with ``/World``; ``stage.Save()`` writes it. ``up_axis`` is "Y" or "Z"."""
    op = "create_stage"
    modules = pxr(op)
    path = usd_path(op, "file_path", file_path)
    check_axis(op, up_axis)
    known = modules.Sdf.Layer.Find(str(path))
    if known:
        known.Clear()
        stage = modules.Usd.Stage.Open(known)
    else:
        stage = modules.Usd.Stage.CreateNew(str(path))
    stage.SetDefaultPrim(stage.DefinePrim("/World", "Xform"))
    modules.UsdGeom.SetStageUpAxis(stage, up_axis)
    return stage


def check_axis(op: str, up_axis: str) -> None:
    if up_axis not in ("Y", "Z"):
        raise ValueError(f"{op}: up_axis must be 'Y' or 'Z', got {up_axis!r}")


def check_scene_path(op: str, name: str, path: Any) -> str:
    """An absolute path of a prim."""
    if not pxr(op).Sdf.Path.IsValidPathString(str(path)) or not str(path).startswith("/"):
        raise ValueError(f"{op}: {name} must be an absolute path of USD, as '/World/mesh_0', got {path!r}")
    return str(path)


def get_scene_paths(
    file_path_or_stage: Any,
    scene_path_regex: str | None = None,
    prim_types: str | Sequence[str] | None = None,
    conditional: Callable[[Any], bool] = lambda prim: True,
) -> list[Any]:
    """The paths of what is on a stage: of these types ("Mesh"), whose path matches from its beginning, and of which ``conditional(prim)`` is true."""
    op = "get_scene_paths"
    stage = stage_of(op, file_path_or_stage)
    types = [prim_types] if isinstance(prim_types, str) else prim_types
    pattern = re.compile(scene_path_regex or "")
    return [
        prim.GetPath()
        for prim in stage.Traverse()
        if pattern.match(str(prim.GetPath())) and (types is None or prim.GetTypeName() in types) and conditional(prim)
    ]


def get_authored_time_samples(file_path_or_stage: Any) -> list[float]:
    """All times that anything on a stage has a value for, in order."""
    stage = stage_of("get_authored_time_samples", file_path_or_stage)
    return sorted({time for prim in stage.TraverseAll() for attribute in prim.GetAttributes() for time in attribute.GetTimeSamples()})
