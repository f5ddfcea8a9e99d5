"""The pictures of `concepts.md`, `three_aggregates.md` and `conventions.md`, made by the renderer itself: about a minute on two cores, most of it compiling.

python docs/pictures.py            # writes docs/pictures/*.png; needs matplotlib
python docs/pictures.py depth uv   # some of them

And the README's picture, of what `taichi-softras fit MESH -o OUT` has left in its folder:

python docs/pictures.py --fit OUT  # writes docs/spot.png (of that fit)
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

import taichi_softras as tsr
from taichi_softras.recover import Views, hull_mesh, render_views, shaded
from taichi_softras.scene import creature

HERE = Path(__file__).parent / "pictures"
SQUARE = (-1, 1, -1, 1)  # what the screen spans: left, right, bottom, top
TRIANGLE = np.array([[-0.55, -0.45, 0], [0.6, -0.3, 0], [-0.1, 0.6, 0]])
FLAT = tsr.Camera.orbit(2, orthographic_height=2)  # the world's x and y are the screen's
RED, BLUE = (0.85, 0.25, 0.2), (0.2, 0.35, 0.8)


def mesh_of(triangles: Sequence[np.ndarray], colors: Sequence[Sequence[float]] | None = None) -> tsr.Mesh:
    """Triangles that share no corners, each of one colour."""
    faces = np.arange(3 * len(triangles)).reshape(-1, 3)
    return tsr.Mesh(vertices=np.concatenate(triangles), faces=faces, colors=None if colors is None else np.repeat(colors, 3, axis=0))


def alpha_of(triangles: Sequence[np.ndarray], size: int | tuple[int, int] = 160, **settings: Any) -> np.ndarray:
    """[H, W]: for a single triangle, its coverage D."""
    return tsr.render_mesh(mesh_of(triangles), FLAT, size, tsr.RasterizeSettings(cutoff=1e-8, **settings)).alpha[0]


def row(n: int, rows: int = 1, size: float = 2.3) -> tuple[Figure, Any]:
    figure = Figure(figsize=(size * n, (size + 0.3) * rows), layout="constrained")
    return figure, figure.subplots(rows, n, squeeze=False)


def show(axes: Axes, picture: np.ndarray, title: str, outlines: Sequence[np.ndarray] = (), levels: Sequence[float] = ()) -> None:
    axes.imshow(picture, extent=SQUARE, cmap="magma", vmin=0, vmax=1, interpolation="nearest")
    if levels:
        axes.contour(picture[::-1], extent=SQUARE, levels=levels, colors="white", linewidths=0.7)
    for corners in outlines:
        axes.plot(*corners[[0, 1, 2, 0], :2].T, color="deepskyblue", linewidth=1)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=9)


def coverage() -> Figure:
    """D of one triangle, from sharp to soft."""
    figure, (panels,) = row(4)
    for axes, sigma in zip(panels, (1e-4, 3e-3, 3e-2, 3e-1), strict=True):
        show(axes, alpha_of([TRIANGLE], sigma=sigma), f"sigma = {sigma:g}", [TRIANGLE])
    return figure


def distances() -> Figure:
    """D by different distances, with contours."""
    figure, (panels,) = row(4)
    choices = {
        "EUCLIDEAN, squared (default)": {"sigma": 0.03},
        "EUCLIDEAN, squared=False": {"sigma": 0.08, "squared": False},
        "BARYCENTRIC": {"sigma": 0.03, "distance": tsr.Distance.BARYCENTRIC},
        "CHEBYSHEV": {"sigma": 0.03, "distance": tsr.Distance.CHEBYSHEV},
    }
    for axes, (title, settings) in zip(panels, choices.items(), strict=True):
        show(axes, alpha_of([TRIANGLE], **settings), title, [TRIANGLE], levels=(0.05, 0.25, 0.5, 0.75, 0.95))
    return figure


def distributions() -> Figure:
    """D by all distributions, and the curve F itself: a cut through the edge of a triangle that fills the right half of the screen."""
    figure, panels = row(6, rows=3, size=1.7)
    half = np.array([[0, -1e3, 0], [1e3, 0, 0], [0, 1e3, 0]])
    proper = [distribution for distribution in tsr.Distribution if distribution is not tsr.Distribution.WINDOW]
    for axes, distribution in zip(panels.ravel(), proper, strict=True):
        settings = {"distribution": distribution, "sigma": 0.12, "squared": False}
        show(axes, alpha_of([TRIANGLE], 96, **settings), distribution.name)
        axes.plot(np.linspace(-1, 1, 96), 1.96 * alpha_of([half], 96, **settings)[48] - 0.98, color="white", linewidth=1.2)
    return figure


def conorms() -> Figure:
    """Alpha of two overlapping triangles."""
    figure, (panels,) = row(6, size=1.9)
    pair = [TRIANGLE - (0.2, 0.1, 0), np.array([[-0.3, -0.2, 0], [0.8, -0.2, 0], [0.5, 0.7, 0]])]
    for axes, name in zip(panels, ("MAX", "PROBABILISTIC", "EINSTEIN", "YAGER", "DOMBI", "SUM"), strict=True):
        show(axes, alpha_of(pair, 128, sigma=0.03, silhouette=tsr.Silhouette[name]), name, levels=(0.25, 0.5, 0.75, 0.95))
    return figure


def depth() -> Figure:
    """A near red triangle before a far blue one, mixed by gamma; and the depth that comes out."""
    figure, panels = row(4, rows=2, size=2.1)
    near = TRIANGLE - (0.15, 0.1, 0) + (0, 0, 0.5)
    far = np.array([[-0.4, -0.6, -0.5], [0.8, -0.2, -0.5], [0.4, 0.7, -0.5]])
    scene, camera = mesh_of([near, far], [RED, BLUE]), tsr.Camera.orbit(3, orthographic_height=2)
    for i, gamma in enumerate((1e-3, 3e-2, 1e-1, 1.0)):
        settings = tsr.RasterizeSettings(sigma=1e-3, gamma=gamma, near=1, far=5)
        image = tsr.render_mesh(scene, camera, 128, settings, background=(1, 1, 1))
        show(panels[0, i], image.color[0].clip(0, 1), f"gamma = {gamma:g}: color")
        shown = panels[1, i].imshow(image.depth[0], extent=SQUARE, cmap="viridis_r", vmin=2.5, vmax=5)
        panels[1, i].set(xticks=[], yticks=[])
        panels[1, i].set_title("depth", fontsize=9)
    figure.colorbar(shown, ax=panels[1, :], fraction=0.02)
    return figure


def softness() -> Figure:
    """The creature, sigma growing to the right, gamma downwards."""
    figure, panels = row(4, rows=3, size=1.8)
    mesh, camera = creature(3), tsr.Camera.orbit(2.4, 20, 30, fov=50)
    for line, gamma in zip(panels, (1e-4, 1e-2, 1e-1), strict=True):
        line[0].set_ylabel(f"gamma = {gamma:g}", fontsize=9)
        for axes, sigma in zip(line, (1e-5, 1e-3, 1e-2, 1e-1), strict=True):
            settings = tsr.RasterizeSettings(sigma=sigma, gamma=gamma, near=1, far=5)
            image = tsr.render_mesh(mesh, camera, 96, settings, background=(1, 1, 1))
            show(axes, image.color[0].clip(0, 1), f"sigma = {sigma:g}" if gamma == 1e-4 else "")
    return figure


def screen() -> Figure:
    """Rows, columns and screen coordinates of an image of 4 x 6 pixels."""
    height, width = 4, 6
    corners = np.array([[-1.1, -0.6, 0], [0.9, -0.75, 0], [0.2, 0.8, 0]])
    picture = alpha_of([corners], (height, width), sigma=0.05)
    figure = Figure(figsize=(8, 5.2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(picture, extent=(-width / height, width / height, -1, 1), cmap="Greys", vmin=0, vmax=1.6)
    shorter = min(height, width)
    for r in range(height):
        for c in range(width):
            x, y = (2 * c + 1 - width) / shorter, (height - 2 * r - 1) / shorter
            axes.plot(x, y, ".", color="black", markersize=4)
            axes.text(x, y - 0.06, f"[{r}, {c}]\n({x:g}, {y:g})", ha="center", va="top", fontsize=8)
    axes.plot(*corners[[0, 1, 2, 0], :2].T, color="tab:blue")
    for i, (x, y, _) in enumerate(corners):
        axes.annotate(str(i), (x, y), xytext=(4, 4), textcoords="offset points", color="tab:blue", fontsize=12, weight="bold")
    axes.set(xlabel="x: to the right", ylabel="y: up", xticks=np.linspace(-1.5, 1.5, 7), yticks=np.linspace(-1, 1, 5), xlim=(-1.52, 1.52), ylim=(-1.03, 1.03))
    axes.set_title("image_size=(4, 6): alpha[0], and [row, column] and (x, y) of each pixel's centre", fontsize=9)
    return figure


def aggregates() -> Figure:
    """Four leaves, one behind the other, and a pane that passes through them: through each aggregate."""
    rng, leaves = np.random.default_rng(4), []
    for i, angle in enumerate((0.3, 1.4, 2.3, 3.5)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        corners = np.array([[-0.75, -0.28], [0.75, -0.05], [-0.1, 0.5]]) @ turn.T + rng.uniform(-0.12, 0.12, 2)
        leaves.append(np.concatenate([corners, np.full((3, 1), 0.45 - 0.3 * i)], 1))
    leaves.append(np.array([[-0.9, -0.7, -1.0], [0.9, -0.7, 1.0], [0.0, 0.8, 0.0]]))
    colors = [RED, (0.95, 0.75, 0.2), (0.25, 0.65, 0.3), BLUE, (0.55, 0.6, 0.65)]
    mesh, camera = mesh_of(leaves, colors), tsr.Camera.orbit(3.2, 12, 15, fov=38)
    soft = {"sigma": 3e-4, "near": 1.0, "far": 6.0}
    composite = tsr.RasterizeSettings(**soft, blending=tsr.Blending.COMPOSITE, opacity=tsr.Opacity.FACE)
    window = tsr.RasterizeSettings(**soft, blending=tsr.Blending.COMPOSITE, opacity=tsr.Opacity.FACE, distribution=tsr.Distribution.WINDOW, shape=0.6)
    panes = {
        "HARD": (tsr.RasterizeSettings(**soft, blending=tsr.Blending.HARD, silhouette=tsr.Silhouette.HARD), None),
        "SOFTMAX, gamma 0.02": (tsr.RasterizeSettings(**soft, gamma=0.02), None),
        "COMPOSITE, opacity 1": (composite, 1.0),
        "COMPOSITE, opacity 0.5": (composite, 0.5),
        "WINDOW, opacity 0.9": (window, 0.9),
    }
    figure, (panels,) = row(len(panes))
    for axes, (title, (settings, opacity)) in zip(panels, panes.items(), strict=True):
        renderer = tsr.Renderer(224, settings)
        opacities = None if opacity is None else renderer.parameter(np.full((len(leaves), 1), opacity))
        image = renderer(renderer.parameter(mesh.vertices), mesh.faces, camera, renderer.parameter(mesh.colors), (1, 1, 1), opacity=opacities)
        show(axes, renderer.arrays.to_numpy(image.color)[0].clip(0, 1), title)
    return figure


def axes_of_the_world() -> tsr.Mesh:
    """An arrow along each axis: x red, y green, z blue, and a grey ball at the origin."""
    parts = []
    for axis, color in enumerate(((0.85, 0.2, 0.15), (0.2, 0.65, 0.2), (0.2, 0.35, 0.85))):
        turn = trimesh.geometry.align_vectors([0, 0, 1], np.eye(3)[axis])
        shaft, tip = trimesh.creation.cylinder(0.035, 0.8, sections=24), trimesh.creation.cone(0.1, 0.25, sections=24)
        shaft.apply_translation((0, 0, 0.4))
        tip.apply_translation((0, 0, 0.8))
        parts += [(part.apply_transform(turn), color) for part in (shaft, tip)]
    parts.append((trimesh.creation.icosphere(3, 0.12), (0.6, 0.6, 0.6)))
    whole = trimesh.util.concatenate([part for part, _ in parts])
    colors = np.concatenate([np.tile(color, (len(part.vertices), 1)) for part, color in parts])
    lit = 0.55 + 0.45 * (whole.vertex_normals @ [0.4, 0.8, 0.45]).clip(0, 1)
    return tsr.Mesh(vertices=whole.vertices, faces=whole.faces, colors=colors * lit[:, None])


def cameras() -> Figure:
    """The world's axes, seen by `Camera.orbit`."""
    figure, (panels,) = row(4)
    settings, mesh = tsr.RasterizeSettings(sigma=2e-5), axes_of_the_world()
    for axes, (azimuth, elevation) in zip(panels, ((0, 0), (30, 20), (90, 20), (0, 70)), strict=True):
        camera = tsr.Camera.orbit(2.7, elevation, azimuth, fov=50)
        image = tsr.render_mesh(mesh, camera, 192, settings, background=(1, 1, 1))
        show(axes, image.color[0].clip(0, 1), f"azimuth {azimuth}, elevation {elevation}")
        for name, tip in zip("xyz", 1.16 * np.eye(3), strict=True):
            seen = camera.camera_from_world[0, :, :3] @ tip + camera.camera_from_world[0, :, 3]
            axes.text(*(camera.intrinsics[0, :2] * seen[:2] / -seen[2]), name, ha="center", va="center", fontsize=11, weight="bold")
    return figure


