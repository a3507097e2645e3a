"""What several pages read: the open incidents as cards, and what waits for somebody."""

from collections.abc import Sequence

from alerts.incidents import handling, permissions
from alerts.incidents.detail import Incident, IncidentDetail
from alerts.model.incident import Severity
from api.console.duty import cards
from api.console.duty.cards import Alarm, Card
from api.console.shell.screen import Screen
from eldercare.accounts.viewers import Viewer
from eldercare.community import people, residents
from eldercare.platform.database import Connection
from eldercare.platform.errors import Unauthenticated

MOST_OPEN = 500
"""Cards on one board; far more than anybody can work on, and still one page."""
GRAVE = (Severity.SOS, Severity.URGENT)
"""What may be about a life."""


def viewer_of(screen: Screen) -> Viewer:
    """Who looks at this screen. Raises Unauthenticated where nobody is logged in."""
    if screen.viewer is None:
        raise Unauthenticated("nobody is logged in")
    return screen.viewer


async def unresolved(conn: Connection, screen: Screen) -> list[Incident]:
    """The incidents that are not over, as far as the viewer may know of them, in the order of the board."""
    viewer = viewer_of(screen)
    page = await handling.listing(conn, viewer, states=["unresolved"], limit=MOST_OPEN)
    if page.next_cursor is None:
        return cards.in_order(page.items)
    # What is grave always has room, however old it is and however many tasks came after it.
    grave = await handling.listing(conn, viewer, states=["unresolved"], severities=GRAVE, limit=MOST_OPEN)
    found = {incident.id: incident for incident in (*page.items, *grave.items)}
    return cards.in_order(list(found.values()))


async def alarms(conn: Connection, screen: Screen) -> list[Alarm]:
    """What waits for somebody, for the bar of every page."""
    return cards.alarms(await unresolved(conn, screen))


def alarms_of(found: Sequence[Incident]) -> list[Alarm]:
    """The alarms of incidents that are read already."""
    return cards.alarms(found)


async def cards_of(conn: Connection, screen: Screen, found: Sequence[Incident]) -> list[Card]:
    """The cards of these incidents, in their order; three queries however many there are."""
    viewer = viewer_of(screen)
    ids = {incident.resident_id for incident in found if incident.resident_id is not None}
    files = await residents.files(conn, viewer, sorted(ids)) if ids else {}
    shut = sorted(ids - files.keys())
    doors = await residents.doors(conn, viewer, shut) if shut else {}
    contacts = await people.contacts_of_all(conn, viewer, sorted(files)) if files else {}
    told = await handling.notifications_of(conn, found) if found else {}
    return [
        cards.card(
            screen,
            incident,
            files.get(incident.resident_id or 0),
            contacts.get(incident.resident_id or 0, ()),
            told[incident.id],
            permissions.allowed(viewer, IncidentDetail(incident, [], told[incident.id])),
            doors.get(incident.resident_id or 0),
        )
        for incident in found
    ]


async def card_of(conn: Connection, screen: Screen, incident: Incident) -> Card:
    """The card of one incident."""
    return (await cards_of(conn, screen, [incident]))[0]
