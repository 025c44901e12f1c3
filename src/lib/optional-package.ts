import { RefreshError } from '../errors.ts'

/**
 * An optional peer, loaded when it is first needed.
 *
 * @throws RefreshError `invalid_option` that names the missing package
 */
export async function loadPeer<M>(name: string, load: () => Promise<M>): Promise<M> {
  try {
    return await load()
  } catch (cause) {
    const message = `${name} cannot be loaded: install it beside llm-refresh, \`npm install ${name}\`.`
    throw new RefreshError('invalid_option', message, { cause })
  }
}
