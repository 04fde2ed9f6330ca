"""The settings of Feishu, WeCom and DingTalk for a service in a process of its own."""

from __future__ import annotations

import cn_dingtalk
import cn_feishu
import cn_wecom
from cn_vendor import Vendor

SECRETS = (*cn_feishu.SECRETS, *cn_wecom.SECRETS, *cn_dingtalk.SECRETS)


def environment(feishu: Vendor, dingtalk: Vendor) -> dict[str, str]:
    return {
        "QA_FEISHU_APP_ID": cn_feishu.APP_ID,
        "QA_FEISHU_APP_SECRET": cn_feishu.APP_SECRET,
        "QA_FEISHU_ENCRYPT_KEY": cn_feishu.ENCRYPT_KEY,
        "QA_FEISHU_VERIFICATION_TOKEN": cn_feishu.TOKEN,
        "QA_FEISHU_DOMAIN": feishu.url,
        "QA_WECOM_TOKEN": cn_wecom.TOKEN,
        "QA_WECOM_AES_KEY": cn_wecom.KEY,
        "QA_DINGTALK_CLIENT_ID": cn_dingtalk.CLIENT_ID,
        "QA_DINGTALK_CLIENT_SECRET": cn_dingtalk.SECRET,
        "QA_DINGTALK_DOMAIN": dingtalk.url,
        "QA_DINGTALK_REPLY_DOMAIN": dingtalk.url,
    }
