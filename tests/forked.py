"""Scripts that begin with torch, each in a new process, which need not wait four seconds for it and what is used with it: a server imports that, and nothing of
ours, and forks them.

What a script sees is what it sees when Python is started with it: its own ``__main__``, arguments, environment, standard streams, and end. What is about
importing, or where there is no torch, is started anew instead (`conftest.run_python`).
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from taichi_softras.language import NAME

__all__ = ["Forked"]

SERVER = """
import gc, importlib, json, os, sys
import torch, torch._dynamo  # which the first optimizer imports, in longer than torch itself
import PIL.Image, scipy.ndimage, scipy.sparse, scipy.spatial, trimesh
importlib.import_module(sys.argv[3])
gc.freeze()

commands, answers = os.fdopen(int(sys.argv[1])), os.fdopen(int(sys.argv[2]), "w")
for line in commands:
    pid = os.fork()
    if pid == 0:
        break
    print(pid, file=answers, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=answers, flush=True)
else:
    sys.exit()

commands.close()
answers.close()
script, streams, environment = json.loads(line)
for number, stream in enumerate(streams):
    opened = os.open(stream, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY)
    os.dup2(opened, number)
    os.close(opened)
os.environ.clear()
os.environ.update(environment)
sys.argv, sys.path[0] = [script], os.path.dirname(script)
os.chdir(sys.path[0])
main = sys.modules["__main__"] = type(sys)("__main__")
main.__file__, main.__builtins__ = script, __builtins__
with open(script) as file:
    code = compile(file.read(), script, "exec")
exec(code, vars(main))  # and then the interpreter ends as it always does
"""


class Forked:
    """The server. (``path``: where modules are found, as in ``PYTHONPATH``.)"""

    def __init__(self, folder: Path, path: str) -> None:
        (folder / "server.py").write_text(SERVER)
        theirs, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        command = [sys.executable, str(folder / "server.py"), str(theirs), str(answers), NAME]
        environment = os.environ | {"PYTHONPATH": path, "OMP_WAIT_POLICY": "passive"}  # torch's idle threads would spin
        self._server = subprocess.Popen(command, env=environment, pass_fds=[theirs, answers], stdin=subprocess.DEVNULL)
        os.close(theirs)
        os.close(answers)

    def run(self, script: Path, environment: Mapping[str, str], given: str = "", timeout: float = 300) -> subprocess.CompletedProcess:
        """As ``subprocess.run([sys.executable, script], cwd=script.parent, env=environment, input=given, capture_output=True, text=True)``."""
        streams = [script.with_suffix(suffix) for suffix in (".in", ".out", ".err")]
        streams[0].write_text(given)
        os.write(self._commands, (json.dumps([str(script), list(map(str, streams)), dict(environment)]) + "\n").encode())
        pid = self._answer(timeout)
        try:
            status = self._answer(timeout)
        except TimeoutError:
            os.kill(pid, 9)
            self._answer(timeout)
            raise subprocess.TimeoutExpired([sys.executable, str(script)], timeout) from None
        return subprocess.CompletedProcess([sys.executable, str(script)], status, *(stream.read_text() for stream in streams[1:]))

    def _answer(self, timeout: float) -> int:
        """A line with a number."""
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self._answers], [], [], timeout)[0]:
                raise TimeoutError
            line += (byte := os.read(self._answers, 1))
            if not byte:
                raise RuntimeError(f"the server of scripts ended with {self._server.wait()}")
        return int(line)

    def stop(self) -> None:
        os.close(self._commands)
        self._server.wait(timeout=60)
        os.close(self._answers)
