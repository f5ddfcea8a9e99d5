"""What users keep, copy and send to other processes: `pickle`, `copy.deepcopy`, `torch.save` and a spawned process bring back what was there.

Plan: every member of every enum, whatever its value is; settings, default and changed; scenes before and after they have been drawn, when they know arrays on a
device; modules of torch and of the drop-ins, which draw the same picture after as before.
"""

import copy
import enum
import importlib
import io
import multiprocessing
import pickle
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
import torch

import taichi_softras as ts
from taichi_softras import Camera, Connectivity, Distribution, Lens, Mesh, RasterizeSettings, Silhouette, TextureSettings, Topology, UVTexture, Wrap
from taichi_softras.engine.textures import flat_textures
from taichi_softras.interop import LaplacianLoss, SoftRenderer, pytorch3d, soft_renderer
from taichi_softras.runtime import TaichiArrays


def pickled(value):
    return pickle.loads(pickle.dumps(value))


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


def itself(value):
    """What a spawned process is sent, and sends back."""
    return value


def modules() -> Iterator[object]:
    for room in ("taichi_softras", "taichi_softras.kernels", "taichi_softras.interop"):
        for found in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def enums() -> list[type[enum.Enum]]:
    named = {value for module in modules() for value in vars(module).values() if isinstance(value, type) and issubclass(value, enum.Enum)}
    return sorted((one for one in named if one.__module__.startswith("taichi_softras") and len(one)), key=lambda one: one.__qualname__)


def same(one: object, other: object) -> bool:
    """Equal, field by field and number by number."""
    if is_dataclass(one):
        names = [f.name for f in fields(one) if not f.name.startswith("_") and f.name != "remembered"]
        return type(one) is type(other) and all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, (np.ndarray, torch.Tensor)):
        return type(one) is type(other) and one.dtype == other.dtype and bool((one == other).all())
    return one is other if isinstance(one, enum.Enum) else one == other


CHANGED = RasterizeSettings(
    sigma=1e-3, distribution=Distribution.GAMMA_REV, shape=0.5, shift=0.1, silhouette=Silhouette.HAMACHER, conorm=0.5, sides=ts.Sides.CLOCKWISE, culling=True
)
MESH = Mesh.icosphere(0)


VALUES = {  # made when they are asked for: a spawned process, which reads this file, starts no Taichi
    "default settings": RasterizeSettings,
    "changed settings": lambda: CHANGED,
    "used settings": lambda: [CHANGED.reach, CHANGED.softness, CHANGED][2],
    "Mesh": lambda: replace(MESH, colors=np.random.default_rng(0).random((12, 3))),
    "Camera": lambda: Camera.orbit(3.0, [0.0, 10.0]),
    "Camera with a lens": lambda: replace(Camera.orbit(3.0), lens=Lens.FISHEYE, distortion=np.full((1, 4), 0.01)),
    "Connectivity": lambda: Connectivity.of(MESH.faces, 12),
    "Topology": lambda: Topology.shared(MESH.faces, 12, 2),
    "UVTexture": lambda: UVTexture(np.ones((2, 3, 3)), np.zeros((12, 2)), settings=TextureSettings(wrap=Wrap.MIRROR)),
    "TextureSettings": lambda: TextureSettings(wrap=Wrap.MIRROR),
    "TextureLevels": lambda: flat_textures(TaichiArrays(), TaichiArrays().real(np.ones((4, 4, 3))), TextureSettings()).levels,
    "AmbientLight": lambda: ts.AmbientLight(color=0.5),
    "DirectionalLight": lambda: ts.DirectionalLight(direction=(0.0, 1.0, 0.0)),
    "PointLight": lambda: ts.PointLight(position=(0.0, 1.0, 0.0)),
    "SphericalHarmonics": lambda: ts.SphericalHarmonics(coefficients=np.ones((9, 3))),
    "Material": ts.Material,
}


