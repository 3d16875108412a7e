"""What each permission means in plain words, in every language of the letters.

A permission is a verb and a noun. Where somebody holds a whole group, one sentence says so; where he holds a part,
the part is spelled out, so that whatever was taken away shows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Language = Literal["en", "ja"]


class Both(NamedTuple):
    """The same words in both languages."""

    en: str
    ja: str

    def said_in(self, language: Language) -> str:
        """These words as readers of the language know them."""
        return self.ja if language == "ja" else self.en


@dataclass(frozen=True, slots=True)
class Group:
    """Permissions that one sentence covers when all of them are meant."""

    whole: Both
    permissions: Mapping[str, tuple[str, Both]]


VERBS: Final = {
    "view": Both("view", "閲覧"),
    "edit": Both("edit", "編集"),
    "delete": Both("delete", "削除"),
    "publish": Both("publish", "公開・配信"),
    "create": Both("create", "作成"),
    "use": Both("use", "利用"),
    "manage": Both("manage", "管理"),
    "send": Both("send", "送信"),
    "import": Both("import", "インポート"),
    "export": Both("export", "エクスポート"),
    "bulk_delete": Both("bulk-delete", "一括削除"),
}
"""In the order in which a sentence names them."""

NARROWED: Final = {
    "": Both("{}", "{}"),
    "all": Both("{}", "{}"),
    "team": Both("{} (only those of the team)", "{}（チームの担当分のみ）"),
    "owned": Both("{} (only their own)", "{}（本人の担当分のみ）"),
}
"""What the scope behind a permission's colon adds to its words."""

UNNAMED: Final = Both("use the permission “{}”", "「{}」の権限の利用")
"""A permission newer than these words: shown by its name, for what is left out would be a lie."""


def _each(area: str, noun: Both, *verbs: str) -> dict[str, tuple[str, Both]]:
    return {f"{area}.{verb}": (verb, noun) for verb in verbs}


def _records(**nouns: Both) -> dict[str, tuple[str, Both]]:
    found: dict[str, tuple[str, Both]] = {}
    for kind, noun in nouns.items():
        found |= _each(f"crm.{kind}", noun, "view", "edit", "delete")
    return found


def _uses(area: str, **nouns: Both) -> dict[str, tuple[str, Both]]:
    return {f"{area}.{name}": ("use", noun) for name, noun in nouns.items()}


