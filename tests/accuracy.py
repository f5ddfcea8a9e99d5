"""How near float32's gradients come to float64's: ``python -m tests.accuracy [cpu|cuda]`` prints the table of `docs/limits.md` (an hour on one core).

An icosphere of 320 faces, its vertices jittered, is seen in two pictures of 48 x 64 pixels; the loss takes alpha, colour and depth. What is told is the
norm of the difference over the norm of the gradient of the vertices, the largest of three jitters. Beside it stands what float64's own gradient does when
the vertices are moved by what float32 rounds off them: what no arithmetic on float32 can better.
"""

import sys
from collections.abc import Iterator

import numpy as np
import torch

import taichi_softras as tsr
from taichi_softras import Camera, Distance, Distribution, Mesh, RasterizeSettings, Silhouette

MESH = Mesh.icosphere(2)
CAMERA = Camera.orbit(2.7, 20.0, [30.0, 200.0], fov=60)
SIGMA, GAMMA, SIGMA_OF_LENGTHS = 1e-3, 1e-2, 3e-2
HALF_A_BIT = 6e-8  # of a number between one half and one


def gradient(settings: RasterizeSettings, dtype: torch.dtype, seed: int = 0, moved: float = 0.0) -> np.ndarray:
    """[V, 3] of the vertices, which float32 knows exactly unless they are ``moved`` (by chance, so far)."""
    from taichi_softras.interop import render

    rng = np.random.default_rng(seed)
    jittered = (MESH.vertices + rng.normal(0, 0.03, MESH.vertices.shape)).astype(np.float32).astype(np.float64)
    colors = rng.uniform(size=(len(jittered), 3)).astype(np.float32)
    vertices = torch.tensor(jittered + moved * rng.standard_normal(jittered.shape), dtype=dtype).requires_grad_()
    image = render(vertices, torch.from_numpy(MESH.faces), CAMERA, torch.tensor(colors, dtype=dtype), settings=settings, image_size=(48, 64))
    (image.alpha.square().sum() + image.color.square().sum() + image.depth.sum()).backward()
    return vertices.grad.double().numpy()


def errors(settings: RasterizeSettings, seed: int = 0) -> tuple[float, float]:
    """Of float32, and of float64 whose vertices are moved: parts of the norm."""
    expected = gradient(settings, torch.float64, seed)
    got = gradient(settings, torch.float32, seed), gradient(settings, torch.float64, seed, HALF_A_BIT)
    return tuple(float(np.linalg.norm(values - expected) / np.linalg.norm(expected)) for values in got)


def settings_of(**choices) -> RasterizeSettings:
    lengths = not choices.get("squared", True)
    return RasterizeSettings(**({"sigma": SIGMA_OF_LENGTHS if lengths else SIGMA, "gamma": GAMMA} | choices))


def rows() -> Iterator[tuple[str, RasterizeSettings]]:
    for sigma in (1e-3, 1e-4, 1e-5):
        yield f"the default, sigma {sigma:g}", settings_of(sigma=sigma)
    for distribution in Distribution:
        if distribution not in (Distribution.LOGISTIC, Distribution.HEAVISIDE):
            yield f"distribution {distribution.name.lower()}", settings_of(distribution=distribution)
    for silhouette in Silhouette:
        if silhouette is not Silhouette.PROBABILISTIC:
            yield f"T-conorm {silhouette.name.lower()}", settings_of(silhouette=silhouette)
    for distance in Distance:
        for squared in (True, False):
            if (distance is not Distance.EUCLIDEAN or not squared) and (distance is not Distance.HARD or squared):
                yield f"distance {distance.value}{'' if squared else ', not squared'}", settings_of(distance=distance, squared=squared)


if __name__ == "__main__":
    tsr.init(sys.argv[1] if len(sys.argv) > 1 else "cpu")
    print("| setting | float32 | float64, vertices moved by half a bit of float32 |\n|---|---|---|")
    for name, settings in rows():
        of_float32, moved = np.max([errors(settings, seed) for seed in range(3)], axis=0)
        print(f"| {name} | {of_float32:.0e} | {moved:.0e} |", flush=True)
