"""Run the whole product on this machine with a demonstration: `python -m tools.demo`, or `make demo`."""

import secrets
import signal
import threading
import time
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer
import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tools.artifacts import BuildFailed
from tools.demo_file import FILE, remove_demo, write_demo
from tools.deployment import DeploymentFailed
from tools.directory_import import ImportFailed, import_sample, request_count
from tools.directory_sample import (
    ALICE,
    BRIGHTWATER,
    CLARA,
    HARBOUR,
    NORA,
    YUKI,
    SampleDirectory,
    SampleUser,
    sample_directory,
)
from tools.emails import SentEmail, emails_table, sent_emails
from tools.emulator import EmulatorFailed, free_port, is_free
from tools.inbox import INBOX_PATH
from tools.local_stack import ROOT, LocalStack, StackNotReady, demo_of, running_stack
from tools.sign_in import SignInFailed, SignInUser, create_sign_in_user
from tools.story import create_pending_requests, run_story
from tools.story_steps import StoryFailed

USUAL_PORT = 4566
QUIET_SECONDS = 2.0
LINK_FRAGMENT = "#pal_"
FAILURES = (
    BuildFailed,
    EmulatorFailed,
    DeploymentFailed,
    StackNotReady,
    SignInFailed,
    ImportFailed,
    StoryFailed,
    BotoCoreError,
    ClientError,
    urllib3.exceptions.HTTPError,
)


def main(
    *,
    port: Annotated[
        int | None, typer.Option(envvar="PORT", min=1, max=65535, help="Loopback port of the pages and the API.")
    ] = None,
    steps: Annotated[str, typer.Option(envvar="STEPS", help="`all`, or `none` to skip the story.")] = "all",
    open_inbox: Annotated[bool, typer.Option("--open", envvar="OPEN", help="Open the emails in a browser.")] = False,
) -> None:
    """Deploy the product to this machine, demonstrate the three ways to grant access, and run until Ctrl-C."""
    console = Console(highlight=False)
    if steps not in {"all", "none"}:
        console.print(f"STEPS is `all` or `none`, not `{escape(steps)}`.")
        raise typer.Exit(2)
    started = time.monotonic()
    _handle_signals()
    try:
        with running_stack(port=_port(port, console), report=lambda what: console.print(f"• {escape(what)}")) as stack:
            users = import_directory(stack, sample_directory(), console)
            inbox_url = f"{stack.origin}{INBOX_PATH}"
            write_demo(demo_of(stack, inbox_url, users))
            if steps == "all":
                run_story(stack, users, console)
                console.print()
                _print_emails(console, _all_sent_emails(stack))
            email_index = create_pending_requests(stack, users)
            _print_overview(console, stack, users, email_index, seconds=time.monotonic() - started)
            if open_inbox:
                webbrowser.open(inbox_url)
            threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nStopped. Nothing is left running.")
    except FAILURES as failed:
        console.print(f"\n[bold red]The demo failed:[/bold red] {escape(str(failed))}")
        raise typer.Exit(1) from failed
    finally:
        remove_demo()