ORDINARY: Final = (
    Group(
        Both(
            "view, edit and delete contacts and companies, and send them messages",
            "コンタクト・会社の閲覧・編集・削除、およびメッセージの送信",
        ),
        {
            **_records(contacts=Both("contacts", "コンタクト"), companies=Both("companies", "会社")),
            "crm.contacts.communicate": ("send", Both("messages to contacts", "コンタクトへのメッセージ")),
            "crm.companies.communicate": ("send", Both("messages to companies", "会社へのメッセージ")),
        },
    ),
    Group(
        Both(
            "view, edit and delete deals, tickets, customer invoices and custom objects",
            "取引・チケット・顧客への請求書・カスタムオブジェクトの閲覧・編集・削除",
        ),
        _records(
            deals=Both("deals", "取引"),
            tickets=Both("tickets", "チケット"),
            invoices=Both("customer invoices", "顧客への請求書"),
            custom_objects=Both("custom objects", "カスタムオブジェクト"),
        ),
    ),
    Group(
        Both(
            "view, edit and delete tasks, e-mails, meetings, calls and notes",
            "タスク・メール・ミーティング・通話・メモの閲覧・編集・削除",
        ),
        _records(
            tasks=Both("tasks", "タスク"),
            emails=Both("e-mails", "メール"),
            meetings=Both("meetings", "ミーティング"),
            calls=Both("calls", "通話"),
            notes=Both("notes", "メモ"),
        ),
    ),
    Group(
        Both(
            "import, export and bulk-delete records, and change properties, lists, views and record layouts",
            "レコードのインポート・エクスポート・一括削除、およびプロパティー・リスト・ビュー・レコードレイアウトの変更",
        ),
        {
            "crm.import": ("import", Both("records", "レコード")),
            "crm.export": ("export", Both("records", "レコード")),
            "crm.bulk_delete": ("bulk_delete", Both("records", "レコード")),
            **_each("crm.properties", Both("properties", "プロパティー"), "edit"),
            **_each("crm.lists", Both("lists", "リスト"), "view", "edit"),
            **_each("crm.record_layout", Both("record layouts", "レコードレイアウト"), "edit"),
            "crm.custom_views": ("manage", Both("custom views", "カスタムビュー")),
        },
    ),
    Group(
        Both(
            "use all marketing tools: forms, files, marketing e-mails (including publishing them), campaigns, ads, "
            "social media and content",
            "すべてのマーケティング機能（フォーム、ファイル、マーケティングメールの編集・配信、キャンペーン、広告、"
            "ソーシャルメディア、コンテンツ）の利用",
        ),
        {
            **_uses(
                "marketing",
                access=Both("the marketing tools", "マーケティング機能"),
                forms=Both("forms", "フォーム"),
                campaigns=Both("campaigns", "キャンペーン"),
                ads=Both("ads", "広告"),
                social=Both("social media", "ソーシャルメディア"),
                content=Both("content", "コンテンツ"),
            ),
            **_each("marketing.files", Both("marketing files", "マーケティング用ファイル"), "view", "edit", "delete"),
            **_each("marketing.email", Both("marketing e-mails", "マーケティングメール"), "view", "edit", "publish"),
        },
    ),
    Group(
        Both(
            "use all sales and service tools, from products, quotes and payment links to the knowledge base and "
            "customer feedback",
            "すべてのセールス機能およびサービス機能（製品、見積もり、支払いリンク、ナレッジベース、顧客フィードバックなど）の利用",
        ),
        {
            **_uses(
                "sales",
                access=Both("the sales tools", "セールス機能"),
                products=Both("products", "製品"),
                quote_templates=Both("quote templates", "見積もりテンプレート"),
                payment_links=Both("payment links", "支払いリンク"),
                templates=Both("sales templates", "セールステンプレート"),
                meeting_pages=Both("meeting booking pages", "ミーティング予約ページ"),
                forecast=Both("forecasts", "売上予測"),
                playbooks=Both("playbooks", "プレイブック"),
                sequences=Both("sequences", "シーケンス"),
            ),
            **_uses(
                "service",
                access=Both("the service tools", "サービス機能"),
                knowledge_base=Both("the knowledge base", "ナレッジベース"),
                feedback=Both("customer feedback", "顧客フィードバック"),
            ),
        },
    ),
    Group(
        Both(
            "view, edit and delete workflows, and create reports and dashboards",
            "ワークフローの閲覧・編集・削除、およびレポート・ダッシュボードの作成",
        ),
        {
            **_each("automation.workflows", Both("workflows", "ワークフロー"), "view", "edit", "delete"),
            **_each("reports", Both("reports", "レポート"), "view", "create"),
            "reports.dashboards": ("use", Both("dashboards", "ダッシュボード")),
        },
    ),
    Group(
        Both("add users, and manage their permissions and teams", "ユーザーの追加、およびユーザーの権限・チームの管理"),
        {
            **_each("account.users", Both("users and their permissions", "ユーザーとその権限"), "manage"),
            **_each("account.teams", Both("teams", "チーム"), "manage"),
        },
    ),
    Group(
        Both(
            "change the account’s defaults, marketplace apps, website and domains, and view the audit trail",
            "アカウントの初期設定・マーケットプレイスのアプリ・ウェブサイト・ドメインの変更、および監査記録の閲覧",
        ),
        {
            **_each("account.defaults", Both("the account’s defaults", "アカウントの初期設定"), "edit"),
            "account.marketplace": ("manage", Both("marketplace apps", "マーケットプレイスのアプリ")),
            "account.website": ("manage", Both("the website settings", "ウェブサイトの設定")),
            "account.domains": ("manage", Both("domains", "ドメイン")),
            **_each("account.audit", Both("the audit trail", "監査記録"), "view"),
        },
    ),
)

