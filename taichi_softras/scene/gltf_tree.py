"""A file of glTF 2.0 as it lies there: its JSON, buffers, arrays and pictures, each looked at before it is followed. What they mean, `gltf_files` says.

Numbers in parentheses are sections of the specification (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html). Nothing is allocated that the file
does not back with bytes of its own, up to the limits below; see also `foreign_files`.
"""

import base64
import io
import json
import math
import reprlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import numpy as np

from .contents import texture_subject
from .foreign_files import MAX_PIXELS, NamedFiles, file_near, picture_file, pixels

__all__ = [
    "BINARY_CHUNK",
    "DRACO",
    "DTYPES",
    "GENERATOR",
    "JSON_CHUNK",
    "SIZES",
    "SPECULAR",
    "TRANSFORM",
    "WEBP",
    "GltfFile",
    "draco_library",
    "entry_of",
    "extension_of",
    "floats_of",
    "list_of",
    "meant",
    "object_of",
    "whole_of",
]

MAX_PLACEHOLDERS = 1 << 28  # bytes of arrays that have no data
MAX_LENGTH = 1 << 50  # of anything that a file counts
DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}  # 3.6.2.2
SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
GENERATOR = "taichi_softras"
DRACO = "KHR_draco_mesh_compression"
SPECULAR = "KHR_materials_pbrSpecularGlossiness"
TRANSFORM = "KHR_texture_transform"
WEBP = "EXT_texture_webp"
EXTENSIONS = (DRACO, SPECULAR, TRANSFORM, WEBP, "KHR_materials_unlit", "KHR_mesh_quantization")  # that a file may require
JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942  # 4.4.3


# What JSON says, looked at


def entry_of(tree: dict[str, Any], key: str, index: Any) -> dict[str, Any]:
    """An object of a list at the top of the file."""
    entries = tree.get(key, [])
    n = len(entries) if isinstance(entries, list) else 0
    if type(index) is not int or not 0 <= index < n:
        raise ValueError(f"{key}[{reprlib.repr(index)}], where there are {n} {key}")
    return object_of(entries[index], f"{key}[{index}]")


def object_of(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{reprlib.repr(value)} for {what}")
    return value


def list_of(owner: dict[str, Any], key: str, what: str) -> list[Any]:
    value = owner.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"{reprlib.repr(value)} for {what}.{key}")
    return value


def extension_of(owner: dict[str, Any], name: str) -> dict[str, Any] | None:
    extensions = object_of(owner.get("extensions", {}), "extensions")
    return object_of(extensions[name], name) if name in extensions else None


