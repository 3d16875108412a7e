"""The letters: what they say, in both languages, and what nobody can make them say."""

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from typing_extensions import override  # typing has it from 3.12 on

from partner_access.domain.notifications import Cause
from partner_access.domain.permissions import catalogue
from partner_access.emails import rendering
from partner_access.emails.permission_texts import ORDINARY, SINGULAR, Language, sentences
from partner_access.emails.rendering import Composed, Words, compose

ADDRESS = "https://access.example.com/approve#pal_LINK.SECRET_CRC"
PARTNER_ADMIN = frozenset(catalogue.SETS["partner_admin"][-1])
RIGHTS_ARE_TOLD = ("link_to_approve", "access_granted", "super_admin_migrated", "member_created")
ABOUT_A_PARTNER = ("program_stopped", "program_resumed")
OF_NOBODYS_DOING = ("link_expired", "access_ending", *ABOUT_A_PARTNER)

every_letter = pytest.mark.parametrize("letter", rendering.LETTERS)
every_language = pytest.mark.parametrize("language", rendering.LANGUAGES)


def the_words(**changes: Any) -> Words:
    return replace(
        Words(
            partner_name="Northwind Agency",
            partner_domains=("northwind.example",),
            employee_name="Anna Berg",
            employee_email="anna.berg@northwind.example",
            account_name="Contoso Furniture",
            actor_name="Maria Lindqvist",
            can=tuple(PARTNER_ADMIN - {"crm.export"}),
            cannot=(*catalogue.RESTRICTED, "crm.export"),
            asked_more=("crm.export",),
            gained=("crm.tickets.edit:team",),
            lost=("crm.import",),
            asked_days=5,
            given_days=2,
            days_left=7,
            until=datetime(2026, 11, 30, 9, tzinfo=UTC),
            link_until=datetime(2026, 8, 7, 15, 30, tzinfo=UTC),
            purpose="The autumn campaign",
            reason="Not this year",
            cause=None,
            address=ADDRESS,
            paid_seat_required=True,
        ),
        **changes,
    )


THE_LEAST = Words(
    partner_name="",
    partner_domains=(),
    employee_name="",
    employee_email="",
    account_name=None,
    actor_name=None,
    can=(),
    cannot=(),
    asked_more=(),
    gained=(),
    lost=(),
    asked_days=None,
    given_days=None,
    days_left=None,
    until=None,
    link_until=None,
    purpose=None,
    reason=None,
    cause=None,
    address="",
    paid_seat_required=False,
)


class Page(HTMLParser):
    """What a mail program makes of a letter: its elements, and the words between them."""

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


def everything(composed: Composed) -> tuple[str, str]:
    return composed.text, Page(composed.html).words


