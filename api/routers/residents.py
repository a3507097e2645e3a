"""Residents: the list, the file of one, and what they consented to."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from alerts.detection import unwatched
from alerts.rules import Thresholds
from alerts.rules.unwatched import Reason, Unwatched
from api import examples
from api.deps import CurrentViewer, Db, Id, Now, SettingsOf
from api.query import Cursor
from api.responses import Json, answers
from eldercare.accounts import audit
from eldercare.accounts.access import require_role
from eldercare.accounts.viewers import Role
from eldercare.community import consents, devices, emergency_note, people, people_changes, resident_changes, residents
from eldercare.community.consents import Consent, Purpose
from eldercare.community.devices import Assignment
from eldercare.community.people import Contact
from eldercare.community.resident_schema import (
    MOST_IN_ADDRESS,
    MOST_IN_NAME,
    EmergencyNote,
    File,
    Resident,
    ResidentFacts,
)
from eldercare.community.residents import Filters
from eldercare.platform.pagination import Page

router = APIRouter(prefix="/residents", tags=["residents"])

Flag = Annotated[bool | None, Query()]
ContactKind = Literal["family", "doctor", "neighbour", "care_worker", "volunteer"]


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything there is in one file (一人一档), as far as the viewer may see it."""

    file: File
    contacts: list[Contact]
    consents: list[Consent]
    assignments: list[Assignment]
    emergency_note: EmergencyNote | None


@dataclass(frozen=True, slots=True)
class Lack:
    """A rule that cannot watch the resident, and why. `known` and `needed` are in `unit`: seconds from one value or
    position to the next, or days that are learnt; all None where there is no number."""

    rule: str
    reason: Reason
    known: float | None
    needed: float | None
    unit: Literal["s", "days"] | None


class Changes(ResidentFacts):
    """Fields of the file to change; an absent one stays as it is. The role decides which ones may change."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"away_until": "2026-12-01T08:00:00+08:00", "away_reason": "住院"}},
    )


class NewResident(Changes):
    """Somebody new; a band is given to them by `POST /devices/{id}/assign`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "张桂英", "address": "梧桐路8号302室", "phone": "+99910000012"}},
    )

    name: Annotated[str, Field(min_length=1, max_length=MOST_IN_NAME)]
    address: Annotated[str, Field(min_length=1, max_length=MOST_IN_ADDRESS)]


class Tie(BaseModel):
    """What a person is to the resident; lower positions are called first."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"kind": "family", "relation": "女儿", "holds_key": True}}
    )

    kind: ContactKind
    relation: Annotated[str, Field(max_length=50)] = ""
    holds_key: StrictBool = False
    position: Annotated[int, Field(ge=1, le=100)] = 1


class KeyHeld(BaseModel):
    """Whether they hold a key."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"holds_key": True}})

    holds_key: StrictBool


class ConsentGiven(BaseModel):
    """A consent as it was given, on paper or otherwise."""

    model_config = ConfigDict(extra="forbid")

    purpose: Annotated[Purpose, Field(examples=["family_health"])]
    given_by: Annotated[str, Field(min_length=1, max_length=100, examples=["张桂英"])]
    method: Annotated[str, Field(min_length=1, max_length=100, examples=["paper"])] = "paper"


@router.get("", response_model=Page[Resident], responses=answers(examples.page(examples.RESIDENT), 422))
async def list_residents(
    conn: Db,
    viewer: CurrentViewer,
    text: Annotated[str | None, Query(max_length=100, description="in name, address, telephone or number")] = None,
    grid_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    with_band: Flag = None,
    away: Flag = None,
    lives_alone: Flag = None,
    disabled: Flag = None,
    low_income: Flag = None,
    hardship: Flag = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """The residents whom the viewer sees, with the newest values of each as far as they are theirs to see."""
    flags = {"lives_alone": lives_alone, "disabled": disabled, "low_income": low_income, "hardship": hardship}
    filters = Filters(text, grid_id, with_band, away, flags)
    page = await residents.listing(conn, viewer, filters, cursor=cursor, limit=limit)
    seen = (resident.id for resident in page.items if resident.sees_health or resident.sees_location)
    await audit.shown(conn, viewer, "residents", seen)
    return Json(page)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=Resident,
    responses=answers(examples.RESIDENT, 403, 413, 422, status=201),
)
async def add_resident(new: NewResident, conn: Db, viewer: CurrentViewer, now: Now, settings: SettingsOf) -> Json:
    """Add somebody who is looked after from now on; one who is there already is refused. Duty and admin."""
    if new.rule_overrides:
        Thresholds().with_overrides(new.rule_overrides)
    today = now.astimezone(settings.zone).date()
    resident_id = await resident_changes.add(conn, viewer, new.model_dump(exclude_unset=True), today)
    return Json(await residents.get(conn, viewer, resident_id), status_code=status.HTTP_201_CREATED)


@router.get("/{id}", response_model=Resident, responses=answers(examples.RESIDENT, 403, 404, 422))
async def get_resident(id: Id, conn: Db, viewer: CurrentViewer) -> Json:
    """One resident with the newest values of their band."""
    resident = await residents.get(conn, viewer, id)
    if resident.sees_health or resident.sees_location:
        await audit.record(conn, viewer, "newest", resident_id=id)
    return Json(resident)


