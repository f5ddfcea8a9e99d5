"""Files that are damaged at random or made by an enemy: they load, or one of our sentences says why not. Never another error, a hang, a crash or a program run.

Damaged files are read in a process of its own, whose memory is limited; it tells what it has met. The files of enemies that are written by hand are rows
of the table `bad_input.files`.
"""

import ast
import json
import os
import sys
from pathlib import Path

import pytest
from bad_input.files import WITH_PICTURE, accessors, gltf, payload, small_png, with_picture
from bad_input.standalone import views_of_a_square
from conftest import REPOSITORY

from taichi_softras import Mesh
from taichi_softras.recover import Fit, Views, views
from taichi_softras.scene import files, foreign_files, gltf_files, gltf_tree

N_CASES = int(os.environ.get("N_DAMAGED_FILES", "200"))  # of each kind

SCRIPT = '''
import json, resource, signal, sys, tempfile, warnings
from pathlib import Path

import numpy as np

import taichi_softras
from taichi_softras import Camera, Mesh
from taichi_softras.recover import Capture, Fit, FitOptions, Views, render_views

CAMERAS = {**dict.fromkeys(("sparse/0/cameras.bin", "sparse/0/images.bin", "sparse/0/points3D.bin", "masks/r_0.png.png"), "colmap_bytes"),
           **dict.fromkeys(("cameras.txt", "images.txt", "points3D.txt"), "colmap_text"), "cameras_sphere.npz": "neus", "object_par.txt": "middlebury"}
KINDS, N_CASES, SECONDS, SPARE = sys.argv[1], int(sys.argv[2]), 20, 2 << 30
warnings.simplefilter("ignore")
taichi_softras.init("cpu")
folder = Path(tempfile.mkdtemp())


class TooSlow(BaseException):
    pass


def alarm(*_):
    raise TooSlow


def damaged(content):
    """Bytes of which some are lost, changed, put in, or written twice."""
    content = bytearray(content)
    for _ in range(random.integers(1, 4)):
        at = int(random.integers(len(content)))
        n = int(random.integers(1, 9))
        how = random.integers(6)
        if how == 0:
            del content[at:]
        elif how == 1:
            content[at] ^= 1 << int(random.integers(8))
        elif how == 2:
            content[at : at + n] = random.bytes(n)
        elif how == 3:
            content[at : at + n] = random.choice([b"\\0" * n, b"\\xff" * n, b"9" * n, b"-", b"nan", b"1e99"])
        elif how == 4:
            content[at:at] = random.bytes(n)
        else:
            content[at:at] = content[at : at + 40]
        if not content:
            break
    return bytes(content)


def good_mesh():
    ball = Mesh.icosphere(1)
    uvs = (ball.vertices[:, :2] + 1) / 2
    return Mesh(vertices=ball.vertices, faces=ball.faces, uvs=uvs, texture=random.random((6, 5, 3)))


def others():
    """Files that we do not write: of lists that differ, of strips, and texts."""
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]], "<f4")
    head = "ply\\nformat %s 1.0\\nelement vertex 5\\nproperty float x\\nproperty float y\\nproperty float z\\nelement %s 2\\n"
    head += "property list uchar int vertex_indices\\nproperty uchar red\\nproperty uchar green\\nproperty uchar blue\\nend_header\\n"
    rows = [[4, 0, 1, 2, 3, 9, 8, 7], [3, 0, 1, 4, 255, 0, 0]]
    lists = b"".join(bytes(row[:1]) + np.array(row[1:-3], "<i4").tobytes() + bytes(row[-3:]) for row in rows)
    text = "\\n".join(" ".join(str(number) for number in row) for row in [*points.tolist(), *rows])
    facet = "facet normal 0 0 1\\nouter loop\\nvertex 0 0 0\\nvertex 1 0 0\\nvertex 0 1 0\\nendloop\\nendfacet\\n"
    return {
        "mixed.ply": (head % ("binary_little_endian", "face")).encode() + points.tobytes() + lists,
        "strips.ply": (head % ("binary_little_endian", "tristrips")).encode() + points.tobytes() + lists,
        "text.ply": (head % ("ascii", "face") + text).encode(),
        "text.stl": ("solid a\\n" + 3 * facet + "endsolid a\\n").encode(),
    }


def views():
    return render_views(Mesh.icosphere(1), Camera.orbit(3.0, 10.0, [0.0, 120.0]), (16, 16), ("a", "b"), samples=1)


def damaged_arrays(content):
    """An .npz file that is none the worse as a file."""
    with np.load(folder / "good.npz") as saved:
        arrays = dict(saved)
    name = str(random.choice(sorted(arrays)))
    array = arrays[name]
    if name == "facts":
        text = damaged(str(array).encode()).decode("utf-8", errors="replace")
        arrays[name] = np.array(text)
    else:
        raw = np.frombuffer(damaged(array.tobytes()), np.uint8)
        size = array.dtype.itemsize
        arrays[name] = raw[: len(raw) // size * size].copy().view(array.dtype)
        if arrays[name].size == array.size:
            arrays[name] = arrays[name].reshape(array.shape)
    np.savez(folder / "case.npz", **arrays)


def read_damaged(KIND):
    """How many damaged files of a kind were read, and how many refused."""
    global random
    random = np.random.default_rng(sum(KIND.encode()))
    readers, writer = [], None
    if KIND in (".glb", ".obj", ".ply", ".stl"):
        good_mesh().save(folder / ("good" + KIND))
        target, source = folder / ("case" + KIND), (folder / ("good" + KIND)).read_bytes()
        readers = [Mesh.load]
        if KIND == ".obj":
            from taichi_softras.interop.soft_renderer.functional import load_obj
            readers.append(lambda path: load_obj(path, load_texture=True, texture_res=2))
    elif KIND in ("mixed.ply", "strips.ply", "text.ply", "text.stl"):
        target = folder / ("case" + KIND[-4:])
        source = others()[KIND]
        readers = [Mesh.load]
    elif KIND == ".off":
        target, source = folder / "case.off", b"OFF\\n4 2 0\\n0 0 0\\n1 0 0\\n1 1 0\\n0 1 0\\n3 0 1 2\\n3 0 2 3\\n"
        readers = [Mesh.load]
    elif KIND in (".gltf", "buffer"):
        import trimesh
        files = trimesh.exchange.gltf.export_gltf(trimesh.Scene(trimesh.creation.box()))
        for name, content in files.items():
            (folder / name).write_bytes(content)
        buffer = next(name for name in files if name.endswith(".bin"))
        target = folder / ("model.gltf" if KIND == ".gltf" else buffer)
        source = target.read_bytes()
        readers = [lambda path: Mesh.load(folder / "model.gltf")]
    elif KIND in (".png", ".mtl"):
        good_mesh().save(folder / "good.obj")
        target = folder / ("good" + KIND)
        source = target.read_bytes()
        readers = [lambda path: Mesh.load(folder / "good.obj")]
    elif KIND in ("picture", "transforms"):
        views().save(folder)
        target = folder / ("images/a.png" if KIND == "picture" else "transforms.json")
        source = target.read_bytes()
        readers = [lambda path: Views.load(folder)]
    elif KIND in CAMERAS:
        from tests.recover import test_capture
        write = getattr(test_capture, "write_" + CAMERAS[KIND])
        place = write(test_capture.views_of(), folder / KIND.replace("/", "_"))
        target = place / KIND
        source = target.read_bytes()
        readers = [lambda path: Capture.open(place).views()]
    elif KIND in (".npz", "arrays"):
        seen = views()
        fit = Fit(seen, FitOptions(steps=6))
        fit.save(folder / "good.npz")
        target, source = folder / "case.npz", (folder / "good.npz").read_bytes()
        readers = [lambda path: Fit.load(path, seen)]
        writer = damaged_arrays if KIND == "arrays" else None

    for reader in readers:  # the good one first
        target.write_bytes(source)
        reader(target)
    counts, wrong = {"loaded": 0, "refused": 0}, []
    for i in range(N_CASES):
        writer(source) if writer else target.write_bytes(damaged(source))
        for reader in readers:
            signal.alarm(SECONDS)
            try:
                reader(target)
                counts["loaded"] += 1
            except (ValueError, FileNotFoundError) as error:
                if str(error).startswith(("Mesh.load: ", "Capture.open: ", "Capture.views: ", "Fit.load: ", "load_obj: ")):
                    counts["refused"] += 1
                else:
                    wrong.append(f"case {i}: {type(error).__name__}: {error}")
            except BaseException as error:
                wrong.append(f"case {i}: {type(error).__name__}: {error}")
            finally:
                signal.alarm(0)
    return {"counts": counts, "wrong": wrong[:5], "n_wrong": len(wrong)}


used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if Path("/proc/self/statm").exists() else 0
if used:
    resource.setrlimit(resource.RLIMIT_AS, (used + SPARE, used + SPARE))
signal.signal(signal.SIGALRM, alarm)
for kind in KINDS:
    print(json.dumps([kind, read_damaged(kind)]), flush=True)
'''
MESHES = [".glb", ".gltf", "buffer", ".obj", ".mtl", ".png", ".ply", "mixed.ply", "strips.ply", "text.ply", ".stl", "text.stl", ".off"]
OTHERS = ["picture", "transforms", ".npz", "arrays"]
CAMERAS = [f"sparse/0/{name}.bin" for name in ("cameras", "images", "points3D")]
CAMERAS += ["masks/r_0.png.png", "cameras.txt", "images.txt", "points3D.txt", "cameras_sphere.npz", "object_par.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a process's memory, and no alarm")
@pytest.mark.parametrize("kinds", [MESHES, OTHERS, CAMERAS], ids=["meshes", "others", "cameras"])
def test_damaged_files(run_python, kinds):
    done = run_python(SCRIPT.replace("sys.argv[1], int(sys.argv[2])", f"{kinds!r}, {N_CASES}"))
    found = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith('["'))
    found = {kind: found[kind] for kind in kinds}
    assert not {kind: one for kind, one in found.items() if one["wrong"]}
    assert all(one["counts"]["refused"] > 0 for kind, one in found.items() if kind != ".mtl")  # else nothing was damaged; materials may be missing


