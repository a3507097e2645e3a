"""Who may log in, and as what."""

import pytest

from eldercare.accounts.viewers import Role, viewer_of


@pytest.mark.parametrize(
    ("roles", "primary"),
    [
        (["family"], Role.FAMILY),
        (["family", "grid"], Role.GRID),
        (["admin", "duty"], Role.DUTY),
        (["duty_lead"], Role.DUTY),
        (["admin", "doctor"], Role.DOCTOR),
        (["volunteer", "admin"], Role.ADMIN),
    ],
)
def test_the_primary_role(roles: list[str], primary: Role) -> None:
    viewer = viewer_of(1, "张伟", roles)
    assert viewer is not None
    assert viewer.role is primary
    assert set(roles) <= viewer.roles


@pytest.mark.parametrize("roles", [[], ["volunteer"], ["care_worker", "volunteer"]])
def test_others_do_not_log_in(roles: list[str]) -> None:
    assert viewer_of(1, "张伟", roles) is None


def test_an_unknown_role_is_no_role() -> None:
    with pytest.raises(ValueError, match="emperor"):
        viewer_of(1, "张伟", ["emperor"])
