"""The calls of Kaolin's DIB-R tutorial, in its order, with nothing but `stand_in` before them: a sphere becomes what pictures show, in a time line.

Plan: the pictures are made here, of an ellipsoid with colours, in the layout of the Data Generator; then a program of our own makes the calls, small, in a
process of its own (it takes the name ``kaolin``). Its losses fall below a bound, its shape becomes the ellipsoid's, and USD's library reads what it wrote.
"""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

import taichi_softras as tsr
from taichi_softras.interop import kaolin as kal

SIDE, N_VIEWS, FOV = 48, 8, math.radians(40)
RADII = np.array([0.9, 0.6, 0.7])

PROGRAM = """
import glob, os, sys
from taichi_softras.interop.kaolin import stand_in
stand_in()

import matplotlib
matplotlib.use("Agg")
import torch
from matplotlib import pyplot as plt

import kaolin as kal

device = "cuda" if torch.cuda.is_available() else "cpu"
rendered_path, sphere_path, logs_path = sys.argv[1:4] if len(sys.argv) > 3 else PATHS
timelapse = kal.visualize.Timelapse(logs_path)
torch.manual_seed(0)

num_epoch, batch_size, laplacian_weight, image_weight, mask_weight = 14, 2, 0.03, 0.1, 1.0
texture_lr, vertice_lr, texture_res = 5e-2, 1e-2, 32
test_batch_ids = [0, 3, 5]
test_batch_size = len(test_batch_ids)

num_views = len(glob.glob(os.path.join(rendered_path, "*_rgb.png")))
train_data = [kal.io.render.import_synthetic_view(rendered_path, i, rgb=True, semantic=True) for i in range(num_views)]
dataloader = torch.utils.data.DataLoader(train_data, batch_size=batch_size, shuffle=True)

mesh = kal.io.obj.import_mesh(sphere_path, with_materials=True)
mesh = mesh.to_batched().to(device)
mesh.vertices = mesh.vertices * 0.75
mesh.vertices.requires_grad = True
mesh.face_uvs[..., 1] = 1 - mesh.face_uvs[..., 1]
texture_map = torch.ones((1, 3, texture_res, texture_res), dtype=torch.float, device=device, requires_grad=True)
timelapse.add_mesh_batch(
    iteration=0,
    category="optimized_mesh",
    faces_list=[mesh.faces.cpu()],
    uvs_list=[mesh.uvs[0, ...].cpu()],
    face_uvs_idx_list=[mesh.face_uvs_idx[0, ...].cpu()],
)

vertices_init = mesh.vertices.clone().detach()
vertices_init.requires_grad = False
vertice_shift = torch.zeros((3,), dtype=torch.float, device=device, requires_grad=True)
nb_faces, nb_vertices = mesh.faces.shape[0], vertices_init.shape[1]
vertices_laplacian_matrix = kal.ops.mesh.uniform_laplacian(nb_vertices, mesh.faces)

vertices_optim = torch.optim.Adam(params=[mesh.vertices, vertice_shift], lr=vertice_lr)
texture_optim = torch.optim.Adam(params=[texture_map], lr=texture_lr)
vertices_scheduler = torch.optim.lr_scheduler.StepLR(vertices_optim, step_size=8, gamma=0.5)
texture_scheduler = torch.optim.lr_scheduler.StepLR(texture_optim, step_size=8, gamma=0.5)


def render(in_batch_size, cam_proj, cam_transform, img_shape):
    vertices_batch = kal.ops.pointcloud.center_points(mesh.vertices) + vertice_shift
    face_vertices_camera, face_vertices_image, face_normals = kal.render.mesh.prepare_vertices(
        vertices_batch.repeat(in_batch_size, 1, 1), mesh.faces, cam_proj, camera_transform=cam_transform
    )
    face_attributes = [mesh.face_uvs.repeat(in_batch_size, 1, 1, 1), torch.ones((in_batch_size, nb_faces, 3, 1), device=device)]
    image_features, soft_mask, face_idx = kal.render.mesh.dibr_rasterization(
        img_shape[0], img_shape[1], face_vertices_camera[:, :, :, -1], face_vertices_image, face_attributes, face_normals[:, :, -1], rast_backend="cuda"
    )
    texture_coords, mask = image_features
    image = kal.render.mesh.texture_mapping(texture_coords, texture_map.repeat(in_batch_size, 1, 1, 1), mode="bilinear")
    return torch.clamp(image * mask, 0.0, 1.0), soft_mask


for epoch in range(num_epoch):
    losses = []
    for data in dataloader:
        vertices_optim.zero_grad()
        texture_optim.zero_grad()
        gt_image, gt_mask = data["rgb"].to(device), data["semantic"].to(device)
        cam_transform, cam_proj = data["metadata"]["cam_transform"].to(device), data["metadata"]["cam_proj"].to(device)
        image, soft_mask = render(batch_size, cam_proj, cam_transform, gt_image.shape[1:])
        image_loss = torch.mean(torch.abs(image - gt_image))
        mask_loss = kal.metrics.render.mask_iou(soft_mask, gt_mask.squeeze(-1))
        vertices_mov = mesh.vertices - vertices_init
        laplacian_loss = torch.mean(torch.matmul(vertices_laplacian_matrix, vertices_mov) ** 2) * nb_vertices * 3
        loss = image_loss * image_weight + mask_loss * mask_weight + laplacian_loss * laplacian_weight
        loss.backward()
        vertices_optim.step()
        texture_optim.step()
        losses.append([float(loss), float(image_loss), float(mask_loss)])
    vertices_scheduler.step()
    texture_scheduler.step()
    print("EPOCH", *torch.tensor(losses).mean(0).tolist())
    pbr_material = [{"rgb": kal.render.materials.PBRMaterial(diffuse_texture=torch.clamp(texture_map[0], 0.0, 1.0))}]
    vertices_batch = kal.ops.pointcloud.center_points(mesh.vertices) + vertice_shift
    timelapse.add_mesh_batch(iteration=epoch, category="optimized_mesh", vertices_list=[vertices_batch[0]], materials_list=pbr_material)

with torch.no_grad():
    data_batch = [train_data[idx] for idx in test_batch_ids]
    cam_transform = torch.stack([data["metadata"]["cam_transform"] for data in data_batch], dim=0).to(device)
    cam_proj = torch.stack([data["metadata"]["cam_proj"] for data in data_batch], dim=0).to(device)
    image, soft_mask = render(test_batch_size, cam_proj, cam_transform, [64, 64])
    f, axarr = plt.subplots(1, test_batch_size, figsize=(7, 22))
    for i in range(test_batch_size):
        axarr[i].imshow(image[i].cpu().detach())
plt.figure(figsize=(10, 10))
plt.imshow(torch.clamp(texture_map[0], 0.0, 1.0).cpu().detach().permute(1, 2, 0))
print("RADII", *vertices_batch[0].detach().abs().amax(0).tolist())
"""


