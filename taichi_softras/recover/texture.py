"""A texture from pictures, as sharp as they are: of a surface that is known, by least squares.

A picture is linear in the texels. With ``samples`` x ``samples`` places to a pixel, at each of which the nearest face shows the four texels around its (u, v),

    A_i x = what picture i shows of the texels x                    A_i [pixels, texels], sparse; its transpose is the renderer's gradient with respect to x

and the texture is the x that makes sum_i |W_i^(1/2) (A_i x - t_i/g_i)|^2 smallest, t_i being the pictures and g_i a gain for each of their channels. The first
guess is the mean of what the pictures show of each texel, sum A_i^T W_i t_i/g_i over sum A_i^T W_i 1; a few steps of conjugate gradients (Hestenes and Stiefel
1952), each of which is one look at all pictures, bring out what that has blurred.

W_i trusts a pixel that shows the surface finely, from the front and from near, and is far from any outline; and least one whose colour does not agree with the
mean of all (iteratively reweighted least squares with the weights of Geman and McClure, 1/(1 + (r/s)^2)^2): highlights, what stood in between, and places where
the shape is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.ndimage as ndi
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from ..checks import as_numbers, check_finite, check_flag, check_integer, check_kind, check_number, check_shape
from ..engine import Renderer, Wrap
from ..runtime import default_arrays
from ..scene import Blending, Camera, Connectivity, Lens, Mesh, RasterizeSettings, Topology
from .atlas import LARGEST_SIDE, needs_xatlas, texels_of, unwrap
from .views import Views

__all__ = ["BakeOptions", "TextureFit", "bake", "texels_shown"]

PIXELS_AT_ONCE = 1 << 20  # rendered together: it bounds the memory
ROWS = 1 << 17  # of A, that are in memory together
STEPS_OF_TEXEL = 255  # (u, v) of a sample are kept as whole 255ths of a texel
COVERED = 0.99  # alpha from which on a pixel shows the object alone
STEEP = 6.0  # steps in depth from pixel to pixel, in pixels, from which on they are an outline: a surface seen at 80 degrees
NOWHERE = 1e30  # depth where nothing is
LEAST_TRUST = 1e-3  # in a pixel that shows the surface at all
SEEN = 1e-3  # sum of weights from which on a texel counts as seen
RIDGE = 0.03  # weight that keeps a texel where the first guess has it; those that are well seen have several
LEAST_OTHERS = 0.1  # share of the other pictures in a mean
CELL, CELLS = 4, 256  # pictures are compared by what they show of squares of so many texels a side, or of one in so many of the texture's longer side
DARKEST = 0.02  # colour below which a logarithm would be noise
REWEIGHTINGS = 8  # until gains stand still
TINY = 1e-30  # no division by zero
LEAST_PULL = 1e-9  # of the mean colour on a vertex that its neighbours lead nowhere


@dataclass(frozen=True, kw_only=True)
class BakeOptions:
    """How a texture is made.

    Attributes:
        detail: texels of the surface for each pixel of the pictures that show it best.
        largest_side: of the texture, texels.
        samples: each pixel of a picture is the mean of so many by so many places.
        robust_looks: how often the mean of the pictures is taken anew without pixels that do not agree with the others. Two to four help against what stood
            between in some of many pictures; where the shape alone is not exact, they take from the fidelity (0.1 to 0.5 dB).
        steps: of conjugate gradients; 0 leaves the mean of the pictures.
        outlier: the difference, of colours in [0, 1], from which on a pixel does not agree (s above).
        sharpness: weights go with this power of how many pixels, at most one, show a texel: the higher, the more the best picture decides.
        margin: pixels that are nearer to an outline have less weight.
        balance: whether a gain for each picture and channel (its exposure and white balance) is found, too.
        kept_bytes: memory for what is kept of pictures from one look at them to the next; what does not fit is made again.
    """

    detail: float = 1.0
    largest_side: int = LARGEST_SIDE
    samples: int = 2
    robust_looks: int = 0
    steps: int = 4
    outlier: float = 0.1
    sharpness: float = 2.0
    margin: float = 3.0
    balance: bool = False
    kept_bytes: int = 1 << 28

    def __post_init__(self) -> None:
        op = "BakeOptions"
        for name, low, high in (("detail", 0.0, 100.0), ("outlier", 0.0, 1e6), ("sharpness", 0.0, 100.0), ("margin", 0.0, 1e6)):
            check_number(op, name, getattr(self, name), low, high, low_too=name == "sharpness")
        for name, least, most in (("largest_side", 16, 1 << 14), ("samples", 1, 8), ("steps", 0, 1000), ("robust_looks", 0, 1000), ("kept_bytes", 0, 1 << 62)):
            check_integer(op, name, getattr(self, name), least, most)
        check_flag(op, "balance", self.balance)


class TextureFit:
    """A texture in the making: `step` looks at the next of the pictures.

    The same mesh and pictures give the same texture, on a CPU to the last bit: what was interrupted is begun anew.

    Args:
        mesh: with texture coordinates of its own for each place of its surface (`unwrap` makes them).
        size: (height, width) of the texture.
        pictures: `Views`; or a sequence of `Views` of one picture each and of any sizes, which may read them when they are asked for, ``pictures[i]``: one is
            held at a time. What their alpha does not surely cover (0.99) does not count, NaN included.
        options: how.
        gains: [N, 3] by which the N pictures are divided, channel by channel; with ``balance`` where the search begins. 1 by default.

    Attributes:
        n_steps: how many steps there are in all: looks at one picture.
        taken: how many of them are done.
        gains: [N, 3] as they are now; their geometric mean is that of those given.

    Raises:
        TypeError, ValueError: if an argument does not fit; `step`, if a picture does not.
    """

    def __init__(
        self, mesh: Mesh, size: tuple[int, int], pictures: Views | Sequence[Views], options: BakeOptions | None = None, *, gains: Any | None = None
    ) -> None:
        op = "TextureFit"
        self.options = options or BakeOptions()
        check_kind(op, "mesh", mesh, Mesh)
        check_kind(op, "options", self.options, BakeOptions)
        check_shape(op, "size", np.shape(size), (2,))
        for name, side in zip(("height", "width"), size, strict=True):
            check_integer(op, f"{name} of size", side, 2, 1 << 14)
        self.size, self.pictures = (int(size[0]), int(size[1])), _one_by_one(op, pictures)
        self.mesh, self._surface = mesh, _Surface.of(op, mesh, self.size, self.options)
        n = len(self.pictures)
        self.gains = np.ones((n, 3)) if gains is None else as_numbers(op, "gains", gains)
        check_shape(op, "gains", self.gains.shape, (n, 3))
        check_finite(op, "gains", self.gains)
        if not (self.gains > 0).all():
            raise ValueError(f"{op}: gains must be positive, got {self.gains.min():g}")
        looks = 1 + int(self.options.balance) + self.options.robust_looks + (1 + self.options.steps if self.options.steps else 0)
        self.n_steps, self.taken = looks * n, 0
        self._kept: dict[int, _Shown] = {}
        self._agreement: dict[int, np.ndarray] = {}  # of each pixel with the texture, 0 to 1
        self._texels, self._trust = np.zeros((0, 3), np.float32), np.zeros(0, np.float32)  # x; sum A^T W 1, of the shape alone
        self._weight = self._trust  # the same of what agrees
        self._work = self._all_looks()
        next(self._work)

    @classmethod
    def for_mesh(cls, mesh: Mesh, pictures: Views | Sequence[Views], options: BakeOptions | None = None, *, gains: Any | None = None) -> "TextureFit":
        """For a mesh that wants texture coordinates, too: an atlas as large as the pictures show the surface; see `bake`."""
        options = options or BakeOptions()
        check_kind("bake", "mesh", mesh, Mesh)
        check_kind("bake", "options", options, BakeOptions)
        needs_xatlas("bake")
        texels = max(1, min(round(texels_shown(mesh, pictures) * options.detail**2), options.largest_side**2))
        unwrapped, size = unwrap(mesh, texels, options.largest_side)
        return cls(unwrapped, size, pictures, options, gains=gains)

    @property
    def done(self) -> bool:
        return self.taken == self.n_steps

    def step(self) -> None:
        """Looks at one picture."""
        if self.done:
            raise RuntimeError(f"TextureFit: there must be a step left, got {self.taken} done of {self.n_steps}")
        next(self._work, None)
        self.taken += 1

    def result(self) -> tuple[Mesh, np.ndarray]:
        """The mesh with the texture as it is now, and [H, W] float32, 1 where a texel was seen and 0 where it was filled.

        A texel that no picture shows has the colour that its neighbours on the surface lead to: at the vertices, the solution of Laplace's equation; within a
        face, interpolated. What lies outside of all charts continues the nearest one, so that no mip level brings in a foreign colour.

        Raises:
            RuntimeError: before each picture was looked at once, by so many steps as there are pictures.
        """
        if not len(self._texels):
            raise RuntimeError(f"TextureFit: each of the {len(self.pictures)} pictures must have been looked at once, got {self.taken}")
        height, width = self.size
        texels, seen = self._texels.copy(), self._trust > SEEN
        shown = seen.copy()
        at_vertices = _filled(self.mesh, *self._surface.at_vertices(texels, np.where(seen, self._trust, 0)))
        for texel, face, bary in texels_of(self.mesh, self.size):
            shown[texel] = True
            texel, face, bary = (rows[~seen[texel]] for rows in (texel, face, bary))
            texels[texel] = (bary[:, :, None] * at_vertices[self.mesh.faces[face]]).sum(1)
        rows, columns = ndi.distance_transform_edt(~shown.reshape(height, width), return_distances=False, return_indices=True)
        texture = np.clip(texels, 0, 1).reshape(height, width, 3)[rows, columns]
        return replace(self.mesh, colors=None, texture=texture, wrap=Wrap.CLAMP), seen.reshape(height, width)[rows, columns].astype(np.float32)

    def _all_looks(self) -> Iterator[None]:
        """All of the work, stopping before each look at a picture."""
        cells: list[sp.csr_matrix] | None = [] if self.options.balance else None
        yield from self._blend(cells=cells)
        if cells is not None:
            self.gains = self.gains * _gains(cells, self.options.outlier)
            yield from self._blend()
        for _ in range(self.options.robust_looks):
            yield from self._blend(robust=True)
        if self.options.steps:
            yield from self._descend(self.options.steps)

    def _blend(self, cells: "list[sp.csr_matrix] | None" = None, robust: bool = False) -> Iterator[None]:
        """The mean of what the pictures show of each texel; if ``robust``, of what agrees with the mean of the others. `_gains` wants the ``cells``.

        A picture that has the share s in the mean x is by (t - x)/(1 - s) off that of the others.
        """
        n = self.size[0] * self.size[1]
        total, trust = np.zeros((n, 3), np.float32), np.zeros(n, np.float32)
        for i in range(len(self.pictures)):
            yield
            if robust:
                self._agreement[i] = self._agreeing(i)
            for part, weights in self._parts(i):
                matrix = part.matrix(self.size)
                _add(total, matrix, weights * part.divided(self.gains[i]))
                trust += matrix.T @ weights[:, 0]
            if cells is not None:
                cells.append(self._look(i).in_cells(self.size, self.gains[i]))
        total /= np.maximum(trust, np.float32(TINY))[:, None]
        self._texels, self._weight = total, trust
        if not robust:
            self._trust = trust

    def _descend(self, steps: int) -> Iterator[None]:
        """Conjugate gradients on (sum A^T W A + RIDGE) (x - x_0) = sum A^T W (t/g - A x_0), with the diagonal's bound sum A^T W 1 + RIDGE as preconditioner.

        Each channel is a system of its own. Texels that nothing shows are left out.
        """
        active = np.flatnonzero(self._trust > 0)
        place = np.zeros(len(self._trust), np.int32)  # in the list of the active ones; what is not there has a share of nought
        place[active] = np.arange(len(active), dtype=np.int32)
        texels, diagonal = self._texels[active], (self._weight[active] + RIDGE)[:, None]
        rest = np.zeros_like(texels)
        for i in range(len(self.pictures)):
            yield
            for part, weights in self._parts(i):
                matrix = part.matrix(self.size, place, len(active))
                _add(rest, matrix, weights * (part.divided(self.gains[i]) - matrix @ texels))
        toward = rest / diagonal
        size = (rest * toward).sum(0, dtype=np.float64)
        for _ in range(steps):
            curved = RIDGE * toward
            for i in range(len(self.pictures)):
                yield
                for part, weights in self._parts(i):
                    matrix = part.matrix(self.size, place, len(active))
                    _add(curved, matrix, weights * (matrix @ toward))
            rate = (size / np.maximum((toward * curved).sum(0, dtype=np.float64), TINY)).astype(np.float32)
            texels += rate * toward
            rest -= rate * curved
            self._texels[active] = texels
            size, last = (rest * (rest / diagonal)).sum(0, dtype=np.float64), size
            toward *= (size / np.maximum(last, TINY)).astype(np.float32)
            toward += rest / diagonal

    def _agreeing(self, i: int) -> np.ndarray:
        """[N] float16: how far the pixels of picture i agree with the mean of the others."""
        own = np.zeros_like(self._weight)
        for part, weights in self._parts(i):
            own += part.matrix(self.size).T @ weights[:, 0]
        own /= np.maximum(self._weight, np.float32(TINY))
        found = [np.zeros(0, np.float16)]
        for part, _ in self._parts(i):
            matrix = part.matrix(self.size)
            error = part.divided(self.gains[i]) - matrix @ self._texels
            found.append(_agreement(error / np.maximum(1 - matrix @ own, LEAST_OTHERS)[:, None], self.options.outlier))
        return np.concatenate(found)

    def _parts(self, i: int) -> Iterator[tuple["_Shown", np.ndarray]]:
        """What picture i shows, some of its pixels at a time, and their weights [N, 1] float32."""
        shown = self._look(i)
        for begin in range(0, len(shown.weights), ROWS):
            rows = slice(begin, begin + ROWS)
            part = _Shown(**{name: array[rows] for name, array in vars(shown).items()})
            weights = part.weights.astype(np.float32)
            yield part, (weights * self._agreement[i][rows] if i in self._agreement else weights)[:, None]

    def _look(self, i: int) -> "_Shown":
        """What picture i shows, kept if there is room."""
        if i in self._kept:
            return self._kept[i]
        shown = self._surface.shown(_one_picture("TextureFit", self.pictures[i], i))
        if sum(kept.n_bytes for kept in self._kept.values()) + shown.n_bytes <= self.options.kept_bytes:
            self._kept[i] = shown
        return shown


@dataclass(frozen=True, eq=False, kw_only=True)
class _Shown:
    """What one picture shows of the texture, the rows of its A; and what it says of it.

    Attributes:
        texels: [N, S] int32, of each place of each pixel the texel to its upper left (row * width + column).
        shares: [N, S, 2] uint8, how far the place is beyond that, to the right and down, in 255ths of a texel.
        colors: [N, 3] float16.
        weights: [N] float16, from what is known of the shape alone.
    """

    texels: np.ndarray
    shares: np.ndarray
    colors: np.ndarray
    weights: np.ndarray

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in vars(self).values())

    def matrix(self, size: tuple[int, int], place: np.ndarray | None = None, n: int = 0) -> sp.csr_matrix:
        """A [pixels, texels], bilinear filtering at each of the places; with ``place`` its columns are renumbered, n in all."""
        right, down = np.moveaxis(self.shares.astype(np.float32) / (STEPS_OF_TEXEL * np.float32(self.texels.shape[1]) ** 0.5), -1, 0)
        one = np.float32(1 / self.texels.shape[1] ** 0.5)
        shares = np.stack([(one - right) * (one - down), right * (one - down), (one - right) * down, right * down], -1)
        columns = self.texels[..., None] + np.array([0, 1, size[1], size[1] + 1], np.int32)
        columns = columns if place is None else place[columns]
        per_row = shares.shape[1] * 4
        rows = np.arange(len(shares) + 1) * per_row
        return sp.csr_matrix((shares.ravel(), columns.ravel(), rows), shape=(len(shares), n if place is not None else size[0] * size[1]))

    def in_cells(self, size: tuple[int, int], gain: np.ndarray) -> sp.csr_matrix:
        """[cells, 4] the sum of the weights in each cell (square) of the texture, and of the colours times them, without the gain."""
        side = max(CELL, -(-max(size) // CELLS))
        row, column = np.divmod(self.texels[:, 0], size[1])
        width = -(-size[1] // side)
        cell, weights = row // side * width + column // side, self.weights.astype(np.float64)
        n = width * -(-size[0] // side)
        columns = [weights, *(weights[:, None] * self.divided(gain)).T]
        sums = np.stack([np.bincount(cell, values, n) for values in columns], 1)
        return sp.csr_matrix(np.where(sums[:, :1] > 0, sums + TINY, 0))  # a black cell is there, too

    def divided(self, gain: np.ndarray) -> np.ndarray:
        """[N, 3] float32: the colours without the picture's gain."""
        return self.colors.astype(np.float32) / gain.astype(np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Surface:
    """A mesh as pictures see it: where on the texture each of its places is, and how large.

    Attributes:
        corners: [F * 3, 3] positions of the corners, counted from ``origin``.
        places: [F * 3, 2] (column, row) on the texture, whole at the centres of texels.
        normals, middles: [F, 3].
        density: [F] texels per unit of area.
    """

    mesh: Mesh
    size: tuple[int, int]
    options: BakeOptions
    origin: np.ndarray
    corners: np.ndarray
    places: np.ndarray
    normals: np.ndarray
    middles: np.ndarray
    density: np.ndarray

    @classmethod
    def of(cls, op: str, mesh: Mesh, size: tuple[int, int], options: BakeOptions) -> "_Surface":
        if mesh.uvs is None:
            raise ValueError(f"{op}: mesh must have texture coordinates (unwrap makes them), got none")
        if mesh.uvs.min() < 0 or mesh.uvs.max() > 1:
            raise ValueError(f"{op}: the mesh's texture coordinates must lie in [0, 1], got {mesh.uvs.min():g} to {mesh.uvs.max():g}")
        height, width = size
        origin, triangles, normals, areas = _triangles(mesh)
        uvs = mesh.uvs[mesh.faces if mesh.face_uvs is None else mesh.face_uvs].astype(np.float64)
        places = np.stack([uvs[..., 0] * width - 0.5, (1 - uvs[..., 1]) * height - 0.5], -1)
        (ax, ay), (bx, by) = (places[:, 1] - places[:, 0]).T, (places[:, 2] - places[:, 0]).T
        return cls(
            mesh=mesh,
            size=size,
            options=options,
            origin=origin,
            corners=triangles.reshape(-1, 3),
            places=places.reshape(-1, 2),
            normals=normals,
            middles=triangles.mean(1),
            density=np.abs(ax * by - ay * bx) / 2 / np.maximum(areas, TINY),
        )

    def at_vertices(self, texels: np.ndarray, trust: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[V, 3] colours of the texels nearest to each vertex's corners, and [V] the sum of their trust."""
        height, width = self.size
        column, row = np.clip(np.round(self.places).astype(np.int64), 0, [width - 1, height - 1]).T
        texel, vertex, n = row * width + column, self.mesh.faces.ravel(), len(self.mesh.vertices)
        weights = trust[texel].astype(np.float64)
        total = np.bincount(vertex, weights, n)
        colors = np.stack([np.bincount(vertex, weights * texels[texel, k], n) for k in range(3)], 1)
        return colors / np.maximum(total, TINY)[:, None], total

    def shown(self, views: Views) -> _Shown:
        """What a picture shows of the texture: of each pixel that the object covers, and in which this mesh is seen at each of its places."""
        alpha, options = views.alpha[0], self.options
        rows, columns = (np.flatnonzero((alpha > 0).any(axis)) for axis in (1, 0))
        box = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) if len(rows) else (0, 0, 0, 0)
        alpha, color = alpha[box[0] : box[1], box[2] : box[3]], views.color[0, box[0] : box[1], box[2] : box[3]]
        camera = views.camera.about(self.origin)
        fineness = _pixels_per_area(camera, views.image_size, self.middles, self.normals) / np.maximum(self.density, TINY)
        depth, trust = np.full(alpha.shape, NOWHERE, np.float32), np.zeros(alpha.shape, np.float32)
        parts: list[tuple[np.ndarray, ...]] = []
        for within, (u, v, fine, far) in self._rendered(camera, views.image_size, box, np.clip(fineness, -1, 1)):
            met = (fine > 0).all(-1) & (alpha[within] >= COVERED)
            depth[within] = np.where((fine != 0).all(-1), far.mean(-1), NOWHERE)
            trust[within] = np.where(met, fine.mean(-1), 0)
            pixel = np.arange(alpha.size).reshape(alpha.shape)[within][met]
            parts.append((pixel, *_texel_and_share(u[met], v[met], self.size)))
        if not parts:
            parts.append((np.zeros(0, np.int64), np.zeros((0, options.samples**2), np.int32), np.zeros((0, options.samples**2, 2), np.uint8)))
        pixel, texels, shares = (np.concatenate(rows) for rows in zip(*parts, strict=True))
        away = _from_outlines(depth, trust > 0, STEEP / _pixels_per_unit(camera, views.image_size), camera.lens is Lens.ORTHOGRAPHIC).ravel()[pixel]
        weights = trust.ravel()[pixel] ** options.sharpness * np.minimum(away / options.margin, 1) ** 2
        return _Shown(
            texels=texels,
            shares=shares,
            colors=color.reshape(-1, 3)[pixel].astype(np.float16),
            weights=np.maximum(weights, LEAST_TRUST).astype(np.float16),
        )

    def _rendered(
        self, camera: Camera, image_size: tuple[int, int], box: tuple[int, int, int, int], fineness: np.ndarray
    ) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
        """What the nearest face is at each place of each pixel of a part of the box, part by part: [4, h, w, S] column and row on the texture, fineness (0
        where there is none), and depth."""
        arrays, samples = default_arrays(), self.options.samples
        top, bottom, left, right = box
        features = np.concatenate([self.places, np.repeat(fineness, 3)[:, None]], 1)
        given = arrays.real(self.corners), Topology.separate_faces(len(self.normals), 1)
        side = max(1, int(PIXELS_AT_ONCE**0.5) // samples)
        for y in range(top, bottom, side):
            for x in range(left, right, side):
                h, w = min(side, bottom - y), min(side, right - x)
                renderer = Renderer((h * samples, w * samples), self._settings(camera), arrays=arrays)
                image = renderer(*given, _window(camera, image_size, y, x, (h, w)), arrays.real(features))
                seen = np.concatenate([arrays.to_numpy(image.color)[0], arrays.to_numpy(image.depth)[0, :, :, None]], -1)
                seen = seen.reshape(h, samples, w, samples, 4).transpose(4, 0, 2, 1, 3).reshape(4, h, w, samples**2)
                yield (slice(y - top, y - top + h), slice(x - left, x - left + w)), seen

    def _settings(self, camera: Camera) -> RasterizeSettings:
        radius, distance = np.linalg.norm(self.corners, axis=1).max(), float(np.linalg.norm(camera.eye[0]))
        far = distance + 1.01 * radius
        return RasterizeSettings(sigma=1e-7, gamma=1e-5, blending=Blending.HARD, near=max(distance - 1.01 * radius, 1e-3 * far), far=far)


def bake(
    mesh: Mesh,
    pictures: Views | Sequence[Views],
    options: BakeOptions | None = None,
    *,
    gains: Any | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Mesh, np.ndarray]:
    """The mesh with texture coordinates of its own and a texture as sharp as the pictures, and [H, W] which of its texels were seen (`TextureFit.result`).

    Args:
        mesh, pictures, options, gains: see `TextureFit`. The texture's size follows from the pictures (`texels_shown`) and ``options.detail``.
        progress: called after each look at a picture with how many are done, and how many there are in all.

    Raises:
        RuntimeError: if xatlas is not installed.
        TypeError, ValueError: if an argument does not fit.
    """
    fit = TextureFit.for_mesh(mesh, pictures, options, gains=gains)
    while not fit.done:
        fit.step()
        if progress is not None:
            progress(fit.taken, fit.n_steps)
    return fit.result()


def texels_shown(mesh: Mesh, pictures: Views | Sequence[Views]) -> float:
    """How many pixels the surface has in the pictures, each face counted in the one that shows it best (as if nothing stood before it)."""
    op = "texels_shown"
    check_kind(op, "mesh", mesh, Mesh)
    listed = _one_by_one(op, pictures)
    origin, triangles, normals, areas = _triangles(mesh)
    middles, best = triangles.mean(1), np.zeros(len(areas))
    for i in range(len(listed)):
        views = _one_picture(op, listed[i], i)
        best = np.maximum(best, _pixels_per_area(views.camera.about(origin), views.image_size, middles, normals))
    return float((best * areas).sum())


def _triangles(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The middle of the mesh, and counted from there the triangles [F, 3, 3], their unit normals [F, 3] (0 without an area) and areas [F]; float64."""
    vertices = mesh.vertices.astype(np.float64)
    origin = (vertices.min(0) + vertices.max(0)) / 2
    triangles = (vertices - origin)[mesh.faces]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    doubled = np.linalg.norm(normals, axis=1)
    return origin, triangles, normals / np.maximum(doubled, TINY)[:, None], doubled / 2


def _pixels_per_unit(camera: Camera, image_size: tuple[int, int]) -> float:
    """How many pixels of a picture a unit has, at depth 1, or with an orthographic camera anywhere."""
    fx, fy = np.abs(np.asarray(camera.intrinsics, np.float64)[0, :2])
    return float(np.sqrt(fx * fy)) * min(image_size) / 2


def _pixels_per_area(camera: Camera, image_size: tuple[int, int], middles: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """[F] how many pixels of a picture a unit of area of each face has; negative where it shows its back. A lens's distortion is left out of account."""
    if camera.lens is Lens.ORTHOGRAPHIC:
        return (normals @ np.asarray(camera.camera_from_world, np.float64)[0, 2, :3]) * _pixels_per_unit(camera, image_size) ** 2
    toward = camera.eye[0] - middles
    distance = np.maximum(np.linalg.norm(toward, axis=1), TINY)
    return (normals * toward).sum(1) / distance * (_pixels_per_unit(camera, image_size) / distance) ** 2


def _window(camera: Camera, image_size: tuple[int, int], top: int, left: int, size: tuple[int, int]) -> Camera:
    """The camera of a part of its picture."""
    (height, width), (h, w) = image_size, size
    shift = np.array([0, 0, width - 2 * left - w, 2 * top + h - height]) / min(h, w)
    return replace(camera, intrinsics=np.asarray(camera.intrinsics, np.float64) * (min(height, width) / min(h, w)) + shift)


def _texel_and_share(column: np.ndarray, row: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Of places on the texture, the texel to the upper left and how far beyond it they are (see `_Shown`). Those beyond the outermost texels are on them."""
    parts = []
    for place, n in ((column, size[1]), (row, size[0])):
        place = np.clip(place, 0, n - 1)
        first = np.minimum(place.astype(np.int32), n - 2)
        parts.append((first, np.round((place - first) * STEPS_OF_TEXEL).astype(np.uint8)))
    return parts[1][0] * np.int32(size[1]) + parts[0][0], np.stack([parts[0][1], parts[1][1]], -1)


def _from_outlines(depth: np.ndarray, inside: np.ndarray, steep: float, flat: bool) -> np.ndarray:
    """[H, W] how many pixels each one is from the next that is outside, or where depth leaps by more than ``steep`` (times the depth, unless ``flat``)."""
    leaps = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        near, far = np.moveaxis(depth, axis, 0)[:-1], np.moveaxis(depth, axis, 0)[1:]
        leap = np.abs(near - far) > steep * (1.0 if flat else np.minimum(near, far))
        on_axis = np.moveaxis(leaps, axis, 0)
        on_axis[:-1] |= leap
        on_axis[1:] |= leap
    padded = np.pad(inside & ~leaps, 1)  # what is beyond the picture is outside
    return ndi.distance_transform_edt(padded)[1:-1, 1:-1]


def _add(total: np.ndarray, matrix: sp.csr_matrix, values: np.ndarray) -> None:
    """Adds A^T values [N, 3] to a total [texels, 3], a channel at a time, which takes a third of the memory."""
    for channel in range(3):
        total[:, channel] += matrix.T @ values[:, channel]


def _agreement(error: np.ndarray, outlier: float) -> np.ndarray:
    """[N] float16: the weights of Geman and McClure for errors [N, 3]."""
    return (1 / (1 + (error**2).mean(1) / outlier**2) ** 2).astype(np.float16)


def _gains(cells: "list[sp.csr_matrix]", outlier: float) -> np.ndarray:
    """[N, 3] gains of N pictures with a geometric mean of 1, from what each shows of the cells of the texture (`_Shown.in_cells`).

    The logarithm of what picture i shows of cell c is that of g_i and that of the cell's colour, by least squares; the cells' colours are eliminated, and
    weights are those of Geman and McClure. Pictures that share no cell with others stay as they are.
    """
    n = len(cells)
    stacked = [sp.vstack([picture[:, k].T for picture in cells], format="csr") for k in range(4)]
    weight = stacked[0]
    gains = np.zeros((n, 3))
    for channel in range(3):
        colors = stacked[1 + channel].copy()
        colors.data = np.log(np.maximum(colors.data / weight.data, DARKEST))
        row = np.repeat(np.arange(n), np.diff(weight.indptr))
        agree = np.ones(len(colors.data))
        for _ in range(REWEIGHTINGS):
            w = sp.csr_matrix((weight.data * agree, weight.indices, weight.indptr), weight.shape)
            each = np.maximum(np.asarray(w.sum(0)).ravel(), TINY)
            shares = w @ sp.diags(1 / each)
            product = w.multiply(colors)
            mean = np.asarray(product.sum(0)).ravel() / each
            system = np.diag(np.asarray(w.sum(1)).ravel()) - (shares @ w.T).toarray()
            given = np.asarray(product.sum(1)).ravel() - w @ mean
            found = np.linalg.lstsq(system, given, rcond=1e-9)[0]
            cell = mean - np.asarray(shares.T @ found).ravel()
            error = colors.data - found[row] - cell[colors.indices]
            agree = 1 / (1 + (error / (2 * outlier)) ** 2) ** 2
        gains[:, channel] = found
    return np.exp(gains - gains.mean(0))


def _filled(mesh: Mesh, colors: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """[V, 3]: the colours of the vertices that have trust [V]; between them, each the mean of its neighbours; where there are none, the mean of all."""
    known, n = trust > 0, len(colors)
    if known.all():
        return colors
    mean = np.average(colors, axis=0, weights=trust) if known.any() else np.full(3, 0.5)
    neighbours = Connectivity.of(mesh.faces, n).adjacency()
    unknown = np.flatnonzero(~known)
    away = LEAST_PULL + np.asarray(neighbours.sum(1)).ravel()[unknown]
    system = sp.diags(away) - neighbours[unknown][:, unknown]
    result = colors.copy()
    result[unknown] = spla.splu(system.tocsc()).solve(neighbours[unknown][:, np.flatnonzero(known)] @ colors[known] + LEAST_PULL * mean)
    return result


class _OneByOne(Sequence[Views]):
    """The pictures of `Views` in memory, each alone."""

    def __init__(self, views: Views) -> None:
        self.views = views

    def __len__(self) -> int:
        return len(self.views)

    def __getitem__(self, i: Any) -> Any:
        return self.views.select([i])


def _one_by_one(op: str, pictures: Any) -> Sequence[Views]:
    if isinstance(pictures, Views):
        pictures = _OneByOne(pictures)
    if not (hasattr(pictures, "__len__") and hasattr(pictures, "__getitem__")) or isinstance(pictures, (str, bytes, dict)):
        raise TypeError(f"{op}: pictures must be Views or a sequence of them, got {type(pictures).__name__}")
    if len(pictures) == 0:
        raise ValueError(f"{op}: pictures must be at least one, got none")
    return pictures


def _one_picture(op: str, views: Any, i: int) -> Views:
    check_kind(op, f"pictures[{i}]", views, Views)
    if len(views) != 1:
        raise ValueError(f"{op}: pictures[{i}] must be Views of one picture, got {len(views)}")
    return views
