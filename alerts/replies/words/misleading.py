"""What would be taken for something else: idioms, questions, conditions, what others do, where else somebody goes."""

from alerts.replies.words.pieces import HOW
from alerts.replies.words.word import Word

MISLEADING: tuple[tuple[Word, str], ...] = (
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
    (Word.SET_OUT, f"(?:我)?{HOW}?(?:过去|赶去|过来|赶过去)中"),
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
)
