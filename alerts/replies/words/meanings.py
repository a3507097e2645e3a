"""What writers say of themselves: it is over, they cannot, are there, on their way, go; and what says nothing."""

from alerts.replies.words.pieces import (
    CHINESE_I,
    ENGLISH_HOME,
    ENGLISH_I,
    GO,
    HOW,
    MINUTES,
    NAMED,
    NOT_ELSEWHERE,
    PLACE,
    SOON,
    THERE_TO_SEE,
    TOGETHER,
    WHO,
)
from alerts.replies.words.word import Word

MEANINGS: tuple[tuple[Word, str], ...] = (
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
    (Word.HANDLING, rf"\b(?:{ENGLISH_I} (?:am |are )?)?(?:handling|dealing with)(?: it| this)?|\bkeep calling"),
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
        f"(?:我|人)?(?:已经?|刚刚?|都)*(?:到达|抵达|到)(?:了)?{PLACE}(?:了|里|这|这里)?|(?:我|"
        f"人)?(?:已经?|刚刚?|都)*(?:到位|到场|抵达|到达)(?:现场)?了?|(?:我|人)?(?:已经?|刚刚?|"
        f"都)+到了?|(?:我|人)?到(?:了|啦|咯|咗)|到场|进门了|进来了|进屋了",
    ),
    (
        Word.THERE,
        f"(?:我)?(?:已经?|现在|就)*(?:在|陪在?|守在?){NAMED}的?(?:家(?:里|门口|楼下)?|身边|旁边|"
        f"门口|楼下|屋里)(?:了|呢)?|(?:我)?(?:已经?|现在|就)*在(?:现场|门口|楼下)(?:了|呢)?|"
        f"(?:我)?(?:和|跟|同|陪着|守着){NAMED}(?:在一起|一起|身边)?(?:了|呢)?|(?:已经?)?(?:见到|"
        f"看到|找到){WHO}了?|^到$",
    ),
    (
        Word.THERE,
        r"\b(?:have |has |just |already |now )*(?:arrived|reached(?! (?:home|the (?:office|hospital|station|"
        r"airport)))|got (?:here|there)|got to(?= (?:her|his|the)\b)|"
        r"made it(?! (?:home|back)\b)(?:(?!,? (?:to|by)))?)"
        rf"{NOT_ELSEWHERE}(?: (?:(?:at|to|in) )?{ENGLISH_HOME})?(?: now| safely)?\b",
    ),
    (
        Word.THERE,
        rf"\b(?:{ENGLISH_I} )?(?:am |are )(?:now |already |inside |right )*(?:(?:here|there){NOT_ELSEWHERE}"
        rf"(?: (?:in|at) {ENGLISH_HOME})?|"
        rf"with (?:her|him|them|(?:mrs|mr|ms|miss|granny|grandma|grandpa|auntie?)\b\.?(?: \w+)?)|inside(?! (?:my|"
        rf"our|a|an|the|of)\b)|outside(?= now\b)|(?:in|at|inside|outside) "
        rf"{ENGLISH_HOME})(?: now)?\b|"
        rf"^(?:here(?! (?:is|are)\b){NOT_ELSEWHERE}(?: (?:at|in) {ENGLISH_HOME})?|inside(?! (?:my|our|a|an|the)\b)"
        rf"|with (?:her|him))(?: now)?|\b(?:at|outside|"
        rf"inside) {ENGLISH_HOME}\b|\bon (?:site|scene)\b",
    ),
    # They are on their way.
    (
        Word.SET_OUT,
        f"{MINUTES}(?:就|能|可以|内)*(?:到(?:达|场)?|赶到|过来|能到)了?|(?:我|"
        f"人)?{SOON}+(?:就)?(?:到|赶到)(?:了|场)?|(?:快|一会儿?)(?:就)?(?:要)?到了?|{MINUTES}$",
    ),
    (
        Word.SET_OUT,
        f"(?:我|人|已经?|正|现在)*(?:在|走在)?(?:来的?|去(?:{PLACE}|那边)?的?|过去的?|赶去的?|"
        f"赶来的?)?路上了?|(?:我|已经?|刚刚?|马上|立刻|立马|立即|即刻|这就|现在|就|准备)*(?:出发|动身|出门|上路|"
        f"下楼)了?|(?:我)?(?:已经?)?(?:正|正在|在)+{HOW}?(?:往|朝|向)[一-鿿]{{0,6}}(?:赶|走|去|"
        f"跑)了?|(?:我)?(?:正|正在|在)+(?:去|赶|赶去|赶来|赶过去|过去|赶往|前往|来)(?:了|{PLACE}|"
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
        rf"\b(?:{ENGLISH_I} )?(?:will |can |should )?(?:be )?(?:right )?(?:there|here|"
        rf"over)? ?(?:in |about |within )+(?:about )?§(?: or so)?|§ away|{ENGLISH_I} (?:will|can|"
        rf"should) (?:be |get |come )?(?:right |over )?(?:there|here|over|with (?:her|him|"
        rf"them))(?: soon| shortly| now| in| within)*(?: ?(?:about )?§)?|\b(?:be )?right (?:there|"
        rf"over)\b|\bbe there(?: soon| shortly)?\b",
    ),
    # They go.
    (
        Word.GO,
        f"(?:还是)?{CHINESE_I}(?:来|先|自己|亲自)?{TOGETHER}?(?:能|可以|会|愿意|要|"
        f"来)?{SOON}*{HOW}?(?:就)?(?:能|可以)?{GO}(?:了|吧|啊|咯|撒|噻|哟|呗|咧|嘞|哈|哒)*",
    ),
    (
        Word.GO,
        f"(?:能|可以)?(?:马上|立刻|立马|立即|现在|这就|很快|就)*{HOW}?(?:就)?(?:能|可以)?(?:过去|"
        f"赶过去|飞奔过去|冲过去|跑过去|赶去|上门|去){THERE_TO_SEE}(?:了|吧|咯)*|(?:马上|立刻|立马|"
        f"立即|这就|就)+(?:过来|"
        f"赶过来|来){THERE_TO_SEE}(?:了|吧)?",
    ),
    (
        Word.GO,
        f"(?:我|俺|我们){SOON}*(?:能|可以|行)$|交给我(?:吧|处理)?|包在我身上|(?:我)?(?:来)?(?:负责|"
        f"接手|接(?:了|单)?)$|(?:这事|这次)?算我的|我(?:这就|马上)?{HOW}(?:就)?(?:去)?",
    ),
    (
        Word.GO,
        rf"\b{ENGLISH_I} (?:will|can|am going to) (?:head (?:there|over|out)|"
        rf"(?:go and )?(?:check(?: on)?|see|look in on) (?:her|him|them))\b",
    ),
    (
        Word.GO,
        rf"\b(?:{ENGLISH_I} )?(?:am |are |will |can |would )*(?:go|going|coming|come)(?: (?:now|"
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
        f"说|问了?|帮|看|等|后|到|{WHO}",
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
