"""The material files of OBJ files, and what they name."""

import contextlib
import re
from dataclasses import dataclass

from ..kernels.texture_image import Wrap
from .foreign_files import NamedFiles, read_text, without_comment

__all__ = ["Material", "material_called", "material_of_map", "read_materials"]

OPTIONS = {"-blendu": 1, "-blendv": 1, "-bm": 1, "-boost": 1, "-cc": 1, "-clamp": 1, "-colorspace": 1, "-imfchan": 1, "-mm": 2, "-texres": 1, "-type": 1}
VECTORS = ("-o", "-s", "-t")  # of one to three numbers


@dataclass(frozen=True)
class Material:
    """What a material says: colour is Kd, ambient Ka, specular Ks, shininess Ns; texture coordinates are multiplied by ``scale``, then moved by ``offset``."""

    color: tuple[float, ...] | None = None
    picture: str | None = None
    wrap: Wrap | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    ambient: tuple[float, ...] | None = None
    specular: tuple[float, ...] | None = None
    shininess: float | None = None


def read_materials(files: NamedFiles, libraries: list[str], op: str = "Mesh.load") -> dict[str, Material]:
    """The materials of an OBJ file by name, with what may be a comment in it and without; a library that is missing has none."""
    found: dict[str, Material] = {}
    for library in dict.fromkeys(libraries):
        subject = f"{op}: the material file of {files.path}"
        whole = files.find(subject, library)
        for place in [whole] if whole is not None else [files.find(subject, name) for name in without_comment(library).split()]:
            if place is not None:
                found |= _materials_of(read_text(subject, place))
    for name, material in list(found.items()):
        found.setdefault(without_comment(name), material)
    return found


def material_called(name: str, materials: dict[str, Material]) -> Material:
    """The one that an OBJ file calls so; one that says nothing if there is none. A ``#`` may be of the name, or begin a comment: the name goes first."""
    return materials.get(name) or materials.get(without_comment(name)) or Material()


def material_of_map(statement: str) -> Material:
    """One of which nothing is known but what stands after ``map_Kd``: the options, and the name of a picture."""
    return Material(**_map(statement))  # type: ignore[arg-type]


def _materials_of(text: str) -> dict[str, Material]:
    found: dict[str, dict[str, object]] = {}
    material: dict[str, object] = {}
    text = "\n".join(text.splitlines())
    text = re.sub(r"(?m)^[ \t]*#.*$", "", text)  # a comment that ends in a backslash does not go on
    for line in text.replace("\\\n", " ").split("\n"):
        keyword, rest = (*line.split(maxsplit=1), "", "")[:2]
        rest = rest.strip()
        match keyword.lower():
            case "newmtl":
                material = found[rest] = {}
            case "kd" | "ka" | "ks" | "ns":
                material |= _numbers(keyword.lower(), without_comment(rest).split())
            case "map_kd":
                material |= _map(rest)
    return {name: Material(**said) for name, said in found.items()}  # type: ignore[arg-type]


def _numbers(keyword: str, words: list[str]) -> dict[str, object]:
    """Three numbers, or one for all three; one of Ns. A spectrum, or what is no number, says nothing."""
    try:
        numbers = tuple(float(word) for word in words[:3])
    except ValueError:
        return {}
    if keyword == "ns":
        return {"shininess": numbers[0]} if numbers else {}
    name = {"kd": "color", "ka": "ambient", "ks": "specular"}[keyword]
    return {name: numbers * (3 // len(numbers))} if len(numbers) in (1, 3) else {}


def _map(statement: str) -> dict[str, object]:
    """The file of a map, which may have spaces, after its options. Of these -clamp, -s and -o are used.

    -t, turbulence, is noise that no reader draws alike; the others say how bright, sharp or blurred the picture is to be.
    """
    said: dict[str, object] = {"wrap": None, "scale": (1.0, 1.0), "offset": (0.0, 0.0)}
    while (option := statement.split(maxsplit=1)[:1]) and ((name := option[0].lower()) in OPTIONS or name in VECTORS):
        statement = statement[len(name) :].lstrip()
        values: list[str] = []
        while len(values) < OPTIONS.get(name, 3) and statement:
            value, rest = (*statement.split(maxsplit=1), "")[:2]
            if name in VECTORS and (not rest or not _is_number(value)):  # what comes last is the file
                break
            values.append(value)
            statement = rest
        numbers = [float(value) for value in values] if name in VECTORS else []
        if name == "-clamp" and values:
            said["wrap"] = Wrap.CLAMP if values[0].lower() == "on" else Wrap.REPEAT
        elif name == "-s":
            said["scale"] = tuple((*numbers, 1.0, 1.0)[:2])
        elif name == "-o":
            said["offset"] = tuple((*numbers, 0.0, 0.0)[:2])
    return said | {"picture": statement or None}


def _is_number(word: str) -> bool:
    with contextlib.suppress(ValueError):
        float(word)
        return True
    return False
