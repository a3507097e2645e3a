"""What the rules know of a resident."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from alerts.rules.rule import Learnt
from alerts.rules.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Profile:
    """A resident as the rules see them.

    Home in WGS-84 degrees (None: it is not known). `safe_radius_m`: the circle in metres that somebody has drawn around
    it (None: none was drawn). Until `away_until` (aware; hospital, visit) no rule speaks. `zone` is the community's
    time zone: it decides what is night. `learnt` is what her own weeks have shown.
    """

    resident_id: int
    home_lat: float | None
    home_lon: float | None
    safe_radius_m: float | None
    away_until: datetime | None
    zone: tzinfo
    thresholds: Thresholds
    learnt: Learnt = field(default_factory=dict)

    def is_away(self, moment: float) -> bool:
        """Whether the resident is away at `moment` (seconds since the epoch)."""
        return self.away_until is not None and moment < self.away_until.timestamp()

    def away_before(self, moment: float) -> float:
        """When the last absence before `moment` ended, seconds since the epoch; 0 where there was none."""
        if self.away_until is None or self.away_until.timestamp() > moment:
            return 0.0
        return self.away_until.timestamp()

    def is_night(self, moment: float) -> bool:
        """Whether `moment` (seconds since the epoch) lies in the night of the community's zone."""
        hour = datetime.fromtimestamp(moment, self.zone).hour
        start, end = self.thresholds.night_from_h, self.thresholds.night_to_h
        if start <= end:
            return start <= hour < end
        return hour >= start or hour < end

    def day_began(self, moment: float) -> float:
        """When the day of `moment` began, seconds since the epoch; `moment` itself at night."""
        if self.is_night(moment):
            return moment
        local = datetime.fromtimestamp(moment, self.zone)
        end = local.replace(hour=self.thresholds.night_to_h, minute=0, second=0, microsecond=0)
        if end > local:  # after midnight and before a night that begins later
            end -= timedelta(days=1)
        return end.timestamp()
