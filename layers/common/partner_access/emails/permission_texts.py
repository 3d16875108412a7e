"""Plain-language descriptions of all permissions, in every language of the emails.

A permission is a verb and a noun. One sentence describes a whole group of permissions. If a user has only a part of
the group, its permissions are listed, so that removed ones are noticeable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Language = Literal["en", "ja"]


class BilingualText(NamedTuple):
    """A text in both languages."""

    en: str
    ja: str

    def in_language(self, language: Language) -> str:
        """Return the text in this language."""
        return self.ja if language == "ja" else self.en


@dataclass(frozen=True, slots=True)
class PermissionGroup:
    """Permissions that one sentence describes when all of them are listed."""

    summary: BilingualText
    permissions: Mapping[str, tuple[str, BilingualText]]


VERB_TEXTS: Final = {
    "view": BilingualText("view", "閲覧"),
    "edit": BilingualText("edit", "編集"),
    "delete": BilingualText("delete", "削除"),
    "publish": BilingualText("publish", "公開・配信"),
    "create": BilingualText("create", "作成"),
    "use": BilingualText("use", "利用"),
    "manage": BilingualText("manage", "管理"),
    "send": BilingualText("send", "送信"),
    "import": BilingualText("import", "インポート"),
    "export": BilingualText("export", "エクスポート"),
    "bulk_delete": BilingualText("bulk-delete", "一括削除"),
}
"""Verbs of permissions, in the order in which a sentence lists them."""

SCOPE_TEXTS: Final = {
    "": BilingualText("{}", "{}"),
    "all": BilingualText("{}", "{}"),
    "team": BilingualText("{} (only those of the team)", "{}（チームの担当分のみ）"),
    "owned": BilingualText("{} (only their own)", "{}（本人の担当分のみ）"),
}
"""Additions to the description of a permission by its scope, which follows a colon in the name."""

UNKNOWN_PERMISSION_TEXT: Final = BilingualText("use the permission “{}”", "「{}」の権限の利用")
"""Description of a permission without an entry here. It is shown by its name, since omitting it would be misleading."""


def _each(area: str, noun: BilingualText, *verbs: str) -> dict[str, tuple[str, BilingualText]]:
    return {f"{area}.{verb}": (verb, noun) for verb in verbs}


def _records(**nouns: BilingualText) -> dict[str, tuple[str, BilingualText]]:
    found: dict[str, tuple[str, BilingualText]] = {}
    for kind, noun in nouns.items():
        found |= _each(f"crm.{kind}", noun, "view", "edit", "delete")
    return found


def _uses(area: str, **nouns: BilingualText) -> dict[str, tuple[str, BilingualText]]:
    return {f"{area}.{name}": ("use", noun) for name, noun in nouns.items()}


ORDINARY_GROUPS: Final = (
    PermissionGroup(
        BilingualText(
            "view, edit and delete contacts and companies, and send them messages",
            "コンタクト・会社の閲覧・編集・削除、およびメッセージの送信",
        ),
        {
            **_records(contacts=BilingualText("contacts", "コンタクト"), companies=BilingualText("companies", "会社")),
            "crm.contacts.communicate": ("send", BilingualText("messages to contacts", "コンタクトへのメッセージ")),
            "crm.companies.communicate": ("send", BilingualText("messages to companies", "会社へのメッセージ")),
        },
    ),
    PermissionGroup(
        BilingualText(
            "view, edit and delete deals, tickets, customer invoices and custom objects",
            "取引・チケット・顧客への請求書・カスタムオブジェクトの閲覧・編集・削除",
        ),
        _records(
            deals=BilingualText("deals", "取引"),
            tickets=BilingualText("tickets", "チケット"),
            invoices=BilingualText("customer invoices", "顧客への請求書"),
            custom_objects=BilingualText("custom objects", "カスタムオブジェクト"),
        ),
    ),
    PermissionGroup(
        BilingualText(
            "view, edit and delete tasks, emails, meetings, calls and notes",
            "タスク・メール・ミーティング・通話・メモの閲覧・編集・削除",
        ),
        _records(
            tasks=BilingualText("tasks", "タスク"),
            emails=BilingualText("emails", "メール"),
            meetings=BilingualText("meetings", "ミーティング"),
            calls=BilingualText("calls", "通話"),
            notes=BilingualText("notes", "メモ"),
        ),
    ),
    PermissionGroup(
        BilingualText(
            "import, export and bulk-delete records, and change properties, lists, views and record layouts",
            "レコードのインポート・エクスポート・一括削除、およびプロパティー・リスト・ビュー・レコードレイアウトの変更",
        ),
        {
            "crm.import": ("import", BilingualText("records", "レコード")),
            "crm.export": ("export", BilingualText("records", "レコード")),
            "crm.bulk_delete": ("bulk_delete", BilingualText("records", "レコード")),
            **_each("crm.properties", BilingualText("properties", "プロパティー"), "edit"),
            **_each("crm.lists", BilingualText("lists", "リスト"), "view", "edit"),
            **_each("crm.record_layout", BilingualText("record layouts", "レコードレイアウト"), "edit"),
            "crm.custom_views": ("manage", BilingualText("custom views", "カスタムビュー")),
        },
    ),
    PermissionGroup(
        BilingualText(
            "use all marketing tools: forms, files, marketing emails (including publishing them), campaigns, ads, "
            "social media and content",
            "すべてのマーケティング機能（フォーム、ファイル、マーケティングメールの編集・配信、キャンペーン、広告、"
            "ソーシャルメディア、コンテンツ）の利用",
        ),
        {
            **_uses(
                "marketing",
                access=BilingualText("the marketing tools", "マーケティング機能"),
                forms=BilingualText("forms", "フォーム"),
                campaigns=BilingualText("campaigns", "キャンペーン"),
                ads=BilingualText("ads", "広告"),
                social=BilingualText("social media", "ソーシャルメディア"),
                content=BilingualText("content", "コンテンツ"),
            ),
            **_each(
                "marketing.files",
                BilingualText("marketing files", "マーケティング用ファイル"),
                "view",
                "edit",
                "delete",
            ),
            **_each(
                "marketing.email", BilingualText("marketing emails", "マーケティングメール"), "view", "edit", "publish"
            ),
        },
    ),
    PermissionGroup(
        BilingualText(
            "use all sales and service tools, from products, quotes and payment links to the knowledge base and "
            "customer feedback",
            "すべてのセールス機能およびサービス機能（製品、見積もり、支払いリンク、ナレッジベース、顧客フィードバックなど）の利用",
        ),
        {
            **_uses(
                "sales",
                access=BilingualText("the sales tools", "セールス機能"),
                products=BilingualText("products", "製品"),
                quote_templates=BilingualText("quote templates", "見積もりテンプレート"),
                payment_links=BilingualText("payment links", "支払いリンク"),
                templates=BilingualText("sales templates", "セールステンプレート"),
                meeting_pages=BilingualText("meeting booking pages", "ミーティング予約ページ"),
                forecast=BilingualText("forecasts", "売上予測"),
                playbooks=BilingualText("playbooks", "プレイブック"),
                sequences=BilingualText("sequences", "シーケンス"),
            ),
            **_uses(
                "service",
                access=BilingualText("the service tools", "サービス機能"),
                knowledge_base=BilingualText("the knowledge base", "ナレッジベース"),
                feedback=BilingualText("customer feedback", "顧客フィードバック"),
            ),
        },
    ),
    PermissionGroup(
        BilingualText(
            "view, edit and delete workflows, and create reports and dashboards",
            "ワークフローの閲覧・編集・削除、およびレポート・ダッシュボードの作成",
        ),
        {
            **_each("automation.workflows", BilingualText("workflows", "ワークフロー"), "view", "edit", "delete"),
            **_each("reports", BilingualText("reports", "レポート"), "view", "create"),
            "reports.dashboards": ("use", BilingualText("dashboards", "ダッシュボード")),
        },
    ),
    PermissionGroup(
        BilingualText(
            "add users, and manage their permissions and teams", "ユーザーの追加、およびユーザーの権限・チームの管理"
        ),
        {
            **_each("account.users", BilingualText("users and their permissions", "ユーザーとその権限"), "manage"),
            **_each("account.teams", BilingualText("teams", "チーム"), "manage"),
        },
    ),
    PermissionGroup(
        BilingualText(
            "change the account’s defaults, marketplace apps, website and domains, and view the audit log",
            "アカウントの初期設定・マーケットプレイスのアプリ・ウェブサイト・ドメインの変更、および監査ログの閲覧",
        ),
        {
            **_each("account.defaults", BilingualText("the account’s defaults", "アカウントの初期設定"), "edit"),
            "account.marketplace": ("manage", BilingualText("marketplace apps", "マーケットプレイスのアプリ")),
            "account.website": ("manage", BilingualText("the website settings", "ウェブサイトの設定")),
            "account.domains": ("manage", BilingualText("domains", "ドメイン")),
            **_each("account.audit", BilingualText("the audit log", "監査ログ"), "view"),
        },
    ),
)

SINGLE_PERMISSION_TEXTS: Final = {
    "account.super_admins.manage": BilingualText("add or remove super admins", "スーパー管理者の追加・削除"),
    "account.billing.manage": BilingualText(
        "see or change billing and financial transactions", "請求情報・金融取引の閲覧・変更"
    ),
    "account.scim.manage": BilingualText(
        "manage how an identity provider adds and removes users (SCIM)",
        "IDプロバイダーによるユーザーの自動追加・削除（SCIM）の管理",
    ),
    "account.data_center.migrate": BilingualText(
        "move the account to another data center", "別のデータセンターへのアカウントの移行"
    ),
    "data.sensitive.manage": BilingualText("see or change sensitive data", "機密データの閲覧・変更"),
    "partner.client_access.manage": BilingualText(
        "manage a partner’s access to its clients’ accounts", "パートナーによるクライアントアカウントへのアクセスの管理"
    ),
}
"""Permissions too important to share a sentence: the restricted ones, and the partner's own."""

