"""What in a file bears on a heart rate: medicines that slow it, a pacemaker, atrial fibrillation. Pure.

The file is free text, so this finds names and no doses, and what is not found is not written down, which is not "none".
"""

SLOWING = (
    ("美托洛尔", "metoprolol"),
    ("比索洛尔", "bisoprolol"),
    ("阿替洛尔", "atenolol"),
    ("普萘洛尔", "propranolol"),
    ("卡维地洛", "carvedilol"),
    ("拉贝洛尔", "labetalol"),
    ("阿罗洛尔", "arotinolol"),
    ("奈必洛尔", "nebivolol"),
    ("索他洛尔", "sotalol"),
    ("倍他乐克", "betaloc"),
    ("康忻", "concor"),
    ("维拉帕米", "verapamil"),
    ("地尔硫", "diltiazem"),
    ("地高辛", "digoxin"),
    ("伊伐布雷定", "ivabradine"),
    ("胺碘酮", "amiodarone"),
    ("决奈达隆", "dronedarone"),
    ("可乐定", "clonidine"),
    ("多奈哌齐", "donepezil"),
)
"""Beta blockers, calcium channel blockers that act on the heart, glycosides and others that slow it, with two names
under which they are sold here: general pharmacology, by Chinese and international name."""
_PACEMAKER = ("起搏器", "pacemaker")
_FIBRILLATION = ("房颤", "心房颤动", "心房纤颤", "atrial fibrillation")


def slowing(medicines: str | None) -> list[str]:
    """The medicines of this text that slow a heart, by the name under which they stand there."""
    text = (medicines or "").lower()
    return [name for names in SLOWING for name in names if name in text]


def has_pacemaker(*texts: str | None) -> bool:
    """Whether any of these texts speaks of a pacemaker."""
    return _speaks_of(_PACEMAKER, texts)


def has_fibrillation(*texts: str | None) -> bool:
    """Whether any of these texts speaks of atrial fibrillation."""
    return _speaks_of(_FIBRILLATION, texts)


def _speaks_of(names: tuple[str, ...], texts: tuple[str | None, ...]) -> bool:
    return any(name in (text or "").lower() for text in texts for name in names)
