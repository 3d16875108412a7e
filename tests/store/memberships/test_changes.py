"""Membership changes in the table: a concurrent change of the facts leads to a new decision."""

from collections.abc import Callable

import pytest

from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.notifications import Reconciliation, ReconciliationReason
from partner_access.domain.records import Record
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
    end_after,
    the_client,
    the_partner,
)
from tests.support.concurrent_changes import (
    NEXT_VERSION,
    Change,
    account,
    both_changes,
    member,
    partner_seats_used,
    super_admins,
    user,
)
from tests.support.costs import Costs, count_costs
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse
from tests.support.link_requests import assert_error, send_during_change
from tests.support.membership_facts import edit, remove, resume, suspend
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, now, seed
from tests.support.table import Table
from tools import invariants

SOUTH, WEST = "partner-south", "partner-west"
USERS = "user-users"
Request = Callable[[], ApiResponse]

FELLOW = a_partner_admin(COLLEAGUE, grant=a_grant(grant_id=f"grt_{'3' * 32}"))
MANAGES_USERS = a_member(USERS, "view_only", added=("account.users.manage",))
MANAGE_CLIENT_ACCESS = "partner.client_access.manage"


def seed_partner_admins(table: Table, *others: Record) -> None:
    """Seed the table with two partner admins, the employee and a colleague, and with a user manager."""
    seed(table, a_user(USERS), a_partner_admin(), FELLOW, MANAGES_USERS, *others)


# reads


def test_membership_facts_for_client_caller_cost_two_reads(table: Table) -> None:
    seed_partner_admins(table)

    with count_costs(table) as costs:
        facts = changes.facts(CLIENT, EMPLOYEE, APPROVER)

    assert costs.requests == 2
    assert (facts.account, facts.actor.user, facts.actor.member) == (
        the_client(partner_seats_used=2),
        a_user(),
        a_member(),
    )
    assert (facts.target.user, facts.target.member) == (an_employee(open_links=1), a_partner_admin())
    assert set(facts.target.partners) == {PARTNER}
    assert (facts.manager.member, facts.partner, facts.sets) == (None, None, {})


def test_membership_facts_for_partner_manager_include_partner_membership(table: Table) -> None:
    seed_partner_admins(table)

    with count_costs(table) as costs:
        facts = changes.facts(CLIENT, EMPLOYEE, MANAGER)

    assert costs.requests == 2
    assert facts.managed_partner_id == PARTNER
    assert (facts.manager.user, facts.manager.member) == (
        an_employee(MANAGER),
        a_partner_account_member(MANAGER, "super_admin"),
    )
    assert facts.actor.member is None


def test_membership_facts_for_manager_with_custom_set_cost_three_reads(table: Table) -> None:
    own = a_custom_set(account_id=PARTNER, permissions=(MANAGE_CLIENT_ACCESS,))
    seed_partner_admins(table, own, a_partner_account_member(EMPLOYEE, CUSTOM_SET))

    with count_costs(table) as costs:
        facts = changes.facts(CLIENT, COLLEAGUE, EMPLOYEE)

    assert costs.requests == 3
    assert set(facts.manager.sets) == {CUSTOM_SET}


@pytest.mark.parametrize(
    ("by", "target"), [(MANAGER, CLERK), (APPROVER, EMPLOYEE), ("user-nobody", EMPLOYEE), (MANAGER, "user-nobody")]
)
def test_membership_facts_for_non_employee_have_no_manager(table: Table, by: str, target: str) -> None:
    seed_partner_admins(table)

    assert changes.facts(CLIENT, target, by).managed_partner_id is None


def test_membership_facts_read_other_super_admins_only_if_needed(table: Table) -> None:
    seed_partner_admins(table, a_member(CLERK))

    def others(target: str, change: MemberEdit = changes.NO_EDIT) -> list[str]:
        found = changes.facts(CLIENT, target, USERS, change).others
        return [each.user.user_id for each in found if each.user]

    assert others(CLERK) == [APPROVER]
    assert others(EMPLOYEE) == []
    assert others(USERS, MemberEdit(permission_set="partner_admin")) == [APPROVER, CLERK]
    assert others(USERS, MemberEdit(permission_set="sales")) == []