def uv() -> Figure:
    """A picture, its texture coordinates, and a square that wears it."""
    height, width = 4, 6
    r, c = np.mgrid[0:height, 0:width]
    picture = np.stack([0.25 + 0.7 * c / (width - 1), 0.25 + 0.7 * r / (height - 1), np.full(r.shape, 0.45)], -1)
    figure, (panels,) = row(2, size=3.4)
    left, right = panels
    left.imshow(picture, extent=(0, 1, 0, 1), aspect="auto")
    for i, j in zip(r.ravel(), c.ravel(), strict=True):
        left.text((j + 0.5) / width, 1 - (i + 0.5) / height, f"[{i}, {j}]", ha="center", va="center", fontsize=8)
    left.set(xlabel="u: to the right", ylabel="v: up")
    left.set_title("a picture: [row, column] of each texel", fontsize=9)
    corners = np.array([[-0.9, -0.75, 0], [0.9, -0.75, 0], [0.9, 0.75, 0], [-0.9, 0.75, 0]])
    uvs = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    square = tsr.Mesh(vertices=corners, faces=np.array([[0, 1, 2], [0, 2, 3]]), uvs=uvs, texture=picture, wrap=tsr.Wrap.CLAMP)
    camera = tsr.Camera.orbit(2.6, 15, -35, fov=50)
    image = tsr.render_mesh(square, camera, 224, tsr.RasterizeSettings(sigma=1e-5), background=(1, 1, 1))
    show(right, image.color[0].clip(0, 1), "on a square, bilinear")
    for (u, v), corner in zip(uvs, corners, strict=True):
        seen = camera.camera_from_world[0, :, :3] @ corner + camera.camera_from_world[0, :, 3]
        x, y = camera.intrinsics[0, :2] * seen[:2] / -seen[2]
        right.annotate(f"({u}, {v})", (x, y), xytext=(0, 5 if v else -12), textcoords="offset points", ha="center", fontsize=9)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "aggregates": aggregates,
    "cameras": cameras,
    "conorms": conorms,
    "coverage": coverage,
    "depth": depth,
    "distances": distances,
    "distributions": distributions,
    "screen": screen,
    "softness": softness,
    "uv": uv,
}