@every_letter
@every_language
class TestEveryLetter:
    def test_has_a_subject_a_text_and_a_page_in_the_language(self, letter: str, language: Language) -> None:
        composed = compose(letter, language, the_words())

        assert composed.subject
        assert len(composed.subject) <= rendering.LONGEST_SUBJECT
        assert len(composed.text) > 300
        assert f'<html lang="{language}">' in composed.html
        assert bool(re.search("[ぁ-ん]", composed.subject + composed.text)) is (language == "ja")
        assert bool(re.search("[ぁ-ん]", composed.html)) is (language == "ja")

    def test_names_the_partner_its_domain_and_the_employee(self, letter: str, language: Language) -> None:
        composed = compose(letter, language, the_words())

        for told in everything(composed):
            assert "Northwind Agency" in told
            assert "northwind.example" in told
            assert ("Anna Berg" in told) is (letter not in ABOUT_A_PARTNER)
            assert ("anna.berg@northwind.example" in told) is (letter not in ABOUT_A_PARTNER)
            assert "Contoso Furniture" in told

    def test_says_who_acted(self, letter: str, language: Language) -> None:
        for told in everything(compose(letter, language, the_words())):
            assert ("Maria Lindqvist" in told) is (letter not in OF_NOBODYS_DOING)

    def test_says_the_same_as_text_and_as_a_page(self, letter: str, language: Language) -> None:
        for cause in (None, *Cause):
            composed = compose(letter, language, the_words(cause=cause))

            page = Page(composed.html).words
            sentences_told = [line for line in composed.text.splitlines() if line.endswith((".", "。"))]
            assert len(sentences_told) > 2
            assert all(re.sub(r"^\d\. ", "", each) in page for each in sentences_told)

    def test_leaves_no_placeholder_unfilled(self, letter: str, language: Language) -> None:
        for words in (the_words(), THE_LEAST, *(the_words(cause=cause) for cause in Cause)):
            composed = compose(letter, language, words)
            assert not re.search(r"\$|\{[a-z_]*\}", composed.subject + composed.text)
            assert "$" not in composed.html

    def test_leaves_no_hole_where_nothing_is_known(self, letter: str, language: Language) -> None:
        for cause in (None, *Cause):
            composed = compose(letter, language, replace(THE_LEAST, cause=cause))

            assert composed.subject
            assert not re.search(r"None|“”|「」|\(\)|[:：][ \n]*\n\n|\n{3}| {2}|[:：] *$", composed.text)
            assert not re.search(r"None|“”|「」|\(\)|<(\w+)[^>]*></\1>", composed.html)

    def test_has_a_button_with_the_plain_address_below_it(self, letter: str, language: Language) -> None:
        composed = compose(letter, language, the_words())
        page = Page(composed.html)

        assert [attrs["href"] for tag, attrs in page.elements if tag == "a"] == [ADDRESS]
        assert page.words.count(ADDRESS) == 1
        assert f"\n{ADDRESS}\n" in composed.text
        assert composed.text.count("://") == 1

    def test_shows_the_button_below_the_facts_by_the_same_words_as_the_text(
        self, letter: str, language: Language
    ) -> None:
        composed = compose(letter, language, the_words())

        label = re.findall(r"<a [^>]*>([^<]+)</a>", composed.html)
        facts, _, _ = composed.text.partition(f"\n{ADDRESS}\n")
        assert facts.splitlines()[-1] in (f"{label[0]}:", f"{label[0]}：")
        assert "northwind.example" in facts
        assert composed.html.index("</td></tr>") < composed.html.index(f">{label[0]}<") < composed.html.rindex("<h2")

    def test_shows_in_the_list_of_an_inbox_what_it_is_about(self, letter: str, language: Language) -> None:
        composed = compose(letter, language, the_words())

        first = Page(composed.html.partition("<body")[2].partition("</div>")[0].partition(">")[2])
        style = dict(first.elements[0][1])["style"]
        assert style
        assert style.startswith("display:none")
        assert re.search("Northwind|Anna", first.words)
        assert f"\n{first.words}\n" in composed.text

    def test_has_no_button_without_an_address(self, letter: str, language: Language) -> None:
        composed = compose(letter, language, the_words(address=""))

        assert "a" not in Page(composed.html).names()
        assert "://" not in composed.text + composed.html

    def test_loads_nothing_and_reports_nothing(self, letter: str, language: Language) -> None:
        composed = compose(letter, language, the_words())
        page = Page(composed.html)

        assert not {"img", "script", "link", "iframe", "form", "input", "object", "video", "svg"} & {*page.names()}
        assert not re.search(r"url\(|@import|@font-face|src=|background=", composed.html)
        assert composed.html.replace(ADDRESS, "").count("://") == 0

    def test_is_well_formed(self, letter: str, language: Language) -> None:
        page = Page(compose(letter, language, the_words()).html)

        opened = [tag for tag in page.names() if tag not in {"meta", "br"}]
        assert sorted(opened) == sorted(page.ended)

    def test_suits_small_screens_and_dark_ones(self, letter: str, language: Language) -> None:
        html = compose(letter, language, the_words()).html

        assert '<meta name="color-scheme" content="light dark">' in html
        assert "prefers-color-scheme: dark" in html
        assert "max-width:600px" in html

    def test_ends_with_who_sent_it_and_why(self, letter: str, language: Language) -> None:
        composed = compose(letter, language, the_words())

        mark, why = composed.text.rstrip().splitlines()[-2:]
        assert mark == "--"
        assert rendering.PHRASES[language]["product"] in why


