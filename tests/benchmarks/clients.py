"""What looking on costs: the viewer's page and a fit's, asked by clients without a browser, so that only our side is timed.

``python -m tests.benchmarks.clients speed MESH`` tells frames a second and latency of a drag at 512 x 512 on the page, ``window MESH`` the same of the window
(with a display and Vulkan). ``python -m tests.benchmarks.clients soak`` has clients come and go while a fit runs, and tells memory, threads and steps a second.
``python -m tests.benchmarks.clients idle`` tells what `fit --live` adds to a step while nobody looks on.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from ..browsers import Client, Serving

SIZE = (512, 512)
DRAGS, SECONDS = 20, 8.0
RATE = 30.0  # cameras a second, of a drag


def speed(mesh: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        serving = Serving(Path(folder), mesh, fitting="no")
        try:
            client = Client(serving.viewer, SIZE)
            client.look(0.0)
            while max(client.picture().shape) < max(SIZE):  # compiled, and as fine as the canvas
                pass
            first = [_latency(client, 3.0 * i) for i in range(DRAGS)]
            began, cpu, n, sizes = time.monotonic(), serving.state()["cpu"], 0, list[int]()
            sent = 0
            while (now := time.monotonic() - began) < SECONDS:
                if now * RATE >= sent:
                    client.look(90.0 + 2.0 * sent)
                    sent += 1
                for message in client.messages(0.005):
                    if message["type"] == "BackgroundImageMessage":
                        n += 1
            cpu = serving.state()["cpu"] - cpu
            _rest(client)
            client.look(10.0)
            began_rest = time.monotonic()
            while (size := max(client.picture().shape)) < max(SIZE):
                sizes.append(size)
            rest = time.monotonic() - began_rest
        finally:
            serving.stop()
    print(f"page, {Path(mesh).name}: {n / SECONDS:.1f} frames/s of {sent / SECONDS:.1f} cameras/s sent, {1000 * cpu / max(n, 1):.0f} ms of CPU each")
    print(f"from a camera to its first picture: {1000 * statistics.median(first):.0f} ms (median of {DRAGS}; largest {1000 * max(first):.0f} ms)")
    print(f"from a camera to the picture with all pixels, {0.25:g} s of rest included: {rest:.2f} s, after {len(sizes)} smaller ones")


def _latency(client: Client, azimuth: float) -> float:
    """Seconds from a camera to its first picture, which is coarser than those at rest before."""
    _rest(client)
    began = time.monotonic()
    client.look(azimuth)
    while max(client.picture().shape) >= max(SIZE):
        pass
    return time.monotonic() - began


def _rest(client: Client, seconds: float = 1.2) -> None:
    """Lets the picture become fine."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client.messages(0.1)


def window(mesh: str) -> None:
    """The same in GGUI's window, where there is one."""
    import taichi_softras
    from taichi_softras import Mesh
    from taichi_softras.runtime import has_display, vulkan_offer
    from taichi_softras.viewer import Model

    if not (has_display() and vulkan_offer().devices):
        print("window: there is no display, or no Vulkan")
        return
    from taichi_softras.viewer.window import PANEL_WIDTH, Window

    taichi_softras.init("cpu")
    model = Model(Mesh.load(mesh).normalized())
    one = Window(model, (SIZE[0], SIZE[1] + PANEL_WIDTH))
    for _ in range(30):
        one._tick()
    began, cpu, n = time.monotonic(), time.process_time(), 0
    while time.monotonic() < began + SECONDS:
        model.scene.orbit.turn(0.01, 0.0)
        model.touch()
        n += one._tick()
    each = 1000 * (time.process_time() - cpu) / max(n, 1)
    print(f"window: {n / SECONDS:.1f} frames/s, {each:.0f} ms of CPU each, pictures of {model.drawn[1]} x {model.drawn[0]}")
    one._window.destroy()


def soak(minutes: float, n_clients: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        serving = Serving(Path(folder), fitting="always")
        try:
            before = _steps_a_second(serving)
            rng, clients, began, told = np.random.default_rng(0), list[tuple[Client, float]](), time.monotonic(), 0.0
            n_came = n_pictures = 0
            while (now := time.monotonic() - began) < 60 * minutes:
                while len(clients) < n_clients:
                    clients.append((Client(serving.viewer if rng.uniform() < 0.7 else serving.live), now + rng.uniform(2, 20)))
                    n_came += 1
                for client, until in list(clients):
                    client.look(rng.uniform(0, 360))
                    n_pictures += sum(message["type"] == "BackgroundImageMessage" for message in client.messages(0.02))
                    if now > until:
                        clients.remove((client, until))
                        client.vanish() if rng.uniform() < 0.5 else client.close()
                if now > told:
                    told = now + 15
                    _tell(serving, now, n_came)
            for client, _ in clients:
                client.vanish()
            serving.wait(lambda: serving.state()["sessions"] == 0, "end of the sessions")
            after = _steps_a_second(serving)
            _tell(serving, time.monotonic() - began, n_came)
            print(f"{n_came} clients, {n_pictures} pictures; steps a second of CPU, alone: {before:.1f} before, {after:.1f} after")
        finally:
            print(serving.everything())
            serving.stop()


def _tell(serving: Serving, seconds: float, n_came: int) -> None:
    state = serving.state()
    words = f"{seconds:5.0f} s  {n_came:4d} came  {state['sessions']:2d} there  {state['resident']:7.1f} MiB  {state['threads']:3d} threads"
    print(f"{words}  {state['steps']:6d} steps", flush=True)


def _steps_a_second(serving: Serving, seconds: float = 20.0) -> float:
    """Of the process's own time (CPU), so that others on the machine count little; once what a step needs is compiled."""
    first = serving.state()["steps"]
    serving.wait(lambda: serving.state()["steps"] > first + 50, "step")
    began = serving.state()
    time.sleep(seconds)
    ended = serving.state()
    return (ended["steps"] - began["steps"]) / max(ended["cpu"] - began["cpu"], 1e-9)


def idle(steps: int = 300) -> None:
    """`Live.tell` without a client, against a step of the smallest fit."""
    import taichi_softras
    from taichi_softras.recover import Fit, FitOptions, Start
    from taichi_softras.scene import creature
    from taichi_softras.viewer.browser.live import Live
    from taichi_softras.viewer.optimise import views_of

    taichi_softras.init("cpu")
    fit = Fit(views_of(creature(2), 32, 6), FitOptions(start=Start.SPHERE, steps=100_000, views_per_step=2, faces=400, score_every=10_000))
    live = Live(fit, [], "localhost", 0)
    for _ in range(20):
        fit.step()
    stepping = telling = 0.0
    for i in range(steps):
        began = time.perf_counter()
        fit.step()
        between = time.perf_counter()
        live.tell("shape", i, steps)
        stepping, telling = stepping + between - began, telling + time.perf_counter() - between
    live.close("ended")
    print(f"a step: {1e3 * stepping / steps:.2f} ms; telling the page without a client: {1e6 * telling / steps:.1f} us, {100 * telling / stepping:.3f} % of it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speed", "window", "soak", "idle"))
    parser.add_argument("mesh", nargs="?", default="../shared/data/spot/spot_triangulated.obj")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=10)
    options = parser.parse_args()
    if options.what == "speed":
        speed(str(Path(options.mesh).resolve()))
    elif options.what == "window":
        window(options.mesh)
    elif options.what == "soak":
        soak(options.minutes, options.clients)
    else:
        idle()


if __name__ == "__main__":
    main()
