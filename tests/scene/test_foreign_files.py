"""Pictures of every kind: as a texture, as a texture of the drop-in and as a view they are the same numbers, by what white is in their own kind.

Plan: files written byte by byte (TIFF, PNM, PNG's transparent colours) or by Pillow, with values that are known; each is read by `pixels`, by `Mesh.load` and,
if it has transparency, by `Views.load`. Then kinds whose white nobody knows, which are refused.
"""

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from taichi_softras import Mesh
from taichi_softras.recover import Views
from taichi_softras.scene import picture_file, pixels

INTEGER, SIGNED, FLOAT = 1, 2, 3  # TIFF's SampleFormat


def tiff(values: np.ndarray, kind: int, white_is_zero: bool = False, packed: bytes | None = None, bits: int = 0) -> bytes:
    """A grey TIFF, little-endian, in one strip; with ``packed``, these are its pixels, of so many bits."""
    height, width = values.shape
    data, bits = packed or values.tobytes(), bits or 8 * values.itemsize
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 0 if white_is_zero else 1, 273: 8, 277: 1, 278: height, 279: len(data), 339: kind}
    entries = b"".join(struct.pack("<HHII", tag, 4 if tag in (256, 257, 273, 278, 279) else 3, 1, value) for tag, value in tags.items())
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def png(depth: int, kind: int, rows: bytes, *chunks: bytes, width: int = 2, height: int = 1) -> bytes:
    """A PNG of the given bit depth and colour type; chunks of a name and its content go before the pixels, ``rows`` with their filter bytes."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    whole = (header, *chunks, b"IDAT" + zlib.compress(rows), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in whole)


def by_pillow(picture: Image.Image, kind: str) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind)
    return content.getvalue()


FIFTHS = np.array([[0.2, 0.6]])
OPAQUE = {  # content, and the grey or colour of its two pixels
    "float": (tiff(FIFTHS.astype("<f4"), FLOAT), [0.2, 0.6]),
    "a little beyond": (tiff(np.array([[-0.05, 1.05]], "<f4"), FLOAT), [0, 1]),
    "PFM": (b"Pf\n2 1\n-1.0\n" + FIFTHS.astype("<f4").tobytes(), [0.2, 0.6]),
    "16 bits, TIFF": (tiff(np.array([[13107, 39321]], "<u2"), INTEGER), [0.2, 0.6]),
    "16 bits, TIFF, zero is white": (tiff(np.array([[52428, 26214]], "<u2"), INTEGER, white_is_zero=True), [0.2, 0.6]),
    "8 bits, TIFF, zero is white": (tiff(np.array([[204, 102]], "u1"), INTEGER, white_is_zero=True), [0.2, 0.6]),
    "float, zero is white": (tiff(1 - FIFTHS.astype("<f4"), FLOAT, white_is_zero=True), [0.2, 0.6]),
    "12 bits, TIFF": (tiff(np.zeros((1, 2)), INTEGER, packed=bytes([0x33, 0x39, 0x99]), bits=12), [0.2, 0.6]),  # 819 and 2457 of 4095
    "16 bits, PNG": (png(16, 0, b"\0" + struct.pack(">HH", 13107, 39321)), [0.2, 0.6]),
    "16 bits, PGM": (b"P5\n2 1\n65535\n" + struct.pack(">HH", 13107, 39321), [0.2, 0.6]),
    "10 bits, PGM": (b"P5\n2 1\n1000\n" + struct.pack(">HH", 200, 600), [0.2, 0.6]),
    "16 bits, colour": (png(16, 2, b"\0" + struct.pack(">6H", *[13107] * 3, 0, 39321, 65535)), [[0.2] * 3, [0, 0.6, 1]]),
    "8 bits": (png(8, 0, b"\0\x33\x99"), [0.2, 0.6]),
    "4 bits": (png(4, 0, b"\0\x39"), [0.2, 0.6]),
    "1 bit": (png(1, 0, b"\0\x40"), [0, 1]),
    "palette": (png(8, 3, b"\0\1\0", b"PLTE" + bytes([0, 153, 255, 51, 51, 51])), [[0.2] * 3, [0, 0.6, 1]]),
    "CMYK": (by_pillow(Image.frombytes("CMYK", (2, 1), bytes([204, 204, 204, 0, 255, 102, 0, 0])), "TIFF"), [[0.2] * 3, [0, 0.6, 1]]),
}
TRANSPARENT = {
    "RGBA": (png(8, 6, b"\0" + bytes([51, 102, 153, 204, 255, 0, 0, 0])), [[0.2, 0.4, 0.6, 0.8], [1, 0, 0, 0]]),
    "LA": (png(8, 4, b"\0" + bytes([51, 204, 255, 0])), [[0.2, 0.2, 0.2, 0.8], [1, 1, 1, 0]]),
    "16 bits": (png(16, 6, b"\0" + struct.pack(">8H", *[13107] * 3, 52428, *[65535] * 3, 0)), [[0.2, 0.2, 0.2, 0.8], [1, 1, 1, 0]]),
    "a palette with alpha": (
        png(8, 3, b"\0\0\1", b"PLTE" + bytes([51, 102, 153, 255, 0, 0]), b"tRNS" + bytes([204, 0])),
        [[0.2, 0.4, 0.6, 0.8], [1, 0, 0, 0]],
    ),
    "a transparent grey": (png(8, 0, b"\0\x33\xff", b"tRNS" + struct.pack(">H", 255)), [[0.2, 0.2, 0.2, 1], [1, 1, 1, 0]]),
    "a transparent grey of 16 bits": (
        png(16, 0, b"\0" + struct.pack(">HH", 13107, 65535), b"tRNS" + struct.pack(">H", 65535)),
        [[0.2, 0.2, 0.2, 1], [1, 1, 1, 0]],
    ),
    "a transparent colour": (png(8, 2, b"\0" + bytes([51] * 3 + [255, 0, 0]), b"tRNS" + struct.pack(">3H", 255, 0, 0)), [[0.2, 0.2, 0.2, 1], [1, 0, 0, 0]]),
}
ALL = OPAQUE | TRANSPARENT
REFUSED = {
    "integers of 32 bits": (tiff(np.array([[1, 2]], "<i4"), SIGNED), "must have 8 or 16 bits a channel, or floats, got integers of 32 bits in"),
    "floats up to 255": (tiff(np.array([[0, 255]], "<f4"), FLOAT), "must have numbers from 0 to 1 where they are floats, got 0 to 255 in"),
    "floats that are NaN": (tiff(np.array([[0, np.nan]], "<f4"), FLOAT), "must have numbers from 0 to 1 where they are floats, got nan to nan in"),
    "doubles": (tiff(FIFTHS.astype("<f8"), FLOAT), "must be a picture in BMP, .*, got t.png"),
    "floats that end early": (tiff(np.zeros((40, 40), "<f4"), FLOAT)[:900], "must be a (readable )?picture"),
}


def expected(values: list) -> np.ndarray:
    """[1, 2, 3 or 4], of greys or colours."""
    values = np.array(values, float)
    return np.repeat(values[None, :, None], 3, axis=2) if values.ndim == 1 else values[None]


def texture_of(folder, content: bytes) -> np.ndarray:
    (folder / "t.png").write_bytes(content)
    (folder / "m.mtl").write_text("newmtl m\nmap_Kd t.png\n")
    (folder / "m.obj").write_text("mtllib m.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\n")
    return Mesh.load(folder / "m.obj").texture


def view_of(folder, content: bytes) -> np.ndarray:
    (folder / "a.png").write_bytes(content)
    (folder / "transforms.json").write_text(json.dumps({"fl_x": 2.0, "frames": [{"file_path": "a.png", "transform_matrix": np.eye(4).tolist()}]}))
    views = Views.load(folder)
    return np.concatenate([views.color[0], views.alpha[0][..., None]], -1)


@pytest.mark.parametrize("name", ALL)
class TestRead:
    def test_pixels(self, tmp_path, name):
        content, values = ALL[name]
        (tmp_path / "t").write_bytes(content)
        for mode, n in ((None, expected(values).shape[-1]), ("RGB", 3), ("RGBA", 4)):
            with picture_file("load", tmp_path / "t", "t") as picture:
                found = pixels("load", "t", picture, mode)
            assert (found.dtype, found.shape) == (np.float32, (1, 2, n))
            np.testing.assert_allclose(found[..., :3], expected(values)[..., :3], atol=1e-6)
            if n == 4:
                np.testing.assert_allclose(found[..., 3], expected(values)[..., 3] if name in TRANSPARENT else 1.0, atol=1e-6)

    def test_as_a_texture(self, tmp_path, name):
        np.testing.assert_allclose(texture_of(tmp_path, ALL[name][0]), expected(ALL[name][1]), atol=1e-6)

    def test_as_a_view(self, tmp_path, name):
        content, values = ALL[name]
        if name in TRANSPARENT:
            np.testing.assert_allclose(view_of(tmp_path, content), expected(values), atol=1e-6)
        else:
            with pytest.raises(ValueError, match="must have an alpha channel"):
                view_of(tmp_path, content)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    content, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=rf"^Mesh.load: the texture of .*m.obj {sentence}"):
        texture_of(tmp_path, content)
