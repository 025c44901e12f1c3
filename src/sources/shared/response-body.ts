import { canonicalNames } from '../../credential/token/canonical-names.ts'
import { parseJson } from '../../lib/json.ts'
import { embeddedJson } from './embedded-json.ts'

/** A response's body, read by its shape. */
export interface ResponseBody {
  /** `json`: an object whose own members are `fields`. `nested`: any other JSON; the token may be one or two levels down. */
  readonly kind: 'json' | 'nested' | 'form' | 'xml' | 'broken' | 'page' | 'empty'
  /** The object that holds the token or the error; undefined if the body has no such object. */
  readonly fields: object | undefined
  /** The refresh token from a body that cannot be parsed as a whole. */
  readonly salvaged?: string | undefined
  /** The body itself, if it is a short plain text. */
  readonly text?: string | undefined
}

/** Members in which some servers put the token. */
const INNER = [
  'data',
  'result',
  'response',
  'token',
  'tokens',
  'payload',
  'body',
  'content',
  'authed_user',
  'tokenInfo',
  'token_info',
  'session',
  'credentials',
  'auth',
  'authentication',
  'AuthenticationResult',
]
/** Characters. A longer text is no sentence. */
const LONGEST_TEXT = 512
/** Characters. In a longer body only the usual names are looked up. */
const LONGEST_ODD = 65_536
/** The most members of an object that are searched, whatever their names. */
const MOST_MEMBERS = 64
const FORM_TYPES = /^(?:text\/plain|application\/(?:x-www-form-urlencoded|json|octet-stream))\b/i
const FORM = /^[\w.~%+*-]+=[^&<>\s"{}]*(?:&[\w.~%+*-]+=[^&<>\s"{}]*)*$/
/** Characters. A longer form or XML is not read: no token response is that long. */
const LONGEST_FORM = 262_144
const XML_MEMBER = /<([A-Za-z_][\w.-]{0,63})>([^<>]*)<\/([A-Za-z_][\w.-]{0,63})>/g

/**
 * Reads a token response by its shape. Its `content-type` says little, because servers and proxies mislabel responses: PHP's default is
 * `text/html`.
 */
