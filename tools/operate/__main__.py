"""`python -m tools.operate import | report | doctor | audit-log`: what the vendor's operator does with a deployed stack."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tools import template
from tools.api_client import Caller, connections
from tools.operate import audit_log
from tools.operate.audit_export import Broken, Evidence, proof, verified
from tools.operate.directory_client import Stopped, Token
from tools.operate.doctor import examine
from tools.operate.file_import import Import
from tools.operate.formats import Format, write
from tools.operate.journal import NoJournal
from tools.operate.reports import COLUMNS, PARTITIONS, report
from tools.operate.scan import scan
from tools.operate.stack import Demo, NoSite, Site, must_be_safe, the_demo, the_site

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
of_trail = typer.Typer(no_args_is_help=True)
app.add_typer(of_trail, name="audit-log", help="Export an account's trail, and prove that nobody altered it.")

Stack = Annotated[str | None, typer.Option(envvar="STACK", help="The CloudFormation stack.")]
OfDemo = Annotated[bool, typer.Option("--demo", help="The demo that runs on this machine.")]
Region = Annotated[str | None, typer.Option(help="The stack's region, unless your AWS settings name it.")]
Profile = Annotated[str | None, typer.Option(help="The AWS profile whose credentials are used.")]

JOURNAL = template.ROOT / ".local" / "import.journal"
UNPROVED = 2
"""The exit code when a trail is not broken, and yet not all that should be is proved, or somebody hid its seals."""
SUMMARY = {0: "Nothing is wrong.", 1: "1 thing is wrong."}


class Who(StrEnum):
    """The reports."""

    ACCESS = "access"
    ENDING = "ending"
    MIGRATE = "migrate"
    SOLE = "sole"
    SEATS = "seats"


@app.callback()
def main() -> None:
    """Operate a deployed stack: fill its directory, report from its table, see whether it is well, prove its trail."""


@app.command("import")
def import_files(  # noqa: PLR0913  each is an option
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            exists=True,
            dir_okay=False,
            readable=True,
            help="CSV or JSON lines; told by their columns.",
        ),
    ],
    *,
    stack: Stack = None,
    demo: OfDemo = False,
    region: Region = None,
    profile: Profile = None,
    url: Annotated[str | None, typer.Option(help="The API, instead of the stack's own output.")] = None,
    token: Annotated[str | None, typer.Option(envvar="TOKEN", help="A token of the directory's scope.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all rows; tell the directory nothing.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="The directory knows accounts and users that no file tells of.")
    ] = False,
    journal: Annotated[
        Path,
        typer.Option(
            dir_okay=False,
            show_default=str(JOURNAL.relative_to(template.ROOT)),
            help="Where it is noted how far a run came; gone when all is told.",
        ),
    ] = JOURNAL,
    failed: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write failed rows here, to be mended and run again.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="How many requests at once.")] = 8,
) -> None:
    """Tell the directory of accounts, users and members; run it again to go on where it was stopped."""
    console = Console(stderr=True, highlight=False)
    with _in_sentences(console):
        asked = Import(files=files, journal=journal, console=console, partial=partial, failed=failed, at_once=at_once)
        named = (url and token) or not (stack or demo)
        site = None if named else _site(stack, region, profile, demo=demo)
        if dry_run:
            well = asked.rehearse(must_be_safe(url or _url(site)) if url or site else "")
        else:
            well = asked.tell(Caller(must_be_safe(url or _url(site)), connections()), _token(site, token))
    raise typer.Exit(0 if well else 1)


@app.command("report")
def print_report(  # noqa: PLR0913  each is an option
    who: Annotated[Who, typer.Argument(help="Who has access; whose ends; who should migrate; sole leads; seats.")],
    *,
    stack: Stack = None,
    demo: OfDemo = False,
    region: Region = None,
    profile: Profile = None,
    table: Annotated[str | None, typer.Option(help="The table, instead of the stack's own output.")] = None,
    days: Annotated[int, typer.Option(min=0, max=730, help="For `ending`: how far ahead.")] = 30,
    how: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option(dir_okay=False, help="Into this file.")] = None,
) -> None:
    """Read the table with your own AWS credentials, and tell what it says at this instant."""
    with _in_sentences(Console(stderr=True, highlight=False)):
        site = the_site("", region, profile) if table and not demo else _site(stack, region, profile, demo=demo)
        items = scan(site.client("dynamodb"), table or _table(site), *PARTITIONS)
        rows = report(who, items, datetime.now(UTC), days)
    if not output:
        write(rows, COLUMNS[who], how, sys.stdout)
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        write(rows, COLUMNS[who], how, file)


@app.command("doctor")
def look_after(*, stack: Stack = None, demo: OfDemo = False, region: Region = None, profile: Profile = None) -> None:
    """Say in sentences what is wrong with a stack and what its table holds."""
    console, wrong = Console(highlight=False, soft_wrap=True), 0
    with _in_sentences(console):
        for finding in examine(_site(stack, region, profile, demo=demo), datetime.now(UTC)):
            if finding.not_checked:
                console.print(f"[yellow]?[/] {finding.check}: not checked. {escape(finding.not_checked)}")
            elif not finding.wrong:
                console.print(f"[green]✓[/] {finding.check}")
            for sentence in finding.wrong:
                console.print(f"[red]✗[/] {finding.check}: {escape(sentence)}")
            wrong += len(finding.wrong)
    console.print(SUMMARY.get(wrong, f"{wrong} things are wrong."))
    raise typer.Exit(1 if wrong else 0)


Trail = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `audit-log export` wrote.")]


@of_trail.command("export")
def export_trail(
    account: Annotated[str, typer.Argument(help="The account, or @directory for the vendor's own acts.")],
    *,
    stack: Stack = None,
    demo: OfDemo = False,
    region: Region = None,
    profile: Profile = None,
    output: Annotated[Path, typer.Option(dir_okay=False, help="Into this file.")] = Path("audit-log.jsonl"),
) -> None:
    """Write an account's trail with its latest seals, so that anybody can check it.

    Exits with 2 when it is written, and somebody hid seals or set the table back: it is all there, and must be looked into.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with _in_sentences(console):
        site = _site(stack, region, profile, demo=demo)
        exported = audit_log.export(site, _table(site), account)
        output.write_bytes(exported.found.written())
    found, waiting = exported.found, exported.waiting
    console.print(f"{len(found.links)} entries, {found.sealed} of them sealed, in {escape(str(output))}.")
    if waiting:
        console.print(
            f"{waiting} more have no place in the chain yet. Export again soon; if they stay, `audit-log mend`."
        )
    for sentence in exported.wrong:
        console.print(f"[red]✗[/] {escape(sentence)}")
    if exported.wrong:
        raise typer.Exit(UNPROVED)


