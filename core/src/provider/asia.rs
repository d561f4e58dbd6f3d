//! Alibaba, Zhipu, Moonshot, `MiniMax`, Xiaomi, Baidu and their neighbours.

use super::entry::{entry, Entry, Shape};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "qwen",
        "Qwen (Alibaba)",
        "dashscope alibaba",
        "QWEN_API_KEY DASHSCOPE_API_KEY",
        "dashscope.aliyun.com",
        &Shape::ACCOUNT_OR_KEY,
    ),
    entry("qwen-portal", "Qwen portal", "", "QWEN_OAUTH_TOKEN QWEN_PORTAL_API_KEY", "chat.qwen.ai", &PLAN),
    entry(
        "alibaba-coding-plan",
        "Alibaba coding plan",
        "",
        "*",
        "dashscope.aliyun.com",
        &Shape::KEY_OR_ACCOUNT,
    ),
    entry(
        "alibaba-token-plan",
        "Alibaba token plan",
        "",
        "* BAILIAN_TOKEN_PLAN_API_KEY",
        "bailian.console.aliyun.com",
        &Shape::KEY,
    ),
    entry("minimax", "MiniMax", "", "*", "platform.minimax.io", &Shape::ACCOUNT_OR_KEY),
    entry("minimax-code", "MiniMax coding plan", "", "*", "platform.minimax.io", &Shape::KEY),
    entry("minimax-code-cn", "MiniMax coding plan (China)", "", "*", "platform.minimaxi.com", &Shape::KEY),
    entry(
        "moonshot",
        "Moonshot AI",
        "moonshotai",
        "MOONSHOT_API_KEY KIMI_API_KEY",
        "platform.moonshot.ai/console/api-keys",
        &Shape::KEY,
    ),
    entry("kimi-code", "Kimi Code", "kimi kimi-coding", "", "kimi.com", &PLAN),
    entry("zai", "Z.AI", "z.ai z-ai zai-coding-plan", "*", "z.ai/manage-apikey/apikey-list", &Shape::KEY),
    entry(
        "bigmodel",
        "BigModel (Zhipu)",
        "zhipu zhipuai glm",
        "BIGMODEL_API_KEY ZHIPUAI_API_KEY",
        "bigmodel.cn",
        &Shape::KEY,
    ),
    entry("zhipu-coding-plan", "Zhipu coding plan", "", "ZHIPU_API_KEY", "bigmodel.cn", &Shape::KEY),
    entry("siliconflow", "SiliconFlow", "", "*", "cloud.siliconflow.com", &Shape::KEY),
    entry("siliconflow-cn", "SiliconFlow (China)", "", "*", "cloud.siliconflow.cn", &Shape::KEY),
    entry("qianfan", "Baidu Qianfan", "baidu", "*", "console.bce.baidu.com/qianfan", &Shape::KEY),
    entry("xiaomi", "Xiaomi MiMo", "mimo", "XIAOMI_API_KEY", "platform.xiaomimimo.com", &Shape::KEY),
    entry(
        "xiaomi-token-plan-ams",
        "Xiaomi token plan (Amsterdam)",
        "",
        "XIAOMI_API_KEY",
        "platform.xiaomimimo.com",
        &Shape::KEY,
    ),
    entry(
        "xiaomi-token-plan-cn",
        "Xiaomi token plan (China)",
        "",
        "XIAOMI_API_KEY",
        "platform.xiaomimimo.com",
        &Shape::KEY,
    ),
    entry(
        "xiaomi-token-plan-sgp",
        "Xiaomi token plan (Singapore)",
        "",
        "XIAOMI_API_KEY",
        "platform.xiaomimimo.com",
        &Shape::KEY,
    ),
    entry("iflow", "iFlow", "", "*", "iflow.cn", &Shape::ACCOUNT_OR_KEY),
];

const PLAN: Shape = Shape {
    notice: "This plan is meant for its vendor's own tools; its terms may not allow its use in other programs: read them first.",
    ..Shape::ACCOUNT_OR_KEY
};
