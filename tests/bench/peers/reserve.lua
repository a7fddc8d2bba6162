-- reserve.lua -- one reservation as a script of Redis: what nginx and webdis call by EVALSHA.
--
-- KEYS: stock, record, deadlines, idempotency key, events. ARGV: sku, quantity, seconds to hold, id.
-- Answers {outcome, id, units left}. Redis runs nothing else meanwhile, so there is nothing to retry.
local done = redis.call('GET', KEYS[4])
if done then
    local id, left = string.match(done, '^(%S+) (%d+)$')
    return {'replayed', id, tonumber(left)}
end
local quantity, left = tonumber(ARGV[2]), tonumber(redis.call('GET', KEYS[1]))
if not left then return {'no-such-item', '', 0} end
if left < quantity then return {'sold-out', '', left} end

local time = redis.call('TIME')
local deadline = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3] * 1000
left = redis.call('DECRBY', KEYS[1], quantity)
redis.call('HSET', KEYS[2], 'sku', ARGV[1], 'quantity', quantity, 'state', 'held', 'expires_at', deadline)
redis.call('ZADD', KEYS[3], deadline, ARGV[4])
redis.call('SET', KEYS[4], ARGV[4] .. ' ' .. left, 'EX', 86400)
redis.call('XADD', KEYS[5], '*', 'type', 'reserved', 'id', ARGV[4], 'sku', ARGV[1], 'quantity', quantity)
return {'held', ARGV[4], left}
