"""The words of an answer: one way to write them, and what each of them speaks of. Data and patterns; pure.

Chinese is written in simplified characters here; traditional ones are brought to these first. Patterns are tried in the
order in which they stand, at each place of a clause. `Word.OTHER` is what none of them knows.
"""

import re
from enum import StrEnum


class Word(StrEnum):
    """What a piece of a sentence speaks of."""

    GO = "go"
    SET_OUT = "set_out"
    THERE = "there"
    CANNOT = "cannot"
    DONE = "done"
    HOSPITAL = "hospital"
    MISTAKE = "mistake"
    HANDLING = "handling"
    ADDRESS = "address"
    NOT = "not"
    ASKS = "asks"
    DOUBT = "doubt"
    TODAY = "today"
    """A part of the day. Somebody who cannot then says so; somebody who can then does not mean now."""
    SOMEBODY_ELSE = "somebody_else"
    NEED = "need"
    ELSEWHERE = "elsewhere"
    """Where else the writer goes or is: whoever is there is not with the wearer."""
    NOBODY = "nobody"
    """Nobody answers the door."""
    ETA = "eta"
    """A time of the clock at which somebody comes: plain only from whoever is on the way already."""
    ACKNOWLEDGED = "acknowledged"
    YES = "yes"
    """A bare yes. Nobody knows to what, but it is no "I cannot"."""
    PLAIN = "plain"
    """Says nothing of its own: I, she, now, the wearer's home."""
    OTHER = "other"


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


_WHO = "(?:她|他|它|老人|老人家|老太太|老太|老爷子|老伯|大爷|大妈|阿姨|奶奶|爷爷|婆婆|阿婆|阿公|人家|人|妈妈?|爸爸?)"
_NAMED = "(?:[一-鿿]{1,4}(?:阿姨|奶奶|爷爷|婆婆|老师|大爷|大妈|叔叔|伯伯|老太|老太太|老人)|" + _WHO + ")"
_PLACE = (
    f"(?:{_NAMED}(?:的)?(?:家中?|那|那边|那里|楼下|门口|屋里|身边|旁边|房间)(?:里|门口|楼下)?|现场|"
    f"门口|门外|楼下|屋里|房间)"
)
_SOON = "(?:马上就?|即刻|立刻|立马|立即|现在就?|这就|这便|就|赶紧|赶快|尽快|很快就?|快|先|正|这会儿?|火速)"
_HOW = (
    "(?:骑(?:[一-鿿]{0,3}?车|小?电?毛?驴|摩托)|开(?:电动|电瓶|摩托)?车|坐车|打车|打的|走路?(?!不)|步行|跑步?|下楼|"
    "出门|从[一-鿿]{1,4}|带上?钥匙|拿上?钥匙|穿上?衣服)"
)
_TOGETHER = "(?:(?:和|跟|同|与|带)[一-鿿]{1,4}(?:一起|一块儿?)?)"
_I = "(?:我们|咱们|我|俺|咱|本人)"
_THERE_TO_SEE = (
    f"(?:{_PLACE}|那边|那儿|那里)?(?:看看?(?:一下)?(?:是)?(?:怎么|咋|啥|什么)(?:回事|了|情况|样)|看看|看一?下|"
    f"看一看|看一眼|瞧一眼|看她|看他|看|瞧瞧|看望|"
    f"敲门|开门|扶她|扶他|扶一?下|帮她|帮他|处理|帮忙|一趟|一下|情况)*(?!不|没)"
)
_GO = f"(?:过去|赶过去|赶去|飞奔过去|冲过去|跑过去|过来|赶过来|上门|上去|下去|上楼去?|去|来){_THERE_TO_SEE}"
_ENGLISH_I = r"(?:i|we)"
_ENGLISH_HOME = (
    r"(?:(?:her|his|their|the) (?:front |back |old )?(?:door(?:step)?|flat|house|home|place|apartment|room|bedroom|"
    r"kitchen|bathroom|living room|hall(?:way)?|building|entrance|gate|side|address|scene|stairs|garden|bed|"
    r"lady|man|patient|resident)(?! of my\b)|(?:mrs|mr|ms|miss|granny|grandma|grandpa|auntie?)\b\.? ?\w*)"
)
"""Where the wearer is, and nobody else."""
_NOT_ELSEWHERE = rf"(?! (?:in|at|on|from|by|near|for|until|till|to) (?!{_ENGLISH_HOME}\b))"
_BE_THERE = r"(?:be )?(?:right |over )?(?:there|here|with (?:her|him|them))"
_MINUTES = (
    r"(?:约|大概|大约|差不多|最多|再|还有|还要|in |about |another )*§(?:后|之后|左右|内|以内|就| or so| away| out)*"
)

