"""Whether what we write is the same to readers that are not ours: ``python -m tests.other_readers``, as Markdown. Outside of the suite.

Meshes with colours, a texture, seams, of several materials, and far from the origin are written as GLB, OBJ and PLY and read by three.js (under node, got
by npm into a temporary folder), assimp (``assimp-py``), PyMeshLab (``pymeshlab``) and Blender (``bpy``), each in a process of its own, and each only if it is
there. The greatest differences from the mesh are printed: of positions in parts of its extent, of texture coordinates, and of colours and the texture's pixels
in steps of 8 bits. The program ends with 1 if one is too large, with 2 if no reader was there.

    python -m tests.other_readers --python /tmp/readers/bin/python  # an environment in which they are installed
"""

import argparse
import base64
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from taichi_softras import Mesh

from .formats.builders import Gltf

__all__ = ["main"]

THREE = "three@0.187"
LIMITS = (1e-6, 1e-6, 1.0)  # of positions, texture coordinates, colours

THREE_JS = """
import { readFileSync } from "node:fs";
globalThis.self = globalThis;
globalThis.createImageBitmap = async (blob) => ({ bytes: Buffer.from(await blob.arrayBuffer()).toString("base64"), close() {} });
const THREE = await import("three");
const [path] = process.argv.slice(2);
const content = readFileSync(path);
const out = [];
let scene;
if (path.endsWith(".glb")) {
  const { GLTFLoader } = await import("three/addons/loaders/GLTFLoader.js");
  const bytes = content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength);
  scene = (await new GLTFLoader().parseAsync(bytes, "")).scene;
} else {
  const { OBJLoader } = await import("three/addons/loaders/OBJLoader.js");
  scene = new OBJLoader().parse(content.toString());
}
scene.updateMatrixWorld(true);
scene.traverse((node) => {
  if (!node.isMesh) return;
  const { position, uv, color } = node.geometry.attributes, index = node.geometry.index;
  const part = { positions: [], uvs: uv ? [] : null, colors: color ? [] : null };
  for (let i = 0; i < (index ?? position).count; i++) {
    const k = index ? index.getX(i) : i;
    const point = new THREE.Vector3(position.getX(k), position.getY(k), position.getZ(k)).applyMatrix4(node.matrixWorld);
    part.positions.push([point.x, point.y, point.z]);
    if (uv) part.uvs.push([uv.getX(k), uv.getY(k)]);
    if (color) {
      const seen = new THREE.Color(color.getX(k), color.getY(k), color.getZ(k)).multiply(node.material.color).convertLinearToSRGB();
      part.colors.push([seen.r, seen.g, seen.b]);
    }
  }
  const map = node.material.map;
  if (map) Object.assign(part, { picture: map.image.bytes, flipY: map.flipY, colorSpace: map.colorSpace });
  part.isMetal = (node.material.metalness ?? 0) > 0 && path.endsWith(".glb");
  out.push(part);
});
console.log(JSON.stringify({ parts: out, version: THREE.REVISION }));
"""

ASSIMP = """
import importlib.metadata, json, sys
import assimp_py
scene = assimp_py.import_file(sys.argv[1], assimp_py.Process_Triangulate | assimp_py.Process_PreTransformVertices)
parts = []
for mesh in scene.meshes:
    positions, indices = list(mesh.vertices), list(mesh.indices)
    rows = [positions[3 * k : 3 * k + 3] for k in indices]
    part = {"positions": rows, "uvs": None, "colors": None, "name": scene.materials[mesh.material_index]["TEXTURES"].get(1, [None])[0]}
    if mesh.texcoords:
        n, given = mesh.num_uv_components[0], list(mesh.texcoords[0])
        part["uvs"] = [given[n * k : n * k + 2] for k in indices]
    if mesh.colors:
        given = list(mesh.colors[0])
        part["colors"] = [given[4 * k : 4 * k + 3] for k in indices]
    parts.append(part)
print(json.dumps({"parts": parts, "version": importlib.metadata.version("assimp_py")}))
"""

MESHLAB = """
import importlib.metadata, json, sys
import pymeshlab
meshes = pymeshlab.MeshSet()
meshes.load_new_mesh(sys.argv[1])
mesh = meshes.current_mesh()
corners = mesh.face_matrix().ravel()
part = {"positions": mesh.transformed_vertex_matrix()[corners].tolist(), "uvs": None, "colors": None}
if mesh.has_wedge_tex_coord():
    part["uvs"] = mesh.wedge_tex_coord_matrix().tolist()
if mesh.has_vertex_color():
    part["colors"] = mesh.vertex_color_matrix()[corners, :3].tolist()
print(json.dumps({"parts": [part], "version": importlib.metadata.version("pymeshlab")}))
"""

