"""Import files into the directory, or rehearse the import. Progress and failed rows are printed."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tools.api_client import ApiClient
from tools.operate.directory_check import errors_against_directory
from tools.operate.directory_client import AccessToken, DirectoryClient, ImportStopped
from tools.operate.journal import Journal
from tools.operate.plan import ImportPlan
from tools.operate.row_files import read_rows
from tools.operate.rows import ImportStep
from tools.operate.sending import send_requests
from tools.operate.terminal import printable

MAX_ROWS_SHOWN = 50
"""The maximum number of failed rows that are printed. The file of failed rows has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryImport:
    """The options of an import.

    `partial` means that the directory may contain records that are in no file. `failed` is a file for the rows to
    correct.
    """

    files: Sequence[Path]
    journal: Path
    console: Console
    partial: bool = False
    failed: Path | None = None
    parallel: int = 8

    def dry_run(self, base_url: str, directory: DirectoryClient | None) -> bool:
        """Check every row and print the number of requests. Return whether there are no errors.

        Without a `directory` to compare with, print what cannot be checked.
        """
        with Journal.in_memory(base_url, self.journal) as journal, self._plan(journal) as plan:
            if directory:
                for row, error in list(errors_against_directory(plan.records(), directory, self.parallel)):
                    plan.record_error(row, error)
            table = Table("what would be sent", "requests", "already sent", title_justify="left")
            for step in ImportStep:
                table.add_row(step.label, str(plan.count(step)), str(_sent_before(plan, journal, step)))
            self.console.print(table)
            self._print_row_errors(plan)
            if not directory:
                self.console.print(_unchecked(plan.incomplete_records), soft_wrap=True)
            return not plan.failed_rows

    def run(self, caller: ApiClient, token: AccessToken) -> bool:
        """Send all requests that were not sent before. Return whether the directory now contains every row."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Journal.open(self.journal, caller.base_url) as journal, self._plan(journal) as plan:
            self._print_row_errors(plan)
            if sent_before := sum(_sent_before(plan, journal, step) for step in ImportStep):
                self.console.print(
                    printable(f"{sent_before} requests were sent by an earlier run. Delete {self.journal} to resend.")
                )
            with Progress(*columns, console=self.console) as progress:
                task = progress.add_task("Updating the directory", total=sum(map(plan.count, ImportStep)))
                back_end = DirectoryClient(caller, token)
                try:
                    send_requests(
                        plan, journal, back_end, parallel=self.parallel, on_request=lambda: progress.advance(task)
                    )
                except KeyboardInterrupt as stopped:
                    raise ImportStopped("Stopped. Run it again to continue.") from stopped
            succeeded = self._report_failures(plan)
            if succeeded:
                journal.clear()
                self.console.print(f"The directory has all {plan.rows} rows.")
            return succeeded

    def _plan(self, journal: Journal) -> AbstractContextManager[ImportPlan]:
        return ImportPlan.load((row for file in self.files for row in read_rows(file)), journal, partial=self.partial)

    def _print_row_errors(self, plan: ImportPlan) -> None:
        """Print all errors in the files themselves."""
        for each in plan.failed():
            self.console.print(printable(each.sentence), soft_wrap=True)
        if failed := plan.failed_rows:
            others = "The others can." if plan.rows > failed else ""
            self.console.print(f"{failed} of {plan.rows} rows cannot be sent. {others}".rstrip())

    def _report_failures(self, plan: ImportPlan) -> bool:
        """Print the failed rows and write them to a file. Return whether there are none."""
        if self.failed:
            with self.failed.open("w", encoding="utf-8") as written:
                written.writelines(f"{text}\n" for text in plan.failed_texts())
        failed = plan.failed_rows
        if not failed:
            return True
        table = Table("row", "field", "reason", title=f"{failed} of {plan.rows} rows failed", title_justify="left")
        for each in plan.failed(MAX_ROWS_SHOWN):
            table.add_row(printable(each.location), printable(each.field), printable(each.reason))
        self.console.print(table)
        if failed > MAX_ROWS_SHOWN:
            self.console.print(f"and more: --failed FILE writes all {failed} of them.")
        return False


def _unchecked(incomplete: int) -> str:
    relies = f" {incomplete} rows lack fields that a new record needs." if incomplete else ""
    return (
        "Not compared with the directory: name the stack, or an API with a token, to find records that do not exist yet "
        f"and addresses that another user has.{relies}"
    )


def _sent_before(plan: ImportPlan, journal: Journal, step: ImportStep) -> int:
    """Return the number of requests of a step that an earlier run sent."""
    return sum(journal.contains(request) for _, request in plan.requests(step))
