"""Tests of the templates of emails: equal to their sources, escaped in a page, and one text for both forms."""

import shutil
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from tools import email_templates, template

SOURCE = """{% extends layout %}
{% block subject %}Fish & chips{% endblock %}
{% block heading %}1 < 2 for $person{% endblock %}
{% block lead %}<b>Lead</b>{% endblock %}
{% block body %}
<i>outside an element</i>
{{ paragraph("<p>Hello & goodbye, $person") }}
{{ paragraph(self.lead()) }}
{{ note("<u>rest</u>", strong="<s>start</s>") }}
{% call facts("Facts & figures") %}
{{ fact("<th>", "<td>$account") }}
{% endcall %}
{{ section("<h2>") }}
{{ items("<h3>", "$can") }}
{{ steps("<li>one", "<li>two") }}
{{ button("<a>") }}
{% endblock %}
{% block reason %}"Why" & <because>{% endblock %}
"""
WORDS = (
    "Fish & chips",
    "<b>Lead</b>",
    "<i>outside",
    "<p>Hello &",
    "<u>rest</u>",
    "<s>start</s>",
    "<td>$account",
    "<li>one",
)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Return a folder with the layouts and elements, and one source that contains markup everywhere."""
    for path in email_templates.SOURCES.glob("*.jinja"):
        shutil.copy(path, tmp_path)
    (tmp_path / "markup").mkdir()
    (tmp_path / "markup/en.jinja").write_text(SOURCE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(email_templates, "TARGET", tmp_path / "templates")
    monkeypatch.setattr(template, "ROOT", tmp_path)
    return tmp_path / "templates"


def test_templates_equal_their_sources() -> None:
    assert email_templates.outdated() == [], "run `make openapi`"


def test_words_of_a_source_are_escaped_in_the_page_and_not_in_the_text(sources: Path) -> None:
    found = {path.name: content for path, content in email_templates.generated(sources).items()}
    text, page = found["en.txt"], found["en.html"]

    assert [each for each in WORDS if each not in text] == []
    assert [each for each in (*WORDS, "<because>") if each in page] == []
    assert "&lt;b&gt;Lead&lt;/b&gt;" in page
    assert "&amp;amp;" not in page
    assert "&lt;th&gt;" in page
    assert page.count("<b>") == page.count("<i>") == page.count("<u>") == 0


def test_text_and_page_have_their_own_forms_of_elements(sources: Path) -> None:
    found = {path.name: content for path, content in email_templates.generated(sources).items()}

    assert "\n\nFACTS & FIGURES\n\n<th>: <td>$account\n" in found["en.txt"]
    assert "\n1. <li>one\n2. <li>two\n" in found["en.txt"]
    assert '<h1 style="' in found["en.html"]
    assert found["list_item.html"].endswith(">$item</li>\n")


def test_unknown_element_in_source_raises(sources: Path) -> None:
    (sources / "markup/en.jinja").write_text(SOURCE.replace("note(", "remark("), encoding="utf-8")

    with pytest.raises(UndefinedError):
        email_templates.generated(sources)


def test_main_writes_templates_and_deletes_those_without_source(target: Path) -> None:
    assert email_templates.main([]) == 0
    (target / "member_created/fr.txt").write_text("", encoding="utf-8")
    (target / "list_item.html").write_text("changed", encoding="utf-8")

    assert email_templates.outdated() == [target / "list_item.html", target / "member_created/fr.txt"]
    assert email_templates.main([]) == 0
    assert email_templates.outdated() == []


def test_main_with_check_reports_outdated_templates(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert email_templates.main(["--check"]) == 1
    assert "templates/list_item.html is out of date" in capsys.readouterr().err
    assert email_templates.main([]) == email_templates.main(["--check"]) == 0