@of_trail.command("verify")
def verify_trail(
    file: Trail,
    *,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="What `audit-log key` wrote when all was well.")
    ] = None,
    seal: Annotated[
        int, typer.Option("--tree-head", min=0, help="The number of the newest seal that the bucket holds.")
    ] = 0,
) -> None:
    """Say whether a trail is as it was told and sealed; if not, name the first entry that is not. Needs no network.

    Exits with 1 when it is broken, and with 2 when it is not, and yet no seal, or none within a day, proves it.
    """
    console = Console(highlight=False, soft_wrap=True)
    with _in_sentences(console):
        found = verified(file.read_bytes(), key.read_text(encoding="utf-8") if key else None, seal)
    _print_what_is_proved(console, found)
    if not key:
        console.print("[yellow]?[/] The key is the one that the file names. Give the vendor's own by --key.")
    if doubt := found.doubt(datetime.now(UTC)):
        console.print(f"[red]✗[/] {escape(doubt)}")
        raise typer.Exit(UNPROVED)


def _print_what_is_proved(console: Console, found: Evidence) -> None:
    many, of_whom = len(found.links), escape(found.title.account_id)
    console.print(f"[green]✓[/] {many} entries of {of_whom} are as they were told, each after the one before.")
    for newest in found.seals[:1]:
        console.print(
            f"[green]✓[/] Seal {newest.seal.number} of {newest.seal.at.isoformat()} covers {found.sealed} of {many}."
        )
        oldest = found.seals[-1]
        console.print(
            f"[green]✓[/] Older seals go along, back to seal {oldest.seal.number} of {oldest.seal.at.isoformat()}, "
            f"which covers {oldest.leaf.entries}."
            if oldest is not newest
            else "[yellow]?[/] No older seal goes along: whether the chain was made anew before, this file cannot tell."
        )
    if found.unsealed:
        since = found.unsealed[0]
        console.print(
            f"[yellow]?[/] Not yet sealed: {len(found.unsealed)} of {many}, from entry {since.place}, "
            f"{escape(since.entry.audit_id)} of {since.entry.at.isoformat()}, on."
        )


