"""Rendering of emails: names and permissions in, a subject, a plain text and an HTML page out.

The templates are generated from one source per kind and language (tools/email_templates.py). The first line of a text
is the subject.

Templates have one rule: a line with an empty placeholder is left out. Only one of the `cause_…` placeholders has a
value, so a line with one of them appears for that cause only. Values entered by users are always inserted as plain
text, never as markup, a link or a new line. In a page, each value is escaped here, whatever a template says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Final
from zoneinfo import ZoneInfo

from partner_access.domain.access_ends import NO_END, RequestedEnd
from partner_access.domain.notifications import Cause, NotificationKind
from partner_access.emails.permission_texts import Language, sentences
from partner_access.plain_text import DOMAIN_DOTS, DOT, is_invisible

EMAIL_KINDS: Final = tuple(kind.value for kind in NotificationKind)
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")

MAX_SUBJECT_LENGTH: Final = 150
MAX_NAME_LENGTH: Final = 120
MAX_NAME_LENGTH_IN_SUBJECT: Final = 36
MAX_ADDRESS_LENGTH: Final = 254
MAX_REMARK_LENGTH: Final = 500
MAX_DOMAINS: Final = 5

PHRASES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "account": "the client account",
        "partner": "the partner",
        "someone": "Unnamed user",
        "employed": "{name} of {partner}",
        "no_end": "No fixed end date",
        "endless": "no fixed end",
        "day": "1 day",
        "days": "{} days",
        "in_day": "in 1 day",
        "in_days": "in {} days",
        "soon": "soon",
        "from_approval": "{} after you approve",
        "on_day": "{} (end of the day in the client account’s time zone)",
        "shortened": "Requested: {requested}; granted: {granted}",
        "paid_seat": "a paid seat",
        "cause_client": "the client",
        "cause_partner": "the partner",
        "cause_program": "the partner program",
        "cause_employee": "deactivated",
        "cause_self": "the person concerned",
        "cause_vendor": "the vendor",
        "cause_time": "its end date",
        "cause_terminated": "the partner program",
        "cause_retained_member": "an ordinary member",
        "cause_retained_super_admin": "a super admin",
        "cause_none": "access",
        "set_marketing": "Marketing",
        "set_sales": "Sales",
        "set_service": "Service",
        "set_reporting": "Reporting",
        "set_view_only": "View only",
        "more": "and {} more",
        "listed": ", ",
        "bullet": "\n- ",
        "months": "January February March April May June July August September October November December",
    },
    "ja": {
        "account": "クライアントアカウント",
        "partner": "パートナー",
        "someone": "担当者",
        "employed": "{partner}の{name}",
        "no_end": "期限なし",
        "endless": "期限なし",
        "day": "1日間",
        "days": "{}日間",
        "in_day": "あと1日で",
        "in_days": "あと{}日で",
        "soon": "まもなく",
        "from_approval": "承認から{}",
        "on_day": "{}（クライアントアカウントのタイムゾーンでの当日の終わりまで）",
        "shortened": "申請：{requested}、付与：{granted}",
        "paid_seat": "有料シート",
        "cause_client": "クライアント",
        "cause_partner": "パートナー",
        "cause_program": "パートナープログラム",
        "cause_employee": "無効",
        "cause_self": "ご本人様",
        "cause_vendor": "製品の提供元",
        "cause_time": "期限",
        "cause_terminated": "パートナープログラム",
        "cause_retained_member": "一般メンバー",
        "cause_retained_super_admin": "スーパー管理者",
        "cause_none": "アクセス",
        "set_marketing": "マーケティング",
        "set_sales": "セールス",
        "set_service": "サービス",
        "set_reporting": "レポート",
        "set_view_only": "閲覧のみ",
        "more": "ほか{}件",
        "listed": "、",
        "bullet": "\n・",
    },
}

CAUSE_PLACEHOLDERS: Final = tuple(f"cause_{cause}" for cause in (*Cause, "none"))
"""Placeholders of all causes, and of the absence of a cause."""

LINKS: Final = re.compile(rf"[:：](?=[/／]{{2}})|(?<=\bmailto)[:：]|(?<=\bwww){DOT}", re.IGNORECASE)
"""Characters that make email programs detect a link. Putting this one character in brackets prevents that."""

WEB_ADDRESS: Final = re.compile(r"https?://[!#-;=?-~]+")


@dataclass(frozen=True, slots=True)
class EmailContext:
    """All values that an email can include. Each str is untrusted text from a user.

    `granted_end` is set when less time was granted than requested. Without `requested_end`, no end was requested.
    `expires_at` is exclusive, and times are written in the reader's `zone`. `gained` and `lost` are the permissions that
    an edit added and removed. `days_left` is the rest of an access with an end. `former_set` is the permission set that
    can be given again: the key of a default set, or the name of a custom one.
    """

    partner_name: str
    partner_domains: tuple[str, ...]
    employee_name: str
    employee_email: str
    account_name: str | None
    actor_name: str | None
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    requested_more: tuple[str, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    requested_end: RequestedEnd | None
    granted_end: RequestedEnd | None
    days_left: int | None
    expires_at: datetime | None
    link_expires_at: datetime | None
    zone: ZoneInfo
    purpose: str | None
    reason: str | None
    cause: Cause | None
    button_url: str
    paid_seat_required: bool
    former_set: str | None


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """A rendered email. The subject is one line, and the plain text and the HTML have the same content."""

    subject: str
    text: str
    html: str


def render(kind: str, locale: str, context: EmailContext) -> RenderedEmail:
    """Render the email in the recipient's language, or in English if that language is not supported.

    Raise ValueError if there is no such kind of email, or if the URL of the button is not a plain web address.
    """
    if kind not in EMAIL_KINDS:
        raise ValueError(f"no email is called {kind!r}")
    if context.button_url and not WEB_ADDRESS.fullmatch(context.button_url):
        raise ValueError("the URL of the button is not a web address")

    language = _language(locale)
    phrases = PHRASES[language]
    names = _names(context, language)
    lists = {
        "can": _plain(context.can, language),
        "cannot": _plain(context.cannot, language),
        "requested_but_removed": _plain(context.requested_more, language) + _shortened_access(context, language),
        "gained": _plain(context.gained, language),
        "lost": _plain(context.lost, language),
    }

    subject, _, text = _template(f"{kind}/{language}.txt").partition("\n")
    page = _template(f"{kind}/{language}.html")
    brief = _names(context, language, longest=MAX_NAME_LENGTH_IN_SUBJECT)
    subject = _cut(_fill(subject, brief), MAX_SUBJECT_LENGTH)
    in_text = {key: "".join(phrases["bullet"] + each for each in items) for key, items in lists.items()}
    in_page = {key: "".join(map(_list_item, items)) for key, items in lists.items()}
    page_names = names | {"subject": subject, "address": context.button_url}
    return RenderedEmail(
        subject=subject,
        text=_fill(text, names | in_text | {"address": context.button_url and f"\n{context.button_url}"}).strip()
        + "\n",
        html=_fill(page, {key: escape(name) for key, name in page_names.items()} | in_page) + "\n",
    )


def _list_item(permission: str) -> str:
    return _fill(_template("list_item.html"), {"item": escape(permission)})


def _language(locale: str) -> Language:
    return "ja" if re.split("[-_]", locale.lower(), maxsplit=1)[0] == "ja" else "en"


def _names(context: EmailContext, language: Language, *, longest: int = MAX_NAME_LENGTH) -> dict[str, str]:
    """Return all one-line values, sanitized. Unknown values are empty."""
    phrases = PHRASES[language]
    partner = _without_links(context.partner_name, longest)
    account = _without_links(context.account_name, longest)
    email = _sanitize(context.employee_email, MAX_ADDRESS_LENGTH)
    employee = _without_links(context.employee_name, longest) or _cut(email, longest) or phrases["someone"]
    return {
        "partner_name": partner,
        "partner": partner or phrases["partner"],
        "partner_domains": _domains(context.partner_domains, language),
        "employee_name": employee,
        "employee_email": email,
        "person": phrases["employed"].format(name=employee, partner=partner) if partner else employee,
        "account_name": account,
        "account": account or phrases["account"],
        "actor_name": _without_links(context.actor_name, longest),
        "until": _last_minute(context, language) or phrases["no_end"],
        "ends_in": _time_left(context.days_left, language),
        "requested_until": _requested_end(context.requested_end or NO_END, language),
        "link_until": _format_time(context.link_expires_at, context.zone, language),
        "purpose": _without_links(context.purpose, MAX_REMARK_LENGTH),
        "reason": _without_links(context.reason, MAX_REMARK_LENGTH),
        "paid_seat": phrases["paid_seat"] if context.paid_seat_required else "",
        "former_set": phrases.get(f"set_{context.former_set}") or _without_links(context.former_set, longest),
        **{name: phrases[name] if name == f"cause_{context.cause or 'none'}" else "" for name in CAUSE_PLACEHOLDERS},
    }


def _sanitize(raw: str | None, longest: int) -> str:
    """Sanitize a text to one line without invisible characters and links, at most `longest` characters long."""
    visible = "".join(each for each in raw or "" if each.isspace() or not is_invisible(each))
    return _cut(LINKS.sub(r"[\g<0>]", _cut(" ".join(visible.split()), longest)), longest)


def _without_links(raw: str | None, longest: int) -> str:
    """Sanitize a text in which not even a bare domain becomes a link: a name, a purpose or a reason."""
    return _cut(DOMAIN_DOTS.sub(r"[\g<0>]", _sanitize(raw, longest)), longest)


def _cut(item: str, longest: int) -> str:
    return item if len(item) <= longest else item[: longest - 1].rstrip() + "…"


def _domains(domains: tuple[str, ...], language: Language) -> str:
    phrases = PHRASES[language]
    known = [domain for domain in (_sanitize(each, MAX_ADDRESS_LENGTH) for each in domains) if domain]
    more = [phrases["more"].format(len(known) - MAX_DOMAINS)] if len(known) > MAX_DOMAINS else []
    return phrases["listed"].join(known[:MAX_DOMAINS] + more)


def _plain(permissions: tuple[str, ...], language: Language) -> tuple[str, ...]:
    return sentences(filter(None, (_sanitize(each, MAX_NAME_LENGTH) for each in permissions)), language)


def _shortened_access(context: EmailContext, language: Language) -> tuple[str, ...]:
    """Return a sentence with the requested and the granted time if they differ."""
    phrases = PHRASES[language]
    if not context.granted_end:
        return ()
    requested, granted = context.requested_end or NO_END, context.granted_end
    return (phrases["shortened"].format(requested=_end(requested, language), granted=_end(granted, language)),)


def _requested_end(end: RequestedEnd, language: Language) -> str:
    """Describe the end of the requested access. Its days count from the approval, which is still to come."""
    phrases = PHRASES[language]
    if end == NO_END:
        return phrases["no_end"]
    return phrases["from_approval" if end.access_days else "on_day"].format(_end(end, language))


def _end(end: RequestedEnd, language: Language) -> str:
    if end.access_ends_on:
        return _format_date(end.access_ends_on, language)
    return _days(end.access_days, language) if end.access_days else PHRASES[language]["endless"]


def _time_left(days: int | None, language: Language) -> str:
    """Describe how soon the access ends, also when the number of days is unknown."""
    phrases = PHRASES[language]
    return phrases["in_day" if days == 1 else "in_days"].format(days) if days else phrases["soon"]


def _days(days: int, language: Language) -> str:
    return PHRASES[language]["day" if days == 1 else "days"].format(days)


def _last_minute(context: EmailContext, language: Language) -> str:
    """Describe the last minute of access, so that an end at midnight has the date that was chosen."""
    last_minute = context.expires_at - timedelta(minutes=1) if context.expires_at else None
    return _format_time(last_minute, context.zone, language)


def _format_time(instant: datetime | None, zone: ZoneInfo, language: Language) -> str:
    if not instant:
        return ""
    local = instant.astimezone(zone)
    names = list(dict.fromkeys((zone.key, _utc_offset(local))))
    if language == "ja":
        return f"{_format_date(local, language)} {local:%H:%M}（{'、'.join(names)}）"
    return f"{_format_date(local, language)}, {local:%H:%M} " + (
        names[0] if len(names) == 1 else f"({', '.join(names)})"
    )


def _format_date(day: date, language: Language) -> str:
    if language == "ja":
        return f"{day:%Y}年{day.month}月{day.day}日"
    return f"{day.day} {PHRASES['en']['months'].split()[day.month - 1]} {day:%Y}"


def _utc_offset(local: datetime) -> str:
    """Return the difference from UTC, such as UTC+1 or UTC-3:30. In winter and summer it differs."""
    offset = f"{local:%z}"
    hours, minutes = int(offset[1:3]), offset[3:5]
    return "UTC" if offset == "+0000" else f"UTC{offset[0]}{hours}" + (f":{minutes}" if minutes != "00" else "")


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Fill the template, and leave out lines with an empty value. Raise KeyError for an unknown placeholder."""
    items = [Template(item) for item in template.split("\n")]
    filled = [item.substitute(values) for item in items if all(values[name] for name in item.get_identifiers())]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(filled))


@cache
def _template(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8").rstrip("\n")
