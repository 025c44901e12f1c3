// What is done for an account is done in one step, by a script. All of an account is in one hash, so that a cluster keeps it in one
// place:
//   fence      the number of the lock that was given last
//   owner      who holds it; there is none where it was given back
//   until      when its lease ends, in epoch ms of the server
//   abandoned  an earlier holder vanished, and nobody has written since
//   revision   the number of the lock under which the record was written
//   record     the record
// The clock of a server that took over after a failover may be behind, and its memory, too: numbers are no less than the time in ms.

/** Of Lua's numbers only strings keep all digits. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function digits(number) return string.format('%.0f', number) end`

/** A user may not be allowed to publish: then those who wait look by themselves. */
const FREE = `
redis.call('HDEL', KEYS[1], 'owner', 'until')
redis.pcall('PUBLISH', channel, name)`

export const READ: string = `return redis.call('HMGET', KEYS[1], 'revision', 'record')`

export const TAKE: string = `${NOW}
local owner, lease, known = ARGV[1], ARGV[2], ARGV[3]
local had = redis.call('HMGET', KEYS[1], 'revision', 'record', 'fence', 'owner', 'until', 'abandoned')
local revision, fence = tonumber(had[1]) or 0, tonumber(had[3]) or 0
local holder, abandoned = had[4], had[6]
if holder ~= owner then
  if known ~= '' and revision > tonumber(known) then return { 'newer' } end
  local left = (tonumber(had[5]) or 0) - now
  if holder and left > 0 then return { 'held', digits(left) } end
  abandoned = (holder or abandoned == '1') and revision < fence and '1' or '0'
  fence = math.max(fence + 1, revision + 1, now)
  redis.call('HSET', KEYS[1], 'owner', owner, 'fence', digits(fence), 'abandoned', abandoned)
end
redis.call('HSET', KEYS[1], 'until', digits(now + lease))
return { 'lock', digits(fence), abandoned, had[1], had[2] }`

export const EXTEND: string = `${NOW}
local owner, lease = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[1], 'owner') ~= owner then return 0 end
redis.call('HSET', KEYS[1], 'until', digits(now + lease))
return 1`

export const WRITE: string = `
local owner, number, record, channel, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local revision = tonumber(redis.call('HGET', KEYS[1], 'revision')) or 0
if revision < tonumber(number) then
  redis.call('HSET', KEYS[1], 'revision', number, 'record', record)
end
if redis.call('HGET', KEYS[1], 'owner') == owner then
  redis.call('HDEL', KEYS[1], 'abandoned')${FREE}
end
return redis.call('HMGET', KEYS[1], 'revision', 'record')`

export const RELEASE: string = `
local owner, channel, name = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HGET', KEYS[1], 'owner') == owner then${FREE}
end
return 1`
