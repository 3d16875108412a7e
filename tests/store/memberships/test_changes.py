"""A change of a membership rests on what it read: whatever of it moves before it comes true is decided anew."""

from collections.abc import Callable

import pytest

from partner_access.domain.memberships.edits import Edit
from partner_access.domain.notifications import CleanUp, Occasion
from partner_access.domain.records import Kept
from partner_access.domain.users import User
from partner_access.store import keys
from partner_access.store.memberships import changes
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.concurrent_changes import LATER, Move, account, both, member, partner_seats_used, super_admins, user
from tests.support.costs import Costs, counted
from tests.support.gateway import DIRECTORY, VENDOR, Answer
from tests.support.link_requests import overtaken, refused
from tests.support.membership_facts import edit, end, resume, suspend
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, now, staff
from tests.support.table import Table
from tools import invariants

SOUTH, WEST = "partner-south", "partner-west"
USERS = "user-users"
Knock = Callable[[], Answer]

FELLOW = a_partner_admin(COLLEAGUE, grant=a_grant(grant_id=f"grt_{'3' * 32}"))
MANAGES_USERS = a_member(USERS, "view_only", added=("account.users.manage",))
FROM_THE_FIRM = "partner.client_access.manage"


def a_town(table: Table, *others: Kept) -> None:
    """The employee and his colleague are partner admins; somebody manages users."""
    a_world(table, a_user(USERS), a_partner_admin(), FELLOW, MANAGES_USERS, *others)


# what is read


def test_the_clients_own_people_need_two_readings(table: Table) -> None:
    a_town(table)

    with counted(table) as costs:
        facts = changes.facts(CLIENT, EMPLOYEE, APPROVER)

    assert costs.requests == 2
    assert (facts.account, facts.actor.user, facts.actor.member) == (
        the_client(partner_seats_used=2),
        a_user(),
        a_member(),
    )
    assert (facts.target.user, facts.target.member) == (an_employee(open_links=1), a_partner_admin())
    assert set(facts.target.firms) == {PARTNER}
    assert (facts.manager.member, facts.partner, facts.sets) == (None, None, {})


def test_a_manager_of_the_firm_is_known_by_what_he_is_there(table: Table) -> None:
    a_town(table)

    with counted(table) as costs:
        facts = changes.facts(CLIENT, EMPLOYEE, MANAGER)

    assert costs.requests == 2
    assert facts.manages_for == PARTNER
    assert (facts.manager.user, facts.manager.member) == (an_employee(MANAGER), staff(MANAGER, "super_admin"))
    assert facts.actor.member is None


def test_a_manager_with_a_set_of_the_firms_own_needs_a_third_reading(table: Table) -> None:
    own = a_custom_set(account_id=PARTNER, permissions=(FROM_THE_FIRM,))
    a_town(table, own, staff(EMPLOYEE, CUSTOM_SET))

    with counted(table) as costs:
        facts = changes.facts(CLIENT, COLLEAGUE, EMPLOYEE)

    assert costs.requests == 3
    assert set(facts.manager.sets) == {CUSTOM_SET}


@pytest.mark.parametrize(
    ("by", "target"), [(MANAGER, CLERK), (APPROVER, EMPLOYEE), ("user-nobody", EMPLOYEE), (MANAGER, "user-nobody")]
)
def test_who_does_not_work_for_the_members_firm_is_no_manager_of_his(table: Table, by: str, target: str) -> None:
    a_town(table)

    assert changes.facts(CLIENT, target, by).manages_for is None


def test_the_other_super_admins_are_read_when_one_may_go_or_an_approval_is_meant(table: Table) -> None:
    a_town(table, a_member(CLERK))

    def others(target: str, wish: Edit = changes.AS_IT_IS) -> list[str]:
        found = changes.facts(CLIENT, target, USERS, wish).others
        return [each.user.user_id for each in found if each.user]

    assert others(CLERK) == [APPROVER]
    assert others(EMPLOYEE) == []
    assert others(USERS, Edit(permission_set="partner_admin")) == [APPROVER, CLERK]
    assert others(USERS, Edit(permission_set="sales")) == []


