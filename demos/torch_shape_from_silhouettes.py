"""A sphere becomes a creature, by gradient descent on its silhouettes in a torch training loop. Writes out/silhouettes/{mesh.glb,sheet.png}."""

import numpy as np
import torch

import taichi_softras as tsr
from taichi_softras.interop import FlattenLoss, LaplacianLoss, SoftRenderer, losses
from taichi_softras.recover import save_picture
from taichi_softras.scene import creature

STEPS = 300
SHARP = tsr.RasterizeSettings(sigma=1e-6, silhouette=tsr.Silhouette.HARD)

target = creature(4)
camera = tsr.Camera.orbit(3.2, elevation=np.tile([-40.0, 0.0, 40.0], 8), azimuth=np.arange(24) * 15.0, fov=40)
silhouettes = torch.from_numpy(tsr.render_mesh(target, camera, 64, SHARP).alpha)

sphere = tsr.Mesh.icosphere(3, radius=0.6)
base, faces = torch.from_numpy(sphere.vertices), torch.from_numpy(sphere.faces)
moves = torch.zeros_like(base, requires_grad=True)
render = SoftRenderer(64, tsr.RasterizeSettings(sigma=3e-4))
laplacian, flatten = LaplacianLoss(faces, len(base)), FlattenLoss(faces, len(base))
optimizer = torch.optim.Adam([moves], lr=0.01, betas=(0.5, 0.95))

for step in range(STEPS):
    views = np.random.default_rng(step).choice(len(camera), 8, replace=False)
    vertices = base + moves
    alpha = render(vertices, faces, camera[views]).alpha
    loss = losses.silhouette_iou(alpha, silhouettes[views]) + 0.03 * laplacian(vertices) + 0.0003 * flatten(vertices)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0 or step == STEPS - 1:
        print(f"step {step:3d}: loss {loss.item():.4f}")

mesh = tsr.Mesh(vertices=(base + moves).detach().numpy(), faces=sphere.faces)
mesh.save("out/silhouettes/mesh.glb")
result = tsr.render_mesh(mesh, camera, 64, SHARP).alpha
rows = [np.concatenate(list(images[::3]), axis=1) for images in (silhouettes.numpy(), result)]
save_picture("out/silhouettes/sheet.png", np.repeat(np.concatenate(rows)[..., None], 3, axis=2))
print("out/silhouettes holds mesh.glb and sheet.png: targets above, results below")
