"""One triangle, soft to three degrees, and where the gradient would move its corners.

    python demos/01_triangle.py

The dashed triangle is the target. A sharp triangle does not know of it: it does not touch it. A soft one feels it from afar.
"""

import argparse
from pathlib import Path

import numpy as np

import taichi_softras as tsr
from taichi_softras.language import ti

try:
    from matplotlib.figure import Figure
except ImportError:
    raise SystemExit("this program draws with matplotlib, which is not installed: pip install 'taichi_softras[plot]'") from None

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("-o", "--out", type=Path, default=Path("out/01_triangle"), help="folder for the picture (default: %(default)s)")
out = parser.parse_args().out

corners = np.array([[-0.75, -0.45, 0], [-0.05, -0.6, 0], [-0.35, 0.1, 0]])
target = np.array([[0.1, 0.2, 0], [0.7, -0.05, 0], [0.6, 0.7, 0]])
faces, camera = np.array([[0, 1, 2]]), tsr.Camera.orbit(2, orthographic_height=2)  # the world's x and y are the screen's
figure = Figure(figsize=(10.5, 3.9), layout="constrained")
for axes, sigma in zip(figure.subplots(1, 3), (1e-3, 2e-2, 2e-1), strict=True):
    renderer = tsr.Renderer(128, tsr.RasterizeSettings(sigma=sigma))
    vertices, goal, loss = (renderer.parameter(values) for values in (corners, target, np.zeros(1)))
    with ti.ad.Tape(loss):
        alpha = renderer(vertices, faces, camera).alpha
        tsr.losses.silhouette_iou(alpha, renderer(goal, faces, camera).alpha, into=loss)
    gradient = vertices.grad.to_numpy()
    length = np.linalg.norm(gradient, axis=1).max()
    axes.imshow(alpha.to_numpy()[0], extent=(-1, 1, -1, 1), cmap="magma", vmin=0, vmax=1)
    axes.plot(*target[[0, 1, 2, 0], :2].T, "--", color="white", linewidth=1)
    if length > 1e-6:
        axes.quiver(*corners[:, :2].T, *(-0.4 * gradient[:, :2] / length).T, color="deepskyblue", angles="xy", scale_units="xy", scale=1, width=0.012)
    axes.set(title=f"sigma {sigma:g}: longest gradient {length:.1e}", xticks=[], yticks=[])
    print(f"sigma {sigma:g}: 1 - IoU {loss.to_numpy()[0]:.4f}, longest gradient {length:.2e}")
out.mkdir(parents=True, exist_ok=True)
figure.savefig(out / "triangle.png", dpi=80)
print(f"triangle.png is in {out}")
