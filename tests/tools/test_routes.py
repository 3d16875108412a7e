"""The module of routes equals the template."""

from pathlib import Path

import pytest

from tools import routes, template


@pytest.fixture
def other_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "ROOT", tmp_path)
    monkeypatch.setattr(routes, "MODULE", tmp_path / "routes.py")


def test_module_of_routes_equals_template() -> None:
    assert routes.MODULE.read_text(encoding="utf-8") == routes.source()
    assert routes.main("--check") == 0


def test_check_of_outdated_module_names_the_remedy(other_module: None, capsys: pytest.CaptureFixture[str]) -> None:
    routes.MODULE.write_text("", encoding="utf-8")

    assert routes.main("--check") == 1
    assert capsys.readouterr().err == "routes.py differs from the template. Run make openapi.\n"


def test_main_writes_the_module(other_module: None) -> None:
    assert routes.main() == 0
    assert routes.main("--check") == 0
