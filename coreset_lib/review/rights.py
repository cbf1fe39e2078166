"""Who may do what."""

from collections.abc import Mapping

from coreset_lib.errors import ReviewError
from coreset_lib.review.identity import is_same_person
from coreset_lib.review.records import (
    ROLE_TITLES,
    ROLES,
    SECOND_READERS,
    Decision,
    Event,
)

# Which roles may do it.
MAY: dict[str, tuple[str, ...]] = {
    "keep": ROLES,
    "relabel": ROLES,
    "flag": ROLES,
    "skip": ROLES,
    "undo": ROLES,
    "export": ROLES,
    "confirm": SECOND_READERS,
    "reject": SECOND_READERS,
    "import": ("admin",),
    "set rules": ("admin",),
    "grant roles": ("admin",),
    "start or stop work": ROLES,
    "change runs": ROLES,
    "delete runs": ("admin",),
}


def may(role: str | None, what: str) -> bool:
    """Whether a role allows something."""
    return role in MAY[what]


def check_role(reader: str, role: str | None, what: str) -> None:
    """Raise ReviewError unless a person's role allows something."""
    if may(role, what):
        return
    if role is None:
        raise ReviewError(
            f"{reader!r} is not among the readers. An admin adds them with: "
            f"coreset-lens review users --add {reader!r} --role reader"
        )
    allowed = " or ".join(ROLE_TITLES[name] for name in MAY[what])
    raise ReviewError(
        f"to {what} one must be {allowed}, and {reader!r} is {ROLE_TITLES[role]}. "
        "Ask an admin for another role."
    )


def check_second(decision: Decision, target: Event) -> None:
    """Raise ReviewError where somebody would confirm or reject their own decision."""
    if is_same_person(target.reader, decision.reader):
        raise ReviewError(
            f"{decision.action} must be by another reader than the decision's, got "
            f"{decision.reader!r} for both. Let a second reader look at it, or undo it."
        )


def check_undo(reader: str, role: str | None, event: Event) -> None:
    """Raise ReviewError where somebody would undo what another person decided."""
    if event.reader != reader and role != "admin":
        raise ReviewError(
            f"undo must be of one's own decision, got one of {event.reader!r}. "
            "Decide otherwise instead, or ask an admin."
        )


def check_grant(roles: Mapping[str, str], reader: str, role: str, by: str) -> None:
    """Raise ReviewError unless ``by`` may give ``reader`` the role."""
    if not roles:
        if reader != by or role != "admin":
            raise ReviewError(
                f"the first reader of a review database must be its admin, got {role} for "
                f"{reader!r}. Begin with: coreset-lens review users --add NAME --role admin"
            )
        return
    check_role(by, roles.get(by), "grant roles")
    others = [name for name, held in roles.items() if held == "admin" and name != reader]
    if role != "admin" and not others:
        raise ReviewError(
            f"a review database must keep an admin, and {reader!r} is the only one. "
            "Make somebody else admin first."
        )