def test_membership_facts_read_partner_for_edit_to_partner_admin(table: Table) -> None:
    seed_partner_admins(
        table,
        the_partner(account_id=SOUTH),
        a_member(EMPLOYEE, "sales"),
        a_member(MANAGER, "sales"),
        a_partner_account_member(MANAGER, account_id=SOUTH),
    )
    change = MemberEdit(permission_set="partner_admin")

    one, several = (changes.facts(CLIENT, each, APPROVER, change) for each in (EMPLOYEE, MANAGER))
    assert one.partner
    assert (one.partner.account_id, one.partner_is_ambiguous) == (PARTNER, False)
    assert (several.partner, several.partner_is_ambiguous) == (None, True)
    named = changes.facts(CLIENT, MANAGER, APPROVER, MemberEdit(permission_set="partner_admin", partner_id=SOUTH))
    assert named.partner
    assert (named.partner.account_id, named.partner_is_ambiguous) == (SOUTH, False)
    other = changes.facts(CLIENT, MANAGER, APPROVER, MemberEdit(permission_set="sales"))
    assert (other.partner, other.partner_is_ambiguous) == (None, False)


def test_membership_facts_include_requested_and_held_custom_sets(table: Table) -> None:
    other = f"set_{'4' * 32}"
    seed_partner_admins(table, a_custom_set(), a_custom_set(other), a_member(CLERK, CUSTOM_SET))

    facts = changes.facts(CLIENT, CLERK, APPROVER, MemberEdit(permission_set=other))

    assert (set(facts.sets), set(facts.target.sets)) == ({other}, {CUSTOM_SET})
    assert changes.facts(CLIENT, CLERK, APPROVER, MemberEdit(permission_set=f"set_{'5' * 32}")).sets == {}


# relied-on facts

CLERK_DEMOTED = both_changes(member(CLERK, permission_set="sales"), super_admins(APPROVER))


def narrow(by: str) -> Request:
    return lambda: edit(by, permissions={"remove": ["crm.import"]})


def demote() -> ApiResponse:
    return edit(APPROVER, CLERK, permission_set="sales")


def promote() -> ApiResponse:
    return edit(APPROVER, permission_set="super_admin")


def give_own_set() -> ApiResponse:
    return edit(APPROVER, USERS, permission_set=CUSTOM_SET)


APPROVER_DEMOTED = member(APPROVER, permission_set="sales")
REVOKED = member(EMPLOYEE, active=False, grant=None, partner_id=None, seat=None)
REQUESTS: dict[str, Callable[[str], ApiResponse]] = {
    "edit": lambda by: edit(by, permissions={"remove": ["crm.import"]}),
    "end": remove,
    "suspend": suspend,
}
CONCURRENT_CHANGES: list[tuple[str, str, Change, str]] = [
    ("the client's admin is demoted", APPROVER, APPROVER_DEMOTED, "forbidden"),
    ("the client's admin is removed", APPROVER, member(APPROVER, active=False), "not_found"),
    ("the client's admin is deactivated", APPROVER, user(APPROVER, active=False), "forbidden"),
    ("the client's admin is suspended", APPROVER, member(APPROVER, suspended_by={"client"}), "forbidden"),
    ("who manages users no longer does", USERS, member(USERS, added=[]), "forbidden"),
    ("the manager loses their right", MANAGER, member(MANAGER, PARTNER, permission_set="view_only"), "not_found"),
    ("the manager is removed", MANAGER, member(MANAGER, PARTNER, active=False), "not_found"),
    ("the manager is deactivated", MANAGER, user(MANAGER, active=False), "not_found"),
    ("the manager leaves the partner", MANAGER, user(MANAGER, employed_by=None), "not_found"),
    ("the member is gone", APPROVER, REVOKED, "not_found"),
]  # fmt: skip
NEEDLESS_CHANGES: list[tuple[str, Change]] = [
    ("all access for the partner has ended", user(EMPLOYEE, offboardings={PARTNER: 1})),
    ("the program is terminated", account(PARTNER, program="terminated", terminations=1)),
    ("the account is closed", account(CLIENT, state="closed")),
]
"""Changes that make an act needless that only takes access away. It does not pin these records (domain.md rule 46)."""


