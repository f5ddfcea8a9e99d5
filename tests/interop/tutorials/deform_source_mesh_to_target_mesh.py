"""The calls of PyTorch3D's tutorial of this name, small: a sphere is deformed until points drawn from it lie where those of a target do."""
# ruff: noqa: E402

from taichi_softras.interop.pytorch3d import stand_in

stand_in()

import torch
from pytorch3d.io import load_obj, save_obj
from pytorch3d.loss import chamfer_distance, mesh_edge_loss, mesh_laplacian_smoothing, mesh_normal_consistency
from pytorch3d.ops import sample_points_from_meshes
from pytorch3d.structures import Meshes
from pytorch3d.utils import ico_sphere

STEPS, POINTS = 60, 500
torch.manual_seed(0)
device = torch.device("cpu")

verts, faces, aux = load_obj("target.obj")
faces_idx = faces.verts_idx.to(device)
verts = verts.to(device)
center = verts.mean(0)
verts = verts - center
scale = max(verts.abs().max(0)[0])
verts = verts / scale
trg_mesh = Meshes(verts=[verts], faces=[faces_idx])
src_mesh = ico_sphere(2, device)

for mesh in (trg_mesh, src_mesh):
    x, y, z = sample_points_from_meshes(mesh, POINTS).clone().detach().cpu().squeeze().unbind(1)
    assert x.shape == y.shape == z.shape == (POINTS,)

deform_verts = torch.full(src_mesh.verts_packed().shape, 0.0, device=device, requires_grad=True)
optimizer = torch.optim.SGD([deform_verts], lr=1.0, momentum=0.9)
weights = {"chamfer": 1.0, "edge": 1.0, "normal": 0.01, "laplacian": 0.1}
losses: dict[str, list[float]] = {name: [] for name in weights}

for _ in range(STEPS):
    optimizer.zero_grad()
    new_src_mesh = src_mesh.offset_verts(deform_verts)
    sample_trg = sample_points_from_meshes(trg_mesh, POINTS)
    sample_src = sample_points_from_meshes(new_src_mesh, POINTS)
    loss_chamfer, _ = chamfer_distance(sample_trg, sample_src)
    loss_edge = mesh_edge_loss(new_src_mesh)
    loss_normal = mesh_normal_consistency(new_src_mesh)
    loss_laplacian = mesh_laplacian_smoothing(new_src_mesh, method="uniform")
    loss = loss_chamfer * 1.0 + loss_edge * 1.0 + loss_normal * 0.01 + loss_laplacian * 0.1
    for name, value in zip(losses, (loss_chamfer, loss_edge, loss_normal, loss_laplacian), strict=True):
        losses[name].append(float(value.detach().cpu()))
    loss.backward()
    optimizer.step()

final_verts, final_faces = new_src_mesh.get_mesh_verts_faces(0)
final_verts = final_verts * scale + center
save_obj("final_model.obj", final_verts, final_faces)
