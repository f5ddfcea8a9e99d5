"""What a user waits for, by names that older builds have, too: ``python daily.py TASK`` is a process that takes some steps for each line that it reads.

It is run as a file, not as a module of ours, so that it measures the build that its Python finds first. It prints a line when it is ready, and one for each
turn: seconds by the clock, seconds of the CPU, both of the fastest of steps one after the other, as in a user's loop. ``daily.py until IOU MESH`` tells how
long a fit takes to be so good.
"""

import sys
import time

import numpy as np

STEPS = 5  # a turn
DISTANCE, FOV = 3.2, 40.0  # of the cameras that `fit` looks at a mesh with
TORCH = {  # faces (subdivisions of an icosphere, or about so many), image size, batch
    "render 1,280 at 64": (1280, 64, 1),
    "render a batch of 8, 1,280 at 64": (1280, 64, 8),
    "render 5,120 at 128": (5120, 128, 1),
    "render 20,480 at 256": (20480, 256, 1),
    "render 100,000 at 512": (100_000, 512, 1),
}
FIT = {"a step of fit, 5,120 faces": 5120, "a step of fit, 20,480 faces": 20480}
SLOTS = {  # PyTorch3D's drop-in: what colours the surface, image size, faces that a pixel keeps
    f"PyTorch3D's SoftPhong, {source}, K = {slots} at {size}": (source, size, slots)
    for source in ("colours", "picture")
    for size in (128, 256)
    for slots in (1, 8, 50)
}
OPEN = "open an OBJ file of a million faces"
OURS = {f"{name}, with our losses": of for name, of in TORCH.items() if "1,280 at 64" not in name or "batch" in name}
TASKS = (*TORCH, *OURS, *(f"tape: {name}" for name in TORCH), *FIT, "soft_renderer, 642 vertices, batch of 8", *SLOTS, OPEN)


def scene(n_faces, size, batch):
    """Vertices, faces and colours of a sphere, the camera, the settings: SoftRas's defaults."""
    import taichi_softras as tsr

    subdivisions = {1280: 3, 5120: 4, 20480: 5}.get(n_faces)
    if subdivisions is None:
        import trimesh

        ball = trimesh.creation.uv_sphere(count=(int((n_faces / 4) ** 0.5) + 1, 2 * int((n_faces / 4) ** 0.5)))
        vertices, faces = np.asarray(ball.vertices), np.asarray(ball.faces, np.int32)
    else:
        ball = tsr.Mesh.icosphere(subdivisions)
        vertices, faces = np.asarray(ball.vertices, np.float64), ball.faces
    camera = tsr.Camera.orbit(2.732, azimuth=list(np.linspace(0, 315, batch))) if batch > 1 else tsr.Camera.orbit(2.732)
    sigma = 1e-5 if n_faces > 50_000 else 1e-4
    settings = tsr.RasterizeSettings(sigma=sigma, gamma=1e-4, cutoff=1e-4, near=1.0, far=100.0)
    return 0.86 * vertices, faces, np.random.default_rng(0).random((len(vertices), 3)), camera, settings


def torch_step(n_faces, size, batch, with_our_losses=False):
    import torch

    import taichi_softras as tsr
    from taichi_softras.interop import losses, render

    vertices, faces, colors, camera, settings = scene(n_faces, size, batch)
    tsr.init("cpu")
    vertices, colors = (torch.tensor(values, dtype=torch.float32, requires_grad=True) for values in (vertices, colors))
    faces = torch.tensor(faces)
    target, alpha = torch.rand(batch, size, size, 3), torch.rand(batch, size, size)

    def step():
        vertices.grad = colors.grad = None
        image = render(vertices, faces, camera, colors, settings=settings, image_size=size)
        if with_our_losses:
            (losses.color_l1(image.color, target) + losses.silhouette_iou(image.alpha, alpha)).backward()
        else:
            ((image.color - target).abs().mean() + image.alpha.mean()).backward()

    return step


