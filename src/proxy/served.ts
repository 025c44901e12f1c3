import type { ProxyAuditEntry, ProxyRefusal, ProxySettings } from './options.ts'

/** The record of one request while the proxy serves it. */
export class Served {
  readonly time: number = Date.now()
  readonly began: number = performance.now()
  readonly method: string
  key: string | undefined
  route: string | undefined
  status = 499
  retried = false
  refused: ProxyRefusal | undefined
  bytes = 0
  /** Learns when the client has left. */
  exchange: { left(): void } | undefined
  readonly #tally: Tally
  #isOver = false

  constructor(method: string, tally: Tally) {
    this.method = method
    this.#tally = tally
    tally.open++
  }

  /** Called when the client has left, or has its whole response. */
  closed(): void {
    this.exchange?.left()
    this.end()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#tally.ended(this)
  }
}

/** The counts of one route, or of all requests without a route. */
class Counts {
  readonly statuses = new Map<number, number>()
  seconds = 0
  bytes = 0
  retried = 0
}

/** Counts requests, and reports each to the audit. */
export class Tally {
  readonly #audit: ProxySettings['audit']
  /** The counts by route. Routes come from the configuration, so there are few. */
  readonly #routes = new Map<string, Counts>()
  readonly #refused = new Map<string, number>()
  open = 0
  /** Called when a request has ended. */
  onEnd: (() => void) | undefined

  constructor(audit: ProxySettings['audit']) {
    this.#audit = audit
  }

  ended({ time, began, method, key, route, status, retried, refused, bytes }: Served): void {
    this.open--
    const duration = performance.now() - began
    const counts = this.#of(route ?? '')
    add(counts.statuses, status)
    counts.seconds += duration / 1_000
    counts.bytes += bytes
    if (retried) counts.retried++
    if (refused !== undefined) add(this.#refused, refused)
    this.onEnd?.()
    if (this.#audit === undefined) return
    const entry: ProxyAuditEntry = { time, key, route, method, status, retried, refused, bytes, duration }
    try {
      this.#audit(entry)
    } catch {
      // Ignore the error: an audit must not break the proxy.
    }
  }

  #of(route: string): Counts {
    const known = this.#routes.get(route)
    if (known !== undefined) return known
    const counts = new Counts()
    this.#routes.set(route, counts)
    return counts
  }

  /** The metrics in Prometheus' text format. */
  metrics(): string {
    const requests: Sample[] = []
    const [retried, bytes, seconds]: [Sample[], Sample[], Sample[]] = [[], [], []]
    for (const [route, counts] of this.#routes) {
      const ofRoute = `route="${route}"`
      for (const [status, count] of counts.statuses) requests.push([`${ofRoute},status="${status}"`, count])
      if (counts.retried > 0) retried.push([ofRoute, counts.retried])
      bytes.push([ofRoute, counts.bytes])
      seconds.push([ofRoute, counts.seconds])
    }
    const refused = [...this.#refused].map(([reason, count]): Sample => [`reason="${reason}"`, count])
    const lines = [
      ...family('requests_total', 'counter', 'Requests, by route and status.', requests),
      ...family(
        'retried_total',
        'counter',
        'Requests that were sent twice, with a fresh credential.',
        retried,
      ),
      ...family('refused_total', 'counter', 'Requests that the proxy refused, by reason.', refused),
      ...family('response_bytes_total', 'counter', 'Bytes of bodies.', bytes),
      ...family('duration_seconds_total', 'counter', 'Time that requests took.', seconds),
      ...family('open_requests', 'gauge', 'Requests that are open.', [['', this.open]]),
    ]
    return `${lines.join('\n')}\n`
  }
}

type Sample = readonly [labels: string, value: number]

function family(name: string, type: string, help: string, values: readonly Sample[]): string[] {
  const full = `llm_refresh_proxy_${name}`
  const samples = values.map(([labels, value]) => `${full}${labels && `{${labels}}`} ${value}`)
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...samples]
}

function add<K>(counts: Map<K, number>, name: K): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