@pytest.mark.parametrize("operation", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize(
    ("by", "move", "code"), [each[1:] for each in CONCURRENT_CHANGES], ids=[each[0] for each in CONCURRENT_CHANGES]
)
def test_change_after_concurrent_change_is_refused(
    table: Table, operation: Callable[[str], ApiResponse], by: str, move: Change, code: str
) -> None:
    seed_partner_admins(table)

    assert send_during_change(table, lambda: move(table), lambda: operation(by)).code == code


@pytest.mark.parametrize("by", [APPROVER, MANAGER])
@pytest.mark.parametrize("operation", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("move", [each[1] for each in NEEDLESS_CHANGES], ids=[each[0] for each in NEEDLESS_CHANGES])
def test_narrowing_change_during_change_that_makes_it_needless_counts_as_before_it(
    table: Table, operation: Callable[[str], ApiResponse], by: str, move: Change
) -> None:
    seed_partner_admins(table)

    answer = send_during_change(table, lambda: move(table), lambda: operation(by))

    assert answer.status in {200, 204}


COLLEAGUE_CHANGES: list[tuple[str, Change, str]] = [
    ("the colleague is narrowed", member(COLLEAGUE, removed=["account.users.manage"]), "forbidden"),
    ("the colleague is suspended", member(COLLEAGUE, suspended_by={"client"}), "forbidden"),
    ("the colleague leaves", user(COLLEAGUE, offboardings={PARTNER: 1}), "not_found"),
    ("the colleague leaves the partner", user(COLLEAGUE, employed_by=None), "forbidden"),
    ("the partner loses its domain", account(PARTNER, domains=["elsewhere.example"]), "forbidden"),
    ("the program is suspended", account(PARTNER, program="suspended"), "forbidden"),
]


@pytest.mark.parametrize("operation", [REQUESTS["edit"], REQUESTS["end"]], ids=["edit", "end"])
@pytest.mark.parametrize(
    ("move", "code"), [each[1:] for each in COLLEAGUE_CHANGES], ids=[each[0] for each in COLLEAGUE_CHANGES]
)
def test_change_by_colleague_after_concurrent_loss_of_rights_is_refused(
    table: Table, operation: Callable[[str], ApiResponse], move: Change, code: str
) -> None:
    seed_partner_admins(table)

    assert send_during_change(table, lambda: move(table), lambda: operation(COLLEAGUE)).code == code


def test_remove_colleague_by_concurrently_suspended_partner_is_refused(table: Table) -> None:
    seed_partner_admins(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER))
    suspended = account(PARTNER, program="suspended")

    assert send_during_change(table, lambda: suspended(table), lambda: remove(COLLEAGUE)).code == "forbidden"


def narrow_member() -> ApiResponse:
    return edit(USERS, CLERK, permissions={"remove": ["crm.tickets.view"]})


@pytest.mark.parametrize("operation", [narrow_member, lambda: remove(USERS, CLERK)], ids=["edit", "end"])
def test_change_after_concurrent_narrowing_of_custom_set_is_refused(table: Table, operation: Request) -> None:
    own = a_custom_set(permissions=("account.users.manage", "crm.tickets.view"))
    seed_partner_admins(table, own, a_member(USERS, CUSTOM_SET), a_member(CLERK, CUSTOM_SET))

    def narrowed() -> None:
        table.change(keys.of(own), version=NEXT_VERSION, permissions=["crm.tickets.view"])

    assert send_during_change(table, narrowed, operation).code == "forbidden"


SPECIAL_CHANGES: list[tuple[str, Request, Change, str]] = [
    ("a set is gone", give_own_set, lambda table: table.remove(keys.permission_set(CLIENT, CUSTOM_SET)), "unknown_permission_set"),
    ("a set makes no sense any more", lambda: edit(APPROVER, USERS, permission_set=CUSTOM_SET, permissions={"add": ["crm.tickets.delete:team"]}),
        lambda table: table.change(keys.permission_set(CLIENT, CUSTOM_SET), version=NEXT_VERSION, permissions=["crm.tickets.view"]), "invalid_field"),
    ("the witness is demoted", demote, both_changes(APPROVER_DEMOTED, super_admins(CLERK)), "forbidden"),
    ("the approver joins the partner of the promoted user", promote, user(APPROVER, employed_by={PARTNER}), "own_partner_may_not_approve"),
    ("the approver joins the partner of the widened user", lambda: edit(overrides={}), user(APPROVER, employed_by={PARTNER}), "own_partner_may_not_approve"),
    ("the approver joins the partner of the extended user", lambda: edit(access_days=None), user(APPROVER, employed_by={PARTNER}), "own_partner_may_not_approve"),
    ("the promoted is suspended", promote, account(PARTNER, program="suspended"), "grant_suspended"),
    ("the promoted is deactivated", promote, user(EMPLOYEE, active=False), "grant_suspended"),
    ("the account of the promoted is closed", promote, account(CLIENT, state="closed"), "account_closed"),
    ("the partner's manager, also a member here, loses their right there", lambda: edit(MANAGER, permissions={"remove": ["crm.export", "crm.import"]}),
        member(MANAGER, PARTNER, permission_set="view_only"), "forbidden"),
    ("another user edits before", promote, member(EMPLOYEE, removed=["crm.export"]), "precondition_failed"),
    ("another user edits before it ends", remove, member(EMPLOYEE, removed=["crm.export"]), "precondition_failed"),
    ("the last seat is taken", lambda: edit(APPROVER, MANAGER, permission_set="partner_admin"), partner_seats_used(3), "no_seat_left"),
    ("the partner is suspended", lambda: edit(APPROVER, MANAGER, permission_set="partner_admin"), account(PARTNER, program="suspended"), "not_eligible"),
    ("the new one leaves", lambda: edit(APPROVER, MANAGER, permission_set="partner_admin"), user(MANAGER, employed_by=None), "not_eligible"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "move", "code"), [each[1:] for each in SPECIAL_CHANGES], ids=[each[0] for each in SPECIAL_CHANGES]
)
def test_change_after_concurrent_change_of_special_facts_is_refused(
    table: Table, operation: Request, move: Change, code: str
) -> None:
    timed = a_partner_admin(removed=("crm.import",), grant=a_grant().with_end(end_after(10, now()), now()))
    seed_partner_admins(
        table, the_client(partner_seat_limit=3), timed, a_member(CLERK), a_custom_set(), a_member(MANAGER, "sales")
    )

    assert send_during_change(table, lambda: move(table), operation).code == code


def test_edit_after_concurrent_loss_of_given_permission_is_refused(table: Table) -> None:
    seed_partner_admins(table, a_member(USERS, "view_only", added=("account.users.manage", "crm.import")))
    gone = member(USERS, added=["account.users.manage"])

    answer = send_during_change(
        table, lambda: gone(table), lambda: edit(USERS, CLERK, permissions={"add": ["crm.import"]})
    )

    assert answer.code == "permission_not_held"


def test_concurrent_demotions_of_two_super_admins_keep_one(table: Table) -> None:
    for second in (demote, lambda: remove(CLERK, CLERK)):
        table.clear()
        seed_partner_admins(table, a_member(CLERK))
        answer = send_during_change(table, lambda: edit(CLERK, APPROVER, permission_set="sales"), second)
        assert answer.code in {"last_super_admin", "forbidden"}
        assert invariants.violations(table.items()) == []


def test_remove_super_admin_with_lost_witness_uses_another(table: Table) -> None:
    seed_partner_admins(table, a_member(CLERK), a_member(MANAGER))
    gone = both_changes(member(APPROVER, permission_set="sales"), super_admins(CLERK, MANAGER))

    assert send_during_change(table, lambda: gone(table), lambda: remove(CLERK, CLERK)).status == 200
    assert invariants.accounts_have_a_super_admin.__doc__ is not None
    assert [*invariants.violations(table.items())] == []


@pytest.mark.parametrize("operation", REQUESTS.values(), ids=REQUESTS)
def test_change_after_unrelated_concurrent_change_succeeds(
    table: Table, operation: Callable[[str], ApiResponse]
) -> None:
    seed_partner_admins(table)
    renamed = account(CLIENT, name="The Baker's")

    assert send_during_change(table, lambda: renamed(table), lambda: operation(APPROVER)).status in {200, 204}


@pytest.mark.parametrize(
    ("key", "operation"),
    [
        (keys.user(APPROVER), narrow(APPROVER)),
        (keys.member(CLIENT, APPROVER), narrow(APPROVER)),
        (keys.user(APPROVER), remove),
    ],
)
def test_change_with_persistent_conflict_returns_rights_changed(
    table: Table, key: keys.Key, operation: Request
) -> None:
    seed_partner_admins(table)
    versions = iter(range(2, 20))

    with before_commit(lambda: table.change(key, version=next(versions)), times=12) as times:
        answer = operation()
    assert (answer.code, len(times)) == ("rights_changed", 12)


# writes


def test_remove_partner_admin_frees_seat_and_list_entry(table: Table) -> None:
    seed_partner_admins(table)

    assert remove().status == 200

    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1
    assert "list_key" not in (table.get(keys.member(CLIENT, EMPLOYEE)) or {})
    assert invariants.violations(table.items()) == []


@pytest.mark.parametrize("operation", [promote, remove])
def test_change_with_seat_count_zero_returns_rights_changed(table: Table, operation: Request) -> None:
    """Check that the seat count never becomes negative, even if it disagrees with the members."""
    seed_partner_admins(table)
    partner_seats_used(0)(table)

    assert_error(table, operation, 409, "rights_changed")


def test_promotion_updates_super_admin_list_and_user_version(table: Table) -> None:
    seed_partner_admins(table)

    assert promote().status == 200

    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == {APPROVER, EMPLOYEE}
    assert (table.get(keys.user(EMPLOYEE)) or {})["version"] == 2
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1
    assert demote_and_list(table) == {APPROVER}
    assert (table.get(keys.user(EMPLOYEE)) or {})["version"] == 2
    assert invariants.violations(table.items()) == []


def test_edit_of_super_admin_without_demotion_keeps_user_version(table: Table) -> None:
    seed_partner_admins(table, a_member(CLERK))

    assert edit(APPROVER, CLERK, paid_seats=["sales"]).status == 200

    assert (table.get(keys.member(CLIENT, CLERK)) or {})["version"] == 2
    assert (table.get(keys.user(CLERK)) or {})["version"] == 1


def demote_and_list(table: Table) -> set[str]:
    assert edit(APPROVER, expected_version=2, permission_set="sales").status == 200
    found: set[str] = (table.get(keys.super_admins(CLIENT)) or {})["user_ids"]
    return found


def test_changes_of_custom_sets_update_holder_counts(table: Table) -> None:
    seed_partner_admins(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))

    give_own_set()
    edit(APPROVER, EMPLOYEE, permission_set=CUSTOM_SET)
    remove(APPROVER, CLERK)

    stored = table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}
    assert (stored["holders"], stored["partner_holders"], stored["version"]) == (2, 1, 1)
    assert invariants.violations(table.items()) == []

    remove(APPROVER, EMPLOYEE, expected_version=2)

    stored = table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}
    assert (stored["holders"], stored["partner_holders"], stored["version"]) == (1, 0, 1)
    assert invariants.violations(table.items()) == []


