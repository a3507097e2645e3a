"""One way to write an answer: small letters, simplified characters, English short forms spelled out.

Traditional characters and words of a dialect are brought to those that the patterns know.
"""

import re

_TRADITIONAL = (
    "還沒來過這馬達話處錯誤報號樓門開關車發動電點時間後個們說請問嗎裡裏醫療壓媽爺現場結辦離遠緊趕幫讓給見認識幹騎鐘會對"
    "應該須無為與體頭實測試戲擔戶當麼麽決觸虛驚閒畢長張劉陳東許邊兒樣從經將學聽傷氣確診護員網種斷並著進園廳顧須約歲訊"
    "簡單線帶別總覺觀親覺響緩難雙據夠終幾嚟係喺冇咗唔啲佢俾畀啱囉囖喔噢復覆轉換找鎖鑰醒燒紅臺灣國際區鎮鄉傳啟壞誰務價"
)
_SIMPLIFIED = (
    "还没来过这马达话处错误报号楼门开关车发动电点时间后个们说请问吗里里医疗压妈爷现场结办离远紧赶帮让给见认识干骑钟会对"
    "应该须无为与体头实测试戏担户当么么决触虚惊闲毕长张刘陈东许边儿样从经将学听伤气确诊护员网种断并着进园厅顾须约岁讯"
    "简单线带别总觉观亲觉响缓难双据够终几来是在没了不点他给给刚啰啰哦哦复复转换找锁钥醒烧红台湾国际区镇乡传启坏谁务价"
)
_TO_SIMPLIFIED = str.maketrans(_TRADITIONAL + "撳揿睇喇嘅", _SIMPLIFIED + "按按看啦的")
"""The characters that occur in answers, and Cantonese ones with their plain counterpart."""

_SHORT_FORMS = (
    (r"[’‘`´]", "'"),
    (r"\b(can't|cant|can not)\b", "cannot"),
    (r"\b(won't|wont)\b", "will not"),
    (r"n't\b", " not"),
    (r"\b(do|does|did|is|are|was|has|have|would|could)nt\b", r"\1 not"),
    (r"\bi'm\b|\bim\b", "i am"),
    (r"\bill (?=(?:go|come|be|head|check|take|leave|get|pop|run|drive|walk|see|look)\b)", "i will "),
    (r"\b(it|he|she|that|there|what|who|where|everything)'s\b", r"\1 is"),
    (r"\b(shes)\b", "she is"),
    (r"'ll\b", " will"),
    (r"'ve\b", " have"),
    (r"'re\b", " are"),
    (r"\b(i|we)'d\b", r"\1 would"),
)
_DIALECT = (
    (r"(?:莫|冇|没|木)得(?=空|闲|时间|功夫|办法|事)|木有", "没有"),
    (r"[宜而依]家|家下|这阵儿?|现而今", "现在"),
    (r"(?<!赶)(过去|去|过来|来)紧(?!急)", r"正在\1"),
    (r"(?<=[看去来按])下(?=[他她佢人老阿奶爷])", "一下"),
    (r"(?:整|弄|搞|办)不(?:了|成|来)", "没办法"),
    (r"瞅瞅|瞅一?下|瞅一眼|瞧一?下", "看看"),
    ("屋企", "家"),
)
"""How it is said elsewhere, and the same in the words of the patterns."""

_BETWEEN_SCRIPTS = re.compile(r"(?<=[a-z])(?=[一-鿿])|(?<=[一-鿿])(?=[a-z])")


def plain(text: str) -> str:
    """The text in small letters, simplified characters, English short forms spelled out."""
    text = text.translate(_TO_SIMPLIFIED).lower()
    for pattern, written in (*_SHORT_FORMS, *_DIALECT):
        text = re.sub(pattern, written, text)
    return _BETWEEN_SCRIPTS.sub(" ", text)
