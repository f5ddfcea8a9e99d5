"""Every public name of the packages that drop-ins take the place of: there, or not there and why. Printed into the coming-from pages.

    python -m tests.drop_in_names  # writes the sections of docs/coming_from_kaolin.md and docs/coming_from_pytorch3d.md

The names are in ``kaolin.txt`` and ``pytorch3d.txt`` (see `listing`). A name is there if our modules have it under the same path, and it does more than raise.
What is left out on purpose says so when it is called; what is not there at all must have a reason here.
"""

import ast
import importlib
import inspect
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taichi_softras.interop.left_out import LeftOut

__all__ = ["PACKAGES", "REASONS", "Module", "looked_up", "reason_for", "section", "with_section", "without_reason"]

HERE = Path(__file__).parent
PACKAGES = {"kaolin": "Kaolin 0.18", "pytorch3d": "PyTorch3D 0.7.9"}

REASONS = {  # by how a name begins: the longest beginning counts
    "kaolin.io.materials.PBRMaterial": "it only raises in Kaolin, too: it is `render.materials.PBRMaterial`",
    "kaolin.io.usd": "meshes and their materials are written and read; the rest stays with Kaolin",
    "kaolin.render.lighting.sg.SgLightingParameters.from_environment_map": "it only raises in Kaolin, too",
    "kaolin.render.lighting.sg.UnbatchedReducedSgInnerProduct": "inside: torch differentiates the function",
    "kaolin.render.materials.PBRMaterial.read_from_usd": "it only raises in Kaolin, too",
    "kaolin.render.materials.PBRMaterial.write_to_usd": "it only raises in Kaolin, too",
    "kaolin.render.materials.random_material": "of Kaolin's own tests",
    "kaolin.render.mesh.deftet.DeftetSparseRenderer": "inside: torch differentiates the function",
    "kaolin.render.mesh.dibr.DibrSoftMaskCuda": "inside: the kernels are Taichi's",
    "kaolin.render.mesh.rasterization.RasterizeCuda": "inside: the kernels are Taichi's",
    "kaolin.rep.tensor_container.TensorContainerBase.check_other_attribute": "it is for a class of one's own to be defined",
    "kaolin.utils.testing": "of Kaolin's own tests",
    "pytorch3d.common": "inside: not for users",
    "pytorch3d.io.experimental_gltf_io": "inside: glTF is read and written by `IO`",
    "pytorch3d.io.pluggable_formats.MeshFormatInterpreter": "abstract in PyTorch3D, too",
    "pytorch3d.io.pluggable_formats.PointcloudFormatInterpreter": "abstract in PyTorch3D, too",
    "pytorch3d.io.ply_io.PointcloudPlyFormat": "this stand-in has the mesh half of PyTorch3D, without points",
    "pytorch3d.ops.interp_face_attrs.interpolate_face_attributes_python": "the yardstick of PyTorch3D's own tests",
    "pytorch3d.ops.subdivide_meshes.SubdivideMeshes": "inside: call the module",
    "pytorch3d.renderer.cameras.CamerasBase": "abstract in PyTorch3D, too",
    "pytorch3d.renderer.mesh.ClipFrustum": "inside: the rasteriser clips by itself",
    "pytorch3d.renderer.mesh.ClippedFaces": "inside: the rasteriser clips by itself",
    "pytorch3d.renderer.mesh.clip": "inside: the rasteriser clips by itself",
    "pytorch3d.renderer.mesh.convert_clipped_rasterization_to_original_faces": "inside: the rasteriser clips by itself",
    "pytorch3d.renderer.mesh.rasterize_meshes": "inside: the kernels are Taichi's",
    "pytorch3d.renderer.mesh.textures.TexturesBase": "abstract in PyTorch3D, too",
    "pytorch3d.structures.pointclouds": "this stand-in has the mesh half of PyTorch3D: of points what its losses take",
}

RAISES = "it only raises"
BEGIN, END = "<!-- names: python -m tests.drop_in_names -->", "<!-- end of names -->"