def tape_step(n_faces, size, batch):
    import taichi_softras as tsr
    from taichi_softras import losses

    try:
        from taichi_softras.language import ti
    except ImportError:  # builds that knew one runtime
        import taichi as ti

    vertices, faces, colors, camera, settings = scene(n_faces, size, batch)
    tsr.init("cpu")
    renderer = tsr.Renderer(size, settings)
    vertices, colors, loss = renderer.parameter(vertices), renderer.parameter(colors), renderer.parameter(np.zeros(1))
    rng = np.random.default_rng(1)
    alpha, color = renderer.arrays.real(rng.random((batch, size, size))), renderer.arrays.real(rng.random((batch, size, size, 3)))

    def step():
        with ti.ad.Tape(loss):
            image = renderer(vertices, faces, camera, colors)
            losses.silhouette_iou(image.alpha, alpha, into=loss)
            losses.color_l1(image.color, color, alpha, into=loss)
        vertices.grad.to_numpy()

    return step


def fit_step(n_faces):
    """A step near the end of a fit with so many faces: six pictures of the embedded creature, of 128 x 128."""
    import taichi_softras as tsr

    tsr.init("cpu")
    try:
        from taichi_softras.recover import Fit, FitOptions, normal_colors, render_views
        from taichi_softras.scene import creature

        options, stage = FitOptions(steps=400, faces=n_faces), 1
    except ImportError:  # builds before it had a room
        from taichi_softras.fit import Fit, FitOptions
        from taichi_softras.pictures import normal_colors
        from taichi_softras.shapes import creature
        from taichi_softras.views import render_views

        options, stage = FitOptions(steps=400), {5120: 1, 20480: 2}[n_faces]
    camera = tsr.Camera.orbit(2.732, azimuth=list(np.linspace(0, 345, 24)), elevation=list(30 * np.sin(np.arange(24.0))))
    fit = Fit(render_views(normal_colors(creature()), camera, (128, 128), tuple(f"r_{i}" for i in range(24))), options)
    while fit.stage < stage:
        fit.step()
    return fit.step


def until(iou, path):
    """A fit of the mesh at ``path`` from 36 pictures of 128 x 128, from its beginning until its IoU on 12 others is so high. (To measure it does not count.)"""
    import taichi_softras as tsr

    tsr.init("cpu")
    try:
        from taichi_softras.recover import Fit, render_views, score, seen_from
    except ImportError:
        from taichi_softras.fit import Fit, score
        from taichi_softras.views import render_views

        seen_from = None
    mesh = tsr.Mesh.load(path).normalized()
    views = []
    for n, turn in ((36, 0.0), (12, 50.0)):
        camera = tsr.Camera.all_around(n, DISTANCE, turn, fov=FOV)
        views.append(render_views(mesh, camera, (128, 128), tuple(f"r_{i}" for i in range(n))))
    train, test = views

    def run():
        began, cpu = time.perf_counter(), time.process_time()
        fit, measured, measured_cpu = Fit(train), 0.0, 0.0
        while True:
            since, since_cpu = time.perf_counter(), time.process_time()
            reached = score(seen_from(test, fit.mesh, samples=1) if seen_from else fit.render(fit.mesh, test, samples=1), test).iou >= iou
            measured, measured_cpu = measured + time.perf_counter() - since, measured_cpu + time.process_time() - since_cpu
            if reached or fit.done:
                break
            for _ in range(10):
                if not fit.done:
                    fit.step()
        if not reached:
            raise RuntimeError(f"the fit ended below an IoU of {iou}")
        return time.perf_counter() - began - measured, time.process_time() - cpu - measured_cpu

    return run


def soft_renderer_step():
    import torch

    import taichi_softras as tsr
    from taichi_softras.interop import soft_renderer as sr

    ball = tsr.Mesh.icosphere(3)
    tsr.init("cpu")
    vertices = torch.tensor(0.86 * np.asarray(ball.vertices), dtype=torch.float32)[None].repeat(8, 1, 1).requires_grad_()
    faces, textures = torch.tensor(ball.faces)[None].repeat(8, 1, 1), torch.rand(8, 1280, 1, 3)
    renderer = sr.SoftRenderer(image_size=64, sigma_val=1e-4, camera_mode="look_at", light_intensity_directionals=0.0, light_intensity_ambient=1.0)
    renderer.transform.set_eyes_from_angles(*(torch.full((8,), value) for value in (2.732, 0.0, 0.0)))

    def step():
        vertices.grad = None
        renderer(vertices, faces, textures).mean().backward()

    return step


