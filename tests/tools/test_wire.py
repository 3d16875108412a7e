"""The file of all names on the wire: a name changes only in a commit that changes this file."""

from tools import wire


def test_wire_file_equals_the_names_of_the_code() -> None:
    assert wire.TARGET.read_text(encoding="utf-8") == wire.written(), "run `make openapi` if the change is meant"


def test_wire_file_names_every_metric_of_an_alarm() -> None:
    names = wire.document()
    of_aws = {"5xx", "Latency", "Errors", "IteratorAge", "ApproximateNumberOfMessagesVisible", "(expression)"}

    assert set(names["alarms"].values()) - of_aws <= set(names["metrics"])
