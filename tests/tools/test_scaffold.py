"""The skeleton of a new operation: all its files exist, and the checks fail until they are filled in."""

import ast
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools import language, scaffold, template

NAME, NEW_ROUTE = "pause_link", "PUT /partners/{partner_id}/access-links/{link_id}/pause"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("template.yaml", "CHANGELOG.md", "events/revoke_link.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(template.ROOT / name, tmp_path / name)
    for folder in ("functions/revoke_link", "tests/functions"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_skeleton_has_route_handler_sample_tests_and_changelog(root: Path) -> None:
    files = scaffold.write(root, NAME, NEW_ROUTE)

    assert [str(file.relative_to(root)) for file in files] == [
        "template.yaml",
        "CHANGELOG.md",
        f"functions/{NAME}/app.py",
        f"events/{NAME}.json",
        f"tests/functions/test_{NAME}.py",
    ]
    template.read.cache_clear()
    (route,) = (each for each in template.routes(root / "template.yaml") if each.operation == NAME)
    assert (route.key, route.operation_id, route.scopes) == (NEW_ROUTE, NAME, ("UseScope",))
    sample = json.loads((root / f"events/{NAME}.json").read_text(encoding="utf-8"))
    assert sample["routeKey"] == NEW_ROUTE
    assert set(sample["pathParameters"]) == {"partner_id", "link_id"}
    assert "body" not in sample
    for file in files[2:]:
        if file.suffix == ".py":
            ast.parse(file.read_text(encoding="utf-8"))


def test_skeleton_fails_the_language_check_in_each_file(root: Path) -> None:
    for file in scaffold.write(root, NAME, NEW_ROUTE):
        assert "banned word: fixme" in [problem for _, problem in language.findings(file)], file


def test_skeleton_of_a_post_without_ids_has_a_body_and_a_key(root: Path) -> None:
    scaffold.write(root, NAME, "POST /pauses")

    sample = json.loads((root / f"events/{NAME}.json").read_text(encoding="utf-8"))
    assert sample["body"] == "{}"
    assert "idempotency-key" in sample["headers"]
    assert "builders" not in (root / f"tests/functions/test_{NAME}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "route", "problem"),
    [
        ("revoke_link", NEW_ROUTE, "revoke_link is no free name"),
        ("PauseLink", NEW_ROUTE, "PauseLink is no free name"),
        ("pause", NEW_ROUTE, "pause is no free name"),
        (NAME, "PUT /things/{thing_id}", "is no route"),
        (NAME, "/accounts", "is no route"),
        (NAME, "GET /accounts", "has an operation already"),
    ],
)
def test_unusable_name_or_route_raises_and_writes_nothing(root: Path, name: str, route: str, problem: str) -> None:
    before = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}

    with pytest.raises(ValueError, match=problem):
        scaffold.write(root, name, route)

    assert {file: file.read_bytes() for file in root.rglob("*") if file.is_file()} == before


def test_template_without_the_place_raises(root: Path) -> None:
    file = root / "template.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("RejectUnknownRouteFunction", "Other"), encoding="utf-8")

    with pytest.raises(ValueError, match="has no place for a new operation"):
        scaffold.write(root, NAME, NEW_ROUTE)


def test_command_names_files_and_next_step(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "ROOT", root)

    done = CliRunner().invoke(scaffold.app, [NAME, NEW_ROUTE])
    again = CliRunner().invoke(scaffold.app, [NAME, NEW_ROUTE])

    assert done.exit_code == 0
    assert f"functions/{NAME}/app.py\n" in done.output
    assert "run make openapi" in done.output
    assert again.exit_code == 2
    assert "is no free name" in again.output
