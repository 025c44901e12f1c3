/** Puts the token on the requests of every client in the process. */
import { Agent, setGlobalDispatcher } from 'undici'
import { interceptor } from './dispatcher.ts'

setGlobalDispatcher(new Agent().compose(interceptor))
