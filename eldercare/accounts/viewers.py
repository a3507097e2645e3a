"""Who asks: roles, the parts of what is known of a resident, and the viewer that a person is. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is to the community. The last three never log in by themselves; a duty lead does as duty."""

    DUTY = "duty"
    GRID = "grid"
    FAMILY = "family"
    DOCTOR = "doctor"
    ADMIN = "admin"
    DUTY_LEAD = "duty_lead"
    CARE_WORKER = "care_worker"
    VOLUNTEER = "volunteer"


LOGIN_ROLES = (Role.DUTY, Role.GRID, Role.DOCTOR, Role.FAMILY, Role.ADMIN)
"""Roles that may log in; the first a person has is their primary one."""


class Scope(StrEnum):
    """A part of what is known of a resident."""

    CONTACT = "contact"
    """Name, address, telephone, flags, needs, how to get in, who holds a key, the band and its battery."""
    HEALTH = "health"
    """Heart rates, conditions, medicines, allergies, mobility, notes."""
    LOCATION = "location"
    """Positions and tracks."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. `role` is the primary one, under which reads are audited; rights are the union over `roles`."""

    person_id: int
    name: str
    roles: frozenset[Role]
    role: Role
    language: str = "zh"

    def has(self, *roles: Role) -> bool:
        """Whether the viewer has one of these roles."""
        return not self.roles.isdisjoint(roles)


def viewer_of(person_id: int, name: str, roles: Iterable[str], language: str = "zh") -> Viewer | None:
    """The viewer a person is, or None where none of their roles may log in. A duty lead is a duty officer too."""
    held = {Role(role) for role in roles}
    if Role.DUTY_LEAD in held:
        held.add(Role.DUTY)
    primary = next((role for role in LOGIN_ROLES if role in held), None)
    return Viewer(person_id, name, frozenset(held), primary, language) if primary else None


COMMAND_LINE = Viewer(0, "命令行 command line", frozenset({Role.ADMIN}), Role.ADMIN)
"""Whoever gives commands on the server itself. They have no row in the table, and are person 0 in the audit log."""
