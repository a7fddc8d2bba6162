// server.js PORT SOCKET WORKERS -- reservations by Node.js, ioredis and WATCH, a process a worker.
//
// WATCH belongs to a connection, so each transaction under way has one of its own, out of a pool. A
// connection that broke is thrown away with all that waits on it: ioredis' own reconnecting would send the
// rest of a transaction over a new connection, which watches nothing. RECONNECT=1 leaves it as ioredis
// has it by default. POOL (2): connections a worker.
import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import Redis from 'ioredis'

const [port, socket, workers] = process.argv.slice(2)
const poolSize = Number(process.env.POOL ?? 2)
const reconnect = process.env.RECONNECT === '1'
const triesMax = 10000
const retention = 24 * 3600

const idle = []
const waiting = []
let open = 0

function connect() {
    const options = reconnect ? {} : { retryStrategy: () => null, maxRetriesPerRequest: 0 }
    const redis = new Redis({ path: socket, ...options })
    redis.on('error', () => {}) // what waits on it is told
    redis.on('end', () => {
        open--
        const at = idle.indexOf(redis)
        if (at >= 0) idle.splice(at, 1)
        if (waiting.length > 0 && open < poolSize) waiting.shift()(connect())
    })
    open++
    return redis
}

function take() {
    if (idle.length > 0) return idle.pop()
    if (open < poolSize) return connect()
    return new Promise((resolve) => waiting.push(resolve))
}

function give(redis) {
    if (!['connecting', 'connect', 'ready'].includes(redis.status)) return // replaced when it has ended
    if (waiting.length > 0) waiting.shift()(redis)
    else idle.push(redis)
}

const pause = (tries) => new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** Math.min(tries, 5)))

async function reserve(redis, key, { sku, quantity, ttl_seconds }) {
    const stock = `item:${sku}`
    const once = `key:${key}`
    for (let tries = 0; tries < triesMax; tries++) {
        const [[failed], [unread, values]] = await redis.pipeline().watch(stock, once).mget(stock, once).exec()
        if (failed || unread) throw failed ?? unread
        const [available, done] = values
        if (done !== null || available === null || available < quantity) {
            await redis.unwatch()
            if (done !== null) return { status: 201, body: done }
            return available === null ? { status: 404, body: '{"error":"no-such-item"}' } : { status: 409, body: '{"error":"sold-out"}' }
        }
        const id = `r-${randomBytes(10).toString('hex')}`
        const deadline = Date.now() + ttl_seconds * 1000
        const body = JSON.stringify({ id, state: 'held', sku, quantity, remaining: available - quantity, expires_at: deadline })
        const written = await redis
            .multi()
            .decrby(stock, quantity)
            .hset(`reservation:${id}`, 'sku', sku, 'quantity', quantity, 'state', 'held', 'expires_at', deadline)
            .zadd('deadlines', deadline, id)
            .set(once, body, 'EX', retention)
            .xadd('events', '*', 'type', 'reserved', 'id', id, 'sku', sku, 'quantity', quantity)
            .exec()
        if (written !== null) return { status: 201, body }
        await pause(tries)
    }
    return { status: 503, body: '{"error":"contention"}' }
}

async function handle(request, text) {
    const key = request.headers['idempotency-key']
    let wanted
    try {
        wanted = JSON.parse(text)
    } catch {
        return { status: 400, body: '{"error":"malformed"}' }
    }
    if (!key || typeof wanted.sku !== 'string' || !(wanted.quantity > 0) || !(wanted.ttl_seconds > 0)) return { status: 400, body: '{"error":"malformed"}' }
    const redis = await take()
    try {
        return await reserve(redis, key, wanted)
    } catch {
        // Whether it was written is not known here; the client asks again with the same key.
        redis.disconnect()
        return { status: 503, body: '{"error":"unavailable"}' }
    } finally {
        give(redis)
    }
}

function serve() {
    const server = http.createServer((request, response) => {
        let text = ''
        request.setEncoding('utf8')
        request.on('data', (piece) => (text += piece))
        request.on('end', async () => {
            const { status, body } = await handle(request, text)
            response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
            response.end(body)
        })
    })
    server.keepAliveTimeout = 0
    server.listen(Number(port), '127.0.0.1')
}

if (cluster.isPrimary) {
    for (let i = 0; i < Number(workers); i++) cluster.fork()
    cluster.on('exit', () => cluster.fork())
} else {
    serve()
}
