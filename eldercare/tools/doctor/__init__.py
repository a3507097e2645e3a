"""`eldercare doctor`: check the whole set-up, and name what is wrong and what to do about it."""

from eldercare.tools.doctor.examine import run

__all__ = ["run"]
