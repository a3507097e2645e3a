"""A database killed right after a call's request forgets the call's row, and gives its number to another call."""

import random
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.line import Line, wait_until
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.timescale import Timescale

TRIES = 4
DUTY = "+99911110000"


def _community(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("insert into person (name, phone) values ('王值班', %s)", (DUTY,))
        conn.execute("insert into person_role select id, 'duty' from person")
        conn.execute("insert into contact_method (person_id, channel, address) select id, 'voice', phone from person")
        conn.execute(
            "insert into resident (name, address) select '老人' || n || '号', n || ' 弄' from generate_series(1, %s) n",
            (2 * TRIES,),
        )


def _press(url: str, resident: int) -> int:
    """An SOS of this resident, committed as `ingest` commits it."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "insert into incident (subject, kind, severity, resident_id, source, occurred_at, opened_at,"
            " round_started_at, due_at)"
            " select 'resident:' || id, 'sos', 'sos', id, 'button', now(), now(), now(), now()"
            " from resident where id = %s returning id, pg_notify('incident', id::text)",
            (resident,),
        ).fetchone()
        assert row is not None
        return int(row[0])


def _call_about(line: Line, resident: int) -> str | None:
    """The provider's id of the first call about this resident."""
    calls = line.phones("GET", "log?kind=call")["entries"]
    found = [entry["sid"] for entry in calls if f"老人{resident}号" in (entry["twiml"] or "")]
    return found[0] if found else None


def _said(line: Line, sid: str) -> str:
    """Everything this call has said."""
    state: dict[str, Any] = line.phones("GET", "state")
    phones = state["phones"] if isinstance(state["phones"], list) else list(state["phones"].values())
    return " ".join(
        text for phone in phones for call in (*phone["calls"], *phone["past"]) if call["sid"] == sid
        for text in call["said"]
    )  # fmt: skip


def _owner(line: Line, incident: int) -> Any:
    return line.value("select owner_id from incident where id = %s", incident)


def _is_answered(line: Line, incident: int, sid: str) -> bool:
    """It is theirs, or they heard that their key was not recorded."""
    return _owner(line, incident) is not None or "没有登记" in _said(line, sid)


def test_a_key_never_answers_for_another_incident(
    timescale_server: Timescale, clean_broker: Mosquitto, tmp_path: Path
) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with timescale_server.database() as url, Line(url, clean_broker, tmp_path) as line:
        _community(url)
        line.start_phones()
        line.start_api()
        line.start_alerts()
        for at in range(TRIES):
            first, second = 2 * at + 1, 2 * at + 2
            mine = _press(url, first)
            wait_until(lambda: _call_about(line, first) is not None, "a call")  # noqa: B023
            time.sleep(chance.uniform(0.02, 0.1))  # the moment of the kill is the chance here
            timescale_server.kill9()
            timescale_server.start()
            other = _press(url, second)
            sid = _call_about(line, first)
            assert sid is not None
            wait_until(lambda: _call_about(line, second) is not None, "the other call")  # noqa: B023
            line.phones("POST", f"phones/{DUTY}/answer", {"sid": sid})
            line.phones("POST", f"phones/{DUTY}/press", {"sid": sid, "digits": "3"})
            wait_until(lambda: _is_answered(line, mine, sid), "an answer to the key", 60)  # noqa: B023  done at once
            assert _owner(line, other) is None, f"seed {seed}: the wrong one, {_said(line, sid)}"
            assert f"由您去老人{second}号" not in _said(line, sid)
            with psycopg.connect(url) as conn:
                conn.execute("update incident set state = 'resolved', due_at = null")
