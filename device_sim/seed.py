"""The seed's JSON (`eldercare seed --json`): who wears which band, and who has which telephone."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from eldercare.platform.errors import ConfigurationError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Home(_Part):
    """A position in degrees, WGS-84."""

    lat: float
    lon: float


class Resident(_Part):
    """A resident with a band; one without is left out of a simulation."""

    id: int | str
    name: str
    device_id: str | None = None
    mqtt_password: str | None = None
    home: Home | None = None


class Person(_Part):
    """Somebody who can be called."""

    name: str = ""
    roles: tuple[str, ...] = ()
    phone: str


class PersonWithoutPhone(_Part):
    """Somebody who cannot be called."""

    phone: None = None


class Seed(_Part):
    """What the simulators need of the seed."""

    residents: tuple[Resident, ...] = ()
    people: tuple[Person | PersonWithoutPhone, ...] = ()

    @property
    def callable_people(self) -> tuple[Person, ...]:
        """People with a telephone, in the seed's order."""
        return tuple(person for person in self.people if isinstance(person, Person))


def read_seed(path: Path) -> Seed:
    """Read the seed's JSON. Raises ConfigurationError naming the file and the wrong field."""
    try:
        return Seed.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise ConfigurationError(f"{path}: {where}: {first['msg']}") from error
