"""The calls of PyTorch3D's tutorial of camera positions, small: a camera moves until it sees the silhouette that another has seen."""
# ruff: noqa: E402

from taichi_softras.interop.pytorch3d import stand_in

stand_in()

import numpy as np
import torch
from pytorch3d.io import load_obj
from pytorch3d.renderer import (
    BlendParams,
    FoVPerspectiveCameras,
    HardPhongShader,
    MeshRasterizer,
    MeshRenderer,
    PointLights,
    RasterizationSettings,
    SoftSilhouetteShader,
    TexturesVertex,
    look_at_rotation,
    look_at_view_transform,
)
from pytorch3d.structures import Meshes
from torch import nn

SIZE, STEPS = 48, 60
device = torch.device("cpu")

verts, faces_idx, _ = load_obj("target.obj")
faces = faces_idx.verts_idx
verts_rgb = torch.ones_like(verts)[None]
textures = TexturesVertex(verts_features=verts_rgb.to(device))
teapot_mesh = Meshes(verts=[verts.to(device)], faces=[faces.to(device)], textures=textures)

cameras = FoVPerspectiveCameras(device=device)
blend_params = BlendParams(sigma=1e-4, gamma=1e-4)
raster_settings = RasterizationSettings(image_size=SIZE, blur_radius=np.log(1.0 / 1e-4 - 1.0) * blend_params.sigma, faces_per_pixel=30)
silhouette_renderer = MeshRenderer(
    rasterizer=MeshRasterizer(cameras=cameras, raster_settings=raster_settings), shader=SoftSilhouetteShader(blend_params=blend_params)
)
raster_settings = RasterizationSettings(image_size=SIZE, blur_radius=0.0, faces_per_pixel=1)
lights = PointLights(device=device, location=((2.0, 2.0, -2.0),))
phong_renderer = MeshRenderer(
    rasterizer=MeshRasterizer(cameras=cameras, raster_settings=raster_settings), shader=HardPhongShader(device=device, cameras=cameras, lights=lights)
)

distance, elevation, azimuth = 3, 50.0, 0.0
R, T = look_at_view_transform(distance, elevation, azimuth, device=device)
silhouette = silhouette_renderer(meshes_world=teapot_mesh, R=R, T=T).cpu().numpy()
image_ref = phong_renderer(meshes_world=teapot_mesh, R=R, T=T).cpu().numpy()


class Model(nn.Module):
    def __init__(self, meshes, renderer, image_ref):
        super().__init__()
        self.meshes = meshes
        self.device = meshes.device
        self.renderer = renderer
        image_ref = torch.from_numpy((image_ref[..., :3].max(-1) != 1).astype(np.float32))
        self.register_buffer("image_ref", image_ref)
        self.camera_position = nn.Parameter(torch.from_numpy(np.array([1.5, 3.2, +1.2], dtype=np.float32)).to(meshes.device))

    def forward(self):
        R = look_at_rotation(self.camera_position[None, :], device=self.device)
        T = -torch.bmm(R.transpose(1, 2), self.camera_position[None, :, None])[:, :, 0]
        image = self.renderer(meshes_world=self.meshes.clone(), R=R, T=T)
        loss = torch.sum((image[..., 3] - self.image_ref) ** 2)
        return loss, image


model = Model(meshes=teapot_mesh, renderer=silhouette_renderer, image_ref=image_ref).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
losses = []
for i in range(STEPS):
    optimizer.zero_grad()
    loss, _ = model()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if i % 20 == 0:
        R = look_at_rotation(model.camera_position[None, :], device=model.device)
        T = -torch.bmm(R.transpose(1, 2), model.camera_position[None, :, None])[:, :, 0]
        image = phong_renderer(meshes_world=model.meshes.clone(), R=R, T=T)[0, ..., :3].detach().squeeze().cpu().numpy()
