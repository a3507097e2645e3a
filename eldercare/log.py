"""Structured logging to standard error: readable lines on a terminal, JSON lines elsewhere."""

import logging
import sys
from typing import Any, cast

import structlog

from eldercare import redaction
from eldercare.settings import unknown_settings


def configure(level: str = "info", service: str | None = None) -> None:
    """Set up structlog for this process. `level` is a standard level name; `service` is bound to every line."""
    renderer: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    if service:
        structlog.contextvars.bind_contextvars(service=service)


def _redact(_logger: Any, _method: str, values: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return redaction.redacted_values(values)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger bound to the module's name."""
    # Not `bind`: that would make the logger at the import, before `configure` has said how and from which level on.
    return cast(structlog.typing.FilteringBoundLogger, structlog.get_logger(name, module=name))


def name_unknown_settings() -> None:
    """Warn of each setting that this process was given and nobody reads."""
    for unknown in unknown_settings():
        logger(__name__).warning("unknown_setting", name=unknown.name, source=unknown.source, meant=unknown.meant)
