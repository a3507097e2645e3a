"""Connections as every service opens them."""

from eldercare.database import connect, pool


async def test_a_peer_that_vanishes_is_noticed_within_half_a_minute(database_url: str) -> None:
    found = []
    async with await connect(database_url) as conn:
        found.append(conn.info.get_parameters())
    async with pool(database_url) as opened, opened.connection() as conn:
        found.append(conn.info.get_parameters())
    for parameters in found:
        quiet_s = int(parameters["keepalives_idle"]) + int(parameters["keepalives_interval"])
        assert quiet_s <= 30
        # While a statement is under way, which keepalives do not watch; milliseconds.
        assert int(parameters["tcp_user_timeout"]) <= 30_000
