"""Other renderers on the same scene, each through its own API: times, for their pictures differ from ours by what they leave out.

PyTorch3D keeps the K = 50 nearest faces of a pixel; our drop-in for it does the same, so that pictures and gradients of the two are compared, too. Kaolin's
DIB-R and nvdiffrast give a pixel's colour to its nearest face alone; Kaolin's silhouette is soft, nvdiffrast's is antialiased. The last two need CUDA.
"""

import importlib
import importlib.util
import time
from collections.abc import Callable, Sequence

import torch

from taichi_softras import Topology
from taichi_softras.interop import dense

from .rows import Scene
from .timing import Step

__all__ = ["COMPARED", "PEERS", "dense_step", "difference", "why_not"]

FACES_PER_PIXEL = 50
COMPARED = {"pytorch3d": "taichi_softras.interop.pytorch3d"}  # the drop-in that stands for it
NEEDS_CUDA = ("nvdiffrast", "kaolin")

Render = Callable[[], Sequence[torch.Tensor]]


def why_not(peer: str, device: str) -> str:
    """A sentence that says why the peer cannot be used here; empty if it can."""
    if importlib.util.find_spec(peer) is None:
        return f"--peer {peer}: the package {peer} is not installed"
    if peer in NEEDS_CUDA and device != "cuda":
        return f"--peer {peer}: {peer} works on CUDA only, so --arch must be cuda"
    return "" if device == "cpu" or torch.cuda.is_available() else f"--peer {peer}: this torch has no CUDA"


def step_of(render: Render, wanted: Sequence[torch.Tensor | None]) -> Step:
    """Gradients of one come from every output."""
    parameters = [tensor for tensor in wanted if tensor is not None]
    is_cuda = parameters[0].is_cuda

    def now() -> float:
        if is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    def step() -> tuple[float, float]:
        for parameter in parameters:
            parameter.grad = None
        began = now()
        outputs = [output for output in render() if output is not None]
        rendered = now()
        gradients = [torch.ones_like(output) for output in outputs]
        resumed = now()
        torch.autograd.backward(outputs, gradients)
        return rendered - began, now() - resumed

    return step


