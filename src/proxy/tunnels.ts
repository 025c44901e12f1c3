import { BROKEN_BY_PROXY } from '../lib/print/dialled.ts'

interface Connector {
  connect(options: never): Promise<unknown>
}

/**
 * A client of the machine's proxy that gives up when the proxy breaks off while it is asked for a tunnel. undici before 8.6 takes the code of
 * such an error for a reason to connect at once again, without an end: thousands of times a second (nodejs/undici#3897).
 */
export function givingUp<T extends Connector>(client: T): T {
  const connect = client.connect.bind(client)
  return Object.assign(client, {
    connect: (options: never) =>
      connect(options).catch((cause: unknown) => {
        if (Reflect.get(Object(cause), 'code') !== 'UND_ERR_SOCKET') throw cause
        const message = 'The proxy of this machine broke off the connection.'
        throw Object.assign(new Error(message, { cause }), { code: BROKEN_BY_PROXY })
      }),
  })
}