def test_the_firm_is_read_when_somebody_becomes_its_partner_admin(table: Table) -> None:
    a_town(
        table,
        the_partner(account_id=SOUTH),
        a_member(EMPLOYEE, "sales"),
        a_member(MANAGER, "sales"),
        staff(MANAGER, account_id=SOUTH),
    )
    becomes = Edit(permission_set="partner_admin")

    one, several = (changes.facts(CLIENT, each, APPROVER, becomes) for each in (EMPLOYEE, MANAGER))
    assert one.partner
    assert (one.partner.account_id, one.firm_is_unclear) == (PARTNER, False)
    assert (several.partner, several.firm_is_unclear) == (None, True)
    named = changes.facts(CLIENT, MANAGER, APPROVER, Edit(permission_set="partner_admin", partner_id=SOUTH))
    assert named.partner
    assert (named.partner.account_id, named.firm_is_unclear) == (SOUTH, False)
    other = changes.facts(CLIENT, MANAGER, APPROVER, Edit(permission_set="sales"))
    assert (other.partner, other.firm_is_unclear) == (None, False)


def test_the_set_that_is_named_and_those_that_are_held_are_read(table: Table) -> None:
    other = f"set_{'4' * 32}"
    a_town(table, a_custom_set(), a_custom_set(other), a_member(CLERK, CUSTOM_SET))

    facts = changes.facts(CLIENT, CLERK, APPROVER, Edit(permission_set=other))

    assert (set(facts.sets), set(facts.target.sets)) == ({other}, {CUSTOM_SET})
    assert changes.facts(CLIENT, CLERK, APPROVER, Edit(permission_set=f"set_{'5' * 32}")).sets == {}


# what is relied on

GONE = both(member(CLERK, permission_set="sales"), super_admins(APPROVER))


def narrow(by: str) -> Knock:
    return lambda: edit(by, permissions={"remove": ["crm.import"]})


def demote() -> Answer:
    return edit(APPROVER, CLERK, permission_set="sales")


def promote() -> Answer:
    return edit(APPROVER, permission_set="super_admin")


def give_own_set() -> Answer:
    return edit(APPROVER, USERS, permission_set=CUSTOM_SET)


LOSES = member(APPROVER, permission_set="sales")
REVOKED = member(EMPLOYEE, active=False, grant=None, partner_id=None, seat=None)
EVERY_KNOCK: dict[str, Callable[[str], Answer]] = {
    "edit": lambda by: edit(by, permissions={"remove": ["crm.import"]}),
    "end": end,
    "suspend": suspend,
}
EVERY_MOVE: list[tuple[str, str, Move, str]] = [
    ("the client's admin is demoted", APPROVER, LOSES, "forbidden"),
    ("the client's admin is removed", APPROVER, member(APPROVER, active=False), "not_found"),
    ("the client's admin is deactivated", APPROVER, user(APPROVER, active=False), "forbidden"),
    ("the client's admin is suspended", APPROVER, member(APPROVER, suspended_by={"client"}), "forbidden"),
    ("who manages users no longer does", USERS, member(USERS, added=[]), "forbidden"),
    ("the manager loses his right", MANAGER, member(MANAGER, PARTNER, permission_set="view_only"), "not_found"),
    ("the manager is removed", MANAGER, member(MANAGER, PARTNER, active=False), "not_found"),
    ("the manager is deactivated", MANAGER, user(MANAGER, active=False), "not_found"),
    ("the manager leaves the firm", MANAGER, user(MANAGER, employed_by=None), "not_found"),
    ("the member is gone", APPROVER, REVOKED, "not_found"),
    ("all that he has for the firm has ended", APPROVER, user(EMPLOYEE, offboardings={PARTNER: 1}), "not_found"),
    ("the program is terminated", APPROVER, account(PARTNER, program="terminated", terminations=1), "not_found"),
]  # fmt: skip


