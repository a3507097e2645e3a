"""Templates fit a screen, and what they hand to scripts stays where it was put."""

import json
import re
from pathlib import Path

import pytest

from api.console.shell.render import json_script

CONSOLE = Path(__file__).parents[4] / "api" / "console"
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
WIDTH = 120
"""The formatter breaks tags at this width; comments and what stands in braces it leaves to whoever writes them."""


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_fits_a_screen(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [(number, len(line)) for number, line in enumerate(lines, 1) if len(line) > WIDTH] == []


def test_no_fact_ends_the_element_that_hands_it_to_a_script() -> None:
    facts = [{"label": "</script><script>alert(1)</script><!-- & 'it' \"was\" 王秀英"}]
    found = re.fullmatch(
        r'<script type="application/json" id="marks">([^<>&\']*)</script>', json_script("marks", facts)
    )
    assert found is not None
    assert json.loads(found[1]) == facts
