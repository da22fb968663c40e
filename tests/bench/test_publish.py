"""What docs and README say was measured is what docs/bench.json says."""
import pathlib
import shutil
import xml.dom.minidom

from tests.bench import publish

ROOT = pathlib.Path(__file__).parents[2]


def test_the_picture_and_the_table_are_made_from_the_figures(tmp_path):
    readme = tmp_path / "README.md"
    shutil.copy(ROOT / "README.md", readme)
    publish.main(ROOT / "docs/bench.json", tmp_path / "bench.svg", readme)
    assert (tmp_path / "bench.svg").read_text() == (ROOT / "docs/bench.svg").read_text(), "./bench --publish"
    assert readme.read_text() == (ROOT / "README.md").read_text(), "./bench --publish"


def test_the_picture_is_xml():
    xml.dom.minidom.parse(str(ROOT / "docs/bench.svg"))
