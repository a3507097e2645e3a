"""The rules: pure functions over (state, reading, profile, now). They know no driver, network, clock or event loop."""

from alerts.rules.absence import evaluate_absence
from alerts.rules.evaluation import evaluate
from alerts.rules.network import network_outage
from alerts.rules.profile import Profile
from alerts.rules.registry import read_state
from alerts.rules.rule import Reading
from alerts.rules.state import State
from alerts.rules.thresholds import Thresholds

__all__ = ["Profile", "Reading", "State", "Thresholds", "evaluate", "evaluate_absence", "network_outage", "read_state"]