class TestWhatIsNear:
    """A mesh names other files: those near it are read, others refused."""

    def mesh(self, folder: Path, picture: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "m.mtl").write_text(f"newmtl a\nmap_Kd {picture}\n")
        (folder / "m.obj").write_text(WITH_PICTURE)
        return folder / "m.obj"

    def test_in_a_folder_beside(self, tmp_path):
        """As in ShapeNet."""
        (tmp_path / "id" / "images").mkdir(parents=True)
        (tmp_path / "id" / "images" / "t.png").write_bytes(small_png())
        assert Mesh.load(self.mesh(tmp_path / "id" / "models", "../images/t.png")).texture is not None

    @pytest.mark.skipif(sys.platform == "win32", reason="links want rights on Windows")
    def test_through_a_link(self, tmp_path):
        """Whoever can make links can read: caches of data sets are made of them."""
        (tmp_path / "blobs").mkdir()
        (tmp_path / "blobs" / "123").write_bytes(small_png())
        path = self.mesh(tmp_path / "far" / "from" / "blobs", "t.png")
        (path.parent / "t.png").symlink_to(tmp_path / "blobs" / "123")
        assert Mesh.load(path).texture is not None

    def test_far(self, tmp_path):
        (tmp_path / "t.png").write_bytes(small_png())
        path = self.mesh(tmp_path / "far" / "from" / "home", "../../../t.png")
        with pytest.raises(ValueError, match=r"m.obj must lie near m.obj .*, got ../../../t.png"):
            Mesh.load(path)