@pytest.mark.parametrize("knock", EVERY_KNOCK.values(), ids=EVERY_KNOCK)
@pytest.mark.parametrize(
    ("by", "move", "code"), [each[1:] for each in EVERY_MOVE], ids=[each[0] for each in EVERY_MOVE]
)
def test_a_change_that_comes_too_late_changes_nothing(
    table: Table, knock: Callable[[str], Answer], by: str, move: Move, code: str
) -> None:
    a_town(table)

    assert overtaken(table, lambda: move(table), lambda: knock(by)).code == code


@pytest.mark.parametrize("by", [APPROVER, MANAGER])
@pytest.mark.parametrize(("knock", "done"), [("edit", False), ("suspend", True), ("end", True)])
def test_an_account_that_is_closed_meanwhile_lets_access_be_taken_and_nothing_else(
    table: Table, knock: str, by: str, done: bool
) -> None:
    a_town(table)

    answer = overtaken(table, lambda: account(CLIENT, state="closed")(table), lambda: EVERY_KNOCK[knock](by))

    assert answer.status in {200, 204} if done else answer.code == "account_closed"


FELLOWS: list[tuple[str, Move, str]] = [
    ("the colleague is narrowed", member(COLLEAGUE, removed=["account.users.manage"]), "forbidden"),
    ("the colleague is suspended", member(COLLEAGUE, suspended_by={"client"}), "forbidden"),
    ("the colleague leaves", user(COLLEAGUE, offboardings={PARTNER: 1}), "not_found"),
    ("the colleague leaves the firm", user(COLLEAGUE, employed_by=None), "forbidden"),
    ("the firm loses its domain", account(PARTNER, domains=["elsewhere.example"]), "forbidden"),
    ("the program is suspended", account(PARTNER, program="suspended"), "forbidden"),
]


@pytest.mark.parametrize("knock", [EVERY_KNOCK["edit"], EVERY_KNOCK["end"]], ids=["edit", "end"])
@pytest.mark.parametrize(("move", "code"), [each[1:] for each in FELLOWS], ids=[each[0] for each in FELLOWS])
def test_a_colleague_who_may_no_longer_changes_nothing(
    table: Table, knock: Callable[[str], Answer], move: Move, code: str
) -> None:
    a_town(table)

    assert overtaken(table, lambda: move(table), lambda: knock(COLLEAGUE)).code == code


def test_a_colleague_with_a_lesser_set_is_not_ended_for_a_firm_suspended_meanwhile(table: Table) -> None:
    a_town(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER))
    suspended = account(PARTNER, program="suspended")

    assert overtaken(table, lambda: suspended(table), lambda: end(COLLEAGUE)).code == "forbidden"


def narrow_clerk() -> Answer:
    return edit(USERS, CLERK, permissions={"remove": ["crm.tickets.view"]})


@pytest.mark.parametrize("knock", [narrow_clerk, lambda: end(USERS, CLERK)], ids=["edit", "end"])
def test_an_own_set_that_allows_it_no_longer_changes_nothing(table: Table, knock: Knock) -> None:
    own = a_custom_set(permissions=("account.users.manage", "crm.tickets.view"))
    a_town(table, own, a_member(USERS, CUSTOM_SET), a_member(CLERK, CUSTOM_SET))

    def narrowed() -> None:
        table.change(keys.of(own), version=LATER, permissions=["crm.tickets.view"])

    assert overtaken(table, narrowed, knock).code == "forbidden"


