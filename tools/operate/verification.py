"""Print the result of the verification of an exported audit log."""

from datetime import datetime
from typing import Final

from rich.console import Console

from tools.operate.audit_export import AuditExport
from tools.operate.terminal import printable

KEY_OF_FILE: Final = (
    "The key comes from the file itself, so a person who forged the whole file passes. "
    "Pass the key that `audit-log key` wrote earlier with --key."
)


def print_verification(console: Console, export: AuditExport, at: datetime, *, has_trusted_key: bool) -> bool:
    """Print what an intact export shows. Return whether it proves that, also against a person who forged all of it."""
    entry_count, account_id = len(export.links), printable(export.title.account_id)
    console.print(f"[green]✓[/] {entry_count} entries of {account_id} are unaltered, complete and in order.")
    for newest in export.tree_heads[:1]:
        console.print(
            f"[green]✓[/] Tree head {newest.tree_head.number} of {newest.tree_head.at.isoformat()} covers {export.signed_count} of {entry_count}."
        )
        oldest = export.tree_heads[-1]
        console.print(
            f"[green]✓[/] Older tree heads agree, back to {oldest.tree_head.number} of {oldest.tree_head.at.isoformat()}, "
            f"which covers {oldest.leaf.entries}."
            if oldest is not newest
            else "[yellow]?[/] No older tree head: this file cannot show whether the chain was rewritten before."
        )
    if export.unsigned:
        since = export.unsigned[0]
        console.print(
            f"[yellow]?[/] Not signed yet: {len(export.unsigned)} of {entry_count}, from entry {since.position}, "
            f"{printable(since.entry.audit_id)} of {since.entry.at.isoformat()}, on."
        )
    doubts = [doubt for doubt in ("" if has_trusted_key else KEY_OF_FILE, export.doubt(at)) if doubt]
    for doubt in doubts:
        console.print(f"[red]✗[/] {printable(doubt)}")
    return not doubts
