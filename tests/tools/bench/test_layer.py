"""The measured size of the layer, zipped and unzipped."""

from pathlib import Path

from tools.bench import layer


def test_layer_figures_equal_size_of_files(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python/some.py").write_bytes(b"a" * layer.MEGABYTE)
    (tmp_path / "python/other.py").write_bytes(b"b" * layer.MEGABYTE)

    zipped, unzipped = layer.figures(tmp_path)

    assert unzipped.measured == 2
    assert 0 < zipped.measured < 0.1
