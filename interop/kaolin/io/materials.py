"""Kaolin's ``kaolin.io.materials``: what may go wrong with materials, and which face has which."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..materials_by_name import group_materials_by_name

__all__ = [
    "MaterialError",
    "MaterialFileError",
    "MaterialLoadError",
    "MaterialNotFoundError",
    "MaterialNotSupportedError",
    "MaterialWriteError",
    "group_materials_by_name",
    "process_materials_and_assignments",
]


class MaterialError(Exception):
    """Something with a material."""


class MaterialNotSupportedError(MaterialError):
    """It is of a kind that is not known."""


class MaterialLoadError(MaterialError):
    """What its file says cannot be read: a picture that is missing, say."""


class MaterialWriteError(MaterialError):
    """It cannot be written."""


class MaterialFileError(MaterialError):
    """Its file cannot be opened."""


class MaterialNotFoundError(MaterialError):
    """Faces have it, and no file does."""


def process_materials_and_assignments(
    materials_dict: dict[str, Any],
    material_assignments_dict: dict[str, torch.Tensor],
    error_handler: Callable[..., Any],
    num_faces: int,
    error_context_str: str = "",
) -> tuple[list[Any], torch.Tensor]:
    """(materials sorted by name, [F] int16 the number of each face's material, -1 of none).

    Args:
        materials_dict: by name.
        material_assignments_dict: by name, either [N] numbers of faces, or [N, 2], ranges of faces from the first to before the second.
        error_handler: asked with a `MaterialNotFoundError` about a name that no material has; what it returns, if it does, is the material.
        num_faces: F.
        error_context_str: ends the sentence of an error.
    """
    op = "process_materials_and_assignments"
    known = dict(materials_dict)
    for name in material_assignments_dict:
        if name not in known:
            made = error_handler(MaterialNotFoundError(f"{op}: there is no material {name!r}, which faces have. {error_context_str}".rstrip()))
            if isinstance(made, dict):
                made["material_name"] = name
            elif made is not None:
                made.material_name = name
            if made is not None:
                known[name] = made
    names = sorted(known)
    assignments = torch.full((num_faces,), -1, dtype=torch.int16)
    for name, faces in material_assignments_dict.items():
        if name not in known:
            continue
        if faces.ndim == 2 and faces.shape[1] == 2:
            faces = torch.cat([torch.arange(int(begin), int(end)) for begin, end in faces])
        if faces.ndim != 1:
            raise ValueError(f"{op}: the faces of material {name!r} must have shape (N) or (N, 2), got {tuple(faces.shape)}")
        if len(faces) and not 0 <= int(faces.min()) <= int(faces.max()) < num_faces:
            raise ValueError(f"{op}: the faces of material {name!r} must be 0 to {num_faces - 1}, got {int(faces.min())} to {int(faces.max())}")
        assignments[faces.long()] = names.index(name)
    return [known[name] for name in names], assignments


def is_handler(op: str, name: str, handler: object) -> None:
    """TypeError for what cannot be called."""
    if handler is not None and not callable(handler):
        raise TypeError(f"{op}: {name} must be a function, got {type(handler).__name__}")


def lower_keys(material: Mapping[str, Any]) -> dict[str, Any]:
    """By names in small letters: files write them in any."""
    return {key.lower(): value for key, value in material.items()}
