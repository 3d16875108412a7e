"""The demo and its commands, on the stack of these tests: what people are shown is what the product does."""

import io

import pytest
from rich.console import Console

from tools import directory_sample
from tools.demo import import_directory
from tools.inbox import letter_page, list_page
from tools.letters import Letter, sent_letters, table_of
from tools.local_stack import Stack
from tools.story import tell_story

pytestmark = pytest.mark.usefixtures("sound")


def test_the_sample_is_as_large_and_as_mixed_as_promised() -> None:
    world = directory_sample.world()
    clients = [account for account in world.accounts.values() if account["kind"] == "client"]
    assert len(world.accounts) - len(clients) >= 2
    assert len(clients) >= 40
    assert len(world.residents) >= 200
    assert len({person.email for staff in directory_sample.STAFF.values() for person, _ in staff}) >= 12
    assert {account["pricing"] for account in clients} == {"seat_based", "legacy"}
    assert {resident.locale for resident in world.residents.values()} == {"en", "ja"}
    assert any("partner_seat_limit" in account for account in clients)
    assert any(account.get("state") == "closed" for account in clients)
    assert world == directory_sample.world()


def test_the_demo_tells_its_whole_story(stack: Stack) -> None:
    written = io.StringIO()
    console = Console(file=written, width=120)
    people = import_directory(stack, directory_sample.world(), console)
    tell_story(stack, people, console)
    console.print(table_of(sent_letters(stack.pool, stack.aws.endpoint)))
    assert "Idempotent-Replayed: true" in written.getvalue()


def test_the_inbox_shows_letters_and_runs_nothing_of_theirs(stack: Stack) -> None:
    address = f"{stack.front_url}/inbox/"
    page = stack.pool.request("GET", address)
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert stack.pool.request("GET", f"{address}letters/999999").status == 404
    for nth in range(len(sent_letters(stack.pool, stack.aws.endpoint))):
        assert stack.pool.request("GET", f"{address}letters/{nth}").status == 200
        letter = stack.pool.request("GET", f"{address}letters/{nth}/html")
        assert "sandbox" in letter.headers["content-security-policy"]


def test_the_inbox_escapes_what_letters_say() -> None:
    letter = Letter.of(
        {
            "MessageId": "1",
            "Timestamp": 0,
            "Source": "a@b.example",
            "To": ["<b>@c.example"],
            "Subject": "<script>",
            "BodyText": "<i>text</i>",
            "BodyHtml": None,
        }
    )
    for page in (list_page([letter]), letter_page(0, letter)):
        assert "<script>" not in page
        assert "<b>" not in page
        assert "<i>" not in page
