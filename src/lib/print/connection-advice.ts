/** Advice on a failed connection, by the system's code. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|ConnectionRefused/, 'nothing listens there; is the server up, and is the port right?'],
  [/ENOTFOUND/, 'there is no such host name; check its spelling, and the DNS of this machine'],
  [/EAI_|DNSException/, 'the DNS of this machine did not respond'],
  [
    /SELF_SIGNED|UNABLE_TO_/,
    'its certificate is not trusted here; NODE_EXTRA_CA_CERTS can name its authority',
  ],
  [/CERT|HOSTNAME_MISMATCH|ERR_TLS/, 'its certificate is not accepted'],
  [/ERR_SSL|EPROTO/, 'TLS could not be agreed; is it an http endpoint?'],
  [/TIMEOUT|ETIMEDOUT/, 'it did not respond in time; is it reachable from here?'],
  [/UNREACH|ENETDOWN/, 'there is no route to it from here'],
  [/^Z_|DECOMPRESS|BROTLI/, 'its body is not compressed as its content-encoding says'],
  [/ECONNRESET|EPIPE|UND_ERR_SOCKET/, 'the connection broke'],
]

/** Advice on what to check after a connection failed with this code of the system. */
export function adviceOnConnection(code: string | undefined): string | undefined {
  return code === undefined ? undefined : ADVICE.find(([pattern]) => pattern.test(code))?.[1]
}
