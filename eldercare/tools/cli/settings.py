"""The settings of a command: those of the environment, else those of the demo on this machine."""

import json
import sys
from pathlib import Path
from typing import Any

from alerts.channels import registry
from eldercare.platform import settings as environment
from eldercare.platform.settings import Settings, unknown_settings


def load_settings(*, quiet: bool = False) -> Settings:
    """The settings, with a line on standard error for each that is set in vain, unless `quiet`.

    Where no database is named, it takes those of the demo whose `demo.json` lies in the data folder, and says so.
    Raises ConfigurationError with one line that names the first wrong setting.
    """
    for unknown in () if quiet else unknown_settings(registry.sections()):
        print(f"eldercare: {unknown}", file=sys.stderr)
    settings = environment.load_settings()
    registry.set_up(settings)  # so that a setting of theirs that is wrong is told, too
    found = None if settings.database_url else _of_the_demo(settings.data_dir)
    if found is None:
        return settings
    print(f"用演示的数据库 · using the demo's database ({settings.data_dir / 'demo.json'})", file=sys.stderr)
    return environment.load_settings(**found)


def demo_urls(data_dir: Path) -> dict[str, str]:
    """Where the parts of the demo of this folder listen, or listened last; empty where there is none."""
    try:
        urls: Any = json.loads((data_dir / "demo.json").read_text(encoding="utf-8"))["urls"]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return dict(urls) if isinstance(urls, dict) else {}


def _of_the_demo(data_dir: Path) -> dict[str, str | None] | None:
    urls = demo_urls(data_dir)
    if "database" not in urls:
        return None
    # They name no real provider: the demo's own services know none either.
    return {
        "database_url": urls["database"],
        "mqtt_url": urls["mqtt_services"],
        "public_url": urls["console"],
    } | {name: None for section in registry.sections() for name in section.nothing()}
