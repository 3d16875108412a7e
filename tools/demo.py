"""The whole product on this machine, with a story: `python -m tools.demo`, or `make demo`."""

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
from tools.directory_import import ImportFailed, import_world, steps_of
from tools.directory_sample import ALICE, BRIGHTWATER, CLARA, HARBOUR, NORA, YUKI, Resident, World, world
from tools.emails import Letter, sent_letters, table_of
from tools.emulator import EmulatorFailed, free_port, is_free
from tools.inbox import PLACE
from tools.local_stack import ROOT, Stack, StackNotReady, demo_of, running_stack
from tools.sign_in import Person, SignInFailed, create_person
from tools.story import StoryFailed, letters_to_answer, tell_story

USUAL_PORT = 4566
QUIET = 2.0
LINK = "#pal_"
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
        int | None, typer.Option(envvar="PORT", min=1, max=65535, help="Port on loopback of pages and API.")
    ] = None,
    steps: Annotated[str, typer.Option(envvar="STEPS", help="`all`, or `none` to skip the story.")] = "all",
    open_inbox: Annotated[bool, typer.Option("--open", envvar="OPEN", help="Open the letters in a browser.")] = False,
) -> None:
    """Deploy the product to this machine, tell the story of the three ways, and stay up until Ctrl-C."""
    console = Console(highlight=False)
    if steps not in {"all", "none"}:
        console.print(f"STEPS is `all` or `none`, not `{escape(steps)}`.")
        raise typer.Exit(2)
    started = time.monotonic()
    _stop_when_asked()
    try:
        with running_stack(port=_port(port, console), tell=lambda what: console.print(f"• {escape(what)}")) as stack:
            people = import_directory(stack, world(), console)
            inbox_url = f"{stack.front_url}{PLACE}"
            write_demo(demo_of(stack, inbox_url, people))
            if steps == "all":
                tell_story(stack, people, console)
                console.print()
                _show_letters(console, _settled(stack))
            to_answer = letters_to_answer(stack, people)
            _show(console, stack, people, to_answer, seconds=time.monotonic() - started)
            if open_inbox:
                webbrowser.open(inbox_url)
            threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nStopped. Nothing is left running.")
    except FAILURES as failed:
        console.print(f"\n[bold red]The demo stops here:[/bold red] {escape(str(failed))}")
        raise typer.Exit(1) from failed
    finally:
        remove_demo()


def _stop_when_asked() -> None:
    """Take an end from outside like Ctrl-C, also where a shell made us deaf to Ctrl-C."""

    def stop(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough: stopping takes a moment
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _port(wanted: int | None, console: Console) -> int:
    port = wanted or USUAL_PORT
    if is_free(port):
        return port
    other = free_port()
    console.print(f"• Port {port} is taken; {other} it is")
    return other


def import_directory(stack: Stack, told: World, console: Console) -> dict[str, Person]:
    """Make the sign-in users, then tell the directory of everybody."""
    acting = [resident for resident in told.residents.values() if resident.signs_in]
    with ThreadPoolExecutor(4) as at_once:
        made = at_once.map(
            lambda one: create_person(stack.aws, stack.deployed.only("AWS::Cognito::UserPool"), one.email, one.name),
            acting,
        )
        people = {person.email: person for person in made}
    user_ids = {email: f"usr_{secrets.token_hex(8)}" for email in told.residents}
    user_ids |= {email: person.user_id for email, person in people.items()}
    columns = (TextColumn("• {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Importing the directory", total=steps_of(told))
        import_world(stack.machine(), told, user_ids, lambda: progress.advance(task))
    clients = sum(account["kind"] == "client" for account in told.accounts.values())
    console.print(
        f"• {len(told.accounts) - clients} partners, {clients} clients, {len(told.residents)} users, "
        f"{len(people)} of whom can sign in"
    )
    return people


def _settled(stack: Stack) -> list[Letter]:
    """The letters, once no more have come for a while: they are sent behind the answers."""
    letters = sent_letters(stack.pool, stack.aws.endpoint)
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < QUIET:
        time.sleep(0.2)
        if len(now := sent_letters(stack.pool, stack.aws.endpoint)) > len(letters):
            letters, quiet_since = now, time.monotonic()
    return letters


def _show_letters(console: Console, letters: list[Letter]) -> None:
    """All letters in a table, and in full the first of each language that holds no link."""
    console.print(table_of(letters))
    shown: dict[bool, Letter] = {}
    for letter in letters:
        if LINK not in letter.text:
            shown.setdefault(letter.subject.isascii(), letter)
    for letter in shown.values():
        title = f"{escape(letter.subject)} → {', '.join(letter.to)}"
        console.print(Panel(escape(letter.text.strip()), title=title, title_align="left"))


def _show(
    console: Console, stack: Stack, people: dict[str, Person], to_answer: dict[str, int], *, seconds: float
) -> None:
    """Say where everything is and who can sign in."""
    console.print(f"\nUp after {seconds:.0f} seconds. Where to begin, and who to sign in as:\n")
    inbox = f"{stack.front_url}{PLACE}"
    for what, address, who in _places(stack, inbox, to_answer):
        console.print(f"  [bold]{what}[/bold]\n    {address}", soft_wrap=True)
        if who:
            console.print(f"    {who.email}   {people[who.email].password}", soft_wrap=True)
    addresses = Table(title="\nFor programs", title_justify="left", show_header=False)
    addresses.add_row("API", stack.front_url)
    addresses.add_row("AWS", f"{stack.aws.endpoint} (region {stack.emulator.region}, key and secret `test`)")
    addresses.add_row("Table", stack.table)
    addresses.add_row("For scripts", str(FILE.relative_to(ROOT)))
    console.print(addresses, soft_wrap=True)
    who_else = Table(title="\nWho can sign in", title_justify="left")
    who_else.add_column("e-mail", no_wrap=True)
    who_else.add_column("password", no_wrap=True)
    for person in people.values():
        who_else.add_row(person.email, person.password)
    console.print(who_else)
    console.print("A token:   .venv/bin/python -m tools.token alice.moreau@brightwater.example")
    console.print("           .venv/bin/python -m tools.token --directory")
    console.print("Letters:   .venv/bin/python -m tools.emails")
    console.print("\nCtrl-C stops it all.")


def _places(stack: Stack, inbox: str, to_answer: dict[str, int]) -> list[tuple[str, str, Resident | None]]:
    return [
        ("The inbox: every letter that was sent", inbox, None),
        ("A letter with a request to approve", f"{inbox}letters/{to_answer[CLARA.email]}", CLARA),
        ("The same in Japanese", f"{inbox}letters/{to_answer[YUKI.email]}", YUKI),
        ("The users of a client", f"{stack.front_url}/accounts/{BRIGHTWATER}", ALICE),
        ("The client access manager of a partner", f"{stack.front_url}/partners/{HARBOUR}", NORA),
    ]


if __name__ == "__main__":
    typer.run(main)
