"""How the kernels live with torch: as one more autograd operation, without surprises.

Plan: tensors of any layout and any need of gradient; what autograd promises about several forwards, several backwards, accumulation and untouched buffers;
threads; that nothing is copied; Taichi started by the user beforehand, in a process of its own; the modules; and what is refused.
"""

import json
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import IMAGE_SIZE, SMOOTH, world_scene

import taichi_softras
from taichi_softras import Camera, Connectivity, Mesh, RasterizeSettings
from taichi_softras.engine import RenderedImage
from taichi_softras.interop import (
    EdgeLengthLoss,
    FlattenLoss,
    LaplacianLoss,
    NormalConsistencyLoss,
    SilhouetteIoULoss,
    SoftRenderer,
    TorchArrays,
    bridge,
    losses,
    ops,
    rasterize,
    render,
)
from taichi_softras.interop.bridge import check_device

SCENE = world_scene(61)
NAMES = ("vertices", "colors", "background", "camera_from_world", "intrinsics")


def inputs(requires_grad: bool = True) -> dict[str, torch.Tensor]:
    """Fresh leaves: SCENE as tensors."""
    values = (SCENE.vertices, SCENE.colors, SCENE.background, SCENE.camera.camera_from_world, SCENE.camera.intrinsics)
    return {name: torch.tensor(value, requires_grad=requires_grad) for name, value in zip(NAMES, values, strict=True)}


def image_of(vertices, colors, background, camera_from_world, intrinsics) -> RenderedImage:
    camera = replace(SCENE.camera, camera_from_world=camera_from_world, intrinsics=intrinsics)
    return render(vertices, SCENE.topology, camera, colors, background=background, settings=SMOOTH, image_size=IMAGE_SIZE)


def loss_of(**tensors: torch.Tensor) -> torch.Tensor:
    image = image_of(**tensors)
    return image.alpha.square().sum() + image.color.square().sum() + image.depth.square().sum()


def expected_gradients() -> dict[str, torch.Tensor]:
    leaves = inputs()
    loss_of(**leaves).backward()
    return {name: leaf.grad for name, leaf in leaves.items()}


def assert_same(got: torch.Tensor, expected: torch.Tensor) -> None:
    """But for the order in which threads add."""
    torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-11)


class TestLayouts:
    def test_no_grad(self):
        expected = image_of(**inputs())
        assert expected.color.requires_grad
        with torch.no_grad():
            got = image_of(**inputs())
        assert not got.color.requires_grad
        assert got.color.grad_fn is None
        torch.testing.assert_close(got.color, expected.color.detach(), rtol=0, atol=0)

    def test_inference_mode(self):
        expected = image_of(**inputs(requires_grad=False))
        with torch.inference_mode():
            got = image_of(**inputs(requires_grad=False))
        torch.testing.assert_close(got.color.clone(), expected.color, rtol=0, atol=0)

    def test_a_gradient_after_inference_mode(self, one_lane):
        """GPUs keep small constants; those that were first wanted in inference mode serve gradients, too."""
        with torch.inference_mode():
            image_of(**inputs(requires_grad=False))
        loss_of(**inputs()).backward()

    def test_inference_mode_faces(self):
        """Faces made in inference mode have no version counter."""
        mesh = Mesh.icosphere(0)
        with torch.inference_mode():
            faces = torch.tensor(mesh.faces)
            alpha = render(torch.tensor(mesh.vertices), faces, Camera.orbit(), image_size=8).alpha
        assert alpha.max() > 0

    @pytest.mark.parametrize("name", NAMES)
    def test_not_contiguous(self, name):
        """Every second entry of a larger tensor, stored the other way round."""
        leaves = inputs()
        leaf = leaves[name]
        stored = torch.zeros(*(2 * size for size in reversed(leaf.shape)), dtype=leaf.dtype)
        view = stored.permute(*reversed(range(stored.ndim)))[(slice(None, None, 2),) * leaf.ndim]
        view.copy_(leaf.detach())
        view.requires_grad_()
        assert not view.is_contiguous()
        loss_of(**leaves | {name: view}).backward()
        assert_same(view.grad, expected_gradients()[name])

    def test_expanded(self):
        """One colour for all vertices, by a stride of zero: its gradient is the sum."""
        color = torch.tensor([0.2, 0.5, 0.7], dtype=torch.float64, requires_grad=True)
        loss_of(**inputs() | {"colors": color.expand(8, 3)}).backward()
        repeated = color.detach().repeat(8, 1).requires_grad_()
        loss_of(**inputs() | {"colors": repeated}).backward()
        assert_same(color.grad, repeated.grad.sum(0))

    def test_a_view_of_a_larger_tensor(self):
        leaves = inputs()
        everything = torch.cat([torch.zeros(3, 3, dtype=torch.float64), leaves["vertices"].detach()]).requires_grad_()
        loss_of(**leaves | {"vertices": everything[3:]}).backward()
        assert_same(everything.grad[3:], expected_gradients()["vertices"])
        assert (everything.grad[:3] == 0).all()

    @pytest.mark.parametrize("name", NAMES)
    def test_only_one_wants_gradient(self, name):
        leaves = inputs(requires_grad=False)
        leaves[name].requires_grad_()
        loss_of(**leaves).backward()
        assert_same(leaves[name].grad, expected_gradients()[name])
        assert all(leaf.grad is None for other, leaf in leaves.items() if other != name)

    def test_only_one_output_is_used(self):
        leaves = inputs()
        image_of(**leaves).depth.sum().backward()
        assert leaves["vertices"].grad.abs().max() > 0
        assert leaves["background"].grad.abs().max() == 0