def _handle_signals() -> None:
    """Handle SIGTERM like Ctrl-C. Both work even if the shell started this process with Ctrl-C ignored."""

    def stop(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second signal would interrupt the cleanup
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _port(wanted: int | None, console: Console) -> int:
    port = wanted or USUAL_PORT
    if is_free(port):
        return port
    other = free_port()
    console.print(f"• Port {port} is taken, so the demo uses {other}")
    return other


def import_directory(stack: LocalStack, sample: SampleDirectory, console: Console) -> dict[str, SignInUser]:
    """Create the sign-in accounts, then import all data into the directory."""
    signing_in = [user for user in sample.users.values() if user.signs_in]
    with ThreadPoolExecutor(4) as at_once:
        created = at_once.map(
            lambda one: create_sign_in_user(
                stack.aws, stack.deployed.only("AWS::Cognito::UserPool"), one.email, one.name
            ),
            signing_in,
        )
        users = {sign_in_user.email: sign_in_user for sign_in_user in created}
    user_ids = {email: f"usr_{secrets.token_hex(8)}" for email in sample.users}
    user_ids |= {email: sign_in_user.user_id for email, sign_in_user in users.items()}
    columns = (TextColumn("• {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Importing the directory", total=request_count(sample))
        import_sample(stack.machine_client(), sample, user_ids, lambda: progress.advance(task))
    clients = sum(account["kind"] == "client" for account in sample.accounts.values())
    console.print(
        f"• {len(sample.accounts) - clients} partners, {clients} clients, {len(sample.users)} users, "
        f"{len(users)} of them can sign in"
    )
    return users


def _all_sent_emails(stack: LocalStack) -> list[SentEmail]:
    """Return the sent emails once no new ones have arrived for a while, since they are sent asynchronously."""
    emails = sent_emails(stack.pool, stack.aws.endpoint)
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < QUIET_SECONDS:
        time.sleep(0.2)
        if len(now := sent_emails(stack.pool, stack.aws.endpoint)) > len(emails):
            emails, quiet_since = now, time.monotonic()
    return emails


def _print_emails(console: Console, emails: list[SentEmail]) -> None:
    """Print a table of all emails, and the first email without a link in each language in full."""
    console.print(emails_table(emails))
    first_by_language: dict[bool, SentEmail] = {}
    for email in emails:
        if LINK_FRAGMENT not in email.text:
            first_by_language.setdefault(email.subject.isascii(), email)
    for email in first_by_language.values():
        title = f"{escape(email.subject)} → {', '.join(email.to)}"
        console.print(Panel(escape(email.text.strip()), title=title, title_align="left"))


def _print_overview(
    console: Console, stack: LocalStack, users: dict[str, SignInUser], email_index: dict[str, int], *, seconds: float
) -> None:
    """Print all addresses and the users who can sign in."""
    console.print(f"\nReady after {seconds:.0f} seconds. Start here, with these sign-ins:\n")
    inbox = f"{stack.origin}{INBOX_PATH}"
    for what, address, user in _start_pages(stack, inbox, email_index):
        console.print(f"  [bold]{what}[/bold]\n    {address}", soft_wrap=True)
        if user:
            console.print(f"    {user.email}   {users[user.email].password}", soft_wrap=True)
    addresses = Table(title="\nFor programs", title_justify="left", show_header=False)
    addresses.add_row("API", stack.origin)
    addresses.add_row("AWS", f"{stack.aws.endpoint} (region {stack.emulator.region}, key and secret `test`)")
    addresses.add_row("Table", stack.table)
    addresses.add_row("For scripts", str(FILE.relative_to(ROOT)))
    console.print(addresses, soft_wrap=True)
    users_table = Table(title="\nWho can sign in", title_justify="left")
    users_table.add_column("email", no_wrap=True)
    users_table.add_column("password", no_wrap=True)
    for account in users.values():
        users_table.add_row(account.email, account.password)
    console.print(users_table)
    console.print("A token:   .venv/bin/python -m tools.token alice.moreau@brightwater.example")
    console.print("           .venv/bin/python -m tools.token --directory")
    console.print("Emails:    .venv/bin/python -m tools.emails")
    console.print("\nPress Ctrl-C to stop everything.")


def _start_pages(
    stack: LocalStack, inbox: str, email_index: dict[str, int]
) -> list[tuple[str, str, SampleUser | None]]:
    return [
        ("The inbox: every email that was sent", inbox, None),
        ("An email with a request to approve", f"{inbox}emails/{email_index[CLARA.email]}", CLARA),
        ("The same in Japanese", f"{inbox}emails/{email_index[YUKI.email]}", YUKI),
        ("The users of a client", f"{stack.origin}/accounts/{BRIGHTWATER}", ALICE),
        ("The client access manager of a partner", f"{stack.origin}/partners/{HARBOUR}", NORA),
    ]


if __name__ == "__main__":
    typer.run(main)
