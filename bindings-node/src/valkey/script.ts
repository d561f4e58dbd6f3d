// What the server does, whole and alone: one credential's limits are one hash. It counts; what is asked for is the engine's.
//
// `run`     the run of the server that has written it: another one may have lost what was here
// `born`    since when this is known, in ms
// `owed`    requests that were taken and have not come back, in sixty-thousandths; `at`: when that was counted
// `m:NAME`  what a member holds: "SLOTS END"
//
// After a restart nobody knows what was held: until each member has had the time to say so nobody gets slots that he did not
// hold, and the bucket of requests begins empty. No window of time lets more through than the limit, whatever was lost.
export const TAKE = `
local key = KEYS[1]
local member, known = 'm:' .. ARGV[1], ARGV[2]
local used, held, slots, passes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local most, rate, bucket, ttl = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]) * 60000, tonumber(ARGV[10])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local server = redis.call('INFO', 'server')
local run = string.match(server, 'run_id:(%w+)')
local up = tonumber(string.match(server, 'uptime_in_seconds:(%d+)')) * 1000

local fields = redis.call('HGETALL', key)
local kept = {}
for at = 1, #fields, 2 do kept[fields[at]] = fields[at + 1] end
local born, owed, counted
if kept['run'] == run then
  born, owed, counted = tonumber(kept['born']), tonumber(kept['owed']), tonumber(kept['at'])
else
  -- What another run has written may be older than what it has told; where nothing is, nothing was since this run began.
  if next(kept) == nil then born = now - up else born = now end
  -- Those who have not heard of it yet go on by themselves for a moment.
  owed, counted = bucket, born + 2000
  if next(kept) ~= nil then redis.call('DEL', key) end
  kept = {}
end

local others, members, mine = 0, 1, 0
for name, value in pairs(kept) do
  if string.sub(name, 1, 2) == 'm:' then
    local has, ends = string.match(value, '^(%d+) (%d+)$')
    if has == nil or tonumber(ends) <= now then
      redis.call('HDEL', key, name)
    elseif name == member then
      mine = tonumber(has)
    else
      others, members = others + tonumber(has), members + 1
    end
  end
end

-- What is in use is in use; who knew another run says what he held.
local least = used
if known ~= '' and known ~= run and held > least then least = held end
local free = most - others
if now < born + ttl then free = mine end
local given = math.max(least, math.min(slots, free))
if most == 0 then given = 0 end

owed = math.max(0, math.min(owed, bucket) - math.max(0, now - counted) * rate)
local let, again = 0, 0
if rate > 0 and passes > 0 then
  let = math.min(passes, math.floor((bucket - owed) / 60000))
  if let <= 0 then
    let = 0
    again = math.ceil((owed + 60000 - bucket) / rate)
  end
  owed = owed + let * 60000
end
redis.call('HSET', key, 'run', run, 'born', born, 'owed', owed, 'at', now, member, given .. ' ' .. (now + ttl))
redis.call('PEXPIRE', key, 86400000)
return { run, given, let, members, again }
`;

/** A member is gone. */
export const LEAVE = `return redis.call('HDEL', KEYS[1], 'm:' .. ARGV[1])`;
