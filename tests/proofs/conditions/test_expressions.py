"""Tests of the mutation grammar.

Each kind of clause is changed in every supported way, and each mutant is a valid request to AWS.
"""

import re
from typing import Any

import pytest

from partner_access.store import directory, dynamo, outbox, writes
from partner_access.store.links import approvals, links
from partner_access.store.memberships import members
from partner_access.store.permission_sets import changes
from tools.mutation import expressions, requests
from tools.mutation.expressions import key_changes, parse, update_changes
from tools.mutation.requests import ALWAYS_TRUE, MAX_INDEX, RequestMutant, RequestSite, apply_mutant, mutants_of

CONDITIONS = sorted(
    {
        condition
        for module in (approvals, directory, dynamo, links, members, outbox, changes)
        for name, condition in vars(module).items()
        if name.isupper() and isinstance(condition, str) and re.search(r"[=<>(]", condition)
    }
)


def mutated(condition: str) -> list[str | None]:
    return [change.result for change in expressions.changes(condition)]


@pytest.mark.parametrize(
    ("condition", "becomes"),
    [
        ("a = :b", [None, "a <> :b"]),
        ("a <> :b", [None, "a = :b"]),
        ("a < :b", [None, "a <= :b", "a >= :b"]),
        ("a <= :b", [None, "a < :b", "a > :b"]),
        ("a > :b", [None, "a >= :b", "a <= :b"]),
        ("a >= :b", [None, "a > :b", "a < :b"]),
        ("size(a) < :b", [None, "size(a) <= :b", "size(a) >= :b"]),
        ("attribute_exists(a)", [None, "attribute_not_exists(a)"]),
        ("attribute_not_exists(a)", [None, "attribute_exists(a)"]),
        ("contains(a, :b)", [None, "NOT (contains(a, :b))"]),
        ("NOT contains(a, :b)", [None, "contains(a, :b)"]),
        ("a IN (:b)", [None, "NOT (a IN (:b))"]),
        ("a IN (:b, :c)", [None, "a IN (:c)", "a IN (:b)", "NOT (a IN (:b, :c))"]),
        ("a BETWEEN :b AND :c", [None, "NOT (a BETWEEN :b AND :c)"]),
        (
            "a = :b AND c = :d",
            [None, "a = :b OR c = :d", "c = :d", "a <> :b AND c = :d", "a = :b", "a = :b AND c <> :d"],
        ),
        (
            "a = :b OR (c = :d AND e = :f)",
            [
                None,
                "a = :b AND (c = :d AND e = :f)",
                "c = :d AND e = :f",
                "a <> :b OR (c = :d AND e = :f)",
                "a = :b",
                "a = :b OR (c = :d OR e = :f)",
                "a = :b OR e = :f",
                "a = :b OR (c <> :d AND e = :f)",
                "a = :b OR c = :d",
                "a = :b OR (c = :d AND e <> :f)",
            ],
        ),
    ],
)
def test_changes_of_condition_drop_negate_and_rejoin_each_clause(condition: str, becomes: list[str | None]) -> None:
    assert mutated(condition) == becomes


@pytest.mark.parametrize("condition", CONDITIONS)
def test_changes_of_store_condition_never_equal_the_original(condition: str) -> None:
    whole = str(parse(condition))

    assert str(parse(whole)) == whole
    assert whole not in mutated(condition)
    assert len(mutated(condition)) >= 2 * len(re.findall(r"<>|<=|>=|[<>=]|exists|contains|IN", condition))


@pytest.mark.parametrize("text", ["", "a =", "a ! b", "a = :b AND", "(a = :b", "a = :b)", "a IN (:b", "f(a"])
def test_read_of_invalid_condition_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="|".join(("", re.escape(text)))):
        parse(text)


def test_key_changes_of_query_change_only_the_sort_key() -> None:
    assert [each.result for each in key_changes("pk = :p")] == []
    assert [each.result for each in key_changes("pk = :p AND begins_with(sk, :s)")] == ["pk = :p"]
    assert [each.result for each in key_changes("pk = :p AND due_at <= :now")] == [
        "pk = :p",
        "pk = :p AND due_at < :now",
        "pk = :p AND due_at > :now",
    ]


def test_update_changes_drop_each_action_except_the_only_one() -> None:
    assert [each.result for each in update_changes("ADD a :b")] == []
    assert [each.result for each in update_changes("SET a = :b, c = :d REMOVE e, f")] == [
        "SET c = :d REMOVE e, f",
        "SET a = :b REMOVE e, f",
        "SET a = :b, c = :d REMOVE f",
        "SET a = :b, c = :d REMOVE e",
    ]


ITEM: dict[str, Any] = {
    "TableName": "table",
    "Key": {"pk": {"S": "A#1"}, "sk": {"S": "B"}},
    "UpdateExpression": "SET a = :b, #c = :d",
    "ConditionExpression": "e = :f AND #g = :h",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    "ExpressionAttributeNames": {"#c": "c", "#g": "g"},
    "ExpressionAttributeValues": {f":{each}": {"S": each} for each in "bdfh"},
}
SITE = RequestSite("links.record", "Update", "A B", ITEM["UpdateExpression"], ITEM["ConditionExpression"])


def test_mutants_of_item_cover_the_item_and_each_expression() -> None:
    kinds = {(each.kind, each.alters) for each in mutants_of(SITE)}

    assert kinds == {
        ("line taken out", "line"),
        ("checked, not written", "line"),
        ("dropped", "ConditionExpression"),
        ("joined otherwise", "ConditionExpression"),
        ("turned", "ConditionExpression"),
        ("dropped", "UpdateExpression"),
    }


@pytest.mark.parametrize("mutant", list(mutants_of(SITE)), ids=lambda mutant: f"{mutant.kind} {mutant.before}")
def test_altered_item_declares_exactly_the_placeholders_that_it_uses(mutant: RequestMutant) -> None:
    action, line = apply_mutant(mutant, "Update", ITEM)

    assert action == ("ConditionCheck" if mutant.alters == "line" else "Update")
    words = " ".join(line[each] for each in line if each.endswith("Expression"))
    declared = {**line.get("ExpressionAttributeNames", {}), **line.get("ExpressionAttributeValues", {})}
    assert expressions.placeholders(words) == set(declared)
    assert line["Key"] == ITEM["Key"]
    assert line != ITEM


def test_altered_item_without_condition_becomes_a_passing_check() -> None:
    put = {"TableName": "table", "Item": {**ITEM["Key"], "a": {"S": "b"}}}
    (gone,) = mutants_of(RequestSite("links.record", "Put", "A B", "", ""))

    assert apply_mutant(gone, "Put", put) == (
        "ConditionCheck",
        {"TableName": "table", "Key": ITEM["Key"], "ConditionExpression": ALWAYS_TRUE},
    )


def test_mutants_of_common_item_are_attributed_to_commit() -> None:
    site = RequestSite("links.record", "Put", "IDEMPOTENCY IDEMPOTENCY", "", writes.KEY_UNUSED, nth=MAX_INDEX)
    own, common = list(mutants_of(site)), list(mutants_of(site.shared))

    assert {each.alters for each in own} == {"line"}
    assert {each.alters for each in common} == {"ConditionExpression"}
    assert (site.shared.operation, site.shared.nth) == (requests.COMMIT, 0)