class TestAutograd:
    def test_several_forwards_before_one_backward(self):
        leaves = inputs()
        others = {name: leaf.detach() * 1.02 for name, leaf in leaves.items()}
        separately = []
        for values in (leaves, others):
            fresh = {name: value.detach().clone().requires_grad_() for name, value in values.items()}
            loss_of(**fresh).backward()
            separately.append(fresh["vertices"].grad)
        first = loss_of(**leaves)
        second = loss_of(**others | {"vertices": leaves["vertices"] * 1.02})
        (first + 3 * second).backward()
        assert_same(leaves["vertices"].grad, separately[0] + 3 * 1.02 * separately[1])

    def test_retain_graph(self):
        leaves = inputs()
        loss = loss_of(**leaves)
        first, second = (torch.autograd.grad(loss, list(leaves.values()), retain_graph=True) for _ in range(2))
        for a, b in zip(first, second, strict=True):
            assert_same(a, b)

    def test_gradient_accumulates(self):
        leaves = inputs()
        for leaf in leaves.values():
            leaf.grad = torch.full_like(leaf, 7.0)
        loss_of(**leaves).backward()
        loss_of(**leaves).backward()
        for name, expected in expected_gradients().items():
            assert_same(leaves[name].grad, 7 + 2 * expected)

    def test_forward_touches_no_grad(self):
        leaves = inputs()
        leaves["vertices"].grad = torch.full_like(leaves["vertices"], 7.0)
        loss_of(**leaves)
        assert (leaves["vertices"].grad == 7).all()
        assert all(leaves[name].grad is None for name in NAMES[1:])

    @pytest.mark.parametrize("contiguous", [True, False])
    def test_incoming_gradients_are_left_alone(self, contiguous):
        leaves = inputs()
        image = image_of(**leaves)
        outputs = [image.alpha, image.color, image.depth]
        incoming = [torch.randn(tensor.shape, dtype=tensor.dtype) for tensor in outputs]
        if not contiguous:
            incoming = [tensor.transpose(1, 2).contiguous().transpose(1, 2) for tensor in incoming]
        copies = [tensor.clone() for tensor in incoming]
        first = torch.autograd.grad(outputs, list(leaves.values()), incoming, retain_graph=True)
        second = torch.autograd.grad(outputs, list(leaves.values()), copies)
        for tensor, copy in zip(incoming, copies, strict=True):
            assert torch.equal(tensor, copy)
        for a, b in zip(first, second, strict=True):
            assert_same(a, b)

    def test_inputs_are_left_alone(self):
        leaves = inputs()
        before = {name: leaf.detach().clone() for name, leaf in leaves.items()}
        loss_of(**leaves).backward()
        for name, leaf in leaves.items():
            assert torch.equal(leaf.detach(), before[name])

    @pytest.mark.parametrize("loss_of", [loss_of, lambda **leaves: image_of(**leaves).alpha.sum()], ids=["square", "linear in the picture"])
    def test_second_derivatives_are_refused(self, loss_of):
        leaves = inputs()
        (gradient,) = torch.autograd.grad(loss_of(**leaves), leaves["vertices"], create_graph=True)
        with pytest.raises(RuntimeError, match="taichi_softras: what is rendered must be differentiated once"):
            (gradient.square().sum() + leaves["vertices"].sum()).backward()

    @pytest.mark.parametrize("asked", ["vertices", "colors", "incoming"])
    def test_second_derivatives_are_refused_by_whatever_asks_for_them(self, asked):
        """Torch walks no way that does not lead to what is asked for, and would give None."""
        leaves = inputs()
        image = image_of(**leaves)
        incoming = torch.ones_like(image.alpha).requires_grad_()
        (gradient,) = torch.autograd.grad([image.alpha, image.color.sum()], leaves["vertices"], [incoming, torch.tensor(1.0)], create_graph=True)
        wanted = leaves | {"incoming": incoming}
        with pytest.raises(RuntimeError, match="taichi_softras: what is rendered must be differentiated once"):
            torch.autograd.grad(gradient.sum(), wanted[asked], allow_unused=True)

    @pytest.mark.parametrize("name", ["hessian", "hvp", "vhp", "jvp"])
    def test_second_derivatives_of_torchs_own(self, name):
        """They were nought."""
        leaves = inputs(requires_grad=False)

        def loss(vertices):
            return image_of(**leaves | {"vertices": vertices}).alpha.square().sum()

        more = () if name == "hessian" else (torch.ones_like(leaves["vertices"]),)
        with pytest.raises(RuntimeError, match="taichi_softras: what is rendered must be differentiated once"):
            getattr(torch.autograd.functional, name)(loss, leaves["vertices"], *more)

    @pytest.mark.parametrize("transform", ["grad", "vmap", "jacrev"])
    @pytest.mark.parametrize(
        ("name", "call"),
        [
            ("render: vertices", lambda vertices: image_of(**inputs(requires_grad=False) | {"vertices": vertices}).alpha.sum()),
            ("silhouette_iou: alpha", lambda alpha: losses.silhouette_iou(alpha[None], torch.zeros(1, *alpha.shape, dtype=alpha.dtype))),
        ],
        ids=["render", "loss"],
    )
    def test_transforms_of_torch_are_refused(self, transform, name, call):
        values = inputs(requires_grad=False)["vertices"]
        values = values[None] if transform == "vmap" else values
        with pytest.raises(TypeError, match=rf"^{name} must be a plain tensor, got one of torch.func's"):
            getattr(torch.func, transform)(call)(values)

    def test_a_graph_of_gradients_that_nobody_wants(self):
        leaves = inputs()
        (first, second) = (torch.autograd.grad(loss_of(**leaves), list(leaves.values()), create_graph=wanted) for wanted in (True, False))
        for one, other in zip(first, second, strict=True):
            assert torch.equal(one.detach(), other)

    def test_a_change_in_between_is_noticed(self):
        """An optimiser's step between forward and backward would give the gradient at another point."""
        leaves = inputs()
        loss = loss_of(**leaves)
        with torch.no_grad():
            leaves["vertices"] += 1
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()

    def test_outputs_may_be_changed_in_place(self):
        """No gradient needs their values."""
        leaves = inputs(requires_grad=False)
        leaves["vertices"].requires_grad_()
        image_of(**leaves).alpha.mul_(2).sum().backward()
        expected = inputs(requires_grad=False)
        expected["vertices"].requires_grad_()
        (2 * image_of(**expected).alpha).sum().backward()
        assert_same(leaves["vertices"].grad, expected["vertices"].grad)

    def test_hooks_and_detached_copies(self):
        """A tensor of the graph that is no leaf has its gradient, too."""
        leaves = inputs()
        moved = leaves["vertices"] + 0.0
        moved.retain_grad()
        loss_of(**leaves | {"vertices": moved}).backward()
        assert_same(moved.grad, leaves["vertices"].grad)


