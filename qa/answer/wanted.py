"""What kind of thing a question asks for, and where such things stand in a text. Regular expressions, no model.

Both work on matchable text (NFKC, Simplified). A kind is evidence, not a verdict: a sentence that holds something of
the kind is preferred, none is excluded.
"""

from __future__ import annotations

import re
from typing import Literal

from qa.types import Span

Kind = Literal["date", "figure", "person", "place", "organisation", "title", "list"]

_I = re.IGNORECASE
_UNIT_ASKED = "家个位项款种场次名成所倍条人天年岁块届张部份座套款批只件处"
_ORGANISATION_ASKED = "单位|机构|企业|公司|部门|协会|大学|高校|院校|医院|组织|集团|政府|媒体|报社"
_PLACE_ASKED = "区|市|省|县|镇|城市|园区|产业园|科学园|地方|国家|机场|地区|国|会场|会厂"
_HOSTED = "主办|承办|协办|举办|办|组织|发起|签|成立|建设|运营|发布"

_ASKED: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "date",
        re.compile(
            r"何时|(?:什么|啥)时候|哪(?:一|几)?[年天日月]|几月|几号|几日|日期|多久|哪(?:一)?届"
            r"|\bwhen\b|\b(?:what|which) (?:date|day|year|month|years|dates|time)\b|\bdates?\b|\bhow (?:long|soon)\b",
            _I,
        ),
    ),
    (
        "figure",
        re.compile(
            rf"多少|几(?:多|百|千|万)?[{_UNIT_ASKED}]|占比|比重|比例|规模|产值|总额|多[大高快长]|第几|排名|人数|数量"
            rf"|金额|增长率"
            r"|增速|涨多少|投资额|面积|价格|百分之几"
            r"|\bhow (?:many|much|large|big|fast|high|often|far)\b|\bnumber of\b|\bamount\b|\brank(?:s|ed|ing)?\b"
            r"|\bsize of\b"
            r"|\b(?:what|which) (?:share|percentage|percent|proportion|number|fraction|value|scale|output|rate"
            r"|price)\b",
            _I,
        ),
    ),
    (
        "organisation",
        re.compile(
            rf"哪[些家个几]{{1,2}}(?:{_ORGANISATION_ASKED})|哪家|(?:由|是)?谁(?:来|负责)?(?:{_HOSTED})|主办方|承办方"
            rf"|协办单位|主办单位"
            r"|\b(?:which|what) (?:\w+ )?(?:organi[sz]ations?|compan(?:y|ies)|institutions?|bod(?:y|ies)"
            r"|universit(?:y|ies)"
            r"|agenc(?:y|ies)|groups?|associations?|firms?|departments?|parties)\b"
            r"|\bwho (?:hosted|organi[sz]ed|ran|sponsored|held|signed|co-organi[sz]ed|issued|runs?)\b",
            _I,
        ),
    ),
    (
        "person",
        re.compile(
            r"谁|哪(?:一|几)?位|何人|姓名|什么名字|发言人|一把手|\bwho(?:m|se)?\b|\bname of the (?:person|head"
            r"|director|chair\w*|speaker)\b"
            r"|\b(?:director|speaker|president|chair\w*|secretary|spokes\w+|head) name\b|\bspeaker\b"
            r"|\b(?:which|what) (?:[\w-]+ ){0,3}(?:official|expert|professor|scientist|chemist|person|director"
            r"|president|academician|reporter)\b",
            _I,
        ),
    ),
    (
        "place",
        re.compile(
            rf"哪里|哪儿|何地|何处|在哪|设在|地点|哪[个座些](?:{_PLACE_ASKED})|位于|\bwhere\b|\bvenue\b|\blocation\b"
            r"|\b(?:which|what) (?:\w+ )?(?:place|city|district|province|park|town|county|country|region|venue|zone"
            r"|hotel)\b",
            _I,
        ),
    ),
    (
        "title",
        re.compile(
            r"主题|题目|叫什么|叫作|名称|口号|标语|全称|简称|招牌|品牌|\btheme\b|\btitle\b|\bcalled\b|\bslogan\b"
            r"|\bmotto\b|\bnamed?\b"
            r"|\bcatchphrase\b|\bfull name\b|\bbrands?\b",
            _I,
        ),
    ),
    (
        "list",
        re.compile(
            r"哪些|哪[几两三四五六]|有什么|分别|几(?:个)?方面|各是|列出|包括什么|都有|主要(?:是|有)什么|\blist\b"
            r"|\bwhat are\b|\bwhat were\b"
            r"|\bwhich [a-z-]+s\b|\bwhat (?:\w+ )?[a-z-]{3,}s\b|\brespectively\b|\bname (?:the|all)\b|\ball the\b"
            r"|\beach of\b",
            _I,
        ),
    ),
)

