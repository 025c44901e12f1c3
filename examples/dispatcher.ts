/** Puts the token of {@link credential} on the requests of clients that have no `fetch` option. */
import { refreshingInterceptor, type Interceptor } from 'llm-refresh/undici'
import { credential, options } from './credential.ts'

export const interceptor: Interceptor = refreshingInterceptor(credential, options)