@pytest.mark.parametrize("partners", [(PARTNER,), (PARTNER, SOUTH)])
def test_remove_employee_from_partner_offboards_and_queues_reconciliation(
    table: Table, partners: tuple[str, ...]
) -> None:
    seed_partner_admins(
        table,
        the_partner(account_id=SOUTH),
        *(a_partner_account_member(EMPLOYEE, account_id=partner_id) for partner_id in partners),
    )

    assert remove(MANAGER, EMPLOYEE, account_id=PARTNER).status == 200

    stored = User.model_validate(table.get(keys.user(EMPLOYEE)))
    assert (stored.employed_by, stored.offboardings, stored.version) == (
        frozenset(partners) - {PARTNER},
        {PARTNER: 1},
        2,
    )
    (queued,) = table.items_with_prefix("RECONCILIATION#")
    reconciliation = Reconciliation.model_validate(queued["reconciliation"])
    assert reconciliation == Reconciliation(
        partner_id=PARTNER, user_id=EMPLOYEE, reason=ReconciliationReason.OFFBOARDED
    )


@pytest.mark.parametrize("others", [(), (WEST,)])
def test_remove_employee_keeps_concurrently_joined_partner(table: Table, others: tuple[str, ...]) -> None:
    seed_partner_admins(
        table,
        *(the_partner(account_id=partner_id) for partner_id in others),
        *(a_partner_account_member(EMPLOYEE, account_id=partner_id) for partner_id in others),
    )
    joins = user(EMPLOYEE, employed_by={PARTNER, SOUTH, *others})

    assert (
        send_during_change(table, lambda: joins(table), lambda: remove(MANAGER, EMPLOYEE, account_id=PARTNER)).status
        == 200
    )

    assert (table.get(keys.user(EMPLOYEE)) or {})["employed_by"] == {SOUTH, *others}


