"""How one request is shown: to whom, in which language and theme, by which clock and zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from api.console.shell import times
from api.console.shell.i18n import LOCALES, Language, Translator, language_of
from api.deps import CurrentSession, Db, SettingsOf
from eldercare.accounts.viewers import LOGIN_ROLES, Role, Viewer
from eldercare.platform import clock

LANGUAGE_COOKIE = "eldercare_language"
THEME_COOKIE = "eldercare_theme"
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True)
class When:
    """The page's clock: `now` of the database, which runs `speed` times as fast as the wall's, read in `zone`."""

    now: datetime
    speed: float
    zone: ZoneInfo
    t: Translator

    @property
    def locale(self) -> str:
        """The locale whose words the page's scripts use for lengths of time, as `ago` does."""
        return LOCALES[self.t.language]

    def ago(self, moment: datetime) -> str:
        """How long ago, in words."""
        return times.ago(self.t, moment, self.now)

    def exact(self, moment: datetime) -> str:
        """The moment to the second, with the zone's offset."""
        return times.exact(moment, self.zone)

    def short(self, moment: datetime, seconds: bool = False) -> str:
        """The moment as people say it."""
        return times.short(self.t, moment, self.now, self.zone, seconds=seconds)

    def running(self, since: datetime) -> str:
        """`mm:ss` since then."""
        return times.running(since, self.now)

    def span(self, length: timedelta) -> str:
        """A length of time in words."""
        return times.span(self.t, length)

    def wall(self) -> str:
        """The page's time in `zone`, `HH:MM:SS`."""
        return f"{self.now.astimezone(self.zone):%H:%M:%S}"


@dataclass(frozen=True)
class Screen:
    """What every template needs. `viewer` is None before the login."""

    language: Language
    theme: str
    when: When
    viewer: Viewer | None
    back: str

    @cached_property
    def t(self) -> Translator:
        """The texts of this language."""
        return Translator(self.language)

    @property
    def on_duty(self) -> bool:
        """Whether the viewer sits at the duty board."""
        return self.viewer is not None and self.viewer.has(Role.DUTY)

    @property
    def in_family(self) -> bool:
        """Whether the viewer may be somebody's relative here."""
        return self.viewer is not None and self.viewer.has(Role.FAMILY)

    @property
    def in_clinic(self) -> bool:
        """Whether the viewer is a doctor here."""
        return self.viewer is not None and self.viewer.has(Role.DOCTOR)

    @property
    def first_page(self) -> str:
        """Where whoever has logged in begins: a doctor who is nothing else that works here, with the patients."""
        others = (Role.DUTY, Role.GRID, Role.ADMIN)
        if self.only_family:
            return "/family"
        if self.viewer is not None and self.in_clinic and not self.viewer.has(*others):
            return "/clinic"
        return "/"

    @property
    def only_family(self) -> bool:
        """Whether the viewer logs in as a relative and as nothing else: then the family's page is all they need."""
        others = (role for role in LOGIN_ROLES if role is not Role.FAMILY)
        return self.viewer is not None and self.in_family and not self.viewer.has(*others)


def plain(request: Request, now: datetime, speed: float, zone: ZoneInfo, viewer: Viewer | None) -> Screen:
    """The screen of this request from its cookies, else the viewer's own language."""
    language = language_of(request.cookies.get(LANGUAGE_COOKIE), viewer.language if viewer else "zh")
    theme = request.cookies.get(THEME_COOKIE, "auto")
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Screen(
        language=language,
        theme=theme if theme in THEMES else "auto",
        when=When(now, speed, zone, Translator(language)),
        viewer=viewer,
        back=back if request.method == "GET" else "/",
    )


async def _screen(request: Request, conn: Db, session: CurrentSession, settings: SettingsOf) -> Screen:
    now, speed = await clock.reading(conn)
    return plain(request, now, speed, settings.zone, session.viewer)


async def _anonymous(request: Request, settings: SettingsOf) -> Screen:
    # The wall's clock: nothing on such a page depends on the time, and it is there without a database.
    return plain(request, datetime.now(UTC), 1, settings.zone, None)


CurrentScreen = Annotated[Screen, Depends(_screen, scope="function")]
AnonymousScreen = Annotated[Screen, Depends(_anonymous)]
