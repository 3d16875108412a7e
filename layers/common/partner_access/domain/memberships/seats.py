"""Seats of a member: the base seat and the paid seats in addition, and who can assign them."""

from partner_access.domain.errors import Forbidden, InvalidField, PermissionNotHeld
from partner_access.domain.memberships.members import PAID_SEATS, Member, Role, Seat, known_seats
from partner_access.domain.permissions.rights import BILLING_MANAGE, Rights


def with_seats(
    member: Member, seat: Seat | None, paid_seats: tuple[Seat, ...] | None, *, role: Role, rights: Rights
) -> Member:
    """Return the membership with the requested base seat and paid seats. None leaves them as they are.

    A partner admin keeps the partner seat and gets paid seats in addition. A change of paid seats needs the billing
    permission in the caller's rights.
    """
    if seat is None and paid_seats is None:
        return member
    base, paid = _requested(member, seat, paid_seats)
    if (base, paid) == (member.seat, set(member.paid_seats)):
        return member
    if not role.is_of_the_account:
        raise Forbidden("seat").with_detail("Only the client can assign seats.")
    if base is not member.seat and Seat.PARTNER in (base, member.seat):
        raise InvalidField("seat")
    if not set(known_seats(paid)) <= PAID_SEATS:
        raise InvalidField("paid_seats")
    paid_changes = PAID_SEATS & ({*paid, base} ^ {*member.paid_seats, member.seat})
    if paid_changes and BILLING_MANAGE not in rights:
        raise PermissionNotHeld("seat")
    return member.model_copy(update={"seat": base, "paid_seats": tuple(sorted(paid))})


def _requested(
    member: Member, seat: Seat | None, paid_seats: tuple[Seat, ...] | None
) -> tuple[Seat | str | None, set[Seat | str]]:
    """Return the base seat and the paid seats. Unknown paid seats stay (rule 34)."""
    unknown = set(member.paid_seats) - set(known_seats(member.paid_seats))
    requested = member.paid_seats if paid_seats is None else (*paid_seats, *unknown)
    if len(set(requested)) < len(requested):
        raise InvalidField("paid_seats")
    if seat in PAID_SEATS and member.seat is Seat.PARTNER:
        return member.seat, {*requested, seat}
    base = seat or member.seat
    return base, {*requested} - {base}
