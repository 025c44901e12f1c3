/** Another party's text, such as an issuer, as one line of a message. No secret was sent to get it. */
export function shown(text: string): string {
  return `'${text.slice(0, 256).replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')}'`
}
