"""What the Redis server does in one step: no other client comes between a check and its write.

Epochs are at least the server's time in milliseconds, so that they go on growing where a server
has lost its memory. Times are those of the server.
"""

from __future__ import annotations

_ADMITS = """
local function admits(about, lease, epoch)
  local seen = tonumber(redis.call('HGET', about, 'epoch') or 0)
  local lent = tonumber(redis.call('HGET', lease, 'epoch') or 0)
  return epoch >= seen and epoch >= lent
end
"""

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

SAVE = f"""{_ADMITS}
local state, about, frames, all, own, lease = unpack(KEYS)
local epoch, text, seq, mission, status, place = unpack(ARGV)
if not admits(about, lease, tonumber(epoch)) then return 0 end
local before = redis.call('HGET', about, 'place')
if before and before ~= place then
  redis.call('ZREM', all, before)
  redis.call('ZREM', own, before)
end
redis.call('SET', state, text)
local last = math.max(tonumber(seq), tonumber(redis.call('HGET', about, 'last') or 0))
redis.call('HSET', about, 'epoch', epoch, 'mission', mission, 'status', status, 'place', place,
  'last', string.format('%.0f', last))
redis.call('ZADD', all, 0, place)
redis.call('ZADD', own, 0, place)
redis.call('ZREMRANGEBYSCORE', frames, '-inf', seq)
return 1
"""
"""Keys: state, about, frames, history, history of the mission, lease. 1, or 0: an older epoch."""

APPEND = f"""{_ADMITS}
local about, frames = unpack(KEYS)
local epoch, seq, text, leases = unpack(ARGV)
local mission = redis.call('HGET', about, 'mission') or ''
if not admits(about, leases .. mission, tonumber(epoch)) then return 0 end
local known = redis.call('ZRANGEBYSCORE', frames, seq, seq)[1]
if known then return known == text and 1 or 0 end
local last = tonumber(redis.call('HGET', about, 'last') or 0)
local goes_on = redis.call('HGET', about, 'epoch') == epoch
if goes_on and tonumber(seq) > last + 1 then return -1 end
redis.call('HSET', about, 'epoch', epoch, 'last', string.format('%.0f', math.max(last, seq)))
redis.call('ZADD', frames, seq, text)
return 1
"""
"""Keys: about, frames. 1, or 0: an older epoch, or another frame under this number.
-1: frames of this epoch before it are missing; a new one may begin further on, with what its
run has in its folder, and saves that whole.
"""

LIST = """
local abouts, status, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local last = -1
if status == '' and limit > 0 then last = limit - 1 end
local found = {}
for _, place in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, last)) do
  if #found == limit then break end
  local id = string.sub(place, string.find(place, ' ', 1, true) + 1)
  if status == '' or redis.call('HGET', abouts .. id, 'status') == status then
    found[#found + 1] = id
  end
end
return found
"""
"""Key: a history. Ids of executions, newest start first; a limit of -1 is none."""

DELETE = """
local state, about, frames, all = unpack(KEYS)
local mission, place = unpack(redis.call('HMGET', about, 'mission', 'place'))
if place then
  redis.call('ZREM', all, place)
  redis.call('ZREM', all .. ':' .. mission, place)
end
redis.call('DEL', state, about, frames)
"""
"""Keys: state, about, frames, history."""

ACQUIRE = f"""{_NOW}
local owner, milliseconds = unpack(ARGV)
local epoch, holder, ends = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'owner', 'ends'))
if epoch and holder ~= owner and tonumber(ends) > now then return false end
local new = math.max((tonumber(epoch) or 0) + 1, now)
redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', new), 'owner', owner,
  'ends', string.format('%.0f', now + milliseconds))
return new
"""
"""Key: a lease. The new epoch, or nothing while another owner has it."""

PROLONG = f"""{_NOW}
local epoch, milliseconds = unpack(ARGV)
if redis.call('HGET', KEYS[1], 'epoch') ~= epoch then return 0 end
local ends = milliseconds == '0' and 0 or now + milliseconds
redis.call('HSET', KEYS[1], 'ends', string.format('%.0f', ends))
return 1
"""
"""Key: a lease. 1, or 0 where this epoch does not have it; for 0 milliseconds it ends at once."""

HOLDS = f"""{_NOW}
local epoch, ends = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'ends'))
return epoch == ARGV[1] and tonumber(ends) > now and 1 or 0
"""
"""Key: a lease. 1, or 0 where this epoch does not have it."""
