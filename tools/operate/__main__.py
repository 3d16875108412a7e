"""Command-line interface of the operator: `python -m tools.operate import | report | snapshot | …`."""

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

from tools import template
from tools.api_client import ApiClient, connection_pool
from tools.operate import audit_log
from tools.operate.audit_export import inclusion_proof, verify
from tools.operate.directory_client import AccessToken, DirectoryClient, ImportStopped
from tools.operate.doctor import examine
from tools.operate.export_lines import AuditLogAltered
from tools.operate.file_import import DirectoryImport
from tools.operate.formats import Format, write
from tools.operate.journal import NotAJournal
from tools.operate.reports import COLUMNS, PARTITION_PREFIXES, report
from tools.operate.scan import scan
from tools.operate.snapshot import snapshot_lines
from tools.operate.stack import DemoStack, DeployedStack, StackUnavailable, demo_stack, require_safe_url, stack_on_aws
from tools.operate.terminal import printable, require_folder_of, sentence_of, terminal
from tools.operate.verification import print_verification

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
audit_log_app = typer.Typer(no_args_is_help=True)
app.add_typer(audit_log_app, name="audit-log", help="Export an account's audit log, and prove that nobody altered it.")

Stack = Annotated[str | None, typer.Option(envvar="STACK", help="The CloudFormation stack.")]
UseDemo = Annotated[bool, typer.Option("--demo", help="The demo that runs on this machine.")]
Region = Annotated[str | None, typer.Option(help="The stack's region, unless your AWS settings name it.")]
Profile = Annotated[str | None, typer.Option(help="The AWS profile whose credentials are used.")]

JOURNAL = template.ROOT / ".local" / "import.journal"
NOT_PROVED = 2
"""The exit code when an audit log is intact but not fully proved, or when signed tree heads were hidden."""
SUMMARY = {0: "Nothing is wrong.", 1: "1 thing is wrong."}


class ReportName(StrEnum):
    """The available reports."""

    ACCESS = "access"
    ENDING = "ending"
    MIGRATE = "migrate"
    SOLE = "sole"
    SEATS = "seats"


@app.callback()
def main() -> None:
    """Operate a deployed stack: import its directory, report on its table, check its health, verify its audit log."""


@app.command("import")
def import_files(  # noqa: PLR0913  each is an option
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            exists=True,
            dir_okay=False,
            readable=True,
            help="CSV or JSON Lines. The columns decide the kind of each row.",
        ),
    ],
    *,
    stack: Stack = None,
    demo: UseDemo = False,
    region: Region = None,
    profile: Profile = None,
    url: Annotated[str | None, typer.Option(help="The API, instead of the stack's own output.")] = None,
    token: Annotated[str | None, typer.Option(envvar="TOKEN", help="A token with the directory scope.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all rows, also against the directory, and send none.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Allow accounts and users that only the directory has.")
    ] = False,
    journal: Annotated[
        Path,
        typer.Option(
            dir_okay=False,
            show_default=str(JOURNAL.relative_to(template.ROOT)),
            help="The progress of the run, deleted when all rows are sent.",
        ),
    ] = JOURNAL,
    failed: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write failed rows here, to fix and import again.")
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="The number of concurrent requests.")] = 8,
) -> None:
    """Import accounts, users and members into the directory. Run it again to continue an interrupted import."""
    console = terminal(stderr=True)
    with _print_errors(console):
        require_folder_of(failed)
        directory_import = DirectoryImport(
            files=files, journal=journal, console=console, partial=partial, failed=failed, parallel=parallel
        )
        is_api_named = (url and token) or not (stack or demo)
        deployed = None if is_api_named else _stack(stack, region, profile, demo=demo)
        if dry_run:
            base_url = require_safe_url(url or _url(deployed)) if url or deployed else ""
            is_readable = base_url and (token or deployed)
            caller = ApiClient(base_url, connection_pool())
            back_end = DirectoryClient(caller, _token(deployed, token)) if is_readable else None
            succeeded = directory_import.dry_run(base_url, back_end)
        else:
            succeeded = directory_import.run(
                ApiClient(require_safe_url(url or _url(deployed)), connection_pool()), _token(deployed, token)
            )
    raise typer.Exit(0 if succeeded else 1)


