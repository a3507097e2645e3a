"""Words in a list that are no value: nothing, the same as above, totals, headings' own notes. Pure."""

import re

from eldercare.platform.validation.fields import half_width

_NONE = frozenset(
    {"无", "没有", "暂无", "无电话", "无手机", "无家属", "不详", "未知", "不清楚", "不明", "未填", "待补", "缺", "空"}
    | {"待定", "待查", "待核实", "未登记", "地址不详", "住址不详", "无地址", "无住址", "无固定住址"}
    | {"-", "--", "—", "——", "/", "\\", "n/a", "na", "none", "null", "nil", "nan", "<na>"}
)
_MARKS_ABOVE = frozenset({"〃", "″", '"', "''", "“", "”", "ditto", "do.", "do", "as above", "same as above", "same"})
_ABOVE = re.compile(
    r"(?:.*同上|[同见照如][上前左右下](?:[面边方]|一?[行户家格人栏列个位])?|同(?:第|no\.?)?[0-9]+[行号户条格]?|[↑↓←→⇑⬆^]+)"
)
_AROUND = re.compile(r"[\s()\[\]{}<>《》〈〉【】「」。.,，、:;!?？…~]")
_TOTAL = re.compile(
    r".{0,20}?(?:合计|总计|小计|共计|总人数|累计)[\s:：]*.{0,20}|共[0-9]+[人名户].{0,20}|(?:sub|grand)?total[\s:]*[0-9]*",
    re.DOTALL,
)
_FOOTER = re.compile(
    r"(?:填表|制表|填报|审核|审批|复核|负责人|经办|联系人|日期|时间|单位|备注|说明|注)[^:：]{0,6}[:：].*", re.DOTALL
)
_GONE = re.compile(r"已故|去世|死亡|过世|病故|亡故|注销|迁出|迁走|搬走|deceased", re.IGNORECASE)
_NO_NAME = re.compile(r"[0-9]{5,}|[0-9]+[号弄室栋幢]|[0-9]单元")
_PAGE = re.compile(r"第[0-9]+页.*|[0-9]+/[0-9]+页?|page[0-9]+.*")


def is_none(text: str) -> bool:
    """Whether it says that there is nothing, or that nobody knows."""
    return half_width(text).lower() in _NONE


def is_above(text: str) -> bool:
    """Whether it points at another cell, in any brackets: 同上, （同上）, 同第2行, ↑."""
    word = half_width(text).lower()
    return word in _MARKS_ABOVE or bool(_ABOVE.fullmatch(_AROUND.sub("", word)))


def is_total(text: str) -> bool:
    """Whether it is the label of a sum: 合计, 第一网格小计, 共20人."""
    return bool(_TOTAL.fullmatch(re.sub(r"\s", "", half_width(text).lower())))


def is_note(text: str) -> bool:
    """Whether it says who filled in the list and when, or the number of a page."""
    word = half_width(text).lower()
    return bool(_FOOTER.fullmatch(word) or _PAGE.fullmatch(re.sub(r"\s", "", word)))


def is_elsewhere(name: str) -> bool:
    """Whether it is what belongs into another column: a telephone, a number, an address, 女."""
    word = half_width(name)
    return bool(_NO_NAME.search(word)) or word.lower() in ("女", "男", "女性", "男性", "female", "male")


def is_gone(name: str) -> bool:
    """Whether it says beside the name that the person has died or moved away."""
    return bool(_GONE.search(name))


def says_something(text: str) -> bool:
    """Whether there is a letter, a character or a digit in it; a private character is one."""
    return any(char.isalnum() or "\ue000" <= char <= "\uf8ff" or char >= "\U00020000" for char in text)
