import {
  filesSite,
  postgresSite,
  redisSite,
  type Site,
  type Statement,
} from '../../test/fleet/outage-sites.ts'
import { type Outcome, hanging, outage, type World } from '../../test/fleet/outage.ts'
import { type Battery, counts, type Figure, list, seconds, setting, withWorld } from './trial.ts'

const statements: readonly Statement[] = ['take', 'extend', 'write', 'swap', 'free', 'read']

/** The stores, each with its kinds of outages. */
const stores: Readonly<Record<string, readonly (() => Promise<Site>)[]>> = {
  PostgreSQL: [
    () => postgresSite('pg', 1),
    () => postgresSite('pg', 5),
    () => postgresSite('postgres.js', 5),
  ],
  Redis: (['ioredis', 'node-redis'] as const).flatMap((client) =>
    (['stopped', 'out of memory', 'restarted empty'] as const).map((how) => () => redisSite(client, how)),
  ),
  files: (['full', 'read-only', 'emptied'] as const).map((how) => () => filesSite(how)),
}

/**
 * Takes the store away from all processes, just after a redemption. The variables `ACCOUNTS` (in one outage), `SECONDS` (a list) and `STORES`
 * (a pattern) make the trial shorter.
 */
export const outages: Battery = (tell) =>
  withWorld(async (world) => {
    const wanted = new RegExp(process.env['STORES'] ?? '', 'iu')
    for (const [name, sites] of Object.entries(stores)) {
      if (!wanted.test(name)) continue
      const all = await ofStore(world, sites, tell)
      const total = all.reduce((sum, { accounts }) => sum + accounts, 0)
      const lost = all.reduce((sum, one) => sum + one.lost, 0)
      tell({
        what: `${name}: logins lost, of ${total} account-outages`,
        figure: String(lost),
        limit: '0',
        isMet: lost === 0,
      })
    }
  })

async function ofStore(
  world: World,
  makes: readonly (() => Promise<Site>)[],
  tell: (figure: Figure) => void,
): Promise<Outcome[]> {
  const all: Outcome[] = []
  const accounts = setting('ACCOUNTS', Math.ceil(42 / makes.length))
  const many = setting('MANY', 100)
  const add = (outcome: Outcome, limit: number): void => {
    all.push(outcome)
    tell(figureOf(outcome, limit))
  }
  for (const [n, make] of makes.entries()) {
    const site = await make()
    try {
      for (const s of list('SECONDS', [2, 4, 8, 15, 60]))
        add(await outage(world, site, { ms: s * 1_000, accounts }), 5_000)
      // Many accounts in one outage: for one site of each store.
      if (many > 0 && n === Math.min(1, makes.length - 1))
        add(await outage(world, site, { ms: 8_000, accounts: many }), 5_000)
      if (
        site.relayed === undefined ||
        (n > 0 && site.opening.kind === 'redis' && !/stopped/u.test(site.name))
      )
        continue
      for (const statement of statements) {
        for (const lost of ['request', 'response'] as const) {
          const outcome = await hanging(world, site, { statement, lost, accounts: setting('HANGING', 5) })
          // The limit is the store's timeout, and 5 s more.
          add(outcome, 10_000)
          if (!outcome.sprung)
            tell({ what: `${outcome.name}: it hung`, figure: 'no', limit: 'yes', isMet: false })
        }
      }
    } finally {
      await site.close()
    }
  }
  return all
}

function figureOf(
  { name, lost, repeated, storedAfter, loginTook, logoutTook, told, accounts }: Outcome,
  limit: number,
): Figure {
  const parts = [
    `${lost} of ${accounts} lost`,
    `${repeated} presented twice`,
    `all stored after ${seconds(storedAfter)}`,
    `login ${seconds(loginTook)}, logout ${seconds(logoutTook)}`,
    counts(told),
  ]
  return {
    what: name,
    figure: parts.join('; '),
    limit: `0, 0, ${limit / 1_000} s, 1 s`,
    isMet:
      lost === 0 &&
      repeated === 0 &&
      storedAfter <= limit &&
      (loginTook ?? 0) <= 1_000 &&
      (logoutTook ?? 0) <= 1_000,
  }
}
