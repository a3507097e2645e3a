"""Whether an address answers, for `doctor`."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping

TIMEOUT_S = 5.0


async def get_status(url: str, headers: Mapping[str, str] | None = None) -> int | str:
    """The HTTP status of a GET, or why there was none within `TIMEOUT_S` seconds. `url` is http or https."""
    return await asyncio.to_thread(_get, url, dict(headers or {}))


def _get(url: str, headers: dict[str, str]) -> int | str:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  settings allow http and https only
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as failure:
        return failure.code
    except (OSError, ValueError) as failure:
        return str(failure)