class TestFacesTensor:
    """The topology of a faces tensor is kept while the tensor is the same: it must be noticed when it is not."""

    MESH = Mesh.icosphere(1)

    def alpha(self, faces) -> torch.Tensor:
        return render(torch.tensor(self.MESH.vertices), faces, Camera.orbit(azimuth=20), image_size=16).alpha

    def test_changed_in_place(self):
        faces = torch.tensor(self.MESH.faces)
        whole = self.alpha(faces)
        faces[:40] = faces[40:]
        assert not torch.equal(self.alpha(faces), whole)
        assert torch.equal(self.alpha(faces), self.alpha(faces.clone()))

    def test_changed_in_place_in_numpy(self):
        faces = np.array(self.MESH.faces)
        whole = self.alpha(faces)
        faces[:40] = faces[40:]
        assert not torch.equal(self.alpha(faces), whole)
        assert torch.equal(self.alpha(faces), self.alpha(faces.copy()))

    def test_views_of_one_tensor(self):
        """Every second face, and the first half: the same address, shape and version."""
        faces = torch.tensor(self.MESH.faces)
        half, alternate = faces[:40], faces[::2]
        assert torch.equal(self.alpha(half), self.alpha(half.clone()))
        assert torch.equal(self.alpha(alternate), self.alpha(alternate.clone()))

    @pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.int16])
    def test_any_integers(self, dtype):
        assert torch.equal(self.alpha(torch.tensor(self.MESH.faces, dtype=dtype)), self.alpha(self.MESH.faces))


