"""Tests of the emails: their content in both languages, and protection against hostile input."""

import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typing_extensions import override  # typing has it from 3.12 on

from partner_access.domain.access_ends import NO_END, RequestedEnd
from partner_access.domain.email_delivery import KINDS_NAMING_ACCOUNT
from partner_access.domain.notifications import Cause
from partner_access.domain.permissions import catalogue
from partner_access.emails import rendering
from partner_access.emails.permission_texts import ORDINARY_GROUPS, SINGLE_PERMISSION_TEXTS, Language, sentences
from partner_access.emails.rendering import EmailContext, RenderedEmail, render

ADDRESS = "https://access.example.com/approve#pal_LINK.SECRET_CRC"
PARTNER_ADMIN = frozenset(catalogue.SETS["partner_admin"][-1])
KINDS_WITH_RIGHTS = ("link_to_approve", "access_granted", "super_admin_migrated", "member_created")
PROGRAM_KINDS = ("program_stopped", "program_resumed")
KINDS_WITHOUT_ACTOR = ("link_expired", "access_ending", *PROGRAM_KINDS)

IN_1_DAY, IN_2_DAYS, IN_5_DAYS = (RequestedEnd(access_days=days) for days in (1, 2, 5))
ON_10_APRIL = RequestedEnd(access_ends_on=date(2027, 4, 10))

every_kind = pytest.mark.parametrize("kind", rendering.EMAIL_KINDS)
every_language = pytest.mark.parametrize("language", rendering.LANGUAGES)


def email_context(**changes: Any) -> EmailContext:
    return replace(
        EmailContext(
            partner_name="Northwind Agency",
            partner_domains=("northwind.example",),
            employee_name="Anna Berg",
            employee_email="anna.berg@northwind.example",
            account_name="Contoso Furniture",
            actor_name="Maria Lindqvist",
            can=tuple(PARTNER_ADMIN - {"crm.export"}),
            cannot=(*catalogue.RESTRICTED, "crm.export"),
            requested_more=("crm.export",),
            gained=("crm.tickets.edit:team",),
            lost=("crm.import",),
            requested_end=RequestedEnd(access_days=5),
            granted_end=RequestedEnd(access_days=2),
            days_left=7,
            expires_at=datetime(2026, 12, 1, tzinfo=UTC),
            link_expires_at=datetime(2026, 8, 7, 15, 30, tzinfo=UTC),
            zone=ZoneInfo("UTC"),
            purpose="The autumn campaign",
            reason="Not this year",
            cause=None,
            button_url=ADDRESS,
            paid_seat_required=True,
            former_set="sales",
        ),
        **changes,
    )


EMPTY_CONTEXT = EmailContext(
    partner_name="",
    partner_domains=(),
    employee_name="",
    employee_email="",
    account_name=None,
    actor_name=None,
    can=(),
    cannot=(),
    requested_more=(),
    gained=(),
    lost=(),
    requested_end=None,
    granted_end=None,
    days_left=None,
    expires_at=None,
    link_expires_at=None,
    zone=ZoneInfo("UTC"),
    purpose=None,
    reason=None,
    cause=None,
    button_url="",
    paid_seat_required=False,
    former_set=None,
)