_COMPARED = re.compile(
    r"分别|对比|相比|比较|哪个(?:更|的)|哪一个更|谁更|区别|不同|异同|各(?:自|有|是)|两[次场篇个届]|差(?:别|多少)"
    r"|和.{2,30}(?:都|各)|哪[边个一场家].{2,30}哪[边个一场家]|哪边|[两二]回"
    r"|谁的?.{0,8}(?:多|少|大|小|高|低|早|晚|快|慢|长|短)(?![少年家个])|\b(?:which|who)\b.{5,80}\bor\b"
    r"|\bcompar\w*|\bversus\b|\bvs\b|\bagainst\b|\bbetween\b|\btwice\b|\bdiffer(?:s|ed|ent|ences?)?\b"
    r"|\brespectively\b|\bboth\b|\bwhich (?:has|is|was|had) "
    r"(?:more|the \w+er|\w+er)\b"
    r"|\beach\b|\bthan\b|\bmore .{3,60}\bor\b|\bother\b",
    _I,
)

_HAN = r"[\u4e00-\u9fff]"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?"
    r"|Dec(?:ember)?)\.?"
)
_YEAR = r"(?:19|20)\d\d"
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛"
    "叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆"
    "郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章"
    "鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐梅莫庄辛管祝左涂谷祁时"
    "舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华"
    "车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来嵺苟全褚廉简"
    "娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花仇艾蓝都巩稽井练仲乐虞卞封竺冼"
    "原官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬明沙薄伏岑习胥保和蔺"
)
_OFFICE = (
    "长|书记|主任|教授|院士|记者|经理|总裁|董事|主席|委员|代表|博士|专家|秘书|总监|部长|司长|处长|局"
    "长|会长|校长|院长|所长|市长|区长|县长|师|员|人|馆长|理事|调研员"
    "|创始人|得主|老师|先生|女士|编辑"
)
_BEHIND_OFFICE = "|".join(f"(?<={office})" for office in _OFFICE.split("|"))
_SPEAKS = (
    "说|表示|认为|指出|介绍|致辞|担任|称|希望|强调|提到|告诉|在|透露|判断|建议|出席|分享|发表|对"
    "|概括|主持|还|也|就|作|、|，|。|）|\\)|;|；|是|任|以|将|从|提出|解读|围绕"
)
_MEASURE = (
    "家|个|位|项|款|种|场|次|名|所|倍|条|人|天|年|岁|届|张|部|份|座|套|批"
    "|只|件|处|元|美元|平方米|平方公里|公顷|亩|吨|公里|米|小时|分钟|成|类|大|期|轮|支|辆|户|席|篇"
)

