/** Puts the token on every request of the process, for every client. */
import { Agent, setGlobalDispatcher } from 'undici'
import { interceptor } from './dispatcher.ts'

setGlobalDispatcher(new Agent().compose(interceptor))