PATTERNS: tuple[tuple[Word, str], ...] = (
    # First what would be taken for something else.
    (
        Word.DOUBT,
        "[去来]是(?:可以|能|想)?[去来]|[得要再]等|上次|昨[天晚日]|前天|以前|之前|早上|¤|(?:我|先|就|现在|马上|"
        "要)*去(?:你|谁|哪)|等(?=处理|弄|解决|忙|办|完)",
    ),
    (
        Word.DOUBT,
        r"\b(?:yesterday|last (?:time|night|week)|earlier|this morning|(?:your|our|my) mistake|"
        r"if needed|for you)\b",
    ),
    (Word.ACKNOWLEDGED, r"\bwell done\b"),
    (Word.ETA, "£"),
    (Word.PLAIN, r"§ ?(?:ago\b|前)|(?:路上)?(?:太)?堵(?:死|车|住|得[一-鿿]{1,3})?了?"),
    (
        Word.NEED,
        r"\b(?:call|ring|get) (?:the|her|his) neighbou?rs?\b|\b(?:ask|try|call|ring|get) (?:the|her|his) (?:son|"
        r"daughter|family|desk|office)(?: please)?\b",
    ),
    (Word.NOBODY, "没(?:有)?人(?:应|开门?|在家?|接|答|出来|回应)"),
    (Word.NEED, "帮我|(?:赶快|赶紧|请|快|马上)?派人|麻烦(?:你们?|您)?"),
    (Word.NEED, r"\bplease (?:go|come)\b|\b(?:go|come)(?: now| quickly| on)* please\b|\bhurry\b|\bgo away\b"),
    (
        Word.SOMEBODY_ELSE,
        r"\b(?:(?:i|we) )?(?:am |are |have to |need to |must )*(?:go|going|on (?:my|the) way|"
        r"heading) (?:to (?!(?:her|him|see|"
        r"check|help|look|the (?:flat|house|door|apartment|place|scene))\b)\w+|home\b)|\b(?:all )?(?:done|"
        r"finished) (?:with|for|at)\b",
    ),
    (
        Word.CANNOT,
        "我(?:人)?(?:已经?|刚|还)?(?:在|要)?(?:骨折|摔伤?|受伤|住院|出国|病倒)了?|走不脱|(?:不能|没法|无法)离开|离不开",
    ),
    (Word.CANNOT, "我(?:的|自己)?(?:脚|腿|腰|手|膝盖)(?:崴|扭|闪|断|伤|疼|骨折|受伤)(?:着|到|伤|断)*了?"),
    (Word.CANNOT, "(?:人)?(?:还)?在(?:火车|高铁|飞机|动车|大巴|轮船|船|高速)上"),
    (Word.CANNOT, "我?(?:已经?|刚)?回(?:了)?(?:老家|娘家|乡下)了?"),
    (Word.PLAIN, "(?:身体|人)(?:有点)?不(?:太)?(?:舒服|好|适)"),
    (Word.CANNOT, "帮不(?:上|了)忙?|(?:人)?在(?:外头|外边)|换个人|另请高明|(?:另外)?安排(?:别人|其他人|他人|人)"),
    (
        Word.CANNOT,
        r"\b(?:not able(?: to)?|unable(?: to)?|could not|not me|not today|someone else|"
        r"somebody else|(?:send|get|ask|find) another(?: person|"
        r" one)?|(?:ask|try) the neighbou?rs?|travell?ing|on an? (?:train|plane|flight|bus|boat)|"
        r"off (?:today|duty))(?: (?:go|come|attend|"
        r"make it|get there|do it))*\b",
    ),
    (
        Word.GO,
        "(?:我|我们)(?:马上|这就|现在)?(?:到场|上门)(?:处理|看看|看一下)|(?:我|我们)(?:能|可以)(?:到场|赶到|到)",
    ),
    (
        Word.THERE,
        "^(?:我|是|刚刚?|已经?)* ?到的$|(?:我)?(?:已经?|刚)上门了?|上门了|(?:我)?(?:已经?|正在|正|在)敲门(?:了)?|"
        "敲开门了?|"
        "(?:我)?(?:已经?)?(?:进屋|到楼上)了|"
        "已进屋|(?:我)?在(?:她|他)?屋(?:里|内)|(?:已经?)?(?:见着|看见|碰到)(?:老人|她|他|人)了",
    ),
    (
        Word.THERE,
        r"\b(?:(?:i|we) (?:am|are) )(?:now |already )*(?:in$|in (?:her|his|the) (?:flat|house|room|"
        r"home|apartment|bedroom))|"
        r"\bstanding (?:at|outside) (?:her|his|the) \w+|^with the (?:patient|old (?:lady|man)|resident)(?: now)?",
    ),
    (
        Word.SET_OUT,
        "(?:我)?(?:已经?)?在?途中|(?:正在|正|已|在)?(?:前往|赶往|赶来|赶去)中|(?:正在|正|已)?前往$|"
        "在赶来|预计 ?§? ?(?:到达|到|左右)*",
    ),
    (
        Word.SET_OUT,
        r"^(?:will|can) be (?:there|over|here|with (?:her|him))(?: soon| shortly| in| within| now)*(?: ?(?:about )?§)?",
    ),
    (Word.SET_OUT, f"(?:我)?{_HOW}?(?:过去|赶去|过来|赶过去)中"),
    (
        Word.SET_OUT,
        r"\beta ?§|\b(?:(?:i|we) (?:will |am |are )?)?(?:head|heading|pop|popping|run|running|drive|"
        r"driving|walk|walking) "
        r"(?:over|round|by|down|up|there|in)(?: now)?\b",
    ),
    (Word.SET_OUT, r"\b(?:(?:i|we) (?:am |are ))?heading out(?: the door)?(?: now)?\b"),
    (
        Word.GO,
        r"\b(?:(?:i|we) (?:am |are ))?going (?:over )?to (?:her|his) (?:place|home|flat|"
        r"house)(?: now)?\b|\bi can make it\b",
    ),
    (Word.THERE, r"\b(?:now )?with (?:her|him)(?: now)?$"),
    (Word.PLAIN, "回去了|回来了"),
    (Word.GO, r"\blet me go\b|\b(?:i|we) shall go\b|\b(?:i|we) (?:will take|have got|got) this(?: one)?\b"),
    (Word.DONE, "(?:都|已经?)妥了|(?:已经?)?(?:安全)?送回(?:家)?了?|(?:已经?)?解除了?|收工了?|完事了?"),
    (Word.DONE, r"\bit is over\b"),
    (
        Word.MISTAKE,
        "(?:是)?误会|按着玩(?:儿)?的?|(?:是)?(?:小孩子?|孩子|孙子|孙女|外孙|保姆|猫|狗)(?:不小心|"
        "乱|玩(?:着)?(?:手环|手表)?(?:的时候|时)?)?(?:按|碰|玩)(?:到)?(?:的|了)|假的",
    ),
    (
        Word.MISTAKE,
        r"\b(?:no|not an) emergency\b|\b(?:grandson|granddaughter|grandchild|kid|child|dog|cat|cleaner) (?:pressed|hit|"
        r"bumped)(?: it)?\b|\bmis-?click\b|\bunintentional(?:ly)?\b|\bnothing(?: is)? wrong\b",
    ),
    # Idioms that hold another word's characters.
    (
        Word.ACKNOWLEDGED,
        "没问题|没关系|不客气|不用谢|不用担心|别担心|不要担心|别急|别着急|不急|不要急|放心吧?|不要紧|辛苦了?",
    ),
    (Word.PLAIN, "到了(?:就|再|后|会)?(?:告诉|通知|联系|回复|发给)(?:你们?|您|大家|值班[室台]?)|让(?=我[去来过])"),
    (
        Word.PLAIN,
        "(?:坐|躺|倒|摔|趴|睡)(?:着|倒|在)*(?:地上|地板上|床上|沙发上|椅子上|厕所里?|卫生间里?|厨房里?|客厅里?|"
        "门口)*(?:了|呢)?"
        "(?=$|[她他老人还])|(?:人)?(?:还|很)?(?:清醒|有呼吸)(?:的|着)?|意识(?:还)?(?:清楚|清醒)|能说话|(?:精神|"
        "状态)(?:还|很)?(?:好|可以|不错|稳定)",
    ),
    (Word.PLAIN, "住(?:在)?(?:她|他|老人)?(?:家)?(?:对门|隔壁|楼上|楼下|同一?栋)|约莫|估摸着?"),
    (Word.PLAIN, "这边|那边|实在|确实|真的|这件?事|这次|这单|自己"),
    (
        Word.PLAIN,
        "没受伤|没摔[一-鿿]?|没(?:有)?(?:什么|啥)?(?:大?事|大碍|问题|危险|受伤)|没(?:有)?生命危险|不疼|无大碍",
    ),
    (Word.PLAIN, r"(?:i )?cannot wait(?: to)?|no need to worry|do not worry|not to worry|稍等|等我(?:一下)?"),
    (Word.ACKNOWLEDGED, r"no problem|no worries|not a problem|will do"),
    # Questions and conditions: whatever they hold is not said.
    (Word.ASKS, "去不去|来不来|去没去|到没到|在不在|要不要|能不能|可不可以|行不行|是不是|有没有|需不需要|还是不"),
    (Word.ASKS, "吗|么$|呢$|没$|是否|谁|什么|怎么样?|哪位|几点|多久|为何|为什么|啥|咋|嘛$"),
    (
        Word.ASKS,
        r"\b(?:who|what|when|why|how|which|whether)\b|\b(?:should|shall|do|does|did|can|could|would|"
        r"will|are|is|has|have) (?:i|you|we|he|she|it|they|anyone|anybody|someone|somebody)\b",
    ),
    (Word.ADDRESS, "地址|在哪里?儿?|哪里|哪儿|什么地方|住哪|哪一?[家户栋幢楼室]"),
    (Word.ADDRESS, r"\b(?:address|where(?: is (?:it|she|he))?(?: to)?)\b"),
    (
        Word.DOUBT,
        "如果|要是|听说|据说|以为|觉得|感觉|怀疑|不确定|不肯定|不知道|不清楚|想想|看情况|假如|万一|"
        "除非|的话|没人去|可能|也许|大概是|或许|说不定|估计|应该是?|好像|似乎|恐怕|想去|想来|试试|"
        "争取|尽量|不会是|或者?|还是$|\\bor\\b",
    ),
    (
        Word.DOUBT,
        r"\b(?:i (?:think|guess|believe|suppose|hear|heard)|not (?:sure|certain)|do not know|"
        r"no idea|cannot (?=(?:tell|say|see|reach|find|hear|contact|believe|understand|open|get in|"
        r"enter)\b)|if|unless|maybe|perhaps|might|may|probably|possibly|could be|looks like|seems?|"
        r"hope(?:fully)?|try(?:ing)? to|want to)\b",
    ),
    (
        Word.DOUBT,
        "明天|后天|下班后|下班了?再|等下班|待会儿?去|等会儿?去|一会儿?去|等下去?|等下再?|晚点去|"
        "过会儿?去|改天|到时候|到了(?:再|就|后|以后|之后|告诉|通知|说|给)|等(?:我|他|她|你)?到|"
        "稍后|再说",
    ),
    (
        Word.DOUBT,
        r"\b(?:tomorrow|later|after work|let me know|call me|tell me|wait)\b",
    ),
    (Word.TODAY, r"¢|今晚上?|晚上|今天(?:上午|下午|晚上)|下午|\b(?:tonight|this (?:afternoon|evening))\b"),
    # Somebody else goes, is asked to go, or is there.
    (
        Word.CANNOT,
        "(?:请|让|叫|找|派|换|喊|另找|另派|转给|换成)(?:一下)?(?:别人|其他人|他人|别的人)(?:去|"
        "来|过去|处理)?吧?|换人|另找人",
    ),
    (Word.CANNOT, r"\b(?:send|ask|find|call|get|try) (?:someone|somebody|anyone|anybody) else(?: please)?(?: to go)?"),
    (Word.SOMEBODY_ELSE, "(?:让|叫|派|请|找|喊|安排|通知)(?!我[去来过])[一-鿿]{1,6}?(?:去|来|过去|过来|到)了?"),
    (
        Word.SOMEBODY_ELSE,
        "(?:他们?|她们?|你们?|您|别人|人家|有人|大家|救护车|医生|警察|120|儿子|女儿|老公|老婆|爱人|"
        "同事|邻居|家属|家人|孩子)(?:已经?|会|能|要|可以|正在|马上|正)*(?:去|来|过去|过来|到|赶|"
        "出发)",
    ),
    (Word.SOMEBODY_ELSE, "(?:她|他|老人家?|老太太?|阿姨|奶奶|爷爷)(?:人)?不(?:在|肯|愿|想|让|开|接|能|会)"),
    (
        Word.NOT,
        r"\b(?:she|he|it|they|door|key|lift|phone) (?:\w+ )?(?:cannot|will not|does not|did not|is not|are not)",
    ),
    (Word.SOMEBODY_ELSE, "我(?:儿子|女儿|老公|老婆|爱人|妈|爸|同事|朋友|家人|孩子|弟弟|妹妹|哥哥|姐姐|邻居)"),
    (
        Word.SOMEBODY_ELSE,
        r"\b(?:my|his|her|the|our) (?:son|daughter|wife|husband|colleague|neighbou?r|friend|mother|"
        r"father|brother|sister|ambulance|police|doctor|mum|mom|dad)\b",
    ),
    (
        Word.SOMEBODY_ELSE,
        r"\b(?:he|they|you|somebody|someone|she) (?:is |are |will |can |has |have )*(?:go|going|"
        r"coming|on (?:his|her|their|the) way|leaving|left|arrived|there)\b",
    ),
    (Word.SOMEBODY_ELSE, r"\bon (?:his|her|their) way\b"),
    # Going somewhere else.
    (
        Word.ELSEWHERE,
        "(?:我|先|得|要|正|还|现在|马上)*去(?:上班|开会|医院|买[一-鿿]?|接(?!她|他)[一-鿿]*|"
        "吃[一-鿿]?|睡[一-鿿]?|问[一-鿿]?|叫[一-鿿]*|找[一-鿿]*|打[一-鿿]*|拿(?!钥匙)[一-鿿]*|"
        "送[一-鿿]*|学校|单位|公司|外地|北京|上海|超市|旅游|出差)",
    ),
    (Word.ELSEWHERE, "(?:我)?(?:已经?|刚)?到(?:我)?(?:家|公司|单位|学校|医院|办公室|超市)(?![一-鿿]*[门楼])了?"),
    (
        Word.ELSEWHERE,
        r"\b(?:(?:i|we) (?:am |are )?)?going (?:to (?!(?:her|him|see|check|help|the (?:flat|house|"
        r"door))\b)\w+|home|out|away|back)|\b(?:at|in) (?:home|bed|(?:my )?(?:office|house|"
        r"place))\b|\bhere at (?!(?:her|his|the)\b)\w+",
    ),
    # Done: closed, or in other hands.
    (
        Word.NEED,
        "(?:要|需要|得|应该|必须|赶紧|快|帮忙)+(?:送医院|送医|叫?120|救护车|叫救护车|帮[助忙]|来人|"
        "人手|支援)|快来人|救命|叫救护车|再?打给我|回电",
    ),
    (
        Word.NEED,
        r"\b(?:needs?|call|send|get) (?:an? |the |some )?(?:ambulance|help|doctor|120|police|backup|"
        r"assistance)\b|\bhelp (?:her|him|me)\b(?! up)",
    ),
    (
        Word.HOSPITAL,
        "(?:已经?|刚)?(?:被)?(?:送|送到|送往|送去|拉到|去|到|住)(?:了)?医院了|已(?:经)?送(?:到|往|"
        "去)?(?:[一-鿿]{0,5}?医院|医|急诊)|(?:已经?)?(?:送|拉)(?:了)?(?:去|到|往)[一-鿿]{0,6}?(?:医院|急诊科?|"
        "急救中心|卫生院|[一二三]院(?:急诊)?)了|"
        "送了去医院|已叫(?:120|救护车)送(?:到)?医院?了|(?:120|救护车)(?:已经?)?(?:把[一-鿿]{1,4})?(?:接走|拉走|"
        "带走|送走)了?|"
        "上了?救护车了?|住院了",
    ),
    (Word.CANNOT, r"\b(?:i|we) (?:am |are )(?:still )?(?:in|at) (?:the )?hospital (?:myself|too|as well)\b"),
    (
        Word.DOUBT,
        r"\b(?:i|we) (?:am |are )(?:still |now )?(?:in|at) (?:the )?hospital(?! with (?:her|him))\b",
    ),
    (
        Word.HOSPITAL,
        r"\b(?:(?:is |has |was )?been )?(?:taken|took (?:her|him)|gone|brought|admitted)(?: her|"
        r" him)? to (?:the )?hospital(?: by ambulance| with the ambulance)?|"
        r"\b(?:in|at) (?:the )?hospital(?: now)?|\bambulance (?:took|has) (?:her|him)|"
        r"\bwith the ambulance",
    ),
    (Word.SOMEBODY_ELSE, "救护车|急救|医生|警察|民警|保安|物业|消防|邻居"),
    (
        Word.MISTAKE,
        "自己(?:不小心)?(?:碰|压|触)(?:到|着)?的|误报|误触|误按|误碰|误操作|按错了?|碰错了?|(?:是)?(?:她|他|老人|"
        "人)?(?:自己)?(?:不小心|"
        "无意中?)(?:是)?(?:按|碰|压|触)(?:到|着|了|上|下)*(?:的)?(?:按钮|手环|按键|键)?了?的?|"
        "(?:睡觉|翻身)?(?:碰|压|按)(?:到|着)(?:了|的|按钮|手环|按键|键)+|虚惊一场|假警报|假报警|"
        "乌龙",
    ),
    (
        Word.MISTAKE,
        r"\bfalse (?:alarm|call|alert)|\b(?:by|an?|was an?|just an?) (?:accident|mistake)|"
        r"\baccident(?:al(?:ly)?)?(?: press(?:ed)?)?|\bmistake(?:nly)?\b|\bwrong button|"
        r"\bnothing happened",
    ),
    (Word.DONE, "(?:已经?|都)*(?:帮|扶)(?:着)?(?:她|他|老人)?起来?了?|(?:已经?|都)*妥善(?:处理|解决|安排)了?|搞掂"),
    (
        Word.DONE,
        "(?:已经?|都|全部?|事情?|问题|帮[她他]?)*(?:处理|办理?|弄|搞|解决|安顿|安排|忙|帮|"
        "照顾)(?:完毕|完成|妥当|好|完|妥|定)+(?:她|他|老人)?了?|搞定了?|(?:已|都)处理(?:了|过了)?|"
        "(?:已经?|都|问题|事情)*(?:解决|完成|完毕|结束|完事)了?|(?:已经?|人)*(?:扶|拉|抱)(?:她|他|"
        "老人)?(?:起来|上床|到床上)了?|(?:送|陪)(?:她|他|老人)回家了",
    ),
    (
        Word.DONE,
        r"\b(?:all |it is |is |now |been |has been |just )*(?:done|resolved|sorted(?: out)?|"
        r"finished|completed?|solved|dealt with|taken care of|settled|closed)\b(?! (?:with|for|at) )|\b(?:have |"
        r"has )?helped (?:her|him)(?: up| back)?(?: (?:in|into|to|onto)(?: the)? (?:bed|chair|sofa|feet))?|"
        r"\bis up again",
    ),
    (Word.HANDLING, "(?:我|正)?(?:正?在|来)?处理(?:中|着)?|继续(?:呼叫|叫|打)|在跟进"),
    (Word.HANDLING, rf"\b(?:{_ENGLISH_I} (?:am |are )?)?(?:handling|dealing with)(?: it| this)?|\bkeep calling"),
    # They cannot.
    (
        Word.CANNOT,
        "(?:去|来|过|过去|过来|赶过|赶|走|走过|赶过去|赶回|回)不(?:了|去|来|及|到|开|成|上|过来|"
        "过去)(?:了)?|(?:赶|来)不(?:回来|回去|及|上)|走不了|(?:抽|脱)不(?:开|出)(?:身|空|时间)?|"
        "没(?:有)?(?:空|时间|功夫|办法|法)(?:赶?过去|赶?过来|赶去|去|来|走|离开)?|(?:不|不太|"
        "不大)方便(?:去|来|过去)?|无法(?:赶?过去|去|来|前往|到场|赶到)?|(?:不|没)得(?:闲|空)",
    ),
    (
        Word.CANNOT,
        "(?:真|先|就|也|可)?(?:不能|不可以|不会|不想|不|没法|没办法)(?:马上|现在|立刻|再)?(?:过去|过来|去|来)了?",
    ),
    (
        Word.CANNOT,
        "(?:人)?(?:还)?在(?:外地|外省|国外|外面|出差|上班|开会|加班|忙|北京|上海|广州|深圳|老家|"
        "医院看病|住院|开车)|出差(?:了|中)?|不在(?:家|本地|社区|上海|这边?|附近|岗|班|小区)?|(?:太|"
        "有点|比较)远(?:了)?|不行|不可以|腿(?:脚)?(?:不好|不便|疼)|(?:我|孩子)?(?:生病|发烧|感冒|"
        "病)了?|抱歉|对不起|不好意思|去别的地方",
    ),
    (
        Word.CANNOT,
        r"\b(?:sorry )?(?:cannot|unable to|not able to|will not(?: be able to)?|would not|"
        r"am not able to)(?: (?:go|come|make it|get there|be there|leave|attend|help|do it|reach|"
        r"right now|now|today))*",
    ),
    (
        Word.CANNOT,
        r"\bnot (?:going|coming|available|possible|around|in town|free|nearby)\b|\b(?:unavailable|"
        r"out of (?:the )?(?:town|city|country)|in another (?:city|town|country|place)|abroad|"
        r"away on|busy|too far(?: away)?|no time|stuck(?: at work| in traffic)?|at work|"
        r"in a meeting|on holiday|sick|ill|away)\b|\b(?:nope|pass|sorry)\b|^no(?=$| (?:i|sorry|way|"
        r"cannot|not)\b)",
    ),
    # They are there.
    (
        Word.THERE,
        f"(?:我|人)?(?:已经?|刚刚?|都)*(?:到达|抵达|到)(?:了)?{_PLACE}(?:了|里|这|这里)?|(?:我|"
        f"人)?(?:已经?|刚刚?|都)*(?:到位|到场|抵达|到达)(?:现场)?了?|(?:我|人)?(?:已经?|刚刚?|"
        f"都)+到了?|(?:我|人)?到(?:了|啦|咯|咗)|到场|进门了|进来了|进屋了",
    ),
    (
        Word.THERE,
        f"(?:我)?(?:已经?|现在|就)*(?:在|陪在?|守在?){_NAMED}的?(?:家(?:里|门口|楼下)?|身边|旁边|"
        f"门口|楼下|屋里)(?:了|呢)?|(?:我)?(?:已经?|现在|就)*在(?:现场|门口|楼下)(?:了|呢)?|"
        f"(?:我)?(?:和|跟|同|陪着|守着){_NAMED}(?:在一起|一起|身边)?(?:了|呢)?|(?:已经?)?(?:见到|"
        f"看到|找到){_WHO}了?|^到$",
    ),
    (
        Word.THERE,
        r"\b(?:have |has |just |already |now )*(?:arrived|reached(?! (?:home|the (?:office|hospital|station|"
        r"airport)))|got (?:here|there)|got to(?= (?:her|his|the)\b)|"
        r"made it(?! (?:home|back)\b)(?:(?!,? (?:to|by)))?)"
        rf"{_NOT_ELSEWHERE}(?: (?:(?:at|to|in) )?{_ENGLISH_HOME})?(?: now| safely)?\b",
    ),
    (
        Word.THERE,
        rf"\b(?:{_ENGLISH_I} )?(?:am |are )(?:now |already |inside |right )*(?:(?:here|there){_NOT_ELSEWHERE}"
        rf"(?: (?:in|at) {_ENGLISH_HOME})?|"
        rf"with (?:her|him|them|(?:mrs|mr|ms|miss|granny|grandma|grandpa|auntie?)\b\.?(?: \w+)?)|inside(?! (?:my|"
        rf"our|a|an|the|of)\b)|outside(?= now\b)|(?:in|at|inside|outside) "
        rf"{_ENGLISH_HOME})(?: now)?\b|"
        rf"^(?:here(?! (?:is|are)\b){_NOT_ELSEWHERE}(?: (?:at|in) {_ENGLISH_HOME})?|inside(?! (?:my|our|a|an|the)\b)"
        rf"|with (?:her|him))(?: now)?|\b(?:at|outside|"
        rf"inside) {_ENGLISH_HOME}\b|\bon (?:site|scene)\b",
    ),
    # They are on their way.
    (
        Word.SET_OUT,
        f"{_MINUTES}(?:就|能|可以|内)*(?:到(?:达|场)?|赶到|过来|能到)了?|(?:我|"
        f"人)?{_SOON}+(?:就)?(?:到|赶到)(?:了|场)?|(?:快|一会儿?)(?:就)?(?:要)?到了?|{_MINUTES}$",
    ),
    (
        Word.SET_OUT,
        f"(?:我|人|已经?|正|现在)*(?:在|走在)?(?:来的?|去(?:{_PLACE}|那边)?的?|过去的?|赶去的?|"
        f"赶来的?)?路上了?|(?:我|已经?|刚刚?|马上|立刻|立马|立即|即刻|这就|现在|就|准备)*(?:出发|动身|出门|上路|"
        f"下楼)了?|(?:我)?(?:已经?)?(?:正|正在|在)+{_HOW}?(?:往|朝|向)[一-鿿]{{0,6}}(?:赶|走|去|"
        f"跑)了?|(?:我)?(?:正|正在|在)+(?:去|赶|赶去|赶来|赶过去|过去|赶往|前往|来)(?:了|{_PLACE}|"
        f"那边)?",
    ),
    (
        Word.SET_OUT,
        r"\b(?:i am |we are |am )?(?:on (?:my|the|our) way(?: (?:over|up|down|there|"
        r"round)(?! to))?(?: (?:over )?to (?:(?:her|his|the) (?:flat|"
        r"house|place|home|door|apartment)|her|him))?|omw|en ?route|heading (?:there|over|"
        r"out|"
        r"to (?:her|his|the)(?: (?:place|house|home|flat|door))?)|(?:just |already )?(?:leaving|left)(?: work| home|"
        r" the house| the office)?(?: now| already)?|driving (?:there|"
        r"over)|walking (?:there|over)|(?:almost|nearly) (?:there|here))(?: now| already)*\b",
    ),
    (
        Word.SET_OUT,
        rf"\b(?:{_ENGLISH_I} )?(?:will |can |should )?(?:be )?(?:right )?(?:there|here|"
        rf"over)? ?(?:in |about |within )+(?:about )?§(?: or so)?|§ away|{_ENGLISH_I} (?:will|can|"
        rf"should) (?:be |get |come )?(?:right |over )?(?:there|here|over|with (?:her|him|"
        rf"them))(?: soon| shortly| now| in| within)*(?: ?(?:about )?§)?|\b(?:be )?right (?:there|"
        rf"over)\b|\bbe there(?: soon| shortly)?\b",
    ),
    # They go.
    (
        Word.GO,
        f"(?:还是)?{_I}(?:来|先|自己|亲自)?{_TOGETHER}?(?:能|可以|会|愿意|要|"
        f"来)?{_SOON}*{_HOW}?(?:就)?(?:能|可以)?{_GO}(?:了|吧|啊|咯|撒|噻|哟|呗|咧|嘞|哈|哒)*",
    ),
    (
        Word.GO,
        f"(?:能|可以)?(?:马上|立刻|立马|立即|现在|这就|很快|就)*{_HOW}?(?:就)?(?:能|可以)?(?:过去|"
        f"赶过去|飞奔过去|冲过去|跑过去|赶去|上门|去){_THERE_TO_SEE}(?:了|吧|咯)*|(?:马上|立刻|立马|"
        f"立即|这就|就)+(?:过来|"
        f"赶过来|来){_THERE_TO_SEE}(?:了|吧)?",
    ),
    (
        Word.GO,
        f"(?:我|俺|我们){_SOON}*(?:能|可以|行)$|交给我(?:吧|处理)?|包在我身上|(?:我)?(?:来)?(?:负责|"
        f"接手|接(?:了|单)?)$|(?:这事|这次)?算我的|我(?:这就|马上)?{_HOW}(?:就)?(?:去)?",
    ),
    (
        Word.GO,
        rf"\b{_ENGLISH_I} (?:will|can|am going to) (?:head (?:there|over|out)|"
        rf"(?:go and )?(?:check(?: on)?|see|look in on) (?:her|him|them))\b",
    ),
    (
        Word.GO,
        rf"\b(?:{_ENGLISH_I} )?(?:am |are |will |can |would )*(?:go|going|coming|come)(?: (?:now|"
        rf"there|over|right now|right away|immediately|straight away|at once|to (?:(?:her|his|the) (?:flat|house|door|"
        rf"home|place|apartment|room)|her|him)|check(?: on (?:her|him))?|and (?:see|check|look)))*\b|^(?:yes|"
        rf"yep|yeah) (?:on it|i (?:can|will)|will go|going)\b|^(?:(?:i|we) (?:am|are) )?on it\b|\b(?:i|"
        rf"we) will take it\b|\bwill (?:go|come)\b",
    ),
    (Word.CANNOT, r"^n$|\bno$"),
    # Words that say no or not, and words that say nothing.
    (Word.NOT, "不是|并非|并不是|没有|没|未|不|别|无|非|还没有?|尚未"),
    (Word.NOT, r"\b(?:not|no one|no|never|nor|neither|without|nobody|none)\b"),
    (
        Word.ACKNOWLEDGED,
        "收到|好的?吧?|好[嘞咧滴哒]|得[嘞咧]|要得|[中成得](?=我|俺|$)|行吧?|可以|嗯+|哦|知道了?|明白了?|了解了?|"
        "谢谢|多谢|感谢|是的?|对的?|在的?|您好|你好",
    ),
    (
        Word.ACKNOWLEDGED,
        r"\b(?:ok(?:ay)?|k|got it|roger|noted|thanks?(?: you)?|thx|sure|fine|alright|understood|"
        r"copy|cheers|good|great|hello|hi|please)\b",
    ),
    (Word.YES, r"\b(?:yes|yep|yeah)\b|^y$"),
    (
        Word.PLAIN,
        f"手环|编号|报警|报案|警报|事件|我|俺|咱|们|您|你|了|啊|吧|呢|啦|哦|呀|哈|的|就|也|都|已经?|"
        f"刚刚?|现在|目前|马上|立刻|正在|很快|而且|只是|是|有|人|网格员|值班|这里|那里|这|那|家里?|"
        f"没受伤|没摔|没事|没什么事|平安(?:无事)?|一切正常|好好的|正常|挺好|还好|在家|钥匙|住得?近|"
        f"离得?近|很近|近|顺路|大概|大约|左右|门开了?|正在敲门|敲门|核实|确认|打电话问了?|电话问了?|"
        f"说|问了?|帮|看|等|后|到|{_WHO}",
    ),
    (
        Word.PLAIN,
        r"\b(?:i|we|am|are|is|was|it|she|he|her|him|the|a|an|to|for|at|in|on|of|this|that|and|now|"
        r"then|all|up|so|will|have|has|just|already|alarm|incident|code|number|fine|safe|okay|well|"
        r"good|close by|nearby|near|live|key|ring|ringing|soon|about|mrs?|ms|with|there|here|"
        r"from|my|one|minutes?|min|patient|lady|old|everything|pressed|press|button|problem|case|"
        r"situation|job|work done|task|issue|matter|right|straight|immediately|give me)\b|§",
    ),
)
