"""Queries of the table and of its indexes, page by page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from partner_access import settings
from partner_access.store.attribute_values import from_attribute_values, to_attribute_values
from partner_access.store.dynamo import MAX_BATCH_ITEMS, client, response_part
from partner_access.store.retries import TransientErrorsAsUnavailable


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page of a query. `after` is the key after which the next page starts, None on the last page."""

    items: list[dict[str, Any]]
    after: Mapping[str, Any] | None


def query(
    condition: str,
    *,
    index: str | None = None,
    limit: int = MAX_BATCH_ITEMS,
    after: Mapping[str, Any] | None = None,
    newest_first: bool = False,
    **values: object,
) -> QueryPage:
    """Read one page of a query, with strong consistency unless it uses an index."""
    request: dict[str, Any] = {
        "TableName": settings.table_name(),
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": to_attribute_values({f":{name}": value for name, value in values.items()}),
        "Limit": limit,
        "ScanIndexForward": not newest_first,
    }
    if index:
        request["IndexName"] = index
    else:
        request["ConsistentRead"] = True
    if after:
        request["ExclusiveStartKey"] = to_attribute_values(after)
    with TransientErrorsAsUnavailable():
        response = client().query(**request)
    items, last = response_part(response, "Items"), response.get("LastEvaluatedKey")
    return QueryPage([from_attribute_values(item) for item in items], from_attribute_values(last) if last else None)


def pages(condition: str, *, index: str | None = None, **values: Any) -> Iterator[QueryPage]:
    """Yield all pages of a query."""
    page = query(condition, index=index, **values)
    yield page
    while page.after:
        page = query(condition, index=index, after=page.after, **values)
        yield page
