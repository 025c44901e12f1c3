/** The vendors' error bodies. */

export function anthropicError(type: string, message: string): object {
  return { type: 'error', error: { type, message }, request_id: 'req_1' }
}
export function openAIError(type: string, code: string | null, message: string): object {
  return { error: { message, type, param: null, code } }
}
export function googleError(code: number, status: string, message: string, ...details: object[]): object {
  return { error: { code, message, status, details } }
}
export function errorInfo(reason: string): object {
  return { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' }
}