@every_language
@pytest.mark.parametrize("letter", RIGHTS_ARE_TOLD)
class TestALetterOnRights:
    def test_tells_what_may_and_may_not_be_done(self, letter: str, language: Language) -> None:
        words = the_words()

        for told in everything(compose(letter, language, words)):
            assert all(each in told for each in sentences(words.can, language))
            assert all(each in told for each in sentences(words.cannot, language))

    def test_tells_that_it_has_no_end(self, letter: str, language: Language) -> None:
        for told in everything(compose(letter, language, the_words(until=None, asked_days=None, given_days=None))):
            assert {"en": "No fixed end date", "ja": "期限なし"}[language] in told


@every_language
@pytest.mark.parametrize(
    "letter", ["access_granted", "super_admin_migrated", "member_created", "access_changed", "access_ending"]
)
def test_access_that_is_in_force_tells_when_it_ends(letter: str, language: Language) -> None:
    for told in everything(compose(letter, language, the_words())):
        assert {"en": "30 November 2026, 09:00 UTC", "ja": "2026年11月30日 09:00（UTC）"}[language] in told


@every_language
@pytest.mark.parametrize(
    ("days", "en", "ja"),
    [
        (1, "1 day after you approve", "承認から1日間"),
        (3, "3 days after you approve", "承認から3日間"),
        (None, "No fixed end date", "期限なし"),
    ],
)
def test_a_request_counts_the_days_of_access_from_its_approval(
    language: Language, days: int | None, en: str, ja: str
) -> None:
    composed = compose("link_to_approve", language, the_words(asked_days=days))

    assert {"en": f"\nAccess ends: {en}\n", "ja": f"\nアクセスの期限：{ja}\n"}[language] in composed.text
    for told in everything(composed):
        assert {"en": en, "ja": ja}[language] in told
        assert not re.search("November|11月", told)


@every_language
def test_the_difference_between_asked_and_given_is_told(language: Language) -> None:
    heading = {"en": "Asked for, but not given", "ja": "付与されなかったもの"}[language]

    for told in everything(compose("access_granted", language, the_words())):
        assert heading in told
    for told in everything(compose("access_granted", language, the_words(asked_more=(), given_days=None))):
        assert heading not in told


@every_language
@pytest.mark.parametrize("asked_more", [(), ("crm.export",)])
@pytest.mark.parametrize(
    ("asked", "given", "en", "ja"),
    [
        (5, 2, "Asked for: 5 days; given: 2 days", "申請：5日間、付与：2日間"),
        (2, 1, "Asked for: 2 days; given: 1 day", "申請：2日間、付与：1日間"),
        (None, 60, "Asked for: no fixed end; given: 60 days", "申請：期限なし、付与：60日間"),
    ],
)
def test_a_time_that_was_shortened_is_told_with_what_was_not_given(
    language: Language, asked_more: tuple[str, ...], asked: int | None, given: int, en: str, ja: str
) -> None:
    heading = {"en": "Asked for, but not given", "ja": "付与されなかったもの"}[language]
    words = the_words(asked_more=asked_more, asked_days=asked, given_days=given)

    for told in everything(compose("access_granted", language, words)):
        assert {"en": en, "ja": ja}[language] in told.partition(heading)[2]


@every_language
def test_a_time_that_was_given_as_it_was_asked_is_not_told_twice(language: Language) -> None:
    for told in everything(compose("access_granted", language, the_words(asked_days=5, given_days=None))):
        assert not re.search("5 days|5日間", told)


@every_language
def test_a_link_that_did_not_end_by_time_has_no_such_date(language: Language) -> None:
    ended_on = {"en": "Ended on", "ja": "終了日時"}[language]

    for told in everything(compose("link_renewal_requested", language, the_words())):
        assert ended_on in told
    for told in everything(compose("link_renewal_requested", language, the_words(link_until=None))):
        assert ended_on not in told


@every_language
@pytest.mark.parametrize("letter", ["access_granted", "super_admin_migrated", "member_created"])
def test_a_missing_paid_seat_is_told(letter: str, language: Language) -> None:
    needed = {"en": "until a paid seat is assigned", "ja": "有料シートが割り当てられるまで"}[language]

    for told in everything(compose(letter, language, the_words())):
        assert needed in told
    for told in everything(compose(letter, language, the_words(paid_seat_required=False))):
        assert needed not in told