def whole_of(owner: dict[str, Any], key: str, what: str, default: int | None = None, least: int = 0) -> int:
    value = owner.get(key, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not least <= value <= MAX_LENGTH:
        raise ValueError(f"{reprlib.repr(value)} for {what}.{key}")
    return value


def floats_of(owner: dict[str, Any], key: str, what: str, default: list[float]) -> np.ndarray:
    """float64, as many as the default has, and finite."""
    value = owner.get(key, default)
    good = isinstance(value, list) and len(value) == len(default) and all(type(one) in (int, float) and math.isfinite(one) for one in value)
    if not good:
        raise ValueError(f"{reprlib.repr(value)} for {what}.{key}")
    return np.array(value, np.float64)


# The file and its arrays


class GltfFile:
    """The tree of a file, its buffers and its pictures, each looked at when it is asked for.

    Attributes:
        is_ours: whether `write_glb` has written it.
        warnings: what the user should hear of.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._binary: memoryview | None = None
        self._buffers: dict[int, memoryview] = {}
        self._pictures: dict[int, np.ndarray | None] = {}
        self._n_placeholder_bytes = 0
        self._n_pixels = 0
        content = path.read_bytes()
        text = self._chunks(memoryview(content)) if content[:4] == b"glTF" or path.suffix.lower() == ".glb" else memoryview(content)
        self.tree = object_of(json.loads(bytes(text).decode("utf-8-sig", errors="replace")), "the file")
        asset = object_of(self.tree.get("asset", {}), "asset")
        for version in (asset.get("minVersion", "2.0"), asset.get("version", "2.0")):  # 3.2
            if not str(version).startswith("2."):
                raise ValueError(f"glTF version {reprlib.repr(version)}, where 2 is read")
        self.is_ours = str(asset.get("generator", "")).startswith(GENERATOR)
        for name in list_of(self.tree, "extensionsRequired", "the file"):
            if name not in EXTENSIONS:
                raise ValueError(f"one that needs the extension {name if isinstance(name, str) else reprlib.repr(name)}, which is not read")
            if name == DRACO:
                draco_library()

    def _chunks(self, content: memoryview) -> memoryview:
        """The text of a GLB file; its binary chunk is kept (4.4)."""
        magic, version, length = (int.from_bytes(content[at : at + 4], "little") for at in (0, 4, 8))
        if len(content) < 20 or magic != 0x46546C67:
            raise ValueError("what does not begin as a GLB file")
        if version != 2:
            raise ValueError(f"GLB version {version}, where 2 is read")
        if length > len(content):
            raise ValueError(f"{len(content)} bytes of {length}")
        at = 12
        chunks: list[tuple[int, memoryview]] = []
        while at + 8 <= length and len(chunks) < 2:  # what comes then is of extensions
            n, kind = (int.from_bytes(content[i : i + 4], "little") for i in (at, at + 4))
            if at + 8 + n > length:
                raise ValueError(f"a chunk of {n} bytes, where {length - at - 8} are left")
            chunks.append((kind, content[at + 8 : at + 8 + n]))
            at += 8 + n
        if not chunks or chunks[0][0] != JSON_CHUNK:
            raise ValueError("a GLB file that does not begin with its JSON")
        if len(chunks) > 1 and chunks[1][0] == BINARY_CHUNK:
            self._binary = chunks[1][1]
        return chunks[0][1]

    def near(self, uri: str) -> Path | None:
        """The file of a URI, which has other signs than letters percent-encoded (3.6.1.1); or, as some write it, has not."""
        subject = f"Mesh.load: what {self.path} names"
        return file_near(subject, self.path, unquote(uri)) or file_near(subject, self.path, uri)

    def buffer(self, index: Any) -> memoryview:
        entry = entry_of(self.tree, "buffers", index)
        if index not in self._buffers:
            self._buffers[index] = self._buffer(entry, index)
        return self._buffers[index]

    def _buffer(self, entry: dict[str, Any], index: int) -> memoryview:
        name, uri = f"buffers[{index}]", entry.get("uri")
        if uri is None:
            if index or self._binary is None:
                raise ValueError(f"{name} without data")
            content = self._binary
        elif not isinstance(uri, str):
            raise ValueError(f"{reprlib.repr(uri)} for {name}.uri")
        elif uri.startswith("data:"):
            content = memoryview(_data_of(uri))
        elif (found := self.near(uri)) is not None:
            content = memoryview(found.read_bytes())
        else:
            raise ValueError(f"no file {reprlib.repr(uri)}, which {name} names")
        n = whole_of(entry, "byteLength", name)
        if n > len(content):
            raise ValueError(f"{name} of {len(content)} bytes, where it says {n}")
        return content[:n]

    def view(self, index: Any) -> memoryview:
        """The bytes of a bufferView (3.6.1.2)."""
        entry, name = entry_of(self.tree, "bufferViews", index), f"bufferViews[{index}]"
        buffer = self.buffer(entry.get("buffer"))
        at, n = whole_of(entry, "byteOffset", name, 0), whole_of(entry, "byteLength", name)
        if at + n > len(buffer):
            raise ValueError(f"{name} that ends at {at + n} of {len(buffer)} bytes")
        return buffer[at : at + n]

    def _rows(self, place: dict[str, Any], what: str, n_rows: int, n_columns: int, dtype: Any) -> np.ndarray:
        """[n_rows, n_columns] of a bufferView, not copied."""
        index, at = place.get("bufferView"), whole_of(place, "byteOffset", what, 0)
        view, row = self.view(index), n_columns * dtype.itemsize
        stride = whole_of(entry_of(self.tree, "bufferViews", index), "byteStride", f"bufferViews[{index}]", row, least=row)
        if at + (n_rows - 1) * stride + row > len(view):
            raise ValueError(f"{what} that ends at {at + (n_rows - 1) * stride + row} of the {len(view)} bytes of bufferViews[{index}]")
        return np.ndarray((n_rows, n_columns), dtype, view, at, (stride, dtype.itemsize))

    def count(self, index: Any) -> int:
        return whole_of(entry_of(self.tree, "accessors", index), "count", f"accessors[{index}]", least=1)

    def array(self, index: Any, what: str, types: tuple[str, ...], kinds: str = "iuf") -> np.ndarray:
        """[count, numbers] of an accessor as they stand in the file (3.6.2), sparse ones put into their places."""
        accessor, name = entry_of(self.tree, "accessors", index), f"accessors[{index}]"
        n, kind, dtype = self.count(index), accessor.get("type"), _dtype(accessor, name)
        if kind not in types or dtype.kind not in kinds:
            raise ValueError(f"{name} of type {reprlib.repr(kind)} and {dtype.name}, which is no {what}")
        if "bufferView" in accessor:
            rows = self._rows(accessor, name, n, SIZES[kind], dtype)
        else:
            self._n_placeholder_bytes += n * SIZES[kind] * dtype.itemsize
            if self._n_placeholder_bytes > MAX_PLACEHOLDERS:
                raise ValueError(f"Mesh.load: {self.path} must have at most 2^28 bytes of arrays without data, got {self._n_placeholder_bytes}")
            rows = np.zeros((n, SIZES[kind]), dtype)
        if "sparse" not in accessor:
            return rows
        sparse, name = object_of(accessor["sparse"], f"{name}.sparse"), f"{name}.sparse"
        n_sparse = whole_of(sparse, "count", name, least=1)
        if n_sparse > n:
            raise ValueError(f"{name} with {n_sparse} of {n} values")
        where, given = (object_of(sparse.get(key), f"{name}.{key}") for key in ("indices", "values"))
        places = self._rows(where, f"{name}.indices", n_sparse, 1, _dtype(where, f"{name}.indices"))[:, 0]
        if places.dtype.kind != "u" or places.max() >= n:
            raise ValueError(f"{name}.indices with {places.max()}, where there are {n} values")
        rows = rows.copy()
        rows[places] = self._rows(given, f"{name}.values", n_sparse, SIZES[kind], dtype)
        return rows

    def is_normalized(self, index: Any) -> bool:
        return entry_of(self.tree, "accessors", index).get("normalized") is True

    def floats(self, index: Any, what: str, types: tuple[str, ...], normalized: bool = False) -> np.ndarray:
        """Those of `array` as they are meant: integers that are normalised are parts of their largest (3.6.2.2)."""
        return meant(self.array(index, what, types), f"accessors[{index}]", normalized or self.is_normalized(index))

    def picture(self, index: int) -> np.ndarray | None:
        """[H, W, 3] or [H, W, 4] in sRGB; None, with a warning, if it is missing."""
        if index not in self._pictures:
            self._pictures[index] = self._picture(index)
        return self._pictures[index]

    def _picture(self, index: int) -> np.ndarray | None:
        image, subject, name = entry_of(self.tree, "images", index), texture_subject(self.path), f"images[{index}]"
        uri, source = image.get("uri"), None  # type: str | None, Any
        if not isinstance(uri, str):
            source = io.BytesIO(self.view(image.get("bufferView")))
        elif uri.startswith("data:"):
            source = io.BytesIO(_data_of(uri))
        else:
            name, source = uri, self.near(uri) or NamedFiles(self.path).find(subject, uri)
        if source is None:
            self.warnings.append(f"there is no picture {uri}, the mesh is without it")
            return None
        with picture_file(subject, source, name) as picture:
            self._n_pixels += picture.width * picture.height
            if self._n_pixels > MAX_PIXELS:
                raise ValueError(f"Mesh.load: {self.path} must have at most 2^28 pixels in all of its textures, got {self._n_pixels}")
            return pixels(subject, name, picture)


def _dtype(owner: dict[str, Any], what: str) -> Any:
    code = whole_of(owner, "componentType", what)
    if code not in DTYPES:
        raise ValueError(f"{code} for {what}.componentType")
    return np.dtype(DTYPES[code])


def _data_of(uri: str) -> bytes:
    """What a data: URI holds (RFC 2397)."""
    head, _, data = uri.partition(",")
    return base64.b64decode(unquote(data)) if head.endswith(";base64") else unquote_to_bytes(data)


def meant(rows: np.ndarray, name: str, normalized: bool) -> np.ndarray:
    if rows.dtype.kind == "f":
        if not np.isfinite(rows).all():
            raise ValueError(f"{name} with a number that is not finite")
        return rows
    values: np.ndarray = rows.astype(np.float64 if rows.dtype.itemsize > 2 else np.float32)
    return np.maximum(values / values.dtype.type(np.iinfo(rows.dtype).max), -1) if normalized else values


def draco_library() -> Any:
    try:
        import DracoPy
    except ImportError as error:
        raise ValueError(f'one that needs the extension {DRACO}, which is read after pip install "taichi_softras[draco]"') from error
    return DracoPy
