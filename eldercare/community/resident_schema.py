"""The one schema of a resident: every fact that people fill in, with its shape, its check and its words. Pure.

The API takes `ResidentFacts`, a list brings them, the seed makes them up, and every statement that writes or reads them
has its columns from here. What the API shows is a `Resident`, and the `File` of one.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from eldercare.community import fact
from eldercare.community.fact import Fact
from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation import fields
from eldercare.platform.validation.moments import Moment

MOST_IN_NUMBER = 100
MOST_IN_NAME = 100
MOST_IN_ADDRESS = 500
MOST_IN_REASON = 500
MOST_IN_EMERGENCY_NOTE = 500
"""Characters."""
_LARGEST_ID = 2**63 - 1

NOT_DRAWN_M = 500
"""Metres: the default of `safe_radius_m`, which stands where nobody has drawn a circle. Whoever wants one of about that
size draws 499 or 501."""
LONGEST_AWAY = timedelta(days=31)
"""The longest absence, as for a stay in hospital; until it ends no rule speaks about them. Whoever stays longer is
looked after again each month."""
LONGEST_AWAY_BY_GRID = timedelta(days=14)
"""The longest absence that a grid worker enters: a visit or a short stay, which they hear of at the door."""


class ResidentFacts(BaseModel):
    """What people fill in about a resident. One that is absent stays what it is.

    The type is what JSON may bring; the `Fact` says what of that is stored, and how.
    """

    external_id: Annotated[
        str | None,
        fact.optional(
            fact.code(
                MOST_IN_NUMBER,
                example="A-0012",
                called=(
                    "编号",
                    "人员编号",
                    "老人编号",
                    "档案号",
                    "档案编号",
                    "id",
                    "number",
                    "external id",
                    "file number",
                ),
            )
        ),
    ] = None
    name: Annotated[
        str | None,
        fact.required_text(MOST_IN_NAME, example="张桂英", called=("姓名", "老人姓名", "名字", "name", "full name")),
    ] = None
    gender: Annotated[
        Literal["female", "male"] | None,
        fact.optional(fact.read_by(fields.gender, example="female", called=("性别", "gender", "sex"))),
    ] = None
    birth_date: Annotated[
        date | None,
        fact.optional(
            fact.birth_date(
                example="1940-03-02",
                called=("出生日期", "出生年月", "出生年月日", "生日", "birth date", "date of birth", "birthday", "dob"),
            )
        ),
    ] = None
    phone: Annotated[
        str | None,
        fact.optional(
            fact.read_by(
                fields.phone,
                example="+99910000012",
                called=("电话", "联系电话", "本人电话", "手机", "手机号", "手机号码", "phone", "telephone", "mobile"),
            )
        ),
    ] = None
    language: Annotated[Literal["zh", "en"] | None, fact.choice("zh", "en", example="zh")] = None
    address: Annotated[
        str | None,
        fact.required_text(
            MOST_IN_ADDRESS,
            example="朝阳里社区3号楼2单元501室",
            called=("地址", "住址", "家庭住址", "家庭地址", "居住地址", "现住址", "现住地址", "详细地址", "address"),
        ),
    ] = None
    grid_id: Annotated[
        Annotated[int, Field(ge=1, le=_LARGEST_ID)] | None,
        fact.optional(
            fact.whole(1, _LARGEST_ID, example=3, called=("网格", "所属网格", "网格名称", "所在网格", "grid"))
        ),
    ] = None
    home_lat: Annotated[
        Annotated[float, Field(ge=-90, le=90)] | None,
        fact.optional(fact.degrees(fields.latitude, example=31.2304, called=("纬度", "lat", "latitude"))),
    ] = None
    home_lon: Annotated[
        Annotated[float, Field(ge=-180, le=180)] | None,
        fact.optional(fact.degrees(fields.longitude, example=121.4737, called=("经度", "lon", "lng", "longitude"))),
    ] = None
    safe_radius_m: Annotated[Annotated[int, Field(ge=50, le=10_000)] | None, fact.whole(50, 10_000, example=500)] = None
    lives_alone: Annotated[
        bool | None,
        fact.flag(example=True, called=("独居", "是否独居", "独居老人", "lives alone", "alone")),
    ] = None
    disabled: Annotated[
        bool | None,
        fact.flag(example=False, called=("失能", "是否失能", "失能老人", "disabled")),
    ] = None
    low_income: Annotated[
        bool | None,
        fact.flag(example=False, called=("低保", "是否低保", "低保户", "low income")),
    ] = None
    hardship: Annotated[
        bool | None,
        fact.flag(example=False, called=("特困", "是否特困", "特困人员", "hardship")),
    ] = None
    needs: Annotated[
        str | None,
        fact.text(example="助餐", called=("需求", "服务需求", "需要", "needs")),
    ] = None
    conditions: Annotated[
        str | None,
        fact.text(
            example="高血压",
            called=("疾病", "病史", "慢性病", "健康状况", "主要疾病", "conditions", "diagnoses", "health"),
            medical=True,
        ),
    ] = None
    medicines: Annotated[
        str | None,
        fact.text(
            example="氨氯地平",
            called=("用药", "用药情况", "药物", "服药情况", "medicines", "medication"),
            medical=True,
        ),
    ] = None
    allergies: Annotated[
        str | None,
        fact.text(example="青霉素", called=("过敏", "过敏史", "allergies", "allergy"), medical=True),
    ] = None
    mobility: Annotated[
        str | None,
        fact.text(example="拄拐", called=("行动能力", "行动情况", "活动能力", "mobility"), medical=True),
    ] = None
    entry: Annotated[
        str | None,
        fact.text(
            example="钥匙在邻居王阿姨处",
            called=("入户方式", "进门方式", "如何进门", "钥匙", "entry", "how to get in"),
        ),
    ] = None
    notes: Annotated[
        str | None,
        fact.text(example="", called=("备注", "说明", "notes", "remarks"), medical=True),
    ] = None
    away_until: Annotated[Moment | None, fact.optional(fact.moment())] = None
    away_reason: Annotated[str | None, fact.optional(fact.text(200))] = None
    left_at: Annotated[Moment | None, fact.optional(fact.moment())] = None
    rule_overrides: Annotated[dict[str, Any] | None, fact.mapping(example={}, medical=True)] = None
    limits_reason: Annotated[
        Annotated[str, Field(max_length=MOST_IN_REASON)] | None,
        fact.optional(fact.text(MOST_IN_REASON, medical=True)),
    ] = None


FACTS: Mapping[str, Fact] = {
    name: next(each for each in info.metadata if isinstance(each, Fact))
    for name, info in ResidentFacts.model_fields.items()
}
"""Every fact by the name of its field, which is that of the column."""
NAMES = frozenset(FACTS)
REQUIRED = tuple(name for name, known in FACTS.items() if known.required)
FLAGS = tuple(name for name, known in FACTS.items() if known.empty is False)
MEDICAL = frozenset(name for name, known in FACTS.items() if known.medical)
GRID_WORKERS = frozenset({"away_until", "away_reason", "entry", "needs", "phone"})
"""What a grid worker may change."""


@dataclass(frozen=True, slots=True)
class Resident:
    """One of the list. `sees_health` and `sees_location` say whether None means "unknown" or "not yours to know".

    bpm, lat, lon are the newest that the band said while this resident wore it; positions WGS-84 degrees.
    """

    id: int
    external_id: str | None
    name: str
    gender: str | None
    birth_date: date | None
    phone: str | None
    language: str
    address: str
    grid_id: int | None
    grid: str | None
    home_lat: float | None
    home_lon: float | None
    safe_radius_m: int
    lives_alone: bool
    disabled: bool
    low_income: bool
    hardship: bool
    needs: str
    away_until: datetime | None
    away_reason: str | None
    left_at: datetime | None
    sees_health: bool
    sees_location: bool
    device_id: str | None
    last_seen_at: datetime | None
    battery_pct: int | None
    charging: bool | None
    worn: bool | None
    status_ts: datetime | None
    bpm: int | None
    bpm_ts: datetime | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    location_ts: datetime | None
    away_by_name: str | None = None
    away_set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class File:
    """What only the file of one resident holds; the medical fields are None for whom they are not.

    `limits_signed_by` is the name of whoever signed `rule_overrides` as they stand, and `limits_signed_at` when; None
    where nobody has, and where there are none.
    """

    resident: Resident
    entry: str | None
    conditions: str | None
    medicines: str | None
    allergies: str | None
    mobility: str | None
    notes: str | None
    rule_overrides: dict[str, Any] | None
    limits_reason: str | None
    created_at: datetime
    limits_signed_by: str | None = None
    limits_signed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EmergencyNote:
    """What whoever goes there has to know; by whom and when (aware) it was written.

    It is no fact of the file: other people write it, and other people read it.
    """

    text: str
    written_by_id: int
    written_by: str | None
    written_at: datetime


LISTED = tuple(each.name for each in dataclasses.fields(Resident) if each.name in FACTS)
FILED = tuple(each.name for each in dataclasses.fields(File) if each.name in FACTS)
"""Each fact is either in the list or in the file."""


def check_times(values: Mapping[str, Any], now: datetime, longest_away: timedelta = LONGEST_AWAY) -> None:
    """Refuse checked values that would switch the rules off for good: an absence of more than `longest_away` from `now`
    on (aware), and a departure still to come. Raises InvalidInput naming the field."""
    until = values.get("away_until")
    if until is not None and until > now + longest_away:
        days = longest_away.days
        raise InvalidInput(
            "away_until",
            f"最多 {days} 天，到期前会提醒，可再延长 / is at most {days} days from now, and can be renewed",
        )
    left = values.get("left_at")
    if left is not None and left > now + timedelta(days=1):
        raise InvalidInput("left_at", "还没有到 / is in the future: from then on no rule speaks")


def checked(values: Mapping[str, Any], today: date) -> dict[str, Any]:
    """`values` in the form the database wants. Raises InvalidInput naming the first field that cannot be used."""
    unknown = sorted(set(values) - NAMES)
    if unknown:
        raise InvalidInput(unknown[0], "is no field of a resident")
    return {name: FACTS[name].check(name, value, today) for name, value in values.items()}
