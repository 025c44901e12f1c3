import type * as oauth4webapi from 'oauth4webapi'
import { loadPeer } from '../../../lib/optional-package.ts'

/** The library oauth4webapi, which writes the requests. */
export type Peer = typeof oauth4webapi
export type Metadata = oauth4webapi.AuthorizationServer

type PeerInit = Omit<RequestInit, 'body'> & { body?: URLSearchParams | undefined }

/** How oauth4webapi sends a request. */
export interface PeerRequest {
  [oauth4webapi.customFetch]: (url: string, init: PeerInit) => Promise<Response>
  [oauth4webapi.allowInsecureRequests]: boolean
  signal: AbortSignal
}

/** @throws RefreshError `invalid_option` if oauth4webapi is not installed */
export function loadOAuth(): Promise<Peer> {
  return loadPeer('oauth4webapi', () => import('oauth4webapi'))
}

/** Allows plain http for an http URL: the check of the options or of the metadata has already allowed that endpoint. */
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
