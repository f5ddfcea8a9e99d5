"""SoftRas's rendering demo: a textured mesh turns, then its picture grows soft with sigma and gamma.

    python demos/softras_render.py -o out/render               # the embedded creature
    python demos/softras_render.py MESH.obj -o out/render      # an OBJ file, with its textures baked per face (5 x 5 texels each)

OUT then holds rotation.gif, softness.gif, softness.png (from sharp to soft) and mesh.obj with its texture atlas.
"""

from pathlib import Path

import numpy as np
from program import program_parser, run_program
from tqdm import tqdm

from taichi_softras.interop import soft_renderer as sr
from taichi_softras.recover import save_animation, save_picture
from taichi_softras.scene import creature


def embedded_mesh() -> sr.Mesh:
    """The creature, each face in the mean colour of its corners."""
    mesh = creature(4)
    return sr.Mesh(mesh.vertices, mesh.faces, mesh.colors[mesh.faces].mean(1)[:, None])


def picture(renderer: sr.SoftRenderer, mesh: sr.Mesh) -> np.ndarray:
    """[H, W, 3] of the first image, over black."""
    mesh.reset_()
    return renderer.render_mesh(mesh)[0, :3].permute(1, 2, 0).numpy()


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("mesh", nargs="?", type=Path, help="OBJ file; by default the embedded creature")
    parser.add_argument("--frames", type=int, default=90, help="of the turntable (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, pixels (default: %(default)s)")
    options = parser.parse_args()

    mesh = embedded_mesh() if options.mesh is None else sr.Mesh.from_obj(options.mesh, load_texture=True, texture_res=5, texture_type="surface")
    renderer = sr.SoftRenderer(image_size=options.size, camera_mode="look_at")
    options.out.mkdir(parents=True, exist_ok=True)

    turning = []
    for azimuth in tqdm(np.arange(options.frames) * 360.0 / options.frames, desc="turntable"):
        renderer.transform.set_eyes_from_angles(2.732, 30, float(azimuth))
        turning.append(picture(renderer, mesh))
    save_animation(options.out / "rotation.gif", turning)

    softer = []
    renderer.transform.set_eyes_from_angles(2.732, 30, 140)
    for power in tqdm(np.arange(-4, -2, 0.2), desc="softness"):
        renderer.set_gamma(10**power)
        renderer.set_sigma(10 ** (power - 1))
        softer.append(picture(renderer, mesh))
    save_animation(options.out / "softness.gif", [*softer, *softer[::-1]])
    save_picture(options.out / "softness.png", np.concatenate(softer[:: len(softer) // 5], axis=1))

    mesh.reset_()
    mesh.save_obj(options.out / "mesh.obj", save_texture=True)
    print(f"rotation.gif, softness.gif, softness.png and mesh.obj are in {options.out}")


if __name__ == "__main__":
    run_program("softras_render", main)
