"""Furniture: the lines of a page that are not the article, recognised by their own wording.

A rule matches the whole folded line (see script.fold), so that a sentence which merely mentions an editor or a licence
is safe. ``ANYWHERE`` rules hold in the middle of an article too; ``AT_EDGES`` rules only before its first and after its
last paragraph, where a telephone number or a row of words is not part of what the article says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.ingest.script import CJK

LONGEST = 240
"""Longest line, in characters, that a rule looks at, but for disclaimers."""
LONGEST_DISCLAIMER = 1200
_PHRASE_REACH = 80
"""Characters of a disclaimer for each of its set phrases, at most."""

_NAME = f"[{CJK}·]{{2,8}}"
_PEOPLE = f"[{CJK}A-Za-z·. ]{{2,16}}"
_LEAD = re.compile(r"[\s·\-*+>#|/\\=~_^◀◁▶▷←→↑↓▲▼△▽★☆※■□◇◆○●【\[(<{「『]+")
_ENDS = r"[\s|/\\\-=~_>)\]】}」』·.:!。↓→▼]"
_TRAIL = re.compile(rf"(?<!{_ENDS}){_ENDS}+$")


@dataclass(frozen=True, slots=True)
class Rule:
    """``name`` is shown to whoever asks why a line went; ``wording`` must match the whole bare line."""

    name: str
    wording: re.Pattern[str]


def _rule(name: str, *wordings: str) -> Rule:
    return Rule(name, re.compile("|".join(f"(?:{w})" for w in wordings), re.IGNORECASE))


def bare(key: str) -> str:
    """A folded line without the bullets, brackets and dots around it."""
    lead = _LEAD.match(key)
    return _TRAIL.sub("", key[lead.end() if lead else 0 :])


_STAMP = (
    r"(?:19|20)\d\d ?[-/.年] ?\d{1,2} ?[-/.月] ?\d{1,2} ?日?",
    r"\d{1,2}[-/月]\d{1,2}日?",
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d",
    r"\d{1,2} (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?,? (?:19|20)\d\d",
    r"(?:今天|昨天|前天)",
)
_CLOCK = r"(?:[ T]{0,3}\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]\.?m\.?)?(?: (?:[A-Z]{2,4}|[+-]\d\d:?\d\d))?)"
STAMP = re.compile(
    rf"(?:(?:发布|更新|发表)?(?:时间|日期|于)?:? ?)?(?:{'|'.join(_STAMP)})(?: ?\(?(?:周|"
    rf"星期)[一二三四五六日天]\)?)?{_CLOCK}?"
    r"|\d{1,3} ?(?:秒|分钟|小时|天|周|个月|年)前|\d{1,3} ?(?:second|minute|min|hour|day|week|month|year)s? ago|"
    r"yesterday|just now|刚刚",
    re.IGNORECASE,
)
"""A whole line that is a date or an age, as teasers carry it."""

RELATED = _rule(
    "related",
    r"(?:更多|全部)?(?:相关|延伸|推荐|热门|最新|精彩|拓展|扩展|编辑|热点|今日|本周|本类|同类|站内|阅读|视觉|"
    r"图片|专题|独家|随机|往期|近期|上下|猜你|频道)"
    r"(?:阅读|新闻|推荐|链接|文章|资讯|内容|报道|专题|主题|话题|热点|热门|焦点|策划|图片|视频|评论|头条|导读|"
    r"排行|喜欢|精选|回顾|要闻|精彩|帖子|博文|文献|关注|标签|稿件|信息)榜?"
    r"(?: ?(?:更多|more|\d{1,3}))?",
    r"(?:猜|或许|也许)你(?:可能)?(?:还|会|也)?(?:喜欢|感兴趣|想看)(?:的内容|的文章)?",
    r"(?:大家|网友|他们|看了又看)?(?:都|还|正)?在(?:看|读|搜|关注)(?:什么)?|你可能(?:还)?(?:感兴趣|喜欢|"
    r"想看)的?.{0,6}",
    r"(?:为[您你]推荐|看了(?:本文|又看|还看).{0,8}|(?:点击|阅读|人气|热度|新闻|周|月|日|总|24小时|48小时|实时|"
    r"本月|一周)?(?:排行|热榜|热搜)榜?"
    r"|\d{2}小时.{0,4}(?:热|排行).{0,4}|热点?排行|今日(?:头条|要闻)|新闻推荐|更多(?:>>|精彩|新闻|文章|资讯|"
    r"相关).{0,6})",
    r"(?:related|recommended|suggested|similar|further|more|most|top|latest|popular|trending|recent|other|"
    r"featured|also)"
    r"(?: (?:related|recommended|popular|read|viewed|from|in|on|news|for you|this|the|your|our|to|like|"
    r"trending|recent|latest)){0,4}"
    r" (?:articles?|stor(?:y|ies)|posts?|reading|read|news|content|headlines|videos?|links?|topics?|for you|"
    r"viewed|popular|here|section)",
    r"related|recommended|most (?:read|popular|viewed)|trending(?: now)?|read (?:more|next|also)|"
    r"see also in this section|up next",
    r"you (?:may|might)(?: also)? (?:like|be interested in)|(?:what|don't) (?:to read next|miss)|more (?:from|"
    r"in|on) .{1,40}|recommended for you",
)

COMMENTS = _rule(
    "comments",
    r"(?:网友|最新|热门|全部|精彩|用户|所有|读者)(?:评论|留言|跟帖|点评)(?: ?[(（]?\d*[)）]?条?)?",
    r"(?:发表|我要|查看|参与|写)(?:全部|所有)?(?:评论|留言|跟帖|点评)(?:.{0,12})?|评论(?:列表|区|"
    r"区域)?(?: ?[(（]\d+[)）]?| \d+)|(?:共)?\d+条?(?:评论|回复|跟帖|留言)",
    r"文明上网.{0,20}|(?:已有|共有)\d+(?:条|人).{0,6}(?:评论|参与|跟帖)",
    r"(?:leave|post|add|write) a (?:comment|reply)|\d+ (?:comments?|replies|responses)|(?:view|show|hide|"
    r"read)(?: all| the)? (?:\d+ )?comments|join the (?:conversation|discussion)|comments ?\(\d+\)",
)

ANYWHERE = (
    _rule(
        "share",
        r"点击右上角.{0,20}|请使用浏览器.{0,20}|(?:微信)?扫一?扫.{0,30}|(?:用|打开|使用)?微信.{0,6}(?:扫|"
        r"“扫一扫”).{0,40}",
        r"(?:一键)?(?:分享|转发|转载|推荐|分享本文|分享文章)(?:到|至|给)(?:微信|朋友|微博|QQ|空间|好友|:|：|"
        r" ).{0,40}|分享到?:?|分享至",
        r"(?:长按|扫描|识别|扫码).{0,12}(?:二维码|关注|下载|加入|进群).{0,24}|(?:扫码|点击).{0,6}(?:关注|"
        r"下载).{0,24}",
        r"(?:欢迎|敬请|请)?(?:点击)?关注(?:我们|本站|公众号|微信|官方微信|官方微博).{0,30}|"
        r".{0,16}(?:微信)?公众号[::\"“].{1,30}",
        r"share(?: this)?(?: (?:article|story|post|page))?(?: (?:on|via|with|to) .{1,60})?|(?:share|tweet|pin|"
        r"email|print|copy link|facebook|twitter|linkedin|whatsapp|reddit|telegram|pinterest|flipboard|"
        r"save)(?:[ |,/·]+(?:share|tweet|pin|email|print|copy link|facebook|twitter|linkedin|whatsapp|reddit|"
        r"telegram|pinterest|flipboard|save|x)){1,12}",
        r"follow (?:us|me|@?\w+)(?: on .{1,60})?|(?:like|find) us on .{1,40}|click (?:here )?to share.{0,60}",
    ),
    _rule(
        "mood",
        r"(?:[您你])?(?:此时|看完|看过|读完|阅读).{0,8}(?:心情|感受).{0,12}|.{0,6}(?:新闻)?(?:表情|"
        r"心情)(?:排行|投票|指数).{0,6}|(?:顶|踩|赞|有用|没用|无用)(?: ?[(（]?\d+[)）]?)?",
    ),
    _rule(
        "more",
        r"(?:点击)?(?:阅读|查看|展开|显示|加载|浏览)(?:剩余|更多|全文|全部|余下|原图|大图|完整)(?:全文|内容|"
        r"更多|文章|信息|评论|新闻)?(?: ?\d*%?)?(?:[(（].{0,6})?",
        r"(?:加载|正在加载)(?:更多|中|\.{0,6})|(?:返回|回到)(?:顶部|首页|列表|目录|上一页|频道)?|"
        r"上一[篇页条章][::]?.{0,60}|下一[篇页条章][::]?.{0,60}|(?:末|尾|首)页|已到最后|没有更多了?.{0,4}|"
        r"收起(?:全文)?|打开(?:APP|客户端|网页).{0,16}|(?:在|用)APP(?:内)?(?:打开|看).{0,10}",
        r"(?:read|load|show|see|view)(?: (?:more|all|less|full|the full|the rest|entire))+(?: (?:article|story|"
        r"text|comments|posts|here|>>?))*|continue reading(?: .{0,60})?|(?:back to|return to) (?:top|home|news|"
        r"list|the top)|(?:next|previous|prev)(?: (?:page|article|story|post))?[: ].{0,80}|"
        r"skip to (?:main )?(?:content|navigation).{0,20}|click here(?: .{0,60})?|jump to (?:content|comments)",
        r"advertisement|advertising|sponsored(?: content| links?)?|广告|推广|赞助(?:内容)?|ad feedback|"
        r"story continues below(?: advertisement)?|article continues (?:below|after).{0,30}",
    ),
    _rule(
        "breadcrumb",
        r"(?:[您你])?(?:现在|当前|目前)?(?:的|所在|所处)?(?:的)?位置(?:是)?[::].{0,120}|当前所在[::].{0,120}|"
        r"正在阅读[::]?.{0,120}",
        r"(?:网站|中文|本站|返回|新闻|频道)?首 ?页 ?(?:>|/|→|-|·|»|—|:)+ ?.{0,120}",
        r"(?:you are here|home|homepage|front page) ?(?:>|/|→|»|::|:)+ ?.{0,120}",
    ),
    _rule(
        "caption",
        r"(?:上|下|左|右|本|题|文|首|封面|资料|示意|效果|效果|配|组)?(?:图|"
        r"照片)(?:片)?(?:[一二三四五六七八九十\d]{0,2})(?:为|:|/|是|显示|由|来自).{0,100}(?:摄|供图|提供|"
        r"资料图?|图片|来源.{0,12}|发)",
        r"图为.{0,60}|图[::/].{1,30}|.{1,60}图为|图片?(?:来源|说明|源|自)[::/].{0,60}|(?:资料|配|题|示意|效果|"
        r"视觉中国|网络|官方)图片?(?:[,,/ ].{0,20})?|(?:图|图片)?(?:仅供|只供|作)参考|.{0,12}图片仅供(?:参考|"
        r"示意).{0,12}|图(?:文)?无关|图(?:片)?与(?:本)?文无关",
        rf"(?:.{{0,60}}[。;!,,. ])?(?:本报|新华社|中新社|本社|.{{0,12}})?(?:记者|通讯员|特约记者|实习生|"
        rf"摄影师)[::/ ]?{_PEOPLE}(?:[、, ]{{1,2}}{_PEOPLE}){{0,4}}[/ ]?(?:摄|供图|制图|拍摄|图|摄影)",
        rf"[^。]{{0,80}}[。 /](?:{_NAME} ?)?(?:摄|摄影)|[^。]{{0,60}}[。 ]{_NAME}供图|{_NAME}[ /]?(?:摄|供图|"
        rf"制图|摄影|绘)(?:[ /](?:光明图片|人民视觉|新华社发?|中新社发?|视觉中国))?|.{{0,20}}(?:光明图片|"
        rf"人民视觉|视觉中国|中新社发|新华社发)|(?:摄影|供图|制图|绘图|海报|"
        rf"拍摄)[::/ ]{_PEOPLE}(?:[、, ]{_PEOPLE}){{0,4}}",
        r".{0,24}(?:供图|受访者提供|由.{1,24}提供)|(?:视频|图片|照片|海报)(?:来源|截图|由.{1,24}提供).{0,24}|"
        r".{0,20}(?:视频|网络|网页|官网)截图",
        r"(?:photo|image|picture|pic|illustration|photograph|graphic|video)s?(?: (?:credit|source|courtesy|"
        r"illustration))?(?: by)? ?[:/|] ?.{1,100}|(?:photo|image|picture|illustration|photograph|"
        r"graphic)s?(?: by| courtesy of| courtesy| via| credit) .{1,30}|(?:file|stock|handout) (?:photo|image|"
        r"picture)(?: .{0,60})?|.{0,100}(?:getty images|shutterstock|ap photo|afp via getty|"
        r"istock)(?:[/ ].{0,30})?",
        r"[^。!?]{0,100}[(/ ](?:photo|image|picture)s?(?: ?[:/] ?| by ).{1,40}",
    ),
    _rule(
        "editor",
        r"(?:本[期文版])?(?:责任|值班|执行|网络|新媒体|文字|美术|视频|图片|栏目|首席|微信|网站|内容|版面|视觉|"
        r"[副总主])*"
        r"(?:编辑|责编|编审|校对|审核|审校|监制|美编|编校|编委|排版|初审|复审|终审|一审|二审|三审|签发|主编|"
        r"录入|终校)(?:员|人)?(?: ?[:/|·] ?)[^。!?;]{0,80}",
        r"(?:总)?(?:策划|统筹|制作|编导|排版|设计|出品|记者|文案|美工|配音)(?: ?[:/|"
        r"·] ?)[^。!?;,]{1,16}(?: .{1,60})?",
        r"(?:edited|reviewed|fact[- ]checked|proofread|reporting|writing|compiled|additional reporting|"
        r"editing) by [^。.]{2,80}|(?:editor|editors|copy editor|web editor|reporter)s? ?[:|] ?.{1,60}",
    ),
    _rule(
        "source",
        r"(?:图片|视频|资料|数据|文章|信息|稿件|内容)?(?:来源|出处)[:/|] ?[^。,;]{1,40}|(?:source|"
        r"sources) ?: ?.{1,60}",
    ),
    _rule("end mark", r"完|全文完|本文完|完结|the end|end|end of (?:article|story|document)|###|-30-"),
    _rule(
        "page number",
        r"第 ?\d{1,4} ?页(?:[ ,/,]*共 ?\d{1,4} ?页)?|(?:page|p\.) ?\d{1,4}(?: (?:of|/) ?\d{1,4})?|"
        r"\d{1,4} ?/ ?\d{1,4}|\d{1,3}",
    ),
    _rule(
        "keywords",
        r"(?:关键词|关键字|标签|本文标签|文章标签|相关标签|所属(?:栏目|分类|专题|频道)|分类|栏目)[::].{0,120}",
        r"(?:tags?|keywords?|topics?|categor(?:y|ies)|labels?) ?: ?.{0,120}|(?:filed under|posted in|"
        r"tagged(?: with)?) ?:? .{0,120}|tags|tagged",
    ),
    _rule(
        "original link",
        r"(?:原文|来源|本文|文章|原文章|网页|永久)(?:链接|地址|网址|出处|标题)?[::] ?(?:https?://|"
        r"www\.).{1,200}|(?:查看|阅读)?原文(?:链接|地址)?[::]?(?: ?https?://.{1,200})?|(?:本文)?(?:原题|"
        r"原标题)[::].{1,80}",
        r"(?:original|source|original source|source url|article url|link|permalink|via|url)(?: (?:link|url|"
        r"article))? ?: ?https?://.{1,200}|https?://[^\s一-龥]{4,200}",
    ),
    _rule(
        "links",
        r"友情链接|友情连接|合作(?:伙伴|媒体|网站)|相关网站|网站链接|常用链接|快速(?:链接|导航|入口)|站点地图",
    ),
    _rule(
        "copyright",
        r"[^。!?]{0,60}(?:版权所有(?![者人权])|copyright ?(?:©|\(c\)|[12]\d{3})|all rights? reserved|©|"
        r"\(c\) ?[12]\d{3})[^。!?]{0,160}",
        r".{0,100}(?:ICP备 ?\d|ICP证 ?\d|公网安备 ?\d|网安备 ?\d|(?:增值电信业务|网络文化)经营许可证|"
        r"视听节目许可证).{0,200}",
    ),
)

AT_EDGES = (
    _rule("greeting", r"欢迎(?:访问|光临|来到|您|进入|登录|使用).{0,40}|welcome to .{1,60}"),
    _rule(
        "share",
        r"(?:微信)?朋友圈|(?:新浪|腾讯)?微博|(?:手机)?QQ(?:空间|好友)?|微信(?:好友)?|人人网?|豆瓣|贴吧|知乎|"
        r"收藏(?:本文)?|复制链接|点赞|打印(?:本页|本文|页面)?|关闭(?:窗口|本页|页面)?|纠错|举报|投诉|投稿|"
        r"字号.{0,10}|字体.{0,10}|[大中小 ]{1,8}|评论|转发|听新闻|朗读|facebook|twitter|x|linkedin|whatsapp|"
        r"email|e-mail|print|copy link|link copied.{0,4}|bookmark|save|listen|reddit|telegram|instagram|"
        r"youtube|tiktok|weibo|wechat",
        r"(?:分享|转发|收藏|评论|点赞|赞|喜欢|阅读|浏览|点击|views?|likes?|shares?|comments?)(?:量|数|"
        r"次数)? ?[::(（]?\d+(?:\.\d)?[万wk]?[)）次]?",
    ),
    _rule(
        "mood",
        r"(?:开心|难过|飘过|感动|愤怒|搞笑|无聊|同情|新奇|高兴|惊讶|支持|反对|路过|给力|震惊|鼓掌|愤慨|无奈|"
        r"流泪|雷人|鲜花|握手|鸡蛋|不解)(?: ?\d+)?",
    ),
    _rule(
        "contact",
        r"[^。]{0,24}(?:电话|传真|热线|邮箱|电邮|e-?mail|tel|fax|phone|QQ群?|微信号?|地址|办公区|邮编|邮政编码|"
        r"网址|网站|客服|手机|address|contact)(?:/[^: ]{1,8})?[::.].{0,160}",
        r"[^。]{0,60}(?:[\w.+-]{1,40}@[\w-]{1,40}\.[\w.]{2,20}|\b0\d{2,3}-?\d{7,8}\b|"
        r"\b400-?\d{3,4}-?\d{3,4}\b)[^。]{0,80}",
        r"联系(?:我们|方式|本站)|contact us|(?:关于|加入)(?:我们|本站|本网)|about us",
    ),
    _rule(
        "footer",
        r"[^。]{2,40}(?:主办|主管|承办)(?: ?\|.{0,60})?|由.{2,30}(?:运营|建设|维护)|(?:主办|主管|承办|协办|"
        r"技术支持|网站(?:标识码|维护|管理)|powered by|designed by|built with|theme by|"
        r"hosted by)(?:单位)?[:: ].{0,100}",
        r"(?:privacy|cookie|terms)(?: (?:policy|notice|settings|preferences|of (?:use|service)|and conditions|"
        r"& conditions))?(?:[ |·,/]+.{0,120})?|(?:do not sell|accessibility|sitemap|site map|careers|"
        r"advertise with us).{0,80}|隐私(?:政策|声明|保护).{0,60}|用户协议.{0,40}|法律声明.{0,40}|网站(?:声明|"
        r"地图|公告|首页|介绍)|(?:法律|版权|免责)(?:声明|条款)",
        r"(?:subscribe|sign up|sign in|log in|login|register|log out|create (?:an )?account|my account|"
        r"newsletter|get (?:the|our) .{0,30}(?:newsletter|app)|download (?:the|our) .{0,20}app|"
        r"enter your email.{0,40}|no thanks|accept(?: all)?(?: cookies)?|reject all|manage (?:cookies|"
        r"preferences)|menu|search|close|toggle navigation|open navigation.{0,20}|home|news|weather|sports?|"
        r"video|opinion|business|world|local)(?: .{0,50})?",
        r"(?:登录|注册|立即登录|免费注册|登录/注册|退出|搜索|菜单|导航|首页|网站首页|返回|设为首页|加入收藏|"
        r"收藏本站|手机版|电脑版|客户端|APP下载|下载(?:APP|客户端)|简体|繁体|繁體|English|无障碍.{0,8}|关怀版|"
        r"长者版|RSS|订阅|邮件订阅|广告(?:服务|合作|刊登)?|招聘|网站地图|意见反馈|帮助(?:中心)?|服务(?:热线|"
        r"条款))(?:[ |/·].{0,80})?",
    ),
)

_DISCLAIMER_TITLE = re.compile(
    r"[\[【(]?(?:免责|版权|特别|郑重|重要|本站|本网|网站|转载|法律)?(?:声明|说明|提示|提醒)[\]】)]?[:： ]|"
    r"(?:legal )?disclaimer ?[:.\-]",
    re.IGNORECASE,
)
_DISCLAIMER_PHRASES = re.compile(
    r"不代表(?:本[站网刊报社平]|.{0,8}(?:观点|立场))|代表作者(?:个人|本人)?(?:观点|立场)?|作者个人观点|(?:仅供|"
    r"只供).{0,8}(?:参考|学习|交流)|注明(?:出处|来源)"
    r"|版权(?:归|属于?)(?:于)?.{0,12}(?:所有|作者)|如有(?:侵权|异议|不妥|版权)|(?:侵犯|侵权).{0,24}(?:联系|"
    r"删除|告知)|(?:联系|通知)(?:我们|本站|本网|小编).{0,16}(?:删除|处理|更正|索取)?"
    r"|不承担.{0,16}责任|概不负责|及时(?:处理|删除|更正)|第一时间(?:处理|删除|更正)|网络转载|来(?:源于|"
    r"自)(?:网络|互联网)|未经.{0,12}(?:授权|许可|允许|同意)|(?:授权|许可).{0,8}转载|(?:禁止|不得|谢绝|"
    r"严禁).{0,8}(?:转载|复制|摘编|镜像)"
    r"|不构成.{0,16}(?:建议|目的|依据)|据此(?:操作|投资|入市)|风险自(?:担|负)|投资有风险|真实性.{0,40}(?:负责|"
    r"保证|证实)|与本[站网].{0,4}无关|权利人.{0,30}(?:联系|稿酬|删除)|转载.{0,16}(?:目的|出于|传递)"
    r"|views? (?:and opinions )?expressed|do(?:es)? not (?:necessarily )?(?:reflect|represent|constitute)|"
    r"for (?:informational|information|educational|general information) purposes|not (?:be )?(?:considered|"
    r"construed as|intended as|a substitute for)|without (?:the )?(?:prior |express |written )*(?:permission|"
    r"consent)|may not be (?:published|reproduced|broadcast|redistributed|copied)|no responsibility|"
    r"not responsible for|sole(?:ly)? responsib|accept no liability",
    re.IGNORECASE,
)

_CELLS = re.compile(r" ?[|│] ?|[ ·]{2,}")
_WORDS = re.compile(r" +")
_STOPS = re.compile(r"[。!?;,、:]|\. ")


def disclaims(key: str) -> int:
    """How many phrases of a disclaimer the folded line carries, 0 where they are lost in a longer text; a title that
    names it one counts as one more."""
    if len(key) > LONGEST_DISCLAIMER:
        return 0
    count = len(_DISCLAIMER_PHRASES.findall(key))
    return count + bool(_DISCLAIMER_TITLE.match(key.lstrip(" ·*#>★※"))) if count * _PHRASE_REACH >= len(key) else 0


def matching(rules: tuple[Rule, ...], key: str) -> str | None:
    """Name of the first rule that matches the folded line, bare or as it stands."""
    if len(key) > LONGEST:
        return None
    forms = {bare(key), key.strip()} - {""}
    return next((rule.name for rule in rules if any(rule.wording.fullmatch(form) for form in forms)), None)


def is_row_of_links(key: str) -> bool:
    """Whether the folded line is a row of short labels: a menu or a list of sites."""
    if len(key) > 4 * LONGEST or _STOPS.search(key.replace("...", "")):
        return False
    cells = [c for c in _CELLS.split(key) if c.strip(" |·>")]
    words = [w for w in _WORDS.split(key) if w.strip("|·>")]
    return _all_short(cells, 3, 14) or (not key.isascii() and _all_short(words, 5, 6))


def _all_short(labels: list[str], least: int, longest: int) -> bool:
    return len(labels) >= least and sum(map(len, labels)) <= longest * len(labels)


def is_breadcrumb(key: str) -> bool:
    """Whether the folded line is a path of sections: A > B > C."""
    steps = [step.strip() for step in key.split(">")]
    return 2 < len(steps) <= 8 and all(0 < len(step) <= 30 for step in steps[:-1]) and not _STOPS.search(key)