def of_a_fit(folder: Path, out: Path, cell: int = 128) -> None:
    """Before and after: the hull and the pictures that a fit begins with; pictures that it has not seen; what it found, from the same sides; its shape."""
    train, test = Views.load(folder / "views", "train"), Views.load(folder / "views", "test")
    found = tsr.Mesh.load(folder / "mesh.glb")
    columns, rows, gap, head = 2, 3, 24, 34
    unseen = test.select(np.linspace(0, len(test) - 1, columns * rows).astype(int))

    def seen(mesh: tsr.Mesh, views: Views) -> np.ndarray:
        return render_views(mesh, views.camera, (cell, cell), views.names, samples=4).over_white()

    def block(pictures: np.ndarray, across: int) -> np.ndarray:
        return np.concatenate([np.concatenate(list(line), 1) for line in pictures.reshape(-1, across, *pictures.shape[1:])], 0)

    given = train.reduced(round(train.image_size[0] / (cell // 2))).over_white()
    first = np.concatenate([seen(shaded(hull_mesh(train)), train.select(np.array([0])))[0], block(given[:4], 2)], 1)  # a cell, and four of a quarter
    blocks = {
        f"their hull, and {len(train)} pictures": np.concatenate([first, block(given[4:20], 4)], 0),
        "pictures kept back": block(unseen.over_white(), columns),
        "found, from the same sides": block(seen(found, unseen), columns),
        "its shape": block(seen(shaded(found), unseen), columns),
    }
    height, width = next(iter(blocks.values())).shape[:2]
    whole = Image.new("RGB", (len(blocks) * width + (len(blocks) + 1) * gap, height + head + gap // 2), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(size=17)
    for i, (title, picture) in enumerate(blocks.items()):
        x = gap + i * (width + gap)
        draw.text((x + width / 2, head / 2), title, fill="black", font=font, anchor="mm")
        whole.paste(Image.fromarray(np.round(picture.clip(0, 1) * 255).astype(np.uint8)), (x, head))
    whole.save(out, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PICTURES)} (default: all)")
    parser.add_argument("-o", "--out", type=Path, default=HERE, help="folder for the pictures (default: %(default)s)")
    parser.add_argument("--fit", type=Path, metavar="OUT", help="of a fit in this folder make docs/spot.png, and nothing else")
    arguments = parser.parse_args()
    if arguments.fit is not None:
        path = HERE.parent / "spot.png"
        of_a_fit(arguments.fit, path)
        print(f"{path}: {path.stat().st_size // 1024} KiB")
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or PICTURES:
        path = arguments.out / f"{name}.png"
        PICTURES[name]().savefig(path, dpi=100)
        print(f"{path}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