@pytest.mark.parametrize("way", [pickled, copy.deepcopy, copy.copy, saved])
class TestThereAndBack:
    @pytest.mark.parametrize("kind", enums(), ids=lambda kind: kind.__name__)
    def test_choices(self, way, kind):
        for member in kind:
            assert way(member) is member

    @pytest.mark.parametrize("name", VALUES)
    def test_values(self, way, name):
        value = VALUES[name]()
        assert same(way(value), value)

    def test_what_was_used_knows_no_device(self, way):
        """A scene that was drawn keeps its lists as arrays of Taichi's, and in the other process there are none of them."""
        topology, connectivity = Topology.shared(MESH.faces, 12), Connectivity.of(MESH.faces, 12)
        for arrays in (TaichiArrays(), ts.FieldArrays()):
            topology.on(arrays)
            connectivity.on(arrays)
            back, joined = way(topology), way(connectivity)
            assert same(back, topology)
            assert same(joined, connectivity)
            assert len(back.on(arrays)) == 6
            assert len(joined.on(arrays)) == 3


def test_every_protocol():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(Distribution.LEVY, protocol)) is Distribution.LEVY
        assert pickle.loads(pickle.dumps(CHANGED, protocol)) == CHANGED


class TestModules:
    VERTICES, FACES = torch.tensor(MESH.vertices), torch.tensor(MESH.faces)

    @pytest.mark.parametrize("way", [pickled, copy.deepcopy, saved])
    def test_soft_renderer(self, way):
        renderer = SoftRenderer((6, 5), CHANGED, background=torch.tensor([0.1, 0.2, 0.3]))
        camera = Camera.orbit(3.0)
        before = renderer(self.VERTICES, self.FACES, camera)
        back = way(renderer)
        assert back.settings == CHANGED
        assert torch.equal(back(self.VERTICES, self.FACES, camera).alpha, before.alpha)

    @pytest.mark.parametrize("way", [pickled, copy.deepcopy, saved])
    def test_a_loss(self, way):
        loss = LaplacianLoss(self.FACES, 12)
        before = loss(self.VERTICES)
        assert torch.equal(way(loss)(self.VERTICES), before)

    @pytest.mark.parametrize("way", [pickled, copy.deepcopy, saved])
    def test_drop_in_for_softras(self, way):
        renderer = soft_renderer.SoftRenderer(image_size=8, camera_mode="look_at")
        mesh = soft_renderer.Mesh(self.VERTICES[None], self.FACES[None])
        assert torch.equal(way(renderer).render_mesh(mesh), renderer.render_mesh(mesh))
        loss = soft_renderer.LaplacianLoss(self.VERTICES, self.FACES)
        assert torch.equal(way(loss)(self.VERTICES[None]), loss(self.VERTICES[None]))

    @pytest.mark.parametrize("way", [pickled, copy.deepcopy, saved])
    def test_drop_in_for_pytorch3d(self, way):
        cameras = pytorch3d.FoVPerspectiveCameras(T=torch.tensor([[0.0, 0.0, 3.0]]))
        settings = pytorch3d.RasterizationSettings(image_size=8, blur_radius=1e-3, faces_per_pixel=4)
        renderer = pytorch3d.MeshRenderer(pytorch3d.MeshRasterizer(cameras, settings), pytorch3d.SoftSilhouetteShader())
        meshes = pytorch3d.Meshes([self.VERTICES], [self.FACES])
        assert torch.equal(way(renderer)(meshes), renderer(meshes))


def test_across_a_spawned_process():
    """Also modules, and scenes that were drawn here."""
    topology = Topology.shared(MESH.faces, 12)
    topology.on(TaichiArrays())
    sent = [*(member for kind in enums() for member in kind), *(make() for make in VALUES.values()), topology]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        back = pool.map(itself, sent)
        module = pool.apply(itself, (SoftRenderer(8, CHANGED),))
        pool.close()
        pool.join()  # a process that is killed may leave a lock behind
    assert all(map(same, back, sent))
    assert module.settings == CHANGED