ONLY: list[tuple[str, Knock, Move, str]] = [
    ("a set is gone", give_own_set, lambda table: table.remove(keys.permission_set(CLIENT, CUSTOM_SET)), "unknown_permission_set"),
    ("a set makes no sense any more", lambda: edit(APPROVER, USERS, permission_set=CUSTOM_SET, permissions={"add": ["crm.tickets.delete:team"]}),
        lambda table: table.change(keys.permission_set(CLIENT, CUSTOM_SET), version=LATER, permissions=["crm.tickets.view"]), "invalid_field"),
    ("the witness is demoted", demote, both(LOSES, super_admins(CLERK)), "forbidden"),
    ("he joins the firm of the promoted", promote, user(APPROVER, employed_by={PARTNER}), "own_partner_may_not_approve"),
    ("he joins the firm of the widened", lambda: edit(permissions={}), user(APPROVER, employed_by={PARTNER}), "own_partner_may_not_approve"),
    ("he joins the firm of whom he gives time", lambda: edit(access_days=None), user(APPROVER, employed_by={PARTNER}), "own_partner_may_not_approve"),
    ("the promoted is suspended", promote, account(PARTNER, program="suspended"), "grant_suspended"),
    ("the promoted is deactivated", promote, user(EMPLOYEE, active=False), "grant_suspended"),
    ("the account of the promoted is closed", promote, account(CLIENT, state="closed"), "account_closed"),
    ("the firm's manager, a member here, too, loses his right there", lambda: edit(MANAGER, permissions={"remove": ["crm.export", "crm.import"]}),
        member(MANAGER, PARTNER, permission_set="view_only"), "forbidden"),
    ("somebody edits before", promote, member(EMPLOYEE, removed=["crm.export"]), "precondition_failed"),
    ("somebody edits before it ends", end, member(EMPLOYEE, removed=["crm.export"]), "precondition_failed"),
    ("the last seat is taken", lambda: edit(APPROVER, MANAGER, permission_set="partner_admin"), partner_seats_used(3), "no_seat_left"),
    ("the firm is suspended", lambda: edit(APPROVER, MANAGER, permission_set="partner_admin"), account(PARTNER, program="suspended"), "not_eligible"),
    ("the new one leaves", lambda: edit(APPROVER, MANAGER, permission_set="partner_admin"), user(MANAGER, employed_by=None), "not_eligible"),
]  # fmt: skip


@pytest.mark.parametrize(("knock", "move", "code"), [each[1:] for each in ONLY], ids=[each[0] for each in ONLY])
def test_what_one_kind_of_change_rests_on_is_held_too(table: Table, knock: Knock, move: Move, code: str) -> None:
    timed = a_partner_admin(removed=("crm.import",), grant=a_grant().ending(10, now()))
    a_town(table, the_client(partner_seat_limit=3), timed, a_member(CLERK), a_custom_set(), a_member(MANAGER, "sales"))

    assert overtaken(table, lambda: move(table), knock).code == code


def test_who_loses_his_own_right_to_give_gives_nothing(table: Table) -> None:
    a_town(table, a_member(USERS, "view_only", added=("account.users.manage", "crm.import")))
    gone = member(USERS, added=["account.users.manage"])

    answer = overtaken(table, lambda: gone(table), lambda: edit(USERS, CLERK, permissions={"add": ["crm.import"]}))

    assert answer.code == "permission_not_held"


def test_two_who_rely_on_each_other_are_not_both_demoted_or_removed(table: Table) -> None:
    for second in (demote, lambda: end(CLERK, CLERK)):
        table.clear()
        a_town(table, a_member(CLERK))
        answer = overtaken(table, lambda: edit(CLERK, APPROVER, permission_set="sales"), second)
        assert answer.code in {"last_super_admin", "forbidden"}
        assert invariants.broken(table.items()) == []


def test_another_witness_is_found_when_the_first_goes(table: Table) -> None:
    a_town(table, a_member(CLERK), a_member(MANAGER))
    gone = both(member(APPROVER, permission_set="sales"), super_admins(CLERK, MANAGER))

    assert overtaken(table, lambda: gone(table), lambda: end(CLERK, CLERK)).status == 204
    assert invariants.someone_runs_every_account.__doc__ is not None
    assert [each for each in invariants.broken(table.items()) if "letter" not in each] == []


