"""The calls of PyTorch3D's tutorial of this name, small: a mesh with a picture is seen from several sides, lit from others, with other materials."""
# ruff: noqa: E402

from taichi_softras.interop.pytorch3d import stand_in

stand_in()

import torch
from pytorch3d.io import load_obj, load_objs_as_meshes
from pytorch3d.renderer import (
    FoVPerspectiveCameras,
    Materials,
    MeshRasterizer,
    MeshRenderer,
    PointLights,
    RasterizationSettings,
    SoftPhongShader,
    TexturesVertex,
    look_at_view_transform,
)
from pytorch3d.structures import Meshes

device = torch.device("cpu")
mesh = load_objs_as_meshes(["textured.obj"], device=device)
texture_image = mesh.textures.maps_padded().squeeze().cpu().numpy()

R, T = look_at_view_transform(2.7, 0, 180)
cameras = FoVPerspectiveCameras(device=device, R=R, T=T)
raster_settings = RasterizationSettings(image_size=32, blur_radius=0.0, faces_per_pixel=1)
lights = PointLights(device=device, location=[[0.0, 0.0, -3.0]])
renderer = MeshRenderer(
    rasterizer=MeshRasterizer(cameras=cameras, raster_settings=raster_settings), shader=SoftPhongShader(device=device, cameras=cameras, lights=lights)
)
lit = renderer(mesh)

lights.location = torch.tensor([0.0, 0.0, +1.0], device=device)[None]
from_behind = renderer(mesh, lights=lights)

R, T = look_at_view_transform(dist=2.7, elev=10, azim=-150)
cameras = FoVPerspectiveCameras(device=device, R=R, T=T)
lights.location = torch.tensor([[2.0, 2.0, -2.0]], device=device)
materials = Materials(device=device, specular_color=[[0.0, 1.0, 0.0]], shininess=10.0)
green = renderer(mesh, lights=lights, materials=materials, cameras=cameras)

batch_size = 4
meshes = mesh.extend(batch_size)
elev = torch.linspace(0, 180, batch_size)
azim = torch.linspace(-180, 180, batch_size)
R, T = look_at_view_transform(dist=2.7, elev=elev, azim=azim)
cameras = FoVPerspectiveCameras(device=device, R=R, T=T)
lights.location = torch.tensor([[0.0, 0.0, -3.0]], device=device)
around = renderer(meshes, cameras=cameras, lights=lights).cpu().numpy()

verts, faces_idx, _ = load_obj("textured.obj")
faces = faces_idx.verts_idx
verts_rgb = torch.ones_like(verts)[None]
textures = TexturesVertex(verts_features=verts_rgb.to(device))
white = Meshes(verts=[verts.to(device)], faces=[faces.to(device)], textures=textures)
mesh_batch = Meshes(verts=[verts.to(device), (verts + 2).to(device)], faces=[faces.to(device), faces.to(device)])
mesh_4 = mesh_batch.extend(2)