@router.get("/{id}/dossier", response_model=Dossier, responses=answers(examples.DOSSIER, 403, 404, 422))
async def get_dossier(id: Id, conn: Db, viewer: CurrentViewer) -> Json:
    """The file of one resident: health, needs, how to get in, contacts, consents, bands, and the emergency note."""
    found = await residents.file(conn, viewer, id)
    note = (await emergency_note.of(conn, viewer, [id])).get(id)
    if found.resident.sees_health or found.resident.sees_location or note is not None:
        await audit.record(conn, viewer, "file" if note is None else "file,emergency_note", resident_id=id)
    return Json(
        Dossier(
            found,
            await people.contacts_of(conn, viewer, id),
            await consents.history(conn, id),
            await devices.assignments(conn, resident_id=id),
            note,
        )
    )


@router.get("/{id}/unwatched", response_model=list[Lack], responses=answers([examples.LACK], 403, 404, 422))
async def get_unwatched(id: Id, conn: Db, viewer: CurrentViewer, now: Now, settings: SettingsOf) -> Json:
    """Which rules cannot watch the resident, and why; as far as the viewer sees what they are about. While somebody is
    away no rule speaks, and none is named here."""
    found = await unwatched.ask(conn, viewer, id, now, settings.zone)
    return Json([_lack(each) for each in found])


def _lack(each: Unwatched) -> Lack:
    unit: Literal["s", "days"] | None = None
    if each.needed is not None:
        unit = "days" if each.reason is Reason.LEARNING else "s"
    return Lack(each.rule, each.reason, each.known, each.needed, unit)


@router.patch("/{id}", response_model=Resident, responses=answers(examples.RESIDENT, 403, 404, 413, 422))
async def change_resident(
    id: Id, changes: Changes, conn: Db, viewer: CurrentViewer, now: Now, settings: SettingsOf
) -> Json:
    """Change the file, such as `away_until` for a stay in hospital: until then silence alarms nobody. An SOS does."""
    if changes.rule_overrides:
        Thresholds().with_overrides(changes.rule_overrides)
    today = now.astimezone(settings.zone).date()
    await residents.update(conn, viewer, id, changes.model_dump(exclude_unset=True), today)
    return Json(await residents.get(conn, viewer, id))


@router.put(
    "/{id}/contacts/{person_id}",
    response_model=list[Contact],
    responses=answers([examples.CONTACT], 403, 404, 409, 413, 422),
)
async def link_contact(id: Id, person_id: Id, tie: Tie, conn: Db, viewer: CurrentViewer) -> Json:
    """Make a person a relative, doctor or neighbour of the resident, or change what they are. Duty and admin.

    The answer lists all contacts.
    """
    await people_changes.link(
        conn, viewer, id, person_id, tie.kind,
        relation=tie.relation, holds_key=tie.holds_key, position=tie.position,
    )  # fmt: skip
    return Json(await people.contacts_of(conn, viewer, id))


@router.put(
    "/{id}/keys/{person_id}",
    response_model=list[Contact],
    responses=answers([examples.CONTACT], 403, 404, 413, 422),
)
async def hold_key(id: Id, person_id: Id, key: KeyHeld, conn: Db, viewer: CurrentViewer) -> Json:
    """Whether a contact holds a key. Duty and admin. The answer lists all contacts."""
    await people_changes.hold_key(conn, viewer, id, person_id, key.holds_key)
    return Json(await people.contacts_of(conn, viewer, id))


@router.delete(
    "/{id}/contacts/{person_id}/{kind}",
    response_model=list[Contact],
    responses=answers([examples.CONTACT], 403, 404, 422),
)
async def unlink_contact(id: Id, person_id: Id, kind: ContactKind, conn: Db, viewer: CurrentViewer) -> Json:
    """The person is no longer that to the resident. Duty and admin. The answer lists the contacts that are left."""
    await people_changes.unlink(conn, viewer, id, person_id, kind)
    return Json(await people.contacts_of(conn, viewer, id))


@router.post(
    "/{id}/consents",
    status_code=status.HTTP_201_CREATED,
    response_model=list[Consent],
    responses=answers([examples.CONSENT], 403, 404, 409, 413, 422, status=201),
)
async def give_consent(id: Id, given: ConsentGiven, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Record a consent; the answer lists those that stand now."""
    await _may_keep_consents(conn, viewer, id)
    await consents.refuse_to_oneself(conn, viewer, id)
    await consents.give(conn, id, given.purpose, given_by=given.given_by, now=now, method=given.method)
    await audit.record(conn, viewer, "consent", resident_id=id, action="give", detail={"purpose": given.purpose})
    return Json(await consents.standing(conn, id), status_code=status.HTTP_201_CREATED)


@router.delete(
    "/{id}/consents/{purpose}",
    response_model=list[Consent],
    responses=answers([examples.CONSENT], 403, 404, 422),
)
async def withdraw_consent(id: Id, purpose: Purpose, conn: Db, viewer: CurrentViewer, now: Now) -> Json:
    """Withdraw a consent: it acts at the next request. The answer lists those that still stand."""
    await _may_keep_consents(conn, viewer, id)
    await consents.withdraw(conn, id, purpose, now)
    await audit.record(conn, viewer, "consent", resident_id=id, action="withdraw", detail={"purpose": purpose})
    return Json(await consents.standing(conn, id))


async def _may_keep_consents(conn: Db, viewer: CurrentViewer, resident_id: int) -> None:
    await residents.get(conn, viewer, resident_id)
    require_role(viewer, Role.DUTY, Role.ADMIN)