class ParsedEmail(HTMLParser):
    """An email as a mail program parses it: its elements, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ended: list[str] = []
        self.words = ""
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @override
    def handle_endtag(self, tag: str) -> None:
        self.ended.append(tag)

    @override
    def handle_data(self, data: str) -> None:
        self.words += data

    def names(self) -> list[str]:
        return [tag for tag, _ in self.elements]


def text_and_html_text(composed: RenderedEmail) -> tuple[str, str]:
    return composed.text, ParsedEmail(composed.html).words


@every_kind
@every_language
class TestEveryEmail:
    def test_render_email_produces_subject_text_and_html_in_language(self, kind: str, language: Language) -> None:
        composed = render(kind, language, email_context())

        assert composed.subject
        assert len(composed.subject) <= rendering.MAX_SUBJECT_LENGTH
        assert len(composed.text) > 300
        assert f'<html lang="{language}">' in composed.html
        assert bool(re.search("[ぁ-ん]", composed.subject + composed.text)) is (language == "ja")
        assert bool(re.search("[ぁ-ん]", composed.html)) is (language == "ja")

    def test_render_email_names_partner_domain_and_employee(self, kind: str, language: Language) -> None:
        composed = render(kind, language, email_context())

        for content in text_and_html_text(composed):
            assert "Northwind Agency" in content
            assert "northwind.example" in content
            assert ("Anna Berg" in content) is (kind not in PROGRAM_KINDS)
            assert ("anna.berg@northwind.example" in content) is (kind not in PROGRAM_KINDS)
            assert ("Contoso Furniture" in content) is (kind in KINDS_NAMING_ACCOUNT)

    def test_render_email_names_actor(self, kind: str, language: Language) -> None:
        for content in text_and_html_text(render(kind, language, email_context())):
            assert ("Maria Lindqvist" in content) is (kind not in KINDS_WITHOUT_ACTOR)

    def test_render_email_has_same_sentences_as_text_and_html(self, kind: str, language: Language) -> None:
        for cause in (None, *Cause):
            composed = render(kind, language, email_context(cause=cause))

            page = ParsedEmail(composed.html).words
            text_sentences = [line for line in composed.text.splitlines() if line.endswith((".", "。"))]
            assert len(text_sentences) > 2
            assert all(re.sub(r"^\d\. ", "", each) in page for each in text_sentences)

    def test_render_email_leaves_no_placeholder(self, kind: str, language: Language) -> None:
        for words in (email_context(), EMPTY_CONTEXT, *(email_context(cause=cause) for cause in Cause)):
            composed = render(kind, language, words)
            assert not re.search(r"\$|\{[a-z_]*\}", composed.subject + composed.text)
            assert "$" not in composed.html

    def test_render_email_with_empty_context_leaves_no_gaps(self, kind: str, language: Language) -> None:
        for cause in (None, *Cause):
            composed = render(kind, language, replace(EMPTY_CONTEXT, cause=cause))

            assert composed.subject
            assert not re.search(r"None|“”|「」|\(\)|[:：][ \n]*\n\n|\n{3}| {2}|[:：] *$", composed.text)
            assert not re.search(r"None|“”|「」|\(\)|<(\w+)[^>]*></\1>", composed.html)

    def test_render_email_has_button_and_plain_url(self, kind: str, language: Language) -> None:
        composed = render(kind, language, email_context())
        page = ParsedEmail(composed.html)

        assert [attrs["href"] for tag, attrs in page.elements if tag == "a"] == [ADDRESS]
        assert page.words.count(ADDRESS) == 1
        assert f"\n{ADDRESS}\n" in composed.text
        assert composed.text.count("://") == 1

    def test_render_email_places_button_below_facts_with_label_of_text(self, kind: str, language: Language) -> None:
        composed = render(kind, language, email_context())

        label = re.findall(r"<a [^>]*>([^<]+)</a>", composed.html)
        facts, _, _ = composed.text.partition(f"\n{ADDRESS}\n")
        assert facts.splitlines()[-1] in (f"{label[0]}:", f"{label[0]}：")
        assert "northwind.example" in facts
        assert composed.html.index("</td></tr>") < composed.html.index(f">{label[0]}<") < composed.html.rindex("<h2")

    def test_render_email_starts_with_preview_text(self, kind: str, language: Language) -> None:
        composed = render(kind, language, email_context())

        first = ParsedEmail(composed.html.partition("<body")[2].partition("</div>")[0].partition(">")[2])
        style = dict(first.elements[0][1])["style"]
        assert style
        assert style.startswith("display:none")
        assert re.search("Northwind|Anna", first.words)
        assert f"\n{first.words}\n" in composed.text

    def test_render_email_without_url_has_no_button(self, kind: str, language: Language) -> None:
        composed = render(kind, language, email_context(button_url=""))

        assert "a" not in ParsedEmail(composed.html).names()
        assert "://" not in composed.text + composed.html

    def test_render_email_loads_no_external_content(self, kind: str, language: Language) -> None:
        composed = render(kind, language, email_context())
        page = ParsedEmail(composed.html)

        assert not {"img", "script", "link", "iframe", "form", "input", "object", "video", "svg"} & {*page.names()}
        assert not re.search(r"url\(|@import|@font-face|src=|background=", composed.html)
        assert composed.html.replace(ADDRESS, "").count("://") == 0

    def test_render_email_is_well_formed_html(self, kind: str, language: Language) -> None:
        page = ParsedEmail(render(kind, language, email_context()).html)

        opened = [tag for tag in page.names() if tag not in {"meta", "br"}]
        assert sorted(opened) == sorted(page.ended)

    def test_render_email_supports_small_and_dark_screens(self, kind: str, language: Language) -> None:
        html = render(kind, language, email_context()).html

        assert '<meta name="color-scheme" content="light dark">' in html
        assert "prefers-color-scheme: dark" in html
        assert "max-width:600px" in html

    def test_render_email_ends_with_sender_and_reason(self, kind: str, language: Language) -> None:
        composed = render(kind, language, email_context())

        mark, why = composed.text.rstrip().splitlines()[-2:]
        assert mark == "--"
        assert {"en": "Partner access", "ja": "パートナーアクセス"}[language] in why


@every_language
@pytest.mark.parametrize("kind", KINDS_WITH_RIGHTS)
class TestEmailAboutRights:
    def test_render_email_about_rights_lists_granted_and_denied_permissions(
        self, kind: str, language: Language
    ) -> None:
        words = email_context()

        for content in text_and_html_text(render(kind, language, words)):
            assert all(each in content for each in sentences(words.can, language))
            assert all(each in content for each in sentences(words.cannot, language))

    def test_render_email_about_rights_without_end_states_no_end_date(self, kind: str, language: Language) -> None:
        for content in text_and_html_text(
            render(kind, language, email_context(expires_at=None, requested_end=None, granted_end=None))
        ):
            assert {"en": "No fixed end date", "ja": "期限なし"}[language] in content


@every_language
@pytest.mark.parametrize(
    "kind", ["access_granted", "super_admin_migrated", "member_created", "access_changed", "access_ending"]
)
def test_render_email_about_active_access_states_end(kind: str, language: Language) -> None:
    for content in text_and_html_text(render(kind, language, email_context())):
        assert {"en": "30 November 2026, 23:59 UTC", "ja": "2026年11月30日 23:59（UTC）"}[language] in content


@every_language
@pytest.mark.parametrize(
    ("end", "en", "ja"),
    [
        ({"access_days": 1}, "1 day after you approve", "承認から1日間"),
        ({"access_days": 3}, "3 days after you approve", "承認から3日間"),
        (
            {"access_ends_on": date(2027, 4, 10)},
            "10 April 2027 (end of the day in the client account’s time zone)",
            "2027年4月10日（クライアントアカウントのタイムゾーンでの当日の終わりまで）",
        ),
        ({}, "No fixed end date", "期限なし"),
    ],
)
def test_render_link_email_states_requested_end(language: Language, end: dict[str, Any], en: str, ja: str) -> None:
    composed = render("link_to_approve", language, email_context(requested_end=RequestedEnd(**end)))

    assert {"en": f"\nAccess ends: {en}\n", "ja": f"\nアクセスの期限：{ja}\n"}[language] in composed.text
    for content in text_and_html_text(composed):
        assert {"en": en, "ja": ja}[language] in content
        assert not re.search("November|11月", content)


@every_language
def test_render_access_granted_email_lists_permissions_not_granted(language: Language) -> None:
    heading = {"en": "Asked for, but not given", "ja": "付与されなかったもの"}[language]

    for content in text_and_html_text(render("access_granted", language, email_context())):
        assert heading in content
    for content in text_and_html_text(
        render("access_granted", language, email_context(requested_more=(), granted_end=None))
    ):
        assert heading not in content


@every_language
@pytest.mark.parametrize("requested_more", [(), ("crm.export",)])
@pytest.mark.parametrize(
    ("requested", "given", "en", "ja"),
    [
        (IN_5_DAYS, IN_2_DAYS, "Requested: 5 days; granted: 2 days", "申請：5日間、付与：2日間"),
        (IN_2_DAYS, IN_1_DAY, "Requested: 2 days; granted: 1 day", "申請：2日間、付与：1日間"),
        (NO_END, IN_5_DAYS, "Requested: no fixed end; granted: 5 days", "申請：期限なし、付与：5日間"),
        (None, IN_5_DAYS, "Requested: no fixed end; granted: 5 days", "申請：期限なし、付与：5日間"),
        (IN_5_DAYS, ON_10_APRIL, "Requested: 5 days; granted: 10 April 2027", "申請：5日間、付与：2027年4月10日"),
    ],
)
def test_render_access_granted_email_states_shortened_access(
    language: Language,
    requested_more: tuple[str, ...],
    requested: RequestedEnd | None,
    given: RequestedEnd,
    en: str,
    ja: str,
) -> None:
    heading = {"en": "Asked for, but not given", "ja": "付与されなかったもの"}[language]
    words = email_context(requested_more=requested_more, requested_end=requested, granted_end=given)

    for content in text_and_html_text(render("access_granted", language, words)):
        assert {"en": en, "ja": ja}[language] in content.partition(heading)[2]


@every_language
def test_render_access_granted_email_without_shortening_omits_days(language: Language) -> None:
    for content in text_and_html_text(
        render("access_granted", language, email_context(requested_end=IN_5_DAYS, granted_end=None))
    ):
        assert not re.search("5 days|5日間", content)


@every_language
def test_render_renewal_request_email_states_end_date_only_if_known(language: Language) -> None:
    ended_on = {"en": "Ended on", "ja": "終了日時"}[language]

    for content in text_and_html_text(render("link_renewal_requested", language, email_context())):
        assert ended_on in content
    for content in text_and_html_text(render("link_renewal_requested", language, email_context(link_expires_at=None))):
        assert ended_on not in content


@every_language
@pytest.mark.parametrize("kind", ["access_granted", "super_admin_migrated", "member_created"])
def test_render_email_states_missing_paid_seat(kind: str, language: Language) -> None:
    needed = {"en": "until a paid seat is assigned", "ja": "有料シートが割り当てられるまで"}[language]

    for content in text_and_html_text(render(kind, language, email_context())):
        assert needed in content
    for content in text_and_html_text(render(kind, language, email_context(paid_seat_required=False))):
        assert needed not in content


@every_language
def test_render_link_email_states_deadline_and_that_nothing_happens_by_itself(language: Language) -> None:
    for content in text_and_html_text(render("link_to_approve", language, email_context())):
        assert content.count({"en": "7 August 2026, 15:30 UTC", "ja": "2026年8月7日 15:30（UTC）"}[language]) == 2
        assert {"en": "Nothing happens unless you approve.", "ja": "承認しない限り、何も変わりません。"}[
            language
        ] in content
        assert {"en": "Forwarding this email is harmless", "ja": "転送しても問題はありません"}[language] in content


@every_language
@pytest.mark.parametrize("kind", ["link_declined", "access_suspended", "access_ended"])
def test_render_email_states_reason_if_given(kind: str, language: Language) -> None:
    for content in text_and_html_text(render(kind, language, email_context(reason=None))):
        assert not re.search("Reason given|理由：", content)
    for content in text_and_html_text(render(kind, language, email_context())):
        assert {"en": "“Not this year”", "ja": "「Not this year」"}[language] in content


# changes and end of access


@every_language
@pytest.mark.parametrize(
    ("changes", "gained", "lost"),
    [
        ({}, True, True),
        ({"gained": ()}, False, True),
        ({"lost": ()}, True, False),
        ({"gained": (), "lost": ()}, False, False),
    ],
)
def test_render_access_changed_email_lists_gained_and_lost_permissions(
    language: Language, changes: dict[str, Any], gained: bool, lost: bool
) -> None:
    more = {"en": "in addition, or more widely than before", "ja": "新たにできるようになったこと"}[language]
    less = {"en": "no longer do, or less widely than before", "ja": "できなくなったこと"}[language]

    for content in text_and_html_text(render("access_changed", language, email_context(**changes))):
        above, _, below = content.partition(less) if lost else (content, "", "")
        assert (more in above) is gained
        assert (sentences(["crm.tickets.edit:team"], language)[0] in above.partition(more)[2]) is gained
        assert (less in content) is lost
        assert (sentences(["crm.import"], language)[0] in below) is lost


@every_language
def test_render_access_changed_email_without_end_says_there_is_none(language: Language) -> None:
    for content in text_and_html_text(render("access_changed", language, email_context(expires_at=None))):
        assert {"en": "No fixed end date", "ja": "期限なし"}[language] in content


CAUSES = {
    ("access_suspended", "client"): ("stopped by the client. An admin of the client", "クライアントによって停止"),
    ("access_suspended", "partner"): ("stopped by the partner. A client access manager", "パートナーによって停止"),
    ("access_suspended", "program"): (
        "the partner program of Northwind Agency is suspended",
        "Northwind Agencyのパートナープログラムが停止",
    ),
    ("access_suspended", "employee"): (
        "Anna Berg is deactivated at Northwind Agency",
        "Northwind AgencyにおいてAnna Berg様が無効",
    ),
    ("access_resumed", "client"): ("resumed by the client", "クライアントによって再開"),
    ("access_resumed", "partner"): ("resumed by the partner", "パートナーによって再開"),
    ("access_resumed", "program"): (
        "the partner program of Northwind Agency is no longer suspended",
        "Northwind Agencyのパートナープログラムの停止が解除",
    ),
    ("access_resumed", "employee"): (
        "Anna Berg is no longer deactivated at Northwind Agency",
        "Anna Berg様が無効ではなくなった",
    ),
    ("access_ended", "client"): ("ended by the client.", "クライアントによって終了"),
    ("access_ended", "partner"): ("ended by the partner.", "パートナーによって終了"),
    ("access_ended", "self"): ("ended by the person concerned.", "ご本人様によって終了"),
    ("access_ended", "vendor"): ("ended by the vendor.", "製品の提供元によって終了"),
    ("access_ended", "time"): ("had reached its end date", "期限を迎えたため"),
    ("member_retained", None): ("All access that Anna Berg had for the partner has ended", "アクセスはすべて終了"),
    ("member_retained", "retained_member"): (
        "still an ordinary member of Contoso Furniture",
        "現在もContoso Furnitureの一般メンバーです",
    ),
    ("member_retained", "retained_super_admin"): (
        "still a super admin of Contoso Furniture",
        "現在もContoso Furnitureのスーパー管理者です",
    ),
    ("program_stopped", "program"): (
        "suspended the partner program of Northwind Agency. The seats of its people are kept",
        "Northwind Agencyのパートナープログラムを停止しました。担当者のシートは維持され",
    ),
    ("program_stopped", "terminated"): (
        "terminated the partner program of Northwind Agency. The access of its people has ended for good",
        "Northwind Agencyのパートナープログラムを終了しました。担当者のアクセスは完全に終了",
    ),
}


@every_language
@every_kind
@pytest.mark.parametrize("cause", [None, *Cause])
def test_render_email_states_only_its_own_cause(kind: str, cause: Cause | None, language: Language) -> None:
    words = email_context(cause=cause)
    said = {about: both[language == "ja"] for about, both in CAUSES.items() if about[0] == kind}

    for content in text_and_html_text(render(kind, language, words)):
        assert {about[1] for about, sentence in said.items() if sentence in content} == {
            about[1] for about in said if about[1] == cause
        }


@every_language
@every_kind
def test_render_email_ignores_cause_of_other_kinds(kind: str, language: Language) -> None:
    known = {about[1] for about in CAUSES if about[0] == kind}
    bare = render(kind, language, email_context(cause=Cause.EMPLOYEE if None in known else None))

    for cause in Cause:
        assert (render(kind, language, email_context(cause=cause)) == bare) is (cause not in known)


@every_language
def test_render_email_states_whether_seat_is_kept_and_access_can_resume(language: Language) -> None:
    for content in text_and_html_text(render("access_suspended", language, email_context())):
        assert {"en": "The seat and the permissions are kept.", "ja": "シートと権限は、そのまま維持"}[
            language
        ] in content
        assert {"en": "only the client can resume", "ja": "解除できるのは、クライアントのみ"}[language] in content
    for content in text_and_html_text(render("access_ended", language, email_context())):
        assert {"en": "its seat is free again", "ja": "シートは空きました"}[language] in content
        assert {"en": "does not come back by itself", "ja": "自動的に元に戻ることはありません"}[language] in content


@every_language
@pytest.mark.parametrize("partner", ["Northwind Agency", ""])
def test_render_access_ended_email_mentions_new_link_only_for_partner_members(language: Language, partner: str) -> None:
    for content in text_and_html_text(render("access_ended", language, email_context(partner_name=partner))):
        assert ({"en": "a new access link", "ja": "新しいアクセスリンク"}[language] in content) is bool(partner)


@every_language
@pytest.mark.parametrize(
    ("days", "en", "ja"),
    [
        (30, "ends in 30 days", "あと30日で終了します"),
        (29, "ends in 29 days", "あと29日で終了します"),
        (7, "ends in 7 days", "あと7日で終了します"),
        (2, "ends in 2 days", "あと2日で終了します"),
        (1, "ends in 1 day", "あと1日で終了します"),
        (None, "ends soon", "まもなく終了します"),
    ],
)
def test_render_access_ending_email_states_days_left_and_who_can_extend(
    language: Language, days: int | None, en: str, ja: str
) -> None:
    composed = render("access_ending", language, email_context(days_left=days))

    for content in (composed.subject, ParsedEmail(composed.html).words):
        assert {"en": en, "ja": ja}[language] in content
    for content in text_and_html_text(composed):
        assert {
            "en": "Only an admin of the client account can extend it",
            "ja": "期限を延長できるのは、クライアントアカウントの管理者のみ",
        }[language] in content


@every_language
def test_render_access_ending_email_does_not_claim_that_access_is_active(language: Language) -> None:
    for content in text_and_html_text(render("access_ending", language, email_context())):
        assert {
            "en": "Until then, nothing about it changes.",
            "ja": "それまで、現在のご利用状況に変更はございません。",
        }[language] in content


@every_language
def test_render_account_orphaned_email_refers_to_vendor(language: Language) -> None:
    composed = render("account_orphaned", language, email_context())

    assert {
        "en": "Contoso Furniture has no active super admin any more",
        "ja": "Contoso Furnitureに有効なスーパー管理者がいなくなりました",
    }[language] in composed.subject
    for content in text_and_html_text(composed):
        assert {"en": "ask the vendor to name", "ja": "製品の提供元に設定をご依頼ください"}[language] in content
        assert {"en": "Only the vendor can do this.", "ja": "設定できるのは、製品の提供元のみです。"}[
            language
        ] in content


@every_language
@pytest.mark.parametrize("kind", PROGRAM_KINDS)
def test_render_program_email_names_no_employee(kind: str, language: Language) -> None:
    composed = render(kind, language, email_context(employee_name="", employee_email="", actor_name=None))

    assert composed == render(kind, language, email_context())
    assert "Northwind Agency" in composed.subject
    assert "Contoso Furniture" in composed.subject


@pytest.mark.parametrize(
    ("zone", "en", "ja"),
    [
        ("UTC", "31 March 2027, 21:59 UTC", "2027年3月31日 21:59（UTC）"),
        ("Europe/Berlin", "31 March 2027, 23:59 (Europe/Berlin, UTC+2)", "2027年3月31日 23:59（Europe/Berlin、UTC+2）"),
        ("Europe/London", "31 March 2027, 22:59 (Europe/London, UTC+1)", "2027年3月31日 22:59（Europe/London、UTC+1）"),
        ("America/New_York", "31 March 2027, 17:59 (America/New_York, UTC-4)", "17:59（America/New_York、UTC-4）"),
        ("Asia/Tokyo", "1 April 2027, 06:59 (Asia/Tokyo, UTC+9)", "2027年4月1日 06:59（Asia/Tokyo、UTC+9）"),
        (
            "Asia/Kolkata",
            "1 April 2027, 03:29 (Asia/Kolkata, UTC+5:30)",
            "2027年4月1日 03:29（Asia/Kolkata、UTC+5:30）",
        ),
    ],
)
def test_render_email_states_last_minute_of_access_in_zone_of_reader(zone: str, en: str, ja: str) -> None:
    # domain.md rule 40
    words = email_context(expires_at=datetime(2027, 3, 31, 22, tzinfo=UTC), zone=ZoneInfo(zone))

    for content in text_and_html_text(render("member_created", "en", words)):
        assert en in content
    for content in text_and_html_text(render("member_created", "ja", words)):
        assert ja in content


def test_render_link_email_states_its_expiry_in_zone_of_reader() -> None:
    words = email_context(zone=ZoneInfo("Europe/Berlin"))

    assert "7 August 2026, 17:30 (Europe/Berlin, UTC+2)" in render("link_to_approve", "en", words).text


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ja", "ja"), ("ja-JP", "ja"), ("JA_jp", "ja"), ("en-GB", "en"), ("fr", "en"), ("", "en"), ("../ja", "en")],
)
def test_render_email_in_unsupported_locale_falls_back_to_english(locale: str, language: Language) -> None:
    assert render("link_expired", locale, email_context()) == render("link_expired", language, email_context())


@pytest.mark.parametrize("kind", ["", "welcome", "../emails/member_created", "link_expired/en"])
def test_render_email_of_unknown_kind_raises(kind: str) -> None:
    with pytest.raises(ValueError, match="no email"):
        render(kind, "en", email_context())


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "//evil.example",
        "https://a.example/ b",
        "https://a.example/\r\nb",
        'https://a"b',
        "https://<b>",
    ],
)
def test_render_email_with_url_that_is_not_http_raises(address: str) -> None:
    with pytest.raises(ValueError, match="web address"):
        render("link_to_approve", "en", email_context(button_url=address))


def test_render_email_with_query_in_url_keeps_it_unchanged() -> None:
    address = "https://access.example.com/links?a=1&b=%3C"
    composed = render("link_expired", "en", email_context(button_url=address))

    assert address in composed.text
    assert [attrs["href"] for tag, attrs in ParsedEmail(composed.html).elements if tag == "a"] == [address]


USER_TEXT_FIELDS = (
    "partner_name",
    "partner_domains",
    "employee_name",
    "employee_email",
    "account_name",
    "actor_name",
    "can",
    "cannot",
    "requested_but_removed",
    "gained",
    "lost",
    "purpose",
    "reason",
)
HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "an attribute": '" onmouseover="alert(1)" x=\'',
    "a link": '<a href="https://evil.example">Approve</a>',
    "a bare link": "https://evil.example/login HTTPS://evil.example",
    "a hidden scheme": "ht\u200btps:\u200b/\u200b/evil.example",
    "a wide scheme": "https：／／evil.example",
    "a header": "Anna\r\nBcc: victim@example.com\r\n\r\nA new body",
    "every line break": "a\nb\rc\x0bd\x0ce\x1cf\x1dg\x1eh\x85i\u2028j\u2029k",
    "control characters": "An\x00na\x07\x1b[31m\x7f\x9bBerg",
    "reversed text": "Anna \u202egreB\u202c \u2066x\u2069 \u200f\u200e\u061c",
    "hidden text": "An\u200bn\u200da\ufeff\u00ad\u2060\u3164\U000e0041",
    "half a character": "Anna \ud800 Berg",
    "templates": "$address ${can} $$ {partner} {0} %s %(x)s {{7*7}} \\1 \\g<0>",
    "bare tags": "<p><li><td>",
    "a comment": "--> <!-- ]]> &amp; &#60;",
    "too much": "A" * 5000,
    "too much to break": "W. " * 2000,
}


@every_kind
@every_language
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_render_email_with_hostile_text_escapes_it(kind: str, language: Language, hostile: str) -> None:
    written = {
        field.name: (hostile,) if "tuple" in str(field.type) else hostile
        for field in fields(EmailContext)
        if field.name in USER_TEXT_FIELDS
    }
    plain = {name: ("x",) if isinstance(value, tuple) else "x" for name, value in written.items()}
    composed = render(kind, language, email_context(**written))
    harmless = render(kind, language, email_context(**plain))

    page, expected = ParsedEmail(composed.html), ParsedEmail(harmless.html)
    assert page.elements == expected.elements
    assert page.ended == expected.ended
    assert len(composed.text.splitlines()) == len(harmless.text.splitlines())
    assert len(composed.subject.splitlines()) == 1
    assert len(composed.subject) <= rendering.MAX_SUBJECT_LENGTH
    for content in (composed.subject, *text_and_html_text(composed)):
        assert not re.search(
            "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u3164]", content
        )
        assert not re.search(r"(?i)(https?[:：][/／]{2})", content.replace(ADDRESS, ""))
        assert content.encode()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  Anna \t\n Berg ", "Anna Berg"),
        ("Anna <b>", "Anna <b>"),
        ("Booking.example Ltd.", "Booking[.]example Ltd."),
        ("login-here.example", "login-here[.]example"),
        ("login-here．example", "login-here[．]example"),
        ("login-here․example", "login-here[․]example"),
        ("login-here。example", "login-here[。]example"),
        ("login-here｡ｅｘａｍｐｌｅ", "login-here[｡]ｅｘａｍｐｌｅ"),
        ("例え.テスト", "例え[.]テスト"),
        ("www．evil", "www[．]evil"),
        ("山田。よろしく", "山田。よろしく"),
        ("J. R. Smith, Jr.", "J. R. Smith, Jr."),
        ("Release 2.1", "Release 2.1"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("evil.example/login", "evil[.]example/login"),
        ("mailto:a@evil.example", "mailto[:]a@evil[.]example"),
        ("https://evil.example", "https[:]//evil[.]example"),
        ("山田 太郎", "山田 太郎"),
        ("Zoë O’Neill-Ång", "Zoë O’Neill-Ång"),
        ("A" * 121, "A" * 119 + "…"),
        ("A" * 120, "A" * 120),
    ],
)
def test_render_email_keeps_name_but_defuses_urls(raw: str, shown: str) -> None:
    assert f"\nDeclined by: {shown}\n" in render("link_declined", "en", email_context(actor_name=raw)).text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Sign in at evil.example/login", "Sign in at evil[.]example/login"),
        ("見て evil．example／login", "見て evil[．]example／login"),
        ("Version 2.1, e.g. for us. Thanks.", "Version 2.1, e.g. for us. Thanks."),
        ("A" * 501, "A" * 499 + "…"),
    ],
)
def test_render_email_keeps_reason_but_defuses_urls(raw: str, shown: str) -> None:
    assert f"“{shown}”" in render("link_declined", "en", email_context(reason=raw)).text


@every_language
@every_kind
def test_render_email_shows_no_name_as_link(kind: str, language: Language) -> None:
    names = ("partner_name", "account_name", "employee_name", "actor_name", "purpose", "reason")
    composed = render(kind, language, email_context(**{name: f"{name.replace('_', '-')}.example" for name in names}))

    for content in (composed.subject, *text_and_html_text(composed)):
        assert not re.search(r"(name|purpose|reason)\.example", content)


def test_render_email_with_long_names_shortens_each_in_subject() -> None:
    words = email_context(partner_name="P" * 120, employee_name="E" * 120, account_name="A" * 120)

    subject = render("access_granted", "en", words).subject
    assert all(character * 35 + "…" in subject for character in "PEA")


@pytest.mark.parametrize(
    ("name", "email", "shown"),
    [("Anna", "a@x.example", "Anna"), (" ", "a@x.example", "a@x.example"), ("\u3164", "", "Unnamed user")],
)
def test_render_email_without_name_uses_email_address(name: str, email: str, shown: str) -> None:
    composed = render("member_created", "en", email_context(employee_name=name, employee_email=email, partner_name=""))

    assert composed.subject == f"{shown} now has access to Contoso Furniture"


def test_render_email_with_many_domains_lists_five_and_counts_the_rest() -> None:
    words = email_context(partner_domains=("", *(f"d{number}.example" for number in range(7))))

    assert "d3.example, d4.example, and 2 more\n" in render("link_expired", "en", words).text
    assert "d3.example、d4.example、ほか2件\n" in render("link_expired", "ja", words).text


class TestPermissionTexts:
    def test_permission_texts_cover_the_whole_catalogue(self) -> None:
        known = {name for group in ORDINARY_GROUPS for name in group.permissions} | {*SINGLE_PERMISSION_TEXTS}

        assert known == catalogue.CATALOGUE

    def test_permission_texts_describe_partner_admin_in_nine_sentences(self) -> None:
        assert len(sentences(PARTNER_ADMIN, "en")) == len(sentences(PARTNER_ADMIN, "ja")) == len(ORDINARY_GROUPS) == 9

    @pytest.mark.parametrize("permission", sorted(catalogue.CATALOGUE))
    @every_language
    def test_permission_texts_change_when_a_permission_is_removed(self, permission: str, language: Language) -> None:
        [removed] = sentences([permission], language)

        assert permission not in removed
        assert sentences(catalogue.CATALOGUE, language) != sentences(catalogue.CATALOGUE - {permission}, language)

    @pytest.mark.parametrize("permission", sorted(catalogue.RESTRICTED))
    def test_permission_texts_have_own_sentence_for_restricted_permission(self, permission: str) -> None:
        assert len(sentences(PARTNER_ADMIN | {permission}, "en")) == len(ORDINARY_GROUPS) + 1

    @pytest.mark.parametrize(
        ("permissions", "en", "ja"),
        [
            ([], (), ()),
            (["crm.deals.view"], ("View deals",), ("取引の閲覧",)),
            (
                ["crm.tickets.edit", "crm.deals.edit", "crm.deals.view", "crm.tickets.view", "crm.invoices.view"],
                ("View and edit deals and tickets; view customer invoices",),
                ("取引・チケットの閲覧・編集、顧客への請求書の閲覧",),
            ),
            (
                ["crm.deals.view:all", "crm.deals.edit:team", "crm.deals.delete:owned"],
                ("View deals", "Edit deals (only those of the team)", "Delete deals (only their own)"),
                ("取引の閲覧", "取引の編集（チームの担当分のみ）", "取引の削除（本人の担当分のみ）"),
            ),
            (["crm.tasks"], ("View, edit and delete tasks",), ("タスクの閲覧・編集・削除",)),
            (
                ["crm.robots.view", "crm.deals.view:moon"],
                ("Use the permission “crm.robots.view”", "Use the permission “crm.deals.view:moon”"),
                ("「crm.robots.view」の権限の利用", "「crm.deals.view:moon」の権限の利用"),
            ),
            (["account.billing"], ("Use the permission “account.billing”",), ("「account.billing」の権限の利用",)),
        ],
    )
    def test_permission_texts_group_permissions_into_sentences(
        self, permissions: list[str], en: tuple[str, ...], ja: tuple[str, ...]
    ) -> None:
        assert sentences(permissions, "en") == en
        assert sentences(permissions, "ja") == ja
