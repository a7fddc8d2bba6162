-- load.lua -- what wrk sends: reservations of one unit, each with an idempotency key of its own.
--
-- wrk -s load.lua URL -- STYLE TARGET ITEMS PREFIX: `http` posts JSON to the path TARGET, `webdis` calls
-- the script whose hash is TARGET; over items s1 to s<ITEMS>; keys begin with PREFIX.
local make, keys, items, prefix = nil, 0, 1, ''

local function http(target)
    return function(key, sku)
        local body = '{"sku":"' .. sku .. '","quantity":1,"ttl_seconds":600}'
        return 'POST ' .. target .. ' HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: ' .. key
            .. '\r\nContent-Length: ' .. #body .. '\r\n\r\n' .. body
    end
end

local function webdis(target)
    return function(key, sku)
        return 'GET /EVALSHA/' .. target .. '/5/item:' .. sku .. '/reservation:r-' .. key .. '/deadlines/key:' .. key .. '/events/' .. sku
            .. '/1/600/r-' .. key .. ' HTTP/1.1\r\nHost: localhost\r\n\r\n'
    end
end

function init(args)
    make = ({http = http, webdis = webdis})[args[1]](args[2])
    items, prefix = tonumber(args[3]), args[4]
    math.randomseed(os.time())
end

function request()
    keys = keys + 1
    return make(prefix .. keys, 's' .. math.random(items))
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('rate %.1f p99_ms %.2f answers %d bad %d\n', summary.requests / summary.duration * 1000000,
        latency:percentile(99) / 1000, summary.requests, errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
