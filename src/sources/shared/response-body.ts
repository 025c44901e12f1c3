import { canonicalNames } from '../../credential/token/canonical-names.ts'
import { parseJson } from '../../lib/json.ts'
import { embeddedJson } from './embedded-json.ts'

/** What a response's body is, by its shape. */
export interface ResponseBody {
  /** `json`: an object, and its own members. `nested`: any other JSON, perhaps with the token one level down. */
  readonly kind: 'json' | 'nested' | 'form' | 'xml' | 'broken' | 'page' | 'empty'
  /** Its members; those of the object one level down where the token is there. undefined where it has none. */
  readonly fields: object | undefined
  /** A refresh token in what cannot be read as a whole. */
  readonly salvaged?: string | undefined
  /** What it says in plain text: a body that is short, and nothing else. */
  readonly text?: string | undefined
}

/** Where servers put the token that do not put it on the first level. */
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
/** Characters: what is longer is no sentence. */
const LONGEST_TEXT = 512
/** Characters: what is longer is looked at by the usual names alone. */
const LONGEST_ODD = 65_536
/** Members that are looked into, by whatever name. */
const MOST_MEMBERS = 64
const FORM_TYPES = /^(?:text\/plain|application\/(?:x-www-form-urlencoded|json|octet-stream))\b/i
const FORM = /^[\w.~%+*-]+=[^&<>\s"{}]*(?:&[\w.~%+*-]+=[^&<>\s"{}]*)*$/
/** Characters: what is no response is not looked at further. */
const LONGEST_FORM = 262_144
const XML_MEMBER = /<([A-Za-z_][\w.-]{0,63})>([^<>]*)<\/([A-Za-z_][\w.-]{0,63})>/g

/**
 * Reads a token response by its shape: a label says little, for servers and proxies mislabel (`text/html` is what PHP says where nobody
 * says otherwise).
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
    // A fault of SOAP is no page.
    const [, fault] = /<faultstring[^<>]{0,128}>([^<>]{1,512})</i.exec(trimmed.slice(0, LONGEST_FORM)) ?? []
    return { kind: 'page', fields: undefined, text: fault }
  }
  const isBroken = /^[{["]/.test(trimmed) || /[/+]json\b/i.test(contentType)
  if (!isBroken || /\bhtml\b/i.test(contentType)) {
    return { kind: 'page', fields: undefined, text: trimmed.length > LONGEST_TEXT ? undefined : trimmed }
  }
  return { kind: 'broken', fields: undefined, salvaged: salvage(trimmed) }
}

/** The object that holds the token, or the error: the first level goes before the second, and that before the third. */
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

/** Some encode a response twice, or put its text into a member: the object that such a text holds. */
function withinText(value: unknown): unknown {
  const isJson = typeof value === 'string' && value.length <= LONGEST_ODD && /^\s{0,64}[{[]/.test(value)
  return isJson ? (parseJson(value)?.value ?? value) : value
}

/** The members in which servers put the token. */
function namedIn(fields: object): object[] {
  return INNER.map((name) => withinText(Reflect.get(fields, name))).filter(isObject)
}

/** Its first members that are objects. */
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

/** A token behind a warning, or behind a guard against inclusion. A page for people ends otherwise, and shows examples. */
function tokenAmong(text: string): object | undefined {
  if (!/[}]\W{0,8}\d?$/.test(text) || /<!doctype|<html/i.test(text)) return undefined
  for (const found of embeddedJson(text)) {
    const inner = innerOf(found, true)
    if (inner !== undefined && isTold(inner) && !('grant_type' in inner)) return canonicalNames(inner)
  }
  return undefined
}

/**
 * A whole body of form fields. One that holds a grant type is an echo of the request. A token counts whatever the body is labelled; an
 * error, which may end a login, counts only under a label that servers give to forms.
 */
function readForm(text: string, contentType: string): object | undefined {
  if (text.length > LONGEST_FORM || !FORM.test(text)) return undefined
  const fields = Object.fromEntries(new URLSearchParams(text))
  const isLabelled = contentType === '' || FORM_TYPES.test(contentType)
  const isResponse = 'access_token' in fields || (isLabelled && 'error' in fields)
  return isResponse && !('grant_type' in fields) ? fields : undefined
}

/** An element with members that hold text: no page for people is one. */
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

/** The new refresh token of JSON that was cut off, or has something around it: without it the login is lost. */
function salvage(text: string): string | undefined {
  if (/"grant_type"/.test(text)) return undefined
  const [, found] = /"refresh_?[tT]oken"\s{0,16}:\s{0,16}"([^"\\\s]{1,8192})"/.exec(text) ?? []
  return found
}
