"""The telephones' own log: every request, what became of it and every callback, append-only.

A test joins incidents to calls through it; the page and waiting tests hear of each change.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from eldercare.platform.errors import ConfigurationError
from eldercare.platform.log import logger

_log = logger(__name__)

Entry = dict[str, Any]


def stamp() -> str:
    """The wall time in UTC with microseconds, RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Journal:
    """Entries by number of arrival. With a path it also appends every line there, and reads them back at the start."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[Entry] = []
        self.version = 0
        self.on_change: Callable[[Entry], None] = lambda _entry: None
        self._by_sid: dict[str, Entry] = {}
        self._changed: asyncio.Event = asyncio.Event()
        self._file: BinaryIO | None = None
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                for number, line in enumerate(path.read_bytes().splitlines(), start=1):
                    if not line:
                        continue
                    try:
                        self._apply(orjson.loads(line))
                    except (orjson.JSONDecodeError, KeyError, TypeError):
                        # The last line of a killed process may be half written; the others must be whole.
                        _log.warning("log_line_skipped", path=str(path), line=number)
            path.touch(mode=0o600)  # it holds names, addresses and what was said
            path.chmod(0o600)
            self._file = path.open("ab", buffering=0)
            if self._file.tell():
                self._file.write(b"\n")
        except OSError as error:
            raise ConfigurationError(f"--log {path}: {error.strerror}") from error

    def request(self, kind: str, sid: str, to: str, sender: str, **details: Any) -> Entry:
        """Log a new call, text message or refused request; `kind` is `call`, `sms`, `inbound_call`, `inbound_sms`."""
        entry = {"kind": kind, "sid": sid, "to": to, "from": sender, **details}
        line = {"event": "request", "at": stamp(), "ns": time.time_ns(), "entry": entry}
        return self._write(line)

    def note(self, sid: str, event: str, **details: Any) -> Entry:
        """Log what happened to `sid`: `status`, `said`, `digits`, `callback`, `fetch`, `error`."""
        return self._write({"event": event, "sid": sid, "at": stamp(), **details})

    def get(self, sid: str) -> Entry | None:
        """The entry of a call or message."""
        return self._by_sid.get(sid)

    def reset(self) -> None:
        """Start over; the file keeps the earlier lines and a line that says so."""
        self._write({"event": "reset", "at": stamp()})

    def since(self, version: int, *, kind: str | None = None, to: str | None = None) -> list[Entry]:
        """Entries changed after `version`, in order of arrival."""
        return [
            entry
            for entry in self.entries
            if entry["version"] > version and kind in (None, entry["kind"]) and to in (None, entry["to"])
        ]

    async def wait(self, version: int, timeout_s: float) -> None:
        """Return as soon as anything has changed after `version`, at the latest after `timeout_s` real seconds."""
        if self.version > version:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: dict[str, Any]) -> Entry:
        if self._file is not None:
            self._file.write(orjson.dumps(line) + b"\n")
        entry = self._apply(line)
        self.on_change(entry)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return entry

    def _apply(self, line: dict[str, Any]) -> Entry:
        self.version += 1
        event = line["event"]
        if event == "reset":
            self.entries.clear()
            self._by_sid.clear()
            return {}
        if event == "request":
            entry: Entry = dict(line["entry"])
            entry |= {"seq": len(self.entries) + 1, "received_at": line["at"], "received_ns": line["ns"], "history": []}
            self.entries.append(entry)
            self._by_sid[entry["sid"]] = entry
        else:
            entry = self._by_sid[line["sid"]]
            note = {key: value for key, value in line.items() if key not in ("sid",)}
            entry["history"].append(note)
            if event == "status":
                entry["status"] = line["status"]
        entry["version"] = self.version
        return entry
