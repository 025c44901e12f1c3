import { styleText } from 'node:util'

/** What the demo uses of a terminal's styles. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'cyan'

/** Styles a text where standard output is a terminal that takes it; NO_COLOR and a pipe leave it plain. */
export function styled(text: string, style: Style | undefined): string {
  return style === undefined ? text : styleText(style, text, { stream: process.stdout })
}