def slots_step(source, size, slots):
    """SoftPhong on 5,120 faces, with colours at the vertices or a picture of 256 x 256; gradients go to the vertices, and to these."""
    import math

    import torch

    import taichi_softras as tsr
    from taichi_softras.interop import pytorch3d as p3d

    ball, generator = tsr.Mesh.icosphere(4), torch.Generator().manual_seed(0)
    tsr.init("cpu")
    verts, faces = torch.tensor(ball.vertices, dtype=torch.float32).requires_grad_(), torch.tensor(ball.faces)
    shown = torch.rand((256, 256, 3) if source == "picture" else verts.shape, generator=generator).requires_grad_()
    x, y, z = verts.detach().unbind(1)
    uvs = torch.stack([torch.atan2(x, z) / (2 * math.pi) + 0.5, y / 2 + 0.5], 1)
    R, T = p3d.look_at_view_transform(2.7, 10.0, 20.0)
    cameras = p3d.FoVPerspectiveCameras(R=R, T=T)
    settings = p3d.RasterizationSettings(image_size=size, blur_radius=math.log(1 / 1e-4 - 1) * 1e-4, faces_per_pixel=slots)
    shader = p3d.SoftPhongShader(cameras=cameras, lights=p3d.PointLights(location=[[2.0, 2.0, 2.0]]), blend_params=p3d.BlendParams(1e-4, 1e-4))
    renderer = p3d.MeshRenderer(p3d.MeshRasterizer(cameras, settings), shader)
    wanted = torch.rand(1, size, size, 4, generator=generator)

    def step():
        verts.grad = shown.grad = None
        textures = p3d.TexturesUV([shown], [faces], [uvs]) if source == "picture" else p3d.TexturesVertex([shown])
        renderer(p3d.Meshes([verts], [faces], textures)).backward(wanted)

    return step


def open_step(n_faces):
    """A wavy sheet without texture coordinates."""
    import tempfile
    from pathlib import Path

    import taichi_softras as tsr

    side = round((n_faces / 2) ** 0.5)
    u, v = (axis.ravel() / side for axis in np.mgrid[: side + 1, : side + 1])
    vertices = np.stack([u, v, 0.1 * np.sin(7 * u) * np.cos(5 * v)], 1) + np.random.default_rng(0).normal(0, 1e-4, (len(u), 3))
    a = (np.arange(side)[:, None] * (side + 1) + np.arange(1, side + 1)).ravel()
    b, c, d = a + side + 1, a + side + 2, a + 1
    faces = np.stack([a, b, c, a, c, d], 1).reshape(-1, 3)
    folder = tempfile.TemporaryDirectory()  # it goes with the process
    path = Path(folder.name) / "sheet.obj"
    with path.open("w") as file:
        file.writelines(f"v {x:.9g} {y:.9g} {z:.9g}\n" for x, y, z in vertices.tolist())
        file.writelines(f"f {i} {j} {k}\n" for i, j, k in faces.tolist())

    def step(folder=folder):
        tsr.Mesh.load(path)

    return step


def main():
    task = sys.argv[1]
    if task in TORCH:
        step = torch_step(*TORCH[task])
    elif task in OURS:
        step = torch_step(*OURS[task], with_our_losses=True)
    elif task.startswith("tape: "):
        step = tape_step(*TORCH[task.removeprefix("tape: ")])
    elif task in FIT:
        step = fit_step(FIT[task])
    elif task == OPEN:
        step = open_step(1_000_000)
    elif task in SLOTS:
        step = slots_step(*SLOTS[task])
    elif task == "until":
        run = until(float(sys.argv[2]), sys.argv[3])
        run()
        print("ready", flush=True)
        for _ in sys.stdin:
            print(*run(), flush=True)
        return
    else:
        step = soft_renderer_step()
    for _ in range(3):
        step()
    print("ready", flush=True)
    for _ in sys.stdin:
        took = []
        for _ in range(STEPS):
            began, cpu = time.perf_counter(), time.process_time()
            step()
            took.append((time.perf_counter() - began, time.process_time() - cpu))
        print(min(clock for clock, _ in took), min(cpu for _, cpu in took), flush=True)


if __name__ == "__main__":
    main()
