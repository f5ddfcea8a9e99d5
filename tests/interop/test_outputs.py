"""All that the renderer can show besides alpha, colour and depth: normals, positions, face numbers and any number of features.

Plan: finite differences of each, soft and hard; what a sharp picture of a known shape must show, pixel by pixel; that outputs do not disturb each other.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import IMAGE_SIZE, SMOOTH, world_scene
from test_gradcheck import check

from taichi_softras import Blending, Camera, Mesh, Output, RasterizeSettings, Renderer, Sides, Topology
from taichi_softras.engine.fragments import FragmentSettings
from taichi_softras.interop import SoftRenderer, fragments, render

ALL = tuple(Output)
SHARP = RasterizeSettings(sigma=1e-9, gamma=1e-6)


def mixed(*tensors: torch.Tensor) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.cat([torch.randn(2, tensor.numel(), dtype=tensor.dtype, generator=generator) @ tensor.flatten() for tensor in tensors])


@pytest.mark.usefixtures("one_lane")
@pytest.mark.parametrize("settings", [SMOOTH, replace(SMOOTH, blending=Blending.HARD)], ids=["soft", "hard"])
def test_gradient(settings):
    scene = world_scene(81, n_features=6)

    def function(vertices, features, camera_from_world):
        camera = replace(scene.camera, camera_from_world=camera_from_world)
        image = render(vertices, scene.topology, camera, features=features, outputs=ALL, settings=settings, image_size=IMAGE_SIZE)
        assert not image.face_id.requires_grad
        return mixed(image.alpha, image.depth, image.features, image.normals, image.positions)

    check(function, scene.vertices, scene.colors, scene.camera.camera_from_world)


@pytest.mark.parametrize("blending", [Blending.SOFTMAX, Blending.HARD])
def test_a_sphere(blending):
    """Of a unit sphere, the position is the normal; each pixel's face holds its position."""
    mesh, camera = Mesh.icosphere(4), Camera.orbit(3.0, 20.0, [30.0, 200.0])
    vertices = torch.tensor(mesh.vertices, dtype=torch.float64)
    image = render(vertices, mesh.faces, camera, outputs=ALL, settings=replace(SHARP, blending=blending), image_size=(40, 56))
    seen = image.face_id >= 0
    assert torch.equal(seen, image.alpha > 0.5)
    assert seen.sum() > 800
    positions, normals = image.positions[seen], image.normals[seen]
    torch.testing.assert_close(positions.norm(dim=-1), torch.ones(len(positions), dtype=torch.float64), rtol=0, atol=4e-3)
    torch.testing.assert_close(normals, positions, rtol=0, atol=8e-3)
    toward_eye = torch.tensor(camera.eye)[:, None, None].expand(*seen.shape, 3)[seen] - positions
    assert ((normals * toward_eye).sum(-1) > -0.1).all()
    corners = vertices[torch.tensor(mesh.faces, dtype=torch.int64)][image.face_id[seen].long()]
    weights = torch.linalg.solve(corners.transpose(1, 2), positions[..., None])[..., 0]
    assert (weights > -1e-9).all()
    assert (weights.sum(-1) - 1).abs().max() < 1e-9
    for output in (image.positions, image.normals):
        assert (output[~seen].abs() < 1e-2).all()


def test_faces_are_numbered_as_in_the_batch():
    """Two meshes one after the other; hard and soft pictures and Taichi's arrays agree; a face turned away is not seen where its side has no colour."""
    quad = np.array([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])
    first, second = np.array([[0, 1, 2], [0, 2, 3]]), np.array([[0, 2, 1], [0, 2, 3]])
    topology = Topology.batch([first, second], [4, 4])
    camera, vertices = Camera.orbit(4.0, 0.0, [0.0, 0.0], fov=20.0), torch.tensor(np.concatenate([quad, quad]), dtype=torch.float32)
    for settings in (SHARP, replace(SHARP, blending=Blending.HARD)):
        faces = render(vertices, topology, camera, outputs=[Output.FACE_ID], settings=settings, image_size=8).face_id
        assert faces.dtype == torch.int32
        for b in range(2):
            assert (faces[b, 5:, 6] == 2 * b).all()
            assert (faces[b, :3, 1] == 2 * b + 1).all()
        assert np.array_equal(Renderer(8, settings)(Renderer(8).parameter(vertices), topology, camera, outputs=[Output.FACE_ID]).face_id, faces)
    one_sided = render(vertices, topology, camera, outputs=ALL, settings=replace(SHARP, sides=Sides.COUNTERCLOCKWISE), image_size=8)
    assert (one_sided.face_id[1, 5:, 6] == -1).all()
    assert (one_sided.face_id[0, 5:, 6] == 0).all()
    assert one_sided.normals[1, 6, 6].abs().max() < 1e-6


