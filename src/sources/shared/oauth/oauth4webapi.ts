import type * as oauth4webapi from 'oauth4webapi'
import { loadPeer } from '../../../lib/optional-package.ts'

/** The library that knows the wire formats. */
export type Peer = typeof oauth4webapi
export type Metadata = oauth4webapi.AuthorizationServer

type PeerInit = Omit<RequestInit, 'body'> & { body?: URLSearchParams | undefined }

/** How the peer is to send a request. */
export interface PeerRequest {
  [oauth4webapi.customFetch]: (url: string, init: PeerInit) => Promise<Response>
  [oauth4webapi.allowInsecureRequests]: boolean
  signal: AbortSignal
}

/** @throws RefreshError `invalid_option` where it is not installed */
export function loadOAuth(): Promise<Peer> {
  return loadPeer('oauth4webapi', () => import('oauth4webapi'))
}

/** Only what was checked to be on this machine may be asked in the clear. */
export function requestOptions(
  peer: Peer,
  { protocol }: URL,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): PeerRequest {
  return {
    [peer.customFetch]: (url, { body, ...init }) => fetch(url, body === undefined ? init : { ...init, body }),
    [peer.allowInsecureRequests]: protocol === 'http:',
    signal,
  }
}