BLENDER = """
import json, os, sys
import bpy
path, said = sys.argv[1], os.dup(1)
os.dup2(2, 1)  # its importers print
bpy.ops.wm.read_factory_settings(use_empty=True)
if path.endswith(".glb"):
    bpy.ops.import_scene.gltf(filepath=path)
else:
    read = bpy.ops.wm.obj_import if path.endswith(".obj") else bpy.ops.wm.ply_import
    read(filepath=path, forward_axis="Y", up_axis="Z")
parts = []
for thing in bpy.data.objects:
    if thing.type != "MESH":
        continue
    mesh, world = thing.data, thing.matrix_world
    corners = [mesh.loops[k].vertex_index for face in mesh.polygons for k in face.loop_indices]
    loops = [k for face in mesh.polygons for k in face.loop_indices]
    points = [tuple(world @ vertex.co) for vertex in mesh.vertices]
    if path.endswith(".glb"):
        points = [(x, z, -y) for x, y, z in points]
    part = {"positions": [points[k] for k in corners], "uvs": None, "colors": None}
    if mesh.uv_layers:
        part["uvs"] = [tuple(mesh.uv_layers[0].data[k].uv) for k in loops]
    if mesh.color_attributes:
        given = mesh.color_attributes[0]
        part["colors"] = [tuple(given.data[i].color_srgb)[:3] for i in (corners if given.domain == "POINT" else loops)]
    for image in bpy.data.images:
        width, height = image.size
        rows = [list(image.pixels)[4 * width * row : 4 * width * (row + 1)] for row in range(height)][::-1]
        part["pixels"] = [[row[4 * i : 4 * i + 3] for i in range(width)] for row in rows]
    parts.append(part)
os.write(said, json.dumps({"parts": parts, "version": bpy.app.version_string}).encode())
"""


@dataclass(frozen=True)
class Reader:
    """How a reader is started.

    Attributes:
        name: what it is called.
        program: its interpreter and script.
        formats: the endings that it is given.
        is_linear: whether it hands on a GLB file's colours as they stand there.
        has_float_positions: whether its positions are float32 throughout, which far ones do not survive in any hands.
    """

    name: str
    program: tuple[str, ...]
    formats: tuple[str, ...]
    is_linear: bool = False
    has_float_positions: bool = True


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.other_readers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", metavar="PATH", help="an interpreter with assimp-py, pymeshlab or bpy (default: this one)")
    parser.add_argument("--three", type=Path, metavar="FOLDER", help="where three.js is installed (default: npm install into a temporary folder)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        readers = list(_readers(folder, options.python or [sys.executable], options.three))
        worst, n_read = _compared(folder, readers)
    if n_read == 0:
        sys.exit(2)
    sys.exit(int(any(one > limit for one, limit in zip(worst, LIMITS, strict=True))))


def _readers(folder: Path, pythons: list[str], three: Path | None) -> list[Reader]:
    """Those that are there; of the others it is said."""
    found = []
    if (place := three or _npm(folder)) is not None:
        (place / "read.mjs").write_text(THREE_JS)  # no PLY: r187 rounds its colours to 8 bits of linear light, which moves dark ones by 6 of 255
        found.append(Reader("three.js", ("node", str(place / "read.mjs")), (".glb", ".obj")))
    for name, module, script, formats, is_linear in (
        ("assimp", "assimp_py", ASSIMP, (".glb", ".obj", ".ply"), True),
        ("PyMeshLab", "pymeshlab", MESHLAB, (".obj", ".ply"), False),
        ("Blender", "bpy", BLENDER, (".glb", ".obj", ".ply"), False),
    ):
        has_it = (python for python in pythons if subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0)
        if (python := next(has_it, None)) is None:
            print(f"{name} is not installed (pip install {module.replace('_', '-')})")
            continue
        (folder / f"{module}_reader.py").write_text(script)
        found.append(Reader(name, (python, str(folder / f"{module}_reader.py")), formats, is_linear, name != "PyMeshLab"))
    return found


def _npm(folder: Path) -> Path | None:
    try:
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), THREE], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"three.js is not installed (npm install {THREE}): {type(error).__name__}")
        return None
    return folder


def _meshes(folder: Path) -> dict[str, tuple[Mesh, tuple[str, ...]]]:
    """What is written, and as what."""
    ball, random = Mesh.icosphere(3), np.random.default_rng(0)
    corners = np.arange(ball.faces.size).reshape(-1, 3)
    colored = replace(ball, colors=random.random(ball.vertices.shape))
    per_vertex = replace(ball, uvs=random.random((len(ball.vertices), 2)), texture=random.random((8, 12, 3)))
    seams = replace(ball, uvs=random.random((ball.faces.size, 2)), face_uvs=corners, texture=random.random((7, 5, 3)))
    far = replace(colored, vertices=ball.vertices.astype(np.float64) + np.array([5e5, 4.5e6, 100]))
    return {
        "colours": (colored, (".glb", ".obj", ".ply")),
        "a texture": (per_vertex, (".glb", ".obj")),
        "a texture with seams": (seams, (".glb", ".obj")),
        "several materials": (_of_materials(folder), (".glb", ".obj", ".ply")),
        "far from the origin": (far, (".glb", ".obj", ".ply")),
    }


