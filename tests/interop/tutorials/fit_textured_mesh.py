"""The calls of PyTorch3D's tutorial of this name, small: a sphere takes the shape and then the colours of pictures of a mesh."""
# ruff: noqa: E402

from taichi_softras.interop.pytorch3d import stand_in

stand_in()

import numpy as np
import torch
from pytorch3d.io import load_objs_as_meshes, save_obj
from pytorch3d.loss import mesh_edge_loss, mesh_laplacian_smoothing, mesh_normal_consistency
from pytorch3d.renderer import (
    FoVPerspectiveCameras,
    MeshRasterizer,
    MeshRenderer,
    PointLights,
    RasterizationSettings,
    SoftPhongShader,
    SoftSilhouetteShader,
    TexturesVertex,
    look_at_view_transform,
)
from pytorch3d.utils import ico_sphere

SIZE, STEPS = 32, 25
rng = np.random.RandomState(0)
device = torch.device("cpu")

mesh = load_objs_as_meshes(["textured.obj"], device=device)
verts = mesh.verts_packed()
N = verts.shape[0]
center = verts.mean(0)
scale = max((verts - center).abs().max(0)[0])
mesh.offset_verts_(-center)
mesh.scale_verts_(1.0 / float(scale))

num_views = 6
elev = torch.linspace(0, 360, num_views)
azim = torch.linspace(-180, 180, num_views)
lights = PointLights(device=device, location=[[0.0, 0.0, -3.0]])
R, T = look_at_view_transform(dist=2.7, elev=elev, azim=azim)
cameras = FoVPerspectiveCameras(device=device, R=R, T=T)
camera = FoVPerspectiveCameras(device=device, R=R[None, 1, ...], T=T[None, 1, ...])
raster_settings = RasterizationSettings(image_size=SIZE, blur_radius=0.0, faces_per_pixel=1)
renderer = MeshRenderer(
    rasterizer=MeshRasterizer(cameras=camera, raster_settings=raster_settings), shader=SoftPhongShader(device=device, cameras=camera, lights=lights)
)
meshes = mesh.extend(num_views)
target_images = renderer(meshes, cameras=cameras, lights=lights)
target_rgb = [target_images[i, ..., :3] for i in range(num_views)]
target_cameras = [FoVPerspectiveCameras(device=device, R=R[None, i, ...], T=T[None, i, ...]) for i in range(num_views)]

sigma = 1e-4
raster_settings_silhouette = RasterizationSettings(image_size=SIZE, blur_radius=np.log(1.0 / 1e-4 - 1.0) * sigma, faces_per_pixel=20)
renderer_silhouette = MeshRenderer(rasterizer=MeshRasterizer(cameras=camera, raster_settings=raster_settings_silhouette), shader=SoftSilhouetteShader())
silhouette_images = renderer_silhouette(meshes, cameras=cameras, lights=lights)
target_silhouette = [silhouette_images[i, ..., 3] for i in range(num_views)]


def visualize_prediction(predicted_mesh, renderer=renderer_silhouette, silhouette=False):
    inds = 3 if silhouette else range(3)
    with torch.no_grad():
        predicted_images = renderer(predicted_mesh)
    return predicted_images[0, ..., inds].cpu().detach().numpy()


def update_mesh_shape_prior_losses(mesh, loss):
    loss["edge"] = mesh_edge_loss(mesh)
    loss["normal"] = mesh_normal_consistency(mesh)
    loss["laplacian"] = mesh_laplacian_smoothing(mesh, method="uniform")


src_mesh = ico_sphere(2, device)
num_views_per_iteration = 2
losses = {
    name: {"weight": weight, "values": []} for name, weight in (("silhouette", 1.0), ("edge", 1.0), ("normal", 0.01), ("laplacian", 1.0))
}  # fmt: skip
verts_shape = src_mesh.verts_packed().shape
deform_verts = torch.full(verts_shape, 0.0, device=device, requires_grad=True)
optimizer = torch.optim.SGD([deform_verts], lr=1.0, momentum=0.9)
for i in range(STEPS):
    optimizer.zero_grad()
    new_src_mesh = src_mesh.offset_verts(deform_verts)
    loss = {k: torch.tensor(0.0, device=device) for k in losses}
    update_mesh_shape_prior_losses(new_src_mesh, loss)
    for j in rng.permutation(num_views).tolist()[:num_views_per_iteration]:
        images_predicted = renderer_silhouette(new_src_mesh, cameras=target_cameras[j], lights=lights)
        loss_silhouette = ((images_predicted[..., 3] - target_silhouette[j]) ** 2).mean()
        loss["silhouette"] += loss_silhouette / num_views_per_iteration
    sum_loss = torch.tensor(0.0, device=device)
    for k, value in loss.items():
        sum_loss += value * losses[k]["weight"]
        losses[k]["values"].append(float(value.detach().cpu()))
    if i % 10 == 0:
        shown = visualize_prediction(new_src_mesh, silhouette=True)
    sum_loss.backward()
    optimizer.step()
of_shape = losses

raster_settings_soft = RasterizationSettings(
    image_size=SIZE, blur_radius=np.log(1.0 / 1e-4 - 1.0) * sigma, faces_per_pixel=20, perspective_correct=False
)  # fmt: skip
renderer_textured = MeshRenderer(
    rasterizer=MeshRasterizer(cameras=camera, raster_settings=raster_settings_soft), shader=SoftPhongShader(device=device, cameras=camera, lights=lights)
)
losses = {
    name: {"weight": weight, "values": []} for name, weight in (("rgb", 1.0), ("silhouette", 1.0), ("edge", 1.0), ("normal", 0.01), ("laplacian", 1.0))
}  # fmt: skip
deform_verts = torch.full(verts_shape, 0.0, device=device, requires_grad=True)
sphere_verts_rgb = torch.full([1, verts_shape[0], 3], 0.5, device=device, requires_grad=True)
optimizer = torch.optim.SGD([deform_verts, sphere_verts_rgb], lr=1.0, momentum=0.9)
for i in range(STEPS):
    optimizer.zero_grad()
    new_src_mesh = src_mesh.offset_verts(deform_verts)
    new_src_mesh.textures = TexturesVertex(verts_features=sphere_verts_rgb)
    loss = {k: torch.tensor(0.0, device=device) for k in losses}
    update_mesh_shape_prior_losses(new_src_mesh, loss)
    for j in rng.permutation(num_views).tolist()[:num_views_per_iteration]:
        images_predicted = renderer_textured(new_src_mesh, cameras=target_cameras[j], lights=lights)
        predicted_silhouette = images_predicted[..., 3]
        loss["silhouette"] += ((predicted_silhouette - target_silhouette[j]) ** 2).mean() / num_views_per_iteration
        predicted_rgb = images_predicted[..., :3]
        loss["rgb"] += ((predicted_rgb - target_rgb[j]) ** 2).mean() / num_views_per_iteration
    sum_loss = torch.tensor(0.0, device=device)
    for k, value in loss.items():
        sum_loss += value * losses[k]["weight"]
        losses[k]["values"].append(float(value.detach().cpu()))
    if i % 10 == 0:
        shown = visualize_prediction(new_src_mesh, renderer=renderer_textured, silhouette=False)
    sum_loss.backward()
    optimizer.step()

final_verts, final_faces = new_src_mesh.get_mesh_verts_faces(0)
final_verts = final_verts * scale + center
save_obj("final_model.obj", final_verts, final_faces)
