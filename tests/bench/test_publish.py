"""What the docs say was measured is what docs/bench.json says."""
import pathlib
import shutil
import xml.dom.minidom

import pytest

from tests.bench import publish

ROOT = pathlib.Path(__file__).parents[2]


def test_the_picture_and_the_table_are_made_from_the_figures(tmp_path):
    page = tmp_path / "benchmarks.md"
    shutil.copy(ROOT / "docs/benchmarks.md", page)
    publish.main(ROOT / "docs/bench.json", tmp_path / "bench.svg", page)
    assert (tmp_path / "bench.svg").read_text() == (ROOT / "docs/bench.svg").read_text(), "./bench --publish"
    assert page.read_text() == (ROOT / "docs/benchmarks.md").read_text(), "./bench --publish"


def test_the_picture_is_xml():
    xml.dom.minidom.parse(str(ROOT / "docs/bench.svg"))


def test_a_page_without_a_place_for_the_table_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Nothing\n")
    with pytest.raises(SystemExit, match="page.md has no place for the table"):
        publish.main(ROOT / "docs/bench.json", tmp_path / "bench.svg", page)
    assert page.read_text() == "# Nothing\n"
