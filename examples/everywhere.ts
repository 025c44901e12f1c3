/** Keeps every request of the process on the token, whoever makes it. */
import { Agent, setGlobalDispatcher } from 'undici'
import { interceptor } from './dispatcher.ts'

setGlobalDispatcher(new Agent().compose(interceptor))
