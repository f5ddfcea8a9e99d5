"""Triangle meshes: areas, normals, points drawn on them, subdivision, tangents."""

import torch
import torch.nn.functional as F

from .....checks import COUNTABLE, check_flag, check_integer
from ....checks import check_index_tensor, check_tensor, check_tensors
from ....geometry import FaceLists, crosses, interpolated, sample_faces
from ..batch import check_numbers

__all__ = [
    "face_areas",
    "face_normals",
    "packed_face_areas",
    "packed_sample_points",
    "sample_points",
    "subdivide_trianglemesh",
    "vertex_tangents",
]

TINY_LENGTH = 1e-10  # added to the length of a normal before it is divided by it, as Kaolin does
TINY_UV_AREA = 1e-6  # below which twice the area of a face in the texture counts as this, as in Kaolin
MAX_SAMPLES = (COUNTABLE - 1) // 3


def face_areas(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[B, F], of vertices [B, V, 3] and faces [F, 3].

    Gradient: to vertices; zero from a face without area.
    """
    check_tensor("face_areas", "vertices", vertices, ("B", "V", 3))
    check_index_tensor("face_areas", "faces", faces, ("F", 3), "vertices", vertices.shape[1])
    return crosses(vertices, faces.long()).norm(dim=2) / 2


def packed_face_areas(vertices: torch.Tensor, first_idx_vertices: torch.Tensor, faces: torch.Tensor, num_faces_per_mesh: torch.Tensor) -> torch.Tensor:
    """[F], of meshes one after the other.

    Args:
        vertices: [V, 3] of all meshes.
        first_idx_vertices: [B + 1] where those of each mesh begin, and V.
        faces: [F, 3] of all meshes, into the mesh's own vertices.
        num_faces_per_mesh: [B].

    Gradient: to vertices.
    """
    return crosses(vertices, _merged("packed_face_areas", vertices, first_idx_vertices, faces, num_faces_per_mesh)).norm(dim=1) / 2


def _merged(op: str, vertices: torch.Tensor, first_idx_vertices: torch.Tensor, faces: torch.Tensor, num_faces_per_mesh: torch.Tensor) -> torch.Tensor:
    """[F, 3] int64, into the vertices of all meshes."""
    check_tensor(op, "vertices", vertices, ("V", 3))
    numbers = check_numbers(op, "num_faces_per_mesh", num_faces_per_mesh)
    check_index_tensor(op, "first_idx_vertices", first_idx_vertices, (len(numbers) + 1,), "vertices", len(vertices) + 1)
    check_index_tensor(op, "faces", faces, (sum(numbers), 3), "vertices", max(len(vertices), 1))
    mesh = torch.arange(len(numbers)).repeat_interleave(torch.tensor(numbers, dtype=torch.int64)).to(faces.device)
    firsts = first_idx_vertices.long().to(faces.device)
    merged = faces.long() + firsts[mesh][:, None]
    if bool((merged >= firsts[mesh + 1][:, None]).any()):
        raise ValueError(f"{op}: faces must index the vertices of their own mesh, got one of the next")
    return merged


def sample_points(
    vertices: torch.Tensor, faces: torch.Tensor, num_samples: int, areas: torch.Tensor | None = None, face_features: torch.Tensor | None = None
) -> tuple[torch.Tensor, ...]:
    """Points drawn evenly on each of B meshes with the same faces. ``torch.manual_seed`` decides which.

    Args:
        vertices: [B, V, 3], finite.
        faces: [F, 3].
        num_samples: how many on each mesh, S.
        areas: [B, F], if they are known: how often each face is drawn.
        face_features: [B, F, 3, C] at the corners of the faces.

    Returns:
        points [B, S, 3], the face [B, S] int64 of each, and if features were given these there, [B, S, C].

    Gradient: of points to vertices, of features to features; the places stay where they are on their faces.
    """
    op, sizes = "sample_points", dict[str, int]()
    check_tensors(op, vertices=vertices, areas=areas, face_features=face_features)
    check_tensor(op, "vertices", vertices, ("B", "V", 3), sizes)
    n_meshes, n_vertices, _ = vertices.shape
    check_index_tensor(op, "faces", faces, ("F", 3), "vertices", n_vertices, sizes)
    check_integer(op, "num_samples", num_samples, 1, MAX_SAMPLES)
    if areas is not None:
        check_tensor(op, "areas", areas, ("B", "F"), sizes)
    if face_features is not None:
        check_tensor(op, "face_features", face_features, ("B", "F", 3, "C"), sizes)
    n_faces, mesh = len(faces), torch.arange(n_meshes, device=vertices.device)[:, None]
    packed = (faces.long() + n_vertices * mesh[:, :, None]).flatten(0, 1)
    known = None if areas is None else areas.flatten()
    points, places = sample_faces(op, vertices.flatten(0, 1), packed, [n_faces] * n_meshes, num_samples, known)
    face, weights = places()
    found = [points.reshape(n_meshes, num_samples, 3), face.long().reshape(n_meshes, num_samples) - n_faces * mesh]
    if face_features is not None:
        corners = torch.arange(3 * n_faces * n_meshes, device=vertices.device).reshape(-1, 3)
        found.append(interpolated(face_features.flatten(0, 2), corners, face, weights).reshape(n_meshes, num_samples, -1))
    return tuple(found)


def packed_sample_points(
    vertices: torch.Tensor, first_idx_vertices: torch.Tensor, faces: torch.Tensor, num_faces_per_mesh: torch.Tensor, num_samples: int,
    areas: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Points drawn evenly on each of B meshes that stand one after the other: see `packed_face_areas`, and `sample_points`.

    Args:
        areas: [F], if they are known.

    Returns:
        points [B, S, 3], and the face [B, S] int64 of each, among those of all meshes.
    """
    op = "packed_sample_points"
    merged = _merged(op, vertices, first_idx_vertices, faces, num_faces_per_mesh)
    check_integer(op, "num_samples", num_samples, 1, MAX_SAMPLES)
    check_tensors(op, vertices=vertices, areas=areas)
    if areas is not None:
        check_tensor(op, "areas", areas, (len(merged),))
    numbers = num_faces_per_mesh.tolist()
    points, places = sample_faces(op, vertices, merged, numbers, num_samples, areas)
    return points.reshape(len(numbers), num_samples, 3), places()[0].long().reshape(len(numbers), num_samples)


def face_normals(face_vertices: torch.Tensor, unit: bool = False) -> torch.Tensor:
    """[B, F, 3]: (b - a) x (c - a) of faces given by their corners [B, F, 3, 3]; divided by its length if ``unit`` (a face without area then has zero)."""
    check_tensor("face_normals", "face_vertices", face_vertices, ("B", "F", 3, 3))
    check_flag("face_normals", "unit", unit)
    a, b, c = face_vertices.unbind(2)
    normals = torch.cross(b - a, c - a, dim=2)
    return normals / (normals.norm(dim=2, keepdim=True) + TINY_LENGTH) if unit else normals


def subdivide_trianglemesh(
    vertices: torch.Tensor, faces: torch.Tensor, iterations: int, alpha: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Meshes with the same faces, each face cut into four, and smoothed after Loop ("Smooth Subdivision Surfaces Based on Triangles", 1987).

    Args:
        vertices: [B, V, 3].
        faces: [F, 3].
        iterations: how many times.
        alpha: [B, V] how far each vertex moves towards the mean of its neighbours, 0 (it stays) to 1; Loop's by default. New vertices have alphas of the same
            mean as they are of the old ones (Shen et al., "Deep Marching Tetrahedra", NeurIPS 2021).

    Returns:
        vertices [B, V', 3], the old ones first; and faces [F * 4^iterations, 3].

    Gradient: to vertices and alpha. (A vertex at a border moves as others do, as in Kaolin; a new vertex there is the middle of its edge.)
    """
    op, sizes = "subdivide_trianglemesh", dict[str, int]()
    check_tensors(op, vertices=vertices, alpha=alpha)
    check_tensor(op, "vertices", vertices, ("B", "V", 3), sizes)
    check_index_tensor(op, "faces", faces, ("F", 3), "vertices", vertices.shape[1])
    check_integer(op, "iterations", iterations, 0, 16)
    if alpha is not None:
        check_tensor(op, "alpha", alpha, ("B", "V"), sizes)
    faces = faces.long()
    for _ in range(iterations if len(faces) else 0):
        cut = FaceLists.of(faces, vertices.shape[1]).subdivision
        around, middles = (_matrix(table, vertices) for table in (cut.around, cut.smooth_middles))
        share = torch.from_numpy(cut.smoothing).to(vertices)[None] if alpha is None else alpha
        has_none = torch.from_numpy(cut.around.indptr[1:] == cut.around.indptr[:-1]).to(vertices.device)
        moved = vertices + (share.masked_fill(has_none, 0.0))[:, :, None] * (_times(around, vertices) - vertices)
        vertices = torch.cat([moved, _times(middles, vertices)], 1)
        if alpha is not None:
            alpha = torch.cat([alpha, _times(middles, alpha[:, :, None])[:, :, 0]], 1)
        quarters = torch.from_numpy(cut.faces).to(faces.device)
        faces = torch.stack([quarters[:, 1], quarters[:, 0], quarters[:, 2], quarters[:, 3].roll(-1, dims=1)], 1).flatten(0, 1)
    return vertices, faces


def _matrix(table: object, like: torch.Tensor) -> torch.Tensor:
    """A sparse table of SciPy's as a tensor."""
    entries = table.tocoo()  # type: ignore[attr-defined]
    places = torch.stack([torch.from_numpy(entries.row.astype("int64")), torch.from_numpy(entries.col.astype("int64"))])
    return torch.sparse_coo_tensor(places, torch.from_numpy(entries.data), entries.shape, check_invariants=False).to(like)


def _times(matrix: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """[B, N, C] of a sparse [N, V] and [B, V, C]."""
    n, _, n_channels = values.shape
    return torch.sparse.mm(matrix, values.transpose(0, 1).flatten(1)).reshape(-1, n, n_channels).transpose(0, 1)


def vertex_tangents(faces: torch.Tensor, face_vertices: torch.Tensor, face_uvs: torch.Tensor, vertex_normals: torch.Tensor) -> torch.Tensor:
    """[V, 3] unit vectors across the normals, along which u grows: the sums of those of the faces at each vertex, made perpendicular to its normal.

    Args:
        faces: [F, 3].
        face_vertices: [F, 3, 3] positions of the corners.
        face_uvs: [F, 3, 2] texture coordinates there.
        vertex_normals: [V, 3].

    Gradient: to all but faces; a face without area in the texture counts with a twice-area of 1e-6.
    """
    op, sizes = "vertex_tangents", dict[str, int]()
    check_tensors(op, face_vertices=face_vertices, face_uvs=face_uvs, vertex_normals=vertex_normals)
    check_tensor(op, "vertex_normals", vertex_normals, ("V", 3), sizes)
    check_index_tensor(op, "faces", faces, ("F", 3), "vertices", len(vertex_normals), sizes)
    check_tensor(op, "face_vertices", face_vertices, ("F", 3, 3), sizes)
    check_tensor(op, "face_uvs", face_uvs, ("F", 3, 2), sizes)
    (ab, ac), (ab_uv, ac_uv) = ((of_corners[:, 1:] - of_corners[:, :1]).unbind(1) for of_corners in (face_vertices, face_uvs))
    twice_area = ab_uv[:, 0] * ac_uv[:, 1] - ab_uv[:, 1] * ac_uv[:, 0]
    twice_area = torch.where(twice_area > 0, twice_area.clamp(min=TINY_UV_AREA), twice_area.clamp(max=-TINY_UV_AREA))
    along = (ab * ac_uv[:, 1:] - ac * ab_uv[:, 1:]) / twice_area[:, None]
    tangents = torch.zeros_like(vertex_normals).index_add(0, faces.long().reshape(-1), along.repeat_interleave(3, 0))
    tangents = F.normalize(tangents, dim=1)
    return F.normalize(tangents - (tangents * vertex_normals).sum(1, keepdim=True) * vertex_normals, dim=1)