# cost

SUSPENDED = a_partner_admin(suspended_by=frozenset({"client"}))
SUSPENDED_BY_PARTNER = a_partner_admin(suspended_by=frozenset({"partner"}))
COSTS: dict[str, tuple[Request, tuple[Record, ...], int, int]] = {
    "narrow, by the client": (narrow(APPROVER), (), 2, 18),
    "narrow, by the partner's manager": (narrow(MANAGER), (), 2, 18),
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
    "end a grant": (remove, (), 2, 19),
    "end a grant, by the partner's manager": (lambda: remove(MANAGER), (), 2, 19),
    "end a grant, by the vendor": (lambda: remove(VENDOR, scope=DIRECTORY), (), 2, 15),
    "leave": (lambda: remove(EMPLOYEE), (), 2, 15),
    "end a super admin": (lambda: remove(APPROVER, CLERK), (a_member(CLERK),), 1, 16),
    "remove an employee": (lambda: remove(MANAGER, EMPLOYEE, account_id=PARTNER), (), 1, 16),
    "suspend": (suspend, (), 2, 18),
    "suspend, by the partner's manager": (lambda: suspend(MANAGER), (), 2, 18),
    "resume": (resume, (SUSPENDED,), 2, 18),
    "resume, by the partner's manager": (lambda: resume(MANAGER), (SUSPENDED_BY_PARTNER,), 2, 18),
}


def costs_of(table: Table, operation: Request, others: tuple[Record, ...]) -> Costs:
    seed_partner_admins(table, *others)
    with count_costs(table) as costs:
        assert operation().status in {200, 204}
    return costs


@pytest.mark.parametrize(("operation", "others", "reads", "units"), COSTS.values(), ids=COSTS)
def test_change_costs_expected_reads_and_units(
    table: Table, operation: Request, others: tuple[Record, ...], reads: int, units: int
) -> None:
    costs = costs_of(table, operation, others)

    assert (costs.reads, costs.writes) == (reads, 1 if units else 0)
    assert costs.units <= units
