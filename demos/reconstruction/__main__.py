"""Shape and colour of an object from one picture, learnt from pictures alone.

    python -m demos.reconstruction generate DATA --quick                      # six families of objects, in the published layout
    python -m demos.reconstruction train DATA -o RUNS/silhouettes --quick     # the same command goes on after Ctrl-C or a kill
    python -m demos.reconstruction train DATA -o RUNS/colour --quick --color
    python -m demos.reconstruction evaluate DATA -o RUNS --runs silhouettes=RUNS/silhouettes colour=RUNS/colour

DATA may as well be a folder with NMR's published renders of ShapeNet; without --quick the recipe is the released one (64 x 64, batches of 64, 250,000 steps).
Several processes, each with its GPU: `torchrun --nproc_per_node 4 -m demos.reconstruction train ... --device cuda`.
"""

import argparse
import json
import sys
from pathlib import Path

from demos.program import GOES_ON, run_program
from demos.training import LOOP_FLAGS, add_loop_flags, chosen, command_parser, load_model, parsed, read_state, save_curves

from .data import IMAGE_SIZE, SPLITS, VIEWS, ShapeData
from .evaluation import evaluate_model, markdown, mean_shape, retrieval, save_sheet
from .families import FAMILIES
from .fitting import fitted_iou
from .generate import GenerateOptions, add_count_flags, generate
from .network import NetworkOptions, Reconstructor
from .training import TrainOptions, train

PALETTE = 16
NUMBERS = ("rate", "sigma", "sigma_start", "laplacian", "flatten", "area")
QUICK_GENERATE = {"train": 400, "val": 8, "test": 30}
QUICK_NETWORK = {"image_size": 32, "width": 16, "hidden": 512, "code": 256, "decoder": 512, "subdivisions": 2, "symmetric": True, "embedding": 32}
QUICK_TRAIN = {
    "steps": 4000,
    "batch": 16,
    "rate": 7e-4,
    "sigma_start": 1e-3,
    "cutoff": 1e-4,
    "laplacian": 2e-3,
    "area": 0.05,
    "clip": 1.0,
    "cosine": True,
    "augment": True,
}


def parser_of() -> argparse.ArgumentParser:
    parser, commands, own = command_parser("demos.reconstruction", __doc__, " (CPU)")
    own.add_argument("data", type=Path, help="folder with <class>_<split>_images.npz and _voxels.npz")

    making = commands.add_parser("generate", parents=[own], help="makes a data set")
    add_count_flags(making, GenerateOptions, QUICK_GENERATE)
    making.add_argument("--seed", type=int, default=0)
    making.add_argument("--families", nargs="+", default=list(FAMILIES), help="default: all six")
    making.add_argument("--quick", action="store_true", help="a small one")

    training = commands.add_parser("train", parents=[own], help="trains a network, or goes on")
    training.add_argument("-o", "--out", type=Path, required=True, help="folder for state.pt")
    training.add_argument("--classes", nargs="+", default=[], help="default: all that DATA holds")
    training.add_argument("--color", action="store_true", help="colours, too: a palette of the picture's own, and their L1 loss")
    add_loop_flags(training, "")
    for options, fields in ((NetworkOptions, ("image_size", "width", "subdivisions", "palette")), (TrainOptions, ("steps", "batch", "seed"))):
        for name in fields:
            training.add_argument(f"--{name.replace('_', '-')}", type=int, help=f"default: the recipe's, {getattr(options, name)}")
    training.add_argument("--target-size", type=int, default=IMAGE_SIZE, help="of the pictures that results are compared with (default: %(default)s)")
    for options, name in ((NetworkOptions, "symmetric"), (TrainOptions, "augment"), (TrainOptions, "cosine")):
        training.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=f"default: the recipe's, {getattr(options, name)}")
    for name in NUMBERS:
        training.add_argument(f"--{name.replace('_', '-')}", type=float, help=f"default: the recipe's, {getattr(TrainOptions, name)}")
    training.add_argument("--color-weight", type=float, help=f"default: {TrainOptions.color}")
    training.add_argument("--norm", choices=("batch", "group"), help="default: batch")

    fitting = commands.add_parser("fit", parents=[own], help="prints the 3D IoU of the template fitted straight to all pictures of some objects")
    fitting.add_argument("--objects", type=int, default=6, help="of each class (default: %(default)s)")
    fitting.add_argument("--split", choices=SPLITS, default="test")
    fitting.add_argument("--steps", type=int, default=240)
    fitting.add_argument("--target-size", type=int, default=IMAGE_SIZE, help="of the pictures (default: %(default)s)")
    fitting.add_argument("--subdivisions", type=int, default=QUICK_NETWORK["subdivisions"], help="of the template (default: %(default)s)")
    fitting.add_argument("--area", type=float, default=QUICK_TRAIN["area"], help="weight (default: %(default)s)")

    judging = commands.add_parser("evaluate", parents=[own], help="prints the table of 3D IoU")
    judging.add_argument("-o", "--out", type=Path, required=True, help="folder for iou.md, iou.json, sheet.png, curves.png")
    judging.add_argument("--runs", nargs="+", required=True, metavar="NAME=FOLDER", help="trainings, and what to call them")
    judging.add_argument("--split", choices=SPLITS, default="test")
    judging.add_argument("--views", type=int, default=VIEWS, help="of each object (default: all %(default)s)")
    judging.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    return parser