def _of_materials(folder: Path) -> Mesh:
    """A ball of four materials, read by us: colours, and a picture."""
    file, ball = Gltf(), Mesh.icosphere(2)
    uvs = np.float32(ball.vertices[:, :2] / 2.5 + 0.5)
    rng = np.random.default_rng(1)
    materials = [file.material(factor) for factor in ([1, 0, 0, 1], [0.2, 0.4, 0.6, 1], [1, 1, 1, 1])] + [
        file.material(picture=rng.integers(0, 256, (9, 7, 3)))
    ]
    for part, material in zip(np.array_split(ball.faces, 4), materials, strict=True):
        file.primitive(part.ravel().astype("<u2"), POSITION=ball.vertices, TEXCOORD_0=uvs, material=material)
    return file.load(folder, "materials.glb")


def _compared(folder: Path, readers: list[Reader]) -> tuple[list[float], int]:
    print("\n| mesh | file | reader | positions, of the extent | texture coordinates | colours, of 255 |\n" + "|---" * 6 + "|")
    worst, n_read = [0.0, 0.0, 0.0], 0
    for what, (mesh, suffixes) in _meshes(folder).items():
        for suffix in suffixes:
            path = folder / f"{what.replace(' ', '_')}{suffix}"
            mesh.save(path)
            for reader in readers:
                if suffix not in reader.formats or (what.startswith("far") and reader.has_float_positions):
                    continue
                found = _read(reader, path)
                away = _differences(mesh, found["parts"], reader.is_linear and suffix == ".glb", suffix)
                worst = [max(old, new) for old, new in zip(worst, away, strict=True)]
                n_read += 1
                print(
                    f"| {what} | {suffix} | {reader.name} {found['version']} | " + " | ".join("-" if one < 0 else f"{one:.1e}" for one in away) + " |",
                    flush=True,
                )
    return worst, n_read


def _read(reader: Reader, path: Path) -> dict:
    done = subprocess.run([*reader.program, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{reader.name} cannot read {path.name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _differences(mesh: Mesh, parts: list[dict], is_linear: bool, suffix: str) -> list[float]:
    """Of positions, texture coordinates, colours; -1 where there is nothing to compare. Corners are in our order: no reader here puts faces in another."""
    positions = np.concatenate([np.array(part["positions"], np.float64).reshape(-1, 3) for part in parts])
    corners = mesh.faces.ravel()
    wanted = np.asarray(mesh.vertices, np.float64)[corners]
    if positions.shape != wanted.shape:
        return [np.inf] * 3
    away = [float(np.abs(positions - wanted).max() / np.ptp(wanted, axis=0).max()), -1.0, -1.0]
    if mesh.uvs is not None and suffix != ".ply":
        uvs = np.concatenate([np.array(part["uvs"], np.float64) for part in parts])
        if any(part.get("flipY") is False for part in parts):  # glTF's, as they stand: v runs down
            uvs = np.stack([uvs[:, 0], 1 - uvs[:, 1]], 1)
        away[1] = float(np.abs(uvs - mesh.uvs[(mesh.faces if mesh.face_uvs is None else mesh.face_uvs).ravel()]).max())
    if mesh.texture is not None and suffix != ".ply":
        away[2] = max((_of_pixels(mesh.texture, part) for part in parts), default=-1.0)
    elif mesh.colors is not None:
        colors = np.concatenate([np.array(part["colors"], np.float64) for part in parts])
        away[2] = float(np.abs((_display(colors) if is_linear else colors) - mesh.colors[corners]).max() * 255)
    if any(part.get("isMetal") for part in parts):
        away[2] = np.inf
    return away


def _of_pixels(texture: np.ndarray, part: dict) -> float:
    if "picture" in part:
        with Image.open(io.BytesIO(base64.b64decode(part["picture"]))) as picture:
            pixels = np.asarray(picture.convert("RGB")) / 255
        if part["colorSpace"] != "srgb":
            return np.inf
    elif "pixels" in part:
        pixels = np.array(part["pixels"])
    else:
        return -1.0
    return float(np.abs(pixels - texture[..., :3]).max() * 255) if pixels.shape == texture[..., :3].shape else np.inf


def _display(linear: np.ndarray) -> np.ndarray:
    """sRGB (IEC 61966-2-1) of linear light."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


if __name__ == "__main__":
    main()
