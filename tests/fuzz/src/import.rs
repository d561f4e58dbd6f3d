//! Other tools' files: one target for each tool's parser, and one for whatever a file may be.

use crate::{text, Target};
use credpool::import::{detect, read, write, Credential, Source, Tool};

/// The targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "import_oh_my_pi",
        run: oh_my_pi,
        seeds: &[
            r####"{"rows":[{"id":1,"provider":"openai-codex","credential_type":"oauth","data":"{\"access\": \"eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU2MDAsImNsaWVudF9pZCI6ImFwcF9leGFtcGxlIiwiaHR0cHM6Ly9hcGkub3BlbmFpLmNvbS9hdXRoIjp7ImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY3QtMSJ9LCJodHRwczovL2FwaS5vcGVuYWkuY29tL3Byb2ZpbGUiOnsiZW1haWwiOiJhQGV4YW1wbGUuY29tIn19.c2ln\", \"refresh\": \"rt-2\", \"expires\": 1767225600000, \"accountId\": \"acct-1\", \"email\": \"a@example.com\", \"orgId\": \"acct-1\", \"authorizedAt\": 1}","disabled_cause":null,"identity_key":"email:a@example.com|org:acct-1","created_at":1,"updated_at":2},{"id":2,"provider":"openai","credential_type":"api_key","data":"{\"key\":\"sk-row\"}","disabled_cause":null},{"id":3,"provider":"openai","credential_type":"api_key","data":"{\"key\":\"sk-gone\"}","disabled_cause":"deleted by user"},{"id":4,"provider":"openai","credential_type":"api_key","data":"not json sk-canary","disabled_cause":null},{"id":5,"provider":"openai","credential_type":"api_key","data":"{\"key\":7}","disabled_cause":null},{"id":6,"provider":"openai","credential_type":"api_key","data":"{\"key\":\"sk-row\"}","disabled_cause":null},{"id":7,"credential_type":"api_key","data":"{\"key\":\"sk-canary\"}"}]}"####,
            r####"{"anthropic":[{"type":"oauth","refresh":"sk-ant-ort01-o","access":"sk-ant-oat01-o","expires":1767225600000,"email":"a@example.com","orgId":"o-1"},{"type":"api_key","key":"sk-ant-k","source":"login"}],"openai":{"type":"api_key","key":"OPENAI_API_KEY"},"groq":{"type":"api_key","key":"!pass show groq"},"mistral":{"type":"api_key","key":"mst-1"},"github-copilot":{"type":"oauth","refresh":"gho_1","access":"gho_1","expires":2082758400000},"perplexity":{"type":"oauth","access":"px","refresh":"","expires":8640000000000000},"kimi-coding":{"type":"api_key"},"xai":{"type":"cookie"}}"####,
            r####"{"generation":4,"credentials":[{"id":1,"provider":"anthropic","credential":{"type":"oauth","access":"sk-ant-oat01-b","refresh":"__remote__","expires":1767225600000,"email":"b@example.com"},"identityKey":"email:b@example.com","rotatesInMs":null},{"id":2,"provider":"openai","credential":{"type":"api_key","key":"sk-b"}},{"id":3}]}"####,
        ],
    },
    Target {
        name: "import_cliproxyapi",
        run: cliproxyapi,
        seeds: &[
            r####"# keys
auth-dir: ~/.cli-proxy-api
api-keys:
  - "caller-canary"
gemini-api-key:
  - api-key: "AIza-1"
    prefix: test
    base-url: https://generativelanguage.googleapis.com
    headers: {X-Custom: v}
    proxy-url: "socks5://proxy.example.com:1080"
    excluded-models: [gemini-2.5-pro]
  - api-key: AIza-2
    proxy-url: direct
codex-api-key:
  - api-key: "sk-x"
    base-url: "https://relay.example.com/v1"
    models: [{name: gpt-5, alias: codex-latest}]
openai-compatibility:
  - name: "OpenRouter"
    base-url: "https://openrouter.ai/api/v1"
    api-key-entries:
      - api-key: "sk-or-1"
        proxy-url: "http://p.example.com:3128"
      - api-key: "sk-or-2"
      - {}
    models:
      - name: "moonshotai/kimi-k2:free"
        alias: "kimi-k2"
"####,
            r####"{"type":"codex","id_token":"eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJodHRwczovL2FwaS5vcGVuYWkuY29tL2F1dGgiOnsiY2hhdGdwdF9hY2NvdW50X2lkIjoiYWNjdC0xIn19.c2ln","access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU2MDAsImNsaWVudF9pZCI6ImFwcF9leGFtcGxlIiwiaHR0cHM6Ly9hcGkub3BlbmFpLmNvbS9hdXRoIjp7ImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY3QtMSJ9LCJodHRwczovL2FwaS5vcGVuYWkuY29tL3Byb2ZpbGUiOnsiZW1haWwiOiJhQGV4YW1wbGUuY29tIn19.c2ln","refresh_token":"rt-3","account_id":"acct-1","last_refresh":"2025-12-31T00:00:00Z","email":"a@example.com","expired":"2026-01-01T00:00:00Z"}"####,
            r####"{"type":"claude","access_token":"sk-ant-oat01-p","refresh_token":"sk-ant-ort01-p","email":"c@example.com","expired":"2026-01-01T08:00:00+08:00","last_refresh":"2025-12-31T16:00:00+08:00","prefix":"/team/","priority":"5","proxy_url":"socks5://u:p@127.0.0.1:1080","disabled":true,"excluded_models":["claude-3*"],"disable-cooling":"true","request-retry":2,"weight":7.0,"headers":{"X-Team":"a"},"model_aliases":[{"name":"claude-sonnet-4","alias":"sonnet"}]}"####,
        ],
    },
    Target {
        name: "import_devclaw",
        run: devclaw,
        seeds: &[
            r####"{"version":1,"profiles":{"groq:default":{"id":"groq:default","provider":"groq","name":"default","mode":"api_key","enabled":true,"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","api_key":{"key":"gsk_1"}},"groq:ref":{"id":"groq:ref","provider":"groq","name":"ref","mode":"api_key","priority":-2,"enabled":false,"api_key":{"key_ref":"GROQ"}},"groq:ref2":{"provider":"groq","name":"ref2","mode":"api_key","enabled":true,"api_key":{"key_ref":"vault://GROQ2"}},"gemini:me":{"provider":"gemini","name":"me","mode":"oauth","priority":3,"enabled":true,"oauth":{"provider":"gemini","profile_name":"me","access_token":"ya29.d","refresh_token":"1//d","expires_at":"2026-01-01T01:00:00+01:00","email":"d@example.com","client_id":"c-1","scopes":["x"]}},"anthropic:t":{"provider":"anthropic","name":"t","mode":"token","enabled":true,"token":{"token":"sk-ant-oat01-d","expires_at":"0001-01-01T00:00:00Z"}},"a:b:c":{"mode":"api_key","enabled":true,"api_key":{"key":"k-1"}},"x:y":{"provider":"openai","name":"y","mode":"api_key","api_key":{}},"x:z":{"provider":"openai","name":"z","mode":"magic"}},"usage_stats":{"groq:default":{"error_count":2}},"last_good":{"groq":"groq:default"}}"####,
            r####"{"provider":"anthropic","name":"t","mode":"token","data":"{\"token\":\"sk-ant-oat01-e\",\"expires_at\":\"2026-01-01T00:00:00Z\"}"}"####,
            r####"{"provider":"openai","name":"work","mode":"api_key","data":{"key":"sk-dv"}}"####,
        ],
    },
    Target {
        name: "import_code_buddy",
        run: code_buddy,
        seeds: &[
            r####"{"cooldowns":{},"savedAt":1767225600000,"profiles":[{"id":"grok-main","provider":"grok","type":"api-key","credentials":{"apiKey":"xai-1"},"priority":10,"metadata":{"model":"grok-code-fast-1","baseURL":"https://api.x.ai/v1"}},{"id":"claude","provider":"anthropic","type":"oauth","credentials":{"accessToken":"sk-ant-oat01-c","refreshToken":"sk-ant-ort01-c"},"priority":1,"metadata":{}},{"id":"none","provider":"openai","type":"api-key","credentials":{},"priority":1},{"type":"api-key","credentials":{"apiKey":"sk-canary"}}]}"####,
            r####"{"profiles":[{"id":"openai-default","name":"OpenAI","providerId":"openai","authType":"api_key","apiKey":"sk-mp","priority":80,"models":["gpt-*"],"enabled":false},{"id":"ollama-local","providerId":"ollama","authType":"api_key","apiKey":"ollama","baseUrl":"http://localhost:11434","priority":50,"models":["llama","*"],"enabled":true},{"id":"anthropic-oauth","providerId":"anthropic","authType":"oauth","credentialId":"anthropic-1","priority":1,"models":[]}]}"####,
            r####"{"cooldowns":{"a":{"cooldownUntil":1,"failureCount":2,"lastFailureWasBilling":false}},"savedAt":1}"####,
        ],
    },
    Target {
        name: "import_openclaw",
        run: openclaw,
        seeds: &[
            r####"{"version":1,"profiles":{"anthropic:default":{"type":"api_key","provider":"anthropic","key":"sk-ant-1"},"openai:work":{"type":"api_key","provider":"openai","keyRef":{"source":"env","provider":"default","id":"OPENAI_WORK"}},"openai:file":{"type":"api_key","provider":"openai","keyRef":{"source":"file","provider":"x","id":"/a"}},"zai:default":{"type":"api_key","provider":"z.ai","key":"${ZAI_KEY}"},"anthropic:setup":{"type":"token","provider":"anthropic","token":"sk-ant-oat01-t","expires":1767225600000},"anthropic:never":{"type":"token","provider":"anthropic","token":"sk-ant-oat01-n","expires":0},"openai:a@example.com":{"type":"oauth","provider":"openai","access":"eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU2MDAsImNsaWVudF9pZCI6ImFwcF9leGFtcGxlIiwiaHR0cHM6Ly9hcGkub3BlbmFpLmNvbS9hdXRoIjp7ImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY3QtMSJ9LCJodHRwczovL2FwaS5vcGVuYWkuY29tL3Byb2ZpbGUiOnsiZW1haWwiOiJhQGV4YW1wbGUuY29tIn19.c2ln","refresh":"rt-9","expires":1767225600000,"accountId":"acct-1","email":"a@example.com"},"google-gemini-cli:g@example.com":{"type":"oauth","provider":"google-gemini-cli","access":"ya29.b","refresh":"1//b","expires":1767225600000,"projectId":"p-1","email":"g@example.com"},"x:sdk":{"type":"aws-sdk","provider":"amazon-bedrock"},"openai:empty":{"type":"api_key","provider":"openai"}},"order":{"anthropic":["anthropic:setup","anthropic:default"]},"lastGood":{"anthropic":"anthropic:default"},"usageStats":{"anthropic:default":{"errorCount":3,"cooldownUntil":9}}}"####,
            r####"{"profiles":{"a\u001b[31m\nb:c":{"type":"api_key","provider":"no good!","key":"sk-canary"},"openai:nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn":{"type":"api_key","key":"sk-long-name"}}}"####,
            r####"{"anthropic":{"type":"oauth","access":"sk-ant-oat01-l","refresh":"sk-ant-ort01-l","expires":1767225600000}}"####,
        ],
    },
    Target {
        name: "import_codex",
        run: codex,
        seeds: &[
            r####"{"OPENAI_API_KEY":null,"auth_mode":"chatgpt","tokens":{"id_token":"eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJodHRwczovL2FwaS5vcGVuYWkuY29tL2F1dGgiOnsiY2hhdGdwdF9hY2NvdW50X2lkIjoiYWNjdC0xIn19.c2ln","access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU2MDAsImNsaWVudF9pZCI6ImFwcF9leGFtcGxlIiwiaHR0cHM6Ly9hcGkub3BlbmFpLmNvbS9hdXRoIjp7ImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY3QtMSJ9LCJodHRwczovL2FwaS5vcGVuYWkuY29tL3Byb2ZpbGUiOnsiZW1haWwiOiJhQGV4YW1wbGUuY29tIn19.c2ln","refresh_token":"rt-1","account_id":"acct-1"},"last_refresh":"2025-12-28T12:34:56.123456Z"}"####,
            r####"{"OPENAI_API_KEY":"sk-key-1","tokens":{"id_token":"eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJodHRwczovL2FwaS5vcGVuYWkuY29tL2F1dGgiOnsiY2hhdGdwdF9hY2NvdW50X2lkIjoiYWNjdC0xIn19.c2ln","access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU2MDAsImNsaWVudF9pZCI6ImFwcF9leGFtcGxlIiwiaHR0cHM6Ly9hcGkub3BlbmFpLmNvbS9hdXRoIjp7ImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY3QtMSJ9LCJodHRwczovL2FwaS5vcGVuYWkuY29tL3Byb2ZpbGUiOnsiZW1haWwiOiJhQGV4YW1wbGUuY29tIn19.c2ln","refresh_token":"rt-1"},"last_refresh":null}"####,
            r####"{"tokens":{"id_token":7,"access_token":["sk-canary"],"refresh_token":{}},"OPENAI_API_KEY":{"a":"sk-canary"}}"####,
        ],
    },
    Target {
        name: "import_claude_code",
        run: claude_code,
        seeds: &[
            r####"{"claudeAiOauth":{"accessToken":"sk-ant-oat01-a","refreshToken":"sk-ant-ort01-a","expiresAt":1767225600000,"scopes":["user:inference","user:profile"],"subscriptionType":"max","rateLimitTier":"default_claude_max_20x"}}"####,
            r####"{"claudeAiOauth":{"accessToken":"sk-ant-oat01-a","refreshToken":"sk-ant-ort01-a","expiresAt":1767225600000,"scopes":["user:inference","user:profile"],"subscriptionType":"max","rateLimitTier":"default_claude_max_20x"}}"####,
            r####"{"claudeAiOauth":{"accessToken":"sk-ant-oat01-a","refreshToken":"sk-ant-ort01-a","expiresAt":1767225600000,"scopes":["user:inference","user:profile"],"subscriptionType":"max","rateLimitTier":"default_claude_max_20x"}}"####,
        ],
    },
    Target {
        name: "import_gemini_cli",
        run: gemini_cli,
        seeds: &[
            r####"{"access_token":"ya29.a","refresh_token":"1//r","scope":"https://www.googleapis.com/auth/cloud-platform openid","token_type":"Bearer","id_token":"eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImdAZXhhbXBsZS5jb20iLCJzdWIiOiIxMDgifQ.c2ln","expiry_date":1767225600000.25}"####,
            r####"{"access_token":"ya29.a","refresh_token":"1//r","scope":"https://www.googleapis.com/auth/cloud-platform openid","token_type":"Bearer","expiry_date":1767225600000.25}"####,
            r####"{"refresh_token":"1//r","expiry_date":0}"####,
        ],
    },
    Target {
        name: "import_copilot",
        run: copilot,
        seeds: &[
            r####"{"github.com:Iv1.0123456789abcdef":{"user":"octocat","oauth_token":"ghu_a","githubAppId":"Iv1.0123456789abcdef"},"ghe.example.com:Iv1.0123456789abcdef":{"user":"octo","oauth_token":"ghu_b"}}"####,
            r####"{"copilot_tokens":{"https://github.com:octocat":"gho_c","https://ghe.example.com:o":5},"last_logged_in_user":{"host":"https://github.com","login":"octocat"}}"####,
            r####"{"github.com":{"user":"octocat","oauth_token":"gho_a"},"empty.example.com":{"user":"x"}}"####,
        ],
    },
    Target {
        name: "import_dotenv",
        run: dotenv,
        seeds: &[
            r####"# keys
OPENAI_API_KEY=sk-env-1
export ANTHROPIC_API_KEY="sk-ant-e"  # mine
OPENAI_API_KEY_WORK='sk-env-2'
OPENAI_BASE_URL_WORK=https://relay.example.com/v1
GEMINI_API_KEYS=AIza-1, AIza-2
GROQ_API_KEY2=gsk_2
CLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-e
MISTRAL_API_KEY=${OTHER}
COHERE_API_KEY=
XAI_API_KEY="open
ACME_API_KEY=acme
DATABASE_URL=postgres://u:p@h/db
OPENROUTER_API_KEY=env:OPENAI_API_KEY
DEEPSEEK_API_KEY=first
DEEPSEEK_API_KEY=second
"####,
            r####"Dear all,
sk-canary is my key."####,
            r####"OPENAI_API_KEY=sk-env-1"####,
        ],
    },
    Target {
        name: "import_litellm",
        run: litellm,
        seeds: &[
            r####"model_list:
  - model_name: gpt-4o
    litellm_params: &key1
      model: openai/gpt-4o
      api_key: sk-ll-1
      rpm: 60
      tpm: 100000
  - model_name: cheap
    litellm_params:
      <<: *key1
      model: openai/gpt-4o-mini
      rpm: 30
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_key: os.environ/OPENAI_KEY_2, weight: 3, order: 2}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4, litellm_credential_name: ant, extra_headers: {X-Team: a, X-Key: os.environ/K}}
  - model_name: "groq/*"
    litellm_params: {model: "groq/*", api_key: gsk_ll}
  - model_name: llama
    litellm_params: {model: ollama_chat/llama3, api_base: "http://localhost:11434"}
  - model_name: bed
    litellm_params: {model: bedrock/claude, aws_access_key_id: sk-canary, aws_secret_access_key: sk-canary}
  - model_name: env
    litellm_params: {model: openai/gpt-4o}
  - model_name: evil
    litellm_params: {model: openai/gpt-4o, api_key: sk-canary, api_base: os.environ/BASE}
  - model_name: what
    litellm_params: {model: my-model, api_key: sk-canary}
  - model_name: plain
    litellm_params: {model: openai/x, api_key: "env:HOME"}
