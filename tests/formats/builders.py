"""Files of meshes, put together byte by byte: what a format's specification says, and nothing of ours."""

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from taichi_softras import Mesh

CODES = {np.dtype(name): code for name, code in (("i1", 5120), ("u1", 5121), ("<i2", 5122), ("<u2", 5123), ("<u4", 5125), ("<f4", 5126))}
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], "<f4")
TWO_TRIANGLES = np.array([0, 1, 2, 0, 2, 3], "<u2")
UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], "<f4")  # v runs down in glTF: the square shows the picture upright
LETTERS = {"char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I", "float": "f", "double": "d"}
LETTERS |= {"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f", "float64": "d"}


class Gltf:
    """A file that is put together byte by byte: a scene of one node with one mesh, until it is told otherwise."""

    def __init__(self, **tree: Any) -> None:
        self.binary = b""
        self.tree: dict[str, Any] = {"asset": {"version": "2.0"}, "bufferViews": [], "accessors": [], "meshes": [{"primitives": []}]}
        self.tree |= {"nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}], "scene": 0} | tree

    def view(self, content: bytes, **more: int) -> int:
        self.tree["bufferViews"].append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(content)} | more)
        self.binary += content + bytes(-len(content) % 4)
        return len(self.tree["bufferViews"]) - 1

    def array(self, rows: Any, **more: Any) -> int:
        """An accessor: of an array, or of a count (without data), with what ``more`` says of it."""
        rows = np.asarray(rows)
        rows = rows.reshape(len(rows), -1)
        entry = {"bufferView": self.view(rows.tobytes()), "componentType": CODES[rows.dtype], "count": len(rows), "type": TYPES[rows.shape[1]]}
        return self.accessor({key: value for key, value in (entry | more).items() if value is not None})

    def accessor(self, entry: dict[str, Any]) -> int:
        self.tree["accessors"].append(entry)
        return len(self.tree["accessors"]) - 1

    def primitive(self, indices: Any = TWO_TRIANGLES, mesh: int = 0, targets: Any = None, **given: Any) -> "Gltf":
        """Attributes in capitals, as arrays or as accessors; of the rest, what the specification calls it."""
        attributes = {key: value if isinstance(value, int) else self.array(value) for key, value in given.items() if key.isupper()}
        attributes = {"POSITION": self.array(SQUARE)} | attributes if "POSITION" not in attributes else attributes
        entry = {"attributes": attributes} | {key: value for key, value in given.items() if not key.isupper()}
        if indices is not None:
            entry["indices"] = indices if isinstance(indices, int) else self.array(indices)
        if targets is not None:
            entry["targets"] = [{key: self.array(value) for key, value in target.items()} for target in targets]
        while len(self.tree["meshes"]) <= mesh:
            self.tree["meshes"].append({"primitives": []})
        self.tree["meshes"][mesh]["primitives"].append(entry)
        return self

    def material(self, factor: Any = None, picture: Any = None, **info: Any) -> int:
        """Its base colour: a factor, a picture (pixels, or an image of the tree), and what is said of the texture."""
        base: dict[str, Any] = {} if factor is None else {"baseColorFactor": factor}
        if picture is not None:
            self.tree.setdefault("images", []).append(
                picture if isinstance(picture, dict) else {"bufferView": self.view(png(picture)), "mimeType": "image/png"}
            )
            self.tree.setdefault("textures", []).append({"source": len(self.tree["images"]) - 1})
            base["baseColorTexture"] = {"index": len(self.tree["textures"]) - 1} | info
        self.tree.setdefault("materials", []).append({"pbrMetallicRoughness": base})
        return len(self.tree["materials"]) - 1

    def save(self, path: Path, chunks: tuple[tuple[bytes, bytes], ...] = ()) -> Path:
        """As GLB, or as glTF with a data: URI."""
        buffer: dict[str, Any] = {"byteLength": len(self.binary)}
        if path.suffix == ".gltf":
            buffer["uri"] = "data:application/octet-stream;base64," + base64.b64encode(self.binary).decode()
            path.write_text(json.dumps({"buffers": [buffer]} | self.tree))
            return path
        text = json.dumps({"buffers": [buffer]} | self.tree).encode()
        body = b""
        for kind, content in ((b"JSON", text + b" " * (-len(text) % 4)), (b"BIN\0", self.binary), *chunks):
            body += struct.pack("<I4s", len(content), kind) + content
        path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
        return path

    def load(self, folder: Path, name: str = "m.glb") -> Mesh:
        return Mesh.load(self.save(folder / name))


def png(pixels: Any, form: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(content, form, **options)
    return content.getvalue()


def ply(kind: str, *elements: tuple[str, list[str], list[list]], comments: tuple[str, ...] = (), newline: str = "\n") -> bytes:
    """A file. Elements are (name, properties such as "float x" or "list uchar int vertex_indices", rows in which a list is a list)."""
    header = ["ply", f"format {kind} 1.0", *comments]
    body = b""
    for name, properties, rows in elements:
        header += [f"element {name} {len(rows)}", *(f"property {one}" for one in properties)]
        for row in rows:
            text, binary = [], b""
            for one, value in zip(properties, row, strict=True):
                *_, length, item, _ = ["", *one.split()]
                order = "<" if kind.endswith("little_endian") else ">"
                values = value if one.startswith("list") else [value]
                text += [str(len(values))] if one.startswith("list") else []
                text += [repr(single) if isinstance(single, float) else str(single) for single in values]
                if kind != "ascii":
                    binary += struct.pack(order + LETTERS[length], len(values)) if one.startswith("list") else b""
                    binary += struct.pack(order + LETTERS[item] * len(values), *values)
            body += binary if kind != "ascii" else (" ".join(text) + newline).encode()
    return (newline.join([*header, "end_header"]) + newline).encode() + body
