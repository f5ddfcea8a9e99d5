"""Shape, texture and light of an object from one picture, learnt from pictures alone: DIB-R's application.

    python -m demos.dibr generate DATA --quick            # painted and lit objects, in the published layout, with the truth beside it
    python -m demos.dibr train DATA -o RUN --quick        # the same command goes on after Ctrl-C or a kill
    python -m demos.dibr evaluate DATA -o OUT --run RUN   # the table, and pictures

Without --quick: six families, 64 x 64 pictures, a larger network and 100,000 steps. The generator of textured objects is `python -m demos.dibr.gan`.
"""

import argparse
import json
import sys
from dataclasses import fields
from pathlib import Path

from demos.program import GOES_ON, run_program
from demos.reconstruction.data import SPLITS, VIEWS, ShapeData
from demos.reconstruction.families import FAMILIES
from demos.reconstruction.generate import add_count_flags
from demos.training import LOOP_FLAGS, add_loop_flags, add_option_flags, chosen, command_parser, load_model, parsed, read_state
from taichi_softras.replacing import replacing

from .data import Truth
from .evaluation import Judge, baselines, judge_model, markdown, save_curves, save_sheet
from .generate import GenerateOptions, generate
from .network import NetworkOptions, Reconstructor
from .surface import Way
from .training import PARTS, TrainOptions, train

QUICK_GENERATE = {"train": 300, "val": 4, "test": 30, "families": ("bench", "car", "chair", "table")}
QUICK_NETWORK = {"image_size": 32, "width": 16, "hidden": 512, "code": 256, "decoder": 512, "subdivisions": 2, "texture": 32, "channels": 16}
QUICK_TRAIN = {"steps": 5000, "batch": 12, "rate": 7e-4, "sigma_start": 1e-3, "laplacian": 2e-3, "flatten": 5e-4, "clip": 1.0}
TRAIN_FLAGS, NETWORK_FLAGS = (tuple(field.name for field in fields(options)) for options in (TrainOptions, NetworkOptions))


def parser_of() -> argparse.ArgumentParser:
    parser, commands, own = command_parser("demos.dibr", __doc__, " (CPU)")
    own.add_argument("data", type=Path, help="folder with <class>_<split>_images.npz and what belongs to it")

    making = commands.add_parser("generate", parents=[own], help="makes a data set, or the rest of it")
    add_count_flags(making, GenerateOptions, QUICK_GENERATE)
    making.add_argument("--seed", type=int)
    making.add_argument("--families", nargs="+", help=f"default: {', '.join(FAMILIES)}; with --quick {', '.join(QUICK_GENERATE['families'])}")
    making.add_argument("--quick", action="store_true", help="a small one")

    training = commands.add_parser("train", parents=[own], help="trains a network, or goes on")
    training.add_argument("-o", "--out", type=Path, required=True, help="folder for state.pt")
    training.add_argument("--classes", nargs="+", default=[], help="default: all that DATA holds")
    add_loop_flags(training, ", where they fit")
    for options, quick in ((NetworkOptions, QUICK_NETWORK), (TrainOptions, QUICK_TRAIN)):
        add_option_flags(training, options, quick, way=[way.value for way in Way])

    judging = commands.add_parser("evaluate", parents=[own], help="prints the table")
    judging.add_argument("-o", "--out", type=Path, required=True, help="folder for table.md, classes.md, table.json, sheet.png, curves.png")
    judging.add_argument("--run", type=Path, required=True, help="folder of a training")
    judging.add_argument("--split", choices=SPLITS, default="test")
    judging.add_argument("--views", type=int, default=VIEWS, help="of each object (default: all %(default)s)")
    judging.add_argument("--per-class", type=int, default=2, help="objects of each class on sheet.png (default: %(default)s)")
    return parser


def run_evaluate(options: argparse.Namespace) -> None:
    if not 1 <= options.views <= VIEWS:
        raise ValueError(f"evaluate: --views must be 1 to {VIEWS}, got {options.views}")
    state, model = read_state(options.run / "state.pt"), load_model(Reconstructor, NetworkOptions, options.run)
    judge = Judge(options.data, options.split, state["classes"], model.options.image_size, options.views)
    train_data, train_truth = ShapeData.load(options.data, "train", state["classes"]), Truth.load(options.data, "train", state["classes"])
    rows = baselines(judge, train_data, train_truth)
    found = judge_model(model, judge, train_truth, train_data)
    network = found.pop("network")
    rows |= found | {f"network, {state['step']:,} steps": network}
    options.out.mkdir(parents=True, exist_ok=True)
    told = {"split": options.split, "views": options.views, "steps": state["step"], "minutes": round(state["seconds"] / 60, 1)}
    classes = "\n\n".join(f"{name}\n\n{markdown(rows, name)}" for name in judge.classes)
    for file, text in (("table.md", markdown(rows)), ("classes.md", classes), ("table.json", json.dumps(told | {"rows": rows}, indent=1))):
        with replacing(options.out / file) as partial:
            partial.write_text(text + "\n")
    save_sheet(options.out / "sheet.png", model, judge, options.per_class)
    save_curves(options.out / "curves.png", state["losses"][:, 1:3].numpy(), [f"{name} loss" for name in PARTS[1:3]])
    print(markdown(rows))
    print(f"trained for {state['step']} steps, {told['minutes']} minutes; table.md, classes.md, table.json, sheet.png and curves.png are in {options.out}")


def main(arguments: list[str] | None = None) -> None:
    options = parsed(parser_of(), arguments)
    if options.command == "generate":
        given = chosen(options, (*SPLITS, "seed", "families"), QUICK_GENERATE)
        generate(options.data, GenerateOptions(**given | ({"families": tuple(given["families"])} if "families" in given else {})))
    elif options.command == "train":
        network = NetworkOptions(**chosen(options, NETWORK_FLAGS, QUICK_NETWORK))
        recipe = TrainOptions(**chosen(options, TRAIN_FLAGS, QUICK_TRAIN))
        data = ShapeData.load(options.data, "train", options.classes, network.image_size)
        if not train(data, options.out, network, recipe, **{name: getattr(options, name) for name in LOOP_FLAGS}):
            sys.exit(GOES_ON)
    else:
        run_evaluate(options)


if __name__ == "__main__":
    run_program("dibr", main)