credential_list:
  - credential_name: ant
    credential_values: {api_key: sk-ant-ll}
    credential_info: {custom_llm_provider: anthropic}
  - credential_name: unused
    credential_values: {api_key: sk-mist}
    credential_info: {custom_llm_provider: mistral}
  - credential_name: whose
    credential_values: {api_key: sk-canary}
environment_variables:
  XAI_API_KEY: xai-ll
  GROQ_API_KEY: os.environ/GROQ
general_settings:
  master_key: sk-canary-1234
"####,
            r####"model_list:
  - [sk-canary
"####,
            r####"model_list: {a: 1}
"####,
        ],
    },
    Target {
        name: "import_any",
        run: any,
        seeds: &[
            "{\"tokens\":{\"access_token\":\"a\"}}",
            "a: &x [1]\nb: *x\n",
            "OPENAI_API_KEY=sk-1",
            "{\"type\":\"codex\",\"access_token\":\"a\"}",
        ],
    },
];

/// What is read may be added, shown and written again; what is not is an error with a place, in one line.
fn one(tool: Tool, data: &[u8]) {
    let text = text(data);
    // The second half once more as what stands beside it.
    let beside = text.get(text.len() / 2..);
    match read(Some(tool), &Source { text: &text, beside }) {
        Ok((_, found)) => {
            assert!(found.credentials.len() <= credpool::import::MOST);
            for note in found.skipped.iter().chain(&found.warnings) {
                let length = note.place.chars().count();
                assert!((1..=121).contains(&length) && !note.place.chars().any(char::is_control));
            }
            let credentials: Vec<Credential> =
                found.credentials.into_iter().map(|found| found.credential).take(50).collect();
            for credential in &credentials {
                assert!(!credential.provider.is_empty());
                assert!(credential.name.as_ref().is_none_or(|name| !name.is_empty() && name.len() <= 200));
                let secret = credential.secret.expose();
                assert!(!secret.chars().any(char::is_control));
                assert!(secret.is_ascii() || credpool::secret::is_reference(secret));
            }
            let written = write(tool, &credentials);
            assert!(written.losses.iter().all(|loss| loss.index < credentials.len()));
        }
        Err(error) => assert!(!error.place.is_empty() && !error.to_string().contains('\n')),
    }
}

/// The tool is told by the content, and is then the one that is read.
pub fn any(data: &[u8]) {
    let text = text(data);
    let known = detect(&text);
    if let Ok((tool, _)) = read(None, &Source { text: &text, beside: None }) {
        assert_eq!(known, Some(tool));
    }
}

macro_rules! tools {
    ($($name:ident $tool:ident,)+) => {$(
        /// One tool's parser.
        pub fn $name(data: &[u8]) {
            one(Tool::$tool, data);
        }
    )+};
}

tools! {
    oh_my_pi OhMyPi,
    cliproxyapi CliProxyApi,
    devclaw DevClaw,
    code_buddy CodeBuddy,
    openclaw OpenClaw,
    codex Codex,
    claude_code ClaudeCode,
    gemini_cli GeminiCli,
    copilot Copilot,
    dotenv Env,
    litellm LiteLlm,
}
