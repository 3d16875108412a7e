"""Users: the people of the directory, and who of them is eligible as a partner admin."""

from collections.abc import Mapping

from pydantic import Field
from typing_extensions import override

from partner_access.domain.accounts import Account
from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    InvalidField,
)
from partner_access.domain.notifications import Locale
from partner_access.domain.records import Record


class User(Record):
    """A person; `employed_by` are the partner accounts where he is an active member, `open_links` a mere count.

    `leavings` tells for a partner how often all his access on its behalf was ended.
    """

    user_id: str
    name: str
    email: str | None = None
    locale: Locale | None = None
    active: bool = True
    employed_by: frozenset[str] = frozenset()
    open_links: int = 0
    offboardings: Mapping[str, int] = Field(default_factory=dict)

    @override
    def __hash__(self) -> int:
        """By who he is and how often he changed: a mapping has no hash of its own."""
        return hash((self.user_id, self.version))

    @property
    def is_partner_employee(self) -> bool:
        return bool(self.employed_by)


def access_generation_of(user: User, partner: Account) -> int:
    """How often the person's access for this partner was ended as a whole: his alone, or with all of the partner's."""
    return user.offboardings.get(partner.account_id, 0) + partner.terminations


def with_access_ended(user: User, partner_id: str) -> User:
    """The person when all that he may do for this partner ends, everywhere and for good (domain.md rule 21)."""
    return user.next_version(offboardings={**user.offboardings, partner_id: user.offboardings.get(partner_id, 0) + 1})


def without_employment(user: User, partner: Account) -> User:
    """The person when he works for this partner no more."""
    return with_access_ended(user, partner.account_id).model_copy(
        update={"employed_by": user.employed_by - {partner.account_id}}
    )


def must_not_be_deactivated(user: User | None) -> None:
    """Whoever the vendor has deactivated does nothing here; somebody it has not told of yet has nothing to do."""
    if user and not user.active:
        raise Forbidden


def is_eligible(user: User | None, partner: Account | None) -> bool:
    """Whether this person can be a partner admin for this partner (domain.md §2)."""
    return (
        user is not None
        and partner is not None
        and partner.is_partner
        and partner.is_in_program
        and user.active
        and user.email is not None
        and partner.account_id in user.employed_by
        and user.email.rpartition("@")[2] in partner.domains
    )


def resolve_partner_id(user: User | None, partner_id: str | None) -> str | None:
    """The partner on whose behalf a person is migrated or created: the one named, or his only one."""
    if partner_id or not user or len(user.employed_by) != 1:
        return partner_id
    return min(user.employed_by)


def partner_id_required() -> DomainError:
    """What whoever acts for a person of several firms is told."""
    return InvalidField("/partner_id").with_detail("Name the partner in partner_id: this person works for several.")


def partner_is_ambiguous(user: User | None, partner_id: str | None) -> bool:
    """Whether somebody of two firms must say first which one is meant (domain.md rule 14)."""
    return not partner_id and user is not None and len(user.employed_by) > 1
