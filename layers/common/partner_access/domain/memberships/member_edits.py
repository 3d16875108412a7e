"""The changes that an edit of a membership requests."""

from dataclasses import dataclass

from partner_access.domain.access_ends import RequestedEnd
from partner_access.domain.memberships.members import Seat
from partner_access.domain.permissions.rights import NO_OVERRIDES, Overrides, SetName


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberEdit:
    """The requested changes. A field that is None stays as it is.

    `overrides` replace all overrides. `permission_changes` change some permissions relative to those held now.
    """

    permission_set: str | None = None
    overrides: Overrides | None = None
    permission_changes: Overrides | None = None
    seat: Seat | None = None
    paid_seats: tuple[Seat, ...] | None = None
    end: RequestedEnd | None = None
    partner_id: str | None = None

    @property
    def changes_only_set(self) -> bool:
        others = (self.overrides, self.permission_changes, self.seat, self.paid_seats, self.end)
        return all(each is None for each in others)

    @property
    def keeps_set_and_overrides(self) -> bool:
        return (self.permission_set, self.overrides, self.permission_changes) == (None, None, None)

    @property
    def makes_super_admin(self) -> bool:
        return self.permission_set == SetName.SUPER_ADMIN

    def overrides_from(self, now: Overrides) -> Overrides:
        """Return the requested overrides of a member who has these now. A set alone removes them all."""
        if self.permission_changes is not None:
            return now.changed_by(self.permission_changes)
        return self.overrides or NO_OVERRIDES
