"""Libraries in C that the tests load into the broker, built as they are needed."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build(name, directory):
    """tests/support/NAME.c as a library in the directory."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip(f"no C compiler for {name}.c")
    source = ROOT / "tests" / "support" / f"{name}.c"
    library = pathlib.Path(directory) / f"{name}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-I", ROOT, "-o", library, source, "-ldl"],
                   check=True)
    return library
