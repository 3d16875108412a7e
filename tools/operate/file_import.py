"""An import from files: rehearsed, or told with a bar that shows how far it is; what failed is said row by row."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tools.api_client import Caller
from tools.operate.directory_client import BackEnd, Stopped, Token, send
from tools.operate.journal import Journal
from tools.operate.plan import Plan
from tools.operate.rows import Step, rows

SHOWN = 50
"""How many failed rows are shown; the file has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What is asked for: `partial` when the directory may know what no file tells of, `failed` for rows to be mended."""

    files: Sequence[Path]
    journal: Path
    console: Console
    partial: bool = False
    failed: Path | None = None
    at_once: int = 8

    def rehearse(self, base_url: str) -> bool:
        """Check every row, and say what would be told; whether nothing is wrong."""
        with Journal.nowhere(base_url, self.journal) as known, self._plan(known) as plan:
            table = Table("what would be told", "requests", "of these told already", title_justify="left")
            for step in Step:
                table.add_row(step.words, str(plan.count(step)), str(_told(plan, known, step)))
            self.console.print(table)
            self._tell_of_faults(plan)
            return not plan.failed_rows

    def tell(self, caller: Caller, token: Token) -> bool:
        """Tell the directory all that is not told already; whether it knows every row now."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Journal.at(self.journal, caller.base_url) as kept, self._plan(kept) as plan:
            self._tell_of_faults(plan)
            if already := sum(_told(plan, kept, step) for step in Step):
                self.console.print(f"{already} requests were told by an earlier run. Without {self.journal} all are.")
            with Progress(*columns, console=self.console) as progress:
                task = progress.add_task("Telling the directory", total=sum(map(plan.count, Step)))
                back_end = BackEnd(caller, token)
                try:
                    send(plan, kept, back_end, at_once=self.at_once, done=lambda: progress.advance(task))
                except KeyboardInterrupt as stopped:
                    raise Stopped("It was stopped. Run it again to go on.") from stopped
            well = self._tells_of_failures(plan)
            if well:
                kept.forget()
                self.console.print(f"The directory knows all {plan.rows} rows.")
            return well

    def _plan(self, journal: Journal) -> AbstractContextManager[Plan]:
        return Plan.of((row for file in self.files for row in rows(file)), journal, partial=self.partial)

    def _tell_of_faults(self, plan: Plan) -> None:
        """What is wrong with the files themselves, all of it."""
        for each in plan.failed():
            self.console.print(escape(each.sentence), soft_wrap=True)
        if failed := plan.failed_rows:
            self.console.print(f"{failed} of {plan.rows} rows cannot be told.")

    def _tells_of_failures(self, plan: Plan) -> bool:
        """Show what failed, and write it out; whether nothing did."""
        if self.failed:
            with self.failed.open("w", encoding="utf-8") as written:
                written.writelines(f"{text}\n" for text in plan.failed_texts())
        failed = plan.failed_rows
        if not failed:
            return True
        table = Table("row", "field", "why", title=f"{failed} of {plan.rows} rows failed", title_justify="left")
        for each in plan.failed(SHOWN):
            table.add_row(escape(each.place), escape(each.field), escape(each.why))
        self.console.print(table)
        if failed > SHOWN:
            self.console.print(f"and more: --failed FILE writes all {failed} of them.")
        return False


def _told(plan: Plan, journal: Journal, step: Step) -> int:
    """How much of a step an earlier run has told."""
    return sum(journal.has(request) for _, request in plan.requests(step))
