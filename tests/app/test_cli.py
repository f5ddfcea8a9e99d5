"""What scripts and shells are told by the command: its exit status, its help, its completion; results alone are on the standard output."""

import os
import shutil
import subprocess
import sys

import pytest

from taichi_softras.app import main

COMMANDS = ("fit", "render", "view", "doctor", "completion")


class TestExitStatus:
    @pytest.mark.parametrize("arguments", [["fti"], ["fit"], ["fit", "-o", "out", "--steps", "many"], ["render", "-o", "out", "--no-such-option"]])
    def test_of_a_wrong_call_is_2(self, arguments, capsys):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert "usage: taichi-softras" in capsys.readouterr().err

    def test_of_a_call_without_a_command_is_2_and_says_which_there_are(self, capsys):
        assert main([]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        for word in (*COMMANDS, "first of all"):
            assert word in said.err

    def test_of_what_cannot_be_done_is_1(self, tmp_path, capsys):
        assert main(["render", "no_such_mesh.obj", "-o", str(tmp_path)]) == 1
        said = capsys.readouterr()
        assert len(said.err.splitlines()) == 1
        assert said.out == ""

    def test_of_an_interruption_is_130(self, tmp_path, capsys, monkeypatch):
        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("taichi_softras.app.cli.render_views", interrupted)
        assert main(["render", "-o", str(tmp_path), "--views", "1"]) == 130
        assert "interrupted" in capsys.readouterr().err

    def test_of_what_is_done_is_0_and_the_result_alone_on_standard_output(self, tmp_path):
        """In a process of its own: the lines that Taichi prints are not among it."""
        done = subprocess.run(
            [sys.executable, "-m", "taichi_softras", "render", "-o", str(tmp_path), "--views", "1", "--size", "16", "--samples", "1"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"1 pictures of 16 x 16 pixels and transforms.json are in {tmp_path}\n"

    @pytest.mark.skipif(os.name == "nt", reason="a shell of Windows closes no streams")
    @pytest.mark.parametrize(
        ("closed", "command", "written"),
        [
            (">&-", ["render", "--views", "1", "--samples", "1"], "transforms.json"),
            ("<&- >&- 2>&-", ["fit", "--views", "6", "--test-views", "1", "--steps", "4", "--colors", "vertex"], "report.html"),
        ],
    )
    def test_of_closed_streams_is_0(self, tmp_path, closed, command, written):
        """As those of a program that is started without a terminal may be."""
        words = [sys.executable, "-m", "taichi_softras", *command, "--size", "16", "-o", str(tmp_path)]
        done = subprocess.run(["sh", "-c", f'"$0" "$@" {closed}', *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert (tmp_path / written).is_file()

    def test_of_a_stream_that_has_no_letters_for_a_name_is_0(self, tmp_path):
        """As a file that a shell of Windows writes to."""
        out = tmp_path / "\u6f22 gr\u00f6\u00dfe"
        command = [sys.executable, "-m", "taichi_softras", "render", "-o", str(out), "--views", "1", "--size", "16", "--samples", "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONIOENCODING": "cp1252"}, encoding="cp1252")
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("\\u6f22 gr\u00f6\u00dfe\n")

    @pytest.mark.skipif(os.name == "nt", reason="pipes of Windows are closed otherwise")
    def test_of_a_reader_that_goes_away(self):
        """As `head` does: no complaint, and the status by which shells know it."""
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as closed:
            done = subprocess.run([sys.executable, "-m", "taichi_softras", "completion", "zsh"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 141
        assert done.stderr == ""


class TestHelp:
    def test_tells_the_commands_and_the_exit_status(self, capsys):
        with pytest.raises(SystemExit) as ended:
            main(["--help"])
        assert ended.value.code == 0
        said = capsys.readouterr().out
        for word in (*COMMANDS, "exit status", "130"):
            assert word in said

    @pytest.mark.parametrize("command", COMMANDS)
    def test_of_each_command_has_examples_that_it_understands(self, command, capsys):
        from taichi_softras.app.cli import _parser

        with pytest.raises(SystemExit):
            main([command, "--help"])
        said = capsys.readouterr().out
        examples = [line.strip() for line in said.partition("\nexamples\n")[2].splitlines() if line.startswith("  taichi-softras")]
        assert examples or command == "completion"
        for example in examples:
            words = example.partition("   ")[0].partition(" && ")[0].partition(" > ")[0].split()
            _parser().parse_args(words[1:])

    def test_of_fit_says_what_matters_first_and_groups_the_options(self, capsys):
        with pytest.raises(SystemExit):
            main(["fit", "--help"])
        said = capsys.readouterr().out
        assert said.index("where to:") < said.index("the pictures:") < said.index("seldom needed") < said.index("first of all") < said.index("examples")


class TestCompletion:
    def test_in_bash(self, capsys, tmp_path):
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("there is no bash")
        assert main(["completion", "bash"]) == 0
        (tmp_path / "script").write_text(capsys.readouterr().out)
        asked = """
            source ./script
            COMP_WORDS=(taichi-softras fit --se) COMP_CWORD=2
            $(complete -p taichi-softras | grep -o '_shtab[^ ]*') taichi-softras
            echo ${COMPREPLY[@]}
        """
        done = subprocess.run([bash, "--norc", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert sorted(done.stdout.split()) == ["--seed", "--segment"], done.stderr

    def test_without_shtab(self, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "shtab", None)
        assert main(["completion", "bash"]) == 1
        assert "taichi_softras[completion]" in capsys.readouterr().err