_ORDINARY_NAMES: Final = tuple(name for group in ORDINARY_GROUPS for name in group.permissions)


def sentences(permissions: Iterable[str], language: Language) -> tuple[str, ...]:
    """Describe the permissions in as few sentences as possible. An area (`crm.deals`) means all permissions in it."""
    scopes = dict(_single_permissions(permissions))
    texts = [phrase for group in ORDINARY_GROUPS for phrase in _group_phrases(group, scopes, language)]
    texts += [phrase.in_language(language) for name, phrase in SINGLE_PERMISSION_TEXTS.items() if name in scopes]
    texts += [
        UNKNOWN_PERMISSION_TEXT.in_language(language).format(name)
        for name in scopes
        if name not in SINGLE_PERMISSION_TEXTS and name not in _ORDINARY_NAMES
    ]
    return tuple(phrase[:1].upper() + phrase[1:] for phrase in texts)


def _single_permissions(permissions: Iterable[str]) -> Iterable[tuple[str, str]]:
    for permission in permissions:
        name, colon, scope = permission.partition(":")
        below = [each for each in _ORDINARY_NAMES if each.startswith(f"{name}.")]
        if scope in SCOPE_TEXTS:
            yield from ((each, scope) for each in below or [name])
        else:
            yield name + colon + scope, ""