class TestThreads:
    def in_threads(self, *functions) -> None:
        failures = []

        def guarded(function) -> None:
            try:
                function()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def test_backward_in_another_thread(self):
        leaves = inputs()
        loss = loss_of(**leaves)
        self.in_threads(loss.backward)
        for name, expected in expected_gradients().items():
            assert_same(leaves[name].grad, expected)

    def test_two_at_once(self):
        expected = expected_gradients()
        results = [inputs() for _ in range(20)]

        def work(mine: list[dict[str, torch.Tensor]]) -> None:
            for leaves in mine:
                loss_of(**leaves).backward()

        self.in_threads(lambda: work(results[::2]), lambda: work(results[1::2]))
        for leaves in results:
            for name in NAMES:
                assert_same(leaves[name].grad, expected[name])

    @pytest.mark.parametrize("start", ["taichi_softras.init()", "pass"], ids=["nothing compiled", "Taichi not running"])
    def test_two_at_once_from_the_start(self, run_python, start):
        script = """
import threading, torch, taichi_softras
from taichi_softras import Camera, Mesh, RasterizeSettings
from taichi_softras.interop import render
START
mesh, failures, gradients = Mesh.icosphere(1), [], []
def work():
    try:
        for _ in range(5):
            v = torch.tensor(mesh.vertices, requires_grad=True)
            image = render(v, mesh.faces, Camera.orbit(elevation=17, azimuth=20), settings=RasterizeSettings(sigma=1e-2), image_size=(13, 21))
            image.alpha.square().sum().backward()
            gradients.append(v.grad)
    except BaseException as error:
        failures.append(repr(error))
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not failures, failures
for gradient in gradients: torch.testing.assert_close(gradient, gradients[0], rtol=1e-4, atol=1e-4)
"""
        run_python(script.replace("START", start))


class TestNoCopies:
    def test_kernels_get_the_tensors_themselves(self, monkeypatch):
        launches = []
        launch = TorchArrays.launch

        def recording(self, kernel, arguments):
            launches.append({tensor.data_ptr() for tensor in arguments if isinstance(tensor, torch.Tensor)})
            launch(self, kernel, arguments)

        leaves = inputs()
        image_of(**leaves)  # the first picture finds out how much room the lists of pairs take
        monkeypatch.setattr(TorchArrays, "launch", recording)
        image = image_of(**leaves)
        assert len(launches) == 3  # see; list the pairs; draw
        in_forward = set().union(*launches)
        assert {leaf.data_ptr() for leaf in leaves.values()} <= in_forward
        assert {image.alpha.data_ptr(), image.color.data_ptr(), image.depth.data_ptr()} <= in_forward
        launches.clear()
        incoming = [torch.ones_like(tensor) for tensor in (image.alpha, image.color, image.depth)]
        torch.autograd.backward([image.alpha, image.color, image.depth], incoming)
        assert len(launches) == 2
        assert {leaf.data_ptr() for leaf in leaves.values()} <= set().union(*launches)


