"""Sample data to try the product with: partners, their employees and their clients.

The data are always the same and entirely fictitious. Addresses are in domains reserved for examples. Users who act in
the demo's story are named constants and can sign in. All other users are generated from the lists below.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tools.api_client import Json


@dataclass(frozen=True, slots=True)
class SampleUser:
    """A user of the sample, identified by email address.

    A user who signs in gets the user id of their sign-in account.
    """

    email: str
    name: str
    locale: str
    active: bool = True
    signs_in: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """A membership of a user in an account, with a default permission set."""

    account_id: str
    email: str
    permission_set: str
    seat: str | None = None


@dataclass(frozen=True, slots=True)
class SampleDirectory:
    """All data that the vendor's back end sends to the directory."""

    accounts: dict[str, Json]
    users: dict[str, SampleUser]
    memberships: tuple[Membership, ...]


HARBOUR = "acct_harbour_finch"
MINATO = "acct_minato_kikaku"
LUMEN = "acct_lumen_row"

NORA = SampleUser("nora.whitfield@harbourfinch.example", "Nora Whitfield", "en", signs_in=True)
TOM = SampleUser("tom.adeyemi@harbourfinch.example", "Tom Adeyemi", "en", signs_in=True)
PRIYA = SampleUser("priya.raman@harbourfinch.example", "Priya Raman", "en", signs_in=True)
LARS = SampleUser("lars.holm@harbourfinch.example", "Lars Holm", "en", signs_in=True)
ELENA = SampleUser("elena.petrova@harbourfinch.example", "Elena Petrova", "en", active=False)
SAM = SampleUser("sam.okafor@freelance.example", "Sam Okafor", "en")
HANAKO = SampleUser("hanako.yamada@alliance.example", "山田 花子", "ja", signs_in=True)
KEN = SampleUser("ken.sato@minato-kikaku.example", "佐藤 健", "ja", signs_in=True)
AOI = SampleUser("aoi.suzuki@minato-kikaku.example", "鈴木 葵", "ja", signs_in=True)
REN = SampleUser("ren.takahashi@minato-kikaku.example", "高橋 蓮", "ja")
MISAKI = SampleUser("misaki.ito@minato-kikaku.example", "伊藤 美咲", "ja")
DAISUKE = SampleUser("daisuke.watanabe@minato-kikaku.example", "渡辺 大輔", "ja")
GRACE = SampleUser("grace.muller@lumenrow.example", "Grace Müller", "en")
OMAR = SampleUser("omar.haddad@lumenrow.example", "Omar Haddad", "en")

ALICE = SampleUser("alice.moreau@brightwater.example", "Alice Moreau", "en", signs_in=True)
BEN = SampleUser("ben.castillo@brightwater.example", "Ben Castillo", "en", signs_in=True)
IVY = SampleUser("ivy.brandt@brightwater.example", "Ivy Brandt", "en", signs_in=True)
CLARA = SampleUser("clara.nyberg@oakandiron.example", "Clara Nyberg", "en", signs_in=True)
YUKI = SampleUser("yuki.kobayashi@aozora-foods.example", "小林 由紀", "ja", signs_in=True)

BRIGHTWATER = "acct_brightwater"
OAK_AND_IRON = "acct_oak_and_iron"
AOZORA = "acct_aozora_foods"
SILVER_BIRCH = "acct_silver_birch"
JUNIPER_LANE = "acct_juniper_lane"
OLD_QUAY = "acct_old_quay"

PARTNERS: dict[str, Json] = {
    HARBOUR: {
        "kind": "partner",
        "name": "Harbour & Finch",
        "locale": "en",
        "domains": ["harbourfinch.example", "alliance.example"],
        "program": "active",
    },
    MINATO: {
        "kind": "partner",
        "name": "株式会社みなと企画",
        "locale": "ja",
        "domains": ["minato-kikaku.example", "alliance.example"],
        "program": "active",
    },
    LUMEN: {
        "kind": "partner",
        "name": "Lumen Row",
        "locale": "en",
        "domains": ["lumenrow.example"],
        "program": "suspended",
    },
}
EMPLOYEES: dict[str, tuple[tuple[SampleUser, str], ...]] = {
    HARBOUR: (
        (NORA, "super_admin"),
        (TOM, "marketing"),
        (PRIYA, "service"),
        (LARS, "service"),
        (ELENA, "sales"),
        (SAM, "marketing"),
        (HANAKO, "reporting"),
    ),
    MINATO: (
        (KEN, "super_admin"),
        (AOI, "marketing"),
        (REN, "sales"),
        (MISAKI, "service"),
        (DAISUKE, "reporting"),
        (HANAKO, "marketing"),
    ),
    LUMEN: ((GRACE, "super_admin"), (OMAR, "marketing")),
}
CLIENTS: dict[str, Json] = {
    BRIGHTWATER: {"kind": "client", "name": "Brightwater Clinics", "locale": "en", "pricing": "seat_based"},
    OAK_AND_IRON: {"kind": "client", "name": "Oak & Iron Furniture", "locale": "en", "pricing": "legacy"},
    AOZORA: {
        "kind": "client",
        "name": "あおぞらフーズ株式会社",
        "locale": "ja",
        "pricing": "seat_based",
        "partner_seat_limit": 2,
    },
    SILVER_BIRCH: {"kind": "client", "name": "Silver Birch Travel", "locale": "en", "pricing": "legacy"},
    JUNIPER_LANE: {"kind": "client", "name": "Juniper Lane Studio", "locale": "en", "pricing": "seat_based"},
    OLD_QUAY: {"kind": "client", "name": "Old Quay Printing", "locale": "en", "pricing": "legacy", "state": "closed"},
}
CLIENT_MEMBERSHIPS: tuple[Membership, ...] = (
    Membership(BRIGHTWATER, ALICE.email, "super_admin", "core"),
    Membership(BRIGHTWATER, BEN.email, "super_admin", "core"),
    Membership(BRIGHTWATER, IVY.email, "marketing", "core"),
    Membership(OAK_AND_IRON, CLARA.email, "super_admin", "core"),
    Membership(OAK_AND_IRON, PRIYA.email, "super_admin", "core"),
    Membership(AOZORA, YUKI.email, "super_admin", "core"),
    Membership(SILVER_BIRCH, PRIYA.email, "super_admin", "core"),
    Membership(SILVER_BIRCH, LARS.email, "super_admin", "core"),
    Membership(JUNIPER_LANE, PRIYA.email, "super_admin", "core"),
)