@app.command("report")
def print_report(  # noqa: PLR0913  each is an option
    name: Annotated[
        ReportName, typer.Argument(help="Access, ending access, users to migrate, sole super admins, seats.")
    ],
    *,
    stack: Stack = None,
    demo: UseDemo = False,
    region: Region = None,
    profile: Profile = None,
    table: Annotated[str | None, typer.Option(help="The table, instead of the stack's own output.")] = None,
    days: Annotated[int, typer.Option(min=0, max=730, help="For `ending`: the number of days.")] = 30,
    output_format: Annotated[Format, typer.Option("--format", help="The output format.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option(dir_okay=False, help="Write to this file.")] = None,
) -> None:
    """Read the table with your own AWS credentials and print a report on its current state."""
    with _print_errors(terminal(stderr=True)):
        require_folder_of(output)
        deployed = (
            stack_on_aws("", region, profile) if table and not demo else _stack(stack, region, profile, demo=demo)
        )
        items = scan(deployed.client("dynamodb"), table or _table(deployed), *PARTITION_PREFIXES)
        rows = report(name, items, datetime.now(UTC), days)
        with output.open("w", encoding="utf-8", newline="") if output else contextlib.nullcontext(sys.stdout) as file:
            write(rows, COLUMNS[name], output_format, file)


@app.command("snapshot")
def export_snapshot(
    *,
    stack: Stack = None,
    demo: UseDemo = False,
    region: Region = None,
    profile: Profile = None,
    output: Annotated[Path, typer.Option(dir_okay=False, help="Write to this file.")] = Path("snapshot.jsonl"),
) -> None:
    """Write every account, user and member with its version, to start a copy that then follows the events."""
    with _print_errors(terminal(stderr=True)):
        require_folder_of(output)
        deployed = _stack(stack, region, profile, demo=demo)
        items = scan(deployed.client("dynamodb"), _table(deployed), *PARTITION_PREFIXES)
        output.write_text("".join(f"{line}\n" for line in snapshot_lines(items)), encoding="utf-8")


@app.command("doctor")
def check_health(*, stack: Stack = None, demo: UseDemo = False, region: Region = None, profile: Profile = None) -> None:
    """Check a stack and its table, and print every problem as a sentence."""
    console, problem_count = terminal(soft_wrap=True), 0
    with _print_errors(console):
        for finding in examine(_stack(stack, region, profile, demo=demo), datetime.now(UTC)):
            if finding.not_checked:
                console.print(f"[yellow]?[/] {finding.check}: not checked. {printable(finding.not_checked)}")
            elif not finding.problems:
                console.print(f"[green]✓[/] {finding.check}")
            for sentence in finding.problems:
                console.print(f"[red]✗[/] {finding.check}: {printable(sentence)}")
            problem_count += len(finding.problems)
    console.print(SUMMARY.get(problem_count, f"{problem_count} things are wrong."))
    raise typer.Exit(1 if problem_count else 0)


ExportFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="The file that `audit-log export` wrote.")
]


@audit_log_app.command("export")
def export_audit_log(
    account: Annotated[str, typer.Argument(help="The account, or @directory for the vendor's own acts.")],
    *,
    stack: Stack = None,
    demo: UseDemo = False,
    region: Region = None,
    profile: Profile = None,
    output: Annotated[Path, typer.Option(dir_okay=False, help="Write to this file.")] = Path("audit-log.jsonl"),
) -> None:
    """Write an account's audit log with its latest signed tree heads, so that anyone can verify it.

    Exits with 2 if signed tree heads were hidden or the table was set back. The file is complete, but must be
    investigated.
    """
    console = terminal(stderr=True, soft_wrap=True)
    with _print_errors(console):
        require_folder_of(output)
        deployed = _stack(stack, region, profile, demo=demo)
        result = audit_log.export_account(deployed, _table(deployed), account)
        output.write_bytes(result.export.to_bytes())
    exported_log, pending = result.export, result.pending
    console.print(
        f"{len(exported_log.links)} entries, {exported_log.signed_count} of them signed, in {printable(str(output))}."
    )
    if pending:
        console.print(
            f"{pending} more are not in the chain yet. Export again soon. If they stay, run `audit-log mend`."
        )
    for sentence in result.problems:
        console.print(f"[red]✗[/] {printable(sentence)}")
    if result.problems:
        raise typer.Exit(NOT_PROVED)