class TestStartingTaichi:
    """The user's Taichi is used as it is, and nothing of it is lost."""

    SCRIPT = """
import json
from taichi_softras.language import ti
ti.init(arch=ti.cpu, log_level=ti.WARN, OPTIONS)
field = ti.field(ti.f32, 4)
field.fill(3)
@ti.kernel
def double():
    for i in field:
        field[i] *= 2
double()
import torch
from taichi_softras import Blending, Camera, Mesh, RasterizeSettings
from taichi_softras.interop import render
from taichi_softras.interop import pytorch3d as p3d
mesh = Mesh.icosphere(1)
v = torch.tensor(mesh.vertices, requires_grad=True)
c = (v.detach()[:, :1] * 0.5 + 0.5).requires_grad_()
image = render(v, mesh.faces, Camera.orbit(elevation=17, azimuth=20), c, settings=RasterizeSettings(sigma=1e-2, gamma=1e-2), image_size=(13, 21))
(image.alpha.sum() + image.color.square().sum() + image.depth.sum()).backward()
w = v.detach().float().requires_grad_()
settings = RasterizeSettings(sigma=1e-2, gamma=1e-2, blending=Blending.COMPOSITE)
layered = render(w, mesh.faces, Camera.orbit(elevation=17, azimuth=20), c.detach().float(), settings=settings, image_size=(13, 21))
R, T = p3d.look_at_view_transform(2.7, 10.0, 20.0)
cameras = p3d.FoVPerspectiveCameras(R=R, T=T)
rasterizer = p3d.MeshRasterizer(cameras, p3d.RasterizationSettings(image_size=16, blur_radius=1e-3, faces_per_pixel=4))
shaded = p3d.MeshRenderer(rasterizer, p3d.SoftPhongShader(cameras=cameras, lights=p3d.PointLights(location=[[2.0, 2.0, 2.0]])))(
    p3d.Meshes([w], [torch.tensor(mesh.faces)], p3d.TexturesVertex([w.detach() * 0.5 + 0.5]))
)
(layered.alpha.sum() + layered.color.sum() + shaded.sum()).backward()
assert field.to_numpy().tolist() == [6, 6, 6, 6]
double()
assert field.to_numpy().tolist() == [12, 12, 12, 12]
print("RESULT", json.dumps([image.alpha.sum().item(), image.color.sum().item(), image.depth.sum().item(), v.grad.tolist(), c.grad.tolist(), w.grad.tolist()]))
"""

    @pytest.mark.parametrize("options", ["", "default_fp=ti.f64, default_ip=ti.i64", "fast_math=False, debug=True, cpu_max_num_threads=1"])
    def test_started_by_the_user(self, run_python, options):
        result = run_python(self.SCRIPT.replace("OPTIONS", options))
        got = json.loads(result.stdout.split("RESULT ")[1])
        assert "Warning" not in result.stderr  # of other defaults nothing is seen: our literals are of 32 bits, or Taichi would remark on every conversion
        if "default_fp" in options:
            assert got == json.loads(run_python(self.SCRIPT.replace("OPTIONS", "")).stdout.split("RESULT ")[1])
        mesh = Mesh.icosphere(1)
        v = torch.tensor(mesh.vertices, requires_grad=True)
        c = (v.detach()[:, :1] * 0.5 + 0.5).requires_grad_()
        image = render(v, mesh.faces, Camera.orbit(elevation=17, azimuth=20), c, settings=RasterizeSettings(sigma=1e-2, gamma=1e-2), image_size=(13, 21))
        (image.alpha.sum() + image.color.square().sum() + image.depth.sum()).backward()
        np.testing.assert_allclose(got[:3], [image.alpha.sum().item(), image.color.sum().item(), image.depth.sum().item()], rtol=1e-5)
        for ours, theirs in ((got[3], v.grad), (got[4], c.grad)):
            np.testing.assert_allclose(ours, theirs.tolist(), rtol=1e-3, atol=1e-5 * theirs.abs().max().item())

    def test_restarted_by_the_user(self, run_python):
        """`ti.init` a second time invalidates the user's arrays, but nothing that we keep."""
        run_python("""
import torch
from taichi_softras.language import ti
from taichi_softras import Camera, Mesh, Topology
from taichi_softras.interop import losses, render
mesh = Mesh.icosphere(1)
topology = Topology.shared(mesh.faces, 42)
def gradient():
    v = torch.tensor(mesh.vertices, requires_grad=True)
    render(v, topology, Camera.orbit(elevation=17, azimuth=20), image_size=8).alpha.square().sum().backward()
    return v.grad
first = gradient()
for _ in range(2):
    ti.init(arch=ti.cpu)
    torch.testing.assert_close(gradient(), first)
""")

    def test_init_keeps_a_running_taichi(self):
        assert taichi_softras.init("cpu") == "cpu"
        assert taichi_softras.current_arch() == "cpu"

    def test_init_refuses_another_backend(self):
        with pytest.raises(RuntimeError, match=r"already runs on cpu, expected vulkan; call taichi_softras.init\('vulkan'\)"):
            taichi_softras.init("vulkan")

    def test_init_refuses_an_unknown_backend(self):
        with pytest.raises(ValueError, match="arch must be one of cpu, cuda, vulkan, metal, auto, got 'gpu'"):
            taichi_softras.init("gpu")

    def test_tensors_elsewhere_than_taichi(self, monkeypatch):
        """As where the user's Taichi runs on Vulkan, whose gradients of tensors are silently wrong."""
        monkeypatch.setattr(bridge, "ensure_initialized", lambda default: "vulkan")
        monkeypatch.setattr(bridge, "_known", {})
        with pytest.raises(RuntimeError, match=r"Taichi runs on vulkan, and the tensors are on cpu; .*call taichi_softras.init\('cpu'\)"):
            image_of(**inputs())


