"""What is installed is what was pinned: every file by its hash, the same versions everywhere, from no named host."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
_PIN = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)[^\\\n]*((?:\\\n +--hash=sha256:[0-9a-f]{64} ?)+)$", re.MULTILINE
)


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def pins(text: str) -> dict[str, str]:
    return {name_of(found[1]): found[2] for found in _PIN.finditer(text)}


@pytest.mark.parametrize(("name", "extras"), [("services", ()), ("demo", ("demo",)), ("dev", ("demo", "dev"))])
def test_every_package_of_a_set_is_pinned_with_its_hashes(name: str, extras: tuple[str, ...]) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pinned = pins(text)
    assert len(pinned) == len([line for line in text.splitlines() if line and not line.startswith((" ", "#"))])
    assert "://" not in text
    assert "--index" not in text
    known = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    of_constraints = {name_of(each): version for each, version in known.items()}
    # A version that another platform needs, and what builds our own package, stand here alone.
    assert {each: version for each, version in pinned.items() if of_constraints.get(each, version) != version} == {}
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    for extra in extras:
        wanted += PROJECT["project"]["optional-dependencies"][extra]
    assert {name_of(each) for each in wanted} - pinned.keys() == set()


def test_nothing_is_installed_without_its_hash() -> None:
    for file in ("Makefile", "deploy/Dockerfile", "deploy/README.md"):
        for line in (ROOT / file).read_text().splitlines():
            if "pip install" in line and "PIP :=" not in line and ".venv-pins" not in line and "make" not in line:
                own = "--no-deps --no-build-isolation" in line
                new_pins = "--editable '.[demo,dev]'" in line  # the target `constraints`, which asks for new ones
                assert own or new_pins or "--require-hashes" in line, f"{file}: {line}"


def test_the_image_can_be_built_on_bases_by_digest() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"\$\{[A-Z]+_IMAGE\}", base) for base in bases)