_FOUND: dict[Kind, re.Pattern[str]] = {
    "date": re.compile(
        rf"{_YEAR}年?\s?[-–—~至到]\s?{_YEAR}年?|(?:{_YEAR}年)?\d{{1,2}}月(?:\d{{1,2}}[日号]|[初底末中]旬?)?"
        rf"|{_YEAR}年(?:初|底|末|以来)?"
        rf"|{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}} {_MONTH},? {_YEAR}|{_MONTH} \d{{1,2}}(?:st|nd|rd"
        rf"|th)?,? {_YEAR}"
        rf"|{_MONTH} (?:{_YEAR}|\d{{1,2}}\b)|\d{{1,2}} {_MONTH}|\b{_YEAR}\b"
    ),
    "figure": re.compile(
        rf"\d[\d,]{{0,30}}(?:\.\d{{1,30}})?(?![\d年月日号])(?:%|‰|个百分点|[余多]?[百千万亿]*(?:余|多)?(?:{_MEASURE})?(?:人民币)?"
        rf"|\s(?:percent|million|billion|thousand)\b)?"
        rf"|百分之[一二三四五六七八九十百点]+|第[一二三四五六七八九十]+(?:{_MEASURE})?"
        rf"|[一二两三四五六七八九十百千万]{{1,30}}[余多]?(?:{_MEASURE})"
        r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty|hundred|thousand"
        r"|million|billion|half|double)\b"
    ),
    "person": re.compile(
        rf"(?:{_BEHIND_OFFICE})[{_SURNAMES}]{_HAN}{{1,2}}?(?=(?:{_SPEAKS}))"
        rf"|(?<!{_HAN})[{_SURNAMES}]{_HAN}{{1,2}}?(?=(?:{_SPEAKS}))"
        rf"|(?:{_BEHIND_OFFICE}|(?<=[、，。,])|\b){_HAN}{{1,6}}·{_HAN}{{1,6}}"
        rf"|(?<=由)[{_SURNAMES}]{_HAN}{{1,2}}(?=担任|主持)"
        r"|\b[A-Z][a-z]+(?:[ -][A-Z][a-z'’]+){1,3}\b"
    ),
    "place": re.compile(
        rf"{_HAN}{{2,14}}?(?:省|市|区|县|镇|园|机场|中心|大厦|广场|城|馆|酒店|基地|港)|\b(?:in|at) [A-Z][\w-]+(?: "
        rf"[A-Z][\w-]+)*"
    ),
    "organisation": re.compile(
        rf"{_HAN}{{2,24}}?(?:公司|集团|协会|学会|联盟|委员会|管委会|大学|学院|医院|研究院|研究所|局|委|办公室|中心"
        rf"|商会|分会|杂志社|促进会|政府|基地|实验室|药业|生物)"
        r"|\b[A-Z][\w&-]+(?: (?:of|for|and|the|[A-Z][\w&-]+))* (?:University|Institute|Association|Company|Group"
        r"|Committee|Agency"
        r"|Ministry|Council|Bureau|Corporation|Inc|Ltd|Hospital|College|Centre|Center)\b"
    ),
    "title": re.compile(r"“[^”]{1,60}”|《[^》]{1,60}》|\"[^\"]{1,80}\"|「[^」]{1,60}」|‘[^’]{2,60}’"),
    "list": re.compile(
        rf"{_HAN}{{2,20}}(?:、{_HAN}[^、，。;；]{{1,40}}){{1,}}"
        r"|(?<![\w ])(?!(?<=,) )[\w ]+(?:, [\w -]+)+,? (?:and|or) [\w ]+|一是|首先|第一"
    ),
}

_INTERROGATIVE = re.compile(
    r"为什么|为何|什么|谁|哪[一二两几些个家位年天月里儿种项次座届边]?|多[少久大高长远快]|几[家个位项款种场次名所年天月号]?"
    r"|何[时地处人]|怎[么样]+|如何|\b(?:who|whom|whose|what|which|when|where|why|how(?: (?:many|much|long|far|large|big"
    r"|often|old|high|fast))?)\b",
    _I,
)
_KINDS_BOUND = 3


def kinds(question: str) -> tuple[Kind, ...]:
    """The kinds of thing a question asks for, most telling first; empty for an open question (why, how)."""
    return tuple(kind for kind, asks in _ASKED if asks.search(question))[:_KINDS_BOUND]


def interrogatives(question: str) -> list[Span]:
    """Where the words stand that ask."""
    return [match.span() for match in _INTERROGATIVE.finditer(question)]


def compares(question: str) -> bool:
    """Whether a question speaks of several things at once, so that one sentence may not answer it."""
    return _COMPARED.search(question) is not None


def spans(kind: Kind, text: str) -> list[Span]:
    """Where things of a kind stand in a text, in order."""
    return [match.span() for match in _FOUND[kind].finditer(text)]


def answering(question: str, text: str, wanted: tuple[Kind, ...]) -> list[Span]:
    """Spans of a text that are of a wanted kind and are not repeated from the question, in order, disjoint."""
    found = sorted({span for kind in wanted for span in spans(kind, text) if text[slice(*span)] not in question})
    result: list[Span] = []
    for span in found:
        if not result or span[0] >= result[-1][1]:
            result.append(span)
        elif span[1] > result[-1][1]:
            result[-1] = (result[-1][0], span[1])
    return result