class TestModules:
    MESH = Mesh.icosphere(1)

    def vertices(self) -> torch.Tensor:
        return torch.tensor(self.MESH.vertices, dtype=torch.float64) * torch.linspace(0.9, 1.1, 42, dtype=torch.float64)[:, None]

    def test_soft_renderer(self):
        v, camera = self.vertices(), Camera.orbit(azimuth=[10, 50])
        renderer = SoftRenderer((13, 21), SMOOTH, background=[0.1, 0.2, 0.3])
        for colors in (torch.rand_like(v), None):
            got = renderer(v, self.MESH.faces, camera, colors)
            expected = render(v, self.MESH.faces, camera, colors, background=[0.1, 0.2, 0.3], settings=SMOOTH, image_size=(13, 21))
            assert torch.equal(got.alpha, expected.alpha)
            assert colors is None or torch.equal(got.color, expected.color)
        assert "image_size=(13, 21)" in repr(renderer)

    def test_settings_can_be_exchanged(self):
        v, camera = self.vertices(), Camera.orbit()
        renderer = SoftRenderer(16)
        sharp = renderer(v, self.MESH.faces, camera).alpha
        renderer.settings = RasterizeSettings(sigma=0.1)
        assert not torch.equal(renderer(v, self.MESH.faces, camera).alpha, sharp)

    @pytest.mark.parametrize(
        ("module", "function"),
        [
            (LaplacianLoss, losses.laplacian),
            (FlattenLoss, losses.flatten),
            (EdgeLengthLoss, losses.edge_length),
            (NormalConsistencyLoss, losses.normal_consistency),
        ],
    )
    def test_mesh_losses(self, module, function):
        expected = function(self.vertices(), Connectivity.of(self.MESH.faces, 42))
        for faces in (self.MESH.faces, torch.tensor(self.MESH.faces)):
            torch.testing.assert_close(module(faces, 42)(self.vertices()), expected)
        assert expected.ndim == 0

    def test_silhouette_loss(self):
        a, b = torch.rand(2, 2, 5, 9)
        torch.testing.assert_close(SilhouetteIoULoss()(a, b), losses.silhouette_iou(a, b))


