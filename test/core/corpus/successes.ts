import { type EventShape, events, type HttpShape, https, openai } from './types.ts'

/** Vendors that answer 200 and put the error inside. A 200 says nothing of such an error; the vendor's own name or number for it decides. */
const OK = 200

const minimax = (status_code: number, status_msg: string, more: object = {}): object => ({
  ...more,
  base_resp: { status_code, status_msg },
})
const tencent = (Code: string, Message: string): object => ({
  Response: { Error: { Code, Message }, RequestId: 'r-1' },
})
const volcengine = (Code: string, Message: string): object => ({
  ResponseMetadata: { RequestId: 'r-1', Error: { Code, Message } },
})
const baidu = (error_code: number, error_msg: string): object => ({ error_code, error_msg, id: 'as-1' })
const feishu = (code: number, msg: string, more: object = {}): object => ({ code, msg, ...more })
const wecom = (errcode: number, errmsg: string): object => ({ errcode, errmsg })
const slack = (error: string): object => ({ ok: false, error })

const REJECTED: readonly (readonly [vendor: string, body: object, source: string])[] = [
  ['MiniMax', minimax(1004, 'login fail: please carry the API secret key'), 'MiniMax error codes'],
  ['MiniMax', minimax(1004, 'no', { choices: null, id: '' }), 'speech clients'],
  ['MiniMax', minimax(2049, 'invalid api key'), 'MiniMax error codes'],
  ['Tencent', tencent('AuthFailure.TokenFailure', 'no'), 'Tencent common error codes'],
  ['Tencent', tencent('AuthFailure.SecretIdNotFound', 'no'), 'Tencent common error codes'],
  ['Tencent', tencent('AuthFailure.SignatureExpire', 'no'), 'Tencent common error codes'],
  ['Tencent', tencent('AuthFailure.InvalidSecretId', 'no'), 'Tencent common error codes'],
  ['Volcengine', volcengine('InvalidCredential', 'no'), 'Volcengine common error codes'],
  ['Volcengine', volcengine('InvalidSecurityToken', 'no'), 'Volcengine common error codes'],
  ['Qianfan', baidu(110, 'Access token invalid or no longer valid'), 'Qianfan error codes'],
  ['Qianfan', baidu(111, 'Access token expired'), 'Qianfan error codes'],
  ['Feishu', feishu(99991663, 'Invalid access token for authorization'), 'Feishu error codes'],
  ['Feishu', feishu(99991677, 'no'), 'Feishu clients that refresh on it'],
  ['Feishu', feishu(99991668, 'no', { error: { log_id: '1' } }), 'Feishu clients that refresh on it'],
  ['Coze', feishu(4100, 'authentication is invalid'), 'Coze error codes'],
  ['Coze', feishu(700012006, 'access token invalid'), 'Coze clients'],
  ['WeCom', wecom(42001, 'access_token expired'), 'WeCom error codes'],
  ['DingTalk', wecom(40014, 'no'), 'DingTalk error codes'],
  ['Zhipu', { code: 401, msg: 'no', success: false }, 'a 200 of the older API'],
  ['Slack', slack('token_expired'), 'Slack API methods'],
  ['Slack', slack('not_authed'), 'Slack API methods'],
  ['GraphQL', { errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED' } }] }, 'Apollo Server'],
]

const OTHERS: readonly (readonly [vendor: string, body: object, source: string])[] = [
  ['MiniMax', minimax(0, 'success', { choices: [{ text: 'HTTP 401: invalid API key' }] }), 'a success'],
  ['MiniMax', minimax(1002, 'rate limit'), 'MiniMax error codes'],
  ['MiniMax', minimax(1008, 'insufficient balance'), 'MiniMax error codes'],
  ['Tencent', tencent('AuthFailure.UnauthorizedOperation', 'no CAM authorization'), 'Tencent error codes'],
  ['Tencent', tencent('AuthFailure.MFAFailure', 'no'), 'Tencent common error codes'],
  ['Tencent', tencent('RequestLimitExceeded', 'no'), 'Tencent common error codes'],
  ['Tencent', { Response: { TokenExpired: true, RequestId: 'r-1' } }, 'a success'],
  ['Volcengine', volcengine('AccessDenied', 'no'), 'Volcengine common error codes'],
  ['Volcengine', { ResponseMetadata: { RequestId: 'r-1' }, Result: 'token expired' }, 'a success'],
  ['Qianfan', baidu(18, 'Open api qps request limit reached'), 'Qianfan error codes'],
  ['Qianfan', baidu(6, 'No permission to access data'), 'Qianfan error codes'],
  ['Feishu', feishu(0, 'success', { data: { title: 'token expired' } }), 'a success'],
  ['Feishu', feishu(99991672, 'no permission'), 'Feishu error codes'],
  ['Feishu', feishu(99991400, 'request trigger frequency limit'), 'Feishu error codes'],
  ['Coze', feishu(4101, 'the token does not have the permission'), 'Coze error codes'],
  ['Coze', feishu(0, '', { data: [{ content: 'code 4100' }] }), 'a success'],
  ['a map of colours', { code: 4100, name: 'cobalt' }, 'a number without its message'],
  ['WeCom', wecom(0, 'ok'), 'a success'],
  ['DingTalk', wecom(88, 'no'), 'DingTalk error codes'],
  [
    'iFlytek',
    { code: 11200, message: 'the app lacks this feature, or its quota is used up' },
    'Spark errors',
  ],
  ['Slack', slack('channel_not_found'), 'Slack API methods'],
  [
    'OpenAI',
    { choices: [{ message: { content: '{"error_code":111,"error_msg":"expired"}' } }] },
    'a success',
  ],
]

function asHttp(rows: typeof REJECTED): readonly HttpShape[] {
  return https(rows.map(([vendor, body, source]) => [vendor, OK, body, source]))
}

/** Streams that were asked for begin with the same objects. */
function asEvents(rows: typeof REJECTED): readonly EventShape[] {
  return events(rows.map(([vendor, body, source]) => [vendor, '', body, source]))
}

export const SUCCESS_HTTP_REJECTIONS: readonly HttpShape[] = asHttp(REJECTED)
export const SUCCESS_HTTP_OTHERS: readonly HttpShape[] = asHttp(OTHERS)
export const SUCCESS_EVENT_REJECTIONS: readonly EventShape[] = asEvents([
  ...REJECTED,
  ['a gateway', openai('no', 'invalid_request_error', 'token_expired'), 'OpenAI streaming'],
])
export const SUCCESS_EVENT_OTHERS: readonly EventShape[] = asEvents([
  ...OTHERS,
  ['a gateway', openai('slow down', 'requests', 'rate_limit_exceeded'), 'OpenAI streaming'],
])
