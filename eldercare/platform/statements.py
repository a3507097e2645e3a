"""Long statements stand in files of their own beside the module that asks them: `carry_out.sql` by `carry_out.py`."""

from importlib.resources import files
from string import Template


def load(package: str, name: str, **parts: str) -> str:
    """The statement in `name`.sql of `package`. `$part` in it is a piece of SQL that several statements share.

    Raises ValueError where the file needs a part that is not given, or does not know one.
    """
    template = Template(files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8"))
    wanted = set(template.get_identifiers())
    if wanted != parts.keys():
        raise ValueError(f"{package}/{name}.sql: the parts {sorted(wanted ^ parts.keys())} are on one side only")
    return template.substitute(parts)
