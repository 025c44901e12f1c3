/** Another party's text, such as an issuer, as one quoted line of a message. We sent no secret to get it, so it cannot quote one. */
export function shown(text: string): string {
  return `'${text.slice(0, 256).replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')}'`
}