SINGULAR: Final = {
    "account.super_admins.manage": Both("add or remove super admins", "スーパー管理者の追加・削除"),
    "account.billing.manage": Both(
        "see or change billing and financial transactions", "請求情報・金融取引の閲覧・変更"
    ),
    "account.scim.manage": Both(
        "manage how an identity provider adds and removes users (SCIM)",
        "IDプロバイダーによるユーザーの自動追加・削除（SCIM）の管理",
    ),
    "account.data_center.migrate": Both(
        "move the account to another data centre", "別のデータセンターへのアカウントの移行"
    ),
    "data.sensitive.manage": Both("see or change sensitive data", "機密データの閲覧・変更"),
    "partner.client_access.manage": Both(
        "manage a partner’s access to its clients’ accounts", "パートナーによるクライアントアカウントへのアクセスの管理"
    ),
}
"""What is too weighty to share a sentence: the restricted permissions, and the partner's own."""

_ORDINARY_NAMES: Final = tuple(name for group in ORDINARY for name in group.permissions)


def sentences(permissions: Iterable[str], language: Language) -> tuple[str, ...]:
    """The permissions in as few sentences as say all of them; an area (`crm.deals`) stands for what is below it."""
    scopes = dict(_named_singly(permissions))
    said = [phrase for group in ORDINARY for phrase in _of_group(group, scopes, language)]
    said += [phrase.said_in(language) for name, phrase in SINGULAR.items() if name in scopes]
    said += [
        UNNAMED.said_in(language).format(name)
        for name in scopes
        if name not in SINGULAR and name not in _ORDINARY_NAMES
    ]
    return tuple(phrase[:1].upper() + phrase[1:] for phrase in said)


def _named_singly(permissions: Iterable[str]) -> Iterable[tuple[str, str]]:
    for permission in permissions:
        name, colon, scope = permission.partition(":")
        below = [each for each in _ORDINARY_NAMES if each.startswith(f"{name}.")]
        if scope in NARROWED:
            yield from ((each, scope) for each in below or [name])
        else:
            yield name + colon + scope, ""


def _of_group(group: Group, scopes: Mapping[str, str], language: Language) -> Iterable[str]:
    """One phrase for the whole group, or one for each scope in which a part of it is held."""
    meant = {name: scopes[name] for name in group.permissions if name in scopes}
    if len(meant) == len(group.permissions) and {*meant.values()} <= {"", "all"}:
        yield group.whole.said_in(language)
        return
    for scope, narrowed in NARROWED.items():
        part = [group.permissions[name] for name, held in meant.items() if held == scope]
        if part:
            yield narrowed.said_in(language).format(_spelled_out(part, language))


def _spelled_out(part: Iterable[tuple[str, Both]], language: Language) -> str:
    """Verbs and nouns, those nouns together of which the same may be done: view and edit deals and tickets."""
    verbs_of: dict[Both, set[str]] = {}
    for verb, noun in part:
        verbs_of.setdefault(noun, set()).add(verb)
    nouns_of: dict[tuple[str, ...], list[str]] = {}
    for noun, verbs in verbs_of.items():
        ordered = tuple(verb for verb in VERBS if verb in verbs)
        nouns_of.setdefault(ordered, []).append(noun.said_in(language))
    pieces = [
        _phrase([VERBS[verb].said_in(language) for verb in verbs], nouns, language) for verbs, nouns in nouns_of.items()
    ]
    return "、".join(pieces) if language == "ja" else "; ".join(pieces)


def _phrase(verbs: list[str], nouns: list[str], language: Language) -> str:
    if language == "ja":
        return f"{'・'.join(nouns)}の{'・'.join(verbs)}"
    return f"{_listed(verbs)} {_listed(nouns)}"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