@dataclass
class Module:
    """One module of the original: its names that are there, with (there, all) of their methods; and why the others are not."""

    name: str
    there: dict[str, tuple[int, int]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # by name, or Class.method


def looked_up(package: str) -> list[Module]:
    """What comes of each line of the list."""
    lines = [line.split(": ") for line in (HERE / f"{package}.txt").read_text(encoding="utf-8").splitlines()]
    modules: dict[str, Module] = {}
    for path, words in lines:
        names = words.split()
        if path.startswith("class "):
            owner, _, own = path.removeprefix("class ").rpartition(".")
            _look_at_methods(modules[owner], own, names)
            continue
        module = modules[path] = Module(path)
        for name in names:
            thing = _found(path, name)
            why = "" if thing is None else left_out(thing)
            if thing is not None and why is None:
                module.there[name] = (0, 0)
            else:
                module.missing[name] = reason_for(f"{path}.{name}") or ("" if why == RAISES else why)
    return list(modules.values())


def _look_at_methods(module: Module, name: str, methods: list[str]) -> None:
    if name in module.missing:
        return
    thing = _found(module.name, name)
    lacking = {}
    for method in methods:
        there = inspect.getattr_static(thing, method, None) if hasattr(thing, method) else None
        why = "" if there is None else left_out(there)
        if why is not None:
            lacking[f"{name}.{method}"] = reason_for(f"{module.name}.{name}.{method}") or ("" if why == RAISES else why)
    module.there[name] = (len(methods) - len(lacking), len(methods))
    module.missing |= lacking


def _found(path: str, name: str) -> Any:
    """What stands under a name of ours, or None."""
    try:
        module = importlib.import_module(f"taichi_softras.interop.{path}")
    except ModuleNotFoundError:
        return None
    return getattr(module, name, None)


def left_out(thing: Any) -> str | None:
    """Why a name says that it is not there, when it is called; None of one that is there."""
    if not isinstance(thing, LeftOut):
        return RAISES if only_raises(thing) else None
    return thing.sentence.partition(": it is not in this drop-in: ")[2]


def only_raises(thing: Any) -> bool:
    """Whether a function does nothing else, but for its docstring."""
    function = inspect.unwrap(getattr(thing, "__func__", getattr(thing, "fget", thing)) or thing)
    if not inspect.isfunction(function):
        return False
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError, ValueError):  # made by a dataclass, or a lambda
        return False
    body = getattr(node, "body", None)
    body = [inner for inner in body if not (isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant))] if isinstance(body, list) else []
    if len(body) != 1 or not isinstance(body[0], ast.Raise):
        return False
    return not (isinstance(body[0].exc, ast.Name) and body[0].exc.id in inspect.signature(function).parameters)  # what it was given: that is its work


def reason_for(name: str) -> str:
    """Of the longest beginning that is known; "" of a name without a reason."""
    known = [beginning for beginning in REASONS if name.startswith(beginning)]
    return REASONS[max(known, key=len)] if known else ""


def without_reason(package: str) -> list[str]:
    """The names that are not there, and nobody says why."""
    return [f"{module.name}.{name}" for module in looked_up(package) for name, why in module.missing.items() if not why]


def section(package: str) -> str:
    """The section of a page: a row for each module that has something of it, and what is left out as a whole, by its reason."""
    modules = looked_up(package)
    partly = [module for module in modules if module.there]
    whole = [module for module in modules if not module.there]
    n_there = sum(len(module.there) for module in modules)
    n_names = n_there + sum(sum("." not in name for name in module.missing) for module in modules)
    n_methods, n_all = (sum(methods[k] for module in modules for methods in module.there.values()) for k in (0, 1))
    lines = [
        f"Of {n_names:,} public names in {len(modules)} modules of {PACKAGES[package]}, {n_there} are there; of their classes, {n_methods} of {n_all} methods.",
        "A name that only raises is not counted. (`python -m tests.drop_in_names` writes this, from the modules themselves.)",
        "",
        "| module | there | not there |",
        "|---|---|---|",
    ]
    for module in partly:
        there = ", ".join(f"`{name}`" + (f" ({m} of {n} methods)" if m < n else "") for name, (m, n) in module.there.items())
        lines.append(f"| `{module.name.removeprefix(package + '.')}` | {there} | {_grouped(module.missing)} |")
    lines += ["", "Left out as a whole:", ""]
    reasons: dict[str, list[Module]] = {}
    for module in whole:
        reasons.setdefault(next(iter(module.missing.values())), []).append(module)
    for why, several in reasons.items():
        told = ", ".join(f"`{module.name.removeprefix(package + '.')}` ({len(module.missing)})" for module in several)
        lines.append(f"* {told}: {why or '?'}")
    return "\n".join(lines)


def _grouped(missing: dict[str, str]) -> str:
    """Names by their reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in missing.items():
        by_reason.setdefault(why or "?", []).append(f"`{name}`")
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in by_reason.items())


def with_section(page: str, package: str) -> str:
    """The page, with the section between its two marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page of {package} must have {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{section(package)}\n\n{END}{after}"
