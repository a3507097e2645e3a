"""Finds who of a list is there already: by the committee's number, or without one by name and address. Pure.

A number that names another person is refused, and so is a person who is there under another number. If they were
overwritten or doubled, help would go to the wrong door.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from eldercare.community import likeness
from eldercare.community.resident_import.check import BadCell, Entry, likenesses, one_person

Resident = dict[str, Any]
"""The columns of a resident that a list may fill, with `id` and `left_at`."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """The resident of each entry that has one, by the entry's place, and what cannot be taken."""

    known: dict[tuple[str, int], Resident] = field(default_factory=dict)
    bad: list[BadCell] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Residents:
    by_number: dict[str, Resident]
    alike: dict[tuple[str, ...], list[Resident]]


def recognise(entries: Sequence[Entry], residents: Sequence[Resident]) -> Recognised:
    """The resident of each entry. An entry without one, and without a fault, is somebody new."""
    index = _index(residents)
    found = Recognised()
    claimed: dict[int, Entry] = {}
    for entry in entries:
        resident = _resident_of(entry, index)
        if isinstance(resident, BadCell):
            found.bad.append(resident)
        elif resident is not None:
            earlier = claimed.setdefault(resident["id"], entry)
            if earlier is not entry:
                reason = f"与第 {earlier.row} 行是同一位老人 / is the same resident as row {earlier.row}"
                found.bad.append(entry.bad("name", reason))
            found.known[entry.place] = resident
    return found


def _index(residents: Sequence[Resident]) -> _Residents:
    index = _Residents({}, {})
    for resident in residents:
        if resident["external_id"]:
            index.by_number[likeness.number(resident["external_id"])] = resident
        if resident["left_at"] is None:
            for key in likenesses(resident):
                index.alike.setdefault(key, []).append(resident)
    return index


def _resident_of(entry: Entry, index: _Residents) -> Resident | BadCell | None:
    number = entry.values.get("external_id")
    numbered = index.by_number.get(likeness.number(number)) if number else None
    if numbered is not None:
        return _by_number(entry, numbered)
    return _by_likeness(entry, number, index)


def _by_number(entry: Entry, resident: Resident) -> Resident | BadCell:
    values = entry.values
    same_name = likeness.key(values["name"]) == likeness.key(resident["name"])
    if not (_same_one(values, resident) if same_name else _renamed(values, resident, entry.months_only)):
        hers = _who(resident)
        reason = (
            f"编号 {resident['external_id']} 是 {hers} 的，不是{_who(values)}；改名请先在库里改，或写上相同的出生日期"
            f" / is the number of another person, {hers}"
        )
        return entry.bad("external_id", reason)
    if resident["left_at"] is not None and "device_id" in values:
        reason = (
            f"编号 {resident['external_id']} 的 {resident['name']} 已离开，不能分配手环 / has left and gets no band"
        )
        return entry.bad("external_id", reason)
    return resident


def _by_likeness(entry: Entry, number: str | None, index: _Residents) -> Resident | BadCell | None:
    twins: dict[int, Resident] = {}
    for key in likenesses(entry.values):
        for resident in index.alike.get(key, ()):
            if one_person(entry.values, resident):
                twins[resident["id"]] = resident
    if not twins:
        return None
    twin = twins[min(twins)]
    if len(twins) == 1 and twin["external_id"] is None:
        return twin  # the list brings her number, or knows none either
    known = "、".join(str(each["external_id"] or "无") for each in twins.values())
    if number is None:
        reason = (
            f"库里已有同名同址的老人，编号 {known}；要更新请在“编号”列写这个编号"
            f" / a resident of this name and address is there already: to update, write {known} as their number"
        )
        return entry.bad("name", reason)
    reason = (
        f"库里已有同名同址的老人，编号是 {known}，不是 {number} / a resident of this name and address is there already,"
        f" under the number {known} and not {number}"
    )
    return entry.bad("external_id", reason)


def _same_one(values: Resident, resident: Resident) -> bool:
    """Whether two of one name and number are one: the birth or the address may be corrected, not both at once."""
    return one_person(values, resident) or _same_door(values, resident)


def _renamed(values: Resident, resident: Resident, months_only: bool) -> bool:
    """Whether it is one person under another name. The day of birth says so if it is more than a guess; else the month
    does, together with the door or the telephone. Whoever knows only the year writes 1 January."""
    one: date | None = values.get("birth_date")
    other: date | None = resident["birth_date"]
    if one is None or other is None:
        return False
    guessed = months_only or (one.month, one.day) == (1, 1)
    same = (one.year, one.month) == (other.year, other.month) if months_only else one == other
    return same and (not guessed or _same_door(values, resident))


def _same_door(values: Resident, resident: Resident) -> bool:
    phones = values.get("phone"), resident["phone"]
    return likeness.address(values["address"]) == likeness.address(resident["address"]) or (
        phones[0] is not None and phones[0] == phones[1]
    )


def _who(values: Resident) -> str:
    born = values.get("birth_date")
    return f"{values['name']}（{born}）" if born else str(values["name"])
