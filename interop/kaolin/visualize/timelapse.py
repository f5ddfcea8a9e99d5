"""Kaolin's ``kaolin.visualize.timelapse``: meshes that change, as USD files with a time line. It needs usd-core, the extra ``usd``."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ....checks import check_integer
from ....scene import as_path
from ..io.usd.materials import write_material
from ..io.usd.mesh import add_mesh as _add_mesh
from ..io.usd.mesh import check_parts
from ..io.usd.utils import get_authored_time_samples, pxr, stage_written
from ..io.utils import TextureExporter
from ..render.materials import PBRMaterial

__all__ = ["Timelapse", "TimelapseParser"]

TYPES = ("mesh", "pointcloud", "voxelgrid")


class Timelapse:
    """Writes ``LOG_DIR/CATEGORY/mesh_0.usd``, ``mesh_1.usd``, ..., one for each mesh of a batch, with what changed at each iteration.

    Args:
        log_dir: a folder, which is made when something is written.
        up_axis: "Y" or "Z".
    """

    def __init__(self, log_dir: str | Path, up_axis: str = "Y") -> None:
        self.logdir = str(as_path("Timelapse", "log_dir", log_dir))
        if up_axis not in ("Y", "Z"):
            raise ValueError(f"Timelapse: up_axis must be 'Y' or 'Z', got {up_axis!r}")
        self.up_axis = up_axis

    def add_mesh_batch(
        self,
        iteration: int = 0,
        category: str = "",
        vertices_list: Sequence[torch.Tensor] | None = None,
        faces_list: Sequence[torch.Tensor] | None = None,
        uvs_list: Sequence[torch.Tensor] | None = None,
        face_uvs_idx_list: Sequence[torch.Tensor] | None = None,
        face_normals_list: Sequence[torch.Tensor] | None = None,
        materials_list: Sequence[Any] | None = None,
    ) -> None:
        """Writes what is given of each mesh at an iteration. What does not change is given once: an attribute keeps the value that it had.

        Args:
            iteration: the time, 0 or more.
            category: a folder within ``log_dir``.
            vertices_list: of each mesh [V, 3]; likewise faces [F, K], uvs [U, 2] (v down), face_uvs_idx [F, K] and face_normals [F, K, 3].
            materials_list: of each mesh a `PBRMaterial`, a list of some, or a dict by name: each is a variant of the mesh's looks. Pictures are written into
                ``LOG_DIR/CATEGORY/textures``.

        Raises:
            RuntimeError: if usd-core is not installed.
        """
        op = "Timelapse.add_mesh_batch"
        modules = pxr(op)
        check_integer(op, "iteration", iteration, 0, 2**31)
        lists = {
            "vertices_list": vertices_list, "faces_list": faces_list, "uvs_list": uvs_list, "face_uvs_idx_list": face_uvs_idx_list,
            "face_normals_list": face_normals_list, "materials_list": materials_list,
        }  # fmt: skip
        lengths = {name: len(given) for name, given in lists.items() if given is not None}
        if not lengths or len(set(lengths.values())) > 1:
            raise ValueError(f"{op}: there must be lists of one length, got {lengths or 'none'}")
        n_meshes = next(iter(lengths.values()))
        meshes = list(zip(*(given or [None] * n_meshes for given in lists.values()), strict=True))
        for vertices, faces, uvs, face_uvs_idx, face_normals, materials in meshes:  # all, before any is written
            check_parts(op, vertices, faces, uvs, face_uvs_idx, face_normals)
            _by_name(op, materials)
        folder = Path(self.logdir) / category
        folder.mkdir(parents=True, exist_ok=True)
        for i, (vertices, faces, uvs, face_uvs_idx, face_normals, materials) in enumerate(meshes):
            with stage_written(op, folder / f"mesh_{i}.usd", self.up_axis) as stage:
                prim = _add_mesh(stage, f"/mesh_{i}", vertices, faces, uvs, face_uvs_idx, face_normals, time=iteration)
                stage.SetDefaultPrim(prim)
                stage.SetEndTimeCode(max(stage.GetEndTimeCode(), iteration))
                variants = prim.GetVariantSets().AddVariantSet("shadingVariant") if materials is not None else None
                for name, material in _by_name(op, materials).items():
                    assert variants is not None
                    variants.AddVariant(name)
                    variants.SetVariantSelection(name)
                    exporter = TextureExporter(folder, "textures", f"mesh_{i}_{name}_{iteration}_")
                    with variants.GetVariantEditContext():
                        write_material(stage, f"/mesh_{i}/{name}", material, exporter, [prim], modules.Usd.TimeCode(iteration))


def _by_name(op: str, materials: Any) -> dict[str, PBRMaterial]:
    """One material, a list or a dict of some; none of None."""
    if materials is None:
        return {}
    several = [materials] if isinstance(materials, PBRMaterial) else materials
    named = dict(several) if isinstance(several, Mapping) else {f"material_{i}": material for i, material in enumerate(several)}
    for name, material in named.items():
        if not isinstance(material, PBRMaterial):
            raise TypeError(f"{op}: materials_list must be PBRMaterials, lists or dicts of some, got {type(material).__name__}")
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise ValueError(f"{op}: materials_list must have names of letters, digits and _, got {name!r}")
    return named


class TimelapseParser:
    """What a `Timelapse` has written into a folder.

    Attributes:
        filepaths: {(type, category, number): path}, the type "mesh", "pointcloud" or "voxelgrid".
        dir_info: {type: [{"category", "ids", "end_time"}, ...]}.
    """

    def __init__(self, log_dir: str | Path) -> None:
        self.logdir = str(as_path("TimelapseParser", "log_dir", log_dir))
        self._look()

    def _look(self) -> None:
        self.filepaths = self.get_filepaths(self.logdir)
        self.timestamps = _times_of(self.filepaths)
        self.dir_info = self.parse_filepath_info(self.filepaths)

    def check_for_updates(self) -> bool:
        """Whether files came or changed since it looked last; it looks again then."""
        if _times_of(self.get_filepaths(self.logdir)) == self.timestamps:
            return False
        self._look()
        return True

    def get_file_path(self, type: str, category: str, id: int) -> str | None:  # noqa: A002
        """The path of one file, or None."""
        return self.filepaths.get((type, category, int(id)))

    def get_category_names_by_type(self, type: str) -> list[str]:  # noqa: A002
        """The categories that have files of a type."""
        return [info["category"] for info in self.dir_info.get(type, [])]

    def get_category_info(self, type: str, category: str) -> dict[str, Any] | None:  # noqa: A002
        """{"category", "ids", "end_time"} of one, or None."""
        return next((info for info in self.dir_info.get(type, []) if info["category"] == category), None)

    def num_mesh_items(self) -> int:
        """How many meshes there are, in all categories."""
        return sum(len(info["ids"]) for info in self.dir_info["mesh"])

    def num_pointcloud_items(self) -> int:
        return sum(len(info["ids"]) for info in self.dir_info["pointcloud"])

    def num_voxelgrid_items(self) -> int:
        return sum(len(info["ids"]) for info in self.dir_info["voxelgrid"])

    def num_mesh_categories(self) -> int:
        return len(self.dir_info["mesh"])

    def num_pointcloud_categories(self) -> int:
        return len(self.dir_info["pointcloud"])

    def num_voxelgrid_categories(self) -> int:
        return len(self.dir_info["voxelgrid"])

    @staticmethod
    def get_filepaths(logdir: str | Path) -> dict[tuple[str, str, int], str]:
        """{(type, category, number): path} of what lies in a folder and below."""
        found = {}
        folder = as_path("TimelapseParser.get_filepaths", "logdir", logdir)
        for path in sorted(folder.rglob("*.usd")):
            name = re.fullmatch(rf"({'|'.join(TYPES)})_(\d+)\.usd", path.name)
            if name:
                category = path.parent.relative_to(folder).as_posix()
                found[name[1], "" if category == "." else category, int(name[2])] = str(path)
        return found

    @staticmethod
    def parse_filepath_info(filepaths: Mapping[tuple[str, str, int], str]) -> dict[str, list[dict[str, Any]]]:
        """Of each type, its categories with the numbers of their files and their last time."""
        found: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in TYPES}
        for (kind, category, number), path in sorted(filepaths.items()):
            info = found[kind].setdefault(category, {"category": category, "ids": [], "end_time": 0})
            info["ids"].append(number)
            info["end_time"] = max([info["end_time"], *get_authored_time_samples(path)[-1:]])
        return {kind: [categories[name] for name in sorted(categories)] for kind, categories in found.items()}


def _times_of(filepaths: Mapping[tuple[str, str, int], str]) -> dict[str, int]:
    return {path: Path(path).stat().st_mtime_ns for path in filepaths.values()}
