"""Materials of one name are one."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ...checks import check_shape
from ..checks import check_integers

__all__ = ["group_materials_by_name", "name_of"]


def name_of(material: Any) -> str:
    """What a material is called: by its ``material_name``, of a dict or of an object; "" if it has none."""
    name = material.get("material_name") if isinstance(material, Mapping) else getattr(material, "material_name", None)
    return name or ""


def group_materials_by_name(
    materials_list: Sequence[Any], material_assignments: torch.Tensor | None
) -> tuple[list[Any], torch.Tensor | None]:  # fmt: skip
    """(materials, assignments): the first of each name, sorted by name, then those without a name, which stay apart; and [F] the new number of each face.

    A face without a material (-1) stays without.
    """
    first = list({name_of(material) or i: i for i, material in reversed(list(enumerate(materials_list)))}.values())
    first.sort(key=lambda i: (not name_of(materials_list[i]), name_of(materials_list[i]), i))
    kept = [materials_list[i] for i in first]
    if material_assignments is None:
        return kept, None
    by_name = {name_of(material): number for number, material in enumerate(kept)}
    numbers = [first.index(i) if not name_of(m) else by_name[name_of(m)] for i, m in enumerate(materials_list)]
    check_integers("group_materials_by_name", "material_assignments", material_assignments)
    check_shape("group_materials_by_name", "material_assignments", material_assignments.shape, ("F",))
    table = material_assignments.new_tensor([*numbers, -1])
    low, high = (int(value) for value in torch.aminmax(material_assignments)) if material_assignments.numel() else (-1, -1)
    if low < -1 or high >= len(numbers):
        raise ValueError(f"group_materials_by_name: material_assignments must be -1, or number materials 0 to {len(numbers) - 1}, got {low} to {high}")
    return kept, table[material_assignments.long()]
