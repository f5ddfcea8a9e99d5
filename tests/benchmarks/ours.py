"""This renderer's step, through the entry that users of Taichi alone have."""

import functools
import time
from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np

from taichi_softras import Topology
from taichi_softras.engine import rasterizer
from taichi_softras.kernels.op import Op
from taichi_softras.kernels.rasterize import Choices, draw_op, generated_gradient
from taichi_softras.kernels.variant import Storage, Variant
from taichi_softras.language import ti
from taichi_softras.runtime import default_arrays

from .rows import Scene
from .timing import Step

__all__ = ["generated_step_of", "step_of"]


def step_of(scene: Scene) -> Step:
    """On a tape: forward is the rasteriser's call with all that it allocates, backward what the tape calls; gradients of one come from every output."""
    arrays = default_arrays()
    topology = Topology.shared(scene.faces, len(scene.vertices_screen), scene.batch)
    vertices = arrays.parameter(np.tile(scene.vertices_screen, (scene.batch, 1)))
    colors, background = None, None
    if scene.colors is not None:
        colors, background = arrays.parameter(scene.colors), arrays.real(np.zeros((scene.batch, scene.colors.shape[1])))
    loss = arrays.parameter(np.zeros(() if arrays.variant.storage is Storage.FIELD else 1))

    def step() -> tuple[float, float]:
        began = time.perf_counter()
        with ti.ad.Tape(loss):
            image = rasterizer.rasterize(arrays, topology, vertices, colors, background, scene.settings, (scene.size, scene.size))
            ti.sync()
            rendered = time.perf_counter()
            for output in (image.alpha, image.color, image.depth):
                if output is not None:
                    arrays.untracked(partial(output.grad.fill, 1.0))
            ti.sync()
            resumed = time.perf_counter()
        ti.sync()
        return rendered - began, time.perf_counter() - resumed

    return step


def generated_step_of(scene: Scene) -> Step:
    """The same with the gradient that Taichi generates, where there is one by hand."""
    step = step_of(scene)

    def generated_step() -> tuple[float, float]:
        with mock.patch.object(rasterizer, "draw_op", _without_hand):
            return step()

    return generated_step


@functools.cache
def _without_hand(variant: Variant, choices: Choices) -> Op:
    return replace(draw_op(variant, choices), gradient=generated_gradient(variant, choices))