class TestRefused:
    """Before any kernel sees it."""

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64])
    def test_other_dtypes(self, name, dtype):
        leaves = inputs(requires_grad=False)
        with pytest.raises(TypeError, match=f"{name} must be float32 or float64, got {dtype}"):
            image_of(**leaves | {name: leaves[name].to(dtype)})

    @pytest.mark.parametrize("name", NAMES[1:])
    def test_two_dtypes(self, name):
        leaves = inputs(requires_grad=False)
        with pytest.raises(TypeError, match=rf"{name} must have the dtype of vertices \(torch.float64\), got torch.float32"):
            image_of(**leaves | {name: leaves[name].float()})

    @pytest.mark.parametrize("name", NAMES[1:])
    def test_two_devices(self, name):
        leaves = inputs(requires_grad=False)
        with pytest.raises(ValueError, match=rf"{name} must be on the device of vertices \(cpu\), got meta"):
            image_of(**leaves | {name: leaves[name].to("meta")})

    @pytest.mark.parametrize("index", [1, 3])
    def test_another_gpu(self, index):
        """Taichi runs on the first one."""
        sentence = rf"some_op: vertices must be on cuda:0, the GPU that Taichi runs on, got cuda:{index}; start Python with CUDA_VISIBLE_DEVICES={index}"
        with pytest.raises(ValueError, match=sentence):
            check_device("some_op", "vertices", torch.device("cuda", index))
        check_device("some_op", "vertices", torch.device("cuda", 0))

    def test_another_device(self):
        leaves = {name: leaf.to("meta") for name, leaf in inputs(requires_grad=False).items()}
        with pytest.raises(ValueError, match="must be on cpu or cuda, got meta"):
            image_of(**leaves)

    def test_no_tensor(self):
        with pytest.raises(TypeError, match=r"vertices must be a torch.Tensor, got ndarray"):
            render(SCENE.vertices, SCENE.topology, SCENE.camera)
        with pytest.raises(TypeError, match=r"rasterize: vertices_screen must be a torch.Tensor, got list"):
            rasterize([[0, 0, 1]], SCENE.topology)

    def test_losses(self):
        good = torch.rand(1, 4, 4)
        with pytest.raises(TypeError, match=r"silhouette_iou: target must be float32 or float64, got torch.int64"):
            losses.silhouette_iou(good, good.long())
        with pytest.raises(TypeError, match=r"silhouette_iou: target must have the dtype of alpha"):
            losses.silhouette_iou(good, good.double())
        with pytest.raises(TypeError, match=r"laplacian: vertices must be float32 or float64, got torch.float16"):
            losses.laplacian(torch.zeros(3, 3).half(), Connectivity.of([[0, 1, 2]], 3))


class Stream:
    """Of a GPU, and what it was told."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name, self.told = name, told

    def wait_stream(self, other: "Stream") -> None:
        self.told.append(f"{self.name} after {other.name}")


@pytest.mark.parametrize("is_other", [False, True])
def test_streams_are_ordered_by_the_device(is_other: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taichi is on the default stream; the host waits for none. (That the numbers are right: `python -m tests.device`.)"""
    told: list[str] = []
    default = Stream("default", told)
    current = Stream("current", told) if is_other else default
    arrays = TorchArrays(torch.float32, torch.device("cpu"))
    monkeypatch.setattr(arrays, "device", torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: current)
    monkeypatch.setattr(torch.cuda, "default_stream", lambda device: default)
    monkeypatch.setattr("taichi_softras.runtime.arrays.launch", lambda kernel, arguments: told.append("launch"))
    arrays.launch(None, ())
    assert told == (["default after current", "launch", "current after default"] if is_other else ["launch"])


def test_faces_on_a_gpu_are_known_without_asking_it() -> None:
    """By the tensor itself, as long as nobody writes to it."""
    faces = torch.tensor([[0, 1, 2]])
    assert ops._trace_of(faces) is None  # on the CPU they are compared
    trace = (weakref.ref(faces), faces._version)
    assert ops._is_unchanged(trace, faces)
    assert not ops._is_unchanged(trace, faces.clone())
    faces[0, 0] = 1
    assert not ops._is_unchanged(trace, faces)
