"""The calls with which PyTorch3D's tutorial of textured meshes ends: figures of texture coordinates, and of meshes."""
# ruff: noqa: E402

from taichi_softras.interop.pytorch3d import stand_in

stand_in()

import torch
from pytorch3d.io import load_obj, load_objs_as_meshes
from pytorch3d.renderer import TexturesVertex
from pytorch3d.structures import Meshes
from pytorch3d.vis.plotly_vis import AxisArgs, plot_batch_individually, plot_scene
from pytorch3d.vis.texture_vis import texturesuv_image_matplotlib

mesh = load_objs_as_meshes(["textured.obj"], device="cpu")
texturesuv_image_matplotlib(mesh.textures, subsample=None)

verts, faces_idx, _ = load_obj("textured.obj")
faces = faces_idx.verts_idx
mesh = Meshes(verts=[verts], faces=[faces], textures=TexturesVertex(verts_features=torch.ones_like(verts)[None]))
figures = [plot_scene({"subplot1": {"cow_mesh": mesh}})]
figures.append(plot_scene({"subplot1": {"cow_mesh": Meshes(verts=[verts], faces=[faces])}}))
mesh_batch = Meshes(verts=[verts, verts + 2], faces=[faces, faces])
figures.append(plot_scene({"subplot1": {"cow_mesh_batch": mesh_batch}}))
figures.append(plot_scene({"subplot1": {"cow_mesh1": mesh_batch[0], "cow_mesh2": mesh_batch[1]}}))
figures.append(plot_scene({"subplot1": {"cow_mesh1": mesh_batch[0]}, "subplot2": {"cow_mesh2": mesh_batch[1]}}))
mesh_4 = mesh_batch.extend(2)
blue, red, green = ({"backgroundcolor": color} for color in ("rgb(200, 200, 230)", "rgb(230, 200, 200)", "rgb(200, 230, 200)"))
axes = {"xaxis": blue, "yaxis": red, "zaxis": green, "axis_args": AxisArgs(showgrid=True)}
figures.append(plot_batch_individually(mesh_4, ncols=2, subplot_titles=["cow1", "cow2", "cow3", "cow4"], **axes))
