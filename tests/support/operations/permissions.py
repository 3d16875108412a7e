"""Permissions of functions: pairs of an action and a resource, as the statements of the template grant them."""

from typing import Final

READ: Final = frozenset({("dynamodb:BatchGetItem", "table")})
READ_IN_TRANSACTION: Final = frozenset({("dynamodb:GetItem", "table")})
WRITE: Final = frozenset(
    {
        ("dynamodb:ConditionCheckItem", "table"),
        ("dynamodb:PutItem", "table"),
        ("dynamodb:UpdateItem", "table"),
    }
)
DELETE: Final = frozenset({("dynamodb:DeleteItem", "table")})
QUERY: Final = frozenset({("dynamodb:Query", "table")})
QUERY_DUE: Final = frozenset({("dynamodb:Query", "index due")})
QUERY_LISTING: Final = frozenset({("dynamodb:Query", "index listing")})
STREAM: Final = frozenset(
    {
        ("dynamodb:DescribeStream", "stream"),
        ("dynamodb:GetRecords", "stream"),
        ("dynamodb:GetShardIterator", "stream"),
        ("dynamodb:ListStreams", "*"),
        ("s3:ListBucket", "bucket"),
        ("s3:PutObject", "bucket/*"),
    }
)
SEND: Final = frozenset(
    {
        ("ses:SendEmail", "mail identity"),
        ("ses:SendEmail", "mail settings"),
    }
)
CHAIN: Final = frozenset({("dynamodb:PutItem", "table"), ("dynamodb:UpdateItem", "table")})
PUBLISH: Final = frozenset({("events:PutEvents", "bus")})
SIGN_TREE_HEAD: Final = frozenset(
    {
        ("dynamodb:BatchGetItem", "table"),
        ("dynamodb:PutItem", "table"),
        ("dynamodb:Query", "table"),
        ("s3:GetObject", "tree-heads"),
        ("s3:PutObject", "leaves"),
        ("s3:PutObject", "tree-heads"),
        ("s3:PutObjectRetention", "leaves"),
        ("s3:PutObjectRetention", "tree-heads"),
    }
)
NONE: Final[frozenset[tuple[str, str]]] = frozenset()