@pytest.mark.parametrize("knock", EVERY_KNOCK.values(), ids=EVERY_KNOCK)
def test_a_lost_race_is_decided_again_and_won_when_it_does_not_matter(
    table: Table, knock: Callable[[str], Answer]
) -> None:
    a_town(table)
    renamed = account(CLIENT, name="The Baker's")

    assert overtaken(table, lambda: renamed(table), lambda: knock(APPROVER)).status in {200, 204}


@pytest.mark.parametrize(
    ("key", "knock"),
    [(keys.user(APPROVER), narrow(APPROVER)), (keys.account(CLIENT), narrow(APPROVER)), (keys.account(CLIENT), end)],
)
def test_what_keeps_changing_is_given_up(table: Table, key: keys.Key, knock: Knock) -> None:
    a_town(table)
    versions = iter(range(2, 10))

    with before_commit(lambda: table.change(key, version=next(versions)), times=4) as times:
        answer = knock()
    assert (answer.code, len(times)) == ("rights_changed", 4)


# what is written


def test_a_grant_that_ends_frees_its_seat_and_its_place_in_the_lists(table: Table) -> None:
    a_town(table)

    assert end().status == 204

    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1
    assert "list_key" not in (table.get(keys.member(CLIENT, EMPLOYEE)) or {})
    assert invariants.broken(table.items()) == []


@pytest.mark.parametrize("knock", [promote, end])
def test_a_seat_that_nobody_took_is_not_given_back(table: Table, knock: Knock) -> None:
    """Should the count and the members ever disagree, the count goes no lower than nothing."""
    a_town(table)
    partner_seats_used(0)(table)

    refused(table, knock, 409, "rights_changed")


def test_the_list_of_super_admins_and_the_person_follow_a_promotion(table: Table) -> None:
    a_town(table)

    assert promote().status == 200

    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == {APPROVER, EMPLOYEE}
    assert (table.get(keys.user(EMPLOYEE)) or {})["version"] == 2
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1
    assert demoted_again(table) == {APPROVER}
    assert (table.get(keys.user(EMPLOYEE)) or {})["version"] == 2
    assert invariants.broken(table.items()) == []


def test_a_super_admin_who_stays_one_is_no_new_version_of_the_person(table: Table) -> None:
    a_town(table, a_member(CLERK))

    assert edit(APPROVER, CLERK, paid_seats=["sales"]).status == 200

    assert (table.get(keys.member(CLIENT, CLERK)) or {})["version"] == 2
    assert (table.get(keys.user(CLERK)) or {})["version"] == 1


def demoted_again(table: Table) -> set[str]:
    assert edit(APPROVER, seen=2, permission_set="sales").status == 200
    found: set[str] = (table.get(keys.super_admins(CLIENT)) or {})["user_ids"]
    return found


def test_an_own_set_is_counted_where_it_is_given_and_taken(table: Table) -> None:
    a_town(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))

    give_own_set()
    edit(APPROVER, EMPLOYEE, permission_set=CUSTOM_SET)
    end(APPROVER, CLERK)

    kept = table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}
    assert (kept["holders"], kept["partner_holders"], kept["version"]) == (2, 1, 1)
    assert invariants.broken(table.items()) == []

    end(APPROVER, EMPLOYEE, seen=2)

    kept = table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}
    assert (kept["holders"], kept["partner_holders"], kept["version"]) == (1, 0, 1)
    assert invariants.broken(table.items()) == []