class TestLimits:
    def test_faces_of_a_scene(self, tmp_path, monkeypatch):
        """One mesh, shown very often."""
        Mesh.icosphere(0).save(tmp_path / "m.glb")
        assert len(Mesh.load(tmp_path / "m.glb").faces) == 20
        monkeypatch.setattr(gltf_files, "MAX_FACES", 19)
        with pytest.raises(ValueError, match=r"m.glb must have at most 2\^27 faces, got 20"):
            Mesh.load(tmp_path / "m.glb")

    def test_arrays_without_data(self, tmp_path, monkeypatch):
        """They are zeros, as many as the file says."""
        (tmp_path / "m.gltf").write_text(gltf(accessors=accessors(10**6, 3, view=False)))
        monkeypatch.setattr(gltf_tree, "MAX_PLACEHOLDERS", 12 * 10**6 - 1)
        with pytest.raises(ValueError, match=r"m.gltf must have at most 2\^28 bytes of arrays without data, got 12000000"):
            Mesh.load(tmp_path / "m.gltf")

    def test_pictures_of_a_mesh(self, tmp_path, monkeypatch):
        """Each of them is small enough."""
        (tmp_path / "m.gltf").write_text(with_picture(small_png()))
        assert Mesh.load(tmp_path / "m.gltf").texture.shape == (2, 2, 3)
        monkeypatch.setattr(gltf_tree, "MAX_PIXELS", 3)
        with pytest.raises(ValueError, match=r"m.gltf must have at most 2\^28 pixels in all of its textures, got 4"):
            Mesh.load(tmp_path / "m.gltf")

    @pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl"])
    def test_faces_of_a_mesh(self, tmp_path, monkeypatch, suffix):
        Mesh.icosphere(0).save(tmp_path / f"m{suffix}")
        monkeypatch.setattr(files, "MAX_FACES", 19)
        with pytest.raises(ValueError, match=rf"m{suffix} must have at most 2\^27 faces, got 20"):
            Mesh.load(tmp_path / f"m{suffix}")

    def test_text(self, tmp_path, monkeypatch):
        monkeypatch.setattr(foreign_files, "MAX_TEXT", 10)
        (tmp_path / "transforms.json").write_text("{" + " " * 20)
        with pytest.raises(ValueError, match=r"transforms.json must have at most 2\^28 bytes, got 21"):
            Views.load(tmp_path)

    def test_pictures_that_do_not_fit_into_memory(self, tmp_path, monkeypatch):
        views_of_a_square().save(tmp_path)
        monkeypatch.setattr(views, "free_memory", lambda: 1000)
        with pytest.raises(MemoryError, match=r"Capture.views: 2 pictures of 8 x 8 pixels must fit into 1000 free bytes, got 2048"):
            Views.load(tmp_path)