@every_language
def test_a_request_says_until_when_it_can_be_approved_and_that_nothing_happens_by_itself(language: Language) -> None:
    for told in everything(compose("link_to_approve", language, the_words())):
        assert told.count({"en": "7 August 2026, 15:30 UTC", "ja": "2026年8月7日 15:30（UTC）"}[language]) == 2
        assert {"en": "Nothing happens unless you approve.", "ja": "承認しない限り、何も変わりません。"}[
            language
        ] in told
        assert {"en": "Forwarding this letter is harmless", "ja": "転送しても問題はありません"}[language] in told


@every_language
@pytest.mark.parametrize("letter", ["link_declined", "access_suspended", "access_ended"])
def test_whoever_says_no_gives_the_reason(letter: str, language: Language) -> None:
    for told in everything(compose(letter, language, the_words(reason=None))):
        assert not re.search("Reason given|理由：", told)
    for told in everything(compose(letter, language, the_words())):
        assert {"en": "“Not this year”", "ja": "「Not this year」"}[language] in told


# access after it was given


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
def test_a_change_tells_what_was_gained_and_what_was_lost(
    language: Language, changes: dict[str, Any], gained: bool, lost: bool
) -> None:
    more = {"en": "in addition, or more widely than before", "ja": "新たにできるようになったこと"}[language]
    less = {"en": "no longer do, or less widely than before", "ja": "できなくなったこと"}[language]

    for told in everything(compose("access_changed", language, the_words(**changes))):
        above, _, below = told.partition(less) if lost else (told, "", "")
        assert (more in above) is gained
        assert (sentences(["crm.tickets.edit:team"], language)[0] in above.partition(more)[2]) is gained
        assert (less in told) is lost
        assert (sentences(["crm.import"], language)[0] in below) is lost


@every_language
def test_access_whose_end_was_taken_away_has_none(language: Language) -> None:
    for told in everything(compose("access_changed", language, the_words(until=None))):
        assert {"en": "No fixed end date", "ja": "期限なし"}[language] in told


