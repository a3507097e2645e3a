"""The one way to write a message down, for every statement that does. SQL."""

_ALWAYS = ("reference", "incident_id", "person_id", "channel", "address", "purpose", "round", "language", "content")


def write(source: str, now: str = "%(now)s", **more: str) -> str:
    """SQL that writes a message for each row of `source`, to be sent from `now` on; the caller adds `returning`.

    `source` is a relation with the columns `reference`, `incident_id`, `person_id`, `channel`, `address`, `purpose`,
    `round`, `language` and `content`. `more`: further columns of `notification`, each with its value in SQL, in which
    `message` is a row of `source`.
    """
    columns = ", ".join((*_ALWAYS, *more, "send_after", "created_at"))
    values = ", ".join((*(f"message.{column}" for column in _ALWAYS), *more.values(), now, now))
    return f"insert into notification ({columns}) select {values} from {source} message"  # noqa: S608  constants of ours
