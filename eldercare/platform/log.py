"""Structured logging to standard error: readable lines on a terminal, JSON lines elsewhere."""

import logging
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

import structlog

from eldercare.platform import redaction
from eldercare.platform.settings import Section, unknown_settings

_LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)
"""The higher levels come first, so that a level in the middle becomes the more serious one."""


def configure(level: str = "info", service: str | None = None) -> None:
    """Set up structlog for this process. `level` is a standard level name; `service` is bound to every line."""
    renderer: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _redact,
            _tell_exception,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    if service:
        structlog.contextvars.bind_contextvars(service=service)
    _take_over(max(logging.WARNING, getattr(logging, level.upper())))


def _redact(_logger: Any, _method: str, values: structlog.typing.EventDict) -> structlog.typing.EventDict:
    raised = values.pop("exc_info", None)
    redacted = redaction.redacted_values(values)
    return redacted if raised is None else {**redacted, "exc_info": raised}


def _tell_exception(_logger: Any, _method: str, values: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Replace Python's own traceback, whose last lines hold what somebody had handed in."""
    raised = values.pop("exc_info", None)
    error = raised if isinstance(raised, BaseException) else raised[1] if isinstance(raised, tuple) else None
    if raised is True:
        error = sys.exc_info()[1]
    return values if error is None else {**values, "exception": redaction.traceback_of(error)}


class _OfLibraries(logging.Handler):
    """Writes what libraries log through `logging` as lines of ours: uvicorn, asyncio and the pools log errors too."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record. The library that logs goes on, whatever is wrong with it: it may be sending a call."""
        try:
            self._write(record)
        except Exception as error:
            # This line leaves out the record: what is wrong with it may keep this line from being written, too.
            told = {"library": record.name, "at": f"{record.filename}:{record.lineno}", "error": type(error).__name__}
            with suppress(Exception):  # standard error itself is gone
                logger(__name__).error("not_shown", **told)

    def _write(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple):
            given = (redaction.told(each) if isinstance(each, BaseException) else each for each in record.args)
            record = logging.makeLogRecord({**record.__dict__, "args": tuple(given)})
        logger(record.name).log(_known(record.levelno), record.getMessage(), exc_info=record.exc_info)


def _known(level: int) -> int:
    """The level of ours that is nearest: libraries have levels of their own between the standard ones."""
    return min(_LEVELS, key=lambda each: abs(each - level))


def _take_over(level: int) -> None:
    root = logging.getLogger()
    root.handlers = [*(each for each in root.handlers if not isinstance(each, _OfLibraries)), _OfLibraries()]
    root.setLevel(level)
    sys.excepthook = lambda _kind, error, _where: _uncaught(error, sys.__excepthook__)
    threading.excepthook = lambda raised: _uncaught(raised.exc_value, None)


def _uncaught(error: BaseException | None, interrupted: Any) -> None:
    if isinstance(error, KeyboardInterrupt) and interrupted:
        interrupted(type(error), error, None)
    else:
        logger(__name__).critical("not_caught", exc_info=error)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger bound to the module's name."""
    # `bind` would make the logger at the import, before `configure` has said how and from which level on.
    return cast(structlog.typing.FilteringBoundLogger, structlog.get_logger(name, module=name))


def name_unknown_settings(sections: Iterable[type[Section]]) -> None:
    """Warn of each setting that this process was given and nobody reads, neither `Settings` nor one of `sections`."""
    for unknown in unknown_settings(sections):
        logger(__name__).warning("unknown_setting", name=unknown.name, source=unknown.source, meant=unknown.meant)
