"""OFF files, as PyTorch3D reads and writes them. (They are read as `taichi_softras.Mesh` reads them.)"""

from typing import Any

import numpy as np
import torch

from ....checks import check_finite
from ....scene import off_text, read_off_content
from ..renderer.mesh.textures import TexturesAtlas, TexturesVertex
from ..structures import Meshes
from .obj_io import decimals
from .pluggable_formats import MeshFormatInterpreter, check_options, endswith
from .ply_io import in_turn, on_device, triangles_of_polygons
from .utils import opened, written

__all__ = ["MeshOffFormat"]


class MeshOffFormat(MeshFormatInterpreter):
    """OFF files, for `IO`, with `TexturesVertex` of the colours of vertices, else `TexturesAtlas` of one texel of those of faces. Written with
    ``decimal_places``."""

    known_suffixes = (".off",)

    def read(self, path: Any, include_textures: bool, device: Any, path_manager: Any, **kwargs: Any) -> Meshes | None:
        if not endswith(path, self.known_suffixes):
            return None
        check_options("load_mesh", kwargs)
        files, data = opened("load_mesh", path, path_manager)
        subject = f"load_mesh: {files.path}"
        content = read_off_content(subject, data)
        check_finite("load_mesh", f"the vertices of {files.path}", content.vertices)
        faces = triangles_of_polygons(subject, content.corners, content.sizes, len(content.vertices)).to(device)
        of_faces = None if content.face_colors is None else in_turn(np.repeat(content.face_colors, content.sizes - 2, axis=0), content.sizes)
        colors, face_colors = on_device(content.colors, device), on_device(of_faces, device)
        textures: TexturesAtlas | TexturesVertex | None = None
        if include_textures and colors is not None:
            textures = TexturesVertex([colors])
        elif include_textures and face_colors is not None:
            textures = TexturesAtlas([face_colors[:, None, None]])
        return Meshes([torch.from_numpy(content.vertices.astype(np.float32)).to(device)], [faces], textures)

    def save(self, data: Meshes, path: Any, path_manager: Any, binary: bool | None, **kwargs: Any) -> bool:
        if not endswith(path, self.known_suffixes):
            return False
        check_options("save_mesh", kwargs, ("decimal_places",))
        rows, face_colors, textures = data.verts_list()[0], None, data.textures
        if isinstance(textures, TexturesVertex):
            rows = torch.cat([rows, textures.verts_features_list()[0].to(rows)], 1)
        elif isinstance(textures, TexturesAtlas) and textures.atlas_packed().shape[1] == 1:
            face_colors = textures.atlas_packed()[:, 0, 0].detach().cpu().numpy()
        number = decimals("save_mesh", kwargs.get("decimal_places"))
        text = "".join(off_text(rows.detach().cpu().numpy(), data.faces_list()[0].cpu().numpy(), face_colors, number))
        written("save_mesh", path, text.encode(), path_manager)
        return True
