"""What is known of each minute: three gaps that differ, and shares of what there could have been."""

import pytest

from api.console.clinic.wear import Gap, Known, Shares, Timeline, rhythm_min
from eldercare.community.minute import Heard, Held, Minute, Recorded

OF_A_DAY = [Held(0, 1440)]


def values(*ranges: tuple[int, int], every: int = 1) -> list[Minute]:
    return [Minute(at, 70) for begin, end in ranges for at in range(begin, end, every)]


def whole(minutes: list[Minute], heard: list[Heard] | None = None, held: list[Held] | None = None) -> Timeline:
    return Timeline(0, 1440, Recorded(minutes, heard or [], OF_A_DAY if held is None else held))


def test_without_a_band_nothing_is_known_and_nothing_could_be() -> None:
    line = whole([], held=[])
    assert line.shares() == Shares(1440, 0, 0, 0)
    assert (line.shares().worn_share, line.shares().valid_share, line.shares().covered) == (None, None, 0.0)
    assert line.gaps() == [Gap(0, 1440, Known.BEFORE)]
    assert line.at(-1) is Known.BEFORE


def test_a_stretch_of_no_time_has_no_share() -> None:
    assert Timeline(5, 5, Recorded([], [], [])).shares().covered == 0.0


def test_three_gaps_are_told_apart_and_a_fourth_that_is_none_of_them() -> None:
    heard = [Heard(at, False) for at in range(300, 600, 15)] + [Heard(600, True)]
    heard += [Heard(at, None) for at in range(900, 1200, 15)]
    line = whole(values((200, 300), (600, 700), (800, 900), (1235, 1440)), heard, [Held(100, 1440)])
    assert line.gaps() == [
        Gap(0, 100, Known.BEFORE),
        Gap(100, 200, Known.SILENT),
        Gap(300, 600, Known.OFF),
        Gap(700, 800, Known.SILENT),
        Gap(900, 1235, Known.UNMEASURED),
    ]
    assert line.gaps(200) == [Gap(300, 600, Known.OFF), Gap(900, 1235, Known.UNMEASURED)]
    assert line.gaps(begin=650, end=850) == [Gap(700, 800, Known.SILENT)]
    assert line.gaps()[2].minutes == 300


def test_a_gap_is_cut_where_why_changes_for_long() -> None:
    heard = [Heard(at, False) for at in range(0, 300, 15)] + [Heard(360, None)]
    assert whole([], heard).gaps() == [Gap(0, 405, Known.OFF), Gap(405, 1440, Known.SILENT)]
    assert whole(values((10, 1440)), [Heard(0, True), Heard(5, False)]).gaps()[0] == Gap(0, 50, Known.OFF)


def test_worn_without_a_value_is_worn_and_not_valid() -> None:
    line = whole(values((0, 720)), [Heard(at, True) for at in range(0, 1440, 15)])
    assert line.shares() == Shares(1440, 1440, 1440, 720)
    assert line.shares(720, 1440).valid == 0
    assert line.gaps()[0].why is Known.UNMEASURED
    assert not line.shares().is_enough


def test_what_a_band_on_the_table_measures_is_no_heart() -> None:
    line = whole(values((0, 60)), [Heard(0, False), Heard(30, True)])
    assert line.shares().valid == 30
    assert [at for at, _ in line.valid(values((0, 60)))] == list(range(30, 60))


def test_a_value_stands_no_longer_than_the_band_is_worn() -> None:
    line = whole(values((0, 90), every=30), [Heard(0, True), Heard(10, False), Heard(30, True)])
    assert (line.at(9), line.at(10), line.at(30)) == (Known.VALID, Known.OFF, Known.VALID)


def test_a_band_that_measures_nothing_is_heard() -> None:
    assert whole([Minute(at) for at in range(0, 60)]).at(10) is Known.UNMEASURED


def test_what_a_band_said_stands_for_three_quarters_of_an_hour() -> None:
    line = whole([], [Heard(0, True)])
    assert (line.at(44), line.at(45)) == (Known.WORN, Known.SILENT)


@pytest.mark.parametrize(
    ("every", "rhythm", "valid"), [(1, 1, 1440), (5, 5, 1440), (30, 30, 1440), (60, 30, 720), (1440, 1, 1)]
)
def test_a_value_stands_for_the_bands_own_rhythm_up_to_half_an_hour(every: int, rhythm: int, valid: int) -> None:
    found = values((0, 1440), every=every)
    assert rhythm_min(found) == rhythm
    assert whole(found).shares().valid == valid


def test_a_band_that_measures_more_seldom_than_the_one_before_covers_as_much() -> None:
    found = [*values((0, 1000)), *values((1000, 1440), every=20)]
    line = whole(found, held=[Held(0, 1000), Held(1000, 1440)])
    assert (line.rhythm_min, line.shares().valid, line.gaps()) == (20, 1440, [])


def test_seventy_per_cent_are_enough_and_days_before_the_band_count_against_it() -> None:
    assert whole(values((0, 1008))).shares().is_enough
    assert not whole(values((0, 1007))).shares().is_enough
    late = whole(values((720, 1440)), held=[Held(720, 1440)]).shares()
    assert late.valid_share == 1.0
    assert not late.is_enough


def test_values_before_and_after_the_stretch_are_left_out() -> None:
    line = Timeline(100, 200, Recorded(values((0, 300)), [Heard(90, False)], [Held(0, 400)]))
    assert line.shares() == Shares(100, 100, 65, 65)
    assert [at for at, _ in line.valid(values((0, 300)))] == list(range(135, 200))
