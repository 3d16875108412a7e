"""List the emails that a local stack has sent: `python -m tools.emails [--json]`, newest last."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Self

import typer
import urllib3
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from tools.api_client import connection_pool
from tools.demo_file import read_demo


@dataclass(frozen=True, slots=True)
class SentEmail:
    """An email as the emulator's SES stored it."""

    message_id: str
    at: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Self:
        """Convert a message from the emulator's format."""
        return cls(
            message_id=message["MessageId"],
            at=datetime.fromtimestamp(message["Timestamp"], UTC),
            sender=message["Source"],
            to=tuple(message["To"]),
            subject=message["Subject"],
            text=message["BodyText"] or "",
            html=message["BodyHtml"] or "",
        )


def sent_emails(pool: urllib3.PoolManager, endpoint: str) -> list[SentEmail]:
    """Return all emails sent so far, newest last."""
    response = pool.request("GET", f"{endpoint}/_ministack/ses/messages")
    by_account = json.loads(response.data)["messages"]
    emails = [SentEmail.from_message(message) for messages in by_account.values() for message in messages]
    return sorted(emails, key=lambda email: email.at)


def emails_table(emails: list[SentEmail]) -> Table:
    """Return a table with one row for each email."""
    table = Table(title="Emails sent", title_justify="left")
    table.add_column("at", no_wrap=True)
    table.add_column("to", overflow="fold")
    table.add_column("subject", overflow="fold")
    for email in emails:
        table.add_row(f"{email.at:%H:%M:%S}", ", ".join(email.to), email.subject)
    return table


def main(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for scripts.")] = False,
    texts: Annotated[bool, typer.Option(help="Show the text of each email below the table.")] = True,
) -> None:
    """Print the emails that the demo has sent, newest last."""
    emails = sent_emails(connection_pool(), read_demo().aws_endpoint)
    if as_json:
        print(json.dumps([asdict(email) for email in emails], default=str, ensure_ascii=False, indent=2))
        return
    console = Console()
    console.print(emails_table(emails))
    for email in emails if texts else ():
        console.print(Panel(email.text.strip(), title=f"{email.subject} → {', '.join(email.to)}"), highlight=False)


if __name__ == "__main__":
    typer.run(main)