@audit_log_app.command("verify")
def verify_audit_log(
    file: ExportFile,
    *,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A trusted key that `audit-log key` wrote earlier.")
    ] = None,
    newest: Annotated[
        int, typer.Option("--tree-head", min=0, help="The number of the newest signed tree head in the bucket.")
    ] = 0,
) -> None:
    """Verify an exported audit log without a network. If it was altered, name the first entry that does not match.

    Exits with 1 if the log was altered. Exits with 2 if it is intact, but without --key, or if no signed tree head of
    the last day covers it.
    """
    console = terminal(soft_wrap=True)
    with _print_errors(console):
        export = verify(file.read_bytes(), key.read_text(encoding="utf-8", errors="replace") if key else None, newest)
    if not print_verification(console, export, datetime.now(UTC), has_trusted_key=key is not None):
        raise typer.Exit(NOT_PROVED)


@audit_log_app.command("key")
def print_key(*, stack: Stack = None, demo: UseDemo = False, region: Region = None, profile: Profile = None) -> None:
    """Print the public key of the signed tree heads. Store it elsewhere, for --key."""
    with _print_errors(terminal(stderr=True, soft_wrap=True)):
        typer.echo(audit_log.public_key(_stack(stack, region, profile, demo=demo)), nl=False)


@audit_log_app.command("prove")
def prove_entry(
    file: ExportFile,
    audit_id: Annotated[str, typer.Argument(help="The audit entry.")],
    *,
    output: Annotated[Path, typer.Option(dir_okay=False, help="Write to this file.")] = Path("proof.json"),
) -> None:
    """Write the inclusion proof of one entry, without any other entry, for a third party (docs/check_inclusion.py)."""
    with _print_errors(terminal(stderr=True, soft_wrap=True)):
        output.write_bytes(inclusion_proof(verify(file.read_bytes()), audit_id))


@audit_log_app.command("mend")
def repair_audit_log(
    *, stack: Stack = None, demo: UseDemo = False, region: Region = None, profile: Profile = None
) -> None:
    """Add entries that the stream missed, for example after a day without it, to their hash chains. Scans the table."""
    console = terminal(soft_wrap=True)
    with _print_errors(console):
        deployed = _stack(stack, region, profile, demo=demo)
        added = audit_log.repair(deployed, _table(deployed), datetime.now(UTC))
    console.print(f"{added} entries were added to a hash chain." if added else "Every entry is in its hash chain.")


@audit_log_app.command("replay")
def replay_failed_records(
    *, stack: Stack = None, demo: UseDemo = False, region: Region = None, profile: Profile = None
) -> None:
    """Chain and publish the records that failed for a day. Reads them from the bucket of failed records."""
    console, processed, failed = terminal(soft_wrap=True), 0, 0
    with _print_errors(console):
        for batch, failure in audit_log.replay(_stack(stack, region, profile, demo=demo)):
            if failure:
                console.print(f"[red]✗[/] {printable(batch.name)} failed again: {printable(failure)}")
            processed, failed = processed + len(batch.records) * (not failure), failed + bool(failure)
    console.print(f"{processed} entries were replayed." if processed else "Nothing was replayed.")
    raise typer.Exit(1 if failed else 0)


@contextlib.contextmanager
def _print_errors(console: Console) -> Iterator[None]:
    """Print expected errors as a sentence and exit with 1."""
    try:
        yield
    except (AuditLogAltered, StackUnavailable, NotAJournal, ImportStopped, OSError, UnicodeEncodeError) as failed:
        console.print(f"[bold red]{printable(sentence_of(failed))}[/]", soft_wrap=True)
        raise typer.Exit(1) from failed


def _stack(stack: str | None, region: str | None, profile: str | None, *, demo: bool) -> DeployedStack:
    if demo:
        return demo_stack()
    if not stack:
        raise StackUnavailable("Pass either --stack NAME or --demo.")
    return stack_on_aws(stack, region, profile)


def _url(stack: DeployedStack | None) -> str:
    if stack is None:
        raise StackUnavailable("Pass --stack NAME, --demo, or --url with a token.")
    return stack.base_url if isinstance(stack, DemoStack) else stack.output("ApiUrl")


def _token(stack: DeployedStack | None, token: str | None) -> AccessToken:
    if token:
        return AccessToken(token)
    if stack is None:
        raise StackUnavailable("Pass a token with --token, or name the stack whose user pool issues one.")
    return stack.token()


def _table(stack: DeployedStack) -> str:
    return stack.table if isinstance(stack, DemoStack) else stack.output("TableName")


if __name__ == "__main__":
    for end in (signal.SIGINT, signal.SIGTERM):  # both interrupt, even if the shell had Ctrl-C ignored
        signal.signal(end, signal.default_int_handler)
    app(prog_name="python -m tools.operate")