def test_outputs_do_not_disturb_each_other():
    scene = world_scene(82, n_features=7)
    vertices, features = torch.tensor(scene.vertices), torch.tensor(scene.colors)
    colors, background = features[:, :3].contiguous(), torch.tensor(scene.background[:, :3])
    renderer = SoftRenderer(IMAGE_SIZE, SMOOTH, background)
    alone = renderer(vertices, scene.topology, scene.camera, colors)
    everything = renderer(vertices, scene.topology, scene.camera, colors, features=features, outputs=ALL)
    for name in ("alpha", "color", "depth"):
        assert torch.equal(getattr(alone, name), getattr(everything, name))
    assert alone.features is alone.normals is alone.positions is alone.face_id is None
    as_color = SoftRenderer(IMAGE_SIZE, SMOOTH)(vertices, scene.topology, scene.camera, features)
    torch.testing.assert_close(as_color.color, everything.features, rtol=0, atol=1e-12)
    torch.testing.assert_close(as_color.depth, everything.depth, rtol=0, atol=1e-12)  # of a kernel for four channels, not three: rounded otherwise
    only = renderer(vertices, scene.topology, scene.camera, outputs=[Output.POSITIONS])
    assert only.color is None
    torch.testing.assert_close(only.positions, everything.positions, rtol=0, atol=1e-12)
    torch.testing.assert_close(only.depth, everything.depth, rtol=0, atol=1e-12)


def test_a_mesh_for_each_camera():
    """[B, V, D] features, and [V, D] shared by all."""
    mesh, camera = Mesh.icosphere(1), Camera.orbit(3.0, 0.0, [0.0, 90.0])
    vertices = torch.tensor(mesh.vertices).expand(2, -1, -1) * torch.tensor([1.0, 0.8])[:, None, None]
    features = torch.rand(len(mesh.vertices), 5)
    shared = render(vertices, mesh.faces, camera, features=features, image_size=12)
    separate = render(vertices, mesh.faces, camera, features=features.expand(2, -1, -1), image_size=12)
    assert shared.features.shape == (2, 12, 12, 5)
    assert torch.equal(shared.features, separate.features)


@pytest.mark.parametrize("height", [None, 2.4], ids=["perspective", "orthographic"])
def test_fragments_are_what_hard_pictures_show(height):
    """The nearest of K fragments: its face, its depth, and the position that its weights make; and its depth's gradient."""
    mesh, camera = Mesh.icosphere(2), Camera.orbit(3.0, 20.0, [30.0, 200.0], orthographic_height=height)
    vertices = torch.tensor(mesh.vertices, dtype=torch.float64, requires_grad=True)
    settings = replace(SHARP, blending=Blending.HARD)
    image = render(vertices, mesh.faces, camera, outputs=ALL, settings=settings, image_size=(24, 32))
    found = fragments(vertices, mesh.faces, camera, FragmentSettings(faces_per_pixel=3), image_size=(24, 32))
    seen = image.face_id >= 0
    assert torch.equal(found.face[..., 0] % len(mesh.faces), torch.where(seen, image.face_id, found.face[..., 0] % len(mesh.faces)))
    assert torch.equal(found.face[..., 0] >= 0, seen)
    assert (found.face[seen][:, 1] >= 0).all()  # the far side
    assert (found.face[..., 2] == -1).all()
    torch.testing.assert_close(found.depth[..., 0][seen], image.depth[seen], rtol=0, atol=1e-9)
    corners = vertices[torch.tensor(mesh.faces, dtype=torch.int64)][image.face_id[seen].long()]
    torch.testing.assert_close((found.bary[..., 0, :][seen][..., None] * corners).sum(1), image.positions[seen], rtol=0, atol=1e-9)
    gradients = [torch.autograd.grad(depth.sum(), vertices, retain_graph=True)[0] for depth in (found.depth[..., 0][seen], image.depth[seen])]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-9)


def test_faults():
    vertices, faces = torch.zeros(4, 3), np.array([[0, 1, 2]])
    with pytest.raises(TypeError, match=r"render: each of the outputs must be one of Output.NORMALS, .*, got 'normals'"):
        render(vertices, faces, Camera.orbit(), outputs=["normals"], image_size=8)
    with pytest.raises(ValueError, match=r"render: features must have shape \(4, C\), got \(5, 2\)"):
        render(vertices, faces, Camera.orbit(), features=torch.zeros(5, 2), image_size=8)
    with pytest.raises(TypeError, match="render: features must have the dtype of vertices"):
        render(vertices, faces, Camera.orbit(), features=torch.zeros(4, 2).double(), image_size=8)