def _group_phrases(group: PermissionGroup, scopes: Mapping[str, str], language: Language) -> Iterable[str]:
    """Yield one phrase for the whole group, or one for each scope with some permissions of the group."""
    scope_of = {name: scopes[name] for name in group.permissions if name in scopes}
    if len(scope_of) == len(group.permissions) and {*scope_of.values()} <= {"", "all"}:
        yield group.summary.in_language(language)
        return
    for scope, scope_text in SCOPE_TEXTS.items():
        part = [group.permissions[name] for name, permission_scope in scope_of.items() if permission_scope == scope]
        if part:
            yield scope_text.in_language(language).format(_listed_permissions(part, language))


def _listed_permissions(part: Iterable[tuple[str, BilingualText]], language: Language) -> str:
    """List verbs and nouns, grouping the nouns with the same verbs: view and edit deals and tickets."""
    verbs_of: dict[BilingualText, set[str]] = {}
    for verb, noun in part:
        verbs_of.setdefault(noun, set()).add(verb)
    nouns_of: dict[tuple[str, ...], list[str]] = {}
    for noun, verbs in verbs_of.items():
        ordered = tuple(verb for verb in VERB_TEXTS if verb in verbs)
        nouns_of.setdefault(ordered, []).append(noun.in_language(language))
    pieces = [
        _phrase([VERB_TEXTS[verb].in_language(language) for verb in verbs], nouns, language)
        for verbs, nouns in nouns_of.items()
    ]
    return "、".join(pieces) if language == "ja" else "; ".join(pieces)


def _phrase(verbs: list[str], nouns: list[str], language: Language) -> str:
    if language == "ja":
        return f"{'・'.join(nouns)}の{'・'.join(verbs)}"
    return f"{_joined(verbs)} {_joined(nouns)}"


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