@pytest.mark.parametrize("firms", [(PARTNER,), (PARTNER, SOUTH)])
def test_an_employee_who_is_removed_works_for_the_firm_no_more(table: Table, firms: tuple[str, ...]) -> None:
    a_town(table, the_partner(account_id=SOUTH), *(staff(EMPLOYEE, account_id=firm) for firm in firms))

    assert end(MANAGER, EMPLOYEE, account_id=PARTNER).status == 204

    kept = User.model_validate(table.get(keys.user(EMPLOYEE)))
    assert (kept.employed_by, kept.offboardings, kept.version) == (frozenset(firms) - {PARTNER}, {PARTNER: 1}, 2)
    (queued,) = table.under("RECONCILIATION#")
    clean_up = CleanUp.model_validate(queued["reconciliation"])
    assert clean_up == CleanUp(partner_id=PARTNER, user_id=EMPLOYEE, reason=Occasion.OFFBOARDED)


@pytest.mark.parametrize("others", [(), (WEST,)])
def test_an_employee_who_joined_another_firm_meanwhile_keeps_it(table: Table, others: tuple[str, ...]) -> None:
    a_town(
        table,
        *(the_partner(account_id=firm) for firm in others),
        *(staff(EMPLOYEE, account_id=firm) for firm in others),
    )
    joins = user(EMPLOYEE, employed_by={PARTNER, SOUTH, *others})

    assert overtaken(table, lambda: joins(table), lambda: end(MANAGER, EMPLOYEE, account_id=PARTNER)).status == 204

    assert (table.get(keys.user(EMPLOYEE)) or {})["employed_by"] == {SOUTH, *others}


# what it costs

SUSPENDED = a_partner_admin(suspended_by=frozenset({"client"}))
FIRM_SUSPENDED = a_partner_admin(suspended_by=frozenset({"partner"}))
PRICES: dict[str, tuple[Knock, tuple[Kept, ...], int, int]] = {
    "narrow, by the client": (narrow(APPROVER), (), 2, 18),
    "narrow, by the firm's manager": (narrow(MANAGER), (), 2, 18),
    "narrow, by a colleague": (narrow(COLLEAGUE), (), 2, 18),
    "demote": (demote, (a_member(CLERK),), 1, 20),
    "promote": (promote, (), 2, 21),
    "own set": (give_own_set, (a_custom_set(),), 1, 16),
    "migrate": (lambda: edit(permission_set="partner_admin"), (a_member(EMPLOYEE),), 2, 21),
    "partner admin": (
        lambda: edit(APPROVER, MANAGER, permission_set="partner_admin"),
        (a_member(MANAGER, "sales"),),
        2,
        19,
    ),
    "nothing": (edit, (), 2, 0),
    "end a grant": (end, (), 2, 19),
    "end a grant, by the firm's manager": (lambda: end(MANAGER), (), 2, 19),
    "end a grant, by the vendor": (lambda: end(VENDOR, scope=DIRECTORY), (), 2, 15),
    "leave": (lambda: end(EMPLOYEE), (), 2, 15),
    "end a super admin": (lambda: end(APPROVER, CLERK), (a_member(CLERK),), 1, 16),
    "remove an employee": (lambda: end(MANAGER, EMPLOYEE, account_id=PARTNER), (), 1, 16),
    "suspend": (suspend, (), 2, 18),
    "suspend, by the firm's manager": (lambda: suspend(MANAGER), (), 2, 18),
    "resume": (resume, (SUSPENDED,), 2, 18),
    "resume, by the firm's manager": (lambda: resume(MANAGER), (FIRM_SUSPENDED,), 2, 18),
}


def spent(table: Table, knock: Knock, others: tuple[Kept, ...]) -> Costs:
    a_town(table, *others)
    with counted(table) as costs:
        assert knock().status in {200, 204}
    return costs


@pytest.mark.parametrize(("knock", "others", "reads", "units"), PRICES.values(), ids=PRICES)
def test_a_change_costs_little(table: Table, knock: Knock, others: tuple[Kept, ...], reads: int, units: int) -> None:
    costs = spent(table, knock, others)

    assert (costs.reads, costs.writes) == (reads, 1 if units else 0)
    assert costs.units <= units
