/** What keeps requests on the token that {@link token} holds, for clients that take no fetch. */
import { refreshingInterceptor, type Interceptor } from 'llm-refresh/undici'
import { options, token } from './credential.ts'

export const interceptor: Interceptor = refreshingInterceptor(token, options)