def run_train(options: argparse.Namespace) -> None:
    sizes = chosen(options, ("image_size", "width", "subdivisions", "palette", "norm", "symmetric"), QUICK_NETWORK)
    if options.color:
        sizes = {"palette": PALETTE} | sizes
    elif options.palette:
        raise ValueError("train: --palette needs --color")
    recipe = chosen(options, ("steps", "batch", "seed", "augment", "cosine", *NUMBERS), QUICK_TRAIN)
    if options.color_weight is not None:
        recipe["color"] = options.color_weight
    network = NetworkOptions(**sizes)
    if options.target_size < network.image_size:
        raise ValueError(f"train: --target-size must be {network.image_size} (that of the pictures given) or more, got {options.target_size}")
    data = ShapeData.load(options.data, "train", options.classes, options.target_size)
    if not train(data, options.out, network, TrainOptions(**recipe), **{name: getattr(options, name) for name in LOOP_FLAGS}):
        sys.exit(GOES_ON)


def run_fit(options: argparse.Namespace) -> None:
    network = NetworkOptions(**QUICK_NETWORK | {"subdivisions": options.subdivisions})
    recipe = TrainOptions(**QUICK_TRAIN | {"steps": options.steps, "area": options.area})
    data = ShapeData.load(options.data, options.split, image_size=options.target_size)
    iou, size = fitted_iou(data, options.objects, network, recipe)
    print(markdown({"fitted": iou, "voxels / true ones": size}))


def run_evaluate(options: argparse.Namespace) -> None:
    if not all("=" in run for run in options.runs):
        raise ValueError(f"evaluate: --runs must be NAME=FOLDER, got {' '.join(options.runs)}")
    if not 1 <= options.views <= VIEWS:
        raise ValueError(f"evaluate: --views must be 1 to {VIEWS}, got {options.views}")
    folders = {name: Path(folder) for name, folder in (run.split("=", 1) for run in options.runs)}
    models = {name: load_model(Reconstructor, NetworkOptions, folder, options.device) for name, folder in folders.items()}
    states = {name: read_state(folder / "state.pt") for name, folder in folders.items()}
    size, classes = {model.options.image_size for model in models.values()}, states[next(iter(states))]["classes"]
    if len(size) > 1:
        raise ValueError(f"evaluate: all runs must take pictures of one size, got {sorted(size)}")
    train_data, test_data = (ShapeData.load(options.data, split, classes, *size) for split in ("train", options.split))
    rows = {"retrieval": retrieval(train_data, test_data, options.views), "mean shape": mean_shape(train_data, test_data)}
    rows |= {name: evaluate_model(model, test_data, options.views) for name, model in models.items()}
    options.out.mkdir(parents=True, exist_ok=True)
    told = {name: {"steps": state["step"], "minutes": round(state["seconds"] / 60, 1)} for name, state in states.items()}
    (options.out / "iou.json").write_text(json.dumps({"split": options.split, "views": options.views, "runs": told, "iou": rows}, indent=1) + "\n")
    (options.out / "iou.md").write_text(markdown(rows) + "\n")
    save_sheet(options.out / "sheet.png", models, test_data)
    save_curves(options.out / "curves.png", {name: state["losses"][:, 1].numpy() for name, state in states.items()}, "1 - IoU of silhouettes", 4)
    print(markdown(rows))
    print(f"trained: {told}; iou.md, iou.json, sheet.png and curves.png are in {options.out}")


def main(arguments: list[str] | None = None) -> None:
    options = parsed(parser_of(), arguments)
    if options.command == "generate":
        counts = chosen(options, SPLITS, QUICK_GENERATE)
        generate(options.data, GenerateOptions(**counts, seed=options.seed, families=tuple(options.families)))
    elif options.command == "train":
        run_train(options)
    elif options.command == "fit":
        run_fit(options)
    else:
        run_evaluate(options)


if __name__ == "__main__":
    run_program("reconstruction", main)
