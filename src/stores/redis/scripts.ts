// Each step of an account is one script, so that it is atomic. One hash holds all of an account, so a cluster keeps it on one server:
//   fence      the highest number that a lock or a record got (the fencing token)
//   owner      the name of the lock's holder; absent after a release
//   until      the end of the holder's lease, in epoch ms by the server's clock
//   abandoned  1 if an earlier holder vanished, and no process has written since
//   revision   the number of the lock under which the record was written
//   record     the record
// After a failover the server may lack the last writes. So a new number is at least the server's time in ms, and above all that it knows.

/** `now`: the server's time in epoch ms. `digits`: a number as text, because a reply or a field would cut a number of Lua's. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function digits(number) return string.format('%.0f', number) end`

/**
 * `isNumber`: true if a number is absent or at most `last` (2^53 - 1, the highest whole number that Lua and JavaScript keep exactly). If
 * another program has set a number that no number can follow, the script changes nothing, because a redeemed token could not be written.
 */
const IS_NUMBER = `
local last = 9007199254740991
local function isNumber(text)
  return not text or #text <= 16 and (text == '0' or string.match(text, '^[1-9]%d*$')) and tonumber(text) <= last
end`

const CHECKED = `${IS_NUMBER}
if not (isNumber(revisionText) and isNumber(fenceText)) then return { 'invalid' } end
local revision, fence = tonumber(revisionText or 0), tonumber(fenceText or 0)`

const NUMBERS = `
local numbers = redis.call('HMGET', KEYS[1], 'revision', 'fence')
local revisionText, fenceText = numbers[1], numbers[2]
${CHECKED}`

/** `pcall`, because the user may lack the permission to publish: then waiters look again after a pause. */
const NOTIFY = `
redis.pcall('PUBLISH', channel, name)`

const FREE = `
redis.call('HDEL', KEYS[1], 'owner', 'until')${NOTIFY}`

export const READ: string = `return redis.call('HMGET', KEYS[1], 'revision', 'record', 'fence')`

/** Scans names by a pattern: returns the next cursor, then names. */
export const SCAN: string = `
local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 1000)
local reply = { found[1] }
for _, name in ipairs(found[2]) do reply[#reply + 1] = name end
return reply`

/** Returns the server's time, and all fields of an account. */
export const INSPECT: string = `${NOW}
local had = redis.call('HMGET', KEYS[1], 'revision', 'record', 'fence', 'owner', 'until', 'abandoned')
return { digits(now), had[1], had[2], had[3], had[4], had[5], had[6] }`

export const TAKE: string = `${NOW}
local owner, lease, known, mayTakeOver = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local had = redis.call('HMGET', KEYS[1], 'revision', 'record', 'fence', 'owner', 'until', 'abandoned')
local revisionText, fenceText = had[1], had[3]
${CHECKED}
local holder, abandoned = had[4], had[6] == '1'
if holder ~= owner then
  if known and revision > known then return { 'newer' } end
  local left = (tonumber(had[5]) or 0) - now
  -- No lease is that much longer than ours: another program has set its end, or the server's clock was set back since.
  if not (left > 0 and left <= math.max(10 * tonumber(lease), 60000)) then left = 0 end
  -- A record that is known and has gone: the holder of a token that it could not write yet comes first.
  local isHeld = holder or known and revision < known
  if isHeld and (left > 0 and holder or not mayTakeOver) then
    -- A server that refuses writes (it is out of memory) refuses the holder's, too, whose lease ends meanwhile: this must not count as a
    -- response. The field is there, so that nothing is written. A user that may not ask for it (NOPERM) goes without.
    local probe = redis.pcall('HSETNX', KEYS[1], 'fence', digits(fence))
    local refusal = type(probe) == 'table' and probe.err
    if refusal and (string.find(refusal, 'OOM') or string.find(refusal, 'MISCONF') or string.find(refusal, 'NOREPLICAS')) then
      return probe
    end
    return { 'held', digits(holder and left or 0) }
  end
  local number = math.max(fence + 1, revision + 1, (known or 0) + 1, now)
  if number > last then return { 'invalid' } end
  abandoned = (holder or abandoned) and revision < fence
  fence = number
  redis.call('HSET', KEYS[1], 'owner', owner, 'fence', digits(fence), 'abandoned', abandoned and '1' or '0')
end
redis.call('HSET', KEYS[1], 'until', digits(now + lease))
return { 'lock', digits(fence), abandoned and '1' or '0', had[1], had[2] }`

/** If the hash has no number, or only lower ones, the server has forgotten the lock, and gives it again. A released lock leaves its number. */
export const EXTEND: string = `${NOW}
local owner, lease, number = ARGV[1], ARGV[2], tonumber(ARGV[3])
${NUMBERS}
if redis.call('HGET', KEYS[1], 'owner') ~= owner then
  if fence >= number or revision >= number then return { 'lost' } end
  redis.call('HSET', KEYS[1], 'owner', owner, 'fence', digits(number))
end
redis.call('HSET', KEYS[1], 'until', digits(now + lease))
return { 'extended' }`

export const WRITE: string = `
local owner, number, record, channel, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
${NUMBERS}
if revision < tonumber(number) then
  redis.call('HSET', KEYS[1], 'revision', number, 'record', record)
end
if fence < tonumber(number) then redis.call('HSET', KEYS[1], 'fence', number) end
if redis.call('HGET', KEYS[1], 'owner') == owner then
  redis.call('HDEL', KEYS[1], 'abandoned')${FREE}
end
local inForce = redis.call('HMGET', KEYS[1], 'revision', 'record')
return { 'written', inForce[1], inForce[2], revisionText or '0' }`

/** The lock stays with its holder, but the holder's own write then has a lower number. */
export const SWAP: string = `${NOW}
local seen, record, channel, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
${NUMBERS}
if revision ~= tonumber(seen) then return { 'changed' } end
local number = math.max(fence + 1, revision + 1, now)
if number > last then return { 'invalid' } end
redis.call('HSET', KEYS[1], 'revision', digits(number), 'record', record, 'fence', digits(number))
redis.call('HDEL', KEYS[1], 'abandoned')${NOTIFY}
return { 'swapped', digits(number) }`

export const RELEASE: string = `${IS_NUMBER}
local owner, abandoned, number, channel, name = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3]), ARGV[4], ARGV[5]
local numbers = redis.call('HMGET', KEYS[1], 'revision', 'fence')
local isForgotten = isNumber(numbers[1]) and isNumber(numbers[2])
  and tonumber(numbers[1] or 0) < number and tonumber(numbers[2] or 0) < number
if isForgotten then redis.call('HSET', KEYS[1], 'fence', ARGV[3]) end
if isForgotten or redis.call('HGET', KEYS[1], 'owner') == owner then
  if abandoned then redis.call('HSET', KEYS[1], 'abandoned', '1') end${FREE}
end
return 1`
