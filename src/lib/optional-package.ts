import { RefreshError } from '../errors.ts'

/**
 * Loads an optional peer dependency.
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
