import { access, constants } from 'node:fs/promises'
import { proxyVariables, wrongProxyVariables } from '../../lib/proxy-variables.ts'
import { proxyVariableFix } from '../http.ts'
import { type Finding, good } from './finding.ts'

/** Checks the environment variables that affect the way to servers. */
export async function checkMachine(): Promise<Finding[]> {
  return [...proxyVariables().map(ofProxy), ...ofChecking(), ...(await ofAuthorities())]
}

function ofProxy(name: string): Finding {
  if (!wrongProxyVariables().includes(name)) {
    const { host } = new URL(process.env[name] ?? '')
    return good(undefined, 'proxy', `${name} leads requests to sources and upstreams through ${host}.`)
  }
  return {
    about: undefined,
    code: 'proxy_invalid',
    level: 'error',
    message: `${name} holds no http URL.`,
    fix: proxyVariableFix(name),
  }
}

function ofChecking(): Finding[] {
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return []
  return [
    {
      about: undefined,
      code: 'tls_unchecked',
      level: 'error',
      message: 'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anyone on the network read the tokens.',
      fix: 'Unset it. For a CA of your own, set NODE_EXTRA_CA_CERTS to its file.',
    },
  ]
}

/** Node ignores a file that it cannot read, and then trusts fewer servers than the person intended. */
async function ofAuthorities(): Promise<Finding[]> {
  const path = process.env['NODE_EXTRA_CA_CERTS'] ?? ''
  if (path === '') return []
  try {
    await access(path, constants.R_OK)
    return [good(undefined, 'ca', `NODE_EXTRA_CA_CERTS adds the CAs in ${path}.`)]
  } catch (error) {
    return [
      {
        about: undefined,
        code: 'ca_unreadable',
        level: 'error',
        message: `NODE_EXTRA_CA_CERTS names ${path}, which cannot be read (${String(Reflect.get(Object(error), 'code'))}).`,
        fix: 'Set it to a file of certificates in PEM, or unset it.',
      },
    ]
  }
}