CAUSES = {
    ("access_suspended", "client"): ("stopped by the client. An admin of the client", "クライアントによって停止"),
    ("access_suspended", "partner"): ("stopped by the partner. Whoever manages", "パートナーによって停止"),
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
@every_letter
@pytest.mark.parametrize("cause", [None, *Cause])
def test_a_letter_tells_its_own_cause_and_no_other(letter: str, cause: Cause | None, language: Language) -> None:
    words = the_words(cause=cause)
    said = {about: both[language == "ja"] for about, both in CAUSES.items() if about[0] == letter}

    for told in everything(compose(letter, language, words)):
        assert {about[1] for about, sentence in said.items() if sentence in told} == {
            about[1] for about in said if about[1] == cause
        }


@every_language
@every_letter
def test_a_cause_that_a_letter_does_not_know_is_not_told(letter: str, language: Language) -> None:
    known = {about[1] for about in CAUSES if about[0] == letter}
    bare = compose(letter, language, the_words(cause=Cause.EMPLOYEE if None in known else None))

    for cause in Cause:
        assert (compose(letter, language, the_words(cause=cause)) == bare) is (cause not in known)


@every_language
def test_what_was_stopped_keeps_its_seat_and_what_ended_does_not_come_back(language: Language) -> None:
    for told in everything(compose("access_suspended", language, the_words())):
        assert {"en": "The seat and the permissions are kept.", "ja": "シートと権限は、そのまま維持"}[language] in told
        assert {"en": "only the client can resume", "ja": "解除できるのは、クライアントのみ"}[language] in told
    for told in everything(compose("access_ended", language, the_words())):
        assert {"en": "its seat is free again", "ja": "シートは空きました"}[language] in told
        assert {"en": "does not come back by itself", "ja": "自動的に元に戻ることはありません"}[language] in told


@every_language
@pytest.mark.parametrize("partner", ["Northwind Agency", ""])
def test_only_people_of_a_partner_need_a_new_link_to_get_in_again(language: Language, partner: str) -> None:
    for told in everything(compose("access_ended", language, the_words(partner_name=partner))):
        assert ({"en": "a new access link", "ja": "新しいアクセスリンク"}[language] in told) is bool(partner)


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
def test_a_warning_counts_the_days_and_says_who_can_extend(
    language: Language, days: int | None, en: str, ja: str
) -> None:
    composed = compose("access_ending", language, the_words(days_left=days))

    for told in (composed.subject, Page(composed.html).words):
        assert {"en": en, "ja": ja}[language] in told
    for told in everything(composed):
        assert {
            "en": "Only an admin of the client account can extend it",
            "ja": "期限を延長できるのは、クライアントアカウントの管理者のみ",
        }[language] in told


@every_language
def test_a_warning_does_not_say_that_access_works_for_it_may_be_suspended(language: Language) -> None:
    for told in everything(compose("access_ending", language, the_words())):
        assert {
            "en": "Until then, nothing about it changes.",
            "ja": "それまで、現在のご利用状況に変更はございません。",
        }[language] in told


@every_language
def test_an_account_without_a_super_admin_is_told_to_ask_the_vendor(language: Language) -> None:
    composed = compose("account_orphaned", language, the_words())

    assert {
        "en": "Contoso Furniture has no active super admin any more",
        "ja": "Contoso Furnitureに有効なスーパー管理者がいなくなりました",
    }[language] in composed.subject
    for told in everything(composed):
        assert {"en": "ask the vendor to name", "ja": "製品の提供元に設定をご依頼ください"}[language] in told
        assert {"en": "Only the vendor can do this.", "ja": "設定できるのは、製品の提供元のみです。"}[language] in told


@every_language
@pytest.mark.parametrize("letter", ABOUT_A_PARTNER)
def test_what_happens_to_a_program_is_told_of_the_partner_and_of_no_person(letter: str, language: Language) -> None:
    composed = compose(letter, language, the_words(employee_name="", employee_email="", actor_name=None))

    assert composed == compose(letter, language, the_words())
    assert "Northwind Agency" in composed.subject
    assert "Contoso Furniture" in composed.subject


def test_a_moment_elsewhere_is_told_in_utc() -> None:
    tokyo = datetime(2027, 1, 1, 8, 5, tzinfo=timezone(timedelta(hours=9)))

    assert "31 December 2026, 23:05 UTC" in compose("member_created", "en", the_words(until=tokyo)).text


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ja", "ja"), ("ja-JP", "ja"), ("JA_jp", "ja"), ("en-GB", "en"), ("fr", "en"), ("", "en"), ("../ja", "en")],
)
def test_a_reader_of_another_language_gets_the_letter_in_english(locale: str, language: Language) -> None:
    assert compose("link_expired", locale, the_words()) == compose("link_expired", language, the_words())


@pytest.mark.parametrize("letter", ["", "welcome", "../letters/member_created", "link_expired/en"])
def test_a_letter_that_does_not_exist_cannot_be_written(letter: str) -> None:
    with pytest.raises(ValueError, match="no letter"):
        compose(letter, "en", the_words())


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
def test_a_button_leads_to_nothing_but_a_web_address(address: str) -> None:
    with pytest.raises(ValueError, match="web address"):
        compose("link_to_approve", "en", the_words(address=address))


def test_an_address_with_a_query_reaches_the_reader_untouched() -> None:
    address = "https://access.example.com/links?a=1&b=%3C"
    composed = compose("link_expired", "en", the_words(address=address))

    assert address in composed.text
    assert [attrs["href"] for tag, attrs in Page(composed.html).elements if tag == "a"] == [address]


