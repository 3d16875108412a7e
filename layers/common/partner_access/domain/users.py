"""Users: the people of the directory, and who of them is eligible as a partner admin."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field
from typing_extensions import override

from partner_access.domain.accounts import Account
from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    InvalidField,
)
from partner_access.domain.notifications import StoredLocale
from partner_access.domain.records import Record


class User(Record):
    """A person, with one record per email address.

    `employed_by` holds the ids of the partner accounts in which the user is an active member. `open_links` counts
    access links and changes without a new version. `offboardings` counts, for each partner id, how often all access of
    the user for that partner was ended. `manager_offboardings` has, for each partner whose managers ended all access of
    the user, the access generation that the last time began. `employments_ended` has, for each partner that the user
    left, the last time.
    """

    user_id: str
    name: str
    email: str | None = None
    locale: StoredLocale | None = None
    active: bool = True
    employed_by: frozenset[str] = frozenset()
    open_links: int = 0
    offboardings: Mapping[str, int] = Field(default_factory=dict)
    manager_offboardings: Mapping[str, int] = Field(default_factory=dict)
    employments_ended: Mapping[str, datetime] = Field(default_factory=dict)

    @override
    def __hash__(self) -> int:
        """Hash the user by id and version, because a mapping has no hash."""
        return hash((self.user_id, self.version))

    @property
    def is_partner_employee(self) -> bool:
        return bool(self.employed_by)

    @property
    def is_or_was_partner_employee(self) -> bool:
        return bool(self.employed_by or self.employments_ended)

    def employers_since(self, since: datetime | None) -> frozenset[str]:
        """Return the partners that employ the user, and those that did at or after this time."""
        if not since:
            return self.employed_by
        return self.employed_by | {each for each, left_at in self.employments_ended.items() if left_at >= since}


def access_generation_of(user: User, partner: Account) -> int:
    """Return the access generation of the user for the partner.

    It counts how often all access was ended: the user's `offboardings` for the partner plus the partner's
    `terminations`.
    """
    return user.offboardings.get(partner.account_id, 0) + partner.terminations


def with_access_ended(user: User, partner_id: str) -> User:
    """Return the user with all access for this partner ended, everywhere and for good (domain.md rule 21)."""
    return user.next_version(offboardings={**user.offboardings, partner_id: user.offboardings.get(partner_id, 0) + 1})


def with_access_ended_by_manager(user: User, partner: Account) -> User:
    """Return the same user as above, and remember that others for the partner ended the access (domain.md rule 42)."""
    ended = with_access_ended(user, partner.account_id)
    generations = {**user.manager_offboardings, partner.account_id: access_generation_of(ended, partner)}
    return ended.model_copy(update={"manager_offboardings": generations})


def without_employment(user: User, partner_id: str, at: datetime) -> User:
    """Return the user without employment by this partner from this time on."""
    return user.model_copy(
        update={
            "employed_by": user.employed_by - {partner_id},
            "employments_ended": {**user.employments_ended, partner_id: at},
        }
    )


def must_not_be_deactivated(user: User | None) -> None:
    """Raise `Forbidden` for a user that the vendor has deactivated. A user who is not in the directory yet passes."""
    if user and not user.active:
        raise Forbidden


def works_for(user: User | None, partner_id: str | None) -> bool:
    """Return whether the user is an employee of this partner. The partner's program does not matter."""
    return user is not None and partner_id in user.employed_by


def is_eligible(user: User | None, partner: Account | None) -> bool:
    """Return whether this user can be a partner admin for this partner (domain.md §2)."""
    return (
        user is not None
        and partner is not None
        and partner.is_partner
        and partner.is_in_program
        and user.active
        and user.email is not None
        and works_for(user, partner.account_id)
        and user.email.rpartition("@")[2] in partner.domains
    )


def resolve_partner_id(user: User | None, partner_id: str | None) -> str | None:
    """Return the id of the partner for which a user is migrated or created: the named one, or their only employer."""
    if partner_id or not user or len(user.employed_by) != 1:
        return partner_id
    return min(user.employed_by)


def partner_id_required() -> DomainError:
    """Return the error for a user who works for several partners, when the request names none."""
    return InvalidField("partner_id").with_detail("Name the partner in partner_id: this user works for several.")


def partner_is_ambiguous(user: User | None, partner_id: str | None) -> bool:
    """Return whether a request must name the partner, because the user works for several (domain.md rule 14)."""
    return not partner_id and user is not None and len(user.employed_by) > 1