def tensors(scene: Scene, device: str) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Vertices [B, V, 3] and colours [V, 3], which want gradient, and faces [F, 3]."""
    vertices = torch.tensor(scene.vertices_screen, dtype=torch.float32, device=device).repeat(scene.batch, 1, 1).requires_grad_()
    colors = None if scene.colors is None else torch.tensor(scene.colors, dtype=torch.float32, device=device, requires_grad=True)
    return vertices, colors, torch.tensor(scene.faces, dtype=torch.int64, device=device)


def dense_step(scene: Scene, device: str) -> Step:
    """The yardstick."""
    vertices, colors, _ = tensors(scene, device)
    topology = Topology.shared(scene.faces, len(scene.vertices_screen), scene.batch)
    background = torch.zeros(scene.batch, 3, device=device)
    size = (scene.size, scene.size)

    def render() -> Sequence[torch.Tensor]:
        image = dense.rasterize(vertices.flatten(0, 1), topology, colors, background=background, settings=scene.settings, image_size=size)
        return [image.alpha] if image.color is None else [image.alpha, image.color, image.depth]

    return step_of(render, (vertices, colors))


def pytorch3d_step(scene: Scene, device: str) -> Step:
    """PyTorch3D itself."""
    return step_of(*pytorch3d_render("pytorch3d", scene, device))


def pytorch3d_render(package: str, scene: Scene, device: str) -> tuple[Render, Sequence[torch.Tensor | None]]:
    """How PyTorch3D, or a package with its names, renders, and what wants gradient. Its NDC has x to the left; its blur radius is a squared distance."""
    blending, mesh = (importlib.import_module(f"{package}.renderer.{inner}") for inner in ("blending", "mesh.rasterize_meshes"))
    interpolate_face_attributes = importlib.import_module(f"{package}.ops").interpolate_face_attributes
    Fragments = importlib.import_module(f"{package}.renderer.mesh.rasterizer").Fragments
    Meshes = importlib.import_module(f"{package}.structures").Meshes
    s = scene.settings
    vertices, colors, faces = tensors(scene, device)
    mirror = torch.tensor([-1.0, 1.0, 1.0], device=device)
    blend = blending.BlendParams(sigma=s.sigma, gamma=s.gamma, background_color=(0.0, 0.0, 0.0))

    def render() -> Sequence[torch.Tensor]:
        meshes = Meshes(verts=list(vertices * mirror), faces=[faces] * scene.batch)
        found = mesh.rasterize_meshes(
            meshes,
            image_size=scene.size,
            blur_radius=s.reach**2,
            faces_per_pixel=FACES_PER_PIXEL,
            perspective_correct=True,
            clip_barycentric_coords=True,
        )
        fragments = Fragments(*found)
        if colors is None:
            return [blending.sigmoid_alpha_blend(vertices.new_ones((*fragments.pix_to_face.shape, 3)), fragments, blend)[..., 3]]
        texels = interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, colors[faces].repeat(scene.batch, 1, 1))
        return [blending.softmax_rgb_blend(texels, fragments, blend, znear=s.near, zfar=s.far)]

    return render, (vertices, colors)


def difference(peer: str, scene: Scene, device: str) -> tuple[float, float]:
    """The largest differences between a peer and our drop-in for it: of the picture, and of the gradient, over the largest gradient.

    The gradient is that of a sum of all pixels, each with a weight of its own.
    """
    pictures: list[torch.Tensor] = []
    gradients: list[list[torch.Tensor]] = []
    for package in (peer, COMPARED[peer]):
        render, wanted = pytorch3d_render(package, scene, device)
        (picture,) = render()
        weights = torch.rand(picture.shape, generator=torch.Generator().manual_seed(0)).to(picture)
        leaves = [tensor for tensor in wanted if tensor is not None]
        gradients.append(list(torch.autograd.grad((picture * weights).sum(), leaves)))
        pictures.append(picture.detach())
    largest = max(float(gradient.abs().max()) for gradient in gradients[0])
    apart = max(float((one - other).abs().max()) for one, other in zip(*gradients, strict=True))
    return float((pictures[0] - pictures[1]).abs().max()), apart / largest if largest else apart


def nvdiffrast_step(scene: Scene, device: str) -> Step:
    """It wants clip space, in which w is the depth, and 32-bit faces; white on black is the silhouette."""
    import nvdiffrast.torch as dr

    near, far = scene.settings.near, scene.settings.far
    vertices, colors, faces = tensors(scene, device)
    triangles, context = faces.int(), dr.RasterizeCudaContext(device=device)

    def render() -> Sequence[torch.Tensor]:
        depth = vertices[..., 2:]
        z = ((far + near) * depth - 2 * far * near) / (far - near)
        clip = torch.cat([vertices[..., :2] * depth, z, depth], -1).contiguous()
        seen, _ = dr.rasterize(context, clip, triangles, resolution=[scene.size, scene.size])
        image = (seen[..., 3:] > 0).float()
        if colors is not None:
            image = torch.cat([dr.interpolate(colors[None].contiguous(), seen, triangles)[0] * image, image], -1)
        return [dr.antialias(image.contiguous(), seen, clip, triangles)]

    return step_of(render, (vertices, colors))


def kaolin_step(scene: Scene, device: str) -> Step:
    """DIB-R: depth is negative ahead; its soft silhouette reaches ``boxlen`` beyond the faces."""
    from kaolin.render.mesh import dibr_rasterization

    vertices, colors, faces = tensors(scene, device)
    attributes = vertices.new_ones(len(scene.vertices_screen), 1) if colors is None else colors

    def render() -> Sequence[torch.Tensor]:
        corners = vertices[:, faces]  # [B, F, 3, 3]
        ab, ac = (corners[:, :, k, :2] - corners[:, :, 0, :2] for k in (1, 2))
        image, mask, _ = dibr_rasterization(
            scene.size,
            scene.size,
            -corners[..., 2],
            corners[..., :2],
            attributes[faces].expand(scene.batch, -1, -1, -1),
            (ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]).detach(),
            sigmainv=1 / scene.settings.sigma,
            boxlen=scene.settings.reach,
            knum=FACES_PER_PIXEL,
        )
        return [mask] if colors is None else [mask, image]

    return step_of(render, (vertices, colors))


PEERS: dict[str, Callable[[Scene, str], Step]] = {"pytorch3d": pytorch3d_step, "nvdiffrast": nvdiffrast_step, "kaolin": kaolin_step}
