"""Whom which rule cannot watch, and why; and whether what the rules learn of people's weeks is up to date."""

from datetime import timedelta

from alerts.detection import unwatched
from alerts.detection.unwatched import Person
from alerts.rules.unwatched import PASSING, Reason
from api.console.committee import unwatched as words
from api.console.shell.i18n import LANGUAGES, Translator
from eldercare.platform import clock
from eldercare.platform.database import Connection
from eldercare.platform.finding import Finding, note, ok, some, warning
from eldercare.platform.settings import Settings

STALE = timedelta(days=2)
"""A day is learnt each noon: after so long something is in its way."""


async def examine(conn: Connection, settings: Settings) -> list[Finding]:
    """Findings about what rules cannot see, one line for each reason and the rules that it blinds."""
    people = await unwatched.listing(conn, await clock.now(conn), settings.zone)
    return [*findings(people), *await stale_habits(conn)]


def findings(people: list[Person]) -> list[Finding]:
    """One line for each reason and the rules that it blinds, with a few names: those of most people first."""
    groups: dict[tuple[Reason, tuple[str, ...]], list[str]] = {}
    for person in people:
        for reason in dict.fromkeys(each.reason for each in person.lacks):
            rules = tuple(each.rule for each in person.lacks if each.reason is reason)
            groups.setdefault((reason, rules), []).append(f"{person.name} ({person.id})")
    if not groups:
        return [ok("每条规则都看得到每位老人 · every rule can watch everybody")] if people else []
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    return [_finding(reason, rules, names) for (reason, rules), names in ordered]


def _finding(reason: Reason, rules: tuple[str, ...], names: list[str]) -> Finding:
    zh, en = (Translator(language) for language in LANGUAGES)
    blind_zh, blind_en = words.names(zh, rules), words.names(en, rules)
    if reason in words.LOST:
        blind_zh, blind_en = "所有规则", "every rule"
    what = (
        f"{len(names)} 位老人{zh(f'lack.{reason}')}，看不到：{blind_zh}"
        f" · {en(f'lack.{reason}')}, which blinds {blind_en}: {some(names)}"
    )
    todo = f"{zh(f'remedy.{reason}')} · {en(f'remedy.{reason}')}"
    return note(what, todo) if reason in PASSING or reason is Reason.NO_BAND else warning(what, todo)


async def stale_habits(conn: Connection) -> list[Finding]:
    """Wearers of a band that is heard, of whom nothing has been learnt for two days. Somebody who has just got one is
    not late."""
    rows = await (
        await conn.execute(
            "select r.name, r.id from resident r left join habits h on h.resident_id = r.id"
            " where r.left_at is null and coalesce(h.renewed_at, '-infinity') < eldercare_now() - %(stale)s"
            " and exists (select from assignment a join device_state s on s.device_id = a.device_id"
            "  and s.last_seen_at >= eldercare_now() - %(stale)s"
            "  where a.resident_id = r.id and a.period @> eldercare_now()"
            "  and lower(a.period) < eldercare_now() - %(stale)s) order by h.renewed_at nulls first, r.id",
            {"stale": STALE},
        )
    ).fetchall()
    if not rows:
        return []
    names = [f"{name} ({resident_id})" for name, resident_id in rows]
    return [
        warning(
            f"{len(rows)} 位戴手环的老人两天没有学到日常 · nothing of their days was learnt for two days:"
            f" {some(names)}",
            "启动 `eldercare alerts`，看它的日志 habits_failed · start it, and read its log",
        )
    ]