WRITTEN_BY_PEOPLE = (
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


@every_letter
@every_language
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_nobody_writes_more_than_words(letter: str, language: Language, hostile: str) -> None:
    written = {
        field.name: (hostile,) if "tuple" in str(field.type) else hostile
        for field in fields(Words)
        if field.name in WRITTEN_BY_PEOPLE
    }
    plain = {name: ("x",) if isinstance(value, tuple) else "x" for name, value in written.items()}
    composed = compose(letter, language, the_words(**written))
    harmless = compose(letter, language, the_words(**plain))

    page, expected = Page(composed.html), Page(harmless.html)
    assert page.elements == expected.elements
    assert page.ended == expected.ended
    assert len(composed.text.splitlines()) == len(harmless.text.splitlines())
    assert len(composed.subject.splitlines()) == 1
    assert len(composed.subject) <= rendering.LONGEST_SUBJECT
    for told in (composed.subject, *everything(composed)):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u3164]", told)
        assert not re.search(r"(?i)(https?[:：][/／]{2})", told.replace(ADDRESS, ""))
        assert told.encode()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  Anna \t\n Berg ", "Anna Berg"),
        ("Anna <b>", "Anna <b>"),
        ("Booking.example Ltd.", "Booking.example Ltd."),
        ("www.evil.example", "www[.]evil.example"),
        ("evil.example/login", "evil[.]example/login"),
        ("mailto:a@evil.example", "mailto[:]a@evil.example"),
        ("https://evil.example", "https[:]//evil.example"),
        ("山田 太郎", "山田 太郎"),
        ("Zoë O’Neill-Ång", "Zoë O’Neill-Ång"),
        ("A" * 121, "A" * 119 + "…"),
        ("A" * 120, "A" * 120),
    ],
)
def test_a_name_is_shown_as_it_is_but_for_what_deceives(raw: str, shown: str) -> None:
    assert f"\nDeclined by: {shown}\n" in compose("link_declined", "en", the_words(actor_name=raw)).text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Sign in at evil.example/login", "Sign in at evil[.]example/login"),
        ("Version 2.1, e.g. for us. Thanks.", "Version 2.1, e.g. for us. Thanks."),
        ("A" * 501, "A" * 499 + "…"),
    ],
)
def test_a_remark_points_nowhere(raw: str, shown: str) -> None:
    assert f"“{shown}”" in compose("link_declined", "en", the_words(reason=raw)).text


def test_long_names_leave_room_in_the_subject() -> None:
    words = the_words(partner_name="P" * 120, employee_name="E" * 120, account_name="A" * 120)

    subject = compose("access_granted", "en", words).subject
    assert all(letter * 35 + "…" in subject for letter in "PEA")


@pytest.mark.parametrize(
    ("name", "email", "shown"),
    [("Anna", "a@x.example", "Anna"), (" ", "a@x.example", "a@x.example"), ("\u3164", "", "Unnamed user")],
)
def test_whoever_has_no_name_is_called_by_the_address(name: str, email: str, shown: str) -> None:
    composed = compose("member_created", "en", the_words(employee_name=name, employee_email=email, partner_name=""))

    assert composed.subject == f"{shown} now has access to Contoso Furniture"


def test_of_many_domains_the_first_are_named_and_the_rest_counted() -> None:
    words = the_words(partner_domains=("", *(f"d{number}.example" for number in range(7))))

    assert "d3.example, d4.example, and 2 more\n" in compose("link_expired", "en", words).text
    assert "d3.example、d4.example、ほか2件\n" in compose("link_expired", "ja", words).text


class TestPlainWords:
    def test_every_permission_of_the_catalogue_has_its_words(self) -> None:
        known = {name for group in ORDINARY for name in group.permissions} | {*SINGULAR}

        assert known == catalogue.CATALOGUE

    def test_a_partner_admin_is_told_in_a_few_sentences(self) -> None:
        assert len(sentences(PARTNER_ADMIN, "en")) == len(sentences(PARTNER_ADMIN, "ja")) == len(ORDINARY) == 9

    @pytest.mark.parametrize("permission", sorted(catalogue.CATALOGUE))
    @every_language
    def test_a_removed_permission_shows(self, permission: str, language: Language) -> None:
        [removed] = sentences([permission], language)

        assert permission not in removed
        assert sentences(catalogue.CATALOGUE, language) != sentences(catalogue.CATALOGUE - {permission}, language)

    @pytest.mark.parametrize("permission", sorted(catalogue.RESTRICTED))
    def test_each_restricted_permission_has_a_sentence_of_its_own(self, permission: str) -> None:
        assert len(sentences(PARTNER_ADMIN | {permission}, "en")) == len(ORDINARY) + 1

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
    def test_permissions_are_told_as_people_say_them(
        self, permissions: list[str], en: tuple[str, ...], ja: tuple[str, ...]
    ) -> None:
        assert sentences(permissions, "en") == en
        assert sentences(permissions, "ja") == ja