@of_trail.command("key")
def print_key(*, stack: Stack = None, demo: OfDemo = False, region: Region = None, profile: Profile = None) -> None:
    """Print the public key of the seals; keep it elsewhere, for --key."""
    with _in_sentences(Console(stderr=True, highlight=False, soft_wrap=True)):
        typer.echo(audit_log.public_key(_site(stack, region, profile, demo=demo)), nl=False)


@of_trail.command("prove")
def prove_entry(
    file: Trail,
    audit_id: Annotated[str, typer.Argument(help="The entry.")],
    *,
    output: Annotated[Path, typer.Option(dir_okay=False, help="Into this file.")] = Path("proof.json"),
) -> None:
    """Write what a third party needs to see one entry under its seal, and no other (docs/check_inclusion.py)."""
    with _in_sentences(Console(stderr=True, highlight=False, soft_wrap=True)):
        output.write_bytes(proof(verified(file.read_bytes()), audit_id))


@of_trail.command("mend")
def mend_trail(*, stack: Stack = None, demo: OfDemo = False, region: Region = None, profile: Profile = None) -> None:
    """Bring entries into their chains that the stream lost, after a day without it; a full scan."""
    console = Console(highlight=False, soft_wrap=True)
    with _in_sentences(console):
        site = _site(stack, region, profile, demo=demo)
        found = audit_log.mend(site, _table(site), datetime.now(UTC))
    console.print(f"{found} entries were in no chain, and are now." if found else "Every entry is in its chain.")


@of_trail.command("replay")
def replay_trail(*, stack: Stack = None, demo: OfDemo = False, region: Region = None, profile: Profile = None) -> None:
    """Chain and publish what a day of attempts has not brought, from the bucket of failed records."""
    console, brought, failed = Console(highlight=False, soft_wrap=True), 0, 0
    with _in_sentences(console):
        for batch, failure in audit_log.replay(_site(stack, region, profile, demo=demo)):
            if failure:
                console.print(f"[red]✗[/] {escape(batch.name)} failed again: {escape(failure)}")
            brought, failed = brought + len(batch.records) * (not failure), failed + bool(failure)
    console.print(f"{brought} entries were brought again." if brought else "Nothing was brought again.")
    raise typer.Exit(1 if failed else 0)


@contextlib.contextmanager
def _in_sentences(console: Console) -> Iterator[None]:
    """What cannot be done is told in a sentence, and is no success."""
    try:
        yield
    except (Broken, NoSite, NoJournal, Stopped, OSError) as failed:
        console.print(f"[bold red]{escape(str(failed))}[/]", soft_wrap=True)
        raise typer.Exit(1) from failed


def _site(stack: str | None, region: str | None, profile: str | None, *, demo: bool) -> Site:
    if demo:
        return the_demo()
    if not stack:
        raise NoSite("Say which: --stack NAME, or --demo.")
    return the_site(stack, region, profile)


def _url(site: Site | None) -> str:
    if site is None:
        raise NoSite("Say which: --stack NAME, --demo, or --url with a token.")
    return site.base_url if isinstance(site, Demo) else site.output("ApiUrl")


def _token(site: Site | None, given: str | None) -> Token:
    if given:
        return Token(given)
    if site is None:
        raise NoSite("Give a token by --token, or name the stack whose pool gives one.")
    return site.token()


def _table(site: Site) -> str:
    return site.table if isinstance(site, Demo) else site.output("TableName")


if __name__ == "__main__":
    for end in (signal.SIGINT, signal.SIGTERM):  # alike, also where a shell made us deaf to Ctrl-C
        signal.signal(end, signal.default_int_handler)
    app(prog_name="python -m tools.operate")