class TestNoProgramRuns:
    """Wherever a file is read, a pickle in its place is not unpickled. (See also the rows of `bad_input.files`, after each of which it is looked for.)"""

    @pytest.mark.parametrize("suffix", [".glb", ".gltf", ".obj", ".off", ".ply", ".stl"])
    def test_meshes(self, tmp_path, suffix):
        (tmp_path / f"m{suffix}").write_bytes(payload(tmp_path))
        with pytest.raises(ValueError, match=r"^Mesh.load: "):
            Mesh.load(tmp_path / f"m{suffix}")
        assert not (tmp_path / "executed").exists()

    def test_views_and_fits(self, tmp_path):
        (tmp_path / "transforms.json").write_bytes(payload(tmp_path))
        with pytest.raises(ValueError, match=r"^Capture.open: "):
            Views.load(tmp_path)
        assert not (tmp_path / "executed").exists()

    def test_the_payload_would_run(self, tmp_path):
        """Else the tests above could not fail."""
        import pickle

        pickle.loads(payload(tmp_path))
        assert (tmp_path / "executed").exists()

    @pytest.mark.parametrize("room", ["taichi_softras", "interop", "kernels", "demos"])
    def test_nothing_in_the_sources_could(self, room):
        """No pickle, eval or exec; NumPy without objects, torch's files as weights only."""
        wrong = []
        for path in sorted((REPOSITORY / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                    wrong += [
                        (path.name, node.lineno, name) for name in names if name.split(".")[0] in ("pickle", "dill", "joblib", "marshal", "shelve", "yaml")
                    ]
                if not isinstance(node, ast.Call):
                    continue
                called = ast.unparse(node.func)
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                if called in ("eval", "exec", "os.system", "torch.jit.load", "torch.package.PackageImporter"):
                    wrong.append((path.name, node.lineno, called))
                if called == "Image.open" and "formats" not in given and room != "demos":
                    wrong.append((path.name, node.lineno, ast.unparse(node)))
                if called == "torch.load" and given.get("weights_only") != "True":
                    wrong.append((path.name, node.lineno, ast.unparse(node)))
                if called in ("np.load", "numpy.load") and given.get("allow_pickle", "False") != "False":
                    wrong.append((path.name, node.lineno, ast.unparse(node)))
        assert not wrong


def test_a_fit_is_not_unpickled(tmp_path):
    (tmp_path / "fit.npz").write_bytes(payload(tmp_path))
    with pytest.raises(ValueError, match=r"^Fit.load: .* must be a saved fit"):
        Fit.load(tmp_path / "fit.npz", views_of_a_square())
    assert not (tmp_path / "executed").exists()
