"""The skeleton of a new operation: all its files exist, and the checks fail until they are filled in."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tools import language, scaffold, template

NAME, NEW_ROUTE = "pause_link", "PUT /partners/{partner_id}/access-links/{link_id}/pause"
REGISTER = "tests/support/operations/links.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    registers = sorted((template.ROOT / scaffold.REGISTER).glob("*.py"))
    names = [str(path.relative_to(template.ROOT)) for path in registers]
    for name in ("template.yaml", "CHANGELOG.md", "events/revoke_link.json", *names):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(template.ROOT / name, tmp_path / name)
    for folder in ("functions/revoke_link", "tests/functions"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_skeleton_has_route_handler_sample_row_tests_and_changelog(root: Path) -> None:
    files = scaffold.write(root, NAME, NEW_ROUTE)

    assert [str(file.relative_to(root)) for file in files] == [
        "template.yaml",
        "CHANGELOG.md",
        REGISTER,
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


@pytest.mark.parametrize(
    ("route", "module"),
    [
        (NEW_ROUTE, "links"),
        ("GET /accounts/{account_id}/permission-sets/{set_id}/members", "permission_sets"),
        ("POST /directory/users/{user_id}/merges", "directory"),
        ("GET /partners/{partner_id}/seats", "relationships"),
        ("PUT /accounts/{account_id}/users/{user_id}/title", "memberships"),
        ("POST /pauses", "access"),
    ],
)
def test_row_of_skeleton_goes_to_subject_and_names_all_that_it_needs(root: Path, route: str, module: str) -> None:
    (row,) = (file for file in scaffold.write(root, NAME, route) if "support" in file.parts)

    assert row == root / f"tests/support/operations/{module}.py"
    names: dict[str, Any] = {}
    exec(compile(row.read_text(encoding="utf-8"), row, "exec"), names)
    added = names["FUNCTIONS"][-1]
    (operation,) = added.operations
    assert (added.name, operation.route) == (NAME, route)
    assert bool(operation.under_fault) == bool(operation.draws) == bool(operation.concurrent) == operation.changes
    assert bool(operation.attempt) == operation.changes
    with pytest.raises(AssertionError, match="Write a status or --- for each of partner super admin"):
        assert operation.authority[0].statuses


def test_skeleton_of_a_read_has_a_response_and_no_permission_to_write(root: Path) -> None:
    scaffold.write(root, "view_seats", "GET /accounts/{account_id}/seats")

    assert "class ViewSeatsResponse(ResponseBody" in (root / "functions/view_seats/app.py").read_text(encoding="utf-8")
    assert ".status == 200" in (root / "tests/functions/test_view_seats.py").read_text(encoding="utf-8")
    template.read.cache_clear()
    resource = template.read(root / "template.yaml")["Resources"]["ViewSeatsFunction"]
    assert resource["Properties"]["Policies"] == [{"Ref": "TableReadPolicy"}]


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
    assert "Run make openapi and make format" in done.output
    assert again.exit_code == 2
    assert "is no free name" in again.output
