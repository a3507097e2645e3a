"""Pieces that several patterns share: who somebody is, where the wearer is, how one gets there, how soon."""

WHO = "(?:她|他|它|老人|老人家|老太太|老太|老爷子|老伯|大爷|大妈|阿姨|奶奶|爷爷|婆婆|阿婆|阿公|人家|人|妈妈?|爸爸?)"
NAMED = "(?:[一-鿿]{1,4}(?:阿姨|奶奶|爷爷|婆婆|老师|大爷|大妈|叔叔|伯伯|老太|老太太|老人)|" + WHO + ")"
PLACE = (
    f"(?:{NAMED}(?:的)?(?:家中?|那|那边|那里|楼下|门口|屋里|身边|旁边|房间)(?:里|门口|楼下)?|现场|"
    f"门口|门外|楼下|屋里|房间)"
)
SOON = "(?:马上就?|即刻|立刻|立马|立即|现在就?|这就|这便|就|赶紧|赶快|尽快|很快就?|快|先|正|这会儿?|火速)"
HOW = (
    "(?:骑(?:[一-鿿]{0,3}?车|小?电?毛?驴|摩托)|开(?:电动|电瓶|摩托)?车|坐车|打车|打的|走路?(?!不)|步行|跑步?|下楼|"
    "出门|从[一-鿿]{1,4}|带上?钥匙|拿上?钥匙|穿上?衣服)"
)
TOGETHER = "(?:(?:和|跟|同|与|带)[一-鿿]{1,4}(?:一起|一块儿?)?)"
CHINESE_I = "(?:我们|咱们|我|俺|咱|本人)"
THERE_TO_SEE = (
    f"(?:{PLACE}|那边|那儿|那里)?(?:看看?(?:一下)?(?:是)?(?:怎么|咋|啥|什么)(?:回事|了|情况|样)|看看|看一?下|"
    f"看一看|看一眼|瞧一眼|看她|看他|看|瞧瞧|看望|"
    f"敲门|开门|扶她|扶他|扶一?下|帮她|帮他|处理|帮忙|一趟|一下|情况)*(?!不|没)"
)
GO = f"(?:过去|赶过去|赶去|飞奔过去|冲过去|跑过去|过来|赶过来|上门|上去|下去|上楼去?|去|来){THERE_TO_SEE}"
ENGLISH_I = r"(?:i|we)"
ENGLISH_HOME = (
    r"(?:(?:her|his|their|the) (?:front |back |old )?(?:door(?:step)?|flat|house|home|place|apartment|room|bedroom|"
    r"kitchen|bathroom|living room|hall(?:way)?|building|entrance|gate|side|address|scene|stairs|garden|bed|"
    r"lady|man|patient|resident)(?! of my\b)|(?:mrs|mr|ms|miss|granny|grandma|grandpa|auntie?)\b\.? ?\w*)"
)
"""Where the wearer is, and nobody else."""
NOT_ELSEWHERE = rf"(?! (?:in|at|on|from|by|near|for|until|till|to) (?!{ENGLISH_HOME}\b))"
MINUTES = (
    r"(?:约|大概|大约|差不多|最多|再|还有|还要|in |about |another )*§(?:后|之后|左右|内|以内|就| or so| away| out)*"
)