FIRST_WORDS = (
    "Amber",
    "Cedar",
    "Copper",
    "Fern",
    "Granite",
    "Hazel",
    "Larch",
    "Maple",
    "North",
    "Pebble",
    "Saffron",
    "Tide",
)
SECOND_WORDS = ("Bakery", "Logistics", "Dental", "Robotics")
JAPANESE_CLIENTS = (
    ("sakura-denki", "さくら電機株式会社"),
    ("fuji-bunko", "富士文庫株式会社"),
    ("hoshizora-ryoko", "星空旅行株式会社"),
    ("midori-noen", "みどり農園"),
    ("kawabe-kogyo", "川辺工業株式会社"),
    ("tsubame-unyu", "つばめ運輸株式会社"),
    ("yamabiko-onkyo", "やまびこ音響株式会社"),
    ("hinata-hoiku", "ひなた保育園"),
)
GIVEN_NAMES = (
    "Ada", "Bruno", "Celia", "Dario", "Esme", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Keira", "Leon", "Maeve",
    "Nils", "Olga", "Pavel", "Rosa", "Stefan", "Tara", "Umar", "Vera", "Wim", "Yara", "Zeno",
)  # fmt: skip
FAMILY_NAMES = (
    "Albrecht",
    "Bianchi",
    "Costa",
    "Dubois",
    "Eriksen",
    "Farkas",
    "Garrido",
    "Horvat",
    "Iqbal",
    "Jansen",
    "Kaya",
)
JAPANESE_GIVEN_NAMES = (
    ("akari", "明里"), ("haruto", "陽翔"), ("kaede", "楓"), ("makoto", "誠"), ("nao", "直"), ("riku", "陸"),
    ("sakura", "桜"), ("takumi", "拓海"),
)  # fmt: skip
JAPANESE_FAMILY_NAMES = (
    ("abe", "阿部"), ("endo", "遠藤"), ("fujita", "藤田"), ("goto", "後藤"), ("hayashi", "林"), ("inoue", "井上"),
    ("kimura", "木村"),
)  # fmt: skip
ORDINARY_SETS = ("marketing", "sales", "service", "reporting", "view_only")
OTHER_MEMBERS_PER_CLIENT = 4


def sample_directory() -> SampleDirectory:
    """Return the complete sample."""
    accounts = PARTNERS | CLIENTS | dict(_generated_clients())
    users = {user.email: user for employees in EMPLOYEES.values() for user, _ in employees}
    users |= {user.email: user for user in (ALICE, BEN, IVY, CLARA, YUKI)}
    memberships = [
        Membership(partner, user.email, permission_set, "core")
        for partner, employees in EMPLOYEES.items()
        for user, permission_set in employees
    ]
    memberships += CLIENT_MEMBERSHIPS
    english, japanese = _english_names(), _japanese_names()
    for account_id, account in accounts.items():
        if account["kind"] == "partner":
            continue
        domain = f"{account_id.removeprefix('acct_').replace('_', '-')}.example"
        has_super_admin = any(member.account_id == account_id for member in CLIENT_MEMBERSHIPS)
        for nth in range(OTHER_MEMBERS_PER_CLIENT):
            name, local = next(japanese if account.get("locale") == "ja" else english)
            user = SampleUser(f"{local}@{domain}", name, str(account.get("locale", "en")))
            users[user.email] = user
            permission_set = (
                "super_admin"
                if nth == 0 and not has_super_admin
                else ORDINARY_SETS[(nth + len(domain)) % len(ORDINARY_SETS)]
            )
            memberships.append(Membership(account_id, user.email, permission_set, "core"))
    return SampleDirectory(accounts, users, tuple(memberships))


def _generated_clients() -> Iterator[tuple[str, Json]]:
    for nth, (first, second) in enumerate(product(FIRST_WORDS, SECOND_WORDS)):
        if nth % 7 not in {2, 5}:  # some names stay unused so that the demo can create accounts later
            yield (
                f"acct_{first}_{second}".lower(),
                {
                    "kind": "client",
                    "name": f"{first} {second}",
                    "locale": "en",
                    "pricing": "legacy" if nth % 3 else "seat_based",
                }
                | ({"partner_seat_limit": 1 + nth % 4} if nth % 6 == 0 else {}),
            )
    for nth, (romanized, name) in enumerate(JAPANESE_CLIENTS):
        yield (
            f"acct_{romanized.replace('-', '_')}",
            {"kind": "client", "name": name, "locale": "ja", "pricing": "seat_based" if nth % 2 else "legacy"},
        )


def _english_names() -> Iterator[tuple[str, str]]:
    for family, given in product(FAMILY_NAMES, GIVEN_NAMES):
        yield f"{given} {family}", f"{given}.{family}".lower()


def _japanese_names() -> Iterator[tuple[str, str]]:
    for (family, kanji), (given, written) in product(JAPANESE_FAMILY_NAMES, JAPANESE_GIVEN_NAMES):
        yield f"{kanji} {written}", f"{given}.{family}"
