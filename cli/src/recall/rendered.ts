/** A token in the form that `--format` names. */
export function rendered(format: string, accessToken: string, expiresAt: number | undefined): string {
  switch (format) {
    case 'json':
      return JSON.stringify({
        access_token: accessToken,
        token_type: 'Bearer',
        ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
      })
    case 'headers':
      return JSON.stringify({ Authorization: `Bearer ${accessToken}` })
    default:
      return accessToken
  }
}
