import type { ProxyAuditEntry, ProxyRefusal, ProxySettings } from './options.ts'

/** One request, as it goes on. */
export interface Served {
  readonly time: number
  readonly began: number
  readonly method: string
  key: string | undefined
  route: string | undefined
  status: number
  retried: boolean
  refused: ProxyRefusal | undefined
  bytes: number
}

export function served(method: string | undefined): Served {
  return {
    time: Date.now(),
    began: performance.now(),
    method: method ?? 'GET',
    key: undefined,
    route: undefined,
    status: 499,
    retried: false,
    refused: undefined,
    bytes: 0,
  }
}

/** Counts requests, and tells the audit. */
export class Tally {
  readonly #audit: ProxySettings['audit']
  /** Labels → count. They come from the configuration, so that they are few. */
  readonly #requests = new Map<string, number>()
  readonly #seconds = new Map<string, number>()
  readonly #retried = new Map<string, number>()
  readonly #bytes = new Map<string, number>()
  readonly #refused = new Map<string, number>()
  open = 0

  constructor(audit: ProxySettings['audit']) {
    this.#audit = audit
  }

  ended({ time, began, method, key, route, status, retried, refused, bytes }: Served): void {
    const duration = performance.now() - began
    const ofRoute = `route="${route ?? ''}"`
    add(this.#requests, `${ofRoute},status="${status}"`, 1)
    add(this.#seconds, ofRoute, duration / 1_000)
    add(this.#bytes, ofRoute, bytes)
    if (retried) add(this.#retried, ofRoute, 1)
    if (refused !== undefined) add(this.#refused, `reason="${refused}"`, 1)
    if (this.#audit === undefined) return
    const entry: ProxyAuditEntry = { time, key, route, method, status, retried, refused, bytes, duration }
    try {
      this.#audit(entry)
    } catch {
      // an observer must not break what it observes
    }
  }

  /** In Prometheus' text format. */
  metrics(): string {
    const lines = [
      ...family('requests_total', 'counter', 'Requests, by route and status.', this.#requests),
      ...family(
        'retried_total',
        'counter',
        'Requests that were sent twice, with a fresh credential.',
        this.#retried,
      ),
      ...family('refused_total', 'counter', 'Requests that the proxy refused, by reason.', this.#refused),
      ...family('response_bytes_total', 'counter', 'Bytes of bodies.', this.#bytes),
      ...family('duration_seconds_total', 'counter', 'Time that requests took.', this.#seconds),
      ...family('open_requests', 'gauge', 'Requests that are open.', new Map([['', this.open]])),
    ]
    return `${lines.join('\n')}\n`
  }
}

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string[] {
  const full = `llm_refresh_proxy_${name}`
  const samples = [...values].map(([labels, value]) => `${full}${labels && `{${labels}}`} ${value}`)
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...samples]
}

function add(counts: Map<string, number>, labels: string, value: number): void {
  counts.set(labels, (counts.get(labels) ?? 0) + value)
}
