"""Render every email in every language with sample data into .local/emails.

Run `PYTHONPATH=layers/common python -m tools.email_preview`, then open .local/emails/index.html.
"""

from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from itertools import product
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from partner_access.domain.access_ends import RequestedEnd
from partner_access.domain.notifications import Cause
from partner_access.domain.permissions import catalogue
from partner_access.emails.rendering import EMAIL_KINDS, LANGUAGES, EmailContext, RenderedEmail, render

FOLDER: Final = Path(__file__).parent.parent / ".local" / "emails"

REMOVED: Final = frozenset({"crm.export", "crm.bulk_delete", "account.domains"})
PARTNER_ADMIN: Final = frozenset(catalogue.SETS["partner_admin"][-1])

ENGLISH: Final = EmailContext(
    partner_name="Northwind Agency",
    partner_domains=("northwind.example", "northwind-labs.example"),
    employee_name="Anna Berg",
    employee_email="anna.berg@northwind.example",
    account_name="Contoso Furniture",
    actor_name="Maria Lindqvist",
    can=tuple(sorted(PARTNER_ADMIN - REMOVED)),
    cannot=tuple(sorted(catalogue.RESTRICTED | REMOVED)),
    requested_more=tuple(sorted(REMOVED)),
    gained=("crm.export", "crm.deals.delete:team"),
    lost=("account.domains", "account.website"),
    requested_end=RequestedEnd(access_days=180),
    granted_end=RequestedEnd(access_days=60),
    days_left=7,
    expires_at=datetime(2026, 12, 1, tzinfo=UTC),
    zone=ZoneInfo("UTC"),
    link_expires_at=datetime(2026, 8, 7, 15, 30, tzinfo=UTC),
    purpose="Set up the autumn campaign and clean the contact lists.",
    reason="We would like to talk about the export of contacts first.",
    cause=None,
    button_url="https://access.example.com/approve#pal_SAMPLE-FOR-THE-PREVIEW-ONLY-0123456789abcdefghijklmnopqrstuvwxyz",
    paid_seat_required=True,
    former_set="sales",
)
JAPANESE: Final = replace(
    ENGLISH,
    partner_name="株式会社北風マーケティング",
    partner_domains=("kitakaze.example",),
    employee_name="佐藤 花子",
    employee_email="hanako.sato@kitakaze.example",
    account_name="青空家具株式会社",
    actor_name="鈴木 一郎",
    purpose="秋のキャンペーンの準備と、コンタクトリストの整理のため。",
    reason="コンタクトのエクスポートについて、先に相談させてください。",
)
SAMPLES: Final = {"en": ENGLISH, "ja": JAPANESE}

CAUSES: Final = {
    "access_suspended": (Cause.CLIENT, Cause.PARTNER, Cause.PROGRAM, Cause.EMPLOYEE),
    "access_resumed": (Cause.CLIENT, Cause.PARTNER, Cause.PROGRAM, Cause.EMPLOYEE),
    "access_ended": (Cause.CLIENT, Cause.PARTNER, Cause.SELF, Cause.VENDOR, Cause.TIME),
    "member_retained": (None, Cause.RETAINED_MEMBER, Cause.RETAINED_SUPER_ADMIN),
    "program_stopped": (Cause.PROGRAM, Cause.TERMINATED),
}
"""The emails that have a variant for each cause."""


def main() -> None:
    """Write the previews and an index page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    entries = []
    for kind in EMAIL_KINDS:
        for language, cause in product(LANGUAGES, CAUSES.get(kind, (None,))):
            rendered = render(kind, language, replace(SAMPLES[language], cause=cause))
            name = ".".join(filter(None, (kind, cause, language)))
            _write(name, rendered)
            entries.append(f'<li><a href="{name}.html">{escape(rendered.subject)}</a> {cause or ""}</li>')
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Emails</title><ul>{"".join(entries)}</ul>'
    (FOLDER / "index.html").write_text(page, encoding="utf-8")
    print(f"{len(entries)} emails are in {FOLDER}")


def _write(name: str, rendered: RenderedEmail) -> None:
    (FOLDER / f"{name}.html").write_text(rendered.html, encoding="utf-8")
    (FOLDER / f"{name}.txt").write_text(f"{rendered.subject}\n\n{rendered.text}", encoding="utf-8")


if __name__ == "__main__":
    main()