export function readBody(text: string, contentType: string): ResponseBody {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed === '') return { kind: 'empty', fields: undefined }
  const parsed = /^[{["\dtfn-]/.test(trimmed) ? parseJson(trimmed) : undefined
  if (parsed !== undefined) {
    const isSmall = trimmed.length <= LONGEST_ODD
    const inner = innerOf(withinText(parsed.value), isSmall)
    const kind = inner === parsed.value ? 'json' : 'nested'
    return {
      kind,
      fields: inner !== undefined && isSmall ? canonicalNames(inner) : inner,
      text:
        typeof parsed.value === 'string' && inner === undefined
          ? parsed.value.slice(0, LONGEST_TEXT)
          : undefined,
    }
  }
  const fields = readForm(trimmed, contentType)
  if (fields !== undefined) return { kind: 'form', fields }
  const among = tokenAmong(trimmed)
  if (among !== undefined) return { kind: 'nested', fields: among }
  if (trimmed.startsWith('<')) {
    const members = readXml(trimmed)
    if (members !== undefined) return { kind: 'xml', fields: members }
    // A SOAP fault is no page for people, so its sentence is kept.
    const [, fault] = /<faultstring[^<>]{0,128}>([^<>]{1,512})</i.exec(trimmed.slice(0, LONGEST_FORM)) ?? []
    return { kind: 'page', fields: undefined, text: fault }
  }
  const isBroken = /^[{["]/.test(trimmed) || /[/+]json\b/i.test(contentType)
  if (!isBroken || /\bhtml\b/i.test(contentType)) {
    return { kind: 'page', fields: undefined, text: trimmed.length > LONGEST_TEXT ? undefined : trimmed }
  }
  return { kind: 'broken', fields: undefined, salvaged: salvage(trimmed) }
}

/** The object that holds the token or the error. The first level goes before the second, and the second before the third. */
function innerOf(value: unknown, isSmall: boolean): object | undefined {
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value
  if (!isObject(only)) return undefined
  if (isToldExactly(only) || Boolean(Reflect.get(only, 'error'))) return only
  if (isSmall && isTold(only)) return only
  const named = namedIn(only)
  if (!isSmall) return named.find(isToldExactly) ?? only
  const others = objectsIn(only)
  return (
    named.find(isTold) ??
    [...named, ...others].flatMap(namedIn).find(isTold) ??
    others.find((member) => 'access_token' in canonicalNames(member)) ??
    only
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Parses a text that holds JSON. Some servers encode a response twice, or put it as a text into a member. */
function withinText(value: unknown): unknown {
  const isJson = typeof value === 'string' && value.length <= LONGEST_ODD && /^\s{0,64}[{[]/.test(value)
  return isJson ? (parseJson(value)?.value ?? value) : value
}

/** The objects in the members of {@link INNER}. */
function namedIn(fields: object): object[] {
  return INNER.map((name) => withinText(Reflect.get(fields, name))).filter(isObject)
}

/** The objects among the first members. */
function objectsIn(fields: object): object[] {
  const found: object[] = []
  let looked = 0
  for (const name in fields) {
    if (++looked > MOST_MEMBERS) break
    const member: unknown = Reflect.get(fields, name)
    if (isObject(member)) found.push(member)
  }
  return found
}

function isTold(fields: object): boolean {
  return isToldExactly(fields) || isToldExactly(canonicalNames(fields))
}

function isToldExactly(fields: object): boolean {
  return ['access_token', 'accessToken', 'refresh_token', 'refreshToken'].some(
    (name) => typeof Reflect.get(fields, name) === 'string',
  )
}

/**
 * Finds a token behind a warning, or behind a guard against script inclusion. A page for people is not searched, because it may show an example.
 * Such a page does not end like JSON, or it holds an HTML tag.
 */
function tokenAmong(text: string): object | undefined {
  if (!/[}]\W{0,8}\d?$/.test(text) || /<!doctype|<html/i.test(text)) return undefined
  for (const found of embeddedJson(text)) {
    const inner = innerOf(found, true)
    if (inner !== undefined && isTold(inner) && !('grant_type' in inner)) return canonicalNames(inner)
  }
  return undefined
}

/**
 * Reads a body that is one form. A form with a grant type is an echo of our request, and does not count. A token counts under any
 * `content-type`. An error counts only under a `content-type` that servers give to forms, because it may end a login.
 */
function readForm(text: string, contentType: string): object | undefined {
  if (text.length > LONGEST_FORM || !FORM.test(text)) return undefined
  const fields = Object.fromEntries(new URLSearchParams(text))
  const isLabelled = contentType === '' || FORM_TYPES.test(contentType)
  const isResponse = 'access_token' in fields || (isLabelled && 'error' in fields)
  return isResponse && !('grant_type' in fields) ? fields : undefined
}

/** Reads XML whose elements hold the token or the error. No page for people has such elements. */
function readXml(text: string): object | undefined {
  if (/^<!doctype|^<html/i.test(text) || text.length > LONGEST_FORM) return undefined
  const fields = new Map<string, string>()
  for (const [, name = '', value = '', closing] of text.matchAll(XML_MEMBER)) {
    if (name === closing) fields.set(name, unescaped(value))
  }
  const isResponse = fields.has('access_token') || fields.has('error')
  return isResponse && !fields.has('grant_type') ? Object.fromEntries(fields) : undefined
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescaped(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '')
}

/** Finds the new refresh token in JSON that was cut off, or has text around it. Without that token the login is lost. */
function salvage(text: string): string | undefined {
  if (/"grant_type"/.test(text)) return undefined
  const [, found] = /"refresh_?[tT]oken"\s{0,16}:\s{0,16}"([^"\\\s]{1,8192})"/.exec(text) ?? []
  return found
}
