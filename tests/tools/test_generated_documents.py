"""Tests of the generated parts of docs/: each rule has a test, and each part is up to date."""

import pytest

from tools import documents, table_charts


def test_each_rule_of_domain_has_a_test() -> None:
    found = documents.tests_by_rule()

    assert documents.rules() == list(range(1, len(documents.rules()) + 1))
    assert set(found) == set(documents.rules())


@pytest.mark.parametrize("document", documents.PARTS)
def test_generated_parts_of_document_are_up_to_date(document: str) -> None:
    assert documents.updated(document) == (documents.DOCS / document).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("domain.md rule 6", [6]),
        ("domain.md, rule 14", [14]),
        ("domain.md rules 10-12", [10, 11, 12]),
        ("domain.md rules 10 to 12", [10, 11, 12]),
        ("domain.md rules 3, 7 and 24", [3, 7, 24]),
        ("domain.md\nrule 2, domain.md §4", [2]),
        ("rule 5", []),
    ],
)
def test_cited_rules_are_numbers_after_the_document(text: str, rules: list[int]) -> None:
    assert list(documents.cited_rules(text)) == rules


def test_items_of_table_have_all_prefixes_of_partition_keys() -> None:
    prefixes = {each.pk.partition("#")[0] for each in table_charts.entities()}
    built = {pk.partition("#")[0] for (pk, _), _ in table_charts.keys_by_function()}

    assert prefixes == built


def test_access_patterns_include_every_module_that_queries() -> None:
    querying = {
        str(path.relative_to(table_charts.STORE))
        for path in table_charts.STORE.rglob("*.py")
        if "queries.query(" in path.read_text(encoding="utf-8") or "queries.pages(" in path.read_text(encoding="utf-8")
    }

    assert {each.module for each in table_charts.queries()} == querying
    assert all(each.summary for each in [*table_charts.queries(), *table_charts.reads_by_key()])