def sphere(n_around: int = 16, n_up: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces, and texture coordinates with a seam, of the unit sphere."""
    column, row = np.meshgrid(np.arange(n_around + 1), np.arange(n_up + 1))
    uvs = np.stack([column / n_around, row / n_up], -1).reshape(-1, 2)
    azimuth, polar = 2 * np.pi * uvs[:, 0], np.pi * (1 - uvs[:, 1])
    points = np.stack([np.sin(polar) * np.sin(azimuth), np.cos(polar), np.sin(polar) * np.cos(azimuth)], 1)
    corner = (row[:-1, :-1] * (n_around + 1) + column[:-1, :-1]).ravel()
    face_uvs = np.concatenate([np.stack([corner, corner + 1, corner + n_around + 2], 1), np.stack([corner, corner + n_around + 2, corner + n_around + 1], 1)])
    _, first, same = np.unique(points.round(6), axis=0, return_index=True, return_inverse=True)
    faces = same.reshape(-1)[face_uvs]
    whole = (faces != np.roll(faces, 1, 1)).all(1)
    return points[first], faces[whole], uvs, face_uvs[whole]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sphere as an OBJ file, and pictures of an ellipsoid."""
    folder = tmp_path_factory.mktemp("tutorial")
    points, faces, uvs, face_uvs = sphere()
    tsr.Mesh(vertices=points, faces=faces, uvs=uvs, face_uvs=face_uvs).save(folder / "sphere.obj")
    (folder / "views").mkdir()
    vertices = torch.tensor(points * RADII, dtype=torch.float32)[None]
    index = torch.from_numpy(faces)
    projection = kal.render.camera.generate_perspective_projection(FOV)
    for i in range(N_VIEWS):
        angle, height = 2 * math.pi * i / N_VIEWS, 0.8 * (-1) ** i
        eye = torch.tensor([[2.4 * math.sin(angle), height, 2.4 * math.cos(angle)]])
        transform = kal.render.camera.generate_transformation_matrix(eye, torch.zeros(1, 3), torch.tensor([[0.0, 1.0, 0.0]]))
        corners, in_image, normals = kal.render.mesh.prepare_vertices(vertices, index, projection, camera_transform=transform)
        colors = kal.ops.mesh.index_vertices_by_faces(vertices * 0.5 + 0.5, index)
        image, face_index = kal.render.mesh.rasterize(SIDE, SIDE, corners[..., 2], in_image, colors, normals[..., 2] >= 0)
        Image.fromarray((image[0].numpy() * 255).round().astype(np.uint8)).save(folder / f"views/{i}_rgb.png")
        np.save(folder / f"views/{i}_semantic.npy", (face_index[0, ..., None] >= 0).numpy().astype(np.int32))
        told = {
            "camera_properties": {
                "tf_mat": torch.cat([transform[0], torch.tensor([[0.0], [0.0], [0.0], [1.0]])], 1).tolist(),
                "resolution": {"width": SIDE, "height": SIDE},
                "focal_length": 0.5 / math.tan(FOV / 2),
                "horizontal_aperture": 1.0,
                "clipping_range": [0.1, 10.0],
            },
            "asset_transforms": [["sphere", np.eye(4).tolist()]],
        }
        (folder / f"views/{i}_metadata.json").write_text(json.dumps(told))
    return folder


def test_dibr_tutorial(folder, run_python):
    Usd = pytest.importorskip("pxr.Usd", reason="usd-core is an optional extra")
    from pxr import UsdGeom, UsdShade

    paths = tuple(str(folder / name) for name in ("views", "sphere.obj", "logs"))
    said = run_python(f"PATHS = {paths!r}\n{PROGRAM}").stdout
    epochs = np.array([line.split()[1:] for line in said.splitlines() if line.startswith("EPOCH")], float)
    radii = np.array(next(line.split()[1:] for line in said.splitlines() if line.startswith("RADII")), float)
    assert len(epochs) == 14
    loss, image_loss, mask_loss = epochs[-1]
    assert loss < 0.06, epochs[:, 0]
    assert image_loss < 0.03, epochs[:, 1]
    assert mask_loss < 0.05, epochs[:, 2]
    assert epochs[0, 0] > 4 * loss
    np.testing.assert_allclose(radii, RADII, atol=0.1)  # 0.75 each at first

    stage = Usd.Stage.Open(str(folder / "logs/optimized_mesh/mesh_0.usd"))
    mesh = UsdGeom.Mesh(stage.GetDefaultPrim())
    assert stage.GetEndTimeCode() == 13
    assert mesh.GetPointsAttr().GetTimeSamples() == list(range(14))
    _, faces, uvs, face_uvs = sphere()
    np.testing.assert_array_equal(np.array(mesh.GetFaceVertexIndicesAttr().Get(0)).reshape(-1, 3), faces)
    np.testing.assert_allclose(np.abs(np.array(mesh.GetPointsAttr().Get(13))).max(0), radii, atol=1e-5)
    st = UsdGeom.PrimvarsAPI(mesh.GetPrim()).GetPrimvar("st")
    np.testing.assert_allclose(np.array(st.ComputeFlattened(0)).reshape(-1, 3, 2), uvs[face_uvs], atol=1e-6)
    material, _ = UsdShade.MaterialBindingAPI(mesh.GetPrim()).ComputeBoundMaterial()
    assert str(material.GetPath()) == "/mesh_0/rgb"
    textures = sorted(path.name for path in (folder / "logs/optimized_mesh/textures").iterdir())
    assert textures == sorted(f"mesh_0_rgb_{i}_diffuse.png" for i in range(14))
    with Image.open(folder / "logs/optimized_mesh/textures/mesh_0_rgb_13_diffuse.png") as picture:
        assert picture.size == (32, 32)

    parser = kal.visualize.TimelapseParser(folder / "logs")
    assert parser.dir_info["mesh"] == [{"category": "optimized_mesh", "ids": [0], "end_time": 13}]
    read = kal.io.usd.import_mesh(parser.get_file_path("mesh", "optimized_mesh", 0), with_materials=True, time=13)
    np.testing.assert_array_equal(read.faces, faces)
    np.testing.assert_allclose(read.face_uvs[..., 1], 1 - uvs[face_uvs][..., 1], atol=1e-6)
    assert read.materials[0].diffuse_texture.shape == (32, 32, 3)
